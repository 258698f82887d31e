"""FactorVAE score: hold one attribute, and see whether the dim that then varies least gives away which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.evidence import Evidence, gather
from latune.metrics.interventions import BINS, Alike, each_by_value, scaled, used_dims, vote_again, with_intervals
from latune.metrics.score import Score

TRAINING, HELD_OUT, VOTES_AGAIN = 10_000, 5_000, 30_000  # votes; the last for all resamples together
EXAMPLES = 64  # to a vote
VOTES_AT_ONCE = 64  # their codes stay in the processor's cache
STILL = 1e-9  # a share of the variance that is rounding only


def factor_vae(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""How often the dim that varies least among examples of equal attribute tells which attribute they share.

    A vote: 64 examples that share the value of attribute $l$ with one drawn at random, and
    $r^* = \arg\min_r \mathrm{var}_{64}(z^r) / \mathrm{var}(z^r)$. Each dim answers for the attribute that most of its
    10,000 training votes came from; the score is the share of 5,000 held-out votes that are answered right, as many for
    each attribute (Kim & Mnih 2018, section 4, https://arxiv.org/abs/1802.05983; numbers of votes as in Locatello et
    al. 2019, https://arxiv.org/abs/1811.12359). Classes are what they are; continuous attributes are cut into 20 bins
    of equal count, fewer where a bin would hold less than 5 examples. Only examples whose attribute is known are drawn.

    Unused dims do not vote: those that tell no attribute more than chance does (`used_dims`); without any used dim the
    score is 0. The paper prunes dims of little variance, which depends on the codes' scale.

    Traps: only the winner counts, so a code in which every dim mixes all attributes scores 1 as long as each dim leans
    on one of them; several dims for one attribute cost nothing; guessing is right in 1 / L of the votes
    (`detail["chance"]`). In resamples dims answer for what they answered for; their overall variance is kept.

    Args:
        codes: `[n, d]`, or evidence that several metrics share.
        values: `[n, L]` with at least two attributes, NaN where not known.
        names: of the attributes.
        discrete: for each attribute, whether it is a class.
        seed: of the votes and of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        NotApplicable: there is only one attribute, which is always guessed right.
        DataError: see `gather`.

    >>> z = np.random.default_rng(0).normal(size=(1000, 4))
    >>> leaning = z[:, :2] + 0.5 * z[:, [1, 0]]  # each dim tells both attributes
    >>> factor_vae(leaning, z[:, :2], ["slant", "width"]).value
    1.0
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    evidence.require("factor-vae", attributes=2)
    alike = each_by_value(evidence)
    used = used_dims(evidence, alike)
    voters = _Voters(evidence, used)
    each = TRAINING // len(alike), HELD_OUT // len(alike)
    training, held_out = np.zeros((2, len(alike), len(used)), dtype=np.int64)
    for index, attribute in enumerate(alike):
        draws = np.random.default_rng([evidence.seed, *b"factor-vae"])  # the same for each: their order is nothing
        training[index, used] = voters.votes(index, attribute, draws, each[0])
        held_out[index, used] = voters.votes(index, attribute, draws, each[1])
    answers = np.where(training.any(axis=0), training.argmax(axis=0), -1)  # a dim without votes answers for nothing

    def right(index: int, attribute: Alike, draws: np.random.Generator, count: int) -> float:
        return voters.votes(index, attribute, draws, count)[answers[used] == index].sum() / count

    score = evidence.score(
        "factor-vae",
        (held_out * (answers == np.arange(len(alike))[:, None])).sum(axis=1) / each[1],
        None,
        {
            "dim": {
                name: int(votes.argmax()) if votes.any() else None
                for name, votes in zip(evidence.names, training, strict=True)
            },
            "votes": {name: votes.tolist() for name, votes in zip(evidence.names, training, strict=True)},
            "chance": 1 / len(alike),
            "dims": np.flatnonzero(used).tolist(),
            "unused_dims": np.flatnonzero(~used).tolist(),
        },
        {
            "training_votes": each[0] * len(alike),
            "held_out_votes": each[1] * len(alike),
            "examples": EXAMPLES,
            "bins": BINS,
            "dims": "used",
            "seed": evidence.seed,
        },
    )
    return with_intervals(score, evidence, each[1], vote_again(evidence, alike, VOTES_AGAIN, right))


class _Voters:
    """The used dims, which vote by varying least."""

    def __init__(self, evidence: Evidence, used: Bool[np.ndarray, " d"]) -> None:
        self.codes = scaled(evidence, used)
        self.average = np.full((1, EXAMPLES), 1 / EXAMPLES)
        # filled again and again: fresh memory costs ten times more
        self.room = np.empty((VOTES_AT_ONCE * EXAMPLES, int(used.sum())))
        self.constant = [~z.any(axis=0) for z in self.codes]  # where the attribute is known

    def votes(self, index: int, attribute: Alike, draws: np.random.Generator, count: int) -> Int[np.ndarray, " used"]:
        """How many of `count` votes each used dim gets, among examples put together by an attribute's values."""
        z = self.codes[index]
        won = np.zeros(z.shape[1], dtype=np.int64)
        if self.constant[index].all():
            return won
        for start in range(0, count, VOTES_AT_ONCE):
            rows = attribute.groups(draws, min(VOTES_AT_ONCE, count - start), EXAMPLES)
            group = np.take(z, rows.ravel(), axis=0, out=self.room[: rows.size], mode="clip")
            group = group.reshape(*rows.shape, -1)  # (votes, examples, used)
            mean = (self.average @ group)[:, 0]  # (votes, used)
            variance = (self.average @ np.square(group, out=group))[:, 0] - mean**2
            variance[variance < STILL] = 0.0
            variance[:, self.constant[index]] = np.inf
            won += np.bincount(variance.argmin(axis=1), minlength=len(won))
        return won

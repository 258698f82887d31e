"""IRS, the interventional robustness score: how little a dim moves while one attribute is held and all else varies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64, Int, UInt8

from latune.metrics.bootstrap import LEVEL, RESAMPLES, interval
from latune.metrics.evidence import Evidence, gather
from latune.metrics.interventions import BINS, Alike, each_by_value, used_dims
from latune.metrics.score import Score

QUANTILE = 0.99  # of the deviations in a class, as the authors' code has it; 1 in the paper
FEWER = 4  # a resample is of one example in so many
FARTHEST = 100  # a resample draws none of the 100 farthest examples once in exp(25)
MOST_COUNTS = 1_000_000  # of draws looked at together
TINY = np.finfo(np.float64).tiny


def irs(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""Mean over used dims of how little the dim moves, at best, while one attribute is held.

    $1 - \min_l \frac{1}{M_r} \sum_v p(a_l = v)\, Q_{.99}(\lvert z^r - E_v[z^r] \rvert)$, expectation and quantile
    where $a_l = v$, with the largest deviation $M_r = \max \lvert z^r - E[z^r] \rvert$, which is also the dim's weight
    in the mean (Suter et al. 2019, https://arxiv.org/abs/1811.00007; the quantile as in their code, where the paper has
    the largest deviation).

    Classes are what they are, continuous attributes are cut into 20 bins of equal count, fewer where a bin would hold
    less than 5 examples; an example that shares its value with no other is left out. Without any used dim (see
    `used_dims`) the score is 0, and so is a dim that moves more within a class than in all.

    Traps: pure noise would score about .3, since .99 of the deviations stay well within the largest: hence used dims
    only; the largest deviation grows with the number of examples and with heavy tails, and classes of few examples look
    robust; the weights are in the codes' own units, `detail["equal_weights"]` is the plain mean; two dims of one
    attribute cost nothing.

    A largest deviation hardly changes when n examples are drawn from n, so intervals made that way are too narrow. Here
    each resample is of n / 4 (the m out of n bootstrap: Bickel, Götze & van Zwet 1997,
    https://www3.stat.sinica.edu.tw/statistica/j7n1/j7n1.htm), with the means of classes kept and the whole interval
    moved so that its middle is the score.

    Args:
        codes: `[n, d]`, or evidence that several metrics share.
        values: `[n, L]` with at least two attributes, NaN where not known.
        names: of the attributes.
        discrete: for each attribute, whether it is a class.
        seed: of the resamples.
        resamples: bootstrap resamples for the interval; 0 for none.

    Raises:
        NotApplicable: there is only one attribute, so nothing varies that a dim could be robust to.
        DataError: see `gather`.

    >>> digit, style = np.arange(1000) % 10, np.arange(1000) // 10 % 10
    >>> attributes = np.stack([digit, style], axis=1)
    >>> irs(attributes * [[1.0, -2.0]], attributes, ["digit", "style"], discrete=[True, True]).value
    1.0
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    evidence.require("irs", attributes=2)
    alike = each_by_value(evidence)
    used = used_dims(evidence, alike)
    dims, z = np.flatnonzero(used), np.asfortranarray(evidence.codes[:, used])
    counts = _drawn(evidence)
    held = [
        _held(z, np.flatnonzero(known), attribute, counts)
        for known, attribute in zip(evidence.known.T, alike, strict=True)
    ]
    share, largest = (np.stack(parts) for parts in zip(*((h.share, h.largest) for h in held), strict=True))  # (L, used)
    robust, weights = np.maximum(0.0, 1 - share), largest.mean(axis=0)
    of_dims = np.zeros(len(used))
    of_dims[dims] = robust.max(axis=0)
    attribute: list[str | None] = [None] * len(used)
    for dim, best in zip(dims, robust.argmax(axis=0), strict=True):
        attribute[dim] = evidence.names[best]
    settings = {"quantile": QUANTILE, "bins": BINS, "dims": "used", "weights": "largest deviation"}
    value, around = float(_mean(of_dims[dims], weights)), None
    if counts is not None:
        settings |= {"resamples": evidence.count, "drawn": f"n / {FEWER}", "level": LEVEL, "seed": evidence.seed}
        again = np.maximum(0.0, 1 - np.min([h.share_again for h in held], axis=0))  # (B, used)
        scores = _mean(again, np.mean([h.largest_again for h in held], axis=0))
        around = interval(np.clip(value + scores - scores.mean(), 0.0, 1.0), around=value)
    return Score(
        "irs",
        value,
        {},
        {
            "per_dim": of_dims.tolist(),
            "attribute": attribute,
            "equal_weights": float(_mean(of_dims[dims], np.ones(len(dims)))),
            "dims": dims.tolist(),
            "unused_dims": np.flatnonzero(~used).tolist(),
            "constant_dims": evidence.constant_dims,
        },
        settings,
        around,
    )


class Held(NamedTuple):
    """How far dims move while one attribute is held, as a share of their largest deviation; and in each resample."""

    share: Float64[np.ndarray, " d"]
    largest: Float64[np.ndarray, " d"]
    share_again: Float64[np.ndarray, "B d"]
    largest_again: Float64[np.ndarray, "B d"]


def _held(
    z: Float64[np.ndarray, "n d"],
    known: Int[np.ndarray, " k"],
    attribute: Alike,
    counts: UInt8[np.ndarray, "B n"] | None,
) -> Held:
    d, count = z.shape[1], 0 if counts is None else len(counts)
    found = Held(np.ones(d), np.zeros(d), np.ones((count, d)), np.zeros((count, d)))
    classes = _Classes(attribute, counts)
    for dim, column in enumerate(z.T):
        if np.ptp(column[known]) == 0:  # constant where this attribute is known: nothing to be seen of it
            continue
        deviation = np.abs(column[known] - column[known].mean())
        found.largest[dim] = deviation.max()
        moved, moved_again = classes.deviation(column)
        found.share[dim] = moved / found.largest[dim]
        if counts is not None:
            far = np.argsort(deviation)[: -FARTHEST - 1 : -1]
            first_drawn = (counts[:, known[far]] > 0).argmax(axis=1)
            largest = found.largest_again[:, dim] = deviation[far][first_drawn]
            found.share_again[:, dim] = moved_again / np.where(largest > 0, largest, found.largest[dim])
    return found


def _drawn(evidence: Evidence) -> UInt8[np.ndarray, "B n"] | None:
    """How often each example is drawn in each resample."""
    n, draws = len(evidence.codes), np.random.default_rng([evidence.seed, *b"irs"])
    if not evidence.count:
        return None
    counts = np.empty((evidence.count, n), dtype=np.uint8)
    for row in counts:
        row[:] = np.bincount(draws.integers(0, n, -(-n // FEWER)), minlength=n)
    return counts


class _Classes:
    """The classes of one attribute, and how often the farthest members of each are drawn in each resample."""

    def __init__(self, attribute: Alike, counts: UInt8[np.ndarray, "B n"] | None) -> None:
        self.rows, self.counts = attribute.members, counts
        self.size = np.bincount(attribute.label)
        self.first = np.cumsum(self.size) - self.size
        self.label = np.repeat(np.arange(len(self.size)), self.size)
        self.rank = (1 - QUANTILE) * (self.size - 1)  # of the quantile, counted from the farthest
        if self.counts is not None:
            self.drawn = np.add.reduceat(self.counts[:, self.rows], self.first, axis=1, dtype=np.int64)  # (B, C)
            self.rank_again = (1 - QUANTILE) * np.maximum(self.drawn - 1, 0)
            # Only a class's farthest members can be the quantile of a resample: as many as chance leaves room for.
            needed = self.rank_again.max() + 2
            wide = np.arange(min(self.size.max(), FEWER * int(needed + 5 * np.sqrt(needed) + 4)))
            self.last = np.minimum(len(wide), self.size) - 1
            self.tail = self.first[:, None] + np.minimum(wide, self.last[:, None])  # (C, wide)
            self.inside = wide <= self.last[:, None]

    def deviation(self, column: Float64[np.ndarray, " n"]) -> tuple[float, Float64[np.ndarray, " B"]]:
        """The .99 quantile of distances from the class's mean, averaged over examples; and in each resample."""
        z = column[self.rows]
        away = np.abs(z - (np.add.reduceat(z, self.first) / self.size)[self.label])
        order = np.argsort(2 * self.label - away / max(away.max(), TINY))  # class by class, the farthest first
        away = away[order]
        moved = _between(lambda rank: away[self.first + np.minimum(rank, self.size - 1)], self.rank)
        whole = float(moved @ self.size / self.size.sum())
        if self.counts is None:
            return whole, np.empty(0)
        members = self.rows[order][self.tail]  # (C, wide)
        again = np.empty(self.drawn.shape)
        step = max(1, MOST_COUNTS // members.size)
        for start in range(0, len(again), step):
            part = slice(start, start + step)
            before = np.cumsum(self.counts[part][:, members] * self.inside, axis=2, dtype=np.int32)  # (some, C, wide)
            again[part] = _between(
                lambda rank, before=before: away[
                    self.first + np.minimum((before <= rank[:, :, None]).sum(axis=2), self.last)
                ],
                self.rank_again[part],
            )
        return whole, (again * self.drawn).sum(axis=1) / np.maximum(self.drawn.sum(axis=1), 1)


def _between(value: Callable[[np.ndarray], np.ndarray], rank: np.ndarray) -> np.ndarray:
    """A value at a rank between two whole ones, by a straight line."""
    below = np.floor(rank).astype(np.int64)
    return value(below) + (rank - below) * (value(below + 1) - value(below))


def _mean(values: Float64[np.ndarray, "... d"], weights: Float64[np.ndarray, "... d"]) -> np.ndarray:
    """The weighted mean over dims; 0 without dims."""
    total = weights.sum(axis=-1)
    return np.asarray((values * weights).sum(axis=-1) / np.where(total > 0, total, 1.0))

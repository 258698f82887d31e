"""DCI: disentanglement, completeness and informativeness, from trees that tell each attribute from all dims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float64

from latune.errors import DataError, unknown
from latune.metrics.bootstrap import LEVEL, RESAMPLES, interval
from latune.metrics.evidence import Evidence, gather
from latune.metrics.score import Score
from latune.metrics.trees import LARGEST_LEAF, LEAVES, SMALLEST_LEAF, TREES, Told, told

Probe = Literal["extra-trees", "gradient-boosting"]


def dci(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    probe: str = "extra-trees",
) -> dict[str, Score]:
    r"""The three scores of Eastwood & Williams 2018 (https://openreview.net/forum?id=By-7dz-AZ), from one fit.

    A probe tells each attribute from all dims, trained on half of the examples. The importance $R_{rl}$ of dim $r$ for
    attribute $l$ is the share of the decrease in impurity (variance, or Gini's of classes) that its splits bring; over
    the dims of an attribute it adds up to 1.

    - disentanglement: $\sum_r \rho_r (1 - H_L(R_{r \cdot}))$, entropy to base L of a dim's row divided by its sum, and
      $\rho_r = \sum_l R_{rl} / \sum_{rl} R_{rl}$: a dim that tells nothing weighs nothing, and
      an attribute whose held-out half is told no better than by a guess does not count (see not_told in detail);
    - completeness: the mean over attributes of $1 - H_d(R_{\cdot l})$, 0 for one that nothing tells;
    - informativeness: the mean over attributes of what is told of the other half: the share of examples whose class is
      told right (chance is not 0), or $R^2$ of a continuous attribute, at least 0.

    "extra-trees": 20 extremely randomised trees on the ranks of each dim. Monotone maps of a dim and the order of dims
    change nothing, and all three have intervals: the trees stay and examples are resampled, so they are narrower than
    if trees were grown anew (disentanglement and completeness about half as wide, informativeness two thirds).
    "gradient-boosting": 100 boosted trees per attribute with scikit-learn's defaults, as disentanglement_lib takes
    (Locatello et al. 2019, https://arxiv.org/abs/1811.12359); many times slower, with intervals for informativeness
    alone, and under names of their own, because the numbers differ by some hundredths.

    Trap: trees spend the splits that are left on noise. What is told badly spreads over all dims, and scores low.

    Args:
        codes: `[n, d]` with at least two dims, or evidence that several metrics share.
        values: `[n, L]` with at least two attributes, NaN where not known.
        names: of the attributes.
        discrete: for each attribute, whether it is a class.
        seed: of the halves, the trees and the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.
        probe: "extra-trees" or "gradient-boosting".

    Raises:
        NotApplicable: there is only one dim or one attribute.
        DataError: no such probe; and see `gather`.

    >>> z = np.random.default_rng(0).normal(size=(1000, 3))
    >>> scores = dci(z, np.tanh(z[:, :2]), ["slant", "width"])
    >>> {name: round(score.value, 1) for name, score in scores.items()}
    {'dci-disentanglement': 1.0, 'dci-completeness': 1.0, 'dci-informativeness': 1.0}
    """
    if probe not in get_args(Probe):
        raise DataError(unknown("probe", probe, get_args(Probe)))
    evidence = gather(codes, values, names, discrete, seed, resamples)
    evidence.require("dci", dims=2, attributes=2)
    found = evidence.trees if probe == "extra-trees" else told(evidence, probe)
    scores = (_disentanglement(evidence, found, probe), _completeness(evidence, found, probe))
    return {score.name: score for score in (*scores, _informativeness(evidence, found, probe))}


def dci_disentanglement(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    """Whether each dim tells one attribute only, by `dci` with extra-trees; its arguments and errors.

    Eastwood & Williams 2018 (https://openreview.net/forum?id=By-7dz-AZ).

    >>> z = np.random.default_rng(0).normal(size=(1000, 3))
    >>> round(dci_disentanglement(z, np.stack([z[:, 0], -z[:, 0]], axis=1), ["slant", "width"]).value, 1)
    0.0
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    evidence.require("dci-disentanglement", dims=2, attributes=2)
    return _disentanglement(evidence, evidence.trees, "extra-trees")


def dci_completeness(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    """Whether each attribute is told by one dim only, by `dci` with extra-trees; its arguments and errors.

    Eastwood & Williams 2018 (https://openreview.net/forum?id=By-7dz-AZ).

    >>> z = np.random.default_rng(0).normal(size=(1000, 2))
    >>> round(dci_completeness(z, z[:, :1] - z[:, 1:], ["slant"]).value, 1)
    0.0
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    evidence.require("dci-completeness", dims=2)
    return _completeness(evidence, evidence.trees, "extra-trees")


def dci_informativeness(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    """How well all dims together tell each attribute, by `dci` with extra-trees; its arguments and errors.

    Eastwood & Williams 2018 (https://openreview.net/forum?id=By-7dz-AZ), who report an error; this is 1 less an error.

    >>> z = np.random.default_rng(0).normal(size=(1000, 2))
    >>> round(dci_informativeness(z, np.abs(z[:, :1]), ["slant"]).value, 1)
    1.0
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    return _informativeness(evidence, evidence.trees, "extra-trees")


def concentration(importance: Float64[np.ndarray, "... m"]) -> Float64[np.ndarray, "..."]:
    """1 less the entropy of shares, to the base of how many there are: 1 if one has all, 0 if all are equal or none.

    >>> concentration(np.array([[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0], [0.0] * 4])).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    from scipy.special import entr

    total = importance.sum(axis=-1, keepdims=True)
    shares = importance / np.where(total > 0, total, 1.0)
    spread = entr(shares).sum(axis=-1) / np.log(importance.shape[-1])
    return np.where(total[..., 0] > 0, np.clip(1.0 - spread, 0.0, 1.0), 0.0)


def weighted_disentanglement(importance: Float64[np.ndarray, "B d L"]) -> Float64[np.ndarray, " B"]:
    """The mean of each dim's `concentration` over attributes, weighted by its importance, in each resample.

    >>> weighted_disentanglement(np.array([[[1.0, 0.0], [0.0, 0.5], [0.0, 0.5], [0.0, 0.0]]]))
    array([1.])
    """
    weight = importance.sum(axis=-1)
    total = weight.sum(axis=-1)
    return (weight * concentration(importance)).sum(axis=-1) / np.where(total > 0, total, 1.0)


def _importance(evidence: Evidence, found: list[Told]) -> tuple[np.ndarray, np.ndarray | None]:
    """`[d, L]`, and in each resample `[B, d, L]`; every attribute's add up to 1 or 0."""
    whole = np.stack([one.importance for one in found], axis=1)
    rows = [one.rows for one in found if one.rows is not None]
    if evidence.resamples is None or not rows:
        return whole, None
    each = [evidence.resamples.means(part, one.shown) for part, one in zip(rows, found, strict=True)]
    again = np.maximum(0.0, np.stack(each, axis=2))
    total = again.sum(axis=1, keepdims=True)
    return whole, again / np.where(total > 0, total, 1.0)


def _heard(evidence: Evidence, found: list[Told]) -> np.ndarray:
    """Which attributes are told better than by a guess that knows the commonest class, or the mean."""
    told = []
    for one, is_class, column in zip(found, evidence.discrete, evidence.values.T, strict=True):
        guess = 1.0
        if is_class:
            held = column[one.held]
            guess = 1.0 - np.unique(held, return_counts=True)[1].max() / len(held)
        # two standard errors: of an attribute in no code, held-out loss falls below the guess's by chance
        told.append(one.loss.mean() + 2 * one.loss.std() / len(one.loss) ** 0.5 < guess)
    return np.array(told)


def _disentanglement(evidence: Evidence, found: list[Told], probe: str) -> Score:
    whole, again = _importance(evidence, found)
    heard = _heard(evidence, found)
    whole = whole * heard  # the importances for what is not told are noise, and would count in full
    again = None if again is None else again * heard
    settings = _settings(evidence, probe)
    value, around = float(weighted_disentanglement(whole[None])[0]), None
    if again is not None:
        settings |= {"resamples": evidence.count, "level": LEVEL}
        around = interval(weighted_disentanglement(again), around=value)
    weight = whole.sum(axis=1)
    return Score(
        _name("dci-disentanglement", probe),
        value,
        {},
        {
            "per_dim": concentration(whole).tolist(),
            "weight": (weight / (weight.sum() or 1.0)).tolist(),
            "attribute": [evidence.names[column] for column in whole.argmax(axis=1)],
            "importance": {name: column.tolist() for name, column in zip(evidence.names, whole.T, strict=True)},
            "not_told": [name for name, is_told in zip(evidence.names, heard, strict=True) if not is_told],
            "constant_dims": evidence.constant_dims,
        },
        settings,
        around,
    )


def _completeness(evidence: Evidence, found: list[Told], probe: str) -> Score:
    whole, again = _importance(evidence, found)
    return evidence.score(
        _name("dci-completeness", probe),
        concentration(whole.T),
        None if again is None else concentration(again.swapaxes(1, 2)),
        {"dim": evidence.by_name(whole.argmax(axis=0)), "share": evidence.by_name(whole.max(axis=0))},
        _settings(evidence, probe),
    )


def _informativeness(evidence: Evidence, found: list[Told], probe: str) -> Score:
    again = None
    if evidence.resamples is not None:
        losses = [evidence.resamples.means(one.loss, one.held) for one in found]
        again = np.maximum(0.0, 1.0 - np.stack(losses, axis=1))
    chance = {}  # the share of the commonest class: what says nothing of the codes
    for name, is_class, column in zip(evidence.names, evidence.discrete, evidence.values.T, strict=True):
        known = column[~np.isnan(column)]
        chance[name] = float(np.unique(known, return_counts=True)[1].max() / len(known)) if is_class else 0.0
    return evidence.score(
        _name("dci-informativeness", probe),
        np.maximum(0.0, 1.0 - np.array([one.loss.mean() for one in found])),
        again,
        {
            "measure": {
                name: "accuracy" if is_class else "R2"
                for name, is_class in zip(evidence.names, evidence.discrete, strict=True)
            },
            "chance": chance,
            "on_examples_shown": evidence.by_name(np.array([max(0.0, 1.0 - one.loss_of_shown) for one in found])),
        },
        _settings(evidence, probe),
    )


def _name(score: str, probe: str) -> str:
    return score if probe == "extra-trees" else f"{score}-{probe}"


def _settings(evidence: Evidence, probe: str) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "probe": probe,
        "importance": "decrease in impurity, over the dims of an attribute adding up to 1",
        "held_out": 0.5,
        "seed": evidence.seed,
    }
    if probe == "extra-trees":
        settings |= {
            "trees": TREES,
            "resampled": "examples; the trees stay",
            "fewest_in_a_leaf": f"examples shown / {LEAVES}, {SMALLEST_LEAF} to {LARGEST_LEAF}",
        }
    return settings

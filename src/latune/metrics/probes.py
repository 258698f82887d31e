"""What metrics that train probes share: an attribute as classes, and the half of its examples that is held out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int, Shaped

from latune.metrics.correlation import ranks
from latune.metrics.evidence import Evidence
from latune.metrics.histogram import classes

BINS = 2  # a straight line over the codes has one boundary: of more bins, the inner ones are not to be told by it


class Task(NamedTuple):
    """One attribute to be told from codes: the examples a probe is shown, those it is measured on, and the answers."""

    column: int
    shown: Int[np.ndarray, " a"]  # rows of the evidence
    held: Int[np.ndarray, " b"]
    answers: Shaped[np.ndarray, " n"]  # by row of the evidence: class indices or numbers; of rows in no half, 0
    classes: int  # 0 where the answers are numbers


def tasks(evidence: Evidence, bins: int | None = BINS) -> Iterator[Task]:
    """One task for each attribute, in order; each on the examples for which that attribute is known.

    Half of the examples are held out; where there are classes, half of each. The halves follow from the seed and from
    what the data say, not from how they are written: the order of rows and of dims, and any monotone map of a dim or of
    an attribute, leave them as they are.

    Args:
        evidence: codes and attributes.
        bins: continuous attributes are cut into that many classes by `quantile_classes`; None leaves them as they are.
    """
    found = {}
    for (columns, rows), ranked in zip(evidence.groups, evidence.centred_ranks, strict=True):
        far = (ranked**2).sum(axis=1)  # how far from the middle: knows neither the order of dims nor their direction
        for column in columns.tolist():
            values = evidence.values[rows, column]
            place = ranks(values[:, None])[:, 0] - (len(rows) + 1) / 2
            place = -place if far @ place < 0 else place
            strata = np.zeros_like(place)
            if evidence.discrete[column]:
                labels, strata = classes(values), place
            elif bins is not None:
                labels = strata = quantile_classes(place, bins)
            else:
                labels = values
            answers = np.zeros(len(evidence.codes), dtype=labels.dtype)
            answers[rows] = labels
            order = np.lexsort((far, place))
            order = order[np.random.default_rng([evidence.seed, len(rows)]).permutation(len(rows))]
            order = order[np.argsort(strata[order], kind="stable")]
            count = 0 if labels.dtype.kind == "f" else int(labels.max()) + 1
            found[column] = Task(column, rows[order[::2]], rows[order[1::2]], answers, count)
    return (found[column] for column in range(len(evidence.names)))


def quantile_classes(column: Float[np.ndarray, " n"], bins: int) -> Int[np.ndarray, " n"]:
    """A continuous column cut into at most `bins` classes of nearly equal size; equal values stay together.

    Each boundary lies between two distinct values, where the share of smaller ones is nearest to its quantile. Without
    ties, that is the median for two bins.

    >>> quantile_classes(np.array([0.1, 0.2, 0.3, 0.4]), bins=2).tolist()
    [0, 0, 1, 1]
    >>> quantile_classes(np.array([0.0, 0.0, 0.0, 0.5]), bins=2).tolist()  # most are tied
    [0, 0, 0, 1]
    """
    place, count = np.unique(column, return_inverse=True, return_counts=True)[1:]
    share = np.cumsum(count)[:-1] / len(column)  # below each boundary between distinct values
    wanted = np.arange(1, bins) / bins
    after = np.minimum(np.searchsorted(share, wanted), len(share) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(wanted - share[before] <= share[after] - wanted, before, after)
    return np.searchsorted(np.unique(nearest), place, side="left")


def standardised(codes: Float[np.ndarray, "n d"], like: Float[np.ndarray, "m d"]) -> Float64[np.ndarray, "n d"]:
    """Codes less the mean and over the standard deviation of other codes; dims that do not vary there become 0."""
    size = np.abs(like).max(axis=0)
    size = np.where(size > 0, size, 1.0)  # scaled first, so that squares neither vanish nor overflow
    small = like / size
    spread = small.std(axis=0)
    varies = spread > 1e-12
    return np.where(varies, (codes / size - small.mean(axis=0)) / np.where(varies, spread, 1.0), 0.0)

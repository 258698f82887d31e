"""Examples that share an attribute's value: what an intervention on the attribute would show, from the data at hand.

The FactorVAE score, the β-VAE score and IRS hold one attribute and look which dims hold still. Their papers ask a
simulator for new images; here the examples are those that have the value already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int

from latune.metrics.bootstrap import LEVEL
from latune.metrics.evidence import NOISE_FLOOR, Evidence
from latune.metrics.histogram import classes
from latune.metrics.score import Score

BINS = 20
FEWEST_ALIKE = 5  # examples in a bin of a continuous attribute
FEWEST_DRAWN = 1000  # examples in a resample, where there are as many


class Alike(NamedTuple):
    """The examples of one attribute, put together by its value; one that shares its value with no other is left out.

    Args:
        rows: the examples, in the order of the data.
        label: the class of each, from 0.
        members: all examples, class by class.
        place: of each example, where it stands in `members`.
        first: of each example, where its class begins in `members`.
        size: of each example, how many its class has.
    """

    rows: Int[np.ndarray, " m"]
    label: Int[np.ndarray, " m"]
    members: Int[np.ndarray, " m"]
    place: Int[np.ndarray, " m"]
    first: Int[np.ndarray, " m"]
    size: Int[np.ndarray, " m"]

    def groups(self, draws: np.random.Generator, count: int, examples: int) -> Int[np.ndarray, "count examples"]:
        """Groups of examples that share the value of one drawn at random; with replacement.

        >>> alike = by_value(np.array([7.0, 3.0, 7.0, 3.0, 5.0]), is_class=True)
        >>> sorted({tuple(sorted(set(group))) for group in alike.groups(np.random.default_rng(0), 100, 20).tolist()})
        [(0, 2), (1, 3)]
        """
        one = _whole(draws, (count, 1), len(self.rows))
        return self.members[self.first[one] + _whole(draws, (count, examples), self.size[one])]

    def pairs(self, draws: np.random.Generator, *shape: int) -> tuple[Int[np.ndarray, "..."], Int[np.ndarray, "..."]]:
        """Pairs of different examples that share a value, the first drawn at random.

        >>> alike = by_value(np.array([7.0, 3.0, 7.0, 3.0, 5.0]), is_class=True)
        >>> sorted(set(zip(*(side.tolist() for side in alike.pairs(np.random.default_rng(0), 100)))))
        [(0, 2), (1, 3), (2, 0), (3, 1)]
        """
        one = _whole(draws, shape, len(self.rows))
        size, first = self.size[one], self.first[one]
        step = 1 + _whole(draws, shape, size - 1)  # to another member, round the circle of its class
        return self.rows[one], self.members[first + (self.place[one] - first + step) % size]

    def resampled(self, draws: np.random.Generator, share: float) -> Iterator[Alike]:
        """Again and again, a share of each class's members drawn with replacement, two or more."""
        full = np.bincount(self.label)
        size = np.maximum(2, np.ceil(full * share)).astype(np.int64)
        label = np.repeat(np.arange(len(size)), size)
        place, first, begin = np.arange(len(label)), (np.cumsum(size) - size)[label], (np.cumsum(full) - full)[label]
        while True:
            members = self.members[begin + _whole(draws, label.shape, full[label])]
            yield Alike(members, label, members, place, first, size[label])


def each_by_value(evidence: Evidence) -> list[Alike]:
    """The examples of every attribute, put together by its value."""
    return [
        by_value(column, bool(is_class)) for column, is_class in zip(evidence.values.T, evidence.discrete, strict=True)
    ]


def by_value(column: Float64[np.ndarray, " n"], is_class: bool) -> Alike:
    """Put the known examples of an attribute together by its value.

    Classes are what they are. A continuous attribute is cut by its ranks into 20 bins of equal count, fewer where a bin
    would hold less than 5 examples; equal values stay together.

    >>> by_value(np.array([0.0, 1.0, 0.0, np.nan, 1.0, 2.0]), is_class=True).members.tolist()
    [0, 2, 1, 4]
    """
    rows = np.flatnonzero(~np.isnan(column))
    bins = int(np.clip(len(rows) // FEWEST_ALIKE, 2, BINS))
    label = classes(column[rows]) if is_class else equal_counts(column[rows, None], bins)[:, 0]
    several = np.bincount(label)[label] > 1
    rows, label = rows[several], classes(label[several])
    size = np.bincount(label)
    order = np.argsort(label, kind="stable")
    return Alike(rows, label, rows[order], np.argsort(order), (np.cumsum(size) - size)[label], size[label])


def equal_counts(columns: Float64[np.ndarray, "n m"], bins: int) -> Int[np.ndarray, "n m"]:
    """Each column cut by its ranks into `bins` of equal count; equal values share a bin, so some may stay empty.

    >>> equal_counts(np.array([[0.0], [9.0], [1.0], [1.1]]), 2).ravel().tolist()
    [0, 1, 0, 1]
    """
    cut = np.empty(columns.shape, dtype=np.int64)
    for column, into in zip(columns.T, cut.T, strict=True):
        _, which, count = np.unique(column, return_inverse=True, return_counts=True)
        middle = 2 * np.cumsum(count) - count  # twice the mean rank of equal values, less 1
        into[:] = (middle * bins // (2 * len(columns)))[which]
    return cut


def used_dims(evidence: Evidence, alike: list[Alike]) -> Bool[np.ndarray, " d"]:
    """Dims that tell more about some attribute than chance does: the floor of `Evidence.used` by a faster estimate.

    2.5 / sqrt(n) nats are compared with Pearson's X² between bins of the dim's ranks and the attribute's classes, less
    what is expected of independent columns, over 2n. By ranks, neither scale nor shape of a dim matters.
    """
    used = np.zeros(evidence.codes.shape[1], dtype=bool)
    cut: dict[tuple[bytes, int], np.ndarray] = {}  # attributes known for the same examples share it
    for rows, label, *_ in alike:
        n, count = len(rows), int(label.max()) + 1
        if count == 1:
            continue
        bins = int(np.clip(1 + n // (2 * (count - 1)), 2, BINS))  # the floor is then five deviations of X² or more
        key = (rows.tobytes(), bins)
        if key not in cut:
            cut[key] = equal_counts(evidence.codes[rows], bins)
        used |= _excess(cut[key], label, bins, count) / (2 * n) > NOISE_FLOOR / n**0.5
    return used & evidence.varying


def _excess(bins: np.ndarray, label: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Pearson's X² of every column of bins with one column of classes, less its expectation under independence."""
    n, d = bins.shape
    cell = (np.arange(d) * rows + bins) * columns + label[:, None]
    table = np.bincount(cell.ravel(), minlength=d * rows * columns).reshape(d, rows, columns)
    margin = table.sum(axis=2, keepdims=True)
    expected = margin * (np.bincount(label) / n)
    share = np.divide((table - expected) ** 2, expected, out=np.zeros(table.shape), where=margin > 0)
    freedom = ((margin > 0).sum(axis=(1, 2)) - 1) * (columns - 1)
    return share.sum(axis=(1, 2)) - freedom * (n / (n - 1))


def scaled(evidence: Evidence, dims: Bool[np.ndarray, " d"]) -> list[Float64[np.ndarray, "n used"]]:
    """For each attribute, the codes with mean 0 and variance 1 over the examples where it is known.

    Zeros in a dim that does not vary there.
    """
    found = {}
    for columns, rows in evidence.groups:
        codes = evidence.codes[:, dims]
        own = codes[rows]
        moves = np.ptp(own, axis=0) > 0
        z = np.where(moves, (codes - own.mean(axis=0)) / np.where(moves, own.std(axis=0), 1.0), 0.0)
        found |= dict.fromkeys(columns.tolist(), z)
    return [found[column] for column in range(len(found))]


class Again(NamedTuple):
    """How often votes on resampled examples were right.

    Args:
        right: the share, in each resample and of each attribute.
        votes: in each resample, of each attribute.
        drawn: examples in a resample, as a share of all.
    """

    right: Float64[np.ndarray, "B L"]
    votes: int
    drawn: float


def vote_again(
    evidence: Evidence, alike: list[Alike], votes: int, vote: Callable[[int, Alike, np.random.Generator, int], float]
) -> Again | None:
    """Vote on resamples of the examples: all up to 1,000, and one in four of many (the m out of n bootstrap).

    Few votes say little of one resample, and fewer examples move the score more: the votes' own noise then hides less.

    Args:
        evidence: the examples; nothing is done where no resamples were asked for.
        alike: the examples of every attribute.
        votes: for all resamples together.
        vote: the share of right votes, of an attribute by its index, in examples put together by their values.
    """
    if not evidence.count:
        return None
    n, each = len(evidence.codes), max(2, votes // (evidence.count * len(alike)))
    share = min(1.0, max(FEWEST_DRAWN / n, 0.25))
    draws = np.random.default_rng([evidence.seed, *b"votes again"])
    right = np.empty((evidence.count, len(alike)))
    for index, attribute in enumerate(alike):
        again = attribute.resampled(draws, share)
        for row in right:
            row[index] = vote(index, next(again), draws, each)
    return Again(right, each, share)


def with_intervals(score: Score, evidence: Evidence, votes: int, again: Again | None) -> Score:
    """Give a score of `votes` votes an attribute its intervals, from what resamples of the examples scored.

    The variance is that of the resamples less what their few votes add by themselves, for as many examples as there
    are, and what the score's own votes add; the interval is the normal one around the score.
    """
    if again is None:
        return score
    count, whole = len(score.per_attribute), np.array([*score.per_attribute.values()])
    own = whole * (1 - whole) / votes  # (L,)
    noise = (again.right * (1 - again.right)).mean(axis=0) / (again.votes - 1)
    of_each = np.maximum(again.right.var(axis=0, ddof=1) - noise, 0) * again.drawn + own
    of_mean = np.maximum(again.right.mean(axis=1).var(ddof=1) - noise.sum() / count**2, 0) * again.drawn
    of_mean += own.sum() / count**2
    reach = NormalDist().inv_cdf((1 + LEVEL) / 2)

    def around(value: float, variance: float) -> tuple[float, float]:
        return max(0.0, value - reach * variance**0.5), min(1.0, value + reach * variance**0.5)

    return replace(
        score,
        settings=score.settings
        | {"resamples": evidence.count, "level": LEVEL, "resampled_share_of_examples": again.drawn},
        interval=around(score.value, float(of_mean)),
        intervals={
            name: around(value, variance)
            for (name, value), variance in zip(score.per_attribute.items(), of_each.tolist(), strict=True)
        },
    )


def _whole(draws: np.random.Generator, shape: tuple[int, ...], below: int | Int[np.ndarray, "..."]) -> np.ndarray:
    """Whole numbers from 0 to `below` - 1, each with its own `below`."""
    return (draws.random(shape) * below).astype(np.int64)

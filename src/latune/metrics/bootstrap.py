"""Bootstrap intervals: what a number would be on other examples, from resamples of the ones at hand.

A metric that is a function of means over examples is computed for all resamples at once: the means are one matrix
product with the counts of how often each example was drawn. Where an estimate is a mean of one number an example
(nearest-neighbour information, pointwise information of a histogram), those numbers are kept and their mean is
resampled: an estimator is not run again on repeated rows, whose distance of zero would mislead nearest neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float64, Int, Shaped, UInt8

RESAMPLES = 200
LEVEL = 0.95
ROWS_AT_ONCE = 16_384  # of counts turned to float64 for one product


class Resamples:
    """How often each of `n` examples is drawn in each of `count` resamples of n examples with replacement.

    Efron 1979 (https://doi.org/10.1214/aos/1176344552). The same n, count and seed give the same resamples, so that
    scores of one set of examples are resampled together.

    Args:
        n: examples.
        count: resamples.
        seed: of the draws.

    >>> resamples = Resamples(4, count=3, seed=0)
    >>> resamples.counts.sum(axis=1).tolist()
    [4, 4, 4]
    >>> resamples.means(np.ones((4, 2))).tolist()
    [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]
    """

    counts: UInt8[np.ndarray, "B n"]

    def __init__(self, n: int, count: int = RESAMPLES, seed: int = 0) -> None:
        draw = np.random.default_rng([seed, n])
        self.counts = np.empty((count, n), dtype=np.uint8)  # no example is drawn 256 times: p < 1e-300
        for row in self.counts:
            row[:] = np.bincount(draw.integers(0, n, n), minlength=n)

    def __len__(self) -> int:
        return len(self.counts)

    def means(
        self, rows: Shaped[np.ndarray, "n ..."], of: Int[np.ndarray, " m"] | None = None
    ) -> Float64[np.ndarray, "B ..."]:
        """The mean of numbers that each example has, in each resample.

        Args:
            rows: `[n, ...]`, one entry per example; `[m, ...]` where `of` is given.
            of: only these examples count, and `rows` holds theirs alone. A resample that drew none of them keeps the
                mean over all of them.
        """
        counts = self.counts if of is None else self.counts[:, of]
        flat = rows.reshape(len(rows), -1)
        total, drawn = np.zeros((len(self), flat.shape[1])), np.zeros(len(self))
        for start in range(0, len(flat), ROWS_AT_ONCE):
            some = counts[:, start : start + ROWS_AT_ONCE].astype(np.float64)
            total += some @ flat[start : start + ROWS_AT_ONCE].astype(np.float64, copy=False)
            drawn += some.sum(axis=1)
        empty = drawn == 0
        total[empty], drawn[empty] = flat.sum(axis=0), len(flat)
        return (total / drawn[:, None]).reshape(len(self), *rows.shape[1:])


def interval(values: Any, level: float = LEVEL, around: float | None = None) -> tuple[float, float]:
    """The percentile interval of a number's resamples: the middle `level` of them.

    Args:
        values: the number in each resample.
        level: share of resamples that lie within.
        around: the number itself. The best of several dims is better still in resamples, which repeat what chance did:
            where that leaves the number outside, the interval is widened to it.

    >>> interval(np.arange(101.0), level=0.5)
    (25.0, 75.0)
    """
    low, high = np.quantile(np.asarray(values, dtype=np.float64), [(1 - level) / 2, (1 + level) / 2])
    if around is not None:
        low, high = min(low, around), max(high, around)
    return float(low), float(high)

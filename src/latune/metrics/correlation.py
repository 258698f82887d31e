"""Pearson's and Spearman's correlation of every column with every other column, at once."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int

from latune.metrics.bootstrap import Resamples

ROUNDING = 1e-12  # a column whose spread is below this share of its size varies by rounding only


def pearson(x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "n q"]) -> Float64[np.ndarray, "p q"]:
    """Pearson's correlation of every column of `x` with every column of `y`; zero where either does not vary.

    >>> x = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]])
    >>> pearson(x, -x[:, :1]).round(6).tolist()
    [[-1.0], [0.0]]
    """
    return np.clip(_unit(x).T @ _unit(y), -1.0, 1.0)


def pearson_resampled(
    x: Float[np.ndarray, "n p"],
    y: Float[np.ndarray, "n q"],
    resamples: Resamples,
    of: Int[np.ndarray, " n"] | None = None,
) -> Float64[np.ndarray, "B p q"]:
    """Pearson's correlation of every column with every other in each resample; zero where either does not vary.

    >>> x = np.random.default_rng(0).normal(size=(50, 1))
    >>> pearson_resampled(x, 2 * x, Resamples(50, 3)).ravel().round(12).tolist()
    [1.0, 1.0, 1.0]
    """
    n = len(x)
    u, v = _unit(x) * np.sqrt(n), _unit(y) * np.sqrt(n)  # mean 0, variance 1: differences of moments lose nothing
    mean_u, mean_v = resamples.means(u, of), resamples.means(v, of)
    var_u = resamples.means(u**2, of) - mean_u**2
    var_v = resamples.means(v**2, of) - mean_v**2
    both = np.stack([resamples.means(u * column[:, None], of) for column in v.T], axis=2)  # (B, p, q)
    covariance = both - mean_u[:, :, None] * mean_v[:, None, :]
    scale = var_u[:, :, None] * var_v[:, None, :]
    varies = scale > ROUNDING
    return np.clip(np.where(varies, covariance / np.sqrt(np.where(varies, scale, 1.0)), 0.0), -1.0, 1.0)


def spearman(
    x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "n q"]
) -> tuple[Float64[np.ndarray, "p q"], Float64[np.ndarray, "p q"]]:
    """Spearman's rho, ties at their mean rank, and its two-sided p-value by Student's t with n - 2 degrees of freedom.

    >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> [float(matrix[0, 0]) for matrix in spearman(x, x**3)]
    [1.0, 0.0]
    """
    rho = pearson(ranks(x), ranks(y)).round(15)  # a perfect order is 1, not 1 - 2e-16
    return rho, p_value(rho, len(x))


def ranks(columns: Float[np.ndarray, "n p"]) -> Float64[np.ndarray, "n p"]:
    """The rank of each value in its column, from 1; ties share their mean rank."""
    from scipy.stats import rankdata

    return rankdata(columns, axis=0)


def p_value(rho: Float64[np.ndarray, "..."], n: int) -> Float64[np.ndarray, "..."]:
    """How often chance alone gives a correlation of that size in n rows: Student's t with n - 2 degrees of freedom."""
    from scipy.special import stdtr

    size = np.abs(rho)
    with np.errstate(divide="ignore"):  # a perfect order: t is infinite, p is 0
        t = size * np.sqrt((n - 2) / ((1.0 + size) * (1.0 - size)))
    return 2.0 * stdtr(n - 2, -t)


def _unit(columns: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and length 1, or all 0 where they do not vary."""
    columns = columns.astype(np.float64)
    size = np.abs(columns).max(axis=0)
    centred = columns / np.where(size > 0, size, 1.0)  # scaled first, so that squares neither vanish nor overflow
    centred -= centred.mean(axis=0)
    spread = np.abs(centred).max(axis=0)
    varies = spread > ROUNDING
    centred = np.where(varies, centred / np.where(varies, spread, 1.0), 0.0)
    return centred / np.where(varies, np.sqrt((centred**2).sum(axis=0)), 1.0)

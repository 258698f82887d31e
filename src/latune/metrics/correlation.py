"""Pearson's and Spearman's correlation of every column with every other column, at once."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64

ROUNDING = 1e-12  # a column whose spread is below this share of its size varies by rounding only


def pearson(x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "n q"]) -> Float64[np.ndarray, "p q"]:
    """Pearson's correlation of every column of `x` with every column of `y`; zero where either does not vary.

    >>> x = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]])
    >>> pearson(x, -x[:, :1]).round(6).tolist()
    [[-1.0], [0.0]]
    """
    return np.clip(_unit(x).T @ _unit(y), -1.0, 1.0)


def spearman(
    x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "n q"]
) -> tuple[Float64[np.ndarray, "p q"], Float64[np.ndarray, "p q"]]:
    """Spearman's rho, ties at their mean rank, and its two-sided p-value by Student's t with n - 2 degrees of freedom.

    >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> [float(matrix[0, 0]) for matrix in spearman(x, x**3)]
    [1.0, 0.0]
    """
    from scipy.special import stdtr
    from scipy.stats import rankdata

    rho = pearson(rankdata(x, axis=0), rankdata(y, axis=0)).round(15)  # a perfect order is 1, not 1 - 2e-16
    freedom = len(x) - 2
    with np.errstate(divide="ignore"):  # a perfect order: t is infinite, p is 0
        t = np.abs(rho) * np.sqrt(freedom / ((1.0 + np.abs(rho)) * (1.0 - np.abs(rho))))
    return rho, 2.0 * stdtr(freedom, -t)


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

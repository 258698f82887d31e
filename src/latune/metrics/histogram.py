"""Mutual information and entropy of columns cut into bins or already in classes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int, Shaped

BINS = 20


def binned(columns: Float[np.ndarray, "n m"], bins: int = BINS) -> Int[np.ndarray, "n m"]:
    """Each column cut into `bins` equal widths between its least and greatest value; indices from 0.

    >>> binned(np.array([[0.0], [0.4], [0.6], [1.0]]), bins=2).ravel().tolist()
    [0, 0, 1, 1]
    """
    edges = np.linspace(columns.min(axis=0), columns.max(axis=0), bins + 1)  # (bins + 1, m)
    return np.stack(
        [np.searchsorted(e[1:-1], c, side="right") for e, c in zip(edges.T, columns.T, strict=True)], axis=1
    )


def classes(column: Shaped[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """The distinct values of a column as indices from 0, in ascending order.

    >>> classes(np.array([5.0, 2.0, 5.0])).tolist()
    [1, 0, 1]
    """
    return np.unique(column, return_inverse=True)[1]


def entropy(label: Int[np.ndarray, " n"]) -> float:
    """Entropy of a column of indices, in nats.

    >>> round(entropy(np.array([0, 1, 2, 3])), 6)  # ln 4
    1.386294
    """
    return float(_entropy(np.bincount(label)[None])[0])


def histogram_information(bins: Int[np.ndarray, "n d"], label: Int[np.ndarray, " n"]) -> Float64[np.ndarray, " d"]:
    """Mutual information of every column of bins with one column of classes, in nats: H(z) + H(a) - H(z, a).

    >>> label = np.array([0, 0, 1, 1])
    >>> (histogram_information(np.stack([label, label[[0, 2, 0, 2]]], axis=1), label) / np.log(2)).round(6).tolist()
    [1.0, 0.0]
    """
    d, rows, columns = bins.shape[1], int(bins.max()) + 1, int(label.max()) + 1
    cell = (np.arange(d) * rows + bins) * columns + label[:, None]  # (n, d): one cell of d tables
    tables = np.bincount(cell.ravel(), minlength=d * rows * columns).reshape(d, rows, columns)
    information = _entropy(tables.sum(axis=2)) + entropy(label) - _entropy(tables.reshape(d, -1))
    return np.maximum(0.0, information)


def histogram_rows(bins: Int[np.ndarray, "n d"], label: Int[np.ndarray, " n"]) -> Float64[np.ndarray, "n d"]:
    """What each row adds to that information: ln p(z, a) - ln p(z) - ln p(a) of its cell; its mean is the information.

    >>> label = np.array([0, 0, 1, 1])
    >>> (histogram_rows(np.stack([label, label[[0, 2, 0, 2]]], axis=1), label).mean(axis=0) / np.log(2)).tolist()
    [1.0, 0.0]
    """
    (n, d), rows, columns = bins.shape, int(bins.max()) + 1, int(label.max()) + 1
    code = np.arange(d) * rows + bins  # (n, d): one bin of d columns
    cell = code * columns + label[:, None]  # (n, d): one cell of d tables
    together = np.bincount(cell.ravel(), minlength=d * rows * columns)[cell]
    alone = np.bincount(code.ravel(), minlength=d * rows)[code] * np.bincount(label)[label][:, None]
    return np.log(together * (n / alone))


def _entropy(counts: np.ndarray) -> np.ndarray:
    """Entropy of each row (last axis) of a table of counts."""
    from scipy.special import entr

    return entr(counts / counts.sum(axis=-1, keepdims=True)).sum(axis=-1)

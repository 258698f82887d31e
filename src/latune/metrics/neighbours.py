"""Mutual information from nearest neighbours: of two continuous columns (Kraskov), or of one and classes (Ross).

Both agree with scikit-learn's estimators number for number, about three times faster on one core: along one axis
neighbours are counted by bisection in the sorted column, and only the joint search of two columns needs a tree.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int, Shaped

NEIGHBOURS = 3


class Axis:
    """One continuous column with its order, in which neighbours are counted by bisection."""

    def __init__(self, values: Float64[np.ndarray, " n"]) -> None:
        self.values = values
        self.order = np.argsort(values, kind="stable")
        self.ascending = values[self.order]

    def count_within(self, radius: Float64[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """How many points lie within `radius[i]` of point i, itself included; in ascending order of the points.

        Distances are compared as rounded differences, as a tree does. Bisection alone would compare with the rounded
        sum `x + r`, and so miscount the very neighbour that set the radius.
        """
        x, r, n = self.ascending, radius[self.order], len(self.ascending)
        above = np.searchsorted(x, x + r, side="right")  # first point beyond
        below = np.searchsorted(x, x - r, side="left")  # first point inside
        # Rounding misplaces few points, by one or so: only those are looked at again.
        last = n - 1
        while len(inside := np.flatnonzero((x.take(above, mode="clip") - x <= r) & (above <= last))):
            above[inside] += 1
        while len(beyond := np.flatnonzero(x.take(above - 1) - x > r)):
            above[beyond] -= 1
        while len(inside := np.flatnonzero((x - x.take(below - 1, mode="clip") <= r) & (below > 0))):
            below[inside] -= 1
        while len(beyond := np.flatnonzero(x - x.take(below) > r)):
            below[beyond] += 1
        return above - below


def ksg(x: Axis, y: Axis, neighbours: int = NEIGHBOURS) -> float:
    """Mutual information of two continuous columns, in nats, clipped at 0: the mean of `ksg_rows`.

    >>> line = Axis(np.arange(8.0))
    >>> round(ksg(line, line), 4)
    1.0929
    """
    return max(0.0, float(ksg_rows(x, y, neighbours).mean()))


def ksg_rows(x: Axis, y: Axis, neighbours: int = NEIGHBOURS) -> Float64[np.ndarray, " n"]:
    """What each point adds to the mutual information of two continuous columns, in nats.

    I = mean over points of psi(n) + psi(k) - psi(n_x + 1) - psi(n_y + 1), where n_x counts the points nearer along x
    than the k-th joint neighbour in the maximum norm (Kraskov, Stögbauer & Grassberger 2004, Eq. 8;
    https://arxiv.org/abs/cond-mat/0305641).

    >>> line = Axis(np.arange(8.0))
    >>> ksg_rows(line, line).shape
    (8,)
    """
    from scipy.spatial import KDTree
    from scipy.special import digamma

    n = len(x.values)
    joint = np.stack([x.values, y.values], axis=1)[x.order]  # (n, 2), sorted: neighbours in memory are neighbours in x
    tree = KDTree(joint, leafsize=10, balanced_tree=False, compact_nodes=False)  # built once, asked once
    distance = tree.query(joint, k=neighbours + 1, p=np.inf)[0][:, -1]  # the first neighbour is the point itself
    radius = np.empty(n)
    radius[x.order] = np.nextafter(distance, 0.0)  # strictly nearer
    psi = digamma(np.arange(1.0, n + 1.0))
    rows = np.full(n, psi[n - 1] + psi[neighbours - 1])
    for axis in (x, y):
        rows[axis.order] -= psi[axis.count_within(radius) - 1]
    return rows


def ross(x: Axis, classes: Shaped[np.ndarray, " n"], neighbours: int = NEIGHBOURS) -> float:
    """Mutual information of a continuous column and classes, in nats, clipped at 0: the mean of `ross_rows`.

    >>> x = Axis(np.concatenate([np.arange(8.0), 20 + np.arange(8.0)]))
    >>> round(ross(x, np.repeat([0, 1], 8)), 4)
    0.7254
    """
    rows = ross_rows(x, classes, neighbours)
    return max(0.0, float(rows[np.isfinite(rows)].mean())) if np.isfinite(rows).any() else 0.0


def ross_rows(x: Axis, classes: Shaped[np.ndarray, " n"], neighbours: int = NEIGHBOURS) -> Float64[np.ndarray, " n"]:
    """What each point adds to the mutual information of a continuous column and classes, in nats.

    I = mean over points of psi(n) + psi(k) - psi(n_class) - psi(m), where m counts the points of any class within the
    distance of the k-th neighbour in the point's own class (Ross 2014; https://doi.org/10.1371/journal.pone.0087357).
    Classes with a single member are left out (NaN); a class of fewer than k + 1 uses all its members.

    >>> x = Axis(np.concatenate([np.arange(8.0), 20 + np.arange(8.0)]))
    >>> ross_rows(x, np.repeat([0, 1], 8)).mean().round(4)
    np.float64(0.7254)
    """
    return labelled_ross_rows(x, *np.unique(classes, return_inverse=True, return_counts=True)[1:], neighbours)


def labelled_ross_rows(
    x: Axis, label: Int[np.ndarray, " n"], size: Int[np.ndarray, " k"], neighbours: int = NEIGHBOURS
) -> Float64[np.ndarray, " n"]:
    """`ross_rows` of classes that are indices already, with the number of members of each."""
    from scipy.special import digamma

    rows = np.full(len(x.values), np.nan)
    kept = size[label] > 1
    if not kept.all():
        label, x = label[kept], Axis(x.values[kept])
    if len(label) == 0:
        return rows
    n = len(label)
    small = label.astype(np.uint16) if len(size) <= 65_536 else label  # which numpy sorts by counting
    order = x.order[np.argsort(small[x.order], kind="stable")]  # by class, ascending within each class
    value, group = x.values[order], small[order]
    before, after = np.full((2, neighbours + 1, n), np.inf)  # to the k points on each side, in the same class
    before[0], after[0] = 0.0, 0.0
    for step in range(1, min(neighbours, n - 1) + 1):
        gap = np.where(group[step:] == group[:-step], value[step:] - value[:-step], np.inf)
        before[step, step:] = gap
        after[step, :-step] = gap
    k = np.minimum(neighbours, size[label[order]] - 1)
    distance = np.empty(n)
    for count in np.unique(np.minimum(neighbours, size[size > 1] - 1)):
        # the k nearest are j before and k - j after, for the j that reaches least far
        distance = np.where(k == count, np.maximum(before[: count + 1], after[count::-1]).min(axis=0), distance)
    radius = np.empty(n)
    radius[order] = np.nextafter(distance, 0.0)
    psi = digamma(np.arange(1.0, n + 1.0))
    own = np.empty(n)
    own[x.order] = -psi[x.count_within(radius) - 1]
    own[order] += psi[k - 1]
    rows[kept] = own + psi[n - 1] - psi[size[label] - 1]
    return rows

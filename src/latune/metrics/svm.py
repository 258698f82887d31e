"""Linear support vector machines on one code each: every dim against every class, solved at once.

One dim and a threshold is all such a machine has, so the examples inside its margin are those on one side of a point of
the sorted column. Their sums are differences of running sums, and a Newton step costs two bisections however many
examples there are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int

COST = 0.01  # of an example inside the margin
STEPS = 100  # of Newton's method; about ten are taken
HALVINGS = 50  # of one step
PRECISION = 1e-12  # of the gradient, as a share of its terms


class Machines(NamedTuple):
    """Weight and bias of each dim against each class; with two classes, against the second only."""

    weight: Float64[np.ndarray, "d k"]
    bias: Float64[np.ndarray, "d k"]

    def predict(self, codes: Float64[np.ndarray, "n d"]) -> Int[np.ndarray, "n d"]:
        """The class that each dim alone says each example is of; the first of equals."""
        told = np.empty(codes.shape, dtype=np.int64)
        for dim, (weight, bias) in enumerate(zip(self.weight, self.bias, strict=True)):  # n x k numbers at a time
            score = codes[:, dim, None] * weight + bias
            told[:, dim] = score[:, 0] > 0 if len(weight) == 1 else score.argmax(axis=1)
        return told


def fit(codes: Float64[np.ndarray, "n d"], labels: Int[np.ndarray, " n"], classes: int, cost: float = COST) -> Machines:
    r"""Machines with squared hinge loss, one dim and one class against the rest each.

    $\min_{w,b} \frac{1}{2}(w^2 + b^2) + \sum_i c_i \max(0, 1 - y_i (w z_i + b))^2$, where an example of the class
    costs $C n / (k n_{class})$, and any other $C$, or with two classes as much by its own class: scikit-learn's
    `LinearSVC` with `class_weight="balanced"` (Fan et al. 2008, https://www.jmlr.org/papers/v9/fan08a.html), run until
    it is solved.

    Args:
        codes: `[n, d]`.
        labels: of the same examples, 0 to `classes` - 1, each of which occurs.
        classes: two or more.
        cost: C.

    >>> z = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> fit(z, np.array([0, 0, 1, 1]), classes=2).predict(z).ravel().tolist()
    [0, 0, 1, 1]
    """
    size = np.bincount(labels, minlength=classes)
    balanced = cost * len(labels) / (classes * size)
    if classes == 2:
        return _solve(codes, labels, np.array([1]), balanced[1:], balanced[:1])
    return _solve(codes, labels, np.arange(classes), balanced, np.full(classes, cost))


class _Sums:
    """Numbers, sums and sums of squares of sorted columns from any place to any other."""

    def __init__(self, codes: np.ndarray, block: np.ndarray) -> None:
        order = np.lexsort((codes, np.broadcast_to(block[:, None], codes.shape)), axis=0)
        self.sorted = np.take_along_axis(codes, order, axis=0).T  # (d, n): by block, ascending within each
        self.start = np.concatenate([[0], np.cumsum(np.bincount(block))])
        running = np.stack([self.sorted, self.sorted**2])
        self.running = np.concatenate([np.zeros((2, len(self.sorted), 1)), running.cumsum(axis=2)], axis=2)
        self.dims = np.arange(len(self.sorted))[:, None]

    def beyond(self, point: np.ndarray, above: np.ndarray, block: np.ndarray) -> np.ndarray:
        """Of the examples above (or else below) each point `[d, k]` in its block: number, sum and sum of squares."""
        first = np.broadcast_to(self.start[block], point.shape)
        last = np.broadcast_to(self.start[block + 1], point.shape)
        low, high = first, last
        while (low < high).any():  # the first place in the block whose value is not below the point
            middle = (low + high) // 2
            below = (self.sorted[self.dims, np.minimum(middle, self.sorted.shape[1] - 1)] < point) & (low < high)
            low, high = np.where(below, middle + 1, low), np.where(below, high, middle)
        begin, end = np.where(above, low, first), np.where(above, last, low)
        return np.concatenate(
            [(end - begin)[None], self.running[:, self.dims, end] - self.running[:, self.dims, begin]]
        )


class _Place(NamedTuple):
    """The objective of every machine, its gradient by weight and bias, and its curvature, at one place."""

    value: Float64[np.ndarray, "d k"]
    slope: Float64[np.ndarray, "2 d k"]
    curvature: Float64[np.ndarray, "3 d k"]  # by weight twice, by both, by bias twice
    size: Float64[np.ndarray, "2 d k"]  # of the gradient's terms: what rounding is measured against


def _solve(codes: np.ndarray, labels: np.ndarray, classes: np.ndarray, own: np.ndarray, other: np.ndarray) -> Machines:
    by_class, whole = _Sums(codes, labels), _Sums(codes, np.zeros_like(labels))
    at = np.zeros((2, codes.shape[1], len(classes)))  # weight and bias
    place = _look(at, by_class, whole, classes, own, other)
    moving = np.ones(at.shape[1:], dtype=bool)
    for _ in range(STEPS):
        step = _newton(place) * moving
        promised = (place.slope * step).sum(axis=0)  # what the step gains to first order; negative
        length = np.ones_like(promised)
        for _ in range(HALVINGS):
            ahead = _look(at + length * step, by_class, whole, classes, own, other)
            short = ahead.value > place.value + 1e-4 * length * promised + 1e-14 * np.abs(place.value)
            if not short.any():
                break
            length = np.where(short, length / 2, length)
        at, place = at + length * step, ahead
        moving = (np.abs(place.slope) > PRECISION * place.size).any(axis=0)
        if not moving.any():
            break
    return Machines(*at)


def _look(
    at: np.ndarray, by_class: _Sums, whole: _Sums, classes: np.ndarray, own: np.ndarray, other: np.ndarray
) -> _Place:
    weight, bias = at
    rising, flat = weight >= 0, weight == 0
    slope = np.where(flat, 1.0, weight)
    inner = np.where(flat, np.where(bias < 1, np.inf, -np.inf), (1 - bias) / slope)  # the class is inside below it
    outer = np.where(flat, np.where(bias > -1, -np.inf, np.inf), (-1 - bias) / slope)  # the rest is inside above it
    inside = own * by_class.beyond(inner, ~rising, classes)
    rest = whole.beyond(outer, rising, np.zeros_like(classes)) - by_class.beyond(outer, rising, classes)
    count, first, second = np.stack([inside, other * rest], axis=1)  # each (2, d, k): the class and the rest
    sign = np.array([1.0, -1.0])[:, None, None]
    gap = 1 - sign * bias  # what an example at zero lacks of the margin
    loss = (count * gap**2 - 2 * sign * gap * weight * first + weight**2 * second).sum(axis=0)
    terms = np.stack(
        [
            [weight, *(-2 * sign * gap * first), *(2 * weight * second)],
            [bias, *(-2 * sign * gap * count), *(2 * weight * first)],
        ]
    )  # (2, 5, d, k)
    return _Place(
        0.5 * (weight**2 + bias**2) + loss,
        terms.sum(axis=1),
        np.stack([1 + 2 * second.sum(axis=0), 2 * first.sum(axis=0), 1 + 2 * count.sum(axis=0)]),
        np.abs(terms).sum(axis=1),
    )


def _newton(place: _Place) -> Float64[np.ndarray, "2 d k"]:
    """The step to where the gradient is zero, if the curvature stays."""
    ww, wb, bb = place.curvature
    by_weight, by_bias = place.slope
    return np.stack([wb * by_bias - bb * by_weight, wb * by_weight - ww * by_bias]) / (ww * bb - wb**2)

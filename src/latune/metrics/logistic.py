"""Logistic regression of each class against the rest, by Newton's method."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64

STEPS = 100  # about ten are taken
HALVINGS = 50  # of one step
PRECISION = 1e-9  # of the objective that the next step would gain, as a share
BLOCK = 200_000  # products at a time: with more, the library shares them between threads, and waiting outweighs them


def fit(codes: Float64[np.ndarray, "n d"], members: Bool[np.ndarray, "n k"]) -> Float64[np.ndarray, "k e"]:
    r"""Weights of every class against the rest, the bias last: `[k, d + 1]`.

    $\min_{w,b} \frac{1}{2} |w|^2 + \sum_i \ln(1 + e^{-y_i (w z_i + b)})$: scikit-learn's `LogisticRegression` with its
    defaults (C = 1, the bias free), run until it is solved.

    Args:
        codes: `[n, d]`, best with dims of equal spread.
        members: `[n, k]`, which examples are of which class; each class has some and leaves some.

    >>> z = np.array([[-1.0], [0.0], [1.0], [2.0]])
    >>> fit(z, np.array([[False], [False], [True], [True]])).round(3).tolist()
    [[0.958, -0.479]]
    """
    design = np.concatenate([codes, np.ones((len(codes), 1))], axis=1)  # (n, e)
    return np.stack([_one(design, np.where(member, 1.0, -1.0)) for member in members.T])


def _one(design: np.ndarray, sign: np.ndarray) -> np.ndarray:
    held = np.ones(design.shape[1])
    held[-1] = 0.0  # the bias is free

    def objective(weight: np.ndarray) -> float:
        return 0.5 * float(held @ weight**2) + float(np.logaddexp(0.0, -sign * (design @ weight)).sum())

    share = np.clip((sign > 0).mean(), 1e-12, 1 - 1e-12)
    weight = np.zeros(design.shape[1])
    weight[-1] = np.log(share / (1 - share))
    value = objective(weight)
    for _ in range(STEPS):
        wrong = 0.5 * (1.0 - np.tanh(0.5 * sign * (design @ weight)))  # probability of the other side
        slope = held * weight - design.T @ (sign * wrong)
        curvature = _weighted_squares(design, wrong * (1.0 - wrong)) + np.diag(held)
        curvature[-1, -1] += 1e-12  # where every example is told for certain, nothing else holds the bias
        step = -np.linalg.solve(curvature, slope)
        gain = -0.5 * float(slope @ step)
        if gain <= PRECISION * value:
            weight = weight + step
            break
        length = 1.0
        for _ in range(HALVINGS):
            ahead = objective(weight + length * step)
            if ahead <= value - 1e-4 * length * gain:
                break
            length /= 2
        weight, value = weight + length * step, ahead
    return weight


def _weighted_squares(design: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The sum over rows of a weight times the outer product of the row with itself."""
    total, rows = np.zeros((design.shape[1], design.shape[1])), max(256, BLOCK // design.shape[1] ** 2)
    for start in range(0, len(design), rows):
        some = design[start : start + rows]
        total += (some * weight[start : start + rows, None]).T @ some
    return total

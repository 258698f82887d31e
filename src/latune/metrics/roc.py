"""The area under the ROC curve, also in resamples of the examples."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float64, UInt8

AT_ONCE = 16  # resamples: few enough for a processor's cache


def auc(scores: Float[np.ndarray, " n"], members: Bool[np.ndarray, " n"]) -> float:
    """How often a member scores above another example; half of the ties count.

    >>> auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    0.75
    """
    return float(auc_resampled(scores, members, np.ones((1, len(scores)), dtype=np.uint8))[0])


def auc_resampled(
    scores: Float[np.ndarray, " n"], members: Bool[np.ndarray, " n"], counts: UInt8[np.ndarray, "B n"]
) -> Float64[np.ndarray, " B"]:
    """The same where each example was drawn as often as `counts` says.

    A resample without members, or of members only, keeps the value of the examples as they are.

    Args:
        scores: `[n]`.
        members: `[n]`; some are and some are not.
        counts: `[B, n]`.

    >>> members = np.array([False, False, True, True])
    >>> auc_resampled(np.array([0.1, 0.4, 0.35, 0.8]), members, np.array([[1, 2, 1, 0]], dtype=np.uint8)).round(3)
    array([0.333])
    """
    order = np.argsort(scores, kind="stable")
    ascending, member = scores[order], members[order]
    tied = bool((ascending[1:] == ascending[:-1]).any())
    if tied:  # others up to the first of equals, and up to the last
        first = np.searchsorted(ascending, ascending, side="left") - 1
        last = np.searchsorted(ascending, ascending, side="right") - 1
    area = np.empty(len(counts))
    for start in range(0, len(counts), AT_ONCE):
        drawn = counts[start : start + AT_ONCE, order].astype(np.float64)
        below = np.cumsum(drawn * ~member, axis=1)
        if tied:
            below = (below[:, last] + np.where(first >= 0, below[:, first], 0.0)) / 2
        of_members = drawn * member
        pairs = of_members.sum(axis=1) * (drawn.sum(axis=1) - of_members.sum(axis=1))
        won = np.einsum("bn,bn->b", of_members, below)
        area[start : start + AT_ONCE] = np.where(pairs > 0, won / np.maximum(pairs, 1.0), np.nan)
    return np.where(np.isnan(area), auc(scores, members), area) if np.isnan(area).any() else area

"""The lead of the best dim over the second best, for each attribute."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int


class Gap(NamedTuple):
    """Per attribute: the best dim, its score, and the second best score."""

    dims: Int[np.ndarray, "... L"]
    best: Float64[np.ndarray, "... L"]
    second: Float64[np.ndarray, "... L"]


def top_two(scores: Float64[np.ndarray, "... d L"]) -> Gap:
    """The best dim of each column, its score and the runner-up's; the lowest index wins a tie.

    Any axes before the last two, of resamples, are kept.

    >>> top_two(np.array([[0.9], [0.2], [0.5]]))
    Gap(dims=array([0]), best=array([0.9]), second=array([0.5]))
    """
    ordered = np.sort(scores, axis=-2)
    return Gap(scores.argmax(axis=-2), ordered[..., -1, :], ordered[..., -2, :])


def lead(gap: Gap) -> Float64[np.ndarray, "... L"]:
    """By how much the best is ahead.

    >>> lead(top_two(np.array([[0.75], [0.25], [0.5]]))).tolist()
    [0.25]
    """
    return gap.best - gap.second

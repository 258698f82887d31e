"""Reconstruction: how near decoded images are to those that were encoded."""

from __future__ import annotations

from typing import Any

import numpy as np

from latune.errors import DataError
from latune.metrics.arrays import as_array
from latune.metrics.score import Score


def pixel_accuracy(reconstructed: Any, originals: Any, threshold: float = 0.5) -> Score:
    """Share of pixels on the same side of the threshold in both, over all pixels of all images.

    The reconstruction accuracy of Pati & Lerch 2020, Fig. 5 (https://arxiv.org/abs/2004.05485).

    Args:
        reconstructed: `[n, ...]` in [0, 1]: probabilities or grey values, not logits.
        originals: the same shape, in [0, 1].
        threshold: a pixel of this value or more is on.

    Raises:
        DataError: shapes that differ, empty, not finite, or values outside [0, 1].

    >>> pixel_accuracy([[0.9, 0.2], [0.4, 0.6]], [[1.0, 0.0], [1.0, 1.0]]).value
    0.75
    """
    made, true = _pair(reconstructed, originals)
    for what, images in (("reconstructed images", made), ("original images", true)):
        low, high = float(images.min()), float(images.max())
        if low < 0.0 or high > 1.0:
            raise DataError(
                f"The {what} range from {low:g} to {high:g}; allowed is 0 to 1. "
                "Divide bytes by 255; put logits through a sigmoid."
            )
    same = (made >= threshold) == (true >= threshold)
    return Score("pixel-accuracy", float(same.mean()), settings={"threshold": threshold})


def mean_squared_error(reconstructed: Any, originals: Any) -> Score:
    """Squared difference, mean over all pixels of all images; 0 is perfect.

    Args:
        reconstructed: `[n, ...]`.
        originals: the same shape.

    Raises:
        DataError: shapes that differ, empty, or not finite.

    >>> mean_squared_error([[1.0, 0.0]], [[0.5, 0.0]]).value
    0.125
    """
    made, true = _pair(reconstructed, originals)
    return Score("mean-squared-error", float(np.square(made - true).mean(dtype=np.float64)))


def _pair(reconstructed: Any, originals: Any) -> tuple[np.ndarray, np.ndarray]:
    made, true = as_array(reconstructed, "reconstructed images"), as_array(originals, "original images")
    if made.shape != true.shape:
        raise DataError(
            f"Reconstructed images have shape {list(made.shape)}, the originals {list(true.shape)}; they must be equal."
        )
    return made, true

"""Images as measuring functions see them: uint8 arrays, whatever they were."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import UInt8

from latune.errors import DataError

ALLOWED = "uint8, or floats in [0, 1], of shape [n, h, w], [n, 1, h, w], [n, 3, h, w] or [n, h, w, 3]"


def to_uint8(images: Any) -> UInt8[np.ndarray, "n h w *rgb"]:
    """Images as a uint8 array `[n, h, w]` (grey) or `[n, h, w, 3]` (colour).

    Args:
        images: an array or a tensor on any device, uint8 or floats in [0, 1] (scaled by 255 and rounded), grey
            `[n, h, w]` or `[n, 1, h, w]`, colour `[n, 3, h, w]` or `[n, h, w, 3]`.

    Raises:
        DataError: if the images are anything else.

    >>> to_uint8(np.full((2, 1, 4, 5), 0.5)).shape, to_uint8(np.full((1, 1, 1), 0.5)).item()
    ((2, 4, 5), 128)
    """
    if hasattr(images, "detach"):  # a torch tensor; numpy has no bfloat16
        images = images.detach().cpu()
        images = (images.float() if images.is_floating_point() else images).numpy()
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[1] in (1, 3):
        images = images[:, 0] if images.shape[1] == 1 else np.moveaxis(images, 1, 3)
    if images.ndim != 3 and not (images.ndim == 4 and images.shape[3] == 3):
        hint = " For a single image pass image[None]." if images.ndim == 2 else ""
        raise DataError(f"Images of shape {list(images.shape)} cannot be measured. Allowed: {ALLOWED}.{hint}")
    if 0 in images.shape[1:]:
        raise DataError(f"Images of shape {list(images.shape)} have no pixels. Allowed: {ALLOWED}.")
    if images.dtype == np.uint8:
        return images
    if not np.issubdtype(images.dtype, np.floating):
        raise DataError(f"Images of type {images.dtype} cannot be measured. Allowed: {ALLOWED}.")
    if not images.size:
        return images.astype(np.uint8)
    low, high = images.min(), images.max()
    if not (low >= 0 and high <= 1):  # also when either is NaN
        raise DataError(
            f"Images of type {images.dtype} must lie in [0, 1]; these go from {low:g} to {high:g}. "
            "Use uint8 for grey values up to 255, or clip a decoder's output to [0, 1]."
        )
    return np.rint(images * 255).astype(np.uint8)

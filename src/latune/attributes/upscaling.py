"""Four times finer: how a small image is enlarged before its strokes are measured."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float64, UInt8

SCALE = 4
SIGMA = 2 * SCALE / 6  # of the blur, in fine pixels
BLUR_CUT = 4.0  # the Gaussian ends at this many sigmas

# Catmull-Rom taps (Keys 1981, a = -1/2) at t = 5/8, 7/8, 1/8, 3/8, where the centres of fine pixels fall between coarse
# ones, in units of 1/1024. They are whole numbers, so an enlarged uint8 image is exact whatever the order of the sums.
TAPS = ((-45, 399, 745, -75), (-7, 93, 987, -49), (-49, 987, 93, -7), (-75, 745, 399, -45))
FIRST_TAP = (-2, -2, -1, -1)
TAP_UNIT = 1024


def upscale(images: UInt8[np.ndarray, "n h w"]) -> UInt8[np.ndarray, "n 4*h 4*w"]:
    """Images four times as large: bicubic, clipped to the range of each image, blurred, truncated to uint8."""
    from scipy.ndimage import gaussian_filter1d

    down, across = _bicubic(images.shape[1]), _bicubic(images.shape[2])
    fine = down @ images.astype(np.float64) @ across.T  # (n, 4h, 4w)
    fine /= 255 * TAP_UNIT**2
    bounds = images.reshape(len(images), -1) / 255
    np.clip(fine, bounds.min(1)[:, None, None], bounds.max(1)[:, None, None], out=fine)
    # The truncation below sees the last bit of flat areas, so the order of scipy's sums is part of the definition.
    for axis in (1, 2):
        fine = gaussian_filter1d(fine, SIGMA, axis=axis, mode="reflect", truncate=BLUR_CUT)
    fine *= 255
    return fine.astype(np.uint8)


@lru_cache(maxsize=16)
def _bicubic(size: int) -> Float64[np.ndarray, "fine coarse"]:
    """The matrix that enlarges one axis, in units of 1/1024; taps beyond the border are mirrored at the edge pixel."""
    matrix = np.zeros((SCALE * size, size))
    source = np.pad(np.arange(size), 2, mode="reflect")
    for fine in range(SCALE * size):
        coarse, phase = divmod(fine, SCALE)
        for tap, weight in enumerate(TAPS[phase]):
            matrix[fine, source[2 + coarse + FIRST_TAP[phase] + tap]] += weight
    return matrix

"""Area, length, thickness, slant, width and height of a batch of grey images (Morpho-MNIST)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64, UInt, UInt8

from latune.attributes.skeleton import medial_axis, squared_distance
from latune.attributes.upscaling import SCALE, upscale

COLUMNS = ("area", "length", "thickness", "slant", "width", "height")
MARGIN = 0.01  # share of the ink left outside on each side of the bounding parallelogram
CACHED = 800_000  # fine pixels handled at once so that their arrays stay near the processor


def measure(images: UInt8[np.ndarray, "n h w"]) -> Float64[np.ndarray, "n 6"]:
    """The six measures of at least one image in the order of `COLUMNS`, in its own pixels (slant: radians)."""
    n, h, w = images.shape
    values = np.zeros((n, len(COLUMNS)))
    shapes = np.empty((n, SCALE * h, SCALE * w), bool)
    squares = []
    step = max(1, CACHED // shapes[0].size)
    for start in range(0, n, step):
        part = slice(start, start + step)
        grey = upscale(images[part])
        shapes[part] = foreground(grey)
        squares.append(squared_distance(shapes[part]))
        values[part, 0] = shapes[part].sum((1, 2)) / SCALE**2
        values[part, 3:] = _slant_width_height(grey)
    square = np.concatenate(squares)
    skeleton = medial_axis(shapes, square)
    values[:, 1] = _length(skeleton)
    values[:, 2] = _thickness(skeleton, square)
    return values


def foreground(grey: UInt8[np.ndarray, "n h w"]) -> Bool[np.ndarray, "n h w"]:
    """Pixels at or above the middle of their image's range; none in an image of one grey."""
    flat = grey.reshape(len(grey), -1)
    low, high = flat.min(1).astype(np.int32), flat.max(1).astype(np.int32)
    threshold = np.where(low == high, 256, (low + high + 1) // 2)
    return grey >= threshold[:, None, None]


def _length(skeleton: Bool[np.ndarray, "n h w"]) -> Float64[np.ndarray, " n"]:
    right = (skeleton[:, :, :-1] & skeleton[:, :, 1:]).sum((1, 2))
    below = (skeleton[:, :-1] & skeleton[:, 1:]).sum((1, 2))
    falling = (skeleton[:, :-1, :-1] & skeleton[:, 1:, 1:]).sum((1, 2))
    rising = (skeleton[:, :-1, 1:] & skeleton[:, 1:, :-1]).sum((1, 2))
    return (right + below + np.sqrt(2) * (falling + rising)) / SCALE


def _thickness(skeleton: Bool[np.ndarray, "n h w"], square: UInt[np.ndarray, "n h w"]) -> Float64[np.ndarray, " n"]:
    pixels = np.flatnonzero(skeleton)
    image = pixels // skeleton[0].size
    total = np.bincount(image, np.sqrt(square.reshape(-1)[pixels], dtype=np.float64), minlength=len(skeleton))
    count = np.bincount(image, minlength=len(skeleton))
    return 2 / SCALE * total / np.maximum(count, 1)


def _slant_width_height(grey: UInt8[np.ndarray, "n h w"]) -> Float64[np.ndarray, "n 3"]:
    n, height, width = grey.shape
    x, y = np.arange(width), np.arange(height)
    weights = grey.astype(np.float64)
    rows = weights.sum(2)
    inked = grey.reshape(n, -1).min(1) < grey.reshape(n, -1).max(1)
    mass = np.where(inked, rows.sum(1), 1)
    across = weights @ x  # (n, height)
    mx, my = across.sum(1) / mass, rows @ y / mass
    u11 = across @ y / mass - mx * my
    u02 = rows @ y**2 / mass - my**2
    shear = np.divide(u11, u02, out=np.zeros(n), where=u02 > 1e-9)

    # Ink whose x + 0.5 < t + shear * (y - my), as t grows in whole steps: a histogram of the first t that counts it.
    first = np.floor(x + 0.5 - (shear[:, None] * (y - my[:, None]))[:, :, None]).astype(np.int64) + 1  # (n, h, w)
    np.clip(first, 0, width, out=first)
    first += np.arange(n)[:, None, None] * (width + 1)
    slanted = np.bincount(first.reshape(-1), weights.reshape(-1), minlength=n * (width + 1)).reshape(n, width + 1)
    left_of = slanted.cumsum(1)[:, :width] / mass[:, None]
    above = (rows.cumsum(1) - rows) / mass[:, None]
    values = np.stack([np.arctan(0 - shear), _span(left_of), _span(above)], 1)
    return np.where(inked[:, None], values, 0)


def _span(share: Float64[np.ndarray, "n t"]) -> Float64[np.ndarray, " n"]:
    """How far apart, in coarse pixels, a growing share of the ink crosses 1 % and 99 %."""
    place = np.arange(share.shape[1])
    return np.array([np.diff(np.interp((MARGIN, 1 - MARGIN), each, place))[0] for each in share]) / SCALE

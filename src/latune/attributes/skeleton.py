"""Distance maps and medial axes of many binary images at once."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Int64, UInt, UInt8

# The eight neighbours of a pixel, in the order of the bits of a neighbourhood's code (highest bit first).
NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
KEPT = 4096  # permutations up to this length are kept: 64 MB if every one of them occurs


def squared_distance(shapes: Bool[np.ndarray, "n h w"]) -> UInt[np.ndarray, "n h w"]:
    """Squared distance of each pixel to the nearest False pixel of its image (exact; 0 at False pixels).

    Beyond the frame is nothing; each image must hold at least one False pixel.
    """
    height, width = shapes.shape[1:]
    far = height + width
    small = np.uint16 if 2 * far**2 <= np.iinfo(np.uint16).max else np.uint32
    column = shapes * small(far)  # distance within the column, or further than any
    for y in range(1, height):
        np.minimum(column[:, y], column[:, y - 1] + 1, out=column[:, y])
    for y in range(height - 2, -1, -1):
        np.minimum(column[:, y], column[:, y + 1] + 1, out=column[:, y])
    column *= column
    square = column.copy()
    for x in range(1, width):  # min over x of column(y, x' + x)^2 + x^2
        if x * x >= square.max():
            break
        further = column + x * x
        np.minimum(square[:, :, x:], further[:, :, :-x], out=square[:, :, x:])
        np.minimum(square[:, :, :-x], further[:, :, x:], out=square[:, :, :-x])
    return square


def medial_axis(shapes: Bool[np.ndarray, "n h w"], square: UInt[np.ndarray, "n h w"]) -> Bool[np.ndarray, "n h w"]:
    """The skeleton of each shape, by ordered thinning.

    Every True pixel is visited once, the nearest to the background first (`square` holds the squared distances); among
    equals the one with the fewest False pixels around it, then by numpy's `RandomState(0).permutation`, begun afresh
    for each image. It is deleted unless, looking at its 3x3 neighbourhood as it is then, that changes the number of
    8-connected components, or fewer than 3 pixels are True.
    """
    height, width = shapes.shape[1:]
    work = np.pad(shapes, ((0, 0), (1, 1), (1, 1))).view(np.uint8)
    crowd = sum(work[:, 1 + dy : height + 1 + dy, 1 + dx : width + 1 + dx] for dy, dx in NEIGHBOURS)
    around = np.array([dy * (width + 2) + dx for dy, dx in NEIGHBOURS])
    stays = _stays()
    flat = work.reshape(-1)
    # The order matters within an image, and images do not meet: step k visits the k-th pixel of every image at once.
    for pixels in _visits(shapes, square, 8 - np.asarray(crowd), np.flatnonzero(flat)):
        codes = np.packbits(flat[pixels[:, None] + around], axis=1)[:, 0]
        flat[pixels] = stays[codes]
    return work[:, 1:-1, 1:-1].astype(bool)


def _visits(
    shapes: Bool[np.ndarray, "n h w"],
    square: UInt[np.ndarray, "n h w"],
    alone: UInt8[np.ndarray, "n h w"],
    pixels: Int64[np.ndarray, " all"],
) -> list[Int64[np.ndarray, " m"]]:
    """The True pixels (given in row-major order, under any number) by step; images that are done drop out."""
    counts = shapes.sum((1, 2))
    longest = int(counts.max(initial=0))
    ties = np.concatenate([_permutation(int(count)) for count in counts])
    key = (square[shapes].astype(np.int64) << 4 | alone[shapes]) << longest.bit_length() | ties

    by_length = np.argsort(-counts)
    rank = np.argsort(by_length)
    row = np.repeat(rank, counts)
    nth = np.arange(len(pixels)) - np.repeat(np.cumsum(counts) - counts, counts)
    keys = np.full((len(counts), longest), np.iinfo(np.int64).max)
    keys[row, nth] = key
    numbers = np.zeros(keys.shape, np.int64)
    numbers[row, nth] = pixels
    order = np.ascontiguousarray(np.take_along_axis(numbers, np.argsort(keys, axis=1), axis=1).T)  # (longest, n)
    running = len(counts) - np.searchsorted(np.sort(counts), np.arange(longest), side="right")
    return [step[:m] for step, m in zip(order, running, strict=True)]


def _permutation(n: int) -> Int64[np.ndarray, " n"]:
    """From the generator of the published numbers; drawn once for each size that a small image's shape may have."""
    return _kept_permutation(n) if n <= KEPT else np.random.RandomState(0).permutation(n)


@lru_cache(maxsize=KEPT + 1)
def _kept_permutation(n: int) -> Int64[np.ndarray, " n"]:
    return np.random.RandomState(0).permutation(n)


@lru_cache(maxsize=1)
def _stays() -> UInt8[np.ndarray, " codes"]:
    """1 where a True pixel with these neighbours stays: it links two parts, or it is the end of a line."""
    table = np.ones(256, np.uint8)
    for code in range(256):
        ring = [place for bit, place in enumerate(NEIGHBOURS) if code >> (7 - bit) & 1]
        # With the pixel everything is one component; without it, as many as can be told apart by walking the ring.
        parts = 0
        left = set(ring)
        while left:
            parts += 1
            edge = [left.pop()]
            while edge:
                y, x = edge.pop()
                near = {place for place in left if max(abs(place[0] - y), abs(place[1] - x)) == 1}
                left -= near
                edge += near
        table[code] = parts != 1 or len(ring) < 2
    return table

"""Images side by side as one PNG with see-through gaps, which suits a light page and a dark one."""

from __future__ import annotations

import io

import numpy as np
import torch
from torch import Tensor

from latune.pictures import enlarged

CELL = 64  # an image is enlarged, by a whole factor, to about so many pixels
GAP = 4  # between two images, after enlarging


def factor_of(x: Tensor) -> int:
    """By how much images are enlarged."""
    return max(1, round(CELL / max(x.shape[-2:])))


def sheet(x: Tensor, columns: int, group: int = 0) -> np.ndarray:
    """Images `(n, c, h, w)` in rows of `columns`, uint8 `(height, width, 4)`; every `group` rows a wider gap follows.

    >>> sheet(torch.zeros(4, 1, 32, 32), columns=2).shape
    (132, 132, 4)
    """
    pixels, rows = enlarged(x, factor_of(x)), -(-len(x) // columns)  # (n, factor h, factor w, 3)
    h, w = pixels.shape[1:3]
    tops = [row * (h + GAP) + (row // group * 2 * GAP if group else 0) for row in range(rows)]
    canvas = np.zeros((tops[-1] + h, columns * (w + GAP) - GAP, 4), np.uint8)
    for i, image in enumerate(pixels):
        top, left = tops[i // columns], i % columns * (w + GAP)
        canvas[top : top + h, left : left + w, :3] = image
        canvas[top : top + h, left : left + w, 3] = 255
    return canvas


def png(x: Tensor, columns: int, group: int = 0) -> bytes:
    """The sheet as a PNG file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(sheet(x, columns, group)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def in_pairs(pairs: Tensor, columns: int) -> Tensor:
    """Pairs `(n, 2, c, h, w)` in the order of a sheet: a row of firsts above the row of their seconds.

    >>> in_pairs(torch.arange(6.0).reshape(3, 2, 1, 1, 1), columns=2).flatten().int().tolist()
    [0, 2, 1, 3]
    """
    whole = len(pairs) // columns * columns if len(pairs) >= columns else len(pairs)
    chunks = pairs[:whole].split(columns)
    return torch.cat([chunk.transpose(0, 1).flatten(0, 1) for chunk in chunks])

"""Images, or piano-rolls, side by side as one PNG; gaps between images are see-through, for light pages and dark."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from latune.fonts import SIZE, font
from latune.music import Melodies
from latune.music.writing.pianoroll import png as pianoroll
from latune.pictures import enlarged
from latune.report.style import PAPER, SOFT

CELL = 64  # an image is enlarged, by a whole factor, to about so many pixels
GAP = 4  # between two images, after enlarging
LINE = 18  # pixels: of what stands above, and below, columns
PAGE, SHARP = 1044, 2  # pixels of the page across, and drawn for each of piano-rolls, which are shown at their size


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


def labelled(x: Tensor, columns: int, heads: Sequence[str], feet: Sequence[str] | None = None) -> bytes:
    """The sheet as a PNG file on a light ground, with a word above, and below, each column."""
    from PIL import Image, ImageDraw

    pixels = sheet(x, columns)
    high, wide = pixels.shape[:2]
    cell = (wide + GAP) / columns
    letters = font(SIZE)
    widest = max(letters.getlength(word) for word in (*heads, *(feet or ())))
    if widest > cell:
        letters = font(max(6, int(SIZE * cell / widest)))
    canvas = Image.new("RGB", (wide, high + LINE * (2 if feet else 1)), PAPER)
    images = Image.fromarray(pixels)
    canvas.paste(images, (0, LINE), images)
    draw = ImageDraw.Draw(canvas)
    for words, y in ((heads, LINE - 5), (feet or (), high + 2 * LINE - 5)):
        for k, word in enumerate(words):
            draw.text(((k + 0.5) * cell - GAP / 2, y), word, fill=SOFT, font=letters, anchor="ms")
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def rolls(
    melodies: Melodies,
    columns: int,
    group: int = 0,
    heads: Sequence[str] | None = None,
    feet: Sequence[str] | None = None,
) -> bytes:
    """Piano-rolls as a PNG file, as wide as the page, with words above and below columns where they are given."""
    flat = list(melodies.flat())
    return pianoroll(flat, columns, group=group, heads=heads, feet=feet, width=PAGE, sharp=SHARP)


def in_pairs(pairs: Tensor, columns: int) -> Tensor:
    """Pairs `(n, 2, ...)` in the order of a sheet: a row of firsts above the row of their seconds.

    >>> in_pairs(torch.arange(6.0).reshape(3, 2, 1, 1, 1), columns=2).flatten().int().tolist()
    [0, 2, 1, 3]
    """
    whole = len(pairs) // columns * columns if len(pairs) >= columns else len(pairs)
    chunks = pairs[:whole].split(columns)
    return torch.cat([chunk.transpose(0, 1).flatten(0, 1) for chunk in chunks])

"""A walk to be seen: a sheet with the steps' numbers above, and an animation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain as joined
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from latune.errors import DataError
from latune.files import whole
from latune.fonts import font
from latune.pictures import enlarged

if TYPE_CHECKING:
    from PIL import Image

    from latune.chains.walk import Walk

TILE = 64  # pixels an image takes at least
GAP, HEAD, PAD = 4, 18, 8  # between images, for the numbers, around all
PAPER, INK, START, HELD = (254, 254, 253), (100, 108, 118), (43, 95, 158), (194, 87, 26)
MILLISECONDS = 100  # a frame is shown
MOST = 100  # chains of a sheet or an animation


def sheet(walk: Walk, path: Path, columns: int) -> Path:
    """Write a sheet: a row a chain; what it begins as framed in blue, what is free in orange, then every frame.

    Frames beyond `columns` go on below, under their own numbers.

    Raises:
        DataError: no frames, more than a hundred chains, or fewer than one column.
    """
    from PIL import Image, ImageDraw

    if columns < 1:
        raise DataError(f"A sheet has 1 column or more. Got {columns}.")
    _fits(walk)
    tile = _tiles(walk)
    lead = [("start", [_framed(each, START) for each in tile(walk.beginning().clamp(0, 1))])]
    if walk.hold is not None:
        lead.append(("held", [_framed(each, HELD) for each in tile(_tinted(walk))]))
    frames = [(str(number), list(tile(frame))) for number, frame in zip(walk.numbers, walk, strict=True)]
    bands = [frames[i : i + columns] for i in range(0, len(frames), columns)]
    h, w = lead[0][1][0].shape[:2]
    n, across = len(walk.start), len(lead) + len(bands[0])
    high = HEAD + n * (h + GAP)
    canvas = Image.new("RGB", (2 * PAD + across * (w + GAP) - GAP, 2 * PAD + len(bands) * high - GAP), PAPER)
    draw = ImageDraw.Draw(canvas)
    for b, band in enumerate(bands):
        for k, (head, tiles) in enumerate([*lead, *band]):
            left, top = PAD + k * (w + GAP), PAD + b * high
            colour = {"start": START, "held": HELD}.get(head, INK)
            draw.text((left + w // 2, top + HEAD - 5), head, colour, font(), anchor="ms")
            for i, each in enumerate(tiles):
                canvas.paste(Image.fromarray(each), (left, top + HEAD + i * (h + GAP)))
    with whole(path) as temporary:
        canvas.save(temporary, "PNG", optimize=True)
    return path


def animation(walk: Walk, path: Path) -> Path:
    """Write an animated GIF that repeats: all chains side by side, the step above; written as it is made.

    Raises:
        DataError: no frames, or more than a hundred chains.
    """
    _fits(walk)
    frames = _pages(walk)
    first = next(frames)
    with whole(path) as temporary:
        settings: dict[str, Any] = {"duration": MILLISECONDS, "loop": 0, "optimize": False}
        first.save(temporary, "GIF", save_all=True, append_images=frames, **settings)
    return path


def _pages(walk: Walk) -> Iterator[Image.Image]:
    """The start and each frame as one picture."""
    from PIL import Image, ImageDraw

    tile, n = _tiles(walk), len(walk.start)
    across = math.ceil(math.sqrt(n))
    heads = joined(["start"], (f"step {number}" for number in walk.numbers))
    for head, frame in zip(heads, joined([walk.beginning().clamp(0, 1)], walk), strict=True):
        tiles = tile(frame)
        h, w = tiles.shape[1:3]
        down = math.ceil(n / across)
        # As wide as the longest head, so that one chain of small images has room for its number.
        wide = max(across * (w + GAP) - GAP, 70)
        page = Image.new("RGB", (2 * PAD + wide, PAD + HEAD + down * (h + GAP)), PAPER)
        ImageDraw.Draw(page).text((PAD, HEAD), head, INK, font(), anchor="ls")
        for i, each in enumerate(tiles):
            page.paste(Image.fromarray(each), (PAD + i % across * (w + GAP), PAD + HEAD + i // across * (h + GAP)))
        yield page.quantize(256)


def _fits(walk: Walk) -> None:
    if not 1 <= len(walk.start) <= MOST:
        raise DataError(f"From 1 to {MOST} chains are shown. Got {len(walk.start)}: begin with fewer images.")
    if not len(walk):
        raise DataError(f"There are no frames: {walk.steps} steps and a frame every {walk.every}.")


def _tiles(walk: Walk) -> Any:
    """What enlarges images to tiles, uint8 `(n, h, w, 3)`."""
    factor = max(1, math.ceil(TILE / max(walk.start.shape[2:])))
    return lambda x: enlarged(torch.as_tensor(x).as_subclass(torch.Tensor), factor)


def _tinted(walk: Walk) -> torch.Tensor:
    """The start with its free part in orange."""
    assert walk.hold is not None
    mask = walk.hold.mask.expand(len(walk.start), -1, -1, -1).amax(1, keepdim=True).cpu()
    orange = torch.tensor(HELD).view(1, 3, 1, 1) / 255
    return mask * walk.hold.fixed.cpu().expand(len(mask), 3, -1, -1) + (1 - mask) * orange


def _framed(tile: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    tile = tile.copy()
    tile[:2], tile[-2:], tile[:, :2], tile[:, -2:] = colour, colour, colour, colour
    return tile

"""What is sent to a browser: a header of plain data, and behind it the pixels as they are.

A frame is four bytes with the length of the header, the header as JSON, and the pixels, one byte a colour. Nothing is
compressed and nothing is encoded: a canvas takes pixels as they are, and both ends are on one machine.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from torch.nn.functional import interpolate

from latune.music import Melodies, Melody
from latune.music.scales import pitch_classes
from latune.pictures import is_tiny

ENLARGED = 4  # times, of images so small that a browser would show their pixels as a blur; more takes longer to send


def frame(header: Mapping[str, Any], pixels: bytes = b"") -> bytes:
    """Header and pixels as one message.

    >>> frame({"kind": "note"}, b"xy")
    b'\\x0f\\x00\\x00\\x00{"kind":"note"}xy'
    """
    head = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    return struct.pack("<I", len(head)) + head + pixels


def opened(message: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and pixels of a frame.

    >>> opened(frame({"n": 1}, b"x"))
    ({'n': 1}, b'x')
    """
    (length,) = struct.unpack_from("<I", message)
    return json.loads(message[4 : 4 + length]), message[4 + length :]


def images_part(x: Any) -> tuple[dict[str, Any], bytes]:
    """Images `(n, c, h, w)` in [0, 1] as a header's part and pixels `(n, h, w, c)`; tiny ones enlarged smoothly.

    >>> images_part(torch.ones(2, 1, 28, 28))[0]["h"], images_part(torch.ones(2, 1, 8, 8))[0]["h"]
    (28, 32)
    """
    plain = torch.as_tensor(x).as_subclass(torch.Tensor)
    cells = list(plain.shape[2:])
    if is_tiny(*cells):
        down, across = (enlarging(side).to(plain) for side in cells)
        plain = down @ plain @ across.T  # (n, c, 4 h, 4 w)
    n, c, h, w = plain.shape
    pixels = (plain.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).contiguous()
    return {"show": "images", "n": n, "c": c, "h": h, "w": w, "cells": cells}, pixels.cpu().numpy().tobytes()


@cache
def enlarging(side: int) -> torch.Tensor:
    """The matrix `(4 side, side)` that enlarges one side bicubically: two products are faster than the filter."""
    lines = torch.eye(side)[None, :, :, None].expand(-1, -1, -1, 1)  # a line for each pixel
    size = [side * ENLARGED, 1]
    return interpolate(lines, size=size, mode="bicubic", align_corners=False)[0, :, :, 0].T.contiguous()


def melodies_part(melodies: list[Melody], scale: str = "") -> tuple[dict[str, Any], bytes]:
    """Melodies as a header's part: of each note its pitch, start, duration, and whether it breaks the rule."""
    allowed = pitch_classes(scale) if scale else frozenset(range(12))
    rows = [
        [
            [note.pitch, round(note.start, 4), round(note.duration, 4), int(note.pitch % 12 not in allowed)]
            for note in each
        ]
        for each in melodies
    ]
    reach = [note[0] for each in rows for note in each]
    first = melodies[0] if melodies else None
    about = {
        "lengths": [each.length for each in melodies],
        "bar": first.bar if first else 4.0,
        "low": min(reach, default=60),
        "high": max(reach, default=72),
    }
    return {"show": "melodies", "n": len(rows), "notes": rows, **about}, b""


def melodies_of(x: Melodies, whole: bool) -> list[Melody]:
    """Melodies one by one, or one after the other as one."""
    return [x.joined()] if whole else list(x)


def finite(values: np.ndarray) -> list[float | None]:
    """Numbers as JSON knows them."""
    return [float(value) if np.isfinite(value) else None for value in values]

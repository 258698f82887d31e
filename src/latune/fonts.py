"""The font of text in pictures that Pillow draws."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

SIZE = 11  # pixels


@cache
def font(size: int = SIZE) -> Any:
    """DejaVu Sans, which comes with matplotlib: the spaces of Pillow's own font close up at sizes this small.

    >>> font().getlength("in C") - font().getlength("inC") > 3
    True
    """
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)


def fitted(text: str, width: float, size: int = SIZE) -> str:
    """Text that is no wider than `width` pixels: cut, with dots, where it was.

    >>> fitted("note density", 200), fitted("note density", 40)
    ('note density', 'not...')
    """
    if font(size).getlength(text) <= width:
        return text
    while text and font(size).getlength(text + "...") > width:
        text = text[:-1]
    return text.rstrip() + "..."

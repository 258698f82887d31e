"""Amounts as people say and read them, 7 semitones, where an attribute's unit is a share: 0.27 of 26 semitones.

What a model learns and what metrics see is the share (Pati & Lerch 2020, https://arxiv.org/abs/2004.05485).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from latune.errors import DataError

SHORT = {"semitones": "st"}
SHARE = re.compile(r"of (\d+(?:\.\d+)?) (\w+)")
AMOUNT = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([a-zA-Z]\w*)")


def whole_of(unit: str) -> tuple[float, str]:
    """How much of which unit an attribute's 1 is.

    >>> whole_of("of 26 semitones"), whole_of("px")
    ((26.0, 'semitones'), (1.0, 'px'))
    """
    share = SHARE.fullmatch(unit)
    return (float(share[1]), share[2]) if share else (1.0, unit)


def amount(name: str, value: Any, unit: str) -> Any:
    """A value in an attribute's own unit, of one that was said with a unit, as `7st`; others are given back.

    Raises:
        DataError: for text that is no amount, or one in another unit.

    >>> amount("contour", "-13st", "of 26 semitones"), amount("contour", "7 semitones", "semitones")
    (-0.5, 7.0)
    """
    if not isinstance(value, str):
        return value
    whole, known = whole_of(unit)
    said = AMOUNT.fullmatch(value.strip())
    short = SHORT.get(known, known)
    if said is None or said[2] not in (known, short):
        how = f", or one with its unit, as 7{short}" if known else ": it has no unit"
        raise DataError(f"'{name}' takes a number{how}. Got '{value}'.")
    return float(said[1]) / whole


def spoken(values: Sequence[float], unit: str, between: str = " to ") -> str:
    """Values of a share as amounts, as they can be typed, in brackets; nothing where the unit is none.

    >>> spoken((-0.5, 0.25), "of 26 semitones"), spoken((1, 2), "px")
    (' (-13st to 6.5st)', '')
    """
    whole, known = whole_of(unit)
    if known == unit:
        return ""
    return f" ({between.join(f'{whole * value:.3g}{SHORT.get(known, known)}' for value in values)})"

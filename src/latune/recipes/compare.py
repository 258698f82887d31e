"""What differs between two recipes, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> list[str]:
    """Each key whose value differs, as `key: before -> after`.

    >>> differences({"seed": 0, "model": {"beta": 1.0}}, {"seed": 3, "model": {"beta": 1.0}})
    ['seed: 0 -> 3']
    """
    lines: list[str] = []
    for key in dict.fromkeys([*before, *after]):
        a, b = before.get(key), after.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            lines += differences(a, b, f"{path}{key}.")
        elif a != b:
            lines.append(f"{path}{key}: {a} -> {b}")
    return lines

"""Attributes in a run's files: plain data, with the name of what measures them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from latune.attributes.attribute import Attribute
from latune.attributes.image import STROKES, morphology
from latune.attributes.melody import MELODY, measured, named
from latune.attributes.own import evaluate, function
from latune.errors import unknown
from latune.music import Melodies


def by_name(name: str) -> Attribute:
    """A measured attribute that Latune knows (`slant`, `note_density`), or a function of your own (`module:function`).

    Raises:
        AttributeFunctionError: when the function cannot be loaded.
        KeyError: when the name is neither.

    >>> by_name("slant").unit
    'rad'
    """
    if ":" in name:
        return function(name)
    found = _known(name)
    if found is None:
        every = {**STROKES, **MELODY}
        raise KeyError(unknown("attribute", name, every) + " A function of your own is named as module:function.")
    return found


def _known(name: str) -> Attribute | None:
    """An attribute of strokes or of melodies by its name."""
    if name in STROKES:
        return STROKES[name]
    try:
        return named(name)
    except KeyError:
        return None


def as_dict(attribute: Attribute) -> dict[str, Any]:
    """Plain data; `from_dict` is the inverse."""
    reach = None if attribute.range is None else [v if math.isfinite(v) else None for v in attribute.range]
    return {
        "name": attribute.name,
        "kind": attribute.kind,
        "range": reach,
        "unit": attribute.unit,
        "source": attribute.source,
    }


def from_dict(data: Mapping[str, Any]) -> Attribute:
    """The attribute that `as_dict` described; a function of the user's own is loaded when it is first used."""
    source = data["source"]
    reach = None
    if data["range"] is not None:
        low, high = data["range"]
        reach = (-math.inf if low is None else low, math.inf if high is None else high)
    measure = None
    if source:
        known = _known(source)
        measure = _Later(source) if known is None else known.measure
    return Attribute(data["name"], data["kind"], reach, data["unit"], measure, source)


class _Later:
    """A function of the user's own that is loaded when it is first used; it takes images, or all melodies at once."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __call__(self, melodies: Any) -> np.ndarray:
        return evaluate(function(self.source), melodies)


def measure(attributes: Sequence[Attribute], images: Any) -> dict[str, np.ndarray]:
    """Several attributes of the same images or melodies, each `[n]`; what shares a procedure is measured in one go.

    >>> bar = np.zeros((1, 28, 28), np.uint8)
    >>> bar[0, 4:24, 12:16] = 255
    >>> {name: round(v.item()) for name, v in measure([STROKES["area"], STROKES["slant"]], bar).items()}
    {'area': 80, 'slant': 0}
    """
    if isinstance(images, Melodies):
        together = measured(images, {a.source for a in attributes if a.source and _known(a.source)})
        return {a.name: together[a.source] if a.source in together else evaluate(a, images) for a in attributes}
    strokes = morphology(images) if any(a.source in STROKES for a in attributes) else {}
    return {a.name: strokes[a.source] if a.source in STROKES else evaluate(a, images) for a in attributes}

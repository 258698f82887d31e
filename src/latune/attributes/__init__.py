"""Attributes: named functions of data, measured, labelled, or written by the user as plain Python functions.

A new measured attribute is one file that gives `Attribute`s, and one line in `ATTRIBUTES`; `MEASURES` names the
functions that give several at once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from latune.attributes import image
from latune.attributes.attribute import Attribute
from latune.attributes.described import as_dict, by_name, from_dict, measure
from latune.attributes.image import STROKES, morphology
from latune.attributes.melody import MELODY, of_grid
from latune.attributes.own import evaluate, function

ATTRIBUTES: dict[str, Attribute] = {**STROKES, **MELODY}
MEASURES: dict[str, Callable[..., dict[str, np.ndarray]]] = {"morphology": morphology}

__all__ = [
    "ATTRIBUTES",
    "MEASURES",
    "Attribute",
    "as_dict",
    "by_name",
    "evaluate",
    "from_dict",
    "function",
    "image",
    "measure",
    "morphology",
    "of_grid",
]

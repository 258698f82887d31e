"""Responses: what was measured while sliders moved, checked.

For every slider, by the name of the attribute it should move: attribute name to `[n, k]`, n examples at k positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

from latune.errors import DataError
from latune.metrics.arrays import as_array
from latune.metrics.averaged import column

FEWEST_POSITIONS = 3  # of two points every order is perfect and every fit exact

Responses = dict[str, dict[str, Float64[np.ndarray, "n k"]]]


def slider_positions(positions: Any) -> Float64[np.ndarray, " k"]:
    """At least three different positions of a slider, in any order.

    Raises:
        DataError: fewer, or equal ones.
    """
    slider = as_array(positions, "slider positions").astype(np.float64)
    if slider.ndim != 1 or len(slider) < FEWEST_POSITIONS or len(np.unique(slider)) < len(slider):
        raise DataError(
            f"The slider positions have shape {list(slider.shape)} and {len(np.unique(slider))} different values; "
            f"allowed is one row of at least {FEWEST_POSITIONS} different numbers."
        )
    return slider


def checked_responses(responses: Mapping[str, Mapping[str, Any]], own: bool = True) -> Responses:
    """Every slider's measurements as float64 `[n, k]`, all of the same examples.

    Raises:
        DataError: no slider, one whose own attribute is needed and was not measured, shapes that do not fit, values
            that are not finite.
    """
    if not responses:
        raise DataError("No slider was moved: give a slider's attribute and what was measured, name to [n, k].")
    out: Responses = {}
    for name, measured in responses.items():
        if own and name not in measured:
            raise DataError(
                f"The slider '{name}' should move '{name}', which was not measured. Measured: {', '.join(measured)}."
            )
        out[name] = {
            other: as_array(data, f"measured values of '{other}'").astype(np.float64)
            for other, data in measured.items()
        }
        shapes = {values.shape for values in out[name].values()}
        if len(shapes) > 1 or any(len(shape) != 2 for shape in shapes):
            told = ", ".join(f"{other} {list(values.shape)}" for other, values in out[name].items())
            raise DataError(
                f"Along the slider '{name}' every attribute is [n, k]: n examples, k positions. Got {told}."
            )
    examples_of(out)
    return out


def examples_of(checked: Responses) -> int:
    """How many examples every slider was moved on.

    Raises:
        DataError: not the same number for all.
    """
    counts = {name: len(next(iter(measured.values()))) for name, measured in checked.items() if measured}
    if len(set(counts.values())) != 1:
        told = ", ".join(f"{name} {n}" for name, n in counts.items()) or "none"
        raise DataError(f"All sliders are moved on the same examples. Got different numbers of them: {told}.")
    return next(iter(counts.values()))


def values_before(before: Mapping[str, Any], checked: Responses) -> dict[str, Float64[np.ndarray, " n"]]:
    """The attributes before any slider moved.

    Raises:
        DataError: one that was measured along a slider only, or of other examples.
    """
    n = examples_of(checked)
    out = {}
    for name in dict.fromkeys(other for measured in checked.values() for other in measured):
        if name not in before:
            raise DataError(f"'{name}' was measured along a slider, and not before it moved.")
        out[name] = column(before[name], f"values of '{name}' before")
        if len(out[name]) != n:
            raise DataError(f"'{name}' has {len(out[name])} values before, and {n} examples along the slider.")
    return out

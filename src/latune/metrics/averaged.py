"""Scores that are means over examples: one number for each example and attribute, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

from latune.errors import DataError, unknown
from latune.metrics.arrays import as_array
from latune.metrics.bootstrap import LEVEL, Resamples, interval
from latune.metrics.score import Score


def averaged(
    name: str,
    columns: Mapping[str, Float64[np.ndarray, " n"]],
    detail: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    *,
    whole: Float64[np.ndarray, " n"] | None = None,
    of: Collection[str] | None = None,
    seed: int,
    resamples: int,
) -> Score:
    """A score whose attributes' values are means over examples.

    Args:
        name: of the score.
        columns: for each attribute one number an example; NaN where the example does not count for it.
        detail: what else was found.
        settings: what defines the number.
        whole: the value's own numbers, one an example; the value is the mean over attributes where it is None.
        of: the attributes whose mean is the value; None for all.
        seed: of the resamples.
        resamples: for the intervals; 0 for none. A single example has no interval.

    Raises:
        DataError: an attribute that no example counts for.

    >>> averaged("seen", {"a": np.array([1.0, np.nan, 0.0])}, seed=0, resamples=0).value
    0.5
    """
    counted = {key: np.flatnonzero(~np.isnan(column)) for key, column in columns.items()}
    if none := [key for key, rows in counted.items() if len(rows) == 0]:
        raise DataError(f"'{name}' has nothing to average: no example has a known value of {', '.join(none)}.")
    means = {key: float(column[counted[key]].mean()) for key, column in columns.items()}
    chosen = [key for key in means if of is None or key in of]
    value = float(whole.mean()) if whole is not None else float(np.mean([means[key] for key in chosen]))
    n = len(whole) if whole is not None else len(next(iter(columns.values())))
    settings = dict(settings or {}) | {"examples": n}
    if not resamples or n < 2:
        return Score(name, value, means, dict(detail or {}), settings)
    draws = Resamples(n, resamples, seed)
    again = {}
    for key, column in columns.items():
        rows = counted[key]
        again[key] = draws.means(column) if len(rows) == n else draws.means(column[rows], of=rows)
    of_value = draws.means(whole) if whole is not None else np.mean([again[key] for key in chosen], axis=0)
    return Score(
        name,
        value,
        means,
        dict(detail or {}),
        settings | {"resamples": resamples, "level": LEVEL, "seed": seed},
        interval(of_value),
        {key: interval(values) for key, values in again.items()},
    )


def column(data: Any, what: str, missing: bool = False) -> Float64[np.ndarray, " n"]:
    """One number an example, in float64; NaN where not known, if `missing` allows it.

    Raises:
        DataError: see `as_array`; and for data that are no single column.
    """
    array = as_array(data, what, missing)
    if array.ndim != 1:
        raise DataError(f"The {what} have shape {list(array.shape)}; allowed is [n]: one number an example.")
    return array.astype(np.float64)


def labels(data: Any, what: str) -> Float64[np.ndarray, " n"]:
    """Classes as whole numbers, one an example.

    Raises:
        DataError: see `column`; and for numbers that are not whole.
    """
    classes = column(data, what)
    if not (classes == np.round(classes)).all():
        first = classes[classes != np.round(classes)][0]
        raise DataError(
            f"The {what} are class indices 0, 1, 2, ... Got {first:g}. "
            "Of probabilities take the largest, or a threshold."
        )
    return classes


def same_length(columns: Mapping[str, np.ndarray]) -> int:
    """How many examples all columns have.

    Raises:
        DataError: they differ, or there is none.
    """
    lengths = {name: len(values) for name, values in columns.items()}
    if not lengths:
        raise DataError("No attribute was measured: give a name and its values [n].")
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {n}" for name, n in lengths.items())
        raise DataError(f"There is one value of each for every example. Got different numbers of them: {told}.")
    return next(iter(lengths.values()))


def spreads(spread: Mapping[str, Any], names: Any) -> dict[str, float]:
    """The positive spread of each attribute, by its name.

    Raises:
        DataError: an attribute without one, or one that is not positive and finite.
    """
    out = {}
    for name in names:
        if name not in spread:
            raise DataError(
                f"'{name}' has no spread: give its standard deviation in the data. {unknown('spread', name, spread)}"
            )
        width = float(spread[name])
        if not (np.isfinite(width) and width > 0):
            raise DataError(
                f"The spread of '{name}' is {width:g}; allowed is a positive number: its standard deviation in the "
                "data. An attribute that is the same everywhere has none, and is left out."
            )
        out[name] = width
    return out

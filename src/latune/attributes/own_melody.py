"""A user's own attributes and rules of melodies: plain Python functions of one melody, of all, or of their tokens."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float64

from latune.errors import AttributeFunctionError, DataError
from latune.imports import raised
from latune.music import Melodies

CONTRACT = (
    "It takes one latune.music.Melody and returns one number; or, where its first parameter is called 'melodies' or "
    "'tokens', it takes all of them, as latune.music.Melodies or as int tokens [n, t], and returns n numbers."
)
ALL = ("melodies", "tokens")


def evaluate_melodies(
    function: Callable[..., Any], melodies: Melodies, who: str, contract: str = CONTRACT
) -> Float64[np.ndarray, " n"]:
    """What a user's function says of melodies, with its answers checked.

    The name of its first parameter says what it gets: `melodies` all of them as one object, `tokens` their int tokens
    `[n, t]`, and `melody`, or any other name, one melody at a time. All are copies of its own. Nothing is asked where
    there are no melodies.

    With this in `tunes.py`, in the current folder or anywhere Python looks, `tunes:leaps` and `tunes:busy` are such
    functions::

        def leaps(melody):  # a latune.music.Melody: notes, pitches, onsets, ...
            return (abs(np.diff(melody.pitches)) > 4).sum()

        def busy(melodies):  # latune.music.Melodies: onsets [n, t], pitches [n, t], tokens [n, t]
            return melodies.onsets.mean(1)

    Args:
        function: the user's.
        melodies: n of them, of shape `(n, t)`.
        who: how the function is called at the start of a message.
        contract: what is allowed, for messages.

    Raises:
        AttributeFunctionError: where the function raises, or answers with anything but one finite number each.
        DataError: for melodies of another shape.

    >>> from latune.music import GRIDS
    >>> tunes = Melodies(np.array([[7, 0, 0, 0, 0, 0] * 4, [1] + [0] * 23]), GRIDS["measure"])
    >>> evaluate_melodies(lambda melody: len(melody), tunes, "The function")
    array([4., 0.])
    >>> evaluate_melodies(lambda tokens: (tokens == 7).sum(1), tunes, "The function")
    array([4., 0.])
    """
    if len(melodies.shape) != 2:
        raise DataError(
            f"{who} is asked about melodies of shape (n, {melodies.grid.steps}). Got {melodies.shape}. Lay them one "
            "after the other with melodies.flat()."
        )
    n = len(melodies)
    if not n:
        return np.zeros(0)
    what = takes(function)
    if what == "melody":
        values = np.array([_of_one(function, melody, i, who, contract) for i, melody in enumerate(melodies)])
    else:
        values = _of_all(function, melodies, what, who, contract)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise AttributeFunctionError(
            f"{who} returned {len(bad):,} values that are not finite, the first ({values[bad[0]]}) for melody "
            f"{bad[0]}. Every value must be a finite number: give such melodies, as those without notes, a value of "
            "their own."
        )
    return values


def takes(function: Callable[..., Any]) -> str:
    """What a function is given, by the name of its first parameter: `melodies`, `tokens` or `melody`.

    >>> takes(lambda tokens: tokens), takes(lambda tune: tune), takes(abs)
    ('tokens', 'melody', 'melody')
    """
    try:
        name = next(iter(inspect.signature(function).parameters), "melody")
    except (TypeError, ValueError):  # some functions written in C have no signature
        name = "melody"
    return name if name in ALL else "melody"


def _of_one(function: Callable[..., Any], melody: Any, i: int, who: str, contract: str) -> float:
    try:
        answer = function(melody)
    except Exception as error:
        raise AttributeFunctionError(
            f"{who} raised {raised(error)}. It was given melody {i}: {melody!r}. {contract}"
        ) from error
    array = _array(answer)
    if array.dtype.kind not in "biuf":
        raise AttributeFunctionError(
            f"{who} returned {type(answer).__name__} {repr(answer)[:80]} for melody {i} instead of a number. {contract}"
        )
    if array.size != 1:
        raise AttributeFunctionError(
            f"{who} returned values of shape {list(array.shape)} for melody {i}; allowed is one number. {contract}"
        )
    return float(array.reshape(()))


def _of_all(function: Callable[..., Any], melodies: Melodies, what: str, who: str, contract: str) -> np.ndarray:
    n = len(melodies)
    given: Any = melodies[:] if what == "melodies" else melodies.tokens.astype(np.int64)
    try:
        answer = function(given)
    except Exception as error:
        raise AttributeFunctionError(
            f"{who} raised {raised(error)}. It was given {what} of shape {list(melodies.shape)}. {contract}"
        ) from error
    array = _array(answer)
    if array.dtype.kind not in "biuf":
        raise AttributeFunctionError(
            f"{who} returned {type(answer).__name__} {repr(answer)[:80]} instead of numbers. {contract}"
        )
    if array.shape != (n,):
        raise AttributeFunctionError(
            f"{who} returned values of shape {list(array.shape)} for {n:,} melodies; allowed is [{n}]. {contract}"
        )
    return array.astype(np.float64)


def _array(answer: Any) -> np.ndarray:
    """An answer as an array; of what cannot be one, an array of the thing itself."""
    if hasattr(answer, "detach"):
        answer = answer.detach().cpu()
        answer = answer.double() if answer.is_floating_point() else answer
    try:
        return np.asarray(answer)
    except (TypeError, ValueError, RuntimeError):
        return np.array(None, dtype=object)

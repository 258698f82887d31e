"""A user's own attributes: plain Python functions named as `module:function`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from jaxtyping import Float64

from latune.attributes.attribute import Attribute
from latune.attributes.own_melody import evaluate_melodies
from latune.attributes.pixels import to_uint8
from latune.errors import AttributeFunctionError
from latune.imports import named, raised
from latune.music import Melodies

CONTRACT = "It takes uint8 images [n, h, w], or [n, h, w, 3] in colour, and returns one number per image: shape [n]."


def function(name: str) -> Attribute:
    """The attribute that a function of the user's own measures.

    With this in `strokes.py`, in the current folder or anywhere Python looks::

        def ink(images):  # uint8 [n, h, w], or [n, h, w, 3] in colour
            return images.mean((1, 2))

    the attribute is `function("strokes:ink")`. The module is imported, once, and nothing else is executed.

    Raises:
        AttributeFunctionError: if the name is not of that form, the module cannot be imported, or has no such function.

    >>> function("numpy:mean").name
    'mean'
    """
    found = named(name, "function", "strokes:ink", AttributeFunctionError)
    if not callable(found):
        raise AttributeFunctionError(f"'{name}' is not a function: it is of type {type(found).__name__}. {CONTRACT}")
    return Attribute(name.rpartition(":")[2], measure=cast(Callable[..., Any], found), source=name)


def evaluate(attribute: Attribute, images: Any) -> Float64[np.ndarray, " n"]:
    """The values of an attribute on images or melodies, with its function's answer checked.

    Args:
        attribute: one that has a function; a label has none.
        images: `Melodies` (see `latune.attributes.own_melody`); or images, uint8 or floats in [0, 1]: `[n, h, w]`,
            `[n, 1, h, w]`, `[n, 3, h, w]` or `[n, h, w, 3]`. The function gets a uint8 copy of its own, `[n, h, w]` or
            `[n, h, w, 3]`.

    Raises:
        AttributeFunctionError: if the function raises, or returns anything but one finite number per image.
        DataError: if the images are not of the allowed kind.

    >>> ink = Attribute("ink", measure=lambda images: images.mean((1, 2)))
    >>> evaluate(ink, np.full((2, 8, 8), 7, np.uint8))
    array([7., 7.])
    """
    if attribute.measure is None:
        raise AttributeFunctionError(f"Attribute '{attribute.name}' is a label: it has no function to measure it with.")
    who = f"Attribute function '{_where(attribute)}'"
    if isinstance(images, Melodies):
        return evaluate_melodies(attribute.measure, images, who)
    pixels = to_uint8(images).copy()
    try:
        result = attribute.measure(pixels)
    except Exception as error:
        raise AttributeFunctionError(
            f"{who} raised {raised(error)}. It was given images of shape {list(pixels.shape)}. {CONTRACT}"
        ) from error
    return _checked(result, len(pixels), who)


def _checked(result: Any, n: int, who: str) -> Float64[np.ndarray, " n"]:
    if hasattr(result, "detach"):
        result = result.detach().cpu()
    try:
        values = np.asarray(result)
        numeric = values.dtype.kind in "biuf"
    except (TypeError, ValueError, RuntimeError):
        numeric = False
    if not numeric:
        raise AttributeFunctionError(
            f"{who} returned {type(result).__name__} {repr(result)[:80]} instead of numbers. {CONTRACT}"
        )
    if values.shape != (n,):
        raise AttributeFunctionError(
            f"{who} returned values of shape {list(values.shape)} for {n} images; allowed is [{n}]. {CONTRACT}"
        )
    values = values.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise AttributeFunctionError(
            f"{who} returned {len(bad)} values that are not finite, the first ({values[bad[0]]}) for image {bad[0]}. "
            "Every value must be a finite number: give such images a value of their own."
        )
    return values


def _where(attribute: Attribute) -> str:
    module = getattr(attribute.measure, "__module__", None)
    return f"{module}:{attribute.name}" if module else attribute.name

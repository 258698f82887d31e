"""Rules: any Python function on pictures or melodies that gives each a number in [0, 1], to be learned from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from torch import Tensor

from latune.attributes.own_melody import evaluate_melodies
from latune.attributes.pixels import to_uint8
from latune.errors import AttributeFunctionError
from latune.imports import name_of, named, raised
from latune.music import Melodies

CONTRACT = (
    "It takes uint8 images [n, h, w], or [n, h, w, 3] in colour, and returns a number in [0, 1] for each; or it takes "
    "one such image and returns one number."
)


@dataclass
class Rule:
    """A user's function on examples, whose answers are checked. It need not be differentiable, and may be random.

    Args:
        function: from uint8 images `[n, h, w]` or `[n, h, w, 3]` to `n` numbers in [0, 1], or from one image to one; of
            melodies, see `latune.attributes.own_melody`.
        source: how it is called in messages and in a control's provenance.
        single: whether it takes one image; found out by trying where None.

    >>> rule = Rule(lambda image: image.mean() / 255)
    >>> rule(torch.tensor([0.0, 1.0])[:, None, None, None].expand(2, 1, 3, 3))
    array([0., 1.])
    >>> rule.single
    True
    """

    function: Callable[[Any], Any]
    source: str = "rule"
    single: bool | None = field(default=None)

    def __call__(self, given: Any) -> Float64[np.ndarray, " n"]:
        """What the rule says of each example: images `(n, c, h, w)` in [0, 1], or `Melodies`.

        Raises:
            AttributeFunctionError: where the function raises, or answers with anything but a number in [0, 1] each.
        """
        if isinstance(given, Melodies):
            values = evaluate_melodies(self.function, given, f"The rule '{self.source}'")
            return self._within(values, "melody", "It returns a number in [0, 1] for each melody.")
        pixels = to_uint8(given)
        if self.single is None:
            self.single = self._takes_one(pixels)
        if self.single:
            values = np.array([self._number(self._ask(pixel), i) for i, pixel in enumerate(pixels)], dtype=np.float64)
        else:
            values = self._numbers(self._ask(pixels), len(pixels))
        return self._within(values, "image", CONTRACT)

    def _within(self, values: Float64[np.ndarray, " n"], one: str, contract: str) -> Float64[np.ndarray, " n"]:
        bad = np.flatnonzero(~((values >= 0) & (values <= 1)))  # NaN is bad as well
        if len(bad):
            raise AttributeFunctionError(
                f"The rule '{self.source}' returned {values[bad[0]]:g} for {one} {bad[0]} ({len(bad):,} of "
                f"{len(values):,} are outside of [0, 1]). {contract}"
            )
        return values

    def _takes_one(self, pixels: UInt8[np.ndarray, "n h w *rgb"]) -> bool:
        """Whether the function takes one image: found out with a number of images that is no side of theirs."""
        n = next(n for n in range(2, 9) if n not in pixels.shape[1:])
        trial = np.resize(pixels, (n, *pixels.shape[1:]))
        try:
            answer: Any = self._ask(trial)
        except AttributeFunctionError as error:
            answer = error
        if np.shape(_array(answer)) == (n,):
            return False
        try:
            alone: Any = self._ask(trial[0])
        except AttributeFunctionError:
            alone = None
        if alone is not None and _array(alone).size == 1:
            return True
        if isinstance(answer, AttributeFunctionError):
            raise answer
        self._numbers(answer, n)
        return False

    def _ask(self, pixels: np.ndarray) -> Any:
        try:
            return self.function(pixels.copy())
        except Exception as error:
            raise AttributeFunctionError(
                f"The rule '{self.source}' raised {raised(error)}. It was given uint8 of shape {list(pixels.shape)}. "
                f"{CONTRACT}"
            ) from error

    def _numbers(self, answer: Any, n: int) -> np.ndarray:
        array = _array(answer)
        if array.dtype.kind not in "biuf":
            raise AttributeFunctionError(
                f"The rule '{self.source}' returned {type(answer).__name__} {repr(answer)[:60]} instead of numbers. "
                f"{CONTRACT}"
            )
        if array.shape != (n,):
            raise AttributeFunctionError(
                f"The rule '{self.source}' returned values of shape {list(array.shape)} for {n} images. {CONTRACT}"
            )
        return array.astype(np.float64)

    def _number(self, answer: Any, place: int) -> float:
        array = _array(answer)
        if array.dtype.kind not in "biuf" or array.size != 1:
            raise AttributeFunctionError(
                f"The rule '{self.source}' returned {repr(answer)[:60]} for image {place}, not a number. {CONTRACT}"
            )
        return float(array.reshape(()))


def rule_of(rule: Any) -> Rule:
    """A rule from a function, or from the name `module:function` of one.

    Raises:
        AttributeFunctionError: for a name that cannot be imported, or what is no function.

    >>> rule_of("math:sqrt").source
    'math:sqrt'
    """
    if isinstance(rule, Rule):
        return rule
    found = named(rule, "function", "strokes:has_loop", AttributeFunctionError) if isinstance(rule, str) else rule
    if not callable(found):
        raise AttributeFunctionError(f"A rule is a function. Got a {type(found).__name__}. {CONTRACT}")
    return Rule(found, rule if isinstance(rule, str) else _called(found))


def _called(function: Any) -> str:
    return name_of(function) if hasattr(function, "__qualname__") else type(function).__name__


def _array(answer: Any) -> np.ndarray:
    """An answer as an array; of what cannot be one, an array of the thing itself."""
    if isinstance(answer, Tensor):
        answer = answer.detach().cpu()
        answer = answer.float() if answer.dtype == torch.bfloat16 else answer
    try:
        return np.asarray(answer)
    except (TypeError, ValueError, RuntimeError):
        return np.array(None, dtype=object)

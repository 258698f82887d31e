"""Numbers that change while a model trains."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal


@dataclass(frozen=True)
class Ramp:
    """A number that goes from `start` to `end` over the first `steps` updates and stays there.

    Args:
        shape: `linear`, `cosine` (slow, fast, slow) or `exponential` (a constant factor a step; ends of one sign).
        then: what follows after these steps, in place of staying at the end: a warm-up's decay, a second phase.

    >>> ramp = Ramp(0.0, 4.0, steps=100)
    >>> ramp(0), ramp(50), ramp(1000)
    (0.0, 2.0, 4.0)
    >>> Ramp(0.0, 1.0, steps=10, then=Ramp(1.0, 0.0, steps=100))(60)
    0.5
    """

    start: float
    end: float
    steps: int
    shape: Literal["linear", "cosine", "exponential"] = "linear"
    then: Ramp | None = None

    def __post_init__(self) -> None:
        if self.shape == "exponential" and not self.start * self.end > 0:
            raise ValueError(f"An exponential ramp needs two ends of one sign. Got {self.start} and {self.end}.")

    def __call__(self, step: int) -> float:
        """The value at an update."""
        if self.then is not None and step >= self.steps:
            return self.then(step - self.steps)
        share = min(step / max(self.steps, 1), 1.0)
        if self.shape == "exponential":
            return self.start * math.exp(share * math.log(self.end / self.start))
        if self.shape == "cosine":
            share = 0.5 - 0.5 * math.cos(math.pi * share)
        return self.start + share * (self.end - self.start)

    def times(self, factor: float) -> Ramp:
        """The same, multiplied."""
        then = None if self.then is None else self.then.times(factor)
        return replace(self, start=factor * self.start, end=factor * self.end, then=then)


Number = float | Ramp


def times(number: Number, factor: float) -> Number:
    """A constant or a ramp, multiplied."""
    if isinstance(number, Ramp):
        return number.times(factor)
    return factor * number


def is_ramp(plain: object) -> bool:
    """Whether this is what `dataclasses.asdict` makes of a ramp, and no other table."""
    return isinstance(plain, Mapping) and {"start", "end", "steps"} <= set(plain)


def ramp_of(plain: Mapping[str, Any]) -> Ramp:
    """The ramp that `dataclasses.asdict` described."""
    then = plain.get("then")
    return Ramp(**{**plain, "then": None if then is None else ramp_of(then)})


def at(number: Number, step: int) -> float:
    """The value of a constant or a ramp at an update."""
    return number(step) if isinstance(number, Ramp) else number

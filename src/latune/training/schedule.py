"""Numbers that change while a model trains."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class Ramp:
    """A number that goes from `start` to `end` over the first `steps` updates and stays there.

    Args:
        shape: `linear`, `cosine` (slow, fast, slow) or `exponential` (a constant factor a step; ends of one sign).

    >>> ramp = Ramp(0.0, 4.0, steps=100)
    >>> ramp(0), ramp(50), ramp(1000)
    (0.0, 2.0, 4.0)
    """

    start: float
    end: float
    steps: int
    shape: Literal["linear", "cosine", "exponential"] = "linear"

    def __post_init__(self) -> None:
        if self.shape == "exponential" and not self.start * self.end > 0:
            raise ValueError(f"An exponential ramp needs two ends of one sign. Got {self.start} and {self.end}.")

    def __call__(self, step: int) -> float:
        """The value at an update."""
        share = min(step / max(self.steps, 1), 1.0)
        if self.shape == "exponential":
            return self.start * math.exp(share * math.log(self.end / self.start))
        if self.shape == "cosine":
            share = 0.5 - 0.5 * math.cos(math.pi * share)
        return self.start + share * (self.end - self.start)


Number = float | Ramp


def times(number: Number, factor: float) -> Number:
    """A constant or a ramp, multiplied."""
    if isinstance(number, Ramp):
        return replace(number, start=factor * number.start, end=factor * number.end)
    return factor * number


def at(number: Number, step: int) -> float:
    """The value of a constant or a ramp at an update."""
    return number(step) if isinstance(number, Ramp) else number

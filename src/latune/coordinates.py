"""Coordinates by their names: which columns they are, what may be asked of them, and the moves along them."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from latune.codes import Categorical, Codes, Uniform
from latune.errors import DataError, did_you_mean
from latune.moves import Move, Pick, Put, Shift, Stay

NOISE = "noise"  # what nobody turns
ENDS = (-4.0, 4.0)  # of a traversal, in standard deviations of a normal prior
POSITIONS = 10


class Coordinates:
    """The coordinates of a latent space by their names.

    Args:
        codes: what they are.
        others: the names of what else can be asked for, for messages.

    >>> import torch
    >>> from latune.codes import Normal
    >>> coordinates = Coordinates(Codes(digit=Categorical(3), slant=Normal(1), z=Normal(2)))
    >>> coordinates.knobs, coordinates.column("z[1]")
    (['digit', 'slant', 'z[0]', 'z[1]'], 5)
    >>> coordinates.held({"digit": 1, "slant": 0.5})(torch.zeros(1, 6))
    tensor([[0.0000, 1.0000, 0.0000, 0.5000, 0.0000, 0.0000]])
    """

    def __init__(self, codes: Codes, others: Callable[[], Sequence[str]] = list) -> None:
        self.codes, self.others = codes, others

    @property
    def knobs(self) -> list[str]:
        """What can be turned by name: a categorical coordinate as a whole, the columns of the others, and no noise."""
        labels = self.codes.columns()
        parts = [
            [name] if self.classes(name) else labels[self.codes.slice(name)] for name in self.codes if name != NOISE
        ]
        return [knob for part in parts for knob in part]

    def classes(self, name: Any) -> list[int]:
        """The classes of a categorical coordinate; none of another."""
        factor = self.codes.factors.get(name)
        return list(range(factor.k)) if isinstance(factor, Categorical) else []

    def column(self, name: Any) -> int:
        """The column of a coordinate, by its name (`slant`) or its label (`z[3]`).

        Raises:
            DataError: for a name that is none, or that of several columns.
        """
        columns = self.codes.columns()
        if name in columns:
            return columns.index(name)
        there = [each for each in self.codes if self.codes[each].width]  # not the noise of a model without
        if name in there:
            raise DataError(f"{name} has {self.codes[name].width} columns: {self.labels(name)}. Name one of them.")
        others = self.others()
        hint = did_you_mean(str(name), [*columns, *others])
        controls = f" Controls: {', '.join(others)}." if others else ""
        raise DataError(
            f"Unknown coordinate '{name}'. {hint + ' ' if hint else ''}"
            f"Allowed: {', '.join(map(self.labels, there))}.{controls}"
        )

    def columns(self, name: Any) -> range:
        """The column of a coordinate, or all those of a categorical one."""
        if self.classes(name):
            return range(self.codes.width)[self.codes.slice(name)]
        column = self.column(name)
        return range(column, column + 1)

    def labels(self, name: str) -> str:
        """A coordinate's columns in few words: `slant`, or `z[0] to z[9]`."""
        width = self.codes[name].width
        return name if width == 1 else f"{name}[0] to {name}[{width - 1}]"

    def held(self, values: Mapping[str, Any]) -> Move:
        """The move that sets coordinates to values, categorical ones to a class."""
        return self._moves(Put, values)

    def shifted(self, values: Mapping[str, Any]) -> Move:
        """The move that adds to coordinates; categorical ones are set to a class."""
        return self._moves(Shift, values)

    def usual(self, name: Any) -> list[float]:
        """Where a coordinate is looked at unless told otherwise: all classes, -4 to 4, or twice a prior's range."""
        if classes := self.classes(name):
            return [float(which) for which in classes]
        factor, ends = self.codes.factors.get(name), ENDS
        if isinstance(factor, Uniform):
            middle, width = (factor.lo + factor.hi) / 2, factor.hi - factor.lo
            ends = (middle - width, middle + width)
        return np.linspace(*ends, POSITIONS).tolist()

    def _moves(self, kind: Any, values: Mapping[str, Any]) -> Move:
        move: Move = Stay()
        for name, value in values.items():
            if classes := self.classes(name):
                move = move >> Pick(self.codes.slice(name).start, len(classes), _class(name, value, len(classes)))
            else:
                move = move >> kind(self.column(name), number(name, value))
        return move


def number(name: str, value: Any) -> float:
    """A finite number that was given for a coordinate.

    Raises:
        DataError: for anything else.
    """
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    plain = value.item() if isinstance(value, np.ndarray | np.generic) and value.size == 1 else value
    if isinstance(plain, bool) or not isinstance(plain, int | float) or not math.isfinite(plain):
        raise DataError(f"'{name}' takes a finite number. Got {value!r}.")
    return float(plain)


def whole(what: str, value: Any, least: int) -> int:
    """A whole number that was given for a count.

    Raises:
        DataError: for anything else, or less than the least.
    """
    try:
        count = operator.index(value)
    except TypeError:
        count = None
    if count is None or isinstance(value, bool) or count < least:
        raise DataError(f"{what} is a whole number of {least} or more. Got {value!r}.")
    return count


def _class(name: str, value: Any, k: int) -> int:
    """A class that was given for a categorical coordinate."""
    given = number(name, value)
    if given not in range(k):
        raise DataError(f"'{name}' is one of the classes 0 to {k - 1}. Got {value!r}.")
    return int(given)

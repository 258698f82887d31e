"""What can be turned in a space: coordinates and controls, named and ranged in their own units where known."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from latune.calibration import Calibration
from latune.codes import Uniform
from latune.controls import REALISM, Control
from latune.errors import DataError
from latune.space import Space

STEPS = 200  # of a slider, from one end to the other
LONG = 4  # letters of a unit
YES = {"no": 0.0, "yes": 1.0}


@dataclass(frozen=True)
class Knob:
    """One slider or choice.

    Args:
        name: of the coordinate or control; `face.smiling` for a label of a control of several.
        of: which of the two.
        low, high: ends of a slider, in latent units for coordinates and in [0, 1] for controls.
        choices: what can be chosen, of a choice; empty for a slider.
        unit: of the attribute that it moves.
        map: from the slider to the attribute: ascending positions and the value at each.
        named: whether it has a name that means something; the rest are `z[3]`.

    >>> knob = Knob("slant", "coordinate", -4.0, 4.0, unit="rad", map=((-4.0, 4.0), (-1.0, 1.0)))
    >>> knob.told(2.0), knob.checked("9")
    ('0.5 rad', 4.0)
    """

    name: str
    of: Literal["coordinate", "control"]
    low: float = 0.0
    high: float = 1.0
    choices: tuple[str, ...] = ()
    unit: str = ""
    map: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    named: bool = True

    @property
    def step(self) -> float:
        """How far one press of an arrow key goes."""
        return (self.high - self.low) / STEPS

    @property
    def title(self) -> str:
        """The name as people read it."""
        return self.name.replace("_", " ")

    def told(self, value: Any) -> str:
        """A position in words: in the attribute's unit where it is known."""
        if self.choices:
            return str(value)
        if self.map is not None:
            return f"{_rounded(float(np.interp(float(value), *self.map)))} {self.unit}".rstrip()
        return f"{float(value):+.2f}" if self.of == "coordinate" else f"{float(value):.2f}"

    def end(self, value: float) -> str:
        """The same beside an end of the slider, where a long unit has no room."""
        said = self.told(value)
        return said.removesuffix(self.unit).strip() if len(self.unit) > LONG else said

    def checked(self, value: Any) -> float | str:
        """A value that was given for it; beyond the ends, the nearest end.

        Raises:
            DataError: for something that is none.
        """
        if self.choices:
            if str(value) not in self.choices:
                raise DataError(f"'{self.name}' is one of {', '.join(self.choices)}. Got {str(value)[:40]!r}.")
            return str(value)
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise DataError(
                f"'{self.name}' takes a number from {self.low:g} to {self.high:g}. Got {str(value)[:40]!r}."
            )
        return min(max(number, self.low), self.high)


def knobs_of(space: Space) -> list[Knob]:
    """All knobs of a space: coordinates first, in their order, then controls."""
    return [*coordinate_knobs(space), *control_knobs(space)]


def coordinate_knobs(space: Space) -> list[Knob]:
    """A choice for each categorical coordinate, a slider for each column of the others."""
    found = []
    for name in space.coordinates.knobs:
        if classes := space.coordinates.classes(name):
            found.append(Knob(name, "coordinate", choices=tuple(map(str, classes))))
            continue
        factor = space.codes.factors.get(name.partition("[")[0])
        low, high = (factor.lo, factor.hi) if isinstance(factor, Uniform) else (-4.0, 4.0)
        known = space.calibration.get(name)
        unit, map_ = _mapped(known)
        found.append(Knob(name, "coordinate", low, high, unit=unit, map=map_, named="[" not in name))
    return found


def control_knobs(space: Space) -> list[Knob]:
    """A slider or a choice for each control; `realism` is a dial and none of these."""
    found = []
    for name, control in list(space.controls.items()):
        if name == REALISM:
            continue
        if control.kind == "labels":
            found += [Knob(f"{name}.{label}", "control", choices=("no", "yes")) for label in control.classes]
        elif control.classes:
            found.append(Knob(name, "control", choices=tuple(map(str, control.classes))))
        elif control.quantiles:
            places = tuple(np.linspace(0, 1, len(control.quantiles)).tolist())
            found.append(Knob(name, "control", unit=control.unit, map=(places, tuple(control.quantiles))))
        else:
            found.append(Knob(name, "control"))
    return found


def wishes_of(controls: Mapping[str, Control], wished: Mapping[str, str | float]) -> dict[str, Any]:
    """What knobs ask of controls, as `space.controls.wishes` takes it; knobs of controls that are gone ask nothing."""
    asked: dict[str, Any] = {}
    for knob, value in wished.items():
        name, _, label = knob.rpartition(".")
        if name in controls and controls[name].kind == "labels":
            asked.setdefault(name, {})[label] = YES[str(value)]
        elif knob in controls:
            asked[knob] = value
    return asked


def _mapped(known: Calibration | None) -> tuple[str, tuple[tuple[float, ...], tuple[float, ...]] | None]:
    """The unit of a slider and its map; a share `of 26 semitones` is said in semitones."""
    if known is None:
        return "", None
    share = re.fullmatch(r"of (\d+) (\w+)", known.unit)
    times, unit = (float(share[1]), share[2]) if share else (1.0, known.unit)
    return unit, (tuple(known.slider.tolist()), tuple((times * known.value).tolist()))


def _rounded(value: float) -> str:
    """A number to three digits, without the noise of a zero."""
    return f"{0.0 if abs(value) < 5e-4 else value:.3g}"

"""The attribute's own units: which latent value gives which attribute value, and codes that are aimed at one."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latune.attributes.amounts import amount, spoken
from latune.calibration import GRID, Calibration
from latune.coordinates import number
from latune.data import Dataset, spread
from latune.errors import DataError, did_you_mean
from latune.moves import Put

CALIBRATION_EXAMPLES = 96  # decoded at every slider position and measured
REGRESSED_EXAMPLES = 5000  # encoded, where an attribute is only a label
CHUNK = 1024  # examples that pass through a network at once
REFINEMENTS = 6
PACKAGE = str(Path(__file__).parent)


def calibrated(space: Any, data: Dataset) -> dict[str, Calibration]:
    """For each slider of a space the map between its latent values and its attribute, measured on training examples."""
    rows = data.splits["training"]
    z = space.encode(data.examples(spread(rows, CALIBRATION_EXAMPLES)))
    found = {}
    for name in space.sliders:
        attribute, column = space.attributes[name], space.coordinates.column(name)
        if attribute.measure is not None:
            sliders = GRID[::2]
            decoded = torch.cat([space.decode(Put(column, float(value))(z)).plain() for value in sliders])
            values = space.measured([name], decoded)[name]
            pairs = np.repeat(sliders, len(z)), values
            found[name] = Calibration.fit(*pairs, source="decoded", unit=attribute.unit)
        else:
            many = spread(rows, REGRESSED_EXAMPLES)
            codes = torch.cat([space.encode(data.examples(chunk)) for chunk in many.split(CHUNK)])[:, column]
            values = data.column(name, many)
            pairs = codes.double().cpu().numpy(), values.double().cpu().numpy()
            found[name] = Calibration.fit(*pairs, source="labels", unit=attribute.unit)
    return found


def reach(space: Any, name: str) -> tuple[float, float]:
    """Lowest and highest value of an attribute that a space can bring about, in the attribute's own unit.

    Raises:
        DataError: for a name that is no coordinate, or one without a measured map.
    """
    if name in space.calibration:
        return space.calibration[name].range
    mapped = ", ".join(space.calibration) or "none"
    if name in [*space.codes, *space.codes.columns()]:
        raise DataError(
            f"'{name}' has no measured map to an attribute. With one: {mapped}. "
            "In latent units it can be moved like every coordinate."
        )
    hint = did_you_mean(str(name), space.calibration)
    raise DataError(f"Unknown coordinate '{name}'. {hint + ' ' if hint else ''}With a measured map: {mapped}.")


def aim(space: Any, z: Tensor, wanted: Any) -> Tensor:
    """Move codes to where attributes have the wanted values, by name; None for none.

    The saved map is only the start where an attribute can be measured on images: each example is decoded, measured and
    corrected. A value out of reach is warned of.
    """
    to = {} if wanted is None else _within(space, wanted)
    if not to:
        return z
    measurable = [name for name in to if space.attributes[name].measure is not None]
    width = {name: np.ptp(space.calibration[name].value) or 1.0 for name in to}
    aims = {name: np.full(len(z), float(value)) for name, value in to.items()}
    best, error = z, np.full(len(z), np.inf)
    for _ in range(REFINEMENTS if measurable else 1):
        for name in to:
            slider = torch.as_tensor(space.calibration[name].latent(aims[name]), dtype=z.dtype, device=z.device)
            z = Put(space.coordinates.column(name), slider)(z)
        if not measurable:
            return z
        got = space.measured(measurable, space.decode(z).plain())
        off = np.sum([np.abs(got[name] - to[name]) / width[name] for name in measurable], axis=0)
        best = torch.where(torch.as_tensor(off < error, device=z.device)[:, None], z, best)
        error = np.minimum(error, off)
        for name in measurable:  # aim past the target by what was missed; the map is a mean, examples differ
            aims[name] = aims[name] + 0.8 * (to[name] - got[name])
    return best


def _within(space: Any, to: Any) -> dict[str, float]:
    """Attribute values that were asked for, checked; what is out of reach is said."""
    if not isinstance(to, Mapping):
        raise DataError(f'to= takes attribute values by name, as to={{"slant": 0.3}}. Got {to!r}.')
    within: dict[str, float] = {}
    for name, value in to.items():
        (low, high), unit = reach(space, name), space.calibration[name].unit
        asked = within[name] = number(name, amount(name, value, unit))
        slack = 1e-6 * max(high - low, abs(low), abs(high))  # the ends, typed as they were printed
        if not low - slack <= asked <= high + slack:
            warnings.warn(
                f"{name} = {value if isinstance(value, str) else f'{asked:g}'} was asked for; this model reaches "
                + f"{low:.4g} to {high:.4g} {unit}{spoken((low, high), unit)}".rstrip()
                + ". The nearest it reaches is used.",
                UserWarning,
                stacklevel=_outside(),
            )
    return within


def _outside() -> int:
    """How many calls up the line is that called into this package: what a warning points at."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame, level = frame.f_back, level + 1
    return level

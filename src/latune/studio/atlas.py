"""The map of a space: where codes of the data lie, and the surface of an attribute over two coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latune.data import Dataset, spread
from latune.errors import DataError
from latune.space import Space

MOST = 2000  # examples on the map
PRINCIPAL = ("main direction 1", "main direction 2")
SIDE = 21  # points of a surface on each side
REACH = 3.0  # of a surface, in latent units either way


@dataclass(frozen=True)
class Atlas:
    """Codes of data, and what is known of them.

    Args:
        z: codes `(m, d)`.
        values: of each attribute, `(m,)`.
        axes: the two directions `(2, d)` in which the codes spread most.
        mean: of the codes, `(d,)`.
    """

    z: Tensor
    values: dict[str, np.ndarray]
    axes: Tensor
    mean: Tensor

    @classmethod
    def of(cls, space: Space, data: Dataset) -> Atlas:
        """Encode some of the test data of a space.

        Raises:
            DataError: for a model without an encoder.
        """
        if not space.encodes:
            raise DataError("This model has no encoder: where data lie in its space cannot be seen.")
        rows = spread(data.splits["test"], MOST)
        z = space.encode(data.examples(rows))
        numbers = {name: data.column(name, rows).double().cpu().numpy() for name in data.attributes}
        _, _, directions = torch.pca_lowrank(z, q=min(2, z.shape[1]), niter=4)
        return cls(z, numbers, directions.T, z.mean(0))

    def places(self, space: Space, names: tuple[str, str]) -> Tensor:
        """Where the codes are on two axes, `(m, 2)`."""
        return torch.stack([self._along(space, name, self.z) for name in names], 1)

    def _along(self, space: Space, name: str, z: Tensor) -> Tensor:
        if name in PRINCIPAL:
            return (z - self.mean) @ self.axes[PRINCIPAL.index(name)]
        return z[:, space.coordinates.column(name)]

    def page(
        self, space: Space, names: tuple[str, str], colour: str | None, here: Tensor | None = None
    ) -> dict[str, Any]:
        """What a browser draws: points and colours within [0, 1], and what the ends of the axes are."""
        places = self.places(space, names)
        low, high = _ends(places)
        values, ends = _shares(self.values[colour] if colour else np.full(len(places), np.nan))
        spot = None
        if here is not None:
            at = torch.stack([self._along(space, name, here) for name in names], 1)[0]
            spot = _rounded((at - low) / (high - low))
        return {
            "names": list(names),
            "colour": (colour or "").replace("_", " "),
            "points": [_rounded(row) for row in (places - low) / (high - low)],
            "values": values,
            "ends": ends,
            "x": [low[0].item(), high[0].item()],
            "y": [low[1].item(), high[1].item()],
            "here": spot,
        }

    def point(self, space: Space, names: tuple[str, str], at: tuple[float, float]) -> Tensor:
        """The code `(1, d)` at a place of the map: of the example that is nearest, moved to the very place."""
        places = self.places(space, names)
        low, high = _ends(places)
        wanted = low + torch.tensor(at, dtype=places.dtype) * (high - low)
        nearest = (((places - wanted) / (high - low)) ** 2).sum(1).argmin()
        z, missing = self.z[nearest].clone(), wanted - places[nearest]
        for name, way in zip(names, missing, strict=True):
            if name in PRINCIPAL:
                z += way * self.axes[PRINCIPAL.index(name)]
            else:
                z[space.coordinates.column(name)] += way
        return z[None]


def surface(space: Space, z: Tensor, names: tuple[str, str], colour: str) -> dict[str, Any]:
    """An attribute, or how sure a control is, over two coordinates around a code.

    Args:
        space: the model.
        z: the code `(1, d)` of which all other coordinates are taken.
        names: of the two coordinates.
        colour: an attribute that can be measured on what is made, or a control of one column.
    """
    ticks = torch.linspace(-REACH, REACH, SIDE)
    columns = [space.coordinates.column(name) for name in names]
    grid = z[:1].repeat(SIDE * SIDE, 1)
    grid[:, columns[0]] = ticks.repeat(SIDE).to(grid)  # to the right
    grid[:, columns[1]] = ticks.repeat_interleave(SIDE).to(grid)  # upwards
    if colour in space.controls:
        with torch.no_grad():
            found = torch.sigmoid(space.controls[colour].critic(grid))[:, 0].double().cpu().numpy()
    else:
        found = space.measured([colour], space.decode(grid).plain())[colour]
    values, ends = _shares(found)
    spot = [(z[0, column].item() + REACH) / (2 * REACH) for column in columns]
    return {
        "names": list(names),
        "colour": colour.replace("_", " "),
        "side": SIDE,
        "values": values,
        "ends": ends,
        "x": [-REACH, REACH],
        "y": [-REACH, REACH],
        "here": [round(each, 4) for each in spot] if all(0 <= each <= 1 for each in spot) else None,
    }


def surfaces(space: Space) -> list[str]:
    """What a surface can be drawn of."""
    single: Callable[[str], bool] = lambda name: space.controls[name].width == 1  # noqa: E731
    return [name for name, each in space.attributes.items() if each.measure] + [n for n in space.controls if single(n)]


def _ends(places: Tensor) -> tuple[Tensor, Tensor]:
    """A little beyond the outermost points."""
    low, high = places.amin(0), places.amax(0)
    room = 0.04 * (high - low).clamp_min(1e-6)
    return low - room, high + room


def _shares(values: np.ndarray) -> tuple[list[float | None], list[str]]:
    """Values within [0, 1], those that are not known None, and what 0 and 1 are."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    scaled = (values - low) / ((high - low) or 1.0)
    return [round(float(each), 3) if np.isfinite(each) else None for each in scaled], [f"{low:.3g}", f"{high:.3g}"]


def _rounded(row: Tensor) -> list[float]:
    return [round(each, 4) for each in row.tolist()]

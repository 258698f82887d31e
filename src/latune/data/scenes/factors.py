"""A grid of factors: from an index to exact values and back, nothing stored."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from latune.attributes.attribute import Attribute
from latune.data.dataset import Rendered
from latune.data.splits import make_splits
from latune.errors import DataError, unknown


@dataclass(frozen=True)
class Factors:
    """Every combination of the levels of several factors, the last one fastest.

    Args:
        attributes: the factors.
        levels: of each of them.

    >>> grid = Factors((Attribute("style", "categorical", (1.0, 2.0)), Attribute("width")), ((1, 2), (0.8, 1.0, 1.2)))
    >>> len(grid), grid.at(torch.tensor([4])).tolist(), grid.index({"style": 2, "width": 1.0})
    (6, [[2.0, 1.0]], 4)
    """

    attributes: tuple[Attribute, ...]
    levels: tuple[Sequence[float], ...]

    def __len__(self) -> int:
        return math.prod(self._sizes)

    @property
    def names(self) -> list[str]:
        """Of the factors."""
        return [attribute.name for attribute in self.attributes]

    @cached_property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(map(len, self.levels))

    def at(self, indices: Int64[Tensor, " m"]) -> Float[Tensor, "m L"]:
        """The factors of these examples."""
        places = torch.unravel_index(indices, self._sizes)
        return torch.stack(
            [
                torch.tensor(axis, dtype=torch.float32, device=indices.device)[place]
                for axis, place in zip(self.levels, places, strict=True)
            ],
            dim=1,
        )

    def index(self, wanted: Mapping[str, float]) -> int:
        """The example whose factors are nearest to these; what is not named is at its middle level.

        Raises:
            DataError: a name that is no factor, a value that is no number, a class that there is not.
        """
        for name, value in wanted.items():
            if name not in self.names:
                raise DataError(unknown("factor", name, self.names))
            place = self.names.index(name)
            if not math.isfinite(value):
                raise DataError(f"{name} is a number. Got {value}.")
            if self.attributes[place].kind == "categorical" and value not in self.levels[place]:
                raise DataError(f"There is no {name} {value:g}. Allowed: {', '.join(map(str, self.levels[place]))}.")
        index = 0
        for name, axis in zip(self.names, self.levels, strict=True):
            value = wanted.get(name, axis[len(axis) // 2])
            place = min(range(len(axis)), key=lambda i: abs(axis[i] - value))
            index = index * len(axis) + place
        return index


def between(low: float, high: float, n: int) -> tuple[float, ...]:
    """`n` levels, both ends among them.

    >>> between(0, 1, 3)
    (0.0, 0.5, 1.0)
    """
    return tuple(low + (high - low) * i / (n - 1) for i in range(n))


def around(n: int) -> tuple[float, ...]:
    """`n` directions of a whole turn (rad), from 0, the last one a step before it.

    >>> around(4)
    (0.0, 1.5707963267948966, 3.141592653589793, 4.71238898038469)
    """
    return tuple(2 * math.pi * i / n for i in range(n))


def check_scenes(factors: Tensor, grid: Factors, styles: Collection[str]) -> None:
    """Whether each row is a scene: as many finite factors as the grid has, a style that there is, and some width.

    On an accelerator nothing waits to know.

    Raises:
        DataError: says which row is none, and why.
    """
    if factors.ndim != 2 or factors.shape[1] != len(grid.names):
        raise DataError(f"A scene is a row of {', '.join(grid.names)}. Got the shape {tuple(factors.shape)}.")
    if factors.device.type != "cpu":
        return
    style, width = factors[:, 0], factors[:, grid.names.index("width")]
    for wrong, why in (
        (~factors.isfinite().all(1), "a factor that is no number"),
        ((style < 1) | (style > len(styles)) | (style != style.round()), f"no style of 1 to {len(styles)}"),
        (width <= 0, "no width above 0"),
    ):
        if wrong.any():
            row = int(wrong.nonzero()[0])
            raise DataError(
                f"Scene {row} has {why}: {dict(zip(grid.names, factors[row].tolist(), strict=True))}. "
                f"Styles: {', '.join(styles)}."
            )


def scenes(
    name: str,
    grid: Factors,
    side: int,
    render: Callable[[Tensor], Tensor],
    classes: Sequence[str],
    split: Sequence[float],
    seed: int,
) -> Rendered:
    """The data set of a grid of factors, the first of them `style`."""
    return Rendered(
        name=name,
        shape=(1, side, side),
        attributes={attribute.name: attribute for attribute in grid.attributes},
        values=grid.at(torch.arange(len(grid))),
        splits=make_splits(len(grid), split, seed=seed),
        provenance={
            "source": f"rendered by latune: {name} of boxes, cylinders and ellipsoids",
            "licence": "none needed: every image is computed",
            "split": {"rule": "random", "fractions": list(split), "seed": seed},
            "classes": {"style": list(classes)},
        },
        render=render,
    )

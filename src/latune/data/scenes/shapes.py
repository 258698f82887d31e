"""What scenes are built of: boxes, cylinders and ellipsoids, each a unit shape under an affine map.

Lengths are in units of half an image's side. An object has x to the right of whoever looks at its front, y upwards and
z towards them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

NOTHING, BOX, CYLINDER, ELLIPSOID = range(4)
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Shape:
    """A unit shape moved to `centre`, its axes stretched to the half-axes `axes`; a cylinder stands on the second.

    `tone` is the brightness of its surface in full light, 0 to 1.
    """

    kind: int
    centre: Vector
    axes: tuple[Vector, Vector, Vector]
    tone: float

    def pitched(self, angle: float, about: Vector = (0.0, 0.0, 0.0)) -> Shape:
        """Turned about a level line from left to right: by a positive angle (rad) the top goes back."""
        cos, sin = math.cos(angle), math.sin(angle)

        return self._turned(lambda v: (v[0], cos * v[1] + sin * v[2], cos * v[2] - sin * v[1]), about)

    def rolled(self, angle: float) -> Shape:
        """Turned about its own line of sight: by a positive angle (rad) counter-clockwise, seen from the front."""
        cos, sin = math.cos(angle), math.sin(angle)
        return self._turned(lambda v: (cos * v[0] - sin * v[1], sin * v[0] + cos * v[1], v[2]), self.centre)

    def mirrored(self) -> Shape:
        """Its mirror image on the other side, left for right."""
        x, y, z = self.centre
        return replace(self, centre=(-x, y, z), axes=tuple((-a, b, c) for a, b, c in self.axes))

    def _turned(self, turn: Callable[[Vector], Vector], about: Vector) -> Shape:
        (x, y, z), (there_x, there_y, there_z) = self.centre, about
        x, y, z = turn((x - there_x, y - there_y, z - there_z))
        centre = (x + there_x, y + there_y, z + there_z)
        return replace(self, centre=centre, axes=tuple(turn(axis) for axis in self.axes))


def box(centre: Vector, half: Vector, tone: float) -> Shape:
    """A box with these half sides.

    >>> box((0, 0, 0), (1, 2, 3), 0.5).axes
    ((1, 0, 0), (0, 2, 0), (0, 0, 3))
    """
    return Shape(BOX, centre, ((half[0], 0, 0), (0, half[1], 0), (0, 0, half[2])), tone)


def ellipsoid(centre: Vector, half: Vector, tone: float) -> Shape:
    """An ellipsoid with these half-axes."""
    return replace(box(centre, half, tone), kind=ELLIPSOID)


def cylinder(centre: Vector, half: Vector, tone: float) -> Shape:
    """An upright cylinder: half its width, half its height, half its depth."""
    return replace(box(centre, half, tone), kind=CYLINDER)


def rod(start: Vector, end: Vector, radius: float, tone: float) -> Shape:
    """A round rod between two points.

    >>> rod((0, 0, 0), (0, 2, 0), 0.1, 0.5).centre
    (0.0, 1.0, 0.0)
    """
    return Shape(CYLINDER, *_between(start, end, (radius, radius)), tone)


def bar(start: Vector, end: Vector, half: tuple[float, float], tone: float) -> Shape:
    """A straight bar between two points, `half` its thickness across and in depth."""
    return Shape(BOX, *_between(start, end, half), tone)


def _between(start: Vector, end: Vector, half: tuple[float, float]) -> tuple[Vector, tuple[Vector, Vector, Vector]]:
    """Centre and half-axes of what goes from one point to another; its depth stays as near to z as it can."""
    along = torch.tensor(end, dtype=torch.float64) - torch.tensor(start, dtype=torch.float64)
    aside = torch.linalg.cross(along, torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64))
    if float(aside.norm()) < 1e-9 * float(along.norm()):
        aside = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    deep = torch.linalg.cross(aside, along)
    axes = (aside * (half[0] / aside.norm()), along / 2, deep * (half[1] / deep.norm()))
    x, y, z = ((a + b) / 2 for a, b in zip(start, end, strict=True))
    first, second, third = (tuple(axis.tolist()) for axis in axes)
    return (x, y, z), (first, second, third)  # pyright: ignore[reportReturnType]


@dataclass(frozen=True)
class Solids:
    """Objects as tensors: `K` shapes each, padded with `NOTHING`.

    Args:
        kinds: of the shapes.
        centres: x, y, z.
        axes: the three half-axes, each x, y, z.
        tones: brightness in full light.
    """

    kinds: Int64[Tensor, "m K"]
    centres: Float64[Tensor, "m K 3"]
    axes: Float64[Tensor, "m K 3 3"]
    tones: Float64[Tensor, "m K"]

    def __getitem__(self, which: Int64[Tensor, " n"]) -> Solids:
        return Solids(self.kinds[which], self.centres[which], self.axes[which], self.tones[which])

    def to(self, device: torch.device) -> Solids:
        """The same on another device."""
        return Solids(self.kinds.to(device), self.centres.to(device), self.axes.to(device), self.tones.to(device))


def stack(objects: Sequence[Sequence[Shape]]) -> Solids:
    """Objects of several shapes each, as tensors.

    >>> stack([[box((0, 0, 0), (1, 1, 1), 0.5)], []]).kinds.tolist()
    [[1], [0]]
    """
    most = max(len(shapes) for shapes in objects)
    empty = Shape(NOTHING, (0, 0, 0), ((1, 0, 0), (0, 1, 0), (0, 0, 1)), 0.0)
    rows = [[*shapes, *[empty] * (most - len(shapes))] for shapes in objects]

    def table(name: str) -> Tensor:
        return torch.tensor([[getattr(shape, name) for shape in row] for row in rows], dtype=torch.float64)

    return Solids(table("kind").long(), table("centre"), table("axes"), table("tone"))

"""Where a scene is looked at from, and where its light is: all rays are parallel, so a thing has one size everywhere.

In the camera's frame u goes to the right, v up and w towards the viewer; the image is the square from -1 to 1.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float64
from torch import Tensor

from latune.data.scenes.shapes import Solids

STEPS = 2**30  # cosines are rounded to this fraction


def seen(
    solids: Solids,
    *,
    azimuth: Float64[Tensor, " m"],
    elevation: Float64[Tensor, " m"],
    width: Float64[Tensor, " m"],
) -> Solids:
    """Objects in the camera's frame.

    Args:
        solids: in their own frames.
        azimuth: by how much an object is turned about its upright axis (rad); its front goes to the right.
        elevation: of the camera above the level of the object (rad).
        width: the object's sideways lengths are multiplied by it.
    """
    turn, tilt = _cos_sin(azimuth), _cos_sin(elevation)

    def view(points: Tensor) -> Tensor:
        shape = (-1, *[1] * (points.dim() - 2))
        cos_a, sin_a, cos_e, sin_e = (each.view(shape) for each in (*turn, *tilt))
        x, y, z = points.unbind(-1)
        x = x * width.view(shape)
        x, z = x * cos_a + z * sin_a, z * cos_a - x * sin_a
        return torch.stack([x, y * cos_e - z * sin_e, y * sin_e + z * cos_e], dim=-1)

    return Solids(solids.kinds, view(solids.centres), view(solids.axes), solids.tones)


def light_from(aside: Float64[Tensor, " m"], height: float) -> Float64[Tensor, "m 3"]:
    """The direction towards a light that stands `aside` to the right of the camera and `height` above it (rad).

    >>> light_from(torch.zeros(1, dtype=torch.float64), 0.0)
    tensor([[0., 0., 1.]], dtype=torch.float64)
    """
    cos, sin = _cos_sin(aside)
    level, up = math.cos(height), math.sin(height)
    return torch.stack([sin * level, torch.full_like(sin, up), cos * level], dim=1)


def _cos_sin(angle: Tensor) -> tuple[Tensor, Tensor]:
    """Both, rounded: a processor's vector units may differ in the last bit with the place of a number in its batch."""
    return (angle.cos() * STEPS).round() / STEPS, (angle.sin() * STEPS).round() / STEPS

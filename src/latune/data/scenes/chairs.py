"""Rendered chairs: twelve styles from all sides, 64x64 and grey, each a few boxes and rods."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from latune.attributes.attribute import Attribute
from latune.data.dataset import Rendered
from latune.data.scenes.cameras import light_from, seen
from latune.data.scenes.casting import Paper, cast
from latune.data.scenes.chair_parts import ARMS, BACKS, LEGS, SEATS, Chair
from latune.data.scenes.factors import Factors, around, between, check_scenes, scenes
from latune.data.scenes.shapes import Shape, Solids, stack
from latune.data.splits import FRACTIONS

CENTIMETRE = 1 / 66  # in halves of an image's side
EYE = 44.0  # the middle of an image (cm above the floor)
PAPER = Paper(side=64, rays=2, ground=1.0, ambient=0.35)
LIGHT = (-0.6, 0.7)  # to the right of the camera, above it (rad)
CHUNK = 64  # chairs drawn at a time, so that the work stays in the processor's cache


STYLES: dict[str, Chair] = {
    "kitchen": Chair("straight", "square", "slats", tone=0.7),
    "ladder": Chair("straight", "square", "rungs", top=96, half=19, tone=0.55),
    "panel": Chair("straight", "square", "panel", top=84, stock=2.4, tone=0.85),
    "bistro": Chair("splayed", "round", "hoop", half=20, thick=3, stock=1.3, tone=0.5),
    "windsor": Chair("splayed", "square", "spindles", "rails", half=23, top=92, stock=1.6, tone=0.6),
    "swivel": Chair("pedestal", "round", "pad", half=22, thick=7, top=86, tone=0.65),
    "office": Chair("star", "square", "panel", "rails", half=23, thick=8, height=47, top=93, tone=0.62),
    "cantilever": Chair("cantilever", "square", "pad", thick=4, top=84, stock=1.6, tone=0.7),
    "sled": Chair("sled", "square", "panel", "rails", half=23, top=80, stock=1.6, tone=0.8),
    "club": Chair("block", "square", "panel", "solid", height=40, half=22, thick=16, top=72, stock=4.0, tone=0.8),
    "lounge": Chair("straight", "square", "slats", "rails", height=34, half=26, top=82, lean=0.4, tone=0.75, stock=2.4),
    "throne": Chair("block", "square", "panel", "rails", half=22, thick=8, top=96, lean=0.0, tone=0.7),
}

FACTORS = Factors(
    (
        Attribute("style", "categorical", (1.0, float(len(STYLES)))),
        Attribute("azimuth", "real", (0.0, 2 * math.pi), "rad"),
        Attribute("elevation", "real", (math.radians(8), math.radians(36)), "rad"),
        Attribute("width", "real", (0.7, 1.3), "of the style's own"),
    ),
    (
        tuple(range(1, len(STYLES) + 1)),
        around(72),
        between(math.radians(8), math.radians(36), 16),
        between(0.7, 1.3, 16),
    ),
)


def load(*, seed: int = 0, split: Sequence[float] = FRACTIONS) -> Rendered:
    """221,184 rendered chairs, 64x64 grey on white, with style (1 to 12), azimuth, elevation (rad) and width.

    At azimuth 0 a chair is seen from its front, which turns to the right as azimuth grows, all the way round; the
    camera looks down on it by the elevation; the width multiplies what lies across. Light comes from the upper left of
    the camera. They stand in for the chairs of Aubry et al. 2014 (https://www.di.ens.fr/willow/research/seeing3Dchairs/),
    which InfoGAN learned from, and nothing of these is in them.

    >>> chairs = load()
    >>> chairs
    Rendered('chairs', 221,184 x 1x64x64, style, azimuth, elevation, width)
    >>> chairs.provenance["classes"]["style"][0]
    'kitchen'
    """
    return scenes("chairs", FACTORS, PAPER.side, render, list(STYLES), split, seed)


def render(indices: Int64[Tensor, " m"]) -> UInt8[Tensor, "m 1 64 64"]:
    """The images of these indices, on the device of the indices.

    >>> chair = render(torch.tensor([FACTORS.index({"style": 1, "azimuth": 0.0})]))[0, 0]
    >>> int(chair[0, 0]), bool((chair < 200).any())
    (255, True)
    """
    return draw(FACTORS.at(indices))


def draw(factors: Float[Tensor, "m 4"]) -> UInt8[Tensor, "m 1 64 64"]:
    """Chairs with these factors (style, azimuth, elevation, width), on the grid or between.

    Raises:
        DataError: rows that are no scenes, a style that there is not.
    """
    check_scenes(factors, FACTORS, STYLES)
    models = _models(factors.device)
    pages = [torch.zeros((0, 1, PAPER.side, PAPER.side), dtype=torch.uint8, device=factors.device)]
    for part in factors.double().split(CHUNK):
        style, azimuth, elevation, width = part.unbind(1)
        chairs = seen(models[style.long() - 1], azimuth=azimuth, elevation=elevation, width=width)
        light = light_from(torch.full_like(azimuth, LIGHT[0]), LIGHT[1])
        pages.append(cast(chairs, light, PAPER))
    return torch.cat(pages)


@cache
def _models(device: torch.device) -> Solids:
    return stack([built(chair) for chair in STYLES.values()]).to(device)


def built(chair: Chair) -> list[Shape]:
    """The shapes of a chair, the middle of the image at the origin."""
    parts = [
        *LEGS[chair.legs](chair),
        *SEATS[chair.seat](chair),
        *BACKS[chair.back](chair),
        *ARMS[chair.arms](chair),
    ]
    return [
        replace(
            part,
            centre=(part.centre[0] * CENTIMETRE, (part.centre[1] - EYE) * CENTIMETRE, part.centre[2] * CENTIMETRE),
            axes=tuple(tuple(length * CENTIMETRE for length in axis) for axis in part.axes),
        )
        for part in parts
    ]

"""Rendered heads: eight of them under any light, 32x32 and grey, each of a few ellipsoids."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from latune.attributes.attribute import Attribute
from latune.data.dataset import Rendered
from latune.data.scenes.cameras import light_from, seen
from latune.data.scenes.casting import Paper, cast
from latune.data.scenes.factors import Factors, between, check_scenes, scenes
from latune.data.scenes.shapes import Shape, Solids, cylinder, ellipsoid, stack
from latune.data.splits import FRACTIONS

PAPER = Paper(side=32, rays=2, ground=0.0, ambient=0.2)
LIGHT_HEIGHT = 0.45  # above the camera (rad)
CHUNK = 64  # heads drawn at a time, so that the work stays in the processor's cache


@dataclass(frozen=True)
class Head:
    """What a style is; lengths in halves of an image's side.

    Args:
        hair: how it is worn: `none`, `short`, `long`, `bun`, `round` or `cap`.
        skin, dark: brightness of the skin, and of hair and brows, in full light.
        jaw: half the width of the face.
        nose: size of the nose.
        beard: whether there is one.
    """

    hair: str
    skin: float = 0.85
    dark: float = 0.2
    jaw: float = 0.45
    nose: float = 1.0
    beard: bool = False


STYLES: dict[str, Head] = {
    "short": Head("short"),
    "bald": Head("none", jaw=0.48, nose=1.2, dark=0.3),
    "long": Head("long", jaw=0.42, nose=0.85, dark=0.3),
    "bun": Head("bun", skin=0.7, dark=0.14, jaw=0.43, nose=0.9),
    "round": Head("round", skin=0.58, dark=0.2, nose=1.05),
    "bearded": Head("short", skin=0.8, dark=0.24, nose=1.25, beard=True),
    "cap": Head("cap", skin=0.75, dark=0.4),
    "fair": Head("long", skin=0.92, dark=0.62, jaw=0.43),
}

REACH, TILT, SIDE_LIGHT = math.radians(72), math.radians(24), math.radians(80)
FACTORS = Factors(
    (
        Attribute("style", "categorical", (1.0, float(len(STYLES)))),
        Attribute("azimuth", "real", (-REACH, REACH), "rad"),
        Attribute("elevation", "real", (-TILT, TILT), "rad"),
        Attribute("lighting", "real", (-SIDE_LIGHT, SIDE_LIGHT), "rad"),
        Attribute("width", "real", (0.75, 1.25), "of the style's own"),
    ),
    (
        tuple(range(1, len(STYLES) + 1)),
        between(-REACH, REACH, 25),
        between(-TILT, TILT, 13),
        between(-SIDE_LIGHT, SIDE_LIGHT, 17),
        between(0.75, 1.25, 11),
    ),
)


def load(*, seed: int = 0, split: Sequence[float] = FRACTIONS) -> Rendered:
    """486,200 rendered heads, 32x32 grey on black, with style (1 to 8), azimuth, elevation, lighting (rad) and width.

    At azimuth 0 a head faces the camera; it turns to the right of the image as azimuth grows, and is seen from higher
    up as elevation grows. Lighting is how far to the right of the camera the light stands; the width multiplies what
    lies across. They stand in for the faces that InfoGAN learned from, renders of the Basel face model (Paysan et al.
    2009, https://faces.dmi.unibas.ch), and nothing of these is in them.

    >>> load(seed=1)
    Rendered('heads', 486,200 x 1x32x32, style, azimuth, elevation, lighting, width)
    """
    return scenes("heads", FACTORS, PAPER.side, render, list(STYLES), split, seed)


def render(indices: Int64[Tensor, " m"]) -> UInt8[Tensor, "m 1 32 32"]:
    """The images of these indices, on the device of the indices.

    >>> head = render(torch.tensor([FACTORS.index({"style": 2})]))[0, 0]
    >>> int(head[0, 0]), bool(head[16, 16] > 150)
    (0, True)
    """
    return draw(FACTORS.at(indices))


def draw(factors: Float[Tensor, "m 5"]) -> UInt8[Tensor, "m 1 32 32"]:
    """Heads with these factors (style, azimuth, elevation, lighting, width), on the grid or between.

    Raises:
        DataError: rows that are no scenes, a style that there is not.
    """
    check_scenes(factors, FACTORS, STYLES)
    models = _models(factors.device)
    pages = [torch.zeros((0, 1, PAPER.side, PAPER.side), dtype=torch.uint8, device=factors.device)]
    for part in factors.double().split(CHUNK):
        style, azimuth, elevation, lighting, width = part.unbind(1)
        heads = seen(models[style.long() - 1], azimuth=azimuth, elevation=elevation, width=width)
        pages.append(cast(heads, light_from(lighting, LIGHT_HEIGHT), PAPER))
    return torch.cat(pages)


@cache
def _models(device: torch.device) -> Solids:
    return stack([built(head) for head in STYLES.values()]).to(device)


def built(head: Head) -> list[Shape]:
    """The shapes of a head: x to the right, y up, z towards the viewer, the middle of the image at the origin."""
    return [*_skull(head), *_face(head), *_hair(head)]


def _both(part: Shape) -> Iterator[Shape]:
    yield part
    yield part.mirrored()


def _skull(head: Head) -> Iterator[Shape]:
    yield ellipsoid((0, 0.2, -0.1), (0.54, 0.6, 0.62), head.skin)
    yield ellipsoid((0, -0.14, 0.06), (head.jaw, 0.68, 0.5), head.skin)
    yield cylinder((0, -0.9, -0.14), (0.27, 0.5, 0.27), 0.9 * head.skin)
    yield from _both(ellipsoid((0.53, -0.02, -0.08), (0.07, 0.17, 0.11), 0.9 * head.skin))


def _face(head: Head) -> Iterator[Shape]:
    n = head.nose
    yield ellipsoid((0, -0.09, 0.56), (0.075 * n, 0.22, 0.11 * n), head.skin).pitched(0.3, about=(0, 0.06, 0.52))
    yield ellipsoid((0, -0.22, 0.58), (0.12 * n, 0.08, 0.12 * n), head.skin)
    yield from _both(ellipsoid((0.2, 0.06, 0.44), (0.125, 0.07, 0.09), 1.0))
    yield from _both(ellipsoid((0.195, 0.06, 0.5), (0.06, 0.06, 0.05), 0.05))
    yield from _both(ellipsoid((0.21, 0.2, 0.47), (0.15, 0.036, 0.08), head.dark).rolled(-0.12))
    yield ellipsoid((0, -0.46, 0.46), (0.17, 0.045, 0.06), 0.4 * head.skin)
    if head.beard:
        yield ellipsoid((0, -0.56, 0.1), (head.jaw + 0.01, 0.36, 0.43), head.dark)


def _hair(head: Head) -> Iterator[Shape]:
    if head.hair in ("short", "long", "bun"):
        yield ellipsoid((0, 0.33, -0.18), (0.58, 0.56, 0.62), head.dark)
    if head.hair == "long":
        yield ellipsoid((0, -0.15, -0.26), (0.62, 0.75, 0.45), head.dark)
    if head.hair == "bun":
        yield ellipsoid((0, 0.76, -0.32), (0.19, 0.17, 0.19), head.dark)
    if head.hair == "round":
        yield ellipsoid((0, 0.29, -0.24), (0.72, 0.62, 0.62), head.dark)
    if head.hair == "cap":
        yield ellipsoid((0, 0.36, -0.1), (0.58, 0.5, 0.65), head.dark)
        yield cylinder((0, 0.42, 0.42), (0.41, 0.03, 0.41), 0.8 * head.dark).pitched(-0.2, about=(0, 0.42, 0.2))

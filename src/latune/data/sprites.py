"""2-d sprites, rendered on demand: the full dSprites grid without its file.

737,280 black and white images of 64x64 pixels: 3 shapes x 6 scales x 40 orientations x 32 x 32 positions, indexed as in
the original, the vertical position fastest. The numbers below were fitted to the 320 original frames of the data set's
repository; 168 different hearts, 45 ellipses and 45 squares pin them down to about a hundredth of a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from latune.attributes.attribute import Attribute
from latune.data.dataset import Rendered
from latune.data.splits import FRACTIONS, make_splits

SHAPES = ("square", "ellipse", "heart")
SIDE = 64
GRID = (3, 6, 40, 32, 32)  # shapes, scales, orientations, x, y
COUNT = math.prod(GRID)

# Pixels, at scale 1. A pixel is white where its centre lies inside the outline; there is no antialiasing.
HALF_SIDE = 9.598
HALF_AXES = (12.77, 7.21)
# The right half of the heart: distance of the outline from the sprite's centre at 0, 6, ..., 180 degrees from "up",
# straight lines between. Left of it is its mirror image.
# fmt: off
HEART = (
    5.198, 7.081, 8.357, 9.462, 10.224, 10.748, 11.072, 11.241, 11.264, 11.158, 10.896, 10.549, 10.007, 9.406, 8.775,
    8.142, 7.561, 7.092, 6.701, 6.400, 6.169, 6.013, 5.922, 5.914, 5.947, 6.083, 6.308, 6.604, 7.163, 7.787, 9.576,
)
# fmt: on

BINS = 16384  # directions in half a turn: the outline is off by a thousandth of a pixel at most
MARGIN = 14  # no outline reaches further than this from its centre
TILE = 2 * MARGIN + 1
CHUNK = 256  # images rendered at a time, so that the work stays in the processor's cache


def load(*, seed: int = 0, split: Sequence[float] = FRACTIONS) -> Rendered:
    """All 737,280 sprites, with attributes shape (1 square, 2 ellipse, 3 heart), scale, orientation (rad), x and y.

    The values are those of the original's `latents_values`; orientations 0 and 2 pi are both in the grid, so their
    images are equal.

    Source: dSprites, Matthey, Higgins, Hassabis, Lerchner 2017, https://github.com/google-deepmind/dsprites-dataset

    >>> sprites = load()
    >>> sprites.values[-1].tolist()
    [3.0, 1.0, 6.2831854820251465, 1.0, 1.0]
    """
    attributes = [
        Attribute("shape", "categorical", (1.0, 3.0)),
        Attribute("scale", "real", (0.5, 1.0)),
        Attribute("orientation", "real", (0.0, 2 * math.pi), "rad"),
        Attribute("x", "real", (0.0, 1.0), "position"),
        Attribute("y", "real", (0.0, 1.0), "position"),
    ]
    return Rendered(
        name="sprites",
        shape=(1, SIDE, SIDE),
        attributes={attribute.name: attribute for attribute in attributes},
        values=latents(torch.arange(COUNT)),
        splits=make_splits(COUNT, split, seed=seed),
        provenance={
            "source": "rendered by latune on the grid of dSprites (Matthey et al. 2017)",
            "licence": "none needed: every image is computed",
            "split": {"rule": "random", "fractions": list(split), "seed": seed},
            "classes": {"shape": list(SHAPES)},
        },
        render=render,
    )


def latents(indices: Int64[Tensor, " m"]) -> Float[Tensor, "m 5"]:
    """Shape (1, 2, 3), scale, orientation, x and y of these examples.

    >>> latents(torch.tensor([0, 1]))[:, 4]
    tensor([0.0000, 0.0323])
    """
    axes = (
        torch.arange(1.0, 4.0),
        torch.linspace(0.5, 1, GRID[1]),
        torch.linspace(0, 2 * math.pi, GRID[2]),
        torch.linspace(0, 1, GRID[3]),
        torch.linspace(0, 1, GRID[4]),
    )
    places = torch.unravel_index(indices, GRID)
    return torch.stack([axis.to(indices.device)[place] for axis, place in zip(axes, places, strict=True)], dim=1)


def render(indices: Int64[Tensor, " m"]) -> UInt8[Tensor, "m 1 64 64"]:
    """The images of these indices, 0 or 255, on the device of the indices.

    >>> square = render(torch.tensor([0]))[0, 0] > 0
    >>> int(square.sum())  # the smallest square: 10 x 10
    100
    """
    pages = torch.zeros(len(indices), SIDE * SIDE, dtype=torch.uint8, device=indices.device)
    for page, chunk in zip(pages.split(CHUNK), indices.split(CHUNK), strict=True):
        _draw(page, latents(chunk))
    return pages.view(-1, 1, SIDE, SIDE)


def _draw(page: UInt8[Tensor, "m pixels"], latent: Float[Tensor, "m 5"]) -> None:
    """Draw one sprite on each page."""
    kind, scale, angle, x, y = latent.unbind(1)
    device = latent.device
    # The centre moves over half of the image in 31 steps of 32/31 pixels, so it seldom lies on a pixel's corner.
    cx, cy = 16 + 32 * x, 16 + 32 * y
    left, top = cx.floor() - MARGIN, cy.floor() - MARGIN
    steps = torch.arange(TILE, device=device)
    dx = (left - cx)[:, None] + steps + 0.5  # (m, TILE): pixel centres as seen from the sprite's
    dy = (top - cy)[:, None] + steps + 0.5
    # Into the shape's own frame: turn back by the angle (counter-clockwise on the screen), undo the scale.
    cos, sin = (angle.cos() / scale)[:, None], (angle.sin() / scale)[:, None]
    u = (cos * dx)[:, None, :] - (sin * dy)[:, :, None]  # (m, TILE, TILE)
    v = (sin * dx)[:, None, :] + (cos * dy)[:, :, None]
    # All three shapes are mirror images of themselves, and a ray from the centre leaves them once: r^2 < outline^2.
    direction = torch.atan2(u.abs(), -v).mul_(BINS / math.pi).add_(0.5).to(torch.int32)
    direction += ((kind - 1).to(torch.int32) * (BINS + 1))[:, None, None]
    edge = _outlines(device).index_select(0, direction.flatten()).view_as(u)
    inside = u.square_().addcmul_(v, v) < edge
    corner = (top * SIDE + left).to(torch.int64)[:, None]
    cells = corner + (steps[:, None] * SIDE + steps).flatten()  # (m, TILE * TILE)
    page.scatter_(1, cells, inside.flatten(1).to(torch.uint8).mul_(255))


@cache
def _outlines(device: torch.device) -> Float[Tensor, " directions"]:
    """Squared distance of each outline from its centre at scale 1, in BINS + 1 directions from up to down."""
    angle = torch.linspace(0, math.pi, BINS + 1, dtype=torch.float64)
    sin, cos = angle.sin().abs(), angle.cos().abs()
    square = HALF_SIDE / torch.maximum(sin, cos)
    ellipse = ((sin / HALF_AXES[0]).square() + (cos / HALF_AXES[1]).square()).rsqrt()
    # The straight line between outline points a and b, a step apart, crosses the ray at angle t from a at
    # r = a b sin(step) / (a sin t + b sin(step - t)).
    radii = torch.tensor(HEART, dtype=torch.float64)
    step = math.pi / (len(HEART) - 1)
    k = (angle / step).long().clamp(max=len(HEART) - 2)
    a, b, t = radii[k], radii[k + 1], angle - k * step
    heart = a * b * math.sin(step) / (a * t.sin() + b * (step - t).sin())
    return torch.cat([square, ellipse, heart]).square().to(device, torch.float32)

"""Make the pictures of rendered scenes: python docs/make_scenes.py"""

from __future__ import annotations

import math
from pathlib import Path

import torch

from latune.data.scenes import chairs, heads
from latune.pictures import Images

HERE = Path(__file__).parent / "pictures"
SIDEWAYS = math.radians(-25)


def turning_chairs() -> Images:
    """One row a style: all the way round, then from below and above, then narrow and wide."""
    slant, level = 0.6, math.radians(20)
    views = [(2 * math.pi * k / 8, level, 1.0) for k in range(8)]
    views += [(slant, elevation, 1.0) for elevation in chairs.FACTORS.levels[2][:: len(chairs.FACTORS.levels[2]) - 1]]
    views += [(slant, level, 0.7), (slant, level, 1.3)]
    rows = [(style + 1, *view) for style in range(len(chairs.STYLES)) for view in views]
    return Images.of(chairs.draw(torch.tensor(rows)).view(len(chairs.STYLES), len(views), 1, 64, 64) / 255)


def turning_heads() -> Images:
    """One row a style: from left to right, then up and down, then the light, then narrow and wide."""
    views = [(math.radians(angle), 0.0, SIDEWAYS, 1.0) for angle in (-72, -48, -24, 0, 24, 48, 72)]
    views += [(0.3, math.radians(tilt), SIDEWAYS, 1.0) for tilt in (-24, 24)]
    views += [(0.0, 0.0, math.radians(light), 1.0) for light in (-80, -40, 0, 40, 80)]
    views += [(0.0, 0.0, SIDEWAYS, width) for width in (0.75, 1.25)]
    rows = [(style + 1, *view) for style in range(len(heads.STYLES)) for view in views]
    return Images.of(heads.draw(torch.tensor(rows)).view(len(heads.STYLES), len(views), 1, 32, 32) / 255)


def main() -> None:
    """Write the pictures."""
    HERE.mkdir(exist_ok=True)
    turning_chairs().save(HERE / "chairs.png")
    turning_heads().save(HERE / "heads.png")


if __name__ == "__main__":
    main()

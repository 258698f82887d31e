"""Rays against shapes, many images at once, and only where a shape can be.

What is seen is the greatest top of all shapes that are hit. An image is cut into blocks of 8x8 rays, and a shape is
tried on the blocks that its bounds touch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float32, Float64, Int64, UInt8
from torch import Tensor

from latune.data.scenes.hits import FAR, Hit, Lit, boxes, curves, inverse, planes, rounds
from latune.data.scenes.shapes import BOX, CYLINDER, ELLIPSOID, Solids

BLOCK = 8  # rays along a block's side


@dataclass(frozen=True)
class Paper:
    """How images are drawn.

    Args:
        side: pixels along a side; with the rays of each, a multiple of 8.
        rays: along a side of a pixel, 1, 2, 4 or 8; a pixel is their mean.
        ground: the brightness where nothing is, 0 to 1.
        ambient: the share of light that comes from everywhere; the rest falls as Lambert's cosine.
    """

    side: int
    rays: int
    ground: float
    ambient: float


def cast(solids: Solids, light: Float64[Tensor, "m 3"], paper: Paper) -> UInt8[Tensor, "m 1 side side"]:
    """Draw objects that are given in the camera's frame.

    >>> from latune.data.scenes.shapes import box, stack
    >>> ahead = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
    >>> square = stack([[box((0, 0, 0), (0.5, 0.5, 0.5), 1.0)]])
    >>> cast(square, ahead, Paper(side=8, rays=1, ground=0.0, ambient=0.5))[0, 0, :3].tolist()
    [[0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 255, 255, 255, 255, 0, 0]]
    """
    m, grid = len(solids.kinds), paper.side * paper.rays // BLOCK
    gradients = inverse(solids.axes)  # (m, K, 3, 3)
    lit = Lit(light[:, None], solids.tones, paper.ambient)
    low, high = _bounds(solids, grid)
    size = BLOCK // paper.rays
    pixels = torch.full((size, size, m * grid * grid), paper.ground, device=solids.kinds.device)
    drawn = None
    for wanted, coefficients, hit in (
        (solids.kinds == BOX, planes, boxes),
        ((solids.kinds == CYLINDER) | (solids.kinds == ELLIPSOID), curves, rounds),
    ):
        if wanted.any():
            table = coefficients(solids, gradients, lit)[:, wanted.flatten()]
            drawn = _painted(_Tries.of(wanted, low, high, grid), table, hit, drawn, paper, m * grid * grid)
            pixels.index_copy_(2, drawn.blocks, _mean(drawn.shade, paper.rays))
    pixels = (pixels * 255).round().clamp(0, 255).to(torch.uint8)
    return pixels.view(size, size, m, grid, grid).permute(2, 3, 0, 4, 1).reshape(m, 1, paper.side, paper.side)


def _bounds(solids: Solids, grid: int) -> tuple[Int64[Tensor, "m K 2"], Int64[Tensor, "m K 2"]]:
    """First and last block of each shape across and down; the last is before the first where it is outside."""
    across = solids.axes[..., :2]  # (m, K, axis, 2)
    first, second, third = across.unbind(2)
    ring = (first * first + third * third).sqrt()
    ball = (first * first + second * second + third * third).sqrt()
    kinds = solids.kinds[..., None]
    reach = torch.where(kinds == CYLINDER, ring + second.abs(), first.abs() + second.abs() + third.abs())
    reach = torch.where(kinds == ELLIPSOID, ball, reach)
    down = torch.tensor([1.0, -1.0], dtype=torch.float64, device=across.device)
    middle = solids.centres[..., :2] * down
    low = ((middle - reach + 1) * (grid / 2)).floor().clamp(min=0)
    high = ((middle + reach + 1) * (grid / 2)).floor().clamp(max=grid - 1)
    return low.long(), high.long()


@dataclass(frozen=True)
class _Tries:
    """Which shape is tried on which block, in layers: each layer tries one more shape on the first of `blocks`.

    Args:
        shapes: the shape of each try, among those wanted.
        blocks: all blocks that are touched, those with the most tries first.
        layers: how many tries each layer has.
    """

    shapes: Int64[Tensor, " P"]
    blocks: Int64[Tensor, " B"]
    layers: list[int]

    @staticmethod
    def of(wanted: Tensor, low: Tensor, high: Tensor, grid: int) -> _Tries:
        device = wanted.device
        low, extent = low[wanted], (high[wanted] - low[wanted] + 1).clamp(min=0)
        page = wanted.nonzero()[:, 0] * (grid * grid)
        counts = extent[:, 0] * extent[:, 1]
        shapes = torch.repeat_interleave(torch.arange(len(counts), device=device), counts)
        local = torch.arange(len(shapes), device=device) - (counts.cumsum(0) - counts)[shapes]
        wide = extent[shapes, 0]
        row = torch.div(local, wide, rounding_mode="floor")
        block = page[shapes] + (low[shapes, 1] + row) * grid + low[shapes, 0] + local - row * wide
        block, order = block.sort(stable=True)
        blocks, group, sizes = block.unique_consecutive(return_inverse=True, return_counts=True)
        layer = torch.arange(len(block), device=device) - (sizes.cumsum(0) - sizes)[group]
        ranked = sizes.argsort(descending=True, stable=True)
        place = torch.empty_like(ranked)
        place[ranked] = torch.arange(len(ranked), device=device)
        layered = (layer * len(blocks) + place[group]).argsort()
        return _Tries(shapes[order][layered], blocks[ranked], layer.bincount().tolist())


@dataclass(frozen=True)
class _Drawn:
    """What is seen in some blocks; the last of all `depth` and `shade` is an empty block."""

    blocks: Int64[Tensor, " B"]
    depth: Float32[Tensor, "8 8 more"]
    shade: Float32[Tensor, "8 8 more"]


def _painted(
    tries: _Tries, table: Tensor, hit: Callable[..., Hit], before: _Drawn | None, paper: Paper, every: int
) -> _Drawn:
    """Try shapes on blocks, and keep what is nearest to the viewer, also of what was drawn before."""
    blocks, n = tries.blocks, len(tries.blocks)
    if before is None:
        near = torch.full((BLOCK, BLOCK, n + 1), -FAR, device=blocks.device)
        bright = torch.full_like(near, paper.ground)
    else:
        place = torch.full((every + 1,), len(before.blocks), device=blocks.device)
        place[before.blocks] = torch.arange(len(before.blocks), device=blocks.device)
        place = place[torch.cat([blocks, blocks.new_tensor([every])])]
        near, bright = before.depth.index_select(2, place), before.shade.index_select(2, place)
    rays, grid = paper.side * paper.rays, paper.side * paper.rays // BLOCK
    steps = torch.arange(BLOCK, dtype=torch.float32, device=blocks.device)[:, None]
    inside = blocks % (grid * grid)
    row = torch.div(inside, grid, rounding_mode="floor")
    u = ((inside - row * grid) * BLOCK + steps + 0.5) * (2 / rays) - 1  # (8, B)
    v = 1 - (row * BLOCK + steps + 0.5) * (2 / rays)
    start = 0
    for size in tries.layers:
        top, seen = hit(table.index_select(1, tries.shapes[start : start + size]), u[:, :size], v[:, :size])
        here, there = near[..., :size], bright[..., :size]  # rows, columns, blocks
        there.copy_(torch.where(top > here, seen, there))
        torch.maximum(here, top, out=here)
        start += size
    return _Drawn(blocks, near, bright)


def _mean(shade: Float32[Tensor, "8 8 more"], rays: int) -> Float32[Tensor, "size size n"]:
    """The mean of each pixel's rays, without the empty block."""
    shade = shade[..., :-1]
    for _ in range(rays.bit_length() - 1):
        shade = (shade[::2] + shade[1::2]) * 0.5
        shade = (shade[:, ::2] + shade[:, 1::2]) * 0.5
    return shade

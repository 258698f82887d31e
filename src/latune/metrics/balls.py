"""Balls around rows that reach to their k-th neighbour: the radii, and which points lie inside."""

from __future__ import annotations

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from latune.metrics.distances import Distances

ROUNDING = 1e-12  # of the largest squared norm: squared distances that differ by less are equal


def radii(rows: Float[Tensor, "n d"], neighbours: int) -> Float64[Tensor, " n"]:
    """Squared distance of each row to its k-th neighbour in the same set, the row itself not counted."""
    distances = Distances(rows, rows, torch.float64)
    found = []
    for some, blocks in distances:
        best = rows.new_empty(some.stop - some.start, 0, dtype=torch.float64)
        for columns, block in blocks:
            first, last = max(some.start, columns.start), min(some.stop, columns.stop)
            if first < last:  # the block holds distances of rows from themselves
                own = torch.arange(first, last, device=rows.device)
                block[own - some.start, own - columns.start] = torch.inf
            near = block.topk(min(neighbours, block.shape[1]), dim=1, largest=False).values
            best = torch.cat([best, near], dim=1).sort(dim=1).values[:, :neighbours]
        found.append(best[:, -1])
    return torch.cat(found) * distances.scale**2


def inside(
    points: Float[Tensor, "m d"], centres: Float[Tensor, "n d"], reach: Float64[Tensor, " n"]
) -> tuple[Int64[Tensor, " m"], Float64[Tensor, " n"]]:
    """How many balls hold each point, and for each centre the squared distance of the nearest point.

    Distances within rounding of a radius count as equal to it, in both answers.
    """
    distances = Distances(points, centres, torch.float64)
    slack = ROUNDING * centres.shape[1]
    limit = reach / distances.scale**2 + slack
    nearest = torch.full_like(reach, torch.inf)
    balls = []
    for _, blocks in distances:
        held = 0
        for columns, block in blocks:
            held = held + (block <= limit[columns]).sum(1)
            nearest[columns] = torch.minimum(nearest[columns], block.amin(0))
        balls.append(held)
    return torch.cat(balls), (nearest - slack) * distances.scale**2

"""In which direction, and how far, each number of a code moves an image."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from latune.codes import Uniform
from latune.models.model import Model
from latune.nets.statistics import statistics_kept

TURN = 1 / 8  # how far a number is turned, in shares of its range


def directions(model: Model, numbers: Mapping[str, Uniform], z: Tensor) -> Tensor:
    """How each of some numbers, as it is drawn, changes the images at z `(n, d)`: `(n, k, pixels)`.

    The derivative by the number times its standard deviation, by a step towards the middle of its range.
    """
    turned = [z]
    for name, factor in numbers.items():
        middle = (factor.hi + factor.lo) / 2
        for column in range(model.codes.width)[model.codes.slice(name)]:
            moved = z.clone()
            inwards = torch.where(z[:, column] > middle, -TURN, TURN)
            moved[:, column] += inwards * (factor.hi - factor.lo)
            turned.append(moved)
    with statistics_kept(model.decoder):
        made = model.decode(torch.cat(turned))  # together, so that batch statistics are the same for all
    plain, *others = made.float().flatten(1).split(len(z))
    return torch.stack([other - plain for other in others], 1) / (TURN * math.sqrt(12))

"""Codes of real images where an encoder tells only a part of them: the rest is found by descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from latune.codes import Categorical, Uniform
from latune.controls.descent import Descend
from latune.coordinates import NOISE
from latune.errors import RunError
from latune.training import generator

STEPS, RATE = 200, 0.08
STARTS = 4  # of each image: the middle of the noise, and draws of it


@dataclass(frozen=True)
class Inverted:
    """Where images were found.

    Args:
        z: their codes, `(n, d)`.
        error: root mean square over pixels of what differs between each image and what is made of its code, `(n,)`;
            images lie in [0, 1].
    """

    z: Float[Tensor, "n d"]
    error: Float[Tensor, " n"]


def invert(space: Any, x: Any, steps: int = STEPS, starts: int = STARTS, seed: int = 0) -> Inverted:
    r"""Codes of images in a GAN: what the recogniser tells, and noise that makes the image as nearly as it can.

    .. math:: c = \mathbb E_{Q(c | x)}\, c, \quad z^* = \arg\min_z \lVert G(z, c) - x \rVert^2

    A categorical code is the likeliest class. The noise goes down the squared error by Adam, from the middle and from
    draws of its prior, within the prior's range; the best of all starts is kept. A GAN was never asked to make every
    image of its data: `error` says how far each is missed. `Space.locate` asks for this where an encoder does not tell
    all of a code.

    Args:
        space: of a GAN with a recogniser.
        x: images.
        steps: of each descent.
        starts: descents an image.
        seed: of the starts that are drawn.

    Raises:
        RunError: a model whose encoder tells all of a code.
    """
    if space.model.tells_all:
        raise RunError(f"The encoder of {space.spec.model} tells all of a code: ask space.encode.")
    x, z = space.medium.take(x).to(space.device), space.encode(x)
    for name, factor in space.codes.items():
        if isinstance(factor, Categorical):
            columns = space.codes.slice(name)
            z[:, columns] = F.one_hot(z[:, columns].argmax(1), factor.k).to(z.dtype)
    noise, prior = space.codes.slice(NOISE), space.codes[NOISE]
    many = z.repeat(starts, 1)
    drawn = prior.sample(len(many) - len(z), generator(seed, "inversion", device=space.device), space.device)
    many[len(z) :, noise] = drawn
    goals, told = x.repeat(starts, 1, 1, 1), many.clone()

    def whole(points: Tensor, rows: Tensor) -> Tensor:
        return torch.cat([told[rows, : noise.start], points[:, noise], told[rows, noise.stop :]], 1)

    def missed(points: Tensor, rows: Tensor) -> Tensor:
        return (space.model.decode(whole(points, rows)) - goals[rows]).square().flatten(1).sum(1)

    def inside(points: Tensor) -> Tensor:
        return points.clamp(prior.lo, prior.hi) if isinstance(prior, Uniform) else points

    ends = whole(Descend(missed, steps=steps, lr=RATE, inside=inside)(many), torch.arange(len(many), device=x.device))
    errors = (space.decode(ends).plain() - goals).square().flatten(1).mean(1).sqrt().reshape(starts, len(z))
    best = errors.argmin(0)
    row = torch.arange(len(z), device=space.device)
    return Inverted(ends.reshape(starts, *z.shape)[best, row], errors[best, row])

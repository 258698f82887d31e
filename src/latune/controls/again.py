"""What a critic looks at: a code, or what the model's encoder sees in the image of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from latune.medium import Pictures

CHUNK = 1024  # points that pass through the networks at once

Again = Callable[[Tensor], Tensor]  # points (n, d) to what the encoder sees in what is decoded of them (n, d)


def again_of(space: Any) -> Again | None:
    """The way of a space's points through its decoder and its encoder, with a slope.

    Critics know codes of images. A descent finds points that fool them, which are no image's code; the encoder gives
    back the code of what is really shown. None where there is no encoder, one that does not tell all of a code (a GAN's
    recogniser knows nothing of the noise), or where decoding has no slope (tokens of melodies, a model that was trained
    elsewhere).
    """
    if not space.encodes or space.model.likelihood is None or not isinstance(space.medium, Pictures):
        return None
    model = space.model

    def again(z: Tensor) -> Tensor:
        return torch.cat([model.posterior(model.decode(part).clamp(0, 1)).mean for part in z.split(CHUNK)])

    with torch.enable_grad():
        probe = space.codes.sample(1, torch.Generator().manual_seed(0)).to(space.device).requires_grad_()
        seen = again(probe)
        if not seen.requires_grad:
            return None
        (slope,) = torch.autograd.grad(seen.sum(), probe, allow_unused=True)
    return again if slope is not None else None


class Looked:
    """What critics look at, which is computed once for the loss and for the test of the same point.

    Args:
        again: see `again_of`; None for the points themselves.
        still: columns `(d,)` that have no slope; None for none.
    """

    def __init__(self, again: Again | None, still: Tensor | None = None) -> None:
        self.again, self.still = again, still
        self.last: tuple[Tensor, Tensor] | None = None

    def free(self, z: Tensor) -> Tensor:
        """The points, with a slope in what may move."""
        return z if self.still is None else torch.where(self.still, z.detach(), z)

    def __call__(self, z: Tensor) -> Tensor:
        """What critics see of points `(n, d)`."""
        if self.again is None:
            return self.free(z)
        if self.last is None or self.last[0] is not z:
            with torch.set_grad_enabled(z.requires_grad):
                self.last = z, self.again(self.free(z))
        return self.last[1]

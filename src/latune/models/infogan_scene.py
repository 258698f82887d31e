"""What InfoGAN's players look at in one step of training."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from latune.models.directions import directions
from latune.models.distortion import drawn_maps, through
from latune.nets.statistics import statistics_kept
from latune.training import Batch

if TYPE_CHECKING:
    from latune.models.infogan import InfoGAN

TURNED = 24  # images of which each number is turned
ALIKE = 1e-3  # how far real images that are all the same count as spread


class Looks(NamedTuple):
    """What the judge says of images: the columns `(n, 1 + p)` of a look at them, and of one at copies of them that were
    pushed by maps `(n, 2, 3)`; without copies both are one look.
    """

    plain: Tensor
    pushed: Tensor
    maps: Tensor | None = None


class InfoGANScene:
    """One player's look at one step: real images, codes that were just drawn, and what is made of them."""

    def __init__(self, model: InfoGAN, batch: Batch, generator: torch.Generator | None = None) -> None:
        self.model, self.x, self.generator = model, batch.x, generator

    @cached_property
    def z(self) -> Tensor:
        """Noise and codes from their priors, `(n, d)`."""
        return self.model.codes.sample(len(self.x), self.generator, self.x.device)

    @cached_property
    def shown(self) -> Looks:
        """What the judge says of made images. Gradients reach the generator."""
        return self.looks(self.model.decode(self.z))

    @cached_property
    def caught(self) -> Looks:
        """The same, of images that nothing is learned through: the judge's own look."""
        with torch.no_grad():
            made = self.model.decode(self.z)
        return self.looks(made, through_trunk=self.model.inform)

    @cached_property
    def real(self) -> Looks:
        """The same of real images; of their own call, whose batch statistics are of real ones."""
        return self.looks(self.x)

    @cached_property
    def spread(self) -> Tensor:
        """How far real images are from their mean."""
        return (self.x - self.x.mean(0)).flatten(1).square().sum(1).mean().sqrt().clamp_min(ALIKE)

    @cached_property
    def changes(self) -> Tensor:
        """How each number changes some of the images, `(n, k, pixels)`, in units of how far real ones are spread."""
        return directions(self.model, self.model.numbers, self.z[:TURNED]) / self.spread

    @cached_property
    def mirrored(self) -> tuple[Tensor, Tensor]:
        """Some images with left and right exchanged, and what is made of their mirrored codes, in these units."""
        z = self.z[:TURNED]
        with statistics_kept(self.model.decoder):
            made = self.model.decode(torch.cat([z, self.model.reflected(z)]))
        plain, reflected = made.float().chunk(2)
        return plain.flip(3) / self.spread, reflected / self.spread

    def looks(self, x: Tensor, through_trunk: bool = True) -> Looks:
        """Images as they are and, where something is asked of copies, pushed out of shape, each in its own way."""
        model = self.model
        seen = model.judged(x, through_trunk)
        if not (model.pushes and model.distortion):
            return Looks(seen, seen)
        maps = drawn_maps(len(x), model.distortion, self.generator, x.device)
        return Looks(seen, model.judged(through(x, maps)), maps)

"""Networks on latent points: the actor that moves them and the critic that scores them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latune.nets.layers import activation
from latune.nets.mlp import layers


class Trunk(nn.Module):
    """Fully connected layers on points and, beside them, an embedding of what is given."""

    def __init__(self, dims: int, given: int, outputs: int, width: int, depth: int, act: str) -> None:
        super().__init__()
        self.dims, self.given = dims, given
        self.embed = nn.Linear(given, width) if given else None  # linear, no activation after it
        entry = dims + (width if given else 0)
        self.layers = nn.Sequential(*layers([entry] + [width] * depth, act), nn.Linear(width, outputs))

    def forward(self, z: Float[Tensor, "n d"], given: Float[Tensor, "n k"] | None = None) -> Float[Tensor, "n o"]:
        """`(n, d)` points and `(n, k)` conditions to `(n, outputs)`."""
        if (given is None) != (self.embed is None):
            raise ValueError(f"This network is given {self.given} numbers beside each point, no more and no less.")
        if self.embed is not None:
            z = torch.cat([z, self.embed(given)], dim=1)  # (n, d + width)
        return self.layers(z)


class GatedResidual(nn.Module):
    r"""An actor: each coordinate stays, or goes to a new value, or something between.

    .. math:: z' = (1 - s) \odot z + s \odot \delta, \quad s = \sigma(raw), \quad (\delta, raw) = net(z, y)

    Engel, Hoffman & Roberts 2018, appendix and released code (https://arxiv.org/abs/1711.05772).
    """

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, z: Float[Tensor, "n d"], given: Float[Tensor, "n k"] | None = None) -> Float[Tensor, "n d"]:
        """The moved points."""
        delta, raw = self.trunk(z, given).chunk(2, dim=1)
        return torch.lerp(z, delta, torch.sigmoid(raw))


@dataclass(frozen=True)
class LatentNets:
    """The actor and the critic of a latent space, one trunk each.

    `LatentNets.named("paper")` is 4 layers of 2048 and "small" 3 of 256, both of Engel, Hoffman & Roberts 2018,
    appendix (https://arxiv.org/abs/1711.05772). An embedding of the labels, linear and as wide as a layer, stands
    beside the points.

    Args:
        width, depth: of the hidden layers.
        activation: relu, selu, gelu, silu, tanh or leaky.

    >>> paper = LatentNets.named("paper")
    >>> sum(p.numel() for p in paper.actor(1024, given=10).parameters())
    23101440
    """

    width: int = 256
    depth: int = 3
    activation: str = "relu"

    @classmethod
    def named(cls, name: str) -> LatentNets:
        """One of `LATENT_NETS`.

        Raises:
            KeyError: for another name.
        """
        return LATENT_NETS[name]

    def actor(self, dims: int, given: int = 0) -> GatedResidual:
        """`(n, dims)` points and `(n, given)` conditions to moved points."""
        return GatedResidual(self._trunk(dims, given, 2 * dims))

    def critic(self, dims: int, given: int = 0, outputs: int = 1) -> Trunk:
        """`(n, dims)` points and `(n, given)` conditions to `(n, outputs)` logits."""
        return self._trunk(dims, given, outputs)

    def _trunk(self, dims: int, given: int, outputs: int) -> Trunk:
        activation(self.activation)  # an unknown name is told before anything is built
        return Trunk(dims, given, outputs, self.width, self.depth, self.activation)


LATENT_NETS = {"paper": LatentNets(2048, 4), "small": LatentNets(256, 3)}

"""Moves that a network makes in one pass."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from latune.moves import Move


@dataclass(frozen=True)
class Gated(Move):
    r"""One pass of an actor, :math:`z' = (1 - s) \odot z + s \odot \delta`; see `latune.nets.latent.GatedResidual`.

    Args:
        actor: the network, `(point, given) -> point`.
        given: what each point is moved for, `(n, k)` or `(1, k)` for all; None for an actor without conditions.

    >>> import torch
    >>> from latune.nets import LatentNets
    >>> actor = LatentNets(width=8, depth=1).actor(dims=2)
    >>> Gated(actor)(torch.ones(3, 2)).shape
    torch.Size([3, 2])
    """

    actor: nn.Module
    given: Tensor | None = None

    def __call__(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The moved points."""
        return self.actor(z, None if self.given is None else self.given.expand(len(z), -1))

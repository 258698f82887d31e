"""How wishes become moves: one pass of an actor, descent on the sum of critics, or attribute vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from latune.controls.actors import Gated
from latune.controls.control import Control, Wish
from latune.controls.descent import Descend
from latune.errors import DataError
from latune.moves import Move, Towards
from latune.terms.critics import toward_real

BYS: tuple[str, ...] = ("actor", "descent", "vector")
FLOOR = 1e-3  # least posterior scale that a distance is measured in
REALISM_WEIGHT = 0.1  # of the realism critic in a descent (Latent Constraints, section 5)
IDENTITY_WEIGHT = 0.1  # of the distance in a descent


@dataclass(frozen=True)
class Moved:
    """Where points were moved.

    Args:
        z: the points, `(n, d)`.
        arrived: whether each fulfils every wish.
    """

    z: Float[Tensor, "n d"]
    arrived: Bool[Tensor, " n"]


@dataclass(frozen=True)
class VectorMove(Move):
    """Attribute-vector arithmetic: add the vector of what is wanted; the baseline without a network."""

    wish: Wish

    def __call__(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The shifted points."""
        control = self.wish.control
        # From -1 (not) to 1 (is); of classes, towards the one that is wanted only.
        sign = 2 * self.wish.target - 1
        if control.kind == "classes" and bool(self.wish.counts.all()):
            sign = self.wish.target
        return z + ((sign * self.wish.counts) @ control.vectors)


def descent(
    wishes: Sequence[Wish],
    start: Float[Tensor, "n d"],
    identity: float = 0.0,
    realism: tuple[Control, float] | None = None,
    steps: int = 100,
    lr: float = 0.1,
) -> Descend:
    r"""Descent on what all wishes ask for at once.

    .. math:: \sum_i \mathcal L_i(z') + w_r\, \mathcal L_1(D(z')) + \lambda\, \mathcal L_{dist}(z', z_0)

    Engel, Hoffman & Roberts 2018, section 5 (https://arxiv.org/abs/1711.05772): an example stops where every critic is
    convinced, that of realism too.

    Args:
        wishes: what is asked for, all at once.
        start: the points that identity is kept to.
        identity: weight of the distance, in units of `IDENTITY_WEIGHT`.
        realism: a realism control and its weight, in units of `REALISM_WEIGHT`.
        steps, lr: of Adam.
    """
    scale = wishes[0].control.scale.clamp_min(FLOOR) if wishes else torch.ones(start.shape[1])
    precision = 1 / scale.square()

    def loss(z: Tensor, rows: Tensor) -> Tensor:
        total = torch.stack([wish.loss(z) for wish in wishes]).sum(0)  # (m,)
        if realism is not None:
            control, weight = realism
            total = total + weight * REALISM_WEIGHT * toward_real(control.critic(z))[:, 0]
        if identity:
            far = (precision * torch.log1p((z - start[rows]).square())).mean(1)
            total = total + identity * IDENTITY_WEIGHT * far
        return total

    def arrived(z: Tensor, rows: Tensor) -> Tensor:
        there = torch.stack([wish.arrived(z) for wish in wishes]).all(0)
        if realism is not None:
            control, _ = realism
            there = there & (torch.sigmoid(control.critic(z))[:, 0] >= control.threshold)
        return there

    return Descend(loss, arrived, steps, lr)


def fulfil(
    z: Float[Tensor, "n d"],
    wishes: Sequence[Wish],
    by: str | None = None,
    strength: float = 1.0,
    identity: float = 0.0,
    realism: tuple[Control, float] | None = None,
    steps: int = 100,
    lr: float = 0.1,
    fresh: bool = False,
) -> Moved:
    """Move points to where every wish is fulfilled.

    Args:
        z: the points.
        wishes: what is asked for.
        by: `actor` (one pass of each control's actor), `descent` (from where they are) or `vector` (the baseline). None
            is one pass of the actor of a single wish that has one, or of all actors for `fresh` points, and then a
            descent with what has not arrived.
        strength: how much of the way is gone; 1 is all of it.
        identity: weight of staying near in a descent.
        realism: a realism control and its weight in a descent.
        steps, lr: of a descent.
        fresh: the points are draws of the prior: all of them are moved. Else those that have arrived already stay.

    Raises:
        DataError: for `actor` where a control has none for what is asked.
    """
    start = z
    there = _arrived(z, wishes)
    if by == "vector":
        for wish in wishes:
            z = VectorMove(wish)(z)
    elif by == "actor" or (by is None and (fresh or len(wishes) == 1)):
        for wish in wishes:
            if wish.given is not None and wish.control.actor is not None:
                z = Gated(wish.control.actor, wish.given)(z)
            elif by == "actor":
                raise DataError(
                    f"'{wish.control.name}' has no actor for {wish.said}. Leave by= out, use by='descent', or learn it "
                    "with actor=True."
                )
    if not fresh and by != "vector":  # what is so already is left as it is, bit for bit
        z = torch.where(there[:, None], start, z)
    if wishes and by in (None, "descent"):
        z = descent(wishes, start, identity, realism, steps, lr)(z)
    if strength != 1:
        z = Towards(z, strength)(start)
    return Moved(z, _arrived(z, wishes))


def _arrived(z: Tensor, wishes: Sequence[Wish]) -> Tensor:
    return torch.stack([wish.arrived(z) for wish in wishes]).all(0) if wishes else z.new_ones(len(z)).bool()

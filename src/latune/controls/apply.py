"""How wishes become moves: one pass of an actor, descent on the sum of critics, or attribute vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from latune.codes import Codes
from latune.controls.actors import Gated
from latune.controls.again import Again, Looked
from latune.controls.control import Control, Wish
from latune.controls.descent import DESCENTS, Descend, Descending
from latune.controls.keep import Kept
from latune.controls.ranges import clamped, fixed, inside, reach
from latune.controls.several import given_of, rest_of
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
        seen: what critics see of them, `(n, d)`.
        arrived: whether each is surely enough what was wished, with what is kept as it was.
    """

    z: Float[Tensor, "n d"]
    seen: Float[Tensor, "n d"]
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


class Heard:
    """What critics say of a point: each is asked once for the loss, for the test and for the worth of it."""

    def __init__(self) -> None:
        self.last: tuple[Tensor, dict[int, Tensor]] | None = None

    def __call__(self, control: Control, z: Float[Tensor, "n d"], look: Callable[[Tensor], Tensor]) -> Tensor:
        """The logits of a control's critic `(n, k)`, with a slope where the points have one.

        Args:
            control: whose critic is asked.
            z: the points.
            look: from these to what it looks at; always the same of one control.
        """
        if self.last is None or self.last[0] is not z:
            self.last = z, {}
        known = self.last[1]
        if id(control) not in known:
            with torch.set_grad_enabled(z.requires_grad):
                known[id(control)] = control.critic(look(z))
        return known[id(control)]


def descent(
    wishes: Sequence[Wish],
    start: Float[Tensor, "n d"],
    identity: float = 0.0,
    realism: tuple[Control, float] | None = None,
    way: Descending = DESCENTS["default"],
    kept: Sequence[Kept] = (),
    held: Sequence[int] = (),
    codes: Codes | None = None,
    again: Again | None = None,
) -> Descend:
    r"""Descent on what all wishes ask for at once.

    .. math:: \sum_i \mathcal L_i(z') + \sum_j \mathcal L_j(z') + w_r\, \mathcal L_1(D(z'))
              + \lambda\, \mathcal L_{dist}(z', z_0)

    Engel, Hoffman & Roberts 2018, section 5 (https://arxiv.org/abs/1711.05772): an example stops where every critic is
    convinced, that of realism and those of what is kept (j) too.

    Args:
        wishes: what is asked for, all at once.
        start: the points that identity is kept to.
        identity: weight of the distance, in units of `IDENTITY_WEIGHT`.
        realism: a realism control and its weight, in units of `REALISM_WEIGHT`.
        way: how it goes down.
        kept: what stays as it was.
        held: columns that do not move; neither do categorical codes, which have nothing in between.
        codes: the coordinates, whose ranges are kept to; None where points may be anywhere.
        again: from points to what the model's encoder sees in what is decoded of them, where critics look at that.
    """
    asked = [*(wish.control for wish in wishes), *(each.control for each in kept)]
    scale = asked[0].scale.clamp_min(FLOOR) if asked else start.new_ones(start.shape[1])
    precision = 1 / scale.square()
    still = start.new_zeros(start.shape[1]).bool() if codes is None else fixed(codes, start.device)
    still[list(held)] = True

    look = Looked(again, still if bool(still.any()) else None)
    heard = Heard()
    # Critics that cannot look at what is decoded believe points that are far from all data: these are out of bounds.
    ball = reach(codes, start) if codes is not None and way.again and again is None else None

    def far_off(z: Tensor) -> Tensor:
        return sum((wish.loss_of(heard(wish.control, z, look)) for wish in wishes), z.new_zeros(len(z)))

    def as_it_was(z: Tensor, rows: Tensor) -> list[Tensor]:
        return [each.arrived_of(heard(each.control, z, look), rows) for each in kept]

    def loss(z: Tensor, rows: Tensor) -> Tensor:
        total = far_off(z) + sum(each.loss_of(heard(each.control, z, look), rows) for each in kept)
        if realism is not None:
            control, weight = realism
            total = total + weight * REALISM_WEIGHT * toward_real(heard(control, z, look.free))[:, 0]
        if identity:
            far = (precision * torch.log1p((look.free(z) - start[rows]).square())).mean(1)
            total = total + identity * IDENTITY_WEIGHT * far
        return total  # (m,)

    def arrived(z: Tensor, rows: Tensor) -> Tensor:
        there = [wish.arrived_of(heard(wish.control, z, look)) for wish in wishes] + as_it_was(z, rows)
        if realism is not None:
            control, _ = realism
            there.append(torch.sigmoid(heard(control, z, look.free))[:, 0] >= control.threshold)
        return torch.stack(there).all(0)

    def worth(z: Tensor, rows: Tensor) -> Tensor:
        return torch.where(torch.stack(as_it_was(z, rows)).all(0), -far_off(z), -torch.inf)

    return Descend(
        loss,
        arrived,
        way.steps,
        way.lr,
        way.betas,
        scale=scale.clamp_max(1.0) if way.even else None,  # a posterior is no wider than the prior
        inside=partial(clamped, codes=codes, radius=ball) if codes is not None else None,
        worth=worth if kept else None,
    )


def fulfil(
    z: Float[Tensor, "n d"],
    wishes: Sequence[Wish],
    by: str | None = None,
    strength: float = 1.0,
    identity: float = 0.0,
    realism: tuple[Control, float] | None = None,
    way: Descending = DESCENTS["default"],
    fresh: bool = False,
    kept: Sequence[Kept] = (),
    held: Sequence[int] = (),
    codes: Codes | None = None,
    again: Again | None = None,
    generator: torch.Generator | None = None,
) -> Moved:
    """Move points to where every wish is fulfilled.

    Args:
        z: the points.
        wishes: what is asked for.
        by: `actor` (one pass of each control's actor), `descent` (from where they are) or `vector` (the baseline). None
            is one pass of the actor of a single wish that has one, or of all actors for `fresh` points, and then a
            descent with what has not arrived. Where other labels of the same control are held, it is a descent alone.
        strength: how much of the way is gone; 1 is all of it.
        identity: weight of staying near in a descent.
        realism: a realism control and its weight in a descent.
        way: how a descent goes: a preset of `DESCENTS` or your own.
        fresh: the points are draws of the prior: all of them are moved. Else those that have arrived already stay.
        kept, held, codes, again: as in `descent`; whether critics look again is said by `way`.
        generator: of the labels that are not named, where a control of several moves fresh points.

    Raises:
        DataError: for `actor` where a control has none for what is asked, and for what is kept by anything but a
            descent.
    """
    if kept and by not in (None, "descent"):
        raise DataError(f"keep= goes with a descent, which asks every critic at each step. Got by={by!r}; leave it.")
    start, look = z, Looked(again if way.again else None)
    # What is so already is left as it is, bit for bit; draws of the prior are moved all the same.
    stays = z.new_zeros(len(z)).bool()
    if wishes and by != "vector" and not fresh:
        stays = _arrived(look(z), wishes, told=True)
    rest = [rest_of(wish, look(z), fresh, generator) for wish in wishes]
    if by == "vector":
        for wish in wishes:
            z = VectorMove(wish)(z)
    elif by == "actor" or (by is None and (fresh or rest == [None])):  # labels that are held go by descent
        for wish, unnamed in zip(wishes, rest, strict=True):
            given = given_of(wish, unnamed)
            if given is not None and wish.control.actor is not None:
                z = Gated(wish.control.actor, given)(z)
            elif by == "actor":
                raise DataError(
                    f"'{wish.control.name}' has no actor for {wish.said}. Leave by= out, use by='descent', or learn it "
                    "with actor=True."
                )
    if codes is not None and z is not start:
        z = inside(z, codes)
    z = torch.where(stays[:, None], start, z)
    if (wishes or kept) and by in (None, "descent"):
        also = [each for each in rest if each is not None]
        down = descent(wishes, start, identity, realism, way, [*kept, *also], held, codes, look.again)
        there = down.arrived
        assert there is not None
        z = replace(down, arrived=lambda z, rows: stays[rows] | there(z, rows))(z)
    if strength != 1:
        z = Towards(z, strength)(start)
        z = z if codes is None else inside(z, codes)
    return Moved(z, look(z), stays | _arrived(look(z), wishes, kept, told=True))


def _arrived(z: Tensor, wishes: Sequence[Wish], kept: Sequence[Kept] = (), told: bool = False) -> Tensor:
    rows = torch.arange(len(z), device=z.device)
    there = [wish.arrived(z, wish.control.sure if told else None) for wish in wishes]
    there += [each.arrived(z, rows) for each in kept]
    return torch.stack(there).all(0) if there else z.new_ones(len(z)).bool()

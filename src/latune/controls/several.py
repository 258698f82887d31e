"""Several labels in one control: those that are not named are drawn from examples that agree, or stay as they are."""

from __future__ import annotations

import warnings
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from latune.controls.control import Wish
from latune.controls.keep import Kept

ANYTHING = 2.0  # further off than a belief can be
SIDE = 0.5  # a label that was drawn and not asked for is on its side of even


def rest_of(
    wish: Wish, z: Float[Tensor, "n d"], fresh: bool = False, generator: torch.Generator | None = None
) -> Kept | None:
    """What the labels are to be that a wish does not name; None for other controls, and where all are named.

    Args:
        wish: what is asked for.
        z: the points, before they move.
        fresh: the points are draws of the prior: the labels are those of examples that have what is asked for, as often
            as examples have them. Else they stay what the critic believes now.
        generator: of these draws.
    """
    control = wish.control
    if control.kind != "labels" or bool(wish.counts.all()):
        return None
    if not fresh:
        now = Kept.of(control, z)
        return replace(now, allowed=torch.where(wish.counts, ANYTHING, now.allowed))
    rows = drawn_rows(wish, len(z), generator)
    return Kept(control, rows, torch.where(wish.counts, ANYTHING, SIDE).expand_as(rows))


def drawn_rows(wish: Wish, n: int, generator: torch.Generator | None = None) -> Float[Tensor, "n k"]:
    """Rows of labels that examples have, among those that agree with a wish; with the nearest where none does."""
    labels, counts = wish.control.memory["labels"], wish.control.memory["counts"]
    agree = ((labels == wish.target.round()) & wish.counts).sum(1)  # (m,)
    if wish.counts.any() and agree.max() < wish.counts.sum():
        warnings.warn(
            f"No example is {wish.said} at once; its other labels are those of the examples that are nearest.",
            UserWarning,
            stacklevel=6,
        )
    weight = torch.where(agree == agree.max(), counts, 0.0)
    source = weight.device if generator is None else generator.device
    rows = torch.multinomial(weight.to(source), n, replacement=True, generator=generator)
    return labels[rows.to(labels.device)]


def given_of(wish: Wish, rest: Kept | None) -> Tensor | None:
    """What an actor is told, `(1, k)` or `(n, k)`; None where there is no actor, or none for this wish."""
    if rest is None or wish.control.actor is None:
        return wish.given
    return torch.where(wish.counts, wish.target, rest.target)

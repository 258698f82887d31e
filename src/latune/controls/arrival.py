"""Who did not arrive at what was asked for, and how it is told: rules are asked themselves, else critics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float64
from torch import Tensor

from latune.controls.apply import Moved
from latune.controls.control import TOLERANCE, Control, Wish
from latune.controls.keep import Kept
from latune.controls.rules import Rule, rule_of
from latune.controls.sureness import NEAR_ENOUGH
from latune.errors import AttributeFunctionError


def rule_at_hand(control: Control) -> Rule | None:
    """The rule that a control was learned from, where it is there still or found again by its name."""
    if control.about.get("source") != "rule":
        return None
    try:
        return rule_of(control.rule or str(control.about.get("rule", "")))
    except AttributeFunctionError:  # a lambda, or a file that is not here
        return None


def said_by_rule(control: Control, space: Any, x: Any) -> Float64[Tensor, " n"] | None:
    """What a control's own rule says of examples; None where there is none, or it cannot say.

    Args:
        control: whose rule is asked.
        space: the model, whose medium shows examples to rules.
        x: the examples as a model is given them, `(n, ...)`.
    """
    rule = rule_at_hand(control)
    if rule is None:
        return None
    try:
        return torch.from_numpy(rule(space.medium.shown(x)))
    except AttributeFunctionError:
        return None


def not_asked(control: Control) -> str:
    """What is added to what a critic says, where a rule would have been asked and is not at hand, or cannot say."""
    return f" (its rule {control.about['rule']} could not be asked)" if control.about.get("source") == "rule" else ""


@torch.no_grad()
def missed(space: Any, moved: Moved, wishes: Sequence[Wish], kept: Sequence[Kept] = ()) -> str:
    """What is told of points that did not arrive; nothing where all did.

    A critic that doubts a point may be wrong: the points that it doubts are decoded, and the rule is asked that the
    critic has learned from.
    """
    rows = (~moved.arrived).nonzero()[:, 0]
    if not len(rows):
        return ""
    seen, there = moved.seen[rows], torch.ones(len(rows), dtype=torch.bool, device=rows.device)
    said: list[Tensor | None] = [None] * len(wishes)
    if any(rule_at_hand(wish.control) is not None for wish in wishes):
        made = space.decode(moved.z[rows]).plain()
        said = [said_by_rule(wish.control, space, made) for wish in wishes]
    for wish, values in zip(wishes, said, strict=True):
        near = wish.arrived(seen, wish.control.sure) if values is None else _near(wish, values).to(there.device)
        there &= near
    for each in kept:
        there &= each.arrived(seen, rows)
    left = (~there).nonzero()[:, 0]
    if not len(left):
        return ""
    rules, beliefs = [], []
    for wish, values in zip(wishes, said, strict=True):
        if values is None:
            most = wish.belief(seen[left]).max().item()
            beliefs.append(
                f"{wish.said}, {_down(most)} at most, where {_up(wish.enough)} would do{not_asked(wish.control)}"
            )
        else:
            low, high = (end.item() for end in values[left.cpu()].aminmax())
            rules.append(f"{wish.said}, {low:.2f}" + (f" to {high:.2f}" if f"{low:.2f}" != f"{high:.2f}" else ""))
    beliefs += [f"{each.said}, {_down(each.belief(seen[left], rows[left]).max().item())} at most" for each in kept]
    told = f"{len(left)} of {len(moved.z)} did not arrive: each is the nearest to what was asked for that was reached."
    if rules:
        told += f" What the rules say of them: {'; '.join(rules)}."
    if beliefs:
        told += f" How sure the controls are of them, from 0 to 1: {'; '.join(beliefs)}."
    return told


def _near(wish: Wish, values: Float64[Tensor, " n"]) -> Tensor:
    """Whether what a rule says is what was asked for, as nearly as is asked of a critic."""
    target = wish.target[0].item()
    allowed = 1 - NEAR_ENOUGH if target in (0, 1) else TOLERANCE
    control = wish.control
    return (values - control.in_rule(target)).abs() <= allowed * (control.most - control.least)


def _down(value: float) -> str:
    """A number of two places, never rounded up to what would have been enough."""
    return f"{math.floor(100 * value) / 100:.2f}"


def _up(value: float) -> str:
    return f"{math.ceil(100 * value - 1e-9) / 100:.2f}"

"""How sure a critic can be: where a move that goes down a critic is to end, and when it is said to have arrived."""

from __future__ import annotations

import torch
from torch import Tensor

from latune.controls.control import THRESHOLD
from latune.controls.critics import Critics
from latune.controls.lesson import Lesson

FEW_THRESHOLD = 0.95  # critics of few examples are less sure of anything
LEAST_THRESHOLD = 0.7
SUREST, MOST = 0.75, 0.25  # quantiles: as sure as of the surest quarter, or of three quarters
AT_LEAST = 0.5
NEAR_ENOUGH = 0.9  # of ranks and rewards, where all or nothing of them is asked for


def aim_of(critic: Critics, lesson: Lesson) -> float:
    """The belief that moves aim at: as sure as the critic is of the surest quarter of examples it was not shown.

    A critic that is not surer of anything real can be made so only by what is not real: a descent that is to reach more
    ends far outside of the data.
    """
    groups = _of_held(critic, lesson)
    return min([THRESHOLD, *(max(LEAST_THRESHOLD, group.quantile(SUREST).item()) for group in groups)])


def enough_of(critic: Critics, lesson: Lesson) -> float:
    """The belief from which a point is there: as sure as of three quarters of the examples that are."""
    if lesson.kind in ("real", "reward"):
        return NEAR_ENOUGH
    groups = _of_held(critic, lesson)
    return min([aim_of(critic, lesson), *(max(AT_LEAST, group.quantile(MOST).item()) for group in groups)])


@torch.no_grad()
def _of_held(critic: Critics, lesson: Lesson) -> list[Tensor]:
    """How sure a critic is of examples that it was not shown: of those with a label and of those without, or of all."""
    if lesson.kind not in ("label", "labels", "classes") or not len(lesson.held_targets):
        return []
    sure = 1 - (torch.sigmoid(critic(lesson.held_codes.mean)) - lesson.held_targets).abs()  # (n, k)
    if lesson.kind == "classes":
        return [sure.amin(1)]  # a class is asked for with all others as not there
    if lesson.kind == "labels":
        return [sure.flatten()]  # one of several is asked for by itself
    has = lesson.held_targets[:, 0] > 0.5
    return [part for part in (sure[has, 0], sure[~has, 0]) if len(part)]


@torch.no_grad()
def as_sure(critic: Critics, lesson: Lesson) -> float:
    """When a move of a critic of few examples is said to have arrived: as sure as of the surest quarter of these.

    Moves aim higher all the same: those that stop here stop short.
    """
    target = lesson.targets[:, 0] > 0.5
    belief = torch.sigmoid(critic(lesson.codes.mean))[:, 0]
    sure = [each.quantile(SUREST).item() for each in (belief[target], 1 - belief[~target]) if len(each)]
    return min(FEW_THRESHOLD, max(LEAST_THRESHOLD, min(sure)))

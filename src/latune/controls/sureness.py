"""How sure a critic can be: where a move that goes down a critic is to end, and when it is said to have arrived."""

from __future__ import annotations

import torch

from latune.controls.control import THRESHOLD
from latune.controls.critics import Critics
from latune.controls.lesson import Lesson

FEW_THRESHOLD = 0.95  # critics of few examples are less sure of anything
LEAST_THRESHOLD = 0.7
SUREST = 0.75  # quantile: as sure as of the surest quarter


@torch.no_grad()
def aim_of(critic: Critics, lesson: Lesson) -> float:
    """The belief that moves aim at: as sure as the critic is of the surest quarter of examples it was not shown.

    A critic that is not surer of anything real can be made so only by what is not real: a descent that is to reach more
    ends far outside of the data.
    """
    if lesson.kind not in ("label", "labels", "classes") or not len(lesson.held_targets):
        return THRESHOLD
    off = (torch.sigmoid(critic(lesson.held_codes.mean)) - lesson.held_targets).abs()  # (n, k)
    # One of several labels is asked for by itself; a class, with all others as not there.
    off = off.amax(1) if lesson.kind == "classes" else off.flatten()
    return min(THRESHOLD, max(LEAST_THRESHOLD, (1 - off).quantile(SUREST).item()))


@torch.no_grad()
def as_sure(critic: Critics, lesson: Lesson) -> float:
    """When a move of a critic of few examples is said to have arrived: as sure as of the surest quarter of these.

    Moves aim higher all the same: those that stop here stop short.
    """
    target = lesson.targets[:, 0] > 0.5
    belief = torch.sigmoid(critic(lesson.codes.mean))[:, 0]
    sure = [each.quantile(SUREST).item() for each in (belief[target], 1 - belief[~target]) if len(each)]
    return min(FEW_THRESHOLD, max(LEAST_THRESHOLD, min(sure)))

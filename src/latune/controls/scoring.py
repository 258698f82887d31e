"""How well a control does, on examples that it was not learned from and on draws of the prior."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from latune.codes import Codes
from latune.controls.control import Control, finite
from latune.controls.lesson import Lesson

TRIED = 512  # draws of the prior


@torch.no_grad()
def score_critic(control: Control, lesson: Lesson) -> dict[str, float]:
    """The critic on held-out examples: accuracy of labels (of both kinds alike) and classes, else rank correlation."""
    logits, target = control.critic(lesson.held_codes.mean), lesson.held_targets
    if control.kind == "classes":
        return {"accuracy": (logits.argmax(1) == target.argmax(1)).float().mean().item()}
    if control.kind in ("label", "labels"):
        right = ((logits > 0) == (target > 0.5)).float()
        kinds = [right[target[:, i] == value, i] for i in range(control.width) for value in (0, 1)]
        return finite({"accuracy": torch.stack([part.mean() for part in kinds if len(part)]).mean().item()})
    return finite({"rank correlation": rank_correlation(logits[:, 0], target[:, 0])})


@torch.no_grad()
def score_actor(control: Control, lesson: Lesson, codes: Codes, generator: torch.Generator) -> dict[str, float]:
    """The actor on draws of the prior: who arrives in the critic's eyes, and how spread the codes are that it makes.

    The spread is the root mean squared distance to the mean of those that were sent to the same place, as a share of
    real codes', the least of all places; an actor that has collapsed to one look a class has 0. A coordinate counts as
    far as the model uses it, by 1 less the square of its posterior's scale.
    """
    if control.actor is None:
        return {}
    z = codes.sample(TRIED, generator, lesson.codes.mean.device)
    used = (1 - lesson.codes.typical_scale.clamp_max(1).square()).sqrt()
    if control.kind == "realism":
        moved = torch.lerp(z, control.actor(z), control.way)
        real = torch.sigmoid(control.critic(moved))[:, 0] >= control.threshold
        share = spread(moved * used) / spread(lesson.held_codes.mean * used)
        return finite({"arrives": real.float().mean().item(), "spread": share})
    rows = lesson.draw_rows(TRIED, generator)
    given = lesson.targets[rows]
    moved = control.actor(z, given)
    off = (torch.sigmoid(control.critic(moved)) - given).abs().amax(1)
    if control.kind == "labels":  # the share of all labels that are right; what is real beside it has the same rows
        arrives = ((torch.sigmoid(control.critic(moved)) - given).abs() < 0.5).float().mean().item()
        return finite({"arrives": arrives, "spread": spread(moved * used) / spread(lesson.codes.mean[rows] * used)})
    scores = {"arrives": (off < 0.5).float().mean().item()} if control.kind in ("label", "classes") else {}
    if control.kind in ("real", "reward"):
        scores["arrives"] = rank_correlation(control.critic(moved)[:, 0], given[:, 0])
    shares = []
    for _, made, real in _groups(control, moved, given, lesson):
        shares.append(spread(made * used) / spread(real * used))
    return finite(scores | ({"spread": min(shares)} if shares else {}))


def _groups(control: Control, moved: Tensor, given: Tensor, lesson: Lesson) -> list[tuple[int, Tensor, Tensor]]:
    """What was made and what is real, of each class; of rewards and ranks, of the lower and the upper half."""
    place = (lambda t: t.argmax(1)) if control.kind == "classes" else (lambda t: (t[:, 0] > 0.5).long())
    made_of, real_of = place(given), place(lesson.targets)
    groups = [(k, moved[made_of == k], lesson.codes.mean[real_of == k]) for k in made_of.unique().tolist()]
    return [(k, made, real) for k, made, real in groups if len(made) > 1 and len(real) > 1]


def spread(z: Tensor) -> float:
    """Root mean squared distance to the mean."""
    return (z - z.mean(0)).square().sum(1).mean().sqrt().item()


def rank_correlation(a: Tensor, b: Tensor) -> float:
    """Spearman's."""
    from scipy.stats import spearmanr

    if len(a) < 3 or a.max() == a.min() or b.max() == b.min():
        return float("nan")
    return float(np.asarray(spearmanr(a.double().cpu().numpy(), b.double().cpu().numpy()))[0])

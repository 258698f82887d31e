"""Every control beside the baseline without a network: draws of the prior that are sent to one place in both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from latune.controls.again import Again
from latune.controls.apply import fulfil
from latune.controls.control import Control, Wish, finite
from latune.controls.lesson import Lesson
from latune.training import generator

DRAWS = 200  # of the prior
CLASSES = 10  # most classes that are tried
NEIGHBOURS = 7
KEPT = 1000  # examples of each class, or four times as many in all, that a judge looks at
WAYS = ("success", "vector", "untouched")

# Judge: images (n, c, h, w) and what was wished of them, to how well each fulfils it, (n,) in [0, 1].
Judge = Callable[[Tensor, Wish], Tensor]


@torch.no_grad()
def beside_vector(
    control: Control,
    lesson: Lesson,
    space: Any,
    seed: int = 0,
    judge: Judge | None = None,
    again: Again | None = None,
) -> dict[str, float]:
    """How often draws of the prior become what is asked for, in the eyes of a judge that took no part.

    `success` is the control's own way (its actor, then a descent), `vector` is attribute-vector arithmetic, the
    baseline without a network (Larsen et al. 2016, https://arxiv.org/abs/1512.09300), `untouched` is the draws as they
    are. Of labels and classes it is the share of draws that are right; of rewards the mean, where 1 is asked for; of
    ranks the mean, where 0.9 is asked for.

    Args:
        control: what is measured.
        lesson: what it was learned from.
        space: the model.
        seed: of the draws.
        judge: a rule, say; else what was made is encoded again and compared with the examples nearest to it.
        again: what critics look at in a descent; see `latune.controls.again`.
    """
    judge = judge or neighbours(lesson, space, seed)
    wishes = asked(control)
    source = generator(seed, "baseline", device=space.device)
    z = space.codes.sample(DRAWS, source, space.device)
    found: dict[str, list[Tensor]] = {way: [] for way in WAYS}
    for wish, part in zip(wishes, z.chunk(len(wishes)), strict=True):
        made = {
            "success": fulfil(part, [wish], fresh=True, codes=space.codes, generator=source).z,
            "vector": fulfil(part, [wish], "vector", codes=space.codes).z,
            "untouched": part,
        }
        for way, moved in made.items():
            found[way].append(judge(space.decode(moved).plain(), wish))
    return finite({way: torch.cat(parts).double().mean().item() for way, parts in found.items()})


def asked(control: Control) -> list[Wish]:
    """What is asked of a control that is measured."""
    if control.kind == "classes":
        k = len(control.classes)
        places = np.unique(np.linspace(0, k - 1, min(k, CLASSES)).round().astype(int))
        return [control.wish(control.classes[place]) for place in places]
    if control.kind == "labels":
        return [control.wish({label: 1}) for label in control.classes[:CLASSES]]
    return [control.wish("high" if control.kind == "real" else control.most)]


def neighbours(lesson: Lesson, space: Any, seed: int = 0) -> Judge:
    """A judge that encodes pictures again and looks at the examples nearest to each.

    Of labels and classes: whether the distance within which a given share of a class lies is the smallest for what was
    wished, which is the nearest neighbours' vote with all classes alike. Of the others: the nearest ones' mean.
    """
    if lesson.kind == "labels":
        judges = [neighbours(lesson.only(place), space, seed) for place in range(lesson.width)]
        return lambda images, wish: judges[int(wish.counts.int().argmax())](images, wish)
    z = torch.cat([lesson.codes.mean, lesson.held_codes.mean])
    targets = torch.cat([lesson.targets, lesson.held_targets])
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed)).to(targets.device)
    z, targets = z[order], targets[order]

    def again(images: Tensor) -> Tensor:
        return space.encode(images)

    if lesson.kind in ("label", "classes"):
        which = targets[:, 0].round().long() if lesson.kind == "label" else targets.argmax(1)
        groups = {place: z[which == place][:KEPT] for place in which.unique().tolist()}
        fewest = min(len(group) for group in groups.values())
        nearest = min(NEIGHBOURS, -(-fewest // 4))

        def vote(images: Tensor, wish: Wish) -> Float[Tensor, " n"]:
            made = again(images)
            far = [
                torch.cdist(made, group).kthvalue(max(1, round(nearest * len(group) / fewest)), dim=1).values
                for group in groups.values()
            ]
            winner = torch.tensor(list(groups), device=made.device)[torch.stack(far).argmin(0)]
            wanted = wish.target.argmax() if lesson.kind == "classes" else wish.target[wish.counts][0].round()
            return (winner == wanted).float()

        return vote
    z, targets = z[: 4 * KEPT], targets[: 4 * KEPT, 0]
    nearest = min(NEIGHBOURS, max(1, len(z) // 4))

    def mean(images: Tensor, wish: Wish) -> Float[Tensor, " n"]:
        return targets[torch.cdist(again(images), z).topk(nearest, largest=False).indices].mean(1)

    return mean

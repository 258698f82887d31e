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
FEWEST = 50  # examples of each class that a judge can be made of
KEPT = 4000  # examples that a judge looks at
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
    ranks the mean, where 0.9 is asked for. Of fewer than 50 examples a class nobody can judge: then it is nothing.
    `variety`, of melodies, is how many different ones the control's own way leaves, as a share of the different ones
    among the draws: a control that makes one bar of all has next to none.

    Args:
        control: what is measured.
        lesson: what it was learned from.
        space: the model.
        seed: of the draws.
        judge: a rule, say; else what was made is encoded again and compared with the examples nearest to it.
        again: what critics look at in a descent; see `latune.controls.again`.
    """
    if judge is None and lesson.kind in ("label", "labels", "classes") and not _known(lesson):
        return {}
    judge = judge or neighbours(lesson, space, seed)
    wishes = asked(control)
    source = generator(seed, "baseline", device=space.device)
    z = space.codes.sample(DRAWS, source, space.device)
    found: dict[str, list[Tensor]] = {way: [] for way in WAYS}
    shown: dict[str, list[Tensor]] = {way: [] for way in WAYS}
    for wish, part in zip(wishes, z.chunk(len(wishes)), strict=True):
        made = {
            "success": fulfil(part, [wish], fresh=True, codes=space.codes, generator=source).z,
            "vector": fulfil(part, [wish], "vector", codes=space.codes).z,
            "untouched": part,
        }
        for way, moved in made.items():
            shown[way].append(space.decode(moved).plain())
            found[way].append(judge(shown[way][-1], wish))
    scores = {way: torch.cat(parts).double().mean().item() for way, parts in found.items()}
    if not shown["success"][0].is_floating_point():  # tokens: two melodies are the same or they are not
        kinds = {way: len(torch.cat(shown[way]).unique(dim=0)) for way in ("success", "untouched")}
        scores["variety"] = kinds["success"] / kinds["untouched"]
    return finite(scores)


def _known(lesson: Lesson) -> bool:
    """Whether there are enough examples of every class to look for the nearest."""
    targets = torch.cat([lesson.targets, lesson.held_targets]) > 0.5
    has = targets.sum(0)
    sides = has if lesson.kind == "classes" else torch.cat([has, (~targets).sum(0)])
    return int(sides.min()) >= FEWEST


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

    Of labels and classes: whether most of the nearest are of what was wished, each class being as frequent as it is. Of
    the others: the nearest ones' mean.
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
        fewest = int(which.bincount()[which.unique()].min())
        pool, of_pool = z[:KEPT], which[:KEPT]
        nearest = min(NEIGHBOURS, max(1, fewest // 2))

        def vote(images: Tensor, wish: Wish) -> Float[Tensor, " n"]:
            near = of_pool[torch.cdist(again(images), pool).topk(nearest, largest=False).indices]  # (n, nearest)
            wanted = wish.target.argmax() if lesson.kind == "classes" else wish.target[wish.counts][0].round()
            return (near.mode(1).values == wanted).float()

        return vote
    z, targets = z[:KEPT], targets[:KEPT, 0]
    nearest = min(NEIGHBOURS, max(1, len(z) // 4))

    def mean(images: Tensor, wish: Wish) -> Float[Tensor, " n"]:
        return targets[torch.cdist(again(images), z).topk(nearest, largest=False).indices].mean(1)

    return mean

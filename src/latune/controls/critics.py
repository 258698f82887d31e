"""Attribute critics: what is wanted of a point, told by logits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latune.controls.learning import play, seeded_weights
from latune.controls.lesson import Lesson
from latune.nets import LATENT_NETS, LatentNets
from latune.terms import discriminate, r1
from latune.training import Game, Generators, Optimiser, Player, Ramp, Weighed


@dataclass(frozen=True)
class Judging:
    """How an attribute critic is learned; `JUDGINGS` are named ones.

    Args:
        nets: their size.
        steps, batch_size, lr, betas, decay: of Adam.
        draw: share of the posterior's scale in the codes: 1 samples the posterior, as published.
        mixup: whether examples of labels and classes are pairs, mixed in any share, codes and targets alike (Zhang et
            al. 2018, https://arxiv.org/abs/1710.09412): half of the way between two classes is then half believed, and
            a descent does not stop just behind the border.
        smooth: weight of the R1 penalty on the slope at the codes, which keeps a descent from fooling the critic.
        members: critics that are learned beside each other and averaged; each leaves out a part of few examples.
        balanced: draw examples of all classes alike.
    """

    nets: LatentNets = field(default_factory=lambda: LATENT_NETS["small"])
    steps: int = 2000
    batch_size: int = 256
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    decay: bool = True
    draw: float = 1.0
    mixup: bool = True
    smooth: float = 0.3
    members: int = 1
    balanced: bool = True


JUDGINGS: dict[str, Judging] = {
    # The paper gives Adam 3e-4, the released code 1e-4 and 10,000 updates of 128 examples.
    "paper": Judging(LATENT_NETS["paper"], 10_000, 128, 3e-4, decay=False, mixup=False, smooth=0.0, balanced=False),
    "released": Judging(LATENT_NETS["paper"], 10_000, 128, 1e-4, decay=False, mixup=False, smooth=0.0, balanced=False),
    "default": Judging(),
    "fast": Judging(steps=800),
    "few": Judging(LatentNets(64, 1, "silu"), 300, 64, 1e-2, smooth=1.0, members=5),
}


class Critics(nn.Module):
    """Critics whose logits are averaged: `(n, d)` points to `(n, k)` logits."""

    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """The mean of the members' logits."""
        logits = [member(z) for member in self.members]
        return logits[0] if len(logits) == 1 else torch.stack(logits).mean(0)


def empty_critics(how: Judging | LatentNets, dims: int, width: int, members: int = 1) -> Critics:
    """Critics as they are before they learn."""
    nets = how.nets if isinstance(how, Judging) else how
    return Critics([nets.critic(dims, outputs=width) for _ in range(members)])


def first_critics(how: Judging, dims: int, width: int, seed: int, start: Critics | None = None) -> Critics:
    """Critics to begin with: with weights from a seed, or those of others."""
    with seeded_weights(seed, "critic"):
        critics = empty_critics(how, dims, width, how.members)
    if start is not None:
        critics.load_state_dict(start.state_dict())
    return critics


def learn_critic(lesson: Lesson, how: Judging, seed: int = 0, start: Critics | None = None) -> Critics:
    r"""Learn an attribute critic by cross-entropy to targets in [0, 1].

    .. math:: D_{attr} = \arg\min -\mathbb E\,[\, t \log \sigma(f) + (1 - t) \log(1 - \sigma(f)) \,]

    k independent sigmoids, Engel, Hoffman & Roberts 2018, section 5 (https://arxiv.org/abs/1711.05772); with soft
    targets, section 6: :math:`\sigma(f(z)) = \mathbb E[t | z]`.

    Args:
        lesson: codes and targets.
        how: a preset or your own.
        seed: of weights and draws.
        start: critics of the same size to go on from.
    """
    device = lesson.codes.mean.device
    critics = first_critics(how, lesson.codes.mean.shape[1], lesson.width, seed, start).to(device)
    draws = Generators(seed, device)
    part = torch.arange(lesson.n, device=device) % how.members  # examples that a member does not see

    def scene(batch: object, step: int) -> list[tuple[nn.Module, Tensor, Tensor]]:
        seen = []
        for i, member in enumerate(critics.members):
            rows = lesson.draw_rows(how.batch_size, draws["rows"], how.balanced)
            if how.members > 1:
                rows = rows[part[rows] != i]
            z = lesson.codes.draw(rows, draws["points"], how.draw)
            target = lesson.targets[rows]
            # A mixed rank would no longer be the expected one.
            if how.mixup and lesson.kind in ("label", "labels", "classes"):
                share = torch.rand(len(z), 1, generator=draws["mixup"], device=device)
                z, target = torch.lerp(z.flip(0), z, share), torch.lerp(target.flip(0), target, share)
            seen.append((member, z.requires_grad_() if how.smooth else z, target))
        return seen

    def terms(scene: list[tuple[nn.Module, Tensor, Tensor]]) -> Iterator[Weighed]:
        for i, (member, z, target) in enumerate(scene):
            logits = member(z)
            yield Weighed(f"discriminate/{i}", discriminate([(logits, target)]))
            if how.smooth:
                yield Weighed(f"r1/{i}", r1(lambda _, logits=logits: logits, z), how.smooth)

    lr = Ramp(how.lr, 0.0, how.steps, "cosine") if how.decay else how.lr
    player = Player("critic", [critics], terms, Optimiser(lr=lr, betas=how.betas))
    play(Game(critics, scene, [player]), how.steps, draws)
    return critics


def class_vectors(lesson: Lesson) -> Float[Tensor, "k d"]:
    """Attribute vectors, the baseline without a network: the mean code of examples that have it, less of those without.

    Of a reward or a rank, the codes are weighed by it and by what it lacks to 1. Larsen et al. 2016, section 4
    (https://arxiv.org/abs/1512.09300).
    """
    z, t = lesson.codes.mean, lesson.targets
    with_it = (t.T @ z) / t.sum(0)[:, None].clamp_min(1e-12)  # (k, d)
    without = ((1 - t).T @ z) / (1 - t).sum(0)[:, None].clamp_min(1e-12)
    return with_it - without

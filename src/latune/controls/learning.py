"""The games by which critics and actors of a latent space are learned, and the presets that say how."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from latune.codes import Codes
from latune.controls.lesson import Lesson
from latune.nets import LATENT_NETS, LatentNets
from latune.terms import believe, discriminate, energy_distance, gradient_penalty, near, r1
from latune.terms.critics import Mixing
from latune.training import Game, Generators, Optimiser, Plan, Player, Ramp, Trainer, Weighed, seed_for

Mismatched = Literal["none", "any", "other"]
BETAS = (0.0, 0.9)
# How far targets of 0 and 1 lie from each other in an energy distance, in mean distances of real codes: far, and like
# is compared with like alone. But of several labels hardly two examples in a batch are alike; where what is nearly so
# does not count, each set of labels gets one look.
APART, APART_LABELS = 4.0, 0.5
FLOOR = 1e-3  # least posterior scale that a distance is measured in
CHECKPOINT_SECONDS = 30.0  # at most this long is lost of a long learning that is stopped


@dataclass(frozen=True)
class Learning:
    """How a critic and an actor are learned; `PRESETS` are named ones.

    Args:
        nets: their size.
        steps: updates of the critic.
        batch_size: rows of each of the critic's blocks.
        lr, betas: Adam's, of both players. With `decay` the rate goes to nothing by a cosine.
        every: the actor plays at every k-th update of the critic.
        penalty: what keeps the critic smooth: `gradient` (Gulrajani et al. 2017), `r1` (Mescheder et al. 2018), `none`.
        penalty_weight: its weight.
        mixing: of the gradient penalty's points; see `latune.terms.gradient_penalty`.
        mismatched: the critic's third block, real codes with targets that are not theirs: `none`, those of `any` other
            example (the released code; one in ten is right by chance where there are ten classes), or `other` ones.
        prior_share: how often the critic's fake block is the prior itself.
        draw: share of the posterior's scale in real codes; 1 samples the posterior, 0 takes its mean.
        pull: what the actor minimises of the critic's logit: a name of `latune.terms.critics.PULLS`.
        near: weight of the distance that the actor moves.
        near_on_real: whether, where it has a weight, the actor also moves real codes.
        real_first: whether it does so in an optimiser step of its own, before that on draws of the prior (the released
            code), or in one step on both.
        attribute: weight of an attribute critic's loss of what the actor makes, where such a critic is at hand: it
            pulls all the way those points that are far, which the conditional critic alone lets lie where moving has
            a price.
        energy: weight of the energy distance of what the actor makes from real codes, which keeps it from making less
            than there is.
        balanced: draw examples of all classes alike.
        way: how much of the actor's way draws of the prior go in the control `realism`, at a dial of 1. An actor stops
            a little short of real codes, and shows a little less than there is.
        ema: decay of a moving average of the weights, which is what is kept; 0 for the last weights.
        matmul: torch's float32 matrix product precision; `medium` is faster on processors that have bfloat16.
    """

    nets: LatentNets = field(default_factory=lambda: LATENT_NETS["small"])
    steps: int = 4000
    batch_size: int = 128
    lr: float = 2e-3
    betas: tuple[float, float] = BETAS
    decay: bool = True
    every: int = 1
    penalty: Literal["none", "gradient", "r1"] = "r1"
    penalty_weight: float = 0.1
    mixing: Mixing = "coordinate"
    mismatched: Mismatched = "other"
    prior_share: float = 0.1
    draw: float = 0.0
    pull: str = "toward_real"
    near: float = 0.0
    near_on_real: bool = True
    real_first: bool = False
    attribute: float = 0.35
    energy: float = 0.75
    balanced: bool = True
    way: float = 1.0
    ema: float = 0.0
    matmul: Literal["highest", "high", "medium"] = "medium"

    def optimiser(self) -> Optimiser:
        """Of both players."""
        return Optimiser(lr=Ramp(self.lr, 0.0, self.steps, "cosine") if self.decay else self.lr, betas=self.betas)


_AS_PUBLISHED = Learning(
    nets=LATENT_NETS["paper"],
    steps=200_000,
    batch_size=128,
    lr=3e-4,
    decay=False,
    every=10,
    penalty="gradient",
    penalty_weight=10.0,
    mixing="example",
    mismatched="none",
    draw=1.0,
    attribute=0.0,
    energy=0.0,
    balanced=False,
    matmul="highest",
)
PRESETS: dict[str, Learning] = {
    # Engel, Hoffman & Roberts 2018 (https://arxiv.org/abs/1711.05772). The code has a third block of mismatched labels
    # that the paper does not tell of, mixes real and fake codes for each coordinate, and a rate of 1e-4. Where the
    # distance has a weight, its actor takes two steps, on real codes and then on the prior.
    "paper": _AS_PUBLISHED,
    "released": replace(_AS_PUBLISHED, lr=1e-4, steps=400_000, mixing="coordinate", mismatched="any", real_first=True),
    # Ours. An average of the weights goes a shorter way and shows less of what there is: right for `near` alone.
    "default": Learning(),
    "near": Learning(near=0.1, near_on_real=False, attribute=1.5, energy=0.0, ema=0.999),
    "labels": Learning(energy=2.0),  # what `default` means for several labels at once
    # Without targets to sort them, the draws are far harder to bring home: many small steps, and a steeper critic.
    "realism": Learning(steps=6000, lr=3e-3, penalty_weight=0.02, energy=0.5, way=1.2),
    "fast": Learning(steps=600, attribute=0.3, energy=0.5),
}


class LatentScene:
    """What critic and actor look at in one step; each part is computed when first asked for, and once."""

    def __init__(self, players: Players, lesson: Lesson, codes: Codes, how: Learning, draws: Generators) -> None:
        self.players, self.lesson, self.how = players, lesson, how
        self.draws, n = draws["points"], how.batch_size
        device = lesson.codes.mean.device
        self.rows = lesson.draw_rows(n, draws["rows"], how.balanced)
        real = lesson.codes.draw(self.rows, self.draws, how.draw)
        self.real = real.requires_grad_() if how.penalty == "r1" else real
        self.given = lesson.targets[self.rows] if lesson.width else None
        self.prior = codes.sample(n, self.draws, device)
        self.fake_is_prior = torch.rand((), generator=draws["blocks"], device=device) < how.prior_share

    @cached_property
    def start(self) -> Tensor:
        """The points that the actor moves, `(n, d)`, or `(2 n, d)` where it moves real codes in the same step."""
        both = self.how.near > 0 and self.how.near_on_real and not self.how.real_first
        return torch.cat([self.prior, self.real.detach()]) if both else self.prior

    @cached_property
    def moved(self) -> Tensor:
        """What the actor makes of them."""
        return self.players.actor(self.start, self.wanted)

    @cached_property
    def wanted(self) -> Tensor | None:
        """What each point is moved for."""
        if self.given is None:
            return None
        return self.given.repeat(len(self.start) // len(self.given), 1)

    @cached_property
    def fake(self) -> Tensor:
        """The critic's fake block, `(n, d)`: what the actor makes of the prior, or sometimes the prior itself."""
        return torch.where(self.fake_is_prior, self.prior, self.moved[: len(self.prior)].detach())

    @cached_property
    def believed_real(self) -> Tensor:
        """The critic's logits of real codes with their own targets."""
        return self.players.critic(self.real, self.given)

    @cached_property
    def streams(self) -> list[tuple[Tensor, float]]:
        """The critic's blocks: real, fake, and real ones with targets that are not theirs."""
        blocks = [(self.believed_real, 1.0), (self.players.critic(self.fake, self.given), 0.0)]
        if self.given is not None and self.how.mismatched != "none":
            wrong = self.lesson.mismatched(self.rows, self.draws, self.how.mismatched == "other")
            blocks.append((self.players.critic(self.real.detach(), wrong), 0.0))
        return blocks

    def bound(self, z: Tensor) -> Tensor:
        """The critic as a function of points alone, with the real codes' targets; of real codes it is known already."""
        return self.believed_real if z is self.real else self.players.critic(z, self.given)


class Players(nn.Module):
    r"""The two of a game, and what they minimise.

    .. math::
        \mathcal L_D = \mathcal L_1(D(z, y)) + \mathcal L_0(D(G(z), y)) + \mathcal L_0(D(z, y')), \quad
        \mathcal L_G = \mathcal L_1(D(G(z, y), y)) + \lambda \mathcal L_{dist}(G(z, y), z)

    Engel, Hoffman & Roberts 2018, eqs. 2 and 3, and their released code for the block of mismatched targets.
    """

    def __init__(self, critic: nn.Module, actor: nn.Module) -> None:
        super().__init__()
        self.critic, self.actor = critic, actor

    def game(
        self, lesson: Lesson, codes: Codes, how: Learning, draws: Generators, judge: nn.Module | None = None
    ) -> Game:
        """Critic and actor, one after the other, in one scene a step: they see the same draws.

        Args:
            lesson, codes, how, judge: see `learn_actor`.
            draws: of all that is random.
        """
        scale = lesson.codes.typical_scale.clamp_min(FLOOR)
        apart = APART_LABELS if lesson.kind == "labels" else APART
        last: list[tuple[int, LatentScene]] = []

        def scene(batch: Any, step: int) -> LatentScene:
            if not last or last[0][0] != step:
                last[:] = [(step, LatentScene(self, lesson, codes, how, draws))]
            return last[0][1]

        def critics_terms(scene: LatentScene) -> Iterator[Weighed]:
            yield Weighed("discriminate", discriminate(scene.streams))
            if how.penalty == "gradient":
                penalty = gradient_penalty(scene.bound, scene.real, scene.fake, scene.draws, how.mixing)
                yield Weighed("gradient penalty", penalty, how.penalty_weight)
            elif how.penalty == "r1":
                yield Weighed("r1", r1(scene.bound, scene.real), how.penalty_weight)

        def moves_terms(moved: Tensor, start: Tensor, wanted: Tensor | None, where: str = "") -> Iterator[Weighed]:
            yield Weighed(f"believe{where}", believe(self.critic(moved, wanted), how.pull))
            if how.attribute and judge is not None and wanted is not None:
                yield Weighed(f"attribute{where}", discriminate([(judge(moved), wanted)]), how.attribute)
            if how.near:
                yield Weighed(f"near{where}", near(moved, start, scale), how.near)

        real_first = how.near > 0 and how.near_on_real and how.real_first

        def reals_terms(scene: LatentScene) -> Iterator[Weighed]:
            real = scene.real.detach()
            yield from moves_terms(self.actor(real, scene.given), real, scene.given, "/real")

        def actors_terms(scene: LatentScene) -> Iterator[Weighed]:
            # What the critic looked at was made before the actor's first step.
            moved = self.actor(scene.start, scene.wanted) if real_first else scene.moved
            yield from moves_terms(moved, scene.start, scene.wanted)
            if how.energy:
                made = moved[: len(scene.prior)]
                distance = energy_distance(made, scene.real.detach(), scene.given, scene.given, apart)
                yield Weighed("energy", distance, how.energy)

        return Game(
            self,
            scene,
            [
                Player("critic", [self.critic], critics_terms, how.optimiser()),
                Player(
                    "actor",
                    [self.actor],
                    actors_terms,
                    how.optimiser(),
                    every=how.every,
                    before=reals_terms if real_first else None,
                ),
            ],
        )


def learn_actor(
    lesson: Lesson,
    codes: Codes,
    how: Learning,
    seed: int = 0,
    folder: Path | None = None,
    progress: bool | Callable[[float], None] = False,
    judge: nn.Module | None = None,
) -> Players:
    """Learn a critic and an actor: of realism where the lesson has no targets, else conditional on them.

    Args:
        lesson: codes and targets.
        codes: the coordinates, whose prior the actor starts from.
        how: a preset or your own.
        seed: of weights and draws.
        folder: where a long training keeps a checkpoint, from which the same call continues; None for memory.
        progress: show a bar; or a function, which is given the share of the steps that is done, from 0 to 1.
        judge: an attribute critic of the same lesson, `(n, d)` points to `(n, k)` logits; it learns no more. Used where
            `how.attribute` has a weight.
    """
    dims, given = lesson.codes.mean.shape[1], lesson.width
    with seeded_weights(seed, "actor"):
        players = Players(how.nets.critic(dims, given), how.nets.actor(dims, given)).to(lesson.codes.mean.device)
    draws = Generators(seed, lesson.codes.mean.device)
    game = players.game(lesson, codes, how, draws, judge)
    play(game, how.steps, draws, folder, progress, ema=how.ema, matmul=how.matmul)
    return players


def play(
    game: Game,
    steps: int,
    draws: Generators,
    folder: Path | None = None,
    progress: bool | Callable[[float], None] = False,
    **plan: Any,
) -> None:
    """Play a game that draws its own examples; `plan` is what a `latune.training.Plan` takes besides."""
    whole = Plan(steps=steps, log_every=100, validate_every=0, checkpoint_seconds=CHECKPOINT_SECONDS, **plan)
    Trainer(game, None, whole, draws, folder=folder, progress=progress).run()
    game.model.eval()


@contextmanager
def seeded_weights(seed: int, *names: object) -> Iterator[None]:
    """Draw initial weights from a seed, and leave torch's global generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(seed, "weights", *names))
        yield

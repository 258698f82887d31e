"""Training as a game: players own parameters and minimise weighted terms, each at its own cadence.

A VAE is a game of one. Gradient flow follows ownership: a player's backward pass fills only the parameters it owns, so
no term needs to detach what belongs to another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from latune.errors import unknown
from latune.training.descents import SmoothedSGD, SoftSGD
from latune.training.schedule import Number, at, times

OPTIMISERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "soft-sgd": SoftSGD,
    "smoothed-sgd": SmoothedSGD,
}


class Weighed(NamedTuple):
    """A term as a player minimises it: its name in the log, its value in nats, and its weight."""

    name: str
    value: Tensor
    weight: Number = 1.0


@dataclass(frozen=True)
class Optimiser:
    """How a player descends.

    Args:
        kind: adam, adamw, sgd, soft-sgd or smoothed-sgd (see `latune.training.descents`).
        lr: learning rate, a constant or a ramp.
        betas, eps: Adam's.
        weight_decay: decoupled for adamw, an L2 term otherwise.
        clip: largest norm of the gradient over all of the player's parameters; None for no clipping.
    """

    kind: str = "adam"
    lr: Number = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    clip: float | None = None

    def at_rate(self, share: float) -> Optimiser:
        """The same at a share of its learning rate: players of one game may go at different paces."""
        return replace(self, lr=times(self.lr, share))

    def build(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        """The torch optimiser, fused where torch has it."""
        if self.kind not in OPTIMISERS:
            raise ValueError(unknown("optimiser", self.kind, OPTIMISERS))
        settings: dict[str, Any] = {"lr": at(self.lr, 0), "weight_decay": self.weight_decay}
        if self.kind in ("adam", "adamw", "sgd"):
            settings["fused"] = True
        if self.kind in ("adam", "adamw"):
            settings |= {"betas": self.betas, "eps": self.eps}
        return OPTIMISERS[self.kind](parameters, **settings)


@dataclass
class Player:
    """Owns parameters and minimises weighted terms.

    Args:
        name: what it is called in the log and in checkpoints.
        owns: the modules whose parameters it moves; no two players of a game share one.
        terms: from a scene to the weighted terms it minimises.
        optimiser: how it descends.
        every: plays on every k-th step.
        since: its first step; before, it is as if it were not there.
        before: the terms of an optimiser step of its own that comes first in each of its turns; None for turns of one.
    """

    name: str
    owns: Sequence[nn.Module]
    terms: Callable[[Any], Iterable[Weighed]]
    optimiser: Optimiser = field(default_factory=Optimiser)
    every: int = 1
    since: int = 0
    before: Callable[[Any], Iterable[Weighed]] | None = None

    def __post_init__(self) -> None:
        self.parameters = [p for module in self.owns for p in module.parameters() if p.requires_grad]
        if not self.parameters:
            raise ValueError(f"Player '{self.name}' owns no parameter that can be trained.")
        self.descent = self.optimiser.build(self.parameters)
        self.alone = False  # whether nobody else's parameters can be reached, so that a plain backward pass will do
        self._last: tuple[tuple[float, ...], Tensor] | None = None

    def lose(self, scene: Any, step: int, shared: bool = False, before: bool = False) -> dict[str, Tensor]:
        """Fill the gradients of this player's parameters, and no others; return its loss and the unweighted terms.

        `shared` keeps the scene's graph for the players that come after; `before` is the step that comes first.
        """
        terms = self.before if before and self.before is not None else self.terms
        weighed = list(terms(scene))
        values = torch.stack([term.value for term in weighed])
        total = values @ self._weights(tuple(at(term.weight, step) for term in weighed), values)
        total.backward(inputs=None if self.alone else self.parameters, retain_graph=shared)
        names = (f"loss/{self.name}{' before' if before else ''}", *(term.name for term in weighed))
        return dict(zip(names, (total.detach(), *values.detach().unbind()), strict=True))

    def _weights(self, weights: tuple[float, ...], like: Tensor) -> Tensor:
        """Weights on the device of the values; those of the step before where they are the same."""
        if self._last is None or self._last[0] != weights:
            self._last = weights, torch.tensor(weights, dtype=like.dtype, device=like.device)
        return self._last[1]

    def move(self, step: int) -> None:
        """One optimiser step on the gradients that are there."""
        if self.optimiser.clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.optimiser.clip, foreach=True)
        if not isinstance(self.optimiser.lr, float):
            for group in self.descent.param_groups:
                group["lr"] = at(self.optimiser.lr, step)
        self.descent.step()
        self.descent.zero_grad(set_to_none=True)


class Game:
    """The players of one model, and the scene they look at.

    Args:
        model: the module whose weights are saved.
        scene: from (batch, step) to the bundle of one step that the terms read.
        players: who plays, in order.
        order: `sequential` (each player sees what the one before changed, in a scene of its own) or `simultaneous` (one
            scene, all gradients first, then all moves).

    Raises:
        ValueError: when two players own the same parameter, or one takes two steps where all move at once.
    """

    def __init__(
        self,
        model: nn.Module,
        scene: Callable[[Any, int], Any],
        players: Sequence[Player],
        order: Literal["sequential", "simultaneous"] = "sequential",
    ) -> None:
        self.model, self.scene, self.players, self.order = model, scene, list(players), order
        owners: dict[int, str] = {}
        for player in self.players:
            for parameter in player.parameters:
                other = owners.setdefault(id(parameter), player.name)
                if other != player.name:
                    raise ValueError(f"Players '{other}' and '{player.name}' own the same parameter.")
            if player.before is not None and order == "simultaneous":
                raise ValueError(
                    f"Player '{player.name}' takes two steps a turn, which goes in a sequential game only."
                )
        trained = {id(p) for p in model.parameters() if p.requires_grad}
        for player in self.players:
            player.alone = trained <= {id(p) for p in player.parameters}

    def step(self, batch: Any, step: int) -> dict[str, Tensor]:
        """Let every player whose turn it is play once; return the terms they minimised, on the device."""
        due = [player for player in self.players if step >= player.since and step % player.every == 0]
        losses: dict[str, Tensor] = {}
        if self.order == "simultaneous":
            scene = self.scene(batch, step)
            for player in due:
                losses |= player.lose(scene, step, shared=player is not due[-1])
            for player in due:
                player.move(step)
        else:
            for player in due:
                for before in (True, False) if player.before is not None else (False,):
                    losses |= player.lose(self.scene(batch, step), step, before=before)
                    player.move(step)
        return losses

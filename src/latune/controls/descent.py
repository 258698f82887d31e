"""Gradient descent in the latent space: a move for which nothing but critics is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from latune.moves import Move

CHUNK = 1024  # examples that move together
EPS = 1e-8  # Adam's, and below it a slope has no direction

Loss = Callable[[Tensor, Tensor], Tensor]  # points (m, d) and their rows in the batch (m,) to a loss each (m,)
Test = Callable[[Tensor, Tensor], Tensor]  # the same to whether each has arrived (m,)


@dataclass(frozen=True)
class Descended:
    """Where a descent ended.

    Args:
        z: the points, `(n, d)`.
        reached: whether each met all of its thresholds.
        steps: how many steps each took.
    """

    z: Float[Tensor, "n d"]
    reached: Bool[Tensor, " n"]
    steps: Int[Tensor, " n"]


@dataclass(frozen=True)
class Descending:
    """How a descent goes; `DESCENTS` are named ones.

    Args:
        steps: at most.
        lr: length of a step: of each coordinate by itself, or, with `even`, of the whole step in posterior scales.
        even: steps of one length in units of the posterior's scale, in place of Adam's; see `Descend`.
        again: whether critics look at a point as the model's encoder sees it again once it is decoded, where there is
            one that has a slope: they know codes of images, and a descent leaves these for points that fool them.
        betas: Adam's, the first of which is the momentum of both.
    """

    steps: int = 100
    lr: float = 0.1
    even: bool = False
    again: bool = False
    betas: tuple[float, float] = (0.9, 0.999)


DESCENTS: dict[str, Descending] = {
    "paper": Descending(),
    # Adam moves every coordinate alike at first, those that matter nothing too, and what is not asked for is lost.
    "default": Descending(lr=1.5, even=True, again=True),
}


@dataclass(frozen=True)
class Descend(Move):
    r"""Go down a loss, each example until it has arrived: by Adam, or by steps of one length.

    .. math:: z_{t+1} = z_t - \eta\, \mathrm{Adam}(\nabla \mathcal L(z_t))

    The optimiser actor of Engel, Hoffman & Roberts 2018, section 3 and the identity-preserving transformation of
    section 5 (https://arxiv.org/abs/1711.05772): 100 steps at a rate of 0.1. Given `scale`, ours instead:

    .. math:: v_{t+1} = \beta_1 v_t + (1 - \beta_1)\, g / \lVert g \rVert, \quad g = u \odot \nabla \mathcal L(z_t),
              \quad z_{t+1} = z_t - \eta\, u \odot v_{t+1}

    which goes straight down in units u of the posterior's scale: coordinates that the loss hardly looks at stay. Each
    example stops at the first step at which it has arrived, and keeps its last point, or the best, where it never does;
    one that has arrived at the start is returned bit for bit. Each moves in a batch as it does alone; moments are fresh
    in every call (the released code keeps them between calls). Not differentiable in the point.

    Args:
        loss: from points `(m, d)` and their rows in the batch `(m,)` to a loss each; what is asked of an example is
            found by its row, because those that have arrived are no longer looked at.
        arrived: from the same to whether each has arrived; None for going on to the last step.
        steps, lr, betas: see `Descending`.
        scale: the unit of each coordinate, `(d,)`; None for Adam.
        inside: from points to the nearest that may be; None where all may.
        worth: from the same as `loss` to how good a point is, of which an example that never arrives keeps the best on
            its way, where any is better than minus infinity; None for the last.

    >>> down = Descend(lambda z, rows: z.square().sum(1), lambda z, rows: z.norm(dim=1) < 0.5)
    >>> down(torch.tensor([[0.1, 0.0]]))
    tensor([[0.1000, 0.0000]])
    """

    loss: Loss
    arrived: Test | None = None
    steps: int = 100
    lr: float = 0.1
    betas: tuple[float, float] = (0.9, 0.999)
    scale: Float[Tensor, " d"] | None = None
    inside: Callable[[Tensor], Tensor] | None = None
    worth: Loss | None = None

    def __call__(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The points after the descent."""
        return self.descend(z).z

    def descend(self, z: Float[Tensor, "n d"]) -> Descended:
        """The same, and whether each arrived and after how many steps."""
        every = torch.arange(len(z), device=z.device).split(CHUNK)
        parts = [self._down(part, which) for part, which in zip(z.split(CHUNK), every, strict=True)]
        return Descended(*(torch.cat([getattr(part, each) for part in parts]) for each in ("z", "reached", "steps")))

    def _down(self, z: Tensor, which: Tensor) -> Descended:
        """The same of some of a batch, by their rows in it."""
        end = z.detach().clone()
        n = len(z)
        reached = torch.zeros(n, dtype=torch.bool, device=z.device)
        taken = torch.full((n,), self.steps, device=z.device)
        rows, now = torch.arange(n, device=z.device), end.clone()  # those that still move
        first, second = torch.zeros_like(now), torch.zeros_like(now)
        best, most = end.clone(), torch.full((n,), -torch.inf, device=z.device)
        for step in range(self.steps + 1):
            point = now.detach().requires_grad_()  # the same for all three, which may look at it once
            if self.worth is not None:
                with torch.no_grad():
                    worth = self.worth(point, which[rows])
                better = worth > most[rows]
                best[rows[better]], most[rows[better]] = now[better], worth[better]
            still = None
            if self.arrived is not None and len(rows):
                with torch.no_grad():
                    there = self.arrived(point, which[rows])
                # Which examples have stopped decides the shape of all that follows; that has to be waited for.
                if bool(there.any()):
                    end[rows[there]] = now[there]
                    reached[rows[there]], taken[rows[there]] = True, step
                    still = ~there
            if step == self.steps or not len(rows) or (still is not None and not bool(still.any())):
                rows, now = (rows, now) if still is None else (rows[still], now[still])
                break
            # Those that have just arrived are in the graph already: looking again at the others alone takes longer.
            with torch.enable_grad():
                (gradient,) = torch.autograd.grad(self.loss(point, which[rows]).sum(), point)
            if still is not None:
                rows, now, gradient, first, second = (part[still] for part in (rows, now, gradient, first, second))
            now, first, second = self._step(now, gradient, first, second, step)
        end[rows] = torch.where(most[rows, None] > -torch.inf, best[rows], now)
        return Descended(end, reached, taken)

    def _step(
        self, now: Tensor, gradient: Tensor, first: Tensor, second: Tensor, step: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The points after a step, and the moments."""
        (b1, b2) = self.betas
        if self.scale is None:
            first = b1 * first + (1 - b1) * gradient
            second = b2 * second + (1 - b2) * gradient.square()
            size = first / (1 - b1 ** (step + 1))
            now = now - self.lr * size / ((second / (1 - b2 ** (step + 1))).sqrt() + EPS)
        else:
            steep = gradient * self.scale
            first = b1 * first + (1 - b1) * steep / steep.norm(dim=1, keepdim=True).clamp_min(EPS)
            now = now - self.lr * self.scale * first
        return (now if self.inside is None else self.inside(now)), first, second

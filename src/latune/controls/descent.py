"""Gradient descent in the latent space: a move for which nothing but critics is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from latune.moves import Move

EPS = 1e-8  # Adam's

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
class Descend(Move):
    r"""Go down a loss by Adam, each example until it has arrived.

    .. math:: z_{t+1} = z_t - \eta\, \mathrm{Adam}(\nabla \mathcal L(z_t))

    The optimiser actor of Engel, Hoffman & Roberts 2018, section 3 and the identity-preserving transformation of
    section 5 (https://arxiv.org/abs/1711.05772): 100 steps at a rate of 0.1. Each example stops at the first step at
    which it has arrived, and keeps its last point where it never does; one that has arrived at the start is returned
    bit for bit. Adam looks at each number alone, so a batch moves as its examples do one by one; its moments are fresh
    in every call (the released code keeps them between calls). Not differentiable in the point.

    Args:
        loss: from points `(m, d)` and their rows in the batch `(m,)` to a loss each; what is asked of an example is
            found by its row, because those that have arrived are no longer looked at.
        arrived: from the same to whether each has arrived; None for going on to the last step.
        steps, lr, betas: Adam's.

    >>> down = Descend(lambda z, rows: z.square().sum(1), lambda z, rows: z.norm(dim=1) < 0.5)
    >>> down(torch.tensor([[0.1, 0.0]]))
    tensor([[0.1000, 0.0000]])
    """

    loss: Loss
    arrived: Test | None = None
    steps: int = 100
    lr: float = 0.1
    betas: tuple[float, float] = (0.9, 0.999)

    def __call__(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The points after the descent."""
        return self.descend(z).z

    def descend(self, z: Float[Tensor, "n d"]) -> Descended:
        """The same, and whether each arrived and after how many steps."""
        end = z.detach().clone()
        n = len(z)
        reached = torch.zeros(n, dtype=torch.bool, device=z.device)
        taken = torch.full((n,), self.steps, device=z.device)
        rows, now = torch.arange(n, device=z.device), end.clone()  # those that still move
        first, second = torch.zeros_like(now), torch.zeros_like(now)
        (b1, b2) = self.betas
        for step in range(self.steps + 1):
            if self.arrived is not None and len(rows):
                with torch.no_grad():
                    there = self.arrived(now, rows)
                # Which examples have stopped decides the shape of all that follows; that has to be waited for.
                if bool(there.any()):
                    end[rows[there]] = now[there]
                    reached[rows[there]], taken[rows[there]] = True, step
                    rows, now, first, second = (part[~there] for part in (rows, now, first, second))
            if step == self.steps or not len(rows):
                break
            with torch.enable_grad():
                point = now.detach().requires_grad_()
                (gradient,) = torch.autograd.grad(self.loss(point, rows).sum(), point)
            first = b1 * first + (1 - b1) * gradient
            second = b2 * second + (1 - b2) * gradient.square()
            size = first / (1 - b1 ** (step + 1))
            now = now - self.lr * size / ((second / (1 - b2 ** (step + 1))).sqrt() + EPS)
        end[rows] = now
        return Descended(end, reached, taken)

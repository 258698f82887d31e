"""Moves: maps of a latent space, or of data (`latune.chains`), to itself. `a >> b` is "a, then b"; `a * n` repeats."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


class Move:
    """From a point to a point of the same space, differentiable in the point."""

    def __call__(self, z: Float[Tensor, "n *d"]) -> Float[Tensor, "n *d"]:
        """The moved points."""
        raise TypeError(f"{type(self).__name__} does not say where it moves to.")

    def __rshift__(self, then: Move) -> Move:
        return Then(self, then)

    def __mul__(self, times: int) -> Move:
        if times < 0:
            raise ValueError(f"A move is repeated 0 or more times. Got {times}.")
        return Repeat(self, times)


@dataclass(frozen=True)
class Stay(Move):
    """The identity.

    >>> Stay()(torch.ones(1, 2))
    tensor([[1., 1.]])
    """

    def __call__(self, z: Float[Tensor, "n *d"]) -> Float[Tensor, "n *d"]:
        """The same points."""
        return z


@dataclass(frozen=True)
class Shift(Move):
    """Add a number to one coordinate; the others do not change.

    >>> (Shift(1, 2.0) * 3)(torch.zeros(1, 2))
    tensor([[0., 6.]])
    """

    dim: int
    by: float | Tensor

    def __call__(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The shifted points; `by` is a number or one for each example."""
        step = torch.zeros_like(z)
        step[:, self.dim] = self.by
        return z + step


@dataclass(frozen=True)
class Put(Move):
    """Set one coordinate to a value; the others do not change.

    >>> Put(0, 1.5)(torch.zeros(1, 2))
    tensor([[1.5000, 0.0000]])
    """

    dim: int
    value: float | Tensor

    def __call__(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The points with the coordinate replaced; `value` is a number or one for each example."""
        mask = torch.zeros(z.shape[1], dtype=torch.bool, device=z.device)
        mask[self.dim] = True
        value = torch.as_tensor(self.value, dtype=z.dtype, device=z.device)
        return torch.where(mask, value[:, None] if value.dim() else value, z)


@dataclass(frozen=True)
class Pick(Move):
    """Set a one-hot coordinate to one of its classes; the others do not change.

    >>> Pick(first=1, classes=3, which=2)(torch.ones(1, 4))
    tensor([[1., 0., 0., 1.]])
    """

    first: int  # its first column
    classes: int
    which: int

    def __call__(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The points with that class."""
        columns = torch.arange(z.shape[1], device=z.device) - self.first
        inside = (columns >= 0) & (columns < self.classes)
        return torch.where(inside, (columns == self.which).to(z.dtype), z)


@dataclass(frozen=True)
class Towards(Move):
    """Go a share of the way to other points: 0 stays, 1 arrives.

    >>> Towards(torch.tensor([[2.0, 4.0]]), 0.5)(torch.zeros(1, 2))
    tensor([[1., 2.]])
    """

    goal: Tensor
    share: float

    def __call__(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The points between."""
        return torch.lerp(z, self.goal.expand_as(z), self.share)


@dataclass(frozen=True)
class Then(Move):
    """One move after another."""

    first: Move
    second: Move

    def __call__(self, z: Float[Tensor, "n *d"]) -> Float[Tensor, "n *d"]:
        """The points after both."""
        return self.second(self.first(z))


@dataclass(frozen=True)
class Repeat(Move):
    """The same move several times."""

    move: Move
    times: int

    def __call__(self, z: Float[Tensor, "n *d"]) -> Float[Tensor, "n *d"]:
        """The points after the last time."""
        for _ in range(self.times):
            z = self.move(z)
        return z


MOVES: dict[str, type[Move]] = {"stay": Stay, "shift": Shift, "put": Put, "pick": Pick, "towards": Towards}

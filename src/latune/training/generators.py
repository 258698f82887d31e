"""Named random generators, one seed for all of them, saved with the checkpoint."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor


def seed_for(seed: int, *names: object) -> int:
    """A 63-bit seed for a named purpose, the same on every machine.

    >>> seed_for(0, "noise") == seed_for(0, "noise"), seed_for(0, "noise") == seed_for(1, "noise")
    (True, False)
    """
    digest = hashlib.sha256(repr((seed, *names)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, *names: object, device: Any = "cpu") -> torch.Generator:
    """A fresh torch generator for a named purpose."""
    return torch.Generator(device).manual_seed(seed_for(seed, *names))


class Generators:
    """Generators by name, made when first asked for.

    >>> a, b = Generators(0), Generators(0)
    >>> torch.equal(torch.rand(3, generator=a["noise"]), torch.rand(3, generator=b["noise"]))
    True
    """

    def __init__(self, seed: int, device: Any = "cpu") -> None:
        self.seed, self.device = seed, device
        self._made: dict[str, torch.Generator] = {}

    def __getitem__(self, name: str) -> torch.Generator:
        if name not in self._made:
            self._made[name] = generator(self.seed, name, device=self.device)
        return self._made[name]

    def state(self) -> dict[str, Tensor]:
        """The state of each, as tensors of bytes."""
        return {name: made.get_state() for name, made in self._made.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Continue from saved states."""
        for name, value in state.items():
            self[name].set_state(value)

"""Noise of many chains, each from a stream of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from latune.training.generators import generator

AHEAD = 4096  # numbers that a stream draws at a time


class Noise:
    """Standard normal noise: the row of chain i depends on the seed, on i and on what was asked for before, only.

    So the first of a thousand chains walks as it does alone, and a step's noise does not depend on how many follow. The
    draws are made on the CPU: they are the same for a chain on an accelerator.

    Args:
        chains: how many.
        seed: of all of them.
        device: where the noise is needed.

    >>> many, one = Noise(3), Noise(1)
    >>> [torch.equal(many.normal("z", 5)[:1], one.normal("z", 5)) for step in range(2)]
    [True, True]
    >>> torch.equal(many.normal("z", 5)[:1], many.normal("x", 5)[:1])
    False
    """

    def __init__(self, chains: int, seed: int = 0, device: Any = "cpu") -> None:
        self.chains, self.seed, self.device = chains, seed, device
        self._streams: dict[tuple[str, int], list[torch.Generator]] = {}
        self._drawn: dict[tuple[str, int], Tensor] = {}
        self._used: dict[tuple[str, int], int] = {}

    def normal(self, purpose: str, width: int) -> Tensor:
        """The next `(chains, width)` numbers for a purpose."""
        key, ahead = (purpose, width), max(AHEAD // width, 1)
        if key not in self._streams:
            names = ("chain", purpose, width)
            self._streams[key] = [generator(self.seed, *names, i) for i in range(self.chains)]
            self._used[key] = ahead
        if self._used[key] == ahead:
            # Always as many in one call: how torch turns its bits into normal numbers depends on how many it makes.
            parts = [torch.randn(ahead, width, generator=each) for each in self._streams[key]]
            self._drawn[key] = torch.stack(parts, 1) if parts else torch.empty(ahead, 0, width)  # (ahead, n, width)
            self._used[key] = 0
        row = self._drawn[key][self._used[key]]
        self._used[key] += 1
        return row.to(self.device)  # (n, width)

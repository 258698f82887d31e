"""Seeded splits into training, validation and test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from latune.errors import DataError

NAMES = ("training", "validation", "test")
FRACTIONS = (0.8, 0.1, 0.1)


def make_splits(n: int, fractions: Sequence[float] = FRACTIONS, *, seed: int = 0) -> dict[str, Tensor]:
    """Indices 0..n-1 dealt out at random: disjoint, sorted, together all of them; the same for the same seed.

    Args:
        n: how many examples there are.
        fractions: shares of training, validation and test, which sum to 1.
        seed: of the shuffle.

    Raises:
        DataError: the fractions are not three positive numbers that sum to 1, or there are too few examples.

    >>> {name: indices.tolist() for name, indices in make_splits(6, (0.5, 0.25, 0.25), seed=0).items()}
    {'training': [0, 2, 3, 5], 'validation': [1], 'test': [4]}
    """
    fractions = check_fractions(fractions)
    if n < len(NAMES):
        raise DataError(f"{n} examples cannot be split into {', '.join(NAMES)}; at least {len(NAMES)} are needed.")
    # Every part gets one example at least; training takes what rounding leaves over.
    validation, test = (max(1, math.floor(n * fraction + 1e-9)) for fraction in fractions[1:])
    while validation + test >= n:
        validation, test = max(1, validation - 1), max(1, test - 1)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    parts = order.split([n - validation - test, validation, test])
    return {name: part.sort().values for name, part in zip(NAMES, parts, strict=True)}


def check_fractions(fractions: object) -> tuple[float, float, float]:
    """Three positive numbers that sum to 1, or a DataError that says so.

    >>> check_fractions([0.7, 0.2, 0.1])
    (0.7, 0.2, 0.1)
    """
    try:
        parts = tuple(float(part) for part in fractions)  # pyright: ignore[reportGeneralTypeIssues]
    except (TypeError, ValueError):
        parts = ()
    good = len(parts) == len(NAMES) and all(part > 0 for part in parts) and abs(sum(parts) - 1) < 1e-6
    if isinstance(fractions, str) or not good:
        raise DataError(
            f"split is {fractions!r}; it must be three positive shares ({', '.join(NAMES)}) that sum to 1, "
            f"for example {FRACTIONS}."
        )
    return cast(tuple[float, float, float], parts)


def spread(indices: Tensor, most: int) -> Tensor:
    """At most so many of a split's sorted indices, evenly spread: the first ones of a grid are all of one kind.

    >>> spread(torch.arange(10), 4).tolist()
    [0, 3, 6, 9]
    """
    if len(indices) <= most:
        return indices
    return indices[torch.linspace(0, len(indices) - 1, most, device=indices.device, dtype=torch.float64).round().long()]

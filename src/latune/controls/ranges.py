"""Where the points of a space may be: uniform codes in their range, categorical ones at a class."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from latune.codes import Categorical, Codes, Normal, Uniform

# The length of d standard normal numbers is about normal itself, around sqrt(d) with variance 1/2: its 99.9 % quantile.
TAIL = 3.09 / 2**0.5


def clamped(z: Float[Tensor, "n d"], codes: Codes, radius: float | None = None) -> Float[Tensor, "n d"]:
    """The nearest points whose uniform codes are in range, and whose normal ones are no further out than a radius.

    >>> from latune.codes import Normal
    >>> clamped(torch.tensor([[2.0, 3.0, 4.0]]), Codes(c=Uniform(-1, 1), z=Normal(2)))
    tensor([[1., 3., 4.]])
    >>> clamped(torch.tensor([[2.0, 3.0, 4.0]]), Codes(c=Uniform(-1, 1), z=Normal(2)), radius=2.5)
    tensor([[1.0000, 1.5000, 2.0000]])
    """
    parts = list(z.split([factor.width for factor in codes.values()], dim=1))
    for place, factor in enumerate(codes.values()):
        if isinstance(factor, Uniform):
            parts[place] = parts[place].clamp(factor.lo, factor.hi)
    z = torch.cat(parts, dim=1)
    if radius is None or not any(isinstance(factor, Normal) for factor in codes.values()):
        return z
    normal = normal_columns(codes, z.device)
    length = (z * normal).norm(dim=1, keepdim=True).clamp_min(1e-12)  # (n, 1)
    return torch.where(normal, z * (radius / length).clamp_max(1.0), z)


def reach(codes: Codes, start: Float[Tensor, "n d"]) -> float:
    """How far out normal codes may be: as far as 99.9 % of the prior's draws, or as the points that one starts from.

    >>> from latune.codes import Normal
    >>> round(reach(Codes(z=Normal(64)), torch.zeros(1, 64)), 2)
    10.18
    """
    normal = normal_columns(codes, start.device)
    d = int(normal.sum())
    return max(d**0.5 + TAIL, float((start * normal).norm(dim=1).max()) if len(start) else 0.0)


def normal_columns(codes: Codes, device: torch.device) -> Bool[Tensor, " d"]:
    """Which columns have a normal prior."""
    which = [isinstance(factor, Normal) for factor in codes.values() for _ in range(factor.width)]
    return torch.tensor(which, device=device)


def inside(z: Float[Tensor, "n d"], codes: Codes) -> Float[Tensor, "n d"]:
    """The nearest points that the prior may draw: the same, and categorical codes at one class.

    >>> inside(torch.tensor([[0.2, 0.9, 5.0]]), Codes(digit=Categorical(2), c=Uniform(-1, 1)))
    tensor([[0., 1., 1.]])
    """
    if all(not isinstance(factor, Uniform | Categorical) for factor in codes.values()):
        return z
    z = clamped(z, codes)
    parts = z.split([factor.width for factor in codes.values()], dim=1)
    return torch.cat(
        [
            F.one_hot(part.argmax(1), factor.k).to(z.dtype) if isinstance(factor, Categorical) else part
            for part, factor in zip(parts, codes.values(), strict=True)
        ],
        dim=1,
    )


def fixed(codes: Codes, device: torch.device) -> Bool[Tensor, " d"]:
    """Which columns a descent leaves alone: there is nothing between two classes."""
    whole = [isinstance(factor, Categorical) for factor in codes.values() for _ in range(factor.width)]
    return torch.tensor(whole, device=device)

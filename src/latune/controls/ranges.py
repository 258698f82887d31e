"""Where the points of a space may be: uniform codes in their range, categorical ones at a class."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from latune.codes import Categorical, Codes, Uniform


def clamped(z: Float[Tensor, "n d"], codes: Codes) -> Float[Tensor, "n d"]:
    """The nearest points whose uniform codes are in range.

    >>> from latune.codes import Normal
    >>> clamped(torch.tensor([[2.0, 2.0]]), Codes(c=Uniform(-1, 1), z=Normal(1)))
    tensor([[1., 2.]])
    """
    parts = z.split([factor.width for factor in codes.values()], dim=1)
    return torch.cat(
        [
            part.clamp(factor.lo, factor.hi) if isinstance(factor, Uniform) else part
            for part, factor in zip(parts, codes.values(), strict=True)
        ],
        dim=1,
    )


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

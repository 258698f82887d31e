"""Images pushed a little out of shape, each its own way, with gradients through them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

SHIFT = 0.5  # places move by this share of what slopes change by
# What an image does that is seen through a map, to first order: how far, as shares of the map's A | b. An image moves
# against the map: seen through 1.1 it is a tenth smaller.
MOTIONS = {
    "slant": ((0.0, 1.0, 0.0), (0.0, 0.0, 0.0)),  # its top to the right
    "width": ((-1.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
    "height": ((0.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
    "size": ((-0.5, 0.0, 0.0), (0.0, -0.5, 0.0)),
    "turn": ((0.0, 0.5, 0.0), (-0.5, 0.0, 0.0)),  # clockwise
    "right": ((0.0, 0.0, -1.0), (0.0, 0.0, 0.0)),
    "down": ((0.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
}


def distorted(
    x: Float[Tensor, "n c h w"], most: float, generator: torch.Generator | None = None
) -> Float[Tensor, "n c h w"]:
    r"""Look at each image through an affine map of its own, as `drawn_maps` draws it.

    It makes a second look at an image, of the same class but of another slant, size and place: Ji et al. 2019,
    https://arxiv.org/abs/1807.06653.

    Args:
        x: images.
        most: m; 0 gives the images themselves.
        generator: of the draws.

    >>> x = torch.eye(4)[None, None]
    >>> torch.equal(distorted(x, 0.0), x)
    True
    """
    return through(x, drawn_maps(len(x), most, generator, x.device)) if most else x


def drawn_maps(
    n: int, most: float, generator: torch.Generator | None = None, device: torch.device | str = "cpu"
) -> Float[Tensor, "n 2 3"]:
    r"""Affine maps A and b, before the identity is added.

    .. math:: A_{ij} \sim U(-m, m), \quad b_i \sim U(-m / 2, m / 2)
    """
    draws = torch.rand(n, 2, 3, generator=generator, device=device) * 2 - 1
    return draws * most * draws.new_tensor([1.0, 1.0, SHIFT])


def through(x: Float[Tensor, "n c h w"], maps: Float[Tensor, "n 2 3"]) -> Float[Tensor, "n c h w"]:
    r"""Each image through its map.

    .. math:: x'(p) = x((I + A)\, p + b)

    with p from -1 to 1 over an image, to the right and down; what is outside of it is as its edge is.
    """
    whole = (maps + torch.eye(2, 3, device=maps.device)).to(x.dtype)
    grid = functional.affine_grid(whole, list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


def moved(maps: Float[Tensor, "n 2 3"], motions: Iterable[str]) -> Float[Tensor, "n k"]:
    """How far each map moves an image in each of the `MOTIONS` named, to first order.

    >>> moved(torch.tensor([[[0.1, 0.2, 0.0], [0.0, 0.0, 0.0]]]), ["slant", "width"]).tolist()
    [[0.20000000298023224, -0.10000000149011612]]
    """
    return torch.stack([(maps * maps.new_tensor(MOTIONS[name])).sum((1, 2)) for name in motions], 1)

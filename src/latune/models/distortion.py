"""Images pushed a little out of shape, each its own way, with gradients through them."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

SHIFT = 0.5  # places move by this share of what slopes change by


def distorted(
    x: Float[Tensor, "n c h w"], most: float, generator: torch.Generator | None = None
) -> Float[Tensor, "n c h w"]:
    r"""Look at each image through an affine map of its own.

    .. math:: x'(p) = x((I + A)\, p + b), \quad A_{ij} \sim U(-m, m), \quad b_i \sim U(-m / 2, m / 2)

    with p from -1 to 1 over an image; what is outside of it is as its edge is. It makes a second look at an image, of
    the same class but of another slant, size and place: Ji et al. 2019, https://arxiv.org/abs/1807.06653.

    Args:
        x: images.
        most: m; 0 gives the images themselves.
        generator: of the draws.

    >>> x = torch.eye(4)[None, None]
    >>> torch.equal(distorted(x, 0.0), x)
    True
    """
    if not most:
        return x
    draws = torch.rand(len(x), 2, 3, generator=generator, device=x.device) * 2 - 1
    draws = draws * most * draws.new_tensor([1.0, 1.0, SHIFT])
    maps = draws + torch.eye(2, 3, device=x.device)
    grid = functional.affine_grid(maps.to(x.dtype), list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)

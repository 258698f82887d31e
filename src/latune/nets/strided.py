"""Convolutions of stride 2 from the image straight to the code, and back: the nets of Latent Constraints for faces."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from latune.nets.layers import Dropout, activation, xavier_normal


@dataclass(frozen=True)
class Strided:
    """Convolutions of stride 2, each with its own kernel, then one linear layer; the decoder is the mirror.

    The defaults are the CelebA nets of Engel et al. 2018 (https://arxiv.org/abs/1711.05772) as they were released: for
    64x64 images a 4x4x2048 plane before a code of 1024. The paper lists the encoder's layers and the decoder's kernels
    in the other order. No activation follows the decoder's linear layer.

    A side is halved and rounded up by every convolution ("SAME" padding). TensorFlow pads an even side more at its end,
    this code at its beginning: the same functions, of images turned by half a turn.

    Args:
        channels: output channels of each convolution.
        kernels: side of each kernel, odd; one number is meant for all.
        activation: relu, selu, gelu, silu, tanh or leaky.
        dropout: rate after every convolution but the decoder's last.

    Raises:
        ValueError: kernels that are even, or not as many as channels.

    >>> encoder, decoder = Strided(channels=(16, 32), kernels=(5, 3)).build((3, 32, 32), params=8, width=4)
    >>> [sum(p.numel() for p in net.parameters()) for net in (encoder, decoder)]
    [22248, 16067]
    """

    channels: tuple[int, ...] = (256, 512, 1024, 2048)
    kernels: tuple[int, ...] = (5, 5, 3, 3)
    activation: str = "relu"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if len(self.kernels) not in (1, len(self.channels)):
            raise ValueError(f"{len(self.channels)} channels need as many kernels, or one. Got {list(self.kernels)}.")
        if any(kernel % 2 == 0 for kernel in self.kernels):
            raise ValueError(f"Kernels are odd, so that they have a centre. Got {list(self.kernels)}.")

    def build(self, shape: tuple[int, int, int], params: int, width: int) -> tuple[nn.Module, nn.Module]:
        """Encoder `(n, *shape) -> (n, params)` and decoder `(n, width) -> (n, *shape)`."""
        colours, *sides = shape
        planes = [colours, *self.channels]
        kernels = self.kernels * len(self.channels) if len(self.kernels) == 1 else self.kernels
        sizes = [sides]  # before each convolution, and after the last
        for _ in kernels:
            sizes.append([-(-side // 2) for side in sizes[-1]])
        deepest = (planes[-1], *sizes[-1])
        flat = math.prod(deepest)

        down: list[nn.Module] = []
        for (before, after), kernel in zip(pairwise(planes), kernels, strict=True):
            down += [nn.Conv2d(before, after, kernel, 2, kernel // 2), *self._after()]
        up: list[nn.Module] = []
        for i in range(len(kernels) - 1, -1, -1):
            odd = (sizes[i][0] % 2, sizes[i][1] % 2)  # an even side lost nothing when it was halved
            up.append(
                nn.ConvTranspose2d(planes[i + 1], planes[i], kernels[i], 2, kernels[i] // 2, (1 - odd[0], 1 - odd[1]))
            )
            up += self._after() if i else []
        encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(flat, params))
        decoder = nn.Sequential(nn.Linear(width, flat), nn.Unflatten(1, deepest), *up)
        for net in (encoder, decoder):
            xavier_normal(net)
        return encoder, decoder

    def _after(self) -> list[nn.Module]:
        return [activation(self.activation), *([Dropout(self.dropout)] if self.dropout else [])]

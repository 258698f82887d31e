"""Convolutional encoder and decoder, one builder for the papers' tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from latune.nets.layers import Dropout, Heads, activation, xavier_normal
from latune.nets.mlp import layers


@dataclass(frozen=True)
class Conv:
    """Convolutions, then fully connected layers; the decoder mirrors them with transposed convolutions.

    The defaults are AR-VAE's 2-d sprites net: four 4x4 convolutions of stride 2, two layers of 256 (Pati & Lerch 2020,
    appendix; https://arxiv.org/abs/2004.05485). Its MNIST net is `Conv(channels=(64, 64, 8), stride=1, padding=0,
    hidden=(256,), activation="selu", dropout=0.5)`.

    Args:
        channels: output channels of each convolution.
        kernel, stride, padding: the same for all of them.
        hidden: widths of the fully connected layers.
        activation: relu, selu, gelu, silu, tanh or leaky.
        dropout: rate after every convolution but the decoder's last.

    >>> encoder, decoder = Conv().build((1, 64, 64), params=20, width=10)
    >>> sum(p.numel() for net in (encoder, decoder) for p in net.parameters())
    502005
    """

    channels: tuple[int, ...] = (32, 32, 32, 32)
    kernel: int = 4
    stride: int = 2
    padding: int = 1
    hidden: tuple[int, ...] = (256, 256)
    activation: str = "relu"
    dropout: float = 0.0

    def sizes(self, side: int) -> list[int]:
        """The side length before each convolution and after the last.

        Raises:
            ValueError: where the image is too small for so many convolutions.
        """
        sizes = [side]
        for _ in self.channels:
            sizes.append((sizes[-1] + 2 * self.padding - self.kernel) // self.stride + 1)
        if min(sizes) < 1:
            raise ValueError(
                f"Images of side {side} are too small for {len(self.channels)} convolutions "
                f"(kernel {self.kernel}, stride {self.stride}): sizes {sizes}. Use fewer channels or a smaller kernel."
            )
        return sizes

    def build(self, shape: tuple[int, int, int], params: int, width: int) -> tuple[nn.Module, nn.Module]:
        """Encoder `(n, *shape) -> (n, params)` and decoder `(n, width) -> (n, *shape)`."""
        colours, *sides = shape
        heights, widths = (self.sizes(side) for side in sides)
        planes = [colours, *self.channels]
        deepest = (self.channels[-1], heights[-1], widths[-1])
        flat = math.prod(deepest)

        down: list[nn.Module] = []
        for before, after in pairwise(planes):
            down += [nn.Conv2d(before, after, self.kernel, self.stride, self.padding), *self._after()]
        encoder = nn.Sequential(
            *down, nn.Flatten(), *layers([flat, *self.hidden], self.activation), Heads(self.hidden[-1], params)
        )

        up: list[nn.Module] = []
        for i in range(len(self.channels), 0, -1):
            # A stride that does not divide a side loses a row on the way down; output_padding gives it back.
            lost_height, lost_width = (
                s[i - 1] - ((s[i] - 1) * self.stride - 2 * self.padding + self.kernel) for s in (heights, widths)
            )
            up.append(
                nn.ConvTranspose2d(
                    planes[i], planes[i - 1], self.kernel, self.stride, self.padding, (lost_height, lost_width)
                )
            )
            if i > 1:
                up += self._after()
        decoder = nn.Sequential(
            *layers([width, *reversed(self.hidden), flat], self.activation), nn.Unflatten(1, deepest), *up
        )
        for net in (encoder, decoder):
            xavier_normal(net)
        return encoder, decoder

    def _after(self) -> list[nn.Module]:
        return [activation(self.activation), *([Dropout(self.dropout)] if self.dropout else [])]

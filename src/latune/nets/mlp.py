"""Fully connected encoder and decoder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from latune.nets.layers import Dropout, Heads, activation, xavier_normal


def layers(sizes: list[int], act: str, dropout: float = 0.0) -> list[nn.Module]:
    """Linear layers through `sizes`, each followed by its activation."""
    out: list[nn.Module] = []
    for before, after in pairwise(sizes):
        out += [nn.Linear(before, after), activation(act)]
        if dropout:
            out.append(Dropout(dropout))
    return out


@dataclass(frozen=True)
class MLP:
    """A fully connected pair, the decoder the mirror of the encoder.

    Args:
        hidden: widths of the encoder's hidden layers.
        activation: relu, selu, gelu, silu, tanh or leaky.
        dropout: rate after every hidden layer.
        drop_input: rate of the encoder's input in training, so that it tells an image from a part of its pixels.

    >>> encoder, decoder = MLP(hidden=(32,)).build((1, 8, 8), params=8, width=4)
    >>> sum(p.numel() for p in encoder.parameters())
    2344
    """

    hidden: tuple[int, ...] = (256, 256)
    activation: str = "relu"
    dropout: float = 0.0
    drop_input: float = 0.0

    def build(self, shape: tuple[int, int, int], params: int, width: int) -> tuple[nn.Module, nn.Module]:
        """Encoder `(n, *shape) -> (n, params)` and decoder `(n, width) -> (n, *shape)`."""
        pixels = math.prod(shape)
        encoder = nn.Sequential(
            nn.Flatten(),
            *([Dropout(self.drop_input)] if self.drop_input else []),
            *layers([pixels, *self.hidden], self.activation, self.dropout),
            Heads(self.hidden[-1], params),
        )
        decoder = nn.Sequential(
            *layers([width, *reversed(self.hidden)], self.activation, self.dropout),
            nn.Linear(self.hidden[0], pixels),
            nn.Unflatten(1, shape),
        )
        for net in (encoder, decoder):
            xavier_normal(net)
        return encoder, decoder

"""Maxout networks: the guide of collaborative shaping, a bounded score of a point."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latune.nets.layers import Dropout, Noise


class Maxout(nn.Linear):
    r"""A linear layer whose outputs come in groups of neighbours, of which the largest counts.

    .. math:: h_i = \max_{j < k}\, (W x + b)_{k i + j}

    Goodfellow et al. 2013, eq. 2 (https://arxiv.org/abs/1302.4389).

    Args:
        inputs, units: columns in and out.
        pieces: k, how many linear functions a unit is the largest of.
        noise: scale of a normal draw added to each linear function in training ("bias noise").

    >>> Maxout.largest(torch.tensor([[1.0, 2, 3, 4, -1, -2, -3, -4]]), 4)
    tensor([[ 4., -1.]])
    """

    def __init__(self, inputs: int, units: int, pieces: int = 4, noise: float = 0.0) -> None:
        super().__init__(inputs, units * pieces)
        self.pieces, self.noise = pieces, Noise(noise)

    @staticmethod
    def largest(linear: Float[Tensor, "n kd"], pieces: int) -> Float[Tensor, "n d"]:
        """The largest of every `pieces` neighbours."""
        return linear.unflatten(1, (-1, pieces)).amax(2)

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n u"]:
        """`(n, inputs)` to `(n, units)`."""
        return self.largest(self.noise(super().forward(x)), self.pieces)


class Guide(nn.Module):
    r"""A score of a point, bounded: :math:`f = B \tanh(r / B)`, r what maxout layers make of it."""

    def __init__(self, inputs: int, widths: tuple[int, ...], config: MaxoutGuide) -> None:
        super().__init__()
        self.inputs, self.bound = inputs, config.bound
        self.enter = nn.Sequential(nn.Flatten(), Dropout(config.drop_input))
        sizes = [inputs, *widths]
        self.hidden = nn.ModuleList(Maxout(a, b, config.pieces, config.noise) for a, b in pairwise(sizes))
        self.drop = Dropout(config.drop_hidden)
        self.score = nn.Linear(sizes[-1], 1)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.75 / math.sqrt(layer.in_features))
                nn.init.zeros_(layer.bias)

    def seen(self, x: Float[Tensor, "n *d"]) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """The scores, and the squared activations of the hidden units, summed over them."""
        h, activity = self.enter(x), x.new_zeros(len(x))
        for layer in self.hidden:
            h = layer(h)
            activity = activity + h.square().sum(1)
            h = self.drop(h)
        return self.bound * torch.tanh(self.score(h)[:, 0] / self.bound), activity

    def forward(self, x: Float[Tensor, "n *d"]) -> Float[Tensor, " n"]:
        """`(n, ...)` points to `(n,)` scores."""
        return self.seen(x)[0]


@dataclass(frozen=True)
class MaxoutGuide:
    """The guide of Bachman & Precup 2015 (https://proceedings.mlr.press/v37/bachman15.html), by its released code.

    Weights are drawn with standard deviation 0.75 / sqrt(inputs), as there; biases start at 0.

    Args:
        units, pieces: of every hidden layer, and how many linear functions a unit is the largest of.
        depth: hidden layers.
        drop_input, drop_hidden: rates of dropout.
        noise: scale of the noise on hidden units' linear functions, in training.
        bound: scores lie within plus and minus this.

    >>> sum(p.numel() for p in MaxoutGuide().build(784).parameters())
    1303501
    """

    units: int = 300
    pieces: int = 4
    depth: int = 2
    drop_input: float = 0.2
    drop_hidden: float = 0.5
    noise: float = 0.1
    bound: float = 20.0

    def build(self, inputs: int) -> Guide:
        """A guide of `(n, ...)` points with so many numbers each."""
        return Guide(inputs, (self.units,) * self.depth, self)

"""The network of our own classifier of images."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor, nn

WIDTH, WIDEST, FEATURES = 32, 128, 128


class ConvNet(nn.Module):
    """Convolutions of stride 2 down to 4 x 4 or less, one more of stride 1 before the last, and two layers.

    Each convolution is followed by batch normalisation and a ReLU. Images up to 16 x 16 get a first convolution at full
    size, larger ones a first kernel of 5.

    Args:
        shape: (c, h, w) of the images.
        outputs: logits.
        width: channels of the first convolution; they double with each halving, up to 128.
        features: units of the layer before the logits.

    >>> import torch
    >>> net = ConvNet((1, 28, 28), outputs=10)
    >>> net(torch.zeros(2, 1, 28, 28)).shape, net.features(torch.zeros(2, 1, 28, 28)).shape
    (torch.Size([2, 10]), torch.Size([2, 128]))
    """

    def __init__(self, shape: tuple[int, int, int], outputs: int, width: int = WIDTH, features: int = FEATURES) -> None:
        super().__init__()
        channels, *sides = shape
        small = max(sides) <= 16
        halvings = math.ceil(math.log2(max(sides) / 4))
        layers = _convolution(channels, width, 3, 1) if small else []
        before, after = (width, 2 * width) if small else (channels, width)
        for i in range(halvings):
            after = min(after, WIDEST)
            layers += _convolution(before, after, 5 if i == 0 and not small else 3, 2)
            if i == max(halvings - 2, 0):
                layers += _convolution(after, after, 3, 1)
            before, after = after, 2 * after
            sides = [math.ceil(side / 2) for side in sides]
        flat = before * math.prod(sides)
        self.features = nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, features), nn.ReLU())
        self.head = nn.Linear(features, outputs)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n outputs"]:
        """Logits of images in [0, 1]."""
        return self.head(self.features(x))


def _convolution(before: int, after: int, kernel: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(after), nn.ReLU()]

"""Small layers that the papers' tables are built from."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from latune.errors import unknown

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "leaky": lambda: nn.LeakyReLU(0.1),
}


def activation(name: str) -> nn.Module:
    """An activation by its name.

    Raises:
        ValueError: for another name, with the allowed ones.
    """
    if name not in ACTIVATIONS:
        raise ValueError(unknown("activation", name, ACTIVATIONS))
    return ACTIVATIONS[name]()


class Dropout(nn.Module):
    """Dropout whose mask is cut from random bytes, eight an integer draw.

    torch's own Bernoulli draws one number an element and is close to half of a convolutional step on a CPU. The rate is
    rounded to 1/256, and the scale follows the rounded rate, so the expectation is exact. The draw comes from
    `generator` when one is set (see `use_generator`), so a resumed run repeats it.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"Dropout's rate lies in [0, 1). Got {p}.")
        self.threshold = round(p * 256)
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Zero a share of the entries and scale the rest; the identity outside training."""
        if not self.training or self.threshold == 0:
            return x
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64, device=x.device)
        words.random_(-(2**63), None, generator=self.generator)
        draws = words.view(torch.uint8)[: x.numel()]
        # The mask takes the memory order of x, so channels_last tensors are read and written in one sweep.
        draws = draws.as_strided(x.shape, x.stride()) if _is_dense(x) else draws.view(x.shape)
        keep = (draws >= self.threshold).to(x.dtype)
        return x * keep.mul_(256 / (256 - self.threshold))

    def extra_repr(self) -> str:
        """The rate that is really used."""
        return f"p={self.threshold / 256}"


def _is_dense(x: Tensor) -> bool:
    return x.is_contiguous() or (x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last))


class Noise(nn.Module):
    """A normal draw added to every entry in training, from `generator` when one is set (see `use_generator`)."""

    def __init__(self, scale: float = 0.1) -> None:
        super().__init__()
        if scale < 0:
            raise ValueError(f"Noise has a scale of 0 or more. Got {scale}.")
        self.scale = scale
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """The identity outside training."""
        if not self.training or self.scale == 0:
            return x
        return x + self.scale * torch.empty_like(x).normal_(generator=self.generator)

    def extra_repr(self) -> str:
        """The scale."""
        return f"scale={self.scale}"


def use_generator(module: nn.Module, generator: torch.Generator | None) -> None:
    """Give every layer that draws random numbers the generator they come from."""
    for layer in module.modules():
        if isinstance(layer, Dropout | Noise):
            layer.generator = generator


class Heads(nn.Module):
    """Linear layers beside each other, their outputs concatenated: one initialisation each, as the papers draw them."""

    def __init__(self, width: int, outputs: int, heads: int = 2) -> None:
        super().__init__()
        if outputs % heads:
            raise ValueError(f"{outputs} outputs cannot be shared by {heads} heads.")
        self.heads = nn.ModuleList(nn.Linear(width, outputs // heads) for _ in range(heads))

    def forward(self, x: Tensor) -> Tensor:
        """`(n, width)` to `(n, outputs)`."""
        return torch.cat([head(x) for head in self.heads], dim=1)


def xavier_normal(module: nn.Module) -> None:
    """Xavier-normal for every weight tensor with two or more axes; biases keep torch's default (AR-VAE's code)."""
    for name, parameter in module.named_parameters():
        if "weight" in name and parameter.dim() > 1:
            nn.init.xavier_normal_(parameter)

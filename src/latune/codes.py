"""Named latent coordinates and their priors: what a Space is made of.

A `Codes` is an ordered set of named factors. It samples them, gives their entropies and slices, and reads the raw
output of a network as a distribution over them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from latune.errors import unknown

Scale = Literal["exp", "softplus", "exp_half", "one"]

SCALES = {
    "exp": torch.exp,  # raw is log sigma: AR-VAE's code; InfoGAN's paper
    "softplus": F.softplus,  # Latent Constraints
    "exp_half": lambda raw: torch.exp(0.5 * raw),  # raw is log sigma^2: VCG; InfoGAN's code writes it sqrt(exp(raw))
    "one": torch.ones_like,  # InfoGAN's released launcher: sigma fixed at 1
}


@dataclass(frozen=True)
class Gaussian:
    r"""A diagonal Gaussian :math:`N(\mu, \sigma^2)` over `d` columns, with `mean` and `scale` of shape `(n, d)`."""

    mean: Float[Tensor, "n d"]
    scale: Float[Tensor, "n d"]

    def sample(self, generator: torch.Generator | None = None) -> Float[Tensor, "n d"]:
        r"""Draw :math:`\mu + \sigma \epsilon`, differentiable in both (the reparametrisation trick)."""
        noise = torch.empty_like(self.mean).normal_(generator=generator)
        return torch.addcmul(self.mean, self.scale, noise)

    def log_prob(self, value: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Log-density in nats, summed over columns."""
        standard = (value - self.mean) / self.scale
        return (-0.5 * standard**2 - self.scale.log() - 0.5 * math.log(2 * math.pi)).sum(1)


def normal_head(raw: Float[Tensor, "n twice_d"], scale: Scale = "exp") -> Gaussian:
    r"""Read `(n, 2d)` network outputs as a diagonal Gaussian, the first half its mean.

    The four papers differ in what the second half means: `exp` (:math:`\sigma = e^r`, AR-VAE), `softplus`
    (:math:`\sigma = \log(1 + e^r)`, Latent Constraints), `exp_half` (:math:`\sigma = e^{r/2}`, Variational GSN and
    InfoGAN's code) and `one` (:math:`\sigma = 1`, InfoGAN's released launcher).

    Raises:
        ValueError: for another name of a scale.

    >>> q = normal_head(torch.tensor([[0.5, 0.0]]), scale="exp")
    >>> q.mean.item(), q.scale.item()
    (0.5, 1.0)
    """
    if scale not in SCALES:
        raise ValueError(unknown("scale", scale, SCALES))
    mean, second = raw.chunk(2, dim=1)
    return Gaussian(mean, SCALES[scale](second))


class ReadAsGaussian:
    """What factors of real numbers share: `dim` columns, of which a network tells mean and scale."""

    dim: int
    scale: Scale

    @property
    def width(self) -> int:
        """Columns of the code."""
        return self.dim

    @property
    def params(self) -> int:
        """Columns of a network's output that describe a distribution over this factor."""
        return 2 * self.dim

    def read(self, raw: Tensor) -> Gaussian:
        """A network's `(n, 2 dim)` output as a diagonal Gaussian."""
        return normal_head(raw, self.scale)


@dataclass(frozen=True)
class Normal(ReadAsGaussian):
    """`dim` coordinates with a standard normal prior; `scale` says how a network's output becomes sigma."""

    dim: int = 1
    scale: Scale = "exp"

    def sample(self, n: int, generator: torch.Generator | None = None, device: Any = None) -> Tensor:
        """Draw `(n, dim)` from the prior."""
        return torch.randn(n, self.dim, generator=generator, device=device)

    def entropy(self) -> float:
        r"""Differential entropy of the prior in nats, :math:`\tfrac d2 \log 2\pi e`."""
        return 0.5 * self.dim * math.log(2 * math.pi * math.e)


@dataclass(frozen=True)
class Uniform(ReadAsGaussian):
    """`dim` coordinates, uniform on `[lo, hi]`; recognised by a Gaussian, as InfoGAN does."""

    lo: float = -1.0
    hi: float = 1.0
    dim: int = 1
    scale: Scale = "exp"

    def __post_init__(self) -> None:
        if not self.lo < self.hi:
            raise ValueError(f"Uniform needs lo < hi. Got lo={self.lo}, hi={self.hi}.")

    def sample(self, n: int, generator: torch.Generator | None = None, device: Any = None) -> Tensor:
        """Draw `(n, dim)` from the prior."""
        return torch.rand(n, self.dim, generator=generator, device=device) * (self.hi - self.lo) + self.lo

    def entropy(self) -> float:
        r"""Differential entropy of the prior in nats, :math:`d \log(hi - lo)`."""
        return self.dim * math.log(self.hi - self.lo)


@dataclass(frozen=True)
class OneOf:
    """A categorical distribution given by `(n, k)` logits."""

    logits: Float[Tensor, "n k"]

    @property
    def mean(self) -> Float[Tensor, "n k"]:
        """Probabilities, the expected one-hot code."""
        return self.logits.softmax(1)

    def sample(self, generator: torch.Generator | None = None) -> Float[Tensor, "n k"]:
        """Draw one-hot rows."""
        index = torch.multinomial(self.mean, 1, generator=generator)[:, 0]
        return F.one_hot(index, self.logits.shape[1]).to(self.logits.dtype)

    def log_prob(self, value: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
        """Log-probability of one-hot (or soft) rows in nats."""
        return (value * self.logits.log_softmax(1)).sum(1)


@dataclass(frozen=True)
class Categorical:
    """One of `k` classes with equal prior probability, as a one-hot code of `k` columns."""

    k: int

    def __post_init__(self) -> None:
        if self.k < 2:
            raise ValueError(f"Categorical needs at least 2 classes. Got k={self.k}.")

    @property
    def width(self) -> int:
        """Columns of the code."""
        return self.k

    @property
    def params(self) -> int:
        """Columns of a network's output that describe a distribution over this factor."""
        return self.k

    def sample(self, n: int, generator: torch.Generator | None = None, device: Any = None) -> Tensor:
        """Draw `(n, k)` one-hot rows from the prior."""
        index = torch.randint(self.k, (n,), generator=generator, device=device)
        return F.one_hot(index, self.k).float()

    def entropy(self) -> float:
        r"""Entropy of the prior in nats, :math:`\log k`."""
        return math.log(self.k)

    def read(self, raw: Tensor) -> OneOf:
        """A network's `(n, k)` output as a categorical distribution, its logits."""
        return OneOf(raw)


Factor = Normal | Uniform | Categorical
FACTORS: dict[str, type] = {"normal": Normal, "uniform": Uniform, "categorical": Categorical}


class Codes(Mapping[str, Factor]):
    """Ordered, named coordinates of a latent space.

    >>> codes = Codes(digit=Categorical(10), slant=Uniform(-1.0, 1.0), z=Normal(3))
    >>> codes.width, codes.params
    (14, 18)
    >>> codes.slice("slant")
    slice(10, 11, None)
    >>> round(codes.entropy("digit"), 6)
    2.302585
    >>> codes.sample(4, generator=torch.Generator().manual_seed(0)).shape
    torch.Size([4, 14])

    Raises:
        KeyError: for a name that is not a coordinate, with the nearest one.
    """

    def __init__(self, factors: Mapping[str, Factor] | None = None, /, **named: Factor) -> None:
        self.factors: dict[str, Factor] = {**(factors or {}), **named}
        if not self.factors:
            raise ValueError("Codes needs at least one named factor, for example Codes(z=Normal(16)).")
        self._slices: dict[str, slice] = {}
        start = 0
        for name, factor in self.factors.items():
            self._slices[name] = slice(start, start + factor.width)
            start += factor.width
        self.width = start
        self.params = sum(factor.params for factor in self.factors.values())

    def __getitem__(self, name: str) -> Factor:
        if name not in self.factors:
            raise KeyError(unknown("coordinate", name, self.factors))
        return self.factors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.factors)

    def __len__(self) -> int:
        return len(self.factors)

    def __repr__(self) -> str:
        return "Codes(" + ", ".join(f"{name}={factor}" for name, factor in self.factors.items()) + ")"

    def slice(self, name: str) -> slice:
        """The columns of a named factor."""
        self[name]
        return self._slices[name]

    def columns(self) -> list[str]:
        """One label a column: the factor's name, numbered where it has several columns."""
        return [
            name if factor.width == 1 else f"{name}[{i}]"
            for name, factor in self.factors.items()
            for i in range(factor.width)
        ]

    def sample(self, n: int, generator: torch.Generator | None = None, device: Any = None) -> Float[Tensor, "n width"]:
        """Draw `(n, width)` codes from the prior."""
        return torch.cat([factor.sample(n, generator, device) for factor in self.factors.values()], dim=1)

    def entropy(self, name: str | None = None) -> float:
        """Entropy of one factor's prior in nats, or of all (they are independent)."""
        factors = self.factors.values() if name is None else [self[name]]
        return sum(factor.entropy() for factor in factors)

    def read(self, raw: Float[Tensor, "n params"]) -> dict[str, Gaussian | OneOf]:
        """Split a network's `(n, params)` output into one distribution a factor."""
        if raw.shape[1] != self.params:
            raise ValueError(f"These codes are read from {self.params} columns. Got {raw.shape[1]}.")
        parts = raw.split([factor.params for factor in self.factors.values()], dim=1)
        return {name: factor.read(part) for (name, factor), part in zip(self.factors.items(), parts, strict=True)}

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Plain data for a run's files; `Codes.from_dict` is the inverse."""
        kinds = {cls: kind for kind, cls in FACTORS.items()}
        return {name: {"kind": kinds[type(factor)], **vars(factor)} for name, factor in self.factors.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Mapping[str, Any]]) -> Codes:
        """The codes that `as_dict` described."""
        return cls(
            {
                name: FACTORS[spec["kind"]](**{k: v for k, v in spec.items() if k != "kind"})
                for name, spec in data.items()
            }
        )

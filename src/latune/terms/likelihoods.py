"""How likely data are under a decoder's raw output: the reconstruction side of the ELBO.

Each likelihood takes the decoder's raw output (logits, or a mean before its squashing) and the data, sums over
dimensions and keeps one number an example, in nats.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F


class Bernoulli(nn.Module):
    r"""Bernoulli pixels, with real-valued data in [0, 1] read as probabilities (Rao-Blackwellised).

    .. math:: \log p(x|z) = \sum_i x_i \log \hat x_i + (1 - x_i) \log(1 - \hat x_i), \quad \hat x = \sigma(raw)

    Bachman & Precup 2015, section 5 (https://proceedings.mlr.press/v37/bachman15.html); AR-VAE's released code.

    >>> Bernoulli().log_prob(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)) / 4
    tensor([-0.6931])
    """

    def log_prob(self, raw: Float[Tensor, "n *d"], x: Float[Tensor, "n *d"]) -> Float[Tensor, " n"]:
        """Log-probability of `x` in nats, summed over dimensions."""
        return -F.binary_cross_entropy_with_logits(raw, x, reduction="none").flatten(1).sum(1)

    def mean(self, raw: Float[Tensor, "n *d"]) -> Float[Tensor, "n *d"]:
        """Expected data, in [0, 1]."""
        return torch.sigmoid(raw)

    def sample(self, raw: Float[Tensor, "n *d"], generator: torch.Generator | None = None) -> Float[Tensor, "n *d"]:
        """Binary draws."""
        return torch.bernoulli(torch.sigmoid(raw), generator=generator)


class Gaussian(nn.Module):
    r"""Gaussian pixels around a squashed mean, with one scale for all of them.

    .. math:: \log p(x|z) = -\tfrac{1}{2\sigma^2} \lVert x - \hat x \rVert^2 - \tfrac D2 \log 2\pi\sigma^2

    Args:
        scale: a fixed sigma (Latent Constraints uses 0.1; sqrt(1/2) gives the squared error of AR-VAE's eq. 3), or
            "learned" for one shared sigma, bounded as log sigma^2 = 6 tanh(b / 6) (Variational GSN's code).
        squash: "sigmoid" for data in [0, 1], or "none".

    >>> Gaussian(scale=1.0, squash="none").log_prob(torch.zeros(1, 2), torch.zeros(1, 2))
    tensor([-1.8379])
    """

    def __init__(self, scale: float | Literal["learned"] = 0.1, squash: Literal["sigmoid", "none"] = "sigmoid") -> None:
        super().__init__()
        if scale != "learned" and not (isinstance(scale, int | float) and scale > 0):
            raise ValueError(f"Gaussian's scale is a positive number or 'learned'. Got {scale!r}.")
        self.fixed = None if scale == "learned" else float(scale)
        self.squash = squash
        if self.fixed is None:
            self.raw_log_variance = nn.Parameter(torch.zeros(()))

    @property
    def log_variance(self) -> Tensor | float:
        """log sigma^2, a number where it is fixed."""
        if self.fixed is not None:
            return 2 * math.log(self.fixed)
        return 6 * torch.tanh(self.raw_log_variance / 6)

    def log_prob(self, raw: Float[Tensor, "n *d"], x: Float[Tensor, "n *d"]) -> Float[Tensor, " n"]:
        """Log-density of `x` in nats, summed over dimensions, with its normaliser."""
        error = (x - self.mean(raw)).flatten(1)
        log_variance = self.log_variance
        precision = torch.exp(-log_variance) if isinstance(log_variance, Tensor) else math.exp(-log_variance)
        return -0.5 * (precision * error.square().sum(1) + error.shape[1] * (log_variance + math.log(2 * math.pi)))

    def mean(self, raw: Float[Tensor, "n *d"]) -> Float[Tensor, "n *d"]:
        """Expected data."""
        return torch.sigmoid(raw) if self.squash == "sigmoid" else raw

    def sample(self, raw: Float[Tensor, "n *d"], generator: torch.Generator | None = None) -> Float[Tensor, "n *d"]:
        """Draws around the mean, unclipped."""
        mean = self.mean(raw)
        log_variance = torch.as_tensor(self.log_variance, dtype=mean.dtype, device=mean.device)
        return mean + torch.exp(0.5 * log_variance) * torch.empty_like(mean).normal_(generator=generator)


class Categorical(nn.Module):
    r"""Categorical tokens: the decoder gives `(n, t, k)` logits, the data are `(n, t)` class indices.

    .. math:: \log p(x|z) = \sum_t \log \mathrm{softmax}(raw_t)_{x_t}

    >>> Categorical().log_prob(torch.zeros(1, 2, 4), torch.tensor([[0, 3]]))
    tensor([-2.7726])
    """

    def log_prob(self, raw: Float[Tensor, "n t k"], x: Int[Tensor, "n t"]) -> Float[Tensor, " n"]:
        """Log-probability of the tokens in nats, summed over time."""
        return -F.cross_entropy(raw.transpose(1, 2), x.long(), reduction="none").sum(1)

    def mean(self, raw: Float[Tensor, "n t k"]) -> Float[Tensor, "n t k"]:
        """Class probabilities."""
        return raw.softmax(-1)

    def sample(self, raw: Float[Tensor, "n t k"], generator: torch.Generator | None = None) -> Int[Tensor, "n t"]:
        """Token draws."""
        flat = raw.softmax(-1).flatten(0, 1)
        return torch.multinomial(flat, 1, generator=generator).view(raw.shape[:2])


Likelihood = Bernoulli | Gaussian | Categorical
LIKELIHOODS: dict[str, type] = {"bernoulli": Bernoulli, "gaussian": Gaussian, "categorical": Categorical}

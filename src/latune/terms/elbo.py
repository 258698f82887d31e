"""The two sides of the evidence lower bound, as terms to minimise."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from latune.codes import Gaussian
from latune.terms.likelihoods import Likelihood


def reconstruction(likelihood: Likelihood, raw: Tensor, x: Tensor) -> Float[Tensor, ""]:
    r"""Negative log-likelihood of the data, summed over dimensions and averaged over examples, in nats.

    .. math:: \mathcal L_{rec} = -\mathbb E_{q(z|x)} \log p(x|z)

    Pati & Lerch 2020, eq. 3 (https://arxiv.org/abs/2004.05485); Kingma & Welling 2014 (https://arxiv.org/abs/1312.6114).
    """
    return -likelihood.log_prob(raw, x).mean()


def kl_per_example(q: Gaussian) -> Float[Tensor, " n"]:
    r"""KL divergence of each posterior from the standard normal, summed over dimensions, in nats.

    .. math:: KL(q \Vert N(0, I)) = \tfrac12 \sum_i \mu_i^2 + \sigma_i^2 - 1 - \log \sigma_i^2

    >>> import torch
    >>> round(kl_per_example(Gaussian(torch.tensor([[1.0]]), torch.tensor([[0.5]]))).item(), 6)
    0.818147
    """
    return 0.5 * (q.mean.square() + q.scale.square() - 1 - 2 * q.scale.log()).sum(1)


def kl(q: Gaussian, capacity: float = 0.0, free: float = 0.0) -> Float[Tensor, ""]:
    r"""Distance of the mean KL divergence from a capacity, in nats, or what of it is above a free allowance.

    .. math:: |\, \mathbb E_x KL(q(z|x) \Vert N(0, I)) - C \,|, \qquad \mathbb E_x [KL(q(z|x) \Vert N(0, I)) - F]_+

    With C = F = 0 it is the plain KL term of the ELBO, as in Pati & Lerch 2020, eq. 3; C > 0 is the controlled capacity
    of Burgess et al. 2018, eq. 8 (https://arxiv.org/abs/1804.03599); F > 0 are the free bits of MusicVAE, of each
    example and the sum over dimensions (Roberts et al. 2018, https://arxiv.org/abs/1803.05428; in bits, F / ln 2).

    >>> import torch
    >>> q = Gaussian(torch.tensor([[1.0]]), torch.tensor([[0.5]]))
    >>> round(kl(q, capacity=1.0).item(), 6), round(kl(q, free=0.5).item(), 6), kl(q, free=1.0).item()
    (0.181853, 0.318147, 0.0)
    """
    each = kl_per_example(q)
    if free:
        return (each - free).clamp_min(0).mean()
    value = each.mean()
    return value if capacity == 0 else (value - capacity).abs()

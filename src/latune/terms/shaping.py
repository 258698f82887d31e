"""What collaborative shaping adds: a KL term that spreads evenly, the guide's loss, and moments that have to match."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def spread(divergence: Float[Tensor, " n"], typical: Tensor | float | None = None) -> Float[Tensor, ""]:
    r"""How far single KL divergences lie above a typical one, squared and averaged over examples, in square nats.

    .. math:: \mathbb E_x\, ([KL(q(z|x) \Vert p(z)) - \overline{KL}]_+)^2

    The second half of Bachman & Precup 2015, eq. 5 (https://proceedings.mlr.press/v37/bachman15.html): their
    regularised KL is :math:`\lambda\, KL + \gamma\, ([KL - \overline{KL}]_+)^2`, the first half of which is `kl`. No
    gradient flows through the typical divergence: examples that cost more than usual are pressed, others stay.

    Args:
        divergence: KL of each example, in nats, summed over dimensions.
        typical: the typical one; the batch's mean where None.

    >>> divergence = torch.tensor([1.0, 2.0, 3.0, 6.0])
    >>> round((4 * divergence.mean() + 0.1 * spread(divergence)).item(), 6)
    12.225
    """
    typical = divergence.mean() if typical is None else torch.as_tensor(typical).to(divergence)
    return F.relu(divergence - typical.detach()).square().mean()


def guide_loss(real: Float[Tensor, " n"], made: Float[Tensor, " m"], scale: float = 1.0) -> Float[Tensor, ""]:
    r"""Logistic loss of a guide that tells data from the states of chains, in nats.

    .. math:: \mathcal L_f = \mathbb E_{x \sim D}\, b(f) + \mathbb E_{x \sim G}\, b(-f), \quad
        b(f) = s \log(1 + e^{-f / s})

    Bachman & Precup 2015, eq. 6 (https://proceedings.mlr.press/v37/bachman15.html); the best guide is
    :math:`f^* = s \log (D / G)`. In the paper s = 1, and where data and chain are alike the loss is 2 log 2. In the
    authors' later code s = 1/2, so its guide says half of the ratio, and its loss is log 2 there.

    Args:
        real, made: the guide's values of data and of states of chains; each mean is taken by itself.
        scale: s, > 0.

    >>> round(guide_loss(torch.zeros(3), torch.zeros(5)).item(), 6)
    1.386294
    """
    return scale * (F.softplus(-real / scale).mean() + F.softplus(made / scale).mean())


def mean_gap(made: Float[Tensor, "n *d"], real: Float[Tensor, "m *d"]) -> Float[Tensor, ""]:
    r"""Squared distance of the mean of what was made from that of data, summed over dimensions.

    .. math:: \lVert \mathbb E_G\, x - \mathbb E_D\, x \rVert^2

    >>> round(mean_gap(torch.zeros(3, 2), torch.ones(5, 2)).item(), 6)
    2.0
    """
    return (made.mean(0) - real.mean(0)).square().sum()


def covariance_gap(made: Float[Tensor, "n *d"], real: Float[Tensor, "m *d"]) -> Float[Tensor, ""]:
    r"""Squared distance of the covariance of what was made from that of data, summed over all pairs of dimensions.

    .. math:: \lVert \mathrm{Cov}_G(x) - \mathrm{Cov}_D(x) \rVert_F^2

    Matching moments is what Bachman & Precup 2015, section 4, offer against a chain that collapses. Covariances are of
    the batch (divided by its size), and d x d of them are held: for images, d = 784 is a small matter.

    >>> a = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    >>> round(covariance_gap(2 * a, a).item(), 6)
    9.0
    """
    gap = _covariance(made.flatten(1)) - _covariance(real.flatten(1))  # (d, d)
    return gap.square().sum()


def _covariance(x: Float[Tensor, "n d"]) -> Float[Tensor, "d d"]:
    centred = x - x.mean(0)
    return centred.T @ centred / len(x)

"""What images tell of codes: the bound that makes InfoGAN, and what is asked of the codes of real images."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from latune.codes import Gaussian, OneOf


def information(q: Gaussian | OneOf, code: Float[Tensor, "n k"], entropy: float) -> Float[Tensor, ""]:
    r"""How much a recogniser can tell of a code, a lower bound of the mutual information, in nats.

    .. math:: L_I = \mathbb E_{c \sim P(c),\, x \sim G(z, c)} \log Q(c | x) + H(c) \le I(c; G(z, c))

    Chen et al. 2016, eq. 5 (https://arxiv.org/abs/1606.03657). Of k equally likely classes it is at most log k; of a
    uniform code on [-1, 1] that a Gaussian of fixed sigma = 1 recognises at most log 2 - log(2 pi) / 2 = -0.226 even
    where every mean is right, and without bound where sigma can shrink. The released code adds, for uniform codes, the
    entropy under a standard normal density instead (1.086 rather than 0.693 on average): its curves lie 0.392 a code
    higher, and its gradients are the same.

    Args:
        q: the recogniser's distribution of the code, of each image.
        code: what each image was made from.
        entropy: of the code's prior, in nats; `codes.entropy(name)`.

    >>> import torch
    >>> certain = OneOf(100 * torch.eye(10))
    >>> round(information(certain, torch.eye(10), 2.302585).item(), 6)
    2.302585
    """
    return q.log_prob(code).mean() + entropy


def agreement(q: OneOf, other: OneOf) -> Float[Tensor, ""]:
    r"""The mutual information of the classes that two looks at the same images are given, in nats.

    .. math::
        I(c; c') = \sum_{k, l} P_{kl} \log \frac{P_{kl}}{P_k P_l}, \quad
        P_{kl} = \tfrac{1}{2n} \sum_i \bigl( q_i(k)\, q'_i(l) + q_i(l)\, q'_i(k) \bigr)

    Ji et al. 2019, eq. 3 (https://arxiv.org/abs/1807.06653). It is at most log k, where every image is of one class for
    sure, of the same in both looks, and all classes are equally many; and 0 where one look tells nothing of the other.

    Args:
        q: the classes of n images, seen one way.
        other: of the same images, seen another way.

    >>> import torch
    >>> certain = OneOf(100 * torch.eye(10))
    >>> round(agreement(certain, certain).item(), 6)
    2.302585
    """
    joint = q.mean.T @ other.mean / len(q.mean)
    joint = ((joint + joint.T) / 2).clamp_min(torch.finfo(joint.dtype).tiny)  # at 0 the logarithm has no gradient
    either = joint.sum(0)
    return torch.xlogy(joint, joint).sum() - 2 * torch.xlogy(either, either).sum()


def unevenness(values: Float[Tensor, "n d"], others: Float[Tensor, "m d"] | None = None) -> Float[Tensor, ""]:
    r"""How far the codes of images are from even and independent: from uniform on the cube :math:`[-1, 1]^d`.

    .. math::
        \frac{1}{|U|} \sum_{u \in U} \frac 1n \sum_i \bigl( u^\top v_i - F_u^{-1}(r_i(u)) \bigr)^2, \quad
        U = \{ e_j \} \cup \{ (e_j \pm e_k) / \sqrt 2 \}

    The squared sliced Wasserstein distance (Kolouri et al. 2018, eq. 7, https://arxiv.org/abs/1804.01947), over axes
    and the diagonals of their pairs: :math:`F_u` is the cube's distribution along u, even on an axis and a triangle on
    a diagonal, and :math:`r_i(u)` the share of points below the i-th. Codes that are mixtures of what is independent
    are uneven along axes or dependent along diagonals (Comon 1994, https://doi.org/10.1016/0165-1684(94)90029-9).

    Args:
        values: the codes of n images, in units of a prior on [-1, 1].
        others: of further images, which only count in the shares: with few points a distance is mostly chance.

    >>> import torch
    >>> even = torch.linspace(-0.99, 0.99, 100)[:, None]
    >>> round(unevenness(even).item(), 6), round(unevenness(torch.zeros(100, 1)).item(), 6)
    (0.0, 0.3333)
    """
    n, d = values.shape
    points = values if others is None else torch.cat([values, others])
    j, k = torch.triu_indices(d, d, 1, device=values.device)
    diagonals = [(points[:, j] + points[:, k]) / math.sqrt(2), (points[:, j] - points[:, k]) / math.sqrt(2)]
    along = torch.cat([points, *diagonals], 1)
    share = (along.argsort(0).argsort(0)[:n].to(values.dtype) + 0.5) / len(points)
    even = 2 * share[:, :d] - 1
    tail = torch.minimum(share, 1 - share)[:, d:]
    triangle = (math.sqrt(2) - 2 * tail.sqrt()) * (share[:, d:] - 0.5).sign()
    return (along[:n] - torch.cat([even, triangle], 1)).square().mean()

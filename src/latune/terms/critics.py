"""What critics and actors minimise: logits on points, penalties on a slope, and distances.

A critic is any function from points `(n, d)` to logits, `(n,)` or `(n, k)`; what it is conditioned on is bound before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from latune.errors import unknown

CriticFunction = Callable[[Tensor], Tensor]
Mixing = Literal["coordinate", "example"]
SLOPE_EPS = 1e-10  # under the root of the slope, as in Latent Constraints' released code


def discriminate(streams: Sequence[tuple[Float[Tensor, "..."], Tensor | float]]) -> Float[Tensor, ""]:
    r"""Binary cross-entropy of a critic's logits over labelled streams, averaged over all rows of all streams, in nats.

    .. math:: \mathcal L_D = -\mathbb E\,[\, t \log \sigma(f) + (1 - t) \log(1 - \sigma(f)) \,]

    Engel, Hoffman & Roberts 2018, eq. 2 (https://arxiv.org/abs/1711.05772), which prints :math:`\mathcal L_0` as
    :math:`-(1 - \log D)`; this is the released code's. A target between 0 and 1 is a reward (their section 6): the
    critic that minimises it is :math:`\sigma(f) = \mathbb E[t | z]`. With as many rows of target 1 as of target 0 the
    best logit is the log of the ratio of their densities.

    Args:
        streams: pairs of logits, `(n,)` or `(n, k)`, and targets in [0, 1], one number or one for each logit. Several
            columns are summed.

    >>> f = torch.zeros(3)
    >>> round(discriminate([(f, 1.0), (f, 0.0)]).item(), 6)
    0.693147
    """
    rows = sum(len(logits) for logits, _ in streams)
    losses = [
        F.binary_cross_entropy_with_logits(logits, _like(target, logits), reduction="sum") for logits, target in streams
    ]
    return torch.stack(losses).sum() / rows


def toward_real(logits: Tensor) -> Tensor:
    r""":math:`-\log \sigma(f)`: pulls always, ever less (Latent Constraints, InfoGAN's generator)."""
    return F.softplus(-logits)


def one_sided(logits: Tensor) -> Tensor:
    r""":math:`(u + u^2) / 2`, :math:`u = \max(-f, 0)`: no pull once the critic is convinced (Variational GSN)."""
    below = F.relu(-logits)
    return (below + below.square()) / 2


def one_sided_absolute(logits: Tensor) -> Tensor:
    r""":math:`u = \max(-f, 0)`: as hard however far (Variational GSN, eq. 7)."""
    return F.relu(-logits)


def one_sided_square(logits: Tensor) -> Tensor:
    r""":math:`u^2`, :math:`u = \max(-f, 0)`: harder the farther, and hardly at all near 0."""
    return F.relu(-logits).square()


def minimax(logits: Tensor) -> Tensor:
    r""":math:`\log(1 - \sigma(f))`: the other side of the critic's own loss."""
    return -F.softplus(logits)


PULLS: dict[str, Callable[[Tensor], Tensor]] = {
    "toward_real": toward_real,
    "one_sided": one_sided,
    "one_sided_absolute": one_sided_absolute,
    "one_sided_square": one_sided_square,
    "minimax": minimax,
}


def believe(logits: Float[Tensor, "n *k"], pull: str = "toward_real") -> Float[Tensor, ""]:
    r"""How far a critic is from believing, summed over columns and averaged over examples, in nats.

    .. math:: \mathcal L_1 = -\log \sigma(f)

    Engel, Hoffman & Roberts 2018, eq. 3 (https://arxiv.org/abs/1711.05772). Give `-f` to be disbelieved.

    Args:
        logits: the critic's, `(n,)` or `(n, k)`.
        pull: a name of `PULLS`: the scalar function of the logit that is minimised.

    Raises:
        ValueError: for another pull.

    >>> round(believe(torch.zeros(4)).item(), 6)
    0.693147
    """
    if pull not in PULLS:
        raise ValueError(unknown("pull", pull, PULLS))
    return PULLS[pull](logits).sum() / len(logits)


def slope(critic: CriticFunction, points: Float[Tensor, "n *d"]) -> Float[Tensor, "n *d"]:
    """The gradient of a critic's logits, summed over columns, in its points; differentiable in the critic."""
    points = points if points.requires_grad else points.detach().requires_grad_()
    with torch.enable_grad():
        return torch.autograd.grad(critic(points).sum(), points, create_graph=True)[0]


def gradient_penalty(
    critic: CriticFunction,
    real: Float[Tensor, "n d"],
    fake: Float[Tensor, "n d"],
    generator: torch.Generator | None = None,
    mixing: Mixing = "coordinate",
) -> Float[Tensor, ""]:
    r"""How far the slope of a critic's logit is from 1 between real and fake points, averaged over examples.

    .. math::
        \mathbb E\, (\lVert \nabla f(\hat z) \rVert_2 - 1)^2, \quad
        \hat z = z_{real} + \alpha \odot (z_{fake} - z_{real}), \quad \alpha \sim U(0, 1)

    Gulrajani et al. 2017, eq. 3 (https://arxiv.org/abs/1704.00028), which Engel, Hoffman & Roberts 2018 add with weight
    10 to a cross-entropy. `mixing` is where their paper and code differ: an :math:`\alpha` for each `example`, or, in
    the released code, one for each `coordinate`. There the slope is :math:`\sqrt{\sum g^2 + 10^{-10}}`, and so here.

    Args:
        critic: logits of points; what it is conditioned on belongs to the real points.
        real, fake: the two ends, row by row.
        generator: of the mixing.
        mixing: see above.

    >>> w, z = torch.tensor([3.0, 4.0]), torch.randn(5, 2)
    >>> round(gradient_penalty(lambda z: z @ w, z, -z).item(), 5)
    16.0
    """
    shape = (len(real), 1) if mixing == "example" else real.shape
    alpha = torch.rand(shape, generator=generator, dtype=real.dtype, device=real.device)
    gradient = slope(critic, torch.lerp(real, fake, alpha.expand_as(real)))
    return ((gradient.square().sum(1) + SLOPE_EPS).sqrt() - 1).square().mean()


def r1(critic: CriticFunction, real: Float[Tensor, "n *d"]) -> Float[Tensor, ""]:
    r"""Half the squared slope of a critic's logit at real points, averaged over examples.

    .. math:: R_1 = \tfrac12\, \mathbb E\, \lVert \nabla f(z_{real}) \rVert^2

    Mescheder, Geiger & Nowozin 2018, eq. 9 (https://arxiv.org/abs/1801.04406), without its weight gamma. Unlike
    `gradient_penalty` it lets a critic that nothing can be told apart for be flat.

    >>> round(r1(lambda z: z @ torch.tensor([3.0, 4.0]), torch.zeros(5, 2)).item(), 6)
    12.5
    """
    return slope(critic, real).square().flatten(1).sum(1).mean() / 2


def near(
    after: Float[Tensor, "n d"],
    before: Float[Tensor, "n d"],
    scale: Float[Tensor, " d"] | float,
    over: Literal["mean", "sum"] = "mean",
) -> Float[Tensor, ""]:
    r"""How far points were moved, in units of the posterior's scale and saturating, averaged over examples.

    .. math:: \mathcal L_{dist}(z', z) = \frac1d \sum_i \bar\sigma_i^{-2} \log(1 + (z'_i - z_i)^2)

    Engel, Hoffman & Roberts 2018, section 3 (https://arxiv.org/abs/1711.05772). The paper leaves open whether
    coordinates are summed or averaged; the released code averages, which fixes what its weight of 0.1 means.

    Args:
        after, before: the points.
        scale: mean posterior scale of each coordinate over the training data, > 0.
        over: `mean` or `sum` over coordinates.

    >>> z = torch.zeros(1, 3)
    >>> round(near(z + 1, z, 0.5).item(), 6)
    2.772589
    """
    precision = 1 / torch.as_tensor(scale, dtype=after.dtype, device=after.device).square()
    far = (precision * torch.log1p((after - before).square())).sum(1).mean()
    return far / after.shape[1] if over == "mean" else far


def energy_distance(
    made: Float[Tensor, "n d"],
    real: Float[Tensor, "m d"],
    made_given: Float[Tensor, "n k"] | None = None,
    real_given: Float[Tensor, "m k"] | None = None,
    apart: float = 4.0,
) -> Float[Tensor, ""]:
    r"""How far what was made is from what is real as a distribution, in units of the points.

    .. math:: 2\, \mathbb E \lVert a - b \rVert - \mathbb E \lVert a - a' \rVert - \mathbb E \lVert b - b' \rVert

    Szekely & Rizzo 2013 (https://doi.org/10.1016/j.jspi.2013.03.018). It is 0 only where both are the same, and what is
    made of one kind is pushed apart from itself by the second part: an actor that minimises it cannot make less than
    there is. Conditions are further coordinates: as distances between joint points they compare like with like.

    Args:
        made, real: the two sets, `a` and `b`.
        made_given, real_given: the condition of each point, numbers in [0, 1]; None for sets without.
        apart: how far points of conditions 0 and 1 lie from each other, in mean distances between real points.

    >>> z = torch.randn(50, 3)
    >>> energy_distance(z, z.flip(0)).abs().item() < 1e-5
    True
    >>> round(energy_distance(torch.zeros(2, 1), torch.ones(3, 1)).item(), 6)
    2.0
    """
    if made_given is not None and real_given is not None:
        with torch.no_grad():
            reach = apart * torch.cdist(real, real).mean()
        made, real = torch.cat([made, reach * made_given], 1), torch.cat([real, reach * real_given], 1)
    return 2 * torch.cdist(made, real).mean() - torch.cdist(made, made).mean() - torch.cdist(real, real).mean()


def _like(target: Tensor | float, logits: Tensor) -> Tensor:
    return torch.as_tensor(target, dtype=logits.dtype, device=logits.device).expand_as(logits)


def least_discriminate(positives: float = 0.5) -> float:
    """The loss of a critic that cannot tell anything, in nats: the entropy of the share of rows with target 1.

    >>> round(least_discriminate(1 / 3), 6)
    0.636514
    """
    return -positives * math.log(positives) - (1 - positives) * math.log(1 - positives)

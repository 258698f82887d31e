"""What images tell of codes: the bound that makes InfoGAN, and what is asked of the codes of real images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from latune.codes import Gaussian, OneOf

FAINTEST = 8.0  # nats: a code that changes nothing misses no more
NEAR = 1e-4  # added to the diagonal of cosines: two codes that change the same have a contrast of 4.3 nats


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


def equivariance(changes: Float[Tensor, "n k"], motions: Float[Tensor, "n k"]) -> Float[Tensor, ""]:
    r"""How far numbers follow motions of their images: how each changes is held against how far its image moved.

    .. math::
        \frac 1 k \sum_j \operatorname{corr}(v_j(x') - v_j(x),\, m_j)

    It is 1 where each number changes in proportion to its own motion and by nothing that is independent of it, and 0
    where they have nothing to do with each other. So an image and a copy of it that was moved in a known way tell
    without a label what a number is to be, but for its scale and its middle: that it is equivariant to the motion
    (Lenc and Vedaldi 2015, https://arxiv.org/abs/1411.5908).

    Args:
        changes: of k numbers, from n images to their moved copies.
        motions: how far each image was moved, of k kinds.

    >>> import torch
    >>> motions = torch.tensor([[-1.0, 0.5], [0.0, -1.0], [1.0, 0.5]])
    >>> round(equivariance(3 * motions, motions).item(), 6), round(equivariance(motions.flip(1), motions).item(), 6)
    (1.0, 0.0)
    """
    a, b = changes - changes.mean(0), motions - motions.mean(0)
    lengths = (a.norm(dim=0) * b.norm(dim=0)).clamp_min(torch.finfo(a.dtype).tiny)
    return ((a * b).sum(0) / lengths).mean()


def unevenness(
    values: Float[Tensor, "n d"], others: Float[Tensor, "m d"] | None = None, classes: Sequence[int] = ()
) -> Float[Tensor, ""]:
    r"""How far the codes of images are from even and independent: numbers uniform on [-1, 1], classes equally many.

    .. math::
        \Bigl( \sum_j \lVert \mathbb E\, \phi(v_j) \rVert^2
        + \sum_{j < k} \lVert \mathbb E\, \phi(v_j)\, \phi(v_k)^\top \rVert^2
        + \mathbb E\, \lVert v - \bar v \rVert^2 \Bigr)^{1/2}

    The smooth test of Neyman 1937 (https://doi.org/10.1080/03461238.1937.10404821), of codes and of their pairs. Of a
    number :math:`\phi` has the polynomials of Legendre of degree 1 to 3, orthonormal under a uniform code:
    :math:`\sqrt 3 r`, :math:`\tfrac{\sqrt 5}{2}(3 r^2 - 1)` and :math:`\tfrac{\sqrt 7}{2}(5 r^3 - 3 r)`; of K classes
    that have shares q of an image, :math:`\sqrt K (q_k - \tfrac 1 K)`, whose squares sum to Pearson's
    :math:`\chi^2 / n`. It is 0 where codes are even and independent; codes that are mixtures of what is independent are
    uneven, or depend on each other (Comon 1994, https://doi.org/10.1016/0165-1684(94)90029-9). Points outside count as
    the nearest of the cube, :math:`\bar v`, and by how far they are from it. Of N points of a cube of d numbers the
    square is :math:`(3 d + 9 d (d - 1) / 2) / N` on average, by chance; a code of K classes counts K - 1 where a number
    counts 3. The root is there for its gradient, which is no longer where all images are read alike than at the end.

    Args:
        values: the codes of n images: numbers in units of a prior on [-1, 1], then the shares of each code's classes.
        others: of m further images, which count in the means: with few points it is mostly chance.
        classes: how many columns at the end are the shares of each code of classes; without any, all are numbers.

    Raises:
        ValueError: more classes than columns.

    >>> import torch
    >>> even = torch.linspace(-0.9999, 0.9999, 10_000)[:, None]
    >>> round(unevenness(even).item(), 3), round(unevenness(torch.zeros(100, 1)).item() ** 2, 6)
    (0.0, 1.25)
    >>> halves = torch.eye(2)[(even[:, 0] > 0).long()]  # tell whether the number is positive
    >>> round(unevenness(torch.cat([even, halves], 1), classes=[2]).item() ** 2, 3)  # 3/4 and 7/64
    0.859
    """
    points = values if others is None else torch.cat([values, others])
    n, d = len(points), points.shape[1] - sum(classes)
    if d < 0:
        raise ValueError(f"{points.shape[1]} columns do not hold the shares of {list(classes)} classes.")
    numbers, *shares = points.split([d, *classes], 1)
    r = numbers.clamp(-1, 1)
    phi = torch.stack([3**0.5 * r, 5**0.5 / 2 * (3 * r**2 - 1), 7**0.5 / 2 * (5 * r**3 - 3 * r)], 2).flatten(1)
    told = torch.cat([phi, *(k**0.5 * (q - 1 / k) for k, q in zip(classes, shares, strict=True))], 1)
    code = torch.tensor([place for place, width in enumerate([3] * d + list(classes)) for _ in range(width)])
    later = (code[:, None] < code).to(told)
    pairs = ((told.T @ told / n).square() * later).sum()
    outside = (numbers - r).square().sum(1).mean()
    return (told.mean(0).square().sum() + pairs + outside + torch.finfo(r.dtype).tiny).sqrt()


def ima_contrast(jacobian: Float[Tensor, "n k p"]) -> Float[Tensor, ""]:
    r"""How far the codes are from changing an image each in a direction of its own, in nats.

    .. math:: \mathbb E \Bigl[ \sum_i \log \lVert J_i \rVert - \tfrac{1}{2} \log \det (J_i \cdot J_j)_{ij} \Bigr]

    The contrast of independent mechanism analysis (Gresele et al. 2021, section 4, https://arxiv.org/abs/2106.05200, of
    images with more pixels than causes as in Ghosh et al. 2023, https://arxiv.org/abs/2312.13438): 0 where the
    :math:`J_i = \partial x / \partial c_i` are orthogonal, however long they are, and positive else. Mixtures of
    independent codes can be independent, too (Hyvärinen and Pajunen 1999,
    https://doi.org/10.1016/S0893-6080(98)00140-3), but as a rule do not change images in orthogonal directions.

    Args:
        jacobian: for n images, how each of k codes changes the p pixels.

    >>> import torch
    >>> round(ima_contrast(torch.tensor([[[3.0, 0.0, 0.0], [0.0, 0.1, 0.0]]])).item(), 3)
    0.0
    >>> round(ima_contrast(torch.tensor([[[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]])).item(), 3)  # log(2) / 2, less NEAR
    0.346
    """
    with torch.autocast(jacobian.device.type, enabled=False):
        rows = jacobian.float() if jacobian.dtype != torch.float64 else jacobian
        unit = rows / rows.norm(dim=2, keepdim=True).clamp_min(torch.finfo(rows.dtype).tiny)
        cosines = (unit @ unit.mT + NEAR * torch.eye(unit.shape[1], dtype=unit.dtype, device=unit.device)) / (1 + NEAR)
        factor, wrong = torch.linalg.cholesky_ex(cosines)  # of NaN, too, whose trainer says what to do
        value = -factor.diagonal(dim1=1, dim2=2).log().sum(1)
        return torch.where(wrong == 0, value, torch.nan).mean()


def asymmetry(mirrored: Float[Tensor, "n ..."], reflected: Float[Tensor, "n ..."]) -> Float[Tensor, ""]:
    r"""How far mirror images are from what is made of mirrored codes.

    .. math:: \mathbb E \, \lVert M G(z, c) - G(z, S c) \rVert^2

    with the mirror M of images, and S, which changes the sign of some codes. Where it is 0 the generator is equivariant
    to the mirror (Cohen and Welling 2016, https://arxiv.org/abs/1602.07576): each code is odd or even, and
    what is neither, such as the sum of a head's turn and its width, is no code.

    Args:
        mirrored: mirror images of n images, in units in which real images have a spread of 1.
        reflected: what is made of their mirrored codes, in the same units.

    >>> import torch
    >>> asymmetry(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])).item()
    2.0
    """
    return (mirrored - reflected).flatten(1).square().sum(1).mean()


def faintness(jacobian: Float[Tensor, "n k p"], least: float | Sequence[float]) -> Float[Tensor, ""]:
    r"""How much less than they should the codes change an image, in nats.

    .. math:: \mathbb E \sum_{i=1}^k \max\Bigl( 0, \log \frac{v_i}{\lVert J_i \rVert} \Bigr)

    with v for `least`, of code i where each has its own.

    A code that hides in what nobody sees is told as well as one that moves a whole image, and in a direction of its
    own; this holds against it. Of a code it is at most 8 nats, with no gradient where less than exp(-8) is there.

    Args:
        jacobian: for n images, how each of k codes changes the p pixels.
        least: the length of a :math:`J_i` from which on nothing is missing, in the same units; of all or of each.

    Raises:
        ValueError: a length of 0 or less, or not as many as codes.

    >>> import torch
    >>> round(faintness(torch.tensor([[[0.0, 0.1], [3.0, 0.0]]]), 0.2).item(), 6)  # log 2, and nothing
    0.693147
    >>> round(faintness(torch.tensor([[[0.0, 0.2], [0.1, 0.0]]]), [0.2, 0.1]).item(), 6)  # each as far as it should
    0.0
    """
    k = jacobian.shape[1]
    lengths = [least] * k if isinstance(least, int | float) else list(least)
    if len(lengths) != k or min(lengths) <= 0:
        raise ValueError(
            f"Codes change an image visibly from a length above 0 on, one for all or each of {k}. Got {least}."
        )
    wanted = torch.tensor(lengths, device=jacobian.device, dtype=jacobian.dtype).log()
    length = jacobian.norm(dim=2).clamp_min((wanted - FAINTEST).exp())
    return (wanted - length.log()).clamp(0, FAINTEST).sum(1).mean()

"""The term that makes AR-VAE: latent dimensions ordered by attributes."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def attribute_order(
    z: Float[Tensor, "m *dims"], attribute: Float[Tensor, "m *dims"], delta: float = 1.0
) -> Float[Tensor, "*dims"]:
    r"""How far the order of a code is from the order of an attribute, over all pairs of a batch.

    .. math::
        D_r(i, j) = z_i - z_j, \quad D_a(i, j) = a_i - a_j, \quad
        \mathcal L_{r,a} = \tfrac1{m^2} \sum_{i,j} |\tanh(\delta D_r(i, j)) - \mathrm{sgn}(D_a(i, j))|

    Pati & Lerch 2020, eqs. 6 to 9 (https://arxiv.org/abs/2004.05485). The mean runs over all m^2 ordered pairs, the
    diagonal included, as in the authors' code; equal attributes (sgn 0) pull their codes together. The loss depends on
    the attribute only through its order, so units and monotone transforms do not matter.

    Args:
        z: one latent dimension of a batch, `(m,)`, or several beside each other, `(m, l)`.
        attribute: the attribute of each, same shape, in any unit.
        delta: how sharply a difference of codes counts as ordered, > 0.

    Returns:
        A scalar, or one value a column, in [0, 2].

    >>> round(attribute_order(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 1.0])).item(), 7)
    0.1192029
    """
    code = torch.tanh(delta * (z[:, None] - z[None, :]))  # (m, m, l)
    order = torch.sign(attribute[:, None] - attribute[None, :])  # (m, m, l)
    return (code - order).abs().mean(dim=(0, 1))

"""Log-densities under Gaussian windows around centres, for several widths from one pass over the distances."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from latune.metrics.distances import Distances

LEAST_EXPONENT = -126.0  # of 2; smaller float32 numbers are denormal, and several times slower


def window_log_densities(
    points: Float[Tensor, "n d"], centres: Float[Tensor, "m d"], sigmas: Float64[np.ndarray, " S"]
) -> tuple[Float64[np.ndarray, "S n"], Float64[np.ndarray, " n"]]:
    r"""Log-densities for each width, and the squared distance of each point to its nearest centre, in float64.

    With d_i the squared distances and d the nearest, which is computed again in float64 from the rows themselves,

    .. math:: \log \hat p(x) = -\frac{d}{2\sigma^2} + \log \sum_i \exp\Bigl(-\frac{d_i - d}{2\sigma^2}\Bigr)
              - \log m - D \log(\sigma\sqrt{2\pi})

    where float32 enters through the differences only, and those are exact where it matters most: at 0. Terms of one
    block are summed in float32, in pairs, and blocks in float64.

    >>> densities, nearest = window_log_densities(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]), np.array([1.0]))
    >>> densities.round(6), nearest
    (array([[-14.337877]]), array([25.]))
    """
    distances = Distances(points, centres)
    rates = 0.5 * math.log2(math.e) * (distances.scale / sigmas) ** 2  # of powers of 2: torch's fastest
    sharpness = torch.as_tensor(rates, device=points.device)[:, None, None]  # (S, 1, 1)
    dimensions = points.shape[1]
    constant = torch.as_tensor(np.log(len(centres)) + dimensions * np.log(sigmas * math.sqrt(2 * math.pi)))
    log_density, nearest = [], []
    spare = torch.empty(distances.rows * distances.columns, device=points.device)
    for rows, blocks in distances:
        least, where, sums = [], [], []
        for columns, block in blocks:
            smallest, index = block.min(1, keepdim=True)
            least.append(smallest[:, 0])
            where.append(index[:, 0] + columns.start)
            block.sub_(smallest)
            scratch = spare[: block.numel()].view_as(block)
            sums.append(torch.stack([_sum_of_powers(block, -rate, scratch) for rate in rates.tolist()]))
        lows = torch.stack(least)  # (T, b), T blocks of centres
        low, first = lows.min(0)
        centre = torch.stack(where).gather(0, first[None])[0]
        exact = (points[rows].double() - centres[centre].double()).square().sum(1)  # (b,)
        shares = torch.exp2(-sharpness * (lows - low).double()) * torch.stack(sums, 1).double()  # (S, T, b)
        excess = sharpness[:, 0] * (math.log(2) / distances.scale**2)  # 1 / 2 sigma^2
        log_density.append((shares.sum(1).log() - excess * exact).cpu())
        nearest.append(exact.cpu())
    return (torch.cat(log_density, 1) - constant[:, None]).numpy(), torch.cat(nearest).numpy()


def _sum_of_powers(block: Tensor, rate: float, scratch: Tensor) -> Tensor:
    """Row sums of 2^(rate * block), in [1, c]; what is below 2^-126 counts as 2^-126."""
    torch.mul(block, rate, out=scratch)
    return torch.exp2(scratch.clamp_(min=LEAST_EXPONENT), out=scratch).sum(1)

"""Nearest-neighbour mutual information on an accelerator: all pairs of examples in chunks, the numbers of the CPU.

The same distances, rounded the same way, as `neighbours` compares; so both give the same estimates. A tree does less
work, but not the kind that a GPU is fast at.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float64, Shaped
from torch import Tensor

from latune.errors import DataError
from latune.metrics.neighbours import NEIGHBOURS

AT_ONCE = 1 << 26  # distances held at a time: half a gigabyte, a few times over


def ksg_rows_on(
    device: str, codes: Float64[np.ndarray, "n d"], attribute: Float64[np.ndarray, " n"], neighbours: int = NEIGHBOURS
) -> Float64[np.ndarray, "n d"]:
    """`ksg_rows` of every code with one attribute (Kraskov, Stögbauer & Grassberger 2004, Eq. 8).

    Args:
        device: of torch, with float64: "cuda", "cuda:1", "cpu".
        codes: `[n, d]`.
        attribute: `[n]`, continuous.
        neighbours: k.

    >>> line = np.arange(8.0)
    >>> ksg_rows_on("cpu", line[:, None], line).mean().round(4)
    np.float64(1.0929)
    """
    z, a, psi = _on(device, codes.T), _on(device, attribute), _digamma(device, len(attribute))
    rows = np.empty_like(codes)
    for some in _chunks(*codes.shape):
        along_a = (a[some, None] - a).abs()  # (c, n)
        along_z = (z[:, some, None] - z[:, None]).abs()  # (d, c, n)
        joint = torch.maximum(along_z, along_a).topk(neighbours + 1, largest=False).values[..., -1:]
        radius = torch.nextafter(joint, torch.zeros_like(joint))  # strictly nearer; the first is the point itself
        near = psi[(along_z <= radius).sum(dim=2) - 1] + psi[(along_a <= radius).sum(dim=2) - 1]
        rows[some] = (psi[-1] + psi[neighbours - 1] - near).T.cpu().numpy()
    return rows


def ross_rows_on(
    device: str, codes: Float64[np.ndarray, "n d"], classes: Shaped[np.ndarray, " n"], neighbours: int = NEIGHBOURS
) -> Float64[np.ndarray, "n d"]:
    """`ross_rows` of every code with one attribute's classes (Ross 2014); NaN for classes of one member.

    Args:
        device: of torch, with float64: "cuda", "cuda:1", "cpu".
        codes: `[n, d]`.
        classes: `[n]`.
        neighbours: k.

    >>> x = np.concatenate([np.arange(8.0), 20 + np.arange(8.0)])
    >>> ross_rows_on("cpu", x[:, None], np.repeat([0, 1], 8)).mean().round(4)
    np.float64(0.7254)
    """
    rows = np.full(codes.shape, np.nan)
    label, size = np.unique(classes, return_inverse=True, return_counts=True)[1:]
    kept = np.flatnonzero(size[label] > 1)
    if len(kept) == 0:
        return rows
    z, own = _on(device, codes[kept].T), torch.as_tensor(label[kept], device=device)
    members = torch.as_tensor(size[label[kept]], device=device)
    psi, k = _digamma(device, len(kept)), (members - 1).clamp(max=neighbours)
    for some in _chunks(len(kept), codes.shape[1]):
        along = (z[:, some, None] - z[:, None]).abs()  # (d, c, n)
        inside = along.masked_fill(own[some, None] != own, torch.inf)
        nearest = inside.topk(min(neighbours + 1, len(kept)), largest=False).values
        joint = nearest.gather(2, k[some, None].expand(len(z), -1, 1))
        radius = torch.nextafter(joint, torch.zeros_like(joint))
        near = psi[(along <= radius).sum(dim=2) - 1]
        rows[kept[some]] = (psi[-1] + psi[k[some] - 1] - psi[members[some] - 1] - near).T.cpu().numpy()
    return rows


def checked(device: str) -> str:
    """The device, if numbers of float64 can be put there. Raises `DataError` where they cannot."""
    try:
        torch.zeros(1, dtype=torch.float64, device=device)
    except (RuntimeError, TypeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise DataError(
            f"The device '{device}' cannot be used: {first} Give 'cuda', 'cuda:1', ... or 'cpu', or leave it out."
        ) from error
    return device


def _on(device: str, array: np.ndarray) -> Float64[Tensor, "..."]:
    return torch.as_tensor(np.ascontiguousarray(array), dtype=torch.float64, device=device)


def _digamma(device: str, n: int) -> Float64[Tensor, " n"]:
    """psi(1) to psi(n), by the function that the CPU's path takes."""
    from scipy.special import digamma

    return _on(device, digamma(np.arange(1.0, n + 1.0)))


def _chunks(n: int, d: int) -> Iterator[slice]:
    rows = max(1, AT_ONCE // (n * d))
    return (slice(start, min(start + rows, n)) for start in range(0, n, rows))

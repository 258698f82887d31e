"""Squared distances between two sets of rows, in blocks that stay in the cache; never the whole matrix."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from latune.errors import DataError
from latune.metrics.arrays import LARGEST, as_array

BLOCK = {"cpu": (512, 2048)}  # points x centres: 4 MB in float32, which stays in the cache
LARGE_BLOCK = (4096, 4096)  # an accelerator wants fewer and larger products
ROWS_AT_ONCE = 1024  # that are moved and scaled together


def as_rows(data: Any, what: str, device: Any = None) -> Float[Tensor, "n d"]:
    """`data` as rows of finite numbers on a device: everything after the first axis is flattened.

    Args:
        data: an array, a tensor or nested lists `[n, ...]`; float32 and float64 stay, all else becomes float64.
        what: how the data is called in a message, e.g. "samples".
        device: where to; None leaves a tensor where it is and puts all else on the CPU.

    Raises:
        DataError: no numbers, no rows, or values that are NaN, infinite or beyond 1e100.

    >>> as_rows([[[1, 2], [3, 4]]], "samples")
    tensor([[1., 2., 3., 4.]], dtype=torch.float64)
    """
    rows = data.detach() if isinstance(data, Tensor) and data.dtype in (torch.float32, torch.float64) else None
    if rows is None or not rows.numel() or not all(abs(end.item()) <= LARGEST for end in rows.aminmax()):
        # Torch takes neither read-only arrays nor negative strides. A tensor comes here for its error's full text.
        rows = torch.from_numpy(np.require(as_array(data, what), requirements=["C", "W"]))
    if rows.dim() < 2 or rows.numel() == 0:
        raise DataError(f"The {what} are [n, ...]: one row or image an example. Got shape {list(rows.shape)}.")
    return rows.flatten(1).to(device)


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """Matrix products of float32 as float32: a training may have asked torch for faster and coarser ones."""
    asked = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(asked)


class Distances:
    r"""Squared Euclidean distances from points to centres by blocks, each one matrix product.

    .. math:: \lVert x - s\rVert^2 = (x, 1, \lVert x\rVert^2) \cdot (-2 s, \lVert s\rVert^2, 1)

    Both sets are moved by the centres' mean and scaled to at most 1, so that float32 neither overflows nor spends its
    digits on what all rows share; the squared norms enter as a rounded part and its remainder. Blocks are overwritten:
    use one before asking for the next. A distance can be below zero by rounding.

    Args:
        points: rows `[n, d]`.
        centres: rows `[m, d]` on the same device.
        dtype: of the products.

    >>> distances = Distances(torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
    >>> [(block * distances.scale**2).tolist() for _, row in distances for _, block in row]
    [[[25.0, 0.0]]]
    """

    def __init__(
        self, points: Float[Tensor, "n d"], centres: Float[Tensor, "m d"], dtype: torch.dtype = torch.float32
    ) -> None:
        middle = centres.mean(0)
        reach = max(float((end - middle).abs().max()) for rows in (points, centres) for end in rows.aminmax(dim=0))
        self.scale = 2.0 ** math.ceil(math.log2(reach)) if reach else 1.0  # by a power of 2 nothing is rounded
        self._left, self._right = (
            points.new_empty(len(rows), rows.shape[1] + 4, dtype=dtype) for rows in (points, centres)
        )
        for rows, packed, factor, norms in (
            (points, self._left, 1.0, slice(-2, None)),
            (centres, self._right, -2.0, slice(-4, -2)),
        ):
            packed[:, -4:] = 1.0
            for start in range(0, len(rows), ROWS_AT_ONCE):
                near = ((rows[start : start + ROWS_AT_ONCE] - middle) / self.scale).to(dtype)
                part = packed[start : start + ROWS_AT_ONCE]
                torch.mul(near, factor, out=part[:, :-4])
                part[:, norms] = _norms(near)
        self.rows, self.columns = BLOCK.get(points.device.type, LARGE_BLOCK)
        self._buffer = self._left.new_empty(min(self.rows, len(points)) * min(self.columns, len(centres)))

    def __iter__(self) -> Iterator[tuple[slice, Iterator[tuple[slice, Tensor]]]]:
        """For each block of points, its place and its blocks of centres."""
        for start in range(0, len(self._left), self.rows):
            rows = slice(start, min(start + self.rows, len(self._left)))
            yield rows, self._along(rows)

    def _along(self, rows: slice) -> Iterator[tuple[slice, Tensor]]:
        """For each block of centres, its place and the squared distances `(b, c)`, in units of `scale` squared."""
        left = self._left[rows]
        for start in range(0, len(self._right), self.columns):
            columns = slice(start, min(start + self.columns, len(self._right)))
            right = self._right[columns]
            block = self._buffer[: len(left) * len(right)].view(len(left), len(right))
            with full_precision():
                torch.mm(left, right.T, out=block)
            yield columns, block


def _norms(rows: Float[Tensor, "n d"]) -> Float[Tensor, "n 2"]:
    """Squared norms as the sum of two numbers of the rows' type."""
    exact = rows.double().square().sum(1)
    rounded = exact.to(rows.dtype)
    return torch.stack([rounded, (exact - rounded.double()).to(rows.dtype)], dim=1)

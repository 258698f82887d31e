"""Mirror images for training: a data set that is small becomes twice as large."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from latune.data.dataset import Memmap, npy_header


@dataclass(kw_only=True, repr=False, eq=False)
class Mirrored(Memmap):
    """A memmap whose rows are followed by the mirror images of some of them, which are stored nowhere.

    Args:
        twins: the rows of the file whose mirror images follow it, in their order.
    """

    twins: Int64[Tensor, " m"]

    def __post_init__(self) -> None:
        super().__post_init__()
        self._stored = npy_header(self.file)[0][0]

    def _read(self, indices: Int64[Tensor, " m"]) -> UInt8[Tensor, "m c h w"]:
        swapped = indices >= self._stored
        rows = torch.where(swapped, self.twins[(indices - self._stored).clamp(min=0)], indices)
        pixels = super()._read(rows)
        return torch.where(swapped[:, None, None, None], pixels.flip(3), pixels)


def with_mirrors(data: Memmap) -> Mirrored:
    """The same data, whose training split also holds the mirror image of each of its images, with the same attributes.

    Validation and test stay as they are.
    """
    twins = data.splits["training"]
    added = torch.arange(len(data), len(data) + len(twins))
    whole = {each.name: getattr(data, each.name) for each in fields(data)}
    whole |= {
        "values": torch.cat([data.values, data.values[twins]]),
        "splits": {**data.splits, "training": torch.cat([twins, added])},
        "provenance": {**data.provenance, "mirror": "training"},
    }
    return Mirrored(**whole, twins=twins)

"""What every data set is: examples by index, named attributes, fixed splits. A batch is an index, never a loader."""

from __future__ import annotations

import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from latune.attributes.attribute import Attribute
from latune.errors import DataError, unknown
from latune.medium import Medium, Pictures, Tunes
from latune.music import Grid


@dataclass(kw_only=True, repr=False, eq=False)
class Dataset(ABC):
    """Images, or melodies, and their attributes, asked for by index.

    Args:
        name: what it is called in recipes.
        shape: of every example: channels, height, width of an image, or the tokens of a melody.
        attributes: what is known of every image, in the order of the columns of `values`.
        values: the attributes `[n, L]`; a class of a binary or categorical one is its index.
        splits: sorted indices under `training`, `validation` and `test`.
        provenance: source, files with their sha256, licence, the rule of the split, names of classes.
        rows: which examples of the source these are; None for all of them, in order.

    >>> from latune.data import load
    >>> sprites = load("sprites", seed=1)
    >>> len(sprites), sprites.shape, list(sprites.attributes)
    (737280, (1, 64, 64), ['shape', 'scale', 'orientation', 'x', 'y'])
    >>> batch = sprites.splits["training"][:16]
    >>> sprites.images(batch).shape, sprites.column("scale", batch).shape
    (torch.Size([16, 1, 64, 64]), torch.Size([16]))
    """

    name: str
    shape: tuple[int, ...]
    attributes: dict[str, Attribute]
    values: Float[Tensor, "n L"]
    splits: dict[str, Tensor]
    provenance: dict[str, Any] = field(default_factory=dict)
    rows: Int64[Tensor, " n"] | None = None

    def __post_init__(self) -> None:
        if self.values.shape[1] != len(self.attributes):
            raise ValueError(f"{self.values.shape[1]} columns of values for {len(self.attributes)} attributes")

    def __len__(self) -> int:
        return self.values.shape[0]

    def __repr__(self) -> str:
        size = "x".join(map(str, self.shape))
        return f"{type(self).__name__}('{self.name}', {len(self):,} x {size}, {', '.join(self.attributes)})"

    @property
    def medium(self) -> Medium:
        """What an example is."""
        return Pictures(self.shape)

    @property
    def device(self) -> torch.device:
        """Where images and values are given out."""
        return self.values.device

    @abstractmethod
    def _read(self, indices: Int64[Tensor, " m"]) -> UInt8[Tensor, "m *shape"]:
        """The examples of these rows of the source, on the device."""

    def raw(self, indices: Int64[Tensor, " m"]) -> UInt8[Tensor, "m *shape"]:
        """Examples as they are stored, on the device: pixels of 0 to 255, or tokens."""
        # On an accelerator the check would wait for the device; there torch's own indexing complains.
        if indices.device.type == "cpu" and len(indices):
            low, high = (int(end) for end in indices.aminmax())
            if low < 0 or high >= len(self):
                raise IndexError(f"index {low if low < 0 else high} of '{self.name}', which has {len(self):,} examples")
        indices = indices.to(self.device)
        return self._read(indices if self.rows is None else self.rows[indices])

    def examples(self, indices: Int64[Tensor, " m"]) -> Tensor:
        """What training uses, on the device: images in [0, 1], or the tokens of melodies."""
        return self.images(indices)

    def images(self, indices: Int64[Tensor, " m"]) -> Float[Tensor, "m c h w"]:
        """Images in [0, 1], on the device.

        Raises:
            DataError: for data that are no images.
        """
        return self.raw(indices).to(torch.float32).div_(255)

    def column(self, name: str, indices: Int64[Tensor, " m"] | None = None) -> Float[Tensor, " m"]:
        """One attribute of all examples, or of those asked for.

        Raises:
            DataError: no attribute has this name.
        """
        if name not in self.attributes:
            raise DataError(unknown(f"attribute of '{self.name}'", name, self.attributes))
        column = self.values[:, list(self.attributes).index(name)]
        return column if indices is None else column[indices.to(self.device)]

    def only(self, names: Sequence[str]) -> Dataset:
        """The same data with these attributes, in this order.

        Raises:
            DataError: a name that does not exist, or one given twice.
        """
        missing = [name for name in names if name not in self.attributes]
        if missing:
            raise DataError(" ".join(unknown(f"attribute of '{self.name}'", name, self.attributes) for name in missing))
        if len(set(names)) != len(names):
            raise DataError(f"An attribute of '{self.name}' is asked for twice: {', '.join(names)}.")
        columns = [list(self.attributes).index(name) for name in names]
        chosen = {name: self.attributes[name] for name in names}
        return replace(self, attributes=chosen, values=self.values[:, columns])

    def to(self, device: str | torch.device) -> Dataset:
        """The same data on another device."""
        moved: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, Tensor):
                moved[each.name] = value.to(device)
        splits = {name: indices.to(device) for name, indices in self.splits.items()}
        return replace(self, **moved, splits=splits)

    def subset(self, n: int, *, seed: int = 0) -> Dataset:
        """`n` examples drawn at random, each in the split it was in, the splits in the same proportion.

        Raises:
            DataError: `n` is larger than the data set, or too small to leave one example in every split.
        """
        if n >= len(self):
            if n > len(self):
                raise DataError(f"{n:,} examples were asked for; '{self.name}' has {len(self):,}.")
            return self
        # An example may be in two splits (the released AR-VAE validates on its test set): group by membership.
        member = torch.zeros(len(self), dtype=torch.int64)
        for bit, indices in enumerate(self.splits.values()):
            member[indices.cpu()] += 2**bit
        groups = [(member == kind).nonzero().squeeze(1) for kind in member.unique()]
        shares = [max(1, round(n * len(group) / len(self))) for group in groups]
        largest = max(range(len(groups)), key=lambda i: len(groups[i]))
        shares[largest] += n - sum(shares)
        if shares[largest] < 1:
            raise DataError(f"{n} examples are too few to leave one in every split of '{self.name}'.")
        generator = torch.Generator().manual_seed(seed)
        drawn = [
            group[torch.randperm(len(group), generator=generator)[:k]] for group, k in zip(groups, shares, strict=True)
        ]
        chosen = torch.cat(drawn).sort().values
        place = torch.full((len(self),), -1, dtype=torch.int64)
        place[chosen] = torch.arange(n)
        splits = {name: place[indices.cpu()] for name, indices in self.splits.items()}
        splits = {name: indices[indices >= 0].to(self.device) for name, indices in splits.items()}
        chosen = chosen.to(self.device)
        rows = chosen if self.rows is None else self.rows[chosen]
        rule = {**self.provenance, "subset": {"n": n, "seed": seed}}
        return replace(self, values=self.values[chosen], splits=splits, rows=rows, provenance=rule)


@dataclass(kw_only=True, repr=False, eq=False)
class InMemory(Dataset):
    """All images as one uint8 tensor on the device: for what fits."""

    pixels: UInt8[Tensor, "source c h w"]

    def _read(self, indices: Int64[Tensor, " m"]) -> UInt8[Tensor, "m c h w"]:
        return self.pixels.index_select(0, indices)


@dataclass(kw_only=True, repr=False, eq=False)
class Memmap(Dataset):
    """All images in one uint8 `.npy` file `[n, c, h, w]`, read as they are asked for.

    Reads are plain `pread` calls in the order of the file: a mapped file would count as this process's memory.
    """

    file: Path

    def __post_init__(self) -> None:
        super().__post_init__()
        shape, self._offset = npy_header(self.file)
        if shape[1:] != self.shape:
            raise DataError(f"{self.file} holds images of shape {shape[1:]}, not {self.shape}; delete it.")
        self._open()

    def _open(self) -> None:
        self._handle = os.open(self.file, os.O_RDONLY)
        weakref.finalize(self, os.close, self._handle)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_handle"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A copy, or one in another process, opens the file for itself.
        for name, value in state.items():
            setattr(self, name, value)
        self._open()

    def _read(self, indices: Int64[Tensor, " m"]) -> UInt8[Tensor, "m c h w"]:
        wanted = indices.cpu().numpy()
        pixels = np.empty((len(wanted), *self.shape), np.uint8)
        size = int(np.prod(self.shape))
        for position in np.argsort(wanted):
            got = os.preadv(self._handle, [pixels[position].data], self._offset + int(wanted[position]) * size)
            if got != size:
                raise DataError(f"{self.file} ends before image {wanted[position]:,}; delete it, and it is made again.")
        return torch.from_numpy(pixels).to(self.device)


@dataclass(kw_only=True, repr=False, eq=False)
class Rendered(Dataset):
    """No image is stored: `render` makes those that are asked for, on the device of the indices."""

    render: Callable[[Tensor], Tensor]

    def _read(self, indices: Int64[Tensor, " m"]) -> UInt8[Tensor, "m c h w"]:
        return self.render(indices)


@dataclass(kw_only=True, repr=False, eq=False)
class TokenData(Dataset):
    """Melodies, or measures, as tokens of one grid, all in one uint8 tensor on the device.

    >>> from latune.music import GRIDS
    >>> tokens = torch.tensor([[7, 0, 0, 0, 0, 0] * 4], dtype=torch.uint8)
    >>> splits = {name: torch.tensor([0]) for name in ("training", "validation", "test")}
    >>> data = TokenData(
    ...     name="quarters", shape=(24,), attributes={}, values=torch.zeros(1, 0), splits=splits, tokens=tokens,
    ...     grid=GRIDS["measure"],
    ... )
    >>> data, data.examples(torch.tensor([0])).dtype
    (TokenData('quarters', 1 x 24, ), torch.int64)
    """

    tokens: UInt8[Tensor, "source t"]
    grid: Grid

    @property
    def medium(self) -> Medium:
        """What an example is."""
        return Tunes(self.grid)

    def examples(self, indices: Int64[Tensor, " m"]) -> Int64[Tensor, "m t"]:
        """Tokens, on the device: what training uses."""
        return self.raw(indices).long()

    def images(self, indices: Int64[Tensor, " m"]) -> Float[Tensor, "m c h w"]:
        """Melodies are no images.

        Raises:
            DataError: always.
        """
        raise DataError(f"'{self.name}' holds melodies, not images.")

    def _read(self, indices: Int64[Tensor, " m"]) -> UInt8[Tensor, "m t"]:
        return self.tokens.index_select(0, indices)


def npy_header(path: Path) -> tuple[tuple[int, ...], int]:
    """The shape of a uint8 `.npy` file and where its numbers begin.

    Raises:
        DataError: not a `.npy` file, not uint8, or shorter than its shape says.
    """
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(file)
            offset = file.tell()
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not a .npy file that can be read: {error}") from error
    if dtype != np.uint8 or fortran:
        raise DataError(f"{path} holds {dtype} numbers{' in Fortran order' if fortran else ''}, not plain uint8.")
    needed = offset + int(np.prod(shape))
    if path.stat().st_size < needed:
        raise DataError(f"{path} is cut short: {path.stat().st_size:,} bytes of {needed:,}; delete it.")
    return shape, offset

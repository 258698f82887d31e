"""Your own images: a folder, with a CSV file of attributes or with sub-folders as classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from latune.data.dataset import Memmap, npy_header
from latune.data.decoding import decode_all, decoded_path, read_headers
from latune.data.download import sha256_of
from latune.data.labels import read_labels
from latune.data.listing import list_folder
from latune.data.splits import FRACTIONS, make_splits
from latune.data.table import listed
from latune.errors import DataError


def load(
    *,
    path: Path | str,
    attributes: Path | str | Sequence[str] | None = None,
    csv: Path | str | None = None,
    kinds: Mapping[str, str] | None = None,
    size: int | Sequence[int] | None = None,
    colour: bool | None = None,
    seed: int = 0,
    split: Sequence[float] = FRACTIONS,
) -> Memmap:
    """A folder of images, decoded once into a file of the cache and read from there.

    The decoded file is made anew when a name, a size or a time of change in the folder differs.

    Args:
        path: the folder. Hidden files and CSV files are left out; every other file must be an image.
        attributes: the CSV file, or a list of names of its columns to use.
        csv: the CSV file, where `attributes` is a list. None: the one in the folder; without one, sub-folders are the
            classes of the attribute `class`. Its column `file` (else its first) names the files.
        kinds: kinds of attributes, where the inferred ones are not right, for example `{"year": "real"}`.
        size: height and width; larger or smaller images are scaled and cropped around the centre.
        colour: whether to keep colours; None keeps them if any image has some.
        seed: of the split.
        split: shares of training, validation and test.

    Raises:
        DataError: with all that is wrong: files that are no images, several sizes and no `size`, missing or unknown
            columns, rows or values.
    """
    if isinstance(attributes, str | Path):
        if csv is not None and Path(csv) != Path(attributes):
            raise DataError(f"Two CSV files are given: attributes={attributes!s} and csv={csv!s}.")
        csv, attributes = attributes, None
    target = _target(size)
    listing = list_folder(path)
    labels = read_labels(listing, csv, attributes, kinds)
    file = decoded_path(listing, target, colour)
    problems = []
    headers = None
    if not file.exists():
        headers = read_headers(listing)
        problems += headers.problems
        if target is None and headers.mixed:
            problems.append(headers.mixed)
    problems += labels.problems
    if problems:
        raise DataError(listed(f"{listing.root} cannot be used", problems))
    if headers is not None:
        decode_all(listing, file, target or next(iter(headers.sizes)), headers.colour if colour is None else colour)
    shape, _ = npy_header(file)
    columns = labels.columns
    values = np.stack([each.values for each in columns.values()], axis=1) if columns else np.zeros((shape[0], 0))
    table = Path(labels.source)
    return Memmap(
        name=listing.root.resolve().name,
        shape=(shape[1], shape[2], shape[3]),
        attributes={name: each.attribute for name, each in columns.items()},
        values=torch.from_numpy(values.astype(np.float32)),
        splits=make_splits(shape[0], split, seed=seed),
        provenance={
            "source": str(listing.root.resolve()),
            "licence": "the user's own",
            "files": {table.name: sha256_of(table)} if table.is_file() else {},
            "images": {"n": shape[0], "listing": file.stem},
            "split": {"rule": "random", "fractions": list(split), "seed": seed},
            "attributes": labels.source,
            "classes": {name: list(each.classes) for name, each in columns.items() if each.classes},
        },
        file=file,
    )


def _target(size: int | Sequence[int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    sides = (size, size) if isinstance(size, int) else tuple(size) if isinstance(size, Sequence) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        raise DataError(f"size is {size!r}; it must be one whole number of pixels, or height and width.")
    return (sides[0], sides[1])

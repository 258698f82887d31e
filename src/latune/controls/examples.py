"""Pictures or melodies to learn from: files, folders and lists of files, or what is in memory already."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latune.errors import DataError
from latune.medium import Medium, Pictures
from latune.pictures import read_image

FEWEST_PICTURES = 5  # from which a control can be learned
LISTS = (".csv", ".txt")
TOLD = 3  # files that cannot be read, by name


def shown(given: Any, medium: Medium, resize: bool = False) -> Any:
    """Examples as a Space takes them.

    Args:
        given: a folder, a file, a list of names of files (.txt or .csv: one a line, the first column; as seen from
            where the list lies), several of these, or examples in memory, which are given back as they are.
        medium: what the model's examples are.
        resize: scale and crop image files of another size, instead of refusing them.

    Melodies of a folder that cannot be read are left out, and a warning says why; a file that is named is needed.

    Raises:
        DataError: files that are missing, cannot be read, or have another size.
    """
    if isinstance(given, str | Path):
        given = [given]
    if not isinstance(given, Sequence) or not given or not all(isinstance(each, str | Path) for each in given):
        return given
    if not isinstance(medium, Pictures):
        return torch.cat([_melodies(Path(each), medium) for each in given])
    files = [file for each in given for file in _files(Path(each))]
    channels, height, width = medium.size
    return torch.cat([read_picture(file, (channels, height, width), resize) for file in files])


def _melodies(path: Path, medium: Medium) -> Tensor:
    """The melodies that a path stands for; of a folder, those that can be read, and a warning tells of the others."""
    files, found, left = _files(path), [], []
    for file in files:
        try:
            found.append(medium.take(file))
        except DataError as error:
            if not path.is_dir():
                raise
            left.append(str(error))
    if not found:
        raise DataError(f"No melody in {path} can be read. The first of {len(files)}: {left[0]}")
    if left:
        more = f"; and {len(left) - TOLD} more" if len(left) > TOLD else ""
        warnings.warn(
            f"{len(left)} of {len(files)} files of {path} are left out: {'; '.join(left[:TOLD])}{more}",
            UserWarning,
            stacklevel=5,
        )
    return torch.cat(found)


def read_picture(path: Path, shape: tuple[int, int, int], resize: bool = False) -> Tensor:
    """One image file as `(1, c, h, w)` in [0, 1].

    Raises:
        DataError: a file that is missing, is no image, or has another size than the model's images.
    """
    image = read_image(path, shape)
    width, height = _size(path)
    if not resize and (height, width) != tuple(shape[1:]):
        raise DataError(
            f"{path} has {width} x {height} pixels; this model's images have {shape[2]} x {shape[1]}. Scale and crop "
            "it with --resize, or resize=True."
        )
    return image


def _size(path: Path) -> tuple[int, int]:
    from PIL import Image

    with Image.open(path) as image:
        return image.size


def _files(path: Path) -> list[Path]:
    """The files that a path stands for."""
    if path.is_dir():
        kept = [each for each in sorted(path.iterdir()) if each.is_file() and not each.name.startswith(".")]
        found = [each for each in kept if each.suffix.lower() not in LISTS]
        if not found:
            raise DataError(f"There is no file in {path}.")
        return found
    if path.suffix.lower() not in LISTS:
        return [path]
    return [name for row in read_rows(path) for name in row[:1]]


def read_rows(path: Path, columns: int = 1) -> list[list[Path]]:
    """The names of files in the first columns of a list, row by row, as seen from where the list lies.

    A first line that names no file is a heading.

    Raises:
        DataError: a list that is missing, is empty, or has fewer columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [[word.strip() for word in row] for row in csv.reader(file) if any(word.strip() for word in row)]
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a list of names: {error}") from None
    if rows and not (path.parent / rows[0][0]).exists() and "." not in rows[0][0]:
        rows = rows[1:]
    if not rows:
        raise DataError(f"{path} names no file.")
    for place, row in enumerate(rows, 1):
        if len(row) < columns or not all(row[:columns]):
            raise DataError(f"{path} has {len(row)} names in row {place}; it needs {columns}.")
    return [[path.parent / word for word in row[:columns]] for row in rows]

"""A data set as a folder of pictures with a table: what your own data look like to Latune."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from latune.attributes.attribute import Attribute
from latune.data.dataset import Dataset
from latune.errors import DataError
from latune.medium import Pictures


def export(data: Dataset, folder: Path | str, indices: Tensor | None = None) -> Path:
    """Write images as PNG files and attributes as `table.csv`; the folder appears whole or not at all.

    Args:
        data: what to write.
        folder: where to; it must not exist.
        indices: which examples; None for all of them.

    Raises:
        DataError: when the folder exists, or for data that are no images.
    """
    from PIL import Image

    if not isinstance(data.medium, Pictures):
        raise DataError(f"'{data.name}' holds {data.medium.many}, not images; only images are written as PNG files.")
    folder = Path(folder)
    if folder.exists():
        raise DataError(f"{folder} exists already. Name a folder that does not, or remove it first.")
    indices = torch.arange(len(data)) if indices is None else indices
    classes = data.provenance.get("classes", {})
    names = [classes.get(attribute, ()) for attribute in data.attributes]
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        with (making / "table.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["file", *data.attributes])
            for index, pixels in zip(indices.tolist(), data.raw(indices).cpu(), strict=True):
                name = f"{index:06d}.png"
                Image.fromarray((pixels[0] if len(pixels) == 1 else pixels.permute(1, 2, 0)).numpy()).save(
                    making / name
                )
                values = data.values[index].tolist()
                table.writerow([name, *map(_cell, data.attributes.values(), values, names)])
        making.chmod(0o755)
        making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder


def _cell(attribute: Attribute, value: float, names: Sequence[str]) -> str:
    """The class's name where it has one, else the number; classes count from the start of the attribute's range."""
    place = round(value - (attribute.range[0] if attribute.range else 0))
    return names[place] if 0 <= place < len(names) else f"{value:.6g}"

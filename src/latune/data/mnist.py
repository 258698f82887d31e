"""MNIST with the measures of Morpho-MNIST, from files on hand or downloaded once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from latune.data.dataset import InMemory
from latune.data.digits import with_measures, with_morphology
from latune.data.download import fetch, sha256_of
from latune.data.home import cache_home, data_home
from latune.data.idx import read_idx
from latune.data.splits import NAMES, check_fractions, make_splits
from latune.data.table import numbers, read_table
from latune.errors import DataError, unknown

VARIANTS = ("original", "plain")
MEASURES = ("area", "length", "thickness", "slant", "width", "height")
VALIDATION = 5000  # of the 60,000 training images, under split="official"
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
FILES = {  # sha256 of the four originals
    "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


def load(*, seed: int = 0, variant: str = "original", split: str | Sequence[float] = "official") -> InMemory:
    """All 70,000 digits with their class and the six measures of their strokes.

    The measures are read from the CSV files of Morpho-MNIST where these are found, and measured (once) where not.

    Args:
        seed: of the split.
        variant: `original`, or `plain`, the smoothed digits that the released AR-VAE was trained on.
        split: `official` keeps the official 10,000 as test and draws 5,000 of the other 60,000 for validation;
            `released` validates and tests on the same 10,000, as the released AR-VAE did;
            three shares split all 70,000.

    Raises:
        DataError: a file is missing and cannot be downloaded, or is damaged.

    Source: MNIST, LeCun, Cortes, Burges, http://yann.lecun.com/exdb/mnist/; Morpho-MNIST, Castro et al. 2019,
    https://github.com/dccastro/Morpho-MNIST
    """
    if variant not in VARIANTS:
        raise DataError(unknown("variant of mnist", variant, VARIANTS))
    used: dict[str, str] = {}
    images, labels = [], []
    for part in ("train", "t10k"):
        pixels, classes = _pictures(part, variant), _original(f"{part}-labels-idx1-ubyte")
        images.append(read_idx(pixels, 3))
        labels.append(read_idx(classes, 1))
        if len(images[-1]) != len(labels[-1]):
            raise DataError(f"{pixels} holds {len(images[-1]):,} images, but {classes} {len(labels[-1]):,} labels.")
        used |= {path.name: sha256_of(path) for path in (pixels, classes)}
    held_out = len(images[1])
    pixels, classes = np.concatenate(images), np.concatenate(labels)
    tables = [_measures(part, variant) for part in ("train", "t10k")]
    if all(tables):
        found = [path for path in tables if path]
        columns = np.concatenate([_checked(path, len(part)) for path, part in zip(found, images, strict=True)])
        attributes, values = with_measures(classes, dict(zip(MEASURES, columns.T, strict=True)))
        used |= {path.name: sha256_of(path) for path in found}
        source = "CSV files of Morpho-MNIST"
    else:
        attributes, values = with_morphology(pixels, classes)
        source = "measured by latune.attributes"
    splits, rule = _splits(len(pixels), held_out, split, seed)
    return InMemory(
        name="mnist",
        shape=(1, *pixels.shape[1:]),
        attributes=attributes,
        values=values,
        splits=splits,
        provenance={
            "source": f"MNIST, {variant}",
            "licence": "CC BY-SA 3.0",
            "files": used,
            "split": rule,
            "attributes": source,
        },
        pixels=torch.from_numpy(pixels[:, None]),
    )


def _splits(n: int, held_out: int, split: str | Sequence[float], seed: int) -> tuple[dict[str, Tensor], dict]:
    if not isinstance(split, str):
        return make_splits(n, split, seed=seed), {
            "rule": "random",
            "fractions": list(check_fractions(split)),
            "seed": seed,
        }
    test = torch.arange(n - held_out, n)
    if split == "released":
        return dict(zip(NAMES, (torch.arange(n - held_out), test, test), strict=True)), {"rule": "released"}
    if split != "official":
        raise DataError(f"{unknown('split of mnist', split, ('official', 'released'))[:-1]}, or three shares.")
    order = torch.randperm(n - held_out, generator=torch.Generator().manual_seed(seed))
    validation, training = order[:VALIDATION].sort().values, order[VALIDATION:].sort().values
    return dict(zip(NAMES, (training, validation, test), strict=True)), {"rule": "official", "seed": seed}


def _folders(name: str) -> list[Path]:
    """Where to look: the data folder, then the cache, which are one where LATUNE_DATA is not set."""
    return list(dict.fromkeys([data_home() / name, cache_home() / name]))


def _on_hand(folders: Sequence[Path], names: Sequence[str]) -> Path | None:
    return next((folder / name for folder in folders for name in names if (folder / name).is_file()), None)


def _original(name: str) -> Path:
    """One of the four original files: where it lies, or downloaded."""
    folders = _folders("mnist")
    if path := _on_hand(folders, (f"{name}.gz", name)):
        return path
    try:
        return fetch([f"{mirror}{name}.gz" for mirror in MIRRORS], folders[-1] / f"{name}.gz", FILES[name])
    except DataError as error:
        raise DataError(
            f"{error}\nPut {', '.join(f'{each}.gz' for each in FILES)} into "
            f"{' or '.join(str(folder) for folder in folders)}, or set LATUNE_DATA to a folder that holds mnist/."
        ) from error


def _pictures(part: str, variant: str) -> Path:
    name = f"{part}-images-idx3-ubyte"
    if variant == "original":
        return _original(name)
    folders = _folders("morpho-mnist")
    if path := _on_hand(folders, (f"plain-{name}.gz", f"plain-{name}")):
        return path
    raise DataError(
        f"plain-{name}.gz is not on hand, and there is no mirror of it. Put it into "
        f"{' or '.join(str(folder) for folder in folders)}, or use variant='original'."
    )


def _measures(part: str, variant: str) -> Path | None:
    prefix = "plain-" if variant == "plain" else ""
    return _on_hand(_folders("morpho-mnist"), (f"{prefix}{part}-morpho.csv",))


def _checked(path: Path, n: int) -> np.ndarray:
    columns = numbers(read_table(path), MEASURES)
    if len(columns) != n:
        raise DataError(f"{path} has {len(columns):,} rows, but there are {n:,} images.")
    return columns

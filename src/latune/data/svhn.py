"""SVHN, format 2: house numbers cropped to 32x32, from the two `.mat` files as they are given out."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from latune.data.dataset import InMemory
from latune.data.digits import DIGIT
from latune.data.download import fetch, sha256_of
from latune.data.home import cache_home, data_home
from latune.data.splits import NAMES, check_fractions, make_splits
from latune.data.table import SHOWN, listed
from latune.errors import DataError, unknown

HOME = "http://ufldl.stanford.edu/housenumbers/"
FILES = {  # sha256 of the originals
    "train_32x32.mat": "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
    "test_32x32.mat": "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
}
SIDE = 32
ZERO = 10  # the label of the digit 0
VALIDATION = 5000  # of the training images, under split="official"; a tenth of them where they are few
HDF5 = b"\x89HDF\r\n\x1a\n"


def load(*, path: Path | str | None = None, split: str | Sequence[float] = "official", seed: int = 0) -> InMemory:
    """99,289 coloured digits of house numbers, 32x32, with their class.

    The files `train_32x32.mat` and `test_32x32.mat` are looked for in `svhn` in the folder of real data, and downloaded
    once (246 MB) where they are missing. Their label 10 is the digit 0.

    Args:
        path: the folder of the two files. None: `svhn`, as above.
        split: `official` keeps the 26,032 official test images and draws 5,000 of the others for validation; three
            shares split all of them.
        seed: of the split.

    Raises:
        DataError: a file is missing and cannot be downloaded, or is not of format 2: another kind of file, no `X` and
            `y`, other shapes or types, labels that do not match the images.

    Source: SVHN, Netzer, Wang, Coates, Bissacco, Wu, Ng 2011, http://ufldl.stanford.edu/housenumbers/
    """
    if isinstance(split, str) and split != "official":
        raise DataError(f"{unknown('split of svhn', split, ('official',))[:-1]}, or three shares.")
    files = [_file(name, path) for name in FILES]
    parts = [read_mat(file) for file in files]
    pixels = np.concatenate([images for images, _ in parts])
    labels = np.concatenate([classes for _, classes in parts])
    splits, rule = _splits(len(pixels), len(parts[1][0]), split, seed)
    return InMemory(
        name="svhn",
        shape=(3, SIDE, SIDE),
        attributes={DIGIT.name: DIGIT},
        values=torch.from_numpy(labels.astype(np.float32)[:, None]),
        splits=splits,
        provenance={
            "source": "SVHN, cropped digits",
            "licence": "non-commercial use only (Stanford, Google Street View)",
            "files": {file.name: sha256_of(file) for file in files},
            "split": rule,
            "attributes": "y of the same files",
        },
        pixels=torch.from_numpy(pixels),
    )


def read_mat(file: Path) -> tuple[UInt8[np.ndarray, "n 3 32 32"], UInt8[np.ndarray, " n"]]:
    """The images and digits of a file of format 2: `X` is uint8 `[32, 32, 3, n]`, `y` is `[n, 1]` from 1 to 10.

    Raises:
        DataError: the file is of another kind, or with all that is wrong with its arrays.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    with file.open("rb") as opened:
        head = opened.read(128 + 512 + len(HDF5))
    if head.startswith(b"MATLAB 7.3") or HDF5 in head:
        raise DataError(
            f"{file} is a MATLAB 7.3 (HDF5) file; format 2 of SVHN is MATLAB 5. Fetch it again from {HOME}, or save it "
            "in MATLAB by save(name, 'X', 'y', '-v7')."
        )
    if not head.startswith(b"MATLAB 5.0"):
        raise DataError(
            f"{file} is not a MATLAB file: it begins with {head[:10]!r}. Fetch {' and '.join(FILES)} from {HOME}."
        )
    try:
        found = loadmat(file, variable_names=("X", "y"))
    except (MatReadError, OSError, EOFError, ValueError, TypeError, KeyError, NotImplementedError, zlib.error) as error:
        raise DataError(f"{file} cannot be read: {error}. It may be cut short; fetch it again from {HOME}.") from error
    problems = [f"there is no array '{name}'; format 2 has X and y" for name in ("X", "y") if name not in found]
    if problems:
        raise DataError(listed(f"{file} cannot be used", problems))
    images, labels = np.asarray(found["X"]), np.asarray(found["y"])
    if images.ndim != 4 or images.shape[:3] != (SIDE, SIDE, 3) or images.dtype != np.uint8:
        problems.append(
            f"X is {images.dtype} of shape {images.shape}; it must be uint8 of shape ({SIDE}, {SIDE}, 3, images)"
        )
    if labels.size != max(labels.shape, default=0) or labels.dtype.kind not in "iuf":
        problems.append(f"y is {labels.dtype} of shape {labels.shape}; it must be one number for each image")
    elif images.ndim == 4 and labels.size != images.shape[3]:
        problems.append(f"y has {labels.size:,} labels, but X has {images.shape[3]:,} images")
    if not problems:
        labels = labels.reshape(-1)
        wrong = np.flatnonzero(~np.isin(labels, np.arange(1, ZERO + 1)))
        told = [
            f"the label of image {i + 1} is {labels[i]}; it must be 1 to {ZERO}, {ZERO} for 0" for i in wrong[:SHOWN]
        ]
        problems = told + ([f"... and {len(wrong) - SHOWN:,} more"] if len(wrong) > SHOWN else [])
    if problems:
        raise DataError(listed(f"{file} cannot be used", problems))
    return np.ascontiguousarray(images.transpose(3, 2, 0, 1)), (labels % ZERO).astype(np.uint8)


def _file(name: str, path: Path | str | None) -> Path:
    """One of the two files: where it lies, or downloaded."""
    if path is not None:
        file = Path(path).expanduser() / name
        if not file.is_file():
            raise DataError(f"There is no file {file}. Put {' and '.join(FILES)} there, from {HOME}.")
        return file
    places = list(dict.fromkeys([data_home() / "svhn" / name, cache_home() / "svhn" / name]))
    for place in places:
        if place.is_file():
            return place
    try:
        return fetch([HOME + name], places[-1], FILES[name])
    except DataError as error:
        folders = " or ".join(str(place.parent) for place in places)
        raise DataError(f"{error}\nPut {' and '.join(FILES)} into {folders}, or give path=FOLDER.") from error


def _splits(n: int, held_out: int, split: str | Sequence[float], seed: int) -> tuple[dict[str, Tensor], dict]:
    if not isinstance(split, str):
        fractions = check_fractions(split)
        return make_splits(n, fractions, seed=seed), {"rule": "random", "fractions": list(fractions), "seed": seed}
    rest = n - held_out
    if rest < 2:
        raise DataError(f"{rest} training image cannot be split into training and validation; give three shares.")
    order = torch.randperm(rest, generator=torch.Generator().manual_seed(seed))
    size = min(VALIDATION, max(1, rest // 10))
    parts = (order[size:].sort().values, order[:size].sort().values, torch.arange(rest, n))
    return dict(zip(NAMES, parts, strict=True)), {"rule": "official", "seed": seed}

"""Measurements kept on disk under the fingerprint of the images they were made from."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8

from latune.attributes.strokes import COLUMNS

VERSION = 1  # raise it whenever the measures change


def cached(
    folder: Path | None, images: UInt8[np.ndarray, "n h w"], measure: Callable[[], np.ndarray]
) -> Float64[np.ndarray, "n 6"]:
    """What `measure()` gives for these images, read from the folder where it was kept before; None keeps nothing."""
    if folder is None:
        return measure()
    content = np.ascontiguousarray(images)
    fingerprint = hashlib.sha256(f"morphology {VERSION} {content.shape} ".encode())
    fingerprint.update(content.data)
    path = Path(folder) / f"morphology-{fingerprint.hexdigest()[:32]}.npy"
    # A file cut short by a full disk or another program's hand is measured anew.
    with contextlib.suppress(FileNotFoundError, ValueError, EOFError):
        values = np.load(path, allow_pickle=False)
        if values.shape == (len(images), len(COLUMNS)) and values.dtype == np.float64:
            return values
    values = measure()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".morphology-", delete=False) as file:
        try:
            np.save(file, values, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink()
            raise
    return values

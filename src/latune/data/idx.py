"""IDX, the file format of MNIST: a big-endian header, then plain bytes."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from latune.errors import DataError

UNSIGNED_BYTES = 0x08


def read_idx(path: Path, axes: int) -> UInt8[np.ndarray, ...]:
    """Read an idx or idx.gz file of bytes with this many axes (3: images, 1: labels).

    Raises:
        DataError: no such file, a damaged gz, another kind of file, or one that is cut short.

    Source: the description of the format on http://yann.lecun.com/exdb/mnist/

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "labels-idx1-ubyte"
    >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    >>> read_idx(path, 1)
    array([7, 2, 1], dtype=uint8)
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} is damaged and cannot be unpacked ({error}). Delete it or put a good copy in its place."
        ) from error
    if len(content) < 4 or content[:2] != b"\0\0":
        raise DataError(f"{path} is not an idx file: it begins with {content[:4].hex(' ') or 'nothing'}, not 00 00 08.")
    kind, dimensions = content[2], content[3]
    if kind != UNSIGNED_BYTES or dimensions != axes:
        raise DataError(
            f"{path} is not the idx file expected: type {kind:#04x} with {dimensions} axes, "
            f"not unsigned bytes ({UNSIGNED_BYTES:#04x}) with {axes}. Are images and labels swapped?"
        )
    start = 4 + 4 * axes
    shape = tuple(int(size) for size in np.frombuffer(content[4 : start if len(content) >= start else 4], dtype=">u4"))
    needed = int(np.prod(shape, dtype=np.int64))
    if len(shape) < axes or len(content) - start != needed:
        sizes = " x ".join(str(size) for size in shape) or "no"
        raise DataError(
            f"{path} does not hold what its header says: {sizes} bytes are {needed:,}, but {len(content) - start:,} "
            "follow. Delete it or put a good copy in its place."
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)

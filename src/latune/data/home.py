"""Where data sets are read from, and where what was downloaded, decoded or measured is kept."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from latune.errors import DataError
from latune.files import whole


def cache_home() -> Path:
    """The folder Latune may write to: $LATUNE_CACHE, else `latune` in the user's cache folder.

    >>> cache_home().is_absolute()
    True
    """
    if chosen := os.environ.get("LATUNE_CACHE"):
        return Path(chosen).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "latune"


def data_home() -> Path:
    """The folder real data are looked for in first: $LATUNE_DATA (only ever read), else `cache_home()`.

    >>> data_home().is_absolute()
    True
    """
    if chosen := os.environ.get("LATUNE_DATA"):
        return Path(chosen).expanduser().absolute()
    return cache_home()


@contextmanager
def kept(path: Path) -> Iterator[Path]:
    """A temporary path for a file of the cache, which takes the name `path` when the block ends.

    Raises:
        DataError: the folder cannot be written to.
        DiskFull: the disk has no room.
    """
    try:
        with whole(path) as temporary:
            yield temporary
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise
        raise DataError(
            f"The cache folder {path.parent} cannot be written to ({error.strerror}). "
            "Set LATUNE_CACHE to a folder that can."
        ) from error

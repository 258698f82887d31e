"""A file of numbers as named columns: `.npy`, `.npz`, `.csv` and `.tsv`. Nothing is ever unpickled."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from latune.errors import DataError, unknown
from latune.matrices.text import WORDS, header, read_text

ALLOWED = ".npy, .npz, .csv or .tsv"
TEXT = (".csv", ".tsv")
INDEX = ("", "id")  # columns of these names are never measured: they say which row it is
SAVE = "numpy.save, numpy.savez, or a CSV file with a header"


@dataclass(frozen=True)
class Columns:
    """The columns of a file.

    Args:
        path: the file.
        columns: by name, each `[n]`: numbers, NaN where one is not known, or words, empty where one is not known.
        key: the array of an `.npz` file that they come from.
    """

    path: Path
    columns: Mapping[str, np.ndarray]
    key: str = ""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __str__(self) -> str:
        return f"{self.path}[{self.key}]" if self.key else str(self.path)


def read_columns(
    path: Path,
    what: str,
    *,
    key: str | None = None,
    taken: str | None = None,
    names: Sequence[str] | None = None,
    only: Collection[str] | None = None,
    classes: Collection[str] = (),
    ids: str | None = None,
) -> Columns:
    """Read a file's columns.

    Args:
        path: the file.
        what: "codes" or "attributes".
        key: the array of an `.npz` file; None takes the one called as `what`, or the only one that fits.
        taken: an array of an `.npz` file that is used for something else.
        names: of the columns of `.npy` and `.npz` files; "0", "1", ... unless given.
        only: the columns to read; None reads all.
        classes: the columns that may be words.
        ids: a column of a CSV file that stays as it is written.

    Raises:
        DataError: no such file, a format that is not read, or content that is not one row of numbers an example.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "codes.npy"
    >>> np.save(path, np.eye(3))
    >>> columns = read_columns(path, "codes")
    >>> len(columns), columns.columns["2"].tolist()
    (3, [0.0, 0.0, 1.0])
    """
    check_file(path, what)
    if path.suffix.lower() in TEXT:
        if names is not None:
            raise DataError(f"{path} names its columns itself: leave out --names, or choose some of them with --only.")
        known = header(path)
        kept = [name for name in known if name.lower() not in INDEX and name != ids and (only is None or name in only)]
        _named(path, [*(only or ()), *classes], known)
        return Columns(path, read_text(path, kept, classes, ids))
    array, key = _of_archive(path, what, key, taken) if path.suffix.lower() == ".npz" else (_of_npy(path), "")
    source = f"{path}[{key}]" if key else str(path)
    columns = array if isinstance(array, dict) else _split(array, source, what, names)
    if isinstance(array, dict) and names is not None:
        raise DataError(f"The arrays of {path} have names ({', '.join(columns)}): leave out --names.")
    _named(path, [*(only or ()), *classes], columns)
    columns = {name: column for name, column in columns.items() if only is None or name in only}
    for name, column in columns.items():
        _check_kind(source, name, column, name in classes)
    return Columns(path, columns, key)


def check_file(path: Path, what: str) -> None:
    """Raise where a file is not there or of a format that is not read."""
    if path.is_dir():
        raise DataError(f"{path} is a folder; the {what} come in one file, {ALLOWED}.")
    if not path.exists():
        raise DataError(f"There is no file {path}.")
    if path.suffix.lower() not in (".npy", ".npz", *TEXT):
        raise DataError(f"The {what} come as {ALLOWED}. Got {path}; write it with {SAVE}.")


def keys_of(path: Path) -> list[str]:
    """The names of the arrays in an `.npz` file."""
    with _archive(path) as archive:
        return list(archive.files)


def _of_npy(path: Path) -> np.ndarray:
    with _unpickled(path):
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(found, np.ndarray):
            raise DataError(f"{path} holds several arrays: call it .npz.")
        return found


def _of_archive(
    path: Path, what: str, key: str | None, taken: str | None
) -> tuple[np.ndarray | dict[str, np.ndarray], str]:
    """The array that is meant, and its key; or all arrays of one column each, by name, and no key."""
    arrays: dict[str, np.ndarray] = {}
    with _archive(path) as archive:
        if key is not None and key not in archive.files:
            raise DataError(unknown(f"array of {path}", key, archive.files))
        for name in archive.files if key is None else [key]:
            with _unpickled(path, name):
                arrays[name] = archive[name]
    if key is not None:
        return arrays[key], key
    arrays.pop(taken or "", None)
    shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in arrays.items()) or "nothing"
    fits = [name for name, array in arrays.items() if array.ndim == 2]
    if what in fits:
        fits = [what]
    if len(fits) == 1:
        return arrays[fits[0]], fits[0]
    rows = {name: array for name, array in arrays.items() if array.ndim == 1}
    if what == "attributes" and not fits and rows and len({len(array) for array in rows.values()}) == 1:
        return rows, ""
    need = "[n, d]" if what == "codes" else "[n, L], or columns [n] of one length"
    raise DataError(
        f"{path} holds {shapes}; which are the {what}, {need}? Choose one with --key NAME"
        f"{' (codes first, where both files are .npz)' if what == 'codes' else ''}."
    )


def _split(array: np.ndarray, source: str, what: str, names: Sequence[str] | None) -> dict[str, np.ndarray]:
    """The columns of an array, under their names."""
    if array.ndim == 1 and what == "attributes":
        array = array[:, None]
    if array.ndim != 2:
        columns = "one column per dim" if what == "codes" else "one column per attribute"
        raise DataError(
            f"{source} has shape {list(array.shape)}; the {what} are [n, {'d' if what == 'codes' else 'L'}]: "
            f"one row per example, {columns}."
        )
    if 0 in array.shape:
        raise DataError(f"{source} is empty: its shape is {list(array.shape)}.")
    labels = [str(i) for i in range(array.shape[1])] if names is None else list(names)
    if len(labels) != array.shape[1] or len(set(labels)) < len(labels):
        raise DataError(
            f"{source} has {array.shape[1]} columns and --names gives {', '.join(labels)}: give one name to each, "
            "all different."
        )
    return {label: array[:, i] for i, label in enumerate(labels)}


def _check_kind(source: str, name: str, column: np.ndarray, is_class: bool) -> None:
    if column.dtype.kind == "U" and not is_class:
        words = ", ".join(f"'{word}'" for word in dict.fromkeys(column[:1000].tolist()[:3]))
        raise DataError(f"{source} cannot be used: {WORDS.format(name=name, words=words)}.")
    if column.dtype.kind not in "fiubU":
        raise DataError(
            f"{source}: column '{name}' holds {column.dtype} values; it must hold numbers, or words of text."
        )


def _named(path: Path, wanted: Sequence[str], columns: Collection[str]) -> None:
    for name in wanted:
        if name not in columns:
            raise DataError(unknown(f"column of {path}", name, [each for each in columns if each]))


@contextmanager
def _archive(path: Path) -> Iterator[NpzFile]:
    with path.open("rb") as file:
        with _unpickled(path):
            archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, NpzFile):
            raise DataError(f"{path} is not an .npz file; if it holds one array, call it .npy.")
        with archive:
            yield archive


@contextmanager
def _unpickled(path: Path, key: str = "") -> Iterator[None]:
    """Say what a file is that numpy cannot read as plain numbers."""
    what = f"{path}[{key}]" if key else str(path)
    try:
        yield
    except ValueError as error:
        if "pickle" in str(error) or "Python objects" in str(error):
            raise DataError(
                f"{what} is no array of plain numbers. If it holds pickled Python objects: those are never loaded, "
                f"because they may run any code. Write plain numbers with {SAVE}."
            ) from error
        raise DataError(f"{what} cannot be read: {error}. Write it again with {SAVE}.") from error
    except (EOFError, zipfile.BadZipFile, KeyError) as error:
        raise DataError(f"{what} is damaged ({error}). Write it again with {SAVE}.") from error

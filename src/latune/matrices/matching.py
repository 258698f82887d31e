"""Codes beside the attributes of the same examples: the rows that belong together, and what is left out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from latune.errors import DataError, unknown
from latune.matrices.columns import INDEX, TEXT, Columns, check_file, keys_of, read_columns
from latune.matrices.text import header, read_text
from latune.metrics.evidence import FEWEST_ROWS, LEAST_VARIANCE, SAME

USEFUL_ROWS = 500  # below, the metrics mean little
FEW_VALUES = 20  # an attribute of so many whole numbers may well be classes


@dataclass(frozen=True)
class Matrices:
    """Codes and attributes of the same examples, from files.

    Args:
        codes: one row per example, one column per dim.
        values: one row per example, one column per attribute; classes as indices; NaN where not known.
        dims: names of the dims.
        names: of the attributes.
        discrete: which attributes are classes.
        classes: for attributes that are words, what the indices stand for.
        files: where they come from.
        of: how many examples the files hold, of which these are some.
        notes: what was left out, and what the reader of the scores should know.
    """

    codes: Float64[np.ndarray, "n d"]
    values: Float64[np.ndarray, "n L"]
    dims: tuple[str, ...]
    names: tuple[str, ...]
    discrete: tuple[bool, ...]
    classes: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    of: int = 0
    notes: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Equal where the same attributes of the same examples are measured."""
        return hashlib.sha256(np.ascontiguousarray(self.values).tobytes()).hexdigest()


def read_matrices(
    codes: Path | str,
    attributes: Path | str,
    *,
    keys: Sequence[str] = (),
    names: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
    classes: Sequence[str] = (),
    ids: str | None = None,
    limit: int | None = None,
) -> Matrices:
    """Read codes and attributes and put the rows of the same examples beside each other.

    Rows are matched by a column of ids where both files are CSV and have one in common: any column of words, or one
    that is called `id` or has no name. Otherwise row i of both files is example i.

    Args:
        codes: `[n, d]` in a `.npy`, `.npz`, `.csv` or `.tsv` file.
        attributes: `[n, L]`, likewise.
        keys: the arrays to take from `.npz` files, those of codes first.
        names: of the attributes in a `.npy` or `.npz` file; "0", "1", ... unless given.
        only: the attributes to keep; None keeps all.
        classes: the attributes that are classes; words become indices in sorted order.
        ids: the column that says which rows belong together.
        limit: most examples, evenly spread over the file.

    Raises:
        DataError: what cannot be read or matched: see the messages.
    """
    paths = {"codes": Path(codes), "attributes": Path(attributes)}
    for what, path in paths.items():
        check_file(path, what)
    if limit is not None and limit < FEWEST_ROWS:
        raise DataError(f"--limit is {FEWEST_ROWS} rows or more. Got {limit}.")
    ids = _ids(paths["codes"], paths["attributes"], ids)
    chosen = _keys(paths, keys)
    z = read_columns(paths["codes"], "codes", key=chosen["codes"], ids=ids)
    a = read_columns(
        paths["attributes"],
        "attributes",
        key=chosen["attributes"],
        taken=z.key if paths["codes"] == paths["attributes"] else None,
        names=names,
        only=None if only is None else list(only),
        classes=classes,
        ids=ids,
    )
    dims = [name for name in z.columns if name != ids]
    kept = [name for name in a.columns if name != ids]
    for columns, left, what in ((z, dims, "code"), (a, kept, "attribute")):
        if not left:
            raise DataError(f"{columns} has no column of {what}s beside the ids.")
    notes = _indexes(paths, ids)
    rows, others, told = _rows(z, a, ids)
    notes += told
    of = len(rows)
    if limit is not None and limit < of:
        spread = np.linspace(0, of - 1, limit).round().astype(np.int64)
        rows, others = rows[spread], others[spread]
        notes.append(f"{limit:,} of {of:,} examples, evenly spread.")
    matrix = np.empty((len(rows), len(dims)))
    for i, name in enumerate(dims):
        matrix[:, i] = z.columns[name][rows]
    _complete(z, matrix, dims)
    values, words = np.empty((len(rows), len(kept))), {}
    for i, name in enumerate(kept):
        column = a.columns[name]
        if column.dtype.kind == "U":
            column, words[name] = _indices(column)
        values[:, i] = column[others]
    varied = _varied(a, values, kept, notes)
    notes += _cautions(matrix, values[:, varied], [kept[i] for i in varied], classes, words)
    return Matrices(
        matrix,
        np.ascontiguousarray(values[:, varied]),
        tuple(dims),
        tuple(kept[i] for i in varied),
        tuple(kept[i] in classes for i in varied),
        {name: words[name] for name in kept if name in words},
        {"codes": str(z), "attributes": str(a)},
        of,
        tuple(notes),
    )


def _keys(paths: dict[str, Path], keys: Sequence[str]) -> dict[str, str | None]:
    """Which array is taken from which `.npz` file."""
    archives = [what for what, path in paths.items() if path.suffix.lower() == ".npz"]
    if len(keys) > len(archives):
        raise DataError(f"--key names one array for each .npz file: here {len(archives)}. Got {', '.join(keys)}.")
    chosen: dict[str, str | None] = dict.fromkeys(paths)
    if len(keys) == len(archives):
        return chosen | dict(zip(archives, keys, strict=True))
    if keys:  # one for two files: it is of whichever has it
        held = {what: keys_of(paths[what]) for what in archives}
        if not any(keys[0] in files for files in held.values()):
            raise DataError(unknown("array", keys[0], {name for files in held.values() for name in files}))
        owner = next(what for what in archives if keys[0] in held[what])
        chosen[owner] = keys[0]
        if paths["codes"] != paths["attributes"] and all(keys[0] in files for files in held.values()):
            chosen = dict.fromkeys(paths, keys[0])
    return chosen


def _ids(codes: Path, attributes: Path, wanted: str | None) -> str | None:
    """The column of ids that both files have, if they have one."""
    if not all(path.suffix.lower() in TEXT for path in (codes, attributes)):
        if wanted is not None:
            raise DataError("--id names a column of two CSV files; of others, row i of both is example i.")
        return None
    heads = {path: header(path) for path in (codes, attributes)}
    if wanted is not None:
        for path, names in heads.items():
            if wanted not in names:
                raise DataError(unknown(f"column of {path}", wanted, [name for name in names if name]))
    if codes.samefile(attributes):
        raise DataError(f"{codes} is given as codes and as attributes; they are two files, or two arrays of one .npz.")
    shared = [name for name in heads[codes] if name in heads[attributes] and name != wanted]
    if wanted is None and len(shared) == 1:
        wanted = shared.pop()
        if wanted.lower() not in INDEX and _all_numbers(codes, wanted) and _all_numbers(attributes, wanted):
            raise DataError(
                f"Both files have a column '{wanted}' of numbers. If it says which rows belong together, say so with "
                f"--id {wanted}; otherwise call it differently in one of them: nothing is both a code and an attribute."
            )
    if shared := [name for name in shared if name.lower() not in INDEX and name != wanted]:
        raise DataError(
            f"Both files have the columns {', '.join(shared)}. Say with --id which one tells which rows belong "
            "together, and remove the others from one of the files: nothing is both a code and an attribute."
        )
    return wanted


def _all_numbers(path: Path, name: str) -> bool:
    return read_text(path, [name], classes=[name])[name].dtype.kind == "f"


def _indexes(paths: dict[str, Path], ids: str | None) -> list[str]:
    """A note for each column that numbers the rows of its own file only."""
    found = []
    for path in paths.values():
        for name in header(path) if path.suffix.lower() in TEXT else ():
            if name != ids and name.lower() in INDEX:
                called = f"column '{name}'" if name else "first column, which has no name,"
                found.append(f"The {called} of {path} was taken for an index and left out.")
    return found


def _rows(z: Columns, a: Columns, ids: str | None) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The rows of both that belong together, in the order of the codes."""
    if ids is None:
        if len(z) != len(a):
            raise DataError(
                f"{z} has {len(z):,} rows and {a} has {len(a):,}; row i of both must be example i. "
                "Two CSV files can be matched by a column of ids that both have."
            )
        rows = np.arange(len(z))
        return rows, rows, []
    for columns in (z, a):
        seen, times = np.unique(columns.columns[ids], return_counts=True)
        if (times > 1).any():
            twice = seen[times > 1]
            raise DataError(
                f"{columns}: the ids in column '{ids}' must differ; '{twice[0]}' is there {times.max()} times"
                f"{f', and {len(twice) - 1:,} more are repeated' if len(twice) > 1 else ''}."
            )
    shared, rows, others = np.intersect1d(z.columns[ids], a.columns[ids], assume_unique=True, return_indices=True)
    if not len(shared):
        raise DataError(
            f"No id of {z} is in {a}: '{z.columns[ids][0]}' beside '{a.columns[ids][0]}', in column '{ids}'."
        )
    order = np.argsort(rows)
    called = f"'{ids}'" if ids else "without a name"
    told = [f"Rows were matched by the column {called}."]
    told += [
        f"{len(columns) - len(shared):,} of {len(columns):,} rows of {columns} have no partner."
        for columns in (z, a)
        if len(columns) > len(shared)
    ]
    return rows[order], others[order], told


def _complete(z: Columns, matrix: np.ndarray, dims: Sequence[str]) -> None:
    missing = np.isnan(matrix)
    if missing.any():
        row, dim = np.argwhere(missing)[0]
        raise DataError(
            f"{z}: {int(missing.sum()):,} codes are missing or NaN, the first in row {row + 1}, column '{dims[dim]}'. "
            "Only attributes may be missing: remove those rows from both files."
        )


def _indices(words: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Words as indices of the sorted classes; NaN for an empty one."""
    labels, index = np.unique(words, return_inverse=True)
    values = index.astype(np.float64)
    if len(labels) and labels[0] == "":
        values = np.where(values == 0, np.nan, values - 1)
        labels = labels[1:]
    return values, labels.tolist()


def _varied(a: Columns, values: np.ndarray, names: Sequence[str], notes: list[str]) -> list[int]:
    """The attributes that can be measured; a note says what is wrong with the others."""
    kept, wrong = [], []
    for i, name in enumerate(names):
        known = values[~np.isnan(values[:, i]), i]
        if len(known) < FEWEST_ROWS:
            wrong.append(f"'{name}' is known for {len(known)} of {len(values):,} examples")
        elif np.isfinite(known).all() and np.ptp(known) <= SAME * np.abs(known).max():
            wrong.append(f"'{name}' has the same value in every example")
        else:
            kept.append(i)
    if not kept:
        raise DataError(f"{a}: no attribute can be measured: {'; '.join(wrong)}.")
    notes += [f"Left out: {said}." for said in wrong]
    return kept


def _cautions(
    matrix: np.ndarray,
    values: np.ndarray,
    names: Sequence[str],
    classes: Sequence[str],
    words: dict[str, list[str]],
) -> list[str]:
    """What the reader of the scores should know about these data."""
    n, d = matrix.shape
    notes = []
    if n < USEFUL_ROWS:
        notes.append(f"Only {n} examples: below {USEFUL_ROWS} the scores depend much on which ones, and mean little.")
    if np.isfinite(matrix).all() and (matrix.var(axis=0) < LEAST_VARIANCE).all():
        notes.append("All dims are constant (variance below 1e-12): every score is 0 by definition.")
    if d > n:
        notes.append(f"More dims ({d}) than examples ({n}): some dim goes with an attribute by chance alone.")
    known = (~np.isnan(values)).sum(axis=0)
    if (known < n).any():
        some = ", ".join(f"{name} {count:,}" for name, count in zip(names, known, strict=True) if count < n)
        notes.append(f"Not known for all {n:,} examples, and scored on those that are known: {some}.")
    for name, column in zip(names, values.T, strict=True):
        seen = np.unique(column[~np.isnan(column)])
        if name not in classes and len(seen) <= min(FEW_VALUES, n // 3) and (seen == np.round(seen)).all():
            notes.append(
                f"'{name}' has {len(seen)} different whole values and is measured as a number. If they are classes: "
                f"--classes {name}."
            )
    notes += [
        f"'{name}' is words: scores that take attributes as numbers (interpretability, scc, sap) see its classes in "
        "alphabetical order; those of information (mig, modularity) see classes."
        for name, labels in words.items()
        if len(labels) > 2 and name in names
    ]
    return notes

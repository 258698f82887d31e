"""The attributes of a folder of images: from its CSV file, or from its sub-folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from latune.data.kinds import Column, column
from latune.data.listing import Listing
from latune.data.table import Table, attribute_columns, read_table, some
from latune.errors import DataError, LatuneError, did_you_mean, unknown

FILE = "file"  # the column with the names of the files; the first one where none is called so
CLASS = "class"  # the attribute that sub-folders give


@dataclass
class Labels:
    """Columns in the order of the listing, where they came from, and everything that is wrong with them."""

    source: str
    columns: dict[str, Column] = field(default_factory=dict)
    absent: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_labels(
    listing: Listing,
    csv: Path | str | None = None,
    names: Sequence[str] | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Labels:
    """The attributes of the images of a folder.

    Args:
        listing: of the folder.
        csv: the CSV file; None takes the one in the folder, and sub-folders as classes where there is none.
        names: the columns to use; None takes all.
        kinds: the kind of some attributes, where the inferred one is not right.

    Raises:
        DataError: the CSV file cannot be read at all, or there are several in the folder and none was named.
    """
    if csv is None and len(listing.tables) > 1:
        found = ", ".join(path.name for path in listing.tables)
        raise DataError(f"{listing.root} holds several CSV files ({found}). Name the one to use.")
    path = Path(csv).expanduser() if csv is not None else next(iter(listing.tables), None)
    labels = _from_table(listing, read_table(path), names, kinds or {}) if path else _from_folders(listing, kinds or {})
    known = list(labels.absent)
    for what, wanted in (("attribute", names or ()), ("attribute in kinds", kinds or ())):
        if what == "attribute" and path:
            continue  # told by _from_table
        labels.problems += [unknown(what, name, known) for name in wanted if name not in known]
    if names is not None:
        labels.columns = {name: labels.columns[name] for name in names if name in labels.columns}
    return labels


def _from_folders(listing: Listing, kinds: Mapping[str, str]) -> Labels:
    labels = Labels("sub-folders")
    folders = listing.classes
    loose = [name for name, folder in zip(listing.files, folders, strict=True) if not folder]
    if loose and len(loose) < len(folders):
        labels.problems.append(
            f"{len(loose):,} files lie beside the sub-folders, e.g. {loose[0]}. Without a CSV file every sub-folder "
            "is a class: move these into one, or give a CSV file."
        )
    elif len(set(folders)) > 1:
        labels.absent[CLASS] = 0
        try:
            labels.columns[CLASS] = column(CLASS, np.array(folders), kinds.get(CLASS))
        except LatuneError as error:
            labels.problems.append(str(error))
    else:
        labels.source = "none"
    return labels


def _from_table(listing: Listing, table: Table, names: Sequence[str] | None, kinds: Mapping[str, str]) -> Labels:
    labels = Labels(str(table.path), problems=list(table.problems))
    key = FILE if FILE in table.columns else next(iter(table.columns))
    others = [name for name in table.columns if name != key]
    for name in names or ():
        if name not in others:
            labels.problems.append(f"{table.path.name}: {unknown('column', name, others)}")
    wanted = others if names is None else [name for name in names if name in others]
    columns, labels.absent, problems = attribute_columns(table, wanted, kinds)
    labels.problems += problems
    given = table.columns[key]
    place = {name: i for i, name in enumerate(given)}
    repeated = [
        f"line {line}: {name} again"
        for i, (name, line) in enumerate(zip(given, table.lines, strict=True))
        if place[name] != i
    ]
    files = set(listing.files)
    lost = []
    for name, line in zip(given, table.lines, strict=True):
        if name not in files:
            # A search through all names for each of many rows would take minutes.
            hint = did_you_mean(name, listing.files) if len(lost) < 3 and len(files) < 5000 else ""
            lost.append(f"line {line}, column '{key}': there is no file {name or '(empty)'}. {hint}".rstrip())
    unlabelled = [f"{name} has no row" for name in listing.files if name not in place]
    for sort in (lost, unlabelled, repeated):
        labels.problems += some(sort, f"{table.path.name}: ")
    if labels.problems:
        labels.columns = columns
        return labels
    order = np.array([place[name] for name in listing.files])
    labels.columns = {name: replace(each, values=each.values[order]) for name, each in columns.items()}
    return labels

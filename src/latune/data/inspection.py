"""Look at a folder of images before training on it: what is there, and everything that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latune.data.decoding import decoded, read_headers
from latune.data.labels import read_labels
from latune.data.listing import list_folder
from latune.data.table import some

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class ColumnReport:
    """One attribute column: kind, range and classes are empty where the column cannot be used."""

    name: str
    kind: str | None
    range: tuple[float, float] | None
    classes: tuple[str, ...]
    missing: int


@dataclass(frozen=True)
class Inspection:
    """What lies in a folder of images.

    Args:
        path: of the folder.
        n: how many images.
        size: height and width of all images, or None where they differ.
        sizes: how many images of each "width x height", the most frequent first.
        mode: `grey` or `colour`.
        source: where the attributes come from: a CSV file, sub-folders, or none.
        columns: the attributes.
        problems: everything that stands in the way of training, as sentences.
        notes: what does not, but is worth knowing.
    """

    path: str
    n: int
    size: tuple[int, int] | None
    sizes: dict[str, int]
    mode: str
    source: str
    columns: tuple[ColumnReport, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)

    def table(self) -> Table:
        """A table for the terminal."""
        from rich.markup import escape
        from rich.table import Table

        shown = ", ".join(f"{size} ({n:,})" for size, n in list(self.sizes.items())[:4])
        told = [*(self.problems or ["no problems found"]), *(f"note: {note}" for note in self.notes)]
        table = Table(
            title=escape(f"{self.path}: {self.n:,} {self.mode} images, {shown or 'no size'}"),
            caption=escape("\n".join(told)),
            caption_justify="left",
        )
        for heading in ("attribute", "kind", "range or classes", "missing"):
            table.add_column(heading)
        for column in self.columns:
            low_high = f"{column.range[0]:.4g} to {column.range[1]:.4g}" if column.range else ""
            classes = ", ".join(column.classes[:8]) + (", ..." if len(column.classes) > 8 else "")
            table.add_row(escape(column.name), column.kind or "-", escape(classes or low_high), f"{column.missing:,}")
        return table


def inspect(path: Path | str, attributes: Path | str | Sequence[str] | None = None) -> Inspection:
    """Look at a folder of images and its attributes; all problems are found in one go, none is raised.

    Every file is decoded once, so that a damaged one shows.

    Args:
        path: a folder of images.
        attributes: the CSV file (None: the one in the folder, else its sub-folders), or names of its columns.

    Raises:
        DataError: there is no such folder, no file in it, or the CSV file cannot be read at all.

    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in "abcd":
    ...     Image.new("L", (8, 8)).save(folder / f"{name}.png")
    >>> _ = (folder / "a.csv").write_text("file,age\\na.png,3.5\\nb.png,4.5\\nc.png,\\nd.png,7")
    >>> inspect(folder).problems
    ("a.csv: a value is missing: line 4, column 'age': empty",)
    """
    listing = list_folder(path)
    csv, names = (attributes, None) if isinstance(attributes, str | Path) else (None, attributes)
    labels = read_labels(listing, csv, names)
    headers = read_headers(listing)
    problems = list(headers.problems)
    if headers.mixed:
        problems.append(headers.mixed)
    if not problems:
        size = next(iter(headers.sizes))
        problems += some([each for each in decoded(listing, size, headers.colour) if isinstance(each, str)])
    columns = []
    for name, missing in labels.absent.items():
        column = labels.columns.get(name)
        attribute = column.attribute if column else None
        columns.append(
            ColumnReport(
                name,
                attribute.kind if attribute else None,
                attribute.range if attribute else None,
                column.classes if column else (),
                missing,
            )
        )
    return Inspection(
        path=str(path),
        n=len(listing.files),
        size=next(iter(headers.sizes)) if len(headers.sizes) == 1 else None,
        sizes={f"{w}x{h}": n for (h, w), n in headers.sizes.most_common()},
        mode="colour" if headers.colour else "grey",
        source=labels.source,
        columns=tuple(columns),
        problems=(*problems, *labels.problems),
        notes=tuple(
            f"column '{name}' has one value only; there is nothing to learn from it"
            for name, column in labels.columns.items()
            if len(np.unique(column.values)) == 1
        ),
    )

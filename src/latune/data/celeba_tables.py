"""CelebA's tables: the attributes and the partition of every image, as text or CSV files, every mistake by its line."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from latune.data.archives import Holding, Member, reader
from latune.data.table import SHOWN, listed, some
from latune.errors import DataError

ATTRIBUTES = ("list_attr_celeba.txt", "list_attr_celeba.csv", "attributes.csv")
PARTITION = ("list_eval_partition.txt", "list_eval_partition.csv")
KEY = "image_id"
PART = "partition"
IDENTITY = "identity"  # who a person is: never given out


@dataclass(frozen=True)
class Sheet:
    """Whole numbers by row and column: `values[i]` belongs to `keys[i]` and stands in line `lines[i]` of `source`."""

    source: str
    keys: list[str]
    columns: list[str]
    values: Int[np.ndarray, "n columns"]
    lines: list[int]


@dataclass(frozen=True)
class Faces:
    """What is known of every image: attributes as 0 or 1, and its part (0, 1, 2) where that is known.

    `images` are names of files without their ending: JPEG and PNG versions have the same ones.
    """

    source: str
    images: list[str]
    attributes: list[str]
    values: Int[np.ndarray, "n attributes"]
    parts: Int[np.ndarray, " n"] | None


def find_tables(holding: Holding, root: Path) -> tuple[Member, Member | None]:
    """The table of attributes and that of the partition, beside the images or in their archives.

    Raises:
        DataError: there is no table of attributes.
    """
    beside = [Member(path) for path in holding.beside]
    attributes, partition = _named(beside, ATTRIBUTES), _named(beside, PARTITION)
    if attributes is None:
        inside = list(holding.members((".txt", ".csv")))
        attributes, partition = _named(inside, ATTRIBUTES), partition or _named(inside, PARTITION)
    if attributes is None:
        raise DataError(
            f"There is no table of attributes in {root}. Put {ATTRIBUTES[0]} there, or {ATTRIBUTES[2]} with a column "
            f"'{KEY}' and one column an attribute."
        )
    return attributes, partition


def _named(members: list[Member], names: tuple[str, ...]) -> Member | None:
    return next((member for name in names for member in members if member.name == name), None)


def read_faces(attributes: Member, partition: Member | None) -> Faces:
    """The rows of both tables.

    Raises:
        DataError: with all that is wrong, by line and column.
    """
    with reader() as read:
        sheet = read_sheet(read(attributes), attributes.name)
        second = read_sheet(read(partition), partition.name) if partition else None
    names = [name for name in sheet.columns if name not in (PART, IDENTITY)]
    columns = [sheet.columns.index(name) for name in names]
    values = sheet.values[:, columns]
    images = [_stem(key) for key in sheet.keys]
    problems = _repeated(sheet, images)
    wrong = np.argwhere(~np.isin(values, (-1, 0, 1)))
    problems += _some(
        [
            f"line {sheet.lines[i]}, column '{names[j]}': {values[i, j]} is not -1, 0 or 1"
            for i, j in wrong[: SHOWN + 1]
        ],
        sheet.source,
        len(wrong),
    )
    parts: np.ndarray | None = None
    if second is not None:
        place = {_stem(key): i for i, key in enumerate(second.keys)}
        problems += _repeated(second, list(map(_stem, second.keys)))
        lost = [f"{image} has no row" for image in images if image not in place]
        problems += some(lost, f"{second.source}: ")
        if not lost:
            parts = second.values[[place[image] for image in images], 0]
    elif PART in sheet.columns:
        parts = sheet.values[:, sheet.columns.index(PART)]
    if parts is not None and (wrong := np.flatnonzero(~np.isin(parts, (0, 1, 2)))).size:
        told = [f"{images[i]}: partition {parts[i]} is not 0, 1 or 2" for i in wrong[: SHOWN + 1]]
        problems += _some(told, (second or sheet).source, len(wrong))
    if problems:
        raise DataError(listed(f"{attributes.source} cannot be used", problems))
    return Faces(sheet.source, images, [name.lower() for name in names], (values > 0).astype(np.int8), parts)


def read_sheet(content: bytes, source: str) -> Sheet:
    """A table of whole numbers: the official text files, or a CSV file with a header.

    Raises:
        DataError: not text, empty, cut short, or rows that are not a name and whole numbers, by line.

    >>> sheet = read_sheet(b"2\\nBald Smiling\\n000001.jpg -1  1\\n000002.jpg  1  1\\n", "list_attr_celeba.txt")
    >>> sheet.keys, sheet.columns, sheet.values.tolist()
    (['000001.jpg', '000002.jpg'], ['Bald', 'Smiling'], [[-1, 1], [1, 1]])
    >>> read_sheet(b"000001.jpg 0\\n", "list_eval_partition.txt").columns
    ['partition']
    """
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{source} is not UTF-8 text.") from error
    rows = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise DataError(f"{source} is empty.")
    comma = "," in rows[0][1]
    first = [cell.strip() for cell in (rows[0][1].split(",") if comma else rows[0][1].split())]
    promised = int(first[0]) if len(first) == 1 and first[0].isdigit() else None
    if comma:
        key, *columns = first
        if key not in (KEY, "file"):
            raise DataError(f"{source}: the first column is '{key}'; it must be '{KEY}', the names of the image files.")
        rows = rows[1:]
    elif promised is not None:
        columns, rows = rows[1][1].split() if len(rows) > 1 else [], rows[2:]
    else:
        columns = [PART]
    if "" in columns or len(set(columns)) != len(columns) or not columns:
        raise DataError(f"{source}: every column needs a name of its own. Got: {', '.join(columns) or 'no columns'}.")
    if promised is not None and promised != len(rows):
        raise DataError(
            f"{source} says that it has {promised:,} rows, but has {len(rows):,}. It may be cut short; fetch it again."
        )
    if not rows:
        raise DataError(f"{source} has no rows.")
    texts = [(line.replace(",", " ") if comma else line).split(None, 1) for _, line in rows]
    keys, cells = [text[0] for text in texts], [text[1] if len(text) > 1 else "" for text in texts]
    numbers = [number for number, _ in rows]
    return Sheet(source, keys, columns, _whole_numbers(source, columns, cells, numbers), numbers)


def _whole_numbers(source: str, columns: list[str], cells: list[str], lines: list[int]) -> Int[np.ndarray, "n columns"]:
    """The cells of all rows as numbers, read in one sweep; what hinders that is looked for only then."""
    counts = [len(row.split()) for row in cells]
    wrong = [
        f"line {line} has {count} values for {len(columns)} columns"
        for line, count in zip(lines, counts, strict=True)
        if count != len(columns)
    ]
    if not wrong:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return np.fromstring("\n".join(cells), sep=" ", dtype=np.int32).reshape(-1, len(columns))
        except (ValueError, DeprecationWarning):
            wrong = [
                f"line {line}, column '{name}': '{cell}' is not a whole number"
                for line, row in zip(lines, cells, strict=True)
                for name, cell in zip(columns, row.split(), strict=True)
                if not cell.lstrip("+-").isdigit()
            ]
    raise DataError(listed(f"{source} cannot be used", some(wrong)))


def _stem(name: str) -> str:
    return Path(name).stem


def _repeated(sheet: Sheet, images: list[str]) -> list[str]:
    place = {image: i for i, image in enumerate(images)}
    if len(place) == len(images):
        return []
    again = [f"line {sheet.lines[i]}: {image} again" for i, image in enumerate(images) if place[image] != i]
    return some(again, f"{sheet.source}: ")


def _some(first: list[str], source: str, n: int) -> list[str]:
    """The first few of `n` problems, and how many more there are."""
    more = [f"{source}: ... and {n - SHOWN:,} more"] if n > SHOWN else []
    return [f"{source}: {problem}" for problem in first[:SHOWN]] + more

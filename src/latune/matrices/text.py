"""CSV files of numbers, read a piece at a time: memory holds the numbers and one piece of text."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice, repeat
from pathlib import Path
from typing import TextIO

import numpy as np

from latune.errors import DataError

MISSING = frozenset({"", "nan", "na", "n/a", "null", "none"})  # cells that stand for no value, in any case
ROWS = 20_000  # read at once
LARGE = 1_000_000  # bytes of a file that is worth two attempts
SHOWN = 3  # so many wrong cells or rows are told one by one


def header(path: Path) -> list[str]:
    """The names of a CSV file's columns.

    Raises:
        DataError: no such file, not text, empty, or a first line that names nothing or something twice.
    """
    with _reader(path) as rows:
        names = [name.strip() for name in next(rows, (0, []))[1]]
    if not any(names):
        raise DataError(f"{path} is empty; its first line must name the columns.")
    if all(_is_number(name) for name in names):
        raise DataError(
            f"{path} has no header: its first line holds numbers ({', '.join(names[:3])}, ...). "
            "Put a line with the names of the columns above it."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "" in names[1:]:  # the first may be nameless: it is how tables with an index are written
        what = f"'{twice[0]}' is there {names.count(twice[0])} times" if twice and twice[0] else "one has none"
        raise DataError(f"{path}: every column needs a name of its own; {what}.")
    return names


def read_text(
    path: Path, names: Collection[str], classes: Collection[str] = (), ids: str | None = None
) -> dict[str, np.ndarray]:
    """These columns of a CSV file, in the file's order: numbers, NaN where a cell is empty, or words.

    Args:
        path: the file, with a header; commas, semicolons or tabs.
        names: the columns to read.
        classes: of these, the columns that are words where they are not numbers.
        ids: a column that stays as it is written.

    Raises:
        DataError: rows of different lengths, or cells that are no numbers in a column that is not of classes.
    """
    known = header(path)
    wanted, width = [(i, name) for i, name in enumerate(known) if name in names or name == ids], len(known)
    columns = [Column(name, name == ids or name in classes) for _, name in wanted]
    whole = _all_at_once(path, [name in names and name not in classes and name != ids for name in known])
    if whole is not None:
        for column, (i, _) in zip(columns, wanted, strict=True):
            if column.keep:
                column.add(whole[f"f{i}"].tolist(), [])
            else:
                column.numbers.append(np.ascontiguousarray(whole[f"f{i}"]))
        return {column.name: column.values(column.name == ids) for column in columns}
    ragged: list[str] = []
    with _reader(path) as rows:
        next(rows, None)
        while piece := list(islice(rows, ROWS)):
            whole = [(line, row) for line, row in piece if len(row) == width]
            if len(whole) < len(piece):
                ragged += [f"line {line} has {len(row)} cells" for line, row in piece if len(row) != width]
            lines, cells = [line for line, _ in whole], [row for _, row in whole]
            for column, (i, _) in zip(columns, wanted, strict=True):
                column.add([row[i] for row in cells], lines)
    problems = [f"{_some(ragged)}, the header {width}"] if ragged else []
    problems += [said for column in columns if column.name not in classes and (said := column.problem(ids))]
    if problems:
        listed = problems[0] if len(problems) == 1 else "".join(f"\n  - {problem}" for problem in problems)
        raise DataError(f"{path} cannot be used: {listed}.")
    return {column.name: column.values(column.name == ids) for column in columns}


def _all_at_once(path: Path, numeric: list[bool]) -> np.ndarray | None:
    """A table of tidy cells by numpy's own reader, which is many times faster; None where a closer look is needed."""
    if path.stat().st_size < LARGE:
        return None
    kinds = [(f"f{i}", np.float64 if flag else object) for i, flag in enumerate(numeric)]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = _delimiter(path, file)
            while not (first := file.readline()).strip():
                pass
            if first.count('"') % 2:
                return None
            return np.loadtxt(file, np.dtype(kinds), comments=None, delimiter=delimiter, quotechar='"', ndmin=1)
    except ValueError:
        return None


class Column:
    """One column while it is read: numbers, the text where it may be needed, and what was no number."""

    def __init__(self, name: str, keep: bool) -> None:
        self.name, self.keep = name, keep
        self.numbers: list[np.ndarray] = []
        self.text: list[str] = []
        self.wrong: list[tuple[int, str]] = []  # the first few
        self.wrongs = self.rights = 0

    def add(self, cells: list[str], lines: list[int]) -> None:
        """Take the next rows."""
        if self.keep:
            self.text += [cell.strip() for cell in cells]
        try:
            found = np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            found = np.fromiter(map(self._number, cells, lines or repeat(0)), np.float64, len(cells))
        self.rights += int((~np.isnan(found)).sum())
        self.numbers.append(found)

    def _number(self, cell: str, line: int) -> float:
        try:
            return float(cell)
        except ValueError:
            if cell.strip().lower() not in MISSING:
                self.wrongs += 1
                if len(self.wrong) < SHOWN:
                    self.wrong.append((line, cell.strip()))
            return np.nan

    def problem(self, ids: str | None) -> str:
        """What is wrong with a column that should hold numbers, if something is."""
        if not self.wrongs or self.name == ids:
            return ""
        words = ", ".join(dict.fromkeys(f"'{cell}'" for _, cell in self.wrong))
        if any(re.fullmatch(r"[-+]?\d+,\d+", cell) for _, cell in self.wrong):
            return f"column '{self.name}' holds numbers with a decimal comma ({words}). Write decimal points"
        if not self.rights:
            return WORDS.format(name=self.name, words=words)
        told = [f"line {line}, column '{self.name}': '{cell}' is not a number" for line, cell in self.wrong]
        return _some(told, self.wrongs)

    def values(self, as_written: bool) -> np.ndarray:
        """The whole column; words where it holds any, and an empty word for a missing one."""
        if as_written or self.wrongs:
            text = self.text if as_written else ["" if word.lower() in MISSING else word for word in self.text]
            return np.array(text, dtype=np.str_)
        return np.concatenate([*self.numbers, np.empty(0)])


WORDS = (
    "column '{name}' holds words ({words}). If they are classes, say so with --classes {name}; "
    "if it is not to be measured, name those that are with --only"
)


@contextmanager
def _reader(path: Path) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """The rows of a CSV file that are not empty, each with the number of its line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=_delimiter(path, file))
            yield ((reader.line_num, row) for row in reader if row)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} cannot be read as a CSV file: it is not UTF-8 text. Save it as UTF-8.") from error
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as a CSV file: {error}.") from error


def _delimiter(path: Path, file: TextIO) -> str:
    """What stands between cells: of comma, semicolon and tab the one that the first line has most of."""
    first = file.readline()
    while first and not first.strip():
        first = file.readline()
    file.seek(0)
    return "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=first.count)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _some(told: list[str], count: int | None = None) -> str:
    """The first few of many, and how many more there are."""
    more = (len(told) if count is None else count) - len(told[:SHOWN])
    return "; ".join(told[:SHOWN]) + (f"; and {more:,} more" if more else "")

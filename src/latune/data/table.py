"""CSV files, read with every problem collected and named by line and column."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from latune.data.kinds import Column, column
from latune.errors import DataError, LatuneError, unknown

MISSING = {"", "nan", "na", "n/a", "null"}
SHOWN = 5  # so many of the same problem are told one by one


@dataclass
class Table:
    """A CSV file as words: `columns[name][i]` stands in line `lines[i]` of the file."""

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]
    problems: list[str] = field(default_factory=list)


def read_table(path: Path) -> Table:
    """Read a CSV file with a header; commas, semicolons or tabs.

    Rows with more or fewer cells than the header are left out and told in `problems`.

    Raises:
        DataError: no such file, not text, empty, or a header with an empty or repeated name.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} cannot be read as a CSV file: it is not UTF-8 text. Save it as UTF-8.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read as a CSV file: {error}.") from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)  # the first of these on a tie, so a comma unless another is seen more
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    header = [name.strip() for name in next(reader, [])]
    if not any(header):
        raise DataError(f"{path} is empty; its first line must name the columns.")
    if "" in header or len(set(header)) != len(header):
        raise DataError(f"{path}: every column needs a name of its own. The first line is: {first.strip()}")
    table = Table(path, {name: [] for name in header}, [])
    ragged = []
    cells = list(table.columns.values())
    for row in reader:
        if not row:
            continue
        if len(row) != len(header):
            ragged.append(f"line {reader.line_num} has {len(row)} cells, the header {len(header)}")
            continue
        table.lines.append(reader.line_num)
        for values, cell in zip(cells, row, strict=True):
            values.append(cell.strip())
    table.problems += some(ragged, f"{path.name}: ")
    return table


def numbers(table: Table, names: Sequence[str]) -> Float64[np.ndarray, "n L"]:
    """These columns as finite numbers.

    Raises:
        DataError: a column is missing, or a cell is empty or not a number: all of them, by line and column.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("file,area\\na.png,1.5\\nb.png,2")
    >>> numbers(read_table(path), ["area"]).tolist()
    [[1.5], [2.0]]
    """
    missing = [unknown("column", name, table.columns) for name in names if name not in table.columns]
    problems = missing + table.problems
    found = []
    for name in names:
        if name in table.columns:
            values, wrong = _floats(table, name)
            found.append(values)
            problems += wrong
    if problems:
        raise DataError(listed(f"{table.path} cannot be used", problems))
    return np.stack(found, axis=1) if found else np.zeros((len(table.lines), 0))


def attribute_columns(
    table: Table, names: Sequence[str], kinds: Mapping[str, str]
) -> tuple[dict[str, Column], dict[str, int], list[str]]:
    """These columns as attributes; how many cells of each are missing; and what is wrong with them."""
    columns: dict[str, Column] = {}
    absent: dict[str, int] = {}
    problems: list[str] = []
    for name in names:
        cells = table.columns[name]
        gaps = [i for i, cell in enumerate(cells) if cell.lower() in MISSING]
        absent[name] = len(gaps)
        problems += some(
            [f"line {table.lines[i]}, column '{name}': {cells[i] or 'empty'}" for i in gaps],
            f"{table.path.name}: a value is missing: ",
        )
        values, wrong = _floats(table, name, gaps=False)
        # A column of numbers with a few slips is a column of numbers; one of words with a few numbers is not.
        words = kinds.get(name) == "categorical" or len(wrong) * 2 > len(cells) - len(gaps)
        if wrong and not words:
            problems += some(wrong, f"{table.path.name}: ")
        elif not gaps and cells:
            use_words = bool(wrong) and words
            try:
                columns[name] = column(name, np.array(cells) if use_words else values, kinds.get(name))
            except LatuneError as error:
                problems.append(f"{table.path.name}: {error}")
    return columns, absent, problems


def _floats(table: Table, name: str, gaps: bool = True) -> tuple[np.ndarray, list[str]]:
    """The column as numbers, and the cells that are not; `gaps`: whether a missing value is one of these."""
    cells = table.columns[name]
    try:
        values = np.array(cells, dtype=np.float64)
        if np.isfinite(values).all():
            return values, []
    except ValueError:
        pass
    values, wrong = np.full(len(cells), np.nan), []
    for i, cell in enumerate(cells):
        with suppress(ValueError):
            values[i] = float(cell)
        if not np.isfinite(values[i]) and (gaps or cell.lower() not in MISSING):
            said = f"'{cell}' is not a finite number" if cell else "empty"
            wrong.append(f"line {table.lines[i]}, column '{name}': {said}")
    return values, wrong


def some(problems: list[str], prefix: str = "") -> list[str]:
    """The first few of many problems of one sort, and how many more there are."""
    shown = [prefix + problem for problem in problems[:SHOWN]]
    return shown + ([f"{prefix}... and {len(problems) - SHOWN:,} more"] if len(problems) > SHOWN else [])


def listed(head: str, problems: Sequence[str]) -> str:
    """One problem as a sentence, several as a list.

    >>> listed("No", ["it rains"])
    'No: it rains'
    """
    if len(problems) == 1:
        return f"{head}: {problems[0]}"
    return f"{head}:\n" + "\n".join(f"  - {problem}" for problem in problems)

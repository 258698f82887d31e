"""A measurement on a terminal: one table where it fits, several where it does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions
from rich.markup import escape
from rich.measure import Measurement as Width
from rich.table import Table
from rich.text import Text

FIRST = ("score", "value", "95 %")


class Scores(Table):
    """Scores in rows; too narrow a console gets the attributes below, in as many tables as they need.

    Args:
        rows: name, value, interval, then each attribute's value.
        attributes: the names of the last columns.
        title: what was measured.
        notes: below the table.
        sure: whether there are intervals to show.
    """

    def __init__(
        self, rows: Sequence[Sequence[str]], attributes: Sequence[str], title: str, notes: Sequence[str], sure: bool
    ) -> None:
        super().__init__(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        if notes:
            self.caption, self.caption_justify = escape("\n".join(notes)), "left"
        self._all, self._names, self._about, self._sure = rows, list(attributes), (title, notes), sure
        shown = [0, 1, *([2] if sure else [])]
        for i in shown:
            self.add_column(FIRST[i], justify="right" if i else "left", style=("", "bold", "dim")[i], no_wrap=True)
        for name in attributes:
            self.add_column(escape(name), justify="right")
        for row in rows:
            self.add_row(*(row[i] for i in (*shown, *range(3, 3 + len(self._names)))))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:  # type: ignore[override]
        if not self._all:
            yield from (
                Text(each, style="italic") for each in (self._about[0], "nothing to score", *self._about[1]) if each
            )
            return
        if not self._names or self._needs(self, console) <= options.max_width:
            yield from super().__rich_console__(console, options)
            return
        title, notes = self._about
        yield Text(title, style="italic")
        yield Scores([row[:3] for row in self._all], [], "", [], self._sure)
        names = self._names
        while names:
            count = len(names)
            while count > 1 and self._needs(self._of(names[:count]), console) > options.max_width:
                count -= 1
            yield self._of(names[:count])
            names = names[count:]
        yield from (Text(note, style="italic") for note in notes)

    def _of(self, names: Sequence[str]) -> Table:
        """The values of some attributes."""
        places = [3 + self._names.index(name) for name in names]
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("score", no_wrap=True)
        for name in names:
            table.add_column(escape(name), justify="right")
        for row in self._all:
            if any(row[place] for place in places):
                table.add_row(row[0], *(row[place] for place in places))
        return table

    @staticmethod
    def _needs(table: Table, console: Console) -> int:
        return Width.get(console, console.options.update(width=10_000), table).maximum

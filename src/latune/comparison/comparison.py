"""What is known of some recipes from several seeds of each."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latune.comparison.differences import FEWEST, Difference, paired_difference, unpaired_difference
from latune.comparison.groups import Group, Spread, between

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 100  # of a table printed as text
BROKEN = (100, 20, 12)  # cells that are longer take two lines, where the table is too wide otherwise


@dataclass(frozen=True)
class Comparison:
    """Scores over seeds, and the differences of two groups.

    Args:
        groups: runs of one recipe each.
        pairs: for two groups, the places of the runs of one seed in both; empty where none are paired.
        paired: whether differences are of pairs.
        changes: how the recipe of the first group differs from that of the second.
        notes: what the reader should know before believing a number.
        settings: for a metric whose settings differ between the runs, how.
        seed: of the bootstrap.
        against: whether the second group is what the first is compared with.
    """

    groups: tuple[Group, ...]
    pairs: tuple[tuple[int, int], ...] = ()
    paired: bool = False
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    against: bool = False

    # --- numbers -----------------------------------------------------------------------------------------------------

    @cached_property
    def metrics(self) -> list[str]:
        """Every metric that some run has a number of, in the runs' order."""
        found = (run.numbers() for group in self.groups for run in group.results)
        return list(dict.fromkeys(metric for numbers in found for metric, attribute in numbers if not attribute))

    def attributes(self, metric: str) -> list[str]:
        """The attributes that a metric has numbers of."""
        found = (run.numbers() for group in self.groups for run in group.results)
        return list(dict.fromkeys(name for numbers in found for of, name in numbers if of == metric and name))

    def spread(self, group: Group, metric: str, attribute: str = "") -> Spread | None:
        """Median, lowest and highest of a group; None where no run of it has the number."""
        values = list(group.values(metric, attribute).values())
        return Spread.of(values) if values else None

    def difference(self, metric: str, attribute: str = "") -> Difference | None:
        """The first group's number less the second's.

        None where there is no second group, no number of one of them, or settings differ.
        """
        if not self.against or metric in self.settings:
            return None
        ours, theirs = (group.values(metric, attribute) for group in self.groups)
        if self.paired:
            each = [ours[i] - theirs[j] for i, j in self.pairs if i in ours and j in theirs]
            return paired_difference(each, self.seed) if each else None
        return unpaired_difference([*ours.values()], [*theirs.values()], self.seed) if ours and theirs else None

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data."""
        groups = [
            {"label": g.label, "runs": [str(run.path) for run in g.results], "seeds": g.seeds} for g in self.groups
        ]
        return {
            "groups": groups,
            "paired": self.paired,
            "pairs": [list(pair) for pair in self.pairs],
            "changes": list(self.changes),
            "notes": list(self.notes),
            "settings_differ": dict(self.settings),
            "scores": {
                metric: self._numbers(metric)
                | {"per_attribute": {name: self._numbers(metric, name) for name in self.attributes(metric)}}
                for metric in self.metrics
            },
        }

    def _numbers(self, metric: str, attribute: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {"groups": {}}
        for group in self.groups:
            spread = self.spread(group, metric, attribute)
            if spread is not None:
                values = {str(group.results[i].path): v for i, v in group.values(metric, attribute).items()}
                found["groups"][group.label] = asdict(spread) | {"values": values}
        difference = self.difference(metric, attribute)
        return found | {"difference": None if difference is None else asdict(difference)}

    # --- pictures ----------------------------------------------------------------------------------------------------

    def figures(self) -> dict[str, Figure]:
        """Box plots of every metric and of every attribute, and metrics against each other, by name."""
        from latune.comparison import figures

        return figures.drawn(self)

    def save(self, folder: Path | str) -> list[Path]:
        """Write every figure into a folder, as PNG and as SVG.

        Raises:
            DiskFull: when the disk has no room.
        """
        from latune.comparison import figures

        return [path for name, figure in self.figures().items() for path in figures.save(figure, Path(folder), name)]

    # --- as text -----------------------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """What is compared, in one line."""
        if not self.against:
            return "median (lowest to highest)"
        how = f"{len(self.pairs)} pair{'s' * (len(self.pairs) > 1)} of one seed" if self.paired else "no pairs"
        return f"{self.groups[0].label} less {self.groups[1].label}, {how}; median (lowest to highest)"

    def table(self, per_attribute: bool = False) -> Any:
        """A rich table: one row a score, or one row a score and attribute."""
        return self._table(self.groups, per_attribute, BROKEN[0])

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        yield from self.lines(options.max_width)

    def lines(self, width: int = WIDTH, per_attribute: bool = False) -> Iterator[Any]:
        """The table, in parts where it is too wide, and what has to be known of it."""
        from rich.console import Console
        from rich.text import Text

        ruler = Console(width=10_000, file=io.StringIO())

        def fits(groups: Sequence[Group], broken: int) -> bool:
            return ruler.measure(self._table(groups, per_attribute, broken)).maximum <= width

        yield Text(self.title, style="bold")
        groups = list(self.groups)
        while groups:
            count = len(groups)
            while count > 1 and not self.against and not fits(groups[:count], BROKEN[0]):
                count -= 1
            broken = next((each for each in BROKEN if fits(groups[:count], each)), BROKEN[-1])
            yield self._table(groups[:count], per_attribute, broken)
            groups = groups[count:]
        if self.changes:
            head = f"recipes, from {self.groups[1].label} to {self.groups[0].label}: "
            yield Text.assemble((head, "bold"), "; ".join(self.changes).replace("None", "not set"))
        if self.against:
            yield Text.assemble(("how: ", "bold"), self.method)
        for note in self.notes:
            yield Text.assemble(("note: ", "yellow"), note)

    @property
    def method(self) -> str:
        """What differences, intervals and p-values are."""
        few, many = "the least and greatest difference", "a 95 % bootstrap interval of the mean over seeds"
        if self.paired:
            n = len(self.pairs)
            if n == 1:
                return "diff.: of the only pair, which says nothing of other seeds."
            how = "diff.: the mean over pairs, and " + (few + " of a pair" if n < FEWEST else many)
            return (
                f"{how}. p: the share of all choices of signs of the {n} differences whose mean is as far from zero; "
                f"{n} pairs cannot give less than {2.0 ** (1 - n):.2g}."
            )
        n, m = (len(group.results) for group in self.groups)
        least = unpaired_difference([1.0] * n, [0.0] * m).least_p
        how = "diff.: of the means, and " + (few + " of any two runs" if min(n, m) < FEWEST else many)
        return (
            f"{how}. p: the share of all ways to divide the {n + m} runs whose means are as far apart; {n} and {m} "
            f"runs cannot give less than {least:.2g}."
        )

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(width=WIDTH, file=io.StringIO(), color_system=None, force_jupyter=False)
        with console.capture() as captured:
            console.print(self)
        return "\n".join(line.rstrip() for line in captured.get().splitlines()).strip("\n")

    __repr__ = __str__

    def _table(self, groups: Sequence[Group], per_attribute: bool, broken: int) -> Any:
        from rich import box
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("score", no_wrap=True)
        for group in groups:
            runs = f"{len(group.results)} run{'' if len(group.results) == 1 else 's'}"
            table.add_column(f"{escape(group.label)}\n{runs}", justify="right")
        if self.against:
            for name in ("diff.", "interval" if self._intervals else "range", "p"):
                table.add_column(name, justify="right", style="bold" if name == "diff." else "", no_wrap=True)
        rows = [(metric, name) for metric in self.metrics for name in ("", *(self.attributes(metric) * per_attribute))]
        for metric, name in rows:
            table.add_row(*self._row(groups, metric, name, broken), style="dim" if name else "")
        return table

    @property
    def _intervals(self) -> bool:
        return (len(self.pairs) if self.paired else min(len(group.results) for group in self.groups)) >= FEWEST

    def _row(self, groups: Sequence[Group], metric: str, attribute: str, broken: int) -> list[str]:
        from rich.markup import escape

        spreads = [self.spread(group, metric, attribute) for group in groups]
        places = decimals([each.median for each in spreads if each is not None])
        cells = [
            "" if each is None else each.text(places, short=True) + _fewer(each.n, len(group.results))
            for each, group in zip(spreads, groups, strict=True)
        ]
        cells = [cell.replace(" (", "\n(") if len(cell) > broken else cell for cell in cells]
        if self.against:
            found = self.difference(metric, attribute)
            if found is None:
                cells += ["", "settings differ" if metric in self.settings else "", ""]
            else:
                ends = between(found.low, found.high, places)
                if (found.kind == "interval") != self._intervals:
                    ends += f" ({found.kind})"
                cells += [f"{found.mean:+.{places}f}", ends, f"{found.p:.2g}"]
        return [escape(f"  {attribute}" if attribute else metric), *cells]


def _fewer(n: int, of: int) -> str:
    """Said where a score was measured in some runs of a group only."""
    return "" if n == of else f" ({n} run{'s' * (n > 1)})"


def decimals(values: Sequence[float]) -> int:
    """Decimals that show three figures of numbers below ten, and one decimal of those below a thousand.

    >>> decimals([0.852, 0.41]), decimals([0.00875]), decimals([-103.6]), decimals([12_345.0])
    (3, 5, 1, 0)
    """
    size = max((abs(value) for value in values), default=0.0)
    if size >= 10:
        return 1 if size < 1000 else 0
    places = 3
    while 0 < size < 0.1 and places < 6:
        size, places = 10 * size, places + 1
    return places

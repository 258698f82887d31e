"""Many seeds as one line: the median, and from the lowest to the highest, beside the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from latune.papers.experiment import Experiment, Published, Quantity, Scale


@dataclass(frozen=True)
class Spread:
    """A number over seeds.

    >>> print(Spread.of([0.5, 0.7, 0.6]).text(2))
    0.60 (0.50 to 0.70)
    """

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of one value or more."""
        return cls(median(values), min(values), max(values), len(values))

    def text(self, digits: int = 3) -> str:
        """As tables show it; a single seed has no spread."""
        ends = f" ({self.low:.{digits}f} to {self.high:.{digits}f})" if self.n > 1 else ""
        return f"{self.median:.{digits}f}{ends}"


def spreads(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Spread]]:
    """By arm, by number: the spread over the seeds on file."""
    gathered: dict[str, dict[str, list[float]]] = {}
    for result in results:
        arm = gathered.setdefault(result["arm"], {})
        for name, value in result["numbers"].items():
            if value is not None:
                arm.setdefault(name, []).append(float(value))
    return {arm: {name: Spread.of(values) for name, values in numbers.items()} for arm, numbers in gathered.items()}


def summarise(experiment: Experiment, scale: Scale, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Plain data: every number of every arm, and the paper's beside it."""
    ours = spreads(results)
    published = {arm.label: arm.published for arm in experiment.arms[scale]}
    return {
        "experiment": experiment.name,
        "scale": scale,
        "arms": {
            arm: {
                name: {**asdict(spread), "published": asdict(published[arm][name]) if name in published[arm] else None}
                for name, spread in numbers.items()
            }
            for arm, numbers in ours.items()
        },
    }


def cell(quantity: Quantity, number: Spread | Published | None) -> str:
    """One cell of a table."""
    return "" if number is None else number.text(quantity.digits)


def heading(quantity: Quantity) -> str:
    """A number's title with its unit and the direction that is better.

    >>> heading(Quantity("Accuracy", 2, "%"))
    'Accuracy (%) ↑'
    """
    arrow = {True: " ↑", False: " ↓", None: ""}[quantity.higher_is_better]
    return f"{quantity.title}{f' ({quantity.unit})' if quantity.unit else ''}{arrow}"


def table(experiment: Experiment, scale: Scale, results: Sequence[Mapping[str, Any]]) -> Any:
    """A rich table: a row for each number of each arm."""
    from rich.table import Table

    ours = spreads(results)
    seeds = len({result["seed"] for result in results})
    what = f"{seeds} seed" if seeds == 1 else f"{seeds} seeds, median (lowest to highest)"
    made = Table(title=f"{experiment.figure}, {scale} scale, {what}")
    for title in ("", "number"):
        made.add_column(title)
    for title in ("ours", "the paper"):
        made.add_column(title, justify="right")
    for arm in experiment.arms[scale]:
        for name, quantity in experiment.quantities.items():
            spread = ours.get(arm.label, {}).get(name)
            if spread is not None:
                theirs = cell(quantity, arm.published.get(name))
                made.add_row(arm.title, heading(quantity), cell(quantity, spread), theirs)
    return made

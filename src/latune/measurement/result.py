"""What was measured: scores with their intervals, as data, as a table, and on a notebook's page."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from latune.measurement.encoding import Pass
from latune.metrics import Score

WIDTH = 100  # of a table printed as text
FIGURES = 4  # significant ones of a value in a table
MOST_PLACES = 6


@dataclass(frozen=True)
class Information:
    """What each coordinate tells of each attribute, in nats, by nearest neighbours.

    Args:
        dims: the coordinates, in order.
        attributes: in order.
        nats: for each coordinate, of each attribute.
        unused: coordinates that tell nothing above chance, constant ones included.
        constant: coordinates that do not vary.
        floor: what chance alone does not reach, in nats.
    """

    dims: tuple[str, ...]
    attributes: tuple[str, ...]
    nats: tuple[tuple[float, ...], ...]
    unused: tuple[str, ...]
    constant: tuple[str, ...]
    floor: float

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "dims": list(self.dims),
            "attributes": list(self.attributes),
            "nats": [list(row) for row in self.nats],
            "unused": list(self.unused),
            "constant": list(self.constant),
            "floor": self.floor,
        }


@dataclass(frozen=True)
class Measurement:
    """What was measured, on which split, with which codes.

    Args:
        scores: by name; each knows its value, its interval, its attributes' values and the settings that define it.
        split: the data that were measured.
        n: how many examples.
        codes: `mean` or `sample` of the posterior.
        seed: of the sampled codes, of the metrics and of resamples.
        notes: what was left out, and why.
        information: of each coordinate about each attribute; None where there is no attribute to score.
        resamples: of the intervals; 0 where there are none.
        parts: which parts were measured.
        encoded: the pass that all of it came from, for whoever draws the same examples.

    >>> measurement = Measurement({"scc": Score("scc", 0.91, interval=(0.89, 0.93))}, "test", 500, "mean", 0)
    >>> measurement["scc"], measurement.interval("scc")
    (0.91, (0.89, 0.93))
    """

    scores: dict[str, Score]
    split: str
    n: int
    codes: str
    seed: int
    notes: tuple[str, ...] = ()
    information: Information | None = None
    resamples: int = 0
    parts: tuple[str, ...] = ()
    encoded: Pass | None = field(default=None, compare=False)

    def __getitem__(self, name: str) -> float:
        return self.scores[name].value

    def interval(self, name: str) -> tuple[float, float] | None:
        """Where a score lies in 95 % of resamples of the examples."""
        return self.scores[name].interval

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        scores = {name: score.as_dict() for name, score in self.scores.items()}
        about = {"split": self.split, "n": self.n, "codes": self.codes, "seed": self.seed, "notes": list(self.notes)}
        about |= {"resamples": self.resamples, "parts": list(self.parts)}
        information = None if self.information is None else self.information.as_dict()
        return about | {"scores": scores, "information": information}

    @property
    def attributes(self) -> list[str]:
        """The attributes that have scores of their own."""
        return list(dict.fromkeys(name for score in self.scores.values() for name in score.per_attribute))

    @property
    def title(self) -> str:
        """What was measured, in one line."""
        return f"{self.n:,} examples of the {self.split} split, codes: posterior {self.codes}"

    # --- to be read --------------------------------------------------------------------------------------------------

    def table(self) -> Any:
        """A rich table: one row a score, with its 95 % interval, and one column an attribute."""
        from latune.measurement.printed import Scores

        return Scores(self._rows(), self.attributes, self.title, self.notes, self.sure)

    @property
    def sure(self) -> bool:
        """Whether any score has an interval."""
        return any(score.interval is not None for score in self.scores.values())

    def _rows(self) -> list[list[str]]:
        """Name, value, its interval, then each attribute's value."""
        rows = []
        for name, score in self.scores.items():
            parts = [f"{score.per_attribute[a]:.3f}" if a in score.per_attribute else "" for a in self.attributes]
            decimals = places(score.value)
            rows.append([name, f"{score.value:.{decimals}f}", between(score.interval, decimals), *parts])
        return rows

    def __str__(self) -> str:
        from rich.console import Console

        table = self.table()
        asked = Console(width=10_000, file=io.StringIO()).measure(table).maximum
        # A wide table is printed wide: a number that is cut is worse than a line that wraps.
        console = Console(width=max(WIDTH, asked), file=io.StringIO(), color_system=None, force_jupyter=False)
        with console.capture() as captured:
            console.print(table)
        return "\n".join(line.rstrip() for line in captured.get().splitlines()).strip("\n")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        titles = ["score", "value", *(["95 %"] if self.sure else []), *self.attributes]
        head = "".join(f"<th>{escape(title)}</th>" for title in titles)
        lines = []
        for (name, value, around, *parts), score in zip(self._rows(), self.scores.values(), strict=True):
            cells = [f"<td>{around}</td>"] if self.sure else []
            tips = [self._hover(score, each) for each in self.attributes]
            cells += [f"<td{tip}>{part}</td>" for part, tip in zip(parts, tips, strict=True)]
            lines.append(f"<tr><td>{escape(name)}</td><td><b>{value}</b></td>{''.join(cells)}</tr>")
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        table = f"<table><tr>{head}</tr>{''.join(lines)}</table>" if lines else "<p>nothing to score</p>"
        return f"<p>{escape(self.title)}</p>{table}{notes}"

    @staticmethod
    def _hover(score: Score, attribute: str) -> str:
        """What stands beside the pointer over an attribute's cell."""
        return f' title="95 %: {between(score.intervals[attribute])}"' if attribute in score.intervals else ""


def places(value: float, figures: int = FIGURES) -> int:
    """Decimals that show so many significant figures.

    >>> places(0.854), places(-103.58), places(12_345.6), places(0.0)
    (4, 1, 0, 4)
    """
    size = math.floor(math.log10(abs(value))) if value else -1
    return min(max(figures - 1 - size, 0), MOST_PLACES)


def between(ends: Sequence[float] | None, decimals: int = 3) -> str:
    """An interval in a table; nothing where there is none.

    >>> between((0.8498, 0.8581)), between((-104.02, -103.1), 1), between(None)
    ('0.850–0.858', '-104.0 to -103.1', '')
    """
    if ends is None:
        return ""
    low, high = (f"{end:.{decimals}f}" for end in ends)
    return f"{low} to {high}" if low.startswith("-") or high.startswith("-") else f"{low}–{high}"

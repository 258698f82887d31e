"""The numbers of a paper, to stand beside ours where a recipe repeats one of its trainings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from latune.measurement import Measurement
from latune.report.meanings import meaning
from latune.report.tables import around, shown
from latune.report.words import span

HEAD = ("score", "here", "95 %", "the paper")


@dataclass(frozen=True)
class Paper:
    """What a paper printed of a training like this one.

    Args:
        title: authors and year.
        address: of the paper.
        numbers: by score, in the units of ours: the median over the paper's seeds, the lowest and the highest, each
            None where it is not known.
        codes: which codes the paper measured, `mean` or `sample`.
        notes: how its measurement differs, and where ours over several seeds are.

    >>> Paper("A 2020", "https://a", {"scc": (0.9, 0.88, None)}).text("scc")
    '0.900'
    """

    title: str
    address: str
    numbers: Mapping[str, tuple[float, float | None, float | None]]
    codes: str = "sample"
    notes: tuple[str, ...] = field(default=())

    def text(self, name: str) -> str:
        """A number as a table shows it."""
        median, low, high = self.numbers[name]
        ends = "" if low is None or high is None else f" ({span(shown(name, low), shown(name, high))})"
        return f"{shown(name, median)}{ends}"

    def rows(self, measurement: Measurement) -> list[list[str]]:
        """A line for each number that both have."""
        return [
            [meaning(name).title, shown(name, score.value), around(name, score), self.text(name)]
            for name, score in measurement.scores.items()
            if name in self.numbers
        ]

    def introduction(self, measurement: Measurement) -> str:
        """What differs."""
        said = "In brackets: lowest and highest of the paper's seeds; ours is one training."
        if measurement.codes != self.codes:
            theirs = {"sample": "one sample", "mean": "the mean"}[self.codes]
            said += (
                f" The paper measures {theirs} of each posterior, this page the {measurement.codes}: --codes "
                f"{self.codes} gives the numbers that compare."
            )
        return " ".join([said, *self.notes])

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        numbers = {name: list(each) for name, each in self.numbers.items()}
        return {"title": self.title, "address": self.address, "codes": self.codes, "numbers": numbers}

"""What an experiment is: a figure or table of a paper, the trainings it compares, and what is measured of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch

from latune.data import Dataset
from latune.errors import RecipeError
from latune.recipes import Recipe, read
from latune.space import Space

Scale = Literal["quick", "paper"]
SCALES: tuple[Scale, ...] = ("quick", "paper")


@dataclass(frozen=True)
class Published:
    """A number as the paper has it: the median of its seeds, and the lowest and highest where they are known.

    >>> print(Published(0.852, 0.839, 0.854))
    0.852 (0.839 to 0.854)
    """

    median: float
    low: float | None = None
    high: float | None = None

    def text(self, digits: int = 3) -> str:
        """As tables show it."""
        ends = "" if self.low is None or self.high is None else f" ({self.low:.{digits}f} to {self.high:.{digits}f})"
        return f"{self.median:.{digits}f}{ends}"

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True)
class Arm:
    """One of the trainings that an experiment compares.

    Args:
        label: in the names of result files.
        title: in tables.
        recipe: a recipe of the shelf, or a TOML file.
        words: its `key=value` changes.
        published: the paper's numbers, by the names that the experiment measures.
    """

    label: str
    title: str
    recipe: str
    words: tuple[str, ...] = ()
    published: Mapping[str, Published] = field(default_factory=dict)

    def resolve(self, seed: int) -> Recipe:
        """The whole recipe of one seed."""
        return read(self.recipe, [*self.words, f"seed={seed}"])

    def folder(self, seed: int) -> str:
        """The name of the run; words that change nothing are left out, so that equal trainings share one run.

        >>> Arm("a", "A", "arvae-digits", ("model.gamma=10.0", "model.delta=3")).folder(2)
        'arvae-digits-model.delta=3-seed2'
        """
        whole, telling = read(self.recipe, self.words), list(self.words)
        for word in self.words:
            fewer = [other for other in telling if other is not word]
            try:
                telling = fewer if read(self.recipe, fewer) == whole else telling
            except RecipeError:
                continue  # without this word, what is left is not a recipe
        name = Path(self.recipe).stem
        return "-".join([name, *sorted(telling), f"seed{seed}"]).replace("/", "_").replace(" ", "")


@dataclass(frozen=True)
class Quantity:
    """How a number is shown: its title, its unit, its digits, and whether more of it is better (None: neither)."""

    title: str
    digits: int = 3
    unit: str = ""
    higher_is_better: bool | None = True


@dataclass(frozen=True)
class Subject:
    """A trained model and what is needed to measure it.

    Args:
        space: the model.
        recipe: what it was trained by.
        data: its data, on its device.
        settings: the experiment's; they are stored with the numbers.
        seed: of the training, and of every draw while measuring.
        runs: the folder of the runs of this scale, where a measure may keep what it trains itself.
        folder: the run's own.
    """

    space: Space
    recipe: Recipe
    data: Dataset
    settings: Mapping[str, Any]
    seed: int
    runs: Path
    folder: Path = Path()

    @property
    def attributes(self) -> list[str]:
        """The attributes that are compared: those the recipe names, in its order."""
        return self.recipe.data.attributes or [n for n, a in self.data.attributes.items() if a.kind != "categorical"]

    def rows(self, split: str = "test") -> torch.Tensor:
        """The examples that are measured: all of a split, or `settings["rows"]` of them drawn by the seed."""
        return drawn(self.data.splits[split], self.settings["rows"], self.seed)


def drawn(rows: torch.Tensor, most: int, seed: int) -> torch.Tensor:
    """At most so many rows, drawn by the seed, in their order: the first of a sorted grid are all of one kind.

    >>> drawn(torch.arange(100), 3, seed=0).tolist() == drawn(torch.arange(100), 3, seed=0).tolist()
    True
    """
    from latune.training import generator

    if len(rows) <= most:
        return rows
    chosen = torch.randperm(len(rows), generator=generator(seed, "measured rows"))[:most].sort().values
    return rows[chosen.to(rows.device)]


@dataclass(frozen=True)
class Measured:
    """What was measured of one training: the numbers of the table, and plain data behind them."""

    numbers: Mapping[str, float]
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """A picture of an experiment: its file name without the scale, a caption, and its PNG bytes."""

    name: str
    caption: str
    png: bytes


@dataclass(frozen=True)
class Gallery:
    """What pictures are drawn from.

    Args:
        results: the result files' contents, all arms and seeds of one scale.
        open_subject: from an arm's label, and a seed other than the first, to the trained model.
    """

    results: Sequence[Mapping[str, Any]]
    open_subject: Callable[..., Subject]


@dataclass(frozen=True)
class Experiment:
    """A figure or table of a paper.

    Args:
        name: on the command line.
        paper: authors and year, with the address.
        figure: its name in the paper.
        shows: one sentence on what is compared.
        arms: at each scale, the trainings; the quick ones take minutes on a CPU.
        quantities: what is measured, by name, in the order of the table.
        settings: what defines the numbers: split, codes, estimator.
        measure: from a trained model to its numbers.
        draw: pictures of all arms together.
        seeds: how many, unless told otherwise.
        notes: where our measurement differs from the paper's or its code's.
        layout: whether the page has a row for each number or, for many arms, for each arm; `crossed` is for one arm
            whose numbers are titled "column, row".
    """

    name: str
    paper: str
    figure: str
    shows: str
    arms: Mapping[Scale, tuple[Arm, ...]]
    quantities: Mapping[str, Quantity]
    settings: Mapping[str, Any]
    measure: Callable[[Subject], Measured]
    draw: Callable[[Gallery], list[Picture]] | None = None
    seeds: int = 3
    notes: tuple[str, ...] = ()
    layout: Literal["numbers", "arms", "crossed"] = "numbers"

    @cached_property
    def titles(self) -> dict[str, str]:
        """The title of every arm, by label."""
        return {arm.label: arm.title for scale in self.arms.values() for arm in scale}

    @cached_property
    def published(self) -> dict[str, Mapping[str, Published]]:
        """The paper's numbers of every arm, by label."""
        return {arm.label: arm.published for scale in self.arms.values() for arm in scale if arm.published}

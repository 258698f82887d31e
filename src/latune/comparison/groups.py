"""Runs of one recipe, and the spread of their scores over seeds."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from latune.comparison.results import Result
from latune.recipes.compare import differences

NAMING = ("seed", "name", "about")  # what two trainings of one recipe may differ in
SHOWN = 3  # settings in a label


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

    def text(self, digits: int = 3, short: bool = False) -> str:
        """As tables show it, `short` where they are narrow; a single seed has no spread."""
        ends = between(self.low, self.high, digits) if short else f"{self.low:.{digits}f} to {self.high:.{digits}f}"
        return f"{self.median:.{digits}f}{f' ({ends})' if self.n > 1 else ''}"


def between(low: float, high: float, digits: int) -> str:
    """Two ends of a range, in a narrow table.

    >>> between(0.85, 0.86, 2), between(-2.0, 1.0, 0)
    ('0.85–0.86', '-2 to 1')
    """
    return f"{low:.{digits}f}{' to ' if min(low, high) < 0 else '–'}{high:.{digits}f}"


@dataclass(frozen=True)
class Group:
    """Runs of one recipe.

    Args:
        label: what tables and figures call them.
        results: one a run.
    """

    label: str
    results: tuple[Result, ...]

    @property
    def seeds(self) -> list[int | None]:
        """Of the trainings, in the order of the runs."""
        return [result.seed for result in self.results]

    def values(self, metric: str, attribute: str = "") -> dict[int, float]:
        """A number of every run that has it, by the run's place in the group."""
        found = ((i, result.numbers().get((metric, attribute))) for i, result in enumerate(self.results))
        return {i: value for i, value in found if value is not None}

    def by_seed(self) -> dict[int, int]:
        """The place of the run of each seed that occurs once."""
        times = Counter(self.seeds)
        return {seed: i for i, seed in enumerate(self.seeds) if seed is not None and times[seed] == 1}


def by_recipe(results: Sequence[Result]) -> list[Group]:
    """Runs of one recipe together, in the order in which recipes first occur."""
    gathered: dict[str, list[Result]] = {}
    for result in results:
        key = json.dumps(plain(result.recipe), sort_keys=True) if result.recipe else _stem(result)
        gathered.setdefault(key, []).append(result)
    return labelled(list(gathered.values()))


def labelled(groups: Sequence[Sequence[Result]]) -> list[Group]:
    """Groups by their recipe's name; where two have the same, with the settings that tell them apart."""
    names = [(runs[0].recipe or {}).get("name") or _stem(runs[0]) for runs in groups]
    labels = []
    for i, (name, runs) in enumerate(zip(names, groups, strict=True)):
        alike = [j for j, other in enumerate(names) if other == name]
        if len(alike) == 1:
            labels.append(name)
            continue
        mine, changed = plain(runs[0].recipe), []
        for j in alike:
            changed += [line.partition(":")[0] for line in differences(plain(groups[j][0].recipe), mine)]
        told = [f"{key.rpartition('.')[2]} {_at(mine, key)}" for key in dict.fromkeys(changed)]
        labels.append(f"{name}, {', '.join(told[:SHOWN])}" if told else f"{name} ({alike.index(i) + 1})")
    twice = Counter(labels)
    return [
        Group(label if twice[label] == 1 else f"{label} ({i + 1})", tuple(runs))
        for i, (label, runs) in enumerate(zip(labels, groups, strict=True))
    ]


def plain(recipe: Mapping[str, Any] | None) -> dict[str, Any]:
    """A recipe without its seed, and without what only names it."""
    return {key: value for key, value in (recipe or {}).items() if key not in NAMING}


def _stem(result: Result) -> str:
    """A file's name without what counts its runs: `vae-seed3.json` is one of `vae`."""
    stem = result.path.stem if result.path.is_file() else result.name
    return re.sub(r"[-_. ]*(seed|run|s|r)?[-_. =]*\d+$", "", stem) or stem


def _at(recipe: Mapping[str, Any], key: str) -> Any:
    found: Any = recipe
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found

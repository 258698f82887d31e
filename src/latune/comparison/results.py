"""One evaluated run: its scores with their settings, and what a comparison has to know of how they were made."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latune.errors import DataError, RunError

REPORT, SPACE = "report.json", "space.json"
IDLE = ("seed", "resamples", "level")  # settings that do not change what a score means


@dataclass(frozen=True)
class Result:
    """What one run scored.

    Args:
        path: a run folder, or a JSON file.
        scores: by metric: `value`, `per_attribute`, `settings`, `detail`.
        seed: of the training; None where it is not known.
        recipe: of the training; empty where it is not known.
        data: what the model was trained on; or which examples were measured, for codes from a file.
        split: which part of the data was measured.
        n: how many examples were measured.
        codes: `mean` or `sample` of the posterior.
    """

    path: Path
    scores: Mapping[str, Mapping[str, Any]]
    seed: int | None = None
    recipe: Mapping[str, Any] | None = None
    data: Mapping[str, Any] | None = None
    split: str = ""
    n: int = 0
    codes: str = ""

    @property
    def is_run(self) -> bool:
        """Whether it is a run folder, with a model that can be opened."""
        return self.path.is_dir()

    @property
    def name(self) -> str:
        """The path's last part."""
        return self.path.resolve().name

    def numbers(self) -> dict[tuple[str, str], float]:
        """Every number by metric and attribute; the metric's own has no attribute."""
        found = {}
        for metric, score in self.scores.items():
            parts = {"": score.get("value"), **(score.get("per_attribute") or {})}
            found |= {(metric, name): float(value) for name, value in parts.items() if value is not None}
        return found

    def settings(self, metric: str) -> dict[str, Any]:
        """What defines a score."""
        own = self.scores[metric].get("settings") or {}
        return {key: value for key, value in own.items() if key not in IDLE} | {"codes": self.codes}

    def same_examples(self, other: Result) -> bool:
        """Whether the same examples were measured, of models trained on the same ones."""
        mine, theirs = ((each.data, each.split, each.n) for each in (self, other))
        return bool(self.data) and mine == theirs


def read_result(path: Path | str) -> Result:
    """Read an evaluated run folder, or a file that `latune evaluate --json` or `latune measure --json` wrote.

    Raises:
        RunError: there is nothing there, or a run that was not evaluated.
        DataError: a file that holds no scores.
    """
    path = Path(path)
    file = path / REPORT if path.is_dir() else path
    if not file.exists():
        if (path / SPACE).exists():
            raise RunError(
                f"{path} was not evaluated yet: it has no {REPORT}. Run latune evaluate {shlex.quote(str(path))} first."
            )
        if path.is_dir():
            raise RunError(f"{path} is not an evaluated run folder: it has no {REPORT}.")
        raise RunError(f"There is nothing at {path}. Give evaluated run folders, or their JSON files.")
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{file} is not a JSON file ({error}). Evaluate the run again.") from error
    scores = told.get("scores") if isinstance(told, dict) else None
    if not isinstance(scores, dict) or not scores or not all(_is_score(score) for score in scores.values()):
        raise DataError(f"{file} holds no scores. Write it with latune evaluate --json or latune measure --json.")
    about = told.get("about") or {}
    recipe = about.get("recipe") or {}
    examples = {"examples": told["examples"]} if told.get("examples") else {}
    return Result(
        path,
        scores,
        recipe.get("seed", told.get("training_seed")),
        recipe,
        about.get("data") or examples,
        told.get("split", ""),
        told.get("n", 0),
        told.get("codes", ""),
    )


def _is_score(score: Any) -> bool:
    return isinstance(score, dict) and isinstance(score.get("value"), int | float | None)

"""The ledger: one JSON file for each experiment, arm, seed and scale, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from latune.errors import LatuneError
from latune.files import write_json
from latune.papers.experiment import Arm, Experiment, Measured, Scale
from latune.provenance import machine
from latune.recipes import Recipe
from latune.space import Space


class ResultError(LatuneError):
    """A result file cannot be read."""


def place(results: Path, experiment: Experiment, scale: Scale, arm: Arm, seed: int) -> Path:
    """Where a result is filed."""
    return results / experiment.name / f"{scale}-{arm.label}-seed{seed}.json"


def entry(
    experiment: Experiment, scale: Scale, arm: Arm, recipe: Recipe, space: Space, measured: Measured, seconds: float
) -> dict[str, Any]:
    """What a result file holds.

    Args:
        recipe: the resolved one.
        space: the trained model, which knows how it was trained.
        measured: the numbers.
        seconds: how long the measuring took.
    """
    trained = {key: value for key, value in space.about.items() if key not in ("recipe", "data")}
    return {
        "experiment": experiment.name,
        "paper": experiment.paper,
        "figure": experiment.figure,
        "scale": scale,
        "arm": arm.label,
        "seed": recipe.seed,
        "recipe": recipe.plain(),
        "settings": dict(experiment.settings),
        "numbers": dict(measured.numbers),
        "published": {name: asdict(number) for name, number in arm.published.items()},
        "detail": dict(measured.detail),
        "data": space.about.get("data", {}),
        "training": trained,
        "measuring": {"seconds": round(seconds, 3), **machine(space.device)},
    }


def file(path: Path, record: Mapping[str, Any]) -> None:
    """Write a result."""
    write_json(path, record)


def known(path: Path, experiment: Experiment, recipe: Recipe) -> dict[str, Any] | None:
    """The result that is on file, if it is of this very recipe and was measured by these settings."""
    if not path.exists():
        return None
    record = read(path)
    same = _telling(record.get("recipe", {})) == _telling(recipe.plain()) and record.get("settings") == _plain(
        experiment.settings
    )
    return record if same else None


def read(path: Path) -> dict[str, Any]:
    """One result file.

    Raises:
        ResultError: when it is not JSON, or lacks what every result has.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ResultError(f"{path} is not a result file ({error}). Remove it: it is made again.") from None
    missing = {"experiment", "scale", "arm", "seed", "recipe", "numbers", "training"} - set(record)
    if missing:
        raise ResultError(
            f"{path} is not a result file: it has no {', '.join(sorted(missing))}. Remove it: it is made again."
        )
    return record


def all_of(results: Path, experiment: Experiment, scale: Scale) -> list[dict[str, Any]]:
    """What is on file for the arms of an experiment at a scale: arms in their order, then seeds."""
    paths = (results / experiment.name).glob(f"{scale}-*-seed*.json")
    order = [arm.label for arm in experiment.arms[scale]]
    records = [record for record in map(read, paths) if record["arm"] in order]
    return sorted(records, key=lambda record: (order.index(record["arm"]), record["seed"]))


def _telling(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What of a recipe decides the numbers."""
    return {key: value for key, value in _plain(recipe).items() if key not in ("name", "about")}


def _plain(data: Any) -> Any:
    return json.loads(json.dumps(data))

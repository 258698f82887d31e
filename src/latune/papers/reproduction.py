"""Run or resume an experiment: train what is not trained, measure what is not measured, file it, draw it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from latune.data import Dataset
from latune.data import load as load_data
from latune.errors import LatuneError, unknown
from latune.files import whole, write_json
from latune.papers import ledger
from latune.papers.experiment import SCALES, Arm, Experiment, Gallery, Scale, Subject
from latune.papers.summary import summarise, table
from latune.provenance import machine
from latune.recipes import Recipe, train
from latune.space import SPACE, Space


def reproduce(
    name: str,
    *,
    scale: Scale = "quick",
    seeds: int | None = None,
    device: Any = "cpu",
    results: Path = Path("results"),
    runs: Path = Path("runs"),
    jobs: int = 1,
    console: Any = None,
    shelf: Mapping[str, Experiment] | None = None,
) -> dict[str, Any]:
    """Run or resume an experiment, and file its numbers beside the paper's.

    A training is kept in `runs/SCALE/RECIPE-CHANGES-seedN` and serves every experiment that asks for the same one. A
    result that is on file is not made again unless its recipe or its settings have changed.

    Args:
        name: of the experiment; `all` runs every one.
        scale: `quick`, minutes on a CPU, or `paper`, the paper's own size.
        seeds: how many, from 0; None takes the experiment's own number.
        device: where to train and measure.
        results: where the result files and pictures go.
        runs: where the trained models go.
        jobs: trainings at a time, each in a process of its own with its share of the cores.
        console: a rich console that is told what happens; None for silence.
        shelf: the experiments to choose from; Latune's own unless given.

    Returns:
        The summary over seeds, as plain data; of `all`, one for each experiment.

    Raises:
        LatuneError: an unknown experiment or scale, or fewer than one seed or job.
        RunError: a run folder that belongs to another recipe, or is being trained.
    """
    from latune.papers import EXPERIMENTS

    shelf = EXPERIMENTS if shelf is None else shelf
    if scale not in SCALES:
        raise LatuneError(unknown("scale", str(scale), SCALES))
    if (seeds is not None and seeds < 1) or jobs < 1:
        raise LatuneError(f"seeds and jobs are 1 or more. Got {seeds} and {jobs}.")
    if name == "all":
        each = {"scale": scale, "seeds": seeds, "device": device, "results": results, "runs": runs, "jobs": jobs}
        return {one: reproduce(one, console=console, shelf=shelf, **each) for one in shelf}
    if name not in shelf:
        raise LatuneError(unknown("experiment", name, shelf))
    experiment = shelf[name]
    if not experiment.arms.get(scale):
        raise LatuneError(f"{name} has no {scale} scale.")
    say = console.print if console is not None else lambda *_, **__: None
    pairs = [(arm, seed) for seed in range(seeds or experiment.seeds) for arm in experiment.arms[scale]]
    paths = {(arm.label, seed): ledger.place(results, experiment, scale, arm, seed) for arm, seed in pairs}
    todo = [
        (arm, seed) for arm, seed in pairs
        if ledger.known(paths[arm.label, seed], experiment, arm.resolve(seed)) is None
    ]  # fmt: skip
    say(f"[bold]{name}[/]  {experiment.figure}, {scale} scale: {len(todo)} of {len(pairs)} to do", highlight=False)
    if jobs > 1:
        train_together([(arm, seed) for arm, seed in todo], scale, device, runs, jobs, say)
    for arm, seed in todo:
        folder = runs / scale / arm.folder(seed)
        if not (folder / SPACE).exists():
            say(f"  training  {folder}", highlight=False)
        subject = open_subject(experiment, arm, seed, scale, device, runs, progress=console is not None)
        began = time.monotonic()
        measured = experiment.measure(subject)
        seconds = time.monotonic() - began
        record = ledger.entry(experiment, scale, arm, subject.recipe, subject.space, measured, seconds)
        ledger.file(paths[arm.label, seed], record)
        say(f"  measured  {paths[arm.label, seed]}  ({seconds:.0f} s)", highlight=False)
    records = ledger.all_of(results, experiment, scale)
    if experiment.draw is not None:
        draw(experiment, scale, records, device, results, runs, say)
    say(table(experiment, scale, records))
    return summarise(experiment, scale, records)


def open_subject(
    experiment: Experiment, arm: Arm, seed: int, scale: Scale, device: Any, runs: Path, progress: bool = False
) -> Subject:
    """Train an arm, or open it where it is trained, with its data."""
    recipe = arm.resolve(seed)
    data = opened(recipe, device)
    folder = runs / scale / arm.folder(seed)
    train(recipe, folder, device=device, data=data, progress=progress)
    # Opened from its files even when it was trained just now: not compiled, and as anyone else will measure it.
    return Subject(Space.load(folder, device), recipe, data, experiment.settings, seed, runs / scale, folder)


def opened(recipe: Recipe, device: Any) -> Dataset:
    """The data of a recipe; the last are kept, since the arms of an experiment share them."""
    return _opened(recipe.data.name, json.dumps(recipe.data.options()), recipe.seed, str(device))


@lru_cache(maxsize=2)
def _opened(name: str, options: str, seed: int, device: str) -> Dataset:
    return load_data(name, seed=seed, device=device, **json.loads(options))


def draw(
    experiment: Experiment,
    scale: Scale,
    records: Sequence[Mapping[str, Any]],
    device: Any,
    results: Path,
    runs: Path,
    say: Callable[..., None],
) -> None:
    """Draw an experiment's pictures, unless they were drawn from these very results."""
    assert experiment.draw is not None
    index = results / experiment.name / f"{scale}-pictures.json"
    origin = [{"arm": r["arm"], "seed": r["seed"], "recipe": r["recipe"], "numbers": r["numbers"]} for r in records]
    if index.exists():
        before = json.loads(index.read_text(encoding="utf-8"))
        made = [results / experiment.name / picture["file"] for picture in before["pictures"]]
        if before["from"] == json.loads(json.dumps(origin)) and all(path.exists() for path in made):
            return
    arms = {arm.label: arm for arm in experiment.arms[scale]}
    gallery = Gallery(records, lambda label, seed=0: open_subject(experiment, arms[label], seed, scale, device, runs))
    listed = []
    for picture in experiment.draw(gallery):
        path = results / experiment.name / f"{scale}-{picture.name}.png"
        with whole(path) as temporary:
            temporary.write_bytes(picture.png)
        listed.append({"file": path.name, "caption": picture.caption})
        say(f"  drew      {path}", highlight=False)
    write_json(index, {"pictures": listed, "from": origin, "drawn": machine(device)})


def train_together(
    pairs: Sequence[tuple[Arm, int]], scale: Scale, device: Any, runs: Path, jobs: int, say: Callable[..., None]
) -> None:
    """Train what is not trained, several at a time: on a CPU, small nets gain little from a second core."""
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    wanted = {arm.folder(seed): (arm, seed) for arm, seed in pairs}
    todo = {name: pair for name, pair in wanted.items() if not (runs / scale / name / SPACE).exists()}
    if not todo:
        return
    threads = max((os.cpu_count() or 1) // jobs, 1)
    with ProcessPoolExecutor(min(jobs, len(todo)), get_context("spawn")) as pool:
        futures = {
            pool.submit(train_one, arm.resolve(seed), runs / scale / name, device, threads): name
            for name, (arm, seed) in todo.items()
        }
        for done, future in enumerate(as_completed(futures), start=1):
            note = f"({future.result():.0f} s, {done} of {len(futures)})"
            say(f"  trained   {runs / scale / futures[future]}  {note}", highlight=False)


def train_one(recipe: Recipe, folder: Path, device: Any, threads: int) -> float:
    """Train in this process, on so many threads; the seconds it took."""
    import torch

    torch.set_num_threads(threads)
    return float(train(recipe, folder, device=device).about["seconds"])

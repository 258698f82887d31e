"""docs/results.md: written from the result files, and from nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from latune.files import whole, write_text
from latune.papers import ledger
from latune.papers.experiment import SCALES, Arm, Experiment, Scale
from latune.papers.summary import cell, heading, spreads

PICTURES = Path("pictures") / "results"
PENDING = "pending (needs a GPU)"
NOTHING = "not run yet"

HEAD = """# Results

<!-- Written by `latune reproduce page` from the files in results/. Do not edit. -->

Every figure and table that Latune reproduces, our numbers beside the paper's. Ours are the median over seeds, with the
lowest and the highest in brackets; the paper's are given the same way where it prints them. *quick* is a smaller
training that a CPU does in minutes, so its numbers may differ from the paper's in both directions; *paper* is the
paper's own nets, data and length. Each number has a file in `results/` with its recipe, seed, commit, device and time.
`latune reproduce list` lists the experiments.
"""


def write_page(
    results: Path | str = Path("results"),
    page: Path | str = Path("docs/results.md"),
    shelf: Mapping[str, Experiment] | None = None,
) -> Path:
    """Write the page of results, and copy the pictures it shows beside it.

    Args:
        results: the folder of result files.
        page: the Markdown file; pictures go to `pictures/results` in its folder.
        shelf: the experiments to show; Latune's own unless given.

    Raises:
        ResultError: a result file that cannot be read.
    """
    from latune.papers import EXPERIMENTS

    results, page = Path(results), Path(page)
    shelf = EXPERIMENTS if shelf is None else shelf
    parts, paper = [HEAD], ""
    for experiment in shelf.values():
        if experiment.paper != paper:
            paper = experiment.paper
            parts.append(f"## {_linked(paper)}\n")
        parts.append(_section(experiment, results, page))
    write_text(page, "\n".join(parts))
    return page


def _linked(paper: str) -> str:
    """`Name (https://...)` as a Markdown link."""
    name, bracket, address = paper.partition(" (http")
    return f"[{name}](http{address.removesuffix(')')})" if bracket else paper


def _section(experiment: Experiment, results: Path, page: Path) -> str:
    on_file: dict[Scale, list[dict[str, Any]]] = {
        scale: ledger.all_of(results, experiment, scale) for scale in SCALES if experiment.arms.get(scale)
    }
    tables = {"numbers": _by_number, "arms": _by_arm, "crossed": _crossed}
    parts = [
        f"### {experiment.figure}\n",
        f"{experiment.shows}\n",
        tables[experiment.layout](experiment, on_file),
        "\n".join(f"- {line}" for line in _provenance(experiment, on_file)) + "\n",
        *(_pictures(experiment, scale, results, page) for scale in on_file),
    ]
    if experiment.notes:
        parts.append("\n".join(f"> - {note}" for note in experiment.notes) + "\n")
    return "\n".join(part for part in parts if part)


def _by_number(experiment: Experiment, on_file: Mapping[Scale, Sequence[Mapping[str, Any]]]) -> str:
    """A row for each number; for each arm a column a scale, and one for the paper."""
    ours = {scale: spreads(records) for scale, records in on_file.items()}
    head = [""]
    for title in experiment.titles.values():
        head += [f"{title}, {scale} scale" for scale in on_file]
        head += [f"{title}, published"] if experiment.published else []
    lines = []
    for name, quantity in experiment.quantities.items():
        line = [heading(quantity)]
        for arm in experiment.titles:
            for scale in on_file:
                spread = ours[scale].get(arm, {}).get(name)
                line.append(cell(quantity, spread) or ("–" if arm in ours[scale] else _absent(scale)))
            if experiment.published:
                line.append(cell(quantity, experiment.published.get(arm, {}).get(name)) or "–")
        lines.append(line)
    return _table(head, lines)


def _by_arm(experiment: Experiment, on_file: Mapping[Scale, Sequence[Mapping[str, Any]]]) -> str:
    """A row for each arm, only those measured if any was; for each number a column a scale, and one for the paper."""
    ours = {scale: spreads(records) for scale, records in on_file.items()}
    published = {name for known in experiment.published.values() for name in known}
    head = [""]
    for name, quantity in experiment.quantities.items():
        head += [f"{heading(quantity)}, {scale} scale" for scale in on_file]
        head += [f"{quantity.title}, published"] if name in published else []
    measured = {arm for scale in on_file for arm in ours[scale]}
    lines = []
    for arm, title in experiment.titles.items():
        if measured and arm not in measured:
            continue
        line = [title]
        for name, quantity in experiment.quantities.items():
            numbers = {scale: ours[scale].get(arm, {}).get(name) for scale in on_file}
            line += [cell(quantity, numbers[scale]) or ("–" if ours[scale] else _absent(scale)) for scale in on_file]
            line += [cell(quantity, experiment.published.get(arm, {}).get(name)) or "–"] if name in published else []
        lines.append(line)
    return _table(head, lines)


def _crossed(experiment: Experiment, on_file: Mapping[Scale, Sequence[Mapping[str, Any]]]) -> str:
    """Of one arm: a number titled "column, row" stands there, each column once a scale, the paper's in brackets."""
    ours = {scale: spreads(records) for scale, records in on_file.items()}
    (arm,) = experiment.titles
    cells: dict[str, dict[str, str]] = {}  # by row title, by heading
    for name, quantity in experiment.quantities.items():
        column, _, row = quantity.title.partition(", ")
        for scale in on_file:
            shown = cell(quantity, ours[scale].get(arm, {}).get(name)) or _absent(scale)
            if published := cell(quantity, experiment.published.get(arm, {}).get(name)):
                shown += f" (the paper's {published})"
            cells.setdefault(row, {})[f"{heading(replace(quantity, title=column))}, {scale} scale"] = shown
    head = list(dict.fromkeys(each for line in cells.values() for each in line))
    return _table(["", *head], [[row, *(line.get(each, "–") for each in head)] for row, line in cells.items()])


def _absent(scale: Scale) -> str:
    return PENDING if scale == "paper" else NOTHING


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines)) + "\n"


def _provenance(experiment: Experiment, on_file: Mapping[Scale, Sequence[Mapping[str, Any]]]) -> list[str]:
    """For each scale: how many seeds, on what, how long, which code, and the command."""
    lines = []
    for scale, records in on_file.items():
        n = len({record["seed"] for record in records}) or experiment.seeds
        command = f"`latune reproduce {experiment.name} --scale {scale} --seeds {n}`"
        if not records:
            lines.append(f"{scale}: {_absent(scale)}: {command}")
            continue
        training = [record["training"] for record in records]
        devices = ", ".join(dict.fromkeys(str(each.get("device")) for each in training))
        commits = ", ".join(dict.fromkeys(each.get("commit") or "an installed package" for each in training))
        torch = ", ".join(dict.fromkeys(str(each.get("torch")) for each in training))
        seconds = median(float(each.get("seconds", 0)) for each in training)
        seeds = _seeds(experiment.arms[scale], records, n)
        where = f"on {devices}, torch {torch}, commit {commits}"
        lines.append(f"{scale}: {seeds}, {seconds:,.0f} s a training (median) {where}: {command}")
    return lines


def _seeds(arms: Sequence[Arm], records: Sequence[Mapping[str, Any]], n: int) -> str:
    """How many seeds, and of which arms fewer are there by now."""
    counts = {arm.title: sum(record["arm"] == arm.label for record in records) for arm in arms}
    fewer = [f"{title} {count}" for title, count in counts.items() if 0 < count < n]
    return f"{n} seed{'s' if n != 1 else ''}" + (f" ({', '.join(fewer)})" if fewer else "")


def _pictures(experiment: Experiment, scale: Scale, results: Path, page: Path) -> str:
    """The pictures of a scale, copied to where the page can show them."""
    index = results / experiment.name / f"{scale}-pictures.json"
    if not index.exists():
        return ""
    shown = []
    for picture in json.loads(index.read_text(encoding="utf-8"))["pictures"]:
        source = results / experiment.name / picture["file"]
        if not source.exists():
            continue
        copy = PICTURES / f"{experiment.name}-{picture['file']}"
        with whole(page.parent / copy) as temporary:
            temporary.write_bytes(source.read_bytes())
        caption = picture["caption"]
        shown.append(f"![{experiment.figure}, {scale} scale]({copy.as_posix()})\n\n*{scale} scale.* {caption}\n")
    return "\n".join(shown)

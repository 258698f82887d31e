"""The demonstration: a model trained on real handwriting, its sliders, a control added later, a measured report."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from latune.pictures import Images
from latune.recipes import open_data, read, train
from latune.report import write_report
from latune.space import Space
from latune.training import generator

CONTROL = "digit"
COLUMNS = 16  # samples of each digit that are shown


def run_demo(folder: Path, seed: int, console: Console) -> dict[str, Any]:
    """Train `arvae-digits` with its sliders, teach the finished model a control, measure on held-out digits, report.

    Returns:
        The measured numbers and how long each part took.
    """
    began = time.monotonic()
    recipe = read("arvae-digits", [f"seed={seed}"])
    console.print("1/4  training on 1,797 real handwritten digits", highlight=False)
    space = train(recipe, folder, progress=True)
    trained = time.monotonic()
    console.print(f"2/4  six sliders: {', '.join(space.sliders)}", highlight=False)
    data = open_data(recipe)
    console.print("3/4  a control it was never trained for: any digit, made to order", highlight=False)
    if CONTROL not in space.controls:
        space.controls.learn(CONTROL, data, how="fast", actor=True, seed=seed)
    order = made_to_order(space, seed).save(folder / "pictures" / "digits-to-order.png", COLUMNS)
    taught = time.monotonic()
    console.print("4/4  measuring on held-out digits, drawing the report", highlight=False)
    report = write_report(
        space, data, folder, seed=seed, command=f"latune demo --out {shlex.quote(str(folder))} --seed {seed}"
    )
    ended = time.monotonic()
    quoted = shlex.quote(str(folder))
    console.print(report.table())
    console.print(f"\nopen     {report.html}\npictures {folder / 'pictures'}\n         {order}", highlight=False)
    console.print(f"try      latune sample {quoted} --set slant=+3", highlight=False)
    console.print(f"         latune sample {quoted} --with {CONTROL}=3", highlight=False)
    seconds = {"training": trained - began, "control": taught - trained, "report": ended - taught, "all": ended - began}
    return {**report.numbers, "controls": {CONTROL: space.controls[CONTROL].scores}, "seconds": seconds}


def made_to_order(space: Space, seed: int) -> Images:
    """A row of samples for each digit, every row from the same draws of the prior."""
    rows = [space.sample(COLUMNS, generator(seed, "to order"), **{CONTROL: digit}).plain() for digit in range(10)]
    return Images.of(torch.cat(rows))

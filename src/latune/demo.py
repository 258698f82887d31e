"""The demonstration: a model trained on real handwriting, its sliders turned, pictures and a measured report."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from latune.recipes import open_data, read, train
from latune.report import write_report


def run_demo(folder: Path, seed: int, console: Console) -> dict[str, Any]:
    """Train `arvae-digits`, add its sliders, measure them on held-out digits, and write the report.

    Returns:
        The measured numbers and how long each part took.
    """
    began = time.monotonic()
    recipe = read("arvae-digits", [f"seed={seed}"])
    console.print("1/3  training on 1,797 real handwritten digits", highlight=False)
    space = train(recipe, folder, progress=True)
    trained = time.monotonic()
    console.print(f"2/3  six sliders: {', '.join(space.sliders)}", highlight=False)
    data = open_data(recipe)
    console.print("3/3  measuring on held-out digits, drawing the report", highlight=False)
    report = write_report(
        space, data, folder, seed=seed, command=f"latune demo --out {shlex.quote(str(folder))} --seed {seed}"
    )
    ended = time.monotonic()
    quoted = shlex.quote(str(folder))
    console.print(report.table())
    console.print(f"\nopen     {report.html}\npictures {folder / 'pictures'}", highlight=False)
    console.print(f"try      latune sample {quoted} --set slant=+3", highlight=False)
    return {**report.numbers, "seconds": {"training": trained - began, "report": ended - trained, "all": ended - began}}

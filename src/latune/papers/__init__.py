"""The papers' figures and tables as experiments, and the ledger of their results.

A new experiment is an `Experiment` in its paper's folder and in its list; `latune reproduce NAME` runs it.
"""

from __future__ import annotations

from typing import Any

from latune.papers import arvae, infogan, latent_constraints, shaping
from latune.papers.experiment import Arm, Experiment, Measured, Picture, Published, Quantity, Subject
from latune.papers.page import write_page
from latune.papers.reproduction import reproduce

PAPERS = (arvae, infogan, latent_constraints, shaping)
EXPERIMENTS: dict[str, Experiment] = {each.name: each for paper in PAPERS for each in paper.EXPERIMENTS}

__all__ = [
    "EXPERIMENTS",
    "Arm",
    "Experiment",
    "Measured",
    "Picture",
    "Published",
    "Quantity",
    "Subject",
    "reproduce",
    "table",
    "write_page",
]


def table() -> Any:
    """A rich table of all experiments."""
    from rich.table import Table

    made = Table("experiment", "figure", "what it shows", "trainings a seed", box=None)
    for name, experiment in EXPERIMENTS.items():
        counts = " / ".join(str(len(arms)) for arms in experiment.arms.values())
        made.add_row(name, experiment.figure, experiment.shows, counts)
    return made

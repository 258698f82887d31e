"""What a paper printed of a training like a given one, for the report of a run."""

from __future__ import annotations

from collections.abc import Iterator

from latune.papers.experiment import Arm, Experiment, Published
from latune.recipes import Recipe
from latune.report.meanings import MEANINGS
from latune.report.paper import Paper

COMPARED = ("data", "nets", "model")  # parts of a recipe that make it one of the paper's trainings
OURS = {"accuracy": ("pixel-accuracy", 0.01)}  # the name of a score of ours, and its unit in the paper's


def paper_of(recipe: Recipe) -> Paper | None:
    """The numbers that belong to a recipe; None where no paper has any.

    A recipe belongs to an arm of an experiment whose data, nets and model it shares; of a quick arm, which is a smaller
    training than the paper's, the notes say so.

    >>> from latune.recipes import read
    >>> paper_of(read("arvae-mnist")).text("scc"), paper_of(read("arvae-mnist", ["model.gamma=2"]))
    ('0.958 (0.946–0.959)', None)
    """
    numbers: dict[str, Published] = {}
    found: list[Experiment] = []
    scales: set[str] = set()
    for experiment, scale, arm in _arms():
        if arm.published and not arm.words and _same(arm, recipe):
            numbers |= {OURS.get(name, (name, 1.0))[0]: _scaled(name, each) for name, each in arm.published.items()}
            found.append(experiment)
            scales.add(scale)
    if not found:
        return None
    title, _, address = found[0].paper.partition(" (http")
    notes = [] if "paper" in scales else ["This recipe is a smaller training than the paper's."]
    names = dict.fromkeys(experiment.name for experiment in found)
    notes.append(f"Over several seeds: {'; '.join(f'latune reproduce {name}' for name in names)}.")
    codes = "sample" if "sample" in str(found[0].settings.get("codes")) else "mean"
    triples = {name: (each.median, each.low, each.high) for name, each in numbers.items() if name in MEANINGS}
    return Paper(title, f"http{address.removesuffix(')')}", triples, codes, tuple(notes))


def _arms() -> Iterator[tuple[Experiment, str, Arm]]:
    from latune.papers import EXPERIMENTS

    for experiment in EXPERIMENTS.values():
        for scale, arms in experiment.arms.items():
            yield from ((experiment, scale, arm) for arm in arms)


def _same(arm: Arm, recipe: Recipe) -> bool:
    theirs, ours = arm.resolve(recipe.seed).plain(), recipe.plain()
    return all(theirs.get(part) == ours.get(part) for part in COMPARED)


def _scaled(name: str, each: Published) -> Published:
    factor = OURS.get(name, (name, 1.0))[1]
    low, high = (None if end is None else factor * end for end in (each.low, each.high))
    return Published(factor * each.median, low, high)

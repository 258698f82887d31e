"""Fig. 1: what images tell of their code through training, where they are to tell it and where they are not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from latune.papers.experiment import Arm, Experiment, Gallery, Measured, Picture, Quantity, Subject
from latune.papers.infogan.paper import PAPER, UNTOLD, bound_of
from latune.papers.plates import shown
from latune.report import style
from latune.training.log import read_log

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CODE = "c1"
CLASSES = 10
NEAR = 0.05  # nats below the whole entropy: from there on, the code is told
TITLES = {"infogan": "InfoGAN", "gan": "a plain GAN"}


def told(subject: Subject) -> Measured:
    """The bound at the end, and after how many updates its training was near ln 10."""
    steps, values = [], []
    for line in read_log(subject.folder):
        if f"information/{CODE}" in line:
            steps.append(float(line["step"]))
            values.append(float(line[f"information/{CODE}"]))
    near = [step for step, value in zip(steps, values, strict=True) if value > math.log(CLASSES) - NEAR]
    numbers = {
        "bound": bound_of(subject, CODE, subject.settings["draws"]),
        "near": near[0] if near else float("nan"),
    }
    return Measured(numbers, {"steps": steps, "bound": values})


def curves(gallery: Gallery) -> list[Picture]:
    """Fig. 1, a line a training."""
    caption = (
        "The bound on what an image tells of its code of ten classes, means between two lines of the log; the grey "
        "line is all there is to tell, ln 10."
    )
    found: dict[str, list[Mapping[str, Sequence[float]]]] = {}
    for result in gallery.results:
        found.setdefault(TITLES[result["arm"]], []).append(result["detail"])
    return [Picture("bound", caption, shown(drawn(found)))]


@style.styled
def drawn(found: Mapping[str, Sequence[Mapping[str, Sequence[float]]]]) -> Figure:
    """All seeds of each model."""
    figure, axes = style.panels(1, 1, (6.0, 3.2))
    ax = axes[0, 0]
    for (title, lines), colour in zip(found.items(), style.LINES, strict=False):
        for i, line in enumerate(lines):
            ax.plot(line["steps"], line["bound"], color=colour, label=title if i == 0 else None)
    ax.axhline(math.log(CLASSES), color=style.GRID, zorder=0)
    ax.set(xlabel="updates", ylabel="bound (nats)", ylim=(-0.3, 2.5))
    ax.legend(loc="center right")
    return figure


def _arms(*words: str) -> tuple[Arm, ...]:
    one = ("model.continuous=0", *words)
    return (
        Arm("infogan", TITLES["infogan"], "infogan-mnist-released", one),
        Arm("gan", TITLES["gan"], "infogan-mnist-released", (*one, UNTOLD)),
    )


EXPERIMENTS = [
    Experiment(
        name="infogan-fig1",
        paper=PAPER,
        figure="Fig. 1",
        shows="What images tell of a code of ten classes, of InfoGAN and of a plain GAN whose recogniser only watches.",
        arms={"quick": _arms("training.steps=1000"), "paper": _arms()},
        quantities={
            "bound": Quantity("Bound at the end", 3, "nats"),
            "near": Quantity(f"Updates until it is within {NEAR} of ln 10", 0, "", False),
        },
        settings={"draws": 5000, "code": "ten classes"},
        measure=told,
        draw=curves,
        notes=(
            "The bound is at most ln 10 = 2.303 nats. The plain GAN draws the same code, and a recogniser learns to "
            "tell it from images through which no gradient reaches the generator.",
            "quick: 1,000 updates, as far as the paper's figure goes. paper: the released 5,000.",
        ),
    )
]

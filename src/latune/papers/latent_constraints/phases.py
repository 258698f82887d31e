"""Fig. 11: how the losses of a critic and an actor go against each other while a rule is learned."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from latune.attributes.melody_rules import in_scale
from latune.controls import PRESETS
from latune.controls.learning import learn_actor
from latune.controls.rules import rule_of
from latune.controls.teaching import asked_of, points_to_judge, rule_lesson
from latune.files import write_json
from latune.nets import LATENT_NETS
from latune.papers.experiment import Arm, Experiment, Gallery, Measured, Picture, Quantity, Subject
from latune.papers.latent_constraints.paper import PAPER
from latune.papers.plates import shown
from latune.report import style
from latune.training.log import read_log

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALE = "C major"
JUDGED = 8000  # melodies that the rule is asked about
LEARNING = replace(PRESETS["paper"], nets=LATENT_NETS["small"], steps=6000, mixing="coordinate", matmul="medium")
EARLY = 1 / 4  # of the updates, before which nothing is measured


def played(subject: Subject) -> dict[str, list[float]]:
    """Losses over updates while critic and actor learn a rule; kept, and read the next time."""
    space, seed = subject.space, subject.seed
    folder = subject.runs / "lc-phases" / f"{space.fingerprint}-seed{seed}"
    if (folder / "losses.json").exists():
        return json.loads((folder / "losses.json").read_text(encoding="utf-8"))
    rule = rule_of(in_scale(SCALE))
    points = points_to_judge(space, None, JUDGED, seed)
    lesson = rule_lesson(SCALE, points, [asked_of(space, rule, points.mean)], [], rule, seed)
    learn_actor(lesson, space.codes, LEARNING, seed, folder)
    lines = read_log(folder)
    losses = {"step": [float(line["step"]) for line in lines]}
    losses |= {player: [line[f"loss/{player}"] for line in lines] for player in ("critic", "actor")}
    write_json(folder / "losses.json", losses)
    return losses


def against(subject: Subject) -> Measured:
    """How far each loss swings once the game has settled, and whether one rises where the other falls."""
    losses = played(subject)
    late = np.asarray(losses["step"]) > EARLY * LEARNING.steps
    critic, actor = (np.asarray(losses[player])[late] for player in ("critic", "actor"))
    numbers = {
        "critic": float(critic.mean()),
        "actor": float(actor.mean()),
        "critic swings": float(critic.std()),
        "actor swings": float(actor.std()),
        "against": float(np.corrcoef(critic, actor)[0, 1]),
    }
    return Measured(numbers, losses)


def curves(gallery: Gallery) -> list[Picture]:
    """Fig. 11: both losses over the critic's updates, a column a seed."""
    caption = (
        "Losses of critic and actor, means of 100 updates, while melodies are taught to stay in C major. At first the "
        "one rises where the other falls: the actor has found what the critic believes, or the critic has found it out."
    )
    return [Picture("losses", caption, shown(drawn([result["detail"] for result in gallery.results])))]


@style.styled
def drawn(details: list[dict[str, list[float]]]) -> Figure:
    """The losses of each seed."""
    figure, axes = style.panels(len(details), 1, (8.4, 2.4 * len(details) + 0.3), sharex=True)
    for ax, detail in zip(axes[:, 0], details, strict=True):
        for player, colour in zip(("critic", "actor"), style.LINES, strict=False):
            ax.plot(detail["step"], detail[player], color=colour, label=player)
        ax.set_ylabel("loss")
    axes[0, 0].legend()
    axes[-1, 0].set_xlabel("updates of the critic")
    return figure


EXPERIMENTS = [
    Experiment(
        name="lc-melody-fig11",
        paper=PAPER,
        figure="Fig. 11",
        shows="Losses of critic and actor while a rule is learned.",
        arms={
            "quick": (Arm("vae", "MelodyVAE", "lc-melody-small"),),
            "paper": (Arm("vae", "MelodyVAE", "lc-melody-paper"),),
        },
        quantities={
            "critic": Quantity("Mean, loss of the critic", higher_is_better=None),
            "actor": Quantity("Mean, loss of the actor", higher_is_better=None),
            "critic swings": Quantity("Standard deviation, loss of the critic", higher_is_better=None),
            "actor swings": Quantity("Standard deviation, loss of the actor", higher_is_better=None),
            "against": Quantity("Correlation with the critic's, loss of the actor", higher_is_better=None),
        },
        settings={"rule": f"only {SCALE}", "judged": JUDGED, "updates": LEARNING.steps, "measured": "last 3/4"},
        measure=against,
        draw=curves,
        seeds=1,
        layout="crossed",
        notes=(
            "Adam at 3e-4, an actor's update after ten of the critic's, a gradient penalty of 10, as published; our "
            "own presets let rates fall to nothing, so that the game comes to rest.",
            "The paper prints no numbers here. Its losses go on swinging; those of these small nets rest after some "
            "2,000 updates.",
        ),
    ),
]

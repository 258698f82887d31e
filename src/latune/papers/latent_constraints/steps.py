"""Fig. 9, for MNIST: descent from the prior to what is wanted, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from latune.controls import Control, Descend
from latune.metrics.zmse import zmse
from latune.papers.experiment import Arm, Experiment, Gallery, Measured, Picture, Quantity, Subject
from latune.papers.judge import Judge, prior
from latune.papers.latent_constraints.paper import PAPER, learned
from latune.papers.plates import plates, shown
from latune.report import style
from latune.terms.critics import toward_real

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = tuple(range(0, 101, 10))
TOLD = (0, 10, 20, 50, 100)  # that the table shows
STRIPS = 10  # draws in the picture, one for each digit
WEIGHTS = (1.0, 0.1)  # of the attribute's and of the realism critic (section 5)


def path(
    control: Control,
    real: Control,
    z: Float[Tensor, "n d"],
    wanted: Int64[Tensor, " n"],
    steps: tuple[int, ...] = STEPS,
) -> list[Float[Tensor, "n d"]]:
    r"""Where a descent from `z` is after so many steps.

    .. math:: \mathcal L_1(D_{attr}(z'), y) + 0.1\, \mathcal L_1(D(z'))

    By Adam at a rate of 0.1, all the way: none stops when it has arrived. Engel, Hoffman & Roberts 2018, section 5
    and Fig. 9.
    """
    target = F.one_hot(wanted, len(control.classes)).float()

    def loss(point: Tensor, rows: Tensor) -> Tensor:
        wrong = F.binary_cross_entropy_with_logits(control.critic(point), target[rows], reduction="none").sum(1)
        return WEIGHTS[0] * wrong + WEIGHTS[1] * toward_real(real.critic(point))[:, 0]

    return [Descend(loss, None, steps=count)(z) for count in steps]


def stepped(subject: Subject) -> Measured:
    """After every tenth step: how many digits are what was asked for, and how near to test images all of them are."""
    judge, space = Judge.of(subject), subject.space
    control, real = learned(subject, "digit"), learned(subject, "realism", "realism")
    z = prior(subject, subject.settings["rows"])
    wanted = torch.arange(len(z), device=space.device) % len(control.classes)
    detail: dict[str, list[float]] = {"steps": list(map(float, STEPS)), "accuracy": [], "frechet": [], "zmse": []}
    for after in path(control, real, z, wanted):
        seen = judge.sees(space, after)
        detail["accuracy"].append(100 * (seen.classes == wanted).double().mean().item())
        detail["frechet"].append(judge.likeness(seen, ("frechet",))["frechet"])
        detail["zmse"].append(zmse(after, z, control.scale, resamples=0).value)
    at = [STEPS.index(step) for step in TOLD]
    numbers = {f"accuracy-{STEPS[i]}": detail["accuracy"][i] for i in at}
    numbers |= {f"frechet-{STEPS[i]}": detail["frechet"][i] for i in at} | {"zmse": detail["zmse"][-1]}
    return Measured(numbers, detail)


def strips(gallery: Gallery) -> list[Picture]:
    """Fig. 9 as a picture, and what the table shows as curves."""
    subject = gallery.open_subject("vae")
    control, real = learned(subject, "digit"), learned(subject, "realism", "realism")
    z = prior(subject, STRIPS, "shown")
    wanted = torch.arange(STRIPS, device=z.device) % len(control.classes)
    points = torch.stack(path(control, real, z, wanted), dim=1)  # (n, steps, d)
    images = subject.space.decode(points.flatten(0, 1)).plain().unflatten(0, points.shape[:2])
    figure = plates({"steps 0, 10, 20, ... 100": images}, [f"to {k}" for k in range(STRIPS)])
    caption = "Draws of the prior on their way down the critics of the digit and of realism, a digit a row."
    curves = (
        "Left, digits that the classifier takes for what was asked; right, the Fréchet distance of all to test images; "
        "by step, a line a seed."
    )
    return [
        Picture("strips", caption, shown(figure)),
        Picture("curves", curves, shown(curved([result["detail"] for result in gallery.results]))),
    ]


@style.styled
def curved(details: list[dict[str, list[float]]]) -> Figure:
    """Accuracy and Fréchet distance over steps."""
    figure, axes = style.panels(1, 2, (8.4, 2.8))
    for ax, name, title in zip(axes[0], ("accuracy", "frechet"), ("accuracy (%)", "Fréchet distance"), strict=True):
        for detail in details:
            ax.plot(detail["steps"], detail[name], color=style.LINES[0], alpha=0.75, marker="o", markersize=3)
        ax.set(xlabel="step", ylabel=title, xticks=np.arange(0, 101, 20))
        ax.set_ylim(0, 103 if name == "accuracy" else None)
    return figure


EXPERIMENTS = [
    Experiment(
        name="lc-mnist-fig9",
        paper=PAPER,
        figure="Fig. 9, for MNIST",
        shows="Gradient descent from draws of the prior to a digit and to realism, 0 to 100 steps.",
        arms={
            "quick": (Arm("vae", "VAE", "lc-mnist"),),
            "paper": (Arm("vae", "VAE", "lc-mnist-paper"),),
        },
        quantities={
            **{f"accuracy-{step}": Quantity(f"Accuracy, {step} steps", 2, "%") for step in TOLD},
            **{f"frechet-{step}": Quantity(f"Fréchet, {step} steps", 1, "", False) for step in TOLD},
            "zmse": Quantity("zMSE, 100 steps", 1, "", False),
        },
        settings={"rows": 2000, "codes": "prior", "weights": list(WEIGHTS), "adam": 0.1},
        measure=stepped,
        draw=strips,
        layout="crossed",
        notes=(
            "The paper's critic is learned against descended points; ours, that of the realism preset, against an "
            "actor's. The descent is the paper's: Adam at 0.1, weights 1 and 0.1.",
        ),
    ),
]

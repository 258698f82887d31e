"""Fig. 4: chains free and held in part; estimates and samples through training; reconstruction against KL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from latune.data import spread
from latune.measurement import encoding_pass
from latune.metrics import parzen
from latune.models.vgsn import VGSN
from latune.papers.experiment import (
    Arm,
    Experiment,
    Gallery,
    Measured,
    Picture,
    Quantity,
    Scale,
    Subject,
    drawn,
)
from latune.papers.judge import prior
from latune.papers.plates import plates, shown
from latune.papers.shaping.paper import FACES, PAPER, SHORT, SHORT_FACES, TITLES, second_test
from latune.papers.shaping.windows import CHOSEN_ON, SIGMAS, samples_of
from latune.report import style
from latune.space import Space

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PASSES = 10  # of each example in the scatter
DOTS = 150  # examples in it
SHOWN = 12  # samples, and frames of a chain, in pictures
CHAINS = 4
FREE_EVERY, HELD_EVERY = 5, 2  # steps between two frames, as in the paper
HIDDEN = {28: 16, 48: 25}  # side of the patch that is free, by the images'
FACE_SIGMAS = (0.08, 0.09, 0.1, 0.11, 0.12, 0.15, 0.2)  # the code's, for faces


def stages(subject: Subject) -> dict[int, Space]:
    """The model as it was after every update that the recipe kept, in order."""
    keep = subject.recipe.training.keep or ()
    return {step: Space.load(subject.folder, subject.space.device, step=step) for step in keep}


def begins(subject: Subject) -> float:
    """The update at which the guide begins."""
    model = subject.space.model
    assert isinstance(model, VGSN)
    return float(model.pretrain)


def followed(subject: Subject) -> Measured:
    """GPDE of test images and free energy of validation images through training, and the scatter of its two parts."""
    data, settings = subject.data, subject.settings
    rows, validation = subject.rows(), drawn(data.splits["validation"], settings["rows"], subject.seed)
    found: dict[str, list[float]] = {"steps": [], "gpde": [], "free-energy": []}
    for step, space in stages(subject).items():
        once = encoding_pass(space, data, validation, subject.seed, "sample")
        at_step = samples_of(space, subject.seed, settings["samples"])
        chosen_on, test = data.images(spread(data.splits["validation"], CHOSEN_ON)), data.images(rows)
        score = parzen(at_step, chosen_on, test, sigmas=settings["sigmas"], seed=subject.seed, resamples=0)
        for name, value in (("steps", step), ("gpde", score.value), ("free-energy", -once.elbo.mean().item())):
            found[name].append(float(value))
    dots = drawn(data.splits["validation"], DOTS, subject.seed)
    passes = [encoding_pass(subject.space, data, dots, seed, "sample") for seed in range(PASSES)]
    scatter = {
        "nll": torch.cat([each.reconstruction for each in passes]).tolist(),
        "kl": torch.cat([each.kl for each in passes]).tolist(),
    }
    pretrained = found["steps"].index(begins(subject))
    numbers = {
        "gpde-vae": found["gpde"][pretrained],
        "gpde": found["gpde"][-1],
        "gpde-best": max(found["gpde"]),
        "free-energy-vae": found["free-energy"][pretrained],
        "free-energy": found["free-energy"][-1],
        "kl": float(np.mean(scatter["kl"])),
        "kl-spread": float(np.std(scatter["kl"])),
    }
    return Measured(numbers, found | {"scatter": scatter})


def pictured(gallery: Gallery) -> list[Picture]:
    """All four parts of the figure."""
    first = [result for result in gallery.results if result["seed"] == gallery.results[0]["seed"]]
    subjects = {result["arm"]: gallery.open_subject(result["arm"]) for result in first}
    titles = {arm: TITLES[arm] for arm in subjects}
    curves = {titles[result["arm"]]: result["detail"] for result in first}
    guided = {begins(subject) for subject in subjects.values()}
    some = next(iter(subjects.values()))
    start = some.data.images(drawn(some.data.splits["test"], CHAINS, some.seed))
    return [
        Picture(
            "chains",
            f"Free chains from test images, every {FREE_EVERY}th step; and chains of which all but a patch is held, "
            f"every {HELD_EVERY}nd, the patch blank at first. A model a block.",
            shown(*(chains(subject, start, titles[arm]) for arm, subject in subjects.items())),
        ),
        Picture(
            "training",
            "GPDE of test images (left) and free energy of validation images (right) through training; the line is "
            "where the guide begins.",
            shown(curved(curves, guided)),
        ),
        Picture(
            "scatter",
            f"What reconstruction costs against KL, {DOTS} validation images, {PASSES} draws of each.",
            shown(scattered({title: detail["scatter"] for title, detail in curves.items()})),
        ),
        Picture(
            "samples",
            "The decoder's means at the same draws of the prior, after so many updates.",
            shown(*(aged(subject, titles[arm]) for arm, subject in subjects.items())),
        ),
    ]


def walked(subject: Subject, start: Tensor) -> tuple[Tensor, Tensor]:
    """Chains from images `(n, c, h, w)`, free and held but for a patch: `(n, k, c, h, w)`, the start first."""
    side, count = start.shape[-1], SHOWN - 1
    patch = HIDDEN.get(side, side // 2)
    low = (side - patch) // 2
    mask = torch.ones(side, side)
    mask[low : low + patch, low : low + patch] = 0
    free = subject.space.walk(start, FREE_EVERY * count, every=FREE_EVERY, seed=subject.seed)
    held = subject.space.walk(start, HELD_EVERY * count, every=HELD_EVERY, seed=subject.seed, clamp=mask, begin="blank")
    begun = ((start, free), (start * mask, held))
    first, second = (torch.cat([first[:, None], walk.images().plain()], 1) for first, walk in begun)
    return first, second


def chains(subject: Subject, start: Tensor, title: str) -> Figure:
    """Both kinds side by side."""
    free, held = walked(subject, start)
    return plates({f"{title}: free": free, "held around a patch": held}, [""] * len(start))


def aged(subject: Subject, title: str) -> Figure:
    """The same draws decoded by every stage."""
    z = prior(subject, SHOWN, "shown")
    images = {step: space.decode(z).plain() for step, space in stages(subject).items()}
    return plates({title: torch.stack(list(images.values()))}, [f"{step:,}" for step in images])


@style.styled
def curved(found: Mapping[str, Mapping[str, Sequence[float]]], guided: Collection[float]) -> Figure:
    """GPDE and free energy over updates, a line a model."""
    figure, axes = style.panels(1, 2, (9.0, 3.0))
    for ax, name, title in zip(axes[0], ("gpde", "free-energy"), ("GPDE (nats)", "free energy (nats)"), strict=True):
        for (model, values), colour in zip(found.items(), style.LINES, strict=False):
            ax.plot(values["steps"], values[name], color=colour, marker="o", markersize=3, label=model)
        for update in guided:
            ax.axvline(update, color=style.GRID, zorder=0)
        ax.set(xlabel="updates", ylabel=title)
    axes[0, 0].legend()
    return figure


@style.styled
def scattered(found: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """A dot a draw: KL across, cost of reconstruction up."""
    figure, axes = style.panels(1, len(found), (3.4 * len(found), 3.0), sharex=True, sharey=True)
    for ax, (model, values) in zip(axes[0], found.items(), strict=True):
        style.dots(ax, np.array(values["kl"]), np.array(values["nll"]))
        ax.set(xlabel="KL (nats)", title=model)
    axes[0, 0].set_ylabel("−log p(x | z) (nats)")
    return figure


QUANTITIES = {
    "gpde": Quantity("GPDE at the end", 1, "nats"),
    "gpde-vae": Quantity("GPDE before the guide", 1, "nats"),
    "gpde-best": Quantity("GPDE, best of all", 1, "nats"),
    "free-energy": Quantity("Free energy at the end", 1, "nats", False),
    "free-energy-vae": Quantity("Free energy before the guide", 1, "nats", False),
    "kl": Quantity("KL", 1, "nats", None),
    "kl-spread": Quantity("its standard deviation over images", 1, "nats", False),
}
NOTES = (
    "The number of a training is that at its end; the best of all was looked for on the test images and is shown for "
    "the paper's observation alone: the estimate of VAR is highest early and falls while its free energy improves.",
)


def _figure(
    name: str,
    figure: str,
    shows: str,
    arms: Mapping[Scale, tuple[Arm, ...]],
    sigmas: Sequence[float],
    notes: tuple[str, ...],
) -> Experiment:
    """One half of the figure: the same of digits and of faces."""
    return Experiment(
        name=name,
        paper=PAPER,
        figure=figure,
        shows=shows,
        arms=arms,
        quantities=QUANTITIES,
        settings={"rows": 10_000, "samples": 10_000, "sigmas": list(sigmas), "chosen on": CHOSEN_ON},
        measure=followed,
        draw=pictured,
        layout="arms",
        seeds=1,
        notes=(*notes, *NOTES),
    )


EXPERIMENTS = [
    _figure(
        "vgsn-fig4-mnist",
        "Fig. 4 a to d, MNIST",
        "Chains free and held in part, and estimates through training, with and without the KL held together.",
        second_test(("var", "ork")),
        SIGMAS,
        (SHORT,),
    ),
    _figure(
        "vgsn-fig4-faces",
        "Fig. 4 e to h, faces",
        "The same on grey faces of 48x48 pixels: a subset of CelebA in place of the Toronto faces.",
        FACES,
        FACE_SIGMAS,
        (
            "The Toronto Face Database is not given out any more; numbers do not compare with the paper's 2,060 and "
            "2,130 of it.",
            SHORT_FACES,
        ),
    ),
]

"""Fig. 3: what long walks come to, of a model whose chains were unrolled and led, and of a VAE trained as long."""

from __future__ import annotations

import torch

from latune.measurement.walks import HELD_OUT
from latune.papers.experiment import Arm, Experiment, Gallery, Measured, Picture, Quantity, Subject, drawn
from latune.papers.judge import Judge
from latune.papers.plates import plates, shown
from latune.papers.shaping.paper import PAPER

CHAINS = 6  # in the picture
FRAMES = 16
TITLES = {"guided": "unrolled and led by a guide", "one-step": "a VAE, trained as long"}
WINDOWS = 2  # of the steps; the second is what is left in the long run


def walked(subject: Subject) -> Measured:
    """Confidence, Fréchet distance and classes of 1,000-step chains from test images, and of inpaintings."""
    settings, judge = subject.settings, Judge.of(subject)
    walks = subject.space.measure_walk(
        subject.data,
        judge=judge.classifier,
        chains=settings["chains"],
        steps=settings["steps"],
        windows=WINDOWS,
        seed=subject.seed,
        resamples=0,
    ).scores
    painted = subject.space.measure_inpainting(
        subject.data,
        judge=judge.classifier,
        seer_folder=subject.runs / f"seer-of-{subject.data.name}-seed{subject.seed}",  # what it learned from is drawn
        limit=settings["painted"],
        seed=subject.seed,
        judge_seed=subject.seed,
        resamples=0,
    ).scores
    numbers = {
        "confidence": 100 * walks["confidence"].value,
        "frechet": walks["frechet-distance"].value,
        "frechet-held-out": walks["frechet-distance"].per_attribute[HELD_OUT],
        "classes": walks["classes-visited"].value,
        "classes-together": walks["classes-visited"].detail["together"],
        "changes": 100 * walks["class-changes"].value,
        "nearest": walks["nearest-training"].value,
        "completed": 100 * painted["completed-class"].value,
        "completion-spread": 100 * painted["completion-spread"].value,
    }
    return Measured(numbers, {"chains": settings["chains"]})


def sheets(gallery: Gallery) -> list[Picture]:
    """Chains of both models from the same test images."""
    blocks = {}
    for label, title in TITLES.items():
        subject = gallery.open_subject(label)
        start = subject.data.images(drawn(subject.data.splits["test"], CHAINS, subject.seed))
        every = subject.settings["steps"] // (FRAMES - 1)
        walk = subject.space.walk(start, every * (FRAMES - 1), every=every, seed=subject.seed)
        blocks[title] = torch.cat([start[:, None], walk.images().plain()], 1)
    caption = f"Chains from test images (first column), every {every}th step of a thousand."
    return [Picture("walks", caption, shown(*(plates({title: each}, [""] * CHAINS) for title, each in blocks.items())))]


EXPERIMENTS = [
    Experiment(
        name="vgsn-fig3",
        paper=PAPER,
        figure="Fig. 3, MNIST",
        shows="Walks of a thousand steps, and inpaintings, with and without unrolled chains and a guide in training.",
        arms={
            "quick": (
                Arm("guided", TITLES["guided"], "vgsn-mnist"),
                Arm("one-step", TITLES["one-step"], "vgsn-mnist", ("model.guide=off",)),
            ),
            "paper": (
                Arm("guided", TITLES["guided"], "vgsn-mnist-paper"),
                Arm("one-step", TITLES["one-step"], "vgsn-mnist-paper", ("model.guide=off",)),
            ),
        },
        quantities={
            "confidence": Quantity("Confidence of the judge, steps 501 to 1,000", 1, "%"),
            "frechet": Quantity("Fréchet distance, steps 501 to 1,000", 1, "", False),
            "frechet-held-out": Quantity("of held-out images in their place", 1, "", False),
            "classes": Quantity("Classes that a chain visits", 1),
            "classes-together": Quantity("Classes that all chains visit", 0),
            "changes": Quantity("Steps that change the class", 1, "%", None),
            "nearest": Quantity("Distance to the nearest training image", 2, "", None),
            "completed": Quantity("Inpaintings of the true class, where the visible part tells it", 1, "%"),
            "completion-spread": Quantity("Spread of inpaintings", 1, "% of the images'"),
        },
        settings={"chains": 100, "steps": 1000, "painted": 1000},
        measure=walked,
        draw=sheets,
        notes=(
            "Chains start from test images; the judge is a classifier that took no part in any choice. The paper shows "
            "pictures only.",
            "Without the guide, what the chain does is of no use to the loss, so one step of it is trained: a VAE.",
            "The quick recipe trains a VAE for 8,000 updates and 500 more with the guide, or without it; weights and "
            "lengths were chosen on validation images, in the eyes of another judge, on seed 0.",
        ),
    ),
]

"""Latent Constraints: Engel, Hoffman & Roberts 2018, controls added to a model after its training."""

from __future__ import annotations

from latune.papers.experiment import Arm, Experiment, Quantity
from latune.papers.latent_constraints import digits

PAPER = "Engel, Hoffman & Roberts 2018, Latent Constraints (https://arxiv.org/abs/1711.05772)"

EXPERIMENTS = [
    Experiment(
        name="lc-mnist-digits",
        paper=PAPER,
        figure="Table 1, for MNIST",
        shows="Digits made to order from draws of the prior, by an actor that may go anywhere and by one that pays for "
        "the way.",
        arms={
            "quick": (Arm("vae", "VAE", "lc-mnist"),),
            "paper": (Arm("vae", "VAE", "lc-mnist-paper"),),
        },
        quantities={
            "test": Quantity("Test images", 2, "%", None),
            "accuracy-free": Quantity("Accuracy, λ = 0", 2, "%"),
            "spread-free": Quantity("Spread, λ = 0", 1, "%"),
            "zmse-free": Quantity("zMSE, λ = 0", 1, "", None),
            "accuracy-near": Quantity("Accuracy, λ = 0.1", 2, "%"),
            "spread-near": Quantity("Spread, λ = 0.1", 1, "%"),
            "zmse-near": Quantity("zMSE, λ = 0.1", 1, "", False),
        },
        settings={"rows": 10_000, "codes": "prior", "presets": digits.ARMS},
        measure=digits.digits,
        notes=(
            "The paper gives these numbers for CelebA only: .942 and zMSE 80.7 at λ = 0, .928 and 17.0 at λ = 0.1.",
            "Spread is that of a classifier's features within a digit, as a share of the test images'.",
            "The actors are our presets `default` and `near`; the classifier takes no part in their training.",
        ),
    ),
]

"""What each metric says, and how it misleads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Meaning:
    """A metric in words.

    Args:
        title: its name in a table.
        says: what it means, in one line.
        trap: how it misleads, in one line.
        better: `higher`, `lower`, or empty where neither is.
    """

    title: str
    says: str
    trap: str
    better: str = "higher"


MEANINGS = {
    "elbo": Meaning(
        "ELBO",
        "A lower bound on log p(x): minus reconstruction, minus KL; nats an example.",
        "It compares only models of one likelihood on the same pixels; one code is drawn an image.",
    ),
    "reconstruction": Meaning(
        "Reconstruction",
        "−log p(x|z) of a code drawn from the posterior; nats an example.",
        "Its floor is not zero: grey pixels keep their own entropy under a Bernoulli likelihood.",
        "lower",
    ),
    "kl": Meaning(
        "KL",
        "How much the code of an image departs from the prior; nats an example.",
        "Neither end is good: near zero the code is ignored, far from it the prior gives poor samples.",
        "",
    ),
    "pixel-accuracy": Meaning(
        "Pixel accuracy",
        "Share of pixels on the same side of 0.5 as in the original, decoded from the codes that were measured.",
        "An empty background counts as right.",
    ),
    "mean-squared-error": Meaning(
        "Mean squared error",
        "Squared difference of pixels in [0, 1], decoded from the codes that were measured.",
        "It rewards blur over detail in the wrong place.",
        "lower",
    ),
    "interpretability": Meaning(
        "Interpretability",
        "R² of a straight line to an attribute from the coordinate that tells most of it (Pati & Lerch 2020).",
        "The coordinate is the one that wins, not the one with the name; a perfect but curved relation stays below 1.",
    ),
    "scc": Meaning(
        "SCC",
        "The largest absolute Spearman correlation of an attribute with a coordinate.",
        "It says nothing of the other coordinates: all of them may follow the same attribute.",
    ),
    "sap": Meaning(
        "SAP",
        "How far the best coordinate leads the second best, in squared correlation.",
        "Attributes that go together in the data (length and area) cannot lead by much, however good the model.",
    ),
    "mig": Meaning(
        "MIG",
        "How far the best coordinate leads in mutual information, as a share of the attribute's entropy (20 bins).",
        "Bins decide: on few rows the estimate is biased, and other papers' numbers use other bins or classes.",
    ),
    "mig-arvae": Meaning(
        "MIG as in AR-VAE",
        "The same lead by nearest neighbours, divided by the attribute's estimated information with itself.",
        "The divisor grows with the number of rows: compare only with numbers from as many rows.",
    ),
    "modularity": Meaning(
        "Modularity",
        "Whether each coordinate tells of one attribute only; mean over all coordinates.",
        "Idle coordinates get arbitrary scores from noise, so it hardly separates models.",
    ),
    "modularity-used": Meaning(
        "Modularity, used",
        "The same over the coordinates that tell of some attribute above chance.",
        "What is above chance depends on the number of rows, and a single used coordinate can score 1.",
    ),
    "monotonicity": Meaning(
        "Monotonicity",
        "Spearman correlation between a slider and the attribute measured on what is decoded, mean over examples.",
        "Order only: a slider that moves its attribute by a hair can score 1, so look at its reach too.",
    ),
}  # fmt: skip


def meaning(name: str) -> Meaning:
    """The words for a metric; a metric without any goes by its name."""
    return MEANINGS.get(name, Meaning(name, "", "", ""))

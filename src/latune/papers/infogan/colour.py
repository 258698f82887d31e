"""Figs. 5 and 6: house numbers and faces, whose codes are looked at, and how much images tell of them is measured."""

from __future__ import annotations

import torch

from latune.codes import Categorical
from latune.models.infogan import InfoGAN
from latune.papers.experiment import Arm, Experiment, Gallery, Measured, Picture, Quantity, Subject, drawn
from latune.papers.infogan.paper import PAPER
from latune.papers.judge import prior
from latune.papers.plates import plates, shown
from latune.training import generator

ROWS = 5
BEST = 4  # codes in pictures, those that are told most
HALF = 0.5  # of a code's entropy: from there on it is called told


def told(subject: Subject) -> Measured:
    """The bound of each code of classes, over draws that nothing was learned from."""
    model = subject.space.model
    assert isinstance(model, InfoGAN)
    x = subject.data.images(drawn(subject.data.splits["test"], subject.settings["draws"], subject.seed))
    with torch.no_grad():
        seen = model.validation(x, generator(subject.seed, "bound", device=x.device))
    bounds = {
        name: seen[f"information/{name}"] for name, factor in model.told.items() if isinstance(factor, Categorical)
    }
    entropy = sum(model.told.entropy(name) for name in bounds)
    numbers = {
        "bound": sum(bounds.values()),
        "share": 100 * sum(bounds.values()) / entropy,
        "told": float(sum(bound > HALF * model.told.entropy(name) for name, bound in bounds.items())),
        "spread": seen["spread"],
    }
    return Measured(numbers, {"bounds": bounds, "remarks": [remark.text for remark in model.remarks(seen)]})


def panels(gallery: Gallery) -> list[Picture]:
    """The codes that are told most, each turned through its classes."""
    result = gallery.results[0]
    subject = gallery.open_subject(result["arm"])
    z, bounds = prior(subject, ROWS, "panels"), result["detail"]["bounds"]
    best = sorted(bounds, key=lambda name: -bounds[name])[:BEST]
    sheets = [
        plates(
            {f"{code}, its ten classes ({bounds[code]:.2f} nats)": subject.space.traverse(None, code, at=z).plain()},
            [""] * ROWS,
        )
        for code in best
    ]
    caption = (
        "Each row is one draw of noise and codes, of which one code goes through its classes; in brackets, its bound."
    )
    return [Picture("codes", caption, shown(*sheets, columns=2))]


def _experiment(name: str, figure: str, of: str, recipe: str) -> Experiment:
    return Experiment(
        name=name,
        paper=PAPER,
        figure=figure,
        shows=f"What codes of classes do that a GAN finds in {of}, and how much its images tell of them.",
        arms={
            "quick": (Arm("ours", "our recipe", recipe),),
            "paper": (Arm("paper", "the paper's nets", f"{recipe}-paper"),),
        },
        quantities={
            "bound": Quantity("Bound of all codes of classes", 2, "nats"),
            "share": Quantity("of all that there is to tell", 1, "%"),
            "told": Quantity("Codes of which more than half is told", 0),
            "spread": Quantity("Spread of made images, of real ones'", 2, "", None),
        },
        settings={"draws": 2000},
        measure=told,
        draw=panels,
        seeds=1,
        notes=(
            "The paper shows pictures alone; what a code means is for the eye.",
            "Trained for a few thousand updates on thinner nets at the quick scale.",
        ),
    )


EXPERIMENTS = [
    _experiment("infogan-fig5", "Fig. 5, SVHN", "house numbers", "infogan-svhn"),
    _experiment("infogan-fig6", "Fig. 6, CelebA", "faces", "infogan-celeba"),
]

"""Fig. 2 and the 5 % error: what the codes of MNIST turn out to mean, looked at and measured."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64

from latune.attributes.image import morphology
from latune.metrics import recovery
from latune.papers.experiment import Arm, Experiment, Gallery, Measured, Picture, Published, Quantity, Subject, drawn
from latune.papers.infogan.paper import PAPER, UNTOLD, bound_of, classes_of, column, rank_correlation, turned
from latune.papers.judge import prior
from latune.papers.plates import plates, shown

CLASS, NUMBERS = "c1", ("c2", "c3")
STROKES = ("slant", "width")
ROWS, COLUMNS = 5, 10  # of pictures
FAR = 2.0  # how far codes are turned in pictures; they are drawn from -1 to 1
TITLES = {
    "ours": "our recipe",
    "strokes": "told slant and width",
    "released": "as released",
    "gan": "a plain GAN",
}


def discovered(subject: Subject) -> Measured:
    """The error of the class code as a classifier, and how codes of numbers follow slant and width."""
    data, space, settings = subject.data, subject.space, subject.settings
    test, fit = subject.rows(), drawn(data.splits["training"], settings["fit"], subject.seed)
    found, names = ((classes_of(space, data.images(rows), CLASS), data.column("digit", rows)) for rows in (test, fit))
    scores = recovery(*found, names, resamples=0)
    numbers = {
        "error": 100 * (1 - scores["recovery"].value),
        "error-majority": 100 * (1 - scores["recovery-majority"].value),
        "bound": bound_of(subject, CLASS, settings["draws"]),
    }
    codes = chosen(subject)
    numbers |= {name: abs(over_draws(subject, codes[name], name)) for name in STROKES}
    numbers |= {f"{name}-turned": while_turned(subject, codes[name], name) for name in STROKES}
    return Measured(numbers, {"codes": codes, "names": scores["recovery"].detail["names"]})


def strokes(images: Any, name: str) -> Float64[np.ndarray, " n"]:
    """One measurement of digits `(n, 1, h, w)`."""
    return morphology(images.plain().cpu(), workers=1)[name]


def chosen(subject: Subject) -> dict[str, str]:
    """Which code is called slant and which width: of both ways the one that follows more, on draws of their own."""
    z = prior(subject, subject.settings["draws"] // 2, "chosen")
    measured = {name: strokes(subject.space.decode(z), name) for name in STROKES}
    follows = {
        (name, code): abs(rank_correlation(column(subject, z, code), measured[name]))
        for name in STROKES
        for code in NUMBERS
    }
    best = max(permutations(NUMBERS), key=lambda way: sum(follows[pair] for pair in zip(STROKES, way, strict=True)))
    return dict(zip(STROKES, best, strict=True))


def over_draws(subject: Subject, code: str, name: str) -> float:
    """Spearman's correlation of a code with a measurement, over digits of any class, noise and other codes."""
    z = prior(subject, subject.settings["draws"], "over draws")
    return rank_correlation(column(subject, z, code), strokes(subject.space.decode(z), name))


def while_turned(subject: Subject, code: str, name: str) -> float:
    """The same of one digit while the code alone is turned from -1 to 1, its mean over digits; without its sign."""
    return turned(subject, code, lambda images: strokes(images, name))


def panels(gallery: Gallery) -> list[Picture]:
    """Fig. 2: the classes of all models beside each other, and a sheet a model with its numbers."""
    sheets: dict[str, Any] = {}
    classes = {}
    seed = gallery.results[0]["seed"]
    for result in (each for each in gallery.results if each["seed"] == seed):
        subject, model = gallery.open_subject(result["arm"]), TITLES[result["arm"]]
        space, z = subject.space, prior(subject, ROWS, "panels")
        classes[model] = space.traverse(None, CLASS, at=z).plain()
        blocks = {f"{model}: {CLASS}": classes[model]}
        if result["arm"] != "gan":
            values = torch.linspace(-FAR, FAR, COLUMNS)
            for name, code in result["detail"]["codes"].items():
                title = f"{code} from -2 to 2: {name} ({result['numbers'][f'{name}-turned']:.2f})"
                blocks[title] = space.traverse(None, code, values, at=z).plain()
        sheets[result["arm"]] = plates(blocks, [""] * ROWS)
    caption = (
        "Each row is one draw of noise and codes, of which one code is turned; columns of the first block are its "
        "classes. In brackets, Spearman's correlation of slant or width with the code while one digit is turned"
    )
    told = {"strokes": sheets.pop("strokes")} if "strokes" in sheets else {}
    turned_class = "Each row is one draw of noise and codes, whose class is turned through all there are."
    found = [Picture("classes", turned_class, shown(plates(classes, [""] * ROWS)))]
    for name, figures, what in (
        ("panels", sheets, ": a code that is called so may hardly follow it."),
        ("strokes", told, ". What slant and width are, its numbers are told by pushed images, without labels."),
    ):
        if figures:
            found.append(Picture(name, caption + what, shown(*figures.values())))
    return found


ARMS = (
    Arm("ours", TITLES["ours"], "infogan-mnist"),
    Arm("strokes", TITLES["strokes"], "infogan-mnist-strokes"),
    Arm("released", TITLES["released"], "infogan-mnist-released", (), {"error": Published(5.0)}),
    Arm("gan", TITLES["gan"], "infogan-mnist-released", (UNTOLD,)),
)

EXPERIMENTS = [
    Experiment(
        name="infogan-fig2",
        paper=PAPER,
        figure="Fig. 2 and the 5 % error, MNIST",
        shows="Whether the class code tells digits apart, and whether the codes of numbers are slant and width.",
        arms={"quick": ARMS, "paper": ARMS},
        quantities={
            "error": Quantity("Error of c1 on test images, a name a class", 2, "%", False),
            "error-majority": Quantity("names may be shared", 2, "%", False),
            "bound": Quantity("Bound of c1", 3, "nats"),
            "slant": Quantity("Slant follows its code, over all draws"),
            "width": Quantity("Width follows its code, over all draws"),
            "slant-turned": Quantity("Slant, while one digit is turned"),
            "width-turned": Quantity("Width, while one digit is turned"),
        },
        settings={"rows": 10_000, "fit": 10_000, "draws": 2000},
        measure=discovered,
        draw=panels,
        seeds=5,
        notes=(
            "The paper's 5 % come without code. Here found classes are given names on training images, one to one by "
            "the assignment of most agreements, and scored on test images; where names may be shared, each class has "
            "that of most of its images.",
            "Correlations are Spearman's, of measured strokes of made digits. Which code is called slant and which "
            "width is decided on other draws.",
            "Told slant and width: its numbers are to follow how images are pushed out of shape, which takes no label.",
            "The plain GAN's recogniser watches without being told to the generator.",
        ),
    )
]

"""Figs. 3 and 4 on rendered scenes: whether codes turn out to be pose, light and width, of which the truth is known."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from latune.models.infogan import NOISE
from latune.papers.experiment import Arm, Experiment, Gallery, Measured, Picture, Quantity, Subject
from latune.papers.infogan.factors import TURN, Reader, numbers, turns
from latune.papers.infogan.paper import PAPER, POSITIONS, bound_of, column, contrast_of, rank_correlation, turned
from latune.papers.judge import prior
from latune.papers.plates import plates, shown

CUTS = 36  # places at which a whole turn is cut open
ROWS = 4  # of pictures
TITLES = {"ours": "our recipe", "mirror": "told what a mirror does", "paper": "the paper's rates"}


def recovered(subject: Subject) -> Measured:
    """Which code follows each factor, and how far: over all draws, and while it alone is turned."""
    n, reader = subject.settings["draws"], reader_of(subject)
    codes = [code for code in subject.space.knobs if not subject.space.classes_of(code)]
    z, other = prior(subject, n, "over draws"), prior(subject, n // 2, "chosen")
    seen, before = (reader.read(subject.space.decode(each).plain()) for each in (z, other))
    found: dict[str, float] = {}
    chosen: dict[str, str] = {}
    for name, (low, high) in numbers(subject.data).items():
        cuts = [TURN * i / CUTS for i in range(CUTS)] if turns(low, high) else [0.0]
        follows = {
            (code, cut): abs(rank_correlation(column(subject, other, code), opened(before[name], cut)))
            for code in codes
            for cut in cuts
        }
        code, cut = max(follows, key=lambda pair: follows[pair])
        chosen[name] = code
        found[name] = abs(rank_correlation(column(subject, z, code), opened(seen[name], cut)))
        found[f"{name}-turned"] = while_turned(subject, reader, code, name, cut)
    found["contrast"] = contrast_of(subject, n)
    found["bound"] = sum(bound_of(subject, code, n) for code in subject.space.codes if code != NOISE)
    return Measured(found, {"codes": chosen, "reader": reader.exactness})


def reader_of(subject: Subject) -> Reader:
    """The one that reads these scenes, trained where it is not yet."""
    folder = subject.runs / f"reader-of-{subject.data.name}"
    return Reader.train(subject.data, folder, subject.settings["reader"])


def opened(values: Tensor, cut: float) -> Tensor:
    """Angles counted from a cut on; a cut of 0 leaves all as it is.

    >>> [round(value, 3) for value in opened(torch.tensor([1.0, 3.0]), 2.0).tolist()]
    [5.283, 1.0]
    """
    return (values - cut) % TURN if cut else values


def while_turned(subject: Subject, reader: Reader, code: str, name: str, cut: float) -> float:
    """Spearman's correlation of one scene while its code alone is turned from -1 to 1, the mean over scenes."""
    return turned(subject, code, lambda images: opened(reader.read(images.plain())[name], cut))


def panels(gallery: Gallery, words: str) -> list[Picture]:
    """A picture for each recipe: the codes of one of its runs, the best as far as can be told without labels."""
    labels = dict.fromkeys(result["arm"] for result in gallery.results)
    return [_panel(gallery, label, words) for label in labels]


def _panel(gallery: Gallery, label: str, words: str) -> Picture:
    """The codes of the run whose contrast is lowest, each turned alone."""
    results = [result for result in gallery.results if result["arm"] == label]
    result = min(results, key=lambda each: each["numbers"]["contrast"])
    subject = gallery.open_subject(label, result["seed"])
    z, values = prior(subject, ROWS, "panels"), torch.linspace(-1, 1, POSITIONS)
    sheets = [
        plates({f"{code} from -1 to 1: {name} ({result['numbers'][name]:.2f})": turned.plain()}, [""] * ROWS)
        for name, code in result["detail"]["codes"].items()
        for turned in (subject.space.traverse(None, code, values, at=z),)
    ]
    title = TITLES[label].capitalize()
    if len(results) > 1:
        title += f": of {len(results)} runs the one whose contrast is lowest, which is chosen without labels"
    caption = (
        f"{title}. Each row is one draw of noise and codes, of which one code is turned: {words}. In brackets, "
        "Spearman's correlation of the code with the factor over all draws."
    )
    return Picture("codes" if label == "ours" else f"codes-{label}", caption, shown(*sheets, columns=2))


def _experiment(
    name: str, figure: str, of: str, quick: tuple[Arm, ...], paper: tuple[Arm, ...], factors: tuple[str, ...]
) -> Experiment:
    titles = {factor: f"{factor.capitalize()} follows a code" for factor in factors}
    return Experiment(
        name=name,
        paper=PAPER,
        figure=figure,
        shows=f"Whether codes that a GAN finds by itself are the {', '.join(factors[:-1])} or {factors[-1]} of {of}.",
        arms={"quick": quick, "paper": paper},
        quantities={
            **{factor: Quantity(f"{titles[factor]}, over all draws") for factor in factors},
            **{f"{factor}-turned": Quantity(f"{titles[factor]}, while one scene is turned") for factor in factors},
            "contrast": Quantity("Contrast of the directions that numbers move an image in", 3, "nats", False),
            "bound": Quantity("Bound of all codes", 2, "nats"),
        },
        settings={"draws": 2000, "reader": 3000},
        measure=recovered,
        draw=partial(panels, words=", ".join(factors)),
        seeds=5,
        notes=(
            "Rendered scenes stand for the paper's, which cannot be had: their factors are known exactly, and a net "
            "trained on the renderer reads them from images that are made (how well, from test images, is in the "
            "result files: `reader`).",
            "Correlations are Spearman's, without sign, each with the code that follows the factor best on other "
            "draws. A factor that goes all the way round is cut open where that makes most of it, on those draws.",
            "The paper shows the best of five runs; here is the median of them, and the best is the range's end.",
            "The contrast asks for no label: it is 0 where every number moves an image in a direction of its own.",
        ),
    )


HEADS, CHAIRS = "infogan-heads", "infogan-chairs"
EXPERIMENTS = [
    _experiment(
        "infogan-fig3",
        "Fig. 3, on rendered heads",
        "rendered heads",
        (Arm("ours", TITLES["ours"], HEADS), Arm("mirror", TITLES["mirror"], f"{HEADS}-mirror")),
        (Arm("paper", TITLES["paper"], f"{HEADS}-paper"),),
        ("azimuth", "elevation", "lighting", "width"),
    ),
    _experiment(
        "infogan-fig4",
        "Fig. 4, on rendered chairs",
        "rendered chairs",
        (Arm("ours", TITLES["ours"], CHAIRS),),
        (Arm("paper", TITLES["paper"], f"{CHAIRS}-paper"),),
        ("azimuth", "elevation", "width"),
    ),
]

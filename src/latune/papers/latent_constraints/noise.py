"""Table 4 and Fig. 16, and Fig. 2 for MNIST: the scale of the pixel noise, and what it makes of samples and codes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from latune.controls import Gated
from latune.measurement import encoding_pass
from latune.papers.experiment import (
    Arm,
    Experiment,
    Gallery,
    Measured,
    Picture,
    Published,
    Quantity,
    Scale,
    Subject,
    drawn,
)
from latune.papers.judge import Judge, Seen, prior
from latune.papers.latent_constraints.paper import PAPER, learned
from latune.papers.plates import plates, shown
from latune.report import style
from latune.space import CHUNK
from latune.terms import Gaussian

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIGMAS = {"1": 1.0, "0.1": 0.316, "0.01": 0.1, "0.001": 0.0316, "0.0001": 0.01}  # by the variance, as in Table 4
# By the data: at each scale, the recipe and what is changed of it; a sweep is shorter than the model that it chooses.
RECIPES: dict[str, dict[Scale, tuple[str, tuple[str, ...]]]] = {
    "mnist": {
        "quick": ("lc-mnist", ("training.epochs=10", "training.precision=fp32")),
        "paper": ("lc-mnist-paper", ()),
    },
    "celeba": {
        "quick": ("lc-celeba-small-32", ("training.steps=1500",)),
        "paper": ("lc-celeba-paper", ()),
    },
}
COMPARED = ("1", "0.1", "0.01", "0.001")  # of Fig. 2
COLUMNS = 8  # images of a block in the picture
USED = 0.95  # a posterior this wide, or wider, tells nothing


def arms(
    variances: tuple[str, ...],
    data: str = "mnist",
    published: Mapping[str, Mapping[str, Published]] | None = None,
) -> Mapping[Scale, tuple[Arm, ...]]:
    """A training for each variance of the pixels; what is published stands beside the paper's size."""
    known = published or {}
    return {
        scale: tuple(
            Arm(
                f"variance{variance}",
                f"σx² = {variance}",
                recipe,
                (f"model.sigma={SIGMAS[variance]}", *words),
                known.get(variance, {}) if scale == "paper" else {},
            )
            for variance in variances
        )
        for scale, (recipe, words) in RECIPES[data].items()
    }


# --- Fig. 2: samples --------------------------------------------------------------------------------------------------


def made(subject: Subject, n: int) -> dict[str, Tensor]:
    """Codes of test images' reconstructions, of draws of the prior, and of the same made more real."""
    z = prior(subject, n)
    rows = drawn(subject.data.splits["test"], n, subject.seed)
    codes = torch.cat([subject.space.encode(subject.data.images(part)) for part in rows.split(CHUNK)])
    real = Gated(learned(subject, "realism", "realism").actor)(z)  # pyright: ignore[reportArgumentType]
    return {"reconstructed": codes, "prior": z, "realism": real}


def sampled(subject: Subject) -> Measured:
    """How near to test images the classifier finds reconstructions, draws of the prior, and draws made more real."""
    judge = Judge.of(subject)
    numbers = {}
    for what, z in made(subject, subject.settings["rows"]).items():
        numbers |= {f"{name}-{what}": value for name, value in judge.likeness(judge.sees(subject.space, z)).items()}
    rows = subject.data.splits["training"]
    images = subject.data.images(drawn(rows, subject.settings["rows"], subject.seed))
    control = learned(subject, "realism", "realism")
    floor = judge.likeness(Seen.of(judge.classifier, images))
    return Measured(numbers, {"training images": floor, "seconds": control.about["seconds"]})


def compared(gallery: Gallery) -> list[Picture]:
    """Fig. 2 as a picture: a row for each variance; reconstructions, draws, and the same draws made more real."""
    titles = {"reconstructed": "reconstructions", "prior": "draws of the prior", "realism": "the same, with realism"}
    blocks: dict[str, list[Tensor]] = {title: [] for title in titles.values()}
    for variance in COMPARED:
        subject = gallery.open_subject(f"variance{variance}")
        for what, z in made(subject, COLUMNS).items():
            blocks[titles[what]].append(subject.space.decode(z).plain())
    plate = {title: torch.stack(rows) for title, rows in blocks.items()}
    caption = (
        "A model for each variance of the pixels' noise. Much noise forgets the digit; little noise keeps it and "
        "leaves holes between codes, into which draws of the prior fall and from which the realism control takes them."
    )
    return [Picture("samples", caption, shown(plates(plate, [f"σx² = {variance}" for variance in COMPARED])))]


# --- Table 4 and Fig. 16: bounds and scales ---------------------------------------------------------------------------


def bounded(subject: Subject) -> Measured:
    """Log-likelihood, KL and their difference on test images, in nats, from one draw of each posterior."""
    once = encoding_pass(subject.space, subject.data, subject.rows(), subject.seed, "sample")
    rows = subject.data.splits["training"]
    parts = [subject.space.posterior(subject.data.images(part)).scale.sum(0) for part in rows.split(CHUNK)]
    scale = (torch.stack(parts).sum(0) / len(rows)).sort().values  # (d,), the paper's mean over the training set
    numbers = {
        "likelihood": -once.reconstruction.mean().item(),
        "kl": once.kl.mean().item(),
        "elbo": once.elbo.mean().item(),
        "error": once.squared_error.mean().item(),
        "used": float((scale < USED).sum()),
    }
    likelihood = subject.space.model.likelihood
    assert isinstance(likelihood, Gaussian)
    most = -0.5 * math.prod(subject.space.shape) * (math.log(2 * math.pi) + float(likelihood.log_variance))
    return Measured(numbers, {"scales": scale.tolist(), "rows": len(once.rows), "most": most})


def scales(gallery: Gallery) -> list[Picture]:
    """Fig. 16: the posterior's mean scale of every dim, sorted; and the bound over the variance."""
    first = [result for result in gallery.results if result["seed"] == gallery.results[0]["seed"]]
    labels = [result["arm"].removeprefix("variance") for result in first]
    found = {label: np.array(result["detail"]["scales"]) for label, result in zip(labels, first, strict=True)}
    numbers = {label: result["numbers"] for label, result in zip(labels, first, strict=True)}
    caption = (
        "Left, the posterior's mean scale of every dim, smallest first: less noise in the pixels, narrower posteriors "
        "in more dims. Right, the bound on test images over the variance, and its KL. First seed."
    )
    return [Picture("scales", caption, shown(charted(found, numbers)))]


@style.styled
def charted(found: Mapping[str, np.ndarray], numbers: Mapping[str, Mapping[str, float]]) -> Figure:
    """Sorted scales as lines, named where they end; the bound and the KL as dots over the variance."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    figure, axes = style.panels(1, 3, (10.4, 3.1), width_ratios=[1.6, 1, 1])
    left, middle, right = axes[0]
    shades = [to_hex(shade) for shade in colormaps[style.COLOURS](np.linspace(0.85, 0.05, len(found)))]
    for (variance, scale), colour in zip(found.items(), shades, strict=True):
        left.plot(np.arange(1, len(scale) + 1), scale, color=colour, label=f"σx² = {variance}")
    left.set(xlabel="dims, sorted", ylabel="mean scale of the posterior", ylim=(0, 1.05))
    left.legend(loc="center", bbox_to_anchor=(0.5, 0.62))
    across = [float(variance) for variance in numbers]
    for ax, name, title in ((middle, "elbo", "ELBO (nats)"), (right, "kl", "KL (nats)")):
        ax.plot(across, [each[name] for each in numbers.values()], color=style.GRID, zorder=1)
        ax.scatter(across, [each[name] for each in numbers.values()], c=shades, s=34, zorder=2)
        ax.set(xscale="log", xlabel="σx²", ylabel=title, xticks=across)
        ax.minorticks_off()
    middle.set_yscale("symlog", linthresh=1000)  # far below the best, an ELBO falls by powers of ten
    low, high = (pick(each["elbo"] for each in numbers.values()) for pick in (min, max))
    ticks = [
        tick for tick in (-10_000, -1000, 0, 1000, 10_000) if min(2 * low, 0) < tick < max(2 * high, 0) or tick == 0
    ]
    labels = [f"{tick:,}".replace("-", "−") for tick in ticks]
    middle.set(yticks=ticks, yticklabels=labels, ylim=(min(2 * low, -500), max(2 * high, 500)))
    middle.minorticks_off()
    return figure


def published() -> dict[str, dict[str, Published]]:
    """Table 4 of the paper, in nats: by the variance, log-likelihood, KL and their difference."""
    rows = {
        "1": (-11_360, 30, -11_390),
        "0.1": (-11_325, 150, -11_475),
        "0.01": (15_680, 600, 15_080),
        "0.001": (16_090, 1950, 14_140),
        "0.0001": (16_150, 3650, 12_500),
    }
    names = ("likelihood", "kl", "elbo")
    return {
        variance: {name: Published(value) for name, value in zip(names, row, strict=True)}
        for variance, row in rows.items()
    }


BOUND = {
    "likelihood": Quantity("Log-likelihood", 1, "nats"),
    "kl": Quantity("KL", 1, "nats", None),
    "elbo": Quantity("ELBO", 1, "nats"),
    "error": Quantity("Squared error a pixel", 4, "", False),
    "used": Quantity("Dims in use", 0, "", None),
}
MISPRINT = (
    "Of the paper's rows, that of σx² = 0.1 cannot be right: it would need a squared error of 2,836, twenty times that "
    "of σx² = 1."
)
LENGTH = "quick: 64 dims, two layers of 512, 10 epochs. paper: 1024 dims, three layers of 1024, 200,000 updates."
EXPERIMENTS = [
    Experiment(
        name="lc-mnist-fig2",
        paper=PAPER,
        figure="Fig. 2, for MNIST",
        shows="The scale of the pixels' noise: reconstructions, draws of the prior, and the same draws after the "
        "realism actor.",
        arms=arms(COMPARED),
        quantities={
            f"{name}-{what}": Quantity(f"{title}, {told}", digits, higher_is_better=higher)
            for name, (title, digits, higher) in {
                "frechet": ("Fréchet", 1, False),
                "density": ("Density", 2, True),
                "coverage": ("Coverage", 2, True),
            }.items()
            for what, told in {"reconstructed": "reconstructions", "prior": "prior", "realism": "realism"}.items()
        },
        settings={"rows": 5000, "codes": "posterior mean and prior", "preset": "realism"},
        measure=sampled,
        draw=compared,
        notes=(
            "Distances are between features of a classifier of MNIST, to the test images; they compare only here.",
            "The paper shows σx = 1 and σx = 0.1, as pictures, and gives no numbers.",
            LENGTH,
        ),
    ),
    Experiment(
        name="lc-mnist-table4",
        paper=PAPER,
        figure="Table 4 and Fig. 16, for MNIST",
        shows="The bound by which the scale of the pixels' noise is chosen, and how wide posteriors are.",
        arms=arms(tuple(SIGMAS)),
        quantities=BOUND,
        settings={"rows": 10_000, "codes": "posterior sample", "split": "test"},
        measure=bounded,
        draw=scales,
        layout="arms",
        notes=(
            "Numbers are true nats, with the likelihood's normaliser. The paper's table is of CelebA, where the ELBO "
            "is best at σx² = 0.01 (15,080 nats; 14,140 at 0.001, 12,500 at 0.0001).",
            MISPRINT,
            LENGTH,
        ),
    ),
    Experiment(
        name="lc-celeba-table4",
        paper=PAPER,
        figure="Table 4 and Fig. 16",
        shows="The bound by which the scale of the pixels' noise is chosen, and how wide posteriors are, on faces.",
        arms=arms(tuple(SIGMAS), "celeba", published()),
        quantities=BOUND,
        settings={"rows": 10_000, "codes": "posterior sample", "split": "test"},
        measure=bounded,
        draw=scales,
        layout="arms",
        seeds=1,
        notes=(
            "Numbers are true nats, with the likelihood's normaliser; those of images of another size are others. The "
            "quick arms see 32×32 pixels (3,072 numbers an image, the paper's 12,288) of a subset of CelebA.",
            MISPRINT,
            "quick: 128 dims, the small convolutions, 1,500 updates of 64 images, a quarter of the training of the "
            "model that other experiments use. paper: 1024 dims, 200,000 updates.",
        ),
    ),
]

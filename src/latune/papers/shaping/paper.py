"""What the experiments of Collaborative Shaping share: the paper, and its trainings."""

from __future__ import annotations

from collections.abc import Mapping

from latune.papers.experiment import Arm, Published, Scale

PAPER = (
    "Bachman & Precup 2015, Variational Generative Stochastic Networks with Collaborative Shaping "
    "(https://proceedings.mlr.press/v37/bachman15.html)"
)
SHORT = (
    "The quick scale has the paper's nets, and by Adam 20,000 updates as a VAE and 1,000 with the guide, a draw of the "
    "posterior an example, the encoder's input dropped in part, and averaged weights; lambda rises before the guide. "
    "The paper has 80,000 and 120,000 updates of its plain SGD, and five samples; there lambda rises with the guide."
)
SHORT_FACES = (
    "The quick scale has nets of 512 units, 6,000 updates as a VAE and 3,000 with the guide by Adam, and a draw of the "
    "posterior an example."
)

# What is changed of the short recipe for each of the second test's models.
MODELS: dict[str, tuple[str, ...]] = {
    "var": ("model.preset=var", "model.beta=1.0"),
    "ork": (),
    "lambda24": ("model.preset=lambda24", "model.beta.end=24.0"),
}
TITLES = {
    "var": "VAR: λ = 1, γ = 0",
    "ork": "ORK: λ = 4, γ = 0.1",
    "lambda24": "λ = 24, γ = 0.1",
    "tfd-like": "λ = 3, γ = 0.1",
}


def second_test(
    names: tuple[str, ...] = tuple(MODELS), published: Mapping[str, Mapping[str, Published]] | None = None
) -> Mapping[Scale, tuple[Arm, ...]]:
    """The models of the paper's second test on MNIST; what is published stands beside the paper's size."""
    known = published or {}
    return {
        "quick": tuple(Arm(name, TITLES[name], "vgsn-mnist-short", MODELS[name]) for name in names),
        "paper": tuple(Arm(name, TITLES[name], f"vgsn-mnist-{name}", (), known.get(name, {})) for name in names),
    }


# On faces, the code's settings for the Toronto faces; what is published is of these, and stands beside nothing here.
FACES: Mapping[Scale, tuple[Arm, ...]] = {
    "quick": (
        Arm("var", TITLES["var"], "vgsn-faces", ("model.preset=var", "model.beta=1.0")),
        Arm("tfd-like", TITLES["tfd-like"], "vgsn-faces"),
    ),
    "paper": (
        Arm("var", TITLES["var"], "vgsn-faces-paper", ("model.preset=var",)),
        Arm("tfd-like", TITLES["tfd-like"], "vgsn-faces-paper"),
    ),
}

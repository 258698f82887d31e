"""AR-VAE: a VAE whose chosen dimensions are ordered by attributes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

from latune.codes import Codes, Normal, Scale
from latune.errors import RecipeError
from latune.models.vae import VAE, VAEScene
from latune.terms import attribute_order
from latune.training import Number, Weighed

# what a Space's methods call their own arguments
NOT_NAMES = {"to", "n", "generator", "self", "by", "strength", "identity", "realism"}


class ARVAE(VAE):
    r"""VAE whose dimensions are ordered by attributes.

    .. math::
        \mathcal L = -\mathbb E_{q(z|x)} \log p(x|z) + \beta\, KL(q(z|x) \Vert N(0, I))
        + \gamma \sum_l \mathcal L_{r_l, a_l}

    Pati & Lerch 2020, eqs. 8 and 9 (https://arxiv.org/abs/2004.05485). A change of the coordinate named after an
    attribute then changes that attribute, in a known direction.

    Paper and released code differ. `preset="paper"`: squared error (eq. 3) as a Gaussian likelihood with sigma^2 = 1/2,
    and an attribute's dimension is the first that is free. `preset="released"`: Bernoulli likelihood on logits, and
    dimension 0 is left free (a slot for the class). Both order the sampled code, not its mean, and use beta = 1 for
    images: the paper names beta only for its beta-VAE baseline (4), the released result script sets 1.

    `preset="music"`, for measures of 24 ticks: the authors take the mean of the cross-entropy over tokens and set
    beta = 0.001, gamma = 1, delta = 10. Terms here are sums over tokens, so that all weights are 24 times as large: the
    same loss, times 24. Their dimensions of attributes are the first ones.

    Args:
        attributes: names, in the columns' order of the scene's attribute values.
        gamma: weight of each attribute's order term; 10 for images, 1 for music.
        delta: sharpness of the order term; 1 for images, 10 for music.
        order_on: which code is ordered, the posterior's `sample` or its `mean`.
    """

    needs_attributes: ClassVar[bool] = True
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {"likelihood": "gaussian", "sigma": 0.5**0.5, "beta": 1.0, "free_first": 0},
        "released": {"likelihood": "bernoulli", "beta": 1.0, "free_first": 1},
        "music": {"likelihood": "categorical", "beta": 24e-3, "gamma": 24.0, "delta": 10.0, "free_first": 0},
    }

    def __init__(
        self,
        *args: Any,
        attributes: Sequence[str] = (),
        gamma: Number = 10.0,
        delta: float = 1.0,
        order_on: Literal["sample", "mean"] = "sample",
        **settings: Any,
    ) -> None:
        super().__init__(*args, **settings)
        if not attributes:
            raise ValueError("AR-VAE needs at least one attribute. Without attributes, train a VAE.")
        self.attributes, self.gamma, self.delta, self.order_on = tuple(attributes), gamma, delta, order_on
        first = self.codes.slice(self.attributes[0]).start
        self.dims = slice(first, first + len(self.attributes))  # neighbours, in the attributes' order

    @staticmethod
    def name_codes(
        latent: int, attributes: Sequence[str] = (), scale: Scale = "exp", free_first: int = 0, **settings: Any
    ) -> Codes:
        """One coordinate for each attribute, named after it, and the rest free."""
        if taken := {"z", "free"} & set(attributes):
            raise RecipeError(f"'{taken.pop()}' is what free coordinates are called; give the attribute another name.")
        if taken := NOT_NAMES & set(attributes):
            raise RecipeError(
                f"An attribute cannot be called '{min(taken)}': space.sample and space.edit take a word of that name. "
                "Give it another name."
            )
        free = latent - len(attributes) - free_first
        if free < 0:
            before = f" and {free_first} free before them (model.free_first, or the preset's)" if free_first else ""
            raise RecipeError(
                f"{latent} latent dimensions are too few for {len(attributes)} attributes{before}. "
                f"Set model.latent={latent - free} or more, or name fewer attributes in data.attributes."
            )
        first = {"free": Normal(free_first, scale)} if free_first else {}
        rest = {"z": Normal(free, scale)} if free else {}
        return Codes({**first, **{name: Normal(1, scale) for name in attributes}, **rest})

    def terms(self, scene: VAEScene) -> Iterator[Weighed]:
        """The VAE's terms, and one order term for each attribute."""
        yield from super().terms(scene)
        code = scene.z if self.order_on == "sample" else scene.q.mean
        orders = attribute_order(code[:, self.dims], scene.attributes, self.delta)  # (l,), eqs. 8 and 9
        for name, order in zip(self.attributes, orders.unbind(), strict=True):
            yield Weighed(f"order/{name}", order, self.gamma)

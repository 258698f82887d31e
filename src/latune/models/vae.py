"""The variational autoencoder: what the other models change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from latune.codes import Codes, Gaussian, Normal, Scale, normal_head
from latune.models.model import Model
from latune.nets import TokenDecoder, use_generator
from latune.terms import Bernoulli, Likelihood, kl, kl_per_example, reconstruction
from latune.training import Batch, Game, Number, Optimiser, Player, Weighed


class VAEScene:
    """What the terms of one step look at; each part is computed when first asked for, and once."""

    def __init__(self, model: VAE, batch: Batch, step: int = 0, generator: torch.Generator | None = None) -> None:
        self.model, self.x, self.attributes, self.step, self.generator = (
            model,
            batch.x,
            batch.attributes,
            step,
            generator,
        )

    @cached_property
    def q(self) -> Gaussian:
        """The posterior q(z|x), `(n, d)`."""
        return self.model.posterior(self.x)

    @cached_property
    def z(self) -> Tensor:
        """A reparametrised draw from the posterior, `(n, d)`."""
        return self.q.sample(self.generator)

    @cached_property
    def raw(self) -> Tensor:
        """The decoder's raw output for z, the shape of x; logits `(n, t, k)` of tokens `(n, t)`."""
        return self.model.raw(self.z, self.x)


class VAE(Model):
    r"""Variational autoencoder.

    .. math:: \mathcal L = -\mathbb E_{q(z|x)} \log p(x|z) + \beta\, |KL(q(z|x) \Vert N(0, I)) - C|

    Kingma & Welling 2014, eq. 10 (https://arxiv.org/abs/1312.6114); sums over dimensions, means over examples, in nats.

    Args:
        codes: named Normal coordinates with one scale parametrisation.
        encoder: `(n, c, h, w)` to `(n, 2 d)`, the means and then the raw scales.
        decoder: `(n, d)` to `(n, c, h, w)`, raw (logits for a Bernoulli likelihood).
        likelihood: what the raw output means.
        beta: weight of the KL term, a number or a ramp over steps.
        capacity: C, in nats.
        free_bits: nats of each example's KL that cost nothing (MusicVAE counts what is above alone).
    """

    likelihood: Likelihood
    melodies = True

    def __init__(
        self,
        codes: Codes,
        encoder: nn.Module,
        decoder: nn.Module,
        likelihood: Likelihood | None = None,
        beta: Number = 1.0,
        capacity: float = 0.0,
        free_bits: float = 0.0,
    ) -> None:
        super().__init__()
        scales: set[Scale] = {factor.scale for factor in codes.values() if isinstance(factor, Normal)}
        if len(scales) != 1 or not all(isinstance(factor, Normal) for factor in codes.values()):
            raise ValueError(f"A VAE needs Normal codes with one scale parametrisation. Got {codes}.")
        self.codes, self.encoder, self.decoder = codes, encoder, decoder
        self.likelihood = likelihood or Bernoulli()
        self.beta, self.capacity, self.free_bits = beta, capacity, free_bits
        self.scale: Scale = scales.pop()

    @staticmethod
    def name_codes(latent: int, attributes: Sequence[str] = (), scale: Scale = "exp", **settings: Any) -> Codes:
        """The coordinates of a latent space of `latent` dimensions."""
        return Codes(z=Normal(latent, scale))

    def posterior(self, x: Shaped[Tensor, "n *shape"]) -> Gaussian:
        """q(z|x) of images in [0, 1], or of tokens."""
        with self.cast(x.device):
            raw = self.encoder(x)
        return normal_head(raw.float(), self.scale)

    def decode(self, z: Float[Tensor, "n d"]) -> Tensor:
        """The expected image at z, in [0, 1]; or the tokens that are most likely, each after those before it."""
        if isinstance(self.decoder, TokenDecoder):
            with self.cast(z.device):
                return self.decoder.generate(z, temperature=0)
        return self.likelihood.mean(self.raw(z))

    def scene(self, batch: Batch, step: int = 0, generator: torch.Generator | None = None) -> VAEScene:
        """The bundle of one step."""
        return VAEScene(self, batch, step, generator)

    def terms(self, scene: VAEScene) -> Iterator[Weighed]:
        """What is minimised, with weights."""
        yield Weighed("reconstruction", reconstruction(self.likelihood, scene.raw, scene.x))
        yield Weighed("kl", kl(scene.q, self.capacity, self.free_bits), self.beta)

    def game(self, optimiser: Optimiser, generator: torch.Generator | None = None) -> Game:
        """A game of one: all parameters, all terms."""
        use_generator(self, generator)
        player = Player("vae", [self], self.terms, optimiser)
        return Game(self, lambda batch, step: self.scene(batch, step, generator), [player])

    def validation(self, x: Shaped[Tensor, "n *shape"], generator: torch.Generator) -> dict[str, float]:
        """The negative ELBO and its parts, in nats an example."""
        q = self.posterior(x)
        raw = self.raw(q.sample(generator), x)
        rec, divergence = -self.likelihood.log_prob(raw, x).mean(), kl_per_example(q).mean()
        return {"negative elbo": (rec + divergence).item(), "reconstruction": rec.item(), "kl": divergence.item()}

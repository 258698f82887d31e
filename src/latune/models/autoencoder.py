"""The plain autoencoder: a VAE whose code costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from latune.models.vae import VAE, VAEScene
from latune.training import Number, Weighed


class Autoencoder(VAE):
    r"""Autoencoder: the VAE without its KL term.

    .. math:: \mathcal L = -\mathbb E_{q(z|x)} \log p(x|z)

    The limit that Engel et al. 2018 compare with (https://arxiv.org/abs/1711.05772). Noise on the code only hurts now:
    the learned sigma shrinks until it does no harm, and nothing draws the codes towards the prior, so samples from
    N(0, I) need a realism control. The KL is still measured where a VAE's is.
    """

    def __init__(self, *args: Any, beta: Number = 0.0, **settings: Any) -> None:
        super().__init__(*args, beta=beta, **settings)

    def terms(self, scene: VAEScene) -> Iterator[Weighed]:
        """The VAE's terms that have a weight; the KL of a sigma that has shrunk to nothing is infinite."""
        yield from (term for term in super().terms(scene) if term.weight != 0)

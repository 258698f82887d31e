"""The beta-VAE: a VAE that pays more for its code. AR-VAE's baseline."""

from __future__ import annotations

from typing import Any

from latune.models.vae import VAE
from latune.training import Number


class BetaVAE(VAE):
    r"""VAE with a heavier KL term.

    .. math:: \mathcal L = -\mathbb E_{q(z|x)} \log p(x|z) + \beta\, |KL(q(z|x) \Vert N(0, I)) - C|, \quad \beta > 1

    Higgins et al. 2017, eq. 4 (https://openreview.net/forum?id=Sy2fzU9gl). beta = 4 for images is the baseline of
    Pati & Lerch 2020 (https://arxiv.org/abs/2004.05485).
    """

    def __init__(self, *args: Any, beta: Number = 4.0, **settings: Any) -> None:
        super().__init__(*args, beta=beta, **settings)

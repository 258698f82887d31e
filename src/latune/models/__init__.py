"""Models: each file says what one paper changes, and nothing else."""

from latune.models.arvae import ARVAE
from latune.models.betavae import BetaVAE
from latune.models.vae import VAE, VAEScene

MODELS: dict[str, type[VAE]] = {"vae": VAE, "beta-vae": BetaVAE, "ar-vae": ARVAE}

from latune.models.spec import Spec, allowed_settings, build  # noqa: E402 - builds what MODELS names

__all__ = ["ARVAE", "MODELS", "VAE", "BetaVAE", "Spec", "VAEScene", "allowed_settings", "build"]

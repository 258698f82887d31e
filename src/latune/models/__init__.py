"""Models: each file says what one paper changes, and nothing else."""

from latune.models.arvae import ARVAE
from latune.models.autoencoder import Autoencoder
from latune.models.betavae import BetaVAE
from latune.models.infogan import InfoGAN
from latune.models.model import Model
from latune.models.vae import VAE, VAEScene
from latune.models.vgsn import VGSN
from latune.models.wrapped import Wrapped

MODELS: dict[str, type[Model]] = {
    "vae": VAE,
    "beta-vae": BetaVAE,
    "ar-vae": ARVAE,
    "autoencoder": Autoencoder,
    "infogan": InfoGAN,
    "vgsn": VGSN,
}

from latune.models.spec import Spec, allowed_settings, build  # noqa: E402 - builds what MODELS names

__all__ = [
    "ARVAE",
    "MODELS",
    "VAE",
    "VGSN",
    "Autoencoder",
    "BetaVAE",
    "InfoGAN",
    "Model",
    "Spec",
    "VAEScene",
    "Wrapped",
    "allowed_settings",
    "build",
]

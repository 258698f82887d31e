"""Networks, built from small configurations; this room knows tensors only."""

from collections.abc import Iterable
from dataclasses import fields

from latune.nets.adversarial import Adversarial, Generator, Judge
from latune.nets.conv import Conv
from latune.nets.latent import LATENT_NETS, GatedResidual, LatentNets, Trunk
from latune.nets.layers import ACTIVATIONS, Dropout, Heads, Noise, use_generator, xavier_normal
from latune.nets.maxout import Guide, Maxout, MaxoutGuide
from latune.nets.mlp import MLP
from latune.nets.strided import Strided

NETS: dict[str, type] = {"mlp": MLP, "conv": Conv, "strided": Strided, "adversarial": Adversarial}

__all__ = [
    "ACTIVATIONS",
    "LATENT_NETS",
    "MLP",
    "NETS",
    "Adversarial",
    "Conv",
    "Dropout",
    "GatedResidual",
    "Generator",
    "Guide",
    "Heads",
    "Judge",
    "LatentNets",
    "Maxout",
    "MaxoutGuide",
    "Noise",
    "Strided",
    "Trunk",
    "use_generator",
    "wrong_settings",
    "xavier_normal",
]


def wrong_settings(name: str, keys: Iterable[str]) -> list[str]:
    """A sentence for every key that is not a setting of these networks.

    >>> wrong_settings("mlp", ["hidden", "channels"])
    ["mlp has no setting 'channels'. Allowed: hidden, activation, dropout."]
    """
    allowed = [field.name for field in fields(NETS[name])]
    told = ", ".join(allowed)
    return [f"{name} has no setting '{key}'. Allowed: {told}." for key in keys if key not in allowed]

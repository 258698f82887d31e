"""Networks, built from small configurations; this room knows tensors only."""

from collections.abc import Iterable
from dataclasses import fields

from latune.nets.adversarial import Adversarial, Generator, Judge
from latune.nets.choice import GREEDY, Decoding
from latune.nets.conv import Conv
from latune.nets.latent import LATENT_NETS, GatedResidual, LatentNets, Trunk
from latune.nets.layers import ACTIVATIONS, Dropout, Heads, Noise, use_generator, xavier_normal
from latune.nets.maxout import Guide, Maxout, MaxoutGuide
from latune.nets.measure_gru import MeasureGRU
from latune.nets.melody_lstm import MelodyLSTM
from latune.nets.mlp import MLP
from latune.nets.strided import Strided
from latune.nets.token_decoder import TokenDecoder

NETS: dict[str, type] = {
    "mlp": MLP,
    "conv": Conv,
    "strided": Strided,
    "adversarial": Adversarial,
    "measure-gru": MeasureGRU,
    "melody-lstm": MelodyLSTM,
}

OVER_TIME = ("measure-gru", "melody-lstm")  # of tokens, which they read and write one after the other

__all__ = [
    "ACTIVATIONS",
    "GREEDY",
    "LATENT_NETS",
    "MLP",
    "NETS",
    "OVER_TIME",
    "Adversarial",
    "Conv",
    "Decoding",
    "Dropout",
    "GatedResidual",
    "Generator",
    "Guide",
    "Heads",
    "Judge",
    "LatentNets",
    "Maxout",
    "MaxoutGuide",
    "MeasureGRU",
    "MelodyLSTM",
    "Noise",
    "Strided",
    "TokenDecoder",
    "Trunk",
    "over_time",
    "use_generator",
    "wrong_settings",
    "xavier_normal",
]


def wrong_settings(name: str, keys: Iterable[str]) -> list[str]:
    """A sentence for every key that is not a setting of these networks.

    >>> wrong_settings("mlp", ["hidden", "channels"])
    ["mlp has no setting 'channels'. Allowed: hidden, activation, dropout, drop_input."]
    """
    allowed = [field.name for field in fields(NETS[name])]
    told = ", ".join(allowed)
    return [f"{name} has no setting '{key}'. Allowed: {told}." for key in keys if key not in allowed]


def over_time(name: str) -> bool:
    """Whether networks run over time: they are of tokens, and are not compiled.

    >>> over_time("measure-gru"), over_time("mlp")
    (True, False)
    """
    return name in OVER_TIME

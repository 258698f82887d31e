"""Networks, built from small configurations; this room knows tensors only."""

from latune.nets.conv import Conv
from latune.nets.layers import ACTIVATIONS, Dropout, Heads, use_generator, xavier_normal
from latune.nets.mlp import MLP

NETS: dict[str, type] = {"mlp": MLP, "conv": Conv}

__all__ = ["ACTIVATIONS", "MLP", "NETS", "Conv", "Dropout", "Heads", "use_generator", "xavier_normal"]

"""Chains: a model as a walk through data, free or with a part of the picture held (Variational GSN)."""

from latune.chains.guided import guided
from latune.chains.hold import Clamp, as_mask, window
from latune.chains.noise import Noise
from latune.chains.step import Step, drawn
from latune.chains.walk import BEGINS, Walk

__all__ = ["BEGINS", "Clamp", "Noise", "Step", "Walk", "as_mask", "drawn", "guided", "window"]

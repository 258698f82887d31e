"""Games, the loop that plays them, and checkpoints that resume bit for bit."""

from latune.training.game import Game, Optimiser, Player, Weighed
from latune.training.generators import Generators, generator, seed_for
from latune.training.schedule import Number, Ramp, at, is_ramp, ramp_of, times
from latune.training.trainer import Batch, Plan, Remark, Trainer

__all__ = [
    "Batch",
    "Game",
    "Generators",
    "Number",
    "Optimiser",
    "Plan",
    "Player",
    "Ramp",
    "Remark",
    "Trainer",
    "Weighed",
    "at",
    "generator",
    "is_ramp",
    "ramp_of",
    "seed_for",
    "times",
]

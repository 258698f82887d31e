"""Controls: what is added to a model after training, without touching its weights (Latent Constraints)."""

from latune.controls.actors import Gated
from latune.controls.apply import BYS, fulfil
from latune.controls.control import Control, Wish
from latune.controls.critics import JUDGINGS, Critics, Judging, learn_critic
from latune.controls.descent import DESCENTS, Descend, Descended, Descending
from latune.controls.keep import Kept
from latune.controls.learning import PRESETS, Learning, Players, learn_actor
from latune.controls.lesson import KINDS, Encoded, Lesson, lesson_of, realism_lesson
from latune.controls.preferences import Taste, learn_taste, taste_of
from latune.controls.rules import Rule, rule_of
from latune.controls.shelf import CONTROLS, REALISM, RESERVED, Controls

__all__ = [
    "BYS",
    "CONTROLS",
    "DESCENTS",
    "JUDGINGS",
    "KINDS",
    "PRESETS",
    "REALISM",
    "RESERVED",
    "Control",
    "Controls",
    "Critics",
    "Descend",
    "Descended",
    "Descending",
    "Encoded",
    "Gated",
    "Judging",
    "Kept",
    "Learning",
    "Lesson",
    "Players",
    "Rule",
    "Taste",
    "Wish",
    "fulfil",
    "learn_actor",
    "learn_critic",
    "learn_taste",
    "lesson_of",
    "realism_lesson",
    "rule_of",
    "taste_of",
]

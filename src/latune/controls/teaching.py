"""From a rule, a few pictures or somebody's taste to a lesson: what the model makes is looked at, and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latune.controls.examples import FEWEST_PICTURES
from latune.controls.lesson import Encoded, Lesson, lesson_of
from latune.controls.preferences import Taste
from latune.controls.rules import Rule
from latune.errors import DataError
from latune.training import generator

SHARE = 0.1  # of a coordinate's spread: its posterior's scale where no encoder tells it
REST = 1000  # codes that nothing is known of, beside few that are
HELD = 0.2  # share of few pictures that a control is measured on


class Steps:
    """How much of a piece of work of several steps is done, told to whoever listens.

    Args:
        number: of steps.
        listener: is given the share that is done, from 0 to 1; anything but a function listens to nothing.

    >>> steps = Steps(2, print)
    >>> steps.one()
    0.5
    """

    def __init__(self, number: int, listener: Any = None) -> None:
        self.number, self.done, self.listener = number, 0, listener

    def one(self) -> None:
        """Another step is done."""
        self.done += 1
        if callable(self.listener):
            self.listener(self.done / self.number)


def made(space: Any, n: int, seed: int, *names: object) -> Encoded:
    """Codes of what a model makes by itself: draws of the prior, decoded and encoded again, as examples are.

    A model without an encoder gives the draws themselves.
    """
    z = space.codes.sample(n, generator(seed, *names, device=space.device), space.device)
    if not space.encodes:
        return Encoded(z, torch.zeros_like(z), SHARE * z.std(0))
    q = space.posterior(space.decode(z))
    return Encoded(q.mean, q.scale)


def points_to_judge(space: Any, real: Encoded | None, n: int, seed: int) -> Encoded:
    """Points that a rule is asked about: draws of the prior, and with data as many draws of posteriors."""
    source = generator(seed, "judged", device=space.device)
    z = space.codes.sample(n if real is None else n // 2, source, space.device)
    if real is None:
        typical = made(space, min(n, REST), seed, "typical").typical_scale
    else:
        rows = torch.randint(len(real), (n - len(z),), generator=source, device=space.device)
        z, typical = torch.cat([z, real.draw(rows, source)]), real.typical_scale
    z = z[torch.randperm(len(z), generator=generator(seed, "order")).to(z.device)]
    return Encoded(z, torch.zeros_like(z), typical)


def asked_of(space: Any, rule: Rule, z: Tensor) -> np.ndarray:
    """What a rule says of what a model makes of codes."""
    return rule(space.medium.shown(space.decode(z).plain()))


def rule_lesson(
    name: str,
    points: Encoded,
    said: Sequence[np.ndarray],
    moved: Sequence[Tensor],
    rule: Rule,
    seed: int,
    sharp: float = 1.0,
) -> Lesson:
    """A lesson from what a rule said: of all that it ever gave, the least is taught as 0 and the most as 1.

    Args:
        name: of what is taught.
        points: that it was asked about first; some are kept for measuring.
        said: of these, and of further ones.
        moved: the further ones; fewer are as many as are taught.
        rule, seed: for messages; of what is kept.
        sharp: the power to which these shares are raised.

    Raises:
        DataError: where it said the same of all.
    """
    least, most = spans(said)
    if least == most:
        raise DataError(
            f"The rule '{rule.source}' gives {least:g} for all {len(said[0]):,} examples that this model made; a "
            "control is learned from what differs."
        )
    shares = [((values - least) / (most - least)) ** sharp for values in said]
    lesson = lesson_of(name, points, shares[0], "reward", seed=seed)
    for z, values in zip(moved, shares[1:], strict=False):
        lesson = add_to_lesson(lesson, z, values)
    return lesson


def add_to_lesson(lesson: Lesson, z: Tensor, values: np.ndarray) -> Lesson:
    """The same lesson with more points to train on."""
    codes = Encoded(
        torch.cat([lesson.codes.mean, z]), torch.cat([lesson.codes.scale, torch.zeros_like(z)]), lesson.codes.typical
    )
    more = torch.from_numpy(values).to(z.device, torch.float32)[:, None]
    return replace(lesson, codes=codes, targets=torch.cat([lesson.targets, more]))


def examples_lesson(name: str, shown: Encoded, against: Encoded, seed: int) -> Lesson:
    """A lesson from a few pictures and what stands against them.

    Raises:
        DataError: fewer than five pictures, or nothing against them.
    """
    if len(shown) < FEWEST_PICTURES:
        raise DataError(f"'{name}' is learned from {FEWEST_PICTURES} or more pictures. Got {len(shown)}.")
    both = Encoded(
        torch.cat([shown.mean, against.mean]), torch.cat([shown.scale, against.scale]), against.typical_scale
    )
    values = np.r_[np.ones(len(shown)), np.zeros(len(against))]
    return lesson_of(name, both, values, "label", held=HELD if len(shown) < REST else 0.1, seed=seed)


def some(codes: Encoded, n: int, seed: int, *names: object) -> Encoded:
    """Some of many codes, drawn at random."""
    return codes[torch.randperm(len(codes), generator=generator(seed, *names))[:n].to(codes.mean.device)]


def taste_lesson(taste: Taste, background: Encoded | None, typical: Tensor) -> Lesson:
    """What is known of a taste, as a lesson: for the attribute vector and for the judge that compares with examples."""
    codes, targets = Encoded(taste.mean, taste.scale, typical), taste.targets
    if background is not None:
        codes = Encoded(torch.cat([codes.mean, background.mean]), torch.cat([codes.scale, background.scale]), typical)
        targets = torch.cat([targets, targets.new_zeros(len(background))])
    kind = "reward" if len(taste.pairs) else "label"
    return Lesson(kind, codes, targets[:, None], codes[torch.arange(0)], targets[:0, None])


def spans(values: Sequence[np.ndarray]) -> tuple[float, float]:
    """Least and most of all that a rule said."""
    every = np.concatenate(list(values))
    return float(every.min()), float(every.max())

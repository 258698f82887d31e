"""Ready-made rules of melodies, those of Latent Constraints' zero-shot controls, and how several become one.

Every rule has a name, under which this module has it: `latune.attributes.melody_rules:in_a_minor`, `:dense_96` and
`:in_c_major_and_dense_192` can be written wherever a rule is named. Formulas: Engel, Hoffman & Roberts 2018, section 6
(https://arxiv.org/abs/1711.05772).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import reduce
from typing import Any

import numpy as np
from jaxtyping import Float64

from latune.attributes.attribute import Attribute
from latune.attributes.melody import classes_of, measured, named, share_of
from latune.attributes.own_melody import evaluate_melodies
from latune.errors import AttributeFunctionError, DataError
from latune.music import Melodies

Rule = Callable[[Melodies], Float64[np.ndarray, " n"]]
AND, LEAST = "_and_", "least_of_"  # in the names of rules that are made of others


def in_scale(scale: str | Iterable[int]) -> Rule:
    r"""The share of notes whose pitch class is in a scale, a name as `"C major"` or pitch classes; 0 without notes.

    .. math:: c_{pitch}(m, P) = |\{n \in m: pitch(n) \bmod 12 \in P\}| / |m|

    Raises:
        DataError: for a scale that is none.

    >>> in_scale("F# dorian").__name__
    'in_f_sharp_dorian'
    """
    return _of_attribute(share_of(scale))


def at_least_notes(number: int) -> Rule:
    r"""How near the number of notes comes to `number`, at most 1; of 0 notes, that is no constraint, always 1.

    .. math:: c_{density}(m, d) = \min(1, |m| / d)

    Raises:
        DataError: for a number below 0.

    >>> at_least_notes(192).__name__
    'dense_192'
    """
    if number < 0 or number != int(number):
        raise DataError(f"A number of notes is a whole number, 0 or more. Got {number!r}.")

    def dense(melodies: Melodies) -> Float64[np.ndarray, " n"]:
        notes = measured(melodies, ["note_count"])["note_count"]
        return np.minimum(notes / number, 1.0) if number else np.ones_like(notes)

    return _called(f"dense_{int(number)}", dense)


def all_of(*rules: Callable[..., Any]) -> Rule:
    r"""The product of rules, the combined reward: 1 only where all are satisfied.

    .. math:: c(m) = \prod_i c_i(m)

    The paper does not say how its two rewards become one; `least_of` is another way, and two controls a third. Rules
    of the user's own are taken as everywhere (see `latune.attributes.own_melody`).

    Raises:
        DataError: without a rule.
        AttributeFunctionError: when asked, where a rule raises, or returns anything but a number in [0, 1] each.

    >>> all_of(in_scale("C major"), at_least_notes(192)).__name__
    'in_c_major_and_dense_192'
    """
    return _combined("", np.multiply, rules)


def least_of(*rules: Callable[..., Any]) -> Rule:
    r"""The least of rules: as far from satisfied as the worst of them; otherwise as `all_of`.

    .. math:: c(m) = \min_i c_i(m)

    >>> least_of(in_scale("C major"), at_least_notes(192)).__name__
    'least_of_in_c_major_and_dense_192'
    """
    return _combined(LEAST, np.minimum, rules)


def scale_of(rule: str) -> frozenset[int] | None:
    """The pitch classes that a rule of this module keeps notes to, by its name as a control has it; None without any.

    >>> sorted(scale_of("latune.attributes.melody_rules:in_c_major_and_dense_192"))
    [0, 2, 4, 5, 7, 9, 11]
    >>> scale_of("latune.attributes.melody_rules:dense_192"), scale_of("mine:in_c_major")
    (None, None)
    """
    module, _, name = rule.partition(":")
    parts = name.removeprefix(LEAST).split(AND) if module == __name__ else []
    scales = [classes_of(part) for part in parts if part.startswith("in_")]
    return frozenset.intersection(*scales) if scales else None


def _of_attribute(attribute: Attribute) -> Rule:
    measure: Any = attribute.measure

    def share(melodies: Melodies) -> Float64[np.ndarray, " n"]:
        return measure(melodies)

    return _called(attribute.name, share)


def _combined(kind: str, how: np.ufunc, rules: tuple[Callable[..., Any], ...]) -> Rule:
    if not rules:
        raise DataError("Rules are combined of one or more. Got none.")

    def combined(melodies: Melodies) -> Float64[np.ndarray, " n"]:
        return reduce(how, [_asked(rule, melodies) for rule in rules])

    return _called(kind + AND.join(_name(rule) for rule in rules), combined)


def _asked(rule: Callable[..., Any], melodies: Melodies) -> Float64[np.ndarray, " n"]:
    values = evaluate_melodies(rule, melodies, f"The rule '{_name(rule)}'")
    bad = np.flatnonzero((values < 0) | (values > 1))
    if len(bad):
        raise AttributeFunctionError(
            f"The rule '{_name(rule)}' returned {values[bad[0]]:g} for melody {bad[0]}. Rules that are combined return "
            "numbers in [0, 1]."
        )
    return values


def _name(rule: Callable[..., Any]) -> str:
    return getattr(rule, "__name__", type(rule).__name__)


def _called(name: str, rule: Callable[[Any], np.ndarray]) -> Rule:
    """The rule under a name by which `module:name` finds it again."""
    rule.__name__ = rule.__qualname__ = name
    rule.__module__ = __name__
    return rule


def __getattr__(name: str) -> Rule:
    """The rule of a name that a rule of this module has."""
    kind, rest = (LEAST, name.removeprefix(LEAST)) if name.startswith(LEAST) else ("", name)
    parts = rest.split(AND)
    if kind or len(parts) > 1:
        return (least_of if kind else all_of)(*(__getattr__(part) for part in parts))
    number = name.removeprefix("dense_")
    if name.startswith("dense_") and number.isdecimal():
        return at_least_notes(int(number))
    if name.startswith("in_"):
        with suppress(KeyError):
            return _of_attribute(named(name))
    raise AttributeError(f"module '{__name__}' has no rule '{name}'")

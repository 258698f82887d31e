"""Rules for melodies in a few words, from building blocks that are known: nothing that is typed is ever run.

>>> rule_in_words("in C major and at least 8 notes").__name__
'in_c_major_and_dense_8'
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from latune.attributes.melody_rules import Rule, all_of, at_least_notes, in_scale
from latune.errors import DataError, did_you_mean
from latune.music import Melodies
from latune.music.scales import FLATS, NOTES

MOST_WORDS, MOST_BLOCKS = 200, 6  # letters of a rule, and blocks of it
NOTE = re.compile(r"([A-Ga-g][#b]?)(-?\d)$")


@dataclass(frozen=True)
class Block:
    """A building block: how it is written, an example, and what it makes of the words that it found."""

    pattern: str
    example: str
    make: Callable[..., Rule]


def rule_in_words(text: str) -> Rule:
    """The rule that some words mean: blocks joined by "and", of which the product counts.

    Raises:
        DataError: for words that no block knows, with the blocks there are.
    """
    if len(text) > MOST_WORDS:
        raise DataError(f"A rule has up to {MOST_WORDS} letters. Got {len(text)}.")
    parts = [part.strip() for part in re.split(r"\band\b|,|;|\n", text, flags=re.I) if part.strip()]
    if not 1 <= len(parts) <= MOST_BLOCKS:
        raise DataError(f"A rule has 1 to {MOST_BLOCKS} blocks. Got {len(parts)}. {allowed()}")
    rules = [_block(part) for part in parts]
    return rules[0] if len(rules) == 1 else all_of(*rules)


def allowed() -> str:
    """What can be written, in a sentence."""
    return f"Blocks are: {'; '.join(block.example for block in BLOCKS)}."


def _block(words: str) -> Rule:
    for block in BLOCKS:
        if found := re.fullmatch(block.pattern, words, re.I):
            return block.make(*found.groups())
    hint = did_you_mean(words, [block.example for block in BLOCKS])
    raise DataError(f"No block reads '{words}'. {hint + ' ' if hint else ''}{allowed()}")


# --- the blocks -------------------------------------------------------------------------------------------------------


def within(low: str, high: str) -> Rule:
    """The share of notes from one pitch to another; 0 without notes.

    >>> from latune.music import GRIDS
    >>> within("C4", "B4")(Melodies(np.array([[7, 0, 0, 30] + [0] * 20]), GRIDS["measure"]))
    array([0.5])
    """
    bottom, top = sorted((pitch_of(low), pitch_of(high)))

    def share(melodies: Melodies) -> Float64[np.ndarray, " n"]:
        inside = melodies.onsets & (melodies.pitches >= bottom) & (melodies.pitches <= top)
        return inside.sum(-1) / np.maximum(melodies.onsets.sum(-1), 1)

    return _named(f"within_{bottom}_to_{top}", share)


def at_most_notes(number: str) -> Rule:
    """How near the number of notes comes down to `number`: 1 at most so many, and less with more; 0 without notes."""
    most = int(number)
    if most < 1:
        raise DataError(f"At most 1 note or more. Got {number}.")

    def sparse(melodies: Melodies) -> Float64[np.ndarray, " n"]:
        notes = melodies.onsets.sum(-1)
        return np.where(notes > 0, np.minimum(most / np.maximum(notes, 1), 1.0), 0.0)

    return _named(f"sparse_{most}", sparse)


def rising(by: str | None = None, sign: int = 1) -> Rule:
    """How far the last note is above the first, of so many semitones (5 unless told), within 0 and 1."""
    semitones = int(by or 5)
    if not 1 <= semitones <= 60:
        raise DataError(f"A contour goes by 1 to 60 semitones. Got {by}.")

    def contour(melodies: Melodies) -> Float64[np.ndarray, " n"]:
        any_note = melodies.onsets.any(-1)
        first = np.argmax(melodies.onsets, -1)
        last = melodies.onsets.shape[-1] - 1 - np.argmax(melodies.onsets[..., ::-1], -1)
        pitch = [np.take_along_axis(melodies.pitches, at[:, None], 1)[:, 0].astype(float) for at in (first, last)]
        return np.where(any_note, np.clip(sign * (pitch[1] - pitch[0]) / semitones, 0.0, 1.0), 0.0)

    return _named(f"{'rising' if sign > 0 else 'falling'}_by_{semitones}", contour)


def pitch_of(name: str) -> int:
    """The MIDI number of a note, C4 is 60.

    Raises:
        DataError: for what is none.

    >>> pitch_of("C4"), pitch_of("Bb3")
    (60, 58)
    """
    found = NOTE.match(name.strip())
    letter = found[1][0].upper() + found[1][1:] if found else ""
    letter = FLATS.get(letter, letter)
    if found is None or letter not in NOTES:
        raise DataError(f"A pitch is a note and its octave, as C4 or F#3. Got '{name}'.")
    pitch = NOTES.index(letter) + 12 * (int(found[2]) + 1)
    if not 0 <= pitch <= 127:
        raise DataError(f"Pitches are C-1 to G9. Got '{name}'.")
    return pitch


def _least(number: str) -> Rule:
    return at_least_notes(int(number))


def _falling(by: str | None = None) -> Rule:
    return rising(by, -1)


def _named(name: str, rule: Rule) -> Rule:
    rule.__name__ = rule.__qualname__ = name
    return rule


BLOCKS = (
    Block(r"(?:only )?in ([A-G][#b]?(?: [a-z ]+)?)", "in C major", in_scale),
    Block(r"(?:from|within) (\S+) to (\S+)", "from C4 to C5", within),
    Block(r"at least (\d{1,3}) notes?", "at least 8 notes", _least),
    Block(r"at most (\d{1,3}) notes?", "at most 4 notes", at_most_notes),
    Block(r"rising(?: by (\d{1,2}))?(?: semitones)?", "rising by 5", rising),
    Block(r"falling(?: by (\d{1,2}))?(?: semitones)?", "falling by 5", _falling),
)

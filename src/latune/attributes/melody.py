"""Attributes of melodies, of all at once: rhythm, range, density, contour; pitch classes, repetition, syncopation."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial, reduce
from typing import Any, cast

import numpy as np
from jaxtyping import Float64

from latune.attributes.attribute import Attribute, Kind
from latune.attributes.rhythm import MOST_SYNCOPATED, in_sixteenths, rhythmic_complexity, syncopation, weights
from latune.attributes.tokens import Block, Measure, in_blocks
from latune.errors import DataError, unknown
from latune.music import GRIDS, SCALES, Grid, Melodies, pitch_classes
from latune.music.scales import FLATS, NOTES

REACH = 26  # semitones that AR-VAE divides range and contour by, although its notes reach over 29


def is_measure(grid: Grid) -> bool:
    """Whether a grid is AR-VAE's measure of 24 ticks: range and contour are divided by 26 there."""
    return grid.bars == 1 and grid.length == 4.0 and grid.places == GRIDS["measure"].places


def note_count(block: Block) -> Float64[np.ndarray, " n"]:
    """How many notes start.

    A tie over a bar line starts none, nor do the tokens before and after a tune.

    >>> note_count(Block(np.array([[7, 0, 0, 11, 0, 0] + [1] + [0] * 17], np.uint8), GRIDS["measure"]))
    array([2.])
    """
    return block.counts


def note_density(block: Block) -> Float64[np.ndarray, " n"]:
    r"""The share of steps on which a note starts.

    .. math:: d = |\{t : o_t\}| / T

    with :math:`T = 24` for measures (Pati & Lerch 2020, https://arxiv.org/abs/2004.05485) and 256 for 16 bars. Holds,
    rests, and the tokens before and after a tune are no onsets.

    >>> note_density(Block(np.array([[7, 0, 0, 11, 0, 0] + [14] + [0] * 17], np.uint8), GRIDS["measure"])) * 24
    array([3.])
    """
    return block.counts / block.grid.steps


def pitch_range(block: Block) -> Float64[np.ndarray, " n"]:
    r"""From the lowest note to the highest; 0 with one note or none.

    .. math:: p = (\max_i pitch_i - \min_i pitch_i) / 26

    of measures (Pati & Lerch 2020, https://arxiv.org/abs/2004.05485), in semitones (without the 26) of all other grids.
    Rests and holds are no notes, though the paper's formula reads as if they had pitch 0. The 26 is what the authors
    wrote into their code: notes from 55 to 84 are up to 29 semitones apart, so that 29/26 can occur.

    >>> pitch_range(Block(np.array([[7, 0, 0, 11, 0, 0] + [14] + [0] * 17], np.uint8), GRIDS["measure"])) * 26
    array([7.])
    """
    low, high = block.extremes
    return np.maximum(high - low, 0) / (REACH if is_measure(block.grid) else 1)


def contour(block: Block) -> Float64[np.ndarray, " n"]:
    r"""From the first note to the last, positive when rising; 0 with one note or none.

    .. math:: c = \sum_i (pitch_{i+1} - pitch_i) / 26 = (pitch_{last} - pitch_{first}) / 26

    of measures (Pati & Lerch 2020, https://arxiv.org/abs/2004.05485; the sum telescopes, so notes between do not
    count), in semitones (without the 26) of all other grids. The 26 is the same as in `pitch_range`.

    >>> contour(Block(np.array([[7, 0, 0, 11, 0, 0] + [14] + [0] * 17], np.uint8), GRIDS["measure"])) * 26
    array([7.])
    """
    starts, tokens = np.arange(0, block.rows.size, block.grid.steps), block.rows.reshape(-1)
    first, last = (np.take(tokens, starts + step) for step in block.ends)
    return (last.astype(np.int16) - first) / (REACH if is_measure(block.grid) else 1)


def repetition(block: Block) -> Float64[np.ndarray, " n"]:
    """The share of bars, of those after the first, that repeat an earlier bar token by token.

    A bar in which no note starts repeats nothing: silence is not a motif. A note tied over the bar line into equal bars
    counts by its tokens: it makes both begin with a hold.

    Raises:
        DataError: for a grid of one bar.

    >>> tune = [60, 0, 64, 0] * 4
    >>> repetition(Block(np.array([tune * 16, tune * 4 + [1] + [0] * 191], np.uint8), GRIDS["melody"]))
    array([1. , 0.2])
    """
    n, bars, ticks = len(block), block.grid.bars, block.grid.ticks
    if bars < 2:
        raise DataError(f"Repetition is measured between bars; the grid '{block.grid.name}' has {bars}.")
    padded = np.zeros((n, bars, -(-ticks // 8) * 8), np.uint8)
    padded[..., :ticks] = block.rows.reshape(n, bars, ticks)
    words = np.ascontiguousarray(np.moveaxis(padded.view(np.uint64), 2, 0))  # (words of a bar, n, bars)
    repeated = np.zeros((n, bars), bool)
    for lag in range(1, bars):
        same = words[0, :, lag:] == words[0, :, :-lag]
        for word in words[1:]:
            same &= word[:, lag:] == word[:, :-lag]
        repeated[:, lag:] |= same
    starts = block.words.reshape(n, bars, block.words.shape[1] // bars)
    repeated &= reduce(np.bitwise_or, np.moveaxis(starts, 2, 0)) > 0
    return repeated.sum(1) / (bars - 1)


def share_in(block: Block, classes: frozenset[int]) -> Float64[np.ndarray, " n"]:
    r"""The share of notes whose pitch class is one of `classes`; 0 of a melody without notes.

    .. math:: c_{pitch}(m, P) = |\{n \in m: pitch(n) \bmod 12 \in P\}| / |m|

    Engel, Hoffman & Roberts 2018, section 6 (https://arxiv.org/abs/1711.05772).

    >>> notes = [60 + 2, 0, 62 + 2, 0, 64 + 2, 0, 61 + 2, 0] + [0] * 248
    >>> share_in(Block(np.array([notes], np.uint8), GRIDS["melody"]), pitch_classes("C major"))
    array([0.75])
    """
    pitches = block.rows + np.uint8((block.grid.low - block.grid.first) % 256)  # of no meaning where no note starts
    of_octave = pitches - np.uint8(12) * (pitches // np.uint8(12))  # faster than the remainder of bytes
    inside = np.zeros(block.rows.shape, bool)
    for each in classes:
        inside |= of_octave == np.uint8(each)
    kept = Block(block.rows * inside, block.grid)  # other notes become holds
    return kept.counts / np.maximum(block.counts, 1)


@dataclass(frozen=True)
class OfBlocks:
    """What measures an attribute of all melodies, from what measures it of a block of them."""

    name: str
    of_block: Measure

    def __call__(self, melodies: Melodies) -> Float64[np.ndarray, " n"]:
        """Of melodies `(n, t)`."""
        return in_blocks(melodies, {self.name: self.of_block})[self.name]


def _attribute(
    name: str, of_block: Measure, range: tuple[float, float], unit: str = "", kind: Kind = "real"
) -> Attribute:
    return Attribute(name, kind, range, unit, cast(Any, OfBlocks(name, of_block)), source=name)


def share_of(scale: str | Iterable[int]) -> Attribute:
    """The attribute of how many notes, as a share, are in a scale: a name as `"F# dorian"`, or pitch classes.

    Raises:
        DataError: for a scale that is none.

    >>> share_of("F# dorian").name, share_of({0, 4, 7}).name
    ('in_f_sharp_dorian', 'in_0_4_7')
    """
    classes = pitch_classes(scale)
    name = _scale_name(scale) if isinstance(scale, str) else "in_" + "_".join(map(str, sorted(classes)))
    return _attribute(name, partial(share_in, classes=classes), (0.0, 1.0), kind="unit")


def _scale_name(scale: str) -> str:
    root, _, mode = scale.strip().lower().partition(" ")
    root = root[:1] + root[1:].replace("#", "_sharp").replace("b", "_flat")
    return f"in_{root}_{(mode.strip() or 'major').replace(' ', '_')}"


@lru_cache
def _scales() -> dict[str, str]:
    """All scales by the name of their attribute."""
    return {_scale_name(f"{root} {mode}"): f"{root} {mode}" for root in (*NOTES, *FLATS) for mode in SCALES}


MELODY: dict[str, Attribute] = {
    each.name: each
    for each in (
        _attribute("rhythmic_complexity", rhythmic_complexity, (0.0, 1.0)),
        _attribute("pitch_range", pitch_range, (0.0, 127.0), "semitones"),
        _attribute("note_density", note_density, (0.0, 1.0)),
        _attribute("contour", contour, (-127.0, 127.0), "semitones"),
        _attribute("note_count", note_count, (0.0, math.inf), "notes"),
        _attribute("syncopation", syncopation, (0.0, float(MOST_SYNCOPATED))),
        _attribute("repetition", repetition, (0.0, 1.0)),
        share_of("C major"),
    )
}

PAPER = ("rhythmic_complexity", "pitch_range", "note_density", "contour")  # AR-VAE's four, in its order


def of_grid(grid: Grid) -> dict[str, Attribute]:
    """The attributes that a grid has, with ranges and units as they are there, in a fixed order.

    Of measures they are AR-VAE's four in the paper's order (latent dimensions 0 to 3); of other grids these first, then
    all that the grid can have.

    >>> list(of_grid(GRIDS["measure"]))
    ['rhythmic_complexity', 'pitch_range', 'note_density', 'contour']
    >>> list(of_grid(GRIDS["melody"]))[4:]
    ['note_count', 'syncopation', 'repetition', 'in_c_major']
    >>> of_grid(GRIDS["melody"])["pitch_range"].unit
    'semitones'
    """
    fits = {
        "rhythmic_complexity": weights(grid) is not None,
        "syncopation": in_sixteenths(grid),
        "repetition": grid.bars > 1,
    }
    unit, divisor = ("of 26 semitones", REACH) if is_measure(grid) else ("semitones", 1)
    most = (grid.high - grid.low) / divisor
    here = {
        "pitch_range": {"range": (0.0, most), "unit": unit},
        "contour": {"range": (-most, most), "unit": unit},
        "note_count": {"range": (0.0, float(grid.steps))},
    }
    names = PAPER if is_measure(grid) else MELODY
    return {name: replace(MELODY[name], **here.get(name, {})) for name in names if fits.get(name, True)}


def measured(melodies: Melodies, names: Iterable[str]) -> dict[str, Float64[np.ndarray, " n"]]:
    """Several attributes of the same melodies by name, each `[n]`; what they share is made once.

    Raises:
        KeyError: for a name that is none (see `named`).
        DataError: for sheets of melodies `(n, k, t)`, or an attribute that the grid does not have.

    >>> three = Melodies(np.array([[7, 0, 0, 11, 0, 0] + [14] + [0] * 17]), GRIDS["measure"])
    >>> {name: (24 * values).tolist() for name, values in measured(three, ["note_density", "note_count"]).items()}
    {'note_density': [3.0], 'note_count': [72.0]}
    """
    return in_blocks(melodies, {name: cast(OfBlocks, named(name).measure).of_block for name in names})


def named(name: str) -> Attribute:
    """An attribute of melodies by its name: one of `MELODY`, or `in_` and any scale, as `in_b_flat_major`.

    Raises:
        KeyError: for a name that is neither.

    >>> named("in_a_minor").kind
    'unit'
    """
    if name in MELODY:
        return MELODY[name]
    return share_of(_scales()[name] if name in _scales() else classes_of(name))


def classes_of(name: str) -> frozenset[int]:
    """The pitch classes of the attribute that has this name, as `in_b_flat_major` or `in_0_4_7`.

    Raises:
        KeyError: for a name that is none.

    >>> sorted(classes_of("in_a_minor_triad"))
    [0, 4, 9]
    """
    if name in _scales():
        return pitch_classes(_scales()[name])
    parts = name.removeprefix("in_").split("_")
    if name.startswith("in_") and all(part.isdecimal() and int(part) < 12 for part in parts):
        return pitch_classes({int(part) for part in parts})
    raise KeyError(unknown("attribute of melodies", name, MELODY) + " A scale is in_, its root and its mode.")

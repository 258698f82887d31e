"""Whole tunes cut into examples: bars, or windows of several bars, transposed, and each one once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from latune.music import HOLD, REST, Grid
from latune.music.grid import END, START

LONGEST = 100  # bars of one melody: what is longer is cut (Engel et al. 2018, appendix)
WIDE = 2  # the first token of a pitch in the tokens of whole tunes, which is pitch 0


@dataclass(frozen=True)
class Stretch:
    """Bars of one tune that are cut into examples together.

    Args:
        tune: number of its tune.
        first, bars: where it is in the tokens.
        low, high: MIDI pitches.
        end: ticks from its first bar up to where its last note ends.
    """

    tune: int
    first: int
    bars: int
    low: int
    high: int
    end: int


def stretches(
    tokens: UInt8[np.ndarray, "bars ticks"], records: Sequence[dict[str, Any]], grid: Grid, *, gaps: bool
) -> tuple[list[Stretch], Counter[str]]:
    """The parts of tunes that examples are cut from, and why tunes have none.

    Args:
        tokens: of whole tunes.
        records: those of the tunes that have tokens.
        grid: of the examples.
        gaps: whether silence of a bar or more ends a melody.
    """
    found, lost = [], Counter[str]()
    for tune, record in enumerate(records):
        rows = tokens[record["first"] : record["first"] + record["bars"]]
        here = []
        for begin, end in _melodies(rows) if gaps else [(0, len(rows))]:
            end = min(end, begin + LONGEST) if gaps else end
            part = rows[begin:end]
            notes = part[part >= WIDE].astype(int) - WIDE
            if len(notes) and end - begin >= grid.bars:
                last = int(np.flatnonzero(part.ravel() >= WIDE)[-1])
                after = np.flatnonzero(part.ravel()[last + 1 :] == REST)
                stop = last + 1 + int(after[0]) if len(after) else part.size
                here.append(
                    Stretch(tune, record["first"] + begin, end - begin, int(notes.min()), int(notes.max()), stop)
                )
        if not here:
            lost["no notes" if not (rows >= WIDE).any() else f"shorter than {grid.bars} bars"] += 1
        fitting = [each for each in here if each.high - each.low <= grid.high - grid.low]
        if here and not fitting:
            lost["a range wider than the grid's"] += 1
        found += fitting
    return found, lost


def _melodies(rows: UInt8[np.ndarray, "bars ticks"]) -> list[tuple[int, int]]:
    """Bars from and to of what lies between silences of a bar or more."""
    ticks = rows.shape[1]
    flat = rows.ravel()
    events = np.flatnonzero(flat != HOLD)
    sounds = np.zeros(len(flat), bool)
    if len(events):
        which = np.searchsorted(events, np.arange(len(flat)), side="right") - 1
        sounds = (which >= 0) & (flat[events[which]] >= WIDE)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], sounds, [False]]).astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]  # of stretches that sound
    found: list[tuple[int, int]] = []
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        if found and begin - found[-1][1] < ticks:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return [(begin // ticks, -(-end // ticks)) for begin, end in found]


def shifts(stretch: Stretch, grid: Grid, transpose: bool) -> list[int]:
    """Semitones by which a stretch is transposed; without `transpose` the one nearest to 0 that fits the grid."""
    low, high = grid.low - stretch.low, grid.high - stretch.high
    if not transpose:
        return [min(max(0, low), high)]
    if grid.bars > 1:
        return list(range(max(low, -5), min(high, 6) + 1)) or [min(max(0, low), high)]
    return list(range(low, high + 1))


def examples(
    tokens: UInt8[np.ndarray, "bars ticks"], stretch: Stretch, grid: Grid, semitones: Sequence[int], *, edges: bool
) -> UInt8[np.ndarray, "n t"]:
    """The windows of a stretch, transposed, in order: all of the first transposition, then those of the next.

    Args:
        edges: the released variant: a bar of START before each, END behind the last note.
    """
    rows = tokens[stretch.first : stretch.first + stretch.bars]
    if edges:
        marked = rows.copy().ravel()
        marked = np.where(marked >= WIDE, marked + 2, marked)  # makes room for START and END
        marked[stretch.end :] = END
        bars = -(-stretch.end // grid.ticks)
        rows = np.concatenate([np.full((1, grid.ticks), START, np.uint8), marked.reshape(rows.shape)[:bars]])
    windows = np.lib.stride_tricks.sliding_window_view(rows, grid.bars, axis=0)  # (n, ticks, bars)
    flat = windows.transpose(0, 2, 1).reshape(len(windows), grid.steps)
    if grid.bars > 1:
        flat = np.concatenate([np.where(flat[:, :1] == HOLD, REST, flat[:, :1]), flat[:, 1:]], 1)
    first = grid.first
    notes = flat >= first
    moved = [np.where(notes, flat + np.uint8((shift - grid.low) % 256), flat) for shift in semitones]
    return np.concatenate(moved).astype(np.uint8)


def once(tokens: UInt8[np.ndarray, "n t"], rank: Int64[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Which examples to keep so that each is there once: of equal ones the first of the lowest rank."""
    if not len(tokens):
        return np.zeros(0, bool)
    names = np.ascontiguousarray(tokens).view(np.dtype((np.void, tokens.shape[1]))).ravel()
    order = np.argsort(rank, kind="stable")
    _, first = np.unique(names[order], return_index=True)
    kept = np.zeros(len(tokens), bool)
    kept[order[first]] = True
    return kept


def narrowed(grid: Grid, low: int | None, high: int | None) -> Grid:
    """The grid with another range of pitches."""
    return replace(grid, low=grid.low if low is None else low, high=grid.high if high is None else high)

"""One voice out of notes that may sound together, and note values out of what was played."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float64, Int64

from latune.errors import DataError, unknown
from latune.music.grid import BEAT

Quantise = Literal["auto", "no", "sixteenths", "ticks"]
PLACES: dict[str, tuple[float, ...]] = {  # of a quarter note, its end included
    "sixteenths": (0, 1 / 4, 1 / 2, 3 / 4, 1),
    "ticks": (*BEAT, 1),
}
MOVED = {"sixteenths": "notes moved to sixteenths", "ticks": "notes moved to sixteenths and triplets"}
WRITTEN = tuple(sorted({i / 24 for i in range(24)} | {i / 16 for i in range(16)} | {1.0}))  # where notes are written
ON = 0.9  # share of notes that start where notes are written, from which on a file counts as written
GATE = 0.85  # a note that sounds at least this share of its value may have been shortened for playing
VALUES = tuple(  # of notes, the simplest first
    sorted({Fraction(n, d) for d in (1, 2, 3, 4, 6, 8) for n in range(1, 8 * d + 1)}, key=lambda v: (v.denominator, v))
)


def check_quantise(quantise: str) -> None:
    """Whether it is one of the ways there are.

    Raises:
        DataError: with all of them.
    """
    if quantise not in get_args(Quantise):
        raise DataError(unknown("way to quantise", quantise, get_args(Quantise)))


def highest(
    pitches: Int64[np.ndarray, " n"], starts: Float64[np.ndarray, " n"], ends: Float64[np.ndarray, " n"]
) -> tuple[Int64[np.ndarray, " k"], Float64[np.ndarray, " k"], int]:
    """One voice: which notes stay (numbers, in the order of their starts), where they end, and how many were hidden.

    Where notes sound together the highest wins (Engel et al. 2018, appendix): of notes that start together it stays, it
    ends a lower one, and what starts under it is left out. Only where a note reaches a little into the next, by less
    than half of both, as when legato is played, it is shortened instead.

    >>> highest(np.array([60, 72, 64]), np.array([0.0, 1.0, 1.9]), np.array([4.0, 2.0, 3.0]))
    (array([0, 1, 2]), array([1. , 1.9, 3. ]), 0)
    """
    order = np.lexsort((-pitches, starts))
    kept: list[int] = []
    until: list[float] = []
    hidden = 0
    for i in order.tolist():
        start, end, pitch = float(starts[i]), float(ends[i]), int(pitches[i])
        if kept and start < until[-1] - 1e-9:
            before = kept[-1]
            overlap = min(end, until[-1]) - start
            short = min(end - start, until[-1] - float(starts[before]))
            if start - float(starts[before]) < 1e-9 or (pitch < pitches[before] and overlap > short / 2):
                hidden += 1
                continue
            if overlap > short / 2:
                hidden += int(float(ends[before]) - start > 1e-9 and pitch > pitches[before] and end >= ends[before])
            until[-1] = start
        kept.append(i)
        until.append(end)
    return np.array(kept, np.int64), np.array(until), hidden


def nearest(times: Float64[np.ndarray, " n"], places: Sequence[float]) -> Float64[np.ndarray, " n"]:
    """Times moved to the nearest of these places of a quarter note."""
    whole = np.floor(times)
    table = np.array(places)
    middles = (table[1:] + table[:-1]) / 2
    return whole + table[np.searchsorted(middles, times - whole, side="right")]


def written(times: Float64[np.ndarray, " n"], tolerance: float) -> Bool[np.ndarray, " n"]:
    """Which times are where notes are written: on a 24th or a 16th of a quarter note."""
    return np.abs(nearest(times, WRITTEN) - times) <= tolerance


def quantised(
    starts: Float64[np.ndarray, " n"], ends: Float64[np.ndarray, " n"], tolerance: float, quantise: str
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"], tuple[str, ...]]:
    """Starts and ends as they would be written, in quarter notes, and what was done.

    A written file keeps its times. Where its notes only end early, as programs export them so that repeated notes can
    be told apart, they get their full value back. A file that was played is moved to sixteenths.

    Args:
        starts, ends: of notes, in order.
        tolerance: quarter notes by which a written time may be off: half a tick of the file.
        quantise: `auto`, `no`, or the places to move to.

    >>> starts, ends = np.array([0.1, 1.0]), np.array([1.0, 2.0])
    >>> quantised(starts, ends, 0.01, "sixteenths")
    (array([0., 1.]), array([1., 2.]), ('notes moved to sixteenths: 1 of 2, by up to 0.1 of a quarter note',))
    """
    if not len(starts):
        return starts, ends, ()
    if quantise == "auto" and written(starts, tolerance).mean() < ON:
        quantise = "sixteenths"
    if quantise in PLACES:
        places = PLACES[quantise]
        first, last = nearest(starts, places), nearest(ends, places)
        after = nearest(first + 0.13, places)  # the next place
        last = np.where(last <= first, np.maximum(after, first + 1 / 12), last)
        off = np.maximum(np.abs(first - starts), np.abs(last - ends))
        moved = int((off > tolerance).sum())
        told = f"{MOVED[quantise]}: {moved:,} of {len(off):,}, by up to {off.max():.3g} of a quarter note"
        return first, last, (told,) if moved else ()
    first = np.where(written(starts, tolerance), nearest(starts, WRITTEN), starts)
    last = np.where(written(ends, tolerance), nearest(ends, WRITTEN), ends)
    if quantise == "no" or written(ends, tolerance).mean() >= ON:
        return first, last, ()
    full = _full(first, ends, tolerance)
    longer = int((full - ends > tolerance).sum())
    return first, full, (f"notes that end early have their full value: {longer:,} of {len(ends):,}",)


def _full(
    starts: Float64[np.ndarray, " n"], ends: Float64[np.ndarray, " n"], tolerance: float
) -> Float64[np.ndarray, " n"]:
    """Where notes end that were shortened for playing: at the next note if it is near, else at the simplest value."""
    result = ends.copy()
    onsets = np.unique(starts)
    following = np.append(onsets, np.inf)[np.searchsorted(onsets, starts, side="right")]
    for i, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        duration = end - start
        if end <= following[i] and duration >= GATE * (following[i] - start):
            result[i] = following[i]
            continue
        for value in VALUES:
            if duration - tolerance <= value <= duration / GATE:
                result[i] = start + float(value)
                break
    return result

"""Bars as they are written, played: repeats expanded, ties joined, and silence where a bar is not full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from latune.music.melody import Melody
from latune.music.reading.tune import TuneError

UNIT = 2**10 * 3**3 * 5 * 7  # parts of a quarter note
MOST_PLAYED = 5_000  # bars after repeats; repeats inside repeats of a broken file could go on for ever


class Event(NamedTuple):
    """A note, or a rest where `pitch` is None; `tied` to the next event if that has the same pitch."""

    pitch: int | None
    duration: Fraction  # quarter notes
    tied: bool = False


@dataclass
class Bar:
    """What stands between two bar lines.

    Args:
        events: in order.
        opens: whether a repeated part begins here.
        closes: how often what ends here is played again.
        endings: the passes in which this bar, as the first of an ending, is played.
        double: whether a double bar line ends it.
        number: what it is called where it is no simple count from 1.
        line: of the file, from 1, where it begins; 0 where that is not known.
    """

    events: list[Event] = field(default_factory=list)
    opens: bool = False
    closes: int = 0
    endings: frozenset[int] = frozenset()
    double: bool = False
    number: str = ""
    line: int = 0

    @property
    def length(self) -> Fraction:
        """Quarter notes in it."""
        return sum((event.duration for event in self.events), Fraction(0))


@dataclass
class _Part:
    """Bars that are played once or more, with endings that differ."""

    bars: list[Bar] = field(default_factory=list)
    endings: list[tuple[frozenset[int], list[Bar]]] = field(default_factory=list)
    opened: bool = False
    times: int = 1

    def played(self) -> list[list[Bar]]:
        """Runs of bars; where one ends, the music may go on in the middle of a bar."""
        if not self.endings:
            return [self.bars] * self.times
        passes = sorted(set().union(*(numbers for numbers, _ in self.endings)))
        if passes != list(range(1, len(passes) + 1)) or len(passes) < 2:
            raise TuneError(
                "repeats that do not fit",
                f"The endings of a repeated part are numbered {', '.join(map(str, passes))}; they count from 1.",
            )
        runs = []
        for turn in passes:
            chosen = next(bars for numbers, bars in self.endings if turn in numbers)
            runs += [self.bars, chosen]
        return runs


def played(bars: Sequence[Bar]) -> list[list[Bar]]:
    """The bars in the order in which they sound, in runs that end where a part or an ending ends.

    A repeat sign without a beginning goes back to the last repeat sign or double bar line, or to the start.

    Raises:
        TuneError: for endings without a number 1, or without a second.

    >>> a, b, c = Bar([Event(60, Fraction(4))], opens=True), Bar(endings=frozenset([1]), closes=1), Bar()
    >>> c.endings = frozenset([2])
    >>> [[[a, b, c].index(bar) for bar in run] for run in played([a, b, c])]
    [[0], [1], [0], [2]]
    """
    parts = [_Part()]
    for i, bar in enumerate(bars):
        part = parts[-1]
        if bar.opens and (part.bars or part.endings):
            part = _Part()
            parts.append(part)
        part.opened = part.opened or bar.opens
        if bar.endings:
            part.endings.append((bar.endings, [bar]))
        elif part.endings:
            part.endings[-1][1].append(bar)
        else:
            part.bars.append(bar)
        follows = i + 1 < len(bars) and bool(bars[i + 1].endings)  # another ending comes
        if bar.closes and not part.endings:
            part.times = 1 + bar.closes
        over = bool(bar.closes) or (bar.double and (bool(part.endings) or not part.opened))
        if over and not follows:
            parts.append(_Part())
    runs = [run for part in parts for run in part.played() if run]
    if sum(map(len, runs)) > MOST_PLAYED:
        raise TuneError("too long", f"With its repeats it has more than {MOST_PLAYED:,} bars.")
    return runs


def melody(bars: Sequence[Bar], metre: tuple[int, int], **about: Any) -> tuple[Melody, tuple[str, ...]]:
    """The melody of written bars, and what had to be filled.

    The bars of the melody line up: a pick-up has silence before it. Two short bars that together have the length of one
    are one, as at a repeat sign within a bar; a short bar that ends a part without such a partner is filled with
    silence.

    Raises:
        TuneError: for a bar that is too long or too short, and repeats that do not fit.

    >>> quarter = Fraction(1)
    >>> pickup, bar = Bar([Event(67, quarter)]), Bar([Event(60, quarter, tied=True), Event(60, 3 * quarter)])
    >>> melody([pickup, bar], (4, 4))[0].notes
    [Note(pitch=67, start=3.0, duration=1.0), Note(pitch=60, start=4.0, duration=4.0)]
    """
    full = in_units(Fraction(4 * metre[0], metre[1]))
    sounding = [bar for bar in bars if bar.events]
    counted = {id(bar): i for i, bar in enumerate(sounding, 1)}
    runs = played(sounding)
    durations = {id(bar): [in_units(event.duration) for event in bar.events] for run in runs for bar in run}
    lengths = {bar: sum(each) for bar, each in durations.items()}
    flat = [(bar, i == 0, i == len(run) - 1) for run in runs for i, bar in enumerate(run)]
    time, filled = 0, 0
    notes: list[tuple[int, int, int]] = []
    tied = False
    for i, (bar, first, last) in enumerate(flat):
        following = lengths[id(flat[i + 1][0])] if i + 1 < len(flat) else None
        gap = full - lengths[id(bar)]
        before = after = 0  # silence
        if gap < 0:
            raise _broken(bar, counted[id(bar)], full)
        if gap and time % full == 0 and following != gap:  # with a short bar behind it that fits it is one
            if first and not bar.endings and (i == 0 or not last):
                before, filled = gap, filled + bool(i)  # a pick-up
            elif last:
                after, filled = gap, filled + (following is not None)
            else:
                raise _broken(bar, counted[id(bar)], full)
        time += before
        for event, duration in zip(bar.events, durations[id(bar)], strict=True):
            if event.pitch is not None:
                if tied and notes[-1][0] == event.pitch and notes[-1][2] == time:
                    notes[-1] = (event.pitch, notes[-1][1], time + duration)
                else:
                    notes.append((event.pitch, time, time + duration))
            tied = event.tied and event.pitch is not None
            time += duration
        time += after
    told = (f"silence fills short bars: {filled:,}",) if filled else ()
    found = [(pitch, start / UNIT, (end - start) / UNIT) for pitch, start, end in notes]
    return Melody.of(found, length=-(-time // full) * full / UNIT, metre=metre, **about), told


def _broken(bar: Bar, count: int, full: int) -> TuneError:
    line = f" (line {bar.line:,})" if bar.line else ""
    told = f"Bar {bar.number or count}{line} has {bar.length} quarter notes; a full one has {full / UNIT:g}."
    return TuneError("a broken bar", told)


def in_units(duration: Fraction) -> int:
    """A duration in parts of a quarter note: whole numbers, since fractions would take most of the time.

    Raises:
        TuneError: for a tuplet so rare that it is no whole number of them.
    """
    if UNIT % duration.denominator:
        raise TuneError("a length that is none", f"A note of {duration} quarter notes.")
    return duration.numerator * (UNIT // duration.denominator)

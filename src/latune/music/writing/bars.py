"""A melody as it is written down: bars, notes of lengths that have a sign, ties, dots and tuplets."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from latune.errors import DataError
from latune.music.melody import SLACK, Melody

SHORTEST = Fraction(1, 32)  # quarter notes: a 128th
FINEST = 96  # the largest denominator of a time, in quarter notes
TUPLETS = {3: 2, 5: 4, 7: 4}  # n notes in the time of m
WHOLE = 3360  # a multiple of every denominator that can be written
MOST_BARS = 10_000
SIGNS = sorted(
    (Fraction(2) ** k * dot for k in range(-7, 4) for dot in (Fraction(1), Fraction(3, 2))), reverse=True
)  # every length that is one sign


class Piece(NamedTuple):
    """A note or a rest as one sign.

    Args:
        note: which note of the melody; None for a rest.
        start: in quarter notes from the beginning of the bar.
        duration: in quarter notes, as it sounds.
        value: in quarter notes, as it is written: 3/2 is a dotted quarter; longer than the duration in a tuplet.
        tied: whether the same note goes on in the next piece.
        held: whether it goes on from the piece before.
        tuplet: notes, and in the time of how many, and which tuplet of the bar it is in.
        beam: which group of the bar its beam may join.
    """

    note: int | None
    start: Fraction
    duration: Fraction
    value: Fraction
    tied: bool
    held: bool
    tuplet: tuple[int, int, int] | None
    beam: int


class Span(NamedTuple):
    """A part of a bar, and the parts it falls into."""

    start: Fraction
    end: Fraction
    parts: tuple[Span, ...]

    @property
    def size(self) -> Fraction:
        """In quarter notes."""
        return self.end - self.start


def bars_of(melody: Melody, snap: int | None = None) -> list[list[Piece]]:
    """Every bar of a melody as what is written in it; the last one is filled with rests.

    Notes that cross a bar line, or the middle of a bar where a reader looks for it, are tied. Thirds, fifths and
    sevenths of a half, of a beat or of its parts become tuplets.

    Args:
        melody: what is written.
        snap: steps of a quarter note that starts and ends are moved to; 12 holds sixteenths and triplets. A note
            that is shorter than half a step can be lost.

    Raises:
        DataError: for a time that no sign has, or a metre that none can have.

    >>> [[str(piece.value) for piece in bar] for bar in bars_of(Melody.of([(60, 0, 5), (62, 5, 1 / 3)], length=8))]
    [['4'], ['1', '1/2', '1', '2']]
    """
    times = [_fractions(each, snap) for each in (melody.starts.tolist(), melody.ends.tolist())]
    beats, unit = melody.metre
    if not 1 <= beats <= 64 or unit not in (1, 2, 4, 8, 16, 32):
        raise DataError(f"A metre is 1 to 64 beats of 1, 2, 4, 8, 16 or 32. Got {beats}/{unit}.")
    size = Fraction(4 * beats, unit)
    notes = [(i, a, b) for i, (a, b) in enumerate(zip(*times, strict=True)) if b > a]
    end = max([Fraction(melody.length).limit_denominator(FINEST), *(b for _, _, b in notes)])
    count = max(1, -(-end // size))
    if count > MOST_BARS:
        raise DataError(f"A score of {count} bars is too long to write; at most {MOST_BARS}. Cut the melody.")
    rows: list[list[tuple[int | None, Fraction, Fraction]]] = [[] for _ in range(count)]
    now = Fraction(0)
    for i, start, stop in [*notes, (None, size * count, size * count)]:
        for which, a, b in ((None, now, start), (i, start, stop)):
            while a < b:  # cut at the bar lines
                bar = a // size
                until = min(b, (bar + 1) * size)
                rows[bar].append((which, a - bar * size, until - bar * size))
                a = until
        now = stop
    out, before = [], None
    for row in rows:
        out.append(_written(row, melody.metre, before, _after(row, len(out), rows)))
        before = row[-1][0]
    return out


def _after(row: list, index: int, rows: list) -> bool:
    """Whether the last note of a bar goes on in the next one."""
    last = row[-1][0]
    return last is not None and index + 1 < len(rows) and rows[index + 1][0][0] == last


def _written(row: list, metre: tuple[int, int], before: int | None, goes_on: bool) -> list[Piece]:
    """The pieces of one bar."""
    tree = metre_tree(*metre)
    marks = sorted({time for _, a, b in row for time in (a, b)})
    cuts = list(_tuplets(tree, marks))  # (start, end, n, m), in order
    pieces: list[Piece] = []
    for k, (which, a, b) in enumerate(row):
        edges = sorted({a, b, *(edge for cut in cuts for edge in cut[:2] if a < edge < b)})
        parts: list[tuple[Fraction, Fraction, Fraction, tuple[int, int, int] | None]] = []
        for start, end in pairwise(edges):
            inside = next((i for i, cut in enumerate(cuts) if cut[0] <= start and end <= cut[1]), None)
            whole = inside is not None and (start, end) == cuts[inside][:2]
            if inside is None or whole:
                parts += [(x, y, y - x, None) for x, y in _split(start, end, metre, which is None)]
                continue
            _, _, n, m = cuts[inside]
            for value in _signs((end - start) * n / m):
                parts.append((start, start + value * m / n, value, (n, m, inside)))
                start += value * m / n
        for j, (start, end, value, tuplet) in enumerate(parts):
            first, last = j == 0, j == len(parts) - 1
            sounds = which is not None
            tied = sounds and (not last or (k == len(row) - 1 and goes_on))
            held = sounds and (not first or (k == 0 and which == before))
            pieces.append(Piece(which, start, end - start, value, tied, held, tuplet, 0))
    return _beamed(pieces, tree)


# --- the parts of a bar -----------------------------------------------------------------------------------------------


@cache
def metre_tree(beats: int, unit: int) -> Span:
    """A bar as parts of parts: 4/4 into halves and those into beats, 6/8 into two beats of three.

    >>> [str(part.size) for part in metre_tree(6, 8).parts], [str(part.size) for part in metre_tree(5, 4).parts]
    (['3/2', '3/2'], ['3', '2'])
    """
    beat = Fraction(4, unit)
    if unit >= 8 and beats % 3 == 0:
        groups, beat, sizes = beats // 3, 3 * beat, 3
    else:
        groups, sizes = beats, 2
    return _grown(Fraction(0), beat, _grouped(groups), sizes)


def _grouped(beats: int) -> list[int]:
    """How many beats each part of a bar has."""
    if beats <= 3:
        return [1] * beats
    if beats % 4 == 0:
        return [beats // 2] * 2
    if beats % 3 == 0:
        return [3] * (beats // 3)
    return [3, *([2] * ((beats - 3) // 2))] if beats % 2 else [2] * (beats // 2)


def _grown(start: Fraction, beat: Fraction, groups: list[int], sizes: int) -> Span:
    parts, now = [], start
    for group in groups:
        if group == 1:
            parts.append(_beat(now, beat, sizes))
        else:
            parts.append(_grown(now, beat, _grouped(group), sizes))
        now += group * beat
    return parts[0] if len(parts) == 1 else Span(start, now, tuple(parts))


def _beat(start: Fraction, size: Fraction, into: int) -> Span:
    if size / into < SHORTEST:
        return Span(start, start + size, ())
    return Span(start, start + size, tuple(_beat(start + i * size / into, size / into, 2) for i in range(into)))


# --- how long a sign is -----------------------------------------------------------------------------------------------


def is_sign(value: Fraction) -> bool:
    """Whether a length is one sign: a power of two, or one and a half times that.

    >>> is_sign(Fraction(3, 2)), is_sign(Fraction(5, 4))
    (True, False)
    """
    return value in SIGNS


def _signs(value: Fraction) -> list[Fraction]:
    """A length as the fewest signs, the longest first."""
    out = []
    while value > 0:
        sign = next((each for each in SIGNS if each <= value), None)
        if sign is None:
            raise DataError(f"There is no sign for {value} of a quarter note.")
        out.append(sign)
        value -= sign
    return out


@cache
def _split(start: Fraction, end: Fraction, metre: tuple[int, int], rest: bool) -> tuple[tuple[Fraction, Fraction], ...]:
    """A note within a bar as the fewest pieces that are one sign each and show where the beats are."""
    tree = metre_tree(*metre)
    node = _smallest(start, end, tree)
    if (start, end) == (tree.start, tree.end) and (rest or is_sign(end - start)):
        return ((start, end),)  # a rest of a whole bar has its own sign
    if is_sign(end - start) and _reads_well(start, end, node, rest):
        return ((start, end),)
    inside = [part.start for part in node.parts[1:] if start < part.start < end]
    if not inside:
        raise DataError(f"There is no sign for {end - start} of a quarter note at {start} of a bar.")
    ways = [(*_split(start, cut, metre, rest), *_split(cut, end, metre, rest)) for cut in inside]
    return min(ways, key=len)


def _smallest(start: Fraction, end: Fraction, node: Span) -> Span:
    for part in node.parts:
        if part.start <= start and end <= part.end:
            return _smallest(start, end, part)
    return node


def _reads_well(start: Fraction, end: Fraction, node: Span, rest: bool) -> bool:
    if (start, end) == (node.start, node.end):
        return True
    edges = {each for part in node.parts for each in (part.start, part.end)}
    beats_of_three = bool(node.parts) and len(node.parts[0].parts) == 3 and len(node.parts[0].parts[0].parts) == 2
    if node.start == start or node.end == end:
        return not beats_of_three or (start in edges and end in edges)
    # A note across the middle, as the second of short, long, short.
    quarter = node.size / 4
    return not rest and len(node.parts) == 2 and start - node.start == node.end - end == quarter


# --- tuplets ----------------------------------------------------------------------------------------------------------


def _tuplets(node: Span, marks: list[Fraction]) -> Iterable[tuple[Fraction, Fraction, int, int]]:
    """The parts of a bar that are written as tuplets, given all times where something starts or ends."""
    inside = [mark - node.start for mark in marks if node.start < mark < node.end]
    odd = [mark for mark in inside if _odd(mark)]
    if not odd:
        return
    beat = node.size <= 1
    if _two_power(node.size) and node.size / 2 not in inside:  # else its halves are written one by one
        for n, m in TUPLETS.items():
            fits = all(_binary(mark * n / node.size, 4 if beat else 1) for mark in inside)
            # Over more than a beat only where every one of the n is there: what else looks like it is nearly always
            # a tuplet within the beats.
            if fits and (beat or len(inside) == n - 1):
                yield node.start, node.end, n, m
                return
    for part in node.parts:
        yield from _tuplets(part, marks)
    if not node.parts:
        raise DataError(f"There is no sign for a note at {node.start + odd[0]} quarter notes of a bar.")


def _odd(time: Fraction) -> bool:
    return not _two_power(Fraction(1, time.denominator)) or time.denominator > 1 / SHORTEST


def _two_power(value: Fraction) -> bool:
    top, bottom = value.numerator, value.denominator
    return top & (top - 1) == 0 and bottom & (bottom - 1) == 0


def _binary(value: Fraction, finest: int) -> bool:
    """Whether a time is a multiple of one over a power of two, no finer than `finest`."""
    return finest % value.denominator == 0


def _fractions(times: list[float], snap: int | None) -> list[Fraction]:
    if snap is not None:
        if not 1 <= snap <= FINEST or WHOLE % snap:
            raise DataError(f"A quarter note is snapped to 1 to {FINEST} steps, of which {WHOLE} is a multiple.")
        return [Fraction(round(time * snap), snap) for time in times]
    found = [Fraction(time).limit_denominator(FINEST) for time in times]
    for time, near in zip(times, found, strict=True):
        if abs(time - near) > SLACK or WHOLE % near.denominator:
            raise DataError(
                f"There is no sign for a note that starts or ends at {time:g} quarter notes. Give snap=12 to move "
                "notes to the nearest sixteenth or triplet."
            )
    return found


# --- beams ------------------------------------------------------------------------------------------------------------


def _beamed(pieces: list[Piece], tree: Span) -> list[Piece]:
    """Every piece with the group its beam may join: a beat, or half a bar of 4/4 that is eighths alone."""
    starts = [beat.start for beat in _beats(tree)]
    for half in tree.parts if tree.size == 4 and len(tree.parts) == 2 else ():
        mine = [piece for piece in pieces if half.start <= piece.start < half.end]
        if all(piece.value == Fraction(1, 2) and piece.note is not None and not piece.tuplet for piece in mine):
            starts = [start for start in starts if not half.start < start < half.end]
    return [piece._replace(beam=bisect_right(starts, piece.start) - 1) for piece in pieces]


def _beats(node: Span) -> list[Span]:
    if node.size <= Fraction(3, 2) or not node.parts:
        return [node]
    return [beat for part in node.parts for beat in _beats(part)]

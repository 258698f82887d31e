"""Where things are in a piano-roll: the field of its notes, rows of bars, lines, and the pitches that are named."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from latune.errors import DataError
from latune.fonts import SIZE
from latune.music.melody import SLACK, Melody, Note

BLACK_KEYS = frozenset((1, 3, 6, 8, 10))
WIDTHS = (96, 72, 48, 36, 24, 16, 12, 8, 6, 4, 3, 2, 1)  # pixels of a quarter note
ONE, TILE = 920, 400  # the most pixels a picture alone, and one of a sheet, takes across if it can
WIDEST = 1700  # pixels of a sheet; with more columns than four its pictures are smaller
READABLE = (5.5, 12)  # pixels of a quarter note below which bars go on in the next row: in small pictures, and in large
HEIGHT, ONE_OF_SEVERAL, LOW = 200, 120, 80  # about how high a row is, in pixels: alone, of several, at least
ROWS = (10, 5, 3)  # most and fewest pixels of a semitone, and fewest in a small picture
FEWEST = 13  # semitones shown, so that a melody of one note is no single stripe
LABEL, TITLE, EDGE, GAP = 30, 18, 6, 14  # pixels: of the pitch names, of a title, around all, between two
NUMBERS = 14  # pixels: of the numbers of bars above a row
TIGHT = 6  # pixels between two of many small pictures, and between the rows of one
MOST = 64_000_000  # pixels of a picture


@dataclass(frozen=True)
class Field:
    """Where notes are in a row: pitches from `low` to `high`, `across` pixels a quarter note, `row` a semitone.

    `pen` is how many pixels the thinnest line has: 2 in a picture for screens of twice as many pixels.

    >>> field = Field(low=60, high=72, length=4.0, across=24, row=10)
    >>> field.width, field.height, field.box(Note(60, 1.0, 2.0))
    (97, 130, (25, 121, 70, 128))
    """

    low: int
    high: int
    length: float
    across: int
    row: int
    pen: int = 1

    @property
    def width(self) -> int:
        """Pixels, with the line that ends the last bar."""
        return max(self.pen, self.x(self.length)) + self.pen

    @property
    def height(self) -> int:
        """Pixels."""
        return (self.high - self.low + 1) * self.row

    def x(self, time: float) -> int:
        """Of a time in quarter notes; at whole pixels of a screen that has fewer, too, where edges stay crisp."""
        return round(time * self.across / self.pen) * self.pen

    def y(self, pitch: int) -> int:
        """The upper edge of a pitch's row."""
        return (self.high - pitch) * self.row

    def box(self, note: Note) -> tuple[int, int, int, int]:
        """Left, top, right and bottom pixel of a note, all of them filled; a gap parts it from the next."""
        pen = self.pen
        left, right = self.x(note.start) + pen, self.x(note.start + note.duration) - 1
        gap = pen if self.across >= 16 * pen else 0  # where notes are wide enough to lose one more pixel
        top = self.y(note.pitch)
        return (
            left,
            top + pen,
            max(left + pen - 1, right - gap),
            top + self.row - (pen if self.row > 4 * pen else 0) - 1,
        )

    def sharp(self, pen: int) -> Field:
        """The same at `pen` times as many pixels."""
        return replace(self, across=self.across * pen, row=self.row * pen, pen=pen)


@dataclass(frozen=True)
class Layout:
    """How melodies are laid out: the field of one row, how long the longest is, columns, and titles."""

    field: Field
    length: float
    columns: int
    labels: list[str]

    @property
    def starts(self) -> list[float]:
        """When each row of bars begins, in quarter notes; one row where all fit beside each other."""
        return [i * self.field.length for i in range(math.ceil((self.length - SLACK) / self.field.length))]


@dataclass(frozen=True)
class Page:
    """Where each row of each of `n` melodies stands, in pixels of a picture that is not drawn sharp.

    >>> page = Page(laid_out([Melody.of([(60, 0, 4)])] * 3, columns=3), 3)
    >>> page.width, page.height, [row[2:] for row in page.rows()]
    (1225, 142, [(36, 6), (435, 6), (834, 6)])
    """

    layout: Layout
    n: int
    staves: bool = False
    has_caption: bool = False
    has_heads: bool = False
    has_feet: bool = False
    group: int = 0

    @property
    def above(self) -> int:
        """Pixels of the caption and of the heads."""
        return TITLE * (self.has_caption + self.has_heads)

    @property
    def head(self) -> int:
        """The base line of the heads."""
        return EDGE + self.above - 5

    @property
    def title(self) -> int:
        """Pixels of a title."""
        return TITLE if any(self.layout.labels) else 0

    @property
    def numbers(self) -> int:
        """Pixels of the numbers of bars, which are shown where there is more than one row."""
        return NUMBERS if len(self.layout.starts) > 1 else 0

    @property
    def step(self) -> int:
        """From a melody to the one below; of staves, to the next row of bars."""
        high, rows = self.layout.field.height, len(self.layout.starts)
        if self.staves:
            return self.numbers + self.n * (self.title + high + GAP) + (GAP if rows > 1 else 0)
        return self.title + rows * (self.numbers + high) + (rows - 1) * TIGHT + GAP

    @property
    def width(self) -> int:
        """Of the picture."""
        gap = gap_of(self.layout.columns)
        return 2 * EDGE + LABEL + self.layout.columns * (self.layout.field.width + gap) - gap

    @property
    def height(self) -> int:
        """Of the picture."""
        steps = len(self.layout.starts) if self.staves else -(-self.n // self.layout.columns)
        last = 2 * GAP if self.staves and len(self.layout.starts) > 1 else GAP
        return self.top(steps - 1) + self.step - last + EDGE + (TITLE if self.has_feet else 0)

    def left(self, column: int) -> int:
        """Of a column's fields."""
        return EDGE + LABEL + column * (self.layout.field.width + gap_of(self.layout.columns))

    def top(self, step: int) -> int:
        """Of a row of melodies; of staves, of a row of bars."""
        wider = GAP * (step // self.group) if self.group else 0
        return EDGE + self.above + step * self.step + wider

    def labels(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """Each title's melody and place; of staves, above each of their rows."""
        for i, _, left, top in self.rows():
            if self.staves or top == self._first(i):
                yield i, (left, top - self.title - (self.numbers if self.is_numbered(i) else 0))

    def rows(self) -> Iterator[tuple[int, float, int, int]]:
        """Each row's melody, when it begins, and the left upper corner of its field."""
        high, columns = self.layout.field.height, self.layout.columns
        for r, start in enumerate(self.layout.starts):
            for i in range(self.n):
                if self.staves:
                    top = self.top(r) + self.numbers + i * (self.title + high + GAP) + self.title
                else:
                    top = self._first(i) + r * (self.numbers + high + TIGHT)
                yield i, start, self.left(i % columns), top

    def _first(self, i: int) -> int:
        return self.top(i // self.layout.columns) + self.title + self.numbers

    def is_numbered(self, i: int) -> bool:
        """Whether the numbers of bars stand above the rows of a melody."""
        return self.numbers > 0 and (not self.staves or i == 0)

    def is_first(self, i: int) -> bool:
        """Whether a melody stands at the left, where pitches are named."""
        return i % self.layout.columns == 0

    def check(self, sharp: int = 1) -> None:
        """Refuse a picture that is too large.

        Raises:
            DataError: for one of more than 64 million pixels.
        """
        width, height = self.width * sharp, self.height * sharp
        if width * height > MOST:
            many = "A melody" if self.n == 1 else f"{self.n:,} melodies"
            raise DataError(
                f"{many} would be a picture of {width:,} x {height:,} pixels, at most {MOST:,} in all. Show fewer, or "
                "fewer bars; or give a name that ends in .mid, .musicxml, .abc, .svg or .wav, and each is a file."
            )


def laid_out(
    melodies: Sequence[Melody],
    columns: int = 1,
    labels: Sequence[str] | None = None,
    pitches: tuple[int, int] | None = None,
    across: int | None = None,
    bars: int | None = None,
    width: int | None = None,
) -> Layout:
    """The field that holds every one of the melodies, in rows of as many bars as can be read.

    Args:
        melodies: at least one.
        columns: how many stand beside each other.
        labels: their titles; their names where None.
        pitches: the lowest and the highest shown; as far as the notes reach where None.
        across: pixels of a quarter note.
        bars: in a row; where None, all if they can be read or `across` is given, else as many as can.
        width: the most pixels of all columns together.

    Raises:
        DataError: for no melodies, too few labels, or numbers that cannot be.
    """
    if not melodies:
        raise DataError("There are no melodies to show.")
    if columns < 1 or any(each is not None and each < 1 for each in (across, bars)):
        raise DataError(
            f"Columns, pixels of a quarter note and bars of a row are 1 or more. Got {columns}, {across} and {bars}."
        )
    if labels is not None and len(labels) != len(melodies):
        raise DataError(f"Give one label for each of {len(melodies)} melodies. Got {len(labels)}.")
    columns = min(columns, len(melodies))
    length = max(max(melody.length, SLACK) for melody in melodies)
    bar = melodies[0].bar
    length = length if length > 2 * SLACK else bar
    low, high = reach(melodies) if pitches is None else pitches
    if not 0 <= low <= high <= 127:
        raise DataError(f"Pitches are shown from one of 0 to 127 to another above. Got {low} to {high}.")
    room = room_of(columns, width)
    if bars is None:
        bars = math.ceil(length / bar) if across else bars_of_row(length, bar, room, columns)
    span = min(length, bars * bar)
    if across is None:
        sizes = WIDTHS if width is None and room >= TILE else range(max(1, int((room - 1) // span)), 0, -1)
        across = next((size for size in sizes if span * size <= room), 1)
    field = Field(low, high, span, across, row_of(high - low + 1, room, HEIGHT if span == length else ONE_OF_SEVERAL))
    return Layout(field, length, columns, list(labels or (melody.name for melody in melodies)))


def most_shown(melody: Melody, columns: int) -> int:
    """How many melodies as long as this one, and within its pitches, a sheet of so many columns can hold.

    >>> most_shown(Melody.of([(60, 0, 4)]), columns=4)
    1092
    """
    page = Page(laid_out([melody] * columns, columns), columns, has_caption=True, has_heads=True, has_feet=True)
    return columns * ((MOST // page.width - page.height) // page.step + 1)


def room_of(columns: int, width: int | None = None) -> int:
    """Pixels that one of so many columns may take across.

    >>> room_of(1), room_of(4), room_of(10)
    (920, 400, 160)
    """
    if width is None and columns == 1:
        return ONE
    room = ((width or WIDEST) - 2 * EDGE - LABEL - (columns - 1) * gap_of(columns)) // columns
    return max(1, room if width else min(TILE, room))


def gap_of(columns: int) -> int:
    """Pixels between two columns."""
    return GAP if columns <= 4 else TIGHT


def row_of(semitones: int, room: int, height: int) -> int:
    """Pixels of a semitone, for a picture of so many across and about so many high."""
    small = room < TILE
    height = min(height, max(LOW, round(0.6 * room)))
    return max(ROWS[2] if small else ROWS[1], min(ROWS[0], height // semitones))


def bars_of_row(length: float, bar: float, room: int, columns: int = 1) -> int:
    """How many bars stand in a row: all of them where they can be read, else a number that music is counted in.

    >>> [bars_of_row(4.0 * bars, 4.0, ONE) for bars in (8, 16, 19, 100)], bars_of_row(64.0, 4.0, 160, 10)
    ([8, 16, 19, 8], 4)
    """
    least = min(max(room / 40, READABLE[0]), READABLE[1])
    if length * least <= room:
        return math.ceil(length / bar - SLACK)
    most = int(room // (bar * least * (2 if columns == 1 else 1)))  # a picture alone has the height for wide bars
    return most // 4 * 4 if most >= 4 else max(1, most)


def parts_of(melody: Melody, field: Field, start: float = 0.0) -> Iterator[tuple[Note, Note]]:
    """The notes that a row shows which begins at `start`: each, and the part of it that sounds there, from `start` on.

    >>> field = Field(low=60, high=72, length=4.0, across=24, row=10)
    >>> [part for _, part in parts_of(Melody.of([(60, 0, 3), (62, 3, 3)]), field, 4.0)]
    [Note(pitch=62, start=0.0, duration=2.0)]
    """
    for note in melody:
        begin, stop = max(note.start, start), min(note.start + note.duration, start + field.length)
        if stop > begin + SLACK / 2 and field.low <= note.pitch <= field.high:
            yield note, Note(note.pitch, begin - start, stop - begin)


def grid_lines(melody: Melody, field: Field, begin: float = 0.0) -> list[tuple[float, bool]]:
    """Times of beats and bars from `begin` on, and whether each is a bar; only bars where beats would be too close."""
    beat, bar = 4 / melody.metre[1], melody.bar
    step = beat if beat * field.across >= 10 * field.pen else bar
    while step * field.across < 4 * field.pen:
        step *= 2
    first, last = math.ceil((begin - SLACK) / step), math.floor((begin + field.length + SLACK) / step)
    times = [i * step for i in range(first, last + 1)]
    found = [(time - begin, abs(time / bar - round(time / bar)) < SLACK) for time in times]
    return [*(each for each in found if not each[1]), *(each for each in found if each[1])]  # bars over beats


def labelled(field: Field) -> list[int]:
    """Pitches that are named: every C, and where there are less than two, the outermost white keys that stand free."""
    shown = [pitch for pitch in range(field.low, field.high + 1) if pitch % 12 not in BLACK_KEYS]
    named = [pitch for pitch in shown if pitch % 12 == 0]
    free = math.ceil((SIZE + 1) * field.pen / field.row)
    if len(named) < 2 and shown:
        named += [pitch for pitch in {shown[0], shown[-1]} if all(abs(pitch - other) >= free for other in named)]
    return sorted(named)


def reach(melodies: Sequence[Melody]) -> tuple[int, int]:
    """The lowest and the highest pitch that a picture of these melodies shows: a little more than their own.

    >>> reach([Melody.of([(60, 0, 1), (72, 1, 1)])])
    (59, 73)
    """
    found = [int(each) for melody in melodies if len(melody) for each in (melody.pitches.min(), melody.pitches.max())]
    low, high = (min(found), max(found)) if found else (60, 72)
    low, high = low - 1, high + 1
    missing = max(0, FEWEST - (high - low + 1))
    low, high = low - missing // 2, high + missing - missing // 2
    if low < 0:
        low, high = 0, high - low
    return (low, high) if high <= 127 else (max(0, low - (high - 127)), 127)

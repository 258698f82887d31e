"""Piano-rolls: time to the right, pitch upwards; notes that break a rule are red (Engel et al. 2018, Fig. 6)."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from latune.errors import DataError
from latune.fonts import fitted, font
from latune.music.melody import SLACK, Melody, Note
from latune.music.scales import note_name, pitch_classes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The colours of the reports; in an SVG they are variables of the page's style sheet, so it serves light and dark pages.
NOTE, WRONG = "#2b5f9e", "#d1353f"
PAPER, BLACK_KEY, BEAT, BAR, OCTAVE, INK, SOFT = (
    "#fefefd", "#f3f4f6", "#e9ebee", "#c3c8cf", "#dfe2e6", "#1f2328", "#646c76",
)  # fmt: skip
BLACK_KEYS = frozenset((1, 3, 6, 8, 10))

WIDTHS = (96, 72, 48, 36, 24, 16, 12, 8, 6, 4, 3, 2, 1)  # pixels of a quarter note
ONE, TILE = 920, 400  # the most pixels a picture alone, and one of a sheet, takes across if it can
HEIGHT = 200  # about how high the notes' field is, in pixels
ROWS = (10, 5)  # most and fewest pixels of a semitone
FEWEST = 13  # semitones shown, so that a melody of one note is no single stripe
LABEL, TITLE, EDGE, GAP = 30, 18, 6, 14  # pixels: of the pitch names, of a title, around all, between two
TEXT = 11
TILE_WIDTH, TILE_HEIGHT = 96, 72  # about how large a small picture is, in pixels
SMALLEST = 4  # pixels of a quarter note in it
MOST = 64_000_000  # pixels of a picture

Rule = Callable[[Note], bool] | Iterable[int] | str


@dataclass(frozen=True)
class Field:
    """Where notes are in a picture: pitches from `low` to `high`, `across` pixels a quarter note, `row` a semitone.

    >>> field = Field(low=60, high=72, length=4.0, across=24, row=10)
    >>> field.width, field.height, field.box(Note(60, 1.0, 2.0))
    (97, 130, (25, 121, 70, 128))
    """

    low: int
    high: int
    length: float
    across: int
    row: int

    @property
    def width(self) -> int:
        """Pixels, with the line that ends the last bar."""
        return max(1, round(self.length * self.across)) + 1

    @property
    def height(self) -> int:
        """Pixels."""
        return (self.high - self.low + 1) * self.row

    def x(self, time: float) -> int:
        """Of a time in quarter notes."""
        return round(time * self.across)

    def y(self, pitch: int) -> int:
        """The upper edge of a pitch's row."""
        return (self.high - pitch) * self.row

    def box(self, note: Note) -> tuple[int, int, int, int]:
        """Left, top, right and bottom pixel of a note, all of them filled; a gap parts it from the next."""
        left, right = self.x(note.start) + 1, self.x(note.start + note.duration) - 1
        gap = 1 if self.across >= 16 else 0  # where notes are wide enough to lose one more pixel
        top = self.y(note.pitch)
        return left, top + 1, max(left, right - gap), top + self.row - (2 if self.row > 4 else 1)


def png(
    melodies: Sequence[Melody],
    columns: int = 1,
    rule: Rule | None = None,
    labels: Sequence[str] | None = None,
    pitches: tuple[int, int] | None = None,
    across: int | None = None,
) -> bytes:
    """Piano-rolls of melodies as one PNG file, all of the same pitches and the same time to the right.

    Args:
        melodies: at least one.
        columns: how many stand beside each other.
        rule: what each note has to be: a scale (`"C major"`), pitch classes, or a function of a note; a note that
            is not is red.
        labels: a title of each melody; their names where None.
        pitches: the lowest and the highest shown; as far as the notes reach where None.
        across: pixels of a quarter note; as fits where None.

    Raises:
        DataError: for no melodies, too few labels, or a picture of more than 64 million pixels.

    >>> png([Melody.of([(60, 0, 1), (61, 1, 1)])], rule="C major")[:4]
    b'\\x89PNG'
    """
    from PIL import Image, ImageDraw

    field, columns, labels = laid_out(melodies, columns, labels, pitches, across)
    title = TITLE if any(labels) else 0
    rows, wide, high = -(-len(melodies) // columns), field.width + GAP, field.height + title + GAP
    width, height = 2 * EDGE + LABEL + columns * wide - GAP, 2 * EDGE + rows * high - GAP
    if width * height > MOST:
        raise DataError(
            f"A picture of {width} x {height} pixels is too large. Show fewer melodies, cut them, or set across=1."
        )
    obeys = rule_of(rule)
    canvas = Image.new("RGB", (width, height), PAPER)
    empty = _ground(field)  # the same behind all of them
    draw = ImageDraw.Draw(canvas)
    for i, (melody, label) in enumerate(zip(melodies, labels, strict=True)):
        left, top = EDGE + LABEL + (i % columns) * wide, EDGE + (i // columns) * high
        if label:
            draw.text((left, top + 1), fitted(label, field.width), fill=INK, font=font())
        top += title
        canvas.paste(empty, (left, top))
        _lines(draw, field, melody, left, top)
        if i % columns == 0:
            for pitch in labelled(field):
                y = top + field.y(pitch) + field.row / 2
                draw.text((left - 6, y), note_name(pitch), fill=SOFT, font=font(), anchor="rm")
        for note in melody:
            if not field.low <= note.pitch <= field.high:
                continue
            a, b, c, d = field.box(note)
            colour = NOTE if obeys(note) else WRONG
            draw.rectangle((left + a, top + b, left + c, top + d), fill=colour)
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def one(
    melody: Melody,
    rule: Rule | None = None,
    label: str | None = None,
    pitches: tuple[int, int] | None = None,
    across: int | None = None,
) -> bytes:
    """The piano-roll of one melody as a PNG file; see `png`."""
    return png([melody], rule=rule, labels=None if label is None else [label], pitches=pitches, across=across)


def tiles(melodies: Sequence[Melody], pitches: tuple[int, int] | None = None) -> UInt8[np.ndarray, "n h w 3"]:
    """Small piano-rolls without names, all of one size and the same pitches, for sheets of many beside each other.

    Args:
        melodies: at least one.
        pitches: the lowest and the highest shown; as far as the notes reach where None.

    >>> tiles([Melody.of([(60, 0, 4)]), Melody.of([(72, 0, 4)])]).shape
    (2, 60, 97, 3)
    """
    from PIL import ImageDraw

    field, _, _ = laid_out(melodies, 1, None, pitches, None)
    across = max(SMALLEST, round(TILE_WIDTH / field.length))
    field = replace(field, across=across, row=max(3, TILE_HEIGHT // (field.high - field.low + 1)))
    empty = _ground(field)
    made = []
    for melody in melodies:
        picture = empty.copy()
        draw = ImageDraw.Draw(picture)
        _lines(draw, field, melody, 0, 0)
        for note in melody:
            if field.low <= note.pitch <= field.high:
                draw.rectangle(field.box(note), fill=NOTE)
        made.append(np.asarray(picture))
    return np.stack(made)


def svg(melody: Melody, rule: Rule | None = None, pitches: tuple[int, int] | None = None, label: str = "") -> str:
    """A piano-roll as an `svg` element that is as wide as its place on a page, in the page's colours.

    Args:
        melody: what is shown.
        rule: what each note has to be, as in `png`.
        pitches: the lowest and the highest shown.
        label: what the picture shows, for those who do not see it.

    >>> svg(Melody.of([(60, 0, 1), (61, 1, 1)]), rule="C major").count('class="note')
    2
    """
    field, _, (name,) = laid_out([melody], 1, None, pitches, None)
    obeys = rule_of(rule)
    width, height = LABEL + field.width + 1, field.height + 1
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="pianoroll" viewBox="0 -3 {width} {height + 5}" '
        f'role="img" aria-label="{escape(label or name or "piano-roll")}" style="width:100%;max-width:{width}px" '
        f'font-family="var(--sans, sans-serif)" font-size="{TEXT}">'
    ]

    def box(x: float, y: float, w: float, h: float, colour: str, more: str = "") -> None:
        out.append(f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" {more}style="fill:{colour}"/>')

    for pitch in range(field.low, field.high + 1):
        if pitch % 12 in BLACK_KEYS:
            box(LABEL, field.y(pitch), field.width, field.row, f"var(--stripe, {BLACK_KEY})")
        elif pitch % 12 == 0 and pitch > field.low:
            box(LABEL, field.y(pitch) + field.row, field.width, 1, f"var(--grid, {OCTAVE})")
    for time, is_bar in grid_lines(melody, field):
        colour = f"var(--soft, {SOFT})" if is_bar else f"var(--grid, {BEAT})"
        box(LABEL + field.x(time), 0, 1, field.height, colour, 'opacity="0.45" ' if is_bar else "")
    for pitch in labelled(field):
        y = field.y(pitch) + field.row / 2
        out.append(
            f'<text x="{LABEL - 6}" y="{y:g}" text-anchor="end" dominant-baseline="central" '
            f'style="fill:var(--soft, {SOFT})">{note_name(pitch)}</text>'
        )
    for note in melody:
        if field.low <= note.pitch <= field.high:
            a, b, c, d = field.box(note)
            kind, colour = (
                ("note", f"var(--line-0, {NOTE})") if obeys(note) else ("note wrong", f"var(--wrong, {WRONG})")
            )
            box(LABEL + a, b, c - a + 1, d - b + 1, colour, f'rx="1.5" class="{kind}" ')
    return "\n".join([*out, "</svg>"])


def draw(
    ax: Axes, melody: Melody, rule: Rule | None = None, pitches: tuple[int, int] | None = None, names: bool = True
) -> None:
    """A piano-roll on matplotlib's axes, for the figures of papers.

    Args:
        ax: where; x is in quarter notes, y is the pitch.
        melody: what is shown.
        rule: what each note has to be, as in `png`.
        pitches: the lowest and the highest shown.
        names: whether pitches are named at the left.
    """
    field, _, _ = laid_out([melody], 1, None, pitches, None)
    obeys = rule_of(rule)
    ax.grid(False)
    for pitch in range(field.low, field.high + 1):
        if pitch % 12 in BLACK_KEYS:
            ax.axhspan(pitch - 0.5, pitch + 0.5, color=BLACK_KEY, linewidth=0, zorder=0)
    for time, is_bar in grid_lines(melody, field):
        ax.axvline(time, color=BAR if is_bar else BEAT, linewidth=0.7 if is_bar else 0.5, zorder=1)
    for colour, right in ((NOTE, True), (WRONG, False)):
        chosen = [note for note in melody if obeys(note) == right]
        gap = min(0.06, field.length / 400)
        ax.barh(
            [note.pitch for note in chosen],
            [max(note.duration - gap, note.duration / 2) for note in chosen],
            left=[note.start + gap / 2 for note in chosen],
            height=0.8, color=colour, linewidth=0, zorder=2,
        )  # fmt: skip
    ax.set(xlim=(0, field.length), ylim=(field.low - 0.5, field.high + 0.5), xticks=[])
    ticks = labelled(field) if names else []
    ax.set_yticks(ticks, [note_name(pitch) for pitch in ticks])


# --- where things are -------------------------------------------------------------------------------------------------


def laid_out(
    melodies: Sequence[Melody],
    columns: int,
    labels: Sequence[str] | None,
    pitches: tuple[int, int] | None,
    across: int | None,
) -> tuple[Field, int, list[str]]:
    """The field that holds every one of the melodies, how many columns there are, and all titles."""
    if not melodies:
        raise DataError("There are no melodies to show.")
    if columns < 1 or (across is not None and across < 1):
        raise DataError(f"Columns, and pixels of a quarter note, are 1 or more. Got {columns} and {across}.")
    if labels is not None and len(labels) != len(melodies):
        raise DataError(f"Give one label for each of {len(melodies)} melodies. Got {len(labels)}.")
    columns = min(columns, len(melodies))
    length = max(max(melody.length, SLACK) for melody in melodies)
    length = length if length > 2 * SLACK else melodies[0].bar
    low, high = reach(melodies) if pitches is None else pitches
    if not 0 <= low <= high <= 127:
        raise DataError(f"Pitches are shown from one of 0 to 127 to another above. Got {low} to {high}.")
    room = ONE if columns == 1 else TILE
    across = across or next((width for width in WIDTHS if length * width <= room), WIDTHS[-1])
    # Sixteenths should be seen one by one: a sheet of long melodies rather grows.
    across = max(across, 8) if length <= 96 else across
    row = max(ROWS[1], min(ROWS[0], HEIGHT // (high - low + 1)))
    return Field(low, high, length, across, row), columns, list(labels or (melody.name for melody in melodies))


def rule_of(rule: Rule | None) -> Callable[[Note], bool]:
    """A rule as a function of a note; without one, every note obeys."""
    if rule is None:
        return lambda note: True
    if callable(rule):
        return lambda note: bool(rule(note))
    allowed = pitch_classes(rule)
    return lambda note: note.pitch % 12 in allowed


def grid_lines(melody: Melody, field: Field) -> list[tuple[float, bool]]:
    """Times of beats and bars, and whether each is a bar; only bars where beats would stand too close."""
    beat, bar = 4 / melody.metre[1], melody.bar
    step = beat if beat * field.across >= 10 else bar
    while step * field.across < 4:
        step *= 2
    times = [i * step for i in range(math.ceil((field.length + SLACK) / step))]
    found = [(time, abs(time / bar - round(time / bar)) < SLACK) for time in times]
    return [*(each for each in found if not each[1]), *(each for each in found if each[1])]  # bars over beats


def labelled(field: Field) -> list[int]:
    """Pitches that are named: every C, and where there are less than two, the outermost white keys that stand free."""
    shown = [pitch for pitch in range(field.low, field.high + 1) if pitch % 12 not in BLACK_KEYS]
    named = [pitch for pitch in shown if pitch % 12 == 0]
    free = math.ceil((TEXT + 1) / field.row)
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


# --- with Pillow ------------------------------------------------------------------------------------------------------


def _ground(field: Field) -> Any:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (field.width, field.height), PAPER)
    draw = ImageDraw.Draw(image)
    for pitch in range(field.low, field.high + 1):
        top = field.y(pitch)
        if pitch % 12 in BLACK_KEYS:
            draw.rectangle((0, top, field.width, top + field.row - 1), fill=BLACK_KEY)
        elif pitch % 12 == 0 and pitch > field.low:
            draw.line((0, top + field.row, field.width, top + field.row), fill=OCTAVE)
    return image


def _lines(draw: Any, field: Field, melody: Melody, left: int, top: int) -> None:
    for time, is_bar in grid_lines(melody, field):
        x = left + field.x(time)
        draw.line((x, top, x, top + field.height - 1), fill=BAR if is_bar else BEAT)

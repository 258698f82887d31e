"""Piano-rolls: time to the right, pitch upwards; notes that break a rule are red (Engel et al. 2018, Fig. 6)."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from latune.errors import DataError
from latune.fonts import SIZE, fitted, font
from latune.music.melody import SLACK, Melody, Note
from latune.music.scales import note_name, pitch_classes
from latune.music.writing.layout import (
    BLACK_KEYS,
    EDGE,
    LABEL,
    Field,
    Page,
    grid_lines,
    labelled,
    laid_out,
    parts_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The colours of the reports; in an SVG they are variables of the page's style sheet, so it serves light and dark pages.
NOTE, WRONG = "#2b5f9e", "#d1353f"
PAPER, BLACK_KEY, BEAT, BAR, OCTAVE, INK, SOFT = (
    "#fefefd", "#f3f4f6", "#e9ebee", "#c3c8cf", "#dfe2e6", "#1f2328", "#646c76",
)  # fmt: skip

APART = 34  # pixels between the numbers of two bars
TILE_WIDTH, TILE_HEIGHT = 96, 72  # about how large a small picture is, in pixels
SMALLEST = 4  # pixels of a quarter note in it

Rule = Callable[[Note], bool] | Iterable[int] | str


def png(
    melodies: Sequence[Melody],
    columns: int = 1,
    rule: Rule | None = None,
    labels: Sequence[str] | None = None,
    pitches: tuple[int, int] | None = None,
    across: int | None = None,
    bars: int | None = None,
    staves: bool = False,
    heads: Sequence[str] | None = None,
    feet: Sequence[str] | None = None,
    caption: str = "",
    group: int = 0,
    width: int | None = None,
    sharp: int = 1,
) -> bytes:
    """Piano-rolls of melodies as one PNG file, all of the same pitches and the same time to the right.

    Long melodies go on in the next row, as lines of music do, and their bars are numbered.

    Args:
        melodies: at least one.
        columns: how many stand beside each other.
        rule: what each note has to be: a scale (`"C major"`), pitch classes, or a function of a note; a note that
            is not is red.
        labels: a title of each melody; their names where None.
        pitches: the lowest and the highest shown; as far as the notes reach where None.
        across: pixels of a quarter note; as fits where None.
        bars: in a row; where None, all if they can be read or `across` is given, else as many as can.
        staves: whether the rows of all melodies stand bar under bar, as the staves of a score, to be compared.
        heads, feet: what stands above, and below, each column.
        caption: what stands above all.
        group: rows of melodies after each of which a wider gap follows; 0 for none.
        width: the most pixels of the picture; 920 of one column, 400 of each, or 1700 where None.
        sharp: pixels that are drawn for each of these sizes: 2 for screens that have as many.

    Raises:
        DataError: for no melodies, too few labels, or a picture of more than 64 million pixels.

    >>> png([Melody.of([(60, 0, 1), (61, 1, 1)])], rule="C major")[:4]
    b'\\x89PNG'
    """
    from PIL import Image, ImageDraw

    layout = laid_out(melodies, columns, labels, pitches, across, bars, width)
    for name, said in (("heads", heads), ("feet", feet)):
        if said is not None and len(said) != layout.columns:
            raise DataError(f"Give one of {name} for each of {layout.columns} columns. Got {len(said)}.")
    if staves and layout.columns > 1:
        raise DataError(f"Staves stand under each other: columns=1. Got {layout.columns}.")
    page = Page(layout, len(melodies), staves, bool(caption), bool(heads), bool(feet), group)
    page.check(sharp)
    obeys, field, pen = rule_of(rule), layout.field.sharp(sharp), sharp
    canvas = Image.new("RGB", (page.width * pen, page.height * pen), PAPER)
    empty = _ground(field)  # the same behind all of them
    draw, small = ImageDraw.Draw(canvas), font(SIZE * pen)
    if caption:
        room = (page.width - EDGE - LABEL) * pen
        draw.text((EDGE * pen, EDGE * pen), fitted(caption, room, SIZE * pen), fill=INK, font=small)
    for i, place in page.labels():
        if layout.labels[i]:
            text = fitted(layout.labels[i], field.width, SIZE * pen)
            draw.text((place[0] * pen, (place[1] + 1) * pen), text, fill=INK, font=small)
    for texts, y, anchor in ((heads, page.head, "ms"), (feet, page.height - EDGE - 4, "ms")):
        for k, text in enumerate(texts or ()):
            x = page.left(k) * pen + field.width / 2
            draw.text((x, y * pen), text, fill=SOFT, font=small, anchor=anchor)
    for i, start, x, y in page.rows():
        left, top, melody = x * pen, y * pen, melodies[i]
        shown = min(field.length, layout.length - start)  # the last row ends where the longest melody does
        canvas.paste(empty.crop((0, 0, field.x(shown) + pen, field.height)), (left, top))
        lines = [(time, is_bar) for time, is_bar in grid_lines(melody, field, start) if time <= shown + SLACK]
        _lines(draw, field, lines, left, top)
        if page.is_numbered(i):
            begun = [time for time, is_bar in lines if is_bar and time < shown - SLACK]
            _numbers(draw, melody, field, begun, start, left, top)
        if page.is_first(i):
            for pitch in labelled(field):
                at = (left - 6 * pen, top + field.y(pitch) + field.row / 2)
                draw.text(at, note_name(pitch), fill=SOFT, font=small, anchor="rm")
        for note, part in parts_of(melody, field, start):
            a, b, c, d = field.box(part)
            draw.rectangle((left + a, top + b, left + c, top + d), fill=NOTE if obeys(note) else WRONG)
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def one(
    melody: Melody,
    rule: Rule | None = None,
    label: str | None = None,
    pitches: tuple[int, int] | None = None,
    across: int | None = None,
    bars: int | None = None,
) -> bytes:
    """The piano-roll of one melody as a PNG file; see `png`."""
    labels = None if label is None else [label]
    return png([melody], rule=rule, labels=labels, pitches=pitches, across=across, bars=bars)


def tiles(melodies: Sequence[Melody], pitches: tuple[int, int] | None = None) -> UInt8[np.ndarray, "n h w 3"]:
    """Small piano-rolls without names, all of one size and the same pitches, for sheets of many beside each other.

    Args:
        melodies: at least one.
        pitches: the lowest and the highest shown; as far as the notes reach where None.

    >>> tiles([Melody.of([(60, 0, 4)]), Melody.of([(72, 0, 4)])]).shape
    (2, 60, 97, 3)
    """
    from PIL import ImageDraw

    field = _one_row(melodies, pitches)
    across = max(SMALLEST, round(TILE_WIDTH / field.length))
    field = replace(field, across=across, row=max(3, TILE_HEIGHT // (field.high - field.low + 1)))
    empty = _ground(field)
    made = []
    for melody in melodies:
        picture = empty.copy()
        draw = ImageDraw.Draw(picture)
        _lines(draw, field, grid_lines(melody, field), 0, 0)
        for _, part in parts_of(melody, field):
            draw.rectangle(field.box(part), fill=NOTE)
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
    field, name = _one_row([melody], pitches), melody.name
    obeys = rule_of(rule)
    width, height = LABEL + field.width + 1, field.height + 1
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="pianoroll" viewBox="0 -3 {width} {height + 5}" '
        f'role="img" aria-label="{escape(label or name or "piano-roll")}" style="width:100%;max-width:{width}px" '
        f'font-family="var(--sans, sans-serif)" font-size="{SIZE}">'
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
    field = _one_row([melody], pitches)
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


def rule_of(rule: Rule | None) -> Callable[[Note], bool]:
    """A rule as a function of a note; without one, every note obeys."""
    if rule is None:
        return lambda note: True
    if callable(rule):
        return lambda note: bool(rule(note))
    allowed = pitch_classes(rule)
    return lambda note: note.pitch % 12 in allowed


def _one_row(melodies: Sequence[Melody], pitches: tuple[int, int] | None) -> Field:
    """All bars beside each other, for pictures that grow or shrink with their place."""
    first = laid_out(melodies, pitches=pitches)
    return laid_out(melodies, pitches=pitches, bars=math.ceil(first.length / melodies[0].bar)).field


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


def _lines(draw: Any, field: Field, lines: Sequence[tuple[float, bool]], left: int, top: int) -> None:
    for time, is_bar in lines:
        x = left + field.x(time)
        box = (x, top, x + field.pen - 1, top + field.height - 1)
        draw.rectangle(box, fill=BAR if is_bar else BEAT)


def _numbers(draw: Any, melody: Melody, field: Field, bars: Sequence[float], start: float, left: int, top: int) -> None:
    """The numbers of bars above a row; only every second, fourth, ... where they would run into each other."""
    every = 1
    while every * field.x(melody.bar) < APART * field.pen:
        every *= 2
    for k, time in enumerate(sorted(bars)):
        if k % every == 0:
            number = round((start + time) / melody.bar) + 1
            at = (left + field.x(time), top - 3 * field.pen)
            draw.text(at, str(number), fill=SOFT, font=font(SIZE * field.pen), anchor="ls")

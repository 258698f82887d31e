"""MusicXML: bars, ties, tuplets, rests, beams and accidentals written out, for every notation program."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from latune.music.melody import Melody
from latune.music.scales import note_name
from latune.music.writing.bars import Piece, bars_of
from latune.music.writing.keys import Key, key_of, signature, spell
from latune.music.writing.pianoroll import WRONG, Rule, rule_of

TYPES = {
    Fraction(8): "breve", Fraction(4): "whole", Fraction(2): "half", Fraction(1): "quarter", Fraction(1, 2): "eighth",
    Fraction(1, 4): "16th", Fraction(1, 8): "32nd", Fraction(1, 16): "64th", Fraction(1, 32): "128th",
    Fraction(1, 64): "256th", Fraction(1, 128): "512th",
}  # fmt: skip
ACCIDENTALS = {-1: "flat", 0: "natural", 1: "sharp"}
BASS = 55  # a melody that lies below on average is written in the bass clef


def musicxml(melody: Melody, key: str | Key | None = "auto", snap: int | None = None, rule: Rule | None = None) -> str:
    """A melody as a MusicXML 4.0 document of one part.

    Args:
        melody: what is written.
        key: a `Key`, or its name as `"D major"`; `"auto"` for the fewest accidentals; None for none.
        snap: steps of a quarter note that starts and ends are moved to, for times that no sign has.
        rule: what each note has to be (see `pianoroll`); a note that is not is red.

    Raises:
        DataError: for a time that no sign has, a metre or key that cannot be written.

    >>> "<step>F</step><alter>1</alter><octave>4</octave>" in musicxml(Melody.of([(66, 0, 1)]))
    True
    """
    bars, fifths, obeys = bars_of(melody, snap), key_of(melody, key), rule_of(rule)
    divisions = math.lcm(*(time.denominator for bar in bars for piece in bar for time in (piece.start, piece.duration)))
    colours = [None if obeys(note) else WRONG for note in melody]
    title = escape("".join(letter for letter in melody.name if letter.isprintable()))
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
        '"http://www.musicxml.org/dtds/partwise.dtd">',
        '<score-partwise version="4.0">',
        *([f"<work><work-title>{title}</work-title></work>"] if title else []),
        "<identification><encoding><software>Latune</software></encoding></identification>",
        '<part-list><score-part id="P1"><part-name print-object="no">Melody</part-name>'
        '<score-instrument id="P1-I1"><instrument-name>Melody</instrument-name></score-instrument>'
        '<midi-instrument id="P1-I1"><midi-channel>1</midi-channel>'
        f"<midi-program>{melody.program + 1}</midi-program></midi-instrument></score-part></part-list>",
        '<part id="P1">',
    ]
    for number, bar in enumerate(bars, 1):
        out.append(f'<measure number="{number}">')
        if number == 1:
            out += _attributes(melody, divisions, fifths.fifths, fifths.mode)
        written = signature(fifths.fifths)  # the accidental that holds for each letter, until the bar line
        held: dict[tuple[str, int], int] = {}
        beams = _beams(bar)
        for i, piece in enumerate(bar):
            out.append(_note(piece, i, bar, melody, fifths.fifths, divisions, written, held, beams[i], colours))
        if number == len(bars):
            out.append('<barline location="right"><bar-style>light-heavy</bar-style></barline>')
        out.append("</measure>")
    return "\n".join([*out, "</part>", "</score-partwise>", ""])


def _attributes(melody: Melody, divisions: int, fifths: int, mode: str) -> list[str]:
    beats, unit = melody.metre
    low = len(melody) > 0 and float(melody.pitches.mean()) < BASS
    clef = "<sign>F</sign><line>4</line>" if low else "<sign>G</sign><line>2</line>"
    named = f"<mode>{mode}</mode>" if mode else ""
    return [
        f"<attributes><divisions>{divisions}</divisions><key><fifths>{fifths}</fifths>{named}</key>"
        f"<time><beats>{beats}</beats><beat-type>{unit}</beat-type></time><clef>{clef}</clef></attributes>",
        '<direction placement="above"><direction-type><metronome><beat-unit>quarter</beat-unit>'
        f"<per-minute>{melody.tempo:g}</per-minute></metronome></direction-type>"
        f'<sound tempo="{melody.tempo:g}"/></direction>',
    ]


def _note(
    piece: Piece,
    i: int,
    bar: list[Piece],
    melody: Melody,
    fifths: int,
    divisions: int,
    written: dict[str, int],
    held: dict[tuple[str, int], int],
    beams: list[str],
    colours: list[str | None],
) -> str:
    out, notations = [], []
    colour = colours[piece.note] if piece.note is not None else None
    out.append(f"<note color={quoteattr(colour)}>" if colour else "<note>")
    duration = f"<duration>{int(piece.duration * divisions)}</duration>"
    accidental = ""
    if piece.note is None:
        all_of_it = len(bar) == 1
        out += ['<rest measure="yes"/>' if all_of_it else "<rest/>", duration, "<voice>1</voice>"]
        if all_of_it:
            return "".join([*out, "</note>"])
    else:
        letter, alter, octave = spell(int(melody.pitches[piece.note]), fifths)
        sounding = f"<alter>{alter}</alter>" if alter else ""
        out.append(f"<pitch><step>{letter}</step>{sounding}<octave>{octave}</octave></pitch>")
        out.append(duration)
        out += [f'<tie type="{kind}"/>' for kind, on in (("stop", piece.held), ("start", piece.tied)) if on]
        notations += [f'<tied type="{kind}"/>' for kind, on in (("stop", piece.held), ("start", piece.tied)) if on]
        out.append("<voice>1</voice>")
        carried = piece.held and i == 0  # a tie over the bar line carries its accidental
        if not carried and held.get((letter, octave), written[letter]) != alter:
            accidental = f"<accidental>{ACCIDENTALS[alter]}</accidental>"
            held[letter, octave] = alter
    dots, base = (1, piece.value * 2 / 3) if piece.value not in TYPES else (0, piece.value)
    out += [f"<type>{TYPES[base]}</type>", "<dot/>" * dots, accidental]
    if piece.tuplet is not None:
        n, m, which = piece.tuplet
        out.append(
            f"<time-modification><actual-notes>{n}</actual-notes><normal-notes>{m}</normal-notes></time-modification>"
        )
        mine = [j for j, other in enumerate(bar) if other.tuplet is not None and other.tuplet[2] == which]
        bracket = "no" if all(_flags(bar[j]) and bar[j].note is not None for j in mine) else "yes"
        if i == mine[0]:
            notations.append(f'<tuplet type="start" number="1" bracket="{bracket}"/>')
        if i == mine[-1]:
            notations.append('<tuplet type="stop" number="1"/>')
    out += beams
    if notations:
        out.append(f"<notations>{''.join(notations)}</notations>")
    return "".join([*out, "</note>"])


# --- beams ------------------------------------------------------------------------------------------------------------


def _flags(piece: Piece) -> int:
    """How many beams a note has: one of an eighth, two of a sixteenth."""
    base = piece.value if piece.value in TYPES else piece.value * 2 / 3
    return max(0, base.denominator.bit_length() - 1) if base < 1 else 0


def _beams(bar: list[Piece]) -> list[list[str]]:
    """The beams of every piece of a bar, as elements."""
    out: list[list[str]] = [[] for _ in bar]
    runs = groupby(
        range(len(bar)),
        key=lambda i: (bar[i].beam, bar[i].note is not None and _flags(bar[i]) > 0, bar[i].note is None),
    )
    for (_, has_flags, _), run in runs:
        group = list(run)
        if not has_flags or len(group) < 2:
            continue
        flags = [_flags(bar[i]) for i in group]
        for j, i in enumerate(group):
            before, after = flags[j - 1] if j else 0, flags[j + 1] if j + 1 < len(group) else 0
            for level in range(1, flags[j] + 1):
                left, right = before >= level, after >= level
                hook = "backward hook" if j else "forward hook"
                kind = {(0, 0): hook, (0, 1): "begin", (1, 0): "end", (1, 1): "continue"}[left, right]
                out[i].append(f'<beam number="{level}">{kind}</beam>')
    return out


def described(melody: Melody) -> str:
    """What a score shows, in words, for those who do not see it.

    >>> described(Melody.of([(60, 0, 1), (64, 1, 1)], name="Two"))
    'Two: 2 notes, C4 to E4'
    """
    named = f"{melody.name}: " if melody.name else ""
    if not len(melody):
        return f"{named}silence"
    low, high = int(melody.pitches.min()), int(melody.pitches.max())
    return f"{named}{len(melody)} note{'' if len(melody) == 1 else 's'}, {note_name(low)} to {note_name(high)}"

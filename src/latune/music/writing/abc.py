"""ABC notation: a tune as a few lines of text."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from latune.music.melody import Melody
from latune.music.writing.bars import Piece, bars_of
from latune.music.writing.keys import Key, key_of, signature, spell

ACROSS = 4  # bars in a line
ACCIDENTALS = {-1: "_", 0: "=", 1: "^"}
MODES = {
    "major": "", "minor": "m", "dorian": "dor", "phrygian": "phr", "lydian": "lyd", "mixolydian": "mix",
    "locrian": "loc",
}  # fmt: skip
MAJOR = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")  # from 7 flats to 7 sharps


def abc(melody: Melody, key: str | Key | None = "auto", snap: int | None = None) -> str:
    """A melody as a tune in ABC notation (https://abcnotation.com/wiki/abc:standard:v2.1).

    Args:
        melody: what is written.
        key: a `Key`, or its name as `"D major"`; `"auto"` for the fewest accidentals; None for none.
        snap: steps of a quarter note that starts and ends are moved to, for times that no sign has.

    Raises:
        DataError: for a time that no sign has, a metre or key that cannot be written.

    >>> print(abc(Melody.of([(62, 0, 1), (66, 1, 1), (69, 2, 2), (74, 4, 4)], name="Chord"), "D major"))
    X:1
    T:Chord
    M:4/4
    L:1/4
    Q:1/4=120
    %%MIDI program 0
    K:D
    D F A2 | d4 |]
    <BLANKLINE>
    """
    bars, chosen = bars_of(melody, snap), key_of(melody, key)
    unit = _unit(bars)
    head = [
        "X:1",
        f"T:{' '.join(melody.name.replace('%', '').split())}",
        f"M:{melody.metre[0]}/{melody.metre[1]}",
        f"L:{unit / 4}" if unit < 4 else "L:1/1",
        f"Q:1/4={melody.tempo:g}",
        f"%%MIDI program {melody.program}",
        f"K:{_key(chosen)}",
    ]
    lines = []
    texts = [_bar(bar, melody, chosen.fifths, unit) for bar in bars]
    for i in range(0, len(texts), ACROSS):
        end = " |]" if i + ACROSS >= len(texts) else " |"
        lines.append(" | ".join(texts[i : i + ACROSS]) + end)
    return "\n".join([*head, *lines, ""])


def _unit(bars: list[list[Piece]]) -> Fraction:
    """The length, in quarter notes, that is written without a number: the one that most notes have."""
    counts = Counter(piece.value for bar in bars for piece in bar if piece.note is not None)
    plain = [(count, value) for value, count in counts.items() if value.numerator == 1 and Fraction(1, 4) <= value <= 1]
    return max(plain)[1] if plain else Fraction(1, 2)


def _key(key: Key) -> str:
    return f"{key.tonic}{MODES[key.mode]}" if key.tonic else MAJOR[key.fifths + 7]


def _bar(bar: list[Piece], melody: Melody, fifths: int, unit: Fraction) -> str:
    out, before = [], None
    plain = signature(fifths)
    touched: set[str] = set()  # letters that have had an accidental: from then on written out, in every octave
    for i, piece in enumerate(bar):
        if piece.tuplet is None or before is None or before.tuplet != piece.tuplet:
            if before is not None and (before.beam != piece.beam or piece.note is None or before.note is None):
                out.append(" ")
            if piece.tuplet is not None:
                n, m, which = piece.tuplet
                many = sum(other.tuplet is not None and other.tuplet[2] == which for other in bar[i:])
                out.append(f"({n}" if many == n == 3 else f"({n}:{m}:{many}")
        if piece.note is None:
            out.append(f"z{_length(piece.value / unit)}")
        else:
            letter, alter, octave = spell(int(melody.pitches[piece.note]), fifths)
            accidental = ""
            if alter != plain[letter] or letter in touched:
                accidental = ACCIDENTALS[alter]
                touched.add(letter)
            out.append(
                f"{accidental}{_in_octave(letter, octave)}{_length(piece.value / unit)}{'-' if piece.tied else ''}"
            )
        before = piece
    return "".join(out)


def _in_octave(letter: str, octave: int) -> str:
    """C is middle C, c the one above; commas go down, quotes go up.

    >>> [_in_octave("C", octave) for octave in (3, 4, 5, 6)]
    ['C,', 'C', 'c', "c'"]
    """
    return letter.lower() + "'" * (octave - 5) if octave >= 5 else letter + "," * (4 - octave)


def _length(value: Fraction) -> str:
    """A length in units: nothing for one, `3/2`, `/2`.

    >>> [_length(Fraction(*each)) for each in ((1, 1), (2, 1), (3, 2), (1, 2))]
    ['', '2', '3/2', '/2']
    """
    top = "" if value.numerator == 1 else str(value.numerator)
    return top if value.denominator == 1 else f"{top}/{value.denominator}"

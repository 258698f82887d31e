"""Keys and the names of notes: which accidentals a tune is written with."""

from __future__ import annotations

from typing import NamedTuple

from latune.errors import DataError, did_you_mean
from latune.music.melody import SLACK, Melody
from latune.music.scales import NOTES

LETTERS = "FCGDAEB"  # by fifths: each is a fifth above the one before; C is 0
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
MODES = {"major": 0, "lydian": -1, "mixolydian": 1, "dorian": 2, "minor": 3, "phrygian": 4, "locrian": 5}
MODES |= {"harmonic minor": 3, "melodic minor": 3}  # fifths from the tonic's major signature to that of the mode, down
MOST = 7  # sharps or flats of a signature


class Key(NamedTuple):
    """A key signature: sharps (flats below 0), and the tonic and mode it stands for where they are known."""

    fifths: int
    tonic: str = ""
    mode: str = ""


class Spelled(NamedTuple):
    """A note as it is written: letter, semitones of its accidental, and octave."""

    letter: str
    alter: int
    octave: int


def key_of(melody: Melody, key: str | Key | None) -> Key:
    """The key a melody is written in: a key, its name, `"auto"` for the fewest accidentals, or None for none.

    Raises:
        DataError: for a name that is no key, or has a signature of more than seven.

    >>> key_of(Melody.of([]), "B minor"), key_of(Melody.of([]), None)
    (Key(fifths=2, tonic='B', mode='minor'), Key(fifths=0, tonic='', mode=''))
    >>> key_of(Melody.of([(62, 0, 1), (66, 1, 1), (69, 2, 1), (61, 3, 1)]), "auto").fifths
    2
    """
    if key is None:
        return Key(0)
    if isinstance(key, Key):
        return key
    if key == "auto":
        return Key(_fewest(melody))
    root, _, mode = key.strip().partition(" ")
    root, mode = root[:1].upper() + root[1:], mode.strip().lower() or "major"
    if not root or root[0] not in STEPS or root[1:] not in ("", "#", "b") or mode not in MODES:
        known = [f"{note} {each}" for note in NOTES for each in MODES]
        raise DataError(
            f"There is no key '{key}'. {did_you_mean(key, known)} A key is a note (C, F#, Bb) and one of: "
            f"{', '.join(MODES)}; 'auto', or None."
        )
    fifths = LETTERS.index(root[0]) - 1 + 7 * (root.count("#") - root.count("b")) - MODES[mode]
    if abs(fifths) > MOST:
        raise DataError(f"The key '{key}' would need {abs(fifths)} accidentals in its signature; at most {MOST}.")
    return Key(fifths, root, mode.rpartition(" ")[2])


def spell(pitch: int, fifths: int) -> Spelled:
    """A MIDI pitch as it is written under a signature, 60 is C4.

    Each of the twelve pitch classes has one place among the fifths from three below the signature's F to five above
    its B: in C major Eb, Bb, F, C, G, D, A, E, B, F#, C#, G#. Nothing is spelled with a double accidental.

    >>> [tuple(spell(*each)) for each in ((66, 0), (66, -4), (60, 7))]
    [('F', 1, 4), ('G', -1, 4), ('B', 1, 3)]
    """
    lowest = fifths - 3
    place = lowest + (pitch * 7 - lowest) % 12  # the place among the fifths: 7 is its own inverse modulo 12
    if place > 12:
        place -= 12
    elif place < -8:
        place += 12
    letter, alter = LETTERS[(place + 1) % 7], (place + 1) // 7
    return Spelled(letter, alter, (pitch - alter) // 12 - 1)


def signature(fifths: int) -> dict[str, int]:
    """The accidental of every letter under a signature.

    >>> signature(2)["F"], signature(2)["G"], signature(-1)["B"]
    (1, 0, -1)
    """
    sharp, flat = LETTERS[: max(fifths, 0)], LETTERS[::-1][: max(-fifths, 0)]
    return {letter: (letter in sharp) - (letter in flat) for letter in STEPS}


def named(fifths: int, mode: str) -> Key:
    """A key by its signature and its mode.

    >>> named(-3, "minor"), named(2, "dorian")
    (Key(fifths=-3, tonic='C', mode='minor'), Key(fifths=2, tonic='E', mode='dorian'))
    """
    place = fifths + MODES[mode] + 1
    sign = "#" * (place // 7) + "b" * -(place // 7)
    return Key(fifths, LETTERS[place % 7] + sign, mode.rpartition(" ")[2])


def accidentals(melody: Melody, fifths: int) -> int:
    """How many accidentals stand before notes under a signature; one holds until the bar line.

    >>> [accidentals(Melody.of([(66, 0, 1), (66, 1, 1), (65, 2, 1), (66, 4, 1)]), fifths) for fifths in (0, 1)]
    [3, 1]
    """
    plain, held, bar, count = signature(fifths), {}, -1, 0
    for pitch, start in zip(melody.pitches.tolist(), melody.starts.tolist(), strict=True):
        here = int((start + SLACK) // melody.bar)
        if here != bar:
            held, bar = {}, here
        letter, alter, octave = spell(pitch, fifths)
        if held.get((letter, octave), plain[letter]) != alter:
            count += 1
            held[letter, octave] = alter
    return count


def _fewest(melody: Melody) -> int:
    """The signature with the fewest accidentals, its own among them: a remote key has to save more than it costs.

    Of several, the one that leaves the fewest before notes; then the one with the fewest, sharps before flats.
    """

    def price(fifths: int) -> tuple[int, int, int, int]:
        count = accidentals(melody, fifths)
        return count + abs(fifths), count, abs(fifths), -fifths

    return min(range(-MOST, MOST + 1), key=price)

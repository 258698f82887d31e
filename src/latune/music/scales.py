"""Scales and chords by name, as sets of pitch classes."""

from __future__ import annotations

from collections.abc import Iterable

from latune.errors import DataError, did_you_mean

NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLATS = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#", "Cb": "B", "Fb": "E", "E#": "F", "B#": "C"}

# semitones above the root
SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
    "chromatic": tuple(range(12)),
    "major triad": (0, 4, 7),
    "minor triad": (0, 3, 7),
}


def pitch_classes(scale: str | Iterable[int]) -> frozenset[int]:
    """The pitch classes of a scale, C = 0 to B = 11: a name as `"C major"` or `"F# dorian"`, or the numbers themselves.

    Raises:
        DataError: for a name that is none, or numbers that are no pitch classes.

    >>> sorted(pitch_classes("C major"))
    [0, 2, 4, 5, 7, 9, 11]
    >>> sorted(pitch_classes("A minor")) == sorted(pitch_classes("C major"))
    True
    """
    if not isinstance(scale, str):
        found = frozenset(int(each) for each in scale)
        if not found or not found <= frozenset(range(12)):
            raise DataError(f"Pitch classes are numbers from 0 (C) to 11 (B), at least one. Got {sorted(found)}.")
        return found
    root, _, mode = scale.strip().partition(" ")
    root = root[:1].upper() + root[1:]
    root, mode = FLATS.get(root, root), mode.strip().lower() or "major"
    if root not in NOTES or mode not in SCALES:
        known = [f"{NOTES[0]} {each}" for each in SCALES]
        raise DataError(
            f"There is no scale '{scale}'. {did_you_mean(scale, known)} A scale is a note (C, F#, Bb) and one of: "
            f"{', '.join(SCALES)}."
        )
    return frozenset((NOTES.index(root) + step) % 12 for step in SCALES[mode])


def note_name(pitch: int) -> str:
    """A MIDI pitch with its octave, 60 is C4.

    >>> note_name(60), note_name(70)
    ('C4', 'A#4')
    """
    return f"{NOTES[pitch % 12]}{pitch // 12 - 1}"

"""One melody: notes in time, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from latune.errors import DataError
from latune.music.scales import pitch_classes

SLACK = 1e-4  # quarter notes: times nearer than this are the same time


class Note(NamedTuple):
    """One note: MIDI pitch, start and duration in quarter notes."""

    pitch: int
    start: float
    duration: float


@dataclass(frozen=True, eq=False, repr=False)
class Melody:
    """Notes one at a time, in quarter notes from the beginning.

    Args:
        pitches: MIDI numbers `(k,)`, 60 is middle C.
        starts: of the notes `(k,)`, ascending.
        durations: of the notes `(k,)`; a note ends before or when the next begins.
        length: of the whole, at least the end of the last note (its own where None).
        metre: beats in a bar, and which note is a beat.
        tempo: quarter notes a minute.
        program: General MIDI instrument, 0 to 127.
        name: title.
        begins: where it begins in the file that it was read from, in quarter notes.

    Raises:
        DataError: for notes that are no notes, are not in order, or sound together.

    >>> tune = Melody.of([(60, 0, 1), (64, 1, 1), (67, 2, 2)])
    >>> tune, tune.length, tune.share_of_pitches("C major")
    (Melody(3 notes, C4 to G4, 4 quarter notes of 4/4), 4.0, 1.0)
    """

    pitches: np.ndarray
    starts: np.ndarray
    durations: np.ndarray
    length: float = field(default=-1.0)
    metre: tuple[int, int] = (4, 4)
    tempo: float = 120.0
    program: int = 0
    name: str = ""
    begins: float = 0.0

    def __post_init__(self) -> None:
        pitches = np.array(self.pitches, np.int64)  # copies: what a caller holds stays its own
        if not np.array_equal(pitches, np.asarray(self.pitches)):
            raise DataError(f"Pitches are whole MIDI numbers. Got {np.asarray(self.pitches).tolist()[:8]}.")
        starts, durations = (np.array(each, np.float64) for each in (self.starts, self.durations))
        if not pitches.shape == starts.shape == durations.shape or pitches.ndim != 1:
            raise DataError(
                "A melody has as many pitches as starts and durations. Got "
                f"{list(pitches.shape)}, {list(starts.shape)} and {list(durations.shape)}."
            )
        wrong = (pitches < 0) | (pitches > 127) | ~(starts >= 0) | ~(durations > 0) | ~np.isfinite(starts + durations)
        if wrong.any():
            i = int(np.flatnonzero(wrong)[0])
            raise DataError(
                "A note has a pitch from 0 to 127, a start of 0 or more and a duration above 0. "
                f"Note {i} is {(int(pitches[i]), float(starts[i]), float(durations[i]))}."
            )
        ends = starts + durations
        together = np.flatnonzero(starts[1:] < ends[:-1] - SLACK)
        if len(together):
            i = int(together[0])
            raise DataError(
                f"The notes of a melody follow each other. Note {i + 1} starts at {starts[i + 1]:g}, before note {i} "
                f"ends at {ends[i]:g}."
            )
        last = float(ends[-1]) if len(ends) else 0.0
        if self.length >= 0 and self.length < last - SLACK:
            raise DataError(f"A melody of length {self.length:g} cannot hold a note that ends at {last:g}.")
        for name, value in (("pitches", pitches), ("starts", starts), ("durations", durations)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        object.__setattr__(self, "length", last if self.length < 0 else float(self.length))

    @classmethod
    def of(cls, notes: Iterable[Sequence[float]], **about: Any) -> Melody:
        """From notes `(pitch, start, duration)`, in order."""
        rows = [tuple(note) for note in notes]
        pitches, starts, durations = zip(*rows, strict=True) if rows else ((), (), ())
        return cls(np.array(pitches, np.int64), np.array(starts, float), np.array(durations, float), **about)

    # --- what it is ---------------------------------------------------------------------------------------------------

    @property
    def notes(self) -> list[Note]:
        """All notes, in order."""
        rows = zip(self.pitches.tolist(), self.starts.tolist(), self.durations.tolist(), strict=True)
        return [Note(*row) for row in rows]

    @property
    def onsets(self) -> np.ndarray:
        """When notes start, in quarter notes `(k,)`."""
        return self.starts

    @property
    def ends(self) -> np.ndarray:
        """When notes end, in quarter notes `(k,)`."""
        return self.starts + self.durations

    @property
    def bar(self) -> float:
        """Quarter notes in a bar.

        >>> Melody.of([(60, 0, 1)], metre=(6, 8)).bar
        3.0
        """
        beats, unit = self.metre
        return beats * 4 / unit

    def __len__(self) -> int:
        return len(self.pitches)

    def __iter__(self) -> Iterator[Note]:
        return iter(self.notes)

    def __eq__(self, other: object) -> bool:
        """Whether both have the same notes at the same times."""
        if not isinstance(other, Melody):
            return NotImplemented
        return len(self) == len(other) and bool(
            (self.pitches == other.pitches).all()
            and np.allclose(self.starts, other.starts, atol=SLACK)
            and np.allclose(self.durations, other.durations, atol=SLACK)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        from latune.music.scales import note_name

        count = f"{len(self)} note{'' if len(self) == 1 else 's'}"
        reach = f", {note_name(int(self.pitches.min()))} to {note_name(int(self.pitches.max()))}" if len(self) else ""
        beats, unit = self.metre
        named = f"'{self.name}', " if self.name else ""
        return f"Melody({named}{count}{reach}, {self.length:g} quarter notes of {beats}/{unit})"

    # --- what is asked of it ------------------------------------------------------------------------------------------

    def share_of_pitches(self, scale: str | Iterable[int]) -> float:
        r"""The share of notes whose pitch class is in a scale; 0 of a melody without notes.

        .. math:: c_{pitch}(m, P) = |\{n \in m: pitch(n) \bmod 12 \in P\}| / |m|

        Engel, Hoffman & Roberts 2018, section 6 (https://arxiv.org/abs/1711.05772).

        >>> Melody.of([(60, 0, 1), (61, 1, 1)]).share_of_pitches("C major")
        0.5
        """
        allowed = np.array(sorted(pitch_classes(scale)))
        return float(np.isin(self.pitches % 12, allowed).mean()) if len(self) else 0.0

    def density(self, most: float) -> float:
        r"""How near the number of notes comes to `most`, at most 1.

        .. math:: c_{density}(m, d) = \min(1, |m| / d)

        Engel, Hoffman & Roberts 2018, section 6 (https://arxiv.org/abs/1711.05772).

        >>> Melody.of([(60, i, 1) for i in range(48)]).density(192)
        0.25
        """
        return 1.0 if most <= 0 else min(1.0, len(self) / most)

    # --- changed ------------------------------------------------------------------------------------------------------

    def transposed(self, semitones: int) -> Melody:
        """The same melody higher, or lower.

        Raises:
            DataError: where a pitch would leave MIDI's range.
        """
        pitches = self.pitches + semitones
        if len(pitches) and not 0 <= pitches.min() <= pitches.max() <= 127:
            raise DataError(
                f"Moved by {semitones:+d} semitones, the pitches run from {pitches.min()} to {pitches.max()}; those of "
                "MIDI are 0 to 127."
            )
        return replace(self, pitches=pitches)

    def cut(self, start: float, end: float) -> Melody:
        """What sounds from `start` to `end`, in quarter notes; notes across the edges are shortened.

        >>> Melody.of([(60, 0, 2), (62, 2, 2)]).cut(1, 3).notes
        [Note(pitch=60, start=0.0, duration=1.0), Note(pitch=62, start=1.0, duration=1.0)]
        """
        begin, stop = np.maximum(self.starts, start), np.minimum(self.ends, end)
        kept = stop - begin > SLACK
        return replace(
            self,
            pitches=self.pitches[kept],
            starts=begin[kept] - start,
            durations=(stop - begin)[kept],
            length=end - start,
            begins=self.begins + start,
        )

    # --- out ----------------------------------------------------------------------------------------------------------

    def save(self, path: Path | str, **settings: Any) -> Path:
        """Write a file whose ending says what it is; see `latune.music.writing.save`."""
        from latune.music.writing import save

        return save(self, path, **settings)

    def png(self, **settings: Any) -> bytes:
        """A piano-roll as a PNG file; see `latune.music.writing.pianoroll`."""
        from latune.music.writing.pianoroll import png

        return png([self], **settings)

    def _repr_png_(self) -> bytes:
        return self.png()

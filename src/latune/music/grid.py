"""Two ways to write melodies as tokens: measures of 24 ticks, and 16 bars of 16 steps; both give the notes back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Integer, UInt8

from latune.errors import DataError
from latune.music.melody import SLACK, Melody
from latune.music.scales import note_name

HOLD, REST = 0, 1  # what sounds, or is silent, goes on; silence begins
OUT_OF_RANGE, BETWEEN = "a pitch out of range", "a note between the ticks"  # reasons that are counted
START, END = 2, 3  # before and after a tune, in the released variant of the measures


class GridError(DataError):
    """A melody that a grid cannot hold; `reason` is what is counted where a folder is read."""

    def __init__(self, reason: str, told: str) -> None:
        super().__init__(told)
        self.reason = reason


@dataclass(frozen=True)
class Grid:
    """Places in a bar where notes may start and end, and one token for each place.

    Token 0 holds what sounds, 1 begins a silence, and every pitch from `low` to `high` has a token that begins its
    note. A bar that begins in silence begins with 1; a bar that begins with 0 goes on with the note before it.

    `GRIDS["measure"]` are the 24 ticks of AR-VAE's measures (Pati & Lerch 2020, https://arxiv.org/abs/2004.05485):
    within a beat at 0, 1/4, 1/3, 1/2, 2/3 and 3/4, so that sixteenths and triplets fit. `GRIDS["melody"]` are 16 bars
    of 16 steps with 130 tokens (Engel, Hoffman & Roberts 2018, https://arxiv.org/abs/1711.05772). It does not say
    whether a rest is written once or at every step; as in MusicVAE it is an event, written once and then held.

    Args:
        name: `measure`, `melody`, or one of your own.
        bars: in one example.
        places: of one bar where something may happen, in quarter notes from its start, ascending from 0.
        length: of a bar, in quarter notes.
        low, high: pitches that have tokens.
        edges: whether there are tokens of what is before and after a tune (the released variant of AR-VAE).

    >>> grid = GRIDS["melody"]
    >>> grid.steps, grid.vocabulary
    (256, 130)
    >>> tune = Melody.of([(60, 0, 1), (64, 1.5, 2.5)])
    >>> GRIDS["measure"].encode(tune)[0, :12].tolist()
    [7, 0, 0, 0, 0, 0, 1, 0, 0, 11, 0, 0]
    >>> GRIDS["measure"].decode(GRIDS["measure"].encode(tune)) == tune
    True
    """

    name: str
    bars: int
    places: tuple[float, ...]
    length: float = 4.0
    low: int = 0
    high: int = 127
    edges: bool = False

    def __post_init__(self) -> None:
        ascending = all(a < b for a, b in zip(self.places, self.places[1:], strict=False))
        if not self.places or self.places[0] != 0 or not ascending or self.places[-1] >= self.length:
            raise DataError(f"The places of a bar ascend from 0 and stay below {self.length:g}. Got {self.places}.")
        if not 0 <= self.low <= self.high <= 127 or self.bars < 1:
            raise DataError(f"A grid has pitches within 0 to 127 and 1 bar or more. Got {self.low} to {self.high}.")

    @property
    def ticks(self) -> int:
        """Tokens of one bar."""
        return len(self.places)

    @property
    def steps(self) -> int:
        """Tokens of one example."""
        return self.bars * self.ticks

    @property
    def first(self) -> int:
        """The token of the lowest pitch."""
        return 4 if self.edges else 2

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return self.first + self.high - self.low + 1

    @cached_property
    def names(self) -> list[str]:
        """What tokens mean, as note names: `__` holds, `rest` begins a silence."""
        ends = ["START", "END"] if self.edges else []
        return ["__", "rest", *ends, *(note_name(pitch) for pitch in range(self.low, self.high + 1))]

    @cached_property
    def times(self) -> np.ndarray:
        """When each token of an example is, in quarter notes `(steps,)`."""
        bars = np.arange(self.bars)[:, None] * self.length
        return (bars + np.array(self.places)).ravel()

    # --- notes to tokens ----------------------------------------------------------------------------------------------

    def encode(self, melody: Melody) -> UInt8[np.ndarray, "bars ticks"]:
        """All bars of a melody as tokens; the last one is filled with silence.

        The metre of the melody is not looked at: it is cut into bars of this grid.

        Raises:
            GridError: a note starts or ends between two places, or has a pitch without a token.
        """
        bars = max(1, int(np.ceil((melody.length - SLACK) / self.length)))
        tokens = np.full(bars * self.ticks, HOLD, np.uint8)
        low, high = (int(melody.pitches.min()), int(melody.pitches.max())) if len(melody) else (self.low, self.high)
        if low < self.low or high > self.high:
            raise GridError(
                OUT_OF_RANGE,
                f"The pitches run from {note_name(low)} to {note_name(high)}; the grid '{self.name}' has tokens for "
                f"{note_name(self.low)} to {note_name(self.high)}. Transpose it.",
            )
        starts, ends = self._places(melody.starts, "starts"), self._places(melody.ends, "ends")
        inside = ends[ends < len(tokens)]
        tokens[inside] = REST  # a note that starts there writes over it
        silent = np.ones(bars + 1, bool)  # whether each bar begins in silence
        for start, end in zip(starts, ends, strict=True):
            silent[-(-start // self.ticks) : -(-end // self.ticks)] = False
        tokens[np.flatnonzero(silent[:bars]) * self.ticks] = REST
        tokens[starts] = self.first + melody.pitches - self.low
        return tokens.reshape(bars, self.ticks)

    def semitones_to_fit(self, melody: Melody) -> int:
        """How far a melody has to be transposed so that all its pitches have tokens: the least that does.

        Whole octaves where some fit, so that the key stays; 0 where it fits as it is.

        Raises:
            GridError: it spans more semitones than the grid.

        >>> GRIDS["measure"].semitones_to_fit(Melody.of([(48, 0, 1), (52, 1, 1)]))
        12
        """
        if not len(melody):
            return 0
        lowest, highest = int(melody.pitches.min()), int(melody.pitches.max())
        least, most = self.low - lowest, self.high - highest  # semitones that bring both ends within the grid
        if least > most:
            raise GridError(
                OUT_OF_RANGE,
                f"The pitches run from {note_name(lowest)} to {note_name(highest)}, {highest - lowest} semitones; the "
                f"grid '{self.name}' has tokens for {self.high - self.low}. No transposition makes them fit.",
            )
        octaves = [each for each in range(-120, 121, 12) if least <= each <= most]
        return min(octaves or range(least, most + 1), key=abs)

    def _places(self, times: np.ndarray, what: str) -> np.ndarray:
        """The tokens at which something happens."""
        bars = np.floor((times + SLACK) / self.length)
        offsets = times - bars * self.length
        places = np.array([*self.places, self.length])
        nearest = np.abs(offsets[:, None] - places).argmin(1)
        off = np.abs(offsets - places[nearest]) > SLACK
        if off.any():
            i = int(np.flatnonzero(off)[0])
            raise GridError(
                BETWEEN,
                f"A note {what} at {times[i]:g} quarter notes, between two places of the grid '{self.name}'.",
            )
        return (bars * self.ticks + nearest).astype(np.int64)

    # --- tokens to notes ----------------------------------------------------------------------------------------------

    def decode(self, tokens: Integer[np.ndarray, "..."], **about: Any) -> Melody:
        """The melody of tokens `(steps,)`, `(bars, ticks)`, or any number of whole bars; `about` is passed on.

        A hold with nothing before it is silence.

        Raises:
            DataError: for tokens there are not, or bars that are not whole.
        """
        flat = np.asarray(tokens).reshape(-1).astype(np.int64)
        if len(flat) % self.ticks or len(flat) == 0:
            raise DataError(f"Tokens of the grid '{self.name}' are whole bars of {self.ticks}. Got {len(flat)}.")
        if flat.min() < 0 or flat.max() >= self.vocabulary:
            raise DataError(
                f"Tokens of the grid '{self.name}' are 0 to {self.vocabulary - 1}. Got {flat.min()} to {flat.max()}."
            )
        bars = len(flat) // self.ticks
        times = np.append((np.arange(bars)[:, None] * self.length + np.array(self.places)).ravel(), bars * self.length)
        events = np.flatnonzero(flat != HOLD)
        until = np.append(events[1:], len(flat))
        notes = flat[events] >= self.first
        begin, stop = times[events[notes]], times[until[notes]]
        return Melody(
            flat[events[notes]] - self.first + self.low, begin, stop - begin, **{"length": bars * self.length, **about}
        )

    # --- in files -----------------------------------------------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """Plain data; `Grid.from_dict` is the inverse."""
        return {**vars_of(self), "places": list(self.places)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Grid:
        """The grid that `as_dict` described."""
        return cls(**{**data, "places": tuple(data["places"])})


def vars_of(grid: Grid) -> dict[str, Any]:
    """The settings of a grid."""
    return {name: getattr(grid, name) for name in Grid.__dataclass_fields__}


BEAT = (0.0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4)  # ticks of AR-VAE within one beat

GRIDS: dict[str, Grid] = {
    "measure": Grid("measure", 1, tuple(beat + place for beat in range(4) for place in BEAT), low=55, high=84),
    "melody": Grid("melody", 16, tuple(step / 4 for step in range(16))),
}

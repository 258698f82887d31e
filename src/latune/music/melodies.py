"""Many melodies at once, as tokens of a grid."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int16, UInt8

from latune.errors import DataError
from latune.music.grid import REST, Grid
from latune.music.melody import Melody


class Melodies:
    """Tokens `(n, t)` or `(n, k, t)` that can be seen, heard and saved; `melodies[i]` is a `Melody`.

    Attributes of melodies are computed from these: they are arrays, however many there are.

    Args:
        tokens: of the grid, the last axis one example.
        grid: what they mean.
        tempo: quarter notes a minute, of all.
        program: General MIDI instrument, of all.

    Raises:
        DataError: for tokens that are none of the grid's.

    >>> from latune.music import GRIDS
    >>> tunes = Melodies(np.array([[7, 0, 0, 0, 0, 0] * 4]), GRIDS["measure"])
    >>> tunes, tunes[0], tunes.onsets.sum().item()
    (Melodies(1 of measure), Melody(4 notes, C4 to C4, 4 quarter notes of 4/4), 4)
    """

    def __init__(self, tokens: Any, grid: Grid, tempo: float = 120.0, program: int = 0) -> None:
        if hasattr(tokens, "detach"):
            tokens = tokens.detach().cpu().numpy()
        tokens = np.asarray(tokens)
        if tokens.ndim < 2 or tokens.shape[-1] != grid.steps or tokens.dtype.kind not in "iu":
            raise DataError(
                f"Melodies of the grid '{grid.name}' are whole numbers of shape (n, {grid.steps}). "
                f"Got {tokens.dtype} of shape {tokens.shape}."
            )
        if tokens.size and not (tokens.min() >= 0 and tokens.max() < grid.vocabulary):
            raise DataError(
                f"Tokens of the grid '{grid.name}' are 0 to {grid.vocabulary - 1}. "
                f"Got {tokens.min()} to {tokens.max()}."
            )
        self.tokens: UInt8[np.ndarray, "*n t"] = tokens.astype(np.uint8)
        self.grid, self.tempo, self.program = grid, tempo, program

    @classmethod
    def of(cls, melodies: Any, grid: Grid) -> Melodies:
        """From melodies; one that is longer than an example of the grid becomes several, one after the other.

        What an example lacks at its end is filled with silence.

        Raises:
            GridError: for one that the grid cannot hold.
        """
        parts = []
        for melody in melodies:
            bars = grid.encode(melody)
            padding = np.zeros((-len(bars) % grid.bars, grid.ticks), np.uint8)
            padding[:, 0] = REST
            parts.append(np.concatenate([bars, padding]).reshape(-1, grid.steps))
        tokens = np.concatenate(parts) if parts else np.zeros((0, grid.steps), np.uint8)
        first = melodies[0] if parts else None
        about = {} if first is None else {"tempo": first.tempo, "program": first.program}
        return cls(tokens, grid, **about)

    # --- what is computed of all at once ------------------------------------------------------------------------------

    @cached_property
    def onsets(self) -> Bool[np.ndarray, "*n t"]:
        """Where a note starts."""
        return self.tokens >= self.grid.first

    @cached_property
    def pitches(self) -> Int16[np.ndarray, "*n t"]:
        """The MIDI pitch of the note that starts there; -1 where none does."""
        return np.where(self.onsets, self.tokens.astype(np.int16) + (self.grid.low - self.grid.first), -1).astype(
            np.int16
        )

    # --- as a sequence ------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tokens."""
        return self.tokens.shape

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, where: Any) -> Any:
        tokens = self.tokens[where]
        if tokens.ndim == 1:
            return self.grid.decode(tokens, tempo=self.tempo, program=self.program)
        return Melodies(tokens, self.grid, self.tempo, self.program)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same tokens of the same grid."""
        if not isinstance(other, Melodies):
            return NotImplemented
        return self.grid == other.grid and np.array_equal(self.tokens, other.tokens)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Melodies({' x '.join(map(str, self.shape[:-1]))} of {self.grid.name})"

    def plain(self) -> Any:
        """The tokens as a tensor of whole numbers."""
        import torch

        return torch.from_numpy(self.tokens.astype(np.int64))

    def flat(self) -> Melodies:
        """The same, one after the other: `(n k, t)`."""
        return Melodies(self.tokens.reshape(-1, self.grid.steps), self.grid, self.tempo, self.program)

    def joined(self, length: float | None = None) -> Melody:
        """All of them as one melody, one after the other, cut to a length in quarter notes where it is given."""
        whole = self.grid.decode(self.tokens.ravel(), tempo=self.tempo, program=self.program)
        return whole if length is None else whole.cut(0, min(length, whole.length))

    def like(self, tempo: float, program: int) -> Melodies:
        """The same notes at another tempo, for another instrument."""
        return Melodies(self.tokens, self.grid, tempo, program)

    # --- out ----------------------------------------------------------------------------------------------------------

    def png(self, columns: int | None = None, **settings: Any) -> bytes:
        """A sheet of piano-rolls as a PNG file; see `latune.music.writing.pianoroll`."""
        from latune.music.writing.pianoroll import png

        if columns is None:
            columns = self.shape[1] if len(self.shape) > 2 else min(len(self), 4) or 1
        return png(list(self.flat()), columns=columns, **settings)

    def save(self, path: Path | str, columns: int | None = None, **settings: Any) -> Path:
        """Write what the ending of the path says: a sheet of piano-rolls (.png), or a file a melody beside each other.

        See `latune.music.writing.save_all`.
        """
        from latune.music.writing import save_all

        return save_all(self, path, columns=columns, **settings)

    def _repr_png_(self) -> bytes | None:
        return self.png() if self.tokens.size else None

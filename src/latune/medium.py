"""What the examples of a space are, images or melodies: how they come in, how they are shown and given out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from latune.errors import DataError
from latune.music import Grid, GridError, Melodies, Melody
from latune.music.grid import BETWEEN, OUT_OF_RANGE, REST
from latune.pictures import Images, as_pixels, read_image

if TYPE_CHECKING:
    from latune.music.reading import Tune


class Medium(ABC):
    """What an example is. Models are given tensors of it; people are given `Images` or `Melodies`."""

    one: ClassVar[str]  # as messages call an example
    many: ClassVar[str]

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Of an example, as an encoder is given it."""

    @property
    @abstractmethod
    def raw(self) -> tuple[int, ...]:
        """Of what a decoder gives for an example."""

    @property
    @abstractmethod
    def size_in_words(self) -> str:
        """How large an example is, as a person says it."""

    @abstractmethod
    def blank(self, n: int) -> Tensor:
        """`n` empty examples `(n, *shape)`, to try a network with."""

    @abstractmethod
    def take(self, x: Any) -> Tensor:
        """What a user gives, as a model is given it.

        Raises:
            DataError: for something else, another shape, or values that cannot be.
        """

    @abstractmethod
    def give(self, x: Tensor, like: Any = None) -> Any:
        """What a model made, `(n, *shape)` or `(n, k, *shape)`, as a user is given it; `like` is what was edited."""

    def still(self, x: Any) -> Bool[Tensor, " n"] | None:
        """Which of what a user gives an edit leaves as they are; None where it may change all."""
        return None

    def but_still(self, x: Any, made: Tensor) -> Tensor:
        """What was made of what a user gives, `(n, ..., t)`, and where it is still, that itself."""
        still = self.still(x)
        if still is None:
            return made
        shape = (len(still), *(1 for _ in made.shape[1:-1]), -1)
        return torch.where(still.view(shape), self.take(x).view(shape), made)

    @abstractmethod
    def shown(self, x: Any) -> Any:
        """Examples as attribute functions and rules are given them."""

    @abstractmethod
    def numbers(self, x: Tensor) -> Tensor:
        """Examples as numbers whose distances mean something, `(n, ...)`."""

    @abstractmethod
    def pictures(self, x: Tensor) -> Tensor:
        """Examples `(..., *shape)` as images `(..., c, h, w)` in [0, 1], for reports."""

    @abstractmethod
    def read(self, path: Path | str) -> Any:
        """An example from a file, as a user holds it.

        Raises:
            DataError: when the file is missing, or is none.
        """


@dataclass(frozen=True)
class Pictures(Medium):
    """Images `(c, h, w)` in [0, 1].

    >>> Pictures((1, 8, 8)).take(np.zeros((2, 8, 8), np.uint8)).shape
    torch.Size([2, 1, 8, 8])
    """

    size: tuple[int, ...]
    one: ClassVar[str] = "image"
    many: ClassVar[str] = "images"

    @property
    def shape(self) -> tuple[int, ...]:
        """(c, h, w)."""
        return self.size

    @property
    def raw(self) -> tuple[int, ...]:
        """(c, h, w) too."""
        return self.size

    @property
    def size_in_words(self) -> str:
        """Channels, rows and columns: 1 x 28 x 28."""
        return " x ".join(map(str, self.size))

    def blank(self, n: int) -> Tensor:
        """Black images."""
        return torch.zeros(n, *self.size)

    def take(self, x: Any) -> Tensor:
        """A file, images of any allowed kind, or a tensor `(n, c, h, w)` in [0, 1]."""
        if isinstance(x, str | Path):
            x = self.read(x)
        elif isinstance(x, Images):
            x = x.plain()
        elif not (isinstance(x, Tensor) and x.is_floating_point() and x.dim() == 4):
            x = torch.from_numpy(as_pixels(x)).float() / 255
        if tuple(x.shape[1:]) != tuple(self.size):
            raise DataError(f"This space was trained on images of shape {self.size}. Got {tuple(x.shape[1:])}.")
        if x.numel() and not (x.min() >= 0 and x.max() <= 1):  # NaN fails too
            raise DataError(f"Images lie in [0, 1]. Got {x.min().item():g} to {x.max().item():g}.")
        return x.to(torch.float32)

    def give(self, x: Tensor, like: Any = None) -> Images:
        """Images that show and save themselves."""
        return Images.of(x.clamp(0, 1))

    def shown(self, x: Any) -> Any:
        """The same numbers as an array."""
        return x.detach().cpu().numpy() if isinstance(x, Tensor) else x

    def numbers(self, x: Tensor) -> Tensor:
        """Their pixels."""
        return x

    def pictures(self, x: Tensor) -> Tensor:
        """They are pictures."""
        return x

    def read(self, path: Path | str) -> Tensor:
        """An image file as `(1, c, h, w)`, scaled and cropped."""
        c, h, w = self.size
        return read_image(path, (c, h, w))


@dataclass(frozen=True)
class Tunes(Medium):
    """Melodies, or measures, as tokens `(t,)` of a grid.

    >>> from latune.music import GRIDS
    >>> tunes = Tunes(GRIDS["measure"])
    >>> tunes.shape, tunes.raw, tunes.size_in_words
    ((24,), (24, 32), '1 bar of 24 ticks')
    >>> tunes.take(Melody.of([(60, 0, 4)]))[0, :3].tolist()
    [7, 0, 0]
    """

    grid: Grid
    one: ClassVar[str] = "melody"
    many: ClassVar[str] = "melodies"

    @property
    def shape(self) -> tuple[int, ...]:
        """(t,)."""
        return (self.grid.steps,)

    @property
    def raw(self) -> tuple[int, ...]:
        """(t, k): a logit for each token at each place."""
        return (self.grid.steps, self.grid.vocabulary)

    @property
    def size_in_words(self) -> str:
        """Bars and the tokens of each: 16 bars of 16 ticks."""
        bars = self.grid.bars
        return f"{bars} bar{'' if bars == 1 else 's'} of {self.grid.ticks} ticks"

    def blank(self, n: int) -> Tensor:
        """Silence."""
        return torch.ones(n, self.grid.steps, dtype=torch.int64)

    def take(self, x: Any) -> Tensor:
        """A file, one or several `Melody`, `Melodies` of this grid, or tokens `(n, t)`."""
        if isinstance(x, str | Path):
            x = self.read(x)
        if isinstance(x, Melody):
            x = [x]
        if isinstance(x, list | tuple) and all(isinstance(each, Melody) for each in x):
            x = Melodies.of(x, self.grid)
        if isinstance(x, Melodies):
            if x.grid != self.grid:
                raise DataError(f"This space was trained on melodies of the grid {self.grid}. Got those of {x.grid}.")
            x = x.tokens
        tokens = Melodies(x, self.grid).tokens  # says what is wrong with them
        if tokens.ndim != 2:
            raise DataError(f"Melodies are given as (n, {self.grid.steps}) tokens. Got shape {tokens.shape}.")
        return torch.from_numpy(tokens.astype(np.int64))

    def give(self, x: Tensor, like: Any = None) -> Melodies:
        """Melodies that show, play and save themselves, at the tempo and for the instrument of what was edited."""
        given = Melodies(x, self.grid)
        source = like[0] if isinstance(like, list | tuple) and like else like
        return given.like(source.tempo, source.program) if isinstance(source, Melody | Melodies) else given

    def still(self, x: Any) -> Bool[Tensor, " n"] | None:
        """The silent bars of a tune, a `Melody`: nothing is played there, whatever is asked for.

        >>> from latune.music import GRIDS
        >>> Tunes(GRIDS["measure"]).still(Melody.of([(60, 5, 1)]))
        tensor([ True, False])
        """
        if not isinstance(x, Melody):
            return None
        tokens = self.take(x)
        return (tokens[:, 0] == REST) & (tokens <= REST).all(1)

    def shown(self, x: Any) -> Melodies:
        """All of them at once."""
        return x if isinstance(x, Melodies) else Melodies(x, self.grid)

    def numbers(self, x: Tensor) -> Tensor:
        """One column a token at each place: the squared distance is twice the number of places that differ."""
        return torch.nn.functional.one_hot(x.long(), self.grid.vocabulary).float()

    def pictures(self, x: Tensor) -> Tensor:
        """Piano-rolls `(..., 3, h, w)`."""
        from latune.music.writing.pianoroll import tiles

        flat = Melodies(x.reshape(-1, self.grid.steps), self.grid)
        rolls = torch.from_numpy(tiles(list(flat))).permute(0, 3, 1, 2).float() / 255
        return rolls.unflatten(0, x.shape[:-1])

    @property
    def metres(self) -> list[str]:
        """Of melodies whose bars, one or two of them, are as long as the grid's."""
        beats = round(self.grid.length)
        halves = [f"{beats // 2}/2", f"{beats // 2}/4"] if beats % 2 == 0 else []  # two bars of 2/4 are one of 4/4
        return [f"{beats}/4", *halves]

    @property
    def finest(self) -> str:
        """What `quantise` moves notes to so that the grid has a token for each: `sixteenths`, or also triplets."""
        return "sixteenths" if {4 * place % 1 for place in self.grid.places} == {0} else "ticks"

    def read(
        self,
        path: Path | str,
        track: int | str | None = None,
        quantise: str = "auto",
        transpose: int | str = 0,
    ) -> Melody:
        """The melody of a MIDI, ABC or MusicXML file, of whose bars one or two are as long as the grid's.

        Args:
            path: of the file.
            track: the number or the title of one of several.
            quantise: where notes are moved to; see `latune.music.reading.read_one`.
            transpose: semitones by which it is moved, or `auto`: as far as `grid.semitones_to_fit` says.

        Raises:
            DataError: when the file is missing or is none, or the grid cannot hold its melody.
        """
        melody = self.open(path, track, quantise).melody
        assert melody is not None
        return self.fitted(melody, transpose, str(path))

    def open(self, path: Path | str, track: int | str | None = None, quantise: str = "auto") -> Tune:
        """What `read` reads, whether it fits the grid or not, with remarks on what was changed to read it."""
        from latune.music.reading.opening import tune_of

        return tune_of(path, track=track, metres=self.metres, quantise=quantise)

    def fitted(self, melody: Melody, transpose: int | str = 0, source: str = "The melody") -> Melody:
        """A melody, transposed, that the grid holds; `source` is what it is called in messages.

        Raises:
            DataError: the grid cannot hold it, or `transpose` is neither a number of semitones nor `auto`.
        """
        if transpose != "auto" and (isinstance(transpose, bool) or not isinstance(transpose, int)):
            raise DataError(f"transpose is a whole number of semitones, or 'auto'. Got {transpose!r}.")
        try:
            moved = melody.transposed(self.grid.semitones_to_fit(melody) if transpose == "auto" else transpose)
            self.take(moved)
        except GridError as error:
            raise GridError(error.reason, f"{source}: {error}{self._remedy(error, transpose)}") from error
        return moved

    def _remedy(self, error: GridError, transpose: int | str) -> str:
        if error.reason == BETWEEN:
            return f' --quantise {self.finest} (quantise="{self.finest}") moves notes to the nearest of these.'
        if error.reason == OUT_OF_RANGE and transpose != "auto":
            return ' With --transpose auto (transpose="auto") it fits; what the command line writes is moved back.'
        return ""


def size_of_images(medium: Medium, what: str) -> tuple[int, int, int]:
    """(c, h, w) of images, for what is there for images alone.

    Raises:
        DataError: for melodies.

    >>> size_of_images(Pictures((1, 8, 8)), "A walk")
    (1, 8, 8)
    """
    if not isinstance(medium, Pictures):
        raise DataError(f"{what} is of images; this model makes {medium.many}.")
    c, h, w = medium.size
    return c, h, w


def medium_of(shape: tuple[int, ...], grid: Mapping[str, Any] | None = None) -> Medium:
    """What the examples of a run's files are: images of a shape, or melodies of a grid."""
    return Pictures(tuple(shape)) if grid is None else Tunes(Grid.from_dict(dict(grid)))

"""Data sets of melodies: bars of 24 ticks, or windows of 16 bars, from tunes that are read once.

A new source is a function in `sources.py` and a loader here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from latune.data.dataset import TokenData
from latune.data.tunes import sources
from latune.data.tunes.build import FOUR, FRACTIONS, build, grid_of
from latune.data.tunes.shelf import Shelf, read, shelved
from latune.data.tunes.sources import Source
from latune.errors import DataError, unknown
from latune.music.reading.voice import check_quantise

__all__ = ["bach", "folk", "nottingham", "pop909", "taberna", "tunes", "whole"]

TRANSPOSE = ("training", "all", "never")


def _loader(name: str, told: str) -> Callable[..., TokenData]:
    """The loader of a source that has no options of its own; `sources` is asked when it is called."""

    def load(
        *,
        grid: str = "measure",
        split: Sequence[float] = FRACTIONS,
        transpose: str = "training",
        metres: Sequence[str] = FOUR,
        unique: bool = True,
        variant: str | None = None,
        seed: int = 0,
    ) -> TokenData:
        return _load(name, getattr(sources, name), grid, split, transpose, metres, unique, variant, seed)

    load.__name__ = load.__qualname__ = name
    load.__doc__ = told
    return load


bach = _loader(
    "bach",
    """The sopranos of Bach's chorales of four parts, which music21 brings along.

    Args:
        grid: `measure`, bars of 24 ticks with pitches from 55 to 84, or `melody`, windows of 16 bars of 16 steps that
            slide by one bar.
        split: shares of training, validation and test; all windows of a tune are in one of them.
        transpose: `training` transposes training tunes, `all` every tune, `never` none but those that would not fit the
            grid. A measure is moved to every place within the grid's range, a melody by -5 to 6 semitones.
        metres: of the tunes that are taken; bars have to fill those of the grid.
        unique: whether of equal windows one is kept; it is the one in the test split, so that nothing that is tested on
            is trained on.
        variant: `released` cuts as the released AR-VAE did: any metre in bars of four quarters, a bar of START before
            every piece, END behind it, and a split by position.
        seed: of the split.

    Raises:
        DataError: an option that is none.
        LatuneError: without music21.

    Source: Pati & Lerch 2020, https://arxiv.org/abs/2004.05485; music21, https://www.music21.org
    """,
)
folk = _loader(
    "folk",
    """Tunes of three old books, O'Neill's, Ryan's and Aird's, which music21 brings along; options as those of `bach`.

    Source: music21, https://www.music21.org; the paper's own folk tunes are those of
    https://github.com/IraKorshunova/folk-rnn
    """,
)
taberna = _loader(
    "taberna",
    """19,297 folk tunes collected in ABC, from `folk-taberna` in the folder of real data; options as those of `bach`.

    Source: https://github.com/jacobdgm/irish-tunes
    """,
)
pop909 = _loader(
    "pop909",
    """The melodies of 909 pop songs that were played; options as those of `bach`.

    They are read from `pop909` in the folder of real data. Notes are moved to the nearest sixteenth between the beats
    that POP909's annotation gives.

    Source: Wang et al. 2020, https://arxiv.org/abs/2008.07142, https://github.com/music-x-lab/POP909-Dataset
    """,
)


def nottingham(
    *,
    form: str = "abc",
    grid: str = "measure",
    split: Sequence[float] = FRACTIONS,
    transpose: str = "training",
    metres: Sequence[str] = FOUR,
    unique: bool = True,
    variant: str | None = None,
    seed: int = 0,
) -> TokenData:
    """1,034 folk tunes, from `nottingham` in the folder of real data; other options as those of `bach`.

    Args:
        form: `abc`, or `midi`: the melodies as they were exported.

    Source: https://github.com/jukedeck/nottingham-dataset
    """
    if form not in ("abc", "midi"):
        raise DataError(unknown("form of nottingham", form, ("abc", "midi")))
    source = sources.nottingham
    return _load("nottingham", lambda: source(form), grid, split, transpose, metres, unique, variant, seed)


def tunes(
    *,
    path: Path | str,
    quantise: str = "auto",
    grid: str = "measure",
    split: Sequence[float] = FRACTIONS,
    transpose: str = "training",
    metres: Sequence[str] = FOUR,
    unique: bool = True,
    variant: str | None = None,
    seed: int = 0,
) -> TokenData:
    """Your own MIDI, ABC and MusicXML files: a folder with its sub-folders; other options as those of `bach`.

    What cannot be used is counted by its reason in `provenance["tunes"]`; `latune.music.reading.read_folder` names it
    tune by tune.

    Args:
        path: the folder.
        quantise: `auto` moves the notes of MIDI files to sixteenths where they were played, `no` none; `sixteenths`,
            or `ticks`, sixteenths and triplets, move those of any file.
    """
    check_quantise(quantise)
    root = Path(path).expanduser()
    settings = {"quantise": quantise}
    name = root.resolve().name
    return _load(name, lambda: sources.folder(root, **settings), grid, split, transpose, metres, unique, variant, seed)


def whole(name: str, grid: str, **options: Any) -> Shelf:
    """All tunes of a source as tokens of a grid, uncut, with a record of each, also of those that cannot be used."""
    found: dict[str, Callable[..., Source]] = {
        each: getattr(sources, each) for each in ("bach", "folk", "taberna", "nottingham", "pop909")
    }
    if name not in found:
        raise DataError(unknown("source of melodies", name, found))
    return shelved(read(found[name](**options).items), grid_of(grid, FOUR, None)[0])


def _load(
    name: str,
    source: Callable[[], Source],
    grid: str,
    split: Sequence[float],
    transpose: str,
    metres: Sequence[str],
    unique: bool,
    variant: str | None,
    seed: int,
) -> TokenData:
    if transpose not in TRANSPOSE:
        raise DataError(unknown("transpose of melodies", transpose, TRANSPOSE))
    chosen, allowed = grid_of(grid, metres, variant)
    if variant is not None:
        own = {"split": (split, FRACTIONS), "transpose": (transpose, "training"), "metres": (metres, FOUR)}
        given = [each for each, (value, default) in own.items() if tuple(value) != tuple(default)]
        if given:
            raise DataError(f"The variant '{variant}' has its own {' and '.join(given)}: leave these settings out.")
    found = source()
    return build(
        name,
        shelved(read(found.items), chosen),
        chosen,
        allowed,
        seed=seed,
        split=split,
        transpose=transpose,  # pyright: ignore[reportArgumentType]
        unique=unique,
        provenance=found.about,
    )

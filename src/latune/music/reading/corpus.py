"""What music21 brings along: Bach's chorales, and three old books of folk tunes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from latune.music.reading.musicxml import read_other, read_score
from latune.music.reading.quiet import corpus_folder, music21
from latune.music.reading.tune import Tune, TuneError

VOICES = 4  # soprano, alto, tenor, bass
BOOKS = {
    "oneills1850": "O'Neill's Music of Ireland",
    "ryansMammoth": "Ryan's Mammoth Collection",
    "airdsAirs": "Aird's Airs",
}


def chorale_files() -> list[Path]:
    """The 371 chorales of Riemenschneider's book, in its order.

    Raises:
        LatuneError: without music21.
    """
    with music21() as package:
        from music21.corpus.chorales import ChoraleListRKBWV

        numbers = ChoraleListRKBWV().byRiemenschneider
        found = [package.corpus.getWork(f"bach/bwv{numbers[each]['bwv']}") for each in sorted(numbers)]
    return [Path(each[0] if isinstance(each, list) else each) for each in found]  # a list where there are two copies


def book_files() -> list[Path]:
    """The files of the three books.

    Raises:
        LatuneError: without music21.
    """
    folder = corpus_folder()
    return [path for book in BOOKS for path in sorted((folder / book).glob("*.abc"))]


def read_soprano(path: Path) -> Tune:
    """The top part of a chorale of four parts.

    Raises:
        TuneError: for a chorale that has more, or fewer.
    """
    if path.suffix == ".krn":
        parts = read_other(path)
        if len(parts) != VOICES:
            raise TuneError("another number of parts", f"It has {len(parts)} parts, not {VOICES}.")
    else:
        parts = read_score(path.read_bytes(), only=VOICES)
    return replace(parts[0], title=path.stem)

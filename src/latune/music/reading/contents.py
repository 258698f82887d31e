"""One file's content, read by what its ending says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from latune.music.melody import SLACK
from latune.music.reading.abc import read_book
from latune.music.reading.corpus import read_soprano
from latune.music.reading.midi import MOST_BYTES as MOST_MIDI
from latune.music.reading.midi import read_midi
from latune.music.reading.musicxml import MOST_BYTES as MOST_XML
from latune.music.reading.musicxml import read_score
from latune.music.reading.played import read_song
from latune.music.reading.text import decoded
from latune.music.reading.tune import Tune, TuneError
from latune.music.reading.voice import PLACES, highest, quantised

MOST_ABC = 64 * 2**20  # bytes of a book
MOST: dict[str, int] = {  # bytes that a file with this ending may have
    ".mid": MOST_MIDI,
    ".midi": MOST_MIDI,
    ".abc": MOST_ABC,
    ".musicxml": MOST_XML,
    ".xml": MOST_XML,
    ".mxl": MOST_XML,
}
ENDINGS = tuple(MOST)


def read_content(name: str, content: bytes, **settings: Any) -> list[Tune]:
    """The tunes of a file: of a book of ABC each tune, of MIDI each track, of MusicXML each part.

    Args:
        name: of the file; its ending says what it is.
        content: of the file.
        **settings: `quantise`: `auto`, `no`, `sixteenths` or `ticks`; see `latune.music.reading.midi`. What is written
            in ABC or MusicXML is moved only where it is asked for.

    Raises:
        TuneError: for a file of which nothing can be read.
        LatuneError: where a package is missing that reads it.
    """
    ending = PurePath(name).suffix.lower()
    if ending not in MOST:
        raise TuneError("another kind of file", f"It is none of {', '.join(ENDINGS)}.")
    check_size(name, len(content))
    if not content:
        raise TuneError("an empty file", "It is empty.")
    quantise = settings.get("quantise", "auto")
    if ending in (".mid", ".midi"):
        return read_midi(content, quantise=quantise)
    if ending == ".abc":
        text, remarks = decoded(content)
        tunes = [tune.remarked(*remarks) for tune in read_book(text)]
        if not tunes:
            raise TuneError("no tunes", "It has no tune: no line begins with X:.")
    else:
        tunes = read_score(content)
    return [_moved(tune, quantise) for tune in tunes] if quantise in PLACES else tunes


def _moved(tune: Tune, quantise: str) -> Tune:
    """A written tune whose notes are moved to places of the beat; of those that fall together the highest stays."""
    if tune.melody is None or not len(tune.melody):
        return tune
    melody = tune.melody
    starts, ends, remarks = quantised(melody.starts, melody.ends, SLACK, quantise)
    kept, until, hidden = highest(melody.pitches, starts, ends)
    if hidden:
        remarks = (*remarks, f"notes below others left out: {hidden:,} of {len(melody):,}")
    last = math.ceil(until.max() / melody.bar - SLACK) * melody.bar
    notes = {"pitches": melody.pitches[kept], "starts": starts[kept], "durations": until - starts[kept]}
    return replace(tune, melody=replace(melody, **notes, length=max(melody.length, last))).remarked(*remarks)


def check_size(name: str, size: int) -> None:
    """Refuse a file that is too large, before it is read.

    Raises:
        TuneError: with both sizes.
    """
    most = MOST.get(PurePath(name).suffix.lower(), MOST_ABC)
    if size > most:
        raise TuneError("too large", f"It has {size / 2**20:.1f} MiB; at most {most / 2**20:g} are read.")


def _soprano(name: str, content: bytes, **_: Any) -> list[Tune]:
    return [read_soprano(Path(name))]


HOW: dict[str, Callable[..., list[Tune]]] = {"file": read_content, "soprano": _soprano, "song": read_song}

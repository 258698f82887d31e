"""Reading melodies: MIDI, ABC, MusicXML, and what music21 brings along.

`opening.py` is what a user calls. `abc.py`, `midi.py` and `musicxml.py` read one kind of file each; `bars.py` plays
written bars with their repeats; `processes.py` reads many files at once. What cannot be read has a reason, a few words
that are counted.
"""

from latune.music.reading.opening import (
    Collection,
    Place,
    bach_sopranos,
    folk_books,
    one_of,
    read,
    read_folder,
    read_one,
    tune_of,
    tunes_of,
)
from latune.music.reading.tune import Tune, TuneError

__all__ = [
    "Collection",
    "Place",
    "Tune",
    "TuneError",
    "bach_sopranos",
    "folk_books",
    "one_of",
    "read",
    "read_folder",
    "read_one",
    "tune_of",
    "tunes_of",
]

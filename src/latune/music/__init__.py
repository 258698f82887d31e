"""Melodies as notes and as tokens of a grid, and their way in and out of files; this room knows no model.

`melody.py` is one tune, `grid.py` the two encodings, `melodies.py` many tunes at once as tokens. `scales.py` names sets
of pitch classes. `reading/` opens MIDI, ABC, MusicXML and music21's corpus; `writing/` makes MIDI, MusicXML, ABC,
piano-rolls, engraved scores and sound.
"""

from latune.music.grid import GRIDS, HOLD, REST, Grid, GridError
from latune.music.melodies import Melodies
from latune.music.melody import Melody, Note
from latune.music.scales import SCALES, pitch_classes

__all__ = [
    "GRIDS",
    "HOLD",
    "REST",
    "SCALES",
    "Grid",
    "GridError",
    "Melodies",
    "Melody",
    "Note",
    "pitch_classes",
]

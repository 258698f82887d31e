"""Songs that were played to beats which are written down beside them, as those of POP909."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from latune.music.melody import Melody
from latune.music.reading.midi import opened
from latune.music.reading.tune import Tune, TuneError
from latune.music.reading.voice import PLACES, highest, nearest

TRACK = "MELODY"


def read_song(name: str, content: bytes, beats: str = "", **_: Any) -> list[Tune]:
    """The track MELODY of a song, at the sixteenths between its beats; a tune for every stretch of regular bars.

    Args:
        name: of the file.
        content: of the MIDI file.
        beats: a line for each beat: seconds, and in the last column whether a bar begins there.

    Raises:
        TuneError: for a song without that track, or without beats.
    """
    title = name.rpartition("/")[2].rpartition(".")[0]
    score = opened(content)
    tracks = [track for track in score.to("second").tracks if track.name.strip().upper() == TRACK and len(track.notes)]
    if not tracks:
        raise TuneError("no notes", f"{name} has no track {TRACK} with notes.")
    seconds, begins = _beats(beats)
    bars = np.flatnonzero(begins)
    if len(bars) < 2:
        raise TuneError("no metre", f"{name} has no beats that bars begin on.")
    sizes = np.diff(bars)
    size = int(np.bincount(sizes).argmax())
    notes = tracks[0].notes.numpy()
    starts = nearest(_position(notes["time"].astype(np.float64), seconds), PLACES["sixteenths"])
    ends = nearest(_position((notes["time"] + notes["duration"]).astype(np.float64), seconds), PLACES["sixteenths"])
    ends = np.maximum(ends, starts + 1 / 4)
    pitches = notes["pitch"].astype(np.int64)
    tempo = round(float(60 / np.median(np.diff(seconds))), 2)
    tunes: list[Tune] = []
    for begin, end in _stretches(bars, sizes, size, float(ends.max())):
        here = (starts >= begin) & (starts < end)
        if not here.any():
            continue
        kept, until, hidden = highest(pitches[here], starts[here], np.minimum(ends[here], end))
        remarks = ("notes moved to sixteenths",)
        if hidden:
            remarks += (f"notes below others left out: {hidden:,} of {int(here.sum()):,}",)
        first = starts[here][kept] - begin
        length = float(np.ceil((until.max() - begin) / size - 1e-6) * size)
        about = {"metre": (size, 4), "tempo": tempo, "name": title, "length": length}
        melody = Melody(pitches[here][kept], first, until - begin - first, **about)
        tunes.append(Tune(len(tunes) + 1, title, melody, remarks=remarks))
    if not tunes:
        raise TuneError("a metre that changes", f"{name} has no two bars of {size} beats with notes in them.")
    return tunes


def _beats(text: str) -> tuple[Float64[np.ndarray, " n"], np.ndarray]:
    try:
        rows = np.array([[float(word) for word in line.split()] for line in text.splitlines() if line.strip()])
        seconds, begins = rows[:, 0], rows[:, -1] > 0.5
    except (ValueError, IndexError) as error:
        raise TuneError("no metre", "Its beats cannot be read.") from error
    if len(seconds) < 4 or not (np.diff(seconds) > 0).all():
        raise TuneError("no metre", "Its beats do not follow each other.")
    return seconds, begins


def _position(times: Float64[np.ndarray, " n"], seconds: Float64[np.ndarray, " beats"]) -> Float64[np.ndarray, " n"]:
    """Seconds as beats, counted from the first one; before it and after the last the beats go on as they were."""
    before, after = seconds[1] - seconds[0], seconds[-1] - seconds[-2]
    outside = np.where(
        times < seconds[0], (times - seconds[0]) / before, (times - seconds[-1]) / after + len(seconds) - 1
    )
    inside = np.interp(times, seconds, np.arange(len(seconds)))
    return np.where((times < seconds[0]) | (times > seconds[-1]), outside, inside)


def _stretches(
    bars: Int64[np.ndarray, " n"], sizes: Int64[np.ndarray, " m"], size: int, last: float
) -> list[tuple[float, float]]:
    """Beats from and to of stretches in which all bars have that many beats."""
    found: list[tuple[float, float]] = []
    begin = float(bars[0] - size)  # a pick-up
    for i, beats in enumerate(sizes.tolist()):
        if beats != size:
            found.append((begin, float(bars[i])))
            begin = float(bars[i + 1])
    found.append((begin, max(last, float(bars[-1] + size))))
    return [(a, b) for a, b in found if b > a]

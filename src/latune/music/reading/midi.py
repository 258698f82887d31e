"""MIDI files, read by symusic: each track and channel but drums is a tune, cut where the metre changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from latune.music.melody import Melody
from latune.music.reading.chunks import sound
from latune.music.reading.quiet import symusic
from latune.music.reading.tune import Tune, TuneError
from latune.music.reading.voice import check_quantise, highest, quantised

MOST_BYTES = 2 * 2**20  # 350,000 notes at most
MOST_NOTES = 50_000  # of one file
MOST_HIDDEN = 0.5  # share of the notes of a track that sound below others, from which on it is no melody
MOST_QUARTERS = 20_000
CUT = "cut where the metre changes"  # a remark


def read_midi(content: bytes, quantise: str = "auto") -> list[Tune]:
    """The tracks of a MIDI file, each one voice; drums are left out.

    Of notes that sound together the highest stays. Where the time signature changes, another tune begins; where the
    instrument does, the tune goes on, and its program is that of the first note.

    Args:
        content: of the file.
        quantise: `auto` moves notes to sixteenths where a file was played and leaves a written one as it is; `no`
            leaves all; `sixteenths`, or `ticks` (sixteenths and triplets), move them.

    Raises:
        TuneError: for a file that is no MIDI, is damaged, or has no notes, or too many.
        DataError: for another way to quantise.
        LatuneError: without symusic.
    """
    check_quantise(quantise)
    score = opened(content)
    parts = _metres(score)
    tunes: list[Tune] = []
    tracks = [track for track in score.tracks if len(track.notes)]
    if not tracks:
        raise TuneError("no notes", "There are no notes in it.")
    if all(track.is_drum for track in tracks):
        raise TuneError("only drums", "There are only drums in it.")
    for track in tracks:
        if track.is_drum:
            continue
        times = track.notes.numpy()["time"]
        several = sum(bool(((times >= begin) & (times < end)).any()) for begin, end, _ in parts) > 1
        for part, (begin, end, metre) in enumerate(parts):
            number = len(tunes) + 1
            title = track.name.strip() or f"track {number}"
            if part:
                title += f", part {part + 1}"
            try:
                tune = _tune(score, track, begin, end, metre, number, title, quantise)
            except TuneError as error:
                tune = Tune.lost(number, title, error)
            if tune is not None:
                told = f"{CUT}: this is part {part + 1} of {len(parts)}, the others stay as they are"
                tunes.append(tune.remarked(told) if several and tune.melody is not None else tune)
    if not tunes:
        raise TuneError("no notes", "None of its notes sounds for any time.")
    return tunes


def opened(content: bytes) -> Any:
    """The score of symusic, in ticks.

    Raises:
        TuneError: for a file that is no MIDI, is damaged, or has too many notes.
    """
    package = symusic()
    whole = sound(content)
    try:
        score = package.Score.from_midi(whole)
    except Exception as error:  # symusic raises of several kinds
        raise TuneError(
            "a damaged file", f"It is no MIDI that can be read: {error}".split("\n")[0].rstrip(".") + "."
        ) from error
    if score.tpq <= 0:
        raise TuneError("a damaged file", "Its time is not in quarter notes.")
    count = sum(len(track.notes) for track in score.tracks)
    if count > MOST_NOTES:
        raise TuneError("too many notes", f"It has {count:,} notes; at most {MOST_NOTES:,} are read.")
    return score


def _metres(score: Any) -> list[tuple[int, float, tuple[int, int]]]:
    """Ticks from and to, and the metre that holds there; 4/4 where nothing is said."""
    told = {int(each.time): (int(each.numerator), int(each.denominator)) for each in score.time_signatures}
    signatures = sorted((time, metre) for time, metre in told.items() if metre[0] > 0 and metre[1] > 0)
    if not signatures or signatures[0][0] > 0:
        signatures.insert(0, (0, (4, 4)))
    changes = [each for i, each in enumerate(signatures) if i == 0 or each[1] != signatures[i - 1][1]]
    ends = [time for time, _ in changes[1:]]
    return [(time, end, metre) for (time, metre), end in zip(changes, [*ends, float("inf")], strict=True)]


def _tune(
    score: Any, track: Any, begin: int, end: float, metre: tuple[int, int], number: int, title: str, quantise: str
) -> Tune | None:
    notes = track.notes.numpy()
    times, durations = notes["time"].astype(np.int64), notes["duration"].astype(np.int64)
    here = (times >= begin) & (times < end) & (durations > 0)
    if not here.any():
        return None
    starts = (times[here] - begin) / score.tpq
    ends = (np.minimum(times[here] + durations[here], end) - begin) / score.tpq
    if ends.max() > MOST_QUARTERS:
        raise TuneError("too long", f"It lasts {ends.max():,.0f} quarter notes; at most {MOST_QUARTERS:,} are read.")
    pitches = notes["pitch"].astype(np.int64)[here]
    starts, ends, remarks = quantised(starts, ends, _tolerance(score.tpq), quantise)
    kept, until, hidden = highest(pitches, starts, ends)
    if hidden > MOST_HIDDEN * len(pitches):
        raise TuneError(
            "several notes at once", f"{hidden:,} of the {len(pitches):,} notes of '{title}' sound below others."
        )
    if hidden:
        remarks = (*remarks, f"notes below others left out: {hidden:,} of {len(pitches):,}")
    bar = 4 * metre[0] / metre[1]
    melody = Melody(
        pitches[kept],
        starts[kept],
        until - starts[kept],
        length=float(np.ceil(until.max() / bar - 1e-6) * bar),
        metre=metre,
        tempo=_tempo(score, begin),
        program=int(track.program) if 0 <= int(track.program) <= 127 else 0,
        name=title,
        begins=begin / score.tpq,
    )
    return Tune(number, title, melody, remarks=remarks)


def _tolerance(tpq: int) -> float:
    """Quarter notes by which a written time may be off: half a tick, or a whole one where lengths were cut off."""
    return max(0.51 / tpq, min(1.01 / tpq, 0.005))


def _tempo(score: Any, tick: int) -> float:
    """Quarter notes a minute at a tick; 120 where nothing is said."""
    before = [each for each in score.tempos if each.time <= tick] or list(score.tempos)[:1]
    found = float(before[-1].qpm) if before else 120.0
    return round(found, 3) if 5 <= found <= 1000 else 120.0

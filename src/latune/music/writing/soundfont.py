"""Melodies played by the instruments of a soundfont of the user's own, by symusic."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from latune.errors import DataError, LatuneError
from latune.music.melody import Melody
from latune.music.writing.midi import midi
from latune.music.writing.sound import PEAK, RATE, seconds_of, timbre_of


def played(melody: Melody, soundfont: Path | str) -> Float[np.ndarray, "t 2"]:
    """The sound of a melody in two channels, in [-1, 1], as long as the soundfont's instrument rings.

    Args:
        melody: what is played, at its tempo, by its program.
        soundfont: an .sf2 or .sf3 file. Nothing is downloaded.

    Raises:
        DataError: for a file that is missing or is no soundfont, or a tempo or program that cannot be played.
        LatuneError: where symusic is not installed.
    """
    second = seconds_of(melody)
    timbre_of(melody.program)
    synthesizer = opened(soundfont)
    if not len(melody):
        return np.zeros((round(melody.length * second * RATE), 2), np.float32)
    import symusic

    score = symusic.Score.from_midi(midi(replace(melody, name="")))
    sound = synthesizer.render(score, True)  # (2, t)
    peak = float(np.abs(sound).max(initial=0.0))
    if not np.isfinite(peak) or peak == 0:
        raise DataError(f"{soundfont} has no sound for program {melody.program}. Give another program.")
    return np.ascontiguousarray(sound.T * np.float32(PEAK / peak))


def opened(soundfont: Path | str) -> Any:
    """The synthesiser of symusic that plays a soundfont.

    Raises:
        DataError: for a file that is missing or is no soundfont.
        LatuneError: where symusic is not installed.
    """
    if not Path(soundfont).is_file():
        raise DataError(f"There is no soundfont at {soundfont}. Without one, sound is made by Latune itself.")
    try:
        import symusic
    except ImportError:
        raise LatuneError(
            'Soundfonts are played by symusic, which is not installed: pip install "latune[music]". '
            "Without a soundfont, sound is made by Latune itself."
        ) from None
    try:
        return symusic.Synthesizer(str(soundfont), RATE, 0)  # type: ignore[arg-type]
    except RuntimeError as error:
        raise DataError(f"{soundfont} cannot be used as a soundfont: {' '.join(str(error).split())}.") from None

"""Sound without any download: each note a sum of a few harmonics with an attack, a decay and a release."""

from __future__ import annotations

import io
import math
import wave
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from latune.errors import DataError
from latune.music.melody import Melody

RATE = 44_100  # samples a second
PEAK = 0.8  # of the loudest sample; 1 is full scale
LONGEST = 600.0  # seconds: what is longer is more likely a wrong tempo than music
SOFTEST = 300.0  # Hz: notes above sound louder at the same amplitude, and are played softer


class Timbre(NamedTuple):
    """How a family of instruments sounds.

    Args:
        harmonics: amplitudes of 1, 2, 3, ... times the frequency of the note.
        attack: seconds until it is loud.
        decay: seconds in which it falls to 1/e of the way to `sustain`; higher harmonics fall faster if `damping`.
        sustain: of its loudness that stays while it is held.
        release: seconds in which it dies when it is let go.
        damping: how much faster the n-th harmonic decays: by 1 + damping (n - 1).
    """

    harmonics: tuple[float, ...]
    attack: float
    decay: float
    sustain: float
    release: float
    damping: float = 0.0


# The sixteen families of General MIDI, eight programs each.
TIMBRES: tuple[Timbre, ...] = (
    Timbre((1, 0.5, 0.28, 0.16, 0.1, 0.06, 0.04, 0.03), 0.005, 0.9, 0.0, 0.18, 0.35),  # piano
    Timbre((1, 0.05, 0.02, 0.32, 0.02, 0.0, 0.0, 0.0, 0.0, 0.1), 0.002, 0.6, 0.0, 0.35, 0.25),  # bells
    Timbre((1, 0.7, 0.3, 0.5, 0.0, 0.25, 0.0, 0.3), 0.012, 0.2, 1.0, 0.06),  # organ
    Timbre((1, 0.55, 0.4, 0.22, 0.16, 0.1, 0.06, 0.04), 0.003, 0.5, 0.0, 0.12, 0.5),  # guitar
    Timbre((1, 0.6, 0.25, 0.1, 0.05), 0.006, 0.7, 0.1, 0.1, 0.4),  # bass
    Timbre((1, 0.55, 0.45, 0.3, 0.22, 0.14, 0.1, 0.07), 0.06, 0.3, 0.85, 0.16),  # strings
    Timbre((1, 0.5, 0.35, 0.22, 0.14, 0.08), 0.09, 0.4, 0.85, 0.25),  # ensemble
    Timbre((1, 0.85, 0.65, 0.45, 0.3, 0.2, 0.12, 0.08), 0.03, 0.25, 0.75, 0.1),  # brass
    Timbre((1, 0.1, 0.6, 0.08, 0.35, 0.05, 0.18, 0.03), 0.025, 0.25, 0.85, 0.09),  # reed
    Timbre((1, 0.3, 0.1, 0.04, 0.02), 0.04, 0.3, 0.9, 0.1),  # pipe
    Timbre((1, 0.0, 0.33, 0.0, 0.2, 0.0, 0.14, 0.0, 0.11), 0.008, 0.3, 0.8, 0.08),  # synth lead
    Timbre((1, 0.4, 0.2, 0.1, 0.05), 0.2, 0.6, 0.8, 0.4),  # synth pad
    Timbre((1, 0.3, 0.35, 0.12, 0.1), 0.03, 0.8, 0.4, 0.35),  # synth effects
    Timbre((1, 0.6, 0.5, 0.3, 0.24, 0.18, 0.1, 0.06), 0.003, 0.35, 0.0, 0.12, 0.4),  # plucked, from around the world
    Timbre((1, 0.3, 0.12, 0.2, 0.05), 0.002, 0.25, 0.0, 0.2, 0.5),  # percussive
    Timbre((1, 0.4, 0.2, 0.1), 0.02, 0.4, 0.6, 0.2),  # sound effects
)


def wav(melody: Melody, soundfont: Path | str | None = None) -> bytes:
    """A melody as a WAV file: 44,100 samples a second of 16 bits, one channel (two from a soundfont).

    Args:
        melody: what is played, at its tempo, by its program.
        soundfont: an .sf2 or .sf3 file of your own whose instruments play it.

    Raises:
        DataError: for a tempo or program that cannot be played, or a soundfont that is none.
        LatuneError: where a soundfont is given and symusic is not installed.

    >>> file = wav(Melody.of([(69, 0, 1)]))
    >>> file[:4], len(file) == 44 + 2 * (22_050 + round(0.18 * RATE))
    (b'RIFF', True)
    """
    if soundfont is None:
        sound = samples(melody)[:, None]  # (t, 1)
    else:
        from latune.music.writing.soundfont import played

        sound = played(melody, soundfont)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(sound.shape[1])
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.rint(sound * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def samples(melody: Melody) -> Float[np.ndarray, " t"]:
    r"""The sound of a melody, in [-1, 1], as long as its notes and the release of its instrument.

    .. math:: x(t) = A \sum_n a_n e(t) d(t)^{1 + \kappa (n - 1)} \sin 2 \pi n f t, \quad f = 440 \cdot 2^{(p - 69) / 12}

    with the harmonics :math:`a_n` of the instrument, attack and release :math:`e`, decay :math:`d` and damping
    :math:`\kappa`. The loudest sample is 0.8 of full scale; what is silent is exactly zero.

    Raises:
        DataError: for a tempo or program that cannot be played, or a sound of more than ten minutes.
    """
    timbre = timbre_of(melody.program)
    second = seconds_of(melody)
    tail = round(timbre.release * RATE)
    out = np.zeros(round(melody.length * second * RATE) + tail)
    starts, ends = (np.rint(each * second * RATE).astype(int).tolist() for each in (melody.starts, melody.ends))
    for pitch, start, end in zip(melody.pitches.tolist(), starts, ends, strict=True):
        part = out[start : end + tail]
        part += _note(pitch, end - start, tail, timbre)[: len(part)]
    peak = np.abs(out).max(initial=0.0)
    return (out * (PEAK / peak) if peak > 0 else out).astype(np.float32)


def seconds_of(melody: Melody) -> float:
    """Seconds of a quarter note.

    Raises:
        DataError: for a tempo that cannot be played.
    """
    if not (melody.tempo > 0 and math.isfinite(melody.tempo)):
        raise DataError(f"A tempo is a number of quarter notes a minute above 0. Got {melody.tempo}.")
    second = 60 / melody.tempo
    if melody.length * second > LONGEST:
        raise DataError(
            f"{melody.length:g} quarter notes at {melody.tempo:g} a minute sound for {melody.length * second:.0f} "
            f"seconds; at most {LONGEST:.0f} can be. Cut the melody, or give a faster tempo."
        )
    return second


def timbre_of(program: int) -> Timbre:
    """The timbre of a General MIDI program.

    Raises:
        DataError: for a number that is no program.
    """
    if not 0 <= program <= 127:
        raise DataError(f"A program of General MIDI is a whole number from 0 to 127. Got {program}.")
    return TIMBRES[program // 8]


def _note(pitch: int, held: int, tail: int, timbre: Timbre) -> np.ndarray:
    """One note of `held` samples that dies within `tail` more."""
    frequency = 440.0 * 2 ** ((pitch - 69) / 12)
    t = np.arange(held + tail) / RATE
    phase = 2 * np.pi * frequency * t
    decay = timbre.sustain + (1 - timbre.sustain) * np.exp(-t / timbre.decay)
    lost = np.exp(-t * timbre.damping / timbre.decay)  # of each harmonic more than of the one below
    # sin((n + 1) x) = 2 cos(x) sin(n x) - sin((n - 1) x): each harmonic from the two below, without another sine.
    before, wave_now, twice = np.zeros_like(t), np.sin(phase), 2 * np.cos(phase)
    sound, loudness = np.zeros_like(t), decay
    for n, amplitude in enumerate(timbre.harmonics, 1):
        if n * frequency >= 0.45 * RATE:
            break  # what is above half the rate would fold back to a wrong pitch
        if amplitude:
            sound += amplitude * loudness * wave_now
        before, wave_now = wave_now, twice * wave_now - before
        if timbre.damping:
            loudness = loudness * lost
    rise = min(round(timbre.attack * RATE), max(held, 1))
    sound[:rise] *= np.arange(rise) / rise
    sound[held:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(1, tail + 1) / tail)  # ends at exactly zero
    return sound * min(1.0, (SOFTEST / frequency) ** 0.3)

"""MIDI files, written byte by byte: a tempo, a metre, an instrument, and the notes, each at its exact time."""

from __future__ import annotations

import struct

import numpy as np

from latune.errors import DataError
from latune.music.melody import SLACK, Melody

# Ticks of a quarter note: the first in which every note is exact. 480 holds sixteenths, triplets and quintuplets; the
# last is so fine that whatever is left is nearer than melodies tell apart.
TICKS = (480, 3360, 10080, 30240)
FARTHEST = 2**28  # ticks: a time has four bytes of seven bits
SLOWEST = 60e6 / 0xFFFFFF  # quarter notes a minute: a quarter note has three bytes of microseconds


def midi(melody: Melody, velocity: int = 90, ticks: int | None = None) -> bytes:
    """A melody as a standard MIDI file: a track of tempo and metre, and a track of notes.

    The track ends where the melody does, so silence after the last note is kept.

    Args:
        melody: what is written.
        velocity: how hard each note is struck, 1 to 127.
        ticks: of a quarter note; where None, 480, or more if a note needs it.

    Raises:
        DataError: for a tempo, metre, program or velocity that MIDI cannot write.

    >>> midi(Melody.of([(60, 0, 1)]))[:14].hex(" ")
    '4d 54 68 64 00 00 00 06 00 01 00 02 01 e0'
    """
    if not 1 <= velocity <= 127:
        raise DataError(f"A velocity is a whole number from 1 to 127. Got {velocity}.")
    if not 0 <= melody.program <= 127:
        raise DataError(f"A program of General MIDI is a whole number from 0 to 127. Got {melody.program}.")
    if ticks is not None and not 1 <= ticks <= 0x7FFF:
        raise DataError(f"A quarter note has 1 to 32767 ticks. Got {ticks}.")
    ticks = ticks_for(melody) if ticks is None else ticks
    starts, ends, end = (np.rint(each * ticks).astype(int) for each in (melody.starts, melody.ends, melody.length))
    if end >= FARTHEST:
        raise DataError(f"A melody of {melody.length:g} quarter notes is too long for MIDI. Cut it.")
    name = melody.name.encode()
    rows = zip(melody.pitches.tolist(), starts.tolist(), ends.tolist(), strict=True)
    notes = [(0, bytes([0xC0, melody.program]))]
    for pitch, start, stop in rows:  # in order and one at a time, so each note is off before the next is on
        notes += [(start, bytes([0x90, pitch, velocity])), (max(stop, start + 1), bytes([0x80, pitch, 0]))]
    head = [(0, meta(0x03, name)), (0, meta(0x51, _tempo(melody.tempo))), (0, meta(0x58, _metre(*melody.metre)))]
    tracks = [chunk(b"MTrk", encode(head, int(end))), chunk(b"MTrk", encode([(0, meta(0x03, name)), *notes], int(end)))]
    return chunk(b"MThd", struct.pack(">HHH", 1, len(tracks), ticks)) + b"".join(tracks)


def ticks_for(melody: Melody) -> int:
    """Ticks of a quarter note in which all notes of a melody are exact.

    >>> ticks_for(Melody.of([(60, 1 / 3, 1 / 16)])), ticks_for(Melody.of([(60, 1 / 7, 1)]))
    (480, 3360)
    """
    times = np.concatenate([melody.starts, melody.ends])
    for ticks in TICKS:
        if not len(times) or np.abs(np.rint(times * ticks) / ticks - times).max() < SLACK / 4:
            return ticks
    return TICKS[-1]


# --- bytes ------------------------------------------------------------------------------------------------------------


def encode(events: list[tuple[int, bytes]], end: int) -> bytes:
    """Events `(tick, message)`, in order, as the content of a track that ends at a tick."""
    out, now = [], 0
    for tick, message in events:
        out += [varying(tick - now), message]
        now = tick
    return b"".join([*out, varying(max(end - now, 0)), b"\xff\x2f\x00"])


def meta(kind: int, content: bytes) -> bytes:
    """A message that does not sound: a name, a tempo, ..."""
    return bytes([0xFF, kind]) + varying(len(content)) + content


def chunk(name: bytes, content: bytes) -> bytes:
    """A part of a file, with its length."""
    return name + struct.pack(">I", len(content)) + content


def varying(number: int) -> bytes:
    """A number in as few bytes as it needs, seven bits in each; all but the last have the eighth bit set.

    >>> varying(0).hex(), varying(480).hex()
    ('00', '8360')
    """
    out = [number & 0x7F]
    while number := number >> 7:
        out.append(number & 0x7F | 0x80)
    return bytes(reversed(out))


def _tempo(tempo: float) -> bytes:
    if not SLOWEST <= tempo <= 60e6:
        raise DataError(f"MIDI has tempos from {SLOWEST:.2f} quarter notes a minute. Got {tempo}.")
    return round(60e6 / tempo).to_bytes(3, "big")


def _metre(beats: int, unit: int) -> bytes:
    if not 1 <= beats <= 255 or unit not in (1, 2, 4, 8, 16, 32, 64):
        raise DataError(f"A metre is 1 to 255 beats of 1, 2, 4, 8, 16, 32 or 64. Got {beats}/{unit}.")
    return bytes([beats, unit.bit_length() - 1, 24, 8])

"""Editing a MIDI file of the user's own: the notes of one melody change, every other byte of music stays."""

from __future__ import annotations

import struct
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from latune.errors import DataError
from latune.files import whole
from latune.music.melody import SLACK, Melody
from latune.music.writing.midi import chunk, meta, varying

NEAR = 1 / 8  # quarter notes: how far a played note may be from where the grid put it
END = meta(0x2F, b"")
BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 2 - 1, 0xE0: 2}  # that follow each kind of message
Key = tuple[int, float]  # when, and what comes first at the same time


@dataclass
class Sounded:
    """A note of a file: its pitch, its ticks, how hard it is struck, and the two events that make it."""

    pitch: int
    start: int
    end: int
    velocity: int
    on: int
    off: int


def edit_midi(
    original: Path | str, old: Melody, new: Melody, out: Path | str, start: float | None = None, near: float = NEAR
) -> Path:
    """A MIDI file in which one melody has become another; its tempo map, instruments and other tracks are kept.

    The track (and channel) that holds the notes of `old` is found, of several the one of its name; its notes give way
    to those of `new`, struck as hard as the notes they replace. Notes that both have keep the very time at which they
    were played. Everything else in the file, and the rest of that track, stays as it is, but that a note ends where a
    new one of its pitch begins, and a new one where an old one does. Tempo, metre and program of the melodies are not
    looked at.

    Args:
        original: the file.
        old: the melody as it was read from the file, or a part of it.
        new: what takes its place.
        out: where to; may be the original itself.
        start: where `old` begins in the file, in quarter notes; where None, the place that it was read from, or the
            first one that has all its notes.
        near: how far, in quarter notes, a played note may be from its place in `old`.

    Raises:
        DataError: for a file that is no MIDI, or none of whose tracks holds the notes of `old`.
        DiskFull: when the disk has no room.
    """
    content = edited(_read(original), old, new, start, near, str(original))
    with whole(out) as temporary:
        temporary.write_bytes(content)
    return Path(out)


def edited(
    file: bytes, old: Melody, new: Melody, start: float | None = None, near: float = NEAR, name: str = "the file"
) -> bytes:
    """The bytes of a MIDI file in which one melody has become another; see `edit_midi`."""
    ticks, chunks = _chunks(file, name)
    best: tuple[int, int, int, list[int], float] | None = None  # notes found, chunk, channel, which they are, shift
    called = False  # whether the track that was found has the melody's name
    parsed: dict[int, list[tuple[int, bytes]]] = {}
    for index, (kind, content) in enumerate(chunks):
        if kind != b"MTrk":
            continue
        parsed[index] = _events(content, name)
        for channel, notes in _notes(parsed[index]).items():
            which, shift = _found(old, notes, ticks, start, near)
            named = bool(old.name) and old.name.partition(", part ")[0] == _title(parsed[index])
            if best is None or (len(which), named) > (best[0], called):
                best, called = (len(which), index, channel, which, shift), named
    if best is None:
        raise DataError(f"There are no notes in {name}.")
    count, index, channel, which, shift = best
    if count < len(old):
        raise DataError(
            f"No track of {name} holds the melody: at best {count} of its {len(old)} notes are found. Give the melody "
            "as it was read from this file, and `start` if it begins elsewhere."
        )
    events = parsed[index]
    replaced = [_notes(events)[channel][i] for i in which] if count else []
    chunks[index] = (b"MTrk", _track(events, channel, replaced, old, new, ticks, shift))
    return b"".join(chunk(kind, content) for kind, content in chunks)


def _found(old: Melody, notes: list[Sounded], ticks: int, start: float | None, near: float) -> tuple[list[int], float]:
    """Which of the notes are those of a melody, one for each as far as there are, and where the melody begins."""
    if not len(old):
        return [], start or 0.0
    pitches = np.array([note.pitch for note in notes])
    times = np.array([note.start for note in notes]) / ticks
    firsts = times[pitches == old.pitches[0]] - old.starts[0]
    shifts = [start] if start is not None else [old.begins, 0.0, *(float(each) for each in firsts if each >= -near)]
    best: tuple[list[int], float] = ([], shifts[0])
    for shift in shifts:
        which: list[int] = []
        taken: set[int] = set()
        for pitch, time in zip(old.pitches.tolist(), (old.starts + shift).tolist(), strict=True):
            here = np.flatnonzero((pitches == pitch) & (np.abs(times - time) <= near + SLACK))
            free = [i for i in here.tolist() if i not in taken]
            if not free:
                if start is None:
                    break  # the next place may have all of them
                continue
            nearest = min(free, key=lambda i: abs(times[i] - time))
            which.append(nearest)
            taken.add(nearest)
        if len(which) > len(best[0]):
            best = (which, shift)
        if len(which) == len(old):
            break
    return best


def _track(
    events: list[tuple[int, bytes]],
    channel: int,
    replaced: list[Sounded],
    old: Melody,
    new: Melody,
    ticks: int,
    shift: float,
) -> bytes:
    """The content of the track with other notes in it."""
    kept, added = _difference(old, new)
    stays = {i for i, _ in kept}
    gone = {event for i, note in enumerate(replaced) if i not in stays for event in (note.on, note.off)}
    struck = [note.velocity for note in replaced]
    fresh: list[Sounded] = []
    for j in added:
        begin, end = (round((float(each[j]) + shift) * ticks) for each in (new.starts, new.ends))
        nearest = int(np.abs(old.starts - new.starts[j]).argmin()) if len(old) else None
        velocity = struck[nearest] if nearest is not None else 90
        fresh.append(Sounded(int(new.pitches[j]), begin, max(end, begin + 1), velocity, -1, -1))
    staying = [note for note in _notes(events).get(channel, []) if note.off not in gone]
    gone |= _apart(staying, fresh)
    moved = {note.off: note.end for note in staying if note.end != events[note.off][0]}
    rows: list[tuple[Key, bytes]] = [
        ((moved[i], -1.0) if i in moved else (tick, float(i)), message)
        for i, (tick, message) in enumerate(events[:-1])
        if i not in gone
    ]
    for note in fresh:
        rows.append(((note.start, float("inf")), bytes([0x90 | channel, note.pitch, note.velocity])))
        rows.append(((note.end, -1.0), bytes([0x80 | channel, note.pitch, 0])))
    rows.sort(key=lambda row: row[0])
    out, now = [], 0
    for (tick, _), message in rows:
        out += [varying(tick - now), message]
        now = tick
    return b"".join([*out, varying(max(events[-1][0] - now, 0)), END])


def _apart(staying: list[Sounded], fresh: list[Sounded]) -> set[int]:
    """End notes where one of their pitch begins, since a pitch cannot sound twice on a channel.

    Of two that begin together the fresh one is heard.

    Returns:
        The events of those that stay no longer.
    """
    at: dict[int, list[Sounded]] = defaultdict(list)
    for note in (*staying, *fresh):
        at[note.pitch].append(note)
    gone: set[int] = set()
    for note in fresh:
        for other in at[note.pitch]:
            if other.start < note.start:
                other.end = min(other.end, note.start)
            elif other.start > note.start:
                note.end = min(note.end, other.start)
            elif other is not note:
                gone |= {other.on, other.off}
    return gone


def _difference(old: Melody, new: Melody) -> tuple[list[tuple[int, int]], list[int]]:
    """Notes that both melodies have, by their number in each, and those only the new one has."""
    grain = 4 * SLACK
    at = {(pitch, round(begin / grain), round(length / grain)): i for i, (pitch, begin, length) in enumerate(old)}
    kept, added = [], []
    for j, (pitch, begin, length) in enumerate(new):
        i = at.get((pitch, round(begin / grain), round(length / grain)))
        if i is None:
            added.append(j)
        else:
            kept.append((i, j))
    return kept, added


# --- bytes ------------------------------------------------------------------------------------------------------------


def _read(path: Path | str) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise DataError(f"There is no file at {path}.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None


def _chunks(file: bytes, name: str) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Ticks of a quarter note, and the parts of a file."""
    chunks, at = [], 0
    while at + 8 <= len(file):
        kind, length = file[at : at + 4], struct.unpack(">I", file[at + 4 : at + 8])[0]
        chunks.append((kind, file[at + 8 : at + 8 + length]))
        at += 8 + length
    if not chunks or chunks[0][0] != b"MThd" or len(chunks[0][1]) < 6:
        raise DataError(f"{name} is not a MIDI file.")
    ticks = struct.unpack(">h", chunks[0][1][4:6])[0]
    if ticks <= 0:
        raise DataError(f"{name} counts frames of film, not ticks of a quarter note; it cannot be edited.")
    return ticks, chunks


def _events(content: bytes, name: str) -> list[tuple[int, bytes]]:
    """The events `(tick, message)` of a track, each with its status written out; the last one is the end."""
    out: list[tuple[int, bytes]] = []
    at, now, status = 0, 0, 0
    try:
        while at < len(content):
            delta, at = _number(content, at)
            now += delta
            first = content[at]
            if first == 0xFF:
                length, begin = _number(content, at + 2)
                message = content[at : begin + length]
                at = begin + length
                if message[1] == 0x2F:
                    return [*out, (now, END)]
            elif first in (0xF0, 0xF7):
                length, begin = _number(content, at + 1)
                message = content[at : begin + length]
                at = begin + length
            else:
                if first & 0x80:
                    status, at = first, at + 1
                size = BYTES[status & 0xF0]
                message = bytes([status]) + content[at : at + size]
                if len(message) != size + 1:
                    raise IndexError
                at += size
            out.append((now, message))
    except (IndexError, KeyError):
        raise DataError(f"{name} is not a MIDI file that can be edited: a track breaks off at byte {at}.") from None
    return [*out, (now, END)]


def _number(content: bytes, at: int) -> tuple[int, int]:
    """A number of as many bytes as it needs, and where the next thing begins."""
    number = 0
    while True:
        byte = content[at]
        number, at = number << 7 | byte & 0x7F, at + 1
        if not byte & 0x80:
            return number, at


def _title(events: list[tuple[int, bytes]]) -> str:
    """The name of a track."""
    for _, message in events:
        if message[:2] == b"\xff\x03":
            length, begin = _number(message, 2)
            return message[begin : begin + length].decode("utf-8", "replace").strip()
    return ""


def _notes(events: list[tuple[int, bytes]]) -> dict[int, list[Sounded]]:
    """The notes of every channel, in the order they begin."""
    out: dict[int, list[Sounded]] = defaultdict(list)
    sounding: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for i, (tick, message) in enumerate(events):
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        if kind == 0x90 and message[2] > 0:
            sounding[channel, message[1]].append((i, tick))
        elif kind in (0x80, 0x90) and sounding[channel, message[1]]:
            on, start = sounding[channel, message[1]].pop(0)
            out[channel].append(Sounded(message[1], start, tick, events[on][1][2], on, i))
    return {channel: sorted(notes, key=lambda note: (note.start, note.pitch)) for channel, notes in out.items()}

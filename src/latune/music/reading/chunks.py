"""MIDI files made ready for symusic: damaged ones are refused, which can bring it down, and tracks are kept whole."""

from __future__ import annotations

import struct

from latune.music.reading.tune import TuneError

MOST_TICKS = 2**30  # symusic counts with 32 bits
DATA = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}  # bytes behind a status byte, by its upper half


def sound(content: bytes) -> bytes:
    """The header and the tracks of a MIDI file, every event of them checked; other chunks are left out.

    In each track a channel has one program, that of its first note: symusic makes a track of every program, and a
    melody would be cut where its instrument changes.

    Raises:
        TuneError: for a file that is no MIDI, or is damaged, with the place.

    Source: Standard MIDI Files 1.0, https://midi.org/standard-midi-files-specification
    """
    begin = content.find(b"MThd", 0, 64)  # some lie in a RIFF file
    if begin < 0:
        raise TuneError("a damaged file", "It does not begin as a MIDI file.")
    content = content[begin:]
    if len(content) < 14:
        raise _cut(len(content))
    size, form, _, division = struct.unpack(">IHHh", content[4:14])
    if size < 6 or form > 2 or division <= 0:
        raise TuneError("a damaged file", "Its header is none of a MIDI file whose time is in quarter notes.")
    tracks = []
    place = 8 + size
    while place + 8 <= len(content):
        name, size = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "big")
        end = place + 8 + size
        if end > len(content):
            raise _cut(len(content))
        if name == b"MTrk":
            programs = _check_events(content, place + 8, end)
            tracks.append(_one_program(content[place:end], [(at - place, to) for at, to in programs]))
        place = end
    if not tracks:
        raise TuneError("a damaged file", "It has no track.")
    return b"MThd" + struct.pack(">IHHh", 6, form, len(tracks), division) + b"".join(tracks)


def _check_events(content: bytes, place: int, end: int) -> list[tuple[int, int]]:
    """Walk through a track; gives back where its programs stand, each with that of its channel's first note."""
    status, ticks = 0, 0
    changes: list[tuple[int, int]] = []  # where a program stands, and its channel
    now: dict[int, int] = {}
    first_note: dict[int, int] = {}  # the program of each channel's first note
    while place < end:
        delta, place = _number(content, place, end)
        ticks += delta
        if ticks > MOST_TICKS or place >= end:
            raise _wrong(place)
        first = content[place]
        if first in (0xF0, 0xF7, 0xFF):
            over = first == 0xFF and content[place + 1 : place + 2] == b"\x2f"
            length, place = _number(content, place + (2 if first == 0xFF else 1), end)
            place += length
            if over:
                if place != end:
                    raise _wrong(place)
                break
        elif first > 0xF0:
            raise _wrong(place)
        else:
            if first & 0x80:
                status, place = first, place + 1
            if not status:
                raise _wrong(place)
            kind, channel = status >> 4, status & 0x0F
            for _ in range(DATA[kind]):
                if place >= end or content[place] & 0x80:
                    raise _wrong(place)
                place += 1
            if kind == 0xC:
                changes.append((place - 1, channel))
                now[channel] = content[place - 1]
            elif kind == 0x9 and content[place - 1]:
                first_note.setdefault(channel, now.get(channel, 0))
        if place > end:
            raise _wrong(place)
    return [(at, first_note[channel]) for at, channel in changes if channel in first_note]


def _one_program(track: bytes, programs: list[tuple[int, int]]) -> bytes:
    """The same track with other programs at some places."""
    changed = bytearray(track)
    for place, program in programs:
        changed[place] = program
    return bytes(changed)


def _number(content: bytes, place: int, end: int) -> tuple[int, int]:
    """A number of up to four bytes of seven bits, and where it ends."""
    value = 0
    for i in range(place, min(place + 4, end)):
        value = value << 7 | content[i] & 0x7F
        if not content[i] & 0x80:
            return value, i + 1
    raise _wrong(place)


def _cut(length: int) -> TuneError:
    return TuneError("a damaged file", f"It ends after {length:,} bytes, in the middle.")


def _wrong(place: int) -> TuneError:
    return TuneError("a damaged file", f"Its events make no sense from byte {place:,} on.")

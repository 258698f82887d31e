"""Melodies written to files: known answers, and the same notes when other programs read them."""

from __future__ import annotations

import errno
import io
import os
import re
import struct
import sys
import threading
import wave
import xml.etree.ElementTree as ET
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latune.errors import DataError, LatuneError
from latune.files import DiskFull
from latune.fonts import fitted
from latune.music import GRIDS, Melodies, Melody, Note
from latune.music.reading import read_one
from latune.music.writing import WRITERS, contents, save, save_all
from latune.music.writing.abc import abc
from latune.music.writing.bars import bars_of, is_sign
from latune.music.writing.engraving import _stacked
from latune.music.writing.engraving import svg as score
from latune.music.writing.keys import Key, accidentals, key_of, spell
from latune.music.writing.layout import EDGE, LABEL, TITLE, Field, Page, laid_out
from latune.music.writing.midi import chunk, encode, meta, midi, ticks_for
from latune.music.writing.midi_editing import edit_midi, edited
from latune.music.writing.musicxml import musicxml
from latune.music.writing.own_key import own_key
from latune.music.writing.pianoroll import NOTE, PAPER, WRONG, draw, png, svg
from latune.music.writing.sound import PEAK, RATE, TIMBRES, samples, wav

THIRD = 1 / 3
SCALE = Melody.of([(60 + step, i / 2, 1 / 2) for i, step in enumerate((0, 2, 4, 5, 7, 9, 11, 12))])
TUPLETS = Melody.of(
    [
        (60, 0, 2 / 3), (62, 2 / 3, 2 / 3), (64, 4 / 3, 2 / 3),  # a triplet of quarters
        (65, 2, 1 / 4), (67, 9 / 4, 1 / 12), (69, 7 / 3, 1 / 6), (71, 5 / 2, 1 / 6), (72, 8 / 3, 1 / 12),
        (74, 11 / 4, 1 / 4),
        (60, 3, 1 / 6), (61, 3 + 1 / 6, 1 / 6), (62, 3 + 1 / 3, 1 / 6), (63, 3.5, 0.5),
        (64, 4, THIRD), (65, 4 + 2 * THIRD, THIRD),  # a rest within a triplet
        (66, 5, 0.2), (67, 5.2, 0.2), (68, 5.4, 0.6), (69, 6, 1 / 7), (70, 6 + 1 / 7, 6 / 7),
    ]
)  # fmt: skip
TUNES = {
    "scale": SCALE,
    "tuplets": TUPLETS,
    "ties over bars": Melody.of([(60, 0, 3.5), (61, 3.5, 2), (61, 5.5, 7), (59, 12.5, 1.25)]),
    "silences": Melody.of([(60, 1.75, 0.5), (72, 9, 0.25), (72, 9.5, 1)], length=20),
    "pick-up in 3/4": Melody.of([(67, 2, 1), (72, 3, 2), (71, 5, 0.5), (69, 5.5, 0.5), (67, 6, 3)], metre=(3, 4)),
    "jig": Melody.of(
        [(67 + i % 5, i / 2, 0.5) for i in range(12)] + [(64, 6, 1), (65, 7, 0.5), (66, 7.5, 4)], metre=(6, 8)
    ),
    "5/4": Melody.of([(67, 0.5, 5), (66, 5.5, 2.25), (65, 8, 1.75)], metre=(5, 4)),
    "every pitch": Melody.of([(pitch, i / 4, 1 / 4) for i, pitch in enumerate(range(21, 109))]),
    "accidentals within a bar": Melody.of(
        [(65, 0, 0.5), (66, 0.5, 0.5), (65, 1, 0.5), (77, 1.5, 0.5), (78, 2, 2), (77, 4, 1)]
    ),
    "empty": Melody.of([]),
}  # fmt: skip


def same(found: Melody, expected: Melody) -> bool:
    assert found.notes == [
        Note(note.pitch, pytest.approx(note.start, abs=1e-4), pytest.approx(note.duration, abs=1e-4))
        for note in expected
    ]
    return found == expected


def from_midi(file: bytes) -> Melody:
    symusic = pytest.importorskip("symusic")
    read = symusic.Score.from_midi(file)
    rows = [
        (note.pitch, note.start / read.tpq, note.duration / read.tpq) for track in read.tracks for note in track.notes
    ]
    return Melody.of(rows)


def from_music21(text: str, form: str) -> Melody:
    music21 = pytest.importorskip("music21")
    read = music21.converter.parseData(text, format=form)
    # By pitch, a natural that is written out and the same note without a sign would not be one note.
    notes = read.parts[0].flatten().stripTies(matchByPitch=False).notes
    return Melody.of([(note.pitch.midi, float(note.offset), float(note.duration.quarterLength)) for note in notes])


def measures(seed: int) -> Melody:
    """Three measures with notes on any of their ticks."""
    rng = np.random.default_rng(seed)
    tokens = rng.choice([0, 0, 0, 1, *range(2, 32, 3)], size=(3, 24))
    return GRIDS["measure"].decode(tokens)


# --- MIDI -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TUNES)
def test_midi_keeps_every_note(name: str) -> None:
    assert same(from_midi(midi(TUNES[name])), TUNES[name])


def test_midi_bytes_of_one_note() -> None:
    tune = Melody.of([(60, 0, 1)], length=2, tempo=100, program=24, metre=(6, 8), name="A")
    assert midi(tune, velocity=64) == bytes.fromhex(
        "4d546864 00000006 0001 0002 01e0"
        "4d54726b 00000019 00ff030141 00ff5103 0927c0 00ff5804 06031808 8740ff2f00".replace(" ", "")
    ) + bytes.fromhex("4d54726b 00000016 00ff030141 00c018 00903c40 8360803c00 8360ff2f00".replace(" ", ""))


def test_a_melody_too_long_for_midi_is_an_error() -> None:
    with pytest.raises(DataError, match="too long for MIDI"):
        midi(Melody.of([], length=600_000))


def test_midi_says_tempo_metre_instrument_and_name() -> None:
    symusic = pytest.importorskip("symusic")
    tune = Melody.of([(60, 0, 1)], tempo=90, program=73, metre=(6, 8), name="Ünder")
    read = symusic.Score.from_midi(midi(tune))
    assert [round(tempo.qpm, 3) for tempo in read.tempos] == [90]
    assert [(each.numerator, each.denominator) for each in read.time_signatures] == [(6, 8)]
    assert [(track.name, track.program, track.notes[0].velocity) for track in read.tracks] == [("Ünder", 73, 90)]


def test_midi_takes_finer_ticks_where_notes_need_them() -> None:
    assert [ticks_for(TUNES[name]) for name in ("scale", "tuplets")] == [480, 3360]
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 50, 41))
    played = Melody(np.full(40, 60), times[:-1], np.diff(times))
    assert from_midi(midi(played)) == played


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({"tempo": 0}, "tempos from 3.58"),
        ({"tempo": float("nan")}, "tempos from 3.58"),
        ({"program": 128}, "from 0 to 127. Got 128"),
        ({"metre": (4, 3)}, "Got 4/3"),
        ({"velocity": 0}, "velocity is a whole number from 1 to 127. Got 0"),
        ({"ticks": 0}, "1 to 32767 ticks. Got 0"),
        ({"tempo": "fast"}, "The tempo of a melody is a number of quarter notes a minute. Got 'fast'"),
        ({"metre": "3/4"}, "two whole numbers, as (3, 4). Got '3/4'"),
    ],
)
def test_what_midi_cannot_write(about: dict, told: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=re.escape(told)):
        save(SCALE, tmp_path / "a.mid", **about)
    assert list(tmp_path.iterdir()) == []


# --- editing MIDI -----------------------------------------------------------------------------------------------------


def track(*events: tuple[int, str]) -> bytes:
    """A track of messages in hexadecimal, each some ticks (below 128) after the one before."""
    body = b"".join(bytes([delta]) + bytes.fromhex(message) for delta, message in events)
    return b"MTrk" + struct.pack(">I", len(body)) + body


HEADER = b"MThd" + struct.pack(">IHHH", 6, 1, 3, 96)
TEMPI = track((0, "ff5103 07a120"), (96, "ff5103 0927c0"), (0, "ff2f00"))
BASS = track((0, "c120"), (0, "91 24 50"), (127, "81 24 00"), (0, "ff2f00"))
# Running status, a note that is ended by velocity 0, a pedal, two channels in one track; notes are a little late.
LEAD = track(
    (0, "ff0304 4c656164"), (0, "c018"), (2, "90 3c 64"), (0, "b0 40 7f"), (94, "3c 00".join(["90 ", ""])),
    (1, "40 50"), (0, "92 30 40"), (95, "90 40 00"), (0, "82 30 00"), (0, "ff2f00"),
)  # fmt: skip
OWN = HEADER + TEMPI + LEAD + BASS
OLD = Melody.of([(60, 0, 1), (64, 1, 1)])


def test_edited_midi_replaces_the_notes_of_one_track_alone() -> None:
    symusic = pytest.importorskip("symusic")
    file = edited(OWN, OLD, Melody.of([(60, 0, 1), (65, 1, 0.5), (67, 1.5, 0.5)]))
    assert file.startswith(HEADER + TEMPI) and file.endswith(BASS)  # byte for byte
    read = symusic.Score.from_midi(file)
    lead = next(track for track in read.tracks if track.program == 24)
    assert [(note.pitch, note.start, note.duration, note.velocity) for note in lead.notes] == [
        (60, 2, 94, 0x64),  # both melodies have it: as it was played
        (65, 96, 48, 0x50),  # struck as the note it replaces
        (67, 144, 48, 0x50),
    ]
    assert lead.name == "Lead" and len(lead.controls) == 1
    assert {note.pitch for track in read.tracks for note in track.notes} == {60, 65, 67, 0x30, 0x24}


def test_editing_with_the_same_melody_keeps_every_event() -> None:
    symusic = pytest.importorskip("symusic")
    before, after = (symusic.Score.from_midi(file) for file in (OWN, edited(OWN, OLD, OLD)))
    assert before.tracks == after.tracks and before.tempos == after.tempos


def test_editing_a_part_of_a_melody_and_one_that_begins_later(tmp_path: Path) -> None:
    (tmp_path / "own.mid").write_bytes(OWN)
    late = Melody.of([(64, 0, 1)])
    out = edit_midi(tmp_path / "own.mid", late, Melody.of([(72, 0, 2)]), tmp_path / "new.mid")
    read = from_midi_track(out.read_bytes(), 24)
    assert read == [(60, 2, 94), (72, 97, 192)]  # where the note was found: a hundredth late
    edit_midi(out, Melody.of([(72, 1, 2)]), Melody.of([]), out, start=0)
    assert from_midi_track(out.read_bytes(), 24) == [(60, 2, 94)]


def score_of(path: Path, *tracks: tuple[str, int, list[tuple[float, int]]], metres=((0, 4, 4),)) -> Path:
    """A MIDI file of quarter notes: tracks (name, program, [(start, pitch)])."""
    symusic = pytest.importorskip("symusic")
    score = symusic.Score(96)
    score.tempos.append(symusic.Tempo(0, 120))
    for time, above, below in metres:
        score.time_signatures.append(symusic.TimeSignature(time * 96, above, below))
    for name, program, notes in tracks:
        made = symusic.Track(name, program, False)
        for start, pitch in notes:
            made.notes.append(symusic.Note(round(96 * start), 96, pitch, 80))
        score.tracks.append(made)
    score.dump_midi(str(path))
    return path


def test_of_two_tracks_with_the_same_notes_the_named_one_is_edited(tmp_path: Path) -> None:
    notes = [(i, 60 + i) for i in range(4)]
    path = score_of(tmp_path / "two.mid", ("Piano", 0, notes), ("Flute", 73, notes))
    flute = read_one(path, track="Flute")
    edit_midi(path, flute, Melody.of([(72, 0, 4)]), tmp_path / "new.mid")
    new = (tmp_path / "new.mid").read_bytes()
    assert from_midi_track(new, 0) == [(60 + i, 96 * i, 96) for i in range(4)]
    assert from_midi_track(new, 73) == [(72, 0, 384)]


def test_a_part_after_a_change_of_metre_is_edited_where_it_is(tmp_path: Path) -> None:
    phrase = [(0, 60), (1, 62), (2, 64), (3, 65)]
    notes = [*phrase, (4, 67), (5, 67), (6, 67), *((start + 7, pitch) for start, pitch in phrase)]
    path = score_of(tmp_path / "aba.mid", ("Lead", 24, notes), metres=((0, 4, 4), (4, 3, 4), (7, 4, 4)))
    third = read_one(path, track=3)
    assert (third.name, third.begins) == ("Lead, part 3", 7.0)
    edit_midi(path, third, Melody.of([(72, 0, 4)]), tmp_path / "new.mid")
    after = from_midi_track((tmp_path / "new.mid").read_bytes(), 24)
    assert after == [*((pitch, 96 * start, 96) for start, pitch in notes[:7]), (72, 672, 384)]


def from_midi_track(file: bytes, program: int) -> list[tuple[int, int, int]]:
    symusic = pytest.importorskip("symusic")
    tracks = [track for track in symusic.Score.from_midi(file).tracks if track.program == program]
    return [(note.pitch, note.start, note.duration) for track in tracks for note in track.notes]


def test_a_new_note_ends_the_same_pitch_that_still_sounds() -> None:
    file = edited(OWN, Melody.of([(64, 1, 1)]), Melody.of([(60, 0.75, 1)]), start=0)
    assert from_midi_track(file, 24) == [(60, 2, 70), (60, 72, 96)]


def notes_of(file: bytes) -> list[tuple[int, int, int]]:
    symusic = pytest.importorskip("symusic")
    tracks = symusic.Score.from_midi(file).tracks
    return sorted((note.start, note.pitch, note.end) for track in tracks for note in track.notes)


def test_a_tune_is_edited_beyond_a_change_of_its_instrument(tmp_path: Path) -> None:
    """A file of one track, as keyboards write them: the instrument changes in the middle, a second voice beside it."""
    lead = [(0, "c028"), (0, "90 3c 50"), (96, "80 3c 00"), (0, "c049"), (0, "90 3e 50"), (96, "80 3e 00")]
    lead += [(0, "c028"), (0, "91 30 40"), (0, "90 40 50"), (96, "80 40 00"), (0, "81 30 00"), (0, "ff2f00")]
    (tmp_path / "own.mid").write_bytes(b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + track(*lead))
    own = read_one(tmp_path / "own.mid")
    assert (own.notes, own.program) == ([(60, 0, 1), (62, 1, 1), (64, 2, 1)], 40)
    edit_midi(tmp_path / "own.mid", own, Melody.of([(67, 0, 3)]), tmp_path / "new.mid")
    new = (tmp_path / "new.mid").read_bytes()
    assert notes_of(new) == [(0, 67, 288), (192, 48, 288)]
    assert new.count(bytes.fromhex("c049")) == 1, "the changes of instrument stay"


def test_no_two_notes_of_one_pitch_overlap_after_an_edit() -> None:
    """A chord's note stays; a new one of its pitch ends before it, begins with it in its place, or ends it."""
    chords = [(0, "90 43 50"), (0, "90 40 50"), (96, "80 43 00"), (96, "80 40 00")]
    chords += [(0, "90 45 50"), (0, "90 40 50"), (96, "80 45 00"), (0, "80 40 00"), (0, "ff2f00")]
    file = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + track(*chords)
    old = Melody.of([(67, 0, 1), (69, 2, 1)])
    assert notes_of(edited(file, old, Melody.of([(64, 0.5, 0.5), (64, 1, 2)]))) == [
        (0, 64, 48),  # ended twice over: by the first new note
        (48, 64, 96),
        (96, 64, 192),
        (192, 64, 288),
    ]
    assert notes_of(edited(file, old, Melody.of([(64, 0, 1), (64, 2, 1)]))) == [(0, 64, 96), (192, 64, 288)]


@pytest.mark.parametrize(
    ("file", "old", "told"),
    [
        (b"", OLD, "is not a MIDI file"),
        (b"RIFF" + bytes(40), OLD, "is not a MIDI file"),
        (HEADER, OLD, "no notes"),
        (HEADER + track((0, "ff2f00")), OLD, "no notes"),
        (OWN, SCALE, "at best 1 of its 8 notes"),
        (HEADER + track((0, "90 3c")), OLD, "breaks off"),
        (b"MThd" + struct.pack(">IHHh", 6, 1, 1, -7400) + LEAD, OLD, "frames of film"),
    ],
)
def test_midi_that_cannot_be_edited(file: bytes, old: Melody, told: str, tmp_path: Path) -> None:
    (tmp_path / "own.mid").write_bytes(file)
    with pytest.raises(DataError, match=told):
        edit_midi(tmp_path / "own.mid", old, SCALE, tmp_path / "new.mid")
    assert [path.name for path in tmp_path.iterdir()] == ["own.mid"]


def test_editing_a_file_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no file"):
        edit_midi(tmp_path / "none.mid", OLD, OLD, tmp_path / "new.mid")


# --- notation ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TUNES)
def test_musicxml_opens_in_music21_with_the_same_notes(name: str) -> None:
    assert same(from_music21(musicxml(TUNES[name]), "musicxml"), TUNES[name])


@pytest.mark.parametrize("name", TUNES)
def test_abc_opens_in_music21_with_the_same_notes(name: str) -> None:
    assert same(from_music21(abc(TUNES[name]), "abc"), TUNES[name])


@pytest.mark.parametrize("seed", range(6))
def test_notes_on_any_tick_of_a_measure_are_notated(seed: int) -> None:
    tune = measures(seed)
    assert len(tune) > 15
    assert same(from_music21(musicxml(tune), "musicxml"), tune)
    assert same(from_music21(abc(tune), "abc"), tune)
    assert same(from_midi(midi(tune)), tune)


@pytest.mark.parametrize("name", ["bwv66.6", "bwv7.7", "bwv26.6", "altdeu10", "irl"])
def test_tunes_of_the_corpus_survive_all_formats(name: str) -> None:
    music21 = pytest.importorskip("music21")
    work = music21.corpus.parse(name) if name.startswith("bwv") else music21.corpus.parse(name, number=1)
    part = work.parts[0].flatten().stripTies(matchByPitch=False)
    rows = [(note.pitch.midi, float(note.offset), float(note.quarterLength)) for note in part.notes if not note.isChord]
    metre = part.getElementsByClass("TimeSignature").first()
    tune = Melody.of(rows, metre=(metre.numerator, metre.denominator))
    assert len(tune) > 20
    for found in (
        from_midi(midi(tune)), from_music21(musicxml(tune), "musicxml"), from_music21(abc(tune), "abc")
    ):  # fmt: skip
        assert same(found, tune)


@pytest.mark.parametrize("name", TUNES)
def test_bars_are_full_and_every_piece_has_a_sign(name: str) -> None:
    tune = TUNES[name]
    for bar in bars_of(tune):
        assert float(sum(piece.duration for piece in bar)) == tune.bar
        now = 0
        for piece in bar:
            assert piece.start == now
            assert is_sign(piece.value) or len(bar) == 1
            n, m = piece.tuplet[:2] if piece.tuplet else (1, 1)
            assert piece.value * m == piece.duration * n
            now += piece.duration


def test_syncopation_is_tied_where_the_bar_has_its_middle() -> None:
    tune = Melody.of([(60, 0, 1.5), (62, 1.5, 1), (64, 2.5, 1.5)])
    assert [(str(piece.value), piece.tied) for piece in bars_of(tune)[0]] == [
        ("3/2", False), ("1/2", True), ("1/2", False), ("3/2", False),
    ]  # fmt: skip


def test_abc_text() -> None:
    tune = Melody.of(
        [(62, 0, 0.5), (66, 0.5, 0.5), (65, 1, 0.5), (66, 1.5, 0.5), (69, 2, THIRD), (71, 2 + THIRD, THIRD),
         (73, 2 + 2 * THIRD, THIRD), (74, 3.5, 2)],
        name="Test", tempo=96, program=73, length=8,
    )  # fmt: skip
    assert abc(tune, key="D major").splitlines() == [
        "X:1", "T:Test", "M:4/4", "L:1/8", "Q:1/4=96", "%%MIDI program 73", "K:D",
        "DF=F^F (3ABc z d- | d3 z z4 |]",
    ]  # fmt: skip


def test_keys_and_the_names_of_notes() -> None:
    scales = {"G major": 1, "F": -1, "B minor": 2, "E dorian": 2, "Bb": -2, "C# major": 7, "A harmonic minor": 0}
    assert {name: key_of(SCALE, name).fifths for name in scales} == scales
    assert key_of(SCALE.transposed(3), "auto").fifths == -3
    assert [tuple(spell(70, fifths)) for fifths in (0, 3)] == [("B", -1, 4), ("A", 1, 4)]
    assert tuple(spell(59, -7)) == ("C", -1, 4) and tuple(spell(72, 7)) == ("B", 1, 4)
    steps = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
    for fifths in range(-7, 8):
        for pitch in range(128):
            letter, alter, octave = spell(pitch, fifths)
            assert steps[letter] + alter + 12 * (octave + 1) == pitch and abs(alter) <= 1
    with pytest.raises(DataError, match="no key 'H major'"):
        key_of(SCALE, "H major")
    with pytest.raises(DataError, match="8 accidentals"):
        key_of(SCALE, "G# major")


def test_the_key_that_is_found_needs_the_fewest_accidentals() -> None:
    for shift in range(12):
        tune = SCALE.transposed(shift)
        found = key_of(tune, "auto").fifths
        assert accidentals(tune, found) == 0 and abs(found) <= 6 and (found * 7 - shift) % 12 == 0
    chromatic = Melody.of([(60 + i % 12, i, 1) for i in range(48)])
    assert key_of(chromatic, "auto").fifths == 0, "no remote key for a sign or two"
    tune = SCALE.transposed(7)
    assert "K:G\n" in abc(tune) and "<fifths>1</fifths>" in musicxml(tune) and "accidental" not in musicxml(tune)
    assert key_of(tune, Key(-3)) == Key(-3)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("G", Key(1, "G", "major")), ("Am % a comment", Key(0, "A", "minor")), ("Bb", Key(-2, "Bb", "major")),
        ("Gmix", Key(0, "G", "mixolydian")), ("F# minor", Key(3, "F#", "minor")), ("Hp", Key(2)), ("none", None),
        ("D ^g", Key(3)), ("D ^d", None), ("", None),
    ],
)  # fmt: skip
def test_the_key_of_a_tune_in_abc(words: str, expected: Key | None, tmp_path: Path) -> None:
    path = tmp_path / "tune.abc"
    path.write_text(f"X:1\nM:4/4\nK:E\nCDEF|\n\nX:2\nM:4/4\nL:1/4\nK:{words}\nCDEF|\nK:Ab\nCDEF|\n")
    assert own_key(path, 2) == expected
    if expected is not None and expected.tonic:
        again = read_one(path, track=2).save(tmp_path / "again.abc", key=expected)
        assert own_key(again) == expected


def test_the_key_of_midi_and_musicxml(tmp_path: Path) -> None:
    track = lambda events: chunk(b"MTrk", encode(events, 1920))  # noqa: E731
    note = [(0, b"\x90\x3c\x40"), (480, b"\x80\x3c\x00")]
    for sharps, minor, expected in ((1, 0, Key(1, "G", "major")), (-3, 1, Key(-3, "C", "minor")), (0, 0, None)):
        content = track([(0, meta(0x59, struct.pack("bB", sharps, minor))), *note])
        path = tmp_path / "tune.mid"
        path.write_bytes(chunk(b"MThd", struct.pack(">HHH", 0, 1, 480)) + content)
        assert own_key(path) == expected
    assert own_key(SCALE.save(tmp_path / "none.mid")) is None
    score = SCALE.save(tmp_path / "tune.musicxml", key="E dorian")
    assert own_key(score) == Key(2, "E", "dorian")
    with zipfile.ZipFile(tmp_path / "tune.mxl", "w") as packed:
        packed.writestr("META-INF/container.xml", "<container/>")
        packed.write(score, "tune.musicxml")
    assert own_key(tmp_path / "tune.mxl") == Key(2, "E", "dorian")
    score.write_text(
        score.read_text().replace("<divisions>", "<transpose><chromatic>-2</chromatic></transpose><divisions>")
    )
    assert own_key(score) is None and own_key(score, 7) is None
    score.write_text("<nothing")
    assert own_key(score) is None


def test_times_without_a_sign_are_an_error_or_snapped() -> None:
    played = Melody.of([(60, 0.013, 0.48), (62, 0.51, 0.5)])
    for write in (musicxml, abc):
        with pytest.raises(DataError, match=r"starts or ends at 0\.013.*snap=12"):
            write(played)
    assert from_music21(abc(played, snap=12), "abc") == Melody.of([(60, 0, 0.5), (62, 0.5, 0.5)])
    with pytest.raises(DataError, match="3360 is a multiple"):
        abc(played, snap=9)
    with pytest.raises(DataError, match="at most 10000"):
        abc(Melody.of([(60, 50_000, 1)]))
    with pytest.raises(DataError, match="Got 4/3"):
        musicxml(Melody.of([], metre=(4, 3)))


def test_musicxml_is_well_formed_and_tells_what_it_is() -> None:
    tune = Melody.of([(60, 0, 1), (61, 1, 3)], name="<&>", program=40, tempo=77, metre=(4, 4))
    root = ET.fromstring(musicxml(tune, key="F minor", rule="C major"))
    assert root.findtext("work/work-title") == "<&>"
    assert root.findtext(".//midi-program") == "41"
    assert root.find(".//sound").get("tempo") == "77"
    assert (root.findtext(".//fifths"), root.findtext(".//mode")) == ("-4", "minor")
    assert [note.get("color") for note in root.iter("note")] == [None, WRONG]
    assert [accidental.text for accidental in root.iter("accidental")] == []  # Db is in the signature
    assert root.findtext("part/measure/note[2]/pitch/step") == "D"


# --- engraved ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["scale", "tuplets", "jig", "empty"])
def test_engraved_scores_hold_every_note(name: str) -> None:
    pytest.importorskip("verovio")
    tune = TUNES[name]
    root = ET.fromstring(score(tune))
    pieces = sum(piece.note is not None for bar in bars_of(tune) for piece in bar)
    assert sum("note" in each.get("class", "").split() for each in root.iter()) == pieces
    assert sum("measure" in each.get("class", "").split() for each in root.iter()) == len(bars_of(tune))
    assert root.get("viewBox").startswith("0 0 900 ")


def test_engraved_scores_break_into_systems_and_mark_the_rule() -> None:
    pytest.importorskip("verovio")
    tune = Melody.of([(60 + i % 12, i / 2, 0.5) for i in range(128)])
    text = score(tune, rule="C major")
    assert text.count('class="system"') > 3
    assert text.count(WRONG) >= 128 * 5 // 12
    assert score(tune, rule="C major") == text  # the same bytes every time
    ids = set(re.findall(r'\bid="([^"]*)"', text))
    assert not ids & set(re.findall(r'\bid="([^"]*)"', score(SCALE)))  # two may stand on one page
    with pytest.raises(DataError, match="100 to 20000 pixels"):
        score(tune, width=10)


def test_scores_are_engraved_in_any_thread() -> None:
    pytest.importorskip("verovio")
    drawn = [score(SCALE)]
    for _ in range(2):  # a thread each: only the one that imported verovio knew where its fonts are
        thread = threading.Thread(target=lambda: drawn.append(score(SCALE)))
        thread.start()
        thread.join()
    assert drawn == [drawn[0]] * 3


def test_pages_of_a_score_stand_below_each_other() -> None:
    page = '<svg width="900" viewBox="0 0 900 120" color="black"><g/></svg>'
    root = ET.fromstring(_stacked([page.replace('width="900" ', ""), page.replace('width="900" ', "")], "two"))
    assert root.get("viewBox") == "0 0 900 240"
    assert [each.get("y") for each in root] == ["0", "120"] and root[0].get("color") is None


def test_without_verovio_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("verovio", "music21", "symusic"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(LatuneError, match=re.escape('pip install "latune[music]"')):
        save(SCALE, tmp_path / "a.svg")
    for ending in set(WRITERS) - {".svg"}:
        assert save(SCALE, tmp_path / f"a{ending}").stat().st_size > 50


# --- sound ------------------------------------------------------------------------------------------------------------


def heard(file: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(file)) as sound:
        assert (sound.getframerate(), sound.getsampwidth()) == (RATE, 2)
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2").reshape(-1, sound.getnchannels())


def strongest(sound: np.ndarray) -> float:
    """The frequency with the most power, to a tenth of a hertz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 10 * RATE))
    return spectrum.argmax() / 10


@pytest.mark.parametrize("program", range(0, 128, 8))
def test_a4_sounds_at_440_hertz_for_every_family(program: int) -> None:
    sound = heard(wav(Melody.of([(69, 0, 2)], program=program)))
    assert len(sound) == RATE + round(TIMBRES[program // 8].release * RATE)
    assert strongest(sound[:RATE, 0]) == pytest.approx(440, abs=0.5)
    assert np.abs(sound.astype(int)).max() == round(PEAK * 32767)
    assert sound[0] == 0 and abs(int(sound[-1, 0])) <= 1


@pytest.mark.parametrize("pitch", [21, 60, 100, 108, 127])
def test_frequencies_are_equal_tempered_and_nothing_folds_back(pitch: int) -> None:
    sound = samples(Melody.of([(pitch, 0, 4)], program=56))
    true = 440 * 2 ** ((pitch - 69) / 12)
    spectrum = np.abs(np.fft.rfft(sound[RATE // 2 : 3 * RATE // 2] * np.hanning(RATE)))  # 1 Hz each
    assert spectrum[: round(0.9 * true)].max() < 0.01 * spectrum.max()


def test_notes_begin_at_the_right_sample_and_silence_is_silent() -> None:
    tune = Melody.of([(60, 1, 1), (67, 4.5, 0.5)], tempo=90, length=8)
    sound = samples(tune)
    release = round(TIMBRES[0].release * RATE)
    first, second = round(1 * 60 / 90 * RATE), round(4.5 * 60 / 90 * RATE)
    assert len(sound) == round(8 * 60 / 90 * RATE) + release
    assert not sound[: first + 1].any() and sound[first + 1] != 0
    over = round(2 * 60 / 90 * RATE) + release
    assert not sound[over : second + 1].any() and sound[second + 1] != 0
    assert not sound[round(5 * 60 / 90 * RATE) + release :].any()
    assert not samples(Melody.of([], length=4)).any() and len(samples(Melody.of([], length=4))) == 2 * RATE + release


def test_sound_has_no_clicks_and_never_clips() -> None:
    fast = Melody.of([(48 + 7 * i % 40, i / 8, 1 / 8) for i in range(48)], tempo=200)
    for program in range(0, 128, 8):
        sound = samples(Melody(fast.pitches, fast.starts, fast.durations, tempo=200, program=program))
        assert np.abs(sound).max() == pytest.approx(PEAK)
    low = samples(Melody.of([(45, 0, 1), (45, 1, 1)], program=40))  # 110 Hz: the steepest sine rises by 0.016 a sample
    assert np.abs(np.diff(low)).max() < 0.16


@pytest.mark.parametrize(
    ("about", "told"),
    [({"tempo": 0}, "above 0. Got 0"), ({"program": 200}, "Got 200"), ({"tempo": 0.01}, "at most 600")],
)
def test_what_cannot_be_played(about: dict, told: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=told):
        save(SCALE, tmp_path / "a.wav", **about)
    assert list(tmp_path.iterdir()) == []


def test_a_soundfont_of_the_user_plays(soundfont: Path) -> None:
    pytest.importorskip("symusic")
    sound = heard(wav(Melody.of([(69, 0, 2), (81, 2, 2)]), soundfont=soundfont))
    assert sound.shape[1] == 2 and np.abs(sound.astype(int)).max() == round(PEAK * 32767)
    assert strongest(sound[2000:RATE, 0]) == pytest.approx(441, abs=1)
    assert strongest(sound[RATE + 2000 : 2 * RATE, 0]) == pytest.approx(882, abs=1)


def test_soundfonts_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("symusic")
    with pytest.raises(DataError, match="There is no soundfont at"):
        save(SCALE, tmp_path / "a.wav", soundfont=tmp_path / "none.sf2")
    (tmp_path / "bad.sf2").write_bytes(b"nothing of the kind")
    with pytest.raises(DataError, match="cannot be used as a soundfont"):
        save(SCALE, tmp_path / "a.wav", soundfont=tmp_path / "bad.sf2")
    monkeypatch.setitem(sys.modules, "symusic", None)
    with pytest.raises(LatuneError, match="Soundfonts are played by symusic"):
        save(SCALE, tmp_path / "a.wav", soundfont=tmp_path / "bad.sf2")


# --- piano-rolls ------------------------------------------------------------------------------------------------------


def pixels(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


@pytest.mark.parametrize(
    "rule", ["C major", {0, 2, 4, 5, 7, 9, 11}, lambda note: note.pitch % 12 in (0, 2, 4, 5, 7, 9, 11)]
)
def test_exactly_the_notes_that_break_the_rule_are_red(rule) -> None:
    tunes = [Melody.of([(60 + i, i / 2, 0.5) for i in range(12)]), Melody.of([(61, 0, 6)]), Melody.of([(62, 0, 6)])]
    image = pixels(png(tunes, columns=2, rule=rule, labels=["a", "b", "c"]))
    layout = laid_out(tunes, 2)
    field = layout.field
    assert layout.columns == 2
    expected = {NOTE: np.zeros(image.shape[:2], bool), WRONG: np.zeros(image.shape[:2], bool)}
    for i, tune in enumerate(tunes):
        left, top = EDGE + LABEL + (i % 2) * (field.width + 14), EDGE + (i // 2) * (field.height + TITLE + 14) + TITLE
        for note in tune:
            a, b, c, d = field.box(note)
            colour = NOTE if note.pitch % 12 in (0, 2, 4, 5, 7, 9, 11) else WRONG
            expected[colour][top + b : top + d + 1, left + a : left + c + 1] = True
    for colour, where in expected.items():
        assert np.array_equal((image == rgb(colour)).all(-1), where)


def test_a_picture_of_one_bar_and_of_sixteen() -> None:
    bar = Melody.of([(60, 0, 1), (72, 1, 3)])
    image = pixels(png([bar]))
    field = laid_out([bar]).field
    assert (field.low, field.high, field.across, field.row) == (59, 73, 96, 10)
    assert image.shape == (field.height + 2 * EDGE, LABEL + 4 * 96 + 1 + 2 * EDGE, 3)
    assert (image == rgb(NOTE)).all(-1).sum() == sum((c - a + 1) * (d - b + 1) for a, b, c, d in map(field.box, bar))
    assert tuple(image[0, 0]) == rgb(PAPER)
    long = Melody.of([(48 + i % 30, i / 4, 1 / 4) for i in range(256)])
    field = laid_out([long]).field
    boxes = [field.box(note) for note in long]
    assert all(first[2] < second[0] - 1 for first, second in pairwise(boxes))  # each note by itself
    assert field.width <= 921
    assert np.array_equal(image, pixels(bar.png()))


TUNE = Melody.of([(60 + (7 * i) % 12, i, 1.0) for i in range(400)])  # a hundred bars
HELD = Melody.of([(60, 0, 31), (64, 31, 3), (67, 34, 366)])  # the second note goes on in the second row


@pytest.mark.parametrize("staves", [False, True])
@pytest.mark.parametrize("sharp", [1, 2])
def test_long_tunes_go_on_in_rows_of_eight_bars(staves: bool, sharp: int) -> None:
    tunes = [TUNE, HELD]
    image = pixels(png(tunes, staves=staves, labels=["a", "b"], sharp=sharp))
    layout = laid_out(tunes, labels=["a", "b"])
    assert layout.starts == [32.0 * i for i in range(13)] and layout.field.across >= 24
    page, field = Page(layout, 2, staves), layout.field.sharp(sharp)
    assert image.shape == (page.height * sharp, page.width * sharp, 3)
    expected = np.zeros(image.shape[:2], bool)
    for i, start, left, top in page.rows():
        for note in tunes[i]:
            begin, end = max(note.start, start), min(note.start + note.duration, start + 32)
            if begin < end:
                a, b, c, d = field.box(Note(note.pitch, begin - start, end - begin))
                expected[top * sharp + b : top * sharp + d + 1, left * sharp + a : left * sharp + c + 1] = True
    assert np.array_equal((image == rgb(NOTE)).all(-1), expected)
    order = [i for i, *_ in sorted(page.rows(), key=lambda row: row[3])]
    assert order == ([0, 1] * 13 if staves else [0] * 13 + [1] * 13)


def test_bars_of_rows_are_numbered() -> None:
    """Above the first row of a hundred bars stand eight numbers; above four bars, which fit, none."""
    (_, _, left, top), *_ = Page(laid_out([TUNE]), 1).rows()
    field = laid_out([TUNE]).field
    strip = (pixels(png([TUNE]))[top - 12 : top - 1, left:] < 200).any((0, 2))
    edges = [field.x(4.0 * bar) for bar in range(8)]
    assert all(strip[edge : edge + 12].any() and not strip[edge + 24 : edge + 90].any() for edge in edges)
    assert Page(laid_out([SCALE]), 1).numbers == 0


@pytest.mark.parametrize("staves", [False, True])
def test_titles_stand_above_the_numbers_of_bars(staves: bool) -> None:
    page = Page(laid_out([TUNE, HELD], labels=["a", "b"]), 2, staves)
    fields = {i: sorted(top for which, _, _, top in page.rows() if which == i) for i in (0, 1)}
    places = [(i, top) for i, (_, top) in page.labels()]
    above = {i: TITLE + (page.numbers if page.is_numbered(i) else 0) for i in (0, 1)}
    rows = 13 if staves else 1
    assert sorted(places) == [(i, top - above[i]) for i in (0, 1) for top in fields[i][:rows]]
    assert above == ({0: 32, 1: 18} if staves else {0: 32, 1: 32})


def test_rows_and_columns_as_they_are_asked_for() -> None:
    assert laid_out([TUNE], bars=16).starts == [64.0 * i for i in range(7)]
    assert laid_out([TUNE], across=4).starts == [0.0]
    assert laid_out([TUNE.cut(0, 64)]).starts == [0.0]  # sixteen bars are read in one row
    many = laid_out([SCALE] * 20, columns=10)
    assert Page(many, 20).width <= 1700 and many.field.across == 39
    assert Page(laid_out([SCALE] * 8, columns=4, width=1000), 8).width in range(990, 1001)
    for settings, told in (
        ({"bars": 0}, "1 or more. Got 1, None and 0"),
        ({"columns": 2, "heads": ["a"]}, "one of heads for each of 2 columns. Got 1"),
        ({"columns": 2, "staves": True}, "columns=1. Got 2"),
    ):
        with pytest.raises(DataError, match=told):
            png([SCALE, SCALE], **settings)


def test_words_of_labels_stand_apart() -> None:
    """Between the letters of a word lie at most two columns of paper, between two words three or more."""
    image = pixels(png([SCALE], labels=["as in C"]))
    ink = (image[EDGE : EDGE + TITLE - 2] < 128).any((0, 2)).nonzero()[0]
    gaps = np.diff(ink) - 1
    assert sorted(gaps)[-2] >= 3 and sorted(gaps)[-3] <= 2
    assert fitted("in C major", 40) == "in C..."


def test_pitches_that_are_not_shown_and_pictures_that_cannot_be() -> None:
    image = pixels(png([SCALE], pitches=(72, 84)))
    field = Field(72, 84, 4.0, 96, 10)
    assert (image == rgb(NOTE)).all(-1).any(1).sum() == field.box(Note(72, 0, 1))[3] - field.box(Note(72, 0, 1))[1] + 1
    for settings, told in (
        ({"columns": 0}, "1 or more. Got 0"),
        ({"labels": ["a", "b"]}, "one label for each of 1"),
        ({"pitches": (70, 60)}, "Got 70 to 60"),
        ({"across": 40_000_000}, "A melody would be a picture of 160,000,043 x 162 pixels, at most 64,000,000"),
        ({"rule": "H major"}, "no scale 'H major'"),
    ):
        with pytest.raises(DataError, match=told):
            png([SCALE], **settings)
    with pytest.raises(DataError, match="no melodies to show"):
        png([])
    for tune in (
        Melody.of([]),
        Melody.of([(0, 0, 1)]),
        Melody.of([(127, 0, 1), (0, 1, 1)]),
        Melody.of([(60, 9999, 1)]),
    ):
        assert pixels(png([tune])).shape[2] == 3


def test_piano_roll_as_svg() -> None:
    root = ET.fromstring(svg(TUPLETS, rule="C major", label='"Tuplets"'))
    kinds = [each.get("class") for each in root.iter("{http://www.w3.org/2000/svg}rect") if each.get("class")]
    wrong = [note.pitch % 12 not in (0, 2, 4, 5, 7, 9, 11) for note in TUPLETS]
    assert kinds == ["note wrong" if each else "note" for each in wrong]
    assert root.get("aria-label") == '"Tuplets"'


def test_piano_roll_on_axes() -> None:
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    draw(ax, Melody.of([(60, 0, 1), (61, 1, 2)]), rule="C major")
    red, blue = (
        [patch for patch in ax.patches if patch.get_facecolor()[:3] == pytest.approx([c / 255 for c in rgb(colour)])]
        for colour in (WRONG, NOTE)
    )
    assert [len(red), len(blue)] == [1, 1]
    assert (red[0].get_y(), red[0].get_width()) == (pytest.approx(60.6), pytest.approx(2, abs=0.02))
    assert ax.get_xlim() == (0, 3)


# --- files ------------------------------------------------------------------------------------------------------------


def test_every_ending_is_written_and_settings_of_the_melody_apply(tmp_path: Path) -> None:
    for ending in WRITERS:
        if ending == ".svg":
            pytest.importorskip("verovio")
        path = SCALE.save(tmp_path / "new folder" / f"tune{ending.upper()}")
        assert path == tmp_path / "new folder" / f"tune{ending.upper()}" and path.stat().st_size > 50
    slow = save(SCALE, tmp_path / "slow.wav", tempo=60, program=16)
    assert len(heard(slow.read_bytes())) == 4 * RATE + round(TIMBRES[2].release * RATE)
    assert "T:Named" in save(SCALE, tmp_path / "named.abc", name="Named", key=None).read_text()


def test_endings_and_settings_that_are_not_allowed(tmp_path: Path) -> None:
    for name in ("tune.mp3", "tune"):
        with pytest.raises(DataError, match=r"one of \.mid, \.midi, \.musicxml, \.xml, \.abc, \.png, \.svg, \.wav"):
            save(SCALE, tmp_path / name)
    with pytest.raises(DataError, match=r"Unknown setting 'tempi' of \.mid files\. Did you mean 'tempo'\?"):
        save(SCALE, tmp_path / "a.mid", tempi=3)
    with pytest.raises(DataError, match=r"Unknown setting 'rule' of \.mid files"):
        save_all([SCALE, SCALE], tmp_path / "a.mid", rule="C major")
    with pytest.raises(DataError, match=r"Unknown setting 'key' of \.mid and \.png files"):
        save_all([SCALE], tmp_path / "folder", key=None)
    with pytest.raises(DataError, match="no melodies to save"):
        save_all([], tmp_path / "a.mid")
    assert list(tmp_path.iterdir()) == []


def test_many_melodies(tmp_path: Path) -> None:
    tunes = Melodies(np.tile([7, 0, 0, 0, 0, 0], (3, 2, 4)), GRIDS["measure"], tempo=90)
    assert tunes.save(tmp_path / "sheet.png", rule="C major") == tmp_path / "sheet.png"
    assert (tmp_path / "sheet.png").read_bytes() == tunes.png(rule="C major")
    assert tunes.save(tmp_path / "tune.mid") == tmp_path / "tune-00.mid"
    assert sorted(path.name for path in tmp_path.glob("*.mid")) == [f"tune-0{i}.mid" for i in range(6)]
    assert from_midi((tmp_path / "tune-05.mid").read_bytes()) == tunes.flat()[5]
    assert tunes[0, :1].save(tmp_path / "one.abc") == tmp_path / "one.abc"
    assert save_all([SCALE, TUPLETS], tmp_path / "all", rule="C major", tempo=100) == tmp_path / "all"
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["00.mid", "00.png", "01.mid", "01.png"]
    (tmp_path / "v1.2").mkdir()
    assert save_all([SCALE], tmp_path / "v1.2") == tmp_path / "v1.2" and (tmp_path / "v1.2" / "00.png").exists()


def test_nothing_is_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(SCALE, tmp_path / "tune.mid")
    before = path.read_bytes()

    def full(*_) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for ending in (".mid", ".abc", ".png", ".wav"):
        with pytest.raises(DiskFull, match="No room left"):
            save(TUPLETS, tmp_path / f"tune{ending}")
    assert path.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == ["tune.mid"]


def test_contents_are_what_files_hold(tmp_path: Path) -> None:
    path = save(SCALE, tmp_path / "tune.abc", key="F major")
    assert contents(SCALE, ".abc", {"key": "F major"}) == path.read_bytes()


# --- melodies ---------------------------------------------------------------------------------------------------------


def test_what_a_melody_is_made_of_stays_the_callers_own() -> None:
    pitches = np.array([60, 62])
    melody = Melody(pitches, np.array([0.0, 1.0]), np.array([1.0, 1.0]))
    pitches[0] = 1
    assert melody.pitches.tolist() == [60, 62]
    with pytest.raises(DataError, match=r"Pitches are whole MIDI numbers. Got \[60.9\]"):
        Melody(np.array([60.9]), np.array([0.0]), np.array([1.0]))

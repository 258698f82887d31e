"""Reading melodies: ABC, MIDI and MusicXML as they are played, and files that cannot be read."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from latune.errors import DataError
from latune.music import Melody
from latune.music.reading import TuneError, bach_sopranos, read, read_folder, read_one, tune_of, tunes_of
from latune.music.reading.abc import read_tune, split_book
from latune.music.reading.chunks import sound
from latune.music.reading.corpus import book_files, chorale_files, read_soprano
from latune.music.reading.played import read_song
from latune.music.reading.processes import Job, read_all
from latune.music.reading.voice import highest

HEAD = "X:1\nT:A tune\nM:4/4\nL:1/4\nK:C\n"


def abc(body: str, head: str = HEAD) -> Melody:
    tune = read_tune(head + body)
    assert tune.melody is not None, tune.told
    return tune.melody


def pitches(body: str, head: str = HEAD) -> list[int]:
    return abc(body, head).pitches.tolist()


# --- ABC --------------------------------------------------------------------------------------------------------------


def test_abc_notes_lengths_and_octaves():
    tune = abc("C,C c c'|z A/B/ c3/2 d/|")
    assert tune.pitches.tolist() == [48, 60, 72, 84, 69, 71, 72, 74]
    assert tune.starts.tolist() == [0, 1, 2, 3, 5, 5.5, 6, 7.5]
    assert tune.durations.tolist() == [1, 1, 1, 1, 0.5, 0.5, 1.5, 0.5]
    assert tune.name == "A tune"
    assert tune.metre == (4, 4)


def test_abc_broken_rhythm_tuplets_and_grace_notes():
    tune = abc('"Am"A>B c<d|(3ABc {ab}d z|')
    assert tune.durations.tolist() == pytest.approx([1.5, 0.5, 0.5, 1.5, 2 / 3, 2 / 3, 2 / 3, 1])


def test_abc_accidentals_hold_to_the_end_of_the_bar_and_over_a_tie():
    assert pitches("F^FFf|F=F ^c2-|c c2 c|", "X:1\nM:4/4\nL:1/4\nK:C\n") == [65, 66, 66, 78, 65, 65, 73, 72, 72]
    assert abc("^c4-|c4|").notes == [(73, 0.0, 8.0)]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("G", [66, 72]),
        ("Dm", [65, 72]),
        ("A Mixolydian", [66, 73]),
        ("Hp", [66, 73]),
        ("Ebmaj", [65, 72]),
        ("C#", [66, 73]),
    ],
)
def test_abc_keys(key, expected):
    assert pitches("F2 c2|", f"X:1\nM:4/4\nL:1/4\nK:{key}\n") == expected


def test_abc_repeats_and_endings():
    assert pitches("|:C4|D4:|E4|") == [60, 62, 60, 62, 64]
    assert pitches("|:C4|1D4:|2E4||F4|") == [60, 62, 60, 64, 65]
    assert pitches("C4|[1D4:|[2E4|]") == [60, 62, 60, 64]
    assert pitches("C4|D4::E4:|") == [60, 62, 60, 62, 64, 64]
    assert pitches("A4||C4|D4:|") == [69, 60, 62, 60, 62]  # back to the double bar line


def test_a_pickup_has_silence_before_it_and_bars_line_up_after_a_repeat():
    tune = abc("G|:C4|D3:|E|F4|G3|")
    assert tune.starts.tolist()[:2] == [3, 4]
    assert tune.length % 4 == 0
    tune = abc("|:G|C4|D3:|")
    assert tune.starts.tolist() == [3, 4, 8, 11, 12, 16]


def test_a_wrapped_line_and_a_book_of_which_one_tune_is_broken():
    assert pitches("C2 D\n2|E4|") == [60, 62, 64]
    book = split_book("Some words\n" + HEAD + "C4|\n\n" + HEAD + "C5|D4|\n\n" + HEAD + "E4|\n")
    found = [read_tune(each, i) for i, each in enumerate(book, 1)]
    assert [tune.reason for tune in found] == ["", "a broken bar", ""]


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("%%MIDI program 40", 40),
        ("%%MIDI program 1 41", 41),
        ("%%MIDI program 2 41", 0),  # of another channel
        ("%%MIDI channel 3\n%%MIDI program 3 42", 42),
        ("%%MIDI program 43\n%%MIDI program 44 % the last one", 44),
        ("I:MIDI program 45", 45),
        ("%%MIDI program 46 ?", 0),
        ("%%MIDI gchord fzczfzcz", 0),
    ],
)
def test_abc_has_the_instrument_that_is_said_before_its_notes(line, program):
    assert abc("C4|", HEAD.replace("K:", f"{line}\nK:")).program == program
    assert abc(f"{line}\nC4|").program == program
    assert abc(f"C4|\n{line}\nD4|").program == 0


def test_abc_with_an_instrument_that_is_none_says_so():
    tune = read_tune(HEAD + "%%MIDI program 128\nC4|")
    assert tune.remarks == ("instruments left out, since programs go from 0 to 127: 128",)


def test_a_comment_among_the_notes_of_abc_does_not_end_the_tune():
    assert pitches("C4|\n% the second line\nD4|\n%%vskip 1\nE4|\n\nF4|") == [60, 62, 64]


@pytest.mark.parametrize("ending", [".abc", ".mid", ".musicxml"])
def test_every_instrument_comes_back(tmp_path, ending):
    if ending != ".abc":
        pytest.importorskip("symusic" if ending == ".mid" else "music21")
    tune = Melody.of([(60, 0, 1), (64, 1, 3)])
    path = tmp_path / f"a{ending}"
    found = [read_one(tune.save(path, program=program)) for program in range(128)]
    assert [melody.program for melody in found] == list(range(128))
    assert all(melody == tune for melody in found), "whatever it is, it sounds where it is written"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HEAD + "CDE|FGAB|c4|", ""),  # a pick-up
        (HEAD + "CDEF|GA|Bcde|", "a broken bar"),
        (HEAD + "CDEFG|c4|", "a broken bar"),
        (HEAD + "[CE]D E F|", "chords"),
        (HEAD + "V:1\nC4|\nV:2\nE4|\n", "several voices"),
        (HEAD + "C4&E4|", "several voices"),
        (HEAD + "C4|\nM:3/4\nD3|\n", "a metre that changes"),
        (HEAD + "C4|[M:3/4]D3|\n", "a metre that changes"),
        (HEAD + 'C4|"D.C."D4|', "a jump"),
        (HEAD + "C4|1D4:|", "repeats that do not fit"),
        (HEAD + "z4|", "no notes"),
        (HEAD + "C4|what? is this|", "text that is no ABC"),
        ("X:1\nM:none\nK:C\nC4|", "no metre"),
        ("X:1\nM:4/4\nK:H\nC4|", "a key that is none"),
        (HEAD + "C" * 200_001, "too long"),
        (HEAD + "|:" + "C4|" * 3000 + ":|", "too long"),
    ],
)
def test_abc_that_cannot_be_read_has_a_reason(text, reason):
    assert read_tune(text).reason == reason


def test_a_bar_that_is_not_full_is_named(tmp_path):
    path = tmp_path / "a.abc"
    path.write_text("A book\r\n\r\n" + HEAD + "C4|\n\n" + HEAD + "C|CDEF|\n% twice\n|:G2\nA2|1BAG|Bcd:|2c4|\n")
    assert tunes_of(path)[1].told == "Bar 4 (line 18) has 3 quarter notes; a full one has 4."
    path.write_text(HEAD + "C4|CDEFG|\n")
    with pytest.raises(TuneError, match=r"a\.abc: Bar 2 \(line 6\) has 5 quarter notes; a full one has 4\."):
        read_one(path)


def test_abc_against_music21():
    """Plain real tunes, note by note; music21 misreads slurs before a dotted rhythm, and accidentals that hold."""
    music21 = pytest.importorskip("music21")
    plain = re.compile(r"[A-Ga-gz0-9/|: ><,\n]+")
    compared = 0
    for path in reversed(book_files()):
        for text in split_book(path.read_text(encoding="utf-8"))[::50]:
            body = text.split("K:", 1)[1].partition("\n")[2].strip()
            tune = read_tune(text.replace(body, body.replace(":", ""))).melody
            if tune is None or not plain.fullmatch(body) or re.search(r"\|\s*\d", body):
                continue
            parsed = music21.converter.parse(text, format="abc", forceSource=True)
            expected = [(n.pitch.midi, float(n.quarterLength)) for n in parsed.parts[0].flatten().notes]
            assert list(zip(tune.pitches.tolist(), tune.durations.tolist(), strict=True)) == expected, tune.name
            compared += 1
            if compared == 3:
                return
    pytest.fail(f"only {compared} tunes are plain")


# --- MIDI -------------------------------------------------------------------------------------------------------------


def midi(path: Path, *tracks, tpq: int = 480, metres=((0, 4, 4),), tempo: float = 90.0) -> Path:
    """A MIDI file of tracks (name, program, is_drum, notes); a note is (pitch, start, duration) in quarter notes."""
    symusic = pytest.importorskip("symusic")
    score = symusic.Score(tpq)
    score.tempos.append(symusic.Tempo(0, tempo))
    for time, above, below in metres:
        score.time_signatures.append(symusic.TimeSignature(round(time * tpq), above, below))
    for name, program, drum, notes in tracks:
        track = symusic.Track(name, program, drum)
        for pitch, start, duration in notes:
            track.notes.append(symusic.Note(round(start * tpq), round(duration * tpq), pitch, 90))
        score.tracks.append(track)
    score.dump_midi(path)
    return path


SCALE = [(60 + 2 * i, i, 1) for i in range(8)]


def test_midi_keeps_notes_tempo_program_and_metre(tmp_path):
    path = midi(tmp_path / "a.mid", ("Flute", 73, False, SCALE), ("Drums", 0, True, SCALE), metres=[(0, 3, 4)])
    (tune,) = read(path)
    assert tune.notes == SCALE
    assert (tune.metre, tune.program, tune.name, tune.length) == ((3, 4), 73, "Flute", 9)
    assert tune.tempo == pytest.approx(90, abs=0.01)


def test_midi_of_triplets_is_exact(tmp_path):
    notes = [(60 + i, i / 3, 1 / 3) for i in range(12)]
    (tune,) = read(midi(tmp_path / "a.mid", ("", 0, False, notes), tpq=1024))
    assert tune == Melody.of(notes)
    cut_off = [(60 + i, (i // 3) + (i % 3) * 341 / 1024, 341 / 1024) for i in range(12)]
    (tune,) = read(midi(tmp_path / "b.mid", ("", 0, False, cut_off), tpq=1024))
    assert tune.starts.tolist() == pytest.approx([i / 3 for i in range(12)], abs=1e-12)


def test_notes_that_end_early_have_their_full_value(tmp_path):
    values = [1, 0.5, 0.5, 2, 1.5, 0.5, 1, 1]
    starts = np.cumsum([0, *values[:-1]])
    written = [(60 + i, float(start), value) for i, (start, value) in enumerate(zip(starts, values, strict=True))]
    gated = [(pitch, start, 0.95 * value) for pitch, start, value in written]
    (found,) = tunes_of(midi(tmp_path / "a.mid", ("", 0, False, gated)))
    assert found.melody == Melody.of(written)
    assert found.remarks == ("notes that end early have their full value: 8 of 8",)


def test_written_notes_are_moved_where_it_is_asked_for(tmp_path):
    path = tmp_path / "a.abc"
    path.write_text("X:1\nM:4/4\nL:1/32\nK:C\nCD7 E8 F8 GA7|c32|\n")
    assert read_one(path).starts.tolist() == [0, 1 / 8, 1, 2, 3, 3 + 1 / 8, 4]
    found = tune_of(path, quantise="sixteenths")
    assert found.melody is not None
    assert found.melody.notes[:3] == [(60, 0, 0.25), (62, 0.25, 0.75), (64, 1, 1)]
    assert found.melody.length == 8
    assert found.remarks == ("notes moved to sixteenths: 4 of 7, by up to 0.125 of a quarter note",)
    path.write_text("X:1\nM:4/4\nL:1/64\nK:C\nCDE14 z16 z32|\n")
    found = tune_of(path, quantise="ticks")
    assert found.melody is not None
    assert found.melody.pitches.tolist() == [62, 64], "of those that fall together the highest stays"
    assert "notes below others left out: 1 of 3" in found.remarks


def test_a_played_file_is_moved_to_sixteenths_and_says_so(tmp_path):
    draw = np.random.default_rng(0)
    played = [(60 + i % 12, i / 2 + draw.uniform(0, 0.07), 0.4) for i in range(64)]
    path = midi(tmp_path / "a.mid", ("", 0, False, played))
    (found,) = tunes_of(path)
    assert found.melody is not None
    assert found.melody.starts.tolist() == [i / 2 for i in range(64)]
    (told,) = found.remarks
    assert told.startswith("notes moved to sixteenths: 64 of 64, by up to 0.1")
    assert read(path, quantise="no")[0].starts[1] != 0.5
    assert read_one(path, quantise="ticks").starts.tolist()[:3] == [0, 0.5, 1]
    with pytest.raises(DataError, match=r"Unknown way to quantise 'eighths'.*sixteenths"):
        read(path, quantise="eighths")


def test_the_metre_changes_in_the_middle_and_the_tune_is_cut(tmp_path):
    found = read(midi(tmp_path / "a.mid", ("", 0, False, SCALE), metres=[(0, 4, 4), (4, 3, 4)]))
    assert [(tune.metre, len(tune), tune.starts[0]) for tune in found] == [((4, 4), 4, 0), ((3, 4), 4, 0)]
    told = "cut where the metre changes: this is part {} of 2, the others stay as they are"
    assert [tune.remarks for tune in tunes_of(tmp_path / "a.mid")] == [(told.format(1),), (told.format(2),)]


def test_the_highest_of_notes_that_sound_together_stays(tmp_path):
    notes = [(72, 0, 1), (60, 0, 1), (74, 1, 1), (62, 1, 2), (76, 2, 1), (77, 3, 1)]
    (found,) = tunes_of(midi(tmp_path / "a.mid", ("", 0, False, notes)))
    assert found.melody is not None
    assert found.melody.pitches.tolist() == [72, 74, 76, 77]
    assert found.remarks == ("notes below others left out: 2 of 6",)
    kept, until, hidden = highest(np.array([72, 60]), np.array([0.0, 1.9]), np.array([2.0, 3.0]))
    assert (kept.tolist(), until.tolist(), hidden) == ([0, 1], [1.9, 3.0], 0)  # legato


def test_read_one_chooses_the_melody(tmp_path):
    low = [(40 + i, i, 1) for i in range(8)]
    high = [(90 + i, i, 1) for i in range(8)]
    path = midi(tmp_path / "a.mid", ("bass", 0, False, low), ("Melody", 0, False, SCALE), ("bells", 0, False, high))
    assert read_one(path).name == "Melody"
    assert read_one(path, track="bass").pitches[0] == 40
    assert read_one(path, track=3).pitches[0] == 90
    assert read_one(midi(tmp_path / "b.mid", ("a", 0, False, low), ("b", 0, False, high))).name == "b"
    with pytest.raises(DataError, match=r"no tune or track 'bels'. Did you mean 'bells'\?.*has: 1 bass, 2 Melody"):
        read_one(path, track="bels")
    with pytest.raises(DataError, match="no tune or track 4"):
        read_one(path, track=4)


# --- MusicXML ---------------------------------------------------------------------------------------------------------

NOTE = "<note><pitch><step>{}</step><octave>4</octave></pitch><duration>{}</duration>{}</note>"


def score(*measures: str, beats: int = 4) -> str:
    first = (
        f"<attributes><divisions>2</divisions><time><beats>{beats}</beats><beat-type>4</beat-type></time></attributes>"
    )
    bars = "".join(
        f'<measure number="{i}">{first if i == 1 else ""}{measure}</measure>' for i, measure in enumerate(measures, 1)
    )
    return (
        '<?xml version="1.0"?><score-partwise version="3.1"><part-list><score-part id="P1"><part-name>Voice</part-name>'
        f'</score-part></part-list><part id="P1">{bars}</part></score-partwise>'
    )


REPEAT = '<barline location="right"><bar-style>light-heavy</bar-style><repeat direction="backward"/></barline>'
FORWARD = '<barline location="left"><repeat direction="forward"/></barline>'


def test_musicxml_is_played_with_its_repeats_ties_and_pickup(tmp_path):
    pytest.importorskip("music21")
    pickup = NOTE.format("G", 2, "")
    tied = NOTE.format("C", 8, '<tie type="start"/>')
    on = FORWARD + NOTE.format("C", 4, '<tie type="stop"/>') + NOTE.format("D", 4, "") + REPEAT
    path = tmp_path / "a.musicxml"
    path.write_text(score(pickup, tied, on))
    tune = read_one(path)
    assert tune.notes == [(67, 3, 1), (60, 4, 6), (62, 10, 2), (60, 12, 2), (62, 14, 2)]
    assert tune.length == 16


def test_the_instrument_of_a_score_is_that_of_its_program(tmp_path):
    """A file of another program: a name that music21 knows beside a program of its own, and parts that say none."""
    pytest.importorskip("music21")
    part = '<score-part id="{0}"><part-name>Violin</part-name><score-instrument id="{0}-I"><instrument-name>Violin'
    part += "</instrument-name></score-instrument>{1}</score-part>"
    midi = '<midi-instrument id="{}-I"><midi-channel>1</midi-channel>{}</midi-instrument>'
    voices = part.format("A", midi.format("A", "<midi-program> 4 </midi-program>")) + part.format("B", "")
    voices += part.format("C", midi.format("C", "<midi-program>129</midi-program>"))
    one = score(NOTE.format("C", 8, ""))
    bars = one[one.index("<measure") : one.index("</part></score")]
    head = one[: one.index("<part-list>")]
    parts = "".join(f'<part id="{name}">{bars}</part>' for name in "ABC")
    path = tmp_path / "a.musicxml"
    path.write_text(f"{head}<part-list>{voices}</part-list>{parts}</score-partwise>")
    assert [tune.program for tune in read(path)] == [3, 0, 0]


def test_a_bar_of_a_score_that_is_not_full_has_its_number(tmp_path):
    pytest.importorskip("music21")
    path = tmp_path / "a.musicxml"
    path.write_text(
        score(NOTE.format("C", 8, ""), NOTE.format("C", 6, ""), NOTE.format("C", 8, "")).replace('"2"', '"41"')
    )
    with pytest.raises(TuneError, match=r"Bar 41 has 3 quarter notes; a full one has 4\."):
        read_one(path)


def packed(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.xml", content)
    return file.getvalue()


def test_a_packed_score_reads_as_the_plain_one(tmp_path):
    pytest.importorskip("music21")
    text = score(NOTE.format("C", 8, ""), NOTE.format("E", 8, ""))
    (tmp_path / "a.mxl").write_bytes(packed(text.encode()))
    assert read_one(tmp_path / "a.mxl").pitches.tolist() == [60, 64]


ENTITIES = '<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">'
BOMB = f'<?xml version="1.0"?><!DOCTYPE a [{ENTITIES}]><score-partwise>&c;</score-partwise>'
SHORT = [NOTE.format("C", length, "") for length in (8, 4, 8)]
CHORD = NOTE.format("C", 8, "") + NOTE.format("E", 8, "").replace("<note>", "<note><chord/>")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("bomb.xml", BOMB.encode(), "entities of its own"),
        ("bomb16.xml", BOMB.replace('<?xml version="1.0"?>', "").encode("utf-16"), "entities of its own"),
        ("zip.mxl", packed(b" " * (33 * 2**20)), "too large"),
        ("cut.mxl", packed(score(NOTE.format("C", 8, "")).encode())[:-30], "a damaged file"),
        ("many.xml", score((NOTE.format("C", 1, "")) * 8 * 7000).encode(), "too many notes"),
        ("cut.xml", score(NOTE.format("C", 8, "")).encode()[:-40], "a damaged file"),
        ("other.xml", b"<html><body>no score</body></html>", None),
        ("empty.musicxml", b"", "an empty file"),
        ("chord.musicxml", score(CHORD).encode(), "chords"),
        (
            "short.musicxml",
            score(NOTE.format("C", 8, ""), NOTE.format("C", 4, ""), NOTE.format("C", 8, "")).encode(),
            "a broken bar",
        ),
        ("empty.mid", b"", "an empty file"),
        ("text.mid", b"this is no MIDI file, but text", "a damaged file"),
        ("empty.abc", b"", "an empty file"),
        ("none.abc", b"Some words.\n", "no tunes"),
        ("big.mid", b"MThd" + b"\x00" * (2 * 2**20), "too large"),
        ("song.mp3", b"ID3", "another kind of file"),
    ],
)
def test_a_file_that_cannot_be_read_has_a_reason(tmp_path, name, content, reason):
    if name.endswith(("xml", "mxl")):
        pytest.importorskip("music21")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TuneError, match=re.escape(name)) as told:
        read_one(tmp_path / name)
    assert reason is None or told.value.reason == reason


# --- bad MIDI ---------------------------------------------------------------------------------------------------------


def test_a_damaged_midi_file_is_refused_with_the_place(tmp_path):
    content = midi(tmp_path / "a.mid", ("", 0, False, SCALE)).read_bytes()
    assert sound(content)[:4] == b"MThd"
    with pytest.raises(TuneError, match="ends after"):
        sound(content[:-4])
    place = content.index(b"\x90") + 1
    with pytest.raises(TuneError, match=f"from byte {place}"):
        sound(content[:place] + b"\xf0" + content[place + 1 :])  # a pitch of 240


def test_no_bytes_bring_the_reader_down(tmp_path):
    content = midi(tmp_path / "a.mid", ("", 0, False, SCALE)).read_bytes()
    draw = np.random.default_rng(0)
    path = tmp_path / "b.mid"
    outcomes = set()
    for _ in range(300):
        changed = np.frombuffer(content, np.uint8).copy()
        places = draw.integers(14, len(changed), draw.integers(1, 4))
        changed[places] = draw.integers(0, 256, len(places))
        path.write_bytes(changed.tobytes())
        try:
            outcomes.add(bool(read(path)))
        except TuneError as error:
            outcomes.add(error.reason)
    assert {True, "a damaged file"} <= outcomes


def test_a_million_notes_are_refused(tmp_path):
    pytest.importorskip("symusic")
    for count, reason in ((1_000_000, "too large"), (60_000, "too many notes")):
        body = b"\x00\x90\x3c\x40\x01\x3c\x00" + b"\x01\x3c\x40\x01\x3c\x00" * (count - 1) + b"\x00\xff\x2f\x00"
        (tmp_path / "many.mid").write_bytes(
            b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0MTrk" + len(body).to_bytes(4, "big") + body
        )
        with pytest.raises(TuneError) as told:
            read(tmp_path / "many.mid")
        assert told.value.reason == reason


def test_chords_and_other_metres_are_told_of_the_one_file_asked_for(tmp_path):
    chords = [(pitch, i, 1) for i in range(8) for pitch in (60, 64, 67)]
    with pytest.raises(TuneError, match="16 of the 24 notes of 'piano' sound below others"):
        read_one(midi(tmp_path / "a.mid", ("piano", 0, False, chords)))
    with pytest.raises(TuneError, match=r"b\.mid is in 3/4\. Allowed: 4/4"):
        read_one(midi(tmp_path / "b.mid", ("", 0, False, SCALE), metres=[(0, 3, 4)]), metres=["4/4"])
    with pytest.raises(TuneError, match="only drums"):
        read_one(midi(tmp_path / "c.mid", ("", 0, True, SCALE)))
    with pytest.raises(DataError, match="There is no file"):
        read_one(tmp_path / "d.mid")


def test_where_notes_sound_together_it_is_told_what_helps(tmp_path):
    chords = [(pitch, i, 1) for i in range(8) for pitch in (60, 64, 67)]
    alone = "write one voice to a file of its own."
    for i, body in enumerate(("V:1\nC4|\nV:2\nE4|", "C4&E4|", "[CE]4|")):
        (tmp_path / f"{i}.abc").write_text(HEAD + body)
        for reading in (read_one, read):
            with pytest.raises(TuneError, match=rf"{i}\.abc: .* {alone}$"):
                reading(tmp_path / f"{i}.abc")
    path = midi(tmp_path / "a.mid", ("piano", 0, False, chords))
    with pytest.raises(TuneError, match=f"sound below others. .* {alone}$"):
        read_one(path)
    path = midi(tmp_path / "b.mid", ("piano", 0, False, chords), ("flute", 73, False, SCALE))
    assert read_one(path).name == "flute"
    with pytest.raises(TuneError, match=r"Or take what can be read, --track 2 \(track=2\): 2 flute\.$"):
        read_one(path, track="piano")


def test_a_book_asks_which_tune(tmp_path):
    path = tmp_path / "book.abc"
    path.write_text(HEAD.replace("A tune", "One") + "C4|\n\n" + HEAD.replace("A tune", "Two") + "E4|\n")
    with pytest.raises(DataError, match=r"has 2 tunes\. Say which by its number or title: track=1"):
        read_one(path)
    assert read_one(path, track="two").pitches.tolist() == [64]
    assert [tune.name for tune in read(path)] == ["One", "Two"]


# --- folders ----------------------------------------------------------------------------------------------------------


def test_a_folder_counts_what_it_skips_by_reason(tmp_path):
    pytest.importorskip("music21")
    (tmp_path / "books").mkdir()
    (tmp_path / ".hidden.abc").write_text(HEAD + "C4|")
    book = HEAD.replace("A tune", "Feijóo") + "C4|\n\n" + HEAD + "C5|\n\n" + HEAD + "[CE]4|\n"
    (tmp_path / "books" / "latin.abc").write_bytes(book.encode("latin-1"))
    (tmp_path / "a.xml").write_text(score(NOTE.format("C", 8, "")))
    (tmp_path / "bomb.xml").write_text(BOMB)
    (tmp_path / "empty.mid").write_bytes(b"")
    (tmp_path / "readme.txt").write_text("no melody")
    found = read_folder(tmp_path, workers=0)
    assert [(place.file, place.number) for place in found.sources] == [("a.xml", 1), ("books/latin.abc", 1)]
    assert found.melodies[1].name == "Feijóo"
    assert found.skipped == {
        "entities of its own": ["bomb.xml"],
        "a broken bar": ["books/latin.abc: A tune"],
        "chords": ["books/latin.abc: A tune"],
        "an empty file": ["empty.mid"],
    }
    assert [" ".join(line.split()) for line in found.table().splitlines()] == [
        "read 2",
        "read as Windows-1252, since it is no UTF-8 1",
        "skipped 4",
        "entities of its own 1 bomb.xml",
        "a broken bar 1 books/latin.abc: A tune",
        "chords 1 books/latin.abc: A tune",
        "an empty file 1 empty.mid",
    ]
    assert repr(found) == "Collection(2 melodies, 4 skipped)"
    assert read_folder(tmp_path, workers=2).skipped == found.skipped
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match="There is no melody in"):
        read_folder(tmp_path / "nothing")


def test_processes_read_as_this_one_does(tmp_path):
    jobs = [Job(f"{i}.abc", lambda i=i: (HEAD + f"{'CDEFG'[i]}4|").encode()) for i in range(5)]
    jobs.insert(2, Job("broken.abc", lambda: (HEAD + "C5|").encode()))
    here, there = list(read_all(jobs, 0)), list(read_all(jobs, 2))
    assert [tunes[0].reason for tunes in there] == ["", "", "a broken bar", "", "", ""]
    assert [tunes[0].melody == other[0].melody for tunes, other in zip(here, there, strict=True)] == [True] * 6


def test_reading_works_from_a_script_without_a_main_guard(tmp_path):
    (tmp_path / "a.abc").write_text(HEAD + "C4|")
    script = tmp_path / "script.py"
    script.write_text("from latune.music.reading import read_folder\nprint(len(read_folder('.', workers=2)))\n")
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


# --- the corpus -------------------------------------------------------------------------------------------------------


def test_sopranos_of_chorales():
    pytest.importorskip("music21")
    files = chorale_files()
    assert len(files) == 371
    tune = read_soprano(next(path for path in files if path.stem == "bwv269")).melody
    assert tune is not None
    assert tune.metre == (3, 4)
    # "Aus meines Herzens Grunde": a pick-up of one beat, and the first part twice
    assert tune.notes[:4] == [(67, 2, 1), (67, 3, 2), (74, 5, 1), (71, 6, 1.5)]
    assert tune.notes[15:18] == [(67, 21, 2), (67, 23, 1), (67, 24, 2)]
    assert bach_sopranos(limit=1, workers=0).melodies[0] == tune


def test_a_song_is_read_at_its_beats():
    symusic = pytest.importorskip("symusic")
    beats = "\n".join(f"{0.5 + 0.6 * i} {float(i % 2 == 1)} {float(i % 4 == 1)}" for i in range(13))
    made = symusic.Score(480)
    made.tempos.append(symusic.Tempo(0, 100))
    track = symusic.Track("MELODY", 0, False)
    for i in range(8):
        track.notes.append(symusic.Note(round((1.1 + 0.6 * i + 0.02) / 0.6 * 480), 400, 60 + i, 90))
    made.tracks.append(track)
    (tune,) = read_song("POP909/001/001.mid", made.dumps_midi(), beats=beats)
    assert tune.melody is not None
    assert tune.melody.starts.tolist() == [float(4 + i) for i in range(8)]  # after an empty bar for a pick-up
    assert (tune.melody.tempo, tune.melody.metre) == (100, (4, 4))
    with pytest.raises(TuneError, match="beats"):
        read_song("001.mid", made.dumps_midi(), beats="")


def test_notes_that_take_no_time_are_no_melody(tmp_path):
    import symusic

    score = symusic.Score(480)
    track = symusic.Track(program=0)
    track.notes.extend([symusic.Note(480 * i, 0, 60 + i, 90) for i in range(32)])
    score.tracks.append(track)
    score.dump_midi(tmp_path / "still.mid")
    with pytest.raises(TuneError, match=r"still\.mid: None of its notes sounds"):
        read_one(tmp_path / "still.mid")
    assert read_folder(tmp_path, workers=0).skipped == {"no notes": ["still.mid"]}


def test_a_score_is_read_in_the_encoding_that_it_declares(tmp_path):
    text = Melody.of([(60, 0, 4)], name="Größe").save(tmp_path / "a.musicxml").read_text(encoding="utf-8")
    declared = text.replace("UTF-8", "ISO-8859-1", 1)
    assert declared != text
    (tmp_path / "latin.musicxml").write_bytes(declared.encode("latin-1"))
    assert read_one(tmp_path / "latin.musicxml") == read_one(tmp_path / "a.musicxml")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("ending", [".abc", ".musicxml"])
def test_a_text_is_read_in_the_encoding_that_its_mark_names(tmp_path, encoding, ending):
    if ending != ".abc":
        pytest.importorskip("music21")
    path = tmp_path / f"a{ending}"
    text = Melody.of([(60, 0, 4)], name="Größe – 1").save(path).read_text(encoding="utf-8")
    mark = "\ufeff" if encoding == "utf-16-be" else ""  # Python writes the others' by itself
    path.write_bytes((mark + text.replace("UTF-8", "UTF-16" if "16" in encoding else "UTF-8")).encode(encoding))
    found = tune_of(path)
    assert found.melody is not None
    assert (found.melody.notes, found.title, found.remarks) == ([(60, 0, 4)], "Größe – 1", ())


def test_a_score_in_utf_16_needs_no_mark_and_a_damaged_one_is_told(tmp_path):
    pytest.importorskip("music21")
    path = tmp_path / "a.musicxml"
    text = Melody.of([(60, 0, 4)], name="Größe – 1").save(path).read_text(encoding="utf-8")
    path.write_bytes(text.replace("UTF-8", "UTF-16").encode("utf-16-be"))
    assert read_one(path).name == "Größe – 1"
    (tmp_path / "b.abc").write_bytes((HEAD + "C4|").encode("utf-16")[:-1])
    with pytest.raises(TuneError, match="begins as UTF-16, and has letters that are none"):
        read_one(tmp_path / "b.abc")


@pytest.mark.parametrize("ending", [".abc", ".musicxml"])
def test_text_that_is_no_utf_8_is_windows_1252_or_else_latin_1(tmp_path, ending):
    if ending != ".abc":
        pytest.importorskip("music21")
    path = tmp_path / f"a{ending}"
    text = Melody.of([(60, 0, 4)], name="Größe – 1").save(path).read_text(encoding="utf-8")
    path.write_bytes(text.encode("cp1252"))
    found = tune_of(path)
    assert (found.title, found.remarks) == ("Größe – 1", ("read as Windows-1252, since it is no UTF-8",))
    path.write_bytes(text.replace("–", "\x81").encode("latin-1"))
    found = tune_of(path)
    assert (found.title[:5], found.remarks) == ("Größe", ("read as Latin-1, since it is no UTF-8",))

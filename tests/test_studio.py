"""The studio without a browser: states, knobs, rules, uploads, guards, and who computes when."""

from __future__ import annotations

import asyncio
import io
import logging
import threading
import zipfile
from dataclasses import replace
from urllib.parse import parse_qsl

import numpy as np
import pytest
import torch
from PIL import Image

from latune.errors import DataError, LatuneError
from latune.medium import Pictures, Tunes
from latune.models import Spec, build
from latune.music import GRIDS, Melodies, Melody
from latune.space import Space
from latune.studio.atlas import Atlas, surface
from latune.studio.downloads import content_of
from latune.studio.frames import melodies_part
from latune.studio.guards import MOST_BODY, Guards
from latune.studio.knobs import Knob, knobs_of
from latune.studio.playing import play, start, turned
from latune.studio.rules import rule_in_words
from latune.studio.serving import free_port, is_worth_telling
from latune.studio.session import Session
from latune.studio.state import History, State, View, packed, read_address, read_view
from latune.studio.stream import read_message
from latune.studio.uploads import Brought, fit_of, read_upload, shown_name
from latune.studio.work import MOST_WAITING, Busy, Work

MEASURE = Tunes(GRIDS["measure"])


def png(size: tuple[int, int], colour: int = 0, mode: str = "L") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def untrained() -> Space:
    """A model of measures as its weights were drawn."""
    nets = {"name": "measure-gru", "hidden": 8, "layers": 1}
    spec = Spec("vae", (24,), 4, nets=nets, grid=GRIDS["measure"].as_dict())
    return Space(build(spec, seed=0), spec)


# --- states -----------------------------------------------------------------------------------------------------------


def test_an_address_gives_its_state_back(space) -> None:
    z = space.codes.sample(2, torch.Generator().manual_seed(1))
    state = State(7, 3, packed(z), {"slant": 0.5, "z[2]": -1.25}, {}, frozenset({"slant"}), 0.0, 0.25)
    back, wrong = read_address(dict(parse_qsl(state.address())), knobs_of(space), space.codes.width)
    assert (back, wrong) == (state, [])


@pytest.mark.parametrize(
    "words",
    [
        {"seed": "-1"}, {"n": "0"}, {"n": "17"}, {"set.slant": "nan"}, {"set.nothing": "1"}, {"at": "AAAA"},
        {"at": "é"}, {"realism": "2"}, {"with.slant": "1"},
    ],
)  # fmt: skip
def test_what_an_address_cannot_mean_is_told(space, words) -> None:
    state, wrong = read_address(words, knobs_of(space), space.codes.width)
    assert state == State()
    assert len(wrong) == 1


def test_an_address_gives_its_view_back() -> None:
    view = View(focus=2, original=True, scale="F# dorian", tempo=90)
    words = dict(parse_qsl(State(seed=4).address(view)))
    assert words == {"seed": "4", "n": "8", "focus": "3", "original": "1", "scale": "F# dorian", "tempo": "90"}
    assert read_view(words, ["F# dorian"]) == (view, [])
    for wrong in ({"focus": "0"}, {"focus": "99"}, {"original": "yes"}, {"scale": "F# dorian"}, {"tempo": "1e9"}):
        assert read_view(wrong, ["C major"])[0] == View()
        assert len(read_view(wrong, ["C major"])[1]) == 1


def test_history_forgets_what_was_undone() -> None:
    history = History(State())
    for seed in (1, 2, 2, 3):
        history.add(State(seed=seed))
    assert [state.seed for state in history] == [0, 1, 2, 3]
    history.undo()
    history.undo()
    history.add(State(seed=9))
    assert [state.seed for state in history] == [0, 1, 9]
    assert history.redo().seed == 9


def test_knobs_are_in_their_attributes_units(space) -> None:
    knobs = {knob.name: knob for knob in knobs_of(space)}
    assert list(knobs)[: len(space.sliders)] == space.sliders
    thickness = knobs["thickness"]
    known = space.calibration["thickness"]
    assert thickness.told(2.0) == f"{known.attribute(np.array([2.0]))[0]:.3g} {known.unit}"
    assert (thickness.low, thickness.high) == (-4, 4)
    assert knobs["z[0]"].told(1.5) == "+1.50"
    assert not knobs["z[0]"].named
    with pytest.raises(DataError, match="takes a number from -4 to 4"):
        thickness.checked("much")
    with pytest.raises(DataError, match="is one of a, b"):
        Knob("k", "control", choices=("a", "b")).checked("c")


def test_what_is_played_is_what_a_space_samples(space) -> None:
    state = State(seed=5, n=3, held={"slant": 1.5})
    z = start(space, State(seed=5, n=3))
    column = space.coordinates.column("slant")
    moved = turned(space, state)
    assert (moved[:, column] == 1.5).all()
    others = [each for each in range(space.codes.width) if each != column]
    assert torch.equal(moved[:, others], z[:, others])
    assert torch.equal(play(space, state).x.plain(), space.decode(moved).plain())
    assert torch.equal(play(space, state, original=True).z, z)


def test_sessions_keep_what_is_locked_and_are_separate(space) -> None:
    async def two() -> tuple[Session, Session]:
        return Session(space), Session(space)

    mine, other = asyncio.run(two())
    mine.lock("slant")
    held = mine.values()["slant"]
    mine.turn("thickness", 2, True)
    mine.random()
    assert mine.state.held == {"slant": held}
    mine.undo()
    assert mine.state.held == {"slant": held, "thickness": 2.0}
    mine.pin()
    assert (len(other.pins), other.state) == (0, State())
    assert mine.token != other.token
    with pytest.raises(DataError, match="There is no 'nothing' to turn"):
        mine.turn("nothing", 1, True)


# --- rules ------------------------------------------------------------------------------------------------------------


def melodies(*rows: list[int]) -> Melodies:
    tokens = np.zeros((len(rows), 24), np.uint8)
    for row, pitches in zip(tokens, rows, strict=True):
        row[0] = 1
        for i, pitch in enumerate(pitches):
            row[i * 24 // len(pitches)] = pitch - 55 + 2
    return Melodies(tokens, GRIDS["measure"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("in C major", [1, 0.5, 0]),
        ("from C4 to E4", [1, 1, 0]),
        ("at least 4 notes", [1, 0.5, 0]),
        ("at most 2 notes", [0.5, 1, 0]),
        ("rising by 4", [1, 0.25, 0]),
        ("falling", [0, 0, 0]),
        ("only in C major and at most 2 notes", [0.5, 0.5, 0]),
    ],
)
def test_rules_in_words_mean_what_they_say(words, expected) -> None:
    found = rule_in_words(words)(melodies([60, 62, 62, 64], [60, 61], []))
    assert np.allclose(found, expected)


@pytest.mark.parametrize("words", ["", "in H major", "__import__('os')", "at most 0 notes", "from C4 to Z9", "x" * 300])
def test_rules_that_are_none_are_told(words) -> None:
    with pytest.raises(LatuneError):
        rule_in_words(words)


def test_notes_outside_of_a_scale_are_marked() -> None:
    part, _ = melodies_part([Melody.of([(60, 0, 1), (61, 1, 1)])], "C major")
    assert [note[3] for note in part["notes"][0]] == [0, 1]


# --- uploads ----------------------------------------------------------------------------------------------------------


def test_names_are_shown_and_never_paths() -> None:
    assert shown_name("../../etc/passwd") == "passwd"
    assert shown_name("C:\\x\\y\x00\n.png") == "y.png"
    assert shown_name("..") == "the file"
    assert len(shown_name("a" * 1000)) == 60


def test_light_and_dark_can_be_swapped(space) -> None:
    session = Session(space)
    brought = read_upload("x.png", png((8, 8), 51), space.medium)
    session.bring(brought, fit_of(space, brought.x))
    before = session.state.codes
    session.swap()
    assert session.brought is not None
    assert session.brought.x.mean().item() == pytest.approx(0.8)
    assert session.state.codes != before and session.brought.told[-1] == "light and dark swapped"
    session.undo()
    assert session.state.codes == before


def test_the_original_is_the_file_while_that_is_shown_and_nothing_else(space) -> None:
    session = Session(space)
    brought = read_upload("x.png", png((8, 8), 51), space.medium)
    session.bring(brought, fit_of(space, brought.x))
    session.compare()
    assert torch.equal(session.made().plain(), brought.x)
    assert "original" not in session.about()["address"]  # no address holds a file
    session.turn("thickness", 2.0, True)
    session.compare()
    assert torch.equal(session.made().plain(), brought.x)
    elsewhere = space.codes.sample(1, torch.Generator().manual_seed(0))
    session.go_to(elsewhere)
    session.compare()
    assert torch.equal(session.made().plain(), space.decode(elsewhere).plain())
    assert "original=1" in session.about()["address"]


def test_a_control_that_is_removed_is_gone_from_the_address_and_the_view_stays(space) -> None:
    session = Session(space)
    knob = Knob("heavy", "control", 0.0, 1.0)
    session.knobs["heavy"] = knob
    session.turn("heavy", 1.0, True)
    session.lock("heavy")
    session.original = True
    assert "with.heavy=1" in (address := session.about()["address"]) and "lock=heavy" in address
    session.renew_knobs()  # somebody has removed it
    assert session.original
    assert session.about()["address"] == "seed=0&n=8&original=1"
    session.undo()
    assert not session.state.wished


def test_pictures_are_scaled_turned_and_inverted() -> None:
    medium = Pictures((1, 8, 8))
    assert read_upload("x.png", png((32, 16), 0), medium).x.shape == (1, 1, 8, 8)
    paper = read_upload("x.png", png((8, 8), 255), medium)
    assert paper.x.max() == 0
    assert "swapped" in paper.told[0]
    assert read_upload("x.png", png((8, 8), 0, "RGBA"), Pictures((3, 8, 8))).x.shape == (1, 3, 8, 8)


def test_pictures_of_other_kinds_are_what_they_look_like() -> None:
    medium = Pictures((1, 28, 28))

    def brought(image: Image.Image, kind: str = "PNG") -> Brought:
        file = io.BytesIO()
        image.save(file, kind)
        return read_upload("x.png", file.getvalue(), medium)

    ramp = np.tile(np.linspace(0, 65535, 28), (28, 1))
    deep = brought(Image.fromarray(ramp.astype(np.uint16)))  # 16 bits
    assert np.abs(deep.x[0, 0].numpy() - ramp / 65535).max() < 0.01
    drawn = Image.new("RGBA", (28, 28), (0, 0, 0, 0))
    drawn.paste((255, 255, 255, 255), (10, 4, 18, 24))  # white strokes on nothing
    strokes = brought(drawn).x[0, 0]
    assert strokes[12, 14] == 1 and strokes[2, 2] == 0
    assert brought(Image.new("L", (640, 64))).told == ("scaled from 640 x 64 to 28 x 28", "cropped to its middle")
    assert brought(Image.new("L", (640, 480)), "JPEG").told[0] == "scaled from 640 x 480 to 28 x 28"


@pytest.mark.parametrize("letters", ["utf-8", "utf-16"])
def test_packed_scores_of_many_notes_are_refused_before_they_are_read(letters) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(
            "score.xml", ("<score-partwise>" + "<note ></note>" * 5001 + "</score-partwise>").encode(letters)
        )
    with pytest.raises(DataError, match=r"5,001 notes; at most 5,000"):
        read_upload("x.mxl", file.getvalue(), MEASURE)


@pytest.mark.parametrize("number", ["NaN", "1e999", "-Infinity"])
def test_numbers_that_are_none_are_no_message(number) -> None:
    assert read_message('{"look": 1.5}') == {"look": 1.5}
    with pytest.raises(ValueError):
        read_message(f'{{"look": {number}}}')


@pytest.mark.parametrize("ending", [".mid", ".abc", ".musicxml"])
def test_tunes_are_told_by_their_content(tmp_path, ending) -> None:
    tune = Melody.of([(72, 0, 1), (74, 1, 3)])
    content = tune.save(tmp_path / f"x{ending}").read_bytes()
    brought = read_upload("misleading.png", content, MEASURE)
    assert Melodies(brought.x, GRIDS["measure"]).joined() == tune


def test_tunes_out_of_range_are_moved_by_octaves(tmp_path) -> None:
    content = Melody.of([(40, 0, 2), (43, 2, 2)]).save(tmp_path / "low.mid").read_bytes()
    brought = read_upload("low.mid", content, MEASURE)
    assert Melodies(brought.x, GRIDS["measure"])[0].pitches.tolist() == [64, 67]
    assert "moved by +24 semitones" in brought.told[0]


def test_packed_scores_that_unpack_to_much_are_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("score.xml", bytes(50 * 2**20))
    with pytest.raises(DataError, match="unpacks to 50 MiB"):
        read_upload("bomb.mxl", buffer.getvalue(), MEASURE)


def test_a_fit_is_the_share_that_comes_back(space) -> None:
    x = space.sample(1, torch.Generator().manual_seed(0)).plain()
    back = space.decode(space.encode(x)).plain()
    share = 1 - (x - back).square().sum() / (x - x.mean()).square().sum()
    assert fit_of(space, x).share == pytest.approx(share.item())


# --- guards and work --------------------------------------------------------------------------------------------------


def passed(**headers: str) -> bool:
    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return Guards(None, 8000).refused(given) is None


def test_only_the_studios_own_pages_may_talk_to_it() -> None:
    assert passed(host="127.0.0.1:8000")
    assert passed(host="localhost:8000", origin="http://localhost:8000")
    assert not passed(host="127.0.0.1:8001")
    assert not passed(host="example.com")
    assert not passed()
    assert not passed(host="127.0.0.1:8000", origin="null")
    assert not passed(host="127.0.0.1:8000", origin="https://127.0.0.1:8000")
    assert not passed(host="127.0.0.1:8000", origin="http://127.0.0.1:9000")
    assert not passed(host="127.0.0.1:8000", content_length=str(MOST_BODY + 1))
    assert not passed(host="127.0.0.1:8000", content_length="-1")
    elsewhere = {"host": "127.0.0.1:8000", "sec_fetch_site": "cross-site"}  # a picture or a frame of another page
    assert not passed(**elsewhere, sec_fetch_dest="image")
    assert not passed(**elsewhere, sec_fetch_dest="iframe", sec_fetch_mode="navigate")
    assert passed(**elsewhere, sec_fetch_dest="document", sec_fetch_mode="navigate")  # a link


def test_heavy_work_is_one_after_the_other_and_bounded() -> None:
    async def crowd() -> tuple[int, int, list[int]]:
        work, gate, running, most = Work(), threading.Event(), 0, 0

        def heavy(number: int) -> int:
            nonlocal running, most
            running += 1
            most = max(most, running)
            gate.wait(10)
            running -= 1
            return number

        tasks = [asyncio.create_task(work.in_turn(str(i), heavy, i)) for i in range(MOST_WAITING)]
        await asyncio.sleep(0)
        assert work.ahead("3") == 3
        with pytest.raises(Busy, match="still being made"):
            await work.in_turn("0", heavy, 0)
        with pytest.raises(Busy, match="are waiting already"):
            await work.in_turn("late", heavy, 0)
        gate.set()
        done = await asyncio.gather(*tasks)
        again = await work.in_turn("0", heavy, 42)
        work.close()
        return most, again, done

    assert asyncio.run(crowd()) == (1, 42, list(range(MOST_WAITING)))


@pytest.mark.parametrize(("error", "told"), [("No response returned.", False), ("It broke.", True)])
def test_a_browser_that_goes_away_is_no_news(error, told) -> None:
    raised = RuntimeError(error)
    record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "", (), (RuntimeError, raised, None))
    assert is_worth_telling(record) == told
    assert is_worth_telling(logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "", (), None))


def test_a_port_that_is_taken_is_told() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LatuneError, match="is taken"):
            free_port(taken.getsockname()[1])
    assert free_port(0) > 0


# --- the map ----------------------------------------------------------------------------------------------------------


def test_a_click_on_the_map_goes_to_the_very_place(space) -> None:
    from latune.data import load

    atlas = Atlas.of(space, load("digits"))
    for names in (("area", "slant"), ("main direction 1", "main direction 2")):
        page = atlas.page(space, names, "digit")
        assert len(page["points"]) == len(page["values"]) == 179
        z = atlas.point(space, names, (0.3, 0.6))
        there = atlas.page(space, names, "digit", z)["here"]
        assert there == pytest.approx([0.3, 0.6], abs=2e-3)


def test_a_surface_is_measured_where_it_says(space) -> None:
    z = torch.zeros(1, space.codes.width)
    found = surface(space, z, ("area", "slant"), "slant")
    assert len(found["values"]) == found["side"] ** 2
    known = [each for each in found["values"] if each is not None]
    assert (min(known), max(known)) == (0, 1)
    low, high = map(float, found["ends"])
    corner = z.clone()
    corner[0, space.coordinates.column("area")] = -3
    corner[0, space.coordinates.column("slant")] = 3
    expected = space.measured(["slant"], space.decode(corner).plain())["slant"][0]
    at = found["values"][(found["side"] - 1) * found["side"]]  # the first of the last row: least area, most slant
    assert low + at * (high - low) == pytest.approx(expected, abs=0.02 * (high - low))


# --- what is taken ----------------------------------------------------------------------------------------------------


def test_a_midi_file_that_was_brought_keeps_its_other_tracks(tmp_path) -> None:
    symusic = pytest.importorskip("symusic")
    score = symusic.Score(480)
    tune, bass = symusic.Track("tune", 40), symusic.Track("bass", 32)
    for i, pitch in enumerate((60, 64, 67, 72)):
        tune.notes.append(symusic.Note(480 * i, 480, pitch, 90))
        bass.notes.append(symusic.Note(480 * i, 480, 36 + i, 70))
    score.tracks.append(tune)
    score.tracks.append(bass)
    score.tempos.append(symusic.Tempo(0, 87))
    file = bytes(score.dumps_midi())
    session = Session(untrained())
    brought = read_upload("two.mid", file, session.space.medium)
    session.bring(brought, fit_of(session.space, brought.x))
    written = symusic.Score.from_midi(content_of(session, "midi"))
    bars = session.melody()
    assert [note.pitch for note in written.tracks[1].notes] == [36, 37, 38, 39]
    assert [note.pitch for note in written.tracks[0].notes] == bars.transposed(-brought.moved).pitches.tolist()
    assert round(written.tempos[0].qpm) == 87
    session.brought = replace(brought, tempo=87.4)
    assert read_view(dict(parse_qsl(session.about()["address"])), [])[0].tempo == 87  # in what an address takes
    session.go_to(torch.zeros(3, 4))  # of the map: no part of the file
    assert session.midi() is None
    assert len(symusic.Score.from_midi(content_of(session, "midi")).tracks) == 1

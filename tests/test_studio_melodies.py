"""The studio in a real browser, with a model of melodies: rolls, scores, sound, files and rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studio_server import browser, page_at, studio, told

from latune.music import Melody
from latune.music.reading import read_one
from latune.recipes import read, train
from latune.space import Space
from latune.studio.frames import melodies_of
from latune.studio.playing import play
from latune.studio.state import State

pytestmark = pytest.mark.xdist_group("studio")  # one server and one browser for all of them

TINY = ["nets.hidden=24", "model.latent=6", "training.steps=500", "training.validate_every=0"]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A tiny model of measures, trained on scales up and down in C major."""
    root = tmp_path_factory.mktemp("studio")
    (root / "tunes").mkdir()
    scale = np.array([60, 62, 64, 65, 67, 69, 71, 72])
    for i, count in enumerate((1, 2, 4, 8) * 4):
        notes = np.resize(scale if i % 3 else scale[::-1], count * 16)
        starts = np.arange(len(notes)) * 4 / count
        Melody(notes, starts, np.full(len(notes), 4 / count), name=f"tune {i}").save(root / "tunes" / f"{i:02}.mid")
    train(read("arvae-bach-demo", ["data.name=tunes", f"data.path={root / 'tunes'}", *TINY]), root / "scales")
    return root / "scales"


@pytest.fixture(scope="module")
def address(run):
    with studio(run, run.parent) as found:
        yield found


@pytest.fixture(scope="module")
def opened():
    with browser() as found:
        yield found


@pytest.fixture
def page(opened, address):
    with page_at(opened, address) as shown:
        yield shown


def type_tempo(page, words: str) -> None:
    """As a hand does it: the field has the focus before something is typed, and what was typed before it is left."""
    field = page.locator("#tempo")
    field.click()
    page.wait_for_function("document.activeElement.id === 'tempo'")
    field.fill(words)
    page.wait_for_function(f"document.activeElement.id === 'tempo' && document.activeElement.value === '{words}'")
    field.press("Tab")


def rows(melodies: list[Melody]) -> list[list[list[float]]]:
    return [[[note.pitch, round(note.start, 4), round(note.duration, 4)] for note in each] for each in melodies]


def sent(page: Any) -> list[list[list[float]]]:
    """Pitch, start and duration of the notes that the page shows."""
    return [[note[:3] for note in each] for each in page.evaluate("latune.last.notes")]


def press(page: Any, name: str, value: float) -> None:
    page.locator(f'[data-knob="{name}"] input').evaluate(
        "(s, value) => { s.value = value; s.dispatchEvent(new Event('change', {bubbles: true})); }", value
    )
    page.wait_for_function(f"!latune.busy() && latune.last.held.includes('{name}')")


def look_at_the_fullest(page: Any, of: str = "each") -> int:
    """Bring the melody of most notes into focus: which notes a tiny model writes is another machine's rounding."""
    which = page.evaluate(f"""() => {{ const counts = latune.last.notes.map((each) => {of}.length);
        return counts.indexOf(Math.max(...counts)); }}""")
    page.keyboard.press(str(which + 1))
    page.wait_for_function(f"!latune.busy() && latune.last.focus === {which}")
    return which


def test_the_roll_and_the_score_show_what_the_model_writes(page, run) -> None:
    space = Space.load(run)
    for state in (State(n=4), State(n=4, held={"note_density": 3.0})):
        if state.held:
            press(page, "note_density", 3)
        expected = melodies_of(play(space, state).x, whole=False)
        assert sent(page) == rows(expected)
        notes = len(expected[0])
        page.wait_for_function(f"document.querySelectorAll('#score g.note').length >= {notes}")
    assert page.get_by_role("img", name=f"Piano-roll: {notes} notes").first.is_visible()


def test_the_audio_graph_gets_the_notes_and_a_cursor_follows(page) -> None:
    press(page, "note_density", 3)
    type_tempo(page, "300")
    page.evaluate("""() => { window.voices = [];
        const begin = OscillatorNode.prototype.start;
        OscillatorNode.prototype.start = function (at) {
            window.voices.push([this.frequency.value, at]); begin.call(this, at); }; }""")
    which = look_at_the_fullest(page)
    notes = sent(page)[which]
    page.get_by_role("button", name="Play or stop").click()
    page.locator(".cursor").wait_for()
    page.wait_for_function(f"latune.sound.scheduled.length === {len(notes)}")
    heard = page.evaluate("latune.sound.scheduled.map((note) => [note.pitch, note.start, note.duration])")
    assert heard == notes
    lowest = list(page.evaluate("window.voices"))[::2]  # beside each its octave
    assert np.allclose([voice[0] for voice in lowest], [440 * 2 ** ((note[0] - 69) / 12) for note in notes], rtol=1e-5)
    gaps = np.diff([voice[1] for voice in lowest])
    assert np.allclose(gaps, np.diff([note[1] for note in notes]) * 60 / 300, atol=0.03)
    page.wait_for_function("!latune.sound.playing")
    page.get_by_role("button", name="Repeat").click()
    page.locator("#stage .look").nth(which).focus()
    page.keyboard.press("Space")
    page.wait_for_function(f"latune.sound.scheduled.length > {len(notes)}")
    page.get_by_role("button", name="Play or stop").click()
    page.wait_for_function("!latune.sound.playing && !document.querySelector('.cursor')")


def test_the_address_holds_scale_tempo_and_how_many(page) -> None:
    page.get_by_label("Scale: notes outside of it are red").click()
    page.get_by_role("option", name="G dorian", exact=True).click()
    page.get_by_label("Samples side by side").click()
    page.get_by_role("option", name="8", exact=True).click()
    page.wait_for_function("latune.last.n === 8")
    page.keyboard.press("2")  # a list that was chosen from takes no keys of the page
    page.wait_for_function("latune.last.focus === 1 && !document.querySelector('.q-menu') && !latune.busy()")
    type_tempo(page, "90")
    page.wait_for_function("!latune.busy() && location.search.includes('tempo=90')")
    shown = page.evaluate("latune.last.notes")
    page.goto(page.url)
    page.wait_for_function("latune.last?.n === 8 && latune.last.focus === 1 && latune.sound.tempo === 90")
    assert page.evaluate("latune.last.notes") == shown
    assert any(note[3] for melody in shown for note in melody)  # red ones
    type_tempo(page, "")  # their own again
    page.wait_for_function("!latune.busy() && latune.sound.tempo === 120 && !location.search.includes('tempo')")


def test_notes_outside_of_a_scale_are_red(page) -> None:
    press(page, "note_density", 3)
    page.get_by_label("Scale: notes outside of it are red").click()
    page.get_by_role("option", name="C# major", exact=True).click()
    page.wait_for_function("latune.last.notes.some((each) => each.some((note) => note[3]))")
    wrong = {2, 4, 7, 9, 11}  # C and F are the scale's B sharp and E sharp
    for pitch, _, _, red in [note for each in page.evaluate("latune.last.notes") for note in each]:
        assert red == int(pitch % 12 in wrong)
    look_at_the_fullest(page, "each.filter((note) => note[3])")
    page.wait_for_function("document.getElementById('score').innerHTML.includes('#d1353f')")


def test_a_tune_is_brought_edited_and_taken_in_every_form(page, tmp_path, run) -> None:
    tune = Melody.of([(60 + 2 * i % 12, i, 1) for i in range(8)], tempo=90.0)
    for ending in (".mid", ".abc", ".musicxml"):
        tune.save(tmp_path / f"tune{ending}")
        page.set_input_files("#file", tmp_path / f"tune{ending}")
        told(page, f"tune{ending}")
        page.wait_for_function("latune.last.whole && latune.last.lengths[0] === 8")
    told(page, "notes come back with pitch and start")
    page.keyboard.press("a")
    page.wait_for_function("latune.last.original")
    assert sent(page) == rows([tune])
    page.keyboard.press("a")
    press(page, "note_density", 3)
    edited = sent(page)[0]
    for title, ending in (("MIDI", ".mid"), ("MusicXML", ".musicxml"), ("WAV, sound", ".wav")):
        page.get_by_role("button", name="Take the sample in focus as a file").click()
        with page.expect_download() as download:
            page.get_by_text(title, exact=True).click()
        path = tmp_path / f"taken{ending}"
        download.value.save_as(path)
        if ending == ".wav":
            assert path.read_bytes()[:4] == b"RIFF"
            continue
        back = read_one(path)
        assert [note.pitch for note in back] == [note[0] for note in edited]
        assert np.allclose([note.start for note in back], [note[1] for note in edited], atol=1e-3)


def test_a_rule_is_written_learned_and_used(page, run) -> None:
    page.get_by_role("tab", name="Teach").click()
    page.get_by_label("Name of the rule").fill("many")
    page.get_by_label("Rule", exact=True).fill("at most twelve")
    page.get_by_role("button", name="Learn the rule").click()
    told(page, "No block reads 'at most twelve'")
    page.get_by_label("Rule", exact=True).fill("from C-1 to D-1")
    page.get_by_role("button", name="Learn the rule").click()
    told(page, "gives 0 for all")  # what it makes has no such note: there is nothing to learn from
    page.get_by_label("Rule", exact=True).fill("at least 8 notes")
    page.get_by_role("button", name="Learn the rule").click()
    page.wait_for_function("/learning 'many': [1-9]\\d?%/.test(document.body.innerText)", timeout=600_000)
    page.wait_for_function("document.body.innerText.includes(\"'many' was learned in\")", timeout=600_000)
    assert (run / "controls" / "many" / "control.json").is_file()
    page.locator('[data-knob="many"] input').wait_for()
    page.get_by_role("tab", name="Play").click()
    before = sum(len(each) for each in sent(page))
    press(page, "many", 1)
    assert sum(len(each) for each in sent(page)) > before
    page.get_by_role("tab", name="Teach").click()
    page.get_by_role("button", name="Remove many").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    page.locator('[data-knob="many"]').wait_for(state="detached")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"MThd\x00\x00", "x.mid: It ends after 6 bytes"),
        (b"<!DOCTYPE x [<!ENTITY a 'aa'>]><score-partwise>&a;</score-partwise>", "entit"),
        (b"<score-partwise>" + b"<note/>" * 6000 + b"</score-partwise>", "at most 5,000"),
        (b"%PDF-1.4", "no tune that can be read"),
    ],
    ids=["midi", "entities", "notes", "pdf"],
)
def test_bad_tunes_are_told(page, content, said) -> None:
    before = sent(page)
    page.set_input_files("#file", {"name": "x.mid", "mimeType": "audio/midi", "buffer": content})
    told(page, said)
    assert sent(page) == before

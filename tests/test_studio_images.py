"""The studio in a real browser, with a model of images."""

from __future__ import annotations

import http.client
import json
import shutil
import urllib.error
import urllib.request
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from studio_server import browser, look, page_at, studio, told

from latune.controls.learning import PRESETS
from latune.data import load
from latune.space import Space
from latune.studio.playing import play
from latune.studio.state import State

pytestmark = pytest.mark.xdist_group("studio")  # one server and one browser for all of them


@pytest.fixture(scope="module")
def run(digits_run, tmp_path_factory) -> Path:
    """A run of its own, since controls are added to it."""
    folder = tmp_path_factory.mktemp("studio") / "digits"
    shutil.copytree(digits_run, folder)
    brief = replace(PRESETS["fast"], steps=30)
    Space.load(folder).controls.learn_realism(load("digits"), how=brief)
    return folder


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


def pixels(page: Any, sample: int = 0) -> np.ndarray:
    """What is painted of a sample, `(h, w)`."""
    values = np.array(page.evaluate(f"latune.pixels({sample})"), dtype=np.uint8).reshape(32, 32, 4)
    assert (values[..., 3] == 255).all()
    return values[..., 0]


def settled(page: Any, condition: str) -> None:
    """Wait until a picture is there of which a condition holds, and nothing more is on its way."""
    page.wait_for_function(f"window.latune?.last && !latune.busy() && (({condition}))(latune.last)")


def slide(page: Any, name: str, value: float) -> None:
    """Put a slider somewhere, as a hand would: it moves, then it is let go."""
    page.locator(f'[data-knob="{name}"] input').evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', {bubbles: true}));"
        " slider.dispatchEvent(new Event('change', {bubbles: true})); }",
        value,
    )
    settled(page, f"(last) => last.address?.includes('set.{name}={value:g}')")


def test_what_is_painted_is_what_the_model_makes(page, run) -> None:
    """Pixel by pixel, before and after a slider is moved: enlarged as it is sent, within a shade of rounding."""
    space = Space.load(run)
    for state in (State(), State(held={"thickness": 2.0})):
        if state.held:
            slide(page, "thickness", 2)
        made = play(space, state).x.plain()
        large = torch.nn.functional.interpolate(made, scale_factor=4, mode="bicubic", align_corners=False)
        for sample in (0, 7):
            expected = (large[sample, 0].clamp(0, 1) * 255).round().numpy()
            assert np.abs(pixels(page, sample) - expected).max() <= 1
    assert page.locator("#stage .tile").count() == 8


def test_sliders_say_their_attribute_and_the_address_shows_it_again(page, opened, address) -> None:
    slide(page, "slant", -1.6)
    said = page.locator('[data-knob="slant"] output').inner_text()
    assert said.endswith("rad")
    painted = pixels(page)
    assert "set.slant=-1.6" in page.url
    context = opened.new_context()
    other = look(context.new_page(), page.url)
    assert np.array_equal(pixels(other), painted)
    assert other.locator('[data-knob="slant"] output').inner_text() == said
    assert other.locator('[data-knob="slant"] input').get_attribute("aria-valuetext") == said
    context.close()


def test_undo_redo_reset_compare_and_lock_by_the_keyboard(page) -> None:
    first = pixels(page)
    slide(page, "thickness", 3)
    thick = pixels(page)
    assert not np.array_equal(first, thick)
    page.keyboard.press("z")
    settled(page, "(last) => !last.held.length")
    assert np.array_equal(pixels(page), first)
    page.keyboard.press("y")
    settled(page, "(last) => last.held.length === 1")
    assert np.array_equal(pixels(page), thick)
    page.keyboard.press("a")
    settled(page, "(last) => last.original")
    assert np.array_equal(pixels(page), first)
    page.keyboard.press("a")
    settled(page, "(last) => !last.original")
    page.get_by_role("button", name="Lock thickness").click()
    settled(page, "(last) => last.locked.length === 1")
    slide(page, "slant", 1)
    page.keyboard.press("r")  # what is locked stays, what is not is let go
    settled(page, "(last) => last.held.length === 1 && last.held[0] === 'thickness'")
    assert page.evaluate("latune.last.values.thickness") == 3
    assert not np.array_equal(pixels(page), thick)
    page.keyboard.press("0")
    settled(page, "(last) => !last.held.length && !last.locked.length")


def test_the_address_shows_what_is_in_focus_and_the_original(page) -> None:
    slide(page, "thickness", 3)
    page.keyboard.press("3")
    page.keyboard.press("a")
    settled(page, "(last) => last.original && last.focus === 2 && last.address?.includes('original=1')")
    original = pixels(page, 2)
    page.goto(page.url)
    settled(page, "(last) => last.original && last.focus === 2")
    assert page.locator("#stage .tile").nth(2).locator(".look").get_attribute("aria-pressed") == "true"
    assert np.array_equal(pixels(page, 2), original)
    page.keyboard.press("a")
    settled(page, "(last) => !last.original && !last.address?.includes('original')")
    assert not np.array_equal(pixels(page, 2), original)


def test_pins_and_the_way_between_two_of_them(page, run) -> None:
    page.keyboard.press("p")
    page.get_by_role("button", name="Show pin 1").wait_for()
    page.keyboard.press("3")
    settled(page, "(last) => last.focus === 2")
    page.keyboard.press("p")
    page.get_by_role("button", name="Show pin 2").wait_for()
    for name in ("pin 1", "pin 2"):
        page.get_by_role("checkbox", name=f"An end of the way: {name}").click()
    between = page.locator("#between")
    between.wait_for()
    between.evaluate("(s) => { s.value = 0.5; s.dispatchEvent(new Event('change', {bubbles: true})); }")
    settled(page, "(last) => last.whole && last.address?.includes('at=')")
    space = Space.load(run)
    z = play(space, State()).z
    half = space.decode((z[0:1] + z[2:3]) / 2).plain()
    large = torch.nn.functional.interpolate(half, scale_factor=4, mode="bicubic", align_corners=False)
    assert np.abs(pixels(page) - (large[0, 0].clamp(0, 1) * 255).round().numpy()).max() <= 1


def test_a_file_is_brought_edited_and_taken_again(page, tmp_path) -> None:
    digits = load("digits")
    original = (digits.images(digits.splits["test"][:1])[0, 0] * 255).byte().numpy()
    Image.fromarray(original).save(tmp_path / "four.png")
    page.set_input_files("#file", tmp_path / "four.png")
    told(page, "of its variance comes back")
    settled(page, "(last) => last.whole && last.n === 1")
    page.keyboard.press("a")  # the original is the very file, not what the model makes of it
    settled(page, "(last) => last.original")
    shown = pixels(page).reshape(8, 4, 8, 4).mean((1, 3))
    assert np.abs(shown - original).mean() < 12
    page.keyboard.press("a")
    slide(page, "thickness", 3)
    page.get_by_role("button", name="Take the sample in focus as a file").click()
    with page.expect_download() as download:
        page.get_by_text("PNG, a picture").click()
    taken = np.asarray(Image.open(download.value.path()).convert("L"), dtype=float)
    assert taken.shape[0] == taken.shape[1]
    small = np.asarray(Image.fromarray(taken.astype(np.uint8)).resize((32, 32)), dtype=float)
    assert np.corrcoef(small.ravel(), pixels(page).ravel())[0, 1] > 0.98


def test_what_is_liked_becomes_a_control_that_is_used_and_removed(page, run) -> None:
    page.get_by_role("tab", name="Teach").click()
    for sample in (1, 2, 3, 4):
        page.get_by_role("button", name=f"Like sample {sample}", exact=True).click()
        settled(page, f"(last) => last.marks[{sample - 1}] === 1")
    page.get_by_role("button", name="Dislike sample 5").click()
    told(page, "4 liked · 1 disliked")
    seed = page.evaluate("latune.last.address")
    page.keyboard.press("r")
    settled(page, f"(last) => last.address && last.address !== {seed!r} && last.marks.every((mark) => mark === 0)")
    page.get_by_role("button", name="Like sample 1", exact=True).click()
    told(page, "5 liked · 1 disliked")
    page.keyboard.press("z")
    settled(page, "(last) => last.marks[4] === -1")
    page.get_by_label("Name of the control").fill("fine")
    before = pixels(page)
    page.get_by_role("button", name="Learn", exact=True).click()
    told(page, "'fine' was learned in")
    assert json.loads((run / "controls" / "fine" / "control.json").read_text())["about"]["likes"] == 5
    knob = page.locator('[data-knob="fine"] input')
    knob.wait_for()
    knob.evaluate("(s) => { s.value = 0; s.dispatchEvent(new Event('change', {bubbles: true})); }")
    settled(page, "(last) => last.held.includes('fine')")
    moved = pixels(page)
    assert not np.array_equal(moved, before)
    page.locator('[data-knob="identity"] input').evaluate(
        "(s) => { s.value = 2; s.dispatchEvent(new Event('change', {bubbles: true})); }"
    )
    settled(page, "(last) => last.dials.identity === 2 && last.address?.includes('identity=2')")
    kept = np.abs(pixels(page).astype(float) - before).mean()
    assert kept < np.abs(moved.astype(float) - before).mean()
    page.get_by_role("button", name="Remove fine").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    knob.wait_for(state="detached")
    assert not (run / "controls" / "fine").exists()


def test_a_walk_runs_pauses_and_holds_what_is_painted(page) -> None:
    page.get_by_role("tab", name="Walk").click()
    mask = page.locator("#mask")
    page.wait_for_function("document.getElementById('mask').width === 8")
    page.evaluate("latune.brush = 5")
    area = mask.bounding_box()
    page.mouse.move(area["x"] + 10, area["y"] + 10)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] - 10, area["y"] + 10, steps=12)
    page.mouse.up()
    page.get_by_label("What is not held begins as").click()
    page.get_by_role("option", name="noise").click()
    held_cells = """[...document.getElementById('mask').getContext('2d').getImageData(0, 0, 8, 8).data]
        .filter((_, k) => k % 4 === 3)"""  # how dark the mask is, a number a cell
    painted = "[...document.getElementById('walk').getContext('2d').getImageData(0, 0, 32, 32).data]"
    page.evaluate('latune.walk("speed", {speed: 30})')
    first = page.evaluate(painted)
    mask.focus()
    for key in ["ArrowDown"] * 3 + ["ArrowLeft"] * 2 + [" "]:  # a dab of the brush by the keyboard, and away with it
        page.keyboard.press(key)
    covered = f"{held_cells}.filter((each, k) => each > 0 && k >= 24).length"
    assert page.evaluate(covered) == 13  # what is left of a disc at the lower edge
    page.keyboard.press("Backspace")
    mask.blur()
    assert page.evaluate(covered) == 0
    page.get_by_role("button", name="Start").click()
    page.wait_for_function("latune.steps >= 5")
    # How far the lower half is from where it began differs from step to step, and where a pause comes is chance.
    moved = f"first => {painted}.some((v, i) => i % 4 === 0 && i >= 16 * 32 * 4 && Math.abs(v - first[i]) > 60)"
    page.wait_for_function(moved, arg=first)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Go on").wait_for()
    before, after = (np.array(each).reshape(32, 32, 4)[..., 0] for each in (first, page.evaluate(painted)))
    assert np.abs(after[:2] - before[:2]).max() <= 40  # held, but for the enlarging that looks at rows below
    steps = page.evaluate("latune.steps")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_function(f"latune.steps > {steps}")
    page.evaluate("latune.fillMask(1)")  # from here on all of it is held, while it walks
    settled_at = page.evaluate("latune.steps") + 8
    page.wait_for_function(f"latune.steps > {settled_at}")
    held = page.evaluate(painted)
    page.wait_for_function(f"latune.steps > {settled_at + 4}")
    assert page.evaluate(painted) == held
    page.get_by_role("tab", name="Play").click()
    page.get_by_role("tab", name="Walk").click()
    page.get_by_role("button", name="Go on").wait_for()  # it waits while nobody looks at it


def test_the_map_shows_the_data_and_a_click_goes_there(page) -> None:
    shades = """() => { const map = document.getElementById('map');
        if (!map.width) return 0;
        const data = map.getContext('2d').getImageData(0, 0, map.width, map.height).data, seen = new Set();
        for (let i = 0; i < data.length; i += 4) seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
        return seen.size; }"""
    for tab in ("Map", "Play", "Map"):  # the second time the points are there before the canvas is
        page.get_by_role("tab", name=tab).click()
    page.wait_for_function("document.getElementById('map').dataset.points === '179'")
    page.wait_for_function(f"({shades})() > 30")
    page.keyboard.press("d")
    page.wait_for_function("document.body.classList.contains('body--dark')")
    page.wait_for_function(f"({shades})() > 30")
    area = page.locator("#map").bounding_box()
    page.mouse.click(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2)
    settled(page, "(last) => last.whole && last.n === 1")
    page.get_by_role("button", name="Surface").click()
    page.wait_for_function("document.getElementById('map').dataset.side === '21'")
    page.locator("#map").focus()
    for key in ["Shift+ArrowRight"] * 2 + ["Shift+ArrowUp"] * 3:  # a cross, from where it is
        page.keyboard.press(key)
    said = page.locator("#map").get_attribute("aria-label")
    page.keyboard.press("Enter")
    settled(page, "(last) => last.held.length === 2")
    for name in page.evaluate("latune.last.held"):
        assert f"{name} {page.evaluate(f'latune.last.values.{name}'):.2f}" in said
    assert page.evaluate("latune.last.values[latune.last.held[0]]") > 0.5
    page.keyboard.press("z")  # one click, one change
    settled(page, "(last) => last.whole && last.held.length === 0")
    page.keyboard.press("z")
    settled(page, "(last) => !last.whole && last.n === 8")
    assert page.get_by_label("Samples side by side").input_value() == "8"


def test_on_a_tablet_the_picture_stays_beside_the_slider(page) -> None:
    page.set_viewport_size({"width": 1024, "height": 768})
    page.locator("#knobs details > summary").first.click()
    page.locator("#knobs input[type=range]").last.scroll_into_view_if_needed()
    tile = page.locator("#stage .tile").first.bounding_box()
    assert tile["y"] >= 0 and tile["y"] + tile["height"] <= 768
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024


def test_the_realism_dial_mends_what_is_shown(page, run) -> None:
    before = pixels(page)
    page.locator('[data-knob="realism"] input').evaluate(
        "(s) => { s.value = 1; s.dispatchEvent(new Event('change', {bubbles: true})); }"
    )
    settled(page, "(last) => last.dials.realism === 1 && last.address?.includes('realism=1')")
    state = State(n=8, realism=1.0)
    mended = page.evaluate("latune.pixels(0)")
    assert not np.array_equal(pixels(page), before)
    page.goto(page.url)  # the address shows the same again
    settled(page, "(last) => last.dials.realism === 1")
    assert page.evaluate("latune.pixels(0)") == mended
    assert (play(Space.load(run), state).z - play(Space.load(run), State(n=8)).z).abs().max() > 0.05


def test_the_metric_report_is_one_click_away(page, run) -> None:
    (run / "report.html").write_text("<h1>How it was measured</h1>")
    with page.expect_popup() as popup:
        page.get_by_role("button", name="Metric report").click()
    popup.value.wait_for_load_state()
    assert popup.value.get_by_text("How it was measured").is_visible()
    popup.value.close()
    (run / "report.html").unlink()


def test_one_person_does_not_see_what_another_does(page, opened, address) -> None:
    context = opened.new_context()
    other = look(context.new_page(), address)
    slide(page, "thickness", 3)
    other.keyboard.press("p")
    other.get_by_role("button", name="Show pin 1").wait_for()
    assert other.evaluate("latune.last.held") == []
    assert page.get_by_role("button", name="Show pin 1").count() == 0
    context.close()


def test_no_request_leaves_the_machine(page, address) -> None:
    for name in ("Teach", "Walk", "Map", "Play"):
        page.get_by_role("tab", name=name).click()
    page.wait_for_function("document.body.dataset.tab === 'play'")
    host = address.removeprefix("http://")
    outside = [url for url in page.asked if not url.startswith((f"http://{host}/", f"ws://{host}/", "data:", "blob:"))]
    assert page.asked
    assert outside == []


def bomb() -> bytes:
    """A PNG of 60,000 x 60,000 white pixels, in a few kilobytes."""

    def part(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")

    head = (60_000).to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(bytes(10**6))) + part(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"MZ\x90\x00 not an image", "no image that can be read"),
        (bomb(), "at most 40,000,000"),
        (b"", "no image that can be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image that can be read"),
    ],
    ids=["program", "bomb", "empty", "svg"],
)
def test_bad_files_are_told_and_change_nothing(page, content, said) -> None:
    before = pixels(page)
    file = {"name": "../../evil<b>.png", "mimeType": "image/png", "buffer": content}
    page.set_input_files("#file", file)
    told(page, said)
    assert np.array_equal(pixels(page), before)


def test_other_hosts_origins_and_large_bodies_are_refused(page, address) -> None:
    token = page.evaluate("latune.token")

    def status(path: str, body: bytes | None = None, **headers: str) -> int:
        request = urllib.request.Request(f"{address}{path}", body, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    host = address.removeprefix("http://")
    assert status("/") == 200
    assert status("/", Host="evil.example") == 421
    assert status("/", Host=host, Origin="http://evil.example") == 403
    assert status("/", Host=host, Origin=address) == 200
    large = http.client.HTTPConnection(host)
    large.putrequest("POST", f"/bring/{token}?name=x.png")
    large.putheader("Content-Length", str(17 * 2**20))
    large.endheaders()
    assert large.getresponse().status == 413
    large.close()
    assert status("/bring/somebody?name=x.png", b"x") == 404
    assert status(f"/take/{token}/..%2f..%2fspace.json") == 404
    assert status("/take/somebody/picture") == 404
    for path in ("/studio/../guards.py", "/studio/%2e%2e/guards.py", "/report"):
        assert status(path) == 404


def test_a_link_that_was_tampered_with_is_told(opened, address) -> None:
    context = opened.new_context()
    page = look(context.new_page(), f"{address}/?seed=x&n=999&set.nothing=3&set.slant=nan&at=!!&with.digit=77")
    assert page.evaluate("latune.last.n") == 8
    assert page.evaluate("latune.last.held") == []
    assert page.locator("#told").inner_text()
    context.close()


def test_without_a_run_the_demo_model_is_trained_first(opened, tmp_path) -> None:
    with studio(None, tmp_path) as found:
        context = opened.new_context()
        page = context.new_page()
        page.goto(found, wait_until="domcontentloaded", timeout=240_000)
        page.wait_for_function("/1,797 handwritten digits: \\d+%/.test(document.body.innerText)", timeout=240_000)
        assert page.get_by_role("progressbar").is_visible()
        context.close()

"""Make docs/pictures/studio/: what the pages of the studio look like, seen by a headless Chromium.

    python docs/make_studio_pictures.py --digits runs/digits --measures runs/bach

Both runs are copied first, so that nothing is added to them.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "pictures" / "studio"
SIZE = {"width": 1280, "height": 800}


@contextmanager
def shown(run: Path | None, scheme: str, ready: str = "window.latune?.last") -> Iterator[Any]:
    """A page of the studio of a copy of a run; of none, that of the first start."""
    from playwright.sync_api import sync_playwright

    browser = os.environ.get("LATUNE_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        if run is not None:
            shutil.copytree(run, Path(folder) / run.name)
        names = [run.name] if run is not None else []
        command = [sys.executable, "-m", "latune.cli", "studio", *names, "--port", "0", "--no-browser"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
        try:
            assert server.stdout is not None
            address = re.search(r"http://[\d.:]+", server.stdout.readline())
            assert address is not None
            chromium = started.chromium.launch(executable_path=browser, args=["--no-sandbox"])
            page = chromium.new_page(viewport=SIZE, color_scheme=scheme)  # type: ignore[arg-type]
            page.set_default_timeout(60_000)
            page.goto(address[0] + "/?seed=7")
            page.wait_for_function(ready)
            yield page
            chromium.close()
        finally:
            server.terminate()
            server.wait()


def taken(page: Any, name: str) -> None:
    """A picture of the page once nothing moves."""
    page.mouse.move(640, 790)
    page.wait_for_timeout(900)
    page.screenshot(path=FOLDER / f"{name}.png")


def turn(page: Any, name: str, value: float) -> None:
    """Put a slider somewhere."""
    page.locator(f'[data-knob="{name}"] input').evaluate(
        "(s, value) => { s.value = value; s.dispatchEvent(new Event('change', {bubbles: true})); }", value
    )
    page.wait_for_function(f"latune.last.held.includes('{name}')")


def digits(run: Path) -> None:
    """Play, teach, walk and map."""
    with shown(run, "light") as page:
        turn(page, "slant", 1.5)
        for focus in ("1", "4", "7"):
            page.keyboard.press(focus)
            page.keyboard.press("p")
            page.wait_for_timeout(500)
        for name in ("pin 1", "pin 3"):
            page.get_by_role("checkbox", name=f"An end of the way: {name}").click()
        taken(page, "play")
        page.get_by_role("tab", name="Map").click()
        page.wait_for_function("document.getElementById('map').dataset.points")
        taken(page, "map")
        page.get_by_role("tab", name="Teach").click()
        for sample in (1, 3, 4, 6):
            page.get_by_role("button", name=f"Like sample {sample}", exact=True).click()
        page.get_by_role("button", name="Dislike sample 2").click()
        page.get_by_label("Name of the control").fill("bold")
        taken(page, "teach")
    with shown(run, "dark") as page:
        page.get_by_role("tab", name="Walk").click()
        page.wait_for_function("document.getElementById('mask').width > 1")
        area = page.locator("#mask").bounding_box()
        page.evaluate("latune.brush = 4")
        page.mouse.move(area["x"] + 40, area["y"] + 90)
        page.mouse.down()
        page.mouse.move(area["x"] + area["width"] - 40, area["y"] + 90, steps=20)
        page.mouse.up()
        page.get_by_role("button", name="Start").click()
        page.wait_for_function("latune.steps >= 12")
        page.get_by_role("button", name="Pause").click()
        taken(page, "walk")


def measures(run: Path) -> None:
    """Melodies."""
    with shown(run, "dark") as page:
        turn(page, "note_density", 1.5)
        page.get_by_label("Scale: notes outside of it are red").click()
        page.get_by_role("option", name="C major", exact=True).click()
        page.wait_for_function("document.querySelector('#score g.note')")
        taken(page, "melodies")


def first_start() -> None:
    """The demo model is being trained."""
    with shown(None, "light", "/: [3-6]\\d%/.test(document.body.innerText)") as page:
        taken(page, "first-start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--digits", type=Path, required=True)
    parser.add_argument("--measures", type=Path, required=True)
    asked = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    first_start()
    digits(asked.digits.resolve())
    measures(asked.measures.resolve())


if __name__ == "__main__":
    main()

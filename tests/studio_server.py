"""What the studio's tests stand on: a studio in a process of its own, and a page of it in a real browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

WAIT = 30_000  # milliseconds that something may take on a busy machine


def chromium() -> str:
    """The browser; .ci/browser installs it."""
    names = (os.environ.get("LATUNE_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no chromium: bash .ci/browser installs it")
    return found


@contextmanager
def studio(run: Path | None, folder: Path) -> Iterator[str]:
    """The address of a studio of a run, started in a folder; what it writes to standard error ends the test."""
    command = [
        sys.executable,
        "-m",
        "latune.cli",
        "studio",
        *([str(run)] if run else []),
        "--port",
        "0",
        "--no-browser",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    environment.pop("PYTEST_CURRENT_TEST", None)  # by which NiceGUI thinks that it is tested itself
    with (folder / "studio.log").open("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=folder, env=environment)
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert found, (folder / "studio.log").read_text()
            yield found[0]
        finally:
            process.terminate()
            process.wait(20)
            process.stdout.close()
        log.seek(0)
        said = log.read()
    assert "Traceback" not in said, said


@contextmanager
def browser() -> Iterator[Any]:
    """A headless browser, in which sound may play without a hand."""
    playwright = pytest.importorskip("playwright.sync_api")
    options = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium(), args=options, timeout=6 * WAIT)
        yield opened
        opened.close()


def look(page: Any, address: str) -> Any:
    """Open a studio's page and wait for its first picture; whatever the page asks for is kept in `page.asked`."""
    page.set_default_timeout(WAIT)
    page.asked, page.wrong = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("websocket", lambda socket: page.asked.append(socket.url))
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.goto(address)
    page.wait_for_function("window.latune?.last && window.latune.last.show !== 'nothing'")
    return page


@contextmanager
def page_at(opened: Any, address: str) -> Iterator[Any]:
    """A studio's page in a window of its own, in which nothing may go wrong."""
    context = opened.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    shown = look(context.new_page(), address)
    yield shown
    assert shown.wrong == []
    context.close()


def told(page: Any, words: str) -> None:
    """Wait until the page says something."""
    page.wait_for_function(f"document.body.innerText.includes({words!r})")

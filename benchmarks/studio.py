"""The studio on this machine: from a slider to the painted picture, a crowd of fifty, and how long it takes to start.

    python benchmarks/studio.py [--run FOLDER ...] [--moves 100] [--people 50] [--seconds 60] [--json FILE]

Without --run it trains three models for a moment, which is enough to time them: the digits of `arvae-digits`, MNIST by
`arvae-mnist` (where LATUNE_DATA has it) and measures by `arvae-bach-demo`. A slider is moved by the arrow keys of a
headless Chromium at 1280 x 800, twelve times a second, with 8 images or 4 melodies side by side; the time is from the
slider's event to the frame in which the picture was painted (`painted`), and to its last pixel on the canvas (`drawn`),
which does not wait for the screen's next refresh. A crowd is so many open pages, each with its own session and stream,
whose hands move a slider about ten times a second for a minute; its times are from a message to its picture. The exit
status is 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from latune.medium import Tunes
from latune.recipes import read, train
from latune.space import Space
from latune.studio.frames import opened

PACE = 80  # ms from a move to the next
PAINTED, TAIL, MELODY, CROWD, START, GROWTH = 25.0, 50.0, 150.0, 500.0, 6.0, 1.02  # ms, ms, ms, ms, s, times
BRIEF = ("training.steps=30", "training.validate_every=0")
MODELS = {"digits": "arvae-digits", "mnist": "arvae-mnist", "measures": "arvae-bach-demo"}


@contextmanager
def studio(run: Path) -> Iterator[tuple[str, float, psutil.Process]]:
    """A studio of a run: its address, how long it took to answer, and its process."""
    command = [sys.executable, "-m", "latune.cli", "studio", str(run), "--port", "0", "--no-browser"]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        assert process.stdout is not None
        address = re.search(r"http://[\d.:]+", process.stdout.readline())
        assert address is not None, "the studio did not start"
        urllib.request.urlopen(address[0]).close()
        yield address[0], time.monotonic() - began, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def moves(address: str, many: int) -> dict[str, list[float]]:
    """Milliseconds of each move of a slider in a browser."""
    from playwright.sync_api import sync_playwright

    browser = os.environ.get("LATUNE_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        page.wait_for_function("window.latune?.last")
        slider = page.locator("[data-knob] input").first
        slider.focus()
        for i in range(10 + many):
            if i == 10:
                page.evaluate("latune.log.length = 0")
            page.keyboard.press("ArrowRight" if i % 40 < 20 else "ArrowLeft")
            page.wait_for_timeout(PACE)  # asking the page whether it is done would keep it from it
        page.wait_for_function(f"latune.log.length >= {many} && latune.log.every((each) => each.painted)")
        log = page.evaluate("latune.log")
        chromium.close()
    return {kind: [each[kind] for each in log] for kind in ("drawn", "painted")}


async def crowd(address: str, people: int, seconds: float, process: psutil.Process) -> dict[str, Any]:
    """Milliseconds of each move of each of many people, what went wrong, and the memory of the server over time."""
    import websockets

    times: list[float] = []
    wrong: list[str] = []
    memory: list[tuple[float, int]] = []
    began = time.monotonic()

    async def person(number: int) -> None:
        page = await asyncio.to_thread(lambda: urllib.request.urlopen(address).read().decode())
        token = re.search(r'token: \\?"([\w-]+)', page)
        assert token is not None
        host = address.removeprefix("http://")
        async with websockets.connect(f"ws://{host}/stream/{token[1]}", origin=address, max_size=None) as socket:  # type: ignore[arg-type]
            await socket.recv()
            names = list(opened(await first(socket))[0]["values"])
            seq = 0
            while time.monotonic() - began < seconds:
                seq += 1
                value = ((seq * 7 + number) % 80 - 40) / 10
                sent = time.monotonic()
                turn = {"turn": names[number % len(names)], "value": value, "done": seq % 10 == 0, "seq": seq, "at": 0}
                await socket.send(json.dumps(turn))
                while True:
                    header, _ = opened(await socket.recv())
                    if header["kind"] == "told":
                        wrong.extend(header["told"])
                    elif header["kind"] == "play" and header["seq"] >= seq:
                        break
                times.append(1000 * (time.monotonic() - sent))
                await asyncio.sleep(max(0.0, 0.1 - (time.monotonic() - sent)))

    async def first(socket: Any) -> bytes:
        await socket.send(json.dumps({"look": 0}))
        return await socket.recv()

    async def weigh() -> None:
        while time.monotonic() - began < seconds:
            memory.append((time.monotonic() - began, process.memory_info().rss))
            await asyncio.sleep(1)

    done = await asyncio.gather(weigh(), *(person(i) for i in range(people)), return_exceptions=True)
    wrong += [repr(each) for each in done if isinstance(each, BaseException)]
    half = [size for at, size in memory if seconds / 2 - 5 <= at <= seconds / 2 + 5]
    last = [size for at, size in memory if at >= seconds - 10]
    return {
        "moves": len(times), "times": times, "wrong": wrong,
        "memory at half": statistics.median(half) / 2**20, "memory at the end": statistics.median(last) / 2**20,
    }  # fmt: skip


def brief_runs(root: Path) -> list[Path]:
    """Models that were trained for a moment."""
    runs = []
    for name, recipe in MODELS.items():
        if name == "mnist" and "LATUNE_DATA" not in os.environ:
            continue
        train(read(recipe, BRIEF), root / name)
        runs.append(root / name)
    return runs


def tail(values: list[float], share: float = 0.95) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, action="append", default=[])
    parser.add_argument("--moves", type=int, default=100)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found: dict[str, Any] = {}
    missed = False

    def told(what: str, got: float, unit: str, most: float) -> None:
        nonlocal missed
        missed |= got > most
        print(f"  {what:44} {got:8.1f} {unit}   at most {most:g}{'   MISSED' if got > most else ''}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        for run in asked.run or brief_runs(Path(folder)):
            melodic = isinstance(Space.load(run).medium, Tunes)
            with studio(run) as (address, seconds, process):
                print(f"{run.name}, {'4 melodies' if melodic else '8 images'} side by side", flush=True)
                told("start with a trained run", seconds, "s", START)
                took = moves(address, asked.moves)
                painted, drawn = took["painted"], took["drawn"]
                print(f"  {'moves':44} {len(painted):8}")
                told(
                    "slider to painted picture, median",
                    statistics.median(painted),
                    "ms",
                    MELODY if melodic else PAINTED,
                )
                if not melodic:
                    told("slider to painted picture, p95", tail(painted), "ms", TAIL)
                print(
                    f"  {'slider to the last pixel drawn, median, p95':44} {statistics.median(drawn):8.1f} ms"
                    f" {tail(drawn):.1f} ms"
                )
                found[run.name] = {"start": seconds, **took}
                if asked.people and not found.get("crowd"):
                    many = asyncio.run(crowd(address, asked.people, asked.seconds, process))
                    print(
                        f"  {asked.people} people for {asked.seconds:g} s: {many['moves']:,} moves,"
                        f" {len(many['wrong'])} errors"
                    )
                    print("".join(f"    {each}\n" for each in many["wrong"][:3]), end="")
                    told("a move's picture, p95", tail(many["times"]), "ms", CROWD)
                    growth = many["memory at the end"] / many["memory at half"]
                    told("memory at half", many["memory at half"], "MB", float("inf"))
                    told("memory at the end, of that at half, x100", 100 * growth, "%", 100 * GROWTH)
                    missed |= bool(many["wrong"])
                    found["crowd"] = many
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

"""The demo model of `latune studio` without a run: trained in a process of its own, so that its page stays awake."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path

from latune.recipes import open_data, read, train
from latune.recipes.run import updates
from latune.run_folder import SPACE

RECIPE, CONTROL = "arvae-digits", "digit"


def is_trained(folder: Path) -> bool:
    """Whether a folder holds a finished run."""
    return (folder / SPACE).exists()


def make(folder: Path) -> None:
    """Train the demo model and teach it a control, or go on where that was stopped; say how far it is, a line each."""
    recipe = read(RECIPE, [])
    data = open_data(recipe)
    print(json.dumps({"of": updates(recipe, data)}), flush=True)  # noqa: T201
    space = train(recipe, folder, data=data)
    print(json.dumps({"step": "teaching it a control"}), flush=True)  # noqa: T201
    if CONTROL not in space.controls:
        space.controls.learn(CONTROL, data, how="fast", actor=True)


class Making:
    """A training that runs beside the server.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.of, self.said, self.error = folder, 0, "reading 1,797 handwritten digits", ""
        self.process: asyncio.subprocess.Process | None = None

    @property
    def share(self) -> float:
        """How much of it is done, from 0 to 1, as its log says."""
        last = 0
        with contextlib.suppress(OSError, ValueError, IndexError):
            tail = (self.folder / "log.jsonl").read_bytes()[-4000:].splitlines()
            last = json.loads(tail[-1])["step"]
        return min(1.0, last / self.of) if self.of else 0.0

    async def run(self) -> bool:
        """Train to the end; whether it ended well."""
        command = [sys.executable, "-m", "latune.studio.first_model", str(self.folder)]
        pipe = asyncio.subprocess.PIPE
        process = self.process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
        assert process.stdout is not None and process.stderr is not None
        wrong = asyncio.ensure_future(process.stderr.read())
        async for line in process.stdout:
            with contextlib.suppress(ValueError):
                found = json.loads(line)
                self.of = found.get("of", self.of)
                self.said = found.get("step", "training on 1,797 handwritten digits")
        said = (await wrong).decode(errors="replace").strip()
        if await process.wait():
            self.error = said.splitlines()[-1] if said else "The training ended without a word."
            return False
        return True

    def stop(self) -> None:
        """End the training with the server; the next start goes on where it was."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()


if __name__ == "__main__":
    make(Path(sys.argv[1]))

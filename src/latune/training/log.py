"""What a training run leaves for the reader: JSON lines, TensorBoard events, and a bar that says how long it takes."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from latune.files import room_for, write_text

LOG, EVENTS = "log.jsonl", "tensorboard"
TRACES = frozenset({LOG, EVENTS})  # all that a training leaves that was stopped before its first checkpoint


class Log:
    """Writes one line a logged step; on resuming, what came after the checkpoint is dropped, since it comes again."""

    def __init__(self, folder: Path | None, start: int, tensorboard: bool = True) -> None:
        self._file = self._events = None
        if folder is None:
            return
        path = folder / LOG
        kept = [line for line in read_log(folder) if line["step"] <= start]
        write_text(path, "".join(json.dumps(line) + "\n" for line in kept))
        self._file = path.open("a", encoding="utf-8")
        if tensorboard:
            from tensorboardX import SummaryWriter

            self._events = SummaryWriter(str(folder / EVENTS), purge_step=start + 1 if start else None)

    def write(self, line: dict[str, Any]) -> None:
        """Append one line: `step` and any numbers beside it."""
        if self._file is not None:
            with room_for(self._file.name):
                self._file.write(json.dumps(line) + "\n")
                self._file.flush()
        if self._events is not None:
            for name, value in line.items():
                if name != "step" and isinstance(value, int | float):
                    self._events.add_scalar(name, value, line["step"])

    def close(self) -> None:
        """Close the files; every line was flushed when it was written."""
        for file in (self._file, self._events):
            if file is not None:
                # On a full disk this fails once more, and would hide the error that says so.
                with contextlib.suppress(OSError):
                    file.close()


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log; a last line that was cut by a crash is left out."""
    path = folder / LOG
    lines: list[dict[str, Any]] = []
    if path.exists():
        for text in path.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(text))
            except json.JSONDecodeError:
                break
    return lines


def progress_bar(show: bool) -> Progress:
    """A bar with the loss, images a second and the time left; silent where it is not shown."""
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not show,
        transient=False,
    )

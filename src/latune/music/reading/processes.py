"""Reading many files in several processes: each answers one file after the other, and may fail alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from latune.errors import LatuneError
from latune.imports import raised
from latune.music.melody import Melody
from latune.music.reading.contents import HOW
from latune.music.reading.tune import Tune, TuneError

LONGEST = 120.0  # seconds for one file
MOST_ENDED = 5  # files in a row that make the process that reads them end
AHEAD = 64  # files handed out before the first is answered


@dataclass(frozen=True)
class Job:
    """One file to read.

    Args:
        name: its path, or its name in an archive.
        content: gives the bytes; raises TuneError.
        how: a name of `latune.music.reading.contents.HOW`.
        settings: of that function, plain data.
    """

    name: str
    content: Callable[[], bytes]
    how: str = "file"
    settings: dict[str, Any] = field(default_factory=dict)


def read_all(
    jobs: Sequence[Job], workers: int | None = None, advance: Callable[[], None] = lambda: None
) -> Iterator[list[Tune]]:
    """The tunes of each file, in order; a file that cannot be read has one tune, with the reason.

    Args:
        jobs: the files.
        workers: processes; 0 reads here, None takes what the machine has.
        advance: is called after each file.

    Raises:
        LatuneError: where a package is missing that reads them.
    """
    if workers is None:
        here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        workers = min(len(jobs), here)
    if workers == 0:
        for job in jobs:
            yield read_here(job)
            advance()
        return
    local = threading.local()
    started: list[_Reader] = []

    def ask(job: Job) -> list[Tune]:
        if not hasattr(local, "reader"):
            local.reader = _Reader()
            started.append(local.reader)
        return local.reader.ask(job)

    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[list[Tune]]] = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(ask, job))
                if len(waiting) >= AHEAD:
                    yield waiting.popleft().result()
                    advance()
            while waiting:
                yield waiting.popleft().result()
                advance()
        finally:
            for future in waiting:
                future.cancel()
            for reader in started:
                reader.close()


def read_here(job: Job) -> list[Tune]:
    """The tunes of one file, read in this process."""
    try:
        return HOW[job.how](job.name, job.content(), **job.settings)
    except TuneError as error:
        return [Tune.lost(1, "", error)]
    except LatuneError:
        raise
    except Exception as error:  # one file in ten thousand must not cost the others
        return [Tune.lost(1, "", TuneError("a damaged file", f"Reading it raised {raised(error)}."))]


class _Reader:
    """A process that reads; it is started again when a file makes it end."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.late = False
        self.ended = 0  # times in a row

    def ask(self, job: Job) -> list[Tune]:
        try:
            content = job.content()
        except TuneError as error:
            return [Tune.lost(1, "", error)]
        if self.process is None or self.process.poll() is not None:
            self.process = _start()
        process = self.process
        assert process.stdin and process.stdout
        self.late = False
        timer = threading.Timer(LONGEST, self._give_up)
        timer.start()
        try:
            head = {"name": job.name, "how": job.how, "settings": job.settings, "size": len(content)}
            process.stdin.write(json.dumps(head).encode() + b"\n" + content)
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = b""
        finally:
            timer.cancel()
        if not answer.endswith(b"\n"):
            process.wait()
            self.process = None
            if self.late:
                return [
                    Tune.lost(1, "", TuneError("takes too long", f"Reading it takes more than {LONGEST:g} seconds."))
                ]
            self.ended += 1
            if self.ended > MOST_ENDED:
                raise RuntimeError("A reading process ends again and again; with workers=0 files are read in this one.")
            return [Tune.lost(1, "", TuneError("a damaged file", "The process that read it ended before it was done."))]
        self.ended = 0
        found = json.loads(answer)
        if isinstance(found, str):
            raise LatuneError(found)
        return [from_plain(each) for each in found]

    def _give_up(self) -> None:
        self.late = True
        if self.process is not None:
            self.process.kill()

    def close(self) -> None:
        if self.process is not None:
            if self.process.stdin:
                self.process.stdin.close()
            self.process.kill()
            self.process.wait()
            if self.process.stdout:
                self.process.stdout.close()


def _start() -> subprocess.Popen[bytes]:
    # The worker finds the same packages as this process, and nothing that happens to lie in the current folder (-P).
    paths = os.pathsep.join(path for path in sys.path if path)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "latune.music.reading.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | threads | {"PYTHONPATH": paths},
    )


def to_plain(tune: Tune) -> dict[str, Any]:
    """A tune as plain data, with its notes."""
    plain = tune.as_dict()
    if tune.melody is not None:
        melody = tune.melody
        plain["notes"] = [melody.pitches.tolist(), melody.starts.tolist(), melody.durations.tolist()]
    return plain


def from_plain(plain: dict[str, Any]) -> Tune:
    """The tune that `to_plain` wrote."""
    about = {"number": plain["number"], "title": plain["title"], "remarks": tuple(plain.get("remarks", ()))}
    if "notes" not in plain:
        return Tune(**about, reason=plain["reason"], told=plain["told"])
    pitches, starts, durations = plain["notes"]
    melody = Melody(
        np.array(pitches, np.int64),
        np.array(starts, np.float64),
        np.array(durations, np.float64),
        length=plain["length"],
        metre=tuple(plain["metre"]),
        tempo=plain["tempo"],
        program=plain["program"],
        name=plain["title"],
    )
    return Tune(**about, melody=melody)

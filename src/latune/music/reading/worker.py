"""The program that a reading process runs: files in, their tunes out, until the input ends.

It is a program of its own, rather than a function handed to `multiprocessing`, so that the caller's script is never
imported a second time: reading works from a script without a main guard, from a notebook and from a prompt.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys

from latune.errors import LatuneError
from latune.music.reading.processes import Job, read_here, to_plain

MEMORY = 4 * 2**30  # bytes; a file that needs more is damaged, or made to do harm


def main() -> None:
    """Answer each file on the standard input, a line of JSON and its bytes, with a line of JSON."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller hears of an interrupt, and then ends the input
    with contextlib.suppress(ImportError, ValueError, OSError):  # not every system can
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a package prints does not get between the answers
    while line := sys.stdin.buffer.readline():
        head = json.loads(line)
        content = sys.stdin.buffer.read(head["size"])
        job = Job(head["name"], lambda content=content: content, head["how"], head["settings"])
        try:
            answer = json.dumps([to_plain(tune) for tune in read_here(job)])
        except LatuneError as error:
            answer = json.dumps(str(error))
        answers.write(answer.encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()

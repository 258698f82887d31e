"""The program that a measuring process runs: blocks of images in, their measures out, until the input ends.

It is a program of its own, rather than a function handed to `multiprocessing`, so that the caller's script is never
imported a second time: measuring works from a script without a main guard, from a notebook and from a prompt.
"""

from __future__ import annotations

import signal
import sys

import numpy as np

from latune.attributes.processes import HEADER
from latune.attributes.strokes import measure


def main() -> None:
    """Answer blocks on the standard input, each a header of (n, h, w) and the pixels, with n rows of float64."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller hears of an interrupt, and then ends the input
    while header := sys.stdin.buffer.read(HEADER.size):
        shape = HEADER.unpack(header)
        pixels = sys.stdin.buffer.read(shape[0] * shape[1] * shape[2])
        values = measure(np.frombuffer(pixels, np.uint8).reshape(shape))
        sys.stdout.buffer.write(values.tobytes())
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()

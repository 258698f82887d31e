"""Measuring in several processes: each answers one block of images after the other."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Float64, UInt8

HEADER = struct.Struct("<3q")


def measure_in_processes(
    images: UInt8[np.ndarray, "n h w"],
    blocks: Sequence[slice],
    values: Float64[np.ndarray, "n 6"],
    workers: int,
    advance: Callable[[int], None],
) -> None:
    """Fill `values` with the measures of the images, block by block; `advance` hears how many images were done."""
    todo = deque(blocks)

    def keep_busy() -> None:
        with _start() as process:
            try:
                while todo:
                    block = todo.popleft()
                    values[block] = _ask(process, images[block])
                    advance(len(values[block]))
            except BaseException:
                todo.clear()
                process.kill()
                raise

    with ThreadPoolExecutor(workers) as pool:
        try:
            for each in [pool.submit(keep_busy) for _ in range(workers)]:
                each.result()
        except BaseException:
            todo.clear()
            raise


def _start() -> subprocess.Popen[bytes]:
    # The worker finds the same packages as this process, and nothing that happens to lie in the current folder (-P).
    paths = os.pathsep.join(path for path in sys.path if path)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "latune.attributes.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | threads | {"PYTHONPATH": paths},
    )


def _ask(process: subprocess.Popen[bytes], images: UInt8[np.ndarray, "n h w"]) -> Float64[np.ndarray, "n 6"]:
    assert process.stdin
    assert process.stdout
    size = len(images) * 6 * 8
    try:
        process.stdin.write(HEADER.pack(*images.shape))
        process.stdin.write(np.ascontiguousarray(images))
        process.stdin.flush()
        answer = process.stdout.read(size)
    except BrokenPipeError:
        answer = b""
    if len(answer) < size:
        raise RuntimeError(
            f"A measuring process ended before its work was done (exit code {process.wait()}); "
            "with workers=1 the images are measured in this process."
        )
    return np.frombuffer(answer).reshape(len(images), 6)

"""Attributes measured on images of strokes: the six of Morpho-MNIST."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from latune.attributes.attribute import Attribute
from latune.attributes.cache import cached
from latune.attributes.pixels import to_uint8
from latune.attributes.processes import measure_in_processes
from latune.attributes.strokes import COLUMNS, measure
from latune.attributes.upscaling import SCALE
from latune.errors import DataError

BLOCK = 6_400_000  # fine pixels measured at once: 510 images of 28x28, about 100 MB
WORTH_PROCESSES = 3_000_000  # pixels; below, starting processes takes longer than measuring


def morphology(
    images: Any, *, workers: int | None = None, progress: bool = False, cache: Path | None = None
) -> dict[str, np.ndarray]:
    r"""Area, length, thickness, slant, width and height of handwritten strokes, bright on dark.

    Each image is enlarged four times and cut at the middle of its grey range into a shape :math:`B` with distance map
    :math:`d` and medial axis :math:`S`; :math:`u_{pq}` are the central moments of its grey values:

    - area: pixels of :math:`B`, in px²;
    - length: of the lines through :math:`S`, diagonal steps counting :math:`\sqrt 2`, in px;
    - thickness: :math:`2\,\mathrm{mean}_{S}\,d`, in px;
    - slant: :math:`\arctan(-u_{11} / u_{02})`, in radians, positive when leaning to the right;
    - width, height: sides of the parallelogram of that slant that leaves 1 % of the ink outside on each of its four
      sides, in px; width is measured along the horizontal.

    An image of one single grey has no strokes: all six are 0.

    Args:
        images: an array or tensor of shape `[n, h, w]` or `[n, 1, h, w]`, uint8 or floats in [0, 1], of any size.
        workers: processes to measure in; None takes one per processor where that pays, and 1 starts none.
        progress: whether to show a progress bar.
        cache: a folder that keeps the results, under a name made from the images.

    Returns:
        For each of the six names a float64 array of shape `[n]`.

    Raises:
        DataError: if the images are not grey, or neither uint8 nor floats in [0, 1].

    References:
        Morpho-MNIST: Quantitative Assessment and Diagnostics for Representation Learning (Castro et al., 2019),
        https://arxiv.org/abs/1809.10780. The numbers are those of the published tables, made with the image library of
        2018; today's scikit-image gives slightly different ones.

    >>> bar = np.zeros((1, 28, 28), np.uint8)
    >>> bar[0, 4:24, 12:16] = 255
    >>> {name: round(float(values[0]), 2) for name, values in morphology(bar).items()}
    {'area': 79.75, 'length': 25.31, 'thickness': 3.8, 'slant': 0.0, 'width': 4.81, 'height': 19.9}
    """
    grey = to_uint8(images)
    if grey.ndim != 3:
        raise DataError(f"Strokes are measured on grey images; got colour images of shape {list(grey.shape)}.")
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, or None to choose; got {workers}.")
    values = cached(cache, grey, lambda: _measure(np.ascontiguousarray(grey), workers, progress))
    return dict(zip(COLUMNS, np.ascontiguousarray(values.T), strict=True))


def _measure(images: np.ndarray, workers: int | None, progress: bool) -> np.ndarray:
    n = len(images)
    if not n:
        return np.zeros((0, len(COLUMNS)))
    if workers is None:
        workers = _processors() if images.size >= WORTH_PROCESSES else 1
    size = max(1, min(BLOCK // (images[0].size * SCALE**2), math.ceil(n / workers)))
    blocks = [slice(start, start + size) for start in range(0, n, size)]
    values = np.empty((n, len(COLUMNS)))
    with _bar(n) if progress else nullcontext(lambda done: None) as advance:
        if workers > 1:
            measure_in_processes(images, blocks, values, min(workers, len(blocks)), advance)
        else:
            for block in blocks:
                values[block] = measure(images[block])
                advance(len(values[block]))
    return values


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _bar(n: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    shown = console.is_terminal or console.is_jupyter
    with Progress(*columns, console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task("measuring strokes", total=n)
        yield lambda done: bar.advance(task, done)


def _alone(name: str) -> Callable[[np.ndarray], np.ndarray]:
    def measure_one(images: np.ndarray) -> np.ndarray:
        return morphology(images)[name]

    measure_one.__name__ = name
    return measure_one


# Sizes have no upper end: it depends on the size of the images.
STROKES: dict[str, Attribute] = {
    name: Attribute(name, "real", range, unit, _alone(name), source=name)
    for name, unit, range in (
        ("area", "px²", (0.0, math.inf)),
        ("length", "px", (0.0, math.inf)),
        ("thickness", "px", (0.0, math.inf)),
        ("slant", "rad", (-math.pi / 2, math.pi / 2)),
        ("width", "px", (0.0, math.inf)),
        ("height", "px", (0.0, math.inf)),
    )
}

"""A chain that runs while somebody looks at it: at a speed, with pauses, with a painted part that is held."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latune.errors import DataError
from latune.medium import Pictures
from latune.pictures import Images
from latune.space import Space

SPEEDS = (1.0, 30.0)  # steps a second


class Walking:
    """One walk of `space.walk`, step by step.

    Args:
        space: the model.
        x: the image that it starts from, `(1, c, h, w)`.
        mask: `(h, w)` of 0 and 1, where 1 is held; None holds nothing.
        begin: what the free part starts as: `kept`, `noise` or `blank`.
        change: what is done to each step's code: controls by name.
        seed: of the chain.

    Raises:
        DataError: for a model that cannot walk, or a mask of another size.
    """

    def __init__(
        self, space: Space, x: Tensor, mask: Any = None, begin: str = "kept", change: Any = None, seed: int = 0
    ) -> None:
        held: dict[str, Any] = {}
        if mask is not None and np.asarray(mask).any():
            held = {"clamp": np.asarray(mask, dtype=np.float32), "begin": begin}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            walk = space.walk(x, seed=seed, **held, **(change or {}))
        self._frames: Iterator[Images] = iter(walk)
        self.steps, self.now, self.paused = 0, Images.of(x), False
        self.speed = 8.0

    def step(self) -> Images:
        """The next image of the chain."""
        self.now = next(self._frames)
        self.steps += 1
        return self.now

    def go_at(self, speed: Any) -> None:
        """Steps a second, within what an eye and a processor take."""
        self.speed = min(max(float(speed), SPEEDS[0]), SPEEDS[1])


def mask_of(cells: Any, medium: Pictures) -> np.ndarray:
    """The mask `(h, w)` of painted cells, a string of 0 and 1 for all pixels, row by row.

    Raises:
        DataError: for anything else.

    >>> mask_of("0110", Pictures((1, 2, 2))).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    _, h, w = medium.size
    if not isinstance(cells, str) or len(cells) != h * w or set(cells) - {"0", "1"}:
        raise DataError(f"A mask is {h * w} times 0 or 1.")
    return np.frombuffer(cells.encode(), np.uint8).reshape(h, w).astype(np.float32) - ord("0")


def as_batch(x: Any) -> Tensor:
    """An image as a walk starts from it."""
    return torch.as_tensor(x).as_subclass(Tensor)[:1]

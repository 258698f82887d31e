"""A walk: chains from some images, made as they are looked at, for as long as somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latune.chains.hold import Clamp
from latune.chains.noise import Noise
from latune.chains.step import Step
from latune.errors import DataError, unknown
from latune.moves import Move
from latune.pictures import Images

BEGINS: tuple[str, ...] = ("kept", "noise", "blank")
SHOWN = 20  # frames of a sheet, unless told otherwise
LOOKED = 100  # steps after which chains are looked at for NaN, where no frame is


@dataclass(frozen=True, eq=False)
class Walk:
    """Chains from some images: an iterable of frames `Images (n, c, h, w)`, the same each time it is gone through.

    Frames are made one after another and not kept, so a walk may go on for ever. Chain i draws from a stream of its
    own: its frames depend neither on how many follow, nor (but for the rounding of larger matrix products) on the
    chains beside it. Frames are clipped to [0, 1]; where x is drawn from Gaussian pixels, the chain goes on unclipped.

    Args:
        model: what encodes and decodes.
        start: the images that it starts from, `(n, c, h, w)`.
        steps: how many; None for ever.
        hold: what is put back after each step.
        begin: what the free part starts as: `kept` as in the images, `noise` (uniform) or `blank` (0).
        every: a frame each so many steps.
        sample_z, sample_x, move: of each step; see `latune.chains.Step`.
        seed: of all chains.
        asleep: what surrounds each step; it switches gradients off.

    Raises:
        DataError: when looked at: a chain that is not finite any more, with its step.
    """

    model: Any
    start: Tensor
    steps: int | None = None
    hold: Clamp | None = None
    begin: str = "kept"
    every: int = 1
    sample_z: bool = True
    sample_x: bool = False
    move: Callable[[Tensor], Tensor] | None = None
    seed: int = 0
    asleep: Callable[[], AbstractContextManager[Any]] = field(default=torch.no_grad, repr=False)

    def __post_init__(self) -> None:
        if self.begin not in BEGINS:
            raise DataError(unknown("start of the free part", self.begin, BEGINS))

    def __len__(self) -> int:
        if self.steps is None:
            raise TypeError("A walk without an end has no length.")
        return self.steps // self.every

    def __repr__(self) -> str:
        n, end = len(self.start), "for ever" if self.steps is None else f"{self.steps} steps"
        held = "" if self.hold is None else ", a part held"
        return f"Walk({n} chain{'s' if n != 1 else ''}, {end}, a frame every {self.every}{held})"

    @property
    def numbers(self) -> list[int]:
        """The step of each frame."""
        return [(k + 1) * self.every for k in range(len(self))]

    def __iter__(self) -> Iterator[Images]:
        noise = Noise(len(self.start), self.seed, self.start.device)
        chain: Move = Step(self.model, noise, self.sample_z, self.sample_x, self.move)
        chain = chain if self.hold is None else chain >> self.hold
        x = self.beginning(noise)
        # The first step after which each chain was not finite; it is read now and then, so that no step waits for it.
        broken = torch.zeros(len(x), dtype=torch.long, device=x.device)
        for step in count(1) if self.steps is None else range(1, self.steps + 1):
            try:
                with self.asleep():
                    x = chain(x)
            except DataError as error:
                raise DataError(f"The walk stopped at step {step}: {error}") from error
            good = x.isfinite().flatten(1).all(1)
            broken = torch.where((broken == 0) & ~good, step, broken)
            shown = step % self.every == 0
            if shown or step % LOOKED == 0 or step == self.steps:
                self._stop(broken)
            if shown:
                yield Images.of(x.clamp(0, 1))

    def beginning(self, noise: Noise | None = None) -> Tensor:
        """Where the chains begin: the start, its free part as `begin` says."""
        if self.hold is None or self.begin == "kept":
            return self.start if self.hold is None else self.hold(self.start)
        free = torch.zeros_like(self.start)
        if self.begin == "noise":
            noise = noise or Noise(len(free), self.seed, free.device)
            free = torch.special.ndtr(noise.normal("begin", free[0].numel() if len(free) else 1)).view_as(free)
        return self.hold(free)

    def images(self) -> Images:
        """All frames together, `(n, k, c, h, w)`: those of a walk that ends."""
        if self.steps is None:
            raise DataError("A walk without an end has frames without an end: give steps, as steps=200.")
        frames = [frame.plain() for frame in self] if len(self) else []
        if not frames:
            raise DataError(f"There are no frames: {self.steps} steps and a frame every {self.every}.")
        return Images.of(torch.stack(frames, 1))

    def save(self, path: Path | str, columns: int = SHOWN) -> Path:
        """Write a sheet (.png) with the start, what is held and every frame, or an animation (.gif).

        Args:
            path: whole or not at all.
            columns: frames beside each other on a sheet.

        Raises:
            DataError: a walk without an end, or another ending of the file's name.
        """
        from latune.chains.showing import animation, sheet

        path = Path(path)
        if self.steps is None:
            raise DataError("A walk without an end cannot be written: give steps, as steps=200.")
        match path.suffix.lower():
            case ".png":
                return sheet(self, path, columns)
            case ".gif":
                return animation(self, path)
        raise DataError(f"A walk is written as a sheet (.png) or an animation (.gif). Got {path.name}.")

    def _stop(self, broken: Tensor) -> None:
        """Stop where a chain is not finite any more."""
        if not bool(broken.any()):
            return
        first = int(broken[broken > 0].min())
        which = int((broken == first).nonzero()[0])
        cure = "train the model anew" if self.move is None else "walk without what moves the codes, or train anew"
        raise DataError(
            f"Chain {which} is NaN or infinite after step {first} ({int((broken > 0).sum())} of {len(broken)} by now). "
            f"The model gives such values at a point it was led to: {cure}."
        )

"""From what a person has set to codes, and to what they decode to; nothing here knows a browser."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latune.controls import REALISM
from latune.space import Space
from latune.studio.knobs import wishes_of
from latune.studio.state import State, codes_of
from latune.training import generator


@dataclass(frozen=True)
class Played:
    """What a state makes.

    Args:
        z: codes `(n, d)`.
        x: what they decode to, `Images` or `Melodies`.
        told: what is worth knowing of it, in sentences.
    """

    z: Tensor
    x: Any
    told: tuple[str, ...] = ()


def start(space: Space, state: State) -> Tensor:
    """The codes `(n, d)` before anything is turned: of the samples of a seed, or of what was brought."""
    if state.codes:
        return codes_of(state, space.codes.width).to(space.device)
    return space.codes.sample(state.n, generator(state.seed, "studio"), None).to(space.device)


def turned(space: Space, state: State) -> Tensor:
    """The codes `(n, d)` with every knob where it is put."""
    begin = start(space, state)
    hold = space.coordinates.held({name: _number(value) for name, value in state.held.items()})
    z = hold(begin)
    wished = wishes_of(space.controls, state.wished)
    realism = state.realism if REALISM in space.controls else 0.0
    kept = [name for name in sorted(state.locked) if name in space.controls and name not in wished]
    if not (wished or realism or kept):
        return z
    columns = [column for name in state.held for column in space.coordinates.columns(name)]
    z = space.controls.move(
        z,
        space.controls.wishes(wished),
        by="descent" if state.identity and wished else None,
        realism=realism,
        identity=state.identity,
        fresh=not state.codes,
        keep=kept,
        at=begin,
        held=columns,
    )
    return hold(z)


def play(space: Space, state: State, original: bool = False) -> Played:
    """What a state makes; `original` leaves every knob as it was.

    >>> from torch import nn
    >>> decoder = nn.Sequential(nn.Linear(4, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
    >>> play(Space.wrap(decoder, codes=4), State(n=3)).x.shape
    torch.Size([3, 1, 8, 8])
    """
    with noted() as told:
        z = start(space, state) if original else turned(space, state)
        return Played(z, space.decode(z), tuple(told))


@contextmanager
def noted() -> Iterator[list[str]]:
    """Collect what this thread is warned of. Warnings are one setting of a process, threads are many."""
    warnings.simplefilter("always", UserWarning)
    told: list[str] = []
    _ears.told = told
    try:
        yield told
    finally:
        _ears.told = None


def listen() -> None:
    """Hand each thread's warnings to whoever collects them in that thread; the rest go where they went."""
    usual = warnings.showwarning

    def show(message: Warning | str, *rest: Any, **more: Any) -> None:
        told = getattr(_ears, "told", None)
        if told is None:
            usual(message, *rest, **more)
        else:
            told.append(str(message))

    warnings.showwarning = show


def line_between(a: Tensor, b: Tensor, share: float) -> Tensor:
    """A point between two codes `(k, d)`; of more rows than the other has, the first are taken."""
    k = min(len(a), len(b))
    return torch.lerp(a[:k], b[:k], share)


def _number(value: Any) -> float:
    return float(value)


_ears = threading.local()

"""What is turned and asked for, as one value: it is kept in the history, and in the address of the page."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latune.errors import DataError
from latune.studio.knobs import Knob

MOST_SAMPLES = 16
MOST_IN_ADDRESS = 6000  # letters of codes in an address: browsers and servers cut longer ones
KEPT = 200  # states of a history
TEMPI = (30, 300)  # quarter notes a minute


@dataclass(frozen=True)
class View:
    """How a state is looked at; what is made stays the same.

    Args:
        focus: the sample that is pinned, taken, engraved and walked from, from 0.
        original: whether that is shown which was there before anything was turned.
        scale: notes outside of it are red; "" for none.
        tempo: quarter notes a minute; 0 for the melodies' own.

    >>> View(focus=2, scale="C major").words
    {'focus': 3, 'scale': 'C major'}
    """

    focus: int = 0
    original: bool = False
    scale: str = ""
    tempo: int = 0

    @property
    def words(self) -> dict[str, Any]:
        """What of it stands in an address; people count from 1."""
        words: dict[str, Any] = {"focus": self.focus + 1} if self.focus else {}
        words |= {"original": 1} if self.original else {}
        words |= {"scale": self.scale} if self.scale else {}
        return words | ({"tempo": self.tempo} if self.tempo else {})


@dataclass(frozen=True)
class State:
    """What a person has set. Two equal states make the same pictures.

    Args:
        seed: of the samples.
        n: how many samples stand side by side.
        codes: float32 codes `(k, d)` of an example that was brought or pointed at, in place of samples.
        held: knobs of coordinates and where they are put.
        wished: knobs of controls and what is wished of them.
        locked: knobs that stay when samples are drawn anew, and controls that stay what they are while others move.
        realism, identity: the dials of Space.sample and Space.edit.

    >>> State(seed=3, held={"slant": 0.5}).address()
    'seed=3&n=8&set.slant=0.5'
    """

    seed: int = 0
    n: int = 8
    codes: bytes = b""
    held: Mapping[str, float] = field(default_factory=dict)
    wished: Mapping[str, str | float] = field(default_factory=dict)
    locked: frozenset[str] = frozenset()
    realism: float = 0.0
    identity: float = 0.0

    @property
    def points(self) -> np.ndarray:
        """All numbers of `codes`, flat."""
        return np.frombuffer(self.codes, "<f4")

    def at(self, z: Tensor) -> State:
        """The same knobs let go, at codes `(k, d)`."""
        return replace(self, codes=packed(z), held={}, wished={})

    def with_knob(self, knob: Knob, value: Any) -> State:
        """The state with one knob turned; None lets it go."""
        part = "held" if knob.of == "coordinate" else "wished"
        now = {name: each for name, each in getattr(self, part).items() if name != knob.name}
        return replace(self, **{part: now if value is None else {**now, knob.name: knob.checked(value)}})

    # --- in the address of a page -------------------------------------------------------------------------------------

    def address(self, view: View | None = None) -> str:
        """The query of the address that shows this again."""
        from urllib.parse import urlencode

        words: dict[str, Any] = {"seed": self.seed, "n": self.n}
        words |= {f"set.{name}": _short(value) for name, value in self.held.items()}
        words |= {f"with.{name}": _short(value) for name, value in self.wished.items()}
        words |= {"lock": ",".join(sorted(self.locked))} if self.locked else {}
        words |= {name: _short(getattr(self, name)) for name in ("realism", "identity") if getattr(self, name)}
        if self.codes:
            letters = base64.urlsafe_b64encode(self.codes).decode().rstrip("=")
            words |= {"at": letters} if len(letters) <= MOST_IN_ADDRESS else {"at": "too long"}
        return urlencode(words | (view.words if view else {}))


def read_address(words: Mapping[str, str], knobs: Iterable[Knob], width: int) -> tuple[State, list[str]]:
    """The state of an address, and what in it could not be used, in sentences; addresses are typed and sent by others.

    Args:
        words: the query.
        knobs: what can be turned.
        width: of a code.

    >>> read_address({"seed": "3", "set.slant": "high"}, [], 4)
    (State(seed=3, ...), ["There is no 'slant' to set."])
    """
    known = {(knob.of, knob.name): knob for knob in knobs}
    state, wrong = State(), []
    for key, word in words.items():
        kind, _, name = key.partition(".")
        try:
            if key == "seed":
                state = replace(state, seed=_whole(key, word, 0, 2**63 - 1))
            elif key == "n":
                state = replace(state, n=_whole(key, word, 1, MOST_SAMPLES))
            elif key in ("realism", "identity"):
                state = replace(state, **{key: dial(key, word)})
            elif key == "lock":
                names = {name for _, name in known}
                state = replace(state, locked=frozenset(word.split(",")) & names)
            elif key == "at":
                state = replace(state, codes=_unpacked(word, width))
            elif kind in ("set", "with"):
                knob = known.get(("coordinate" if kind == "set" else "control", name))
                if knob is None:
                    raise ValueError(f"There is no '{name}' to set.")
                state = state.with_knob(knob, word)
        except (ValueError, DataError) as error:
            wrong.append(str(error))
    return state, wrong


def read_view(words: Mapping[str, str], scales: Collection[str]) -> tuple[View, list[str]]:
    """The view of an address, and what in it could not be used, in sentences.

    >>> read_view({"focus": "3", "scale": "H major"}, ["C major"])
    (View(focus=2, ...), ["There is no scale 'H major' to choose."])
    """
    view, wrong = View(), []
    for key, word in words.items():
        try:
            if key == "focus":
                view = replace(view, focus=_whole(key, word, 1, MOST_SAMPLES) - 1)
            elif key == "original":
                view = replace(view, original=bool(_whole(key, word, 0, 1)))
            elif key == "tempo":
                view = replace(view, tempo=_whole(key, word, *TEMPI))
            elif key == "scale":
                if word not in scales:
                    raise ValueError(f"There is no scale {word[:40]!r} to choose.")
                view = replace(view, scale=word)
        except ValueError as error:
            wrong.append(str(error))
    return view, wrong


def tempo_of(value: Any) -> int:
    """The tempo that somebody asks for, within what there is; 0 for the melodies' own.

    >>> tempo_of(90.4), tempo_of(1000), tempo_of(0)
    (90, 300, 0)
    """
    low, high = TEMPI
    return round(min(max(float(value), low), high)) if value else 0


def dial(name: str, value: Any) -> float:
    """A number for realism or identity.

    Raises:
        DataError: for anything else.
    """
    most = {"realism": 1.0, "identity": 2.0}[name]
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number <= most:
        raise DataError(f"{name} is a number from 0 to {most:g}. Got {value!r}.")
    return number


def packed(z: Tensor) -> bytes:
    """Codes as bytes."""
    return z.detach().cpu().numpy().astype("<f4").tobytes()


def codes_of(state: State, width: int) -> Tensor:
    """The codes `(k, d)` of a state that has some."""
    return torch.from_numpy(state.points.reshape(-1, width).copy())


class History:
    """States one after another; undo and redo go along them.

    >>> history = History(State())
    >>> history.add(State(seed=1)); history.undo().seed, history.redo().seed
    (0, 1)
    """

    def __init__(self, first: State) -> None:
        self.states, self.place = [first], 0

    @property
    def now(self) -> State:
        """The state that is shown."""
        return self.states[self.place]

    def add(self, state: State) -> None:
        """Go on from here; what was undone is forgotten."""
        if state != self.now:
            self.states = [*self.states[: self.place + 1], state][-KEPT:]
            self.place = len(self.states) - 1

    def undo(self) -> State:
        """One back, if there is one."""
        self.place = max(0, self.place - 1)
        return self.now

    def redo(self) -> State:
        """One forward, if there is one."""
        self.place = min(len(self.states) - 1, self.place + 1)
        return self.now

    def __len__(self) -> int:
        return len(self.states)

    def __iter__(self) -> Iterator[State]:
        return iter(self.states)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _whole(key: str, word: str, low: int, high: int) -> int:
    if not word.isdecimal() or len(word) > len(str(high)) or not low <= int(word) <= high:
        raise ValueError(f"{key} is a whole number from {low} to {high}. Got {word[:40]!r}.")
    return int(word)


def _unpacked(word: str, width: int) -> bytes:
    try:
        content = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)) if word.isascii() else b""
    except (binascii.Error, ValueError):
        content = b""
    numbers = np.frombuffer(content, "<f4") if len(content) % 4 == 0 else np.zeros(0)
    if len(word) > MOST_IN_ADDRESS or not len(numbers) or len(numbers) % width or not np.isfinite(numbers).all():
        raise ValueError("The point in the address cannot be read; samples are shown instead.")
    return content

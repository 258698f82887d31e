"""One person's studio: what they see, where they came from, and what they keep. Nobody else's is touched."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from latune.errors import DataError, LatuneError
from latune.medium import Tunes
from latune.music import Melodies, Melody
from latune.music.writing.midi_editing import edited
from latune.space import Space
from latune.studio.frames import frame, images_part, melodies_of, melodies_part
from latune.studio.knobs import knobs_of
from latune.studio.playing import line_between, play, start
from latune.studio.state import History, State, View, dial, packed, tempo_of
from latune.studio.uploads import Brought, Fit, fit_of
from latune.studio.walking import Walking

MOST_PINS = 24
SAMPLES = {"images": 8, "melodies": 4}
SEEDS = 2**31


@dataclass(frozen=True)
class Pin:
    """A place that somebody keeps: codes `(k, d)`."""

    z: Tensor
    name: str


@dataclass
class Session:
    """What one open page holds.

    Args:
        space: the model, shared by all and touched by none.
        token: what the page is known by; whoever has it may see the session.
    """

    space: Space
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    focus: int = 0
    original: bool = False
    pins: list[Pin] = field(default_factory=list)
    pinned: int = 0  # how many pins were ever kept: each has a name of its own
    ends: list[int] = field(default_factory=list)  # the pins that are interpolated between
    share: float = 0.0  # how far between them
    tempo: int = 0  # of melodies, quarter notes a minute; 0 for their own
    brought: Brought | None = None
    fit: Fit | None = None
    own: bytes = b""  # the codes of what was brought
    scale: str = ""  # notes outside of it are red
    likes: dict[int, Tensor] = field(default_factory=dict)
    dislikes: dict[int, Tensor] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    walking: Walking | None = None
    answered: int = 0  # number of the last message that the next frame shows
    pressed: float = 0.0  # what the browser's clock said when it sent that message

    def __post_init__(self) -> None:
        self.melodic = isinstance(self.space.medium, Tunes)
        self.changed = asyncio.Event()
        self._begun: tuple[Any, Tensor] | None = None
        self.knobs = {knob.name: knob for knob in knobs_of(self.space)}
        self.columns = {
            name: self.space.coordinates.columns(name) for name, knob in self.knobs.items() if knob.of == "coordinate"
        }
        self.history = History(State(n=SAMPLES["melodies" if self.melodic else "images"]))
        self.state = self.history.now
        self.watchers: list[Callable[[], Any]] = []  # parts of the page that show pins, likes and what was brought
        self.send: Callable[[bytes], Awaitable[None]] | None = None  # to the page, while its stream is open
        self.on_map: Callable[[dict[str, Any]], Awaitable[None]] | None = None  # what a click on the map does
        self.on_rest: Callable[[], Any] | None = None  # what follows a hand that has let go

    # --- what is asked of it ------------------------------------------------------------------------------------------

    def begin(self, state: State, view: View, told: list[str]) -> None:
        """Start from what an address says."""
        self.history = History(state)
        self.state = state
        self.focus, self.original = min(view.focus, self.tiles - 1), view.original
        self.scale, self.tempo = (view.scale, view.tempo) if self.melodic else ("", 0)
        self.told += told

    def turn(self, name: str, value: Any, done: bool) -> None:
        """Turn a knob; while it is held it is one change of the history.

        Raises:
            DataError: for a knob that there is not, or a value that it does not take.
        """
        if name in ("realism", "identity"):
            state = replace(self.state, **{name: dial(name, value)})
        elif name in self.knobs:
            state = self.state.with_knob(self.knobs[name], value)
        else:
            raise DataError(f"There is no '{str(name)[:40]}' to turn.")
        self.put(state, done)

    def put(self, state: State, done: bool = True) -> None:
        """Show a state; once it is done it is one of the history."""
        self.state = state
        if done:
            self.history.add(state)
        self.original = False
        self.changed.set()

    def random(self) -> None:
        """Other samples; what is locked stays as it is in the sample in focus, all else is let go."""
        here = self.values()
        held = {name: here[name] for name in here if name in self.state.locked}
        wished = dict(self.state.wished.items())
        fresh = replace(self.state, seed=secrets.randbelow(SEEDS), codes=b"", held=held, wished=wished)
        self.focus = min(self.focus, fresh.n - 1)
        self.put(fresh)

    def samples(self, n: int) -> None:
        """So many samples side by side."""
        self.focus = min(self.focus, n - 1)
        self.put(replace(self.state, n=n, codes=b""))

    def lock(self, name: str) -> None:
        """Lock a knob, or unlock it. A slider that is locked is held where it is in the sample in focus."""
        if name not in self.knobs:
            raise DataError(f"There is no '{str(name)[:40]}' to lock.")
        locked = self.state.locked ^ {name}
        held = dict(self.state.held)
        if name in locked and self.knobs[name].of == "coordinate":
            held.setdefault(name, self.values()[name])
        self.put(replace(self.state, locked=locked, held=held))

    def undo(self) -> None:
        """One step back."""
        self._go(self.history.undo())

    def redo(self) -> None:
        """One step forward again."""
        self._go(self.history.redo())

    def reset(self) -> None:
        """Let every knob go."""
        self.put(replace(self.state, held={}, wished={}, locked=frozenset(), realism=0.0, identity=0.0))

    def compare(self) -> None:
        """Show the original in place of what was made of it, or the other way round."""
        self.original = not self.original
        self.changed.set()

    def look_at(self, sample: int) -> None:
        """Put a sample in focus: it is what is pinned, downloaded, engraved and walked from."""
        self.focus = min(max(int(sample), 0), max(self.tiles - 1, 0))
        self.changed.set()

    def _go(self, state: State) -> None:
        self.state, self.original = state, False
        self.focus = min(self.focus, self.tiles - 1)
        self.changed.set()

    # --- what it is ---------------------------------------------------------------------------------------------------

    @property
    def tiles(self) -> int:
        """How many examples stand side by side: what was brought is one, however long."""
        return 1 if self.state.codes else self.state.n

    @property
    def slow(self) -> bool:
        """Whether what is set may take long to make: a control that has to go down its critic, or melodies."""
        state = self.state
        return self.melodic or bool(state.wished or state.realism or state.locked - self.columns.keys())

    @property
    def view(self) -> View:
        """How it is looked at, as far as an address can tell: a file that was brought is in none, its tempo is."""
        file = self.file
        tempo = tempo_of(file.tempo) if file and self.melodic else 0
        return View(self.focus, self.original and not file, self.scale, self.tempo or tempo)

    @property
    def file(self) -> Brought | None:
        """What was brought, while it is that which is shown, and no pin, no sample, and no place on the map."""
        return self.brought if self.own and self.state.codes == self.own else None

    def values(self) -> dict[str, float]:
        """Where each slider and choice of a coordinate is, of the sample in focus."""
        z = self._begin()[min(self.focus, self.tiles - 1)].tolist()
        found = {}
        for name, columns in self.columns.items():
            part = z[columns.start : columns.stop]
            own = float(part.index(max(part)) if self.knobs[name].choices else part[0])
            found[name] = float(self.state.held.get(name, own))
        return found

    def _begin(self) -> Tensor:
        """The codes before anything is turned; they are asked for with every picture."""
        now = (self.state.seed, self.state.n, self.state.codes)
        if self._begun is None or self._begun[0] != now:
            self._begun = (now, start(self.space, self.state))
        return self._begun[1]

    def focused(self) -> Tensor:
        """The codes `(k, d)` of what is in focus, with every knob where it is put."""
        z = play(self.space, self.state, self.original).z
        return z if self.state.codes else z[self.focus : self.focus + 1]

    def made(self) -> Any:
        """What is in focus, `Images` or `Melodies`, as it is shown."""
        if self.original and self.file is not None:
            shown = self.space.medium.give(self.file.x)
        else:
            shown = self.space.decode(self.focused())
        return self._at_its_tempo(shown)

    def melody(self) -> Melody:
        """What is in focus as one melody."""
        return self.made().joined()

    def midi(self) -> bytes | None:
        """The MIDI file that was brought with what is in focus in its melody's place; None where that is no part of it.

        What the model was given higher is given back lower.
        """
        brought = self.file
        if brought is None or brought.tune is None or not brought.midi:
            return None
        made = self.made()
        if len(made) != len(brought.x):
            return None
        new = made.joined(brought.tune.length).transposed(-brought.moved)
        try:
            return edited(brought.midi, brought.tune, new, name=brought.name)
        except DataError:
            return None  # its notes cannot be found again among those of the file: the melody goes alone

    def _at_its_tempo(self, shown: Any) -> Any:
        if not isinstance(shown, Melodies):
            return shown
        own = (self.file.tempo, self.file.program) if self.file else (shown.tempo, shown.program)
        return shown.like(float(self.tempo) or own[0], own[1])

    # --- what is kept -------------------------------------------------------------------------------------------------

    def pin(self) -> None:
        """Keep what is in focus in the tray.

        Raises:
            DataError: for a full tray.
        """
        if len(self.pins) >= MOST_PINS:
            raise DataError(f"The tray holds {MOST_PINS} pins. Remove one first.")
        self.pinned += 1
        self.pins.append(Pin(self.focused(), f"pin {self.pinned}"))

    def unpin(self, place: int) -> None:
        """Take a pin out of the tray."""
        del self.pins[place]
        self.ends = []

    def go_to(self, z: Tensor) -> None:
        """Show one place: a pin, a point of the map, what was brought."""
        self.focus = 0
        self.put(self.state.at(z))

    def between(self, share: float, done: bool) -> None:
        """Show a point on the line between the two pins that are chosen."""
        a, b = (self.pins[place].z for place in self.ends)
        self.share = min(max(float(share), 0.0), 1.0)
        self.put(self.state.at(line_between(a, b, self.share)), done)

    def bring(self, brought: Brought, fit: Fit) -> None:
        """Take an example in: it is encoded, and its code is where everything starts from."""
        z = self.space.locate(brought.x)
        self.brought, self.fit, self.own, self.tempo = brought, fit, packed(z), 0
        self.go_to(z)

    def swap(self) -> None:
        """Swap light and dark of the image that was brought: only its owner knows which of the two is the ground."""
        if self.brought is not None:
            brought = replace(self.brought, x=1 - self.brought.x, told=(*self.brought.told, "light and dark swapped"))
            self.bring(brought, fit_of(self.space, brought.x))
            self.tell()

    def judge(self, sample: int, good: bool) -> None:
        """Like or dislike a sample; the same again takes it back."""
        z = play(self.space, self.state).z
        rows = z if self.state.codes else z[sample : sample + 1]
        mine, other = (self.likes, self.dislikes) if good else (self.dislikes, self.likes)
        key = hash(rows.cpu().numpy().tobytes())
        other.pop(key, None)
        if mine.pop(key, None) is None:
            mine[key] = rows
        self.changed.set()

    def renew_knobs(self) -> None:
        """Look again at what can be turned: somebody taught the model something."""
        self.knobs = {knob.name: knob for knob in knobs_of(self.space)}
        self.history.states = [self._known(state) for state in self.history.states]
        self.state = self._known(self.state)
        self.changed.set()

    def _known(self, state: State) -> State:
        """A state without what is no knob any more."""
        wished = {name: value for name, value in state.wished.items() if name in self.knobs}
        return replace(state, wished=wished, locked=state.locked.intersection(self.knobs))

    def tell(self) -> None:
        """Have the parts of the page look again at what is kept."""
        for watcher in list(self.watchers):
            watcher()

    # --- what is sent -------------------------------------------------------------------------------------------------

    def picture(self) -> bytes:
        """The frame of the state that is set now; what cannot be made is told in it."""
        state, answered, pressed = self.state, self.answered, self.pressed
        header: dict[str, Any] = {"kind": "play", "seq": answered, "at": pressed, "focus": self.focus}
        header |= self.about(state)
        said, self.told = self.told, []
        try:
            played = play(self.space, state, self.original)
        except LatuneError as error:
            return frame(header | {"show": "nothing", "told": [*said, str(error)]})
        shown = played.x
        if self.original and self.file is not None:
            shown = self.space.medium.give(self.file.x)
        if self.melodic:
            shown = self._at_its_tempo(shown)
            part, pixels = melodies_part(melodies_of(shown, bool(state.codes)), self.scale)
            part["tempo"] = shown.tempo
        else:
            part, pixels = images_part(shown)
        marks = self._marks(played.z, bool(state.codes))
        return frame(header | part | {"told": [*said, *played.told], "marks": marks}, pixels)

    def _marks(self, z: Tensor, whole: bool) -> list[int]:
        """Of each sample 1 where it is liked, -1 where it is disliked."""
        if not (self.likes or self.dislikes):
            return []
        rows = [z] if whole else list(z.split(1))
        keys = [hash(each.cpu().numpy().tobytes()) for each in rows]
        return [int(key in self.likes) - int(key in self.dislikes) for key in keys]

    def about(self, state: State | None = None) -> dict[str, Any]:
        """Where the knobs are and what they say, and the address that shows this again."""
        state = state or self.state
        values: dict[str, Any] = self.values()
        said = {name: self.knobs[name].told(value) for name, value in values.items() if not self.knobs[name].choices}
        wished = {name: value for name, value in state.wished.items() if name in self.knobs}
        said |= {name: self.knobs[name].told(value) for name, value in wished.items()}
        return {
            "values": {**values, **wished},
            "said": said,
            "held": [*state.held, *wished],
            "locked": sorted(state.locked),
            "dials": {"realism": state.realism, "identity": state.identity},
            "original": self.original,
            "address": state.address(self.view) if state == self.history.now else None,
            "can": [self.history.place > 0, self.history.place < len(self.history) - 1],
            "whole": bool(state.codes),
        }


def gathered(rows: dict[int, Tensor]) -> Tensor | None:
    """Codes of what was judged, `(m, d)`."""
    return torch.cat(list(rows.values())) if rows else None


__all__ = ["Pin", "Session", "gathered"]

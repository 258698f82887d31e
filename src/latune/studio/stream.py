"""One page's stream: what its hand does comes in, what that makes goes out, the latest always first."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from html import escape
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from torch import Tensor

from latune.errors import LatuneError
from latune.medium import Pictures
from latune.music.writing.engraving import svg
from latune.studio.frames import frame, images_part
from latune.studio.knobs import wishes_of
from latune.studio.session import Session
from latune.studio.state import tempo_of
from latune.studio.walking import Walking, as_batch, mask_of
from latune.studio.work import Work

BRIEF = 0.005  # seconds that a picture may take in the server's own thread
QUIET = 0.15  # seconds without a change after which the score is engraved
BETWEEN = "/between"  # the way between two pins: no control has a name like it
MOST_MESSAGE = 65_536  # letters of a message: a mask of 224 x 224 cells fits


class Stream:
    """The socket of one session.

    Pictures are not queued: while one is made the state goes on, and the next shows the state that is set then.

    Args:
        socket: accepted.
        session: whose it is.
        work: who computes.
    """

    def __init__(self, socket: WebSocket, session: Session, work: Work) -> None:
        self.socket, self.session, self.work = socket, session, work
        self.walk_changed, self.score_wanted = asyncio.Event(), asyncio.Event()
        self.mask = ""

    async def run(self) -> None:
        """Serve until the page goes away."""
        self.session.send = self.send
        self.session.changed.set()
        tasks = [asyncio.create_task(each()) for each in (self._hear, self._show, self._walk, self._engrave)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except WebSocketDisconnect:
            pass
        except RuntimeError:  # it was closed while something was sent, or it is ours
            if self.socket.application_state == self.socket.client_state == WebSocketState.CONNECTED:
                raise
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task
            if self.session.send == self.send:
                self.session.send, self.session.walking = None, None

    async def send(self, message: bytes) -> None:
        """One frame; frames of several makers do not mix, since each is one message."""
        await self.socket.send_bytes(message)

    async def tell(self, text: str) -> None:
        """Say something in the page."""
        await self.send(frame({"kind": "told", "told": [text]}))

    # --- in -----------------------------------------------------------------------------------------------------------

    async def _hear(self) -> None:
        while True:
            text = await self.socket.receive_text()
            try:
                message = read_message(text)
                await self._do(message)
            except LatuneError as error:
                await self.tell(str(error))
            except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
                await self.tell("The page sent something that cannot be read. Load it again.")

    async def _do(self, message: dict[str, Any]) -> None:
        session = self.session
        if "turn" in message:
            session.answered = max(session.answered, int(message["seq"]))
            session.pressed = float(message["at"])
            if message["turn"] == BETWEEN:
                if len(session.ends) == 2:
                    session.between(message["value"], bool(message["done"]))
                session.changed.set()
            else:
                try:
                    session.turn(message["turn"], message["value"], bool(message["done"]))
                finally:
                    session.changed.set()  # every message is answered, so that the hand is not left waiting
            if message["done"]:
                self._rest()
        elif "tempo" in message:
            session.tempo = tempo_of(message["tempo"])
            session.changed.set()
        elif "keep" in message:  # the hand let go of what is shown already
            session.history.add(session.state)
            await self.send(frame({"kind": "about", **session.about()}))
            self._rest()
        elif "look" in message:
            session.look_at(int(message["look"]))
            session.tell()
        elif "lock" in message:
            session.lock(str(message["lock"]))
        elif "judge" in message:
            await self.work.soon(session.judge, int(message["judge"]), bool(message["good"]))
            session.changed.set()
            session.tell()
        elif "walk" in message:
            await self._steer(message)
        elif "map" in message and session.on_map is not None:
            await session.on_map(message)

    def _rest(self) -> None:
        if self.session.on_rest is not None:
            self.session.on_rest()

    # --- out ----------------------------------------------------------------------------------------------------------

    async def _show(self) -> None:
        """What takes no longer than handing it to another thread is made at once."""
        clock, took = asyncio.get_running_loop(), 1.0
        while True:
            await self.session.changed.wait()
            self.session.changed.clear()
            began, slow, picture = clock.time(), self.session.slow, self.session.picture
            made = await self.work.soon(picture) if slow or took > BRIEF else picture()
            took = took if slow else clock.time() - began
            await self.send(made)
            if self.session.melodic:
                self.score_wanted.set()

    async def _engrave(self) -> None:
        """The score, once the hand rests: engraving takes longer than everything else."""
        while True:
            await self.score_wanted.wait()
            self.score_wanted.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.score_wanted.wait(), QUIET)
                continue  # it moved again
            try:
                drawn = await self.work.soon(lambda: svg(self.session.melody(), rule=self.session.scale or None))
            except LatuneError as error:
                drawn = f'<p class="say">{escape(str(error))}</p>'
            await self.send(frame({"kind": "score", "svg": drawn}))

    # --- walking ------------------------------------------------------------------------------------------------------

    async def _steer(self, message: dict[str, Any]) -> None:
        session, what = self.session, message["walk"]
        medium = session.space.medium
        if not isinstance(medium, Pictures):
            return
        if isinstance(message.get("mask"), str):
            self.mask = message["mask"]
        if what == "show" and session.walking is None:
            image = as_batch(await self.work.soon(session.made))
            part, pixels = images_part(image)
            await self.send(frame({"kind": "walk", "step": 0, **part}, pixels))
        elif what == "start":
            begin, seed = str(message.get("begin", "kept")), int(message.get("seed", 0))
            if begin != "kept" and "1" not in self.mask:
                begin = "kept"
                await self.tell("Nothing is held, so the walk begins as it is. Paint what is to stay.")
            walking = await self.work.soon(lambda: self._walking(as_batch(session.made()), begin, seed))
            walking.go_at(message.get("speed") or walking.speed)
            session.walking = walking
            session.tell()
        elif session.walking is not None and what == "mask":
            before = session.walking
            walking = await self.work.soon(lambda: self._walking(as_batch(before.now), "kept", before.steps))
            walking.steps, walking.paused, walking.speed = before.steps, before.paused, before.speed
            session.walking = walking
        elif session.walking is not None and what == "speed":
            session.walking.go_at(message["speed"])
        elif session.walking is not None and what == "pause":
            session.walking.paused = not session.walking.paused
            session.tell()
        elif what == "stop":
            session.walking = None
            session.tell()
        self.walk_changed.set()

    def _walking(self, x: Tensor, begin: str, seed: int) -> Walking:
        """A walk from an image, which holds what is painted and takes along what is turned."""
        session, medium = self.session, self.session.space.medium
        assert isinstance(medium, Pictures)
        mask = mask_of(self.mask, medium) if self.mask else None
        change: dict[str, Any] = wishes_of(session.space.controls, session.state.wished)
        return Walking(session.space, x, mask, begin, change, seed)

    async def _walk(self) -> None:
        clock = asyncio.get_running_loop()
        while True:
            walking = self.session.walking
            if walking is None or walking.paused:
                self.walk_changed.clear()
                await self.walk_changed.wait()
                continue
            began = clock.time()
            try:
                part, pixels = images_part(await self.work.soon(walking.step))
            except LatuneError as error:
                self.session.walking = None
                await self.tell(str(error))
                continue
            await self.send(frame({"kind": "walk", "step": walking.steps, **part}, pixels))
            await asyncio.sleep(max(0.0, 1 / walking.speed - (clock.time() - began)))


def read_message(text: str) -> dict[str, Any]:
    """What a page sent.

    Raises:
        ValueError: for what is none of its messages: too long, no mapping, a number that is none.
    """
    message = json.loads(text, parse_float=_finite, parse_constant=_finite) if len(text) <= MOST_MESSAGE else None
    if not isinstance(message, dict):
        raise ValueError("no message")
    return message


def _finite(word: str) -> float:
    """A number of a message; `NaN` and what is beyond a float are none."""
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(word)
    return number

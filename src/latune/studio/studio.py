"""The studio of one run: the model that all share, who computes, and the sessions of those who have a page open."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from latune.data import Dataset
from latune.errors import LatuneError, RunError
from latune.recipes import check, open_data
from latune.report.report import HTML
from latune.space import Space
from latune.studio.atlas import Atlas
from latune.studio.first_model import Making, is_trained
from latune.studio.session import Session
from latune.studio.work import Work

MOST_SESSIONS = 200  # open pages


class Studio:
    """What the server holds.

    Args:
        run: the run folder.
        making: the training of the demo model, where there is no run yet.
    """

    def __init__(self, run: Path, making: Making | None = None) -> None:
        self.run, self.making = run, making
        self.space: Space | None = None if making else Space.load(run)
        self.work = Work()
        self.sessions: dict[str, Session] = {}
        self._atlas: Atlas | None = None
        self._data: Dataset | None = None
        self._measuring: subprocess.Popen[str] | None = None

    async def make(self) -> None:
        """Train the demo model, if that is what this is waiting for."""
        if self.making is not None and await self.making.run():
            self.space = await self.work.soon(Space.load, self.run)
            self.making = None

    @property
    def model(self) -> Space:
        """The model.

        Raises:
            RunError: while it is being trained.
        """
        if self.space is None:
            raise RunError("The model is not trained yet.")
        return self.space

    # --- sessions -----------------------------------------------------------------------------------------------------

    def enter(self) -> Session:
        """A new session.

        Raises:
            LatuneError: where too many pages are open.
        """
        space = self.model
        if len(self.sessions) >= MOST_SESSIONS:
            raise LatuneError(f"{MOST_SESSIONS} pages are open, which is as many as there may be. Close one.")
        session = Session(space)
        self.sessions[session.token] = session
        return session

    def leave(self, session: Session) -> None:
        """Forget a session whose page is gone."""
        session.watchers.clear()
        self.sessions.pop(session.token, None)

    # --- heavy work ---------------------------------------------------------------------------------------------------

    async def teach(self, session: Session, learn: Callable[[], Any]) -> Any:
        """Learn something when it is this session's turn; all pages get the new knob."""
        control = await self.work.in_turn(session.token, learn)
        self.renew()
        return control

    def data(self) -> Dataset | None:
        """The data that the run was trained on, opened once, by heavy work; None where they are not at hand."""
        if self._data is None and "recipe" in self.model.about:
            with contextlib.suppress(LatuneError, OSError):
                self._data = open_data(check(self.model.about["recipe"], str(self.run / "recipe.toml")))
        return self._data

    def remove(self, name: str) -> None:
        """Forget a control, for all."""
        self.model.controls.remove(name)
        self.renew()

    def renew(self) -> None:
        """Have every page look again at what can be turned."""
        for session in list(self.sessions.values()):
            session.renew_knobs()
            session.tell()

    async def atlas(self, session: Session) -> Atlas:
        """The map of the codes, made once for all."""
        if self._atlas is None:
            self._atlas = await self.work.in_turn(session.token, self._mapped)
        assert self._atlas is not None
        return self._atlas

    def _mapped(self) -> Atlas:
        data = self.data()
        if data is None:
            raise RunError("The data that this run was trained on are not at hand: there is nothing to draw a map of.")
        return self._atlas or Atlas.of(self.model, data)

    @property
    def report(self) -> Path:
        """The page of the metric report."""
        return self.run / HTML

    async def measure(self, session: Session) -> None:
        """Measure the run and write its report, in a process of its own.

        Raises:
            LatuneError: with what it said, where it failed.
        """

        def run() -> None:
            command = [sys.executable, "-m", "latune.cli", "evaluate", str(self.run)]
            pipe = subprocess.PIPE
            self._measuring = process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=pipe, text=True)
            _, said = process.communicate()
            self._measuring = None
            if process.returncode:
                raise LatuneError(said.strip().splitlines()[-1] if said.strip() else "It cannot be measured.")

        await self.work.in_turn(session.token, run)

    def close(self) -> None:
        """Take no more work."""
        self.work.close()
        if self._measuring is not None:
            self._measuring.terminate()
        if self.making is not None:
            self.making.stop()


def opened(run: Path | None, default: Path) -> Studio:
    """The studio of a run; without one that of the demo model, which is trained first if it is not there.

    Raises:
        RunError: for a folder that is no finished run.
    """
    if run is not None:
        return Studio(run)
    return Studio(default, None if is_trained(default) else Making(default))


def in_background(task: Any, kept: set[asyncio.Task[Any]]) -> None:
    """Start something and hold on to it until it is done."""
    started = asyncio.ensure_future(task)
    kept.add(started)
    started.add_done_callback(kept.discard)

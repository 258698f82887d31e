"""Teach: judge samples, name what they have in common, and it becomes a knob; or write a rule for melodies."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from nicegui import ui

from latune.controls import REALISM, Control
from latune.errors import DataError
from latune.studio.pages.acting import Desk, box
from latune.studio.rules import BLOCKS, rule_in_words
from latune.studio.session import gathered

FEWEST = 3  # likes that something is learned from
ROUNDS = 2  # of asking a rule again
SELDOM = 0.3  # share of samples that arrive, below which a control does not do what it says
SOURCES = {
    "attribute": "from labels", "preferences": "from likes and dislikes", "rule": "from a rule",
    "examples": "from examples", "images and values": "from labels", "realism": "from the data", "lesson": "taught",
}  # fmt: skip


def build(desk: Desk) -> None:
    """The panel of teaching."""
    session = desk.session
    ui.label("Teach by example").classes("head")
    ui.label("Mark samples with the thumbs, draw others, mark more. Three likes are enough to begin.").classes("say")

    @ui.refreshable
    def counts() -> None:
        ui.label(f"{len(session.likes)} liked · {len(session.dislikes)} disliked").classes("counts").props(
            "role=status"
        )

    counts()
    session.watchers.append(counts.refresh)
    name = ui.input("Name of the control").props("dense outlined maxlength=64").classes("wide")
    learning = Learning(desk)

    async def by_taste() -> None:
        likes, dislikes = gathered(session.likes), gathered(session.dislikes)

        def learn() -> Control:
            if likes is None or len(session.likes) < FEWEST:
                raise DataError(f"Like {FEWEST} samples or more first. {len(session.likes)} are liked.")
            space = session.space
            shown = [None if z is None else space.decode(z) for z in (likes, dislikes)]
            return space.controls.learn_preferences(text_of(name), *shown, progress=learning.at)

        if await learning.learn(text_of(name), learn) is not None:
            session.likes, session.dislikes = {}, {}
            session.changed.set()
            session.tell()

    ui.button("Learn", icon="school", on_click=by_taste).props("unelevated no-caps").classes("wide primary")
    if session.melodic:
        _by_rule(desk, learning)
    if session.space.encodes:
        _realism(desk, learning)
    learning.build()
    ui.label("What it was taught").classes("head")
    _shelf(desk)


class Learning:
    """The progress of what is being learned."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.began, self.name, self.share = desk, 0.0, "", 0.0

    def build(self) -> None:
        """The bar and what it says."""
        with box("learning") as self.place:
            self.bar = ui.linear_progress(0.0, show_value=False).props('rounded size=6px aria-label="Learning"')
            self.said = ui.label().classes("say").props("role=status")
        self.bar.set_visibility(False)
        self.timer = ui.timer(0.25, self.look, active=False)

    def look(self) -> None:
        """Say how long it takes, or who comes before."""
        ahead = self.desk.studio.work.ahead(self.desk.session.token)
        seconds = time.monotonic() - self.began
        waits = f"waiting for {ahead} other{'s' if ahead > 1 else ''}" if ahead else f"learning '{self.name}'"
        self.bar.set_value(self.share)
        self.said.set_text(f"{waits}: {self.share:.0%}, {seconds:.0f} s")

    def at(self, share: float) -> None:
        """Note how much is done; who learns calls it from a thread of its own."""
        self.share = share

    async def learn(self, name: str, function: Callable[[], Control]) -> Control | None:
        """Learn something and say how it went, here until something else is learned; None where it could not be."""
        self.began, self.name, self.share = time.monotonic(), name, 0.0
        self.look()
        self.bar.set_visibility(True)
        self.timer.activate()
        try:
            control = await self.desk.heed(self.desk.studio.teach(self.desk.session, function))
        finally:
            self.bar.set_visibility(False)
            self.timer.deactivate()
        if control is None:
            self.refused(name)
            return None
        self.said.set_text(f"'{control.name}' was learned in {time.monotonic() - self.began:.1f} s{outcome(control)}")
        return control

    def refused(self, name: str) -> None:
        """Say why nothing was learned."""
        self.said.set_text(f"'{name}' was not learned. {self.desk.refused}" if name else self.desk.refused)


def _by_rule(desk: Desk, learning: Learning) -> None:
    """A rule in words, of blocks that are known."""
    ui.label("Teach by a rule").classes("head")
    name = ui.input("Name of the rule").props("dense outlined maxlength=64").classes("wide")
    words = ui.input("Rule", placeholder="in C major and at least 8 notes").props("dense outlined").classes("wide")
    with box("blocks"):
        for block in BLOCKS:

            def add(example: str = block.example) -> None:
                words.set_value(f"{words.value} and {example}" if text_of(words) else example)

            ui.button(block.example, on_click=add).props("outline dense no-caps size=sm")

    async def by_rule() -> None:
        text, called = words.value or "", (name.value or words.value or "").strip()

        rule = await desk.do(rule_in_words, text)  # what is wrong with it is told at once, however many wait
        if rule is None:
            learning.refused(called)
            return

        def learn() -> Control:
            return desk.session.space.controls.learn_rule(
                called, rule, desk.studio.data(), rounds=ROUNDS, progress=learning.at
            )

        await learning.learn(called, learn)

    ui.button("Learn the rule", icon="rule", on_click=by_rule).props("unelevated no-caps").classes("wide primary")


def _realism(desk: Desk, learning: Learning) -> None:
    """The dial that mends what is made, for a run that has none yet."""
    space, studio = desk.session.space, desk.studio

    def learn() -> Control:
        data = studio.data()
        if data is None:
            raise DataError("What is real is learned from the data of this run, which are not at hand.")
        return space.controls.learn_realism(data, progress=learning.at)

    @ui.refreshable
    def offer() -> None:
        if REALISM in space.controls:
            return
        ui.label("Teach what is real").classes("head")
        ui.label("From the data of this run, in minutes: a dial that mends what is made.").classes("say")
        button = ui.button("Learn realism", icon="auto_fix_high", on_click=lambda: learning.learn(REALISM, learn))
        button.props("outline no-caps").classes("wide")

    with box("offer"):
        offer()
    desk.session.watchers.append(offer.refresh)


def _shelf(desk: Desk) -> None:
    """All controls, how well each does, and away with it."""
    session = desk.session

    @ui.refreshable
    def shelf() -> None:
        controls = dict(session.space.controls.items())
        if not controls:
            ui.label("Nothing yet.").classes("say")
        for name, control in controls.items():
            with box("taught"):
                with box("text"):
                    ui.label(name).classes("name")
                    ui.label(described(control)).classes("say")

                def ask(name: str = name) -> None:
                    _confirm(desk, name)

                away = ui.button(icon="delete_outline", on_click=ask).props("flat dense round")
                away.props(f'aria-label="Remove {name}"').tooltip(f"Remove {name}")

    shelf()
    session.watchers.append(shelf.refresh)


def _confirm(desk: Desk, name: str) -> None:
    """It is gone for all, so somebody has to say so twice."""
    with ui.dialog(value=True) as dialog, ui.card():
        ui.label(f"Remove '{name}' from this run, for everybody?")
        with box("row"):
            ui.button("Keep it", on_click=dialog.close).props("flat no-caps")

            async def remove() -> None:
                dialog.close()
                await desk.heed(_removed(desk, name))

            ui.button("Remove", on_click=remove).props("unelevated no-caps color=negative")


async def _removed(desk: Desk, name: str) -> None:
    desk.studio.remove(name)


def text_of(field: ui.input) -> str:
    """What somebody typed."""
    return (field.value or "").strip()


def outcome(control: Control) -> str:
    """What to expect of a control that was just learned."""
    success = control.scores.get("success", 1.0)
    if success >= SELDOM:
        return "; turn it on the left."
    return f", but {arrival(control)}: this model hardly makes what was asked for."


def arrival(control: Control) -> str:
    """How often a control does what it says; of a rule, what it gives on average where 1 is asked for."""
    success = control.scores["success"]
    return f"{success:.2f} of 1 by the rule" if control.kind == "reward" else f"{success:.0%} arrive"


def described(control: Control) -> str:
    """A control in a line: what it was learned from, and how often it arrives."""
    about: dict[str, Any] = control.about
    parts = [SOURCES.get(str(about.get("source")), "taught")]
    if about.get("source") == "preferences":
        parts = [f"from {about['likes']} likes and {about['dislikes']} dislikes"]
    if "success" in control.scores:
        parts.append(arrival(control))
    if "seconds" in about:
        parts.append(f"{about['seconds']:.0f} s")
    return ", ".join(parts)

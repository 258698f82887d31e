"""Walk: a chain that runs live from the sample in focus, with a painted part that is held."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from latune.medium import Pictures
from latune.space import Space
from latune.studio.pages.acting import Desk, box, raw
from latune.studio.walking import SPEEDS, as_batch

CANVAS = """
<div class="walk"><canvas id="walk" role="img" aria-label="The walk"></canvas>
<canvas id="mask" role="application" tabindex="0"
  aria-label="Paint here what is held: arrow keys move the brush, Space paints, Backspace erases"></canvas></div>
<div class="steps" id="steps" role="status">step 0</div>
"""


def can_walk(space: Space) -> bool:
    """Whether a model walks: images, and a way back from them."""
    return isinstance(space.medium, Pictures) and space.encodes and getattr(space.model, "likelihood", None) is not None


def stage() -> None:
    """The canvas of the walk, and over it that of the mask."""
    raw(CANVAS)


def build(desk: Desk) -> None:
    """The panel of the walk."""
    session = desk.session
    ui.label("Walk along the data").classes("head")
    ui.label(
        "Encode, draw, decode, and again, from the sample in focus; controls that are turned are taken along. "
        "Paint on the picture what is to stay."
    ).classes("say")

    @ui.refreshable
    def buttons() -> None:
        walking = session.walking
        with box("row"):
            if walking is None:
                start = ui.button("Start", icon="play_arrow", on_click=lambda: _start(begin.value))
                start.props("unelevated no-caps data-key=w").classes("primary")
            else:
                paused = walking.paused
                ui.button(
                    "Go on" if paused else "Pause", icon="play_arrow" if paused else "pause",
                    on_click=lambda: ui.run_javascript('latune.walk("pause")'),
                ).props("unelevated no-caps data-key=w").classes("primary")  # fmt: skip
                ui.button("Again", icon="replay", on_click=lambda: _start(begin.value)).props("flat no-caps")

    begin = ui.select(
        {"kept": "as it is", "noise": "noise", "blank": "blank"}, value="kept", label="What is not held begins as"
    )
    begin.props("dense outlined options-dense").classes("wide")
    buttons()
    session.watchers.append(buttons.refresh)
    ui.label("Steps a second").classes("label")
    ui.slider(min=SPEEDS[0], max=SPEEDS[1], value=8, step=1).props('label aria-label="Steps a second"').on(
        "update:model-value", js_handler='(value) => latune.walk("speed", {speed: value})'
    )
    ui.label("Held part").classes("label")
    with box("row"):
        ui.toggle({False: "Paint", True: "Erase"}, value=False, on_change=_erase).props("no-caps dense unelevated")
    with box("row"):
        ui.button("All", on_click=lambda: ui.run_javascript("latune.fillMask(1)")).props("flat dense no-caps")
        ui.button("None", on_click=lambda: ui.run_javascript("latune.fillMask(0)")).props("flat dense no-caps")
    ui.label("Brush").classes("label")
    ui.slider(min=1, max=12, value=2, step=1).props('label aria-label="Size of the brush"').on(
        "update:model-value", js_handler="(value) => { latune.brush = value }"
    )
    ui.button("Take it to the sliders", icon="tune", on_click=desk.doing(_take, desk)).props("flat no-caps").classes(
        "wide"
    )


def _start(begin: str) -> None:
    ui.run_javascript(f'latune.walk("start", {{begin: "{begin}", seed: Math.floor(Math.random() * 2 ** 31)}})')


def _erase(event: Any) -> None:
    ui.run_javascript(f"latune.erase = {'true' if event.value else 'false'}")


def _take(desk: Desk) -> None:
    """Go on from the walk's picture with the sliders."""
    session = desk.session
    if session.walking is not None:
        session.go_to(session.space.encode(as_batch(session.walking.now)))

"""Above the stage: draw anew, go back, compare, keep, bring and take; and the transport of melodies."""

from __future__ import annotations

from nicegui import ui

from latune.music import SCALES
from latune.music.scales import NOTES
from latune.studio.downloads import forms_of
from latune.studio.pages.acting import Desk, box, raw, tool

NUMBERS = (1, 2, 4, 6, 8, 12, 16)

TRANSPORT = """
<div class="transport" role="group" aria-label="Playback">
  <button type="button" class="big" data-sound="play" data-key="space" aria-label="Play or stop" aria-pressed="false"
    title="Play or stop  [Space]"><i class="material-icons" aria-hidden="true">play_arrow</i></button>
  <button type="button" data-sound="loop" data-key="o" aria-pressed="false" title="Repeat  [O]" aria-label="Repeat">
    <i class="material-icons" aria-hidden="true">repeat</i></button>
  <button type="button" data-sound="all" data-key="e" aria-pressed="false" title="All samples in turn  [E]"
    aria-label="All samples in turn"><i class="material-icons" aria-hidden="true">playlist_play</i></button>
  <label>Tempo <input id="tempo" type="number" min="30" max="300" step="1" value="120"></label>
</div>
"""


def build(desk: Desk) -> None:
    """The row of tools."""
    session = desk.session
    with box("tools").props('role=toolbar aria-label="Samples"'):
        tool("casino", "Draw other samples", desk.doing(session.random), "r", "Random")
        tool("undo", "Undo", desk.doing(session.undo), "z")
        tool("redo", "Redo", desk.doing(session.redo), "y")
        tool("restart_alt", "Let every knob go", desk.doing(session.reset), "0")
        tool("compare", "Show the original", desk.doing(session.compare), "a")
        tool("push_pin", "Keep the sample in focus", desk.doing(session.pin), "p")
        ui.separator().props("vertical")
        _count(desk)
        ui.space()
        if session.space.encodes:
            tool("upload_file", "Bring your own file", lambda: ui.run_javascript("latune.choose()"), "u", "Bring")
            ui.element("input").props("type=file id=file hidden aria-hidden=true")
        _downloads(desk)
    if session.melodic:
        with box("tools second"):
            raw(TRANSPORT)
            ui.space()
            _scale(desk)


def _count(desk: Desk) -> None:
    session = desk.session

    async def choose(event: object) -> None:
        wanted = int(event.value)  # type: ignore[attr-defined]
        if wanted != session.tiles:  # it was not set by what is shown
            await desk.do(session.samples, wanted)

    options = sorted({*NUMBERS, session.state.n})
    with ui.select(options, value=session.state.n, on_change=choose).props("dense borderless options-dense") as field:
        field.props('aria-label="Samples side by side"').classes("count").tooltip("Samples side by side")

    def follow() -> None:
        if field.value != session.tiles:
            field.set_options(sorted({*options, session.tiles}), value=session.tiles)

    session.watchers.append(follow)


def _downloads(desk: Desk) -> None:
    session = desk.session
    with tool("download", "Take the sample in focus as a file", None, text="Take"), ui.menu():
        for name, form in forms_of(session).items():
            ui.menu_item(form.title, lambda name=name: ui.download(f"/take/{session.token}/{name}"))


def scales() -> list[str]:
    """The scales to choose from."""
    return [f"{root} {mode}" for mode in list(SCALES)[:8] for root in NOTES]


def _scale(desk: Desk) -> None:
    """Which notes are right: the others are red, in the roll and in the score."""
    session = desk.session

    async def choose(event: object) -> None:
        def put() -> None:
            session.scale = event.value or ""  # type: ignore[attr-defined]

        await desk.do(put)
        session.changed.set()

    options = {"": "no scale", **{name: name for name in scales()}}
    with ui.select(options, value=session.scale, on_change=choose).props("dense borderless options-dense") as field:
        field.props('aria-label="Scale: notes outside of it are red"').classes("scale")
        field.tooltip("Notes outside of this scale are red")

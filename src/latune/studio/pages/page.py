"""The page: knobs on the left, what they make in the middle, and on the right what one does with it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from nicegui import Client, ui
from starlette.requests import Request

from latune.controls import REALISM
from latune.errors import LatuneError
from latune.studio.knobs import knobs_of
from latune.studio.pages import map as map_panel
from latune.studio.pages import opening, teach, toolbar, tray, walk
from latune.studio.pages.acting import Desk, box, raw, tool
from latune.studio.pages.knob_panel import knob_panel
from latune.studio.session import Session
from latune.studio.state import read_address, read_view
from latune.studio.studio import Studio

KEYS = (
    ("R", "draw other samples"), ("Z, Ctrl+Z", "undo"), ("Y", "redo"), ("0", "let every knob go"),
    ("A", "original or made"), ("P", "pin the sample in focus"), ("1 to 9", "look at a sample"),
    ("U", "bring a file"), ("arrows", "turn the slider in focus"), ("Space", "play, stop"), ("O", "repeat"),
    ("E", "all samples in turn"), ("W", "start or pause the walk"),
    ("arrows, Space", "on the walk: paint what is held (Backspace erases)"), ("arrows, Enter", "on the map: go there"),
    ("D", "dark or light"), ("?", "these keys"),
)  # fmt: skip


def register(studio: Studio) -> None:
    """Make the page known to NiceGUI."""

    @ui.page("/", title="Latune studio")
    def main(request: Request, client: Client) -> None:
        ui.add_head_html('<link rel="stylesheet" href="/studio/studio.css">')
        if studio.space is None:
            ui.dark_mode(None)
            opening.build(studio)
            return
        try:
            session = studio.enter()
        except LatuneError as error:
            ui.label(str(error)).classes("say")
            return
        client.on_delete(partial(studio.leave, session))
        words = dict(request.query_params)
        state, told = read_address(words, knobs_of(studio.space), studio.space.codes.width)
        view, wrong = read_view(words, toolbar.scales())
        if "n" not in words:
            state = replace(state, n=session.state.n)
        session.begin(state, view, told + wrong)
        build(studio, session, words.get("tab", "play"))


def build(studio: Studio, session: Session, tab: str) -> None:
    """Everything that is seen."""
    desk, space = Desk(studio, session), session.space
    melodic = "true" if session.melodic else "false"
    ui.add_head_html(f'<script>window.latune = {{token: "{session.token}", melodic: {melodic}}}</script>')
    ui.add_body_html('<script type="module" src="/studio/studio.js"></script>')
    tabs = {"play": "Play", "teach": "Teach"} | ({"walk": "Walk"} if walk.can_walk(space) else {}) | {"map": "Map"}
    tab = tab if tab in tabs else "play"
    dark = ui.dark_mode(None)
    maps = map_panel.MapPanel(desk)
    panels: dict[str, ui.element] = {}

    async def go(name: str) -> None:
        for each, panel in panels.items():
            panel.set_visibility(each == name)
        for each, button in buttons.items():
            button.props(f"aria-selected={'true' if each == name else 'false'}")
        ui.run_javascript(f'latune.tab("{name}")')
        maps.look(name == "map")
        if name != "walk" and session.walking is not None and not session.walking.paused:
            session.walking.paused = True  # nobody looks at it
            session.tell()
        if name == "walk":
            ui.run_javascript('latune.walk("show")')
        if name == "map":
            await maps.changed()

    buttons: dict[str, ui.button] = {}
    with box("bar", "header"):
        raw('<span class="mark"><img src="/studio/icon.svg" alt="">Latune</span>')
        ui.label(studio.run.name).classes("run").tooltip(f"{space!r}")
        with box("tabs").props("role=tablist"):
            for name, title in tabs.items():
                button = ui.button(title, on_click=partial(go, name)).props("flat no-caps role=tab")
                button.props(f"aria-selected={'true' if name == tab else 'false'}")
                buttons[name] = button
        ui.space()
        tool("assessment", "Metric report", maps.open_report, "m", "Report")
        tool("dark_mode", "Dark or light", partial(_switch, dark), "d")
        tool("help_outline", "Keys", _keys, "?")
    with box("studio"):
        with box("left").props('role=region aria-label="Knobs" id=knobs'):
            _knobs(session)
        with box("middle", "main"):
            toolbar.build(desk)
            raw('<div id="stage" role="group" aria-label="Samples"></div>', "stage")
            if session.melodic:
                raw('<div id="score" role="img" aria-label="The score"></div>', "score-place")
            if "walk" in tabs:
                with box("only-walk"):
                    walk.stage()
            with box("only-map"):
                map_panel.stage()
        with box("right").props('role=region aria-label="What to do"'):
            for name in tabs:
                panels[name] = box("panel")
                panels[name].set_visibility(name == tab)
            with panels["play"]:
                ui.label("Kept").classes("head")
                tray.build(desk)
            with panels["teach"]:
                teach.build(desk)
            if "walk" in tabs:
                with panels["walk"]:
                    walk.build(desk)
            with panels["map"]:
                maps.build()
    raw('<div id="told" role="status" aria-live="polite"></div><div id="drop">Drop it here</div>')
    ui.run_javascript(f'document.body.dataset.tab = "{tab}"')
    if tab != "play":
        ui.timer(0.5, partial(go, tab), once=True)


def _knobs(session: Session) -> None:
    space = session.space

    def html() -> str:
        return knob_panel(list(session.knobs.values()), REALISM in space.controls, space.encodes)

    panel = raw(html())
    session.watchers.append(lambda: panel.set_content(html()))


def _switch(dark: ui.dark_mode) -> None:
    async def turn() -> None:
        is_dark = await ui.run_javascript('document.body.classList.contains("body--dark")')
        dark.set_value(not is_dark)

    ui.timer(0.0, turn, once=True)


def _keys() -> None:
    with ui.dialog(value=True), ui.card().classes("keys"):
        ui.label("Keys").classes("head")
        with box("key-list", "dl"):
            for key, what in KEYS:
                with ui.element("dt"):
                    ui.label(key)
                with ui.element("dd"):
                    ui.label(what)

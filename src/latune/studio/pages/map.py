"""Map: where the data lie, and surfaces of attributes over two coordinates; a click goes there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nicegui import ui

from latune.errors import DataError
from latune.studio.atlas import PRINCIPAL, REACH, Atlas, surface, surfaces
from latune.studio.frames import frame
from latune.studio.pages.acting import Desk, box, raw
from latune.studio.pages.tray import thumbnail

NAME = "Map of the codes: a click goes there, or arrow keys and Enter"
STAGE = (
    f'<canvas id="map" role="application" tabindex="0" aria-label="{NAME}" data-name="{NAME}"></canvas>'
    '<div id="legend"></div>'
)


def stage() -> None:
    """The canvas of the map."""
    raw(STAGE, "map")


class MapPanel:
    """What is drawn, and what a click means."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.session, self.space = desk, desk.session, desk.session.space
        self.atlas: Atlas | None = None
        self.columns = [
            knob.name for knob in self.session.knobs.values() if knob.of == "coordinate" and not knob.choices
        ]
        self.session.on_map, self.session.on_rest = self.clicked, self.follow
        self.seen, self.drawn = False, (None, -1)
        self.session.watchers.append(self.follow)

    def build(self) -> None:
        """The panel."""
        ui.label("See the space").classes("head")
        ui.label("Each point is an example of the test data. A click goes there, to the sliders.").classes("say")
        self.kind = ui.toggle({"map": "Map", "surface": "Surface"}, value="map", on_change=self.changed)
        self.kind.props("no-caps dense unelevated spread").classes("wide")
        first = self.columns[:2] if len([name for name in self.columns if "[" not in name]) >= 2 else [*PRINCIPAL]
        self.axes = [
            ui.select([*PRINCIPAL, *self.columns], value=value, label=label, on_change=self.changed)
            for label, value in zip(("To the right", "Upwards"), first, strict=False)
        ]
        self.colour = ui.select([], label="Colour", on_change=self.changed)
        for field in (*self.axes, self.colour):
            field.props("dense outlined options-dense").classes("wide")
        self.said = ui.label().classes("say").props("role=status")
        self.place = raw("", "here")
        with box("row"):
            self.report = ui.button("Metric report", icon="assessment", on_click=self.open_report)
            self.report.props("flat no-caps")

    @property
    def names(self) -> tuple[str, str]:
        """Of the two axes."""
        x, y = (field.value for field in self.axes)
        return x, y

    async def changed(self, _: Any = None) -> None:
        """Draw it anew."""
        is_surface = self.kind.value == "surface"
        if is_surface:
            self._choices(surfaces(self.space))
        elif self.atlas is None:
            self.said.set_text("encoding some of the data, once ...")
            self.atlas = await self.desk.heed(self.desk.studio.atlas(self.session))
            self.said.set_text("" if self.atlas else "The map cannot be drawn.")
        if not is_surface and self.atlas is not None:
            self._choices(list(self.atlas.values))
        if self.session.send is None:
            return
        self.drawn = self.session.state, self.session.focus
        drawn = await self.desk.do(self._drawn, is_surface)
        send = self.session.send  # the page may be gone by now
        if drawn is not None and send is not None:
            await send(frame(drawn))
            picture = await self.desk.studio.work.soon(lambda: thumbnail(self.space, self.session.focused()))
            self.place.set_content(f'<img alt="What the place that is marked makes" src="{picture}">')

    def look(self, seen: bool) -> None:
        """Whether the map is what is looked at."""
        self.seen = seen

    def follow(self) -> None:
        """Draw it anew where something else is in focus than when it was drawn."""
        now = self.session.state, self.session.focus
        if self.seen and self.drawn[0] is not None and self.drawn != now:
            self.drawn = now
            with self.place:
                ui.timer(0.0, self.changed, once=True)

    def _choices(self, names: list[str]) -> None:
        if self.colour.options != names:
            value = self.colour.value if self.colour.value in names else next(iter(names), None)
            self.colour.set_options(names, value=value)
        self.colour.set_visibility(bool(names))

    def _drawn(self, is_surface: bool) -> dict[str, Any] | None:
        here = self.session.focused()[:1]
        if is_surface:
            if set(self.names) & set(PRINCIPAL) or self.names[0] == self.names[1]:
                raise DataError("A surface is drawn over two different coordinates. Choose them as the axes.")
            if self.colour.value is None:
                raise DataError("There is no attribute that could be measured on what is made, and no control.")
            return {"kind": "surface", **surface(self.space, here, self.names, self.colour.value)}
        if self.atlas is None:
            return None
        return {"kind": "map", **self.atlas.page(self.space, self.names, self.colour.value, here)}

    async def clicked(self, message: dict[str, Any]) -> None:
        """Go to a place: on the map near an example, on a surface by the two sliders."""
        x, y = (min(max(float(each), 0.0), 1.0) for each in message["map"])
        if message["of"] == "surface":
            put = {name: (2 * share - 1) * REACH for name, share in zip(self.names, (x, y), strict=True)}
            z = await self.desk.studio.work.soon(self.session.focused)
            self.session.focus = 0
            self.session.put(replace(self.session.state.at(z[:1]), held=put))
        elif self.atlas is not None:
            self.session.go_to(self.atlas.point(self.space, self.names, (x, y)))
        self.session.tell()
        await self.changed()

    async def open_report(self) -> None:
        """Open the report; a run that was not measured is measured first, and then asks for a click again.

        A browser opens a page by itself right after a click alone.
        """
        report = self.desk.studio.report
        if report.is_file():
            ui.navigate.to("/report", new_tab=True)
            return
        said = "Measuring the run on held-out data, which takes a minute or so."
        waiting = ui.notification(said, position="top", spinner=True, timeout=None)
        await self.desk.heed(self.desk.studio.measure(self.session))
        waiting.dismiss()
        if report.is_file():
            with ui.dialog(value=True) as dialog, ui.card():
                ui.label("The run is measured.")
                link = ui.button("Open the report", on_click=dialog.close).props("unelevated no-caps")
                link.props("href=/report target=_blank")

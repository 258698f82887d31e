"""What is kept: pins, the way between two of them, and what was brought."""

from __future__ import annotations

import base64
import io

from nicegui import ui
from torch import Tensor

from latune.medium import Tunes
from latune.pictures import enlarged
from latune.space import Space
from latune.studio.pages.acting import Desk, box, raw


def build(desk: Desk) -> None:
    """The tray; it looks again whenever something was kept."""
    session = desk.session

    @ui.refreshable
    def tray() -> None:
        if session.fit is not None and session.brought is not None:
            with box("brought").props("role=status"):
                ui.label(session.brought.name).classes("name")
                ui.label(" · ".join([session.fit.told, *session.brought.told])).classes("say")
                ui.button("Back to it", on_click=desk.doing(_back, desk)).props("flat dense no-caps")
                if not session.melodic:
                    ui.button("Swap light and dark", on_click=desk.doing(session.swap)).props("flat dense no-caps")
        if not session.pins:
            ui.label("Pins you keep lie here; choose two to go from one to the other.").classes("say")
            return
        with box("pins").props('role=list aria-label="Pins"'):
            for place, pin in enumerate(session.pins):
                with box("pin").props("role=listitem"):
                    chosen = place in session.ends
                    picture = f'<img alt="" src="{thumbnail(session.space, pin.z)}">'
                    ui.button(on_click=desk.doing(session.go_to, pin.z)).props(
                        f'flat dense aria-label="Show {pin.name}"'
                    ).classes("show").tooltip(f"Show {pin.name}")
                    raw(picture, "picture")
                    with box("row"):
                        ends = ui.checkbox(value=chosen, on_change=lambda _, place=place: _choose(desk, place))
                        ends.props(f'dense size=xs aria-label="An end of the way: {pin.name}"')
                        away = ui.button(icon="close", on_click=desk.doing(session.unpin, place))
                        away.props(f'flat dense round size=xs aria-label="Remove {pin.name}"')
        if len(session.ends) == 2:
            a, b = (session.pins[place].name for place in session.ends)
            raw(
                f'<label class="between"><span>{a}</span><input id="between" type="range" min="0" max="1" step="0.01" '
                f'value="{session.share:g}" aria-label="Between {a} and {b}"><span>{b}</span></label>',
                "wide",
            )

    tray()
    session.watchers.append(tray.refresh)


def _back(desk: Desk) -> None:
    session = desk.session
    if session.brought is not None:
        session.go_to(session.space.encode(session.brought.x))


def _choose(desk: Desk, place: int) -> None:
    """Choose a pin as an end of the way, or not; of three, the last two."""
    session = desk.session
    before = session.ends
    session.ends = [end for end in session.ends if end != place] + ([place] if place not in session.ends else [])
    session.ends, session.share = session.ends[-2:], 0.0
    if 2 in (len(before), len(session.ends)):  # the way appears or goes; else what was clicked shows it already
        session.tell()


def thumbnail(space: Space, z: Tensor) -> str:
    """A small picture of a place, as a data URL."""
    from PIL import Image

    x = space.decode(z[:1]).plain()
    pictures = space.medium.pictures(x) if isinstance(space.medium, Tunes) else x
    pixels = enlarged(pictures, max(1, round(64 / max(pictures.shape[-2:]))))[0]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"

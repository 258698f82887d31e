"""The page of the first start: how far the training of the demo model is."""

from __future__ import annotations

from nicegui import ui

from latune.studio.pages.acting import box
from latune.studio.studio import Studio


def build(studio: Studio) -> None:
    """A bar that fills, and then the studio."""
    with box("opening"):
        ui.label("Latune").classes("title")
        ui.label("There is no trained model here yet, so one is made: six sliders of real handwriting.").classes("say")
        bar = ui.linear_progress(0.0, show_value=False).props('rounded size=8px aria-label="Training"')
        said = ui.label().classes("say").props("role=status")

    def look() -> None:
        making = studio.making
        if making is None:
            if studio.space is not None:
                ui.navigate.reload()
            return
        bar.set_value(making.share)
        done = making.share
        said.set_text(making.error or (f"{making.said}: {done:.0%}" if done < 1 else f"{making.said} ..."))

    look()
    ui.timer(0.5, look)

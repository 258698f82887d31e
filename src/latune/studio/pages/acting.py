"""What every part of the page needs: to do something for a person, and to tell them when it cannot be done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from latune.errors import LatuneError
from latune.studio.session import Session
from latune.studio.studio import Studio


class Desk:
    """One person at the studio.

    Args:
        studio: what all share.
        session: what is theirs.
    """

    def __init__(self, studio: Studio, session: Session) -> None:
        self.studio, self.session = studio, session
        self.refused = ""  # what was said of the last thing that could not be done

    async def do(self, function: Callable[..., Any], *args: Any) -> Any:
        """Do something to the session, beside the server's own thread; what is wrong is told, and gives None."""
        return await self.heed(self.studio.work.soon(function, *args))

    async def heed(self, work: Awaitable[Any]) -> Any:
        """Wait for something; what is wrong is told, and gives None."""
        try:
            done = await work
        except (LatuneError, OSError) as error:
            self.refused = str(error)
            ui.notify(self.refused, type="warning", position="top", multi_line=True, timeout=9000)
            return None
        self.session.tell()
        return done

    def doing(self, function: Callable[..., Any], *args: Any) -> Callable[[], Awaitable[Any]]:
        """The same, to be given to a button."""

        async def press() -> Any:
            return await self.do(function, *args)

        return press


def tool(icon: str, what: str, on_click: Callable[..., Any] | None, key: str = "", text: str = "") -> ui.button:
    """A button with an icon, a name that is read aloud, and a key on the keyboard."""
    button = (
        ui.button(text, icon=icon, on_click=on_click).props(f'flat dense no-caps aria-label="{what}"').classes("tool")
    )
    if key:
        button.props(f'data-key="{key}" aria-keyshortcuts="{key}"')
    shown = {"space": "Space"}.get(key, key.upper())
    button.tooltip(f"{what}  [{shown}]" if key else what)
    return button


def box(classes: str = "", tag: str = "div") -> ui.element:
    """An element with classes of ours."""
    return ui.element(tag).classes(classes)


def raw(html: str, classes: str = "") -> ui.html:
    """HTML that is ours; whatever comes from elsewhere was escaped."""
    return ui.html(html, sanitize=False).classes(classes)

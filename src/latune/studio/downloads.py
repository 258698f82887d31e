"""What can be taken away: the example in focus as a file."""

from __future__ import annotations

from dataclasses import dataclass

from latune.errors import DataError
from latune.music import Melodies
from latune.music.writing import contents
from latune.studio.session import Session


@dataclass(frozen=True)
class Form:
    """A kind of file: the ending, and how a browser calls it."""

    ending: str
    kind: str
    title: str
    melodic: bool


FORMS = {
    "picture": Form(".png", "image/png", "PNG, a picture", False),
    "roll": Form(".png", "image/png", "PNG, a piano-roll", True),
    "midi": Form(".mid", "audio/midi", "MIDI", True),
    "musicxml": Form(".musicxml", "application/vnd.recordare.musicxml+xml", "MusicXML", True),
    "abc": Form(".abc", "text/vnd.abc", "ABC", True),
    "wav": Form(".wav", "audio/wav", "WAV, sound", True),
    "score": Form(".svg", "image/svg+xml", "SVG, the score", True),
}


def forms_of(session: Session) -> dict[str, Form]:
    """The files that what a session makes can be."""
    return {name: form for name, form in FORMS.items() if form.melodic == session.melodic}


def content_of(session: Session, name: str) -> bytes:
    """The bytes of a file of what is in focus.

    Raises:
        DataError: for a form of the other medium, or a melody that cannot be written in it.
    """
    form, made = FORMS[name], session.made()
    if form.melodic != isinstance(made, Melodies):
        raise DataError(f"{form.title} is for {'melodies' if form.melodic else 'images'}.")
    if isinstance(made, Melodies):
        if name == "midi" and (whole := session.midi()) is not None:
            return whole
        settings = {"rule": session.scale} if session.scale and form.ending in (".png", ".svg") else {}
        return contents(made.joined(), form.ending, settings)
    return made.png()

"""What reading a file gives: tunes, each with its melody or with the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from latune.errors import DataError
from latune.music.melody import Melody


class TuneError(DataError):
    """A tune that cannot be read as a melody; `reason` is what is counted where a folder is read."""

    def __init__(self, reason: str, told: str = "") -> None:
        super().__init__(told or f"{reason[:1].upper()}{reason[1:]}.")
        self.reason = reason


@dataclass(frozen=True)
class Tune:
    """One tune of a file.

    Args:
        number: in its file, from 1.
        title: of the tune, of the track or of the part.
        melody: None where there is none.
        reason: why there is none, in the words that are counted; empty otherwise.
        told: the same as a sentence, with what was found.
        remarks: what was changed on the way, for example that short bars were filled with silence.
    """

    number: int
    title: str = ""
    melody: Melody | None = None
    reason: str = ""
    told: str = ""
    remarks: tuple[str, ...] = field(default=())

    @classmethod
    def lost(cls, number: int, title: str, error: TuneError) -> Tune:
        """A tune without a melody."""
        return cls(number, title, None, error.reason, str(error))

    def remarked(self, *remarks: str) -> Tune:
        """The same with more remarks."""
        return replace(self, remarks=(*self.remarks, *remarks))

    def as_dict(self) -> dict[str, Any]:
        """What is known of it beside the notes, as plain data: the line of a cache."""
        told: dict[str, Any] = {"number": self.number, "title": self.title}
        if self.melody is not None:
            told |= {
                "metre": list(self.melody.metre),
                "tempo": self.melody.tempo,
                "program": self.melody.program,
                "length": self.melody.length,
            }
        else:
            told |= {"reason": self.reason, "told": self.told}
        return told | ({"remarks": list(self.remarks)} if self.remarks else {})

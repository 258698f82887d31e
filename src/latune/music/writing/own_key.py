"""The key that a file says its tune is in, so that what is made of the tune can be written in the same."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from latune.errors import LatuneError
from latune.music.reading import abc, keys, midi, musicxml, text
from latune.music.writing.keys import MODES, MOST, Key, named

LONG = {mode[:3]: mode for mode in MODES} | {"": "major", "ion": "major", "m": "minor", "min": "minor", "aeo": "minor"}


def own_key(path: Path | str, number: int = 1, begins: float = 0.0) -> Key | None:
    """The key of one tune of an ABC, MusicXML or MIDI file; None where the file says none that has a usual signature.

    Args:
        path: of a file that was read as tunes before.
        number: of the tune in it, from 1, as `Tune` has it.
        begins: when the tune begins in the file, in quarter notes: the key of MIDI may change.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "tune.abc"
    >>> _ = path.write_text("X:1\\nM:4/4\\nK:E dorian\\nEFGA|\\n")
    >>> own_key(path)
    Key(fifths=2, tonic='E', mode='dorian')
    """
    path = Path(path).expanduser()
    ways: dict[str, Callable[[bytes, int, float], Key | None]] = {".abc": _abc, ".mid": _midi, ".midi": _midi}
    find = ways.get(path.suffix.lower(), _musicxml)
    try:
        return find(path.read_bytes(), number, begins)
    except (LatuneError, OSError, ValueError, LookupError, ElementTree.ParseError, zipfile.BadZipFile):
        return None  # what is wrong with a file is told where its notes are read


def _abc(content: bytes, number: int, begins: float) -> Key | None:
    tune = abc.split_book(text.decoded(content)[0])[number - 1]
    found = re.search(r"(?m)^K:([^%\n]*)", tune)
    words = found[1].strip() if found else ""
    altered = keys.signature(words)
    fifths = sum(altered.values())
    usual = keys.SHARPS[:fifths] if fifths >= 0 else keys.SHARPS[::-1][:-fifths]
    match = keys.KEY.match(words)
    if altered.keys() != set(usual) or not words or words.lower() == "none":
        return None  # no key, or accidentals of its own
    if match is None:
        return Key(fifths)  # of the Highland pipes
    tonic, sign, mode = match.groups()
    long = LONG.get("major" if mode == "M" else mode if mode == "m" else mode[:3].lower(), "")
    return named(fifths, long) if long and tonic + sign.replace("n", "") == named(fifths, long).tonic else Key(fifths)


def _midi(content: bytes, number: int, begins: float) -> Key | None:
    score = midi.opened(content)
    said = [each for each in score.key_signatures if each.time <= begins * score.tpq] or list(score.key_signatures)[:1]
    # Many programs write C major where they know of no key; of a tune in C, the notes tell it as well.
    if not said or said[-1].key == 0 or abs(said[-1].key) > MOST:
        return None
    return named(said[-1].key, "minor" if said[-1].tonality else "major")


def _musicxml(content: bytes, number: int, begins: float) -> Key | None:
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            name = next(each for each in packed.namelist() if not each.startswith("META-INF") and "xml" in each)
            if packed.getinfo(name).file_size > musicxml.MOST_BYTES:
                return None
            content = packed.read(name)
    musicxml.check(content)
    part = ElementTree.fromstring(content).findall("part")[number - 1]
    fifths = part.findtext(".//key/fifths")
    if fifths is None or part.find(".//transpose") is not None or abs(int(fifths)) > MOST:
        return None  # a transposing instrument is written in another key than it sounds in
    mode = (part.findtext(".//key/mode") or "").strip()
    return named(int(fifths), mode) if mode in MODES else Key(int(fifths))

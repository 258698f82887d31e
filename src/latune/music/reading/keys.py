"""Key signatures of ABC: a tonic, a mode, and accidentals of their own."""

from __future__ import annotations

import re

from latune.music.reading.tune import TuneError

SHARPS = "FCGDAEB"  # in the order in which they are written
MAJOR = {"C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F": -1}  # sharps of the major key
MODES = {"": 0, "maj": 0, "ion": 0, "m": -3, "min": -3, "aeo": -3, "mix": -1, "dor": -2, "phr": -4, "lyd": 1, "loc": -5}
SIGNS = {"^": 1, "_": -1, "=": 0, "^^": 2, "__": -2}
KEY = re.compile(r"([A-G])([#bn]?)\s*([A-Za-z]*)")
IGNORED = re.compile(
    r"(clef|middle|octave|stafflines|staffscale|style|m|t|transpose|score|sound)=\S*|treble\S*|\bbass\S*", re.I
)
OWN = re.compile(r"(\^\^|__|[\^_=])([A-Ga-g])")


def signature(text: str) -> dict[str, int]:
    """Semitones that a key adds to the notes named, from the words of a `K:` field.

    Raises:
        TuneError: for a key that is none.

    Source: the ABC standard 2.1, 3.1.14, https://abcnotation.com/wiki/abc:standard:v2.1#kkey

    >>> signature("D"), signature("G minor"), signature("Hp"), signature("D Phr ^f")
    ({'F': 1, 'C': 1}, {'B': -1, 'E': -1}, {'F': 1, 'C': 1}, {'B': -1, 'E': -1, 'F': 1})
    """
    text = IGNORED.sub("", text).strip()
    if text.lower() in ("", "none"):
        return {}
    if text in ("Hp", "HP"):  # the Highland pipes; HP is written without its signature
        return {"F": 1, "C": 1} if text == "Hp" else {}
    match = KEY.match(text)
    if not match:
        raise TuneError("a key that is none", f"'K:{text}' names no key.")
    tonic, sign, mode = match.groups()
    short = mode if mode == "m" else mode[:3].lower()
    if mode in ("M",):
        short = "maj"
    if short == "exp":
        short, count = "", 0
    elif short not in MODES:
        raise TuneError("a key that is none", f"'K:{text}' names no key: the mode '{mode}' is unknown.")
    else:
        count = MAJOR[tonic] + {"": 0, "n": 0, "#": 7, "b": -7}[sign] + MODES[short]
    if abs(count) > 7:
        raise TuneError("a key that is none", f"'K:{text}' would have {abs(count)} accidentals.")
    found = dict.fromkeys(SHARPS[:count], 1) if count >= 0 else dict.fromkeys(SHARPS[::-1][:-count], -1)
    for own, note in OWN.findall(text[match.end() :]):
        found[note.upper()] = SIGNS[own]
    return found

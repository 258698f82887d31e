"""MusicXML, plain and packed, read by music21; each part is a tune, exact, with its repeats expanded."""

from __future__ import annotations

import codecs
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree

from latune.music.reading.bars import Bar, Event, melody
from latune.music.reading.quiet import music21
from latune.music.reading.text import decoded
from latune.music.reading.tune import Tune, TuneError

MOST_BYTES = 32 * 2**20  # of a score, unpacked
MOST_NOTES = 50_000  # in a file
DECLARED = re.compile(rb"""\s*<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']""")
DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
UNMARKED = {b"<\0": codecs.BOM_UTF16_LE, b"\0<": codecs.BOM_UTF16_BE}  # how UTF-16 begins that has no mark
CONTAINER = "META-INF/container.xml"
BROKEN = (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, KeyError)


def read_score(content: bytes, only: int | None = None) -> list[Tune]:
    """The parts of a MusicXML file, plain or packed (`.mxl`).

    Args:
        content: of the file.
        only: the number of parts that it must have; then the first one alone is read.

    Raises:
        TuneError: for a file that is no score, defines entities of its own, or is too large.
        LatuneError: without music21.
    """
    content = _unpacked(content) if content.startswith(b"PK") else content
    check(content)
    content, remarks = _in_utf8(content)
    if only is not None:
        content = _first_part(content, only)
    with music21() as package:
        try:
            score = package.converter.parseData(content, format="musicxml")
        except Exception as error:  # whatever it stumbles over
            raise TuneError("a damaged file", f"It is no MusicXML that can be read: {_line(error)}") from error
    return [tune.remarked(*remarks) for tune in parts_of(score, _programs(content))]


def _programs(content: bytes) -> dict[str, int]:
    """The MIDI program of every part that says one, from 0, by the part's name in the file.

    music21 is not asked where the file says it: it makes one piano of the first six programs, and believes an
    instrument's name rather than its program.
    """
    found: dict[str, int] = {}
    try:
        for _, element in ElementTree.iterparse(io.BytesIO(content)):
            if element.tag == "part-list":
                break
            if element.tag == "score-part":
                told = [each.text or "" for each in element.iterfind("midi-instrument/midi-program")]
                numbers = [int(each) for each in told if re.fullmatch(r"\s*\d{1,3}\s*", each)]
                if numbers and 1 <= numbers[0] <= 128:
                    found[element.get("id", "")] = numbers[0] - 1
    except (ElementTree.ParseError, LookupError, ValueError):
        return found  # what is damaged is told by music21
    return found


def _in_utf8(content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The same score in UTF-8, whatever encoding it has or declares, as music21 looks at none; and a remark."""
    declared = DECLARED.match(content[:200])
    if declared is not None and declared[1].decode().lower() not in ("utf-8", "us-ascii"):
        try:
            root = ElementTree.fromstring(content)
        except (ElementTree.ParseError, LookupError, ValueError) as error:
            raise TuneError("a damaged file", f"It is no XML that can be read: {error}.") from error
        return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True), ()
    mark = UNMARKED.get(content[:2], b"")
    text, remarks = decoded(mark + content)
    return DECLARATION.sub('<?xml version="1.0" encoding="UTF-8"?>', text, count=1).encode(), remarks


def _first_part(content: bytes, count: int) -> bytes:
    """The same score with its first part alone: reading takes as long as there are parts."""
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise TuneError("a damaged file", f"It is no XML that can be read: {error}.") from error
    parts = root.findall("part")
    if len(parts) != count:
        raise TuneError("another number of parts", f"It has {len(parts)} parts, not {count}.")
    for part in parts[1:]:
        root.remove(part)
    listing = root.find("part-list")
    for each in [] if listing is None else list(listing):
        if each.tag == "score-part" and each.get("id") != parts[0].get("id") and listing is not None:
            listing.remove(each)
    return ElementTree.tostring(root)


def _unpacked(content: bytes) -> bytes:
    """The score inside a `.mxl` file; never more than `MOST_BYTES` of it are unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if not name.startswith(("META-INF", "__MACOSX"))]
            scores = [name for name in names if name.lower().endswith((".xml", ".musicxml"))]
            if CONTAINER in archive.namelist():
                listing = _bounded(archive, CONTAINER, 2**16)
                check(listing)
                roots = [each.get("full-path") for each in ElementTree.fromstring(listing).iter()]
                scores = [name for name in roots if name in names] or scores
            if not scores:
                raise TuneError("a damaged file", "There is no score in it.")
            return _bounded(archive, scores[0], MOST_BYTES)
    except (*BROKEN, ElementTree.ParseError) as error:
        raise TuneError("a damaged file", f"It cannot be unpacked: {_line(error)}") from error


def _line(error: Exception) -> str:
    return f"{error}".partition("\n")[0].rstrip(".")[:200] + "."


def _bounded(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with archive.open(name) as file:  # the size that an archive tells may be wrong
        content = file.read(most + 1)
    if len(content) > most:
        raise TuneError("too large", f"{name} is larger than {most / 2**20:g} MiB, unpacked.")
    return content


def check(content: bytes) -> None:
    """Refuse, before it is parsed, a score that could grow while it is, or that is too large.

    Raises:
        TuneError: says which.
    """
    if not content.strip():
        raise TuneError("an empty file", "The file is empty.")
    if len(content) > MOST_BYTES:
        raise TuneError("too large", f"It has {len(content) / 2**20:.0f} MiB; at most {MOST_BYTES / 2**20:g} are read.")
    plain = content.replace(b"\x00", b"")  # as in UTF-16
    if b"<!ENTITY" in plain:
        raise TuneError("entities of its own", "The file defines XML entities; scores need none.")
    notes = plain.count(b"<note")
    if notes > MOST_NOTES:
        raise TuneError("too many notes", f"It has {notes:,} notes; at most {MOST_NOTES:,} are read.")


def read_other(path: Path) -> list[Tune]:
    """The parts of a score in another form that music21 reads, such as Humdrum's `.krn`."""
    with music21() as package:
        try:
            score = package.converter.parse(path, forceSource=True)
        except Exception as error:
            raise TuneError("a damaged file", f"{path.name} cannot be read: {_line(error)}") from error
    return parts_of(score)


def parts_of(score: Any, programs: Mapping[str, int] = MappingProxyType({})) -> list[Tune]:
    """The parts of a score of music21, each with its melody or with what hinders; `programs` are those of its file."""
    about = score.metadata
    name = str((about and (about.title or about.movementName)) or "")
    parts = list(getattr(score, "parts", [])) or [score]
    tunes = []
    with music21():
        tempo = next(filter(None, map(_tempo, parts)), None)  # programs write the tempo of all parts into one
        for number, part in enumerate(parts, 1):
            own = str(part.partName or "") if len(parts) > 1 else ""
            title = " / ".join(each for each in (name, own) if each)
            try:
                told = next((programs[group] for group in part.groups if group in programs), None)
                tunes.append(_part(part, number, title, told, tempo))
            except TuneError as error:
                tunes.append(Tune.lost(number, title, error))
            except Exception as error:  # music21 raises of many kinds when a score contradicts itself
                tunes.append(
                    Tune.lost(number, title, TuneError("a damaged file", f"Its notes cannot be read: {error}"))
                )
    return tunes


def _tempo(part: Any) -> float | None:
    """The first tempo that a part says, in quarter notes a minute."""
    return next((mark.getQuarterBPM() for mark in part.recurse().getElementsByClass("MetronomeMark")), None)


def _part(part: Any, number: int, title: str, program: int | None, tempo: float | None) -> Tune:
    if part.atSoundingPitch is False:
        part = part.toSoundingPitch()
    measures = list(part.getElementsByClass("Measure"))
    metres = list(
        dict.fromkeys((t.numerator, t.denominator) for t in part.recurse().getElementsByClass("TimeSignature"))
    )
    if len(metres) > 1:
        raise TuneError("a metre that changes", f"It is in {' and '.join(f'{a}/{b}' for a, b in metres)}.")
    if not metres:
        raise TuneError("no metre", "It has no metre.")
    for jump in part.recurse().getElementsByClass("RepeatExpression"):
        if type(jump).__name__.startswith(("DaCapo", "DalSegno")):
            raise TuneError("a jump", f"It is played from the beginning or from a sign again ({type(jump).__name__}).")
    endings, last = {}, set()
    for bracket in part.recurse().getElementsByClass("RepeatBracket"):
        under = bracket.getSpannedElements()
        if under:
            endings[id(under[0])] = frozenset(bracket.numberRange)
            last.add(id(under[-1]))
    bars = []
    for measure in measures:
        bar = _bar(measure, endings.get(id(measure), frozenset()))
        bar.double = bar.double or id(measure) in last
        bars.append(bar)
    if not any(event.pitch is not None for bar in bars for event in bar.events):
        raise TuneError("no notes", "There are no notes in it.")
    tempo = _tempo(part) or tempo
    if program is None:
        program = getattr(part.getInstrument(), "midiProgram", None)
    found, remarks = melody(bars, metres[0], tempo=float(tempo or 120), program=int(program or 0), name=title)
    return Tune(number, title, found, remarks=remarks)


def _bar(measure: Any, endings: frozenset[int]) -> Bar:
    if len(list(measure.voices)) > 1:
        raise TuneError("several voices", f"Bar {measure.number} has several voices.")
    bar = Bar(endings=endings, number=str(measure.measureNumberWithSuffix()))
    for element in measure.recurse().notesAndRests:
        if "Harmony" in element.classes or "ChordSymbol" in element.classes or element.duration.isGrace:
            continue
        duration = Fraction(element.quarterLength).limit_denominator(1024)
        if not duration:
            continue
        if element.isRest:
            full_bar = measure.barDuration.quarterLength
            bar.events.append(Event(None, min(duration, Fraction(full_bar)) if len(bar.events) == 0 else duration))
        elif element.isNote:
            tied = element.tie is not None and element.tie.type in ("start", "continue")
            bar.events.append(Event(int(element.pitch.midi), duration, tied))
        else:
            what = "an unpitched note" if "Unpitched" in element.classes else "chords"
            raise TuneError(what, f"Bar {measure.number} has {what.removeprefix('an ')}.")
    left, right = measure.leftBarline, measure.rightBarline
    if left is not None and getattr(left, "direction", "") == "start":
        bar.opens = True
    if right is not None:
        if getattr(right, "direction", "") == "end":
            bar.closes = max(1, (right.times or 2) - 1)
        bar.double = right.type in ("double", "final")
    return bar

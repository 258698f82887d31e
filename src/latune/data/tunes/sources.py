"""Where melodies come from: one function a source gives its files and what is known of them."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from latune.data.archives import BROKEN
from latune.data.home import data_home
from latune.data.tunes.shelf import Item
from latune.errors import DataError
from latune.music.reading.contents import MOST, check_size
from latune.music.reading.corpus import book_files, chorale_files
from latune.music.reading.opening import files_of
from latune.music.reading.processes import Job
from latune.music.reading.tune import TuneError

MOST_MEMBER = max(MOST.values())  # bytes of one file in an archive


@dataclass(frozen=True)
class Source:
    """The files of a source, and what its provenance says."""

    items: list[Item]
    about: dict[str, Any] = field(default_factory=dict)


def item(
    name: str, content: bytes, how: str = "file", given: Callable[[], bytes] | None = None, **settings: Any
) -> Item:
    """A file that is read from its content; `given` gives it again, so that it need not be held."""
    job = Job(name, given or (lambda: content), how, settings)
    return Item(name, len(content), hashlib.sha256(content).hexdigest(), job)


def bach() -> Source:
    """The sopranos of Bach's chorales, as music21 has them."""
    items = []
    for path in chorale_files():
        content = path.read_bytes()
        job = Job(str(path), path.read_bytes, "soprano")
        items.append(Item(path.name, len(content), hashlib.sha256(content).hexdigest(), job))
    about = {
        "source": "Bach's chorales in the corpus of music21, sopranos of those of four parts",
        "licence": "public domain; scores given out with music21 (BSD 3-clause)",
    }
    return Source(items, about | _files(items))


def folk() -> Source:
    """O'Neill's, Ryan's and Aird's books, as music21 has them."""
    items = [item(f"{path.parent.name}/{path.name}", path.read_bytes(), given=path.read_bytes) for path in book_files()]
    about = {
        "source": "O'Neill's Music of Ireland, Ryan's Mammoth Collection and Aird's Airs in the corpus of music21",
        "licence": "public domain; transcriptions given out with music21",
    }
    return Source(items, about | _files(items))


def folder(path: Path, **settings: Any) -> Source:
    """Every MIDI, ABC and MusicXML file in a folder and its sub-folders; hidden ones are left out.

    Raises:
        DataError: no such folder, or none of these in it.
    """
    found = files_of(path)
    items = [_loose(each, each.relative_to(path).as_posix(), settings) for each in found]
    return Source(items, {"source": str(path.resolve()), "licence": "the user's own"} | _files(items))


def _loose(path: Path, name: str, settings: dict[str, Any]) -> Item:
    """A file of a folder; what is too large is not even read."""

    def content() -> bytes:
        check_size(name, path.stat().st_size)
        return path.read_bytes()

    try:
        sha256 = hashlib.sha256(content()).hexdigest()
    except TuneError as error:
        sha256 = str(error)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    return Item(name, path.stat().st_size, sha256, Job(name, content, "file", settings))


def archive(names: Sequence[str], wanted: Callable[[str], bool], where: str) -> dict[str, bytes]:
    """The files of the first archive, or folder, of these names in the folder of real data.

    Raises:
        DataError: it is not there, or is damaged.
    """
    for name in names:
        path = data_home() / where / name
        if path.is_dir():
            inside = {each.relative_to(path).as_posix(): each for each in sorted(path.rglob("*")) if each.is_file()}
            return {name: each.read_bytes() for name, each in inside.items() if wanted(name)}
        if path.is_file():
            return dict(sorted(_members(path, wanted)))
    raise DataError(
        f"{names[0]} is not on hand. Put it into {data_home() / where}, or set LATUNE_DATA to a folder that holds "
        f"{where}/{names[0]}."
    )


def _members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(path) as opened:
            for member in opened:
                name = member.name.removeprefix("./")
                hidden = any(part.startswith(".") for part in PurePosixPath(name).parts)
                if member.isfile() and wanted(name) and not hidden and member.size <= MOST_MEMBER:
                    file = opened.extractfile(member)
                    if file is not None:
                        yield name, file.read()
    except BROKEN as error:
        raise DataError(f"{path} cannot be read: {error}. It may be cut short; fetch it again.") from error


def taberna() -> Source:
    """The ABCs of the Taberna."""
    found = archive(["taberna_abc.tar.gz", "taberna"], lambda name: name.endswith(".abc"), "folk-taberna")
    items = [item(name, content) for name, content in found.items()]
    about = {
        "source": "Colección de ABCs de la Taberna, https://github.com/jacobdgm/irish-tunes",
        "licence": "none stated",
    }
    return Source(items, about | _files(items))


def nottingham(form: str = "abc") -> Source:
    """The Nottingham tunes, from ABC or from the melodies as MIDI."""
    if form == "abc":
        found = archive(
            ["nottingham_abc_cleaned.tar.gz", "ABC_cleaned"], lambda name: name.endswith(".abc"), "nottingham"
        )
    else:
        found = archive(
            ["nottingham_midi.tar.gz", "."], lambda name: "melody/" in name and name.endswith(".mid"), "nottingham"
        )
    items = [item(name, content) for name, content in found.items()]
    about = {
        "source": f"Nottingham Music Database ({form}), https://github.com/jukedeck/nottingham-dataset",
        "licence": "GPL v3, as stated there",
    }
    return Source(items, about | _files(items))


def pop909() -> Source:
    """POP909: the track MELODY of each song, at the beats that its annotation gives."""
    where = "pop909"
    songs = archive(
        ["pop909_midi.tar.gz", "POP909"], lambda name: name.endswith(".mid") and "versions" not in name, where
    )
    beats = archive(["pop909_beat_chord_key.tar.gz", "POP909"], lambda name: name.endswith("beat_midi.txt"), where)
    by_song = {PurePosixPath(name).parent.name: content.decode("utf-8", "replace") for name, content in beats.items()}
    items = []
    for name, content in songs.items():
        told = by_song.get(PurePosixPath(name).parent.name, "")
        each = item(name, content, "song", beats=told)
        items.append(Item(name, each.size, hashlib.sha256((each.sha256 + told).encode()).hexdigest(), each.job))
    about = {
        "source": "POP909, https://github.com/music-x-lab/POP909-Dataset",
        "licence": "MIT for the data; the songs are under copyright",
    }
    return Source(items, about | _files(items))


def _files(items: Sequence[Item]) -> dict[str, Any]:
    """How many files there are, and one sha256 of all."""
    told = "\n".join(f"{each.name} {each.sha256}" for each in items)
    return {"files": {"n": len(items), "sha256": hashlib.sha256(told.encode()).hexdigest()}}

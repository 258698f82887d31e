"""One file, or a folder of them, as melodies."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from latune.errors import DataError, did_you_mean
from latune.music.melody import Melody
from latune.music.reading.abc import read_metre
from latune.music.reading.contents import ENDINGS, check_size, read_content
from latune.music.reading.corpus import book_files, chorale_files
from latune.music.reading.processes import Job, read_all
from latune.music.reading.tune import Tune, TuneError
from latune.music.reading.voice import check_quantise

LEADS = re.compile(r"melod|\blead|soprano|\bvoice|vocal|\bsing|chant|gesang|discant|\btune\b", re.I)
SHOWN = 3  # names told of each reason
TOGETHER = ("several voices", "chords", "several notes at once")  # reasons


def read(path: Path | str, *, quantise: str = "auto") -> list[Melody]:
    """All melodies of a file: each tune of an ABC book, each track of a MIDI file, each part of a score.

    Args:
        path: a file that ends with `.mid`, `.midi`, `.abc`, `.musicxml`, `.xml` or `.mxl`.
        quantise: `auto` moves the notes of a MIDI file to sixteenths where it was played, and leaves what is written as
            it is; `no` leaves all; `sixteenths`, or `ticks` (sixteenths and triplets), move the notes of any file.

    Raises:
        TuneError: for a file that cannot be read, or in which no tune can be.
        DataError: there is no such file.
        LatuneError: where a package is missing that reads it.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "tune.abc"
    >>> _ = path.write_text("X:1\\nT:Up\\nM:4/4\\nL:1/4\\nK:C\\nCDEF|G4|\\n")
    >>> read(path)
    [Melody('Up', 5 notes, C4 to G4, 8 quarter notes of 4/4)]
    """
    found = tunes_of(path, quantise=quantise)
    melodies = [tune.melody for tune in found if tune.melody is not None]
    if not melodies:
        told = f"{found[0].told}{_remedy(found[0], found)}" if found else "There is no tune in it."
        more = f" Its other {len(found) - 1:,} cannot be read, either." if len(found) > 1 else ""
        raise TuneError(found[0].reason if found else "no tunes", f"{path}: {told}{more}")
    return melodies


def tunes_of(path: Path | str, *, quantise: str = "auto") -> list[Tune]:
    """All tunes of a file, also those without a melody, each with the reason.

    Raises:
        TuneError: for a file of which nothing can be read.
        DataError: there is no such file.
    """
    check_quantise(quantise)
    path = Path(path).expanduser()
    if path.suffix.lower() not in ENDINGS:
        raise TuneError("another kind of file", f"{path} is no melody. Files that are read end with {_or(ENDINGS)}.")
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    try:
        check_size(path.name, path.stat().st_size)
        return read_content(path.name, path.read_bytes(), quantise=quantise)
    except TuneError as error:
        raise TuneError(error.reason, f"{path}: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error


def read_one(
    path: Path | str,
    *,
    track: int | str | None = None,
    metres: Sequence[str] | None = None,
    quantise: str = "auto",
) -> Melody:
    """The one melody that a file is opened for; see `tune_of`, which also tells what was changed on the way.

    Raises:
        TuneError, DataError: as `tune_of`.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "tune.abc"
    >>> _ = path.write_text("X:1\\nT:Up\\nM:3/4\\nL:1/4\\nK:C\\nCDE|G3|\\n")
    >>> read_one(path, metres=["4/4"])
    Traceback (most recent call last):
    ...
    latune.music.reading.tune.TuneError: ...tune.abc is in 3/4. Allowed: 4/4.
    """
    melody = tune_of(path, track=track, metres=metres, quantise=quantise).melody
    assert melody is not None
    return melody


def tune_of(
    path: Path | str,
    *,
    track: int | str | None = None,
    metres: Sequence[str] | None = None,
    quantise: str = "auto",
) -> Tune:
    """The one tune that a file is opened for, which has a melody, with remarks on what was changed to read it.

    Of several tracks or parts it is the one that is called melody, lead, voice or soprano, else the highest.

    Args:
        path: of the file.
        track: the number (from 1) or the title of the tune, track or part, where another one is meant; needed for a
            book of several tunes.
        metres: those that are allowed, as `["4/4"]`; None allows all.
        quantise: as in `read`.

    Raises:
        TuneError: it cannot be read: it is damaged, empty, has several notes at once, or another metre.
        DataError: no such file, or no such track.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "tune.abc"
    >>> _ = path.write_text("X:1\\nT:Up\\nM:3/4\\nL:1/32\\nK:C\\nCD23|G24|\\n")
    >>> tune_of(path, quantise="sixteenths").remarks
    ('notes moved to sixteenths: 2 of 3, by up to 0.125 of a quarter note',)
    """
    return one_of(path, tunes_of(path, quantise=quantise), track=track, metres=metres)


def one_of(
    name: Path | str, found: Sequence[Tune], *, track: int | str | None = None, metres: Sequence[str] | None = None
) -> Tune:
    """The one tune of a file that was read already; `tune_of` without the reading.

    Args:
        name: of the file, for what is wrong with it; its ending says what it is.
        found: what is in it.
        track, metres: as in `read_one`.

    Raises:
        TuneError: as `read_one`.
        DataError: no such track.

    >>> one_of("tune.mid", [Tune(1, "lead", Melody.of([(60, 0, 4)]))]).melody
    Melody(1 note, C4 to C4, 4 quarter notes of 4/4)
    """
    allowed = None if metres is None else [read_metre(metre) for metre in metres]
    chosen = _chosen(Path(name), found, track)
    if chosen.melody is None:
        raise TuneError(chosen.reason, f"{name}: {chosen.told}{_remedy(chosen, found)}")
    if allowed is not None and chosen.melody.metre not in allowed:
        beats, unit = chosen.melody.metre
        raise TuneError("another metre", f"{name} is in {beats}/{unit}. Allowed: {', '.join(metres or ())}.")
    return chosen


def _remedy(tune: Tune, found: Sequence[Tune]) -> str:
    """What helps where notes of a tune sound together: another track that can be read, or one voice by itself."""
    if tune.reason not in TOGETHER:
        return ""
    alone = " One note is read at a time: write one voice to a file of its own."
    others = [f"{other.number} {other.title}".strip() for other in found if other.melody is not None]
    if not others:
        return alone
    more = f" and {len(others) - SHOWN:,} more" if len(others) > SHOWN else ""
    first = others[0].partition(" ")[0]
    return f"{alone} Or take what can be read, --track {first} (track={first}): {', '.join(others[:SHOWN])}{more}."


def _chosen(path: Path, found: Sequence[Tune], track: int | str | None) -> Tune:
    titles = [f"{tune.number} {tune.title}".strip() for tune in found]
    told = f"{path} has: {', '.join(titles[:20])}{' and more' if len(titles) > 20 else ''}."
    if isinstance(track, int):
        if not 1 <= track <= len(found):
            raise DataError(f"There is no tune or track {track}. {told}")
        return found[track - 1]
    if track is not None:
        named = [tune for tune in found if tune.title.lower() == track.lower()]
        named = named or [tune for tune in found if track.lower() in tune.title.lower()]
        if not named:
            hint = did_you_mean(track, [tune.title for tune in found])
            raise DataError(f"There is no tune or track '{track}'. {hint + ' ' if hint else ''}{told}")
        return named[0]
    if path.suffix.lower() == ".abc":
        if len(found) > 1:
            raise DataError(
                f"{path} has {len(found):,} tunes. Say which by its number or title: track=1, --track 1. {told}"
            )
        return found[0]
    good = [tune for tune in found if tune.melody is not None]
    if not good:
        return found[0]
    named = [tune for tune in good if LEADS.search(tune.title)]
    return max(named or good, key=_likeness)


def _likeness(tune: Tune) -> tuple[bool, float]:
    """How much a track is like a melody: has more than a few notes, and is high."""
    melody = tune.melody
    return (False, 0.0) if melody is None or not len(melody) else (len(melody) >= 8, float(np.median(melody.pitches)))


class Place(NamedTuple):
    """Where a melody was found: the file, its number there from 1, and its title."""

    file: str
    number: int
    title: str


@dataclass
class Collection:
    """What was read of many files.

    Args:
        melodies: all that could be read.
        sources: where each of them was found.
        skipped: names of what could not be read, by reason.
        remarks: how many of the melodies something was changed in, by what it was.
    """

    melodies: list[Melody] = field(default_factory=list)
    sources: list[Place] = field(default_factory=list)
    skipped: dict[str, list[str]] = field(default_factory=dict)
    remarks: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.melodies)

    def __repr__(self) -> str:
        lost = sum(map(len, self.skipped.values()))
        return f"Collection({len(self):,} melodies, {lost:,} skipped)"

    def add(self, file: str, tunes: Sequence[Tune]) -> None:
        """Take in the tunes of a file."""
        for tune in tunes:
            if tune.melody is not None:
                self.melodies.append(tune.melody)
                self.sources.append(Place(file, tune.number, tune.title))
                self.remarks.update(remark.partition(": ")[0] for remark in tune.remarks)
            else:
                name = file if len(tunes) == 1 and not tune.title else f"{file}: {tune.title or tune.number}"
                self.skipped.setdefault(tune.reason, []).append(name)

    def table(self, more: Sequence[tuple[str, int, str]] = ()) -> str:
        """What was read and what was skipped, and why, with a few names of each; `more` are rows below.

        >>> found = Collection()
        >>> found.add("a.mid", [Tune.lost(1, "", TuneError("an empty file"))])
        >>> print(found.table())
        read                    0
        skipped                 1
          an empty file         1  a.mid
        """
        lost = sorted(self.skipped.items(), key=lambda each: -len(each[1]))
        rows = [("read", len(self), "")]
        rows += [(f"  {what}", count, "") for what, count in self.remarks.most_common()]
        rows.append(("skipped", sum(len(names) for _, names in lost), ""))
        for reason, names in lost:
            rest = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
            rows.append((f"  {reason}", len(names), f"  {', '.join(names[:SHOWN])}{rest}"))
        rows += more
        width = max(16, *(len(what) for what, _, _ in rows)) + 2
        return "\n".join(f"{what:<{width}}{count:>7,}{names}" for what, count, names in rows)


def read_folder(path: Path | str, *, quantise: str = "auto", workers: int | None = None) -> Collection:
    """All melodies of a folder and its sub-folders; what cannot be read is skipped, with the reason.

    Nothing is kept in the cache: `latune.data.load("tunes", path=...)` does that.

    Args:
        path: the folder.
        quantise: as in `read`.
        workers: processes; 0 reads in this one, None takes what the machine has.

    Raises:
        DataError: no such folder, or no file in it that could be a melody.
    """
    check_quantise(quantise)
    root = Path(path).expanduser()
    files = [(each, each.relative_to(root).as_posix()) for each in files_of(root)]
    jobs = [Job(name, _content(each, name), "file", {"quantise": quantise}) for each, name in files]
    found = Collection()
    for (_, name), tunes in zip(files, read_all(jobs, workers), strict=True):
        found.add(name, tunes)
    return found


def files_of(root: Path) -> list[Path]:
    """The files of a folder and its sub-folders that could be melodies; hidden ones are left out.

    Raises:
        DataError: no such folder, or none of these in it.
    """
    if not root.is_dir():
        raise DataError(f"There is no folder {root}.")
    found = sorted(
        each
        for each in root.rglob("*")
        if each.suffix.lower() in ENDINGS
        and not any(part.startswith(".") for part in each.relative_to(root).parts)
        and each.is_file()
    )
    if not found:
        raise DataError(f"There is no melody in {root}. Files that are read end with {_or(ENDINGS)}.")
    return found


def _content(path: Path, name: str):
    def content() -> bytes:
        try:
            check_size(name, path.stat().st_size)
            return path.read_bytes()
        except OSError as error:
            raise TuneError("a file that cannot be opened", f"{path} cannot be read: {error.strerror}.") from error

    return content


def bach_sopranos(limit: int | None = None, workers: int | None = None) -> Collection:
    """The sopranos of Bach's chorales of four parts, in the order of Riemenschneider's book; `limit` takes the first.

    Raises:
        LatuneError: without music21.
    """
    files = chorale_files()[:limit]
    found = Collection()
    jobs = [Job(str(path), path.read_bytes, "soprano") for path in files]
    for path, tunes in zip(files, read_all(jobs, workers), strict=True):
        found.add(path.name, tunes)
    return found


def folk_books(limit: int | None = None, workers: int | None = None) -> Collection:
    """The tunes of O'Neill's, Ryan's and Aird's books; `limit` takes the first files.

    Raises:
        LatuneError: without music21.
    """
    files = book_files()[:limit]
    found = Collection()
    jobs = [Job(path.name, path.read_bytes) for path in files]
    for path, tunes in zip(files, read_all(jobs, workers), strict=True):
        found.add(f"{path.parent.name}/{path.name}", tunes)
    return found


def _or(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"

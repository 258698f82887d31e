"""Tunes that were read once, kept in the cache: tokens of a grid, and a line about each tune.

A source is read in chunks of files. What a chunk gave is kept in two files, the notes (`.npy`) and a line of JSON for
each tune (`.jsonl`), under a name made of the contents of its files and the version of the reader. A run that is
stopped goes on with the first chunk that is not there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32, UInt8

from latune.data.decoding import bar
from latune.data.home import cache_home, kept
from latune.errors import DataError
from latune.music import Grid, GridError, Melody
from latune.music.reading.processes import Job, read_all
from latune.music.reading.tune import Tune

VERSION = 4  # of what reading gives; a new one reads all files anew
UNIT = 40320  # parts of a quarter note: every tuplet up to ten is a whole number of them
CHUNK = 64  # files that are kept together
CHUNK_BYTES = 2**20  # or so many bytes


@dataclass(frozen=True)
class Item:
    """A file of a source: its name, the sha256 of what is read of it, and the job."""

    name: str
    size: int
    sha256: str
    job: Job


@dataclass
class Shelf:
    """Whole tunes as tokens, one after the other, and a record of each.

    Args:
        tokens: of all tunes that the grid can hold `(bars, ticks)`.
        records: one of each tune that was read, with `file`, `number` and `title`; with `metre`, `tempo`, `first` and
            `bars` where it has tokens, or `reason` and `told` where it has none.
    """

    tokens: UInt8[np.ndarray, "bars ticks"]
    records: list[dict[str, Any]] = field(default_factory=list)


def chunks(items: Sequence[Item]) -> Iterator[list[Item]]:
    """The files in groups that are kept together."""
    group: list[Item] = []
    for item in items:
        if group and (len(group) == CHUNK or sum(each.size for each in group) + item.size > CHUNK_BYTES):
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def home() -> Path:
    """Where tunes are kept."""
    return cache_home() / "tunes"


def key_of(group: Sequence[Item]) -> str:
    """The name under which a chunk is kept."""
    told = [[item.name, item.sha256, item.job.how, item.job.settings] for item in group]
    return hashlib.sha256(json.dumps([VERSION, told], sort_keys=True).encode()).hexdigest()[:32]


def read(items: Sequence[Item], workers: int | None = None) -> list[str]:
    """Read what is not in the cache yet; gives back the names of the chunks.

    Raises:
        DataError: where the cache cannot be written to.
        LatuneError: where a package is missing that reads the files.
    """
    groups = list(chunks(items))
    keys = [key_of(group) for group in groups]
    todo = [(key, group) for key, group in zip(keys, groups, strict=True) if not (home() / f"{key}.jsonl").exists()]
    jobs = [item.job for _, group in todo for item in group]
    if not jobs:
        return keys
    answers = read_all(jobs, workers)
    steps = bar(range(len(jobs)), "reading tunes", sum(item.size for _, group in todo for item in group) // 500)
    try:
        for key, group in todo:
            found: list[tuple[str, Tune]] = []
            for item in group:
                next(steps, None)
                found += [(item.name, tune) for tune in next(answers)]
            _keep(key, found)
        next(steps, None)
    finally:
        answers.close()  # pyright: ignore[reportAttributeAccessIssue]
    return keys


def _keep(key: str, found: Sequence[tuple[str, Tune]]) -> None:
    notes, lines, first = [], [], 0
    for name, tune in found:
        record = {"file": name, **tune.as_dict()}
        if tune.melody is not None:
            times = np.stack([tune.melody.starts, tune.melody.durations], 1) * UNIT
            rows = np.concatenate([tune.melody.pitches[:, None], np.round(times)], 1)
            if times.size and times.max() >= 2**31:
                record |= {"reason": "too long", "told": "It is longer than ten hours."}
            else:
                notes.append(rows.astype(np.int32))
                record |= {"first": first, "notes": len(rows)}
                first += len(rows)
        lines.append(json.dumps(record, ensure_ascii=False))
    with kept(home() / f"{key}.npy") as temporary, temporary.open("wb") as file:
        np.save(file, np.concatenate(notes) if notes else np.zeros((0, 3), np.int32), allow_pickle=False)
    with kept(home() / f"{key}.jsonl") as temporary:  # the last one: where it is, the chunk is whole
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def tunes(keys: Sequence[str]) -> Iterator[tuple[dict[str, Any], Melody | None]]:
    """All tunes of these chunks: the record of each, and its melody where it has one."""
    for key in keys:
        notes, records = _kept(home() / f"{key}.npy")
        for record in records:
            yield record, _melody(record, notes) if "first" in record else None


def _kept(path: Path) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """An array and the lines beside it."""
    try:
        found = np.load(path, allow_pickle=False)
        lines = path.with_suffix(".jsonl").read_text(encoding="utf-8").split("\n")
        return found, [json.loads(line) for line in lines if line]
    except (OSError, ValueError) as error:
        beside = path.with_suffix(".jsonl").name
        raise DataError(f"{path} cannot be read ({error}). Delete it and {beside}; they are made again.") from error


def _melody(record: dict[str, Any], notes: Int32[np.ndarray, "n 3"]) -> Melody:
    rows = notes[record["first"] : record["first"] + record["notes"]]
    return Melody(
        rows[:, 0].astype(np.int64),
        rows[:, 1] / UNIT,
        rows[:, 2] / UNIT,
        length=max(record["length"], 0.0),
        metre=tuple(record["metre"]),
        tempo=record["tempo"],
        program=record["program"],
        name=record["title"],
    )


def shelved(keys: Sequence[str], grid: Grid) -> Shelf:
    """All tunes as tokens of a grid that has every pitch; they are kept, too.

    The tokens of a tune are as `Grid.encode` gives them; a tune that the grid cannot hold has a reason instead.
    """
    whole = replace(grid, low=0, high=127, edges=False)
    told = json.dumps([VERSION, list(keys), whole.as_dict()], sort_keys=True)
    path = home() / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}-{grid.name}.npy"
    records_path = path.with_suffix(".jsonl")
    if records_path.exists():
        flat, records = _kept(path)
        return Shelf(flat, records)
    made = on_grid(tunes(keys), grid)
    with kept(path) as temporary, temporary.open("wb") as file:
        np.save(file, made.tokens, allow_pickle=False)
    with kept(records_path) as temporary:
        lines = [json.dumps(record, ensure_ascii=False) for record in made.records]
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return made


def on_grid(found: Iterable[tuple[dict[str, Any], Melody | None]], grid: Grid) -> Shelf:
    """Tunes, the record and the melody of each, as tokens of a grid that has every pitch; see `shelved`."""
    whole = replace(grid, low=0, high=127, edges=False)
    tokens, records, first = [], [], 0
    for record, melody in found:
        record = {name: value for name, value in record.items() if name not in ("first", "notes")}
        if melody is not None:
            try:
                bars = whole.encode(melody)
            except GridError as error:
                record |= {"reason": error.reason, "told": str(error)}
            else:
                record |= {"first": first, "bars": len(bars), "end": float(melody.ends[-1]) if len(melody) else 0.0}
                first += len(bars)
                tokens.append(bars)
        records.append(record)
    flat = np.concatenate(tokens) if tokens else np.zeros((0, grid.ticks), np.uint8)
    return Shelf(flat, records)

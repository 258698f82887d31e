"""Real tunes read, written as tokens and read back: notes that are the same, and the rest by its reason.

    python benchmarks/tunes.py [--only NAME ...] [--most 1000] [--json FILE]

Of each source up to 1,000 whole tunes, evenly spread over all that can be read, of any metre, are written on both grids
and read back. A tune beyond the range of the measures (55 to 84) is moved by as few semitones as will do, and back.
`bach` and `folk` are those of music21; the others are left out where LATUNE_DATA does not hold them.

`nottingham` is also held against itself: its tunes as ABC against the MIDI files made of them by others.

The exit status is 1 if a tune that a grid can hold comes back with other notes.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from latune.data.tunes import sources
from latune.data.tunes.shelf import read, tunes
from latune.data.tunes.sources import Source
from latune.errors import DataError
from latune.music import GRIDS, Grid, GridError, Melody
from latune.music.reading.abc import split_book
from latune.music.reading.text import decoded

SOURCES: dict[str, Callable[[], Source]] = {
    "bach": sources.bach,
    "folk": sources.folk,
    "taberna": sources.taberna,
    "nottingham abc": lambda: sources.nottingham("abc"),
    "nottingham midi": lambda: sources.nottingham("midi"),
    "pop909": sources.pop909,
}
NAMES = {"a note between the ticks": "between the ticks", "a pitch out of range": "too wide"}


def again(melody: Melody, grid: Grid) -> bool:
    """Whether the notes are the same after tokens; they are moved into the range of the grid and back."""
    low, high = grid.low - int(melody.pitches.min()), grid.high - int(melody.pitches.max())
    shift = min(max(0, low), max(high, low))
    tokens = grid.encode(melody.transposed(shift))
    return grid.decode(tokens).transposed(-shift) == melody


def measured(found: Sequence[Melody], most: int) -> dict[str, dict[str, int]]:
    """Counts by grid: same, different, and the reasons of the rest."""
    chosen = [found[i] for i in np.unique(np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int))]
    counts: dict[str, dict[str, int]] = {}
    for name, grid in GRIDS.items():
        seen = Counter[str]()
        for melody in chosen:
            try:
                seen["same" if again(melody, grid) else "different"] += 1
            except GridError as error:
                seen[NAMES.get(error.reason, error.reason)] += 1
        counts[name] = {"tunes": len(chosen), **dict(seen)}
    return counts


def against(one: dict[str, Melody], other: dict[str, Melody], ordered: set[str]) -> dict[str, int]:
    """Tunes that both have: with the same notes one after the other, or why not.

    The MIDI files play parts in the order of a field of the collection's own (`Y:`), and forget that an accidental
    holds to the end of its bar.
    """
    both = sorted(set(one) & set(other))
    seen = Counter[str]()
    for name in both:
        a, b = one[name], other[name]
        if len(a) != len(b):
            seen["parts in an order of their own" if name in ordered else "another number of notes"] += 1
        elif (a.pitches != b.pitches).any():
            apart = np.abs(a.pitches - b.pitches).max()
            seen["apart by accidentals" if apart <= 2 else "other pitches"] += 1
        elif np.allclose(a.starts - a.starts[0], b.starts - b.starts[0], atol=0.02):
            seen["the same"] += 1
        else:
            seen["same pitches, other starts"] += 1
    return {"in both": len(both), **dict(seen.most_common())}


def in_order_of_their_own(source: Source) -> set[str]:
    """Tunes with a field `Y:`."""
    books = {item.name: split_book(decoded(item.job.content())[0]) for item in source.items}
    return {
        f"{Path(name).stem}{i}"
        for name, book in books.items()
        for i, text in enumerate(book, 1)
        if re.search(r"(?m)^Y:", text)
    }


def named(source: Source) -> dict[str, Melody]:
    """Melodies by book and number: `jigs.abc`, tune 3, and `jigs3.mid` are the same."""
    found: dict[str, Melody] = {}
    for record, melody in tunes(read(source.items)):
        if melody is None:
            continue
        book = Path(record["file"]).stem
        if record["file"].endswith(".abc"):
            found[f"{book}{record['number']}"] = melody
        elif re.search(r"\d$", book):
            found.setdefault(book, melody)
    return found


def in_words(counts: dict[str, int]) -> str:
    """Counts in one line."""
    return ", ".join(f"{n:,} {what}" for what, n in counts.items()) or "-"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=list(SOURCES), default=list(SOURCES))
    parser.add_argument("--most", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    told: dict[str, Any] = {}
    wrong = 0
    print(f"{'source':<16} {'read':>6} {'of':>6} {'grid':<8} {'tried':>6} {'same':>6} {'different':>10}  the rest")
    for name in chosen.only:
        begun = time.perf_counter()
        try:
            keys = read(SOURCES[name]().items)
        except DataError as error:
            print(f"{name:<16} left out: {error}")
            continue
        seconds = time.perf_counter() - begun
        every = list(tunes(keys))
        melodies = [melody for _, melody in every if melody is not None and len(melody)]
        skipped = Counter(record["reason"] for record, melody in every if melody is None)
        counts = measured(melodies, chosen.most)
        told[name] = {"read": len(melodies), "of": len(every), "skipped": dict(skipped.most_common()), **counts}
        for grid, seen in counts.items():
            rest = {what: n for what, n in seen.items() if what not in ("tunes", "same", "different")}
            wrong += seen.get("different", 0)
            print(
                f"{name:<16} {len(melodies):>6,} {len(every):>6,} {grid:<8} {seen['tunes']:>6,} "
                f"{seen.get('same', 0):>6,} {seen.get('different', 0):>10,}  {in_words(rest)}"
            )
        print(f"{'':<16} skipped: {in_words(dict(skipped.most_common()))}")
        print(f"{'':<16} {seconds:.1f} s to read, or to find in the cache")
    if {"nottingham abc", "nottingham midi"} <= set(told):
        told["abc against midi"] = against(
            named(sources.nottingham("abc")),
            named(sources.nottingham("midi")),
            in_order_of_their_own(sources.nottingham("abc")),
        )
        print(
            "nottingham, ABC against MIDI:", ", ".join(f"{n:,} {what}" for what, n in told["abc against midi"].items())
        )
    if chosen.json:
        chosen.json.write_text(json.dumps(told, indent=2) + "\n")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()

"""A data set of melodies from a shelf of tunes: examples, their attributes, and splits by tune."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import UInt8

from latune.attributes.melody import of_grid
from latune.data.dataset import TokenData
from latune.data.splits import NAMES, check_fractions, make_splits
from latune.data.tunes.shelf import Shelf, on_grid
from latune.data.tunes.windows import Stretch, examples, once, shifts, stretches
from latune.errors import DataError, unknown
from latune.music import GRIDS, Grid, Melodies, Melody
from latune.music.reading.abc import read_metre
from latune.music.reading.tune import TuneError

FRACTIONS = (0.7, 0.2, 0.1)
FOUR = ("4/4",)  # metres that are taken unless others are named
VARIANTS = ("released",)


def grid_of(name: str, metres: Sequence[str], variant: str | None) -> tuple[Grid, set[tuple[int, int]]]:
    """The grid of the examples, and the metres of the tunes that are taken.

    Raises:
        DataError: for a grid, a metre or a variant that there is not, or a metre whose bars do not fill the grid's.
    """
    if name not in GRIDS:
        raise DataError(unknown("grid", name, GRIDS))
    grid = GRIDS[name]
    if variant is not None:
        if variant not in VARIANTS:
            raise DataError(unknown("variant of melodies", variant, VARIANTS))
        if name != "measure":
            raise DataError("The variant 'released' is that of AR-VAE's measures; use grid='measure'.")
        return replace(grid, edges=True), set()
    found = set()
    for metre in metres:
        try:
            read = read_metre(metre)
        except TuneError as error:
            raise DataError(f"metres names {metre!r}; a metre is written as '4/4', 'C' or '2/2'.") from error
        if read is None or grid.length * read[1] % (4 * read[0]):
            raise DataError(
                f"metres names {metre!r}; a bar of the grid '{name}' has {grid.length:g} quarter notes, as those of "
                "4/4 and 2/2 have, or two bars of 2/4. Tunes of other metres would be cut across their bars."
            )
        found.add(read)
    if not found:
        raise DataError("metres names none; for example ('4/4',).")
    return grid, found


def usable(
    shelf: Shelf, grid: Grid, in_metre: Callable[[tuple[int, int]], bool]
) -> tuple[list[dict[str, Any]], list[Stretch], Counter[str]]:
    """The tunes of a shelf that are in a metre, what of them examples are cut from, and why other tunes give none."""
    lost = Counter(record["reason"] for record in shelf.records if "first" not in record)
    held = [record for record in shelf.records if "first" in record]
    taken = [record for record in held if in_metre(tuple(record["metre"]))]
    if len(held) > len(taken):
        lost["another metre"] += len(held) - len(taken)
    found, short = stretches(shelf.tokens, taken, grid, gaps=grid.bars > 1)
    return taken, found, lost + short


@dataclass(frozen=True)
class Fit:
    """How many tunes a training on a grid would use, and for what reasons it would leave out the others."""

    used: int
    lost: Counter[str]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, named as in the provenance of a data set."""
        return {"used": self.used, "left out": dict(self.lost.most_common())}


def fit_of(melodies: Iterable[Melody], grid: str, metres: Sequence[str] = FOUR) -> Fit:
    """How many melodies a data set of a grid would use; nothing is kept in the cache.

    >>> from latune.music import Melody
    >>> tunes = [Melody.of([(60, 0, 4)]), Melody.of([(60, 0, 3)], metre=(3, 4)), Melody.of([(60, 0, 0.2)])]
    >>> fit_of(tunes, "measure").as_dict()
    {'used': 1, 'left out': {'a note between the ticks': 1, 'another metre': 1}}
    """
    chosen, allowed = grid_of(grid, metres, None)
    records = (({"metre": melody.metre}, melody) for melody in melodies)
    _, found, lost = usable(on_grid(records, chosen), chosen, lambda metre: metre in allowed)
    return Fit(len({stretch.tune for stretch in found}), lost)


def build(
    name: str,
    shelf: Shelf,
    grid: Grid,
    metres: set[tuple[int, int]],
    *,
    seed: int,
    split: Sequence[float],
    transpose: Literal["training", "all", "never"],
    unique: bool,
    provenance: dict[str, Any],
) -> TokenData:
    """Cut a shelf into examples.

    Windows of one tune, all its transpositions, and all tracks of one file are in one split. With `unique`, of equal
    windows one is kept: what is tested on is not trained on.

    Raises:
        DataError: where no tune is left.
    """
    if grid.edges:
        return _released(name, shelf, grid, seed=seed, provenance=provenance)
    fractions = check_fractions(split)
    taken, found, lost = usable(shelf, grid, lambda metre: metre in metres)
    used = sorted({stretch.tune for stretch in found})
    songs = list(dict.fromkeys(_song(taken[tune]) for tune in used))
    if len(songs) < len(NAMES):
        raise DataError(
            f"'{name}' has {len(songs)} tunes that can be used; at least {len(NAMES)} are needed.{_why(lost)}"
        )
    dealt = make_splits(len(songs), fractions, seed=seed).values()
    part_of = {songs[i]: part for part, indices in enumerate(dealt) for i in indices.tolist()}
    parts = {tune: part_of[_song(taken[tune])] for tune in used}
    tokens, part = _cut(shelf.tokens, found, grid, parts, transpose)
    if unique:
        kept = once(tokens, len(NAMES) - part)  # of equal ones the one in the test split stays, then in validation
        tokens, part = tokens[kept], part[kept]
    splits = {name: torch.from_numpy(np.flatnonzero(part == i)) for i, name in enumerate(NAMES)}
    if empty := [name for name, indices in splits.items() if not len(indices)]:
        raise DataError(f"No example is left for {', '.join(empty)}: all of them are in other splits, too.{_why(lost)}")
    rule = {"rule": "by tune", "fractions": list(fractions), "seed": seed}
    told = {"split": rule, "transpose": transpose, "unique": unique, "metres": sorted(f"{a}/{b}" for a, b in metres)}
    return _dataset(name, tokens, grid, splits, {**provenance, **told, **_counts(shelf, len(used), lost)})


def _song(record: dict[str, Any]) -> str:
    """What is dealt out to the splits as one: a tune of a book, or all tracks and parts of another file."""
    return f"{record['file']} {record['number']}" if record["file"].lower().endswith(".abc") else record["file"]


def _cut(
    tokens: UInt8[np.ndarray, "bars ticks"],
    found: Sequence[Stretch],
    grid: Grid,
    parts: dict[int, int],
    transpose: str,
) -> tuple[UInt8[np.ndarray, "n t"], np.ndarray]:
    rows, part = [], []
    for stretch in found:
        number = parts[stretch.tune]
        wanted = transpose == "all" or (transpose == "training" and number == 0)
        windows = examples(tokens, stretch, grid, shifts(stretch, grid, wanted), edges=False)
        rows.append(windows)
        part.append(np.full(len(windows), number, np.int64))
    return np.concatenate(rows), np.concatenate(part)


def _released(name: str, shelf: Shelf, grid: Grid, *, seed: int, provenance: dict[str, Any]) -> TokenData:
    """As the released AR-VAE cut its music, mistakes and all.

    Metres of three or two quarter notes are cut into bars of four (its check asks for a denominator *and* a numerator
    other than 4), every piece begins with a bar of START, and the last bar ends with END. 90 % of the pieces in the
    order of a shuffle are used; examples are split by position: 70 % training, the next 20 % validation, the last 5 %
    test, so that bars of one piece are in two of them.
    """
    _, found, lost = usable(shelf, grid, lambda metre: 4 in metre)
    order = random.Random(seed).sample(range(len(found)), len(found))
    order = order[: int(0.9 * len(found))]
    if not order:
        raise DataError(f"'{name}' has no tunes that can be used.{_why(lost)}")
    tokens = np.concatenate(
        [examples(shelf.tokens, found[i], grid, shifts(found[i], grid, True), edges=True) for i in order]
    )
    n = len(tokens)
    ends = {"training": (0, int(0.7 * n)), "validation": (int(0.7 * n), int(0.9 * n)), "test": (int(0.95 * n), n)}
    splits = {part: torch.arange(*span) for part, span in ends.items()}
    told = {"variant": "released", "split": {"rule": "released", "seed": seed}}
    return _dataset(name, tokens, grid, splits, {**provenance, **told, **_counts(shelf, len(order), lost)})


def _dataset(
    name: str, tokens: UInt8[np.ndarray, "n t"], grid: Grid, splits: dict[str, torch.Tensor], provenance: dict[str, Any]
) -> TokenData:
    attributes = of_grid(grid)
    melodies = Melodies(tokens, grid)
    columns = [each.measure(melodies) for each in attributes.values() if each.measure is not None]  # pyright: ignore
    values = np.stack(columns, 1).astype(np.float32) if columns else np.zeros((len(tokens), 0), np.float32)
    return TokenData(
        name=name,
        shape=(grid.steps,),
        attributes=attributes,
        values=torch.from_numpy(values),
        splits=splits,
        provenance={**provenance, "grid": grid.as_dict(), "attributes": "measured by latune.attributes"},
        tokens=torch.from_numpy(tokens),
        grid=grid,
    )


def _counts(shelf: Shelf, used: int, lost: Counter[str]) -> dict[str, Any]:
    return {"tunes": {"read": len(shelf.records), "used": used, "left out": dict(lost.most_common())}}


def _why(lost: Counter[str]) -> str:
    if not lost:
        return ""
    return " Left out: " + ", ".join(f"{count:,} for {reason}" for reason, count in lost.most_common()) + "."

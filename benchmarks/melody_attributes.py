r"""Attributes of melodies: measures a second of whole token arrays, against a loop over tokens, in one process.

    python benchmarks/melody_attributes.py [--measures 200000] [--share 1000] [--tunes 20000] [--rounds 40] \
        [--json FILE]

The loop does what is done melody by melody with lists: the name of each token, its pitch from a table, then the
attribute. Both take turns; the loop sees a share of the melodies, another one each round, and its answers must be ours.
Both use one thread. Printed are the fastest round of each and their ratio (what else the machine does makes both
slower, not faster), and the ratios of single rounds from least to most. The exit status is 1 where the ratio of a
measure's four attributes together is below 200, or an answer differs; the attributes of 16 bars have no target.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from latune.attributes.melody import MELODY, PAPER, measured
from latune.music import GRIDS, Grid, Melodies

TARGET = 200.0
BEATS = (0.2, 0.67, 0.25, 0.67)
WEIGHTS = {
    24: [weight for beat in BEATS for weight in (beat, 1, 2, 0.5, 2, 1)],
    16: [weight for beat in BEATS for weight in (beat, 1, 0.5, 1)],
}
LEVELS = [0, -4, -3, -4, -2, -4, -3, -4, -1, -4, -3, -4, -2, -4, -3, -4]
MAJOR = (0, 2, 4, 5, 7, 9, 11)
SILENT = ("__", "rest")


def loops(grid: Grid) -> dict[str, Callable[[list[int]], float]]:
    """Each attribute of one melody, a list of tokens."""
    names = grid.names
    midi = {name: grid.low + i for i, name in enumerate(names[grid.first :])}
    weights, reach = WEIGHTS[grid.ticks] * grid.bars, 26 if grid.bars == 1 else 1
    all_weights = sum(weights)

    def notes(tokens):
        return [midi[names[token]] for token in tokens if names[token] not in SILENT]

    def rhythmic_complexity(tokens):
        total = 0.0
        for token, weight in zip(tokens, weights, strict=True):
            if names[token] not in SILENT:
                total += weight
        return total / all_weights

    def pitch_range(tokens):
        pitches = notes(tokens)
        return (max(pitches) - min(pitches)) / reach if len(pitches) > 1 else 0.0

    def note_count(tokens):
        count = 0
        for token in tokens:
            if names[token] not in SILENT:
                count += 1
        return count

    def note_density(tokens):
        return note_count(tokens) / len(tokens)

    def contour(tokens):
        total = 0
        for before, after in pairwise(notes(tokens)):
            total += after - before
        return total / reach

    def syncopation(tokens):
        onsets = [step for step, token in enumerate(tokens) if names[token] not in SILENT]
        total = 0
        for onset, after in pairwise([*onsets, len(tokens)]):
            silent = [LEVELS[step % 16] for step in range(onset + 1, after)]
            if silent:
                total += max(0, max(silent) - LEVELS[onset % 16])
        return total / grid.bars

    def repetition(tokens):
        seen, repeated = set(), 0
        for start in range(0, len(tokens), grid.ticks):
            bar = tuple(tokens[start : start + grid.ticks])
            repeated += bar in seen and bool(notes(bar))
            seen.add(bar)
        return repeated / (grid.bars - 1)

    def in_c_major(tokens):
        pitches = notes(tokens)
        return sum(pitch % 12 in MAJOR for pitch in pitches) / len(pitches) if pitches else 0.0

    own = (rhythmic_complexity, pitch_range, note_density, contour, note_count, syncopation, repetition, in_c_major)
    return {function.__name__: function for function in own}


def draw(grid: Grid, n: int, seed: int = 0) -> Melodies:
    """Random melodies with an onset on a quarter of their steps; every second bar of a tune is the one before it."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(grid.first, grid.vocabulary, (n, grid.steps), dtype=np.uint8)
    tokens[rng.random(tokens.shape, np.float32) > 0.25] = 0
    if grid.bars > 1:
        bars = tokens.reshape(n, grid.bars, grid.ticks)
        bars[:, 1::2] = bars[:, ::2]
    return Melodies(tokens, grid)


def seconds(run: Callable[[Any], Any], given: Any) -> tuple[float, Any]:
    """How long a call takes, and what it says."""
    start = time.perf_counter()
    said = run(given)
    return time.perf_counter() - start, said


def compare(grid: Grid, names: tuple[str, ...], n: int, share: int, rounds: int) -> dict[str, dict[str, float]]:
    """Take turns; melodies a second both ways by attribute and together, the ratios, and the largest difference."""
    melodies, one = draw(grid, n), loops(grid)
    times = np.empty((rounds, 2, len(names) + 1))  # seconds a melody: by arrays, by the loop; all together last
    apart = np.zeros(len(names))
    for turn in range(-1, rounds):  # round -1 warms up
        start = max(turn, 0) * share % (n - share + 1)
        part = melodies.tokens[start : start + share]
        for k, name in enumerate(names):
            measure: Any = MELODY[name].measure
            fast, found = seconds(measure, melodies)
            slow, expected = seconds(lambda rows, each=one[name]: [each(tokens) for tokens in rows.tolist()], part)
            apart[k] = max(apart[k], np.abs(found[start : start + share] - np.array(expected)).max())
            times[turn, :, k] = fast / n, slow / share
        times[turn, :, -1] = seconds(lambda given: measured(given, names), melodies)[0] / n, times[turn, 1, :-1].sum()
    results = {}
    for k, (name, error) in enumerate(zip([*names, "together"], [*apart, apart.max()], strict=True)):
        fastest, ratios = times[:, :, k].min(0), times[:, 1, k] / times[:, 0, k]
        results[name] = {
            "arrays": 1 / fastest[0],
            "loop": 1 / fastest[1],
            "ratio": fastest[1] / fastest[0],
            "min": ratios.min(),
            "max": ratios.max(),
            "apart": error,
        }
    return results


def main() -> int:
    """Measure, print, and write the numbers if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measures", type=int, default=200_000)
    parser.add_argument("--share", type=int, default=1_000, help="measures the loop sees each round; of tunes a tenth")
    parser.add_argument("--tunes", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args()
    results = {}
    for grid, names, n, share in (
        (GRIDS["measure"], PAPER, options.measures, options.share),
        (GRIDS["melody"], tuple(MELODY), options.tunes, options.share // 10),
    ):
        results[grid.name] = found = compare(grid, names, n, min(share, n), options.rounds)
        print(f"{f'{n:,} of {grid.name}, each a second':36s}{'arrays':>14s}{'loop':>11s}   ratio (of single rounds)")
        for name, each in found.items():
            print(
                f"{name:36s}{each['arrays']:14,.0f}{each['loop']:11,.0f}{each['ratio']:7.0f}x "
                f"({each['min']:.0f} to {each['max']:.0f}), differs by at most {each['apart']:.0e}",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    missed = [f"answers of {grid} differ" for grid, found in results.items() if found["together"]["apart"] > 1e-12]
    if results["measure"]["together"]["ratio"] < TARGET:
        missed.append(f"the four attributes of measures are below {TARGET:g}x")
    for each in missed:
        print(f"MISSED: {each}")
    return int(bool(missed))


if __name__ == "__main__":
    raise SystemExit(main())

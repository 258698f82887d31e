"""How often 95 % bootstrap intervals hold the mean of a score over fresh data sets, and how wide they are.

    python benchmarks/intervals.py --rows 1000 --sets 60 --json intervals.json

Each data set is drawn anew: three correlated attributes, five dims that tell them more or less, one of them nothing.
`width` is the mean standard error that the intervals state, as a share of the true spread of the score over the data
sets: 1 is right, less is too sure. What stays the same in all resamples (bins, trees) makes it less.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from latune.metrics import disentanglement


def data_set(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes `[n, 5]` and attributes `[n, 3]`."""
    draw = np.random.default_rng(1000 + seed)
    values = draw.standard_normal((rows, 3))
    values[:, 1] += 0.5 * values[:, 0]
    noise = draw.standard_normal((rows, 5))
    codes = [
        values[:, 0] + 0.4 * noise[:, 0],
        values[:, 1] + 0.6 * values[:, 2] + 0.3 * noise[:, 1],
        0.3 * values[:, 2] ** 3 + 0.5 * noise[:, 2],
        0.3 * values[:, 0] + noise[:, 3],
        noise[:, 4],
    ]
    return np.stack(codes, axis=1), values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--sets", type=int, default=60)
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    options = parser.parse_args()
    found = [disentanglement(*data_set(seed, options.rows), seed=seed) for seed in range(options.sets)]
    numbers = {}
    print(f"{options.sets} data sets of {options.rows} rows\n{'score':22} {'mean':>7} {'width':>6} {'holds':>6}")
    for name in found[0]:
        values = np.array([scores[name].value for scores in found])
        ends = np.array([scores[name].interval for scores in found])
        holds = float(((ends[:, 0] <= values.mean()) & (values.mean() <= ends[:, 1])).mean())
        width = float(np.diff(ends).mean() / (2 * 1.96) / values.std()) if values.std() > 0 else 1.0
        numbers[name] = {"mean": float(values.mean()), "width": width, "holds": holds}
        print(f"{name:22} {values.mean():7.4f} {width:6.2f} {100 * holds:5.0f} %")
    if options.json:
        options.json.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

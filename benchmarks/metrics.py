"""Time our mutual information against scikit-learn's loops, and the whole disentanglement suite, in one process.

    python benchmarks/metrics.py --rows 10000 --dims 16 --attributes 6 --json metrics.json

Only the ratio means something: both run on the same data, in turn, on the same machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def made_up_codes(rows: int, dims: int, attributes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Normal codes, and attributes that lean on the first dims with different strengths."""
    draw = np.random.default_rng(seed)
    codes = draw.standard_normal((rows, dims))
    lean = np.linspace(0.3, 0.99, attributes)
    noise = draw.standard_normal((rows, attributes))
    return codes, np.tanh(lean * codes[:, np.arange(attributes) % dims] + np.sqrt(1 - lean**2) * noise)


def timed(work: Callable[[], Any], repeats: int) -> tuple[list[float], Any]:
    """Seconds of each repeat, and the last result."""
    seconds, result = [], None
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return seconds, result


def measure(rows: int, dims: int, attributes: int, repeats: int, workers: int | None) -> dict[str, Any]:
    """Seconds of both, their ratio, and the largest difference between the two matrices."""
    from sklearn.feature_selection import mutual_info_regression

    from latune.metrics import disentanglement, mutual_information_matrix

    codes, values = made_up_codes(rows, dims, attributes)

    def theirs() -> np.ndarray:
        return np.stack([mutual_info_regression(codes, column, random_state=0) for column in values.T], axis=1)

    def ours() -> np.ndarray:
        return mutual_information_matrix(codes, values, seed=0, workers=workers)

    mutual_information_matrix(codes[:100], values[:100])  # imports and first calls are not timed
    mutual_info_regression(codes[:100], values[:100, 0], random_state=0)
    long_way, reference = timed(theirs, repeats)
    short_way, matrix = timed(ours, repeats)
    suite, _ = timed(lambda: disentanglement(codes, values, [f"a{i}" for i in range(attributes)]), repeats)
    return {
        "rows": rows,
        "dims": dims,
        "attributes": attributes,
        "workers": workers,
        "sklearn_seconds": statistics.median(long_way),
        "latune_seconds": statistics.median(short_way),
        "ratio": statistics.median(long_way) / statistics.median(short_way),
        "largest_difference": float(np.abs(matrix - reference).max()),
        "suite_seconds": statistics.median(suite),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--dims", type=int, default=16)
    parser.add_argument("--attributes", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=None, help="threads; all usable cores by default")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    options = parser.parse_args()
    numbers = measure(options.rows, options.dims, options.attributes, options.repeats, options.workers)
    print(f"mutual information, {options.rows} rows x {options.dims} dims x {options.attributes} attributes")
    print(f"  scikit-learn, attribute by attribute  {numbers['sklearn_seconds']:8.3f} s")
    print(f"  latune, one call                      {numbers['latune_seconds']:8.3f} s")
    print(f"  ratio                                 {numbers['ratio']:8.1f} x")
    print(f"  largest difference                    {numbers['largest_difference']:8.1e} nats")
    print(f"whole suite                             {numbers['suite_seconds']:8.3f} s")
    if options.json:
        options.json.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()

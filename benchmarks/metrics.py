"""Time the disentanglement metrics against the same numbers made with scikit-learn's loops, in one process.

    python benchmarks/metrics.py --rows 10000 --dims 16 --attributes 6 --json metrics.json

1. The matrix of mutual information against `mutual_info_regression`, attribute by attribute.
2. The six metrics that rest on mutual information, from one gathering, against each of them computed as the AR-VAE
   authors' and disentanglement_lib's code is called: every metric calls scikit-learn for itself. A second ratio is to
   the same with every matrix computed once and handed round, which that code does not do; it is what is left of the
   first when nothing is computed twice. Bootstrap intervals, which the long way has not, are left out of both.
3. The whole suite, every metric with its interval.

All numbers of 1 and 2 must agree to 1e-9. Exits with 1 where that or a target is missed. Only ratios mean something on
a machine with other work: both ways run on the same data, in turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

LEAST_RATIO = 20.0
MOST_SECONDS = 6.0
MOST_DIFFERENCE = 1e-9
SEED = 0


def made_up_codes(rows: int, dims: int, attributes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Normal codes, and attributes that lean on the first dims with different strengths."""
    draw = np.random.default_rng(seed)
    codes = draw.standard_normal((rows, dims))
    lean = np.linspace(0.3, 0.99, attributes)
    noise = draw.standard_normal((rows, attributes))
    return codes, np.tanh(lean * codes[:, np.arange(attributes) % dims] + np.sqrt(1 - lean**2) * noise)


class LongWay:
    """The metrics by scikit-learn, one call a matrix column or a pair.

    Args:
        codes: `[n, d]`.
        values: `[n, L]`, continuous.
        shared: compute each matrix once, whichever metrics use it.
    """

    def __init__(self, codes: np.ndarray, values: np.ndarray, shared: bool = False) -> None:
        self.codes, self.values = codes, values
        self.labels = np.stack([self.cut(column) for column in values.T], axis=1)
        if shared:
            self.information = cache(self.information)
            self.label_information = cache(self.label_information)
            self.entropies = cache(self.entropies)

    @staticmethod
    def cut(column: np.ndarray) -> np.ndarray:
        """Twenty bins, as disentanglement_lib cuts them."""
        return np.digitize(column, np.histogram(column, 20)[1][:-1])

    def information(self) -> np.ndarray:
        """Nearest-neighbour information, attribute by attribute."""
        from sklearn.feature_selection import mutual_info_regression

        return np.stack([mutual_info_regression(self.codes, a, random_state=SEED) for a in self.values.T], axis=1)

    def label_information(self) -> np.ndarray:
        """The same of attributes cut into classes."""
        from sklearn.feature_selection import mutual_info_classif

        return np.stack([mutual_info_classif(self.codes, a, random_state=SEED) for a in self.labels.T], axis=1)

    def entropies(self) -> np.ndarray:
        """An attribute's information with itself."""
        from sklearn.metrics import mutual_info_score

        return np.array([mutual_info_score(label, label) for label in self.labels.T])

    def interpretability(self) -> float:
        """R² of the most informative dim, by least squares."""
        from sklearn.linear_model import LinearRegression

        scores = []
        for dim, a in zip(self.information().argmax(axis=0), self.values.T, strict=True):
            z = self.codes[:, [dim]]
            scores.append(LinearRegression().fit(z, a).score(z, a))
        return float(np.mean(scores))

    def mig(self) -> float:
        """The gap of discrete information, pair by pair."""
        from sklearn.metrics import mutual_info_score

        bins = [self.cut(z) for z in self.codes.T]
        matrix = np.array([[mutual_info_score(label, z) for label in self.labels.T] for z in bins])
        return self.gap(matrix, self.entropies())

    def mig_ksg(self) -> float:
        """The gap of nearest-neighbour information about classes."""
        return self.gap(self.label_information(), self.entropies())

    def mig_arvae(self) -> float:
        """The gap over what an attribute is estimated to tell of itself."""
        from sklearn.feature_selection import mutual_info_regression

        own = [mutual_info_regression(a[:, None], a, random_state=SEED)[0] for a in self.values.T]
        return self.gap(self.information(), np.array(own))

    def modularity(self) -> float:
        """Over all dims."""
        return float(self.of_dims(self.information()).mean())

    def modularity_used(self) -> float:
        """Over dims that tell more than 2.5 / sqrt(n) nats of some attribute."""
        matrix = self.information()
        return float(self.of_dims(matrix[(matrix > 2.5 / len(self.codes) ** 0.5).any(axis=1)]).mean())

    @staticmethod
    def gap(matrix: np.ndarray, scale: np.ndarray) -> float:
        """Best less second best, as a share."""
        ordered = np.sort(matrix, axis=0)
        return float(((ordered[-1] - ordered[-2]) / scale).mean())

    @staticmethod
    def of_dims(matrix: np.ndarray) -> np.ndarray:
        """1 for a dim of one attribute."""
        best = matrix.max(axis=1)
        others = ((matrix**2).sum(axis=1) - best**2) / (matrix.shape[1] - 1)
        return np.where(best > 0, 1 - others / np.where(best > 0, best, 1.0) ** 2, 0.0)

    def scores(self) -> dict[str, float]:
        """All of them."""
        return {name.replace("_", "-"): getattr(self, name)() for name in METHODS}


METHODS = ("interpretability", "mig", "mig_ksg", "mig_arvae", "modularity", "modularity_used")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and the result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def measure(rows: int, dims: int, attributes: int, repeats: int, workers: int | None) -> dict[str, Any]:
    """Median seconds of each way, taken in turn; their ratios; the largest differences between their numbers."""
    from latune.metrics import METRICS, disentanglement, gather, mutual_information_matrix

    codes, values = made_up_codes(rows, dims, attributes)
    names = [f"a{i}" for i in range(attributes)]
    long_way = LongWay(codes, values)

    def ours() -> dict[str, float]:
        evidence = gather(codes, values, names, seed=SEED, resamples=0)
        return {name: METRICS[name](evidence).value for name in long_names}

    long_names = [name.replace("_", "-") for name in METHODS]
    works: dict[str, Callable[[], Any]] = {
        "sklearn_matrix": long_way.information,
        "latune_matrix": lambda: mutual_information_matrix(codes, values, seed=SEED, workers=workers),
        "sklearn_metrics": long_way.scores,
        "sklearn_metrics_shared": lambda: LongWay(codes, values, shared=True).scores(),
        "latune_metrics": ours,
        "suite": lambda: disentanglement(codes, values, names, seed=SEED),
    }
    LongWay(codes[:200], values[:200]).scores()  # imports and first calls are not timed
    disentanglement(codes[:200], values[:200], names)
    seconds: dict[str, list[float]] = {name: [] for name in works}
    results: dict[str, Any] = {}
    for _ in range(repeats):
        for name, work in works.items():
            spent, results[name] = timed(work)
            seconds[name].append(spent)
    middle = {name: statistics.median(each) for name, each in seconds.items()}
    found = results["latune_metrics"]
    return {
        "rows": rows,
        "dims": dims,
        "attributes": attributes,
        "workers": workers,
        "seconds": middle,
        "matrix_ratio": middle["sklearn_matrix"] / middle["latune_matrix"],
        "metrics_ratio": middle["sklearn_metrics"] / middle["latune_metrics"],
        "metrics_ratio_shared": middle["sklearn_metrics_shared"] / middle["latune_metrics"],
        "matrix_difference": float(np.abs(results["latune_matrix"] - results["sklearn_matrix"]).max()),
        "scores": {name: {"sklearn": results["sklearn_metrics"][name], "latune": found[name]} for name in found},
        "metrics_difference": max(
            abs(found[name] - results[way][name])
            for name in found
            for way in ("sklearn_metrics", "sklearn_metrics_shared")
        ),
        "suite_metrics": list(results["suite"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--dims", type=int, default=16)
    parser.add_argument("--attributes", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=None, help="threads of the matrix; all usable cores by default")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    options = parser.parse_args()
    numbers = measure(options.rows, options.dims, options.attributes, options.repeats, options.workers)
    seconds = numbers["seconds"]
    print(f"{options.rows} rows x {options.dims} dims x {options.attributes} attributes, median of {options.repeats}")
    print("1. matrix of mutual information (nearest neighbours)")
    print(f"  scikit-learn, attribute by attribute             {seconds['sklearn_matrix']:8.3f} s")
    print(f"  latune, one call                                 {seconds['latune_matrix']:8.3f} s")
    print(f"  ratio                                            {numbers['matrix_ratio']:8.1f} x")
    print(f"  largest difference                               {numbers['matrix_difference']:8.1e} nats")
    print(f"2. {', '.join(numbers['scores'])}")
    print(f"  scikit-learn, every metric for itself            {seconds['sklearn_metrics']:8.3f} s")
    print(f"  scikit-learn, each matrix computed once          {seconds['sklearn_metrics_shared']:8.3f} s")
    print(f"  latune, one gathering, no intervals              {seconds['latune_metrics']:8.3f} s")
    print(f"  ratio                                            {numbers['metrics_ratio']:8.1f} x  (at least 20)")
    print(f"  ratio to each matrix computed once               {numbers['metrics_ratio_shared']:8.1f} x")
    print(f"  largest difference of a score                    {numbers['metrics_difference']:8.1e}")
    print(
        f"3. whole suite, {len(numbers['suite_metrics'])} metrics with intervals          {seconds['suite']:8.3f} s",
        end="",
    )
    print("  (at most 6)")
    if options.json:
        options.json.write_text(json.dumps(numbers, indent=2) + "\n")
    missed = [
        what
        for what, met in {
            "numbers that agree": max(numbers["matrix_difference"], numbers["metrics_difference"]) <= MOST_DIFFERENCE,
            "the ratio of 2": numbers["metrics_ratio"] >= LEAST_RATIO,
            "the seconds of 3": seconds["suite"] <= MOST_SECONDS,
        }.items()
        if not met
    ]
    if missed:
        sys.exit(f"Missed: {', '.join(missed)}.")


if __name__ == "__main__":
    main()

"""Mutual information of every dim with every attribute, and of attributes with themselves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from latune.errors import DataError, unknown
from latune.metrics.arrays import as_array
from latune.metrics.bootstrap import Resamples
from latune.metrics.histogram import binned, classes, entropy, histogram_information, histogram_rows
from latune.metrics.neighbours import NEIGHBOURS, Axis, ksg, ksg_rows, labelled_ross_rows

Method = Literal["ksg", "histogram"]
TINY = 10 * np.finfo(np.float64).eps  # scikit-learn does not rescale columns that vary by less
NOISE = 1e-10  # of a column's size: breaks ties (Kraskov et al. 2004)


def mutual_information_matrix(
    codes: Any,
    values: Any,
    discrete: Any = None,
    method: str = "ksg",
    seed: int = 0,
    workers: int | None = None,
    device: str | None = None,
) -> Float64[np.ndarray, "d L"]:
    """Mutual information, in nats, of every dim with every attribute.

    "ksg": nearest neighbours (k = 3) on standardised columns with seeded noise of 1e-10 that breaks ties: Kraskov's
    estimate for continuous attributes, Ross's for discrete ones. Column l equals scikit-learn's
    `mutual_info_regression(codes, values[:, l], random_state=seed)`, or `mutual_info_classif` where l is discrete.
    "histogram": codes and continuous attributes cut into 20 bins of equal width, classes as they are.

    Args:
        codes: `[n, d]`.
        values: `[n, L]`.
        discrete: for each attribute, whether it is a class; None means none is.
        method: "ksg" or "histogram".
        seed: of the noise.
        workers: threads; None takes one for each core that may be used. The numbers do not depend on it.
        device: where nearest neighbours are looked for, e.g. "cuda"; None takes the codes' GPU, or threads where they
            have none. The numbers do not depend on it either.

    Raises:
        DataError: no such method, lengths that differ, too few rows, or values that are not finite numbers.

    >>> z = np.random.default_rng(0).normal(size=(500, 2))
    >>> mutual_information_matrix(z, z[:, :1] ** 3).round(1).tolist()
    [[3.5], [0.0]]
    """
    if method not in get_args(Method):
        raise DataError(unknown("method of mutual information", method, get_args(Method)))
    device = device or gpu_of(codes)
    z, a = (as_array(data, what).astype(np.float64) for data, what in ((codes, "codes"), (values, "attribute values")))
    if z.ndim != 2 or a.ndim != 2 or len(z) != len(a) or len(z) <= NEIGHBOURS:
        raise DataError(
            f"Codes and attribute values have shapes {list(z.shape)} and {list(a.shape)}; "
            f"allowed are [n, d] and [n, L] of the same n, at least {NEIGHBOURS + 1}."
        )
    return estimate(z, a, class_flags(discrete, a.shape[1]), method, seed, workers, device=device).matrix


class Estimate(NamedTuple):
    """Information of every dim about every attribute, in nats, and the same in each resample of the examples."""

    matrix: Float64[np.ndarray, "d L"]
    resampled: Float64[np.ndarray, "B d L"] | None


def estimate(
    codes: Float64[np.ndarray, "n d"],
    values: Float64[np.ndarray, "n L"],
    discrete: Bool[np.ndarray, " L"],
    method: str,
    seed: int = 0,
    workers: int | None = None,
    resamples: Resamples | None = None,
    of: Int[np.ndarray, " n"] | None = None,
    device: str | None = None,
) -> Estimate:
    """`mutual_information_matrix` of checked arrays, with its resamples where they are asked for."""
    columns = (
        _histograms(codes, values, discrete, resamples is not None)
        if method == "histogram"
        else _nearest_neighbours(codes, values, discrete, seed, workers, device)
    )
    matrix, resampled = [], []
    for whole, rows in columns:  # one attribute at a time: rows are n x d numbers
        matrix.append(whole)
        if resamples is not None:
            several = ~np.isnan(rows[:, 0])  # false for classes of a single example
            if not several.any():
                resampled.append(np.zeros((len(resamples), len(whole))))
                continue
            kept = np.arange(len(rows)) if of is None else of
            resampled.append(np.maximum(0.0, resamples.means(rows[several], kept[several])))
    return Estimate(np.stack(matrix, axis=1), np.stack(resampled, axis=2) if resamples is not None else None)


def _histograms(
    codes: np.ndarray, values: np.ndarray, discrete: np.ndarray, wanted: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    bins = binned(codes)
    for label in _labels(values, discrete):
        yield histogram_information(bins, label), histogram_rows(bins, label) if wanted else np.empty((0, 0))


def entropies(values: Float[np.ndarray, "n L"], discrete: Bool[np.ndarray, " L"]) -> Float64[np.ndarray, " L"]:
    """Entropy of each attribute in nats: of its classes, or of its 20 bins where it is continuous.

    >>> values = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 1.0], [1.0, 2.0]])
    >>> entropies(values, np.array([True, True])).round(4).tolist()
    [0.6931, 0.5623]
    """
    return np.array([entropy(label) for label in _labels(values, discrete)])


def entropy_rows(values: Float[np.ndarray, "n L"], discrete: Bool[np.ndarray, " L"]) -> Float64[np.ndarray, "n L"]:
    """What each row adds to those entropies: -ln of its class's or bin's share; the mean is the entropy.

    >>> entropy_rows(np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([True])).mean().round(4)
    np.float64(0.6931)
    """
    labels = _labels(values, discrete)
    return np.stack([np.log(len(label) / np.bincount(label)[label]) for label in labels], axis=1)


def self_information(
    values: Float64[np.ndarray, "n L"], discrete: Bool[np.ndarray, " L"], seed: int = 0
) -> Float64[np.ndarray, " L"]:
    """Nearest-neighbour mutual information of each attribute with itself; of classes, their entropy.

    For a continuous attribute without ties this is psi(n) - psi(4) whatever the attribute: it measures the number of
    rows, not the attribute's entropy. AR-VAE's authors divide their MIG by it.

    >>> values = np.random.default_rng(0).normal(size=(1000, 1))
    >>> self_information(values, np.array([False])).round(6).tolist()
    [5.651138]
    """
    result = np.empty(values.shape[1])
    for column, is_class in enumerate(discrete):
        attribute = values[:, [column]]
        if is_class:
            result[column] = entropy(classes(attribute[:, 0]))
        else:
            draw = np.random.RandomState(seed)
            x, y = _standardised(attribute, draw)[:, 0], _standardised(attribute, draw)[:, 0]
            result[column] = ksg(Axis(x), Axis(y))
    return result


def _nearest_neighbours(
    codes: np.ndarray, values: np.ndarray, discrete: np.ndarray, seed: int, workers: int | None, device: str | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    # scikit-learn's own generator and order of draws, so that the numbers are the same: noise of all codes, then of the
    # attribute; there each attribute starts again from the seed, so all of them get the same noise.
    draw = np.random.RandomState(seed)
    scaled = _standardised(codes, draw)
    noise = draw.standard_normal(len(values))
    find = _on_threads(scaled, workers) if device is None else _on_device(scaled, device)
    for column, is_class in zip(np.ascontiguousarray(values.T), discrete, strict=True):
        rows = find(column if is_class else _standardised(column[:, None], noise)[:, 0], bool(is_class))
        kept = rows[~np.isnan(rows[:, 0])]
        yield np.maximum(0.0, kept.mean(axis=0)) if len(kept) else np.zeros(rows.shape[1]), rows


def _on_threads(codes: np.ndarray, workers: int | None) -> Callable[[np.ndarray, bool], np.ndarray]:
    dims = [Axis(column) for column in codes.T]

    def find(column: np.ndarray, is_class: bool) -> np.ndarray:
        if is_class:
            label, size = np.unique(column, return_inverse=True, return_counts=True)[1:]
            rows = partial(labelled_ross_rows, label=label, size=size)
        else:
            rows = partial(ksg_rows, y=Axis(column))
        with ThreadPoolExecutor(workers or usable_cores()) as pool:  # searching and sorting release the interpreter
            return np.stack(list(pool.map(rows, dims)), axis=1)  # (n, d)

    return find


def _on_device(codes: np.ndarray, device: str) -> Callable[[np.ndarray, bool], np.ndarray]:
    from latune.metrics.device_neighbours import checked, ksg_rows_on, ross_rows_on  # torch is slow to import

    checked(device)
    return lambda column, is_class: (ross_rows_on if is_class else ksg_rows_on)(device, codes, column)


def gpu_of(data: Any) -> str | None:
    """The GPU that a tensor lies on; None for any other data."""
    device = getattr(data, "device", None)
    return str(device) if getattr(device, "type", "") == "cuda" else None


def _standardised(columns: np.ndarray, noise: np.random.RandomState | np.ndarray) -> np.ndarray:
    """Columns divided by their standard deviation (not centred), plus noise of 1e-10 of their size."""
    columns = np.asfortranarray(columns)  # sums run along each column, as scikit-learn's do, to the last bit
    spread = columns.std(axis=0)
    scaled = columns / np.where(spread < TINY, 1.0, spread)
    size = np.maximum(1.0, np.abs(scaled).mean(axis=0))
    drawn = noise.reshape(columns.shape) if isinstance(noise, np.ndarray) else noise.standard_normal(columns.shape)
    return scaled + NOISE * size * drawn


def _labels(values: np.ndarray, discrete: np.ndarray) -> list[np.ndarray]:
    return [
        classes(column) if is_class else binned(column[:, None])[:, 0]
        for column, is_class in zip(values.T, discrete, strict=True)
    ]


def class_flags(discrete: Sequence[bool] | np.ndarray | None, count: int) -> Bool[np.ndarray, " L"]:
    """Which of `count` attributes are classes; None means none is. Raises `DataError` where the lengths differ."""
    flags = np.zeros(count, dtype=bool) if discrete is None else np.asarray(discrete, dtype=bool)
    if flags.shape != (count,):
        raise DataError(
            f"'discrete' has shape {list(flags.shape)}, not [{count}]: give each attribute a true or a false."
        )
    return flags


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

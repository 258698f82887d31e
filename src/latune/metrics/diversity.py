"""Diversity: whether what is made of one class differs as much as the data of that class."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float64, Int

from latune.errors import DataError
from latune.metrics.arrays import as_array
from latune.metrics.averaged import labels
from latune.metrics.bootstrap import LEVEL, RESAMPLES, Resamples, interval
from latune.metrics.score import Score

ROUNDING = 1e-12  # differences of this share of the features


def diversity(
    features: Any,
    classes: Any,
    reference_features: Any,
    reference_classes: Any,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""Spread of features within a class, as a share of the data's; the mean over classes.

    The spread of a class is $\sqrt{\mathrm{tr}\,\Sigma_c}$, the root of the mean squared distance to the class's mean
    ($\Sigma_c$ with $n_c - 1$). It does not depend on the number of examples nor on the axes, scales with the
    features, and squared it adds up: the spread of all data is within plus between classes. (The mean distance to the
    class mean, the other choice, has none of the last two and hides a few outliers, which are diversity.) A model that
    gives each class one look has 0, whatever its accuracy; one that draws from the data has 1. More than 1 is as
    suspicious: noise is diverse.

    `detail` holds the share for each class (`by_class`), the share of the spreads pooled over classes (`pooled`), and
    the classes of the data that were never, or only once, made (`absent_classes`); they do not count in the value.

    Args:
        features: of what was made `[n, ...]`, as a classifier's last hidden layer.
        classes: `[n]`, those asked for or those the classifier sees; say which.
        reference_features: of the data `[m, ...]`, by the same classifier.
        reference_classes: `[m]`.
        seed: of the resamples.
        resamples: bootstrap resamples of both sets for the interval; 0 for none.

    Raises:
        DataError: shapes that do not fit, a class that the data have less than two examples of, or whose data do not
            vary, no class with two examples, values that are not finite.

    >>> data = np.random.default_rng(0).normal(size=(100, 3))
    >>> classes = np.arange(100) % 2
    >>> round(diversity(data / 4, classes, data, classes, resamples=0).value, 6)
    0.25
    """
    made, made_of = _set(features, classes, "features")
    data, data_of = _set(reference_features, reference_classes, "reference features")
    if made.shape[1] != data.shape[1]:
        raise DataError(f"Both sets have the same features. Got {made.shape[1]} and {data.shape[1]} of them.")
    seen, counts = np.unique(made_of, return_counts=True)
    scored = [int(label) for label in seen[counts > 1]]
    if not scored:
        raise DataError("No class was made twice: there is no spread within a class.")
    rows = {label: np.flatnonzero(made_of == label) for label in scored}
    places = {label: np.flatnonzero(data_of == label) for label in scored}
    if few := [label for label in scored if len(places[label]) < 2]:
        raise DataError(f"The data have fewer than two examples of class {few[0]}, so its spread is not known.")
    squared = {label: _variance(made[rows[label]]) for label in scored}
    reference = {label: _variance(data[places[label]]) for label in scored}
    if still := [label for label in scored if reference[label] == 0]:
        raise DataError(
            f"The data's features of class {still[0]} are all the same: a share of no spread is not defined."
        )
    share = {label: float(np.sqrt(squared[label] / reference[label])) for label in scored}
    weight = np.array([len(rows[label]) for label in scored])
    pooled = [float(weight @ [part[label] for label in scored]) for part in (squared, reference)]
    detail = {
        "by_class": {str(label): value for label, value in share.items()},
        "pooled": float(np.sqrt(pooled[0] / pooled[1])),
        "absent_classes": sorted({int(label) for label in np.unique(data_of)} - set(scored)),
    }
    settings: dict[str, Any] = {"spread": "root trace of the covariance within a class", "value": "mean over classes"}
    value = float(np.mean(list(share.values())))
    if not resamples:
        return Score("diversity", value, {}, detail, settings)
    mine, theirs = Resamples(len(made), resamples, seed), Resamples(len(data), resamples, seed + 1)
    again = []
    for label in scored:
        of_data = _resampled(data[places[label]], theirs, places[label])
        of_data = np.where(of_data > 0, of_data, reference[label])  # one example again and again tells nothing
        again.append(np.sqrt(_resampled(made[rows[label]], mine, rows[label]) / of_data))
    return Score(
        "diversity",
        value,
        {},
        detail,
        settings | {"resamples": resamples, "level": LEVEL, "seed": seed},
        interval(np.mean(again, axis=0)),
    )


def _set(features: Any, classes: Any, what: str) -> tuple[Float64[np.ndarray, "n d"], Int[np.ndarray, " n"]]:
    array, label = as_array(features, what), labels(classes, f"classes of the {what}")
    if array.ndim < 2 or len(array) != len(label):
        raise DataError(
            f"The {what} are [n, ...] with one class each. Got {list(array.shape)} and {len(label)} classes."
        )
    return array.reshape(len(array), -1).astype(np.float64), label.astype(np.int64)


def _variance(rows: Float64[np.ndarray, "n d"]) -> float:
    """The trace of the covariance; 0 where what differs is rounding."""
    away = rows - rows.mean(axis=0)
    if np.abs(away).max() <= ROUNDING * np.abs(rows).max():
        return 0.0
    return float((away**2).sum() / (len(rows) - 1))


def _resampled(
    rows: Float64[np.ndarray, "n d"], draws: Resamples, of: Int[np.ndarray, " n"]
) -> Float64[np.ndarray, " B"]:
    """The trace of the covariance in each resample, made as large on average as in the examples at hand."""
    centred, n = rows - rows.mean(axis=0), len(rows)
    square = draws.means((centred**2).sum(axis=1), of) - (draws.means(centred, of) ** 2).sum(axis=1)
    return np.where(square > ROUNDING * square.max(), square, 0.0) * (n / (n - 1)) ** 2

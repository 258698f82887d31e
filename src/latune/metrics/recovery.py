"""Recovery: whether classes that a model found by itself are the classes that people know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from latune.errors import DataError
from latune.metrics.arrays import as_array
from latune.metrics.averaged import averaged
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.score import Score


def recovery(
    found: Any,
    classes: Any,
    fit: tuple[Any, Any] | None = None,
    names: Sequence[str] = (),
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Score]:
    r"""Accuracy of found classes as a classifier, once each has been given the name of a known one.

    .. math:: \frac1n \sum_i \mathbb 1[\pi(\hat k_i) = y_i]

    `recovery` gives each found class a name of its own: :math:`\pi` is the assignment of most agreements (Kuhn 1955,
    https://doi.org/10.1002/nav.3800020109), which is what "matched to a digit" can mean in Chen et al. 2016, section
    7.2 (https://arxiv.org/abs/1606.03657), whose 5 % error comes without code. `recovery-majority` names each after the
    class that is most frequent in it: two may share a name, so it is never lower, and with many found classes it says
    little. Both namings are fitted on `fit`, and scored on the rest.

    Args:
        found: of each example the class that was found, `[n]` whole numbers from 0.
        classes: the true class of each, `[n]` whole numbers from 0.
        fit: found and true classes of other examples, that the names are chosen on; without them they are chosen on
            those that are scored, which flatters them (`settings` says so).
        names: of the true classes, for `detail`.
        seed: of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        DataError: nothing to score, numbers that are no classes, lengths that differ.

    >>> {name: score.value for name, score in recovery([0, 0, 1, 1], [1, 1, 0, 0], resamples=0).items()}
    {'recovery': 1.0, 'recovery-majority': 1.0}
    """
    told, truth = _classes("found classes", found), _classes("true classes", classes)
    told_fit, truth_fit = told, truth
    if fit is not None:
        told_fit, truth_fit = _classes("found classes of fit", fit[0]), _classes("true classes of fit", fit[1])
    for left, right in ((told, truth), (told_fit, truth_fit)):
        if len(left) != len(right):
            raise DataError(f"Found and true classes come in pairs. Got {len(left)} and {len(right)}.")
    sizes = (1 + max(told.max(), told_fit.max()), 1 + max(truth.max(), truth_fit.max()))
    table = confusion(told_fit, truth_fit, sizes)
    kinds = {"recovery": one_to_one(table), "recovery-majority": _majority(table)}
    scores = {}
    for name, naming in kinds.items():
        right = (naming[told] == truth).astype(np.float64)
        label = [names[k] if 0 <= k < len(names) else str(k) for k in naming]
        detail = {"names": label, "confusion": confusion(told, truth, sizes).astype(int).tolist()}
        settings = {"named on": "other examples" if fit is not None else "the examples that are scored"}
        each = averaged(name, {"class": right}, detail, settings, seed=seed, resamples=resamples)
        scores[name] = Score(name, each.value, detail=each.detail, settings=each.settings, interval=each.interval)
    return scores


def confusion(
    found: Int64[np.ndarray, " n"], classes: Int64[np.ndarray, " n"], sizes: Any
) -> Float64[np.ndarray, "k c"]:
    """How many examples were found in a class (row) and are of one (column).

    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), (2, 2))
    array([[1., 0.],
           [1., 1.]])
    """
    table = np.zeros(sizes)
    np.add.at(table, (found, classes), 1)
    return table


def one_to_one(table: Float64[np.ndarray, "k c"]) -> Int64[np.ndarray, " k"]:
    """The name of each found class, -1 where there are more of them than names."""
    from scipy.optimize import linear_sum_assignment

    naming = np.full(len(table), -1)
    rows, columns = linear_sum_assignment(-table)
    naming[rows] = columns
    return naming


def _majority(table: Float64[np.ndarray, "k c"]) -> Int64[np.ndarray, " k"]:
    """The most frequent name in each found class, -1 in an empty one."""
    return np.where(table.sum(1) > 0, table.argmax(1), -1)


def _classes(what: str, values: Any) -> Int64[np.ndarray, " n"]:
    column = as_array(values, what)
    if column.ndim != 1:
        raise DataError(f"The {what} are one number an example, [n]. Got the shape {column.shape}.")
    if not ((column >= 0).all() and (column == np.round(column)).all()):
        raise DataError(f"The {what} are whole numbers from 0. Got {column.min():g} to {column.max():g}.")
    return column.astype(np.int64)

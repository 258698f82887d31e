"""Success: whether edited examples arrived where they were sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from latune.attributes.attribute import KINDS
from latune.errors import DataError, unknown
from latune.metrics.arrays import as_array
from latune.metrics.averaged import averaged, column, labels, same_length, spreads
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.score import Score

DIRECTIONS = {"up": 1.0, "down": -1.0}


def success(
    measured: Mapping[str, Any],
    target: Mapping[str, Any],
    tolerance: float | Mapping[str, float] | None = None,
    *,
    kinds: Mapping[str, str] | None = None,
    spread: Mapping[str, float] | None = None,
    before: Mapping[str, Any] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""Share of edited examples whose attributes arrived where they were sent.

    What arriving means depends on the attribute's kind: `real`, $|a - a^*| \le$ the tolerance, or, for the targets
    "up" and "down", a change in that direction of more than the tolerance (more than 0 where none is given); `binary`
    and `categorical`, the class that was asked for; `unit`, a reward in [0, 1] that reaches its target, 1 for the
    satisfaction of Engel, Hoffman & Roberts 2018, Table 2 (https://arxiv.org/abs/1711.05772), which is exact: 0.999
    does not count. Their mean reward is in `detail`, under `mean`.

    The value is the share of examples in which all targets were reached at once, `per_attribute` the share for each.
    A value that could not be measured (NaN) has not arrived; `detail` counts those under `undefined`.

    Args:
        measured: attribute name to `[n]`, measured on the edited examples; classes as indices.
        target: attribute name to the value asked for: one number, `[n]` numbers, or "up" or "down".
        tolerance: of real attributes, one for all or by name, in the attribute's units; with `spread`, in spreads.
        kinds: of the attributes, by name; `real` where it is not told.
        spread: the attributes' standard deviations in the data: the tolerance is then a share of these.
        before: the attributes before the edit `[n]`, needed for "up" and "down".
        seed: of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        DataError: no target, one that was not measured, a real attribute without tolerance, lengths that differ,
            rewards outside [0, 1], classes that are not whole numbers, values that are infinite.

    >>> score = success({"slant": [0.1, 0.3, 0.5]}, {"slant": 0.3}, tolerance=0.05, resamples=0)
    >>> round(score.value, 3)
    0.333
    >>> success({"slant": [0.1, 0.3]}, {"slant": "up"}, before={"slant": [0.0, 0.4]}, resamples=0).value
    0.5
    """
    if not target:
        raise DataError('No target: give attribute names and the values asked for, as {"slant": 0.3}.')
    kind_of = {name: (kinds or {}).get(name, "real") for name in target}
    arrived, mean, error, undefined, allowed = {}, {}, {}, {}, {}
    for name, wanted in target.items():
        if name not in measured:
            raise DataError(unknown("measured attribute", name, measured))
        if kind_of[name] not in KINDS:
            raise DataError(unknown(f"kind of attribute '{name}'", kind_of[name], KINDS))
        values = column(measured[name], f"measured values of '{name}'", missing=True)
        known = ~np.isnan(values)
        if kind_of[name] == "real":
            allowed[name] = _tolerance(name, tolerance, spread, needed=not isinstance(wanted, str))
        if isinstance(wanted, str):
            reached = _moved(name, values, wanted, kind_of[name], before, allowed.get(name, 0.0))
        else:
            goal = _goal(name, wanted, len(values))
            reached = _arrived(name, values, goal, kind_of[name], allowed.get(name, 0.0))
            if kind_of[name] == "real" and known.any():
                error[name] = float(np.abs(values - goal)[known].mean())
        arrived[name] = (reached & known).astype(np.float64)
        if known.any() and kind_of[name] not in ("categorical", "binary"):
            mean[name] = float(values[known].mean())
        if not known.all():
            undefined[name] = int((~known).sum())
    same_length(arrived)
    together = np.min(list(arrived.values()), axis=0)
    detail = {"mean": mean, "error": error, "undefined": undefined}
    settings = {"target": {name: _told(goal) for name, goal in target.items()}, "tolerance": allowed, "kinds": kind_of}
    return averaged("success", arrived, detail, settings, whole=together, seed=seed, resamples=resamples)


def _told(wanted: Any) -> Any:
    """A target in a score's settings."""
    if isinstance(wanted, str):
        return wanted
    goal = as_array(wanted, "target")
    return goal.item() if goal.size == 1 else "one an example"


def _goal(name: str, wanted: Any, n: int) -> Float64[np.ndarray, " n"]:
    goal = as_array(wanted, f"target of '{name}'").astype(np.float64)
    if goal.size != 1 and goal.shape != (n,):
        raise DataError(
            f"The target of '{name}' is one number, or one for each of {n} examples. Got {list(goal.shape)}."
        )
    return np.broadcast_to(goal.reshape(-1), (n,)) if goal.size == 1 else goal


def _tolerance(name: str, tolerance: Any, spread: Mapping[str, float] | None, needed: bool) -> float:
    """In the attribute's units."""
    given = tolerance.get(name) if isinstance(tolerance, Mapping) else tolerance
    if given is None:
        if not needed:
            return 0.0
        raise DataError(
            f"'{name}' is a real attribute: how near is there? Give a tolerance in its units, or one in spreads of the "
            "data together with spread."
        )
    if not (np.isfinite(given) and given >= 0):
        raise DataError(f"The tolerance of '{name}' is 0 or more. Got {given}.")
    return float(given) * (1.0 if spread is None else spreads(spread, [name])[name])


def _moved(
    name: str, values: Float64[np.ndarray, " n"], wanted: str, kind: str, before: Any, least: float
) -> Bool[np.ndarray, " n"]:
    """Whether each example went in a direction, by more than `least`."""
    if wanted not in DIRECTIONS:
        raise DataError(f"The target of '{name}' is a number, 'up' or 'down'. Got '{wanted}'.")
    if kind == "categorical":
        raise DataError(f"'{name}' is a class: it has no '{wanted}'. Name the class, by its index.")
    if before is None or name not in before:
        raise DataError(f"'{name}' was to go {wanted}: give its values before the edit.")
    start = column(before[name], f"values of '{name}' before", missing=True)
    same_length({f"'{name}' before": start, f"'{name}' after": values})
    return DIRECTIONS[wanted] * (values - start) > least


def _arrived(
    name: str, values: Float64[np.ndarray, " n"], goal: Float64[np.ndarray, " n"], kind: str, tolerance: float
) -> Bool[np.ndarray, " n"]:
    """Whether each example is where it was sent."""
    known = values[~np.isnan(values)]
    if kind == "real":
        return np.abs(values - goal) <= tolerance
    if kind == "unit":
        for what, rewards in ((f"rewards of '{name}'", known), (f"target of '{name}'", goal)):
            if len(rewards) and (rewards.min() < 0 or rewards.max() > 1):
                raise DataError(f"The {what} lie in [0, 1]. Got {rewards.min():g} to {rewards.max():g}.")
        return values >= goal
    if len(known):
        labels(known, f"measured values of '{name}'")
    labels(goal, f"target of '{name}'")
    return values == goal

"""Leakage: what an edit, or a slider, moved besides what it was asked to move."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

from latune.errors import DataError, unknown
from latune.metrics.averaged import averaged, column, same_length, spreads
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.responses import checked_responses, values_before
from latune.metrics.score import Score


def leakage(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    spread: Mapping[str, float],
    *,
    target: Collection[str] = (),
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""How far an edit moved the attributes it was not asked to move, in standard deviations of the data.

    $\frac1n \sum_i |a_l(x'_i) - a_l(x_i)| / \mathrm{sd}(a_l)$ for each attribute; the value is the mean over those
    that are no target. 0 leaves them alone; two examples drawn at random from normal data differ by
    $2/\sqrt\pi \approx 1.13$. `detail` holds the signed means of all attributes (`signed`; a shift that all examples
    share, where the value also counts what goes both ways), how far the targets went (`target`, absolute), and
    `relative`: the value for each spread that the targets went, None where they did not move.

    Args:
        before: attribute name to `[n]`. Of reconstructions, so that what the model cannot represent is not the edit's.
        after: the same attributes of the edited examples, `[n]`.
        spread: their standard deviations in the data.
        target: the attributes that were to move.
        seed: of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    A pair in which a value is NaN does not count for that attribute; `detail` counts those under `undefined`.

    Raises:
        DataError: names that do not fit, nothing besides the targets, lengths that differ, a spread that is not
            positive, values that are infinite.

    >>> before, after = {"slant": [0.0, 0.0], "width": [5.0, 7.0]}, {"slant": [1.0, 1.0], "width": [6.0, 6.0]}
    >>> score = leakage(before, after, {"slant": 1.0, "width": 2.0}, target=["slant"], resamples=0)
    >>> score.value, score.detail["signed"]
    (0.5, {'slant': 1.0, 'width': 0.0})
    """
    change = changes(before, after, spread, target)
    others = {name: np.abs(values) for name, values in change.items() if name not in target}
    if not others:
        raise DataError(
            f"Leakage is into the attributes that are no target, and there is none. Measured: {', '.join(change)}."
        )
    score = averaged("leakage", others, seed=seed, resamples=resamples)
    went = {name: float(np.nanmean(np.abs(change[name]))) for name in change if name in target}
    way = float(np.mean(list(went.values()))) if went else 0.0
    detail = {
        "signed": {name: float(np.nanmean(values)) for name, values in change.items()},
        "target": went,
        "relative": score.value / way if way > 0 else None,
        "undefined": {name: int(np.isnan(values).sum()) for name, values in change.items() if np.isnan(values).any()},
    }
    settings = {"unit": "standard deviations of the data", "spread": spreads(spread, change)} | score.settings
    return Score("leakage", score.value, score.per_attribute, detail, settings, score.interval, score.intervals)


def change(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    spread: Mapping[str, float],
    *,
    target: Collection[str] = (),
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    """How far an edit moved every attribute, with its sign, in standard deviations of the data.

    The value is the mean over the targets, or over all attributes where there is none. Arguments and errors as in
    `leakage`.

    >>> change({"slant": [0.0, 1.0]}, {"slant": [1.0, 3.0]}, {"slant": 0.5}, resamples=0).value
    3.0
    """
    moved = changes(before, after, spread, target)
    named = [name for name in moved if name in target] or list(moved)
    settings = {"unit": "standard deviations of the data", "of": named}
    return averaged("change", moved, {}, settings, of=named, seed=seed, resamples=resamples)


def slider_leakage(
    before: Mapping[str, Any],
    responses: Mapping[str, Mapping[str, Any]],
    spread: Mapping[str, float],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""How far the other attributes are from where they were, along a slider, in standard deviations of the data.

    $\frac{1}{nk} \sum_{ij} |b_{ij} - b_i| / \mathrm{sd}(b)$, mean over the other attributes b: `leakage` of an edit to
    each position. Unlike restrictiveness it sees a jump that is the same at all positions. `detail` holds how far the
    own attribute went by the same measure (`own`), the quotient of both (`relative`, None where it did not move), and
    each other attribute (`by_attribute`).

    Args:
        before: the attributes `[n]` before the slider moved: of reconstructions.
        responses: for every slider its own attribute and at least one other `[n, k]`.
        spread: the attributes' standard deviations in the data.
        seed: of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        DataError: names or shapes that do not fit, a spread that is not positive, values that are not finite.

    >>> responses = {"slant": {"slant": [[0, 2, 4]], "width": [[9, 5, 7]]}}
    >>> score = slider_leakage({"slant": [2], "width": [5]}, responses, {"slant": 1, "width": 2}, resamples=0)
    >>> score.value, round(score.detail["own"]["slant"], 6)
    (1.0, 1.333333)
    """
    checked = checked_responses(responses)
    width = spreads(spread, dict.fromkeys(other for measured in checked.values() for other in measured))
    start = values_before(before, checked)
    columns, own, relative, each = {}, {}, {}, {}
    for name, measured in checked.items():
        far = {
            other: (np.abs(values - start[other][:, None]) / width[other]).mean(axis=1)  # (n,)
            for other, values in measured.items()
        }
        own[name] = float(far.pop(name).mean())
        if not far:
            raise DataError(f"Leakage of '{name}' is into other attributes, and none was measured.")
        columns[name] = np.mean(list(far.values()), axis=0)
        relative[name] = float(columns[name].mean()) / own[name] if own[name] > 0 else None
        each[name] = {other: float(values.mean()) for other, values in far.items()}
    detail = {"own": own, "relative": relative, "by_attribute": each}
    reached = max(values.shape[1] for measured in checked.values() for values in measured.values())
    settings = {"spread": width, "unit": "standard deviations of the data", "positions": reached}
    return averaged("slider-leakage", columns, detail, settings, seed=seed, resamples=resamples)


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], spread: Mapping[str, float], target: Collection[str] = ()
) -> dict[str, Float64[np.ndarray, " n"]]:
    """What each attribute moved by in each example, in spreads; NaN where it is not known before and after."""
    if isinstance(target, str):
        raise DataError(f"target is a list of attribute names, as ['{target}']. Got the text '{target}'.")
    if missing := [name for name in after if name not in before] or [name for name in before if name not in after]:
        where = "before" if missing[0] in after else "after"
        raise DataError(f"The same attributes are measured before and after. {', '.join(missing)}: not {where}.")
    if absent := [name for name in target if name not in after]:
        raise DataError(unknown("measured attribute", absent[0], after))
    width = spreads(spread, after)
    out = {}
    for name in after:
        start = column(before[name], f"values of '{name}' before", missing=True)
        end = column(after[name], f"values of '{name}' after", missing=True)
        same_length({f"'{name}' before": start, f"'{name}' after": end})
        out[name] = (end - start) / width[name]
    same_length(out)
    return out

"""Sliders: consistency, restrictiveness and linearity of what a coordinate does when it is moved.

The three scores are those of Music FaderNets (Tan & Herremans 2020, Table 1, https://arxiv.org/abs/2007.15474), as its
code computes them (https://github.com/gudgud96/music-fader-nets, `test_class.py`): one slider at eight positions, from
the lowest code of the test set in steps of an eighth of the range, the highest left out, on 100 test examples; the
attributes are divided by their standard deviation in the training data. Positions are yours to choose here. With
several other attributes restrictiveness is the mean over them; with one other it is theirs. (Shu et al. 2020,
https://arxiv.org/abs/1910.09772, use the first two words for something else.) Pati & Lerch 2021 ("Is disentanglement
enough?", https://arxiv.org/abs/2108.01450) count how often an attribute changes instead: see `attribute_change`.

`responses` is for every slider, by the name of the attribute it should move, what was measured while it moved:
attribute name to `[n, k]`, n examples at k positions of that slider.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

from latune.errors import DataError
from latune.metrics.averaged import averaged, spreads
from latune.metrics.bootstrap import LEVEL, RESAMPLES, Resamples, interval
from latune.metrics.correlation import pearson
from latune.metrics.responses import checked_responses, examples_of, slider_positions
from latune.metrics.score import Score


def consistency(
    responses: Mapping[str, Mapping[str, Any]],
    spread: Mapping[str, float],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""Whether a slider's position means the same attribute value in every example; 1 if exactly.

    $1 - \frac1k \sum_j \mathrm{sd}_i(a_{ij}) / \mathrm{sd}(a)$: the standard deviation over examples i at each position
    j of the slider, in units of the attribute's in the data (Tan & Herremans 2020, see above; both with 1/n). A slider
    that changes nothing has about 0, one that makes examples differ more than data do is negative; one that gives every
    example one look has 1: read it beside linearity.

    Args:
        responses: for every slider, its own attribute `[n, k]` at least; two examples or more.
        spread: the attributes' standard deviations in the data.
        seed: of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        DataError: no slider, one whose own attribute was not measured, shapes that do not fit, one example, a spread
            that is not positive, values that are not finite.

    >>> consistency({"slant": {"slant": [[0, 1, 2], [0, 1, 2]]}}, {"slant": 0.5}, resamples=0).value
    1.0
    >>> consistency({"slant": {"slant": [[0, 1, 2], [1, 2, 3]]}}, {"slant": 0.5}, resamples=0).value
    0.0
    """
    checked = checked_responses(responses)
    width = spreads(spread, checked)
    if (n := examples_of(checked)) < 2:
        raise DataError("Consistency compares examples: give two or more. Got one.")
    draws = Resamples(n, resamples, seed) if resamples else None
    value, again = {}, {}
    for name, measured in checked.items():
        own = (measured[name] - measured[name].mean(axis=0)) / width[name]  # (n, k)
        value[name] = float(1 - np.sqrt((own**2).mean(axis=0)).mean())
        if draws is not None:
            variance = np.maximum(draws.means(own**2) - draws.means(own) ** 2, 0.0) * (n / (n - 1))  # (B, k)
            again[name] = 1 - np.sqrt(variance).mean(axis=1)
    settings: dict[str, Any] = {"spread": width, "ddof": 0, "examples": n, "positions": _positions(checked)}
    mean = float(np.mean(list(value.values())))
    if draws is None:
        return Score("consistency", mean, value, {}, settings)
    return Score(
        "consistency",
        mean,
        value,
        {},
        settings | {"resamples": resamples, "level": LEVEL, "seed": seed},
        interval(np.mean(list(again.values()), axis=0)),
        {name: interval(values) for name, values in again.items()},
    )


def restrictiveness(
    responses: Mapping[str, Mapping[str, Any]],
    spread: Mapping[str, float],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""Whether the other attributes stand still while a slider moves; 1 if they do.

    $1 - \frac1n \sum_i \mathrm{sd}_j(b_{ij}) / \mathrm{sd}(b)$: the standard deviation of another attribute b along the
    slider's positions j, in units of its own in the data, mean over examples i, and over the other attributes (Tan &
    Herremans 2020, see above, where there is one other). A slider that moves another attribute as far as data reach
    has 0, and less if farther. A slider that moves nothing has 1: read it beside linearity. Attributes that go
    together in the data (width and area) are not independent of each other in any model. `detail` holds each of them:
    `by_attribute`, slider to other attribute to its share.

    Args:
        responses: for every slider at least one other attribute `[n, k]`.
        spread: the attributes' standard deviations in the data.
        seed: of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        DataError: no slider, one without another attribute, shapes that do not fit, a spread that is not positive,
            values that are not finite.

    >>> moved = {"slant": [[-1, 1]], "width": [[4, 8]]}
    >>> restrictiveness({"slant": moved}, {"slant": 1, "width": 4}, resamples=0).value
    0.5
    """
    checked = checked_responses(responses, own=False)
    columns, each = {}, {}
    width = spreads(spread, dict.fromkeys(other for measured in checked.values() for other in measured))
    for name, measured in checked.items():
        others = {other: values.std(axis=1) / width[other] for other, values in measured.items() if other != name}
        if not others:
            raise DataError(f"Restrictiveness of '{name}' is about other attributes, and none was measured.")
        columns[name] = 1 - np.mean(list(others.values()), axis=0)
        each[name] = {other: float(1 - values.mean()) for other, values in others.items()}
    settings = {"spread": width, "ddof": 0, "positions": _positions(checked)}
    return averaged("restrictiveness", columns, {"by_attribute": each}, settings, seed=seed, resamples=resamples)


def linearity(
    positions: Any,
    responses: Mapping[str, Mapping[str, Any]],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""How straight the line is along which an attribute follows its slider: R² of each example, and their mean.

    The coefficient of determination of $a_{ij} \approx \alpha_i + \beta_i p_j$ by least squares in each example i, with
    a line of its own for each (Tan & Herremans 2020, see above; their code calls it monotonicity). Falling counts as
    rising: see `monotonicity` for the sign. An attribute that does not move in an example counts 0; the authors' code
    gives such a line 1, the score of a perfect fit to a constant.

    Args:
        positions: `[k]`, at least three different slider positions.
        responses: for every slider its own attribute `[n, k]` at least.
        seed: of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        DataError: fewer than three or equal positions, no slider, one whose own attribute was not measured, shapes
            that do not fit, values that are not finite.

    >>> round(linearity([-1, 0, 1], {"slant": {"slant": [[0, 1, 2], [0, 0, 1]]}}, resamples=0).value, 6)
    0.875
    """
    slider = slider_positions(positions)
    checked = checked_responses(responses)
    for name, measured in checked.items():
        if measured[name].shape[1] != len(slider):
            raise DataError(
                f"'{name}' was measured at {measured[name].shape[1]} positions; there are {len(slider)} positions."
            )
    columns = {name: straightness(slider, measured[name]) for name, measured in checked.items()}
    settings = {"positions": slider.tolist(), "fit": "least squares, one line an example"}
    return averaged("linearity", columns, {}, settings, seed=seed, resamples=resamples)


def straightness(slider: Float64[np.ndarray, " k"], response: Float64[np.ndarray, "n k"]) -> Float64[np.ndarray, " n"]:
    """R² of a straight line in each example; 0 where nothing moves."""
    return pearson(slider[:, None], response.T)[0] ** 2


def _positions(responses: Mapping[str, Mapping[str, Any]]) -> int:
    """How many positions each slider was moved to."""
    return max(values.shape[1] for measured in responses.values() for values in measured.values())

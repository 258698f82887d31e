"""How often attributes change along a slider, and how often they are defined at all: Pati & Lerch 2021."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from latune.errors import DataError
from latune.metrics.averaged import averaged, column, same_length
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.responses import checked_responses, values_before
from latune.metrics.score import Score


def attribute_change(
    before: Mapping[str, Any],
    responses: Mapping[str, Mapping[str, Any]],
    tolerance: float | Mapping[str, float] = 0.0,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    """Share of slider positions at which the slider's own attribute differs from what it was.

    After Pati & Lerch 2021 (https://arxiv.org/abs/2108.01450; `evaluate_latent_interpolations` of their code,
    https://github.com/ashispati/dmelodies_controllability), for whom attributes are classes and any difference counts;
    of real attributes, give a tolerance. They move to five positions between the lowest and highest code of the
    validation set, compare with the original itself, and draw the matrix of all sliders and attributes, each row
    divided by its largest entry: `detail` holds the plain shares (`matrix`) and theirs (`of_largest`), whose diagonal
    is 1 where no other attribute changes more often.

    Args:
        before: the attributes `[n]`, of originals as theirs, or of reconstructions.
        responses: for every slider its own attribute, and others, `[n, k]`.
        tolerance: a difference of more than this is a change; one for all or by name, in the attribute's units.
        seed: of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        DataError: names or shapes that do not fit, a negative tolerance, values that are not finite.

    >>> responses = {"tonic": {"tonic": [[0, 1, 2, 3]], "mode": [[1, 1, 1, 0]]}}
    >>> score = attribute_change({"tonic": [0], "mode": [1]}, responses, resamples=0)
    >>> score.value, score.detail["of_largest"]
    (0.75, {'tonic': {'tonic': 1.0, 'mode': 0.333...}})
    """
    checked = checked_responses(responses)
    start = values_before(before, checked)
    columns, matrix, shown, limits = {}, {}, {}, {}
    for name, measured in checked.items():
        shares = {}
        for other, values in measured.items():
            limit = tolerance.get(other, 0.0) if isinstance(tolerance, Mapping) else tolerance
            if not (np.isfinite(limit) and limit >= 0):
                raise DataError(f"The tolerance of '{other}' is 0 or more. Got {limit}.")
            limits[other] = float(limit)
            shares[other] = (np.abs(values - start[other][:, None]) > limit).mean(axis=1)
        columns[name] = shares[name]
        matrix[name] = {other: float(values.mean()) for other, values in shares.items()}
        largest = max(matrix[name].values())
        shown[name] = {other: value / largest if largest else 0.0 for other, value in matrix[name].items()}
    detail = {"matrix": matrix, "of_largest": shown}
    return averaged("attribute-change", columns, detail, {"tolerance": limits}, seed=seed, resamples=resamples)


def latent_density_ratio(values: Mapping[str, Any], *, seed: int = 0, resamples: int = RESAMPLES) -> Score:
    """Share of samples from the prior in which an attribute is defined at all; the rest are holes of the latent space.

    The LDR of Pati & Lerch 2021 (https://arxiv.org/abs/2108.01450), the mean over attributes. Their code
    (`script_evaluate_dmelodies.py`) means to draw the ordered dims evenly between the lowest and highest code of the
    validation set, but overwrites a few samples instead of those dims: what it measures is samples of the prior. It
    prints a mean weighted by the attributes' numbers of classes less one as well.

    Args:
        values: attribute name to `[n]`, measured on samples; NaN where it is not defined.
        seed: of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        DataError: no attribute, lengths that differ, infinite values.

    >>> latent_density_ratio({"tonic": [3, float("nan"), 5, 0]}, resamples=0).value
    0.75
    """
    known = {name: ~np.isnan(column(data, f"values of '{name}'", missing=True)) for name, data in values.items()}
    same_length(known)
    shares = {name: which.astype(np.float64) for name, which in known.items()}
    return averaged("latent-density-ratio", shares, seed=seed, resamples=resamples)

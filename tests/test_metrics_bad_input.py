"""What cannot be measured is refused with a message: what was got, what is allowed, what to do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latune.errors import DataError
from latune.metrics import METRICS, NotApplicable, Score, disentanglement

GOOD = np.random.default_rng(0).standard_normal((50, 3))
NAMES = ["a", "b"]


def spoilt(value: float, row: int = 4, column: int = 1) -> np.ndarray:
    array = GOOD.copy()
    array[row, column] = value
    return array


CASES = {
    "no rows": (GOOD[:0], GOOD[:0, :2], "codes are empty: their shape is [0, 3]"),
    "no dims": (GOOD[:, :0], GOOD[:, :2], "codes are empty: their shape is [50, 0]"),
    "no attributes": (GOOD, GOOD[:, :0], "attribute values are empty: their shape is [50, 0]"),
    "no attribute values": (GOOD, None, "Attribute values are missing: give an array [n, L]"),
    "one row": (GOOD[:1], GOOD[:1, :2], "only 1 rows; at least 5 are needed"),
    "four rows": (GOOD[:4], GOOD[:4, :2], "only 4 rows; at least 5 are needed"),
    "lengths that differ": (GOOD, GOOD[:40, :2], "There are 50 codes but 40 rows of attribute values"),
    "NaN code": (spoilt(np.nan), GOOD[:, :2], "codes hold 1 values that are NaN, infinite or beyond 1e+100"),
    "infinite code": (spoilt(-np.inf), GOOD[:, :2], "the first at [4, 1]: -inf"),
    "infinite attribute": (GOOD, spoilt(np.inf)[:, :2], "attribute values hold 1 values that are infinite"),
    "no known values": (GOOD, np.stack([GOOD[:, 0], np.full(50, np.nan)], 1), "'b' is known for 0 of 50 examples"),
    "infinite tensor": (torch.from_numpy(spoilt(np.inf)), GOOD[:, :2], "the first at [4, 1]: inf"),
    "overflowing code": (spoilt(1e200), GOOD[:, :2], "beyond 1e+100"),
    "constant attribute": (GOOD, np.stack([GOOD[:, 0], np.full(50, 7.0)], 1), "attribute 'b' is constant"),
    "nearly constant": (GOOD, np.stack([GOOD[:, 0], 7 + 1e-12 * GOOD[:, 1]], 1), "attribute 'b' is constant"),
    "text attribute": (
        GOOD,
        np.full((50, 2), "thick"),
        "not numbers (for example ['thick']). Give numbers",
    ),
    "text codes": (np.full((50, 3), "7"), GOOD[:, :2], "codes hold <U1 values, not numbers (for example ['7'])"),
    "dates": (GOOD, np.full((50, 2), np.datetime64("2020-01-01")), "hold datetime64[D] values, not numbers"),
    "one class where known": (
        GOOD,
        np.stack([GOOD[:, 0], np.where(np.arange(50) < 20, 3.0, np.nan)], 1),
        "attribute 'b' is constant: it varies by 0 around 3",
    ),
    "known for four": (
        GOOD,
        np.stack([GOOD[:, 0], np.where(np.arange(50) < 4, GOOD[:, 1], np.nan)], 1),
        "'b' is known for 4 of 50 examples; at least 5 are needed",
    ),
    "objects": (GOOD, np.full((50, 2), None), "hold object values, not numbers"),
    "complex codes": (GOOD + 1j, GOOD[:, :2], "hold complex128 values, not numbers"),
    "ragged lists": ([[1.0, 2.0], [3.0]], GOOD[:, :2], "codes have rows of different lengths"),
    "codes of one axis": (GOOD[:, 0], GOOD[:, :2], "codes have shape [50]; allowed is [n, d]: one row per example"),
    "values of one axis": (GOOD, GOOD[:, 0], "attribute values have shape [50]; allowed is [n, L]"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("metric", [*METRICS, "suite"])
def test_every_metric_refuses(metric, case):
    codes, values, message = CASES[case]
    function = disentanglement if metric == "suite" else METRICS[metric]
    with pytest.raises(DataError) as caught:
        function(codes, values, NAMES)
    assert message in str(caught.value)


@pytest.mark.parametrize("metric", [*METRICS, "suite"])
def test_one_class_only_is_refused(metric):
    function = disentanglement if metric == "suite" else METRICS[metric]
    with pytest.raises(DataError, match="attribute 'b' is constant: it varies by 0 around 4"):
        function(GOOD, np.stack([np.arange(50) % 3, np.full(50, 4)], 1), NAMES, [True, True])


@pytest.mark.parametrize("discrete", [False, True])
@pytest.mark.parametrize("name", METRICS)
def test_constant_codes_score_zero(name, discrete):
    """They tell nothing, and are reported; what is told by guessing the most frequent class is no lead of any dim."""
    values = np.random.default_rng(0).integers(0, 3, (50, 2)) if discrete else GOOD[:, :2]
    score = METRICS[name](np.full((50, 3), 0.1), values, NAMES, [discrete] * 2)
    if name == "dci-informativeness" and discrete:
        assert 0.3 < score.value < 0.6  # one of three classes is guessed, as its docstring says
    else:
        assert score.value == 0.0
    assert score.detail["constant_dims"] == [0, 1, 2]


@pytest.mark.parametrize("discrete", [False, True])
@pytest.mark.parametrize("name", METRICS)
def test_more_dims_than_examples_is_a_number_and_noise_is_not_taken_as_used(name, discrete):
    draw = np.random.default_rng(0)
    values = draw.integers(0, 3, (20, 2)) if discrete else draw.standard_normal((20, 2))
    score = METRICS[name](draw.standard_normal((20, 60)), values, NAMES, [discrete] * 2, resamples=10)
    assert 0.0 <= score.value <= 1.0
    assert score.detail.get("unused_dims", list(range(60))) == list(range(60))
    if name in ("modularity-used", "factor-vae", "beta-vae", "irs"):
        assert score.value == 0.0


@pytest.mark.parametrize("name", METRICS)
def test_five_rows_are_the_fewest_and_give_a_number(name):
    score = METRICS[name](GOOD[:5], GOOD[:5, :2] + GOOD[5:10, :2], NAMES, resamples=10)
    assert 0.0 <= score.value <= 1.0


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"], ["a", "a"]])
def test_names_that_do_not_fit(names):
    with pytest.raises(DataError, match="There are 2 attributes and the names"):
        disentanglement(GOOD, GOOD[:, :2], names)


def test_discrete_that_does_not_fit():
    with pytest.raises(DataError, match=r"'discrete' has shape \[1\], not \[2\]"):
        disentanglement(GOOD, GOOD[:, :2], NAMES, discrete=[True])
    with pytest.raises(DataError, match="'a' is declared discrete, but no two of its 50 rows are equal"):
        disentanglement(GOOD, GOOD[:, :2], NAMES, discrete=[True, False])


def test_too_few_dims_or_attributes_for_one_metric():
    with pytest.raises(NotApplicable, match="'sap' compares at least 2 dims; got 1"):
        METRICS["sap"](GOOD[:, :1], GOOD[:, :2], NAMES)
    with pytest.raises(NotApplicable, match="'modularity' compares at least 2 attributes; got 1"):
        METRICS["modularity"](GOOD, GOOD[:, :1], ["a"])


@pytest.mark.parametrize("name", ["modularity", "modularity-used", "factor-vae", "beta-vae", "irs"])
def test_one_attribute_is_refused_by_what_compares_attributes(name):
    with pytest.raises(NotApplicable, match=f"'{name}' compares at least 2 attributes; got 1"):
        METRICS[name](GOOD, GOOD[:, :1], ["a"])


def test_too_few_rows_to_divide_by_self_information():
    values = np.zeros((12, 1))  # a class of one among eleven: the tie-breaking noise outweighs it
    values[9] = 1.0
    with pytest.raises(DataError, match="'mig-arvae' cannot be told from 12 rows of the attribute 'a'"):
        METRICS["mig-arvae"](GOOD[:12], values, ["a"], seed=113)


def test_a_score_is_never_nan():
    with pytest.raises(DataError, match=r"'x' came out as nan; it must be a finite number\. It is not for: slant"):
        Score("x", float("nan"), {"slant": float("inf")})

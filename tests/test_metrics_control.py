"""Slider monotonicity and reconstruction."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from latune.errors import DataError
from latune.metrics import mean_squared_error, monotonicity, pixel_accuracy

SLIDER = np.arange(-4.5, 5.0)


def test_linear_decoder_with_a_linear_attribute_is_exactly_linear():
    """x = W z + b and a = w · x: along one dim the attribute is a straight line in every example."""
    draw = np.random.default_rng(0)
    decoder, weight = draw.standard_normal((30, 5)), draw.standard_normal(30)
    weight *= np.sign(weight @ decoder[:, 2])
    codes = np.repeat(draw.standard_normal((20, 1, 5)), 10, axis=1)  # (n, k, d)
    codes[:, :, 2] = SLIDER
    score = monotonicity(SLIDER, {"a": codes @ decoder.T @ weight})
    assert score.value == 1.0
    assert score.detail["strictly_increasing"] == {"a": 1.0}
    assert score.detail["linearity"]["a"] == pytest.approx(1.0, abs=1e-12)


def test_known_responses():
    rows = np.stack([SLIDER**3, -SLIDER, np.ones(10), SLIDER**2])
    score = monotonicity(SLIDER, {"a": rows})
    assert score.per_attribute["a"] == pytest.approx((1 - 1 + 0 + 0) / 4, abs=1e-12)
    assert score.detail["strictly_increasing"]["a"] == 0.25
    assert score.detail["strictly_monotone"]["a"] == 0.5
    cubic = np.corrcoef(SLIDER, SLIDER**3)[0, 1] ** 2
    assert score.detail["linearity"]["a"] == pytest.approx((cubic + 1 + 0 + 0) / 4, abs=1e-12)


def test_rank_correlation_equals_scipy_row_by_row():
    rows = np.random.default_rng(1).integers(0, 6, (8, 10))
    expected = np.mean([spearmanr(SLIDER, row).statistic for row in rows])
    assert monotonicity(SLIDER, {"a": rows}).value == pytest.approx(expected, abs=1e-12)


def test_positions_in_any_order_tensors_and_several_attributes():
    order = np.random.default_rng(2).permutation(10)
    rows = torch.from_numpy(np.exp(SLIDER)[None].repeat(3, axis=0))
    score = monotonicity(torch.from_numpy(SLIDER[order].copy()), {"a": rows[:, order], "b": -rows[:, order].float()})
    assert score.per_attribute == {"a": 1.0, "b": -1.0}
    assert score.value == 0.0
    assert score.detail["strictly_increasing"] == {"a": 1.0, "b": 0.0}
    assert json.loads(json.dumps(score.as_dict())) == score.as_dict()


@pytest.mark.parametrize(
    ("positions", "measured", "message"),
    [
        ([0, 1], {"a": [[0, 1]]}, "at least 3 different numbers"),
        ([0, 1, 1], {"a": [[0, 1, 2]]}, "2 different values"),
        ([[0, 1, 2]], {"a": [[0, 1, 2]]}, r"shape \[1, 3\]"),
        ([0, 1, 2], {}, "No attribute was measured"),
        ([0, 1, 2], {"a": [[0, 1]]}, r"'a' have shape \[1, 2\]; allowed is \[n, 3\]"),
        ([0, 1, 2], {"a": [0, 1, 2]}, r"'a' have shape \[3\]"),
        ([0, 1, 2], {"a": [[0, np.nan, 2]]}, "'a' hold 1 values that are NaN"),
        ([0, 1, 2], {"a": np.zeros((0, 3))}, "'a' are empty"),
    ],
)
def test_monotonicity_refuses(positions, measured, message):
    with pytest.raises(DataError, match=message):
        monotonicity(positions, measured)


def test_pixel_accuracy():
    originals = torch.zeros(4, 1, 8, 8)
    originals[:, :, :4] = 1.0
    assert pixel_accuracy(originals, originals).value == 1.0
    assert pixel_accuracy(1 - originals, originals).value == 0.0
    off = originals.clone()
    off[0, 0, 0, 0] = 0.49
    assert pixel_accuracy(off, originals).value == 1 - 1 / 256
    assert pixel_accuracy(off, originals, threshold=0.4).value == 1.0
    assert pixel_accuracy(off.numpy(), originals).settings == {"threshold": 0.5}


def test_mean_squared_error():
    images = torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    assert mean_squared_error(images, images).value == 0.0
    assert mean_squared_error(images + 0.5, images).value == pytest.approx(0.25, abs=1e-6)
    other = images.flip(0)
    assert mean_squared_error(other, images).value == pytest.approx(((other - images) ** 2).mean().item(), abs=1e-7)


@pytest.mark.parametrize("measure", [pixel_accuracy, mean_squared_error])
def test_reconstruction_refuses(measure):
    images = np.zeros((2, 1, 4, 4))
    with pytest.raises(DataError, match=r"shape \[2, 1, 4, 4\], the originals \[2, 1, 4\]"):
        measure(images, images[..., 0])
    with pytest.raises(DataError, match="reconstructed images are empty"):
        measure(images[:0], images[:0])
    with pytest.raises(DataError, match="original images hold 32 values that are NaN"):
        measure(images, images * np.nan)


def test_bytes_and_logits_are_refused_as_pixels():
    images = np.zeros((2, 4, 4))
    with pytest.raises(DataError, match="original images range from 255 to 255; allowed is 0 to 1"):
        pixel_accuracy(images, images + 255)
    with pytest.raises(DataError, match=r"reconstructed images range from -3 to -3; .*sigmoid"):
        pixel_accuracy(images - 3, images)

"""Control: success, leakage, preservation, realism, diversity, zMSE and sliders; and reconstruction."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from latune.errors import DataError
from latune.metrics import mean_squared_error, monotonicity, pixel_accuracy
from latune.metrics.attribute_change import attribute_change, latent_density_ratio
from latune.metrics.diversity import diversity
from latune.metrics.leakage import change, leakage, slider_leakage
from latune.metrics.preservation import nearest_neighbour_identity, preserved_class
from latune.metrics.realism import realism_shift
from latune.metrics.sliders import consistency, linearity, restrictiveness
from latune.metrics.success import success
from latune.metrics.zmse import zmse

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


# --- success ---------------------------------------------------------------------------------------------------------


def test_success_of_real_attributes_one_by_one_and_all_at_once():
    measured = {"a": [1.0, 1.5, 2.1, 3.0], "b": [0.0, 0.0, 5.0, 0.1]}
    score = success(measured, {"a": 2.0, "b": 0.0}, tolerance={"a": 0.5, "b": 0.1})
    assert score.per_attribute == {"a": 0.5, "b": 0.75}
    assert score.value == 0.25  # only the second example has both
    assert score.detail["error"]["a"] == pytest.approx((1 + 0.5 + 0.1 + 1) / 4)
    assert score.detail["mean"] == pytest.approx({"a": 1.9, "b": 1.275})
    assert score.settings["tolerance"] == {"a": 0.5, "b": 0.1}
    assert score.interval is not None
    assert score.interval[0] <= score.value <= score.interval[1]
    assert json.loads(json.dumps(score.as_dict())) == score.as_dict()


def test_a_tolerance_in_spreads_and_a_target_for_each_example():
    measured = {"a": torch.tensor([0.0, 10.0, 20.0])}
    targets = {"a": np.array([4.0, 4.0, 21.0])}
    assert success(measured, targets, 0.5, spread={"a": 10.0}).value == 2 / 3
    assert success(measured, targets, 0.5).value == 0.0
    assert success(measured, targets, 0.5, spread={"a": 10.0}).settings["tolerance"] == {"a": 5.0}
    assert success(measured, targets, 0.5).settings["target"] == {"a": "one an example"}


def test_direction_reached():
    before, after = {"a": [0.0, 0.0, 0.0, 0.0]}, {"a": [1.0, 0.2, 0.0, -1.0]}
    assert success(after, {"a": "up"}, before=before).value == 0.5
    assert success(after, {"a": "down"}, before=before).value == 0.25
    assert success(after, {"a": "up"}, tolerance=0.5, before=before).value == 0.25  # a step too small is none


def test_classes_and_rewards():
    digits = success({"digit": [3, 3, 8, 3]}, {"digit": 3}, kinds={"digit": "categorical"})
    assert digits.value == 0.75
    assert digits.detail["mean"] == {}
    asked = success({"digit": [3, 3, 8, 3]}, {"digit": [3, 4, 8, 1]}, kinds={"digit": "categorical"})
    assert asked.value == 0.5
    smiles = success({"smile": [1, 0, 1, 1]}, {"smile": 0}, kinds={"smile": "binary"})
    assert smiles.value == 0.25
    # Latent Constraints, Table 2: satisfied are those of reward exactly 1, beside the mean reward.
    loop = success({"loop": [1.0, 0.999, 0.5, 1.0]}, {"loop": 1}, kinds={"loop": "unit"})
    assert loop.value == 0.5
    assert loop.detail["mean"]["loop"] == pytest.approx(0.87475)


def test_what_could_not_be_measured_has_not_arrived():
    score = success({"a": [1.0, np.nan, 1.0, 5.0]}, {"a": 1.0}, 0.1)
    assert score.value == 0.5
    assert score.detail["undefined"] == {"a": 1}
    assert score.detail["error"] == {"a": pytest.approx(4 / 3)}
    never = success({"a": [np.nan, np.nan]}, {"a": "up"}, before={"a": [0.0, 0.0]})
    assert never.value == 0.0


def test_one_example_has_no_interval():
    score = success({"a": [1.0]}, {"a": 1.0}, 0.0)
    assert (score.value, score.interval, score.intervals) == (1.0, None, {})
    assert success({"a": [1.0, 2.0]}, {"a": 1.0}, 0.0, resamples=0).interval is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: success({"a": [1]}, {}, 1), "No target"),
        (lambda: success({"a": [1]}, {"b": 1}, 1), "Unknown measured attribute 'b'. Allowed: a"),
        (lambda: success({"a": [1.0]}, {"a": 1}), "'a' is a real attribute: how near is there"),
        (lambda: success({"a": [1.0]}, {"a": 1}, -1), "tolerance of 'a' is 0 or more. Got -1"),
        (lambda: success({"a": [1.0]}, {"a": 1}, np.nan), "tolerance of 'a' is 0 or more. Got nan"),
        (lambda: success({"a": [1.0]}, {"a": 1}, 1, spread={}), "'a' has no spread"),
        (lambda: success({"a": [1.0]}, {"a": 1}, 1, spread={"a": 0.0}), "spread of 'a' is 0; allowed is a positive"),
        (lambda: success({"a": [1.0]}, {"a": np.nan}, 1), "target of 'a' hold 1 values that are NaN"),
        (lambda: success({"a": [1.0]}, {"a": [1, 2]}, 1), r"one for each of 1 examples. Got \[2\]"),
        (lambda: success({"a": [1.0], "b": [1, 2]}, {"a": 1, "b": 1}, 1), "a 1, b 2"),
        (lambda: success({"a": []}, {"a": 1}, 1), "'a' are empty"),
        (lambda: success({"a": [np.inf]}, {"a": 1}, 1), "infinite"),
        (lambda: success({"a": [[1.0]]}, {"a": 1}, 1), r"shape \[1, 1\]; allowed is \[n\]"),
        (lambda: success({"a": ["x"]}, {"a": 1}, 1), "not numbers"),
        (lambda: success({"a": [1.0]}, {"a": "sideways"}), "a number, 'up' or 'down'. Got 'sideways'"),
        (lambda: success({"a": [1.0]}, {"a": "up"}), "give its values before the edit"),
        (lambda: success({"a": [1.0]}, {"a": "up"}, before={"a": [1, 2]}), "'a' before 2, 'a' after 1"),
        (lambda: success({"d": [1]}, {"d": "up"}, kinds={"d": "categorical"}), "'d' is a class"),
        (lambda: success({"d": [0.7]}, {"d": 1}, kinds={"d": "binary"}), "class indices 0, 1, 2, ... Got 0.7"),
        (lambda: success({"c": [1.2]}, {"c": 1}, kinds={"c": "unit"}), r"rewards of 'c' lie in \[0, 1\]. Got 1.2"),
        (lambda: success({"c": [0.2]}, {"c": 2}, kinds={"c": "unit"}), r"target of 'c' lie in \[0, 1\]. Got 2"),
        (lambda: success({"c": [0.2]}, {"c": 1}, kinds={"c": "rational"}), "Unknown kind 'rational' of attribute 'c'"),
    ],
)
def test_success_refuses(call, message):
    with pytest.raises(DataError, match=message):
        call()


# --- leakage and change ----------------------------------------------------------------------------------------------

BEFORE = {"a": [0.0, 0.0], "b": [1.0, 5.0], "c": [2.0, 2.0]}
AFTER = {"a": [4.0, 2.0], "b": [2.0, 4.0], "c": [2.0, 2.0]}
WIDTH = {"a": 2.0, "b": 0.5, "c": 7.0}


def test_leakage_in_standard_deviations_absolute_and_signed():
    score = leakage(BEFORE, AFTER, WIDTH, target=["a"])
    assert score.per_attribute == {"b": 2.0, "c": 0.0}
    assert score.value == 1.0
    assert score.detail["signed"] == {"a": 1.5, "b": 0.0, "c": 0.0}
    assert score.detail["target"] == {"a": 1.5}
    assert score.detail["relative"] == pytest.approx(1 / 1.5)
    assert set(score.intervals) == {"b", "c"}
    everything = leakage(BEFORE, AFTER, WIDTH)
    assert everything.value == pytest.approx((1.5 + 2.0 + 0.0) / 3)
    assert everything.detail["relative"] is None


def test_change_has_a_sign_and_is_the_targets():
    score = change(BEFORE, AFTER, WIDTH, target=["a"])
    assert score.value == 1.5
    assert score.per_attribute == {"a": 1.5, "b": 0.0, "c": 0.0}
    assert change(BEFORE, AFTER, WIDTH).value == 0.5
    falling = change(AFTER, BEFORE, WIDTH, target=["a"])
    assert falling.value == -1.5


def test_two_strangers_leak_two_over_root_pi():
    draw = np.random.default_rng(0).standard_normal((2, 20_000))
    score = leakage({"a": draw[0]}, {"a": draw[1]}, {"a": 1.0})
    assert score.value == pytest.approx(2 / np.sqrt(np.pi), abs=0.02)
    assert score.interval is not None
    assert score.interval[0] < 2 / np.sqrt(np.pi) < score.interval[1]


def test_pairs_that_are_not_known_do_not_count():
    before, after = {"a": [0.0, np.nan, 0.0], "b": [0.0] * 3}, {"a": [1.0, 1.0, np.nan], "b": [3.0] * 3}
    score = leakage(before, after, {"a": 1.0, "b": 1.0})
    assert score.per_attribute == {"a": 1.0, "b": 3.0}
    assert score.detail["undefined"] == {"a": 2}
    assert change(before, after, {"a": 1.0, "b": 1.0}, target=["a"]).value == 1.0
    with pytest.raises(DataError, match="no example has a known value of a"):
        leakage({"a": [np.nan]}, {"a": [1.0]}, {"a": 1.0})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: leakage({"a": [1]}, {"b": [1]}, {"a": 1, "b": 1}), "b: not before"),
        (lambda: leakage({"a": [1], "b": [1]}, {"a": [1]}, {"a": 1}), "b: not after"),
        (lambda: leakage({"a": [1]}, {"a": [1]}, {"a": 1}, target=["a"]), "there is none. Measured: a"),
        (lambda: leakage({"a": [1]}, {"a": [1]}, {"a": 1}, target=["z"]), "Unknown measured attribute 'z'"),
        (lambda: leakage({"a": [1]}, {"a": [1]}, {"a": 1}, target="a"), r"as \['a'\]. Got the text 'a'"),
        (lambda: leakage({"a": [1]}, {"a": [1]}, {}), "'a' has no spread"),
        (lambda: leakage({"a": [1]}, {"a": [1]}, {"a": -1}), "spread of 'a' is -1"),
        (lambda: leakage({"a": [1]}, {"a": [1]}, {"a": np.inf}), "spread of 'a' is inf"),
        (lambda: leakage({"a": [1, 2]}, {"a": [1]}, {"a": 1}), "'a' before 2, 'a' after 1"),
        (lambda: leakage({"a": [1], "b": [1, 1]}, {"a": [1], "b": [1, 1]}, {"a": 1, "b": 1}), "a 1, b 2"),
        (lambda: leakage({"a": [np.inf]}, {"a": [1]}, {"a": 1}), "infinite"),
        (lambda: leakage({}, {}, {}), "No attribute was measured"),
    ],
)
def test_leakage_refuses(call, message):
    with pytest.raises(DataError, match=message):
        call()


# --- zMSE ------------------------------------------------------------------------------------------------------------


def test_zmse_oracle():
    z = torch.randn(7, 5, generator=torch.Generator().manual_seed(0))
    score = zmse(z + 1, z, torch.full((5,), 0.5))
    assert score.value == pytest.approx(4.0, abs=1e-5)
    assert score.detail["dims"] == pytest.approx([4.0] * 5, abs=1e-5)
    assert score.detail["used"] == pytest.approx(4.0, abs=1e-5)


def test_zmse_tells_which_dims_decide_it():
    before = np.zeros((4, 4))
    after = before + np.array([0.1, 0.1, 1.0, 1.0])
    score = zmse(after, before, [0.01, 0.5, 1.0, 1e-9], names=["a", "b", "c", "d"], floor=0.1)
    assert score.detail["dims"] == pytest.approx([1.0, 0.04, 1.0, 100.0])
    assert score.value == pytest.approx(102.04 / 4)
    assert score.detail["largest"] == [3]
    assert score.detail["floored_dims"] == [0, 3]
    assert score.detail["unused_dims"] == [2]
    assert score.detail["used"] == pytest.approx(101.04 / 3)
    assert score.detail["median"] == pytest.approx(1.0)
    assert score.per_attribute["d"] == pytest.approx(100.0)
    still = zmse(before, before, np.ones(4))
    assert (still.value, still.detail["largest"], still.detail["used"]) == (0.0, [], None)


@pytest.mark.parametrize(
    ("after", "before", "scale", "options", "message"),
    [
        ([[1.0]], [[1.0], [2.0]], [1.0], {}, r"Got \[2, 1\] before and \[1, 1\] after"),
        ([1.0], [1.0], [1.0], {}, r"one shape \[n, d\]"),
        ([[1.0]], [[1.0]], [1.0, 1.0], {}, "for each of 1 dims. Got 2"),
        ([[1.0]], [[1.0]], [-1.0], {}, "the smallest is -1"),
        ([[1.0]], [[1.0]], [0.0], {"floor": 0.0}, "floor above 0"),
        ([[1.0]], [[1.0]], [1.0], {"names": ["a", "b"]}, "one name for each of 1 dims. Got 2"),
        ([[np.nan]], [[1.0]], [1.0], {}, "codes after the move hold 1 values that are NaN"),
        (np.zeros((0, 2)), np.zeros((0, 2)), [1.0, 1.0], {}, "codes after the move are empty"),
    ],
)
def test_zmse_refuses(after, before, scale, options, message):
    with pytest.raises(DataError, match=message):
        zmse(after, before, scale, **options)


# --- preservation ----------------------------------------------------------------------------------------------------


def test_preserved_class_and_what_becomes_of_it():
    score = preserved_class([0, 0, 0, 1, 1, 2], torch.tensor([0, 1, 1, 1, 2, 2]), names=["zero", "one", "two"])
    assert score.value == 0.5
    assert score.detail["by_class"] == {"zero": pytest.approx(1 / 3), "one": 0.5, "two": 1.0}
    assert score.detail["becomes"] == {"zero": "one", "one": "two"}


@pytest.mark.parametrize(
    ("before", "after", "names", "message"),
    [
        ([0], [0, 1], None, "classes before 1, classes after 2"),
        ([], [], None, "classes before are empty"),
        ([0.5], [1], None, "class indices 0, 1, 2, ... Got 0.5"),
        ([np.nan], [1], None, "NaN"),
        ([0], [2], ["a", "b"], "2 classes have names"),
        ([["a"]], [1], None, "not numbers"),
    ],
)
def test_preserved_class_refuses(before, after, names, message):
    with pytest.raises(DataError, match=message):
        preserved_class(before, after, names=names)


def test_identity_equals_the_nearest_neighbour_one_by_one():
    draw = np.random.default_rng(0)
    before = draw.random((300, 3, 4)).astype(np.float32)
    after = before + 0.2 * draw.standard_normal((300, 3, 4)).astype(np.float32)
    away = np.linalg.norm(after[:, None].astype(np.float64) - before[None], axis=(2, 3))
    own = away[np.arange(300), np.arange(300)]
    score = nearest_neighbour_identity(torch.from_numpy(before), after)
    assert 0.2 < score.value < 0.95
    assert score.value == pytest.approx((away.argmin(axis=1) == np.arange(300)).mean(), abs=1e-12)
    assert score.detail["rank"] == np.median((away < own[:, None]).sum(axis=1) + 1)
    assert score.detail["distance"] == pytest.approx(np.median(own), abs=1e-6)


def test_identity_of_nearly_equal_originals():
    """The own original is nearest by one part in ten million: float32 products cannot tell."""
    before = np.float32(np.linspace(0, 1, 400))[:, None] * np.float32(1e-3) + np.float32(100.0)
    before = np.unique(before, axis=0)
    assert nearest_neighbour_identity(before, before).value == 1.0
    shifted = np.roll(before, 1, axis=0)
    assert nearest_neighbour_identity(before, shifted).value == 0.0


def test_identity_when_everybody_gets_one_look_and_among_further_originals():
    before = np.arange(10.0)[:, None]
    assert nearest_neighbour_identity(before, np.full((10, 1), 4.2)).value == 0.1
    assert nearest_neighbour_identity(before, before + 0.4).value == 1.0
    assert nearest_neighbour_identity(before, before + 0.4, among=before + 0.5).value == 0.0
    twins = np.repeat(before, 2, axis=0)
    assert nearest_neighbour_identity(twins, twins + 0.1).value == 1.0  # a tie is for the own original


@pytest.mark.parametrize(
    ("before", "after", "among", "message"),
    [
        ([[1.0]], [[1.0]], None, "give two or more"),
        ([[1.0], [2.0]], [[1.0]], None, r"Got \[2, 1\] and \[1, 1\]"),
        ([[1.0], [2.0]], [[1.0], [np.nan]], None, "NaN"),
        ([[1.0], [2.0]], [[1.0], [2.0]], [[1.0, 2.0]], "have 1 numbers each, the further ones 2"),
        ([1.0, 2.0], [1.0, 2.0], None, "one row or image an example"),
        (np.zeros((0, 2)), np.zeros((0, 2)), None, "empty"),
    ],
)
def test_identity_refuses(before, after, among, message):
    with pytest.raises(DataError, match=message):
        nearest_neighbour_identity(before, after, among=among)


# --- realism ---------------------------------------------------------------------------------------------------------


def test_realism_shift_of_probabilities_and_logits():
    score = realism_shift([0.9, 0.8, 0.4], [0.4, 0.8, 0.2])
    assert score.value == pytest.approx((-0.5 - 0.2) / 3)
    assert score.detail["called_real"] == {"before": pytest.approx(2 / 3), "after": pytest.approx(1 / 3)}
    logits = realism_shift([0.0, np.log(3)], [np.log(3), 0.0], logits=True)
    assert logits.value == pytest.approx(0.0, abs=1e-15)
    assert logits.detail["mean"] == {"before": pytest.approx(0.625), "after": pytest.approx(0.625)}
    certain = realism_shift([50.0], [40.0], logits=True)  # saturated: only the logit moves
    assert certain.value == pytest.approx(0.0, abs=1e-12)
    assert certain.detail["logit"] == -10.0


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ([0.5], [1.5], r"lie in \[0, 1\]; realism after ranges from 1.5 to 1.5. Of logits, say logits=True"),
        ([0.5], [0.5, 0.5], "realism before 1"),
        ([], [], "realism before are empty"),
        ([np.nan], [0.5], "NaN"),
    ],
)
def test_realism_shift_refuses(before, after, message):
    with pytest.raises(DataError, match=message):
        realism_shift(before, after)


# --- diversity -------------------------------------------------------------------------------------------------------


def clouds(n: int, seed: int = 0, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes, far apart, of different widths."""
    draw = np.random.default_rng(seed)
    classes = np.arange(n) % 3
    return 20.0 * classes[:, None] + spread * (1 + classes[:, None]) * draw.standard_normal((n, 6)), classes


def test_diversity_of_collapse_copies_and_shrinkage():
    data, classes = clouds(600)
    centre = np.stack([data[classes == c].mean(axis=0) for c in range(3)])[classes]
    assert diversity(centre, classes, data, classes).value == 0.0
    assert diversity(data, classes, data, classes).value == pytest.approx(1.0, abs=1e-12)
    half = diversity(centre + (data - centre) / 2, classes, data, classes)
    assert half.value == pytest.approx(0.5, abs=1e-12)
    assert half.detail["pooled"] == pytest.approx(0.5, abs=1e-12)
    # One class collapses: accuracy would not tell.
    one = np.where(classes[:, None] == 2, centre, data)
    score = diversity(one, classes, data, classes)
    assert score.value == pytest.approx(2 / 3, abs=1e-12)
    assert score.detail["by_class"] == {"0": pytest.approx(1.0), "1": pytest.approx(1.0), "2": 0.0}
    assert score.detail["pooled"] == pytest.approx(np.sqrt(5 / 14), abs=0.03)


def test_diversity_does_not_depend_on_the_number_of_examples_and_its_interval_covers():
    data, classes = clouds(3000)
    values = []
    for seed in range(30):
        made, made_of = clouds(30, seed + 1)
        values.append(diversity(made, made_of, data, classes, resamples=0).value)
    assert np.mean(values) == pytest.approx(1.0, abs=0.02)
    made, made_of = clouds(300, 5)
    score = diversity(made, made_of, data, classes)
    assert score.interval is not None
    assert score.interval[0] < 1.0 < score.interval[1]
    assert score.interval[1] - score.interval[0] < 0.2


def test_diversity_tells_absent_classes():
    data, classes = clouds(60)
    made, made_of = clouds(60, 1)
    some = (made_of == 0) | (np.arange(60) == 1)  # class 1 once, class 2 never
    score = diversity(made[some], made_of[some], data, classes)
    assert score.detail["absent_classes"] == [1, 2]
    assert list(score.detail["by_class"]) == ["0"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, c: diversity(x, c[:-1], x, c), r"Got \[9, 6\] and 8 classes"),
        (lambda x, c: diversity(x[:, :2], c, x, c), "same features. Got 2 and 6"),
        (lambda x, c: diversity(x, np.arange(9), x, c), "No class was made twice"),
        (lambda x, c: diversity(x[:1], c[:1], x, c), "No class was made twice"),
        (lambda x, c: diversity(x, c, x[:5], c[:5]), "fewer than two examples of class 2"),
        (lambda x, c: diversity(x, c, 0 * x, c), "class 0 are all the same"),
        (lambda x, c: diversity(x * np.nan, c, x, c), "features hold 54 values that are NaN"),
        (lambda x, c: diversity(x[:0], c[:0], x, c), "features are empty"),
        (lambda x, c: diversity(x, c + 0.5, x, c), "class indices"),
    ],
)
def test_diversity_refuses(call, message):
    with pytest.raises(DataError, match=message):
        call(*clouds(9))


# --- consistency, restrictiveness, linearity -------------------------------------------------------------------------


def responses_of(own: np.ndarray, other: np.ndarray | None = None) -> dict[str, dict[str, np.ndarray]]:
    """One slider `a`, its attribute along it, and another attribute, which stands still unless told otherwise."""
    other = np.repeat(np.arange(float(len(own)))[:, None], own.shape[1], axis=1) if other is None else other
    return {"a": {"a": own, "b": other}}


def test_a_perfect_slider_has_one_of_each():
    line = np.repeat(3.0 * SLIDER[None] - 1, 12, axis=0)
    found, width = responses_of(line), {"a": 2.0, "b": 1.0}
    assert linearity(SLIDER, found).value == pytest.approx(1.0, abs=1e-12)
    assert consistency(found, width).value == 1.0
    assert restrictiveness(found, width).value == 1.0


def test_a_slider_that_moves_another_attribute_as_well_is_not_restrictive():
    """Both go along a line whose standard deviation is the data's: restrictiveness 0. Half as far: 1/2."""
    line = np.repeat(SLIDER[None] / SLIDER.std(), 5, axis=0)
    width = {"a": 1.0, "b": 1.0}
    assert restrictiveness(responses_of(line, line), width).value == pytest.approx(0.0, abs=1e-12)
    assert restrictiveness(responses_of(line, -line / 2), width).value == pytest.approx(0.5, abs=1e-12)
    assert restrictiveness(responses_of(line, 2 * line), width).value == pytest.approx(-1.0, abs=1e-12)
    three = {"a": {"a": line, "b": line, "c": 0 * line}}
    score = restrictiveness(three, {**width, "c": 1.0})
    assert score.value == pytest.approx(0.5, abs=1e-12)
    assert score.detail["by_attribute"] == {"a": {"b": pytest.approx(0.0, abs=1e-12), "c": 1.0}}


def test_a_slider_that_does_nothing():
    own = np.repeat(np.random.default_rng(0).standard_normal((4000, 1)), 10, axis=1)
    found, width = responses_of(own), {"a": 1.0, "b": 1.0}
    assert linearity(SLIDER, found).value == 0.0  # the authors' code would say 1
    assert consistency(found, width).value == pytest.approx(0.0, abs=0.03)
    assert restrictiveness(found, width).value == 1.0


def test_a_curved_response_has_the_known_r_squared():
    z = np.linspace(-1, 1, 2001)
    rows = np.stack([z**3, -5 * z**3 + 2])
    assert linearity(z, responses_of(rows)).value == pytest.approx(21 / 25, abs=1e-3)  # cov(z, z^3)^2 on U(-1, 1)
    assert linearity(z, responses_of(rows**0 * z**2)).value == pytest.approx(0.0, abs=1e-12)


def test_random_responses_score_low():
    draw = np.random.default_rng(0)
    own, other = draw.standard_normal((2, 500, 10))
    found, width = responses_of(own, other), {"a": 1.0, "b": 1.0}
    assert linearity(SLIDER, found).value == pytest.approx(1 / 9, abs=0.02)  # R² of noise: 1 / (k - 1)
    assert consistency(found, width).value == pytest.approx(0.0, abs=0.03)
    assert restrictiveness(found, width).value == pytest.approx(0.08, abs=0.03)  # the sd of ten draws is .92 of theirs


def test_equal_to_the_music_fadernets_code():
    """`test_class.py`, one number after another; r is the slider's attribute, n the other."""
    from sklearn.linear_model import LinearRegression

    draw = np.random.default_rng(3)
    value_lst = np.array([-2 + k * 0.5 for k in range(8)])
    r_out, n_out = draw.random((2, 20, 8)) + value_lst
    r_std, n_std = 0.7, 1.9
    theirs = {
        "consistency": 1 - np.average(np.std(r_out / r_std, axis=0)),
        "restrictiveness": 1 - np.average(np.std(n_out / n_std, axis=-1)),
        "linearity": np.mean(
            [LinearRegression().fit(value_lst[:, None], r).score(value_lst[:, None], r) for r in r_out]
        ),
    }
    found, width = {"r": {"r": r_out, "n": n_out}}, {"r": r_std, "n": n_std}
    assert consistency(found, width).value == pytest.approx(theirs["consistency"], abs=1e-12)
    assert restrictiveness(found, width).value == pytest.approx(theirs["restrictiveness"], abs=1e-12)
    assert linearity(value_lst, found).value == pytest.approx(theirs["linearity"], abs=1e-12)


def test_slider_leakage_sees_a_jump_that_restrictiveness_does_not():
    line = np.repeat(SLIDER[None], 4, axis=0)
    found = responses_of(line, np.full((4, 10), 6.0))
    before = {"a": np.zeros(4), "b": np.full(4, 2.0)}
    score = slider_leakage(before, found, {"a": 1.0, "b": 2.0})
    assert score.value == 2.0
    assert score.detail["own"]["a"] == pytest.approx(2.5)
    assert score.detail["relative"]["a"] == pytest.approx(0.8)
    assert restrictiveness(found, {"a": 1.0, "b": 2.0}).value == 1.0


def test_intervals_of_sliders_hold_the_value_and_narrow():
    draw = np.random.default_rng(0)
    own = SLIDER + draw.standard_normal((400, 10))
    other = 0.3 * SLIDER + draw.standard_normal((400, 10))
    found, width = responses_of(own, other), {"a": 3.0, "b": 3.0}
    few = {"a": {name: rows[:40] for name, rows in found["a"].items()}}
    for metric in (consistency, restrictiveness):
        score, small = metric(found, width), metric(few, width)
        assert score.interval is not None
        assert small.interval is not None
        assert score.interval[0] < score.value < score.interval[1]
        assert score.interval[1] - score.interval[0] < 0.6 * (small.interval[1] - small.interval[0])
        assert score.intervals["a"] == score.interval


def test_attribute_change_of_classes_and_numbers():
    before = {"a": [0, 0], "b": [1, 1]}
    found = {"a": {"a": [[0, 1, 2, 3], [0, 0, 0, 1]], "b": [[1, 1, 1, 1], [1, 1, 1, 2]]}}
    score = attribute_change(before, found)
    assert score.value == 0.5
    assert score.detail["matrix"] == {"a": {"a": 0.5, "b": 0.125}}
    assert score.detail["of_largest"] == {"a": {"a": 1.0, "b": 0.25}}
    assert attribute_change(before, found, tolerance=1.0).value == 0.25
    assert attribute_change(before, found, tolerance={"a": 5.0}).detail["of_largest"] == {"a": {"a": 0.0, "b": 1.0}}
    with pytest.raises(DataError, match="tolerance of 'a' is 0 or more"):
        attribute_change(before, found, tolerance=-1.0)


def test_latent_density_ratio():
    score = latent_density_ratio({"a": [1.0, np.nan, 3.0, 4.0], "b": [np.nan, np.nan, 1.0, 2.0]})
    assert score.per_attribute == {"a": 0.75, "b": 0.5}
    assert score.value == 0.625
    assert latent_density_ratio({"a": [np.nan, np.nan]}).value == 0.0
    with pytest.raises(DataError, match="No attribute"):
        latent_density_ratio({})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: consistency({}, {}), "No slider was moved"),
        (lambda: consistency({"a": {"b": [[1, 2]]}}, {"a": 1}), "should move 'a', which was not measured. Measured: b"),
        (lambda: consistency({"a": {"a": [[1, 2]]}}, {"a": 1}), "give two or more"),
        (lambda: consistency({"a": {"a": [1, 2]}}, {"a": 1}), r"every attribute is \[n, k\]"),
        (lambda: consistency({"a": {"a": [[1], [2]]}}, {}), "'a' has no spread"),
        (lambda: consistency({"a": {"a": [[1], [np.nan]]}}, {"a": 1}), "NaN"),
        (lambda: consistency({"a": {"a": [[1]]}, "b": {"b": [[1], [2]]}}, {"a": 1, "b": 1}), "a 1, b 2"),
        (lambda: restrictiveness({"a": {"a": [[1, 2]]}}, {"a": 1}), "about other attributes, and none"),
        (lambda: restrictiveness({"a": {"a": [[1, 2]], "b": [[1]]}}, {"a": 1, "b": 1}), r"a \[1, 2\], b \[1, 1\]"),
        (lambda: linearity([0, 1], {"a": {"a": [[1, 2]]}}), "at least 3 different"),
        (lambda: linearity([0, 1, 2], {"a": {"a": [[1, 2]]}}), "measured at 2 positions; there are 3"),
        (lambda: slider_leakage({}, {"a": {"a": [[1]], "b": [[1]]}}, {"a": 1, "b": 1}), "'a' was measured along"),
        (lambda: slider_leakage({"a": [1]}, {"a": {"a": [[1]]}}, {"a": 1}), "into other attributes, and none"),
        (lambda: slider_leakage({"a": [1, 2]}, {"a": {"a": [[1]]}}, {"a": 1}), "2 values before, and 1 examples"),
    ],
)
def test_slider_metrics_refuse(call, message):
    with pytest.raises(DataError, match=message):
        call()


def test_monotonicity_has_an_interval_over_examples():
    draw = np.random.default_rng(0)
    score = monotonicity(SLIDER, {"a": SLIDER + 3 * draw.standard_normal((200, 10))}, seed=1)
    again = monotonicity(SLIDER, {"a": SLIDER + 3 * np.random.default_rng(0).standard_normal((200, 10))}, seed=1)
    assert score == again
    assert score.interval is not None
    assert score.interval[0] < score.value < score.interval[1]
    assert score.intervals == {"a": score.interval}
    assert monotonicity(SLIDER, {"a": SLIDER[None]}).interval is None
    assert monotonicity(SLIDER, {"a": [SLIDER, SLIDER]}, resamples=0).interval is None


# --- what must not change a score ------------------------------------------------------------------------------------

some = settings(max_examples=15, deadline=None, derandomize=True, database=None)
seeds = st.integers(0, 10_000)


@some
@given(seeds)
def test_an_edit_that_does_nothing(seed):
    x = np.random.default_rng(seed).standard_normal((20, 5))
    names = dict(zip("abcde", x.T, strict=True))
    width = dict.fromkeys("abcde", 0.3)
    assert leakage(names, names, width).value == 0.0
    assert change(names, names, width).value == 0.0
    assert zmse(x, x, np.full(5, 0.1)).value == 0.0
    assert nearest_neighbour_identity(x, x).value == 1.0
    assert preserved_class(np.arange(20) % 4, np.arange(20) % 4).value == 1.0
    assert success(names, names, 0.0).value == 1.0
    assert realism_shift(np.abs(np.tanh(x[:, 0])), np.abs(np.tanh(x[:, 0]))).value == 0.0
    assert diversity(x, np.arange(20) % 4, x, np.arange(20) % 4).value == pytest.approx(1.0, abs=1e-12)


def all_of(before, after, width, goal, codes, order):
    """Every score of an edit, of examples in some order."""
    before = {name: values[order] for name, values in before.items()}
    after = {name: values[order] for name, values in after.items()}
    start, end, classes = codes[0][order], codes[1][order], np.sign(codes[0][order, 0]) > 0
    return [
        success(after, goal, 0.5, spread=width).value,
        leakage(before, after, width).value,
        change(before, after, width).value,
        zmse(end, start, [0.2, 0.4, 0.6]).value,
        nearest_neighbour_identity(start, end).value,
        preserved_class(classes, np.sign(end[:, 0]) > 0).value,
        diversity(end, classes, start, classes).value,
    ]


@some
@given(seeds, st.integers(-8, 8), st.integers(-8, 8))
def test_order_of_examples_and_units_do_not_matter(seed, power, shift):
    draw = np.random.default_rng(seed)
    codes = draw.standard_normal((2, 40, 3))
    codes[1] = codes[0] + 0.3 * codes[1]
    before, after = (dict(zip("abc", side.T, strict=True)) for side in codes)
    width, goal = {"a": 1.0, "b": 0.5, "c": 2.0}, {"a": 0.5, "b": -0.25}
    scores = all_of(before, after, width, goal, codes, np.arange(40))
    assert all_of(before, after, width, goal, codes, draw.permutation(40)) == pytest.approx(scores, abs=1e-9)
    unit = 2.0**power
    moved = [{name: unit * (column + shift) for name, column in side.items()} for side in (before, after)]
    goals = {name: unit * (value + shift) for name, value in goal.items()}
    widths = {name: unit * value for name, value in width.items()}
    assert all_of(*moved, widths, goals, codes, np.arange(40)) == pytest.approx(scores, abs=1e-9)


@some
@given(seeds, st.floats(0.01, 100), st.floats(-50, 50))
def test_sliders_in_other_units_and_orders(seed, unit, shift):
    draw = np.random.default_rng(seed)
    own, other = SLIDER + draw.standard_normal((2, 30, 10))
    found, width = responses_of(own, other), {"a": 1.5, "b": 4.0}
    rows, places = draw.permutation(30), draw.permutation(10)
    moved = responses_of(unit * own[rows][:, places] + shift, other[rows][:, places])
    widths = {"a": 1.5 * unit, "b": 4.0}
    assert consistency(moved, widths).value == pytest.approx(consistency(found, width).value, abs=1e-9)
    assert restrictiveness(moved, widths).value == pytest.approx(restrictiveness(found, width).value, abs=1e-9)
    straight = linearity(SLIDER, found).value
    assert linearity(unit * SLIDER[places] - shift, moved).value == pytest.approx(straight, abs=1e-9)
    assert 0.0 <= straight <= 1.0


@some
@given(seeds)
def test_the_same_seed_gives_the_same_interval(seed):
    values = {"a": np.random.default_rng(seed).standard_normal(30)}
    zeros = {"a": np.zeros(30)}
    assert leakage(zeros, values, {"a": 1.0}, seed=seed) == leakage(zeros, values, {"a": 1.0}, seed=seed)
    low, high = leakage(zeros, values, {"a": 1.0}, seed=seed).interval or (0.0, 0.0)
    assert 0 < low < high

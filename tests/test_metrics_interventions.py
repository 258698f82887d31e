"""The FactorVAE score, the β-VAE score and IRS against slow second versions, known answers and their own traps."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from latune.metrics import NotApplicable, beta_vae, factor_vae, gather, irs
from latune.metrics.beta_vae import linear_discriminant
from latune.metrics.interventions import by_value, each_by_value, equal_counts, used_dims

NAMES = ["a", "b"]
ALL = [factor_vae, beta_vae, irs]


def normal(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


def crossed(levels: int, repeats: int = 1) -> np.ndarray:
    """Every combination of two classes, each as often."""
    return np.tile(np.stack(np.divmod(np.arange(levels**2), levels), axis=1).astype(float), (repeats, 1))


def entangled(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three attributes with ten classes, and codes that lean on them with different strengths, and an idle dim."""
    draw = np.random.default_rng(seed)
    classes = draw.integers(0, 10, (n, 3)).astype(float)
    mix = np.array([[1.0, 0.4, 0.6], [0.5, 1.0, 0.5], [0.3, 0.7, 1.0]])
    codes = classes @ mix * [1.0, 20.0, 0.01] + draw.standard_normal((n, 3)) * [3.0, 40.0, 0.05]
    return np.concatenate([codes, draw.standard_normal((n, 1))], axis=1), classes


def turned(angle: float, attributes: np.ndarray) -> np.ndarray:
    """Two attributes turned in their plane by so many degrees, and a little noise, so that there are no ties."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return attributes @ np.array([[c, -s], [s, c]]) + 0.1 * attributes.std() * normal(*attributes.shape)


# --- examples of equal value ------------------------------------------------------------------------------------------


def test_classes_are_what_they_are_and_single_examples_are_left_out():
    alike = by_value(np.array([3.0, -1.0, 3.0, np.nan, -1.0, 8.0, 3.0]), is_class=True)
    assert alike.rows.tolist() == [0, 1, 2, 4, 6]
    assert alike.label.tolist() == [1, 0, 1, 0, 1]
    assert alike.members.tolist() == [1, 4, 0, 2, 6]
    assert alike.members[alike.place].tolist() == alike.rows.tolist()
    assert alike.size.tolist() == [3, 2, 3, 2, 3]
    assert alike.first.tolist() == [2, 0, 2, 0, 2]


def test_continuous_attributes_are_cut_into_bins_of_equal_count():
    column = normal(1000, 1)[:, 0]
    alike = by_value(column, is_class=False)
    assert np.bincount(alike.label).tolist() == [50] * 20
    assert by_value(np.exp(3 * column), is_class=False).label.tolist() == alike.label.tolist()
    assert (19 - by_value(-column, is_class=False).label).tolist() == alike.label.tolist()
    few = by_value(normal(43, 1)[:, 0], is_class=False)
    assert np.bincount(few.label).min() >= 5
    assert len(np.bincount(few.label)) == 8  # 43 // 5
    levels = by_value(np.repeat([0.0, 1.0, 2.0], [500, 300, 200]), is_class=False)
    assert np.bincount(levels.label).tolist() == [500, 300, 200]  # equal values are never parted


def test_groups_and_pairs_are_drawn_evenly_from_the_class_of_an_example():
    column = np.repeat([0.0, 1.0], [30, 10])[np.random.default_rng(0).permutation(40)]
    alike, draws = by_value(column, is_class=True), np.random.default_rng(0)
    groups = alike.groups(draws, 4000, 12)
    assert (column[groups] == column[groups[:, :1]]).all()
    assert column[groups[:, 0]].mean() == pytest.approx(0.25, abs=0.03)  # by how many examples have the value
    assert np.bincount(groups.ravel(), minlength=40) / groups.size == pytest.approx(1 / 40, abs=0.004)
    one, other = alike.pairs(draws, 4000, 12)
    assert (column[one] == column[other]).all()
    assert (one != other).all()
    assert np.bincount(one.ravel(), minlength=40) / one.size == pytest.approx(1 / 40, abs=0.004)
    assert np.bincount(other.ravel(), minlength=40) / one.size == pytest.approx(1 / 40, abs=0.004)


def test_resampled_examples_keep_their_class_and_its_share():
    column = np.repeat([0.0, 1.0, 2.0], [400, 200, 3])
    alike = by_value(column, is_class=True)
    again, draws = alike.resampled(np.random.default_rng(0), 0.25), np.random.default_rng(1)
    first, second = next(again), next(again)
    assert np.bincount(first.label).tolist() == [100, 50, 2]
    assert (column[first.members] == first.label).all()
    assert not np.array_equal(first.members, second.members)
    assert len(np.unique(first.members[:100])) < 100  # with replacement
    groups = first.groups(draws, 500, 8)
    assert (column[groups] == column[groups[:, :1]]).all()
    assert np.isin(groups, first.members).all()


@pytest.mark.parametrize("kind", ["normal", "ten classes", "fifty classes", "heavy tails", "rare classes"])
@pytest.mark.parametrize("n", [60, 400, 3000])
def test_dims_that_tell_nothing_are_never_taken_as_used(n, kind):
    draw = np.random.default_rng(n)
    codes = np.concatenate(
        [draw.standard_normal((n, 20)), draw.standard_cauchy((n, 10)), draw.integers(0, 3, (n, 10))], 1
    )
    values = {
        "normal": draw.standard_normal((n, 2)),
        "ten classes": draw.integers(0, 10, (n, 2)),
        "fifty classes": draw.integers(0, 50, (n, 2)),
        "heavy tails": draw.standard_cauchy((n, 2)),
        "rare classes": np.where(draw.random((n, 2)) < 0.1, draw.integers(0, 9, (n, 2)), 99),
    }[kind]
    evidence = gather(codes, values, NAMES, ["classes" in kind] * 2)
    assert not used_dims(evidence, each_by_value(evidence)).any()


def test_used_dims_are_those_that_nearest_neighbours_find():
    draw = np.random.default_rng(0)
    z = draw.standard_normal((2000, 6))
    values = np.stack([z[:, 0] + 0.5 * z[:, 1], np.abs(z[:, 2]) + 0.3 * draw.standard_normal(2000)], axis=1)
    evidence = gather(z, values, NAMES)
    used = used_dims(evidence, each_by_value(evidence))
    assert used.tolist() == evidence.used.tolist() == [True, True, True, False, False, False]
    stretched = gather(np.sinh(3 * z), values, NAMES)
    assert used_dims(stretched, each_by_value(stretched)).tolist() == used.tolist()


def test_equal_counts_of_ties_is_the_bin_of_their_mean_rank():
    assert equal_counts(np.array([[1.0], [1.0], [1.0], [2.0]]), 4).ravel().tolist() == [1, 1, 1, 3]


# --- FactorVAE score --------------------------------------------------------------------------------------------------


def slow_factor_vae(codes: np.ndarray, classes: np.ndarray, votes: int, seed: int = 0) -> float:
    """One vote after another, as the paper has it, on the dims given."""
    draw = np.random.default_rng(seed)
    tables = np.zeros((2, classes.shape[1], codes.shape[1]))
    variance = codes.var(axis=0)
    for table in tables:
        for _ in range(votes):
            attribute = draw.integers(classes.shape[1])
            value = classes[draw.integers(len(classes)), attribute]
            group = draw.choice(np.flatnonzero(classes[:, attribute] == value), 64)
            table[attribute, (codes[group].var(axis=0) / variance).argmin()] += 1
    answers = tables[0].argmax(axis=0)
    return sum(tables[1][answer, dim] for dim, answer in enumerate(answers)) / votes


def test_factor_vae_equals_one_vote_after_another():
    codes, classes = entangled(2000)
    score = factor_vae(codes, classes, ["a", "b", "c"], [True] * 3)
    slow = slow_factor_vae(codes[:, :3], classes, votes=4000)
    assert 0.7 < slow < 0.95
    assert score.value == pytest.approx(slow, abs=0.03)  # four deviations of both
    assert score.value == pytest.approx(np.mean([*score.per_attribute.values()]), abs=1e-12)
    assert score.detail["dim"] == {"a": 0, "b": 1, "c": 2}
    assert score.detail["unused_dims"] == [3]
    assert all(votes[3] == 0 and sum(votes) == 3333 for votes in score.detail["votes"].values())


@pytest.mark.parametrize(("angle", "expected"), [(0, 1.0), (30, 1.0), (45, 0.5)])
def test_factor_vae_of_turned_attributes(angle, expected):
    """Only the winner counts: a code that mixes both attributes in every dim scores 1 until neither leads."""
    attributes = crossed(20, repeats=20)
    score = factor_vae(turned(angle, attributes), attributes, NAMES, [True, True])
    assert score.value == pytest.approx(expected, abs=0.03)


def test_factor_vae_forgives_two_dims_of_one_attribute_and_not_one_dim_of_two():
    attributes = crossed(10, repeats=5)
    assert factor_vae(attributes[:, [0, 0, 1]], attributes, NAMES, [True, True]).value == 1.0
    lone = factor_vae(attributes[:, :1], attributes, NAMES, [True, True])  # one voter: one attribute is always right
    assert (lone.value, lone.per_attribute) == (0.5, {"a": 1.0, "b": 0.0})


# --- β-VAE score ------------------------------------------------------------------------------------------------------


def slow_points(codes: np.ndarray, classes: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean distances of pairs, one point after another."""
    draw = np.random.default_rng(seed)
    points, labels = np.empty((count, codes.shape[1])), draw.integers(0, classes.shape[1], count)
    same = [{value: np.flatnonzero(column == value) for value in np.unique(column)} for column in classes.T]
    for point, attribute in zip(points, labels, strict=True):
        total = np.zeros(codes.shape[1])
        for first in draw.integers(0, len(codes), 64):
            members, other = same[attribute][classes[first, attribute]], first
            while other == first:
                other = members[draw.integers(len(members))]
            total += np.abs(codes[first] - codes[other])
        point[:] = total / 64
    return points, labels


def test_beta_vae_equals_pairs_one_by_one_and_logistic_regression():
    codes, classes = entangled(1000)
    codes[:, :3] += 0.7 * codes.std(axis=0)[:3] * normal(1000, 3, seed=5)  # harder to tell
    score = beta_vae(codes, classes, ["a", "b", "c"], [True] * 3)
    shown, labels = slow_points(codes[:, score.detail["dims"]], classes, 1000, seed=1)
    held, answers = slow_points(codes[:, score.detail["dims"]], classes, 1000, seed=2)
    machine = LogisticRegression().fit(shown / shown.std(axis=0), labels)
    slow = machine.score(held / shown.std(axis=0), answers)
    assert 0.45 < slow < 0.9
    assert score.value == pytest.approx(slow, abs=0.05)


def test_linear_discriminant_equals_scikit_learn():
    draw = np.random.default_rng(0)
    points = draw.standard_normal((3, 200, 4)) @ draw.standard_normal((4, 4)) + draw.standard_normal((3, 1, 4))
    weights, offset = linear_discriminant(points)
    theirs = LinearDiscriminantAnalysis().fit(points.reshape(600, 4), np.repeat([0, 1, 2], 200))
    held = 2 * draw.standard_normal((500, 4))
    assert ((held @ weights + offset).argmax(axis=1) == theirs.predict(held)).mean() > 0.995


def test_beta_vae_is_one_although_an_attribute_has_no_dim():
    """Kim & Mnih's objection: all dims moving gives the last attribute away."""
    attributes = crossed(10, repeats=5)
    score = beta_vae(attributes[:, :1], attributes, NAMES, [True, True])
    assert score.value == 1.0
    assert factor_vae(attributes[:, :1], attributes, NAMES, [True, True]).value == 0.5


@pytest.mark.parametrize(("angle", "expected"), [(0, 1.0), (30, 1.0), (45, 0.5)])
def test_beta_vae_of_turned_attributes(angle, expected):
    attributes = crossed(20, repeats=20)
    score = beta_vae(turned(angle, attributes), attributes, NAMES, [True, True])
    assert score.value == pytest.approx(expected, abs=0.03)
    assert score.detail["chance"] == 0.5


# --- IRS --------------------------------------------------------------------------------------------------------------


def slow_irs(codes: np.ndarray, classes: np.ndarray) -> tuple[float, np.ndarray]:
    """Class by class, by the definition."""
    largest = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    moved = np.zeros((codes.shape[1], classes.shape[1]))
    for attribute, column in enumerate(classes.T):
        for value in np.unique(column):
            own = codes[column == value]
            moved[:, attribute] += np.quantile(np.abs(own - own.mean(axis=0)), 0.99, axis=0) * len(own) / len(codes)
    robust = 1 - moved / largest[:, None]
    return float(np.average(robust.max(axis=1), weights=largest)), robust


def test_irs_equals_its_definition():
    codes, classes = entangled(2000)
    slow, robust = slow_irs(codes[:, :3], classes)
    score = irs(codes, classes, ["a", "b", "c"], [True] * 3)
    assert score.value == pytest.approx(slow, abs=1e-12)
    np.testing.assert_allclose(score.detail["per_dim"][:3], robust.max(axis=1), rtol=0, atol=1e-12)
    assert score.detail["attribute"] == [*np.array(["a", "b", "c"])[robust.argmax(axis=1)], None]
    assert score.detail["equal_weights"] == pytest.approx(robust.max(axis=1).mean(), abs=1e-12)
    assert score.per_attribute == {}


def test_irs_by_hand():
    """Ten crossed classes. Dim 0 is a: never moves. Dim 1 is a + b, of means 0 to 9 around 9: while a is held it moves
    by up to 4.5, of which the .99 quantile over ten equal values is 4.5; its largest deviation is 9."""
    attributes = crossed(10, repeats=10)
    codes = np.stack([attributes[:, 0], attributes.sum(axis=1)], axis=1)
    score = irs(codes, attributes, NAMES, [True, True])
    assert score.detail["per_dim"] == [1.0, 0.5]
    assert score.value == pytest.approx((4.5 * 1.0 + 9 * 0.5) / 13.5, abs=1e-12)
    assert score.detail["equal_weights"] == 0.75
    assert (
        irs(codes * [1.0, 0.001], attributes, NAMES, [True, True]).value > 0.99
    )  # the weights are in the codes' units


def test_irs_counts_classes_by_how_often_they_occur():
    codes = np.concatenate([np.zeros(90), np.tile([-1.0, 1.0], 5)])[:, None]
    values = np.stack([np.repeat([0.0, 1.0], [90, 10]), np.tile([0.0, 1.0], 50)], axis=1)
    score = irs(codes, values, NAMES, [True, True])
    assert score.value == pytest.approx(0.9, abs=1e-12)  # still in nine of ten
    assert score.detail["attribute"] == ["a"]


def test_noise_would_look_robust_and_is_not_scored():
    z = normal(2000, 4)
    assert 0.2 < slow_irs(z[:, 2:], equal_counts(z[:, :2], 20))[0] < 0.45
    score = irs(z, z[:, :2], NAMES)
    assert score.detail["dims"] == [0, 1]
    assert score.detail["per_dim"][2:] == [0.0, 0.0]
    assert score.value > 0.8


# --- all three --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ALL)
def test_perfect_codes_score_one_and_noise_zero(metric):
    attributes = crossed(10, repeats=10)
    perfect = metric(attributes[:, [1, 0]] * [-3.0, 1e-3], attributes, NAMES, [True, True])
    assert (perfect.value, perfect.interval) == (1.0, (1.0, 1.0))
    noise = metric(normal(1000, 5), attributes, NAMES, [True, True])
    assert (noise.value, noise.interval) == (0.0, (0.0, 0.0))
    assert noise.detail["dims"] == []
    assert noise.detail["unused_dims"] == [0, 1, 2, 3, 4]
    assert json.loads(json.dumps(noise.as_dict())) == noise.as_dict()


@pytest.mark.parametrize("metric", ALL)
def test_only_known_rows_of_an_attribute_are_drawn(metric):
    """Where an attribute is not known, its dim says something else; that must not be seen."""
    attributes = crossed(10, repeats=20)
    codes, values = attributes.copy(), attributes.copy()
    hidden = np.random.default_rng(0).permutation(2000)[:600]
    codes[hidden, 1] = 9 - codes[hidden, 1]
    assert metric(codes, values, NAMES, [True, True]).value < 1.0 or metric is beta_vae  # which forgives it
    values[hidden, 1] = np.nan
    score = metric(codes, values, NAMES, [True, True])
    assert score.value == pytest.approx(1.0, abs=1e-12)
    if score.per_attribute:
        assert score.detail["rows"] == {"a": 2000, "b": 1400}


@pytest.mark.parametrize("metric", ALL)
def test_a_dim_that_is_constant_where_an_attribute_is_known_says_nothing_of_it(metric):
    attributes = crossed(10, repeats=20)
    half = np.arange(2000) < 1000
    codes = np.stack([attributes[:, 0], np.where(half, 0.1, attributes[:, 1])], axis=1)  # dim 1 is off in one half
    values = np.stack([np.where(half, attributes[:, 0], np.nan), attributes[:, 1]], axis=1)  # a is known in that half
    score = metric(codes, values, NAMES, [True, True])
    assert score.detail["dims"] == [0, 1]
    assert score.detail.get("dim", {"a": 0})["a"] == 0
    assert score.detail.get("attribute", ["a"])[0] == "a"
    assert score.per_attribute.get("a", 1.0) == 1.0


@pytest.mark.parametrize("metric", ALL)
def test_one_attribute_is_always_guessed_right_and_so_refused(metric):
    with pytest.raises(NotApplicable, match="compares at least 2 attributes; got 1"):
        metric(normal(100, 2), normal(100, 1), ["a"])


@pytest.mark.parametrize("metric", ALL)
def test_five_rows_are_enough_for_a_number(metric):
    score = metric(normal(5, 2), normal(5, 2, seed=1), NAMES)
    assert 0.0 <= score.value <= 1.0
    assert score.interval is not None


@pytest.mark.parametrize("metric", ALL)
def test_intervals_say_how_much_other_examples_change_the_score(metric):
    """Of 25 data sets' intervals, nearly all hold the mean over data sets; and they are not wide beyond use."""
    scores = [metric(*entangled(1000, seed), ["a", "b", "c"], [True] * 3, seed, 30) for seed in range(25)]
    values, ends = np.array([s.value for s in scores]), np.array([s.interval for s in scores])
    held = (ends[:, 0] <= values.mean()) & (values.mean() <= ends[:, 1])
    assert held.mean() >= 0.85
    assert (ends[:, 1] - ends[:, 0]).mean() < 3 * 3.92 * values.std(ddof=1) + 0.01
    assert ((ends[:, 0] <= values) & (values <= ends[:, 1])).all()
    for score in scores[:3]:
        for name, (low, high) in score.intervals.items():
            assert 0 <= low <= score.per_attribute[name] <= high <= 1


@pytest.mark.parametrize("metric", ALL)
def test_without_resamples_there_is_no_interval_and_the_same_value(metric):
    codes, classes = entangled(400)
    arguments = (codes, classes, ["a", "b", "c"], [True] * 3)
    bare, full = metric(*arguments, resamples=0), metric(*arguments, resamples=20)
    assert bare.interval is None
    assert bare.intervals == {}
    assert bare.value == full.value
    assert metric(*arguments, resamples=20) == full
    assert metric(*arguments, seed=1, resamples=20).interval != full.interval

"""Nearest-neighbour precision and recall, and the Fréchet distance, against known answers and slower computations."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from latune.errors import DataError
from latune.metrics.bootstrap import Resamples
from latune.metrics.distances import Distances
from latune.metrics.frechet import feature_spread, frechet_distance, gaussian_frechet
from latune.metrics.precision_recall import density_coverage, precision_recall


def normal(n, d, seed, shift=0.0):
    return np.random.default_rng([seed, n, d]).normal(size=(n, d)) + shift


def values(scores):
    return {name: score.value for name, score in scores.items()}


# --- precision and recall ---------------------------------------------------------------------------------------------


def by_brute_force(real, generated, k):
    """Precision, recall, density and coverage with k neighbours, from whole matrices of distances."""
    from scipy.spatial.distance import cdist

    between = cdist(real, generated)  # (n, m)
    radii = [np.sort(cdist(a, a), axis=1)[:, k] for a in (real, generated)]
    inside_real, inside_generated = between <= radii[0][:, None], between <= radii[1]
    return {
        "precision": inside_real.any(0).mean(),
        "recall": inside_generated.any(1).mean(),
        "density": inside_real.sum() / (k * len(generated)),
        "coverage": inside_real.any(1).mean(),
    }


@pytest.mark.parametrize("k", [1, 3, 7])
@pytest.mark.parametrize(("n", "m", "d"), [(30, 50, 2), (700, 400, 5), (40, 1100, 64)])
def test_all_four_agree_with_whole_matrices(n, m, d, k):
    real, generated = normal(n, d, 0), 0.8 * normal(m, d, 1, shift=0.3)
    want = by_brute_force(real, generated, k)
    got = values(precision_recall(real, generated, k)) | values(density_coverage(real, generated, k))
    assert got == pytest.approx(want, abs=1e-12)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr("latune.metrics.distances.BLOCK", {"cpu": (7, 5)})


def test_the_size_of_blocks_does_not_count(small_blocks):
    real, generated = normal(60, 3, 0), normal(44, 3, 1)
    want = by_brute_force(real, generated, 6)  # more neighbours than a block has columns
    got = values(precision_recall(real, generated, 6)) | values(density_coverage(real, generated, 6))
    assert got == pytest.approx(want, abs=1e-12)


def test_blocks_cover_each_pair_once(small_blocks):
    a, b = normal(20, 4, 0), normal(13, 4, 1)
    distances = Distances(torch.from_numpy(a), torch.from_numpy(b), torch.float64)
    got = torch.full((20, 13), torch.nan, dtype=torch.float64)
    for rows, row in distances:
        for columns, block in row:
            assert got[rows, columns].isnan().all()
            got[rows, columns] = block
    assert np.allclose(got.numpy() * distances.scale**2, np.square(a[:, None] - b).sum(-1), atol=1e-12)


def test_the_same_distribution_scores_near_the_top():
    real, generated = normal(2000, 4, 0), normal(2000, 4, 1)
    both = values(precision_recall(real, generated)) | values(density_coverage(real, generated))
    assert both["precision"] > 0.85 and both["recall"] > 0.85
    assert both["density"] == pytest.approx(1, abs=0.05)
    assert both["coverage"] == pytest.approx(1 - 2**-5, abs=0.02)  # Naeem et al. 2020, lemma 1 for sets of one size


def test_sets_apart_score_nothing():
    real, generated = normal(300, 4, 0), normal(300, 4, 1, shift=50.0)
    both = values(precision_recall(real, generated)) | values(density_coverage(real, generated))
    assert both == {"precision": 0.0, "recall": 0.0, "density": 0.0, "coverage": 0.0}


def test_a_dropped_mode_costs_recall_and_coverage_alone():
    real = np.concatenate([normal(1000, 3, 0), normal(1000, 3, 1, shift=30.0)])
    generated = normal(2000, 3, 2)
    both = precision_recall(real, generated)
    assert both["precision"].value > 0.9 and both["recall"].value == pytest.approx(0.5, abs=0.06)
    other = density_coverage(real, generated)
    assert other["coverage"].value == pytest.approx(0.5, abs=0.02)
    assert other["density"].value == pytest.approx(1, abs=0.1)


def test_an_invented_mode_costs_precision_and_density_alone():
    generated = np.concatenate([normal(1000, 3, 0), normal(1000, 3, 1, shift=30.0)])
    both = precision_recall(normal(1000, 3, 2), generated)
    assert both["precision"].value == pytest.approx(0.5, abs=0.06) and both["recall"].value > 0.85


def test_one_good_sample_repeated_has_precision_and_no_recall():
    real = normal(500, 3, 0)
    both = precision_recall(real, np.repeat(real[:1], 100, axis=0))
    assert both["precision"].value == 1.0 and both["recall"].value == pytest.approx(1 / 500)
    assert density_coverage(real, np.repeat(real[:1], 100, axis=0))["coverage"].value < 0.05


def test_copies_of_the_data_lie_inside():
    real = normal(400, 6, 0).astype(np.float32)
    assert values(precision_recall(real, real.copy())) == {"precision": 1.0, "recall": 1.0}
    twice = np.repeat(real[:100], 5, axis=0)  # balls of radius 0, and rows that touch their edge
    assert values(precision_recall(twice, twice)) == {"precision": 1.0, "recall": 1.0}
    assert density_coverage(twice, twice, 4)["coverage"].value == 1.0


@settings(max_examples=10, deadline=None)
@given(st.floats(0.01, 100), st.floats(-100, 100), st.integers(0, 2**31))
def test_shifts_rotations_units_and_order_do_not_count(factor, shift, seed):
    draw = np.random.default_rng(seed)
    real, generated = draw.normal(size=(60, 3)), draw.normal(size=(50, 3))
    turn = np.linalg.qr(draw.normal(size=(3, 3)))[0]
    changed = [draw.permutation(factor * rows @ turn + shift) for rows in (real, generated)]
    for metric in (precision_recall, density_coverage):
        assert values(metric(*changed)) == pytest.approx(values(metric(real, generated)), abs=1e-12)


def test_intervals_are_those_of_shares():
    scores = precision_recall(normal(300, 3, 0), normal(400, 3, 1, shift=0.7))
    for score, n in ((scores["precision"], 400), (scores["recall"], 300)):
        half = 1.96 * math.sqrt(score.value * (1 - score.value) / n)
        assert score.interval is not None
        assert score.interval == pytest.approx((score.value - half, score.value + half), abs=0.6 * half)
        json.dumps(score.as_dict(), allow_nan=False)
    assert precision_recall(normal(30, 3, 0), normal(40, 3, 1), resamples=0)["recall"].interval is None


@pytest.mark.parametrize(
    ("real", "generated", "k", "message"),
    [
        (np.zeros((5, 2)), np.zeros((5, 3)), 1, "2 numbers a row, the generated ones 3"),
        (np.zeros((5, 2)), np.zeros((3, 2)), 3, "more than 3 rows in each set. Got 5 real and 3 generated"),
        (np.zeros((5, 2)), np.zeros((5, 2)), 0, "1 or more"),
        (np.zeros((5, 2)), np.full((5, 2), np.nan), 1, "generated features hold 10 values"),
        (np.zeros((0, 2)), np.zeros((5, 2)), 1, "real features are empty"),
        (np.zeros(5), np.zeros((5, 2)), 1, "one row or image an example"),
    ],
)
def test_features_that_cannot_be_compared_are_refused(real, generated, k, message):
    for metric in (precision_recall, density_coverage):
        with pytest.raises(DataError, match=message):
            metric(real, generated, k)


# --- the Fréchet distance ---------------------------------------------------------------------------------------------


def random_covariance(d, seed, rank=None):
    root = np.random.default_rng(seed).normal(size=(d, rank or 2 * d))
    return root @ root.T / (rank or 2 * d)


@pytest.mark.parametrize("seed", range(3))
def test_diagonal_covariances_have_a_closed_form(seed):
    draw = np.random.default_rng(seed)
    a, b = draw.normal(size=(2, 6))
    s, t = draw.uniform(0, 3, (2, 6))
    s[0] = t[1] = s[2] = t[2] = 0.0
    want = np.square(a - b).sum() + np.square(s - t).sum()
    assert gaussian_frechet(a, np.diag(s**2), b, np.diag(t**2)) == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("d", [1, 2, 8, 33])
def test_against_scipys_matrix_square_root(d):
    from scipy.linalg import sqrtm

    a, b = random_covariance(d, 0), random_covariance(d, 1)
    product = np.atleast_2d(sqrtm(a @ b))
    want = d * 0.25 + np.trace(a) + np.trace(b) - 2 * np.trace(product).real
    got = gaussian_frechet(np.zeros(d), a, np.full(d, 0.5), b)
    assert got == pytest.approx(want, rel=1e-9)
    assert got == pytest.approx(gaussian_frechet(np.full(d, 0.5), b, np.zeros(d), a), rel=1e-12)


def test_singular_covariances_lose_no_digits():
    thin = random_covariance(20, 0, rank=3)
    assert gaussian_frechet(np.zeros(20), thin, np.zeros(20), thin) < 1e-12
    # two planes that do not meet: nothing overlaps
    first, second = np.diag([4.0, 1.0, 0.0, 0.0]), np.diag([0.0, 0.0, 9.0, 1.0])
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    got = gaussian_frechet(np.zeros(4), turn @ first @ turn.T, np.zeros(4), turn @ second @ turn.T)
    assert got == pytest.approx(15.0, abs=1e-12)
    scaled = gaussian_frechet(np.zeros(20), thin, np.zeros(20), 4 * thin)
    assert scaled == pytest.approx(np.trace(thin), rel=1e-12)  # (2 - 1)^2 of each variance


def test_features_that_are_equal_shifted_turned_and_scaled():
    rows, other = normal(500, 6, 0), normal(400, 6, 1) @ np.diag([1, 2, 1, 0.5, 1, 1])
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    assert frechet_distance(rows, rows[::-1]).value == 0.0
    assert frechet_distance(rows, rows + 2).value == pytest.approx(24)
    there = frechet_distance(rows, other)
    assert frechet_distance(other, rows).value == pytest.approx(there.value, rel=1e-12)
    assert frechet_distance(rows @ turn + 5, other @ turn + 5).value == pytest.approx(there.value, rel=1e-10)
    assert frechet_distance(3 * rows, 3 * other).value == pytest.approx(9 * there.value, rel=1e-10)
    assert there.value == pytest.approx(there.detail["means"] + there.detail["covariances"])
    assert frechet_distance(torch.from_numpy(rows).float(), other).value == pytest.approx(there.value, rel=1e-5)
    json.dumps(there.as_dict(), allow_nan=False)


def test_large_sets_reach_the_distance_of_their_distributions():
    wide = 2 * normal(40_000, 3, 1, shift=0.5)
    assert frechet_distance(normal(40_000, 3, 0), wide).value == pytest.approx(3 * 1.0 + 3 * 1.0, rel=0.03)


def test_too_few_rows_are_said_and_bias_the_distance_upwards():
    few = frechet_distance(normal(20, 32, 0), normal(5000, 32, 1))
    assert [note.split(":")[0] for note in few.detail["notes"]] == [
        "The real set has 20 rows for 32 dimensions"
    ] and few.value > 5
    assert frechet_distance(normal(5000, 32, 0), normal(5000, 32, 1)).detail["notes"] == []


@pytest.mark.parametrize(
    ("real", "generated", "message"),
    [
        (np.zeros((1, 2)), np.zeros((5, 2)), "two rows or more"),
        (np.zeros((5, 2)), np.zeros((5, 3)), "2 numbers a row, the generated ones 3"),
        (np.zeros((5, 2)), np.full((5, 2), np.inf), "NaN, infinite"),
        (np.zeros((5, 2, 2)), np.zeros((5, 2)), r"\[n, d\]"),
    ],
)
def test_sets_without_a_covariance_are_refused(real, generated, message):
    with pytest.raises(DataError, match=message):
        frechet_distance(real, generated)


@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        (np.eye(3), "Got shapes"),
        (np.array([[1.0, 0.5], [0.0, 1.0]]), "symmetric"),
        (np.array([[1.0, 2.0], [2.0, 1.0]]), "negative eigenvalue"),
    ],
)
def test_what_is_no_covariance_is_refused(covariance, message):
    with pytest.raises(DataError, match=message):
        gaussian_frechet(np.zeros(2), covariance, np.zeros(2), np.eye(2))


# --- the spread of features -------------------------------------------------------------------------------------------


def test_spread_is_the_root_of_the_trace_of_the_covariance():
    rows, classes = normal(300, 5, 0), np.arange(300) % 3
    rows[classes == 1] *= 4
    rows[classes == 2] += 100
    score = feature_spread(rows, classes)
    want = {str(k): math.sqrt(np.trace(np.cov(rows[classes == k].T))) for k in range(3)}
    assert score.detail["by_class"] == pytest.approx(want, rel=1e-12)
    assert score.value == pytest.approx(np.mean(list(want.values())))
    assert score.detail["overall"] == pytest.approx(math.sqrt(np.trace(np.cov(rows.T))))
    assert score.detail["rows"] == {"0": 100, "1": 100, "2": 100}
    assert score.interval is not None and score.interval[0] < score.value < score.interval[1]
    json.dumps(score.as_dict(), allow_nan=False)


def test_the_interval_of_a_spread_is_that_of_resampled_rows():
    rows = normal(80, 2, 0)
    score = feature_spread(rows, np.zeros(80, int), seed=3)
    again = []
    for counts in Resamples(80, seed=3).counts:
        drawn = np.repeat(rows, counts, axis=0)
        again.append(math.sqrt(np.square(drawn - drawn.mean(0)).sum() / 80 * 80 / 79))
    assert score.interval == pytest.approx(tuple(np.quantile(again, [0.025, 0.975])), rel=1e-9)


def test_one_look_a_class_has_no_spread():
    classes = np.array(["cat", "dog", "cat", "dog", "owl"])
    looks = {"cat": [1e6, 2.0], "dog": [3.0, -5e6], "owl": [0.0, 0.0]}
    score = feature_spread([looks[name] for name in classes], classes)
    assert score.value == 0.0 and score.detail["by_class"] == {"cat": 0.0, "dog": 0.0}
    assert score.detail["single"] == ["owl"] and score.detail["overall"] > 1e6


def test_tensors_and_real_class_indices_are_taken():
    rows = normal(40, 3, 0)
    classes = torch.arange(40) % 2
    score = feature_spread(torch.from_numpy(rows), classes.float())
    assert score == feature_spread(rows, classes.numpy())


@pytest.mark.parametrize(
    ("rows", "classes", "message"),
    [
        (np.zeros((4, 2)), [0, 1, 2, 3], "single row"),
        (np.zeros((4, 2)), [0, 1], "one class for each of 4 rows"),
        (np.zeros((4, 2)), [0.0, np.nan, 1.0, 1.0], "1 classes are NaN"),
        (np.full((4, 2), np.nan), [0, 0, 1, 1], "NaN, infinite"),
        (np.zeros(4), [0, 0, 1, 1], r"\[n, d\]"),
    ],
)
def test_spreads_that_do_not_exist_are_refused(rows, classes, message):
    with pytest.raises(DataError, match=message):
        feature_spread(rows, classes)

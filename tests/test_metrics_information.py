"""Mutual information equals scikit-learn's, done the long way, and the values that theory gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.feature_selection._mutual_info import _compute_mi_cc, _compute_mi_cd
from sklearn.metrics import mutual_info_score

from latune.errors import DataError
from latune.metrics.histogram import binned, classes, entropy, histogram_information
from latune.metrics.information import entropies, mutual_information_matrix, self_information
from latune.metrics.neighbours import Axis, ksg, ross

EXACT = 1e-9


def columns(kind: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(7)
    x = draw.standard_normal(n)
    pairs = {
        "independent": (x, draw.standard_normal(n)),
        "correlated": (x, 0.9 * x + np.sqrt(0.19) * draw.standard_normal(n)),
        "the same": (x, x),
        "heavy tails": (draw.standard_cauchy(n), np.exp(3 * draw.standard_normal(n))),
        "many ties": (draw.integers(0, 9, n).astype(float), draw.integers(0, 4, n).astype(float)),
        "near ties": (
            draw.integers(0, 9, n) + 1e-10 * draw.standard_normal(n),
            draw.integers(0, 4, n) + 1e-10 * draw.standard_normal(n),
        ),
        "even steps": (np.linspace(0, 1, n), np.linspace(0, 3, n) % 0.7),
        "different sizes": (1e8 + x, 1e-8 * (x + draw.standard_normal(n))),
    }
    return pairs[kind]


@pytest.mark.parametrize("n", [5, 40, 1500])
@pytest.mark.parametrize(
    "kind",
    ["independent", "correlated", "the same", "heavy tails", "many ties", "near ties", "even steps", "different sizes"],
)
def test_continuous_pair_equals_scikit_learn(kind, n):
    x, y = columns(kind, n)
    assert ksg(Axis(x), Axis(y)) == pytest.approx(_compute_mi_cc(x, y, 3), abs=EXACT)


@pytest.mark.parametrize("kind", ["independent", "heavy tails", "many ties", "near ties"])
def test_continuous_and_classes_equal_scikit_learn(kind):
    x, _ = columns(kind, 1500)
    label = (np.arange(1500) * 7919 % 10) * 3.5
    assert ross(Axis(x), label) == pytest.approx(_compute_mi_cd(x, label, 3), abs=EXACT)
    told = np.digitize(x, np.quantile(x, [0.2, 0.7]))
    assert ross(Axis(x), told) == pytest.approx(_compute_mi_cd(x, told, 3), abs=EXACT)


def test_classes_of_one_member_are_left_out():
    x = np.random.default_rng(0).standard_normal(300)
    label = np.repeat([0, 1, 2], 100)
    label[[5, 150]] = 7, 8
    assert ross(Axis(x), label) == pytest.approx(_compute_mi_cd(x, label, 3), abs=EXACT)
    assert ross(Axis(x), np.arange(300)) == 0.0


def test_small_classes_use_all_their_members():
    # By hand: classes {0, 1} and {10, 11}, k = 1 each; strictly nearer than 1 lies only the point itself:
    # psi(4) + psi(1) - psi(2) - psi(1) = 1 + 1/2 + 1/3 - 1 = 5/6.
    assert ross(Axis(np.array([0.0, 1.0, 10.0, 11.0])), np.array([0, 0, 1, 1])) == pytest.approx(5 / 6, abs=EXACT)


def test_matrix_equals_loops_over_scikit_learn():
    draw = np.random.default_rng(3)
    codes = draw.standard_normal((800, 4)) * [1.0, 20.0, 1e-3, 1.0]
    codes[:, 3] = draw.integers(0, 5, 800)
    values = np.stack(
        [codes[:, 0] ** 3, 1e3 + codes[:, 1], draw.integers(0, 6, 800), np.digitize(codes[:, 2], [-1e-3, 1e-3])], axis=1
    )
    discrete = [False, False, False, True]
    matrix = mutual_information_matrix(codes, values, discrete, seed=11)
    for column, is_class in enumerate(discrete):
        theirs = mutual_info_classif if is_class else mutual_info_regression
        reference = theirs(codes, values[:, column], random_state=11)
        np.testing.assert_allclose(matrix[:, column], reference, rtol=0, atol=EXACT)


def test_number_of_threads_and_repetition_change_nothing():
    codes = np.random.default_rng(0).standard_normal((300, 5))
    one = mutual_information_matrix(codes, codes[:, :3] ** 2, seed=5, workers=1)
    many = mutual_information_matrix(codes, codes[:, :3] ** 2, seed=5, workers=4)
    np.testing.assert_array_equal(one, many)


def test_histogram_matrix_equals_digitised_scikit_learn():
    """The procedure of disentanglement_lib: np.histogram's edges, np.digitize, mutual_info_score."""
    draw = np.random.default_rng(4)
    codes = draw.standard_normal((900, 3))
    values = np.stack([codes[:, 0] + draw.standard_normal(900), draw.integers(0, 7, 900)], axis=1)
    matrix = mutual_information_matrix(codes, values, [False, True], "histogram")
    cut = [np.digitize(z, np.histogram(z, 20)[1][:-1]) for z in codes.T]
    labels = [np.digitize(values[:, 0], np.histogram(values[:, 0], 20)[1][:-1]), values[:, 1]]
    reference = [[mutual_info_score(label, z) for label in labels] for z in cut]
    np.testing.assert_allclose(matrix, reference, rtol=0, atol=EXACT)
    own = entropies(values, np.array([False, True]))
    np.testing.assert_allclose(own, [mutual_info_score(label, label) for label in labels], rtol=0, atol=EXACT)


def test_a_constant_column_falls_in_one_bin_and_tells_nothing():
    column = np.full((50, 1), 3.0)
    assert len(np.unique(binned(column))) == 1
    np.testing.assert_allclose(histogram_information(binned(column), np.arange(50) % 5), [0.0], atol=1e-12)


def test_entropy_of_classes_whatever_their_values():
    assert entropy(classes(np.array([-3.5, 2.0, 2.0, -3.5]))) == pytest.approx(np.log(2), abs=1e-12)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_gaussian_pair(rho):
    """I = -1/2 ln(1 - rho²); .830366 at rho = .9."""
    draw = np.random.default_rng(1)
    x = draw.standard_normal((5000, 1))
    y = rho * x + np.sqrt(1 - rho**2) * draw.standard_normal((5000, 1))
    assert mutual_information_matrix(x, y)[0, 0] == pytest.approx(-0.5 * np.log(1 - rho**2), abs=0.04)


@pytest.mark.parametrize(("n", "expected"), [(1000, 5.651138), (10_000, 7.954173)])
def test_self_information_measures_the_number_of_rows(n, expected):
    draw = np.random.default_rng(2)
    values = np.stack([draw.standard_normal(n), draw.random(n)], axis=1)
    result = self_information(values, np.array([False, False]))
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6)
    assert result[0] == pytest.approx(digamma(n) - digamma(4), abs=EXACT)


def test_self_information_equals_scikit_learn_with_ties():
    values = np.random.default_rng(0).integers(0, 10, (1000, 1)).astype(float)
    own = self_information(values, np.array([False]), seed=4)[0]
    assert own == pytest.approx(mutual_info_regression(values, values[:, 0], random_state=4)[0], abs=EXACT)
    assert own == pytest.approx(np.log(10), abs=0.05)  # of a discrete attribute it is near the true entropy
    assert self_information(values, np.array([True]))[0] == pytest.approx(entropy(classes(values[:, 0])), abs=EXACT)


def test_bad_calls_say_what_is_allowed():
    z = np.zeros((10, 2)) + np.arange(10.0)[:, None]
    with pytest.raises(DataError, match=r"Unknown method 'ksq' of mutual information. Did you mean 'ksg'\?"):
        mutual_information_matrix(z, z, method="ksq")
    with pytest.raises(DataError, match=r"shapes \[10, 2\] and \[9, 2\]; allowed are \[n, d\] and \[n, L\]"):
        mutual_information_matrix(z, z[:9])
    with pytest.raises(DataError, match="at least 4"):
        mutual_information_matrix(z[:3], z[:3])
    with pytest.raises(DataError, match="'discrete' has shape"):
        mutual_information_matrix(z, z, [True])

"""Disentanglement metrics on codes whose scores are known beforehand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy.special import digamma
from scipy.stats import spearmanr
from sklearn.linear_model import LinearRegression

from latune.metrics import (
    METRICS,
    Score,
    disentanglement,
    gather,
    interpretability,
    mig,
    mig_arvae,
    modularity,
    modularity_used,
    sap,
    scc,
)
from latune.metrics.correlation import pearson, spearman
from latune.metrics.modularity import dim_modularity


def normal(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


def half_turn(codes: np.ndarray) -> np.ndarray:
    """The first two columns turned by 45 degrees."""
    turned = codes.copy()
    turned[:, 0], turned[:, 1] = codes[:, 0] + codes[:, 1], codes[:, 0] - codes[:, 1]
    return turned


def test_cubed_normal_code():
    """a = z³, z ~ N(0, 1): perfect order, R² = 9 / 15."""
    z = normal(50_000, 2)
    a = z[:, :1] ** 3
    assert scc(z, a, ["a"]).value == 1.0
    assert interpretability(z, a, ["a"]).value == pytest.approx(9 / 15, abs=0.02)
    assert sap(z, a, ["a"]).detail["best"]["a"] == pytest.approx(9 / 15, abs=0.02)


def test_cubed_uniform_code():
    """a = z³, z ~ U(-1, 1): R² = 21 / 25."""
    z = np.random.default_rng(0).uniform(-1, 1, (50_000, 2))
    a = z[:, :1] ** 3
    assert interpretability(z, a, ["a"]).value == pytest.approx(21 / 25, abs=0.005)
    assert sap(z, a, ["a"]).detail["best"]["a"] == pytest.approx(21 / 25, abs=0.005)


def test_two_factors_mixed_at_45_degrees():
    """Either dim explains half of either factor, so neither leads."""
    factors = normal(50_000, 2)
    score = sap(half_turn(factors), factors, ["a", "b"])
    assert score.value == pytest.approx(0.0, abs=0.02)
    assert list(score.detail["best"].values()) == pytest.approx([0.5, 0.5], abs=0.02)


def test_duplicate_code_leaves_no_gap():
    z = normal(2000, 1)[:, [0, 0]]
    assert mig(z, z[:, :1], ["a"]).value == 0.0
    assert sap(z, z[:, :1], ["a"]).value == 0.0
    assert mig_arvae(z, z[:, :1], ["a"]).value == pytest.approx(0.0, abs=1e-6)


def test_perfect_discrete_code():
    """Ten levels with jitter .001 in 20 bins beside an idle dim: .998 by disentanglement_lib's procedure."""
    draw = np.random.default_rng(0)
    level = draw.integers(0, 10, 20_000)
    codes = np.stack([level + 0.001 * draw.standard_normal(20_000), draw.standard_normal(20_000)], axis=1)
    assert mig(codes, level[:, None], ["level"], discrete=[True]).value == pytest.approx(0.998, abs=0.002)
    assert mig(codes, level[:, None], ["level"]).value == pytest.approx(0.998, abs=0.002)  # twenty bins hold ten levels


def test_two_of_three_factors_turned():
    """One attribute of three has a dim of its own: 1/3 for MIG and SAP."""
    factors = np.random.default_rng(0).integers(0, 10, (20_000, 3)).astype(float)
    turned = half_turn(factors)
    names = ["a", "b", "c"]
    assert mig(turned, factors, names, [True] * 3).value == pytest.approx(1 / 3, abs=0.01)
    assert sap(turned, factors, names).value == pytest.approx(1 / 3, abs=0.01)


def test_gap_of_the_arvae_authors():
    """rho = .9, n = 5,000: .830366 / (psi(n) - psi(4)) = .1144 predicted, .1114 measured elsewhere."""
    z = normal(5000, 2)
    a = 0.9 * z[:, :1] + np.sqrt(0.19) * normal(5000, 1, seed=1)
    score = mig_arvae(z, a, ["a"])
    assert score.value == pytest.approx(0.830366 / (digamma(5000) - digamma(4)), abs=0.005)
    assert score.detail["self_information"]["a"] == pytest.approx(digamma(5000) - digamma(4), abs=1e-9)


def test_modularity_of_known_rows():
    rows = np.array([[3.0, 0.0, 0.0], [3.0, 3.0, 3.0], [0.0, 0.0, 0.0], [2.0, 1.0, 0.0]])
    np.testing.assert_allclose(dim_modularity(rows), [1.0, 0.0, 0.0, 0.875], rtol=0, atol=1e-15)


def test_idle_dims_spoil_modularity_but_not_over_used_dims():
    """A perfect code with three noise dims scored .73 elsewhere, pure noise .54: noise decides, so only bounds hold."""
    z = normal(5000, 6)
    names = ["a", "b", "c"]
    everything, used = modularity(z, z[:, :3], names), modularity_used(z, z[:, :3], names)
    assert 0.5 < everything.value < 0.95
    assert used.value == pytest.approx(1.0, abs=0.001)
    assert used.detail["dims"] == [0, 1, 2]
    assert used.detail["unused_dims"] == [3, 4, 5]
    assert used.detail["attribute"][:3] == names
    noise = modularity_used(normal(5000, 6, seed=1), z[:, :3], names)
    assert (noise.value, noise.detail["dims"]) == (0.0, [])


def test_the_most_informative_dim_wins_not_the_most_linear():
    z = normal(3000, 2)
    a = np.cos(2 * z[:, :1]) + 0.2 * z[:, 1:]
    score = interpretability(z, a, ["a"])
    assert score.detail["dim"] == {"a": 0}
    assert score.value == pytest.approx(LinearRegression().fit(z[:, :1], a[:, 0]).score(z[:, :1], a[:, 0]), abs=1e-9)


def test_correlations_equal_scipy():
    x, y = normal(200, 3), normal(200, 2, seed=1)
    y[:, 0] += x[:, 1]
    y[:, 1] = np.round(y[:, 1])
    rho, p = spearman(x, y)
    for row in range(3):
        for column in range(2):
            theirs = spearmanr(x[:, row], y[:, column])
            assert rho[row, column] == pytest.approx(theirs.statistic, abs=1e-12)
            assert p[row, column] == pytest.approx(theirs.pvalue, abs=1e-12)
    np.testing.assert_allclose(pearson(x, y), np.corrcoef(x.T, y.T)[:3, 3:], rtol=0, atol=1e-12)


def test_scc_drops_what_may_be_chance():
    z, a = normal(100, 1), normal(100, 1, seed=3)
    assert spearmanr(z[:, 0], a[:, 0]).pvalue > 0.05
    assert scc(z, a, ["a"]).value == 0.0
    falling = scc(z, -z, ["a"])
    assert (falling.value, falling.detail["signed"]) == (1.0, {"a": -1.0})


def test_constant_dims_score_nothing_and_are_reported():
    z = normal(1000, 4)
    z[:, 1] = 2.0
    z[:, 3] = 1e-8 * z[:, 0]  # variance below 1e-12: a dead dim, though its digits would tell
    scores = disentanglement(z, z[:, [0, 2]], ["a", "b"])
    for score in scores.values():
        assert score.detail["constant_dims"] == [1, 3]
        half = score.name in ("modularity", "sap-svm")  # two of four dims say nothing; chance is right half the time
        assert score.value == pytest.approx(0.5 if half else 1.0, abs=0.15)
    assert scores["modularity-used"].detail["unused_dims"] == [1, 3]


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_alone_equals_the_suite(name):
    z = normal(400, 3)
    values = np.stack([z[:, 0] + z[:, 1], np.digitize(z[:, 1], [-0.5, 0.5])], axis=1)
    arguments = (z, values, ["a", "b"], [False, True], 3)
    score = METRICS[name](*arguments)
    assert score == disentanglement(*arguments)[name]
    assert score == METRICS[name](gather(*arguments))
    assert score.name == name
    assert isinstance(score, Score)
    of_dims = name.startswith("modularity") or name in ("dci-disentanglement", "irs")
    assert set(score.per_attribute) == (set() if of_dims else {"a", "b"})
    assert json.loads(json.dumps(score.as_dict())) == score.as_dict()
    assert 0.0 <= score.value <= 1.0


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16])
def test_tensors_and_arrays_agree(kind):
    z = torch.from_numpy(normal(200, 3)).to(kind).requires_grad_()
    a = (z[:, :2] ** 3).detach()
    ours = disentanglement(z, a, ["a", "b"])
    theirs = disentanglement(z.detach().double().numpy(), a.double().numpy(), ["a", "b"])
    assert ours == theirs


def test_labels_may_be_integers_or_booleans():
    z = normal(300, 2)
    values = z > 0
    scores = disentanglement(z, values, ["left", "right"], discrete=[True, True])
    assert scores == disentanglement(z, torch.from_numpy(values).int(), ["left", "right"], discrete=[True, True])
    assert scores["mig"].value > 0.8


def test_one_dim_or_one_attribute_leaves_out_what_needs_two():
    z = normal(100, 2)
    of_dims = {"sap", "sap-svm", "mig", "mig-ksg", "mig-arvae", "dci-disentanglement", "dci-completeness"}
    of_attributes = {"modularity", "modularity-used", "dci-disentanglement", "factor-vae", "beta-vae", "irs"}
    assert set(disentanglement(z[:, :1], z, ["a", "b"])) == set(METRICS) - of_dims
    assert set(disentanglement(z, z[:, :1], ["a"])) == set(METRICS) - of_attributes

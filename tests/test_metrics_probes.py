"""Metrics that train probes: known answers, scikit-learn done the long way, and what must not change a score."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import rankdata, spearmanr
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.svm import LinearSVC

from latune.errors import DataError
from latune.metrics import (
    NotApplicable,
    Score,
    dci,
    dci_completeness,
    dci_disentanglement,
    dci_informativeness,
    explicitness,
    gather,
    logistic,
    sap_svm,
    svm,
)
from latune.metrics.dci import concentration, weighted_disentanglement
from latune.metrics.probes import quantile_classes, standardised, tasks
from latune.metrics.roc import auc, auc_resampled
from latune.metrics.sap_svm import right
from latune.metrics.trees import decrease

NAMES = ["a", "b"]
ALL = (sap_svm, explicitness, dci_disentanglement, dci_completeness, dci_informativeness)


def example(n: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Four dims, two attributes that lean on the first two and, weakly, on the third."""
    draw = np.random.default_rng(seed)
    z = draw.standard_normal((n, 4))
    return z, np.tanh(z[:, :2] + 0.3 * z[:, [2]] + 0.2 * draw.standard_normal((n, 2)))


def classes_of(z: np.ndarray, k: int) -> np.ndarray:
    return np.digitize(z, np.quantile(z, np.arange(1, k) / k))


# --- halves and classes -----------------------------------------------------------------------------------------------


def test_halves_take_half_of_each_class():
    z, a = example()
    label = classes_of(a[:, 0], 5)
    (task,) = tasks(gather(z, label[:, None], discrete=[True]))
    assert sorted([*task.shown, *task.held]) == list(range(600))
    assert task.classes == 5
    np.testing.assert_array_equal(task.answers, label)
    shown, held = (np.bincount(label[half], minlength=5) for half in (task.shown, task.held))
    assert np.abs(shown - held).max() <= 1
    (other,) = tasks(gather(z, label[:, None], discrete=[True], seed=1))
    assert set(other.shown) != set(task.shown)


@pytest.mark.parametrize(
    ("column", "bins", "expected"),
    [
        ([3.0, 1.0, 2.0, 0.0], 2, [1, 0, 1, 0]),
        ([3.0, 1.0, 2.0, 0.0], 4, [3, 1, 2, 0]),
        ([5.0, 5.0, 5.0, 0.0, 1.0], 2, [1, 1, 1, 0, 0]),
        ([5.0, 0.0, 0.0, 0.0, 1.0], 2, [1, 0, 0, 0, 1]),
        ([0.0, 1.0, 1.0, 1.0], 7, [0, 1, 1, 1]),  # two distinct values cannot be cut into more than two
        ([0.0, 0.0, 0.0, 9.0], 3, [0, 0, 0, 1]),
    ],
)
def test_quantile_classes(column, bins, expected):
    assert quantile_classes(np.array(column), bins).tolist() == expected


def test_standardised_codes_large_small_and_constant():
    z = np.random.default_rng(0).standard_normal((50, 3)) * [1e90, 1e-90, 0.0] + [0.0, 0.0, 7.0]
    ours = standardised(z, z)
    np.testing.assert_allclose(ours[:, :2].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(ours[:, :2].std(axis=0), 1, atol=1e-12)
    assert (ours[:, 2] == 0).all()


# --- machines ---------------------------------------------------------------------------------------------------------


def by_hand(z: np.ndarray, sign: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Weight and bias by a general minimiser."""

    def objective(at: np.ndarray) -> tuple[float, np.ndarray]:
        short = np.maximum(0.0, 1 - sign * (at[0] * z + at[1]))
        slope = at - 2 * np.array([(cost * short * sign * z).sum(), (cost * short * sign).sum()])
        return 0.5 * float(at @ at) + float((cost * short**2).sum()), slope

    return minimize(objective, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-12}).x


@pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning")
@pytest.mark.parametrize("k", [2, 4])
def test_machines_reach_the_minimum(k):
    z, a = example(200)
    z *= [1.0, 0.05, 20.0, 1.0]
    z[:, 3] += 4.0
    label = classes_of(a[:, 0], k)
    label[label == 1] = np.where(np.arange((label == 1).sum()) < 5, 1, 0)  # a small class
    found = svm.fit(z, label, k)
    balanced = 0.01 * 200 / (k * np.bincount(label))
    for dim in range(4):
        for place, one in enumerate([1] if k == 2 else range(k)):
            sign = np.where(label == one, 1.0, -1.0)
            cost = balanced[label] if k == 2 else np.where(label == one, balanced[one], 0.01)
            ours = np.array([found.weight[dim, place], found.bias[dim, place]])
            np.testing.assert_allclose(ours, by_hand(z[:, dim], sign, cost), rtol=0, atol=1e-6)
            short = np.maximum(0.0, 1 - sign * (ours[0] * z[:, dim] + ours[1]))
            slope = ours - 2 * np.array([(cost * short * sign * z[:, dim]).sum(), (cost * short * sign).sum()])
            np.testing.assert_allclose(slope, 0.0, atol=1e-10)


def test_one_machine_by_hand():
    """z = 1 and -1, C = 1, balanced: w²/2 + 2 (1 - w)² is least at w = 0.8, the bias at 0."""
    found = svm.fit(np.array([[1.0], [-1.0]]), np.array([1, 0]), classes=2, cost=1.0)
    assert found.weight.item() == pytest.approx(0.8, abs=1e-12)
    assert found.bias.item() == pytest.approx(0.0, abs=1e-12)


def long_sap(z: np.ndarray, label: np.ndarray, shown: np.ndarray, held: np.ndarray) -> np.ndarray:
    machine = LinearSVC(C=0.01, class_weight="balanced", dual=False, tol=1e-10, max_iter=100_000)
    told = [machine.fit(z[shown, None], label[shown]).predict(z[held, None]) for z in z.T]
    return np.stack([prediction == label[held] for prediction in told], axis=1)


@pytest.mark.parametrize("k", [2, 3, 10])
def test_sap_svm_is_scikit_learns(k):
    z, a = example(1000)
    z[:, 0] += a[:, 0]
    label = classes_of(a[:, 0], k)
    evidence = gather(z, label[:, None], NAMES[:1], [True], seed=4)
    (task,) = tasks(evidence)
    hits = long_sap(z, label, task.shown, task.held)
    np.testing.assert_array_equal(right(z[task.shown], label[task.shown], z[task.held], label[task.held]), hits)
    accuracy = np.sort(hits.mean(axis=0))
    score = sap_svm(evidence)
    assert score.value == accuracy[-1] - accuracy[-2]
    assert score.detail["best"] == {"a": accuracy[-1]}
    assert score.detail["dim"] == {"a": int(hits.mean(axis=0).argmax())}


def test_sap_svm_of_known_codes():
    z = np.random.default_rng(0).standard_normal((4000, 3))
    perfect = sap_svm(z, z[:, :1] > 0, NAMES[:1], [True])
    assert perfect.value == pytest.approx(0.5, abs=0.03)  # 1 by the first, chance by the others
    assert perfect.detail["best"]["a"] > 0.98
    assert sap_svm(z[:, [0, 0]], z[:, :1] > 0, NAMES[:1], [True]).value == 0.0  # two dims say the same
    assert sap_svm(z, np.random.default_rng(1).permutation(z[:, :1]), NAMES[:1]).value < 0.05
    z[:, 1:] = 1e-9 * z[:, :1]  # their variance is below 1e-12: inactive
    assert sap_svm(z, z[:, :1] > 0, NAMES[:1], [True]).detail["second"] == {"a": 0.0}


def test_a_class_that_is_not_shown_is_never_told():
    z = np.array([[0.0], [1.0], [5.0]])
    assert right(z[:2], np.array([0, 1]), z, np.array([0, 1, 2])).ravel().tolist() == [True, True, False]
    assert right(z[:1], np.array([4]), z, np.array([4, 1, 4])).ravel().tolist() == [True, False, True]


# --- explicitness -----------------------------------------------------------------------------------------------------


def test_logistic_regression_is_scikit_learns():
    z, a = example(400)
    members = classes_of(a[:, 0], 3)[:, None] == np.arange(3)
    ours = logistic.fit(z, members)
    for weight, member in zip(ours, members.T, strict=True):
        theirs = LogisticRegression(tol=1e-12, max_iter=10_000).fit(z, member)
        np.testing.assert_allclose(weight, [*theirs.coef_[0], theirs.intercept_[0]], rtol=0, atol=1e-5)
        slope = z.T @ (1 / (1 + np.exp(-z @ weight[:-1] - weight[-1])) - member) + weight[:-1]
        np.testing.assert_allclose(slope, 0, atol=1e-8)


def test_logistic_regression_of_what_is_told_for_certain():
    z = np.concatenate([np.full(50, -1e3), np.full(50, 1e3)])[:, None]
    weight = logistic.fit(z, z > 0)
    assert np.isfinite(weight).all()
    assert weight[0, 0] > 0


def test_auc_with_ties_and_counts_is_scikit_learns():
    draw = np.random.default_rng(0)
    member, counts = draw.random(200) < 0.3, draw.integers(0, 4, (50, 200)).astype(np.uint8)
    for scores in (draw.standard_normal(200), draw.integers(0, 5, 200).astype(float), np.zeros(200)):
        assert auc(scores, member) == pytest.approx(roc_auc_score(member, scores), abs=1e-12)
        theirs = [roc_auc_score(member, scores, sample_weight=count) for count in counts]
        np.testing.assert_allclose(auc_resampled(scores, member, counts), theirs, rtol=0, atol=1e-12)
    nobody = np.where(member, 0, counts[:1]).astype(np.uint8)
    assert auc_resampled(scores, member, nobody) == auc(scores, member)


def test_explicitness_is_scikit_learns():
    z, a = example(800)
    z = 5 * z + 3
    values = np.stack([a[:, 0], classes_of(a[:, 1], 4)], axis=1)
    evidence = gather(z, values, NAMES, [False, True], seed=2)
    score = explicitness(evidence)
    for task, name in zip(tasks(evidence), NAMES, strict=True):
        shown = z[task.shown]
        scaled = (z - shown.mean(axis=0)) / shown.std(axis=0)
        areas = []
        for one in range(task.classes):
            model = LogisticRegression(tol=1e-12, max_iter=10_000).fit(
                scaled[task.shown], task.answers[task.shown] == one
            )
            areas.append(roc_auc_score(task.answers[task.held] == one, model.decision_function(scaled[task.held])))
        assert score.detail["auc"][name] == pytest.approx(np.mean(areas), abs=1e-9)
        assert score.per_attribute[name] == pytest.approx(2 * np.mean(areas) - 1, abs=1e-9)
    low, high = score.intervals["b"]
    assert low < score.per_attribute["b"] < high


def test_explicitness_of_known_codes():
    z = np.random.default_rng(0).standard_normal((2000, 3))
    mixed = np.stack([z[:, 0] - 2 * z[:, 1], z[:, 0] ** 2], axis=1)
    score = explicitness(z, mixed, NAMES)
    assert score.per_attribute["a"] > 0.999  # no dim alone tells it
    assert score.per_attribute["b"] < 0.1  # a line does not tell a square
    assert explicitness(np.random.default_rng(1).permutation(z), mixed, NAMES).value < 0.1
    assert explicitness(z, mixed[:, :1], NAMES[:1], bins=10).value < 0.6  # inner bins lie on both sides of a line


# --- DCI --------------------------------------------------------------------------------------------------------------


def test_concentration_by_hand():
    shares = np.array([[0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25], [3, 0, 0, 0], [0, 0, 0, 0], [0.75, 0.25, 0, 0]])
    expected = [0.5, 0.0, 1.0, 0.0, 1 + (0.75 * np.log(0.75) + 0.25 * np.log(0.25)) / np.log(4)]
    np.testing.assert_allclose(concentration(shares), expected, rtol=0, atol=1e-12)


def test_weighted_disentanglement_by_hand():
    """Weights 0.8, 0.2 and 0; the first dim tells one attribute, the second both alike, the third nothing."""
    importance = np.array([[[0.8, 0.0], [0.1, 0.1], [0.0, 0.0]]])
    assert weighted_disentanglement(importance).item() == pytest.approx(0.8, abs=1e-12)
    assert weighted_disentanglement(np.zeros((1, 3, 2))).item() == 0.0


@pytest.mark.parametrize("k", [0, 3])
def test_decrease_adds_up_to_scikit_learns_importance(k):
    z, a = example(500)
    z = z.astype(np.float32)
    answers = classes_of(a[:, 0], k) if k else a[:, 0]
    make = ExtraTreesClassifier if k else ExtraTreesRegressor
    forest = make(4, min_samples_leaf=5, max_features=None, random_state=0).fit(z, answers)
    for tree in forest.estimators_:
        rows = decrease(tree.tree_, z, answers)
        share = rows.mean(axis=0) / rows.mean(axis=0).sum()
        np.testing.assert_allclose(share, tree.tree_.compute_feature_importances(), rtol=0, atol=1e-9)
        answer = np.eye(k)[answers] if k else answers[:, None]
        told = tree.predict_proba(z) if k else tree.predict(z)[:, None]
        left = ((answer - answer.mean(axis=0)) ** 2 - (answer - told) ** 2).sum(axis=1)
        np.testing.assert_allclose(rows.sum(axis=1), left, rtol=0, atol=1e-9)  # each example's own way down


def test_dci_is_scikit_learns_trees():
    z, a = example(600)
    values = np.stack([a[:, 0], classes_of(a[:, 1], 3)], axis=1)
    evidence = gather(z, values, NAMES, [False, True], seed=3)
    ranked = rankdata(z, axis=0) - 300.5
    ranked *= np.sign((ranked**2).sum(axis=1) @ ranked)  # the farther half of the examples above
    for told, task in zip(evidence.trees, tasks(evidence, bins=None), strict=True):
        assert set(told.shown) | set(told.held) == set(range(600))
        dims = np.argsort([-abs(spearmanr(column, task.answers).statistic) for column in z.T])
        make = ExtraTreesClassifier if task.classes else ExtraTreesRegressor
        forest = make(20, min_samples_leaf=6, max_features=None, random_state=3)  # 300 shown / 50
        forest.fit(ranked[task.shown][:, dims], task.answers[task.shown])
        np.testing.assert_allclose(told.importance[dims], forest.feature_importances_, rtol=0, atol=1e-9)
        np.testing.assert_allclose(told.rows.mean(axis=0), told.importance, rtol=0, atol=1e-12)
        quality = forest.score(ranked[task.held][:, dims], task.answers[task.held])
        assert 1 - told.loss.mean() == pytest.approx(quality, abs=1e-9)
        assert 1 - told.loss_of_shown > quality
    scores = dci(evidence)
    assert [scores[f"dci-{part}"] for part in ("disentanglement", "completeness", "informativeness")] == [
        metric(evidence) for metric in (dci_disentanglement, dci_completeness, dci_informativeness)
    ]
    for score in scores.values():
        assert score.interval[0] < score.value < score.interval[1]


def test_dci_of_known_codes():
    z = np.random.default_rng(0).uniform(-1, 1, (2000, 4))
    perfect = dci(z, np.stack([z[:, 1] ** 3, z[:, 3] > 0], axis=1), NAMES, [False, True])
    for score in perfect.values():
        assert score.value > 0.97, score.name
    assert perfect["dci-completeness"].detail["dim"] == {"a": 1, "b": 3}
    assert perfect["dci-disentanglement"].detail["attribute"][1::2] == NAMES
    assert sum(perfect["dci-disentanglement"].detail["weight"][::2]) < 0.01  # idle dims weigh nothing
    same = dci(z, np.stack([z[:, 0], -z[:, 0]], axis=1), NAMES)  # one dim tells both
    assert same["dci-disentanglement"].value < 0.02
    assert same["dci-completeness"].value > 0.97
    turned = np.stack([z[:, 0] + z[:, 1], z[:, 0] - z[:, 1]], axis=1)  # both dims tell both
    halves = dci(z[:, :2], turned, NAMES)
    assert max(halves["dci-disentanglement"].value, halves["dci-completeness"].value) < 0.05
    assert halves["dci-informativeness"].value > 0.9
    for score in dci(np.random.default_rng(1).permutation(z), z[:, :2], NAMES).values():
        assert score.value < 0.05, score.name


def test_gradient_boosting_has_names_of_its_own_and_agrees():
    z, a = example(400)
    values = np.stack([a[:, 0], classes_of(a[:, 1], 3)], axis=1)
    slow, fast = dci(z, values, NAMES, [False, True], probe="gradient-boosting"), dci(z, values, NAMES, [False, True])
    assert list(slow) == [f"{name}-gradient-boosting" for name in fast]
    for name, score in fast.items():
        assert slow[f"{name}-gradient-boosting"].value == pytest.approx(score.value, abs=0.1), name
    assert slow["dci-disentanglement-gradient-boosting"].interval is None
    assert slow["dci-informativeness-gradient-boosting"].interval is not None


def test_as_many_classes_as_rows_and_codes_beyond_float32():
    z = example(400)[0]
    pairs = np.stack([np.arange(400) // 2, np.arange(400) % 2], axis=1)
    z[:, 0] = pairs[:, 0] * 1e90
    for probe in ("extra-trees", "gradient-boosting"):
        scores = dci(z[:, :2], pairs[:, ::-1], NAMES, [True, False], probe=probe)
        assert all(0 <= score.value <= 1 for score in scores.values())
        assert next(iter(scores.values())).detail["importance"]["a"][0] < 0.9


def test_too_few_rows_for_a_split():
    """Leaves of five do not fit a half of three: the trees tell nothing, and that is 0."""
    z = np.arange(12.0).reshape(6, 2)
    scores = dci(z, z[:, ::-1] ** 2, NAMES)
    assert [scores[f"dci-{part}"].value for part in ("disentanglement", "completeness")] == [0.0, 0.0]


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ALL)
def test_rows_dims_sign_and_scale_leave_the_score(metric):
    z, a = example(500)
    values, discrete = np.stack([a[:, 0], classes_of(a[:, 1], 3)], axis=1), [False, True]
    score = metric(z, values, NAMES, discrete)
    rows, dims = np.random.default_rng(1).permutation(500), [2, 0, 3, 1]
    assert metric(z[rows][:, dims], values[rows], NAMES, discrete).value == pytest.approx(score.value, abs=1e-12)
    assert metric(z, values[:, ::-1], NAMES[::-1], discrete[::-1]).per_attribute == score.per_attribute
    turned = np.stack([-4 * values[:, 0], values[:, 1]], axis=1)
    if metric is sap_svm:  # the size of weight and bias is held small: only the sign is free
        assert metric(-z, turned, NAMES, discrete).value == pytest.approx(score.value, abs=0.01)
        assert abs(metric(z + 50, values, NAMES, discrete).value - score.value) > 0.01
    else:
        assert metric(0.3 - 8 * z, turned, NAMES, discrete).value == pytest.approx(score.value, abs=1e-9)


@pytest.mark.parametrize("metric", [dci_disentanglement, dci_completeness, dci_informativeness])
def test_monotone_maps_of_dims_leave_trees(metric):
    z, a = example(500)
    stretched = np.stack([np.exp(z[:, 0]), -np.cbrt(z[:, 1]), np.arctan(z[:, 2]), z[:, 3] ** 3], axis=1)
    assert metric(stretched, a, NAMES).value == pytest.approx(metric(z, a, NAMES).value, abs=1e-12)


@pytest.mark.parametrize("metric", ALL)
def test_unknown_values_are_as_if_the_row_were_not_there(metric):
    z, a = example(400)
    a[::3, 1] = np.nan
    score = metric(z, a, NAMES)
    left = np.flatnonzero(~np.isnan(a[:, 1]))
    assert score.detail.get("rows", {"a": 400, "b": len(left)}) == {"a": 400, "b": len(left)}
    if metric is dci_disentanglement:
        own = gather(z[left], a[left, 1:], NAMES[1:]).trees[0].importance
        np.testing.assert_allclose(score.detail["importance"]["b"], own, rtol=0, atol=1e-12)
    else:
        assert score.per_attribute["b"] == pytest.approx(metric(z[left], a[left, 1:], NAMES[1:]).value, abs=1e-12)


@pytest.mark.parametrize("metric", ALL)
def test_repeats_and_intervals(metric):
    z, a = example(400)
    score = metric(z, a, NAMES, seed=5)
    assert isinstance(score, Score)
    assert metric(z, a, NAMES, seed=5) == score
    assert metric(z, a, NAMES, seed=6) != score
    bare = metric(z, a, NAMES, seed=5, resamples=0)
    assert (bare.value, bare.interval, bare.intervals) == (score.value, None, {})
    assert score.interval[0] <= score.value <= score.interval[1]
    assert 0 < score.interval[1] - score.interval[0] < 0.2


def test_intervals_narrow_as_rows_are_added():
    for metric in ALL:
        wide, narrow = (metric(*example(n), NAMES).interval for n in (300, 4800))
        assert 1.5 < (wide[1] - wide[0]) / (narrow[1] - narrow[0]) < 12, metric.__name__


def test_dims_that_do_not_vary_tell_nothing():
    z, a = example(500)
    z[:, 3] = 1e-9 * a[:, 0]  # its last digits would tell
    for metric in ALL:
        flat = z.copy()
        flat[:, 3] = 0.0
        score = metric(z, a, NAMES)
        assert score.value == metric(flat, a, NAMES).value, metric.__name__
        assert score.detail["constant_dims"] == [3]


def test_refusals():
    z, a = example(50)
    with pytest.raises(NotApplicable, match="'sap-svm' compares at least 2 dims; got 1"):
        sap_svm(z[:, :1], a, NAMES)
    with pytest.raises(NotApplicable, match=r"'dci-disentanglement' compares at least 2 attributes; got 1"):
        dci_disentanglement(z, a[:, :1], ["a"])
    with pytest.raises(NotApplicable, match=r"'dci-completeness' compares at least 2 dims; got 1"):
        dci_completeness(z[:, :1], a, NAMES)
    with pytest.raises(DataError, match=r"Unknown probe 'extra-tree'. Did you mean 'extra-trees'\?"):
        dci(z, a, NAMES, probe="extra-tree")
    once = np.zeros((50, 1))
    once[7] = 1.0
    with pytest.raises(NotApplicable, match="needs two classes of the attribute 'a' with two examples each"):
        explicitness(z, once, ["a"], [True])
    assert sap_svm(z, once, ["a"], [True]).value < 0.05


def test_what_no_code_tells_does_not_count_as_disentangled():
    draw = np.random.default_rng(0)
    noise = dci_disentanglement(draw.normal(size=(40, 50)), draw.normal(size=(40, 2)), ["a", "b"])
    assert noise.value == 0.0  # the trees of 20 rows still split on some dim, and its importance would be all theirs
    assert noise.detail["not_told"] == ["a", "b"]
    z = draw.normal(size=(2000, 3))
    absent = dci_disentanglement(z, np.stack([z[:, 0], z[:, 1], draw.normal(size=2000)], axis=1), ["a", "b", "c"])
    assert absent.detail["not_told"] == ["c"]
    assert absent.value > 0.95

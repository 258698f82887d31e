"""Intervals against a bootstrap that computes the metric again, their coverage, and attributes known for some only."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import digamma

from latune.errors import DataError
from latune.metrics import METRICS, Resamples, disentanglement, gather, interpretability, interval, mig_ksg
from latune.metrics.correlation import pearson, pearson_resampled
from latune.metrics.information import estimate

NAMES = ["a", "b"]


def leaning(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three normal dims; two attributes that lean on the first two, and less on the others."""
    draw = np.random.default_rng(seed)
    z = draw.standard_normal((n, 3))
    return z, z[:, :2] + 0.5 * z[:, [2]] + 0.7 * draw.standard_normal((n, 2))


def again(resamples: Resamples, *columns: np.ndarray):
    """The rows of each resample, really drawn."""
    for counts in resamples.counts:
        yield tuple(np.repeat(array, counts, axis=0) for array in columns)


# --- resamples --------------------------------------------------------------------------------------------------------


def test_means_are_those_of_the_rows_drawn():
    rows = np.random.default_rng(0).standard_normal((60, 2, 3))
    resamples = Resamples(60, 7, seed=3)
    slow = np.stack([drawn.mean(axis=0) for (drawn,) in again(resamples, rows)])
    np.testing.assert_allclose(resamples.means(rows), slow, rtol=0, atol=1e-14)
    some = np.array([3, 8, 9, 40])
    slow = np.stack([rows[some].repeat(counts[some], axis=0).mean(axis=0) for counts in resamples.counts])
    np.testing.assert_allclose(resamples.means(rows[some], some), slow, rtol=0, atol=1e-14)


def test_a_resample_without_any_of_the_rows_asked_for_keeps_their_mean():
    resamples = Resamples(20, 50, seed=0)
    unseen = resamples.counts[:, 4] == 0
    assert 0 < unseen.sum() < 50
    assert (resamples.means(np.array([7.0]), np.array([4])) == 7.0).all()


def test_resamples_are_as_binomial_as_they_should_be():
    counts = Resamples(500, 400, seed=1).counts.astype(float)
    assert (counts.sum(axis=1) == 500).all()
    assert counts.var() == pytest.approx(1 - 1 / 500, abs=0.01)
    assert (counts == 0).mean() == pytest.approx((1 - 1 / 500) ** 500, abs=0.003)


def test_the_same_seed_gives_the_same_resamples():
    assert np.array_equal(Resamples(30, 5, seed=2).counts, Resamples(30, 5, seed=2).counts)
    assert not np.array_equal(Resamples(30, 5, seed=2).counts, Resamples(30, 5, seed=3).counts)


def test_means_of_many_rows_in_parts_equal_those_at_once():
    rows = np.random.default_rng(0).standard_normal(40_000)
    resamples = Resamples(40_000, 3)
    np.testing.assert_allclose(resamples.means(rows), resamples.counts @ rows / 40_000, rtol=0, atol=1e-14)


def test_an_interval_is_the_middle_of_the_numbers():
    values = np.random.default_rng(0).standard_normal(2000)
    assert interval(values) == pytest.approx(np.percentile(values, [2.5, 97.5]).tolist(), abs=1e-12)
    assert interval([3.0, 3.0]) == (3.0, 3.0)
    assert interval([3.0, 5.0], level=0.5, around=2.0) == (2.0, 4.5)


# --- against a bootstrap that computes the metric again ---------------------------------------------------------------


def test_resampled_correlations_are_those_of_the_rows_drawn():
    z, a = leaning(80)
    resamples = Resamples(80, 20)
    slow = np.stack([pearson(*rows) for rows in again(resamples, z, a)])
    np.testing.assert_allclose(pearson_resampled(z, a, resamples), slow, rtol=0, atol=1e-12)
    np.testing.assert_allclose(pearson_resampled(1e6 + z, a, resamples), slow, rtol=0, atol=1e-8)


def test_resampled_histogram_information_is_near_that_of_the_rows_drawn():
    """Pointwise information is kept, so a resample's own bias is left out; few cells have little of it."""
    draw = np.random.default_rng(0)
    z = draw.integers(0, 4, (300, 3)).astype(float)
    label = np.where(draw.random((300, 1)) < 0.7, z[:, :1], draw.integers(0, 4, (300, 1)))
    resamples = Resamples(300, 100)
    classes = np.array([True])
    ours = estimate(z, label, classes, "histogram", resamples=resamples).resampled
    slow = np.stack([estimate(rows, of, classes, "histogram").matrix for rows, of in again(resamples, z, label)])
    assert ours is not None
    assert np.corrcoef(ours[:, 0, 0], slow[:, 0, 0])[0, 1] > 0.98
    assert ours[:, 0, 0].std() == pytest.approx(slow[:, 0, 0].std(), rel=0.1)
    assert ours[:, 0, 0].mean() == pytest.approx(slow[:, 0, 0].mean(), abs=9 / 600 + 0.005)  # cells over 2n


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("sap", 1e-9),  # moments of the resample: the same number
        ("scc", 0.02),  # ranks of all examples are kept
        ("mig", 0.03),  # pointwise information of all examples is kept
    ],
)
def test_intervals_equal_those_of_a_bootstrap_that_computes_the_metric_again(name, tolerance):
    z, a = leaning(300)
    discrete = [False, False]
    if name == "mig":  # twenty bins of 300 rows are mostly bias; four classes are not
        z, a = (np.digitize(columns, [-0.7, 0.0, 0.7]).astype(float) for columns in (z, a))
        discrete = [True, True]
    metric = METRICS[name]
    score = metric(z, a, NAMES, discrete, resamples=100)
    slow = [metric(*rows, NAMES, discrete, resamples=0) for rows in again(Resamples(300, 100), z, a)]
    assert score.interval == pytest.approx(interval([s.value for s in slow]), abs=tolerance)
    for attribute in NAMES:
        theirs = interval([s.per_attribute[attribute] for s in slow])
        assert score.intervals[attribute] == pytest.approx(theirs, abs=1.5 * tolerance)


def test_the_winning_dim_may_change_in_a_resample():
    """Two dims that tell nearly as much: the interval is that of whichever wins, not of the one that won."""
    draw = np.random.default_rng(0)
    z = draw.standard_normal((150, 2))
    a = (z @ [[1.0], [1.0]]) + 0.3 * draw.standard_normal((150, 1))
    evidence = gather(z, a, ["a"])
    information, squared = evidence.information.resampled, evidence.squared_correlation.resampled
    assert information is not None
    assert squared is not None
    winners = information[:, :, 0].argmax(axis=1)
    assert 0 < winners.mean() < 1
    score = interpretability(evidence)
    assert score.interval == interval(squared[np.arange(200), winners, 0], around=score.value)


# --- coverage ---------------------------------------------------------------------------------------------------------


def gaussian(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Correlations .8 and .5 of one attribute with two dims, in the population."""
    draw = np.random.default_rng(seed)
    z = draw.standard_normal((n, 2))
    return z, z @ [[0.8], [0.5]] + np.sqrt(1 - 0.64 - 0.25) * draw.standard_normal((n, 1))


def two_classes(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal classes two deviations apart along the first of two dims."""
    draw = np.random.default_rng(seed)
    label = draw.integers(0, 2, (n, 1)).astype(float)
    return np.concatenate([2 * label, np.zeros((n, 1))], axis=1) + draw.standard_normal((n, 2)), label


def information_of_two_classes() -> float:
    """In nats, by integrating: h(z) - h(z|a)."""
    z = np.linspace(-9, 11, 200_001)
    density = 0.5 * (np.exp(-(z**2) / 2) + np.exp(-((z - 2) ** 2) / 2)) / np.sqrt(2 * np.pi)
    return float(-(density * np.log(density)).sum() * (z[1] - z[0]) - 0.5 * np.log(2 * np.pi * np.e))


@pytest.mark.parametrize(
    ("name", "make", "discrete", "truth"),
    [
        ("sap", gaussian, False, 0.64 - 0.25),
        ("interpretability", gaussian, False, 0.64),
        ("scc", gaussian, False, 6 / np.pi * np.arcsin(0.8 / 2)),
        ("mig-ksg", two_classes, True, information_of_two_classes() / np.log(2)),
    ],
)
def test_about_95_of_100_intervals_hold_the_population_value(name, make, discrete, truth):
    scores = [METRICS[name](*make(300, seed), ["a"], [discrete], seed) for seed in range(100)]
    ends = np.array([score.interval for score in scores])
    held = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    assert 0.85 <= held.mean() <= 1.0
    spread = np.std([score.value for score in scores])
    assert (ends[:, 1] - ends[:, 0]).mean() == pytest.approx(2 * 1.96 * spread, rel=0.25)


# --- what is asked for ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_an_interval_around_its_value_and_no_other_value_without(name):
    z, a = leaning(400)
    score = METRICS[name](z, a, NAMES, resamples=50)
    assert score.interval is not None
    low, high = score.interval
    assert low <= score.value <= high
    assert 0.0 <= low <= high <= 1.0
    assert score.settings["resamples"] == 50
    assert score.settings["level"] == 0.95
    assert score.intervals.keys() == score.per_attribute.keys()
    assert METRICS[name](z, a, NAMES, resamples=50) == score
    bare = METRICS[name](z, a, NAMES, resamples=0)
    assert (bare.interval, bare.intervals) == (None, {})
    assert (bare.value, bare.per_attribute) == (score.value, score.per_attribute)
    assert "resamples" not in bare.settings


def test_more_examples_make_narrower_intervals():
    def widths(n: int) -> dict[str, float]:
        scores = disentanglement(*leaning(n), NAMES)
        return {name: score.interval[1] - score.interval[0] for name, score in scores.items() if score.interval}

    few, many = widths(300), widths(4800)
    assert few.keys() == many.keys() == METRICS.keys()
    for name, width in many.items():
        assert width < few[name] or name == "modularity-used", name  # more examples find a third dim that is used
        if name in ("interpretability", "scc", "sap", "mig", "mig-ksg", "explicitness"):
            assert few[name] / width == pytest.approx(4, rel=0.5), name


@pytest.mark.parametrize("count", [1, -1, -200])
def test_one_resample_is_no_interval(count):
    with pytest.raises(DataError, match=f"resamples is 0 for no intervals, or 2 and more. Got {count}"):
        gather(*leaning(50), NAMES, resamples=count)


# --- attributes that are known for some examples only -----------------------------------------------------------------


@pytest.mark.parametrize("name", METRICS)
def test_examples_where_nothing_is_known_change_nothing(name):
    z, a = leaning(300)
    unknown = np.random.default_rng(5).permutation(400)[:100]
    kept = np.setdiff1d(np.arange(400), unknown)
    codes, values = np.random.default_rng(6).standard_normal((400, 3)), np.full((400, 2), np.nan)
    codes[kept], values[kept] = z, a
    score, other = METRICS[name](z, a, NAMES, resamples=0), METRICS[name](codes, values, NAMES, resamples=0)
    if score.per_attribute:
        assert other.detail["rows"] == {"a": 300, "b": 300}
    assert other.value == pytest.approx(score.value, abs=1e-12)
    assert other.per_attribute == pytest.approx(score.per_attribute, abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_an_attribute_is_measured_on_the_examples_where_it_is_known(name):
    """Attributes that are each known for another half score what each scores alone on its half."""
    z, a = leaning(600)
    half = np.arange(600) % 2 == 0
    values = np.where(np.stack([half, ~half], axis=1), a, np.nan)
    score = METRICS[name](z, values, NAMES, resamples=0)
    if not score.per_attribute or name in ("factor-vae", "beta-vae"):  # which compare attributes
        assert 0.0 <= score.value <= 1.0
        return
    for column, (attribute, rows) in enumerate(zip(NAMES, (half, ~half), strict=True)):
        alone = METRICS[name](z[rows], a[rows][:, [column, column]], ["x", "y"], resamples=0)
        assert score.per_attribute[attribute] == pytest.approx(alone.per_attribute["x"], abs=1e-12)


def test_the_interval_of_an_attribute_known_for_a_few_is_wider():
    z, a = leaning(3200)
    a[np.arange(3200) % 16 > 0, 1] = np.nan
    for name in ("sap", "scc", "mig-ksg", "explicitness"):
        score = METRICS[name](z, a, NAMES)
        width = {attribute: high - low for attribute, (low, high) in score.intervals.items()}
        assert width["b"] / width["a"] == pytest.approx(4, rel=0.5), name


def test_self_information_counts_the_rows_where_the_attribute_is_known():
    z, a = leaning(1000)
    a[:600, 1] = np.nan
    own = METRICS["mig-arvae"](z, a, NAMES).detail["self_information"]
    assert own == pytest.approx({"a": digamma(1000) - digamma(4), "b": digamma(400) - digamma(4)}, abs=1e-9)


def test_scores_gathered_together_are_of_the_same_resamples():
    """So that differences between metrics are of the same examples."""
    evidence = gather(*leaning(200), NAMES, seed=4)
    assert evidence.resamples is evidence.resamples
    assert mig_ksg(evidence) == mig_ksg(*leaning(200), NAMES, seed=4)
    assert mig_ksg(evidence).interval != mig_ksg(*leaning(200), NAMES, seed=5).interval

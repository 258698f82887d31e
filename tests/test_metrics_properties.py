"""What must not change a disentanglement score, and what must bring it to 0 or 1: one table for all metrics."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latune.metrics import METRICS, Score, disentanglement

few = settings(max_examples=2, deadline=None, derandomize=True, database=None)
seeds = st.integers(0, 30)

DISCRETE = {"a": False, "b": True}
EXACT = 1e-9
COUNTED = 5e-3  # noise of 1e-10 may fall on other neighbours, and a rounded edge may part other rows


class Row(NamedTuple):
    """How a metric keeps what `CHANGES` must not change, and what else is known of it.

    Args:
        within: how far a score may move under a change.
        but: for some changes, how far instead; or, in words, why the score does move.
        perfect: between which numbers a code is scored that gives each attribute a dim of its own, beside idle dims.
        shuffled: the most that codes of other examples score; or, in words, why there is no such bound.
    """

    within: float
    but: dict[str, float | str]
    perfect: tuple[float, float] = (0.98, 1.0)
    shuffled: float | str = 0.06


LINE = "a straight line is fitted"
INDEX = "a class counts as its index"
SPREAD = "how far a dim moves is compared, not its order"
CUT = "bins of equal width are cut"
HALVES = 0.05  # other examples are held out

TABLE = {
    "interpretability": Row(
        EXACT, {"monotone map of dims": LINE, "monotone map of attributes": LINE, "other indices of classes": INDEX}
    ),
    "scc": Row(EXACT, {"other indices of classes": INDEX}),
    "sap": Row(
        EXACT, {"monotone map of dims": LINE, "monotone map of attributes": LINE, "other indices of classes": INDEX}
    ),
    "sap-svm": Row(
        EXACT,
        {
            "order of examples": HALVES,
            "scale of dims": "the machine's weight is held small",
            "scale of all dims": "the machine's weight is held small",
            "shift of dims": "the machine's bias is held small",
            "monotone map of dims": LINE,
            "other indices of classes": HALVES,
            "idle dims": HALVES,
        },
        perfect=(0.2, 0.5),  # two classes less chance, .5; of five classes in a row, a line tells the outer two
    ),
    "mig": Row(
        COUNTED,
        {"monotone map of dims": CUT, "monotone map of attributes": CUT},
        perfect=(0.95, 1.0),  # 400 cells of 2,000 rows: the runner-up's bias
    ),
    "mig-ksg": Row(COUNTED, {"monotone map of attributes": CUT}),
    "mig-arvae": Row(
        COUNTED,
        {
            "monotone map of dims": "the estimate changes a little, in noise",
            "monotone map of attributes": "the estimate changes a little, in noise",
        },
        perfect=(0.98, 1.01),
    ),
    "modularity": Row(
        COUNTED,
        {
            "monotone map of dims": "idle dims count, by the noise of the estimate",
            "monotone map of attributes": "idle dims count, by the noise of the estimate",
            "idle dims": "idle dims count, by the noise of the estimate",
        },
        perfect=(0.5, 1.0),
        shuffled="idle dims count, by the noise of the estimate",
    ),
    "modularity-used": Row(COUNTED, {}),
    "explicitness": Row(
        EXACT,
        {
            "order of examples": HALVES,
            "monotone map of dims": LINE,
            "other indices of classes": HALVES,
            "idle dims": HALVES,
        },
        perfect=(0.7, 0.9),  # of five classes in a row, a line tells the outer ones
    ),
    "dci-disentanglement": Row(
        EXACT,
        {
            "order of examples": HALVES,
            "monotone map of attributes": "trees part values, not ranks",
            "other indices of classes": HALVES,
            "idle dims": HALVES,
        },
    ),
    "dci-completeness": Row(
        EXACT,
        {
            "order of examples": HALVES,
            "monotone map of attributes": "trees part values, not ranks",
            "other indices of classes": HALVES,
            "idle dims": "entropy is to the base of how many dims there are",
        },
    ),
    "dci-informativeness": Row(
        EXACT,
        {
            "order of examples": HALVES,
            "monotone map of attributes": "trees part values, not ranks",
            "other indices of classes": HALVES,
            "idle dims": HALVES,
        },
        shuffled=0.2,  # a class of five is told by chance
    ),
    "factor-vae": Row(EXACT, {"order of examples": 0.02, "monotone map of dims": SPREAD}),
    "beta-vae": Row(EXACT, {"order of examples": 0.02, "monotone map of dims": SPREAD}),
    "irs": Row(
        EXACT,
        {"scale of dims": "a dim weighs as its largest deviation", "monotone map of dims": SPREAD},
        perfect=(0.94, 1.0),  # within a bin of a continuous attribute, its dim moves
    ),
}


def example(seed: int, n: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """Four dims; a number and a class of five that lean on the first two and, weakly, on the third."""
    draw = np.random.default_rng(seed)
    z = draw.standard_normal((n, 4))
    a = np.tanh(z[:, :2] + 0.3 * z[:, [2]] + 0.2 * draw.standard_normal((n, 2)))
    a[:, 1] = np.floor(2.5 * (a[:, 1] + 1))
    return z, a


def scores(z: np.ndarray, a: np.ndarray, names: str = "ab") -> dict[str, Score]:
    return disentanglement(z, a, list(names), [DISCRETE[name] for name in names], resamples=0)


@cache
def unchanged(seed: int) -> dict[str, Score]:
    return scores(*example(seed))


# --- changes ----------------------------------------------------------------------------------------------------------

Change = Callable[[np.ndarray, np.ndarray, np.random.Generator], dict[str, Score]]


def order_of_dims(z: np.ndarray, a: np.ndarray, draw: np.random.Generator) -> dict[str, Score]:
    return scores(z[:, draw.permutation(4)], a)


def order_of_examples(z: np.ndarray, a: np.ndarray, draw: np.random.Generator) -> dict[str, Score]:
    rows = draw.permutation(len(z))
    return scores(z[rows], a[rows])


def with_unknown_examples(z: np.ndarray, a: np.ndarray, draw: np.random.Generator) -> dict[str, Score]:
    """As many again, of which no attribute is known, between the others."""
    n = len(z)
    place = np.sort(draw.permutation(2 * n)[:n])
    codes, values = draw.standard_normal((2 * n, 4)), np.full((2 * n, 2), np.nan)
    codes[place], values[place] = z, a
    return scores(codes, values)


def map_of_attributes(z: np.ndarray, a: np.ndarray, _: np.random.Generator) -> dict[str, Score]:
    return scores(z, np.stack([np.exp(2 * a[:, 0]), a[:, 1]], axis=1))


def other_indices(z: np.ndarray, a: np.ndarray, draw: np.random.Generator) -> dict[str, Score]:
    index = draw.permutation(5) * 1.7 - 3
    while (np.diff(index) > 0).all() or (np.diff(index) < 0).all():
        index = draw.permutation(index)
    return scores(z, np.stack([a[:, 0], index[a[:, 1].astype(int)]], axis=1))


CHANGES: dict[str, Change] = {
    "order of dims": order_of_dims,
    "order of attributes": lambda z, a, _: scores(z, a[:, ::-1], "ba"),
    "order of examples": order_of_examples,
    "sign of dims": lambda z, a, draw: scores(z * draw.choice([-1.0, 1.0], 4), a),
    "scale of dims": lambda z, a, draw: scores(z * 10.0 ** draw.uniform(-2, 2, 4), a),
    "scale of all dims": lambda z, a, draw: scores(z * 10.0 ** draw.uniform(-2, 2), a),
    "shift of dims": lambda z, a, draw: scores(z + draw.uniform(-100, 100, 4), a),
    "units of attributes": lambda z, a, draw: scores(z, a * [-0.003, 7.0] + draw.uniform(-100, 100, 2)),
    "monotone map of dims": lambda z, a, _: scores(np.exp(z), a),
    "monotone map of attributes": map_of_attributes,
    "other indices of classes": other_indices,
    "examples without attributes": with_unknown_examples,
    "idle dims": lambda z, a, draw: scores(np.column_stack([z, draw.standard_normal((len(z), 3)), 0 * z[:, 0]]), a),
}


def test_every_metric_has_its_row():
    assert TABLE.keys() == METRICS.keys(), "give a new metric a row: what changes it, and what it scores at the ends"
    for row in TABLE.values():
        assert row.but.keys() <= CHANGES.keys()


@pytest.mark.parametrize("change", CHANGES)
@few
@given(seeds)
def test_what_must_not_change_a_score(change, seed):
    before, after = unchanged(seed), CHANGES[change](*example(seed), np.random.default_rng(seed + 1))
    assert after.keys() == before.keys() == METRICS.keys()
    for name, row in TABLE.items():
        within = row.but.get(change, row.within)
        if isinstance(within, str):
            continue
        pairs = {"value": (before[name].value, after[name].value)}
        pairs |= {key: (value, after[name].per_attribute[key]) for key, value in before[name].per_attribute.items()}
        for key, (old, new) in pairs.items():
            if change == "idle dims":  # may lower a score, never raise it
                assert new <= old + 2 * within, f"{name}, {key}: {old} became {new}"
            else:
                assert new == pytest.approx(old, abs=within if key == "value" else 2 * within), f"{name}, {key}"


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_change_a_score_is_said_for_a_reason(change):
    """A reason in the table is there because the score moves."""
    still = {name: row.but[change] for name, row in TABLE.items() if isinstance(row.but.get(change), str)}
    for seed in range(4):
        if still:
            moved = CHANGES[change](*example(seed), np.random.default_rng(seed + 1))
            still = {
                name: reason
                for name, reason in still.items()
                if abs(moved[name].value - unchanged(seed)[name].value) < 1e-4
            }
    assert not still, "these hold after all"


@few
@given(seeds, st.permutations(range(4)))
def test_findings_follow_the_dims(seed, order):
    z, a = example(seed)
    before, after = unchanged(seed), scores(z[:, order], a)
    for name in METRICS:
        old, new = before[name].detail, after[name].detail
        assert {key: order[dim] for key, dim in new.get("dim", {}).items()} == old.get("dim", {}), name
        for part in ("dims", "unused_dims", "constant_dims"):
            assert sorted(order[dim] for dim in new.get(part, [])) == old.get(part, []), name
        if "per_dim" in old:
            assert new["per_dim"] == pytest.approx([old["per_dim"][dim] for dim in order], abs=COUNTED), name


@few
@given(seeds, st.sampled_from([np.exp, np.cbrt, np.arctan, lambda x: -(x**3) - x]))
def test_any_monotone_map_leaves_metrics_of_ranks(seed, stretch):
    z, a = example(seed)
    after = scores(stretch(z), a)
    ranked = [name for name, row in TABLE.items() if "monotone map of dims" not in row.but and row.within == EXACT]
    assert ranked == ["scc", "dci-disentanglement", "dci-completeness", "dci-informativeness"]
    for name in ranked:
        assert after[name].value == pytest.approx(unchanged(seed)[name].value, abs=1e-9), name


@few
@given(seeds)
def test_shuffled_codes_score_near_zero(seed):
    z, a = example(seed, n=2000)
    shuffled = scores(np.random.default_rng(seed + 1).permutation(z), a)
    for name, row in TABLE.items():
        if not isinstance(row.shuffled, str):
            assert 0.0 <= shuffled[name].value < row.shuffled, name
    for name in ("interpretability", "modularity", "modularity-used", "factor-vae", "beta-vae", "irs"):
        assert shuffled[name].detail["unused_dims"] == [0, 1, 2, 3], name


@few
@given(seeds, st.permutations(range(4)))
def test_perfect_codes_score_one(seed, order):
    """A number and a class of five with a dim each, beside two idle dims."""
    draw = np.random.default_rng(seed)
    z = draw.uniform(-1, 1, (2000, 4))
    a = np.stack([3 * z[:, 0] - 1, np.floor(2.5 * (z[:, 1] + 1))], axis=1)
    z[:, 1] = 0.4 * a[:, 1] - 1  # as far as a class can be told
    perfect = scores(z[:, order], a)
    for name, row in TABLE.items():
        low, high = row.perfect
        assert low <= perfect[name].value <= high, name
    for attribute, dim in perfect["interpretability"].detail["dim"].items():
        assert order[dim] == "ab".index(attribute)


@few
@given(seeds)
def test_scores_stay_between_zero_and_one_on_odd_data(seed):
    draw = np.random.default_rng(seed)
    z = np.stack([draw.standard_cauchy(60), draw.integers(0, 3, 60), np.zeros(60), draw.random(60) ** 9], axis=1)
    a = np.stack([draw.integers(0, 2, 60), draw.integers(0, 4, 60)], axis=1)
    for discrete in ([False, True], [True, True]):
        for name, score in disentanglement(z, a, ["a", "b"], discrete, resamples=10).items():
            assert 0.0 <= score.value <= (1.5 if name == "mig-arvae" else 1.0), name
            assert score.interval is not None
            assert score.interval[0] <= score.interval[1], name

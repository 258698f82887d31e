"""Scores over seeds: what is paired with what, exact p-values, intervals, notes, tables and pictures."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import stats

from latune import cli
from latune.comparison import Spread, compare, paired_difference, read_result, unpaired_difference
from latune.comparison.differences import EXACT, bootstrap, permutations, sign_flips
from latune.comparison.figures import save, scores
from latune.errors import DataError, RunError

OURS, THEIRS = [0.85, 0.83, 0.84], [0.41, 0.45, 0.40]
DATA = {"source": "MNIST", "split": {"rule": "official", "seed": 0}}


def report(
    path: Path | str,
    values: dict[str, float | None],
    seed: int | None = 0,
    name: str = "a",
    per_attribute: dict[str, dict[str, float]] | None = None,
    setting: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    recipe: dict[str, Any] | None = None,
    **more: Any,
) -> Path:
    """What `latune evaluate --json` leaves behind, as far as a comparison reads it."""
    scores = {
        metric: {
            "name": metric,
            "value": value,
            "per_attribute": (per_attribute or {}).get(metric, {}),
            "settings": {"seed": 0, "resamples": 200, **(setting or {})},
        }
        for metric, value in values.items()
    }
    about = {"recipe": {"name": name, "about": f"seed {seed}", "seed": seed, **(recipe or {})}, "data": data or DATA}
    told = {"split": "test", "n": 10_000, "codes": "mean", "seed": 0, "scores": scores, "about": about, **more}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(told))
    return Path(path)


def two_groups(folder: Path, ours: list[float], theirs: list[float], **how: Any) -> tuple[list[Path], list[Path]]:
    """Runs of two recipes with the seeds 0, 1, 2, ... and these values of the metric `sap`."""
    first = [report(folder / f"a{i}.json", {"sap": v}, i, "a", recipe={"beta": 1}, **how) for i, v in enumerate(ours)]
    second = [report(folder / f"b{i}.json", {"sap": v}, i, "b", recipe={"beta": 4}) for i, v in enumerate(theirs)]
    return first, second


# --- statistics -------------------------------------------------------------------------------------------------------


def test_spread():
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0, 3)
    assert Spread.of([1.0, 2.0]).median == 1.5
    assert Spread.of([0.5]).text() == "0.500"
    assert Spread.of([-2.0, 1.0]).text(1) == Spread.of([-2.0, 1.0]).text(1, short=True) == "-0.5 (-2.0 to 1.0)"
    assert Spread.of([1.0, 2.0]).text(0) == "2 (1 to 2)"
    assert Spread.of([1.0, 2.0]).text(0, short=True) == "2 (1–2)"


def test_p_values_by_hand():
    assert sign_flips(np.array([1.0, 2.0, 3.0])) == 2 / 8, "all of one sign: only this choice and its mirror"
    assert sign_flips(np.array([1.0, -1.0])) == 1.0
    assert sign_flips(np.array([0.0, 0.0])) == 1.0
    assert sign_flips(np.array([3.0, -1.0])) == 1.0, "|3 - 1| is reached by all four choices"
    assert permutations(np.array([5.0, 6.0, 7.0]), np.array([1.0, 2.0, 3.0])) == 2 / 20
    assert permutations(np.array([5.0]), np.array([1.0, 2.0, 3.0])) == 1 / 4
    assert permutations(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 1.0


NUMBERS = st.integers(-5, 5).map(float)


@settings(max_examples=60, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=7))
def test_sign_flips_are_all_tried(differences):
    seen = [abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
            for signs in itertools.product([1, -1], repeat=len(differences))]  # fmt: skip
    assert sign_flips(np.array(differences)) == np.mean([each >= abs(sum(differences)) for each in seen])


@settings(max_examples=60, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=4), st.lists(NUMBERS, min_size=1, max_size=4))
def test_divisions_are_all_tried(ours, theirs):
    pool, gaps = [*ours, *theirs], []
    for chosen in itertools.combinations(range(len(pool)), len(ours)):
        rest = [pool[i] for i in range(len(pool)) if i not in chosen]
        gaps.append(abs(np.mean([pool[i] for i in chosen]) - np.mean(rest)))
    observed = abs(np.mean(ours) - np.mean(theirs))
    assert permutations(np.array(ours), np.array(theirs)) == np.mean([gap >= observed - 1e-9 for gap in gaps])


@pytest.mark.parametrize("n", [4, 8])
def test_p_values_are_those_of_scipy(n):
    draw = np.random.default_rng(n)
    a, b = draw.normal(size=n), draw.normal(0.8, 1, size=n)
    paired = stats.permutation_test((a - b,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert paired_difference(a - b).p == pytest.approx(paired.pvalue)
    apart = stats.permutation_test((a, b), lambda x, y: x.mean() - y.mean(), n_resamples=np.inf, vectorized=False)
    assert unpaired_difference(a, b).p == pytest.approx(apart.pvalue)


def test_many_runs_are_sampled():
    draw = np.random.default_rng(0)
    assert sign_flips(np.full(30, 1.0)) == pytest.approx(1 / EXACT), "no draw is as far; the observed one counts"
    assert permutations(draw.normal(9, 1, 30), draw.normal(0, 1, 30)) == pytest.approx(1 / EXACT)
    d = draw.normal(0.3, 1, 30)
    assert sign_flips(d) == pytest.approx(stats.ttest_1samp(d, 0).pvalue, abs=0.01)
    assert sign_flips(d) == sign_flips(d)


def test_few_pairs_have_a_range_and_their_least_p():
    found = paired_difference([0.44, 0.38, 0.44])
    assert (found.kind, found.low, found.high, found.n, found.paired) == ("range", 0.38, 0.44, 3, True)
    assert found.mean == pytest.approx(0.42)
    assert found.p == found.least_p == 0.25
    assert [paired_difference([1.0] * n).p for n in (1, 2, 4, 5)] == [1.0, 0.5, 0.125, 0.0625]
    apart = unpaired_difference(OURS, THEIRS)
    assert (apart.low, apart.high) == pytest.approx((0.38, 0.45))
    assert apart.p == apart.least_p == 0.1
    assert unpaired_difference([1.0] * 3, [0.0] * 5).least_p == 1 / 56


def test_intervals_of_five_or_more():
    d = np.array([0.2, 0.5, 0.3, 0.4, 0.1, 0.6])
    found = paired_difference(d, seed=1)
    assert found.kind == "interval"
    assert d.min() < found.low < d.mean() < found.high < d.max()
    assert paired_difference(d, seed=1) == found
    shifted = paired_difference(10 * d + 3, seed=1)
    assert (shifted.low, shifted.high) == pytest.approx((10 * found.low + 3, 10 * found.high + 3))
    assert unpaired_difference(d, d + 1, seed=1).high < 0
    assert paired_difference([0.25] * 5).low == paired_difference([0.25] * 5).high == 0.25


def test_intervals_hold_what_they_promise():
    """Of ten normal differences, the interval holds the true mean 95 % of the time; plain percentiles do it 89 %."""
    draw = np.random.default_rng(0)
    inside = []
    for i in range(400):
        low, high = bootstrap([draw.normal(size=10)], seed=i)
        inside.append(low <= 0 <= high)
    assert 0.92 < np.mean(inside) < 0.98


@pytest.mark.parametrize("wrong", [[], [np.nan], [[1.0]]])
def test_a_difference_needs_numbers(wrong):
    with pytest.raises(DataError, match="one finite number a run"):
        paired_difference(wrong)


# --- what is compared with what ---------------------------------------------------------------------------------------


def test_runs_of_one_seed_are_paired(tmp_path):
    first, second = two_groups(tmp_path, OURS, THEIRS)
    found = compare(first, [second[2], second[0], second[1]])
    assert found.paired
    assert found.pairs == ((0, 1), (1, 2), (2, 0))
    difference = found.difference("sap")
    assert difference.mean == pytest.approx((0.44 + 0.38 + 0.44) / 3)
    assert (difference.low, difference.high) == pytest.approx((0.38, 0.44))
    assert found.changes == ("beta: 4 -> 1",)
    assert found.notes == ()
    assert [group.label for group in found.groups] == ["a", "b"]
    assert found.spread(found.groups[0], "sap") == Spread(0.84, 0.83, 0.85, 3)
    back = compare(second, first).difference("sap")
    assert back.mean == pytest.approx(-difference.mean)
    assert back.p == difference.p


def test_other_data_are_not_paired(tmp_path):
    first, second = two_groups(tmp_path, OURS, THEIRS, data={"source": "sprites"})
    found = compare(first, second)
    assert not found.paired
    assert not found.difference("sap").paired
    assert "runs of one seed were not trained and measured on the same data" in found.notes[0]
    assert "the groups are compared as wholes" in found.notes[0]


def test_seeds_without_a_partner_are_told(tmp_path):
    first, second = two_groups(tmp_path, [*OURS, 0.8], [*THEIRS, 0.4])
    found = compare(first, second[1:])
    assert found.difference("sap").n == 3
    assert "Differences are of the seeds 1, 2, 3; without a partner: 0." in found.notes
    one = compare(first[:2], second[1:])
    assert not one.paired
    assert "Only the seed 1 is in both groups" in one.notes[0]
    none = compare(first[:1], second[1:])
    assert "no training seed is in both groups" in none.notes[0]


def test_one_pair_says_little(tmp_path):
    first, second = two_groups(tmp_path, OURS[:1], THEIRS[:1])
    found = compare(first[0], second[0])
    assert "a less b, 1 pair of one seed" in str(found)
    assert "of the only pair, which says nothing of other seeds" in str(found)
    assert found.difference("sap").p == 1


def test_a_seed_that_occurs_twice_is_not_paired(tmp_path):
    first, second = two_groups(tmp_path, OURS, THEIRS)
    again = report(tmp_path / "again.json", {"sap": 0.9}, 0, "a", recipe={"beta": 1})
    found = compare([*first, again], second)
    assert found.pairs == ((1, 1), (2, 2))
    assert any("a: seed 0 occurs more than once" in note for note in found.notes)
    assert found.spread(found.groups[0], "sap").n == 4


def test_scores_of_other_settings_do_not_compare(tmp_path):
    first, second = two_groups(tmp_path, OURS, THEIRS, setting={"bins": 20})
    found = compare(first, second)
    assert found.difference("sap") is None
    assert "sap: settings differ (bins: 20 -> None). Scores compare only where these are equal." in found.notes
    assert "settings differ" in str(found)
    first, second = two_groups(tmp_path, OURS, THEIRS, setting={"seed": 5, "resamples": 0})
    found = compare(first, second)
    assert found.difference("sap") is not None, "another seed of the metric's noise is the same score"
    assert any("computed with different seeds" in note for note in found.notes)


@pytest.mark.parametrize(
    ("change", "note", "compared"),
    [
        ({"split": "validation"}, "Not the same split was measured in all runs: test, validation.", True),
        ({"n": 500}, "Not the same number of examples was measured in all runs: 500, 10000.", True),
        ({"codes": "sample"}, "sap: settings differ (codes: mean -> sample).", False),
    ],
)
def test_other_measurements_are_told(tmp_path, change, note, compared):
    first, second = two_groups(tmp_path, OURS, THEIRS)
    for path in second:
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
    found = compare(first, second)
    assert any(note in each for each in found.notes)
    assert (found.difference("sap") is not None) == compared
    if compared:
        assert not found.paired


def test_runs_of_several_recipes(tmp_path):
    first, second = two_groups(tmp_path, OURS, THEIRS)
    found = compare([*first, *second])
    assert [group.label for group in found.groups] == ["a", "b"]
    assert [len(group.results) for group in found.groups] == [3, 3]
    assert found.difference("sap") is None
    odd = report(tmp_path / "odd.json", {"sap": 0.1}, 7, "a", recipe={"beta": 2})
    mixed = compare([*first, odd], second)
    assert any("a is not one recipe: a0.json and odd.json differ in beta: 1 -> 2." in note for note in mixed.notes)
    named = compare([*first, odd])
    assert [group.label for group in named.groups] == ["a, beta 1", "a, beta 2"]


def test_seeds_with_other_splits_are_told(tmp_path):
    runs = [
        report(tmp_path / f"{i}.json", {"sap": v}, i, data={"source": "digits", "split": {"seed": i}})
        for i, v in enumerate(OURS)
    ]
    found = compare(runs)
    assert "Not all seeds of a have the same data (split.seed: 0 -> 1)" in found.notes[0]


def test_codes_from_files_are_compared(tmp_path):
    """What `latune measure --json` writes knows the seed only where it was told, and the examples by their values."""
    for i, (ours, theirs) in enumerate(zip(OURS, THEIRS, strict=True)):
        for name, value in (("vae", ours), ("gan", theirs)):
            told = {"n": 900, "seed": 0, "examples": "abc", "training_seed": i, "scores": {"scc": {"value": value}}}
            (tmp_path / f"{name}-seed{i}.json").write_text(json.dumps(told))
    vae, gan = (sorted(tmp_path.glob(f"{name}-*")) for name in ("vae", "gan"))
    found = compare(vae, gan)
    assert found.paired
    assert [group.label for group in found.groups] == ["vae", "gan"]
    assert found.difference("scc").low == pytest.approx(0.38)
    assert [group.label for group in compare([*vae, *gan]).groups] == ["vae", "gan"]
    for path in vae:
        path.write_text(path.read_text().replace('"training_seed": ', '"unknown": '))
    loose = compare(vae, gan)
    assert not loose.paired
    assert "the training seed of some runs is not known (latune measure takes it as --training-seed)" in loose.notes[0]


def test_a_score_that_some_runs_lack(tmp_path):
    first = [report(tmp_path / f"a{i}.json", {"sap": v, "mig": v}, i, "a") for i, v in enumerate(OURS)]
    second = [report(tmp_path / f"b{i}.json", {"sap": v, "kl": None}, i, "b") for i, v in enumerate(THEIRS)]
    found = compare(first, second)
    assert found.metrics == ["sap", "mig"], "a number that came out as none is no number"
    assert found.difference("mig") is None
    assert found.spread(found.groups[1], "mig") is None
    assert found.spread(found.groups[1], "kl") is None
    told = json.loads(json.dumps(found.as_dict()))["scores"]["mig"]
    assert told["difference"] is None
    assert list(told["groups"]) == ["a"]
    assert len(dots_of(shown(found.figures()["scores"])[1])) == 1


def test_attributes_are_compared_too(tmp_path):
    runs = {}
    for name, shift in (("a", 0.0), ("b", 0.1)):
        runs[name] = [
            report(tmp_path / f"{name}{i}.json", {"sap": v}, i, name,
                   {"sap": {"slant": v + shift, "width": v * (i + 1) / 9}})
            for i, v in enumerate(OURS)
        ]  # fmt: skip
    found = compare(runs["a"], runs["b"])
    assert found.attributes("sap") == ["slant", "width"]
    assert found.difference("sap", "slant").mean == pytest.approx(-0.1)
    told = found.as_dict()["scores"]["sap"]["per_attribute"]["slant"]
    assert list(told["groups"]["a"]["values"].values()) == OURS
    assert told["difference"]["p"] == 0.25
    assert found.table(per_attribute=True).row_count == 3
    assert found.table().row_count == 1


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (None, RunError, "There is nothing at x.json. Give evaluated run folders, or their JSON files."),
        ("{", DataError, "x.json is not a JSON file"),
        ("[]", DataError, "x.json holds no scores"),
        ("{}", DataError, "x.json holds no scores. Write it with latune evaluate --json or latune measure --json."),
        ('{"scores": {}}', DataError, "holds no scores"),
        ('{"scores": {"sap": 3}}', DataError, "holds no scores"),
        ('{"scores": {"sap": {"value": "high"}}}', DataError, "holds no scores"),
    ],
)
def test_what_is_no_result_is_refused(tmp_path, monkeypatch, content, kind, message):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("x.json").write_text(content)
    with pytest.raises(kind, match=message.replace(".", r"\.")):
        read_result("x.json")


def test_runs_that_cannot_be_compared_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = two_groups(Path(), OURS, THEIRS)
    with pytest.raises(DataError, match=r"a0\.json is given twice; a run counts once"):
        compare(first, [*second, tmp_path / "a0.json"])
    with pytest.raises(DataError, match=r"There are no runs to compare\."):
        compare([])
    with pytest.raises(DataError, match=r"There are no runs to compare with\."):
        compare(first, [])
    Path("run").mkdir()
    with pytest.raises(RunError, match=r"run is not an evaluated run folder: it has no report\.json"):
        compare(["run"])
    Path("run/space.json").write_text("{}")
    with pytest.raises(RunError, match=r"run was not evaluated yet.*Run latune evaluate run first"):
        compare(["run"])


# --- tables and pictures ----------------------------------------------------------------------------------------------


def many(folder: Path, groups: int, seeds: int) -> list[list[Path]]:
    """Runs with several scores, some negative and some tiny."""
    draw = np.random.default_rng(0)
    made = []
    for g in range(groups):
        made.append([])
        for seed in range(seeds):
            shares = {name: float(draw.uniform(0.4, 0.6) + 0.1 * g) for name in ("interpretability", "sap", "scc")}
            values = shares | {
                "elbo": float(draw.normal(-104, 1)),
                "mean-squared-error": float(draw.uniform(8e-3, 9e-3)),
            }
            parts = {name: {"slant": value, "width": value / 2} for name, value in shares.items()}
            name = f"recipe-number-{g}"
            made[-1].append(report(folder / f"{g}-{seed}.json", values, seed, name, parts, recipe={"gamma": g}))
    return made


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_tables_fit_into_a_hundred_columns(tmp_path, groups):
    made = many(tmp_path, groups, 5)
    found = compare(list(itertools.chain(*made))) if groups != 2 else compare(*made)
    text = str(found)
    assert all(len(line) <= 100 for line in text.splitlines())
    for group in found.groups:
        assert group.label in text
        assert found.spread(group, "sap").text(short=True) in text
    if groups == 2:
        low, high = found.difference("sap").low, found.difference("sap").high
        assert f"{low:.3f} to {high:.3f}" in text or f"{low:.3f}–{high:.3f}" in text
        assert "5 pairs cannot give less than 0.062" in " ".join(text.split())
        assert "recipes, from recipe-number-1 to recipe-number-0: gamma: 1 -> 0" in " ".join(text.split())
        assert "interval" in text


def dots_of(ax: Any) -> list[np.ndarray]:
    """The dots of each group in a panel, as `(n, 2)`."""
    return [line.get_xydata() for line in ax.lines if line.get_marker() == "o" and line.get_linestyle() == "None"]


def shown(figure: Any) -> list[Any]:
    return [ax for ax in figure.axes if ax.get_visible()]


def test_box_plots_show_every_run(tmp_path):
    ours, theirs = many(tmp_path, 2, 4)
    found = compare(ours, theirs)
    figures = found.figures()
    assert set(figures) == {"scores", "attributes", "pairs"}
    panels = shown(figures["scores"])
    assert len(panels) == len(found.metrics)
    for ax, metric in zip(panels, found.metrics, strict=True):
        for group, dots in zip(found.groups, dots_of(ax), strict=True):
            assert dots[:, 1].tolist() == [*group.values(metric).values()]
        joined = [line for line in ax.lines if line.get_linestyle() == "-" and np.ptp(line.get_xdata()) == 1]
        assert len(joined) == 4, "a line for each pair"
        medians = [np.median([*group.values(metric).values()]) for group in found.groups]
        flat = {float(line.get_ydata()[0]) for line in ax.lines if len(set(line.get_ydata())) == 1}
        assert all(any(abs(median - each) < 1e-12 for each in flat) for median in medians)
    labels = [text.get_text() for text in figures["scores"].legends[0].get_texts()]
    assert labels == ["recipe-number-0 (n = 4)", "recipe-number-1 (n = 4)", "runs of one seed"]
    panels = shown(figures["attributes"])
    assert len(panels) == 3
    assert [label.get_text() for label in panels[0].get_xticklabels()] == ["slant", "width"]
    assert dots_of(panels[1])[0][:, 1].tolist() == [*found.groups[0].values("sap", "slant").values()]


def test_pair_plots_show_every_run(tmp_path):
    found = compare(*many(tmp_path, 2, 4))
    axes = {ax.get_xlabel(): ax for ax in shown(found.figures()["pairs"]) if ax.get_xlabel()}
    below = axes["Interpretability"]  # the last row: the others against interpretability
    assert below.get_ylabel() == "SCC"
    for group, dots in zip(found.groups, dots_of(below), strict=True):
        assert dots[:, 0].tolist() == [*group.values("interpretability").values()]
        assert dots[:, 1].tolist() == [*group.values("scc").values()]


def test_figures_are_saved_as_png_and_svg(tmp_path):
    found = compare(*many(tmp_path, 2, 3))
    written = found.save(tmp_path / "figures")
    assert {path.name for path in written} == {
        f"{name}.{kind}" for name in ("scores", "attributes", "pairs") for kind in ("png", "svg")
    }
    for path in written:
        if path.suffix == ".png":
            with Image.open(path) as image:
                assert image.width > 600
        else:
            assert ElementTree.parse(path).getroot().tag.endswith("svg")
    again = save(scores(found), tmp_path / "again", "scores")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in written[:2]], "the same bytes"


@pytest.mark.parametrize(("runs", "names"), [(1, {"scores"}), (2, {"scores"}), (3, {"scores", "pairs"})])
def test_few_runs_are_drawn_as_far_as_they_go(tmp_path, runs, names):
    made = [report(tmp_path / f"{i}.json", {"sap": 0.1 * i, "scc": 0.2 - 0.1 * i}, i) for i in range(runs)]
    assert set(compare(made).figures()) == names


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Type `latune compare ...`; what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def type_(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["latune", "compare", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        said = capsys.readouterr()
        return code, said.out, " ".join(said.err.split())

    return type_


def test_run_folders_are_compared_and_drawn(run, digits_run):
    """Two groups of one trained model under two names; planes are of the model and its data, opened."""
    for name, shift in (("first", 0.0), ("second", 0.2)):
        for seed in (0, 1):
            folder = Path(f"{name}-{seed}")
            shutil.copytree(digits_run, folder)
            told = report(folder / "report.json", {"interpretability": 0.7 - shift + 0.01 * seed}, seed, name)
            content = json.loads(told.read_text())
            content["scores"]["interpretability"]["detail"] = {"dim": {"slant": 3, "area": 8}}
            told.write_text(json.dumps(content))
    words = ["first-0", "first-1", "--against", "second-0", "second-1"]
    code, out, err = run(*words, "--out", "figures", "--json", "c.json")
    assert code == 0, err
    assert "first less second, 2 pairs of one seed" in out
    assert "+0.200" in out
    names = {path.name for path in Path("figures").iterdir()}
    assert names == {
        f"{each}.{kind}"
        for each in ("scores", "pairs", *(f"{what}-{g}" for what in ("follows", "planes") for g in ("first", "second")))
        for kind in ("png", "svg")
    } - {"pairs.png", "pairs.svg"}
    told = json.loads(Path("c.json").read_text())
    assert told["scores"]["interpretability"]["difference"]["mean"] == pytest.approx(0.2)
    assert told["paired"] is True


def test_planes_are_of_the_dims_that_answer(digits_run):
    from latune.comparison.planes import look

    space_columns = look_columns(digits_run)
    scores = {"interpretability": {"value": 0.5, "detail": {"dim": {"slant": 8, "digit": 9}}}}
    told = read_result_of(digits_run, scores)
    found = look(told)
    assert list(found.values) == ["slant", "digit"]
    assert found.dims["slant"] == "slant", "a slider is its own dim, whatever tells most"
    assert found.dims["digit"] == space_columns[9]
    rho = stats.spearmanr(found.codes["slant"], found.values["slant"]).statistic
    assert rho > 0.8


def look_columns(folder: Path) -> list[str]:
    import latune

    return latune.load(folder).codes.columns()


def read_result_of(folder: Path, scores: dict[str, Any]) -> Any:
    from latune.comparison import Result

    return Result(folder, scores, 0, split="test")


def test_data_that_are_gone_are_told(run, digits_run):
    folder = Path("gone")
    shutil.copytree(digits_run, folder)
    about = json.loads((folder / "space.json").read_text())
    about["about"]["recipe"]["data"] = {"name": "folder", "path": "nowhere"}
    (folder / "space.json").write_text(json.dumps(about))
    told = json.loads(report(folder / "report.json", {"scc": 0.7}).read_text())
    told["scores"]["scc"]["detail"] = {"dim": {"slant": 3}}
    (folder / "report.json").write_text(json.dumps(told))
    code, out, err = run("gone", "--out", "figures")
    assert code == 0
    assert "No planes of gone:" in err
    assert "wrote figures/scores.png" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "There are no runs to compare"),
        (["nowhere"], "There is nothing at nowhere"),
        (["a0.json", "--against", "a0.json"], "a0.json is given twice"),
        (["a0.json", "--against"], "There are no runs to compare with."),
        (["a0.json", "--seed", "x"], "--seed"),
        (["broken.json"], "broken.json is not a JSON file"),
    ],
)
def test_a_mistake_is_told_in_one_message(run, words, message):
    two_groups(Path(), OURS, THEIRS)
    Path("broken.json").write_text("{")
    before = sorted(Path().rglob("*"))
    code, out, err = run(*words)
    assert code == 2, out
    assert message in err
    assert "Traceback" not in err + out
    assert sorted(Path().rglob("*")) == before


def test_numbers_of_attributes_are_asked_for(run):
    made = [report(f"{i}.json", {"sap": v}, i, "a", {"sap": {"slant": v / 2}}) for i, v in enumerate(OURS)]
    assert "slant" not in run(*made)[1]
    assert "0.420 (0.415–0.425)" in run(*made, "--per-attribute")[1]

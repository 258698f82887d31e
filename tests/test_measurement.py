"""A measurement: its intervals, its one pass, its parts, and how it is printed."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console

from latune.attributes import Attribute
from latune.classifier import Classifier
from latune.data import Dataset, from_arrays
from latune.errors import DataError
from latune.measurement import ASKED, PARTS, USUAL, Measurement, encoding_pass, measure_space, samples
from latune.measurement.result import between, places
from latune.metrics import Resamples, Score, interval, mean_squared_error, pixel_accuracy
from latune.metrics.frechet import frechet_distance
from latune.metrics.parzen import parzen
from latune.models import Spec, build
from latune.space import Space

LIGHT = Attribute("light", "real", (0.0, 255.0), "grey", lambda images: 255 * images.mean((1, 2)), "")
TOP = Attribute("top", "real", (0.0, 255.0), "grey", lambda images: 255 * images[:, :4].mean((1, 2)), "")
N = 300


def data_set(n: int = N) -> Dataset:
    """Images whose upper or lower half is bright: that half is their class."""
    draw = np.random.default_rng(1)
    half = np.arange(n) % 2
    images = draw.integers(0, 60, (n, 8, 8))
    images[half == 0, :4] += 150
    images[half == 1, 4:] += 150
    images = (images * draw.uniform(0.4, 1, n)[:, None, None]).astype(np.uint8)
    values = {"light": images.mean((1, 2)), "top": images[:, :4].mean((1, 2)), "half": half}
    return from_arrays(images, values, kinds={"half": "categorical"}, seed=0)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return data_set()


@pytest.fixture(scope="module")
def space() -> Space:
    spec = Spec("ar-vae", (1, 8, 8), 4, ("light", "top"), {"name": "mlp", "hidden": [16]})
    return Space(build(spec, seed=0), spec, {"light": LIGHT, "top": TOP})


@pytest.fixture(scope="module")
def judge(data: Dataset) -> Classifier:
    return Classifier.train(data, "half", epochs=3)


# --- images -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codes", ["mean", "sample"])
def test_numbers_of_images_are_those_of_the_metrics(space: Space, data: Dataset, codes: str):
    rows = data.splits["test"]
    found = measure_space(space, data, codes=codes, parts=("images",))
    once = encoding_pass(space, data, rows, codes=codes)
    decoded = space.decode(once.codes(codes)).plain()
    x = data.images(rows)
    assert found["pixel-accuracy"] == pytest.approx(pixel_accuracy(decoded, x).value, abs=1e-7)
    assert found["mean-squared-error"] == pytest.approx(mean_squared_error(decoded, x).value, rel=1e-6)
    q = space.posterior(x)
    kl = 0.5 * (q.mean**2 + q.scale**2 - 1 - 2 * q.scale.log()).sum(1)
    assert found["kl"] == pytest.approx(kl.mean().item(), rel=1e-5)
    assert found["elbo"] == pytest.approx(-(found["reconstruction"] + found["kl"]), rel=1e-6)


def test_intervals_of_images_are_of_means_over_drawn_examples(space: Space, data: Dataset):
    found = measure_space(space, data, seed=3, parts=("images",))
    once = encoding_pass(space, data, data.splits["test"], seed=3)
    drawn = Resamples(found.n, 200, 3)
    columns = {"elbo": once.elbo, "kl": once.kl, "pixel-accuracy": once.accuracy}
    for name, column in columns.items():
        again = [np.average(column.double().numpy(), weights=counts) for counts in drawn.counts]
        assert found.interval(name) == pytest.approx(interval(again), rel=1e-9)
        low, high = found.interval(name)
        assert low < found[name] < high
        spread = column.double().std().item() / found.n**0.5
        assert (high - low) / (2 * 1.96) == pytest.approx(spread, rel=0.25)  # the normal approximation of a mean
        assert found.scores[name].settings["resamples"] == 200


def test_intervals_can_be_left_out_and_one_example_has_none(space: Space, data: Dataset):
    assert not measure_space(space, data, resamples=0).sure
    one = replace(data, splits={**data.splits, "test": data.splits["test"][:1]})
    found = measure_space(space, one, parts=("images", "bound"), weights=2)
    assert not found.sure and found.n == 1
    with pytest.raises(DataError, match=r"resamples is 0 for no intervals, or 2 and more\. Got 1"):
        measure_space(space, data, resamples=1)


# --- parts ------------------------------------------------------------------------------------------------------------


def test_parts_are_measured_as_they_are_asked_for(space: Space, data: Dataset):
    assert (*USUAL, *ASKED) == PARTS
    assert set(measure_space(space, data, parts=("bound",), weights=2).scores) == {"importance-weighted-bound"}
    sliders = measure_space(space, data, parts=("sliders",), resamples=0)
    assert set(sliders.scores) == {"monotonicity", "linearity", "consistency", "restrictiveness", "slider-leakage"}
    assert sliders.information is None and sliders.parts == ("sliders",)
    with pytest.raises(DataError, match=r"Unknown part 'sampels' of a measurement\. Did you mean 'samples'"):
        measure_space(space, data, parts=("sampels",))
    with pytest.raises(DataError, match=r"parts is a list, as \['bound'\]"):
        measure_space(space, data, parts="bound")


def test_information_is_named_and_finds_what_is_told(space: Space, data: Dataset):
    found = measure_space(space, data, split="training", parts=("codes",), resamples=0)
    told = found.information
    assert told.dims == ("light", "top", "z[0]", "z[1]") and told.attributes == ("light", "top")
    nats = np.array(told.nats)
    assert nats.shape == (4, 2)
    assert set(told.unused) == {dim for dim, row in zip(told.dims, nats, strict=True) if (row <= told.floor).all()}
    assert told.floor == pytest.approx(2.5 / found.n**0.5)
    assert found.as_dict()["information"]["nats"] == nats.tolist()


def test_the_pass_is_kept_for_whoever_draws_the_same_examples(space: Space, data: Dataset):
    found = measure_space(space, data, parts=("images",), limit=20)
    assert found.encoded.rows.shape == (20,)
    assert torch.equal(found.encoded.mean, space.encode(data.images(found.encoded.rows)))
    assert replace(found, encoded=None) == found  # the same measurement, kept pass or not


def test_attributes_known_for_some_examples_count_for_those(space: Space, data: Dataset):
    values, rows = data.values.clone(), data.splits["test"]
    values[rows[:3], 0] = torch.nan
    values[rows[4:], 1] = torch.nan
    found = measure_space(space, replace(data, values=values), parts=("codes",), resamples=0)
    assert found.notes == ("Known for fewer than 5 examples, so without scores: top.",)
    assert found.scores["scc"].detail["rows"] == {"light": len(rows) - 3}


# --- samples ----------------------------------------------------------------------------------------------------------


def test_samples_that_are_the_data_are_as_good_as_the_data(space: Space, data: Dataset, judge: Classifier, monkeypatch):
    rows, other = data.splits["training"][:120], data.splits["training"][120:180]
    real = data.images(other)
    monkeypatch.setattr(samples, "from_prior", lambda space, n, seed: iter([real]))
    found, notes = samples.of_samples(space, data, rows, 0, 50, judge)
    assert len(notes) == 1 and notes[0].startswith("Samples: 60 beside 60 images")
    assert found["precision"].value > 0.8 and found["recall"].value > 0.8
    grey = torch.full((60, 1, 8, 8), 0.5)
    monkeypatch.setattr(samples, "from_prior", lambda space, n, seed: iter([grey]))
    flat, _ = samples.of_samples(space, data, rows, 0, 50, judge)
    assert flat["coverage"].value < 0.1 < found["coverage"].value
    assert flat["frechet-distance"].value > 10 * found["frechet-distance"].value
    assert flat["feature-spread"].value == pytest.approx(0, abs=1e-5)


def test_the_floor_is_the_other_half_of_the_images(space: Space, data: Dataset, judge: Classifier, monkeypatch):
    taken: list[torch.Tensor] = []
    features = Classifier.features
    monkeypatch.setattr(Classifier, "features", lambda self, x: taken.append(x) or features(self, x))
    rows = data.splits["training"][:100]
    found, _ = samples.of_samples(space, data, rows, 0, 0, judge)
    kept, drawn, floor = taken
    assert len(kept) == len(drawn) == len(floor) == 50
    both = torch.cat([kept, floor]).flatten(1)
    assert len(both.unique(dim=0)) == len(data.images(rows).flatten(1).unique(dim=0))
    expected = frechet_distance(features(judge, kept), features(judge, floor)).value
    assert found["frechet-distance"].detail["real"] == pytest.approx(expected)
    assert "half" in found["precision"].settings["features"]


def test_what_samples_cannot_be_compared_in_is_told(space: Space, data: Dataset):
    plain = data.only(["light", "top"])
    found, notes = samples.of_samples(space, plain, data.splits["training"], 0, 0)
    assert found == {} and "'arrays' has no classes" in notes[0]
    few, notes = samples.of_samples(space, data, data.splits["training"][:11], 0, 0)
    assert few == {} and "12 images or more; there are 11" in notes[0]


def test_a_classifier_is_trained_once_and_kept(space: Space, data: Dataset, tmp_path, monkeypatch):
    train = Classifier.train
    monkeypatch.setattr(Classifier, "train", lambda data, target, folder, **how: train(data, target, folder, epochs=1))
    first = measure_space(space, data, parts=("samples",), resamples=0, folder=tmp_path / "judge")
    assert (tmp_path / "judge" / "classifier.json").exists()
    again = measure_space(space, data, parts=("samples",), resamples=0, folder=tmp_path / "judge")
    assert first.as_dict() == again.as_dict()


def test_classes_are_the_categorical_attribute_or_all_binary_ones(data: Dataset):
    assert samples.class_of(data) == "half"
    kinds = {"a": "binary", "b": "binary", "c": "real"}
    draw = np.random.default_rng(0)
    values = {"a": draw.integers(0, 2, 40), "b": draw.integers(0, 2, 40), "c": draw.normal(size=40)}
    both = from_arrays(draw.integers(0, 255, (40, 8, 8)).astype(np.uint8), values, kinds=kinds)
    assert samples.class_of(both) == ["a", "b"]
    assert samples.class_of(both.only(["c"])) == []


def test_parzen_windows_stand_beside_training_images(space: Space, data: Dataset):
    found = measure_space(space, data, parts=("parzen",), resamples=20)
    score = found.scores["parzen"]
    images = {name: data.images(rows) for name, rows in data.splits.items()}
    assert score.settings["samples"] == len(images["training"])
    alone = parzen(images["training"], images["validation"], images["test"], resamples=0)
    assert score.detail["real"] == pytest.approx(alone.value)
    validation = measure_space(space, data, split="validation", parts=("parzen",), resamples=0)
    assert validation.scores == {} and "chosen on validation images" in validation.notes[0]


# --- printed ----------------------------------------------------------------------------------------------------------


def wide(names: int) -> Measurement:
    parts = {f"attribute {i}": i / 100 for i in range(names)}
    scores = {
        "scc": Score("scc", 0.5, parts, interval=(0.4, 0.6)),
        "elbo": Score("elbo", -103.58, interval=(-104, -103)),
    }
    return Measurement(scores, "test", 9, "mean", 0, ("[b]a note",))


@pytest.mark.parametrize("width", [50, 80, 140])
def test_no_number_is_cut_however_narrow_the_terminal(width: int):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(wide(12).table())
    text = console.file.getvalue()
    assert "…" not in text and "[b]a note" in text
    assert all(f"{i / 100:.3f}" in text for i in range(12))
    assert "0.4000–0.6000" in text and "-104.0 to -103.0" in text
    assert max(map(len, text.splitlines())) <= width


def test_a_notebook_tells_intervals_under_the_pointer():
    score = Score("scc", 0.5, {"a<b": 0.25}, interval=(0.4, 0.6), intervals={"a<b": (0.2, 0.3)})
    html = Measurement({"scc": score, "kl": Score("kl", 2.0)}, "test", 9, "mean", 0)._repr_html_()
    assert '<td>0.4000–0.6000</td><td title="95 %: 0.200–0.300">0.250</td>' in html
    assert "<th>a&lt;b</th>" in html


def test_numbers_are_written_with_their_significant_figures():
    assert [f"{v:.{places(v)}f}" for v in (0.0875, 12.345, -1234.5, 1e-9)] == ["0.08750", "12.35", "-1234", "0.000000"]
    assert between((0.25, 0.5), 2) == "0.25–0.50"

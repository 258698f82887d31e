"""The object a user holds: what it encodes, moves, makes and shows, and what it says when asked for the impossible."""

from __future__ import annotations

import base64
import io
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import latune
from latune.calibration import Calibration
from latune.data import from_arrays, load
from latune.errors import DataError, RunError
from latune.measurement import Measurement, measure_space, positions, slider_responses
from latune.metrics import Score
from latune.models import Spec, build
from latune.pictures import Images, enlarged, read_image
from latune.space import Space

SLIDERS = ["area", "length", "thickness", "slant", "width", "height"]


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture
def x(digits):
    return digits.images(digits.splits["test"][:24])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- what it is -------------------------------------------------------------------------------------------------------


def test_a_space_says_what_it_is(space):
    assert space.shape == (1, 8, 8)
    assert space.sliders == SLIDERS
    assert list(space.codes) == [*SLIDERS, "z"]
    assert space.codes.width == 16
    assert repr(space).endswith("16 coordinates: area, length, thickness, slant, width, height, z[0] to z[9])")
    html = space._repr_html_()
    assert "thickness" in html
    assert space.attributes["thickness"].unit in html
    assert not space.model.training
    assert {"recipe", "data", "steps", "seconds", "torch", "latune"} <= space.about.keys()
    assert space.to("cpu") is space


def test_loading_is_one_name(digits_run, x):
    assert torch.equal(latune.load(digits_run).encode(x), latune.load(str(digits_run)).encode(x))


# --- codes and images -------------------------------------------------------------------------------------------------


def test_encode_takes_images_in_every_form(space, x, digits, tmp_path):
    z = space.encode(x)
    assert z.shape == (24, 16)
    pixels = digits.raw(digits.splits["test"][:24])
    forms = [Images.of(x), pixels, pixels.numpy(), pixels[:, 0], x[:, 0], x.double(), x[:, 0].numpy()]
    for form in forms:
        assert torch.allclose(space.encode(form), z, atol=1e-5)
    Image.fromarray(pixels[0, 0].numpy()).save(tmp_path / "one.png")
    for path in (tmp_path / "one.png", str(tmp_path / "one.png")):
        assert torch.allclose(space.encode(path), z[:1], atol=1e-5)


def test_encode_gives_the_mean_unless_a_draw_is_asked_for(space, x):
    q = space.posterior(x)
    assert torch.equal(space.encode(x), q.mean)
    draw = space.encode(x, sample=True, generator=seeded())
    assert torch.equal(draw, space.encode(x, sample=True, generator=seeded()))
    assert not torch.equal(draw, space.encode(x, sample=True, generator=seeded(1)))
    assert ((draw - q.mean).abs() < 6 * q.scale).all()


def test_a_chunked_pass_equals_one_pass(space, digits, monkeypatch):
    everything = space.encode_data(digits, "validation")
    monkeypatch.setattr("latune.space.CHUNK", 50)
    assert torch.allclose(space.encode_data(digits, "validation"), everything, atol=1e-5)
    assert torch.allclose(space.encode(digits.images(digits.splits["validation"])), everything, atol=1e-5)


def test_decode_gives_images_and_reconstructs(space, x):
    images = space.decode(space.encode(x))
    assert isinstance(images, Images)
    assert images.shape == x.shape
    assert 0 <= images.min() <= images.max() <= 1
    assert not images.requires_grad
    assert (images.plain() - x).square().mean() < 0.5 * (x - x.mean(0)).square().mean()


def test_no_images_are_no_trouble(space, x):
    assert space.encode(x[:0]).shape == (0, 16)
    assert space.decode(torch.zeros(0, 16)).shape == (0, 1, 8, 8)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda s, x: s.encode(torch.rand(2, 1, 9, 8)), r"images of shape \(1, 8, 8\). Got \(1, 9, 8\)"),
        (lambda s, x: s.encode(torch.rand(2, 3, 8, 8)), r"Got \(3, 8, 8\)"),
        (lambda s, x: s.encode(torch.rand(8, 8)), r"\[8, 8\]. Allowed"),
        (lambda s, x: s.encode(x * 255), r"Images lie in \[0, 1\]"),
        (lambda s, x: s.encode(x * float("nan")), r"Images lie in \[0, 1\]"),
        (lambda s, x: s.encode(x[:, 0].numpy() * 255), r"Divide by 255"),
        (lambda s, x: s.encode(np.zeros((2, 8, 8), np.int32)), "int32"),
        (lambda s, x: s.encode("nowhere.png"), "There is no image at nowhere.png"),
        (lambda s, x: s.decode(torch.zeros(2, 15)), r"shape \(n, 16\). Got \(2, 15\)"),
        (lambda s, x: s.decode(torch.zeros(16)), r"shape \(n, 16\). Got \(16,\)"),
        (lambda s, x: s.decode([[0.0] * 16]), r"shape \(n, 16\). Got a list"),
        (lambda s, x: s.sample(-1), "whole number of 0 or more. Got -1"),
        (lambda s, x: s.sample(1.5), "whole number of 0 or more. Got 1.5"),
        (lambda s, x: s.sample(True), "whole number of 0 or more. Got True"),
        (lambda s, x: s.sample(2, slant=float("nan")), "'slant' takes a finite number. Got nan"),
        (lambda s, x: s.edit(x, slant=float("inf")), "'slant' takes a finite number. Got inf"),
        (lambda s, x: s.edit(x, slant="x"), "'slant' takes a finite number. Got 'x'"),
        (lambda s, x: s.edit(x, slant="1.5"), "'slant' takes a finite number. Got '1.5'"),
        (lambda s, x: s.edit(x, slant=torch.ones(2)), "'slant' takes a finite number"),
        (lambda s, x: s.edit(x, to={"slant": float("nan")}), "'slant' takes a finite number. Got nan"),
        (lambda s, x: s.edit(x, to={"slant": None}), "'slant' takes a finite number. Got None"),
        (lambda s, x: s.edit(x, to=3), "to= takes attribute values by name.*Got 3"),
        (lambda s, x: s.edit(x, to=[]), "to= takes attribute values by name"),
        (lambda s, x: s.edit(x, to={"slnt": 0.1}), "Unknown coordinate 'slnt'. Did you mean 'slant'"),
        (lambda s, x: s.edit(x, to={"z": 2}), "'z' has no measured map.*With one: area, length, thickness, slant"),
        (lambda s, x: s.edit(x, z=2), r"z has 10 columns: z\[0\] to z\[9\]"),
        (lambda s, x: s.edit(x, slope=2), r"Allowed: area, .*, height, z\[0\] to z\[9\]\.$"),
        (lambda s, x: s.reach("z[0]"), "has no measured map"),
        (lambda s, x: s.traverse(x, "slant", []), r"'slant' needs one or more latent values.*Got \[\]"),
        (lambda s, x: s.traverse(x, "slant", 3), "needs one or more latent values"),
        (lambda s, x: s.traverse(x, "slant", "12"), "needs one or more latent values"),
        (lambda s, x: s.traverse(x, "slant", [[1.0, 2.0]]), "'slant' takes a finite number"),
        (lambda s, x: s.traverse(x, "slant", torch.tensor([float("nan")])), "'slant' takes a finite number"),
        (lambda s, x: s.traverse(x, 3), "Unknown coordinate '3'"),
        (lambda s, x: s.interpolate(x[:2], x[:3]), "from n images to as many.*Got 2 and 3"),
        (lambda s, x: s.interpolate(x[:2], x[:2], steps=2.5), "whole number"),
        (lambda s, x: s.sample(2, slnt=1.0), "Unknown coordinate 'slnt'. Did you mean 'slant'"),
        (lambda s, x: s.edit(x, thicknes=1.0), "Did you mean 'thickness'"),
        (lambda s, x: s.edit(x, to={"digit": 3.0}), "Unknown coordinate 'digit'"),
        (lambda s, x: s.edit(x, to={"z[0]": 3.0}), r"'z\[0\]' has no measured map.*With one: area"),
        (lambda s, x: s.traverse(x, "slent"), "Did you mean 'slant'"),
        (lambda s, x: s.interpolate(x[:1], x[1:2], steps=1), "2 or more steps. Got 1"),
    ],
)
def test_what_cannot_be_is_told(space, x, act, message):
    with pytest.raises(DataError, match=message):
        act(space, x)


# --- moves ------------------------------------------------------------------------------------------------------------


def test_samples_repeat_and_coordinates_can_be_held(space):
    first = space.sample(6, generator=seeded())
    assert torch.equal(first, space.sample(6, generator=seeded()))
    assert not torch.equal(first, space.sample(6, generator=seeded(1)))
    z = space.codes.sample(6, seeded())
    z[:, SLIDERS.index("slant")] = 1.5
    held = space.sample(6, generator=seeded(), slant=1.5)
    assert torch.equal(held.plain(), space.decode(z).plain())


def test_edit_adds_to_one_coordinate_and_keeps_the_rest(space, x):
    z = space.encode(x)
    z[:, SLIDERS.index("thickness")] += 2
    assert torch.equal(space.edit(x, thickness=2.0).plain(), space.decode(z).plain())
    z[:, 8] -= 1
    assert torch.equal(space.edit(x, **{"thickness": 2.0, "z[2]": -1.0}).plain(), space.decode(z).plain())
    assert torch.equal(space.edit(x).plain(), space.decode(space.encode(x)).plain())


@pytest.mark.parametrize("name", ["area", "thickness", "slant", "width", "length"])
def test_a_slider_moves_its_attribute_the_way_it_says(space, x, name):
    measured = [space.measured([name], space.edit(x, **{name: by}))[name].mean() for by in (-2.0, 0.0, 2.0)]
    assert measured[0] < measured[1] < measured[2]


@pytest.mark.parametrize(("name", "share"), [("area", 0.3), ("thickness", 0.5), ("slant", 0.25), ("width", 0.5)])
@pytest.mark.parametrize("at", [0.3, 0.7])
def test_edit_in_own_units_approaches_the_target(space, x, name, share, at):
    low, high = space.calibration[name].range
    target = low + at * (high - low)
    before = space.measured([name], space.decode(space.encode(x)).plain())[name]
    after = space.measured([name], space.edit(x, to={name: target}))[name]
    assert np.abs(after - target).mean() < share * np.abs(before - target).mean()


def test_edit_in_own_units_refines_what_the_map_alone_would_do(space, x, monkeypatch):
    off = {}
    for rounds in (1, 6):
        monkeypatch.setattr("latune.units.REFINEMENTS", rounds)
        off[rounds] = np.abs(space.measured(["slant"], space.edit(x, to={"slant": 0.05}))["slant"] - 0.05).mean()
    assert off[6] < off[1]


def test_several_attributes_at_once_and_samples(space, x):
    target = {"slant": 0.0, "thickness": 2.2}
    images = space.edit(x, to=target)
    for name, value in target.items():
        before = np.abs(space.measured([name], space.decode(space.encode(x)).plain())[name] - value).mean()
        assert np.abs(space.measured([name], images)[name] - value).mean() < before
    drawn = space.sample(12, generator=seeded(), to={"slant": 0.1})
    assert np.abs(space.measured(["slant"], drawn)["slant"] - 0.1).mean() < 0.08


def test_an_edit_may_go_both_ways_at_once(space, x):
    z = space.encode(space.edit(x, to={"slant": 0.05}).plain())
    assert z.isfinite().all()
    both = space.edit(x, to={"slant": 0.05}, thickness=1.0)
    assert both.shape == x.shape


def test_labels_are_aimed_at_by_their_map_alone():
    """An attribute that is only a label has no measure; its map comes from the labels."""
    draw = np.random.default_rng(0)
    light = draw.uniform(0.1, 1, 160)
    data = from_arrays(light[:, None, None] * np.ones((160, 6, 6)), {"light": light})
    space = latune.fit(
        light[:, None, None] * np.ones((160, 6, 6)), {"light": light}, training__steps=250, training__log_every=100
    )
    known = space.calibration["light"]
    assert known.source == "labels"
    x = data.images(torch.arange(5))
    edited = space.edit(x, to={"light": 0.5}).plain()
    assert (edited.mean((1, 2, 3)) - 0.5).abs().mean() < 0.15
    z = known.latent(np.array([0.5]))
    expected = space.encode(x)
    expected[:, 0] = float(z[0])
    assert torch.allclose(edited, space.decode(expected).plain(), atol=1e-6)


def test_what_is_out_of_reach_is_warned_of_and_the_nearest_is_used(space, x):
    low, high = space.reach("slant")
    assert (low, high) == space.calibration["slant"].range
    asked = rf"slant = 100 was asked for; this model reaches {low:.4g} to {high:.4g} rad\. The nearest it reaches"
    with pytest.warns(UserWarning, match=asked) as caught:
        far = space.edit(x, to={"slant": 100})
    assert len(caught) == 1
    # The end itself is no reason to warn.
    at_end = space.measured(["slant"], space.edit(x, to={"slant": high}))["slant"]
    assert space.measured(["slant"], far)["slant"].mean() > at_end.mean() - 0.02
    with pytest.warns(UserWarning, match="area = -5 was asked for"):
        space.sample(2, generator=seeded(), to={"area": -5.0})


def test_coordinates_may_be_called_x_and_y():
    spec = Spec("ar-vae", (1, 6, 6), 3, ("x", "y"), {"name": "mlp", "hidden": [8]})
    space = Space(build(spec, seed=0), spec)
    x = torch.rand(2, 1, 6, 6, generator=seeded())
    z = space.encode(x)
    z[:, 0] += 1
    assert torch.equal(space.edit(x, x=1.0).plain(), space.decode(z).plain())


def test_traverse_moves_one_coordinate_and_keeps_the_rest(space, x):
    grid = space.traverse(x[:3], "slant")
    assert grid.shape == (3, 10, 1, 8, 8)
    z = space.encode(x[:3])
    for column, value in enumerate(torch.linspace(-4, 4, 10)):
        z[:, SLIDERS.index("slant")] = value
        assert torch.allclose(grid[:, column].plain(), space.decode(z).plain(), atol=1e-6)
    assert space.traverse(x[:2], "z[1]", [0.0, 1.0, 2.0]).shape == (2, 3, 1, 8, 8)


def test_interpolate_begins_and_ends_where_it_should(space, x):
    steps = space.interpolate(x[:2], x[2:4], steps=5)
    assert steps.shape == (2, 5, 1, 8, 8)
    for index, ends in ((0, x[:2]), (-1, x[2:4])):
        assert torch.allclose(steps[:, index].plain(), space.decode(space.encode(ends)).plain(), atol=1e-5)
    middle = space.decode((space.encode(x[:2]) + space.encode(x[2:4])) / 2)
    assert torch.allclose(steps[:, 2].plain(), middle.plain(), atol=1e-5)
    fan = space.interpolate(x[:1], x[2:5], steps=2).plain()
    assert torch.allclose(fan[:, 0], space.decode(space.encode(x[:1])).plain().expand(3, 1, 8, 8), atol=1e-5)
    assert space.interpolate(x[2:5], x[:1], steps=2).shape == (3, 2, 1, 8, 8)


# --- the map to the attribute's own units -----------------------------------------------------------------------------


def test_every_slider_has_a_monotone_map(space):
    assert list(space.calibration) == SLIDERS
    for name, known in space.calibration.items():
        steps = np.diff(known.value)
        assert (steps >= 0).all() or (steps <= 0).all()
        assert known.slider[0] == -4
        assert known.slider[-1] == 4
        assert known.unit == space.attributes[name].unit
        assert known.source == "decoded"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_map_there_and_back_is_where_it_was(sign):
    z = np.linspace(-4, 4, 60)
    known = Calibration.fit(z, sign * (3 * z + z**3 / 10), "labels")
    inside = np.linspace(known.range[0], known.range[1], 21)
    assert np.allclose(known.attribute(known.latent(inside)), inside, atol=1e-6)
    latent = np.linspace(-3.9, 3.9, 15)
    assert np.allclose(known.latent(known.attribute(latent)), latent, atol=1e-6)
    far = known.latent(np.array([-1e9, 1e9]))
    assert far.tolist() == [-4 * sign, 4 * sign]
    again = Calibration.from_dict(json.loads(json.dumps(known.as_dict())))
    assert np.array_equal(again.value, known.value)
    assert np.array_equal(again.slider, known.slider)


def test_a_map_of_noise_constants_and_few_points_is_still_a_map():
    draw = np.random.default_rng(0)
    for attribute in (draw.normal(size=50), np.ones(50)):
        known = Calibration.fit(draw.normal(size=50), attribute, "labels")
        assert np.isfinite(known.value).all()
        assert np.isfinite(known.latent(attribute)).all()
    flat = Calibration.fit(draw.normal(size=50), np.full(50, 3.0), "labels")
    assert flat.range == (3.0, 3.0)
    assert flat.latent(np.array([2.0, 3.0, 4.0])).tolist() == [-4, 0, 4]  # already there: stay in the middle
    with_gaps = draw.normal(size=50)
    with_gaps[3] = np.nan
    assert np.isfinite(Calibration.fit(np.arange(50.0), with_gaps, "labels").value).all()
    assert np.isfinite(Calibration.fit(np.zeros(5), np.arange(5.0), "labels").value).all()


# --- measuring --------------------------------------------------------------------------------------------------------


def test_a_measurement_repeats_and_says_what_it_is(space, digits):
    found = space.measure(digits, limit=200)
    again = measure_space(space, digits, "test", limit=200)
    assert found.as_dict() == again.as_dict()
    assert json.loads(json.dumps(found.as_dict()))["n"] == 179
    assert found.n == len(digits.splits["test"])
    assert found["elbo"] == pytest.approx(-(found["reconstruction"] + found["kl"]), rel=1e-5)
    assert found["interpretability"] > 0.5
    assert found["pixel-accuracy"] > 0.8
    assert set(found.scores["monotonicity"].per_attribute) == set(SLIDERS)
    assert found["monotonicity"] > 0.7
    sampled = space.measure(digits, codes="sample", seed=1, limit=200)
    assert sampled["interpretability"] != found["interpretability"]
    for name in ("pixel-accuracy", "mean-squared-error"):
        assert sampled[name] != found[name]
        assert (sampled.scores[name].settings["codes"], found.scores[name].settings["codes"]) == ("sample", "mean")
    assert sampled["mean-squared-error"] > found["mean-squared-error"]
    assert found.table().row_count == len(found.scores)
    assert found.notes == ()


def test_a_measurement_is_read_as_text_and_in_a_notebook(space, digits):
    found = space.measure(digits, limit=40)
    text = str(found)
    assert text == repr(found)
    assert "\x1b" not in text
    assert text.startswith("40 examples of the test split, codes: posterior mean")
    assert all(len(line) <= 100 for line in text.splitlines())
    row = next(line for line in text.splitlines() if line.strip().startswith("scc")).split()
    low, high = found.interval("scc")
    assert row[1:3] == [f"{found['scc']:.4f}", f"{low:.4f}–{high:.4f}"]
    assert row[3:] == [f"{value:.3f}" for value in found.scores["scc"].per_attribute.values()]
    html = found._repr_html_()
    assert "<th>thickness</th>" in html
    low, high = found.scores["scc"].intervals["thickness"]
    cell = f'title="95 %: {low:.3f}–{high:.3f}">{found.scores["scc"].per_attribute["thickness"]:.3f}</td>'
    assert cell in html


def test_names_in_a_table_are_text_and_a_wide_table_keeps_its_numbers():
    parts = {f"[bold]{i}[/] <i>": 0.125 for i in range(30)}
    found = Measurement({"scc": Score("scc", 0.5, parts)}, "test", 9, "mean", 0, ("[red]left out",))
    text = str(found)
    assert "[bold]29[/] <i>" in text
    assert text.count("0.125") == 30
    assert text.endswith("[red]left out")
    assert "<i>" not in found._repr_html_()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda s, d: s.measure(d, codes="x"), "codes is 'mean' or 'sample'. Got 'x'"),
        (lambda s, d: s.measure(d, "tst"), "Unknown split.*'tst'.*Did you mean 'test'"),
        (lambda s, d: s.encode_data(d, "tst"), "Did you mean 'test'"),
        (lambda s, d: s.measure(d, limit=0), "limit is 1 or more"),
        (
            lambda s, d: s.measure(d.only(["slant", "area"])),
            "has no attribute length, thickness, width, height; it has",
        ),
        (
            lambda s, d: s.measure(from_arrays(np.zeros((20, 9, 8)))),
            r"shape \(1, 8, 8\). Those of 'arrays' have \(1, 9",
        ),
        (lambda s, d: s.measure(np.zeros((20, 8, 8))), "from_arrays.*Got a ndarray"),
        (lambda s, d: s.measure(replace(d, splits={"test": torch.zeros(0, dtype=torch.int64)})), "split .* is empty"),
    ],
)
def test_what_cannot_be_measured_is_told(space, digits, act, message):
    with pytest.raises(DataError, match=message):
        act(space, digits)


@pytest.mark.parametrize("n", [1, 2, 4, 5])
def test_few_examples_leave_scores_out_and_say_so(space, digits, n):
    few = replace(digits, splits={**digits.splits, "test": digits.splits["test"][:n]})
    found = space.measure(few)
    assert ("scc" in found.scores) == (n >= 5)
    assert {"elbo", "pixel-accuracy", "monotonicity"} <= set(found.scores)
    if n < 5:
        assert found.notes == (
            f"The scores of attributes need 5 examples or more; the test split has {n}. They are left out.",
        )
        assert found.as_dict()["notes"] == list(found.notes)
        assert "need 5 examples or more" in " ".join(str(found).split())
        assert found.notes[0] in found._repr_html_()


def test_an_attribute_that_does_not_vary_is_left_out(space, digits):
    values = digits.values.clone()
    values[:, list(digits.attributes).index("slant")] = 0.0
    still = replace(digits, values=values)
    found = space.measure(still, limit=40)
    assert found.notes == ("The same value in every example, so without scores: slant.",)
    assert "slant" not in found.scores["scc"].per_attribute
    assert "thickness" in found.scores["scc"].per_attribute


def test_a_constant_attribute_can_be_calibrated_and_aimed_at():
    spec = Spec("ar-vae", (1, 6, 6), 3, ("light",), {"name": "mlp", "hidden": [8]})
    data = from_arrays(
        np.random.default_rng(0).random((40, 6, 6)), {"light": np.full(40, 7.0)}, kinds={"light": "real"}
    )
    space = Space(build(spec, seed=0), spec, data.attributes)
    space.calibrate(data)
    assert space.reach("light") == (7.0, 7.0)
    assert "7 to 7" in space._repr_html_()
    aimed = space.sample(3, generator=seeded(), to={"light": 7.0})
    assert torch.equal(aimed.plain(), space.sample(3, generator=seeded(), light=0.0).plain())


def test_slider_responses_rise(space, digits):
    responses = slider_responses(space, digits, digits.splits["test"][:8])
    assert set(responses) == set(SLIDERS)
    assert responses["slant"].shape == (8, len(positions()))
    assert (np.diff(responses["slant"].mean(0)) > 0).all()


# --- images -----------------------------------------------------------------------------------------------------------


def test_images_are_laid_out_as_a_sheet():
    flat = Images.of(torch.stack([torch.full((1, 4, 5), i / 6) for i in range(6)]))
    sheet = flat.sheet(columns=3)
    assert sheet.shape == (4 * 2 + 1, 5 * 3 + 2, 3)
    assert sheet.dtype == np.uint8
    assert (sheet[:4, 6:11] == round(255 / 6)).all()
    assert (sheet[5:, :5] == round(255 * 3 / 6)).all()
    assert (sheet[4] == 255).all()
    grid = Images.of(torch.zeros(2, 3, 3, 4, 4))
    assert grid.sheet().shape == (9, 14, 3)
    colour = torch.zeros(1, 3, 2, 2)
    colour[:, 0] = 1
    assert Images.of(colour).sheet().tolist() == [[[255, 0, 0]] * 2] * 2


def test_images_show_and_save_themselves(tmp_path):
    images = Images.of(torch.rand(5, 1, 8, 8, generator=seeded()))
    shown = Image.open(io.BytesIO(images._repr_png_()))
    assert shown.size == (5 * 80 + 4 * 4, 80)
    assert repr(images) == "Images(5, 1, 8, 8)"
    assert images.save(tmp_path / "a" / "sheet.png") == tmp_path / "a" / "sheet.png"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["sheet.png"]
    with Image.open(tmp_path / "a" / "sheet.png") as saved:
        assert saved.size == shown.size


def test_one_image_shows_and_saves_itself(tmp_path):
    images = Images.of(torch.rand(5, 1, 8, 8, generator=seeded()))
    assert repr(images[2]) == "Images(1, 8, 8)"
    assert images[2]._repr_png_() == images[2:3]._repr_png_()
    with Image.open(images[2].save(tmp_path / "one.png")) as saved:
        assert saved.size == (80, 80)
    assert np.array_equal(images[2].sheet(), images[2:3].sheet())


@pytest.mark.parametrize("side", [8, 28])
def test_gaps_are_crisp_and_no_image_bleeds_into_its_neighbour(side):
    images = torch.rand(6, 1, side, side, generator=seeded())
    factor = round(80 / side)
    wide = Images.of(images).sheet(columns=3, factor=factor)
    gap, step = min(factor, 4), side * factor + min(factor, 4)
    assert (wide[:, step - gap : step] == 255).all()
    assert (wide[step - gap : step] == 255).all()
    for i in range(6):
        top, left = i // 3 * step, i % 3 * step
        alone = enlarged(images[i : i + 1], factor)[0]
        assert np.array_equal(wide[top : top + side * factor, left : left + side * factor], alone)


def test_tiny_images_are_smooth_and_others_are_squares():
    smooth = enlarged(torch.rand(1, 1, 12, 12, generator=seeded()), 5)
    squares = enlarged(torch.rand(1, 1, 13, 13, generator=seeded()), 5)
    assert (smooth[0, 0, 0] != smooth[0, 4, 4]).any()
    assert (squares[0, :5, :5] == squares[0, 0, 0]).all()


def test_a_notebook_shows_samples_beside_the_coordinates(space):
    html = space._repr_html_()
    assert html == space._repr_html_()
    png = base64.b64decode(html.split("data:image/png;base64,")[1].split('"')[0])
    with Image.open(io.BytesIO(png)) as row:
        assert row.size == (8 * 80 + 7 * 4, 80)


def test_images_are_tensors_in_every_computation():
    images = Images.of(torch.ones(2, 1, 4, 4, requires_grad=True))
    assert not images.requires_grad
    assert images.mean().item() == 1
    assert repr(images.mean()) == "tensor(1.)"
    assert images.sum()._repr_png_() is None
    assert repr(images[:, 0, 0, 0]) == "tensor([1., 1.])"
    assert type(images.plain()) is torch.Tensor
    assert (images + 1).max() == 2
    assert images.numpy().shape == (2, 1, 4, 4)


@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 4), (2, 2, 4, 4)])
def test_what_is_not_images_is_told(shape):
    with pytest.raises(DataError, match="1 or 3, h, w"):
        Images.of(torch.zeros(shape))


def test_nothing_cannot_be_drawn():
    empty = Images.of(torch.zeros(0, 1, 4, 4))
    assert empty._repr_png_() is None
    with pytest.raises(DataError, match="no images"):
        empty.sheet()


def test_image_files_are_fitted_to_the_model(tmp_path):
    Image.fromarray(np.full((30, 20, 3), 128, np.uint8)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", (1, 8, 8)).shape == (1, 1, 8, 8)
    colour = read_image(tmp_path / "a.png", (3, 6, 9))
    assert colour.shape == (1, 3, 6, 9)
    assert torch.allclose(colour, torch.tensor(128 / 255))
    (tmp_path / "b.png").write_text("not an image")
    with pytest.raises(DataError, match=r"b\.png cannot be read as an image"):
        read_image(tmp_path / "b.png", (1, 8, 8))


# --- run folders ------------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(digits_run, tmp_path):
    return shutil.copytree(digits_run, tmp_path / "copy")


def test_a_folder_that_is_not_a_run_is_told(tmp_path):
    with pytest.raises(RunError, match=r"There is no run folder at .*Train one"):
        latune.load(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="no run folder"):
        latune.load(tmp_path / "file")
    with pytest.raises(RunError, match=r"is not a run folder: it has no space\.json"):
        latune.load(tmp_path)
    (tmp_path / "recipe.toml").write_text("")
    with pytest.raises(RunError, match="is not finished: run the command that started it again"):
        latune.load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[1, 2]",
        lambda text: "{}",
        lambda text: text.replace('"spec"', '"spek"'),
        lambda text: text.replace('"kind": "real"', '"kind": "reel"'),
        lambda text: text.replace('"slider": [', '"slider": ["a",'),
        lambda text: text.replace('"slider": [', '"slider": [-9.0,'),
        lambda text: text.replace('"latent"', '"latest"'),
    ],
)
def test_a_damaged_description_is_told(copy, change):
    path = copy / "space.json"
    text = path.read_text()
    path.write_text(change(text))
    assert path.read_text() != text
    with pytest.raises(RunError, match=r"space\.json is damaged"):
        latune.load(copy)


def test_bytes_that_are_no_text_are_told(copy):
    (copy / "space.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RunError, match="damaged"):
        latune.load(copy)


def test_weights_that_are_missing_or_do_not_fit_are_told(copy):
    described = json.loads((copy / "space.json").read_text())
    described["spec"]["nets"]["hidden"] = [256, 128]
    (copy / "space.json").write_text(json.dumps(described))
    with pytest.raises(RunError, match=r"do not fit the recipe beside them.*the recipe needs \(128, 256\)"):
        latune.load(copy)
    described["spec"]["model"] = "no-vae"
    (copy / "space.json").write_text(json.dumps(described))
    with pytest.raises(RunError, match="cannot be built: Unknown model 'no-vae'"):
        latune.load(copy)
    (copy / "weights.safetensors").unlink()
    described["spec"]["model"] = "ar-vae"
    (copy / "space.json").write_text(json.dumps(described))
    with pytest.raises(RunError, match=r"weights\.safetensors is missing.*when the training ends.*remove space\.json"):
        latune.load(copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("spec"), "'spec' is missing in it"),
        (lambda data: data.pop("about"), "'about' is missing in it"),
        (lambda data: data["spec"].pop("shape"), "'shape' is missing in it"),
        (lambda data: data["calibration"]["slant"].pop("value"), "'value' is missing in it"),
    ],
)
def test_what_is_missing_in_a_description_is_said_in_words(copy, change, message):
    described = json.loads((copy / "space.json").read_text())
    change(described)
    (copy / "space.json").write_text(json.dumps(described))
    with pytest.raises(RunError, match=rf"space\.json is damaged: {message}. Restore it"):
        latune.load(copy)
    (copy / "space.json").write_text("[1]")
    with pytest.raises(RunError, match="it holds a list"):
        latune.load(copy)


def test_a_damaged_weights_file_is_told(copy):
    path = copy / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RunError, match="is not a readable safetensors file"):
        latune.load(copy)


def test_own_modules_are_given_again(tmp_path):
    images = np.random.default_rng(0).random((40, 6, 6))

    def nets():
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(36, 32))
        decoder = nn.Sequential(nn.Linear(16, 36), nn.Sigmoid(), nn.Unflatten(1, (1, 6, 6)))
        return encoder, decoder

    encoder, decoder = nets()
    space = latune.fit(images, out=tmp_path / "own", encoder=encoder, decoder=decoder, training__steps=3)
    again = latune.load(tmp_path / "own", nets=nets())
    x = torch.from_numpy(images[:5, None]).float()
    assert torch.equal(space.encode(x), again.encode(x))
    with pytest.raises(RunError, match=r"do not fit|cannot be built"):
        latune.load(tmp_path / "own")

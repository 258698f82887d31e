"""What a control does, measured: on a space whose answers are known, and on trained digits."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import Tensor

from latune.attributes import Attribute
from latune.calibration import Calibration
from latune.codes import Codes, Gaussian, Normal
from latune.data import InMemory, load
from latune.errors import DataError
from latune.measurement.control import measure_control
from latune.measurement.sliders import measure_sliders
from latune.medium import Pictures
from latune.moves import Move, Put, Shift, Stay
from latune.pictures import Images
from latune.space import Space

NAMES = ("north", "east", "south", "west")
SIDE = 8
QUADRANTS = (
    (slice(0, 4), slice(0, 4)),
    (slice(0, 4), slice(4, 8)),
    (slice(4, 8), slice(0, 4)),
    (slice(4, 8), slice(4, 8)),
)
SCALE = torch.tensor([0.05, 0.05, 0.1, 1.0])
FIRST = torch.tensor([2.0, 0.0, 0.0, 0.0])


def brightness(name: str) -> Attribute:
    """The mean light of one quarter of the image, in [0, 1]."""
    place = QUADRANTS[NAMES.index(name)]
    return Attribute(name, "real", measure=lambda images: images[:, place[0], place[1]].mean((1, 2)) / 255)


class Quarters(Space):
    """A space that is exactly linear: the light of each quarter is 1/2 + z/10, mixed by a matrix."""

    def __init__(self, mix: np.ndarray | None = None, sliders: tuple[str, ...] = NAMES) -> None:
        self.mix = torch.eye(4) if mix is None else torch.as_tensor(mix, dtype=torch.float32)
        self.codes = Codes({name: Normal(1) for name in NAMES})
        self.attributes = {name: brightness(name) for name in NAMES}
        slider = np.linspace(-4, 4, 33)
        self.calibration = {name: Calibration(slider, 0.5 + slider / 10, "decoded") for name in sliders}
        self.encoded, self.decoded, self._sliders = 0, 0, sliders
        self.__dict__["controls"] = {}  # nothing was learned after training
        self.__dict__["medium"] = Pictures((1, SIDE, SIDE))

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, SIDE, SIDE

    @property
    def sliders(self) -> list[str]:
        return list(self._sliders)

    def posterior(self, x) -> Gaussian:
        self.encoded += 1
        x = self._take(x)
        light = torch.stack([x[:, 0, a, b].mean((1, 2)) for a, b in QUADRANTS], dim=1)
        return Gaussian((light - 0.5) * 10 @ torch.linalg.inv(self.mix).T, SCALE.expand(len(x), 4))

    def decode(self, z, generator=None) -> Images:
        self.decoded += 1
        light = (0.5 + z @ self.mix.T / 10).clamp(0, 1)
        x = torch.empty(len(z), 1, SIDE, SIDE)
        for i, (a, b) in enumerate(QUADRANTS):
            x[:, 0, a, b] = light[:, i, None, None]
        return Images.of(x)


class Judge:
    """Sees class 1 where the north is bright; its features are the light of the quarters."""

    def classes(self, x: Tensor) -> Tensor:
        return (x[:, 0, :4, :4].mean((1, 2)) > 0.5).long()

    def features(self, x: Tensor) -> Tensor:
        return torch.stack([x[:, 0, a, b].mean((1, 2)) for a, b in QUADRANTS], dim=1)


class Judges(Judge):
    """Tells of each of two quarters whether it is bright."""

    target = ("bright", "dawn")

    def classes(self, x: Tensor) -> Tensor:
        return (self.features(x)[:, :2] > 0.5).long()


def quarters(n: int = 60, seed: int = 0) -> InMemory:
    """Images of a `Quarters` with the class that a `Judge` sees and the light of the quarters."""
    z = 0.8 * torch.randn(n, 4, generator=torch.Generator().manual_seed(seed))
    pixels = (Quarters().decode(z).plain() * 255).round().to(torch.uint8)
    light = torch.stack([pixels[:, 0, a, b].float().mean((1, 2)) / 255 for a, b in QUADRANTS], dim=1)
    bright = (light[:, :1] > 0.5).float()
    attributes = {"bright": Attribute("bright", "categorical", (0, 1))} | {name: brightness(name) for name in NAMES}
    rows = torch.arange(n)
    return InMemory(
        name="quarters",
        shape=(1, SIDE, SIDE),
        attributes=attributes,
        values=torch.cat([bright, light], dim=1),
        splits={"training": rows[:0], "validation": rows[: n // 4], "test": rows},
        pixels=pixels,
    )


DATA = quarters()
SPREAD = {name: float(DATA.column(name).double().std(correction=0)) for name in NAMES}
ROUNDED = 0.02  # 1/255 of light, in spreads of about 0.08, twice


# --- an edit of known effect -----------------------------------------------------------------------------------------


def test_a_shift_of_one_coordinate():
    space = Quarters()
    found = measure_control(space, {"east": 1.0}, DATA, classifier=Judge())
    assert found["success"] == 1.0
    assert found.scores["success"].settings["target"] == {"east": "up"}
    expected = 0.1 / SPREAD["east"]
    assert found["change"] == pytest.approx(expected, abs=2 * ROUNDED)
    assert found.scores["change"].per_attribute["north"] == pytest.approx(0.0, abs=ROUNDED)
    assert found["leakage"] == pytest.approx(0.0, abs=ROUNDED)
    assert set(found.scores["leakage"].per_attribute) == {"north", "south", "west"}
    assert found["preserved-class"] == 1.0
    assert found["preserved-class-original"] == 1.0
    assert found.scores["preserved-class-original"].settings["class_of_originals"] == "true"
    assert found["diversity"] == pytest.approx(1.0, abs=1e-3)
    assert found["zmse"] == pytest.approx((1 / 0.05) ** 2 / 4, rel=1e-4)
    assert found.scores["zmse"].detail["names"] == list(NAMES)
    assert found.scores["zmse"].detail["unused_dims"] == [3]
    assert "success-before" not in found.scores  # a reconstruction goes nowhere
    assert found.notes == ()
    assert found.title == "east +1: 60 examples of the test split, codes: posterior mean"


def test_one_encoding_and_one_decoding_each():
    space = Quarters()
    measure_control(space, Shift(0, 1.0), DATA, target={"north": "up"}, classifier=Judge(), resamples=0)
    assert (space.encoded, space.decoded) == (1, 2)  # reconstructions, and what the move made
    space = Quarters()
    measure_sliders(space, DATA, limit=10, resamples=0)
    assert (space.encoded, space.decoded) == (1, 1)


@pytest.mark.parametrize(
    "edit",
    [{"north": -2.0}, Shift(0, -2.0), lambda x: Quarters().decode(Quarters().encode(x) - FIRST), Shift(0, -1.0) * 2],
    ids=["keywords", "move", "images", "twice"],
)
def test_the_same_edit_in_four_ways(edit):
    found = measure_control(Quarters(), edit, DATA, target={"north": "down"}, resamples=0)
    assert found["success"] == 1.0
    assert found["change"] == pytest.approx(-0.2 / SPREAD["north"], abs=0.06)
    assert ("zmse" in found.scores) == (not callable(edit) or isinstance(edit, Move))
    if "zmse" not in found.scores:
        assert found.notes == ("The edit changes images, not codes: there is no zMSE.",)


def test_staying_is_perfect_and_reaches_nothing():
    found = measure_control(Quarters(), Stay(), DATA, target={"north": 0.9}, classifier=Judge())
    for name, value in {"success": 0.0, "success-before": 0.0, "leakage": 0.0, "change": 0.0, "zmse": 0.0}.items():
        assert found[name] == value, name
    for name in ("preserved-class", "identity", "identity-original", "diversity"):
        assert found[name] == pytest.approx(1.0, abs=1e-12), name
    assert found.scores["leakage-original"].detail["reconstruction"] == found["leakage-original"]


def test_values_in_the_attributes_own_units():
    found = measure_control(Quarters(), {"to": {"north": 0.6, "west": 0.4}}, DATA, tolerance=0.1)
    assert found["success"] == 1.0
    assert found["success-before"] < 0.2
    assert found.scores["success"].settings["tolerance"]["north"] == pytest.approx(0.1 * SPREAD["north"])
    assert found.edit == "north to 0.6, west to 0.4"
    assert set(found.scores["leakage"].per_attribute) == {"east", "south"}
    each = np.linspace(0.4, 0.6, 60)
    move = Put(0, torch.from_numpy((each - 0.5) * 10).float())
    assert measure_control(Quarters(), move, DATA, target={"north": each}, tolerance=0.1)["success"] == 1.0
    wrong = measure_control(Quarters(), move, DATA, target={"north": each[::-1]}, tolerance=0.1)
    assert wrong["success"] < 0.2


def test_a_model_that_mixes_leaks_as_much_as_its_matrix_says():
    mix = np.eye(4)
    mix[1, 0] = 0.5  # north moves east half as far
    found = measure_control(Quarters(mix), {"north": 1.0}, DATA, resamples=0)
    leak = found.scores["leakage"]
    assert leak.per_attribute["east"] == pytest.approx(0.05 / SPREAD["east"], abs=2 * ROUNDED)
    assert leak.per_attribute["south"] == pytest.approx(0.0, abs=ROUNDED)
    assert leak.detail["relative"] == pytest.approx(
        0.05 / SPREAD["east"] / 3 / (0.1 / SPREAD["north"]), abs=2 * ROUNDED
    )


def test_what_the_model_cannot_represent_is_not_the_edits_fault():
    class Blind(Quarters):
        def posterior(self, x):
            q = super().posterior(x)
            return Gaussian(q.mean * torch.tensor([1.0, 1.0, 1.0, 0.0]), q.scale)

    found = measure_control(Blind(), {"east": 0.5}, DATA, classifier=Judge())
    assert found["leakage"] == pytest.approx(0.0, abs=ROUNDED)
    lost = np.abs(DATA.column("west").double().numpy() - 0.5).mean() / SPREAD["west"] / 3
    assert found["leakage-original"] == pytest.approx(lost, abs=2 * ROUNDED)
    assert found.scores["leakage-original"].detail["reconstruction"] == pytest.approx(lost, abs=2 * ROUNDED)
    assert found["diversity"] == pytest.approx(1.0, abs=1e-3)
    assert found["diversity-original"] < 0.95
    assert found.scores["diversity-original"].detail["reconstruction"] == pytest.approx(found["diversity-original"])


def test_a_class_as_target_and_the_collapse_that_accuracy_does_not_see():
    found = measure_control(Quarters(), Put(0, 2.0), DATA, target={"bright": 1}, classifier=Judge())
    assert found["success"] == 1.0
    assert found["success-before"] == pytest.approx(DATA.column("bright").mean().item(), abs=0.05)
    assert "preserved-class" not in found.scores
    looks = lambda x: Quarters().decode(torch.tensor([[2.0, 0.0, 0.0, 0.0]]).expand(len(x), 4))  # noqa: E731
    collapsed = measure_control(Quarters(), looks, DATA, target={"bright": 1}, classifier=Judge())
    assert collapsed["success"] == 1.0
    assert collapsed["diversity"] == 0.0
    assert collapsed["identity"] <= 2 / 60


def test_words_of_edits_of_which_a_space_makes_more():
    class Learned(Quarters):
        """One with a control `bright`, which puts north where it should be."""

        def moved(self, z: Tensor, *, to=None, by=None, bright=None, **shifts) -> Tensor:
            assert by == "descent"
            wanted = (to or {}).get("bright", bright)
            return Put(0, 2.0 if wanted else -2.0)(self.coordinates.shifted(shifts)(z))

    words = {"bright": 1, "by": "descent", "east": -1.0}
    found = measure_control(Learned(), words, DATA, classifier=Judge())
    assert found.scores["success"].per_attribute == {"east": 1.0, "bright": 1.0}
    assert found.edit == "bright +1, by descent, east -1"
    dark = measure_control(Learned(), {"to": {"bright": 0}, "by": "descent"}, DATA, classifier=Judge())
    assert dark.scores["success"].per_attribute == {"bright": 1.0}
    assert dark.edit == "by descent, bright to 0"


def test_a_classifier_of_several_attributes():
    found = measure_control(Quarters(), {"east": 4.0}, DATA, classifier=Judges())
    score = found.scores["preserved-class"]
    dark = float((DATA.column("east") <= 0.5).float().mean())
    assert score.per_attribute == {"bright": 1.0, "dawn": pytest.approx(1 - dark, abs=0.04)}
    assert score.value == pytest.approx((2 - dark) / 2, abs=0.02)
    assert score.interval is not None
    one = measure_control(Quarters(), {"east": 4.0}, DATA, target={"dawn": 1}, classifier=Judges())
    assert one["success"] == 1.0
    assert one["preserved-class"] == 1.0  # of the other
    assert one.scores["preserved-class-original"].settings["class_of_originals"] == "true"
    with pytest.raises(DataError, match=r"so its classes are \(60, 2\). Got \(60,\)"):
        measure_control(Quarters(), {"east": 1.0}, DATA, classifier=Judge(), label=["bright", "dawn"])


def test_density_falls_when_an_edit_leaves_the_data():
    inside = measure_control(Quarters(), {"east": 0.2}, DATA, classifier=Judge())
    outside = measure_control(Quarters(), {"east": 4.5}, DATA, classifier=Judge())
    assert inside["density"] > 0.9
    assert outside["density"] < 0.1
    assert outside.scores["density"].detail["reconstruction"] > 0.9
    assert outside["coverage"] < 0.1


def test_samples_of_the_prior_have_no_original():
    found = measure_control(Quarters(), {"east": 1.0}, DATA, codes="prior", classifier=Judge(), seed=3, limit=40)
    assert found.n == 40
    assert found["change"] == pytest.approx(0.1 / SPREAD["east"], abs=2 * ROUNDED)
    assert [name for name in found.scores if name.endswith("-original")] == ["diversity-original"]
    assert found["diversity-original"] > 1.1  # the prior is wider than these data
    assert found.title == "east +1: 40 samples of the prior"
    again = measure_control(Quarters(), {"east": 1.0}, DATA, codes="prior", classifier=Judge(), seed=3, limit=40)
    assert again.as_dict() == found.as_dict()
    other = measure_control(Quarters(), {"east": 1.0}, DATA, codes="prior", classifier=Judge(), seed=4, limit=40)
    assert other["diversity-original"] != found["diversity-original"]


def test_realism_own_attributes_and_one_sample_an_example():
    ink = Attribute("ink", "unit", measure=lambda images: (images.mean((1, 2)) > 130).astype(float))
    found = measure_control(
        Quarters(),
        {"north": 3.0},
        DATA,
        target={"ink": 1},
        attributes={"ink": ink, "south": brightness("south")},
        realism=lambda x: 1 - x[:, 0, 0, 0],
        codes="sample",
    )
    assert found["success"] > found["success-before"]
    assert set(found.scores["leakage"].per_attribute) == {"south"}
    assert found["realism-shift"] == pytest.approx(-0.3, abs=0.02)
    assert "preserved-class" not in found.scores


def test_images_instead_of_a_data_set_and_one_of_them():
    x = DATA.images(torch.arange(20))
    found = measure_control(Quarters(), {"east": 1.0}, x, limit=10)
    assert (found.split, found.n) == ("given", 10)
    assert found["success"] == 1.0
    one = measure_control(Quarters(), {"east": 1.0}, x[:1], spread=SPREAD)
    assert one.scores["success"].interval is None
    assert "identity" not in one.scores
    assert one.notes == ("Identity and diversity compare examples with each other: of one they are not told.",)
    with pytest.raises(DataError, match="'east' is the same in all examples: give its spread, as spread="):
        measure_control(Quarters(), {"east": 1.0}, x[:1])


def test_as_data_table_and_page():
    found = measure_control(Quarters(), {"east": 1.0}, DATA, classifier=Judge(), limit=20)
    plain = found.as_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["edit"] == "east +1"
    assert plain["scores"]["success"]["interval"] == [1.0, 1.0]
    text = str(found)
    assert text.startswith("east +1: 20 examples of the test split")
    assert all(name in text for name in ("success", "leakage-original", "zmse", "95 %"))
    assert "<th>east</th>" in found._repr_html_()


# --- sliders ---------------------------------------------------------------------------------------------------------


def test_perfect_sliders():
    found = measure_sliders(Quarters(), DATA, limit=12)
    for name in ("monotonicity", "linearity", "consistency", "restrictiveness"):
        assert found[name] == pytest.approx(1.0, abs=ROUNDED), name
        assert set(found.scores[name].per_attribute) == set(NAMES)
        assert found.scores[name].interval is not None
    assert found["slider-leakage"] == pytest.approx(0.0, abs=ROUNDED)
    assert found.edit == "sliders at 10 positions from -4 to 4"


def test_sliders_that_mix():
    mix = np.eye(4)
    mix[1, 0] = -1.0
    places = np.array([-1.0, 0.0, 1.0])
    space = Quarters(mix, sliders=("north", "south"))
    found = measure_sliders(
        space, DATA, sliders=["north"], at=places, attributes=["east"], spread=dict.fromkeys(NAMES, 0.2)
    )
    assert list(found.scores["monotonicity"].per_attribute) == ["north"]
    # East goes from its place by -0.1 to +0.1 in three steps: a standard deviation of 0.0816, in spreads of 0.2.
    assert found["restrictiveness"] == pytest.approx(1 - 0.1 * places.std() / 0.2, abs=ROUNDED)
    assert found["slider-leakage"] == pytest.approx(0.1 * np.abs(places).mean() / 0.2, abs=0.25)
    assert found.scores["restrictiveness"].detail["by_attribute"]["north"].keys() == {"east"}


def test_one_example_and_one_attribute_of_sliders():
    x = DATA.images(torch.arange(1))
    space = Quarters(sliders=("north",))
    found = measure_sliders(space, x, attributes=[], spread={"north": 0.1}, codes="prior")
    assert set(found.scores) == {"monotonicity", "linearity"}
    assert len(found.notes) == 2
    assert found.scores["monotonicity"].interval is None


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edit": 3}, "An edit is a move of codes"),
        ({"edit": lambda x: x[:, :, :4]}, r"returns as many of that shape. Got \(60, 1, 4, 8\)"),
        ({"edit": lambda x: None}, "Got a NoneType"),
        ({"edit": lambda x: x + 2}, r"Images lie in \[0, 1\]"),
        ({"edit": lambda x: x * float("nan")}, r"Images lie in \[0, 1\]"),
        ({"edit": {"nroth": 1.0}}, "Did you mean 'north'"),
        ({"edit": {"north": "far"}}, "'north' takes a finite number"),
        ({"edit": {"to": {"digit": 1}}}, "Unknown coordinate 'digit'"),
        ({"edit": {"to": 3}}, "to= takes attribute values by name"),
        ({"target": {"digit": 3}}, "'digit' cannot be measured on what is decoded. Measured here: north, east"),
        ({"target": {"bright": 1}}, "give a classifier and its label"),
        ({"target": ["north"]}, "target takes values by attribute name"),
        ({"target": {"north": "left"}}, "a number, 'up' or 'down'"),
        ({"target": {"north": [1.0, 2.0]}}, r"one for each of 60 examples. Got \[2\]"),
        ({"target": {"bright": 0.5}, "classifier": Judge()}, "class indices"),
        ({"attributes": ["nowhere"]}, "Unknown attribute 'nowhere'"),
        ({"attributes": ["bright"]}, "'bright' is only a label"),
        ({"attributes": "north"}, r"as \['north'\]"),
        ({"split": "exam"}, "Unknown split 'exam' of 'quarters'"),
        ({"split": "training"}, "training split of 'quarters' is empty"),
        ({"codes": "median"}, "'mean', 'sample' or 'prior'. Got 'median'"),
        ({"limit": 0}, "limit is 1 or more"),
        ({"resamples": 1}, "0 for no intervals, or 2 and more"),
        ({"tolerance": -1.0}, "tolerance of 'east' is 0 or more"),
        ({"spread": {"north": 0.0}}, "spread of 'north' is 0"),
        ({"data": np.zeros((0, 8, 8), np.uint8)}, "images"),
        ({"data": torch.zeros(3, 1, 4, 4)}, "trained on images of shape"),
        ({"data": DATA.images(torch.arange(4)), "classifier": Judge()}, "Say which attribute the classifier tells"),
    ],
)
def test_measure_control_refuses(change, message):
    call = {"edit": {"east": 1.0}, "data": DATA} | change
    with pytest.raises(DataError, match=message):
        measure_control(Quarters(), call.pop("edit"), call.pop("data"), **call)


class Wide(Move):
    """A move to another space."""

    def __call__(self, z: Tensor) -> Tensor:
        return torch.cat([z, z], dim=1)


def test_a_move_out_of_the_space_is_refused():
    with pytest.raises(DataError, match=r"takes codes \(60, 4\) and returns as many. Got \(60, 8\)"):
        measure_control(Quarters(), Wide(), DATA)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sliders": ["nroth"]}, "Unknown slider 'nroth' of this space. Did you mean 'north'"),
        ({"sliders": "north"}, r"as \['north'\]"),
        ({"sliders": []}, "There is no slider whose attribute can be measured"),
        ({"at": [0.0, 1.0]}, "at least 3 different numbers"),
        ({"codes": "x"}, "Got 'x'"),
        ({"data": DATA.images(torch.arange(1))}, "is the same in all examples"),
    ],
)
def test_measure_sliders_refuses(change, message):
    call = {"data": DATA} | change
    with pytest.raises(DataError, match=message):
        measure_sliders(Quarters(), call.pop("data"), **call)


def test_without_a_target_success_is_not_told():
    found = measure_control(Quarters(), Shift(1, 0.5), DATA, resamples=0)
    assert "success" not in found.scores
    assert found.notes[0].startswith("No target was given")
    assert found["leakage"] > 0  # all attributes count: none was to move
    still = quarters(20)
    still.values[:, 1] = 0.5
    found = measure_control(Quarters(), Shift(1, 0.5), still, resamples=0)
    assert "The same value in every example, so nothing to measure it in: north." in found.notes


# --- a trained space -------------------------------------------------------------------------------------------------


def test_larger_digits(space):
    """400 updates on 8x8 digits are enough for a slider that inks more, thickens thereby, and barely slants."""
    data = load("digits")
    found = measure_control(space, {"area": 2.0}, data, limit=60)
    score = found.scores["change"].per_attribute
    assert found["success"] > 0.7
    assert score["area"] > 0.5
    assert score["thickness"] > 0.2
    assert abs(score["slant"]) < 0.2
    assert found["leakage"] < found["leakage-original"]
    columns = space.codes.columns()
    dims = found.scores["zmse"].detail["dims"]
    assert [columns[i] for i in np.flatnonzero(dims)] == ["area"]
    sliders = measure_sliders(space, data, sliders=["area", "slant"], limit=12)
    assert sliders["monotonicity"] > 0.8
    assert sliders.scores["slider-leakage"].detail["by_attribute"]["area"].keys() == {*space.sliders} - {"area"}

"""Codes that a model found get names, and stay the same model; images are found again in a GAN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from latune.codes import OneOf
from latune.data import from_arrays, load
from latune.errors import DataError, RecipeError, RunError
from latune.inversion import invert
from latune.models import Spec, build
from latune.naming import mirror, name_after, renumber
from latune.space import Space
from latune.training import Ramp

NETS = {"name": "adversarial", "width": 1 / 8}


def space_of(seed: int = 0, continuous: int = 2, **settings: Any) -> Space:
    """An InfoGAN of 8x8 images with random weights."""
    spec = Spec("infogan", (1, 8, 8), 5, (), NETS, {"continuous": continuous, **settings})
    return Space(build(spec, seed), spec)


def draws(space: Space, n: int = 20) -> Tensor:
    return space.codes.sample(n, torch.Generator().manual_seed(1))


def test_renamed_codes_are_kept_with_the_run_and_asked_for_by_their_names(tmp_path: Path) -> None:
    space = space_of()
    before = space.sample(4, torch.Generator().manual_seed(0), c1=3, c2=0.5).plain()
    space.rename(c1="digit", c2="slant")
    assert list(space.codes) == ["noise", "digit", "slant", "c3"] and space.knobs == ["digit", "slant", "c3"]
    space.save(tmp_path)
    for each in (space, Space.load(tmp_path)):
        assert torch.equal(each.sample(4, torch.Generator().manual_seed(0), digit=3, slant=0.5).plain(), before)
        assert set(each.model.recognised(each.model.judged(before))) == {"digit", "slant", "c3"}
    with pytest.raises(DataError, match="Unknown coordinate 'c2'"):
        space.sample(1, c2=0.5)


def test_renamed_codes_still_follow_motions_and_change_in_a_mirror(tmp_path: Path) -> None:
    told = {"follow": {"c2": "slant"}, "equivariance": 1.0, "mirror": ["c2"], "symmetry": Ramp(0.0, 1.0, 10)}
    space = space_of(**told)
    space.rename(c2="lean", c3="other")
    space.save(tmp_path)
    for each in (space, Space.load(tmp_path)):
        assert each.model.follow == {"lean": "slant"} and each.model.mirror == ("lean",)
        z = draws(each)
        assert torch.equal(each.model.reflected(z)[:, each.model.codes.slice("lean")], -z[:, each.codes.slice("lean")])
    assert Space.load(tmp_path).spec.settings["symmetry"] == Ramp(0.0, 1.0, 10)
    Space.load(tmp_path).rename(lean="c2")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"c9": "slant"}, "code 'c9'"),
        ({"noise": "slant"}, "code 'noise'"),
        ({"c2": "c3"}, "two codes"),
        ({"c2": "my slant"}, "one word"),
        ({"c2": "strength"}, "means something else"),
        ({"c2": "realism"}, "means something else"),
    ],
)
def test_names_that_cannot_be_are_refused(names: dict[str, str], words: str) -> None:
    space = space_of()
    with pytest.raises(DataError, match=words):
        space.rename(**names)
    assert list(space.codes) == ["noise", "c1", "c2", "c3"]


@pytest.mark.parametrize("names", [["digit"], ["a", "b", "b"], ["a", "b", "noise"]])
def test_names_in_a_recipe_are_one_a_code(names: list[str]) -> None:
    assert list(space_of(names=["a", "b", "c"]).codes) == ["noise", "a", "b", "c"]
    with pytest.raises(RecipeError, match="each of 3 codes a name of its own"):
        space_of(names=names)


def test_other_models_keep_their_names() -> None:
    spec = Spec("vae", (1, 8, 8), 4)
    with pytest.raises(RunError, match="Got vae"):
        Space(build(spec, 0), spec).rename(z="slant")


@pytest.mark.parametrize("scale", ["exp", "one"])
def test_a_mirrored_code_is_the_same_model_turned_round(scale: str) -> None:
    space = space_of(scale=scale)
    z = draws(space)
    turned, column = z.clone(), space.coordinates.column("c2")
    turned[:, column] *= -1
    images, q = space.decode(z).plain(), space.posterior(space.decode(z))
    mirror(space, "c2")
    assert torch.allclose(space.decode(turned).plain(), images, atol=1e-6)
    after = space.posterior(images)
    assert torch.allclose(after.mean[:, column], -q.mean[:, column], atol=1e-5)
    assert torch.allclose(after.scale, q.scale, atol=1e-5)


def test_renumbered_classes_are_the_same_model_counted_otherwise() -> None:
    space, numbers = space_of(), [3, 0, 1, 2, 9, 8, 7, 6, 5, 4]
    z = draws(space)
    columns = space.codes.slice("c1")
    images, q = space.decode(z).plain(), space.model.recognised(space.model.judged(space.decode(z).plain()))["c1"]
    counted = z.clone()
    counted[:, columns] = torch.zeros(20, 10).index_copy(1, torch.tensor(numbers), z[:, columns])
    renumber(space, "c1", numbers)
    assert torch.allclose(space.decode(counted).plain(), images, atol=1e-6)
    after = space.model.recognised(space.model.judged(images))["c1"]
    assert isinstance(q, OneOf) and isinstance(after, OneOf)
    assert torch.allclose(after.mean[:, numbers], q.mean, atol=1e-5)


class Drawn:
    """What a generator and a recogniser do that know digits: class k of the code is digit 9 - k, c3 is less area."""

    def __init__(self, space: Space, data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        known = {tuple(data.images(torch.tensor([i])).flatten().tolist()): i for i in range(len(data))}
        column, columns = space.coordinates.column("c3"), space.codes.slice("c1")
        truth = data.column("digit").long()

        def measured(attributes: Any, images: Any) -> dict[str, np.ndarray]:
            value = space.codes.sample(len(images), naming_draws())[:, column].double().numpy()
            other = np.random.default_rng(0).random(len(value))
            return {each.name: -(value**3) if each.name == "area" else other for each in attributes}

        def encode(x: Tensor) -> Tensor:
            rows = torch.tensor([known[tuple(each.flatten().tolist())] for each in x])
            z = torch.zeros(len(x), space.codes.width)
            z[torch.arange(len(x)), columns.start + 9 - truth[rows]] = 1
            return z

        monkeypatch.setattr("latune.naming.measure", measured)
        monkeypatch.setattr(space, "encode", encode)


def naming_draws() -> torch.Generator:
    from latune.training import generator

    return generator(0, "names")


def test_codes_are_named_after_what_they_follow_and_rise_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    space, data = space_of(), load("digits")
    Drawn(space, data, monkeypatch)
    z = draws(space)
    images = space.decode(z).plain()
    found = {each.code: each for each in name_after(space, data)}
    assert (found["c1"].name, found["c1"].follows) == ("digit", 1.0)
    assert found["c3"].name == "area" and found["c3"].follows == pytest.approx(1.0)
    assert found["c2"].name == "c2" and found["c2"].follows < 0.4
    assert list(space.codes) == ["noise", "digit", "c2", "area"]
    counted, digit, area = z.clone(), space.codes.slice("digit"), space.coordinates.column("area")
    counted[:, digit] = z[:, digit].flip(1)
    counted[:, area] *= -1
    assert torch.allclose(space.decode(counted).plain(), images, atol=1e-6)
    low, high = space.reach("area")
    assert -1 <= low < -0.9 and 0.9 < high <= 1
    space.rename(area="ink")  # a name of one's own keeps the attribute's units
    assert space.reach("ink") == (low, high) and space.attributes["ink"].source == "area"


def test_a_model_with_controls_is_named_first() -> None:
    space, data = space_of(), load("digits")
    vars(space)["controls"] = {"dark": object()}
    with pytest.raises(RunError, match="Name codes first"):
        space.name_after(data)


# --- images found again -----------------------------------------------------------------------------------------------


def test_an_image_that_the_model_made_is_found_again() -> None:
    space = space_of()
    torch.manual_seed(0)
    for layer in space.model.decoder.modules():  # weights of a size at which noise can be seen
        if isinstance(layer, torch.nn.Linear | torch.nn.ConvTranspose2d):
            layer.weight.data.mul_(10)
    z = draws(space, 6)
    images = space.decode(z).plain()
    columns = space.codes.slice("noise")
    space.encode = lambda x: torch.cat([torch.zeros(6, 5), z[:, columns.stop :]], 1)  # type: ignore[method-assign]
    start = (space.decode(space.encode(images)).plain() - images).square().flatten(1).mean(1).sqrt()
    found = invert(space, images)
    assert (found.error < 0.1 * start).all()
    assert torch.equal(found.z[:, columns.stop :], z[:, columns.stop :])
    assert found.z[:, columns].abs().max() <= 1
    again = (space.decode(found.z).plain() - images).square().flatten(1).mean(1).sqrt()
    assert torch.allclose(again, found.error, atol=1e-6)


def test_the_class_of_a_found_image_is_the_likeliest_one() -> None:
    space = space_of()
    images = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    classes = space.codes.slice("c1")
    found = invert(space, images, steps=2)
    assert torch.equal(found.z[:, classes], torch.eye(10)[space.encode(images)[:, classes].argmax(1)])
    whole = invert(space, images)
    assert torch.equal(space.locate(images), whole.z)
    assert space.locate(images) is space.locate(images.clone()) is not space.locate(images[:2])


def test_an_encoder_that_tells_all_is_asked_alone() -> None:
    spec = Spec("vae", (1, 8, 8), 4)
    space = Space(build(spec, 0), spec)
    images = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(space.locate(images), space.encode(images))
    with pytest.raises(RunError, match="tells all of a code"):
        invert(space, images)


def test_what_only_labels_tell_of_names_a_code_by_what_is_recognised() -> None:
    n, random = 300, np.random.default_rng(0)
    light, tilt = random.uniform(0, 1, n), random.uniform(-2, 2, n)
    images = np.zeros((n, 8, 8))
    images[:, 0, 0], images[:, 0, 1] = light, (tilt + 2) / 4
    data = from_arrays(images, {"light": light, "tilt": tilt})
    space = space_of(categorical=[], scale="one")

    def judged(x: Tensor, through_trunk: bool = True) -> Tensor:
        """c1 is the tilt turned round, c2 the light."""
        one = torch.ones(len(x))
        return torch.stack([one, 1 - 2 * x[:, 0, 0, 1], one, 2 * x[:, 0, 0, 0] - 1, one], 1)

    space.model.judged = judged
    found = {each.code: each for each in name_after(space, data)}
    assert (found["c1"].name, found["c2"].name) == ("tilt", "light")
    assert found["c1"].follows > 0.99 and found["c2"].follows > 0.99
    assert space.calibration["light"].source == "labels"
    assert space.calibration["light"].attribute(np.array([0.0])).item() == pytest.approx(0.5, abs=0.05)
    assert space.calibration["tilt"].attribute(np.array([0.5])).item() == pytest.approx(1.0, abs=0.1)

"""Codes held beside the factors of rendered scenes, and what colour images tell of theirs."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from latune.data import load
from latune.papers import Arm, Subject, infogan
from latune.papers.experiment import Gallery
from latune.papers.infogan import colour, factors, scenes
from latune.papers.infogan.factors import TURN, Reader, numbers, targets
from latune.papers.infogan.paper import contrast_of
from latune.papers.reproduction import open_subject
from latune.pictures import Images
from latune.space import Space

OURS = {each.name: each for each in infogan.EXPERIMENTS}
FEW = ("training.steps=2", "training.batch_size=4", "training.log_every=1", "nets.width=0.0625", "model.latent=4")
SMALL = {"draws": 40, "reader": 2}


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    experiment = replace(OURS["infogan-fig3"], settings=SMALL)
    level = ("model.evenness=0.1", "model.visibility=0.3")  # two updates come to the end of no ramp
    arm = Arm("ours", "ours", "infogan-heads", (*FEW, *level))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("latune.recipes.run.SETTLED_EXAMPLES", 64)  # each is rendered
        return open_subject(experiment, arm, 0, "quick", "cpu", tmp_path_factory.mktemp("scenes"))


class Knowing:
    """Reads factors from images that are codes: what a perfect reader would say of a generator that obeys."""

    def __init__(self, says: dict[str, Any]) -> None:
        self.says, self.exactness = says, {"azimuth": 1.0}

    def read(self, images: Tensor) -> dict[str, Tensor]:
        return {name: say(images) for name, say in self.says.items()}


def test_what_a_reader_is_to_say_of_a_turn_is_a_cosine_and_a_sine() -> None:
    chairs = load("chairs")
    assert list(numbers(chairs)) == ["azimuth", "elevation", "width"]
    (low, high), width = numbers(chairs)["elevation"], numbers(chairs)["width"]
    said = targets(chairs, torch.tensor([[math.pi / 2, low, width[1]], [math.pi, high, width[0]]]))
    assert torch.allclose(said, torch.tensor([[0.0, 1, -1, 1], [-1, 0, 1, -1]]), atol=1e-6)


def test_a_reader_says_the_factors_that_its_net_says() -> None:
    chairs = load("chairs")
    values = torch.tensor([[0.5, 0.3, 0.9], [6.1, 0.5, 1.2]])

    class Net(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return targets(chairs, values)

    read = Reader(Net(), chairs).read(torch.zeros(2, 1, 64, 64))
    for name, column in zip(read, values.unbind(1), strict=True):
        assert torch.allclose(read[name].float(), column, atol=1e-5)


def test_a_reader_learns_and_is_opened_again(tmp_path: Path) -> None:
    heads = load("heads")
    rows = heads.splits["test"][:64]

    def error(steps: int) -> float:
        reader = Reader.train(heads, tmp_path / str(steps), steps)
        read = reader.read(heads.images(rows))["azimuth"]
        return float((read - heads.column("azimuth", rows)).square().mean())

    few, many = error(1), error(40)
    assert many < 0.7 * few
    assert error(40) == pytest.approx(many, rel=1e-5)


def test_codes_that_are_factors_are_found(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    place = {name: subject.space.coordinates.column(name) for name in ("c1", "c3", "c4", "c5")}
    reader = Knowing(
        {
            "azimuth": lambda z: z[:, place["c3"]] ** 3,
            "elevation": lambda z: -z[:, place["c1"]],
            "lighting": lambda z: z[:, place["c4"]] + 0.5 * z[:, place["c5"]],
            "width": lambda z: torch.zeros(len(z)),
        }
    )
    monkeypatch.setattr(scenes, "reader_of", lambda subject: reader)
    monkeypatch.setattr(Space, "decode", lambda self, z, *_: Images(z))  # images that are their codes
    monkeypatch.setattr(scenes, "while_turned", lambda *_: 1.0)
    found = scenes.recovered(subject)
    assert {name: found.detail["codes"][name] for name in ("azimuth", "elevation", "lighting")} == {
        "azimuth": "c3",
        "elevation": "c1",
        "lighting": "c4",
    }
    assert found.numbers["azimuth"] == found.numbers["elevation"] == pytest.approx(1)
    assert 0.7 < found.numbers["lighting"] < 1 and found.numbers["width"] == 0
    assert set(found.numbers) == set(OURS["infogan-fig3"].quantities)


def test_a_turn_that_begins_anywhere_is_followed() -> None:
    code = torch.linspace(-1, 1, 101)[:-1]
    angles = ((code + 1) * math.pi + 2.0) % TURN
    best = max(scenes.rank_correlation(code, scenes.opened(angles, TURN * i / 360)) for i in range(360))
    assert best > 0.99 > abs(scenes.rank_correlation(code, angles))


def test_pictures_and_numbers_of_a_small_model(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factors, "TESTED", 50)
    found = scenes.recovered(subject)
    assert set(found.numbers) == set(OURS["infogan-fig3"].quantities)
    assert all(0 <= value <= 1 for name, value in found.numbers.items() if name not in ("bound", "contrast"))
    worse = found.numbers | {"contrast": found.numbers["contrast"] + 0.1}
    results = [
        {"arm": "ours", "seed": seed, "numbers": numbers, "detail": found.detail}
        for seed, numbers in ((0, worse), (1, found.numbers))
    ]
    opened = []
    gallery = Gallery(results, lambda label, seed: opened.append(seed) or subject)
    (picture,) = scenes.panels(gallery, "azimuth")
    assert opened == [1] and picture.caption.startswith("Our recipe: of 2 runs the one whose contrast is lowest")
    results.append({"arm": "mirror", "seed": 4, "numbers": found.numbers, "detail": found.detail})
    pictures = scenes.panels(gallery, "azimuth")
    assert opened == [1, 1, 4] and [each.name for each in pictures] == ["codes", "codes-mirror"]
    assert pictures[1].caption.startswith("Told what a mirror does. Each row")
    assert picture.png.startswith(b"\x89PNG") and len(picture.png) > 5000


def test_the_contrast_is_of_numbers_that_move_an_image_in_directions_of_their_own(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, k = subject.space.model, sum(code != "noise" for code in subject.space.codes)

    def made(mix: Tensor) -> float:
        def decode(z: Tensor) -> Tensor:
            pixels = torch.zeros(len(z), 1, 32, 32)
            pixels[:, 0, 0, :k] = z[:, -k:] @ mix
            return pixels

        monkeypatch.setattr(model, "decode", decode)
        return contrast_of(subject, 100)

    assert made(torch.eye(k)) == pytest.approx(0, abs=1e-5)
    mixed = torch.eye(k)
    mixed[0, 1] = 1.0  # the first moves what the second moves, too: a squared cosine of 1/2
    assert made(mixed) == pytest.approx(math.log(2) / 2, abs=1e-3)


def test_what_colour_images_tell_of_their_codes(tiny_celeba: Path, tmp_path: Path) -> None:
    experiment = replace(OURS["infogan-fig6"], settings={"draws": 30})
    arm = Arm("ours", "ours", "infogan-celeba", (*FEW, "model.categorical=[10,3]", "model.information=1"))
    one = open_subject(experiment, arm, 0, "quick", "cpu", tmp_path)
    found = experiment.measure(one)
    bounds = found.detail["bounds"]
    assert list(bounds) == ["c1", "c2"] and set(found.numbers) == set(experiment.quantities)
    assert found.numbers["bound"] == pytest.approx(sum(bounds.values()))
    assert found.numbers["share"] == pytest.approx(100 * sum(bounds.values()) / math.log(30))
    assert found.numbers["told"] == (bounds["c1"] > math.log(10) / 2) + (bounds["c2"] > math.log(3) / 2)
    result = {"arm": "ours", "seed": 0, "numbers": found.numbers, "detail": found.detail}
    (picture,) = colour.panels(Gallery([result], lambda label: one))
    assert picture.png.startswith(b"\x89PNG") and len(picture.png) > 5000


def test_every_arm_is_a_recipe() -> None:
    for experiment in OURS.values():
        for scale in ("quick", "paper"):
            assert all(arm.resolve(0).model.name == "infogan" for arm in experiment.arms[scale])

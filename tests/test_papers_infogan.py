"""The experiments of InfoGAN: each gives what its table shows, and draws what its page needs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from latune.papers import Arm, Subject
from latune.papers.experiment import SCALES, Gallery, Measured
from latune.papers.infogan import bound, digits
from latune.papers.infogan.paper import classes_of
from latune.papers.reproduction import open_subject
from latune.space import Space

OURS = {each.name: each for each in (*bound.EXPERIMENTS, *digits.EXPERIMENTS)}
FEW = (
    "data.name=digits",
    "training.steps=6",
    "training.batch_size=8",
    "training.log_every=2",
    "nets.width=0.0625",
    "model.latent=4",
)
SMALL = {"rows": 12, "fit": 12, "draws": 40}


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    experiment = replace(OURS["infogan-fig2"], settings=SMALL)
    arm = Arm("ours", "ours", "infogan-mnist", FEW)
    return open_subject(experiment, arm, 0, "quick", "cpu", tmp_path_factory.mktemp("infogan"))


@pytest.mark.parametrize("name", OURS)
def test_an_experiment_measures_what_its_table_shows(name: str, subject: Subject) -> None:
    found = OURS[name].measure(subject)
    assert set(found.numbers) == set(OURS[name].quantities)
    assert found.numbers["bound"] <= math.log(10)


def test_every_arm_is_a_recipe_with_the_codes_that_are_measured() -> None:
    for experiment in OURS.values():
        for arm in (arm for scale in SCALES for arm in experiment.arms[scale]):
            recipe = arm.resolve(0)
            assert recipe.model.name == "infogan" and recipe.model.categorical == [10]
            assert recipe.model.continuous == (0 if experiment.measure is bound.told else 2)
            assert (recipe.model.inform is False) == (arm.label == "gan")


def test_an_error_is_of_names_that_were_given_on_training_images(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = subject.data
    known = {tuple(data.images(torch.tensor([i])).flatten().tolist()): i for i in range(len(data))}

    def told(space: object, images: torch.Tensor, code: str) -> torch.Tensor:
        """A recogniser that is always right, by names of its own."""
        rows = torch.tensor([known[tuple(each.flatten().tolist())] for each in images])
        return (data.column("digit", rows).long() * 3 + 1) % 10

    monkeypatch.setattr(digits, "classes_of", told)
    every = replace(subject, settings={**SMALL, "rows": 2000, "fit": 2000})
    found = digits.discovered(every).numbers
    assert found["error"] == found["error-majority"] == 0


def test_a_code_that_is_what_is_measured_is_found(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    follows = {"slant": ("c3", -1.0), "width": ("c2", 1.0)}
    decode = type(subject.space).decode
    shown: list[torch.Tensor] = []

    def decoded(space: Space, z: torch.Tensor, *rest: Any) -> Any:
        shown[:] = [z]
        return decode(space, z, *rest)

    def measured(images: Any, name: str) -> np.ndarray:
        code, sign = follows[name]
        return (sign * digits.column(subject, shown[0], code) ** 3).double().numpy()

    monkeypatch.setattr(Space, "decode", decoded)
    monkeypatch.setattr(digits, "strokes", measured)
    assert digits.chosen(subject) == {"slant": "c3", "width": "c2"}
    assert digits.over_draws(subject, "c3", "slant") == pytest.approx(-1)
    assert digits.while_turned(subject, "c3", "slant") == pytest.approx(1)
    assert abs(digits.over_draws(subject, "c2", "slant")) < 0.5


def test_pictures_are_drawn(subject: Subject) -> None:
    found: Measured = digits.discovered(subject)
    results = [{"arm": arm, "seed": 0, "numbers": found.numbers, "detail": found.detail} for arm in ("ours", "gan")]
    classes, sheet = digits.panels(Gallery(results, lambda label: subject))
    detail = bound.told(subject).detail
    assert detail["steps"] == [2.0, 4.0, 6.0]
    (curve,) = bound.curves(
        Gallery([{"arm": arm, "seed": 0, "detail": detail} for arm in bound.TITLES], lambda _: subject)
    )
    for picture in (classes, sheet, curve):
        assert picture.png.startswith(b"\x89PNG") and len(picture.png) > 5000


def test_classes_are_those_of_the_most_likely(subject: Subject) -> None:
    images = subject.data.images(torch.arange(5))
    q = subject.space.posterior(images)
    assert torch.equal(classes_of(subject.space, images, "c1"), q.mean[:, subject.space.codes.slice("c1")].argmax(1))

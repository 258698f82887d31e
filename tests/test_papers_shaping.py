"""The experiments of Collaborative Shaping: each gives what its table shows, and draws what its page needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from latune.classifier import Classifier
from latune.data import Dataset
from latune.metrics import parzen
from latune.papers import Arm, Experiment, Subject, shaping
from latune.papers.experiment import SCALES, Gallery
from latune.papers.judge import Judge
from latune.papers.reproduction import open_subject
from latune.papers.shaping import progress, walks, windows
from latune.space import Space

OURS = {each.name: each for each in shaping.EXPERIMENTS}
FEW = (
    "training.steps=12",
    "training.keep=[4,8,12]",
    "training.validate_every=0",
    "model.pretrain=8",
    "model.chain=2",
    "model.guide_units=8",
    "model.latent=3",
    "model.likelihood=gaussian",
    "nets.hidden=[16]",
)
SMALL = {
    "rows": 60,
    "samples": 50,
    "sigmas": [0.2, 0.5],
    "chosen on": 20,
    "weights": 2,
    "chains": 4,
    "steps": 16,
    "painted": 10,
}


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    arm = Arm("ork", "ORK", "vgsn-digits", FEW)
    experiment = replace(OURS["vgsn-gpde"], settings=SMALL)
    return open_subject(experiment, arm, 0, "quick", "cpu", tmp_path_factory.mktemp("shaping"))


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch, subject: Subject) -> None:
    """A judge that learned for an epoch, and few samples."""
    judge = Judge.over(Classifier.train(subject.data, "digit", epochs=1, seed=2), subject.data)
    train = Classifier.train
    monkeypatch.setattr(Judge, "of", lambda subject: judge)
    monkeypatch.setattr(
        Classifier, "train", lambda data, target, folder=None, seed=0: train(data, target, epochs=1, seed=seed)
    )
    monkeypatch.setattr(windows, "SAMPLES", 50)


@pytest.mark.parametrize("name", ["vgsn-fig3", "vgsn-gpde", "vgsn-fig4-mnist"])
def test_an_experiment_measures_what_its_table_shows(name: str, subject: Subject, quickly: None) -> None:
    found = OURS[name].measure(subject)
    assert set(found.numbers) == set(OURS[name].quantities)
    assert all(isinstance(value, (int, float)) for value in found.numbers.values())


@pytest.mark.parametrize("experiment", OURS.values(), ids=OURS)
def test_every_arm_is_a_recipe_whose_guide_begins_at_a_kept_step(experiment: Experiment) -> None:
    for scale in SCALES:
        for arm in experiment.arms[scale]:
            recipe = arm.resolve(0)
            assert recipe.model.name == "vgsn"
            if experiment.measure is progress.followed:
                assert recipe.training.keep and recipe.training.keep[-1] == recipe.training.steps
                preset = {} if recipe.model.pretrain is not None else {"pretrain": 80_000}
                assert (recipe.model.pretrain or preset["pretrain"]) in recipe.training.keep


def test_estimates_through_training_are_those_of_the_kept_models(subject: Subject) -> None:
    found = progress.followed(subject)
    assert found.detail["steps"] == [4.0, 8.0, 12.0]
    space = Space.load(subject.folder, step=8)
    data = subject.data
    score = parzen(
        windows.samples_of(space, 0, 50),
        data.images(data.splits["validation"]),
        data.images(subject.rows()),
        sigmas=SMALL["sigmas"],
        resamples=0,
    )
    assert found.numbers["gpde-vae"] == found.detail["gpde"][1] == pytest.approx(score.value, abs=1e-6)
    assert found.numbers["gpde-best"] == max(found.detail["gpde"])
    assert len(found.detail["scatter"]["kl"]) == progress.PASSES * min(progress.DOTS, len(data.splits["validation"]))


def test_a_part_is_held_in_the_picture_of_chains(subject: Subject) -> None:
    start = subject.data.images(subject.data.splits["test"][:2])
    free, held = progress.walked(subject, start)
    assert free.shape == held.shape == (2, progress.SHOWN, 1, 8, 8)
    assert torch.equal(free[:, 0], start)
    inside = torch.zeros(8, 8, dtype=torch.bool)
    inside[2:6, 2:6] = True
    assert torch.equal(held[..., ~inside], start[:, None].expand_as(held)[..., ~inside])
    assert (held[:, 0][..., inside] == 0).all() and (held[:, 1:][..., inside] != 0).any()


@pytest.mark.parametrize("name", ["vgsn-fig3", "vgsn-gpde", "vgsn-fig4-mnist"])
def test_pictures_are_drawn(name: str, subject: Subject, quickly: None, tmp_path: Path) -> None:
    detail = dict(progress.followed(subject).detail) if name == "vgsn-fig4-mnist" else {}
    labels = ("guided", "one-step") if name == "vgsn-fig3" else ("var", "ork")
    results = [{"arm": label, "seed": 0, "detail": detail} for label in labels]
    pictures = OURS[name].draw(Gallery(results, lambda label: subject))
    assert len({picture.name for picture in pictures}) == len(pictures) >= 1
    for picture in pictures:
        assert picture.png.startswith(b"\x89PNG") and picture.caption.endswith(".")


def test_judge_is_no_part_of_walks(subject: Subject, quickly: None) -> None:
    numbers = walks.walked(subject).numbers
    assert 0 <= numbers["confidence"] <= 100 and 1 <= numbers["classes"] <= numbers["classes-together"] <= 10


def test_every_seed_has_a_seer_of_its_own(subject: Subject, quickly: None, monkeypatch: pytest.MonkeyPatch) -> None:
    train, kept = Classifier.train, []

    def remembered(data: Dataset, target: str, folder: Path, seed: int = 0) -> Classifier:
        kept.append((folder, seed))
        return train(data, target, seed=seed)

    monkeypatch.setattr(Classifier, "train", remembered)
    for seed in (0, 1):  # what a seer learns from is drawn by the seed: it cannot be kept where another one is
        walks.walked(replace(subject, seed=seed))
    assert [seed for _, seed in kept] == [0, 1]
    assert len({folder for folder, _ in kept}) == 2

"""The experiments of Latent Constraints: what they measure has known answers, and each gives what its table shows."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from latune.classifier import Classifier
from latune.controls import JUDGINGS, PRESETS, Control, Controls, Critics, Learning
from latune.controls.control import same
from latune.files import write_json
from latune.nets import LatentNets
from latune.papers import Arm, Experiment, Subject, latent_constraints, plates, write_page
from latune.papers.experiment import SCALES, Gallery
from latune.papers.judge import Judge, prior
from latune.papers.latent_constraints import contours, digits, edits, noise, sizes, steps
from latune.papers.latent_constraints.paper import learned
from latune.papers.reproduction import open_subject
from latune.report import style

OURS = {each.name: each for each in latent_constraints.EXPERIMENTS if each.name.startswith("lc-mnist")}
FEW = (
    "training.steps=40",
    "training.validate_every=0",
    "model.latent=2",
    "model.likelihood=gaussian",
    "model.sigma=0.316",
)
TINY = Arm("vae", "VAE", "vae-digits", FEW)
SMALL = Learning(nets=LatentNets(16, 1), steps=6, batch_size=32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lc")


@pytest.fixture(scope="module")
def subject(folder: Path) -> Subject:
    return open_subject(replace(OURS["lc-mnist-digits"], settings={"rows": 60}), TINY, 0, "quick", "cpu", folder)


@pytest.fixture(scope="module")
def judge(subject: Subject) -> Judge:
    return Judge.over(Classifier.train(subject.data, "digit", epochs=2, seed=2), subject.data)


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch, judge: Judge) -> None:
    """Everything that is learned is learned badly and at once."""
    for name in ("default", "near", "realism"):
        monkeypatch.setitem(PRESETS, name, SMALL)
    for arm in digits.ACTORS:
        monkeypatch.setitem(digits.ACTORS, arm, SMALL)
    monkeypatch.setitem(JUDGINGS, "default", replace(JUDGINGS["default"], nets=LatentNets(16, 1), steps=5))
    monkeypatch.setattr(Judge, "of", lambda subject: judge)


class Linear(nn.Module):
    """A critic that is a linear map."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        return z @ self.weight.T


class Places(nn.Module):
    """An actor that sends each class to a point of its own."""

    def __init__(self, places: Tensor) -> None:
        super().__init__()
        self.places = places

    def forward(self, z: Tensor, given: Tensor) -> Tensor:
        return given @ self.places


def control(weight: Tensor, actor: nn.Module | None = None, kind: str = "classes") -> Control:
    k, d = weight.shape
    return Control(
        "digit", kind, Critics([Linear(weight)]), weight.clone(), torch.ones(d), "none", LatentNets(),  # type: ignore[arg-type]
        actor=actor, classes=tuple(map(str, range(k))),
    )  # fmt: skip


# --- digits made to order ---------------------------------------------------------------------------------------------


def test_each_draw_is_sent_to_its_own_class() -> None:
    places = torch.arange(6.0).view(3, 2)
    wanted = torch.tensor([2, 0, 1, 2])
    z = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    made = control(torch.ones(3, 2), Places(places))
    assert torch.equal(digits.sent(made, z, wanted), places[wanted])
    assert torch.allclose(digits.added(made, z, wanted), z + 1)


def test_an_actor_with_one_look_a_class_has_no_spread(subject: Subject, judge: Judge) -> None:
    z, wanted = prior(subject, 50), torch.arange(50) % 10
    places = torch.stack([subject.space.codes.sample(1)[0] for _ in range(10)])
    found = digits.judged(subject.space, judge, places[wanted], z, wanted, torch.full((2,), 0.5))
    assert found["spread"] == 0 and found["zmse"] == pytest.approx((((places[wanted] - z) / 0.5) ** 2).mean().item())
    seen = judge.classifier.classes(subject.space.decode(places).plain())
    assert found["accuracy"] == pytest.approx((seen == torch.arange(10)).float().mean().item())


def test_draws_are_those_of_the_seed(subject: Subject) -> None:
    assert torch.equal(prior(subject, 5), prior(subject, 5))
    assert not torch.equal(prior(subject, 5), prior(replace(subject, seed=1), 5))
    assert not torch.equal(prior(subject, 5), prior(subject, 5, "shown"))


# --- the judge --------------------------------------------------------------------------------------------------------


def test_test_images_are_like_themselves(judge: Judge) -> None:
    found = judge.likeness(judge.test)
    assert found["frechet"] == pytest.approx(0, abs=1e-6) and found["coverage"] == 1
    assert found["density"] > 1  # each image is its own neighbour here
    assert judge.spread(judge.test, judge.truth).value == pytest.approx(1)
    right = [judge.test.classes[i] == judge.truth[i] for i in range(len(judge.truth))]
    assert judge.accuracy == pytest.approx(np.mean(right))


# --- what is learned is kept ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quickly")
def test_a_control_is_learned_once(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {name: learned(subject, name, SMALL) for name in ("digit", "realism")}
    other = learned(subject, "digit", replace(SMALL, lr=1e-3))

    def never(*_: object, **__: object) -> Control:
        raise AssertionError("learned again")

    monkeypatch.setattr(Controls, "learn", never)
    monkeypatch.setattr(Controls, "learn_realism", never)
    for name, known in made.items():
        assert same(known, learned(subject, name, SMALL))
    assert not same(other, made["digit"]) and list(subject.space.controls) == []
    with pytest.raises(AssertionError, match="learned again"):
        learned(replace(subject, seed=1), "digit", SMALL)


# --- the noise of the pixels ------------------------------------------------------------------------------------------


def test_the_bound_is_likelihood_less_kl_below_what_the_noise_allows(subject: Subject) -> None:
    measured = noise.bounded(subject)
    found, detail = measured.numbers, measured.detail
    assert found["elbo"] == pytest.approx(found["likelihood"] - found["kl"], abs=1e-3)
    assert detail["most"] == pytest.approx(-32 * np.log(2 * np.pi * 0.316**2))
    # 64 pixels: what is missing to the most is their squared error over twice the variance
    assert detail["most"] - found["likelihood"] == pytest.approx(64 * found["error"] / (2 * 0.316**2), rel=1e-4)
    assert detail["scales"] == sorted(detail["scales"]) and len(detail["scales"]) == 2
    x = subject.data.images(subject.data.splits["training"])
    assert detail["scales"] == pytest.approx(subject.space.posterior(x).scale.mean(0).sort().values.tolist(), rel=1e-4)
    assert found["used"] == sum(scale < 0.95 for scale in detail["scales"])


def test_variances_are_those_of_the_table() -> None:
    for variance, sigma in noise.SIGMAS.items():
        assert sigma**2 == pytest.approx(float(variance), rel=0.002)
    arms = OURS["lc-mnist-table4"].arms
    assert [arm.resolve(0).model.sigma for arm in arms["quick"]] == list(noise.SIGMAS.values())
    assert {arm.folder(1) for arm in OURS["lc-mnist-fig2"].arms["quick"]} < {arm.folder(1) for arm in arms["quick"]}


def test_the_sweep_on_faces_has_the_papers_rows() -> None:
    sweep = next(each for each in latent_constraints.EXPERIMENTS if each.name == "lc-celeba-table4")
    for scale, recipe in (("quick", "lc-celeba-small-32"), ("paper", "lc-celeba-paper")):
        recipes = [arm.resolve(0) for arm in sweep.arms[scale]]
        assert [each.model.sigma for each in recipes] == list(noise.SIGMAS.values())
        assert {each.name for each in recipes} == {recipe}
    for arm in sweep.arms["paper"]:
        row = {name: number.median for name, number in arm.published.items()}
        assert row["elbo"] == row["likelihood"] - row["kl"]
        # no likelihood is above what the noise allows of 12,288 numbers; the misprint is the row that is far below it
        variance = float(arm.label.removeprefix("variance"))
        missing = 2 * variance * (-6144 * np.log(2 * np.pi * variance) - row["likelihood"])
        assert (2500 < missing < 3000) == (arm.label == "variance0.1") and missing > 0
    assert not any(arm.published for arm in sweep.arms["quick"])


# --- edits ------------------------------------------------------------------------------------------------------------


def test_what_is_far_from_strokes_is_found() -> None:
    before, after = torch.zeros(1, 1, 9, 9), torch.zeros(1, 1, 9, 9)
    before[0, 0, :, 1] = 1  # a stroke, which moves two to the right
    after[0, 0, :, 3] = 1
    assert edits.around(before)[0, 0, 0].tolist() == [True] * 4 + [False] * 5
    assert edits.elsewhere(before, after) == 0
    after[0, 0, :, 7] = 0.1  # too pale for a stroke, in one of the three columns that are far
    assert edits.elsewhere(before, after) == pytest.approx(25.5 / 3, abs=1e-4)


@pytest.mark.usefixtures("quickly")
def test_edits_are_of_what_is_not_high_already(subject: Subject) -> None:
    asked = replace(subject, settings={"rows": 20})
    data, shelf = subject.data, edits.shelf_of(asked)
    assert set(shelf) == {*edits.ATTRIBUTES, "digit"} and all(control.actor is None for control in shelf.values())
    z = subject.space.encode(data.images(data.splits["test"][:5]))
    for way in edits.WAYS:
        after = edits.moved(shelf, z, "thickness", way)
        assert after.shape == z.shape and after.isfinite().all()
    measured = edits.edited(asked)
    for name in edits.ATTRIBUTES:
        values = data.column(name, data.splits["training"])
        assert measured.detail[name]["step"] == pytest.approx(values.std().item() / 2)
        low = (data.column(name, data.splits["test"]) <= values.quantile(0.6)).sum().item()
        assert measured.detail[name]["rows"] == min(20, low)


# --- contours ---------------------------------------------------------------------------------------------------------


def test_the_log_ratio_of_two_gaussians() -> None:
    z = torch.linspace(-2, 2, 9)[:, None].expand(9, 3).contiguous()
    s = 0.6
    exact = (-np.log(s) - 0.5 * z**2 * (s**-2 - 1)).sum(1)
    assert torch.allclose(contours.log_ratio(z, torch.zeros(1, 3), torch.full((1, 3), s)), exact, atol=1e-5)
    # N(1, 1) and N(-1, 1) in equal parts against N(0, 1): log cosh(z) - 1/2
    pair = contours.log_ratio(z[:, :1], torch.tensor([[1.0], [-1.0]]), torch.ones(2, 1))
    assert torch.allclose(pair, torch.log(torch.cosh(z[:, 0])) - 0.5, atol=1e-5)


# --- descent ----------------------------------------------------------------------------------------------------------


def test_the_path_is_one_descent() -> None:
    made, real = control(torch.eye(2) * 3), control(torch.tensor([[1.0, 0.0]]), kind="realism")
    z = torch.zeros(2, 2)
    wanted = torch.tensor([0, 1])
    there = steps.path(made, real, z, wanted, (0, 1, 10, 40))
    assert torch.equal(there[0], z)
    # Adam's first step is its rate in every coordinate: up where it is wanted, down where not.
    assert torch.allclose(there[1], torch.tensor([[0.1, -0.1], [-0.1, 0.1]]), atol=1e-5)
    belief = [torch.sigmoid(made.critic(point)[torch.arange(2), wanted]).min().item() for point in there]
    assert belief == sorted(belief) and belief[-1] > 0.99


# --- sizes ------------------------------------------------------------------------------------------------------------


def test_both_sizes_play_the_same_game() -> None:
    both = sizes.actors(2048, PRESETS["default"].steps)
    assert both["small"] == replace(both["large"], nets=LatentNets(256, 3)) == PRESETS["default"]
    weights = {
        size: sum(p.numel() for net in (how.nets.actor(1024, 10), how.nets.critic(1024, 10)) for p in net.parameters())
        for size, how in both.items()
    }
    assert weights["large"] == 23_101_440 + 18_907_137
    assert weights["large"] / weights["small"] == pytest.approx(28.9, abs=0.1)  # not the paper's 85


# --- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [0, 1])
def test_names_stand_at_the_middle_of_their_rows(gap: int) -> None:
    images = (torch.arange(1, 4) / 4)[:, None, None, None, None].expand(3, 5, 1, 28, 28)
    sheet = plates.sheet_of(images, gap)
    for middle, value in zip(plates.centres(sheet, 3, gap), (1, 2, 3), strict=True):
        column = np.flatnonzero(sheet[:, 0, 0] == round(255 * value / 4))
        assert middle == pytest.approx((column[0] + column[-1] + 1) / 2)


def test_blocks_of_equal_rows_are_equally_high() -> None:
    blocks = {"left": torch.rand(2, 3, 1, 28, 28), "right": torch.rand(2, 6, 1, 28, 28)}
    figure = plates.plates(blocks, ["a", "b"])
    style.png(figure)  # lays it out
    left, right = (ax.get_window_extent() for ax in figure.axes)
    assert left.height == pytest.approx(right.height, rel=0.02)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a", "b"]


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("name", OURS)
def test_an_experiment_measures_what_its_table_shows(name: str, subject: Subject) -> None:
    experiment = OURS[name]
    settings = {**experiment.settings, "rows": 60, "large": {"vae-digits": [16, 6]}}
    asked = replace(subject, settings=settings)
    measured = experiment.measure(asked)
    assert set(measured.numbers) == set(experiment.quantities)
    assert all(np.isfinite(number) for number in measured.numbers.values())
    again = experiment.measure(asked)
    assert {**again.numbers} == {**measured.numbers}
    _drawn(experiment, asked, measured.numbers, measured.detail)


def _drawn(experiment: Experiment, subject: Subject, numbers: object, detail: object) -> None:
    assert experiment.draw is not None
    results = [
        {"arm": arm.label, "seed": 0, "numbers": numbers, "detail": detail} for arm in experiment.arms["quick"]
    ]  # fmt: skip
    made = experiment.draw(Gallery(results, lambda label: subject))
    assert made and all(len(picture.png) < 300_000 for picture in made)
    assert all(Image.open(BytesIO(picture.png)).width > 400 for picture in made)


def test_crossed_numbers_stand_in_row_and_column(tmp_path: Path) -> None:
    experiment = OURS["lc-mnist-digits"]
    record = {
        "experiment": experiment.name, "scale": "quick", "arm": "vae", "seed": 0, "recipe": {}, "training": {},
        "numbers": {"test": 99.5, "accuracy-free": 98.25, "zmse-free": 4.0},
    }  # fmt: skip
    write_json(tmp_path / "results" / experiment.name / "quick-vae-seed0.json", record)
    page = write_page(tmp_path / "results", tmp_path / "results.md", {experiment.name: experiment}).read_text()
    table = [[part.strip() for part in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("|")]
    head, rows = table[0], {line[0]: dict(zip(table[0], line, strict=True)) for line in table[2:]}
    assert head == [
        "", *(f"{title}, {scale} scale" for title in ("Accuracy (%) ↑", "Spread (%) ↑", "zMSE ↓") for scale in SCALES),
    ]  # fmt: skip
    assert list(rows) == ["test images", *digits.ROWS.values()]
    assert rows["test images"]["Accuracy (%) ↑, quick scale"] == "99.50"
    assert rows["test images"]["zMSE ↓, quick scale"] == "–"
    assert rows["λ = 0"]["Accuracy (%) ↑, quick scale"] == "98.25" and rows["λ = 0"]["zMSE ↓, quick scale"] == "4.0"
    assert rows["λ = 0"]["Spread (%) ↑, quick scale"] == "not run yet"
    assert rows["λ = 0"]["Spread (%) ↑, paper scale"] == "pending (needs a GPU)"

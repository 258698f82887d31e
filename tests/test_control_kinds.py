"""Controls from rules, from a few pictures and from preferences, each beside the baseline of attribute vectors."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from latune.controls import JUDGINGS, Control, Critics, Encoded, Judging, Rule, Taste, learn_taste, rule_of, taste_of
from latune.controls.baseline import beside_vector, neighbours
from latune.controls.control import same
from latune.controls.critics import class_vectors
from latune.controls.examples import shown
from latune.controls.lesson import Lesson
from latune.controls.preferences import agreement
from latune.controls.teaching import examples_lesson
from latune.data import load
from latune.errors import AttributeFunctionError, DataError, RunError
from latune.medium import Pictures
from latune.nets import LatentNets
from latune.space import Space

TINY = LatentNets(48, 2)
JUDGE = Judging(nets=TINY, steps=150, batch_size=128, lr=1e-2, draw=0.0, mixup=False, smooth=0.02)
FEW = replace(JUDGINGS["few"], steps=120)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def quietly(move):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return move()


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture
def own(digits_run) -> Space:
    """A space of one's own: what it learns is kept in memory only."""
    space = Space.load(digits_run)
    space.controls.folder = None
    return space


def of_digit(data, digit: int, n: int) -> torch.Tensor:
    rows = data.splits["training"]
    return data.images(rows[data.column("digit", rows) == digit][:n])


def digit_of(space: Space, images) -> torch.Tensor:
    """The digit in the eyes of a judge of codes that took no part."""
    data = load("digits")
    rows = data.splits["training"]
    z, y = space.encode(data.images(rows)), data.column("digit", rows)
    return y[torch.cdist(space.encode(images.plain()), z).topk(7, largest=False).indices].mode(1).values


# --- rules: what a function may be ------------------------------------------------------------------------------------

GREY = torch.linspace(0, 1, 5)[:, None, None, None].expand(5, 1, 8, 8)


def whole_batch(images):
    return images.mean((1, 2)) / 255


def one_image(image):
    return float(image.mean()) / 255


@pytest.mark.parametrize(
    ("function", "single"),
    [
        (whole_batch, False),
        (one_image, True),
        (lambda images: torch.from_numpy(images).float().mean((1, 2)) / 255, False),
        (lambda images: list(images.mean((1, 2)) / 255), False),
        (lambda image: np.array([image.mean() / 255]), True),
    ],
)
def test_a_rule_takes_many_images_or_one(function, single):
    rule = Rule(function)
    values = rule(GREY)
    assert values == pytest.approx(np.rint(255 * np.linspace(0, 1, 5)) / 255, abs=1e-6)
    assert values.dtype == np.float64
    assert rule.single is single


def test_truth_values_are_numbers_and_colours_come_last():
    assert Rule(lambda images: images[..., 0].mean((1, 2)) > 100)(GREY.expand(5, 3, 8, 8)).tolist() == [0, 0, 1, 1, 1]


def test_a_rule_gets_a_copy():
    def spoils(images):
        images[:] = 0
        return np.full(len(images), 0.5)

    before = GREY.clone()
    assert Rule(spoils)(GREY).tolist() == [0.5] * 5
    assert torch.equal(GREY, before)


def raises(images):
    raise ZeroDivisionError("no ink at all")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (raises, r"raised ZeroDivisionError: no ink at all .*line \d+.*uint8 of shape \[2, 8, 8\]"),
        (lambda images: images.mean((1,)), r"returned values of shape \[2, 8\] for 2 images"),
        (lambda images: images.mean((1, 2)), r"returned 64 for image 1 \(4 of 5 are outside of \[0, 1\]\)"),
        (lambda images: images.mean((1, 2)) / -255, "returned -0.25"),
        (lambda images: np.full(len(images), np.nan), "returned nan for image 0"),
        (lambda images: ["yes"] * len(images), "returned list .* instead of numbers"),
        (lambda images: None, "returned NoneType None instead of numbers"),
    ],
)
def test_a_rule_that_answers_wrongly_is_told(function, message):
    with pytest.raises(AttributeFunctionError, match=f"The rule 'mine:rule' {message}"):
        Rule(function, "mine:rule")(GREY)


def test_what_a_rule_raised_is_kept():
    with pytest.raises(AttributeFunctionError) as caught:
        Rule(raises)(GREY)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_rule_by_name(tmp_path, monkeypatch):
    (tmp_path / "inky.py").write_text("def ink(images):\n    return images.mean((1, 2)) / 255\n")
    monkeypatch.chdir(tmp_path)
    assert rule_of("inky:ink")(GREY)[-1] == 1
    with pytest.raises(AttributeFunctionError, match="Did you mean 'ink'"):
        rule_of("inky:inks")
    with pytest.raises(AttributeFunctionError, match="There is no Python module 'nowhere'"):
        rule_of("nowhere:ink")
    with pytest.raises(AttributeFunctionError, match="does not name a function"):
        rule_of("ink")
    with pytest.raises(AttributeFunctionError, match=r"A rule is a function. Got a int"):
        rule_of(3)


# --- rules: learned ---------------------------------------------------------------------------------------------------


def top_heavy(images):
    ink = images.astype(float)
    return ink[:, :4].sum((1, 2)) / np.maximum(ink.sum((1, 2)), 1) > 0.55


def test_a_rule_without_a_slope_is_learned(own):
    before = {name: value.clone() for name, value in own.model.state_dict().items()}
    control = own.controls.learn_rule("top", top_heavy, judged=1500, judging=JUDGE)
    assert all(torch.equal(before[name], value) for name, value in own.model.state_dict().items())
    assert control.kind == "reward"
    assert control.about["rule"] == "test_control_kinds:top_heavy"
    assert control.about["judged"] == 1500 + 375
    made = [quietly(lambda v=v: own.sample(100, seeded(), top=v)) for v in (0, 1)]
    share = [top_heavy(255 * images.plain()[:, 0].numpy()) for images in made]
    assert share[0].mean() < 0.1
    assert share[1].mean() > 0.8
    assert control.scores["success"] > control.scores["untouched"] + 0.4
    assert set(control.scores) >= {"rank correlation", "success", "vector", "untouched"}


def test_of_a_random_rule_the_mean_is_learned(own):
    coin = np.random.default_rng(0)

    def sometimes(image):
        return float(coin.random() < (0.9 if image[:, :4].mean() > image[:, 4:].mean() else 0.2))

    control = own.controls.learn_rule("left", sometimes, judged=1500, rounds=0, judging=JUDGE)
    z = own.codes.sample(400, seeded(7))
    x = own.decode(z).plain()[:, 0]
    ahead = x[:, :, :4].mean((1, 2)) - x[:, :, 4:].mean((1, 2))
    left, right = ahead > 0.07, ahead < -0.07  # between them the critic goes over gently
    believed = torch.sigmoid(control.critic(z))[:, 0]
    assert believed[left].mean().item() == pytest.approx(0.9, abs=0.12)
    assert believed[right].mean().item() == pytest.approx(0.2, abs=0.12)


def test_a_rule_that_always_says_the_same_teaches_nothing(own):
    with pytest.raises(DataError, match=r"The rule '.*' gives 0.5 for all 200 examples that this model made"):
        own.controls.learn_rule("flat", lambda images: np.full(len(images), 0.5), judged=200)
    with pytest.raises(DataError, match=r"100 or more examples. Got judged=7"):
        own.controls.learn_rule("flat", top_heavy, judged=7)
    for power in (0, -1.0, float("nan"), True):
        with pytest.raises(DataError, match=r"sharp is a power above 0. Got"):
            own.controls.learn_rule("flat", top_heavy, sharp=power)
    assert not own.controls


def test_what_is_asked_of_a_sharpened_rule_is_what_the_rule_says(own):
    def light(images):
        return images.mean((1, 2)) / 255

    control = own.controls.learn_rule("light", light, judged=1500, rounds=0, sharp=3, judging=JUDGE)
    assert control.sharp == 3
    middle = (control.least + control.most) / 2
    assert control.wish(middle).target.item() == pytest.approx(0.5**3)
    assert control.wish(control.most).target.item() == 1
    z = own.codes.sample(400, seeded(7))
    share = (light(255 * own.decode(z).plain()[:, 0].numpy()) - control.least) / (control.most - control.least)
    believed = torch.sigmoid(control.critic(z))[:, 0].detach().numpy()
    assert np.abs(believed - share.clip(0, 1) ** 3).mean() < 0.05, "the third power of what it gives is learned"


def test_what_a_rule_never_gave_is_told_and_the_nearest_aimed_at(own, digits):
    def dim(images):  # a picture of nothing but ink would have 0.5
        return images.mean((1, 2)) / 510

    control = own.controls.learn_rule("dim", dim, digits, judged=800, judging=JUDGE)
    assert control.about["data"] == "digits"
    assert 0 < control.least < control.most < 0.5
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        high = own.sample(50, seeded(), dim=1)
        low = own.sample(50, seeded(), dim=control.least)
    said = [str(each.message) for each in told]
    assert any(f"to {control.most:.3g}. The nearest is aimed at" in each for each in said)
    assert sum("nearest is aimed at" in each for each in said) == 1, "what it gave before is no news"
    assert dim(255 * high.plain()[:, 0].numpy()).mean() > 1.5 * dim(255 * low.plain()[:, 0].numpy()).mean()
    assert control.scores["success"] > control.scores["untouched"]


# --- a few pictures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("against", ["data", "counter-examples", "nothing"])
def test_five_pictures_are_enough(own, digits, against):
    rows = digits.splits["training"]
    others = digits.images(rows[digits.column("digit", rows) != 0][:40])
    given = {"data": digits, "counter-examples": others, "nothing": None}[against]
    control = own.controls.learn_examples("ring", of_digit(digits, 0, 5), given, judging=FEW)
    assert control.kind == "label"
    assert control.about["shown"] == 5
    assert control.about["against"] == {"data": "digits", "nothing": "what the model makes"}.get(against, against)
    images = quietly(lambda: own.sample(60, seeded(), ring=1))
    assert (digit_of(own, images) == 0).float().mean() > 0.6
    assert "success" not in control.scores, "of five examples nobody can judge"


def test_too_few_pictures_are_told(own, digits):
    with pytest.raises(DataError, match=r"'ring' is learned from 5 or more pictures. Got 4"):
        own.controls.learn_examples("ring", of_digit(digits, 0, 4), digits)
    with pytest.raises(DataError, match=r"images of shape \(1, 8, 8\). Got \(1, 9, 8\)"):
        own.controls.learn_examples("ring", torch.zeros(6, 1, 9, 8), digits)
    with pytest.raises(DataError, match="'slant' is a coordinate"):
        own.controls.learn_examples("slant", of_digit(digits, 0, 5), digits)


def write(folder, images) -> list:
    folder.mkdir()
    files = []
    for i, image in enumerate(images):
        files.append(folder / f"{i}.png")
        Image.fromarray((255 * image[0].numpy()).astype(np.uint8)).save(files[-1])
    return files


def test_pictures_from_folders_files_and_lists(digits, tmp_path):
    images = of_digit(digits, 3, 4)
    files = write(tmp_path / "three", images)
    shape = (1, 8, 8)
    for given in (tmp_path / "three", str(tmp_path / "three"), files, [tmp_path / "three"]):
        assert torch.allclose(shown(given, Pictures(shape)), images, atol=1 / 255)
    listed = tmp_path / "list.csv"
    listed.write_text("file,why\nthree/2.png,nice\nthree/0.png,too\n")
    assert torch.allclose(shown(listed, Pictures(shape)), images[[2, 0]], atol=1 / 255)
    assert shown(images, Pictures(shape)) is images
    with pytest.raises(DataError, match="8 x 8 pixels; this model's images have 12 x 10"):
        shown(files, Pictures((1, 10, 12)))
    assert shown(files, Pictures((1, 10, 12)), resize=True).shape == (4, 1, 10, 12)


@pytest.mark.parametrize(
    ("text", "message"), [("", "names no file"), ("file\n", "names no file"), ("a.png\n", "There is no image at")]
)
def test_lists_that_name_nothing_are_told(tmp_path, text, message):
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        shown(tmp_path / "list.txt", Pictures((1, 8, 8)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="There is no file in"):
        shown(tmp_path / "empty", Pictures((1, 8, 8)))


def test_few_pictures_are_held_back_for_measuring():
    near, far = (Encoded(torch.full((n, 2), value), torch.ones(n, 2)) for n, value in ((10, 1.0), (50, -1.0)))
    lesson = examples_lesson("near", near, far, seed=0)
    assert lesson.held_targets.sum().item() == 2
    assert lesson.targets.sum().item() == 8
    assert torch.equal(lesson.codes.typical_scale, torch.ones(2))


# --- preferences ------------------------------------------------------------------------------------------------------


def points(*places: float) -> Encoded:
    z = torch.tensor(places)[:, None]
    return Encoded(z, torch.zeros_like(z))


def test_pairs_are_learned_as_bradley_and_terry_would():
    """Of three things where the first beats the second in 3 of 4, the odds are 3 to 1, and so on down the chain."""
    better, worse = [0.0, 0.0, 0.0, 1.0] * 5, [1.0, 1.0, 1.0, 0.0] * 5
    better, worse = better + [1.0, 1.0, 2.0] * 5, worse + [2.0, 2.0, 1.0] * 5
    taste = taste_of(pairs=(points(*better), points(*worse)))
    how = Judging(LatentNets(32, 1, "silu"), 400, lr=3e-2, draw=0.0, mixup=False, smooth=0.0)
    critic = learn_taste(taste, None, how)
    with torch.no_grad():
        f = critic(torch.tensor([[0.0], [1.0], [2.0]]))[:, 0]
    assert (f[0] - f[1]).item() == pytest.approx(math.log(3), abs=0.15)
    assert (f[1] - f[2]).item() == pytest.approx(math.log(2), abs=0.15)
    assert abs(f.mean().item()) < 1


def test_what_was_said_adds_up():
    taste = taste_of(points(1.0, 2.0), points(3.0), (points(4.0), points(5.0)))
    more = taste.with_more(taste_of(pairs=(points(6.0, 7.0), points(8.0, 9.0))))
    assert more.mean[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert more.mean[more.pairs][..., 0].tolist() == [[4, 5], [6, 8], [7, 9]]
    assert more.mean[more.rows(True)][:, 0].tolist() == [1, 2]
    assert more.targets.tolist() == [1, 1, 0, 1, 0, 1, 1, 0, 0]
    again = Taste(**more.tensors())
    assert torch.equal(again.pairs, more.pairs)
    with pytest.raises(DataError, match=r"Pairs are as many better as worse pictures. Got 1 and 2"):
        taste_of(pairs=(points(1.0), points(1.0, 2.0)))
    with pytest.raises(DataError, match="Got none"):
        taste_of()


def test_agreement_is_measured_on_what_a_critic_has_not_seen():
    """Values that follow no rule are learned by heart, and agreed with by chance only."""
    draw = seeded(3)
    z = Encoded(torch.randn(60, 12, generator=draw), torch.zeros(60, 12))
    taste = taste_of(z[torch.arange(30)], z[torch.arange(30, 60)])
    critic = learn_taste(taste, None, replace(FEW, draw=0.0, smooth=0.0, steps=200))
    with torch.no_grad():
        f = critic(taste.mean)[:, 0]
    assert (f[:30, None] > f[None, 30:]).float().mean() > 0.9
    assert agreement(critic, taste)["likes"] < 0.75


def test_likes_and_dislikes_are_learned_and_go_on(own, digits):
    rows = digits.splits["training"]
    others = digits.images(rows[digits.column("digit", rows) != 0])
    first = own.controls.learn_preferences("mine", of_digit(digits, 0, 6), others[:6])
    assert (first.about["likes"], first.about["dislikes"], first.about["pairs"]) == (6, 6, 0)
    started = time.process_time()
    second = own.controls.learn_preferences("mine", of_digit(digits, 0, 16)[6:], others[6:16])
    assert time.process_time() - started < 3, "about a second, and some for a slow processor"
    assert (second.about["likes"], second.about["dislikes"]) == (16, 16)
    assert second.about["seconds"] > 0
    assert second.scores["likes"] > 0.8
    images = quietly(lambda: own.sample(60, seeded(), mine=1))
    assert (digit_of(own, images) == 0).float().mean() > 0.5
    avoided = quietly(lambda: own.sample(60, seeded(), mine=0))
    assert (digit_of(own, avoided) == 0).float().mean() < 0.1
    third = own.controls.learn_preferences("mine", pairs=(of_digit(digits, 0, 4), others[20:24]), judging=FEW)
    assert (third.about["likes"], third.about["pairs"]) == (16, 4)
    forgotten = own.controls.learn_preferences("mine", of_digit(digits, 0, 3), judging=FEW, again=True)
    assert (forgotten.about["likes"], forgotten.about["dislikes"]) == (3, 0)


def test_going_on_starts_from_what_was_learned():
    taste = taste_of(points(1.0, 1.5), points(-1.0, -1.5))
    how = replace(FEW, steps=60)
    first = learn_taste(taste, None, how)
    warm = learn_taste(taste, None, replace(how, steps=1), start=first)
    cold = learn_taste(taste, None, replace(how, steps=1))
    z = torch.tensor([[1.2]])
    with torch.no_grad():
        assert abs((warm(z) - first(z)).item()) < 0.3 < abs((cold(z) - first(z)).item())


def test_preferences_are_kept_and_added_to_later(digits_run, digits, tmp_path):
    space = Space.load(Space.load(digits_run).save(tmp_path / "run"))
    one = space.controls.learn_preferences("mine", of_digit(digits, 0, 4), of_digit(digits, 1, 4), judging=FEW)
    again = Space.load(tmp_path / "run")
    assert same(again.controls["mine"], one)
    assert again.controls["mine"].scores == one.scores
    two = again.controls.learn_preferences("mine", dislikes=of_digit(digits, 3, 4), judging=FEW)
    assert two.about["dislikes"] == 8
    assert len(Control.load(tmp_path / "run" / "controls" / "mine").memory["mean"]) == 12
    with pytest.raises(DataError, match="not of preferences"):
        again.controls.learn_examples("ring", of_digit(digits, 0, 5), digits, judging=FEW)
        again.controls.learn_preferences("ring", of_digit(digits, 0, 5))


def test_a_control_of_another_model_is_refused(own, digits):
    control = own.controls.learn_examples("ring", of_digit(digits, 0, 5), digits, judging=FEW)
    other = Space.load(own.about["folder"]) if "folder" in own.about else own
    with torch.no_grad():
        next(other.model.parameters()).add_(0.01)
    other.controls._fingerprint = None
    with pytest.raises(RunError, match="The control 'ring' was made for another model"):
        other.controls.add(control)


# --- beside the baseline ----------------------------------------------------------------------------------------------


class Plane:
    """A model whose images are its codes: two grey pixels."""

    encodes, device = True, torch.device("cpu")

    def __init__(self) -> None:
        from latune.codes import Codes, Normal

        self.codes = Codes(z=Normal(2))

    def decode(self, z):
        from latune.pictures import Images

        return Images.of(torch.sigmoid(z)[:, None, None])

    def encode(self, x):
        return torch.logit(x.flatten(1), eps=1e-6)


def label_lesson(z: torch.Tensor, y: torch.Tensor) -> Lesson:
    codes = Encoded(z, torch.zeros_like(z))
    rows = torch.arange(0)
    return Lesson("label", codes, y[:, None].float(), codes[rows], y[rows, None].float())


def test_the_judge_counts_all_classes_alike():
    z = torch.cat([torch.randn(12, 2, generator=seeded()) + 3, torch.randn(900, 2, generator=seeded(1)) - 3])
    lesson = label_lesson(z, torch.arange(912) < 12)
    plane = Plane()
    judge = neighbours(lesson, plane)

    control = Control("up", "label", Critics([]), torch.ones(1, 2), torch.ones(2), "plane", TINY)
    asked = control.wish(1)
    there, not_there = plane.decode(torch.full((5, 2), 2.0)).plain(), plane.decode(torch.full((5, 2), -2.0)).plain()
    assert judge(there, asked).tolist() == [1.0] * 5
    assert judge(not_there, asked).tolist() == [0.0] * 5


def test_both_ways_and_none_are_measured_on_the_same_draws():
    z = torch.randn(800, 2, generator=seeded())
    y = z[:, 0] > 1  # which draws of the prior are in 16 % of the cases
    lesson = label_lesson(z, y)

    class First(torch.nn.Module):
        def forward(self, z):
            return 8 * (z[:, :1] - 1)

    control = Control("right", "label", Critics([First()]), class_vectors(lesson), torch.ones(2), "plane", TINY)
    scores = beside_vector(control, lesson, Plane())
    assert scores["untouched"] == pytest.approx(0.25, abs=0.15)
    assert scores["success"] > 0.9
    assert scores["untouched"] < scores["vector"] <= 1
    always = beside_vector(control, lesson, Plane(), judge=lambda images, wish: torch.ones(len(images)))
    assert always == {"success": 1.0, "vector": 1.0, "untouched": 1.0}

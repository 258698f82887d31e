"""Our own classifier: what it reaches, how it is kept and resumed, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from latune.classifier import SIDES, Classifier, ConvNet, moved
from latune.data import from_arrays, load
from latune.errors import DataError, RunError, TrainingError
from latune.pictures import Images
from latune.training import Trainer
from latune.training import checkpoint as ckpt


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def judge(digits) -> Classifier:
    """Trained by its preset."""
    return Classifier.train(digits, "digit")


def shapes(n=120, size=(1, 12, 12), seed=0):
    """Squares that are bright or dim, high or low: two binary attributes and one of four classes."""
    draw = np.random.default_rng(seed)
    bright, high = draw.integers(0, 2, n), draw.integers(0, 2, n)
    channels, h, w = size
    images = np.zeros((n, channels, h, w), np.float32)
    for image, light, top in zip(images, bright, high, strict=True):
        row = draw.integers(0, 2) if top else h - h // 3 - draw.integers(0, 2)
        image[:, row : row + h // 3, w // 3 : 2 * w // 3] = 0.9 if light else 0.4
    words = np.array(["dim low", "dim high", "bright low", "bright high"])[2 * bright + high]
    attributes = {"bright": bright, "high": high, "kind": words, "ink": images.mean((1, 2, 3))}
    return from_arrays(images, attributes, kinds={"bright": "binary", "high": "binary", "ink": "real"})


# --- what it reaches --------------------------------------------------------------------------------------------------


def test_the_preset_reads_digits(judge, digits):
    score = judge.accuracy(digits)
    assert score.value >= 0.97
    assert judge.about["accuracy"] == {
        "validation": pytest.approx(judge.accuracy(digits, "validation").value),
        "test": pytest.approx(score.value),
    }
    assert score.interval is not None and score.interval[0] <= score.value <= score.interval[1]
    assert score.per_attribute == {"digit": score.value} and list(score.detail["by_class"]) == [
        str(k) for k in range(10)
    ]
    json.dumps(score.as_dict(), allow_nan=False)


def test_accuracy_is_the_share_of_right_classes(judge, digits):
    rows = digits.splits["test"]
    truth = digits.column("digit", rows).long()
    right = judge.classes(digits.images(rows)) == truth
    score = judge.accuracy(digits)
    assert score.value == pytest.approx(right.double().mean().item())
    assert score.detail["by_class"]["3"] == pytest.approx(right[truth == 3].double().mean().item())
    assert score.detail["most_common"]["digit"] == pytest.approx(truth.bincount().max().item() / len(rows))


def test_logits_probabilities_classes_and_features_agree(judge, digits):
    x = digits.images(digits.splits["test"])
    logits, features = judge.logits(x), judge.features(x)
    assert torch.allclose(judge.probabilities(x), logits.softmax(1))
    assert torch.equal(judge.classes(x), logits.argmax(1))
    assert torch.allclose(judge.net.head(features), logits, atol=1e-5)
    assert features.shape == (len(x), 128) and features.min() == 0  # after a ReLU
    assert not logits.requires_grad


def test_images_are_taken_in_every_form_and_one_by_one(judge, digits):
    rows = digits.splits["test"][:7]
    x = digits.images(rows)
    want = judge.logits(x)
    for same in (digits.raw(rows), digits.raw(rows).numpy(), digits.raw(rows)[:, 0], Images.of(x), x.double()):
        assert torch.allclose(judge.logits(same), want, atol=1e-5)
    assert torch.allclose(torch.cat([judge.logits(x[i : i + 1]) for i in range(7)]), want, atol=1e-4)


def test_gradients_reach_images_through_the_net(judge, digits):
    x = digits.images(digits.splits["test"][:2]).requires_grad_()
    judge.net(x)[:, 0].sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0


def test_several_binary_attributes_at_once():
    data = shapes(240)
    judge = Classifier.train(data, ["bright", "high"], shift=0)
    score = judge.accuracy(data)
    assert score.value > 0.9 and set(score.per_attribute) == {"bright", "high"}
    x = data.images(data.splits["test"])
    assert judge.classes(x).shape == (len(x), 2) and set(judge.classes(x).unique().tolist()) <= {0, 1}
    assert torch.equal(judge.classes(x) == 1, judge.probabilities(x) > 0.5)
    truth = torch.stack([data.column(name, data.splits["test"]) for name in ("bright", "high")], 1)
    assert score.value == pytest.approx((judge.classes(x) == truth).double().mean().item())
    assert list(score.intervals) == ["bright", "high"]


def test_one_binary_attribute_by_its_name():
    judge = Classifier.train(shapes(), "bright", epochs=1)
    assert judge.kind == "binary" and judge.logits(torch.zeros(3, 1, 12, 12)).shape == (3, 1)


@pytest.mark.parametrize("size", [(1, 8, 8), (3, 9, 30), (3, 32, 32), (1, 64, 40), (3, 128, 128)])
def test_images_of_many_shapes(size):
    data = shapes(24, size)
    judge = Classifier.train(data, "kind", epochs=1)
    assert judge.logits(data.images(torch.arange(3))).shape == (3, 4)
    assert sorted(judge.about["classes"]) == ["bright high", "bright low", "dim high", "dim low"]


def test_bf16_learns_too(digits):
    judge = Classifier.train(digits, "digit", epochs=8, precision="bf16")
    assert judge.accuracy(digits).value > 0.9
    assert judge.logits(digits.images(torch.arange(2))).dtype == torch.float32


def test_each_image_is_moved_on_its_own():
    x = torch.zeros(400, 1, 6, 6)
    x[:, 0, 2, 3] = 1
    places = moved(x, 2, torch.Generator().manual_seed(0))[:, 0].flatten(1).argmax(1)
    found = {divmod(int(place), 6) for place in places}
    assert found == {(row, column) for row in range(5) for column in range(1, 6)}
    assert torch.equal(moved(x, 0, torch.Generator()), x)


# --- how it is kept ---------------------------------------------------------------------------------------------------


def test_a_seed_repeats_and_leaves_torchs_own_generator_alone(digits):
    x = digits.images(torch.arange(5))
    before = torch.get_rng_state()
    first, again, other = (Classifier.train(digits, "digit", epochs=1, seed=s).logits(x) for s in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_a_folder_keeps_it_and_opens_it_without_training(digits, tmp_path, monkeypatch):
    made = Classifier.train(digits, "digit", tmp_path, epochs=2)
    x = digits.images(digits.splits["test"])
    monkeypatch.setattr(Trainer, "run", lambda self: pytest.fail("trained again"))
    for opened in (Classifier.load(tmp_path), Classifier.train(digits, "digit", tmp_path, epochs=2)):
        assert torch.equal(opened.logits(x), made.logits(x))
        assert opened.about == json.loads((tmp_path / "classifier.json").read_text())
        assert str(opened) == "Classifier(digit of digits, 10 classes, images (1, 8, 8))"
    about = opened.about
    assert about["target"] == ["digit"] and about["net"]["shape"] == [1, 8, 8]
    assert about["training"]["epochs"] == 2 and 0 < about["accuracy"]["test"] <= 1
    assert about["data"]["source"].startswith("scikit-learn load_digits")


def test_another_split_of_the_same_data_opens_the_same_one(tmp_path):
    Classifier.train(load("digits", seed=0), "digit", tmp_path, epochs=1)
    assert Classifier.train(load("digits", seed=1), "digit", tmp_path, epochs=1).about["training"]["epochs"] == 1


def test_a_training_that_was_stopped_goes_on_bit_for_bit(digits, tmp_path, monkeypatch):
    whole = Classifier.train(digits, "digit", epochs=3)
    batch = Trainer.batch

    def stops(self, step):
        if step == 25:
            self.save()
            raise TrainingError("stopped")
        return batch(self, step)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "batch", stops)
        with pytest.raises(TrainingError):
            Classifier.train(digits, "digit", tmp_path, epochs=3)
    with pytest.raises(RunError, match="not finished"):
        Classifier.load(tmp_path)
    resumed = Classifier.train(digits, "digit", tmp_path, epochs=3)
    for mine, theirs in zip(resumed.net.state_dict().values(), whole.net.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)


# --- what it refuses --------------------------------------------------------------------------------------------------


def test_a_training_that_was_stopped_before_its_first_checkpoint_begins_again(tmp_path):
    data, folder = shapes(), tmp_path / "judge"
    (folder / "tensorboard").mkdir(parents=True)
    (folder / "log.jsonl").write_text('{"step": 100, "loss/classifier": 1.0}\n')
    judge = Classifier.train(data, "bright", folder, epochs=1)
    whole = Classifier.train(data, "bright", epochs=1)
    x = data.images(data.splits["test"])
    assert torch.equal(judge.logits(x), whole.logits(x))


def test_a_folder_with_something_else_is_refused_and_kept(digits, tmp_path):
    Classifier.train(digits, "digit", tmp_path / "a", epochs=1)
    with pytest.raises(RunError, match=r"another classifier, or none: its training is"):
        Classifier.train(digits, "digit", tmp_path / "a", epochs=2)
    with pytest.raises(RunError, match="target, classes, net, data"):
        Classifier.train(shapes(), "kind", tmp_path / "a", epochs=1)
    other = shapes(seed=1)
    Classifier.train(shapes(), "bright", tmp_path / "b", epochs=1)
    with pytest.raises(RunError, match="its data is"):  # the same name and source, other images
        Classifier.train(other, "bright", tmp_path / "b", epochs=1)
    assert Classifier.load(tmp_path / "a").target == ("digit",)


def test_a_checkpoint_of_an_earlier_format_is_refused(digits, tmp_path):
    net = nn.Sequential(nn.Conv2d(1, 32, 5), nn.Linear(1024, 10))
    about = {"data": "digits", "epochs": 4, "batch_size": 128, "step": 40, "seconds": 1.0}
    tensors = {f"weights/{name}": value for name, value in net.state_dict().items()}
    ckpt.save_tensors(tmp_path / ckpt.CHECKPOINT, tensors, about)
    with pytest.raises(RunError, match="another classifier, or none"):
        Classifier.train(digits, "digit", tmp_path)
    assert ckpt.load_tensors(tmp_path / ckpt.CHECKPOINT)[1]["step"] == 40


def test_a_folder_of_other_files_is_refused(digits, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match=r"no folder of a classifier; it holds notes\.txt"):
        Classifier.train(digits, "digit", tmp_path)
    with pytest.raises(RunError, match="no classifier in"):
        Classifier.load(tmp_path)
    with pytest.raises(RunError, match="no classifier in"):
        Classifier.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "not in the format"),
        ('{"format": 2}', "not in the format"),
        ('{"format": 1}', "damaged"),
    ],
)
def test_a_damaged_description_is_said(tmp_path, text, message):
    (tmp_path / "classifier.json").write_text(text)
    with pytest.raises(RunError, match=message):
        Classifier.load(tmp_path)


def test_weights_that_do_not_fit_are_said(tmp_path):
    Classifier.train(shapes(), "bright", tmp_path, epochs=1)
    ckpt.save_tensors(tmp_path / ckpt.WEIGHTS, ConvNet((1, 12, 12), 3).state_dict(), {})
    with pytest.raises(RunError, match="head"):
        Classifier.load(tmp_path)
    (tmp_path / ckpt.WEIGHTS).unlink()
    with pytest.raises(RunError, match="missing"):
        Classifier.load(tmp_path)


@pytest.mark.parametrize("size", [(1, 7, 7), (1, 8, 129), (1, 4, 64)])
def test_images_too_small_or_large_are_refused(size):
    low, high = SIDES
    with pytest.raises(DataError, match=f"from {low} x {low} to {high} x {high}.*{size[1]}, {size[2]}"):
        Classifier.train(shapes(24, size), "bright")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("brihgt", "Did you mean 'bright'"),
        ("ink", r"ink \(real\)"),
        (["bright", "kind"], r"bright \(binary\), kind \(categorical\)"),
        ([], "one categorical attribute"),
        (["bright", "bright"], "each once"),
    ],
)
def test_targets_that_cannot_be_told_are_refused(target, message):
    with pytest.raises(DataError, match=message):
        Classifier.train(shapes(), target)


def test_a_target_that_is_the_same_everywhere_is_refused():
    data = shapes()
    data.values[:, 0] = 1.0
    with pytest.raises(DataError, match="same in every training image of 'arrays', so nothing to learn: bright"):
        Classifier.train(data, "bright")
    data.values[3, 0] = torch.nan
    data.splits["training"] = torch.arange(10)
    with pytest.raises(DataError, match="Not known for every training image of 'arrays': bright"):
        Classifier.train(data, "bright")
    data.splits["training"] = torch.arange(0)
    with pytest.raises(DataError, match="training split of 'arrays' is empty"):
        Classifier.train(data, "high")


def test_images_of_another_shape_or_range_are_refused(judge, digits):
    with pytest.raises(DataError, match=r"shape \(1, 8, 8\). Got \(1, 9, 9\)"):
        judge.logits(torch.zeros(2, 1, 9, 9))
    with pytest.raises(DataError, match=r"\[0, 1\]. Got 0 to 2"):
        judge.classes(torch.tensor([0.0, 2.0]).view(2, 1, 1, 1).expand(2, 1, 8, 8))
    with pytest.raises(DataError, match="Got nan"):
        judge.features(torch.full((2, 1, 8, 8), torch.nan))
    with pytest.raises(DataError, match="Unknown split 'tset'"):
        judge.accuracy(digits, "tset")
    with pytest.raises(DataError, match="Unknown attribute 'digit'"):
        judge.accuracy(shapes(24, (1, 8, 8)))

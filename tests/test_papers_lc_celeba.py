"""The experiments on CelebA, on pictures of ten lamps: a model that is known, and labels that are what is lit."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from latune.controls import JUDGINGS, Judging, Learning
from latune.data import from_arrays
from latune.nets import LatentNets
from latune.papers.experiment import Gallery, Subject
from latune.papers.latent_constraints import celeba, smiling
from latune.papers.latent_constraints.celeba import ATTRIBUTES, Judge, made_to_order, mirrored, right, sent
from latune.recipes import read
from latune.space import Space

TINY = LatentNets(64, 2)
SLOPE = 2.0  # of a lamp's light by its coordinate
LAMPS = 16  # of 2 x 2 pixels; the first ten have a label


def lit(z: torch.Tensor) -> torch.Tensor:
    """Codes `(n, 16)` to pictures `(n, 1, 8, 8)`."""
    return torch.sigmoid(SLOPE * z).view(-1, 1, 4, 4).repeat_interleave(2, 2).repeat_interleave(2, 3)


def codes_of(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    light = torch.nn.functional.avg_pool2d(x, 2).flatten(1).clamp(0.02, 0.98)
    z = torch.logit(light) / SLOPE
    return z, torch.full_like(z, 0.1)


@pytest.fixture(scope="module")
def subject(tmp_path_factory) -> Subject:
    draw = np.random.default_rng(0)
    y = (draw.uniform(size=(900, 10)) < 0.4).astype(int)
    y[:, 7] = draw.integers(0, 2, 900)  # smiling
    z = draw.normal(0, 0.35, (900, LAMPS))
    z[:, :10] += 1.4 * y - 0.7
    images = (255 * lit(torch.from_numpy(z)).numpy()).astype(np.uint8)[:, 0]
    columns: dict[str, np.ndarray] = dict(zip(ATTRIBUTES, y.T, strict=True))
    data = from_arrays(images, columns, kinds=dict.fromkeys(ATTRIBUTES, "binary"), name="lamps")
    space = Space.wrap(lit, codes_of, codes=LAMPS)
    settings = {"draws": 3, "rows": 40}
    return Subject(space, read("lc-celeba-small-32"), data, settings, 0, tmp_path_factory.mktemp("runs"))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Actors and critics that are learned in seconds."""
    how = Learning(nets=TINY, steps=200, batch_size=64, lr=1e-2)
    near = replace(how, near=0.3, energy=0.0)
    monkeypatch.setattr(celeba, "ACTORS", {"free": how, "near": near})
    monkeypatch.setattr(smiling, "face_of", lambda subject: celeba.face_of(subject, how))
    monkeypatch.setitem(JUDGINGS, "default", Judging(nets=TINY, steps=120, batch_size=128, lr=1e-2))


def test_precision_recall_and_f1_are_those_of_the_books():
    from sklearn.metrics import precision_recall_fscore_support

    draw = torch.Generator().manual_seed(0)
    wanted = (torch.rand(200, 10, generator=draw) < torch.linspace(0.02, 0.9, 10)).long()
    seen = torch.where(torch.rand(200, 10, generator=draw) < 0.2, 1 - wanted, wanted)
    found = right(seen, wanted)
    expected = precision_recall_fscore_support(wanted.numpy(), seen.numpy(), average="weighted")
    assert [found["precision"], found["recall"], found["f1"]] == pytest.approx(expected[:3])
    assert found["accuracy"] == pytest.approx((seen == wanted).double().mean().item())


def test_what_is_never_seen_has_precision_0():
    assert right(torch.zeros(4, 2).long(), torch.ones(4, 2).long()) == dict.fromkeys(
        ("accuracy", "precision", "recall", "f1"), 0.0
    )


def test_the_judge_is_kept_and_its_spread_is_a_share_of_the_test_images(subject):
    judge = Judge.of(subject)
    assert (judge.test.classes == judge.truth).double().mean() > 0.9
    assert judge.spread(judge.test, judge.truth) == pytest.approx(1)
    assert torch.equal(Judge.of(subject).test.classes, judge.test.classes)
    assert (subject.runs / "lc-judge-of-lamps-8" / "classifier.json").exists()


def test_only_photographs_are_mirrored(subject):
    assert mirrored(subject.data) is subject.data


def test_each_draw_is_sent_to_its_own_labels(subject):
    control = celeba.face_of(subject, celeba.ACTORS["free"])
    draw = torch.Generator().manual_seed(1)
    wanted = torch.randint(0, 2, (60, 10), generator=draw)
    z = torch.randn(60, LAMPS, generator=draw)
    assert ((sent(control, z, wanted)[:, :10] > 0).long() == wanted).double().mean() > 0.9
    one = sent(control, z[7:8], wanted[7:8])
    assert torch.allclose(sent(control, z, wanted)[7:8], one, atol=1e-5)
    moved = sent(control, z, wanted, "vector") - z
    assert torch.allclose(moved[0], (2.0 * wanted[0] - 1) @ control.vectors, atol=1e-5)


def test_the_table_is_whole_and_the_actors_do_what_is_asked(subject):
    found = celeba.faces(subject)
    assert all(found.numbers.keys() == experiment.quantities.keys() for experiment in celeba.EXPERIMENTS)
    assert found.numbers["accuracy-test"] > 90
    assert found.numbers["accuracy-free"] > 90
    assert found.numbers["zmse-near"] < found.numbers["zmse-free"]
    assert 15 < found.numbers["spread-free"] < found.numbers["spread-vector"] < 200
    assert found.detail["free"].keys() == set(ATTRIBUTES)


def test_an_edit_changes_the_smile_and_keeps_the_rest(subject):
    found = smiling.smiles(subject).numbers
    (experiment,) = smiling.EXPERIMENTS
    assert found.keys() == experiment.quantities.keys()
    assert found["reached-descent"] > 95
    assert found["kept-descent"] > 93
    assert found["outside-descent"] < min(found["outside-paper"], found["outside-actor"])
    assert found["own-descent"] > found["own-actor"]


def test_changes_are_told_in_and_out_of_the_mouths_part():
    inside = smiling.mouth(10, 10)
    assert inside.sum() == 4 * 6
    x = torch.rand(3, 3, 10, 10, generator=torch.Generator().manual_seed(0)) / 2
    after = x.clone()
    after[:, :, inside] += 0.2
    found = smiling.compared(x, after, inside)
    assert found == pytest.approx({"inside": 51.0, "outside": 0.0, "own": 1.0}, abs=1e-4)


@pytest.mark.parametrize(("draw", "blocks"), [(made_to_order, 2), (smiling.changed_faces, 2)])
def test_pictures_are_drawn(subject, draw, blocks):
    (picture,) = draw(Gallery([], lambda label: subject))
    assert Image.open(io.BytesIO(picture.png)).width > 300 * blocks
    assert picture.caption.endswith(".")

"""Codes of classes as classifiers: named on training examples, scored on the rest."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latune.data import from_arrays
from latune.measurement import measure_space
from latune.models import Spec, build
from latune.models.infogan import InfoGAN
from latune.space import Space

N, CLASSES = 200, 4


def shades(n: int = N):
    """Grey squares of four shades, with their class, and a second category that is the parity of the first."""
    shade = np.arange(n) % CLASSES
    images = np.broadcast_to((shade[:, None, None] * 60 + 20).astype(np.uint8), (n, 8, 8))
    return from_arrays(
        np.ascontiguousarray(images),
        {"shade": shade, "odd": shade % 2},
        kinds={"shade": "categorical", "odd": "categorical"},
    )


def space_that_tells(naming: list[int], continuous: int = 0) -> Space:
    """A GAN whose recogniser says `naming[shade]` for sure."""
    nets = {"name": "adversarial", "table": "mnist", "width": 0.0625}
    spec = Spec("infogan", (1, 8, 8), 4, nets=nets, settings={"categorical": [CLASSES], "continuous": continuous})
    model = build(spec, 0)
    assert isinstance(model, InfoGAN)

    def judged(x: torch.Tensor, through_trunk: bool = True) -> torch.Tensor:
        shade = ((x[:, 0, 0, 0] * 255 - 20) / 60).round().long()
        told = 50 * torch.nn.functional.one_hot(torch.tensor(naming)[shade], CLASSES).float()
        return torch.cat([torch.zeros(len(x), 1), told, torch.zeros(len(x), 2 * continuous)], 1)

    model.judged = judged  # type: ignore[method-assign]
    return Space(model, spec)


def test_classes_are_named_on_training_examples_and_scored_on_the_others():
    found = measure_space(space_that_tells([2, 0, 3, 1]), shades(), resamples=20)
    score = found["recovery"], found.scores["recovery"]
    assert score[1].per_attribute == {"shade": 1.0, "odd": 0.5}, "two of four classes have a name of the two"
    assert score[0] == 0.75 and score[1].detail["code"] == {"shade": "c1", "odd": "c1"}
    assert found.scores["recovery-majority"].per_attribute == {"shade": 1.0, "odd": 1.0}
    assert score[1].settings["named on"] == "other examples" and score[1].intervals["shade"] == (1.0, 1.0)


def test_classes_that_share_what_they_show_are_half_right():
    data = shades()
    found = measure_space(space_that_tells([0, 0, 1, 2]), data, resamples=0)
    shade, training = (data.column("shade", data.splits[split]) for split in ("test", "training"))
    unnamed = 0 if (training == 1).sum() > (training == 0).sum() else 1  # the rarer of the two, among training examples
    assert found.scores["recovery"].per_attribute["shade"] == pytest.approx(float((shade != unnamed).double().mean()))


def test_without_classes_on_either_side_nothing_is_said():
    images = np.zeros((N, 8, 8), dtype=np.uint8)
    images[:, :4] = np.arange(N)[:, None, None]
    plain = from_arrays(images, {"light": np.arange(N) / N})
    assert "recovery" not in measure_space(space_that_tells([0, 1, 2, 3]), plain, resamples=0).scores
    spec = Spec("vae", (1, 8, 8), 3, nets={"name": "mlp", "hidden": [8]})
    assert "recovery" not in measure_space(Space(build(spec, 0), spec), shades(), resamples=0).scores

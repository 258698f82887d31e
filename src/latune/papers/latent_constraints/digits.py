"""Table 1 for MNIST: an actor that makes the digit that is asked for, with and without a price on how far it goes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from latune.classifier import Classifier
from latune.controls import Control, Gated
from latune.data import Dataset
from latune.metrics.diversity import diversity
from latune.metrics.frechet import frechet_distance
from latune.metrics.score import Score
from latune.metrics.zmse import zmse
from latune.papers.experiment import Measured, Subject
from latune.space import Space
from latune.training import generator

CHUNK = 1000
DIGITS = 10
ARMS = {"free": "default", "near": "near"}  # the presets that the two rows of the table are learned by


@dataclass(frozen=True)
class Seen:
    """What a classifier sees in images: `(n, f)` features, `(n,)` classes."""

    features: Float[Tensor, "n f"]
    classes: Int64[Tensor, " n"]

    @classmethod
    def of(cls, judge: Classifier, images: Tensor) -> Seen:
        """Looked at in chunks."""
        parts = [(judge.features(part), judge.classes(part)) for part in images.split(CHUNK)]
        features, classes = zip(*parts, strict=True)
        return cls(torch.cat(features), torch.cat(classes))


@dataclass(frozen=True)
class Judge:
    """A classifier, and what it sees in the test images: what every share below is a share of."""

    classifier: Classifier
    test: Seen
    truth: Int64[Tensor, " n"]

    @classmethod
    def over(cls, classifier: Classifier, data: Dataset, target: str = "digit") -> Judge:
        """Of a data set's test split."""
        rows = data.splits["test"]
        return cls(classifier, Seen.of(classifier, data.images(rows)), data.column(target, rows).long())

    @property
    def accuracy(self) -> float:
        """Of the classifier on the test images, in [0, 1]."""
        return (self.test.classes == self.truth).float().mean().item()

    def sees(self, space: Space, z: Tensor) -> Seen:
        """What is decoded."""
        return Seen.of(self.classifier, space.decode(z).plain())

    def spread(self, seen: Seen, wanted: Tensor) -> Score:
        """Spread of features within the class that was asked for, as a share of the test images'."""
        return diversity(seen.features, wanted, self.test.features, self.truth, resamples=0)


def conditional(space: Space, control: Control, judge: Judge, n: int = 10_000, seed: int = 0) -> dict[str, float]:
    """One pass of a control's actor from draws of the prior, as many to each class, judged on the images.

    `accuracy` is the share in which the classifier sees what was asked for, `spread` that of features within a class
    as a share of the test images', `zmse` how far the codes went, in units of the posterior's scale.
    """
    z = space.codes.sample(n, generator(seed, "prior", device=space.device), space.device)
    wanted = torch.arange(n, device=space.device) % len(control.classes)
    after = torch.empty_like(z)
    for place, name in enumerate(control.classes):
        rows = (wanted == place).nonzero()[:, 0]
        with torch.no_grad():
            after[rows] = Gated(control.actor, control.wish(name).given)(z[rows])  # pyright: ignore[reportArgumentType]
    seen = judge.sees(space, after)
    return {
        "accuracy": (seen.classes == wanted).float().mean().item(),
        "spread": judge.spread(seen, wanted).value,
        "zmse": zmse(after, z, control.scale, resamples=0).value,
    }


def realism(space: Space, judge: Judge, n: int = 10_000, seed: int = 0) -> dict[str, float]:
    """Fréchet distance to the test images of draws of the prior, before and after the control `realism`.

    `spread` is that of all features around their mean, as a share of the test images'.
    """
    z = space.codes.sample(n, generator(seed, "prior", device=space.device), space.device)
    real, before = judge.test.features, judge.sees(space, z).features
    after = judge.sees(space, space.controls.move(z, [], realism=1.0, fresh=True)).features
    one = torch.zeros(len(real), dtype=torch.int64)
    return {
        "before": frechet_distance(real, before).value,
        "after": frechet_distance(real, after).value,
        "spread before": diversity(before, one[: len(before)], real, one, resamples=0).value,
        "spread": diversity(after, one[: len(after)], real, one, resamples=0).value,
    }


def digits(subject: Subject) -> Measured:
    """Accuracy, spread and zMSE of both actors, in per cent but for the last; and the test images' own accuracy."""
    classifier = Classifier.train(subject.data, "digit", subject.runs / "lc-judge-reporting", seed=1)
    judge, space = Judge.over(classifier.to(subject.space.device), subject.data), subject.space
    numbers, detail = {"test": 100 * judge.accuracy}, {}
    for arm, preset in ARMS.items():
        control = space.controls.learn("digit", subject.data, how=preset, seed=subject.seed, again=True)
        found = conditional(space, control, judge, subject.settings["rows"], subject.seed)
        numbers |= {f"accuracy-{arm}": 100 * found["accuracy"], f"spread-{arm}": 100 * found["spread"]}
        numbers[f"zmse-{arm}"] = found["zmse"]
        detail[arm] = {"preset": preset, "scores": control.scores, "seconds": control.about["seconds"]}
    return Measured(numbers, detail)

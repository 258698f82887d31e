"""Who judges the pictures: a classifier that took no part in anything, and what it sees in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from latune.classifier import Classifier
from latune.data import Dataset
from latune.metrics.diversity import diversity
from latune.metrics.frechet import frechet_distance
from latune.metrics.precision_recall import density_coverage
from latune.metrics.score import Score
from latune.papers.experiment import Subject
from latune.space import Space
from latune.training import generator

CHUNK = 1000
SEED = 2  # of the judge: what was chosen while the controls were made was chosen in the eyes of seeds 0 and 1


@dataclass(frozen=True)
class Seen:
    """What a classifier sees in images: `(n, f)` features, `(n,)` classes."""

    features: Float[Tensor, "n f"]
    classes: Int64[Tensor, "n *k"]

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

    @classmethod
    def of(cls, subject: Subject, target: str = "digit") -> Judge:
        """The judge of all experiments on this data set, trained where it is not yet."""
        folder = subject.runs / f"lc-judge-of-{subject.data.name}"
        classifier = Classifier.train(subject.data, target, folder, seed=SEED, device=subject.space.device)
        return cls.over(classifier.to(subject.space.device), subject.data, target)

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

    def likeness(self, seen: Seen, names: Sequence[str] = ("frechet", "density", "coverage")) -> dict[str, float]:
        """How near what is seen is to the test images: Fréchet distance of features, density, and coverage.

        Density and coverage look at as many test images as there are pictures, the first ones.
        """
        n = min(len(seen.features), len(self.test.features))
        balls = density_coverage(self.test.features[:n], seen.features[:n], resamples=0)
        found = {"frechet": frechet_distance(self.test.features, seen.features)} | balls
        return {name: found[name].value for name in names}


def prior(subject: Subject, n: int, what: str = "prior") -> Float[Tensor, "n d"]:
    """Draws of the prior, by the seed and a name."""
    device = subject.space.device
    return subject.space.codes.sample(n, generator(subject.seed, what, device=device), device)

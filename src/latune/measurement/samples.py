"""Samples from the prior beside data that were held out: in features of a classifier of our own, and in pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from latune.classifier import Classifier
from latune.data import Dataset, spread
from latune.medium import Pictures
from latune.metrics import Score
from latune.metrics.frechet import feature_spread, frechet_distance
from latune.metrics.parzen import parzen
from latune.metrics.precision_recall import DENSITY_NEIGHBOURS, density_coverage, precision_recall
from latune.space import CHUNK, Space
from latune.training.generators import generator, seed_for

SAMPLES = 10_000  # of the prior, for Parzen windows
CHOSEN_ON = 1_000  # validation images, for the width of Parzen windows
FEWEST = 2 * (DENSITY_NEIGHBOURS + 1)  # images that make two halves with neighbours enough


def of_samples(
    space: Space,
    data: Dataset,
    rows: Tensor,
    seed: int,
    resamples: int,
    classifier: Classifier | None = None,
    folder: Path | None = None,
) -> tuple[dict[str, Score], list[str]]:
    """Fréchet distance, precision, recall, density, coverage and spread of samples, in features of a classifier.

    The images of the split are cut into two halves: one is what samples are compared with, and the other takes the
    samples' place. Its numbers are what a perfect model would have, under `real` in each score's detail. Samples are as
    many as each half.
    """
    if not isinstance(space.medium, Pictures):
        return {}, ["Samples are compared in features of a classifier of images: that is left out for melodies."]
    if len(rows) < FEWEST:
        return {}, [f"Samples are compared with {FEWEST} images or more; there are {len(rows)}. That is left out."]
    if classifier is None:
        target = class_of(data)
        if not target:
            return {}, [
                f"'{data.name}' has no classes, so there is no classifier of its own in whose features samples can be "
                "compared. That is left out; give a classifier."
            ]
        classifier = Classifier.train(data, target, folder, seed=seed)
    half = len(rows) // 2
    order = rows[
        torch.from_numpy(np.random.default_rng(seed_for(seed, "halves")).permutation(len(rows))).to(rows.device)
    ]
    kept = _features(classifier, (data.images(some) for some in order[:half].split(CHUNK)))[0]
    sets = {
        "samples": _features(classifier, from_prior(space, half, seed)),
        "real": _features(classifier, (data.images(some) for some in order[half : 2 * half].split(CHUNK))),
    }
    told = {
        "examples": half,
        "features": f"{classifier!r}",
        "classifier_accuracy": classifier.about.get("accuracy", {}).get("test"),
    }
    scores: dict[str, dict[str, Score]] = {}
    for name, (features, classes) in sets.items():
        sure = {"resamples": resamples, "seed": seed}
        found = {"frechet-distance": frechet_distance(kept, features)}
        found |= precision_recall(kept, features, **sure) | density_coverage(kept, features, **sure)
        spread_of = feature_spread(features, classes, **sure)
        by_class = {"by_class": spread_of.per_attribute, **spread_of.detail}
        found["feature-spread"] = replace(spread_of, per_attribute={}, intervals={}, detail=by_class)
        scores[name] = found
    return {
        name: replace(
            score,
            detail=score.detail | {"real": scores["real"][name].value},
            settings=score.settings | told,
        )
        for name, score in scores["samples"].items()
    }, [
        f"Samples: {half:,} beside {half:,} images, in features of a classifier. Of as many other real images in their "
        "place: " + ", ".join(f"{name} {score.value:.4g}" for name, score in scores["real"].items()) + "."
    ]


def of_parzen(
    space: Space, data: Dataset, rows: Tensor, split: str, seed: int, resamples: int
) -> tuple[dict[str, Score], list[str]]:
    """Parzen windows around samples, and around as many training images, by one protocol."""
    if not isinstance(space.medium, Pictures):
        return {}, ["Parzen windows are of images: they are left out for melodies."]
    if split == "validation" or not len(data.splits.get("validation", ())):
        return {}, [
            "The width of Parzen windows is chosen on validation images, and what a setting was chosen on is not what "
            "is reported: that is left out. Measure another split, and data that have a validation split."
        ]
    training = data.splits["training"]
    count = min(SAMPLES, len(training))
    order = np.random.default_rng(seed_for(seed, "training images")).permutation(len(training))[:count]
    score = parzen(
        torch.cat(list(from_prior(space, count, seed))),
        data.images(spread(data.splits["validation"], CHOSEN_ON)),
        data.images(rows),
        training=data.images(training[torch.from_numpy(np.sort(order)).to(training.device)]),
        seed=seed,
        resamples=resamples,
    )
    of_training = score.detail["training"]["mean"]
    return {"parzen": replace(score, detail=score.detail | {"real": of_training})}, [
        f"Parzen windows: around {count:,} samples; with {count:,} training images as samples {of_training:.4g}."
    ]


def class_of(data: Dataset) -> str | list[str]:
    """What a classifier of these data tells: their first categorical attribute, or all binary ones."""
    rows = data.splits["training"]
    varied = [name for name in data.attributes if len(rows) and len(data.column(name, rows).unique()) > 1]
    classes = [name for name in varied if data.attributes[name].kind == "categorical"]
    return classes[0] if classes else [name for name in varied if data.attributes[name].kind == "binary"]


def from_prior(space: Space, n: int, seed: int) -> Iterator[Float[Tensor, "m c h w"]]:
    """The decoder's means at draws from the prior, some at a time."""
    z = space.codes.sample(n, generator(seed, "measure", "samples"))
    for some in z.split(CHUNK):
        yield space.decode(some).plain()


def _features(classifier: Classifier, images: Iterator[Tensor]) -> tuple[Tensor, Any]:
    """Features of images, and the class that each seems to show; one class for all where there are several answers."""
    features, classes = [], []
    for x in images:
        features.append(classifier.features(x))
        seen = classifier.classes(x)
        classes.append(seen if seen.dim() == 1 else torch.zeros(len(x), dtype=torch.int64))
    return torch.cat(features), torch.cat(classes)

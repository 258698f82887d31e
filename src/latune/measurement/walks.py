"""How walks mix and whether they stay with the data, beside held-out images in their place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latune.classifier import Classifier
from latune.data import Dataset, spread
from latune.errors import DataError, unknown
from latune.measurement.result import Measurement
from latune.measurement.samples import class_of
from latune.medium import size_of_images
from latune.metrics import RESAMPLES, Score
from latune.metrics.mixing import autocorrelation_time, class_changes, classes_visited, nearest_distance, through_time
from latune.space import CHUNK, Space
from latune.training.generators import seed_for

CHAINS, STEPS, WINDOWS = 100, 1000, 5
NEAREST = 1000  # frames whose nearest training example is looked for
BYTES = 2**31  # of features that are kept; a longer walk is looked at less often
ROUNDING = (
    1e-5  # share of the largest feature by which those of equal frames may differ: batches are summed in any order
)
HELD_OUT = "held out"  # the column of images that take the walks' place


@dataclass(frozen=True, repr=False)
class WalkMeasurement(Measurement):
    """What walks did, on which chains.

    Args:
        walk: what was measured, in words.
    """

    walk: str = ""

    @property
    def title(self) -> str:
        """What was measured, in one line."""
        return f"{self.walk}, from images of the {self.split} split"

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"walk": self.walk} | super().as_dict()


@dataclass(frozen=True)
class Seen:
    """What a judge sees in frames.

    Args:
        classes: `[n, T]`.
        confidence: `[n, T]`, the probability of the likeliest class.
        features: `[n, T, d]`.
        last: some of the last window's frames, `(m, c, h, w)`.
    """

    classes: np.ndarray
    confidence: np.ndarray
    features: np.ndarray
    last: Tensor

    def scores(
        self, reference: np.ndarray, training: Tensor, windows: int, every: int, **sure: int
    ) -> dict[str, Score]:
        """Every measure of mixing."""
        ends = self.classes.shape[1]
        wide = ends // windows
        bounds = [0, *(ends - wide * (windows - 1 - i) for i in range(windows))]
        names = {f"{a + 1}-{b}": f"steps {a * every + 1}-{b * every}" for a, b in pairwise(bounds)}
        found = through_time(self.confidence, self.features, reference, windows, names=names, **sure)
        found |= {"classes-visited": classes_visited(self.classes, **sure)}
        found |= {"class-changes": class_changes(self.classes, **sure)}
        low, high = self.features.min((0, 1)), self.features.max((0, 1))  # (d,)
        if (high - low).max() > ROUNDING * max(high.max(), -low.min()):
            found |= {"autocorrelation-time": autocorrelation_time(self.features, **sure)}
        return found | {"nearest-training": nearest_distance(self.last, training, **sure)}


def measure_walk(
    space: Space,
    data: Dataset,
    split: str = "test",
    *,
    judge: Classifier | None = None,
    folder: Path | None = None,
    chains: int | None = None,
    steps: int = STEPS,
    every: int = 1,
    windows: int = WINDOWS,
    seed: int = 0,
    judge_seed: int = 0,
    resamples: int = RESAMPLES,
    **walk: Any,
) -> WalkMeasurement:
    """Walk from held-out images, and measure how the chains mix and whether they stay with the data.

    - `confidence` of the judge and `frechet-distance` of its features from held-out images, in windows of steps; the
      value is the last window's.
    - `classes-visited` by a chain and `class-changes` from frame to frame; `autocorrelation-time` of the features, in
      frames.
    - `nearest-training`: distance of the last window's frames to the nearest training image.

    The column `held out` has what images that were held out score in the frames' place, drawn at random: what a chain
    that mixes at once through the data itself would have. The judge must have no part in the training of the model.

    Args:
        space: whose walks they are.
        data: what it was trained on.
        split: whose images the chains start from; one half of it. The other half is what features are compared with.
        judge: of one class, for images of this shape; None trains one on the data.
        folder: where that one is kept.
        chains, steps: how many, 100 or as many as there are images for unless given, and how long.
        every: look at a frame each so many steps; what is counted in frames is counted in these.
        windows: of the steps.
        seed: of the walks, of halves and of resamples.
        judge_seed: of the judge, where it is trained here.
        resamples: bootstrap resamples of the chains, for the intervals; 0 for none.
        walk: see `Space.walk`: `sample_x`, controls, and so on.

    Raises:
        DataError: no such split or too few images, a judge of several attributes, chains that do not fit into memory,
            and what `Space.walk` refuses.
    """
    size_of_images(space.medium, "A walk")
    judge = judge_of(data, judge, folder, judge_seed)
    if chains is None:
        chains = min(CHAINS, len(data.splits.get(split, ())) // 2)
    held = _halves(data, split, chains, seed)
    frames = steps // every if every > 0 else 0
    if frames < max(windows, 2):
        raise DataError(
            f"{windows} windows need {max(windows, 2)} frames. Got {steps} steps, one in {every} looked at."
        )
    size = 4 * chains * frames * judge.net.head.in_features
    if size > BYTES:
        raise DataError(
            f"The features of {chains} chains at {frames} frames take {size / 2**30:.1f} GB; {BYTES / 2**30:.0f} GB "
            "are allowed. Look at fewer: every=10, or chains=100."
        )
    start = data.images(spread(held[0], chains))
    wide = frames // windows
    looked = max(NEAREST // chains, 1)  # frames of each chain, of the last window
    kept = set(np.unique(np.linspace(frames - wide, frames - 1, min(looked, wide)).round().astype(int)).tolist())
    parts, last = [], []
    for k, frame in enumerate(space.walk(start, steps, every=every, seed=seed, **walk)):
        parts.append(_judged(judge, frame.plain()))
        if k in kept:
            last.append(frame.plain().cpu())
    classes, confidence, features = (np.stack(part, 1) for part in zip(*parts, strict=True))
    walked = Seen(classes, confidence, features, torch.cat(last))
    reference = _split(judge, data, held[1])[2]
    place = _in_their_place(judge, data, held[0], (chains, frames), len(walked.last), seed)
    training = data.images(data.splits["training"]).cpu()
    sure = {"seed": seed, "resamples": resamples}
    scores = walked.scores(reference, training, windows, every, **sure)
    beside = place.scores(reference, training, windows, every, seed=seed, resamples=0)
    scores = {
        name: replace(
            score,
            per_attribute=score.per_attribute | {HELD_OUT: beside[name].value},
            settings=score.settings | {"classifier": repr(judge), "every": every, "steps": steps},
        )
        for name, score in scores.items()
    }
    told = judge.about.get("accuracy", {}).get("test")
    notes = [f"Seen by a classifier{f' that tells {100 * told:.2f} % of test images rightly' if told else ''}."]
    notes += [f"{HELD_OUT}: held-out images in random order in the frames' place."]
    if "autocorrelation-time" not in scores:
        notes += ["The features are the same in all frames: the chains stand still, which has no autocorrelation."]
    elif not scores["autocorrelation-time"].detail["settled"]:
        notes += ["The chains are too short for their autocorrelation time: it is longer than the number says."]
    about = f"{chains} chains of {steps:,} steps" + (f", {_words(walk)}" if walk else "")
    return WalkMeasurement(scores, split, chains, "sample", seed, tuple(notes), resamples=resamples, walk=about)


def judge_of(data: Dataset, judge: Classifier | None, folder: Path | None, seed: int) -> Classifier:
    """The judge that was given, or one trained on the data's classes, where it tells one class.

    Raises:
        DataError: data without classes, or a judge of several attributes.
    """
    if judge is None:
        target = class_of(data)
        if not isinstance(target, str):
            raise DataError(f"'{data.name}' has no categorical attribute for a judge of its classes. Give a judge.")
        judge = Classifier.train(data, target, folder, seed=seed)
    if judge.kind != "categorical":
        raise DataError(f"A judge of walks tells one class of several. Got {judge!r}.")
    return judge


def _halves(data: Dataset, split: str, chains: int, seed: int) -> list[Tensor]:
    if split not in data.splits:
        raise DataError(unknown(f"split of '{data.name}'", split, data.splits))
    rows = data.splits[split]
    if chains < 1 or len(rows) < 2 * max(chains, 2):
        raise DataError(
            f"Chains start from one half of the {split} split, which has {len(rows)} images in all, and need 1 or "
            f"more. Got {chains} chains."
        )
    order = np.random.default_rng(seed_for(seed, "halves")).permutation(len(rows))
    halves = np.sort(order[: len(rows) // 2]), np.sort(order[len(rows) // 2 :])
    return [rows[torch.from_numpy(half).to(rows.device)] for half in halves]


@torch.no_grad()
def _judged(judge: Classifier, x: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Classes, confidences and features of images, from one pass."""
    features = judge.features(x)
    confidence, classes = judge.net.head(features).softmax(1).max(1)
    return classes.cpu().numpy(), confidence.cpu().numpy(), features.cpu().numpy()


def _split(judge: Classifier, data: Dataset, rows: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    parts = [_judged(judge, data.images(some)) for some in rows.split(CHUNK)]
    classes, confidence, features = (np.concatenate(part) for part in zip(*parts, strict=True))
    return classes, confidence, features


def _in_their_place(
    judge: Classifier, data: Dataset, rows: Tensor, shape: tuple[int, int], looked: int, seed: int
) -> Seen:
    """Held-out images in random order, as many as there are frames."""
    classes, confidence, features = _split(judge, data, rows)
    drawn = np.random.default_rng(seed_for(seed, "held out")).integers(0, len(rows), shape)
    some = data.images(spread(rows, looked)).cpu()
    return Seen(classes[drawn], confidence[drawn], features[drawn], some)


def _words(walk: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" if not isinstance(value, Tensor) else name for name, value in walk.items())

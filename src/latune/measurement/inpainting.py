"""Hidden parts of held-out images, painted in by walks, and judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from latune.classifier import Classifier
from latune.data import Dataset, spread
from latune.data.dataset import InMemory
from latune.errors import DataError, unknown
from latune.measurement.walks import WalkMeasurement, judge_of
from latune.medium import size_of_images
from latune.metrics import RESAMPLES
from latune.metrics.averaged import averaged
from latune.metrics.completion import completed_class, completion_spread
from latune.space import Space
from latune.training.generators import generator, seed_for

SHARE = 16 / 28  # of a side that is hidden, unless told otherwise
IMAGES, COMPLETIONS, STEPS = 1000, 5, 50
AT_ONCE = 2000  # chains that walk together

PLACES = ("drawn", "centre")


def measure_inpainting(
    space: Space,
    data: Dataset,
    split: str = "test",
    *,
    judge: Classifier | None = None,
    seer: Classifier | None = None,
    folder: Path | None = None,
    seer_folder: Path | None = None,
    side: int | None = None,
    place: str = "drawn",
    steps: int = STEPS,
    completions: int = COMPLETIONS,
    begin: str = "blank",
    limit: int = IMAGES,
    seed: int = 0,
    judge_seed: int = 0,
    resamples: int = RESAMPLES,
    **walk: Any,
) -> WalkMeasurement:
    """Hide a square of each image, let clamped walks paint it in, and judge what they made.

    - `completed-class`: the judge takes the completion for the true class; of images whose visible part tells it, and
      of all. `visible`: how often a seer, who learned to, tells it from the visible part; `blank`: how often the judge
      sees it where the square stays blank, the score of a model that paints nothing; `whole`: in the whole image.
    - `completion-spread`: how much completions of one image differ, as a share of how much images differ there.

    Bachman & Precup 2015's partially controlled chains, in numbers (https://proceedings.mlr.press/v37/bachman15.html).
    What was hidden is not shown to the walk: the square starts blank or as noise.

    Args:
        space: whose walks they are.
        data: what it was trained on.
        split: held-out images.
        judge: of one class; None trains one on the data, kept in `folder`.
        seer: tells the class from the visible part, and so how much it allows; None trains one on `occluded(data)`. A
            judge in this place would only count images whose square is better left blank.
        folder, seer_folder: where those that are trained here are kept.
        side: of the square, in pixels; 16 of 28 unless given.
        place: of the square: `drawn` for each image, or `centre`.
        steps: of each walk.
        completions: chains from each image, two or more.
        begin: what the square starts as, `blank` or `noise`.
        limit: most images, evenly spread over the split.
        seed: of places, walks and resamples.
        judge_seed: of the judge and the seer, where they are trained here.
        resamples: bootstrap resamples of the images for the intervals; 0 for none.
        walk: see `Space.walk`.

    Raises:
        DataError: no such split, a square that does not fit, a place or a start that is not one of these, one
            completion, a judge of several attributes.
    """
    if split not in data.splits:
        raise DataError(unknown(f"split of '{data.name}'", split, data.splits))
    if place not in PLACES:
        raise DataError(unknown("place", place, PLACES))
    if begin not in ("blank", "noise"):
        raise DataError(f"What is hidden starts as 'blank' or 'noise': it is not to be seen. Got {begin!r}.")
    if completions < 2 or limit < 2 or steps < 1:
        raise DataError(
            f"2 completions or more of 2 images or more, in 1 step or more. Got {completions}, {limit} and {steps}."
        )
    _, height, width = size_of_images(space.medium, "Inpainting")
    side = round(SHARE * min(height, width)) if side is None else side
    if not 1 <= side < min(height, width):
        raise DataError(f"The square's side is from 1 to {min(height, width) - 1} pixels. Got {side}.")
    judge = judge_of(data, judge, folder, judge_seed)
    if seer is None:
        seer = Classifier.train(occluded(data, side, place, judge_seed), judge.target[0], seer_folder, seed=judge_seed)
    rows = spread(data.splits[split], limit)
    x = data.images(rows)
    truth = data.column(judge.target[0], rows).long().cpu().numpy()
    mask = squares(len(x), (height, width), side, place, seed).to(x.device)
    made = []
    # Each completion of all images is one walk with a seed of its own; chains of one walk have streams of their own.
    for k in range(completions):
        ends = []
        for start in range(0, len(x), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            chosen = {"clamp": mask[some], "begin": begin, "every": steps, "seed": seed_for(seed, "completion", k)}
            ends += [frame.plain() for frame in space.walk(x[some], steps, **chosen, **walk)]
        made.append(torch.cat(ends))
    images = torch.stack(made, 1)  # (n, k, c, h, w)
    classes = torch.stack([judge.classes(each) for each in made], 1).cpu().numpy()
    visible = seer.classes(x * mask).cpu().numpy()
    blank, whole = (judge.classes(each).cpu().numpy() for each in (x * mask, x))
    sure: dict[str, Any] = {"seed": seed, "resamples": resamples}
    about = {
        "side": side,
        "place": place,
        "steps": steps,
        "begin": begin,
        "classifier": repr(judge),
        "seer": repr(seer),
    }
    scores = {"completed-class": completed_class(truth, visible, classes, **sure)}
    scores["completion-spread"] = completion_spread(x, images, (1 - mask).expand_as(x), **sure)
    for name, seen in (("visible", visible), ("blank", blank), ("whole", whole)):
        scores[name] = averaged(name, {}, whole=(seen == truth).astype(np.float64), **sure)
    scores = {name: replace(score, settings=score.settings | about) for name, score in scores.items()}
    several = scores["completed-class"].detail["several"]
    notes = (
        "visible: told from the visible part by a classifier that learned to; blank: seen by the judge where nothing "
        "is painted in; whole: where nothing was hidden.",
        f"The completions of {100 * several:.0f} % of the images show more than one class.",
    )
    told = f"{completions} completions of {len(x):,} images, {side} x {side} of {height} x {width} hidden"
    walked = f"{told} ({place}), {steps} steps"
    return WalkMeasurement(scores, split, len(x), "sample", seed, notes, resamples=resamples, walk=walked)


def occluded(data: Dataset, side: int | None = None, place: str = "drawn", seed: int = 0) -> InMemory:
    """The same data with a square of each image blank: what a classifier of visible parts learns from.

    Raises:
        DataError: data that are not in memory.
    """
    if not isinstance(data, InMemory):
        raise DataError(f"Squares are blanked of data in memory. '{data.name}' is a {type(data).__name__}.")
    height, width = data.shape[1:]
    side = round(SHARE * min(height, width)) if side is None else side
    mask = (
        squares(len(data.pixels), (height, width), side, place, seed_for(seed, "occluded"))
        .bool()
        .to(data.pixels.device)
    )
    return replace(data, pixels=data.pixels * mask, name=f"{data.name}, {side} x {side} hidden")


def squares(n: int, size: tuple[int, int], side: int, place: str, seed: int) -> Float[Tensor, "n 1 h w"]:
    """Masks with a free square each, its place drawn evenly over all that fit, or in the centre.

    >>> squares(2, (4, 4), 2, "centre", 0)[0, 0].int().tolist()
    [[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]]
    """
    draw = generator(seed, "places")
    inside = []
    for length in size:
        room = length - side + 1
        first = torch.randint(room, (n, 1), generator=draw) if place == "drawn" else torch.full((n, 1), (room - 1) // 2)
        at = torch.arange(length)
        inside.append((at >= first) & (at < first + side))  # (n, length)
    down, across = inside
    return 1 - (down[:, :, None] & across[:, None, :]).float()[:, None]  # (n, 1, h, w)

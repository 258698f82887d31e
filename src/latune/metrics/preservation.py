"""Preservation: whether an edited example is still what it was, by its class and by its nearest neighbour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latune.errors import DataError
from latune.metrics.averaged import averaged, labels, same_length
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.score import Score

ROUNDING = 1e-12  # of a squared distance, for each dim of rows scaled to at most 1


def preserved_class(
    before_classes: Any,
    after_classes: Any,
    *,
    names: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    """Share of examples that a classifier takes for the same class before and after an edit.

    The content preservation of Pati & Lerch 2020, sec. 4.4 (https://arxiv.org/abs/2004.05485), who compare with the
    true class. A separately trained classifier must give both: a part of the model would agree with itself. With true
    classes as `before_classes` its own mistakes count as well; with those of the reconstruction, only what the edit
    changed. `detail` holds the share for each class (`by_class`) and what most often becomes of it (`becomes`).

    Args:
        before_classes: class indices `[n]`, or true classes.
        after_classes: class indices `[n]` of the edited examples.
        names: of the classes 0, 1, 2, ...; their numbers where there are none.
        seed: of the resamples.
        resamples: bootstrap resamples for the interval; 0 for none.

    Raises:
        DataError: empty, lengths that differ, classes that are not whole numbers, or beyond the names.

    >>> score = preserved_class([3, 3, 8, 8], [3, 8, 8, 8], resamples=0)
    >>> score.value, score.detail["by_class"], score.detail["becomes"]
    (0.75, {'3': 0.5, '8': 1.0}, {'3': '8'})
    """
    before, after = labels(before_classes, "classes before"), labels(after_classes, "classes after")
    same_length({"classes before": before, "classes after": after})
    if names is not None and (max(before.max(), after.max()) >= len(names) or min(before.min(), after.min()) < 0):
        raise DataError(f"{len(names)} classes have names; the classes go from {before.min():g} to {before.max():g}.")
    seen = np.unique(before)
    kept = (before == after).astype(np.float64)

    def called(label: float) -> str:
        return names[int(label)] if names is not None else str(int(label))

    by_class, becomes = {}, {}
    for label in seen:
        mine = before == label
        by_class[called(label)] = float(kept[mine].mean())
        to, counts = np.unique(after[mine & (after != label)], return_counts=True)
        if len(to):
            becomes[called(label)] = called(to[counts.argmax()])
    detail = {"by_class": by_class, "becomes": becomes}
    return averaged("preserved-class", {}, detail, whole=kept, seed=seed, resamples=resamples)


def nearest_neighbour_identity(
    before_features: Any,
    after_features: Any,
    *,
    among: Any = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    """Share of edited examples whose nearest original, of all originals, is the one they were made from.

    By Euclidean distance in whatever is given, pixels or a classifier's features; exact, with ties for the own
    original. 1 says that an edit moves an example less than examples differ; an edit that gives everybody one look
    has 1/n. It falls with the number of originals, so compare scores of the same n. `detail` holds the median of the
    own original's `rank` (1 is nearest), and of the `distance` to it.

    Args:
        before_features: originals `[n, ...]`, at least two.
        after_features: the edited ones in the same order `[n, ...]`.
        among: further originals `[m, ...]` that none was made from.
        seed: of the resamples.
        resamples: bootstrap resamples for the interval; 0 for none.

    Raises:
        DataError: shapes that differ, fewer than two originals, values that are not finite.

    >>> nearest_neighbour_identity([[0.0], [1.0], [5.0]], [[0.1], [4.0], [6.0]], resamples=0).value
    0.666...
    """
    import torch

    from latune.metrics.distances import Distances, as_rows

    before, after = as_rows(before_features, "originals"), as_rows(after_features, "edited examples")
    if before.shape != after.shape:
        raise DataError(
            f"There is one edited example for each original. Got {list(before.shape)} and {list(after.shape)}."
        )
    # All in float64, differences included: the own original is often nearest by little.
    before, after = before.double(), after.to(before.device, torch.float64)
    pool = before
    if among is not None:
        more = as_rows(among, "further originals", before.device)
        if more.shape[1] != before.shape[1]:
            raise DataError(f"Originals have {before.shape[1]} numbers each, the further ones {more.shape[1]}.")
        pool = torch.cat([before, more.double()])
    if len(pool) < 2:
        raise DataError("The nearest of one original is always that one: give two or more.")
    distances = Distances(after, pool, torch.float64)
    own = (after - before).square().sum(1)  # (n,)
    limit = own / distances.scale**2 - ROUNDING * before.shape[1]  # what is nearer by rounding is as near
    nearer = torch.zeros(len(after), dtype=torch.int64, device=after.device)
    for rows, blocks in distances:
        for _, block in blocks:
            nearer[rows] += (block < limit[rows, None]).sum(1)
    count = nearer.cpu().numpy()
    detail = {
        "rank": float(np.median(count + 1)),
        "distance": float(np.median(own.sqrt().cpu().numpy())),
        "originals": len(pool),
    }
    kept = (count == 0).astype(np.float64)
    settings = {"distance": "Euclidean", "originals": len(pool)}
    return averaged("identity", {}, detail, settings, whole=kept, seed=seed, resamples=resamples)

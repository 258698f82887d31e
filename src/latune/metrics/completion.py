"""Pictures painted in: whether they show what was hidden, and whether there is more than one answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from latune.errors import DataError
from latune.metrics.arrays import as_array
from latune.metrics.averaged import averaged, labels
from latune.metrics.bootstrap import LEVEL, RESAMPLES, Resamples, interval
from latune.metrics.score import Score

TOLD, ALL = "visible tells", "all"


def completed_class(truth: Any, visible: Any, completed: Any, *, seed: int = 0, resamples: int = RESAMPLES) -> Score:
    """Share of completions that a classifier takes for the true class, where the visible part allows it.

    The visible part allows it where the classifier tells the true class from it alone, the hidden part left blank; the
    value is over those images, `per_attribute` has the share over all of them beside it. `detail` has the share of
    images that the visible part tells (`visible`), the share of images whose completions show two classes or more
    (`several`), and what part of the other images is completed rightly all the same (`others`, None where there is
    none).

    Args:
        truth: `[n]`, true classes.
        visible: `[n]`, classes told from the visible part alone.
        completed: `[n, k]`, classes of k completions of each image.
        seed: of the resamples.
        resamples: bootstrap resamples of the images for the intervals; 0 for none.

    Raises:
        DataError: shapes that do not fit, or no image whose visible part tells its class.

    >>> completed_class([0, 1, 2], [0, 1, 0], [[0, 0], [1, 0], [2, 0]], resamples=0).per_attribute
    {'visible tells': 0.75, 'all': 0.666...}
    """
    true, seen = labels(truth, "true classes"), labels(visible, "classes of visible parts")
    made = as_array(completed, "classes of completions")
    if made.ndim != 2 or not len(made) == len(true) == len(seen):
        raise DataError(
            f"There is a true class, one of the visible part and k of completions for each image. Got {len(true)}, "
            f"{len(seen)} and {list(made.shape)}."
        )
    tells = true == seen
    if not tells.any():
        raise DataError("The classifier tells no image's class from its visible part: hide less, or use another.")
    right = (made == true[:, None]).mean(axis=1)
    columns = {TOLD: np.where(tells, right, np.nan), ALL: right}
    detail = {
        "visible": float(tells.mean()),
        "several": float((made != made[:, :1]).any(axis=1).mean()),
        "others": float(right[~tells].mean()) if not tells.all() else None,
    }
    settings = {"completions": made.shape[1], "value": "images whose visible part tells the class"}
    return averaged("completed-class", columns, detail, settings, of=[TOLD], seed=seed, resamples=resamples)


def completion_spread(truth: Any, completions: Any, free: Any, *, seed: int = 0, resamples: int = RESAMPLES) -> Score:
    r"""How much completions of one image differ, as a share of how much different images differ in the same place.

    .. math:: s = \sqrt{\frac{\sum_i \frac1{k-1} \sum_j \lVert f_i \odot (c_{ij} - \bar c_i) \rVert^2}
                             {\sum_i \frac12 \lVert f_i \odot (x_i - x_{\pi(i)}) \rVert^2}}

    0 is one answer for each image, whatever was asked; 1 is answers that differ as any two images of the data do, which
    no visible part would allow. `detail` has the root mean squared error of a completion in a free pixel (`error`).

    Args:
        truth: whole images `[n, ...]`, two or more.
        completions: `[n, k, ...]`, two or more of each.
        free: `[n, ...]` or what broadcasts to the images: 1 where they were painted in.
        seed: of the resamples.
        resamples: bootstrap resamples of the images for the interval; 0 for none.

    Raises:
        DataError: shapes that do not fit, a single completion, or data that do not vary where they were hidden.

    >>> truth = np.array([[0.0, 0.0], [0.0, 2.0]])
    >>> completion_spread(truth, [[[0, 0], [0, 2]], [[0, 0], [0, 2]]], [[0, 1], [0, 1]], resamples=0).value
    1.0
    """
    x = as_array(truth, "images").astype(np.float64)
    made = as_array(completions, "completions").astype(np.float64)
    if made.ndim != x.ndim + 1 or len(x) < 2 or made.shape[:1] + made.shape[2:] != x.shape or made.shape[1] < 2:
        raise DataError(
            f"Images are [n, ...] and completions [n, k, ...], n and k two or more. Got {list(x.shape)} and "
            f"{list(made.shape)}."
        )
    try:
        where = np.broadcast_to(as_array(free, "free parts").astype(np.float64), x.shape)
    except ValueError:
        raise DataError(f"Free parts fit images {list(x.shape)}. Got {list(np.shape(free))}.") from None
    axes = tuple(range(1, x.ndim))
    within = (where[:, None] * (made - made.mean(axis=1, keepdims=True))) ** 2
    within = within.sum(axis=(1, *(axis + 1 for axis in axes))) / (made.shape[1] - 1)  # (n,)
    order = np.random.default_rng([seed, len(x)]).permutation(len(x))
    other = np.empty(len(x), dtype=np.int64)
    other[order] = np.roll(order, 1)  # one cycle: nobody is compared with itself
    between = 0.5 * ((where * (x - x[other])) ** 2).sum(axis=axes)
    if not between.sum() > 0:
        raise DataError("The images are all the same where they were hidden: there is nothing to compare with.")
    error = (where[:, None] * (made - x[:, None])) ** 2
    detail = {"error": float(np.sqrt(error.sum() / (where.sum() * made.shape[1])))}
    settings: dict[str, Any] = {"completions": made.shape[1], "examples": len(x)}
    value = float(np.sqrt(within.sum() / between.sum()))
    if not resamples:
        return Score("completion-spread", value, {}, detail, settings)
    again = Resamples(len(x), resamples, seed).means(np.stack([within, between], axis=1))
    shares = np.sqrt(again[:, 0] / np.maximum(again[:, 1], np.finfo(np.float64).tiny))
    settings |= {"resamples": resamples, "level": LEVEL, "seed": seed}
    return Score("completion-spread", value, {}, detail, settings, interval(shares))

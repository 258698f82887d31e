"""zMSE: how far a move went in the latent space, in units of the posterior's scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latune.errors import DataError
from latune.metrics.arrays import as_array
from latune.metrics.averaged import averaged, column
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.score import Score

UNUSED_ABOVE = 0.95  # a posterior as wide as the prior tells nothing of the example
FLOOR = 1e-3  # of the posterior's scale; what is below would divide by almost nothing


def zmse(
    after: Any,
    before: Any,
    scale: Any,
    *,
    names: Sequence[str] | None = None,
    floor: float = FLOOR,
    unused_above: float = UNUSED_ABOVE,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""How far codes moved, in units of the posterior's mean scale: the zMSE of Latent Constraints.

    $\frac{1}{nd} \sum_{ij} ((z'_{ij} - z_{ij}) / \bar\sigma_j)^2$, where $\bar\sigma_j$ is the mean over the training
    set of the encoder's standard deviation in dim j (Engel, Hoffman & Roberts 2018, Table 1;
    https://arxiv.org/abs/1711.05772). Their code measures encoded evaluation points, their table says samples of the
    prior; say which yours are. Of $z' = z + 1$ and $\bar\sigma = 1/2$ it is 4.

    A few dims of small $\bar\sigma$ decide the number, so `detail` tells where it comes from: `dims`, the value of
    each dim; `largest`, the dims that make up half of it, largest first; `median` over dims; `used`, the value over
    the dims that the model uses (None if there is none), and `unused_dims`, whose posterior is as wide as the prior
    ($\bar\sigma$ above `unused_above`, for a standard normal prior): moving them changes nothing that is decoded.
    `floored_dims` had a $\bar\sigma$ below `floor`, which was put in its place.

    Args:
        after: codes after the move `[n, d]`.
        before: codes before it `[n, d]`.
        scale: mean posterior scale of each dim `[d]`, not negative.
        names: of the dims; each dim's value is then its attribute's in `per_attribute`.
        floor: least scale that is divided by.
        unused_above: a dim of a larger scale is unused.
        seed: of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        DataError: shapes that differ, a negative scale, a scale of 0 with no floor, values that are not finite.

    >>> import numpy as np
    >>> zmse(np.ones((3, 2)), np.zeros((3, 2)), [0.5, 0.5], resamples=0).value
    4.0
    """
    end, start = as_array(after, "codes after the move"), as_array(before, "codes before the move")
    if end.ndim != 2 or end.shape != start.shape:
        raise DataError(
            f"Codes before and after have one shape [n, d]. Got {list(start.shape)} before and {list(end.shape)} after."
        )
    width = column(scale, "posterior scales")
    if len(width) != end.shape[1]:
        raise DataError(f"There is one posterior scale for each of {end.shape[1]} dims. Got {len(width)}.")
    if (width < 0).any() or floor < 0 or (width.min() == 0 and floor == 0):
        raise DataError(
            f"Posterior scales are positive; the smallest is {width.min():g}, the floor {floor:g}. "
            "Give a floor above 0 where a scale may vanish."
        )
    if names is not None and len(names) != end.shape[1]:
        raise DataError(f"There is one name for each of {end.shape[1]} dims. Got {len(names)}.")
    divided = ((end.astype(np.float64) - start) / np.maximum(width, floor)) ** 2  # (n, d)
    dims = divided.mean(axis=0)
    used = np.flatnonzero(width <= unused_above)
    order = np.argsort(-dims, kind="stable")
    half = int(np.searchsorted(np.cumsum(dims[order]), dims.sum() / 2)) + 1 if dims.any() else 0
    detail = {
        "dims": dims.tolist(),
        "largest": order[:half].tolist(),
        "median": float(np.median(dims)),
        "used": float(dims[used].mean()) if len(used) else None,
        "unused_dims": np.flatnonzero(width > unused_above).tolist(),
        "floored_dims": np.flatnonzero(width < floor).tolist(),
    }
    settings = {"scale": width.tolist(), "floor": floor, "unused_above": unused_above, "mean": "examples and dims"}
    columns = dict(zip(names or (), divided.T, strict=False))
    return averaged("zmse", columns, detail, settings, whole=divided.mean(axis=1), seed=seed, resamples=resamples)

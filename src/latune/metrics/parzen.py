"""Parzen windows: how likely test data are under Gaussians around a model's samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64

from latune.errors import DataError
from latune.metrics.averaged import averaged
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.score import Score

SIGMAS = tuple(np.logspace(-1, 0, 10).tolist())  # of the code of Goodfellow et al. 2014


def parzen_log_likelihood(
    points: Any, centres: Any, sigmas: Sequence[float] | np.ndarray
) -> Float64[np.ndarray, "S n"]:
    r"""Log-density of each point under equally weighted Gaussians around the centres, for several widths, in nats.

    .. math:: \log \hat p(x) = \log \tfrac1N \sum_i \exp\bigl(-\lVert x - s_i\rVert^2 / 2\sigma^2\bigr)
              - D \log(\sigma \sqrt{2\pi})

    Breuleux, Bengio & Vincent 2011; Goodfellow et al. 2014, sec. 5 (https://arxiv.org/abs/1406.2661). All widths come
    from one pass over the distances, which are float32 products; the nearest centre's is computed again in float64, and
    the others enter by what they exceed it. Sums over blocks are float64. The result is within 1e-3 nats of an
    all-float64 computation for images in [0, 1] and sigma from 0.1; the error grows with 1 / sigma^2. Memory: a few
    blocks of 4 MB besides the rows.

    Args:
        points: where the density is asked for, `[n, ...]`, in the units of sigma.
        centres: the samples, `[N, ...]`, of the same shape after the first axis.
        sigmas: widths of the windows, positive.

    Returns:
        `[S, n]`, a row for each width.

    Raises:
        DataError: rows of different lengths, values that are not finite, or a width that is not positive.

    >>> parzen_log_likelihood([[0.0, 0.0]], [[0.0, 0.0]], [0.5]).round(6)
    array([[-0.451583]])
    """
    from latune.metrics.distances import as_rows
    from latune.metrics.windows import window_log_densities

    device = next((each.device for each in (centres, points) if hasattr(each, "detach")), None)
    left, right = as_rows(points, "points", device), as_rows(centres, "centres", device)
    _same_length(left, "points", right, "centres")
    return window_log_densities(left, right, _widths(sigmas))[0]


def parzen(
    samples: Any,
    validation: Any,
    test: Any,
    sigmas: Sequence[float] | np.ndarray | None = None,
    training: Any = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    device: Any = None,
) -> Score:
    r"""Mean log-likelihood of test rows under Parzen windows around samples, the width chosen on validation rows.

    Goodfellow et al. 2014, sec. 5 (https://arxiv.org/abs/1406.2661) and Bachman & Precup 2015
    (https://proceedings.mlr.press/v37/bachman15.html): 10,000 means of the decoder at draws from the prior. The number
    is not the model's likelihood: blurred samples, and even centroids of k-means, can surpass the training images
    themselves (Theis, van den Oord & Bethge 2016, sec. 3.2; https://arxiv.org/abs/1511.01844), so read it beside the
    row of training images that `training` adds.

    Args:
        samples: `[N, ...]`, array or tensor on any device; rows are flattened, in the units of sigma.
        validation: `[v, ...]`, on which sigma is chosen.
        test: `[n, ...]`, on which the number is reported.
        sigmas: the grid; ten from 0.1 to 1, evenly in the logarithm, unless given.
        training: training images; as many as there are samples take their place, by the same protocol.
        seed: of the interval and of which training images are taken.
        resamples: of the interval over test rows; 0 for none.
        device: where to compute; where the samples are unless given.

    Returns:
        nats an example. `detail`: `mean` (the value), `standard_error`, `sigma`, `validation` (the mean for each
        sigma), `samples`, `test`, `copies` (test rows that equal a sample), `notes`, and `training` with the same
        numbers for training images. A copy alone contributes :math:`-D \log(\sigma\sqrt{2\pi}) - \log N`, which grows
        without bound as sigma shrinks; `ceiling` holds that number where there are copies.

    Raises:
        DataError: rows of different lengths or units, values that are not finite, or a width that is not positive.

    >>> draw = np.random.default_rng(0)
    >>> score = parzen(*(draw.normal(size=(2000, 2)) for _ in range(3)), sigmas=[0.1, 0.3, 1.0])
    >>> round(score.value, 2), score.detail["sigma"]
    (-2.84, 0.3)
    """
    from latune.metrics.distances import as_rows

    widths = _widths(SIGMAS if sigmas is None else sigmas)
    device = samples.device if device is None and hasattr(samples, "detach") else device
    _same_units({"samples": samples, "validation": validation, "test": test, "training": training})
    centres = as_rows(samples, "samples", device)
    chosen_on, reported_on = as_rows(validation, "validation rows", device), as_rows(test, "test rows", device)
    for what, rows in (("validation", chosen_on), ("test", reported_on)):
        _same_length(rows, f"{what} rows", centres, "samples")
    each, found = _protocol(centres, chosen_on, reported_on, widths)
    if training is not None:
        candidates = as_rows(training, "training rows", device)
        _same_length(candidates, "training rows", centres, "samples")
        taken = np.random.default_rng([seed, len(candidates)]).permutation(len(candidates))[: len(centres)]
        beside = candidates[np.sort(taken)]
        row = _protocol(beside, chosen_on, reported_on, widths)[1]
        if len(beside) < len(centres):
            row["notes"].append(f"There are only {len(beside):,} training rows for {len(centres):,} samples.")
        found["training"] = row
    settings = {
        "sigmas": widths.tolist(),
        "samples": len(centres),
        "dimensions": centres.shape[1],
        "unit": "nats an example",
    }
    return averaged("parzen", {}, found, settings, whole=each, seed=seed, resamples=resamples)


def _protocol(
    centres: Any, validation: Any, test: Any, sigmas: Float64[np.ndarray, " S"]
) -> tuple[Float64[np.ndarray, " n"], dict[str, Any]]:
    """Choose sigma on the validation rows, report on the test rows: each test row's number, and what was found."""
    from latune.metrics.windows import window_log_densities

    curve = window_log_densities(validation, centres, sigmas)[0].mean(axis=1)
    best = int(curve.argmax())
    sigma = float(sigmas[best])
    each, nearest = window_log_densities(test, centres, sigmas[best : best + 1])
    each, copies = each[0], int((nearest == 0).sum())
    found: dict[str, Any] = {
        "mean": float(each.mean()),
        "standard_error": float(each.std(ddof=1) / math.sqrt(len(each))) if len(each) > 1 else None,
        "sigma": sigma,
        "validation": [[float(width), float(mean)] for width, mean in zip(sigmas, curve, strict=True)],
        "samples": len(centres),
        "test": len(each),
        "copies": copies,
        "notes": [],
    }
    if copies:
        found["ceiling"] = -centres.shape[1] * math.log(sigma * math.sqrt(2 * math.pi)) - math.log(len(centres))
        found["notes"].append(
            f"{copies:,} of {len(each):,} test rows equal a sample. Each has at least -D log(sigma sqrt(2 pi)) - log N "
            f"= {found['ceiling']:.4g} nats, whatever the model."
        )
    if len(sigmas) > 1 and best in (0, len(sigmas) - 1):
        end = ("smallest", "largest")[int(sigma == sigmas.max())]
        found["notes"].append(f"The chosen sigma, {sigma:.4g}, is the {end} of the grid: the best may lie beyond it.")
    return each, found


def _widths(sigmas: Any) -> Float64[np.ndarray, " S"]:
    widths = np.asarray(sigmas, dtype=np.float64)
    if widths.ndim != 1 or not len(widths) or not (np.isfinite(widths) & (widths > 0)).all():
        raise DataError(f"sigmas is a list of one or more positive numbers. Got {np.asarray(sigmas).tolist()}.")
    return widths


def _same_length(rows: Any, what: str, others: Any, theirs: str) -> None:
    if rows.shape[1] != others.shape[1]:
        raise DataError(
            f"The {what} have {rows.shape[1]} numbers an example, the {theirs} {others.shape[1]}. "
            "Give images of one shape."
        )


def _same_units(sets: dict[str, Any]) -> None:
    """Refuse integers beside real numbers: pixels from 0 to 255 and from 0 to 1 would give a number all the same."""
    kinds = {}
    for name, data in sets.items():
        dtype = str(getattr(data, "dtype", ""))
        if dtype:
            kinds[name] = "whole numbers" if "int" in dtype else "real numbers"
    if len(set(kinds.values())) > 1:
        told = ", ".join(f"{name}: {kind}" for name, kind in kinds.items())
        raise DataError(f"All rows must be in the same units. Got {told}. Turn pixels into floats in [0, 1] first.")

"""The Fréchet distance between two sets of features, and how far features spread: realism and diversity in numbers.

The features are those of a classifier that was trained on the data set (`latune.classifier`), not of a network for
photographs: such distances compare models of one data set by one classifier, and no published FID.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float64

from latune.errors import DataError
from latune.metrics.arrays import as_array
from latune.metrics.bootstrap import LEVEL, RESAMPLES, Resamples, interval
from latune.metrics.score import Score


def gaussian_frechet(mean: Any, covariance: Any, other_mean: Any, other_covariance: Any) -> float:
    r"""Squared Fréchet distance (2-Wasserstein) between two Gaussians.

    .. math:: \lVert\mu_1 - \mu_2\rVert^2 + \mathrm{tr}\bigl(\Sigma_1 + \Sigma_2\bigr)
              - 2\,\bigl\lVert\Sigma_1^{1/2} \Sigma_2^{1/2}\bigr\rVert_*

    Dowson & Landau 1982 (https://doi.org/10.1016/0047-259X(82)90077-X); Heusel et al. 2017, eq. 6
    (https://arxiv.org/abs/1706.08500). The last term is the trace of the square root of the product: both roots come
    from symmetric eigen-decompositions, and the sum of singular values (the nuclear norm) equals that trace without
    the square root of a nearly singular product, which loses half of the digits.

    Args:
        mean, other_mean: `[d]`.
        covariance, other_covariance: `[d, d]`, symmetric, no eigenvalue below zero beyond rounding; may be singular.

    Returns:
        A number of 0 or more, in squared units of the features.

    Raises:
        DataError: shapes that do not fit, or a matrix that is no covariance.

    >>> round(gaussian_frechet([0, 0], np.diag([1, 4]), [3, 4], np.diag([4, 9])), 6)  # 25 + (1 - 2)^2 + (2 - 3)^2
    27.0
    """
    means = [as_array(each, "means").astype(np.float64) for each in (mean, other_mean)]
    matrices = [as_array(each, "covariances").astype(np.float64) for each in (covariance, other_covariance)]
    shapes = [list(each.shape) for each in (*means, *matrices)]
    d = len(means[0])
    if shapes != [[d], [d], [d, d], [d, d]]:
        raise DataError(f"Two means [d] and two covariances [d, d] are compared. Got shapes {shapes}.")
    roots = [_root(matrix) for matrix in matrices]
    overlap = np.linalg.svd(roots[0] @ roots[1], compute_uv=False).sum()
    apart = np.square(means[0] - means[1]).sum()
    return max(0.0, float(apart + np.trace(matrices[0]) + np.trace(matrices[1]) - 2 * overlap))


def frechet_distance(real: Any, generated: Any, features: str = "") -> Score:
    """Squared Fréchet distance between two sets of features, each summed up by its mean and covariance.

    Heusel et al. 2017 (https://arxiv.org/abs/1706.08500), in features of your choice; see `gaussian_frechet` for the
    formula. The estimate is biased upwards by few rows (Bińkowski et al. 2018, https://arxiv.org/abs/1801.01401):
    compare sets of one size only. There is no bootstrap interval: repeated rows would raise the bias itself.

    Args:
        real: features of data `[n, d]`, array or tensor.
        generated: features of samples `[m, d]`.
        features: what they are, for the table: the classifier and its data set.

    Returns:
        `detail`: `means` (the part between means), `covariances` (the rest), `notes` (fewer rows than dimensions).

    Raises:
        DataError: rows of different lengths, a single row, or values that are not finite.

    >>> draw = np.random.default_rng(0)
    >>> a = draw.normal(size=(5000, 3))
    >>> frechet_distance(a, a).value, round(frechet_distance(a, a + [1.0, 0.0, 0.0]).value, 6)
    (0.0, 1.0)
    """
    sets = {"real": _features(real, "real features"), "generated": _features(generated, "generated features")}
    (n, d), (m, width) = (rows.shape for rows in sets.values())
    if d != width:
        raise DataError(f"The real features have {d} numbers a row, the generated ones {width}. Use one network.")
    if min(n, m) < 2:
        raise DataError(f"A covariance needs two rows or more. Got {n} real and {m} generated ones.")
    notes = [
        f"The {name} set has {len(rows)} rows for {d} dimensions: its covariance is singular, and the distance biased. "
        f"Use more than {d} rows, better ten times as many."
        for name, rows in sets.items()
        if len(rows) <= d
    ]
    moments = [each for rows in sets.values() for each in (rows.mean(axis=0), np.atleast_2d(np.cov(rows.T)))]
    value = gaussian_frechet(*moments)
    apart = float(np.square(moments[0] - moments[2]).sum())
    return Score(
        "frechet-distance",
        0.0 if value <= _rounding(moments[1], moments[3]) else value,
        detail={"means": apart, "covariances": max(0.0, value - apart), "notes": notes},
        settings={"features": features, "dimensions": d, "real": n, "generated": m},
    )


def feature_spread(features: Any, classes: Any, resamples: int = RESAMPLES, seed: int = 0) -> Score:
    r"""How far features lie from the mean of their class: a measure of diversity that accuracy cannot replace.

    .. math:: s = \tfrac1K \sum_k \sqrt{\tfrac1{n_k - 1} \sum_{i \in k} \lVert f_i - \bar f_k\rVert^2}

    A generator that makes one image a class is always right and has a spread of 0. The spread as a share of the data's,
    class by class, is `latune.metrics.diversity`; here it is in units of the features.

    Args:
        features: `[n, d]`, array or tensor.
        classes: `[n]`, what each row is meant to show, numbers or words.
        resamples: of the intervals; 0 for none.
        seed: of the intervals.

    Returns:
        The mean over classes, in units of the features; `detail` has `by_class`, `overall` (around the mean of all
        rows), `rows` (of each class) and `single` (classes of one row: left out).

    Raises:
        DataError: lengths that differ, values that are not finite, or no class with two rows.

    >>> score = feature_spread([[0.0], [2.0], [10.0], [14.0]], [0, 0, 1, 1], resamples=0)
    >>> {name: round(value, 4) for name, value in score.detail["by_class"].items()}, round(score.value, 4)
    ({'0': 1.4142, '1': 2.8284}, 2.1213)
    """
    rows = _features(features, "features")
    labels = np.asarray(classes.detach().cpu() if hasattr(classes, "detach") else classes)
    if labels.shape != (len(rows),):
        raise DataError(f"There must be one class for each of {len(rows)} rows. Got shape {list(labels.shape)}.")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise DataError(f"{int((~np.isfinite(labels)).sum())} classes are NaN or infinite. Remove those rows.")
    names, label, size = np.unique(labels, return_inverse=True, return_counts=True)
    words = [f"{name:g}" if labels.dtype.kind == "f" else str(name) for name in names]
    several = [k for k in range(len(names)) if size[k] > 1]
    if not several:
        raise DataError("Every class has a single row: there is no spread within a class. Give two rows or more each.")
    drawn = Resamples(len(rows), resamples, seed) if resamples else None
    within, again = {}, []
    for k in several:
        of = np.flatnonzero(label == k)
        moments = _moments(rows[of])
        within[words[k]] = float(_spread(moments.mean(axis=0), len(of)))
        if drawn is not None:
            again.append(_spread(drawn.means(moments, of), len(of)))
    settings: dict[str, Any] = {"rows": len(rows), "dimensions": rows.shape[1]}
    if drawn is not None:
        settings |= {"resamples": resamples, "level": LEVEL, "seed": seed}
    return Score(
        "feature-spread",
        float(np.mean(list(within.values()))),
        detail={
            "by_class": within,
            "overall": float(_spread(_moments(rows).mean(axis=0), len(rows))),
            "rows": {word: int(count) for word, count in zip(words, size, strict=True)},
            "single": [words[k] for k in range(len(words)) if size[k] == 1],
        },
        settings=settings,
        interval=None if drawn is None else interval(np.mean(again, axis=0)),
    )


def _moments(rows: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, "n w"]:
    """Squared norm and place of each row, around their mean; (n, 1 + d)."""
    centred = rows - rows.mean(axis=0)
    return np.concatenate([np.square(centred).sum(axis=1, keepdims=True), centred], axis=1)


def _spread(moments: Float64[np.ndarray, "... w"], n: int) -> Any:
    """Root of the trace of the covariance of n rows, from the mean squared norm and the mean."""
    around = np.maximum(moments[..., 0] - np.square(moments[..., 1:]).sum(axis=-1), 0.0)
    return np.sqrt(around * (n / (n - 1)))


def _features(features: Any, what: str) -> Float64[np.ndarray, "n d"]:
    rows = as_array(features, what)
    if rows.ndim != 2:
        raise DataError(f"The {what} are [n, d], a row for each image. Got shape {list(rows.shape)}.")
    return rows.astype(np.float64, copy=False)


def _root(matrix: Float64[np.ndarray, "d d"]) -> Float64[np.ndarray, "d d"]:
    """The symmetric root of a covariance; eigenvalues within rounding of 0 are 0."""
    largest = float(np.abs(matrix).max())
    if not np.allclose(matrix, matrix.T, rtol=0, atol=1e-8 * largest):
        raise DataError("A covariance is symmetric; this matrix is not.")
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    if values[0] < -1e-6 * largest:
        raise DataError(f"A covariance has no negative eigenvalue; this matrix has {values[0]:g}.")
    rounding = len(values) * np.finfo(np.float64).eps * max(values[-1], 0.0)
    return (vectors * np.sqrt(np.where(values > rounding, values, 0.0))) @ vectors.T


def _rounding(*matrices: Float64[np.ndarray, "d d"]) -> float:
    """What the distance of a set from itself can come out as."""
    return 4 * len(matrices[0]) * np.finfo(np.float64).eps * sum(float(np.trace(matrix)) for matrix in matrices)

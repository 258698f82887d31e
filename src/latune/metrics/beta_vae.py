"""β-VAE score: from how far pairs with one equal attribute lie apart in each dim, tell which attribute is equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int

from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.evidence import Evidence, gather
from latune.metrics.interventions import BINS, Alike, each_by_value, scaled, used_dims, vote_again, with_intervals
from latune.metrics.score import Score

TRAINING, HELD_OUT, POINTS_AGAIN = 10_000, 5_000, 10_000  # points; the last for all resamples together
PAIRS = 64  # to a point
POINTS_AT_ONCE = 64  # their codes stay in the processor's cache
RIDGE = 1e-6  # of a feature's variance: two dims that say the same leave the covariance without an inverse


def beta_vae(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""Accuracy of a linear classifier that is told how far apart pairs are, and says which attribute they share.

    A point: 64 pairs of different examples, each pair of one value of attribute $l$, and
    $\frac{1}{64} \sum_i |z_{i,1} - z_{i,2}|$ for each dim (Higgins et al. 2017, section 3,
    https://openreview.net/forum?id=Sy2fzU9gl), scaled to variance 1 where the attribute is known. The classifier is
    the linear discriminant of 10,000 training points, as many for each attribute, with nothing to tune; the accuracy
    is on 5,000 held-out points (numbers of points as in Locatello et al. 2019, https://arxiv.org/abs/1811.12359).
    Classes are what they are; continuous attributes are cut into 20 bins of equal count, fewer where a bin would hold
    less than 5 examples. Only examples whose attribute is known are drawn.

    Unused dims are left out: those that tell no attribute more than chance does (`used_dims`); without any used dim the
    score is 0. `detail["chance"]` is what guessing scores, 1 / L.

    Traps: it is 1 for most codes, for the classifier may weigh several dims; it is 1 even where one attribute has no
    dim at all, which is told by all dims moving (Kim & Mnih 2018, section 4). In resamples the classifier is kept.

    Args:
        codes: `[n, d]`, or evidence that several metrics share.
        values: `[n, L]` with at least two attributes, NaN where not known.
        names: of the attributes.
        discrete: for each attribute, whether it is a class.
        seed: of the pairs and of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        NotApplicable: there is only one attribute, which is always guessed right.
        DataError: see `gather`.

    >>> z = np.random.default_rng(0).normal(size=(1000, 4))
    >>> score = beta_vae(z[:, :1], z[:, :2], ["slant", "width"])  # no dim for width
    >>> score.value, score.detail["chance"]
    (1.0, 0.5)
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    evidence.require("beta-vae", attributes=2)
    alike = each_by_value(evidence)
    used = used_dims(evidence, alike)
    each = TRAINING // len(alike), HELD_OUT // len(alike)
    distances = _Distances(evidence, used)
    training, held_out = [], []
    for index, attribute in enumerate(alike):
        draws = np.random.default_rng([evidence.seed, *b"beta-vae"])  # the same for each: their order is nothing
        training.append(distances.points(index, attribute, draws, each[0]))
        held_out.append(distances.points(index, attribute, draws, each[1]))
    weights, offset = linear_discriminant(np.stack(training))

    def answers(points: Float64[np.ndarray, "points used"]) -> Int[np.ndarray, " L"]:
        if not used.any():
            return np.zeros(len(alike), dtype=np.int64)
        return np.bincount((points @ weights + offset).argmax(axis=1), minlength=len(alike))

    def right(index: int, attribute: Alike, draws: np.random.Generator, count: int) -> float:
        return answers(distances.points(index, attribute, draws, count))[index] / count

    table = np.stack([answers(points) for points in held_out])  # (L, L)
    score = evidence.score(
        "beta-vae",
        np.diag(table) / each[1],
        None,
        {
            "answers": {name: row.tolist() for name, row in zip(evidence.names, table, strict=True)},
            "chance": 1 / len(alike),
            "dims": np.flatnonzero(used).tolist(),
            "unused_dims": np.flatnonzero(~used).tolist(),
        },
        {
            "classifier": "linear discriminant",
            "training_points": each[0] * len(alike),
            "held_out_points": each[1] * len(alike),
            "pairs": PAIRS,
            "bins": BINS,
            "dims": "used",
            "seed": evidence.seed,
        },
    )
    return with_intervals(score, evidence, each[1], vote_again(evidence, alike, POINTS_AGAIN, right))


class _Distances:
    """How far apart pairs of equal attribute are in each used dim."""

    def __init__(self, evidence: Evidence, used: Bool[np.ndarray, " d"]) -> None:
        self.codes = scaled(evidence, used)
        self.average = np.full((1, PAIRS), 1 / PAIRS)
        # filled again and again: fresh memory costs ten times more
        self.room = np.empty((2, POINTS_AT_ONCE * PAIRS, int(used.sum())))

    def points(
        self, index: int, attribute: Alike, draws: np.random.Generator, count: int
    ) -> Float64[np.ndarray, "points used"]:
        """Mean distances of 64 pairs each, among examples put together by an attribute's values."""
        z = self.codes[index]
        points = np.empty((count, z.shape[1]))
        for start in range(0, count, POINTS_AT_ONCE):
            some = min(POINTS_AT_ONCE, count - start)
            one, other = (rows.ravel() for rows in attribute.pairs(draws, some, PAIRS))
            apart = np.take(z, one, axis=0, out=self.room[0, : len(one)], mode="clip")
            apart -= np.take(z, other, axis=0, out=self.room[1, : len(one)], mode="clip")
            np.abs(apart, out=apart)
            points[start : start + some] = (self.average @ apart.reshape(some, PAIRS, -1))[:, 0]
        return points


def linear_discriminant(
    points: Float64[np.ndarray, "K n d"],
) -> tuple[Float64[np.ndarray, "d K"], Float64[np.ndarray, " K"]]:
    r"""Weights and offsets of the linear classifier that is best for normal classes of equal covariance and frequency.

    Class $k$ scores $\mu_k^\top \Sigma^{-1} x - \frac{1}{2} \mu_k^\top \Sigma^{-1} \mu_k$ with the covariance
    $\Sigma$ within classes (Fisher 1936, https://doi.org/10.1111/j.1469-1809.1936.tb02137.x).

    >>> points = np.array([[[0.0], [2.0]], [[10.0], [12.0]]])
    >>> weights, offset = linear_discriminant(points)
    >>> (np.array([[5.9], [6.1]]) @ weights + offset).argmax(axis=1).tolist()
    [0, 1]
    """
    mean = points.mean(axis=1, keepdims=True)  # (K, 1, d)
    flat = (points.shape[0] * points.shape[1], points.shape[2])
    within, scale = (points - mean).reshape(flat), points.reshape(flat).std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    centre = (mean[:, 0] - mean.mean(axis=0)) / scale  # (K, d)
    covariance = (within / scale).T @ (within / scale) / len(within) + RIDGE * np.eye(len(scale))
    weights = np.linalg.solve(covariance, centre.T)
    offset = -0.5 * (centre * weights.T).sum(axis=1)
    weights /= scale[:, None]
    return weights, offset - mean.mean(axis=0)[0] @ weights

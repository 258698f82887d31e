"""Interpretability: how well one dim, the most informative, gives the attribute by a straight line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.evidence import Evidence, gather
from latune.metrics.neighbours import NEIGHBOURS
from latune.metrics.score import Score


def interpretability(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""Mean over attributes of the R² of a straight line from the most informative dim to the attribute.

    $r^*_l = \arg\max_r I(z^r; a_l)$ by nearest neighbours, then $R^2$ of least squares $a_l \approx w z^{r^*_l} + b$
    on the same rows. The dim is the one that wins, not the one that was regularised. 1: each attribute is a linear
    function of one dim.
    Pati & Lerch 2020, after Adel, Ghahramani & Weller 2018 (https://arxiv.org/abs/2004.05485).

    Args:
        codes: `[n, d]`, or evidence that several metrics share.
        values: `[n, L]`, NaN where not known; of classes, the index is fitted.
        names: of the attributes.
        discrete: for each attribute, whether it is a class.
        seed: of the noise that breaks ties, and of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        DataError: see `gather`.

    >>> z = np.random.default_rng(0).normal(size=(500, 3))
    >>> score = interpretability(z, 2 * z[:, [2]] + 1, ["slant"])
    >>> round(score.value, 6), score.detail["dim"]
    (1.0, {'slant': 2})
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    information, squared = evidence.information, evidence.squared_correlation
    dims = information.matrix.argmax(axis=0)
    columns = np.arange(len(dims))
    again = None
    if information.resampled is not None and squared.resampled is not None:
        winners = information.resampled.argmax(axis=1, keepdims=True)  # (B, 1, L): another dim may win
        again = np.take_along_axis(squared.resampled, winners, axis=1)[:, 0]
    return evidence.score(
        "interpretability",
        squared.matrix[dims, columns],  # R² of one regressor with an intercept is the squared correlation
        again,
        {
            "dim": evidence.by_name(dims),
            "information": evidence.by_name(information.matrix[dims, columns]),
            "unused_dims": evidence.unused_dims,
        },
        {"information": "ksg", "neighbours": NEIGHBOURS, "fit": "least squares, same rows", "seed": evidence.seed},
    )

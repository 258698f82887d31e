"""Monotonicity: whether an attribute follows its slider, example by example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from latune.errors import DataError
from latune.metrics.arrays import as_array
from latune.metrics.averaged import averaged
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.correlation import spearman
from latune.metrics.responses import slider_positions
from latune.metrics.score import Score
from latune.metrics.sliders import straightness


def monotonicity(positions: Any, measured: Mapping[str, Any], *, seed: int = 0, resamples: int = RESAMPLES) -> Score:
    """How well each attribute, measured on what is decoded, follows the slider that should move it.

    The value is the mean over attributes of the mean over examples of Spearman's rho between slider and attribute: 1 if
    every example rises all the way, -1 if it falls. An attribute that does not move in an example counts 0 there. In
    `detail`, under each attribute: the share of examples that rise strictly (`strictly_increasing`), that rise or fall
    strictly (`strictly_monotone`), and the mean R² of a straight line (`linearity`). A traversal of a linear decoder
    with a linear attribute has linearity 1 (compare the attribute surfaces of Pati & Lerch 2020, Figs. 12 and 13,
    https://arxiv.org/abs/2004.05485).

    Args:
        positions: `[k]`, at least three different slider positions, in any order.
        measured: attribute name to `[n, k]`: n examples, the attribute at each position of that attribute's slider.
        seed: of the resamples.
        resamples: bootstrap resamples of the examples for the intervals; 0 for none.

    Raises:
        DataError: no attribute, fewer than three or equal positions, shapes that do not fit, values not finite.

    >>> score = monotonicity([-1, 0, 1], {"slant": [[0, 1, 2], [0, 2, 1]]})
    >>> score.value, score.detail["strictly_increasing"]
    (0.75, {'slant': 0.5})
    """
    slider = slider_positions(positions)
    if not measured:
        raise DataError("No attribute was measured: give a name and its values [n, k].")
    order = np.argsort(slider)
    rho, increasing, monotone, linearity = {}, {}, {}, {}
    for name, data in measured.items():
        response = as_array(data, f"measured values of '{name}'").astype(np.float64)
        if response.ndim != 2 or response.shape[1] != len(slider):
            raise DataError(
                f"The measured values of '{name}' have shape {list(response.shape)}; "
                f"allowed is [n, {len(slider)}]: one row per example, one column per slider position."
            )
        columns = response.T  # (k, n): each example is a column
        rho[name] = spearman(slider[:, None], columns)[0][0]  # (n,)
        linearity[name] = float(straightness(slider, response).mean())
        steps = np.diff(response[:, order], axis=1)  # (n, k - 1)
        rising, falling = (steps > 0).all(axis=1), (steps < 0).all(axis=1)
        increasing[name], monotone[name] = float(rising.mean()), float((rising | falling).mean())
    detail = {"strictly_increasing": increasing, "strictly_monotone": monotone, "linearity": linearity}
    settings = {"positions": slider.tolist(), "correlation": "Spearman"}
    return averaged("monotonicity", rho, detail, settings, seed=seed, resamples=resamples)

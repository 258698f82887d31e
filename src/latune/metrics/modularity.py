"""Modularity: whether each dim tells one attribute only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64

from latune.metrics.bootstrap import LEVEL, RESAMPLES, interval
from latune.metrics.evidence import Evidence, gather
from latune.metrics.neighbours import NEIGHBOURS
from latune.metrics.score import Score


def modularity(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    """Mean over **all** dims of `dim_modularity`, as AR-VAE's authors and others report it.

    Dims that tell nothing get arbitrary scores from the noise of the estimate, so this number hardly separates models:
    a perfect code with three idle dims scores about .7, pure noise about .5. `modularity_used` leaves those dims out.
    Ridgeway & Mozer 2018 (https://arxiv.org/abs/1802.05312).

    Args:
        codes: `[n, d]`, or evidence that several metrics share.
        values: `[n, L]` with at least two attributes, NaN where not known.
        names: of the attributes.
        discrete: for each attribute, whether it is a class.
        seed: of the noise that breaks ties, and of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        NotApplicable: there is only one attribute.
        DataError: see `gather`.

    >>> z = np.random.default_rng(0).normal(size=(500, 2))
    >>> round(modularity(z, z**3, ["slant", "width"]).value, 2)
    1.0
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    return _score("modularity", evidence, np.ones(evidence.codes.shape[1], dtype=bool))


def modularity_used(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    """Mean of `dim_modularity` over the dims that are used: those whose information is above chance.

    A dim is used when it tells some attribute more than 2.5 / sqrt(n) nats; the others are listed in `detail`. Without
    any used dim the score is 0. After Ridgeway & Mozer 2018 (https://arxiv.org/abs/1802.05312).

    Args:
        codes: `[n, d]`, or evidence that several metrics share.
        values: `[n, L]` with at least two attributes, NaN where not known.
        names: of the attributes.
        discrete: for each attribute, whether it is a class.
        seed: of the noise that breaks ties, and of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        NotApplicable: there is only one attribute.
        DataError: see `gather`.

    >>> z = np.random.default_rng(0).normal(size=(500, 5))
    >>> score = modularity_used(z, z[:, :2], ["slant", "width"])
    >>> round(score.value, 2), score.detail["unused_dims"]
    (1.0, [2, 3, 4])
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    return _score("modularity-used", evidence, evidence.used)


def dim_modularity(information: Float64[np.ndarray, "... d L"]) -> Float64[np.ndarray, "... d"]:
    r"""How far each dim tells one attribute only: 1 if one, 0 if all equally, 0 if none.

    $1 - \frac{\sum_{l \ne l^*} I_{rl}^2}{I_{rl^*}^2 (L - 1)}$ with $l^* = \arg\max_l I_{rl}$
    (Ridgeway & Mozer 2018).

    >>> dim_modularity(np.array([[2.0, 1.0, 0.0], [3.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])).tolist()
    [0.875, 1.0, 0.0, 0.0]
    """
    best = information.max(axis=-1, keepdims=True)
    share = (information / np.where(best > 0, best, 1.0)) ** 2  # (..., d, L): 1 at the best attribute
    others = (share.sum(axis=-1) - 1.0) / (information.shape[-1] - 1)
    return np.where(best[..., 0] > 0, 1.0 - others, 0.0)


def _score(name: str, evidence: Evidence, counted: np.ndarray) -> Score:
    evidence.require(name, attributes=2)
    information = evidence.information
    of_dims = dim_modularity(information.matrix)
    settings = {
        "information": "ksg",
        "neighbours": NEIGHBOURS,
        "seed": evidence.seed,
        "dims": "used" if name == "modularity-used" else "all",
        "noise_floor": evidence.noise_floor,
    }
    value, around = float(of_dims[counted].mean()) if counted.any() else 0.0, None
    if information.resampled is not None:
        settings |= {"resamples": evidence.count, "level": LEVEL}
        again = dim_modularity(information.resampled)[:, counted]
        around = interval(again.mean(axis=1), around=value) if counted.any() else (0.0, 0.0)
    return Score(
        name,
        value,
        {},
        {
            "per_dim": of_dims.tolist(),
            "attribute": [evidence.names[column] for column in information.matrix.argmax(axis=1)],
            "dims": np.flatnonzero(counted).tolist(),
            "unused_dims": evidence.unused_dims,
            "constant_dims": evidence.constant_dims,
        },
        settings,
        around,
    )

"""SCC: how well the order of one dim is the order of the attribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.evidence import SIGNIFICANT, Evidence, gather
from latune.metrics.score import Score


def scc(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""Mean over attributes of the largest absolute Spearman correlation with any dim.

    $\max_r |\rho(z^r, a_l)|$ with $\rho$ set to 0 where $p > 0.05$. 1: each attribute is a monotone function of one
    dim. Pati & Lerch 2020 (https://arxiv.org/abs/2004.05485).

    Args:
        codes: `[n, d]`, or evidence that several metrics share.
        values: `[n, L]`, NaN where not known; classes count in the order of their index.
        names: of the attributes.
        discrete: for each attribute, whether it is a class; does not change this metric.
        seed: of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        DataError: see `gather`.

    >>> z = np.random.default_rng(0).normal(size=(500, 3))
    >>> scc(z, z[:, [1]] ** 3, ["slant"]).value
    1.0
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    rho = evidence.rank_correlation
    strength = np.abs(rho.matrix)
    dims = strength.argmax(axis=0)
    signed = rho.matrix[dims, np.arange(len(dims))]
    again = None if rho.resampled is None else np.abs(rho.resampled).max(axis=1)
    return evidence.score(
        "scc",
        np.abs(signed),
        again,
        {"dim": evidence.by_name(dims), "signed": evidence.by_name(signed)},
        {"correlation": "Spearman", "zero_where_p_above": SIGNIFICANT},
    )

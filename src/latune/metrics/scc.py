"""SCC: how well the order of one dim is the order of the attribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latune.metrics.evidence import Evidence, gather
from latune.metrics.score import Score

SIGNIFICANT = 0.05


def scc(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
) -> Score:
    r"""Mean over attributes of the largest absolute Spearman correlation with any dim.

    $\max_r |\rho(z^r, a_l)|$ with $\rho$ set to 0 where $p > 0.05$. 1: each attribute is a monotone function of one
    dim. Pati & Lerch 2020 (https://arxiv.org/abs/2004.05485).

    Args:
        codes: `[n, d]`, or evidence that several metrics share.
        values: `[n, L]`; classes count in the order of their index.
        names: of the attributes.
        discrete: for each attribute, whether it is a class; does not change this metric.
        seed: not used: nothing is random here.

    Raises:
        DataError: see `gather`.

    >>> z = np.random.default_rng(0).normal(size=(500, 3))
    >>> scc(z, z[:, [1]] ** 3, ["slant"]).value
    1.0
    """
    evidence = gather(codes, values, names, discrete, seed)
    rho, p = evidence.rank_correlation
    strength = np.where(p > SIGNIFICANT, 0.0, np.abs(rho))
    dims = strength.argmax(axis=0)
    best = strength.max(axis=0)
    return Score(
        "scc",
        float(best.mean()),
        evidence.by_name(best),
        {
            "dim": evidence.by_name(dims),
            "signed": evidence.by_name(np.where(best > 0, rho[dims, np.arange(len(dims))], 0.0)),
            "constant_dims": evidence.constant_dims,
        },
        {"correlation": "Spearman", "zero_where_p_above": SIGNIFICANT},
    )

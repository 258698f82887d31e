"""SAP: how much better the best dim tells an attribute than the second best, by squared correlation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.evidence import LEAST_VARIANCE, Evidence, gather
from latune.metrics.gap import lead, top_two
from latune.metrics.score import Score


def sap(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""Mean over attributes of the gap between the two largest squared Pearson correlations with a dim.

    $\frac{\mathrm{cov}(z^r, a_l)^2}{\mathrm{var}(z^r)\,\mathrm{var}(a_l)}$, 0 for dims of variance below 1e-12; best
    minus second best: the separated attribute predictability of continuous factors (Kumar, Sattigeri & Balakrishnan
    2018; https://arxiv.org/abs/1711.00848). AR-VAE uses this form for all attributes.

    Args:
        codes: `[n, d]` with at least two dims, or evidence that several metrics share.
        values: `[n, L]`, NaN where not known; of classes, the index is correlated.
        names: of the attributes.
        discrete: for each attribute, whether it is a class; does not change this form.
        seed: of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        NotApplicable: there is only one dim.
        DataError: see `gather`.

    >>> import numpy as np
    >>> z = np.random.default_rng(0).normal(size=(500, 2))
    >>> sap(z[:, [0, 0]], z[:, [0]], ["slant"]).value  # two dims say the same
    0.0
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    evidence.require("sap", dims=2)
    squared = evidence.squared_correlation
    gap = top_two(squared.matrix)
    again = None if squared.resampled is None else lead(top_two(squared.resampled))
    return evidence.score(
        "sap",
        lead(gap),
        again,
        {
            "dim": evidence.by_name(gap.dims),
            "best": evidence.by_name(gap.best),
            "second": evidence.by_name(gap.second),
        },
        {"correlation": "squared Pearson", "zero_where_variance_below": LEAST_VARIANCE},
    )

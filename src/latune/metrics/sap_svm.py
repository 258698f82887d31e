"""SAP with support vector machines: how much better the best dim tells a class than the second best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int

from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.evidence import LEAST_VARIANCE, Evidence, gather
from latune.metrics.gap import lead, top_two
from latune.metrics.probes import BINS, tasks
from latune.metrics.score import Score
from latune.metrics.svm import COST, fit


def sap_svm(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    bins: int = BINS,
) -> Score:
    """Mean over attributes of the gap between the two dims that alone tell most examples' class.

    A linear support vector machine per dim (C = 0.01, squared hinge, balanced classes, one against the rest) is trained
    on half of the examples; its accuracy on the other half is the dim's score, 0 for dims of variance below 1e-12. Best
    minus second best: the form of SAP for classes (Kumar, Sattigeri & Balakrishnan 2018,
    https://arxiv.org/abs/1711.00848) with the machine of Locatello et al. 2019 (https://arxiv.org/abs/1811.12359).

    Traps: accuracy has chance below it, so a perfect code scores 1 minus chance, not 1. Lines over one dim hardly tell
    more than the two outer classes, so many ordered classes score low even on a perfect code. The machine's weight and
    bias are held small, so the score changes where codes are rescaled or shifted. `sap` has none of these.

    Args:
        codes: `[n, d]` with at least two dims, or evidence that several metrics share.
        values: `[n, L]`, NaN where not known.
        names: of the attributes.
        discrete: for each attribute, whether it is a class. A continuous one is cut into `bins` of equal count.
        seed: of the halves and of the resamples. Halves are drawn within each class.
        resamples: bootstrap resamples of the held-out half for the intervals; 0 for none. The machines stay.
        bins: of continuous attributes.

    Raises:
        NotApplicable: there is only one dim.
        DataError: see `gather`.

    >>> z = np.random.default_rng(0).normal(size=(1000, 2))
    >>> round(sap_svm(z, z[:, :1] > 0, ["loop"], discrete=[True]).value, 1)  # 1 by the first, 0.5 by the second
    0.5
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    evidence.require("sap-svm", dims=2)
    accuracy, resampled = [], []
    for task in tasks(evidence, bins):
        hits = right(
            evidence.codes[task.shown], task.answers[task.shown], evidence.codes[task.held], task.answers[task.held]
        )
        accuracy.append(np.where(evidence.varying, hits.mean(axis=0), 0.0))
        if evidence.resamples is not None:
            resampled.append(np.where(evidence.varying, evidence.resamples.means(hits, task.held), 0.0))
    gap = top_two(np.stack(accuracy, axis=1))
    return evidence.score(
        "sap-svm",
        lead(gap),
        lead(top_two(np.stack(resampled, axis=2))) if resampled else None,
        {
            "dim": evidence.by_name(gap.dims),
            "best": evidence.by_name(gap.best),
            "second": evidence.by_name(gap.second),
        },
        {
            "probe": "linear support vector machine of one dim",
            "cost": COST,
            "held_out": 0.5,
            "attribute_bins": bins,
            "seed": evidence.seed,
            "zero_where_variance_below": LEAST_VARIANCE,
        },
    )


def right(
    shown: Float64[np.ndarray, "a d"],
    shown_labels: Int[np.ndarray, " a"],
    held: Float64[np.ndarray, "b d"],
    held_labels: Int[np.ndarray, " b"],
) -> Bool[np.ndarray, "b d"]:
    """Whether machines trained on each dim of the codes shown tell the class of those held out.

    A class that was not shown is never told. Where only one was shown, that one is told of all.

    >>> z = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> right(z, np.array([3, 3, 7, 7]), z, np.array([3, 7, 7, 8])).ravel().tolist()
    [True, False, True, False]
    """
    known, labels = np.unique(shown_labels, return_inverse=True)
    if len(known) == 1:
        return np.repeat((held_labels == known[0])[:, None], held.shape[1], axis=1)
    return known[fit(shown, labels, len(known)).predict(held)] == held_labels[:, None]

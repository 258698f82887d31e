"""Explicitness: how well a line over all codes together tells each class of an attribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latune.metrics import logistic
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.evidence import Evidence, NotApplicable, gather
from latune.metrics.probes import BINS, Task, standardised, tasks
from latune.metrics.roc import auc, auc_resampled
from latune.metrics.score import Score


def explicitness(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    bins: int = BINS,
) -> Score:
    r"""Mean over attributes of 2 AUC - 1 of logistic regressions from all codes: 0 by chance, 1 if told for certain.

    $2 \cdot \frac{1}{k_l} \sum_k \mathrm{AUC}_{lk} - 1$, where $\mathrm{AUC}_{lk}$ is the area under the ROC curve of
    one class against the rest, of a regression on half of the examples, measured on the other half; less than 0 counts
    as 0 (Ridgeway & Mozer 2018, https://arxiv.org/abs/1802.05312). `detail` has the areas themselves, which others
    report. Nothing asks that a class be told by one dim: a rotation of the codes leaves the score nearly as it is.

    Args:
        codes: `[n, d]`, or evidence that several metrics share; scaled to equal spread first.
        values: `[n, L]`, NaN where not known.
        names: of the attributes.
        discrete: for each attribute, whether it is a class. A continuous one is cut into `bins` of equal count.
        seed: of the halves and of the resamples. Halves are drawn within each class.
        resamples: bootstrap resamples of the held-out half for the intervals; 0 for none. The regressions stay.
        bins: of continuous attributes. With more than two, those between are told badly even by a perfect code, because
            they lie on both sides of a line.

    Raises:
        NotApplicable: an attribute has too few examples of its classes to show some and hold out some.
        DataError: see `gather`.

    >>> z = np.random.default_rng(0).normal(size=(1000, 3))
    >>> round(explicitness(z, z[:, :1] + z[:, 1:2], ["slant"]).value, 2)
    1.0
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    areas, resampled = {}, []
    for task in tasks(evidence, bins):
        name = evidence.names[task.column]
        areas[name], again = _areas(evidence, task)
        resampled.append(again)
    each = np.array([2 * area - 1 for area in areas.values()])
    again = None if evidence.resamples is None else np.stack(resampled, axis=1)
    return evidence.score(
        "explicitness",
        np.maximum(0.0, each),
        None if again is None else np.maximum(0.0, 2 * again - 1),
        {"auc": areas},
        {
            "probe": "logistic regression of all dims, one class against the rest",
            "cost": 1.0,
            "held_out": 0.5,
            "attribute_bins": bins,
            "seed": evidence.seed,
        },
    )


def _areas(evidence: Evidence, task: Task) -> tuple[float, np.ndarray]:
    """The mean area over the classes that both halves have, and the same in each resample."""
    shown = task.answers[task.shown, None] == np.arange(task.classes)  # (a, k)
    held = task.answers[task.held, None] == np.arange(task.classes)
    both = shown.any(axis=0) & ~shown.all(axis=0) & held.any(axis=0) & ~held.all(axis=0)
    if not both.any():
        raise NotApplicable(
            f"'explicitness' needs two classes of the attribute '{evidence.names[task.column]}' with two examples "
            "each: a regression is shown one half and measured on the other. Label more, or leave it out."
        )
    told = np.flatnonzero(both)
    if task.classes == 2:
        told = told[-1:]  # the other class is its mirror image, with the same area
    codes, of_shown = evidence.living_codes[task.held], evidence.living_codes[task.shown]
    weight = logistic.fit(standardised(of_shown, of_shown), shown[:, told])
    scores = standardised(codes, of_shown) @ weight[:, :-1].T  # (b, k); the bias changes no order
    whole = np.array([auc(score, held[:, k]) for k, score in zip(told, scores.T, strict=True)])
    if evidence.resamples is None:
        return float(whole.mean()), np.empty(0)
    counts = evidence.resamples.counts[:, task.held]
    again = [auc_resampled(score, held[:, k], counts) for k, score in zip(told, scores.T, strict=True)]
    return float(whole.mean()), np.mean(again, axis=0)

"""All disentanglement metrics of one set of codes, from one computation of what they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from latune.metrics.beta_vae import beta_vae
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.dci import dci_completeness, dci_disentanglement, dci_informativeness
from latune.metrics.evidence import NotApplicable, gather
from latune.metrics.explicitness import explicitness
from latune.metrics.factor_vae import factor_vae
from latune.metrics.interpretability import interpretability
from latune.metrics.irs import irs
from latune.metrics.mig import mig, mig_arvae, mig_ksg
from latune.metrics.modularity import modularity, modularity_used
from latune.metrics.sap import sap
from latune.metrics.sap_svm import sap_svm
from latune.metrics.scc import scc
from latune.metrics.score import Score

METRICS: dict[str, Callable[..., Score]] = {
    "interpretability": interpretability,
    "scc": scc,
    "sap": sap,
    "sap-svm": sap_svm,
    "mig": mig,
    "mig-ksg": mig_ksg,
    "mig-arvae": mig_arvae,
    "modularity": modularity,
    "modularity-used": modularity_used,
    "explicitness": explicitness,
    "dci-disentanglement": dci_disentanglement,
    "dci-completeness": dci_completeness,
    "dci-informativeness": dci_informativeness,
    "factor-vae": factor_vae,
    "beta-vae": beta_vae,
    "irs": irs,
}


def disentanglement(
    codes: Any,
    values: Any,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Score]:
    """Every metric in `METRICS`, under its name; information and correlations are computed once for all of them.

    Metrics that compare two dims (SAP, MIG) or two attributes (modularity, FactorVAE, β-VAE, IRS) are left out where
    there is only one.

    Args:
        codes: `[n, d]`, an array or a tensor. AR-VAE's authors take a sample of each posterior, others its mean.
        values: `[n, L]`, attributes of the same examples; classes as indices.
        names: of the attributes.
        discrete: for each attribute, whether it is a class; None means none is, as AR-VAE's authors have it.
        seed: of the noise that breaks ties in nearest-neighbour estimates, and of resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        DataError: empty, not numbers, NaN or infinite, lengths that differ, fewer than five rows, a constant attribute.

    >>> import numpy as np
    >>> z = np.random.default_rng(0).normal(size=(500, 4))
    >>> scores = disentanglement(z, z[:, :2] ** 3, ["slant", "width"])
    >>> {name: round(score.value, 1) for name, score in scores.items() if name in ("scc", "modularity-used")}
    {'scc': 1.0, 'modularity-used': 1.0}
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    scores = {}
    for name, metric in METRICS.items():
        try:
            scores[name] = metric(evidence)
        except NotApplicable:
            continue
    return scores

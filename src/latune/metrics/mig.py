"""MIG, the mutual information gap: the standard one, and AR-VAE's, which is another number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latune.errors import DataError
from latune.metrics.evidence import Evidence, gather
from latune.metrics.gap import top_two
from latune.metrics.histogram import BINS
from latune.metrics.information import entropies, self_information
from latune.metrics.neighbours import NEIGHBOURS
from latune.metrics.score import Score


def mig(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
) -> Score:
    r"""Mean over attributes of the gap between the two most informative dims, as a share of the attribute's entropy.

    $\frac{1}{H(a_l)} \left( I(z^{r_1}; a_l) - I(z^{r_2}; a_l) \right)$ with codes and continuous attributes cut into
    20 bins of equal width, classes as they are (Chen et al. 2018, https://arxiv.org/abs/1802.04942; histograms
    as in Locatello et al. 2019, https://arxiv.org/abs/1811.12359).

    Args:
        codes: `[n, d]` with at least two dims, or evidence that several metrics share.
        values: `[n, L]`.
        names: of the attributes.
        discrete: for each attribute, whether it is a class.
        seed: not used: nothing is random here.

    Raises:
        NotApplicable: there is only one dim.
        DataError: see `gather`.

    >>> digit = np.arange(1000) % 10
    >>> codes = np.stack([digit, np.zeros(1000)], axis=1)
    >>> round(mig(codes, digit[:, None], ["digit"], discrete=[True]).value, 6)
    1.0
    """
    evidence = gather(codes, values, names, discrete, seed)
    evidence.require("mig", dims=2)
    entropy = entropies(evidence.values, evidence.discrete)
    return _gap_score("mig", evidence, evidence.histogram_information, entropy, "entropy", {"bins": BINS})


def mig_arvae(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
) -> Score:
    r"""The gap as AR-VAE's authors computed it: divided by the attribute's nearest-neighbour information with itself.

    $\frac{1}{\hat I(a_l; a_l)} \left( \hat I(z^{r_1}; a_l) - \hat I(z^{r_2}; a_l) \right)$. For a continuous attribute
    $\hat I(a; a) = \psi(n) - \psi(4)$ whatever the attribute: the number falls as rows are added, and compares only
    with numbers made this way on as many rows; on few rows with many ties it can pass 1 (Pati & Lerch 2020, https://arxiv.org/abs/2004.05485).

    Args:
        codes: `[n, d]` with at least two dims, or evidence that several metrics share.
        values: `[n, L]`.
        names: of the attributes.
        discrete: for each attribute, whether it is a class; the authors took none as one.
        seed: of the noise that breaks ties.

    Raises:
        NotApplicable: there is only one dim.
        DataError: see `gather`.

    >>> z = np.random.default_rng(0).normal(size=(500, 2))
    >>> round(mig_arvae(z, z[:, [0]], ["slant"]).value, 1)
    1.0
    """
    evidence = gather(codes, values, names, discrete, seed)
    evidence.require("mig-arvae", dims=2)
    own = self_information(evidence.values, evidence.discrete, evidence.seed)
    settings = {"neighbours": NEIGHBOURS, "seed": evidence.seed, "rows": len(evidence.codes)}
    return _gap_score("mig-arvae", evidence, evidence.information, own, "self_information", settings)


def _gap_score(
    name: str, evidence: Evidence, information: np.ndarray, scale: np.ndarray, divided_by: str, settings: dict[str, Any]
) -> Score:
    if (scale <= 0).any():
        short = evidence.names[int(scale.argmin())]
        raise DataError(
            f"'{name}' cannot be told from {len(evidence.codes)} rows of the attribute '{short}': give more rows."
        )
    gap = top_two(information)
    lead = (gap.best - gap.second) / scale
    return Score(
        name,
        float(lead.mean()),
        evidence.by_name(lead),
        {
            "dim": evidence.by_name(gap.dims),
            "best": evidence.by_name(gap.best),
            "second": evidence.by_name(gap.second),
            divided_by: evidence.by_name(scale),
            "constant_dims": evidence.constant_dims,
        },
        {"information": "histogram" if "bins" in settings else "ksg", "divided_by": divided_by, **settings},
    )

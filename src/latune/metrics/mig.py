"""MIG, the mutual information gap: the standard one, and AR-VAE's, which is another number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latune.errors import DataError
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.evidence import Evidence, gather
from latune.metrics.gap import lead, top_two
from latune.metrics.histogram import BINS
from latune.metrics.information import Estimate, self_information
from latune.metrics.neighbours import NEIGHBOURS
from latune.metrics.score import Score


def mig(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""Mean over attributes of the gap between the two most informative dims, as a share of the attribute's entropy.

    $\frac{1}{H(a_l)} \left( I(z^{r_1}; a_l) - I(z^{r_2}; a_l) \right)$ with codes and continuous attributes cut into
    20 bins of equal width, classes as they are (Chen et al. 2018, https://arxiv.org/abs/1802.04942; histograms
    as in Locatello et al. 2019, https://arxiv.org/abs/1811.12359).

    Args:
        codes: `[n, d]` with at least two dims, or evidence that several metrics share.
        values: `[n, L]`, NaN where not known.
        names: of the attributes.
        discrete: for each attribute, whether it is a class.
        seed: of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        NotApplicable: there is only one dim.
        DataError: see `gather`.

    >>> digit = np.arange(1000) % 10
    >>> codes = np.stack([digit, np.zeros(1000)], axis=1)
    >>> round(mig(codes, digit[:, None], ["digit"], discrete=[True]).value, 6)
    1.0
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    evidence.require("mig", dims=2)
    return _gap_score("mig", evidence, evidence.histogram_information, evidence.entropy, "entropy", {"bins": BINS})


def mig_ksg(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""The same gap without cutting the codes into bins: nearest-neighbour information, as a share of the entropy.

    $\frac{1}{H(a_l)} \left( \hat I(z^{r_1}; a_l) - \hat I(z^{r_2}; a_l) \right)$ with Ross's estimate between a code
    and classes; a continuous attribute is cut into 20 bins of equal width as in `mig`, because the nearest-neighbour
    information of two continuous columns has no upper end that an entropy could be a share of. Gap: Chen et al. 2018,
    https://arxiv.org/abs/1802.04942; estimate: Ross 2014, https://doi.org/10.1371/journal.pone.0087357.

    Args:
        codes: `[n, d]` with at least two dims, or evidence that several metrics share.
        values: `[n, L]`, NaN where not known.
        names: of the attributes.
        discrete: for each attribute, whether it is a class.
        seed: of the noise that breaks ties, and of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        NotApplicable: there is only one dim.
        DataError: see `gather`.

    >>> digit = np.arange(1000) % 10
    >>> codes = np.stack([digit, np.random.default_rng(0).normal(size=1000)], axis=1)
    >>> round(mig_ksg(codes, digit[:, None], ["digit"], discrete=[True]).value, 1)
    1.0
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    evidence.require("mig-ksg", dims=2)
    settings = {"neighbours": NEIGHBOURS, "seed": evidence.seed, "attribute_bins": BINS}
    return _gap_score("mig-ksg", evidence, evidence.label_information, evidence.entropy, "entropy", settings)


def mig_arvae(
    codes: Any | Evidence,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    r"""The gap as AR-VAE's authors computed it: divided by the attribute's nearest-neighbour information with itself.

    $\frac{1}{\hat I(a_l; a_l)} \left( \hat I(z^{r_1}; a_l) - \hat I(z^{r_2}; a_l) \right)$. For a continuous attribute
    $\hat I(a; a) = \psi(n) - \psi(4)$ whatever the attribute: the number falls as rows are added, and compares only
    with numbers made this way on as many rows; on few rows with many ties it can pass 1 (Pati & Lerch 2020, https://arxiv.org/abs/2004.05485).

    Args:
        codes: `[n, d]` with at least two dims, or evidence that several metrics share.
        values: `[n, L]`, NaN where not known.
        names: of the attributes.
        discrete: for each attribute, whether it is a class; the authors took none as one.
        seed: of the noise that breaks ties, and of the resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        NotApplicable: there is only one dim.
        DataError: see `gather`.

    >>> z = np.random.default_rng(0).normal(size=(500, 2))
    >>> round(mig_arvae(z, z[:, [0]], ["slant"]).value, 1)
    1.0
    """
    evidence = gather(codes, values, names, discrete, seed, resamples)
    evidence.require("mig-arvae", dims=2)
    own = np.concatenate(
        [
            self_information(evidence.values[known, column : column + 1], evidence.discrete[[column]], evidence.seed)
            for column, known in enumerate(evidence.known.T)
        ]
    )
    settings = {"neighbours": NEIGHBOURS, "seed": evidence.seed, "rows": len(evidence.codes)}
    return _gap_score(
        "mig-arvae", evidence, evidence.information, Estimate(own[None], None), "self_information", settings
    )


def _gap_score(
    name: str, evidence: Evidence, information: Estimate, scale: Estimate, divided_by: str, settings: dict[str, Any]
) -> Score:
    own = scale.matrix[0]
    if (own <= 0).any():
        short = evidence.names[int(own.argmin())]
        raise DataError(
            f"'{name}' cannot be told from {len(evidence.codes)} rows of the attribute '{short}': give more rows."
        )
    gap = top_two(information.matrix)
    again = None
    if information.resampled is not None:
        resampled = own if scale.resampled is None else scale.resampled[:, 0]
        again = lead(top_two(information.resampled)) / np.where(resampled > 0, resampled, own)
    return evidence.score(
        name,
        lead(gap) / own,
        again,
        {
            "dim": evidence.by_name(gap.dims),
            "best": evidence.by_name(gap.best),
            "second": evidence.by_name(gap.second),
            divided_by: evidence.by_name(own),
        },
        {
            "information": "histogram" if "bins" in settings else "ksg",
            "divided_by": divided_by,
            "resampled": "examples; bins and neighbours stay",
            **settings,
        },
    )

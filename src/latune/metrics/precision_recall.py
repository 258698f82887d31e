"""Whether samples look like data, and whether they cover them: nearest-neighbour precision, recall, density, coverage.

All four compare two sets of feature rows with balls around rows, whose radius is the distance to the k-th neighbour in
the same set. Use features in which distances mean something: those of a classifier trained on the data
(`latune.classifier.Classifier.features`), and say which. Distances are float64 products by blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latune.errors import DataError
from latune.metrics.averaged import averaged
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.score import Score

PRECISION_NEIGHBOURS = 3  # Kynkäänniemi et al. 2019
DENSITY_NEIGHBOURS = 5  # Naeem et al. 2020


def precision_recall(
    real: Any,
    generated: Any,
    neighbours: int = PRECISION_NEIGHBOURS,
    resamples: int = RESAMPLES,
    seed: int = 0,
    device: Any = None,
) -> dict[str, Score]:
    r"""Improved precision and recall: the share of each set that lies within the other's balls.

    .. math:: \mathrm{precision} = \tfrac1m \sum_j 1\bigl[\exists i: \lVert g_j - r_i\rVert \le
              \lVert r_i - \mathrm{NN}_k(r_i)\rVert\bigr], \quad \mathrm{recall}: r \leftrightarrow g

    Kynkäänniemi et al. 2019, eqs. 1-2 (https://arxiv.org/abs/1904.06991). Precision falls with samples that look like
    no data, recall with data that no sample looks like. Both depend on the number of rows and of dimensions: compare
    sets of one size, and read `density_coverage` beside them where outliers blow balls up.

    Args:
        real: features of data `[n, ...]`, array or tensor on any device.
        generated: features of samples `[m, ...]`.
        neighbours: k, the row itself not counted.
        resamples: of the intervals; 0 for none. The balls stay as they are.
        seed: of the intervals.
        device: where to compute; where the features are unless given.

    Returns:
        Scores `precision` and `recall`, each in [0, 1].

    Raises:
        DataError: rows of different lengths, values that are not finite, or k rows or fewer in a set.

    >>> import numpy as np
    >>> line = np.arange(10.0)[:, None]
    >>> both = precision_recall(line, line[:5], neighbours=1)
    >>> both["precision"].value, both["recall"].value
    (1.0, 0.6)
    """
    from latune.metrics.balls import inside, radii

    rows = _features(real, generated, neighbours, device)
    held = {
        "precision": inside(rows[1], rows[0], radii(rows[0], neighbours))[0],
        "recall": inside(rows[0], rows[1], radii(rows[1], neighbours))[0],
    }
    return _shares({name: balls > 0 for name, balls in held.items()}, rows, neighbours, resamples, seed)


def density_coverage(
    real: Any,
    generated: Any,
    neighbours: int = DENSITY_NEIGHBOURS,
    resamples: int = RESAMPLES,
    seed: int = 0,
    device: Any = None,
) -> dict[str, Score]:
    r"""Density and coverage: how many data balls hold a sample on average, and the share of data balls that hold any.

    .. math:: \mathrm{density} = \tfrac1{k m} \sum_j \sum_i 1\bigl[\lVert g_j - r_i\rVert \le
              \lVert r_i - \mathrm{NN}_k(r_i)\rVert\bigr], \quad \mathrm{coverage} = \tfrac1n \sum_i
              1\bigl[\exists j: \lVert g_j - r_i\rVert \le \lVert r_i - \mathrm{NN}_k(r_i)\rVert\bigr]

    Naeem et al. 2020, eqs. 3-4 (https://arxiv.org/abs/2002.09797). Balls are drawn around data only, so that one
    outlier among samples changes little. Density is 1 in expectation for samples like the data, and can exceed 1;
    coverage is then near 1 - 1 / 2^k for sets of one size.

    Args:
        real: features of data `[n, ...]`, array or tensor on any device.
        generated: features of samples `[m, ...]`.
        neighbours: k, the row itself not counted.
        resamples: of the intervals; 0 for none. The balls stay as they are.
        seed: of the intervals.
        device: where to compute; where the features are unless given.

    Returns:
        Scores `density` and `coverage`.

    Raises:
        DataError: rows of different lengths, values that are not finite, or k rows or fewer of data.

    >>> import numpy as np
    >>> line = np.arange(10.0)[:, None]
    >>> both = density_coverage(line, line[:5], neighbours=1)
    >>> both["density"].value, both["coverage"].value
    (2.8, 0.6)
    """
    from latune.metrics.balls import inside, radii

    rows = _features(real, generated, neighbours, device)
    reach = radii(rows[0], neighbours)
    balls, nearest = inside(rows[1], rows[0], reach)
    each = {"density": balls.double() / neighbours, "coverage": nearest <= reach}
    return _shares(each, rows, neighbours, resamples, seed)


def _features(real: Any, generated: Any, neighbours: int, device: Any) -> tuple[Any, Any]:
    """Both sets as rows on one device, checked, with at least one row more than neighbours."""
    from latune.metrics.distances import as_rows

    if device is None:
        device = next((each.device for each in (real, generated) if hasattr(each, "detach")), None)
    rows = as_rows(real, "real features", device), as_rows(generated, "generated features", device)
    if rows[0].shape[1] != rows[1].shape[1]:
        raise DataError(
            f"The real features have {rows[0].shape[1]} numbers a row, the generated ones {rows[1].shape[1]}. "
            "Compute both with the same network."
        )
    if isinstance(neighbours, bool) or not isinstance(neighbours, int) or neighbours < 1:
        raise DataError(f"neighbours is a whole number, 1 or more. Got {neighbours!r}.")
    if min(len(each) for each in rows) <= neighbours:
        raise DataError(
            f"The distance to the {neighbours}. neighbour needs more than {neighbours} rows in each set. "
            f"Got {len(rows[0])} real and {len(rows[1])} generated ones."
        )
    return rows


def _shares(
    each: Mapping[str, Any], rows: tuple[Any, Any], neighbours: int, resamples: int, seed: int
) -> dict[str, Score]:
    """Means of one number a row, with their intervals."""
    real, generated = rows
    settings = {
        "neighbours": neighbours,
        "real": len(real),
        "generated": len(generated),
        "dimensions": real.shape[1],
    }
    return {
        name: averaged(name, {}, {}, settings, whole=of.double().cpu().numpy(), seed=seed, resamples=resamples)
        for name, of in each.items()
    }

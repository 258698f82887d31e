"""Codes beside the attributes of the same examples: checked once, and what several metrics need computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from latune.errors import DataError
from latune.metrics.arrays import as_array
from latune.metrics.correlation import pearson, spearman
from latune.metrics.information import class_flags, mutual_information_matrix
from latune.metrics.neighbours import NEIGHBOURS

FEWEST_ROWS = NEIGHBOURS + 2  # below, a column's nearest-neighbour information with itself is not positive
LEAST_VARIANCE = 1e-12  # of a code: the authors' rule for SAP, taken for every metric here
SAME = 1e-9  # an attribute that varies by less than this share of its size does not vary

# Under independence the nearest-neighbour estimate spreads by .6 to .85 / sqrt(n) around zero or just below: measured
# at n = 100, 1,000, 10,000 with normal, uniform, ten-class and squared-exponential attributes; the largest of 3,840
# draws was 2.1 / sqrt(n).
NOISE_FLOOR = 2.5


class NotApplicable(DataError):
    """The metric has no meaning for so few dims or attributes."""


@dataclass(frozen=True)
class Evidence:
    """What disentanglement metrics are computed from; make it with `gather`, which checks.

    Args:
        codes: one row per example, one column per dim.
        values: one row per example, one column per attribute.
        names: of the attributes.
        discrete: which attributes are classes.
        seed: of the tiny noise that breaks ties in nearest-neighbour estimates.
    """

    codes: Float64[np.ndarray, "n d"]
    values: Float64[np.ndarray, "n L"]
    names: tuple[str, ...]
    discrete: Bool[np.ndarray, " L"]
    seed: int

    @cached_property
    def information(self) -> Float64[np.ndarray, "d L"]:
        """Nearest-neighbour mutual information in nats; zero for constant dims."""
        return self._of_varying_dims(
            mutual_information_matrix(self.codes, self.values, self.discrete, "ksg", self.seed)
        )

    @cached_property
    def histogram_information(self) -> Float64[np.ndarray, "d L"]:
        """Mutual information of codes cut into 20 bins, in nats; zero for constant dims."""
        return self._of_varying_dims(mutual_information_matrix(self.codes, self.values, self.discrete, "histogram"))

    @cached_property
    def squared_correlation(self) -> Float64[np.ndarray, "d L"]:
        """Squared Pearson correlation; zero for constant dims."""
        return self._of_varying_dims(pearson(self.codes, self.values) ** 2)

    @cached_property
    def rank_correlation(self) -> tuple[Float64[np.ndarray, "d L"], Float64[np.ndarray, "d L"]]:
        """Spearman's rho and its p-value; zero and one for constant dims."""
        rho, p = spearman(self.codes, self.values)
        return self._of_varying_dims(rho), np.where(self.varying[:, None], p, 1.0)

    @cached_property
    def varying(self) -> Bool[np.ndarray, " d"]:
        """Dims whose variance is at least 1e-12."""
        return self.codes.var(axis=0) >= LEAST_VARIANCE

    @cached_property
    def used(self) -> Bool[np.ndarray, " d"]:
        """Dims that tell more about some attribute than independent columns of this length seem to."""
        return self.information.max(axis=1) > self.noise_floor

    @property
    def noise_floor(self) -> float:
        """Information, in nats, that chance alone does not reach: 2.5 / sqrt(n)."""
        return NOISE_FLOOR / len(self.codes) ** 0.5

    @property
    def constant_dims(self) -> list[int]:
        """Dims that do not vary."""
        return np.flatnonzero(~self.varying).tolist()

    @property
    def unused_dims(self) -> list[int]:
        """Dims that tell nothing about any attribute, constant ones included."""
        return np.flatnonzero(~self.used).tolist()

    def by_name(self, row: np.ndarray) -> dict[str, Any]:
        """One plain number per attribute, under its name."""
        return dict(zip(self.names, row.tolist(), strict=True))

    def require(self, metric: str, *, dims: int = 1, attributes: int = 1) -> None:
        """Raise `NotApplicable` where there are fewer dims or attributes than the metric compares."""
        d, count = self.codes.shape[1], self.values.shape[1]
        if d < dims or count < attributes:
            raise NotApplicable(
                f"The metric '{metric}' compares at least {dims} dims and {attributes} attributes; got {d} and {count}."
            )

    def _of_varying_dims(self, matrix: np.ndarray) -> np.ndarray:
        return np.where(self.varying[:, None], matrix, 0.0)


def gather(
    codes: Any,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
) -> Evidence:
    """Check codes and attributes and put them together; evidence that is already gathered is returned as it is.

    Args:
        codes: `[n, d]`, an array, a tensor or lists; or `Evidence`.
        values: `[n, L]`, attributes of the same examples; classes as indices.
        names: of the attributes; "0", "1", ... where not given.
        discrete: for each attribute, whether it is a class; None means none is.
        seed: of the noise that breaks ties.

    Raises:
        DataError: empty, not numbers, NaN or infinite, lengths that differ, fewer than five rows, a constant attribute,
            or a class attribute without any two equal rows.

    >>> gather([[0.0], [1.0], [2.0], [3.0], [4.0]], [[1.0], [0.0], [1.0], [0.0], [1.0]], ["loop"]).names
    ('loop',)
    """
    if isinstance(codes, Evidence):
        return codes
    if values is None:
        raise DataError("Attribute values are missing: give an array [n, L], one row per code.")
    z, a = _matrix(codes, "codes", "d"), _matrix(values, "attribute values", "L")
    n, count = a.shape
    if len(z) != n:
        raise DataError(f"There are {len(z)} codes but {n} rows of attribute values; row i of both must be example i.")
    if n < FEWEST_ROWS:
        raise DataError(
            f"There are only {n} rows; at least {FEWEST_ROWS} are needed, and below 500 the metrics mean little."
        )
    labels = _names(names, count)
    return Evidence(z, a, labels, _discrete(discrete, a, labels), seed)


def _matrix(data: Any, what: str, columns: str) -> np.ndarray:
    array = as_array(data, what)
    if array.ndim != 2:
        raise DataError(
            f"The {what} have shape {list(array.shape)}; allowed is [n, {columns}]: one row per example, "
            f"one column per {'dim' if columns == 'd' else 'attribute'}."
        )
    return np.ascontiguousarray(array, dtype=np.float64)


def _names(names: Sequence[str] | None, count: int) -> tuple[str, ...]:
    labels = tuple(str(i) for i in range(count)) if names is None else tuple(names)
    if len(labels) != count or len(set(labels)) != count:
        raise DataError(
            f"There are {count} attributes and the names {list(labels)}; give one name to each, all different."
        )
    return labels


def _discrete(discrete: Sequence[bool] | None, values: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    flags = class_flags(discrete, len(names))
    for name, column, is_class in zip(names, values.T, flags, strict=True):
        spread = np.ptp(column)
        if spread <= SAME * np.abs(column).max():
            raise DataError(
                f"The attribute '{name}' is constant: it varies by {spread:g} around {column[0]:g}, "
                "so no code can tell it. Leave it out, or measure on examples in which it varies."
            )
        if is_class and len(np.unique(column)) == len(column):
            raise DataError(
                f"The attribute '{name}' is declared discrete, but no two of its {len(column)} rows are equal. "
                "Declare it continuous, or give class indices."
            )
    return flags

"""Codes beside the attributes of the same examples: checked once, and what several metrics need computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int

from latune.errors import DataError
from latune.metrics.arrays import as_array
from latune.metrics.bootstrap import LEVEL, RESAMPLES, Resamples, interval
from latune.metrics.correlation import p_value, pearson, pearson_resampled, ranks, spearman
from latune.metrics.histogram import binned
from latune.metrics.information import Estimate, class_flags, entropies, entropy_rows, estimate, gpu_of
from latune.metrics.neighbours import NEIGHBOURS
from latune.metrics.score import Score

if TYPE_CHECKING:
    from latune.metrics.trees import Told

FEWEST_ROWS = NEIGHBOURS + 2  # below, a column's nearest-neighbour information with itself is not positive
LEAST_VARIANCE = 1e-12  # of a code: the authors' rule for SAP, taken for every metric here
SIGNIFICANT = 0.05  # a rank correlation that chance reaches more often counts as none
SAME = 1e-9  # an attribute that varies by less than this share of its size does not vary

# Under independence the nearest-neighbour estimate spreads by .6 to .85 / sqrt(n) around zero or just below: measured
# at n = 100, 1,000, 10,000 with normal, uniform, ten-class and squared-exponential attributes; the largest of 3,840
# draws was 2.1 / sqrt(n).
NOISE_FLOOR = 2.5


class NotApplicable(DataError):
    """The metric has no meaning for so few dims or attributes."""


class Group(NamedTuple):
    """Attributes that are known for the same examples."""

    columns: Int[np.ndarray, " l"]
    rows: Int[np.ndarray, " m"]


@dataclass(frozen=True)
class Evidence:
    """What disentanglement metrics are computed from; make it with `gather`, which checks.

    An attribute's value may be NaN: the example then counts for the other attributes and not for this one.

    Args:
        codes: one row per example, one column per dim.
        values: one row per example, one column per attribute; NaN where it is not known.
        names: of the attributes.
        discrete: which attributes are classes.
        seed: of the tiny noise that breaks ties in nearest-neighbour estimates, and of resamples.
        count: bootstrap resamples; 0 for none.
        device: where nearest neighbours are looked for, e.g. "cuda"; None for threads. The numbers do not depend on it.
    """

    codes: Float64[np.ndarray, "n d"]
    values: Float64[np.ndarray, "n L"]
    names: tuple[str, ...]
    discrete: Bool[np.ndarray, " L"]
    seed: int
    count: int = RESAMPLES
    device: str | None = None

    # --- what several metrics share ----------------------------------------------------------------------------------

    @cached_property
    def known(self) -> Bool[np.ndarray, "n L"]:
        """Which values are known."""
        return ~np.isnan(self.values)

    @cached_property
    def groups(self) -> list[Group]:
        """Attributes by which examples they are known for, so that each group is computed at once."""
        if self.known.all():
            return [Group(np.arange(len(self.names)), np.arange(len(self.codes)))]
        patterns, group = np.unique(self.known, axis=1, return_inverse=True)
        return [
            Group(np.flatnonzero(group.ravel() == index), np.flatnonzero(pattern))
            for index, pattern in enumerate(patterns.T)
        ]

    @cached_property
    def resamples(self) -> Resamples | None:
        """The bootstrap resamples that all scores share; None where none were asked for."""
        return Resamples(len(self.codes), self.count, self.seed) if self.count else None

    @cached_property
    def information(self) -> Estimate:
        """Nearest-neighbour mutual information in nats; zero for constant dims."""
        return self._of_groups(self._nearest)

    @cached_property
    def label_information(self) -> Estimate:
        """Nearest-neighbour information about classes, in nats: continuous attributes are cut into 20 bins first."""

        def of_labels(z: np.ndarray, a: np.ndarray, classes: np.ndarray, rows: np.ndarray) -> Estimate:
            cut = np.where(classes, a, binned(a))
            return self._nearest(z, cut, np.full(len(classes), True), rows)

        return self._of_groups(of_labels)

    @cached_property
    def histogram_information(self) -> Estimate:
        """Mutual information of codes cut into 20 bins, in nats; zero for constant dims."""
        return self._of_groups(
            lambda z, a, classes, rows: estimate(z, a, classes, "histogram", resamples=self.resamples, of=rows)
        )

    @cached_property
    def squared_correlation(self) -> Estimate:
        """Squared Pearson correlation; zero for constant dims."""

        def squared(z: np.ndarray, a: np.ndarray, classes: np.ndarray, rows: np.ndarray) -> Estimate:
            resampled = None if self.resamples is None else pearson_resampled(z, a, self.resamples, rows) ** 2
            return Estimate(pearson(z, a) ** 2, resampled)

        return self._of_groups(squared)

    @cached_property
    def rank_correlation(self) -> Estimate:
        """Spearman's rho, signed, zero where p > 0.05; zero for constant dims.

        In resamples, the ranks of all examples are kept.
        """

        def ranked(z: np.ndarray, a: np.ndarray, classes: np.ndarray, rows: np.ndarray) -> Estimate:
            rho, p = spearman(z, a)
            if self.resamples is None:
                return Estimate(np.where(p > SIGNIFICANT, 0.0, rho), None)
            again = pearson_resampled(ranks(z), ranks(a), self.resamples, rows).round(15)
            sure = p_value(again, len(z)) <= SIGNIFICANT
            return Estimate(np.where(p > SIGNIFICANT, 0.0, rho), np.where(sure, again, 0.0))

        return self._of_groups(ranked)

    @cached_property
    def entropy(self) -> Estimate:
        """Entropy of each attribute in nats, `[1, L]`: of its classes, or of its 20 bins where it is continuous."""

        def of_labels(z: np.ndarray, a: np.ndarray, classes: np.ndarray, rows: np.ndarray) -> Estimate:
            whole, each = entropies(a, classes)[None], entropy_rows(a, classes)
            resampled = None if self.resamples is None else self.resamples.means(each, rows)[:, None]
            return Estimate(whole, resampled)

        return self._of_groups(of_labels, dims=False)

    @cached_property
    def living_codes(self) -> Float64[np.ndarray, "n d"]:
        """The codes, with dims that do not vary at 0: their last digits might tell."""
        return np.where(self.varying, self.codes, 0.0)

    @cached_property
    def centred_ranks(self) -> list[Float64[np.ndarray, "m d"]]:
        """The codes of each group as ranks, 0 in the middle: what a monotone map of a dim leaves as it is."""
        return [ranks(self.living_codes[rows]) - (len(rows) + 1) / 2 for _, rows in self.groups]

    @cached_property
    def trees(self) -> list[Told]:
        """What trees tell of each attribute from all dims: `dci`."""
        from latune.metrics.trees import told  # which reads evidence

        return told(self, "extra-trees")

    @cached_property
    def varying(self) -> Bool[np.ndarray, " d"]:
        """Dims whose variance is at least 1e-12."""
        return self.codes.var(axis=0) >= LEAST_VARIANCE

    @cached_property
    def used(self) -> Bool[np.ndarray, " d"]:
        """Dims that tell more about some attribute than independent columns of this length seem to."""
        floor = NOISE_FLOOR / self.known.sum(axis=0) ** 0.5  # of each attribute's own examples
        return (self.information.matrix > floor).any(axis=1)

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

    def score(
        self,
        name: str,
        each: Float64[np.ndarray, " L"],
        resampled: Float64[np.ndarray, "B L"] | None,
        detail: dict[str, Any],
        settings: dict[str, Any],
    ) -> Score:
        """A score that is the mean of one number per attribute, with its intervals."""
        detail = detail | {"constant_dims": self.constant_dims}
        if not self.known.all():
            detail["rows"] = self.by_name(self.known.sum(axis=0))
        if resampled is None:
            return Score(name, float(each.mean()), self.by_name(each), detail, settings)
        return Score(
            name,
            float(each.mean()),
            self.by_name(each),
            detail,
            settings | {"resamples": self.count, "level": LEVEL},
            interval(resampled.mean(axis=1), around=float(each.mean())),
            {
                attribute: interval(again, around=whole)
                for attribute, again, whole in zip(self.names, resampled.T, each.tolist(), strict=True)
            },
        )

    def by_name(self, row: np.ndarray) -> dict[str, Any]:
        """One plain number per attribute, under its name."""
        return dict(zip(self.names, row.tolist(), strict=True))

    def require(self, metric: str, *, dims: int = 1, attributes: int = 1) -> None:
        """Raise `NotApplicable` where there are fewer dims or attributes than the metric compares."""
        d, count = self.codes.shape[1], self.values.shape[1]
        if d < dims or count < attributes:
            short = f"{dims} dims; got {d}" if d < dims else f"{attributes} attributes; got {count}"
            raise NotApplicable(f"The metric '{metric}' compares at least {short}.")

    def _nearest(self, z: np.ndarray, a: np.ndarray, classes: np.ndarray, rows: np.ndarray) -> Estimate:
        return estimate(z, a, classes, "ksg", self.seed, resamples=self.resamples, of=rows, device=self.device)

    def _of_groups(self, compute: Callable[..., Estimate], dims: bool = True) -> Estimate:
        """Compute on the examples of each group, and put the attributes in order again."""
        order = np.argsort(np.concatenate([group.columns for group in self.groups]))
        parts = [
            compute(self.codes[rows], self.values[np.ix_(rows, columns)], self.discrete[columns], rows)
            for columns, rows in self.groups
        ]
        varying = self.varying[:, None] if dims else True
        matrix = np.where(varying, np.concatenate([part.matrix for part in parts], axis=1)[:, order], 0.0)
        again = [part.resampled for part in parts if part.resampled is not None]
        if not again:
            return Estimate(matrix, None)
        return Estimate(matrix, np.where(varying, np.concatenate(again, axis=2)[:, :, order], 0.0))


def gather(
    codes: Any,
    values: Any = None,
    names: Sequence[str] | None = None,
    discrete: Sequence[bool] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    device: str | None = None,
) -> Evidence:
    """Check codes and attributes and put them together; evidence that is already gathered is returned as it is.

    Args:
        codes: `[n, d]`, an array, a tensor or lists; or `Evidence`.
        values: `[n, L]`, attributes of the same examples; classes as indices; NaN where a value is not known.
        names: of the attributes; "0", "1", ... where not given.
        discrete: for each attribute, whether it is a class; None means none is.
        seed: of the noise that breaks ties, and of resamples.
        resamples: bootstrap resamples for intervals; 0 for none.
        device: where nearest neighbours are looked for, e.g. "cuda"; None takes the codes' GPU, or threads where they
            have none.

    Raises:
        DataError: empty, not numbers, infinite values or NaN codes, lengths that differ, fewer than five rows (of an
            attribute's own), a constant attribute, or a class attribute without any two equal rows.

    >>> gather([[0.0], [1.0], [2.0], [3.0], [4.0]], [[1.0], [0.0], [1.0], [0.0], [1.0]], ["loop"]).names
    ('loop',)
    """
    if isinstance(codes, Evidence):
        return codes
    if values is None:
        raise DataError("Attribute values are missing: give an array [n, L], one row per code.")
    if resamples < 0 or resamples == 1:
        raise DataError(f"resamples is 0 for no intervals, or 2 and more. Got {resamples}.")
    z, a = _matrix(codes, "codes", "d"), _matrix(values, "attribute values", "L", missing=True)
    n, count = a.shape
    if len(z) != n:
        raise DataError(f"There are {len(z)} codes but {n} rows of attribute values; row i of both must be example i.")
    if n < FEWEST_ROWS:
        raise DataError(
            f"There are only {n} rows; at least {FEWEST_ROWS} are needed, and below 500 the metrics mean little."
        )
    labels = _names(names, count)
    return Evidence(z, a, labels, _discrete(discrete, a, labels), seed, resamples, device or gpu_of(codes))


def _matrix(data: Any, what: str, columns: str, missing: bool = False) -> np.ndarray:
    array = as_array(data, what, missing)
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
    for name, whole, is_class in zip(names, values.T, flags, strict=True):
        column = whole[~np.isnan(whole)]
        if len(column) < FEWEST_ROWS:
            raise DataError(
                f"The attribute '{name}' is known for {len(column)} of {len(whole)} examples; at least {FEWEST_ROWS} "
                "are needed. Leave it out, or label more."
            )
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

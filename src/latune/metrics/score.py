"""What every metric returns: one number, how sure it is, and what it is made of."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from latune.errors import DataError

Interval = tuple[float, float]


@dataclass(frozen=True)
class Score:
    """One metric's answer.

    Args:
        name: the metric, by its name in `METRICS`.
        value: the number a table prints.
        per_attribute: the same number for each attribute; empty where the metric has none (modularity scores dims).
        detail: what else was found on the way, in plain Python values: which dim answers for an attribute, unused dims.
        settings: what defines the number: estimator, bins, neighbours, seed. Scores compare only if these are equal.
        interval: where the value lies in 95 % of bootstrap resamples of the examples; None where it was not asked for.
            It says how much other examples would change the number, not how much another training would.
        intervals: the same for each attribute.

    Raises:
        DataError: a value is not finite.

    >>> score = Score("sap", 0.5, {"slant": 0.5}, settings={"correlation": "squared Pearson"}, interval=(0.4, 0.6))
    >>> score.value, score.interval, score.as_dict()["per_attribute"]
    (0.5, (0.4, 0.6), {'slant': 0.5})
    """

    name: str
    value: float
    per_attribute: dict[str, float] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    interval: Interval | None = None
    intervals: dict[str, Interval] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wrong = [name for name, value in self.per_attribute.items() if not math.isfinite(value)]
        if wrong or not math.isfinite(self.value):
            where = f" It is not for: {', '.join(wrong)}." if wrong else ""
            raise DataError(f"The metric '{self.name}' came out as {self.value}; it must be a finite number.{where}")

    def as_dict(self) -> dict[str, Any]:
        """All fields as plain values, as JSON has them: intervals are lists of two."""
        plain = asdict(self)
        plain["interval"] = None if self.interval is None else list(self.interval)
        plain["intervals"] = {name: list(ends) for name, ends in self.intervals.items()}
        return plain

"""Realism: how much less real examples look after an edit, to a critic."""

from __future__ import annotations

from typing import Any

from latune.errors import DataError
from latune.metrics.averaged import averaged, column, same_length
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.score import Score


def realism_shift(before: Any, after: Any, *, logits: bool = False, seed: int = 0, resamples: int = RESAMPLES) -> Score:
    """How much less real examples look after an edit: the mean change of a critic's probability that they are.

    Negative where an edit leaves the data; 0 is what an edit should do, and above 0 it repairs. `detail` holds the
    mean probability and the share called real (above one half), before and after. A probability near 0 or 1 hides a
    change that its logit shows: with logits, their mean change is in `detail` as well.

    Args:
        before: of each example `[n]`, the probability that it is real, or its logit. Of reconstructions, so that what
            the model blurs is not the edit's fault.
        after: the same of the edited examples.
        logits: both are logits; the value is still of probabilities.
        seed: of the resamples.
        resamples: bootstrap resamples for the interval; 0 for none.

    Raises:
        DataError: lengths that differ, probabilities outside [0, 1], values that are not finite.

    >>> realism_shift([0.5, 1.0], [0.25, 0.75], resamples=0).value
    -0.25
    """
    ends = {"before": column(before, "realism before"), "after": column(after, "realism after")}
    same_length({f"realism {when}": values for when, values in ends.items()})
    detail: dict[str, Any] = {}
    if logits:
        from scipy.special import expit

        detail["logit"] = float((ends["after"] - ends["before"]).mean())
        ends = {when: expit(values) for when, values in ends.items()}
    for when, values in ends.items():
        if values.min() < 0 or values.max() > 1:
            raise DataError(
                f"Probabilities lie in [0, 1]; realism {when} ranges from {values.min():g} to {values.max():g}. "
                "Of logits, say logits=True."
            )
    detail["mean"] = {when: float(values.mean()) for when, values in ends.items()}
    detail["called_real"] = {when: float((values > 0.5).mean()) for when, values in ends.items()}
    shift = ends["after"] - ends["before"]
    return averaged("realism-shift", {}, detail, {"logits": logits}, whole=shift, seed=seed, resamples=resamples)

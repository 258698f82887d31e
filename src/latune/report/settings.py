"""The settings that define the scores: what they share, and what sets each apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latune.measurement import Measurement
from latune.metrics.bootstrap import LEVEL
from latune.report.words import flat

MOST_LISTED = 4  # values of a setting that are written out
KEYS = {"ddof": "delta degrees of freedom"}
WORDS = {"ksg": "nearest neighbours"}  # what reads better in other words


def shared(measurement: Measurement) -> dict[str, str]:
    """What holds for all scores."""
    found = {
        "data": f"{measurement.n:,} examples of the {measurement.split} split",
        "codes": "mean of the posterior" if measurement.codes == "mean" else "one sample of each posterior",
        "seed": str(measurement.seed),
        "intervals": f"{100 * LEVEL:.0f} % percentile, {measurement.resamples} bootstrap resamples of examples"
        if measurement.resamples
        else "none",
        "parts": ", ".join(measurement.parts),
    }
    if not measurement.scores:
        del found["intervals"]
    return {name: value for name, value in found.items() if value}


def own(measurement: Measurement) -> dict[str, str]:
    """Of each score, in one line: what is not shared."""
    same = {"seed": measurement.seed, "resamples": measurement.resamples, "level": LEVEL, "codes": measurement.codes}
    found = {}
    for name, score in measurement.scores.items():
        settings = {key: value for key, value in score.settings.items() if same.get(key, object()) != value}
        found[name] = "; ".join(
            f"{KEYS.get(key, key.replace('_', ' '))}: {setting(value)}" for key, value in settings.items()
        )
    return found


def setting(value: Any) -> str:
    """A setting in one line; of a long list, how many and from where to where.

    >>> setting([-4.0, -2.0, 0.0, 2.0, 4.0]), setting({"slant": 0.12345678}), setting("ksg"), setting(True)
    ('5 values from -4 to 4', 'slant 0.1235', 'nearest neighbours', 'yes')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str):
        return WORDS.get(value, value.replace("_", " "))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {setting(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        if len(value) > MOST_LISTED and all(isinstance(each, int | float) for each in value):
            return f"{len(value)} values from {setting(min(value))} to {setting(max(value))}"
        return " / ".join(setting(each) for each in value)
    return flat(value)

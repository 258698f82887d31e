"""What every slider does: put to all its positions in one pass, measured on what is decoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from latune.errors import DataError, unknown
from latune.measurement.encoding import positions
from latune.measurement.examples import (
    FEWEST,
    Attributes,
    ControlMeasurement,
    examples,
    measurable,
    measured,
    spreads,
    start,
)
from latune.measurement.measure import TRAVERSED
from latune.metrics import RESAMPLES, Score, monotonicity
from latune.metrics.leakage import slider_leakage
from latune.metrics.responses import slider_positions
from latune.metrics.sliders import consistency, linearity, restrictiveness
from latune.moves import Put
from latune.space import Space


def measure_sliders(
    space: Space,
    data: Any,
    split: str = "test",
    *,
    sliders: Sequence[str] | None = None,
    at: Any = None,
    attributes: Attributes = None,
    spread: Mapping[str, float] | None = None,
    codes: str = "mean",
    seed: int = 0,
    limit: int = TRAVERSED,
    resamples: int = RESAMPLES,
) -> ControlMeasurement:
    """Measure every slider of a space: monotonicity, linearity, consistency, restrictiveness and leakage.

    Each example is encoded once, every slider of it is put to every position, and all of that is decoded and measured
    in one pass. A score has one column a slider; the detail of restrictiveness and leakage tells each other attribute.

    Args:
        space: with sliders whose attributes can be measured on images.
        data: a data set, or images as `space.edit` takes them.
        split: of a data set.
        sliders: which; None for all that can be measured.
        at: positions, latent values; None for ten from -4 to 4.
        attributes: what is measured besides the sliders' own: names, or name to attribute; None for all that can be.
        spread: the attributes' standard deviations; None takes those of the split, or of the images that were given.
        codes: where the other coordinates stay: at the `mean` of the posterior, at one `sample` an example, or at as
            many samples of the `prior`.
        seed: of sampled codes and of the resamples.
        limit: most examples, evenly spread over the split.
        resamples: bootstrap resamples of the examples for the intervals; 0 for none.

    Raises:
        DataError: data that do not fit the space, no slider that can be measured, positions that are fewer than three
            or not different.
    """
    given = examples(space, data, split, codes, limit, resamples)
    places = slider_positions(positions() if at is None else at)
    names = _sliders(space, sliders)
    chosen = {name: space.attributes[name] for name in names} | measurable(space, given.attributes, attributes)

    z = start(space, space.posterior(given.x), codes, seed)
    columns, n = space.codes.columns(), len(z)
    rows = [Put(columns.index(name), float(value))(z) for name in names for value in places]
    decoded = space.decode(torch.cat([z, *rows])).plain()  # reconstructions first
    original, everything = measured(space, chosen, (given.x, decoded))
    width, notes = spreads(chosen, given, original, spread)
    if still := [name for name in names if name not in width]:
        raise DataError(f"'{still[0]}' is the same in all examples: give its spread, as spread={{'{still[0]}': 1.0}}.")
    before = {name: everything[name][:n] for name in width}
    grid = {name: everything[name][n:].reshape(len(names), len(places), n) for name in width}
    responses = {name: {other: grid[other][i].T for other in width} for i, name in enumerate(names)}  # each (n, k)

    draws: dict[str, Any] = {"seed": seed, "resamples": resamples}
    scores: dict[str, Score] = {
        "monotonicity": monotonicity(places, {name: responses[name][name] for name in names}, **draws),
        "linearity": linearity(places, responses, **draws),
    }
    if n < FEWEST:
        notes.append("Consistency compares examples with each other: of one it is not told.")
    else:
        scores["consistency"] = consistency(responses, width, **draws)
    if len(width) < 2:
        notes.append("One attribute is measured: what else its slider moves is not told.")
    else:
        scores["restrictiveness"] = restrictiveness(responses, width, **draws)
        scores["slider-leakage"] = slider_leakage(before, responses, width, **draws)
    words = f"sliders at {len(places)} positions from {places.min():g} to {places.max():g}"
    about = {"notes": tuple(notes), "resamples": resamples, "edit": words}
    return ControlMeasurement(scores, given.split, n, codes, seed, **about)


def _sliders(space: Space, asked: Sequence[str] | None) -> list[str]:
    """The sliders to move."""
    if isinstance(asked, str):
        raise DataError(f"sliders is a list of names, as ['{asked}']. Got the text '{asked}'.")
    possible = [name for name in space.sliders if space.attributes[name].measure is not None]
    if wrong := [name for name in asked or () if name not in possible]:
        raise DataError(unknown("slider of this space", wrong[0], possible))
    names = list(dict.fromkeys(possible if asked is None else asked))
    if not names:
        raise DataError(
            f"There is no slider whose attribute can be measured on images. Sliders of this space: "
            f"{', '.join(space.sliders) or 'none'}."
        )
    return names

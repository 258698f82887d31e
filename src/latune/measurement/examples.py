"""What is edited and measured: examples, the attributes that images have, and their spread in the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latune.attributes import Attribute, measure
from latune.codes import Gaussian
from latune.data import Dataset, spread
from latune.errors import DataError, unknown
from latune.measurement.encoding import CODES
from latune.measurement.result import Measurement
from latune.space import CHUNK, Space
from latune.training.generators import generator

STARTS = (*CODES, "prior")  # where the codes are from that a control moves
FEWEST = 2  # examples, where they are compared with each other
SAME = 1e-12  # a spread of this share of the values is rounding

Attributes = Sequence[str] | Mapping[str, Attribute] | None


@dataclass(frozen=True, repr=False)
class ControlMeasurement(Measurement):
    """What a control did, on which examples.

    Args:
        edit: what was measured, in words.
    """

    edit: str = ""

    @property
    def title(self) -> str:
        """What was measured, in one line."""
        what = f"{self.n:,} samples of the prior" if self.codes == "prior" else super().title
        return f"{self.edit}: {what}"

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"edit": self.edit} | super().as_dict()


@dataclass(frozen=True)
class Examples:
    """Images that fit a space, and what is known of them.

    Args:
        x: the images `(n, c, h, w)`.
        split: where they are from.
        labels: attribute name to its values of these images `[n]`; NaN where not known.
        everywhere: attribute name to its values in the whole split, from which its spread is taken.
        attributes: of the data.
    """

    x: Tensor
    split: str
    labels: dict[str, np.ndarray]
    everywhere: dict[str, np.ndarray]
    attributes: dict[str, Attribute]


def examples(space: Space, data: Any, split: str, codes: str, limit: int, resamples: int) -> Examples:
    """The images to measure on, when everything fits.

    Raises:
        DataError: no such split or an empty one, no images, images of another shape, other codes than `mean`,
            `sample` or `prior`, a limit below 1, or a single resample.
    """
    if codes not in STARTS:
        raise DataError(f"codes is 'mean', 'sample' or 'prior'. Got '{codes}'.")
    if limit < 1:
        raise DataError(f"limit is 1 or more. Got {limit}.")
    if resamples < 0 or resamples == 1:
        raise DataError(f"resamples is 0 for no intervals, or 2 and more. Got {resamples}.")
    if not isinstance(data, Dataset):
        x = space._take(data)
        if len(x) == 0:
            raise DataError("There are no images to measure on.")
        return Examples(x[spread(torch.arange(len(x)), limit)], "given", {}, {}, {})
    if split not in data.splits:
        raise DataError(unknown(f"split of '{data.name}'", split, data.splits))
    whole = data.splits[split]
    if len(whole) == 0:
        raise DataError(f"The {split} split of '{data.name}' is empty: there is nothing to measure on.")
    rows = spread(whole, limit)
    labels = {name: data.column(name, rows).double().cpu().numpy() for name in data.attributes}
    everywhere = {name: data.column(name, whole).double().cpu().numpy() for name in data.attributes}
    return Examples(space._take(data.examples(rows)), split, labels, everywhere, dict(data.attributes))


def start(space: Space, q: Gaussian, codes: str, seed: int) -> Tensor:
    """The codes that a control moves: the posterior's mean, a draw from it, or as many samples of the prior."""
    if codes == "mean":
        return q.mean
    if codes == "sample":
        return q.sample(generator(seed, "control", device=space.device))
    return space.codes.sample(len(q.mean), generator(seed, "control")).to(space.device)


def measurable(space: Space, known: Mapping[str, Attribute], asked: Attributes) -> dict[str, Attribute]:
    """The attributes that can be measured on images: all of the space and the data, or those asked for.

    Raises:
        DataError: a name that is not known, or of a mere label.
    """
    if isinstance(asked, str):
        raise DataError(f"attributes is a list of names, as ['{asked}']. Got the text '{asked}'.")
    if isinstance(asked, Mapping):
        chosen = {name: replace(attribute, name=name) for name, attribute in asked.items()}
    else:
        every = {**known, **space.attributes}
        if wrong := [name for name in asked or () if name not in every]:
            raise DataError(unknown("attribute", wrong[0], every))
        chosen = {name: a for name, a in every.items() if (a.measure is not None if asked is None else name in asked)}
    if labels := [name for name, attribute in chosen.items() if attribute.measure is None]:
        raise DataError(f"'{labels[0]}' is only a label: it cannot be measured on what is decoded.")
    return chosen


def measured(
    space: Space, attributes: Mapping[str, Attribute], stages: Sequence[Tensor]
) -> list[dict[str, np.ndarray]]:
    """The attributes of several sets of examples, measured together: for each set name to `[n]`."""
    out: list[dict[str, np.ndarray]] = [{} for _ in stages]
    if attributes:
        every = torch.cat([some.cpu() for some in stages])
        together = measure(list(attributes.values()), space.medium.shown(every))
        ends = np.cumsum([len(images) for images in stages])[:-1]
        for name, values in together.items():
            for stage, part in zip(out, np.split(values, ends), strict=True):
                stage[name] = part
    return out


def spreads(
    attributes: Mapping[str, Attribute],
    of: Examples,
    original: Mapping[str, np.ndarray],
    given: Mapping[str, float] | None,
) -> tuple[dict[str, float], list[str]]:
    """Standard deviation of each attribute that is a number and varies in the data, and a note on those that do not."""
    out: dict[str, float] = {}
    still = []
    for name, attribute in attributes.items():
        if given is not None and name in given:
            out[name] = given[name]
        elif attribute.kind != "categorical":
            values = of.everywhere.get(name, original[name])
            values = values[~np.isnan(values)]
            width = float(values.std()) if len(values) else 0.0
            if width > SAME * np.abs(values).max(initial=0.0):
                out[name] = width
            else:
                still.append(name)
    names = ", ".join(still)
    return out, [f"The same value in every example, so nothing to measure it in: {names}."] if still else []


def in_chunks(function: Callable[[Tensor], Any], x: Tensor) -> np.ndarray:
    """A function of images, some at a time, as an array on the CPU."""
    with torch.no_grad():
        return torch.cat([torch.as_tensor(function(chunk)).detach().cpu() for chunk in x.split(CHUNK)]).numpy()

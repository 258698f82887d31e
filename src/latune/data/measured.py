"""Attributes measured on the examples of a data set, beside those it came with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from latune.attributes import by_name, measure
from latune.data.dataset import Dataset
from latune.errors import DataError

CHUNK = 8192


def with_measured(data: Dataset, names: Sequence[str]) -> Dataset:
    """The same data with more attributes: Latune's own by name, or functions as `module:function`.

    Raises:
        DataError: for a name that is neither, or that the data already have.
        AttributeFunctionError: when a function cannot be loaded, raises, or returns anything but numbers.
    """
    try:
        attributes = [by_name(name) for name in names]
    except KeyError as error:
        raise DataError(str(error.args[0])) from None
    if clash := [a.name for a in attributes if a.name in data.attributes]:
        raise DataError(f"'{data.name}' already has {', '.join(clash)}; measure attributes under other names.")
    parts = []
    for chunk in torch.arange(len(data)).split(CHUNK):
        values = measure(attributes, data.medium.shown(data.raw(chunk)))
        parts.append(np.stack([values[a.name] for a in attributes], axis=1))
    columns = np.concatenate(parts)
    for i, attribute in enumerate(attributes):
        column = columns[:, i]
        attributes[i] = replace(attribute, range=(float(column.min()), float(column.max())))
    values = torch.cat([data.values, torch.from_numpy(columns.astype(np.float32)).to(data.device)], dim=1)
    return replace(
        data,
        attributes={**data.attributes, **{a.name: a for a in attributes}},
        values=values,
        provenance={**data.provenance, "measured": list(names)},
    )

"""Your own images as arrays or tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from latune.data.dataset import InMemory
from latune.data.kinds import column
from latune.data.splits import FRACTIONS, make_splits
from latune.data.table import listed, some
from latune.errors import DataError, LatuneError, unknown
from latune.pictures import as_pixels, plain_array


def from_arrays(
    images: Any,
    attributes: Mapping[str, Any] | None = None,
    *,
    kinds: Mapping[str, str] | None = None,
    seed: int = 0,
    split: Sequence[float] = FRACTIONS,
    name: str = "arrays",
) -> InMemory:
    """A data set from images in memory.

    Args:
        images: numpy array or torch tensor `[n, h, w]`, `[n, h, w, c]` or `[n, c, h, w]`, uint8 or floats in [0, 1].
        attributes: for each name, `n` numbers, truth values or words.
        kinds: kinds of attributes, where the inferred ones are not right, for example `{"year": "real"}`.
        seed: of the split.
        split: shares of training, validation and test.
        name: of the data set.

    Raises:
        DataError: with all that is wrong: shape, type or range of the images; length or values of the attributes.

    >>> data = from_arrays(np.zeros((10, 8, 8), np.uint8), {"style": ["bold", "thin"] * 5})
    >>> data, data.column("style")[:3]
    (InMemory('arrays', 10 x 1x8x8, style), tensor([0., 1., 0.]))
    """
    pixels = as_pixels(images)
    attributes, kinds = {} if attributes is None else attributes, kinds or {}
    if not isinstance(attributes, Mapping):
        raise DataError(
            "Attributes are a dict of values by name, for example {'ink': values}; a table as "
            f"table.to_dict('list'). Got {type(attributes).__name__}."
        )
    if wrong := [key for key in attributes if not isinstance(key, str)]:
        raise DataError(f"Names of attributes are text. Got {', '.join(map(repr, wrong))}.")
    columns, problems = {}, []
    for key, values in attributes.items():
        try:
            columns[key] = column(key, _values(key, values, len(pixels)), kinds.get(key))
        except LatuneError as error:
            problems.append(str(error))
    problems += [
        unknown("attribute in kinds", key, attributes or {}) for key in kinds or {} if key not in (attributes or {})
    ]
    if problems:
        raise DataError(listed("The attributes cannot be used", problems))
    stacked = np.stack([each.values for each in columns.values()], axis=1) if columns else np.zeros((len(pixels), 0))
    return InMemory(
        name=name,
        shape=(pixels.shape[1], pixels.shape[2], pixels.shape[3]),
        attributes={key: each.attribute for key, each in columns.items()},
        values=torch.from_numpy(stacked.astype(np.float32)),
        splits=make_splits(len(pixels), split, seed=seed),
        provenance={
            "source": "arrays in memory",
            "licence": "the user's own",
            "split": {"rule": "random", "fractions": list(split), "seed": seed},
            "classes": {key: list(each.classes) for key, each in columns.items() if each.classes},
        },
        pixels=torch.from_numpy(pixels),
    )


def _values(name: str, values: Any, n: int) -> np.ndarray:
    """The values of one attribute as a plain array of numbers or words."""
    array = plain_array(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (n,):
        raise DataError(f"Attribute '{name}' has shape {list(array.shape)}; for {n:,} images it must be [{n}].")
    if array.dtype.kind == "O":
        words = all(isinstance(value, str) for value in array)
        try:
            array = array.astype(str) if words else array.astype(np.float64)
        except (TypeError, ValueError):
            raise DataError(f"Attribute '{name}' mixes numbers and other things; give numbers or words.") from None
    if array.dtype.kind not in "fiubU":
        raise DataError(f"Attribute '{name}' holds {array.dtype}; it must hold numbers, truth values or words.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = [f"row {i} is {array[i]}" for i in np.flatnonzero(~np.isfinite(array))]
        raise DataError(f"Attribute '{name}' holds values that are not finite: {'; '.join(some(bad))}.")
    return array

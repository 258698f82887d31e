"""Your own images as arrays or tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from latune.data.dataset import InMemory
from latune.data.kinds import column
from latune.data.splits import FRACTIONS, make_splits
from latune.data.table import listed, some
from latune.errors import DataError, LatuneError, unknown

SHAPES = "[n, h, w], [n, h, w, c] or [n, c, h, w] with c = 1 or 3"


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


def as_pixels(images: Any) -> UInt8[np.ndarray, "n c h w"]:
    """Images of any allowed shape and type as uint8 `[n, c, h, w]`.

    >>> as_pixels(torch.ones(2, 5, 4)).shape
    (2, 1, 5, 4)
    """
    array = _numpy(images)
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim == 4 and array.shape[1] not in (1, 3) and array.shape[3] in (1, 3):
        array = array.transpose(0, 3, 1, 2)
    if array.ndim != 4 or array.shape[1] not in (1, 3) or 0 in array.shape:
        raise DataError(f"The images have shape {list(np.shape(images))}. Allowed: {SHAPES}.")
    if array.dtype == np.bool_:
        return np.ascontiguousarray(array.astype(np.uint8) * 255)
    if array.dtype == np.uint8:
        return np.array(array, order="C")  # a copy: a later change of the user's array must not change the data
    if array.dtype.kind != "f":
        raise DataError(
            f"The images are {array.dtype}. Allowed: uint8 (0 to 255), floats in [0, 1], or truth values; "
            "for whole numbers up to 255 use images.astype('uint8')."
        )
    flat = array.reshape(len(array), -1)
    bad = np.flatnonzero(~np.isfinite(flat).all(axis=1))
    if len(bad):
        raise DataError(f"{len(bad):,} of {len(array):,} images hold NaN or infinity; the first is image {bad[0]}.")
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 1:
        hint = " Divide by 255, or give uint8." if low >= 0 and 1 < high <= 255 else ""
        raise DataError(f"The images run from {low:g} to {high:g}; floats must lie in [0, 1].{hint}")
    return np.ascontiguousarray(np.round(array * 255).astype(np.uint8))


def _numpy(values: Any) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        return (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    return np.asarray(values)


def _values(name: str, values: Any, n: int) -> np.ndarray:
    """The values of one attribute as a plain array of numbers or words."""
    array = _numpy(values)
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

"""Numbers from whatever a user holds: numpy arrays, torch tensors, lists; checked before anything is computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from latune.errors import DataError

LARGEST = 1e100  # squares and sums of squares of anything smaller stay finite in float64


def as_array(data: Any, what: str, missing: bool = False) -> np.ndarray:
    """`data` as a finite floating-point array on the CPU; float32 stays float32, integers become float64.

    Args:
        data: an array, a tensor on any device, or nested lists.
        what: how the data is called in a message, e.g. "codes".
        missing: let NaN stand for values that are not known.

    Raises:
        DataError: no numbers, text, ragged rows, or values that are NaN, infinite or beyond 1e100.

    >>> as_array([[1, 2], [3, 4]], "codes").dtype
    dtype('float64')
    """
    if hasattr(data, "detach"):  # a tensor: numpy has no bfloat16, and float() leaves float32 as it is
        data = data.detach().cpu()
        data = (data.float() if data.dtype.itemsize < 4 and data.dtype.is_floating_point else data).numpy()
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise DataError(f"The {what} have rows of different lengths; give one array of numbers.") from error
    if array.dtype.kind not in "fiub":
        raise DataError(
            f"The {what} hold {array.dtype} values, not numbers (for example {array.ravel()[:1].tolist()}). "
            "Give numbers; classes as indices 0, 1, 2, ..."
        )
    if array.size == 0:
        raise DataError(f"The {what} are empty: their shape is {list(array.shape)}.")
    if array.dtype.kind != "f" or array.dtype.itemsize < 4:
        array = array.astype(np.float64)
    good = np.abs(array) <= min(LARGEST, float(np.finfo(array.dtype).max))  # false for NaN as well
    wrong = "infinite" if missing else "NaN, infinite"
    if missing:
        good |= np.isnan(array)
    if not good.all():
        first = np.argwhere(~good)[0].tolist()
        raise DataError(
            f"The {what} hold {int((~good).sum())} values that are {wrong} or beyond {LARGEST:g} "
            f"(the first at {first}: {array[tuple(first)]}). Remove those rows, or mend what made them."
        )
    return array

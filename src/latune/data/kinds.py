"""From the values of a column to an attribute: which kind it is, and each value as a number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from latune.attributes.attribute import KINDS, Attribute, Kind
from latune.errors import DataError, unknown

FEW = 20  # so many different whole numbers are still classes; more are a scale
MANY = 100  # so many different words are still classes; more are a text or a name


@dataclass(frozen=True)
class Column:
    """An attribute with its values; `classes` are the words or numbers behind the indices 0, 1, ..."""

    attribute: Attribute
    values: Float32[np.ndarray, " n"]
    classes: tuple[str, ...] = ()


def column(name: str, values: np.ndarray, kind: str | None = None) -> Column:
    """Read values as an attribute.

    Two different values are `binary`, words and up to 20 different whole numbers are `categorical`, the rest is `real`.
    Classes are numbered in the order of their values. `kind` overrules this.

    Args:
        name: of the attribute.
        values: finite numbers, or words, `[n]`.
        kind: one of `real`, `binary`, `categorical`, `unit`, or None to infer it.

    Raises:
        DataError: the values cannot be of this kind, or are more words than can be classes.

    >>> column("style", np.array(["serif", "bold", "serif"])).values
    array([1., 0., 1.], dtype=float32)
    >>> column("age", np.array([31.5, 20.0, 64.0])).attribute.range
    (20.0, 64.0)
    """
    if kind is not None and kind not in KINDS:
        raise DataError(unknown(f"kind of attribute '{name}'", kind, KINDS))
    words = values.dtype.kind not in "fiub"
    different, indices = np.unique(values, return_inverse=True)
    if kind is None:
        kind = _inferred(different, len(values), words)
    if kind in ("real", "unit"):
        return _number(name, values, kind, words)
    if kind == "binary" and len(different) > 2:
        raise DataError(f"Attribute '{name}' cannot be binary: it has {len(different)} different values.")
    if len(different) > MANY:
        raise DataError(
            f"Attribute '{name}' has {len(different)} different values, too many for classes "
            f"(at most {MANY}). Leave it out, or give it as numbers."
        )
    if kind == "binary" and len(different) == 1 and not words and different[0] in (0, 1):
        indices = values.astype(np.int64)  # one value only, but its own index
        different = np.array([0, 1])
    classes = tuple(str(word) if words else f"{word:g}" for word in different)
    attribute = Attribute(name, "binary" if kind == "binary" else "categorical", (0.0, float(max(1, len(classes) - 1))))
    return Column(attribute, indices.astype(np.float32), classes)


def _inferred(different: np.ndarray, n: int, words: bool) -> Kind:
    if len(different) == 2:
        return "binary"
    if words:
        return "categorical"
    # Each class should be seen twice: five whole numbers in five images are more likely a scale.
    few = 2 < len(different) <= FEW and 2 * len(different) <= n
    return "categorical" if few and bool(np.all(different == np.round(different))) else "real"


def _number(name: str, values: np.ndarray, kind: str, words: bool) -> Column:
    if words:
        raise DataError(f"Attribute '{name}' holds words such as '{values[0]}'; it cannot be {kind}.")
    low, high = float(values.min()), float(values.max())
    if kind == "unit":
        if low < 0 or high > 1:
            raise DataError(f"Attribute '{name}' cannot be unit: its values run from {low:g} to {high:g}, not 0 to 1.")
        return Column(Attribute(name, "unit", (0.0, 1.0)), values.astype(np.float32))
    return Column(Attribute(name, "real", (low, high)), values.astype(np.float32))

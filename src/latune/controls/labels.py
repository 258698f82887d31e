"""Lessons from labels: a column of a data set, or a value beside each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latune.controls.lesson import KIND_OF, Encoded, Kind, Lesson, lesson_of
from latune.data import Dataset
from latune.errors import DataError, did_you_mean, unknown


def lesson_of_values(
    name: str,
    codes: Encoded,
    values: Any,
    kind: Kind | None = None,
    classes: Sequence[str] = (),
    rest: Encoded | None = None,
    seed: int = 0,
) -> Lesson:
    """A lesson from a value beside each image.

    Args:
        name: of what is taught.
        codes: of the images.
        values: one each.
        kind: what they are; found out where left out.
        classes: names of classes.
        rest: codes that nothing is known of, to stand beside the examples of 0 of a label.
        seed: of what is kept for measuring.
    """
    array = values if kind is not None else [float(value) for value in values]
    found = kind or kind_of(torch.as_tensor(array))
    if rest is not None:
        if found != "label":
            raise DataError(f"rest goes with a label, of 0 and 1. The values of '{name}' are {found}.")
        codes = Encoded(torch.cat([codes.mean, rest.mean]), torch.cat([codes.scale, rest.scale]))
        array = np.r_[np.asarray(array, dtype=np.float64), np.zeros(len(rest))]
    return lesson_of(name, codes, array, found, classes, seed=seed)


def lesson_of_column(
    name: str,
    data: Dataset,
    codes: Encoded,
    attribute: str | None = None,
    kind: Kind | None = None,
    classes: Sequence[str] = (),
    seed: int = 0,
) -> Lesson:
    """A lesson from an attribute of a data set, or from `attribute=class`, which is a label.

    Args:
        name: of what is taught, and the attribute's where that is left out.
        data: of which the training split is used.
        codes: of the training split, in its order.
        attribute, kind, classes, seed: as in `Controls.learn`.

    Raises:
        DataError: an attribute or a class that the data do not have.
    """
    value, found, names, unit = column_of(data, attribute or name, kind, classes)
    return lesson_of(name, codes, value, found, names, unit, seed=seed)


def lesson_of_columns(name: str, data: Dataset, codes: Encoded, attributes: Sequence[str], seed: int = 0) -> Lesson:
    """A lesson from several labels at once: binary attributes of a data set, or classes of others as `attribute=class`.

    Args:
        name: of what is taught.
        data: of which the training split is used.
        codes: of the training split, in its order.
        attributes: two or more, in the order of the columns.
        seed: of what is kept for measuring.

    Raises:
        DataError: attributes that the data do not have, that are no labels, or fewer than two.
    """
    if isinstance(attributes, str) or len(set(attributes)) < max(2, len(attributes)):
        raise DataError(
            f'attributes= takes two or more attributes, each once, as ("smiling", "male"). Got {attributes!r}.'
        )
    columns = [column_of(data, attribute) for attribute in attributes]
    other = [each for each, (_, kind, _, _) in zip(attributes, columns, strict=True) if kind != "label"]
    if other:
        raise DataError(
            f"Several attributes at once are yes or no, each. '{other[0]}' of '{data.name}' is not; learn it as a "
            f"control of its own, or name one class: '{other[0]}=...'."
        )
    values = torch.stack([value for value, *_ in columns], dim=1)
    return lesson_of(name, codes, values, "labels", tuple(attributes), seed=seed)


def column_of(
    data: Dataset, attribute: str, kind: Kind | None = None, classes: Sequence[str] = ()
) -> tuple[Tensor, Kind, tuple[str, ...], str]:
    """The training split's values of an attribute, or of `attribute=class`: with their kind, names of classes, unit."""
    column, equals, wanted = attribute.partition("=")
    if column not in data.attributes:
        hint = did_you_mean(column, data.attributes)
        raise DataError(
            f"'{data.name}' has no attribute '{column}'. {hint + ' ' if hint else ''}"
            f"It has: {', '.join(data.attributes) or 'none'}."
        )
    described = data.attributes[column]
    found: Kind = kind or KIND_OF[described.kind]
    value = data.column(column, data.splits["training"]).cpu()
    names = tuple(classes) or class_names(data, column)
    if equals:
        place = names.index(wanted) if wanted in names else int(wanted) if wanted.isdecimal() else None
        if place is None or not bool((value == place).any()):
            known = names or sorted({f"{each:g}" for each in value.unique().tolist()})
            raise DataError(unknown(f"value of '{column}'", wanted, known))
        return (value == place).float(), "label", (), ""
    return value, found, names if found == "classes" else (), described.unit


def class_names(data: Dataset, attribute: str) -> tuple[str, ...]:
    """Names of the classes of an attribute, where the data set tells them."""
    names = data.provenance.get("classes", {})
    names = names.get(attribute, ()) if isinstance(names, Mapping) else ()
    return tuple(str(name) for name in names)


def kind_of(values: Tensor) -> Kind:
    """What values are: labels where they are 0 and 1, else a real attribute."""
    return "label" if bool(((values == 0) | (values == 1)).all()) else "real"

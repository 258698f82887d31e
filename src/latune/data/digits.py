"""Scikit-learn's handwritten digits: 1,797 real ones of 8x8 pixels, on hand without a download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from latune.attributes.attribute import Attribute
from latune.data.dataset import InMemory
from latune.data.home import cache_home
from latune.data.splits import FRACTIONS, make_splits

DIGIT = Attribute("digit", "categorical", (0.0, 9.0))


def load(*, seed: int = 0, split: Sequence[float] = FRACTIONS) -> InMemory:
    """The digits with their class and the six measures of their strokes, which are measured once and kept.

    Grey values 0 to 16 are scaled to 0 to 255.

    Source: Optical Recognition of Handwritten Digits, Alpaydin and Kaynak 1998,
    https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits

    >>> load()
    InMemory('digits', 1,797 x 1x8x8, digit, area, length, thickness, slant, width, height)
    """
    from sklearn.datasets import load_digits

    data, classes = load_digits(return_X_y=True)
    images = np.round(np.asarray(data).reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    attributes, values = with_morphology(images, np.asarray(classes))
    return InMemory(
        name="digits",
        shape=(1, 8, 8),
        attributes=attributes,
        values=values,
        splits=make_splits(len(images), split, seed=seed),
        provenance={
            "source": "scikit-learn load_digits (UCI Optical Recognition of Handwritten Digits, test part)",
            "licence": "CC BY 4.0",
            "split": {"rule": "random", "fractions": list(split), "seed": seed},
            "attributes": "measured by latune.attributes",
        },
        pixels=torch.from_numpy(images[:, None]),
    )


def with_morphology(images: np.ndarray, labels: np.ndarray) -> tuple[dict[str, Attribute], torch.Tensor]:
    """Attributes and values of digits: the class, then the six measured on the images `[n, h, w]`."""
    from latune.attributes.image import morphology

    measured = morphology(images, progress=len(images) > 5000, cache=cache_home() / "attributes")
    return with_measures(labels, measured)


def with_measures(labels: np.ndarray, measures: dict[str, np.ndarray]) -> tuple[dict[str, Attribute], torch.Tensor]:
    """Attributes and values of digits: the class, then these measures, each with the range seen."""
    from latune.attributes import ATTRIBUTES

    attributes = {DIGIT.name: DIGIT}
    for name, column in measures.items():
        attributes[name] = replace(ATTRIBUTES[name], range=(float(column.min()), float(column.max())))
    columns = [labels, *measures.values()]
    return attributes, torch.from_numpy(np.stack([np.asarray(column, np.float32) for column in columns], axis=1))

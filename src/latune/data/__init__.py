"""Images and melodies with named attributes and fixed splits, living on the device.

A new data set is one file and one line here.
"""

from __future__ import annotations

import inspect as introspection
from collections.abc import Callable, Mapping
from typing import Any

import torch

from latune.data import celeba, chair_folders, digits, folder, mnist, sprites, svhn, tunes
from latune.data.arrays import from_arrays
from latune.data.dataset import Dataset, InMemory, Memmap, Rendered, TokenData
from latune.data.export import export
from latune.data.home import cache_home, data_home
from latune.data.inspection import Inspection, inspect
from latune.data.measured import with_measured
from latune.data.option_types import wrong_types
from latune.data.scenes import chairs, heads
from latune.data.splits import make_splits, spread
from latune.errors import DataError, unknown

__all__ = [
    "DATASETS",
    "Dataset",
    "InMemory",
    "Inspection",
    "Memmap",
    "Rendered",
    "TokenData",
    "cache_home",
    "data_home",
    "export",
    "from_arrays",
    "inspect",
    "load",
    "make_splits",
    "options",
    "spread",
    "with_measured",
    "wrong_options",
]

DATASETS: dict[str, Callable[..., Dataset]] = {
    "digits": digits.load,
    "mnist": mnist.load,
    "sprites": sprites.load,
    "chairs": chairs.load,
    "heads": heads.load,
    "celeba": celeba.load,
    "svhn": svhn.load,
    "chair-folders": chair_folders.load,
    "folder": folder.load,
    "bach": tunes.bach,
    "folk": tunes.folk,
    "taberna": tunes.taberna,
    "nottingham": tunes.nottingham,
    "pop909": tunes.pop909,
    "tunes": tunes.tunes,
}


PLACES = {"path": "FOLDER"}  # what stands for the value of an option in messages


def load(name: str, *, seed: int = 0, device: str | torch.device = "cpu", **chosen: Any) -> Dataset:
    """A data set by name, on a device.

    Args:
        name: one of `DATASETS`.
        seed: of the split.
        device: where images and values are given out.
        **chosen: options of the data set (see its `load`), and for all of them `attributes` (the names to keep, in
            order), `limit` (draw so many examples at random, each in the split it was in) and `measure` (attributes to
            measure on the images: names, or functions of your own as `module:function`).

    Raises:
        DataError: an unknown name or option, or data that cannot be used.

    >>> load("sprites", attributes=["scale", "x"], limit=1000)
    Rendered('sprites', 1,000 x 1x64x64, scale, x)
    """
    if name not in DATASETS:
        raise DataError(unknown("data set", name, DATASETS))
    if wrong := wrong_options(name, chosen):
        raise DataError("\n".join(wrong))
    limit, measured = chosen.pop("limit", None), chosen.pop("measure", None)
    own = introspection.signature(DATASETS[name]).parameters
    keep = None if "attributes" in own else chosen.pop("attributes", None)
    dataset = DATASETS[name](seed=seed, **chosen)
    if keep is not None:
        dataset = dataset.only([keep] if isinstance(keep, str) else keep)
    if limit is not None:
        dataset = dataset.subset(limit, seed=seed)
    if measured:
        dataset = with_measured(dataset, measured)
    return dataset.to(device)


def wrong_options(name: str, chosen: Mapping[str, Any]) -> list[str]:
    """A sentence for every option that a data set does not have, needs and was not given, or has of another type.

    >>> wrong_options("digits", {"limt": 3})
    ["Unknown option 'limt' of data set 'digits'. Did you mean 'limit'? Allowed: attributes, limit, measure, split."]
    """
    allowed = options(name)
    wrong = [unknown(f"option of data set '{name}'", option, allowed) for option in chosen if option not in allowed]
    needed = [option for option, default in allowed.items() if default is introspection.Parameter.empty]
    wrong += [
        f"Data set '{name}' needs the option '{option}': data.{option}={PLACES.get(option, option.upper())} in a "
        f"recipe or behind `latune train`, {option}=... in Python."
        for option in needed
        if option not in chosen
    ]
    return wrong + wrong_types(DATASETS[name], chosen, f"of data set '{name}'")


def options(name: str) -> dict[str, Any]:
    """The options of a data set with their defaults; `inspect.Parameter.empty` where one must be given.

    >>> sorted(options("sprites"))
    ['attributes', 'limit', 'measure', 'split']
    """
    own = introspection.signature(DATASETS[name]).parameters
    return {"attributes": None, "limit": None, "measure": None} | {
        each.name: each.default for each in own.values() if each.name != "seed"
    }

"""The dim of every attribute, and what moving it does to the attribute of what is decoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from latune.attributes import measure
from latune.measurement import positions
from latune.metrics import monotonicity, mutual_information_matrix
from latune.metrics.correlation import spearman
from latune.papers.arvae.metrics import sampled_codes
from latune.papers.experiment import Measured, Subject, drawn

CHOSEN_ON = 5000  # validation examples that decide which dim an unordered model has for an attribute


def dims_of(subject: Subject) -> dict[str, int]:
    """The dim that an attribute is moved by: the one that was ordered by it, or the one that tells most of it.

    The choice falls on validation examples, by nearest-neighbour mutual information; test examples have no part in it.
    """
    names, columns = subject.attributes, subject.space.codes.columns()
    if all(name in subject.space.sliders for name in names):
        return {name: columns.index(name) for name in names}
    rows = drawn(subject.data.splits["validation"], CHOSEN_ON, subject.seed)
    values = torch.stack([subject.data.column(name, rows) for name in names], dim=1)
    information = mutual_information_matrix(
        sampled_codes(subject, rows).double().cpu().numpy(), values.double().cpu().numpy(), seed=subject.seed
    )
    return dict(zip(names, information.argmax(axis=0).tolist(), strict=True))


def sprite_size(images: np.ndarray) -> np.ndarray:
    """The side, in pixels, of a square with a sprite's area."""
    return np.sqrt((images > 0.5).sum(axis=(1, 2)))


def sprite_place(images: np.ndarray, axis: int) -> np.ndarray:
    """The mean position of a sprite's light along an axis, in pixels; the middle where there is none."""
    light = images.sum(axis=3 - axis, dtype=np.float64)  # (n, side)
    places = np.arange(light.shape[1])
    return (light @ places + 1e-9 * places.mean()) / (light.sum(axis=1) + 1e-9)


# Shape and orientation are known of the originals only: a blurred sprite has no certain one.
SPRITES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "scale": sprite_size,
    "x": lambda images: sprite_place(images, 2),
    "y": lambda images: sprite_place(images, 1),
}


def measurable(subject: Subject) -> list[str]:
    """The attributes that can be measured on decoded images."""
    if subject.data.name == "sprites":
        return [name for name in subject.attributes if name in SPRITES]
    return [name for name in subject.attributes if subject.data.attributes[name].measure is not None]


def measured(subject: Subject, names: list[str], x: Tensor) -> dict[str, np.ndarray]:
    """Attributes of decoded images `(n, 1, h, w)` or tokens `(n, t)`, each `[n]`."""
    if subject.data.name == "sprites":
        images = x[:, 0].cpu().numpy()
        return {name: SPRITES[name](images).astype(np.float64) for name in names}
    return measure([subject.data.attributes[name] for name in names], subject.space.medium.shown(x))


def traversals(subject: Subject, z: Tensor, column: int) -> Tensor:
    """What codes `(n, d)` decode to with one dim at ten values from -4 to 4: `(n, 10, c, h, w)`."""
    values = torch.from_numpy(positions()).to(z)
    moved = z[:, None].repeat(1, len(values), 1)  # (n, 10, d)
    moved[:, :, column] = values
    return subject.space.decode(moved.flatten(0, 1)).plain().unflatten(0, (len(z), len(values)))


def responses(subject: Subject, dims: Mapping[str, int]) -> dict[str, np.ndarray]:
    """For every measurable attribute: its values `[n, 10]` on what is decoded while its dim moves."""
    rows = drawn(subject.data.splits["test"], subject.settings["traversed"], subject.seed)
    z = sampled_codes(subject, rows)
    out = {}
    for name in measurable(subject):
        images = traversals(subject, z, dims[name])
        out[name] = measured(subject, [name], images.flatten(0, 1))[name].reshape(images.shape[:2])
    return out


def followed(subject: Subject) -> Measured:
    """The numbers behind the pictures: how well a dim's order is its attribute's, on data and when the dim moves.

    A dim that falls where its attribute rises counts as one that rises: nothing tells an unordered model the sign.
    """
    rows, names = subject.rows(), subject.attributes
    dims = dims_of(subject)
    z = sampled_codes(subject, rows)[:, list(dims.values())].double().cpu().numpy()
    values = torch.stack([subject.data.column(name, rows) for name in names], dim=1).double().cpu().numpy()
    rho = dict(zip(names, abs(spearman(z, values)[0].diagonal()).tolist(), strict=True))
    moved = monotonicity(positions(), responses(subject, dims))
    order = {name: abs(value) for name, value in moved.per_attribute.items()}
    numbers = {
        "rank-correlation": float(np.mean(list(rho.values()))),
        "monotonicity": float(np.mean(list(order.values()))),
        "linearity": float(np.mean(list(moved.detail["linearity"].values()))),
    }
    detail = {
        "dim": dims,
        "rank-correlation": rho,
        "monotonicity": order,
        "linearity": moved.detail["linearity"],
        "strictly_monotone": moved.detail["strictly_monotone"],
        "rows": len(rows),
    }
    return Measured(numbers, detail)

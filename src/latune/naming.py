"""Names for codes that a model found by itself: those that the user gives, or of the attributes that they follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from latune.attributes import measure
from latune.calibration import Calibration
from latune.codes import Categorical, Codes
from latune.controls import REALISM, RESERVED
from latune.coordinates import NOISE
from latune.data import Dataset, spread
from latune.errors import DataError, RunError, unknown
from latune.metrics.correlation import spearman
from latune.metrics.recovery import confusion, one_to_one
from latune.models import InfoGAN
from latune.training import generator

DRAWS = 2000  # images that are made and measured
CHUNK = 1000  # images that pass through a network at once
ENCODED = 5000  # training images whose classes are read
LEAST = 0.4  # of a rank correlation, or of images that are of the class that is said: below it a code has no name


@dataclass(frozen=True)
class Named:
    """A code and the attribute that it follows.

    Args:
        code: what it was called.
        name: what it is called now; the same where it follows nothing well enough.
        follows: Spearman's correlation over draws of the prior, or over training images where only labels tell of the
            attribute; of classes, the share of training images whose class is the one that is said of them.
        nearest: the attribute that it follows most.
    """

    code: str
    name: str
    follows: float
    nearest: str


def rename(space: Any, names: Mapping[str, str]) -> None:
    """Call codes by other names, from now on and in the run that is saved.

    Raises:
        DataError: a code that there is not, or a name that is none, or is another's already.
        RunError: a model whose codes have names that mean something to it.
    """
    model = _infogan(space)
    told = list(model.told)
    if missing := [code for code in names if code not in told]:
        raise DataError(unknown("code", missing[0], told))
    after = [names.get(code, code) for code in told]
    for name in after:
        if wrong := _not_a_name(space, name):
            raise DataError(wrong)
        if after.count(name) > 1:
            raise DataError(f"'{name}' would be the name of two codes. Choose another name.")
    called = dict(zip(told, after, strict=True))
    model.codes = Codes({called.get(name, name): factor for name, factor in model.codes.items()})
    model.told = Codes({called[name]: factor for name, factor in model.told.items()})
    space.codes = model.codes
    for code in (code for code in space.calibration if code in called and code in space.attributes):
        space.attributes.setdefault(called[code], replace(space.attributes[code], name=called[code]))
    space.calibration = {called.get(name, name): known for name, known in space.calibration.items()}
    settings = {**space.spec.settings, "names": after}
    model.follow = {called[name]: motion for name, motion in model.follow.items()}
    model.mirror = tuple(called[name] for name in model.mirror)
    settings |= {"follow": model.follow} if model.follow else {}
    settings |= {"mirror": list(model.mirror)} if model.mirror else {}
    space.spec = replace(space.spec, settings=settings)
    vars(space).pop("coordinates", None)  # made of the codes when it is asked for


def name_after(space: Any, data: Dataset, least: float = LEAST, seed: int = 0) -> list[Named]:
    """Name each code after the attribute that it follows, turned so that both rise together.

    Numbers follow what is measured on images that are made, or, of attributes that only labels tell of, what training
    images are recognised as; one code an attribute, the strongest first. Classes are
    held beside a categorical attribute of as many classes, on training images, and numbered as these are. Labels are
    used for names only; what the model makes and recognises stays the same, but that codes are mirrored and classes
    renumbered, in the weights of its first and last layers.

    Args:
        space: of an InfoGAN, without controls.
        data: whose attributes give the names.
        least: how far a code has to follow an attribute.
        seed: of the draws.

    Returns:
        Each code with what it follows, in order.

    Raises:
        RunError: another model, or one that has controls, which belong to its weights.
    """
    model = _infogan(space)
    if len(space.controls):
        raise RunError("Controls belong to the weights that they were learned for. Name codes first, or remove them.")
    follows = [*_numbers(space, data, seed), *_classes(space, data)]
    found: list[Named] = []
    names: dict[str, str] = {}
    for code in model.told:
        own = [each for each in follows if each.code == code]
        if not own:
            found.append(Named(code, code, 0.0, ""))
            continue
        best = max(own, key=lambda each: abs(each.strength))
        taken = {*names.values(), *model.told} - {code}
        free = best.attribute not in taken and not _not_a_name(space, best.attribute)
        if abs(best.strength) >= least and free:
            names[code] = best.attribute
            _turn(space, best, data)
        found.append(Named(code, names.get(code, code), abs(best.strength), best.attribute))
    rename(space, names)
    return found


def _turn(space: Any, best: Follows, data: Dataset) -> None:
    """Let a code rise with its attribute, or count its classes as the attribute does; and keep the map of a number."""
    if best.classes is not None:
        renumber(space, best.code, best.classes)
    if best.points is not None:
        sign = -1.0 if best.strength < 0 else 1.0
        if sign < 0:
            mirror(space, best.code)
        attribute = data.attributes[best.attribute]
        space.attributes.setdefault(attribute.name, attribute)
        known = Calibration.fit(sign * best.points[0], best.points[1], source=best.source, unit=attribute.unit)
        space.calibration[best.code] = known


def mirror(space: Any, code: str) -> None:
    """Turn a code of a number round: the same model, in which what was c is called -c."""
    model = _infogan(space)
    (column,) = space.coordinates.columns(code)
    first, last = _ends(space)
    with torch.no_grad():
        first.weight[:, column] *= -1
        row = _rows(model.told, code).start
        last.weight[row] *= -1
        last.bias[row] *= -1


def renumber(space: Any, code: str, numbers: Sequence[int]) -> None:
    """Give the classes of a code other numbers: what was class k is class `numbers[k]`."""
    model = _infogan(space)
    first, last = _ends(space)
    columns, rows = space.codes.slice(code), _rows(model.told, code)
    before = torch.as_tensor(np.argsort(numbers), device=first.weight.device)
    with torch.no_grad():
        first.weight[:, columns] = first.weight[:, columns][:, before]
        last.weight[rows] = last.weight[rows][before]
        last.bias[rows] = last.bias[rows][before]


@dataclass(frozen=True)
class Follows:
    """How far a code follows an attribute; the attribute's class of each of its own, or the points behind a number."""

    code: str
    attribute: str
    strength: float
    classes: Sequence[int] | None = None
    points: tuple[np.ndarray, np.ndarray] | None = None
    source: str = "decoded"


def _numbers(space: Any, data: Dataset, seed: int) -> list[Follows]:
    """Each code of a number with an attribute of its own, so that the whole is followed most."""
    from scipy.optimize import linear_sum_assignment

    codes = [name for name in space.model.told if not isinstance(space.codes[name], Categorical)]
    if not codes:
        return []
    at = [space.coordinates.column(code) for code in codes]
    seen = [*_measured(space, data, at, seed), *_labelled(space, data, at)]
    varied = [each for each in seen if np.isfinite(each.values).all() and np.ptp(each.values) > 0]
    if not varied:
        return []
    rho = np.stack([np.asarray(spearman(each.codes, each.values[:, None])[0])[:, 0] for each in varied], 1)
    pairs = zip(*linear_sum_assignment(-np.abs(rho)), strict=True)
    return [
        Follows(
            codes[i],
            varied[j].attribute,
            float(rho[i, j]),
            points=(varied[j].codes[:, i], varied[j].values),
            source=varied[j].source,
        )
        for i, j in pairs
    ]


@dataclass(frozen=True)
class _Beside:
    """An attribute's values of some images `[n]`, the codes of these `[n, k]`, and where both are from."""

    attribute: str
    codes: np.ndarray
    values: np.ndarray
    source: str


def _measured(space: Any, data: Dataset, at: Sequence[int], seed: int) -> list[_Beside]:
    """Attributes that images can be measured for: made images, and the codes that they were made from."""
    names = [name for name, each in data.attributes.items() if each.measure is not None and each.kind == "real"]
    if not names:
        return []
    z = space.codes.sample(DRAWS, generator(seed, "names", device=space.device), space.device)
    values = measure([data.attributes[name] for name in names], space.medium.shown(space.decode(z).plain()))
    codes = z[:, at].double().cpu().numpy()
    return [_Beside(name, codes, np.asarray(values[name], dtype=np.float64), "decoded") for name in names]


def _labelled(space: Any, data: Dataset, at: Sequence[int]) -> list[_Beside]:
    """Attributes that only labels tell of: training images, and the codes that they are recognised as."""
    numbers = {name: each for name, each in data.attributes.items() if each.kind != "categorical"}
    names = [name for name, each in numbers.items() if each.measure is None]
    if not names:
        return []
    rows = spread(data.splits["training"], ENCODED)
    codes = torch.cat([space.encode(data.examples(some))[:, at] for some in rows.split(CHUNK)]).double().cpu().numpy()
    return [_Beside(name, codes, data.column(name, rows).double().cpu().numpy(), "labels") for name in names]


def _classes(space: Any, data: Dataset) -> list[Follows]:
    """Each code of classes with each categorical attribute of as many, matched one to one."""
    sizes = {code: k for code in space.model.told if (k := len(space.coordinates.classes(code)))}
    names = [name for name, attribute in data.attributes.items() if attribute.kind == "categorical"]
    if not sizes or not names:
        return []
    rows = spread(data.splits["training"], ENCODED)
    z = torch.cat([space.encode(data.examples(some)) for some in rows.split(CHUNK)])
    found: list[Follows] = []
    for code, k in sizes.items():
        told = z[:, space.codes.slice(code)].argmax(1).cpu().numpy()
        for name in names:
            truth = data.column(name, rows).long().cpu().numpy()
            if truth.min() >= 0 and truth.max() < k:
                table = confusion(told, truth, (k, k))
                classes = one_to_one(table)
                share = float(table[np.arange(k), classes].sum() / len(rows))
                found.append(Follows(code, name, share, classes=classes.tolist()))
    return found


def not_a_name(name: Any) -> str:
    """Why no code can be called this; empty where one can.

    >>> not_a_name("slant"), not_a_name("to")
    ('', "'to' means something else to a Space already. Choose another name.")
    """
    if not isinstance(name, str) or not name.isidentifier():
        return f"A name is one word of letters, digits and _, not beginning with a digit. Got {name!r}."
    if name in RESERVED or name in (REALISM, NOISE):
        return f"'{name}' means something else to a Space already. Choose another name."
    return ""


def _not_a_name(space: Any, name: Any) -> str:
    taken = f"'{name}' is the name of a control. Choose another name." if name in space.controls else ""
    return not_a_name(name) or taken


def _infogan(space: Any) -> InfoGAN:
    if not isinstance(space.model, InfoGAN):
        raise RunError(f"Names are for codes that a model found by itself, InfoGAN's. Got {space.spec.model}.")
    return space.model


def _ends(space: Any) -> tuple[nn.Linear, nn.Linear]:
    """The generator's first layer and the recogniser's last one, through which codes go, to be changed."""
    model, space._located = space.model, None  # codes that were found are others now
    layers = [[each for each in net.modules() if isinstance(each, nn.Linear)]
              for net in (model.decoder, model.encoder.codes)]  # fmt: skip
    first, last = (each[place] if each else None for each, place in zip(layers, (0, -1), strict=True))
    if (
        first is None
        or last is None
        or (first.in_features, last.out_features) != (model.codes.width, model.told.params)
    ):
        raise RunError(
            "Codes are mirrored in a fully connected first layer of the generator, and last one of the recogniser. "
            "These nets have others; give names yourself: space.rename(c2='slant')."
        )
    return first, last


def _rows(told: Codes, code: str) -> slice:
    """Where a recogniser's columns about a code are; of a number the first is its mean."""
    start = 0
    for name, factor in told.items():
        if name == code:
            return slice(start, start + factor.params)
        start += factor.params
    raise KeyError(code)

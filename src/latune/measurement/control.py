"""What a control does: any move of a Space, or any edit of images, measured on what is decoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from latune.errors import DataError
from latune.measurement.examples import (
    FEWEST,
    Attributes,
    ControlMeasurement,
    Examples,
    examples,
    in_chunks,
    measurable,
    measured,
    spreads,
    start,
)
from latune.measurement.stages import Stages
from latune.metrics import RESAMPLES
from latune.metrics.realism import realism_shift
from latune.metrics.success import DIRECTIONS
from latune.metrics.zmse import zmse
from latune.moves import Move
from latune.music import Melodies
from latune.pictures import Images
from latune.space import Space

EDITED = 1000  # examples that are edited and measured
TOLERANCE = 0.25  # of a real attribute, in standard deviations of the data


def measure_control(
    space: Space,
    edit: Any,
    data: Any,
    split: str = "test",
    *,
    target: Any = None,
    attributes: Attributes = None,
    classifier: Any = None,
    label: str | Sequence[str] | None = None,
    realism: Callable[[Tensor], Any] | None = None,
    spread: Mapping[str, float] | None = None,
    tolerance: float | Mapping[str, float] = TOLERANCE,
    codes: str = "mean",
    seed: int = 0,
    limit: int = EDITED,
    resamples: int = RESAMPLES,
) -> ControlMeasurement:
    """Measure a control: does it reach its target, what else does it change, and is the example still itself.

    Originals are encoded once; what they decode to and what the edit makes of them are decoded and measured once, and
    every score is computed from that. What a model cannot represent is not the edit's fault: the scores compare the
    edited with the reconstruction. A second row, with `-original`, compares with the original, and has in its detail
    what the reconstruction alone scores there (`reconstruction`). As far as what they need is given:

    - `success`: the target was reached; `success-before`: the reconstruction was there already.
    - `change`: how far each attribute went, with its sign; the value is of the targets. `leakage`: how far the others
      went, without sign.
    - `preserved-class`: the classifier sees what it saw (`-original`: the true class); not where that is the target.
    - `identity`: of all examples, the own one is the nearest, in pixels.
    - `diversity`: the spread of the classifier's features within a class, as a share of that before the edit.
    - `density`, `coverage`: in these features, how thickly originals lie around edited examples (1: as among
      originals), and the share of originals that have an edited example near; `detail` has those of reconstructions.
    - `realism-shift`: the change of the probability of being real.
    - `zmse`: how far codes moved, with the mean posterior scale of the same examples; for moves of codes.

    Args:
        space: whose control it is.
        edit: a move of codes; or what `space.edit` takes, as `{"thickness": 2}` or `{"to": {"slant": 0.3}}`; or a
            function of images `(n, c, h, w)` in [0, 1] to as many.
        data: a data set, or images as `space.edit` takes them.
        split: of a data set.
        target: attribute name to what was asked for: a number, `[n]` numbers, "up" or "down", or a class. None takes
            it from the edit: the values of `to` and of controls, and the direction in which a slider was shifted.
        attributes: which are measured on images: names, or name to attribute; None for all of the space and the data
            that can be.
        classifier: separately trained, with `classes(x)`, `(n,)`, or `(n, k)` for several attributes; and with
            `features(x)` for diversity, density and coverage. A `latune.classifier.Classifier`, or anything alike.
        label: the attribute that the classifier tells, or the k of them; None for its own `target`, or for the data's
            only class.
        realism: images to the probability that each is real, `[n]`.
        spread: the attributes' standard deviations; None takes those of the split, or of the images that were given.
        tolerance: how near to its target a real attribute has arrived, and how far it has gone where that is "up" or
            "down"; in standard deviations of the data.
        codes: what is moved: the `mean` of the posterior, one `sample` an example, or as many samples of the `prior`,
            which have no original to be compared with; an edit of images is then of what these decode to.
        seed: of sampled codes and of the resamples.
        limit: most examples that are edited, evenly spread over the split.
        resamples: bootstrap resamples for the intervals; 0 for none.

    Raises:
        DataError: data that do not fit the space, an edit that does not return as many points or images, a target that
            cannot be measured, and whatever the scores refuse.
    """
    given = examples(space, data, split, codes, limit, resamples)
    chosen = measurable(space, given.attributes, attributes)
    labels = [] if classifier is None else _labels(label, classifier, given)
    kinds = {name: attribute.kind for name, attribute in chosen.items()} | dict.fromkeys(labels, "categorical")
    target = _target(space, edit, target, kinds)
    if absent := [name for name in target if name not in kinds]:
        raise DataError(
            f"'{absent[0]}' cannot be measured on what is decoded. Measured here: {', '.join(kinds) or 'nothing'}. "
            "Give it as an attribute with a function of images, or give a classifier and its label."
        )
    posterior = space.posterior(given.x)
    z = start(space, posterior, codes, seed)
    decoded = space.decode(z).plain()
    moved, edited = _edited(space, edit, z, decoded if codes == "prior" else given.x)
    images = (given.x, decoded, edited)
    values = measured(space, chosen, images)
    width, notes = spreads(chosen, given, values[0], spread)
    if classifier is not None:
        for stage, x in zip(values, images, strict=True):
            stage.update(_told(classifier, labels, x))

    first, second, third = (space.medium.numbers(x) for x in images)
    stages = Stages(given, (first, second, third), values, width, codes != "prior", seed, resamples)
    scores = stages.success(target, kinds, tolerance) if target else {}
    if not target:
        notes.append("No target was given, and none is known of the edit: its success is not told.")
    scores |= stages.movement(target)
    if kept := [name for name in labels if name not in target]:
        scores |= stages.preserved_class(kept)
    if len(given.x) < FEWEST:
        notes.append("Identity and diversity compare examples with each other: of one they are not told.")
    else:
        scores |= stages.identity()
        if features := getattr(classifier, "features", None):
            of = next((name for name in labels if name in target), labels[0])
            told, why = stages.in_features(of, [in_chunks(features, x) for x in images])
            scores, notes = scores | told, notes + why
    if realism is not None:
        before, after = (in_chunks(realism, x) for x in images[1:])
        scores["realism-shift"] = realism_shift(before, after, seed=seed, resamples=resamples)
    if moved is None:
        notes.append("The edit changes images, not codes: there is no zMSE.")
    else:
        scale = posterior.scale.double().mean(0)
        score = zmse(moved, z, scale, seed=seed, resamples=resamples)
        scores["zmse"] = replace(score, detail={**score.detail, "names": space.codes.columns()})
    about = {"notes": tuple(notes), "resamples": resamples, "edit": _words(edit)}
    return ControlMeasurement(scores, given.split, len(given.x), codes, seed, **about)


def _edited(space: Space, edit: Any, z: Tensor, x: Tensor) -> tuple[Tensor | None, Tensor]:
    """Codes after the edit, where it moves codes, and images."""
    if isinstance(edit, Move):
        moved = edit(z)
        if not isinstance(moved, Tensor) or moved.shape != z.shape:
            got = tuple(moved.shape) if isinstance(moved, Tensor) else f"a {type(moved).__name__}"
            raise DataError(f"The move takes codes {tuple(z.shape)} and returns as many. Got {got}.")
        moved = moved.detach()
    elif isinstance(edit, Mapping):
        moved = space.moved(z, **edit)
    elif callable(edit):
        made = edit(x)
        made = made.plain() if isinstance(made, Images | Melodies) else made
        if not isinstance(made, Tensor) or made.shape != x.shape:
            got = tuple(made.shape) if isinstance(made, Tensor) else f"a {type(made).__name__}"
            raise DataError(f"The edit takes images {tuple(x.shape)} and returns as many of that shape. Got {got}.")
        return None, space._take(made.detach())
    else:
        raise DataError(
            "An edit is a move of codes, a function of images, or what space.edit takes, as {'thickness': 2}. "
            f"Got a {type(edit).__name__}."
        )
    return moved, space.decode(moved).plain()


def _target(space: Space, edit: Any, target: Any, kinds: Mapping[str, str]) -> dict[str, Any]:
    """What was asked for: in so many words, or by the edit, as far as it can be measured."""
    if target is not None:
        if not isinstance(target, Mapping):
            raise DataError(f'target takes values by attribute name, as {{"slant": 0.3}}. Got {target!r}.')
        return dict(target)
    if not isinstance(edit, Mapping):
        return {}
    up, down = DIRECTIONS
    numbers = {name: by for name, by in edit.items() if isinstance(by, int | float | np.number)}
    coordinates = space.codes.columns()
    asked = {name: up if by > 0 else down for name, by in numbers.items() if name in space.sliders and by != 0}
    asked |= {name: value for name, value in numbers.items() if name not in coordinates}  # as it should be
    to = edit.get("to")
    asked |= dict(to) if isinstance(to, Mapping) else {}
    return {name: goal for name, goal in asked.items() if name in kinds}


def _labels(label: str | Sequence[str] | None, classifier: Any, given: Examples) -> list[str]:
    """The attributes that a classifier tells."""
    label = getattr(classifier, "target", None) if label is None else label
    if label is not None:
        return [label] if isinstance(label, str) else list(label)
    classes = [name for name, attribute in given.attributes.items() if attribute.kind == "categorical"]
    if len(classes) != 1:
        raise DataError(
            f"Say which attribute the classifier tells, as label='digit'. Classes of the data: "
            f"{', '.join(classes) or 'none'}."
        )
    return classes


def _told(classifier: Any, labels: Sequence[str], x: Tensor) -> dict[str, np.ndarray]:
    """The class of each image, for each attribute that the classifier tells."""
    classes = in_chunks(classifier.classes, x)
    columns = classes[:, None] if classes.ndim == 1 else classes
    if columns.shape != (len(x), len(labels)):
        raise DataError(
            f"The classifier tells {', '.join(labels)}, so its classes are {(len(x), len(labels))}"
            f"{f' or {(len(x),)}' if len(labels) == 1 else ''}. Got {classes.shape}."
        )
    return dict(zip(labels, columns.T, strict=True))


def _words(edit: Any) -> str:
    """An edit in words."""
    if isinstance(edit, Mapping):
        to = edit.get("to")
        asked = [(name, "to ", value) for name, value in to.items()] if isinstance(to, Mapping) else []
        named = [(name, "", value) for name, value in edit.items() if name != "to"] + asked
        return ", ".join(f"{name} {word}{_value(value, signed=not word)}" for name, word, value in named) or "no edit"
    if isinstance(edit, Move):
        return f"the move {type(edit).__name__}"
    return f"the edit {getattr(edit, '__name__', type(edit).__name__)}"


def _value(value: Any, signed: bool) -> str:
    number = isinstance(value, int | float | np.number) or (isinstance(value, Tensor) and value.numel() == 1)
    return format(float(value), "+g" if signed else "g") if number else str(value)

"""What a report shows, computed once: samples, reconstructions, traversals, surfaces, codes and the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latune.data import Dataset, spread
from latune.errors import DataError, unknown
from latune.measurement import Measurement, measure_space
from latune.medium import Pictures
from latune.metrics import mean_squared_error, pixel_accuracy
from latune.music import Melodies
from latune.space import CHUNK, Space
from latune.training.generators import generator, seed_for
from latune.training.log import read_log

SAMPLES = 64  # draws from the prior
PAIRS = 32  # images shown beside their reconstructions
SAMPLES_OF_TUNES, PAIRS_OF_TUNES = 24, 8  # the same of melodies, whose pictures are wider
TRAVERSED = 5  # images whose sliders are moved
POINTS = 1500  # examples in a scatter plot
MOST_FREE = 6  # coordinates traversed where a model has no sliders
MOST_COUNTED = 10_000  # melodies whose tokens are counted
AXIS = np.linspace(-4.0, 4.0, 17)  # of a surface


@dataclass(frozen=True)
class Traversal:
    """One coordinate moved over its range: where to, `(k,)`, what is made there, and its attribute there.

    What is made are images `(n, k, c, h, w)`, or `Melodies (n, k, t)`.
    """

    name: str
    positions: np.ndarray
    images: Tensor | Melodies
    expected: np.ndarray | None


@dataclass(frozen=True)
class Surface:
    """An attribute of decoded images over two coordinates.

    Args:
        name: the attribute, whose own coordinate is on x.
        against: the coordinate on y.
        values: `(17, 17)`, rows along y.
        along_x, along_y: R² of a straight line in each; a perfect slider has 1 and 0.
    """

    name: str
    against: str
    values: np.ndarray
    along_x: float
    along_y: float


@dataclass(frozen=True)
class Findings:
    """Everything a report shows, before it is drawn.

    Args:
        samples: `(64, c, h, w)`, or `Melodies (24, t)`, from the prior.
        pairs: `(n, 2, c, h, w)` or `(n, 2, t)`, examples and their reconstructions.
        traversals: one a slider, or one of each of the most active coordinates where there are no sliders.
        surfaces: two an attribute that can be measured on images: against a free coordinate, and the next slider.
        unmeasurable: sliders whose attribute is only a label.
        codes: posterior means by coordinate, each `(m,)`.
        attributes: the same examples' attributes, each `(m,)`.
        baselines: metrics of the split's mean image, or of its commonest tokens: what a reconstruction should beat.
        log: the lines of the run's log.
    """

    measurement: Measurement
    samples: Tensor | Melodies
    pairs: Tensor | Melodies
    traversals: list[Traversal]
    surfaces: list[Surface]
    unmeasurable: list[str]
    codes: dict[str, np.ndarray]
    attributes: dict[str, np.ndarray]
    baselines: dict[str, float]
    log: list[dict[str, Any]]


def gather(
    space: Space, data: Dataset, split: str, seed: int, measurement: Measurement | None = None, run: Path | None = None
) -> Findings:
    """Compute what a report shows.

    Raises:
        DataError: for a split the data do not have, or an empty one.
    """
    if split not in data.splits:
        raise DataError(unknown("split", split, data.splits))
    if len(data.splits[split]) == 0:
        raise DataError(f"The {split} split of '{data.name}' is empty: there is nothing to report on.")
    measurement = measurement or measure_space(space, data, split, seed=seed)
    rows, z = drawn_codes(space, data, split, seed, measurement)
    columns = space.codes.columns()
    codes = {name: z[:, i].double().cpu().numpy() for i, name in enumerate(columns)}
    free = sorted((name for name in columns if name not in space.sliders), key=lambda name: -codes[name].std())
    images = isinstance(space.medium, Pictures)
    shown = data.examples(draw(rows, PAIRS if images else PAIRS_OF_TUNES, seed))
    decoded = space.decode(space.locate(shown)).plain()
    measurable = [name for name in space.sliders if space.attributes[name].measure is not None]
    few = data.examples(draw(rows, TRAVERSED, seed + 1))
    return Findings(
        measurement=measurement,
        samples=seen(
            space, space.sample(SAMPLES if images else SAMPLES_OF_TUNES, generator(seed, "report", "samples")).plain()
        ),
        pairs=seen(space, torch.stack([shown.to(decoded.device), decoded], dim=1)),
        traversals=[traverse(space, few, name) for name in space.sliders or most_varied(space, z)[:MOST_FREE]],
        surfaces=surfaces(space, measurable, free, seed),
        unmeasurable=[name for name in space.sliders if name not in measurable],
        codes=codes,
        attributes={
            name: data.column(name, rows).double().cpu().numpy() for name in space.sliders if name in data.attributes
        },
        baselines=of_mean_image(data.images(rows)) if images else of_common_tokens(data, rows),
        log=read_log(run) if run is not None else [],
    )


def seen(space: Space, x: Tensor) -> Tensor | Melodies:
    """Examples as they are drawn: images in [0, 1], or melodies, whose pictures are as large as their place."""
    return x if isinstance(space.medium, Pictures) else space.medium.shown(x)


def draw(rows: Tensor, n: int, seed: int) -> Tensor:
    """At most `n` of these rows, drawn at random, in order."""
    order = np.random.default_rng(seed_for(seed, "report", "rows")).permutation(len(rows))[:n]
    return rows[torch.from_numpy(np.sort(order)).to(rows.device)]


def drawn_codes(space: Space, data: Dataset, split: str, seed: int, measurement: Measurement) -> tuple[Tensor, Tensor]:
    """Some rows of a split and their posterior means: from the measurement's own pass, where it still has it."""
    once = measurement.encoded
    if once is not None and measurement.split == split:
        chosen = draw(torch.arange(len(once.rows), device=once.rows.device), POINTS, seed)
        return once.rows[chosen], once.mean[chosen.to(once.mean.device)]
    rows = draw(data.splits[split], POINTS, seed)
    return rows, torch.cat([space.encode(data.examples(chunk)) for chunk in rows.split(CHUNK)])


def most_varied(space: Space, z: Tensor) -> list[str]:
    """What can be turned by name, first what varies most over codes `(m, d)`; a code of classes is one thing."""
    spread = z.double().std(0, correction=0)
    return sorted(space.knobs, key=lambda name: -max(spread[i].item() for i in space.coordinates.columns(name)))


def traverse(space: Space, x: Tensor, name: str) -> Traversal:
    """One coordinate over its usual range, as in AR-VAE's figures ten positions from -4 to 4."""
    at = np.asarray(space.coordinates.usual(name))
    images = seen(space, space.traverse(x, name, at).plain())
    known = space.calibration.get(name)
    return Traversal(name, at, images, None if known is None else known.attribute(at))


def surfaces(space: Space, names: Sequence[str], free: Sequence[str], seed: int) -> list[Surface]:
    """Attributes over their own coordinate (x) and another (y), all others held at one draw from the prior.

    After Pati & Lerch 2020, Figs. 12 and 13 (https://arxiv.org/abs/2004.05485). All grids are decoded, and measured, in
    one call. The free coordinate on y is the one that varies most over the data; one that the model does not use would
    make any surface look perfect.
    """
    plan = [(name, against) for i, name in enumerate(names) for against in others(names, i, free)]
    if not plan:
        return []
    y, x = np.meshgrid(AXIS, AXIS, indexing="ij")
    columns = space.codes.columns()
    base = space.codes.sample(1, generator(seed, "report", "surfaces"))
    z = base.repeat(len(plan), x.size, 1)  # (surfaces, points, d)
    for i, (name, against) in enumerate(plan):
        z[i, :, columns.index(name)] = torch.from_numpy(x.ravel()).float()
        z[i, :, columns.index(against)] = torch.from_numpy(y.ravel()).float()
    measured = space.measured(names, space.decode(z.flatten(0, 1)).plain())
    out = []
    for i, (name, against) in enumerate(plan):
        values = measured[name].reshape(len(plan), *x.shape)[i]
        out.append(Surface(name, against, values, straight(x, values), straight(y, values)))
    return out


def others(names: Sequence[str], i: int, free: Sequence[str]) -> list[str]:
    """What an attribute's coordinate is drawn against: the most active free coordinate, and the next slider."""
    return [*free[:1], *([names[(i + 1) % len(names)]] if len(names) > 1 else [])]


def straight(axis: np.ndarray, values: np.ndarray) -> float:
    """R² of a straight line; 0 where nothing varies.

    >>> straight(np.arange(3.0), 2 * np.arange(3.0)), straight(np.arange(3.0), np.ones(3))
    (1.0, 0.0)
    """
    a, b = (axis - axis.mean()).ravel(), (values - values.mean()).ravel()
    scale = float((a @ a) * (b @ b))
    return round(float((a @ b) ** 2) / scale, 6) if scale > 0 else 0.0


def of_mean_image(x: Tensor) -> dict[str, float]:
    """Reconstruction metrics of the split's mean image shown for every image: what has to be beaten."""
    mean = x.mean(0, keepdim=True).expand_as(x)
    return {score.name: score.value for score in (pixel_accuracy(mean, x), mean_squared_error(mean, x))}


def of_common_tokens(data: Dataset, rows: Tensor) -> dict[str, float]:
    """Token accuracy of the training split's commonest token at each place, shown for every melody."""
    training = data.examples(spread(data.splits["training"], MOST_COUNTED))
    common = training.mode(0).values
    return {"token-accuracy": (data.examples(rows) == common).double().mean().item()}

"""One run of each group opened: attributes over the dims that answer for them, and these dims against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from latune.comparison.results import Result
from latune.data import Dataset
from latune.errors import LatuneError
from latune.recipes import check, open_data
from latune.report import figures
from latune.report.findings import POINTS, draw
from latune.report.report import file_name
from latune.report.style import INK
from latune.space import CHUNK, Space

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from latune.comparison.comparison import Comparison

TITLE: dict[str, Any] = {"x": 0.01, "ha": "left", "fontsize": 10.5, "color": INK}
ANSWERS = ("interpretability", "scc", "mig")  # scores that say which dim tells most of an attribute


@dataclass(frozen=True)
class Planes:
    """What one run's codes have to do with attributes: examples of the split that was measured.

    Args:
        space: the model.
        data: with the attributes.
        codes: for each attribute, the posterior mean of the dim that answers for it, `[m]`.
        values: the attributes of the same examples, each `[m]`.
        dims: for each attribute, the name of that dim.
    """

    space: Space
    data: Dataset
    codes: Mapping[str, np.ndarray]
    values: Mapping[str, np.ndarray]
    dims: Mapping[str, str]


def drawn(comparison: Comparison, seed: int = 0) -> tuple[dict[str, Figure], list[str]]:
    """For the first run folder of each group, its planes and its attributes; and what could not be drawn, and why.

    Planes: the data in every plane of two attributes' dims, coloured by the attribute of the row. An attribute's dim
    is its slider where the model has one, and otherwise the dim that tells most of it.
    """
    made: dict[str, Figure] = {}
    notes = []
    for group in comparison.groups:
        run = next((result for result in group.results if result.is_run), None)
        if run is None:
            continue
        try:
            found = look(run, seed)
        except LatuneError as error:
            notes.append(f"No planes of {run.path}: {error}")
            continue
        if found is None:
            continue
        name, title = file_name(group.label.replace(" ", "-")), f"{group.label}, seed {run.seed}"
        over = figures.follows(found.codes, found.values, found.data.attributes, found.space.calibration)
        for ax, dim in zip(over.axes, found.dims.values(), strict=False):
            ax.set_xlabel(dim)
        over.suptitle(f"{title}: each attribute over the dim that answers for it", **TITLE)
        made[f"follows-{name}"] = over
        if len(found.values) > 1:
            against = figures.planes(found.codes, found.values)
            against.suptitle(f"{title}: the dims that answer for them, coloured by the row's attribute", **TITLE)
            made[f"planes-{name}"] = against
    return made, notes


def look(run: Result, seed: int = 0) -> Planes | None:
    """Open a run, encode examples of the split that was measured; None where no score tells of an attribute's dim.

    Raises:
        LatuneError: a run or data that cannot be opened.
    """
    space = Space.load(run.path)
    told = next((s.get("detail", {}).get("dim") for name in ANSWERS if (s := run.scores.get(name))), None) or {}
    data = open_data(check(space.about["recipe"], str(run.path)))
    columns = space.codes.columns()
    dims = {name: columns.index(name) if name in space.sliders else int(dim) for name, dim in told.items()}
    names = [name for name in dims if name in data.attributes][: figures.MOST_PLANES]
    if not names or run.split not in data.splits:
        return None
    rows = draw(data.splits[run.split], POINTS, seed)
    z = torch.cat([space.encode(data.examples(chunk)) for chunk in rows.split(CHUNK)]).double().cpu().numpy()
    return Planes(
        space,
        data,
        {name: z[:, dims[name]] for name in names},
        {name: data.column(name, rows).double().cpu().numpy() for name in names},
        {name: columns[dims[name]] for name in names},
    )

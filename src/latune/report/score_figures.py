"""The charts of scores: dots with their intervals, and what coordinates and sliders have to do with attributes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from latune.measurement import Measurement
from latune.metrics import Score
from latune.report.meanings import meaning
from latune.report.style import GRID, INK, LINES, SOFT, panels, styled
from latune.report.tables import by_group

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 10.4  # of a figure as wide as the page, in inches
ROW, EDGE = 0.27, 0.32  # of a chart of dots, in inches: a score's height, and what a chart needs besides
NAMES = 1.8  # inches for the names of scores
MARGIN = 0.03  # left of 0 and right of 1
DOTTED = ("one", "only", "probes", "interventions", "sliders")  # groups whose scores are shares
CELL, MOST_NUMBERED = 0.72, 24  # inches; the most columns with numbers in their cells
LETTER = 0.075  # inches a letter of a name takes
TILTED: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
DEEPEST = 0.55  # of a cell's colour, so that the number on it can be read on a light page and on a dark one


def dotted(measurement: Measurement) -> dict[str, dict[str, Score]]:
    """The scores that a chart of dots shows: shares, of which more is better, by group."""
    found = {key: of for key, of in by_group(measurement).items() if key in DOTTED}
    kept = {
        key: {name: score for name, score in of.items() if meaning(name).better == "higher" and -1 <= score.value <= 1}
        for key, of in found.items()
    }
    return {key: of for key, of in kept.items() if of}


@styled
def scores(of: Mapping[str, Score], low: float = 0.0) -> Figure:
    """Every score as a dot, its 95 % interval as a line, its attributes as pale dots; the axis is from `low` to 1."""
    from matplotlib.figure import Figure

    wide, tall = WIDTH / 2, EDGE + ROW * len(of)
    figure = Figure(figsize=(wide, tall))
    # Placed by hand, so that the axes of all charts stand below each other.
    ax = figure.add_axes((NAMES / wide, 0.25 / tall, 1 - (NAMES + 0.12) / wide, ROW * len(of) / tall))
    y = np.arange(len(of))[::-1]
    for height, score in zip(y, of.values(), strict=True):
        parts = list(score.per_attribute.values())
        ax.plot(parts, [height] * len(parts), linestyle="none", marker="o", markersize=3.4, color=SOFT, alpha=0.5)
        if score.interval is not None:
            ax.plot(score.interval, [height] * 2, color=LINES[0], linewidth=2.0, solid_capstyle="butt")
        ax.plot([score.value], [height], linestyle="none", marker="o", markersize=5.2, color=LINES[0])
    ax.set(xlim=(low - MARGIN, 1 + MARGIN), ylim=(-0.6, len(of) - 0.4), yticks=y)
    ax.set_yticklabels([meaning(name).title for name in of], color=INK)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    return figure


def lowest(measurement: Measurement) -> float:
    """Where the axis of all charts of scores begins: at 0, or at the lowest number below."""
    below = [end for of in dotted(measurement).values() for score in of.values() for end in _numbers(score)]
    return min([0.0, *below])


def _numbers(score: Score) -> list[float]:
    return [score.value, *score.per_attribute.values(), *(score.interval or ())]


@dataclass(frozen=True)
class Grid:
    """A matrix to draw.

    Args:
        values: `[r, c]`; NaN for an empty cell.
        rows, columns: their names.
        own: cells `(row, column)` that are framed.
        pale: columns whose names are pale.
    """

    values: np.ndarray
    rows: Sequence[str]
    columns: Sequence[str]
    own: Collection[tuple[int, int]] = ()
    pale: Collection[str] = ()


@styled
def grid(of: Grid, across: str = "", up: str = "") -> Figure:
    """A matrix as shaded cells with their numbers."""
    from matplotlib.patches import Rectangle

    r, c = of.values.shape
    cell = min(CELL, (WIDTH - 1.0) / c)
    upright = max(map(len, of.columns)) * LETTER < cell
    figure, axes = panels(1, 1, (1.0 + cell * c, (0.45 if upright else 0.85) + 0.34 * r))
    ax = axes[0, 0]
    top = float(np.nanmax(of.values)) if np.isfinite(of.values).any() else 1.0
    for i in range(r):
        for j in range(c):
            value = of.values[i, j]
            if not np.isfinite(value):
                continue
            share = DEEPEST * max(value, 0.0) / top if top > 0 else 0.0
            ax.add_patch(Rectangle((j, i), 1, 1, facecolor=LINES[0], alpha=share, linewidth=0))
            if c <= MOST_NUMBERED:
                ax.text(j + 0.5, i + 0.52, f"{value:.2f}", ha="center", va="center", fontsize=7.5, color=INK)
    for i, j in of.own:
        ax.add_patch(Rectangle((j + 0.04, i + 0.06), 0.92, 0.88, fill=False, edgecolor=LINES[1], linewidth=1.1))
    ax.set(xlim=(0, c), ylim=(r, 0), xlabel=across, ylabel=up)
    ax.set_xticks(np.arange(c) + 0.5, of.columns, **({} if upright else TILTED))
    ax.set_yticks(np.arange(r) + 0.5, of.rows)
    for label in ax.get_yticklabels():
        label.set_color(INK)
    for label, name in zip(ax.get_xticklabels(), of.columns, strict=True):
        label.set_color(SOFT if name in of.pale else INK)
        label.set_alpha(0.75 if name in of.pale else 1.0)
    ax.grid(visible=False)
    ax.set_xticks(np.arange(c + 1), minor=True)
    ax.set_yticks(np.arange(r + 1), minor=True)
    ax.grid(visible=True, which="minor", color=GRID, linewidth=0.6)
    ax.tick_params(which="minor", length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    return figure


def information(measurement: Measurement, sliders: Collection[str]) -> Grid | None:
    """What each coordinate tells of each attribute, attributes in rows."""
    found = measurement.information
    if found is None:
        return None
    values = np.array(found.nats).T
    return Grid(values, found.attributes, found.dims, _own(found.attributes, found.dims, sliders), found.unused)


def importance(measurement: Measurement, sliders: Collection[str]) -> Grid | None:
    """How much each coordinate matters to the prediction of each attribute, after DCI."""
    score, found = measurement.scores.get("dci-disentanglement"), measurement.information
    if score is None or found is None or "importance" not in score.detail:
        return None
    values = np.array([score.detail["importance"][name] for name in found.attributes])
    return Grid(values, found.attributes, found.dims, _own(found.attributes, found.dims, sliders), found.unused)


def moved(measurement: Measurement) -> Grid | None:
    """How far each slider moves each attribute, in standard deviations of the data; sliders in rows."""
    score = measurement.scores.get("slider-leakage")
    if score is None:
        return None
    own, others = score.detail["own"], score.detail["by_attribute"]
    names = list(dict.fromkeys([*own, *(other for of in others.values() for other in of)]))
    far = [[own[name] if other == name else others[name].get(other, np.nan) for other in names] for name in own]
    return Grid(np.array(far), list(own), names, [(i, names.index(name)) for i, name in enumerate(own)])


def _own(attributes: Sequence[str], dims: Sequence[str], sliders: Collection[str]) -> list[tuple[int, int]]:
    return [(i, list(dims).index(name)) for i, name in enumerate(attributes) if name in sliders and name in dims]

"""Scores over seeds as pictures: box plots of every metric, and metrics against each other."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from latune.files import whole
from latune.report.meanings import meaning
from latune.report.style import GRID, INK, LINES, PAPER, SOFT, STYLE, panels, png, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from latune.comparison.comparison import Comparison
    from latune.comparison.groups import Group

PAGE = 10.4  # inches: a figure as wide as a page
COLUMNS = 5  # panels in a row of box plots
BOX, WIDE = 0.55, 0.74  # of the room between two boxes, alone in a panel and in a row of many
JITTER = 0.2  # of the room between two boxes: how far dots stand aside
WRAPPED = 22  # letters in a line of a panel's title
ARROWS = {"higher": " ↑", "lower": " ↓"}
AXES = ("interpretability", "mig-arvae", "modularity", "sap", "scc", "pixel-accuracy")  # Fig. 4's, and reconstruction
MOST_AXES = 6


def drawn(comparison: Comparison) -> dict[str, Figure]:
    """Every figure that applies, by the name of its file."""
    figures = {"scores": scores(comparison)}
    if any(comparison.attributes(metric) for metric in comparison.metrics):
        figures["attributes"] = attributes(comparison)
    axes = telling(comparison)
    if len(axes) > 1 and sum(len(group.results) for group in comparison.groups) > 2:
        figures["pairs"] = pairs(comparison, axes)
    return figures


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG and as SVG, each file whole or not at all.

    Raises:
        DiskFull: when the disk has no room.
    """
    import matplotlib

    vector = io.BytesIO()
    files = {f"{name}.png": png(figure)}
    alone: dict[Any, Any] = {**STYLE, "svg.fonttype": "path"}  # outside of a page, a picture has to bring its font
    with matplotlib.rc_context(alone):
        figure.savefig(vector, format="svg", metadata={"Date": None})
    files[f"{name}.svg"] = vector.getvalue()
    for file, content in files.items():
        with whole(folder / file) as temporary:
            temporary.write_bytes(content)
    return [folder / file for file in files]


@styled
def scores(comparison: Comparison) -> Figure:
    """Every metric in a panel of its own, a box a group, a dot a run (Pati & Lerch 2020, Fig. 3).

    The box is the middle half, the whiskers reach the lowest and the highest; a line joins the runs of one seed.
    """
    metrics = comparison.metrics
    columns = min(COLUMNS, len(metrics))
    rows = -(-len(metrics) // columns)
    figure, axes = panels(rows, columns, (max(PAGE * columns / COLUMNS, 4.2), 0.5 + 1.95 * rows))
    for ax, metric in zip(axes.flat, metrics, strict=False):
        groups = [group.values(metric) for group in comparison.groups]
        _boxes(ax, groups, comparison.pairs)
        every = [value for values in groups for value in values.values()]
        ax.set(xlim=(-0.75, len(groups) - 0.25), xticks=[], ylim=_room(every))
        ax.set_title(fill(_title(metric), WRAPPED), loc="left")
    _finish(figure, axes, len(metrics), comparison)
    return figure


@styled
def attributes(comparison: Comparison) -> Figure:
    """Every metric that has a number an attribute: a box a group and attribute, a dot a run."""
    metrics = [metric for metric in comparison.metrics if comparison.attributes(metric)]
    names = list(dict.fromkeys(name for metric in metrics for name in comparison.attributes(metric)))
    columns = 2 if len(names) * len(comparison.groups) <= 24 and len(metrics) > 1 else 1
    rows = -(-len(metrics) // columns)
    figure, axes = panels(rows, columns, (PAGE, 0.5 + 2.1 * rows))
    step = 1 / (len(comparison.groups) + 0.7)
    for ax, metric in zip(axes.flat, metrics, strict=False):
        every: list[float] = []
        for i, name in enumerate(names):
            groups = [group.values(metric, name) for group in comparison.groups]
            _boxes(ax, groups, first=i - step * (len(groups) - 1) / 2, step=step)
            every += [value for values in groups for value in values.values()]
        ax.set(xlim=(-0.55, len(names) - 0.45), ylim=_shares(every) or _room(every))
        ax.set_xticks(range(len(names)), names, color=INK)
        ax.grid(visible=False, axis="x")
        ax.set_title(_title(metric), loc="left")
    _finish(figure, axes, len(metrics), comparison, joined=False)
    return figure


@styled
def pairs(comparison: Comparison, metrics: Sequence[str]) -> Figure:
    """Every two metrics against each other, a dot a run; on the diagonal each alone (Pati & Lerch 2020, Fig. 4)."""
    n = len(metrics)
    side = max(PAGE * n / MOST_AXES, 4.6)
    figure, axes = panels(n, n, (side, side))
    for i, below in enumerate(metrics):
        for j, across in enumerate(metrics):
            ax = axes[i, j]
            if j > i:
                ax.set_visible(False)
                continue
            for number, group in enumerate(comparison.groups):
                x, y = group.values(across), group.values(below)
                both = [run for run in x if run in y]
                up = [y[run] for run in both] if i != j else [float(-number)] * len(both)
                _dots(ax, [x[run] for run in both], up, number)
            ax.set_xlim(_room(_every(comparison, across)))
            ax.locator_params(nbins=3)
            if i == j:
                ax.set(ylim=(-len(comparison.groups) + 0.2, 0.8), yticks=[])
                ax.spines["left"].set_visible(False)
                ax.set_title(fill(_title(below), WRAPPED), loc="left")
            else:
                ax.set_ylim(_room(_every(comparison, below)))
            ax.tick_params(labelbottom=i == n - 1, labelleft=j == 0 and i != j)
            if i == n - 1:
                ax.set_xlabel(fill(meaning(across).title, WRAPPED))
            if j == 0 and i:
                ax.set_ylabel(fill(meaning(below).title, WRAPPED))
    _legend(figure, comparison, joined=False)
    return figure


def telling(comparison: Comparison) -> list[str]:
    """The metrics of a pair plot: those of the paper where they were measured, and others where there are too few."""
    known = [metric for metric in comparison.metrics if metric not in comparison.settings]
    varied = [metric for metric in known if len(set(_every(comparison, metric))) > 1]
    shown = [metric for metric in AXES if metric in varied]
    shown += [metric for metric in varied if metric not in AXES and len(shown) < 3]
    return shown[:MOST_AXES]


def _boxes(
    ax: Axes,
    groups: Sequence[dict[int, float]],
    joined: Sequence[tuple[int, int]] = (),
    first: float = 0.0,
    step: float = 1.0,
) -> None:
    """Boxes and dots of one number, side by side; `joined` are the places of runs that a line joins."""
    places = [first + step * i for i in range(len(groups))]
    for i, j in joined:
        if i in groups[0] and j in groups[1]:
            ax.plot(places, [groups[0][i], groups[1][j]], color=SOFT, linewidth=0.6, alpha=0.55, zorder=1.5)
    for number, (place, values) in enumerate(zip(places, groups, strict=True)):
        if not values:
            continue
        colour = LINES[number % len(LINES)]
        edge: dict[str, Any] = {"color": colour, "linewidth": 1.0}
        ax.boxplot(
            [list(values.values())],
            positions=[place],
            widths=step * (BOX if step == 1 else WIDE),
            whis=(0, 100),
            showfliers=False,
            patch_artist=True,
            manage_ticks=False,
            boxprops={"facecolor": colour, "alpha": 0.22, "linewidth": 0},
            medianprops={"color": colour, "linewidth": 1.8},
            whiskerprops=edge,
            capprops=edge,
            zorder=2,
        )
        aside = np.zeros(len(values)) if joined else step * JITTER * _alternating(len(values))
        _dots(ax, place + aside, list(values.values()), number, 4.2 if step == 1 else 3.2)


def _alternating(n: int) -> np.ndarray:
    """Places from -1 to 1 for the dots of a box, so that neighbours do not hide each other."""
    return np.resize([0.0, 1.0, -1.0], n) if n > 1 else np.zeros(n)


def _dots(ax: Axes, x: Sequence[float] | np.ndarray, y: Sequence[float], number: int, size: float = 4.2) -> None:
    how: dict[str, Any] = {
        "linestyle": "none",
        "marker": "o",
        "markeredgecolor": PAPER,
        "markeredgewidth": 0.5,
        "zorder": 3,
    }
    ax.plot(x, y, color=LINES[number % len(LINES)], markersize=size, **how)


def _finish(figure: Figure, axes: np.ndarray, used: int, comparison: Comparison, joined: bool = True) -> None:
    for ax in axes.flat[:used]:
        ax.yaxis.get_major_locator().set_params(nbins=5)
        ax.spines["left"].set_visible(False)
        ax.spines["bottom"].set_color(GRID)
    for ax in axes.flat[used:]:
        ax.set_visible(False)
    _legend(figure, comparison, joined)


def _legend(figure: Figure, comparison: Comparison, joined: bool = True) -> None:
    """The groups above the panels, with the number of their runs."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=LINES[i % len(LINES)], marker="o", linewidth=4, alpha=0.85, label=_called(group))
        for i, group in enumerate(comparison.groups)
    ]
    if comparison.paired and joined:
        handles.append(Line2D([], [], color=SOFT, linewidth=0.8, label="runs of one seed"))
    figure.legend(handles=handles, loc="outside upper left", ncols=4, fontsize=9, handlelength=1.4, columnspacing=2.2)


def _title(metric: str) -> str:
    """A metric's title, with the direction that is better."""
    known = meaning(metric)
    return f"{known.title}{ARROWS.get(known.better, '')}"


def _called(group: Group) -> str:
    n = len(group.results)
    return f"{group.label} (n = {n})"


def _every(comparison: Comparison, metric: str) -> list[float]:
    return [value for group in comparison.groups for value in group.values(metric).values()]


def _shares(values: Sequence[float]) -> tuple[float, float] | None:
    """The axis of shares, from 0; None where some value is none."""
    if not all(-1e-9 <= value <= 1 + 1e-9 for value in values):
        return None
    top = 1.0 if max(values) > 0.5 else max(1.1 * max(values), 1e-3)
    return -0.03 * top, 1.03 * top


def _room(values: Sequence[float]) -> tuple[float, float]:
    """An axis that holds these values, and never so narrow that differences of a thousandth look large."""
    low, high = min(values), max(values)
    least = 0.02 * max(abs(low), abs(high), 1e-9)
    middle, half = (low + high) / 2, max(high - low, least) / 2
    return middle - 1.18 * half, middle + 1.18 * half

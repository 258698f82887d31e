"""The charts of a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latune.attributes import Attribute
from latune.calibration import Calibration
from latune.report.findings import AXIS, Surface
from latune.report.style import LINES, dots, panels, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PLANES = 6  # sliders a matrix of planes shows
WIDTH = 10.4  # of a figure as wide as the page, in inches
TITLES = {"kl": "KL", "elbo": "ELBO", "negative elbo": "negative ELBO", "order": "order terms"}


@styled
def surface(attribute: Attribute, surfaces: Sequence[Surface]) -> Figure:
    """Attribute surfaces (Pati & Lerch 2020, Figs. 12 and 13): a panel for each coordinate on y, one colour scale."""
    figure, axes = panels(1, len(surfaces), (1.1 + 2.35 * len(surfaces), 2.5))
    low, high = min(each.values.min() for each in surfaces), max(each.values.max() for each in surfaces)
    bands = np.linspace(low, high, 9)[1:-1]
    image = None
    for ax, each in zip(axes[0], surfaces, strict=True):
        image = ax.pcolormesh(AXIS, AXIS, each.values, vmin=low, vmax=high, shading="gouraud", rasterized=True)
        if each.values.max() > each.values.min():
            ax.contour(AXIS, AXIS, each.values, bands, colors="white", linewidths=0.6, linestyles="solid", alpha=0.7)
        ax.set(xlabel=each.name, ylabel=each.against, xticks=[-4, 0, 4], yticks=[-4, 0, 4], aspect="equal")
        ax.grid(False)
    assert image is not None
    bar = figure.colorbar(image, ax=list(axes[0]), aspect=18, pad=0.02)
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.set_label(labelled(attribute))
    return figure


@styled
def follows(
    codes: Mapping[str, np.ndarray],
    values: Mapping[str, np.ndarray],
    attributes: Mapping[str, Attribute],
    calibration: Mapping[str, Calibration],
) -> Figure:
    """Each attribute over its own coordinate: data as dots, the saved map from slider to attribute as a line."""
    columns = min(3, len(values))
    rows = -(-len(values) // columns)
    figure, axes = panels(rows, columns, (WIDTH * columns / 3, 2.45 * rows))
    for ax, name in zip(axes.flat, values, strict=False):
        dots(ax, codes[name], values[name])
        if name in calibration:
            ax.plot(calibration[name].slider, calibration[name].value, color=LINES[1])
        ax.set(xlim=(-4, 4), xticks=[-4, -2, 0, 2, 4], xlabel=f"{name} coordinate", ylabel=labelled(attributes[name]))
    for ax in axes.flat[len(values) :]:
        ax.set_visible(False)
    return figure


@styled
def planes(codes: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray]) -> Figure:
    """The data in every plane of two sliders, coloured by the attribute of the row (Pati & Lerch 2020, Fig. 2)."""
    names = list(values)[:MOST_PLANES]
    n = len(names)
    side = max(WIDTH * n / MOST_PLANES, 5.2)
    figure, axes = panels(n, n, (side, side), sharex=True)
    fine = np.linspace(-4, 4, 81)
    prior = np.exp(-0.5 * fine**2) / np.sqrt(2 * np.pi)
    for i, below in enumerate(names):
        for j, across in enumerate(names):
            ax = axes[i, j]
            ax.grid(False)
            ax.set(xlim=(-4, 4), xticks=[-3, 0, 3], yticks=[])
            if i == j:
                ax.hist(codes[across], bins=np.linspace(-4, 4, 25).tolist(), density=True, color=LINES[0], alpha=0.45)
                ax.plot(fine, prior, color=LINES[1], linewidth=1.1)
                ax.spines["left"].set_visible(False)
            else:
                dots(ax, codes[across], codes[below], values[below])
                ax.set(ylim=(-4, 4), yticks=[-3, 0, 3])
                ax.tick_params(labelleft=j == 0)
            if i == n - 1:
                ax.set_xlabel(across)
            if j == 0:
                ax.set_ylabel(below)
    return figure


@styled
def training(log: Sequence[Mapping[str, Any]]) -> Figure:
    """The log: the loss, each term with its value on the validation split, and terms that belong together."""
    from matplotlib.ticker import MaxNLocator

    groups = grouped(log)
    columns = len(groups) if len(groups) <= 4 else 3
    rows = -(-len(groups) // columns)
    figure, axes = panels(rows, columns, (WIDTH, 0.78 * WIDTH / max(columns, 2) * rows))
    for ax, (title, lines) in zip(axes.flat, groups.items(), strict=False):
        settled: list[float] = []
        for i, (label, key) in enumerate(lines.items()):
            steps, numbers = series(log, key)
            held_out = key.startswith("validation/")
            colour, mark = LINES[(1 if held_out else i) % len(LINES)], "o" if held_out else None
            ax.plot(steps, numbers, color=colour, label=label, linewidth=1.4, marker=mark, markersize=2.6)
            settled += list(numbers[steps > 0.01 * log[-1]["step"]])
        low, high = min(settled), max(settled)  # without the first steps, which would flatten the rest
        margin = 0.06 * (high - low or 1.0)
        ax.set_ylim(low - margin, high + margin)
        ax.set_title(TITLES.get(title, title), loc="left")
        ax.set_xlabel("update")
        ax.xaxis.set_major_locator(MaxNLocator(4))
        if len(lines) > 1:
            ax.legend(loc="best", handlelength=1.2, ncols=2 if len(lines) > 3 else 1, columnspacing=1.0)
    for ax in axes.flat[len(groups) :]:
        ax.set_visible(False)
    return figure


def grouped(log: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Panels of a training chart: title to what is in it, label to key.

    What was logged only once is no curve.

    >>> grouped([{"step": i, "loss/vae": 3.0, "kl": 1.0, "validation/kl": 1.1} for i in range(2)])
    {'loss': {'vae': 'loss/vae'}, 'kl': {'training': 'kl', 'validation': 'validation/kl'}}
    """
    seen = Counter(key for line in log for key, value in line.items() if isinstance(value, int | float))
    found: dict[str, dict[str, str]] = {}
    for key, times in seen.items():
        group, _, name = key.rpartition("/")
        if key in ("step", "epoch", "seconds") or times < 2:
            continue
        if group == "validation" or not group:
            found.setdefault(name, {})[group or "training"] = key
        else:
            found.setdefault(group, {})[name] = key
    return found


def series(log: Sequence[Mapping[str, Any]], key: str) -> tuple[np.ndarray, np.ndarray]:
    """The steps at which something was logged, and its values."""
    pairs = [(line["step"], line[key]) for line in log if isinstance(line.get(key), int | float)]
    steps, numbers = np.array(pairs, dtype=np.float64).T
    return steps, numbers


def labelled(attribute: Attribute) -> str:
    """An attribute's name with its unit.

    >>> labelled(Attribute("slant", unit="rad"))
    'slant (rad)'
    """
    return f"{attribute.name} ({attribute.unit})" if attribute.unit else attribute.name

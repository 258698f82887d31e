"""The charts of a report: matplotlib figures in one style, as PNG files and as SVG that takes the page's colours."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

from latune.attributes import Attribute
from latune.calibration import Calibration
from latune.report.findings import AXIS, Surface

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Each colour of a chart is a variable of the page's style sheet, so one SVG serves light and dark pages.
INK, SOFT, GRID, PAPER = "#1f2328", "#646c76", "#e3e6ea", "#fefefd"
LINES = ("#2b5f9e", "#c2571a", "#3d8a5f", "#8a4fa3", "#a8861b", "#c04a6b")
VARIABLES = {INK: "--ink", SOFT: "--soft", GRID: "--grid", PAPER: "--paper"} | {
    c: f"--line-{i}" for i, c in enumerate(LINES)
}
COLOURS = "viridis"  # even in lightness, readable without colour vision and on either page
MOST_PLANES = 6  # sliders a matrix of planes shows
TITLES = {"kl": "KL", "elbo": "ELBO", "negative elbo": "negative ELBO", "order": "order terms"}
P = ParamSpec("P")

STYLE: dict[str, Any] = {
    "font.size": 9, "axes.titlesize": 9.5, "axes.labelsize": 9, "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.fontsize": 8,
    "text.color": INK, "axes.labelcolor": SOFT, "axes.titlecolor": INK, "xtick.color": SOFT, "ytick.color": SOFT,
    "xtick.labelcolor": SOFT, "ytick.labelcolor": SOFT, "axes.edgecolor": GRID, "axes.facecolor": "none", "figure.facecolor": PAPER,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True, "grid.color": GRID,
    "grid.linewidth": 0.7, "axes.linewidth": 0.8, "xtick.major.size": 0, "ytick.major.size": 0, "lines.linewidth": 1.6,
    "legend.frameon": False, "image.cmap": COLOURS, "savefig.facecolor": "auto", "axes.formatter.useoffset": False,
    "svg.fonttype": "none",  # text stays text, in the page's own font
    "svg.hashsalt": "latune",  # the same chart gives the same bytes
}  # fmt: skip


def png(figure: Figure) -> bytes:
    """A figure as a PNG file."""
    return _saved(figure, format="png", dpi=160)


def svg(figure: Figure, key: str, alt: str) -> str:
    """A figure as an `svg` element for a page that defines the colours in `VARIABLES`.

    Args:
        figure: what to draw.
        key: put before every id, which have to differ within a page.
        alt: what the figure shows, for those who do not see it.
    """
    from html import escape

    text = _saved(figure, format="svg", dpi=160, transparent=True, metadata={"Date": None}).decode()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{key}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\g<1>#{key}-", text)
    text = re.sub(r"(font(?:-family)?:[^;\"]*?)'?DejaVu Sans'?[^;\"]*", r"\1var(--sans)", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)


def _saved(figure: Figure, **how: Any) -> bytes:
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, **how)
    return buffer.getvalue()


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw a chart in the report's style and leave matplotlib's settings as they were."""

    @wraps(draw)
    def drawn(*args: P.args, **settings: P.kwargs) -> Figure:
        import matplotlib

        with matplotlib.rc_context(STYLE):
            return draw(*args, **settings)

    return drawn


def _panels(rows: int, columns: int, size: tuple[float, float], **how: Any) -> tuple[Figure, np.ndarray]:
    """A figure of its own, outside of pyplot's list of open ones, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **how)


@styled
def surface(attribute: Attribute, surfaces: Sequence[Surface]) -> Figure:
    """Attribute surfaces (Pati & Lerch 2020, Figs. 12 and 13): one panel for each coordinate on y, one colour scale."""
    figure, axes = _panels(1, len(surfaces), (1.1 + 2.35 * len(surfaces), 2.5))
    low, high = min(each.values.min() for each in surfaces), max(each.values.max() for each in surfaces)
    image = None
    for ax, each in zip(axes[0], surfaces, strict=True):
        image = ax.pcolormesh(AXIS, AXIS, each.values, vmin=low, vmax=high, shading="gouraud", rasterized=True)
        if high > low:
            ax.contour(
                AXIS,
                AXIS,
                each.values,
                levels=np.linspace(low, high, 9)[1:-1],
                colors="white",
                linewidths=0.6,
                linestyles="solid",
                alpha=0.7,
            )
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
    """Each attribute over its own coordinate: data as dots, what decoded images have as a line."""
    columns = min(3, len(values))
    rows = -(-len(values) // columns)
    figure, axes = _panels(rows, columns, (0.4 + 2.85 * columns, 2.3 * rows))
    for ax, name in zip(axes.flat, values, strict=False):
        ax.scatter(
            codes[name],
            values[name],
            s=_size(len(values[name])),
            color=LINES[0],
            alpha=_alpha(len(values[name])),
            linewidths=0,
            rasterized=True,
        )
        if name in calibration:
            known = calibration[name]
            ax.plot(known.slider, known.value, color=LINES[1])
        ax.set(xlim=(-4, 4), xticks=[-4, -2, 0, 2, 4], xlabel=f"{name} coordinate", ylabel=labelled(attributes[name]))
    for ax in axes.flat[len(values) :]:
        ax.set_visible(False)
    return figure


@styled
def planes(codes: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray]) -> Figure:
    """The data in every plane of two sliders (after Pati & Lerch 2020, Fig. 2), coloured by the attribute of the row."""
    names = list(values)[:MOST_PLANES]
    side = 9.0 / max(len(names), 4)
    figure, axes = _panels(len(names), len(names), (side * len(names) + 0.4,) * 2, sharex=True)
    fine = np.linspace(-4, 4, 81)
    density = np.exp(-0.5 * fine**2) / np.sqrt(2 * np.pi)
    for i, below in enumerate(names):
        for j, across in enumerate(names):
            ax = axes[i, j]
            ax.grid(False)
            ax.set(xlim=(-4, 4), xticks=[-3, 0, 3], yticks=[])
            if i == j:
                ax.hist(codes[across], bins=np.linspace(-4, 4, 25).tolist(), density=True, color=LINES[0], alpha=0.45)
                ax.plot(fine, density, color=LINES[1], linewidth=1.1)
                ax.spines["left"].set_visible(False)
            else:
                low, high = np.quantile(values[below], [0.02, 0.98])
                ax.scatter(
                    codes[across], codes[below], c=values[below], vmin=low, vmax=max(high, low + 1e-12), s=0.8 * _size(len(values[below])),
                    alpha=_alpha(len(values[below])), linewidths=0, rasterized=True,
                )  # fmt: skip
                ax.set(ylim=(-4, 4), yticks=[-3, 0, 3])
                ax.tick_params(labelleft=j == 0)
            if i == len(names) - 1:
                ax.set_xlabel(across)
            if j == 0:
                ax.set_ylabel(below)
    return figure


@styled
def training(log: Sequence[Mapping[str, Any]]) -> Figure:
    """The log: the loss, each term with its value on the validation split, and terms that belong together."""
    panels = _grouped(log)
    columns = len(panels) if len(panels) <= 4 else 3
    rows = -(-len(panels) // columns)
    figure, axes = _panels(rows, columns, (10.4, 10.4 / columns * 0.78 * rows))
    for ax, (title, lines) in zip(axes.flat, panels.items(), strict=False):
        settled: list[float] = []
        for i, (label, key) in enumerate(lines.items()):
            steps, numbers = _series(log, key)
            held_out = key.startswith("validation/")
            ax.plot(
                steps, numbers, color=LINES[(1 if held_out else i) % len(LINES)], label=label, linewidth=1.4,
                marker="o" if held_out else None, markersize=2.6, alpha=0.95,
            )  # fmt: skip
            settled += list(numbers[steps > 0.01 * steps[-1]])
        if settled:  # the first steps would flatten the rest
            low, high = min(settled), max(settled)
            ax.set_ylim(low - 0.06 * (high - low or 1), high + 0.06 * (high - low or 1))
        ax.set_title(TITLES.get(title, title), loc="left")
        ax.set_xlabel("update")
        ax.xaxis.set_major_locator(_few())
        if len(lines) > 1:
            ax.legend(loc="best", handlelength=1.2, ncols=2 if len(lines) > 3 else 1, columnspacing=1.0)
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    return figure


def labelled(attribute: Attribute) -> str:
    """An attribute's name with its unit.

    >>> labelled(Attribute("slant", unit="rad"))
    'slant (rad)'
    """
    return f"{attribute.name} ({attribute.unit})" if attribute.unit else attribute.name


def _grouped(log: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Panels: title to the lines in it, label to key."""
    keys = dict.fromkeys(key for line in log for key, value in line.items() if isinstance(value, int | float))
    panels: dict[str, dict[str, str]] = {}
    for key in keys:
        group, _, name = key.rpartition("/")
        if key in ("step", "epoch", "seconds"):
            continue
        if group == "validation":
            panels.setdefault(name, {})["validation"] = key
        elif group == "loss":
            panels.setdefault("loss", {})[name] = key
        elif group:
            panels.setdefault(group, {})[name] = key
        else:
            panels.setdefault(name, {})["training"] = key
    return panels


def _series(log: Sequence[Mapping[str, Any]], key: str) -> tuple[np.ndarray, np.ndarray]:
    pairs = [(line["step"], line[key]) for line in log if key in line]
    steps, numbers = np.array(pairs, dtype=np.float64).T
    return steps, numbers


def _alpha(n: int) -> float:
    """Fewer dots are darker."""
    return float(np.clip(8 / np.sqrt(n), 0.25, 0.8))


def _size(n: int) -> float:
    """Fewer dots are larger."""
    return float(np.clip(150 / np.sqrt(n), 4, 16))


def _few() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(4)

"""One style for every chart: matplotlib's settings, and SVG that takes the page's colours, light or dark."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import wraps
from html import escape
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Each colour of a chart is a variable of the page's style sheet, so one SVG serves light and dark pages.
INK, SOFT, GRID, PAPER = "#1f2328", "#646c76", "#e3e6ea", "#fefefd"
LINES = ("#2b5f9e", "#c2571a", "#3d8a5f", "#8a4fa3", "#a8861b", "#c04a6b")
VARIABLES = {INK: "--ink", SOFT: "--soft", GRID: "--grid", PAPER: "--paper"}
VARIABLES |= {colour: f"--line-{i}" for i, colour in enumerate(LINES)}
DOTS = "#4a86c8"  # dots are pixels even in an SVG, so their colour has to do on both pages
COLOURS = "viridis"  # even in lightness, and readable without colour vision
PNG_DPI, SVG_DPI = 160, 130  # of an SVG: the parts that are pixels
WIDE = 700  # pixels; a wider chart scrolls on a small screen, where it could not be read if it shrank
PIXELS = 100  # an inch of a chart on the page
P = ParamSpec("P")

STYLE: dict[Any, Any] = {
    "font.size": 9, "axes.titlesize": 9.5, "axes.labelsize": 9,
    "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.fontsize": 8,
    "text.color": INK, "axes.labelcolor": SOFT, "axes.titlecolor": INK, "xtick.color": SOFT, "ytick.color": SOFT,
    "xtick.labelcolor": SOFT, "ytick.labelcolor": SOFT, "axes.edgecolor": GRID, "grid.color": GRID,
    "axes.facecolor": "none", "figure.facecolor": PAPER, "savefig.facecolor": "auto", "image.cmap": COLOURS,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
    "grid.linewidth": 0.7, "axes.linewidth": 0.8, "xtick.major.size": 0, "ytick.major.size": 0, "lines.linewidth": 1.6,
    "legend.frameon": False, "axes.formatter.useoffset": False,
    "svg.fonttype": "none",  # text stays text, in the page's own font
    "svg.hashsalt": "latune",  # the same chart gives the same bytes
}  # fmt: skip


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw a chart in the report's style and leave matplotlib's own settings as they were."""

    @wraps(draw)
    def drawn(*args: P.args, **settings: P.kwargs) -> Figure:
        import matplotlib

        with matplotlib.rc_context(STYLE):
            return draw(*args, **settings)

    return drawn


def panels(rows: int, columns: int, size: tuple[float, float], **how: Any) -> tuple[Figure, np.ndarray]:
    """A figure of its own, outside of pyplot's list of open ones, and its axes `(rows, columns)`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **how)


def dots(ax: Axes, x: np.ndarray, y: np.ndarray, colours: np.ndarray | None = None) -> None:
    """A scatter plot, of one colour or by value; the fewer the dots, the larger and darker."""
    size, alpha = float(np.clip(150 / np.sqrt(len(x)), 3.5, 16)), float(np.clip(9 / np.sqrt(len(x)), 0.3, 0.85))
    how: dict[str, Any] = {"color": DOTS}
    if colours is not None:
        # Without the palest and darkest colours, which are lost on one of the two pages; nor do outliers set the scale.
        from matplotlib import colormaps
        from matplotlib.colors import ListedColormap

        low, high = np.quantile(colours, [0.02, 0.98])
        middle = ListedColormap(colormaps[COLOURS](np.linspace(0.12, 0.93, 256)))
        how = {"c": colours, "cmap": middle, "vmin": low, "vmax": max(high, low + 1e-12)}
    ax.scatter(x, y, s=size, alpha=alpha, linewidths=0, rasterized=True, **how)


def png(figure: Figure) -> bytes:
    """A figure as a PNG file, on a light ground."""
    return _saved(figure, format="png", dpi=PNG_DPI)


def svg(figure: Figure, key: str, alt: str) -> str:
    """A figure as an `svg` element for a page that defines the colours in `VARIABLES`; a wide one in a `div`.

    Args:
        figure: what to draw.
        key: put before every id, which have to differ within a page.
        alt: what the figure shows, for those who do not see it.
    """
    text = _saved(figure, format="svg", dpi=SVG_DPI, transparent=True, metadata={"Date": None}).decode()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{key}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\g<1>#{key}-", text)
    text = re.sub(r"(font(?:-family)?:[^;\"]*?)'?DejaVu Sans'?[^;\"]*", r"\1var(--sans)", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    width = round(PIXELS * figure.get_figwidth())
    whole = text.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" style="max-width:{width}px" ', 1)
    return f'<div class="wide">{whole}</div>' if width > WIDE else whole


def _saved(figure: Figure, **how: Any) -> bytes:
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, **how)
    figure.set_layout_engine("none")  # what was laid out once stays: saved again, it need not be computed again
    return buffer.getvalue()

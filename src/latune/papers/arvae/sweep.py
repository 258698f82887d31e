"""Fig. 8: what the two settings of AR-VAE trade, Interpretability against reconstruction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from latune.papers.arvae.metrics import disentangled, reconstructed
from latune.papers.arvae.published import SWEEP
from latune.papers.experiment import Arm, Gallery, Measured, Picture, Subject
from latune.report import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cell = tuple[float, float]  # gamma and delta
Point = tuple[float, float]  # accuracy and Interpretability


def cells(
    recipe: str, gammas: Sequence[float], deltas: Sequence[float], words: tuple[str, ...] = ()
) -> tuple[Arm, ...]:
    """One training for each gamma and delta."""
    return tuple(
        Arm(
            f"gamma{gamma:g}-delta{delta:g}",
            f"γ = {gamma:g}, δ = {delta:g}",
            recipe,
            (f"model.gamma={float(gamma)}", f"model.delta={float(delta)}", *words),
            SWEEP.get((gamma, delta), {}),
        )
        for gamma in gammas
        for delta in deltas
    )


def traded(subject: Subject) -> Measured:
    """Interpretability, and accuracy in per cent."""
    metrics, pixels = disentangled(subject), reconstructed(subject)
    numbers = {**metrics.numbers, **pixels.numbers}
    shown = {name: numbers[name] for name in ("interpretability", "scc", "accuracy")}
    return Measured(shown, {"per_attribute": metrics.detail["per_attribute"], **pixels.detail})


def chart(gallery: Gallery) -> list[Picture]:
    """Fig. 8 as a picture: our cells, and the paper's."""
    ours: dict[Cell, list[Point]] = {}
    for result in gallery.results:
        model, numbers = result["recipe"]["model"], result["numbers"]
        ours.setdefault((model["gamma"], model["delta"]), []).append((numbers["accuracy"], numbers["interpretability"]))
    medians = {cell: (median(x for x, _ in points), median(y for _, y in points)) for cell, points in ours.items()}
    theirs = {
        cell: (published["accuracy"].median, published["interpretability"].median)
        for cell, published in SWEEP.items()
        if len(published) == 2 and cell in medians
    }
    caption = (
        "Interpretability over pixel accuracy: a colour for each γ, larger dots for larger δ, the paper's cells hollow."
    )
    return [Picture("sweep", caption, style.png(traded_off(medians, theirs)))]


@style.styled
def traded_off(ours: Mapping[Cell, Point], theirs: Mapping[Cell, Point]) -> Figure:
    """Interpretability over accuracy of every cell: ours filled and joined along delta, the paper's hollow."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    figure, axes = style.panels(1, 1, (6.2, 3.8))
    ax = axes[0, 0]
    gammas, deltas = (sorted(set(values)) for values in zip(*ours, strict=True))
    shades = colormaps[style.COLOURS](np.linspace(0.0, 0.9, len(gammas)))
    for gamma, shade in zip(gammas, shades, strict=True):
        colour = to_hex(shade)
        for points, faces in ((ours, colour), (theirs, "none")):
            chosen = sorted(cell for cell in points if cell[0] == gamma)
            if not chosen:
                continue
            x, y = zip(*(points[cell] for cell in chosen), strict=True)
            sizes = [18 + 22 * deltas.index(delta) for _, delta in chosen]
            ax.scatter(
                x, y, s=sizes, facecolors=faces, edgecolors=colour, label=f"γ = {gamma:g}" if points is ours else None
            )
            if points is ours:
                ax.plot(x, y, color=colour, linewidth=0.8, alpha=0.6)
    ax.set(xlabel="pixel accuracy (%)", ylabel="Interpretability")
    ax.legend(title=f"δ = {', '.join(f'{delta:g}' for delta in deltas)}")
    return figure

"""Fig. 8: what the two settings of AR-VAE trade, Interpretability against reconstruction."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from latune.papers.arvae.metrics import disentangled, reconstructed
from latune.papers.arvae.published import SWEEP
from latune.papers.experiment import Arm, Gallery, Measured, Picture, Subject
from latune.report import figures


def cells(recipe: str, gammas: Sequence[float], deltas: Sequence[float]) -> tuple[Arm, ...]:
    """One training for each gamma and delta."""
    return tuple(
        Arm(
            f"gamma{gamma:g}-delta{delta:g}",
            f"γ = {gamma:g}, δ = {delta:g}",
            recipe,
            (f"model.gamma={float(gamma)}", f"model.delta={float(delta)}"),
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
    """Interpretability over accuracy: a colour for each gamma, a size for each delta, the paper's cells hollow."""
    import matplotlib
    from matplotlib.figure import Figure

    ours: dict[tuple[float, float], list[tuple[float, float]]] = {}
    for result in gallery.results:
        model, numbers = result["recipe"]["model"], result["numbers"]
        ours.setdefault((model["gamma"], model["delta"]), []).append((numbers["accuracy"], numbers["interpretability"]))
    points = {cell: tuple(median(values) for values in zip(*pairs, strict=True)) for cell, pairs in ours.items()}
    theirs = {
        cell: (published["accuracy"].median, published["interpretability"].median)
        for cell, published in SWEEP.items()
        if len(published) == 2 and cell in points
    }
    gammas = sorted({gamma for gamma, _ in points})
    deltas = sorted({delta for _, delta in points})
    with matplotlib.rc_context(figures.STYLE):
        figure = Figure(figsize=(6.2, 3.8), layout="constrained")
        ax = figure.subplots()
        for i, gamma in enumerate(gammas):
            colour = figures.LINES[i % len(figures.LINES)]
            line = [points[gamma, delta] for delta in deltas if (gamma, delta) in points]
            ax.plot(*zip(*line, strict=True), color=colour, linewidth=0.8, alpha=0.6)
            for published, faces in ((points, colour), (theirs, "none")):
                dots = {cell: point for cell, point in published.items() if cell[0] == gamma}
                if dots:
                    sizes = [18 + 22 * deltas.index(delta) for _, delta in dots]
                    label = f"γ = {gamma:g}" if published is points else None
                    ax.scatter(
                        *zip(*dots.values(), strict=True), s=sizes, facecolors=faces, edgecolors=colour, label=label
                    )
        ax.set(xlabel="pixel accuracy (%)", ylabel="Interpretability")
        ax.legend(title=f"larger dots: larger δ ({', '.join(f'{delta:g}' for delta in deltas)})\nhollow: the paper's")
        return [Picture("sweep", "Interpretability over pixel accuracy, for each γ and δ.", figures.png(figure))]

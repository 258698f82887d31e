"""Make the README's pictures from a trained run: python docs/make_pictures.py runs/arvae-mnist"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import latune
from latune.recipes import check, open_data

HERE = Path(__file__).parent / "pictures"
REACH = 3.0  # three standard deviations of the prior either way
INK, PAPER, ACCENT = "#1d2430", "#ffffff", "#2f6db5"


def sliders(space, x, path: Path) -> None:
    """One row an attribute: the same digit from one end of the slider to the other."""
    names = space.sliders
    figure = Figure(figsize=(9.6, 0.86 * len(names) + 0.2), dpi=150, facecolor=PAPER)
    grid = figure.add_gridspec(len(names), 11, left=0.11, right=0.995, top=0.99, bottom=0.01, wspace=0.05, hspace=0.05)
    for row, name in enumerate(names):
        images = space.traverse(x, name, np.linspace(-REACH, REACH, 10))[0].plain().numpy()
        values = space.calibration[name].attribute(np.array([-REACH, REACH]))
        unit = space.calibration[name].unit
        for column, image in enumerate(images):
            axis = figure.add_subplot(grid[row, column + (column > 4)])
            axis.imshow(image[0], cmap="gray_r", vmin=0, vmax=1, interpolation="bilinear")
            axis.set_axis_off()
        axis = figure.add_subplot(grid[row, 5])
        axis.imshow(x[0, 0].numpy(), cmap="Blues", vmin=0, vmax=1, interpolation="bilinear")
        axis.set(xticks=[], yticks=[])
        for spine in axis.spines.values():
            spine.set(color=ACCENT, linewidth=1.5)
        y = 1 - (row + 0.5) / len(names)
        figure.text(0.005, y + 0.015, name, color=INK, fontsize=11, fontweight="bold", va="center")
        figure.text(
            0.005, y - 0.03, f"{values[0]:.3g} to {values[1]:.3g} {unit}", color="#6b7686", fontsize=6.5, va="center"
        )
    figure.savefig(path, facecolor=PAPER)


def edits(space, x, path: Path) -> None:
    """Rows: what came in, thinner, thicker, leaning left, leaning right."""
    rows = {
        "original": x,
        "thickness -1.5": space.edit(x, thickness=-1.5).plain(),
        "thickness +1.5": space.edit(x, thickness=+1.5).plain(),
        "slant = -0.25 rad": space.edit(x, to={"slant": -0.25}).plain(),
        "slant = +0.25 rad": space.edit(x, to={"slant": 0.25}).plain(),
    }
    figure = Figure(figsize=(9.6, 0.72 * len(rows)), dpi=150, facecolor=PAPER)
    grid = figure.add_gridspec(
        len(rows), len(x), left=0.16, right=0.995, top=0.99, bottom=0.01, wspace=0.05, hspace=0.05
    )
    for row, (name, images) in enumerate(rows.items()):
        for column, image in enumerate(images.numpy()):
            axis = figure.add_subplot(grid[row, column])
            axis.imshow(image[0], cmap="Blues" if row == 0 else "gray_r", vmin=0, vmax=1, interpolation="bilinear")
            axis.set_axis_off()
        figure.text(0.005, 1 - (row + 0.5) / len(rows), name, color=INK, fontsize=9.5, va="center")
    figure.savefig(path, facecolor=PAPER)


def main() -> None:
    """Write the pictures."""
    run = Path(sys.argv[1])
    space = latune.load(run)
    data = open_data(check(space.about["recipe"], str(run)))
    HERE.mkdir(exist_ok=True)
    test = data.splits["test"]
    digits = data.column("digit", test)
    first = [int((digits == d).nonzero()[3]) for d in range(10)]
    x = data.images(test[first])
    sliders(space, x[[4]], HERE / "sliders.png")
    edits(space, x, HERE / "edits.png")


if __name__ == "__main__":
    main()

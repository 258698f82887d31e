"""Sheets of images with names beside their rows and above their blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from torch import Tensor

from latune.papers.arvae.pictures import beside
from latune.report import sheets, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE = 9.6  # inches of images across
LETTER = 0.08  # inches of a letter of the names beside them


@style.styled
def plates(blocks: Mapping[str, Float[Tensor, "r k c h w"]], rows: Sequence[str], gap: int = 0) -> Figure:
    """Blocks of images beside each other, each with a title, and a name before every row.

    Args:
        blocks: title to images, as many rows in each.
        rows: their names.
        gap: so many rows, and then a wider gap; 0 for none.
    """
    made = [sheet_of(images, gap) for images in blocks.values()]
    widths = [sheet.shape[1] for sheet in made]
    inches = min(WIDE, sum(widths) / 110)
    size = (inches + LETTER * (max(map(len, rows)) + 3), inches * made[0].shape[0] / sum(widths) + 0.4)
    figure, axes = style.panels(1, len(made), size, width_ratios=widths)
    for i, (ax, title, sheet) in enumerate(zip(axes[0], blocks, made, strict=True)):
        framed(ax, sheet)
        ax.set_title(title, loc="left")
        ax.set_yticks(centres(sheet, len(rows), gap) if i == 0 else [], rows if i == 0 else [])
    return figure


def sheet_of(images: Float[Tensor, "r k c h w"], gap: int = 0) -> np.ndarray:
    """Rows of images; after the first `gap` rows a wider gap."""
    k = images.shape[1]
    if not gap:
        return sheets.sheet(images.flatten(0, 1), columns=k)
    first, rest = sheets.sheet(images[:gap].flatten(0, 1), k), sheets.sheet(images[gap:].flatten(0, 1), k)
    return np.concatenate([first, np.zeros((GAP, *first.shape[1:]), np.uint8), rest])


GAP = 4 * sheets.GAP


def centres(sheet: np.ndarray, rows: int, gap: int = 0) -> np.ndarray:
    """Where the middles of the rows are, in pixels."""
    side = (sheet.shape[0] - (GAP if gap else 0) + (2 if gap else 1) * sheets.GAP) / rows
    shifted = (np.arange(rows) >= gap) * (GAP - sheets.GAP) if gap else 0
    return (np.arange(rows) + 0.5) * side - sheets.GAP / 2 + shifted


def framed(ax: Axes, sheet: np.ndarray) -> None:
    """A picture without axes."""
    ax.imshow(sheet)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def shown(*figures: Figure, columns: int = 1) -> bytes:
    """Figures as one PNG file of a size that a page can carry."""
    return beside([style.png(figure) for figure in figures], columns)

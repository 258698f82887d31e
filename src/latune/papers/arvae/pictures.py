"""Figs. 2, 4, 9 to 13 and 17: the latent space as pictures, AR-VAE beside its baseline."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from latune.attributes import Attribute
from latune.measurement import positions
from latune.music import Melody
from latune.music.writing.layout import reach
from latune.music.writing.pianoroll import draw
from latune.papers.arvae.metrics import sampled_codes
from latune.papers.arvae.sliders import dims_of, measurable, measured, traversals
from latune.papers.experiment import Gallery, Picture, Subject, drawn
from latune.report import figures, sheets, style
from latune.report.findings import AXIS, Surface
from latune.training import generator

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ARMS = {"beta-vae": "β-VAE", "ar-vae": "AR-VAE"}
SCATTERED = 2000  # test examples in a scatter plot
PLANES = {"mnist": ("thickness", "slant", "width"), "sprites": ("scale", "x", "y")}  # three are readable side by side
TRAVERSED = 2  # test examples whose attributes are moved
GAP = 24  # pixels between two that stand beside each other
LARGEST = 290_000  # bytes of a picture


def scatter(gallery: Gallery) -> list[Picture]:
    """Fig. 2: test examples in the planes of three attributes' dims, coloured by the attribute of the row."""
    made = []
    for label, title in ARMS.items():
        subject = gallery.open_subject(label)
        names = PLANES.get(subject.data.name) or subject.attributes[:3]
        rows = drawn(subject.data.splits["test"], SCATTERED, subject.seed)
        z = sampled_codes(subject, rows).double().cpu().numpy()
        dims = dims_of(subject)
        values = {name: subject.data.column(name, rows).double().cpu().numpy() for name in names}
        figure = figures.planes({name: z[:, dims[name]] for name in names}, values)
        figure.suptitle(title)
        made.append(style.png(figure))
    caption = (
        "Test examples in the planes of two attributes' dims, coloured by the attribute of the row; on the diagonal "
        "how a dim is distributed, with the prior's density. Left β-VAE, each attribute on the dim that tells most of "
        "it; right AR-VAE."
    )
    return [Picture("scatter", caption, beside(made, columns=2))]


def moved(gallery: Gallery) -> list[Picture]:
    """Figs. 9 and 10: test examples decoded with one attribute's dim at ten values from -4 to 4, the others kept."""
    rows, names, made = [], [], []
    subjects = {title: gallery.open_subject(label) for label, title in ARMS.items()}
    for subject in subjects.values():
        names, dims = subject.attributes, dims_of(subject)
        z = sampled_codes(subject, drawn(subject.data.splits["test"], TRAVERSED, seed=0))
        rows.append(torch.stack([traversals(subject, z, dims[name]) for name in names]))
    shown = next(iter(subjects.values())).space.medium.pictures(
        torch.stack(rows)
    )  # piano-rolls all of the same pitches
    for title, images in zip(subjects, shown, strict=True):  # (l, n, 10, c, h, w) each
        sheet = sheets.sheet(images.flatten(0, 2), columns=images.shape[2], group=images.shape[1])
        made.append(style.png(labelled_sheet(sheet, title, names)))
    caption = (
        "Two test examples, decoded with the dim of the named attribute at ten values from -4 to 4, all others kept. "
        "Left β-VAE, each attribute on the dim that tells most of it; right AR-VAE."
    )
    return [Picture("traversals", caption, beside(made, columns=2))]


def progress(gallery: Gallery) -> list[Picture]:
    """Fig. 17: a measure whose dims move, one after the other, as piano-rolls, and the attributes' values beside."""
    made = []
    for label, title in ARMS.items():
        subject = gallery.open_subject(label)
        names, dims = subject.attributes, dims_of(subject)
        z = sampled_codes(subject, drawn(subject.data.splits["test"], 1, seed=0))
        tokens = {name: traversals(subject, z, dims[name])[0] for name in names}  # (10, t) each
        rolls = {name: list(subject.space.medium.shown(x)) for name, x in tokens.items()}
        values = {name: measured(subject, [name], x)[name] for name, x in tokens.items()}
        made.append(style.png(rolled(rolls, values, title)))
    caption = (
        "One test measure, decoded with the dim of the named attribute at ten values from -4 to 4, all others kept, as "
        "piano-rolls of the same pitches; at the right the attribute's own value. Above β-VAE, each attribute on the "
        "dim that tells most of it; below AR-VAE."
    )
    return [Picture("progress", caption, beside(made, columns=1))]


@style.styled
def rolled(rolls: Mapping[str, Sequence[Melody]], values: Mapping[str, np.ndarray], title: str) -> Figure:
    """A row of piano-rolls for each name, and a line of its values."""
    steps = positions()
    figure, axes = style.panels(len(rolls), len(steps) + 1, (15.0, 1.15 * len(rolls) + 0.5))
    pitches = reach([melody for row in rolls.values() for melody in row])
    grid = axes[0, 0].get_gridspec()
    grid.set_width_ratios([1.0] * len(steps) + [2.2])
    for ax, step in zip(axes[0], steps, strict=False):
        ax.set_title(f"{step:+.1f}")
    for row, (name, melodies) in zip(axes, rolls.items(), strict=True):
        for ax, melody in zip(row, melodies, strict=False):
            draw(ax, melody, pitches=pitches, names=False)
        row[0].set_ylabel(name.replace("_", "\n"), rotation=0, ha="right", va="center")
        row[-1].plot(steps, values[name], color=style.LINES[0], marker="o", markersize=3)
        row[-1].yaxis.tick_right()
        row[-1].set(xticks=[-4, 0, 4])
    figure.suptitle(title)
    return figure


@style.styled
def labelled_sheet(sheet: np.ndarray, title: str, names: Sequence[str]) -> Figure:
    """A sheet of images whose rows, in equal parts, belong to these names."""
    height, width = sheet.shape[:2]
    figure, axes = style.panels(1, 1, (5.4, 5.0 * height / width + 0.3))
    ax = axes[0, 0]
    ax.imshow(sheet)
    ax.set(title=title, xticks=[], yticks=(np.arange(len(names)) + 0.5) * height / len(names), yticklabels=names)
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return figure


def surfaces(gallery: Gallery) -> list[Picture]:
    """Fig. 12: attributes of what is decoded, over their own dim and another; the rest is one draw of the prior."""
    subjects = {label: gallery.open_subject(label) for label in ARMS}
    first = next(iter(subjects.values()))
    made = []
    for name in measurable(first):
        pair = [surface(subject, name, ARMS[label]) for label, subject in subjects.items()]
        known = first.data.attributes[name]
        unit = "px" if first.data.name == "sprites" else known.unit
        made.append(style.png(figures.surface(Attribute(name, unit=unit), pair)))
    caption = (
        "Each attribute, measured on decoded images, over its own dim (across) and the dim of the next attribute (up), "
        "the other dims held at one draw of the prior. A perfect slider gives upright, evenly spaced lines."
    )
    return [Picture("surfaces", caption, beside(made, columns=2))]


def surface(subject: Subject, name: str, title: str) -> Surface:
    """One attribute over its own dim and that of the next attribute that has another one."""
    dims = dims_of(subject)
    names = list(dims)
    after = names[names.index(name) + 1 :] + names[: names.index(name)]
    other = next((each for each in after if dims[each] != dims[name]), None)
    up = dims[other] if other is not None else (dims[name] + 1) % subject.space.codes.width
    across, along = np.meshgrid(AXIS, AXIS)
    z = subject.space.codes.sample(1, generator(subject.seed, "surface")).repeat(across.size, 1)
    z[:, dims[name]] = torch.from_numpy(across.ravel()).float()
    z[:, up] = torch.from_numpy(along.ravel()).float()
    values = measured(subject, [name], subject.space.decode(z).plain())[name].reshape(across.shape)
    against = f"dim of {other}" if other is not None else f"dim {up}"
    return Surface(f"{title}: dim of {name}", against, values, 0.0, 0.0)


def beside(pngs: Sequence[bytes], columns: int) -> bytes:
    """Pictures in rows of so many, on white, in 128 colours, made smaller until the file is."""
    from PIL import Image

    parts = [Image.open(io.BytesIO(png)).convert("RGBA") for png in pngs]
    rows = [parts[i : i + columns] for i in range(0, len(parts), columns)]
    widths = [max(row[i].width for row in rows if i < len(row)) for i in range(min(columns, len(parts)))]
    heights = [max(part.height for part in row) for row in rows]
    page = Image.new("RGB", (sum(widths) + GAP * (len(widths) - 1), sum(heights)), "white")
    for i, row in enumerate(rows):
        for j, part in enumerate(row):
            page.paste(part, (sum(widths[:j]) + GAP * j, sum(heights[:i])), part)
    page.thumbnail((1400, 4000), Image.Resampling.LANCZOS)
    while True:
        buffer = io.BytesIO()
        page.quantize(128, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
        if buffer.tell() <= LARGEST:
            return buffer.getvalue()
        page = page.resize((page.width * 4 // 5, page.height * 4 // 5), Image.Resampling.LANCZOS)

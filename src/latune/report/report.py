"""Write a report: the page, the same in Markdown and as JSON, and its pictures as files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from latune.data import Dataset
from latune.files import whole, write_json, write_text
from latune.measurement import Measurement
from latune.music import Melodies
from latune.provenance import machine
from latune.report import figures, score_figures, sheets, style
from latune.report.findings import AXIS, Findings, gather
from latune.report.markdown import markdown
from latune.report.meanings import GROUPS, meaning
from latune.report.page import Drawings, page
from latune.report.paper import Paper
from latune.report.words import aligned
from latune.space import Space

SIDE, OF_TUNES = 8, 4  # columns of sheets of images, and of melodies
HTML, MARKDOWN, JSON, PICTURES = "report.html", "report.md", "report.json", "pictures"


@dataclass(frozen=True)
class Report:
    """A written report; a notebook shows it.

    Args:
        html: the page.
        numbers: what `report.json` holds.
        measurement: the scores.
    """

    html: Path
    numbers: dict[str, Any]
    measurement: Measurement

    def table(self) -> Any:
        """The scores as a rich table."""
        return self.measurement.table()

    def __str__(self) -> str:
        return f"{self.measurement}\n\n{self.html}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        # A frame of its own keeps the page's style from the notebook, and the notebook's from the page.
        content = escape(self.html.read_text(encoding="utf-8"))
        return f'<iframe srcdoc="{content}" style="width:100%;height:80vh;border:0" title="Latune report"></iframe>'


def write_report(
    space: Space,
    data: Dataset,
    folder: Path | str,
    *,
    split: str = "test",
    seed: int = 0,
    command: str = "",
    measurement: Measurement | None = None,
    run: Path | str | None = None,
    paper: Paper | None = None,
) -> Report:
    """Write `report.html`, `report.md`, `report.json` and `pictures/` into a folder, each file whole or not at all.

    The page needs nothing but itself. The same space, data and seed give the same page.

    Args:
        space: what the report is about.
        data: data with the attributes that the space names.
        folder: where it goes; made if it is missing.
        split: what is measured and shown; `test` unless told otherwise.
        seed: of samples, of the images that are shown, and of the metrics.
        command: what was typed to get this report, for the reader who wants it again.
        measurement: scores that were measured already; measured here where left out.
        run: the run folder whose log is drawn; `folder` where left out.
        paper: what a paper printed of such a training, to stand beside.

    Raises:
        DataError: for a split the data do not have, or an empty one.
        DiskFull: when the disk has no room.

    >>> import latune, tempfile
    >>> images = (np.random.default_rng(0).random((60, 8, 8)) * 255).astype("uint8")
    >>> from latune.data import from_arrays
    >>> space = latune.fit(images, training__epochs=1)
    >>> report = write_report(space, from_arrays(images), tempfile.mkdtemp())
    >>> report.html.name, sorted(p.name for p in (report.html.parent / "pictures").iterdir())[:2]
    ('report.html', ['reconstructions.png', 'samples.png'])
    """
    folder = Path(folder)
    found = gather(space, data, split, seed, measurement, Path(run) if run is not None else folder)
    drawn, pictures = draw(space, found)
    title = str(space.about.get("recipe", {}).get("name") or space.spec.model)
    for name, content in pictures.items():
        with whole(folder / PICTURES / f"{file_name(name)}.png") as temporary:
            temporary.write_bytes(content)
    paths = {name: f"{PICTURES}/{file_name(name)}.png" for name in pictures}
    numbers = as_numbers(space, found, title, command, seed, paper) | {"pictures": list(paths.values())}
    write_json(folder / JSON, numbers)
    write_text(folder / MARKDOWN, markdown(space, found, paths, title, command, seed, paper))
    write_text(folder / HTML, page(space, found, drawn, title, command, seed, paper))
    return Report(folder / HTML, numbers, found.measurement)


def draw(space: Space, found: Findings) -> tuple[Drawings, dict[str, bytes]]:
    """Draw everything that applies: what the page shows, and every picture as a PNG file by name."""
    images = of_images(found)
    charts: dict[str, tuple[Any, str]] = {}
    values = {name: column for name, column in found.attributes.items() if len(column) > 1}
    if values:
        charts["attributes"] = (
            figures.follows(found.codes, values, space.attributes, space.calibration),
            f"Scatter plots of {', '.join(values)}, each over its own coordinate",
        )
    if len(values) > 1:
        charts["planes"] = (
            figures.planes(found.codes, values),
            "Scatter plots of the data in every plane of two sliders, coloured by attribute",
        )
    for name in dict.fromkeys(each.name for each in found.surfaces):
        own = [each for each in found.surfaces if each.name == name]
        alt = f"{name} of decoded images over its own coordinate and {' or '.join(each.against for each in own)}"
        charts[f"surface-{name}"] = figures.surface(space.attributes[name], own), alt
    charts |= of_scores(space, found.measurement)
    if figures.grouped(found.log):
        charts["log"] = figures.training(found.log), "Training curves over updates"
    vectors = {name: style.svg(figure, f"c{i}", alt) for i, (name, (figure, alt)) in enumerate(charts.items())}
    pictures = images | with_values(found) | {name: style.png(figure) for name, (figure, _) in charts.items()}
    return Drawings(images, vectors), pictures


def of_images(found: Findings) -> dict[str, bytes]:
    """The sheets of examples, as the page shows them."""
    if isinstance(found.samples, Melodies):
        assert isinstance(found.pairs, Melodies)
        columns = min(OF_TUNES, len(found.pairs))
        pairs = Melodies(sheets.in_pairs(found.pairs.plain(), OF_TUNES), found.pairs.grid)
        drawn = {
            "samples": sheets.rolls(found.samples, OF_TUNES),
            "reconstructions": sheets.rolls(pairs, columns, group=2),
        }
        return drawn | with_values(found)
    assert isinstance(found.pairs, Tensor)
    drawn = {
        "samples": sheets.png(found.samples, SIDE),
        "reconstructions": sheets.png(sheets.in_pairs(found.pairs, SIDE), min(SIDE, len(found.pairs)), group=2),
    }
    for each in found.traversals:
        assert isinstance(each.images, Tensor)
        drawn[f"traverse-{each.name}"] = sheets.png(each.images.flatten(0, 1), each.images.shape[1])
    return drawn


def with_values(found: Findings) -> dict[str, bytes]:
    """The sheets of traversals with each column's position above it, and the attribute there below."""
    drawn = {}
    for each in found.traversals:
        heads, columns = aligned(each.positions.tolist()), each.images.shape[1]
        feet = None if each.expected is None else aligned(each.expected.tolist())
        if isinstance(each.images, Melodies):
            drawn[f"traverse-{each.name}"] = sheets.rolls(each.images, columns, heads=heads, feet=feet)
        else:
            drawn[f"traverse-{each.name}"] = sheets.labelled(each.images.flatten(0, 1), columns, heads, feet)
    return drawn


def of_scores(space: Space, measurement: Measurement) -> dict[str, tuple[Any, str]]:
    """The charts of scores, with what they show in words."""
    low = score_figures.lowest(measurement)
    charts: dict[str, tuple[Any, str]] = {}
    for key, of in score_figures.dotted(measurement).items():
        alt = f"{GROUPS[key]}: {', '.join(meaning(name).title for name in of)} as dots with intervals"
        charts[f"scores-{key}"] = score_figures.scores(of, low), alt
    grids = {
        "information": (score_figures.information(measurement, space.sliders), "Information of", "about"),
        "importance": (score_figures.importance(measurement, space.sliders), "Importance of", "for"),
        "moved": (score_figures.moved(measurement), "What a slider moves:", "and"),
    }
    for name, (grid, what, of) in grids.items():
        if grid is not None:
            alt = f"{what} {', '.join(grid.columns)} {of} {', '.join(grid.rows)}, as shaded cells"
            charts[name] = score_figures.grid(grid), alt
    return charts


def file_name(name: str) -> str:
    """A picture's name without what some file systems refuse.

    >>> file_name("traverse-z[3]"), file_name("surface-in C/G")
    ('traverse-z-3', 'surface-in-C-G')
    """
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    return kept.rstrip("-") or "picture"


def as_numbers(
    space: Space, found: Findings, title: str, command: str, seed: int, paper: Paper | None
) -> dict[str, Any]:
    """The report's numbers as plain data."""
    return {
        "title": title,
        "command": command,
        "seed": seed,
        "model": space.spec.as_dict(),
        "about": dict(space.about),
        **found.measurement.as_dict(),
        "baselines": found.baselines,
        "traversals": {
            each.name: {"positions": each.positions.tolist(), "expected": _listed(each.expected)}
            for each in found.traversals
        },
        "calibration": {name: known.as_dict() for name, known in space.calibration.items()},
        "surfaces": [
            {
                "attribute": each.name, "against": each.against, "axis": AXIS.tolist(), "values": each.values.tolist(),
                "along_own": each.along_x, "along_other": each.along_y,
            }
            for each in found.surfaces
        ],
        "unmeasurable": found.unmeasurable,
        "log": dict(_last(found.log)),
        "paper": None if paper is None else paper.as_dict(),
        "measured_with": machine(space.device),
    }  # fmt: skip


def _listed(values: np.ndarray | None) -> list[float] | None:
    return None if values is None else values.tolist()


def _last(log: list[dict[str, Any]]) -> Mapping[str, Any]:
    """The last logged value of everything."""
    out: dict[str, Any] = {}
    for line in log:
        out |= line
    return out

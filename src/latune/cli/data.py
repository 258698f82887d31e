"""`data list`, `data inspect`, `data show`, `data export`: data before a training."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from latune.cli.melodies import SHOWING, Quantise, Showing, settings
from latune.cli.shell import Json, Seed, data_app, out, png, save, say, write
from latune.errors import LatuneError


@data_app.command(name="list")
def data_list() -> None:
    """List the data sets that recipes can name, and their options."""
    from rich.table import Table

    from latune.data import DATASETS, options

    table = Table("data set", "options", "what it is", box=None)
    for name, loader in DATASETS.items():
        table.add_row(name, ", ".join(options(name)), (loader.__doc__ or "").strip().split("\n")[0])
    out.print(table)


@data_app.command(name="inspect")
def data_inspect(
    folder: Path, *, attributes: Path | None = None, quantise: Quantise = "auto", json_file: Json = None
) -> None:
    """Look at a folder of images and its table, or of tunes: what is there, and every problem found.

    Parameters
    ----------
    folder
        Your folder of images, or of MIDI, ABC and MusicXML files, or one such file: which are read, which are not, and
        why; and how many a training on each grid would use.
    attributes
        A CSV with one row an image.
    """
    from latune.data import inspect
    from latune.data.listing import holds_tunes

    if attributes is None and holds_tunes(folder):
        from latune.data.tunes.build import FOUR, fit_of
        from latune.music import GRIDS
        from latune.music.reading import Collection, read_folder, tunes_of

        if folder.expanduser().is_file():
            found = Collection()
            found.add(folder.name, tunes_of(folder, quantise=quantise))
        else:
            found = read_folder(folder, quantise=quantise)
        fits = {grid: fit_of(found.melodies, grid) for grid in GRIDS}
        usual = f"  in {' and '.join(FOUR)}, unless data.metres names others"
        rows: list[tuple[str, int, str]] = []
        for grid, fit in fits.items():
            rows.append((f"used on data.grid={grid}", fit.used, usual))
            rows += [(f"  {reason}", count, "") for reason, count in fit.lost.most_common()]
        say(found.table(rows))
        about = {"read": len(found), "remarks": dict(found.remarks), "skipped": found.skipped}
        write(json_file, about | {"grids": {grid: fit.as_dict() for grid, fit in fits.items()}})
        if not len(found):
            sys.exit(2)
        return
    if quantise != "auto":
        raise LatuneError(f"--quantise is of tunes; {folder} is read as images.")
    inspection = inspect(folder, attributes)
    out.print(inspection.table())
    write(json_file, inspection.as_dict())
    if inspection.problems:
        sys.exit(2)


@data_app.command(name="show")
def data_show(
    name: str,
    *,
    n: int = 64,
    showing: Showing = SHOWING,
    seed: Seed = 0,
    picture: Annotated[Path, Parameter(name="--out")] = Path("data.png"),
) -> None:
    """Draw a sheet of a data set's images, or of its melodies as piano-rolls.

    Parameters
    ----------
    name
        A name of `latune data list`.
    """
    import torch

    from latune.data import load
    from latune.training import generator

    if n < 1:
        raise LatuneError(f"--n is 1 or more. Got {n}.")
    file = png(picture)
    data = load(name)
    told = settings(data, showing, file)
    rows = torch.randint(len(data), (n,), generator=generator(seed, "show"))
    save(data.medium.give(data.examples(rows)), file, **told)


@data_app.command(name="export")
def data_export(name: str, folder: Path, *, n: int | None = None, seed: Seed = 0) -> None:
    """Write a data set as a folder of PNG files with a table, as your own data would be.

    Parameters
    ----------
    name
        A name of `latune data list`.
    folder
        A folder that does not exist yet.
    n
        How many examples, drawn at random; all unless given.
    """
    from latune.data import export, load

    limited: dict[str, Any] = {} if n is None else {"limit": n}
    data = load(name, seed=seed, **limited)
    say(f"wrote {len(data):,} images and table.csv to {export(data, folder)}")

"""`demo`, `train`, `recipes`, `reproduce`: from a recipe, or from your own images, to a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from latune.cli.shell import Device, Json, Seed, app, err, out, plain, quoted, say, write
from latune.errors import LatuneError

OWN_DATA = {  # what `train` takes with --data, and the model it is
    "arvae": "ar-vae",
    "ar-vae": "ar-vae",
    "betavae": "beta-vae",
    "beta-vae": "beta-vae",
    "vae": "vae",
    "vgsn": "vgsn",
    "infogan": "infogan",
    "auto": None,
}


@app.command
def demo(
    *,
    music: Annotated[bool, Parameter(negative=())] = False,
    folder: Annotated[Path | None, Parameter(name="--out")] = None,
    seed: Seed = 0,
    json_file: Json = None,
) -> None:
    """Train on real handwriting, turn its sliders, add a control, write pictures and a measured report.

    Parameters
    ----------
    music
        Bach's melodies instead of handwriting: a phrase is edited, a rule is taught, and MIDI, score and sound written.
    folder
        Where the run, the pictures and the report go; demo, or music-demo, unless given.
    """
    from latune.demo import run_demo, run_music_demo

    run = run_music_demo if music else run_demo
    write(json_file, run(folder or Path("music-demo" if music else "demo"), seed, out))


@app.command
def train(
    recipe: str,
    *changes: str,
    folder: Annotated[Path | None, Parameter(name="--out")] = None,
    data: Path | None = None,
    attributes: Path | None = None,
    size: int | None = None,
    device: Device = "cpu",
    json_file: Json = None,
) -> None:
    """Train a recipe, or a model on your own images; the same command resumes an interrupted run.

    Examples: `latune train arvae-digits training.epochs=8 seed=3` and
    `latune train arvae --data photos --attributes table.csv`.

    Parameters
    ----------
    recipe
        A recipe's name (see `latune recipes`) or TOML file; with --data arvae, betavae, vae, vgsn, infogan or auto.
    changes
        Settings to change, as key=value.
    folder
        The run folder; made from the recipe's name and the changes unless given.
    data
        A folder of your own images: nets and schedule are chosen from them, and the reasons are printed.
    attributes
        A CSV with one row an image: its first column the file, the others attributes.
    size
        Scale and crop your own images to this side.
    """
    from latune.provenance import check_device
    from latune.recipes import default_folder, open_data, read
    from latune.recipes import train as train_recipe
    from latune.space import SPACE

    check_device(device)
    opened = None
    if data is not None:
        chosen, opened = _choose(recipe, data, attributes, size, changes, device)
    else:
        for option, value in (("--attributes", attributes), ("--size", size)):
            if value is not None:
                raise LatuneError(
                    f"{option} goes with --data FOLDER. A recipe takes its data settings as data.key=value."
                )
        if recipe in OWN_DATA:
            raise LatuneError(
                f"'{recipe}' is for your own images: it goes with --data FOLDER. "
                "Without, name a recipe; latune recipes lists them."
            )
        chosen = read(recipe, changes)
    folder = folder or default_folder(chosen, changes)
    if opened is None and not (folder / SPACE).exists():
        opened = open_data(chosen, device)  # what is wrong with the data is told before a training is announced
    if opened is not None and "tunes" in opened.provenance:
        counts = opened.provenance["tunes"]
        lost = "; ".join(f"{n:,} {reason}" for reason, n in counts["left out"].items())
        err.print(
            f"{counts['used']:,} of {counts['read']:,} tunes{f', left out: {lost}' if lost else ''}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    err.print(
        f"[bold]{plain(chosen.name)}[/] into {plain(str(folder))} (stop at any time: the same command resumes)",
        highlight=False,
        soft_wrap=True,
    )
    space = train_recipe(chosen, folder, device=device, progress=True, data=opened)
    updates = "1 update" if space.about["steps"] == 1 else f"{space.about['steps']} updates"
    say(f"trained: {folder}  ({updates} in {space.about['seconds']:.0f} s)")
    if space.sliders:
        say(f"sliders: {', '.join(space.sliders)}")
    say(f"next:    latune evaluate {quoted(folder)}")
    write(json_file, {"folder": str(folder), **space.about})


def _choose(kind: str, data: Path, table: Path | None, size: int | None, changes: tuple[str, ...], device: str) -> Any:
    from latune.errors import unknown
    from latune.fitting import choose_for_folder

    if kind not in OWN_DATA:
        raise LatuneError(unknown("model for your own data", kind, OWN_DATA))
    name = f"{kind}-{data.resolve().name}"
    choice, opened = choose_for_folder(
        data, table, size, model=OWN_DATA[kind], name=name, changes=changes, device=device
    )
    for reason in choice.reasons:
        err.print(f"  {reason}", highlight=False, markup=False)
    return choice.recipe, opened


@app.command
def recipes(*, json_file: Json = None) -> None:
    """List the recipes that come with Latune."""
    import tomllib

    from rich.table import Table

    from latune.recipes import shelf

    table = Table("recipe", "what it trains", box=None)
    listed = {name: tomllib.loads(path.read_text(encoding="utf-8")) for name, path in shelf().items()}
    for name, data in listed.items():
        table.add_row(name, data.get("about", ""))
    out.print(table)
    write(json_file, listed)


@app.command
def reproduce(
    name: str = "list",
    *,
    scale: Literal["quick", "paper"] = "quick",
    seeds: int | None = None,
    jobs: int = 1,
    device: Device = "cpu",
    results: Path = Path("results"),
    runs: Path = Path("runs"),
    json_file: Json = None,
) -> None:
    """Run or resume a figure or table of a paper, and file its numbers beside the paper's.

    Parameters
    ----------
    name
        An experiment; `list` shows them, `page` writes docs/results.md from the result files.
    scale
        `quick` takes minutes on a CPU; `paper` is the paper's own size.
    seeds
        How many seeds, from 0; 3 unless the experiment says otherwise.
    jobs
        How many trainings at once, each with its share of the threads.
    results
        Where the result files go.
    runs
        Where the trained models go.
    """
    from latune import papers
    from latune.provenance import check_device

    if name == "list":
        out.print(papers.table())
        listed = {
            key: {"figure": each.figure, "shows": each.shows, "trainings": {s: len(a) for s, a in each.arms.items()}}
            for key, each in papers.EXPERIMENTS.items()
        }
        write(json_file, listed)
    elif name == "page":
        written = papers.write_page(results)
        say(f"wrote {written}")
        write(json_file, {"page": str(written)})
    else:
        check_device(device)
        summary = papers.reproduce(
            name, scale=scale, seeds=seeds, jobs=jobs, device=device, results=results, runs=runs, console=out
        )
        write(json_file, summary)

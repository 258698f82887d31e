"""The command line: typed functions, whose docstrings are the help. Torch is imported after the words are parsed."""

from __future__ import annotations

import json
import math
import shlex
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter, validators
from rich.console import Console

from latune import __version__
from latune.errors import LatuneError

if TYPE_CHECKING:
    from latune.space import Space

app = App(
    name="latune",
    version=__version__,
    help="Train a generative model once, then tune what it makes.",
    help_format="markdown",
    default_parameter=Parameter(negative_iterable=()),  # no --empty-set beside --set
)
data_app = App(name="data", help="Look at data before training on them.")
app.command(data_app)

out = Console()
err = Console(stderr=True)

OWN_DATA = {  # what `train` takes with --data, and the model it is
    "arvae": "ar-vae",
    "ar-vae": "ar-vae",
    "betavae": "beta-vae",
    "beta-vae": "beta-vae",
    "vae": "vae",
    "auto": None,
}

Json = Annotated[Path | None, Parameter(name="--json", help="also write the numbers to this file")]
Out = Annotated[Path | None, Parameter(help="the run folder; made from the recipe and its changes unless given")]
Device = Annotated[str, Parameter(help="cpu, cuda, or cuda:N")]
Seed = Annotated[int, Parameter(help="of every random draw", validator=validators.Number(gte=0, lt=2**63))]


def main() -> None:
    """Run the command line; whatever the user can mend is one message on standard error and exit code 2."""
    warnings.showwarning = _warn
    try:
        app(sys.argv[1:], exit_on_error=False, print_error=True, error_console=err)
    except CycloptsError:
        sys.exit(2)  # cyclopts has said what was wrong
    except LatuneError as error:
        err.print(f"[bold red]error:[/] {_plain(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except OSError as error:  # a file of the user's that cannot be read or written
        where = f": {error.filename}" if error.filename else ""
        err.print(f"[bold red]error:[/] {_plain(f'{error.strerror or error}{where}')}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        err.print("stopped; the same command resumes")
        sys.exit(130)


@app.command
def demo(
    *, folder: Annotated[Path, Parameter(name="--out")] = Path("demo"), seed: Seed = 0, json_file: Json = None
) -> None:
    """Train on real handwriting, turn its sliders, write pictures and a measured report.

    Parameters
    ----------
    folder
        Where the run, the pictures and the report go.
    """
    from latune.demo import run_demo

    numbers = run_demo(folder, seed, out)
    _write(json_file, numbers)


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
        A recipe's name (see `latune recipes`) or TOML file; with --data one of arvae, betavae, vae, or auto.
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
    err.print(
        f"[bold]{_plain(chosen.name)}[/] into {_plain(str(folder))} (stop at any time: the same command resumes)",
        highlight=False,
        soft_wrap=True,
    )
    space = train_recipe(chosen, folder, device=device, progress=True, data=opened)
    updates = "1 update" if space.about["steps"] == 1 else f"{space.about['steps']} updates"
    _say(f"trained: {folder}  ({updates} in {space.about['seconds']:.0f} s)")
    if space.sliders:
        _say(f"sliders: {', '.join(space.sliders)}")
    _say(f"next:    latune evaluate {_quoted(folder)}")
    _write(json_file, {"folder": str(folder), **space.about})


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
    _write(json_file, listed)


@app.command
def sample(
    run: Path,
    *,
    n: int = 64,
    set_: Annotated[list[str] | None, Parameter(name="--set")] = None,
    to: list[str] | None = None,
    seed: Seed = 0,
    picture: Annotated[Path | None, Parameter(name="--out")] = None,
) -> None:
    """Draw images from the prior, with coordinates held where you want them.

    Parameters
    ----------
    run
        A run folder.
    n
        How many.
    set_
        Hold a coordinate at a latent value: slant=1.5.
    to
        Hold an attribute at a value of its own unit: thickness=3.1.
    picture
        The PNG file; RUN/sample.png unless given.
    """
    from latune.training import generator

    if n < 1:
        raise LatuneError(f"--n is 1 or more. Got {n}.")
    file = _png(picture or run / "sample.png")
    space = _load(run)
    images = space.sample(n, generator=generator(seed, "sample"), to=_numbers(to), **_numbers(set_))
    _save(images, file)


@app.command
def edit(
    run: Path,
    image: Path,
    *,
    set_: Annotated[list[str] | None, Parameter(name="--set")] = None,
    to: list[str] | None = None,
    picture: Annotated[Path | None, Parameter(name="--out")] = None,
    json_file: Json = None,
) -> None:
    """Change an image: the original, its reconstruction and the edit side by side.

    Parameters
    ----------
    run
        A run folder.
    image
        An image file; it is scaled and cropped to the model's size.
    set_
        Move a coordinate by a latent amount: thickness=+2.
    to
        Bring an attribute to a value of its own unit: slant=0.4.
    picture
        The PNG file; IMAGE-edit.png in the current folder unless given.
    """
    import torch

    from latune.pictures import Images, read_image

    if not (set_ or to):
        raise LatuneError(
            "Nothing to change. Give --set thickness=+2 (latent units) or --to thickness=3.1 (its own units)."
        )
    file = _png(picture or Path(f"{image.stem}-edit.png"))
    space = _load(run)
    x = read_image(image, space.shape)
    edited = space.edit(x, to=_numbers(to), **_numbers(set_))
    shown = torch.cat([x, space.decode(space.encode(x)).plain().cpu(), edited.plain().cpu()])
    _save(Images.of(shown), file)
    measurable = [name for name in space.sliders if space.attributes[name].measure is not None]
    if not measurable:
        note = "no slider of this run can be measured on images"
        err.print(f"note: {note}", highlight=False)
        _write(json_file, {"note": note})
    else:
        before, after = space.measured(measurable, x), space.measured(measurable, edited)
        numbers = {name: {"before": float(before[name][0]), "after": float(after[name][0])} for name in measurable}
        for name, pair in numbers.items():
            out.print(
                f"{name:>12}  {pair['before']:8.3f} -> {pair['after']:8.3f} {space.attributes[name].unit}",
                highlight=False,
            )
        _write(json_file, numbers)


@app.command
def traverse(
    run: Path,
    image: Path | None = None,
    *,
    name: Annotated[list[str] | None, Parameter(name="--name")] = None,
    n: int = 8,
    steps: int = 10,
    reach: float = 4.0,
    seed: Seed = 0,
    folder: Annotated[Path | None, Parameter(name="--out")] = None,
) -> None:
    """Move one coordinate at a time and keep the rest: a grid of pictures for each.

    Parameters
    ----------
    run
        A run folder.
    image
        An image file to start from; samples of the prior unless given.
    name
        Coordinates to move; all sliders unless given.
    n
        Rows: how many samples to start from.
    steps
        Columns: slider positions.
    reach
        From -reach to +reach.
    folder
        Where the pictures go; RUN/traversals unless given.
    """
    import torch

    from latune.pictures import read_image
    from latune.training import generator

    if steps < 2 or n < 1:
        raise LatuneError(f"--steps is 2 or more and --n is 1 or more. Got {steps} and {n}.")
    space = _load(run)
    x = read_image(image, space.shape) if image else space.sample(n, generator=generator(seed, "traverse"))
    for each in name or space.sliders or space.codes.columns():
        images = space.traverse(x, each, torch.linspace(-reach, reach, steps))
        _save(images, (folder or run / "traversals") / f"{each.replace('/', '_')}.png")


@app.command
def interpolate(
    run: Path,
    a: Path,
    b: Path,
    *,
    steps: int = 10,
    picture: Annotated[Path | None, Parameter(name="--out")] = None,
) -> None:
    """Walk the straight line between two images in the latent space.

    Parameters
    ----------
    run
        A run folder.
    a
        The first image file.
    b
        The last image file.
    steps
        Pictures, both ends included.
    picture
        The PNG file; interpolation.png in the current folder unless given.
    """
    from latune.pictures import read_image

    file = _png(picture or Path("interpolation.png"))
    space = _load(run)
    images = space.interpolate(read_image(a, space.shape), read_image(b, space.shape), steps)
    _save(images, file)


@app.command
def evaluate(
    run: Path,
    *,
    split: Literal["training", "validation", "test"] = "test",
    codes: Literal["mean", "sample"] = "mean",
    seed: Seed = 0,
    report: bool = True,
    json_file: Json = None,
) -> None:
    """Measure a run on data it was not trained on, and write its report.

    Parameters
    ----------
    run
        A run folder.
    split
        What is measured.
    codes
        The posterior's mean, or one sample an example as AR-VAE's authors report.
    report
        Write report.html, report.json and pictures into the run.
    """
    from latune.recipes import check, open_data, same_data

    space = _load(run)
    recipe = check(space.about["recipe"], str(run / "recipe.toml"))
    data = open_data(recipe)
    if not same_data(space, data):
        _warn(f"the data changed since {run} was trained: what is measured may be examples that it has seen.")
    measurement = space.measure(data, split, codes=codes, seed=seed)
    out.print(measurement.table())
    _write(json_file, measurement.as_dict())
    if report:
        from latune.report import write_report

        command = f"latune evaluate {_quoted(run)} --split {split} --codes {codes} --seed {seed}"
        written = write_report(space, data, run, split=split, seed=seed, command=command, measurement=measurement)
        _say(f"report:  {written.html}")


@app.command
def info(run: Path, *, json_file: Json = None) -> None:
    """Say what a run is: model, data, coordinates and what each slider reaches."""
    from rich.table import Table

    space = _load(run)
    about = space.about
    lines = {
        "model": space.spec.model + (f" (preset {space.spec.preset})" if space.spec.preset else ""),
        "images": " x ".join(map(str, space.shape)),
        "data": about.get("data", {}).get("source", ""),
        "trained": f"{about.get('steps')} updates in {about.get('seconds', 0):.0f} s on {about.get('device')}",
        "versions": f"latune {about.get('latune')}, torch {about.get('torch')}",
    }
    for key, value in lines.items():
        out.print(f"[bold]{key:>9}[/]  {_plain(str(value))}", highlight=False)
    table = Table("coordinate", "prior", "attribute within reach", box=None)
    for name in space.codes:
        known = space.calibration.get(name)
        table.add_row(
            name, str(space.codes[name]), f"{known.range[0]:.3g} to {known.range[1]:.3g} {known.unit}" if known else ""
        )
    out.print(table)
    reach = {name: known.range for name, known in space.calibration.items()}
    _write(json_file, {**lines, "codes": space.codes.as_dict(), "reach": reach})


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
def data_inspect(folder: Path, *, attributes: Path | None = None, json_file: Json = None) -> None:
    """Look at a folder of images and its table: sizes, colours, attributes, and every problem found.

    Parameters
    ----------
    folder
        Your folder of images.
    attributes
        A CSV with one row an image.
    """
    from latune.data import inspect

    inspection = inspect(folder, attributes)
    out.print(inspection.table())
    _write(json_file, inspection.as_dict())
    if inspection.problems:
        sys.exit(2)


@data_app.command(name="show")
def data_show(
    name: str, *, n: int = 64, seed: Seed = 0, picture: Annotated[Path, Parameter(name="--out")] = Path("data.png")
) -> None:
    """Draw a sheet of a data set's images.

    Parameters
    ----------
    name
        A name of `latune data list`.
    """
    import torch

    from latune.data import load
    from latune.pictures import Images
    from latune.training import generator

    if n < 1:
        raise LatuneError(f"--n is 1 or more. Got {n}.")
    file = _png(picture)
    data = load(name)
    rows = torch.randint(len(data), (n,), generator=generator(seed, "show"))
    _save(Images.of(data.images(rows)), file)


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
    _say(f"wrote {len(data):,} images and table.csv to {export(data, folder)}")


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
        _write(json_file, listed)
    elif name == "page":
        written = papers.write_page(results)
        _say(f"wrote {written}")
        _write(json_file, {"page": str(written)})
    else:
        check_device(device)
        summary = papers.reproduce(
            name, scale=scale, seeds=seeds, jobs=jobs, device=device, results=results, runs=runs, console=out
        )
        _write(json_file, summary)


def _warn(message: Warning | str, *_: Any) -> None:
    err.print(f"[bold yellow]note:[/] {_plain(str(message))}", highlight=False, soft_wrap=True)


def _load(run: Path) -> Space:
    from latune.space import load

    return load(run)


def _numbers(words: list[str] | None) -> dict[str, float]:
    """`name=value` words as numbers."""
    numbers = {}
    for word in words or []:
        name, equals, text = word.partition("=")
        try:
            numbers[name] = float(text)
            if not math.isfinite(numbers[name]):
                equals = ""
        except ValueError:
            equals = ""
        if not (equals and name):
            raise LatuneError(f"'{word}' is not of the form name=number, for example thickness=+2.")
    return numbers


def _png(path: Path) -> Path:
    """Where a picture goes; only PNG files are written."""
    if path.suffix.lower() != ".png":
        raise LatuneError(f"Pictures are PNG files. Got --out {path}; give a name that ends in .png.")
    return path


def _quoted(path: Path) -> str:
    """A path as a shell takes it."""
    return shlex.quote(str(path))


def _save(images: Any, path: Path) -> None:
    _say(f"wrote {images.save(path)}")


def _say(line: str) -> None:
    """Print a line as it is: a folder's name may look like markup."""
    out.print(line, highlight=False, markup=False, soft_wrap=True)


def _write(path: Path | None, numbers: Any) -> None:
    if path is not None:
        from latune.files import write_json

        write_json(path, json.loads(json.dumps(numbers, default=str)))


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


if __name__ == "__main__":
    main()

"""`info`, `evaluate`, `measure`, `compare`: what a run is, and numbers that say how good it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from latune.cli.shell import Json, Seed, app, err, open_run, out, plain, quoted, say, warn, write

Several = Parameter(consume_multiple=True)
MANY = 100_000  # examples of which all metrics take minutes


@app.command
def info(run: Path, *, json_file: Json = None) -> None:
    """Say what a run is: model, data, coordinates and what each slider reaches."""
    from rich.table import Table

    space = open_run(run)
    about = space.about
    lines = {
        "model": space.spec.model + (f" (preset {space.spec.preset})" if space.spec.preset else ""),
        space.medium.many: space.medium.size_in_words,
        "data": about.get("data", {}).get("source", ""),
        "trained": f"{about.get('steps')} updates in {about.get('seconds', 0):.0f} s on {about.get('device')}",
        "versions": f"latune {about.get('latune')}, torch {about.get('torch')}",
    }
    for key, value in lines.items():
        out.print(f"[bold]{key:>9}[/]  {plain(str(value))}", highlight=False)
    table = Table("coordinate", "prior", "attribute within reach", box=None)
    for name in (name for name, factor in space.codes.items() if factor.width):
        known = space.calibration.get(name)
        table.add_row(name, str(space.codes[name]), known.reach if known else "")
    out.print(table)
    reach = {name: known.range for name, known in space.calibration.items()}
    write(json_file, {**lines, "codes": space.codes.as_dict(), "reach": reach})


@app.command
def evaluate(
    run: Path,
    *,
    split: Literal["training", "validation", "test"] = "test",
    codes: Literal["mean", "sample"] = "mean",
    seed: Seed = 0,
    also: Annotated[list[Literal["bound", "samples", "parzen"]] | None, Several] = None,
    weights: int = 64,
    resamples: int = 200,
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
    also
        Parts that take longer: bound (the importance-weighted bound), samples (Fréchet distance, precision and recall
        in the features of a classifier, trained once and kept in RUN/classifier), parzen.
    weights
        Importance weights an example, for bound.
    resamples
        Bootstrap resamples for the intervals; 0 for none.
    report
        Write report.html, report.md, report.json and pictures into the run.
    """
    from latune.measurement import USUAL
    from latune.metrics import RESAMPLES
    from latune.papers.beside import paper_of
    from latune.recipes import check, open_data, same_data

    space = open_run(run)
    recipe = check(space.about["recipe"], str(run / "recipe.toml"))
    data = open_data(recipe)
    if not same_data(space, data):
        warn(f"the data changed since {run} was trained: what is measured may be examples that it has seen.")
    extra = list(dict.fromkeys(also or ()))
    if "samples" in extra and not (run / "classifier" / "classifier.json").exists():
        err.print("  training a classifier of the data's classes, once", highlight=False)
    measurement = space.measure(
        data,
        split,
        codes=codes,
        seed=seed,
        resamples=resamples,
        parts=(*USUAL, *extra),
        weights=weights,
        folder=run / "classifier",
    )
    out.print(measurement.table())
    write(json_file, measurement.as_dict() | {"about": dict(space.about)})  # as report.json: compare reads either
    if report:
        from latune.report import write_report

        command = f"latune evaluate {quoted(run)} --split {split} --codes {codes} --seed {seed}"
        command += f" --also {' '.join(extra)}" if extra else ""
        command += f" --weights {weights}" if "bound" in extra else ""
        command += f" --resamples {resamples}" if resamples != RESAMPLES else ""
        asked = {"split": split, "seed": seed, "command": command, "paper": paper_of(recipe)}
        written = write_report(space, data, run, measurement=measurement, **asked)
        say(f"report:  {written.html}")


@app.command
def measure(
    codes: Path,
    attributes: Path,
    *,
    classes: Annotated[list[str] | None, Several] = None,
    only: Annotated[list[str] | None, Several] = None,
    names: Annotated[list[str] | None, Several] = None,
    key: Annotated[list[str] | None, Several] = None,
    ids: Annotated[str | None, Parameter(name="--id")] = None,
    metrics: Annotated[list[str] | None, Several] = None,
    limit: int | None = None,
    seed: Seed = 0,
    resamples: int = 200,
    training_seed: int | None = None,
    json_file: Json = None,
) -> None:
    """Measure the codes of any model against attributes: every metric, with the settings that define it.

    Example: `latune measure codes.npy table.csv --classes digit --json scores.json`.

    Parameters
    ----------
    codes
        One row an example, one column a dim: .npy, .npz, .csv or .tsv.
    attributes
        One row an example, one column an attribute; an empty cell or NaN where it is not known.
    classes
        Attributes that are classes; words become indices in sorted order.
    only
        Attributes to measure; all unless given.
    names
        Names of the attributes of a .npy or .npz file; 0, 1, ... unless given.
    key
        The array to take from a .npz file; of two such files, that of the codes first.
    ids
        The column of two CSV files that says which rows belong together; found unless given.
    metrics
        Metrics to compute; all unless given.
    limit
        Most examples, evenly spread over the file.
    resamples
        Bootstrap resamples for the intervals; 0 for none.
    training_seed
        The seed that the model was trained from, kept in the JSON: `latune compare` pairs runs by it.
    """
    from latune.matrices import measure_matrices, read_matrices
    from latune.matrices.scoring import known

    chosen = known(metrics)
    with err.status("reading", spinner="line") as status:
        matrices = read_matrices(
            codes,
            attributes,
            keys=key or (),
            names=names,
            only=only,
            classes=classes or (),
            ids=ids,
            limit=limit,
        )
        n = len(matrices.codes)
        if n > MANY:
            warn(f"{n:,} examples take minutes. --limit 20000 tells nearly the same in seconds.")
        scores = measure_matrices(matrices, chosen, seed, resamples, training_seed, status.update)
    out.print(scores)
    write(json_file, scores.as_dict())


@app.command
def compare(
    *runs: Path,
    against: Annotated[list[Path] | None, Several] = None,
    per_attribute: Annotated[bool, Parameter(negative=())] = False,
    folder: Annotated[Path | None, Parameter(name="--out")] = None,
    seed: Seed = 0,
    json_file: Json = None,
) -> None:
    """Compare evaluated runs over seeds: medians and ranges, and the differences of two recipes with an interval.

    Example: `latune compare runs/a-seed* --against runs/b-seed* --out figures`.

    Parameters
    ----------
    runs
        Run folders that were evaluated, or files written by `latune evaluate --json` or `latune measure --json`.
    against
        The runs to compare them with; without, runs are grouped by their recipe.
    per_attribute
        Also show the numbers of each attribute.
    folder
        Draw box plots and pair plots into this folder, as PNG and SVG.
    """
    from latune.comparison import compare as compare_runs

    found = compare_runs(runs, against, seed)
    out.print(*found.lines(out.width, per_attribute), sep="\n")
    write(json_file, found.as_dict())
    if folder is not None:
        from latune.comparison import figures, planes

        extra, notes = planes.drawn(found, seed)
        for note in notes:
            warn(note.partition("\n")[0])
        written = found.save(folder)
        for name, figure in extra.items():
            written += figures.save(figure, folder, name)
        for path in written:
            say(f"wrote {path}")

"""`walk`: a model as a walk along the data, free or with a part of the picture held; seen, or measured."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from latune.cli.pictures import Controls, Realism, _amounts, _numbers, _once, _wishes
from latune.cli.shell import Json, Seed, app, err, open_run, out, say, warn, write
from latune.errors import LatuneError

Set = Annotated[list[str] | None, Parameter(name="--set")]
Flag = Parameter(negative=())
STEPS = 200  # of a walk, unless told otherwise


@app.command
def walk(
    run: Path,
    *images: Path,
    steps: int | None = None,
    every: int | None = None,
    n: int | None = None,
    mask: Path | None = None,
    free: str | None = None,
    begin: Literal["kept", "noise", "blank"] = "kept",
    sample_z: bool = True,
    sample_x: Annotated[bool, Flag] = False,
    set_: Set = None,
    to: list[str] | None = None,
    with_: Controls = None,
    realism: Realism = 0.0,
    seed: Seed = 0,
    picture: Annotated[Path | None, Parameter(name="--out")] = None,
    measure: Annotated[bool, Flag] = False,
    inpaint: Annotated[bool, Flag] = False,
    split: Literal["training", "validation", "test"] | None = None,
    judge: Path | None = None,
    seer: Path | None = None,
    json_file: Json = None,
) -> None:
    """Walk along the data: encode, decode, and again. Hold a part of the picture, and the rest is painted in.

    Example: `latune walk runs/digits picture.png --free 6:22,6:22 --begin noise --out painted.gif`.

    With --measure no picture is made: 100 chains from held-out images are measured, and --inpaint measures how well
    hidden squares are painted in. Classifiers that judge them are trained once and kept in the run.

    Parameters
    ----------
    run
        A run folder.
    images
        Image files to start from, scaled and cropped to the model's size; samples of the prior unless given.
    steps
        How many; 200 unless given, 1000 with --measure, 50 with --inpaint.
    every
        Show a step in so many; as many as fit on a sheet of 20, and all in an animation, unless given.
    n
        How many samples of the prior to start from; 8 unless given.
    mask
        A picture of the model's size: white is held, black is painted anew, beginning as --begin says.
    free
        In place of a mask, the rectangle that is painted anew, as rows and columns: 6:22,6:22.
    begin
        What the free part starts as: kept as it is in the image, noise, or blank.
    sample_z
        Draw each code; else its mean is taken, and the walk is a single path.
    sample_x
        Draw each image too; else its mean is handed on.
    set_
        Move a coordinate by a latent amount in each step: thickness=+0.1.
    to
        Bring an attribute to a value of its own unit in each step: slant=0.4.
    picture
        A sheet (.png) or an animation (.gif); RUN/walk.png unless given.
    measure
        How the chains mix and whether they stay with the data, beside held-out images.
    inpaint
        How often the judge sees the true class in what was painted in.
    split
        The images that are measured; test unless given.
    judge
        A folder with a classifier that was trained before.
    seer
        With --inpaint, a folder with a classifier that learned from images with a hidden square: it tells how much the
        visible part allows. One is trained and kept in RUN/seer unless given.
    """
    from latune.pictures import read_image
    from latune.training import generator

    seen = {"IMAGE": images or None, "--mask": mask, "--free": free, "--out": picture, "--every": every, "--n": n}
    seen |= {"--begin": None if begin == "kept" else begin}
    told = {"--json": json_file, "--judge": judge, "--seer": seer, "--split": split}
    if wrong := [name for name, value in (seen if measure or inpaint else told).items() if value is not None]:
        if measure or inpaint:
            raise LatuneError(
                f"--measure and --inpaint make no picture and take held-out images; leave {wrong[0]} out."
            )
        raise LatuneError(f"{wrong[0]} is of what is measured: it goes with --measure or --inpaint.")
    if seer is not None and not inpaint:
        raise LatuneError("--seer tells hidden pictures: it goes with --inpaint.")
    if images and n is not None:
        raise LatuneError("--n counts samples of the prior to start from; leave it out beside images.")
    n, split = 8 if n is None else n, split or "test"
    file = picture or run / "walk.png"
    if file.suffix.lower() not in (".png", ".gif"):
        raise LatuneError(f"A walk is written as a sheet (.png) or an animation (.gif). Got --out {file}.")
    many = STEPS if steps is None else steps
    if many < 1 or n < 1 or (every is not None and not 1 <= every <= many):
        raise LatuneError(f"--steps and --n are 1 or more, --every from 1 to --steps. Got {many}, {n} and {every}.")
    if mask is not None and free is not None:
        raise LatuneError("--mask and --free say the same; give one of them.")
    if begin != "kept" and mask is None and free is None:
        raise LatuneError("--begin says how the free part starts: give --mask or --free with it.")
    space = open_run(run)
    wanted: dict[str, Any] = _once(_numbers(set_), _wishes(with_, space.controls))
    wanted |= {"to": _amounts(to)} if to else {}
    wanted |= {"realism": realism} if realism else {}
    wanted |= {} if sample_z else {"sample_z": False}
    wanted |= {"sample_x": True} if sample_x else {}
    if measure or inpaint:
        wanted |= {"seed": seed} | ({} if steps is None else {"steps": steps})
        kinds = [name for name, asked in (("measure_walk", measure), ("measure_inpainting", inpaint)) if asked]
        _measured(run, space, kinds, split, (judge, seer), json_file, **wanted)
        return
    import torch

    from latune.chains.walk import SHOWN
    from latune.medium import size_of_images

    size = size_of_images(space.medium, "A walk")
    if images:
        x = torch.cat([read_image(image, size) for image in images])
    else:
        x = space.sample(n, generator=generator(seed, "walk"))
        if not bool(torch.isfinite(x).all()):
            raise LatuneError(f"Samples of {run} are NaN or infinite: its training has failed. Train it anew.")
    if every is None:
        every = math.ceil(many / SHOWN) if file.suffix.lower() == ".png" else 1
    if mask is not None or free is not None:
        wanted |= {"clamp": mask if mask is not None else _window(free or "", size), "begin": begin}
    say(f"wrote {space.walk(x, many, every=every, seed=seed, **wanted).save(file)}")


def _measured(
    run: Path,
    space: Any,
    kinds: list[str],
    split: str,
    folders: tuple[Path | None, Path | None],
    json_file: Path | None,
    **asked: Any,
) -> None:
    """Print what was measured, and write it."""
    from latune.classifier import Classifier
    from latune.recipes import check, open_data, same_data

    judge, seer = folders
    data = open_data(check(space.about["recipe"], str(run / "recipe.toml")))
    if not same_data(space, data):
        warn(f"the data changed since {run} was trained: what is measured may be examples that it has seen.")
    if judge is None and not (run / "classifier" / "classifier.json").exists():
        err.print("  training a classifier of the data's classes, once", highlight=False)
    if "measure_inpainting" in kinds and seer is None and not (run / "seer" / "classifier.json").exists():
        err.print("  training a classifier of partly hidden images, once", highlight=False)
    known = None if judge is None else Classifier.load(judge)
    found = {}
    for kind in kinds:
        more: dict[str, Any] = {}
        if kind == "measure_inpainting":
            more = {"seer": Classifier.load(seer)} if seer else {"seer_folder": run / "seer"}
        measurement = getattr(space, kind)(data, split, judge=known, folder=run / "classifier", **more, **asked)
        out.print(measurement.table())
        found[kind.removeprefix("measure_")] = measurement.as_dict()
    write(json_file, found)


def _window(words: str, shape: tuple[int, int, int]) -> Any:
    """The mask that leaves a rectangle free: `rows,columns`, each `first:last`."""
    from latune.chains import window

    try:
        (top, bottom), (left, right) = ([int(end) for end in part.split(":")] for part in words.split(","))
    except ValueError:
        raise LatuneError(f"--free is rows and columns, each first:last, for example 6:22,6:22. Got {words}.") from None
    return window(shape, (top, bottom), (left, right))

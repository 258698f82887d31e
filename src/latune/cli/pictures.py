"""`sample`, `edit`, `traverse`, `interpolate`: pictures or melodies out of a run."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from latune.cli.melodies import (
    CHOOSING,
    READING,
    SCORES,
    SHOWING,
    WRITING,
    Choosing,
    Given,
    Reading,
    Showing,
    Writing,
    check_size,
    choose,
    is_melodic,
    over_columns,
    read_tune,
    save_back,
    settings,
)
from latune.cli.shell import Json, Seed, app, err, open_run, out, output, save, say, write
from latune.errors import LatuneError

if TYPE_CHECKING:
    from torch import Tensor

    from latune.space import Space

Controls = Annotated[
    list[str] | None, Parameter(name="--with", help="what a control should be: digit=3, face.smiling=1")
]
By = Annotated[str | None, Parameter(help="how controls move: actor, descent or vector; chosen unless given")]
Strength = Annotated[float, Parameter(help="how much of a control's way is gone")]
Realism = Annotated[float, Parameter(help="how much the control realism mends, from 0 to 1")]


@app.command
def sample(
    run: Path,
    *,
    n: int = 64,
    set_: Annotated[list[str] | None, Parameter(name="--set")] = None,
    to: list[str] | None = None,
    with_: Controls = None,
    by: By = None,
    strength: Strength = 1.0,
    realism: Realism = 0.0,
    choosing: Choosing = CHOOSING,
    writing: Writing = WRITING,
    seed: Seed = 0,
    picture: Annotated[Path | None, Parameter(name="--out")] = None,
) -> None:
    """Draw images or melodies from the prior, with coordinates held and controls set where you want them.

    Parameters
    ----------
    run
        A run folder.
    n
        How many.
    set_
        Hold a coordinate at a latent value: slant=1.5.
    to
        Hold an attribute at a value of its own unit, thickness=3.1, or with its unit, contour=-7st (semitones).
    picture
        The PNG file, RUN/sample.png unless given. Of melodies it shows piano-rolls; .mid, .musicxml, .abc, .svg and
        .wav write each melody to a file of its own.
    """
    from latune.training import generator

    if n < 1:
        raise LatuneError(f"--n is 1 or more. Got {n}.")
    space = open_run(run)
    file = output(picture or run / "sample.png", space)
    check_size(space, file, n)
    choose(space, choosing)
    wishes = _wishes(with_, space.controls)
    wanted = _once(_numbers(set_), wishes)
    told = settings(space, writing, file, _yes(wishes))
    dials: dict[str, Any] = {"by": by, "strength": strength, "realism": realism}
    images = space.sample(n, generator=generator(seed, "sample"), to=_amounts(to), **dials, **wanted)
    save(images, file, **told)


@app.command
def edit(
    run: Path,
    file: Path,
    *,
    set_: Annotated[list[str] | None, Parameter(name="--set")] = None,
    to: list[str] | None = None,
    with_: Controls = None,
    by: By = None,
    strength: Strength = 1.0,
    identity: float = 0.0,
    realism: Realism = 0.0,
    keep: list[str] | None = None,
    reading: Reading = READING,
    choosing: Choosing = CHOOSING,
    writing: Writing = WRITING,
    seed: Seed = 0,
    picture: Annotated[Path | None, Parameter(name="--out")] = None,
    json_file: Json = None,
) -> None:
    """Change an image or a tune: the original, its reconstruction and the edit side by side.

    Parameters
    ----------
    run
        A run folder.
    file
        An image file, which is scaled and cropped to the model's size; or a MIDI, ABC or MusicXML file, of whose
        melody every bar is edited: of the chosen track, and where the metre changes, of one part between two changes.
    set_
        Move a coordinate by a latent amount: thickness=+2.
    to
        Bring an attribute to a value of its own unit, slant=0.4, or with its unit, contour=-7st (semitones).
    identity
        Weight of staying near the image's own code, where a control moves by descent.
    keep
        A control that stays what it is while others move: digit.
    picture
        The PNG file; FILE-edit.png in the current folder unless given. Of a tune, .mid, .musicxml, .abc, .svg and .wav
        write the edited tune alone, with its own tempo and instrument; in .mid the other tracks of a MIDI file stay.
    """
    if not (set_ or to or with_ or realism):
        raise LatuneError(
            "Nothing to change. Give --set NAME=+2 (a coordinate, in latent units), --to NAME=3.1 (an attribute, in "
            "its own units) or --with NAME=1 (a control)."
        )
    from latune.attributes.amounts import spoken
    from latune.training import generator

    space = open_run(run)
    target = output(picture or Path(f"{file.stem}-edit.png"), space)
    choose(space, choosing)
    with_wanted = _wishes(with_, space.controls)
    change = _once(_numbers(set_), with_wanted)
    tune = read_tune(space, file, reading) if is_melodic(space, reading) else None
    told = settings(space, writing, target, _yes(with_wanted), tune.semitones if tune else 0)
    given = tune.melody if tune else space.medium.read(file)
    x = space.medium.take(given)
    dials: dict[str, Any] = {"by": by, "strength": strength, "identity": identity, "realism": realism}
    dials["keep"] = keep or []
    edited = space.edit(given, to=_amounts(to), generator=generator(seed, "edit"), **dials, **change)
    _save_edit(space, file, tune, x, edited, target, told)
    edited = edited.plain().cpu()
    _say_missed(space, file, x)
    still = space.medium.still(given)
    if still is not None and not still.all():  # what is silent stays so, and is left out of what is measured
        x, edited = x[~still], edited[~still]
    numbers = _seen(space, x, edited, list(with_wanted))
    turned = dict.fromkeys([*space.sliders, *space.calibration])
    measurable = [name for name in turned if space.attributes[name].measure is not None]
    if measurable:
        before, after = space.measured(measurable, x), space.measured(measurable, edited)
        numbers |= {
            name: {"before": float(before[name].mean()), "after": float(after[name].mean())} for name in measurable
        }
    for name, pair in numbers.items():
        unit = space.attributes[name].unit if name in space.attributes else pair["said"]
        ends = pair["before"], pair["after"]
        said = f"{name:>12}  {ends[0]:8.3f} -> {ends[1]:8.3f} {unit}{spoken(ends, unit, ' -> ')}"
        out.print(said.rstrip(), highlight=False)
    if not numbers:
        numbers["note"] = f"no slider of this run can be measured on {space.medium.many}"
        err.print(f"note: {numbers['note']}", highlight=False)
    write(json_file, numbers)


@app.command
def traverse(
    run: Path,
    file: Path | None = None,
    *,
    name: Annotated[list[str] | None, Parameter(name="--name")] = None,
    n: int = 8,
    steps: int = 10,
    reach: float | None = None,
    reading: Reading = READING,
    choosing: Choosing = CHOOSING,
    showing: Showing = SHOWING,
    seed: Seed = 0,
    folder: Annotated[Path | None, Parameter(name="--out")] = None,
) -> None:
    """Move one coordinate at a time and keep the rest: a grid of pictures for each.

    Parameters
    ----------
    run
        A run folder.
    file
        An image or a tune to start from; samples of the prior unless given.
    name
        Coordinates and controls to move; all sliders unless given.
    n
        Rows: how many samples to start from.
    steps
        Columns: slider positions.
    reach
        From -reach to +reach: 4 unless given, of a GAN's codes 2; a control goes from 0 to 1, or through its classes.
    folder
        Where the pictures go; RUN/traversals unless given.
    """
    import torch

    from latune.training import generator

    if steps < 2 or n < 1:
        raise LatuneError(f"--steps is 2 or more and --n is 1 or more. Got {steps} and {n}.")
    if folder is not None and folder.suffix and not folder.is_dir():
        raise LatuneError(f"Traversals are pictures in a folder, one a name. Got --out {folder}; leave out its ending.")
    space = open_run(run)
    if file is None:
        check_size(space, Path("traversal.png"), n, steps)
    choose(space, choosing)
    tune = read_tune(space, file, reading) if is_melodic(space, reading) and file else None
    x = tune.melody if tune else space.medium.read(file) if file else None
    z = None if file else space.codes.sample(n, generator(seed, "traverse"))
    for each in name or space.sliders or space.knobs:
        usual = [0.0, 1.0] if each in space.controls else space.coordinates.usual(each)
        ends = (usual[0], usual[-1]) if reach is None or each in space.controls else (-reach, reach)
        values = None if space.classes_of(each) else torch.linspace(*ends, steps)
        path = (folder or run / "traversals") / f"{each.replace('/', '_')}.png"
        told = settings(space, showing, path, [each] if each in space.controls else [], tune.semitones if tune else 0)
        if is_melodic(space):
            told |= over_columns(space, each, None if values is None else values.tolist())
        save_back(space.traverse(x, each, values, at=z, generator=generator(seed, "tokens")), tune, path, told)
    if file:
        _say_missed(space, file, x)


@app.command
def interpolate(
    run: Path,
    a: Path,
    b: Path,
    *,
    steps: int = 10,
    reading: Reading = READING,
    choosing: Choosing = CHOOSING,
    writing: Writing = WRITING,
    seed: Seed = 0,
    picture: Annotated[Path | None, Parameter(name="--out")] = None,
) -> None:
    """Walk the straight line between two images, or two tunes, in the latent space.

    Parameters
    ----------
    run
        A run folder.
    a
        The first file.
    b
        The last file.
    steps
        Pictures, both ends included.
    picture
        The PNG file; interpolation.png in the current folder unless given.
    """
    from latune.music.writing import save_all
    from latune.training import generator

    space = open_run(run)
    file = output(picture or Path("interpolation.png"), space)
    choose(space, choosing)
    told = settings(space, writing, file)  # of what is asked by name, so where the tunes lie makes no difference
    tunes = [read_tune(space, each, reading) for each in (a, b)] if is_melodic(space, reading) else []
    if tunes and tunes[0].semitones != tunes[1].semitones:
        moved = " and ".join(f"{tune.semitones:+d}" for tune in tunes)
        raise LatuneError(
            f"Both tunes are moved alike. They fit at {moved} semitones: give --transpose a number at which both "
            "fit, or move one of them first."
        )
    ends = [tune.melody for tune in tunes] or [space.medium.read(each) for each in (a, b)]
    if tunes:
        check_size(space, file, min(len(space.medium.take(each)) for each in ends), steps, "--steps")
    made = space.interpolate(ends[0], ends[1], steps, generator=generator(seed, "interpolate"))
    if tunes and file.suffix.lower() != ".png":  # a tune for each step, all of its bars
        whole = [tunes[0].back(made[:, step].joined()) for step in range(made.shape[1])]
        named = [replace(each, name=f"{a.stem} to {b.stem}, {i} of {steps}") for i, each in enumerate(whole, 1)]
        first = save_all(named, file, **told)
        say(f"wrote {first} and {steps - 1} more beside it")
        return
    if tunes:
        shares = [f"{100 * step / (steps - 1):.0f} %" for step in range(steps)]
        told |= {"heads": shares, "caption": f"from {a.name} to {b.name}"}
    save_back(made, tunes[0] if tunes else None, file, told)
    for each, end, nearest in ((a, ends[0], made[:, 0]), (b, ends[1], made[:, -1])):
        _say_missed(space, each, end, nearest)


def _say_missed(space: Space, file: Path, x: Any, nearest: Any = None) -> None:
    """How far an image is from the nearest that a GAN makes, which edits and traversals begin from."""
    if space.model.tells_all:
        return
    nearest = space.decode(space.locate(x)) if nearest is None else nearest
    missed = float((nearest.plain().cpu() - space.medium.take(x).cpu()).square().mean().sqrt())
    say(f"the nearest to {file.name} that this model makes is off by {missed:.3f} a pixel, from 0 (black) to 1")


def _save_edit(
    space: Space, file: Path, tune: Given | None, x: Tensor, edited: Any, target: Path, told: dict[str, Any]
) -> None:
    """Original, reconstruction and edit in one picture; or the edited tune alone, as what its name says."""
    import torch

    from latune.music import Melodies
    from latune.music.writing import save_all

    if tune is not None and target.suffix.lower() != ".png":
        from latune.music.writing.midi_editing import edit_midi

        midi, old = (".mid", ".midi"), tune.original
        new = tune.back(edited.joined(old.length))
        if file.suffix.lower() in midi and target.suffix.lower() in midi:
            written = edit_midi(file, old, new, target)
        else:
            if tune.key is not None and target.suffix.lower() in SCORES:
                told = {**told, "key": tune.key}
            written = new.save(target, name=old.name, metre=old.metre, **told)
        say(f"wrote {written}")
        return
    again = space.decode(space.locate(x)).plain().cpu()
    parts = (x, again, edited.plain().cpu())
    if tune is not None:
        three = [tune.back(Melodies(each, edited.grid).joined(tune.original.length)) for each in parts]
        said = ["original", "as the model has it", "edited"]
        say(f"wrote {save_all(three, target, columns=1, labels=said, staves=True, **told)}")
        return
    save(space.medium.give(torch.cat(parts)), target)


def _seen(space: Space, x: Tensor, edited: Tensor, names: list[str]) -> dict[str, Any]:
    """What is said of an image and its edit, or of the bars of a tune in the mean, by what controls were learned from.

    Of all or nothing 1: by the rule itself where there is one, else in the critic's eyes.
    """
    import torch

    from latune.controls.arrival import not_asked, said_by_rule

    seen = {}
    for name in names:
        control = space.controls[name]
        pair = [said_by_rule(control, space, each) for each in (x, edited)]
        if pair[0] is not None and pair[1] is not None:
            seen[name] = {"before": pair[0].mean().item(), "after": pair[1].mean().item(), "said": "by its rule"}
            continue
        beliefs = [torch.sigmoid(control.critic(space.encode(each))).mean(0) for each in (x, edited)]
        for place, label in enumerate([f"{name} {each}" for each in control.classes] or [name]):
            before, after = (each[place].item() for each in beliefs)
            said = f"in the critic's eyes{not_asked(control)}"
            seen[label] = {"before": before, "after": after, "said": said}
    return seen


def _numbers(words: list[str] | None) -> dict[str, float]:
    """`name=value` words as numbers."""
    numbers = {}
    for word in words or []:
        name, equals, text = word.partition("=")
        if name in numbers:
            raise LatuneError(f"'{name}' is given twice; say it once.")
        try:
            numbers[name] = float(text)
            if not math.isfinite(numbers[name]):
                equals = ""
        except ValueError:
            equals = ""
        if _has_unit(text):
            raise LatuneError(f"'{word}' has a unit; latent values have none. Say it with --to {word}.")
        if not (equals and name):
            raise LatuneError(f"'{word}' is not of the form name=number, for example thickness=+2.")
    return numbers


def _amounts(words: list[str] | None) -> dict[str, float | str]:
    """`name=value` words as numbers, or as text where a unit is said: 7st."""
    said = {name: text for name, _, text in (word.partition("=") for word in words or []) if _has_unit(text)}
    return _numbers([word for word in words or [] if word.partition("=")[0] not in said]) | said


def _has_unit(text: str) -> bool:
    from latune.attributes.amounts import AMOUNT

    return isinstance(_value(text), str) and AMOUNT.fullmatch(text) is not None


def _wishes(words: list[str] | None, controls: Any) -> dict[str, Any]:
    """`name=value` words of controls: numbers where they are numbers, else `high`, or the name of a class.

    One of several labels of a control is `name.label=value`.
    """
    wishes: dict[str, Any] = {}
    for word in words or []:
        name, equals, text = word.partition("=")
        if not (equals and name and text):
            raise LatuneError(f"'{word}' is not of the form name=value, for example smiling=1 or digit=3.")
        control = name.partition(".")[0]
        if name not in controls and control in controls and controls[control].kind == "labels":
            label, _, text = word.partition(".")[2].rpartition("=")  # a label may be a class of an attribute, digit=3
            wishes.setdefault(control, {})[label] = _value(text)
        else:
            wishes[name] = text if controls[name].classes else _value(text)
    return wishes


def _yes(wishes: dict[str, Any]) -> list[str]:
    """The controls that are asked for, rather than against."""
    return [name for name, value in wishes.items() if value not in (0, "low")]


def _value(text: str) -> float | str:
    """A number where it is one."""
    try:
        return float(text)
    except ValueError:
        return text


def _once(*parts: dict[str, Any]) -> dict[str, Any]:
    """All that was asked for, each name once."""
    twice = [name for name in parts[0] if name in parts[1]]
    if twice:
        raise LatuneError(f"'{twice[0]}' is given with --set and with --with; say it once.")
    return {**parts[0], **parts[1]}

"""`sample`, `edit`, `traverse`, `interpolate`: pictures or melodies out of a run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

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
Temperature = Annotated[
    float | None,
    Parameter(help="of melodies: 0, which is meant unless given, the likeliest tokens; 1 as the model says"),
]
TopK = Annotated[
    int | None, Parameter(help="of melodies: draw from so many likeliest tokens, at a temperature of 1 or TEMPERATURE")
]
Beam = Annotated[int | None, Parameter(help="of melodies: look for the likeliest tune among so many")]


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
    temperature: Temperature = None,
    top_k: TopK = None,
    beam: Beam = None,
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
        Hold an attribute at a value of its own unit: thickness=3.1.
    picture
        The PNG file, RUN/sample.png unless given. Of melodies it shows piano-rolls; .mid, .musicxml, .abc, .svg and
        .wav write each melody to a file of its own.
    """
    from latune.training import generator

    if n < 1:
        raise LatuneError(f"--n is 1 or more. Got {n}.")
    space = open_run(run)
    file = output(picture or run / "sample.png", space)
    _decode(space, temperature, top_k, beam)
    wanted = _once(_numbers(set_), _wishes(with_, space.controls))
    dials: dict[str, Any] = {"by": by, "strength": strength, "realism": realism}
    images = space.sample(n, generator=generator(seed, "sample"), to=_numbers(to), **dials, **wanted)
    save(images, file)


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
    track: str | None = None,
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
        Bring an attribute to a value of its own unit: slant=0.4.
    identity
        Weight of staying near the image's own code, where a control moves by descent.
    keep
        A control that stays what it is while others move: digit.
    track
        Of a file of several tunes or tracks which one: its number or its title; else the one that is called melody, or
        lies highest.
    picture
        The PNG file; FILE-edit.png in the current folder unless given. Of a tune, .mid, .musicxml, .abc, .svg and .wav
        write the edited tune alone, with its own tempo and instrument; in .mid the other tracks of a MIDI file stay.
    """
    if not (set_ or to or with_ or realism):
        raise LatuneError(
            "Nothing to change. Give --set NAME=+2 (a coordinate, in latent units), --to NAME=3.1 (an attribute, in "
            "its own units) or --with NAME=1 (a control)."
        )
    space = open_run(run)
    target = output(picture or Path(f"{file.stem}-edit.png"), space)
    given = _read(space, file, track)
    x = space.medium.take(given)
    with_wanted = _wishes(with_, space.controls)
    change = _once(_numbers(set_), with_wanted)
    dials: dict[str, Any] = {"by": by, "strength": strength, "identity": identity, "realism": realism}
    dials["keep"] = keep or []
    edited = space.edit(given, to=_numbers(to), **dials, **change)
    _save_edit(space, file, given, x, edited, target)
    edited = edited.plain().cpu()
    numbers = _seen(space, x, edited, list(with_wanted))
    measurable = [name for name in space.sliders if space.attributes[name].measure is not None]
    if measurable:
        before, after = space.measured(measurable, x), space.measured(measurable, edited)
        numbers |= {
            name: {"before": float(before[name].mean()), "after": float(after[name].mean())} for name in measurable
        }
    for name, pair in numbers.items():
        unit = space.attributes[name].unit if name in space.attributes else "in the critic's eyes"
        out.print(f"{name:>12}  {pair['before']:8.3f} -> {pair['after']:8.3f} {unit}", highlight=False)
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
    reach: float = 4.0,
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
        From -reach to +reach; a control goes from 0 to 1, or through its classes.
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
    x = space.medium.read(file) if file else None
    z = None if file else space.codes.sample(n, generator(seed, "traverse"))
    for each in name or space.sliders or space.knobs:
        ends = (0.0, 1.0) if each in space.controls else (-reach, reach)
        through = space.classes_of(each)
        images = space.traverse(x, each, None if through else torch.linspace(*ends, steps), at=z)
        save(images, (folder or run / "traversals") / f"{each.replace('/', '_')}.png")


@app.command
def interpolate(
    run: Path,
    a: Path,
    b: Path,
    *,
    steps: int = 10,
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
    from latune.music import Melodies
    from latune.music.writing import save_all

    space = open_run(run)
    file = output(picture or Path("interpolation.png"), space)
    made = space.interpolate(space.medium.read(a), space.medium.read(b), steps)
    if isinstance(made, Melodies) and file.suffix.lower() != ".png":  # a tune for each step, all of its bars
        first = save_all([made[:, step].joined() for step in range(made.shape[1])], file)
        say(f"wrote {first} and {steps - 1} more beside it")
        return
    save(made, file)


def _read(space: Space, file: Path, track: str | None) -> Any:
    """An example from a file; of a tune it is said which of several was taken."""
    from latune.medium import Tunes

    if not isinstance(space.medium, Tunes):
        if track is not None:
            raise LatuneError("--track is of melodies; this run makes images.")
        return space.medium.read(file)
    melody = space.medium.read(file, int(track) if track is not None and track.isdecimal() else track)
    if melody.name:
        say(f"tune: {melody.name}")
    return melody


def _decode(space: Space, temperature: float | None, top_k: int | None, beam: int | None) -> None:
    """How tokens of melodies are chosen."""
    if temperature is None and top_k is None and beam is None:
        return
    from latune.medium import Tunes
    from latune.nets import Decoding

    if not isinstance(space.medium, Tunes):
        raise LatuneError("--temperature, --top-k and --beam are of melodies; this run makes images.")
    space.decoding = Decoding(temperature, top_k, beam)


def _save_edit(space: Space, file: Path, given: Any, x: Tensor, edited: Any, target: Path) -> None:
    """Original, reconstruction and edit in one picture; or the edited tune alone, as what its name says."""
    import torch

    from latune.music import Melodies, Melody
    from latune.music.writing import save_all

    if isinstance(edited, Melodies) and isinstance(given, Melody) and target.suffix.lower() != ".png":
        from latune.music.writing.midi_editing import edit_midi

        midi = (".mid", ".midi")
        new = edited.joined(given.length)
        if file.suffix.lower() in midi and target.suffix.lower() in midi:
            written = edit_midi(file, given, new, target)
        else:
            written = new.save(target, name=given.name, metre=given.metre)
        say(f"wrote {written}")
        return
    again = space.decode(space.encode(x)).plain().cpu()
    if isinstance(edited, Melodies):
        length = given.length if isinstance(given, Melody) else None
        three = [Melodies(each, edited.grid).joined(length) for each in (x, again, edited.plain())]
        said = ["original", "as the model has it", "edited"]
        say(f"wrote {save_all(three, target, columns=1, labels=said)}")
        return
    save(space.medium.give(torch.cat([x, again, edited.plain().cpu()])), target)


def _seen(space: Space, x: Tensor, edited: Tensor, names: list[str]) -> dict[str, Any]:
    """What the critics of controls see in an image and in its edit, of all or nothing 1."""
    import torch

    seen = {}
    for name in names:
        control = space.controls[name]
        pair = [torch.sigmoid(control.critic(space.encode(each)))[0] for each in (x, edited)]
        labels = [f"{name} {each}" for each in control.classes] or [name]
        for place, label in enumerate(labels):
            seen[label] = {"before": pair[0][place].item(), "after": pair[1][place].item()}
    return seen


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

"""`control add`, `control list`, `control remove`: what a trained model learns afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from latune.cli.melodies import Quantise
from latune.cli.shell import Device, Json, Seed, app, open_run, out, quoted, say, warn, write
from latune.errors import LatuneError

if TYPE_CHECKING:
    from latune.controls import Control
    from latune.data import Dataset

control_app = App(name="control", help="Teach a trained model something new, in seconds; its weights are not touched.")
app.command(control_app)

Several = Parameter(consume_multiple=True)
COLUMNS = ("success", "vector", "untouched")
VARIETY = "variety"
LITTLE, FEW = 0.5, 0.5  # success and variety below which a note is due


@control_app.command(name="add")
def control_add(
    run: Path,
    name: str,
    *,
    attribute: str | None = None,
    rule: str | None = None,
    examples: Annotated[list[Path] | None, Several] = None,
    against: Annotated[list[Path] | None, Several] = None,
    likes: Annotated[list[Path] | None, Several] = None,
    dislikes: Annotated[list[Path] | None, Several] = None,
    pairs: Path | None = None,
    data: Path | None = None,
    table: Path | None = None,
    quantise: Quantise = "auto",
    resize: Annotated[bool, Parameter(negative=())] = False,
    again: Annotated[bool, Parameter(negative=())] = False,
    how: str | None = None,
    sharp: float | None = None,
    rounds: int | None = None,
    judged: int | None = None,
    seed: Seed = 0,
    device: Device = "cpu",
    json_file: Json = None,
) -> None:
    """Learn a control from labels, a rule, a few examples or preferences, and keep it beside the model.

    Example: `latune control add runs/digits seven --attribute digit=7`.

    The name `realism`, with nothing else, learns what real codes look like.

    Parameters
    ----------
    run
        A run folder.
    name
        What the control is called.
    attribute
        A column of the data that the run was trained on, or COLUMN=VALUE for one of its classes. Several with commas
        between them, smiling,male,young, are one control.
    rule
        A Python function, as module:function: uint8 images in, a number in [0, 1] for each out; of melodies, one Melody
        in. It is asked about what the model makes of its prior and of its data.
    examples
        Five or more pictures or tunes, or a folder of them.
    against
        Pictures that are no examples; the run's training data unless given.
    likes
        Pictures, folders, or lists of file names (.txt, .csv). Again, later: more of them.
    dislikes
        The same of what is not liked.
    pairs
        A CSV with two file names a row, the better one first.
    data
        Another folder of pictures with a table, or of tunes, in place of the data that the run was trained on.
    table
        The table of that folder.
    resize
        Scale and crop pictures of another size.
    again
        Put it in the place of a control of the same name.
    how
        How an actor is learned: fast (seconds), default, near (it keeps what it can), paper, released. With --attribute
        or realism; with --rule there is none unless this is given.
    sharp
        With --rule, the power of what the rule says that is taught, 2 unless given: above 1, nearly satisfied is worth
        less than wholly. More for a rule that is the share of many notes; 1 for one that gives chances.
    rounds
        With --rule, how often it is asked again about what its critic was sent to, once unless given.
    judged
        With --rule, how many examples it is asked about at first, 4000 unless given.
    """
    from latune.controls import REALISM
    from latune.controls.examples import read_rows, shown
    from latune.controls.rules import rule_of
    from latune.provenance import check_device
    from latune.space import Space

    ways = {"--attribute": attribute, "--rule": rule, "--examples": examples}
    ways |= {"--likes, --dislikes or --pairs": likes or dislikes or pairs}
    named = [way for way, value in ways.items() if value]
    if len(named) != (0 if name == REALISM else 1):
        got = f"Got {' and '.join(named)}." if named else "Got none."
        raise LatuneError(f"A control is learned from one of {'; '.join(ways)}. {got}")
    for way, value, needs, partner in (
        ("--against", against, examples, "--examples"),
        ("--table", table, data, "--data FOLDER"),
        ("--how", how, attribute or rule or name == REALISM, "--attribute, --rule, or with realism"),
        ("--quantise", None if quantise == "auto" else quantise, data, "--data FOLDER, of tunes"),
        ("--sharp", sharp, rule, "--rule"),
        ("--rounds", rounds, rule, "--rule"),
        ("--judged", judged, rule, "--rule"),
    ):
        if value is not None and not needs:
            raise LatuneError(f"{way} goes with {partner}.")
    check_device(device)
    space = Space.load(run, device)
    where = (run, data, table, quantise, space)
    learning: dict[str, Any] = {"seed": seed, "again": again} | ({"how": how} if how else {})
    if rule is not None:
        found = rule_of(rule)  # what is wrong with it is told before data are opened
        said = {"sharp": sharp, "rounds": rounds, "judged": judged, "actor": bool(how) or None}
        learning |= {key: value for key, value in said.items() if value is not None}
        control = space.controls.learn_rule(name, found, _data(*where), **learning)
    elif examples:
        given = shown(examples, space.medium, resize)  # what is wrong with them is told before data are opened
        other = against or _data(*where)
        control = space.controls.learn_examples(name, given, other, resize=resize, **learning)
    elif likes or dislikes or pairs:
        rows = read_rows(pairs, 2) if pairs else []
        sides = ([better for better, _ in rows], [worse for _, worse in rows]) if rows else None
        control = space.controls.learn_preferences(name, likes, dislikes, sides, resize=resize, **learning)
    elif name == REALISM:
        control = space.controls.learn_realism(_data(*where), **learning)
    else:
        several = tuple(attribute.split(",")) if attribute and "," in attribute else ()
        which: dict[str, Any] = {"attributes": several} if several else {"attribute": attribute}
        control = space.controls.learn(name, _data(*where), **which, **learning)
    say(f"learned: {control.name} ({source(control)}) in {control.about['seconds']:.1f} s")
    say(f"         {told(control)}")
    for doubt in doubts(control):
        warn(doubt)
    say(f"next:    latune sample {quoted(run)} {_use(control)}")
    write(json_file, described(control))


@control_app.command(name="list")
def control_list(run: Path, *, json_file: Json = None) -> None:
    """List the controls of a run: from what they were learned, and how well they do beside attribute vectors.

    Of draws of the prior that were sent to what is asked for, `success` is the share that became it, `vector` the same
    by adding the attribute vector, the baseline without a network, and `untouched` the draws as they are. Of melodies,
    `variety` is how many different ones are left, as a share of those before.
    """
    from rich.table import Table

    controls = open_run(run).controls
    if not len(controls) and not controls.unusable:
        say(f"{run} has no controls. Add one: latune control add {quoted(run)} NAME --attribute COLUMN")
    else:
        table = Table(box=None)
        columns = (*COLUMNS, *((VARIETY,) if any(VARIETY in each.scores for each in controls.values()) else ()))
        for heading in ("control", "kind", "learned from", *columns, "moves by"):
            table.add_column(heading, no_wrap=heading != "learned from", overflow="fold")
        for control in controls.values():
            scores = [f"{control.scores[key]:.2f}" if key in control.scores else "" for key in columns]
            by = "actor" if control.actor is not None else "descent"
            table.add_row(control.name, control.kind, source(control), *scores, by)
        out.print(table)
    for name, why in controls.unusable.items():
        say(f"{name}: cannot be used. {why} Remove it: latune control remove {quoted(run)} {name}")
    write(json_file, {name: described(control) for name, control in controls.items()})


@control_app.command(name="remove")
def control_remove(run: Path, name: str) -> None:
    """Forget a control of a run."""
    open_run(run).controls.remove(name)
    say(f"removed: {name}")


def source(control: Control) -> str:
    """From what a control was learned, in words."""
    about = control.about
    match about.get("source"):
        case "attribute":
            return f"{about['attribute']} of {about['data']}"
        case "rule":
            return f"rule {about['rule'].removeprefix('latune.attributes.melody_rules:')}"
        case "examples":
            return f"{about['shown']} examples against {about['against']}"
        case "preferences":
            counts = ((about[key], key) for key in ("likes", "dislikes", "pairs"))
            return ", ".join(f"{count} {key}" for count, key in counts if count)
        case "realism":
            return f"codes of {about['data']}"
        case other:
            return str(other)


def told(control: Control) -> str:
    """How well a control does, in words."""
    scores = control.scores
    first = ", ".join(f"{key} {value:.2f}" for key, value in scores.items() if key not in (*COLUMNS, VARIETY))
    if "success" not in scores:
        return first
    beside = f"success {scores['success']:.2f}, by attribute vector {scores.get('vector', 0):.2f}"
    beside += f", untouched {scores.get('untouched', 0):.2f}"
    beside += f", variety {scores[VARIETY]:.2f}" if VARIETY in scores else ""
    return ", ".join(filter(None, [first, beside]))


def doubts(control: Control) -> list[str]:
    """What a user of a control should know before they trust it."""
    scores, found = control.scores, []
    if scores.get("success", 1.0) < LITTLE:
        found.append(
            f"'{control.name}' seldom gets there: success is {scores['success']:.2f} of draws that it moves, 1 is "
            f"always, {scores.get('untouched', 0):.2f} of others. This model may hardly make what is asked for."
        )
    if scores.get(VARIETY, 1.0) < FEW:
        found.append(
            f"'{control.name}' makes the same of many: {100 * scores[VARIETY]:.0f} % as many different melodies as "
            "before. In edits --identity 1 stays nearer to each; in samples --strength 0.5 goes half of the way."
        )
    return found


def described(control: Control) -> dict[str, Any]:
    """A control as plain data."""
    return {"name": control.name, "kind": control.kind, "scores": control.scores, "about": control.about}


def _use(control: Control) -> str:
    from latune.controls import REALISM

    if control.name == REALISM:
        return "--realism 1"
    if control.kind == "labels":
        return f"--with {quoted(Path(f'{control.name}.{control.classes[0]}=1'))}"
    wanted = control.classes[0] if control.classes else "high" if control.kind == "real" else "1"
    return f"--with {quoted(Path(f'{control.name}={wanted}'))}"


def _own(data: Path | None, table: Path | None, quantise: str, space: Any) -> Dataset | None:
    """A folder of the user's with its table, in the model's size."""
    if data is None:
        return None
    from latune.data import load
    from latune.medium import Tunes

    if isinstance(space.medium, Tunes):
        return load("tunes", path=str(data), grid=space.medium.grid.name, quantise=quantise)
    if quantise != "auto":
        raise LatuneError("--quantise is of tunes; this run makes images.")
    channels, *size = space.shape
    return load("folder", path=data, attributes=table, size=size, colour=channels == 3)


def _data(run: Path, data: Path | None, table: Path | None, quantise: str, space: Any) -> Dataset:
    """The user's own folder, or the data that a run was trained on."""
    own = _own(data, table, quantise, space)
    if own is not None:
        return own
    from latune.recipes import open_data
    from latune.recipes.read import check

    return open_data(check(space.about["recipe"], str(run / "recipe.toml")), space.device)

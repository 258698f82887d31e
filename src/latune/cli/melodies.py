"""Options that are of melodies alone: how a tune is read, how its tokens are chosen, how it is shown and heard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from latune.cli.shell import save, say, warn
from latune.errors import LatuneError

if TYPE_CHECKING:
    from latune.data import Dataset
    from latune.music import Melodies, Melody
    from latune.music.writing.keys import Key
    from latune.space import Space

SCORES = (".svg", ".musicxml", ".xml", ".abc")  # what has a key signature
COLOURED = (".png", ".svg", ".musicxml", ".xml")  # what a note can be red in
Melodic = Parameter(name="*", group="Melodies")
Quantise = Annotated[
    Literal["auto", "no", "sixteenths", "ticks"],
    Parameter(
        help="where notes of tunes are moved to; auto moves what was played as MIDI to sixteenths; ticks are "
        "sixteenths and triplets"
    ),
]


@Melodic
@dataclass(frozen=True)
class Reading:
    """How a tune of the user's is read."""

    track: Annotated[
        str | None,
        Parameter(
            help="of a file of several tunes or tracks which one: its number or its title; else the one that is called "
            "melody, or lies highest"
        ),
    ] = None
    quantise: Quantise = "auto"
    transpose: Annotated[
        str,  # not int | Literal["auto"], whose mistakes would be told in the words of types
        Parameter(
            help="semitones by which a tune is moved for the model, and back in what is written; auto as far as its "
            "pitches need, by octaves if these do"
        ),
    ] = "0"

    @property
    def semitones(self) -> int | str:
        """By how many, or what was typed where that is no number."""
        try:
            return int(self.transpose)
        except ValueError:
            return self.transpose


@Melodic
@dataclass(frozen=True)
class Choosing:
    """How the tokens of melodies are chosen."""

    temperature: Annotated[
        float | None,
        Parameter(help="0, which is meant unless given, takes the likeliest tokens; 1 draws as the model says"),
    ] = None
    top_k: Annotated[
        int | None, Parameter(help="draw from so many likeliest tokens, at a temperature of 1 or TEMPERATURE")
    ] = None
    beam: Annotated[int | None, Parameter(help="look for the likeliest tune among so many")] = None


@Melodic
@dataclass(frozen=True)
class Showing:
    """How melodies are shown."""

    mark: Annotated[
        str | None,
        Parameter(
            help='a scale, as "C major": notes outside it are red; unless given, that of a rule that is asked for'
        ),
    ] = None


@Melodic
@dataclass(frozen=True)
class Writing(Showing):
    """How melodies are shown and heard."""

    soundfont: Annotated[
        Path | None, Parameter(help="an .sf2 or .sf3 file of your own whose instruments play what is written as .wav")
    ] = None


READING, CHOOSING, SHOWING, WRITING = Reading(), Choosing(), Showing(), Writing()  # unless told otherwise


@dataclass(frozen=True)
class Given:
    """A tune of the user's: as its file has it, how far it is moved to where the model knows pitches, and its key."""

    original: Melody
    semitones: int
    key: Key | None = None

    @property
    def melody(self) -> Melody:
        """What the model is given."""
        return self.original.transposed(self.semitones)

    def back(self, melody: Melody) -> Melody:
        """What the model made, at the pitches of the file."""
        return melody.transposed(-self.semitones)


def is_melodic(source: Space | Dataset, *options: Any) -> bool:
    """Whether a model, or a data set, gives melodies.

    Raises:
        LatuneError: it gives images, and one of the options was given.
    """
    from latune.medium import Tunes

    if isinstance(source.medium, Tunes):
        return True
    named = {field.name: (getattr(each, field.name), field.default) for each in options for field in fields(each)}
    given = [f"--{name.replace('_', '-')}" for name, (value, default) in named.items() if value != default]
    if given:
        raise LatuneError(f"{given[0]} is of melodies; these are images.")
    return False


def read_tune(space: Any, file: Path, reading: Reading) -> Given:
    """The tune of a file; which of several it is, and what was changed to read it, is said."""
    from latune.music.writing.own_key import own_key

    track = reading.track
    found = space.medium.open(file, int(track) if track and track.isdecimal() else track, reading.quantise)
    if found.melody.name:
        say(f"tune: {found.melody.name}")
    for remark in found.remarks:
        warn(f"{file}: {remark}")
    melody = space.medium.fitted(found.melody, reading.semitones, str(file))
    semitones = int(melody.pitches[0] - found.melody.pitches[0]) if len(melody) else 0
    if reading.transpose == "auto" and semitones:
        way = "higher" if semitones > 0 else "lower"
        warn(f"{file}: the model is given it {abs(semitones)} semitones {way}; what is written is moved back")
    return Given(found.melody, semitones, own_key(file, found.number, found.melody.begins))


def choose(space: Any, choosing: Choosing) -> None:
    """Let a model of melodies choose tokens as asked."""
    if is_melodic(space, choosing):
        from latune.nets import Decoding

        space.decoding = Decoding(choosing.temperature, choosing.top_k, choosing.beam)


def settings(
    space: Any, writing: Showing, file: Path, controls: Iterable[str] = (), semitones: int = 0
) -> dict[str, Any]:
    """What the writer of a file of melodies is told: which notes are red, and the soundfont.

    Args:
        space: what makes the melodies.
        writing: the options.
        file: what is written; its ending says as what.
        controls: those that are asked for: where a rule has a scale, notes outside it are red.
        semitones: by which a tune was moved for the model; a rule is of where it was moved to.

    Raises:
        LatuneError: of images, or for another ending, no such scale, or no such soundfont.
    """
    if not is_melodic(space, writing):
        return {}
    told: dict[str, Any] = {}
    coloured = file.suffix.lower() in COLOURED
    if writing.mark is not None:
        from latune.music.scales import pitch_classes

        if not coloured:
            raise LatuneError(f"--mark makes notes red in {', '.join(COLOURED)}. Got --out {file}.")
        told["rule"] = pitch_classes(writing.mark)
    elif coloured and (scales := _scales(space, controls)):
        told["rule"] = lambda note: all((note.pitch + semitones) % 12 in scale for scale in scales.values())
        moved = f", {abs(semitones)} semitones {'lower' if semitones > 0 else 'higher'}" if semitones else ""
        say(f"red: notes outside the scale of {' and '.join(scales)}{moved} (--mark names another)")
    soundfont = getattr(writing, "soundfont", None)
    if soundfont is not None:
        from latune.music.writing.soundfont import opened

        if file.suffix.lower() != ".wav":
            raise LatuneError(f"--soundfont plays what is written as .wav. Got --out {file}.")
        opened(soundfont)  # what is wrong with it is told before anything is made
        told["soundfont"] = soundfont
    return told


def check_size(space: Space, file: Path, n: int, steps: int = 1, option: str = "--n") -> None:
    """Refuse a sheet of melodies that is too large before any of them is made.

    Args:
        space: what makes the melodies; every pitch that it knows may have to be shown.
        file: what is written; only PNG files are sheets.
        n: as the option says.
        steps: melodies for each of them.
        option: which of both is to be less where there is no room.

    Raises:
        LatuneError: for more than a picture can hold.
    """
    from latune.medium import Tunes

    if file.suffix.lower() != ".png" or not isinstance(space.medium, Tunes):
        return
    from latune.music import Melody
    from latune.music.writing import SHEET
    from latune.music.writing.layout import most_shown

    grid, columns = space.medium.grid, steps if steps > 1 else min(n, SHEET)
    half = grid.bars * grid.length / 2
    most = most_shown(Melody.of([(grid.low, 0, half), (grid.high, half, half)]), columns) // steps
    if n <= most:
        return
    files = f"--out {file.with_suffix('.mid').name}, a file for each"
    if option == "--steps":
        raise LatuneError(f"A picture has no room for {steps:,} steps. Give fewer --steps, or {files}.")
    other = "fewer --steps" if steps > 1 else f"{files} melody"
    raise LatuneError(f"A picture holds {most:,} for --n. Got {n:,}: give --n {most} or fewer, or {other}.")


def over_columns(space: Space, name: str, values: Sequence[float] | None) -> dict[str, Any]:
    """What stands over and under the columns of a traversal of melodies: each position, and the attribute there.

    Args:
        space: what makes the melodies.
        name: of what is moved.
        values: where to; None for its classes.
    """
    import numpy as np

    from latune.report.words import aligned

    if values is None:
        return {"heads": [str(each) for each in space.classes_of(name)], "caption": name}
    if name in space.controls:
        return {"heads": [f"{value:.2g}" for value in values], "caption": f"{name}: how much of it is asked for"}
    said: dict[str, Any] = {"heads": aligned(values), "caption": f"{name}: the slider above each column"}
    known = space.calibration.get(name)
    if known is not None:
        unit = f" ({known.unit})" if known.unit else ""
        said["caption"] = f"{name}{unit}: above each column the slider, below it the value on average"
        said["feet"] = aligned(known.attribute(np.asarray(values)).tolist())
    return said


def save_back(melodies: Melodies, given: Given | None, path: Path, told: dict[str, Any]) -> None:
    """Save melodies at the pitches of the tune that they were made of."""
    if given is None or not given.semitones:
        save(melodies, path, **told)
        return
    from latune.music.writing import save_all

    flat = [given.back(melody) for melody in melodies.flat()]
    say(f"wrote {save_all(flat, path, columns=melodies.shape[1], **told)}")


def _scales(space: Any, controls: Iterable[str]) -> dict[str, frozenset[int]]:
    """The scales of the rules among some controls."""
    from latune.attributes.melody_rules import scale_of

    found = {name: scale_of(str(space.controls[name].about.get("rule", ""))) for name in controls}
    return {name: scale for name, scale in found.items() if scale is not None}

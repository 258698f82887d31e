"""Melodies into files: the ending of a path says what is written, and every file appears whole or not at all."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latune.errors import DataError, unknown
from latune.files import whole
from latune.music.melody import Melody

if TYPE_CHECKING:
    from latune.music.melodies import Melodies

# ending -> the function, of a melody and settings, that gives the content of the file
WRITERS = {
    ".mid": "midi:midi",
    ".midi": "midi:midi",
    ".musicxml": "musicxml:musicxml",
    ".xml": "musicxml:musicxml",
    ".abc": "abc:abc",
    ".png": "pianoroll:one",
    ".svg": "engraving:svg",
    ".wav": "sound:wav",
}
SHEET = 4  # columns of piano-rolls, unless told otherwise
FOLDER = (".mid", ".png")  # what a folder gets of each melody
# What a melody says of itself, whatever is written: in words, and whether a value is that.
ABOUT: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "tempo": ("a number of quarter notes a minute", lambda value: isinstance(value, Real)),
    "program": ("a whole number from 0 to 127", lambda value: isinstance(value, Integral)),
    "name": ("text", lambda value: isinstance(value, str)),
    "metre": ("two whole numbers, as (3, 4)", lambda value: _is_pair(value)),
}


def save(melody: Melody, path: Path | str, **settings: Any) -> Path:
    """Write a melody as what the ending of the path says, and return the path.

    `.mid` MIDI, `.musicxml` or `.xml` MusicXML, `.abc` ABC notation, `.png` a piano-roll, `.svg` an engraved score,
    `.wav` sound. All but `.svg` (verovio) and a soundfont of your own (symusic) need nothing installed.

    Args:
        melody: what is written.
        path: where to; folders that are missing are made.
        settings: `tempo`, `program`, `name` and `metre` replace the melody's own; others are those of the format:
            see `midi`, `musicxml`, `abc`, `pianoroll`, `engraving` and `sound` in this package.

    Raises:
        DataError: for an ending that is none of these, a setting the format does not have, or a melody it cannot write.
        DiskFull: when the disk has no room.

    >>> import tempfile
    >>> tune = Melody.of([(60, 0, 1), (62, 1, 1), (64, 2, 2)])
    >>> save(tune, Path(tempfile.mkdtemp()) / "tune.mid", tempo=90).name
    'tune.mid'
    """
    path = Path(path)
    content = contents(melody, path.suffix, settings, path)
    with whole(path) as temporary:
        temporary.write_bytes(content)
    return path


def save_all(
    melodies: Melodies | Sequence[Melody], path: Path | str, columns: int | None = None, **settings: Any
) -> Path:
    """Write many melodies: a sheet of piano-rolls (.png), or files beside each other (every other ending).

    One melody is written to the path itself. Several are numbered: `tune.mid` becomes `tune-00.mid`, `tune-01.mid`,
    ...; a path without an ending is a folder that gets `00.mid` and `00.png`, `01.mid` and `01.png`, ...

    Args:
        melodies: at least one.
        path: where to.
        columns: of a sheet; as many as fit where None.
        settings: as those of `save`.

    Returns:
        What there is to open first: the sheet, the one file, the first of several, or the folder.

    Raises:
        DataError: as `save`, or for no melodies.
    """
    path = Path(path)
    shape = getattr(melodies, "shape", ())
    flat: list[Melody] = list(melodies.flat() if hasattr(melodies, "flat") else melodies)  # type: ignore[union-attr]
    if not flat:
        raise DataError("There are no melodies to save.")
    if path.suffix.lower() == ".png":
        from latune.music.writing.pianoroll import png

        about, rest = _about(flat, settings)
        _known(".png", rest, png)
        fitting = shape[1] if len(shape) > 2 else min(len(flat), SHEET)
        sheet = png(about, columns=fitting if columns is None else columns, **rest)
        with whole(path) as temporary:
            temporary.write_bytes(sheet)
        return path
    if path.suffix and not path.is_dir():
        if len(flat) == 1:
            return save(flat[0], path, **settings)
        names = _numbered(f"{path.stem}-", len(flat))
        made = [
            save(melody, path.with_name(name + path.suffix), **settings)
            for name, melody in zip(names, flat, strict=True)
        ]
        return made[0]
    own = {ending: [*ABOUT, *_taken(_writer(ending))] for ending in FOLDER}
    for name in settings:
        if not any(name in known for known in own.values()):
            raise DataError(
                unknown(
                    f"setting of {' and '.join(FOLDER)} files", name, {name for known in own.values() for name in known}
                )
            )
    for number, melody in zip(_numbered("", len(flat)), flat, strict=True):
        for ending, known in own.items():
            mine = {name: value for name, value in settings.items() if name in known}
            save(melody, path / f"{number}{ending}", **mine)
    return path


def contents(melody: Melody, ending: str, settings: dict[str, Any], path: Path | str = "") -> bytes:
    """What a file with this ending holds.

    Raises:
        DataError: as `save`.
    """
    if ending.lower() not in WRITERS:
        got = f"'{ending}'" if ending else "no ending"
        raise DataError(
            f"The ending of a path says what is written, one of {', '.join(WRITERS)}. Got {got}"
            f"{f' in {path}' if str(path) else ''}."
        )
    write = _writer(ending.lower())
    (melody,), rest = _about([melody], settings)
    _known(ending.lower(), rest, write)
    content = write(melody, **rest)
    return content.encode() if isinstance(content, str) else content


def _about(melodies: list[Melody], settings: dict[str, Any]) -> tuple[list[Melody], dict[str, Any]]:
    """The melodies with their own settings replaced, and the settings that are left."""
    about = {name: settings[name] for name in ABOUT if settings.get(name) is not None}
    rest = {name: value for name, value in settings.items() if name not in ABOUT}
    for name, (allowed, is_right) in ABOUT.items():
        if name in about and not is_right(about[name]):
            raise DataError(f"The {name} of a melody is {allowed}. Got {about[name]!r}.")
    return ([replace(melody, **about) for melody in melodies] if about else melodies), rest


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(each, Integral) for each in value)


def _writer(ending: str) -> Callable[..., Any]:
    module, _, name = WRITERS[ending].partition(":")
    return getattr(import_module(f"{__name__}.{module}"), name)


def _taken(write: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(write).parameters if name not in ("melody", "melodies", "columns")]


def _known(ending: str, settings: dict[str, Any], write: Callable[..., Any]) -> None:
    taken = _taken(write)
    for name in settings:
        if name not in taken:
            raise DataError(unknown(f"setting of {ending} files", name, [*ABOUT, *taken]))


def _numbered(before: str, n: int) -> list[str]:
    digits = max(2, len(str(n - 1)))
    return [f"{before}{i:0{digits}d}" for i in range(n)]

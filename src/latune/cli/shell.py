"""What every command needs: the app, the two consoles, options that several commands share, and how things are said."""

from __future__ import annotations

import json
import shlex
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

Json = Annotated[Path | None, Parameter(name="--json", help="also write the numbers to this file")]
Device = Annotated[str, Parameter(help="cpu, cuda, or cuda:N")]
Seed = Annotated[int, Parameter(help="of every random draw", validator=validators.Number(gte=0, lt=2**63))]


def main() -> None:
    """Run the command line; whatever the user can mend is one message on standard error and exit code 2."""
    warnings.showwarning = warn
    try:
        app(sys.argv[1:], exit_on_error=False, print_error=True, error_console=err)
    except CycloptsError:
        sys.exit(2)  # cyclopts has said what was wrong
    except LatuneError as error:
        err.print(f"[bold red]error:[/] {plain(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except OSError as error:  # a file of the user's that cannot be read or written
        where = f": {error.filename}" if error.filename else ""
        err.print(f"[bold red]error:[/] {plain(f'{error.strerror or error}{where}')}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        err.print("stopped; the same command resumes")
        sys.exit(130)


def warn(message: Warning | str, *_: Any) -> None:
    """Say something that is worth knowing and stops nothing, on standard error."""
    err.print(f"[bold yellow]note:[/] {plain(str(message))}", highlight=False, soft_wrap=True)


def open_run(run: Path) -> Space:
    """The trained model of a run folder."""
    from latune.space import load

    return load(run)


def png(path: Path) -> Path:
    """Where a picture goes; only PNG files are written."""
    if path.suffix.lower() != ".png":
        raise LatuneError(f"Pictures are PNG files. Got --out {path}; give a name that ends in .png.")
    return path


def output(path: Path, space: Space) -> Path:
    """Where what a space makes goes: a PNG file, or for melodies any file that they can be written as."""
    from latune.medium import Tunes

    if not isinstance(space.medium, Tunes):
        return png(path)
    from latune.music.writing import WRITERS

    if path.suffix.lower() not in WRITERS:
        raise LatuneError(f"Melodies are written as {', '.join(WRITERS)}. Got --out {path}.")
    return path


def quoted(path: Path) -> str:
    """A path as a shell takes it."""
    return shlex.quote(str(path))


def save(images: Any, path: Path, **settings: Any) -> None:
    """Save pictures or melodies and say where; of several files the first, and how many there are."""
    written = images.save(path, **settings)
    several = f" and {len(images) - 1} more beside it" if written != path and len(images) > 1 else ""
    say(f"wrote {written}{several}")


def say(line: str) -> None:
    """Print a line as it is: a folder's name may look like markup."""
    out.print(line, highlight=False, markup=False, soft_wrap=True)


def write(path: Path | None, numbers: Any) -> None:
    """Write what a command found as JSON, if it was asked for."""
    if path is not None:
        from latune.files import write_json

        write_json(path, json.loads(json.dumps(numbers, default=str)))


def plain(text: str) -> str:
    """Text as it is, where the console would read markup."""
    from rich.markup import escape

    return escape(text)

"""The user's own classes and functions, named as `module:name` and never pickled."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from latune.errors import LatuneError, RecipeError, did_you_mean


def named(
    path: str, what: str = "object", example: str = "mynets:Encoder", error: type[LatuneError] = RecipeError
) -> Any:
    """The object called `module:name`; the module is looked for in the current folder first, imported, and that is all.

    Args:
        path: the module and the name in it.
        what: how the thing is called in a message: function, encoder, ...
        example: of such a name, for the message.
        error: what is raised.

    Raises:
        RecipeError: (or `error`) for a path of another form, a module that cannot be imported, or a name it lacks.

    >>> named("math:sqrt", "function")(9.0)
    3.0
    """
    module_name, _, name = path.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), *name.split("."))):
        raise error(f"'{path}' does not name a {what}. Write 'module:{what}', as in '{example}'.")
    module = _load(module_name, error)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            own = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
            told = f"Module '{module_name}' ({module.__file__}) has no {what} '{name}'. {did_you_mean(name, own)}"
            raise error(told.rstrip())
        found = getattr(found, part)
    return found


def name_of(obj: Any) -> str:
    """The `module:name` of a class or function."""
    return f"{obj.__module__}:{obj.__qualname__}"


def raised(error: Exception) -> str:
    """An error and the line that raised it: the deepest one outside of installed packages."""
    text = f"{type(error).__name__}: {error}".rstrip(": .")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)[1:] if "importlib" not in frame.filename]
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    if isinstance(error, SyntaxError) or not (own or frames):
        return text
    frame = (own or frames)[-1]
    return f"{text} ({Path(frame.filename).name}, line {frame.lineno}: {frame.line})"


def _load(name: str, kind: type[LatuneError]) -> ModuleType:
    try:
        with _current_folder_first():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(error.name + ".")):
            raise kind(f"Importing '{name}' raised {raised(error)}.") from error
        folder = Path.cwd()
        near = did_you_mean(name, [module.name for module in pkgutil.iter_modules([str(folder)])])
        told = f"There is no Python module '{name}'. {near + ' ' if near else ''}"
        raise kind(f"{told}It is looked for in {folder} and where Python finds packages.") from error
    except Exception as error:
        raise kind(f"Importing '{name}' raised {raised(error)}.") from error


@contextmanager
def _current_folder_first() -> Iterator[None]:
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    importlib.invalidate_caches()  # the file may have been written a moment ago
    try:
        yield
    finally:
        sys.path.remove(folder)

"""The user's own classes and functions, named as `module:name` and never pickled."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from latune.errors import RecipeError, did_you_mean


def named(path: str, what: str = "object") -> Any:
    """The object called `module:name`; the current folder is looked in as well.

    Raises:
        RecipeError: for a path of another form, a module that cannot be imported, or a name it does not have.

    >>> named("math:sqrt")(9.0)
    3.0
    """
    module_name, colon, name = path.partition(":")
    if not (module_name and colon and name):
        raise RecipeError(f"The {what} '{path}' is not of the form module:name, for example mynets:Encoder.")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    importlib.invalidate_caches()  # the file may have been written a moment ago
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise RecipeError(
            f"The {what} '{path}' cannot be imported: {type(error).__name__}: {error}. "
            f"The module must be installed or lie in the current folder ({here})."
        ) from error
    finally:
        sys.path.remove(here)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            names = [n for n in vars(module) if not n.startswith("_")]
            raise RecipeError(f"{module_name} has no '{name}' to use as {what}. {did_you_mean(name, names)}".rstrip())
        found = getattr(found, part)
    return found


def name_of(obj: Any) -> str:
    """The `module:name` of a class or function."""
    return f"{obj.__module__}:{obj.__qualname__}"

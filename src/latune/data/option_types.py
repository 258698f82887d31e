"""Whether the options of a function have the types that it says."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

PLAIN = {int: "a whole number", float: "a number", str: "text", bool: "true or false", Path: "a path"}
MANY = {int: "whole numbers", float: "numbers", str: "names"}


def wrong_types(function: Callable[..., Any], chosen: Mapping[str, Any], of: str) -> list[str]:
    """A sentence for every chosen option whose value is not of the type the function asks for.

    >>> def load(*, size: int | None = None): ...
    >>> wrong_types(load, {"size": "big"}, "of data set 'folder'")
    ["Option 'size' of data set 'folder' is 'big'; it must be a whole number."]
    """
    from pydantic import TypeAdapter, ValidationError

    hints = get_type_hints(function)
    parameters = inspect.signature(function).parameters
    wrong = []
    for name, value in chosen.items():
        if name not in parameters or name not in hints:
            continue
        try:
            TypeAdapter(hints[name]).validate_python(value, strict=True)
        except ValidationError:
            default = parameters[name].default
            example = "" if default in (inspect.Parameter.empty, None) else f", for example {_example(default)}"
            wrong.append(f"Option '{name}' {of} is {value!r}; it must be {in_words(hints[name])}{example}.")
    return wrong


def in_words(hint: Any) -> str:
    """A type as plain words.

    >>> in_words(int | Sequence[int] | None)
    'a whole number or a list of whole numbers'
    """
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        kinds = [kind for kind in kinds if not (kind is str and Path in kinds)]  # a path is written as text
        return " or ".join(in_words(kind) for kind in kinds)
    if get_origin(hint) is Sequence:
        return f"a list of {MANY.get(get_args(hint)[0], 'values')}"
    if get_origin(hint) is Mapping:
        return "a table of names and values"
    return PLAIN.get(hint, str(hint))


def _example(default: Any) -> str:
    return repr(list(default) if isinstance(default, tuple) else default)

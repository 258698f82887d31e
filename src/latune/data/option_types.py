"""Whether the options of a function have the types that it says."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints


def wrong_types(function: Callable[..., Any], chosen: Mapping[str, Any], of: str) -> list[str]:
    """A sentence for every chosen option whose value is not of the type the function asks for.

    >>> def load(*, size: int | None = None): ...
    >>> wrong_types(load, {"size": "big"}, "of data set 'folder'")
    ["Option 'size' of data set 'folder' is 'big'; it must be int | None, for example None."]
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
            kind = inspect.formatannotation(hints[name]).replace("collections.abc.", "").replace("pathlib.", "")
            default = parameters[name].default
            example = "" if default is inspect.Parameter.empty else f", for example {default!r}"
            wrong.append(f"Option '{name}' {of} is {value!r}; it must be {kind}{example}.")
    return wrong

"""Recipes from TOML files and `key=value` words; all mistakes are reported at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from latune.errors import RecipeError, did_you_mean, unknown
from latune.recipes.schema import Recipe

SHELF = Path(__file__).parent
SPEAKING = ("extra_forbidden", "missing", "value_error")  # mistakes that say themselves what was got


def shelf() -> dict[str, Path]:
    """The recipes that come with Latune, by name."""
    return {path.stem: path for path in sorted(SHELF.glob("*.toml"))}


def read(name: str, words: Sequence[str] = ()) -> Recipe:
    """A recipe of the shelf or of a TOML file, with `key=value` changes on top.

    Raises:
        RecipeError: for a recipe, key or value that does not exist; all mistakes at once.

    >>> read("arvae-digits", ["seed=3", "training.epochs=8"]).training.epochs
    8
    """
    path = Path(name)
    known = shelf()
    if name in known:
        path = known[name]
    elif not (path.suffix == ".toml" and path.is_file()):
        hint = (
            "A recipe of your own is a file whose name ends in .toml."
            if path.suffix != ".toml"
            else f"There is no file {path}."
        )
        raise RecipeError(f"{unknown('recipe', name, known)} {hint}")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not valid TOML: {error}") from None
    data.setdefault("name", path.stem)
    return check(change(data, words), str(path.name))


def change(data: Mapping[str, Any], changes: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    """Plain data with changes applied.

    Args:
        data: sections of settings.
        changes: `a.b=value` words, whose values are TOML, or text where that is not valid TOML, and `none` to remove a
            setting; or a mapping of such keys to values, None to remove.

    Raises:
        RecipeError: for a word that is not of this form.

    >>> change({"seed": 0}, ["training.epochs=8", "model.name=vae"])
    {'seed': 0, 'training': {'epochs': 8}, 'model': {'name': 'vae'}}
    >>> change({"seed": 0}, {"training.epochs": 8, "seed": None})
    {'training': {'epochs': 8}}
    """
    pairs = changes.items() if isinstance(changes, Mapping) else [_parsed(word) for word in changes]
    out: dict[str, Any] = {key: dict(value) if isinstance(value, Mapping) else value for key, value in data.items()}
    for key, value in pairs:
        *sections, last = key.split(".")
        place = out
        for section in sections:
            inner = place.get(section, {})
            place[section] = dict(inner) if isinstance(inner, Mapping) else {}
            place = place[section]
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return out


def _parsed(word: str) -> tuple[str, Any]:
    key, equals, text = word.partition("=")
    if not (equals and key):
        raise RecipeError(f"'{word}' is not of the form key=value, for example training.epochs=8.")
    if text in ("none", "null"):
        return key, None
    try:
        return key, tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return key, text


def check(data: Mapping[str, Any], source: str) -> Recipe:
    """Plain data as a recipe.

    Raises:
        RecipeError: lists every mistake, with what was got and what is allowed.
    """
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        # A value that may be of several types fails once for each; it is one mistake.
        told: dict[str, list[str]] = {}
        for mistake in error.errors():
            key, message = _explain(mistake)
            got = told.setdefault(key, [] if mistake["type"] in SPEAKING else [f"got {mistake['input']!r}."])
            got.append(message)
        lines = [f"{key}: {' '.join(messages)}" if key else " ".join(messages) for key, messages in told.items()]
        count = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
        raise RecipeError(f"{count} in the recipe ({source}):\n" + "\n".join(f"  {line}" for line in lines)) from None


def _explain(mistake: Any) -> tuple[str, str]:
    """Which key, and what is wrong with it."""
    kind = mistake["type"]
    # Where a value may be one of several types, pydantic puts the type it tried into the path.
    where = [str(part) for part in mistake["loc"] if kind == "extra_forbidden" or not _is_type(str(part))]
    key = ".".join(where)
    if kind == "extra_forbidden":
        fields = _fields(where[:-1])
        hint = did_you_mean(where[-1], fields)
        return key, f"no such key. {hint + ' ' if hint else ''}Allowed: {', '.join(fields)}."
    if kind == "missing":
        return key, "is needed."
    message = re.sub(r" or instance of \w+", "", mistake["msg"].removeprefix("Value error, ")).removesuffix(".")
    hint = ""
    if kind == "model_type" and mistake["ctx"]["class_name"] == "RampSection":
        message = "Or a ramp, such as {start = 0.0, end = 1.0}"
    if kind == "dict_type":
        message = f"It is a table, as {key}='{{a=\"b\"}}'"
    if kind in ("bool_parsing", "bool_type"):
        message = "Allowed: true, false"
    if kind == "literal_error":
        allowed = [word.strip("' ") for word in mistake["ctx"]["expected"].replace(" or ", ",").split(",")]
        hint = " " + did_you_mean(str(mistake["input"]), allowed)
    if kind in ("list_type", "dict_type", "model_type") and str(mistake["input"])[:1] in ("[", "{"):
        # The shell eats quotes: a list of words arrives as bare words, which are not TOML.
        example = '{a="b"}' if kind == "dict_type" else '["a", "b"]'
        hint = f" Inside a list or a table words need quotes, and all of it needs them: {key}='{example}'."
    return key, f"{message}.{hint}".rstrip()


def _is_type(part: str) -> bool:
    return part in ("float", "int", "str", "literal") or any(mark in part for mark in "[(") or part[:1].isupper()


def _fields(sections: Sequence[str]) -> list[str]:
    model: type[BaseModel] = Recipe
    for section in sections:
        field = model.model_fields.get(section)
        if field is None:
            return []
        options = [field.annotation, *get_args(field.annotation)]
        model = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), model)
    return list(model.model_fields)

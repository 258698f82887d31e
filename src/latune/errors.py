"""Errors a user can mend: each says what was got, what is allowed, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LatuneError(Exception):
    """Something the user can mend; the command line prints its text and exits with code 2."""


class DataError(LatuneError):
    """The data cannot be used as they are."""


class AttributeFunctionError(LatuneError):
    """An attribute function raised, or returned something that is not one number per example."""


class RecipeError(LatuneError):
    """A recipe names an unknown key, or a value that is not allowed."""


class RunError(LatuneError):
    """A run folder is missing, incomplete, in use, or does not fit the recipe."""


class TrainingError(LatuneError):
    """Training had to stop; the last good checkpoint is kept."""


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The nearest allowed word as a sentence, or nothing.

    >>> did_you_mean("arvae-digit", ["arvae-digits", "vae-mnist"])
    "Did you mean 'arvae-digits'?"
    """
    near = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return f"Did you mean '{near[0]}'?" if near else ""


def unknown(what: str, word: str, choices: Iterable[str]) -> str:
    """One line for a name that does not exist: what was got, the nearest, and all that are allowed.

    >>> unknown("recipe", "foo", ["a", "b"])
    "Unknown recipe 'foo'. Allowed: a, b."
    >>> unknown("option of data set 'digits'", "foo", ["a"])
    "Unknown option 'foo' of data set 'digits'. Allowed: a."
    """
    choices = sorted(choices)
    hint = did_you_mean(word, choices)
    thing, of, owner = what.partition(" of ")
    return f"Unknown {thing} '{word}'{of}{owner}. {hint + ' ' if hint else ''}Allowed: {', '.join(choices) or 'none'}."

"""music21, silenced: it prints, and warns about files that are otherwise fine."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from latune.errors import LatuneError

MISSING = 'It needs {name}, which is not installed. Run: pip install "latune[music]"'


@contextmanager
def music21() -> Iterator[Any]:
    """The package music21, silent while the block runs.

    Raises:
        LatuneError: where it is not installed.
    """
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        try:
            import music21 as package
            from music21 import converter  # noqa: F401 - a part of it that is not imported by itself
        except ImportError as error:
            raise LatuneError(MISSING.format(name="music21")) from error
        yield package


def symusic() -> Any:
    """The package symusic.

    Raises:
        LatuneError: where it is not installed.
    """
    try:
        import symusic as package
    except ImportError as error:
        raise LatuneError(MISSING.format(name="symusic")) from error
    return package


def corpus_folder() -> Path:
    """Where the scores lie that music21 brings along.

    Raises:
        LatuneError: where it is not installed.
    """
    from importlib.util import find_spec

    spec = find_spec("music21")  # importing it would take a second
    if spec is None or not spec.submodule_search_locations:
        raise LatuneError(MISSING.format(name="music21"))
    return Path(spec.submodule_search_locations[0]) / "corpus"

"""Settings of the documentation; build it with `make docs`."""

from __future__ import annotations

import re
from typing import Any

from latune import __version__

project = "Latune"
author = "The Latune developers"
copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Latune {version}"

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3

default_role = "literal"  # docstrings write `name` for code, as Markdown does
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = True  # the commands of latune.cli


def dollars_to_math(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Read `$...$` in a docstring as mathematics, over line ends too."""
    text = re.sub(r"\$(?![A-Z_]{2})([^$]+)\$", lambda found: f":math:`{' '.join(found[1].split())}`", "\n".join(lines))
    lines[:] = text.split("\n")


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", dollars_to_math)

"""The house stands as docs/architecture.md draws it: imports run downwards only, and nothing is ever unpickled."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "latune"

ROWS = [  # top to bottom; a room imports from its own row and from those below
    ["cli"],
    ["papers", "demo"],
    ["report", "recipes", "fitting", "comparison", "studio"],
    ["space", "measurement", "run_folder", "naming", "inversion", "bounds", "matrices"],
    ["models", "controls", "chains", "classifier"],
    ["metrics", "training"],
    ["terms", "moves", "coordinates", "units", "data", "attributes", "calibration", "pictures", "medium"],
    ["codes", "nets", "music", "files", "fonts", "imports", "provenance", "errors"],
]
DEPTH = {room: depth for depth, row in enumerate(ROWS) for room in row}
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc"}
UNPICKLERS = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}

MODULES = sorted(PACKAGE.rglob("*.py"))
CODE_FOLDERS = ("src", "tests", "benchmarks", "examples", "docs", ".ci")
PYTHON_FILES = sorted(path for folder in CODE_FOLDERS for path in (ROOT / folder).rglob("*.py"))


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def dotted(path: Path) -> str:
    """`latune.data.idx` of src/latune/data/idx.py."""
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    return name.removesuffix(".__init__")


def imported(tree: ast.AST, path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported from latune, at the top of a file or inside a function."""
    package = dotted(path) if path.name == "__init__.py" else dotted(path).rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*up, node.module] if node.module else up)
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            names = [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)]
            yield from ((node.lineno, str(name)) for name in names)


def test_every_file_is_in_a_room() -> None:
    rooms = {dotted(path).split(".")[1] for path in MODULES if path != PACKAGE / "__init__.py"}
    assert rooms - DEPTH.keys() == set(), "give these a row here and in docs/architecture.md"


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_imports_run_downwards(path: Path) -> None:
    if path == PACKAGE / "__init__.py":
        return  # the front door names what is inside
    room = dotted(path).split(".")[1]
    upwards = []
    for line, name in imported(ast.parse(path.read_text(encoding="utf-8")), path):
        parts = name.split(".")
        # Of `latune` itself, only its version and the like can be meant where the name is no room.
        if parts[0] == "latune" and len(parts) > 1 and DEPTH.get(parts[1], len(ROWS)) < DEPTH[room]:
            upwards.append(f"line {line}: {room} imports {parts[1]}, which is a room above")
    assert not upwards, "\n".join(upwards)


@pytest.mark.parametrize(
    "code",
    [
        "from latune.space import Space",
        "from latune import space",
        "from ..space import Space",
        "def later():\n    import latune.space",
        "import importlib\nimportlib.import_module('latune.space')",
    ],
)
def test_every_way_to_import_is_seen(code: str) -> None:
    assert any(f"{name}.".startswith("latune.space.") for _, name in imported(ast.parse(code), PACKAGE / "nets/mlp.py"))


def test_no_file_has_an_empty_name() -> None:
    names = {label(path): {*path.relative_to(ROOT).with_suffix("").parts} for path in PYTHON_FILES}
    assert [path for path, parts in names.items() if parts & EMPTY_NAMES] == []


@pytest.mark.parametrize("path", PYTHON_FILES, ids=label)
def test_nothing_is_unpickled(path: Path) -> None:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in UNPICKLERS]
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            found += [source] if source.split(".")[0] in UNPICKLERS else []
            found += [f"torch.{a.name}" for a in node.names if source == "torch" and a.name in ("load", "save")]
        elif isinstance(node, ast.Attribute) and node.attr in ("load", "save"):
            found += [f"torch.{node.attr}"] if isinstance(node.value, ast.Name) and node.value.id == "torch" else []
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            found += [] if isinstance(node.value, ast.Constant) and node.value.value is False else ["allow_pickle"]
    assert found == []


def with_all() -> list[str]:
    """The modules that say what they offer."""
    return [dotted(path) for path in MODULES if "__all__" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("module", with_all())
def test_what_is_offered_exists(module: str) -> None:
    loaded = importlib.import_module(module)
    assert len(set(loaded.__all__)) == len(loaded.__all__)
    assert [name for name in loaded.__all__ if not hasattr(loaded, name)] == []


def test_importing_the_package_is_light() -> None:
    code = "import sys, latune; print(*{'torch', 'scipy', 'numpy', 'sklearn', 'matplotlib'} & sys.modules.keys())"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""

"""Every example runs as it stands, in an empty folder, and is short enough to read at a glance."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
SAYS = {
    "measure_any_codes.py": "interpretability",
    "own_attribute.py": "asked for 0.6",
    "own_images.py": "mean share of bright pixels",
    "own_networks.py": "largest difference: 0.0",
    "teach_from_pictures.py": "learned in",
    "turn_sliders.py": "slant after",
}


def test_there_are_six() -> None:
    assert [path.name for path in EXAMPLES] == sorted(SAYS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path: Path, tmp_path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 40
    (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, path.name],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert SAYS[path.name] in done.stdout

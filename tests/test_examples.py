"""Every example runs in an empty folder, as it stands but for the epochs, and is short enough to read at a glance."""

from __future__ import annotations

import os
import re
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
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    # How good models become is tested elsewhere; here, that every call of an example does what it says.
    (tmp_path / path.name).write_text(re.sub(r"(training(\.|__)epochs=)\d+", r"\g<1>2", text), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, path.name],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert SAYS[path.name] in done.stdout

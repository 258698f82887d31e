"""Run what the README tells its reader to run: every ```bash and ```python block, in order, as one script.

It runs in a temporary folder in which everything of the checkout appears as a link, so that runs and pictures are made
there and nothing in the checkout changes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = ("git clone ", "cd latune", "make test")  # the checkout is there, and its tests have been run


def script(text: str) -> str:
    """The blocks of a Markdown text as one bash script that says which line it has come to."""
    parts = []
    for block in re.finditer(r"^```(bash|python)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, block.start()) + 1
        if block[1] == "python":
            parts.append(f"echo '-- README.md, line {line}: Python'\npython - << 'END'\n{block[2]}END")
            continue
        kept = [words for words in block[2].splitlines() if not words.strip().startswith(LEFT_OUT)]
        parts.append("\n".join([f"echo '-- README.md, line {line}'", "set -x", *kept, "{ set +x; } 2> /dev/null"]))
    return "\n".join(parts)


def main() -> int:
    """Run them; the exit code is that of the first command that fails."""
    commands = script((ROOT / "README.md").read_text(encoding="utf-8"))
    if not commands:
        print("README.md has no block to run: nothing was checked.")
        return 1
    with tempfile.TemporaryDirectory(prefix="readme-") as folder:
        for path in ROOT.iterdir():
            if path.name not in (".git", "runs", "demo", "out"):
                (Path(folder) / path.name).symlink_to(path)
        environment = {**os.environ, "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        return subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=folder, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())

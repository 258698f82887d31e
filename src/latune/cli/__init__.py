"""The command line: typed functions, whose docstrings are the help. Torch is imported after the words are parsed.

Each file holds the commands of one kind, which register themselves; `shell.py` has what they share.
"""

from latune.cli import controls, data, names, pictures, scores, studio, training, walks
from latune.cli.shell import app, main

__all__ = ["app", "controls", "data", "main", "names", "pictures", "scores", "studio", "training", "walks"]

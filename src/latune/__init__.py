"""Latune: train a generative model once, then tune what it makes.

`latune.load(run)` opens a trained model as a `Space`; `latune.fit(images, attributes=...)` trains one on your own data.
Importing the package imports neither torch nor scipy: names are resolved when first used.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

# Two OpenMP threads that spin on a busy machine slow a training step by up to 30 times. The variable is read once, when
# torch is first imported, so it has to be set before that; a user's own value wins.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"

if TYPE_CHECKING:
    from latune.classifier import Classifier
    from latune.codes import Categorical, Codes, Normal, Uniform
    from latune.comparison import compare
    from latune.fitting import fit
    from latune.space import Space, load

_HOMES = {
    "Codes": "latune.codes",
    "Normal": "latune.codes",
    "Uniform": "latune.codes",
    "Categorical": "latune.codes",
    "Classifier": "latune.classifier",
    "Space": "latune.space",
    "load": "latune.space",
    "fit": "latune.fitting",
    "compare": "latune.comparison",
}

__all__ = ["Categorical", "Classifier", "Codes", "Normal", "Space", "Uniform", "__version__", "compare", "fit", "load"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'latune' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)

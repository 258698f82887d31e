"""What an attribute is: a named function of data, with a kind and a range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

Kind = Literal["real", "binary", "categorical", "unit"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True)
class Attribute:
    """A named function of data.

    Args:
        name: what it is called in code, docs and sliders.
        kind: `real` (any number), `binary` (0 or 1), `categorical` (a class index) or `unit` (a reward in [0, 1]).
        range: the values it is expected to take, lowest first; None where unknown.
        unit: what one step of it means, e.g. "px" or "rad".
        measure: images `[n, h, w]` uint8 to values `[n]`; None where the attribute is only a label.
        source: how a run's files name what measures it: a name of `ATTRIBUTES`, or `module:function`; empty for labels.
    """

    name: str
    kind: Kind = "real"
    range: tuple[float, float] | None = None
    unit: str = ""
    measure: Callable[[np.ndarray], np.ndarray] | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"Attribute '{self.name}' has kind '{self.kind}'. Allowed: {', '.join(KINDS)}.")

"""A guide within a chain: codes are led out of where the model makes more than there is in the data."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from latune.controls.descent import Descend
from latune.errors import DataError
from latune.terms.critics import one_sided

STEPS, RATE = 10, 0.1


def guided(
    guide: Callable[[Tensor], Tensor] | None,
    decode: Callable[[Tensor], Tensor] | None = None,
    steps: int = STEPS,
    lr: float = RATE,
) -> Descend:
    r"""The move that goes down a guide's one-sided pull, each code until the guide no longer objects.

    .. math:: z' = \arg\min_z \tfrac12 (u + u^2), \quad u = [-f(z)]_+

    Eq. 7 of Bachman & Precup 2015 (https://proceedings.mlr.press/v37/bachman15.html), there for the model's weights and
    here for a code between encoding and decoding: `space.walk(x, move=guided(guide))`. A code with f >= 0 stays, bit
    for bit.

    Args:
        guide: f, an estimate of log data / model: of codes `(n, d)`, or of images where `decode` is given; `(n,)` or
            `(n, 1)`. That of a Variational GSN is `space.model.guide`.
        decode: codes to images, for a guide that looks at these.
        steps, lr: of the descent; fewer steps than it takes to arrive is a gentler guide.

    Raises:
        ValueError: for no guide.
        DataError: when it is used: a guide of images that is given codes, or the other way round.

    >>> import torch
    >>> guided(lambda z: z[:, 0], steps=100)(torch.tensor([[-0.5, 3.0], [0.5, 3.0]]))[:, 0] > -1e-6
    tensor([True, True])
    """

    if guide is None:
        raise ValueError("There is no guide to heed: this model was trained with model.guide=off.")
    inputs = getattr(guide, "inputs", None)

    def says(z: Tensor) -> Tensor:
        point = z if decode is None else decode(z)
        if inputs not in (None, point[0].numel()):
            cure = "decode=space.model.decode is missing" if decode is None else "leave decode out"
            raise DataError(f"The guide looks at {inputs} numbers and is given {point[0].numel()}: {cure}.")
        return guide(point).reshape(len(z))  # (m,)

    return Descend(lambda z, rows: one_sided(says(z)), lambda z, rows: says(z) >= 0, steps, lr)

"""What the experiments of InfoGAN share: the paper, the bound, and what images are recognised as."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latune.metrics.correlation import spearman
from latune.models.directions import directions
from latune.models.infogan import InfoGAN
from latune.models.infogan_scene import TURNED
from latune.papers.experiment import Subject, drawn
from latune.papers.judge import prior
from latune.space import Space
from latune.terms import ima_contrast
from latune.training import generator

PAPER = "Chen et al. 2016, InfoGAN (https://arxiv.org/abs/1606.03657)"
POSITIONS = 9  # of a code that is turned from -1 to 1
UNTOLD = "model.inform=false"  # the plain GAN: its recogniser watches, and nothing is learned from what it says


def bound_of(subject: Subject, code: str, n: int) -> float:
    """The bound on what is told of a code, in nats, over draws that nothing was learned from."""
    model = subject.space.model
    assert isinstance(model, InfoGAN)
    x = subject.data.images(drawn(subject.data.splits["test"], n, subject.seed))
    with torch.no_grad():
        return model.validation(x, generator(subject.seed, "bound", device=x.device))[f"information/{code}"]


def contrast_of(subject: Subject, n: int) -> float:
    """How far the numbers are from moving an image each in a direction of its own, in nats, over draws of the prior.

    No label is asked for: it is what the generator minimises for `model.orthogonality` (`latune.terms.ima_contrast`).
    """
    model = subject.space.model
    assert isinstance(model, InfoGAN)
    draws, device = generator(subject.seed, "contrast", device=subject.space.device), subject.space.device
    with torch.no_grad():
        drawn_z = (model.codes.sample(TURNED, draws, device) for _ in range(math.ceil(n / TURNED)))
        parts = [ima_contrast(directions(model, model.numbers, z)) for z in drawn_z]
    return float(torch.stack(parts).mean())


def classes_of(space: Space, images: Tensor, code: str) -> Tensor:
    """The class of a categorical code that images are recognised as, `(n,)`."""
    return space.encode(images)[:, space.coordinates.columns(code)].argmax(1)


def column(subject: Subject, z: Tensor, code: str) -> Tensor:
    """Where a code of one number is, in codes `(n, d)`."""
    return z[:, subject.space.coordinates.column(code)]


def turned(subject: Subject, code: str, measured: Callable[[Any], Any]) -> float:
    """Spearman's correlation of one example while its code alone is turned from -1 to 1, its mean; without its sign.

    `measured` takes `Images` `(n, c, h, w)` to a number each.
    """
    values, z = torch.linspace(-1, 1, POSITIONS), prior(subject, subject.settings["draws"] // 10, "while turned")
    made = subject.space.traverse(None, code, values, at=z).flatten(0, 1)
    return float(abs(np.mean([rank_correlation(values, row) for row in measured(made).reshape(len(z), POSITIONS)])))


def rank_correlation(code: Tensor, values: Tensor | np.ndarray) -> float:
    """Spearman's; 0 where one of the two is always the same.

    >>> rank_correlation(torch.tensor([1.0, 2.0, 3.0]), np.array([1.0, 8.0, 27.0]))
    1.0
    """
    a, b = (np.asarray(torch.as_tensor(each).cpu(), dtype=np.float64) for each in (code, values))
    return 0.0 if np.ptp(a) == 0 or np.ptp(b) == 0 else float(spearman(a[:, None], b[:, None])[0][0, 0])

"""What the experiments of InfoGAN share: the paper, and which code is put where."""

from __future__ import annotations

import torch
from torch import Tensor

from latune.models.infogan import InfoGAN
from latune.papers.experiment import Subject, drawn
from latune.space import Space
from latune.training import generator

PAPER = "Chen et al. 2016, InfoGAN (https://arxiv.org/abs/1606.03657)"
UNTOLD = "model.inform=false"  # the plain GAN: its recogniser watches, and nothing is learned from what it says


def bound_of(subject: Subject, code: str, n: int) -> float:
    """The bound on what is told of a code, in nats, over draws that nothing was learned from."""
    model = subject.space.model
    assert isinstance(model, InfoGAN)
    x = subject.data.images(drawn(subject.data.splits["test"], n, subject.seed))
    with torch.no_grad():
        return model.validation(x, generator(subject.seed, "bound", device=x.device))[f"information/{code}"]


def classes_of(space: Space, images: Tensor, code: str) -> Tensor:
    """The class of a categorical code that images are recognised as, `(n,)`."""
    return space.encode(images)[:, space.coordinates.columns(code)].argmax(1)


def turned(space: Space, z: Tensor, code: str, values: Tensor) -> Tensor:
    """Codes `(n, d)` with one coordinate at each of k values, `(n, k, d)`."""
    moved = z[:, None].repeat(1, len(values), 1)
    moved[:, :, space.coordinates.columns(code).start] = values.to(z)
    return moved


def classed(space: Space, z: Tensor, code: str) -> Tensor:
    """Codes `(n, d)` in each class of a categorical code, `(n, k, d)`."""
    columns = space.coordinates.columns(code)
    k = columns.stop - columns.start
    moved = z[:, None].repeat(1, k, 1)
    moved[:, :, columns] = torch.eye(k).to(z)
    return moved


def decoded(space: Space, z: Tensor) -> Tensor:
    """Images `(n, k, c, h, w)` of codes `(n, k, d)`."""
    return space.decode(z.flatten(0, 1)).plain().unflatten(0, z.shape[:2])

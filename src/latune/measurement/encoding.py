"""One pass over the data: every example is encoded, sampled, decoded and compared once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from latune.codes import Gaussian
from latune.data import Dataset
from latune.models import Model
from latune.space import CHUNK, Space
from latune.terms import Categorical, kl_per_example
from latune.training.generators import generator

CODES = ("mean", "sample")
TRAVERSED = 64  # examples whose sliders are moved
POSITIONS = 10  # slider positions from -4 to 4, as AR-VAE's traversals
THRESHOLD = 0.5  # a pixel of this value or more is on


@dataclass(frozen=True)
class Pass:
    """What every metric needs of every example.

    Args:
        rows: of the data set, which were encoded.
        mean: of the posterior.
        sample: one draw of it.
        reconstruction: -log p(x|z) of that draw, in nats; NaN for a model without a likelihood.
        kl: of the posterior from the prior, in nats; NaN for a model without a likelihood.
        accuracy: the share of pixels on the same side of one half, or of tokens that are right; NaN likewise.
        squared_error: mean over pixels; NaN likewise, and of melodies.
    """

    rows: Int64[Tensor, " n"]
    mean: Float[Tensor, "n d"]
    sample: Float[Tensor, "n d"]
    reconstruction: Float[Tensor, " n"]
    kl: Float[Tensor, " n"]
    accuracy: Float[Tensor, " n"]
    squared_error: Float[Tensor, " n"]

    @property
    def elbo(self) -> Float[Tensor, " n"]:
        """Of each example, in nats."""
        return -(self.reconstruction + self.kl)

    def codes(self, which: str) -> Float[Tensor, "n d"]:
        """The posterior's `mean`, or its `sample`."""
        return self.mean if which == "mean" else self.sample

    def of_images(self) -> Float64[np.ndarray, "n 5"]:
        """Five numbers an example: ELBO, reconstruction, KL, accuracy, squared error."""
        columns = (self.elbo, self.reconstruction, self.kl, self.accuracy, self.squared_error)
        return torch.stack([column.double() for column in columns], dim=1).cpu().numpy()


@torch.no_grad()
def encoding_pass(space: Space, data: Dataset, rows: Tensor, seed: int = 0, codes: str = "mean") -> Pass:
    """Encode, sample, decode and compare every example once; `codes` says which are decoded for the comparison."""
    model, source = space.model.eval(), generator(seed, "measure", device=space.device)
    names = ("mean", "sample", "reconstruction", "kl", "accuracy", "squared_error")
    parts: dict[str, list[Tensor]] = {name: [] for name in names}
    for chunk in rows.split(CHUNK):
        x = data.examples(chunk).to(space.device)
        q = model.posterior(x)
        z = q.sample(source)
        parts["mean"].append(q.mean)
        parts["sample"].append(z)
        for name, part in zip(names[2:], _compared(model, x, q, z, codes), strict=True):
            parts[name].append(part)
    return Pass(rows, **{name: torch.cat(part) for name, part in parts.items()})


def _compared(model: Model, x: Tensor, q: Gaussian, z: Tensor, codes: str) -> tuple[Tensor, ...]:
    """Reconstruction and KL in nats, share of pixels on the same side, squared error: each `(n,)`."""
    if model.likelihood is None:  # what such a model tells of an image is not enough to make it again
        return (torch.full((len(x),), math.nan, device=x.device),) * 4
    raw = model.raw(z, x)
    if isinstance(model.likelihood, Categorical):
        # Each token is chosen after those that the model chose before it: nothing tells it the right ones.
        right = right_share(model.decode(q.mean if codes == "mean" else z), x)
        return -model.likelihood.log_prob(raw, x), kl_per_example(q), right, torch.full_like(right, math.nan)
    decoded = (model.decode(q.mean) if codes == "mean" else model.likelihood.mean(raw)).clamp(0, 1)
    return (
        -model.likelihood.log_prob(raw, x),
        kl_per_example(q),
        same_side(decoded, x),
        (decoded - x).square().flatten(1).mean(1),
    )


def right_share(decoded: Tensor, x: Tensor) -> Float[Tensor, " n"]:
    """Of each example, the share that came back: pixels on the same side of one half, or tokens that are equal."""
    return same_side(decoded, x) if x.is_floating_point() else (decoded == x).double().mean(1).float()


def same_side(decoded: Float[Tensor, "n ..."], x: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """Of each image, the share of pixels that are on in both or off in both.

    >>> same_side(torch.tensor([[0.9, 0.2], [0.4, 0.6]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    tensor([1.0000, 0.5000])
    """
    return ((decoded >= THRESHOLD) == (x >= THRESHOLD)).flatten(1).double().mean(1).to(x.dtype)


def positions() -> Float64[np.ndarray, " k"]:
    """The slider positions of a traversal: 10 from -4 to 4."""
    return np.linspace(-4.0, 4.0, POSITIONS)


def slider_responses(space: Space, data: Dataset, rows: Tensor) -> dict[str, np.ndarray]:
    """For each slider whose attribute can be measured on images: the attribute `[n, k]` along its traversal."""
    measurable = [name for name in space.sliders if space.attributes[name].measure is not None]
    if not measurable:
        return {}
    x = data.examples(rows)
    out = {}
    for name in measurable:
        grid = space.traverse(x, name, torch.from_numpy(positions()).float())  # (n, k, c, h, w)
        values = space.measured([name], grid.plain().flatten(0, 1))[name]
        out[name] = values.reshape(grid.shape[:2])
    return out

"""One step of a chain through data: encode, draw a code, move it, decode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from latune.chains.noise import Noise
from latune.errors import DataError
from latune.moves import Move
from latune.terms import Bernoulli, Gaussian

CHUNK = 1024  # chains that pass through a network at once


@dataclass(frozen=True)
class Step(Move):
    r"""From images to images, by way of a code that may be moved.

    .. math:: z_t \sim q(z \mid x_t), \qquad x_{t+1} \sim p(x \mid \mathrm{move}(z_t))

    Bachman & Precup 2015 (https://proceedings.mlr.press/v37/bachman15.html); a generative stochastic network of Bengio
    et al. 2014 (https://arxiv.org/abs/1306.1091). With both drawn and q the exact posterior this is Gibbs sampling, and
    the chain's stationary distribution is the model's own. Bachman & Precup's released code hands on the mean of
    p(x | z) instead, which is the default here: images stay smooth, and spread less than the model's. Differentiable
    in the point where x is a mean.

    Args:
        model: what has `posterior` and `decode`: any model that encodes; and a `likelihood` where images are drawn.
        noise: of all chains, a row each; None only where nothing is drawn.
        sample_z: draw the code; else the posterior's mean is taken.
        sample_x: draw the image from the likelihood, unclipped; else its mean is taken.
        move: what is done to the codes, as `Gated(actor)`; None leaves them.

    Raises:
        DataError: no noise where something is drawn, a likelihood that images are not drawn from, or a move that makes
            anything but codes of codes.
    """

    model: Any
    noise: Noise | None = None
    sample_z: bool = True
    sample_x: bool = False
    move: Callable[[Tensor], Tensor] | None = None

    def __call__(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The next images."""
        if self.noise is None and (self.sample_z or self.sample_x):
            raise DataError("A step that draws needs noise: Step(model, Noise(len(x), seed=0)), or sample_z=False.")
        if len(x) == 0:
            return x
        parts = [self.model.posterior(chunk) for chunk in x.split(CHUNK)]
        z = torch.cat([q.mean for q in parts])  # (n, d)
        if self.sample_z and self.noise is not None:
            z = torch.addcmul(z, torch.cat([q.scale for q in parts]), self.noise.normal("z", z.shape[1]))
        if self.move is not None:
            z = _moved(self.move, z)
        if not self.sample_x or self.noise is None:
            return torch.cat([self.model.decode(chunk) for chunk in z.split(CHUNK)])
        likelihood = getattr(self.model, "likelihood", None)
        noise = self.noise.normal("x", x[0].numel()).view_as(x)
        if not isinstance(likelihood, Bernoulli | Gaussian):
            raise DataError(
                "Images are drawn from Bernoulli and Gaussian pixels. This model's likelihood is "
                f"{'none' if likelihood is None else type(likelihood).__name__}: leave sample_x out, and its mean is "
                "handed on."
            )
        raw = torch.cat([self.model.raw(chunk) for chunk in z.split(CHUNK)])
        return drawn(likelihood, raw, noise)


def _moved(move: Callable[[Tensor], Tensor], z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    moved = move(z)
    if not isinstance(moved, Tensor) or moved.shape != z.shape:
        got = tuple(moved.shape) if isinstance(moved, Tensor) else repr(moved)
        raise DataError(f"A move makes codes {tuple(z.shape)} of codes {tuple(z.shape)}. This one gave {got}.")
    return moved


def drawn(
    likelihood: Bernoulli | Gaussian, raw: Float[Tensor, "n c h w"], noise: Float[Tensor, "n c h w"]
) -> Float[Tensor, "n c h w"]:
    r"""Images drawn from a likelihood, as a function of standard normal noise.

    A Gaussian pixel is :math:`\hat x + \sigma \epsilon`, a Bernoulli pixel 1 where :math:`\Phi(\epsilon) < \hat x`.

    >>> drawn(Bernoulli(), torch.zeros(1, 1, 1, 2), torch.tensor([[[[-0.1, 0.1]]]]))
    tensor([[[[1., 0.]]]])
    """
    if isinstance(likelihood, Bernoulli):
        return (torch.special.ndtr(noise) < likelihood.mean(raw)).to(raw.dtype)
    log_variance = torch.as_tensor(likelihood.log_variance, dtype=raw.dtype, device=raw.device)
    return likelihood.mean(raw) + torch.exp(0.5 * log_variance) * noise

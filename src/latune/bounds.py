"""Importance weights of a trained model: what the ELBO and the tighter bounds of its likelihood are made of."""

from __future__ import annotations

import torch
from jaxtyping import Float64, Shaped
from torch import Tensor

from latune.data import Dataset, spread
from latune.errors import DataError, unknown
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.likelihood import importance_weighted_bound
from latune.metrics.score import Score
from latune.space import CHUNK, Space
from latune.training.generators import generator as draws

SAMPLES = 64
EXAMPLES = 1000


@torch.no_grad()
def log_weights(
    space: Space, x: Shaped[Tensor, "n *shape"], samples: int = SAMPLES, generator: torch.Generator | None = None
) -> Float64[Tensor, "K n"]:
    r"""Log importance weights of images under draws from their posteriors, in nats.

    .. math:: \log w_k = \log p(x|z_k) + \log p(z_k) - \log q(z_k|x), \quad z_k \sim q(z|x)

    Burda, Grosse & Salakhutdinov 2016, eq. 8 (https://arxiv.org/abs/1509.00519). Their mean is the ELBO, the log of
    the mean of their exponentials a tighter bound: see `latune.metrics.importance_weighted_bound`. At most 1,024 codes
    are decoded at once, however many samples there are, so that beyond the result `(K, n)` memory does not grow.

    Args:
        space: a model with a posterior over standard normal codes, and a likelihood.
        x: images in [0, 1].
        samples: K, draws an example.
        generator: of the draws, on the space's device; one of seed 0 unless given.

    Raises:
        DataError: fewer than one sample, images of another shape than the model's, or a model without a likelihood.

    >>> from latune.data import load
    >>> from latune.models import Spec, build
    >>> digits, spec = load("digits"), Spec("vae", (1, 8, 8), latent=2, nets={"name": "mlp", "hidden": (16,)})
    >>> space = Space(build(spec, seed=0), spec)
    >>> log_weights(space, digits.images(torch.arange(5)), samples=3).shape
    torch.Size([3, 5])
    """
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise DataError(f"Importance weights need a whole number of samples, 1 or more. Got {samples!r}.")
    likelihood = space.model.likelihood
    if likelihood is None:
        raise DataError(f"{space.spec.model} has no likelihood, so there is no bound of it.")
    q = space.posterior(x)  # checks the images
    x, model = space.medium.take(x).to(space.device), space.model
    was, source = model.training, generator or draws(0, "importance weights", device=space.device)
    model.eval()
    out = torch.empty(samples, len(x), dtype=torch.float64, device=space.device)
    for start in range(0, len(x), CHUNK):
        some = slice(start, start + CHUNK)
        mean, scale, image = q.mean[some], q.scale[some], x[some]
        at_once = max(CHUNK // len(image), 1)
        for first in range(0, samples, at_once):
            draw = slice(first, min(first + at_once, samples))
            noise = torch.empty(draw.stop - first, *mean.shape, device=space.device).normal_(generator=source)
            z = torch.addcmul(mean, scale, noise)  # (k, m, d)
            # From the noise itself: (z - mean) / scale would lose digits where the scale is small.
            prior = 0.5 * (noise.double().square() - z.double().square()) + scale.double().log()
            repeated = image.expand(len(z), *image.shape).flatten(0, 1)
            data = likelihood.log_prob(model.raw(z.flatten(0, 1), repeated), repeated)
            out[draw, some] = data.view(z.shape[:2]).double() + prior.sum(2)
    model.train(was)
    return out


def likelihood_bound(
    space: Space,
    data: Dataset,
    split: str = "test",
    samples: int = SAMPLES,
    limit: int = EXAMPLES,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    """The importance-weighted bound of a space on a split, in nats an example, with its interval over examples.

    Args:
        space: the model.
        data: images of the model's shape.
        split: `test` unless told otherwise.
        samples: draws an example; papers report 50 to 5,000.
        limit: most examples, evenly spread over the split.
        seed: of the draws and of the interval.
        resamples: of the interval; 0 for none.

    Raises:
        DataError: no such split, or an empty one; see `log_weights`.
    """
    if split not in data.splits:
        raise DataError(unknown(f"split of '{data.name}'", split, data.splits))
    if not len(data.splits[split]) or limit < 1:
        raise DataError(f"A bound needs examples. The {split} split has {len(data.splits[split])}; limit is {limit}.")
    rows = spread(data.splits[split], limit)
    source = draws(seed, "importance weights", device=space.device)
    weights = torch.cat([log_weights(space, data.examples(some), samples, source) for some in rows.split(CHUNK)], dim=1)
    return importance_weighted_bound(weights, resamples, seed)

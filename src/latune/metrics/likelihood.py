"""Likelihood bounds from importance weights, and the linear-Gaussian model, whose likelihood is known exactly."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

from latune.errors import DataError
from latune.metrics.arrays import as_array
from latune.metrics.averaged import averaged
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.score import Score

WEIGHTS_AT_ONCE = 2**22  # 32 MB
FEW_EFFECTIVE = 2.0  # effective samples below which one weight makes the bound of most examples


def importance_weighted_bound(log_weights: Any, resamples: int = RESAMPLES, seed: int = 0) -> Score:
    r"""Lower bound of the log-likelihood from K importance weights an example, averaged over examples, in nats.

    .. math:: \mathcal L_K = \mathbb E_x \log \tfrac1K \sum_k w_k, \quad
              \log w_k = \log p(x|z_k) + \log p(z_k) - \log q(z_k|x), \quad z_k \sim q(z|x)

    Burda, Grosse & Salakhutdinov 2016, eq. 8 (https://arxiv.org/abs/1509.00519): K = 1 is the ELBO, and its expectation
    rises with K towards the log-likelihood. Where few weights carry the sum it is still far below: `detail` has the
    effective samples (sum w)^2 / sum w^2, which say so.

    Args:
        log_weights: `[K, n]` in nats; -inf is a weight of zero.
        resamples: of the interval over examples; 0 for none. It holds the draws of z fixed.
        seed: of the interval.

    Returns:
        nats an example. `detail`: `elbo` (the mean of all log weights), `curve` (the bound with 1, 2, 4, ... K of the
        weights, each the mean over as many groups as there are), `effective_samples` (the median over examples),
        `standard_error` (over examples).

    Raises:
        DataError: not `[K, n]`; a weight that is NaN or infinite; an example whose weights are all zero.

    >>> score = importance_weighted_bound(np.log([[0.1, 0.5], [0.3, 0.5]]))
    >>> round(score.value, 4), round(score.detail["elbo"], 4)  # (log 0.2 + log 0.5) / 2
    (-1.1513, -1.2232)
    """
    weights = _log_weights(log_weights)
    k, n = weights.shape
    some = max(WEIGHTS_AT_ONCE // k, 1)
    parts = [_bounds(weights[:, start : start + some]) for start in range(0, n, some)]
    bounds = np.concatenate([part[0] for part in parts], axis=1)  # (sizes, n)
    each, effective = bounds[-1], np.concatenate([part[1] for part in parts])
    means = [float(bound.mean()) if np.isfinite(bound).all() else None for bound in bounds]
    notes = []
    if k > 1 and np.median(effective) < FEW_EFFECTIVE:
        notes.append("One weight makes the sum of most examples: the likelihood may lie well above this bound.")
    detail = {
        "elbo": means[0],
        "curve": [list(point) for point in zip(_sizes(k), means, strict=True)],
        "effective_samples": float(np.median(effective)),
        "standard_error": float(each.std(ddof=1) / np.sqrt(n)) if n > 1 else None,
        "notes": notes,
    }
    settings = {"samples": k, "examples": n, "unit": "nats an example"}
    return averaged("importance-weighted-bound", {}, detail, settings, whole=each, seed=seed, resamples=resamples)


class Posterior(NamedTuple):
    """The exact posterior of a linear-Gaussian model: a mean an example, and one covariance for all."""

    mean: Float64[np.ndarray, "n d"]
    covariance: Float64[np.ndarray, "d d"]


def linear_gaussian_posterior(x: Any, weight: Any, bias: Any, sigma: float) -> Posterior:
    r"""The exact posterior of x = W z + b + noise with z ~ N(0, I) and noise ~ N(0, sigma^2 I).

    .. math:: p(z|x) = N\bigl(M^{-1} W^\top (x - b),\; \sigma^2 M^{-1}\bigr), \quad M = W^\top W + \sigma^2 I

    Tipping & Bishop 1999, eq. 6 (https://doi.org/10.1111/1467-9868.00196). It is diagonal, so that a VAE's posterior
    can equal it, exactly where the columns of W are orthogonal.

    Args:
        x: `[n, D]`.
        weight: W, `[D, d]`.
        bias: b, `[D]`.
        sigma: standard deviation of the noise, positive.

    Raises:
        DataError: shapes that do not fit, values that are not finite, or a sigma that is not positive.

    >>> mean, covariance = linear_gaussian_posterior([[2.0]], [[1.0]], [0.0], sigma=1.0)
    >>> mean, covariance
    (array([[1.]]), array([[0.5]]))
    """
    from scipy.linalg import cho_solve

    rest, weight, factor = _linear_gaussian(x, weight, bias, sigma)
    mean = cho_solve((factor, True), weight.T @ rest.T).T  # (n, d)
    return Posterior(mean, sigma**2 * cho_solve((factor, True), np.eye(len(factor))))


def linear_gaussian_log_likelihood(x: Any, weight: Any, bias: Any, sigma: float) -> Float64[np.ndarray, " n"]:
    r"""Exact log-likelihood of x = W z + b + noise with z ~ N(0, I) and noise ~ N(0, sigma^2 I), in nats.

    .. math:: \log N(x; b, W W^\top + \sigma^2 I) = -\tfrac12\Bigl(\tfrac{\lVert r - W m\rVert^2}{\sigma^2}
              + \lVert m\rVert^2 + \log|M| + (D - d) \log\sigma^2 + D \log 2\pi\Bigr)

    with r = x - b, M = W'W + sigma^2 I and the posterior's mean m: probabilistic PCA (Tipping & Bishop 1999,
    https://doi.org/10.1111/1467-9868.00196), the known answer for a VAE with linear networks. Only the d x d matrix M
    is factored, and both squares are positive, so nothing cancels however small sigma is.

    Args:
        x: `[n, D]`.
        weight: W, `[D, d]`.
        bias: b, `[D]`.
        sigma: standard deviation of the noise, positive.

    Returns:
        `[n]`.

    Raises:
        DataError: shapes that do not fit, values that are not finite, or a sigma that is not positive.

    >>> linear_gaussian_log_likelihood([[0.0]], [[1.0]], [0.0], sigma=1.0).round(6)  # N(0; 0, 2)
    array([-1.265512])
    """
    mean = linear_gaussian_posterior(x, weight, bias, sigma).mean
    rest, weight, factor = _linear_gaussian(x, weight, bias, sigma)
    squares = np.square((rest - mean @ weight.T) / sigma).sum(1) + np.square(mean).sum(1)
    data, latent = weight.shape
    log_determinant = 2 * np.log(np.diag(factor)).sum() + (data - latent) * 2 * np.log(sigma)
    return -0.5 * (squares + log_determinant + data * np.log(2 * np.pi))


def _linear_gaussian(
    x: Any, weight: Any, bias: Any, sigma: float
) -> tuple[Float64[np.ndarray, "n D"], Float64[np.ndarray, "D d"], Float64[np.ndarray, "d d"]]:
    """x - b, W, and the Cholesky factor of M, all checked."""
    given = {"x": x, "weight": weight, "bias": bias}
    arrays = {name: as_array(data, name).astype(np.float64) for name, data in given.items()}
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    dims = {name: len(shape) for name, shape in shapes.items()}
    if dims != {"x": 2, "weight": 2, "bias": 1} or not shapes["x"][1] == shapes["weight"][0] == shapes["bias"][0]:
        raise DataError(f"A linear-Gaussian model takes x [n, D], weight [D, d] and bias [D]. Got {shapes}.")
    if not (np.isfinite(sigma) and sigma > 0):
        raise DataError(f"sigma is the positive standard deviation of the noise. Got {sigma}.")
    weight = arrays["weight"]
    precision = weight.T @ weight + sigma**2 * np.eye(weight.shape[1])
    try:
        factor = np.linalg.cholesky(precision)
    except np.linalg.LinAlgError:
        raise DataError(
            f"sigma = {sigma:g} is so small beside the weights, whose columns depend on each other, that the posterior "
            "cannot be computed in float64. Give a larger sigma, or weights of full rank."
        ) from None
    return arrays["x"] - arrays["bias"], weight, factor


def _log_weights(log_weights: Any) -> Float64[np.ndarray, "K n"]:
    """Log weights as float64, checked; -inf stays."""
    if hasattr(log_weights, "detach"):
        log_weights = log_weights.detach().cpu().double().numpy()
    weights = np.asarray(log_weights, dtype=np.float64)
    if weights.ndim != 2 or not weights.size:
        raise DataError(
            f"Log weights are [K, n]: K draws for each of n examples, both 1 or more. Got {list(weights.shape)}."
        )
    if np.isnan(weights).any() or (weights == np.inf).any():
        raise DataError("Log weights hold NaN or plus infinity: the model's likelihood or posterior is not finite.")
    if lost := int((weights == -np.inf).all(axis=0).sum()):
        raise DataError(
            f"{lost} of {weights.shape[1]} examples have only weights of zero: they are impossible under the model, "
            "and the bound is minus infinity."
        )
    return weights


def _sizes(k: int) -> list[int]:
    """1, 2, 4, ... and k."""
    return [*(2**i for i in range(k.bit_length()) if 2**i < k), k]


def _bounds(weights: Float64[np.ndarray, "K n"]) -> tuple[Float64[np.ndarray, "sizes n"], Float64[np.ndarray, " n"]]:
    """Each example's bound with 1, 2, 4, ... K draws, and its effective samples."""
    k = len(weights)
    groups, bounds = weights, []
    for size in _sizes(k)[:-1]:
        bounds.append(groups.mean(axis=0) - np.log(size))
        even = len(groups) // 2 * 2
        groups = np.logaddexp(groups[:even:2], groups[1:even:2])  # sums of twice as many draws
    most = weights.max(axis=0)
    shares = np.exp(weights - most)  # of the largest, in [0, 1]
    total = shares.sum(axis=0)
    bounds.append(most + np.log(total) - np.log(k))
    return np.stack(bounds), np.square(total) / np.square(shares).sum(axis=0)

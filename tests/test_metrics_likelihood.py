"""Parzen windows, importance-weighted bounds and the linear-Gaussian model, against numbers that are known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from latune.bounds import likelihood_bound, log_weights
from latune.codes import Codes, Normal
from latune.data import from_arrays
from latune.errors import DataError
from latune.metrics.distances import Distances
from latune.metrics.likelihood import (
    importance_weighted_bound,
    linear_gaussian_log_likelihood,
    linear_gaussian_posterior,
)
from latune.metrics.parzen import SIGMAS, parzen, parzen_log_likelihood
from latune.models import VAE, Spec
from latune.space import Space
from latune.terms import Gaussian
from latune.training import generator


def by_brute_force(points, centres, sigmas):
    """All pairs, all float64."""
    points, centres = (np.asarray(each, np.float64).reshape(len(each), -1) for each in (points, centres))
    apart = torch.cdist(*map(torch.from_numpy, (points, centres)), compute_mode="donot_use_mm_for_euclid_dist")
    squared = apart.square().numpy()
    d = points.shape[1]
    exponents = [-squared / (2 * s**2) for s in sigmas]
    return np.stack(
        [
            np.logaddexp.reduce(e, axis=1) - math.log(len(centres)) - d * math.log(s * math.sqrt(2 * math.pi))
            for e, s in zip(exponents, sigmas, strict=True)
        ]
    )


def blurred(n, seed, d=784):
    """Rows in [0, 1] whose neighbouring entries agree, as pixels do."""
    coarse = np.random.default_rng(seed).normal(size=(n, d // 16))
    return 1 / (1 + np.exp(-np.repeat(coarse, 16, axis=1)))


# --- Parzen -----------------------------------------------------------------------------------------------------------


def test_one_centre_is_one_gaussian():
    got = parzen_log_likelihood([[0.0, 0.0]], [[0.0, 0.0]], [0.5])
    assert got[0, 0] == pytest.approx(-2 * math.log(0.5 * math.sqrt(2 * math.pi)), abs=1e-12)
    assert got[0, 0] == pytest.approx(-0.451583, abs=1e-6)


def test_gaussian_data_reach_the_population_value():
    draw = np.random.default_rng(0)
    centres, points = draw.normal(size=(10_000, 2)), draw.normal(size=(20_000, 2))
    each = parzen_log_likelihood(points, centres, [0.3])[0]
    # E log p-hat <= log of its expectation; the difference is the spread of a sum of 10,000 windows
    assert each.mean() == pytest.approx(-math.log(2 * math.pi * 1.09) - 1 / 1.09, abs=0.03)
    entropy = -math.log(2 * math.pi) - 1
    assert each.mean() < entropy + 3 * each.std() / math.sqrt(len(each))


@pytest.mark.parametrize("n", [7, 1500, 2600])  # within one block, and over the edges of blocks
@pytest.mark.parametrize("d", [1, 3, 65])
def test_blocks_agree_with_all_pairs_in_float64(n, d):
    draw = np.random.default_rng([n, d])
    centres, points = draw.normal(size=(n, d)), draw.normal(size=(n // 4 + 1, d))
    sigmas = [0.2, 0.7, 3.0]
    assert np.abs(parzen_log_likelihood(points, centres, sigmas) - by_brute_force(points, centres, sigmas)).max() < 2e-4


def test_float32_distances_are_right_to_a_thousandth_of_a_nat_for_images():
    centres, points = blurred(1000, 0), blurred(200, 1)
    points[:20] = centres[:20]  # at a distance of exactly 0
    points[20:40] = centres[20:40] + 1e-4
    error = parzen_log_likelihood(points, centres, SIGMAS) - by_brute_force(points, centres, SIGMAS)
    assert np.abs(error).max() < 1e-3
    assert np.abs(error.mean(axis=1)).max() < 5e-5
    assert np.abs(error[:, :20]).max() < 1e-6  # the nearest is computed in float64


@pytest.mark.parametrize("precision", ["medium", "high"])
def test_coarser_products_asked_for_by_a_training_do_not_reach_the_distances(precision):
    centres, points = blurred(300, 0), blurred(50, 1)
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(precision)
        error = parzen_log_likelihood(points, centres, [0.1]) - by_brute_force(points, centres, [0.1])
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision(before)
    assert np.abs(error).max() < 1e-3


@pytest.mark.parametrize("factor", [1e-30, 0.01, 7.0, 1e30])
def test_a_change_of_units_shifts_by_its_logarithm(factor):
    draw = np.random.default_rng(0)
    centres, points = draw.normal(size=(200, 5)), draw.normal(size=(50, 5))
    sigmas = np.array([0.2, 1.0])
    scaled = parzen_log_likelihood(factor * points, factor * centres, factor * sigmas)
    assert np.allclose(scaled, parzen_log_likelihood(points, centres, sigmas) - 5 * math.log(factor), atol=1e-4)


def test_a_common_offset_costs_no_digits():
    draw = np.random.default_rng(0)
    centres, points = draw.normal(size=(200, 5)), draw.normal(size=(50, 5))
    far = parzen_log_likelihood(points + 1e6, centres + 1e6, [0.2])
    assert np.allclose(far, by_brute_force(points, centres, [0.2]), atol=1e-4)


def test_order_and_repetition_of_centres_do_not_count():
    draw = np.random.default_rng(0)
    centres, points = draw.normal(size=(900, 5)), draw.normal(size=(50, 5))
    once = parzen_log_likelihood(points, centres, SIGMAS)
    assert np.allclose(parzen_log_likelihood(points, draw.permutation(centres), SIGMAS), once, atol=1e-5)
    assert np.allclose(parzen_log_likelihood(points, np.tile(centres, (3, 1)), SIGMAS), once, atol=1e-5)
    assert np.allclose(parzen_log_likelihood(points[::-1], centres, SIGMAS), once[:, ::-1], atol=1e-5)


def test_far_points_and_tiny_windows_stay_finite():
    got = parzen_log_likelihood([[0.0, 0.0], [1e4, 0.0]], [[0.0, 0.0], [1.0, 1.0]], [1e-3])
    assert got[0, 0] == pytest.approx(-math.log(2) - 2 * math.log(1e-3 * math.sqrt(2 * math.pi)))
    assert got[0, 1] == pytest.approx(-(((1e4 - 1) ** 2 + 1) / 2e-6), rel=1e-9)


def test_arrays_tensors_and_images_give_the_same():
    centres, points = blurred(60, 0).astype(np.float32), blurred(20, 1).astype(np.float32)
    want = parzen_log_likelihood(points, centres, SIGMAS)
    images = parzen_log_likelihood(
        torch.from_numpy(points).view(20, 1, 28, 28), torch.from_numpy(centres).view(60, 1, 28, 28), SIGMAS
    )
    assert np.array_equal(images, want)
    read_only = centres[::-1]
    read_only.flags.writeable = False
    assert np.allclose(parzen_log_likelihood(points.tolist(), read_only, SIGMAS), want, atol=1e-4)


def test_sigma_is_chosen_on_validation_and_reported_on_test():
    draw = np.random.default_rng(0)
    samples, near, wide = draw.normal(size=(500, 2)), draw.normal(size=(300, 2)), 3 * draw.normal(size=(300, 2))
    sigmas = [0.1, 0.3, 1.0, 3.0]
    score = parzen(samples, wide, near, sigmas)
    curve = by_brute_force(wide, samples, sigmas).mean(1)
    assert score.detail["sigma"] == sigmas[int(curve.argmax())]
    assert np.allclose([mean for _, mean in score.detail["validation"]], curve, atol=1e-4)
    each = by_brute_force(near, samples, [score.detail["sigma"]])[0]
    assert score.value == pytest.approx(each.mean(), abs=1e-4)
    assert score.detail["standard_error"] == pytest.approx(each.std(ddof=1) / math.sqrt(300), abs=1e-4)
    assert score.interval is not None
    half_width = 1.96 * score.detail["standard_error"]
    assert score.interval[0] == pytest.approx(score.value - half_width, abs=0.3 * half_width)
    assert score.interval[1] == pytest.approx(score.value + half_width, abs=0.3 * half_width)
    assert score == parzen(samples, wide, near, sigmas) and parzen(samples, wide, near, resamples=0).interval is None
    json.dumps(score.as_dict(), allow_nan=False)


@pytest.mark.parametrize(("sigma", "ceiling"), [(0.2, 532), (0.15, 758)])
def test_copies_of_test_rows_are_counted_and_their_ceiling_told(sigma, ceiling):
    test = blurred(10_000, 0)[:40]
    samples = np.concatenate([test[:30], np.random.default_rng(0).uniform(5, 6, size=(9970, 784))])
    score = parzen(samples, test[30:], test, [sigma], resamples=0)
    assert score.detail["copies"] == 30
    assert score.detail["ceiling"] == pytest.approx(ceiling, abs=0.5)
    each = parzen_log_likelihood(test[:30], samples, [sigma])[0]
    assert (each >= score.detail["ceiling"] - 1e-9).all()
    assert "30 of 40 test rows equal a sample" in score.detail["notes"][0]


def test_training_images_take_the_place_of_samples_by_the_same_protocol():
    draw = np.random.default_rng(0)
    samples, validation, test, training = (draw.normal(size=(n, 3)) for n in (200, 100, 100, 900))
    row = parzen(2 * samples, validation, test, training=training).detail["training"]
    assert row["samples"] == 200 and row["notes"] == []
    alone = parzen(training, validation, test)
    assert abs(row["mean"] - alone.value) < 0.5 and row["mean"] > parzen(2 * samples, validation, test).value
    few = parzen(samples, validation, test, training=training[:50]).detail["training"]
    assert few["samples"] == 50 and "only 50 training rows" in few["notes"][0]
    whole = parzen(samples, validation, test, training=training[:200]).detail["training"]
    assert whole["mean"] == pytest.approx(parzen(training[:200], validation, test).value, abs=1e-5)


def test_a_sigma_at_the_end_of_the_grid_is_said():
    draw = np.random.default_rng(0)
    sets = [draw.normal(size=(200, 2)) for _ in range(3)]
    assert "the largest of the grid" in parzen(*sets, sigmas=[0.01, 0.02]).detail["notes"][0]
    assert "the smallest of the grid" in parzen(*sets, sigmas=[5.0, 9.0]).detail["notes"][0]
    assert parzen(*sets, sigmas=[0.05, 0.4, 5.0]).detail["notes"] == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"samples": np.zeros((0, 2))}, "samples are empty"),
        ({"samples": np.zeros((5, 3))}, "validation rows have 2 numbers an example, the samples 3"),
        ({"test": np.full((5, 2), np.nan)}, "10 values that are NaN"),
        ({"test": torch.full((5, 2), torch.inf)}, "10 values that are NaN"),
        ({"samples": np.zeros(5)}, "one row or image an example"),
        ({"sigmas": [0.1, 0.0]}, "positive numbers"),
        ({"sigmas": []}, "positive numbers"),
        ({"samples": np.zeros((5, 2), np.uint8)}, "the same units"),
        ({"training": np.zeros((5, 4))}, "training rows have 4"),
    ],
)
def test_what_cannot_be_compared_is_refused(wrong, message):
    given = {name: np.ones((5, 2)) for name in ("samples", "validation", "test")}
    with pytest.raises(DataError, match=message):
        parzen(**(given | wrong))


def test_memory_holds_a_few_blocks_and_no_matrix():
    distances = Distances(torch.zeros(5000, 4), torch.zeros(6000, 4))
    blocks = [(rows, columns, block.shape) for rows, row in distances for columns, block in row]
    assert max(shape.numel() for *_, shape in blocks) <= 2**20
    assert sum(shape.numel() for *_, shape in blocks) == 5000 * 6000
    assert len({block.data_ptr() for _, row in distances for _, block in row}) == 1


# --- importance weights -----------------------------------------------------------------------------------------------


def test_one_draw_is_the_elbo_and_the_bound_rises_with_draws():
    weights = np.random.default_rng(0).normal(-90, 3, size=(512, 400))
    assert importance_weighted_bound(weights[:1]).value == pytest.approx(weights[0].mean())
    score = importance_weighted_bound(weights)
    sizes, curve = zip(*score.detail["curve"], strict=True)
    assert sizes == tuple(2**i for i in range(10))
    assert curve[0] == pytest.approx(weights.mean()) == score.detail["elbo"]
    assert all(np.diff(curve) > 0) and curve[-1] == pytest.approx(score.value)
    assert score.value == pytest.approx((np.logaddexp.reduce(weights, axis=0) - math.log(512)).mean())
    four = np.logaddexp.reduce(weights.reshape(128, 4, 400), axis=1) - math.log(4)
    assert curve[2] == pytest.approx(four.mean())
    assert score.interval is not None and score.interval[0] < score.value < score.interval[1]
    json.dumps(score.as_dict(), allow_nan=False)


def test_groups_of_draws_that_do_not_come_out_even():
    weights = np.random.default_rng(0).normal(size=(7, 3))
    curve = dict(importance_weighted_bound(weights).detail["curve"])
    assert list(curve) == [1, 2, 4, 7]
    pairs = np.logaddexp(weights[:6:2], weights[1:6:2]) - math.log(2)
    assert curve[2] == pytest.approx(pairs.mean())
    assert curve[4] == pytest.approx((np.logaddexp.reduce(weights[:4]) - math.log(4)).mean())


def test_effective_samples_say_how_many_draws_count():
    even, lone = np.zeros((10, 5)), np.full((10, 5), -1000.0)
    lone[3] = 0.0
    assert importance_weighted_bound(even).detail["effective_samples"] == pytest.approx(10)
    score = importance_weighted_bound(lone)
    assert score.detail["effective_samples"] == pytest.approx(1)
    assert score.value == pytest.approx(-math.log(10)) and "One weight makes the sum" in score.detail["notes"][0]
    assert importance_weighted_bound(even).detail["notes"] == []


def test_weights_of_zero_count_as_zero():
    weights = np.array([[-np.inf, 0.0], [0.0, 0.0]])
    score = importance_weighted_bound(weights)
    assert score.value == pytest.approx(math.log(0.5) / 2) and score.detail["elbo"] is None
    assert importance_weighted_bound(torch.tensor(weights)) == score
    json.dumps(score.as_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(5), r"\[K, n\]"),
        (np.zeros((0, 5)), r"\[K, n\]"),
        (np.array([[np.nan, 1.0]]), "NaN"),
        (np.array([[np.inf, 1.0]]), "plus infinity"),
        (np.array([[-np.inf, 1.0]]), "1 of 2 examples have only weights of zero"),
    ],
)
def test_wrong_weights_are_refused(weights, message):
    with pytest.raises(DataError, match=message):
        importance_weighted_bound(weights)


# --- the linear-Gaussian model ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("d", "latent", "sigma"), [(6, 2, 0.5), (3, 5, 1.3), (40, 4, 0.01), (1, 1, 2.0)])
def test_linear_gaussian_likelihood_is_that_of_one_big_gaussian(d, latent, sigma):
    from scipy.stats import multivariate_normal

    draw = np.random.default_rng(d)
    weight, bias = draw.normal(size=(d, latent)), draw.normal(size=d)
    x = draw.normal(size=(20, latent)) @ weight.T + bias + sigma * draw.normal(size=(20, d))
    covariance = weight @ weight.T + sigma**2 * np.eye(d)
    want = multivariate_normal(bias, covariance).logpdf(x)
    assert np.allclose(linear_gaussian_log_likelihood(x, weight, bias, sigma), want, rtol=1e-9, atol=1e-8)


def test_linear_gaussian_posterior_obeys_bayes():
    draw = np.random.default_rng(1)
    weight, bias, sigma = draw.normal(size=(7, 3)), draw.normal(size=7), 0.4
    x, z = draw.normal(size=(5, 7)), draw.normal(size=(5, 3))
    mean, covariance = linear_gaussian_posterior(x, weight, bias, sigma)
    apart = z - mean
    posterior = -0.5 * (
        np.einsum("ni,ij,nj->n", apart, np.linalg.inv(covariance), apart)
        + np.linalg.slogdet(2 * math.pi * covariance)[1]
    )
    noise = x - z @ weight.T - bias
    joint = -0.5 * (np.square(z).sum(1) + np.square(noise / sigma).sum(1) + 3 * math.log(2 * math.pi))
    joint -= 7 * math.log(sigma * math.sqrt(2 * math.pi))
    assert np.allclose(joint - posterior, linear_gaussian_log_likelihood(x, weight, bias, sigma), atol=1e-9)


def test_nothing_cancels_where_the_noise_is_small():
    weight = np.array([[1.0], [1.0], [0.0]])
    got = linear_gaussian_log_likelihood([[3.0, 3.0, 0.0]], weight, np.zeros(3), 1e-6)
    # along (1, 1, 0) / sqrt 2 the variance is 2, and 1e-12 along the other two
    want = -0.5 * (18 / 2 + math.log(2) + 2 * math.log(1e-12) + 3 * math.log(2 * math.pi))
    assert got[0] == pytest.approx(want, abs=1e-5)


@pytest.mark.parametrize(
    ("x", "weight", "bias", "sigma", "message"),
    [
        (np.zeros((2, 3)), np.zeros((4, 2)), np.zeros(3), 1.0, r"x \[n, D\], weight \[D, d\]"),
        (np.zeros((2, 3)), np.zeros((3, 2)), np.zeros((3, 1)), 1.0, r"bias \[D\]"),
        (np.zeros((2, 3)), np.zeros((3, 2)), np.zeros(3), 0.0, "positive"),
        (np.full((2, 3), np.nan), np.zeros((3, 2)), np.zeros(3), 1.0, "NaN"),
        (np.zeros((2, 3)), np.ones((3, 2)), np.zeros(3), 1e-12, "so small"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(x, weight, bias, sigma, message):
    with pytest.raises(DataError, match=message):
        linear_gaussian_log_likelihood(x, weight, bias, sigma)


# --- a VAE with linear networks ---------------------------------------------------------------------------------------

D, LATENT, SIGMA = 16, 3, 0.3


class Affine(nn.Module):
    """x -> the exact posterior of the linear-Gaussian model, moved by `off` in its mean and in log sigma."""

    def __init__(self, weight, bias, log_sigma, off):
        super().__init__()
        self.register_buffer("matrix", torch.tensor(weight, dtype=torch.float32))
        self.register_buffer("bias", torch.tensor(bias, dtype=torch.float32))
        self.register_buffer("log_sigma", torch.tensor(log_sigma, dtype=torch.float32))
        self.off, self.unused = off, nn.Parameter(torch.zeros(1))

    def forward(self, x):
        mean = (x.flatten(1) - self.bias) @ self.matrix.T + self.off
        return torch.cat([mean, (self.log_sigma + self.off).expand(len(x), -1)], dim=1)


class Linear(nn.Module):
    def __init__(self, weight, bias):
        super().__init__()
        self.weight, self.bias = (nn.Parameter(torch.tensor(each, dtype=torch.float32)) for each in (weight, bias))
        self.largest = 0

    def forward(self, z):
        self.largest = max(self.largest, len(z))
        return (z @ self.weight.T + self.bias).view(-1, 1, 4, 4)


def linear_space(off=0.0):
    """A real VAE with linear networks, its posterior exact where `off` is 0, and what the oracle needs of it."""
    draw = np.random.default_rng(0)
    weight = np.linalg.qr(draw.normal(size=(D, LATENT)))[0] * [0.5, 0.3, 0.2]  # orthogonal: the posterior is diagonal
    bias = draw.uniform(0.4, 0.6, D)
    covariance = linear_gaussian_posterior(np.zeros((1, D)), weight, bias, SIGMA).covariance
    to_mean = covariance @ weight.T / SIGMA**2
    encoder = Affine(to_mean, bias, 0.5 * np.log(np.diag(covariance)), off)
    vae = VAE(Codes(z=Normal(LATENT, "exp")), encoder, Linear(weight, bias), Gaussian(SIGMA, "none"))
    x = torch.tensor(draw.uniform(0, 1, (200, D)), dtype=torch.float32).view(-1, 1, 4, 4)
    return (
        Space(vae, Spec("vae", (1, 4, 4), LATENT)),
        x,
        linear_gaussian_log_likelihood(x.flatten(1), weight, bias, SIGMA),
    )


def test_with_the_exact_posterior_the_elbo_is_the_likelihood():
    space, x, exact = linear_space()
    weights = log_weights(space, x, samples=5)
    assert np.abs(weights.numpy() - exact).max() < 1e-4  # each single weight is p(x)
    assert importance_weighted_bound(weights).value == pytest.approx(exact.mean(), abs=1e-4)


def test_with_another_posterior_the_elbo_is_lower_and_more_draws_close_the_gap():
    space, x, exact = linear_space(off=0.4)
    weights = log_weights(space, x, samples=2048, generator=generator(0, "test"))
    curve = dict(importance_weighted_bound(weights).detail["curve"])
    # KL from N(m + .4, (e^.4 s)^2) to the posterior N(m, s^2), each dim
    scale = linear_gaussian_posterior(x.flatten(1), *_parameters(space), SIGMA).covariance.diagonal() ** 0.5
    gap = sum(0.5 * ((0.4 / s) ** 2 + math.exp(0.8) - 1) - 0.4 for s in scale)
    assert curve[1] == pytest.approx(exact.mean() - gap, abs=0.02)
    assert all(np.diff(list(curve.values())) > 0)
    assert exact.mean() - curve[2048] < 0.01 * gap


def _parameters(space):
    decoder = space.model.decoder
    return decoder.weight.detach().numpy(), decoder.bias.detach().numpy()


def test_draws_repeat_by_their_seed_and_leave_the_model_as_it_was():
    space, x, _ = linear_space(off=0.1)
    space.model.train()
    first = log_weights(space, x, 3, generator(1, "test"))
    assert space.model.training
    assert torch.equal(first, log_weights(space, x, 3, generator(1, "test")))
    assert not torch.equal(first, log_weights(space, x, 3, generator(2, "test")))
    assert torch.equal(log_weights(space, x, 3), log_weights(space, x, 3))


@pytest.mark.parametrize(("n", "samples"), [(3, 5000), (1100, 2)])
def test_no_more_than_a_chunk_is_decoded_at_once(n, samples):
    space, x, exact = linear_space()
    decoder = space.model.decoder
    decoder.largest = 0
    weights = log_weights(space, x[torch.arange(n) % len(x)], samples)
    assert decoder.largest <= 1024
    assert np.abs(weights.numpy() - exact[np.arange(n) % len(x)]).max() < 1e-4


def test_the_bound_of_a_split():
    space, x, _ = linear_space()
    data = from_arrays(x.numpy(), seed=0)
    rows = data.splits["test"]
    pixels = data.images(rows).flatten(1)  # rounded to 256 levels
    want = linear_gaussian_log_likelihood(pixels, *_parameters(space), SIGMA).mean()
    score = likelihood_bound(space, data, samples=4)
    assert score.value == pytest.approx(want, abs=1e-4) and score.settings["examples"] == len(rows)
    assert likelihood_bound(space, data, samples=4, limit=5).settings["examples"] == 5
    with pytest.raises(DataError, match="Unknown split"):
        likelihood_bound(space, data, split="tset")
    with pytest.raises(DataError, match="needs examples"):
        likelihood_bound(space, data, limit=0)
    with pytest.raises(DataError, match="whole number of samples"):
        log_weights(space, x, 0)
    with pytest.raises(DataError, match="images of shape"):
        log_weights(space, torch.zeros(2, 1, 5, 5))

"""Terms, heads and nets against numbers that are known on paper."""

from __future__ import annotations

import math
from dataclasses import asdict

import pytest
import torch
from torch import nn

from latune.codes import SCALES, Gaussian, normal_head
from latune.nets import ACTIVATIONS, NETS, Conv, Dropout, Heads, over_time, use_generator
from latune.terms import attribute_order, kl, kl_per_example, likelihoods, reconstruction
from latune.training import Ramp, at, ramp_of

SHARP = 1e6  # stands for delta -> infinity


def order(z, a, delta=1.0):
    return attribute_order(torch.as_tensor(z, dtype=torch.float64), torch.as_tensor(a, dtype=torch.float64), delta)


# --- attribute order, Pati & Lerch 2020, eqs. 6 to 9 ---


def test_order_of_two_examples_and_its_gradient():
    z = torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)
    loss = order(z, [0.0, 1.0])
    loss.backward()
    assert loss.item() == pytest.approx((1 - math.tanh(1)) / 2, abs=1e-12)
    assert loss.item() == pytest.approx(0.1192029, abs=1e-7)
    assert z.grad[1].item() == pytest.approx(-0.2099872, abs=1e-7)
    assert z.grad.sum().item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("delta", [0.5, 1.0, 10.0])
@pytest.mark.parametrize("m", [2, 5, 9])
def test_order_of_ordered_sequences(m, delta):
    expected = 2 / m**2 * sum((m - k) * (1 - math.tanh(delta * k)) for k in range(1, m))
    assert order(range(m), range(m), delta).item() == pytest.approx(expected, abs=1e-12)


def test_order_of_five_is_the_number_on_paper():
    assert order(range(5), range(5)).item() == pytest.approx(0.08576815, abs=1e-8)
    assert order(range(5), range(5), SHARP).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("m", [2, 5, 8])
def test_order_of_reversed_sequences_is_worst(m):
    assert order(range(m), range(m - 1, -1, -1), SHARP).item() == pytest.approx(2 * (1 - 1 / m))


@pytest.mark.parametrize("a", [[0, 1, 2, 3, 4], [0, 0, 1, 1, 2], [3, 3, 3, 3], [5, 1]])
def test_order_of_a_constant_code_counts_the_pairs_that_differ(a):
    ties = sum(a.count(value) ** 2 for value in set(a))
    assert order([0.7] * len(a), a).item() == pytest.approx(1 - ties / len(a) ** 2)


@pytest.mark.parametrize(("a", "expected"), [([0, 0, 1, 1, 2], 0.16), ([0, 1, 2, 3, 4], 0.0), ([1, 1, 1], 6 / 9)])
def test_order_of_tied_attributes_pulls_codes_together(a, expected):
    assert order(range(len(a)), a, SHARP).item() == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_order_sees_an_attribute_only_through_its_order(seed):
    draw = torch.Generator().manual_seed(seed)
    z, a = torch.randn(2, 12, generator=draw, dtype=torch.float64)
    loss = order(z, a, 3.0)
    for transformed in (a**3, a.exp(), 5 * a - 7, a.argsort().argsort().double()):
        assert order(z, transformed, 3.0).item() == pytest.approx(loss.item(), abs=1e-12)
    assert order(z + 11.5, a, 3.0).item() == pytest.approx(loss.item(), abs=1e-9)
    assert order(-z, -a, 3.0).item() == pytest.approx(loss.item(), abs=1e-12)


def test_order_equals_the_double_loop_and_columns_do_not_mix():
    draw = torch.Generator().manual_seed(0)
    z, a = torch.randn(2, 7, 3, generator=draw, dtype=torch.float64)
    a[2] = a[4]  # ties
    together = attribute_order(z, a, 2.0)
    for column in range(3):
        pairs = [
            abs(math.tanh(2.0 * (z[i, column] - z[j, column])) - float(torch.sign(a[i, column] - a[j, column])))
            for i in range(7)
            for j in range(7)
        ]
        assert together[column].item() == pytest.approx(sum(pairs) / 49, abs=1e-12)


def test_order_gradient_is_right_where_it_is_smooth():
    z = torch.randn(6, generator=torch.Generator().manual_seed(1), dtype=torch.float64, requires_grad=True)
    a = torch.tensor([3.0, 1.0, 1.0, 2.0, 5.0, 4.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda z: attribute_order(z, a, 1.3), z)


# --- the evidence lower bound ---


def test_kl_of_a_known_gaussian():
    q = Gaussian(torch.tensor([[1.0]]), torch.tensor([[0.5]]))
    assert kl(q).item() == pytest.approx(0.818147, abs=1e-6)


def test_kl_equals_torch_and_is_a_mean_of_sums():
    draw = torch.Generator().manual_seed(0)
    q = Gaussian(torch.randn(5, 3, generator=draw), torch.rand(5, 3, generator=draw) + 0.1)
    reference = torch.distributions.kl_divergence(
        torch.distributions.Normal(q.mean, q.scale), torch.distributions.Normal(0.0, 1.0)
    )
    assert torch.allclose(kl_per_example(q), reference.sum(1), atol=1e-6)
    assert torch.allclose(kl(q), reference.sum(1).mean(), atol=1e-6)


def test_kl_of_the_prior_is_nothing_and_repeating_a_batch_changes_nothing():
    q = Gaussian(torch.zeros(4, 2), torch.ones(4, 2))
    assert kl(q).item() == 0
    p = Gaussian(torch.tensor([[0.3, -1.0]]), torch.tensor([[0.5, 2.0]]))
    assert torch.allclose(kl(p), kl(Gaussian(p.mean.repeat(3, 1), p.scale.repeat(3, 1))))


@pytest.mark.parametrize(("capacity", "expected"), [(0.5, 0.318147), (1.0, 0.181853), (25.0, 24.181853)])
def test_capacity_is_a_distance(capacity, expected):
    q = Gaussian(torch.tensor([[1.0]]), torch.tensor([[0.5]]))
    assert kl(q, capacity).item() == pytest.approx(expected, abs=1e-6)


def test_reconstruction_is_the_mean_over_examples_of_sums_over_pixels():
    raw, x = torch.zeros(3, 1, 4, 4), torch.ones(3, 1, 4, 4)
    assert reconstruction(likelihoods.Bernoulli(), raw, x).item() == pytest.approx(16 * math.log(2), rel=1e-6)


@pytest.fixture
def pixels():
    draw = torch.Generator().manual_seed(3)
    return torch.randn(4, 1, 3, 3, generator=draw), torch.rand(4, 1, 3, 3, generator=draw)


def test_bernoulli_log_prob_equals_torch(pixels):
    raw, x = pixels
    binary = (x > 0.5).float()
    reference = torch.distributions.Bernoulli(logits=raw).log_prob(binary).flatten(1).sum(1)
    assert torch.allclose(likelihoods.Bernoulli().log_prob(raw, binary), reference, atol=1e-5)


def test_bernoulli_reads_grey_as_a_probability(pixels):
    raw, x = pixels
    p = torch.sigmoid(raw)
    expected = (x * p.log() + (1 - x) * (1 - p).log()).flatten(1).sum(1)
    assert torch.allclose(likelihoods.Bernoulli().log_prob(raw, x), expected, atol=1e-5)


@pytest.mark.parametrize("scale", [0.1, 0.5**0.5, 2.0])
@pytest.mark.parametrize("squash", ["sigmoid", "none"])
def test_gaussian_log_prob_equals_torch(pixels, scale, squash):
    raw, x = pixels
    mean = torch.sigmoid(raw) if squash == "sigmoid" else raw
    reference = torch.distributions.Normal(mean, scale).log_prob(x).flatten(1).sum(1)
    assert torch.allclose(likelihoods.Gaussian(scale, squash).log_prob(raw, x), reference, rtol=1e-5, atol=1e-4)


def test_the_papers_squared_error_is_a_gaussian(pixels):
    raw, x = pixels
    ours = -likelihoods.Gaussian(0.5**0.5).log_prob(raw, x)
    squared = (x - torch.sigmoid(raw)).square().flatten(1).sum(1)
    assert torch.allclose(ours - squared, torch.full((4,), 9 / 2 * math.log(math.pi)), atol=1e-4)


def test_a_learned_scale_finds_the_best_one_and_stays_within_its_bounds(pixels):
    raw, x = pixels
    likelihood = likelihoods.Gaussian("learned")
    optimiser = torch.optim.Adam(likelihood.parameters(), lr=0.1)
    for _ in range(200):
        optimiser.zero_grad()
        (-likelihood.log_prob(raw, x).mean()).backward()
        optimiser.step()
    best = (x - torch.sigmoid(raw)).square().mean().log()
    assert torch.allclose(likelihood.log_variance, best, atol=1e-3)
    with torch.no_grad():
        likelihood.raw_log_variance.fill_(1000.0)
    assert likelihood.log_variance.item() == pytest.approx(6)


def test_categorical_log_prob_equals_torch():
    raw = torch.randn(4, 5, 7, generator=torch.Generator().manual_seed(0))
    tokens = torch.randint(7, (4, 5), generator=torch.Generator().manual_seed(1))
    reference = torch.distributions.Categorical(logits=raw).log_prob(tokens).sum(1)
    assert torch.allclose(likelihoods.Categorical().log_prob(raw, tokens), reference, atol=1e-5)


@pytest.mark.parametrize("scale", [0, -1.0, "wide"])
def test_a_gaussian_without_a_usable_scale_is_refused(scale):
    with pytest.raises((ValueError, TypeError), match="scale"):
        likelihoods.Gaussian(scale)


# --- sigma, methods 6.6 ---


@pytest.mark.parametrize(
    ("scale", "sigma"),
    [
        ("exp", lambda r: math.exp(r)),
        ("softplus", lambda r: math.log1p(math.exp(r))),
        ("exp_half", lambda r: math.sqrt(math.exp(r))),
        ("one", lambda r: 1.0),
    ],
)
@pytest.mark.parametrize("r", [-2.0, 0.0, 0.7])
def test_the_four_ways_to_write_sigma(scale, sigma, r):
    q = normal_head(torch.tensor([[0.3, -0.4, r, r]]), scale)
    assert q.mean.tolist() == [[pytest.approx(0.3), pytest.approx(-0.4)]]
    assert q.scale.tolist() == [[pytest.approx(sigma(r)), pytest.approx(sigma(r))]]


def test_there_are_four_and_another_is_told():
    assert set(SCALES) == {"exp", "softplus", "exp_half", "one"}
    with pytest.raises((ValueError, TypeError), match="softpluss"):
        normal_head(torch.zeros(1, 2), "softpluss")


def test_a_draw_has_the_mean_and_the_scale_it_says():
    q = Gaussian(torch.full((200_000, 1), 2.0), torch.full((200_000, 1), 0.5))
    draws = q.sample(torch.Generator().manual_seed(0))
    assert draws.mean().item() == pytest.approx(2, abs=0.005)
    assert draws.std().item() == pytest.approx(0.5, abs=0.005)
    reference = torch.distributions.Normal(q.mean, q.scale).log_prob(draws).sum(1)
    assert torch.allclose(q.log_prob(draws), reference, atol=1e-5)


def test_a_draw_carries_gradients_to_mean_and_scale():
    mean, scale = torch.zeros(3, 2, requires_grad=True), torch.ones(3, 2, requires_grad=True)
    noise = Gaussian(torch.zeros(3, 2), torch.ones(3, 2)).sample(torch.Generator().manual_seed(4))
    Gaussian(mean, scale).sample(torch.Generator().manual_seed(4)).sum().backward()
    assert torch.equal(mean.grad, torch.ones(3, 2))
    assert torch.allclose(scale.grad, noise)


# --- the papers' nets, methods 3.3 ---


def count(*nets: nn.Module) -> int:
    return sum(p.numel() for net in nets for p in net.parameters())


def test_the_nets_for_sprites_have_the_papers_size():
    assert count(*Conv().build((1, 64, 64), params=20, width=10)) == 502_005


def test_the_nets_for_mnist_have_the_papers_size():
    config = Conv(channels=(64, 64, 8), kernel=4, stride=1, padding=0, hidden=(256,), activation="selu", dropout=0.5)
    assert config.sizes(28) == [28, 25, 22, 19]
    assert count(*config.build((1, 28, 28), params=32, width=16)) == 1_644_145


@pytest.mark.parametrize("name", [name for name in NETS if not over_time(name)])
@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 17, 13)])
def test_nets_turn_images_into_codes_and_back(name, shape):
    settings = {
        "mlp": {"hidden": (8, 9)},
        "conv": {"channels": (4, 4), "hidden": (8,)},
        "strided": {"channels": (4, 4), "kernels": (3, 3)},
        "adversarial": {"width": 1 / 16},
    }
    if name == "adversarial":
        shape = (shape[0], 16, 12)  # its table scales images by 4, and takes no side that 4 does not divide
    encoder, decoder = NETS[name](**settings[name]).build(shape, params=6, width=3)
    assert encoder(torch.rand(5, *shape)).shape == (5, 6)
    assert decoder(torch.rand(5, 3)).shape == (5, *shape)


def test_images_too_small_for_the_convolutions_are_told():
    with pytest.raises(ValueError, match="too small for 4 convolutions"):
        Conv().build((1, 4, 4), params=2, width=1)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_bends(name):
    x = torch.linspace(-2, 2, 5)
    y = ACTIVATIONS[name]()(x)
    assert y.shape == x.shape
    assert y[-1] > y[0]


def test_heads_share_their_outputs():
    with pytest.raises(ValueError, match="3 outputs cannot be shared by 2"):
        Heads(4, 3)


# --- dropout ---


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9])
def test_dropout_zeroes_a_share_and_keeps_the_mean(p):
    layer = Dropout(p)
    layer.generator = torch.Generator().manual_seed(0)
    y = layer(torch.ones(1000, 1001))  # an odd size: the last word of random bytes is used in part
    really = round(p * 256) / 256
    assert (y == 0).float().mean().item() == pytest.approx(really, abs=0.002)
    assert y.mean().item() == pytest.approx(1, abs=0.01)
    assert torch.allclose(y[y != 0], torch.tensor(1 / (1 - really)))


def test_dropout_repeats_with_its_generator_and_not_without():
    layer, x = Dropout(0.5), torch.ones(64, 64)
    draws = []
    for seed in (0, 0, 1):
        use_generator(nn.Sequential(layer), torch.Generator().manual_seed(seed))
        draws.append(layer(x))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert not torch.equal(draws[2], layer(x))  # the generator moves on


def test_dropout_is_the_identity_when_it_should_be():
    x = torch.randn(3, 4)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_dropout_gradient_is_its_mask():
    x = torch.ones(50, 7, requires_grad=True)
    y = Dropout(0.5)(x)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())


@pytest.mark.parametrize("p", [-0.1, 1.0, 2.0])
def test_a_dropout_rate_outside_is_told(p):
    with pytest.raises(ValueError, match="lies in"):
        Dropout(p)


@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "sliced"])
def test_dropout_keeps_the_memory_order(layout):
    x = torch.ones(8, 16, 9, 9)
    if layout == "channels_last":
        x = x.contiguous(memory_format=torch.channels_last)
    if layout == "sliced":
        x = torch.ones(8, 16, 9, 18)[..., ::2]
    layer = Dropout(0.5)
    layer.generator = torch.Generator().manual_seed(0)
    y = layer(x)
    assert y.shape == x.shape
    assert set(y.unique().tolist()) == {0.0, 2.0}
    assert y.mean().item() == pytest.approx(1, abs=0.03)
    if layout == "channels_last":
        assert y.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_dropout_keeps_the_type(dtype):
    assert Dropout(0.5)(torch.ones(4, 4, dtype=dtype)).dtype == dtype


# --- schedules ---


@pytest.mark.parametrize(("shape", "halfway"), [("linear", 5.5), ("cosine", 5.5), ("exponential", math.sqrt(10))])
def test_ramps_go_from_start_to_end_and_stay(shape, halfway):
    ramp = Ramp(1.0, 10.0, 100, shape)
    assert ramp(0) == pytest.approx(1)
    assert ramp(50) == pytest.approx(halfway)
    assert ramp(100) == pytest.approx(10)
    assert ramp(10_000) == pytest.approx(10)
    assert all(ramp(i) <= ramp(i + 1) for i in range(100))
    assert at(ramp, 50) == ramp(50)
    assert at(2.5, 50) == 2.5


def test_a_cosine_starts_and_ends_slowly():
    ramp = Ramp(0.0, 1.0, 100, "cosine")
    assert ramp(10) < 0.1 * 0.5
    assert ramp(90) > 1 - 0.1 * 0.5


def test_a_ramp_that_another_follows_hands_over_at_its_last_step():
    ramp = Ramp(0.0, 1.0, 10, then=Ramp(5.0, 1.0, 100))
    assert [ramp(step) for step in (0, 5, 10, 60, 110, 900)] == pytest.approx([0, 0.5, 5, 3, 1, 1])
    assert ramp.times(-2.0)(60) == pytest.approx(-6)
    assert ramp_of(asdict(ramp)) == ramp


def test_an_exponential_ramp_needs_ends_of_one_sign():
    with pytest.raises(ValueError, match="two ends of one sign"):
        Ramp(0.0, 1.0, 10, "exponential")

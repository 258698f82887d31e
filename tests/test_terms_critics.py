"""The terms of critics and actors against numbers that are known on paper (Latent Constraints, methods 1.7)."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from latune.nets import LATENT_NETS, GatedResidual, LatentNets
from latune.terms import (
    PULLS,
    believe,
    discriminate,
    gradient_penalty,
    least_discriminate,
    near,
    r1,
    slope,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def points(n: int = 7, d: int = 3, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=seeded(seed), dtype=torch.float64)


# --- discriminate -----------------------------------------------------------------------------------------------------


def test_a_critic_that_knows_nothing_pays_the_entropy_of_the_mix():
    positives, fake, mismatched = (torch.full((8,), math.log(0.5), dtype=torch.float64) for _ in range(3))
    loss = discriminate([(positives, 1.0), (fake, 0.0), (mismatched, 0.0)])
    assert loss.item() == pytest.approx(0.636514, abs=1e-6)
    assert loss.item() == pytest.approx(least_discriminate(1 / 3), abs=1e-12)


def test_rows_count_alike_whichever_stream_they_are_in():
    f, t = points(10, 2), torch.rand(10, 2, generator=seeded(1), dtype=torch.float64)
    whole = discriminate([(f, t)])
    assert discriminate([(f[:3], t[:3]), (f[3:], t[3:])]).item() == pytest.approx(whole.item(), abs=1e-12)
    by_hand = -(t * torch.sigmoid(f).log() + (1 - t) * torch.sigmoid(-f).log()).sum(1).mean()
    assert whole.item() == pytest.approx(by_hand.item(), abs=1e-12)


def test_huge_logits_stay_finite():
    assert discriminate([(torch.tensor([1e4, -1e4]), torch.tensor([1.0, 0.0]))]).item() == 0
    assert discriminate([(torch.tensor([1e4]), 0.0)]).item() == pytest.approx(1e4)


def minimised(logits: torch.Tensor, streams) -> torch.Tensor:
    descent = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def closure():
        descent.zero_grad()
        loss = streams(logits)
        loss.backward()
        return loss

    descent.step(closure)
    return logits.detach()


def test_soft_targets_are_met_on_average():
    """On a space of two points with rewards of mean 0.3 and 0.9, the best critic is exactly those."""
    rewards = torch.tensor([[0.1, 0.8], [0.5, 1.0]], dtype=torch.float64)  # two draws at each of the two points
    f = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    best = minimised(f, lambda f: discriminate([(f, rewards[0]), (f, rewards[1])]))
    assert torch.sigmoid(best).tolist() == pytest.approx([0.3, 0.9], abs=1e-6)


def test_the_best_balanced_critic_is_the_log_ratio_of_densities():
    """N(1, 1) against N(-1, 1): f* = 2 z, and the least loss is 2 ln 2 - 2 JSD = 0.712633 summed over the sides."""
    z = torch.linspace(-9, 9, 20001, dtype=torch.float64)
    p, q = (torch.exp(-((z - m) ** 2) / 2) for m in (1.0, -1.0))
    p, q = p / p.sum(), q / q.sum()

    def both_sides(f):
        """The expectation of the loss over both densities, by quadrature."""
        return (p * PULLS["toward_real"](f) + q * PULLS["toward_real"](-f)).sum()

    assert both_sides(2 * z).item() == pytest.approx(0.712633, abs=1e-6)
    for other in (1.9 * z, 2.1 * z, 2 * z + 0.1):
        assert both_sides(other) > both_sides(2 * z)


def test_the_ratio_is_found_from_draws():
    """q = N(0, s^2) against p = N(0, 1): f*(z) = -ln s - z^2 (s^-2 - 1) / 2, by logistic regression on (1, z^2)."""
    s, n = 0.5, 200_000
    real, prior = torch.randn(2, n, generator=seeded(3), dtype=torch.float64) * torch.tensor([[s], [1.0]])
    w = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    best = minimised(w, lambda w: discriminate([(w[0] + w[1] * real**2, 1.0), (w[0] + w[1] * prior**2, 0.0)]))
    assert best.tolist() == pytest.approx([-math.log(s), -(s**-2 - 1) / 2], abs=0.02)


# --- believe ----------------------------------------------------------------------------------------------------------


def test_pulls_are_what_their_formulas_say():
    f = torch.tensor([-2.0, -1.0, 0.0, 1.0], dtype=torch.float64)
    assert PULLS["one_sided"](f).tolist() == [3, 1, 0, 0]
    assert torch.allclose(PULLS["toward_real"](f), -torch.sigmoid(f).log())
    assert torch.allclose(PULLS["minimax"](f), (1 - torch.sigmoid(f)).log())
    assert PULLS["toward_real"](torch.zeros(1)).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("pull", "slopes"),
    [
        ("one_sided", [-2.5, -1.5, 0.0, 0.0]),
        ("toward_real", [-1 / (1 + math.exp(f)) for f in (-2, -1, 0, 1)]),
        ("minimax", [-1 / (1 + math.exp(-f)) for f in (-2, -1, 0, 1)]),
    ],
)
def test_how_hard_each_pull_pulls(pull, slopes):
    f = torch.tensor([-2.0, -1.0, 0.0, 1.0], dtype=torch.float64, requires_grad=True)
    (believe(f, pull) * 4).backward()
    assert f.grad.tolist() == pytest.approx(slopes)


def test_an_unknown_pull_is_told():
    with pytest.raises(ValueError, match="Did you mean 'minimax'"):
        believe(torch.zeros(2), "minmax")


# --- penalties --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mixing", ["coordinate", "example"])
def test_a_linear_critic_has_one_slope_everywhere(mixing):
    w = torch.tensor([0.6, -0.8, 1.5], dtype=torch.float64)
    expected = (w.norm().item() - 1) ** 2
    real, fake = points(seed=1), points(seed=2)
    assert gradient_penalty(lambda z: z @ w, real, fake, seeded(), mixing).item() == pytest.approx(expected, abs=1e-8)
    assert r1(lambda z: z @ w, real).item() == pytest.approx(w.square().sum().item() / 2)


@pytest.mark.parametrize("mixing", ["coordinate", "example"])
def test_where_the_penalty_is_taken(mixing):
    """Of f = |z|^2 / 2 the slope at a point is the point itself, so the mixed points can be read off it."""
    seen = []

    def bowl(z):
        seen.append(z)
        return z.square().sum(1) / 2

    real, fake = torch.zeros(500, 2, dtype=torch.float64), torch.tensor([[1.0, 2.0]]).double().expand(500, 2)
    loss = gradient_penalty(bowl, real, fake, seeded(), mixing)
    alpha = seen[0] / fake
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    assert alpha.mean().item() == pytest.approx(0.5, abs=0.05)
    same = torch.allclose(alpha[:, 0], alpha[:, 1])
    assert same == (mixing == "example")
    assert loss.item() == pytest.approx((seen[0].norm(dim=1) - 1).square().mean().item(), abs=1e-6)
    assert torch.equal(loss, gradient_penalty(bowl, real, fake, seeded(), mixing))


def test_penalties_teach_the_critic_and_leave_the_points():
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    for penalty in (lambda z: gradient_penalty(critic, z, -z, seeded()), lambda z: r1(critic, z)):
        critic.zero_grad()
        z = points()
        penalty(z).backward()
        assert all(
            p.grad is not None and p.grad.abs().sum() > 0 for name, p in critic.named_parameters() if name != "2.bias"
        )
        assert z.grad is None
        assert not z.requires_grad


def test_slope_is_the_gradient_of_each_point():
    z = points()
    assert torch.allclose(slope(lambda z: (z**3).sum(1), z), 3 * z**2)
    with torch.no_grad():
        assert torch.allclose(slope(lambda z: (z**2).sum(1), z), 2 * z)


# --- near -------------------------------------------------------------------------------------------------------------


def test_near_is_the_number_on_paper():
    z = points()
    assert near(z + 1, z, 0.5).item() == pytest.approx(2.772589, abs=1e-6)
    assert near(z + 1, z, torch.full((3,), 0.5), "sum").item() == pytest.approx(3 * 2.772589, abs=1e-5)
    assert near(z, z, 0.5).item() == 0


def test_near_is_a_squared_distance_for_small_steps():
    z, scale = points(), torch.tensor([0.1, 0.5, 1.0], dtype=torch.float64)
    step = 1e-4 * points(seed=5)
    assert near(z + step, z, scale).item() == pytest.approx((step / scale).square().mean().item(), rel=1e-6)
    assert near(z + step, z, scale) > 0


def test_near_saturates():
    z = torch.zeros(1, 1)
    assert near(z + 100, z, 1.0) < 100**2 / 100


# --- nets -------------------------------------------------------------------------------------------------------------


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize(("name", "actor", "critic"), [("paper", 23_101_440, 18_907_137), ("small", 988_672, 462_593)])
def test_the_latent_nets_have_the_papers_size(name, actor, critic):
    assert count(LATENT_NETS[name].actor(1024, 10)) == actor
    assert count(LatentNets.named(name).critic(1024, 10)) == critic


def still(actor: GatedResidual, bias: float) -> GatedResidual:
    last = actor.trunk.layers[-1]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    with torch.no_grad():
        last.bias[last.out_features // 2 :] = bias
    return actor


def test_an_actor_that_says_nothing_halves_and_one_that_is_shut_stays():
    z = torch.randn(5, 4, generator=seeded())
    assert torch.allclose(still(LatentNets(8, 2).actor(4), 0.0)(z), z / 2)
    assert torch.equal(still(LatentNets(8, 2).actor(4), -math.inf)(z), z)


def test_the_embedding_of_labels_is_linear():
    """No activation follows it: two half labels enter as the mean of two whole ones."""
    embed, eye = LatentNets(8, 1).critic(3, given=2).embed, torch.eye(2)
    assert torch.allclose(embed(torch.full((1, 2), 0.5)), embed(eye).mean(0, keepdim=True), atol=1e-6)
    assert embed.out_features == 8


def test_a_network_is_given_what_it_was_built_for():
    with pytest.raises(ValueError, match="given 2 numbers"):
        LatentNets(8, 1).actor(3, given=2)(torch.zeros(1, 3))
    with pytest.raises(ValueError, match="given 0 numbers"):
        LatentNets(8, 1).critic(3)(torch.zeros(1, 3), torch.zeros(1, 2))
    with pytest.raises(ValueError, match="Did you mean 'relu'"):
        LatentNets(8, 1, "rellu").critic(3)

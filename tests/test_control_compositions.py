"""Controls that meet other papers' parts: realism after a traversal, another pull, a critic of an ordered attribute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import rankdata, spearmanr

from latune.controls import JUDGINGS, Gated, Learning, fulfil, learn_actor, realism_lesson
from latune.data import load
from latune.metrics.zmse import zmse
from latune.moves import Put
from latune.nets import LatentNets
from latune.space import Space

QUICK = Learning(nets=LatentNets(48, 2), steps=300, lr=3e-3, penalty_weight=0.02, energy=0.5)
SLIDER = torch.linspace(-2.5, 2.5, 7)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def space(digits_run):
    space = Space.load(digits_run)
    space.controls.folder = None
    return space


@pytest.fixture(scope="module")
def codes(space, digits):
    return realism_lesson(space.controls._codes_of(digits))


@torch.no_grad()
def test_realism_after_a_traversal_keeps_its_order(space, digits, codes):
    """Latent Constraints on an AR-VAE: the ends of a slider become more real, and the area still rises along it."""
    with torch.enable_grad():
        players = learn_actor(codes, space.codes, QUICK)
    z, column = codes.held_codes.mean[:30], space.codes.columns().index("area")
    found = {}
    for name, after in (("traversed", None), ("mended", Gated(players.actor))):
        moves = [Put(column, float(v)) if after is None else Put(column, float(v)) >> after for v in SLIDER]
        rows = torch.stack([move(z) for move in moves], dim=1)  # (n, k, d)
        area = space.measured(["area"], space.decode(rows.flatten(0, 1)).plain())["area"].reshape(30, -1)
        order = np.mean([np.asarray(spearmanr(SLIDER.numpy(), each))[0] for each in area])
        belief = players.critic(rows.flatten(0, 1), None).unflatten(0, (30, -1))[:, [0, -1]].mean().item()
        found[name] = (order, belief)
    assert found["traversed"][0] > 0.9
    assert found["mended"][0] > 0.9
    assert found["mended"][1] > found["traversed"][1] + 0.5


@torch.no_grad()
def test_a_one_sided_pull_stops_where_the_critic_is_even(space, codes):
    """-log sigma pulls for ever, the one-sided pull not beyond a logit of 0: less overshoot. The way is no shorter."""
    z, found = space.codes.sample(400, torch.Generator().manual_seed(0)), {}
    for pull in ("toward_real", "one_sided"):
        with torch.enable_grad():
            players = learn_actor(codes, space.codes, replace(QUICK, energy=0.0, pull=pull))
        moved = players.actor(z)
        over = players.critic(moved, None).relu().mean().item()
        found[pull] = (over, zmse(moved, z, codes.codes.typical_scale, resamples=0).value)
    assert found["one_sided"][0] < found["toward_real"][0]
    assert found["one_sided"][1] == pytest.approx(found["toward_real"][1], rel=0.35)


def test_a_critic_learns_what_a_dimension_orders(space, digits):
    """An attribute of an AR-VAE, by its ranks in [0, 1]: the critic finds the dimension that is ordered by it."""
    rows = digits.splits["training"]
    rank = (rankdata(digits.column("slant", rows).numpy()) - 0.5) / len(rows)
    judge = replace(JUDGINGS["fast"], nets=LatentNets(48, 2), steps=200, lr=1e-2, smooth=0.1)
    control = space.controls.learn(
        "leaning", images=digits.images(rows), values=rank, kind="reward", judging=judge, actor=False, again=True
    )
    assert control.kind == "reward"
    z = space.encode(digits.images(digits.splits["test"]))[:80].requires_grad_()
    (slope,) = torch.autograd.grad(control.critic(z).sum(), z)
    column = space.codes.columns().index("slant")
    assert slope.mean(0).abs().argmax().item() == column
    assert control.scores["rank correlation"] > 0.95
    low, high = (fulfil(z.detach(), [control.wish(v)], "descent").z[:, column].mean() for v in (0.2, 0.8))
    assert high > low + 0.5

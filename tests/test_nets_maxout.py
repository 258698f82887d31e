"""Maxout units, and the guide made of them: known answers, size, bounds, and where its noise comes from."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from latune.nets import Guide, Maxout, MaxoutGuide, Noise, use_generator


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def guide(inputs: int = 12, **settings) -> Guide:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MaxoutGuide(units=6, **settings).build(inputs)


def test_the_largest_of_each_group_of_neighbours():
    assert Maxout.largest(torch.tensor([[1.0, 2, 3, 4, -1, -2, -3, -4]]), 4).tolist() == [[4, -1]]


def test_a_layer_is_the_largest_of_its_linear_functions():
    layer, x = Maxout(3, 2, pieces=5), torch.randn(7, 3, generator=seeded())
    linear = nn.functional.linear(x, layer.weight, layer.bias)
    expected = torch.stack([linear[:, :5].max(1).values, linear[:, 5:].max(1).values], 1)
    assert torch.equal(layer(x), expected)
    layer(x).sum().backward()
    assert layer.weight.grad is not None
    # each example moves one linear function a unit
    assert layer.weight.grad.shape == (10, 3)
    assert layer.bias.grad is not None
    assert layer.bias.grad.sum() == 14


def test_absolute_value_is_a_maxout_of_two_pieces():
    layer = Maxout(1, 1, pieces=2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        layer.bias.zero_()
    assert layer(torch.tensor([[-3.0], [2.0]])).tolist() == [[3], [2]]


def test_the_papers_guide_has_its_size():
    assert sum(p.numel() for p in MaxoutGuide().build(784).parameters()) == 1_303_501
    assert sum(p.numel() for p in MaxoutGuide(units=5, pieces=2, depth=1).build(3).parameters()) == 3 * 10 + 10 + 5 + 1


def test_scores_are_bounded_and_nearly_linear_near_0():
    net = guide(drop_input=0.0, drop_hidden=0.0, noise=0.0).eval()
    x = torch.randn(5, 3, 2, 2, generator=seeded())
    score = net(x)
    assert score.shape == (5,)
    with torch.no_grad():
        for p in net.score.parameters():
            p.mul_(1e6)
    assert net(x).abs().tolist() == pytest.approx([20.0] * 5)
    free = guide(drop_input=0.0, drop_hidden=0.0, noise=0.0, bound=1e6).eval()(x)
    assert score.tolist() == pytest.approx((20 * torch.tanh(free / 20)).tolist(), rel=1e-4)


def test_activity_is_the_sum_of_squares_of_all_hidden_units():
    net, x = guide().eval(), torch.randn(4, 12, generator=seeded())
    first = net.hidden[0](x)
    second = net.hidden[1](first)
    assert torch.allclose(net.seen(x)[1], first.square().sum(1) + second.square().sum(1))


def test_noise_and_dropout_are_of_the_named_generator_and_only_in_training():
    net, x = guide(), torch.randn(4, 12, generator=seeded())

    def scores(seed: int):
        use_generator(net, seeded(seed))
        return net(x)

    torch.manual_seed(1)
    state = torch.get_rng_state()
    assert torch.equal(scores(0), scores(0))
    assert not torch.equal(scores(0), scores(1))
    assert torch.equal(state, torch.get_rng_state())
    net.eval()
    assert torch.equal(scores(0), scores(1))


def test_noise_has_its_scale():
    layer, x = Noise(0.5), torch.zeros(200, 100)
    layer.generator = seeded()
    assert layer(x).std().item() == pytest.approx(0.5, rel=0.02)
    assert torch.equal(Noise(0.0)(x), x)
    with pytest.raises(ValueError, match=r"0 or more\. Got -1"):
        Noise(-1)

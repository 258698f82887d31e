"""The fully connected pair: what is dropped, where, and when."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from latune.nets import use_generator
from latune.nets.layers import Dropout
from latune.nets.mlp import MLP

SHAPE = (1, 4, 4)


def pair(**settings) -> tuple[nn.Module, nn.Module]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MLP(hidden=(8,), **settings).build(SHAPE, params=4, width=2)


def test_only_the_encoders_input_is_dropped_and_only_in_training():
    encoder, decoder = pair(drop_input=0.25)
    plain = pair()[0]
    assert [type(layer) for layer in encoder][:2] == [nn.Flatten, Dropout]
    assert not any(isinstance(layer, Dropout) for layer in [*encoder[2:], *decoder])
    x = torch.rand(5, *SHAPE, generator=torch.Generator().manual_seed(0))
    assert torch.equal(encoder.eval()(x), plain.eval()(x)), "the rate changes no weight"
    use_generator(encoder.train(), torch.Generator().manual_seed(1))
    assert not torch.allclose(encoder(x), plain(x))
    seen = encoder[:2](torch.ones(4000, *SHAPE))
    assert sorted(seen.unique().tolist()) == pytest.approx([0, 4 / 3])
    assert (seen == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)


def test_without_a_rate_nothing_is_there_to_drop():
    assert not any(isinstance(layer, Dropout) for net in pair() for layer in net)

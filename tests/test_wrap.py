"""A model that was trained elsewhere, as a Space with controls."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import latune
from latune.codes import Codes, Gaussian, Normal, Uniform
from latune.controls import JUDGINGS, Learning
from latune.data import load
from latune.errors import DataError, RunError
from latune.nets import LatentNets
from latune.space import Space

FEW = replace(JUDGINGS["few"], steps=120)
QUICK = Learning(nets=LatentNets(48, 2), steps=150, batch_size=128, lr=3e-3)


@dataclass
class ModelOutput:
    """What pythae's networks give: named tensors."""

    embedding: torch.Tensor | None = None
    log_covariance: torch.Tensor | None = None
    reconstruction: torch.Tensor | None = None


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU())
        self.mean, self.log_var = nn.Linear(64, 6), nn.Linear(64, 6)

    def forward(self, x: torch.Tensor) -> ModelOutput:
        h = self.trunk(x)
        return ModelOutput(embedding=self.mean(h), log_covariance=self.log_var(h))


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.Sigmoid())

    def forward(self, z: torch.Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.layers(z).reshape(-1, 1, 8, 8))


class ForeignVAE(nn.Module):
    """A VAE as pythae has it: `model.encoder(x).embedding`, `model.decoder(z).reconstruction`."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def foreign(digits) -> ForeignVAE:
    """Trained by a loop that has nothing to do with ours."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = ForeignVAE()
        x = digits.images(digits.splits["training"])
        adam = torch.optim.Adam(model.parameters(), 3e-3)
        for _ in range(300):
            batch = x[torch.randint(len(x), (128,))]
            q = model.encoder(batch)
            z = q.embedding + (0.5 * q.log_covariance).exp() * torch.randn_like(q.embedding)
            fit = F.binary_cross_entropy(model.decoder(z).reconstruction, batch, reduction="sum")
            kl = -0.5 * (1 + q.log_covariance - q.embedding**2 - q.log_covariance.exp()).sum()
            adam.zero_grad()
            ((fit + kl) / len(batch)).backward()
            adam.step()
    return model


@pytest.fixture
def space(foreign) -> Space:
    return latune.Space.wrap(foreign.decoder, foreign.encoder, codes=6)


def quietly(move):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return move()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_it_says_what_the_model_says(space, foreign, digits):
    x = digits.images(digits.splits["test"][:5])
    q = space.posterior(x)
    with torch.no_grad():
        theirs = foreign.encoder(x)
        z = torch.randn(3, 6, generator=seeded())
        assert torch.equal(q.mean, theirs.embedding)
        assert torch.allclose(q.scale, (0.5 * theirs.log_covariance).exp())
        assert torch.equal(space.decode(z).plain(), foreign.decoder(z).reconstruction)
    assert space.shape == (1, 8, 8)
    assert space.interpolate(x[:2], x[2:4], 3).shape == (2, 3, 1, 8, 8)
    assert space.traverse(x, "z[2]", [-1, 1]).shape == (5, 2, 1, 8, 8)
    assert "wrapped" in repr(space)


def test_controls_are_learned_and_the_model_is_left_as_it_is(space, foreign, digits):
    before = {name: value.clone() for name, value in foreign.state_dict().items()}
    rows = digits.splits["training"]
    y = digits.column("digit", rows)
    space.controls.learn_examples("ring", digits.images(rows[y == 0][:8]), digits, judging=FEW)
    space.controls.learn_realism(digits, how=QUICK)
    heavy = quietly(lambda: space.sample(40, seeded(), ring=1, realism=0.5))
    z = space.encode(digits.images(rows))
    near = y[torch.cdist(space.encode(heavy.plain()), z).topk(7, largest=False).indices].mode(1).values
    assert (near == 0).float().mean() > 0.7
    assert all(torch.equal(before[name], value) for name, value in foreign.state_dict().items())
    assert all(parameter.requires_grad for parameter in foreign.parameters())


def test_its_controls_are_kept_in_a_folder_and_refused_for_another(foreign, digits, tmp_path):
    rows = digits.splits["training"]
    x = digits.images(rows[digits.column("digit", rows) == 0][:5])

    def wrap(model):
        return Space.wrap(model.decoder, model.encoder, codes=6, folder=tmp_path / "controls")

    wrap(foreign).controls.learn_examples("ring", x, judging=FEW)
    assert list(wrap(foreign).controls) == ["ring"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        other = ForeignVAE()
    with pytest.raises(RunError, match="The control 'ring' was made for another model"):
        wrap(other).controls["ring"]
    with pytest.raises(RunError, match="kept by who made it"):
        wrap(foreign).save(tmp_path / "run")


def test_fingerprints_tell_models_apart_with_and_without_weights(foreign):
    def by_functions(model):
        return Space.wrap(lambda z: model.decoder(z), lambda x: model.encoder(x), codes=6)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        other = ForeignVAE()
    assert by_functions(foreign).fingerprint == by_functions(foreign).fingerprint
    assert by_functions(foreign).fingerprint != by_functions(other).fingerprint
    by_weights = [
        Space.wrap(lambda z, m=m: m.decoder(z), lambda x, m=m: m.encoder(x), codes=6, model=m).fingerprint
        for m in (foreign, foreign, other)
    ]
    assert by_weights[0] == by_weights[1] != by_weights[2]


def test_the_scale_of_a_plain_autoencoder_comes_from_data(foreign, digits):
    space = Space.wrap(foreign.decoder, lambda x: foreign.encoder(x).embedding, data=digits, model=foreign)
    assert space.codes.width == 6, "asked of the encoder"
    x = digits.images(digits.splits["training"])
    q = space.posterior(x)
    assert torch.allclose(q.scale[0], 0.1 * q.mean.std(0), rtol=0.1)
    assert torch.equal(q.scale[0], q.scale[-1])


def flat(z):
    return torch.sigmoid(z[:, :1, None, None]).expand(-1, 1, 4, 4)


@pytest.mark.parametrize(
    "encode",
    [
        lambda x: x.flatten(1)[:, :3],
        lambda x: (x.flatten(1)[:, :3], torch.full((len(x), 3), 0.1)),
        lambda x: {"embedding": x.flatten(1)[:, :3], "log_covariance": torch.full((len(x), 3), 2 * np.log(0.1))},
        lambda x: Gaussian(x.flatten(1)[:, :3], torch.full((len(x), 3), 0.1)),
    ],
)
def test_encoders_of_every_sort(encode):
    q = Space.wrap(flat, encode, codes=3).posterior(torch.full((2, 1, 4, 4), 0.25))
    assert q.mean.tolist() == [[0.25] * 3] * 2
    assert torch.allclose(q.scale, torch.full((2, 3), 0.1))


def test_a_generator_alone_samples_and_learns_rules(digits):
    space = Space.wrap(flat, codes=Codes(level=Uniform(-3.0, 3.0), z=Normal(2)), name="generator")
    assert not space.encodes
    assert space.sample(3, level=3.0).plain().amin() > 0.9
    judging = replace(JUDGINGS["fast"], nets=LatentNets(32, 1), steps=150, lr=1e-2)
    control = space.controls.learn_rule("bright", lambda x: x.mean((1, 2)) > 180, judged=800, judging=judging)
    assert (quietly(lambda: space.sample(50, seeded(), bright=1)).plain().mean((1, 2, 3)) > 0.65).float().mean() > 0.8
    assert control.scores["success"] > control.scores["untouched"]
    with pytest.raises(DataError, match="has no encoder"):
        space.edit(torch.zeros(2, 1, 4, 4), bright=1)


def fails(z):
    raise KeyError("weights")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"decode": fails}, "decode raised KeyError: 'weights'"),
        ({"decode": lambda z: z}, r"decode turns \(8, 3\) into \(8, 3\); images are \(n, 1 or 3, h, w\)"),
        ({"decode": lambda z: flat(z) * 255}, "they lie in \\[0, 1\\]"),
        ({"decode": lambda z: "x"}, "something with a reconstruction. Got str"),
        ({"decode": 3}, "decode is a function or a module. Got a int"),
        ({"encode": 3}, "encode is a function or a module"),
        ({"encode": lambda x: x}, r"Codes have shape \(n, d\). encode gives \(8, 1, 4, 4\)"),
        ({"encode": lambda x: x.flatten(1)}, r"encode turns 8 images into \(8, 16\)"),
        ({"encode": lambda x: "x"}, "something with an embedding. Got str"),
        ({"encode": lambda x: (x.flatten(1)[:, :3], -torch.ones(len(x), 3))}, "no logarithm"),
        ({"codes": None}, "Say how many coordinates"),
        ({"data": torch.zeros(4, 1, 5, 4)}, r"images of shape \(1, 4, 4\); the data have \(1, 5, 4\)"),
    ],
)
def test_functions_that_do_not_fit_are_told(given, message):
    fine = {"decode": flat, "encode": lambda x: x.flatten(1)[:, :3], "codes": 3}
    with pytest.raises(DataError, match=message):
        Space.wrap(**{**fine, **given})


def test_a_wrapped_model_is_measured(space, digits):
    scores = space.measure(digits, "validation").scores
    assert 0 < scores["sap"].value < 1

"""The nets and recipes of Latent Constraints' base models: their size, their padding, their likelihood in true nats."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from latune.errors import RecipeError
from latune.models import Spec, build
from latune.nets import NETS
from latune.nets.strided import Strided
from latune.recipes import read
from latune.recipes.run import validate
from latune.terms import kl_per_example
from latune.training import Batch
from latune.training.schedule import at


def spec_of(name: str, shape: tuple[int, int, int], *words: str) -> Spec:
    recipe = read(name, words)
    model = recipe.model
    return Spec(model.name, shape, model.latent, (), recipe.nets.plain(), model.settings(1))


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", ["lc-mnist-paper", "lc-mnist-released"])
def test_the_papers_mnist_vae_has_its_size(name):
    model = build(spec_of(name, (1, 28, 28)), seed=0)
    assert count(model) == 8_954_640
    assert (model.codes.width, model.scale, model.likelihood.fixed) == (1024, "softplus", 0.1)


@pytest.mark.parametrize("name", ["lc-celeba-paper", "lc-celeba-released"])
def test_the_papers_celeba_vae_has_its_size(name):
    spec = spec_of(name, (3, 64, 64))
    with torch.device("meta"):  # 154 million weights, none of them stored
        encoder, decoder = NETS["strided"](**{k: tuple(v) for k, v in spec.nets.items() if k != "name"}).build(
            spec.shape, params=2 * spec.latent, width=spec.latent
        )
    planes, kernels = [3, 256, 512, 1024, 2048], [5, 5, 3, 3]
    weights = [a * b * k * k for a, b, k in zip(planes, planes[1:], kernels, strict=False)]
    assert count(encoder) == sum(weights) + sum(planes[1:]) + 4 * 4 * 2048 * 2048 + 2048
    assert count(decoder) == sum(weights) + sum(planes[:-1]) + 1024 * 4 * 4 * 2048 + 4 * 4 * 2048
    assert not any(isinstance(layer, nn.ReLU) for layer in list(decoder)[:3]), "no activation after its linear layer"
    assert [type(layer) for layer in list(decoder)[-2:]] == [nn.ReLU, nn.ConvTranspose2d]
    rate = read(name).training.optimiser.build(200_000).lr
    assert [round(at(rate, step), 9) for step in (0, 200_000)] == [3e-4, 1e-6 if name.endswith("released") else 3e-4]


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 64, 64), (3, 32, 48), (2, 21, 15)])
@pytest.mark.parametrize("kernels", [(5, 5, 3), (3,), (1, 7, 3)])
def test_every_side_comes_back(shape, kernels):
    encoder, decoder = Strided(channels=(4, 5, 6), kernels=kernels).build(shape, params=6, width=3)
    assert encoder(torch.rand(2, *shape)).shape == (2, 6)
    assert decoder(torch.randn(2, 3)).shape == (2, *shape)


@pytest.mark.parametrize(("side", "kernel"), [(8, 3), (8, 5), (7, 3), (7, 5)])
def test_padding_is_that_of_same_turned_by_half_a_turn(side, kernel):
    """TensorFlow's SAME, by hand: all padding that is needed, the odd one at the end."""
    encoder, _ = Strided(channels=(4,), kernels=(kernel,)).build((2, side, side), params=2, width=1)
    convolution = next(encoder.children())
    assert isinstance(convolution, nn.Conv2d)
    x = torch.randn(3, 2, side, side, generator=torch.Generator().manual_seed(0))
    needed = (-(-side // 2) - 1) * 2 + kernel - side
    ends = (needed // 2, needed - needed // 2)
    same = nn.functional.conv2d(
        nn.functional.pad(x.flip(2, 3), (*ends, *ends)), convolution.weight.flip(2, 3), convolution.bias, stride=2
    )
    assert torch.allclose(convolution(x), same.flip(2, 3), atol=1e-5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nets.kernels=[5, 3]"], "4 channels need as many kernels, or one"),
        (["nets.kernels=[4]"], "Kernels are odd"),
    ],
)
def test_kernels_that_do_not_fit_are_told(words, message):
    with pytest.raises(RecipeError, match=message):
        build(spec_of("lc-celeba-small", (3, 64, 64), *words))


@pytest.mark.parametrize("name", ["lc-celeba-small", "lc-celeba-small-32", "lc-mnist"])
def test_sigma_is_a_setting_on_one_line(name):
    side = {"lc-celeba-small": (3, 64, 64), "lc-celeba-small-32": (3, 32, 32), "lc-mnist": (1, 28, 28)}[name]
    assert build(spec_of(name, side, "model.sigma=0.3")).likelihood.fixed == 0.3
    assert build(spec_of(name, side, "model.sigma=learned")).likelihood.fixed is None


def test_the_elbo_is_in_true_nats(tmp_path, tiny_mnist):
    """Against torch's own distributions, on the rows that validation measures."""
    from latune.recipes import open_data

    recipe = read("lc-mnist", ["data.split=[0.6, 0.2, 0.2]", "model.sigma=0.3"])
    data = open_data(recipe)
    model = build(spec_of("lc-mnist", (1, 28, 28), "model.sigma=0.3"), seed=0)
    told = validate(model, data, seed=0)
    x = data.images(data.splits["validation"])
    with torch.no_grad():
        q = model.posterior(x)
        of_q, prior = torch.distributions.Normal(q.mean, q.scale), torch.distributions.Normal(0.0, 1.0)
        kl = torch.distributions.kl_divergence(of_q, prior).sum(1)
        assert torch.allclose(kl_per_example(q), kl, rtol=1e-4)
        assert told["kl"] == pytest.approx(kl.mean().item(), rel=1e-4)
        draws = [q.sample(torch.Generator().manual_seed(i)) for i in range(20)]
        nll = [
            -torch.distributions.Normal(model.decode(z), 0.3).log_prob(x).flatten(1).sum(1).mean().item() for z in draws
        ]
    spread = max(nll) - min(nll)
    assert min(nll) - spread < told["reconstruction"] < max(nll) + spread
    assert told["negative elbo"] == pytest.approx(told["reconstruction"] + told["kl"])
    # no model can be better than a perfect mean: D/2 log 2 pi sigma^2
    assert told["reconstruction"] > 784 / 2 * math.log(2 * math.pi * 0.3**2)


def test_an_autoencoder_pays_nothing_for_its_code():
    x = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    spec = Spec("autoencoder", (1, 8, 8), 3, (), {"name": "mlp", "hidden": [8]}, {"likelihood": "gaussian"})
    model = build(spec, seed=0)
    with torch.no_grad():
        scales = [bias for name, bias in model.encoder.named_parameters() if name.endswith("heads.1.bias")]
        scales[0].fill_(-1000.0)  # a sigma that has shrunk to nothing: its KL is infinite
    batch = Batch(x, torch.zeros(5, 0))
    scene = model.scene(batch, 0, torch.Generator().manual_seed(1))
    assert kl_per_example(scene.q).isinf().all()
    terms = {term.name: term.value for term in model.terms(scene)}
    assert list(terms) == ["reconstruction"]
    nll = -torch.distributions.Normal(model.decode(scene.q.mean), 0.1).log_prob(x).flatten(1).sum(1).mean()
    assert terms["reconstruction"].item() == pytest.approx(nll.item(), rel=1e-5)
    assert "kl" in {term.name for term in build(spec_with_beta(spec), seed=0).terms(model.scene(batch))}


def spec_with_beta(spec: Spec) -> Spec:
    return replace(spec, settings={**spec.settings, "beta": 0.5})

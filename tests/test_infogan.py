"""InfoGAN: the bound's known answers, who owns what, and the paper's tables."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from latune.codes import Categorical, Codes, Gaussian, OneOf, Uniform
from latune.controls.critics import Judging
from latune.data import from_arrays
from latune.errors import DataError, RecipeError
from latune.models import Spec, build, symptoms
from latune.models.distortion import MOTIONS, distorted, drawn_maps, moved, through
from latune.models.infogan import InfoGAN
from latune.models.infogan_scene import InfoGANScene
from latune.moves import Put
from latune.nets import LatentNets
from latune.nets.adversarial import TABLES, Adversarial
from latune.space import Space
from latune.terms import (
    agreement,
    asymmetry,
    believe,
    discriminate,
    equivariance,
    faintness,
    ima_contrast,
    information,
    unevenness,
)
from latune.training import Batch, Generators, Optimiser, Plan, Ramp, Remark, Trainer, at, trainer
from latune.training.log import read_log

SHAPE = (1, 28, 28)


def small(seed: int = 0, latent: int = 6, spectral: bool = False, **settings: object) -> InfoGAN:
    """An InfoGAN with a sixteenth of the paper's channels."""
    codes = InfoGAN.name_codes(latent, categorical=(4,), continuous=1)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        judge, generator = Adversarial(width=1 / 16, spectral=spectral).build(
            SHAPE, InfoGAN.columns(codes), codes.width
        )
    return InfoGAN(codes, judge, generator, **settings)  # type: ignore[arg-type]


def batch(n: int = 8, seed: int = 0) -> Batch:
    return Batch(torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(seed)), torch.zeros(n, 0))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def weights(module: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in module.parameters()]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


# --- the bound --------------------------------------------------------------------------------------------------------


def test_a_perfect_recogniser_tells_all_of_a_categorical_code():
    told = [information(OneOf(200 * torch.eye(k)), torch.eye(k), math.log(k)).item() for k in (10, *[20] * 4)]
    assert told[0] == pytest.approx(2.302585, abs=1e-6)
    assert sum(told[1:]) == pytest.approx(11.982929, abs=1e-5)


def test_a_recogniser_that_knows_nothing_tells_nothing_and_a_wrong_one_less():
    assert information(OneOf(torch.zeros(10, 10)), torch.eye(10), math.log(10)).item() == pytest.approx(0, abs=1e-6)
    assert information(OneOf(30 * torch.eye(10)), torch.eye(10).roll(1, 0), math.log(10)).item() < -20


def test_the_bound_of_a_noisy_channel_with_its_exact_posterior():
    e, k = 0.1, 10
    joint = torch.full((k, k), e / (k - 1)).fill_diagonal_(1 - e)  # rows: code; columns: what is seen
    codes = torch.eye(k).repeat_interleave(k, 0)
    q = OneOf(joint.t().repeat(k, 1).log())  # the posterior of each thing seen, once for each code
    each = q.log_prob(codes).view(k, k)
    bound = (joint * each).sum() / k + math.log(k)
    assert bound.item() == pytest.approx(1.757780, abs=1e-5)


def test_two_looks_that_agree_on_everything_or_on_nothing():
    sure = OneOf(200 * torch.eye(10))
    assert agreement(sure, sure).item() == pytest.approx(math.log(10), abs=1e-6)
    assert agreement(sure, OneOf(torch.zeros(10, 10))).item() == pytest.approx(0, abs=1e-6)
    one = OneOf(200 * torch.eye(10)[[3]].expand(10, 10))  # all images are of one class, which tells nothing
    assert agreement(one, one).item() == pytest.approx(0, abs=1e-6)


def test_the_agreement_of_a_noisy_channel():
    e, k = 0.1, 10
    joint = torch.full((k, k), e / (k - 1)).fill_diagonal_(1 - e)
    assert agreement(OneOf(200 * torch.eye(k)), OneOf(joint.log())).item() == pytest.approx(1.757780, abs=1e-5)


def test_agreement_has_a_gradient_where_a_class_is_impossible():
    logits = torch.tensor([[400.0, 0.0, -400.0], [0.0, 400.0, -400.0]], requires_grad=True)
    value = agreement(OneOf(logits), OneOf(logits))
    value.backward()
    assert value.item() == pytest.approx(math.log(2), abs=1e-6)
    assert logits.grad is not None and logits.grad.isfinite().all()


def cube(n: int, d: int) -> Tensor:
    return torch.rand(n, d, generator=seeded(), dtype=torch.float64) * 2 - 1


def test_points_of_the_cube_are_as_uneven_as_chance():
    n, d = 400, 3
    found = [unevenness(each).item() ** 2 for each in cube(n * 500, d).split(n)]
    assert np.mean(found) == pytest.approx((3 * d + 9 * d * (d - 1) / 2) / n, rel=0.05)
    grid = torch.cartesian_prod(*[torch.linspace(-0.995, 0.995, 200, dtype=torch.float64)] * 2)
    assert unevenness(grid).item() < 1e-3


def test_the_unevenness_of_codes_that_depend_on_each_other():
    points = cube(100_000, 2)
    assert unevenness(points[:, [0, 0]]).item() == pytest.approx(3**0.5, abs=0.02)  # of a copy, one for each degree
    a, b = (points[:, 0], points[:, 1])
    bent = torch.stack([a, 2 * a.abs() - 1], 1)  # uniform each, uncorrelated, and one tells the other
    told = {(2, 1): 15**0.5 / 4, (2, 2): 1 / 4, (2, 3): 0}  # E phi_2(a) phi_k(2|a| - 1); of odd degrees of a, 0
    assert unevenness(bent).item() == pytest.approx(sum(each**2 for each in told.values()) ** 0.5, abs=0.01)
    turned = torch.stack([(a + b), (a - b)], 1) / math.sqrt(2)
    assert unevenness(turned).item() > 0.3


def test_a_turn_of_the_cube_is_more_uneven_the_farther_it_goes():
    points, found = cube(20_000, 3), []
    for angle in (0.0, 10.0, 25.0, 45.0):
        turn = torch.eye(3, dtype=torch.float64)
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        turn[:2, :2] = torch.tensor([[c, s], [-s, c]])
        found.append(unevenness(points @ turn).item())
    assert found == sorted(found) and found[0] < 0.06 and found[-1] > 0.3


def test_classes_are_uneven_as_chi_square_and_as_they_tell_of_others():
    n, k = 400, 5
    classes = torch.eye(k, dtype=torch.float64)[torch.randint(k, (n * 500,), generator=seeded(1))]
    points = torch.cat([cube(n * 500, 2), classes], 1)
    found = [unevenness(each, classes=[k]).item() ** 2 for each in points.split(n)]
    assert np.mean(found) == pytest.approx((3 * 2 + 9 + (k - 1) + 3 * 2 * (k - 1)) / n, rel=0.05)
    counts = torch.tensor([10, 30, 20, 40])
    skewed = torch.eye(4, dtype=torch.float64).repeat_interleave(counts, 0)
    pearson = ((counts - 25.0) ** 2 / 25).sum() / 100
    assert unevenness(skewed, classes=[4]).item() ** 2 == pytest.approx(pearson.item())
    twice = torch.cat([torch.eye(3, dtype=torch.float64)] * 2, 1)  # two codes of classes, the same: chi square is 2 n
    assert unevenness(twice, classes=[3, 3]).item() ** 2 == pytest.approx(2)
    with pytest.raises(ValueError, match=r"6 columns do not hold the shares of \[4, 4\] classes"):
        unevenness(twice, classes=[4, 4])


def test_others_count_in_the_means_and_learn_nothing():
    v, other = torch.tensor([[0.5]], requires_grad=True), torch.tensor([[-0.5]])
    even = 5**0.5 / 2 * (3 * 0.25 - 1)  # of both alike; the odd moments cancel
    value = unevenness(v, other)
    assert value.item() == pytest.approx(abs(even)) and unevenness(v).item() > 1.5 * abs(even)
    value.backward()
    assert v.grad is not None and v.grad.item() == pytest.approx(-(5**0.5) / 2 * 3 * 0.5)


def test_what_lies_outside_counts_by_how_far_it_is_and_is_pulled_in():
    inside = torch.tensor([[-1.0], [1.0]])
    far = torch.tensor([[-1.0], [3.0]], requires_grad=True)
    assert unevenness(far).item() ** 2 == pytest.approx(unevenness(inside).item() ** 2 + 2**2 / 2)
    unevenness(far).backward()
    assert far.grad is not None and far.grad[1].item() > 0.3


def test_the_ima_contrast_is_of_directions_and_not_of_lengths():
    axes = torch.diag_embed(torch.tensor([3.0, 1.0, 0.01]))[None]
    assert ima_contrast(axes).item() == pytest.approx(0, abs=1e-6)
    turn = torch.tensor([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0], [0.0, 0.0, 1.0]])
    cosine = (3**2 - 1) / (3**2 + 1)  # of (3, 1) and (3, -1)
    assert ima_contrast(turn @ axes).item() == pytest.approx(-math.log(1 - cosine**2) / 2, rel=1e-3)
    some = torch.randn(5, 3, 20, generator=seeded(), dtype=torch.float64)
    by_volume = some.norm(dim=2).log().sum(1) - torch.linalg.svdvals(some).log().sum(1)
    assert ima_contrast(some).item() == pytest.approx(by_volume.mean().item(), rel=1e-3)
    stretched = some * torch.tensor([0.1, 1.0, 50.0])[:, None]
    assert ima_contrast(stretched).item() == pytest.approx(ima_contrast(some).item())


def test_what_is_shorter_than_it_should_be_counts_by_the_share_that_is_missing():
    axes = torch.diag_embed(torch.tensor([3.0, 0.6, 0.05]))[None].requires_grad_()
    value = faintness(axes, 0.5)
    value.backward()
    assert value.item() == pytest.approx(math.log(10))
    assert axes.grad is not None and axes.grad[0, 2, 2].item() == pytest.approx(-1 / 0.05)
    assert (axes.grad[0, :2] == 0).all(), "what is long enough is left as it is"
    nothing = torch.zeros(1, 2, 3, requires_grad=True)
    faintness(nothing, 0.5).backward()
    assert nothing.grad is not None and nothing.grad.isfinite().all()
    for wrong in (0.0, [0.5, 0.0, 0.5], [0.5, 0.5]):
        with pytest.raises(ValueError, match="from a length above 0 on, one for all or each of 3"):
            faintness(axes, wrong)


def test_each_code_may_have_a_length_of_its_own():
    axes = torch.diag_embed(torch.tensor([0.5, 0.6, 0.05]))[None].requires_grad_()
    value = faintness(axes, [1.0, 0.5, 0.25])
    value.backward()
    assert value.item() == pytest.approx(math.log(2) + math.log(5))
    assert axes.grad is not None and [axes.grad[0, i, i].item() for i in range(3)] == pytest.approx([-2, 0, -20])


def test_the_contrast_of_what_is_no_number_is_none_and_of_half_precision_a_number():
    some = torch.randn(5, 3, 20, generator=seeded())
    assert ima_contrast(some.clone().fill_(torch.nan)).isnan()
    with torch.autocast("cpu", torch.bfloat16):
        assert ima_contrast(some.expand(5, 3, 20)).item() == pytest.approx(ima_contrast(some).item(), rel=1e-6)
        assert ima_contrast(some[:, [0, 0]]).isfinite()


@pytest.mark.parametrize("same", [0.0, 1.0])
def test_codes_that_change_nothing_or_the_same_have_a_contrast_and_a_gradient(same):
    jacobian = torch.full((2, 2, 4), same).requires_grad_()
    value = ima_contrast(jacobian)
    value.backward()
    assert 4 < value.item() < 10
    assert jacobian.grad is not None and jacobian.grad.isfinite().all()


@pytest.mark.parametrize("value", [0.0, 100.0])
def test_the_gradient_of_unevenness_is_bounded_where_all_images_are_read_alike(value):
    alike = (torch.full((64, 5), value) + 1e-3 * torch.randn(64, 5, generator=seeded())).requires_grad_()
    unevenness(alike).backward()
    assert alike.grad is not None and 0 < alike.grad.norm() < 2


@pytest.mark.parametrize(("sigma", "told"), [(1.0, -0.225791), (0.5, 0.467356), (0.1, 2.076794)])
def test_the_bound_of_a_uniform_code_whose_mean_is_known(sigma: float, told: float):
    code = torch.linspace(-1, 1, 7)[:, None]
    q = Gaussian(code, torch.full_like(code, sigma))
    assert information(q, code, Uniform().entropy()).item() == pytest.approx(told, abs=1e-5)


def test_the_bound_is_never_above_the_information_and_meets_it_with_the_posterior():
    joint = torch.tensor([[0.4, 0.1], [0.15, 0.35]])  # code, seen
    codes, seen = joint.sum(1), joint.sum(0)
    truth = (joint * (joint / codes[:, None] / seen).log()).sum().item()
    entropy = -(codes * codes.log()).sum().item()

    def bound(q: Tensor) -> float:
        return (joint * q.log()).sum().item() + entropy

    assert bound(joint / seen) == pytest.approx(truth, abs=1e-6)
    source = torch.Generator().manual_seed(0)
    for _ in range(50):
        q = torch.rand(2, 2, generator=source)
        assert bound(q / q.sum(0)) <= truth + 1e-6


def test_the_losses_where_nothing_can_be_told_apart():
    nothing = torch.zeros(5, 1)
    assert 2 * discriminate([(nothing, 1.0), (nothing, 0.0)]).item() == pytest.approx(1.386294, abs=1e-6)
    assert believe(nothing).item() == pytest.approx(math.log(2), abs=1e-6)


# --- the tables -------------------------------------------------------------------------------------------------------

SIZES = {  # shape, codes to be told, width of the generator's input, as the paper's text and appendix give them
    "mnist": (SHAPE, {"categorical": (10,), "continuous": 2, "latent": 62}, 74),
    "svhn": ((3, 32, 32), {"categorical": (10,) * 4, "continuous": 4, "latent": 124}, 168),
    "celeba": ((3, 32, 32), {"categorical": (10,) * 10, "continuous": 0, "latent": 128}, 228),
    "faces": ((1, 32, 32), {"categorical": (), "continuous": 5, "latent": 128}, 133),
    "chairs": ((1, 64, 64), {"categorical": (20,) * 3, "continuous": 1, "latent": 128}, 189),
}


@pytest.mark.parametrize("table", TABLES)
def test_the_tables_make_images_of_their_data_from_as_many_numbers_as_published(table: str):
    shape, settings, width = SIZES[table]
    codes = InfoGAN.name_codes(**settings)  # type: ignore[arg-type]
    assert codes.width == width
    judge, generator = Adversarial(table=table, width=1 / 16).build(shape, InfoGAN.columns(codes), width)
    x = generator(torch.zeros(2, width))
    assert x.shape == (2, *shape)
    assert judge(x).shape == (2, InfoGAN.columns(codes))


def test_the_mnist_nets_have_the_published_numbers_of_parameters():
    judge, generator = Adversarial().build(SHAPE, 15, 74)
    counts = [sum(p.numel() for p in net.parameters()) for net in (judge.trunk, judge.real, judge.codes, generator)]
    assert counts == [6_558_144, 1_025, 133_262, 6_652_481]


def test_up_convolutions_of_stride_1_are_the_adjoint_of_same_convolutions():
    """TensorFlow's "SAME": 1 before and 2 after, so <conv(x), y> = <x, up(y)> with one kernel."""
    table = TABLES["chairs"]
    judge, generator = Adversarial(table="chairs", width=1 / 64).build((1, 64, 64), 3, 4)
    place = next(i for i, layer in enumerate(generator.layers) if isinstance(layer, nn.ConvTranspose2d))
    up, crop = generator.layers[place], generator.layers[place + 1]
    assert isinstance(up, nn.ConvTranspose2d) and isinstance(crop, nn.ZeroPad2d) and table.up[0][1] == 1
    source = torch.Generator().manual_seed(0)
    y = torch.randn(1, up.in_channels, 8, 8, generator=source)
    x = torch.randn(1, up.out_channels, 8, 8, generator=source)
    pad = next(layer for layer in judge.trunk if isinstance(layer, nn.ZeroPad2d))
    down = nn.functional.conv2d(pad(x), up.weight)
    assert (down * y).sum().item() == pytest.approx((x * crop(up(y))).sum().item(), rel=1e-4)


def test_tables_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="Unknown table 'mnits'"):
        Adversarial(table="mnits").build(SHAPE, 15, 74)
    with pytest.raises(ValueError, match=r"scales images down by 4.*Got 30x30"):
        Adversarial().build((1, 30, 30), 15, 74)


def test_spectral_nets_have_layers_of_norm_one():
    model = small(spectral=True)
    for _ in range(30):
        model.encoder(batch().x)  # power iteration
    assert not any(isinstance(m, nn.BatchNorm2d | nn.BatchNorm1d) for m in model.encoder.trunk)
    norms = [
        torch.linalg.matrix_norm(m.weight.flatten(1), 2).item()
        for m in model.encoder.trunk
        if isinstance(m, nn.Conv2d | nn.Linear)
    ]
    assert norms == pytest.approx([1.0] * len(norms), abs=0.02)


# --- who owns what ----------------------------------------------------------------------------------------------------


def test_each_player_moves_its_own_weights_alone():
    model = small()
    game = model.game(Optimiser(lr=1e-3), Generators(0)["noise"])
    judge, generator = game.players
    before = weights(model.decoder)
    judge.lose(game.scene(batch(), 0), 0)
    judge.move(0)
    assert same(before, weights(model.decoder))
    before = weights(model.encoder)
    generator.lose(game.scene(batch(), 0), 0)
    generator.move(0)
    assert same(before, weights(model.encoder))


def test_recogniser_and_trunk_learn_from_the_bound_with_the_judge_unless_the_generator_owns_it():
    for owner, learns in (("judge", True), ("generator", False)):
        model = small(owner=owner)
        game = model.game(Optimiser(lr=1e-3), Generators(0)["noise"])
        before = weights(model.encoder.codes)
        game.players[0].lose(game.scene(batch(), 0), 0)
        game.players[0].move(0)
        assert same(before, weights(model.encoder.codes)) is not learns
        after = weights(model.encoder.codes)
        game.players[1].lose(game.scene(batch(), 0), 0)
        game.players[1].move(0)
        assert same(after, weights(model.encoder.codes)) is learns


def test_without_weight_the_bound_teaches_nothing():
    model = small(information=0.0, information_real=0.0)
    game = model.game(Optimiser(lr=1e-3), Generators(0)["noise"])
    game.players[0].lose(game.scene(batch(), 0), 0)
    assert all(not p.grad.any() for p in model.encoder.codes.parameters() if p.grad is not None)


def test_a_recogniser_that_only_watches_leaves_trunk_and_generator_as_a_plain_gan_has_them():
    watched = small(inform=False)
    plain = small(inform=False, information=0.0, information_real=0.0)
    for model in (watched, plain):
        game = model.game(Optimiser(lr=1e-3), Generators(0)["noise"])
        for step in range(3):
            game.step(batch(seed=step), step)
    assert same(weights(watched.encoder.trunk), weights(plain.encoder.trunk))
    assert same(weights(watched.decoder), weights(plain.decoder))
    assert not same(weights(watched.encoder.codes), weights(plain.encoder.codes))


def test_the_players_see_codes_of_their_own_draw_and_the_same_real_images():
    model, seen = small(), []
    game = model.game(Optimiser(lr=1e-3), Generators(0)["noise"])
    make = game.scene
    game.scene = lambda batch, step: seen.append(make(batch, step)) or seen[-1]
    game.step(batch(), 0)
    first, second = seen
    assert first.x is second.x
    assert not torch.equal(first.z, second.z)


def test_rates_are_shares_of_the_recipes():
    game = small().game(Optimiser(lr=1e-3), None)
    assert [player.descent.param_groups[0]["lr"] for player in game.players] == pytest.approx([2e-4, 1e-3])


# --- what it can be asked ---------------------------------------------------------------------------------------------


def test_the_noise_is_uniform_as_released_or_normal():
    assert InfoGAN.name_codes(3)["noise"] == Uniform(-1.0, 1.0, 3)
    assert list(InfoGAN.name_codes(62)) == ["noise", "c1", "c2", "c3"]
    assert InfoGAN.name_codes(3, noise="normal")["noise"].dim == 3  # type: ignore[union-attr]


def test_what_an_image_tells_is_the_prior_for_noise_and_the_recognisers_for_codes():
    model = small().eval()
    x = batch().x
    q, told = model.posterior(x), model.recognised(model.judged(x))
    assert torch.equal(q.mean[:, model.codes.slice("noise")], torch.zeros(8, 6))
    assert q.scale[0, 0].item() == pytest.approx(3**-0.5)
    assert torch.equal(q.mean[:, model.codes.slice("c1")], told["c1"].mean)
    assert torch.equal(q.mean[:, model.codes.slice("c2")], told["c2"].mean)
    assert (q.scale >= 0).all()


def test_the_recognisers_sigma_has_a_floor():
    model = small(least_scale=0.05)
    judged = torch.full((2, InfoGAN.columns(model.codes)), -50.0)
    held, free = (each.recognised(judged)["c2"] for each in (model, small(least_scale=0.0)))
    assert isinstance(held, Gaussian) and isinstance(free, Gaussian)
    assert held.scale.min().item() == pytest.approx(0.05)
    assert free.scale.min().item() < 1e-20


def test_distorted_images_are_looked_at_through_affine_maps_and_keep_their_gradients():
    """Of an image that is a ramp of its column, an affine map makes another ramp, within what was drawn."""
    side, most = 64, 0.2
    place = (torch.arange(side) + 0.5) * 2 / side - 1  # from -1 to 1
    ramp = place.expand(500, 1, side, side).clone().requires_grad_()
    seen = distorted(ramp, most, torch.Generator().manual_seed(0))
    middle = seen[:, 0, 16:48, 16:48].detach()  # nothing of it comes from outside
    across = middle.diff(dim=2) * side / 2  # 1 + a_11
    along = middle.diff(dim=1) * side / 2  # a_12
    assert (across - across.mean((1, 2), keepdim=True)).abs().max() < 1e-3
    for slope, centre in ((across.mean((1, 2)), 1.0), (along.mean((1, 2)), 0.0)):
        assert (slope - centre).abs().max() <= most + 1e-3
        assert (slope - centre).abs().max() > 0.95 * most
        assert abs((slope - centre).std() - most / 3**0.5) < 0.01
    shift = middle.mean((1, 2))
    assert 0.95 * most / 2 < shift.abs().max() <= most / 2 + 1e-3
    seen.sum().backward()
    assert ramp.grad is not None and ramp.grad.abs().sum() > 0


def of_moments(x: Tensor) -> dict[str, Tensor]:
    """Slant, width, height and place of bright spots, from their moments; y is down."""
    side = x.shape[-1]
    at = (torch.arange(side, dtype=x.dtype) + 0.5) * 2 / side - 1
    mass = x[:, 0] / x[:, 0].sum((1, 2), keepdim=True)
    right, down = (mass * at).sum((1, 2)), (mass * at[:, None]).sum((1, 2))
    across, along = at - right[:, None, None], at[:, None] - down[:, None, None]
    xx, yy, xy = ((mass * each).sum((1, 2)) for each in (across**2, along**2, across * along))
    return {
        "slant": -xy / yy,
        "width": xx.sqrt(),
        "height": yy.sqrt(),
        "right": right,
        "down": down,
        "xx": xx,
        "yy": yy,
    }


def test_motions_are_what_images_do_by_their_moments():
    """A round spot that is moved: each motion is told by the moments of the copy, to first order, in shares."""
    at = (torch.arange(64, dtype=torch.float64) + 0.5) / 32 - 1
    spot = torch.exp(-(at**2 + at[:, None] ** 2) / (2 * 0.25**2))[None, None]
    maps = drawn_maps(400, 0.05, seeded()).double()
    seen = of_moments(through(spot.expand(400, -1, -1, -1), maps))
    expected = {name: moved(maps, [name])[:, 0] for name in MOTIONS}
    found = {
        "width": seen["width"] / 0.25 - 1,
        "height": seen["height"] / 0.25 - 1,
        "size": (seen["xx"] * seen["yy"]).sqrt().sqrt() / 0.25 - 1,
        "right": seen["right"],
        "down": seen["down"],
    }
    found["slant"] = seen["slant"] - maps[:, 1, 0]  # -xy / yy of a round spot is A_12 + A_21
    for name, value in found.items():
        assert torch.allclose(value, expected[name], atol=0.012), name
        assert torch.corrcoef(torch.stack([value, expected[name]]))[0, 1] > 0.98, name
    bar = torch.exp(-(at**2 / 0.02 + at[:, None] ** 2 / 0.2))[None, None]  # upright
    turned = torch.tensor([[[0.0, 0.1, 0.0], [-0.1, 0.0, 0.0]]]).double()
    assert moved(turned, ["turn"]).item() == pytest.approx(0.1)
    assert of_moments(through(bar, turned))["slant"].item() == pytest.approx(0.1, rel=0.15), (
        "clockwise: top to the right"
    )


def test_how_far_numbers_follow_motions_has_known_answers():
    draw = torch.randn(20_000, 4, generator=seeded(), dtype=torch.float64)
    motions, rest = draw[:, :2], draw[:, 2:]
    assert equivariance(motions * torch.tensor([2.0, 0.01]) + 5, motions).item() == pytest.approx(1)
    assert equivariance(-motions, motions).item() == pytest.approx(-1)
    assert equivariance(rest, motions).item() == pytest.approx(0, abs=0.02)
    assert equivariance(motions + rest, motions).item() == pytest.approx(0.5**0.5, abs=0.01), "half of its variance"
    assert equivariance(torch.zeros_like(motions), motions).item() == 0, "numbers that stay as they are"
    still = torch.zeros(4, 2, requires_grad=True)
    equivariance(still * 1.0, motions[:4].float()).backward()
    assert still.grad is not None and still.grad.isfinite().all()


@pytest.mark.parametrize("owner", ["judge", "generator"])
def test_equivariance_is_of_real_and_made_images_and_moves_whoever_owns_the_recogniser(owner):
    model = pair(equivariance=2.0, follow={"c2": "slant", "c3": "width"}, owner=owner)
    for player in model.game(Optimiser(), seeded()).players:
        scene = InfoGANScene(model, batch(32), seeded())
        terms = {term.name: term for term in player.terms(scene)}
        assert ("equivariance" in terms) == (player.name == owner)
        if player.name == owner:
            weighed, values = terms["equivariance"], []
            for looks in (scene.real, scene.caught if owner == "judge" else scene.shown):
                before, after = model.recognised(looks.plain), model.recognised(looks.pushed)
                for place, sign in (((0, 1), 1), ((0, 0), -1)):
                    name, motion = ("c2", "c3")[len(values) % 2], sign * looks.maps[:, place[0], place[1]]
                    change = (after[name].mean - before[name].mean)[:, 0]
                    values.append(torch.corrcoef(torch.stack([change, motion]))[0, 1].item())
            assert weighed.weight == -2.0 and weighed.value.item() == pytest.approx(sum(values) / 4, abs=1e-5)
            gradients = torch.autograd.grad(weighed.value, list(model.encoder.codes.parameters()), allow_unused=True)
            assert all(g is not None and g.isfinite().all() for g in gradients)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"follow": {"c1": "slant"}, "equivariance": 1.0},
            r"model\.follow names codes that are numbers: c2, c3\. Got c1",
        ),
        ({"follow": {"c2": "slat"}, "equivariance": 1.0}, r"model\.follow\.c2: .*slat.*slant"),
        ({"follow": {"c2": "turn", "c3": "turn"}, "equivariance": 1.0}, r"two numbers follow 'turn'"),
        ({"follow": {"c2": "slant"}}, r"Here model\.equivariance is 0: set both, as in .*c2=\"slant\""),
        ({"equivariance": 1.0}, r"Here model\.follow is empty: set both"),
        ({"follow": {"c2": "slant"}, "equivariance": 1.0, "distortion": 0.0}, r"a model\.distortion above 0\. Got 0"),
        ({"follow": {"c2": "slant"}, "equivariance": 1.0, "inform": False}, r"it needs model\.inform=true"),
        ({"mirror": ["c2"]}, r"Here model\.symmetry is 0: set both"),
        ({"symmetry": 1.0}, r"Here model\.mirror is empty: set both"),
        ({"symmetry": 1.0, "mirror": ["c2", "c2"]}, r"names 'c2' twice"),
        ({"symmetry": 1.0, "mirror": ["c2", "c9"]}, r"model\.mirror names codes that are numbers: c2, c3\. Got c9"),
        ({"symmetry": 1.0, "mirror": ["c1"]}, r"Got c1"),
    ],
)
def test_motions_and_mirrors_that_do_not_fit_the_codes_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        pair(**settings)


class Leaning(nn.Module):
    """Makes images that grow to the right by c2, and get brighter by c3."""

    def forward(self, z: Tensor) -> Tensor:
        across = torch.linspace(-1, 1, SHAPE[-1])
        c2, c3 = z[:, -2, None, None, None], z[:, -1, None, None, None] / 10
        return torch.logit(0.5 + 0.2 * c2 * across + 0.2 * (c3 - 0.5)).expand(-1, *SHAPE)


def test_images_are_symmetric_where_the_right_numbers_change_sign_in_a_mirror():
    apart = {}
    for mirror in ([], ["c2"], ["c3"], ["c2", "c3"]):
        model = pair()
        model.decoder, model.mirror = Leaning(), tuple(mirror)
        scene = InfoGANScene(model, batch(64), seeded())
        apart[" ".join(mirror)] = asymmetry(*scene.mirrored).item()
        if mirror == ["c2", "c3"]:  # what c3 does is off by twice what it is from its middle
            c3 = scene.z[: len(scene.mirrored[0]), -1] / 10 - 0.5
            off = ((2 * 0.2 * c3) ** 2).mean() * math.prod(SHAPE) / scene.spread**2
            assert apart["c2 c3"] == pytest.approx(off.item(), rel=1e-4)
    assert apart["c2"] == pytest.approx(0, abs=1e-9)
    assert min(apart[wrong] for wrong in ("", "c3", "c2 c3")) > 0.01


@pytest.mark.parametrize("owner", ["judge", "generator"])
def test_symmetry_moves_the_generator_alone_and_leaves_its_statistics(owner):
    model = pair(symmetry=Ramp(2.0, 3.0, 10), mirror=["c2"], owner=owner)
    for player in model.game(Optimiser(), seeded()).players:
        scene = InfoGANScene(model, batch(32), seeded())
        terms = {term.name: term for term in player.terms(scene)}
        assert ("asymmetry" in terms) == (player.name == "generator")
    told = [*model.decoder.parameters(), *model.encoder.parameters()]
    gradients = torch.autograd.grad(terms["asymmetry"].value, told, allow_unused=True, retain_graph=True)
    assert all(g is None for g in gradients[len(list(model.decoder.parameters())) :]), "the generator's alone"
    weighed, few = terms["asymmetry"], scene.z[: len(scene.mirrored[0])]
    reflected = few.clone()
    reflected[:, model.codes.slice("c2")] *= -1
    made = model.decode(torch.cat([few, reflected]))
    off = (made[: len(few)].flip(3) - made[len(few) :]).flatten(1) / scene.spread
    assert weighed.value.item() == pytest.approx(off.square().sum(1).mean().item(), rel=1e-4)
    assert at(weighed.weight, 5) == pytest.approx(2.5)
    gradients = torch.autograd.grad(weighed.value, list(model.decoder.parameters()))
    assert all(g.isfinite().all() for g in gradients)
    scene = InfoGANScene(model, batch(32), seeded())
    statistics = {name: each for name, each in model.decoder.named_buffers() if name.endswith(("mean", "var"))}
    before = {name: each.clone() for name, each in statistics.items()}
    assert scene.mirrored and before and all(torch.equal(statistics[name], each) for name, each in before.items())


def test_copies_are_pushed_and_what_is_judged_is_not():
    model, seen = small(agreement=1.0, distortion=0.2), batch(32)
    plain = model.judged(seen.x)
    scene, again = (InfoGANScene(model, seen, seeded(1)) for _ in range(2))
    assert torch.equal(scene.real.plain, plain) and torch.equal(scene.real.pushed, again.real.pushed)
    assert (scene.real.pushed - plain).abs().max() > 0.2 * plain.std()
    model.distortion = 0.0
    assert torch.equal(InfoGANScene(model, seen, seeded(1)).real.pushed, plain)


def test_classes_are_told_from_pushed_images_and_numbers_from_those_as_they_are():
    model = small(agreement=1.0, distortion=0.4)
    scene = InfoGANScene(model, batch(32), seeded())
    bounds = {term.name: term.value for term in model._bounds(scene.shown, scene.z)}
    for code, columns in (("c1", scene.shown.pushed), ("c2", scene.shown.plain)):
        q = model.recognised(columns)[code]
        told = information(q, scene.z[:, model.codes.slice(code)], model.told.entropy(code))
        assert torch.equal(bounds[f"information/{code}"], told)
        other = scene.shown.plain if code == "c1" else scene.shown.pushed
        assert not torch.equal(columns, other)


def test_without_agreement_images_are_looked_at_once():
    model = small()
    looks = InfoGANScene(model, batch(32), seeded()).shown
    assert looks.plain is looks.pushed


@pytest.mark.parametrize("owner", ["judge", "generator"])
def test_agreement_moves_whoever_owns_the_recogniser(owner):
    model = small(agreement=1.0, owner=owner)
    players = {player.name: player for player in model.game(Optimiser(), seeded()).players}
    for name, player in players.items():
        terms = {term.name: term for term in player.terms(InfoGANScene(model, batch(32), seeded()))}
        assert ("agreement/c1" in terms) == (name == owner)
        if name == owner:
            weighed = terms["agreement/c1"]
            assert weighed.weight == -1.0 and 0 <= weighed.value.item() <= math.log(4)
            gradients = torch.autograd.grad(weighed.value, list(model.encoder.codes.parameters()), allow_unused=True)
            assert all(g is not None and g.isfinite().all() for g in gradients)


@pytest.mark.parametrize("owner", ["judge", "generator"])
def test_evenness_moves_whoever_owns_the_recogniser(owner):
    model = small(evenness=2.0, owner=owner)
    for player in model.game(Optimiser(), seeded()).players:
        scene, before = InfoGANScene(model, batch(32), seeded()), model.recent.clone()
        terms = {term.name: term for term in player.terms(scene)}
        assert ("unevenness" in terms) == (player.name == owner)
        if player.name == owner:
            weighed = terms["unevenness"]
            q = model.recognised(scene.real.plain)
            read = torch.cat([q["c2"].mean, q["c1"].mean], 1)  # a number, and the shares of four classes
            value = unevenness(read, before, [4])
            assert weighed.weight == 2.0 and weighed.value.item() == pytest.approx(value.item())
            assert torch.allclose(model.recent, torch.cat([read, before])[: len(before)], atol=1e-6), "remembered"
            assert not model.recent.requires_grad
            gradients = torch.autograd.grad(weighed.value, list(model.encoder.codes.parameters()), allow_unused=True)
            assert all(g is not None and g.isfinite().all() for g in gradients)


def pair(**settings: Any) -> InfoGAN:
    """Of two numbers, one with a range of its own, and a class."""
    codes = Codes(noise=Uniform(dim=3), c1=Categorical(4), c2=Uniform(-1.0, 1.0), c3=Uniform(0.0, 10.0))
    judge, generator = Adversarial(width=1 / 16).build(SHAPE, InfoGAN.columns(codes), codes.width)
    return InfoGAN(codes, judge, generator, **settings)


def test_how_each_number_changes_an_image_is_measured_within_its_range_in_units_of_the_spread_of_images():
    model = pair(orthogonality=1.0)
    model.decoder = nn.Sequential(nn.Linear(model.codes.width, math.prod(SHAPE)), nn.Unflatten(1, SHAPE))
    scene = InfoGANScene(model, batch(32), seeded())
    apart = (scene.x - scene.x.mean(0)).flatten(1).norm(dim=1).square().mean().sqrt().item()  # of real images
    z, changes = scene.z[: len(scene.changes)], scene.changes
    for place, (name, lo, hi) in enumerate((("c2", -1.0, 1.0), ("c3", 0.0, 10.0))):
        moved, column = z.clone(), model.codes.slice(name).start
        middle = (lo + hi) / 2
        moved[:, column] += torch.where(z[:, column] > middle, -1, 1) * (hi - lo) / 8
        assert ((moved[:, column] >= lo) & (moved[:, column] <= hi)).all()
        expected = (model.decode(moved) - model.decode(z)).flatten(1) / (math.sqrt(12) / 8 * apart)
        assert torch.allclose(changes[:, place], expected, atol=1e-6) and expected.abs().max() > 1e-3
    assert changes.shape == (len(z), 2, math.prod(SHAPE))


def test_looking_at_changes_leaves_running_statistics_and_stands_images_that_are_all_alike():
    model = pair(orthogonality=1.0)
    same = batch(32)
    scene = InfoGANScene(model, replace(same, x=same.x[:1].expand_as(same.x)), seeded())
    before = {name: each.clone() for name, each in model.decoder.named_buffers() if name.endswith(("mean", "var"))}
    assert scene.changes.isfinite().all() and before
    after = dict(model.decoder.named_buffers())
    assert all(torch.equal(after[name], each) for name, each in before.items())
    model.decode(scene.z)
    assert any(not torch.equal(after[name], each) for name, each in before.items()), "as others do not"


@pytest.mark.parametrize("owner", ["judge", "generator"])
@pytest.mark.parametrize(("option", "name"), [("orthogonality", "ima contrast"), ("visibility", "faintness")])
def test_orthogonality_and_visibility_move_the_generator_alone(owner, option, name):
    model = pair(owner=owner, **{option: 3.0})
    for player in model.game(Optimiser(), seeded()).players:
        terms = {term.name: term for term in player.terms(InfoGANScene(model, batch(32), seeded()))}
        assert (name in terms) == (player.name == "generator")
        if player.name == "generator":
            weighed = terms[name]
            assert weighed.weight == 3.0 and weighed.value.item() > 0
            told = [*model.decoder.parameters(), *model.encoder.parameters()]
            gradients = torch.autograd.grad(weighed.value, told, allow_unused=True)
            made = len(list(model.decoder.parameters()))
            assert all(g is not None and g.isfinite().all() for g in gradients[:made])
            assert all(g is None for g in gradients[made:])


def test_each_number_has_a_length_from_which_on_it_is_seen():
    scene = InfoGANScene(pair(), batch(32), seeded())
    lengths = scene.changes.norm(dim=2)
    for visible in (0.5, [4.0, 0.5]):
        model = pair(visibility=1.0, visible=visible)
        _, generator = model.game(Optimiser(), seeded()).players
        model.load_state_dict(scene.model.state_dict())
        terms = {term.name: term.value for term in generator.terms(InfoGANScene(model, batch(32), seeded()))}
        wanted = torch.tensor(visible).log().expand(2)
        expected = (wanted - lengths.log()).clamp_min(0).sum(1).mean()
        assert torch.allclose(terms["faintness"], expected, atol=1e-5) and expected > 0
    with pytest.raises(ValueError, match=r"model\.visible is one length for all numbers, or one for each of 2\."):
        pair(visibility=1.0, visible=[1.0, 0.5, 0.5])


def test_a_plain_gan_with_the_recogniser_at_the_generator_is_refused():
    with pytest.raises(ValueError, match=r"watches beside the judge.*model\.owner=judge"):
        small(inform=False, owner="generator")


@pytest.mark.parametrize(("table", "normed"), [("svhn", 1), ("celeba", 1), ("mnist", 1), ("faces", 1), ("chairs", 4)])
def test_which_up_convolutions_are_normalised(table: str, normed: int):
    shape = {"mnist": (1, 28, 28), "chairs": (1, 64, 64), "faces": (1, 32, 32)}.get(table, (3, 32, 32))
    _, generator = Adversarial(table=table, width=0.1).build(shape, params=4, width=5)
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in generator.layers) == normed


def test_all_up_convolutions_but_the_last_are_normalised_on_demand():
    _, generator = Adversarial(table="celeba", width=0.1, bare=0).build((3, 32, 32), params=4, width=5)
    kinds = [type(layer) for layer in generator.layers if not isinstance(layer, nn.Unflatten)]
    assert kinds[3:] == [nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU] * 3 + [nn.ConvTranspose2d]
    with pytest.raises(ValueError, match=r"bare is 0 to 3 in the table 'celeba'\. Got 4\."):
        Adversarial(table="celeba", bare=4).build((3, 32, 32), params=4, width=5)


A_CLASS, A_NUMBER = (Codes(noise=Uniform(dim=3), c1=each) for each in (Categorical(4), Uniform()))


@pytest.mark.parametrize(
    ("option", "few", "needs"),
    [
        ("agreement", A_NUMBER, "needs a code of classes"),
        ("visibility", A_CLASS, "needs a code that is a number"),
        ("orthogonality", A_NUMBER, "it needs two or more"),
    ],
)
def test_a_weight_without_codes_that_it_is_of_is_refused(option, few, needs):
    model = pair()
    for settings in ({"inform": False}, {"codes": few}):
        given = {"codes": model.codes, option: 1.0, **settings}
        with pytest.raises(ValueError, match=rf"model\.{option}.*{needs}"):
            InfoGAN(encoder=model.encoder, decoder=model.decoder, **given)


def test_evenness_is_of_any_codes_that_a_generator_is_told_by():
    judge, generator = Adversarial(width=1 / 16).build(SHAPE, InfoGAN.columns(A_CLASS), A_CLASS.width)
    model = InfoGAN(A_CLASS, judge, generator, evenness=1.0)
    looks, before = InfoGANScene(model, batch(32), seeded()).real, model.recent.clone()
    shares = model.recognised(looks.plain)["c1"].mean
    assert model._unevenness(looks).value.item() == pytest.approx(unevenness(shares, before, [4]).item())
    with pytest.raises(ValueError, match=r"model\.evenness is of the codes.*needs model\.inform=true"):
        InfoGAN(A_CLASS, judge, generator, evenness=1.0, inform=False)


def test_a_range_of_its_own_is_read_in_shares():
    wide, plain = Codes(noise=Uniform(dim=6), c1=Uniform(0.0, 10.0)), small()
    judge, generator = Adversarial(width=1 / 16).build(SHAPE, InfoGAN.columns(wide), wide.width)
    model = InfoGAN(wide, judge, generator, evenness=1.0)
    assert plain.evenness == 0 and not hasattr(plain, "recent")
    looks = InfoGANScene(model, batch(32), seeded()).real
    model._unevenness(looks)
    assert torch.allclose(model.recent[:32], model.recognised(looks.plain)["c1"].mean / 5 - 1, atol=1e-6)


def test_a_gan_without_codes_is_refused():
    with pytest.raises(ValueError, match="needs a code beside the noise"):
        InfoGAN(Codes(noise=Uniform(dim=3)), *Adversarial(width=1 / 16).build(SHAPE, 2, 3))
    with pytest.raises(RecipeError, match="needs a code beside the noise"):
        InfoGAN.name_codes(3, categorical=(), continuous=0)


def test_codes_are_found_in_stripes_without_a_label():
    """Images of one bright column in four: the categorical code comes to tell which, and the recogniser to know."""
    source = torch.Generator().manual_seed(1)
    which = torch.randint(4, (512,), generator=source)
    images = 0.05 * torch.rand(512, 1, 8, 8, generator=source)
    for column in range(4):
        images[which == column, :, :, 2 * column : 2 * column + 2] += 0.9

    data = from_arrays(images.numpy(), seed=0)
    codes = Codes(noise=Uniform(dim=4), c1=Categorical(4))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        judge, generator = Adversarial(width=1 / 8).build((1, 8, 8), InfoGAN.columns(codes), codes.width)
    model = InfoGAN(codes, judge, generator)
    generators = Generators(0)
    game = model.game(Optimiser(lr=2e-3, betas=(0.5, 0.999)), generators["noise"])
    Trainer(game, data, Plan(steps=300, batch_size=64, validate_every=0), generators).run()
    with torch.no_grad():
        told = model.recognised(model.judged(images))["c1"].mean.argmax(1)
    table = torch.zeros(4, 4)
    table.index_put_((which, told), torch.ones(512), accumulate=True)
    assert table.max(1).values.sum().item() / 512 >= 0.95
    assert len(set(table.argmax(1).tolist())) == 4


# --- as a Space -------------------------------------------------------------------------------------------------------


@pytest.fixture
def space() -> Space:
    spec = Spec(
        "infogan",
        SHAPE,
        6,
        nets={"name": "adversarial", "width": 1 / 16},
        settings={"categorical": [4], "continuous": 1},
    )
    return Space(build(spec, seed=0), spec)


def test_codes_are_set_by_their_names_a_categorical_one_by_its_class(space: Space):
    assert space.knobs == ["c1", "c2"]
    z = space.moved(space.codes.sample(3, seeded()), c1=2)
    assert torch.equal(z[:, space.codes.slice("c1")], torch.eye(4)[[2, 2, 2]])
    a, b = (space.sample(3, seeded(), c1=2, c2=c2).plain() for c2 in (-1.0, 1.0))
    assert not torch.equal(a, b)
    with pytest.raises(DataError, match=r"'c1' is one of the classes 0 to 3. Got 4"):
        space.sample(3, c1=4)
    with pytest.raises(DataError, match=r"'c1' is one of the classes 0 to 3. Got 0.5"):
        space.sample(3, c1=0.5)


def test_traversals_go_through_classes_and_over_twice_the_range_of_the_other_codes(space: Space):
    z = space.codes.sample(3, seeded())
    assert space.traverse(None, "c1", at=z).shape == (3, 4, *SHAPE)
    reached = space.traverse(None, "c2", at=z).plain()
    ends = [space.decode(space.moved(Put(space.codes.slice("c2").start, end)(z))).plain() for end in (-2.0, 2.0)]
    assert torch.equal(reached[:, 0], ends[0])
    assert torch.equal(reached[:, -1], ends[1])


def test_what_it_was_told_is_measured_and_what_it_cannot_make_again_is_not(space: Space):
    source = np.random.default_rng(0)
    data = from_arrays(source.random((60, 28, 28)), {"light": source.random(60)}, seed=0)
    found = space.measure(data, "training", resamples=0)
    assert "elbo" not in found.scores and "scc" in found.scores
    assert any("no likelihood" in note for note in found.notes)
    with pytest.raises(DataError, match="no likelihood, so there is no bound"):
        space.measure(data, "training", parts=["bound"])


def test_controls_are_learned_over_codes_and_noise_and_stay_in_their_range(space: Space):
    """A rule, asked about what the generator makes: the encoder, which knows nothing of the noise, is not asked."""

    def light(images: np.ndarray) -> np.ndarray:
        return np.clip((images.mean((1, 2)) / 255 - 0.40) / 0.04, 0, 1)

    space.model.settle([batch(64).x] * 2, seeded())
    with torch.no_grad():
        space.model.decoder.layers[-1].weight.mul_(100)  # type: ignore[union-attr,operator]
    weights_before = space.fingerprint
    bright = light((space.sample(400, seeded(1)).plain()[:, 0] * 255).numpy())
    assert 0.2 < bright.mean() < 0.8 and bright.std() > 0.1
    judging = Judging(nets=LatentNets(64, 2), steps=600, batch_size=128)
    space.controls.learn_rule("light", light, judged=2000, judging=judging, rounds=0)
    goal = space.controls["light"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # some do not reach all of it
        z = space.controls.move(space.codes.sample(100, seeded(2)), [goal.wish("high")], fresh=True, by="descent")
    uniform = torch.cat([z[:, space.codes.slice("noise")], z[:, space.codes.slice("c2")]], 1)
    assert uniform.min() >= -1 and uniform.max() <= 1
    assert torch.equal(z[:, space.codes.slice("c1")].sum(1), torch.ones(100))
    made = light((space.decode(z).plain()[:, 0] * 255).numpy())
    assert made.mean() > bright.mean() + bright.std()
    assert space.fingerprint == weights_before


def test_a_gan_has_no_way_back_and_does_not_walk(space: Space):
    with pytest.raises(DataError, match="no way back from an image"):
        space.walk(batch().x)


def test_settling_measures_batch_statistics_of_real_images_and_of_the_prior():
    model, x = small(), [batch(64, seed).x for seed in range(3)]
    model.settle(x, seeded())
    first = next(layer for layer in model.encoder.trunk if isinstance(layer, nn.BatchNorm2d))
    with torch.no_grad():
        seen = [model.encoder.trunk[1](model.encoder.trunk[0](part)) for part in x]
        means = torch.stack([model.encoder.trunk[2](part).mean((0, 2, 3)) for part in seen]).mean(0)
    assert first.running_mean is not None
    assert torch.allclose(first.running_mean, means, atol=1e-5)
    assert first.momentum == 0.1
    assert not model.training or not model.encoder.training


# --- what goes wrong, in plain words ----------------------------------------------------------------------------------

WELL = {
    "believed real": 0.6,
    "believed made": 0.4,
    "spread": 0.95,
    "information/c1": 2.2,
    "rarest/c1": 0.9,
    "swapped/c1": 0.02,
    "information/c2": 0.9,
    "sigma/c2": 0.1,
}
ENTROPIES = {"c1": math.log(10), "c2": math.log(2)}


@pytest.mark.parametrize(
    ("wrong", "floor", "words"),
    [
        ({"believed real": 0.99, "believed made": 0.01}, 0.05, "The judge has won: it believes 99 % of real"),
        ({"spread": 0.1}, 0.05, "they spread 10 % as far"),
        ({"information/c1": 0.1}, 0.05, "Images hardly tell c1: 4 % of all that there is to tell"),
        ({"rarest/c1": 0.2}, 0.05, "it has 20 % of an equal share"),
        ({"swapped/c1": 0.3}, 0.05, "Classes of c1 run into each other: 30 %"),
        ({"sigma/c2": 0.0004}, 0.0, "sigma of c2 is nearly 0: 0.0004, and its bound grows without end"),
    ],
)
def test_what_goes_wrong_is_said(wrong: dict[str, float], floor: float, words: str):
    (remark,) = symptoms.said(WELL | wrong, ENTROPIES, floor)
    assert words in remark.text


def test_a_number_that_images_do_not_tell_is_said():
    most = math.log(2) - 0.5 * math.log(2 * math.pi)  # of a number on [-1, 1] that is told with sigma = 1
    told = WELL | {"sigma/c2": 1.0, "information/c2": most - 0.95 / 6}  # 0.05 of its variance is explained
    (remark,) = symptoms.said(told, ENTROPIES, 0.05)
    assert "hardly tell c2: what is recognised explains 5 % of the variance" in remark.text
    (remark,) = symptoms.said(WELL | {"sigma/c2": 0.0}, ENTROPIES, 0.0)
    assert "sigma of c2 is nearly 0: 0, and its bound" in remark.text
    assert list(symptoms.said(told | {"information/c2": most - 0.8 / 6}, ENTROPIES, 0.05)) == []


def test_codes_that_fail_alike_share_a_sentence():
    numbers, entropies = dict(WELL), dict(ENTROPIES)
    for name, told, rarest in (("c3", 0.0, 1.0), ("c4", 0.23, 1.0), ("c5", 2.2, 0.2), ("c6", 2.2, 0.25)):
        entropies[name] = math.log(10)
        numbers |= {f"information/{name}": told, f"rarest/{name}": rarest, f"swapped/{name}": 0.0}
    untold, rare = symptoms.said(numbers, entropies, 0.05)
    assert untold.text.startswith("Images hardly tell each of c3, c4: 0 to 10 % of all")
    assert untold.about == {"untold c3", "untold c4"}
    assert rare.text.startswith("A class of each of c5, c6 is hardly found") and "it has 20 to 25 % of" in rare.text


def test_codes_are_remarked_on_when_their_ramps_have_ended():
    ramp = Ramp(0.0, 0.5, 10, then=Ramp(0.5, 1.0, 10))
    model, numbers = small(information=ramp), WELL | {"information/c1": 0.0, "information/c2": -2.0, "sigma/c2": 1.0}
    assert [len(model.remarks(numbers, step)) for step in (0, 10, 19, 20, 1000)] == [1, 1, 1, 2, 2]
    assert "tell c2" in model.remarks(numbers, 0)[0].text and len(model.remarks(numbers)) == 2
    assert not small(inform=False).remarks(numbers)


def test_where_all_is_well_nothing_is_said():
    assert list(symptoms.said(WELL, ENTROPIES, 0.05)) == []
    assert list(symptoms.said(WELL | {"sigma/c2": 0.0004}, ENTROPIES, 0.0001)) == []  # it has a floor
    assert list(symptoms.said(WELL | {"information/c1": 0.0}, {}, 0.05)) == []  # a recogniser that only watches


def test_rare_and_swapped_classes_are_counted_by_hand():
    real = torch.eye(3)[[0, 0, 0, 1, 1, 1, 1, 2]]
    copies = torch.eye(3)[[0, 0, 1, 1, 1, 1, 0, 2]]
    q, other = OneOf(200 * real), OneOf(200 * copies)
    sigma = Gaussian(torch.zeros(8, 1), torch.full((8, 1), 0.3))
    found = symptoms.measured({"c1": q, "c2": sigma}, {"c1": other, "c2": sigma}, {"c1": q, "c2": sigma})
    assert found == pytest.approx({"rarest/c1": 3 / 8, "swapped/c1": 1 / 3, "sigma/c2": 0.3})


def test_remarks_are_logged_said_once_and_taken_back(tmp_path, monkeypatch, capsys):
    data = from_arrays(np.random.default_rng(0).random((80, 8, 8)).astype(np.float32), seed=0)
    codes = InfoGAN.name_codes(3, categorical=(4,), continuous=1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        judge, generator = Adversarial(width=1 / 8).build((1, 8, 8), InfoGAN.columns(codes), codes.width)
    model, generators = InfoGAN(codes, judge, generator), Generators(0)
    bad, worse = Remark("By 9 % bad.", frozenset({"bad c1"})), Remark("By 12 % worse.", frozenset({"worse"}))
    both = Remark("Both 11 % bad.", frozenset({"bad c1", "bad c2"}))
    saying = iter([(2, [bad]), (3, [bad]), (4, [worse, both]), (5, []), (6, [bad])])
    monkeypatch.setattr(trainer, "HARDLY_BEGUN", 2)  # of 6 updates: the first look is too early to say anything

    def remark(_: dict[str, float], step: int) -> list[Remark]:
        expected, said = next(saying)
        assert step == expected
        return said

    game = model.game(Optimiser(), generators["noise"])
    plan = Plan(epochs=6, batch_size=64, log_every=1)
    Trainer(
        game, data, plan, generators, folder=tmp_path, validate=lambda: {"a": 1}, remark=remark, progress=True
    ).run()
    lines = [line for line in read_log(tmp_path) if "validation/a" in line]
    expected = [None, [bad.text], [bad.text], [worse.text, both.text], [], [bad.text]]
    assert [line.get("remarks") for line in lines] == expected
    said = capsys.readouterr()
    shown = re.findall("after (.*)\\.", said.out + said.err)
    assert shown == ["2 updates: By 9 % bad", "4 updates: By 12 % worse", "4 updates: Both 11 % bad"]


def test_a_model_that_has_learned_nothing_is_remarked_on():
    model, x = small(), batch(64).x
    with torch.no_grad():
        found = model.eval().validation(x, seeded())
    assert any("Images hardly tell c1" in each.text for each in model.remarks(found))

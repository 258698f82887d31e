"""Walks: chains whose answers are known, what holds of every model, how they are seen, measured and typed."""

from __future__ import annotations

import gc
import sys
import weakref
from itertools import islice, pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from latune import cli
from latune.chains import Clamp, Noise, Step, Walk, as_mask, guided, window
from latune.classifier import Classifier
from latune.codes import Codes, Normal
from latune.controls import Control, Critics
from latune.data import load
from latune.errors import DataError
from latune.measurement.inpainting import occluded, squares
from latune.measurement.walks import Seen
from latune.models import MODELS, VAE, Spec, build
from latune.moves import Shift
from latune.nets import LatentNets, MaxoutGuide
from latune.pictures import Images
from latune.space import Space
from latune.terms import Gaussian

CLOSE = {"atol": 1e-5, "rtol": 0}  # kernels may sum a batch in another order than a single example


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture
def x(digits) -> Tensor:
    return digits.images(digits.splits["test"][:6])


def frames(walk: Walk) -> Tensor:
    return walk.images().plain()


# --- a chain whose answer is known ------------------------------------------------------------------------------------

WEIGHTS, SIGMA = torch.tensor([[1.2, 0.0], [0.0, 0.5], [1.6, 0.0], [0.0, -0.7]]), 0.6


class Turned(nn.Module):
    """A linear map of images `(n, 1, 2, 2)` to mean and log scale of two codes, or back."""

    def __init__(self, matrix: Tensor, log_scale: Tensor | None = None) -> None:
        super().__init__()
        self.matrix, self.log_scale = nn.Parameter(matrix), log_scale

    def forward(self, x: Tensor) -> Tensor:
        y = x.flatten(1) @ self.matrix.T
        return torch.cat([y, self.log_scale.expand_as(y)], 1) if self.log_scale is not None else y.view(-1, 1, 2, 2)


@pytest.fixture
def linear() -> VAE:
    """x = W z + noise with its exact posterior: W's columns are orthogonal, so it is diagonal."""
    shrink = SIGMA**2 / (SIGMA**2 + WEIGHTS.square().sum(0))  # variance of the posterior
    encoder = Turned((shrink / SIGMA**2)[:, None] * WEIGHTS.T, 0.5 * shrink.log())
    return VAE(Codes(z=Normal(2)), encoder, Turned(WEIGHTS), Gaussian(SIGMA, squash="none")).eval()


def stationary(model: VAE, sample_x: bool) -> Tensor:
    """Covariance over many chains after many steps."""
    n = 6000
    step = Step(model, Noise(n, seed=1), sample_x=sample_x)
    x = torch.zeros(n, 1, 2, 2)
    with torch.no_grad():
        x = (step * 60)(x)
    return x.flatten(1).T.cov()


def test_with_the_exact_posterior_a_chain_is_gibbs_sampling(linear):
    truth = WEIGHTS @ WEIGHTS.T + SIGMA**2 * torch.eye(4)
    assert torch.allclose(stationary(linear, sample_x=True), truth, atol=0.15, rtol=0.05)


def test_handing_on_means_shrinks_the_distribution(linear):
    # z' = a z + N(0, 1 - a) along each column of W, with a = w^2 / (w^2 + sigma^2): its variance is 1 / (1 + a).
    square = WEIGHTS.square().sum(0)
    truth = WEIGHTS @ torch.diag(1 / (1 + square / (square + SIGMA**2))) @ WEIGHTS.T
    got = stationary(linear, sample_x=False)
    assert torch.allclose(got, truth, atol=0.05, rtol=0.05)
    full = WEIGHTS @ WEIGHTS.T + SIGMA**2 * torch.eye(4)
    assert torch.linalg.eigvalsh(full - got).min() > 0.2


def test_a_step_is_differentiable_where_x_is_a_mean(linear):
    x = torch.rand(3, 1, 2, 2, requires_grad=True)
    (Step(linear, Noise(3)) * 4)(x).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().min() > 0
    assert linear.encoder.matrix.grad.abs().sum() > 0


def test_bernoulli_pixels_are_drawn_as_often_as_they_are_likely(space):
    z = space.model.codes.sample(1, torch.Generator().manual_seed(0)).expand(4000, -1)
    still = type("Still", (), {})()  # a model that always gives the same code
    still.posterior = lambda x: type(space.posterior(x[:1]))(z[: len(x)], torch.zeros_like(z[: len(x)]))
    still.decode, still.raw, still.likelihood = space.model.decode, space.model.raw, space.model.likelihood
    with torch.no_grad():
        drawn = Step(still, Noise(4000), sample_x=True)(torch.zeros(4000, 1, 8, 8))
        mean = space.model.decode(z[:1])
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert (drawn.mean(0) - mean[0]).abs().max() < 0.04


def test_streams_of_noise_are_normal_and_apart():
    noise = torch.stack([Noise(500, seed=s).normal("z", 9) for s in (0, 1)])
    assert noise.mean().abs() < 0.03
    assert noise.std() == pytest.approx(1, abs=0.03)
    assert torch.corrcoef(noise.flatten(1))[0, 1].abs() < 0.05
    one = Noise(500)
    first, second = one.normal("z", 9), one.normal("z", 9)
    assert torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1].abs() < 0.05
    # many more draws than are made at a time, as asked for one by one
    long = Noise(2)
    rows = torch.stack([long.normal("z", 3000) for _ in range(5)])
    assert len(rows.unique()) > 0.999 * rows.numel()


# --- every walk -------------------------------------------------------------------------------------------------------


def test_a_walk_encodes_draws_and_decodes(space, x):
    walk = space.walk(x, 3, seed=5)
    noise, now = Noise(len(x), 5), x
    for frame in walk:
        assert isinstance(frame, Images)
        q = space.posterior(now)
        now = space.decode(q.mean + q.scale * noise.normal("z", 16)).plain()
        assert torch.allclose(frame.plain(), now, **CLOSE)
    assert repr(walk) == "Walk(6 chains, 3 steps, a frame every 1)"


def test_frames_are_the_same_each_time_however_many_follow(space, x, monkeypatch):
    long = frames(space.walk(x, 12))
    assert long.shape == (6, 12, 1, 8, 8)
    assert torch.equal(long, frames(space.walk(x, 12)))
    assert torch.equal(long[:, :5], frames(space.walk(x, 5)))
    assert not torch.allclose(long, frames(space.walk(x, 12, seed=1)), atol=1e-3)
    for_ever = space.walk(x)
    assert torch.equal(long, torch.stack([frame.plain() for frame in islice(for_ever, 12)], 1))
    assert torch.equal(long[:, 3::4], frames(space.walk(x, 12, every=4)))
    assert space.walk(x, 13, every=4).numbers == [4, 8, 12]
    # nor do they depend on how many pass through a network at once, or walk beside
    monkeypatch.setattr("latune.chains.step.CHUNK", 4)
    assert torch.allclose(long, frames(space.walk(x, 12)), **CLOSE)
    assert torch.allclose(long[:2], frames(space.walk(x[:2], 12)), **CLOSE)


def test_a_walk_keeps_no_frames(space, x):
    kept = []
    for i, frame in enumerate(space.walk(x)):
        kept.append(weakref.ref(frame))
        if i == 40:
            break
    del frame
    gc.collect()
    assert sum(each() is not None for each in kept) == 0


def test_the_mean_walk_is_one_path(space, x):
    walk = frames(space.walk(x, 3, sample_z=False))
    assert torch.equal(walk, frames(space.walk(x, 3, sample_z=False, seed=9)))
    once = space.decode(space.encode(x))
    assert torch.allclose(walk[:, 0], once.plain(), **CLOSE)
    assert torch.allclose(walk[:, 1], space.decode(space.encode(once)).plain(), **CLOSE)


def test_what_is_held_stays_bit_for_bit(space, x, tmp_path):
    free = frames(space.walk(x, 6))
    assert torch.equal(frames(space.walk(x, 6, clamp=np.zeros((8, 8)))), free)
    for whole in (torch.ones(8, 8), np.ones((1, 8, 8), bool), torch.ones(6, 1, 8, 8, dtype=torch.uint8)):
        assert torch.equal(frames(space.walk(x, 6, clamp=whole)), x[:, None].expand(-1, 6, -1, -1, -1))
    top = torch.zeros(8, 8)
    top[:4] = 1
    walk = frames(space.walk(x, 6, clamp=top, fixed=x[:1]))
    assert torch.equal(walk[..., :4, :], x[:1, None, :, :4].expand(6, 6, -1, -1, -1))
    assert not torch.allclose(walk[..., 4:, :], free[..., 4:, :], atol=1e-3)
    # half held is half way
    half = frames(space.walk(x, 1, clamp=0.5 * torch.ones(8, 8), sample_z=False))[:, 0]
    assert torch.allclose(half, 0.5 * x + 0.5 * space.decode(space.encode(x)).plain(), **CLOSE)
    # a drawn mask: white is held
    Image.fromarray((255 * top).byte().numpy()).save(tmp_path / "top.png")
    assert torch.equal(walk, frames(space.walk(x, 6, clamp=tmp_path / "top.png", fixed=x[:1])))


def test_what_is_hidden_is_not_seen(space, x):
    mask = window(space.shape, (2, 6), (2, 6))
    other = mask * x + (1 - mask) * (1 - x)
    for begin in ("blank", "noise"):
        a, b = (space.walk(each, 3, clamp=mask, begin=begin) for each in (x, other))
        assert torch.equal(frames(a), frames(b))
        assert torch.equal(mask * a.beginning(), mask * x)
    assert not torch.equal(frames(space.walk(x, 3, clamp=mask)), frames(space.walk(other, 3, clamp=mask)))
    begun = space.walk(x, 3, clamp=mask, begin="noise").beginning()[..., 2:6, 2:6]
    assert 0.3 < begun.mean() < 0.7
    assert begun.std() == pytest.approx(12**-0.5, abs=0.06)


def test_a_thousand_chains_walk_at_once(space, digits):
    x = digits.images(digits.splits["training"][:1000])
    last = [frame.plain() for frame in space.walk(x, 5)][-1]
    assert last.shape == (1000, 1, 8, 8)
    alone = [frame.plain() for frame in space.walk(x[:1], 5)][-1]
    assert torch.allclose(last[:1], alone, **CLOSE)
    assert list(space.walk(x[:0], 2))[1].shape == (0, 1, 8, 8)


# --- walks that carry controls ----------------------------------------------------------------------------------------


@pytest.fixture
def real(space) -> Control:
    """A realism control that was not trained: whatever it does must be done in each step."""
    nets, dims = LatentNets(8, 1), space.codes.width
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic, actor = Critics([nets.critic(dims, outputs=1)]), nets.actor(dims, 0)
    scale = torch.ones(dims)
    control = Control(
        "realism", "realism", critic, scale.new_zeros(0, dims), scale, space.fingerprint, nets, actor, nets
    )
    return space.controls.add(control, save=False)


def test_a_walk_carries_controls(space, x, real):
    for change in ({"realism": 0.5}, {"thickness": 0.4}, {"realism": 1.0, "slant": -0.2}):
        noise, now = Noise(len(x)), x
        for frame in space.walk(x, 3, **change):
            q = space.posterior(now)
            now = space.decode(space.moved(q.mean + q.scale * noise.normal("z", 16), **change)).plain()
            assert torch.allclose(frame.plain(), now, **CLOSE)
        assert not torch.allclose(now, frames(space.walk(x, 3))[:, -1], atol=1e-3)


def test_a_step_takes_any_move(space, x):
    thicker = Shift(space.codes.columns().index("thickness"), 1.0)
    step = Step(space.model, sample_z=False, move=thicker) >> Clamp(torch.zeros(1, 1, 8, 8), x)
    with torch.no_grad():
        assert torch.allclose(step(x), space.edit(x, thickness=1.0).plain(), **CLOSE)


def test_a_guide_leads_codes_to_its_contour_and_no_further(space, x):
    slant = space.codes.columns().index("slant")

    def in_z(z: Tensor) -> Tensor:
        return z[:, slant : slant + 1] - 0.5

    def in_x(images: Tensor) -> Tensor:
        return images.mean((1, 2, 3)) - 0.3  # wants ink

    z = space.encode(x)
    moved = guided(in_z, steps=200)(z)
    free = in_z(z)[:, 0] >= 0
    assert torch.equal(moved[free], z[free])
    assert (in_z(moved) >= 0).all()
    assert (moved[~free, slant] < 0.7).all()
    inked = space.decode(guided(in_x, space.model.decode, steps=200)(z)).plain()
    assert in_x(space.decode(z).plain()).min() < 0 < in_x(inked).min() + 1e-4
    last = frames(space.walk(x, 3, move=guided(in_x, space.model.decode, steps=200), thickness=0.1))[:, -1]
    assert in_x(last).min() > -1e-4
    assert in_x(frames(space.walk(x, 3, thickness=0.1))[:, -1]).min() < -0.01


@pytest.mark.parametrize("where", ["x", "z"])
def test_the_guide_of_a_shaped_model_acts_in_its_walks(where, x):
    spec = Spec("vgsn", (1, 8, 8), 5, (), {"name": "mlp", "hidden": [16]}, {"guide": where, "guide_units": 4})
    space = Space(build(spec, seed=0), spec)
    guide = space.model.guide
    z = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
    move = guided(guide, space.model.decode if where == "x" else None, steps=30)
    look = (lambda codes: guide(space.model.decode(codes))) if where == "x" else guide
    with torch.no_grad():
        before, after = look(z).flatten(), look(move(z)).flatten()
    assert torch.equal(after[before >= 0], before[before >= 0])
    assert (after[before < 0] > before[before < 0]).all()
    assert frames(space.walk(x, 3, move=move)).isfinite().all()


def test_attributes_are_brought_about_in_each_step(space, x):
    low, high = space.reach("slant")
    goal = 0.5 * (low + high)
    last = frames(space.walk(x, 4, to={"slant": goal}))[:, -1]
    off = np.abs(space.measured(["slant"], last)["slant"] - goal)
    was = np.abs(space.measured(["slant"], x)["slant"] - goal)
    assert off.mean() < 0.3 * was.mean()


# --- every model ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [name for name, cls in MODELS.items() if issubclass(cls, VAE)])
def test_every_model_walks_and_walks_the_same_after_it_was_saved(model, x, tmp_path):
    attributes = ("light", "lean") if model == "ar-vae" else ()
    spec = Spec(model, (1, 8, 8), 5, attributes, {"name": "mlp", "hidden": [16]})
    space = Space(build(spec, seed=0), spec)
    mask = window((1, 8, 8), (2, 6), (0, 8))
    for how in ({}, {"clamp": mask, "begin": "noise"}, {"sample_x": True}):
        walk = frames(space.walk(x, 4, **how))
        assert walk.shape == (6, 4, 1, 8, 8)
        assert walk.isfinite().all()
    again = Space.load(space.save(tmp_path / "run"))
    assert torch.equal(walk, frames(again.walk(x, 4, sample_x=True)))


def test_a_model_from_elsewhere_walks(space, x):
    wrapped = Space.wrap(space.model.decode, lambda images: space.posterior(images), codes=space.codes)
    assert torch.allclose(frames(wrapped.walk(x, 4)), frames(space.walk(x, 4)), **CLOSE)


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda s, x: s.walk(x + 0.5), r"Images lie in \[0, 1\]"),
        (lambda s, x: s.walk(x[..., :7]), r"images of shape \(1, 8, 8\). Got \(1, 8, 7\)"),
        (lambda s, x: s.walk(x, -1), "number of steps is a whole number of 0 or more. Got -1"),
        (lambda s, x: s.walk(x, 2.5), "number of steps is a whole number"),
        (lambda s, x: s.walk(x, 5, every=0), "every is a whole number of 1 or more"),
        (lambda s, x: s.walk(x, 5, seed=-1), "seed is a whole number"),
        (lambda s, x: s.walk(x, 5, clamp=np.ones((8, 7))), r"has shape \(8, 8\) or \(1, 8, 8\).* Got \(8, 7\)"),
        (lambda s, x: s.walk(x, 5, clamp=np.ones((5, 1, 8, 8))), r"or \(6, 1, 8, 8\). Got \(5, 1, 8, 8\)"),
        (lambda s, x: s.walk(x, 5, clamp=2 * np.ones((8, 8))), "A mask lies in .* Got 2 to 2"),
        (lambda s, x: s.walk(x, 5, clamp=np.full((8, 8), np.nan)), "A mask lies in"),
        (lambda s, x: s.walk(x, 5, clamp=np.full((8, 8), 255, np.uint8)), "up to 255. Divide by 255"),
        (lambda s, x: s.walk(x, 5, clamp=1), r"has shape \(8, 8\) .*Got \(\)"),
        (lambda s, x: s.walk(x, 5, clamp={"a": 1}), "an array of numbers, or the path of a picture. Got {'a': 1}"),
        (lambda s, x: s.walk(x, 5, clamp=[[1, 0], [1]]), "an array of numbers"),
        (lambda s, x: s.walk(x).images(), "give steps, as steps=200"),
        (lambda s, x: s.walk(x, 5, move=lambda z: z[:, :3]).images(), r"step 1: A move makes codes .*gave \(6, 3\)"),
        (lambda s, x: s.walk(x, 5, move=lambda z: None).images(), "This one gave None"),
        (
            lambda s, x: guided(MaxoutGuide(units=2).build(64))(s.encode(x)),
            "64 numbers and .*decode is missing",
        ),
        (lambda s, x: s.walk(x, 5, clamp="nowhere.png"), "There is no mask at nowhere.png"),
        (lambda s, x: s.walk(x, 5, clamp=np.ones((8, 8)), fixed=x[:3]), "one for each of 6. Got 3"),
        (lambda s, x: s.walk(x, 5, fixed=x), "go with a mask"),
        (lambda s, x: s.walk(x, 5, begin="noise"), "go with a mask"),
        (lambda s, x: s.walk(x, 5, clamp=np.ones((8, 8)), begin="nosie"), "Did you mean 'noise'"),
        (lambda s, x: s.walk(x, 5, slnat=1), "Did you mean 'slant'"),
        (lambda s, x: s.walk(x, 5, realism=1), "no control 'realism' yet"),
        (lambda s, x: s.walk(x).save("a.png"), "without an end cannot be written"),
        (lambda s, x: s.walk(x, 5).save("a.mp4"), "Got a.mp4"),
        (lambda s, x: s.walk(x, 5, every=6).save("a.gif"), "no frames: 5 steps and a frame every 6"),
        (lambda s, x: s.walk(x, 5, every=6).images(), "no frames"),
        (lambda s, x: s.walk(x[:0], 5).save("a.png"), "From 1 to 100 chains are shown. Got 0"),
        (lambda s, x: s.walk(x, 5).save("a.png", columns=0), "1 column or more"),
        (lambda s, x: window(s.shape, (2, 9), (0, 8)), "free rows lie within 0 and 8"),
        (lambda s, x: Step(s.model)(x), "needs noise"),
    ],
)
def test_what_cannot_be_walked_is_told(space, x, act, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        act(space, x)
    assert list(tmp_path.iterdir()) == []


def test_a_mask_of_another_size_is_not_scaled(space, x, tmp_path):
    Image.new("L", (16, 16), 255).save(tmp_path / "mask.png")
    with pytest.raises(DataError, match=r"8 x 8 .* has 16 x 16"):
        space.walk(x, 5, clamp=tmp_path / "mask.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match="cannot be read as a mask"):
        as_mask(tmp_path / "text.png", (1, 8, 8), 1)


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8), (6, 8, 8), (6, 1, 8, 8), (8, 8, 1), (6, 8, 8, 1)])
def test_masks_fit_as_images_do(space, x, shape):
    mask = window(space.shape, (2, 6), (2, 6)).expand(6, 1, 8, 8)
    given = mask if shape[0] == 6 else mask[:1]
    assert torch.equal(as_mask(given.reshape(shape).numpy(), space.shape, 6).expand(6, 1, 8, 8), mask)


def test_one_of_several_colours_is_held_by_a_mask_whose_channels_are_last():
    mask = torch.zeros(4, 5, 3)
    mask[..., 1] = 1
    assert torch.equal(as_mask(mask, (3, 4, 5), 2), mask.permute(2, 0, 1)[None])


def test_models_that_only_make_images_do_not_walk(space, x):
    with pytest.raises(DataError, match="no way back from an image"):
        Space.wrap(space.model.decode, codes=16).walk(x, 5)


def test_a_chain_that_is_not_finite_stops_and_names_the_step(space, x, tmp_path):
    def broken(z: Tensor) -> Tensor:
        calls.append(len(z))
        return torch.where((torch.arange(len(z)) == 4)[:, None] & (len(calls) == 3), torch.nan, z)

    for every in (1, 2, 5):
        calls: list[int] = []
        walk = Walk(space.model, x, 10, every=every, move=broken)
        seen = 0
        with pytest.raises(DataError, match=r"Chain 4 is NaN or infinite after step 3 \(1 of 6"):
            for _ in walk:
                seen += 1
        assert seen == 2 // every
    calls = []
    with pytest.raises(DataError, match="after step 3"):
        Walk(space.model, x, 10, move=broken).save(tmp_path / "walk.gif")
    assert list(tmp_path.iterdir()) == [], "nothing half-written is left"


def test_a_chain_that_breaks_where_no_frame_is_seen_is_told_too(space, x):
    def broken(z: Tensor) -> Tensor:
        calls.append(len(z))
        return z + (torch.nan if len(calls) == 11 else 0)

    for steps in (12, None):
        calls: list[int] = []
        with pytest.raises(DataError, match=r"after step 11 \(6 of 6 by now\).*without what moves the codes"):
            for _ in Walk(space.model, x, steps, every=10 if steps else 1000, move=broken):
                assert len(calls) < 200
        assert len(calls) == (steps or 100)


def test_what_a_function_of_the_users_says_is_told_with_its_step(space, x):
    calls = []

    def decode(z: Tensor) -> Tensor:
        calls.append(1)
        return space.model.decode(z) + (len(calls) > 4)

    wrapped = Space.wrap(decode, lambda images: space.encode(images), codes=16)
    calls.clear()
    with pytest.raises(DataError, match=r"stopped at step 5: decode gives images from"):
        list(wrapped.walk(x, 9))


# --- what is seen -----------------------------------------------------------------------------------------------------


def test_a_sheet_shows_start_what_is_held_and_every_frame(space, x, tmp_path):
    mask = window(space.shape, (2, 6), (2, 6))
    walk = space.walk(x[:3], 10, clamp=mask, begin="blank", every=2)
    with Image.open(walk.save(tmp_path / "walk.png", columns=3)) as image:
        pixels = np.asarray(image)
    tile, gap, head, pad = 64, 4, 18, 8
    band = head + 3 * (tile + gap)
    assert pixels.shape == (2 * pad + 2 * band - gap, 2 * pad + 5 * (tile + gap) - gap, 3)
    left = [pad + k * (tile + gap) for k in range(5)]
    top = [pad + b * band + head for b in range(2)]
    assert pixels[top[0], left[0]].tolist() == [43, 95, 158]  # the start is framed in blue
    assert pixels[top[1] + 32, left[1] + 32].tolist() == [194, 87, 26]  # what is free is orange
    held, made = pixels[top[0] :, left[1] :][:tile, :tile], pixels[top[0] :, left[2] :][:tile, :tile]
    assert np.abs(held[4:12, 4:60].astype(int) - made[4:12, 4:60]).max() <= 64  # smoothly enlarged, edges aside
    assert (pixels[top[1] :, left[4] :][:tile, :tile] == [254, 254, 253]).all()  # five frames: the sixth place is empty
    assert (pixels[pad : pad + head - 3, left[2] :] < 200).any()  # numbers above


def test_an_animation_has_a_page_for_the_start_and_each_frame(space, x, tmp_path):
    with Image.open(space.walk(x[:5], 12, every=3).save(tmp_path / "walk.gif")) as image:
        assert image.n_frames == 5
        assert image.info["loop"] == 0
        pages = []
        for k in range(5):
            image.seek(k)
            pages.append(np.asarray(image.convert("RGB")))
    assert all((a != b).any() for a, b in pairwise(pages))
    assert pages[0].shape == (8 + 18 + 2 * 68, 2 * 8 + 3 * 68 - 4, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["walk.gif"]


def test_colour_walks_are_seen_too(tmp_path):
    spec = Spec("vae", (3, 12, 12), 4, nets={"name": "mlp", "hidden": [16]})
    space = Space(build(spec, seed=0), spec)
    x = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    walk = space.walk(x, 2, clamp=window(spec.shape, (0, 6), (0, 12)))
    for name in ("a.png", "a.gif"):
        with Image.open(walk.save(tmp_path / name)) as image:
            assert min(image.size) > 100


# --- what is measured -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def judge(digits) -> Classifier:
    return Classifier.train(digits, "digit", epochs=6)


def test_walks_are_measured_beside_held_out_images(space, digits, judge):
    found = space.measure_walk(digits, judge=judge, chains=20, steps=40, windows=2, resamples=20)
    assert list(found.scores) == [
        "confidence",
        "frechet-distance",
        "classes-visited",
        "class-changes",
        "autocorrelation-time",
        "nearest-training",
    ]
    columns = found.scores["confidence"].per_attribute
    assert list(columns) == ["steps 1-20", "steps 21-40", "held out"]
    assert found["confidence"] == columns["steps 21-40"]
    # what takes the chains' place are images of the data: nearer to the data, and forgotten at once
    for name, nearer in (("frechet-distance", -1), ("class-changes", 1), ("confidence", 1)):
        score = found.scores[name]
        assert nearer * (score.per_attribute["held out"] - score.value) > 0, name
    assert found.scores["class-changes"].per_attribute["held out"] == pytest.approx(0.9, abs=0.03)
    assert found.scores["autocorrelation-time"].per_attribute["held out"] == pytest.approx(1, abs=0.2)
    assert "20 chains of 40 steps, from images of the test split" in str(found)
    assert "held out" in str(found)
    again = space.measure_walk(digits, judge=judge, chains=20, steps=40, windows=2, resamples=20)
    assert again.as_dict() == found.as_dict()


def test_the_measured_walk_is_the_walk(space, digits, judge):
    found = space.measure_walk(digits, judge=judge, chains=10, steps=20, every=5, windows=2, resamples=0, thickness=0.1)
    assert list(found.scores["confidence"].per_attribute)[:2] == ["steps 1-10", "steps 11-20"]
    assert "thickness 0.1" in found.title
    free = space.measure_walk(digits, judge=judge, chains=10, steps=20, every=5, windows=2, resamples=0)
    assert free["confidence"] != found["confidence"]


def test_a_walk_that_stands_still_has_no_autocorrelation(space, digits, judge):
    black = Space.wrap(lambda z: torch.zeros(len(z), 1, 8, 8), lambda x: x.flatten(1)[:, :4], codes=4)
    found = black.measure_walk(digits, judge=judge, chains=10, steps=10, windows=2, resamples=0)
    assert "autocorrelation-time" not in found.scores
    assert found["class-changes"] == 0
    assert found["classes-visited"] == 1
    assert any("stand still" in note for note in found.notes)


@pytest.mark.parametrize(("apart", "moves"), [(0.0, False), (1e-6, False), (1e-3, True)])
def test_equal_frames_stand_still_however_they_are_rounded(apart, moves):
    noise = np.random.default_rng(0).normal(size=(4, 10, 3)).astype(np.float32)
    seen = Seen(
        np.zeros((4, 10), int), np.ones((4, 10)), np.float32(5) + np.float32(apart) * noise, torch.zeros(2, 1, 2, 2)
    )
    found = seen.scores(np.eye(3, dtype=np.float32), torch.ones(3, 1, 2, 2), 2, 1, seed=0, resamples=0)
    assert ("autocorrelation-time" in found) == moves


def test_completions_are_judged(space, digits, judge):
    hidden = occluded(digits)
    assert (hidden.pixels == 0).flatten(1).sum(1).min() >= 25  # 5 x 5 of 8 x 8
    seer = Classifier.train(hidden, "digit", epochs=8)
    settings = {"judge": judge, "seer": seer, "limit": 60, "steps": 4, "completions": 3, "resamples": 20}
    found = space.measure_inpainting(digits, side=2, **settings)
    assert found["whole"] > 0.9
    assert list(found.scores["completed-class"].per_attribute) == ["visible tells", "all"]
    assert found["completed-class"] > 0.85  # little is hidden
    assert 0 < found["completion-spread"] < 1
    assert "3 completions of 60 images, 2 x 2 of 8 x 8 hidden (drawn), 4 steps" in found.title
    more = space.measure_inpainting(digits, side=7, place="centre", **settings)
    assert more["visible"] < found["visible"]
    assert more.scores["completed-class"].per_attribute["all"] < found["completed-class"]
    # who learned from visible parts tells more of them than who did not
    usual = space.measure_inpainting(digits, **settings)
    assert usual["visible"] > usual["blank"] + 0.1
    # a model that has one answer for everything has no diversity, and paints nothing
    blank = Space.wrap(lambda z: torch.zeros(len(z), 1, 8, 8), lambda x: x.flatten(1)[:, :4], codes=4)
    nothing = blank.measure_inpainting(digits, **settings)
    assert nothing["completion-spread"] == 0
    assert nothing.scores["completed-class"].per_attribute["all"] == nothing["blank"] == usual["blank"]


def test_squares_fit_and_lie_everywhere():
    masks = squares(3000, (5, 6), 3, "drawn", 0)
    assert (masks.flatten(1).sum(1) == 30 - 9).all()
    assert len(masks.unique(dim=0)) == 3 * 4
    places = (1 - masks[:, 0]).mean(0)
    assert places[0, 0] == pytest.approx(1 / 12, abs=0.02)
    assert torch.equal(squares(9, (5, 6), 3, "drawn", 4), squares(9, (5, 6), 3, "drawn", 4))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"chains": 0}, "Got 0 chains"),
        ({"chains": 5000}, "Got 5000 chains"),
        ({"chains": 9, "steps": 3}, "5 windows need 5 frames. Got 3 steps"),
        ({"chains": 9, "steps": 10, "every": 0}, "need 5 frames"),
        ({"split": "tset"}, "Did you mean 'test'"),
        ({"chains": 80, "steps": 10**6}, "GB are allowed"),
    ],
)
def test_what_cannot_be_measured_of_walks_is_told(space, digits, judge, settings, message):
    with pytest.raises(DataError, match=message):
        space.measure_walk(digits, judge=judge, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"side": 8}, "side is from 1 to 7 pixels. Got 8"),
        ({"place": "left"}, "Unknown place 'left'"),
        ({"begin": "kept"}, "not to be seen"),
        ({"completions": 1}, "Got 1, 1000 and 50"),
        ({"split": "tset"}, "Did you mean 'test'"),
    ],
)
def test_what_cannot_be_painted_in_is_told(space, digits, judge, settings, message):
    with pytest.raises(DataError, match=message):
        space.measure_inpainting(digits, judge=judge, **settings)


# --- on the command line ----------------------------------------------------------------------------------------------


@pytest.fixture
def type_(capsys, monkeypatch, tmp_path):
    """Type a command in an empty folder: its exit code, and all it said in one line."""
    monkeypatch.chdir(tmp_path)

    def typed(*words: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["latune", *map(str, words)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split())

    return typed


def test_the_command_walks(type_, digits_run, digits, tmp_path):
    Image.fromarray(digits.raw(digits.splits["test"][:1])[0, 0].numpy()).save("one.png")
    assert type_("walk", digits_run, "one.png", "--steps", 9, "--out", "a.png") == (0, "wrote a.png")
    assert type_("walk", digits_run, "--n", 3, "--steps", 4, "--set", "slant=0.2", "--out", "a.gif")[0] == 0
    with Image.open("a.gif") as image:
        assert image.n_frames == 5
    mask = np.zeros((8, 8), np.uint8)
    mask[2:6, 2:6] = 255
    Image.fromarray(255 - mask).save("mask.png")
    for words in (["--mask", "mask.png"], ["--free", "2:6,2:6"]):
        code, said = type_(
            "walk", digits_run, "one.png", *words, "--begin", "noise", "--out", f"{words[0][2:]}-walk.png"
        )
        assert code == 0, said
    assert (tmp_path / "mask-walk.png").read_bytes() == (tmp_path / "free-walk.png").read_bytes()


def test_the_command_measures(type_, digits_run, judge, tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr(Classifier, "load", classmethod(lambda cls, folder: judge))
    monkeypatch.setattr(
        Classifier,
        "train",
        classmethod(lambda _, data, *asked, seed: trained.append((data.name, *asked, seed)) or judge),
    )
    words = ["--steps", 10, "--judge", "judge", "--json", "a.json"]
    code, said = type_("walk", digits_run, "--measure", "--inpaint", *words)
    assert code == 0, said
    assert "89 chains of 10 steps" in said
    assert "completed-class" in said
    assert trained == [("digits, 5 x 5 hidden", "digit", digits_run / "seer", 0)]
    assert type_("walk", digits_run, "--inpaint", "--steps", 1, "--judge", "judge", "--seer", "seer")[0] == 0
    assert type_("walk", digits_run, "--measure", "--steps", 10, "--seed", 3)[0] == 0
    assert trained[1:] == [("digits", "digit", digits_run / "classifier", 0)], "a judge is the same for all walks"
    assert {'"walk"', '"inpainting"'} <= set((tmp_path / "a.json").read_text().replace(":", " ").split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "a.mp4"], "a sheet (.png) or an animation (.gif). Got --out a.mp4"),
        (["--steps", 0], "are 1 or more"),
        (["--steps", 5, "--every", 6], "--every from 1 to --steps"),
        (["--free", "3"], "each first:last, for example 6:22,6:22. Got 3"),
        (["--free", "0:9,0:8"], "free rows lie within 0 and 8"),
        (["--free", "1:2,1:2", "--mask", "a.png"], "give one of them"),
        (["--mask", "nowhere.png"], "There is no mask at nowhere.png"),
        (["--begin", "noise"], "give --mask or --free with it"),
        (["nowhere.png"], "There is no image at nowhere.png"),
        (["--with", "ring=1"], "Unknown control 'ring'. Allowed: none. Add one with latune control add."),
        (["--measure", "--free", "1:2,1:2"], "leave --free out"),
        (["--measure", "--n", 5], "leave --n out"),
        (["--inpaint", "--begin", "noise"], "leave --begin out"),
        (["--json", "a.json"], "--json is of what is measured"),
        (["--split", "test"], "--split is of what is measured"),
        (["--measure", "--seer", "."], "--seer tells hidden pictures"),
        (["one.png", "--n", 2], "--n counts samples of the prior"),
        (["--free", ""], "each first:last"),
        (["--set", "slant=1", "--set", "slant=2"], "'slant' is given twice"),
    ],
)
def test_mistakes_are_one_message(type_, digits_run, tmp_path, words, message):
    code, said = type_("walk", digits_run, *words)
    assert code == 2
    assert message in said
    assert list(tmp_path.iterdir()) == []

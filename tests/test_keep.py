"""What stays while something else is moved, steps of one length, critics that look again, and codes with a range."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest
import torch
from torch import nn

from latune.codes import Categorical, Codes, Normal, Uniform
from latune.controls import (
    DESCENTS,
    JUDGINGS,
    Control,
    Critics,
    Descend,
    Descending,
    Kept,
    Learning,
    fulfil,
    known,
    learning,
)
from latune.controls.again import Looked, again_of
from latune.controls.control import same
from latune.controls.known import CODES
from latune.controls.ranges import inside
from latune.data import load
from latune.errors import DataError
from latune.nets import LatentNets
from latune.space import Space
from latune.training import Trainer

TINY = LatentNets(48, 2)
JUDGE = replace(JUDGINGS["fast"], nets=TINY, steps=200, batch_size=128, lr=1e-2, smooth=0.1)
PLAIN = replace(DESCENTS["default"], again=False)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Straight(nn.Module):
    """Logits that are straight in a point: what a descent does can be told by hand."""

    def __init__(self, *rows: tuple[float, ...]) -> None:
        super().__init__()
        self.rows = torch.tensor(rows)

    def forward(self, z):
        return z @ self.rows.T


def straight(name: str, kind, *rows: tuple[float, ...], **given) -> Control:
    critic = Critics([Straight(*rows)])
    d = len(rows[0])
    return Control(name, kind, critic, torch.zeros(len(rows), d), torch.ones(d), "model", TINY, **given)


# --- steps of one length ----------------------------------------------------------------------------------------------


def test_steps_are_as_long_as_they_are_said_to_be_and_straight_down():
    """Down a plane: after t steps the way is lr times the sum of momenta, 1 - 0.9^k each, in units of the scale."""
    slope, scale = torch.tensor([3.0, 4.0, 0.0]), torch.tensor([1.0, 0.5, 2.0])
    z = torch.randn(4, 3, generator=seeded())
    end = Descend(lambda z, rows: z @ slope, steps=7, lr=0.1, scale=scale)(z)
    unit = scale * slope / (scale * slope).norm()
    way = 0.1 * sum(1 - 0.9**k for k in range(1, 8))
    assert torch.allclose(z - end, (way * scale * unit).expand_as(z), atol=1e-6)


def test_a_flat_loss_moves_nothing():
    z = torch.randn(3, 2, generator=seeded())
    assert torch.equal(Descend(lambda z, rows: 0 * z.sum(1), steps=5, scale=torch.ones(2))(z), z)


def test_a_large_batch_goes_as_its_parts_do():
    z = 1 + torch.rand(2100, 2, generator=seeded())
    seen = []

    def loss(points, rows):
        seen.append(int(rows.max()))
        return (points - z[rows]).square().sum(1) + points.square().sum(1)

    move = Descend(loss, lambda points, rows: points.norm(dim=1) < 1.6, steps=20)
    whole = move.descend(z)
    assert max(seen) == 2099, "rows are those of the whole batch"
    alone = Descend(lambda p, rows: loss(p, rows + 1500), move.arrived, steps=20)(z[1500:1510])
    assert torch.allclose(whole.z[1500:1510], alone, atol=1e-6)
    assert whole.reached.shape == whole.steps.shape == (2100,)


def test_who_never_arrives_keeps_the_best_of_the_way():
    """The worth is the nearness to 1: a descent to 3 passes by, and comes back to it."""
    move = Descend(lambda z, rows: (z - 3).square().sum(1), lambda z, rows: z[:, 0] > 9, steps=60, lr=0.1)
    best = replace(move, worth=lambda z, rows: -(z[:, 0] - 1).abs())
    z = torch.zeros(2, 1)
    assert move(z)[0, 0].item() == pytest.approx(3, abs=0.3)
    assert best(z)[0, 0].item() == pytest.approx(1, abs=0.06)
    never = replace(move, worth=lambda z, rows: torch.full((len(z),), -torch.inf))
    assert torch.equal(never(z), move(z))


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_what_is_kept_of_each_kind():
    z = torch.tensor([[2.0, 0.0], [0.0, 6.0], [-0.1, 0.1]])
    classes = Kept.of(straight("c", "classes", (1.0, 0.0), (0.0, 1.0), classes=("a", "b")), z)
    assert classes.target.tolist() == [[1, 0], [0, 1], [0, 1]]
    assert classes.allowed[0, 0].item() == pytest.approx(1.1 * (1 - torch.tensor(2.0).sigmoid().item()), abs=1e-5)
    assert classes.allowed[1, 1].item() == pytest.approx(0.02), "of what it is sure of, as sure as a move aims at"
    label = Kept.of(straight("l", "label", (1.0, 0.0)), z)
    assert label.target[:, 0].tolist() == [1, 0, 0]
    real = Kept.of(straight("r", "real", (1.0, 0.0)), z)
    assert torch.allclose(real.target[:, 0], torch.sigmoid(z[:, 0]))
    assert real.allowed.unique().tolist() == pytest.approx([0.05])
    every = torch.arange(3)
    for kept in (classes, label, real):
        assert kept.arrived(z, every).all(), "at the start all is as it was"
    assert (real.loss(z, every) == 0).all()
    with pytest.raises(DataError, match="'realism' has no value to keep"):
        Kept.of(straight("realism", "realism", (1.0, 0.0)), z)


def test_the_penalty_is_how_far_logits_are_outside():
    kept = Kept(straight("r", "real", (1.0,)), torch.tensor([[0.5]]), torch.tensor([[0.25]]))
    border = torch.logit(torch.tensor(0.7)).item()  # 0.8 of what is allowed
    far = torch.tensor([[border + 2.0], [-border - 3.0], [0.5]])
    assert kept.loss(far, torch.zeros(3).long()).tolist() == pytest.approx([2.0, 3.0, 0.0], abs=1e-5)
    free = Kept(kept.control, torch.tensor([[0.0]]), torch.tensor([[2.0]]))
    assert free.loss(far, torch.zeros(3).long()).tolist() == [0, 0, 0], "further off than a belief can be: no border"


def test_one_is_moved_and_the_other_kept():
    """The wish goes along (1, 1); what is kept looks at the second coordinate, so that the first does it all."""
    up, other = straight("up", "label", (1.0, 1.0)), straight("other", "label", (0.0, 2.0))
    z = torch.tensor([[-3.0, -3.0], [-2.0, -4.0], [8.0, -3.0]])
    free = fulfil(z, [up.wish(1)], "descent", way=PLAIN)
    assert free.arrived.all()
    assert (other.critic(free.z[:2])[:, 0] > -3.9).all()
    kept = Kept.of(other, z)
    held = fulfil(z, [up.wish(1)], "descent", way=PLAIN, kept=[kept])
    assert held.arrived.all()
    assert kept.arrived(held.z, torch.arange(3)).all()
    assert (torch.sigmoid(other.critic(held.z)) <= 0.02).all()
    assert torch.equal(held.z[2], z[2]), "what is so already is left alone"


def test_what_cannot_be_both_stays_what_it_was_and_is_told():
    up, down = straight("up", "label", (1.0,)), straight("down", "label", (-1.0,))
    z = torch.tensor([[-5.0]])
    kept = Kept.of(down, z)
    moved = fulfil(z, [up.wish(1)], "descent", way=PLAIN, kept=[kept])
    assert not moved.arrived.any()
    assert kept.arrived(moved.z, torch.zeros(1).long()).all(), "it goes as far as what is kept lets it"
    assert up.critic(moved.z).item() > -4.9
    with pytest.raises(DataError, match="keep= goes with a descent"):
        fulfil(z, [up.wish(1)], "vector", kept=[kept])


# --- codes with a range -----------------------------------------------------------------------------------------------

MIXED = Codes(digit=Categorical(3), c=Uniform(-1.0, 1.0), z=Normal(2))


@pytest.mark.parametrize("way", [PLAIN, replace(DESCENTS["paper"], steps=300)])
def test_a_descent_keeps_codes_in_range(way):
    z = MIXED.sample(20, seeded())
    control = straight("up", "label", (3.0, -3.0, 1.0, 4.0, 0.5, 0.0))
    end = fulfil(z, [control.wish(1)], "descent", way=way, codes=MIXED)
    assert end.arrived.float().mean() > 0.9
    assert torch.equal(end.z[:, :3], z[:, :3]), "there is nothing between two classes"
    assert end.z[:, 3].abs().max().item() <= 1
    assert (end.z[:, 3] > z[:, 3])[~control.wish(1).arrived(z)].all()
    loose = fulfil(z, [control.wish(1)], "descent", way=way)
    assert not torch.equal(loose.z[:, :3], z[:, :3])


def test_other_ways_end_where_the_prior_draws():
    z = MIXED.sample(20, seeded())
    control = straight("up", "label", (3.0, -3.0, 1.0, 4.0, 0.5, 0.0))
    control.vectors = torch.tensor([[5.0, 0.0, 0.0, 4.0, 1.0, 0.0]])
    end = fulfil(z, [control.wish(1)], "vector", codes=MIXED).z
    assert torch.equal(end[:, :3], torch.eye(3)[torch.zeros(20).long()])
    assert end[:, 3].unique().tolist() == [1.0]
    half = fulfil(z, [control.wish(1)], "vector", strength=0.5, codes=MIXED).z
    assert torch.equal(half, inside(half, MIXED))
    assert inside(z, Codes(z=Normal(6))) is z


def test_columns_that_are_held_do_not_move():
    z = torch.full((4, 3), -2.0)
    control = straight("up", "label", (1.0, 1.0, 1.0))
    for way in (PLAIN, replace(DESCENTS["paper"], steps=300)):
        end = fulfil(z, [control.wish(1)], "descent", way=way, held=[1])
        assert end.arrived.all()
        assert torch.equal(end.z[:, 1], z[:, 1])


# --- looking again ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def tuned(digits_run, digits):
    space = Space.load(digits_run)
    space.controls.folder = None
    for name, attribute in (("weight", "area"), ("number", "digit"), ("tall", "height")):
        space.controls.learn(name, digits, attribute=attribute, actor=False, judging=JUDGE)
    return space


def quietly(move):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return move()


def test_what_is_seen_again_is_the_code_of_what_is_decoded(tuned, digits):
    z = tuned.encode(digits.images(digits.splits["test"][:7]))
    assert torch.allclose(tuned.controls.again(z), tuned.encode(tuned.decode(z).plain()), atol=1e-5)
    look = Looked(tuned.controls.again)
    assert look(z) is look(z), "looked at once"
    assert Looked(None)(z) is z


def test_a_generator_alone_and_a_model_without_a_slope_are_not_looked_at_again():
    decoder = nn.Sequential(nn.Linear(4, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
    assert again_of(Space.wrap(decoder, codes=4)) is None
    assert again_of(Space.wrap(decoder, lambda x: x.flatten(1)[:, :4], codes=4)) is None


def test_a_wrapped_generator_stays_in_range():
    decoder = nn.Sequential(nn.Linear(6, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
    with torch.no_grad():
        weight, bias = decoder.parameters()
        weight.copy_(torch.randn(64, 6, generator=seeded()))
        bias.zero_()
    space = Space.wrap(decoder, codes=MIXED)
    control = space.controls.learn_rule("dark", lambda x: x.mean((1, 2)) / 255, judged=400, judging=JUDGE)
    seen = []
    space.decode, decode = lambda z: seen.append(z) or decode(z), space.decode
    quietly(lambda: space.sample(30, seeded(), dark=control.most))
    assert torch.equal(seen[-1], inside(seen[-1], MIXED))


# --- on a space -------------------------------------------------------------------------------------------------------


def test_the_digit_is_kept_while_the_weight_goes_up(tuned, digits):
    x = digits.images(digits.splits["test"][:60])
    number = tuned.controls["number"]

    def seen(images) -> torch.Tensor:
        return number.critic(tuned.encode(images.plain())).argmax(1)

    before = seen(tuned.decode(tuned.encode(x)))
    free = quietly(lambda: tuned.edit(x, weight=0.9, by="descent"))
    held = quietly(lambda: tuned.edit(x, weight=0.9, by="descent", keep="number"))
    assert (seen(held) == before).float().mean() > 0.98
    assert (seen(free) == before).float().mean() < 0.95
    heavier = held.plain().mean((1, 2, 3)) - tuned.decode(tuned.encode(x)).plain().mean((1, 2, 3))
    assert (heavier > 0).float().mean() > 0.45
    assert (heavier > -0.01).all(), "what cannot be both is left as it is"
    several = quietly(lambda: tuned.edit(x[:9], weight=0.7, keep=("number", "tall")))
    assert several.shape == (9, 1, 8, 8)


def test_a_slider_is_moved_and_a_control_kept(tuned, digits):
    z = tuned.encode(digits.images(digits.splits["test"][:40]))
    column = tuned.codes.columns().index("slant")
    shifted = tuned.moved(z, slant=+2.0)
    held = quietly(lambda: tuned.moved(z, slant=+2.0, keep="number"))
    assert torch.equal(held[:, column], shifted[:, column])
    control = tuned.controls["number"]

    def still(points) -> float:
        believed = [control.critic(tuned.controls.again(each)).argmax(1) for each in (z, points)]
        return (believed[0] == believed[1]).float().mean().item()

    assert still(held) > 0.95 > still(shifted)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": 3, "keep": "number"}, "'number' is moved and cannot be kept"),
        ({"weight": 1, "keep": "numbr"}, "Did you mean 'number'"),
        ({"weight": 1, "keep": 3}, "keep= takes the name of a control"),
        ({"weight": 1, "keep": "number", "by": "vector"}, "keep= goes with a descent"),
    ],
)
def test_what_cannot_be_kept_is_told(tuned, digits, change, message):
    with pytest.raises(DataError, match=message):
        tuned.edit(digits.images(digits.splits["test"][:2]), **change)


# --- as sure as few examples make it ----------------------------------------------------------------------------------


def test_moves_aim_higher_than_they_say_they_have_arrived(tmp_path):
    control = straight("up", "label", (1.0,), threshold=0.95, sure=0.7)
    z = torch.tensor([[-2.0]])
    far = fulfil(z, [control.wish(1)], "descent", way=Descending(steps=400, lr=0.05))
    assert torch.sigmoid(far.z).item() >= 0.95
    short = fulfil(z, [control.wish(1)], "descent", way=Descending(steps=75, lr=0.05))
    assert 0.7 < torch.sigmoid(short.z).item() < 0.95
    assert short.arrived.all()
    assert not control.wish(1).arrived(short.z).any()
    kept = Control("few", "label", Critics([TINY.critic(2)]), torch.ones(1, 2), torch.ones(2), "m", TINY, sure=0.8)
    again = Control.load(kept.save(tmp_path / "few"))
    assert same(kept, again)
    assert again.sure == 0.8


# --- what need not be done twice --------------------------------------------------------------------------------------


@pytest.fixture
def run(digits_run, tmp_path):
    return Space.load(digits_run).save(tmp_path / "run")


def test_codes_are_encoded_once_and_kept_beside_the_controls(run, digits, monkeypatch):
    first = Space.load(run).controls._codes_of(digits)
    passes = []
    posterior = Space.posterior
    monkeypatch.setattr(Space, "posterior", lambda self, x: passes.append(len(x)) or posterior(self, x))
    again = Space.load(run)
    found = again.controls._codes_of(digits)
    assert passes == []
    assert torch.equal(found.mean, first.mean)
    assert torch.equal(found.scale, first.scale)
    turned = replace(digits, splits={**digits.splits, "training": digits.splits["training"].flip(0)})
    assert torch.allclose(again.controls._codes_of(turned).mean, first.mean.flip(0), atol=1e-5)
    assert sum(passes) == len(digits.splits["training"]), "other data are encoded, and take the place"
    (run / "controls" / CODES).write_bytes(b"nothing")
    assert torch.equal(Space.load(run).controls._codes_of(digits).mean, first.mean)
    other = Space.load(run)
    with torch.no_grad():
        next(other.model.parameters()).add_(0.05)
    assert not torch.equal(other.controls._codes_of(digits).mean, first.mean), "another model's are not taken"


def test_a_long_learning_that_is_stopped_goes_on(run, digits, monkeypatch):
    how = Learning(nets=LatentNets(8, 1), steps=300, batch_size=16, decay=False)
    monkeypatch.setattr(known, "LONG", 300)
    whole = Space.load(run).controls.learn_realism(digits, how=how)
    Space.load(run).controls.remove("realism")
    left = run / "controls" / ".realism.unfinished"
    save = Trainer.save

    class Stopped(Exception):
        pass

    def stops(trainer):
        save(trainer)
        if trainer.step == 200:
            raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "save", stops)
        patch.setattr(learning, "CHECKPOINT_SECONDS", 0.0)
        with pytest.raises(Stopped):
            Space.load(run).controls.learn_realism(digits, how=how)
    assert (left / "checkpoint.safetensors").exists()
    steps = []
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_read", lambda self, history: steps.append(len(history)) or {})
        resumed = Space.load(run).controls.learn_realism(digits, how=how)
    assert sum(steps) == 100
    assert same(whole, resumed)
    assert not left.exists()
    (left / "x").parent.mkdir()
    (left / "asked.json").write_text("{}")
    assert not same(whole, Space.load(run).controls.learn_realism(digits, how=how, seed=1, again=True))
    assert not left.exists(), "what another call left is removed"

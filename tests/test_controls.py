"""Controls: learned from codes, applied as moves, saved beside the model, whose weights they never touch."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from latune.codes import Codes, Normal
from latune.controls import (
    JUDGINGS,
    KINDS,
    PRESETS,
    Control,
    Critics,
    Descend,
    Encoded,
    Judging,
    Learning,
    Lesson,
    fulfil,
    learn_actor,
    learn_critic,
    lesson_of,
    realism_lesson,
)
from latune.controls.apply import VectorMove, descent
from latune.controls.control import same
from latune.controls.critics import class_vectors
from latune.controls.learning import LatentScene, Players, seeded_weights
from latune.controls.scoring import spread
from latune.data import load
from latune.errors import DataError, RunError
from latune.nets import LatentNets
from latune.space import Space
from latune.training import Generators

TINY = LatentNets(48, 2)
QUICK = Learning(nets=TINY, steps=200, batch_size=128, lr=3e-3)
JUDGE = Judging(nets=TINY, steps=200, batch_size=128, lr=1e-2, draw=0.5, mixup=False, smooth=0.02)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blobs(n: int = 600, seed: int = 0) -> tuple[Encoded, np.ndarray]:
    """Three classes around three places of the plane, and two coordinates of nothing but noise."""
    draw = seeded(seed)
    y = torch.arange(n) % 3
    places = torch.tensor([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]])
    near = places[y] + 0.3 * torch.randn(n, 2, generator=draw)
    z = torch.cat([near, torch.randn(n, 2, generator=draw)], dim=1)
    return Encoded(z, torch.full_like(z, 0.1)), y.double().numpy()


PLANE = Codes(z=Normal(4))


@pytest.fixture(scope="module")
def three() -> Lesson:
    codes, y = blobs()
    return lesson_of("three", codes, y, "classes")


@pytest.fixture(scope="module")
def judge(three) -> Critics:
    return learn_critic(three, JUDGE).requires_grad_(False)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def control_of(critic, lesson, **given) -> Control:
    return Control(
        "three", lesson.kind, critic, class_vectors(lesson), lesson.codes.typical_scale, "model", TINY,
        classes=lesson.classes, quantiles=lesson.quantiles, **given,
    )  # fmt: skip


# --- lessons ----------------------------------------------------------------------------------------------------------


def test_a_lesson_keeps_some_examples_of_each_class_for_measuring(three):
    assert three.classes == ("0", "1", "2")
    assert three.targets.shape == (540, 3)
    assert three.held_targets.sum(0).tolist() == [20, 20, 20]
    assert torch.equal(three.targets.sum(1), torch.ones(540))
    every = torch.cat([three.codes.mean, three.held_codes.mean])
    assert len(every.unique(dim=0)) == 600, "no example is in both parts"


def test_a_real_attribute_is_taught_by_its_ranks():
    codes, _ = blobs(200)
    value = np.exp(5 * codes.mean[:, 0].numpy())
    lesson = lesson_of("width", codes, value, "real", unit="px")
    order = torch.cat([lesson.codes.mean, lesson.held_codes.mean])[:, 0].argsort()
    ranks = torch.cat([lesson.targets, lesson.held_targets])[order, 0]
    assert torch.allclose(ranks, (torch.arange(200) + 0.5) / 200, atol=1e-6)
    assert lesson.quantiles[0] == pytest.approx(value.min())
    assert lesson.quantiles[50] == pytest.approx(np.median(value))


def test_examples_without_a_value_are_left_out():
    codes, y = blobs(60)
    y[::2] = np.nan
    lesson = lesson_of("three", codes, y, "classes")
    assert lesson.n + len(lesson.held_codes) == 30


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (np.zeros(30), "label", "is 0 in every example"),
        (np.arange(30) % 2 + 0.5, "label", "is 0 or 1. Got 0.5"),
        (np.zeros(30), "classes", "two or more classes. Got 30 of 0"),
        (np.r_[1, np.zeros(29)], "label", "Got 1 of 1, 29 of 0"),
        (np.arange(30) / 20, "reward", r"lie in \[0, 1\]. Got 0 to 1.45"),
        (np.arange(30) / 2, "classes", "whole numbers from 0"),
        (np.zeros(7), "real", "shape \\[7\\] for 30 examples"),
        (np.full(30, np.nan), "real", "known for none of the 30"),
    ],
)
def test_values_that_teach_nothing_are_told(values, kind, message):
    with pytest.raises(DataError, match=message):
        lesson_of("loop", blobs(30)[0], values, kind)


def test_rows_are_drawn_of_all_classes_alike():
    codes, _ = blobs(400)
    rare = lesson_of("rare", codes, (np.arange(400) < 20).astype(float), "label")
    rows = rare.draw_rows(4000, seeded())
    assert rare.targets[rows].mean().item() == pytest.approx(0.5, abs=0.05)
    assert rare.targets[rare.draw_rows(4000, seeded(), balanced=False)].mean().item() == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize(
    ("kind", "values"), [("classes", np.arange(300) % 3), ("label", np.arange(300) % 2), ("real", np.arange(300))]
)
def test_other_targets_are_never_ones_own(kind, values):
    lesson = lesson_of("y", blobs(300)[0], values.astype(float), kind)
    rows = lesson.draw_rows(500, seeded())
    wrong = lesson.mismatched(rows, seeded(1), other=True)
    assert not (wrong == lesson.targets[rows]).all(1).any()
    anyones = lesson.mismatched(rows, seeded(1), other=False)
    assert set(anyones[:, 0].tolist()) <= set(lesson.targets[:, 0].tolist())
    if kind == "classes":  # one in three is right by chance
        assert (anyones == lesson.targets[rows]).all(1).float().mean().item() == pytest.approx(1 / 3, abs=0.07)


# --- attribute critics ------------------------------------------------------------------------------------------------


def test_a_critic_learns_what_it_is_shown(three, judge):
    assert (judge(three.held_codes.mean).argmax(1) == three.held_targets.argmax(1)).float().mean() == 1
    assert all(
        torch.equal(a, b) for a, b in zip(judge.parameters(), learn_critic(three, JUDGE).parameters(), strict=True)
    )


def test_a_critic_of_rewards_gives_their_expectation():
    """On a space of two points with rewards that come from coins of 0.3 and 0.9, it is exactly those means."""
    z = torch.tensor([[-1.0], [1.0]]).repeat(500, 1)
    c = torch.tensor([[0.0, 1.0], [0.6, 0.8]])[torch.arange(1000) // 2 % 2].flatten()[:1000]  # any rewards will do
    points = Encoded(z, torch.zeros_like(z))
    lesson = Lesson("reward", points, c[:, None], Encoded(z[:4], z[:4]), c[:4, None])
    critic = learn_critic(lesson, Judging(nets=TINY, steps=400, lr=1e-2, draw=0.0, smooth=0.0))
    for place in (-1.0, 1.0):
        mean = c[z[:, 0] == place].mean().item()
        assert torch.sigmoid(critic(torch.tensor([[place]]))).item() == pytest.approx(mean, abs=0.02)


def test_each_of_several_critics_leaves_out_a_part():
    codes, y = blobs(40)
    few = lesson_of("three", codes, y, "classes")
    critics = learn_critic(few, replace(JUDGINGS["few"], steps=40))
    assert len(critics.members) == 5
    z = few.codes.mean
    assert torch.allclose(critics(z), torch.stack([member(z) for member in critics.members]).mean(0))
    assert (critics(few.held_codes.mean).argmax(1) == few.held_targets.argmax(1)).float().mean() == 1


def test_vectors_are_differences_of_means():
    z = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0], [0.0, 4.0]])
    points = Encoded(z, torch.ones_like(z))
    lesson = Lesson("label", points, torch.tensor([[1.0], [1.0], [0.0], [0.0]]), points, torch.zeros(4, 1))
    assert class_vectors(lesson).tolist() == [[2.0, -3.0]]


# --- games ------------------------------------------------------------------------------------------------------------


def game_of(lesson: Lesson, how: Learning, seed: int = 0):
    with seeded_weights(seed):
        players = Players(how.nets.critic(4, lesson.width), how.nets.actor(4, lesson.width))
    return players, players.game(lesson, PLANE, how, Generators(seed))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("near", [0.0, 0.1])
def test_each_player_moves_its_own_and_both_see_the_same_draws(three, preset, near):
    how = replace(PRESETS[preset], nets=TINY, batch_size=16, near=near)
    players, game = game_of(three, how)
    scene = game.scene(None, 0)
    assert game.scene(None, 0) is scene
    assert game.scene(None, 1) is not scene
    for player, other in ((game.players[0], players.actor), (game.players[1], players.critic)):
        game.model.zero_grad(set_to_none=True)
        player.lose(game.scene(None, 2), 0)
        assert all(p.grad is not None for p in player.parameters)
        assert all(p.grad is None for p in other.parameters())
    assert game.players[1].every == how.every
    assert len(scene.start) == (32 if near and how.near_on_real and not how.real_first else 16)


@pytest.mark.parametrize("near", [0.0, 0.1])
def test_as_released_the_actor_steps_on_real_codes_and_then_on_the_prior(three, near):
    """Two steps of one Adam, each on what the actor has become; without a price on the way only the second."""
    how = replace(PRESETS["released"], nets=TINY, batch_size=16, near=near, lr=0.01)
    players, game = game_of(three, how)
    twin, _ = game_of(three, how)
    scene, scale = game.scene(None, 0), three.codes.typical_scale
    adam = torch.optim.Adam(twin.actor.parameters(), lr=0.01, betas=(0.0, 0.9))
    losses = game.step(None, 0)  # the critic first, which both actors look at from then on
    for z in (scene.real.detach(), scene.prior) if near else (scene.prior,):
        moved = twin.actor(z, scene.given)
        far = ((moved - z).square().log1p() / scale.square()).mean()
        adam.zero_grad()
        (nn.functional.softplus(-players.critic(moved, scene.given)).mean() + near * far).backward()
        adam.step()
    for mine, theirs in zip(players.actor.parameters(), twin.actor.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6)
    both = {"believe/real", "near", "near/real", "loss/actor before"}
    assert both.isdisjoint(losses) if not near else both <= set(losses)
    critics, actor = (player.descent.state_dict()["state"][0]["step"] for player in game.players)
    assert (critics, actor) == (1, 2 if near else 1)


def test_what_the_papers_do_not_have_is_off():
    paper, released, ours = PRESETS["paper"], PRESETS["released"], PRESETS["default"]
    assert (paper.mismatched, paper.mixing, paper.lr) == ("none", "example", 3e-4)
    assert (released.mismatched, released.mixing, released.lr) == ("any", "coordinate", 1e-4)
    for published in (paper, released):
        assert published.energy == 0
        assert not published.balanced
        assert (published.penalty, published.penalty_weight, published.every) == ("gradient", 10.0, 10)
        assert published.optimiser().betas == (0.0, 0.9)
        assert published.nets == LatentNets(2048, 4)
    assert ours.energy > 0


@pytest.mark.parametrize(("mismatched", "blocks"), [("none", 2), ("any", 3), ("other", 3)])
def test_the_critics_blocks(three, mismatched, blocks):
    _, game = game_of(three, replace(QUICK, mismatched=mismatched, penalty="none", prior_share=1.0))
    scene = game.scene(None, 0)
    assert [target for _, target in scene.streams] == [1.0, 0.0, 0.0][:blocks]
    assert all(logits.shape == (128, 1) for logits, _ in scene.streams)
    assert torch.equal(scene.fake, scene.prior), "with a share of 1 the fake block is the prior"
    assert not torch.equal(game_of(three, replace(QUICK, prior_share=0.0))[1].scene(None, 0).fake, scene.prior)


def test_realism_has_no_targets():
    lesson = realism_lesson(blobs()[0])
    how = replace(QUICK, steps=5)
    players = learn_actor(lesson, PLANE, how)
    assert len(LatentScene(players, lesson, PLANE, how, Generators(0)).streams) == 2
    assert players.actor(torch.zeros(3, 4)).shape == (3, 4)


def test_an_actor_goes_where_it_is_sent_and_does_not_collapse(three, judge):
    players = learn_actor(three, PLANE, replace(QUICK, steps=400))
    z = PLANE.sample(600, seeded())
    y = torch.arange(600) % 3
    with torch.no_grad():
        moved = players.actor(z, torch.eye(3)[y])
    assert (judge(moved).argmax(1) == y).float().mean() > 0.97
    real = three.codes.mean
    for k in range(3):
        share = spread(moved[y == k]) / spread(real[three.targets.argmax(1) == k])
        assert 0.7 < share < 1.3


def test_learning_leaves_the_precision_of_products_as_it_was(three):
    before = torch.get_float32_matmul_precision()
    try:
        for precision in ("highest", "medium"):
            torch.set_float32_matmul_precision(precision)
            learn_actor(three, PLANE, replace(QUICK, steps=2, matmul="medium" if precision == "highest" else "highest"))
            assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision(before)


def test_learning_repeats_and_resumes_bit_for_bit(three, tmp_path):
    how = replace(QUICK, steps=12, decay=False)
    whole = learn_actor(three, PLANE, how, seed=3)
    learn_actor(three, PLANE, replace(how, steps=5), seed=3, folder=tmp_path)
    again = learn_actor(three, PLANE, how, seed=3, folder=tmp_path)
    other = learn_actor(three, PLANE, how, seed=4)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(whole.parameters(), other.parameters(), strict=True))


# --- descent ----------------------------------------------------------------------------------------------------------


def bowl(z: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    return z.square().sum(1) / 2


def test_descent_goes_down_to_the_mode_and_leaves_it_alone():
    z = torch.cat([torch.zeros(1, 3), torch.randn(5, 3, generator=seeded())])
    lengths = [Descend(bowl, steps=k, lr=0.003)(z).norm(dim=1) for k in range(15)]
    for before, after in pairwise(lengths):
        assert (after[1:] < before[1:]).all()
    assert torch.equal(Descend(bowl)(z)[0], z[0])
    assert torch.equal(Descend(bowl, steps=0)(z), z)


def test_critics_are_asked_once_a_step_of_those_that_still_move(three, judge):
    """A step in which some arrive goes on from what was computed, for the loss as for the test."""
    asked = control_of(judge, three)
    z = PLANE.sample(40, seeded())
    move = descent([asked.wish(2)], z, identity=0.1)
    looks: list[int] = []
    hook = asked.critic.register_forward_hook(lambda module, given, out: looks.append(len(out)))
    end = move.descend(z)
    hook.remove()
    assert end.reached.all() and len(end.steps.unique()) > 3, "they arrive one after the other"
    assert len(looks) == end.steps.max() + 1
    assert looks == [int((end.steps >= step).sum()) for step in range(len(looks))]


def test_descent_is_torchs_adam():
    z = torch.randn(4, 3, generator=seeded())
    point = z.clone().requires_grad_()
    adam = torch.optim.Adam([point], lr=0.1)
    for _ in range(20):
        adam.zero_grad()
        (point**4).sum().backward()
        adam.step()
    mine = Descend(lambda z, rows: (z**4).sum(1), steps=20)(z)
    assert torch.allclose(mine, point.detach(), atol=1e-6)


def test_each_example_stops_when_it_has_arrived_and_moves_as_it_would_alone():
    z = torch.randn(30, 3, generator=seeded()) * torch.linspace(0.1, 3, 30)[:, None]
    near = Descend(bowl, lambda z, rows: z.norm(dim=1) < 0.5, steps=25)
    end = near.descend(z)
    before = z.clone()
    assert torch.equal(z, before)
    at_start = z.norm(dim=1) < 0.5
    assert at_start.any()
    assert torch.equal(end.z[at_start], z[at_start])
    assert (end.steps[at_start] == 0).all()
    assert (end.z[end.reached].norm(dim=1) < 0.5).all()
    assert (end.z[~end.reached].norm(dim=1) >= 0.5).all()
    assert (~end.reached).any()
    assert (end.steps[~end.reached] == 25).all()
    alone = torch.cat([near(row[None]) for row in z])
    assert torch.allclose(end.z, alone, atol=1e-6)
    assert torch.equal(near(z), end.z), "moments are fresh in every call"


# --- wishes -----------------------------------------------------------------------------------------------------------


def test_wishes_of_classes(three, judge):
    control = control_of(judge, three)
    z = PLANE.sample(64, seeded())
    for value in (1, "1", torch.tensor(1)):
        assert control.wish(value).target.tolist() == [0, 1, 0]
    end = fulfil(z, [control.wish(2)], "descent")
    assert end.arrived.all()
    assert (judge(end.z).argmax(1) == 2).all()
    avoid = control.wish("not 2")
    assert avoid.counts.tolist() == [False, False, True]
    away = fulfil(z, [avoid], "descent")
    assert (judge(away.z).argmax(1) != 2).all()
    fine = avoid.arrived(z)
    assert fine.any()
    assert torch.equal(away.z[fine], z[fine])
    with pytest.raises(DataError, match="Unknown class 'four' of 'three'"):
        control.wish("four")


@pytest.mark.parametrize("value", [-0.1, 1.5, math.nan, "much", None, [1]])
def test_a_value_that_means_nothing_is_told(value, judge):
    codes, y = blobs(100)
    lesson = lesson_of("loop", codes, (y == 0).astype(float), "label")
    control = control_of(Critics([TINY.critic(4)]), lesson)
    with pytest.raises(DataError, match="'three' takes a number from 0 to 1, 'low' or 'high'"):
        control.wish(value)


def test_a_real_attribute_is_asked_for_by_rank_or_in_its_unit():
    codes, _ = blobs(400)
    lesson = lesson_of("x", codes, 10 * codes.mean[:, 0].double().numpy(), "real")
    control = control_of(learn_critic(lesson, JUDGE), lesson)
    assert control.wish("high").target.tolist() == [pytest.approx(0.9)]
    low, high = control.reach
    assert control.in_unit(low) == 0
    assert control.in_unit(high + 5) == 1
    middle = float(np.quantile(10 * codes.mean[:, 0].numpy(), 0.5))
    assert control.in_unit(middle) == pytest.approx(0.5, abs=0.01)
    end = fulfil(codes.mean[:50], [control.wish(0.75)], "descent")
    share = (codes.mean[:, 0, None] < end.z[:, 0]).float().mean(0)
    assert end.arrived.all()
    assert share.mean().item() == pytest.approx(0.75, abs=0.12)


def test_identity_keeps_near_and_strength_is_a_share(three, judge):
    control = control_of(judge, three)
    z = three.held_codes.mean
    far, near = (fulfil(z, [control.wish(0)], "descent", identity=weight).z for weight in (0.0, 3.0))
    assert (near - z).norm(dim=1).mean() < (far - z).norm(dim=1).mean()
    half = fulfil(z, [control.wish(0)], "descent", strength=0.5).z
    assert torch.allclose(half, torch.lerp(z, far, 0.5))
    added = VectorMove(control.wish(1))(z) - z
    assert torch.allclose(added, control.vectors[1].expand_as(z), atol=1e-6)


def test_many_edits_at_once_are_as_many_alone(three, judge):
    control = control_of(judge, three)
    z = PLANE.sample(12, seeded())
    together = fulfil(z, [control.wish(1)], "descent", identity=0.1).z
    alone = torch.cat([fulfil(row[None], [control.wish(1)], "descent", identity=0.1).z for row in z])
    assert torch.allclose(together, alone, atol=1e-4)
    move = descent([control.wish(1)], z, identity=0.1)
    assert torch.equal(move(z), together)


# --- on a space -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tuned(digits_run, digits, tmp_path_factory):
    """A space with a control of every kind that has values, learned in a second each."""
    space = Space.load(Space.load(digits_run).save(tmp_path_factory.mktemp("tuned") / "run"))
    before = {name: value.clone() for name, value in space.model.state_dict().items()}
    given = {"how": QUICK, "judging": JUDGE}
    space.controls.learn("number", digits, attribute="digit", actor=True, **given)
    space.controls.learn("is seven", digits, attribute="digit=7", actor=False, **given)
    space.controls.learn("weight", digits, attribute="area", actor=False, **given)
    space.controls.learn_realism(digits, how=QUICK)
    x = digits.images(digits.splits["test"][:24])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        space.edit(x, number=3)
        space.sample(8, seeded(), number=3, realism=1.0)
    after = space.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before), "the model is never touched"
    assert all(p.grad is None for p in space.model.parameters())
    return space


@pytest.fixture
def x(digits):
    return digits.images(digits.splits["test"][:40])


def digit_of(space: Space, images) -> torch.Tensor:
    """The digit in the eyes of a judge of codes that took no part."""
    data = load("digits")
    rows = data.splits["training"]
    z, y = space.encode(data.images(rows)), data.column("digit", rows)
    return y[torch.cdist(space.encode(images.plain()), z).topk(7, largest=False).indices].mode(1).values


def quietly(move):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return move()


def test_every_kind_is_learned_and_says_how_well(tuned):
    assert {control.kind for control in tuned.controls.values()} | {"reward", "labels"} == set(KINDS)
    assert tuned.controls["number"].scores["accuracy"] > 0.8
    assert tuned.controls["is seven"].scores["accuracy"] > 0.9
    assert tuned.controls["weight"].scores["rank correlation"] > 0.8
    assert set(tuned.controls["number"].scores) == {"accuracy", "arrives", "spread", "success", "vector", "untouched"}
    assert "is seven" in repr(tuned.controls)
    assert tuned.controls["number"].about["data"] == "digits"


def test_samples_are_what_was_asked_for(tuned):
    images = quietly(lambda: tuned.sample(60, seeded(), number=3))
    assert (digit_of(tuned, images) == 3).float().mean() > 0.8
    again = quietly(lambda: tuned.sample(60, seeded(), number=3))
    assert torch.equal(images, again)
    both = quietly(lambda: tuned.sample(40, seeded(), number=0, weight="high"))
    less = quietly(lambda: tuned.sample(40, seeded(), number=0, weight="low"))
    assert both.plain().mean() > less.plain().mean()


def test_a_coordinate_that_is_held_stays_held(tuned):
    z = tuned.codes.columns().index("slant")
    seen = []
    decode = tuned.decode
    tuned.decode = lambda codes: seen.append(codes) or decode(codes)
    try:
        quietly(lambda: tuned.sample(6, seeded(), number=3, slant=1.25))
    finally:
        del tuned.decode
    assert (seen[-1][:, z] == 1.25).all()


def test_an_edit_leaves_alone_what_is_so_already(tuned, x):
    z = tuned.encode(x)
    fine = tuned.controls["is seven"].wish(0).arrived(z)
    assert fine.sum() > 10
    edited = quietly(lambda: tuned.edit(x, **{"is seven": 0})).plain()
    assert torch.equal(edited[fine], tuned.decode(z).plain()[fine])


def test_edits_by_each_way(tuned, x):
    before = (digit_of(tuned, tuned.decode(tuned.encode(x))) == 4).float().mean()
    for by, least in ((None, 0.5), ("actor", 0.5), ("descent", before + 0.05), ("vector", before + 0.05)):
        edited = quietly(lambda by=by: tuned.edit(x, number=4, by=by))
        assert edited.shape == x.shape
        assert (digit_of(tuned, edited) == 4).float().mean() > least
    with pytest.raises(DataError, match="'weight' has no actor"):
        tuned.edit(x, weight=1, by="actor")
    with pytest.raises(DataError, match="Did you mean 'actor'"):
        tuned.edit(x, number=4, by="actors")


def test_a_real_control_moves_what_it_is_named_after(tuned, x):
    light, heavy = (quietly(lambda v=v: tuned.edit(x, weight=v)).plain().mean((1, 2, 3)) for v in (0.1, 0.9))
    assert (heavy > light).float().mean() > 0.9
    _, high = tuned.controls["weight"].reach
    with pytest.warns(UserWarning, match="The nearest is aimed at"):
        quietly_to = tuned.edit(x[:2], to={"weight": 2 * high})
    assert quietly_to.shape == (2, 1, 8, 8)


def test_what_cannot_be_reached_is_told(tuned, x):
    with pytest.warns(UserWarning, match="of 40 did not arrive: each is the nearest"):
        tuned.edit(x, number="3", weight=0.0, identity=1e4)


def test_realism_is_a_dial(tuned):
    control = tuned.controls["realism"]
    seen = []
    decode = tuned.decode
    tuned.decode = lambda codes: seen.append(codes) or decode(codes)
    try:
        for share in (0.0, 0.5, 1.0):
            tuned.sample(50, seeded(), realism=share)
    finally:
        del tuned.decode
    prior, half, full = seen
    assert torch.allclose(half, torch.lerp(prior, full, 0.5), atol=1e-6)
    assert control.critic(full).mean() > control.critic(prior).mean()


def test_draws_go_a_little_further_than_the_actor_of_realism_and_pictures_do_not(tuned):
    assert PRESETS["realism"].way == 1.2
    space, control = tuned, tuned.controls["realism"]
    assert control.way == QUICK.way == 1.0, "as it was learned"
    z = space.codes.sample(30, seeded())
    to = control.actor(z)
    control.about["way"] = 1.2
    try:
        for share in (0.5, 1.0):
            went = space.controls.move(z, [], realism=share, fresh=True)
            assert torch.allclose(went, z + 1.2 * share * (to - z), atol=1e-5)
        stays = torch.sigmoid(control.critic(z)) >= control.threshold
        kept = space.controls.move(z, [], realism=1.0)
        assert torch.allclose(kept, torch.where(stays, z, to), atol=1e-5)
    finally:
        control.about["way"] = 1.0


def test_a_traversal_of_a_control(tuned, x):
    grid = tuned.traverse(x[:3], "weight", [0.1, 0.5, 0.9])
    assert grid.shape == (3, 3, 1, 8, 8)
    means = grid.plain().mean((2, 3, 4))
    assert (means[:, 2] > means[:, 0]).all()
    assert tuned.traverse(x[:2], "number").shape == (2, 10, 1, 8, 8)
    with pytest.raises(DataError, match="one or more values"):
        tuned.traverse(x[:2], "number", 3)


# --- files ------------------------------------------------------------------------------------------------------------


def test_controls_are_saved_beside_the_model_and_come_back(tuned, x, tmp_path):
    tuned.save(tmp_path / "run")
    again = Space.load(tmp_path / "run")
    assert list(again.controls) == sorted(tuned.controls)
    assert all(same(again.controls[name], tuned.controls[name]) for name in tuned.controls)
    assert again.controls["weight"].quantiles == pytest.approx(tuned.controls["weight"].quantiles)
    edits = [quietly(lambda s=space: s.edit(x, number=4, realism=0.5)) for space in (tuned, again)]
    assert torch.equal(*edits)
    again.controls.remove("weight")
    assert "weight" not in Space.load(tmp_path / "run").controls
    with pytest.raises(DataError, match="Unknown control 'weight'"):
        again.controls.remove("weight")


def test_a_control_of_another_model_is_refused(tuned, tmp_path):
    other = Space.load(tuned.save(tmp_path / "run"))
    with torch.no_grad():
        next(other.model.parameters()).add_(1e-3)
    with pytest.raises(RunError, match="made for another model"):
        other.controls.add(tuned.controls["number"])
    other.model.state_dict()
    from latune.training import checkpoint as ckpt

    ckpt.save_tensors(tmp_path / "run" / ckpt.WEIGHTS, other.model.state_dict(), {})
    shelf = Space.load(tmp_path / "run").controls
    assert not len(shelf)
    with pytest.raises(RunError, match="'number' cannot be used: The control 'number' was made for another model"):
        shelf["number"]
    shelf.remove("number")
    assert not (tmp_path / "run" / "controls" / "number").exists()


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda text: text[:50], "is damaged"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "of format 2; this Latune reads format 1"),
        (lambda text: text.replace('"width": 48', '"width": 50'), "do not fit"),
        (lambda text: text.replace('"label"', '"lable"'), "Unknown kind 'lable' of control"),
    ],
)
def test_a_damaged_control_is_told(tuned, tmp_path, harm, message):
    folder = tuned.controls["is seven"].save(tmp_path / "is seven")
    path = folder / "control.json"
    path.write_text(harm(path.read_text()))
    with pytest.raises(RunError, match=message):
        Control.load(folder)
    path.unlink()
    with pytest.raises(RunError, match="There is no control"):
        Control.load(folder)


def test_a_space_of_another_format_is_told(tuned, tmp_path):
    tuned.save(tmp_path / "run")
    path = tmp_path / "run" / "space.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 7}))
    with pytest.raises(RunError, match="of format 7; this Latune reads format 1"):
        Space.load(tmp_path / "run")


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("slant", {}, "is a coordinate of this space already"),
        ("identity", {}, "cannot be called 'identity'"),
        ("realism", {}, "cannot be called 'realism'"),
        ("number", {"attribute": "digit"}, "There is a control 'number' already"),
        ("a/b", {"attribute": "digit"}, "up to 64 letters"),
        ("loop", {}, "has no attribute 'loop'"),
        ("loop", {"attribute": "digits"}, "Did you mean 'digit'"),
        ("loop", {"attribute": "digit=12"}, "Unknown value '12' of 'digit'"),
        ("loop", {"attribute": "digit", "how": "paperr"}, "Did you mean 'paper'"),
    ],
)
def test_what_cannot_be_learned_is_told(tuned, digits, name, given, message):
    with pytest.raises(DataError, match=message):
        tuned.controls.learn(name, digits, **given)


def test_a_control_needs_examples(tuned, digits, x):
    with pytest.raises(DataError, match="Give one"):
        tuned.controls.learn("loop")
    with pytest.raises(DataError, match="Give values beside the images"):
        tuned.controls.learn("loop", images=x)


def test_wrong_dials_and_names_are_told(tuned, space, x):
    with pytest.raises(DataError, match="strength is a number of 0 or more"):
        tuned.edit(x, number=3, strength=-1)
    with pytest.raises(DataError, match="Did you mean 'number'"):
        tuned.edit(x, numbr=3)
    with pytest.raises(DataError, match="has no unit of its own"):
        tuned.edit(x, to={"number": 3})
    with pytest.raises(DataError, match="no control 'realism' yet"):
        space.sample(2, realism=1)


def test_a_control_from_images_and_values(digits_run, digits):
    space = Space.load(digits_run)
    space.controls.folder = None  # not into the run that others share
    rows = digits.splits["training"][:50]
    values = (digits.column("digit", rows) == 1).float()
    few = replace(JUDGINGS["few"], steps=40)
    control = space.controls.learn("sevens", images=digits.images(rows), values=values, judging=few)
    assert control.kind == "label"
    assert control.actor is None
    assert control.about["examples"] in (44, 45)
    assert isinstance(control.critic, nn.Module)
    assert len(space.controls) == 1


def test_few_examples_against_the_rest(digits_run, digits):
    """25 ones and 25 others, beside a thousand that nothing is known of: samples become ones."""
    space = Space.load(digits_run)
    space.controls.folder = None
    rows, y = digits.splits["training"], digits.column("digit", digits.splits["training"])
    few = torch.cat([rows[y == 0][:25], rows[y != 0][:25]])
    values = (digits.column("digit", few) == 0).float()
    control = space.controls.learn("ring", images=digits.images(few), values=values, rest=digits)
    assert control.threshold == 0.95
    assert 0.7 <= control.sure <= 0.95
    assert control.actor is None
    assert control.about["examples"] > 900
    images = quietly(lambda: space.sample(60, seeded(), ring=1))
    assert (digit_of(space, images) == 0).float().mean() > 0.75
    with pytest.raises(DataError, match="rest goes with a label"):
        space.controls.learn("digit", images=digits.images(few), values=range(50), rest=digits)

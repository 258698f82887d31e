"""What every model, term, move, attribute, data set and code must do, written once and run through the registries.

A new entry of a registry is tested from the moment it is there; where it needs something to be made from (a loader its
files, a move its arguments), one line is added to the table beside its registry below.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from latune.attributes import ATTRIBUTES, MEASURES, Attribute, evaluate, measure, of_grid
from latune.attributes.melody import MELODY
from latune.calibration import Calibration
from latune.codes import FACTORS, Categorical, Codes, Gaussian, Normal, OneOf, Uniform
from latune.controls import (
    BYS,
    KINDS,
    Control,
    Critics,
    Encoded,
    Judging,
    Learning,
    fulfil,
    learn_actor,
    learn_critic,
    lesson_of,
    realism_lesson,
)
from latune.controls.critics import class_vectors
from latune.data import DATASETS, TokenData, from_arrays, load, make_splits
from latune.data.tunes import sources
from latune.errors import DataError
from latune.metrics import METRICS, disentanglement
from latune.models import MODELS, Spec, build
from latune.moves import MOVES, Move, Stay
from latune.music import GRIDS, Melodies
from latune.nets import NETS, OVER_TIME, LatentNets, use_generator
from latune.recipes import check, open_data, read, shelf, train
from latune.space import Space
from latune.terms import LIKELIHOODS, TERMS, Bernoulli
from latune.training import Batch, Game, Generators, Optimiser, Plan, Player, Trainer, Weighed, generator, seed_for

SHAPE = (1, 12, 12)
BATCH_TOLERANCE = 1e-5  # kernels may sum a batch in another order than a single example
BF16_TOLERANCE = 0.05  # of the spread of the outputs; bf16 keeps 8 bits
COMPILED_TOLERANCE = 1e-4
SMALL = {
    "mlp": {"hidden": [24, 16]},
    "conv": {"channels": [4, 6], "hidden": [16], "kernel": 4},
    "strided": {"channels": [4, 6], "kernels": [5, 3]},
    "adversarial": {"width": 1 / 16},
    "measure-gru": {"hidden": 6, "embedding": 4},
    "melody-lstm": {
        "size": "small", "reader_units": 6, "summary_units": 5, "conductor_units": 6, "embedding": 4, "bar_units": 7,
        "bars": 4,
    },
}  # fmt: skip
SOURCES = ("bach", "folk", "taberna", "nottingham", "pop909")  # data sets of tunes that are read from files
TUNES = OVER_TIME  # nets of tokens; the others are of images
MEASURE = GRIDS["measure"]

# --- codes ------------------------------------------------------------------------------------------------------------

FACTOR_EXAMPLES = {
    "normal": (Normal(3), 1.5 * math.log(2 * math.pi * math.e)),
    "uniform": (Uniform(-2.0, 3.0, dim=2), 2 * math.log(5)),
    "categorical": (Categorical(7), math.log(7)),
}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", FACTORS)
def test_factor(name):
    factor, entropy = FACTOR_EXAMPLES[name]
    assert type(factor) is FACTORS[name]
    codes = Codes({"before": Normal(1), name: factor, "after": Normal(2)})
    draw = codes.sample(500, seeded())
    assert draw.shape == (500, codes.width)
    assert torch.equal(draw, codes.sample(500, seeded()))
    assert not torch.equal(draw, codes.sample(500, seeded(1)))
    assert factor.entropy() == pytest.approx(entropy)
    assert codes.entropy() == pytest.approx(codes.entropy("before") + entropy + codes.entropy("after"))
    # the slices follow each other and cover all columns
    assert [i for part in codes for i in range(codes.width)[codes.slice(part)]] == list(range(codes.width))
    assert len(codes.columns()) == len(set(codes.columns())) == codes.width
    # a network's output is read as a distribution whose draws are codes of this factor
    raw = torch.randn(500, codes.params, generator=seeded(2), requires_grad=True)
    q = codes.read(raw)[name]
    value = q.sample(seeded())
    assert value.shape == q.mean.shape == (500, factor.width)
    assert torch.equal(value, q.sample(seeded()))
    log_prob = q.log_prob(factor.sample(500, seeded()))
    assert log_prob.shape == (500,)
    log_prob.sum().backward()
    assert raw.grad is not None
    assert raw.grad[:, 2 : 2 + factor.params].abs().sum(0).min() > 0
    assert raw.grad[:, :2].abs().sum() == 0
    again = Codes.from_dict(json.loads(json.dumps(codes.as_dict())))
    assert repr(again) == repr(codes)


def test_one_hot_codes_have_the_log_prob_torch_gives_them():
    logits = torch.randn(6, 4, generator=seeded())
    q = Categorical(4).read(logits)
    reference = torch.distributions.OneHotCategorical(logits=logits)
    value = Categorical(4).sample(6, seeded())
    assert torch.allclose(q.log_prob(value), reference.log_prob(value), atol=1e-6)
    assert torch.allclose(q.mean.sum(1), torch.ones(6))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Codes(), "at least one named factor"),
        (lambda: Uniform(1.0, 1.0), "lo < hi"),
        (lambda: Categorical(1), "at least 2 classes"),
        (lambda: Codes(slant=Normal(1))["slnat"], "Did you mean 'slant'"),
        (lambda: Codes(z=Normal(2)).read(torch.zeros(1, 3)), "read from 4 columns. Got 3"),
    ],
)
def test_codes_that_cannot_be_are_told(make, message):
    with pytest.raises((ValueError, KeyError), match=message):
        make()


# --- moves ------------------------------------------------------------------------------------------------------------


def move_examples(n: int, d: int) -> dict[str, list[Move]]:
    """For each move, some that are valid for `(n, d)` points; arguments may be one number or one for each example."""
    each = torch.linspace(-1, 1, n, dtype=torch.float64)
    goal = torch.randn(n, d, generator=seeded(7), dtype=torch.float64)
    return {
        "stay": [MOVES["stay"]()],
        "shift": [MOVES["shift"](1, 0.5), MOVES["shift"](0, each)],
        "put": [MOVES["put"](2, -1.5), MOVES["put"](1, each)],
        "pick": [MOVES["pick"](1, 2, 0)],
        "towards": [MOVES["towards"](goal, 0.25), MOVES["towards"](goal[:1], 0.5)],
    }


@pytest.fixture
def points() -> Tensor:
    return torch.randn(4, 3, generator=seeded(), dtype=torch.float64)


@pytest.mark.parametrize("name", MOVES)
def test_move(name, points):
    for move in move_examples(*points.shape)[name]:
        before = points.clone()
        moved = move(points)
        assert moved.shape == points.shape
        assert torch.equal(points, before), "a move must not change its input"
        assert torch.equal(moved, move(points)), "a move repeats"
        assert torch.autograd.gradcheck(move, points.clone().requires_grad_())
        # a then b; repetition; nothing
        shift = MOVES["shift"](0, 2.0)
        assert torch.equal((move >> shift)(points), shift(move(points)))
        assert torch.equal((shift >> move)(points), move(shift(points)))
        assert torch.equal((move * 3)(points), (move >> move >> move)(points))
        assert torch.equal((move * 0)(points), points)
        assert torch.equal((Stay() >> move)(points), moved)
        with pytest.raises(ValueError, match="0 or more times"):
            move * -1
    # where nothing is said for each example, a batch moves as its singles do
    one_for_all = move_examples(*points.shape)[name][0]
    if name != "towards":
        assert torch.equal(one_for_all(points), torch.cat([one_for_all(row[None]) for row in points]))


def test_moves_do_what_they_say(points):
    shifted, put = MOVES["shift"](1, 2.0)(points), MOVES["put"](1, 2.0)(points)
    assert torch.allclose(shifted - points, torch.tensor([0.0, 2.0, 0.0], dtype=torch.float64))
    assert torch.equal(put[:, 1], torch.full((4,), 2.0, dtype=torch.float64))
    assert torch.equal(put[:, [0, 2]], points[:, [0, 2]])
    goal = torch.zeros_like(points)
    assert torch.allclose(MOVES["towards"](goal, 1.0)(points), goal)
    assert torch.equal(MOVES["towards"](goal, 0.0)(points), points)


# --- terms and likelihoods --------------------------------------------------------------------------------------------


def q_of(raw: Tensor) -> Gaussian:
    return Gaussian(*raw.chunk(2, dim=1)[:1], raw.chunk(2, dim=1)[1].exp())


# for each term: from a tensor (6, 4) to its value, and the value at zeros, in nats
TERM_EXAMPLES = {
    "reconstruction": (lambda t: TERMS["reconstruction"](Bernoulli(), t, torch.ones(6, 4)), 4 * math.log(2)),
    "kl": (lambda t: TERMS["kl"](q_of(t)), 0.0),
    "attribute_order": (lambda t: TERMS["attribute_order"](t[:, 0], torch.arange(6.0)), 1 - 1 / 6),
    "discriminate": (lambda t: TERMS["discriminate"]([(t, 0.25)]), 4 * math.log(2)),
    "believe": (lambda t: TERMS["believe"](t), 4 * math.log(2)),
    "gradient_penalty": (lambda t: TERMS["gradient_penalty"](*steep(t), torch.zeros(6, 4)), (1e-5 - 1) ** 2),
    "r1": (lambda t: TERMS["r1"](*steep(t)), 0.0),
    "near": (lambda t: TERMS["near"](t, torch.zeros(6, 4), 0.5), 0.0),
    "information": (lambda t: TERMS["information"](OneOf(t), torch.eye(4)[[0, 1, 2, 3, 0, 1]], math.log(4)), 0.0),
    "agreement": (lambda t: TERMS["agreement"](OneOf(t), OneOf(2 * t)), 0.0),
    "equivariance": (lambda t: TERMS["equivariance"](t, t**3 + 2), 0.0),
    "unevenness": (lambda t: TERMS["unevenness"](t), (4 * 1.25 + 6 * 1.25**2) ** 0.5),
    "ima_contrast": (lambda t: TERMS["ima_contrast"](t.view(6, 2, 2)), -math.log(1e-4 / 1.0001)),
    "asymmetry": (lambda t: TERMS["asymmetry"](t, torch.ones(6, 4)), 4.0),
    "faintness": (lambda t: TERMS["faintness"](t.view(6, 2, 2), 2.0), 2 * 8.0),
    "spread": (lambda t: TERMS["spread"](t.square().sum(1), 1.0), 0.0),
    "guide_loss": (lambda t: TERMS["guide_loss"](t[:, 0], t[:, 1]), 2 * math.log(2)),
    "mean_gap": (lambda t: TERMS["mean_gap"](t, torch.ones(5, 4)), 4.0),
    "covariance_gap": (lambda t: TERMS["covariance_gap"](t, torch.zeros(5, 4)), 0.0),
    "energy_distance": (lambda t: TERMS["energy_distance"](t, torch.ones(5, 4)), 4.0),  # twice the distance, 2
}


def steep(t: Tensor):
    """A critic whose slope at each point is a row of `t`, and points."""
    return lambda z: (z * t).sum(1), torch.ones(6, 4)


@pytest.mark.parametrize("name", TERMS)
def test_term(name):
    of, at_zero = TERM_EXAMPLES[name]
    raw = torch.randn(6, 4, generator=seeded(), requires_grad=True)
    value = of(raw)
    assert value.shape == ()
    assert value.isfinite()
    assert value >= 0 or (name == "information" and value <= math.log(4))  # what is told, up to all; the rest is lost
    value.backward()
    assert raw.grad is not None
    assert raw.grad.isfinite().all()
    assert raw.grad.abs().sum() > 0
    assert of(torch.zeros(6, 4)).item() == pytest.approx(at_zero, abs=1e-6)
    order = torch.randperm(6, generator=seeded(3))
    if name not in ("attribute_order", "information"):  # whose attribute or code would have to be permuted as well
        assert torch.allclose(of(raw[order]), value, atol=1e-5), "examples have no order"


# --- controls ---------------------------------------------------------------------------------------------------------

ASKED = {"classes": "1", "labels": {"1": 1}}  # of a control of each kind, where it is not 1
CONTROLS = {  # for each kind, what is known of each example of codes `(n, 4)`; of realism nothing
    "label": lambda z: (z[:, 0] > 0).double(),
    "labels": lambda z: (z[:, :2] > 0).double(),
    "classes": lambda z: (z[:, 0] > 0).double() + (z[:, 1] > 0).double(),
    "real": lambda z: z[:, 0].double() * 7 - 2,
    "reward": lambda z: torch.sigmoid(z[:, 0]).double(),
    "realism": None,
}


@pytest.mark.parametrize("kind", KINDS)
def test_control(kind, tmp_path):
    codes = Codes(z=Normal(4))
    z = codes.sample(120, seeded())
    encoded = Encoded(z, torch.full_like(z, 0.1))
    of = CONTROLS[kind]
    lesson = realism_lesson(encoded) if of is None else lesson_of("it", encoded, of(z).numpy(), kind)
    how = Learning(nets=LatentNets(8, 1), steps=3, batch_size=16)
    players = learn_actor(lesson, codes, how)
    if of is None:
        critic, vectors = Critics([players.critic]), z.new_zeros(0, 4)
    else:
        critic = learn_critic(lesson, Judging(nets=how.nets, steps=3, batch_size=16))
        vectors = class_vectors(lesson)
    scale = lesson.codes.typical_scale
    control = Control(
        "it", kind, critic, vectors, scale, "model", how.nets, players.actor, how.nets, lesson.classes, lesson.quantiles
    )
    again = Control.load(control.save(tmp_path / "it"))
    assert all(torch.equal(a, b) for a, b in zip(control.critic.parameters(), again.critic.parameters(), strict=True))
    assert again.kind == kind
    points = codes.sample(9, seeded(1))
    before = points.clone()
    if of is None:
        assert control.actor(points).shape == points.shape
    else:
        wish = control.wish(ASKED.get(kind, 1))
        assert wish.loss(points).shape == wish.arrived(points).shape == wish.belief(points).shape == (9,)
        for by in BYS:
            moved = fulfil(points, [wish], by).z
            assert moved.shape == points.shape
            assert torch.equal(moved, fulfil(points, [again.wish(ASKED.get(kind, 1))], by).z)
            assert not moved.requires_grad or by == "actor"
    assert torch.equal(points, before), "a control must not change its input"


LIKELIHOOD_EXAMPLES = {
    "bernoulli": ({}, (5, 1, 4, 4), lambda raw: torch.rand(raw.shape, generator=seeded(5))),
    "gaussian": ({"scale": "learned"}, (5, 1, 4, 4), lambda raw: torch.rand(raw.shape, generator=seeded(5))),
    "categorical": ({}, (5, 6, 3), lambda raw: torch.randint(3, raw.shape[:2], generator=seeded(5))),
}


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_likelihood(name):
    settings, shape, data = LIKELIHOOD_EXAMPLES[name]
    likelihood = LIKELIHOODS[name](**settings)
    raw = torch.randn(shape, generator=seeded(), requires_grad=True)
    x = data(raw)
    log_prob = likelihood.log_prob(raw, x)
    assert log_prob.shape == (5,)
    singles = torch.cat([likelihood.log_prob(raw[i : i + 1], x[i : i + 1]) for i in range(5)])
    assert torch.allclose(log_prob, singles, atol=BATCH_TOLERANCE)
    log_prob.sum().backward()
    assert raw.grad is not None
    assert raw.grad.abs().sum() > 0
    assert all(p.grad is not None for p in likelihood.parameters())
    mean = likelihood.mean(raw)
    assert mean.shape == raw.shape
    assert mean.isfinite().all()
    draw = likelihood.sample(raw.detach(), seeded())
    assert draw.shape == x.shape
    assert torch.equal(draw, likelihood.sample(raw.detach(), seeded()))
    assert not torch.equal(draw, likelihood.sample(raw.detach(), seeded(1)))


# --- models -----------------------------------------------------------------------------------------------------------


JUDGED = ("infogan",)  # models whose encoder is a judge
PAIRS = [
    (model, nets)
    for model in MODELS
    for nets in NETS
    if (model in JUDGED) == (nets == "adversarial") and (MODELS[model].melodies or nets not in TUNES)
]


def learned_likelihood(model: str, nets: str = "mlp") -> dict[str, Any]:
    """Settings beside the usual: a learned likelihood, for models that have one."""
    if nets in TUNES:
        return {"scale": "softplus"}
    if model in JUDGED:
        weights = dict.fromkeys(("agreement", "evenness", "orthogonality", "visibility"), 0.5)
        told = {"equivariance": 0.5, "follow": {"c2": "slant"}, "symmetry": 0.5, "mirror": ["c3"]}
        return {"scale": "softplus", "penalty": 0.1, "smoothing": 0.1, **weights, **told}
    return {"likelihood": "gaussian", "sigma": "learned", "scale": "softplus"}


def spec_of(model: str, nets: str | None = None, **settings) -> Spec:
    nets = nets or ("adversarial" if model in JUDGED else "mlp")
    attributes = ("light", "lean") if model == "ar-vae" else ()
    tunes = nets in TUNES
    shape, grid = ((MEASURE.steps,), MEASURE.as_dict()) if tunes else (SHAPE, None)
    return Spec(model, shape, 5, attributes, {"name": nets, **SMALL[nets]}, settings, grid=grid)


@pytest.fixture
def data():
    """Slanted bars, their light and lean known."""
    draw = np.random.default_rng(0)
    light, lean = draw.uniform(0.2, 1, 96), draw.uniform(-1, 1, 96)
    rows, columns = np.mgrid[-6:6, -6:6]
    images = np.exp(-((columns - lean[:, None, None] * rows) ** 2) / 4) * light[:, None, None]
    return from_arrays(images, {"light": light, "lean": lean}, seed=0)


@pytest.fixture
def tunes():
    """Measures of one to six notes of all lengths, with two attributes of the same names as those of the bars."""
    draw = np.random.default_rng(0)
    tokens = np.zeros((96, MEASURE.steps), np.uint8)
    for row in tokens:
        places = draw.choice(MEASURE.steps, draw.integers(1, 7), replace=False)
        row[places] = draw.integers(1, 12, len(places))
    melodies = Melodies(tokens, MEASURE)
    values = np.stack([ATTRIBUTES[name].measure(melodies) for name in ("note_density", "contour")], axis=1)
    known = {name: Attribute(name) for name in ("light", "lean")}
    return TokenData(
        name="arrays",
        shape=(MEASURE.steps,),
        attributes=known,
        values=torch.from_numpy(values.astype(np.float32)),
        splits=make_splits(96, (0.7, 0.2, 0.1), seed=0),
        tokens=torch.from_numpy(tokens),
        grid=MEASURE,
    )


@pytest.fixture
def data_of(data, tunes):
    """From networks to the examples that they are of."""
    return lambda nets: tunes if nets in TUNES else data


def batch_of(data, n: int = 16) -> Batch:
    rows = data.splits["training"][:n]
    return Batch(data.examples(rows), data.values[rows])


every_model = pytest.mark.parametrize("model", MODELS)
every_pair = pytest.mark.parametrize(("model", "nets"), PAIRS)


@every_pair
@pytest.mark.parametrize("learned", [False, True])
def test_gradients_reach_every_parameter_of_the_player_that_owns_it(model, nets, learned, data_of):
    data = data_of(nets)
    built = build(spec_of(model, nets, **(learned_likelihood(model, nets) if learned else {})), seed=0)
    for parameter in built.parameters():  # a learned input that starts at 0: nothing flows to its weights yet
        if nets in TUNES and parameter.requires_grad and not parameter.any():
            nn.init.constant_(parameter, 0.1)
    game = built.game(Optimiser(), seeded())
    owned = [p for player in game.players for p in player.parameters]
    assert {id(p) for p in owned} == {id(p) for p in built.parameters() if p.requires_grad}
    assert len(owned) == len({id(p) for p in owned})
    for player in game.players:
        built.zero_grad(set_to_none=True)
        losses = player.lose(game.scene(batch_of(data), 0), 0)
        mine = {id(p) for p in player.parameters}
        for name, parameter in built.named_parameters():
            if id(parameter) in mine:
                assert parameter.grad is not None, name
                assert parameter.grad.isfinite().all(), name
                assert parameter.grad.abs().sum() > 0, name
            else:
                assert parameter.grad is None, name
        assert all(value.shape == () and value.isfinite() and not value.requires_grad for value in losses.values())
        assert f"loss/{player.name}" in losses


@every_model
def test_the_loss_is_the_weighted_sum_of_its_terms(model, data):
    settings = {"information": 3.0} if model in JUDGED else {"beta": 3.0}
    built = build(spec_of(model, **settings), seed=0)
    game = built.game(Optimiser(), seeded())
    losses = game.players[0].lose(game.scene(batch_of(data), 0), 0)
    weights = {"reconstruction": 1.0, "kl": 3.0, "discriminate": 2.0}
    weights |= {"believe": 25.0, "information/c1": -3.0, "information/c2": -1.0, "information/c3": -1.0}
    expected = sum(weights.get(name, 10.0) * v for name, v in losses.items() if not name.startswith("loss/"))
    assert losses[f"loss/{game.players[0].name}"].item() == pytest.approx(expected.item(), rel=1e-5)


@every_pair
def test_a_batch_equals_its_single_examples(model, nets, data_of):
    built = build(spec_of(model, nets), seed=0).eval()
    x = batch_of(data_of(nets), 7).x
    with torch.no_grad():
        q = built.posterior(x)
        z = built.codes.sample(7, seeded())
        decoded = built.decode(z)
        singles = [built.posterior(x[i : i + 1]) for i in range(7)]
        assert torch.allclose(q.mean, torch.cat([s.mean for s in singles]), atol=BATCH_TOLERANCE)
        assert torch.allclose(q.scale, torch.cat([s.scale for s in singles]), atol=BATCH_TOLERANCE)
        one_by_one = torch.cat([built.decode(z[i : i + 1]) for i in range(7)])
        assert torch.allclose(decoded.float(), one_by_one.float(), atol=BATCH_TOLERANCE)
        assert decoded.min() >= 0
        assert decoded.max() <= (MEASURE.vocabulary - 1 if nets in TUNES else 1)


@every_model
def test_sampling_and_encoding_repeat_with_their_seed(model, data):
    space = Space(build(spec_of(model), seed=0), spec_of(model), data.attributes)
    x = batch_of(data).x
    assert torch.equal(space.encode(x), space.encode(x)), "encode is deterministic"
    for draw in (
        lambda seed: space.sample(5, generator=seeded(seed)).plain(),
        lambda seed: space.encode(x, sample=True, generator=seeded(seed)),
    ):
        torch.manual_seed(1)
        first = draw(0)
        torch.manual_seed(2)  # nothing comes from the global generator
        assert torch.equal(first, draw(0))
        assert not torch.equal(first, draw(1))


@every_model
def test_weights_come_from_their_seed(model):
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first, again, other = (build(spec_of(model), seed=seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(state, torch.get_rng_state()), "the global generator is left alone"
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@every_pair
def test_save_and_load_are_equal(model, nets, data_of, tmp_path):
    data, spec = data_of(nets), spec_of(model, nets, **learned_likelihood(model, nets))
    line = np.linspace(-4, 4, 9)
    known = {name: Calibration(line, line / 3 + 0.1, "labels", "px") for name in spec.attributes}
    space = Space(build(spec, seed=3), spec, data.attributes, known, {"seed": 3, "nested": {"a": [1, 2.5]}})
    space.save(tmp_path / "run")
    again = Space.load(tmp_path / "run")
    before, after = space.model.state_dict(), again.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert again.spec == spec
    assert again.sliders == space.sliders == list(spec.attributes)
    assert repr(again.codes) == repr(space.codes)
    assert again.attributes == space.attributes
    assert again.about == space.about
    assert again.calibration.keys() == known.keys()
    for name, calibration in again.calibration.items():
        assert calibration.as_dict() == known[name].as_dict()
    x = batch_of(data).x
    assert torch.equal(space.encode(x), again.encode(x))
    z = space.codes.sample(4, seeded())
    assert torch.equal(space.decode(z).plain(), again.decode(z).plain())
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["space.json", "weights.safetensors"]


@every_pair
def test_bf16_agrees_with_fp32(model, nets, data_of):
    built = build(spec_of(model, nets), seed=0).eval()
    x = batch_of(data_of(nets)).x
    outputs = {}
    with torch.no_grad():
        for precision in ("fp32", "bf16"):
            built.precision = precision
            q = built.posterior(x)
            # Of tokens the logits after the true ones: a token that rounding changes would change all after it.
            told = (x,) if nets in TUNES else ()
            outputs[precision] = [q.mean, q.scale.log(), built.raw(built.codes.sample(16, seeded()), *told)]
    for exact, rounded in zip(*outputs.values(), strict=True):
        assert rounded.dtype == torch.float32
        assert not torch.equal(exact, rounded)
        assert (exact - rounded).abs().max() < BF16_TOLERANCE * (exact.max() - exact.min())


# inductor is what `training.compile` uses; building its kernels takes seconds, so one net is enough. aot_eager traces
# forward and backward of the rest without building any.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("model", "nets", "backend"),
    # Nets that run over time are not compiled: a recipe that asks for it is refused.
    [("vae", "mlp", "inductor"), *((*pair, "aot_eager") for pair in PAIRS if pair[1] not in TUNES)],
)
def test_compiled_agrees_with_eager(model, nets, backend, data_of):
    built = build(spec_of(model, nets), seed=0).eval()
    x, z = batch_of(data_of(nets)).x, built.codes.sample(16, seeded())
    with torch.no_grad():
        mean, decoded = built.posterior(x).mean, built.decode(z)
        built.encoder.compile(backend=backend)
        built.decoder.compile(backend=backend)
        assert torch.allclose(built.posterior(x).mean, mean, atol=COMPILED_TOLERANCE)
        assert torch.allclose(built.decode(z).float(), decoded.float(), atol=COMPILED_TOLERANCE)
    torch._dynamo.reset()


# --- training ---------------------------------------------------------------------------------------------------------


def trained(spec: Spec, data, seed: int = 0, **plan) -> nn.Module:
    generators = Generators(seed)
    built = build(spec, seed=seed_for(seed, "weights"))
    game = built.game(Optimiser(lr=1e-3), generators["noise"])
    Trainer(game, data, Plan(batch_size=16, steps=6, log_every=3, **plan), generators, spec.attributes).run()
    return built


@every_pair
def test_training_repeats_with_its_seed(model, nets, data_of):
    data, spec = data_of(nets), spec_of(model, nets)
    if "dropout" in {field.name for field in fields(NETS[nets])}:
        spec = Spec(**{**vars(spec), "nets": {**spec.nets, "dropout": 0.25}})
    first, again, other = (trained(spec, data, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert all(not torch.equal(first[name], other[name]) for name in first if first[name].is_floating_point())


@every_model
def test_training_does_not_touch_the_global_generator(model, data):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    trained(spec_of(model), data)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:The .grad attribute:UserWarning")
@pytest.mark.parametrize("fast", [{"precision": "bf16"}, {"channels_last": True}, {"ema": 0.5}, {"compile": True}])
def test_what_training_returns_is_what_its_files_hold(fast, data, tmp_path, monkeypatch):
    compile_quickly(monkeypatch)
    recipe = {
        "name": "fast",
        "data": {"name": "arrays"},
        "nets": {"name": "conv", **SMALL["conv"], "dropout": 0.1},
        "model": {"name": "ar-vae", "latent": 5},
        "training": {"steps": 8, "batch_size": 16, **fast},
    }
    space = train(check(recipe, "test"), tmp_path / "run", data=data)
    again = Space.load(tmp_path / "run")
    x = batch_of(data).x
    assert torch.equal(space.encode(x), again.encode(x))
    assert torch.equal(space.decode(space.encode(x)).plain(), again.decode(again.encode(x)).plain())


def compile_quickly(monkeypatch) -> None:
    """Let `training.compile` trace forward and backward without building kernels, which would take half a minute."""
    compile_ = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda module: compile_(module, backend="aot_eager"))


def tiny_options(name: str) -> dict:
    """What makes a recipe's data small; MNIST and CelebA come from the files of `tiny_mnist` and `tiny_celeba`."""
    return {"mnist": {"split": [0.6, 0.2, 0.2], "variant": "original"}, "celeba": {}, "svhn": {}}.get(
        name, {"limit": 200}
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The guide begins at", "ignore:.* is on its way to")  # of two steps, rightly
@pytest.mark.parametrize("name", shelf())
def test_every_recipe_trains_for_two_steps(name, request, tiny_mnist, tiny_celeba, tiny_svhn, tmp_path, monkeypatch):
    compile_quickly(monkeypatch)
    plain = read(name, ["training.steps=2", "training.batch_size=16", "training.log_every=1"]).plain()
    monkeypatch.setattr("latune.units.CALIBRATION_EXAMPLES", 4)
    if plain["data"]["name"] in SOURCES:
        tunes = request.getfixturevalue("tiny_tunes")
        monkeypatch.setattr(sources, plain["data"]["name"], lambda *_: sources.folder(tunes))
    else:
        plain["data"] |= tiny_options(plain["data"]["name"])
        plain["data"] |= {"path": str(tiny_svhn)} if plain["data"]["name"] == "svhn" else {}
    plain["nets"] |= {"width": 1 / 16} if "table" in plain["nets"] else {}
    plain["nets"] |= {"size": "small"} if "size" in plain["nets"] else {}  # the paper's takes a minute
    if max(plain["nets"].get("channels", [0])) > 512:  # the same nets, thinner: 154 million weights take a minute
        plain["nets"]["channels"] = [channels // 64 for channels in plain["nets"]["channels"]]
    recipe = check(plain, name)
    data = open_data(recipe)
    space = train(recipe, tmp_path / "run", data=data)
    assert space.about["steps"] == 2
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == 2
    some = data.examples(data.splits["test"][:2])
    assert space.decode(space.encode(some)).shape == some.shape
    again = Space.load(tmp_path / "run")
    assert all(torch.equal(a, b) for a, b in zip(space.model.parameters(), again.model.parameters(), strict=True))


@pytest.mark.parametrize("name", shelf())
def test_every_recipe_says_what_it_is_for(name):
    recipe = read(name)
    assert recipe.about
    assert recipe.name == name
    assert check(recipe.plain(), name) == recipe


# --- games of several players -----------------------------------------------------------------------------------------


@dataclass
class Duel:
    """A painter makes points from noise, a critic scores them: one scene, both look at it."""

    painter: nn.Module
    critic: nn.Module
    noise: Tensor
    real: Tensor

    def scene(self, batch=None, step: int = 0) -> dict[str, Tensor]:
        fake = self.painter(self.noise)
        return {"fake": self.critic(fake), "real": self.critic(self.real)}

    def critics_terms(self, scene):
        yield Weighed("discriminate", nn.functional.softplus(scene["fake"]).mean(), 2.0)
        yield Weighed("recognise", nn.functional.softplus(-scene["real"]).mean())

    def painters_terms(self, scene):
        yield Weighed("believe", nn.functional.softplus(-scene["fake"]).mean())

    def game(self, order, every: int = 1, lr: float = 0.5) -> Game:
        sgd = Optimiser(kind="sgd", lr=lr)
        players = [
            Player("critic", [self.critic], self.critics_terms, sgd),
            Player("painter", [self.painter], self.painters_terms, sgd, every=every),
        ]
        return Game(nn.ModuleList([self.painter, self.critic]), self.scene, players, order)


@pytest.fixture
def duel() -> Duel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        painter = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 3))
        critic = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        return Duel(painter, critic, torch.randn(8, 2), torch.randn(8, 3) + 1)


def loss_of(duel: Duel, player: str) -> Tensor:
    terms = duel.critics_terms if player == "critic" else duel.painters_terms
    return torch.stack([term.value * term.weight for term in terms(duel.scene())]).sum()


def by_hand(duel: Duel, module: str, lr: float = 0.5) -> dict[str, Tensor]:
    """The weights of one player after plain gradient descent from where all are now."""
    parameters = dict(getattr(duel, module).named_parameters())
    gradients = torch.autograd.grad(loss_of(duel, module), list(parameters.values()))
    return {name: p.detach() - lr * g for (name, p), g in zip(parameters.items(), gradients, strict=True)}


def close(module: nn.Module, expected: dict[str, Tensor]) -> bool:
    return all(torch.allclose(p, expected[name], atol=1e-6) for name, p in module.named_parameters())


@pytest.mark.parametrize("order", ["sequential", "simultaneous"])
def test_a_players_backward_fills_only_its_own_parameters(duel, order):
    game = duel.game(order)
    scene = game.scene(None, 0)
    for player, other in (game.players, game.players[::-1]):
        game.model.zero_grad(set_to_none=True)
        player.lose(scene, 0, shared=True)
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in player.parameters)
        assert all(p.grad is None for p in other.parameters)


def test_in_a_simultaneous_game_all_gradients_come_before_all_moves(duel):
    expected = {name: by_hand(duel, name) for name in ("critic", "painter")}
    losses = duel.game("simultaneous").step(None, 0)
    assert close(duel.critic, expected["critic"])
    assert close(duel.painter, expected["painter"])
    assert set(losses) == {"loss/critic", "loss/painter", "discriminate", "recognise", "believe"}
    assert all(p.grad is None for p in [*duel.critic.parameters(), *duel.painter.parameters()])


def test_in_a_sequential_game_a_player_sees_what_the_one_before_did(duel):
    too_early = by_hand(duel, "painter")
    game, critic = duel.game("sequential"), by_hand(duel, "critic")
    twin = Duel(duel.painter, nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)), duel.noise, duel.real)
    twin.critic.load_state_dict(critic)
    expected = by_hand(twin, "painter")
    game.step(None, 0)
    assert close(duel.critic, critic)
    assert close(duel.painter, expected)
    assert not close(duel.painter, too_early)


@pytest.mark.parametrize("order", ["sequential", "simultaneous"])
def test_a_player_plays_at_its_own_cadence(duel, order):
    game = duel.game(order, every=3)
    for step in range(5):
        before = [p.detach().clone() for p in duel.painter.parameters()]
        losses = game.step(None, step)
        moved = any(not torch.equal(a, b) for a, b in zip(before, duel.painter.parameters(), strict=True))
        assert moved == ("believe" in losses) == (step % 3 == 0)
        assert "discriminate" in losses


def test_a_player_of_two_steps_goes_on_from_the_first(duel):
    """The first step is of other terms; the second sees what it changed."""
    game, critic = duel.game("sequential"), by_hand(duel, "critic")
    game.players[0].before = duel.critics_terms
    twin = Duel(duel.painter, nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)), duel.noise, duel.real)
    twin.critic.load_state_dict(critic)
    twice = by_hand(twin, "critic")
    losses = game.step(None, 0)
    assert close(duel.critic, twice)
    assert {"loss/critic before", "loss/critic"} <= set(losses)
    assert losses["loss/critic before"] > losses["loss/critic"]


def test_a_player_of_two_steps_does_not_go_with_others_at_once(duel):
    player = Player("critic", [duel.critic], duel.critics_terms, before=duel.critics_terms)
    with pytest.raises(ValueError, match="'critic' takes two steps a turn"):
        Game(duel.critic, duel.scene, [player], "simultaneous")


def test_a_game_with_shared_parameters_or_an_idle_player_is_refused(duel):
    player = Player("critic", [duel.critic], duel.critics_terms)
    twin = Player("painter", [duel.painter, duel.critic], duel.painters_terms)
    with pytest.raises(ValueError, match="'critic' and 'painter' own the same parameter"):
        Game(duel.critic, duel.scene, [player, twin])
    with pytest.raises(ValueError, match="'judge' owns no parameter"):
        Player("judge", [nn.Tanh()], duel.critics_terms)


# --- data sets --------------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(request, tiny_mnist, tiny_celeba, tmp_path, monkeypatch):
    """Any data set by name, small: from files made here, and nothing downloaded."""

    def make(name: str, seed: int = 0, **options):
        if name in SOURCES:
            tunes = request.getfixturevalue("tiny_tunes")
            monkeypatch.setattr(sources, name, lambda *_: sources.folder(tunes))
        elif name == "tunes":
            options["path"] = str(request.getfixturevalue("tiny_tunes"))
        elif name == "folder":
            folder = tmp_path / "images"
            if not folder.exists():
                folder.mkdir()
                for i in range(20):
                    pixels = np.random.default_rng(i).integers(0, 256, (9, 7), np.uint8)
                    Image.fromarray(pixels).save(folder / f"{i:02}.png")
                rows = "\n".join(f"{i:02}.png,{i / 7:.3f},{'ab'[i % 2]}" for i in range(20))
                (folder / "table.csv").write_text(f"file,age,kind\n{rows}\n")
            options["path"] = str(folder)
        elif name in ("mnist", "celeba"):
            options.setdefault("split", (0.6, 0.2, 0.2))
        elif name in ("sprites", "chairs", "heads"):
            options.setdefault("limit", 300)
        elif name in ("svhn", "chair-folders"):
            options["path"] = str(request.getfixturevalue(f"tiny_{name.replace('-', '_')}"))
        return load(name, seed=seed, **options)

    return make


@pytest.mark.parametrize("name", DATASETS)
def test_data_set(name, opened):
    data = opened(name)
    everything = torch.arange(len(data))
    examples = data.examples(everything)
    assert examples.shape == (len(data), *data.shape) == (len(data), *data.medium.shape)
    if isinstance(data, TokenData):
        assert examples.dtype == torch.int64
        assert 0 <= examples.min() < examples.max() < data.grid.vocabulary
        assert torch.equal(examples, data.raw(everything).long())
        with pytest.raises(DataError, match="holds melodies, not images"):
            data.images(everything)
    else:
        assert examples.dtype == torch.float32
        assert 0 <= examples.min() < examples.max() <= 1
        assert torch.equal(examples, data.images(everything))
        assert torch.equal(examples, data.raw(everything).float() / 255)
    assert torch.equal(data.medium.take(data.medium.give(examples[:4])), examples[:4])
    # a batch is its singles, in any order, and the same the second time
    few = torch.tensor([5, 0, 11, 5])
    assert torch.equal(data.examples(few), torch.cat([data.examples(i[None]) for i in few]))
    again = opened(name)
    assert torch.equal(again.examples(everything), examples)
    assert torch.equal(again.values, data.values)
    # splits: sorted, disjoint, together everything, from the seed
    assert list(data.splits) == ["training", "validation", "test"]
    assert torch.equal(torch.cat(list(data.splits.values())).sort().values, everything)
    assert all(len(rows) and torch.equal(rows, rows.sort().values) for rows in data.splits.values())
    assert all(torch.equal(data.splits[k], again.splits[k]) for k in data.splits)
    assert any(not torch.equal(data.splits[k], v) for k, v in opened(name, seed=1).splits.items())
    # attributes: a finite value for each image, within the range that is told
    assert data.values.shape == (len(data), len(data.attributes))
    assert data.values.isfinite().all()
    for i, (key, attribute) in enumerate(data.attributes.items()):
        assert key == attribute.name
        column = data.column(key)
        assert torch.equal(column, data.values[:, i])
        assert attribute.range is not None
        assert column.min() >= attribute.range[0] - 1e-4
        assert column.max() <= attribute.range[1] + 1e-4
    json.dumps(data.provenance)
    assert {"source", "licence", "split"} <= data.provenance.keys()


@pytest.mark.parametrize("name", DATASETS)
def test_values_stay_beside_their_images(name, opened):
    """A subset, or a choice of attributes, is looked up in the whole by its images."""
    data = opened(name)
    part = data.subset(len(data) // 2, seed=3).only(list(data.attributes)[::-1][:2])
    assert len(part) == len(data) // 2
    assert list(part.attributes) == list(data.attributes)[::-1][:2]
    where = {image.numpy().tobytes(): i for i, image in enumerate(data.raw(torch.arange(len(data))))}
    unique = len(where) == len(data)
    split_of = {int(i): name for name, rows in data.splits.items() for i in rows}
    inside = {int(i): name for name, rows in part.splits.items() for i in rows}
    assert sorted(inside) == list(range(len(part)))
    for i, image in enumerate(part.raw(torch.arange(len(part)))):
        whole = where[image.numpy().tobytes()]
        if unique:
            for key in part.attributes:
                assert part.column(key)[i] == data.column(key)[whole]
            assert inside[i] == split_of[whole]


# --- attributes -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    from sklearn.datasets import load_digits

    return np.round(load_digits().images[:24] * (255 / 16)).astype(np.uint8)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attribute(name, digits):
    attribute = ATTRIBUTES[name]
    if name in MELODY:
        check_attribute_of_melodies(attribute)
        return
    values = evaluate(attribute, digits)
    assert attribute.name == name
    assert values.shape == (24,)
    assert values.dtype == np.float64
    assert np.isfinite(values).all()
    assert len(np.unique(values)) > 1
    assert np.array_equal(values, np.concatenate([evaluate(attribute, digits[i : i + 1]) for i in range(24)]))
    assert np.array_equal(values, evaluate(attribute, digits)), "measuring repeats"
    assert np.array_equal(values, evaluate(attribute, torch.from_numpy(digits)[:, None].float() / 255))
    assert np.array_equal(values, measure([attribute], digits)[name])
    assert attribute.source == name


def check_attribute_of_melodies(attribute: Attribute) -> None:
    draw = np.random.default_rng(0)
    fitting = [grid for grid in GRIDS.values() if attribute.name in of_grid(grid)]
    assert fitting, "every attribute fits some grid"
    for grid in fitting:
        tokens = draw.choice([0] * 8 + [1, 3, 8, 12, 15, 20], size=(24, grid.steps)).astype(np.uint8)
        for row, most in zip(tokens, np.resize(np.arange(9, 23), 24), strict=True):  # of every range, and scale
            row[row > most] = most
        tokens[:12, grid.ticks :] = np.resize(tokens[:12, : grid.ticks], (12, grid.steps))[:, grid.ticks :]
        melodies = Melodies(tokens, grid)
        values = evaluate(attribute, melodies)
        assert values.shape == (24,)
        assert values.dtype == np.float64
        assert np.isfinite(values).all()
        assert len(np.unique(values)) > 1
        assert np.array_equal(values, np.concatenate([evaluate(attribute, melodies[i : i + 1]) for i in range(24)]))
        assert np.array_equal(values, measure([attribute], melodies)[attribute.name])
    assert attribute.source == attribute.name


@pytest.mark.parametrize("name", MEASURES)
def test_measure_of_several_attributes(name, digits):
    values = MEASURES[name](digits)
    assert set(values) <= set(ATTRIBUTES)
    for key, column in values.items():
        assert np.array_equal(column, evaluate(ATTRIBUTES[key], digits))


# --- metrics ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METRICS)
def test_metric(name):
    draw = np.random.default_rng(0)
    codes = draw.normal(size=(300, 4))
    values = codes[:, :2] + 0.1 * draw.normal(size=(300, 2))
    score = METRICS[name](codes, values, ["a", "b"])
    assert score.name == name
    assert set(score.per_attribute) <= {"a", "b"}
    assert 0 <= score.value <= 1
    assert METRICS[name](codes, values, ["a", "b"]) == score, "metrics repeat"
    assert disentanglement(codes, values, ["a", "b"])[name] == score
    assert json.loads(json.dumps(score.as_dict()))["value"] == score.value


# --- generators -------------------------------------------------------------------------------------------------------


def test_generators_are_named_seeded_and_restored():
    first, again, other = Generators(0), Generators(0), Generators(1)
    assert torch.equal(torch.rand(4, generator=first["a"]), torch.rand(4, generator=again["a"]))
    assert not torch.equal(torch.rand(4, generator=first["a"]), torch.rand(4, generator=first["b"]))
    assert not torch.equal(torch.rand(4, generator=again["b"]), torch.rand(4, generator=other["b"]))
    state = first.state()
    expected = torch.rand(4, generator=first["a"])
    later = Generators(0)
    later.restore(state)
    assert torch.equal(torch.rand(4, generator=later["a"]), expected)
    assert set(later.state()) == {"a", "b"}
    assert torch.equal(torch.rand(2, generator=generator(3, "x", 1)), torch.rand(2, generator=generator(3, "x", 1)))


def test_a_named_seed_is_the_same_on_every_machine():
    assert seed_for(0, "noise") == 7207491209231784873
    assert len({seed_for(seed, name) for seed in range(3) for name in ("a", "b", 1)}) == 9


def test_every_layer_that_draws_gets_the_generator():
    encoder, _ = NETS["mlp"](hidden=(8,), dropout=0.5).build((1, 4, 4), 2, 1)
    use_generator(encoder, seeded())
    first = encoder(torch.ones(1, 1, 4, 4))
    use_generator(encoder, seeded())
    assert torch.equal(first, encoder(torch.ones(1, 1, 4, 4)))


def test_the_tables_above_name_every_entry_of_their_registry():
    assert set(FACTOR_EXAMPLES) == set(FACTORS)
    assert set(move_examples(2, 3)) == set(MOVES)
    assert set(TERM_EXAMPLES) == set(TERMS)
    assert set(CONTROLS) == set(KINDS)
    assert set(LIKELIHOOD_EXAMPLES) == set(LIKELIHOODS)
    assert set(SMALL) == set(NETS)
    assert os.environ["LATUNE_CACHE"], "tests never write into the user's cache"

"""Variational GSN: the paper's theorems on spaces that can be counted, and the unrolled training beside a plain one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from latune.chains import Noise, Step, guided
from latune.codes import Codes, Gaussian, Normal
from latune.data import InMemory, from_arrays
from latune.errors import RecipeError, RunError, TrainingError
from latune.models import VGSN, Spec, build
from latune.nets import use_generator
from latune.recipes import check, train
from latune.space import Space
from latune.terms import PULLS, covariance_gap, guide_loss, kl_per_example, mean_gap, spread
from latune.terms import Gaussian as GaussianPixels
from latune.training import Batch, Game, Generators, Optimiser, Plan, Player, Ramp, Trainer, Weighed, at, seed_for
from latune.training.descents import SmoothedSGD, SoftSGD

SHAPE = (1, 6, 6)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small(seed: int = 0, dropout: float = 0.0, **settings: Any) -> VGSN:
    nets = {"name": "mlp", "hidden": [12], "dropout": dropout}
    given = {"guide_units": 5, "draws": 2, "chain": 3, **settings}
    model = build(Spec("vgsn", SHAPE, 3, (), nets, given), seed=seed)
    assert isinstance(model, VGSN)
    return model


def batch(n: int = 8, seed: int = 0) -> Batch:
    return Batch(torch.rand(n, *SHAPE, generator=seeded(seed)), torch.zeros(n, 0))


@pytest.fixture
def data() -> InMemory:
    draw = np.random.default_rng(0)
    light = draw.uniform(0.1, 1, 80)
    return from_arrays(light[:, None, None] * draw.uniform(0.5, 1, (80, 6, 6)), {"light": light})


def weights(module: nn.Module) -> list[Tensor]:
    return [value.detach().clone() for value in module.state_dict().values()]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


# --- the terms --------------------------------------------------------------------------------------------------------


def test_the_regularised_kl_has_its_known_value():
    kl = torch.tensor([1.0, 2.0, 3.0, 6.0])
    assert (4 * kl.mean() + 0.1 * spread(kl)).item() == pytest.approx(12.225)
    even = torch.full((5,), 2.5)
    assert spread(even).item() == 0
    assert spread(kl, 100.0).item() == 0
    assert spread(kl, 2.0).item() == pytest.approx((1 + 16) / 4)


def test_no_gradient_flows_through_the_typical_kl():
    kl = torch.tensor([1.0, 2.0, 3.0, 6.0], dtype=torch.float64, requires_grad=True)
    spread(kl).backward()
    assert kl.grad is not None
    assert kl.grad.tolist() == pytest.approx([0, 0, 0, 2 * 3 / 4])
    typical, h = kl.mean().item(), 1e-6  # finite differences with the typical KL frozen
    for i in range(4):
        up, down = ((kl.detach() + sign * h * torch.eye(4, dtype=torch.float64)[i]) for sign in (1, -1))
        slope = (spread(up, typical) - spread(down, typical)) / (2 * h)
        assert slope.item() == pytest.approx(kl.grad[i].item(), abs=1e-6)


def test_the_kl_of_a_known_posterior():
    q = Gaussian(torch.tensor([[1.0]]), torch.tensor([[0.5]]))
    assert kl_per_example(q).item() == pytest.approx(0.818147, abs=1e-6)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_guide_that_knows_nothing_loses_two_log_2_times_its_scale(scale):
    assert guide_loss(torch.zeros(3), torch.zeros(7), scale).item() == pytest.approx(scale * 2 * math.log(2))
    assert guide_loss(torch.full((2,), -1.0), torch.full((2,), 1.0), scale) > scale * 2 * math.log(2)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_the_best_guide_is_the_scaled_log_ratio(scale):
    data, made = torch.tensor([5, 3, 2]), torch.tensor([2, 2, 6])  # counts of three points
    f = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([f], max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-10)

    def loss() -> Tensor:
        search.zero_grad()
        value = guide_loss(f.repeat_interleave(data), f.repeat_interleave(made), scale)
        value.backward()
        return value

    search.step(loss)
    p, q = data / 10, made / 10
    assert f.tolist() == pytest.approx((scale * (p / q).log()).tolist(), abs=1e-5)
    middle = (p + q) / 2
    jensen_shannon = ((p * (p / middle).log() + q * (q / middle).log()).sum() / 2).item()
    assert loss().item() == pytest.approx(scale * (2 * math.log(2) - 2 * jensen_shannon), abs=1e-6)


@pytest.mark.parametrize(
    ("pull", "values", "slopes"),
    [
        ("one_sided", [3, 1, 0, 0], [-2.5, -1.5, 0, 0]),
        ("one_sided_absolute", [2, 1, 0, 0], [-1, -1, 0, 0]),
        ("one_sided_square", [4, 1, 0, 0], [-4, -2, 0, 0]),
    ],
)
def test_one_sided_pulls_let_go_where_the_guide_is_content(pull, values, slopes):
    f = torch.tensor([-2.0, -1.0, 0.0, 1.0], requires_grad=True)
    pulled = PULLS[pull](f)
    assert pulled.tolist() == pytest.approx(values)
    pulled.sum().backward()
    assert f.grad is not None
    assert f.grad.tolist() == pytest.approx(slopes)


def test_gaps_of_moments_are_what_numpy_says():
    a, b = torch.randn(9, 3, 1, 2, generator=seeded()), 2 * torch.randn(7, 3, 1, 2, generator=seeded(1)) + 1
    flat = [x.flatten(1).numpy() for x in (a, b)]
    means = ((flat[0].mean(0) - flat[1].mean(0)) ** 2).sum()
    covariances = [np.cov(x.T, bias=True) for x in flat]
    assert mean_gap(a, b).item() == pytest.approx(means, rel=1e-5)
    assert covariance_gap(a, b).item() == pytest.approx(((covariances[0] - covariances[1]) ** 2).sum(), rel=1e-5)
    assert covariance_gap(a, a + 3).item() == pytest.approx(0, abs=1e-8)


# --- the theorems -----------------------------------------------------------------------------------------------------


def test_theorem_1_a_chain_with_the_exact_posterior_has_the_data_as_its_stationary_distribution():
    draw = np.random.default_rng(0)
    data = draw.dirichlet(np.ones(6))  # D(x)
    q = draw.dirichlet(np.ones(4), size=6)  # q(z|x), a row an x
    p = data[:, None] * q
    p = (p / p.sum(0)).T  # p(x|z), a row a z
    step = q @ p  # T(x'|x), a row an x
    assert np.allclose(step.sum(1), 1)
    assert np.allclose(data @ step, data)
    flow = data[:, None] * step
    assert np.allclose(flow, flow.T), "reversible"
    values = np.sort(np.abs(np.linalg.eigvals(step)))
    assert values[-1] == pytest.approx(1)
    assert values[-2] < 1 - 1e-3


class Free(nn.Module):
    """One number a point."""

    def __init__(self, start: list[float]) -> None:
        super().__init__()
        self.at = nn.Parameter(torch.tensor(start, dtype=torch.float64))


def test_theorem_3_both_players_come_to_rest_where_chain_and_data_are_alike():
    data = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    guide, made = Free([0.0, 0.0, 0.0]), Free([-1.0, 0.5, 1.5])

    def scene(batch: Any, step: int) -> tuple[Tensor, Tensor]:
        return guide.at, made.at.softmax(0)

    def guides(scene: tuple[Tensor, Tensor]):
        f, g = scene
        b = nn.functional.softplus
        yield Weighed("guide", (data * b(-f)).sum() + (g * b(f)).sum())

    def makers(scene: tuple[Tensor, Tensor]):
        f, g = scene
        yield Weighed("believe", (g * PULLS["one_sided"](f)).sum())

    players = [
        Player("guide", [guide], guides, Optimiser("sgd", 2.0)),
        Player("maker", [made], makers, Optimiser("sgd", 0.5)),
    ]
    game = Game(nn.ModuleList([guide, made]), scene, players, "simultaneous")
    for step in range(1500):
        game.step(None, step)
    assert made.at.softmax(0).tolist() == pytest.approx(data.tolist(), abs=5e-3)
    assert guide.at.abs().max() < 2e-2


# --- a linear model whose posterior is known --------------------------------------------------------------------------

SIGMA = 0.6
W = torch.linalg.qr(torch.randn(4, 2, generator=seeded(3)))[0] * torch.tensor([1.5, 0.8])  # columns at right angles
EXACT = (1 + W.square().sum(0) / SIGMA**2).reciprocal()  # the posterior's variances


class Affine(nn.Module):
    """x to the posterior's mean and log sigma."""

    def __init__(self, mean: Tensor, variance: Tensor) -> None:
        super().__init__()
        self.mean, self.log_scale = nn.Parameter(mean), nn.Parameter(0.5 * variance.log())

    def forward(self, x: Tensor) -> Tensor:
        mean = x.flatten(1) @ self.mean.T
        return torch.cat([mean, self.log_scale.expand_as(mean)], 1)


class Linear(nn.Module):
    """z to an image."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(W.clone())

    def forward(self, z: Tensor) -> Tensor:
        return (z @ self.w.T).view(-1, 1, 2, 2)


def linear(widened: float = 1.0) -> VGSN:
    encoder = Affine(EXACT[:, None] * W.T / SIGMA**2, EXACT * widened)
    return VGSN(Codes(z=Normal(2)), encoder, Linear(), GaussianPixels(SIGMA, squash="none"), guide="off")


def test_free_energy_is_the_evidence_where_the_posterior_is_exact_and_larger_elsewhere():
    covariance = W @ W.T + SIGMA**2 * torch.eye(4)
    x = torch.randn(6, 1, 2, 2, generator=seeded())
    evidence = torch.distributions.MultivariateNormal(torch.zeros(4), covariance).log_prob(x.flatten(1))
    model = linear()
    q = model.posterior(x)
    z = q.sample(seeded(1))
    prior = torch.distributions.Normal(0, 1).log_prob(z).sum(1)
    pointwise = model.likelihood.log_prob(model.raw(z), x) + prior - q.log_prob(z)
    assert torch.allclose(pointwise, evidence, atol=1e-4), "for every z, not only on average"
    worse = linear(widened=4.0)
    many = x.repeat(4000, 1, 1, 1)
    q = worse.posterior(many)
    free = -worse.likelihood.log_prob(worse.raw(q.sample(seeded(2))), many) + kl_per_example(q)
    gap = free.view(4000, 6).mean(0) + evidence
    assert gap.tolist() == pytest.approx([2 * 0.5 * (4 - 1 - math.log(4))] * 6, abs=0.15), "KL(q || exact)"


def test_a_sampling_chain_is_gibbs_and_one_of_means_spreads_less():
    model, n = linear(), 10_000
    expected = W @ W.T + SIGMA**2 * torch.eye(4)
    start = torch.randn(n, 4, generator=seeded()) @ torch.linalg.cholesky(expected).T
    found = {}
    for sample_x in (True, False):
        chain = Step(model, Noise(n, seed=0), sample_x=sample_x)
        x = start.view(n, 1, 2, 2)
        with torch.no_grad():
            for _ in range(12):
                x = chain(x)
        found[sample_x] = torch.from_numpy(np.cov(x.flatten(1).T.numpy()))
    assert torch.allclose(found[True], expected.double(), atol=0.12)
    less = torch.linalg.eigvalsh(expected.double() - found[False])
    assert less.min() > 0.2, "strictly smaller in every direction"


# --- the unrolled training --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chain", "decay", "guide", "shares"),
    [
        (3, 0.5, "x", [4 / 7, 2 / 7, 1 / 7]),
        (3, 0.0, "x", [1, 0, 0]),
        (3, 1.0, "off", [1 / 3] * 3),
        (6, 0.0, "off", [1]),
    ],
)
def test_steps_count_as_their_decay_says(chain, decay, guide, shares):
    model = small(chain=chain, decay=decay, guide=guide)
    assert model.scene(batch()).shares == pytest.approx(shares)
    assert len(model.scene(batch(), generator=seeded()).links) == len(shares)


@pytest.mark.parametrize("target", ["walkback", "walkout"])
@pytest.mark.parametrize("guide", ["x", "z"])
def test_the_terms_are_those_of_a_plain_loop(target, guide):
    model = small(target=target, guide=guide, decay=0.5, gamma=0.3).train()
    x, source = batch().x, seeded(4)
    use_generator(model, source)
    losses = {term.name: term.value.item() for term in model.terms(model.scene(batch(), 0, source))}
    source, state = seeded(4), x.repeat_interleave(2, 0)
    use_generator(model, source)
    start, rec, kl, wide, scores = state, 0.0, 0.0, 0.0, []
    for share in (4 / 7, 2 / 7, 1 / 7):
        q = model.posterior(state)
        z = q.mean + q.scale * torch.empty_like(q.mean).normal_(generator=source)
        after = model.decode(z)
        aim = state if target == "walkout" else start
        rec += share * -(aim * after.log() + (1 - aim) * (1 - after).log()).flatten(1).sum(1).mean().item()
        divergence = kl_per_example(q)
        kl += share * divergence.mean().item()
        wide += share * (divergence - divergence.mean()).relu().square().mean().item()
        assert model.guide is not None
        scores.append(model.guide(after if guide == "x" else model.posterior(after).sample(source)))
        state = after
    assert losses["reconstruction"] == pytest.approx(rec, rel=1e-4)
    assert losses["kl"] == pytest.approx(kl, rel=1e-4)
    assert losses["spread"] == pytest.approx(wide, rel=1e-3, abs=1e-7)
    assert losses["believe"] == pytest.approx(PULLS["one_sided"](torch.cat(scores)).mean().item(), rel=1e-4)


@pytest.mark.parametrize("guide", ["x", "off"])
def test_moments_of_the_chain_are_matched_with_and_without_a_guide(guide):
    model = small(guide=guide, match_mean=2.0, match_covariance=3.0, pretrain=1)
    assert not any(term.name.startswith("match") for term in model.terms(model.scene(batch(), 0, seeded())))
    scene = model.scene(batch(), 1, seeded())
    found = {term.name: term for term in model.terms(scene)}
    assert len(scene.states) == 3 * 2 * 8
    assert found["match/mean"].value.item() == pytest.approx(mean_gap(scene.states, batch().x).item())
    assert found["match/covariance"].value.item() == pytest.approx(covariance_gap(scene.states, batch().x).item())
    assert [found[f"match/{name}"].weight for name in ("mean", "covariance")] == [2, 3]


def stepped(model: VGSN, n: int = 1) -> tuple[list[Tensor], Tensor]:
    """Weights after some updates, and the state of the generator."""
    source = seeded(2)
    game = model.train().game(Optimiser("sgd", 0.01), source)
    for step in range(n):
        game.step(batch(), step)
    return weights(model), source.get_state()


@pytest.mark.parametrize("settings", [{}, {"guide": "z", "sample_x": True}, {"decay": 0.5, "truncate": 2}])
def test_forgetting_what_is_inside_of_a_step_changes_nothing(settings):
    plain, spared = (stepped(small(dropout=0.25, checkpoint=on, **settings)) for on in (False, True))
    assert same(plain[0], spared[0])
    assert torch.equal(plain[1], spared[1]), "what is computed again draws nothing new"


def test_forgetting_holds_less():
    def held(**settings: Any) -> int:
        model = small(chain=6, **settings).train()
        seen: dict[int, int] = {}

        def keep(t: Tensor) -> Tensor:
            seen[t.data_ptr()] = t.untyped_storage().nbytes()
            return t

        scene = model.scene(batch(64), 0, seeded())
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
            assert scene.made[0].isfinite().all()
        own = {p.data_ptr() for p in model.parameters()}
        return sum(size for where, size in seen.items() if where not in own)

    assert held(checkpoint=True) < 0.4 * held()


def test_a_truncated_gradient_ends_where_it_is_cut():
    for truncate, flows in ((None, [True, True]), (2, [True, False]), (1, [False, False])):
        links = small(truncate=truncate).scene(batch(), 0, seeded()).links
        for (before, after), expected in zip(((0, 1), (1, 2)), flows, strict=True):
            reached = torch.autograd.grad(links[after].x.sum(), links[before].x, allow_unused=True, retain_graph=True)[
                0
            ]
            assert (reached is not None) == expected


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_gradients_flow_through_drawn_images(likelihood):
    model = small(sample_x=True, likelihood=likelihood, chain=1)
    raw = torch.zeros(400, *SHAPE, requires_grad=True)
    drawn = model.handed_on(raw, seeded())
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.02)
    assert drawn.std().item() == pytest.approx(0.5 if likelihood == "bernoulli" else 0.1, abs=0.02)
    drawn.sum().backward()
    assert raw.grad is not None
    assert raw.grad.unique().tolist() == pytest.approx([0.25])  # of the sigmoid at 0


def trained(data: InMemory, model: Any, **plan: Any) -> nn.Module:
    generators = Generators(0)
    game = model.game(Optimiser(lr=1e-3), generators["noise"])
    Trainer(game, data, Plan(batch_size=16, log_every=4, **plan), generators).run()
    return model


def test_pretraining_is_a_vae_and_leaves_the_guide_alone(data):
    spec = Spec("vae", SHAPE, 3, (), {"name": "mlp", "hidden": [12]}, {})
    model = small(pretrain=8, draws=1)
    assert model.guide is not None
    before = weights(model.guide)
    vae, ours = trained(data, build(spec, seed=0), steps=8), trained(data, model, steps=8)
    for name, value in vae.state_dict().items():
        assert torch.allclose(value, ours.state_dict()[name], atol=1e-6), name
    assert same(before, weights(model.guide))
    longer = small(pretrain=8, draws=1)
    trained(data, longer, steps=10)
    assert longer.guide is not None
    assert not any(torch.equal(a, b) for a, b in zip(before, weights(longer.guide), strict=True))


@pytest.mark.parametrize(("settings", "begin"), [({}, 100), ({"ramps_from": 40}, 40), ({"ramps_from": 0}, 0)])
def test_ramps_begin_with_the_guide_or_where_they_are_told_to(settings, begin):
    words = {"pretrain": 100, "pull_weight": Ramp(0.0, 8.0, 20), **settings}
    model = build(Spec("vgsn", SHAPE, 3, (), {"name": "mlp", "hidden": [12]}, words, "ork"), seed=0)
    assert isinstance(model, VGSN)

    def of(term: str, step: int) -> float:
        found = {term.name: term.weight for term in model.terms(model.scene(batch(), step, seeded()))}
        return at(found[term], step)

    steps = [max(begin - 10, 0), begin, begin + 15_000, begin + 30_000, 90_000]
    assert [of("kl", step) for step in steps] == pytest.approx([1, 1, 2.5, 4, 4])
    assert [of("believe", step) for step in (100, 110, 120, 200)] == pytest.approx([0, 4, 8, 8])


def test_the_running_kl_starts_at_100_and_follows_slowly():
    model = small(typical="running", gamma=0.1).train()
    scene = model.scene(batch(), 0, seeded())
    found = {term.name: term.value.item() for term in model.terms(scene)}
    assert found["spread"] == 0
    assert model.typical_kl.item() == pytest.approx(98 + 0.02 * found["kl"])


@pytest.mark.parametrize("settings", [{"guide": "x"}, {"guide": "z", "gamma": 0.1, "typical": "running"}])
def test_a_stopped_training_goes_on_bit_for_bit(data, settings, tmp_path):
    def run(folder: str, stop: int) -> nn.Module:
        generators, model = Generators(0), small(pretrain=4, **settings)
        (tmp_path / folder).mkdir(exist_ok=True)
        game = model.game(Optimiser("smoothed-sgd", 1e-2), generators["noise"])
        plan = Plan(batch_size=16, steps=12, log_every=1)
        trainer = Trainer(game, data, plan, generators, folder=tmp_path / folder)
        trainer.total = stop
        trainer.run()
        return model

    whole = weights(run("whole", 12))
    for stop in (3, 7):
        run(f"broken{stop}", stop)
        assert same(whole, weights(run(f"broken{stop}", 12)))


def test_a_training_without_its_guide_or_with_half_a_ramp_is_told():
    late = {"pretrain": 100, "beta": Ramp(1.0, 4.0, 50), "gamma": Ramp(0.0, 1.0, 10, then=Ramp(1.0, 0.5, 30))}
    assert small(**late).doubts(150) == []
    assert small(**late, guide="off").doubts(150) == []
    assert small(**late, ramps_from=0).doubts(101) == []
    beta, gamma, never = small(**late).doubts(100)
    assert "begins at update 100, and this training ends at 100" in never
    assert "beta is on its way to 4, and 1 where" in beta and "gamma is on its way to 0.5, and 0 where" in gamma
    assert ["beta" in doubt for doubt in small(**late).doubts(145)] == [True]
    (again,) = small(pretrain=5).doubts(10, start=True)
    assert "first 5 updates are a VAE's" in again
    assert small(pretrain=0).doubts(10, start=True) == []
    (pull,) = small(pretrain=5, pull_weight=Ramp(0.0, 8.0, 10)).doubts(10)
    assert "pull_weight is on its way to 8, and 4 where this training ends at 10. Set model.pull_weight" in pull


def test_a_training_that_breaks_names_step_and_term(data):
    model = small()
    assert model.guide is not None
    with torch.no_grad():
        next(model.guide.parameters()).fill_(math.nan)
    with pytest.raises(TrainingError, match="stopped at step 1: believe, guide, "):
        trained(data, model, steps=3)


# --- what is refused, and presets -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"guide": "y"}, "guide"),
        ({"target": "walkbak"}, "walkback"),
        ({"typical": "median"}, "running"),
        ({"pull": "two_sided"}, "one_sided"),
        ({"chain": 0}, "chain is 1 or more. Got 0"),
        ({"draws": 0}, "draws is 1 or more. Got 0"),
        ({"decay": 1.5}, r"decay lies in \[0, 1\]. Got 1.5"),
        ({"likelihood": "categorical"}, "use another"),
        ({"chian": 3}, "chain"),
    ],
)
def test_settings_that_cannot_be_are_told(settings, message):
    with pytest.raises(RecipeError, match=message):
        small(**settings)


@pytest.mark.parametrize("preset", VGSN.presets)
def test_presets_build(preset):
    spec = Spec("vgsn", SHAPE, 3, (), {"name": "mlp", "hidden": [12]}, {}, preset)
    model = build(spec, seed=0)
    assert isinstance(model, VGSN)
    assert model.scale == "exp_half"
    assert model.guide_scale == (0.5 if preset == "released" else 1.0)


# --- a fork -----------------------------------------------------------------------------------------------------------


def recipe_of(name: str, start: str | None = None, **model: Any):
    training: dict[str, Any] = {"steps": 4, "batch_size": 16} | ({} if start is None else {"start": start})
    settings = {"name": name, "latent": 3, **model}
    plain = {"name": "blink", "data": {"name": "arrays"}, "nets": {"hidden": [16]}, "model": settings}
    return check({**plain, "training": training}, "test")


def test_a_vgsn_starts_from_a_trained_vae(data, tmp_path):
    vae = train(recipe_of("vae"), tmp_path / "vae", data=data)
    start = str(tmp_path / "vae")
    still = recipe_of("vgsn", start, draws=1).model_copy(deep=True)
    frozen = check({**still.plain(), "training": {**still.plain()["training"], "optimiser": {"lr": 0.0}}}, "test")
    forked = train(frozen, tmp_path / "forked", data=data)
    theirs = forked.model.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in vae.model.state_dict().items())
    assert forked.about["start"] == vae.fingerprint
    with pytest.raises(RunError, match="do not fit"):
        train(recipe_of("vgsn", start, latent=4), tmp_path / "other", data=data)
    with pytest.raises(RunError, match=r"Set model\.scale"):
        train(recipe_of("vgsn", start, scale="softplus"), tmp_path / "other", data=data)
    with pytest.raises(RunError, match="no run folder"):
        train(recipe_of("vgsn", "nowhere"), tmp_path / "other", data=data)
    assert not (tmp_path / "other").exists()


# --- what is left -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("guide", ["x", "z"])
def test_the_guide_is_saved_and_heeded(guide, tmp_path):
    spec = Spec("vgsn", SHAPE, 3, (), {"name": "mlp", "hidden": [12]}, {"guide": guide, "guide_units": 5})
    Space(build(spec, seed=1), spec).save(tmp_path / "run")
    model, again = build(spec, seed=1).eval(), Space.load(tmp_path / "run").model
    assert isinstance(model, VGSN)
    assert isinstance(again, VGSN)
    assert again.guide is not None
    x, z = batch(60).x, torch.randn(60, 3, generator=seeded())
    assert torch.equal(model.judged(x, seeded())[0], again.judged(x, seeded())[0])

    def score(z: Tensor) -> Tensor:
        assert again.guide is not None
        with torch.no_grad():
            return again.guide(z if guide == "z" else again.decode(z))

    with torch.no_grad():
        again.guide.score.bias.sub_(score(z).median())  # half of the codes are too frequent
    before = weights(again)
    pressed = score(z) < 0
    assert 0 < pressed.sum() < 60
    decode = again.decode if guide == "x" else None
    moved = guided(again.guide, decode, steps=5, lr=0.2)(z)
    assert torch.equal(moved[~pressed], z[~pressed]), "one-sided: who is content stays"
    assert PULLS["one_sided"](score(moved)).sum() < PULLS["one_sided"](score(z)).sum()
    assert same(before, weights(again))
    walked = Step(again, Noise(60, seed=0), move=guided(again.guide, decode))(x)
    assert walked.shape == x.shape


def test_there_is_nothing_to_heed_without_a_guide():
    with pytest.raises(ValueError, match="no guide to heed"):
        guided(small(guide="off").guide)


# --- descents ---------------------------------------------------------------------------------------------------------


def test_soft_descent_is_the_formula_it_states():
    p = nn.Parameter(torch.tensor([1.0, -2.0, 0.5]))
    p.grad = torch.tensor([1e-3, -1.0, 100.0])
    SoftSGD([p], lr=3e-4).step()
    g = np.array([1e-3, -1.0, 100.0])
    expected = np.array([1.0, -2.0, 0.5]) - 3e-4 * math.sqrt(10) * g / np.sqrt(1 + g**2)
    assert p.tolist() == pytest.approx(expected.tolist(), abs=1e-7)
    # the code at the deadline: Adam's first step, for ever
    adam = np.array([1.0, -2.0, 0.5]) - 3e-4 * 0.1 * g / np.sqrt(0.999e-3 + 0.001 * g**2)
    assert p.tolist() == pytest.approx(adam.tolist(), abs=1e-6)


def test_smoothed_descent_clips_each_tensor_and_keeps_a_mean():
    a, b = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.ones(1))
    descent = SmoothedSGD([a, b], lr=1.0, weight_decay=0.1)
    mean = np.zeros(3)
    at_ = np.array([0.0, 0.0, 1.0])
    for _ in range(3):
        a.grad, b.grad = torch.tensor([30.0, 40.0]), torch.tensor([2.0])
        descent.step()
        g = np.array([30.0, 40.0, 2.0]) + 0.1 * at_
        clipped = np.concatenate([part * min(1, 10 / np.linalg.norm(part)) for part in (g[:2], g[2:])])
        mean = 0.5 * mean + 0.5 * clipped
        at_ = at_ - mean
        assert [*a.tolist(), *b.tolist()] == pytest.approx(at_.tolist(), rel=1e-5)


@pytest.mark.parametrize("kind", ["soft-sgd", "smoothed-sgd"])
def test_a_recipe_may_name_them(kind):
    recipe = check({"name": "a", "training": {"optimiser": {"kind": kind, "lr": 0.1}}}, "test")
    p = nn.Parameter(torch.zeros(1))
    descent = recipe.training.optimiser.build(10).build([p])
    assert type(descent) is {"soft-sgd": SoftSGD, "smoothed-sgd": SmoothedSGD}[kind]
    assert seed_for(0, kind) != seed_for(1, kind)

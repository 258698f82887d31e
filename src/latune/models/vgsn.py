"""Variational GSN with Collaborative Shaping: a VAE that is trained to be walked along."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import cached_property, partial
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from latune.codes import Gaussian
from latune.errors import unknown
from latune.models.vae import VAE, VAEScene
from latune.nets import MaxoutGuide, use_generator
from latune.terms import (
    PULLS,
    Categorical,
    believe,
    covariance_gap,
    guide_loss,
    kl_per_example,
    mean_gap,
    spread,
)
from latune.terms import Gaussian as GaussianPixels
from latune.training import Batch, Game, Number, Optimiser, Player, Ramp, Weighed, at

Where = Literal["x", "z", "off"]
Target = Literal["walkback", "walkout"]
Typical = Literal["batch", "running"]
DEADLINE: dict[str, Any] = {  # the code's settings at the paper's deadline
    "likelihood": "gaussian",
    "sigma": "learned",
    "scale": "exp_half",
    "typical": "running",
    "decay": 0.25,
    "pull_weight": 40.0,
    "guide_weight": 10.0,
    "pretrain": 80_000,
}
FIRST_TYPICAL, FORGOTTEN = 100.0, 0.02  # of the running mean of KL, as in the code at the paper's deadline


class Link(NamedTuple):
    """One step of the chains: what it cost, where it led, and what the guide says of that place."""

    nll: Tensor | None  # (m,), where the step counts
    kl: Tensor | None  # (m,)
    x: Tensor  # (m, c, h, w)
    score: Tensor | None  # (m,), where there is a guide
    activity: Tensor | None  # (m,)


class VGSNScene(VAEScene):
    """Chains from the batch, `draws` from each example, and what the guide says; each part computed once."""

    model: VGSN

    @property
    def guided(self) -> bool:
        """Whether the guide plays by now."""
        return self.model.guide is not None and self.step >= self.model.pretrain

    @property
    def shares(self) -> list[float]:
        r""":math:`decay^i / \sum_j decay^j`, a share a step; one step is enough where the others are of no use."""
        model = self.model
        wanted = self.guided or model.decay or model.match_mean or model.match_covariance
        n = model.chain if wanted and self.step >= model.pretrain else 1
        powers = [model.decay**i for i in range(n)]  # 0^0 is 1: the first step alone
        return [power / sum(powers) for power in powers]

    @cached_property
    def links(self) -> list[Link]:
        """The steps of the chains, the gradient flowing through all of them (or through `truncate` at a time)."""
        model, x = self.model, self.x
        start = x.repeat_interleave(model.draws, 0)  # (m, c, h, w)
        links: list[Link] = []
        for i, share in enumerate(self.shares):
            # What is reconstructed is data or, as walkout, a constant: a chain must not come to meet its own next step.
            target = x.detach() if i and model.target == "walkout" else start
            if model.truncate and i and i % model.truncate == 0:
                x = x.detach()
            links.append(self._kept(partial(self._follow, draws=1 if i else model.draws, counts=share > 0), x, target))
            x = links[-1].x
        return links

    @cached_property
    def carried(self) -> list[Link]:
        """Steps of the chains that go on from where the last update left them; a few begin anew from the batch."""
        model = self.model
        if not (self.guided and model.carried):
            return []
        left, source = model.left, self.generator
        begun = self.x[torch.randint(len(self.x), (len(left),), generator=source, device=left.device)]
        anew = torch.rand(len(left), generator=source, device=left.device) < model.restart
        if self.step == model.pretrain:
            anew = torch.ones_like(anew)
        x = torch.where(anew[:, None, None, None], begun, left)
        links: list[Link] = []
        for _ in range(model.chain):
            links.append(self._kept(partial(self._follow, draws=1, counts=False), x, x.detach()))
            x = links[-1].x
        left.copy_(x.detach())
        return links

    @cached_property
    def real(self) -> tuple[Tensor, Tensor]:
        """What the guide says of data, and the activity of its units, each `(n,)`."""
        return self.model.judged(self.x, self.generator)

    @cached_property
    def made(self) -> tuple[Tensor, Tensor]:
        """The same of all states of all chains, `(m * steps,)`."""
        links = [*self.links, *self.carried]
        scores, activities = ([link.score for link in links], [link.activity for link in links])
        return torch.cat([s for s in scores if s is not None]), torch.cat([a for a in activities if a is not None])

    @cached_property
    def states(self) -> Tensor:
        """All states of the chains, `(m * steps, c, h, w)`."""
        return torch.cat([link.x for link in self.links])

    def _follow(self, x: Tensor, target: Tensor, *, draws: int, counts: bool) -> Link:
        model = self.model
        q = model.posterior(x)
        if draws > 1:  # the encoder looks at an example once, however many chains start from it
            q = Gaussian(q.mean.repeat_interleave(draws, 0), q.scale.repeat_interleave(draws, 0))  # (m, d)
        raw = model.raw(q.sample(self.generator))
        nll = -model.likelihood.log_prob(raw, target) if counts else None
        after = model.handed_on(raw, self.generator)
        score, activity = model.judged(after, self.generator) if self.guided else (None, None)
        return Link(nll, kl_per_example(q) if counts else None, after, score, activity)

    def _kept(self, follow: Callable[..., Link], x: Tensor, target: Tensor) -> Link:
        """Follow a step; with `checkpoint`, forget what is inside, and follow it again on the way back."""
        if not (self.model.checkpoint and torch.is_grad_enabled()):
            return follow(x, target)
        return checkpoint(
            follow, x, target, use_reentrant=False, context_fn=lambda: (nullcontext(), _Again(self.generator))
        )


class _Again:
    """Around the repetition of a step: it draws the same numbers, and leaves the generator as it was."""

    def __init__(self, generator: torch.Generator | None) -> None:
        self.generator = generator
        self.before = None if generator is None else generator.get_state()

    def __enter__(self) -> None:
        if self.generator is not None and self.before is not None:
            self.now = self.generator.get_state()
            self.generator.set_state(self.before)

    def __exit__(self, *error: object) -> None:
        if self.generator is not None:
            self.generator.set_state(self.now)


class VGSN(VAE):
    r"""A VAE whose chain x, z, x, z, ... is unrolled in training and led by a guide to stay with the data.

    .. math::
        x_0 \sim D, \quad z_t \sim q(z|x_t), \quad x_{t+1} \sim p(x|z_t)

    .. math::
        \mathcal L = \sum_t w_t\, \mathbb E
        [-\log p(x^*_t | z_t) + \lambda\, KL_t + \gamma\, ([KL_t - \overline{KL}]_+)^2]
        + w_g\, \mathbb E\, \tfrac12 (u + u^2), \quad u = \max(0, -f(x_{t+1}))

    Bachman & Precup 2015, eqs. 5 to 7 (https://proceedings.mlr.press/v37/bachman15.html). The guide f learns
    :math:`\log(D / G)` between data and states of the chains (`latune.terms.guide_loss`) in the same update: gradients
    of both players first, then both moves. Where the chain is too often (f < 0) it is pushed, and only until f = 0.

    The paper is silent or differs from the authors' code in: what a step hands on (the code: the mean of p(x|z), as
    here; `sample_x` draws it, through a Bernoulli pixel by the straight-through gradient); what optimises (see
    `latune.training.descents`); the guide's scale (1 in the paper, 1/2 in the later code); weights of the steps
    (:math:`w_t \propto decay^t`, and only the first counts in the later code); and the mean KL (the batch's, or in the
    earlier code a running mean from 100). The presets `ork`, `lambda24`, `var` and `tfd-like` follow the code at the
    paper's deadline, `released` the later one; `paper-test1` is the comparison of section 5.1. Initial weights are
    ours, those of every other model here, not the code's orthogonal ones.

    Args:
        beta: lambda of eq. 5; a ramp begins at `ramps_from`.
        gamma: weight of the spread of the KL.
        typical: what spread is measured from, the mean KL of the `batch` or a `running` one.
        chain: steps that are unrolled.
        draws: posterior samples of each example, a chain each.
        carried: chains beside these that go on from one update to the next, as persistent ones do (Tieleman 2008,
            https://doi.org/10.1145/1390156.1390290), so that the guide sees where long walks lead; 0 in the paper.
        restart: share of them that begins anew from data at each update.
        pretrain: updates as a plain VAE, before the chain and the guide begin.
        ramps_from: the update that ramps of beta and gamma begin at; `pretrain`, as in the code, when left out.
        target: what step t reconstructs, the data (`walkback`) or the chain's last state (`walkout`).
        decay: see above.
        truncate: steps a gradient flows back through; None for all.
        checkpoint: forget what is inside of a step and compute it again on the way back: less memory, more time.
        sample_x: draw x from p(x|z); else its mean is handed on.
        guide: where it stands: in `x`, in `z` (it scores a draw of q(z|x)), or `off`.
        guide_units: of each of its two maxout layers.
        guide_scale: s of its loss.
        guide_weight, guide_activity, guide_size: weights of its loss, of its units' squared activations (summed over
            units) and of its mean squared score.
        guide_rate: its learning rate, as a share of the optimiser's.
        pull: a name of `latune.terms.PULLS`.
        pull_weight: w_g.
        match_mean, match_covariance: weights of the gaps between moments of chain and data.
    """

    melodies = False  # the chain hands on means of pixels, with their slope
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "paper-test1": {"likelihood": "bernoulli", "scale": "exp_half", "beta": 1.0, "gamma": 0.0, "pretrain": 100_000},
        "ork": {**DEADLINE, "beta": Ramp(1.0, 4.0, 30_000), "gamma": 0.1},
        "lambda24": {**DEADLINE, "beta": Ramp(1.0, 24.0, 30_000), "gamma": 0.1},
        "var": {**DEADLINE, "beta": 1.0, "gamma": 0.0},
        "tfd-like": {
            **DEADLINE,
            "beta": Ramp(1.0, 3.0, 30_000),
            "gamma": 0.1,
            "pull_weight": 20.0,
            "guide_weight": 4.0,
        },
        "released": {
            "likelihood": "bernoulli",
            "scale": "exp_half",
            "beta": Ramp(1.0, 5.0, 10_000),
            "pretrain": 80_000,
            "guide_scale": 0.5,
        },
    }

    typical_kl: Tensor  # where it is a running mean
    left: Tensor  # where the carried chains are, (carried, c, h, w)

    def __init__(
        self,
        *args: Any,
        beta: Number = 1.0,
        gamma: Number = 0.0,
        typical: Typical = "batch",
        chain: int = 6,
        draws: int = 5,
        carried: int = 0,
        restart: float = 0.05,
        pretrain: int = 0,
        ramps_from: int | None = None,
        target: Target = "walkback",
        decay: float = 0.0,
        truncate: int | None = None,
        checkpoint: bool = False,
        sample_x: bool = False,
        guide: Where = "x",
        guide_units: int = 300,
        guide_scale: float = 1.0,
        guide_weight: float = 25.0,
        guide_activity: float = 1e-2,
        guide_size: float = 5e-2,
        guide_rate: float = 1.0,
        pull: str = "one_sided",
        pull_weight: Number = 25.0,
        match_mean: float = 0.0,
        match_covariance: float = 0.0,
        **settings: Any,
    ) -> None:
        super().__init__(*args, beta=beta, **settings)
        _among("guide", guide, Where)
        _among("target", target, Target)
        _among("typical", typical, Typical)
        for name, count in (("chain", chain), ("draws", draws), ("truncate", truncate or 1)):
            if count < 1:
                raise ValueError(f"{name} is 1 or more. Got {count}.")
        if not 0 <= decay <= 1:
            raise ValueError(f"decay lies in [0, 1]. Got {decay}.")
        if ramps_from is not None and ramps_from < 0:
            raise ValueError(f"ramps_from is 0 or more. Got {ramps_from}.")
        if carried < 0 or not 0 <= restart <= 1:
            raise ValueError(f"carried is 0 or more, restart lies in [0, 1]. Got {carried} and {restart}.")
        if pull not in PULLS:
            raise ValueError(unknown("pull", pull, PULLS))
        if isinstance(self.likelihood, Categorical):
            raise ValueError("A chain hands numbers on, and a categorical likelihood gives classes: use another.")
        self.gamma, self.typical, self.chain, self.draws, self.pretrain = gamma, typical, chain, draws, pretrain
        self.ramps_from = pretrain if ramps_from is None else ramps_from
        self.target, self.decay, self.truncate, self.checkpoint = target, decay, truncate, checkpoint
        self.sample_x, self.pull, self.pull_weight, self.guide_in = sample_x, pull, pull_weight, guide
        self.guide_scale, self.guide_weight, self.guide_rate = guide_scale, guide_weight, guide_rate
        self.guide_activity, self.guide_size = guide_activity, guide_size
        self.match_mean, self.match_covariance = match_mean, match_covariance
        self.guide = None if guide == "off" else MaxoutGuide(units=guide_units).build(self._inputs(guide))
        self.carried, self.restart = carried, restart
        if carried:
            self.register_buffer("left", torch.zeros(carried, *self._decoded()))
        if typical == "running":
            self.register_buffer("typical_kl", torch.tensor(FIRST_TYPICAL))

    def _inputs(self, guide: Where) -> int:
        """How many numbers the guide looks at; of images, as many as the decoder gives."""
        return self.codes.width if guide == "z" else math.prod(self._decoded())

    def _decoded(self) -> tuple[int, ...]:
        """(c, h, w) of what the decoder gives."""
        training = self.decoder.training
        try:
            with torch.no_grad():
                return tuple(self.decoder.eval()(torch.zeros(1, self.codes.width)).shape[1:])
        except RuntimeError as error:
            raise ValueError(f"the decoder fails on codes of shape (1, {self.codes.width}): {error}") from error
        finally:
            self.decoder.train(training)

    def handed_on(self, raw: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The chain's next state for a raw output: the mean, or with `sample_x` a draw that gradients flow through."""
        mean = self.likelihood.mean(raw)
        if not self.sample_x:
            return mean
        drawn = self.likelihood.sample(raw, generator)
        return drawn if isinstance(self.likelihood, GaussianPixels) else mean + (drawn - mean).detach()

    def judged(self, x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """What the guide says of images, and how active its units are, each `(n,)`."""
        assert self.guide is not None
        point = x if self.guide_in == "x" else self.posterior(x).sample(generator)
        with self.cast(x.device):
            score, activity = self.guide.seen(point)
        return score.float(), activity.float()

    def scene(self, batch: Batch, step: int = 0, generator: torch.Generator | None = None) -> VGSNScene:
        """The bundle of one step."""
        return VGSNScene(self, batch, step, generator)

    def terms(self, scene: VGSNScene) -> Iterator[Weighed]:  # type: ignore[override]
        """What encoder and decoder minimise: eq. 5 along the chains, and the guide's pull, eq. 7."""
        pairs = list(zip(scene.shares, scene.links, strict=True))
        counted = [(share, link.nll, link.kl) for share, link in pairs if link.nll is not None and link.kl is not None]
        since = max(scene.step - self.ramps_from, 0)
        yield Weighed("reconstruction", _sum(share * nll.mean() for share, nll, _ in counted))
        yield Weighed("kl", _sum(share * kl.mean() for share, _, kl in counted), at(self.beta, since))
        if self.gamma:
            running = self.typical_kl.clone() if self.typical == "running" else None
            value = _sum(share * spread(kl, running) for share, _, kl in counted)
            yield Weighed("spread", value, at(self.gamma, since))
            if self.typical == "running" and self.training:
                self.typical_kl.lerp_(counted[0][2].detach().mean(), FORGOTTEN)
        if scene.guided:
            weight = at(self.pull_weight, scene.step - self.pretrain)
            yield Weighed("believe", believe(scene.made[0], self.pull), weight)
        if scene.step >= self.pretrain:
            if self.match_mean:
                yield Weighed("match/mean", mean_gap(scene.states, scene.x), self.match_mean)
            if self.match_covariance:
                yield Weighed("match/covariance", covariance_gap(scene.states, scene.x), self.match_covariance)

    def guides_terms(self, scene: VGSNScene) -> Iterator[Weighed]:
        """What the guide minimises: eq. 6, and that it stays small and calm."""
        (real, real_activity), (made, made_activity) = scene.real, scene.made
        yield Weighed("guide", guide_loss(real, made, self.guide_scale), self.guide_weight)
        if self.guide_activity:
            activity = torch.cat([real_activity, made_activity]).mean()
            yield Weighed("guide/activity", activity, self.guide_activity)
        if self.guide_size:
            yield Weighed("guide/size", torch.cat([real, made]).square().mean(), self.guide_size)

    def game(self, optimiser: Optimiser, generator: torch.Generator | None = None) -> Game:
        """The VAE and its guide, at once: one look at the chains, both gradients, then both moves."""
        use_generator(self, generator)
        players = [Player("vae", [self.encoder, self.decoder, self.likelihood], self.terms, optimiser)]
        if self.guide is not None:
            rate = optimiser.at_rate(self.guide_rate)
            players.append(Player("guide", [self.guide], self.guides_terms, rate, since=self.pretrain))
        return Game(self, lambda batch, step: self.scene(batch, step, generator), players, "simultaneous")

    def begins(self, ramp: str) -> int:
        """The pull begins with the guide, and the rest where it is told to."""
        return self.pretrain if ramp == "pull_weight" else self.ramps_from

    def doubts(self, updates: int, start: bool = False) -> list[str]:
        """Besides, that the guide never begins, or late where a training goes on."""
        said = super().doubts(updates, start)
        if self.guide is not None and self.pretrain >= updates:
            said.append(
                f"The guide begins at update {self.pretrain:,}, and this training ends at {updates:,}: it is a VAE's. "
                "Set model.pretrain."
            )
        elif self.guide is not None and start and self.pretrain:
            said.append(
                f"The first {self.pretrain:,} updates are a VAE's, as without a start. With model.pretrain=0 the guide "
                "begins at once."
            )
        return said

    def validation(self, x: Float[Tensor, "n c h w"], generator: torch.Generator) -> dict[str, float]:
        """The VAE's, and what the guide says of these images and of where chains from them are after `chain` steps."""
        found = super().validation(x, generator)
        if self.guide is None:
            return found
        after = x
        for _ in range(self.chain):
            after = self.handed_on(self.raw(self.posterior(after).sample(generator)), generator)
        scores = {"data": self.judged(x, generator)[0], "chain": self.judged(after, generator)[0]}
        return found | {f"guide of {name}": score.mean().item() for name, score in scores.items()}


def _among(what: str, word: str, allowed: Any) -> None:
    if word not in get_args(allowed):
        raise ValueError(unknown(what, word, get_args(allowed)))


def _sum(values: Iterator[Tensor]) -> Tensor:
    return torch.stack(list(values)).sum()

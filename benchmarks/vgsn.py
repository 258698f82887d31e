"""A step of Variational GSN's unrolled training against a plain loop, and what `checkpoint` saves.

    python benchmarks/vgsn.py [--updates 10] [--rounds 5] [--json FILE]

`step`: one update of vgsn-mnist-ork's size (nets of 1000-1000, 100 examples x 5 posterior samples, chains of 6 steps,
guide of 300 maxout units twice). Ours looks at the chains once and both players' gradients come from that look; the
plain loop is what one writes first: the chains are unrolled for the generator and its loss goes back, then unrolled
again for the guide and its loss goes back, gradients of the other's weights computed and thrown away. They take turns
in one process; the ratio of each round's times is printed as median (min to max). `memory`: bytes that the forward pass
keeps for the way back, weights not counted, plus what one step's repetition keeps, with and without `checkpoint`; and
how much longer an update takes with it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from latune.models import VGSN, Spec, build
from latune.terms import PULLS, kl_per_example
from latune.training import Batch, Optimiser, generator

SHAPE, BATCH = (1, 28, 28), 100
NETS = {"name": "mlp", "hidden": [1000, 1000]}
LIMIT = 0.4  # share of the memory, at most


def model_of(**settings: Any) -> VGSN:
    """A model of the paper's second test, its guide in play from the first update."""
    model = build(Spec("vgsn", SHAPE, 50, (), NETS, {"pretrain": 0, **settings}, "ork"), seed=0)
    assert isinstance(model, VGSN)
    return model.train()


class Ours:
    """Latune's game."""

    def __init__(self, **settings: Any) -> None:
        self.model = model_of(**settings)
        self.game = self.model.game(Optimiser("soft-sgd", 3e-4), generator(0, "noise"))
        self.x = Batch(torch.rand(BATCH, *SHAPE, generator=generator(0, "data")), torch.zeros(BATCH, 0))

    def run(self, updates: int) -> None:
        """So many updates."""
        for step in range(updates):
            self.game.step(self.x, step)


class Plain:
    """The same losses, a player after another, each with an unrolling and a full backward pass of its own."""

    def __init__(self) -> None:
        self.model = model_of()
        makers = [*self.model.encoder.parameters(), *self.model.decoder.parameters()]
        makers += list(self.model.likelihood.parameters())
        assert self.model.guide is not None
        settings = Optimiser("soft-sgd", 3e-4)
        self.makers, self.guides = settings.build(makers), settings.build(list(self.model.guide.parameters()))
        self.x = torch.rand(BATCH, *SHAPE, generator=generator(0, "data"))

    def chains(self) -> tuple[Tensor, list[Tensor]]:
        """The generator's own loss, and the chains' states."""
        model = self.model
        start = state = self.x.repeat_interleave(model.draws, 0)
        total, powers, states = torch.zeros(()), [model.decay**i for i in range(model.chain)], []
        for power in powers:
            q = model.posterior(state)
            raw = model.raw(q.mean + q.scale * torch.randn_like(q.mean))
            kl = kl_per_example(q)
            above = (kl - 100).relu().square().mean()
            nll = -model.likelihood.log_prob(raw, start).mean()
            total = total + power / sum(powers) * (nll + kl.mean() + 0.1 * above)
            state = model.likelihood.mean(raw)
            states.append(state)
        return total, states

    def run(self, updates: int) -> None:
        """So many updates."""
        guide = self.model.guide
        assert guide is not None
        for _ in range(updates):
            loss, states = self.chains()
            self.model.zero_grad()
            (loss + 40 * torch.stack([PULLS["one_sided"](guide(state)).mean() for state in states]).mean()).backward()
            self.makers.step()
            _, states = self.chains()
            self.model.zero_grad()
            real, activity = guide.seen(self.x)
            seen = [guide.seen(state) for state in states]
            made = torch.cat([score for score, _ in seen])
            loss = F.softplus(-real).mean() + F.softplus(made).mean()
            active = torch.cat([activity, *(a for _, a in seen)]).mean()
            (10 * loss + 0.01 * active + 0.05 * torch.cat([real, made]).square().mean()).backward()
            self.guides.step()


def kept(checkpoint: bool, chain: int) -> int:
    """Bytes that a forward pass keeps for the way back."""
    ours = Ours(checkpoint=checkpoint, chain=chain)
    own = {p.data_ptr() for p in ours.model.parameters()}
    seen: dict[int, tuple[Tensor, int]] = {}

    def note(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in own:  # held, so that no address comes twice
            seen[tensor.data_ptr()] = tensor, tensor.untyped_storage().nbytes()
        return tensor

    scene = ours.game.scene(ours.x, 0)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        values = [*ours.model.terms(scene), *ours.model.guides_terms(scene)]
    assert all(value.value.isfinite() for value in values)
    return sum(size for _, size in seen.values())


def turns(one: Any, other: Any, updates: int, rounds: int) -> dict[str, float]:
    """Seconds of one over those of the other, a round each."""
    ratios, millis = [], []
    for i in range(rounds + 1):
        took = []
        for who in (one, other) if i % 2 else (other, one):
            began = time.perf_counter()
            who.run(updates)
            took.append(time.perf_counter() - began)
        first, second = took if i % 2 else took[::-1]
        if i:  # the first round warms up
            ratios.append(first / second)
            millis.append(1000 * first / updates)
    return {
        "ratio": statistics.median(ratios),
        "min": min(ratios),
        "max": max(ratios),
        "ms": statistics.median(millis),
    }


def main() -> None:
    """Print and keep the figures; the exit status is 1 where the memory is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    plain = turns(Plain(), Ours(), asked.updates, asked.rounds)
    print(f"step: plain / ours = {plain['ratio']:.2f} ({plain['min']:.2f} to {plain['max']:.2f}); ", end="")
    print(f"plain {plain['ms']:.0f} ms")
    whole, spared, single = kept(False, 6), kept(True, 6), kept(False, 1)
    share = (spared + single) / whole
    print(
        f"memory: {whole / 1e6:.0f} MB kept without, {spared / 1e6:.0f} MB with checkpoint and {single / 1e6:.0f} MB "
        f"while a step is repeated: {share:.0%}, at most {LIMIT:.0%}{'' if share <= LIMIT else ' MISSED'}"
    )
    slower = turns(Ours(checkpoint=True), Ours(), asked.updates, asked.rounds)
    print(f"checkpoint: {slower['ratio']:.2f} times as long ({slower['min']:.2f} to {slower['max']:.2f})")
    if asked.json:
        memory = {"whole": whole, "spared": spared, "single": single, "share": share}
        asked.json.write_text(json.dumps({"step": plain, "memory": memory, "checkpoint": slower}, indent=2) + "\n")
    raise SystemExit(share > LIMIT)


if __name__ == "__main__":
    main()

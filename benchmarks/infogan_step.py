"""An update of InfoGAN's MNIST recipe against a plain GAN of the same nets, and against torch's defaults.

    python benchmarks/infogan_step.py [--recipe infogan-mnist-released] [--updates 4] [--rounds 9] [--json FILE]

`plain`: the same judge without its recogniser, and the same generator; nothing is told of any code, nor agreed on.
`defaults`: both nets and both losses as one writes them first, in fp32 on contiguous images, each loss sent all
the way back. All three take turns in one process; each round's ratio of times is taken, and median (min to max) are
printed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch.nn import functional as F

from latune.codes import OneOf
from latune.models import InfoGAN, Spec, build
from latune.models.distortion import distorted
from latune.recipes import read
from latune.terms import agreement
from latune.training import Batch, Game, Optimiser, generator

SHAPE = (1, 28, 28)
BETAS, LR = (0.5, 0.999), 1e-3


class PlainGAN(InfoGAN):
    """A judge that says what is real, and a generator."""

    def judged(self, x: torch.Tensor, through_trunk: bool = True) -> torch.Tensor:
        """The logit alone; the recogniser is not asked."""
        with self.cast(x.device):
            return self.encoder.real(self.encoder.trunk(x)).float()

    def _bounds(self, judged: torch.Tensor, z: torch.Tensor) -> Iterator:
        return iter(())


def in_game(kind: type[InfoGAN], spec: Spec) -> Callable[[torch.Tensor, int], object]:
    """An update as the training loop makes it."""
    model = build(spec, 0)
    assert isinstance(model, InfoGAN)
    model.__class__ = kind
    model.precision = "bf16"
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    if kind is PlainGAN:
        model.agreement = 0.0
        model.encoder.codes.requires_grad_(False)
    game: Game = model.train().game(Optimiser(lr=LR, betas=BETAS), generator(0, "noise"))

    def update(x: torch.Tensor, step: int) -> object:
        return game.step(Batch(x.contiguous(memory_format=torch.channels_last), x.new_zeros(len(x), 0)), step)

    return update


def by_hand(spec: Spec) -> Callable[[torch.Tensor, int], object]:
    """An update of the same nets as one writes it first."""
    model = build(spec, 0)
    assert isinstance(model, InfoGAN)
    model.train()
    judge = torch.optim.Adam(model.encoder.parameters(), LR / 5, BETAS)
    made = torch.optim.Adam(model.decoder.parameters(), LR, BETAS)

    def draw(n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        label, numbers = torch.randint(10, (n,)), torch.rand(n, 2) * 2 - 1
        noise = torch.rand(n, spec.latent) * 2 - 1
        return torch.cat([noise, F.one_hot(label, 10).float(), numbers], 1), label, numbers

    def told(columns: torch.Tensor, images: torch.Tensor, label: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        classes = model.encoder(distorted(images, model.distortion)) if agreed else columns
        mean = columns[:, 11:13]
        scale = torch.ones_like(mean) if columns.shape[1] == 13 else columns[:, 13:15].exp().clamp_min(0.05)
        return F.cross_entropy(classes[:, 1:11], label) + weight * F.gaussian_nll_loss(mean, numbers, scale**2)

    weight = float(spec.settings.get("information_real", 1.0))
    agreed = float(spec.settings.get("agreement", 0.0))

    def update(x: torch.Tensor, step: int) -> object:
        real, none = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        z, label, numbers = draw(len(x))
        judge.zero_grad()
        images = torch.sigmoid(model.decoder(z)).detach()
        seen, fake = model.encoder(x), model.encoder(images)
        loss = F.binary_cross_entropy_with_logits(seen[:, :1], real)
        loss = loss + F.binary_cross_entropy_with_logits(fake[:, :1], none) + told(fake, images, label, numbers)
        if agreed:
            copies = model.encoder(distorted(x, model.distortion))
            loss = loss - agreed * agreement(OneOf(seen[:, 1:11]), OneOf(copies[:, 1:11]))
        loss.backward()
        judge.step()
        z, label, numbers = draw(len(x))
        made.zero_grad()
        images = torch.sigmoid(model.decoder(z))
        fake = model.encoder(images)
        loss = F.binary_cross_entropy_with_logits(fake[:, :1], real) + told(fake, images, label, numbers)
        loss.backward()
        made.step()
        return loss

    return update


def main() -> None:
    """Take turns and print both ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recipe", default="infogan-mnist-released", help="its nets, model and batch size are taken")
    parser.add_argument("--updates", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    recipe = read(args.recipe)
    model = recipe.model
    spec = Spec("infogan", SHAPE, model.latent, (), recipe.nets.plain(), model.settings(1), model.preset)
    ways = {
        "ours": in_game(InfoGAN, spec),
        "plain": in_game(PlainGAN, spec),
        "defaults": by_hand(spec),
    }
    x = torch.rand(recipe.training.batch_size, *SHAPE, generator=generator(0, "data"))
    times: dict[str, list[float]] = {name: [] for name in ways}
    for i in range(args.rounds + 1):
        for name in list(ways)[:: 1 if i % 2 else -1]:
            began = time.perf_counter()
            for step in range(args.updates):
                ways[name](x, step)
            if i:  # the first round warms up
                times[name].append((time.perf_counter() - began) / args.updates)

    def ratio(a: str, b: str) -> list[float]:
        each = [x / y for x, y in zip(times[a], times[b], strict=True)]
        return [statistics.median(each), min(each), max(each)]

    found = {"over a plain GAN": ratio("ours", "plain"), "torch's defaults over ours": ratio("defaults", "ours")}
    print(f"threads {torch.get_num_threads()}: {1000 * statistics.median(times['ours']):.0f} ms an update")
    for name, (median, low, high) in found.items():
        print(f"{name}: {median:.3f}x ({low:.3f} to {high:.3f})")
    if args.json:
        args.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

"""What of a rendered scene an image shows: a net that reads pose, light and width, trained on the renderer."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latune.data import Dataset, spread
from latune.files import write_json
from latune.nets.classifying import ConvNet
from latune.papers.infogan.paper import rank_correlation
from latune.training import Batch, Game, Generators, Optimiser, Plan, Player, Ramp, Trainer, Weighed, seed_for
from latune.training.checkpoint import WEIGHTS, load_tensors, load_weights, only_training, save_tensors

STEPS = 3000
RATES = (2e-3, 2e-5)  # Adam's, first and last
CHUNK = 1000
TESTED = 2000  # test images that are read
TOLD = "reader.json"
TURN = 2 * math.pi


class Reader:
    """Reads the factors of a scene that are numbers from its image, by a net trained on rendered images.

    An angle that goes all the way round is read by its cosine and sine, every other factor by itself, in shares of
    its range. The loss is the sum of squared errors, Adam's rate falls along a cosine.

    Args:
        net: the trained net.
        data: rendered scenes.
    """

    def __init__(self, net: nn.Module, data: Dataset) -> None:
        self.net, self.data = net.eval(), data

    @classmethod
    def train(cls, data: Dataset, folder: Path, steps: int = STEPS, seed: int = 0) -> Reader:
        """Train one, or open what the same call left in the folder; a killed training goes on."""
        about = {"data": data.name, "factors": list(numbers(data)), "steps": steps, "seed": seed}
        with only_training(folder):
            net = _net(data, seed)
            if (folder / TOLD).exists() and json.loads((folder / TOLD).read_text(encoding="utf-8")) == about:
                load_weights(net, load_tensors(folder / WEIGHTS)[0], folder / WEIGHTS)
                return cls(net.to(data.device), data)
            net = net.to(data.device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

            def terms(batch: Batch) -> Iterator[Weighed]:
                with torch.autocast(batch.x.device.type, torch.bfloat16):
                    read = net(batch.x)
                yield Weighed("error", (read.float() - targets(data, batch.attributes)).square().sum(1).mean())

            plan = Plan(steps=steps, validate_every=0, channels_last=True)
            optimiser = Optimiser(lr=Ramp(*RATES, steps, "cosine"))
            game = Game(net, lambda batch, step: batch, [Player("reader", [net], terms, optimiser)])
            Trainer(game, data, plan, Generators(seed, data.device), list(numbers(data)), folder, about).run()
            save_tensors(folder / WEIGHTS, net.state_dict(), about)
            write_json(folder / TOLD, about)  # last: what is described is whole
        return cls(net, data)

    @torch.no_grad()
    def read(self, images: Float[Tensor, "n c h w"]) -> dict[str, Tensor]:
        """Each factor of each image, in its own unit; angles of a whole turn from 0 to 2 pi."""
        seen, found, place = torch.cat([self.net(part) for part in images.split(CHUNK)]).double(), {}, 0
        for name, (low, high) in numbers(self.data).items():
            if turns(low, high):
                found[name] = torch.atan2(seen[:, place + 1], seen[:, place]) % TURN
                place += 2
            else:
                found[name] = (seen[:, place] + 1) / 2 * (high - low) + low
                place += 1
        return found

    @cached_property
    def exactness(self) -> dict[str, float]:
        """Spearman's correlation of what is read with the truth, on test images; of angles, their cosines'."""
        rows = spread(self.data.splits["test"], TESTED)  # the first of a sorted grid are all of one style
        read = self.read(self.data.images(rows))
        truth = {name: self.data.column(name, rows) for name in read}
        return {
            name: rank_correlation(values.cos(), truth[name].cos()) if turns(*numbers(self.data)[name])
            else rank_correlation(values, truth[name])
            for name, values in read.items()
        }  # fmt: skip


def numbers(data: Dataset) -> dict[str, tuple[float, float]]:
    """The factors that are numbers, and their ranges."""
    return {
        name: (attribute.range or (0.0, 1.0))[:2] for name, attribute in data.attributes.items()
        if attribute.kind == "real"
    }  # fmt: skip


def turns(low: float, high: float) -> bool:
    """Whether a range of angles is a whole turn.

    >>> turns(0.0, 2 * math.pi), turns(-1.2, 1.2)
    (True, False)
    """
    return math.isclose(high - low, TURN)


def targets(data: Dataset, values: Float[Tensor, "n k"]) -> Float[Tensor, "n t"]:
    """What the net is to say of scenes with these factors."""
    columns = []
    for column, (low, high) in zip(values.unbind(1), numbers(data).values(), strict=True):
        columns += [column.cos(), column.sin()] if turns(low, high) else [2 * (column - low) / (high - low) - 1]
    return torch.stack(columns, 1)


def _net(data: Dataset, seed: int) -> ConvNet:
    width = sum(2 if turns(low, high) else 1 for low, high in numbers(data).values())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(seed, "reader"))
        shape: Any = tuple(data.shape)
        return ConvNet(shape, width)

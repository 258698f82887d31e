"""A digit classifier of our own: the judge of whether an image still shows the digit it came from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from latune.data import Dataset
from latune.space import CHUNK
from latune.training import Batch, Game, Generators, Optimiser, Plan, Player, Ramp, Trainer, Weighed, seed_for
from latune.training.checkpoint import only_training

EPOCHS = 4
BATCH = 128


def build() -> nn.Sequential:
    """Two convolutions of stride 2, one of stride 1, and two layers: `(n, 1, h, w)` to ten logits."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, 2, 2), nn.ReLU(),
        nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(),
        nn.Conv2d(64, 64, 3, 1, 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(4), nn.Flatten(),
        nn.Linear(1024, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


def digit_classifier(data: Dataset, folder: Path | None, device: Any = "cpu", epochs: int = EPOCHS) -> nn.Sequential:
    """Train the judge on the training split, or open the one that the folder holds; it never sees a decoded image.

    Trained by cross-entropy on logits. The authors' code feeds a softmax into the cross-entropy, which flattens its
    gradients, and reports 96.15 % on original test digits (Pati & Lerch 2020, sec. 4.4, https://arxiv.org/abs/2004.05485).

    Args:
        data: digits with the attribute `digit`.
        folder: where it is kept; None keeps it in memory.
        device: where to train.
        epochs: over the training split.

    Raises:
        RunError: when the folder is being trained by another process, or holds a judge of other data.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(0, "digit classifier"))
        net = build()
    net.to(device)

    def terms(batch: Batch) -> Iterator[Weighed]:
        yield Weighed("cross-entropy", nn.functional.cross_entropy(net(batch.x), batch.attributes[:, 0].long()))

    plan = Plan(epochs=epochs, batch_size=BATCH, validate_every=0)
    rate = Ramp(2e-3, 2e-5, plan.total(len(data.splits["training"])), "cosine")
    game = Game(net, lambda batch, step: batch, [Player("classifier", [net], terms, Optimiser(lr=rate))])
    about = {"data": data.provenance.get("source", data.name), "epochs": epochs, "batch_size": BATCH}
    trainer = Trainer(game, data, plan, Generators(0, device), ("digit",), folder, about)
    if folder is None:
        trainer.run()
    else:
        with only_training(folder):
            trainer.run()
    return net.eval()


@torch.no_grad()
def classes(net: nn.Module, x: Tensor) -> Tensor:
    """The most likely digit of every image."""
    return torch.cat([net(chunk).argmax(dim=1) for chunk in x.split(CHUNK)])

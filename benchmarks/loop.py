"""A step of Latune's training loop against a hand-written bare loop of the same nets and terms, in one process.

    python benchmarks/loop.py [--updates 400] [--rounds 9] [--json FILE]

Both train the same AR-VAE on the same data on the device with the same fused optimiser; the bare loop has no log, no
checkpoints, no bar, no generators. Checkpoints and validation, which come once in many steps, are left out of both.
They take turns within one process; the ratio of each round's two times is printed as median (min to max), for the small
net of 8x8 digits, where overhead weighs most, and for MNIST's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import torch
from torch.nn import functional as F

from latune.data import from_arrays
from latune.models import Spec, build
from latune.terms import attribute_order
from latune.training import Generators, Optimiser, Plan, Trainer

NETS = {
    "digits (8x8, mlp 256-256)": (8, {"name": "mlp", "hidden": [256, 256]}),
    "mnist (28x28, mlp 512-512)": (28, {"name": "mlp", "hidden": [512, 512]}),
}
BATCH = 128


class Bare:
    """The same training, written by hand."""

    def __init__(self, model, data) -> None:
        self.model, self.data, self.done = model.train(), data, 0
        self.optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def run(self, updates: int) -> None:
        """So many more updates."""
        images, values, rows = self.data.pixels, self.data.values, self.data.splits["training"]
        per_epoch = len(rows) // BATCH
        for step in range(self.done, self.done + updates):
            if step % per_epoch == 0 or step == self.done:
                order = rows[torch.randperm(len(rows))]
            index = order[step % per_epoch * BATCH :][:BATCH]
            x, a = images[index].float().div_(255), values[index]
            mean, raw = self.model.encoder(x).chunk(2, 1)
            scale = raw.exp()
            z = torch.addcmul(mean, scale, torch.randn_like(mean))
            reconstruction = F.binary_cross_entropy_with_logits(self.model.decoder(z), x, reduction="sum") / len(x)
            kl = 0.5 * (mean.square() + scale.square() - 1 - 2 * raw).sum(1).mean()
            loss = reconstruction + kl + 10 * attribute_order(z[:, : a.shape[1]], a).sum()
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
        self.done += updates


class Ours:
    """Latune's loop with its log and its generators."""

    def __init__(self, model, data, folder: Path) -> None:
        generators = Generators(0)
        game = model.game(Optimiser(lr=1e-3), generators["noise"])
        plan = Plan(steps=0, batch_size=BATCH, checkpoint_seconds=1e9)
        self.trainer = Trainer(game, data, plan, generators, model.attributes, folder)
        self.trainer.save = lambda: None  # a checkpoint is written every half minute, not every round

    def run(self, updates: int) -> None:
        """So many more updates."""
        self.trainer.total += updates
        self.trainer.run()


def compare(side: int, nets: dict, updates: int, rounds: int) -> dict[str, float]:
    """Take turns; the ratios of the rounds."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (20000, side, side), dtype=torch.uint8, generator=generator)
    columns = {f"a{i}": torch.randn(len(images), generator=generator) for i in range(6)}
    data = from_arrays(images, columns)
    spec = Spec("ar-vae", (1, side, side), 16, tuple(columns), nets)
    ratios, millis = [], []
    with tempfile.TemporaryDirectory() as folder:
        loops = {"bare": Bare(build(spec, 0), data), "ours": Ours(build(spec, 0), data, Path(folder))}
        for i in range(rounds + 2):
            times = {}
            for who in ("bare", "ours") if i % 2 else ("ours", "bare"):
                began = time.perf_counter()
                loops[who].run(updates)
                times[who] = time.perf_counter() - began
            if i > 1:  # the first rounds warm up
                ratios.append(times["ours"] / times["bare"])
                millis.append(1000 * times["bare"] / updates)
    ends = {"min": min(ratios), "max": max(ratios)}
    return {"ratio": statistics.median(ratios), **ends, "bare_ms": statistics.median(millis)}


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--updates", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    results = {}
    for name, (side, nets) in NETS.items():
        results[name] = found = compare(side, nets, args.updates, args.rounds)
        print(f"{name}: ours / bare = {found['ratio']:.3f} ({found['min']:.3f} to {found['max']:.3f}); ", end="")
        print(f"bare step {found['bare_ms']:.2f} ms, {torch.get_num_threads()} threads")
    if args.json:
        args.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()

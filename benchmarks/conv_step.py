"""AR-VAE's MNIST conv step with Latune's settings against the same net with torch's defaults, in one process.

    python benchmarks/conv_step.py [--updates 6] [--rounds 5] [--curve 60] [--json FILE]

Torch's defaults: fp32, `nn.Dropout`, contiguous images. Latune's: bf16 autocast, channels_last, a mask cut from
random bytes. The two take turns; the ratio is printed as median (min to max). Then both train on the same batches of
digits, and the mean loss of the last third is compared, over two seeds each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import torch

from latune.data import load
from latune.models import Spec, build
from latune.nets import Dropout
from latune.training import Batch, Optimiser

NETS = {
    "name": "conv",
    "channels": [64, 64, 8],
    "stride": 1,
    "padding": 0,
    "hidden": [256],
    "activation": "selu",
    "dropout": 0.5,
}
BATCH = 128


def make(spec: Spec, fast: bool, seed: int):
    """A game with Latune's settings, or with torch's defaults."""
    model = build(spec, seed)
    if fast:
        model.precision = "bf16"
        model.to(memory_format=torch.channels_last)
    else:
        for net in (model.encoder, model.decoder):
            for i, layer in enumerate(net):
                if isinstance(layer, Dropout):
                    net[i] = torch.nn.Dropout(0.5)
    torch.manual_seed(seed)
    return model.game(Optimiser(lr=1e-4))  # the paper's


def batch(data, columns, step: int, fast: bool) -> Batch:
    """The same examples for both."""
    rows = data.splits["training"]
    index = rows[torch.arange(step * BATCH, (step + 1) * BATCH) % len(rows)]
    x = data.images(index)
    x = torch.nn.functional.interpolate(x, (28, 28), mode="bilinear") if x.shape[-1] != 28 else x
    return Batch(x.contiguous(memory_format=torch.channels_last) if fast else x, data.values[index][:, columns])


def main() -> None:
    """Take turns, print the ratio, then compare the loss curves."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--updates", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--curve", type=int, default=60)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    data = load("digits")
    names = [name for name, attribute in data.attributes.items() if attribute.kind == "real"]
    columns = [list(data.attributes).index(name) for name in names]
    spec = Spec("ar-vae", (1, 28, 28), 16, tuple(names), NETS)

    games = {fast: make(spec, fast, 0) for fast in (False, True)}
    ratios, rates = [], {False: [], True: []}
    for i in range(args.rounds + 1):
        times = {}
        for fast in (False, True) if i % 2 else (True, False):
            batches = [batch(data, columns, step, fast) for step in range(args.updates)]
            began = time.perf_counter()
            for step, each in enumerate(batches):
                games[fast].step(each, step)
            times[fast] = time.perf_counter() - began
        if i:
            ratios.append(times[False] / times[True])
            for fast, seconds in times.items():
                rates[fast].append(args.updates * BATCH / seconds)
    ratio = statistics.median(ratios)
    print(f"threads {torch.get_num_threads()}: default {statistics.median(rates[False]):.0f} images/s, ", end="")
    print(f"ours {statistics.median(rates[True]):.0f} images/s")
    print(f"ours is {ratio:.2f}x faster ({min(ratios):.2f} to {max(ratios):.2f})")

    curves = {}
    for name, fast, seed in (
        ("default, seed 0", False, 0),
        ("default, seed 1", False, 1),
        ("ours, seed 0", True, 0),
        ("ours, seed 1", True, 1),
    ):
        game = make(spec, fast, seed)
        losses = [game.step(batch(data, columns, step, fast), step)["loss/vae"] for step in range(args.curve)]
        curves[name] = torch.stack(losses)[-args.curve // 3 :].mean().item()
        print(f"mean loss, last third of {args.curve} updates, {name}: {curves[name]:.2f}")
    defaults, fasts = [v for k, v in curves.items() if "default" in k], [v for k, v in curves.items() if "ours" in k]
    apart = abs(statistics.mean(defaults) - statistics.mean(fasts))
    print(f"means are {apart:.2f} apart; two seeds of the default are {abs(defaults[0] - defaults[1]):.2f} apart")
    if args.json:
        args.json.write_text(
            json.dumps({"ratio": ratio, "min": min(ratios), "max": max(ratios), "curves": curves}, indent=2)
        )


if __name__ == "__main__":
    main()

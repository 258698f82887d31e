"""How much memory training takes on data larger than it: random batches, and the peak of resident memory.

    python benchmarks/memory.py [both|folder|sprites] [--read] [--batches N] [--images N] [--json FILE]

`sprites` renders all 737,280 images; `folder` writes 200,000 images of 64x64 as the decoded file of a folder (in a
temporary directory, 0.8 GB) and reads them as `load("folder", ...)` does. A VAE with AR-VAE's sprites net is trained on
batches drawn from all of them (bf16, 100 updates unless told otherwise); with `--read` a whole epoch is only read.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from latune.data import Dataset, Memmap, load, make_splits
from latune.data.decoding import write_npy
from latune.models import Spec, build
from latune.training import Generators, Optimiser, Plan, Trainer

SHAPE = (1, 64, 64)
BATCH = 128
LIMIT = 2.0  # GB, of the whole process


def peak() -> float:
    """The most resident memory this process has had, in GB (Linux counts in kB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def folder(n: int, place: Path) -> Dataset:
    """A data set of n grey images on the disk, made a few at a time."""
    draw = np.random.default_rng(0)
    noise = draw.integers(0, 256, (256, *SHAPE), dtype=np.uint8)
    list(write_npy(place / "images.npy", n, SHAPE, (np.roll(noise[i % 256], i // 256, axis=2) for i in range(n))))
    splits = make_splits(n)
    return Memmap(
        name="made", shape=SHAPE, attributes={}, values=torch.zeros(n, 0), splits=splits, file=place / "images.npy"
    )


def epoch(data: Dataset, batches: int | None) -> tuple[int, float]:
    """Go through random batches of all images; how many images, and how many a second."""
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0)).split(BATCH)[:batches]
    start, seen, total = time.perf_counter(), 0, 0.0
    for indices in order:
        total += float(data.images(indices).sum())
        seen += len(indices)
    assert total > 0
    return seen, seen / (time.perf_counter() - start)


def train(data: Dataset, updates: int) -> tuple[int, float]:
    """Train a VAE on random batches; how many images, and how many a second."""
    model = build(Spec("vae", data.shape, 10, (), {"name": "conv"}), seed=0)
    model.precision = "bf16"
    model.to(memory_format=torch.channels_last)
    generators = Generators(0)
    game = model.game(Optimiser(lr=1e-3), generators["noise"])
    with tempfile.TemporaryDirectory() as run:
        plan = Plan(steps=updates, batch_size=BATCH, channels_last=True)
        trainer = Trainer(game, data, plan, generators, folder=Path(run))
        trainer.run()
    return updates * BATCH, updates * BATCH / trainer.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("both", "folder", "sprites"), default="both")
    parser.add_argument("--batches", type=int, help="so many batches of 128 instead of a whole epoch")
    parser.add_argument("--images", type=int, default=200_000, help="how many images the folder has")
    parser.add_argument("--read", action="store_true", help="only read an epoch of batches, train nothing")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    asked = parser.parse_args()
    before, results = peak(), {}
    for what in ("sprites", "folder") if asked.what == "both" else (asked.what,):
        with tempfile.TemporaryDirectory() as place:
            data = load("sprites") if what == "sprites" else folder(asked.images, Path(place))
            seen, speed = epoch(data, asked.batches) if asked.read else train(data, asked.batches or 100)
        results[what] = {"n": len(data), "seen": seen, "images_per_second": round(speed), "peak_gb": round(peak(), 3)}
        print(
            f"{what}: {'read' if asked.read else 'trained on'} {seen:,} of {len(data):,} images, {speed:,.0f} a second"
        )
        print(f"peak resident memory {peak():.2f} GB (of which imports {before:.2f} GB); limit {LIMIT:.0f} GB")
    if asked.json:
        asked.json.write_text(json.dumps({"limit_gb": LIMIT, **results}, indent=2) + "\n")


if __name__ == "__main__":
    main()

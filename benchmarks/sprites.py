"""How fast sprites are rendered, and how well they overlap the real frames.

    python benchmarks/sprites.py [--json FILE]

Speed: random batches of the whole grid, the best of a few rounds. Overlap: mean intersection over union with the 320
original frames in $LATUNE_DATA/dsprites-sample, per shape; left out where LATUNE_DATA is not set.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from pathlib import Path

import numpy as np
import torch

from latune.data.sprites import COUNT, GRID, SHAPES, latents, render

ROUNDS = 5


def images_a_second(batch: int, batches: int) -> float:
    """The best of a few rounds: other work on the machine only ever makes a round slower."""
    generator = torch.Generator().manual_seed(0)
    best = 0.0
    for _ in range(ROUNDS):
        indices = torch.randint(COUNT, (batches, batch), generator=generator)
        start = time.perf_counter()
        for each in indices:
            render(each)
        best = max(best, indices.numel() / (time.perf_counter() - start))
    return best


def overlap(folder: Path) -> dict[str, dict[str, float]]:
    """Mean and smallest intersection over union of each shape with the original frames."""
    from PIL import Image, ImageSequence

    with Image.open(folder / "dsprites.gif") as gif:
        frames = torch.from_numpy(np.stack([np.array(f.convert("L")) > 0 for f in ImageSequence.Iterator(gif)]))
    with (folder / "frames_latents.csv").open() as file:
        rows = list(csv.DictReader(file))
    places = [[int(row[name]) for row in rows] for name in ("shape", "scale", "orientation", "pos_x", "pos_y")]
    indices = torch.from_numpy(np.ravel_multi_index(places, GRID))
    drawn = render(indices)[:, 0] > 0
    iou = (drawn & frames).sum((1, 2)) / (drawn | frames).sum((1, 2))
    shape = latents(indices)[:, 0].long() - 1
    return {
        name: {
            "frames": int((shape == number).sum()),
            "mean": float(iou[shape == number].mean()),
            "least": float(iou[shape == number].min()),
        }
        for number, name in enumerate(SHAPES)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    file = parser.parse_args().json
    result: dict = {"threads": torch.get_num_threads()}
    result["images_per_second"] = {batch: round(images_a_second(batch, 20480 // batch)) for batch in (128, 1024)}
    for batch, speed in result["images_per_second"].items():
        print(f"batches of {batch:5}: {speed:8,} images/s on {result['threads']} threads")
    if home := os.environ.get("LATUNE_DATA"):
        result["iou"] = overlap(Path(home) / "dsprites-sample")
        for name, row in result["iou"].items():
            print(f"{name:8} {row['frames']:4} frames: mean IoU {row['mean']:.4f}, least {row['least']:.4f}")
    else:
        print("set LATUNE_DATA to compare with the real frames")
    if file:
        file.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

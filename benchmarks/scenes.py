"""How fast chairs and heads are rendered.

    python benchmarks/scenes.py [--threads N] [--json FILE]

Random images of the whole grid in batches, the best of a few rounds; and the same drawn on an accelerator, if there is
one. The target is 2,000 chairs a second on two threads.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from latune.data.scenes import chairs, heads

ROUNDS = 5
IMAGES = 2048  # in a round
SCENES = {"chairs": chairs, "heads": heads}


def images_a_second(scene, batch: int, device: str) -> float:
    """The best of a few rounds: other work on the machine only ever makes a round slower."""
    generator = torch.Generator().manual_seed(0)
    best = 0.0
    for _ in range(ROUNDS):
        indices = torch.randint(len(scene.FACTORS), (IMAGES // batch, batch), generator=generator).to(device)
        start = time.perf_counter()
        for each in indices:
            images = scene.render(each)
        images[0].cpu()
        best = max(best, indices.numel() / (time.perf_counter() - start))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, help="threads of the processor; all of them unless told")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    result: dict = {"threads": torch.get_num_threads(), "images_per_second": {}}
    for name, scene in SCENES.items():
        for device in devices:
            for batch in (64, 128, 1024):
                speed = round(images_a_second(scene, batch, device))
                result["images_per_second"][f"{name}, {device}, batches of {batch}"] = speed
                side = scene.PAPER.side
                print(f"{name:6} {side}x{side}, {device}, batches of {batch:4}: {speed:7,} images/s")
    print(f"on {result['threads']} threads")
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Chain steps a second: 1,000 chains together against one chain at a time, in one process.

    python benchmarks/walks.py [--threads 2] [--chains 1000] [--steps 20] [--rounds 7] [--json FILE]

Through `Space.walk`, noise and frames included, on the nets of Variational GSN's test 2 (784-1000-1000-50), of the
recipe `arvae-mnist` and on small convolutions; weights are as they were drawn. Together and alone take turns; the ratio
of each round's steps a second is printed as median (min to max). `medium` lets torch multiply in bfloat16 where the
processor can; one chain alone is always at full precision, in which it is faster. The exit status is 1 where the best
ratio of a net is below 50.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import torch

from latune.models import Spec, build
from latune.space import Space

TARGET = 50.0
NETS = {
    "mlp 1000-1000, 50 codes": (50, {"name": "mlp", "hidden": [1000, 1000]}),
    "mlp 512-512, 16 codes": (16, {"name": "mlp", "hidden": [512, 512]}),
    "conv 8-16-32, 16 codes": (16, {"name": "conv", "channels": [8, 16, 32], "hidden": [256]}),
}


def seconds(space: Space, x: torch.Tensor, steps: int, matmul: str = "highest") -> float:
    """How long chains from images take, from their second step on."""
    torch.set_float32_matmul_precision(matmul)
    frames = iter(space.walk(x, steps + 1))
    next(frames)  # the streams of noise are made once for a chain of any length
    began = time.perf_counter()
    for _ in frames:
        pass
    return time.perf_counter() - began


def compare(latent: int, nets: dict, matmul: str, chains: int, steps: int, rounds: int) -> dict[str, float]:
    """Take turns; steps a second both ways, and the ratios of the rounds."""
    spec = Spec("vae", (1, 28, 28), latent, nets=nets)
    space = Space(build(spec, seed=0), spec)
    x = torch.rand(chains, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    alone_steps = 5 * steps
    together, alone = [], []
    for i in range(rounds + 1):
        rates = chains * steps / seconds(space, x, steps, matmul), alone_steps / seconds(space, x[:1], alone_steps)
        if i:  # the first round warms up
            together.append(rates[0])
            alone.append(rates[1])
    ratios = [a / b for a, b in zip(together, alone, strict=True)]
    return {
        "together": statistics.median(together),
        "alone": statistics.median(alone),
        "ratio": statistics.median(ratios),
        "min": min(ratios),
        "max": max(ratios),
    }


def main() -> int:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--chains", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    results: dict[str, dict[str, dict[str, float]]] = {}
    for name, (latent, nets) in NETS.items():
        for matmul in ("highest", "medium"):
            found = compare(latent, nets, matmul, args.chains, args.steps, args.rounds)
            results.setdefault(name, {})[matmul] = found
            print(
                f"{name}, {matmul}: {found['together']:,.0f} chain steps a second, {found['alone']:,.0f} one at a "
                f"time; {found['ratio']:.1f}x ({found['min']:.1f} to {found['max']:.1f}), {args.threads} threads",
                flush=True,
            )
    if args.json:
        args.json.write_text(json.dumps(results, indent=2) + "\n")
    missed = [name for name, found in results.items() if max(each["ratio"] for each in found.values()) < TARGET]
    for name in missed:
        print(f"MISSED: {name} is below {TARGET:g}x")
    return int(bool(missed))


if __name__ == "__main__":
    raise SystemExit(main())

"""Time the FactorVAE score from one encoding pass against encoding the images of one vote after another.

    python benchmarks/factor_vae.py [--recipe arvae-digits-conv] [--rows 10000] [--votes 600] [--json FILE]

Both ways take the same network, images and votes: 10,000 for training and 5,000 held out, of 64 images each. One vote
after another, as the score is usually computed: draw the images, encode them, find the dim that varies least. So many
are really run as `--votes` says, and the time of all is extrapolated from these. Ours encodes every image once and
counts that pass; intervals, which the other way has not, are timed beside it. The network has the recipe's shape and
has not been trained, which changes no time. Exits with 1 where the ratio is below 100 or the two scores disagree.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from latune.metrics import factor_vae
from latune.metrics.factor_vae import EXAMPLES, HELD_OUT, TRAINING
from latune.metrics.interventions import by_value
from latune.models import build
from latune.recipes import open_data, read
from latune.recipes.run import describe
from latune.space import CHUNK, Space

LEAST_RATIO = 100.0
MOST_DIFFERENCE = 0.1  # of two scores, one of which is from a few hundred votes


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and the result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


class OneAfterAnother:
    """Votes as they are usually cast: each encodes its own images.

    Args:
        encode: rows of the data to codes.
        values: the attributes of each row.
        scale: the variance of each dim.
    """

    def __init__(self, encode: Callable[[torch.Tensor], torch.Tensor], values: np.ndarray, scale: torch.Tensor) -> None:
        self.encode, self.scale, self.draw = encode, scale, np.random.default_rng(0)
        self.members = []  # of each attribute, the rows of each of its values
        for column in values.T:
            alike = by_value(column, is_class=False)
            self.members.append(np.split(alike.members, np.cumsum(np.bincount(alike.label))[:-1]))

    def vote(self) -> tuple[int, int]:
        """The attribute that was held, and the dim that varied least."""
        attribute = int(self.draw.integers(len(self.members)))
        value = self.members[attribute][self.draw.integers(len(self.members[attribute]))]
        codes = self.encode(torch.from_numpy(self.draw.choice(value, EXAMPLES)))
        return attribute, int((codes.var(0) / self.scale).argmin())

    def score(self, votes: int) -> float:
        """The share of held-out votes that are answered right; half of the votes are for training."""
        training, held_out = (np.zeros((len(self.members), len(self.scale))) for _ in range(2))
        for table in (training, held_out):
            for _ in range(votes // 2):
                table[self.vote()] += 1
        return float(held_out[training.argmax(axis=0), np.arange(len(self.scale))].sum() / held_out.sum())


def measure(recipe: str, rows: int, votes: int, repeats: int) -> dict[str, Any]:
    """Seconds of each way and their ratio."""
    chosen = read(recipe)
    data = open_data(chosen)
    spec = describe(chosen, data)
    space = Space(build(spec, 0), spec)
    rows = min(rows, len(data))
    examples = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))[:rows].sort().values
    names = list(spec.attributes)
    values = np.stack([data.column(name)[examples].numpy() for name in names], axis=1).astype(np.float64)

    def encode(index: torch.Tensor) -> torch.Tensor:
        return space.encode(data.images(examples[index]))

    def encoded() -> torch.Tensor:
        return torch.cat([encode(part) for part in torch.arange(rows).split(CHUNK)])

    codes = encoded()
    factor_vae(codes, values, names)  # first calls are not timed
    slow = OneAfterAnother(encode, values, codes.var(0))
    slow.score(20)
    passes, scores, intervals = [], [], []
    for _ in range(repeats):
        passes.append(timed(encoded)[0])
        scores.append(timed(lambda: factor_vae(codes, values, names, resamples=0))[0])
        intervals.append(timed(lambda: factor_vae(codes, values, names))[0])
    spent, by_few = timed(lambda: slow.score(votes))
    score = factor_vae(codes, values, names, resamples=0)
    ours = statistics.median(passes) + statistics.median(scores)
    with_intervals = statistics.median(passes) + statistics.median(intervals)
    theirs = spent / (votes // 2 * 2) * (TRAINING + HELD_OUT)
    return {
        "recipe": recipe,
        "images": rows,
        "dims": codes.shape[1],
        "attributes": names,
        "threads": torch.get_num_threads(),
        "votes": TRAINING + HELD_OUT,
        "votes_run": votes // 2 * 2,
        "vote_milliseconds": 1000 * spent / (votes // 2 * 2),
        "one_after_another_seconds": theirs,
        "encoding_seconds": statistics.median(passes),
        "score_seconds": statistics.median(scores),
        "score_with_intervals_seconds": statistics.median(intervals),
        "ratio": theirs / ours,
        "ratio_with_intervals": theirs / with_intervals,
        "score": score.value,
        "dims_used": score.detail["dims"],
        "score_of_few_votes": by_few,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="arvae-digits-conv", help="whose data and encoder")
    parser.add_argument("--rows", type=int, default=10_000, help="at most so many images")
    parser.add_argument("--votes", type=int, default=600, help="really cast one after another")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    options = parser.parse_args()
    n = measure(options.recipe, options.rows, options.votes, options.repeats)
    print(
        f"FactorVAE score, {n['votes']} votes of {EXAMPLES} images; {n['images']} images and the encoder of "
        f"{n['recipe']}, {n['dims']} dims, {len(n['attributes'])} attributes, {n['threads']} threads"
    )
    print(f"  one vote after another                {n['one_after_another_seconds']:8.2f} s  ", end="")
    print(f"(extrapolated from {n['votes_run']} votes of {n['vote_milliseconds']:.2f} ms)")
    print(f"  one encoding pass                     {n['encoding_seconds']:8.3f} s")
    print(f"  all votes on its codes                {n['score_seconds']:8.3f} s")
    print(f"    with 95 % intervals                 {n['score_with_intervals_seconds']:8.3f} s")
    print(f"  ratio, the pass counted               {n['ratio']:8.0f} x  (at least {LEAST_RATIO:g})")
    print(f"  ratio, the pass and intervals counted {n['ratio_with_intervals']:8.0f} x")
    print(f"  score {n['score']:.3f}; {n['score_of_few_votes']:.3f} by the votes cast one after another")
    if options.json:
        options.json.write_text(json.dumps(n, indent=2) + "\n")
    if n["ratio"] < LEAST_RATIO or abs(n["score"] - n["score_of_few_votes"]) > MOST_DIFFERENCE:
        sys.exit("A target is missed.")


if __name__ == "__main__":
    main()

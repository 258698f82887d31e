"""Controls added to a trained model of MNIST: each promise as a figure, beside its target.

    python benchmarks/controls.py [--runs runs/quick] [--seeds 3] [--only NAME ...] [--json FILE]

`conditional`: an actor makes the ten digits from draws of the prior, free and at a price on the way (lambda 0.1).
`realism`: Frechet distance of draws of the prior before and after the control `realism`. `seconds`: from all labels,
the images not yet encoded, to a control that works. `few`: from 25 pictures of a digit and 25 of others. `edits`: an
attribute up by half a standard deviation or more, measured on the edited image, the digit kept: by descent as
published, by ours, and by ours with the digit's own control held (`keep`). `batched`: 64 edits by descent together,
against one at a time.

The judge is a classifier of a seed that no choice was made with. Everything is judged on decoded images; a target is
held against the worst of the seeds. What is not trained yet is trained first, in the folder of the runs. The exit
status is 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import torch

from latune.classifier import Classifier
from latune.controls import DESCENTS, Controls
from latune.data import load
from latune.metrics.success import success
from latune.papers.latent_constraints.digits import ARMS, conditional, realism
from latune.papers.latent_constraints.judge import SEED, Judge
from latune.recipes import read, train
from latune.space import Space

DRAWS = 10_000
FEW = 25  # pictures of the digit, and as many of others
TRIED = 300  # draws and edits of a control of few
EDITED = 500
ROUNDS = 7  # of edits together and one by one
ATTRIBUTES = {"thickness": 0.8, "slant": 0.8, "area": 0.8}  # to which rank
BELOW = 0.6  # rank of what is edited
# how it is edited
WAYS: dict[str, dict[str, Any]] = {"as published": {"way": DESCENTS["paper"]}, "ours": {}, "keep": {"keep": "digit"}}


@dataclass(frozen=True)
class Figure:
    """A number beside its target, which is the least or the most that it may be; None is only told."""

    name: str
    value: float
    target: float | None = None
    least: bool = True

    @property
    def met(self) -> bool:
        """Whether the target is reached."""
        return self.target is None or (self.value >= self.target if self.least else self.value <= self.target)

    def __str__(self) -> str:
        sign = "" if self.target is None else f"{'>=' if self.least else '<='} {self.target:.4g}"
        return f"{self.name:72s}{self.value:10.4f}  {sign:12s}{'' if self.met else 'MISSED'}"


def over(name: str, values: Sequence[float], target: float | None = None) -> Iterator[Figure]:
    """A number over seeds: the median, and the least and most; the least is held against the target."""
    yield Figure(f"{name}, median", statistics.median(values))
    yield Figure(f"{name}, least", min(values), target)
    yield Figure(f"{name}, most", max(values))


class Bench:
    """The model, its data, and who judges."""

    def __init__(self, runs: Path, seeds: int) -> None:
        self.data, self.seeds = load("mnist"), seeds
        train(read("lc-mnist"), runs / "lc-mnist-seed0", data=self.data)
        self.folder = runs / "lc-mnist-seed0"
        self.judge = Judge.over(Classifier.train(self.data, "digit", runs / "lc-judge-of-mnist", seed=SEED), self.data)

    def space(self) -> Space:
        """As saved, and without what was learned before."""
        space = Space.load(self.folder)
        space.__dict__["controls"] = Controls(space)
        return space

    def conditional(self) -> Iterator[Figure]:
        """Both rows of the table, each by the seeds' worst."""
        space, found = self.space(), {arm: [] for arm in ARMS}
        for seed in range(self.seeds):
            for arm, preset in ARMS.items():
                started = time.process_time()
                control = space.controls.learn("digit", self.data, how=preset, seed=seed, again=True)
                seconds = time.process_time() - started
                found[arm].append(conditional(space, control, self.judge, DRAWS, seed) | {"seconds": seconds})
        yield Figure("the judge on test images", self.judge.accuracy, 0.99)
        for arm, least in (("free", 0.99), ("near", 0.97)):
            for what, target in (("accuracy", least), ("spread", 0.8)):
                yield Figure(f"{arm}: {what}, worst of {self.seeds}", min(each[what] for each in found[arm]), target)
            yield Figure(f"{arm}: zMSE, median", statistics.median(each["zmse"] for each in found[arm]))
            yield Figure(f"{arm}: processor seconds, median", statistics.median(each["seconds"] for each in found[arm]))
        share = [near["zmse"] / free["zmse"] for near, free in zip(found["near"], found["free"], strict=True)]
        yield Figure(f"near: zMSE as a share of free, worst of {self.seeds}", max(share), 1 / 3, least=False)

    def realism(self) -> Iterator[Figure]:
        """Draws of the prior, before and after."""
        found = []
        for seed in range(self.seeds):
            space, started = self.space(), time.process_time()
            space.controls.learn_realism(self.data, seed=seed)
            found.append(realism(space, self.judge, DRAWS) | {"seconds": time.process_time() - started})
        yield Figure("realism: distance before", found[0]["before"])
        yield from over("realism: distance after", [each["after"] for each in found])
        yield from over("realism: times lower", [each["before"] / each["after"] for each in found], 3)
        yield from over("realism: spread", [each["spread"] for each in found], 0.9)
        yield Figure("realism: processor seconds, median", statistics.median(each["seconds"] for each in found))

    def seconds(self) -> Iterator[Figure]:
        """All labels, the small control; then what it makes."""
        space = self.space()
        began, started = time.monotonic(), time.process_time()
        control = space.controls.learn("digit", self.data, how="fast", judging="fast")
        wall, processor = time.monotonic() - began, time.process_time() - started
        found = conditional(space, control, self.judge, DRAWS)
        yield Figure("all labels: seconds", wall, 30, least=False)
        yield Figure("all labels: processor seconds", processor)
        yield Figure("all labels: accuracy", found["accuracy"], 0.9)
        yield Figure("all labels: spread", found["spread"])

    def few(self) -> Iterator[Figure]:
        """Fifty labelled pictures of each digit against others; draws of the prior and edits of test images."""
        space, rows = self.space(), self.data.splits["training"]
        truth, test = self.data.column("digit", rows).long(), self.data.splits["test"]
        shares, seconds = {"samples": [], "edits": []}, []
        for seed, digit in product(range(self.seeds), range(10)):
            draw = torch.Generator().manual_seed(10 * seed + digit)
            parts = [(truth == digit).nonzero()[:, 0], (truth != digit).nonzero()[:, 0]]
            chosen = torch.cat([part[torch.randperm(len(part), generator=draw)[:FEW]] for part in parts])
            labels = (truth[chosen] == digit).double()
            began = time.monotonic()
            space.controls.learn(
                "it", images=self.data.images(rows[chosen]), values=labels, rest=self.data, seed=seed, again=True
            )
            seconds.append(time.monotonic() - began)
            others = test[(self.judge.truth != digit).nonzero()[:TRIED, 0]]
            made = {"samples": space.sample(TRIED, draw, it=1), "edits": space.edit(self.data.images(others), it=1)}
            for what, images in made.items():
                classes = self.judge.classifier.classes(images.plain())
                shares[what].append((classes == digit).float().mean().item())
        yield Figure("few: seconds, median", statistics.median(seconds[1:]), 8, least=False)
        yield Figure("few: seconds, first, which encodes the rest", seconds[0])
        for what, found in shares.items():
            per_seed = [statistics.median(found[10 * seed : 10 * seed + 10]) for seed in range(self.seeds)]
            yield from over(f"few: success of {what}, median of ten digits", per_seed, 0.9)
            yield Figure(f"few: success of {what}, worst digit", min(found))

    def edits(self) -> Iterator[Figure]:
        """An attribute up, each by descent, in images of which it is not high already."""
        space, test = self.space(), self.data.splits["test"]
        found: dict[tuple[str, str], list[float]] = {}
        for seed, (name, goal) in product(range(self.seeds), ATTRIBUTES.items()):
            values, all_of = self.data.column(name, test), self.data.column(name, self.data.splits["training"])
            for learned in (name, *(("digit",) if name == next(iter(ATTRIBUTES)) else ())):
                space.controls.learn(learned, self.data, actor=False, seed=seed, again=True)
            some = (values <= all_of.quantile(BELOW)).nonzero()[:EDITED, 0]
            z, truth = space.encode(self.data.images(test[some])), self.judge.truth[some]
            before, step = {name: values[some].numpy()}, all_of.std().item() / 2
            found.setdefault((name, "digit seen in what is decoded untouched"), []).append(self.seen(space, z, truth))
            wishes = space.controls.wishes({name: goal})
            for way, given in WAYS.items():
                moved = space.controls.move(z, wishes, by="descent", **given)
                measured = space.measured([name], space.decode(moved).plain())
                risen = success(measured, {name: "up"}, step, before=before, resamples=0).value
                high = float((measured[name] >= all_of.quantile(goal - 0.1).item()).mean())
                figures = {"up": risen, f"above rank {goal - 0.1:.1f}": high, "digit": self.seen(space, moved, truth)}
                for what, value in figures.items():
                    found.setdefault((name, f"{way}: {what}"), []).append(value)
        targets = {"keep: up": 0.95, "keep: digit": 0.97}
        for (name, what), values in found.items():
            yield from over(f"edits, {name}, {what}", values, targets.get(what))

    def seen(self, space: Space, z: torch.Tensor, truth: torch.Tensor) -> float:
        """The share of what is decoded in which the judge sees the true digit."""
        return (self.judge.classifier.classes(space.decode(z).plain()) == truth).float().mean().item()

    def batched(self) -> Iterator[Figure]:
        """The same descent of 64 together and one by one, in the same products of matrices; they take turns."""
        space = self.space()
        space.controls.learn("digit", self.data, judging="fast", actor=False)
        z = space.encode(self.data.images(self.data.splits["test"][:64]))
        wishes = [space.controls["digit"].wish("3")]
        torch.set_float32_matmul_precision("highest")
        for way, dials in list(WAYS.items())[:2]:
            ratios, together = [], []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                space.controls.move(z, wishes, by="descent", **dials)
                middle = time.perf_counter()
                for one in z.split(1):
                    space.controls.move(one, wishes, by="descent", **dials)
                together.append(middle - began)
                ratios.append((time.perf_counter() - middle) / together[-1])
            yield Figure(f"batched, {way}: seconds of 64 together, median", statistics.median(together))
            yield Figure(f"batched, {way}: times faster than one at a time, median", statistics.median(ratios), 10)
            yield Figure(f"batched, {way}: times faster, least of {ROUNDS}", min(ratios))
            yield Figure(f"batched, {way}: times faster, most of {ROUNDS}", max(ratios))


def main() -> int:
    """Measure, print, and write the numbers if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ("conditional", "realism", "seconds", "few", "edits", "batched")
    parser.add_argument("--runs", type=Path, default=Path("runs/quick"), help="where the model and the judge are kept")
    parser.add_argument("--seeds", type=int, default=3, help="of what is learned")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="some of the figures")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message=".*did not arrive.*")  # how many arrive is what is measured
    bench = Bench(options.runs, options.seeds)
    figures: list[Figure] = []
    for name in options.only:
        measure: Callable[[], Iterator[Figure]] = getattr(bench, name)
        for figure in measure():
            print(figure, flush=True)
            figures.append(figure)
    if options.json:
        report = {figure.name: asdict(figure) | {"met": figure.met} for figure in figures}
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    return int(not all(figure.met for figure in figures))


if __name__ == "__main__":
    raise SystemExit(main())

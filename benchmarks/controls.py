"""Controls added to a trained model of MNIST: each promise as a figure, beside its target.

    python benchmarks/controls.py [--runs runs/quick] [--seeds 3] [--only NAME ...] [--json FILE]

`conditional`: an actor makes the ten digits from draws of the prior, free and at a price on the way (lambda 0.1).
`realism`: Frechet distance of draws of the prior before and after the control `realism`. `seconds`: from all labels,
the images not yet encoded, to a control that works. `few`: from 25 pictures of a digit and 25 of others. `edits`: an
attribute up by half a standard deviation or more, measured on the edited image, the digit kept. `batched`: 64 edits by
descent together, against one at a time.

The judge is a classifier that no choice was made with. Everything is judged on decoded images. What is not trained yet
is trained first, in the folder of the runs. The exit status is 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from latune.classifier import Classifier
from latune.controls import Controls
from latune.data import load
from latune.metrics.success import success
from latune.papers.latent_constraints.digits import ARMS, Judge, conditional, realism
from latune.recipes import read, train
from latune.space import Space

DRAWS = 10_000
FEW = 25  # pictures of the digit, and as many of others
TRIED = 300  # draws and edits of a control of few
EDITED = 500
ATTRIBUTES = {"thickness": 0.8, "slant": 0.8, "area": 0.8}  # to which rank
BELOW = 0.6  # rank of what is edited


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
        return f"{self.name:60s}{self.value:10.4f}  {sign:12s}{'' if self.met else 'MISSED'}"


class Bench:
    """The model, its data, and who judges."""

    def __init__(self, runs: Path, seeds: int) -> None:
        self.data, self.seeds = load("mnist"), seeds
        train(read("lc-mnist"), runs / "lc-mnist-seed0", data=self.data)
        self.folder = runs / "lc-mnist-seed0"
        self.judge = Judge.over(Classifier.train(self.data, "digit", runs / "lc-judge-reporting", seed=1), self.data)

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
        space = self.space()
        space.controls.learn_realism(self.data, how="realism")
        found = realism(space, self.judge, DRAWS)
        yield Figure("realism: distance before", found["before"])
        yield Figure("realism: distance after", found["after"])
        yield Figure("realism: times lower", found["before"] / found["after"], 3)
        yield Figure("realism: spread", found["spread"], 0.9)

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
        shares, seconds = [], []
        for digit in range(10):
            draw = torch.Generator().manual_seed(digit)
            parts = [(truth == digit).nonzero()[:, 0], (truth != digit).nonzero()[:, 0]]
            chosen = torch.cat([part[torch.randperm(len(part), generator=draw)[:FEW]] for part in parts])
            labels = (truth[chosen] == digit).double()
            began = time.monotonic()
            space.controls.learn(
                "it", images=self.data.images(rows[chosen]), values=labels, rest=self.data, seed=digit, again=True
            )
            seconds.append(time.monotonic() - began)
            others = test[(self.judge.truth != digit).nonzero()[:TRIED, 0]]
            for made in (space.sample(TRIED, draw, it=1), space.edit(self.data.images(others), it=1)):
                classes = self.judge.classifier.classes(made.plain())
                shares.append((classes == digit).float().mean().item())
        yield Figure("few: seconds, median of ten digits", statistics.median(seconds[1:]), 8, least=False)
        yield Figure("few: seconds, first, which encodes the rest", seconds[0])
        yield Figure("few: success, median of samples and edits", statistics.median(shares), 0.9)
        yield Figure("few: success, worst", min(shares))

    def edits(self) -> Iterator[Figure]:
        """An attribute up, each by descent, in images of which it is not high already."""
        space, test = self.space(), self.data.splits["test"]
        for name, goal in ATTRIBUTES.items():
            values, all_of = self.data.column(name, test), self.data.column(name, self.data.splits["training"])
            space.controls.learn(name, self.data, actor=False)
            some = (values <= all_of.quantile(BELOW)).nonzero()[:EDITED, 0]
            edited = space.edit(self.data.images(test[some]), by="descent", **{name: goal}).plain()
            measured = {name: space.measured([name], edited)[name]}
            high = all_of.quantile(goal - 0.1).item()
            risen = success(
                measured, {name: "up"}, all_of.std().item() / 2, before={name: values[some].numpy()}, resamples=0
            ).value
            kept = (self.judge.classifier.classes(edited) == self.judge.truth[some]).float().mean().item()
            yield Figure(f"edits, {name}: up by half a standard deviation", risen, 0.95)
            yield Figure(f"edits, {name}: above rank {goal - 0.1:.1f}", float((measured[name] >= high).mean()), 0.95)
            yield Figure(f"edits, {name}: digit kept", kept, 0.97)

    def batched(self) -> Iterator[Figure]:
        """The same descent of 64 together and one by one; they take turns."""
        space = self.space()
        space.controls.learn("digit", self.data, judging="fast", actor=False)
        z = space.encode(self.data.images(self.data.splits["test"][:64]))
        ratios = []
        for _ in range(3):
            began = time.perf_counter()
            space.moved(z, by="descent", digit=3)
            middle = time.perf_counter()
            for one in z.split(1):
                space.moved(one, by="descent", digit=3)
            ratios.append((time.perf_counter() - middle) / (middle - began))
        yield Figure("batched: times faster than one at a time, 64", statistics.median(ratios), 10)


def main() -> int:
    """Measure, print, and write the numbers if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ("conditional", "realism", "seconds", "few", "edits", "batched")
    parser.add_argument("--runs", type=Path, default=Path("runs/quick"), help="where the model and the judge are kept")
    parser.add_argument("--seeds", type=int, default=3, help="of the conditional actors")
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

"""The one training loop: index batches on the device, one game, checkpoints that resume bit for bit."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from latune.data import Dataset
from latune.errors import DataError, RunError, TrainingError
from latune.training import checkpoint as ckpt
from latune.training.game import Game
from latune.training.generators import Generators, generator, seed_for
from latune.training.log import Log, progress_bar

LOOK = 1000  # updates after which a long epoch is interrupted for a look at the validation split
HARDLY_BEGUN = 250  # updates before which nothing is remarked on, unless they are all


class Remark(NamedTuple):
    """What goes wrong in a training, in plain words.

    Args:
        text: the sentence.
        about: what goes wrong with which code, each a string of its own: what was said of them once is not said again.
    """

    text: str
    about: frozenset[str]


@dataclass(frozen=True)
class Batch:
    """One batch: images `(m, c, h, w)` in [0, 1] or tokens `(m, t)`, and the attributes a model asked for, `(m, l)`."""

    x: Tensor
    attributes: Tensor


@dataclass(frozen=True)
class Plan:
    """How long and how to train.

    Args:
        epochs, steps: length; `steps`, where given, wins.
        batch_size: examples an update; a last batch that is not full is left out, the order changes every epoch.
        log_every: updates between two lines of the log (the only moments at which the device is waited for).
        checkpoint_seconds: at most this long is lost in a crash (checkpoints fall on logged steps).
        validate_every: epochs between two measurements on the validation split, the last at the end; 0 for none. With
            1, the long epochs of large data are interrupted every 1,000 updates.
        keep: updates after which the weights are kept, besides those at the end (`Space.load(folder, step)`).
        ema: decay of an exponential moving average of the weights that replaces them at the end; 0 for none.
        precision: `fp32`, or `bf16` to run the nets under autocast (losses stay in fp32).
        compile: compile the nets; pays for fully connected nets and on GPUs.
        channels_last: memory order of images and convolutions; pays with bf16.
        matmul: torch's float32 matrix product precision; `medium` is faster on some processors, and may be less exact.
    """

    epochs: int = 10
    steps: int | None = None
    batch_size: int = 128
    log_every: int = 50
    checkpoint_seconds: float = 30.0
    validate_every: int = 1
    keep: tuple[int, ...] = ()
    ema: float = 0.0
    precision: Literal["fp32", "bf16"] = "fp32"
    compile: bool = False
    channels_last: bool = False
    matmul: Literal["highest", "high", "medium"] = "highest"

    def total(self, examples: int) -> int:
        """Updates in all."""
        return self.steps if self.steps is not None else self.epochs * self.per_epoch(examples)

    def per_epoch(self, examples: int) -> int:
        """Full batches an epoch."""
        return max(examples // self.batch_size, 1)


class Trainer:
    """Plays a game over a data set; the same call continues where a killed one stopped.

    Args:
        game: players and their scene.
        data: where batches come from; the `training` split is trained on, `validation` is measured. None for a game
            that draws its own examples: its scenes are given no batch, and the plan has `steps`.
        plan: length, batch size, precision.
        generators: every random draw of training comes from one of them.
        attributes: names of the attribute columns that a batch carries, in this order.
        folder: the run folder; None keeps everything in memory.
        about: plain data stored in the checkpoint; a checkpoint with other data is refused.
        validate: numbers for the log, measured at the end of an epoch (`Plan.validate_every`).
        remark: from these numbers to sentences for the log, which are shown above the bar when they are new.
        progress: show a bar with the loss and the time left; or a function, which is given the share of the steps that
            is done, from 0 to 1.
    """

    def __init__(
        self,
        game: Game,
        data: Dataset | None,
        plan: Plan,
        generators: Generators,
        attributes: Sequence[str] = (),
        folder: Path | None = None,
        about: dict[str, Any] | None = None,
        validate: Callable[[], dict[str, float]] | None = None,
        remark: Callable[[dict[str, float], int], Sequence[Remark]] | None = None,
        progress: bool | Callable[[float], None] = False,
    ) -> None:
        self.game, self.data, self.plan, self.generators = game, data, plan, generators
        self.folder, self.about, self.validate, self.remark = folder, about or {}, validate, remark
        self.progress = progress
        if data is not None:
            columns = [list(data.attributes).index(name) for name in attributes]
            self.values = data.values[:, columns]
            self.train_split = data.splits["training"]
            if not len(self.train_split):
                raise DataError(f"'{data.name}' has no training examples: all {len(data):,} are in its other splits.")
            self.total = plan.total(len(self.train_split))
            self.per_epoch = plan.per_epoch(len(self.train_split))
        else:
            self.total = self.per_epoch = plan.total(0)
        self.step = 0
        self.seconds = 0.0
        self.ema = [p.detach().clone() for p in game.model.parameters()] if plan.ema else []
        self._order: tuple[int, Tensor] | None = None
        self._saved = 0
        self._remarked = False
        self._said: set[str] = set()

    def run(self) -> None:
        """Train to the end of the plan.

        Raises:
            TrainingError: when a term is no longer finite; the last good checkpoint is kept.
        """
        products = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision(self.plan.matmul)
        try:
            self._seeded()
        finally:  # what the model makes afterwards does not depend on how it was trained
            torch.set_float32_matmul_precision(products)
        self._use_average()

    def _seeded(self) -> None:
        # Networks of the user's own draw from torch's global generator: it is seeded here, saved with the checkpoint
        # like the named ones, and given back as it was.
        with torch.random.fork_rng(devices=self._accelerators()):
            torch.manual_seed(seed_for(self.generators.seed, "own nets"))
            self._restore()
            self._play()

    def _accelerators(self) -> list[torch.device]:
        device = torch.device(self.generators.device)
        return [device] if device.type == "cuda" else []

    def _play(self) -> None:
        self.game.model.train()
        log = Log(self.folder, self.step)
        history: list[dict[str, Tensor]] = []
        began = last_save = time.monotonic()
        seconds_before = self.seconds
        try:
            with progress_bar(self.progress is True) as bar:
                task = bar.add_task("training", total=self.total, completed=self.step, note="")
                while self.step < self.total:
                    history.append(self.game.step(self.batch(self.step), self.step))
                    self._average()
                    self.step += 1
                    if callable(self.progress):
                        self.progress(self.step / self.total)
                    if self.step in self.plan.keep:
                        self._keep()
                    last = self.step == self.total
                    ended_epoch = self.step % self.per_epoch == 0
                    looks = bool(self.pause) and (self.step % self.pause == 0 or last)
                    if self.step % self.plan.log_every == 0 or ended_epoch or looks or last:
                        line = self._read(history)
                        now = time.monotonic()
                        self.seconds = seconds_before + now - began
                        history = []
                        epoch = self.step // self.per_epoch
                        if self.validate and looks:
                            line |= self._validated(bar.console.print)
                        log.write({"step": self.step, "epoch": epoch, **line, "seconds": round(self.seconds, 3)})
                        bar.update(
                            task, completed=self.step, note=f"loss {next(iter(line.values()), float('nan')):.2f}"
                        )
                        if last or now - last_save >= self.plan.checkpoint_seconds:
                            self.save()
                            last_save = now
        finally:
            log.close()

    def _validated(self, show: Callable[..., None]) -> dict[str, Any]:
        """What the validation split shows, and in plain words what goes wrong; said aloud where it was not before."""
        assert self.validate is not None
        with self._averaged():
            found = self.validate()
        early = self.step < min(HARDLY_BEGUN, self.total)
        remarks = self.remark(found, self.step) if self.remark is not None and not early else []
        for remark in remarks:
            if self.progress is True and not remark.about <= self._said:
                show(f"after {self.step:,} updates: {remark.text}", highlight=False)
            self._said |= remark.about
        # an empty list takes back what was said before
        told = {"remarks": [remark.text for remark in remarks]} if remarks or self._remarked else {}
        self._remarked = bool(remarks)
        return {f"validation/{name}": value for name, value in found.items()} | told

    @property
    def pause(self) -> int:
        """Updates from one look at the validation split to the next; 0 for none."""
        every = self.plan.validate_every
        return min(self.per_epoch, LOOK) if every == 1 else every * self.per_epoch

    def batch(self, step: int) -> Batch | None:
        """The batch of an update; it depends on nothing but the seed and the update's number."""
        if self.data is None:
            return None
        epoch, position = divmod(step, self.per_epoch)
        if self._order is None or self._order[0] != epoch:
            source = generator(self.generators.seed, "batches", epoch)
            order = torch.randperm(len(self.train_split), generator=source).to(self.train_split.device)
            self._order = (epoch, order)
        rows = self._order[1][position * self.plan.batch_size : (position + 1) * self.plan.batch_size]
        indices = self.train_split[rows]
        x = self.data.examples(indices)
        if self.plan.channels_last and x.dim() == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        return Batch(x, self.values[indices])

    def _read(self, history: list[dict[str, Tensor]]) -> dict[str, float]:
        """Wait for the device once: means of what gathered there, or a stop at the first value that is not finite."""
        first_bad: dict[str, int] = {}
        means: dict[str, float] = {}
        for name in dict.fromkeys(name for terms in history for name in terms):
            steps = [i for i, terms in enumerate(history) if name in terms]
            values = torch.stack([history[i][name] for i in steps]).double().cpu()
            means[name] = values.mean().item()
            if not values.isfinite().all():
                first_bad[name] = steps[int((~values.isfinite()).nonzero()[0])]
        if first_bad:
            row = min(first_bad.values())
            culprits = [n for n, i in first_bad.items() if i == row and not n.startswith("loss")] or list(first_bad)
            raise TrainingError(
                f"Training stopped at step {self.step - len(history) + row + 1}: {', '.join(culprits)} "
                f"{'is' if len(culprits) == 1 else 'are'} no longer finite; "
                f"{self._kept()}."
            )
        return means

    def _kept(self) -> str:
        advice = "Lower training.optimiser.lr or set training.optimiser.clip=1"
        advice += ", or use training.precision=fp32" if self.plan.precision == "bf16" else ""
        if not self._saved:
            return f"nothing was saved yet. {advice}"
        return f"the last good checkpoint, of step {self._saved}, is kept. {advice}, in another folder (--out)"

    @torch.no_grad()
    def _average(self) -> None:
        if self.ema:
            torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
                self.ema, list(self.game.model.parameters()), 1 - self.plan.ema
            )

    @contextlib.contextmanager
    def _averaged(self) -> Iterator[None]:
        """The weights that training will leave behind, while they are measured."""
        own = [parameter.detach().clone() for parameter in self.game.model.parameters()] if self.ema else []
        self._use_average()
        yield
        with torch.no_grad():
            for parameter, value in zip(self.game.model.parameters(), own, strict=False):
                parameter.copy_(value)

    @torch.no_grad()
    def _use_average(self) -> None:
        for parameter, mean in zip(self.game.model.parameters(), self.ema, strict=False):
            parameter.copy_(mean)

    def _keep(self) -> None:
        """Write the weights as training would leave them behind now."""
        if self.folder is not None:
            with self._averaged():
                ckpt.save_tensors(self.folder / ckpt.weights_at(self.step), self.game.model.state_dict(), {})

    def save(self) -> None:
        """Write a checkpoint with everything the next step depends on.

        Raises:
            TrainingError: when a weight is no longer finite (a gradient was not, though the loss still is).
        """
        for name, weight in self.game.model.named_parameters():
            if not weight.isfinite().all():
                raise TrainingError(
                    f"Training stopped at step {self.step}: the weights {name} are no longer finite; {self._kept()}."
                )
        if self.folder is None:
            return
        tensors = {f"weights/{name}": value for name, value in self.game.model.state_dict().items()}
        tensors |= {f"ema/{i}": value for i, value in enumerate(self.ema)}
        tensors |= {f"generator/{name}": state for name, state in self.generators.state().items()}
        tensors["global/cpu"] = torch.get_rng_state()
        for device in self._accelerators():
            tensors["global/cuda"] = torch.cuda.get_rng_state(device)
        for player in self.game.players:
            moments = ckpt.optimiser_tensors(player.descent)
            tensors |= {f"optimiser/{player.name}/{name}": value for name, value in moments.items()}
        about = {**self.about, "step": self.step, "seconds": self.seconds}
        ckpt.save_tensors(self.folder / ckpt.CHECKPOINT, tensors, about)
        self._saved = self.step

    def _restore(self) -> None:
        path = self.folder / ckpt.CHECKPOINT if self.folder else None
        if path is None or not path.exists():
            return
        tensors, about = ckpt.load_tensors(path)
        for key, value in self.about.items():
            if about.get(key) != value:
                raise RunError(
                    f"The checkpoint in {self.folder} was made with another {key}: it changed since. "
                    "Put it back as it was, or train in another folder with --out."
                )
        ckpt.load_weights(self.game.model, ckpt.under("weights/", tensors), path)
        for i, mean in enumerate(self.ema):
            mean.copy_(tensors[f"ema/{i}"])
        self.generators.restore(ckpt.under("generator/", tensors))
        torch.set_rng_state(tensors["global/cpu"])
        for device in self._accelerators():
            torch.cuda.set_rng_state(tensors["global/cuda"], device)
        for player in self.game.players:
            ckpt.restore_optimiser(player.descent, ckpt.under(f"optimiser/{player.name}/", tensors))
        self.step = self._saved = int(about["step"])
        self.seconds = float(about["seconds"])

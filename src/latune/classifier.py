"""A classifier of our own, trained on a data set: the judge of what a model's images show. Nothing is downloaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from latune.data import Dataset, spread
from latune.errors import DataError, RunError, unknown
from latune.files import write_json
from latune.metrics.averaged import averaged
from latune.metrics.bootstrap import RESAMPLES
from latune.metrics.score import Score
from latune.nets.classifying import FEATURES, WIDTH, ConvNet
from latune.pictures import Images, as_pixels
from latune.provenance import machine
from latune.training import Batch, Game, Generators, Optimiser, Plan, Player, Ramp, Trainer, Weighed, seed_for
from latune.training import checkpoint as ckpt
from latune.training.log import TRACES

DESCRIPTION = "classifier.json"
SIDES = (8, 128)  # smallest and largest side of an image
CHUNK = 1024  # images that pass through the network at once
BATCH = 128
UPDATES = 8  # least of an epoch: few images come in smaller batches
SHOWN = 200_000  # training images shown in all, unless epochs are given
EPOCHS = (4, 40)  # fewest and most that this may come to
RATES = (3e-3, 6e-5)  # Adam's, first and last
FINGERPRINTED = 64  # images that tell one data set from another


class Classifier:
    """Tells what images show: one class of a categorical attribute, or several binary attributes.

    Train one with `Classifier.train`, open one with `Classifier.load`. `net` is its module, for gradients.

    Args:
        net: the trained network.
        about: what `classifier.json` says: net, data, target, accuracy.

    >>> from latune.data import load
    >>> digits = load("digits")
    >>> judge = Classifier.train(digits, "digit", epochs=1)
    >>> x = digits.images(digits.splits["test"][:5])
    >>> judge, judge.probabilities(x).shape, judge.classes(x).shape, judge.features(x).shape
    (Classifier(digit of digits, 10 classes, images (1, 8, 8)), torch.Size([5, 10]), torch.Size([5]),
     torch.Size([5, 128]))
    """

    def __init__(self, net: ConvNet, about: dict[str, Any]) -> None:
        self.net = net.eval().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.about = about
        self.kind: Literal["categorical", "binary"] = about["kind"]
        self.target: tuple[str, ...] = tuple(about["target"])
        self.shape: tuple[int, ...] = tuple(about["net"]["shape"])

    def __repr__(self) -> str:
        outputs = self.about["net"]["outputs"]
        told = f"{outputs} classes" if self.kind == "categorical" else f"{outputs} binary"
        return f"Classifier({', '.join(self.target)} of {self.about['data']['name']}, {told}, images {self.shape})"

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.net.head.weight.device

    def to(self, device: Any) -> Classifier:
        """Move the weights."""
        self.net.to(device)
        return self

    # --- how it is made ----------------------------------------------------------------------------------------------

    @classmethod
    def train(
        cls,
        data: Dataset,
        target: str | Sequence[str],
        folder: Path | str | None = None,
        *,
        epochs: int | None = None,
        shift: int | None = None,
        precision: Literal["fp32", "bf16"] = "fp32",
        seed: int = 0,
        device: Any = None,
        progress: bool = False,
    ) -> Classifier:
        """Train on the training split, or open what the same call left in the folder; a killed training goes on.

        Cross-entropy of logits for a categorical attribute, the sum of binary cross-entropies for binary ones; Adam,
        its rate falling along a cosine; every image is moved by up to `shift` pixels each time it is shown.

        Args:
            data: images from 8 x 8 to 128 x 128, grey or colour.
            target: one categorical attribute, or one or several binary ones.
            folder: where it is kept; None keeps it in memory.
            epochs: over the training split; unless given, as many as show 200,000 images, from 4 to 40.
            shift: pixels; unless given, one for each 12 of the smaller side, at least 1; 0 where places have a meaning.
            precision: `bf16` is faster on processors that have it.
            seed: of weights, batches and shifts.
            device: where to train; where the data are unless given.
            progress: show a bar.

        Raises:
            DataError: images of another size, a target of another kind or of one value only, an empty split.
            RunError: the folder holds something else, or is being trained by another process.
        """
        kind, names, outputs = _target(data, target)
        if device is not None:
            data = data.to(device)
        rows = data.splits["training"]
        if epochs is None:
            epochs = min(max(round(SHOWN / len(rows)), EPOCHS[0]), EPOCHS[1])
        batch = min(BATCH, max(len(rows) // UPDATES, 2))
        if shift is None:
            shift = max(min(data.shape[1:]) // 12, 1)
        about = {
            "format": 1,
            "kind": kind,
            "target": names,
            "classes": _class_names(data, names, kind, outputs),
            "net": {"shape": list(data.shape), "outputs": outputs, "width": WIDTH, "features": FEATURES},
            "data": {
                "name": data.name,
                "source": data.provenance.get("source", data.name),
                "sha256": _print(data, names),
            },
            "training": {"epochs": epochs, "batch_size": batch, "shift": shift, "precision": precision, "seed": seed},
        }
        if folder is None:
            return cls._made(data, about, None, progress)
        folder = Path(folder)
        with ckpt.only_training(folder):
            if (folder / DESCRIPTION).exists():
                _same(about, _described(folder), folder)
                return cls.load(folder, data.device)
            if (folder / ckpt.CHECKPOINT).exists():
                _same(about, ckpt.load_tensors(folder / ckpt.CHECKPOINT)[1], folder)
            elif found := sorted({path.name for path in folder.iterdir()} - TRACES - {".lock"}):
                raise RunError(f"{folder} is no folder of a classifier; it holds {', '.join(found[:3])}. Use another.")
            return cls._made(data, about, folder, progress)

    @classmethod
    def _made(cls, data: Dataset, about: dict[str, Any], folder: Path | None, progress: bool) -> Classifier:
        settings = about["training"]
        generators = Generators(settings["seed"], data.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(settings["seed"], "classifier"))
            net = _build(about["net"])
        net = net.to(data.device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

        def terms(batch: Batch) -> Iterator[Weighed]:
            x = moved(batch.x, settings["shift"], generators["shifts"])
            with torch.autocast(x.device.type, torch.bfloat16, enabled=settings["precision"] == "bf16"):
                logits = net(x.contiguous(memory_format=torch.channels_last))
            if about["kind"] == "categorical":
                yield Weighed("cross-entropy", F.cross_entropy(logits.float(), batch.attributes[:, 0].long()))
            else:
                each = F.binary_cross_entropy_with_logits(logits.float(), batch.attributes, reduction="none")
                yield Weighed("cross-entropy", each.sum(1).mean())

        rows = len(data.splits["training"])
        plan = Plan(
            settings["epochs"], batch_size=settings["batch_size"], validate_every=0, precision=settings["precision"]
        )
        optimiser = Optimiser(lr=Ramp(*RATES, plan.total(rows), "cosine"))
        game = Game(net, lambda batch, step: batch, [Player("classifier", [net], terms, optimiser)])
        trainer = Trainer(game, data, plan, generators, about["target"], folder, about, progress=progress)
        trainer.run()
        done = cls(net, about | {"accuracy": {}, "seconds": round(trainer.seconds, 1), "machine": machine(data.device)})
        for split in ("validation", "test"):
            if len(data.splits.get(split, ())):
                done.about["accuracy"][split] = done.accuracy(data, split, resamples=0).value
        if folder is not None:
            ckpt.save_tensors(folder / ckpt.WEIGHTS, net.state_dict(), {"target": about["target"]})
            write_json(folder / DESCRIPTION, done.about)  # last: what is described is whole
        return done

    @classmethod
    def load(cls, folder: Path | str, device: Any = "cpu") -> Classifier:
        """Open a folder that `train` wrote.

        Raises:
            RunError: the folder holds no finished classifier, or its files are damaged or do not fit each other.
        """
        folder = Path(folder)
        if not (folder / DESCRIPTION).exists():
            if (folder / ckpt.CHECKPOINT).exists():
                raise RunError(f"The classifier in {folder} is not finished. Call Classifier.train again to go on.")
            raise RunError(f"There is no classifier in {folder}: it has no {DESCRIPTION}. Classifier.train makes one.")
        about = _described(folder)
        try:
            classifier = cls(_build(about["net"]), about)
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"{folder / DESCRIPTION} is damaged ({error!r}). Remove the folder and train again."
            ) from None
        tensors, _ = ckpt.load_tensors(folder / ckpt.WEIGHTS)
        ckpt.load_weights(classifier.net, tensors, folder / ckpt.WEIGHTS)
        return classifier.to(device)

    # --- what it tells -----------------------------------------------------------------------------------------------

    def logits(self, x: Any) -> Float[Tensor, "n k"]:
        """Logits of images: one a class, or one a binary attribute.

        Args:
            x: images of the classifier's shape, a tensor of floats in [0, 1] or what a data set takes.

        Raises:
            DataError: images of another shape or range.
        """
        return self._through(self.net, x)

    def features(self, x: Any) -> Float[Tensor, "n f"]:
        """The layer before the logits, after its ReLU: what distances and spreads are measured in."""
        return self._through(self.net.features, x)

    def probabilities(self, x: Any) -> Float[Tensor, "n k"]:
        """Of each class, summing to 1; or of each binary attribute to be there."""
        logits = self.logits(x)
        return logits.softmax(1) if self.kind == "categorical" else logits.sigmoid()

    def classes(self, x: Any) -> Int64[Tensor, "n *k"]:
        """The most likely class `(n,)`; or `(n, k)` with 1 where a binary attribute is likelier there than not."""
        return self._decided(self.logits(x))

    def accuracy(self, data: Dataset, split: str = "test", resamples: int = RESAMPLES, seed: int = 0) -> Score:
        """Share of a split that is told rightly, in [0, 1]; over all attributes and images where there are several.

        Args:
            data: images with the target's attributes.
            split: `test` unless told otherwise.
            resamples: of the intervals; 0 for none.
            seed: of the intervals.

        Returns:
            The share, each attribute's in `per_attribute`; `detail` has `most_common`, the share that always saying
            the commonest class would reach, and for a categorical target `by_class`.

        Raises:
            DataError: no such split or attribute, an empty split, or images of another shape.
        """
        if split not in data.splits:
            raise DataError(unknown(f"split of '{data.name}'", split, data.splits))
        rows = data.splits[split]
        if not len(rows):
            raise DataError(f"The {split} split of '{data.name}' is empty: there is nothing to classify.")
        truth = torch.stack([data.column(name, rows) for name in self.target], dim=1).long()
        seen = torch.cat([self._decided(self.logits(data.images(some))) for some in rows.split(CHUNK)])
        right = (seen.view(len(rows), -1).to(truth.device) == truth).cpu().numpy()  # (n, L)
        values = truth.cpu().numpy()
        common = {
            name: float(np.bincount(column).max() / len(rows))
            for name, column in zip(self.target, values.T, strict=True)
        }
        detail: dict[str, Any] = {"most_common": common}
        if self.kind == "categorical":
            names, which = self.about["classes"], np.unique(values)
            detail["by_class"] = {
                names[k] if k < len(names) else str(k): float(right[values[:, 0] == k].mean()) for k in which
            }
        columns = dict(zip(self.target, right.T.astype(np.float64), strict=True))
        settings = {"split": split, "examples": len(rows), "classifier": str(self)}
        return averaged("accuracy", columns, detail, settings, seed=seed, resamples=resamples)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _decided(self, logits: Tensor) -> Tensor:
        return logits.argmax(1) if self.kind == "categorical" else (logits > 0).long()

    @torch.no_grad()
    def _through(self, net: nn.Module, x: Any) -> Tensor:
        chunks = self._take(x).split(CHUNK)
        return torch.cat([net(chunk.contiguous(memory_format=torch.channels_last)) for chunk in chunks])

    def _take(self, x: Any) -> Float[Tensor, "n c h w"]:
        x = x.plain() if isinstance(x, Images) else x
        if not (isinstance(x, Tensor) and x.is_floating_point() and x.dim() == 4):
            x = torch.from_numpy(as_pixels(x)).float() / 255
        if tuple(x.shape[1:]) != self.shape:
            raise DataError(f"This classifier was trained on images of shape {self.shape}. Got {tuple(x.shape[1:])}.")
        if x.numel() and not (x.min() >= 0 and x.max() <= 1):  # NaN fails too
            raise DataError(f"Images lie in [0, 1]. Got {x.min().item():g} to {x.max().item():g}.")
        return x.to(self.device, torch.float32)


def moved(x: Float[Tensor, "n c h w"], most: int, generator: torch.Generator) -> Float[Tensor, "n c h w"]:
    """Each image moved by its own whole number of pixels, up to `most` along both axes; edges are repeated.

    >>> x = torch.arange(4.0).expand(1, 1, 4, 4)
    >>> sorted({tuple(moved(x, 1, torch.Generator().manual_seed(i))[0, 0, 0].tolist()) for i in range(20)})
    [(0.0, 0.0, 1.0, 2.0), (0.0, 1.0, 2.0, 3.0), (1.0, 2.0, 3.0, 3.0)]
    """
    if most == 0:
        return x
    n, _, height, width = x.shape
    by = torch.randint(-most, most + 1, (2, n, 1), device=x.device, generator=generator)
    rows = (torch.arange(height, device=x.device) + by[0]).clamp(0, height - 1)  # (n, h)
    columns = (torch.arange(width, device=x.device) + by[1]).clamp(0, width - 1)  # (n, w)
    example = torch.arange(n, device=x.device)[:, None, None]
    return x.permute(0, 2, 3, 1)[example, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _build(net: dict[str, Any]) -> ConvNet:
    return ConvNet(**{**net, "shape": tuple(net["shape"])})


def _target(data: Dataset, target: str | Sequence[str]) -> tuple[Literal["categorical", "binary"], list[str], int]:
    """What is to be told and how many logits that takes, when the data allow it."""
    low, high = SIDES
    if not all(low <= side <= high for side in data.shape[1:]):
        raise DataError(
            f"A classifier takes images from {low} x {low} to {high} x {high}. Those of '{data.name}' have shape "
            f"{tuple(data.shape)}; resize them first."
        )
    names = [target] if isinstance(target, str) else list(target)
    if not names or len(set(names)) < len(names):
        raise DataError(f"The target is one categorical attribute, or binary ones, each once. Got {names}.")
    columns = {name: data.column(name, data.splits["training"]) for name in names}
    kinds = {name: data.attributes[name].kind for name in names}
    allowed = set(kinds.values()) == {"binary"} or list(kinds.values()) == ["categorical"]
    if not allowed:
        told = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
        raise DataError(f"The target is one categorical attribute, or one or several binary ones. Got {told}.")
    if not len(data.splits["training"]):
        raise DataError(f"The training split of '{data.name}' is empty: there is nothing to learn from.")
    if unknowns := [name for name, column in columns.items() if not bool(column.isfinite().all())]:
        raise DataError(f"Not known for every training image of '{data.name}': {', '.join(unknowns)}.")
    if alike := [name for name, column in columns.items() if bool((column == column[0]).all())]:
        raise DataError(f"The same in every training image of '{data.name}', so nothing to learn: {', '.join(alike)}.")
    if "binary" in kinds.values():
        return "binary", names, len(names)
    known = data.attributes[names[0]].range or (0, 0)
    return (
        "categorical",
        names,
        1 + int(max(known[1], data.values[:, list(data.attributes).index(names[0])].max().item())),
    )


def _class_names(data: Dataset, names: list[str], kind: str, outputs: int) -> list[str]:
    """What each logit stands for."""
    if kind == "binary":
        return names
    named = [str(name) for name in data.provenance.get("classes", {}).get(names[0], [])]
    return named if len(named) == outputs else [str(k) for k in range(outputs)]


def _print(data: Dataset, names: list[str]) -> str:
    """A fingerprint of the data, whatever their split: some images and the target's values of all."""
    rows = spread(torch.arange(len(data), device=data.device), FINGERPRINTED)
    parts = [data.raw(rows), *(data.column(name) for name in names)]
    return hashlib.sha256(b"".join(part.cpu().numpy().tobytes() for part in parts)).hexdigest()


def _described(folder: Path) -> dict[str, Any]:
    try:
        about = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        if not isinstance(about, dict) or about.get("format") != 1:
            raise ValueError("it is not in the format of this version")
    except ValueError as error:
        raise RunError(f"{folder / DESCRIPTION} cannot be read: {error}. Remove the folder and train again.") from None
    return about


def _same(asked: dict[str, Any], found: dict[str, Any], folder: Path) -> None:
    """Refuse a folder that another call made."""
    other = [key for key, value in asked.items() if found.get(key) != value]
    if other:
        raise RunError(
            f"{folder} holds another classifier, or none: its {', '.join(other)} {'is' if len(other) == 1 else 'are'} "
            "not what is asked for. Use another folder, or remove this one."
        )

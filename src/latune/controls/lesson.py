"""What a control is learned from: codes of examples, and what is wanted of each as numbers in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

from latune.errors import DataError

Kind = Literal["label", "labels", "classes", "real", "reward", "realism"]
KINDS: tuple[str, ...] = get_args(Kind)
# of an attribute's kind
KIND_OF: dict[str, Kind] = {"binary": "label", "categorical": "classes", "real": "real", "unit": "reward"}
RETRIES = 3  # draws for targets that are to differ, where they cannot be made up
QUANTILES = 101  # of a real attribute that are kept, so that its own unit can be asked for
HELD = 0.1  # share of the examples that a control is measured on
FEWEST = 2  # examples of each class


@dataclass(frozen=True)
class Encoded:
    """Posteriors of examples: what one pass of an encoder leaves, `(n, d)` each.

    Args:
        mean: of the posteriors.
        scale: of the posteriors; zeros for points that are exact, as draws from a prior.
        typical: mean posterior scale of each coordinate, where `scale` does not tell it.
    """

    mean: Float[Tensor, "n d"]
    scale: Float[Tensor, "n d"]
    typical: Float[Tensor, " d"] | None = None

    def __len__(self) -> int:
        return len(self.mean)

    def __getitem__(self, rows: Tensor) -> Encoded:
        return Encoded(self.mean[rows], self.scale[rows], self.typical)

    def draw(self, rows: Tensor, generator: torch.Generator | None = None, share: float = 1.0) -> Float[Tensor, "m d"]:
        """Draws from the posteriors of some rows, with a share of their scale: 1 samples, 0 gives the means."""
        mean = self.mean[rows]
        if share == 0:
            return mean
        noise = torch.empty_like(mean).normal_(generator=generator)
        return torch.addcmul(mean, self.scale[rows], noise, value=share)

    @property
    def typical_scale(self) -> Float[Tensor, " d"]:
        r"""The mean posterior scale of each coordinate, :math:`\bar\sigma` of Latent Constraints."""
        return self.scale.mean(0) if self.typical is None else self.typical


@dataclass(frozen=True)
class Lesson:
    """Codes with targets: `(n, k)` numbers in [0, 1], one column for each thing that is wanted.

    A label has one column of 0 and 1, several labels have one each, classes have one column each, a reward one of
    numbers in [0, 1], and a real attribute one of its ranks, lowest 0 and highest 1. Realism has none.

    Args:
        kind: one of `KINDS`.
        codes, targets: what is trained on.
        held_codes, held_targets: what is measured on, never trained on.
        classes: names of the columns of `classes` and `labels`.
        quantiles: of a real attribute, ascending, evenly spaced in rank.
        unit: of a real attribute.
    """

    kind: Kind
    codes: Encoded
    targets: Float[Tensor, "n k"]
    held_codes: Encoded
    held_targets: Float[Tensor, "m k"]
    classes: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = ()
    unit: str = ""

    @property
    def width(self) -> int:
        """Columns of the targets."""
        return self.targets.shape[1]

    @property
    def n(self) -> int:
        """Examples that are trained on."""
        return len(self.codes)

    def draw_rows(self, n: int, generator: torch.Generator, balanced: bool = True) -> Int[Tensor, " n"]:
        """`n` rows with replacement: all alike, or, of labels and classes, all classes alike.

        Of several labels each gives its two values as much weight, and a row has the sum of its own: what is rare is
        drawn more often than it is, and what goes together still does.
        """
        if balanced and self.kind in ("label", "labels", "classes"):
            return torch.multinomial(self._shares, n, replacement=True, generator=generator)
        return torch.randint(len(self.codes), (n,), generator=generator, device=self.targets.device)

    @cached_property
    def _shares(self) -> Float[Tensor, " n"]:
        """How likely each row is where classes count alike."""
        if self.kind == "labels":
            ones = self.targets.mean(0)
            return torch.where(self.targets > 0.5, 1 / ones, 1 / (1 - ones)).sum(1)
        kind = self.targets[:, 0].round() if self.kind == "label" else self.targets.argmax(1)
        _, which, count = kind.unique(return_inverse=True, return_counts=True)
        return 1 / count[which].float()

    def mismatched(self, rows: Tensor, generator: torch.Generator, other: bool) -> Float[Tensor, "m k"]:
        """For each row, targets that are not its own: those of any example, or other ones than its own.

        Rewards and ranks of others are looked for a few times among the examples.
        """
        own = self.targets[rows]
        if other and self.kind == "label":
            return 1 - own
        if other and self.kind == "classes":
            step = torch.randint(1, self.width, (len(rows),), generator=generator, device=own.device)
            return one_hot((own.argmax(1) + step) % self.width, self.width).to(own.dtype)
        found = own
        for _ in range(RETRIES if other else 1):
            drawn = self.targets[torch.randint(len(self.targets), (len(rows),), generator=generator, device=own.device)]
            same = (found == own).all(1, keepdim=True)
            found = torch.where(same, drawn, found)
        return found

    def only(self, place: int) -> Lesson:
        """The lesson of one of several labels."""
        column = slice(place, place + 1)
        return replace(
            self,
            kind="label",
            targets=self.targets[:, column],
            held_targets=self.held_targets[:, column],
            classes=(),
        )

    @property
    def seen(self) -> dict[str, Tensor]:
        """Of several labels, the rows that examples have, `labels (m, k)`, and how many have each, `counts (m,)`."""
        if self.kind != "labels":
            return {}
        rows, counts = torch.cat([self.targets, self.held_targets]).unique(dim=0, return_counts=True)
        return {"labels": rows, "counts": counts.float()}


def lesson_of(
    name: str,
    codes: Encoded,
    values: Any,
    kind: Kind,
    classes: Sequence[str] = (),
    unit: str = "",
    held: float = HELD,
    seed: int = 0,
) -> Lesson:
    """A lesson from one value an example, or from several labels.

    Args:
        name: of what is taught, for messages.
        codes: of the examples.
        values: `(n,)`: 0 or 1 for a label, class indices, rewards in [0, 1], or any numbers for a real attribute; NaN
            where it is not known. Of several labels `(n, k)`; an example of which one is not known is left out.
        kind: what the values are.
        classes: names of classes, or of several labels; their numbers where there are none.
        unit: of a real attribute.
        held: share that is kept for measuring, of each class alike.
        seed: of that choice.

    Raises:
        DataError: values of another length, of one class only, that are all the same, or outside of their range.
    """
    value = torch.as_tensor(np.asarray(values, dtype=np.float64).copy())
    several = kind == "labels"
    if len(value) != len(codes) or value.dim() != 1 + several or (several and value.shape[1] < 2):
        each = "two or more labels each" if several else "one each"
        raise DataError(f"'{name}' has values of shape {list(value.shape)} for {len(codes):,} examples; {each}.")
    known = value.isfinite().view(len(value), -1).all(1).nonzero()[:, 0]
    if len(known) == 0:
        raise DataError(f"'{name}' is known for none of the {len(codes):,} examples.")
    value, codes = value[known], codes[known.to(codes.mean.device)]
    targets, names, quantiles = _targets(name, value, kind, classes)
    measured = _held_rows(targets, kind, held, seed)
    device = codes.mean.device
    train, test = (~measured).nonzero()[:, 0].to(device), measured.nonzero()[:, 0].to(device)
    targets = targets.to(device)
    return Lesson(kind, codes[train], targets[train], codes[test], targets[test], names, quantiles, unit)


def realism_lesson(codes: Encoded, held: float = HELD, seed: int = 0) -> Lesson:
    """A lesson without targets: what is real is all there is to know."""
    nothing = torch.zeros(len(codes), 0, device=codes.mean.device)
    measured = _held_rows(nothing.cpu(), "realism", held, seed).to(codes.mean.device)
    train, test = (~measured).nonzero()[:, 0], measured.nonzero()[:, 0]
    return Lesson("realism", codes[train], nothing[train], codes[test], nothing[test])


def _targets(
    name: str, value: Tensor, kind: Kind, classes: Sequence[str]
) -> tuple[Tensor, tuple[str, ...], tuple[float, ...]]:
    if kind == "labels":
        return _labels(name, value, classes)
    if kind == "classes":
        if (value != value.round()).any() or value.min() < 0:
            raise DataError(f"The classes of '{name}' are whole numbers from 0. Got {value[:5].tolist()}.")
        names = tuple(str(each) for each in classes) or tuple(str(i) for i in range(int(value.max()) + 1))
        if value.max() >= len(names):
            raise DataError(f"'{name}' has {len(names)} classes with names; one example has {int(value.max())}.")
        _enough(name, {names[int(i)]: int((value == i).sum()) for i in value.unique()})
        return one_hot(value.long(), len(names)).float(), names, ()
    if value.min() == value.max():
        raise DataError(f"'{name}' is {value[0]:g} in every example; a control is learned from what differs.")
    if kind == "label":
        if not ((value == 0) | (value == 1)).all():
            odd = value[(value != 0) & (value != 1)][0].item()
            raise DataError(f"The label '{name}' is 0 or 1. Got {odd:g}.")
        _enough(name, {"1": int((value == 1).sum()), "0": int((value == 0).sum())})
        return value.float()[:, None], (), ()
    if kind == "reward":
        if value.min() < 0 or value.max() > 1:
            raise DataError(f"The rewards '{name}' lie in [0, 1]. Got {value.min():g} to {value.max():g}.")
        return value.float()[:, None], (), ()
    from scipy.stats import rankdata

    ranks = (rankdata(value.numpy()) - 0.5) / len(value)  # ties share their mean rank
    quantiles = np.quantile(value.numpy(), np.linspace(0, 1, QUANTILES))
    return torch.from_numpy(ranks).float()[:, None], (), tuple(quantiles.tolist())


def _labels(name: str, value: Tensor, classes: Sequence[str]) -> tuple[Tensor, tuple[str, ...], tuple[float, ...]]:
    names = tuple(str(each) for each in classes) or tuple(str(i) for i in range(value.shape[1]))
    if len(names) != value.shape[1] or len(set(names)) < len(names):
        raise DataError(f"'{name}' has {value.shape[1]} labels; each has a name of its own. Got {', '.join(names)}.")
    for label, column in zip(names, value.T, strict=True):
        _targets(label, column, "label", ())
    return value.float(), names, ()


def _enough(name: str, counts: dict[str, int]) -> None:
    short = {key: count for key, count in counts.items() if count < FEWEST}
    if len(counts) < 2 or short:
        told = ", ".join(f"{count} of {key}" for key, count in counts.items())
        raise DataError(f"'{name}' needs {FEWEST} or more examples of each of two or more classes. Got {told}.")


def _held_rows(targets: Tensor, kind: Kind, share: float, seed: int) -> Tensor:
    """Which examples are measured on: a share of each class, at least one where there are two.

    Of several labels, examples with the same rarest one are a class.
    """
    draw = torch.Generator().manual_seed(seed)
    place = torch.rand(len(targets), generator=draw)
    which = torch.zeros(len(targets)).long()
    if kind == "label":
        which = targets[:, 0].long()
    elif kind == "classes":
        which = targets.argmax(1)
    elif kind == "labels":
        ones = targets.mean(0)
        share_of_own = torch.where(targets > 0.5, ones, 1 - ones)  # (n, k)
        rarest = share_of_own.argmin(1, keepdim=True)
        which = (2 * rarest + targets.gather(1, rarest).long())[:, 0]
    held = torch.zeros(len(targets), dtype=torch.bool)
    for each in which.unique():
        rows = (which == each).nonzero()[:, 0]
        held[rows[place[rows].argsort()[: max(1, round(share * len(rows)))]]] = True
    return held

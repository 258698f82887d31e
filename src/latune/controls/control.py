"""A control: what was learned after training, from what, and how well it does; saved beside the model."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from latune.controls.critics import Critics
from latune.controls.lesson import KINDS, Kind
from latune.errors import DataError, RunError, unknown
from latune.files import write_json
from latune.nets import LatentNets
from latune.training import checkpoint as ckpt

FORMAT = 1
CONTROL = "control.json"
THRESHOLD = 0.98  # of a critic's belief, where what is wanted is all or nothing
TOLERANCE = 0.05  # of a critic's value, where what is wanted lies between
WORDS = {"low": 0.1, "high": 0.9}


@dataclass(frozen=True)
class Wish:
    """What is wanted of one control: its critic's columns, which of them count, and the value of each.

    Args:
        control: whose critic says how far a point is from it.
        target: `(k,)` in [0, 1].
        counts: `(k,)` whether a column counts.
        said: how it was asked for.
    """

    control: Control
    target: Float[Tensor, " k"]
    counts: Bool[Tensor, " k"]
    said: str

    def loss(self, z: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Cross-entropy of the critic to what is wanted, of each point."""
        return self.loss_of(self.control.critic(z))

    def loss_of(self, logits: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
        """The same where the critic was asked already."""
        target = self.target.expand_as(logits)
        return (F.binary_cross_entropy_with_logits(logits, target, reduction="none") * self.counts).sum(1)

    def belief(self, z: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """How near each point is in the critic's eyes: 1 is there."""
        off = (torch.sigmoid(self.control.critic(z)) - self.target).abs()
        return 1 - (off * self.counts).amax(1)

    def arrived(self, z: Float[Tensor, "n d"], belief: float | None = None) -> Bool[Tensor, " n"]:
        """Whether each point is near enough in every column that counts: believed as the control's threshold asks, or
        as another asks.
        """
        return self.arrived_of(self.control.critic(z), belief)

    def arrived_of(self, logits: Float[Tensor, "n k"], belief: float | None = None) -> Bool[Tensor, " n"]:
        """The same where the critic was asked already."""
        off = (torch.sigmoid(logits) - self.target).abs()
        whole = (self.target == 0) | (self.target == 1)
        allowed = torch.where(whole, 1 - (self.control.threshold if belief is None else belief), TOLERANCE)
        return ((off <= allowed) | ~self.counts).all(1)

    @property
    def enough(self) -> float:
        """The belief from which a point is said to have arrived."""
        whole = bool((((self.target == 0) | (self.target == 1)) | ~self.counts).all())
        sure = self.control.threshold if self.control.sure is None else self.control.sure
        return sure if whole else 1 - TOLERANCE

    @property
    def given(self) -> Tensor | None:
        """What the control's actor is told, `(1, k)`; None where there is no actor, or none for this wish."""
        return self.target[None] if self.control.actor is not None and bool(self.counts.all()) else None


@dataclass
class Control:
    """A knob of a trained model: a critic of its codes, and maybe an actor that moves them.

    Args:
        name: what it is called in `sample`, `edit` and `traverse`.
        kind: `label`, `labels`, `classes`, `real`, `reward` or `realism`.
        critic: `(n, d)` points to `(n, k)` logits.
        vectors: attribute vectors `(k, d)`, the baseline without a network.
        scale: mean posterior scale of each coordinate, `(d,)`.
        fingerprint: of the model that it was made for.
        nets, actor_nets: sizes of the networks, to build them again; the actor's is None where there is none.
        actor: `(point, given)` to a point.
        classes: names of the columns of `classes` and `labels`.
        quantiles: of a real attribute: its values at evenly spaced ranks.
        unit: of a real attribute.
        threshold: belief that a move aims at.
        sure: belief from which a move is said to have arrived, lower where the critic is that sure of little that it
            knows; the threshold where None.
        scores: measured on examples that it was not learned from.
        about: plain data: from what, how and by what it was made.
        memory: tensors that it was learned from, of controls that go on learning; of several labels, the rows of them
            that examples have.
        rule: what it was learned from, where that is a function which is at hand; not saved.
    """

    name: str
    kind: Kind
    critic: Critics
    vectors: Tensor
    scale: Tensor
    fingerprint: str
    nets: LatentNets
    actor: nn.Module | None = None
    actor_nets: LatentNets | None = None
    classes: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = ()
    unit: str = ""
    threshold: float = THRESHOLD
    sure: float | None = None
    scores: dict[str, float] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Tensor] = field(default_factory=dict)
    rule: Callable[[Any], Any] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for net in (self.critic, self.actor):
            if net is not None:
                net.eval().requires_grad_(False)

    @property
    def dims(self) -> int:
        """Coordinates of the points that it moves."""
        return len(self.scale)

    @property
    def width(self) -> int:
        """Columns of its critic."""
        return len(self.vectors)

    def __repr__(self) -> str:
        parts = [self.kind, *(f"{name} {value:.3g}" for name, value in self.scores.items())]
        parts += ["with an actor" if self.actor is not None else "by descent"]
        return f"Control({self.name}: {', '.join(parts)})"

    def to(self, device: Any) -> Control:
        """Move its weights."""
        self.critic.to(device)
        if self.actor is not None:
            self.actor.to(device)
        self.vectors, self.scale = self.vectors.to(device), self.scale.to(device)
        self.memory = {name: tensor.to(device) for name, tensor in self.memory.items()}
        return self

    # --- what is wanted of it -----------------------------------------------------------------------------------------

    def wish(self, value: Any) -> Wish:
        """What a value asks for.

        A label, a reward and the rank of a real attribute take a number from 0 (not, lowest) to 1, or "low" and "high";
        a reward that a rule was never seen to give becomes the nearest that it was. Classes take the name or the number
        of one, or "not" before it. Several labels take a mapping of some of them to such numbers.

        Raises:
            DataError: for another value.
        """
        if self.kind == "classes":
            return self._class(value)
        if self.kind == "labels":
            return self._labels(value)
        plain = value.item() if isinstance(value, Tensor) and value.numel() == 1 else value
        number = WORDS.get(plain, plain) if isinstance(plain, str) else plain
        if isinstance(number, str) or not isinstance(number, int | float) or not 0 <= number <= 1:  # NaN as well
            what = {"real": "the rank of a real attribute, ", "reward": "a reward, "}.get(self.kind, "")
            hint = f' In {self.unit or "its own unit"}: to={{"{self.name}": ...}}.' if self.quantiles else ""
            raise DataError(f"'{self.name}' takes {what}a number from 0 to 1, 'low' or 'high'. Got {value!r}.{hint}")
        if self.kind == "reward" and not isinstance(plain, str):  # of what a rule gives, the critic knows the share
            number = min(max((number - self.least) / (self.most - self.least), 0.0), 1.0) ** self.sharp
        return self._wish([float(number)], [True], f"{self.name} = {value}")

    def in_unit(self, value: float) -> float:
        """The rank, in [0, 1], of a value of a real attribute in its own unit; the nearest where it is out of reach."""
        low, high = self.reach
        if low == high:
            return 0.5
        places = torch.linspace(0, 1, len(self.quantiles), dtype=torch.float64)
        grid = torch.tensor(self.quantiles, dtype=torch.float64)
        at = int(torch.searchsorted(grid, torch.tensor(float(value), dtype=torch.float64)).clamp(1, len(grid) - 1))
        left, right = grid[at - 1].item(), grid[at].item()
        share = 0.0 if right == left else min(max((value - left) / (right - left), 0.0), 1.0)
        return float(places[at - 1] + share * (places[at] - places[at - 1]))

    @property
    def reach(self) -> tuple[float, float]:
        """Lowest and highest value of a real attribute in the data it was learned from."""
        return self.quantiles[0], self.quantiles[-1]

    @property
    def way(self) -> float:
        """Of realism: how much of the actor's way draws of the prior go, at a dial of 1; see `Learning`."""
        return float(self.about.get("way", 1.0))

    @property
    def least(self) -> float:
        """The least that a rule was ever seen to give; 0 for other controls."""
        return float(self.about.get("least", 0.0))

    @property
    def most(self) -> float:
        """The most that a rule was ever seen to give; 1 for other controls."""
        return float(self.about.get("most", 1.0))

    @property
    def sharp(self) -> float:
        """The power of what a rule says that its critic knows; 1 for other controls."""
        return float(self.about.get("sharp", 1.0))

    def in_rule(self, target: float) -> float:
        """What a rule would give where the critic's target is this, in [0, 1]."""
        return self.least + target ** (1 / self.sharp) * (self.most - self.least)

    def _class(self, value: Any) -> Wish:
        text = str(value.item() if isinstance(value, Tensor) and value.numel() == 1 else value)
        wanted = text.removeprefix("not ")
        if wanted in self.classes:
            place = self.classes.index(wanted)
        elif wanted.isdecimal() and int(wanted) < len(self.classes):
            place = int(wanted)
        else:
            raise DataError(unknown(f"class of '{self.name}'", wanted, self.classes))
        own = [i == place for i in range(len(self.classes))]
        if text != wanted:
            return self._wish([0.0] * len(own), own, f"{self.name} = {text}")
        return self._wish([float(is_it) for is_it in own], [True] * len(own), f"{self.name} = {text}")

    def _labels(self, value: Any) -> Wish:
        if not isinstance(value, Mapping):
            shown = f'{{"{self.classes[0]}": 1, "{self.classes[1]}": 0}}'
            raise DataError(f"'{self.name}' takes some of its labels with a value each, as {shown}. Got {value!r}.")
        if odd := [label for label in value if label not in self.classes]:
            raise DataError(unknown(f"label of '{self.name}'", str(odd[0]), self.classes))
        numbers: dict[str, float] = {}
        for label, each in value.items():
            plain = each.item() if isinstance(each, Tensor) and each.numel() == 1 else each
            number = WORDS.get(plain, plain) if isinstance(plain, str) else plain
            if isinstance(number, str) or not isinstance(number, int | float) or not 0 <= number <= 1:
                raise DataError(f"'{label}' of '{self.name}' is a number from 0 to 1, 'low' or 'high'. Got {each!r}.")
            numbers[label] = float(number)
        said = ", ".join(f"{label} = {each}" for label, each in value.items())
        named = [label in numbers for label in self.classes]
        return self._wish([numbers.get(label, 0.0) for label in self.classes], named, f"{self.name}: {said or 'any'}")

    def _wish(self, target: list[float], counts: list[bool], said: str) -> Wish:
        device = self.scale.device
        return Wish(self, torch.tensor(target, device=device), torch.tensor(counts, device=device), said)

    # --- files --------------------------------------------------------------------------------------------------------

    def save(self, folder: Path | str) -> Path:
        """Write `control.json` and `weights.safetensors`, each whole or not at all."""
        folder = Path(folder)
        tensors = {f"critic/{name}": value for name, value in self.critic.state_dict().items()}
        if self.actor is not None:
            tensors |= {f"actor/{name}": value for name, value in self.actor.state_dict().items()}
        tensors |= {"vectors": self.vectors, "scale": self.scale}
        tensors |= {f"memory/{name}": value for name, value in self.memory.items()}
        ckpt.save_tensors(folder / ckpt.WEIGHTS, tensors, {"control": self.name, "format": FORMAT})
        write_json(
            folder / CONTROL,
            {
                "format": FORMAT,
                "name": self.name,
                "kind": self.kind,
                "fingerprint": self.fingerprint,
                "nets": asdict(self.nets),
                "members": len(self.critic.members),
                "actor_nets": asdict(self.actor_nets) if self.actor_nets is not None else None,
                "classes": list(self.classes),
                "quantiles": list(self.quantiles),
                "unit": self.unit,
                "threshold": self.threshold,
                "sure": self.sure,
                "scores": self.scores,
                "about": self.about,
            },
        )
        return folder

    @classmethod
    def load(cls, folder: Path | str, device: Any = "cpu") -> Control:
        """Open what `save` wrote.

        Raises:
            RunError: when files are missing, damaged, or of another format.
        """
        folder = Path(folder)
        try:
            data = json.loads((folder / CONTROL).read_text(encoding="utf-8"))
            if data["format"] != FORMAT:
                raise RunError(
                    f"The control in {folder} is of format {data['format']}; this Latune reads format {FORMAT}. "
                    "Learn it again, or use the version of Latune that made it."
                )
            if data["kind"] not in KINDS:
                raise ValueError(unknown("kind of control", data["kind"], KINDS))
            nets = LatentNets(**data["nets"])
            actor_nets = LatentNets(**data["actor_nets"]) if data["actor_nets"] is not None else None
            kept: dict[str, Any] = {
                key: data[key] for key in ("name", "kind", "fingerprint", "unit", "threshold", "scores", "about")
            }
            kept["sure"] = data.get("sure")
            members = int(data["members"])
            lists: dict[str, Any] = {"classes": tuple(data["classes"]), "quantiles": tuple(data["quantiles"])}
        except FileNotFoundError:
            raise RunError(f"There is no control in {folder}: it has no {CONTROL}.") from None
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(
                f"{folder / CONTROL} is damaged ({error}). Restore it, or learn the control again."
            ) from None
        tensors, _ = ckpt.load_tensors(folder / ckpt.WEIGHTS, device)
        if missing := {"vectors", "scale"} - tensors.keys():
            raise RunError(f"{folder / ckpt.WEIGHTS} lacks {', '.join(sorted(missing))}. Learn the control again.")
        (width, dims) = tensors["vectors"].shape
        columns = width if kept["kind"] != "realism" else 1
        critic = Critics([nets.critic(dims, outputs=columns) for _ in range(members)]).to(device)
        ckpt.load_weights(critic, ckpt.under("critic/", tensors), folder / ckpt.WEIGHTS)
        actor = None
        if actor_nets is not None:
            actor = actor_nets.actor(dims, width).to(device)
            ckpt.load_weights(actor, ckpt.under("actor/", tensors), folder / ckpt.WEIGHTS)
        return cls(
            critic=critic, actor=actor, nets=nets, actor_nets=actor_nets,
            vectors=tensors["vectors"], scale=tensors["scale"], memory=ckpt.under("memory/", tensors), **kept, **lists,
        )  # fmt: skip


def same(a: Control, b: Control) -> bool:
    """Whether two controls are the same, bit for bit."""
    weights = [{**c.critic.state_dict(), **(c.actor.state_dict() if c.actor is not None else {})} for c in (a, b)]
    equal = weights[0].keys() == weights[1].keys()
    equal = equal and all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    return equal and (a.name, a.kind, a.classes, a.fingerprint) == (b.name, b.kind, b.classes, b.fingerprint)


def finite(scores: Mapping[str, float]) -> dict[str, float]:
    """The scores that are numbers."""
    return {name: float(value) for name, value in scores.items() if math.isfinite(value)}

"""The controls of one Space: learned, listed, removed, saved beside the model, and applied."""

from __future__ import annotations

import math
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latune import coordinates
from latune.attributes.amounts import amount, spoken
from latune.controls.again import Again
from latune.controls.apply import BYS, fulfil
from latune.controls.arrival import missed
from latune.controls.control import CONTROL, Control, Wish
from latune.controls.descent import DESCENTS, Descending
from latune.controls.keep import Kept
from latune.controls.learner import OR_AGAIN, REALISM, Learner
from latune.controls.ranges import inside
from latune.errors import DataError, RunError, unknown

CONTROLS = "controls"
RESERVED = {  # what methods of a Space call their own arguments
    *("to", "n", "generator", "self", "by", "strength", "identity", "keep", "steps", "values", "name"),
    *("x", "at", "way", "clamp", "fixed", "begin", "every", "sample_z", "sample_x", "move", "seed"),
}


class Controls(Learner, Mapping[str, Control]):
    """The controls of a Space, by name.

    Args:
        space: the model that they control, see `Learner`.
        folder: where they are kept; None until the space is saved.
    """

    def __init__(self, space: Any, folder: Path | None = None) -> None:
        super().__init__(space)
        self.folder = folder
        self._fingerprint: str | None = None
        self.unusable: dict[str, str] = {}  # what lies in the folder and cannot be used, and why
        if folder is not None and folder.is_dir():
            for path in sorted(folder.iterdir()):
                if (path / CONTROL).exists():
                    self._open(path)

    def _open(self, path: Path) -> None:
        """Put what lies in a folder on the shelf; one that cannot be used does not keep the others from it."""
        try:
            self.add(Control.load(path, self.space.device), save=False)
        except RunError as error:
            self.unusable[path.name] = str(error)

    def __getitem__(self, name: str) -> Control:
        if name in self.unusable:
            raise RunError(f"The control '{name}' cannot be used: {self.unusable[name]}")
        if name not in self._made:
            none = "" if self._made else " Add one with latune control add."
            raise DataError(unknown("control", name, self._made) + none)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    def __contains__(self, name: object) -> bool:
        return name in self._made or name in self.unusable

    def __repr__(self) -> str:
        return "Controls(" + "; ".join(repr(each).removeprefix("Control(")[:-1] for each in self._made.values()) + ")"

    # --- made and removed ---------------------------------------------------------------------------------------------

    def add(self, control: Control, save: bool = True) -> Control:
        """Put a control on the shelf, and into its folder where there is one.

        Raises:
            RunError: for a control that was made for another model.
        """
        if control.fingerprint != self.fingerprint:
            raise RunError(
                f"The control '{control.name}' was made for another model: its fingerprint is {control.fingerprint}, "
                f"this model's is {self.fingerprint}. Learn it for this model."
            )
        self._made[control.name] = control.to(self.space.device)
        self.unusable.pop(control.name, None)
        if save and self.folder is not None:
            control.save(self.folder / folder_name(control.name))
        return control

    def remove(self, name: str) -> None:
        """Forget a control, and delete its folder, one that cannot be used as well."""
        if name not in self.unusable:
            self[name]
        self._made.pop(name, None)
        self.unusable.pop(name, None)
        if self.folder is not None and (self.folder / folder_name(name) / CONTROL).exists():
            shutil.rmtree(self.folder / folder_name(name))

    def save(self, folder: Path) -> None:
        """Write all of them below a folder, which is theirs from now on."""
        self.folder = folder
        for name, control in self._made.items():
            control.save(folder / folder_name(name))

    @property
    def fingerprint(self) -> str:
        """Of the model, computed once."""
        known = self._fingerprint or self.space.fingerprint
        self._fingerprint = known
        return known

    # --- applied ------------------------------------------------------------------------------------------------------

    def wishes(self, asked: Mapping[str, Any], in_unit: Mapping[str, Any] | None = None) -> list[Wish]:
        """What is asked for by name: `{"loop": 1}`, and in the units of real attributes."""
        wishes = [self[name].wish(self._within(name, value)) for name, value in asked.items()]
        for name, value in (in_unit or {}).items():
            control = self[name]
            if not control.quantiles:
                raise DataError(f"'{name}' has no unit of its own; say {name}=..., a {control.kind}.")
            aimed = coordinates.number(name, amount(name, value, control.unit))
            low, high = control.reach
            if not low <= aimed <= high:
                warnings.warn(
                    f"{name} = {value if isinstance(value, str) else f'{aimed:g}'} was asked for; the data reach "
                    + f"{low:.4g} to {high:.4g} {control.unit}{spoken((low, high), control.unit)}".rstrip()
                    + ". The nearest is aimed at.",
                    UserWarning,
                    stacklevel=5,
                )
            wishes.append(control.wish(control.in_unit(aimed)))
        return wishes

    def _kept(self, names: Any, wishes: list[Wish], z: Tensor, again: Again | None) -> list[Kept]:
        """What stays as it is at some points."""
        names = [names] if isinstance(names, str) else names
        if not isinstance(names, Sequence):
            raise DataError(f'keep= takes the name of a control or several, as keep="digit". Got {names!r}.')
        for wish in wishes:
            if wish.control.name in names:
                raise DataError(f"'{wish.control.name}' is moved and cannot be kept as well. Leave it out of keep=.")
        return [Kept.of(self[name], z if again is None else again(z)) for name in names]

    def _within(self, name: str, value: Any) -> Any:
        """What is asked of a control; of what a rule was never seen to give, a warning tells."""
        control = self[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and control.kind == "reward" and not control.least <= value <= control.most:
            warnings.warn(
                f"{name} = {value:g} was asked for; of all that this model made, the rule gave {control.least:.3g} to "
                f"{control.most:.3g}. The nearest is aimed at.",
                UserWarning,
                stacklevel=5,
            )
        return value

    def move(
        self,
        z: Tensor,
        wishes: list[Wish],
        *,
        by: str | None = None,
        strength: float = 1.0,
        identity: float = 0.0,
        realism: float = 0.0,
        fresh: bool = False,
        keep: Any = (),
        at: Tensor | None = None,
        held: Sequence[int] = (),
        way: Descending = DESCENTS["default"],
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Move points to what is wished; of what did not arrive, a warning tells.

        Args:
            z: `(n, d)`.
            wishes: from `wishes`.
            by: see `latune.controls.apply.fulfil`.
            strength: how much of the way is gone.
            identity: weight of staying near in a descent.
            realism: how much of realism: a share of its actor's way for `fresh` points, a weight in a descent.
            fresh: the points are draws of the prior, with no identity to keep.
            keep: names of controls that stay what they are.
            at: the points, `(n, d)`, at which they are that; `z` where None.
            held: columns that a descent leaves alone.
            way: how a descent goes; see `latune.controls.descent.DESCENTS`.
            generator: of labels of fresh points that are not named.
        """
        if by is not None and by not in BYS:
            raise DataError(unknown("way of by=", by, BYS))
        for what, number in (("strength", strength), ("identity", identity), ("realism", realism)):
            if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
                raise DataError(f"{what} is a number of 0 or more. Got {number!r}.")
        if fresh and realism > 1:
            raise DataError(f"The realism of samples is a share, from 0 to 1. Got {realism!r}.")
        real = None
        if realism:
            if REALISM not in self:
                raise DataError(
                    "There is no control 'realism' yet: space.controls.learn_realism(data), or "
                    "latune control add RUN realism."
                )
            real = self[REALISM]
        start = z if at is None else at
        with torch.no_grad():
            if real is not None and (fresh or not wishes):
                z = self._more_real(z, real, realism, fresh)
            again = self.again if way.again else None
            kept = self._kept(keep, wishes, start, again)
            if wishes or kept:
                dial, codes = (real, float(realism)) if real else None, self.space.codes
                moved = fulfil(z, wishes, by, strength, identity, dial, way, fresh, kept, held, codes, again, generator)
                z = moved.z
                if by != "vector" and strength >= 1 and (told := missed(self.space, moved, wishes, kept)):
                    warnings.warn(told, UserWarning, stacklevel=3)
        return z

    def _more_real(self, z: Tensor, control: Control, share: float, fresh: bool) -> Tensor:
        """A share of the way of the realism actor; points that are real enough already stay, unless they are fresh."""
        if control.actor is None:
            raise DataError("The control 'realism' has no actor.")
        way = control.way if fresh else 1.0
        moved = inside(torch.lerp(z, control.actor(z), way * min(share, 1.0)), self.space.codes)
        if fresh:
            return moved
        real = torch.sigmoid(control.critic(z)) >= control.threshold  # (n, 1)
        return torch.where(real, z, moved)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _free(self, name: str, again: bool) -> None:
        """Whether a name can be a control's."""
        folder_name(name)
        taken = [*self.space.codes, *self.space.codes.columns()]
        if name in taken:
            raise DataError(f"'{name}' is a coordinate of this space already; give the control another name.")
        if name in RESERVED or name == REALISM:
            raise DataError(f"A control cannot be called '{name}': it means something else in sample and edit.")
        if name in self and not again:
            raise DataError(f"There is a control '{name}' already. {OR_AGAIN}")


def folder_name(name: str) -> str:
    """The folder of a control, below that of all controls: its name.

    Raises:
        DataError: for a name that cannot be a folder's.
    """
    tidy = isinstance(name, str) and name == name.strip() and 0 < len(name) <= 64 and not name.startswith(".")
    if not tidy or any(not (letter.isalnum() or letter in " -_.") for letter in name):
        raise DataError(f"A control's name is up to 64 letters, digits, spaces, '-', '_' and '.'. Got {name!r}.")
    return name

"""What is kept while something else is moved: a control's critic goes on seeing what it sees now."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from latune.controls.control import THRESHOLD, TOLERANCE, Control
from latune.errors import DataError

NEARLY = 0.8  # of what is allowed, from where on a critic pulls back
MORE = 1.1  # times as far off as at the start is where it was in doubt


@dataclass(frozen=True)
class Kept:
    """A control held at what it is for each example: its most believed class, its label, or its value.

    Args:
        control: whose critic is asked.
        target: what is kept, `(n, k)` in [0, 1].
        allowed: how far off the critic may be, `(n, k)`: as far as where it has arrived, or as it was at the start.
    """

    control: Control
    target: Float[Tensor, "n k"]
    allowed: Float[Tensor, "n k"]

    @classmethod
    @torch.no_grad()
    def of(cls, control: Control, z: Float[Tensor, "n d"]) -> Kept:
        """As points are now.

        Raises:
            DataError: for realism, which is a dial and has no value.
        """
        if control.kind == "realism":
            raise DataError("'realism' has no value to keep; say realism=0.5, how much of it is wanted.")
        logits = control.critic(z)
        belief = torch.sigmoid(logits)
        if control.kind in ("real", "reward"):
            return cls(control, belief, torch.full_like(belief, TOLERANCE))
        if control.kind == "classes":
            target = F.one_hot(logits.argmax(1), control.width).to(belief.dtype)
        else:
            target = (belief > 0.5).to(belief.dtype)
        # What was doubtful is not made surer than it was: the critic may be wrong about it.
        return cls(control, target, (MORE * (belief - target).abs()).clamp_min(1 - THRESHOLD))

    @property
    def said(self) -> str:
        """How it was asked for."""
        return f"{self.control.name} kept"

    def loss(self, z: Float[Tensor, "m d"], rows: Int[Tensor, " m"]) -> Float[Tensor, " m"]:
        r"""How far the critic's logits are outside of what is allowed, or nearly so, summed over columns.

        .. math:: \sum_k \max(0,\, \mathrm{logit}(t_k - a_k) - f_k) + \max(0,\, f_k - \mathrm{logit}(t_k + a_k))

        An exact penalty: it is 0 inside, and at once steeper than what is asked for outside, so that a descent goes
        along the border (a cross-entropy is flat there, and is left far behind before it pulls).
        """
        return self.loss_of(self.control.critic(z), rows)

    def loss_of(self, logits: Float[Tensor, "m k"], rows: Int[Tensor, " m"]) -> Float[Tensor, " m"]:
        """The same where the critic was asked already."""
        target, allowed = self.target[rows], NEARLY * self.allowed[rows]
        low, high = (torch.logit((target + side * allowed).clamp(0, 1)) for side in (-1, 1))  # infinite: no border
        return (F.relu(low - logits) + F.relu(logits - high)).sum(1)

    def belief(self, z: Float[Tensor, "m d"], rows: Int[Tensor, " m"]) -> Float[Tensor, " m"]:
        """How near each point is to what it was, in the critic's eyes: 1 is the same."""
        return 1 - self._off(self.control.critic(z), rows).amax(1)

    def arrived(self, z: Float[Tensor, "m d"], rows: Int[Tensor, " m"]) -> Bool[Tensor, " m"]:
        """Whether each point is as it was."""
        return self.arrived_of(self.control.critic(z), rows)

    def arrived_of(self, logits: Float[Tensor, "m k"], rows: Int[Tensor, " m"]) -> Bool[Tensor, " m"]:
        """The same where the critic was asked already."""
        return (self._off(logits, rows) <= self.allowed[rows]).all(1)

    def _off(self, logits: Tensor, rows: Tensor) -> Tensor:
        return (torch.sigmoid(logits) - self.target[rows]).abs()

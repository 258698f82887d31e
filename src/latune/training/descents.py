"""The two ways of descending by which Variational GSNs were trained, beside torch's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class _Descent(torch.optim.Optimizer, ABC):
    """A step for each parameter by itself, from its gradient and what is kept beside it."""

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-3, weight_decay: float = 0.0, **settings: Any) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, **settings})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient; an L2 term of `weight_decay` is added to it first."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    gradient = p.grad.add(p, alpha=group["weight_decay"]) if group["weight_decay"] else p.grad
                    p.add_(self.way(p, gradient, group), alpha=-group["lr"])

    @abstractmethod
    def way(self, p: Tensor, gradient: Tensor, group: dict[str, Any]) -> Tensor:
        """Where to, for a learning rate of 1."""


class SoftSGD(_Descent):
    r"""Gradient descent whose coordinates are softly clipped at a gradient of 1.

    .. math:: \theta \leftarrow \theta - \alpha \sqrt{10}\, g / \sqrt{1 + g^2}

    What "plain SGD" of Bachman & Precup 2015 seems to be: the Adam of their code at the paper's deadline never kept its
    moments, so every step was its first, which is this formula (with 0.999 under the root, not 1). The learning rate is
    theirs, :math:`\alpha = 3 \cdot 10^{-4}`; small gradients move as by plain descent at :math:`3.16 \alpha`.

    >>> p = torch.nn.Parameter(torch.zeros(2)); p.grad = torch.tensor([0.0, 1e6])
    >>> SoftSGD([p], lr=0.1).step(); [round(v, 4) for v in p.tolist()]
    [0.0, -0.3162]
    """

    def way(self, p: Tensor, gradient: Tensor, group: dict[str, Any]) -> Tensor:
        """The clipped gradient."""
        return gradient.mul(10**0.5).div_(gradient.square().add_(1).sqrt_())


class SmoothedSGD(_Descent):
    r"""Gradient descent along a running mean of gradients, each tensor's clipped to a norm first.

    .. math:: m \leftarrow \mu m + (1 - \mu)\, g \min(1, c / \lVert g \rVert), \quad
        \theta \leftarrow \theta - \alpha m

    The released code of Bachman & Precup 2015 (:math:`\mu` = 0.5, c = 10). The norm is of one tensor, not of all.

    Args:
        momentum: mu.
        clip: c.

    >>> p = torch.nn.Parameter(torch.zeros(2)); p.grad = torch.tensor([300.0, 400.0])
    >>> SmoothedSGD([p], lr=0.1).step(); [round(v, 4) for v in p.tolist()]
    [-0.3, -0.4]
    """

    def __init__(self, params: Iterable[Tensor], momentum: float = 0.5, clip: float = 10.0, **settings: Any) -> None:
        super().__init__(params, momentum=momentum, clip=clip, **settings)

    def way(self, p: Tensor, gradient: Tensor, group: dict[str, Any]) -> Tensor:
        """The running mean."""
        state = self.state[p]
        if not state:
            state["mean"] = torch.zeros_like(p)
        share = (group["clip"] / gradient.norm().clamp_min(1e-12)).clamp_max(1)
        return state["mean"].lerp_(gradient * share, 1 - group["momentum"])

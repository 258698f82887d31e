"""A decoder of tokens: all steps at once where the tokens are known, step by step where they are not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn
from torch.nn import functional as F

from latune.nets.decoding import Choose, Plan, Unrolled, drawn, greedy
from latune.nets.recurrent import Recurrent, Weights


def checked(tokens: Tensor, kinds: int, steps: int, examples: int | None = None) -> Tensor:
    """Tokens as int64 `(n, steps)`.

    Raises:
        ValueError: for another shape, numbers that are not integers, or tokens outside of [0, kinds). Their values are
            looked at on a CPU only: on a GPU it would have to wait for the device.

    >>> checked(torch.tensor([[3, 0]]), kinds=3, steps=2)
    Traceback (most recent call last):
    ValueError: Tokens lie in [0, 3). Got 0 to 3.
    """
    if tokens.dim() != 2 or tokens.shape[1] != steps or examples not in (None, len(tokens)):
        wanted = ("n" if examples is None else examples, steps)
        raise ValueError(f"Tokens have the shape ({wanted[0]}, {wanted[1]}). Got {tuple(tokens.shape)}.")
    if tokens.is_floating_point() or tokens.is_complex() or tokens.dtype == torch.bool:
        raise ValueError(f"Tokens are integers. Got {tokens.dtype}.")
    if tokens.device.type == "cpu" and tokens.numel():
        low, high = (int(end) for end in tokens.aminmax())
        if low < 0 or high >= kinds:
            raise ValueError(f"Tokens lie in [0, {kinds}). Got {low} to {high}.")
    return tokens.long()


class TokenDecoder(nn.Module, ABC):
    r"""A decoder of codes into `steps` tokens of `kinds` kinds, by segments of equal length.

    .. math:: p(x|z) = \prod_t \mathrm{softmax}(W h_t + b)_{x_t}, \quad
        h_t = \mathrm{RNN}(h_{t-1}, [\mathrm{table}(x_{t-1}), \mathrm{given}_{s(t)}])

    The state starts anew in each segment, from what `plan` makes of z. Where the tokens are known, segments do not
    depend on each other: all run as one batch of `n * segments` rows. A subclass says `plan` and `table`, and gives
    itself the recurrent net `ticks` and the linear layer `out`.

    Args:
        width: columns of z.
        kinds, steps, segments: k, t, and how many segments share the steps.
        teacher_forcing: in training, the chance that a batch is fed its true tokens (one coin a batch, drawn where
            dropout's masks are, see `use_generator`); otherwise its own most likely ones.
        relu_logits: cut the logits off below 0.

    Raises:
        ValueError: segments that do not divide the steps, or a chance outside of [0, 1].
    """

    carries: ClassVar[bool] = True  # whether a segment's first step is told the token before it
    ticks: Recurrent
    out: nn.Linear

    def __init__(
        self,
        width: int,
        kinds: int,
        steps: int,
        segments: int,
        teacher_forcing: float = 1.0,
        relu_logits: bool = False,
    ) -> None:
        super().__init__()
        if kinds < 1 or segments < 1 or steps < 1 or steps % segments:
            raise ValueError(f"{steps} steps of {kinds} kinds of tokens cannot be shared by {segments} segments.")
        if not 0 <= teacher_forcing <= 1:
            raise ValueError(f"The chance of teacher forcing lies in [0, 1]. Got {teacher_forcing}.")
        self.width, self.kinds, self.steps, self.segments = width, kinds, steps, segments
        self.teacher_forcing, self.relu_logits = teacher_forcing, relu_logits

    @abstractmethod
    def plan(self, z: Float[Tensor, "n d"]) -> Plan:
        """What z says of the segments."""

    @abstractmethod
    def table(self) -> Float[Tensor, "k1 e"]:
        """The inputs that stand for previous tokens, `(kinds + 1, e)`; the last row where there is none."""

    def forward(self, z: Float[Tensor, "n d"], targets: Integer[Tensor, "n t"] | None = None) -> Float[Tensor, "n t k"]:
        """Logits of every step, fed with the true previous tokens, or with its own most likely ones without `targets`.

        With tokens of its own, they are found first, without gradients (none flow through an argmax), and all steps
        then run as one batch on them, under the same dropout masks: the logits and gradients of a loop, but faster.

        Raises:
            ValueError: z or targets of another shape, or targets that are no tokens.
        """
        plan = self._planned(z)
        masks = self.ticks.masks(len(z) * self.segments, self.steps // self.segments)
        if targets is not None:
            targets = checked(targets, self.kinds, self.steps, len(z))
        if targets is None or (self.training and not self._coin()):
            targets = self._feed(plan, greedy, masks)
        return self._logits(plan, targets, masks)

    @torch.no_grad()
    def generate(
        self,
        z: Float[Tensor, "n d"],
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        generator: torch.Generator | None = None,
    ) -> Integer[Tensor, "n t"]:
        """Tokens drawn step by step from softmax(logits / temperature), without dropout.

        Args:
            z: `(n, d)`.
            temperature: 0 takes the most likely token of each step.
            top_k: draw from that many most likely tokens only.
            generator: of the draws: `steps` uniform numbers an example, the examples one after the other.

        Raises:
            ValueError: a temperature below 0, a `top_k` below 1, or z of another shape.
        """
        if not 0 <= temperature < float("inf"):
            raise ValueError(f"A temperature is 0 or more. Got {temperature}.")
        if top_k is not None and top_k < 1:
            raise ValueError(f"top_k is 1 or more. Got {top_k}.")
        with self._still():
            plan = self._planned(z)
            if temperature == 0 or top_k == 1:
                return self._feed(plan, greedy)
            device = z.device if generator is None else generator.device
            draws = torch.rand(len(z), self.steps, generator=generator, device=device).to(z.device)
            return self._feed(plan, lambda logits, uniform: drawn(logits / temperature, uniform, top_k), draws=draws)

    @torch.no_grad()
    def beam(self, z: Float[Tensor, "n d"], width: int) -> Integer[Tensor, "n t"]:
        """The most likely tokens that a beam of `width` partial sequences finds; never less likely than greedy ones.

        Where segments do not see each other's tokens (`carries` is false), each has a beam of its own.

        Raises:
            ValueError: a width below 1, or z of another shape.
        """
        if width < 1:
            raise ValueError(f"A beam has a width of 1 or more. Got {width}.")
        with self._still():
            plan = self._planned(z)
            tokens = self._feed(plan, greedy)
            if width == 1:
                return tokens
            found = self._unrolled(plan).beam(width).view_as(tokens)
            # A beam can lose the greedy sequence on the way and end below it.
            better = self._scores(plan, found) >= self._scores(plan, tokens)  # (n, pieces)
            pick = better.repeat_interleave(self.steps // better.shape[1], dim=1)
            return torch.where(pick, found, tokens)

    @torch.no_grad()
    def score(self, z: Float[Tensor, "n d"], tokens: Integer[Tensor, "n t"]) -> Float[Tensor, " n"]:
        """Log-probability of tokens in nats, without dropout."""
        with self._still():
            return self._scores(self._planned(z), checked(tokens, self.kinds, self.steps, len(z))).sum(1)

    def _planned(self, z: Tensor) -> Plan:
        if z.dim() != 2 or z.shape[1] != self.width:
            raise ValueError(f"Codes have the shape (n, {self.width}). Got {tuple(z.shape)}.")
        return self.plan(z)

    def _coin(self) -> bool:
        """Whether this batch is fed its true tokens."""
        if self.teacher_forcing in (0, 1):
            return self.teacher_forcing == 1
        generator = self.ticks.drop.generator
        device = "cpu" if generator is None else generator.device
        # The one place that waits for a device: which of two programs runs next hangs on the coin.
        return torch.rand((), generator=generator, device=device).item() < self.teacher_forcing

    def _read(self, h: Tensor) -> Tensor:
        logits = self.out(h)
        return logits.relu() if self.relu_logits else logits

    def _logits(self, plan: Plan, tokens: Tensor, masks: list[Tensor]) -> Tensor:
        """All steps of all segments as one batch."""
        n, segments = plan.given.shape[:2]
        ticks = self.steps // segments
        before = tokens if self.carries else tokens.reshape(n * segments, ticks)
        none = before.new_full((len(before), 1), self.kinds)
        before = torch.cat([none, before[:, :-1]], dim=1).view(n * segments, ticks)
        rows = plan.folded()
        states = [state[:, :, 0] for state in rows.states]
        h, _ = self.ticks.of_tokens(before, self.table(), rows.given[:, 0], states, masks)
        return self._read(h).reshape(n, self.steps, self.kinds)

    def _scores(self, plan: Plan, tokens: Tensor) -> Tensor:
        """Log-probabilities of what is decoded on its own: `(n, 1)`, or `(n, segments)` where segments are."""
        logits = self._logits(plan, tokens, [])
        each = -F.cross_entropy(logits.transpose(1, 2).float(), tokens, reduction="none")
        return each.unflatten(1, (1 if self.carries else self.segments, -1)).sum(2)

    @torch.no_grad()
    def _unrolled(self, plan: Plan, masks: list[Tensor] | None = None) -> Unrolled:
        """The steps one by one, on what does not change over time multiplied once."""
        with torch.autocast(plan.given.device.type, enabled=False):
            table, weight = self.table(), self.out.weight.dtype
            plan = Plan(tuple(state.to(weight) for state in plan.states), plan.given.to(weight))
            weights = Weights(self.ticks, 0)
            known = table @ weights.up[: table.shape[1]]
            plan = Plan(plan.states, weights.gates(plan.given, skip=table.shape[1]))
            if not self.carries:
                plan = plan.folded()
            ticks = self.steps // self.segments
            rows = [mask.view(*plan.given.shape[:2], ticks, -1) for mask in masks or []]
            return Unrolled(self.ticks, self._read, known, plan, ticks, rows)

    def _feed(
        self, plan: Plan, choose: Choose, masks: list[Tensor] | None = None, draws: Tensor | None = None
    ) -> Tensor:
        """Choose step by step and feed what was chosen: `(n, steps)`."""
        unrolled = self._unrolled(plan, masks)
        if draws is not None and not self.carries:
            draws = draws.unflatten(1, (self.segments, -1)).flatten(0, 1)  # a row for each segment
        return unrolled.feed(choose, draws).view(len(plan.given), self.steps)

    @contextmanager
    def _still(self) -> Iterator[None]:
        """Without dropout, and in full precision."""
        loud = [module for module in self.modules() if module.training]
        self.eval()
        try:
            with torch.autocast(self.out.weight.device.type, enabled=False):
                yield
        finally:
            for module in loud:
                module.training = True

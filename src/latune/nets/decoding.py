"""How tokens are chosen step by step: greedily, drawn with a temperature from the top k, or by a beam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from latune.nets.recurrent import Cells, Recurrent

ROWS = 512  # decoded together: what a step reads and writes stays in a core's cache

Choose = Callable[[Tensor, Tensor | None], Tensor]  # (n, k) logits, and (n,) uniform draws, to (n,) tokens


class Plan(NamedTuple):
    """What a code says of its segments (beats, bars) before any token is known."""

    states: tuple[Tensor, ...]  # to start each segment from, (layers, n, segments, hidden): hidden, and cell of an LSTM
    given: Tensor  # an embedding of each segment, an input of all its steps, (n, segments, e)

    def rows(self, take: slice) -> Plan:
        """A share of the examples."""
        return Plan(tuple(state[:, take] for state in self.states), self.given[take])

    def folded(self) -> Plan:
        """Each segment an example of its own."""
        return Plan(tuple(state.flatten(1, 2)[:, :, None] for state in self.states), self.given.flatten(0, 1)[:, None])


def greedy(logits: Tensor, uniform: Tensor | None = None) -> Tensor:
    """The most likely token of each row; the first of equals."""
    return logits.argmax(1)


def drawn(logits: Tensor, uniform: Tensor | None, top_k: int | None = None) -> Tensor:
    r"""The token of each row at which the distribution function passes a uniform number.

    .. math:: x = \min \{ j : \sum_{i \le j} p_i > u \}, \quad p = \mathrm{softmax}(logits)

    One draw a row, where `torch.multinomial` takes one an entry.

    Args:
        logits: `(n, k)`.
        uniform: `(n,)`, in [0, 1).
        top_k: only that many most likely tokens can be drawn.

    >>> drawn(torch.zeros(4, 2), torch.tensor([0.0, 0.4, 0.5, 0.9]))
    tensor([0, 0, 1, 1])
    """
    if uniform is None:
        raise ValueError("A token is drawn with a uniform number for each row. Got none.")
    tokens = None
    if top_k is not None and top_k < logits.shape[1]:
        logits, tokens = logits.topk(top_k, dim=1)
    passed = logits.softmax(1).cumsum(1)  # (n, k)
    # Scaled by the sum as it was rounded, so that a token of probability 0 is never the one.
    place = torch.searchsorted(passed, (uniform * passed[:, -1])[:, None], right=True)[:, 0]
    return place if tokens is None else tokens.gather(1, place[:, None])[:, 0]


class Unrolled:
    """A recurrent net on one token after the other, of many examples together.

    Args:
        net: the recurrent layers.
        read: hidden states `(n, hidden)` to logits `(n, k)`.
        known: what each previous token adds to the first layer's gates, `(k + 1, gates)`; the last row is for none.
        plan: initial states, and what each segment adds to those gates, bias included, `(n, segments, gates)`.
        ticks: steps of a segment.
        masks: dropout's between layers, `(n, segments, ticks, hidden)` each.
    """

    def __init__(
        self,
        net: Recurrent,
        read: Callable[[Tensor], Tensor],
        known: Tensor,
        plan: Plan,
        ticks: int,
        masks: Sequence[Tensor] = (),
    ) -> None:
        self.net, self.read, self.known, self.plan, self.ticks, self.masks = net, read, known, plan, ticks, masks

    @torch.no_grad()
    def feed(self, choose: Choose, draws: Tensor | None = None) -> Tensor:
        """Choose each token and feed it to the next step: `(n, steps)`.

        Args:
            choose: `(n, k)` logits and `(n,)` draws to `(n,)` tokens.
            draws: uniform numbers, `(n, steps)`.
        """
        return self._by_shares(lambda rows: self._feed(rows, choose, draws), ROWS)

    @torch.no_grad()
    def beam(self, width: int) -> Tensor:
        """The best sequence of a beam, `(n, steps)`."""
        return self._by_shares(lambda rows: self._beam(rows, width), max(1, ROWS // width))

    def _by_shares(self, work: Callable[[slice], Tensor], share: int) -> Tensor:
        with torch.autocast(self.known.device.type, enabled=False):
            # One share at least, so that no example at all gives an empty answer of the right width.
            starts = range(0, max(1, len(self.plan.given)), share)
            return torch.cat([work(slice(start, start + share)) for start in starts])

    def _feed(self, rows: slice, choose: Choose, draws: Tensor | None) -> Tensor:
        plan = self.plan.rows(rows)
        n, segments = plan.given.shape[:2]
        tokens = torch.empty(n, segments * self.ticks, dtype=torch.int64, device=self.known.device)
        last = tokens.new_full((n,), len(self.known) - 1)
        cells = Cells(self.net)
        for segment in range(segments):
            cells.start([s[:, :, segment] for s in plan.states], [mask[rows, segment] for mask in self.masks])
            for time in range(segment * self.ticks, (segment + 1) * self.ticks):
                gates = F.embedding(last, self.known).add_(plan.given[:, segment])
                last = choose(self.read(cells.step(gates)), None if draws is None else draws[rows, time])
                tokens[:, time] = last
        return tokens

    def _beam(self, rows: slice, width: int) -> Tensor:
        plan = self.plan.rows(rows)
        n, segments = plan.given.shape[:2]
        kinds = len(self.known) - 1
        device = self.known.device
        history = torch.zeros(n, width, segments * self.ticks, dtype=torch.int64, device=device)
        last = history.new_full((n * width,), kinds)
        first = torch.arange(n, device=device)[:, None] * width  # (n, 1)
        score = self.known.new_full((n, width), float("-inf"))  # all beams begin as the same one: only one counts
        score[:, 0] = 0
        cells = Cells(self.net)
        for segment in range(segments):
            cells.start([s[:, :, segment].repeat_interleave(width, 1) for s in plan.states])
            given = plan.given[:, segment].repeat_interleave(width, 0)
            for time in range(segment * self.ticks, (segment + 1) * self.ticks):
                logits = self.read(cells.step(F.embedding(last, self.known).add_(given)))
                gain = logits.log_softmax(1).view(n, width, kinds)
                score, place = (score[:, :, None] + gain).flatten(1).topk(width, dim=1)  # (n, width), best first
                parent, token = place // kinds, place % kinds
                cells.take((first + parent).flatten())
                history = history.gather(1, parent[:, :, None].expand_as(history))
                history[:, :, time] = token
                last = token.flatten()
        return history[:, 0]

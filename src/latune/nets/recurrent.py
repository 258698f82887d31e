"""Layers of GRUs or LSTMs: whole sequences with gradients, and single steps without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from latune.nets.layers import Dropout
from latune.nets.scan import LSTMScan


class Recurrent(nn.Module):
    """GRUs or LSTMs on top of each other, with dropout between them.

    The maths, and the order of the final states, are those of `torch.nn.GRU` and `torch.nn.LSTM` with `num_layers`;
    the layers are separate so that dropout's masks come from a named generator (see `use_generator`), and so that two
    passes can share them. What runs is the fastest of what was measured: torch's layers on GPUs, in bfloat16 and for
    GRUs, and `LSTMScan` for LSTMs in full precision on a CPU.

    Args:
        kind: "gru" or "lstm".
        inputs, hidden: columns in, and of a state.
        layers: how many.
        dropout: rate between layers.
        both: read each sequence in both directions.

    Raises:
        ValueError: less than one input, unit or layer.

    >>> out, (last,) = Recurrent("gru", 3, 4, layers=2, both=True)(torch.zeros(5, 7, 3))
    >>> out.shape, last.shape
    (torch.Size([5, 7, 8]), torch.Size([4, 5, 4]))
    """

    def __init__(
        self,
        kind: Literal["gru", "lstm"],
        inputs: int,
        hidden: int,
        layers: int = 1,
        dropout: float = 0.0,
        both: bool = False,
    ) -> None:
        super().__init__()
        if min(inputs, hidden, layers) < 1:
            raise ValueError(f"A recurrent net has 1 or more inputs, units and layers. Got {inputs, hidden, layers}.")
        self.kind, self.hidden, self.directions = kind, hidden, 1 + both
        widths = [inputs] + [hidden * self.directions] * (layers - 1)
        cell = nn.LSTM if kind == "lstm" else nn.GRU
        self.layers = nn.ModuleList(cell(width, hidden, batch_first=True, bidirectional=both) for width in widths)
        self.drop = Dropout(dropout)

    def masks(self, rows: int, steps: int) -> list[Tensor]:
        """Dropout's masks for all gaps between layers, each `(rows, steps, hidden)`; none outside training."""
        if not self.training or self.drop.threshold == 0:
            return []
        like = next(self.parameters())
        one = torch.ones(rows, steps, self.hidden * self.directions, dtype=like.dtype, device=like.device)
        return [self.drop(one) for _ in range(len(self.layers) - 1)]

    def forward(
        self,
        x: Float[Tensor, "n t i"],
        states: Sequence[Tensor] | None = None,
        masks: Sequence[Tensor] | None = None,
    ) -> tuple[Float[Tensor, "n t o"], tuple[Tensor, ...]]:
        """Outputs of the last layer at every step, and the final states, `(layers * directions, n, hidden)` each.

        Args:
            x: `(n, t, inputs)`.
            states: the initial ones: (hidden,) of a GRU, (hidden, cell) of an LSTM; zeros when left out.
            masks: dropout's, of `masks`; drawn when left out.
        """
        masks = self.masks(*x.shape[:2]) if masks is None else masks
        if self._scans(x.device):
            across = x.transpose(0, 1)
            return self._scanned(lambda weights: (weights.gates(across), None, None), len(x), states, masks)
        return self._layered(x, states, masks)

    def of_tokens(
        self,
        tokens: Int[Tensor, "n t"],
        table: Float[Tensor, "k e"],
        given: Float[Tensor, "n g"] | None = None,
        states: Sequence[Tensor] | None = None,
        masks: Sequence[Tensor] | None = None,
    ) -> tuple[Float[Tensor, "n t o"], tuple[Tensor, ...]]:
        """The same of the inputs `[table[token], given]`, where `given` does not change over time.

        By `LSTMScan` the table and `given` are multiplied by the first layer's weights instead of every step's input.
        """
        masks = self.masks(*tokens.shape) if masks is None else masks
        if self._scans(tokens.device):
            turned = tokens.t().contiguous()
            return self._scanned(lambda weights: weights.looked_up(turned, table, given), len(tokens), states, masks)
        x = F.embedding(tokens, table)
        if given is not None:
            x = torch.cat([x, given[:, None].expand(-1, tokens.shape[1], -1)], dim=2)
        return self._layered(x, states, masks)

    def _scans(self, device: torch.device) -> bool:
        slow = device.type != "cpu" or torch.is_autocast_enabled("cpu") or torch.compiler.is_compiling()
        return self.kind == "lstm" and not slow

    def _layered(
        self, x: Tensor, states: Sequence[Tensor] | None, masks: Sequence[Tensor]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """By torch's own layers."""
        finals: list[tuple[Tensor, ...]] = []
        for place, layer in enumerate(self.layers):
            start = None
            if states is not None:
                rows = slice(place * self.directions, (place + 1) * self.directions)
                own = tuple(state[rows].to(x.dtype).contiguous() for state in states)
                start = own if self.kind == "lstm" else own[0]
            x, last = layer(x, start)
            finals.append(last if isinstance(last, tuple) else (last,))
            if masks and place < len(self.layers) - 1:
                x = x * masks[place]
        return x, tuple(torch.cat(each) for each in zip(*finals, strict=True))

    def _scanned(
        self,
        enter: Callable[[Weights], tuple[Tensor, Tensor | None, Tensor | None]],
        n: int,
        states: Sequence[Tensor] | None,
        masks: Sequence[Tensor],
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """By `LSTMScan`, time first; `enter` gives what it takes of the first layer's input."""
        finals: list[tuple[Tensor, Tensor]] = []
        x = torch.empty(0)
        for place in range(len(self.layers)):
            ways = []
            for way in range(self.directions):
                weights = Weights(self, place, way)
                gates, tokens, given = (weights.gates(x), None, None) if place else enter(weights)
                if states is None:
                    h, c = gates.new_zeros(2, n, self.hidden)
                else:
                    h, c = (state[len(finals)] for state in states)
                if way:
                    gates, tokens = (gates.flip(0), None) if tokens is None else (gates, tokens.flip(0))
                out, *last = LSTMScan.apply(gates, tokens, given, h, c, weights.across.t())
                finals.append((last[0], last[1]))
                ways.append(out.flip(0) if way else out)
            x = ways[0] if len(ways) == 1 else torch.cat(ways, dim=2)
            if masks and place < len(self.layers) - 1:
                x = x * masks[place].transpose(0, 1)
        return x.transpose(0, 1), tuple(torch.stack(each) for each in zip(*finals, strict=True))


class Weights:
    """Those of one layer and direction, as a product from the right wants them."""

    def __init__(self, net: Recurrent, place: int, way: int = 0) -> None:
        layer, end = net.layers[place], "_reverse" if way else ""
        self.up: Tensor = getattr(layer, f"weight_ih_l0{end}").t()  # (inputs, gates)
        self.across: Tensor = getattr(layer, f"weight_hh_l0{end}").t()  # (hidden, gates)
        # An LSTM's two biases only ever stand in one sum; a GRU's second one is scaled by its reset gate.
        self.bias: Tensor = getattr(layer, f"bias_ih_l0{end}")
        self.second: Tensor = getattr(layer, f"bias_hh_l0{end}")
        if net.kind == "lstm":
            self.bias = self.bias + self.second

    def gates(self, x: Float[Tensor, "*n i"], skip: int = 0) -> Float[Tensor, "*n g"]:
        """The input's share of the gates, biases included; of its columns after the first `skip`."""
        return F.linear(x, self.up[skip:].t(), self.bias)

    def looked_up(self, tokens: Tensor, table: Tensor, given: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
        """`gates` of `[table[token], given]` in parts: of each row of the table, the tokens, and of what is given."""
        known = table @ self.up[: table.shape[1]]
        if given is None:
            return known + self.bias, tokens, None
        return known, tokens, self.gates(given, skip=table.shape[1])


class Cells:
    """The same layers one step at a time, without gradients: states stay in their buffers.

    The first layer's input arrives as its share of the gates (`Weights.gates`), so that a token is one row of a table
    and what does not change over time is multiplied once.
    """

    def __init__(self, net: Recurrent) -> None:
        if net.directions != 1:
            raise ValueError("A net that reads in both directions has no single steps.")
        self.lstm, self.hidden = net.kind == "lstm", net.hidden
        self.weights = [Weights(net, place) for place in range(len(net.layers))]

    def start(self, states: Sequence[Tensor], masks: Sequence[Tensor] = ()) -> None:
        """Begin at these states, `(layers, n, hidden)` each, with dropout's masks `(n, steps, hidden)`."""
        self.states, self.masks, self.time = [state.clone() for state in states], masks, 0
        rows, gates = states[0].shape[1], self.weights[0].across.shape[1]
        self.buffers = [states[0].new_empty(rows, gates) for _ in range(2)]

    def take(self, rows: Tensor) -> None:
        """Keep these rows' states, in this order."""
        self.states = [state.index_select(1, rows) for state in self.states]

    def step(self, x: Tensor) -> Tensor:
        """One step of all layers: `(n, gates)`, which are overwritten, to the last layer's `(n, hidden)`."""
        h = x
        for place, weights in enumerate(self.weights):
            if place:
                h = h * self.masks[place - 1][:, self.time] if self.masks else h
                x = torch.addmm(weights.bias, h, weights.up, out=self.buffers[0])
            h = self._lstm(place, x, weights) if self.lstm else self._gru(place, x, weights)
        self.time += 1
        return h

    def _lstm(self, place: int, x: Tensor, weights: Weights) -> Tensor:
        d = self.hidden
        h, c = self.states[0][place], self.states[1][place]
        x.addmm_(h, weights.across)
        x[:, : 2 * d].sigmoid_()
        i, f, g, o = x.chunk(4, dim=1)
        c.mul_(f).addcmul_(i, g.tanh_())
        torch.tanh(c, out=h)
        return h.mul_(o.sigmoid_())

    def _gru(self, place: int, x: Tensor, weights: Weights) -> Tensor:
        d = self.hidden
        h = self.states[0][place]
        y = torch.addmm(weights.second, h, weights.across, out=self.buffers[1])
        gates = x[:, : 2 * d].add_(y[:, : 2 * d]).sigmoid_()
        new = x[:, 2 * d :].addcmul_(gates[:, :d], y[:, 2 * d :]).tanh_()
        return h.sub_(new).mul_(gates[:, d:]).add_(new)  # new + z (h - new)

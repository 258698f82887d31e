"""The nets of MelodyVAE: an LSTM that reads a whole tune, a conductor of its bars, and a decoder of each bar."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn

from latune.errors import unknown
from latune.nets.decoding import Plan
from latune.nets.layers import Heads
from latune.nets.recurrent import Recurrent
from latune.nets.token_decoder import TokenDecoder, checked


@dataclass(frozen=True)
class Sizes:
    """Units of each part."""

    reader_units: int  # a direction
    summary_units: int  # the linear layer after it
    conductor_units: int
    embedding: int  # of a bar
    bar_units: int
    layers: int = 2  # of conductor and decoder
    per_bar: bool = False  # whether each bar has a way of its own to and from z


SIZES = {
    "paper": Sizes(reader_units=2048, summary_units=1024, conductor_units=1024, embedding=512, bar_units=1024),
    # Chosen so that a step on 128 tunes stays below a second of one core (benchmarks/melody_step.py).
    "small": Sizes(64, 256, conductor_units=128, embedding=64, bar_units=96, layers=1, per_bar=True),
}


@dataclass(frozen=True)
class MelodyLSTM:
    """Encoder and decoder of 16 bars of tokens: the MelodyVAE of Engel, Hoffman & Roberts 2018, appendix.

    Source: https://arxiv.org/abs/1711.05772, after MusicVAE's hierarchical decoder (https://arxiv.org/abs/1803.05428).
    The encoder reads one-hot tokens in both directions; the last output of each leads to a linear layer and the heads.
    The decoder's conductor makes an embedding of each bar out of z (see `MelodyDecoder`).

    Ours, and on in `small`, is `per_bar`. A small LSTM's last state cannot hold 256 steps, nor can a small conductor
    spell 16 bars out of a state alone; in 3,000 updates neither learned a pitch. With it the encoder's LSTM reads each
    bar by itself, another the bars, and the linear layer sees what both say of every bar; the conductor is given a
    linear map of z for each bar, which is also added to the bar's embedding. After 400 updates of 64 folk tunes the
    tokens of held-out ones cost 360 nats with it and 461 without.

    Args:
        size: "paper", or "small" for two processor cores; the numbers below win over it.
        reader_units: of the encoder's LSTM, a direction.
        summary_units: of the linear layer after it.
        conductor_units: of the conductor.
        embedding: columns of a bar's embedding.
        bar_units: of the bars' LSTM.
        layers: of the conductor and of the bars' LSTM.
        per_bar: whether each bar has a way of its own to and from z.
        bars: of a tune; they divide its steps.
        init: standard deviation of the heads' weights at first, 0.001 as in MusicVAE's code; their biases are 0.
        forget: what the forget gates' bias is at first; 1 in MusicVAE's code.

    Raises:
        ValueError: another size, or bars that do not divide the steps.

    >>> encoder, decoder = MelodyLSTM(size="small").build((256, 130), params=64, width=32)
    >>> [sum(p.numel() for p in net.parameters()) for net in (encoder, decoder)]
    [740672, 287042]
    >>> x = torch.zeros(2, 256, dtype=torch.int64)
    >>> encoder(x).shape, decoder(torch.zeros(2, 32), x).shape
    (torch.Size([2, 64]), torch.Size([2, 256, 130]))
    """

    size: str = "paper"
    reader_units: int | None = None
    summary_units: int | None = None
    conductor_units: int | None = None
    embedding: int | None = None
    bar_units: int | None = None
    layers: int | None = None
    per_bar: bool | None = None
    bars: int = 16
    init: float = 0.001
    forget: float = 1.0

    @property
    def sizes(self) -> Sizes:
        """The named size, with this configuration's own numbers.

        >>> MelodyLSTM(size="small", embedding=32).sizes.embedding
        32
        """
        if self.size not in SIZES:
            raise ValueError(unknown("size", self.size, SIZES))
        named = vars(SIZES[self.size])
        return Sizes(**{name: n if getattr(self, name) is None else getattr(self, name) for name, n in named.items()})

    def build(self, shape: tuple[int, int], params: int, width: int) -> tuple[MelodyEncoder, MelodyDecoder]:
        """Encoder `(n, t) -> (n, params)` of tokens, and decoder `(n, width) -> (n, t, k)`; `shape` is (t, k)."""
        steps, kinds = shape
        encoder = MelodyEncoder(self.sizes, steps, kinds, params, self.bars)
        decoder = MelodyDecoder(self.sizes, steps, kinds, width, self.bars)
        for name, parameter in encoder.heads.named_parameters():
            nn.init.normal_(parameter, std=self.init if name.endswith("weight") else 0.0)
        for net in (encoder, decoder):
            for lstm in net.modules():
                if isinstance(lstm, nn.LSTM):
                    _forget(lstm, self.forget)
        return encoder, decoder


def _forget(lstm: nn.LSTM, bias: float) -> None:
    """Set the forget gates' bias; torch keeps two that are added, and has the gates i, f, g, o."""
    with torch.no_grad():
        for name, parameter in lstm.named_parameters():
            if name.startswith("bias"):
                gates = parameter.view(4, -1)
                gates[1] = bias if name.startswith("bias_ih") else 0.0


class MelodyEncoder(nn.Module):
    """Tokens `(n, t)` to means and raw scales `(n, params)`."""

    def __init__(self, sizes: Sizes, steps: int, kinds: int, params: int, bars: int) -> None:
        super().__init__()
        self.steps, self.kinds, self.bars = steps, kinds, bars if sizes.per_bar else 1
        said = 2 * sizes.reader_units
        self.read = Recurrent("lstm", kinds, sizes.reader_units, both=True)
        self.over = Recurrent("lstm", said, sizes.reader_units, both=True) if sizes.per_bar else None
        self.summary = nn.Linear(said * self.bars, sizes.summary_units)
        self.heads = Heads(sizes.summary_units, params)
        self.one_hot: Tensor
        self.register_buffer("one_hot", torch.eye(kinds), persistent=False)

    def forward(self, x: Integer[Tensor, "n t"]) -> Float[Tensor, "n p"]:
        """`(n, t)` tokens to `(n, params)`.

        Raises:
            ValueError: for another shape, or tokens outside of [0, kinds).
        """
        x = checked(x, self.kinds, self.steps)
        _, (hidden, _) = self.read.of_tokens(x.unflatten(1, (self.bars, -1)).flatten(0, 1), self.one_hot)
        said = hidden.transpose(0, 1).flatten(1).unflatten(0, (len(x), self.bars))  # (n, bars, both ways)
        if self.over is not None:
            said = said + self.over(said)[0]
        return self.heads(self.summary(said.flatten(1)))


class MelodyDecoder(TokenDecoder):
    r"""A conductor of the bars, and an LSTM within each bar.

    .. math:: s_0 = W z, \quad c_1, \ldots, c_{16} = \mathrm{LSTM}(0, \ldots, 0), \quad e_i = V c_i, \quad
        r_{i,0} = U e_i, \quad o_t = \mathrm{LSTM}([\mathrm{onehot}(x_{t-1}), e_i])

    Engel et al. 2018, appendix. The first step of each bar sees zeros for the token before, as MusicVAE's hierarchical
    decoder begins every bar, so that given z no bar depends on another: all bars are one batch, in training and when
    tokens are chosen. With `per_bar` the conductor's inputs are :math:`W_i z` instead of zeros, and
    :math:`e_i = V c_i + W_i z`.
    """

    carries = False

    def __init__(self, sizes: Sizes, steps: int, kinds: int, width: int, bars: int) -> None:
        super().__init__(width, kinds, steps, bars)
        self.layers = sizes.layers
        self.start = nn.Linear(width, 2 * sizes.layers * sizes.conductor_units)
        self.own = nn.Linear(width, bars * sizes.embedding) if sizes.per_bar else None
        inputs = sizes.embedding if sizes.per_bar else 1
        self.conductor = Recurrent("lstm", inputs, sizes.conductor_units, sizes.layers)
        self.bar_embed = nn.Linear(sizes.conductor_units, sizes.embedding)
        self.bar_start = nn.Linear(sizes.embedding, 2 * sizes.layers * sizes.bar_units)
        self.ticks = Recurrent("lstm", kinds + sizes.embedding, sizes.bar_units, sizes.layers)
        self.out = nn.Linear(sizes.bar_units, kinds)
        if self.own is None:  # the conductor's input is always zero: its weights are no parameters to learn
            self.conductor.layers[0].weight_ih_l0.requires_grad_(False)
        one_hot = torch.cat([torch.eye(kinds), torch.zeros(1, kinds)])
        self.one_hot: Tensor
        self.register_buffer("one_hot", one_hot, persistent=False)

    def plan(self, z: Float[Tensor, "n d"]) -> Plan:
        """The initial states, and an embedding, of each bar."""
        first = self.start(z).unflatten(1, (2, self.layers, -1)).permute(1, 2, 0, 3)  # (2, layers, n, conductor)
        own = (
            z.new_zeros(len(z), self.segments, 1) if self.own is None else self.own(z).unflatten(1, (self.segments, -1))
        )
        conducted, _ = self.conductor(own, list(first))
        bars = self.bar_embed(conducted)  # (n, bars, embedding)
        bars = bars if self.own is None else bars + own
        states = self.bar_start(bars).unflatten(2, (2, self.layers, -1)).permute(2, 3, 0, 1, 4)
        return Plan((states[0], states[1]), bars)

    def table(self) -> Float[Tensor, "k1 e"]:
        """One-hot rows, and zeros where there is no token before."""
        return self.one_hot

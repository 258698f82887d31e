"""The nets of MeasureVAE: GRUs over the ticks of one measure, the decoder's by beats."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn

from latune.nets.decoding import Plan
from latune.nets.layers import xavier_normal
from latune.nets.recurrent import Recurrent
from latune.nets.token_decoder import TokenDecoder, checked


@dataclass(frozen=True)
class MeasureGRU:
    """Encoder and decoder of one measure of tokens: MeasureVAE of Pati & Lerch 2020, appendix.

    Source: https://arxiv.org/abs/2004.05485, sizes of the paper and its released code. The encoder embeds the tokens
    and reads them in both directions with two layers of GRUs; all their final states lead to two heads of their own
    hidden layer. The decoder unrolls z over the beats, and each beat over its ticks (see `MeasureDecoder`).

    Args:
        embedding: columns of a token's embedding; encoder and decoder have one each.
        hidden: units of every GRU.
        layers: of every GRU.
        dropout: rate between layers.
        beats: of a measure; they divide its ticks.
        teacher_forcing: in training, the chance that a batch is fed its true tokens.
        relu_logits: cut the logits off below 0, as the released code does; the paper does not speak of it.

    Raises:
        ValueError: beats that do not divide the ticks, or no size.

    >>> encoder, decoder = MeasureGRU().build((24, 50), params=64, width=32)
    >>> [sum(p.numel() for p in net.parameters()) for net in (encoder, decoder)]
    [683572, 416305]
    >>> x = torch.zeros(2, 24, dtype=torch.int64)
    >>> encoder(x).shape, decoder(torch.zeros(2, 32), x).shape
    (torch.Size([2, 64]), torch.Size([2, 24, 50]))
    """

    embedding: int = 10
    hidden: int = 128
    layers: int = 2
    dropout: float = 0.5
    beats: int = 4
    teacher_forcing: float = 0.5
    relu_logits: bool = False

    def build(self, shape: tuple[int, int], params: int, width: int) -> tuple[MeasureEncoder, MeasureDecoder]:
        """Encoder `(n, t) -> (n, params)` of tokens, and decoder `(n, width) -> (n, t, k)`; `shape` is (t, k)."""
        ticks, kinds = shape
        nets = MeasureEncoder(self, ticks, kinds, params), MeasureDecoder(self, ticks, kinds, width)
        for net in nets:
            xavier_normal(net)  # embeddings and GRUs too
        return nets


class MeasureEncoder(nn.Module):
    """Tokens `(n, t)` to means and raw scales `(n, params)`."""

    def __init__(self, config: MeasureGRU, ticks: int, kinds: int, params: int) -> None:
        super().__init__()
        if params % 2:
            raise ValueError(f"{params} outputs cannot be shared by 2 heads.")
        self.ticks, self.kinds = ticks, kinds
        self.embed = nn.Embedding(kinds, config.embedding)
        self.read = Recurrent("gru", config.embedding, config.hidden, config.layers, config.dropout, both=True)
        between = 2 * config.hidden
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Linear(2 * config.layers * config.hidden, between), nn.SELU(), nn.Linear(between, params // 2)
            )
            for _ in range(2)
        )

    def forward(self, x: Integer[Tensor, "n t"]) -> Float[Tensor, "n p"]:
        """`(n, t)` tokens to `(n, params)`.

        Raises:
            ValueError: for another shape, or tokens outside of [0, kinds).
        """
        x = checked(x, self.kinds, self.ticks)
        _, (last,) = self.read.of_tokens(x, self.embed.weight)  # (2 layers, n, hidden)
        seen = last.transpose(0, 1).flatten(1)
        return torch.cat([head(seen) for head in self.heads], dim=1)


class MeasureDecoder(TokenDecoder):
    r"""A GRU over beats, and one over the ticks of each beat.

    .. math:: h^{beat}_0 = \mathrm{selu}(W z), \quad b_1, \ldots = \mathrm{GRU}(b_0, \ldots, b_0), \quad
        h^{tick}_0 = \mathrm{selu}(U b_i), \quad e_i = \mathrm{selu}(V b_i), \quad
        o_t = \mathrm{GRU}([\mathrm{embed}(x_{t-1}), e_i])

    b0 is one learned number, at first 0; so is the embedding before the first token. The token before carries on from
    beat to beat, the state does not.
    """

    def __init__(self, config: MeasureGRU, ticks: int, kinds: int, width: int) -> None:
        super().__init__(width, kinds, ticks, config.beats, config.teacher_forcing, config.relu_logits)
        hidden, layers = config.hidden, config.layers
        self.layers = layers
        self.start = nn.Sequential(nn.Linear(width, layers * hidden), nn.SELU())
        self.beat0 = nn.Parameter(torch.zeros(1))
        self.beats = Recurrent("gru", 1, hidden, layers, config.dropout)
        self.tick_start = nn.Sequential(nn.Linear(hidden, layers * hidden), nn.SELU())
        self.beat_embed = nn.Sequential(nn.Linear(hidden, hidden), nn.SELU())
        self.embed = nn.Embedding(kinds, config.embedding)
        self.token0 = nn.Parameter(torch.zeros(1, config.embedding))
        self.ticks = Recurrent("gru", config.embedding + hidden, hidden, layers, config.dropout)
        self.out = nn.Linear(hidden, kinds)

    def plan(self, z: Float[Tensor, "n d"]) -> Plan:
        """The ticks' initial state, and an embedding, of each beat."""
        first = self.start(z).unflatten(1, (self.layers, -1)).transpose(0, 1)  # (layers, n, hidden)
        beats, _ = self.beats(self.beat0.expand(len(z), self.segments, 1), [first])  # (n, beats, hidden)
        states = self.tick_start(beats).unflatten(2, (self.layers, -1)).permute(2, 0, 1, 3)
        return Plan((states,), self.beat_embed(beats))

    def table(self) -> Float[Tensor, "k1 e"]:
        """The tokens' embeddings, and what stands before the first."""
        return torch.cat([self.embed.weight, self.token0])

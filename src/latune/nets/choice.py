"""How tokens are chosen from a decoder's logits, as one setting that can be handed on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from latune.errors import DataError
from latune.nets.token_decoder import TokenDecoder


@dataclass(frozen=True)
class Decoding:
    """The way from logits to tokens: the likeliest one each time, a draw, or the likeliest sequence that a beam finds.

    Args:
        temperature: 0 takes the likeliest token; 1 draws as the model says; less is safer, more is wilder. Where None,
            1 with `top_k`, else 0.
        top_k: of how many likeliest tokens is drawn; None for all.
        beam: how many sequences are kept side by side, instead of drawing; None for no beam.

    Raises:
        DataError: numbers that cannot be, or a beam that would draw.

    >>> Decoding(temperature=0.8, top_k=5)
    Decoding(temperature=0.8, top_k=5, beam=None)
    >>> Decoding(top_k=5).temperature, Decoding().temperature
    (1.0, 0.0)
    """

    temperature: float | None = None
    top_k: int | None = None
    beam: int | None = None

    def __post_init__(self) -> None:
        if self.temperature is None:
            object.__setattr__(self, "temperature", 0.0 if self.top_k is None else 1.0)
        if not 0 <= self.chance < float("inf"):
            raise DataError(f"A temperature is 0 or more. Got {self.temperature!r}.")
        for name, value in (("top_k", self.top_k), ("beam", self.beam)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise DataError(f"{name} is a whole number, 1 or more. Got {value!r}.")
        if self.beam is not None and (self.chance > 0 or self.top_k is not None):
            raise DataError("A beam looks for the likeliest melody: it goes without temperature and top_k.")
        if self.top_k is not None and self.top_k > 1 and not self.chance:
            raise DataError("top_k tokens are drawn from; a temperature of 0 draws none. Leave one of them out.")

    @property
    def chance(self) -> float:
        """The temperature, as a number."""
        return self.temperature or 0.0

    def tokens(
        self, decoder: TokenDecoder, z: Float[Tensor, "n d"], generator: torch.Generator | None = None
    ) -> Int64[Tensor, "n t"]:
        """The tokens of codes."""
        if self.beam is not None:
            return decoder.beam(z, self.beam)
        return decoder.generate(z, temperature=self.chance, top_k=self.top_k, generator=generator)


GREEDY = Decoding()

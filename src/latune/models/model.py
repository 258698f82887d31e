"""What every model is: named coordinates, two networks, a game to train them by, and a way to data and back."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from latune.codes import Codes, Gaussian
from latune.nets import TokenDecoder
from latune.terms import Likelihood
from latune.training import Game, Optimiser, Ramp, Remark


class Model(nn.Module, ABC):
    """Coordinates, an encoder and a decoder; what a paper adds stands in its own file.

    A subclass says `posterior`, `decode`, `game` and `validation`, and names its coordinates in `name_codes`.
    """

    attributes: Sequence[str] = ()
    needs_attributes: ClassVar[bool] = False
    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    encodes: bool = True  # whether there is a way from data to codes
    tells_all: ClassVar[bool] = True  # whether that way tells all of a code: a GAN's recogniser knows no noise
    least_latent: ClassVar[int] = 1
    melodies: ClassVar[bool] = False  # whether it learns tokens of melodies as well as images
    likelihood: Likelihood | None  # of data given a code; a GAN has none
    codes: Codes
    encoder: nn.Module
    decoder: nn.Module
    precision: Literal["fp32", "bf16"] = "fp32"

    @staticmethod
    @abstractmethod
    def name_codes(latent: int, attributes: Sequence[str] = (), **settings: Any) -> Codes:
        """The coordinates of a latent space of `latent` dimensions."""

    @staticmethod
    def columns(codes: Codes) -> int:
        """How many columns the encoder gives."""
        return codes.params

    def cast(self, device: torch.device) -> AbstractContextManager[Any]:
        """Run nets in the chosen precision; what leaves them is turned back to fp32."""
        return torch.autocast(device.type, dtype=torch.bfloat16) if self.precision == "bf16" else nullcontext()

    @abstractmethod
    def posterior(self, x: Shaped[Tensor, "n *shape"]) -> Gaussian:
        """What images in [0, 1], or tokens, tell of the coordinates: mean and scale, each `(n, d)`."""

    def raw(self, z: Float[Tensor, "n d"], x: Tensor | None = None) -> Tensor:
        """The decoder's raw output; one that makes tokens in turn is told those of `x` that came before each."""
        with self.cast(z.device):
            raw = self.decoder(z) if x is None or not isinstance(self.decoder, TokenDecoder) else self.decoder(z, x)
        return raw.float()

    @abstractmethod
    def decode(self, z: Float[Tensor, "n d"]) -> Tensor:
        """The expected image at z, in [0, 1]; or the tokens that are most likely, each after those before it."""

    @abstractmethod
    def game(self, optimiser: Optimiser, generator: torch.Generator | None = None) -> Game:
        """Who plays, and what each minimises."""

    @abstractmethod
    def validation(self, x: Shaped[Tensor, "n *shape"], generator: torch.Generator) -> dict[str, float]:
        """What the log says of images that are not trained on."""

    def remarks(self, numbers: Mapping[str, float], step: int = sys.maxsize) -> list[Remark]:
        """What goes wrong by the numbers of a validation after `step` updates; the log and the screen show it."""
        return []

    def begins(self, ramp: str) -> int:
        """The update that the ramp of a setting begins at."""
        return 0

    def doubts(self, updates: int, start: bool = False) -> list[str]:
        """What a training of so many updates will hardly be meant to do, a plain sentence each; `start`: it goes on."""
        said = []
        for name, ramp in vars(self).items():
            if isinstance(ramp, Ramp):
                there, end = ramp(max(updates - self.begins(name), 0)), ramp(sys.maxsize)
                if there != end:
                    said.append(
                        f"{name} is on its way to {end:g}, and {there:g} where this training ends at {updates:,}. "
                        f"Set model.{name}."
                    )
        return said

    def settle(self, images: Iterable[Tensor], generator: torch.Generator) -> None:
        """What is left to do once training has ended, with images of the training split at hand."""

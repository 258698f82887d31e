"""A model that was trained elsewhere, with the face of ours: functions that encode and decode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from latune.codes import Codes, Gaussian, Normal
from latune.data import Dataset, spread
from latune.errors import DataError
from latune.imports import raised
from latune.models.vae import VAE
from latune.pictures import as_pixels
from latune.terms import Bernoulli

SHARE = 0.1  # of the codes' spread: the scale of a posterior where the encoder tells none
TRIED = 8  # codes that are decoded when a model is wrapped
LOOKED_AT = 1000  # images that tell the spread of codes
EPS = 1e-6  # nearest that an image comes to 0 and 1 where its logit is asked for


class Wrapped(VAE):
    """A model that was trained elsewhere. Its modules are put into evaluation mode and otherwise left as they are.

    Where the encoder tells a mean and no scale, the scale of the posterior is a tenth of the spread of the codes of
    `data`, or of the prior without data: it is what distances in the latent space are measured by. Its likelihood is
    read as Bernoulli, the decoder's images being the probabilities.

    Args:
        decoder, encoder: functions; see `latune.Space.wrap`.
        codes: its coordinates.
        modules: all modules that the functions use.
        shape: (c, h, w) of an image.
    """

    behaviour: Tensor
    scale_of_codes: Tensor

    def __init__(
        self,
        decoder: Callable[[Tensor], Any],
        encoder: Callable[[Tensor], Any] | None,
        codes: Codes,
        modules: list[nn.Module],
        shape: tuple[int, int, int],
    ) -> None:
        nn.Module.__init__(self)
        self.modules_of_it = nn.ModuleList(modules)
        self._functions = (decoder, encoder)
        self.codes, self.shape, self.likelihood = codes, shape, Bernoulli()
        self.encodes, self.precision, self.beta = encoder is not None, "fp32", 1.0
        self.capacity = self.free_bits = 0.0
        device = next((p.device for p in self.parameters()), torch.device("cpu"))
        # Where there is no module to tell models apart by, this is: a few numbers of what it does.
        self.register_buffer("behaviour", torch.zeros(2, TRIED, device=device))
        self.register_buffer("scale_of_codes", torch.full((codes.width,), SHARE, device=device))

    @classmethod
    def of(
        cls,
        decode: Any,
        encode: Any,
        codes: Codes | int | None,
        model: nn.Module | None,
        data: Any,
    ) -> Wrapped:
        """Wrap two functions, and try them.

        Raises:
            DataError: functions that raise, or that give something of another shape or range.
        """
        for what, function in (("decode", decode), ("encode", encode)):
            if not callable(function) and not (what == "encode" and function is None):
                raise DataError(f"{what} is a function or a module. Got a {type(function).__name__}.")
        modules = [model] if model is not None else _modules(decode, encode)
        for module in modules:
            module.eval()
        x = None if data is None else _images(data)
        device = next((p.device for module in modules for p in module.parameters()), torch.device("cpu"))
        if codes is None:
            if encode is None or x is None:
                raise DataError("Say how many coordinates the model has: codes=16, or codes=latune.Codes(...).")
            codes = _mean_and_scale(_ask("encode", encode, x[:2].to(device)))[0].shape[1]
        if isinstance(codes, int):
            codes = Codes(z=Normal(codes))
        z = codes.sample(TRIED, torch.Generator().manual_seed(0)).to(device)
        shape = tuple(_decoded(decode, z).shape[1:])
        if x is not None and tuple(x.shape[1:]) != shape:
            raise DataError(f"decode gives images of shape {shape}; the data have {tuple(x.shape[1:])}.")
        wrapped = cls(decode, encode, codes, modules, (shape[0], shape[1], shape[2])).eval()
        wrapped._look(z, x)
        return wrapped

    @torch.no_grad()
    def _look(self, z: Tensor, x: Tensor | None) -> None:
        """How far apart codes lie, and what the model does where nothing else tells it apart."""
        images = self.decode(z)
        if not len(self.modules_of_it):
            flat = images.flatten(1)
            # Rounded, so that another machine's last digits make no other model of it.
            self.behaviour = torch.stack([flat.mean(1), flat.std(1)]).mul(1000).round()
        if not self.encodes:
            return
        parts = [self.posterior(part).mean for part in (images if x is None else x.to(z.device)).split(256)]
        if x is not None:
            self.scale_of_codes = SHARE * torch.cat(parts).std(0)

    def posterior(self, x: Shaped[Tensor, "n *shape"]) -> Gaussian:
        """q(z|x) of images in [0, 1]."""
        encode = self._functions[1]
        if encode is None:
            raise DataError("This model has no encoder: it makes images, and cannot edit those that are given.")
        mean, scale = _mean_and_scale(_ask("encode", encode, x))
        if mean.shape != (len(x), self.codes.width):
            raise DataError(
                f"encode turns {len(x)} images into {tuple(mean.shape)}; codes are (n, {self.codes.width})."
            )
        scale = self.scale_of_codes.expand_as(mean) if scale is None else scale
        return Gaussian(mean.float(), scale.float().contiguous())

    def decode(self, z: Float[Tensor, "n d"]) -> Tensor:
        """The images at z, in [0, 1]."""
        return _decoded(self._functions[0], z)

    def raw(self, z: Float[Tensor, "n d"], x: Tensor | None = None) -> Tensor:
        """The logits of the images at z."""
        return torch.logit(self.decode(z), eps=EPS)


def _modules(*functions: Any) -> list[nn.Module]:
    """The modules among functions, or that they are methods of, each once."""
    owners = [each if isinstance(each, nn.Module) else getattr(each, "__self__", None) for each in functions]
    return list(dict.fromkeys(owner for owner in owners if isinstance(owner, nn.Module)))


def _images(data: Any) -> Tensor:
    if isinstance(data, Dataset):
        return data.images(spread(data.splits["training"], LOOKED_AT))
    return torch.from_numpy(as_pixels(data)[:LOOKED_AT]).float() / 255


def _ask(what: str, function: Callable[[Tensor], Any], given: Tensor) -> Any:
    try:
        with torch.no_grad():
            return function(given)
    except Exception as error:
        raise DataError(f"{what} raised {raised(error)} for a tensor of shape {tuple(given.shape)}.") from error


def _part(answer: Any, name: str) -> Any:
    """A named part of an answer: of a mapping or an object with attributes."""
    return answer.get(name) if isinstance(answer, Mapping) else getattr(answer, name, None)


def _mean_and_scale(answer: Any) -> tuple[Tensor, Tensor | None]:
    """Mean and scale of codes, however an encoder tells them."""
    if isinstance(answer, Gaussian):
        return answer.mean, answer.scale
    if isinstance(answer, Tensor):
        return _codes(answer), None
    mean = _part(answer, "embedding")
    if isinstance(mean, Tensor):
        spread = _part(answer, "log_covariance")
        return _codes(mean), None if spread is None else (0.5 * spread).exp()
    if isinstance(answer, tuple) and len(answer) == 2 and all(isinstance(each, Tensor) for each in answer):
        if answer[0].shape != answer[1].shape or not bool((answer[1] >= 0).all()):
            raise DataError("encode gives a mean and a scale of one shape, the scale 0 or more (no logarithm).")
        return _codes(answer[0]), answer[1]
    raise DataError(
        f"encode gives codes (n, d), their mean and scale, or something with an embedding. Got {type(answer).__name__}."
    )


def _codes(mean: Tensor) -> Tensor:
    if mean.dim() != 2:
        raise DataError(f"Codes have shape (n, d). encode gives {tuple(mean.shape)}.")
    return mean


def _decoded(function: Callable[[Tensor], Any], z: Tensor) -> Tensor:
    answer = _ask("decode", function, z)
    x = answer if isinstance(answer, Tensor) else _part(answer, "reconstruction")
    if not isinstance(x, Tensor):
        raise DataError(f"decode gives images, or something with a reconstruction. Got {type(answer).__name__}.")
    if x.dim() != 4 or len(x) != len(z) or x.shape[1] not in (1, 3):
        raise DataError(f"decode turns {tuple(z.shape)} into {tuple(x.shape)}; images are (n, 1 or 3, h, w).")
    low, high = x.aminmax() if x.numel() else (x.new_zeros(()), x.new_ones(()))
    if not (low >= -EPS and high <= 1 + EPS):
        raise DataError(f"decode gives images from {low:g} to {high:g}; they lie in [0, 1], as after a sigmoid.")
    return x.float().clamp(0, 1)

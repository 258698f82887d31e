"""Holding a part of a picture: masks, and the move that puts the held part back after every step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from latune.errors import DataError
from latune.moves import Move


@dataclass(frozen=True)
class Clamp(Move):
    r"""Put a held part back.

    .. math:: x' = (1 - m) \odot x + m \odot x_{fixed}

    Bachman & Precup 2015's partially controlled chains (https://proceedings.mlr.press/v37/bachman15.html). What is held
    wholly comes back bit for bit.

    Args:
        mask: m in [0, 1], `(1 or n, 1 or c, h, w)`: 1 is held, 0 is free.
        fixed: the picture that is held, `(1 or n, c, h, w)`.

    >>> hold = Clamp(torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[[0.25, 0.5]]]]))
    >>> hold(torch.ones(1, 1, 1, 2))
    tensor([[[[0.2500, 1.0000]]]])
    """

    mask: Tensor
    fixed: Tensor

    def __call__(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The images with the held part put back."""
        return (1 - self.mask) * x + self.mask * self.fixed


def as_mask(mask: Any, shape: tuple[int, int, int], n: int, device: Any = "cpu") -> Float[Tensor, "b k h w"]:
    """A mask as a tensor that fits `n` images of a shape.

    Args:
        mask: `(h, w)`, `(1 or c, h, w)`, `(n, h, w)` or `(1 or n, 1 or c, h, w)`, the channels last where they fit
            there alone: booleans, or numbers from 0 (free) to 1 (held); or the path of a picture of the images' size,
            white where they are held.
        shape: (c, h, w) of the images.
        n: how many images.
        device: where to put it.

    Raises:
        DataError: a mask of another shape, or values outside [0, 1].

    >>> as_mask(np.array([[True, False]]), (3, 1, 2), n=4)
    tensor([[[[1., 0.]]]])
    """
    if isinstance(mask, str | Path):
        mask = _picture(mask, shape)
    try:
        m = torch.as_tensor(np.asarray(mask) if not isinstance(mask, Tensor) else mask)
    except (TypeError, ValueError) as error:
        raise DataError(f"A mask is an array of numbers, or the path of a picture. Got {mask!r}: {error}") from None
    if m.is_complex() or not (m.is_floating_point() or m.dtype == torch.bool or not m.numel() or int(m.max()) <= 1):
        bytes_ = " Divide by 255." if m.dtype == torch.uint8 else ""
        raise DataError(
            f"A mask holds booleans, or numbers from 0 (free) to 1 (held). Got {m.dtype} up to {m.max()}.{bytes_}"
        )
    m = m.as_subclass(Tensor).detach().to(device, torch.float32)
    c, *sides = shape
    got = tuple(m.shape)
    if list(m.shape[-2:]) != sides and list(m.shape[-3:-1]) == sides:
        m = m.movedim(-1, -3)
    if m.dim() == 3 and len(m) == n and len(m) not in (1, c):
        m = m[:, None]
    m = m.reshape((1,) * max(4 - m.dim(), 0) + m.shape)
    if m.dim() != 4 or list(m.shape[2:]) != sides or m.shape[1] not in (1, c) or m.shape[0] not in (1, n):
        fits = [tuple(sides), (1, *sides), shape, (n, *sides), (n, 1, *sides), (n, *shape)]
        raise DataError(
            "A mask of these images, its channels first or last, has shape "
            f"{' or '.join(map(str, dict.fromkeys(fits)))}. Got {got}."
        )
    if not bool(((m >= 0) & (m <= 1)).all()):  # NaN fails too
        raise DataError(f"A mask lies in [0, 1]: 0 is free, 1 is held. Got {m.min():g} to {m.max():g}.")
    return m  # (1 or n, 1 or c, h, w)


def _picture(path: str | Path, shape: tuple[int, int, int]) -> np.ndarray:
    """A mask that was drawn: white is held. It is never scaled: a mask of another size is meant for other images."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("L"), dtype=np.float32) / 255
    except FileNotFoundError:
        raise DataError(f"There is no mask at {path}.") from None
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a mask: {error}") from None
    if pixels.shape != shape[1:]:
        raise DataError(
            f"A mask has the size of the model's images, {shape[1]} x {shape[2]} (height x width). {path} has "
            f"{pixels.shape[0]} x {pixels.shape[1]}."
        )
    return pixels


def window(shape: tuple[int, int, int], rows: tuple[int, int], columns: tuple[int, int]) -> Float[Tensor, "1 1 h w"]:
    """A mask with one free rectangle, from the first row and column to before the last.

    >>> window((1, 3, 4), (1, 3), (0, 2))[0, 0].int().tolist()
    [[1, 1, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]]

    Raises:
        DataError: a rectangle that is empty or reaches out of the image.
    """
    mask = torch.ones(1, 1, *shape[1:])
    for (first, last), side, what in ((rows, shape[1], "rows"), (columns, shape[2], "columns")):
        if not 0 <= first < last <= side:
            raise DataError(
                f"The free {what} lie within 0 and {side}, the first before the last. Got {first} to {last}."
            )
    mask[..., rows[0] : rows[1], columns[0] : columns[1]] = 0
    return mask

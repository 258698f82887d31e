"""Images that a Space makes: tensors that show themselves in a notebook and save themselves."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from latune.errors import DataError
from latune.files import whole

EDGE = 4  # most pixels between two images of a sheet
SHOWN = 80  # images smaller than this are enlarged by a whole factor when shown
SHAPES = "[n, h, w], [n, h, w, c] or [n, c, h, w] with c = 1 or 3"
TINY = 12  # images up to this side are enlarged smoothly


class Images(Tensor):
    """A tensor `(n, c, h, w)` or `(n, k, c, h, w)` of images in [0, 1] that can be seen.

    It is an ordinary tensor in every computation. The last three axes are one image; what comes before is laid out as a
    sheet, `(n, k)` as rows and columns.

    >>> images = Images.of(torch.zeros(6, 1, 8, 8))
    >>> images.sheet(columns=3).shape
    (17, 26, 3)
    >>> images[0]
    Images(1, 8, 8)
    """

    @staticmethod
    def of(tensor: Tensor) -> Images:
        """See a tensor as images."""
        if tensor.dim() < 4 or tensor.shape[-3] not in (1, 3):
            raise DataError(
                f"Images have shape (..., 1 or 3, h, w) with at least one axis in front. Got {tuple(tensor.shape)}."
            )
        return tensor.detach().as_subclass(Images)

    def plain(self) -> Tensor:
        """The same numbers as a plain tensor."""
        return self.as_subclass(Tensor)

    def sheet(self, columns: int | None = None, factor: int = 1) -> np.ndarray:
        """All images side by side, uint8 `(height, width, 3)`, each enlarged by a whole factor."""
        x = self.plain().detach()
        x = x if x.dim() > 3 else x[None]
        if columns is None:
            columns = x.shape[-4] if x.dim() > 4 else min(len(x), 16) or 1
        x = x.reshape(-1, *x.shape[-3:])
        if len(x) == 0:
            raise DataError("There are no images to show.")
        pixels = enlarged(x, factor)
        h, w, gap, rows = *pixels.shape[1:3], min(factor, EDGE), -(-len(x) // columns)
        canvas = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, 3), 255, dtype=np.uint8)
        for i, image in enumerate(pixels):
            top, left = (i // columns) * (h + gap), (i % columns) * (w + gap)
            canvas[top : top + h, left : left + w] = image
        return canvas

    def png(self, columns: int | None = None) -> bytes:
        """The sheet as a PNG file, small images enlarged."""
        from PIL import Image

        buffer = io.BytesIO()
        factor = max(1, round(SHOWN / max(self.shape[-2:])))
        Image.fromarray(self.sheet(columns, factor)).save(buffer, "PNG", optimize=True)
        return buffer.getvalue()

    def save(self, path: Path | str, columns: int | None = None) -> Path:
        """Write the sheet as a PNG file, whole or not at all."""
        with whole(path) as temporary:
            temporary.write_bytes(self.png(columns))
        return Path(path)

    def _repr_png_(self) -> bytes | None:
        return self.png() if self._is_seen() else None

    def _is_seen(self) -> bool:
        return self.dim() >= 3 and self.shape[-3] in (1, 3) and self.numel() > 0

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        # What was computed from images (a mean, say) is a number to be read, not a picture.
        return f"Images{tuple(self.shape)}" if self._is_seen() else repr(self.plain())


def is_tiny(height: int, width: int) -> bool:
    """Whether images are so small that the eye sees their strokes only when they are enlarged smoothly."""
    return max(height, width) <= TINY


def enlarged(x: Tensor, factor: int) -> np.ndarray:
    """Images `(n, c, h, w)` in [0, 1] as uint8 `(n, factor h, factor w, 3)`: tiny ones smoothly, others pixel by pixel.

    >>> enlarged(torch.ones(2, 1, 4, 6), 3).shape
    (2, 12, 18, 3)
    """
    from PIL import Image

    x = x.detach().float().cpu().clamp(0, 1)
    n, _, h, w = x.shape
    pixels = (x.expand(n, 3, h, w) * 255).round().byte().permute(0, 2, 3, 1).numpy()  # (n, h, w, 3)
    if factor == 1 or n == 0 or not is_tiny(h, w):
        return pixels.repeat(factor, axis=1).repeat(factor, axis=2)
    size = (w * factor, h * factor)
    return np.stack([np.asarray(Image.fromarray(each).resize(size, Image.Resampling.BICUBIC)) for each in pixels])


def read_image(path: Path | str, shape: tuple[int, int, int]) -> Tensor:
    """An image file as `(1, c, h, w)` in [0, 1], scaled and cropped to a model's shape.

    Raises:
        DataError: when the file is missing or is not an image.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    colours, height, width = shape
    try:
        with Image.open(path) as image:
            fitted = ImageOps.fit(
                image.convert("L" if colours == 1 else "RGB"), (width, height), Image.Resampling.BICUBIC
            )
            pixels = torch.from_numpy(np.array(fitted, dtype=np.float32) / 255)
    except FileNotFoundError:
        raise DataError(f"There is no image at {path}.") from None
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as an image: {error}") from None
    return (pixels[None] if colours == 1 else pixels.permute(2, 0, 1))[None]


def as_pixels(images: Any) -> UInt8[np.ndarray, "n c h w"]:
    """Images of any allowed shape and type as uint8 `[n, c, h, w]`.

    >>> as_pixels(torch.ones(2, 5, 4)).shape
    (2, 1, 5, 4)
    """
    array = plain_array(images)
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim == 4 and array.shape[1] not in (1, 3) and array.shape[3] in (1, 3):
        array = array.transpose(0, 3, 1, 2)
    if array.ndim != 4 or array.shape[1] not in (1, 3) or 0 in array.shape:
        raise DataError(f"The images have shape {list(np.shape(images))}. Allowed: {SHAPES}.")
    if array.dtype == np.bool_:
        return np.ascontiguousarray(array.astype(np.uint8) * 255)
    if array.dtype == np.uint8:
        return np.array(array, order="C")  # a copy: a later change of the user's array must not change the data
    if array.dtype.kind != "f":
        raise DataError(
            f"The images are {array.dtype}. Allowed: uint8 (0 to 255), floats in [0, 1], or truth values; "
            "for whole numbers up to 255 use images.astype('uint8')."
        )
    flat = array.reshape(len(array), -1)
    bad = np.flatnonzero(~np.isfinite(flat).all(axis=1))
    if len(bad):
        raise DataError(f"{len(bad):,} of {len(array):,} images hold NaN or infinity; the first is image {bad[0]}.")
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 1:
        hint = " Divide by 255, or give uint8." if low >= 0 and 1 < high <= 255 else ""
        raise DataError(f"The images run from {low:g} to {high:g}; floats must lie in [0, 1].{hint}")
    return np.ascontiguousarray(np.round(array * 255).astype(np.uint8))


def plain_array(values: Any) -> np.ndarray:
    """Numbers of any kind as a numpy array; numpy has no bfloat16."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        return (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    return np.asarray(values)

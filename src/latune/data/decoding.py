"""Image files of any sort, decoded once into one uint8 `.npy` file."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from latune.data.home import cache_home, kept
from latune.data.listing import Listing
from latune.data.table import some
from latune.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

VERSION = 1  # of what decoding does; a new one makes all cached files anew
MANY = 2000  # files; from here on a bar is shown
CHUNK_BYTES = 64 * 2**20  # decoded at a time
GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N")
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height
ORIENTATION = 0x0112


@dataclass
class Headers:
    """What the headers of all files say: how many of each (height, width), an example of each, colour, problems."""

    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    examples: dict[tuple[int, int], str] = field(default_factory=dict)
    colour: bool = False
    problems: list[str] = field(default_factory=list)

    @property
    def mixed(self) -> str:
        """A sentence about images of several sizes, or nothing."""
        if len(self.sizes) < 2:
            return ""
        first = [f"{w}x{h} ({n:,}, e.g. {self.examples[h, w]})" for (h, w), n in self.sizes.most_common(4)]
        more = f" and {len(self.sizes) - 4:,} other sizes" if len(self.sizes) > 4 else ""
        return (
            f"the images differ in size (width x height): {', '.join(first)}{more}. "
            "Pass size=64, or size=(height, width), to scale and crop all of them to one."
        )


def read_headers(listing: Listing) -> Headers:
    """Read the header of every file."""
    headers = Headers()
    for name in bar(listing.files, "reading headers"):
        try:
            with _opened(listing.root / name) as image:
                size, colour = _size(image), _coloured(image)
        except _Unreadable as error:
            headers.problems.append(f"{name} {error}")
            continue
        headers.sizes[size] += 1
        headers.examples.setdefault(size, name)
        headers.colour |= colour
    headers.problems = some(headers.problems)
    return headers


def decoded_path(listing: Listing, size: tuple[int, int] | None, colour: bool | None) -> Path:
    """Where the decoded images of this listing are kept."""
    key = json.dumps([VERSION, str(listing.root.resolve()), listing.files, listing.stamps, size, colour])
    return cache_home() / "folders" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"


def decode_all(listing: Listing, path: Path, size: tuple[int, int], colour: bool) -> None:
    """Decode every file to (height, width) `size` into the file `path`.

    Raises:
        DataError: files that are damaged behind a good header; they are named.
    """
    shape = (3 if colour else 1, *size)
    with kept(path) as temporary:
        problems = [
            problem
            for problem in write_npy(temporary, len(listing.files), shape, decoded(listing, size, colour))
            if problem
        ]
        if problems:
            raise DataError("Some images are damaged:\n" + "\n".join(f"  - {problem}" for problem in some(problems)))


def decoded(listing: Listing, size: tuple[int, int], colour: bool) -> Iterator[UInt8[np.ndarray, "c h w"] | str]:
    """Each file in turn as an array, or as a sentence about what is wrong with it."""
    pixels = (3 if colour else 1) * size[0] * size[1]
    chunk = max(1, min(512, CHUNK_BYTES // pixels))
    # Pillow decodes without holding the interpreter's lock, so threads are enough.
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for start in bar(range(0, len(listing.files), chunk), "decoding images", len(listing.files)):
            names = listing.files[start : start + chunk]
            yield from pool.map(lambda name: _decode(listing.root, name, size, colour), names)


def write_npy(path: Path, n: int, shape: tuple[int, int, int], images: Iterable[np.ndarray | str]) -> Iterator[str]:
    """Write images one by one as a uint8 `.npy` file `[n, c, h, w]`; gives back the images that are sentences."""
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (n, *shape)}
        np.lib.format.write_array_header_1_0(file, header)
        for image in images:
            if isinstance(image, str):
                yield image
            else:
                file.write(np.ascontiguousarray(image).data)


def bar(items: Any, what: str, n: int | None = None) -> Iterator[Any]:
    """Go through items under a progress bar where there are many."""
    from rich.console import Console
    from rich.progress import track

    few = (len(items) if n is None else n) < MANY
    yield from track(items, what, console=Console(stderr=True), transient=True, disable=few)


class _Unreadable(Exception):
    """What is wrong with an image file, as the end of a sentence that begins with its name."""


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            if image.mode == "F":
                raise _Unreadable("holds floating-point numbers; save it with 8 bits a channel")
            yield image
    except UnidentifiedImageError:
        raise _Unreadable("is not an image") from None
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise _Unreadable(f"cannot be read: {error}") from error


def _size(image: Image) -> tuple[int, int]:
    width, height = image.size
    # Asked without need, a PNG would be decoded to look for a tag behind its pixels.
    tagged = image.format == "TIFF" or "exif" in image.info
    return (width, height) if tagged and image.getexif().get(ORIENTATION) in SIDEWAYS else (height, width)


def _coloured(image: Image) -> bool:
    if image.mode == "P":
        palette = image.convert("RGB").getcolors(256) if image.width * image.height < 2**16 else None
        return palette is None or any(len(set(colour)) > 1 for _, colour in palette if isinstance(colour, tuple))
    return image.mode not in GREY


def _decode(root: Path, name: str, size: tuple[int, int], colour: bool) -> UInt8[np.ndarray, "c h w"] | str:
    from PIL import Image, ImageOps

    try:
        with _opened(root / name) as opened:
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I"):  # 16 bits: converting would clip at 255
                deep = np.asarray(image)
                image = Image.fromarray((deep // 257 if deep.max(initial=0) > 255 else deep).astype(np.uint8))
            if image.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in image.info:
                seen = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", seen.size, "black"), seen)
            image = image.convert("RGB" if colour else "L")
            if (image.height, image.width) != size:
                image = ImageOps.fit(image, (size[1], size[0]), Image.Resampling.LANCZOS)
            pixels = np.asarray(image)
    except _Unreadable as error:
        return f"{name} {error}"
    return pixels.transpose(2, 0, 1) if colour else pixels[None]

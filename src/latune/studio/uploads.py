"""What people bring: told by its content and not by its name, bounded before it is unpacked, and read into memory.

A name is shown and nothing else: no path is ever made of one.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latune.errors import DataError
from latune.medium import Medium, Pictures, Tunes
from latune.music import GridError, Melody
from latune.music.grid import BETWEEN
from latune.music.reading import TuneError, one_of
from latune.music.reading.contents import read_content
from latune.space import Space

MOST_IMAGE = 8 * 2**20  # bytes of an image file
MOST_PIXELS = 40_000_000  # of an image, before it is scaled down
MOST_TUNE = 2**20  # bytes of a tune, also of a packed one when it is unpacked
MOST_NOTES = 5_000  # of a score: music21 takes seconds for as many
MOST_EXAMPLES = 64  # of the model's size that a tune is cut into
NOTE = re.compile(rb"<note[\s/>]")
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
CROPPED = 1.05  # times, how much longer a side may be than the model's before it is said that it is cut
BRIGHT = 0.6  # mean of a picture's edge from which on it is taken for paper


@dataclass(frozen=True)
class Brought:
    """An example that somebody brought.

    Args:
        name: of the file, fit to be shown.
        x: as the model takes it, `(k, *shape)`; a longer tune is several rows.
        tempo, program: of a tune.
        told: what was done to it on the way, in sentences.
        tune: a tune as its file has it; None for an image.
        moved: semitones by which the model is given it higher.
        midi: the file itself, where it is MIDI: what is made of its melody goes back among its other tracks.
    """

    name: str
    x: Tensor
    tempo: float = 120.0
    program: int = 0
    told: tuple[str, ...] = ()
    tune: Melody | None = None
    moved: int = 0
    midi: bytes = b""


def read_upload(name: str, content: bytes, medium: Medium) -> Brought:
    """An example from a file's content.

    Args:
        name: what the file was called.
        content: of it.
        medium: what the model's examples are.

    Raises:
        DataError: for content that is something else, is too large, or cannot be read.

    >>> read_upload("../x.png", b"MZ", Pictures((1, 8, 8)))
    Traceback (most recent call last):
    ...
    latune.errors.DataError: x.png is no image that can be read. Taken are PNG, JPEG, GIF, BMP and WEBP files.
    """
    shown = shown_name(name)
    if isinstance(medium, Pictures):
        return _picture(shown, content, medium)
    assert isinstance(medium, Tunes)
    return _tune(shown, content, medium)


def shown_name(name: str) -> str:
    """The last part of a name, without anything that does not print."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(letter for letter in last if letter.isprintable())[-60:]
    return plain.strip(". ") or "the file"


# --- images -----------------------------------------------------------------------------------------------------------


def _picture(name: str, content: bytes, medium: Pictures) -> Brought:
    from PIL import Image, ImageOps

    c, h, w = medium.size
    if len(content) > MOST_IMAGE:
        raise DataError(f"{name} has {len(content) / 2**20:.1f} MiB; at most {MOST_IMAGE // 2**20} are taken.")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:  # the head tells: nothing was unpacked yet
                raise DataError(
                    f"{name} has {image.width:,} x {image.height:,} pixels; at most {MOST_PIXELS:,} in all are taken."
                )
            size = image.size  # a draft of a JPEG is smaller
            image.draft("RGB", (4 * w, 4 * h))
            turned = ImageOps.exif_transpose(image)
            is_turned = (turned.width > turned.height) != (image.width > image.height)
            if turned.mode.startswith("I"):  # 16 bits, which would be cut off at 255
                turned = Image.fromarray((np.asarray(turned, dtype=np.float32) / 257).clip(0, 255).astype(np.uint8))
            plain = turned.convert("RGBA" if "A" in turned.getbands() or "transparency" in turned.info else "RGB")
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise DataError(f"{name} has too many pixels; at most {MOST_PIXELS:,} in all are taken.") from None
    except (OSError, ValueError, SyntaxError, MemoryError, EOFError):
        raise DataError(
            f"{name} is no image that can be read. Taken are {', '.join(FORMATS[:-1])} and {FORMATS[-1]} files."
        ) from None
    told = []
    if plain.mode == "RGBA":
        grey, opaque = (np.asarray(plain.convert("LA"), dtype=np.float32)[..., i] for i in (0, 1))
        is_light = (grey * opaque).sum() > 127 * opaque.sum()  # what is drawn light was drawn on a dark ground
        plain = Image.alpha_composite(Image.new("RGBA", plain.size, "black" if is_light else "white"), plain)
    wide, high = size[::-1] if is_turned else size
    if (high, wide) != (h, w):
        told.append(f"scaled from {wide} x {high} to {w} x {h}")
    if max(wide * h, high * w) > CROPPED * min(wide * h, high * w):
        told.append("cropped to its middle")
    fitted = ImageOps.fit(plain.convert("L" if c == 1 else "RGB"), (w, h), Image.Resampling.BICUBIC)
    pixels = np.array(fitted, dtype=np.float32) / 255
    x = torch.from_numpy(pixels[None] if c == 1 else pixels.transpose(2, 0, 1).copy())[None]  # (1, c, h, w)
    edge = torch.cat([x[..., 0, :], x[..., -1, :], x[..., :, 0], x[..., :, -1]], -1).mean().item()
    if c == 1 and edge > BRIGHT:
        x = 1 - x
        told.append("light and dark swapped, since the model draws on black")
    return Brought(name, x, told=tuple(told))


# --- melodies ---------------------------------------------------------------------------------------------------------


def ending_of(content: bytes) -> str:
    """The ending that a tune's content asks for; empty where it is none that is read.

    >>> ending_of(b"MThd..."), ending_of(b"X:1"), ending_of(b"PK.."), ending_of(b"%PDF")
    ('.mid', '.abc', '.mxl', '')
    """
    head = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"MThd") or (head.startswith(b"RIFF") and b"RMID" in head[:16]):
        return ".mid"
    if head.startswith(b"PK"):
        return ".mxl"
    if head.startswith(b"<") or head[1:2] == b"<":
        return ".musicxml"
    return ".abc" if re.search(rb"^X:\s*\d", content[:65536], re.M) else ""


def _tune(name: str, content: bytes, medium: Tunes) -> Brought:
    if len(content) > MOST_TUNE:
        raise DataError(f"{name} has {len(content) / 2**20:.1f} MiB; at most {MOST_TUNE // 2**20} are taken.")
    ending = ending_of(content)
    if not ending:
        raise DataError(f"{name} is no tune that can be read. Taken are MIDI, ABC and MusicXML files.")
    _bounded(name, ending, content)
    plain = f"{name.rpartition('.')[0] or name}{ending}"
    told: list[str] = []
    try:
        x, melody, moved = _on_the_grid(plain, content, medium, told)
    except GridError as error:
        if error.reason != BETWEEN or ending != ".mid":
            raise
        told = [f"its notes moved to the nearest {medium.finest}"]
        x, melody, moved = _on_the_grid(plain, content, medium, told, quantise=medium.finest)
    midi = content if content.startswith(b"MThd") else b""
    if len(x) > MOST_EXAMPLES:
        told.append(f"the first {MOST_EXAMPLES * medium.grid.bars} bars of {len(x) * medium.grid.bars} taken")
        midi = b""  # what is made is shorter than the melody that it would take the place of
    return Brought(name, x[:MOST_EXAMPLES], melody.tempo, melody.program, tuple(told), melody, moved, midi)


def _bounded(name: str, ending: str, content: bytes) -> None:
    """Refuse what would take minutes to read, or fill the memory, before it is read."""
    if ending == ".mxl":
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                size = sum(each.file_size for each in packed.infolist())
                parts = [packed.read(each) for each in packed.infolist()] if size <= 4 * MOST_TUNE else []
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, zlib.error):
            raise DataError(f"{name} is damaged: it cannot be unpacked.") from None
        if size > 4 * MOST_TUNE:
            raise DataError(f"{name} unpacks to {size / 2**20:.0f} MiB; at most {4 * MOST_TUNE // 2**20} are taken.")
        content = b"".join(parts)
    # Without the zeros of letters of two bytes.
    notes = len(NOTE.findall(content.replace(b"\0", b""))) if ending in (".mxl", ".musicxml") else 0
    if notes > MOST_NOTES:
        raise DataError(f"{name} has {notes:,} notes; at most {MOST_NOTES:,} are taken.")


def _on_the_grid(
    name: str, content: bytes, medium: Tunes, told: list[str], **settings: Any
) -> tuple[Tensor, Melody, int]:
    """The model's rows, the melody as it was read, and the semitones by which the rows are higher."""
    try:
        found = read_content(name, content, **settings)
    except TuneError as error:
        raise TuneError(error.reason, f"{name}: {error}") from error
    tune = one_of(name, found, metres=medium.metres)
    melody = tune.melody
    assert melody is not None
    if len(melody) > MOST_NOTES:
        raise DataError(f"{name} has {len(melody):,} notes; at most {MOST_NOTES:,} are taken.")
    if by := medium.grid.semitones_to_fit(melody):
        told.append(f"moved by {by:+d} semitones into the model's range")
    told += tune.remarks
    return medium.take(melody.transposed(by)), melody, by


# --- how well a model can say it --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fit:
    """How much of an example comes back when a model encodes and decodes it.

    Args:
        share: from 0 (nothing) to 1.
        told: the same in a sentence.
    """

    share: float
    told: str


def fit_of(space: Space, x: Tensor) -> Fit:
    r"""How well a model represents an example.

    Of an image the share of its variance, :math:`1 - \sum (x - \hat x)^2 / \sum (x - \bar x)^2`; of a tune the share of
    its notes that come back with their pitch and their start.
    """
    back = space.decode(space.locate(x)).plain()
    if isinstance(space.medium, Pictures):
        spread = (x - x.mean()).square().sum().item()
        share = 1 - (x - back).square().sum().item() / spread if spread else float(torch.allclose(x, back, atol=0.05))
        share = max(0.0, share)
        return Fit(share, f"The model represents it {_well(share)}: {share:.0%} of its variance comes back.")
    assert isinstance(space.medium, Tunes)
    notes = x >= space.medium.grid.first
    kept, many = int((notes & (x == back)).sum()), int(notes.sum())
    share = kept / many if many else 1.0
    return Fit(share, f"The model represents it {_well(share)}: {kept} of {many} notes come back with pitch and start.")


def _well(share: float) -> str:
    return "well" if share >= 0.9 else "roughly" if share >= 0.7 else "hardly"

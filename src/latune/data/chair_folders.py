"""The 3-d chairs as they are given out: a folder a chair, renders whose names tell the pose."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from latune.attributes.attribute import Attribute
from latune.data.archives import Holding, Member, hold, reader
from latune.data.dataset import Memmap
from latune.data.decoding import bar, write_npy
from latune.data.home import cache_home, data_home, kept
from latune.data.splits import FRACTIONS, NAMES, make_splits
from latune.data.table import listed, some
from latune.errors import DataError

VERSION = 1  # of what decoding does; a new one makes all cached files anew
HOME = "https://www.di.ens.fr/willow/research/seeing3Dchairs/"
FOLDER = "rendered_chairs"
RENDERS = "renders"
NAME = re.compile(r"image_(\d+)_p(\d+)_t(\d+)_r(\d+)\.png")
LAYOUT = f"{FOLDER}/CHAIR/{RENDERS}/image_NNN_pPPP_tTTT_rRRR.png"
CHUNK = 256  # images decoded at a time


@dataclass(frozen=True)
class Render:
    """One image: of which chair, from where (degrees), and at what distance."""

    member: Member
    chair: str
    elevation: int
    azimuth: int
    distance: int

    @property
    def place(self) -> str:
        """Chair and file, as a message names them."""
        return f"{self.chair}/{RENDERS}/{self.member.name}"


def load(
    *,
    path: Path | str | None = None,
    size: int = 64,
    crop: int | None = None,
    colour: bool = False,
    split: Sequence[float] = FRACTIONS,
    seed: int = 0,
) -> Memmap:
    """The rendered chairs of Aubry et al., scaled, with chair, azimuth and elevation (rad) and distance.

    A chair belongs to one split with all its images, so what is tested was never seen from any side. The images are
    decoded once into a file of the cache.

    Args:
        path: the folder `rendered_chairs`, or a zip or tar file of it. None: `rendered_chairs` in the folder of real
            data.
        size: side of the images.
        crop: side of the square around the centre that is kept before scaling, in pixels of the files; None keeps all.
        colour: whether to keep colours.
        split: shares of the chairs for training, validation and test.
        seed: of the split.

    Raises:
        DataError: with all that is wrong: no chairs, chairs without renders, images whose names tell no pose, poses
            that are there twice, images that are broken, not square, of several sizes, or smaller than `crop`.

    Source: Seeing 3D chairs, Aubry, Maturana, Efros, Russell, Sivic 2014,
    https://www.di.ens.fr/willow/research/seeing3Dchairs/
    """
    for name, value, least in (("size", size, 8), ("crop", crop, 8)):
        if value is not None and not value >= least:
            raise DataError(f"{name} is {value!r}; it must be a whole number of pixels from {least}, for example 64.")
    root = _root() if path is None else Path(path).expanduser()
    holding = hold(root)
    renders, problems = _renders(holding, root)
    chairs = sorted({render.chair for render in renders})
    if problems:
        raise DataError(listed(f"{root} cannot be used", problems))
    file = _cached(holding, root, size, crop, colour)
    if not file.exists():
        _decode_all(renders, file, size, crop, colour)
    number = {chair: i for i, chair in enumerate(chairs)}
    of_chair = torch.tensor([number[render.chair] for render in renders])
    poses = torch.tensor([[r.azimuth, r.elevation, r.distance] for r in renders], dtype=torch.float64)
    poses[:, :2] *= math.pi / 180
    values = torch.cat([of_chair[:, None].double(), poses], dim=1).float()
    attributes = [
        Attribute("chair", "categorical", (0.0, float(max(1, len(chairs) - 1)))),
        *(
            Attribute(name, "real", (float(column.min()), float(column.max())), unit)
            for name, unit, column in zip(
                ("azimuth", "elevation", "distance"), ("rad", "rad", ""), values[:, 1:].T, strict=True
            )
        ),
    ]
    return Memmap(
        name="chair-folders",
        shape=(3 if colour else 1, size, size),
        attributes={attribute.name: attribute for attribute in attributes},
        values=values,
        splits=_splits(of_chair, len(chairs), split, seed),
        provenance={
            "source": f"3-d chairs, {root.name}",
            "licence": "the renders' own; see where they came from",
            "images": {"n": len(renders), "chairs": len(chairs), "crop": crop, "listing": file.stem},
            "split": {"rule": "random chairs", "fractions": list(split), "seed": seed},
            "attributes": "names of the files",
            "classes": {"chair": chairs},
        },
        file=file,
    )


def _root() -> Path:
    """Where the chairs are looked for.

    Raises:
        DataError: they are not there.
    """
    place = data_home() / FOLDER
    if not place.is_dir():
        raise DataError(
            f"The 3-d chairs are not on hand: there is no folder {place}. Get {FOLDER}.tar from {HOME}, unpack it "
            "there, or give path=FILE. Chairs that need no file are the data set 'chairs'."
        )
    return place


def _renders(holding: Holding, root: Path) -> tuple[list[Render], list[str]]:
    """All images in order of chair and pose, and what is wrong with their names."""
    found: dict[tuple[str, int, int, int], Render] = {}
    unnamed, twice = [], []
    for member in holding.members():
        parts = PurePosixPath(member.inside or member.source.relative_to(holding.root).as_posix()).parts
        if len(parts) < 3 or parts[-2] != RENDERS:
            continue  # such as a preview beside the renders
        match = NAME.fullmatch(parts[-1])
        if match is None:
            unnamed.append(f"{'/'.join(parts[-3:])} tells no pose; a name is image_NNN_pPPP_tTTT_rRRR.png")
            continue
        _, elevation, azimuth, distance = map(int, match.groups())
        render = Render(member, parts[-3], elevation, azimuth, distance)
        other = found.setdefault((render.chair, elevation, azimuth, distance), render)
        if other is not render:
            twice.append(f"{render.place} has the pose of {other.member.name}")
    empty = _without_renders(holding, root, {render.chair for render in found.values()})
    problems = some(unnamed) + some(twice) + some(empty)
    if not found and not problems:
        problems = [f"there are no chairs; the layout is {LAYOUT}"]
    return [found[key] for key in sorted(found)], problems


def _without_renders(holding: Holding, root: Path, chairs: set[str]) -> list[str]:
    """Folders of chairs that hold no image; in an archive they do not show."""
    if not root.is_dir() or holding.archives:
        return []
    top = root / FOLDER if (root / FOLDER).is_dir() else root
    folders = sorted(each.name for each in top.iterdir() if each.is_dir() and not each.name.startswith("."))
    return [f"{name} has no image in {name}/{RENDERS}" for name in folders if name not in chairs]


def _splits(of_chair: Tensor, chairs: int, split: Sequence[float], seed: int) -> dict[str, Tensor]:
    if chairs < len(NAMES):
        raise DataError(f"There are {chairs} chairs; at least {len(NAMES)} are needed, one for each split.")
    dealt = make_splits(chairs, split, seed=seed)
    return {name: torch.isin(of_chair, some_chairs).nonzero().squeeze(1) for name, some_chairs in dealt.items()}


def _cached(holding: Holding, root: Path, size: int, crop: int | None, colour: bool) -> Path:
    key = json.dumps([VERSION, str(root.resolve()), holding.stamps, size, crop, colour])
    return cache_home() / FOLDER / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"


def _decode_all(renders: Sequence[Render], file: Path, size: int, crop: int | None, colour: bool) -> None:
    """Decode all images into `file`.

    Raises:
        DataError: images that are broken, not square, of several sizes or smaller than the crop; they are named.
    """
    shape = (3 if colour else 1, size, size)
    sides: dict[int, str] = {}
    with kept(file) as temporary:
        problems = list(write_npy(temporary, len(renders), shape, _decoded(renders, size, crop, colour, sides)))
        if len(sides) > 1:
            seen = ", ".join(f"{side}x{side} (e.g. {where})" for side, where in sorted(sides.items()))
            problems.append(f"the images have several sizes: {seen}")
        if problems:
            raise DataError(listed("Some renders cannot be used", some(problems)))


def _decoded(
    renders: Sequence[Render], size: int, crop: int | None, colour: bool, sides: dict[int, str]
) -> Iterator[UInt8[np.ndarray, "c h w"] | str]:
    """Each image in turn, or a sentence about what is wrong with it; `sides` collects the sides of the files."""
    # An archive is read by one thread; Pillow decodes without holding the interpreter's lock, so threads are enough.
    with reader() as read, ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for start in bar(range(0, len(renders), CHUNK), "decoding chairs", len(renders)):
            chunk = renders[start : start + CHUNK]
            contents: list[bytes | str] = []
            for render in chunk:
                try:
                    contents.append(read(render.member))
                except DataError as error:
                    contents.append(str(error))
            for render, image in zip(
                chunk,
                pool.map(lambda one, content: _decode(one.place, content, size, crop, colour), chunk, contents),
                strict=True,
            ):
                if isinstance(image, str):
                    yield image
                else:
                    sides.setdefault(image[1], render.place)
                    yield image[0]


def _decode(
    where: str, content: bytes | str, size: int, crop: int | None, colour: bool
) -> tuple[np.ndarray, int] | str:
    """Pixels and the side of the file, or a sentence."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(content, str):
        return content
    try:
        with Image.open(io.BytesIO(content)) as image:
            side = image.width
            if image.width != image.height:
                return f"{where} is {image.width}x{image.height}; a render is square"
            if crop is not None and crop > side:
                return f"{where} is {side}x{side}, smaller than crop={crop}"
            margin = 0 if crop is None else (side - crop) // 2
            seen = image.convert("RGBA")  # what is transparent is white, as around all chairs
            seen = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB" if colour else "L")
            kept_side = side if crop is None else crop
            box = (margin, margin, margin + kept_side, margin + kept_side)
            pixels = np.asarray(seen.crop(box).resize((size, size), Image.Resampling.LANCZOS))
    except UnidentifiedImageError:
        return f"{where} is not an image"
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        return f"{where} cannot be read: {error}"
    return (pixels.transpose(2, 0, 1) if colour else pixels[None]), side

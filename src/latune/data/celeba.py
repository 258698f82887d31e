"""CelebA: aligned faces with 40 binary attributes, from the files as they are given out or a subset of them."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from latune.attributes.attribute import Attribute
from latune.data.archives import Holding, Member, hold, reader
from latune.data.celeba_tables import PARTITION, Faces, find_tables, read_faces
from latune.data.dataset import Memmap, npy_header
from latune.data.decoding import bar, write_npy
from latune.data.download import sha256_of
from latune.data.home import cache_home, data_home, kept
from latune.data.mirrors import with_mirrors
from latune.data.splits import NAMES, check_fractions, make_splits
from latune.data.table import listed, some
from latune.errors import DataError, unknown

VERSION = 1  # of what decoding does; a new one makes all cached files anew
WIDTH, HEIGHT = 178, 218  # of an aligned image
CROP = 128  # side of the square around the centre that is kept
HOME = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
FOLDERS = ("celeba", "celeba-subset")
CHUNK = 512  # images decoded at a time
LICENCE = "CelebA agreement: non-commercial research only, not to be passed on (MMLAB, CUHK)"


def load(
    *,
    path: Path | str | None = None,
    size: int = 64,
    colour: bool = True,
    mirror: bool = False,
    split: str | Sequence[float] = "official",
    seed: int = 0,
) -> Memmap:
    """Aligned faces, cropped to the 128x128 pixels around the centre and scaled, with their binary attributes.

    Images and tables are found by themselves: `NNNNNN.jpg` in the folder, its sub-folders, or zip and tar files in it;
    `list_attr_celeba.txt`, or `attributes.csv` with a column `image_id`, -1 or 0 for no and 1 for yes; and
    `list_eval_partition.txt`, or the CSV's column `partition` (0 training, 1 validation, 2 test). The images are
    decoded once into a file of the cache. Attributes have the official names in lower case, such as `smiling`; who a
    person is (the CSV's column `identity`) is not given out.

    Args:
        path: a folder, or one zip or tar file whose tables are inside it or beside it. None: `celeba`, then
            `celeba-subset`, in the folder of real data.
        size: side of the images.
        colour: whether to keep colours.
        mirror: whether the training split also holds every image's mirror image.
        split: `official`, or three shares.
        seed: of the split by shares.

    Raises:
        DataError: with all that is wrong: rows and images that do not match, no partition, values that are not -1, 0 or
            1, images that are broken or not 178x218.

    Source: CelebA, Liu, Luo, Wang, Tang 2015, https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html. The crop is that of
    Engel et al. 2018 (https://arxiv.org/abs/1711.05772).
    """
    if not (isinstance(size, int) and 8 <= size <= CROP):
        raise DataError(f"size is {size!r}; it must be a whole number of pixels from 8 to {CROP}, for example 64.")
    if isinstance(split, str) and split != "official":
        raise DataError(f"{unknown('split of celeba', split, ('official',))[:-1]}, or three shares.")
    root = _root() if path is None else Path(path).expanduser()
    holding = hold(root)
    if not holding.loose and not holding.archives:
        raise DataError(f"There is no image in {root}, nor a zip or tar file that could hold some.")
    tables = find_tables(holding, root)
    faces = read_faces(*tables)
    file = _cached(holding, root, size, colour)
    names = file.with_suffix(".txt")
    members = [] if file.exists() and names.exists() else _members(holding, root)
    found = [member.name for member in members] or names.read_text(encoding="utf-8").splitlines()
    order, problems = _matched(found, faces)
    if not isinstance(split, str):
        check_fractions(split)
    elif not problems:
        problems = _unsplittable(faces)
    if problems:
        raise DataError(listed(f"{root} cannot be used", problems))
    if members:
        _decode_all(members, size, colour, file, names)
    shape, _ = npy_header(file)
    splits, rule = _splits(faces, order, split, seed)
    data = Memmap(
        name="celeba",
        shape=(shape[1], shape[2], shape[3]),
        attributes={name: Attribute(name, "binary", (0.0, 1.0)) for name in faces.attributes},
        values=torch.from_numpy(faces.values[order].astype(np.float32)),
        splits=splits,
        provenance={
            "source": f"CelebA, aligned, {root.name}",
            "licence": LICENCE,
            "files": {table.name: sha256_of(table.source) for table in tables if table and not table.inside},
            "images": {"n": shape[0], "names": hashlib.sha256(" ".join(found).encode()).hexdigest()[:32], "crop": CROP},
            "split": rule,
            "attributes": tables[0].name,
        },
        file=file,
    )
    return with_mirrors(data) if mirror else data


def _root() -> Path:
    """The first of the places where CelebA is looked for.

    Raises:
        DataError: it is in none of them.
    """
    places = [data_home() / name for name in FOLDERS]
    for place in places:
        if place.is_dir():
            return place
    raise DataError(
        f"CelebA is not on hand, and its terms do not let anyone pass it on. Get it from {HOME}, then give "
        f"path=FOLDER, or put img_align_celeba.zip, list_attr_celeba.txt and list_eval_partition.txt into {places[0]}."
    )


def _cached(holding: Holding, root: Path, size: int, colour: bool) -> Path:
    """Where the decoded images are kept; a text file beside it holds their names."""
    key = json.dumps([VERSION, str(root.resolve()), holding.stamps, size, *([] if colour else ["grey"])])
    return cache_home() / "celeba" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"


def _members(holding: Holding, root: Path) -> list[Member]:
    """The images, sorted by name; one that lies in the folder is taken before the same one in an archive.

    Raises:
        DataError: there is none, or one is there twice.
    """
    chosen: dict[str, Member] = {}
    twice: list[str] = []
    for member in holding.members():
        name = Path(member.name).stem
        other = chosen.setdefault(name, member)
        if other is not member and bool(other.inside) == bool(member.inside):
            twice.append(f"{member.name} is there twice: in {_place(other, root)} and in {_place(member, root)}")
    if twice:
        raise DataError(listed(f"{root} cannot be used", some(twice)))
    if not chosen:
        raise DataError(f"There is no image in {root}: its archives hold none.")
    return [chosen[name] for name in sorted(chosen)]


def _place(member: Member, root: Path) -> str:
    where = member.source.name if member.inside else member.source.parent.name
    return where or root.name


def _matched(found: Sequence[str], faces: Faces) -> tuple[np.ndarray, list[str]]:
    """The row of every image, and what hinders that."""
    place = {image: i for i, image in enumerate(faces.images)}
    stems = [Path(name).stem for name in found]
    lost = [f"{name} has no row" for name, stem in zip(found, stems, strict=True) if stem not in place]
    there = set(stems)
    rows = [f"there is no image {image}" for image in faces.images if image not in there]
    problems = some(lost, f"{faces.source}: ") + some(rows, f"{faces.source}: ")
    if rows and not lost:
        problems.append(f"{len(found):,} images for {len(faces.images):,} rows: fetch the others, or remove their rows")
    return np.array([place.get(stem, -1) for stem in stems], dtype=np.int64), problems


def _unsplittable(faces: Faces) -> list[str]:
    """Why the official split cannot be made, or nothing."""
    advice = f"Put {PARTITION[0]} there, or give three shares: split=[0.8, 0.1, 0.1]"
    if faces.parts is None:
        return [f"there is no partition. {advice}"]
    empty = [name for part, name in enumerate(NAMES) if not (faces.parts == part).any()]
    return [f"the official partition leaves no image for {', '.join(empty)}. {advice}"] if empty else []


def _splits(faces: Faces, order: np.ndarray, split: str | Sequence[float], seed: int) -> tuple[dict[str, Tensor], dict]:
    if isinstance(split, str) and faces.parts is not None:
        parts = torch.from_numpy(faces.parts[order])
        return {name: (parts == i).nonzero().squeeze(1) for i, name in enumerate(NAMES)}, {"rule": "official"}
    fractions = check_fractions(split)
    rule = {"rule": "random", "fractions": list(fractions), "seed": seed}
    return make_splits(len(order), fractions, seed=seed), rule


def _decode_all(members: Sequence[Member], size: int, colour: bool, file: Path, names: Path) -> None:
    """Decode all images into `file`, and write their names beside it.

    Raises:
        DataError: images that are broken, or not aligned ones; they are named.
    """
    with kept(file) as temporary:
        shape = (3 if colour else 1, size, size)
        problems = list(write_npy(temporary, len(members), shape, _decoded(members, size, colour)))
        if problems:
            raise DataError(listed("Some images cannot be used", some(problems)))
    with kept(names) as temporary:
        temporary.write_text("\n".join(member.name for member in members) + "\n", encoding="utf-8")


def _decoded(members: Sequence[Member], size: int, colour: bool) -> Iterator[UInt8[np.ndarray, "c h w"] | str]:
    """Each image in turn, or a sentence about what is wrong with it."""
    # An archive is read by one thread; Pillow decodes without holding the interpreter's lock, so threads are enough.
    with reader() as read, ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for start in bar(range(0, len(members), CHUNK), "decoding faces", len(members)):
            chunk = members[start : start + CHUNK]
            contents: list[bytes | str] = []
            for member in chunk:
                try:
                    contents.append(read(member))
                except DataError as error:
                    contents.append(str(error))
            yield from pool.map(lambda one, content: _decode(one.name, content, size, colour), chunk, contents)


def _decode(name: str, content: bytes | str, size: int, colour: bool) -> UInt8[np.ndarray, "c h w"] | str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(content, str):
        return content
    left, top = (WIDTH - CROP) // 2, (HEIGHT - CROP) // 2
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.size != (WIDTH, HEIGHT):
                return f"{name} is {image.width}x{image.height}; an aligned image of CelebA is {WIDTH}x{HEIGHT}"
            box = (left, top, left + CROP, top + CROP)
            small = image.convert("RGB" if colour else "L").crop(box).resize((size, size), Image.Resampling.LANCZOS)
    except UnidentifiedImageError:
        return f"{name} is not an image"
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        return f"{name} cannot be read: {error}"
    pixels = np.asarray(small)
    return pixels.transpose(2, 0, 1) if colour else pixels[None]

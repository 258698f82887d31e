"""What lies in a folder of images: the files, the tables, the sub-folders."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from latune.errors import DataError

TUNES = (".mid", ".midi", ".abc", ".musicxml", ".mxl")  # endings of what is no image, and read by another data set


@dataclass(frozen=True)
class Listing:
    """The files of a folder and its sub-folders, by their path within it, sorted; hidden ones are left out.

    `stamps` are size in bytes and time of change (ns): equal listings mean that no file was touched.
    """

    root: Path
    files: list[str]
    stamps: list[tuple[int, int]]
    tables: list[Path]

    @property
    def classes(self) -> list[str]:
        """The first folder on each file's path, or nothing for a file that lies in none."""
        return [name.partition("/")[0] if "/" in name else "" for name in self.files]


def holds_tunes(folder: Path | str) -> bool:
    """Whether a folder has a file that is read as a melody, or is one."""
    root = Path(folder).expanduser()
    if root.is_file():
        return root.suffix.lower() in (*TUNES, ".xml")  # in a folder it may be what labels pictures
    return any(each.suffix.lower() in TUNES for each in root.rglob("[!.]*"))


def list_folder(path: Path | str) -> Listing:
    """List a folder of images; CSV files are its tables, everything else counts as an image.

    Raises:
        DataError: there is no such folder, no file in it, or tunes instead of images.
    """
    root = Path(path).expanduser()
    if not root.is_dir():
        told = f"{root} is a file, not a folder. Give the folder that it is in: {root.parent}"
        raise DataError(told if root.exists() else f"There is no folder {root}. Give the path of one that exists.")
    found: list[tuple[str, tuple[int, int]]] = []
    tables: list[Path] = []
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".")]
        for name in names:
            whole_path = Path(folder) / name
            if name.startswith("."):
                continue
            if whole_path.suffix.lower() in TUNES:
                raise DataError(
                    f"{root} holds tunes, as {name}, not images. Train on them with: latune train arvae-bach "
                    f"data.name=tunes data.path={root}"
                )
            if whole_path.suffix.lower() == ".csv":
                tables += [whole_path] if whole_path.parent == root else []
                continue
            stat = whole_path.stat()
            found.append((whole_path.relative_to(root).as_posix(), (stat.st_size, stat.st_mtime_ns)))
    if not found:
        raise DataError(
            f"There is no image in {root}, nor a tune: image files, or MIDI, ABC and MusicXML files are read."
        )
    found.sort()
    return Listing(root, [name for name, _ in found], [stamp for _, stamp in found], sorted(tables))

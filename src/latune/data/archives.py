"""Image files by name, wherever they lie: in a folder and its sub-folders, or in zip and tar files."""

from __future__ import annotations

import contextlib
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from latune.errors import DataError

PICTURES = (".jpg", ".jpeg", ".png")
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
ARCHIVES = (".zip", *TARS)
BROKEN = (OSError, EOFError, ValueError, zlib.error, tarfile.TarError, zipfile.BadZipFile, NotImplementedError)


@dataclass(frozen=True)
class Member:
    """A file: its path, or its archive and its name in there."""

    source: Path
    inside: str = ""

    @property
    def name(self) -> str:
        """The last part of its path."""
        return PurePosixPath(self.inside).name if self.inside else self.source.name


@dataclass(frozen=True)
class Holding:
    """What a folder or an archive holds, found without opening any archive.

    Args:
        root: the folder, or the folder that the archive lies in.
        loose: image files, sorted.
        archives: zip and tar files, sorted.
        beside: all other files in the folder, or directly beside the archive, sorted: tables are looked for there.
    """

    root: Path
    loose: tuple[Path, ...]
    archives: tuple[Path, ...]
    beside: tuple[Path, ...]

    @property
    def stamps(self) -> list[tuple[str, int, int]]:
        """Name, size in bytes and time of change (ns) of everything: equal ones mean that no file was touched."""
        return [
            (path.relative_to(self.root).as_posix(), path.stat().st_size, path.stat().st_mtime_ns)
            for path in (*self.loose, *self.archives)
        ]

    def members(self, wanted: Sequence[str] = PICTURES) -> Iterator[Member]:
        """Every image, or every file whose name ends so; hidden ones are left out.

        Raises:
            DataError: an archive cannot be read.
        """
        if wanted == PICTURES:
            yield from map(Member, self.loose)
        for archive in self.archives:
            for inside in _inside(archive):
                hidden = any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(inside).parts)
                if inside.lower().endswith(tuple(wanted)) and not hidden:
                    yield Member(archive, inside)


def is_archive(path: Path) -> bool:
    """Whether a file's name says that it is a zip or a tar.

    >>> is_archive(Path("faces.tar.gz")), is_archive(Path("faces.7z"))
    (True, False)
    """
    return path.name.lower().endswith(ARCHIVES)


def hold(path: Path) -> Holding:
    """What lies in a folder and its sub-folders, or in one archive; hidden files are left out.

    Raises:
        DataError: no such file or folder, or a file that is no archive.
    """
    if path.is_file():
        if not is_archive(path):
            raise DataError(f"{path} is neither a folder nor an archive. Allowed archives: {', '.join(ARCHIVES)}.")
        others = (each for each in path.parent.iterdir() if each.is_file() and not each.name.startswith("."))
        return Holding(path.parent, (), (path,), tuple(sorted(each for each in others if _is_other(each))))
    if not path.is_dir():
        raise DataError(f"There is no file or folder {path}.")
    found: list[Path] = []
    for folder, below, names in os.walk(path):
        below[:] = [name for name in below if not name.startswith(".")]
        found += [Path(folder) / name for name in names if not name.startswith(".")]
    found.sort()
    loose = tuple(each for each in found if each.suffix.lower() in PICTURES)
    archives = tuple(each for each in found if is_archive(each))
    return Holding(path, loose, archives, tuple(each for each in found if _is_other(each)))


def _is_other(path: Path) -> bool:
    return path.suffix.lower() not in PICTURES and not is_archive(path)


@contextlib.contextmanager
def reader() -> Iterator[Callable[[Member], bytes]]:
    """A function from a member to its bytes; an archive is opened once and closed in the end.

    The function raises DataError for a member that cannot be read.
    """
    with contextlib.ExitStack() as stack:
        opened: dict[Path, zipfile.ZipFile | tarfile.TarFile] = {}

        def read(member: Member) -> bytes:
            try:
                if not member.inside:
                    return member.source.read_bytes()
                if member.source not in opened:
                    opened[member.source] = stack.enter_context(_open(member.source))
                archive = opened[member.source]
                if isinstance(archive, zipfile.ZipFile):
                    return archive.read(member.inside)
                file = archive.extractfile(member.inside)
                if file is None:
                    raise OSError("it is a link or a folder")
                return file.read()
            except (*BROKEN, KeyError, RuntimeError) as error:  # RuntimeError: a zip with a password
                raise DataError(f"{member.name} in {member.source.name} cannot be read: {error}") from error

        yield read


def _open(archive: Path) -> zipfile.ZipFile | tarfile.TarFile:
    if archive.name.lower().endswith(".zip"):
        return zipfile.ZipFile(archive)
    return tarfile.open(archive)


def _inside(archive: Path) -> list[str]:
    """The names of the files of an archive."""
    try:
        with _open(archive) as opened:
            if isinstance(opened, zipfile.ZipFile):
                return [each.filename for each in opened.infolist() if not each.is_dir()]
            return [each.name for each in opened if each.isfile()]
    except BROKEN as error:
        why = str(error).partition("\n")[0].rstrip(":.")  # tarfile goes on to tell every kind of packing it tried
        raise DataError(f"{archive} cannot be read: {why}. It may be cut short; fetch it again.") from error

"""What need not be done twice: codes of a data set that were encoded before, and a long learning that was stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latune.controls.lesson import Encoded
from latune.data import Dataset
from latune.errors import RunError
from latune.files import write_json
from latune.training import checkpoint as ckpt

CODES = ".codes.safetensors"  # below the folder of all controls
CHUNK = 1024
LONG = 20_000  # steps from which on a learning is kept where it is, to go on from
ASKED = "asked.json"


class Encodings:
    """Posteriors of the data that controls were last learned from: in memory, and in a file beside the controls.

    The file is known by the model and by every image and its place: other data or another model is encoded anew.

    Args:
        encode: images to their posteriors.
        fingerprint: of the model.
    """

    def __init__(self, encode: Callable[[Tensor], Encoded], fingerprint: Callable[[], str]) -> None:
        self.encode, self.fingerprint = encode, fingerprint
        self._last: tuple[tuple[int, str], Encoded] | None = None

    def of(self, data: Dataset, split: str, folder: Path | None) -> Encoded:
        """Of a split, in its order.

        Args:
            data, split: what is encoded.
            folder: where controls are kept; None for memory alone.
        """
        key = (id(data), split)
        if self._last is None or self._last[0] != key:
            self._last = key, self._fetched(data, split, folder)
        return self._last[1]

    def _fetched(self, data: Dataset, split: str, folder: Path | None) -> Encoded:
        parts = data.splits[split].split(CHUNK)
        if folder is None:
            return self._encoded(data, parts)
        asked = {"model": self.fingerprint(), "data": digest(data.raw(rows) for rows in parts), "split": split}
        path = folder / CODES
        if path.exists():
            try:
                found, about = ckpt.load_tensors(path, data.device)
            except RunError:  # a damaged file of what can be made again
                found, about = {}, {}
            if about == asked:
                return Encoded(found["mean"], found["scale"])
        codes = self._encoded(data, parts)
        ckpt.save_tensors(path, {"mean": codes.mean, "scale": codes.scale}, asked)
        return codes

    def _encoded(self, data: Dataset, parts: tuple[Tensor, ...]) -> Encoded:
        each = [self.encode(data.examples(rows)) for rows in parts]
        return Encoded(torch.cat([part.mean for part in each]), torch.cat([part.scale for part in each]))


def digest(parts: Iterator[Tensor]) -> str:
    """A short hash of tensors, in their order."""
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(f"{tuple(part.shape)} {part.dtype}".encode())
        found.update(part.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


@contextmanager
def unfinished(folder: Path | None, name: str, steps: int, asked: Mapping[str, Any]) -> Iterator[Path | None]:
    """Where a long learning keeps its checkpoint until it is done; None for a short one, or without a folder.

    The same call goes on from there; what was left by another call of that name is removed.

    Args:
        folder: of all controls.
        name: of the control.
        steps: how long it is.
        asked: plain data that tell one call from another.
    """
    if folder is None or steps < LONG:
        yield None
        return
    path, said = folder / f".{name}.unfinished", json.loads(json.dumps(asked))
    if path.exists() and not _is(path / ASKED, said):
        shutil.rmtree(path)
    write_json(path / ASKED, said)
    yield path
    shutil.rmtree(path)


def _is(path: Path, asked: Mapping[str, Any]) -> bool:
    try:
        return json.loads(path.read_text(encoding="utf-8")) == asked
    except (OSError, ValueError):
        return False

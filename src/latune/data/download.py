"""Fetch a public file once: checked by its sha256, and whole or not at all."""

from __future__ import annotations

import hashlib
import http.client
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

from latune.data.home import kept
from latune.errors import DataError

TRIES = 3
PAUSE = 1.0  # seconds before the second try, doubled before every further one
TIMEOUT = 30.0


def fetch(addresses: Sequence[str], path: Path, sha256: str) -> Path:
    """Download to `path` from the first of these addresses that gives the right file.

    Raises:
        DataError: none of them did; it tells what each answered.
    """
    failures: list[str] = []
    for turn in range(TRIES):
        if turn:
            time.sleep(PAUSE * 2 ** (turn - 1))
        for address in addresses:
            try:
                with urlopen(address, timeout=TIMEOUT) as answer:
                    content = answer.read()
            except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
                failures.append(f"{address}: {getattr(error, 'reason', None) or error}")
                continue
            found = hashlib.sha256(content).hexdigest()
            if found != sha256:
                failures.append(f"{address}: a file with sha256 {found}, not {sha256}")
                continue
            with kept(path) as temporary:
                temporary.write_bytes(content)
            return path
    told = "\n".join(f"  - {failure}" for failure in dict.fromkeys(failures))
    raise DataError(f"{path.name} could not be downloaded in {TRIES} tries:\n{told}")


def sha256_of(path: Path) -> str:
    """The sha256 of a file, as recorded in the provenance of a data set."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

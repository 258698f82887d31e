"""Who computes when: what follows the hand at once, and heavy work, one after the other in a queue with an end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from latune.errors import LatuneError

MOST_WAITING = 8  # pieces of heavy work that wait or run


class Busy(LatuneError):
    """There is too much to do already."""


class Work:
    """Two kinds of threads: `soon` for what a hand waits for, `in_turn` for what takes seconds.

    Each person has one picture in the making and one piece of heavy work at most, so that neither a crowd nor a
    single impatient person fills the memory.

    >>> import asyncio
    >>> work = Work()
    >>> asyncio.run(work.in_turn("me", lambda: 6 * 7))
    42
    """

    def __init__(self) -> None:
        self._quick = ThreadPoolExecutor(2, "latune-quick")
        self._slow = ThreadPoolExecutor(1, "latune-slow")
        self._owners: dict[str, None] = {}  # in the order in which they came

    async def soon(self, function: Callable[..., Any], *args: Any) -> Any:
        """Compute what a hand waits for, beside the server's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._quick, function, *args)

    async def in_turn(self, owner: str, function: Callable[..., Any], *args: Any) -> Any:
        """Compute when everybody who came before is done.

        Raises:
            Busy: for a person whose last piece is not done, or where too many wait.
        """
        if owner in self._owners:
            raise Busy("What you asked for before is still being made. Wait until it is done.")
        if len(self._owners) >= MOST_WAITING:
            raise Busy(f"{len(self._owners)} people are waiting already. Try again in a minute.")
        self._owners[owner] = None
        try:
            return await asyncio.get_running_loop().run_in_executor(self._slow, function, *args)
        finally:
            self._owners.pop(owner, None)

    def ahead(self, owner: str) -> int:
        """How many pieces of heavy work come before somebody's."""
        return list(self._owners).index(owner) if owner in self._owners else len(self._owners)

    def close(self) -> None:
        """Take no more work."""
        self._quick.shutdown(wait=False, cancel_futures=True)
        self._slow.shutdown(wait=False, cancel_futures=True)

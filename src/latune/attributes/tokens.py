"""Numbers of whole token arrays at once, block by block: what attributes of melodies are made of.

A measure has 24 tokens. NumPy's reductions along so short an axis spend their time on starting, not on numbers. Here a
bar's onsets become the bits of a whole number, of which sums are looked up and ends are read off the exponent of a
float; extremes are taken of four tokens a word. A block of rows fits the processor's cache, and what several attributes
need is made once for all of them. Threads are of no use: these steps are too short for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache, reduce
from itertools import cycle

import numpy as np
from jaxtyping import Bool, Float64, Int16, Integer, UInt8, UInt32

from latune.errors import DataError
from latune.music import Grid, Melodies

BLOCK = 1 << 20  # tokens measured at once: few enough for the processor's cache, many for what a call costs


class Block:
    """Some melodies as rows of tokens `(n, t)`, and what attributes are made of, computed when first asked for.

    >>> from latune.music import GRIDS
    >>> block = Block(np.array([[7, 0, 0, 11, 0, 0] + [14] + [0] * 17], np.uint8), GRIDS["measure"])
    >>> block.counts, block.ends, block.extremes
    (array([3.]), (array([0]...), array([6]...)), (array([5]...), array([12]...)))
    """

    def __init__(self, rows: UInt8[np.ndarray, "n t"], grid: Grid) -> None:
        self.rows, self.grid = np.ascontiguousarray(rows), grid

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def onsets(self) -> Bool[np.ndarray, "n t"]:
        """Where notes start."""
        return self.rows >= self.grid.first

    @property
    def width(self) -> int:
        """Bits of a word: 24, 16 or 8, whatever fills a bar; some at its end stay empty where nothing does."""
        size = -(-self.grid.ticks // 8)
        return next(8 * width for width in (3, 2, 1) if size % width == 0)

    @cached_property
    def words(self) -> UInt32[np.ndarray, "n words"]:
        """Where notes start, a bit each, the earliest the highest; one word or several a bar."""
        if self.grid.ticks % 8:
            packed = np.packbits(self.onsets.reshape(len(self), self.grid.bars, self.grid.ticks), axis=-1)
        else:
            packed = np.packbits(self.onsets)
        packed = packed.reshape(-1, self.width // 8)
        words = packed[:, 0].astype(np.uint32)
        for k in range(1, packed.shape[1]):
            words <<= 8
            words |= packed[:, k]
        return words.reshape(len(self), len(_word_starts(self.grid.bars, self.grid.ticks, self.width)))

    def weighed(self, weights: tuple[int, ...]) -> Float64[np.ndarray, " n"]:
        """The sum of the weights of the places of a bar where notes start, over all bars; whole numbers, so exact."""
        tables, half = _weight_tables(weights, self.width), self.width // 2
        total = np.zeros(len(self))
        for word, (high, low) in zip(self.words.T, cycle(tables), strict=False):
            total += high.take(word >> half) + low.take(word & ((1 << half) - 1))
        return total

    @cached_property
    def counts(self) -> Float64[np.ndarray, " n"]:
        """How many notes start."""
        return np.bitwise_count(self.words).sum(1, dtype=float)

    @cached_property
    def ends(self) -> tuple[Integer[np.ndarray, " n"], Integer[np.ndarray, " n"]]:
        """The steps of the first and of the last onset; the same step twice where there is none."""
        starts = _word_starts(self.grid.bars, self.grid.ticks, self.width)
        empty = self.words == 0
        firsts = np.where(empty, self.grid.steps - 1, starts + self._place(self.words))
        lasts = np.where(empty, 0, starts + self._place(self.words & -self.words))  # the lowest bit alone
        first, last = reduce(np.minimum, firsts.T), reduce(np.maximum, lasts.T)
        return np.minimum(first, last), last

    def _place(self, words: UInt32[np.ndarray, "n words"]) -> Integer[np.ndarray, "n words"]:
        """The place of the highest bit: 24 bits are exact in a float32, whose exponent is the logarithm."""
        return self.width + 126 - (words.astype(np.float32).view(np.int32) >> 23)

    @cached_property
    def extremes(self) -> tuple[Int16[np.ndarray, " n"], Int16[np.ndarray, " n"]]:
        """The lowest and the highest note, from the grid's lowest; the lowest above the highest where there is none."""
        rows, first = self.rows, self.grid.first
        if rows.shape[1] % 4:
            rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))  # with holds
        parts = rows.view(np.uint32).T.copy().view(np.uint8)  # (t / 4, n 4), never the rows themselves
        highest = _of_bytes(np.maximum, np.maximum.reduce(parts))
        parts -= np.uint8(first)  # holds and rests wrap to above all notes
        lowest = _of_bytes(np.minimum, np.minimum.reduce(parts))
        return lowest.astype(np.int16), highest.astype(np.int16) - first


Measure = Callable[[Block], np.ndarray]


def in_blocks(melodies: Melodies, measures: Mapping[str, Measure]) -> dict[str, Float64[np.ndarray, " n"]]:
    """What each of `measures` says of all melodies, asked block by block.

    Raises:
        DataError: for anything but melodies, or for sheets of them `(n, k, t)`.
    """
    if not isinstance(melodies, Melodies):
        raise DataError(
            f"Attributes of melodies are measured on latune.music.Melodies. Got {type(melodies).__name__}. "
            "Tokens become melodies with Melodies(tokens, grid)."
        )
    if len(melodies.shape) != 2:
        raise DataError(
            f"Attributes are measured on melodies of shape (n, {melodies.grid.steps}), a number for each. "
            f"Got {melodies.shape}. Lay them one after the other with melodies.flat()."
        )
    tokens, grid = melodies.tokens, melodies.grid
    size = max(1, BLOCK // grid.steps)
    values = {name: np.empty(len(tokens)) for name in measures}
    for start in range(0, max(len(tokens), 1), size):  # none are asked too, so that what cannot be measured is refused
        where = slice(start, start + size)
        block = Block(tokens[where], grid)
        for name, measure in measures.items():
            values[name][where] = measure(block)
    return values


def _of_bytes(how: np.ufunc, rows: UInt8[np.ndarray, " bytes"]) -> UInt8[np.ndarray, " n"]:
    """`how.reduce` of every four bytes: halves of a word meet in its lower half; the upper is of no use."""
    for shift in (16, 8):
        rows = how(rows, (rows.view("<u4") >> np.uint32(shift)).view(np.uint8))
    return rows[::4]


@lru_cache
def _word_starts(bars: int, ticks: int, width: int) -> Integer[np.ndarray, " words"]:
    """The step of each word's highest bit."""
    return (np.arange(bars, dtype=np.int32)[:, None] * ticks + np.arange(0, ticks, width, dtype=np.int32)).ravel()


@lru_cache
def _weight_tables(weights: tuple[int, ...], width: int) -> Float64[np.ndarray, "words 2 values"]:
    """What each value of each half of each word of a bar weighs."""
    half = width // 2
    padded = np.zeros((-(-len(weights) // width), 2, half))
    padded.flat[: len(weights)] = weights
    bits = np.arange(1 << half)[:, None] >> np.arange(half)[::-1] & 1  # (values, half)
    return padded @ bits.T

"""Rhythm of melodies: complexity by Toussaint's weights, and syncopation by Longuet-Higgins and Lee."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float64

from latune.attributes.tokens import Block
from latune.errors import DataError
from latune.music import GRIDS, Grid

# hundredths, of the ticks at 0, 1/4, 1/3, 1/2, 2/3 and 3/4 of a beat; only the beats differ. Sum 27.79.
_WITHIN = (100, 200, 50, 200, 100)
TICK_WEIGHTS: tuple[int, ...] = (20, *_WITHIN, 67, *_WITHIN, 25, *_WITHIN, 67, *_WITHIN)

# how strong the 16 steps of a bar are: bar, half, quarter, eighth, sixteenth
STRENGTHS: tuple[int, ...] = (0, -4, -3, -4, -2, -4, -3, -4, -1, -4, -3, -4, -2, -4, -3, -4)
MOST_SYNCOPATED = 15  # of one bar: an onset on every second sixteenth, none on the next downbeat


def weights(grid: Grid) -> tuple[int, ...] | None:
    """What an onset weighs at each place of a bar, in hundredths; None where the grid has other places than the table.

    >>> weights(GRIDS["melody"])
    (20, 100, 50, 100, 67, 100, 50, 100, 25, 100, 50, 100, 67, 100, 50, 100)
    >>> sum(weights(GRIDS["measure"]))
    2779
    """
    table = dict(zip(GRIDS["measure"].places, TICK_WEIGHTS, strict=True))
    if grid.length != GRIDS["measure"].length or not set(grid.places) <= table.keys():
        return None
    return tuple(table[place] for place in grid.places)


def in_sixteenths(grid: Grid) -> bool:
    """Whether bars of a grid are 16 steps of a sixteenth."""
    return grid.length == GRIDS["melody"].length and grid.places == GRIDS["melody"].places


def rhythmic_complexity(block: Block) -> Float64[np.ndarray, " n"]:
    r"""How many notes start where the metre is weak; the mean over bars, 0 of silence and 1 of an onset at every place.

    .. math:: r = \sum_t o_t f_t \Big/ \sum_t f_t

    with :math:`o_t = 1` where a note starts, and the weights :math:`f` of Pati & Lerch 2020
    (https://arxiv.org/abs/2004.05485): reciprocals of the metrical hierarchy 5 1 2 1 3 1 2 1 4 1 2 1 3 1 2 1 of
    Toussaint 2002 ("A mathematical analysis of African, Brazilian and Cuban clave rhythms", Bridges,
    https://archive.bridgesmathart.org/2002/bridges2002-157.html), with 2 for the ticks of triplets:

    ====================  ====  ===  ===  ===  ===  ===
    place in the beat     0     1/4  1/3  1/2  2/3  3/4
    ====================  ====  ===  ===  ===  ===  ===
    first beat            .20   1    2    .5   2    1
    third beat            .25   1    2    .5   2    1
    second, fourth beat   .67   1    2    .5   2    1
    ====================  ====  ===  ===  ===  ===  ===

    What is odd is kept: the second and fourth beat have .67 where the hierarchy would give 1/3, and more notes are more
    complex, so that complexity and density are nearly one (correlation .96 on Bach's bars). Of 16 steps the weights are
    those at the same places: their sum is 11.79.

    Raises:
        DataError: where bars are not 4 quarter notes, or have places that are none of the 24 ticks.

    >>> four = Block(np.array([[7, 0, 0, 0, 0, 0] * 4], np.uint8), GRIDS["measure"])
    >>> rhythmic_complexity(four).round(7)
    array([0.0644117])
    """

    table = weights(block.grid)
    if table is None:
        raise DataError(
            "Rhythmic complexity has weights for places of AR-VAE's 24 ticks in bars of 4 quarter notes. The grid "
            f"'{block.grid.name}' has bars of {block.grid.length:g} with other places."
        )
    return block.weighed(table) / (sum(table) * block.grid.bars)


def syncopation(block: Block) -> Float64[np.ndarray, " n"]:
    r"""How strong the steps are that stay silent after a weaker onset: the sum over notes, per bar.

    .. math:: s = \frac{1}{bars} \sum_{notes} \max(0, \max_{t \in silent(note)} w_t - w_{onset})

    where silent are all steps after the onset and before the next one, held or resting, across bar lines, up to the end
    of the melody; :math:`w` is 0 on the first step of a bar, -1 on its middle, -2 on the other quarters, -3 on the
    other eighths and -4 on the other sixteenths. Each note has one partner, the strongest silent step. In units of
    these levels.

    The pairs of note and rest (or tie) and their strength are Longuet-Higgins & Lee's 1984 ("The rhythmic
    interpretation of monophonic music", Music Perception 1(4), https://doi.org/10.2307/40285271); their sum as the
    syncopation of a rhythm is Fitch & Rosenfeld's 2007 (https://doi.org/10.1525/mp.2007.25.1.43).

    Raises:
        DataError: where bars are not 16 steps of a sixteenth.

    >>> clave = [60, 0, 0, 60, 0, 0, 60, 0, 0, 0, 60, 0, 60, 0, 0, 0]
    >>> syncopation(Block(np.array([clave * 16], np.uint8), GRIDS["melody"]))
    array([4.])
    """

    grid = block.grid
    if not in_sixteenths(grid):
        raise DataError(
            f"Syncopation is measured in bars of 16 steps of a sixteenth. The grid '{grid.name}' has {grid.ticks} "
            f"places in a bar of {grid.length:g} quarter notes."
        )
    rhythms = block.words.copy()  # (n, bars)
    rhythms[:, :-1] |= (block.words[:, 1:] < 1 << 15).astype(np.uint32) << 16  # the next downbeat is silent
    total = np.zeros(len(block))
    for rhythm in rhythms.T:
        total += np.take(_syncopation_table(), rhythm)
    return total / grid.bars


@lru_cache
def _syncopation_table() -> np.ndarray:
    """Of all 65,536 rhythms of a bar, before an onset on the next downbeat, then before a silent one."""
    rhythms = np.arange(1 << 17)
    total = np.zeros(len(rhythms), np.int64)
    silent = np.where(rhythms < 1 << 16, -9, 0)  # the strongest silent step before the next onset; -9 is none
    for step in reversed(range(16)):
        onset = (rhythms >> (15 - step) & 1).astype(bool)
        total += np.where(onset, np.maximum(silent - STRENGTHS[step], 0), 0)
        silent = np.where(onset, -9, np.maximum(silent, STRENGTHS[step]))
    return total.astype(np.uint8)

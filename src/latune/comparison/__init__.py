"""Scores over seeds: medians and ranges of evaluated runs, and what two recipes differ by, seed for seed.

`results.py` reads runs, `groups.py` puts those of one recipe together, `pairing.py` pairs them and says what speaks
against it, `differences.py` has the statistics, `comparison.py` what is known in the end, `figures.py` and `planes.py`
draw it.
"""

from latune.comparison.comparison import Comparison
from latune.comparison.differences import Difference, paired_difference, unpaired_difference
from latune.comparison.groups import Group, Spread
from latune.comparison.pairing import compare
from latune.comparison.results import Result, read_result

__all__ = [
    "Comparison",
    "Difference",
    "Group",
    "Result",
    "Spread",
    "compare",
    "paired_difference",
    "read_result",
    "unpaired_difference",
]

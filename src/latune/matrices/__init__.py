"""Codes and attributes in files, of anybody's model: read, matched row by row, and scored by every metric.

`text.py` reads CSV files, `columns.py` every format, `matching.py` puts codes and attributes beside each other,
`scoring.py` measures. In Python, where arrays are at hand already, `latune.metrics.disentanglement` needs none of it.
"""

from latune.matrices.columns import Columns, read_columns
from latune.matrices.matching import Matrices, read_matrices
from latune.matrices.scoring import MatrixScores, measure_files, measure_matrices

__all__ = [
    "Columns",
    "Matrices",
    "MatrixScores",
    "measure_files",
    "measure_matrices",
    "read_columns",
    "read_matrices",
]

"""Metrics: codes and attributes, or samples and data, to scores. They know no model.

`METRICS` names the disentanglement metrics: functions of `(codes, values, names, discrete=None, seed=0, resamples=200)`
that return a `Score`; `disentanglement` computes all of them. A new one is a file here and a line in `suite.py`.
"""

from latune.metrics.bootstrap import RESAMPLES, Resamples, interval
from latune.metrics.evidence import Evidence, NotApplicable, gather
from latune.metrics.information import entropies, mutual_information_matrix, self_information
from latune.metrics.interpretability import interpretability
from latune.metrics.mig import mig, mig_arvae, mig_ksg
from latune.metrics.modularity import modularity, modularity_used
from latune.metrics.monotonicity import monotonicity
from latune.metrics.reconstruction import mean_squared_error, pixel_accuracy
from latune.metrics.sap import sap
from latune.metrics.scc import scc
from latune.metrics.score import Score
from latune.metrics.suite import METRICS, disentanglement

__all__ = [
    "METRICS",
    "RESAMPLES",
    "Evidence",
    "NotApplicable",
    "Resamples",
    "Score",
    "disentanglement",
    "entropies",
    "gather",
    "interpretability",
    "interval",
    "mean_squared_error",
    "mig",
    "mig_arvae",
    "mig_ksg",
    "modularity",
    "modularity_used",
    "monotonicity",
    "mutual_information_matrix",
    "pixel_accuracy",
    "sap",
    "scc",
    "self_information",
]

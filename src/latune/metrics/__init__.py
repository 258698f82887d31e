"""Metrics: codes and attributes, or samples and data, to scores. They know no model.

`METRICS` names the disentanglement metrics: functions of `(codes, values, names, discrete=None, seed=0, resamples=200)`
that return a `Score`; `disentanglement` computes all of them. A new one is a file here and a line in `suite.py`.
"""

from latune.metrics.attribute_change import attribute_change, latent_density_ratio
from latune.metrics.beta_vae import beta_vae
from latune.metrics.bootstrap import RESAMPLES, Resamples, interval
from latune.metrics.completion import completed_class, completion_spread
from latune.metrics.dci import dci, dci_completeness, dci_disentanglement, dci_informativeness
from latune.metrics.diversity import diversity
from latune.metrics.evidence import Evidence, NotApplicable, gather
from latune.metrics.explicitness import explicitness
from latune.metrics.factor_vae import factor_vae
from latune.metrics.frechet import feature_spread, frechet_distance, gaussian_frechet
from latune.metrics.information import entropies, mutual_information_matrix, self_information
from latune.metrics.interpretability import interpretability
from latune.metrics.irs import irs
from latune.metrics.leakage import change, leakage, slider_leakage
from latune.metrics.likelihood import (
    importance_weighted_bound,
    linear_gaussian_log_likelihood,
    linear_gaussian_posterior,
)
from latune.metrics.mig import mig, mig_arvae, mig_ksg
from latune.metrics.mixing import (
    autocorrelation,
    autocorrelation_time,
    class_changes,
    classes_visited,
    nearest_distance,
    through_time,
)
from latune.metrics.modularity import modularity, modularity_used
from latune.metrics.monotonicity import monotonicity
from latune.metrics.parzen import parzen, parzen_log_likelihood
from latune.metrics.precision_recall import density_coverage, precision_recall
from latune.metrics.preservation import nearest_neighbour_identity, preserved_class
from latune.metrics.realism import realism_shift
from latune.metrics.reconstruction import mean_squared_error, pixel_accuracy
from latune.metrics.recovery import recovery
from latune.metrics.sap import sap
from latune.metrics.sap_svm import sap_svm
from latune.metrics.scc import scc
from latune.metrics.score import Score
from latune.metrics.sliders import consistency, linearity, restrictiveness
from latune.metrics.success import success
from latune.metrics.suite import METRICS, disentanglement
from latune.metrics.zmse import zmse

__all__ = [
    "METRICS",
    "RESAMPLES",
    "Evidence",
    "NotApplicable",
    "Resamples",
    "Score",
    "attribute_change",
    "autocorrelation",
    "autocorrelation_time",
    "beta_vae",
    "change",
    "class_changes",
    "classes_visited",
    "completed_class",
    "completion_spread",
    "consistency",
    "dci",
    "dci_completeness",
    "dci_disentanglement",
    "dci_informativeness",
    "density_coverage",
    "disentanglement",
    "diversity",
    "entropies",
    "explicitness",
    "factor_vae",
    "feature_spread",
    "frechet_distance",
    "gather",
    "gaussian_frechet",
    "importance_weighted_bound",
    "interpretability",
    "interval",
    "irs",
    "latent_density_ratio",
    "leakage",
    "linear_gaussian_log_likelihood",
    "linear_gaussian_posterior",
    "linearity",
    "mean_squared_error",
    "mig",
    "mig_arvae",
    "mig_ksg",
    "modularity",
    "modularity_used",
    "monotonicity",
    "mutual_information_matrix",
    "nearest_distance",
    "nearest_neighbour_identity",
    "parzen",
    "parzen_log_likelihood",
    "pixel_accuracy",
    "precision_recall",
    "preserved_class",
    "realism_shift",
    "recovery",
    "restrictiveness",
    "sap",
    "sap_svm",
    "scc",
    "self_information",
    "slider_leakage",
    "success",
    "through_time",
    "zmse",
]

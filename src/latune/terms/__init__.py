"""What is minimised: each term is a function returning a scalar in nats, sums over dimensions, means over examples."""

from latune.terms.critics import (
    PULLS,
    believe,
    discriminate,
    energy_distance,
    gradient_penalty,
    least_discriminate,
    near,
    r1,
    slope,
)
from latune.terms.elbo import kl, kl_per_example, reconstruction
from latune.terms.information import (
    agreement,
    asymmetry,
    equivariance,
    faintness,
    ima_contrast,
    information,
    unevenness,
)
from latune.terms.likelihoods import LIKELIHOODS, Bernoulli, Categorical, Gaussian, Likelihood
from latune.terms.order import attribute_order
from latune.terms.shaping import covariance_gap, guide_loss, mean_gap, spread

TERMS = {
    "reconstruction": reconstruction,
    "kl": kl,
    "attribute_order": attribute_order,
    "discriminate": discriminate,
    "believe": believe,
    "gradient_penalty": gradient_penalty,
    "r1": r1,
    "near": near,
    "energy_distance": energy_distance,
    "information": information,
    "agreement": agreement,
    "equivariance": equivariance,
    "unevenness": unevenness,
    "ima_contrast": ima_contrast,
    "asymmetry": asymmetry,
    "faintness": faintness,
    "spread": spread,
    "guide_loss": guide_loss,
    "mean_gap": mean_gap,
    "covariance_gap": covariance_gap,
}

__all__ = [
    "LIKELIHOODS",
    "PULLS",
    "TERMS",
    "Bernoulli",
    "Categorical",
    "Gaussian",
    "Likelihood",
    "agreement",
    "asymmetry",
    "attribute_order",
    "believe",
    "covariance_gap",
    "discriminate",
    "energy_distance",
    "equivariance",
    "faintness",
    "gradient_penalty",
    "guide_loss",
    "ima_contrast",
    "information",
    "kl",
    "kl_per_example",
    "least_discriminate",
    "mean_gap",
    "near",
    "r1",
    "reconstruction",
    "slope",
    "spread",
    "unevenness",
]

"""What is minimised: each term is a function returning a scalar in nats, sums over dimensions, means over examples."""

from latune.terms.elbo import kl, kl_per_example, reconstruction
from latune.terms.likelihoods import LIKELIHOODS, Bernoulli, Categorical, Gaussian, Likelihood
from latune.terms.order import attribute_order

TERMS = {"reconstruction": reconstruction, "kl": kl, "attribute_order": attribute_order}

__all__ = [
    "LIKELIHOODS",
    "TERMS",
    "Bernoulli",
    "Categorical",
    "Gaussian",
    "Likelihood",
    "attribute_order",
    "kl",
    "kl_per_example",
    "reconstruction",
]

"""What each metric says, and how it misleads."""

from __future__ import annotations

from dataclasses import dataclass

GROUPS = {
    "likelihood": "Likelihood",
    "images": "What comes back",
    "classes": "Classes that it found by itself",
    "one": "One slider, one attribute",
    "only": "Only that slider",
    "probes": "Probes: what can be read off all coordinates",
    "interventions": "Attributes held fixed",
    "sliders": "Sliders that are moved",
    "samples": "Samples from the prior",
    "": "Other scores",
}


@dataclass(frozen=True)
class Meaning:
    """A metric in words.

    Args:
        title: its name in a table.
        says: what it means, in one line.
        trap: how it misleads, in one line.
        better: `higher`, `lower`, or empty where neither is.
        group: which question it answers; a key of `GROUPS`.
    """

    title: str
    says: str
    trap: str
    better: str = "higher"
    group: str = ""


# fmt: off
MEANINGS = {
    # --- likelihood ----------------------------------------------------------------------------------------------
    "elbo": Meaning(
        "ELBO",
        "A lower bound on log p(x): minus reconstruction, minus KL; nats an example.",
        "It compares only models of one likelihood on the same data; one code is drawn an example.",
        group="likelihood",
    ),
    "reconstruction": Meaning(
        "Reconstruction",
        "−log p(x|z) of a code drawn from the posterior; nats an example.",
        "Under a Bernoulli likelihood its floor is not zero: grey pixels keep their own entropy.",
        "lower", "likelihood",
    ),
    "kl": Meaning(
        "KL",
        "How much the code of an example departs from the prior; nats an example.",
        "Neither end is good: near zero the code is ignored, far from it the prior gives poor samples.",
        "", "likelihood",
    ),
    "importance-weighted-bound": Meaning(
        "Importance-weighted bound",
        "A tighter lower bound on log p(x), from K weighted draws of the posterior an image; nats an example.",
        "It rises with K whatever the model: compare at equal K, likelihood and pixels only.",
        group="likelihood",
    ),
    # --- images --------------------------------------------------------------------------------------------------
    "pixel-accuracy": Meaning(
        "Pixel accuracy",
        "Share of pixels on the same side of 0.5 as in the original, decoded from the codes that were measured.",
        "An empty background counts as right.",
        group="images",
    ),
    "token-accuracy": Meaning(
        "Token accuracy",
        "Share of tokens that come back, each chosen as the likeliest after those that were chosen before it.",
        "Most tokens hold a note: a melody without any change has many of them right.",
        group="images",
    ),
    "mean-squared-error": Meaning(
        "Mean squared error",
        "Squared difference of pixels in [0, 1], decoded from the codes that were measured.",
        "It rewards blur over detail in the wrong place.",
        "lower", "images",
    ),
    # --- classes that were found ---------------------------------------------------------------------------------
    "recovery": Meaning(
        "Classes found",
        "Share of examples of the right class, where each class that the model found has a name of its own.",
        "Names are chosen on training examples with labels: it is a classifier by courtesy of these.",
        group="classes",
    ),
    "recovery-majority": Meaning(
        "Classes found, names shared",
        "The same where each found class is called after most of its examples, and two may be called alike.",
        "It is never lower, and with many found classes it says little.",
        group="classes",
    ),
    # --- one slider, one attribute -------------------------------------------------------------------------------
    "interpretability": Meaning(
        "Interpretability",
        "R² of a straight line to an attribute from the coordinate that tells most of it (Pati & Lerch 2020).",
        "The coordinate is the one that wins, not the one with the name; a perfect but curved relation stays below 1.",
        group="one",
    ),
    "scc": Meaning(
        "SCC",
        "The largest absolute Spearman correlation of an attribute with a coordinate.",
        "It says nothing of the other coordinates: all of them may follow the same attribute.",
        group="one",
    ),
    # --- only that slider ----------------------------------------------------------------------------------------
    "sap": Meaning(
        "SAP",
        "How far the best coordinate leads the second best, in squared correlation.",
        "Attributes that go together in the data (length and area) cannot lead by much, however good the model.",
        group="only",
    ),
    "sap-svm": Meaning(
        "SAP by classifiers",
        "How far the best coordinate leads in the balanced accuracy of a linear classifier on it alone.",
        "A continuous attribute is cut in two at its median: another number than SAP, and coarser.",
        group="only",
    ),
    "mig": Meaning(
        "MIG",
        "How far the best coordinate leads in mutual information, as a share of the attribute's entropy (20 bins).",
        "Bins decide: on few rows the estimate is biased, and other papers' numbers use other bins or classes.",
        group="only",
    ),
    "mig-ksg": Meaning(
        "MIG by nearest neighbours",
        "The same lead with information from nearest neighbours: codes are not cut into bins, attributes are.",
        "Another estimate, another number: not to be put beside a MIG of histograms.",
        group="only",
    ),
    "mig-arvae": Meaning(
        "MIG as in AR-VAE",
        "The same lead by nearest neighbours, divided by the attribute's estimated information with itself.",
        "The divisor grows with the number of rows: compare only with numbers from as many rows.",
        group="only",
    ),
    "modularity": Meaning(
        "Modularity",
        "Whether each coordinate tells of one attribute only; mean over all coordinates.",
        "Idle coordinates get arbitrary scores from noise, so it hardly separates models.",
        group="only",
    ),
    "modularity-used": Meaning(
        "Modularity, used",
        "The same over the coordinates that tell of some attribute above chance.",
        "What is above chance depends on the number of rows, and a single used coordinate can score 1.",
        group="only",
    ),
    # --- probes --------------------------------------------------------------------------------------------------
    "explicitness": Meaning(
        "Explicitness",
        "How well a logistic regression on all coordinates ranks each class of an attribute: 2 AUC − 1, 0 by chance.",
        "High for entangled codes too: it asks only whether the attribute, cut in two where continuous, is in there.",
        group="probes",
    ),
    "dci-disentanglement": Meaning(
        "DCI disentanglement",
        "Whether each coordinate matters to the prediction of one attribute only; weighted by how much it matters.",
        "It describes the importances of extra trees: another regressor, or other settings, is another number."
        " The interval keeps the trees: about half as wide as it should be.",
        group="probes",
    ),
    "dci-completeness": Meaning(
        "DCI completeness",
        "Whether each attribute is predicted from one coordinate only.",
        "Two coordinates that say the same share the importance by chance; the trees decide."
        " The interval keeps the trees: about half as wide as it should be.",
        group="probes",
    ),
    "dci-informativeness": Meaning(
        "DCI informativeness",
        "How well extra trees predict an attribute from all coordinates, on examples they have not seen.",
        "It grows with the strength of the trees and with rows, and says nothing of disentanglement.",
        group="probes",
    ),
    # --- interventions -------------------------------------------------------------------------------------------
    "factor-vae": Meaning(
        "FactorVAE score",
        "Hold one attribute: does the coordinate that then varies least give away which? Share of right answers.",
        "Only the winner counts: coordinates that mix all attributes score 1 as long as each leans on one.",
        group="interventions",
    ),
    "beta-vae": Meaning(
        "β-VAE score",
        "Hold one attribute in pairs: does a linear classifier tell from the mean difference of codes which?",
        "Nearly every model comes close to 1, even for an attribute that no coordinate tells.",
        group="interventions",
    ),
    "irs": Meaning(
        "IRS",
        "How little a coordinate moves when attributes other than its own are changed, at worst.",
        "A coordinate that hardly reacts to anything counts as robust; the worst case grows with the rows.",
        group="interventions",
    ),
    # --- sliders -------------------------------------------------------------------------------------------------
    "monotonicity": Meaning(
        "Monotonicity",
        "Spearman correlation between a slider and the attribute measured on what is decoded, mean over examples.",
        "Order only: a slider that moves its attribute by a hair can score 1, so look at its reach too.",
        group="sliders",
    ),
    "linearity": Meaning(
        "Linearity",
        "R² of a straight line from slider to attribute, one line an example.",
        "A slider that works backwards scores as well as one that works: monotonicity has the sign.",
        group="sliders",
    ),
    "consistency": Meaning(
        "Consistency",
        "Whether a position of the slider means the same attribute value in every example; 1 if exactly.",
        "A slider that makes all examples look alike has 1; one that does nothing has about 0.",
        group="sliders",
    ),
    "restrictiveness": Meaning(
        "Restrictiveness",
        "Whether the other attributes stand still while a slider moves; 1 if they do.",
        "A slider that moves nothing has 1, and attributes that go together by nature lower it in any model.",
        group="sliders",
    ),
    "slider-leakage": Meaning(
        "Leakage",
        "How far the other attributes are from where they were, along a slider, in standard deviations of the data.",
        "It grows with how far the slider goes: compare at equal positions, beside how far the own attribute went.",
        "lower", "sliders",
    ),
    # --- samples -------------------------------------------------------------------------------------------------
    "frechet-distance": Meaning(
        "Fréchet distance",
        "Distance between normal distributions fitted to features of samples and of held-out images.",
        "In features of our own classifier, so no FID of a paper compares; biased upwards on few samples.",
        "lower", "samples",
    ),
    "precision": Meaning(
        "Precision",
        "Share of samples that lie within reach of a held-out image, among nearest neighbours in features.",
        "Outliers among the held-out images widen the reach; a model that draws one good image scores 1.",
        group="samples",
    ),
    "recall": Meaning(
        "Recall",
        "Share of held-out images that lie within reach of a sample.",
        "Outliers among the samples widen the reach; it depends on the neighbours and on the number of samples.",
        group="samples",
    ),
    "density": Meaning(
        "Density",
        "How many held-out images' neighbourhoods a sample lies in, against how many are expected.",
        "It may exceed 1 where samples crowd into the dense middle of the data.",
        group="samples",
    ),
    "coverage": Meaning(
        "Coverage",
        "Share of held-out images that have a sample in their neighbourhood.",
        "It grows with the number of samples and of neighbours: compare at equal numbers.",
        group="samples",
    ),
    "feature-spread": Meaning(
        "Spread of features",
        "How far samples of one class lie from their mean in features; compare with that of real images.",
        "Noise spreads as well as variety does: read it beside precision. Classes are those the classifier sees.",
        "", "samples",
    ),
    "parzen": Meaning(
        "Parzen window",
        "Log density of held-out images under Gaussians around samples, their width chosen on validation images; nats.",
        "Not a likelihood: blurred samples, and even k-means centroids, beat the training images themselves.",
        group="samples",
    ),
}
# fmt: on


def meaning(name: str) -> Meaning:
    """The words for a metric; a metric without any goes by its name."""
    return MEANINGS.get(name, Meaning(name, "", "", ""))

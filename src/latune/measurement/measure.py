"""What is computed from the pass: scores of images, of codes beside attributes, and of sliders that are moved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from latune.bounds import EXAMPLES, likelihood_bound
from latune.bounds import SAMPLES as WEIGHTS
from latune.data import Dataset, spread
from latune.errors import DataError, unknown
from latune.measurement.classes import of_classes
from latune.measurement.encoding import CODES, THRESHOLD, TRAVERSED, Pass, encoding_pass, positions, slider_responses
from latune.measurement.result import Information, Measurement
from latune.metrics import RESAMPLES, Evidence, Resamples, Score, disentanglement, gather, interval, monotonicity
from latune.metrics.bootstrap import LEVEL
from latune.metrics.evidence import FEWEST_ROWS, SAME
from latune.space import Space

MOST_ROWS = 10_000  # rows for the disentanglement metrics
USUAL = ("images", "codes", "sliders")  # what is measured unless told otherwise
ASKED = ("bound", "samples", "parzen")  # what takes longer, and is measured when it is asked for
PARTS = USUAL + ASKED
NATS = {"unit": "nats an example"}


def measure_space(
    space: Space,
    data: Any,
    split: str = "test",
    codes: str = "mean",
    seed: int = 0,
    limit: int = MOST_ROWS,
    resamples: int = RESAMPLES,
    parts: Sequence[str] = USUAL,
    weights: int = WEIGHTS,
    classifier: Any = None,
    folder: Path | str | None = None,
) -> Measurement:
    """Measure a space on a split: ELBO, reconstruction, disentanglement, and whether its sliders do what they say.

    Args:
        space: what to measure.
        data: a data set with the attributes that the space names.
        split: `test` unless told otherwise; what a setting was chosen on is never what is reported.
        codes: `mean` of the posterior, or one `sample` an example (what AR-VAE's authors report): the scores of
            attributes are of these codes, and so are the images decoded for pixel accuracy and squared error.
        seed: of sampled codes, of the metrics' tie-breaking noise, and of resamples.
        limit: most examples that are measured, evenly spread over the split.
        resamples: bootstrap resamples of the examples for the 95 % intervals; 0 for none.
        parts: what is measured. `images`: ELBO, reconstruction, KL, pixel accuracy, squared error. `codes`: every
            metric of disentanglement, and how good codes of classes are as classifiers. `sliders`: what their
            attributes do when they are moved. These are the usual ones; three more take longer. `bound`: the
            importance-weighted bound of at most 1,000 examples. `samples`: Fréchet distance, precision, recall,
            density, coverage and spread of samples from the prior, in features of a classifier of the data's own
            classes. `parzen`: Parzen windows around samples, and around training images.
        weights: importance weights an example, for `bound`.
        classifier: a `latune.classifier.Classifier`, for `samples`; one is trained where it is None.
        folder: where the trained classifier is kept and found again; None keeps it in memory.

    With fewer than five examples the attributes' scores are left out, and `notes` says so.

    Raises:
        DataError: for other codes than `mean` or `sample`, for a part there is not, and for data that do not fit: no
            such split, or an empty one, images of another shape, or attributes that are missing.
    """
    _check(space, data, split, codes, limit, resamples, parts)
    rows = spread(data.splits[split], limit)
    once = encoding_pass(space, data, rows, seed, codes)
    scores: dict[str, Score] = {}
    notes: list[str] = []
    evidence = None
    if "images" in parts and space.model.likelihood is not None:
        scores |= of_images(once, codes, seed, resamples)
    elif "images" in parts:
        notes.append(
            f"{space.spec.model} has no likelihood, and does not tell all that an image was made from: scores of "
            "likelihood and reconstruction are left out."
        )
    if "codes" in parts:
        evidence, said = evidence_of(space, data, once, split, codes, seed, resamples)
        notes += said
        scores |= {} if evidence is None else disentanglement(evidence, None)
        scores |= of_classes(space, data, once, seed, resamples)
    if "sliders" in parts:
        moved, said = of_sliders(space, data, rows, split, codes, seed, resamples)
        scores |= moved
        notes += said
    if "bound" in parts:
        bound = likelihood_bound(
            space, data, split, weights, min(limit, EXAMPLES), seed, resamples if len(rows) > 1 else 0
        )
        scores[bound.name] = bound
    if "samples" in parts:
        from latune.measurement.samples import of_samples

        kept = None if folder is None else Path(folder)
        found, said = of_samples(space, data, rows, seed, resamples, classifier, kept)
        scores |= found
        notes += said
    if "parzen" in parts:
        from latune.measurement.samples import of_parzen

        found, said = of_parzen(space, data, rows, split, seed, resamples)
        scores |= found
        notes += said
    information = None if evidence is None else information_of(space, evidence)
    return Measurement(scores, split, len(rows), codes, seed, tuple(notes), information, resamples, tuple(parts), once)


def of_images(once: Pass, codes: str, seed: int, resamples: int) -> dict[str, Score]:
    """ELBO, reconstruction, KL, pixel accuracy and squared error, with intervals over examples."""
    each = once.of_images()  # (n, 5)
    settings: dict[str, dict[str, Any]] = {
        "elbo": {"samples": 1, **NATS},
        "reconstruction": {"samples": 1, **NATS},
        "kl": dict(NATS),
        "pixel-accuracy": {"threshold": THRESHOLD, "codes": codes},
        "mean-squared-error": {"codes": codes},
    }
    if not once.squared_error.isfinite().any():  # tokens, which are right or wrong
        settings["token-accuracy"] = {"decoding": "greedy", "codes": codes}
        settings = {name: settings[name] for name in ("elbo", "reconstruction", "kl", "token-accuracy")}
    sure = resamples > 0 and len(each) > 1
    again = Resamples(len(each), resamples, seed).means(each) if sure else None  # (B, 5)
    told = {"resamples": resamples, "level": LEVEL, "seed": seed} if sure else {}
    return {
        name: Score(
            name,
            float(each[:, i].mean()),
            settings=about | told,
            interval=None if again is None else interval(again[:, i]),
        )
        for i, (name, about) in enumerate(settings.items())
    }


def evidence_of(
    space: Space, data: Dataset, once: Pass, split: str, codes: str, seed: int, resamples: int
) -> tuple[Evidence | None, list[str]]:
    """Codes beside the attributes that can be scored, and what is said of those that cannot."""
    names = [name for name in space.sliders or data.attributes if data.attributes[name].kind != "categorical"]
    if not names:
        return None, []
    if len(once.rows) < FEWEST_ROWS:
        return None, [
            f"The scores of attributes need {FEWEST_ROWS} examples or more; the {split} split has {len(once.rows)}. "
            "They are left out."
        ]
    values = torch.stack([data.column(name, once.rows) for name in names], dim=1).double().cpu().numpy()
    known = (~np.isnan(values)).sum(axis=0)
    few = [name for name, count in zip(names, known, strict=True) if count < FEWEST_ROWS]
    still = [name for name, column in zip(names, values.T, strict=True) if name not in few and not _varies(column)]
    notes = [f"Known for fewer than {FEWEST_ROWS} examples, so without scores: {', '.join(few)}."] if few else []
    notes += [f"The same value in every example, so without scores: {', '.join(still)}."] if still else []
    kept = [i for i, name in enumerate(names) if name not in few + still]
    if not kept:
        return None, notes
    labels = [names[i] for i in kept]
    discrete = [data.attributes[name].kind == "binary" for name in labels]
    return gather(once.codes(codes), values[:, kept], labels, discrete, seed, resamples), notes


def of_sliders(
    space: Space, data: Dataset, rows: Tensor, split: str, codes: str, seed: int, resamples: int
) -> tuple[dict[str, Score], list[str]]:
    """What sliders do when they are moved: of those whose attribute can be measured on images and varies in the data.

    With fewer than five examples only their monotonicity, for which the spread of the data is not needed.
    """
    measurable = [name for name, attribute in space.attributes.items() if attribute.measure is not None]
    names = [name for name in space.sliders if name in measurable]
    if names and len(rows) < FEWEST_ROWS:
        return {
            "monotonicity": monotonicity(
                positions(), slider_responses(space, data, rows), seed=seed, resamples=resamples
            )
        }, []
    values = {name: data.column(name).double() for name in measurable if name in data.attributes}
    varied = [name for name, column in values.items() if _varies(column[rows.to(column.device)].cpu().numpy())]
    if not (names := [name for name in names if name in varied]):
        return {}, []
    from latune.measurement.sliders import measure_sliders

    found = measure_sliders(
        space,
        data,
        split,
        sliders=names,
        attributes=varied,
        codes=codes,
        seed=seed,
        limit=TRAVERSED,
        resamples=resamples,
    )
    return found.scores, list(found.notes)


def _varies(column: Float64[np.ndarray, " n"]) -> bool:
    """Whether what is known of a column differs between examples."""
    known = column[~np.isnan(column)]
    return len(known) >= FEWEST_ROWS and bool(np.ptp(known) > SAME * np.abs(known).max())


def information_of(space: Space, evidence: Evidence) -> Information:
    """The nearest-neighbour information that several metrics share, by the names of coordinates and attributes."""
    dims = space.codes.columns()
    return Information(
        dims=tuple(dims),
        attributes=evidence.names,
        nats=tuple(tuple(row) for row in evidence.information.matrix.tolist()),
        unused=tuple(dims[i] for i in evidence.unused_dims),
        constant=tuple(dims[i] for i in evidence.constant_dims),
        floor=evidence.noise_floor,
    )


def _check(space: Space, data: Any, split: str, codes: str, limit: int, resamples: int, parts: Sequence[str]) -> None:
    """Refuse what does not fit."""
    if codes not in CODES:
        raise DataError(f"codes is 'mean' or 'sample'. Got '{codes}'.")
    if limit < 1:
        raise DataError(f"limit is 1 or more. Got {limit}.")
    if resamples < 0 or resamples == 1:
        raise DataError(f"resamples is 0 for no intervals, or 2 and more. Got {resamples}.")
    if isinstance(parts, str):
        raise DataError(f"parts is a list, as ['{parts}']. Got the text '{parts}'.")
    if wrong := [part for part in parts if part not in PARTS]:
        raise DataError(unknown("part of a measurement", wrong[0], PARTS))
    if not isinstance(data, Dataset):
        raise DataError(
            f"A data set is measured, as from latune.data.from_arrays(images, attributes). Got a {type(data).__name__}."
        )
    if split not in data.splits:
        raise DataError(unknown(f"split of '{data.name}'", split, data.splits))
    if len(data.splits[split]) == 0:
        raise DataError(f"The {split} split of '{data.name}' is empty: there is nothing to measure.")
    if data.medium != space.medium:
        raise DataError(
            f"This space was trained on {space.medium.many} of shape {tuple(space.shape)}. Those of '{data.name}' have "
            f"{tuple(data.shape)}."
        )
    if missing := [name for name in space.sliders if name not in data.attributes]:
        raise DataError(
            f"The sliders of this space are {', '.join(space.sliders)}. '{data.name}' has no attribute "
            f"{', '.join(missing)}; it has: {', '.join(data.attributes) or 'none'}."
        )

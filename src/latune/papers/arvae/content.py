"""Fig. 7: whether a digit stays the digit it was when it is reconstructed, and when its attributes are moved."""

from __future__ import annotations

import torch
from torch import Tensor

from latune.classifier import Classifier
from latune.measurement import POSITIONS
from latune.papers.arvae.metrics import codes_and_examples
from latune.papers.arvae.sliders import dims_of, traversals
from latune.papers.experiment import Measured, Subject

TRAVERSED_AT_ONCE = 256  # digits, each decoded ten times


def preserved(subject: Subject) -> Measured:
    """Per cent of test digits that the judge takes for their own class: originals, reconstructions, traversals.

    Every test digit is decoded with every attribute's dim at each of ten values from -4 to 4. The authors' code does
    less than its paper says: its values are laid out so that a digit sees five of the ten, each twice, and the mean
    runs over a seventh entry that moves the last dim; neither is repeated here. The judge never sees a decoded image;
    the authors' feeds a softmax into the cross-entropy, which flattens its gradients, and tells 96.15 % of originals
    (Pati & Lerch 2020, sec. 4.4, https://arxiv.org/abs/2004.05485).
    """
    # One judge serves all seeds: their training splits all come from the official training images.
    variant = subject.recipe.data.variant or "original"
    name = subject.data.name if variant == "original" else f"{subject.data.name}-{variant}"
    judge = Classifier.train(subject.data, "digit", subject.runs / f"classifier-of-{name}", device=subject.space.device)
    rows = subject.rows()
    digits = subject.data.column("digit", rows).long()
    dims = dims_of(subject)
    right: dict[str, Tensor] = {key: torch.zeros((), dtype=torch.int64) for key in ("original", "reconstructed", *dims)}
    done = 0
    for z, _, x in codes_and_examples(subject, rows):
        truth = digits[done : done + len(x)]
        done += len(x)
        right["original"] += (judge.classes(x) == truth).sum().cpu()
        right["reconstructed"] += (judge.classes(subject.space.decode(z)) == truth).sum().cpu()
        for attribute, column in dims.items():
            for some, true in zip(z.split(TRAVERSED_AT_ONCE), truth.split(TRAVERSED_AT_ONCE), strict=True):
                images = traversals(subject, some, column)
                seen = judge.classes(images.flatten(0, 1)).view(len(some), POSITIONS)
                right[attribute] += (seen == true[:, None]).sum().cpu()
    share = {key: 100 * int(count) / len(rows) for key, count in right.items()}
    per_attribute = {attribute: share[attribute] / POSITIONS for attribute in dims}
    numbers = {
        "original": share["original"],
        "reconstructed": share["reconstructed"],
        "interpolated": sum(per_attribute.values()) / len(per_attribute),
    }
    return Measured(numbers, {"rows": len(rows), "dim": dims, "interpolated": per_attribute})

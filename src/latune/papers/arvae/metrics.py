"""Figs. 3 and 5: what the codes tell of the attributes, and how much of the pixels comes back."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from latune.measurement.encoding import right_share
from latune.metrics import disentanglement
from latune.papers.experiment import Measured, Subject
from latune.space import CHUNK
from latune.training import generator

COMPARED = ("interpretability", "scc", "sap", "mig-arvae", "mig", "modularity", "modularity-used")


def codes_and_examples(subject: Subject, rows: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Posterior samples, posterior means and examples of these rows, in chunks; the samples are drawn by the seed."""
    source = generator(subject.seed, "posterior samples", device=subject.space.device)
    for chunk in rows.split(CHUNK):
        x = subject.data.examples(chunk)
        q = subject.space.posterior(x)
        yield q.sample(source), q.mean, x


def sampled_codes(subject: Subject, rows: Tensor) -> Tensor:
    """One sample of the posterior an example, as the authors take it."""
    return torch.cat([z for z, _, _ in codes_and_examples(subject, rows)])


def disentangled(subject: Subject) -> Measured:
    """Fig. 3: every metric of the attributes that both arms share, all taken as numbers, as the authors take them."""
    rows, names = subject.rows(), subject.attributes
    z = sampled_codes(subject, rows)
    values = torch.stack([subject.data.column(name, rows) for name in names], dim=1)
    scores = disentanglement(z, values, names, None, subject.seed)
    numbers = {name: scores[name].value for name in COMPARED if name in scores}
    return Measured(
        numbers,
        {
            "rows": len(rows),
            "per_attribute": {name: scores[name].per_attribute for name in numbers if scores[name].per_attribute},
            "dim": scores["interpretability"].detail["dim"],
            "unused_dims": scores["interpretability"].detail["unused_dims"],
            "settings": {name: scores[name].settings for name in numbers},
        },
    )


def reconstructed(subject: Subject) -> Measured:
    """Fig. 5: per cent of pixels on the right side of one half, or of tokens, from posterior samples and from means."""
    rows = subject.rows()
    right = {"accuracy": 0.0, "accuracy-mean": 0.0}
    for z, mean, x in codes_and_examples(subject, rows):
        for name, code in (("accuracy", z), ("accuracy-mean", mean)):
            right[name] += 100 * right_share(subject.space.decode(code).plain().to(x.device), x).sum().item()
    return Measured({name: total / len(rows) for name, total in right.items()}, {"rows": len(rows)})

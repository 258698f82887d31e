"""Whether the classes that a model found by itself are those of the data: codes of classes as classifiers."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from latune.data import Dataset, spread
from latune.measurement.encoding import Pass
from latune.metrics import Score, recovery
from latune.space import CHUNK, Space

NAMED_ON = 10_000  # training examples that classes get their names on


def of_classes(space: Space, data: Dataset, once: Pass, seed: int, resamples: int) -> dict[str, Score]:
    """`recovery` of the data's categories, each by the code of classes that is nearest to it on training examples.

    A found class gets its name on training examples, one to one; the examples of the pass are scored. Nothing where the
    model has no code of classes, or the data no category that all of these examples have.
    """
    codes = [code for code in space.knobs if space.classes_of(code)]
    rows = spread(data.splits["training"], NAMED_ON)
    wanted = [name for name, attribute in data.attributes.items() if attribute.kind == "categorical"]
    targets = [name for name in wanted if all(_known(data, name, part) for part in (rows, once.rows))]
    if not codes or not targets:
        return {}
    seen = torch.cat([space.encode(data.examples(part)) for part in rows.split(CHUNK)])
    each: dict[str, dict[str, Score]] = {}
    by: dict[str, str] = {}
    for target in targets:
        truth, fit_truth = (_whole(data.column(target, part)) for part in (once.rows, rows))
        fits = {code: (_found(space, seen, code), fit_truth) for code in codes}
        code = max(codes, key=lambda code: recovery(*fits[code], resamples=0)["recovery"].value)
        by[target] = code
        found = _found(space, once.codes("mean"), code)
        each[target] = recovery(found, truth, fits[code], seed=seed, resamples=resamples)
    return {
        name: Score(
            name,
            float(np.mean([of[name].value for of in each.values()])),
            {target: of[name].value for target, of in each.items()},
            {"code": by},
            each[targets[0]][name].settings,
            each[targets[0]][name].interval if len(targets) == 1 else None,
            {target: bounds for target, of in each.items() if (bounds := of[name].interval) is not None},
        )
        for name in ("recovery", "recovery-majority")
    }


def _known(data: Dataset, name: str, rows: Tensor) -> bool:
    return not bool(data.column(name, rows).double().isnan().any())


def _whole(column: Tensor) -> Int64[np.ndarray, " n"]:
    return column.round().long().cpu().numpy()


def _found(space: Space, z: Tensor, code: str) -> Int64[np.ndarray, " n"]:
    return z[:, space.coordinates.columns(code)].argmax(1).cpu().numpy()

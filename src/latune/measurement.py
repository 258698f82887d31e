"""Everything that is measured of a Space, from one encoding pass over data it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latune.data import Dataset, spread
from latune.metrics import Score, disentanglement, mean_squared_error, monotonicity, pixel_accuracy
from latune.space import CHUNK, Space
from latune.terms import kl_per_example
from latune.training.generators import generator

TRAVERSED = 64  # examples whose sliders are moved
POSITIONS = 10  # slider positions from -4 to 4, as AR-VAE's traversals
MOST_ROWS = 10_000  # rows for the disentanglement metrics


@dataclass(frozen=True)
class Measurement:
    """What was measured, on which split, with which codes.

    Args:
        scores: by name; each knows its value, its attributes' values and the settings that define it.
        split: the data that were measured.
        n: how many examples.
        codes: `mean` or `sample` of the posterior.
        seed: of the sampled codes and of the metrics.
    """

    scores: dict[str, Score]
    split: str
    n: int
    codes: str
    seed: int

    def __getitem__(self, name: str) -> float:
        return self.scores[name].value

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        scores = {name: score.as_dict() for name, score in self.scores.items()}
        return {"split": self.split, "n": self.n, "codes": self.codes, "seed": self.seed, "scores": scores}

    def table(self) -> Any:
        """A rich table: one row a score, one column an attribute."""
        from rich import box
        from rich.table import Table

        names = list(dict.fromkeys(a for score in self.scores.values() for a in score.per_attribute))
        title = f"{self.n:,} examples of the {self.split} split, codes: posterior {self.codes}"
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("score", no_wrap=True)
        table.add_column("value", justify="right", style="bold")
        for name in names:
            table.add_column(name, justify="right")
        for name, score in self.scores.items():
            cells = [f"{score.per_attribute[a]:.3f}" if a in score.per_attribute else "" for a in names]
            table.add_row(name, f"{score.value:.4g}", *cells)
        return table

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(f"<tr><td>{escape(n)}</td><td>{s.value:.4g}</td></tr>" for n, s in self.scores.items())
        return f"<table><tr><th>score ({escape(self.split)}, n = {self.n:,})</th><th>value</th></tr>{rows}</table>"


@dataclass(frozen=True)
class Pass:
    """One encoding pass: what every metric needs."""

    mean: Tensor
    sample: Tensor
    elbo: Tensor
    reconstruction: Tensor
    kl: Tensor
    accuracy: float
    squared_error: float


@torch.no_grad()
def encoding_pass(space: Space, data: Dataset, rows: Tensor, seed: int = 0) -> Pass:
    """Encode, sample, decode and compare every example once."""
    model, source = space.model.eval(), generator(seed, "measure", device=space.device)
    parts: dict[str, list[Tensor]] = {"mean": [], "sample": [], "reconstruction": [], "kl": []}
    accuracy = squared = 0.0
    for chunk in rows.split(CHUNK):
        x = data.images(chunk).to(space.device)
        q = model.posterior(x)
        z = q.sample(source)
        parts["mean"].append(q.mean)
        parts["sample"].append(z)
        parts["reconstruction"].append(-model.likelihood.log_prob(model.raw(z), x))
        parts["kl"].append(kl_per_example(q))
        decoded = model.decode(q.mean).clamp(0, 1)
        share = len(chunk) / len(rows)
        accuracy += share * pixel_accuracy(decoded, x).value
        squared += share * mean_squared_error(decoded, x).value
    joined = {name: torch.cat(part) for name, part in parts.items()}
    return Pass(elbo=-(joined["reconstruction"] + joined["kl"]), accuracy=accuracy, squared_error=squared, **joined)


def measure_space(
    space: Space, data: Dataset, split: str = "test", codes: str = "mean", seed: int = 0, limit: int = MOST_ROWS
) -> Measurement:
    """Measure a space on a split: ELBO, reconstruction, disentanglement, and whether its sliders do what they say.

    Args:
        space: what to measure.
        data: data with the attributes that the space names.
        split: `test` unless told otherwise; what a setting was chosen on is never what is reported.
        codes: `mean` of the posterior, or one `sample` an example (what AR-VAE's authors report).
        seed: of sampled codes and of the metrics' tie-breaking noise.
        limit: most examples that are measured, evenly spread over the split.

    Raises:
        ValueError: for other codes than `mean` or `sample`.
    """
    if codes not in ("mean", "sample"):
        raise ValueError(f"codes is 'mean' or 'sample'. Got '{codes}'.")
    rows = spread(data.splits[split], limit)
    once = encoding_pass(space, data, rows, seed)
    scores = {
        "elbo": Score("elbo", once.elbo.mean().item(), settings={"samples": 1, "unit": "nats an example"}),
        "reconstruction": Score(
            "reconstruction", once.reconstruction.mean().item(), settings={"unit": "nats an example"}
        ),
        "kl": Score("kl", once.kl.mean().item(), settings={"unit": "nats an example"}),
        "pixel-accuracy": Score("pixel-accuracy", once.accuracy, settings={"threshold": 0.5, "codes": "mean"}),
        "mean-squared-error": Score("mean-squared-error", once.squared_error, settings={"codes": "mean"}),
    }
    names = [name for name in (space.sliders or data.attributes) if data.attributes[name].kind != "categorical"]
    if names:
        z = once.mean if codes == "mean" else once.sample
        values = torch.stack([data.column(name, rows) for name in names], dim=1)
        varied = [i for i in range(len(names)) if values[:, i].max() > values[:, i].min()]
        if varied:
            discrete = [data.attributes[names[i]].kind == "binary" for i in varied]
            scores |= disentanglement(z, values[:, varied], [names[i] for i in varied], discrete, seed)
    responses = slider_responses(space, data, spread(rows, TRAVERSED))
    if responses:
        scores["monotonicity"] = monotonicity(positions(), responses)
    return Measurement(scores, split, len(rows), codes, seed)


def positions() -> np.ndarray:
    """The slider positions of a traversal: 10 from -4 to 4."""
    return np.linspace(-4.0, 4.0, POSITIONS)


def slider_responses(space: Space, data: Dataset, rows: Tensor) -> dict[str, np.ndarray]:
    """For each slider whose attribute can be measured on images: the attribute `[n, k]` along its traversal."""
    measurable = [name for name in space.sliders if space.attributes[name].measure is not None]
    if not measurable:
        return {}
    x = data.images(rows)
    out = {}
    for name in measurable:
        grid = space.traverse(x, name, torch.from_numpy(positions()).float())  # (n, k, c, h, w)
        values = space.measured([name], grid.plain().flatten(0, 1))[name]
        out[name] = values.reshape(grid.shape[:2])
    return out

"""Everything that is measured of a Space, from one encoding pass over data it was not trained on."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latune.data import Dataset, spread
from latune.errors import DataError, unknown
from latune.metrics import Score, disentanglement, mean_squared_error, monotonicity, pixel_accuracy
from latune.metrics.evidence import FEWEST_ROWS
from latune.space import CHUNK, Space
from latune.terms import kl_per_example
from latune.training.generators import generator

TRAVERSED = 64  # examples whose sliders are moved
POSITIONS = 10  # slider positions from -4 to 4, as AR-VAE's traversals
MOST_ROWS = 10_000  # rows for the disentanglement metrics
CODES = ("mean", "sample")
WIDTH = 100  # of a table printed as text


@dataclass(frozen=True)
class Measurement:
    """What was measured, on which split, with which codes.

    Args:
        scores: by name; each knows its value, its attributes' values and the settings that define it.
        split: the data that were measured.
        n: how many examples.
        codes: `mean` or `sample` of the posterior.
        seed: of the sampled codes and of the metrics.
        notes: what was left out, and why.
    """

    scores: dict[str, Score]
    split: str
    n: int
    codes: str
    seed: int
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> float:
        return self.scores[name].value

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        scores = {name: score.as_dict() for name, score in self.scores.items()}
        about = {"split": self.split, "n": self.n, "codes": self.codes, "seed": self.seed, "notes": list(self.notes)}
        return about | {"scores": scores}

    @property
    def attributes(self) -> list[str]:
        """The attributes that have scores of their own."""
        return list(dict.fromkeys(name for score in self.scores.values() for name in score.per_attribute))

    def table(self) -> Any:
        """A rich table: one row a score, one column an attribute."""
        from rich import box
        from rich.markup import escape
        from rich.table import Table

        names = self.attributes
        table = Table(title=self.title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        if self.notes:
            table.caption, table.caption_justify = escape("\n".join(self.notes)), "left"
        table.add_column("score", no_wrap=True)
        table.add_column("value", justify="right", style="bold")
        for name in names:
            table.add_column(escape(name), justify="right")
        for name, score in self.scores.items():
            cells = [f"{score.per_attribute[a]:.3f}" if a in score.per_attribute else "" for a in names]
            table.add_row(name, f"{score.value:.4g}", *cells)
        return table

    @property
    def title(self) -> str:
        """What was measured, in one line."""
        return f"{self.n:,} examples of the {self.split} split, codes: posterior {self.codes}"

    def __str__(self) -> str:
        from rich.console import Console

        table = self.table()
        asked = Console(width=10_000, file=io.StringIO()).measure(table).maximum
        # A wide table is printed wide: a number that is cut is worse than a line that wraps.
        console = Console(width=max(WIDTH, asked), file=io.StringIO(), color_system=None, force_jupyter=False)
        with console.capture() as captured:
            console.print(table)
        return "\n".join(line.rstrip() for line in captured.get().splitlines()).strip("\n")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape

        names = self.attributes
        head = "".join(f"<th>{escape(cell)}</th>" for cell in ("score", "value", *names))
        rows = []
        for name, score in self.scores.items():
            parts = [f"{score.per_attribute[a]:.3f}" if a in score.per_attribute else "" for a in names]
            cells = "".join(f"<td>{part}</td>" for part in parts)
            rows.append(f"<tr><td>{escape(name)}</td><td><b>{score.value:.4g}</b></td>{cells}</tr>")
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return f"<p>{escape(self.title)}</p><table><tr>{head}</tr>{''.join(rows)}</table>{notes}"


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
def encoding_pass(space: Space, data: Dataset, rows: Tensor, seed: int = 0, codes: str = "mean") -> Pass:
    """Encode, sample, decode and compare every example once; `codes` says which are decoded for the comparison."""
    model, source = space.model.eval(), generator(seed, "measure", device=space.device)
    parts: dict[str, list[Tensor]] = {"mean": [], "sample": [], "reconstruction": [], "kl": []}
    accuracy = squared = 0.0
    for chunk in rows.split(CHUNK):
        x = data.images(chunk).to(space.device)
        q = model.posterior(x)
        z = q.sample(source)
        parts["mean"].append(q.mean)
        parts["sample"].append(z)
        raw = model.raw(z)
        parts["reconstruction"].append(-model.likelihood.log_prob(raw, x))
        parts["kl"].append(kl_per_example(q))
        decoded = (model.decode(q.mean) if codes == "mean" else model.likelihood.mean(raw)).clamp(0, 1)
        share = len(chunk) / len(rows)
        accuracy += share * pixel_accuracy(decoded, x).value
        squared += share * mean_squared_error(decoded, x).value
    joined = {name: torch.cat(part) for name, part in parts.items()}
    return Pass(elbo=-(joined["reconstruction"] + joined["kl"]), accuracy=accuracy, squared_error=squared, **joined)


def measure_space(
    space: Space, data: Any, split: str = "test", codes: str = "mean", seed: int = 0, limit: int = MOST_ROWS
) -> Measurement:
    """Measure a space on a split: ELBO, reconstruction, disentanglement, and whether its sliders do what they say.

    Args:
        space: what to measure.
        data: a data set with the attributes that the space names.
        split: `test` unless told otherwise; what a setting was chosen on is never what is reported.
        codes: `mean` of the posterior, or one `sample` an example (what AR-VAE's authors report): the scores of
            attributes are of these codes, and so are the images decoded for pixel accuracy and squared error.
        seed: of sampled codes and of the metrics' tie-breaking noise.
        limit: most examples that are measured, evenly spread over the split.

    With fewer than five examples the attributes' scores are left out, and `notes` says so.

    Raises:
        DataError: for other codes than `mean` or `sample`, and for data that do not fit: no such split, or an empty
            one, images of another shape, or attributes that are missing.
    """
    names = _measurable(space, data, split, codes, limit)
    rows = spread(data.splits[split], limit)
    once = encoding_pass(space, data, rows, seed, codes)
    notes: list[str] = []
    scores = {
        "elbo": Score("elbo", once.elbo.mean().item(), settings={"samples": 1, "unit": "nats an example"}),
        "reconstruction": Score(
            "reconstruction", once.reconstruction.mean().item(), settings={"unit": "nats an example"}
        ),
        "kl": Score("kl", once.kl.mean().item(), settings={"unit": "nats an example"}),
        "pixel-accuracy": Score("pixel-accuracy", once.accuracy, settings={"threshold": 0.5, "codes": codes}),
        "mean-squared-error": Score("mean-squared-error", once.squared_error, settings={"codes": codes}),
    }
    if names and len(rows) < FEWEST_ROWS:
        notes.append(
            f"The scores of attributes need {FEWEST_ROWS} examples or more; the {split} split has {len(rows)}. "
            "They are left out."
        )
    elif names:
        z = once.mean if codes == "mean" else once.sample
        values = torch.stack([data.column(name, rows) for name in names], dim=1)
        varied = [i for i in range(len(names)) if values[:, i].max() > values[:, i].min()]
        if len(varied) < len(names):
            still = ", ".join(name for i, name in enumerate(names) if i not in varied)
            notes.append(f"The same value in every example, so without scores: {still}.")
        if varied:
            discrete = [data.attributes[names[i]].kind == "binary" for i in varied]
            scores |= disentanglement(z, values[:, varied], [names[i] for i in varied], discrete, seed)
    responses = slider_responses(space, data, spread(rows, TRAVERSED))
    if responses:
        scores["monotonicity"] = monotonicity(positions(), responses)
    return Measurement(scores, split, len(rows), codes, seed, tuple(notes))


def _measurable(space: Space, data: Any, split: str, codes: str, limit: int) -> list[str]:
    """The attributes to score, when everything fits."""
    if codes not in CODES:
        raise DataError(f"codes is 'mean' or 'sample'. Got '{codes}'.")
    if limit < 1:
        raise DataError(f"limit is 1 or more. Got {limit}.")
    if not isinstance(data, Dataset):
        raise DataError(
            f"A data set is measured, as from latune.data.from_arrays(images, attributes). Got a {type(data).__name__}."
        )
    if split not in data.splits:
        raise DataError(unknown(f"split of '{data.name}'", split, data.splits))
    if len(data.splits[split]) == 0:
        raise DataError(f"The {split} split of '{data.name}' is empty: there is nothing to measure.")
    if tuple(data.shape) != tuple(space.shape):
        raise DataError(
            f"This space was trained on images of shape {tuple(space.shape)}. Those of '{data.name}' have "
            f"{tuple(data.shape)}."
        )
    if missing := [name for name in space.sliders if name not in data.attributes]:
        raise DataError(
            f"The sliders of this space are {', '.join(space.sliders)}. '{data.name}' has no attribute "
            f"{', '.join(missing)}; it has: {', '.join(data.attributes) or 'none'}."
        )
    return [name for name in space.sliders or data.attributes if data.attributes[name].kind != "categorical"]


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

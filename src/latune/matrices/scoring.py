"""The scores of matrices: every metric that applies, under its own name, with the settings that define it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latune.errors import DataError, unknown
from latune.matrices.matching import Matrices, read_matrices
from latune.metrics import METRICS, RESAMPLES, Score, gather

WIDTH = 100  # of a table printed as text


@dataclass(frozen=True)
class MatrixScores:
    """What was measured of codes and attributes from files.

    Args:
        scores: by metric.
        left_out: for a metric that does not apply, why.
        matrices: what was measured.
        unused: dims that tell nothing about any attribute, constant ones included.
        constant: dims that do not vary.
        best: for each attribute that some used dim tells, the dim that tells most about it.
        seed: of the noise that breaks ties, and of resamples.
        training_seed: of the training of the model whose codes these are, where it was told.
    """

    scores: Mapping[str, Score]
    left_out: Mapping[str, str]
    matrices: Matrices
    unused: tuple[int, ...]
    constant: tuple[int, ...]
    best: Mapping[str, int]
    seed: int
    training_seed: int | None = None

    def __getitem__(self, name: str) -> float:
        return self.scores[name].value

    @property
    def title(self) -> str:
        """What was measured, in one line."""
        n, d = self.matrices.codes.shape
        count = len(self.matrices.names)
        return f"{n:,} examples, {d} dim{_s(d)}, {count} attribute{_s(count)}"

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data."""
        of = self.matrices
        return {
            "files": of.files,
            "n": len(of.codes),
            "of": of.of,
            "dims": list(of.dims),
            "attributes": list(of.names),
            "discrete": [name for name, flag in zip(of.names, of.discrete, strict=True) if flag],
            "classes": of.classes,
            "examples": of.fingerprint,
            "seed": self.seed,
            "training_seed": self.training_seed,
            "unused_dims": [of.dims[i] for i in self.unused],
            "constant_dims": [of.dims[i] for i in self.constant],
            "most_informative_dim": {name: of.dims[i] for name, i in self.best.items()},
            "notes": list(of.notes),
            "left_out": dict(self.left_out),
            "scores": {name: score.as_dict() for name, score in self.scores.items()},
        }

    # --- as text -----------------------------------------------------------------------------------------------------

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.text import Text

        yield Text(self.title, style="bold")
        yield from self._tables(options.max_width)
        yield from self._settings()
        facts = {
            "unused dims": ", ".join(self.matrices.dims[i] for i in self.unused) or "none",
            "constant dims": ", ".join(self.matrices.dims[i] for i in self.constant) or "none",
        }
        facts |= {f"classes of {name}": _numbered(labels) for name, labels in self.matrices.classes.items()}
        facts |= {f"left out: {name}": why for name, why in self.left_out.items()}
        for name, what in facts.items():
            yield Text.assemble((f"{name}: ", "bold"), what)
        for note in self.matrices.notes:
            yield Text.assemble(("note: ", "yellow"), note)

    def table(self, names: Sequence[str] | None = None, summary: bool = True) -> Any:
        """A rich table: one row a metric; its value and interval, and one column an attribute.

        Args:
            names: the attributes to show; None shows all.
            summary: show value and interval.
        """
        from rich import box
        from rich.markup import escape
        from rich.table import Table

        names = self.matrices.names if names is None else names
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("score", no_wrap=True)
        sure = summary and any(score.interval is not None for score in self.scores.values())
        if summary:
            table.add_column("value", justify="right", style="bold", no_wrap=True)
        if sure:
            table.add_column("95 %", justify="right", style="dim", no_wrap=True)
        for name in names:
            table.add_column(escape(name), justify="right", overflow="fold", min_width=min(len(name), 6))
        for name, score in self.scores.items():
            cells = [f"{score.value:.3f}"] if summary else []
            cells += [_between(score.interval)] if sure else []
            cells += [f"{score.per_attribute[each]:.3f}" if each in score.per_attribute else "" for each in names]
            table.add_row(name, *cells)
        dims = [escape(self.matrices.dims[self.best[name]]) if name in self.best else "none" for name in names]
        table.add_section()
        table.add_row("most informative dim", *[""] * (summary + sure), *dims, style="dim")
        return table

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(width=WIDTH, file=io.StringIO(), color_system=None, force_jupyter=False)
        with console.capture() as captured:
            console.print(self)
        return "\n".join(line.rstrip() for line in captured.get().splitlines()).strip("\n")

    __repr__ = __str__

    def _tables(self, width: int) -> Iterator[Any]:
        """The table; where a row does not fit into a line, attributes go on in a second table, and so on."""
        from rich.console import Console

        ruler = Console(width=10_000, file=io.StringIO())
        names, summary = list(self.matrices.names), True
        while names or summary:
            count = len(names)
            while count > 1 and ruler.measure(self.table(names[:count], summary)).maximum > width:
                count -= 1
            yield self.table(names[:count], summary)
            names, summary = names[count:], False

    def _settings(self) -> Iterator[Any]:
        from rich.table import Table

        every = [score.settings for score in self.scores.values()]
        shared = {key: value for key, value in every[0].items() if all(s.get(key, ...) == value for s in every)}
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column()
        table.add_row("settings", _flat({"seed": self.seed, **shared}), style="bold")
        above = None
        for name, score in self.scores.items():
            own = {key: value for key, value in score.settings.items() if key not in shared and key != "seed"}
            table.add_row(f"  {name}", "the same" if own == above else _flat(own))
            above = own
        yield table
        yield ""


def measure_files(
    codes: Path | str,
    attributes: Path | str,
    *,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    training_seed: int | None = None,
    progress: Callable[[str], None] | None = None,
    **how: Any,
) -> MatrixScores:
    """Read codes and attributes from files, and measure them by every metric.

    Args:
        codes: `[n, d]` in a `.npy`, `.npz`, `.csv` or `.tsv` file.
        attributes: `[n, L]`, likewise.
        metrics: names in `latune.metrics.METRICS`; None takes all.
        seed: of the noise that breaks ties, and of resamples.
        resamples: bootstrap resamples for the intervals; 0 for none.
        training_seed: the seed that the model was trained from, kept so that runs can be paired by it.
        progress: called with what is being done.
        how: what `read_matrices` takes: keys, names, only, classes, ids, limit.

    Raises:
        DataError: files that cannot be read or matched, or matrices that cannot be measured.

    >>> import tempfile
    >>> folder, z = Path(tempfile.mkdtemp()), np.random.default_rng(0).normal(size=(600, 3))
    >>> np.save(folder / "z.npy", z), np.save(folder / "a.npy", z[:, :2] ** 3)
    (None, None)
    >>> scores = measure_files(folder / "z.npy", folder / "a.npy", names=["slant", "width"], metrics=["scc"])
    >>> round(scores["scc"], 2), scores.unused
    (1.0, (2,))
    """
    known(metrics)
    tell = progress or (lambda _: None)
    tell("reading")
    return measure_matrices(read_matrices(codes, attributes, **how), metrics, seed, resamples, training_seed, tell)


def measure_matrices(
    matrices: Matrices,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    training_seed: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> MatrixScores:
    """Measure matrices by every metric that applies to them; see `measure_files`.

    Raises:
        DataError: an unknown metric, none that applies, or matrices that cannot be measured.
    """
    chosen = known(metrics)
    evidence = gather(
        matrices.codes, matrices.values, matrices.names, matrices.discrete, seed=seed, resamples=resamples
    )
    scores, left_out = {}, {}
    for name in chosen:
        if progress is not None:
            progress(name)
        try:
            scores[name] = METRICS[name](evidence)
        except DataError as error:
            left_out[name] = str(error)
    if not scores:
        raise DataError("\n".join(left_out.values()))
    most = evidence.information.matrix.argmax(axis=0)
    return MatrixScores(
        scores,
        left_out,
        matrices,
        tuple(evidence.unused_dims),
        tuple(evidence.constant_dims),
        {name: int(dim) for name, dim in zip(matrices.names, most, strict=True) if evidence.used[dim]},
        seed,
        training_seed,
    )


def known(metrics: Sequence[str] | None) -> list[str]:
    """The metrics to compute, in their order."""
    for name in metrics or ():
        if name not in METRICS:
            raise DataError(unknown("metric", name, METRICS))
    return [name for name in METRICS if metrics is None or name in metrics]


def _flat(settings: Mapping[str, Any]) -> str:
    """Settings in one line."""
    return ", ".join(f"{key.replace('_', ' ')} {_plain(value)}" for key, value in settings.items()) or "-"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key} {_plain(each)}" for key, each in value.items())
    if isinstance(value, list | tuple | np.ndarray):
        return " ".join(_plain(each) for each in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _between(ends: Sequence[float] | None) -> str:
    """An interval in a table."""
    if ends is None:
        return ""
    return f"{ends[0]:.3f}{' to ' if ends[0] < 0 else '–'}{ends[1]:.3f}"


def _numbered(labels: Sequence[str]) -> str:
    return ", ".join(f"{i} {label}" for i, label in enumerate(labels))


def _s(count: int) -> str:
    return "" if count == 1 else "s"

"""The one object a user holds: a trained model with named coordinates, and everything one does with them."""

from __future__ import annotations

import json
import math
import operator
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from latune.attributes import Attribute, as_dict, from_dict, measure
from latune.calibration import GRID, Calibration
from latune.codes import Gaussian
from latune.data import Dataset, spread
from latune.data.arrays import as_pixels
from latune.errors import DataError, RecipeError, RunError, did_you_mean, unknown
from latune.files import write_json
from latune.models import VAE, Spec, build
from latune.moves import Move, Put, Shift, Stay, Towards
from latune.pictures import Images, read_image
from latune.training import checkpoint as ckpt
from latune.training.generators import generator as draws

SPACE = "space.json"
CHUNK = 1024  # examples that pass through a network at once
CALIBRATION_EXAMPLES = 96  # decoded at every slider position and measured
REGRESSED_EXAMPLES = 5000  # encoded, where an attribute is only a label
REFINEMENTS = 6
SHOWN = 8  # samples that a notebook shows beside the coordinates


class Space:
    """A trained model: named coordinates with priors, a decoder and an encoder, and the moves between them.

    Args:
        model: the trained model; it is put into evaluation mode.
        spec: what the model was built from.
        attributes: what its data are described by.
        calibration: for a coordinate, the measured map between latent values and its attribute.
        about: plain data about the training (recipe, data, versions).

    Raises:
        DataError: for images of another shape than the model's, or names that are not coordinates.
    """

    def __init__(
        self,
        model: VAE,
        spec: Spec,
        attributes: Mapping[str, Attribute] | None = None,
        calibration: Mapping[str, Calibration] | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.model, self.spec = model.eval(), spec
        self.codes = model.codes
        self.attributes = dict(attributes or {})
        self.calibration = dict(calibration or {})
        self.about = dict(about or {})

    # --- what it is --------------------------------------------------------------------------------------------------

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    @property
    def shape(self) -> tuple[int, int, int]:
        """(c, h, w) of an image."""
        return self.spec.shape

    @property
    def sliders(self) -> list[str]:
        """The coordinates that move an attribute, by the attribute's name."""
        return list(self.spec.attributes)

    def to(self, device: Any) -> Space:
        """Move the weights."""
        self.model.to(device)
        return self

    def __repr__(self) -> str:
        names = ", ".join(self._labels(name) for name in self.codes)
        return f"Space({self.spec.model}, images {self.shape}, {self.codes.width} coordinates: {names})"

    def _repr_html_(self) -> str:
        import base64
        import html

        samples = base64.b64encode(self.sample(SHOWN, draws(0, "notebook")).png(SHOWN)).decode()
        rows = []
        for name in self.codes:
            known = self.calibration.get(name)
            reach = f"{known.range[0]:.3g} to {known.range[1]:.3g} {known.unit}" if known else ""
            rows.append(
                f"<tr><td>{html.escape(name)}</td><td>{html.escape(str(self.codes[name]))}</td><td>{reach}</td></tr>"
            )
        return (
            f"<p><b>Space</b> of {html.escape(self.spec.model)}, images {self.shape}</p><table><tr><th>coordinate</th>"
            f"<th>prior</th><th>attribute within reach</th></tr>{''.join(rows)}</table>"
            f'<img src="data:image/png;base64,{samples}" alt="{SHOWN} samples from the prior" style="max-width:100%">'
            f"<p>{SHOWN} samples from the prior, seed 0.</p>"
        )

    # --- between data and codes --------------------------------------------------------------------------------------

    def posterior(self, x: Any) -> Gaussian:
        """q(z|x) of images: its mean and scale, each `(n, d)`."""
        x = self._take(x)
        with self._asleep():
            parts = [self.model.posterior(chunk) for chunk in x.split(CHUNK)]
        return Gaussian(torch.cat([q.mean for q in parts]), torch.cat([q.scale for q in parts]))

    def encode(self, x: Any, sample: bool = False, generator: torch.Generator | None = None) -> Tensor:
        """Codes `(n, d)` of images: the posterior mean, or a draw from the posterior where `sample` is set."""
        q = self.posterior(x)
        return q.sample(generator) if sample else q.mean

    def decode(self, z: Any) -> Images:
        """Images `(n, c, h, w)` of codes, a tensor `(n, d)`: the expected data, in [0, 1]."""
        if not isinstance(z, Tensor) or z.dim() != 2 or z.shape[1] != self.codes.width:
            got = tuple(z.shape) if isinstance(z, Tensor) else f"a {type(z).__name__}"
            raise DataError(f"Codes of this space are a tensor of shape (n, {self.codes.width}). Got {got}.")
        with self._asleep():
            x = torch.cat([self.model.decode(chunk) for chunk in z.to(self.device, torch.float32).split(CHUNK)])
        return Images.of(x.clamp(0, 1))

    def encode_data(
        self, data: Dataset, split: str = "test", sample: bool = False, generator: torch.Generator | None = None
    ) -> Tensor:
        """Codes of a split of a data set, in the split's order."""
        if split not in data.splits:
            raise DataError(unknown(f"split of '{data.name}'", split, data.splits))
        parts = [self.encode(data.images(chunk), sample, generator) for chunk in data.splits[split].split(CHUNK)]
        return torch.cat(parts)

    # --- what one does with it ---------------------------------------------------------------------------------------

    def sample(self, n: Any = 16, generator: torch.Generator | None = None, *, to: Any = None, **at: Any) -> Images:
        """Draw `n` images from the prior, with coordinates held at latent values (`slant=1.5`) or at attribute values
        (`to={"slant": 0.3}`); a value out of reach is warned of, and the nearest is used.
        """
        z = self.codes.sample(_whole("The number of samples", n, 0), generator).to(self.device)
        return self.decode(self._aim(self._held(at)(z), to))

    def edit(self, x: Any, /, *, to: Any = None, **by: Any) -> Images:
        """Change images: `thickness=+2` in latent units, or `to={"thickness": 3.1}` in the attribute's own.

        Where an attribute can be measured on images, the saved map is only the start: each example is decoded, measured
        and corrected until it arrives, as far as the model reaches; a value out of reach is warned of.
        """
        return self.decode(self._aim(self._shifted(by)(self.encode(x)), to))

    def traverse(self, x: Any, name: Any, values: Any = None) -> Images:
        """Images `(n, k, c, h, w)` with one coordinate at each of `k` values (10 from -4 to 4 unless given)."""
        column = self._column(name)
        if isinstance(values, Tensor | np.ndarray):
            values = values.tolist()
        if values is None:
            values = torch.linspace(-4, 4, 10).tolist()
        if not isinstance(values, Sequence) or isinstance(values, str) or not values:
            raise DataError(f"A traversal of '{name}' needs one or more latent values, as [-2, 0, 2]. Got {values!r}.")
        z = self.encode(x)
        rows = torch.stack([Put(column, _number(name, value))(z) for value in values], dim=1)  # (n, k, d)
        return self._grid(rows)

    def interpolate(self, a: Any, b: Any, steps: Any = 10) -> Images:
        """Images `(n, steps, c, h, w)` on the straight line between the codes of `a` and of `b`, ends included.

        A single image at one end is the end of all lines.
        """
        if _whole("The number of steps", steps, 0) < 2:
            raise DataError(f"An interpolation needs 2 or more steps. Got {steps}.")
        start, end = self.encode(a), self.encode(b)
        if len(start) != len(end) and 1 not in (len(start), len(end)):
            raise DataError(
                f"An interpolation goes from n images to as many, or from or to a single one. "
                f"Got {len(start)} and {len(end)}."
            )
        start, end = torch.broadcast_tensors(start, end)
        return self._grid(torch.stack([Towards(end, i / (steps - 1))(start) for i in range(steps)], dim=1))

    def measure(self, data: Any, split: str = "test", **settings: Any) -> Any:
        """Every metric of the model on a split it was not trained on; see `latune.measurement.measure_space`."""
        from latune.measurement import measure_space

        return measure_space(self, data, split, **settings)

    # --- the attribute's own units -----------------------------------------------------------------------------------

    def calibrate(self, data: Dataset) -> None:
        """Measure, on training examples, which latent value gives which attribute value."""
        rows = data.splits["training"]
        z = self.encode(data.images(spread(rows, CALIBRATION_EXAMPLES)))
        for name in self.sliders:
            attribute, column = self.attributes[name], self._column(name)
            if attribute.measure is not None:
                sliders = GRID[::2]
                decoded = torch.cat([self.decode(Put(column, float(value))(z)).plain() for value in sliders])
                values = self.measured([name], decoded)[name]
                pairs = np.repeat(sliders, len(z)), values
                self.calibration[name] = Calibration.fit(*pairs, source="decoded", unit=attribute.unit)
            else:
                many = spread(rows, REGRESSED_EXAMPLES)
                codes = torch.cat([self.encode(data.images(chunk)) for chunk in many.split(CHUNK)])[:, column]
                values = data.column(name, many)
                pairs = codes.double().cpu().numpy(), values.double().cpu().numpy()
                self.calibration[name] = Calibration.fit(*pairs, source="labels", unit=attribute.unit)

    def reach(self, name: str) -> tuple[float, float]:
        """Lowest and highest value of an attribute that `to=` can bring about, in the attribute's own unit.

        Raises:
            DataError: for a name that is no coordinate, or one without a measured map.
        """
        if name in self.calibration:
            return self.calibration[name].range
        mapped = ", ".join(self.calibration) or "none"
        if name in [*self.codes, *self.codes.columns()]:
            raise DataError(
                f"'{name}' has no measured map to an attribute. With one: {mapped}. "
                "In latent units it can be moved like every coordinate."
            )
        hint = did_you_mean(str(name), self.calibration)
        raise DataError(f"Unknown coordinate '{name}'. {hint + ' ' if hint else ''}With a measured map: {mapped}.")

    def _wanted(self, to: Any) -> dict[str, float]:
        """Attribute values that were asked for, checked; what is out of reach is said."""
        if not isinstance(to, Mapping):
            raise DataError(f'to= takes attribute values by name, as to={{"slant": 0.3}}. Got {to!r}.')
        for name, value in to.items():
            (low, high), asked, unit = self.reach(name), _number(name, value), self.calibration[name].unit
            slack = 1e-6 * max(high - low, abs(low), abs(high))  # the ends, typed as they were printed
            if not low - slack <= asked <= high + slack:
                warnings.warn(
                    f"{name} = {asked:g} was asked for; this model reaches {low:.4g} to {high:.4g} {unit}".rstrip()
                    + ". The nearest it reaches is used.",
                    UserWarning,
                    stacklevel=4,  # the line that called `sample` or `edit`
                )
        return {name: float(value) for name, value in to.items()}

    def _aim(self, z: Tensor, wanted: Any) -> Tensor:
        """Move codes to where attributes have the wanted values."""
        to = {} if wanted is None else self._wanted(wanted)
        if not to:
            return z
        measurable = [name for name in to if self.attributes[name].measure is not None]
        reach = {name: np.ptp(self.calibration[name].value) or 1.0 for name in to}
        aims = {name: np.full(len(z), float(value)) for name, value in to.items()}
        best, error = z, np.full(len(z), np.inf)
        for _ in range(REFINEMENTS if measurable else 1):
            for name in to:
                slider = torch.as_tensor(self.calibration[name].latent(aims[name]), dtype=z.dtype, device=z.device)
                z = Put(self._column(name), slider)(z)
            if not measurable:
                return z
            got = self.measured(measurable, self.decode(z).plain())
            off = np.sum([np.abs(got[name] - to[name]) / reach[name] for name in measurable], axis=0)
            best = torch.where(torch.as_tensor(off < error, device=z.device)[:, None], z, best)
            error = np.minimum(error, off)
            for name in measurable:  # aim past the target by what was missed; the map is a mean, examples differ
                aims[name] = aims[name] + 0.8 * (to[name] - got[name])
        return best

    def measured(self, names: Sequence[str], x: Tensor) -> dict[str, np.ndarray]:
        """Attributes of images, each `[n]`, measured together."""
        return measure([self.attributes[name] for name in names], x.detach().cpu().numpy())

    # --- files -------------------------------------------------------------------------------------------------------

    def save(self, folder: Path | str) -> Path:
        """Write `space.json` and `weights.safetensors`, each whole or not at all."""
        folder = Path(folder)
        ckpt.save_tensors(folder / ckpt.WEIGHTS, self.model.state_dict(), {"model": self.spec.model})
        write_json(
            folder / SPACE,
            {
                "format": 1,
                "spec": self.spec.as_dict(),
                "codes": self.codes.as_dict(),
                "attributes": {name: as_dict(attribute) for name, attribute in self.attributes.items()},
                "calibration": {name: known.as_dict() for name, known in self.calibration.items()},
                "about": self.about,
            },
        )
        return folder

    @classmethod
    def load(cls, folder: Path | str, device: Any = "cpu", nets: tuple[nn.Module, nn.Module] | None = None) -> Space:
        """Open a run folder.

        Args:
            folder: what `save` or a training wrote.
            device: where to put the weights.
            nets: own encoder and decoder modules, where they cannot be imported by the name in the run.

        Raises:
            RunError: when the folder is not a run, is not finished, or its files do not fit each other.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise RunError(f"There is no run folder at {folder}. Train one: latune train arvae-digits --out {folder}")
        if not (folder / SPACE).exists():
            started = (folder / "recipe.toml").exists()
            raise RunError(
                f"The run in {folder} is not finished: run the command that started it again to resume."
                if started
                else f"{folder} is not a run folder: it has no {SPACE}. `latune train RECIPE --out FOLDER` writes one."
            )
        try:
            data = json.loads((folder / SPACE).read_text(encoding="utf-8"))
            if not isinstance(data, dict):
                raise TypeError(f"it holds a {type(data).__name__}, not named parts")
            about = dict(data["about"])
            spec = Spec.from_dict(data["spec"])
            attributes = {name: from_dict(described) for name, described in data["attributes"].items()}
            calibration = {name: Calibration.from_dict(known) for name, known in data["calibration"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"{folder / SPACE} is damaged: {_damage(error)}. Restore it from a copy; or remove it and run the "
                "training's command again, which continues from the last checkpoint."
            ) from None
        try:
            model = build(spec, nets=nets)
        except RecipeError as error:
            raise RunError(f"The model of {folder} cannot be built: {error}") from error
        if not (folder / ckpt.WEIGHTS).exists():
            raise RunError(
                f"{folder / ckpt.WEIGHTS} is missing. It is written when the training ends: restore it from a copy, or "
                f"remove {SPACE} and run the training's command again."
            )
        tensors, _ = ckpt.load_tensors(folder / ckpt.WEIGHTS)
        ckpt.load_weights(model, tensors, folder / ckpt.WEIGHTS)
        return cls(model.to(device), spec, attributes, calibration, about)

    # --- inside ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _asleep(self) -> Iterator[None]:
        was = self.model.training
        self.model.eval()
        with torch.no_grad():
            yield
        self.model.train(was)

    def _take(self, x: Any) -> Tensor:
        if isinstance(x, str | Path):
            x = read_image(x, self.shape)
        elif isinstance(x, Images):
            x = x.plain()
        elif not (isinstance(x, Tensor) and x.is_floating_point() and x.dim() == 4):
            x = torch.from_numpy(as_pixels(x)).float() / 255
        if tuple(x.shape[1:]) != tuple(self.shape):
            raise DataError(f"This space was trained on images of shape {self.shape}. Got {tuple(x.shape[1:])}.")
        if x.numel() and not (x.min() >= 0 and x.max() <= 1):  # NaN fails too
            raise DataError(f"Images lie in [0, 1]. Got {x.min().item():g} to {x.max().item():g}.")
        return x.to(self.device, torch.float32)

    def _column(self, name: Any) -> int:
        """The column of a coordinate, by its name (`slant`) or its label (`z[3]`)."""
        columns = self.codes.columns()
        if name in columns:
            return columns.index(name)
        if name in list(self.codes):
            raise DataError(f"{name} has {self.codes[name].width} columns: {self._labels(name)}. Name one of them.")
        hint = did_you_mean(str(name), columns)
        raise DataError(
            f"Unknown coordinate '{name}'. {hint + ' ' if hint else ''}"
            f"Allowed: {', '.join(self._labels(each) for each in self.codes)}."
        )

    def _labels(self, name: str) -> str:
        """A coordinate's columns in few words: `slant`, or `z[0] to z[9]`."""
        width = self.codes[name].width
        return name if width == 1 else f"{name}[0] to {name}[{width - 1}]"

    def _moves(self, kind: Any, values: Mapping[str, Any]) -> Move:
        move: Move = Stay()
        for name, value in values.items():
            move = move >> kind(self._column(name), _number(name, value))
        return move

    def _held(self, values: Mapping[str, Any]) -> Move:
        return self._moves(Put, values)

    def _shifted(self, values: Mapping[str, Any]) -> Move:
        return self._moves(Shift, values)

    def _grid(self, rows: Tensor) -> Images:
        """Decode `(n, k, d)` codes to `(n, k, c, h, w)` images."""
        return Images.of(self.decode(rows.flatten(0, 1)).plain().unflatten(0, rows.shape[:2]))


def _number(name: str, value: Any) -> float:
    """A finite number that was given for a coordinate."""
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    plain = value.item() if isinstance(value, np.ndarray | np.generic) and value.size == 1 else value
    if isinstance(plain, bool) or not isinstance(plain, int | float) or not math.isfinite(plain):
        raise DataError(f"'{name}' takes a finite number. Got {value!r}.")
    return float(plain)


def _whole(what: str, value: Any, least: int) -> int:
    """A whole number that was given for a count."""
    try:
        count = operator.index(value)
    except TypeError:
        count = None
    if count is None or isinstance(value, bool) or count < least:
        raise DataError(f"{what} is a whole number of {least} or more. Got {value!r}.")
    return count


def _damage(error: Exception) -> str:
    """What is wrong with a file, in words."""
    if isinstance(error, KeyError):
        key = str(error.args[0]) if error.args else ""
        return key.rstrip(".") if " " in key else f"'{key}' is missing in it"
    if isinstance(error, json.JSONDecodeError):
        return f"it is not whole JSON ({error})"
    if isinstance(error, UnicodeDecodeError):
        return "it is not text"
    return str(error).rstrip(".")


def load(folder: Path | str, device: Any = "cpu", nets: tuple[nn.Module, nn.Module] | None = None) -> Space:
    """Open a trained model and its sliders; see `Space.load`."""
    return Space.load(folder, device, nets)

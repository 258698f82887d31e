"""The one object a user holds: a trained model with named coordinates, and everything one does with them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from latune import naming, run_folder
from latune.attributes import Attribute, measure
from latune.calibration import Calibration
from latune.chains import Clamp, Walk, as_mask
from latune.codes import Codes, Gaussian
from latune.controls import CONTROLS, Controls
from latune.coordinates import Coordinates, whole
from latune.data import Dataset
from latune.errors import DataError, RunError, unknown
from latune.inversion import invert
from latune.medium import Medium, Pictures, Tunes, size_of_images
from latune.models import Model, Spec, Wrapped
from latune.moves import Towards
from latune.music import Melody
from latune.nets import GREEDY, Decoding, TokenDecoder
from latune.training.generators import generator as draws
from latune.units import aim, calibrated, reach

SPACE = run_folder.SPACE
CHUNK = 1024  # examples that pass through a network at once
SHOWN = 8  # samples that a notebook shows beside the coordinates


class Space:
    """A trained model: named coordinates with priors, a decoder and an encoder, and the moves between them.

    Its examples are images, or melodies (`medium`); what is said of images here holds for both. `decoding` says how a
    model of melodies chooses its tokens: the most likely ones unless it is set, as
    `space.decoding = Decoding(temperature=0.8)`.

    Args:
        model: the trained model; it is put into evaluation mode.
        spec: what the model was built from.
        attributes: what its data are described by.
        calibration: for a coordinate, the measured map between latent values and its attribute.
        about: plain data about the training (recipe, data, versions).

    Raises:
        DataError: for examples of another shape than the model's, or names that are not coordinates.
    """

    def __init__(
        self,
        model: Model,
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
        self.decoding: Decoding = GREEDY
        self._controls_folder: Path | None = None
        self._located: tuple[Tensor, Tensor] | None = None  # images, and where a search found them

    # --- what it is --------------------------------------------------------------------------------------------------

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(chain(self.model.parameters(), self.model.buffers())).device

    @property
    def encodes(self) -> bool:
        """Whether there is an encoder: a generator alone has none."""
        return getattr(self.model, "encodes", True)

    @cached_property
    def medium(self) -> Medium:
        """What an example is: images of one shape, or melodies of one grid."""
        return self.spec.medium

    @property
    def shape(self) -> tuple[int, ...]:
        """(c, h, w) of an image, (t,) of a melody."""
        return self.spec.shape

    @property
    def sliders(self) -> list[str]:
        """The coordinates that move an attribute, by the attribute's name."""
        return list(self.spec.attributes)

    @property
    def knobs(self) -> list[str]:
        """What can be turned by name: a categorical coordinate as a whole, the columns of the others, and no noise."""
        return self.coordinates.knobs

    def classes_of(self, name: str) -> list[Any]:
        """The classes of a categorical coordinate or of a control; none where it is a number."""
        return list(self.controls[name].classes) if name in self.controls else self.coordinates.classes(name)

    @cached_property
    def coordinates(self) -> Coordinates:
        """The coordinates by their names, and the moves along them."""
        return Coordinates(self.codes, lambda: list(self.controls))

    @cached_property
    def controls(self) -> Controls:
        """What was learned after training, by name; `space.controls.learn(...)` adds one."""
        return Controls(self, self._controls_folder)

    @property
    def fingerprint(self) -> str:
        """A short hash of the weights: controls belong to the model that they were learned for."""
        return run_folder.fingerprint(self.model)

    def to(self, device: Any) -> Space:
        """Move the weights, and those of the controls."""
        self.model.to(device)
        self._located = None
        for control in self.controls.values():
            control.to(device)
        return self

    def __repr__(self) -> str:
        names = ", ".join(self.coordinates.labels(name) for name in self.codes)
        return f"Space({self.spec.model}, {self.medium.many} {self.shape}, {self.codes.width} coordinates: {names})"

    def _repr_html_(self) -> str:
        import base64
        import html

        columns = SHOWN if isinstance(self.medium, Pictures) else SHOWN // 2
        samples = base64.b64encode(self.sample(SHOWN, draws(0, "notebook")).png(columns)).decode()
        rows = []
        for name in self.codes:
            known = self.calibration.get(name)
            reach = known.reach if known else ""
            rows.append(
                f"<tr><td>{html.escape(name)}</td><td>{html.escape(str(self.codes[name]))}</td><td>{reach}</td></tr>"
            )
        return (
            f"<p><b>Space</b> of {html.escape(self.spec.model)}, {self.medium.many} {self.shape}</p>"
            f"<table><tr><th>coordinate</th><th>prior</th><th>attribute within reach</th></tr>{''.join(rows)}</table>"
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

    def locate(self, x: Any) -> Tensor:
        """Codes `(n, d)` that make images as nearly as the model can: where edits begin.

        They are the encoder's, where it tells all of a code. A GAN's recogniser tells the codes and no noise, which is
        found by descent (`latune.inversion.invert`); the last images are remembered.
        """
        if self.model.tells_all:
            return self.encode(x)
        x = self._take(x)
        if self._located is None or not torch.equal(self._located[0], x):
            self._located = x, invert(self, x).z
        return self._located[1]

    def decode(self, z: Any, generator: torch.Generator | None = None) -> Any:
        """`Images` `(n, c, h, w)` of codes, a tensor `(n, d)`: the expected data, in [0, 1]; or their `Melodies`.

        Args:
            z: codes.
            generator: of the tokens of melodies, where `decoding` draws them.
        """
        if not isinstance(z, Tensor) or z.dim() != 2 or z.shape[1] != self.codes.width:
            got = tuple(z.shape) if isinstance(z, Tensor) else f"a {type(z).__name__}"
            raise DataError(f"Codes of this space are a tensor of shape (n, {self.codes.width}). Got {got}.")
        with self._asleep():
            # One source for all chunks: the draws of the second are not those of the first again.
            source = draws(0, "decoding", device=self.device) if generator is None else generator
            parts = [self._make(chunk, source) for chunk in z.to(self.device, torch.float32).split(CHUNK)]
        return self._shown(torch.cat(parts))

    def _make(self, z: Tensor, source: torch.Generator) -> Tensor:
        decoder = getattr(self.model, "decoder", None)
        return self.decoding.tokens(decoder, z, source) if isinstance(decoder, TokenDecoder) else self.model.decode(z)

    def _shown(self, x: Tensor, like: Any = None) -> Any:
        return self.medium.give(x, like)

    def encode_data(
        self, data: Dataset, split: str = "test", sample: bool = False, generator: torch.Generator | None = None
    ) -> Tensor:
        """Codes of a split of a data set, in the split's order."""
        if split not in data.splits:
            raise DataError(unknown(f"split of '{data.name}'", split, data.splits))
        parts = [self.encode(data.examples(chunk), sample, generator) for chunk in data.splits[split].split(CHUNK)]
        return torch.cat(parts)

    # --- what one does with it ---------------------------------------------------------------------------------------

    def sample(
        self,
        n: Any = 16,
        generator: torch.Generator | None = None,
        *,
        to: Any = None,
        by: Any = None,
        strength: float = 1.0,
        realism: float = 0.0,
        **at: Any,
    ) -> Any:
        """Draw `n` images from the prior, with coordinates held at latent values (`slant=1.5`), controls at what they
        should be (`digit=3`, `loop=1`), or both at attribute values (`to={"slant": 0.3}`); a value out of reach is
        warned of, and the nearest is used.

        Args:
            n: how many.
            generator: of the draws.
            to: values in attributes' own units.
            by: how controls move: `actor`, `descent`, `vector`, or None for the actors and then a descent with what has
                not arrived.
            strength: how much of a control's way is gone.
            realism: how much the control `realism` mends first, from 0 to 1.
            at: coordinates and controls by name. A control of several labels takes some of them, as
                `face={"smiling": 1, "male": 0}`; the others are those of examples that have these.
        """
        coordinates, wanted = self._split(at)
        attributes, units = self._split_units(to)
        z = self.codes.sample(whole("The number of samples", n, 0), generator).to(self.device)
        held = self.coordinates.held(coordinates)
        z = aim(self, held(z), attributes)
        if wanted or units or realism:
            wishes = self.controls.wishes(wanted, units)
            dials = {"by": by, "strength": strength, "realism": realism, "generator": generator}
            z = held(self.controls.move(z, wishes, fresh=True, **dials))
        return self.decode(z) if isinstance(self.medium, Pictures) else self.decode(z, generator)

    def edit(
        self,
        x: Any,
        /,
        *,
        to: Any = None,
        by: Any = None,
        strength: float = 1.0,
        identity: float = 0.0,
        realism: float = 0.0,
        keep: Any = (),
        generator: torch.Generator | None = None,
        **change: Any,
    ) -> Any:
        """Change images: `thickness=+2` in latent units, a control as it should be (`smiling=1`, `loop=0`), or
        `to={"thickness": 3.1}` in the attribute's own.

        Where an attribute can be measured on images, the saved map is only the start: each example is decoded, measured
        and corrected until it arrives, as far as the model reaches; a value out of reach is warned of. A control moves
        only images that are not so already. It takes one pass of its actor, learned with `near=` so that it keeps what
        it can; several controls at once, or one without an actor, go down their critics until these are convinced.

        Args:
            x: images; of a tune, a `Melody` or its file, bars in which nothing sounds stay silent.
            to: values in attributes' own units.
            by: how controls move: `actor`, `descent` or `vector`; None for the actor of a single control that has one,
                and else for a descent.
            strength: how much of a control's way is gone.
            identity: weight of staying near the image's own code, in a descent.
            realism: weight of the control `realism`; without another control, how much it mends.
            keep: the name of a control, or several, that stays what it is for each image while others, or coordinates,
                are moved: `keep="digit"`.
            generator: of the tokens of melodies, where `decoding` draws them.
            change: shifts of coordinates and values of controls, by name. Of several labels in one control, those that
                are not named stay as its critic sees them now.
        """
        dials = {"by": by, "strength": strength, "identity": identity, "realism": realism, "keep": keep}
        x = self.medium.read(x) if isinstance(x, str | Path) else x
        z, still = self.locate(x), self.medium.still(x)
        if still is None:
            moved = self._moved(z, to, change, **dials)
        else:  # who is silent is moved nowhere, and nobody counts it among those that did not arrive
            moved = z.clone()
            if not still.all():
                moved[~still] = self._moved(z[~still], to, change, **dials)
        return self._shown(self.medium.but_still(x, self.decode(moved, generator).plain()), like=x)

    def moved(self, z: Tensor, /, *, to: Any = None, **change: Any) -> Tensor:
        """Codes after what `edit` does to their images; its arguments."""
        names = ("by", "strength", "identity", "realism", "keep")
        dials = {name: change.pop(name) for name in names if name in change}
        return self._moved(z, to, change, **dials)

    def _moved(
        self, z: Tensor, to: Any, change: Mapping[str, Any], *, keep: Any = (), realism: float = 0.0, **dials: Any
    ) -> Tensor:
        coordinates, wanted = self._split(change)
        attributes, units = self._split_units(to)
        start = z
        z = aim(self, self.coordinates.shifted(coordinates)(z), attributes)
        if wanted or units or realism or keep:
            held = [column for name in (*coordinates, *(attributes or ())) for column in self.coordinates.columns(name)]
            wishes = self.controls.wishes(wanted, units)
            z = self.controls.move(z, wishes, realism=realism, keep=keep, at=start, held=held, **dials)
        return z

    def traverse(
        self,
        x: Any,
        name: Any,
        values: Any = None,
        *,
        at: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Any:
        """Images `(n, k, c, h, w)` with one coordinate at each of `k` values (10 from -4 to 4 unless given; of a
        uniform code over twice its range, of a categorical one all classes), or with a control at each of `k` (its
        classes, or 0, 0.1, ..., 1).

        Args:
            x: images to start from; None with `at`.
            name: of a coordinate or a control.
            values: where it is put.
            at: codes `(n, d)` to start from instead.
            generator: of the tokens of melodies, where `decoding` draws them.
        """
        x = self.medium.read(x) if isinstance(x, str | Path) else x
        z = self.locate(x) if at is None else at.to(self.device)
        if isinstance(values, Tensor | np.ndarray):
            values = values.tolist()
        if name in self.controls:
            return self._grid(self._turned(z, name, values), generator, like=x, still=x)
        self.coordinates.columns(name)
        if values is None:
            values = self.coordinates.usual(name)
        if not isinstance(values, Sequence) or isinstance(values, str) or not values:
            raise DataError(f"A traversal of '{name}' needs one or more latent values, as [-2, 0, 2]. Got {values!r}.")
        moves = [self.coordinates.held({name: value}) for value in values]
        return self._grid(torch.stack([move(z) for move in moves], dim=1), generator, like=x, still=x)  # from (n, k, d)

    def _turned(self, z: Tensor, name: str, values: Any) -> Tensor:
        """Codes `(n, k, d)` with a control at each of `k` values."""
        control = self.controls[name]
        if values is None:
            several = control.kind == "labels"
            classes = [{label: 1} for label in control.classes] if several else list(control.classes)
            values = classes or [i / 10 for i in range(11)]
        if not isinstance(values, Sequence) or isinstance(values, str) or not values:
            raise DataError(f"A traversal of '{name}' needs one or more values, as [0, 0.5, 1]. Got {values!r}.")
        with warnings.catch_warnings():  # that the ends are out of reach of some is what a traversal shows
            warnings.simplefilter("ignore", UserWarning)
            moved = [self.controls.move(z, [control.wish(value)], by="descent") for value in values]
        return torch.stack(moved, dim=1)

    def interpolate(self, a: Any, b: Any, steps: Any = 10, *, generator: torch.Generator | None = None) -> Any:
        """Images `(n, steps, c, h, w)` on the straight line between the codes of `a` and of `b`, ends included.

        A single image at one end is the end of all lines. Of two tunes, a `Melody` or a file each, the line of every
        bar is drawn, as many as both have, at the first one's tempo and for its instrument. `generator` is of the
        tokens of melodies, where `decoding` draws them.
        """
        if whole("The number of steps", steps, 0) < 2:
            raise DataError(f"An interpolation needs 2 or more steps. Got {steps}.")
        a, b = (self.medium.read(each) if isinstance(each, str | Path) else each for each in (a, b))
        start, end = self.locate(a), self.locate(b)
        if isinstance(a, Melody) and isinstance(b, Melody) and len(start) != len(end):
            start, end = self._as_long(start, end)
        if len(start) != len(end) and 1 not in (len(start), len(end)):
            raise DataError(
                f"An interpolation goes from n {self.medium.many} to as many, or from or to a single one. "
                f"Got {len(start)} and {len(end)}."
            )
        start, end = torch.broadcast_tensors(start, end)
        points = [Towards(end, i / (steps - 1))(start) for i in range(steps)]
        return self._grid(torch.stack(points, dim=1), generator, like=a)

    def _as_long(self, start: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
        """Codes of two tunes, of the bars that both have."""
        assert isinstance(self.medium, Tunes)
        a, b = (len(each) * self.medium.grid.bars for each in (start, end))
        warnings.warn(
            f"The tunes have {a} and {b} bars; lines are drawn of the first {min(a, b)}.", UserWarning, stacklevel=3
        )
        both = min(len(start), len(end))
        return start[:both], end[:both]

    def walk(
        self,
        x: Any,
        /,
        steps: Any = None,
        *,
        clamp: Any = None,
        fixed: Any = None,
        begin: str = "kept",
        every: Any = 1,
        sample_z: bool = True,
        sample_x: bool = False,
        move: Callable[[Tensor], Tensor] | None = None,
        seed: int = 0,
        to: Any = None,
        **change: Any,
    ) -> Walk:
        """Walk from images along the data: encode, decode, and again, so many `steps` or for ever.

        Frames `Images (n, c, h, w)` are made as they are looked at: `for frame in space.walk(x, steps=200): ...`. What
        `save` writes ends in .png (a sheet) or .gif.

        Args:
            x: images to start from, a chain each.
            steps: how many; None for ever.
            clamp: a mask, 1 (white) where the picture is held and 0 where it is painted anew: `(h, w)`, with an axis of
                channels, with an axis of images, or the path of a picture.
            fixed: what is held; `x` unless given.
            begin: what the free part starts as: `kept` as it is, `noise`, or `blank`.
            every: a frame each so many steps.
            sample_z: draw each code from the posterior; else its mean is taken, and the walk is a single path.
            sample_x: draw each image from the likelihood; else its mean is handed on.
            move: a move of codes in every step, as `latune.chains.guided(guide)`, after what `change` asks for.
            seed: of all draws; chain i has a stream of its own.
            to, change: what is done to the codes of every step, as in `edit`: controls (`digit=3`, `realism=0.5`) and
                coordinates, whose shifts add up.

        Raises:
            DataError: images or masks that do not fit, numbers that are no counts; and, while it walks, a chain that is
                not finite, with its step.
        """
        size = size_of_images(self.medium, "A walk")
        if not self.encodes or self.model.likelihood is None:
            raise DataError("This model has no way back from an image: it cannot walk, which encodes each one.")
        x = self._take(x)
        steps = None if steps is None else whole("The number of steps", steps, 0)
        hold = None
        if clamp is not None:
            held = x if fixed is None else self._take(fixed)
            if len(held) not in (1, len(x)):
                raise DataError(f"What is held is one image, or one for each of {len(x)}. Got {len(held)}.")
            hold = Clamp(as_mask(clamp, size, len(x), x.device), held)
        elif fixed is not None or begin != "kept":
            raise DataError("fixed= and begin= go with a mask: clamp=, 1 where the picture is held.")
        if to is not None or change:
            edit = self._each_step(x, to, change)
            move = edit if move is None else _then(edit, move)
        every, seed = whole("every", every, 1), whole("The seed", seed, 0)
        return Walk(self.model, x, steps, hold, begin, every, sample_z, sample_x, move, seed, self._asleep)

    def _each_step(self, x: Tensor, to: Any, change: Mapping[str, Any]) -> Callable[[Tensor], Tensor]:
        """The edit of every step; what cannot be is told now, and who did not arrive is told of the start only."""
        if len(x):
            self.moved(self.encode(x), to=to, **change)

        def move(z: Tensor) -> Tensor:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                return self.moved(z, to=to, **change)

        return move

    def measure(self, data: Any, split: str = "test", **settings: Any) -> Any:
        """Every metric of the model on a split it was not trained on; see `latune.measurement.measure_space`."""
        from latune.measurement import measure_space

        return measure_space(self, data, split, **settings)

    def measure_sliders(self, data: Dataset, split: str = "test", **settings: Any) -> Any:
        """What every slider does to held-out images; see `latune.measurement.measure_sliders`."""
        from latune.measurement import measure_sliders

        return measure_sliders(self, data, split, **settings)

    def measure_control(self, edit: Any, data: Any, split: str = "test", **settings: Any) -> Any:
        """What an edit does to data the model was not trained on; see `latune.measurement.measure_control`."""
        from latune.measurement import measure_control

        return measure_control(self, edit, data, split, **settings)

    def measure_walk(self, data: Dataset, split: str = "test", **settings: Any) -> Any:
        """How walks mix and whether they stay with the data; see `latune.measurement.measure_walk`."""
        from latune.measurement import measure_walk

        return measure_walk(self, data, split, **settings)

    def measure_inpainting(self, data: Dataset, split: str = "test", **settings: Any) -> Any:
        """How well walks paint in what was hidden; see `latune.measurement.measure_inpainting`."""
        from latune.measurement import measure_inpainting

        return measure_inpainting(self, data, split, **settings)

    # --- names ------------------------------------------------------------------------------------------------------

    def rename(self, **names: str) -> None:
        """Call codes that the model found by other names: `space.rename(c2="slant")`; see `latune.naming.rename`."""
        naming.rename(self, names)

    def name_after(self, data: Dataset, least: float = naming.LEAST) -> list[naming.Named]:
        """Name codes after the attributes of data that they follow; see `latune.naming.name_after`."""
        return naming.name_after(self, data, least)

    # --- the attribute's own units -----------------------------------------------------------------------------------

    def calibrate(self, data: Dataset) -> None:
        """Measure, on training examples, which latent value gives which attribute value."""
        self.calibration |= calibrated(self, data)

    def reach(self, name: str) -> tuple[float, float]:
        """Lowest and highest value of an attribute that `to=` can bring about, in the attribute's own unit.

        Raises:
            DataError: for a name that is no coordinate, or one without a measured map.
        """
        return reach(self, name)

    def measured(self, names: Sequence[str], x: Tensor) -> dict[str, np.ndarray]:
        """Attributes of images, or of tokens, each `[n]`, measured together."""
        return measure([self.attributes[name] for name in names], self.medium.shown(x))

    # --- files -------------------------------------------------------------------------------------------------------

    def save(self, folder: Path | str) -> Path:
        """Write `space.json`, `weights.safetensors` and the controls, each file whole or not at all."""
        folder = Path(folder)
        if isinstance(self.model, Wrapped):
            raise RunError(
                "A model that was trained elsewhere is kept by who made it. Its controls are kept with "
                "Space.wrap(..., folder=FOLDER)."
            )
        run_folder.write(folder, self.model, self.spec, self.attributes, self.calibration, self.about)
        if len(self.controls):
            self.controls.save(folder / CONTROLS)
        self.controls.folder = folder / CONTROLS
        return folder

    @classmethod
    def load(
        cls,
        folder: Path | str,
        device: Any = "cpu",
        nets: tuple[nn.Module, nn.Module] | None = None,
        step: int | None = None,
    ) -> Space:
        """Open a run folder, and the controls in it.

        Args:
            folder: what `save` or a training wrote.
            device: where to put the weights.
            nets: own encoder and decoder modules, where they cannot be imported by the name in the run.
            step: the model as it was after that many updates, where its recipe kept it (`training.keep`); without
                controls and units, which are those of the finished model.

        Raises:
            RunError: when the folder is not a run, is not finished, or its files do not fit each other.
        """
        folder = Path(folder)
        space = cls(*run_folder.read(folder, device, nets, step))
        if step is None:
            space._controls_folder = folder / CONTROLS
        return space

    @classmethod
    def wrap(
        cls,
        decode: Any,
        encode: Any = None,
        *,
        codes: Codes | int | None = None,
        model: nn.Module | None = None,
        data: Any = None,
        folder: Path | str | None = None,
        name: str = "wrapped",
    ) -> Space:
        """A model that was trained elsewhere, as a Space: sample, edit, traverse, interpolate and controls.

        >>> from torch import nn
        >>> decoder = nn.Sequential(nn.Linear(4, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
        >>> space = Space.wrap(decoder, lambda x: x.flatten(1)[:, :4], codes=4)
        >>> space.sample(3).shape, space.encode(space.sample(3)).shape
        (torch.Size([3, 1, 8, 8]), torch.Size([3, 4]))

        Args:
            decode: codes `(n, d)` to images `(n, c, h, w)` in [0, 1], or to something with `reconstruction`.
            encode: images `(n, c, h, w)` in [0, 1] to codes `(n, d)`, to their mean and scale, or to something with
                `embedding` and maybe `log_covariance`; None for a generator alone, which samples and is not edited.
            codes: the coordinates, or how many, with a standard normal prior; with `data` the encoder tells.
            model: the module that the two functions use, where they are not modules or methods of one: it says which
                model a control was made for.
            data: images, or a data set whose training split is taken, that tell how far apart codes lie where the
                encoder tells no scale.
            folder: where its controls are kept, and found the next time.
            name: what it is called.

        Raises:
            DataError: functions that raise, or that give something of another shape or range.
        """
        wrapped = Wrapped.of(decode, encode, codes, model, data)
        space = cls(wrapped, Spec(name, wrapped.shape, wrapped.codes.width))
        space._controls_folder = None if folder is None else Path(folder)
        return space

    # --- inside ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _asleep(self) -> Iterator[None]:
        was = self.model.training
        if was:  # going through all modules takes as long as decoding a small picture
            self.model.eval()
        with torch.no_grad():
            yield
        if was:
            self.model.train()

    def _take(self, x: Any) -> Tensor:
        return self.medium.take(x).to(self.device)

    def _split(self, named: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What was asked for of coordinates, and of controls."""
        mine = {name: value for name, value in named.items() if name in self.controls}
        return {name: value for name, value in named.items() if name not in mine}, mine

    def _split_units(self, to: Any) -> tuple[Any, dict[str, Any]]:
        """The same of values in attributes' own units; what is no mapping is told later."""
        if not isinstance(to, Mapping):
            return to, {}
        attributes, units = self._split(to)
        return attributes or None, units

    def _grid(self, rows: Tensor, generator: torch.Generator | None = None, like: Any = None, still: Any = None) -> Any:
        """Decode `(n, k, d)` codes to `(n, k, ...)` examples; `like` is what they were made of, `still` a tune whose
        silent bars stay.
        """
        made = self.decode(rows.flatten(0, 1), generator).plain().unflatten(0, rows.shape[:2])
        return self._shown(self.medium.but_still(still, made), like)


def _then(first: Callable[[Tensor], Tensor], second: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """One after the other."""
    return lambda z: second(first(z))


def load(folder: Path | str, device: Any = "cpu", nets: tuple[nn.Module, nn.Module] | None = None) -> Space:
    """Open a trained model and its sliders; see `Space.load`."""
    return Space.load(folder, device, nets)

"""From a recipe to a finished run folder; the same call resumes what was interrupted."""

from __future__ import annotations

import json
import tomllib
import warnings
from pathlib import Path
from typing import Any

import tomli_w
import torch
from torch import nn

from latune.data import Dataset, spread
from latune.data import load as load_data
from latune.errors import RecipeError, RunError, unknown
from latune.files import write_text
from latune.medium import Tunes
from latune.models import MODELS, Model, Spec, build
from latune.naming import not_a_name
from latune.provenance import machine
from latune.recipes.compare import differences
from latune.recipes.schema import Recipe
from latune.space import CHUNK, SPACE, Space
from latune.training import Generators, Plan, Trainer, generator, seed_for
from latune.training.checkpoint import CHECKPOINT, WEIGHTS, load_weights, only_training

RECIPE = "recipe.toml"
VALIDATION_EXAMPLES = 1024
SETTLED_EXAMPLES = 10_000  # training images that a model may look at when its training has ended


def default_folder(recipe: Recipe, words: tuple[str, ...] = ()) -> Path:
    """Where a run goes unless told otherwise: the same words give the same folder, so the same command resumes."""
    name = "-".join([recipe.name, *(word.replace("/", "_").replace(" ", "") for word in sorted(words))])
    return Path("runs") / name


def open_data(recipe: Recipe, device: Any = "cpu") -> Dataset:
    """The data set of a recipe, on a device, with its fixed splits.

    Raises:
        RecipeError: for a run on arrays in memory, which only the caller of `latune.fit` has.
    """
    if recipe.data.name == "arrays":
        raise RecipeError(
            "This run was trained on arrays in memory. Measure it in Python: "
            "space.measure(latune.data.from_arrays(images, attributes))."
        )
    return load_data(recipe.data.name, seed=recipe.seed, device=device, **recipe.data.options())


def updates(recipe: Recipe, data: Dataset) -> int:
    """How many updates the training has."""
    return recipe.training.plan().total(len(data.splits["training"]))


def describe(recipe: Recipe, data: Dataset) -> Spec:
    """The spec of the model that a recipe trains on these data.

    Raises:
        RecipeError: when attributes are named that the data do not have, or none fits; a name that no code can have.
    """
    attributes: tuple[str, ...] = ()
    settings = recipe.model.settings(updates(recipe, data))
    for name in settings.get("names") or ():
        if wrong := not_a_name(name):
            raise RecipeError(f"model.names: {wrong}")
    if MODELS[recipe.model.name].needs_attributes:
        numbers = [name for name, attribute in data.attributes.items() if attribute.kind != "categorical"]
        attributes = tuple(recipe.data.attributes if recipe.data.attributes is not None else numbers)
        if not attributes:
            raise RecipeError(
                f"{recipe.model.name} needs attributes, and {data.name} has none that are numbers. Give a CSV "
                '(data.csv), measure some on the images (data.measure=["area","slant"]), or train model.name=vae.'
            )
        if missing := [name for name in attributes if name not in data.attributes]:
            raise RecipeError(" ".join(unknown(f"attribute of {data.name}", name, data.attributes) for name in missing))
    return Spec(
        model=recipe.model.name,
        shape=data.shape,
        latent=recipe.model.latent,
        attributes=attributes,
        nets=recipe.nets.plain(),
        settings=settings,
        preset=recipe.model.preset,
        grid=data.medium.grid.as_dict() if isinstance(data.medium, Tunes) else None,
    )


def train(
    recipe: Recipe,
    folder: Path | str | None = None,
    *,
    device: Any = "cpu",
    progress: bool = False,
    data: Dataset | None = None,
    nets: tuple[nn.Module, nn.Module] | None = None,
) -> Space:
    """Train a recipe into a run folder, or continue where an earlier call stopped; a finished run is only opened.

    Args:
        recipe: what to train.
        folder: the run folder; None trains in memory.
        device: where to train.
        progress: show a bar.
        data: a data set that is already open, instead of the recipe's.
        nets: encoder and decoder modules, instead of the recipe's.

    Raises:
        RunError: when the folder belongs to another recipe, or is being trained.
        TrainingError: when a term is no longer finite.
    """
    if folder is None:
        return _train(recipe, None, device, progress, data, nets)
    folder = Path(folder)
    _claim(recipe, folder)
    if (folder / SPACE).exists():
        return Space.load(folder, device, nets)
    # Everything that can be wrong is found before a folder is made, so that bad input leaves nothing behind.
    data = data if data is not None else open_data(recipe, device)
    spec = describe(recipe, data)
    model = build(spec, nets=nets)
    if recipe.training.start is not None:
        begin(model, recipe.training.start)
    with only_training(folder):
        write_text(folder / RECIPE, tomli_w.dumps(recipe.plain()))
        return _train(recipe, folder, device, progress, data, nets)


def _claim(recipe: Recipe, folder: Path) -> None:
    """Refuse a folder that belongs to something else; one in which nothing was saved yet may be taken over."""
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file; a run needs a folder. Choose another with --out.")
    if (folder / RECIPE).exists():
        try:
            theirs, ours = tomllib.loads((folder / RECIPE).read_text(encoding="utf-8")), recipe.plain()
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RunError(
                f"{folder / RECIPE} is damaged ({error}). Restore it from a copy, or choose another folder with --out."
            ) from None
        if theirs != ours and any((folder / name).exists() for name in (CHECKPOINT, SPACE)):
            changed = "; ".join(differences(theirs, ours)[:5])
            raise RunError(
                f"{folder} holds a run of another recipe ({changed}). Choose another with --out, or remove it first."
            )
    elif folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise RunError(f"{folder} is not empty and is not a run. Choose another folder with --out.")


def _train(recipe: Recipe, folder: Path | None, device: Any, progress: bool, data: Dataset | None, nets: Any) -> Space:
    data = data if data is not None else open_data(recipe, device)
    spec = describe(recipe, data)
    generators = Generators(recipe.seed, device)
    model = build(spec, seed=seed_for(recipe.seed, "weights"), nets=nets)
    started = {} if recipe.training.start is None else {"start": begin(model, recipe.training.start)}
    for doubt in model.doubts(updates(recipe, data), bool(started)):
        warnings.warn(doubt, UserWarning, stacklevel=3)
    model.to(device)
    plan = recipe.training.plan()
    model.precision = plan.precision
    if plan.channels_last:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if plan.compile:
        model.encoder.compile()
        model.decoder.compile()
    game = model.game(recipe.training.optimiser.build(updates(recipe, data)), generators["noise"])
    trainer = Trainer(
        game,
        data,
        plan,
        generators,
        attributes=spec.attributes,
        folder=folder,
        about={"recipe": _plain(recipe.plain()), "data": _plain(data.provenance), **started},
        validate=lambda: validate(model, data, recipe.seed),
        remark=model.remarks,
        progress=progress,
    )
    trainer.run()
    shown = spread(data.splits["training"], SETTLED_EXAMPLES).split(CHUNK)
    model.settle((data.examples(rows) for rows in shown), generator(recipe.seed, "settle", device=device))
    _plain_layout(model, plan)
    space = Space(
        model,
        spec,
        data.attributes,
        about={
            "recipe": recipe.plain(),
            "data": data.provenance,
            "seconds": trainer.seconds,
            "steps": trainer.step,
            **started,
            **machine(device),
        },
    )
    space.calibrate(data)
    if folder is not None:
        space.save(folder)
    return space


def begin(model: Model, start: Path | str) -> str:
    """Give a model the encoder and decoder of a finished run; the fingerprint of that run's weights.

    Raises:
        RunError: when there is no finished run, or its networks are others, or their output means something else.
    """
    other = Space.load(start)
    scales = [{getattr(factor, "scale", None) for factor in one.codes.values()} for one in (model, other)]
    if scales[0] != scales[1]:
        raise RunError(
            f"The run in {start} reads its encoder's scale as {_named(scales[1])}, this recipe as {_named(scales[0])}. "
            "Set model.scale to the run's."
        )
    for part in ("encoder", "decoder", "likelihood"):
        ours, theirs = getattr(model, part), getattr(other.model, part)
        if isinstance(ours, nn.Module) and isinstance(theirs, nn.Module):
            load_weights(
                ours, theirs.state_dict(), Path(start) / WEIGHTS, "this recipe", "Set data and nets to that run's."
            )
    return other.fingerprint


def _named(scales: set[str | None]) -> str:
    return ", ".join(sorted(scale or "none" for scale in scales))


def same_data(space: Space, data: Dataset) -> bool:
    """Whether a space was trained on exactly these data and splits; if not, the test's examples may be ones it saw."""
    return _plain(space.about.get("data")) == _plain(data.provenance)


def _plain(data: Any) -> Any:
    return json.loads(json.dumps(data, default=str))


def _plain_layout(model: Model, plan: Plan) -> None:
    """Leave behind what was for speed only, so that this Space and the one loaded from its files agree bit for bit."""
    model.precision = "fp32"
    if plan.channels_last:
        model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    if plan.compile:
        for net in (model.encoder, model.decoder):
            net._compiled_call_impl = None


@torch.no_grad()
def validate(model: Model, data: Dataset, seed: int) -> dict[str, float]:
    """What a model says of itself on (at most 1,024 examples of) the validation split."""
    model.eval()
    x = data.examples(spread(data.splits["validation"], VALIDATION_EXAMPLES))
    found = model.validation(x, generator(seed, "validation", device=x.device))
    model.train()
    return found

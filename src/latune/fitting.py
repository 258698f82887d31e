"""Train on your own data in one line: look at it, choose nets and schedule, say why, train."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from latune.data import Dataset, InMemory, from_arrays
from latune.data import load as load_data
from latune.errors import DataError, RecipeError
from latune.imports import name_of
from latune.models.infogan import NO_CODE
from latune.nets import Conv
from latune.nets.adversarial import TABLES
from latune.provenance import check_device
from latune.recipes import Recipe, change, check, describe, train
from latune.recipes.schema import NetsSection, RampSection
from latune.space import Space

UPDATES = 6000  # enough for a few thousand small images; larger sets get at least EPOCHS passes
GAN_UPDATES = 3000  # of InfoGAN, each of which takes several looks at a batch
EPOCHS = 8
CODES = {"categorical": [10], "continuous": 2}  # of InfoGAN, as of the paper's digits
GUIDED = {"draws": 1, "carried": 50, "pull_weight": 2.0}  # of a GSN of small data, as of our digits

Changes = Sequence[str] | Mapping[str, Any]  # what `change` takes


@dataclass(frozen=True)
class Choice:
    """A recipe chosen for some data, and the reasons, one sentence each."""

    recipe: Recipe
    reasons: list[str]


def choose(
    data: Dataset,
    model: str | None = None,
    name: str = "own",
    source: Mapping[str, Any] | None = None,
    changes: Changes = (),
    own_nets: bool = False,
) -> Choice:
    """The recipe that suits a data set.

    Args:
        data: what will be trained on.
        model: a name of `MODELS`; AR-VAE where there are attributes, else a VAE.
        name: of the recipe.
        source: the recipe's data section.
        changes: settings that are not chosen but given.
        own_nets: whether the networks are modules that the caller has built.

    Raises:
        RecipeError: for a change that is not possible; all mistakes at once.
    """
    source = dict(source or {"name": data.name})
    wish = wished(model, name, source, changes)
    asked = _by_section(changes)
    colours, height, width = data.shape
    n, side = len(data.splits["training"]), max(height, width)
    numbers = [a for a, attribute in data.attributes.items() if attribute.kind != "categorical"]
    sliders = numbers if wish.data.attributes is None else wish.data.attributes
    kind = wish.model.name if "name" in asked["model"] else model or ("ar-vae" if sliders else "vae")
    latent = max(16 if side <= 32 else 32, 10 + len(sliders))
    settings: dict[str, Any] = {"name": kind, "latent": latent, **_settings(kind, colours, asked["model"], wish)}
    batch = wish.training.batch_size if "batch_size" in asked["training"] else 128 if n >= 512 else max(8, n // 4)
    epochs = min(400, max(EPOCHS, round((GAN_UPDATES if kind == "infogan" else UPDATES) / max(n // batch, 1))))
    faces = kind == "infogan" and colours == 3 and "preset" not in asked["model"]  # as of our recipe for faces
    chosen = {
        "name": name,
        "data": source,
        "nets": _nets(data.shape, asked["nets"], wish.nets, kind, faces),
        "model": settings,
        "training": {
            "epochs": epochs,
            "batch_size": min(batch, n) if "batch_size" not in asked["training"] else batch,
            "validate_every": max(1, epochs // 20),
            **_training(kind, faces),
        },
    }
    recipe = check(change(chosen, changes), "chosen from the data")
    if kind == "infogan" and not (recipe.model.categorical or recipe.model.continuous):
        raise RecipeError(NO_CODE)
    if timed := _timed(recipe, faces, asked["model"], recipe.training.plan().total(n)):
        settings |= timed
        recipe = check(change(chosen, changes), "chosen from the data")
    reasons = _reasons(recipe, data, asked, own_nets)
    if model is None and "name" not in asked["model"]:
        reasons.insert(0, _model_reason(sliders))
    if not recipe.about:
        recipe = recipe.model_copy(update={"about": "chosen from the data: " + "; ".join(reasons)})
    return Choice(recipe, reasons)


def choose_for_folder(
    folder: Path | str,
    csv: Path | str | None = None,
    size: int | None = None,
    *,
    model: str | None = None,
    name: str = "own",
    changes: Changes = (),
    device: Any = "cpu",
    own_nets: bool = False,
) -> tuple[Choice, Dataset]:
    """Open a folder of images and choose the recipe that suits it; its paths are kept as absolute ones.

    Raises:
        RecipeError: for changes that are not possible, or say again what the arguments say.
        DataError: for a folder that cannot be used.
    """
    source: dict[str, Any] = {"name": "folder", "path": str(Path(folder).expanduser().resolve())}
    source |= {} if csv is None else {"csv": str(Path(csv).expanduser().resolve())}
    source |= {} if size is None else {"size": size}
    if twice := sorted(source.keys() & _by_section(changes)["data"]):
        said = ", ".join(f"data.{key}" for key in twice)
        raise RecipeError(f"The folder, its CSV and its size are given already; leave out {said}, or train a recipe.")
    wish = wished(model, name, source, changes)  # before the folder is read: mistakes of the data and others at once
    data = load_data("folder", seed=wish.seed, device=device, **wish.data.options())
    return choose(data, model, name, source, changes, own_nets), data


def wished(model: str | None, name: str, source: Mapping[str, Any], changes: Changes) -> Recipe:
    """What is given before anything is chosen, as a recipe of its own.

    Raises:
        RecipeError: with every mistake.
    """
    # Until the data are seen, what any choice could allow is allowed: conv and ar-vae have the most settings.
    most = {"name": name, "data": dict(source), "nets": {"name": "conv"}, "model": {"name": model or "ar-vae"}}
    said = change(most, changes)
    if isinstance(said["model"], Mapping) and said["model"].get("name") == "infogan":
        most["nets"] = {"name": "adversarial"}
        said = change(most, changes)
    return check(said, "changes")


def _by_section(changes: Changes) -> dict[str, set[str]]:
    """The settings that changes name, by section."""
    asked = change({}, changes)
    sections = {name: asked.get(name) for name in ("data", "nets", "model", "training")}
    return {name: set(value) if isinstance(value, Mapping) else set() for name, value in sections.items()}


def _nets(shape: Sequence[int], asked: set[str], wished: NetsSection, kind: str, faces: bool) -> dict[str, Any]:
    colours, side, name = shape[0], max(shape[1:]), wished.name
    if "encoder" in asked:
        return {}
    if kind == "infogan" and name != "adversarial":
        raise RecipeError(f"infogan takes a judge and a generator: leave nets.name out. Got nets.name={name}.")
    if kind == "infogan":
        table = wished.table or ("celeba" if colours == 3 else "mnist" if side <= 32 else "chairs")
        scale = max(TABLES[table].scales.values())
        if any(length % scale for length in shape[1:]):
            near = max(scale, round(side / scale) * scale)
            raise RecipeError(
                f"infogan's table '{table}' takes sides that can be divided by {scale}. Got {shape[1]}x{shape[2]}. "
                f"Scale them, to {near}x{near} for example: of a folder, --size {near} does it (size={near} in Python)."
            )
        return {"name": "adversarial", "table": table} | ({"bare": 0} if faces and TABLES[table].bare else {})
    if kind == "vgsn" and side <= 32 and not asked:
        return {"name": "mlp", "hidden": [512, 512]}
    if name == "mlp" or (side <= 16 and not asked & {"name", "channels", "kernel", "stride", "padding"}):
        return {"name": "mlp", "hidden": [256, 256]}
    depth = max(2, min(5, side.bit_length() - 3))
    channels = [32, 32, 64, 64, 128][:depth]
    return {"name": "conv", "channels": channels, "kernel": 4, "stride": 2, "padding": 1, "hidden": [256]}


def _settings(kind: str, colours: int, asked: set[str], wish: Recipe) -> dict[str, Any]:
    """What the model is told besides its dimensions; of InfoGAN, as in our recipes for digits and for faces."""
    if kind == "infogan" and "preset" in asked:
        return CODES
    if kind == "infogan":
        settings: dict[str, Any] = CODES | ({} if "scale" in asked else {"scale": "one"})
        if colours == 3:
            return settings | {"judge_rate": 0.5, "smoothing": 0.1}
        classes = wish.model.categorical if "categorical" in asked else CODES["categorical"]
        return settings | ({"agreement": 2.0} if classes and "inform" not in asked else {})
    if asked & {"likelihood", "preset"}:
        return {}
    return {"likelihood": "gaussian", "sigma": "learned"} if colours == 3 else {"likelihood": "bernoulli"}


def _training(kind: str, faces: bool) -> dict[str, Any]:
    """How the model is trained besides for how long."""
    if kind != "infogan":
        return {"optimiser": {"lr": {"start": 1e-3, "end": 1e-4, "shape": "cosine"}}}
    rate = 4e-4 if faces else 1e-3
    return {"precision": "bf16", "channels_last": True, "optimiser": {"lr": rate, "betas": [0.5, 0.999]}}


def _timed(recipe: Recipe, faces: bool, asked: set[str], total: int) -> dict[str, Any]:
    """What the model is told that depends on how many updates there are in all."""
    if recipe.model.name == "vgsn" and not asked & {"preset", "guide"}:
        return {**GUIDED, "pretrain": 3 * total // 4}
    if faces and recipe.model.categorical and not asked & {"information", "inform"}:
        rise = {"start": 0.0, "end": 0.3, "steps": max(total // 4, 1)}
        return {"information": {"start": 0.0, "end": 0.0, "steps": max(total // 8, 1), "then": rise}}
    return {}


def _model_reason(sliders: Sequence[str]) -> str:
    if not sliders:
        return "model vae: there are no attributes with numbers to order dimensions by"
    return f"model ar-vae: {_count(len(sliders), 'attribute')} to order dimensions by ({', '.join(sliders)})"


def _reasons(recipe: Recipe, data: Dataset, asked: Mapping[str, set[str]], own_nets: bool) -> list[str]:
    """Why a recipe is as it is, told of what will be trained: what was asked for is not reasoned about."""
    colours, height, width = data.shape
    n, side = len(data.splits["training"]), max(height, width)
    nets, training, given = recipe.nets, recipe.training, "as you said"
    if nets.encoder is not None:
        reasons = [f"networks of your own: {nets.encoder} and {nets.decoder}"]
    elif own_nets:
        reasons = ["networks of your own"]
    elif nets.name == "adversarial":
        why = (
            given if "table" in asked["nets"] else f"{'colour' if colours == 3 else 'grey'} images of {height}x{width}"
        )
        reasons = [f"a judge and a generator by the paper's table of {nets.table}: {why}"]
        if nets.bare is not None and "bare" not in asked["nets"]:
            reasons.append("every up-convolution but the last normalised: without, the generator collapses in colour")
    elif nets.name == "mlp":
        why = f"{height}x{width} images are too small for convolutions to help"
        why = "a chain goes through them again and again" if recipe.model.name == "vgsn" and side > 16 else why
        reasons = [f"fully connected nets: {given if asked['nets'] else why}"]
    else:
        channels, stride = nets.channels or list(Conv.channels), nets.stride or Conv.stride
        why = f"{height}x{width} images shrink to {side >> len(channels)} a side"
        count = _count(len(channels), "convolution")
        reasons = [f"{count} of stride {stride} ({channels}): {given if asked['nets'] else why}"]
    why = given if "latent" in asked["model"] else "small images" if side <= 32 else "larger images"
    ordered = describe(recipe, data).attributes
    sliders = f", {len(ordered)} of them {'slider' if len(ordered) == 1 else 'sliders'}" if ordered else ""
    what = "dimension of noise" if recipe.model.name == "infogan" else "latent dimension"
    reasons.append(f"{_count(recipe.model.latent, what)}: {why}{sliders}")
    if recipe.model.name == "infogan":
        reasons.append(_codes_reason(recipe, asked["model"]))
        if recipe.model.agreement and "agreement" not in asked["model"]:
            reasons.append("classes that stay as they are when an image is pushed out of shape (model.agreement)")
        if isinstance(recipe.model.information, RampSection) and "information" not in asked["model"]:
            first = recipe.model.information.steps
            reasons.append(
                f"judge and generator at rates closer to each other, and classes asked for from update {first:,} on: "
                "else they are told by texture before there are images"
            )
    if recipe.model.name == "vgsn" and recipe.model.pretrain is not None and "pretrain" not in asked["model"]:
        reasons.append(
            f"a guide of chains from update {recipe.model.pretrain:,} on: a VAE for three quarters of the training"
        )
    batches = f"with batches of {min(training.batch_size, n)}"
    if training.steps is not None:
        reasons.append(f"{_count(training.steps, 'update')} {batches}: {given}")
    else:
        updates = _count(training.plan().per_epoch(n), "update")
        why = given if asked["training"] & {"epochs", "batch_size"} else _count(n, "training image")
        reasons.append(f"{_count(training.epochs, 'epoch')} of {updates} {batches}: {why}")
    if recipe.model.likelihood == "gaussian" and not asked["model"] & {"likelihood", "preset", "sigma"}:
        reasons.append("Gaussian likelihood with a learned scale: colour pixels are not binary")
    return reasons


def _codes_reason(recipe: Recipe, asked: set[str]) -> str:
    classes, numbers = recipe.model.categorical or [], recipe.model.continuous or 0
    told = [
        f"one of {n} classes" if times == 1 else f"{times} of {n} classes each" for n, times in Counter(classes).items()
    ]
    told += [_count(numbers, "number")] if numbers else []
    why = "as you said" if asked & set(CODES) else "as of the paper's digits (model.categorical, model.continuous)"
    return f"codes to be found, {' and '.join(told)}: {why}"


def _count(n: int, what: str) -> str:
    if n != 1:
        head, *tail = what.split(" of ")
        what = " of ".join([head + "s", *tail])
    return f"{n:,} {what}"


def fit(
    images: Any,
    attributes: Mapping[str, Any] | Path | str | None = None,
    out: Path | str | None = None,
    *,
    model: str | None = None,
    encoder: Any = None,
    decoder: Any = None,
    nets_settings: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 0,
    size: int | None = None,
    device: Any = "cpu",
    progress: bool = False,
    **changes: Any,
) -> Space:
    """Train on your own images and return the Space.

    Args:
        images: a folder, or an array or tensor `(n, h, w)`, `(n, h, w, 3)` or `(n, c, h, w)`, uint8 or in [0, 1].
        attributes: a value an image by name; for a folder, its CSV.
        out: the run folder; None trains in memory. The same call resumes.
        model: `vae`, `beta-vae`, `ar-vae`, `vgsn` or `infogan`; chosen from the data where left out.
        encoder, decoder: your own networks: `module:Class` or the class itself (rebuilt by name when the run is
            loaded), or ready modules (to load such a run, pass them again as `nets=`). They give what `VAE` says.
        nets_settings: keyword arguments of your classes, `{"encoder": {...}, "decoder": {...}}`.
        seed: of the splits, the weights and every draw.
        size: side to which a folder's images are scaled.
        device: where to train.
        progress: show a bar.
        changes: recipe keys with two underscores for the dot, for example `training__epochs=20`, `model__beta=2.0`.

    Raises:
        DataError, RecipeError, RunError: for what cannot be used, before anything is trained.

    >>> import numpy as np
    >>> images = (np.random.default_rng(0).random((60, 8, 8)) * 255).astype("uint8")
    >>> space = fit(images, {"light": images.mean((1, 2))}, training__epochs=1)
    >>> space.sliders
    ['light']
    """
    words = {"seed": seed, **{key.replace("__", "."): value for key, value in changes.items()}}
    nets, named = _own_nets(encoder, decoder, nets_settings)
    words |= named
    check_device(device)
    if isinstance(images, Path | str):
        if not isinstance(attributes, Path | str | None):
            raise DataError(
                "The attributes of a folder are the path of a CSV file: its first column the file, the others "
                f"attributes. Got {type(attributes).__name__}."
            )
        given: dict[str, Any] = {"model": model, "changes": words, "device": device, "own_nets": nets is not None}
        choice, data = choose_for_folder(images, attributes, size, **given)
    else:
        choice, data = _choose_for_arrays(images, attributes, size, model, words, device, nets is not None)
    return train(choice.recipe, out, device=device, progress=progress, data=data, nets=nets)


def _choose_for_arrays(
    images: Any, attributes: Any, size: int | None, model: str | None, words: Changes, device: Any, own_nets: bool
) -> tuple[Choice, Dataset]:
    if isinstance(attributes, Path | str):
        raise DataError(
            "With images in memory, attributes are a dict: a value an image by name. A CSV goes with a folder."
        )
    if size is not None:
        raise DataError("size goes with a folder of images. Scale arrays before you give them.")
    if other := _by_section(words)["data"] - {"attributes"}:
        said = ", ".join(f"data.{key}" for key in sorted(other))
        raise RecipeError(f"With images in memory there is no {said}; the only such setting is data.attributes.")
    seed = wished(model, "own", {"name": "arrays"}, words).seed
    arrays = from_arrays(images, attributes, seed=seed)
    source = {"name": "arrays", "fingerprint": fingerprint(arrays)}
    return choose(arrays, model, source=source, changes=words, own_nets=own_nets), arrays.to(device)


def _own_nets(
    encoder: Any, decoder: Any, settings: Mapping[str, Mapping[str, Any]] | None
) -> tuple[tuple[nn.Module, nn.Module] | None, dict[str, Any]]:
    """Own networks as modules, or as settings that name them."""
    if (encoder is None) != (decoder is None):
        raise RecipeError("encoder and decoder are given together.")
    modules = [isinstance(part, nn.Module) for part in (encoder, decoder)]
    if settings is not None and (encoder is None or any(modules)):
        raise RecipeError("nets_settings go with an encoder and a decoder that are named or classes.")
    if encoder is None:
        return None, {}
    if all(modules):
        return (encoder, decoder), {}
    if any(modules) or not all(isinstance(part, str) or hasattr(part, "__qualname__") for part in (encoder, decoder)):
        raise RecipeError(
            "encoder and decoder are both modules, or both named as 'module:Class' or classes. "
            f"Got {_kind(encoder)} and {_kind(decoder)}."
        )
    names = [part if isinstance(part, str) else name_of(part) for part in (encoder, decoder)]
    return None, {"nets.encoder": names[0], "nets.decoder": names[1], "nets.settings": dict(settings or {})}


def _kind(part: Any) -> str:
    return "a module" if isinstance(part, nn.Module) else repr(part)


def fingerprint(data: InMemory) -> str:
    """A short hash of images and attributes, so that a run is not continued on other data."""
    digest = hashlib.sha256(data.pixels.numpy().tobytes())
    digest.update(data.values.numpy().tobytes())
    return digest.hexdigest()[:16]

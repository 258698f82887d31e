"""Train on your own data in one line: look at it, choose nets and schedule, say why, train."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from latune.data import Dataset, InMemory, from_arrays
from latune.data import load as load_data
from latune.errors import DataError, RecipeError
from latune.imports import name_of
from latune.recipes import Recipe, change, check, train
from latune.space import Space

UPDATES = 6000  # enough for a few thousand small images; larger sets get at least EPOCHS passes
EPOCHS = 8


@dataclass(frozen=True)
class Choice:
    """A recipe chosen for some data, and the reasons, one sentence each."""

    recipe: Recipe
    reasons: list[str]


def choose(
    data: Dataset, model: str | None = None, name: str = "own", source: Mapping[str, Any] | None = None
) -> Choice:
    """The recipe that suits a data set.

    Args:
        data: what will be trained on.
        model: a name of `MODELS`; AR-VAE where there are attributes, else a VAE.
        name: of the recipe.
        source: the recipe's data section.
    """
    colours, height, width = data.shape
    n, side = len(data.splits["training"]), max(height, width)
    numbers = [a for a, attribute in data.attributes.items() if attribute.kind != "categorical"]
    reasons = []
    if model is None:
        model = "ar-vae" if numbers else "vae"
        reasons.append(
            f"model {model}: {len(numbers)} attributes to order dimensions by ({', '.join(numbers)})"
            if numbers
            else "model vae: there are no attributes with numbers to order dimensions by"
        )
    if side <= 16:
        nets: dict[str, Any] = {"name": "mlp", "hidden": [256, 256]}
        reasons.append(f"fully connected nets: {height}x{width} images are too small for convolutions to help")
    else:
        depth = max(2, min(5, side.bit_length() - 3))
        channels = [32, 32, 64, 64, 128][:depth]
        nets = {"name": "conv", "channels": channels, "kernel": 4, "stride": 2, "padding": 1, "hidden": [256]}
        reasons.append(
            f"{depth} convolutions of stride 2 ({channels}): {height}x{width} images shrink to {side >> depth} a side"
        )
    latent = max(16, 10 + len(numbers)) if side <= 32 else max(32, 10 + len(numbers))
    reasons.append(
        f"{latent} latent dimensions: {'small' if side <= 32 else 'larger'} images"
        + (f", {len(numbers)} of them sliders" if model == "ar-vae" else "")
    )
    batch = 128 if n >= 512 else max(8, n // 4)
    per_epoch = max(n // batch, 1)
    epochs = max(EPOCHS, round(UPDATES / per_epoch))
    epochs = min(epochs, 400)
    reasons.append(f"{epochs} epochs of {per_epoch} updates with batches of {batch}: {n:,} training images")
    if colours == 3:
        reasons.append("Gaussian likelihood with a learned scale: colour pixels are not binary")
    settings: dict[str, Any] = {"name": model, "latent": latent}
    settings |= {"likelihood": "gaussian", "sigma": "learned"} if colours == 3 else {"likelihood": "bernoulli"}
    recipe = {
        "name": name,
        "about": "chosen from the data: " + "; ".join(reasons),
        "data": dict(source or {"name": data.name}),
        "nets": nets,
        "model": settings,
        "training": {
            "epochs": epochs,
            "batch_size": batch,
            "validate_every": max(1, epochs // 20),
            "optimiser": {"lr": {"start": 1e-3, "end": 1e-4, "shape": "cosine"}},
        },
    }
    return Choice(check(recipe, "chosen from the data"), reasons)


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
        model: `vae`, `beta-vae` or `ar-vae`; chosen from the data where left out.
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
    if (encoder is None) != (decoder is None):
        raise RecipeError("encoder and decoder are given together.")
    if isinstance(images, Path | str):
        source: dict[str, Any] = {"name": "folder", "path": str(images)}
        source |= {"csv": str(attributes)} if attributes is not None else {}
        source |= {"size": size} if size is not None else {}
        data = load_data("folder", seed=seed, device=device, **{k: v for k, v in source.items() if k != "name"})
    else:
        if isinstance(attributes, Path | str):
            raise DataError(
                "With images in memory, attributes are a dict: a value an image by name. A CSV goes with a folder."
            )
        arrays = from_arrays(images, attributes, seed=seed)
        data, source = arrays.to(device), {"name": "arrays", "fingerprint": fingerprint(arrays)}
    recipe = choose(data, model, source=source).recipe
    words = {"seed": seed, **{key.replace("__", "."): value for key, value in changes.items()}}
    plain = recipe.plain()
    nets = None
    if encoder is not None:
        if isinstance(encoder, nn.Module) and isinstance(decoder, nn.Module):
            nets = (encoder, decoder)
        else:
            paths = [part if isinstance(part, str) else name_of(part) for part in (encoder, decoder)]
            plain["nets"] = {"encoder": paths[0], "decoder": paths[1], "settings": dict(nets_settings or {})}
    return train(check(_set(plain, words), "fit"), out, device=device, progress=progress, data=data, nets=nets)


def fingerprint(data: InMemory) -> str:
    """A short hash of images and attributes, so that a run is not continued on other data."""
    digest = hashlib.sha256(data.pixels.numpy().tobytes())
    digest.update(data.values.numpy().tobytes())
    return digest.hexdigest()[:16]


def _set(plain: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Set dotted keys to values of any type."""
    out = change(plain, [f"{key}=0" for key in values])  # makes the sections that a key needs
    for key, value in values.items():
        *sections, last = key.split(".")
        place = out
        for section in sections:
            place = place[section]
        place[last] = value
    return out

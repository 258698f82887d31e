"""A run folder's files of a finished model: `space.json` and `weights.safetensors`, written and read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from latune.attributes import Attribute, as_dict, from_dict
from latune.calibration import Calibration
from latune.errors import RecipeError, RunError
from latune.files import write_json
from latune.models import Model, Spec, build
from latune.training import checkpoint as ckpt

SPACE = "space.json"
FORMAT = 1

Parts = tuple[Model, Spec, dict[str, Attribute], dict[str, Calibration], dict[str, Any]]


def write(
    folder: Path,
    model: Model,
    spec: Spec,
    attributes: Mapping[str, Attribute],
    calibration: Mapping[str, Calibration],
    about: Mapping[str, Any],
) -> None:
    """Write the two files, each whole or not at all."""
    ckpt.save_tensors(folder / ckpt.WEIGHTS, model.state_dict(), {"model": spec.model})
    write_json(
        folder / SPACE,
        {
            "format": FORMAT,
            "spec": spec.as_dict(),
            "codes": model.codes.as_dict(),
            "attributes": {name: as_dict(attribute) for name, attribute in attributes.items()},
            "calibration": {name: known.as_dict() for name, known in calibration.items()},
            "about": dict(about),
        },
    )


def read(
    folder: Path, device: Any = "cpu", nets: tuple[nn.Module, nn.Module] | None = None, step: int | None = None
) -> Parts:
    """Model, spec, attributes, calibration and provenance of a run folder.

    After `step` updates instead of at the end, there is no calibration: it was measured on the finished model.

    Raises:
        RunError: when the folder is not a run, is not finished, was written by a newer Latune, its files do not fit, or
            it did not keep the weights of that step.
    """
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
        if (written := data.get("format", FORMAT)) != FORMAT:
            raise RunError(
                f"{folder / SPACE} is of format {written!r}; this Latune reads format {FORMAT}. Use the version that "
                "wrote it, or train again."
            )
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
    path = folder / ckpt.weights_at(step)
    if step is not None and not path.exists():
        steps = ", ".join(map(str, ckpt.kept(folder)))
        raise RunError(
            f"{folder} kept no weights of step {step}. "
            + (f"It kept those of {steps}." if steps else "Train with training.keep=[STEP, ...] to keep some.")
        )
    if not path.exists():
        raise RunError(
            f"{path} is missing. It is written when the training ends: restore it from a copy, or "
            f"remove {SPACE} and run the training's command again."
        )
    tensors, _ = ckpt.load_tensors(path)
    ckpt.load_weights(model, tensors, path)
    return model.to(device), spec, attributes, calibration if step is None else {}, about


def fingerprint(model: nn.Module) -> str:
    """A short hash of a model's weights, their names and shapes.

    >>> fingerprint(nn.Linear(2, 2)) == fingerprint(nn.Linear(2, 2))
    False
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(dtype=torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


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

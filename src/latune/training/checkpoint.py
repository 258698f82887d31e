"""Checkpoints: one safetensors file with weights, optimisers, generators and position, written whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from latune.errors import RunError
from latune.files import whole

CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = "weights.safetensors"
_KEPT = "weights-{}.safetensors"


def weights_at(step: int | None = None) -> str:
    """The file of a run folder that has the weights as they were after so many updates; None: at the end.

    >>> weights_at(400), weights_at()
    ('weights-400.safetensors', 'weights.safetensors')
    """
    return WEIGHTS if step is None else _KEPT.format(step)


def kept(folder: Path) -> list[int]:
    """After which updates a run kept its weights, those at the end left out, in order."""
    before, after = _KEPT.split("{}")
    steps = (path.name.removeprefix(before).removesuffix(after) for path in folder.glob(_KEPT.format("*")))
    return sorted(int(step) for step in steps if step.isdecimal())


def save_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write named tensors and plain data as one safetensors file."""
    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with whole(path) as temporary:
        try:
            save_file(flat, temporary, metadata={"latune": json.dumps(about)})
        except SafetensorError as error:
            # The writer reports a full disk as text only; give it its errno back so that `whole` can explain it.
            if "No space left" in str(error) or "os error 28" in str(error):
                raise OSError(28, str(error)) from error
            raise


def load_tensors(path: Path, device: Any = "cpu") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_tensors` wrote.

    Raises:
        RunError: when the file is missing or damaged.
    """
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            about = json.loads((file.metadata() or {}).get("latune", "{}"))
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118
    except FileNotFoundError:
        raise RunError(f"{path} is missing. A run folder holds it after its first checkpoint: train first.") from None
    except (SafetensorError, ValueError) as error:
        raise RunError(
            f"{path} is not a readable safetensors file ({error}). Restore it from a copy, or train again."
        ) from None


def load_weights(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    source: Path | str,
    recipe: str = "the recipe beside them",
    cure: str = "Use the recipe they were trained with, or train again in a new folder.",
) -> None:
    """Put named tensors into a module, all of them and no others; `recipe` and `cure` are words of the message.

    Raises:
        RunError: names every tensor that is missing, unexpected or of another shape.
    """
    own = module.state_dict()
    problems = [f"missing {name}" for name in own.keys() - tensors.keys()]
    problems += [f"unexpected {name}" for name in tensors.keys() - own.keys()]
    problems += [
        f"{name} has shape {tuple(tensors[name].shape)}, the recipe needs {tuple(own[name].shape)}"
        for name in own.keys() & tensors.keys()
        if own[name].shape != tensors[name].shape
    ]
    if problems:
        shown = "; ".join(sorted(problems)[:6]) + ("; ..." if len(problems) > 6 else "")
        raise RunError(f"The weights in {source} do not fit {recipe}: {shown}. {cure}")
    module.load_state_dict(dict(tensors))


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimiser's moments as flat named tensors."""
    state = optimiser.state_dict()["state"]
    return {
        f"{index}/{key}": value
        for index, moments in state.items()
        for key, value in moments.items()
        if isinstance(value, Tensor)
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put flat named moments back, each in the memory order of its parameter, as fused optimisers want it."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split("/", 1)
        parameter = parameters[int(index)]
        if value.shape == parameter.shape:
            value = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        state.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors below a prefix, without it."""
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}


@contextlib.contextmanager
def only_training(folder: Path) -> Iterator[None]:
    """Hold a run folder for one training; the system lets go of it when the process ends, however it ends.

    Raises:
        RunError: when another process trains there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            owner = file.read().strip()
            raise RunError(
                f"{folder} is being trained by another process{f' (number {owner})' if owner else ''}. "
                "Wait for it to end, stop it, or choose another folder with --out."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        for left_over in folder.glob(".*.part"):  # of a training that was killed while it wrote
            left_over.unlink()
        yield

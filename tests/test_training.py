"""The loop: a killed run loses nothing, it says why it must stop, and it never waits for the device."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from latune.data import InMemory, from_arrays
from latune.errors import DataError, LatuneError, RunError, TrainingError
from latune.files import DiskFull, whole, write_json
from latune.models import Spec, build
from latune.recipes import check, read, train
from latune.space import Space
from latune.training import Generators, Optimiser, Plan, Player, Ramp, Trainer, checkpoint, seed_for
from latune.training.checkpoint import CHECKPOINT, WEIGHTS, load_tensors, load_weights, only_training, save_tensors
from latune.training.log import read_log


@pytest.fixture
def data() -> InMemory:
    draw = np.random.default_rng(0)
    light = draw.uniform(0.1, 1, 80)
    images = light[:, None, None] * draw.uniform(0.5, 1, (80, 6, 6))
    return from_arrays(images, {"light": light})


def recipe_of(**training):
    """A recipe for the fixture's data that trains in a blink."""
    plain = {"name": "blink", "data": {"name": "arrays"}, "nets": {"hidden": [16]}, "model": {"latent": 3}}
    return check({**plain, "training": {"steps": 12, "batch_size": 16, "log_every": 2, **training}}, "test")


def trainer_of(data, folder=None, seed: int = 0, model=None, about=None, **plan) -> Trainer:
    generators = Generators(seed)
    spec = Spec("ar-vae", data.shape, 3, ("light",), {"name": "mlp", "hidden": [16]})
    model = model or build(spec, seed=seed_for(seed, "weights"))
    settings = {"steps": 12, "batch_size": 16, "log_every": 2, "checkpoint_seconds": 0.0, **plan}
    game = model.game(Optimiser(), generators["noise"])
    return Trainer(game, data, Plan(**settings), generators, ["light"], folder, about)


def same_weights(a: Path, b: Path) -> bool:
    first, second = (load_file(folder / WEIGHTS) for folder in (a, b))
    return first.keys() == second.keys() and all(
        first[name].numpy().tobytes() == second[name].numpy().tobytes() for name in first
    )


def numbers(folder: Path) -> list[dict]:
    """The log without its clock."""
    return [{k: v for k, v in line.items() if k != "seconds"} for line in read_log(folder)]


# --- killed and started again ---

PLAIN = """
[data]
name = "digits"
attributes = ["area", "slant"]
[nets]
hidden = [64]
[model]
name = "ar-vae"
latent = 6
[training]
steps = 90
log_every = 3
checkpoint_seconds = 0
[training.optimiser]
lr = { start = 1e-3, end = 1e-4, steps = 80, shape = "cosine" }
"""

EVERYTHING = """
seed = 7
[data]
name = "digits"
attributes = ["thickness"]
limit = 700
[nets]
name = "conv"
channels = [8, 8]
kernel = 3
hidden = [32]
activation = "selu"
dropout = 0.3
[model]
name = "ar-vae"
latent = 5
likelihood = "gaussian"
sigma = "learned"
scale = "softplus"
beta = { start = 0.1, end = 1.0, steps = 60 }
capacity = 1.0
[training]
steps = 60
batch_size = 64
log_every = 2
checkpoint_seconds = 0
ema = 0.95
precision = "bf16"
channels_last = true
[training.optimiser]
kind = "adamw"
lr = 2e-3
clip = 5.0
weight_decay = 0.01
"""


def command(recipe: str, folder: str) -> None:
    """`latune train RECIPE --out FOLDER`, as a process of its own runs it."""
    import sys

    from latune.cli import main

    torch.set_num_threads(1)
    sys.argv = ["latune", "train", recipe, "--out", folder]
    with Path(os.devnull).open("w") as quiet:
        sys.stdout = sys.stderr = quiet
        main()


@pytest.fixture(scope="module")
def processes():
    """Real processes that have imported everything once, so that a start takes no seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["latune.cli", "latune.fitting", "sklearn.datasets", "tensorboardX", "torch._dynamo"]
    )
    return lambda recipe, folder: context.Process(target=command, args=(str(recipe), str(folder)), daemon=True)


def lines_of(folder: Path) -> int:
    path = folder / "log.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def kill_when(process, folder: Path, enough: int, wait: float) -> bool:
    """SIGKILL once the log has so many lines and `wait` seconds more have passed; False where it ended before."""
    deadline = time.monotonic() + 120
    while process.is_alive() and lines_of(folder) < enough:
        assert time.monotonic() < deadline, "the training does not get on"
        process.join(0.001)
    process.join(wait)
    if not process.is_alive():
        return False
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    return True


@pytest.mark.parametrize(("text", "lines"), [(PLAIN, 32), (EVERYTHING, 30)], ids=["plain", "everything"])
def test_killed_and_resumed_equals_uninterrupted(text, lines, processes, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(text)
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    process = processes(recipe, unbroken)
    process.start()

    draw = random.Random(lines)
    kills = 0
    # before anything is there, then at four places drawn at random, then in the last step or after it
    for enough in [0, *sorted(draw.sample(range(1, lines - 1), 4)), lines - 1]:
        process_ = processes(recipe, broken)
        process_.start()
        kills += kill_when(process_, broken, enough, draw.uniform(0, 0.01))
        assert not (broken / WEIGHTS).exists() or (broken / CHECKPOINT).exists()
    last = processes(recipe, broken)
    last.start()
    for each in (process, last):
        each.join(120)
        assert each.exitcode == 0

    assert kills >= 3
    assert same_weights(unbroken, broken)
    assert numbers(unbroken) == numbers(broken)
    steps = [line["step"] for line in numbers(broken)]
    assert steps == sorted(set(steps))
    assert Space.load(broken).calibration.keys() == Space.load(unbroken).calibration.keys()
    assert (
        json.loads((broken / "space.json").read_text())["calibration"]
        == (json.loads((unbroken / "space.json").read_text())["calibration"])
    )
    assert not list(broken.glob(".*.part")), "what a killed process left half-written is gone"


def test_weights_are_kept_after_the_updates_asked_for(data, tmp_path):
    run, shorter = tmp_path / "run", tmp_path / "shorter"
    train(recipe_of(keep=[5, 9]), run, data=data)
    train(recipe_of(steps=5), shorter, data=data)
    first, second = Space.load(run, step=5).model.state_dict(), Space.load(shorter).model.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in second)
    assert not torch.equal(Space.load(run, step=9).model.encoder[1].weight, first["encoder.1.weight"])
    with pytest.raises(RunError, match=r"kept no weights of step 6. It kept those of 5, 9"):
        Space.load(run, step=6)
    with pytest.raises(RunError, match=r"training.keep"):
        Space.load(shorter, step=5)


def test_what_is_kept_is_the_average_where_there_is_one(data, tmp_path):
    train(recipe_of(keep=[7], ema=0.5), tmp_path / "run", data=data)
    train(recipe_of(steps=7, ema=0.5), tmp_path / "shorter", data=data)
    kept, there = Space.load(tmp_path / "run", step=7), Space.load(tmp_path / "shorter")
    assert all(torch.equal(a, b) for a, b in zip(kept.model.parameters(), there.model.parameters(), strict=True))


def test_moments_come_back_in_the_memory_order_of_their_parameters(tmp_path):
    """A fused optimiser walks parameter, gradient and moments side by side in memory."""

    def optimiser():
        weight = nn.Parameter(torch.arange(54.0).view(3, 2, 3, 3).contiguous(memory_format=torch.channels_last))
        return weight, Optimiser(lr=0.1).build([weight])

    def descend(weight, descent):
        weight.grad = torch.arange(54.0).view(3, 2, 3, 3).contiguous(memory_format=torch.channels_last).sin()
        descent.step()

    weight, descent = optimiser()
    descend(weight, descent)
    save_tensors(tmp_path / "a.safetensors", {"weight": weight, **checkpoint.optimiser_tensors(descent)}, {})
    descend(weight, descent)
    again, descent = optimiser()
    tensors, _ = load_tensors(tmp_path / "a.safetensors")
    with torch.no_grad():
        again.copy_(tensors.pop("weight"))
    checkpoint.restore_optimiser(descent, tensors)
    descend(again, descent)
    assert torch.equal(weight, again)


def test_two_processes_in_one_folder(processes, tmp_path):
    recipe, folder = tmp_path / "recipe.toml", tmp_path / "run"
    recipe.write_text(PLAIN.replace("steps = 90", "steps = 100000"))
    first = processes(recipe, folder)
    first.start()
    try:
        while lines_of(folder) < 1:
            assert first.is_alive()
            first.join(0.005)
        with pytest.raises(RunError, match=f"is being trained by another process \\(number {first.pid}\\)"):
            train(read(str(recipe)), folder)
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.join()
    with only_training(folder):  # the dead process holds nothing
        pass


@pytest.mark.parametrize("stop", [1, 2, 5, 11])
def test_a_stopped_trainer_goes_on_where_it_was(data, tmp_path, stop):
    class Stop(Exception):
        pass

    whole_run = trainer_of(data, tmp_path / "a", ema=0.5)
    whole_run.run()
    trainer = trainer_of(data, tmp_path / "b", ema=0.5)
    play = trainer.game.step

    def step(batch, number):
        if number == stop:
            raise Stop
        return play(batch, number)

    trainer.game.step = step
    with pytest.raises(Stop):
        trainer.run()
    again = trainer_of(data, tmp_path / "b", ema=0.5)
    again.run()
    assert again.step == 12
    for a, b in zip(whole_run.game.model.parameters(), again.game.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert numbers(tmp_path / "a") == numbers(tmp_path / "b")


def test_a_log_that_was_cut_in_a_line_is_mended(data, tmp_path):
    trainer_of(data, tmp_path, steps=4).run()
    expected = numbers(tmp_path)
    path = tmp_path / "log.jsonl"
    path.write_text(path.read_text() + '{"step": 6, "loss/vae": 12.')
    assert numbers(tmp_path) == expected
    trainer_of(data, tmp_path, steps=8).run()
    assert [line["step"] for line in numbers(tmp_path)] == [2, 4, 6, 8]


# --- what the loop does ---


def test_an_epoch_sees_every_full_batch_once_in_a_new_order(data):
    trainer = trainer_of(data)
    rows = {image.numpy().tobytes(): i for i, image in enumerate(data.images(torch.arange(80)))}
    epochs = [
        [rows[image.numpy().tobytes()] for step in range(4) for image in trainer.batch(epoch * 4 + step).x]
        for epoch in range(2)
    ]
    training = set(data.splits["training"].tolist())
    for epoch in epochs:
        assert len(epoch) == len(set(epoch)) == 64
        assert set(epoch) <= training
    assert epochs[0] != epochs[1]
    batch = trainer.batch(5)
    assert torch.equal(batch.x, trainer_of(data).batch(5).x), "a batch depends on seed and number only"
    indices = [rows[image.numpy().tobytes()] for image in batch.x]
    assert torch.equal(batch.attributes, data.values[indices])


def test_data_without_training_examples_are_told(data):
    data.splits["training"] = data.splits["training"][:0]
    with pytest.raises(DataError, match=r"'arrays' has no training examples: all 80 are in its other splits"):
        trainer_of(data)


def test_schedules_reach_the_optimiser_and_the_terms(data):
    generators = Generators(0)
    spec = Spec("vae", data.shape, 3, (), {"name": "mlp", "hidden": [8]}, {"beta": Ramp(0.0, 2.0, 10)})
    game = build(spec, seed=0).game(Optimiser(lr=Ramp(0.1, 0.0, 10), kind="sgd"), generators["noise"])
    player = game.players[0]
    seen = []
    trainer = Trainer(game, data, Plan(steps=12, batch_size=16), generators)
    for step in range(12):
        losses = game.step(trainer.batch(step), step)
        beta = (losses["loss/vae"] - losses["reconstruction"]) / losses["kl"]
        seen.append((player.descent.param_groups[0]["lr"], beta.item()))
    assert seen == [
        (pytest.approx(max(0.1 - 0.01 * step, 0), abs=1e-9), pytest.approx(min(0.2 * step, 2), abs=1e-3))
        for step in range(12)
    ]


def test_clipping_bounds_the_gradient(data):
    moved = {}
    for clip in (None, 1e-3):
        trainer = trainer_of(data)
        trainer.game.players[0] = player = Player(
            "vae", [trainer.game.model], trainer.game.model.terms, Optimiser(kind="sgd", lr=1.0, clip=clip)
        )
        before = [p.detach().clone() for p in player.parameters]
        trainer.game.step(trainer.batch(0), 0)
        moved[clip] = torch.stack([(a - b).norm() for a, b in zip(before, player.parameters, strict=True)]).norm()
    assert moved[1e-3].item() == pytest.approx(1e-3, rel=1e-3)
    assert moved[None] > 0.1


def test_ema_is_the_average_of_the_weights_on_the_way(data):
    trainer, plain = trainer_of(data, ema=0.8, steps=3), trainer_of(data, steps=3)
    mean = [p.detach().clone() for p in plain.game.model.parameters()]
    for step in range(3):
        plain.game.step(plain.batch(step), step)
        mean = [0.8 * m + 0.2 * p.detach() for m, p in zip(mean, plain.game.model.parameters(), strict=True)]
    trainer.run()
    for got, expected in zip(trainer.game.model.parameters(), mean, strict=True):
        assert torch.allclose(got, expected, atol=1e-6)


def test_the_log_holds_the_mean_of_every_term(data, tmp_path):
    trainer = trainer_of(data, tmp_path, steps=6, log_every=3)
    seen = []
    play = trainer.game.step
    trainer.game.step = lambda batch, step: seen.append(play(batch, step)) or seen[-1]
    trainer.run()
    lines = read_log(tmp_path)
    assert [line["step"] for line in lines] == [3, 4, 6]  # 4 ends the first epoch
    assert lines[0]["epoch"] == 0
    assert lines[1]["epoch"] == 1
    for name in seen[0]:
        assert lines[0][name] == pytest.approx(np.mean([terms[name].item() for terms in seen[:3]]), rel=1e-6)
    assert list((tmp_path / "tensorboard").iterdir())


class Unchecked(InMemory):
    """Data whose indices are not looked at, as on an accelerator."""

    def raw(self, indices):
        return self._read(indices)


class Waits(TorchDispatchMode):
    """Counts the moments at which Python asks for a number: on an accelerator each would stop the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function.overloadpacket.__name__ in ("_local_scalar_dense", "is_nonzero", "nonzero", "equal")
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("plan", [{}, {"ema": 0.9, "precision": "bf16", "channels_last": True}])
def test_between_two_lines_of_the_log_nothing_waits_for_the_device(data, plan, monkeypatch):
    data = Unchecked(**{name: getattr(data, name) for name in data.__dataclass_fields__})

    def waits(steps: int) -> int:
        generators = Generators(0)
        nets = {"name": "conv", "channels": [4], "hidden": [8], "kernel": 2, "dropout": 0.2}
        spec = Spec("ar-vae", data.shape, 3, ("light",), nets, {"beta": Ramp(0.0, 1.0, 5)})
        model = build(spec, seed=0)
        game = model.game(Optimiser(clip=1.0, lr=Ramp(1e-3, 1e-4, 50)), generators["noise"])
        settings = Plan(steps=steps, batch_size=64, log_every=1000, **plan)
        trainer = Trainer(game, data, settings, generators, ["light"])
        trainer.per_epoch = 1000  # one epoch, so that no line of the log falls in between
        trainer._order = (0, torch.arange(64).repeat(1000))
        with Waits() as mode:
            trainer.run()
        return mode.count + sum(asked)

    asked: list[int] = []
    for name in ("cpu", "tolist", "numpy"):
        method = getattr(torch.Tensor, name)
        monkeypatch.setattr(
            torch.Tensor, name, lambda self, *a, _m=method, **k: (asked.append(1), _m(self, *a, **k))[1]
        )
    few = waits(2)
    asked.clear()
    many = waits(12)
    assert few > 0, "the log at the end does ask"
    assert many == few


# --- when it must stop ---


class Spoilt(nn.Module):
    """A model with one term or gradient that is no longer finite from a step on."""

    def __init__(self, model, step: int, how: str) -> None:
        super().__init__()
        self.model, self.step, self.how = model, step, how
        self.calls = 0

    def game(self, optimiser, generator):
        game = self.model.game(optimiser, generator)
        player = game.players[0]
        terms = player.terms

        def spoilt(scene):
            for term in terms(scene):
                if term.name == "kl" and scene.step >= self.step:
                    hurt = term.value * float("nan") if self.how == "nan" else term.value / 0
                    if self.how == "gradient":
                        hurt = term.value + (term.value - term.value.detach()).abs().sqrt()
                    term = term._replace(value=hurt)
                yield term

        player.terms = spoilt
        return game


@pytest.mark.parametrize("how", ["nan", "inf"])
@pytest.mark.parametrize("log_every", [1, 4])
def test_a_term_that_is_not_finite_stops_the_run_and_is_named(data, tmp_path, how, log_every):
    spec = Spec("ar-vae", data.shape, 3, ("light",), {"name": "mlp", "hidden": [16]})
    settings = {"log_every": log_every, "steps": 20}
    good = trainer_of(data, tmp_path / "good", steps=4, log_every=log_every)
    good.run()
    model = Spoilt(build(spec, seed=seed_for(0, "weights")), 6, how)
    with pytest.raises(TrainingError) as told:
        trainer_of(data, tmp_path / "bad", model=model, **settings).run()
    message = str(told.value)
    assert "stopped at step 7: kl is no longer finite" in message
    assert "learning" not in message
    assert "training.optimiser.lr" in message
    tensors, about = load_tensors(tmp_path / "bad" / CHECKPOINT)
    assert about["step"] == (6 if log_every == 1 else 4)
    assert f"the last good checkpoint, of step {about['step']}, is kept" in message
    assert all(value.isfinite().all() for value in tensors.values() if value.is_floating_point())
    if log_every == 4:
        kept, _ = load_tensors(tmp_path / "good" / CHECKPOINT)
        assert all(torch.equal(tensors[name], kept[name]) for name in kept)
    assert all(np.isfinite(list(line.values())).all() for line in read_log(tmp_path / "bad"))


def test_a_gradient_that_is_not_finite_is_never_saved(data, tmp_path):
    """The loss of the step is fine, but the weights after it are not."""
    spec = Spec("ar-vae", data.shape, 3, ("light",), {"name": "mlp", "hidden": [16]})
    model = Spoilt(build(spec, seed=0), 5, "gradient")
    with pytest.raises(TrainingError, match="no longer finite; the last good checkpoint, of step 5, is kept"):
        trainer_of(data, tmp_path, model=model, log_every=1).run()
    tensors, about = load_tensors(tmp_path / CHECKPOINT)
    assert about["step"] == 5
    assert all(value.isfinite().all() for value in tensors.values() if value.is_floating_point())


def test_without_a_checkpoint_the_message_says_so(data):
    spec = Spec("vae", data.shape, 3, (), {"name": "mlp", "hidden": [16]})
    model = Spoilt(build(spec, seed=0), 0, "nan")
    with pytest.raises(TrainingError, match="nothing was saved yet"):
        trainer_of(data, None, model=model).run()


# --- a full disk ---


def no_room(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_room_as_text(*args, **kwargs):
    raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize("where", ["fsync", "save_file", "save_file as text"])
def test_a_full_disk_leaves_the_last_checkpoint_whole(data, tmp_path, monkeypatch, where):
    unbroken = tmp_path / "unbroken"
    train(recipe_of(), unbroken, data=data)
    folder = tmp_path / "run"
    known = json.loads(json.dumps({"recipe": recipe_of().plain(), "data": data.provenance}))
    trainer = trainer_of(data, folder, about=known)
    play = trainer.game.step

    def step(batch, number):
        if number == 6:
            if where == "fsync":
                monkeypatch.setattr(os, "fsync", no_room)
            else:
                monkeypatch.setattr(checkpoint, "save_file", no_room if where == "save_file" else no_room_as_text)
        return play(batch, number)

    trainer.game.step = step
    with pytest.raises(DiskFull, match=r"No room left on the disk while writing .*checkpoint\.safetensors"):
        trainer.run()
    monkeypatch.undo()
    _, about = load_tensors(folder / CHECKPOINT)
    assert about["step"] == 6
    assert not [path for path in folder.iterdir() if path.name.endswith(".part")]
    (folder / "recipe.toml").write_text((unbroken / "recipe.toml").read_text())
    train(recipe_of(), folder, data=data)  # room again: the same command goes on
    assert same_weights(folder, unbroken)


@pytest.mark.parametrize("name", ["weights.safetensors", "space.json"])
def test_a_full_disk_at_the_end_leaves_a_run_that_can_be_resumed(data, tmp_path, monkeypatch, name):
    train(recipe_of(), tmp_path / "unbroken", data=data)
    real = os.replace

    def replace(self, target):
        if Path(target).name == name:
            no_room()
        real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(DiskFull, match=name):
        train(recipe_of(), tmp_path / "run", data=data)
    monkeypatch.undo()
    assert not (tmp_path / "run" / "space.json").exists()
    assert not list((tmp_path / "run").glob(".*.part"))
    train(recipe_of(), tmp_path / "run", data=data)
    assert same_weights(tmp_path / "run", tmp_path / "unbroken")


def test_files_appear_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "numbers.json"
    write_json(path, {"a": [1.0, float("nan")], 2: float("inf")})
    assert json.loads(path.read_text()) == {"a": [1.0, None], "2": None}
    with pytest.raises(RuntimeError, match="half way"), whole(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("half way")
    assert json.loads(path.read_text()) == {"a": [1.0, None], "2": None}
    assert [each.name for each in path.parent.iterdir()] == ["numbers.json"]
    with pytest.raises(OSError, match="numbers") as told, whole(path / "below.txt"):
        pass
    assert told.value.filename == str(path), "the name of no temporary file"


# --- folders that do not fit ---


def test_a_finished_run_is_only_opened(data, tmp_path, monkeypatch):
    first = train(recipe_of(), tmp_path, data=data)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    monkeypatch.setattr(Trainer, "run", lambda self: pytest.fail("trained again"))
    again = train(recipe_of(), tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == stamps
    x = data.images(torch.arange(4))
    assert torch.equal(first.encode(x), again.encode(x))


def test_another_recipe_in_the_same_folder_is_refused_and_the_differences_are_named(data, tmp_path):
    train(recipe_of(), tmp_path, data=data)
    with pytest.raises(RunError, match=r"another recipe \(training\.steps: 12 -> 13\)"):
        train(recipe_of(steps=13), tmp_path, data=data)
    (tmp_path / "recipe.toml").write_text("name = ")
    with pytest.raises(RunError, match=r"recipe\.toml is damaged"):
        train(recipe_of(), tmp_path, data=data)


def test_a_folder_with_something_else_in_it_is_refused(data, tmp_path):
    (tmp_path / "thesis.doc").write_text("do not touch")
    with pytest.raises(RunError, match="is not empty and is not a run"):
        train(recipe_of(), tmp_path, data=data)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_file_is_no_run_folder(data, tmp_path):
    (tmp_path / "notes").write_text("keep")
    with pytest.raises(RunError, match="notes is a file; a run needs a folder"):
        train(recipe_of(), tmp_path / "notes", data=data)
    assert (tmp_path / "notes").read_text() == "keep"


def test_two_trainings_in_one_folder_are_refused(data, tmp_path):
    with only_training(tmp_path / "run"), pytest.raises(RunError, match=f"number {os.getpid()}.*--out"):
        train(recipe_of(), tmp_path / "run", data=data)
    assert train(recipe_of(), tmp_path / "run", data=data).about["steps"] == 12


def test_bad_recipes_leave_no_folder_behind(data, tmp_path):
    plain = recipe_of().plain()
    plain["model"]["latent"] = 1
    plain["model"]["name"] = "ar-vae"
    two = from_arrays(data.pixels, {"a": data.values[:, 0], "b": data.values[:, 0] ** 2})
    with pytest.raises(LatuneError, match="too few for 2 attributes"):
        train(check(plain, "test"), tmp_path / "run", data=two)
    with pytest.raises(LatuneError, match="'z' is what free coordinates are called"):
        train(recipe_of(), tmp_path / "run", data=from_arrays(data.pixels, {"z": data.values[:, 0]}))
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_of_another_recipe_or_shape_is_refused(data, tmp_path):
    trainer_of(data, tmp_path, about={"recipe": 1}).run()
    with pytest.raises(RunError, match="made with another recipe"):
        trainer_of(data, tmp_path, about={"recipe": 2}).run()
    wide = build(Spec("ar-vae", data.shape, 3, ("light",), {"name": "mlp", "hidden": [17]}), seed=0)
    with pytest.raises(RunError, match=r"has shape \(16, 36\), the recipe needs \(17, 36\)"):
        trainer_of(data, tmp_path, model=wide).run()


def test_weights_that_do_not_fit_are_named(tmp_path):
    net = nn.Linear(2, 3)
    with pytest.raises(RunError, match=r"missing bias; unexpected extra; weight has shape \(3, 1\).*needs \(3, 2\)"):
        load_weights(net, {"weight": torch.zeros(3, 1), "extra": torch.zeros(1)}, tmp_path)
    before = net.weight.clone()
    load_weights(net, {"weight": before + 1, "bias": torch.zeros(3)}, tmp_path)
    assert torch.equal(net.weight, before + 1)


def test_a_checkpoint_that_is_damaged_or_missing_is_told(data, tmp_path):
    with pytest.raises(RunError, match="is missing"):
        load_tensors(tmp_path / "none.safetensors")
    save_tensors(tmp_path / CHECKPOINT, {"a": torch.arange(3.0)}, {"step": 1})
    tensors, about = load_tensors(tmp_path / CHECKPOINT)
    assert tensors["a"].tolist() == [0, 1, 2]
    assert about == {"step": 1}
    content = (tmp_path / CHECKPOINT).read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"not safetensors" * 9):
        (tmp_path / CHECKPOINT).write_bytes(damaged)
        with pytest.raises(RunError, match="is not a readable safetensors file"):
            trainer_of(data, tmp_path).run()


class Noisy(nn.Sequential):
    """An encoder of a user's own, which draws from torch's global generator."""

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(36, 16), nn.Dropout(0.5), nn.Linear(16, 6))


class Plain(nn.Sequential):
    """A decoder of a user's own."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(3, 36), nn.Unflatten(1, (1, 6, 6)))


def test_own_networks_that_draw_are_seeded_and_resume(data, tmp_path):
    """Whatever the global generator was before, and wherever the training stopped."""
    runs = {}
    for name, stops in {"once": (), "again": (), "stopped": (4, 8)}.items():
        torch.manual_seed(len(name))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            nets = Noisy(), Plain()
        for stop in (*stops, 12):
            spec = Spec("ar-vae", data.shape, 3, ("light",))
            trainer = trainer_of(data, tmp_path / name, model=build(spec, nets=nets))
            trainer.total = stop
            state = torch.get_rng_state()
            trainer.run()
            assert torch.equal(torch.get_rng_state(), state)
        runs[name] = load_file(tmp_path / name / CHECKPOINT)
    for name in ("again", "stopped"):
        assert all(
            torch.equal(runs["once"][key], runs[name][key]) for key in runs["once"] if key.startswith("weights/")
        )


def test_a_training_does_not_go_on_with_other_data(data, tmp_path):
    recipe = recipe_of(checkpoint_seconds=0.0)
    train(recipe, tmp_path / "run", data=data)
    (tmp_path / "run" / "space.json").unlink()  # as if it had been stopped at the end
    other = from_arrays(np.full((80, 6, 6), 0.5), {"light": np.arange(80.0)}, seed=3)
    with pytest.raises(RunError, match="made with another data: it changed since"):
        train(recipe, tmp_path / "run", data=other)


def test_a_folder_in_which_nothing_was_saved_is_taken_over(data, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.toml").write_text("name = 'wrong'\n")
    train(recipe_of(), tmp_path / "run", data=data)
    assert "blink" in (tmp_path / "run" / "recipe.toml").read_text()


def test_validation_measures_the_averaged_weights(data):
    seen = []
    trainer = trainer_of(data, ema=0.5, steps=4)
    trainer.validate = lambda: seen.append([p.detach().clone() for p in trainer.game.model.parameters()]) or {}
    trainer.run()
    assert all(torch.equal(a, b) for a, b in zip(seen[-1], trainer.ema, strict=True))


def test_the_validation_split_is_looked_at_each_epoch_within_long_ones_and_at_the_end(data, monkeypatch):
    def looked(**plan) -> list[int]:
        trainer = trainer_of(data, **plan)
        found: list[int] = []
        trainer.validate = lambda: found.append(trainer.step) or {}
        trainer.run()
        assert found and trainer.per_epoch == 4
        return found

    assert looked(steps=10) == [4, 8, 10]
    assert looked(steps=17, validate_every=2) == [8, 16, 17]
    monkeypatch.setattr("latune.training.trainer.LOOK", 3)
    assert looked(steps=10) == [3, 6, 9, 10]
    assert looked(steps=8, validate_every=2) == [8]  # as asked for


def test_what_a_training_will_not_come_to_is_told_as_it_begins(tmp_path):
    few = ["training.steps=2", "training.batch_size=16"]
    rising = read("vae-digits", [*few, "model.beta={start=0.0,end=1.0,steps=100}"])
    with pytest.warns(
        UserWarning, match="beta is on its way to 1, and 0.02 where this training ends at 2. Set model.beta"
    ):
        train(rising)
    vae = train(read("vae-digits", [*few, "nets.hidden=[128,128]", "model.latent=16"]), tmp_path / "vae")
    again = [*few, f"training.start={tmp_path / 'vae'}", "model.carried=2"]
    with pytest.warns(UserWarning, match="The first 1 updates are a VAE's, as without a start. With model.pretrain=0"):
        train(read("vgsn-digits", [*again, "model.pretrain=1"]))
    train(read("vgsn-digits", [*again, "model.pretrain=0"]))  # nothing to tell: a warning would be an error
    with pytest.raises(RunError, match=r"do not fit this recipe: .*Set data and nets to that run's"):
        train(read("vgsn-digits", [*again, "model.pretrain=0", "nets.hidden=[64]"]))
    assert vae.about["steps"] == 2

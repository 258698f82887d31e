"""The command line as it is typed: what every command leaves behind, and one clear message for every mistake."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import latune
from latune import cli
from latune.data import DATASETS, from_arrays, load
from latune.errors import DataError, LatuneError, RecipeError, RunError
from latune.fitting import choose
from latune.recipes import read, shelf
from latune.recipes.schema import RampSection
from latune.training.checkpoint import only_training

COMMANDS = [
    [],
    ["demo"],
    ["train"],
    ["recipes"],
    ["sample"],
    ["edit"],
    ["traverse"],
    ["interpolate"],
    ["walk"],
    ["name"],
    ["studio"],
    ["evaluate"],
    ["info"],
    ["measure"],
    ["compare"],
    ["reproduce"],
    ["data"],
    ["data", "list"],
    ["data", "inspect"],
    ["data", "show"],
]


@dataclass
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Type a command in an empty folder, in this process."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def type_(*words: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["latune", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return type_


def flat(text: str) -> str:
    """Words without line breaks, tables' frames and styles."""
    return " ".join("".join(" " if char in "│╭╮╰╯─" else char for char in text).split())


def tree() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*"))


@pytest.fixture
def mistake(run):
    """Type a command that is wrong: exit code 2, one message, no traceback, nothing left behind."""

    def type_(*words: object) -> str:
        before = tree()
        answer = run(*words)
        assert answer.code == 2, answer.out + answer.err
        said = flat(answer.err)
        assert said.lower().count("error") >= 1
        assert "Traceback" not in answer.out + answer.err
        assert tree() == before, "something half-written was left"
        return said

    return type_


def picture(path: str | Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


@pytest.fixture
def digit(tmp_path) -> Path:
    digits = load("digits")
    path = tmp_path / "digit.png"
    Image.fromarray(digits.raw(torch.tensor([5]))[0, 0].numpy()).resize((32, 32)).save(path)
    return path


@pytest.fixture
def copy(digits_run, tmp_path) -> Path:
    return shutil.copytree(digits_run, tmp_path / "copy")


# --- help -------------------------------------------------------------------------------------------------------------


def test_help_imports_nothing_heavy():
    heavy = {"torch", "numpy", "scipy", "sklearn", "matplotlib", "PIL", "pydantic"}
    code = (
        "import sys; sys.argv = ['latune', '--help']; import latune.cli\n"
        "try: latune.cli.main()\nexcept SystemExit: pass\n"
        f"print('heavy:', *sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == "heavy:"
    assert "Train a generative model once" in done.stdout


def test_help_says_this(snapshot):
    """All help pages, at a fixed width; `pytest --snapshot-update` after a change that is meant."""
    code = "import sys, latune.cli\nfor words in {commands!r}:\n    print('$ latune', *words, '--help', flush=True)\n"
    code += "    try: latune.cli.app([*words, '--help'])\n    except SystemExit: pass\n    sys.stdout.flush()\n"
    done = subprocess.run(
        [sys.executable, "-c", code.format(commands=COMMANDS)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"},
    )
    assert "\n".join(line.rstrip() for line in done.stdout.splitlines()) == snapshot


def test_every_command_is_listed(run):
    known = flat(run("--help").out)
    assert all(words[0] in known for words in COMMANDS if words)
    assert run("--version").out.strip() == latune.__version__


# --- what commands leave behind ---------------------------------------------------------------------------------------


def test_train_resumes_reports_and_is_done_once(run):
    words = ["train", "vae-digits", "training.steps=20", "data.limit=300", "seed=3", "--json", "a.json"]
    answer = run(*words)
    assert answer.code == 0, answer.err
    folder = Path("runs/vae-digits-data.limit=300-seed=3-training.steps=20")
    assert f"trained: {folder}" in answer.out
    assert f"latune evaluate {folder}" in answer.out
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == {
        "checkpoint.safetensors",
        "log.jsonl",
        "recipe.toml",
        "space.json",
        "tensorboard",
        "weights.safetensors",
    }
    told = json.loads(Path("a.json").read_text())
    assert told["steps"] == 20
    assert told["recipe"]["seed"] == 3
    stamp = (folder / "weights.safetensors").stat().st_mtime_ns
    assert run(*words).code == 0
    assert (folder / "weights.safetensors").stat().st_mtime_ns == stamp


def test_a_recipe_file_of_ones_own(run):
    Path("mine.toml").write_text('[data]\nname = "digits"\nlimit = 200\n[model]\nname = "beta-vae"\n')
    answer = run("train", "mine.toml", "training.steps=3", "model.capacity=2.5", "--out", "b")
    assert answer.code == 0, answer.err
    assert latune.load("b").spec.settings == {"capacity": 2.5}


def test_recipes_and_data_are_listed(run):
    answer = run("recipes", "--json", "r.json")
    assert answer.code == 0
    assert set(json.loads(Path("r.json").read_text())) == set(shelf())
    assert all(name in answer.out for name in shelf())
    answer = run("data", "list")
    assert answer.code == 0
    assert all(name in answer.out for name in DATASETS)


def test_sample(run, digits_run):
    answer = run("sample", digits_run, "--n", 9, "--set", "slant=-2", "--set", "area=+1", "--out", "a.png", "--seed", 4)
    assert answer.code == 0, answer.err
    assert run("sample", digits_run, "--n", 9, "--out", "b.png", "--seed", 4).code == 0
    assert run("sample", digits_run, "--n", 9, "--out", "c.png", "--seed", 4).code == 0
    assert picture("a.png").size == picture("b.png").size
    assert Path("a.png").read_bytes() != Path("b.png").read_bytes() == Path("c.png").read_bytes()
    assert run("sample", digits_run, "--n", 4, "--to", "thickness=2.2", "--out", "d.png").code == 0


def test_sample_goes_into_the_run_unless_told(run, copy):
    assert run("sample", copy).code == 0
    assert picture(copy / "sample.png")


def test_edit(run, digits_run, digit):
    answer = run("edit", digits_run, digit, "--set", "thickness=+2", "--json", "e.json")
    assert answer.code == 0, answer.err
    size = picture("digit-edit.png").size
    assert (size[0] + size[0] // 26) / size[1] == pytest.approx(3, abs=0.5), "original, reconstruction, edit"
    numbers = json.loads(Path("e.json").read_text())
    assert set(numbers) == set(latune.load(digits_run).sliders)
    assert numbers["thickness"]["after"] > numbers["thickness"]["before"]
    answer = run("edit", digits_run, digit, "--to", "slant=0.1", "--out", "x.png", "--json", "e.json")
    assert answer.code == 0
    assert picture("x.png")
    assert json.loads(Path("e.json").read_text())["slant"]["after"] == pytest.approx(0.1, abs=0.05)
    assert "slant" in answer.out


def test_traverse(run, digits_run, digit):
    assert run("traverse", digits_run, "--n", 2, "--steps", 4, "--out", "t").code == 0
    assert {path.stem for path in Path("t").iterdir()} == set(latune.load(digits_run).sliders)
    assert run("traverse", digits_run, digit, "--name", "slant", "--name", "z[0]", "--out", "u").code == 0
    assert {path.name for path in Path("u").iterdir()} == {"slant.png", "z[0].png"}
    assert picture("u/slant.png").width > 9 * picture("u/slant.png").height


def test_interpolate(run, digits_run, digit):
    assert run("interpolate", digits_run, digit, digit, "--steps", 6).code == 0
    assert picture("interpolation.png").width > 5 * picture("interpolation.png").height


def test_info(run, digits_run):
    answer = run("info", digits_run, "--json", "i.json")
    assert answer.code == 0
    told = json.loads(Path("i.json").read_text())
    assert told["model"] == "ar-vae"
    assert set(told["reach"]) == set(latune.load(digits_run).sliders)
    assert "thickness" in answer.out


def test_evaluate_measures_and_reports(run, copy):
    answer = run("evaluate", copy, "--json", "m.json")
    assert answer.code == 0, answer.err
    told = json.loads(Path("m.json").read_text())
    assert told["split"] == "test"
    assert told["about"]["recipe"]["seed"] == 0
    assert {"elbo", "interpretability", "scc", "sap", "mig", "mig-arvae", "modularity", "monotonicity"} <= set(
        told["scores"]
    )
    assert "interpretability" in answer.out.lower()
    html = (copy / "report.html").read_text()
    assert "<img" in html
    assert json.loads((copy / "report.json").read_text())
    assert list((copy / "pictures").iterdir())
    words = ["evaluate", copy, "--no-report", "--split", "validation", "--codes", "sample", "--resamples", 0]
    assert run(*words, "--json", "v.json").code == 0
    assert json.loads(Path("v.json").read_text())["codes"] == "sample"


def test_data_show(run):
    assert run("data", "show", "digits", "--n", 12, "--out", "d.png").code == 0
    assert picture("d.png")


def test_reproduce_lists_experiments(run):
    answer = run("reproduce")
    assert answer.code == 0
    assert "experiment" in answer.out


# --- your own data ----------------------------------------------------------------------------------------------------


def test_from_a_folder_to_a_report(run, photos):
    answer = run("data", "inspect", photos, "--json", "look.json")
    assert answer.code == 0
    assert "120" in answer.out
    assert [column["name"] for column in json.loads(Path("look.json").read_text())["columns"]] == ["light", "lean"]

    words = ["train", "arvae", "--data", photos, "--out", "mine", "training.steps=20"]
    answer = run(*words)
    assert answer.code == 0, answer.err
    for reason in ("fully connected nets", "latent dimensions", "20 updates with", "2 of them sliders"):
        assert reason in flat(answer.err)
    assert "sliders: light, lean" in answer.out
    assert run(*words).code == 0, "the same command is understood again"

    assert run("edit", "mine", photos / "003.png", "--set", "light=+2", "--to", "lean=0.3", "--out", "e.png").code == 0
    assert picture("e.png")
    answer = run("evaluate", "mine", "--json", "scores.json")
    assert answer.code == 0, answer.err
    assert json.loads(Path("scores.json").read_text())["n"] > 0
    assert Path("mine/report.html").exists()


def test_own_data_with_a_table_elsewhere_a_size_and_other_models(run, photos):
    shutil.move(photos / "table.csv", "elsewhere.csv")
    answer = run(
        "train",
        "auto",
        "--data",
        photos,
        "--attributes",
        "elsewhere.csv",
        "--size",
        20,
        "training.steps=3",
        "--out",
        "a",
    )
    assert answer.code == 0, answer.err
    space = latune.load("a")
    assert space.shape == (1, 20, 20)
    assert space.spec.model == "ar-vae"
    assert run("train", "auto", "--data", photos, "training.steps=3", "--out", "b").code == 0
    assert latune.load("b").spec.model == "vae"
    assert (
        run("train", "betavae", "--data", photos, "training.steps=3", "seed=5", "model.beta=2", "--out", "c").code == 0
    )
    assert latune.load("c").spec.settings["beta"] == 2.0


def test_own_data_with_codes_that_a_gan_discovers(run, photos):
    words = ["train", "infogan", "--data", photos, "--size", 20, "training.steps=2", "training.batch_size=8"]
    answer = run(*words, "--out", "a")
    assert answer.code == 0, answer.err
    for reason in ("the paper's table of mnist: grey images of 20x20", "one of 10 classes and 2 numbers", "of noise"):
        assert reason in flat(answer.err)
    space = latune.load("a")
    assert (space.spec.model, space.knobs) == ("infogan", ["c1", "c2", "c3"])
    assert run(*words, "--out", "a").code == 0, "the same command is understood again"

    asked = ("model.categorical=[]", "model.continuous=3", "nets.width=0.1")
    answer = run(*words, *asked, "--out", "b")
    assert answer.code == 0 and "codes to be found, 3 numbers: as you said" in flat(answer.err), answer.err
    assert latune.load("b").knobs == ["c1", "c2", "c3"]

    assert run(*words, "model.latent=0", "nets.width=0.1", "--out", "no-noise").code == 0
    space = latune.load("no-noise")
    assert space.sample(2).plain().shape == (2, 1, 20, 20) and space.codes.width == 12
    with pytest.raises(LatuneError, match=r"Unknown coordinate 'noise'.*Allowed: c1\[0\] to c1\[9\], c2, c3\."):
        space.coordinates.column("noise")
    assert run("edit", "no-noise", photos / "003.png", "--set", "c2=1", "--out", "e.png").code == 0
    assert run("evaluate", "no-noise").code == 0
    assert "with no dimensions of noise beside its codes" in flat(Path("no-noise/report.html").read_text())

    grey = from_arrays(np.random.default_rng(0).integers(0, 255, (8, 16, 16), dtype=np.uint8))
    asked = ["model.categorical=[8, 8, 3]", "model.continuous=0"]
    choice = choose(grey, "infogan", changes=asked)
    assert choice.recipe.model.agreement == 2.0 and choice.recipe.nets.bare is None
    assert "codes to be found, 2 of 8 classes each and one of 3 classes: as you said" in choice.reasons
    assert any("pushed out of shape (model.agreement)" in reason for reason in choice.reasons)
    assert choose(grey, "infogan", changes=["model.categorical=[]"]).recipe.model.agreement is None
    answer = run(*words, "model.categorical=[]", "model.continuous=0", "--out", "c")
    assert answer.code == 2 and "needs a code beside the noise" in answer.err and "into" not in answer.err

    answer = run("train", "infogan", "--data", photos, "--size", 22, "--out", "c")
    assert answer.code == 2 and "divided by 4. Got 22x22" in flat(answer.err) and "--size 24" in flat(answer.err)
    answer = run(*words, "nets.table=chairs", "--out", "c")
    assert answer.code == 2 and "'chairs' takes sides that can be divided by 8. Got 20x20" in flat(answer.err)
    colour = np.random.default_rng(0).integers(0, 255, (8, 24, 24, 3), dtype=np.uint8)
    with pytest.raises(LatuneError, match=r"'celeba' takes sides that can be divided by 16\. Got 24x24"):
        latune.fit(colour, model="infogan")
    divided = from_arrays(colour[:, :16, :16])
    choice = choose(divided, "infogan")
    faces, model = read("infogan-celeba"), choice.recipe.model
    assert choice.recipe.nets.bare == faces.nets.bare == 0
    assert (model.judge_rate, model.smoothing, model.agreement) == (faces.model.judge_rate, faces.model.smoothing, None)
    assert choice.recipe.training.optimiser.lr == faces.training.optimiser.lr
    total = choice.recipe.training.plan().total(len(divided.splits["training"]))
    ends = {"start": 0.0, "end": 0.0, "steps": total // 8, "then": {"start": 0.0, "end": 0.3, "steps": total // 4}}
    assert model.information == RampSection(**ends)
    said = "; ".join(choice.reasons)
    assert "without, the generator collapses in colour" in said and f"from update {total // 8:,} on" in said
    assert "likelihood" not in said and "pushed out of shape" not in said
    asked = choose(divided, "infogan", changes=["model.preset=released"]).recipe
    assert asked.nets.bare is asked.model.judge_rate is asked.model.information is None
    assert choose(divided, "infogan", changes=["nets.table=faces"]).recipe.nets.bare is None, (
        "it is normalised as it is"
    )
    answer = run(*words, "nets.name=conv", "--out", "c")
    assert answer.code == 2 and "a judge and a generator: leave nets.name out. Got nets.name=conv" in flat(
        answer.err
    ), answer.err
    assert not Path("c").exists()


def test_own_data_walked_with_a_guide(run, photos):
    words = ["train", "vgsn", "--data", photos, "training.steps=8", "training.batch_size=8"]
    answer = run(*words, "--out", "a")
    assert answer.code == 0, answer.err
    assert "from update 6 on" in flat(answer.err)
    space = latune.load("a")
    assert space.spec.model == "vgsn" and space.spec.settings["pretrain"] == 6
    assert run("walk", "a", "--steps", 2, "--out", "walk.png").code == 0
    for asked in ("model.pretrain=2", "model.guide=off"):
        answer = run(*words, asked, "--out", asked)
        assert answer.code == 0 and "from update" not in flat(answer.err), answer.err


def test_an_attribute_function_of_ones_own(run, photos):
    Path("measures_a.py").write_text("def ink(images):\n    return images.mean((1, 2))\n")
    words = ["data.measure=['measures_a:ink']", "training.steps=20", "--out", "own"]
    assert run("train", "arvae", "--data", photos, *words).code == 0
    space = latune.load("own")
    assert space.sliders == ["light", "lean", "ink"]
    assert space.calibration["ink"].source == "decoded"
    assert run("evaluate", "own", "--no-report").code == 0


NETS = """
from torch import nn

class Encoder(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(144, width), nn.ReLU(), nn.Linear(width, 32))

    def forward(self, x):
        return self.net(x)

class Decoder(nn.Module):
    def __init__(self, width=8, colours=1):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(16, width), nn.ReLU(), nn.Linear(width, 144 * colours))
        self.colours = colours

    def forward(self, z):
        return self.net(z).view(-1, self.colours, 12, 12)
"""


@pytest.fixture
def bars():
    draw = np.random.default_rng(0)
    light = draw.uniform(0.2, 1, 60)
    return (light[:, None, None] * draw.uniform(0.8, 1, (60, 12, 12)) * 255).astype(np.uint8), {"light": light}


def test_own_networks_by_name(run, bars, monkeypatch):
    Path("ownnets_a.py").write_text(NETS)
    images, attributes = bars
    settings = {"encoder": {"width": 20}, "decoder": {"width": 12}}
    given = {"encoder": "ownnets_a:Encoder", "decoder": "ownnets_a:Decoder", "nets_settings": settings}
    space = latune.fit(images, attributes, "fitted", **given, training__steps=10)
    assert space.model.encoder.net[1].out_features == 20
    x = torch.from_numpy(images[:4, None]).float() / 255
    monkeypatch.delitem(sys.modules, "ownnets_a")
    again = latune.load("fitted")  # built by name, from the current folder
    assert torch.equal(again.encode(x), space.encode(x))
    assert torch.equal(again.decode(again.encode(x)).plain(), space.decode(space.encode(x)).plain())
    assert "ownnets_a:Encoder" in Path("fitted/recipe.toml").read_text()

    import ownnets_a

    by_class = latune.fit(images, attributes, encoder=ownnets_a.Encoder, decoder=ownnets_a.Decoder, training__steps=2)
    assert by_class.spec.nets["encoder"] == "ownnets_a:Encoder"
    words = ["nets.encoder=ownnets_a:Encoder", "nets.decoder=ownnets_a:Decoder", "training.steps=2", "--out", "typed"]
    for i, image in enumerate(images[:20]):
        Path("pics").mkdir(exist_ok=True)
        Image.fromarray(image).save(f"pics/{i:02}.png")
    answer = run("train", "vae", "--data", "pics", *words)
    assert answer.code == 0, answer.err


def test_own_networks_that_do_not_fit_are_told(run, bars):
    images, attributes = bars
    Path("ownnets_b.py").write_text(NETS)
    both = {"encoder": "ownnets_b:Encoder", "decoder": "ownnets_b:Decoder"}
    with pytest.raises(RecipeError, match="given together"):
        latune.fit(images, attributes, encoder="ownnets_b:Encoder")
    with pytest.raises(RecipeError, match=r"The decoder turns .*\(2, 3, 12, 12\); it must give \(2, 1, 12, 12\)"):
        latune.fit(images, attributes, "x", **both, nets_settings={"decoder": {"colours": 3}})
    with pytest.raises(RecipeError, match="encoder fails on an input of shape"):
        latune.fit(images[:, :8], attributes, "x", **both)
    with pytest.raises(RecipeError, match="Did you mean 'Encoder'"):
        latune.fit(images, attributes, "x", **{**both, "encoder": "ownnets_b:Encodr"})
    with pytest.raises(RecipeError, match="There is no Python module"):
        latune.fit(images, attributes, "x", **{**both, "encoder": "nonets:Encoder"})
    with pytest.raises(RecipeError, match="does not name a"):
        latune.fit(images, attributes, "x", **{**both, "encoder": "Encoder"})
    with pytest.raises(RecipeError, match=r"cannot be made with the settings.*unexpected keyword argument .widht"):
        latune.fit(images, attributes, "x", **both, nets_settings={"encoder": {"widht": 3}})
    assert not Path("x").exists()


def test_fit_takes_arrays_tensors_and_folders(run, bars, photos):
    images, attributes = bars
    settings = {"training__steps": 2, "model__beta": 2.0}
    first = latune.fit(images, attributes, "a", **settings)
    assert first.sliders == ["light"]
    assert first.spec.settings["beta"] == 2.0
    again = latune.fit(torch.from_numpy(images), {"light": torch.from_numpy(attributes["light"])}, "a", **settings)
    assert all(torch.equal(p, q) for p, q in zip(first.model.parameters(), again.model.parameters(), strict=True))
    with pytest.raises(latune.errors.RunError, match="another recipe"):
        latune.fit(images[::-1].copy(), attributes, "a", **settings)
    assert latune.fit(images, **settings).sliders == []
    assert latune.fit(photos, **settings).sliders == ["light", "lean"]
    assert latune.fit(photos, size=16, seed=2, **settings).shape == (1, 16, 16)
    colour = latune.fit(np.stack([images] * 3, -1), attributes, **settings)
    assert colour.shape == (3, 12, 12)
    assert colour.spec.settings["sigma"] == "learned"
    with pytest.raises(RecipeError, match="epochz"):
        latune.fit(images, training__epochz=3)


def test_a_run_on_arrays_says_how_to_measure_it(mistake, bars):
    latune.fit(*bars, "arrays", training__steps=2)
    assert "trained on arrays in memory" in mistake("evaluate", "arrays")


# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian", "x"], 'Did you mean "train"'),
        (["train"], "recipe"),
        (["sample"], "--run requires an argument"),
        (["sample", "x", "--n", "many"], "many"),
        (["sample", "x", "--sett", "a=1"], "--set"),
        (["train", "arvae-digit"], "Unknown recipe 'arvae-digit'. Did you mean 'arvae-digits'?"),
        (["train", "nowhere.toml"], "There is no file nowhere.toml"),
        (["train", "vae-digits", "training.epoch=3"], "training.epoch: no such key. Did you mean 'epochs'?"),
        (["train", "vae-digits", "Seed=3"], "Seed: no such key. Did you mean 'seed'?"),
        (["train", "vae-digits", "seed"], "'seed' is not of the form key=value"),
        (["train", "vae-digits", "seed=-1"], "seed: got -1"),
        (["train", "vae-digits", "training.epochs=many"], "training.epochs: got 'many'"),
        (["train", "vae-digits", "training.optimiser.kind=adma"], "Did you mean 'adam'?"),
        (["train", "vae-digits", "nets.hidden.first=1"], "nets.hidden: got {'first': 1}"),
        (["train", "vae-digits", "model.gamma=3"], "gamma is not a setting of vae. Allowed: beta, capacity"),
        (["train", "vae-digits", "model.preset=paper"], "vae has no presets"),
        (["train", "arvae-digits", "model.preset=papr"], "Did you mean 'paper'?"),
        (["train", "vae-digits", "data.name=digit"], "Did you mean 'digits'?"),
        (["train", "vae-digits", "data.variant=plain"], "variant"),
        (["train", "vae-digits", "data.limit=2"], "too few"),
        (["train", "arvae-digits", "data.attributes=['slnt']"], "slnt"),
        (["train", "arvae-digits", "model.latent=3"], "3 latent dimensions are too few for 6 attributes"),
        (["train", "vae-digits", "model.sigma=0.1"], "sigma belongs to the gaussian likelihood"),
        (["train", "vae-digits", "nets.name=conv"], "too small for 4 convolutions"),
        (["train", "vae-digits", "nets.encoder=a:B"], "encoder and decoder are given together"),
        (["train", "vae-digits", "--device", "gpu"], "The device 'gpu' cannot be used. Here there is: cpu"),
        (["train", "vae-digits", "--size", "8"], "--size goes with --data FOLDER"),
        (["train", "arvae", "--data", "nowhere"], "/nowhere."),
        (["train", "arvae"], "'arvae' is for your own images: it goes with --data FOLDER"),
        (["train", "vae-digits", "training.optimiser.lr=-1"], "training.optimiser.lr: got -1."),
        (["train", "vae-digits", "training.optimiser.lr=fast"], "Or a ramp, such as {start = 0.0, end = 1.0}"),
        (["train", "vae-digits", "training.optimiser.lr=nan"], "training.optimiser.lr: got nan."),
        (["train", "vae-digits", "training.optimiser.lr={start=1e-3,end=-1}"], "training.optimiser.lr: got -1."),
        (["train", "vae-digits", "training.optimiser.betas=[2,2]"], "training.optimiser.betas.0: got 2."),
        (["train", "vae-digits", "nets.hidden=[]"], "nets.hidden: got []"),
        (["train", "vae-digits", "nets.hidden=[-3]"], "nets.hidden.0: got -3"),
        (["train", "vae-digits", "nets.hidden=[0]"], "nets.hidden.0: got 0"),
        (["train", "arvae-mnist", "nets.channels=[]"], "nets.channels: got []"),
        (["train", "arvae-mnist", "nets.channels=[-2]"], "nets.channels.0: got -2"),
        (["train", "vae-digits", "nets.hidden=[1000000,1000000]"], "The nets 'mlp' cannot be built"),
        (["train", "vae-digits", "nets.channels=[8]"], "mlp has no setting 'channels'. Allowed: hidden, activation, d"),
        (["train", "vae-digits", "seed=99999999999999999999999"], "seed: got 99999999999999999999999."),
        (["data", "export", "digits", "x", "--seed", "99999999999999999999999"], "--seed"),
        (["train", "vae-digits", "model.latent=0"], "latent: got 0. vae needs 1 or more dimensions."),
        (["train", "arvae-digits", "model.gamma=-1"], "model.gamma: got -1."),
        (["train", "infogan-heads", "model.visible=0"], "model.visible: got 0. It is above 0, one length for"),
        (["train", "infogan-heads", "model.visible=[1,-1]"], "model.visible: got -1."),
        (
            ["train", "infogan-heads", "model.visible=[1,0.5]"],
            "model.visible is one length for all numbers, or one for",
        ),
        (["train", "infogan-mnist", "model.visible=1"], "visible says how far numbers are to move an image; how much"),
        (
            ["train", "infogan-heads", "model.mirror=['c7']", "model.symmetry=1"],
            "model.mirror names codes that are numbers: c1,",
        ),
        (["train", "infogan-heads", "model.equivariance=1"], "Here model.follow is empty: set both"),
        (["train", "infogan-heads", "model.follow={c2='slant'}"], "Here model.equivariance is 0: set both"),
        (["train", "infogan-heads", "model.follow=slant"], "model.follow: got 'slant'. It is a table, as"),
        (["train", "vae-digits", "model.visible=[1]"], "visible is not a setting of vae"),
        (["train", "infogan-celeba", "nets.bare=4"], "bare is 0 to 3 in the table 'celeba'. Got 4"),
        (["train", "arvae-digits", "model.beta={start=0,end=-2}"], "model.beta: got -2."),
        (["train", "arvae-digits", "data.attributes=['area','area']"], "'area' is named twice"),
        (["train", "arvae-digits", "data.attributes=[area]"], "words need quotes"),
        (["train", "arvae-digits", "name=a/b"], "name: got 'a/b'"),
        (["train", "arvae-digits", "name=.b"], "name: got '.b'"),
        (["train", "arvae-digits", "data.variant=plain"], "Unknown option 'variant' of data set 'digits'."),
        (["train", "arvae-digits", "data.split=official"], "it must be a list of numbers, for example [0.8, 0.1, 0.1]"),
        (["train", "arvae-digits", "model.latent=3", "model.free_first=2"], "Set model.latent=8 or more"),
        (["train", "vae", "--data", ".", "nets.encoder=E", "nets.decoder=a:D"], "'E' does not name an encoder"),
        (["data", "show", "digits", "--out", "x.docx"], "ends in .png"),
        (["sample", "nowhere", "--out", "x.docx"], "There is no run folder at nowhere"),
        (["interpolate", "nowhere", "a.png", "b.png", "--out", "x"], "There is no run folder at nowhere"),
        (["train", "rvae", "--data", "nowhere"], "Did you mean 'arvae'?"),
        (["info", "nowhere"], "There is no run folder at nowhere. Train one"),
        (["evaluate", "nowhere"], "There is no run folder at nowhere"),
        (["evaluate", "nowhere", "--split", "tset"], "tset"),
        (["data", "inspect", "nowhere"], "There is no folder nowhere"),
        (["data", "show", "digit"], "Did you mean 'digits'?"),
        (["data", "show", "folder"], "needs the option 'path'"),
        (["train", "arvae-bach", "data.name=tunes"], "needs the option 'path': data.path=FOLDER in a recipe or behind"),
        (["data", "show", "digits", "--n", "0"], "--n is 1 or more. Got 0"),
        (["reproduce", "no-such-figure"], "no-such-figure"),
    ],
)
def test_a_mistake_is_told_in_one_message(mistake, words, message):
    assert message in mistake(*words)


def test_all_mistakes_of_a_recipe_are_told_at_once(mistake):
    said = mistake(
        "train",
        "arvae-digits",
        "training.epoch=3",
        "training.precision=fp8",
        "data.name=digit",
        "model.name=arvae",
        "nets.activation=rely",
        "model.sigma=wide",
        "training.optimiser.lr={start=0.0, end=1.0, steps=3, shape='exponential'}",
        "data.split=[0.5]",
        "colour=true",
    )
    assert "8 mistakes in the recipe" in said
    for part in (
        "training.epoch: no such key. Did you mean 'epochs'?",
        "training.precision: got 'fp8'. Input should be 'fp32' or 'bf16'.",
        "data.name: Unknown data set 'digit'. Did you mean 'digits'?",
        "model.name: Unknown model 'arvae'. Did you mean 'ar-vae'?",
        "nets.activation: got 'rely'",
        "Did you mean 'relu'?",
        "model.sigma: got 'wide'",
        "two ends of one sign",
        "colour: no such key.",
    ):
        assert part in said
    for internal in ("literal[", "RampSection", "list[", "function-"):
        assert internal not in said


def test_mistakes_of_the_data_and_of_the_rest_are_told_together(mistake, photos):
    for words in (["vae-digits"], ["vae", "--data", photos]):
        said = mistake("train", *words, "training.stepz=3", "data.sze=3", "seed=-1")
        for part in ("3 mistakes", "training.stepz: no such key", "data.sze: no such key", "seed: got -1"):
            assert part in said
    said = mistake("train", "vae-digits", "training.stepz=3", "data.size=3")
    assert "training.stepz" in said
    assert "Unknown option 'size' of data set 'digits'" in said
    said = mistake("train", "vae-digits", "data.limit=2")
    assert "into runs" not in said, "a training is announced when its data are there"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data.name=digits"], "leave out data.name"),
        (["data.path=elsewhere"], "leave out data.path"),
        (["data.csv=b.csv", "--attributes", "a.csv"], "leave out data.csv"),
        (["data.size=8", "--size", "12"], "leave out data.size"),
    ],
)
def test_own_data_are_named_once(mistake, photos, words, message):
    assert message in mistake("train", "arvae", "--data", photos, *words)


def test_own_data_are_kept_as_absolute_paths(run, photos, monkeypatch):
    monkeypatch.chdir(photos.parent)
    words = ["train", "arvae", "--data", "photos", "--attributes", "photos/table.csv", "training.steps=1"]
    answer = run(*words, "--out", "here/a run")
    assert answer.code == 0, answer.err
    assert "latune evaluate 'here/a run'" in answer.out
    assert "1 update with" in answer.err
    assert "(1 update in" in answer.out
    latune.fit("photos", out="here/b", training__steps=1)
    monkeypatch.chdir("here")
    for folder in ("a run", "b"):
        assert latune.load(folder).about["recipe"]["data"]["path"] == str(photos)
        assert run("evaluate", folder, "--no-report").code == 0
    assert latune.load("a run").about["recipe"]["data"]["csv"] == str(photos / "table.csv")


def test_a_table_that_is_not_utf8_and_words_that_a_space_takes_are_told(mistake, photos):
    table = photos / "table.csv"
    good = table.read_text()
    table.write_bytes(good.replace("light", "größe").encode("latin-1"))
    assert "Save it as UTF-8" in mistake("train", "arvae", "--data", photos)
    for word in ("to", "n", "generator", "self"):
        table.write_text(good.replace("light", word))
        assert f"An attribute cannot be called '{word}'" in mistake("train", "arvae", "--data", photos)
    table.write_text(good.replace("light", "x"))
    assert latune.fit(photos, training__steps=1).sliders == ["x", "lean"]


def test_attributes_with_a_slash_and_without_a_measure(run, photos):
    table = photos / "table.csv"
    table.write_text(table.read_text().replace("light", "light/dark"))
    assert run("train", "arvae", "--data", photos, "training.steps=2", "--out", "a").code == 0
    assert run("traverse", "a", "--n", 1, "--steps", 2, "--out", "t").code == 0
    assert {path.name for path in Path("t").iterdir()} == {"light_dark.png", "lean.png"}
    assert run("edit", "a", photos / "000.png", "--set", "lean=1", "--out", "e.png", "--json", "e.json").code == 0
    assert json.loads(Path("e.json").read_text()) == {"note": "no slider of this run can be measured on images"}


def test_inspect_labels_its_notes(run, photos):
    lines = (photos / "table.csv").read_text().splitlines()
    (photos / "table.csv").write_text("\n".join([lines[0] + ",same", *(line + ",3" for line in lines[1:])]))
    answer = run("data", "inspect", photos)
    assert answer.code == 0
    assert "note: column 'same' has one value only" in flat(answer.out)


def test_sprites_are_exported_with_the_names_of_their_shapes(run):
    answer = run("data", "export", "sprites", "some", "--n", 30)
    assert answer.code == 0, answer.err
    rows = [line.split(",")[1] for line in Path("some/table.csv").read_text().splitlines()]
    assert set(rows) == {"shape", "square", "ellipse", "heart"}
    assert load("folder", path="some").attributes["shape"].kind == "categorical"


def test_what_is_chosen_is_told_of_the_final_recipe(run, bars):
    images, attributes = bars
    colour = np.stack([images] * 3, -1)
    space = latune.fit(colour, attributes, training__steps=1, model__likelihood="bernoulli")
    assert "sigma" not in space.spec.settings
    assert "Gaussian" not in space.about["recipe"]["about"]
    about = latune.fit(images, attributes, training__epochs=1, training__batch_size=500, model__latent=3).about
    told = about["recipe"]["about"]
    assert "3 latent dimensions: as you said, 1 of them slider" in told
    assert "1 epoch of 1 update with batches of 48: as you said" in told
    assert "1 attribute to order" in told
    assert about["steps"] == 1
    preset = latune.fit(images, attributes, training__steps=1, model__preset="paper")
    assert preset.model.likelihood.fixed == pytest.approx(0.5**0.5)
    with pytest.raises(RecipeError, match="mlp has no setting 'channels'"):
        latune.fit(images, attributes, nets__name="mlp", nets__channels=[3])

    class Encoder(torch.nn.Sequential):
        pass

    encoder = Encoder(torch.nn.Flatten(), torch.nn.Linear(144, 32))
    decoder = torch.nn.Sequential(torch.nn.Linear(16, 144), torch.nn.Unflatten(1, (1, 12, 12)))
    own = latune.fit(images, attributes, encoder=encoder, decoder=decoder, training__steps=1)
    assert "networks of your own" in own.about["recipe"]["about"]
    for wrong in ({"encoder": encoder, "decoder": "a:B"}, {"encoder": 3, "decoder": 4}):
        with pytest.raises(RecipeError, match="both modules, or both named"):
            latune.fit(images, attributes, **wrong)
    with pytest.raises(RecipeError, match="nets_settings go with"):
        latune.fit(images, attributes, nets_settings={"encoder": {}})
    with pytest.raises(RecipeError, match="does not name an encoder"):
        latune.fit(images, attributes, encoder=Encoder, decoder=Encoder)  # a class inside of a function has no path


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"seed": 2**63}, RecipeError, "seed: got"),
        ({"size": 8}, DataError, "size goes with a folder"),
        ({"device": "gpu"}, LatuneError, "The device 'gpu' cannot be used"),
        ({"model": "arvae"}, RecipeError, "Did you mean 'ar-vae'"),
        ({"data__limit": 9}, RecipeError, "no data.limit"),
        ({"images": "pics", "attributes": {"light": [1]}}, DataError, "the path of a CSV file.* Got dict"),
        ({"images": "pics", "attributes": None, "data__path": "other"}, RecipeError, "leave out data.path"),
        ({"out": "a file"}, RunError, "a file is a file; a run needs a folder"),
    ],
)
def test_mistakes_of_fit_are_told(run, bars, change, kind, message):
    Path("a file").write_text("")
    given = {"images": bars[0], "attributes": bars[1], "training__steps": 1, **change}
    before = tree()
    with pytest.raises(kind, match=message) as told:
        latune.fit(**given)
    assert len(str(told.value)) < 300
    assert tree() == before


def test_wrong_types_given_to_fit_are_told():
    """In a process of its own: here the types of all arguments are checked before a function sees them."""
    code = """
import latune, numpy as np
for given in ({"attributes": [1, 2]}, {"attributes": {3: np.zeros(30)}}, {"seed": "x"}):
    try:
        latune.fit(np.zeros((30, 8, 8), np.uint8), **given)
    except latune.errors.LatuneError as error:
        print(type(error).__name__, error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "DataError Attributes are a dict of values by name" in said
    assert "DataError Names of attributes are text. Got 3." in said
    assert "RecipeError 1 mistake in the recipe (changes):\n  seed: got 'x'." in said


def test_lists_are_written_as_json(run):
    assert run("reproduce", "list", "--json", "r.json").code == 0
    assert "trainings" in next(iter(json.loads(Path("r.json").read_text()).values()))


def test_a_recipe_file_that_is_not_toml_is_told(mistake):
    Path("mine.toml").write_text("[data\n")
    assert "mine.toml is not valid TOML" in mistake("train", "mine.toml")
    Path("mine.toml").write_bytes(b"\xff\xfe")
    assert "mine.toml is not valid TOML" in mistake("train", "mine.toml")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sample", "{run}", "--set", "slnt=1"], "Unknown coordinate 'slnt'. Did you mean 'slant'?"),
        (["sample", "{run}", "--set", "slant"], "'slant' is not of the form name=number"),
        (["sample", "{run}", "--set", "slant=nan"], "'slant=nan' is not of the form name=number"),
        (["sample", "{run}", "--set", "slant=a"], "'slant=a' is not of the form name=number"),
        (["sample", "{run}", "--n", "0"], "--n is 1 or more. Got 0"),
        (["sample", "{run}", "--to", "z[0]=1"], "'z[0]' has no measured map"),
        (["edit", "{run}", "{digit}"], "Nothing to change. Give --set"),
        (["sample", "{run}", "--out", "x.docx"], "ends in .png"),
        (["interpolate", "{run}", "{digit}", "{digit}", "--out", "x"], "ends in .png"),
        (["edit", "{run}", "{digit}", "--set", "slant=1", "--track", "2"], "--track is of melodies"),
        (["sample", "{run}", "--temperature", "1"], "is of melodies; these are images"),
        (["edit", "{run}", "nowhere.png", "--set", "slant=1"], "There is no image at nowhere.png"),
        (["edit", "{run}", "{run}/space.json", "--set", "slant=1"], "space.json cannot be read as an image"),
        (["traverse", "{run}", "--name", "slent", "--out", "t"], "Did you mean 'slant'?"),
        (["traverse", "{run}", "--steps", "1", "--out", "t"], "--steps is 2 or more"),
        (["interpolate", "{run}", "{digit}", "nowhere.png"], "There is no image at nowhere.png"),
        (["interpolate", "{run}", "{digit}", "{digit}", "--steps", "1"], "2 or more steps"),
        (["info", "{run}/.."], "is not a run folder: it has no space.json"),
        (["info", "{run}/space.json"], "There is no run folder at"),
        (["sample", "{run}", "--out", "{digit}/a.png"], "digit.png"),
        (["train", "vae-digits", "--out", "{digit}"], "digit.png"),
        (["train", "vae-digits", "--out", "{run}"], "holds a run of another recipe"),
    ],
)
def test_a_mistake_about_a_run_is_told(mistake, digits_run, digit, words, message):
    said = mistake(*[word.format(run=digits_run, digit=digit) for word in words])
    assert message in said


def test_another_recipe_in_a_run_folder_names_the_differences(mistake, digits_run):
    said = mistake("train", "arvae-digits", "training.steps=401", "training.validate_every=0", "--out", digits_run)
    assert "(training.steps: 400 -> 401). Choose another" in said


def test_a_folder_in_training_is_told(mistake, tmp_path):
    with only_training(tmp_path / "busy"):
        said = mistake("train", "vae-digits", "training.steps=1", "--out", tmp_path / "busy")
    assert f"is being trained by another process (number {os.getpid()})" in said


def test_weights_that_do_not_fit_and_damaged_files_are_told(mistake, copy):
    path = copy / "space.json"
    good = path.read_text()
    path.write_text(good.replace('"latent": 16', '"latent": 17'))
    said = mistake("sample", copy)
    assert "do not fit the recipe beside them" in said
    assert "needs (17, 256)" in said or "needs (256, 17)" in said
    path.write_text(good[:-40])
    assert "space.json is damaged" in mistake("info", copy)
    path.write_text(good)
    (copy / "weights.safetensors").unlink()
    assert "weights.safetensors is missing" in mistake("evaluate", copy)


def test_a_training_that_breaks_down_says_which_term(run, monkeypatch):
    answer = run(
        "train", "vae-digits", "training.steps=200", "training.log_every=5", "data.limit=300",
        "training.optimiser.kind=sgd", "training.optimiser.lr=1e6", "--out", "broken",
    )  # fmt: skip
    assert answer.code == 2
    said = flat(answer.err)
    assert "no longer finite" in said
    assert "Lower training.optimiser.lr" in said
    assert not Path("broken/space.json").exists()
    assert "is not finished" in flat(run("info", "broken").err)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return images.mean()", "returned values of shape [] for 1797 images; allowed is [1797]"),
        ("return images.mean((1, 2))[:5]", "returned values of shape [5]"),
        ("return images.mean((1, 2)) / 0", "not finite"),
        ("return ['thick'] * len(images)", "instead of numbers"),
        ("raise ValueError('no strokes here')", "raised ValueError: no strokes here (MODULE.py, line 2"),
        ("return images.shape.colour", "AttributeError"),
    ],
)
def test_an_attribute_function_that_is_wrong_is_told(mistake, body, message, request):
    module = f"wrong_{abs(hash(body))}"
    Path(f"{module}.py").write_text(f"def measure(images):\n    {body}\n")
    with np.errstate(divide="ignore", invalid="ignore"):
        said = mistake("train", "arvae-digits", f"data.measure=['{module}:measure']")
    assert f"{module}:measure" in said
    assert message.replace("MODULE", module) in said


def test_an_attribute_function_that_is_not_there_is_told(mistake):
    Path("present_a.py").write_text("def ink(images):\n    return images.mean((1, 2))\n")
    assert "Did you mean 'ink'?" in mistake("train", "arvae-digits", "data.measure=['present_a:inc']")
    assert "There is no Python module 'absent_a'" in mistake("train", "arvae-digits", "data.measure=['absent_a:ink']")
    assert "Unknown attribute 'slnat'" in mistake("train", "vae-digits", "data.measure=['slnat']")
    assert "already has slant" in mistake("train", "arvae-digits", "data.measure=['slant']")


def test_a_folder_with_problems_is_told(mistake, photos):
    (photos / "notes.txt").write_text("not an image")
    Image.new("L", (20, 9)).save(photos / "wide.png")
    lines = (photos / "table.csv").read_text().splitlines()
    lines[3] = lines[3].rsplit(",", 1)[0] + ",nan"
    (photos / "table.csv").write_text("\n".join(lines))
    for words in (["data", "inspect", photos], ["train", "arvae", "--data", photos]):
        before = tree()
        if words[0] == "train":
            said = mistake(*words)
            for part in ("notes.txt", "12x12", "20x9", "line 4", "lean"):
                assert part in said, part
        assert tree() == before


def test_inspect_shows_all_problems_and_exits_with_2(run, photos):
    (photos / "notes.txt").write_text("not an image")
    answer = run("data", "inspect", photos, "--json", "look.json")
    assert answer.code == 2
    assert "notes.txt" in flat(answer.out)
    assert any("notes.txt" in problem for problem in json.loads(Path("look.json").read_text())["problems"])


def test_a_column_that_is_missing_is_told(mistake, photos):
    said = mistake("train", "arvae", "--data", photos, "--attributes", "nowhere.csv")
    assert "nowhere.csv" in said
    Path("other.csv").write_text("name,light\nmissing.png,3\n")
    said = mistake("train", "arvae", "--data", photos, "--attributes", "other.csv")
    assert "missing.png" in said or "000.png" in said
    Path("folder.toml").write_text(f'[data]\nname = "folder"\npath = "{photos}"\nattributes = ["lihgt"]\n')
    said = mistake("train", "folder.toml")
    assert "lihgt" in said
    assert "Did you mean 'light'?" in said


def test_own_data_without_attributes_cannot_be_an_arvae(mistake, photos):
    (photos / "table.csv").unlink()
    said = mistake("train", "arvae", "--data", photos)
    assert "ar-vae needs attributes" in said
    assert "data.csv" in said
    assert "seed: got 'abc'" in mistake("train", "vae", "--data", photos, "seed=abc")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:-20], "is damaged and cannot be unpacked"),
        (lambda content: content[:50] + b"\0\0\0\0" + content[54:], "is damaged and cannot be unpacked"),
        (lambda content: gzip.compress(gzip.decompress(content)[:-100]), "does not hold what its header says"),
        (lambda content: b"<html>not found</html>", "is damaged and cannot be unpacked"),
    ],
)
def test_damaged_mnist_files_are_told(mistake, tiny_mnist, damage, message):
    path = tiny_mnist / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    said = mistake("train", "arvae-mnist", "--out", "m")
    assert message in said
    assert str(path) in said.replace(" ", "") or path.name in said


def test_a_morpho_table_with_a_missing_column_or_nan_is_told(mistake, tiny_mnist):
    folder = tiny_mnist.parent / "morpho-mnist"
    folder.mkdir()
    head = "index,area,length,thickness,slant,width,height"
    rows = [f"{i},100,20,3,0.1,10,15" for i in range(40)]
    (folder / "t10k-morpho.csv").write_text("\n".join([head, *rows[:20]]))
    table = folder / "train-morpho.csv"
    table.write_text("\n".join([head.replace(",slant", ",slunt"), *rows]))
    said = mistake("train", "arvae-mnist", "--out", "m")
    assert "train-morpho.csv" in said
    assert "slant" in said
    table.write_text("\n".join([head, *rows[:-1], rows[-1].replace("0.1", "nan")]))
    said = mistake("train", "arvae-mnist", "--out", "m")
    assert "train-morpho.csv" in said
    assert "slant" in said


# --- what is told without being an error ------------------------------------------------------------------------------


@pytest.mark.filterwarnings("default")
def test_a_wish_out_of_reach_is_told(run, digits_run):
    answer = run("sample", digits_run, "--n", 4, "--to", "slant=100", "--out", "a.png")
    assert answer.code == 0
    assert "note: slant = 100 was asked for; this model reaches" in flat(answer.err)
    assert picture("a.png").width > 0


def test_data_that_changed_since_the_training_are_told(run, copy):
    about = json.loads((copy / "space.json").read_text())
    assert "the data changed" not in run("evaluate", copy, "--no-report").err
    about["about"]["data"]["split"]["seed"] = 9
    (copy / "space.json").write_text(json.dumps(about))
    assert "note: the data changed since" in flat(run("evaluate", copy, "--no-report").err)


# --- codes that a model found -----------------------------------------------------------------------------------------

FOUND = (
    *("data.name=digits", "nets.width=0.125", "model.latent=4", "training.steps=6"),
    *("training.batch_size=64", "training.log_every=2"),
)


def test_codes_of_scenes_are_held_beside_labels_and_one_is_left_over(run):
    few = ("nets.width=0.0625", "model.latent=4", "training.steps=2", "training.batch_size=4", "training.log_every=1")
    few += ("model.evenness=0.1", "model.visibility=0.3")  # two updates come to the end of no ramp
    assert run("train", "infogan-heads", *few, "--out", "heads").code == 0
    named = run("name", "heads")
    followed = re.findall(r"follows (\w+) by", flat(named.out))
    assert named.code == 0 and sorted(followed) == ["azimuth", "elevation", "lighting", "width"]
    assert re.search(r"(c\d) is \1 has nothing of its own to follow: --set \1=NAME names it", flat(named.out))


def test_a_name_that_no_code_can_have_is_refused_before_training(mistake):
    for names, told in (('["to","b","c"]', "'to' means something else"), ('["a b","b","c"]', "is one word of letters")):
        assert told in mistake("train", "infogan-mnist", *FOUND, f"model.names={names}", "--out", "wrong")
        assert not Path("wrong").exists()


def test_codes_are_named_and_then_asked_for_by_their_names(run, mistake, digit):
    assert run("train", "infogan-mnist", *FOUND, "--out", "gan").code == 0
    assert "--least is above 0" in mistake("name", "gan", "--least", "2")
    assert "CODE=NAME" in mistake("name", "gan", "--set", "c2")
    assert "Unknown code 'c7'" in mistake("name", "gan", "--set", "c7=slant")
    named = run("name", "gan", "--least", "0.01", "--json", "names.json")
    assert named.code == 0 and "c1 is digit" in flat(named.out)
    names = {code: each["name"] for code, each in json.loads(Path("names.json").read_text()).items()}
    assert list(names) == ["c1", "c2", "c3"] and names["c1"] == "digit"
    own = run("name", "gan", "--set", f"{names['c2']}=lean")
    assert own.code == 0 and "is lean" in own.out
    for to, words in (("a", ()), ("b", ("--reach", "2"))):  # -2 to 2, as in Python
        assert run("traverse", "gan", "--name", "lean", "--n", 2, "--out", to, *words).code == 0
    assert Path("a/lean.png").read_bytes() == Path("b/lean.png").read_bytes()
    for words in (("traverse", "gan", digit, "--name", "lean", "--out", "c"), ("interpolate", "gan", digit, digit)):
        assert "that this model makes is off by 0." in flat(run(*words).out)
    assert run("sample", "gan", "--set", "digit=3", "--set", "lean=1.5", "--out", "s.png").code == 0
    edited = run("edit", "gan", digit, "--set", "lean=+1", "--out", "e.png")
    assert edited.code == 0 and "that this model makes is off by 0." in flat(edited.out)
    assert picture("e.png").width > picture("e.png").height  # original, nearest and edit beside each other

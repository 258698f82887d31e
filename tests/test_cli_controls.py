"""Controls on the command line: added, listed, used, removed, and one clear sentence for every mistake."""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latune import cli
from latune.controls import JUDGINGS, PRESETS, Control, Judging, Learning, learner
from latune.data import load
from latune.nets import LatentNets
from latune.space import Space


@dataclass
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def taught(digits_run, tmp_path_factory) -> Path:
    """A run with a control from five pictures, `ring`."""
    run = tmp_path_factory.mktemp("taught") / "run"
    shutil.copytree(digits_run, run)
    data = load("digits")
    rows = data.splits["training"]
    x = data.images(rows[data.column("digit", rows) == 0][:6])
    Space.load(run).controls.learn_examples("ring", x, data)
    return run


@pytest.fixture
def run(capsys, monkeypatch, tmp_path, taught):
    """Type a command in a folder with a copy of that run, `run`, and pictures of digits, 0-0.png to 9-7.png."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(taught, "run")
    data = load("digits")
    rows = data.splits["training"]
    for digit in (0, 1):
        Path(str(digit)).mkdir()
        for i, row in enumerate(rows[data.column("digit", rows) == digit][:6]):
            pixels = (255 * data.images(row[None])[0, 0].numpy()).astype(np.uint8)
            Image.fromarray(pixels).save(f"{digit}/{i}.png")

    def type_(*words: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["latune", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            with warnings.catch_warnings():  # here as in a shell: a note on standard error
                warnings.simplefilter("default")
                cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return type_


def flat(text: str) -> str:
    """Words without line breaks, tables' frames and styles."""
    return " ".join("".join(" " if char in "│╭╮╰╯─" else char for char in text).split())


def test_five_pictures_become_a_control_that_is_listed_used_and_removed(run):
    done = run("control", "add", "run", "one", "--examples", "1", "--json", "one.json")
    assert done.code == 0
    assert "learned: one (6 examples against digits)" in done.out
    assert "accuracy" in done.out
    assert "by attribute vector" not in done.out, "of six pictures nobody can judge"
    assert json.loads(Path("one.json").read_text())["about"]["shown"] == 6
    listed = run("control", "list", "run", "--json", "list.json")
    assert "control kind learned from success vector untouched moves by" in flat(listed.out)
    assert "ring label 6 examples against" in flat(listed.out)
    scores = {name: each["scores"] for name, each in json.loads(Path("list.json").read_text()).items()}
    assert scores.keys() == {"one", "ring"}
    assert scores["one"].keys() == {"accuracy"}
    assert run("control", "remove", "run", "one").out == "removed: one\n"
    assert list(Space.load("run").controls) == ["ring"]


def test_a_label_becomes_a_control(run, monkeypatch):
    quick = Learning(nets=LatentNets(32, 2), steps=60, batch_size=64)
    monkeypatch.setitem(learner.PRESETS, "default", quick)
    monkeypatch.setitem(learner.PRESETS, "realism", quick)
    monkeypatch.setitem(learner.JUDGINGS, "default", Judging(nets=LatentNets(32, 2), steps=100, lr=1e-2))
    done = run("control", "add", "run", "number", "--attribute", "digit")
    assert "learned: number (digit of digits)" in done.out
    assert "next:    latune sample run --with number=0" in done.out
    assert run("sample", "run", "--with", "number=3", "--n", 4).code == 0
    assert run("traverse", "run", "--name", "number", "--n", 2).code == 0
    with Image.open("run/traversals/number.png") as sheet:
        assert sheet.width > sheet.height
    real = run("control", "add", "run", "realism")
    assert "learned: realism (codes of digits)" in real.out
    assert run("sample", "run", "--realism", 0.5, "--n", 4).code == 0
    named = run("sample", "run", "--with", "number=eleven")
    assert named.code == 2
    assert "Unknown class 'eleven' of 'number'" in flat(named.err)


def test_a_rule_becomes_a_control(run, monkeypatch):
    monkeypatch.setitem(learner.JUDGINGS, "fast", Judging(nets=LatentNets(32, 2), steps=100, lr=1e-2, mixup=False))
    Path("inky_rules.py").write_text("def faint(images):\n    return images.mean((1, 2)) < 70\n")
    done = run("control", "add", "run", "faint", "--rule", "inky_rules:faint")
    assert done.code == 0
    assert "learned: faint (rule inky_rules:faint)" in done.out
    assert Control.load("run/controls/faint").about["rule"] == "inky_rules:faint"


def test_a_rule_is_taught_as_sharply_and_asked_as_often_as_said(run, monkeypatch):
    monkeypatch.setitem(PRESETS, "fast", replace(PRESETS["fast"], steps=20))
    monkeypatch.setitem(JUDGINGS, "default", replace(JUDGINGS["default"], steps=20))
    Path("ink_rules.py").write_text("def inky(images):\n    return images.mean((1, 2)) / 255\n")
    words = ["--rule", "ink_rules:inky", "--sharp", 4, "--rounds", 0, "--judged", 100]
    assert run("control", "add", "run", "inky", *words).code == 0
    control = Control.load("run/controls/inky")
    assert (control.about["sharp"], control.about["judged"]) == (4.0, 100), "it was not asked again"
    assert control.actor is None
    assert run("control", "add", "run", "inky", *words, "--how", "fast", "--again").code == 0
    assert Control.load("run/controls/inky").actor is not None


def test_likes_are_added_to(run):
    first = run("control", "add", "run", "nice", "--likes", "0/0.png", "0/1.png", "--dislikes", "1")
    assert "learned: nice (2 likes, 6 dislikes)" in first.out
    Path("more.txt").write_text("0/2.png\n0/3.png\n0/4.png\n")
    Path("pairs.csv").write_text("better,worse\n0/5.png,1/0.png\n0/4.png,1/1.png\n")
    second = run("control", "add", "run", "nice", "--likes", "more.txt", "--pairs", "pairs.csv")
    assert "learned: nice (5 likes, 6 dislikes, 2 pairs)" in second.out


def test_edits_and_samples_take_controls(run):
    for words in (
        ["edit", "run", "1/0.png", "--with", "ring=1", "--set", "slant=0.5", "--identity", 0.5],
        ["edit", "run", "1/0.png", "--with", "ring=0", "--by", "descent", "--strength", 0.5],
        ["sample", "run", "--n", 6, "--with", "ring=1", "--by", "vector"],
        ["traverse", "run", "--name", "ring", "--n", 2, "--steps", 3],
    ):
        done = run(*words)
        assert done.code == 0, done.err
        assert "wrote" in done.out


ONE = "A control is learned from one of"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), f"{ONE} --attribute; --rule; --examples; --likes, --dislikes or --pairs. Got none."),
        (("--attribute", "digit", "--examples", "0"), "Got --attribute and --examples."),
        (("--against", "0", "--attribute", "digit"), "--against goes with --examples."),
        (("--table", "t.csv", "--attribute", "digit"), "--table goes with --data FOLDER."),
        (("--sharp", "2", "--attribute", "digit"), "--sharp goes with --rule."),
        (("--rounds", "0", "--examples", "0"), "--rounds goes with --rule."),
        (("--how", "fast", "--examples", "0"), "--how goes with --attribute, --rule, or with realism."),
        (("--quantise", "ticks", "--examples", "0"), "--quantise goes with --data FOLDER, of tunes."),
        (("--rule", "my_rules:same", "--sharp", "0"), "sharp is a power above 0. Got 0.0."),
        (("--rule", "my_rules:same", "--rounds", "-1"), "The number of rounds is a whole number of 0 or more. Got -1."),
        (("--attribute", "digits"), "Did you mean 'digit'?"),
        (("--attribute", "digit=12"), "Unknown value '12' of 'digit'."),
        (("--examples", "few"), "'new' is learned from 5 or more pictures. Got 3."),
        (("--examples", "large"), "0.png has 9 x 8 pixels; this model's images have 8 x 8."),
        (("--examples", "nothing.png"), "There is no image at nothing.png."),
        (("--likes", "words.txt"), "There is no image at not.png."),
        (("--pairs", "words.txt"), "words.txt has 1 names in row 1; it needs 2."),
        (("--rule", "my_rules:raises"), "The rule 'my_rules:raises' raised ValueError: not today"),
        (("--rule", "my_rules:wide"), "returned values of shape [3]"),
        (("--rule", "my_rules:large"), "are outside of [0, 1])"),
        (("--rule", "my_rules:same"), "gives 1 for all 4,000 examples"),
        (("--rule", "my_rules:sames"), "Did you mean 'same'?"),
        (("--rule", "rules"), "'rules' does not name a function."),
        (("--data", "one", "--attribute", "class"), "is 0 in every example"),
    ],
)
def test_mistakes_are_one_sentence_and_leave_nothing_behind(run, words, message):
    Path("my_rules.py").write_text(
        "import numpy as np\n"
        "def raises(images):\n    raise ValueError('not today')\n"
        "def wide(images):\n    return np.zeros(3)[None].repeat(2, 0)[0]\n"
        "def large(images):\n    return images.mean((1, 2))\n"
        "def same(images):\n    return np.ones(len(images))\n"
    )
    sys.modules.pop("my_rules", None)
    Path("words.txt").write_text("not.png\n")
    for name, n, size in (("few", 3, (8, 8)), ("large", 5, (9, 8)), ("one", 20, (8, 8))):
        Path(name).mkdir()
        for i in range(n):
            Image.fromarray(np.full(size[::-1], 9 * i, np.uint8)).save(f"{name}/{i}.png")
    if "one" in words:
        Path("one/table.csv").write_text("file,class\n" + "".join(f"{i}.png,0\n" for i in range(20)))
    done = run("control", "add", "run", "new", *words)
    assert done.code == 2
    assert "Traceback" not in done.err
    assert message in flat(done.err)
    assert not Path("run/controls/new").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("control", "remove", "run", "rings"), "Unknown control 'rings'. Did you mean 'ring'?"),
        (("control", "add", "run", "ring", "--examples", "0"), "There is a control 'ring' already."),
        (("control", "add", "run", "slant", "--examples", "0"), "'slant' is a coordinate of this space already"),
        (("sample", "run", "--with", "rings=1"), "Unknown control 'rings'"),
        (("sample", "run", "--with", "ring"), "'ring' is not of the form name=value"),
        (("sample", "run", "--with", "ring=3"), "'ring' takes a number from 0 to 1, 'low' or 'high'. Got 3.0."),
        (("sample", "run", "--with", "ring=1", "--set", "ring=1"), "'ring' is given with --set and with --with"),
        (("sample", "run", "--realism", "1"), "There is no control 'realism' yet"),
        (("sample", "run", "--with", "ring=1", "--by", "actor"), "'ring' has no actor"),
        (("edit", "run", "0/0.png"), "Nothing to change."),
    ],
)
def test_controls_that_are_not_there_are_told(run, words, message):
    done = run(*words)
    assert done.code == 2
    assert message in flat(done.err)


def test_a_control_of_another_model_is_refused(run, taught):
    from latune.training import checkpoint as ckpt

    tensors, about = ckpt.load_tensors(Path("run") / ckpt.WEIGHTS)
    name = next(iter(tensors))
    ckpt.save_tensors(Path("run") / ckpt.WEIGHTS, {**tensors, name: tensors[name] + 0.01}, about)
    listed = run("control", "list", "run")
    assert listed.code == 0
    assert "ring: cannot be used. The control 'ring' was made for another model" in flat(listed.out)
    assert run("sample", "run", "--n", "2", "--out", "plain.png").code == 0, "a run goes on without it"
    done = run("sample", "run", "--n", "2", "--with", "ring=1", "--out", "ring.png")
    assert done.code == 2
    assert "'ring' cannot be used: The control 'ring' was made for another model" in flat(done.err)
    assert not Path("ring.png").exists()
    assert run("control", "remove", "run", "ring").code == 0
    assert "run has no controls" in flat(run("control", "list", "run").out)


def test_a_run_without_controls_says_how_to_add_one(run):
    run("control", "remove", "run", "ring")
    assert "run has no controls. Add one: latune control add run NAME" in flat(run("control", "list", "run").out)

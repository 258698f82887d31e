"""A Space of melodies: the same calls as of images, with tokens in and melodies out."""

from __future__ import annotations

import json
import re
import shutil
import warnings

import numpy as np
import pytest
import torch

from latune.attributes import of_grid
from latune.cli import main
from latune.controls import Judging
from latune.data import TokenData, make_splits
from latune.errors import AttributeFunctionError, DataError, RecipeError
from latune.models import Spec, build
from latune.music import GRIDS, Melodies, Melody
from latune.nets import Decoding, LatentNets
from latune.recipes import check, train
from latune.report import write_report
from latune.space import CHUNK, Space
from latune.training import generator

MEASURE = GRIDS["measure"]
SLIDERS = ["rhythmic_complexity", "pitch_range", "note_density", "contour"]


def measures(n: int = 600, seed: int = 0) -> Melodies:
    """Scales in C major: one to eight notes, evenly spaced, up or down."""
    draw = np.random.default_rng(seed)
    tokens = np.zeros((n, 24), np.uint8)
    steps = np.array([60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77, 79]) - MEASURE.low + MEASURE.first
    for row in tokens:
        count = draw.choice([1, 2, 4, 8])
        first, way = draw.integers(0, 12), draw.choice([-1, 0, 1])
        row[np.arange(count) * 24 // count] = steps[np.clip(first + way * np.arange(count), 0, 11)]
    return Melodies(tokens, MEASURE)


def data_of(melodies: Melodies, name: str = "arrays") -> TokenData:
    known = of_grid(melodies.grid)
    values = np.stack([attribute.measure(melodies) for attribute in known.values()], axis=1)
    return TokenData(
        name=name,
        shape=(melodies.grid.steps,),
        attributes=known,
        values=torch.from_numpy(values.astype(np.float32)),
        splits=make_splits(len(melodies), (0.7, 0.15, 0.15), seed=0),
        provenance={"source": "made here", "licence": "none", "split": {}},
        tokens=torch.from_numpy(melodies.tokens),
        grid=melodies.grid,
    )


RECIPE = {
    "name": "scales",
    "data": {"name": "arrays", "attributes": SLIDERS},
    "nets": {"name": "measure-gru", "hidden": 32, "layers": 1, "dropout": 0.0, "teacher_forcing": 1.0},
    "model": {"name": "ar-vae", "preset": "music", "latent": 8},
    "training": {"steps": 400, "batch_size": 64, "validate_every": 0, "optimiser": {"lr": 0.005}},
}


@pytest.fixture(scope="module")
def data() -> TokenData:
    return data_of(measures())


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "scales"
    train(check(RECIPE, "test"), folder, data=data)
    return folder


@pytest.fixture
def tunes(run, tmp_path) -> Space:
    return Space.load(shutil.copytree(run, tmp_path / "run"))  # what is learned of it is kept beside it


def test_what_comes_out_are_melodies_and_what_goes_in_may_be_anything_that_is_one(tunes, data, tmp_path):
    assert repr(tunes).startswith("Space(ar-vae, melodies (24,), 8 coordinates: rhythmic_complexity")
    made = tunes.sample(3, generator(0, "a"))
    assert isinstance(made, Melodies)
    assert made == tunes.sample(3, generator(0, "a"))
    assert tunes.sample(30, generator(0, "a")) != tunes.sample(30, generator(0, "b"))
    assert isinstance(made[0], Melody)
    melody = Melody.of([(60, 0, 1), (62, 1, 1), (64, 2, 2)], tempo=90, program=40)
    tokens = MEASURE.encode(melody)
    path = melody.save(tmp_path / "tune.mid")
    for given in (melody, [melody], Melodies(tokens, MEASURE), torch.from_numpy(tokens.astype(np.int64)), tokens):
        assert torch.equal(tunes.encode(given), tunes.encode(melody))
    assert torch.equal(tunes.encode(path), tunes.encode(melody))
    edited = tunes.edit(melody, note_density=2)
    assert (edited.tempo, edited.program) == (90, 40), "tempo and instrument are kept"
    assert tunes.traverse(melody, "contour").shape == (1, 10, 24)
    assert tunes.interpolate(melody, tunes.sample(4), 5).shape == (4, 5, 24)
    z = tunes.encode_data(data)
    assert z.shape == (len(data.splits["test"]), 8)
    assert tunes.decode(z).shape == (len(z), 24)


def test_sliders_move_what_they_are_called_after(tunes, data):
    x = data.examples(data.splits["test"])
    moved = [tunes.edit(x, note_density=by).plain() for by in (-2, 2)]
    low, high = (tunes.measured(["note_density"], each)["note_density"].mean() for each in moved)
    assert high - low > data.column("note_density").std().item()
    wanted = 0.5 * sum(tunes.reach("note_density"))
    got = tunes.measured(["note_density"], tunes.edit(x, to={"note_density": wanted}).plain())["note_density"]
    assert abs(np.median(got) - wanted) <= 1 / 24 + 1e-9, "within one note"


def test_measured_as_images_are_with_tokens_in_place_of_pixels(tunes, data):
    found = tunes.measure(data)
    assert found.scores["token-accuracy"].value > 0.8
    assert not {"pixel-accuracy", "mean-squared-error"} & set(found.scores)
    assert found.scores["scc"].value > 0.8
    sliders = tunes.measure_sliders(data, resamples=0)
    assert set(sliders.scores["monotonicity"].per_attribute) == set(SLIDERS)
    edit = tunes.measure_control({"note_density": 2}, data, resamples=0)
    assert edit.scores["success"].value > 0.7
    assert "Parzen windows are of images" in " ".join(tunes.measure(data, parts=["parzen", "bound"], weights=4).notes)


def test_the_bound_is_no_lower_than_the_elbo(tunes, data):
    found = tunes.measure(data, parts=["images", "bound"], weights=32, limit=60, resamples=0)
    assert found.scores["importance-weighted-bound"].value >= found.scores["elbo"].value


SMALL = Judging(LatentNets(64, 2), steps=300, batch_size=128, lr=5e-3, smooth=0.1)


def leaps(melody):
    return float(np.abs(np.diff(melody.pitches)).sum() > 2)


def test_rules_are_learned_of_melodies_one_by_one_or_all_at_once(tunes, data, run):
    made = tunes.controls.learn_rule("leaps", leaps, data, judged=400, judging=SMALL)
    same = tunes.controls.learn_rule("busy", lambda melodies: melodies.onsets.mean(1), data, judged=400, judging=SMALL)
    assert made.scores["success"] > made.scores["untouched"]
    assert same.scores["success"] > same.scores["untouched"]
    plain = tunes.sample(200, generator(0, "rule"))
    with warnings.catch_warnings():  # that some did not arrive is said, and not what is asked here
        warnings.simplefilter("ignore", UserWarning)
        asked = tunes.sample(200, generator(0, "rule"), leaps=1)
    assert np.mean([leaps(each) for each in asked]) > np.mean([leaps(each) for each in plain]) + 0.2
    assert tunes.traverse(plain[:2], "busy").shape == (2, 11, 24)
    assert tunes.fingerprint == Space.load(run).fingerprint, "the model is not touched"


def test_a_control_from_a_folder_of_tunes_and_from_labels(tunes, data, tmp_path):
    busy = [each for each in measures(200, seed=5) if len(each) == 8][:8]
    for i, melody in enumerate(busy):
        melody.save(tmp_path / "busy" / f"{i}.mid")
    (tmp_path / "busy" / "broken.mid").write_bytes(b"no notes")
    with pytest.warns(
        UserWarning, match=r"1 of 9 files of .*busy are left out: .*broken.mid: It does not begin as a MIDI"
    ):
        made = tunes.controls.learn_examples("eight", tmp_path / "busy", data)
    assert made.about["shown"] == 8
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "broken.mid").write_bytes(b"no notes")
    with pytest.raises(DataError, match=r"No melody in .*bad can be read. The first of 1: .*broken.mid: It does not"):
        tunes.controls.learn_examples("bad", tmp_path / "bad", data)
    others = measures(200, seed=6)
    many = np.array([len(each) == 8 for each in others])
    with torch.no_grad():
        seen = torch.sigmoid(made.critic(tunes.encode(others)))[:, 0].numpy()
    # of all pairs of a bar of eight notes and another, the share in which the first is the more like the examples
    assert (seen[many][:, None] > seen[~many][None, :]).mean() > 0.95
    level = tunes.controls.learn("density", data, attribute="note_density")
    assert level.kind == "real"


def test_realism_works_on_melodies(tunes, data):
    tunes.controls.learn_realism(data, how="fast")
    assert tunes.sample(5, generator(0, "real"), realism=0.5).shape == (5, 24)


def test_draws_follow_temperature_and_seed(tunes):
    z = tunes.codes.sample(20, generator(0, "z"))
    greedy = tunes.decode(z)
    tunes.decoding = Decoding(temperature=1.0)
    first = tunes.decode(z, generator(1, "draw"))
    assert first == tunes.decode(z, generator(1, "draw")) != tunes.decode(z, generator(2, "draw"))
    tunes.decoding = Decoding(temperature=10.0)  # hot enough that twenty draws never are twenty others by chance
    same = tunes.decode(z[:1].repeat(CHUNK + 20, 1))
    assert same[:20] != same[CHUNK:], "what passes through the nets later has draws of its own"
    tunes.decoding = Decoding(temperature=1.0, top_k=1)
    assert tunes.decode(z) == greedy
    tunes.decoding = Decoding(top_k=5)
    assert tunes.decoding.temperature == 1.0
    assert tunes.decode(z, generator(1, "draw")) != greedy, "to draw from some is to draw"
    with pytest.raises(DataError, match="a temperature of 0 draws none"):
        Decoding(temperature=0.0, top_k=5)
    tunes.decoding = Decoding(beam=3)
    score = tunes.model.decoder.score
    assert (score(z, tunes.decode(z).plain()) >= score(z, greedy.plain()) - 1e-4).all()


def test_a_tune_in_two_four_is_taken_and_one_that_does_not_fit_is_named(tunes, tmp_path):
    march = Melody.of([(60 + i, i, 1) for i in range(8)], metre=(2, 4))
    path = march.save(tmp_path / "march.mid")
    assert tunes.edit(path, note_density=0.5).joined().length == 8
    high = Melody.of([(100, 0, 4)]).save(tmp_path / "high.mid")
    with pytest.raises(DataError, match=r"high.mid: The pitches run from E7 to E7"):
        tunes.edit(high, note_density=1)


def test_a_report_shows_piano_rolls(tunes, data, tmp_path):
    report = write_report(tunes, data, tmp_path)
    page = report.html.read_text(encoding="utf-8")
    assert "melodies of 1 bar, 24 ticks a bar and 32 tokens" in page
    assert "token accuracy" in page
    assert "commonest tokens" in page
    assert "traverse-contour.png" in report.numbers["pictures"][2] + " ".join(report.numbers["pictures"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.zeros(2, 23, dtype=torch.int64), r"shape \(n, 24\). Got int64 of shape \(2, 23\)"),
        (torch.full((1, 24), 40), "Tokens of the grid 'measure' are 0 to 31. Got 40 to 40"),
        (torch.zeros(2, 24), "whole numbers"),
        (Melody.of([(90, 0, 1)]), "has tokens for G3 to C6. Transpose it"),
        (Melody.of([(60, 0.1, 1)]), "between two places of the grid 'measure'"),
        (Melodies(np.ones((1, 256), np.uint8), GRIDS["melody"]), "was trained on melodies of the grid"),
        ("nothing.mid", "nothing.mid"),
    ],
)
def test_what_is_no_melody_of_this_grid_is_told(tunes, given, message):
    with pytest.raises(DataError, match=message):
        tunes.edit(given, contour=1)


def test_what_is_of_images_alone_says_so(tunes, data):
    with pytest.raises(DataError, match="A walk is of images; this model makes melodies"):
        tunes.walk(data.examples(torch.tensor([0])), 3)
    with pytest.raises(DataError, match="A walk is of images"):
        tunes.measure_walk(data)
    with pytest.raises(DataError, match="Inpainting is of images"):
        tunes.measure_inpainting(data)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda melody: 1 / 0, "ZeroDivisionError"),
        (lambda melody: 2.0, r"returned 2 for melody 0"),
        (lambda melodies: np.zeros(3), "shape"),
        (lambda melody: "many", "many"),
    ],
)
def test_a_rule_that_cannot_be_used_is_told_and_nothing_is_kept(tunes, data, rule, message):
    with pytest.raises(AttributeFunctionError, match=message):
        tunes.controls.learn_rule("odd", rule, data, judged=100)
    assert "odd" not in tunes.controls


def test_models_and_likelihoods_of_images_are_refused():
    grid = {"shape": (24,), "grid": MEASURE.as_dict(), "latent": 4, "nets": {"name": "measure-gru", "hidden": 8}}
    with pytest.raises(RecipeError, match=r"vgsn learns images\. Melodies are learned by: vae, beta-vae, ar-vae"):
        build(Spec("vgsn", **grid))
    with pytest.raises(RecipeError, match=r"Melodies have the likelihood categorical\. Got bernoulli"):
        build(Spec("vae", **grid, settings={"likelihood": "bernoulli"}))
    with pytest.raises(RecipeError, match="mlp"):
        build(Spec("vae", **{**grid, "nets": {"name": "mlp"}}))
    with pytest.raises(RecipeError, match="hidden of measure-gru is one number"):
        check({**RECIPE, "nets": {"name": "measure-gru", "hidden": [8]}}, "test")
    with pytest.raises(RecipeError, match=r"training.compile is not for measure-gru"):
        check({**RECIPE, "training": {"compile": True}}, "test")


def run_cli(monkeypatch, *words: object, code: int = 0) -> None:
    monkeypatch.setattr("sys.argv", ["latune", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == code


def test_the_command_line_samples_edits_and_traverses(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    song = Melody.of([(60 + i % 5, i, 1) for i in range(12)], tempo=96, program=73, name="song")
    song.save("song.mid")
    song.save("song.musicxml")
    run_cli(monkeypatch, "sample", run, "--n", "3", "--set", "contour=2", "--out", "up.mid", "--temperature", "0.8")
    assert sorted(path.name for path in tmp_path.glob("up-*.mid")) == ["up-00.mid", "up-01.mid", "up-02.mid"]
    run_cli(monkeypatch, "edit", run, "song.mid", "--set", "note_density=2", "--out", "busy.mid", "--json", "n.json")
    from latune.music.reading import read_one

    again = read_one("busy.mid")
    assert (again.tempo, again.program) == (96, 73)
    assert again.length <= 12 + 1e-6, "three bars stay three bars"
    numbers = json.loads((tmp_path / "n.json").read_text())
    assert numbers["note_density"]["after"] > numbers["note_density"]["before"]
    run_cli(monkeypatch, "edit", run, "song.musicxml", "--set", "contour=-2", "--out", "down.png")
    run_cli(monkeypatch, "traverse", run, "song.mid", "--name", "contour", "--steps", "4", "--out", "moved")
    run_cli(monkeypatch, "interpolate", run, "song.mid", "song.musicxml", "--steps", "3", "--out", "between.png")
    run_cli(monkeypatch, "interpolate", run, "song.mid", "song.musicxml", "--steps", "3", "--out", "between.mid")
    whole = [read_one(tmp_path / f"between-0{step}.mid").length for step in range(3)]
    assert len(set(whole)) == 1, "a tune a step, all of its bars"
    assert {"down.png", "between.png"} <= {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "moved" / "contour.png").exists()
    (tmp_path / "songs").mkdir()
    shutil.copy(tmp_path / "song.mid", tmp_path / "songs")
    (tmp_path / "songs" / "none.mid").write_bytes(b"no notes")
    capsys.readouterr()
    run_cli(monkeypatch, "data", "inspect", "songs", "--json", "songs.json")
    assert re.search(r"skipped +1\n.* 1  none.mid", capsys.readouterr().out)
    found = json.loads((tmp_path / "songs.json").read_text())
    assert found["read"] == 1 and list(found["skipped"].values()) == [["none.mid"]]
    for words, told in (
        (("sample", run, "--out", "a.gif"), "Melodies are written as .mid"),
        (("sample", run, "--beam", "0"), "beam is a whole number"),
        (("traverse", run, "--out", "moved.mid"), "Traversals are pictures in a folder"),
        (("edit", run, "song.mid", "--track", "bass", "--set", "contour=1"), "There is no tune or track 'bass'"),
        (("edit", run, "none.mid", "--set", "contour=1"), "none.mid"),
        (("walk", run), "A walk is of images"),
    ):
        capsys.readouterr()
        run_cli(monkeypatch, *words, code=2)
        assert told in capsys.readouterr().err

"""A Space of melodies: the same calls as of images, with tokens in and melodies out."""

from __future__ import annotations

import io
import json
import re
import shutil
import warnings
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from latune.attributes import of_grid
from latune.attributes.melody_rules import in_scale
from latune.cli import main
from latune.cli.melodies import Showing, over_columns, settings
from latune.controls import Judging
from latune.data import TokenData, make_splits
from latune.errors import AttributeFunctionError, DataError, RecipeError
from latune.models import Spec, build
from latune.music import GRIDS, Melodies, Melody
from latune.music.melody import Note
from latune.music.reading import read_one
from latune.music.writing.layout import EDGE, LABEL, MOST, TITLE, Page, laid_out
from latune.music.writing.pianoroll import NOTE
from latune.nets import Decoding, LatentNets
from latune.recipes import check, train
from latune.report import sheets, write_report
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


def test_silent_bars_of_a_tune_stay_silent(tunes):
    tune = Melody.of([(60 + i % 5, 8 + i, 1) for i in range(8)], length=24.0)  # two bars of rests before and after
    edited = tunes.edit(tune, note_density=2)
    silent = tunes.medium.still(tune)
    assert silent.tolist() == [True, True, False, False, True, True]
    assert torch.equal(edited.plain()[silent], tunes.medium.take(tune)[silent])
    assert not torch.equal(edited.plain()[~silent], tunes.medium.take(tune)[~silent])
    turned = tunes.traverse(tune, "contour", [-3, 3]).plain()
    assert torch.equal(turned[silent], tunes.medium.take(tune)[silent][:, None].expand(-1, 2, -1))
    assert not torch.equal(turned[~silent][:, 0], turned[~silent][:, 1])
    bars = tunes.medium.take(tune)  # as tokens they are examples like any others
    assert tunes.medium.still(bars) is None
    assert torch.equal(
        tunes.edit(bars, note_density=2).plain(), tunes.decode(tunes.moved(tunes.encode(bars), note_density=2)).plain()
    )


def test_lines_and_traversals_keep_tempo_and_instrument(tunes, tmp_path):
    long = Melody.of([(60 + i % 5, i, 1) for i in range(16)], tempo=90, program=40)
    short = Melody.of([(64, 0, 2), (67, 2, 2)], tempo=70, program=5)
    with pytest.warns(UserWarning, match="The tunes have 4 and 1 bars; lines are drawn of the first 1"):
        line = tunes.interpolate(long, short, 3)
    assert (line.shape, line.tempo, line.program) == ((1, 3, 24), 90, 40)
    assert torch.equal(line.plain()[0, 0], tunes.decode(tunes.encode(long)[:1]).plain()[0])
    moved = tunes.traverse(short.save(tmp_path / "short.mid"), "contour")
    assert (moved.shape, moved.tempo, moved.program) == ((1, 10, 24), 70, 5)
    with pytest.raises(DataError, match="from n melodies to as many"):  # what is no tune has no bars to leave out
        tunes.interpolate(tunes.sample(3), tunes.sample(2))


def test_a_rule_is_asked_who_arrived(tunes, data):
    control = tunes.controls.learn_rule(
        "few", in_scale("C major pentatonic"), data, judged=400, judging=SMALL, rounds=0
    )
    assert 0 < control.scores["variety"] <= 1
    control.sure = 1.0  # a critic that doubts everything
    rule, z = in_scale("C major pentatonic"), tunes.codes.sample(60, generator(0, "prior"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        made = tunes.decode(tunes.controls.move(z, tunes.controls.wishes({"few": 1}), fresh=True))
    wrong = rule(made) < 0.9
    assert 0 < wrong.sum() < 30
    told = rf"{wrong.sum()} of 60 did not arrive.*What the rules say of them: few = 1, {rule(made)[wrong].min():.2f}"
    with pytest.warns(UserWarning, match=told):
        tunes.controls.move(z, tunes.controls.wishes({"few": 1}), fresh=True)
    again = Space.load(tunes.controls.folder.parent)  # found by its name
    again.controls["few"].sure = 1.0
    with pytest.warns(UserWarning, match=told):
        again.controls.move(z, again.controls.wishes({"few": 1}), fresh=True)
    tune = Melody.of([(66 + i % 2, 8 + i, 1) for i in range(8)])  # two silent bars, and two of F sharp and G
    with pytest.warns(UserWarning, match="of 2 did not arrive"):
        tunes.edit(tune, few=1, strength=1, identity=1e6)
    control.rule, control.about["rule"] = None, "nowhere:lost"
    told = r"60 of 60 did not arrive.*How sure.*where 1.00 would do \(its rule nowhere:lost could not be asked\)"
    with pytest.warns(UserWarning, match=told):
        tunes.controls.move(z, tunes.controls.wishes({"few": 1}), fresh=True)


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
    assert "pictures/traverse-contour.png" in report.numbers["pictures"]
    # Twice as many pixels as they are shown at, at most the page's width, and no wider on the page than drawn for.
    for name in ("samples", "reconstructions", "traverse-contour"):
        with Image.open(tmp_path / "pictures" / f"{name}.png") as picture:
            assert 2000 <= picture.width <= 2 * 1044
            assert f'style="max-width:{picture.width // 2}px"' in page


def test_rolls_of_a_report_are_crisp_and_named_by_pitch(tunes, data):
    x = tunes.traverse(data.examples(data.splits["test"][:2]), "contour", [-4.0, 0.0, 4.0])
    bare, named = (
        np.asarray(Image.open(io.BytesIO(sheets.rolls(x, 3, **how))).convert("RGB"))
        for how in ({}, {"heads": ["a", "b", "c"], "feet": ["d", "e", "f"]})
    )
    assert len(named) == len(bare) + 2 * 2 * TITLE
    notes = (bare == tuple(bytes.fromhex(NOTE[1:]))).all(-1)
    assert notes.any() and np.array_equal(notes[::2, ::2], notes[1::2, 1::2]), "every edge on a whole pixel of the page"
    assert (bare[:, 2 * EDGE : 2 * LABEL] < 160).any(), "pitches at the left"


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
    with pytest.raises(RecipeError, match=r"'mlp' are not for melodies. For these there are: measure-gru, melody-lstm"):
        build(Spec("vae", **{**grid, "nets": {"name": "mlp"}}))
    with pytest.raises(RecipeError, match="hidden of measure-gru is one number"):
        check({**RECIPE, "nets": {"name": "measure-gru", "hidden": [8]}}, "test")
    with pytest.raises(RecipeError, match=r"training.compile is not for measure-gru"):
        check({**RECIPE, "training": {"compile": True}}, "test")


def test_a_tune_out_of_range_is_moved_by_octaves_if_these_fit(tunes, tmp_path):
    low = Melody.of([(48, 0, 1), (52, 1, 1), (55, 2, 2)])
    assert MEASURE.semitones_to_fit(low) == 12
    assert MEASURE.semitones_to_fit(Melody.of([(90, 0, 1)])) == -12
    assert MEASURE.semitones_to_fit(Melody.of([(50, 0, 1), (78, 1, 1)])) == 5, "no octave fits"
    assert MEASURE.semitones_to_fit(Melody.of([(60, 0, 1)])) == MEASURE.semitones_to_fit(Melody.of([])) == 0
    with pytest.raises(DataError, match="C3 to C6, 36 semitones; the grid 'measure' has tokens for 29"):
        MEASURE.semitones_to_fit(Melody.of([(48, 0, 1), (84, 1, 1)]))
    path = low.save(tmp_path / "low.mid")
    with pytest.raises(DataError, match=r"low.mid: The pitches run from C3.*With --transpose auto"):
        tunes.medium.read(path)
    assert tunes.medium.read(path, transpose="auto") == low.transposed(12)
    assert tunes.medium.read(path, transpose=7) == low.transposed(7)
    with pytest.raises(DataError, match=r"whole number of semitones, or 'auto'. Got 'up'"):
        tunes.medium.read(path, transpose="up")
    with pytest.raises(DataError, match=r"Moved by \+100 semitones, the pitches run from 148 to 155"):
        tunes.medium.read(path, transpose=100)


def test_amounts_are_said_in_semitones(tunes, data):
    x = data.examples(data.splits["test"][:20])
    two = tunes.edit(x, to={"contour": "-2st"})
    assert two == tunes.edit(x, to={"contour": -2 / 26}) == tunes.edit(x, to={"contour": "-2 semitones"})
    with pytest.raises(DataError, match=r"'contour' takes a number, or one with its unit, as 7st. Got '7px'"):
        tunes.edit(x, to={"contour": "7px"})
    with pytest.raises(DataError, match=r"'note_density' takes a number: it has no unit. Got '3st'"):
        tunes.edit(x, to={"note_density": "3st"})
    with pytest.warns(UserWarning, match=r"contour = 40st was asked for; .* of 26 semitones \(-\d.*st to \d.*st\)"):
        tunes.edit(x, to={"contour": "40st"})
    tunes.controls.learn("turn", data, attribute="contour")
    assert tunes.controls.wishes({}, {"turn": "2st"})[0].target == tunes.controls.wishes({}, {"turn": 2 / 26})[0].target


def test_an_edit_draws_its_tokens_by_a_generator(tunes, data):
    x = data.examples(data.splits["test"][:20])
    tunes.decoding = Decoding(temperature=2.0)
    first = tunes.edit(x, generator=generator(1, "a"), contour=1)
    assert first == tunes.edit(x, generator=generator(1, "a"), contour=1)
    assert first != tunes.edit(x, generator=generator(2, "a"), contour=1)
    rows = tunes.traverse(x, "contour", [0, 1], generator=generator(1, "a"))
    assert rows != tunes.traverse(x, "contour", [0, 1], generator=generator(2, "a"))
    lines = tunes.interpolate(x, x[:1], 3, generator=generator(1, "a"))
    assert lines != tunes.interpolate(x, x[:1], 3, generator=generator(2, "a"))


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
    assert found["grids"]["measure"] == {"used": 1, "left out": {}}
    assert found["grids"]["melody"] == {"used": 0, "left out": {"shorter than 16 bars": 1}}
    run_cli(monkeypatch, "data", "inspect", "songs/song.mid")
    assert re.search(r"read +1\n.*\nused on data.grid=measure +1  in 4/4", capsys.readouterr().out)
    for words, told in (
        (("data", "inspect", "down.png"), "down.png is a file, not a folder. Give the folder that it is in: ."),
        (("data", "inspect", "songs/none.mid"), "songs/none.mid: It does not begin as a MIDI file."),
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


def test_columns_of_traversals_have_their_values(run, tunes, tmp_path, monkeypatch):
    """Above each column its slider, below it the attribute there, as in the report; of a control what is asked for."""
    said = over_columns(tunes, "contour", [-4.0, 0.0, 4.0])
    assert said["heads"] == ["−4", "0", "4"]
    values = tunes.calibration["contour"].attribute(np.array([-4.0, 0.0, 4.0]))
    assert [float(each.replace("−", "-")) for each in said["feet"]] == pytest.approx(values, abs=0.06)
    assert said["caption"].startswith("contour (of 26 semitones): above each column the slider")
    assert over_columns(tunes, "z[0]", [-1.0, 0.5]) == {
        "heads": ["−1.0", "0.5"], "caption": "z[0]: the slider above each column",
    }  # fmt: skip
    monkeypatch.chdir(tmp_path)
    run_cli(monkeypatch, "traverse", run, "--name", "contour", "--n", "2", "--out", "t")
    image = np.asarray(Image.open("t/contour.png").convert("L"))
    plain = tunes.traverse(None, "contour", at=tunes.codes.sample(2, generator(0, "traverse"))).png(columns=10)
    bare = np.asarray(Image.open(io.BytesIO(plain)).convert("L"))
    assert image.shape[1] == bare.shape[1] <= 1700 and image.shape[0] == bare.shape[0] + 3 * TITLE
    assert np.array_equal(
        image[2 * TITLE + EDGE : -TITLE - EDGE], bare[EDGE:-EDGE]
    )  # the same rolls between the two lines of values
    dark = image < 160
    for strip in (slice(TITLE, 2 * TITLE + 6), slice(-TITLE - 6, None)):
        assert all(part.any() for part in np.array_split(dark[strip, LABEL:].any(0), 10))


def test_an_edit_is_written_in_the_key_of_the_file(run, tmp_path, monkeypatch):
    """A tune in A flat is edited to notes of C major; it stays in A flat, in every kind of score."""
    monkeypatch.chdir(tmp_path)
    Melody.of([(60, 0, 1), (64, 1, 1), (65, 2, 2)]).save("a.abc", key="Ab major")
    edit = ("edit", run, "a.abc", "--set", "note_density=1", "--out")
    run_cli(monkeypatch, *edit, "b.abc")
    run_cli(monkeypatch, *edit, "b.musicxml")
    assert "K:Ab\n" in (tmp_path / "b.abc").read_text()
    assert "<fifths>-4</fifths><mode>major</mode>" in (tmp_path / "b.musicxml").read_text()


def test_a_picture_that_would_be_too_large_is_refused_before_anything_is_made(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Space, "sample", None)
    monkeypatch.setattr(Space, "traverse", None)
    run_cli(monkeypatch, "sample", run, "--n", "20000", "--out", "many.png", code=2)
    told = " ".join(capsys.readouterr().err.split())
    most = int(re.search(r"give --n (\d+) or fewer, or --out many.mid, a file for each melody", told)[1])
    assert "Got 20,000" in told
    run_cli(monkeypatch, "traverse", run, "--n", "20000", "--out", "t", code=2)
    assert "or fewer --steps" in capsys.readouterr().err
    widest = [Melody.of([(MEASURE.low, 0, 2), (MEASURE.high, 2, 2)])] * (most + 4)
    size = [Page(laid_out(widest[:n], columns=4), n) for n in (most, most + 4)]
    assert size[0].width * size[0].height <= MOST < size[1].width * (size[1].height + 3 * TITLE)


def typed(monkeypatch, capsys, *words: object) -> str:
    """What a command says that ends well."""
    capsys.readouterr()
    run_cli(monkeypatch, *words)
    said = capsys.readouterr()
    return " ".join((said.out + said.err).split())


def reds(path) -> int:
    """Pixels in the colour of notes that break a rule."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    return int((pixels == (0xD1, 0x35, 0x3F)).all(-1).sum())


def test_the_command_line_moves_a_tune_into_range_and_back(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    low = Melody.of([(48 + i % 5, i, 1) for i in range(8)], program=58, name="low")
    low.save("low.mid")
    command = ("edit", run, "low.mid", "--set", "contour=1")
    run_cli(monkeypatch, *command, "--out", "no.mid", code=2)
    assert "--transpose auto" in capsys.readouterr().err and not (tmp_path / "no.mid").exists()
    said = typed(monkeypatch, capsys, *command, "--transpose", "auto", "--out", "new.mid")
    assert "the model is given it 12 semitones higher; what is written is moved back" in said
    new = read_one("new.mid")
    assert new.program == 58
    space = Space.load(run)
    assert new == space.edit(low.transposed(12), contour=1).joined().transposed(-12)
    typed(monkeypatch, capsys, *command, "--transpose", "12", "--out", "same.abc")
    assert read_one("same.abc") == new
    low.transposed(7).save("near.mid")
    run_cli(monkeypatch, "interpolate", run, "low.mid", "near.mid", "--transpose", "auto", code=2)
    assert "Both tunes are moved alike. They fit at +12 and +0 semitones" in capsys.readouterr().err
    typed(
        monkeypatch,
        capsys,
        "interpolate",
        run,
        "low.mid",
        "low.mid",
        "--transpose",
        "12",
        "--out",
        "a.mid",
        "--steps",
        2,
    )
    assert read_one("a-00.mid").pitches.max() < 60
    assert read_one("a-00.mid").name == "low to low, 1 of 2"
    many = ("interpolate", run, "low.mid", "low.mid", "--transpose", "12", "--steps", "30000", "--out", "many.png")
    run_cli(monkeypatch, *many, code=2)
    assert "Give fewer --steps, or --out many.mid" in capsys.readouterr().err
    typed(monkeypatch, capsys, "traverse", run, "low.mid", "--transpose", "12", "--name", "contour", "--out", "low")
    assert (tmp_path / "low" / "contour.png").exists()


def test_the_command_line_moves_notes_to_the_ticks_and_says_so(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.abc").write_text("X:1\nM:4/4\nL:1/32\nK:C\nCD7 E8 F8 G8|c32|\n")
    command = ("edit", run, "a.abc", "--set", "contour=1", "--out", "b.abc")
    run_cli(monkeypatch, *command, code=2)
    assert "--quantise ticks" in capsys.readouterr().err
    told = "notes moved to sixteenths and triplets: 2 of 6, by up to 0.125 of a quarter note"
    assert told in typed(monkeypatch, capsys, *command, "--quantise", "ticks")
    assert read_one("b.abc").length == 8
    inspected = typed(monkeypatch, capsys, "data", "inspect", ".", "--quantise", "ticks")
    assert "notes moved to sixteenths and triplets 1" in inspected


def test_the_command_line_draws_tokens_in_every_command(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Melody.of([(60 + i % 5, i, 1) for i in range(8)]).save("a.mid")
    for name, words in (
        ("0", ()),
        ("1", ("--temperature", 5)),
        ("2", ("--temperature", 5, "--seed", 1)),
        ("3", ("--beam", 2)),
    ):
        typed(monkeypatch, capsys, "edit", run, "a.mid", "--set", "contour=1", "--out", f"{name}.abc", *words)
        typed(monkeypatch, capsys, "interpolate", run, "a.mid", "a.mid", "--steps", 2, "--out", f"{name}-i.png", *words)
        typed(monkeypatch, capsys, "traverse", run, "a.mid", "--name", "contour", "--out", f"{name}-t", *words)
    for files in ("{}.abc", "{}-i.png", "{}-t/contour.png"):
        assert len({(tmp_path / files.format(each)).read_bytes() for each in "012"}) == 3


def test_notes_outside_a_scale_are_red(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run, "run")
    Space.load("run").controls.learn_rule("in D", in_scale("D major"), judged=400, judging=SMALL, rounds=0)
    tune = Melody.of([(60, 0, 1), (62, 1, 1), (66, 2, 2)], name="a")
    tune.save("a.mid")
    sample = ("sample", "run", "--n", 40, "--out", "s.png")
    typed(monkeypatch, capsys, *sample)
    assert reds("s.png") == 0
    typed(monkeypatch, capsys, *sample, "--mark", "F# major pentatonic")
    assert reds("s.png") > 0, "what was trained on is in C major"
    typed(monkeypatch, capsys, *sample, "--mark", "c chromatic")
    assert reds("s.png") == 0
    typed(monkeypatch, capsys, "edit", "run", "a.mid", "--set", "contour=0", "--mark", "G minor", "--out", "e.png")
    assert reds("e.png") > 0
    half = (
        "edit",
        "run",
        "a.mid",
        "--out",
        "e.png",
        "--strength",
        0.5,
    )  # of the whole way it is said who did not arrive
    for command in ((*half, "--with", "in D=1"), ("traverse", "run", "a.mid", "--name", "in D", "--out", "t")):
        assert "red: notes outside the scale of in D" in typed(monkeypatch, capsys, *command)
    assert reds("e.png") > 0, "the original has a C"
    assert "red:" not in typed(monkeypatch, capsys, *half, "--with", "in D=0")
    # A rule is of where a tune was moved to: C, two semitones below D, is in D there.
    moved = ("edit", "run", "a.mid", "--transpose", 2, "--strength", 0, "--with", "in D=1", "--out", "m.png")
    assert "red: notes outside the scale of in D, 2 semitones lower" in typed(monkeypatch, capsys, *moved)
    outside = settings(Space.load("run"), Showing(), Path("m.png"), ["in D"], 2)["rule"]
    assert [outside(Note(pitch, 0, 1)) for pitch in (60, 62, 63)] == [True, True, False]
    typed(monkeypatch, capsys, "data", "show", "bach", "--n", 2, "--mark", "C whole tone")
    assert reds("data.png") > 0


def test_a_soundfont_plays_what_is_written(run, soundfont, tmp_path, monkeypatch, capsys):
    pytest.importorskip("symusic")
    monkeypatch.chdir(tmp_path)
    tune = Melody.of([(69, 0, 4)])
    tune.save("a.mid")
    out = ("--out", "a.wav", "--soundfont", soundfont)
    typed(monkeypatch, capsys, "edit", run, "a.mid", "--set", "contour=0", *out)
    with wave.open("a.wav") as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 44_100)
        sound = np.frombuffer(file.readframes(-1), "<i2")[::2][2000:22_000].astype(float)
    heard = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2**18)).argmax() * 44_100 / 2**18
    pitch = int(Space.load(run).edit(tune, contour=0).joined().pitches[0])
    assert heard == pytest.approx(441 * 2 ** ((pitch - 69) / 12), rel=0.005)
    assert "wrote s-00.wav and 1 more" in typed(
        monkeypatch, capsys, "sample", run, "--n", 2, "--out", "s.wav", "--soundfont", soundfont
    )


def test_options_of_melodies_that_cannot_be(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Melody.of([(69, 0, 4)]).save("a.mid")
    (tmp_path / "bad.sf2").write_bytes(b"nothing of the kind")
    before = sorted(tmp_path.iterdir())
    edit, sample = ("edit", run, "a.mid", "--set", "contour=1"), ("sample", run, "--n", 2)
    for words, told in (
        ((*sample, "--out", "b.png", "--mark", "H major"), "There is no scale 'H major'"),
        ((*sample, "--out", "b.mid", "--mark", "C major"), "--mark makes notes red in .png, .svg, .musicxml, .xml"),
        ((*sample, "--out", "b.mid", "--soundfont", "bad.sf2"), "--soundfont plays what is written as .wav"),
        ((*sample, "--out", "b.wav", "--soundfont", "none.sf2"), "There is no soundfont at none.sf2"),
        ((*edit, "--out", "b.wav", "--soundfont", "bad.sf2"), "bad.sf2 cannot be used as a soundfont"),
        ((*edit, "--transpose", "up"), "transpose is a whole number of semitones, or 'auto'"),
        ((*edit, "--transpose", "80"), "Moved by +80 semitones"),
        ((*edit, "--quantise", "eighths"), '"eighths"'),
        ((*edit, "--top-k", "0"), "top_k is a whole number, 1 or more"),
        (("edit", run, "a.mid", "--set", "contour=7st"), "Say it with --to contour=7st"),
    ):
        capsys.readouterr()
        run_cli(monkeypatch, *words, code=2)
        assert told in " ".join(capsys.readouterr().err.split())
        assert sorted(tmp_path.iterdir()) == before


def test_semitones_are_printed(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Melody.of([(60 + i, i, 1) for i in range(4)]).save("a.mid")
    said = typed(monkeypatch, capsys, "edit", run, "a.mid", "--to", "contour=-2st", "--json", "n.json")
    after = json.loads((tmp_path / "n.json").read_text())["contour"]["after"]
    assert after < 3 / 26, "numbers stay those of the paper"
    assert f"of 26 semitones (3st -> {round(26 * after)}st)" in said
    told = typed(monkeypatch, capsys, "info", run)
    assert re.search(r"contour .* of 26 semitones \(-\d.*st to \d.*st\)", told) and "1 bar of 24 ticks" in told

"""Data sets of melodies: the cache, windows, transpositions, splits by tune, and the released variant."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from latune.data import load, tunes
from latune.data.tunes import shelf as shelves
from latune.data.tunes import sources
from latune.data.tunes.build import fit_of
from latune.data.tunes.windows import Stretch, examples, once, shifts, stretches
from latune.errors import DataError
from latune.music import GRIDS, HOLD, REST, Melody
from latune.music.grid import END, START
from latune.music.reading import read, read_folder

MEASURE, MELODY = GRIDS["measure"], GRIDS["melody"]
SONG = "X:{}\nT:Song {}\nM:{}\nL:1/4\nK:C\n{}\n\n"
FILES = 12  # of three tunes each


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("LATUNE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def songs(tmp_path, cache):
    """A folder of ABC books: in each one a tune of 20 bars, one in 3/4, and one with a broken bar."""
    folder = tmp_path / "songs"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for i in range(FILES):
        bars = ["".join(draw.choice(list("CDEFGABc"), 4)) for _ in range(20)]
        text = SONG.format(1, i, "4/4", "|".join(bars) + "|")
        text += SONG.format(2, i, "3/4", "CDE|" * 7) + SONG.format(3, i, "4/4", "CDEFG|")
        (folder / f"{i:02}.abc").write_text(text)
    return folder


def whole_tokens(melody: Melody, grid):
    return replace(grid, low=0, high=127).encode(melody)


# --- the cache --------------------------------------------------------------------------------------------------------


def test_tunes_are_read_once_and_what_was_read_is_kept(songs, cache, monkeypatch):
    first = tunes.tunes(path=songs)
    monkeypatch.setattr(shelves, "read_all", lambda *_: pytest.fail("read again"))
    again = load("tunes", path=str(songs))
    assert torch.equal(first.tokens, again.tokens)
    (path,) = (cache / "tunes").glob("*-measure.jsonl")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 3 * FILES
    assert lines[0] == {
        "file": "00.abc",
        "number": 1,
        "title": "Song 0",
        "metre": [4, 4],
        "tempo": 120.0,
        "program": 0,
        "length": 80.0,
        "first": 0,
        "bars": 20,
        "end": 80.0,
    }
    assert lines[2]["reason"] == "a broken bar"
    assert "quarter notes" in lines[2]["told"]


def test_a_file_that_changes_is_read_again(songs):
    before = tunes.tunes(path=songs)
    (songs / "00.abc").write_text(SONG.format(1, "new", "4/4", "C4|D4|E4|"))
    after = tunes.tunes(path=songs)
    assert before.provenance["tunes"]["read"] == 3 * FILES
    assert after.provenance["tunes"]["read"] == 3 * FILES - 2
    assert before.provenance["files"]["sha256"] != after.provenance["files"]["sha256"]


def test_a_run_that_is_stopped_goes_on_with_what_is_not_there(songs, cache, monkeypatch):
    monkeypatch.setattr(shelves, "CHUNK", 3)
    items = sources.folder(songs).items
    seen: list[str] = []

    def watched(stop: str | None):
        def wrap(item):
            content = item.job.content

            def give():
                if item.name == stop:
                    raise KeyboardInterrupt
                seen.append(item.name)
                return content()

            return replace(item, job=replace(item.job, content=give))

        return [wrap(item) for item in items]

    with pytest.raises(KeyboardInterrupt):
        shelves.read(watched("07.abc"), workers=0)
    assert len(list((cache / "tunes").glob("*.jsonl"))) == 2
    assert not list((cache / "tunes").glob(".*.part"))
    seen.clear()
    keys = shelves.read(watched(None), workers=0)
    assert seen == [f"{i:02}.abc" for i in range(6, FILES)]
    assert [record["title"] for record, _ in shelves.tunes(keys)][::3] == [f"Song {i}" for i in range(FILES)]


def test_a_damaged_cache_says_what_to_delete(songs, cache):
    tunes.tunes(path=songs)
    for path in (cache / "tunes").glob("*-measure.npy"):
        path.write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"-measure\.npy cannot be read .* Delete it and .*-measure\.jsonl"):
        tunes.tunes(path=songs)


def test_whole_tunes_are_the_same_after_the_cache(songs):
    found = [melody for _, melody in shelves.tunes(shelves.read(sources.folder(songs).items)) if melody is not None]
    assert len(found) == 2 * FILES
    for melody in found:
        assert MEASURE.decode(MEASURE.encode(melody)) == melody


# --- windows ----------------------------------------------------------------------------------------------------------


def stretched(melody: Melody, grid, gaps: bool):
    rows = whole_tokens(melody, grid)
    found, lost = stretches(rows, [{"first": 0, "bars": len(rows)}], grid, gaps=gaps)
    return rows, found, lost


def test_measures_are_moved_to_every_place_in_the_range():
    melody = Melody.of([(60, 0, 6), (67, 6, 2)])
    rows, (stretch,), _ = stretched(melody, MEASURE, gaps=False)
    moves = shifts(stretch, MEASURE, transpose=True)
    assert moves == list(range(-5, 18))  # 55 to 84
    windows = examples(rows, stretch, MEASURE, moves, edges=False)
    assert windows.shape == (2 * 23, 24)
    for i, move in enumerate(moves):
        assert np.array_equal(windows[2 * i : 2 * i + 2], MEASURE.encode(melody.transposed(move)))
    assert windows[1][0] == HOLD  # the tie over the bar line
    assert shifts(stretch, MEASURE, transpose=False) == [0]
    low = replace(stretch, low=40, high=47)
    assert shifts(low, MEASURE, transpose=False) == [15]
    assert shifts(stretch, MELODY, transpose=True) == list(range(-5, 7))


def test_sixteen_bars_slide_by_one_and_begin_with_a_rest_where_a_note_is_held():
    notes = [(60 + i % 5, 2.0 * i, 2.0) for i in range(40)]
    notes[7] = (62, 14, 4)  # from bar 3 into bar 4
    notes.pop(8)
    melody = Melody.of(notes)
    rows, (stretch,), _ = stretched(melody, MELODY, gaps=True)
    windows = examples(rows, stretch, MELODY, [0], edges=False)
    assert windows.shape == (5, 256)
    for i in range(5):
        cut = melody.cut(4 * i, 4 * i + 64)
        expected = MELODY.encode(cut).ravel()
        if i == 4:
            assert windows[i][0] == REST
            expected[0] = REST
            expected[:8] = [REST] + [HOLD] * 7
        assert np.array_equal(windows[i], expected)


def test_silence_of_a_bar_ends_a_melody():
    notes = [(60, float(i), 1.0) for i in range(70)] + [(64, float(i), 1.0) for i in range(76, 150)]
    _, found, lost = stretched(Melody.of(notes), MELODY, gaps=True)
    assert [(each.first, each.bars, each.low) for each in found] == [(0, 18, 60), (19, 19, 64)]
    assert not lost
    near = [(60, float(i), 1.0) for i in range(30)] + [(64, float(i), 1.0) for i in range(33, 70)]
    assert len(stretched(Melody.of(near), MELODY, gaps=True)[1]) == 1  # three quarters of silence do not
    long = [(60, float(i), 1.0) for i in range(480)]
    assert stretched(Melody.of(long), MELODY, gaps=True)[1][0].bars == 100
    assert stretched(Melody.of(notes[:20]), MELODY, gaps=True)[2] == {"shorter than 16 bars": 1}
    wide = [(40, 0.0, 1.0), (80, 1.0, 1.0)]
    assert stretched(Melody.of(wide), MEASURE, gaps=False)[2] == {"a range wider than the grid's": 1}


def test_of_equal_windows_the_first_of_the_lowest_rank_is_kept():
    tokens = np.array([[1, 2], [3, 4], [1, 2], [1, 2], [3, 4]], np.uint8)
    assert once(tokens, np.array([2, 1, 0, 1, 1])).tolist() == [False, True, True, False, False]


def test_the_released_variant_has_edges():
    grid = replace(MEASURE, edges=True)
    melody = Melody.of([(60, 0, 4), (64, 4, 2)])
    rows, (stretch,), _ = stretched(melody, MEASURE, gaps=False)
    windows = examples(rows, stretch, grid, [0], edges=True)
    assert windows.shape == (3, 24)
    assert (windows[0] == START).all()
    assert windows[1][0] == 4 + 60 - 55
    assert windows[2].tolist() == [4 + 64 - 55] + [HOLD] * 11 + [END] * 12
    assert isinstance(stretch, Stretch)


# --- data sets --------------------------------------------------------------------------------------------------------


def test_windows_of_one_tune_are_in_one_split(songs):
    data = tunes.tunes(path=songs, transpose="never", unique=False)
    assert data.shape == (24,)
    assert list(data.attributes) == ["rhythmic_complexity", "pitch_range", "note_density", "contour"]
    assert data.provenance["tunes"] == {
        "read": 36,
        "used": 12,
        "left out": {"a broken bar": 12, "another metre": 12},
    }
    bars = {}
    for path in sorted(songs.glob("*.abc")):
        for row in MEASURE.encode(read(path)[0]):
            bars.setdefault(row.tobytes(), set()).add(path.name)
    owner = [bars.get(row.tobytes(), set()) for row in data.tokens.numpy()]
    seen = {name: set().union(*(owner[i] for i in rows if len(owner[i]) == 1)) for name, rows in data.splits.items()}
    assert seen["training"].isdisjoint(seen["test"])
    assert seen["training"].isdisjoint(seen["validation"])
    assert {name: len(each) for name, each in seen.items()} == {"training": 9, "validation": 2, "test": 1}


def test_only_training_is_transposed_and_nothing_tested_was_trained_on(songs):
    data = tunes.tunes(path=songs)
    rows = {name: {row.tobytes() for row in data.tokens[indices].numpy()} for name, indices in data.splits.items()}
    assert rows["training"].isdisjoint(rows["test"])
    assert rows["training"].isdisjoint(rows["validation"])
    assert sum(map(len, rows.values())) == len(data)
    assert {name: len(each) for name, each in rows.items()}["test"] <= 20
    lowest = data.tokens[data.splits["training"]].numpy()
    assert (lowest == 2).any()  # the lowest pitch of the grid
    other = tunes.tunes(path=songs, seed=1)
    assert not torch.equal(data.tokens[data.splits["test"]], other.tokens[other.splits["test"]])
    plain = tunes.tunes(path=songs, transpose="never", unique=False)
    assert len(plain) == 12 * 20


def test_melodies_of_sixteen_bars(songs):
    data = load("tunes", path=str(songs), grid="melody", transpose="never")
    assert data.shape == (256,)
    assert len(data) == 12 * 5
    assert "note_count" in data.attributes
    assert data.column("note_count").unique().tolist() == [64.0]
    limited = load("tunes", path=str(songs), grid="melody", limit=20)
    assert len(limited) == 20


def test_the_released_data_set_takes_other_metres_and_splits_by_position(songs):
    data = tunes.tunes(path=songs, variant="released")
    assert data.grid.edges
    assert data.provenance["tunes"]["used"] == int(0.9 * 24)
    n = len(data)
    assert data.splits["validation"].tolist() == list(range(int(0.7 * n), int(0.9 * n)))
    assert data.splits["test"][0] == int(0.95 * n)
    assert (data.tokens == START).all(1).sum() > 100
    assert (data.tokens == END).any()
    starts = (data.tokens == START).all(1)
    assert (data.values[starts] == 0).all()


@pytest.mark.parametrize("grid", GRIDS)
def test_what_a_training_uses_is_foretold(songs, grid):
    # Beside the books: a tune between the ticks of a melody, one that is wider than a measure's range, a short one.
    for i, body in enumerate(("CD/3EF5/3|" * 20, "C,,c'3|" * 20, "C4|D4|")):
        (songs / f"more-{i}.abc").write_text(SONG.format(1, i, "4/4", body))
    told = tunes.tunes(path=songs, grid=grid).provenance["tunes"]
    found = read_folder(songs, workers=0)
    lost = Counter(told["left out"]) - Counter({reason: len(names) for reason, names in found.skipped.items()})
    fit = fit_of(found.melodies, grid)
    assert (fit.used, fit.lost) == (told["used"], lost)
    assert fit.used + fit.lost.total() == len(found) > fit.used


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grid": "bars"}, "Unknown grid 'bars'. Allowed: measure, melody"),
        ({"metres": ("3/4",)}, "metres names '3/4'; a bar of the grid 'measure' has 4 quarter notes"),
        ({"metres": ("four",)}, "metres names 'four'; a metre is written as"),
        ({"metres": ()}, "metres names none"),
        ({"variant": "new"}, "Unknown variant 'new' of melodies. Allowed: released"),
        ({"variant": "released", "grid": "melody"}, "use grid='measure'"),
        ({"variant": "released", "metres": ["2/4"], "transpose": "never"}, "has its own transpose and metres: leave"),
        ({"transpose": "up"}, "Unknown transpose 'up' of melodies"),
        ({"split": (0.5, 0.5)}, "three positive shares"),
        ({"quantise": "eighths"}, "Unknown way to quantise 'eighths'"),
    ],
)
def test_options_that_are_none(songs, options, message):
    with pytest.raises(DataError, match=message):
        tunes.tunes(path=songs, **options)


def test_a_folder_without_enough_tunes_says_why(tmp_path, cache):
    (tmp_path / "a.abc").write_text(SONG.format(1, 1, "3/4", "CDE|") + SONG.format(2, 2, "4/4", "CDEFG|"))
    told = "has 0 tunes that can be used; at least 3 are needed. Left out: 1 for a broken bar, 1 for another metre."
    with pytest.raises(DataError, match=told):
        tunes.tunes(path=tmp_path)
    with pytest.raises(DataError, match="There is no folder"):
        tunes.tunes(path=tmp_path / "none")


def test_a_file_too_large_is_not_read(songs):
    with (songs / "huge.mid").open("wb") as file:
        os.truncate(file.fileno(), 3 * 2**20)
    data = tunes.tunes(path=songs)
    assert data.provenance["tunes"]["left out"]["too large"] == 1


def test_bach_from_music21(cache, monkeypatch):
    pytest.importorskip("music21")
    files = sources.chorale_files()[:8]
    monkeypatch.setattr(sources, "chorale_files", lambda: files)
    data = tunes.bach(split=(0.6, 0.2, 0.2))
    assert data.name == "bach"
    assert data.provenance["tunes"]["read"] == 8
    assert data.provenance["licence"].startswith("public domain")
    assert data.tokens.max() < MEASURE.vocabulary


def test_folk_from_music21(cache, monkeypatch):
    pytest.importorskip("music21")
    files = sources.book_files()[:2]
    monkeypatch.setattr(sources, "book_files", lambda: files)
    data = tunes.folk(metres=("4/4", "2/2"))
    assert data.provenance["tunes"]["read"] > 50
    assert set(data.provenance["tunes"]["left out"]) >= {"another metre", "a broken bar"}


def test_where_data_are_not_on_hand_it_says_where_to_put_them(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("LATUNE_DATA", str(tmp_path / "data"))
    with pytest.raises(DataError, match=r"taberna_abc\.tar\.gz is not on hand. Put it into .*folk-taberna"):
        tunes.taberna()
    with pytest.raises(DataError, match=r"Unknown form 'xml' of nottingham\. Allowed: abc, midi"):
        tunes.nottingham(form="xml")


def test_nottingham_and_pop909(shared_data, cache, monkeypatch):
    """A few real files of each."""
    whole = sources.archive
    few = lambda *given: dict(list(whole(*given).items())[:6])  # noqa: E731
    monkeypatch.setattr(sources, "archive", few)
    for data, least in ((tunes.nottingham(), 200), (tunes.nottingham(form="midi"), 6), (tunes.pop909(), 6)):
        assert data.provenance["tunes"]["read"] >= least
        assert sum(map(len, data.splits.values())) == len(data)

"""Your own folder of images: what is read, what is inferred, and how every mistake is told."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch
from PIL import Image

from latune.data import decoding, inspect, load
from latune.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LATUNE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "folders"


@pytest.fixture
def folder(tmp_path):
    """Twelve grey images of 8x6 (height x width) with a CSV file of attributes of every kind."""
    path = tmp_path / "mine"
    path.mkdir()
    lines = ["file,angle,smile,font,count"]
    for i in range(12):
        pixels(i).save(path / f"{i:02}.png")
        lines.append(f"{i:02}.png,{i / 4},{'yes' if i % 3 else 'no'},{'abc'[i % 3]},{i % 4}")
    (path / "labels.csv").write_text("\n".join(lines) + "\n")
    (path / ".hidden").write_text("not looked at")
    return path


def pixels(i, shape=(8, 6), colour=False):
    array = np.random.default_rng(i).integers(0, 256, (*shape, 3) if colour else shape, dtype=np.uint8)
    return Image.fromarray(array)


def rewrite(folder, change):
    path = folder / "labels.csv"
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")


def test_images_and_attributes_are_read(folder):
    made = load("folder", path=folder, seed=4)
    assert (made.name, len(made), made.shape) == ("mine", 12, (1, 8, 6))
    for i in range(12):
        assert np.array_equal(made.raw(torch.tensor([i]))[0, 0], np.asarray(pixels(i)))
    assert {name: each.kind for name, each in made.attributes.items()} == {
        "angle": "real",
        "smile": "binary",
        "font": "categorical",
        "count": "categorical",
    }
    assert made.column("angle").tolist() == [i / 4 for i in range(12)]
    assert made.column("smile").tolist() == [float(i % 3 > 0) for i in range(12)]
    assert made.provenance["classes"]["font"] == ["a", "b", "c"]
    assert made.provenance["files"].keys() == {"labels.csv"}
    json.dumps(made.provenance)


def test_rows_may_be_in_any_order_and_columns_chosen(folder, tmp_path):
    rewrite(folder, lambda lines: [lines[0].replace("file", "image"), *reversed(lines[1:]), ""])
    made = load("folder", path=str(folder), attributes=["font", "angle"], kinds={"font": "categorical"})
    assert list(made.attributes) == ["font", "angle"]
    assert made.column("angle").tolist() == [i / 4 for i in range(12)]
    (folder / "labels.csv").rename(tmp_path / "else.csv")
    elsewhere = load("folder", path=folder, attributes=tmp_path / "else.csv")
    assert torch.equal(elsewhere.column("angle"), made.column("angle"))
    both = load("folder", path=folder, attributes=["count"], csv=str(tmp_path / "else.csv"), kinds={"count": "real"})
    assert both.attributes["count"].kind == "real"
    with pytest.raises(DataError, match="Two CSV files are given"):
        load("folder", path=folder, attributes="a.csv", csv="b.csv")


def test_semicolons_and_a_byte_order_mark_are_understood(folder):
    text = (folder / "labels.csv").read_text().replace(",", ";")
    (folder / "labels.csv").write_text(text, encoding="utf-8-sig")
    assert list(load("folder", path=folder).attributes) == ["angle", "smile", "font", "count"]


def test_decoded_once_and_again_when_a_file_changes(folder, cache, monkeypatch):
    load("folder", path=folder)
    made = [path.name for path in cache.iterdir()]
    assert len(made) == 1

    def refuse(*_):
        raise AssertionError("decoded again")

    with monkeypatch.context() as patched:
        patched.setattr(decoding, "_decode", refuse)
        patched.setattr("latune.data.folder.read_headers", refuse)
        load("folder", path=folder, split=(0.5, 0.25, 0.25))
    pixels(99).save(folder / "03.png")
    os.utime(folder / "03.png", ns=(1, 1))
    again = load("folder", path=folder)
    assert np.array_equal(again.raw(torch.tensor([3]))[0, 0], np.asarray(pixels(99)))
    assert len(list(cache.iterdir())) == 2


def test_a_decoding_that_fails_leaves_nothing(folder, cache):
    content = (folder / "05.png").read_bytes()
    (folder / "05.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"(?s)Some images are damaged:.*05.png cannot be read"):
        load("folder", path=folder)
    assert list(cache.iterdir()) == []


def test_colour_is_kept_where_there_is_some(folder):
    pixels(1, colour=True).save(folder / "01.png")
    assert load("folder", path=folder).shape == (3, 8, 6)
    assert load("folder", path=folder, colour=False).shape == (1, 8, 6)


def test_modes_of_image_files_are_read_as_they_look(tmp_path):
    folder = tmp_path / "modes"
    folder.mkdir()
    ramp = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    Image.fromarray(ramp).save(folder / "a-plain.png")
    Image.fromarray(ramp.astype(np.uint16) * 257).save(folder / "b-deep.png")
    Image.fromarray(ramp).convert("P").save(folder / "c-palette.png")
    Image.merge("LA", [Image.new("L", (8, 8), 255), Image.fromarray(ramp)]).save(folder / "d-clear.png")
    Image.fromarray(ramp > 100).save(folder / "e-bits.png")
    sideways = Image.fromarray(ramp.T[:, ::-1].copy())  # turned a quarter clockwise; the tag turns it back
    exif = Image.Exif()
    exif[decoding.ORIENTATION] = 8
    sideways.save(folder / "f-turned.png", exif=exif)
    made = load("folder", path=folder)
    assert made.shape == (1, 8, 8)
    got = made.raw(torch.arange(6))[:, 0].numpy()
    for i in (0, 1, 2, 3, 5):
        assert np.array_equal(got[i], ramp), i
    assert np.array_equal(got[4], (ramp > 100) * 255)


def test_mixed_sizes_are_told_and_size_mends_them(folder):
    pixels(1, (16, 12)).save(folder / "01.png")
    pixels(2, (9, 9)).save(folder / "02.png")
    with pytest.raises(DataError) as told:
        load("folder", path=folder)
    assert "6x8 (10, e.g. 00.png), 12x16 (1, e.g. 01.png), 9x9 (1, e.g. 02.png)" in str(told.value)
    assert "Pass size=64" in str(told.value)
    assert load("folder", path=folder, size=4).shape == (1, 4, 4)
    assert load("folder", path=folder, size=[8, 6]).shape == (1, 8, 6)
    for wrong in (0, (1, 2, 3), -4):
        with pytest.raises(DataError, match=r"size is .*; it must be one whole number"):
            load("folder", path=folder, size=wrong)


def test_size_crops_around_the_centre(tmp_path):
    folder = tmp_path / "wide"
    folder.mkdir()
    array = np.zeros((8, 24), np.uint8)
    array[:, 8:16] = 200
    for i in range(3):
        Image.fromarray(array).save(folder / f"{i}.png")
    assert load("folder", path=folder, size=8).raw(torch.tensor([0])).unique().tolist() == [200]


def test_sub_folders_are_classes(tmp_path):
    folder = tmp_path / "pets"
    for name in ("cat", "dog", "eel"):
        (folder / name).mkdir(parents=True)
        for i in range(4):
            pixels(i).save(folder / name / f"{i}.png")
    made = load("folder", path=folder)
    assert made.attributes["class"].kind == "categorical"
    assert made.column("class").tolist() == [0.0] * 4 + [1.0] * 4 + [2.0] * 4
    assert made.provenance["classes"]["class"] == ["cat", "dog", "eel"]
    with pytest.raises(DataError, match=r"Unknown attribute 'colour'. Allowed: class"):
        load("folder", path=folder, attributes=["colour"])
    pixels(0).save(folder / "loose.png")
    with pytest.raises(DataError, match=r"1 files lie beside the sub-folders, e.g. loose.png"):
        load("folder", path=folder)


def test_images_without_attributes_are_fine(folder):
    (folder / "labels.csv").unlink()
    made = load("folder", path=folder)
    assert (made.attributes, made.values.shape) == ({}, (12, 0))


def test_what_is_not_an_image_is_named(folder):
    (folder / "notes.txt").write_text("hello")
    (folder / "empty.png").write_bytes(b"")
    with pytest.raises(DataError) as told:
        load("folder", path=folder)
    assert "notes.txt is not an image" in str(told.value)
    assert "empty.png is not an image" in str(told.value)
    assert "notes.txt has no row" in str(told.value)


def test_all_mistakes_of_a_csv_are_told_by_line_and_column(folder):
    def spoil(lines):
        lines[1] = lines[1].replace("0.0", "")
        lines[2] = lines[2].replace("0.25", "nan")
        lines[3] = lines[3].replace("0.5", "O.5")
        lines[4] += ",7"
        lines[5] = lines[5].replace("04.png", "04.pgn")
        lines.append(lines[8])
        return lines

    rewrite(folder, spoil)
    with pytest.raises(DataError) as told:
        load("folder", path=folder)
    for part in (
        "line 2, column 'angle': empty",
        "line 3, column 'angle': nan",
        "line 4, column 'angle': 'O.5' is not a finite number",
        "line 5 has 6 cells, the header 5",
        "line 6, column 'file': there is no file 04.pgn. Did you mean '04.png'?",
        "04.png has no row",
        "03.png has no row",
        "07.png again",
    ):
        assert part in str(told.value), part


def test_a_missing_column_and_a_text_are_told(folder):
    with pytest.raises(DataError, match=r"labels.csv: Unknown column 'angel'. Did you mean 'angle'\? Allowed: angle"):
        load("folder", path=folder, attributes=["angel"])
    with pytest.raises(DataError, match="Unknown attribute in kinds 'angel'"):
        load("folder", path=folder, kinds={"angel": "real"})
    with pytest.raises(DataError, match="Attribute 'font' holds words such as 'a'; it cannot be real"):
        load("folder", path=folder, kinds={"font": "real"})


def test_a_csv_that_cannot_be_read_is_told(folder, tmp_path):
    with pytest.raises(DataError, match="There is no file"):
        load("folder", path=folder, attributes="gone.csv")
    (folder / "labels.csv").write_text("")
    with pytest.raises(DataError, match="is empty; its first line must name the columns"):
        load("folder", path=folder)
    (folder / "labels.csv").write_text("file,a,a\n")
    with pytest.raises(DataError, match="every column needs a name of its own"):
        load("folder", path=folder)
    (folder / "labels.csv").write_bytes(b"file,a\n\xff\xfe")
    with pytest.raises(DataError, match="cannot be read as a CSV file"):
        load("folder", path=folder)
    (folder / "more.csv").write_text("file,a\n")
    with pytest.raises(DataError, match=r"holds several CSV files \(labels.csv, more.csv\). Name the one to use"):
        load("folder", path=folder)


def test_a_folder_that_is_not_one_is_told(tmp_path):
    with pytest.raises(DataError, match="There is no folder"):
        load("folder", path=tmp_path / "gone")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is a file, not a folder"):
        load("folder", path=tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="There is no image in"):
        load("folder", path=tmp_path / "empty")


def test_inspect_tells_what_is_there(folder, cache):
    seen = inspect(folder)
    assert (seen.n, seen.size, seen.mode, seen.problems) == (12, (8, 6), "grey", ())
    assert [(each.name, each.kind, each.missing) for each in seen.columns] == [
        ("angle", "real", 0),
        ("smile", "binary", 0),
        ("font", "categorical", 0),
        ("count", "categorical", 0),
    ]
    assert seen.columns[0].range == (0, 2.75)
    assert seen.columns[1].classes == ("no", "yes")
    assert json.loads(json.dumps(seen.as_dict()))["sizes"] == {"6x8": 12}
    assert seen.table().row_count == 4
    assert not cache.exists()


def test_inspect_notes_a_column_of_one_value(folder):
    rewrite(folder, lambda lines: [f"{line},{'same' if i == 0 else 5}" for i, line in enumerate(lines)])
    assert inspect(folder).notes == ("column 'same' has one value only; there is nothing to learn from it",)
    assert inspect(folder).problems == ()


def test_inspect_finds_every_problem_at_once(folder):
    (folder / "notes.txt").write_text("hello")
    pixels(1, (9, 9)).save(folder / "01.png")
    rewrite(folder, lambda lines: [line.replace("0.75", "") for line in lines])
    seen = inspect(folder)
    told = "\n".join(seen.problems)
    assert seen.size is None
    for part in ("notes.txt is not an image", "6x8 (11", "line 5, column 'angle': empty", "notes.txt has no row"):
        assert part in told
    assert next(each.missing for each in seen.columns if each.name == "angle") == 1
    content = (folder / "02.png").read_bytes()
    (folder / "02.png").write_bytes(content[:-30])
    (folder / "notes.txt").unlink()
    pixels(1).save(folder / "01.png")
    assert any("02.png cannot be read" in problem for problem in inspect(folder).problems)


def test_many_problems_of_one_sort_are_counted(folder):
    for i in range(9):
        (folder / f"note{i}.txt").write_text("hello")
    told = inspect(folder).problems
    assert sum("is not an image" in problem for problem in told) == 5
    assert "... and 4 more" in told

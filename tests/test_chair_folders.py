"""The 3-d chairs' folders: poses from names, whole chairs in each split, every mistake told by name."""

from __future__ import annotations

import math
import shutil
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image

from latune.data import load
from latune.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LATUNE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "rendered_chairs"


def opened(path, **options):
    return load("chair-folders", path=str(path), **options)


def first(folder):
    return folder / "chair0" / "renders" / "image_000_p020_t000_r096.png"


def test_names_tell_chair_and_pose(tiny_chair_folders):
    data = opened(tiny_chair_folders, size=60)
    assert (len(data), data.shape) == (48, (1, 60, 60))
    assert list(data.attributes) == ["chair", "azimuth", "elevation", "distance"]
    assert data.provenance["classes"]["chair"] == [f"chair{i}" for i in range(8)]
    chair, azimuth, elevation, distance = data.values[17].tolist()
    assert (chair, distance) == (2, 96)  # the last pose of the third chair
    assert math.degrees(azimuth) == pytest.approx(348, abs=1e-3)
    assert math.degrees(elevation) == pytest.approx(30, abs=1e-3)
    with Image.open(tiny_chair_folders / "chair2/renders/image_005_p030_t348_r096.png") as image:
        assert np.array_equal(data.raw(torch.tensor([17]))[0, 0].numpy(), np.asarray(image.convert("L")))
    assert [round(math.degrees(end)) for end in data.attributes["azimuth"].range] == [0, 348]


def test_a_chair_is_in_one_split_only(tiny_chair_folders):
    data = opened(tiny_chair_folders, split=(0.5, 0.25, 0.25))
    chairs = {name: set(data.column("chair", rows).int().tolist()) for name, rows in data.splits.items()}
    assert {name: len(each) for name, each in chairs.items()} == {"training": 4, "validation": 2, "test": 2}
    assert set.union(*chairs.values()) == set(range(8))
    assert [len(rows) for rows in data.splits.values()] == [24, 12, 12]


def test_a_tar_and_the_folder_around_it_hold_the_same(tiny_chair_folders, tmp_path):
    whole = opened(tiny_chair_folders, size=16)
    around = tmp_path / "around"
    around.mkdir()
    with tarfile.open(around / "rendered_chairs.tar", "w") as tar:
        tar.add(tiny_chair_folders, "rendered_chairs")
    shutil.copytree(tiny_chair_folders, tmp_path / "second" / "rendered_chairs")
    everything = torch.arange(48)
    for path in (around / "rendered_chairs.tar", around, tmp_path / "second"):
        other = opened(path, size=16)
        assert torch.equal(other.values, whole.values)
        assert torch.equal(other.raw(everything), whole.raw(everything))


def test_the_margin_can_be_cropped_and_colours_kept(tiny_chair_folders):
    coloured = opened(tiny_chair_folders, size=20, crop=20, colour=True).raw(torch.tensor([47]))[0]
    assert coloured.reshape(3, -1).T.unique(dim=0).tolist() == [[70, 100, 30]]  # only the box of chair 7 is left


def test_what_is_transparent_is_white(tiny_chair_folders):
    Image.new("RGBA", (60, 60), (0, 0, 0, 0)).save(first(tiny_chair_folders))
    assert opened(tiny_chair_folders, size=8).raw(torch.tensor([0])).unique().tolist() == [255]


def test_images_are_decoded_once_and_anew_when_a_file_changes(tiny_chair_folders, cache):
    opened(tiny_chair_folders)
    opened(tiny_chair_folders, seed=3)
    assert len(list(cache.iterdir())) == 1
    Image.new("L", (60, 60), 9).save(first(tiny_chair_folders))
    assert opened(tiny_chair_folders).raw(torch.tensor([0])).unique().tolist() == [9]


def unnamed(folder):
    first(folder).rename(first(folder).parent / "view_000.png")


def same_pose(folder):
    shutil.copy(first(folder), first(folder).parent / "image_040_p020_t000_r096.png")


def no_renders(folder):
    shutil.rmtree(folder / "chair3" / "renders")


def not_square(folder):
    Image.new("L", (60, 50)).save(first(folder))


def other_size(folder):
    Image.new("L", (50, 50)).save(first(folder))


def broken(folder):
    first(folder).write_bytes(first(folder).read_bytes()[:90])


def no_image(folder):
    first(folder).write_bytes(b"text")


def two_chairs(folder):
    for i in range(2, 8):
        shutil.rmtree(folder / f"chair{i}")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (unnamed, r"chair0/renders/view_000.png tells no pose; a name is image_NNN_pPPP_tTTT_rRRR.png"),
        (same_pose, r"chair0/renders/image_040_p020_t000_r096.png has the pose of image_000_p020_t000_r096.png"),
        (no_renders, r"chair3 has no image in chair3/renders"),
        (not_square, r"chair0/renders/image_000_p020_t000_r096.png is 60x50; a render is square"),
        (other_size, r"the images have several sizes: 50x50 \(e.g. chair0/.*\), 60x60 \(e.g. chair0/"),
        (broken, r"chair0/renders/image_000_p020_t000_r096.png (cannot be read|is not an image)"),
        (no_image, r"chair0/renders/image_000_p020_t000_r096.png is not an image"),
        (two_chairs, r"There are 2 chairs; at least 3 are needed, one for each split"),
    ],
)
def test_what_is_wrong_is_told(tiny_chair_folders, cache, spoil, told):
    spoil(tiny_chair_folders)
    with pytest.raises(DataError, match=told):
        opened(tiny_chair_folders)
    assert not any(file.suffix == ".npy" for file in cache.glob("*")) or spoil is two_chairs


def test_wrong_places_and_sizes_are_told(tiny_chair_folders, tmp_path, monkeypatch):
    with pytest.raises(DataError, match="crop is 4; it must be a whole number of pixels from 8"):
        opened(tiny_chair_folders, crop=4)
    with pytest.raises(DataError, match=r"is 60x60, smaller than crop=100"):
        opened(tiny_chair_folders, crop=100)
    with pytest.raises(DataError, match="size is 0; it must be a whole number"):
        opened(tiny_chair_folders, size=0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"there are no chairs; the layout is rendered_chairs/CHAIR/renders/image_NNN"):
        opened(tmp_path / "empty")
    with pytest.raises(DataError, match="There is no file or folder"):
        opened(tmp_path / "nowhere")
    monkeypatch.setenv("LATUNE_DATA", str(tmp_path / "empty"))
    with pytest.raises(DataError, match=r"not on hand.*Get rendered_chairs.tar from https://www.di.ens.fr"):
        load("chair-folders")
    monkeypatch.setenv("LATUNE_DATA", str(tiny_chair_folders.parent))
    assert len(load("chair-folders")) == 48

"""Data sets: kinds, splits, registry, arrays."""

from __future__ import annotations

import copy
import errno
import os

import numpy as np
import pytest
import torch

from latune.attributes import Attribute
from latune.attributes.image import STROKES, morphology
from latune.data import DATASETS, InMemory, Memmap, Rendered, cache_home, data_home, from_arrays, load, make_splits
from latune.data.decoding import write_npy
from latune.data.kinds import column
from latune.errors import DataError, LatuneError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LATUNE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


N, SHAPE = 50, (1, 6, 5)


@pytest.fixture(params=["memory", "file", "rendered"])
def dataset(request, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (N, *SHAPE), dtype=np.uint8)
    given = {
        "name": "toy",
        "shape": SHAPE,
        "attributes": {name: Attribute(name) for name in ("number", "square")},
        "values": torch.stack([torch.arange(N) * 1.0, torch.arange(N) ** 2.0], dim=1),
        "splits": make_splits(N, (0.6, 0.2, 0.2), seed=3),
    }
    whole = torch.from_numpy(pixels)
    if request.param == "memory":
        made = InMemory(**given, pixels=whole)
    elif request.param == "file":
        assert list(write_npy(tmp_path / "a.npy", N, SHAPE, pixels)) == []
        assert np.array_equal(np.load(tmp_path / "a.npy"), pixels)
        made = Memmap(**given, file=tmp_path / "a.npy")
    else:
        made = Rendered(**given, render=lambda indices: whole[indices])
    return made, whole


def test_every_kind_gives_the_images_asked_for_in_the_order_asked_for(dataset):
    made, pixels = dataset
    wanted = torch.tensor([41, 3, 3, 0, 49, 17])
    assert torch.equal(made.raw(wanted), pixels[wanted])
    images = made.images(wanted)
    assert images.dtype == torch.float32
    assert torch.equal(images, pixels[wanted] / 255)
    assert torch.equal(made.column("square", wanted), wanted**2.0)
    assert torch.equal(made.column("number"), made.values[:, 0])
    assert made.raw(torch.tensor([], dtype=torch.int64)).shape == (0, *SHAPE)
    assert len(made) == N
    assert "toy" in repr(made)


def test_a_batch_equals_its_single_images(dataset):
    made, _ = dataset
    batch = torch.tensor([9, 2, 30])
    assert torch.equal(made.images(batch), torch.cat([made.images(index[None]) for index in batch]))


def test_an_index_outside_is_an_error(dataset):
    made, _ = dataset
    for index in (-1, N):
        with pytest.raises(IndexError, match=f"index {index} of 'toy', which has 50"):
            made.raw(torch.tensor([0, index]))


def test_to_gives_the_same_data_on_the_device(dataset):
    made, pixels = dataset
    moved = made.to("cpu")
    assert moved.device.type == "cpu"
    assert type(moved) is type(made)
    assert torch.equal(moved.raw(torch.tensor([5])), pixels[5:6])


def test_a_copy_outlives_the_original(dataset):
    made, pixels = dataset
    twin = copy.deepcopy(made.subset(20))
    numbers = twin.column("number").long()
    assert torch.equal(twin.raw(torch.arange(20)), pixels[numbers])


def test_subset_keeps_every_example_in_its_split_and_is_seeded(dataset):
    made, pixels = dataset
    small = made.subset(20, seed=1)
    assert len(small) == 20
    assert {name: len(part) for name, part in small.splits.items()} == {"training": 12, "validation": 4, "test": 4}
    for name, part in small.splits.items():
        numbers = small.column("number", part).long()
        assert torch.isin(numbers, made.splits[name]).all()
        assert torch.equal(small.raw(part), pixels[numbers])
    assert torch.equal(small.values, made.subset(20, seed=1).values)
    assert not torch.equal(small.values, made.subset(20, seed=2).values)
    again = small.subset(10, seed=0)
    assert torch.equal(again.raw(torch.arange(10)), pixels[again.column("number").long()])
    assert made.subset(N) is made
    with pytest.raises(DataError, match="51 examples were asked for; 'toy' has 50"):
        made.subset(51)
    with pytest.raises(DataError, match="too few to leave one in every split"):
        made.subset(2)


def test_subset_of_a_set_whose_validation_is_its_test_keeps_them_equal():
    made = from_arrays(np.zeros((30, 4, 4), np.uint8))
    made.splits["validation"] = made.splits["test"] = torch.arange(20, 30)
    made.splits["training"] = torch.arange(20)
    small = made.subset(15, seed=0)
    assert torch.equal(small.splits["validation"], small.splits["test"])
    assert (len(small.splits["training"]), len(small.splits["test"])) == (10, 5)


def test_only_chooses_attributes_in_the_order_asked_for(dataset):
    made, _ = dataset
    chosen = made.only(["square", "number"])
    assert list(chosen.attributes) == ["square", "number"]
    assert torch.equal(chosen.values, made.values.flip(1))
    with pytest.raises(DataError, match=r"Unknown attribute 'squar' of 'toy'. Did you mean 'square'\? Allowed: number"):
        made.only(["squar"])
    with pytest.raises(DataError, match="asked for twice"):
        made.only(["number", "number"])
    with pytest.raises(DataError, match="Did you mean 'number'"):
        made.column("numbr")


def test_splits_are_disjoint_sorted_complete_and_seeded():
    for n in (3, 4, 10, 1797):
        parts = make_splits(n, (0.7, 0.2, 0.1), seed=5)
        assert list(parts) == ["training", "validation", "test"]
        assert torch.equal(torch.cat(list(parts.values())).sort().values, torch.arange(n))
        assert all(len(part) > 0 and torch.equal(part, part.sort().values) for part in parts.values())
    assert {name: len(part) for name, part in parts.items()} == {"training": 1259, "validation": 359, "test": 179}
    assert torch.equal(make_splits(100, seed=1)["test"], make_splits(100, seed=1)["test"])
    assert not torch.equal(make_splits(100, seed=1)["test"], make_splits(100, seed=2)["test"])


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (0.5, 0.6, -0.1), (0.5, 0.2, 0.2), []])
def test_wrong_fractions_are_told(fractions):
    with pytest.raises(DataError, match="three positive shares"):
        load("sprites", split=fractions)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "abc"}, r"Option 'split' of data set 'folder' is 'abc'; it must be a list of numbers, for example"),
        ({"split": (0.8, 0.1, "x")}, "Option 'split'"),
        ({"size": "big"}, r"Option 'size' .* must be a whole number or a list of whole numbers"),
        ({"colour": 3, "kinds": ["a"]}, r"(?s)Option 'colour' .*Option 'kinds' "),
        ({"path": 7}, "Option 'path' of data set 'folder' is 7; it must be a path"),
    ],
)
def test_options_of_a_wrong_type_are_told(options, message):
    with pytest.raises(DataError, match=message):
        load("folder", **{"path": ".", **options})


def test_too_few_examples_are_told():
    with pytest.raises(DataError, match="2 examples cannot be split"):
        make_splits(2)


def test_digits_are_real_handwriting_with_seven_attributes():
    digits = load("digits", seed=1)
    assert (len(digits), digits.shape) == (1797, (1, 8, 8))
    assert list(digits.attributes) == ["digit", *STROKES]
    assert digits.attributes["digit"].kind == "categorical"
    pixels = digits.raw(torch.arange(len(digits)))
    assert int(pixels.max()) == 255
    assert torch.equal(digits.column("digit").unique(), torch.arange(10.0))
    measured = morphology(pixels[:5])
    for name, values in measured.items():
        assert torch.allclose(digits.column(name, torch.arange(5)), torch.tensor(values, dtype=torch.float32))
        low, high = digits.attributes[name].range
        assert low <= digits.column(name).min() + 1e-6
        assert high >= digits.column(name).max() - 1e-6
    assert digits.provenance["split"] == {"rule": "random", "fractions": [0.8, 0.1, 0.1], "seed": 1}


def test_load_tells_wrong_names_and_options():
    with pytest.raises(DataError, match=r"Unknown data set 'digit'. Did you mean 'digits'\? Allowed: bach, celeba"):
        load("digit")
    with pytest.raises(DataError, match=r"Unknown option 'variants' of data set 'mnist'. Did you mean 'variant'"):
        load("mnist", variants="plain")
    with pytest.raises(DataError, match=r"(?s)option 'a' of data set 'digits'.*option 'b' of data set 'digits'"):
        load("digits", a=1, b=2)
    with pytest.raises(DataError, match=r"'folder' needs the option 'path': data\.path=FOLDER in a recipe"):
        load("folder")


def test_load_chooses_attributes_and_a_number_of_examples():
    digits = load("digits", attributes=["slant", "digit"], limit=100)
    assert (len(digits), list(digits.attributes)) == (100, ["slant", "digit"])
    rendered, read = {"sprites", "chairs", "heads"}, {"digits", "mnist", "celeba", "svhn", "chair-folders", "folder"}
    tunes = {"bach", "folk", "taberna", "nottingham", "pop909", "tunes"}
    assert set(DATASETS) == rendered | read | tunes


def test_homes_follow_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("LATUNE_DATA", str(tmp_path / "data"))
    assert data_home() == tmp_path / "data"
    monkeypatch.delenv("LATUNE_DATA")
    assert data_home() == cache_home() == tmp_path / "cache"
    monkeypatch.delenv("LATUNE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert data_home() == tmp_path / "xdg" / "latune"


def test_a_file_that_is_cut_short_or_of_another_kind_is_told(tmp_path):
    given = {"name": "a", "shape": SHAPE, "attributes": {}, "values": torch.zeros(N, 0), "splits": make_splits(N)}
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((N, *SHAPE), np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[:-10])
    with pytest.raises(DataError, match=r"a\.npy is cut short: .* bytes of"):
        Memmap(**given, file=path)
    path.write_bytes(content)
    made = Memmap(**given, file=path)
    os.truncate(path, len(content) - 10)
    with pytest.raises(DataError, match="ends before image 49"):
        made.raw(torch.tensor([49]))
    np.save(path, np.zeros((N, *SHAPE)))
    with pytest.raises(DataError, match="holds float64 numbers"):
        Memmap(**given, file=path)
    path.write_text("no")
    with pytest.raises(DataError, match=r"is not a .npy file that can be read"):
        Memmap(**given, file=path)


# Arrays


def test_images_of_every_shape_and_type_become_the_same_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (12, 3, 8, 7), dtype=np.uint8)
    every = torch.arange(12)
    for given in (
        pixels,
        pixels.transpose(0, 2, 3, 1),
        torch.from_numpy(pixels),
        torch.from_numpy(pixels) / 255,
        (pixels / 255).astype(np.float64),
        torch.from_numpy(pixels.transpose(0, 2, 3, 1).copy()),
    ):
        made = from_arrays(given)
        assert made.shape == (3, 8, 7)
        assert torch.equal(made.raw(every), torch.from_numpy(pixels))
    grey = pixels[:, 0]
    for given in (grey, grey[:, None], grey[..., None], torch.from_numpy(grey)):
        assert torch.equal(from_arrays(given).raw(every)[:, 0], torch.from_numpy(grey))
    assert from_arrays(grey > 100).raw(every).unique().tolist() == [0, 255]


def test_a_later_change_of_the_array_does_not_change_the_data():
    pixels = np.zeros((5, 4, 4), np.uint8)
    made = from_arrays(pixels)
    pixels[:] = 7
    assert int(made.raw(torch.arange(5)).max()) == 0


def test_kinds_are_inferred_from_values():
    n = 60
    grey = np.zeros((n, 4, 4), np.uint8)
    made = from_arrays(
        grey,
        {
            "smile": np.arange(n) % 2 == 0,
            "sign": np.where(np.arange(n) % 2, 1, -1),
            "digit": torch.arange(n) % 10,
            "year": 1900 + np.arange(n),
            "hue": np.linspace(0, 1, n),
            "font": ["serif", "mono", "sans"] * 20,
            "rank": np.arange(n) % 5,
        },
        kinds={"rank": "real", "hue": "unit"},
    )
    assert {name: attribute.kind for name, attribute in made.attributes.items()} == {
        "smile": "binary",
        "sign": "binary",
        "digit": "categorical",
        "year": "real",
        "hue": "unit",
        "font": "categorical",
        "rank": "real",
    }
    assert made.column("sign").unique().tolist() == [0, 1]
    assert made.column("font")[:3].tolist() == [2, 0, 1]
    assert made.attributes["year"].range == (1900, 1959)
    assert made.attributes["font"].range == (0, 2)
    assert made.provenance["classes"]["font"] == ["mono", "sans", "serif"]
    assert made.provenance["classes"]["sign"] == ["-1", "1"]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 4)), r"shape \[4, 4\]. Allowed: \[n, h, w\]"),
        (np.zeros((4, 5, 5, 4), np.uint8), "c = 1 or 3"),
        (np.zeros((0, 5, 5), np.uint8), r"shape \[0, 5, 5\]"),
        (np.zeros((4, 5, 5), np.int64), "The images are int64.*uint8"),
        (np.full((4, 5, 5), 200.0), r"run from 200 to 200; floats must lie in \[0, 1\]. Divide by 255"),
        (np.full((4, 5, 5), -1.0), "run from -1 to -1"),
        (np.array([[[0.5]], [[np.nan]]] * 2), "2 of 4 images hold NaN or infinity; the first is image 1"),
    ],
)
def test_wrong_images_are_told(images, message):
    with pytest.raises(DataError, match=message):
        from_arrays(images)


def test_all_wrong_attributes_are_told_at_once():
    images = np.zeros((4, 5, 5), np.uint8)
    wrong = {
        "short": [1, 2, 3],
        "gap": [1.0, np.nan, 2.0, np.inf],
        "mixed": np.array([1, "a", None, 2], dtype=object),
        "complex": np.zeros(4, complex),
        "five": [1, 2, 3, 4],
        "word": ["a", "b", "c", "d"],
        "far": [0.0, 2.0, 3.0, 1.0],
    }
    with pytest.raises(DataError) as told:
        from_arrays(images, wrong, kinds={"five": "ordinal", "word": "real", "far": "unit", "gone": "real"})
    for part in (
        "The attributes cannot be used:",
        "Attribute 'short' has shape [3]; for 4 images it must be [4]",
        "Attribute 'gap' holds values that are not finite: row 1 is nan; row 3 is inf",
        "Attribute 'mixed' mixes numbers",
        "Attribute 'complex' holds complex128",
        "Unknown kind 'ordinal' of attribute 'five'",
        "Attribute 'word' holds words such as 'a'; it cannot be real",
        "Attribute 'far' cannot be unit: its values run from 0 to 3",
        "Unknown attribute in kinds 'gone'",
    ):
        assert part in str(told.value)


def test_classes_have_limits():
    with pytest.raises(DataError, match="101 different values, too many for classes"):
        column("name", np.array([f"n{i}" for i in range(101)]))
    with pytest.raises(DataError, match="cannot be binary: it has 3 different values"):
        column("a", np.arange(3), "binary")
    assert column("a", np.ones(5), "binary").values.tolist() == [1] * 5
    assert column("a", np.ones(5)).attribute.kind == "real"


def test_a_full_disk_while_measuring_or_decoding_is_told(monkeypatch, tmp_path):
    from latune.data.home import kept

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LatuneError, match="No room left on the disk"), kept(tmp_path / "a" / "b") as temporary:
        temporary.write_bytes(b"x")
    assert list((tmp_path / "a").iterdir()) == []


def test_a_cache_that_cannot_be_written_to_is_told(tmp_path):
    from latune.data.home import kept

    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="Set LATUNE_CACHE"), kept(tmp_path / "file" / "b"):
        pass

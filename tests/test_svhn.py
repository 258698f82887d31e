"""SVHN's files: what they mean, and every other file told by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.io import loadmat, savemat

from latune.data import download, load, svhn
from latune.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LATUNE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LATUNE_DATA", raising=False)


def write(folder, images, labels, part="train", **more):
    savemat(folder / f"{part}_32x32.mat", {"X": images, "y": labels, **more})


IMAGES = np.zeros((32, 32, 3, 4), np.uint8)
LABELS = np.array([[1], [2], [3], [10]], np.uint8)


def test_images_and_labels_are_those_of_the_files(tiny_svhn):
    data = load("svhn", path=tiny_svhn)
    assert (len(data), data.shape, list(data.attributes)) == (50, (3, 32, 32), ["digit"])
    train = loadmat(tiny_svhn / "train_32x32.mat")
    picture = data.raw(torch.tensor([7]))[0]  # channels, rows, columns
    assert np.array_equal(picture.numpy(), train["X"][:, :, :, 7].transpose(2, 0, 1))
    digits = data.column("digit").int().tolist()
    assert digits[:30] == [*range(1, 10), 0] * 3  # label 10 is the digit 0
    assert digits[30:] == [*range(1, 10), 0] * 2
    assert set(data.provenance["files"]) == {"train_32x32.mat", "test_32x32.mat"}


def test_the_official_test_images_stay_apart(tiny_svhn):
    splits = load("svhn", path=tiny_svhn).splits
    assert {name: len(rows) for name, rows in splits.items()} == {"training": 27, "validation": 3, "test": 20}
    assert splits["test"].tolist() == list(range(30, 50))
    shares = load("svhn", path=tiny_svhn, split=(0.6, 0.2, 0.2)).splits
    assert {name: len(rows) for name, rows in shares.items()} == {"training": 30, "validation": 10, "test": 10}
    with pytest.raises(DataError, match=r"Unknown split 'offical' of svhn. Did you mean 'official'.*or three shares"):
        load("svhn", path=tiny_svhn, split="offical")


def test_labels_may_be_a_row_or_numbers_of_another_type(tmp_path):
    for labels in (LABELS.T, LABELS.astype(np.float64), LABELS.astype(np.int32)):
        write(tmp_path, IMAGES, labels)
        assert svhn.read_mat(tmp_path / "train_32x32.mat")[1].tolist() == [1, 2, 3, 0]


def hdf5(file):
    """As MATLAB 7.3 writes it: a text of 512 bytes, then an HDF5 file."""
    file.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + svhn.HDF5 + bytes(64))


def bare_hdf5(file):
    file.write_bytes(svhn.HDF5 + bytes(1024))


def picture(file):
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1024))


def cut_short(file):
    savemat(file, {"X": np.random.default_rng(0).integers(0, 256, IMAGES.shape, np.uint8), "y": LABELS})
    file.write_bytes(file.read_bytes()[:5000])


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (hdf5, r"is a MATLAB 7.3 \(HDF5\) file; format 2 of SVHN is MATLAB 5. Fetch it again from http://ufldl"),
        (bare_hdf5, r"is a MATLAB 7.3 \(HDF5\) file"),
        (picture, r"is not a MATLAB file: it begins with b'.x89PNG"),
        (cut_short, r"cannot be read: .*It may be cut short; fetch it again"),
        (lambda file: file.write_bytes(b""), r"is not a MATLAB file: it begins with b''"),
    ],
)
def test_other_kinds_of_files_are_told(tmp_path, make, told):
    make(tmp_path / "train_32x32.mat")
    with pytest.raises(DataError, match=told):
        svhn.read_mat(tmp_path / "train_32x32.mat")


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"digitStruct": LABELS}, r"(?s)no array 'X'; format 2 has X and y.*no array 'y'"),
        ({"X": IMAGES}, r"there is no array 'y'"),
        (
            {"X": IMAGES.transpose(3, 0, 1, 2), "y": LABELS},
            r"X is uint8 of shape \(4, 32, 32, 3\); it must be uint8 of",
        ),
        ({"X": IMAGES / 255, "y": LABELS}, r"X is float64 of shape \(32, 32, 3, 4\); it must be uint8"),
        ({"X": IMAGES[..., 0], "y": LABELS}, r"X is uint8 of shape \(32, 32, 3\)"),
        ({"X": np.zeros((28, 28, 3, 4), np.uint8), "y": LABELS}, r"X is uint8 of shape \(28, 28, 3, 4\)"),
        ({"X": IMAGES, "y": LABELS[:3]}, r"y has 3 labels, but X has 4 images"),
        ({"X": IMAGES, "y": np.eye(4)}, r"y is float64 of shape \(4, 4\); it must be one number for each image"),
        (
            {"X": IMAGES, "y": np.array([[0], [11], [2], [3]])},
            r"(?s)label of image 1 is 0; it must be 1 to 10.*image 2",
        ),
        ({"X": IMAGES, "y": np.full((4, 1), 1.5)}, r"label of image 1 is 1.5"),
    ],
)
def test_other_arrays_are_told(tmp_path, arrays, told):
    savemat(tmp_path / "train_32x32.mat", arrays)
    with pytest.raises(DataError, match=told):
        svhn.read_mat(tmp_path / "train_32x32.mat")


def test_missing_files_are_looked_for_and_then_told(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"There is no file .*train_32x32.mat. Put train_32x32.mat and test_32x32.mat"):
        load("svhn", path=tmp_path)
    asked = []

    def refuse(address, timeout):
        asked.append(address)
        raise OSError("no network")

    monkeypatch.setattr(download, "urlopen", refuse)
    monkeypatch.setattr(download, "PAUSE", 0.0)
    with pytest.raises(
        DataError, match=r"(?s)could not be downloaded.*no network.*Put train_32x32.mat and .*path=FOLDER"
    ):
        load("svhn")
    assert set(asked) == {"http://ufldl.stanford.edu/housenumbers/train_32x32.mat"}


def test_files_on_hand_are_found(tiny_svhn, monkeypatch):
    monkeypatch.setenv("LATUNE_DATA", str(tiny_svhn.parent))
    assert len(load("svhn")) == 50

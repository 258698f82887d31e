"""MNIST: files on hand, downloads that go wrong, and damaged files. No test touches the network."""

from __future__ import annotations

import gzip
import hashlib
import io
from urllib.error import URLError

import numpy as np
import pytest
import torch

from latune.data import download, load, mnist
from latune.data.idx import read_idx
from latune.errors import DataError

COUNTS = {"train": 40, "t10k": 10}


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(int(size).to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


@pytest.fixture
def contents() -> dict[str, bytes]:
    """The four files of a tiny MNIST, packed."""
    draw = np.random.default_rng(0)
    files = {}
    for part, n in COUNTS.items():
        images = np.zeros((n, 28, 28), np.uint8)
        for image in images:
            row, column, tall = draw.integers(6, 12), draw.integers(6, 12), draw.integers(8, 14)
            image[row : row + tall, column : column + 3] = 255
        files[f"{part}-images-idx3-ubyte"] = gzip.compress(idx(images))
        files[f"{part}-labels-idx1-ubyte"] = gzip.compress(idx(np.arange(n) % 10))
    return files


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """An empty data folder and an empty cache; a small validation set."""
    monkeypatch.setenv("LATUNE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LATUNE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(mnist, "VALIDATION", 5)
    monkeypatch.setattr(download, "PAUSE", 0)
    return tmp_path / "data", tmp_path / "cache"


@pytest.fixture
def data(homes, contents):
    """The data folder with all four files in it."""
    folder = homes[0] / "mnist"
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / f"{name}.gz").write_bytes(content)
    return homes[0]


@pytest.fixture
def offline(monkeypatch):
    def refuse(address, timeout):
        raise URLError("Name or service not known")

    monkeypatch.setattr(download, "urlopen", refuse)


def write_measures(folder, part, lines=None, prefix=""):
    folder.mkdir(parents=True, exist_ok=True)
    head = "index,area,length,thickness,slant,width,height"
    rows = [f"{i},{100 + i},20.5,3.25,-0.125,4,{i / 3}" for i in range(COUNTS[part])]
    text = "\n".join(lines(head, rows) if lines else [head, *rows])
    (folder / f"{prefix}{part}-morpho.csv").write_text(text + "\n")


def test_files_on_hand_are_measured_where_there_is_no_csv(data, offline):
    made = load("mnist", seed=1)
    assert (len(made), made.shape) == (50, (1, 28, 28))
    assert list(made.attributes) == ["digit", *mnist.MEASURES]
    assert made.provenance["attributes"] == "measured by latune.attributes"
    assert set(made.provenance["files"]) == {f"{name}.gz" for name in mnist.FILES}
    assert {name: len(part) for name, part in made.splits.items()} == {"training": 35, "validation": 5, "test": 10}
    assert made.splits["test"].tolist() == list(range(40, 50))
    assert torch.equal(made.column("digit", torch.arange(40, 50)), torch.arange(10.0))
    assert not torch.equal(made.splits["validation"], load("mnist", seed=2).splits["validation"])


def test_csv_files_of_morpho_mnist_give_the_attributes(data, offline):
    for part in COUNTS:
        write_measures(data / "morpho-mnist", part)
    made = load("mnist", split="released", attributes=["height", "area"])
    assert made.provenance["attributes"] == "CSV files of Morpho-MNIST"
    assert torch.equal(made.column("area"), torch.cat([100 + torch.arange(40.0), 100 + torch.arange(10.0)]))
    assert made.column("height")[1] == pytest.approx(1 / 3)
    assert torch.equal(made.splits["validation"], made.splits["test"])
    assert len(made.splits["training"]) == 40


def test_plain_images_come_from_their_own_files(data, offline, contents):
    with pytest.raises(DataError, match=r"plain-train-images-idx3-ubyte.gz is not on hand.*variant='original'"):
        load("mnist", variant="plain")
    folder = data / "morpho-mnist"
    for part in COUNTS:
        write_measures(folder, part, prefix="plain-")
        (folder / f"plain-{part}-images-idx3-ubyte.gz").write_bytes(contents[f"{part}-images-idx3-ubyte"])
    assert load("mnist", variant="plain", split=[0.6, 0.2, 0.2]).provenance["source"] == "MNIST, plain"


def test_wrong_options_are_told(data, offline):
    with pytest.raises(DataError, match="Did you mean 'plain'"):
        load("mnist", variant="plan")
    with pytest.raises(DataError, match=r"Did you mean 'released'.*or three shares"):
        load("mnist", split="release")


def test_a_csv_with_a_missing_column_or_nan_is_told(data, offline):
    write_measures(data / "morpho-mnist", "t10k")

    def no_slant(head, rows):
        return [head.replace("slant", "slnt"), *rows]

    def gaps(head, rows):
        return [head, rows[0], rows[1].replace("3.25", "nan"), rows[2].replace("20.5", ""), *rows[3:]]

    write_measures(data / "morpho-mnist", "train", no_slant)
    with pytest.raises(DataError, match=r"train-morpho.csv.*Unknown column.*'slant'. Did you mean 'slnt'"):
        load("mnist")
    write_measures(data / "morpho-mnist", "train", gaps)
    with pytest.raises(DataError) as told:
        load("mnist")
    assert "line 3, column 'thickness': 'nan' is not a finite number" in str(told.value)
    assert "line 4, column 'length': empty" in str(told.value)
    write_measures(data / "morpho-mnist", "train", lambda head, rows: [head, *rows[:-1]])
    with pytest.raises(DataError, match=r"train-morpho.csv has 39 rows, but there are 40 images"):
        load("mnist")


def test_offline_without_a_copy_says_where_to_put_the_files(homes, offline):
    with pytest.raises(DataError) as told:
        load("mnist")
    message = str(told.value)
    assert "could not be downloaded in 3 tries" in message
    assert "Name or service not known" in message
    assert f"Put {', '.join(f'{name}.gz' for name in mnist.FILES)} into {homes[0] / 'mnist'}" in message
    assert "set LATUNE_DATA" in message
    assert not homes[1].exists() or not any(homes[1].rglob("*ubyte*"))


def test_download_is_checked_retried_and_kept(homes, contents, monkeypatch):
    asked = []

    def answer(address, timeout):
        asked.append(address)
        if len(asked) == 1:
            raise TimeoutError("timed out")
        content = contents[address.rsplit("/", 1)[1].removesuffix(".gz")]
        return io.BytesIO(content[:-3] if len(asked) == 2 else content)

    monkeypatch.setattr(download, "urlopen", answer)
    monkeypatch.setattr(mnist, "FILES", {name: hashlib.sha256(each).hexdigest() for name, each in contents.items()})
    made = load("mnist")
    assert len(made) == 50
    assert len(asked) == 2 + 4  # one that failed, one that came damaged, and the four
    kept = homes[1] / "mnist"
    assert sorted(path.name for path in kept.iterdir()) == sorted(f"{name}.gz" for name in contents)
    load("mnist")
    assert len(asked) == 6


def test_a_file_with_another_checksum_is_never_kept(homes, contents, monkeypatch):
    monkeypatch.setattr(download, "urlopen", lambda address, timeout: io.BytesIO(b"<html>please log in</html>"))
    with pytest.raises(DataError, match=r"a file with sha256 [0-9a-f]{64}, not 440fcabf"):
        load("mnist")
    assert not homes[1].exists() or not any(homes[1].rglob("*ubyte*"))


def damaged(content: bytes) -> dict[str, tuple[bytes, str]]:
    plain = gzip.decompress(content)
    return {
        "cut gz": (content[:-20], r"is damaged and cannot be unpacked"),
        "broken gz": (content[:60] + bytes([content[60] ^ 255]) + content[61:], r"is damaged and cannot be unpacked"),
        "not gz": (plain, r"is damaged and cannot be unpacked"),
        "short": (gzip.compress(plain[:-1]), r"40 x 28 x 28 bytes are 31,360, but 31,359 follow"),
        "long": (gzip.compress(plain + b"\0"), r"but 31,361 follow"),
        "header only": (gzip.compress(plain[:7]), r"does not hold what its header says"),
        "empty": (gzip.compress(b""), r"is not an idx file: it begins with nothing"),
        "magic": (gzip.compress(b"\x89PNG" + plain[4:]), r"is not an idx file: it begins with 89 50 4e 47"),
        "labels": (gzip.compress(idx(np.zeros(40))), r"with 1 axes, not unsigned bytes \(0x08\) with 3"),
        "floats": (gzip.compress(bytes([0, 0, 0x0D, 3]) + plain[4:]), r"type 0x0d"),
    }


@pytest.mark.parametrize("how", damaged(gzip.compress(idx(np.zeros((40, 28, 28))))))
def test_a_damaged_file_is_named(data, offline, contents, how):
    path = data / "mnist" / "train-images-idx3-ubyte.gz"
    content, message = damaged(contents["train-images-idx3-ubyte"])[how]
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as told:
        load("mnist")
    assert str(path) in str(told.value)


def test_images_and_labels_must_be_as_many(data, offline):
    path = data / "mnist" / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(idx(np.zeros(9))))
    with pytest.raises(DataError, match=r"holds 10 images, but .*t10k-labels-idx1-ubyte.gz 9 labels"):
        load("mnist")


def test_an_unpacked_file_is_read_as_well(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 4), dtype=np.uint8)
    (tmp_path / "images").write_bytes(idx(images))
    assert np.array_equal(read_idx(tmp_path / "images", 3), images)
    with pytest.raises(DataError, match="There is no file"):
        read_idx(tmp_path / "gone", 3)


def test_the_real_files_are_read(shared_data, monkeypatch, tmp_path):
    monkeypatch.setenv("LATUNE_CACHE", str(tmp_path))
    for variant in mnist.VARIANTS:
        made = load("mnist", variant=variant)
        assert (len(made), made.shape) == (70_000, (1, 28, 28))
        assert made.column("digit", made.splits["test"]).long().bincount()[1] == 1135
        assert {name: len(part) for name, part in made.splits.items()} == {
            "training": 55_000,
            "validation": 5_000,
            "test": 10_000,
        }
        assert made.provenance["attributes"] == "CSV files of Morpho-MNIST"
        assert torch.isfinite(made.values).all()

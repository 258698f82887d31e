"""Fixtures shared by the tests."""

from __future__ import annotations

import fcntl
import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latune.space import Space


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data."""
    if "LATUNE_DATA" not in os.environ:
        pytest.skip("set LATUNE_DATA to the folder of real data")
    return Path(os.environ["LATUNE_DATA"])


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory, worker_id) -> Path:
    """A run folder: the recipe arvae-digits, trained for 400 updates, once for all processes of the tests."""
    from latune.recipes import read, train

    root = tmp_path_factory.getbasetemp()
    root = root if worker_id == "master" else root.parent
    with (root / "digits.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        recipe = read("arvae-digits", ["training.steps=400", "training.validate_every=0"])
        train(recipe, root / "digits")
    return root / "digits"


@pytest.fixture
def space(digits_run) -> Space:
    """The trained space of `digits_run`."""
    return Space.load(digits_run)


@pytest.fixture
def tiny_mnist(tmp_path, monkeypatch) -> Path:
    """A LATUNE_DATA folder with 40 + 20 upright bars in MNIST's files; nothing is downloaded."""
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    for part, n in (("train", 40), ("t10k", 20)):
        images = np.zeros((n, 28, 28), np.uint8)
        for image in images:
            row, column, tall, wide = (
                draw.integers(4, 12),
                draw.integers(6, 14),
                draw.integers(8, 14),
                draw.integers(2, 6),
            )
            image[row : row + tall, column : column + wide] = 255
        for name, array in (("images-idx3", images), ("labels-idx1", np.arange(n, dtype=np.uint8) % 10)):
            sizes = b"".join(int(size).to_bytes(4, "big") for size in array.shape)
            packed = gzip.compress(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())
            (folder / f"{part}-{name}-ubyte.gz").write_bytes(packed)
    monkeypatch.setenv("LATUNE_DATA", str(folder.parent))
    return folder


@pytest.fixture
def tiny_tunes(tmp_path) -> Path:
    """A folder with 12 MIDI files of 17 or 18 bars in 4/4, each of its own rhythm and scale."""
    from latune.music import Melody

    folder = tmp_path / "tunes"
    for i in range(12):
        draw = np.random.default_rng(i)
        starts, time = [], 0.0
        while time < 64 + 4 * (i % 2):
            starts.append(time)
            time += draw.choice([0.5, 1.0, 1.0, 2.0])
        pitches = 62 + np.array([0, 2, 4, 5, 7, 9])[draw.integers(0, 6, len(starts))] + i % 5
        lengths = np.diff([*starts, time])
        Melody(pitches, np.array(starts), lengths, name=f"tune {i}").save(folder / f"{i:02}.mid")
    return folder


@pytest.fixture
def soundfont(tmp_path) -> Path:
    """The smallest soundfont: a sine of 441 Hz (100 samples) as A4, of program 0."""

    def part(name: bytes, body: bytes) -> bytes:
        return name + struct.pack("<I", len(body)) + body

    def called(name: str) -> bytes:
        return name.encode().ljust(20, b"\0")

    n = 4400
    sine = (np.sin(2 * np.pi * np.arange(n) / 100) * 20000).astype("<i2").tobytes() + bytes(92)
    tables = {
        b"phdr": called("Sine") + struct.pack("<HHHIII", 0, 0, 0, 0, 0, 0)
        + called("EOP") + struct.pack("<HHHIII", 0, 0, 1, 0, 0, 0),
        b"pbag": struct.pack("<HHHH", 0, 0, 1, 0),
        b"pmod": bytes(10),
        b"pgen": struct.pack("<HHHH", 41, 0, 0, 0),
        b"inst": called("Sine") + struct.pack("<H", 0) + called("EOI") + struct.pack("<H", 1),
        b"ibag": struct.pack("<HHHH", 0, 0, 2, 0),
        b"imod": bytes(10),
        b"igen": struct.pack("<HHHHHH", 54, 1, 53, 0, 0, 0),
        b"shdr": called("Sine") + struct.pack("<IIIIIBbHH", 0, n, 0, n, 44_100, 69, 0, 0, 1)
        + called("EOS") + struct.pack("<IIIIIBbHH", *[0] * 9),
    }  # fmt: skip
    about = part(b"ifil", struct.pack("<HH", 2, 1)) + part(b"isng", b"EMU8000\0") + part(b"INAM", b"Sine\0\0")
    lists = (b"INFO" + about, b"sdta" + part(b"smpl", sine), b"pdta" + b"".join(part(*each) for each in tables.items()))
    path = tmp_path / "sine.sf2"
    path.write_bytes(part(b"RIFF", b"sfbk" + b"".join(part(b"LIST", each) for each in lists)))
    return path


@pytest.fixture
def tiny_celeba(tmp_path, monkeypatch) -> Path:
    """A LATUNE_DATA folder with 40 blurred patches in CelebA's files, 24 of them for training."""
    folder = tmp_path / "data" / "celeba"
    folder.mkdir(parents=True)
    draw = np.random.default_rng(2)
    labels = ["40", "Male Smiling Young"]
    parts = []
    for i in range(1, 41):
        patch = Image.fromarray(draw.integers(0, 256, (4, 4, 3), np.uint8)).resize((178, 218))
        patch.save(folder / f"{i:06}.jpg")
        labels.append(f"{i:06}.jpg " + " ".join(str(value) for value in draw.choice([-1, 1], 3)))
        parts.append(f"{i:06}.jpg {0 if i <= 24 else 1 + i % 2}")
    (folder / "list_attr_celeba.txt").write_text("\n".join(labels) + "\n")
    (folder / "list_eval_partition.txt").write_text("\n".join(parts) + "\n")
    monkeypatch.setenv("LATUNE_DATA", str(folder.parent))
    return folder


@pytest.fixture
def tiny_svhn(tmp_path) -> Path:
    """A folder with SVHN's two files: 30 + 20 images of noise, image i with label 1 + i % 10."""
    from scipy.io import savemat

    folder = tmp_path / "svhn"
    folder.mkdir()
    draw = np.random.default_rng(4)
    for part, n in (("train", 30), ("test", 20)):
        images = draw.integers(0, 256, (32, 32, 3, n), np.uint8)
        labels = (1 + np.arange(n) % 10).astype(np.uint8)[:, None]
        savemat(folder / f"{part}_32x32.mat", {"X": images, "y": labels}, do_compression=True)
    return folder


@pytest.fixture
def tiny_chair_folders(tmp_path) -> Path:
    """8 chairs as the 3-d chairs are given out: 2 elevations x 3 azimuths each, 60x60, a dark box on white."""
    folder = tmp_path / "rendered_chairs"
    for chair in range(8):
        (folder / f"chair{chair}" / "renders").mkdir(parents=True)
        poses = [(p, t) for p in (20, 30) for t in (0, 11, 348)]
        for i, (elevation, azimuth) in enumerate(poses):
            image = Image.new("RGB", (60, 60), "white")
            image.paste((10 * chair, 20 * i, 30), (20, 10 + 2 * i, 40, 50))
            image.save(folder / f"chair{chair}" / "renders" / f"image_{i:03}_p{elevation:03}_t{azimuth:03}_r096.png")
    return folder


@pytest.fixture
def photos(tmp_path) -> Path:
    """A folder of 120 grey 12x12 images with a table of two attributes, `light` and `lean`."""
    folder = tmp_path / "photos"
    folder.mkdir()
    draw = np.random.default_rng(1)
    lines = ["file,light,lean"]
    for i in range(120):
        light, lean = draw.uniform(0.2, 1), draw.uniform(-1, 1)
        rows, columns = np.mgrid[-6:6, -6:6]
        pixels = 255 * light * np.exp(-((columns - lean * rows) ** 2) / 4)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i:03}.png")
        lines.append(f"{i:03}.png,{light:.4f},{lean:.4f}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    return folder

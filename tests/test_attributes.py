"""Measured attributes: the six of Morpho-MNIST against their tables and a slow twin; a user's own functions."""

from __future__ import annotations

import gzip
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt, gaussian_filter, label
from skimage.transform import AffineTransform, warp
from sklearn.datasets import load_digits

from latune.attributes import ATTRIBUTES, MEASURES, Attribute, evaluate, function, image, morphology
from latune.attributes.image import STROKES
from latune.attributes.pixels import to_uint8
from latune.errors import AttributeFunctionError, DataError

NAMES = ("area", "length", "thickness", "slant", "width", "height")


def table(images, **options) -> np.ndarray:
    return np.stack(list(morphology(images, **options).values()), 1)


def small_digits(n: int) -> np.ndarray:
    return np.rint(load_digits().images[:n] * (255 / 16)).astype(np.uint8)


def strokes(n: int, seed: int, h: int = 14, w: int = 11) -> np.ndarray:
    """Blurred random dots: shapes with holes, branches and several parts, touching the border."""
    dots = np.random.default_rng(seed).random((n, h, w)) < 0.25
    soft = gaussian_filter(dots.astype(float), (0, 0.7, 0.7))
    return np.rint(255 * soft / soft.max()).astype(np.uint8)


def idx_images(path: Path) -> np.ndarray:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=16).reshape(-1, 28, 28)


def published(path: Path) -> np.ndarray:
    return np.loadtxt(path, delimiter=",", skiprows=1)[:, 1:]


def slow_twin(picture: np.ndarray) -> list[float]:
    """The definition read literally, pixel by pixel, for one image."""
    h, w = picture.shape
    quarter = AffineTransform(scale=0.25, translation=(0.25 / 2 - 0.5,) * 2)
    fine = warp(picture / 255, quarter, output_shape=(4 * h, 4 * w), order=3, mode="reflect", clip=True)
    grey = (gaussian_filter(fine, 8 / 6, mode="reflect") * 255).astype(np.uint8)
    if grey.min() == grey.max():
        return [0.0] * 6
    shape = grey >= grey.min() + 0.5 * (int(grey.max()) - int(grey.min()))
    distance = distance_transform_edt(shape)

    work = np.pad(shape, 1)
    pixels = [(int(y), int(x)) for y, x in np.argwhere(shape)]
    ties = np.random.RandomState(0).permutation(len(pixels))
    alone = [9 - work[y : y + 3, x : x + 3].sum() for y, x in pixels]
    for k in np.lexsort((ties, alone, [distance[at] for at in pixels])):
        y, x = pixels[k]
        now = work[y : y + 3, x : x + 3]
        without = now.copy()
        without[1, 1] = False
        eight = np.ones((3, 3))
        if now.sum() >= 3 and label(now, eight)[1] == label(without, eight)[1]:
            work[y + 1, x + 1] = False
    lines = {(int(y), int(x)) for y, x in np.argwhere(work[1:-1, 1:-1])}
    steps = ((0, 1, 1.0), (1, 0, 1.0), (1, -1, math.sqrt(2)), (1, 1, math.sqrt(2)))
    length = sum(cost for y, x in lines for dy, dx, cost in steps if (y + dy, x + dx) in lines) / 4

    share = grey / grey.sum(dtype=float)
    y, x = np.mgrid[: 4 * h, : 4 * w]
    mx, my = (share * x).sum(), (share * y).sum()
    shear = ((share * x * y).sum() - mx * my) / ((share * y * y).sum() - my**2)
    left = [share[x + 0.5 < t + shear * (y - my)].sum() for t in range(4 * w)]
    above = [share[:t].sum() for t in range(4 * h)]
    width, height = (np.ptp(np.interp((0.01, 0.99), each, range(len(each)))) / 4 for each in (left, above))
    thickness = 2 * np.mean([distance[at] for at in lines]) / 4
    return [shape.sum() / 16, length, thickness, math.atan(-shear), width, height]


def test_every_fourth_test_digit_agrees_with_the_table(shared_data):
    images = idx_images(shared_data / "mnist/t10k-images-idx3-ubyte.gz")[::4]
    error = np.abs(table(images) - published(shared_data / "morpho-mnist/t10k-morpho.csv")[::4])
    assert error.shape == (2500, 6)
    assert error.max() < 1e-6, dict(zip(NAMES, error.max(0), strict=True))


def test_plain_digits_agree_with_the_table(shared_data):
    images = idx_images(shared_data / "morpho-mnist/plain-t10k-images-idx3-ubyte.gz")[:1000]
    error = np.abs(table(images) - published(shared_data / "morpho-mnist/plain-t10k-morpho.csv")[:1000])
    assert error.max() < 1e-6, dict(zip(NAMES, error.max(0), strict=True))


@pytest.mark.parametrize(
    "images",
    [
        small_digits(24),
        strokes(8, 0),
        strokes(8, 1, 5, 17),
        strokes(6, 2, 2, 3),
        strokes(4, 3, 1, 9),
        strokes(4, 4, 9, 1),
    ],
    ids=["8x8 digits", "14x11", "5x17", "2x3", "1x9", "9x1"],
)
def test_any_size_agrees_with_the_slow_twin(images):
    np.testing.assert_allclose(table(images), [slow_twin(each) for each in images], rtol=0, atol=1e-9)


@pytest.mark.parametrize("grey", [0, 1, 128, 255])
def test_an_image_of_one_grey_has_no_strokes(grey):
    blank = np.full((3, 9, 7), grey, np.uint8)
    assert (table(blank) == 0).all()
    mixed = np.concatenate([small_digits(1), np.full((1, 8, 8), grey, np.uint8)])
    assert (table(mixed)[0] == table(mixed[:1])[0]).all()
    assert (table(mixed)[1] == 0).all()


def test_one_faint_pixel_gives_finite_numbers():
    images = np.zeros((255, 5, 5), np.uint8)
    images[:, 2, 2] = np.arange(1, 256)
    images[::2] = np.roll(images[::2], (2, -2), (1, 2))
    assert np.isfinite(table(images)).all()


def test_no_images_give_no_values():
    assert table(np.zeros((0, 8, 8), np.uint8)).shape == (0, 6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), down=st.integers(0, 6), right=st.integers(0, 6))
def test_moving_a_digit_changes_nothing_and_mirroring_it_turns_the_slant(seed, down, right):
    start = np.pad(strokes(2, seed, 7, 6), ((0, 0), (4, 10), (4, 10)))
    moved = np.roll(start, (down, right), (1, 2))
    np.testing.assert_allclose(table(moved), table(start), atol=1e-9)
    np.testing.assert_allclose(morphology(start[:, :, ::-1])["slant"], -morphology(start)["slant"], atol=1e-9)


def test_the_answer_is_the_same_alone_in_blocks_and_in_processes(monkeypatch, capsys):
    images = strokes(23, 5)
    whole = table(images)
    assert (np.concatenate([table(images[i : i + 1]) for i in range(23)]) == whole).all()
    monkeypatch.setattr(image, "BLOCK", 16 * images[0].size * 4)
    monkeypatch.setenv("FORCE_COLOR", "1")  # as if the output were a terminal
    for workers in (1, 2):
        assert (table(images, workers=workers, progress=True) == whole).all()
        assert re.search(r"measuring strokes.*23/23", capsys.readouterr().err, re.DOTALL)


def test_float_and_torch_images_are_measured_as_their_bytes():
    images = small_digits(5)
    whole = table(images)
    for same in (
        images / 255,
        torch.from_numpy(images),
        torch.from_numpy(images)[:, None],
        (torch.from_numpy(images)[:, None] / 255).requires_grad_(),
        images.astype(np.float32)[:, None] / 255,
    ):
        assert (table(same) == whole).all()
    assert to_uint8(torch.full((1, 1, 2, 2), 0.5, dtype=torch.bfloat16)).tolist() == [[[128, 128], [128, 128]]]


def test_a_script_without_a_main_guard_may_measure_in_processes(tmp_path):
    script = tmp_path / "plain_script.py"
    script.write_text(
        "import numpy as np\n"
        "from latune.attributes.image import morphology\n"
        "print('once', morphology(np.eye(8, dtype=np.uint8)[None].repeat(4, 0), workers=2)['slant'].shape)\n"
    )
    (tmp_path / "numpy.py").write_text("raise SystemExit('the current folder was imported')")
    done = subprocess.run([sys.executable, "-P", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "once (4,)\n"


def test_a_process_that_dies_is_reported(monkeypatch, tmp_path):
    package = tmp_path / "latune" / "attributes"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package.parent / "__init__.py").touch()
    (package / "worker.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RuntimeError, match=r"ended before its work was done \(exit code 3\); with workers=1"):
        morphology(small_digits(4), workers=2)


def test_the_cache_answers_the_second_time_and_mends_itself(tmp_path, monkeypatch):
    images = small_digits(6)
    first = table(images, cache=tmp_path)
    (kept,) = tmp_path.iterdir()

    def never(*_):
        raise AssertionError("measured again")

    with monkeypatch.context() as patch:
        patch.setattr(image, "_measure", never)
        assert (table(images, cache=tmp_path) == first).all()
        with pytest.raises(AssertionError, match="measured again"):
            table(images[:5], cache=tmp_path)
    kept.write_bytes(kept.read_bytes()[:-10])
    assert (table(images, cache=tmp_path) == first).all()
    assert np.load(kept).shape == (6, 6)


def test_a_full_disk_leaves_no_half_written_cache(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        morphology(small_digits(2), cache=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((8, 8), np.uint8), r"shape \[8, 8\].*pass image\[None\]"),
        (np.zeros((2, 8, 8, 4), np.uint8), r"shape \[2, 8, 8, 4\].*Allowed: uint8"),
        (np.zeros((2, 8, 8, 3), np.uint8), r"grey images; got colour"),
        (np.zeros((2, 0, 8), np.uint8), r"have no pixels"),
        (np.zeros((2, 8, 8), np.int64), r"type int64.*Allowed: uint8"),
        (np.full((2, 8, 8), 16.0), r"from 16 to 16.*clip"),
        (np.full((2, 8, 8), np.nan), r"must lie in \[0, 1\]"),
    ],
)
def test_images_that_cannot_be_measured(images, message):
    with pytest.raises(DataError, match=message):
        morphology(images)


def test_workers_must_be_at_least_one():
    with pytest.raises(ValueError, match="at least 1"):
        morphology(small_digits(1), workers=0)


@pytest.mark.parametrize("name", list(STROKES))
def test_every_registered_attribute_measures_within_its_range(name):
    attribute = ATTRIBUTES[name]
    values = evaluate(attribute, small_digits(20))
    assert attribute.name == name
    assert attribute.range is not None
    assert (values >= attribute.range[0]).all()
    assert (values <= attribute.range[1]).all()
    assert (values == MEASURES["morphology"](small_digits(20))[name]).all()


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Writes a module of the user's into an empty current folder; gives the name of one of its functions."""
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)

    def write(body: str, module: str, name: str = "ink") -> str:
        (tmp_path / f"{module}.py").write_text("import numpy as np\n\n\n" + body)
        return f"{module}:{name}"

    yield write
    for module in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[module], "__file__", "")):
            del sys.modules[module]


def test_own_function_measures(own):
    paths = list(sys.path)
    ink = function(own("def ink(images):\n    return images.mean((1, 2))\n", "own_ink"))
    assert sys.path == paths
    assert (ink.name, ink.kind, ink.source) == ("ink", "real", "own_ink:ink")
    images = np.full((3, 4, 5), 2, np.uint8)
    values = evaluate(ink, torch.from_numpy(images)[:, None])
    assert values.dtype == np.float64
    assert values.tolist() == [2, 2, 2]


def test_own_function_sees_colour_last_and_may_answer_in_torch_and_change_its_copy(own):
    red = function(
        own(
            "import torch\ndef red(x):\n    x += 1\n    return torch.from_numpy(x[..., 0]).float().mean((1, 2))\n",
            "own_red",
            "red",
        )
    )
    images = np.zeros((2, 3, 4, 5), np.uint8)
    images[:, 0] = 8
    assert evaluate(red, images).tolist() == [9, 9]
    assert images.max() == 8


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            "images.men()",
            r"'own_bad:ink' raised AttributeError: .*'men'.*\(own_bad.py, line 5: return images.men\(\)\)",
        ),
        ("images.reshape(7, -1)", r"raised ValueError: .*line 5.*shape \[4, 6, 6\].*one number per image"),
        ("images.mean()", r"shape \[\] for 4 images; allowed is \[4\]"),
        ("images.mean((1, 2))[:, None]", r"shape \[4, 1\] for 4 images; allowed is \[4\]"),
        ("np.array([1, np.nan, 2, np.inf])", r"2 values that are not finite, the first \(nan\) for image 1"),
        ("None", r"returned NoneType None instead of numbers"),
        ("['a', 'b', 'c', 'd']", r"returned list \['a'.* instead of numbers"),
        ("[[1], [2, 3], [4], [5]]", r"returned list .* instead of numbers"),
    ],
)
def test_own_function_that_is_wrong(own, answer, message):
    ink = function(own(f"def ink(images):\n    return {answer}\n", "own_bad"))
    with pytest.raises(AttributeFunctionError, match=message):
        evaluate(ink, np.zeros((4, 6, 6), np.uint8))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own_good", r"'own_good' does not name a function. Write 'module:function'"),
        ("own_good.py:ink:x", r"does not name a function"),
        ("own_god:ink", r"no Python module 'own_god'. Did you mean 'own_good'\? It is looked for in"),
        ("own_good.sub:ink", r"no Python module 'own_good.sub'"),
        ("own_good:inc", r"own_good.py\) has no function 'inc'. Did you mean 'ink'\?"),
        ("own_good:SIZE", r"'own_good:SIZE' is not a function: it is of type int"),
        ("own_raises:ink", r"Importing 'own_raises' raised ZeroDivisionError: .*\(own_raises.py, line 4: 1 / 0\)"),
        ("own_syntax:ink", r"Importing 'own_syntax' raised SyntaxError: .*own_syntax.py, line 4"),
        ("own_needs:ink", r"Importing 'own_needs' raised ModuleNotFoundError: .*'not_there'.*own_needs.py, line 4"),
    ],
)
def test_own_function_that_is_not_found(own, name, message):
    own("SIZE = 3\ndef ink(images):\n    return images.mean((1, 2))\n", "own_good")
    own("1 / 0\n", "own_raises")
    own("def (:\n", "own_syntax")
    own("import not_there\n", "own_needs")
    with pytest.raises(AttributeFunctionError, match=message):
        function(name)


def test_a_label_cannot_be_evaluated():
    with pytest.raises(AttributeFunctionError, match="'digit' is a label: it has no function"):
        evaluate(Attribute("digit", "categorical"), np.zeros((1, 4, 4), np.uint8))

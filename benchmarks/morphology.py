"""The six measures of handwriting: ours against the same procedure done image by image with scikit-image.

    python benchmarks/morphology.py [--images 5000] [--reference 200] [--json FILE]

It needs scikit-image. Ours and the reference take turns in one run, so that the ratio does not depend on what else the
machine does. Where LATUNE_DATA holds mnist and morpho-mnist, all 10,000 test images, as they are and "plain", are
compared with the published procedure's tables.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import statistics
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import convolve
from skimage.morphology import medial_axis
from skimage.transform import pyramid_expand

from latune.attributes import morphology

NAMES = ("area", "length", "thickness", "slant", "width", "height")
TARGET = 5
RIGHT_BELOW = np.array([[0, 0, 0], [0, 0, 1], [math.sqrt(2), 1, math.sqrt(2)]])


def reference(image: np.ndarray) -> list[float]:
    """One image with scikit-image as it is today, whose enlarging and tie-breaks differ from those of the tables."""
    grey = (pyramid_expand(image / 255, upscale=4, order=3) * 255).clip(0, 255).astype(np.uint8)
    shape = grey >= grey.min() + 0.5 * (float(grey.max()) - grey.min())
    skeleton, distance = medial_axis(shape, return_distance=True, rng=42)
    length = convolve(skeleton.astype(float), RIGHT_BELOW[::-1, ::-1], mode="constant")[skeleton].sum() / 4

    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]]
    share = grey / grey.sum(dtype=float)
    mx, my = (share * x).sum(), (share * y).sum()
    shear = (share * (x - mx) * (y - my)).sum() / (share * (y - my) ** 2).sum()
    columns, rows = np.arange(grey.shape[1]), np.arange(grey.shape[0])
    left = [share[x + 0.5 < t + shear * (y - my)].sum() for t in columns]
    above = np.cumsum(share.sum(1)) - share.sum(1)
    width = np.ptp(np.interp((0.01, 0.99), left, columns)) / 4
    height = np.ptp(np.interp((0.01, 0.99), above, rows)) / 4
    return [shape.sum() / 16, length, 2 * distance[skeleton].mean() / 4, math.atan(-shear), width, height]


def seconds(run) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def digits(path: Path) -> np.ndarray:
    """The images of an idx.gz file."""
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=16).reshape(-1, 28, 28)


def table(path: Path) -> np.ndarray:
    """The six columns of a table of measures."""
    return np.loadtxt(path, delimiter=",", skiprows=1)[:, 1:]  # numpy opens .gz itself


def speed(images: np.ndarray, share: int, rounds: int = 3) -> dict[str, float]:
    """Images a second of the three, by the median over rounds in which they take turns."""
    morphology(images[:8])  # imports, tables
    times = {"reference": [], "one process": [], "two processes": []}
    for turn in range(rounds):
        part = images[turn * share : (turn + 1) * share]
        times["reference"].append(seconds(lambda part=part: [reference(image) for image in part]) / share)
        times["one process"].append(seconds(lambda: morphology(images, workers=1)) / len(images))
        times["two processes"].append(seconds(lambda: morphology(images, workers=2)) / len(images))
    return {name: 1 / statistics.median(each) for name, each in times.items()}


def largest_errors(images: np.ndarray, path: Path) -> dict[str, float]:
    """The largest absolute difference to a published table, by column."""
    expected = table(path)
    measured = morphology(images)
    return {name: float(np.abs(measured[name] - expected[:, i]).max()) for i, name in enumerate(NAMES)}


def main() -> None:
    """Measure, print, and write the numbers if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000, help="images ours measures per round")
    parser.add_argument("--reference", type=int, default=200, help="images the reference measures per round")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args()
    home = Path(os.environ["LATUNE_DATA"]) if "LATUNE_DATA" in os.environ else None
    images = digits(home / "mnist/t10k-images-idx3-ubyte.gz") if home else enlarged_digits(options.images)

    rates = speed(images[: options.images], options.reference)
    ratios = {name: rates[name] / rates["reference"] for name in ("one process", "two processes")}
    print(f"{'':24s}images/s   times the reference (target {TARGET}, two processes)")
    for name, rate in rates.items():
        print(f"{name:24s}{rate:8.0f}   {rate / rates['reference']:.1f}")
    report = {"images_per_second": rates, "ratio": ratios, "target": TARGET}
    report |= compared(images, home) if home else {}
    if not home:
        print("set LATUNE_DATA to compare with the published tables")
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


def enlarged_digits(n: int) -> np.ndarray:
    """Scikit-learn's digits at the size of MNIST's, repeated."""
    from sklearn.datasets import load_digits

    small = np.round(load_digits().images * (255 / 16)).astype(np.uint8)
    large = np.pad(small.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    return np.concatenate([large] * (n // len(large) + 1))[:n]


def compared(images: np.ndarray, home: Path) -> dict:
    """The largest differences from the published tables, all 10,000 images of each set."""
    todays = table(home / "morpho-mnist/t10k-morpho-skimage0.26.csv.gz")[:100]
    apart = np.abs([reference(image) for image in images[:100]] - todays).max()
    print(f"the reference differs from the table made with scikit-image 0.26 by at most {apart:.1e} (100 images)")
    plain = digits(home / "morpho-mnist/plain-t10k-images-idx3-ubyte.gz")
    errors = {
        "t10k": largest_errors(images, home / "morpho-mnist/t10k-morpho.csv"),
        "plain-t10k": largest_errors(plain, home / "morpho-mnist/plain-t10k-morpho.csv"),
    }
    for name, columns in errors.items():
        told = ", ".join(f"{column} {error:.1e}" for column, error in columns.items())
        print(f"largest error, all 10,000 of {name}: {told}")
    return {"reference_error": float(apart), "largest_error": errors}


if __name__ == "__main__":
    main()

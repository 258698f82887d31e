"""How a chain mixes: how often it changes class, how long it remembers, and whether it leaves the data in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

from latune.errors import DataError
from latune.metrics.arrays import as_array
from latune.metrics.averaged import averaged
from latune.metrics.bootstrap import LEVEL, RESAMPLES, Resamples, interval
from latune.metrics.frechet import frechet_distance
from latune.metrics.score import Score

WINDOW = 5.0  # autocorrelation times that are summed over
SHARE = 0.5  # of the frames that the window may reach over, for the estimate to be trusted


def class_changes(classes: Any, *, seed: int = 0, resamples: int = RESAMPLES) -> Score:
    """Share of frames whose class is another than the frame's before; the mean over chains.

    0 is a chain that stays in one class, 1 one that changes each time; independent draws of k equally common classes
    change 1 - 1/k of the time. The paper of Bachman & Precup 2015 shows it in pictures
    (https://proceedings.mlr.press/v37/bachman15.html). A chain of noise changes often too: read it beside the
    confidence of `through_time`. `detail` has the share of all frames that each class takes (`by_class`).

    Args:
        classes: `[n, T]`, class indices of n chains at T frames.
        seed: of the resamples.
        resamples: bootstrap resamples of the chains for the interval; 0 for none.

    Raises:
        DataError: another shape, a single frame, or classes that are not whole numbers.

    >>> class_changes([[0, 1, 2, 0], [3, 3, 3, 3]], resamples=0).value
    0.5
    """
    of = _classes(classes)
    changed = (of[:, 1:] != of[:, :-1]).mean(axis=1)
    seen, counts = np.unique(of, return_counts=True)
    shares = {str(int(label)): float(count / of.size) for label, count in zip(seen, counts, strict=True)}
    settings = {"frames": of.shape[1]}
    return averaged("class-changes", {}, {"by_class": shares}, settings, whole=changed, seed=seed, resamples=resamples)


def classes_visited(classes: Any, *, seed: int = 0, resamples: int = RESAMPLES) -> Score:
    """How many classes a chain shows; the mean over chains.

    `detail` has the `fewest` and `most` of any chain, and how many all of them show together (`together`).

    Args:
        classes: `[n, T]`, class indices of n chains at T frames.
        seed: of the resamples.
        resamples: bootstrap resamples of the chains for the interval; 0 for none.

    Raises:
        DataError: see `class_changes`.

    >>> classes_visited([[0, 1, 2, 0], [3, 3, 3, 3]], resamples=0).value
    2.0
    """
    of = _classes(classes)
    visited = np.array([len(np.unique(row)) for row in of], dtype=np.float64)
    detail = {"fewest": int(visited.min()), "most": int(visited.max()), "together": len(np.unique(of))}
    settings = {"frames": of.shape[1]}
    return averaged("classes-visited", {}, detail, settings, whole=visited, seed=seed, resamples=resamples)


def autocorrelation(features: Any, lags: int | None = None) -> Float64[np.ndarray, " k"]:
    r"""Autocorrelation of features by lag, over all chains and features together.

    .. math:: \rho_k = \frac{\sum_i \frac1{T-k} \sum_t (f_{i,t} - \bar f)^\top (f_{i,t+k} - \bar f)}
                            {\sum_i \frac1{T} \sum_t \lVert f_{i,t} - \bar f \rVert^2}

    The mean is that of all chains: chains that are stuck, each at its own place, are correlated with themselves for
    ever. Of an autoregressive process with coefficient a it is a to the power k.

    Args:
        features: `[n, T, ...]` of n chains at T frames.
        lags: the largest; all, T - 1, unless given.

    Returns:
        `[lags + 1]`; the first is 1.

    Raises:
        DataError: another shape, a single frame, features that never vary, lags of T or more.

    >>> autocorrelation([[1.0, -1.0, 1.0, -1.0]], 3).round(6).tolist()
    [1.0, -1.0, 1.0, -1.0]
    """
    lagged = _lagged(features)
    most = lagged.shape[1] - 1
    if lags is not None and not 0 <= lags <= most:
        raise DataError(f"Lags of {most + 1} frames go from 0 to {most}. Got {lags}.")
    return (lagged.mean(axis=0) / lagged[:, 0].mean())[: None if lags is None else lags + 1]


def autocorrelation_time(features: Any, *, seed: int = 0, resamples: int = RESAMPLES) -> Score:
    r"""After how many frames a chain has forgotten where it was: the integrated autocorrelation time.

    .. math:: \tau = 1 + 2 \sum_{k=1}^{M} \rho_k, \qquad M = \min \{ m : m \ge 5 \max(\tau_m, 1) \}

    with the window of Sokal 1997 (https://doi.org/10.1007/978-1-4899-0319-8_6). n T frames are worth
    n T / tau independent ones. Of an autoregressive process with coefficient a it is (1 + a) / (1 - a); independent
    draws have 1. `detail` has the correlations up to the window (`autocorrelation`), `window`, the worth of all frames
    (`effective`), and `settled`: whether there was such a window within half of the frames. Where it is False, chains
    were too short to tell, and tau is larger than the number says.

    Args:
        features: `[n, T, ...]` of n chains at T frames, such as a classifier's last hidden layer.
        seed: of the resamples.
        resamples: bootstrap resamples of the chains for the interval; 0 for none.

    Raises:
        DataError: see `autocorrelation`.

    >>> draws = np.random.default_rng(0).normal(size=(10, 500, 3))
    >>> round(autocorrelation_time(draws, resamples=0).value, 1)
    1.0
    """
    lagged = _lagged(features)
    n, frames = lagged.shape
    rho = lagged.mean(axis=0) / lagged[:, 0].mean()
    tau, window, found = _integrated(rho)
    detail = {
        "autocorrelation": rho[: window + 1].tolist(),
        "window": window,
        "effective": n * frames / tau,
        "settled": bool(found and window <= SHARE * frames),
    }
    settings: dict[str, Any] = {"frames": frames, "chains": n, "window": f"{WINDOW:g} times tau (Sokal)"}
    if not resamples or n < 2:
        return Score("autocorrelation-time", tau, {}, detail, settings)
    again = Resamples(n, resamples, seed).means(lagged)  # (B, T)
    moving = again[:, 0] > 0  # a resample of chains that stand still has no correlations
    taus = [_integrated(each / each[0])[0] for each in again[moving]]
    settings |= {"resamples": resamples, "level": LEVEL, "seed": seed}
    return Score("autocorrelation-time", tau, {}, detail, settings, interval(taus, around=tau))


def through_time(
    confidence: Any,
    features: Any,
    reference: Any,
    windows: int = 5,
    *,
    names: Mapping[str, str] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Score]:
    """Whether a chain leaves the data in time: a judge's confidence, and the Fréchet distance, in windows of frames.

    The value of both is that of the last window, `per_attribute` that of each: a chain that stays with the data keeps
    them level. See `frechet_distance` for its bias: windows are of one size, and compare with each other only.

    Args:
        confidence: `[n, T]`, the probability of the likeliest class, for n chains at T frames.
        features: `[n, T, d]` of the same frames.
        reference: features of data `[m, d]`.
        windows: how many; a remainder of frames counts to the first.
        names: of the windows; the frames they are of, from 1, unless given.
        seed: of the resamples.
        resamples: bootstrap resamples of the chains, for the confidence; 0 for none.

    Returns:
        Scores `confidence` and `frechet-distance`.

    Raises:
        DataError: shapes that do not fit, probabilities outside [0, 1], more windows than frames.

    >>> f = np.random.default_rng(0).normal(size=(50, 4, 2))
    >>> scores = through_time(np.full((50, 4), 0.75), f, f.reshape(-1, 2), windows=2, resamples=0)
    >>> scores["confidence"].per_attribute
    {'1-2': 0.75, '3-4': 0.75}
    """
    sure, rows = as_array(confidence, "confidences"), as_array(features, "features")
    if sure.ndim != 2 or rows.ndim != 3 or rows.shape[:2] != sure.shape:
        raise DataError(
            f"Confidences are [n, T] and features [n, T, d], of the same frames. Got {list(sure.shape)} and "
            f"{list(rows.shape)}."
        )
    if sure.min() < 0 or sure.max() > 1:
        raise DataError(f"Confidences are probabilities, from 0 to 1. Got {sure.min():g} to {sure.max():g}.")
    frames = sure.shape[1]
    if not 1 <= windows <= frames:
        raise DataError(f"{frames} frames are cut into 1 to {frames} windows. Got {windows}.")
    wide = frames // windows
    ends = [frames - wide * (windows - 1 - i) for i in range(windows)]
    starts = [0, *ends[:-1]]
    keys = [f"{start + 1}-{end}" for start, end in zip(starts, ends, strict=True)]
    keys = [(names or {}).get(key, key) for key in keys]
    spans = dict(zip(keys, (slice(*pair) for pair in zip(starts, ends, strict=True)), strict=True))
    means = {key: sure[:, span].mean(axis=1, dtype=np.float64) for key, span in spans.items()}
    settings = {"frames": frames, "windows": windows, "value": "the last window"}
    level = averaged("confidence", means, {}, settings, of=[keys[-1]], seed=seed, resamples=resamples)
    apart = {key: frechet_distance(reference, rows[:, span].reshape(-1, rows.shape[2])) for key, span in spans.items()}
    far = {key: score.value for key, score in apart.items()}
    last = apart[keys[-1]]
    return {
        "confidence": level,
        "frechet-distance": Score("frechet-distance", last.value, far, last.detail, last.settings | settings),
    }


def nearest_distance(frames: Any, training: Any, *, seed: int = 0, resamples: int = RESAMPLES) -> Score:
    """Euclidean distance to the nearest training example; the mean over frames.

    Near 0, a chain repeats what it was trained on; far beyond what held-out data have, it left the data. Exact, in
    blocks: the matrix of all distances is never made. `detail` has the `median`, the `least`, and how many training
    examples are the nearest of some frame (`different`).

    Args:
        frames: `[n, ...]`, everything after the first axis flattened.
        training: `[m, ...]`.
        seed: of the resamples.
        resamples: bootstrap resamples of the frames for the interval; 0 for none. Frames of one chain are not
            independent: give frames that lie far apart.

    Raises:
        DataError: rows of different lengths, or values that are not finite.

    >>> nearest_distance([[0.0, 0.0], [3.0, 4.0]], [[3.0, 3.0], [0.0, 9.0]], resamples=0).value
    2.621320...
    """
    import torch

    from latune.metrics.distances import Distances, as_rows

    points = as_rows(frames, "frames")
    centres = as_rows(training, "training examples", points.device)
    if points.shape[1] != centres.shape[1]:
        raise DataError(f"Frames have {points.shape[1]} numbers each, training examples {centres.shape[1]}.")
    nearest = torch.zeros(len(points), dtype=torch.long, device=points.device)
    for rows, blocks in Distances(points, centres):
        least = torch.full((rows.stop - rows.start,), torch.inf, device=points.device)
        for columns, block in blocks:
            smallest, index = block.min(1)
            nearer = smallest < least
            least = torch.where(nearer, smallest, least)
            nearest[rows] = torch.where(nearer, index + columns.start, nearest[rows])
    # The blocks told which; how far is computed again from the rows themselves, in float64.
    chunks = zip(points.split(4096), nearest.split(4096), strict=True)
    far = torch.cat([(some.double() - centres[which].double()).norm(dim=1) for some, which in chunks]).cpu().numpy()
    detail = {
        "median": float(np.median(far)),
        "least": float(far.min()),
        "different": len(nearest.unique()),
        "training": len(centres),
    }
    settings = {"distance": "Euclidean", "training": len(centres)}
    return averaged("nearest-training", {}, detail, settings, whole=far, seed=seed, resamples=resamples)


def _classes(classes: Any) -> np.ndarray:
    of = as_array(classes, "classes")
    if of.ndim != 2 or of.shape[1] < 2:
        raise DataError(f"Classes are [n, T]: n chains at two frames or more. Got shape {list(of.shape)}.")
    if not (of == np.round(of)).all():
        raise DataError(f"Classes are indices 0, 1, 2, ... Got {of[of != np.round(of)][0]:g}.")
    return of


def _lagged(features: Any) -> Float64[np.ndarray, "n T"]:
    """For each chain and lag, the mean product of features that lie so far apart."""
    rows = as_array(features, "features")
    if rows.ndim < 2 or rows.shape[1] < 2:
        raise DataError(f"Features are [n, T, ...]: n chains at two frames or more. Got shape {list(rows.shape)}.")
    n, frames = rows.shape[:2]
    rows = rows.reshape(n, frames, -1)
    mean = rows.mean(axis=(0, 1), dtype=np.float64)
    size = 1 << (2 * frames - 1).bit_length()  # no shorter than twice the frames, so that ends do not meet
    pairs = np.arange(frames, 0, -1)
    lagged = np.empty((n, frames))
    for i, chain in enumerate(rows):  # one at a time: all spectra together would be several times the features
        spectrum = np.fft.rfft(chain - mean, size, axis=0)  # (f, d)
        power = np.square(np.abs(spectrum)).sum(axis=1)
        lagged[i] = np.fft.irfft(power, size)[:frames] / pairs
    rounding = 1e-20 * np.square(np.abs(rows).max(initial=0.0))
    if not lagged[:, 0].mean() > rounding:
        raise DataError("The features are the same in all frames of all chains: nothing moves, so nothing correlates.")
    return lagged


def _integrated(rho: Float64[np.ndarray, " T"]) -> tuple[float, int, bool]:
    """tau, the last lag that was summed, and whether Sokal's window was found."""
    tau = 2 * np.cumsum(rho) - 1
    wide = np.arange(len(rho)) >= WINDOW * np.maximum(tau, 1)  # of anticorrelated chains too, some lags are summed
    found = bool(wide.any())
    window = int(wide.argmax()) if found else len(rho) - 1
    # Anticorrelated chains can sum to less than one frame's worth; never to nothing.
    return max(float(tau[window]), 1 / len(rho)), window, found

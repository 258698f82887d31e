"""Measures of mixing and of completions against processes whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import lfilter

from latune.errors import DataError
from latune.metrics import (
    autocorrelation,
    autocorrelation_time,
    class_changes,
    classes_visited,
    completed_class,
    completion_spread,
    frechet_distance,
    nearest_distance,
    through_time,
)


def autoregressive(a: float, chains: int = 60, frames: int = 3000, width: int = 4, seed: int = 0) -> np.ndarray:
    """Stationary processes f_t = a f_{t-1} + e_t, `[n, T, d]`, whose correlation at lag k is a to the power k."""
    noise = np.random.default_rng(seed).normal(size=(chains, frames + 200, width))
    return lfilter([1.0], [1.0, -a], noise, axis=1)[:, 200:]


# --- classes ----------------------------------------------------------------------------------------------------------


def test_chains_of_known_classes():
    cyclic = np.arange(30) % 3
    classes = np.stack([cyclic, np.full(30, 7)])
    changes, visited = class_changes(classes, resamples=0), classes_visited(classes, resamples=0)
    assert changes.value == 0.5
    assert changes.detail["by_class"] == {"0": 1 / 6, "1": 1 / 6, "2": 1 / 6, "7": 1 / 2}
    assert visited.value == 2
    assert visited.detail == {"fewest": 1, "most": 3, "together": 4}


def test_independent_classes_change_as_often_as_they_differ():
    draws = np.random.default_rng(0).integers(0, 10, (200, 500))
    score = class_changes(torch.from_numpy(draws))
    assert score.value == pytest.approx(0.9, abs=0.005)
    assert score.interval is not None
    assert score.interval[0] < 0.9 < score.interval[1]
    assert classes_visited(draws, resamples=0).value == 10


# --- memory -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("a", [0.0, 0.5, 0.9, -0.5])
def test_autoregressive_chains_remember_as_they_must(a):
    f = autoregressive(a)
    rho = autocorrelation(f, 20)
    assert rho == pytest.approx(np.power(a, np.arange(21)), abs=0.02)
    score = autocorrelation_time(f, resamples=50)
    assert score.value == pytest.approx((1 + a) / (1 - a), rel=0.08)
    assert score.interval is not None
    assert score.interval[0] <= score.value <= score.interval[1]
    assert score.detail["settled"]
    assert score.detail["effective"] == pytest.approx(60 * 3000 / score.value)
    assert len(score.detail["autocorrelation"]) == score.detail["window"] + 1


def test_correlations_are_those_of_the_definition():
    f = np.random.default_rng(3).normal(size=(3, 11, 2)).cumsum(1)
    away = f - f.mean((0, 1))
    direct = [np.mean([(c[: 11 - k] * c[k:]).sum() / (11 - k) for c in away]) for k in range(11)]
    assert autocorrelation(f) == pytest.approx(np.array(direct) / direct[0], rel=1e-9)
    assert autocorrelation(10 - 7 * f) == pytest.approx(autocorrelation(f), rel=1e-9)


def test_chains_that_are_stuck_are_not_taken_for_mixed():
    stuck = np.random.default_rng(0).normal(size=(40, 1, 3)) + 0.01 * np.random.default_rng(1).normal(size=(40, 400, 3))
    score = autocorrelation_time(stuck, resamples=0)
    assert score.value > 300  # each chain by itself would look independent
    assert not score.detail["settled"]


def test_a_slow_chain_is_said_to_be_too_short():
    assert not autocorrelation_time(autoregressive(0.99, 10, 300), resamples=0).detail["settled"]


# --- staying with the data --------------------------------------------------------------------------------------------


def test_a_chain_that_drifts_away_is_seen_in_windows():
    draw = np.random.default_rng(0)
    reference = draw.normal(size=(4000, 3))
    drift = draw.normal(size=(300, 40, 3)) + np.array([2.0, 0, 0]) * (np.arange(40) >= 20)[:, None]
    confidence = np.where(np.arange(40) < 20, 0.75, 0.25) * np.ones((300, 1))
    scores = through_time(confidence, drift, reference, windows=2, resamples=20)
    assert scores["confidence"].per_attribute == {"1-20": 0.75, "21-40": 0.25}
    assert scores["confidence"].value == 0.25
    assert scores["confidence"].interval == (0.25, 0.25)
    far = scores["frechet-distance"].per_attribute
    assert far["1-20"] == pytest.approx(0, abs=0.01)
    assert far["21-40"] == pytest.approx(4, abs=0.1)
    assert far["21-40"] == frechet_distance(reference, drift[:, 20:].reshape(-1, 3)).value
    names = {"1-20": "early"}
    assert list(
        through_time(confidence, drift, reference, 2, names=names, resamples=0)["confidence"].per_attribute
    ) == [
        "early",
        "21-40",
    ]
    assert list(through_time(confidence, drift, reference, 3, resamples=0)["confidence"].per_attribute) == [
        "1-14",
        "15-27",
        "28-40",
    ]


def test_the_nearest_is_found_through_blocks(monkeypatch):
    draw = np.random.default_rng(0)
    points, centres = draw.normal(size=(70, 1, 3, 3)), draw.normal(size=(110, 1, 3, 3))
    all_of = np.sqrt(((points[:, None] - centres[None]) ** 2).sum((2, 3, 4)))
    monkeypatch.setattr("latune.metrics.distances.BLOCK", {"cpu": (16, 32)})
    score = nearest_distance(points, torch.from_numpy(centres), resamples=0)
    assert score.value == pytest.approx(all_of.min(1).mean(), rel=1e-12)
    assert score.detail["least"] == pytest.approx(all_of.min(), rel=1e-12)
    assert score.detail["median"] == pytest.approx(np.median(all_of.min(1)), rel=1e-12)
    assert score.detail["different"] == len(set(all_of.argmin(1)))
    assert nearest_distance(centres[:5], centres, resamples=0).value == 0


# --- completions ------------------------------------------------------------------------------------------------------


def test_completions_count_where_the_visible_part_tells():
    truth, visible = np.array([0, 1, 2, 3]), np.array([0, 1, 5, 5])
    completed = np.array([[0, 0, 0, 0], [1, 1, 4, 4], [2, 2, 2, 9], [9, 9, 9, 9]])
    score = completed_class(truth, visible, completed, resamples=20)
    assert score.value == score.per_attribute["visible tells"] == 0.75
    assert score.per_attribute["all"] == pytest.approx((1 + 0.5 + 0.75 + 0) / 4)
    assert score.detail == {"visible": 0.5, "several": 0.5, "others": 0.375}
    assert completed_class(truth, truth, truth[:, None], resamples=0).detail["others"] is None


def test_the_spread_of_completions():
    draw = np.random.default_rng(0)
    truth, free = draw.normal(size=(400, 1, 4, 4)), np.zeros((4, 4))
    free[1:3] = 1
    same = np.repeat(truth[:, None], 3, axis=1)
    other = draw.normal(size=(400, 3, 1, 4, 4))
    assert completion_spread(truth, same, free, resamples=0).value == pytest.approx(0, abs=1e-12)
    assert completion_spread(truth, same, free, resamples=0).detail["error"] == 0
    # As different as independent draws of the data: 1, and the error is their distance, root 2.
    score = completion_spread(truth, other, free)
    assert score.value == pytest.approx(1, abs=0.03)
    assert score.detail["error"] == pytest.approx(np.sqrt(2), abs=0.03)
    assert score.interval is not None
    assert score.interval[0] < score.value < score.interval[1]
    # What differs where nothing was hidden does not count.
    outside = same + 9 * (1 - free) * other
    assert completion_spread(truth, outside, free, resamples=0).value == pytest.approx(0, abs=1e-12)
    assert completion_spread(truth, 0.5 * other, free, resamples=0).value == pytest.approx(score.value / 2)


# --- wrong input ------------------------------------------------------------------------------------------------------

F = np.random.default_rng(0).normal(size=(4, 6, 2))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: class_changes([0, 1, 2]), r"n chains at two frames or more. Got shape \[3\]"),
        (lambda: classes_visited([[0], [1]]), r"Got shape \[2, 1\]"),
        (lambda: class_changes([[0.5, 1.0]]), "indices 0, 1, 2, ... Got 0.5"),
        (lambda: autocorrelation(np.ones((3, 5, 2))), "nothing moves"),
        (lambda: autocorrelation(F, 6), "go from 0 to 5. Got 6"),
        (lambda: autocorrelation_time(F[:, :1]), r"Got shape \[4, 1, 2\]"),
        (lambda: autocorrelation_time(np.where(F > 1, np.nan, F)), "NaN"),
        (lambda: through_time(F[..., 0], F[:3], F[0]), r"Got \[4, 6\] and \[3, 6, 2\]"),
        (lambda: through_time(2 + F[..., 0] ** 2, F, F[0]), "from 0 to 1. Got"),
        (lambda: through_time(0 * F[..., 0], F, F[0], windows=7), "cut into 1 to 6 windows. Got 7"),
        (lambda: nearest_distance(F[0], F[0, :, :1]), "Frames have 2 numbers each, training examples 1"),
        (lambda: completed_class([0, 1], [0, 1], [0, 1]), r"Got 2, 2 and \[2\]"),
        (lambda: completed_class([0, 1], [1, 0], [[0], [1]]), "no image's class from its visible part"),
        (lambda: completion_spread(F[0], F[:1], 1), r"n and k two or more. Got \[6, 2\] and \[1, 6, 2\]"),
        (lambda: completion_spread(F[0], np.stack([F[0]] * 2, 1), [[1, 1, 1]]), r"Free parts fit images \[6, 2\]"),
        (lambda: completion_spread(F[0], np.stack([F[0]] * 2, 1), [[0, 0]]), "all the same where they were hidden"),
    ],
)
def test_what_cannot_be_measured_is_told(act, message):
    with pytest.raises(DataError, match=message):
        act()

"""Recovery of classes: assignments that are known."""

from __future__ import annotations

import numpy as np
import pytest

from latune.errors import DataError
from latune.metrics import recovery
from latune.metrics.recovery import confusion


def test_classes_under_other_names_are_all_right():
    classes = np.arange(1000) % 10
    shuffled = np.random.default_rng(0).permutation(10)[classes]
    scores = recovery(shuffled, classes, resamples=0)
    assert scores["recovery"].value == scores["recovery-majority"].value == 1.0
    assert [int(name) for name in scores["recovery"].detail["names"]] == np.argsort(shuffled[:10]).tolist()


def test_classes_that_say_nothing_are_right_one_time_in_ten():
    found, classes = (grid.ravel() for grid in np.meshgrid(np.arange(10), np.arange(10)))
    assert recovery(found, classes, resamples=0)["recovery"].value == pytest.approx(0.1)


def test_two_classes_of_one_kind_share_a_name_only_by_majority():
    found, classes = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 0, 0, 1, 1])
    scores = recovery(found, classes, resamples=0)
    assert scores["recovery"].value == pytest.approx(4 / 6)
    assert scores["recovery-majority"].value == 1.0


def test_names_come_from_other_examples():
    fit = (np.array([0, 1] * 5), np.array([0, 1] * 5))
    found = np.array([1, 0, 1, 0])
    assert recovery(found, 1 - found, fit, resamples=0)["recovery"].value == 0.0
    assert recovery(found, 1 - found, resamples=0)["recovery"].value == 1.0
    assert recovery(found, 1 - found, fit, resamples=0)["recovery"].settings["named on"] == "other examples"


def test_the_best_assignment_is_found_among_all():
    draw = np.random.default_rng(1)
    found, classes = draw.integers(0, 4, 200), draw.integers(0, 4, 200)
    from itertools import permutations

    best = max(np.mean(np.array(naming)[found] == classes) for naming in permutations(range(4)))
    assert recovery(found, classes, resamples=0)["recovery"].value == pytest.approx(best)


def test_intervals_hold_the_value_and_names_are_told():
    draw = np.random.default_rng(2)
    classes = draw.integers(0, 3, 500)
    found = np.where(draw.random(500) < 0.8, (classes + 1) % 3, draw.integers(0, 3, 500))
    score = recovery(found, classes, names=("a", "b", "c"))["recovery"]
    assert score.detail["names"] == ["c", "a", "b"]
    assert score.interval is not None
    assert score.interval[0] < score.value < score.interval[1]
    assert score.interval[1] - score.interval[0] == pytest.approx(4 * np.sqrt(0.87 * 0.13 / 500), rel=0.25)
    assert np.array(score.detail["confusion"]).sum() == 500


def test_an_empty_class_has_no_name():
    assert recovery([0, 2], [0, 1], resamples=0)["recovery-majority"].detail["names"] == ["0", "-1", "1"]
    assert confusion(np.array([0, 2]), np.array([0, 1]), (3, 2)).tolist() == [[1, 0], [0, 0], [0, 1]]


@pytest.mark.parametrize(
    ("found", "classes", "said"),
    [
        ([0, 1], [0], "come in pairs. Got 2 and 1"),
        ([], [], "found classes are empty"),
        ([[0]], [0], "one number an example"),
        ([0.5, 1], [0, 1], "whole numbers from 0. Got 0.5 to 1"),
        ([0, -1], [0, 1], "whole numbers from 0. Got -1 to 0"),
        ([0, np.nan], [0, 1], "nan"),
    ],
)
def test_what_is_no_class_is_refused(found, classes, said):
    with pytest.raises(DataError, match=said.replace(".", r"\.")):
        recovery(found, classes)

"""Nearest neighbours looked for by torch give the numbers of the trees; here on the CPU, which any machine has."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

from latune.errors import DataError
from latune.metrics import device_neighbours, disentanglement, gather, mutual_information_matrix
from latune.metrics.device_neighbours import ksg_rows_on, ross_rows_on
from latune.metrics.information import gpu_of
from latune.metrics.neighbours import Axis, ksg_rows, ross_rows

EXACT = {"rtol": 0, "atol": 1e-9}


def codes(n: int = 500) -> np.ndarray:
    draw = np.random.default_rng(0)
    tied = draw.integers(0, 6, n).astype(float)
    return np.stack([draw.standard_normal(n), draw.standard_cauchy(n), tied, np.linspace(0, 1, n) % 0.3], axis=1)


@pytest.mark.parametrize("k", [1, 3, 7])
def test_rows_of_continuous_columns(k):
    z = codes()
    for y in (z[:, 0] ** 3, z[:, 2], np.random.default_rng(1).standard_normal(len(z))):
        trees = np.stack([ksg_rows(Axis(x), Axis(y), k) for x in np.ascontiguousarray(z.T)], axis=1)
        np.testing.assert_allclose(ksg_rows_on("cpu", z, y, k), trees, **EXACT)


def test_rows_of_classes_small_ones_too():
    z = codes()
    label = np.arange(len(z)) % 9 * 1.5
    label[:7] = [100, 101, 101, 102, 102, 102, 103]  # classes of one, two and three members
    trees = np.stack([ross_rows(Axis(x), label) for x in np.ascontiguousarray(z.T)], axis=1)
    found = ross_rows_on("cpu", z, label)
    assert np.isnan(found[[0, 6]]).all()
    assert np.isfinite(np.delete(found, [0, 6], axis=0)).all()
    np.testing.assert_allclose(found, trees, **EXACT)
    assert np.isnan(ross_rows_on("cpu", z, np.arange(len(z)))).all()


def test_chunks_change_nothing(monkeypatch):
    z = codes()
    label = np.arange(len(z)) % 3
    whole = ksg_rows_on("cpu", z, z[:, 0]), ross_rows_on("cpu", z, label)
    monkeypatch.setattr(device_neighbours, "AT_ONCE", 7 * z.size)
    np.testing.assert_array_equal(ksg_rows_on("cpu", z, z[:, 0]), whole[0])
    np.testing.assert_array_equal(ross_rows_on("cpu", z, label), whole[1])


def test_matrix_equals_scikit_learn():
    z = codes()
    values = np.stack([z[:, 0] ** 3, np.digitize(z[:, 3], [0.1, 0.2])], axis=1)
    found = mutual_information_matrix(z, values, [False, True], seed=3, device="cpu")
    np.testing.assert_allclose(found[:, 0], mutual_info_regression(z, values[:, 0], random_state=3), **EXACT)
    np.testing.assert_allclose(found[:, 1], mutual_info_classif(z, values[:, 1], random_state=3), **EXACT)


def test_every_metric_of_evidence_on_a_device():
    z = codes(300)
    values = np.stack([np.tanh(z[:, 0]), z[:, 2]], axis=1)
    values[:40, 0] = np.nan
    arguments = (z, values, ["a", "b"], [False, True])
    ours = disentanglement(*arguments)
    assert (gather(*arguments, device="cpu").device, gather(*arguments).device) == ("cpu", None)
    theirs = disentanglement(gather(*arguments, device="cpu"), None)
    assert list(ours) == list(theirs)
    for name, score in ours.items():
        assert theirs[name].value == pytest.approx(score.value, abs=1e-9), name
        if score.interval is not None:
            assert theirs[name].interval == pytest.approx(score.interval, abs=1e-9), name


def test_the_device_of_the_codes_is_taken():
    class OnGpu:
        device = torch.device("cuda:1")

    assert gpu_of(OnGpu()) == "cuda:1"
    assert gpu_of(torch.zeros(2)) is None
    assert gpu_of([[1.0]]) is None


@pytest.mark.parametrize("device", ["gpu", "meta:x"])
def test_a_device_that_is_none(device):
    z = codes(20)
    with pytest.raises(DataError, match=f"The device '{device}' cannot be used: .* or leave it out"):
        mutual_information_matrix(z, z, device=device)

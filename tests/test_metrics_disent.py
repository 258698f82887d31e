"""MIG, SAP and DCI equal those of another library, disent 0.8.0, on the same codes.

It is not installed: its own functions are read from an unpacked wheel, with stand-ins for the parts of it that need its
heavy dependencies. `LATUNE_DISENT` names the folder that holds the folder `disent`:

    pip download disent==0.8.0 --no-deps && unzip disent-0.8.0-py3-none-any.whl -d unpacked
    LATUNE_DISENT=unpacked pytest tests/test_metrics_disent.py
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from latune.metrics import dci, gather, mig, sap
from latune.metrics.gap import lead, top_two
from latune.metrics.probes import tasks
from latune.metrics.sap_svm import right
from latune.metrics.trees import told

N = 10_000


@pytest.fixture
def disent(monkeypatch) -> dict[str, ModuleType]:
    """Its metric files, by name."""
    if "LATUNE_DISENT" not in os.environ:
        pytest.skip("set LATUNE_DISENT to the folder of an unpacked wheel of disent 0.8.0")
    folder = Path(os.environ["LATUNE_DISENT"]) / "disent" / "metrics"
    stands = {
        "disent": {},
        "disent.dataset": {"DisentDataset": object},
        "disent.util": {"to_numpy": np.asarray},
        "disent.util.function": {"wrapped_partial": functools.partial},
        "disent.metrics": {},
        "tqdm": {"tqdm": lambda it, **_: it},
    }
    for name, contents in stands.items():
        module = ModuleType(name)
        module.__dict__.update(contents, __path__=[])
        monkeypatch.setitem(sys.modules, name, module)
    found = {}
    for name in ("utils", "_mig", "_sap", "_dci"):
        spec = importlib.util.spec_from_file_location(f"disent.metrics.{name}", folder / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        setattr(sys.modules["disent.metrics"], name, module)
        found[name] = module
    return found


def example(n: int = N, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ten dims and attributes of 3, 6, 10 and 32 classes, which some of them tell, more or less."""
    draw = np.random.default_rng(seed)
    z = draw.standard_normal((n, 10))
    factors = np.stack([draw.integers(0, k, n) for k in (3, 6, 10, 32)], axis=1)
    z[:, :4] += factors * [1.5, 0.4, 1.0, 0.2]
    z[:, 4] += 0.5 * factors[:, 0]
    return z, factors


def names(values: np.ndarray) -> list[str]:
    return [f"a{i}" for i in range(values.shape[1])]


def test_mig_of_classes(disent):
    z, factors = example()
    theirs = disent["_mig"]._compute_mig(z.T, factors.T)["mig.discrete_score"]
    ours = mig(z, factors, names(factors), [True] * 4)
    assert ours.value == pytest.approx(theirs, abs=1e-9)


def test_mig_of_continuous_attributes_cut_by_its_own_function(disent):
    z, _ = example()
    values = np.stack([np.tanh(z[:, 0]), z[:, 1] + z[:, 2], np.exp(z[:, 3])], axis=1)
    cut = disent["utils"].histogram_discretize(values.T)
    theirs = disent["_mig"]._compute_mig(z.T, cut)["mig.discrete_score"]
    assert mig(z, values, names(values)).value == pytest.approx(theirs, abs=1e-9)


def test_sap_by_correlation(disent):
    z, factors = example()
    z[:, 9] = 1e-9 * z[:, 0]
    for values in (factors.astype(float), np.stack([np.tanh(z[:, 0]), z[:, 1] + z[:, 2]], axis=1)):
        theirs = disent["_sap"]._compute_sap(z.T, values.T, z.T, values.T, True)["sap.score"]
        assert sap(z, values, names(values)).value == pytest.approx(theirs, abs=1e-9)


def test_sap_by_machines(disent, monkeypatch):
    """Its machines stop at a tolerance of 1e-4, ours when they are solved: theirs are run as long here."""
    z, factors = example()
    machine = functools.partial(LinearSVC, tol=1e-10, max_iter=100_000)
    monkeypatch.setattr(disent["_sap"].svm, "LinearSVC", machine)
    half = N // 2
    theirs = disent["_sap"]._compute_score_matrix(z[:half].T, factors[:half].T, z[half:].T, factors[half:].T, False)
    ours = [right(z[:half], column[:half], z[half:], column[half:]).mean(axis=0) for column in factors.T]
    np.testing.assert_allclose(np.stack(ours, axis=1), theirs, rtol=0, atol=1e-6)
    gap = lead(top_two(np.stack(ours, axis=1))).mean()
    assert gap == pytest.approx(disent["_sap"]._compute_avg_diff_top_two(theirs), abs=1e-6)


def test_sap_by_machines_as_they_are(disent):
    """Stopped early, a few examples beside the boundary fall on its other side: within one in two hundred."""
    z, factors = example()
    half = N // 2
    theirs = disent["_sap"]._compute_score_matrix(z[:half].T, factors[:half].T, z[half:].T, factors[half:].T, False)
    ours = [right(z[:half], column[:half], z[half:], column[half:]).mean(axis=0) for column in factors.T]
    np.testing.assert_allclose(np.stack(ours, axis=1), theirs, rtol=0, atol=0.005)


def test_dci_by_gradient_boosting(disent):
    z, factors = example(600)
    z, factors = z[:, :5], factors[:, :2]
    evidence = gather(z, factors, names(factors), [True, True])
    scores = dci(evidence, probe="gradient-boosting")
    importance, test = [], []
    for task in tasks(evidence, bins=None):  # its halves are the same for all attributes, ours are each one's own
        np.random.seed(0)  # noqa: NPY002
        x, y = z.T, factors[:, [task.column]].T
        matrix, _, accuracy = disent["_dci"]._compute_importance_gbt(
            x[:, task.shown], y[:, task.shown], x[:, task.held], y[:, task.held]
        )
        importance.append(matrix[:, 0])
        test.append(accuracy)
    matrix = np.stack(importance, axis=1)
    found = [one.importance for one in told(evidence, "gradient-boosting")]
    np.testing.assert_allclose(np.stack(found, axis=1), matrix, rtol=0, atol=1e-9)
    score = {name.split("-")[1]: score.value for name, score in scores.items()}
    assert score["disentanglement"] == pytest.approx(disent["_dci"]._disentanglement(matrix), abs=1e-6)
    assert score["completeness"] == pytest.approx(disent["_dci"]._completeness(matrix), abs=1e-6)
    assert score["informativeness"] == pytest.approx(np.mean(test), abs=1e-9)

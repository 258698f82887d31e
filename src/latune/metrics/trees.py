"""Trees that tell an attribute from all codes, and how much of it each dim tells them."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int, Shaped

from latune.metrics.correlation import ranks
from latune.metrics.evidence import Evidence
from latune.metrics.information import usable_cores
from latune.metrics.probes import Task, tasks

TREES = 20
LARGEST_LEAF, SMALLEST_LEAF = 20, 5  # fewest examples of a leaf: from 1,000 examples shown, and below 250
LARGEST = 1e30  # of a code: trees take float32
LEAVES = 50  # of a tree, about: of fewer examples, down to the smallest leaf


class Told(NamedTuple):
    """What a probe tells of one attribute.

    Args:
        importance: of each dim; they add up to 1, or to 0 if nothing is told.
        rows: what each example shown adds to `importance`, which is their mean; None where a probe cannot say.
        shown: those examples.
        loss: of each example held out: 1 if told wrong, or the squared error as a share of the attribute's variance.
        held: those examples.
        loss_of_shown: the mean over the examples shown.
    """

    importance: Float64[np.ndarray, " d"]
    rows: Float64[np.ndarray, "a d"] | None
    shown: Int[np.ndarray, " a"]
    loss: Float64[np.ndarray, " b"]
    held: Int[np.ndarray, " b"]
    loss_of_shown: float


def told(evidence: Evidence, probe: str) -> list[Told]:
    """What trees tell of each attribute: "extra-trees" or "gradient-boosting"."""
    fit = _extra_trees if probe == "extra-trees" else _gradient_boosting
    with warnings.catch_warnings(), ThreadPoolExecutor(usable_cores()) as pool:  # growing releases the interpreter
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)  # declared as such
        return list(pool.map(partial(fit, evidence), tasks(evidence, bins=None)))


def _extra_trees(evidence: Evidence, task: Task) -> Told:
    """Extremely randomised trees (Geurts, Ernst & Wehenkel 2006, https://doi.org/10.1007/s10994-006-6226-1) on ranks.

    Dims are put in the order of their rank correlation with the attribute, and turned so that the farther half of the
    examples is above: random draws then fall on the same dims however the codes were written.
    """
    from sklearn.tree import ExtraTreeClassifier, ExtraTreeRegressor  # the forests of them change warning filters

    rows = np.concatenate([task.shown, task.held])
    ranked = ranks(evidence.living_codes[rows]) - (len(rows) + 1) / 2
    lean = ranked.T @ (ranks(task.answers[rows, None].astype(np.float64))[:, 0] - (len(rows) + 1) / 2)
    dims = np.argsort(-np.abs(lean), kind="stable")
    turned = np.where((ranked**2).sum(axis=1) @ ranked < 0, -ranked, ranked)
    codes = (turned / len(rows))[:, dims].astype(np.float32)
    shown = codes[: len(task.shown)]
    answers = _answers(task)
    known, label = np.unique(answers[task.shown], return_inverse=True) if task.classes else (None, answers[task.shown])
    leaf = int(np.clip(len(shown) // LEAVES, SMALLEST_LEAF, LARGEST_LEAF))
    make: Any = ExtraTreeClassifier if task.classes else ExtraTreeRegressor
    draw = np.random.RandomState(evidence.seed)
    seeds = [int(draw.randint(np.iinfo(np.int32).max)) for _ in range(TREES)]  # as scikit-learn's forests draw them
    each: np.ndarray = np.zeros(shown.shape)
    said: np.ndarray = np.zeros((len(codes), 1 if known is None else len(known)))
    for seed in seeds:
        tree = make(min_samples_leaf=leaf, max_features=None, random_state=seed).fit(shown, label).tree_
        part = decrease(tree, shown, label)
        each[:, dims] += part / (part.mean(axis=0).sum() or 1.0)
        said += tree.predict(codes).reshape(said.shape) / TREES
    each /= each.sum(axis=1).mean() or 1.0
    said = said[:, 0] if known is None else known[said.argmax(axis=1)]
    return _told(task, answers, said[: len(shown)], said[len(shown) :], each.mean(axis=0), each)


def _gradient_boosting(evidence: Evidence, task: Task) -> Told:
    """Gradient boosting with scikit-learn's defaults, importance by impurity, as in disentanglement_lib."""
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    answers = _answers(task)
    probe: Any = (GradientBoostingClassifier if task.classes else GradientBoostingRegressor)(random_state=evidence.seed)
    importance = np.zeros(evidence.living_codes.shape[1])
    largest = np.abs(evidence.living_codes).max(axis=0)
    codes = evidence.living_codes / np.where(largest > LARGEST, largest, 1.0)
    shown, held = codes[task.shown], codes[task.held]
    if len(np.unique(answers[task.shown])) == 1:  # nothing to boost
        from sklearn.dummy import DummyClassifier

        probe = DummyClassifier().fit(shown, answers[task.shown])
    else:
        probe.fit(shown, answers[task.shown])
        importance = probe.feature_importances_
    return _told(task, answers, probe.predict(shown), probe.predict(held), importance, None)


def _answers(task: Task) -> np.ndarray:
    """Classes as they are; numbers with mean 0 and variance 1 over the examples shown."""
    if task.classes:
        return task.answers
    scaled = task.answers / np.abs(task.answers).max()  # first, so that squares neither vanish nor overflow
    shown = scaled[task.shown]
    return (scaled - shown.mean()) / (shown.std() or 1.0)


def _told(
    task: Task,
    answers: np.ndarray,
    of_shown: np.ndarray,
    of_held: np.ndarray,
    importance: np.ndarray,
    rows: np.ndarray | None,
) -> Told:
    both = answers[np.concatenate([task.shown, task.held])]
    size = answers[task.held].var() or both.var()

    def loss(told: np.ndarray, of: np.ndarray) -> np.ndarray:
        return (told != answers[of]).astype(np.float64) if task.classes else (told - answers[of]) ** 2 / size

    whole = float(loss(of_shown, task.shown).mean())
    return Told(importance, rows, task.shown, loss(of_held, task.held), task.held, whole)


def decrease(
    tree: Any, codes: Float32[np.ndarray, "n d"], answers: Shaped[np.ndarray, " n"]
) -> Float64[np.ndarray, "n d"]:
    r"""By how much the splits on each dim lessen the squared error of each example's answer, on its way down a tree.

    $\sum_{t \in \mathrm{path}(i)} [f_t = r] \left( |y_i - v_{p(t)}|^2 - |y_i - v_t|^2 \right)$ with the node means
    $v$, the split dim $f$ and the parent $p$. Over the examples that grew the tree, the mean is the decrease in
    variance (or, of classes with one-hot answers, in Gini impurity) that scikit-learn counts as importance.

    Args:
        tree: a fitted tree of scikit-learn, its `tree_`.
        codes: `[n, d]`, as it takes them.
        answers: numbers, or class indices in the order of its classes.
    """
    value = tree.value[:, 0, :]  # (nodes, k): the mean, or the share of each class
    whole, by_answer = np.zeros((2, tree.node_count, codes.shape[1], value.shape[1]))
    whole = whole[:, :, 0].copy()  # (nodes, d)
    level = np.array([0])
    while len(level := level[tree.children_left[level] >= 0]):
        for child in (tree.children_left[level], tree.children_right[level]):
            dims = tree.feature[level]
            whole[child], by_answer[child] = whole[level], by_answer[level]
            whole[child, dims] += (value[level] ** 2).sum(axis=1) - (value[child] ** 2).sum(axis=1)
            by_answer[child, dims] += 2 * (value[child] - value[level])
        level = np.concatenate([tree.children_left[level], tree.children_right[level]])
    leaf = tree.apply(codes)
    if value.shape[1] == 1:
        return whole[leaf] + answers[:, None] * by_answer[leaf, :, 0]
    return whole[leaf] + by_answer[leaf, :, answers]

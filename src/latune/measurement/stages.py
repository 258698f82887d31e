"""Originals, what they decode to, and what an edit made of them: the scores that compare these."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from latune.errors import DataError
from latune.measurement.examples import Examples
from latune.metrics import Score
from latune.metrics.averaged import averaged
from latune.metrics.diversity import diversity
from latune.metrics.leakage import change, leakage
from latune.metrics.precision_recall import DENSITY_NEIGHBOURS, density_coverage
from latune.metrics.preservation import nearest_neighbour_identity, preserved_class
from latune.metrics.success import success


@dataclass(frozen=True)
class Stages:
    """Originals, what they decode to, and what the edit made of them; and the scores that compare these.

    Args:
        given: the originals and what is known of them.
        images: originals, reconstructions, edited.
        values: of the same three, attribute name to `[n]`; classes among them.
        width: the spread of every attribute that is a number.
        paired: each edited example was made from an original; not where codes are samples of the prior.
        seed: of the resamples.
        resamples: for the intervals.
    """

    given: Examples
    images: tuple[Tensor, Tensor, Tensor]
    values: list[dict[str, np.ndarray]]
    width: dict[str, float]
    paired: bool
    seed: int
    resamples: int

    @property
    def _draws(self) -> dict[str, Any]:
        return {"seed": self.seed, "resamples": self.resamples}

    def success(self, target: Mapping[str, Any], kinds: Mapping[str, str], tolerance: Any) -> dict[str, Score]:
        """Of the edited, and of reconstructions where the target is no direction."""
        for name in target:
            if kinds[name] == "real" and name not in self.width:
                raise DataError(f"'{name}' is the same in all examples: give its spread, as spread={{'{name}': 1.0}}.")
        rules: dict[str, Any] = {"tolerance": tolerance, "kinds": kinds, "spread": self.width, **self._draws}
        _, before, after = self.values
        scores = {"success": success(after, target, before=before, **rules)}
        places = {name: goal for name, goal in target.items() if not isinstance(goal, str)}
        if places:
            scores["success-before"] = replace(success(before, places, **rules), name="success-before")
        return scores

    def movement(self, target: Collection[str]) -> dict[str, Score]:
        """Change of all attributes, leakage into those that are no target."""
        aims = [name for name in target if name in self.width]
        original, before, after = ({name: stage[name] for name in self.width} for stage in self.values)
        scores = {}
        if self.width:
            scores["change"] = change(before, after, self.width, target=aims, **self._draws)
        if set(self.width) - set(aims):
            scores["leakage"] = leakage(before, after, self.width, target=aims, **self._draws)
            if self.paired:
                scores["leakage-original"] = against_original(
                    leakage(original, after, self.width, target=aims, **self._draws),
                    leakage(original, before, self.width, target=aims, resamples=0),
                )
        return scores

    def preserved_class(self, labels: Sequence[str]) -> dict[str, Score]:
        """Against the class seen in the reconstruction, and against the true one, or that seen in the original."""
        _, before, after = self.values
        scores = {"preserved-class": self._kept(before, after, labels, self._draws)}
        if not self.paired:
            return scores
        known = self.given.labels
        true = all(name in known and not np.isnan(known[name]).any() for name in labels)
        real = known if true else self.values[0]
        score = against_original(
            self._kept(real, after, labels, self._draws), self._kept(real, before, labels, {"resamples": 0})
        )
        score = replace(score, settings={**score.settings, "class_of_originals": "true" if true else "classifier"})
        return scores | {score.name: score}

    def _kept(
        self, before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], labels: Sequence[str], draws: Any
    ) -> Score:
        """One class, or the mean over several attributes, each with its own column."""
        if len(labels) == 1:
            return preserved_class(before[labels[0]], after[labels[0]], **draws)
        same = {name: (before[name] == after[name]).astype(np.float64) for name in labels}
        return averaged("preserved-class", same, seed=self.seed, resamples=draws["resamples"])

    def identity(self) -> dict[str, Score]:
        """In pixels, among reconstructions, and among originals."""
        x, reconstructed, edited = self.images
        scores = {"identity": nearest_neighbour_identity(reconstructed, edited, **self._draws)}
        if not self.paired:
            return scores
        original = against_original(
            nearest_neighbour_identity(x, edited, **self._draws),
            nearest_neighbour_identity(x, reconstructed, resamples=0),
        )
        return scores | {original.name: original}

    def in_features(self, label: str, features: Sequence[np.ndarray]) -> tuple[dict[str, Score], list[str]]:
        """Diversity by the classes seen, density and coverage; a note where there are too few examples for either."""
        x, reconstructed, edited = features
        a, b, c = (stage[label] for stage in self.values)
        notes: list[str] = []
        scores: dict[str, Score] = {}
        try:
            before = diversity(edited, c, reconstructed, b, **self._draws)
            original = against_original(
                diversity(edited, c, x, a, **self._draws), diversity(reconstructed, b, x, a, resamples=0)
            )
            scores |= {"diversity": before, original.name: original}
        except DataError as error:
            notes.append(f"Diversity is not told. {error}")
        if len(x) > DENSITY_NEIGHBOURS:  # not precision: one outlier's ball can hold every blank image
            alone = density_coverage(x, reconstructed, resamples=0)
            for name, score in density_coverage(x, edited, **self._draws).items():
                scores[name] = replace(score, detail={**score.detail, "reconstruction": alone[name].value})
        return scores, notes


def against_original(score: Score, reconstruction: Score) -> Score:
    """The score against originals, with what the reconstruction alone has in its detail."""
    detail = {**score.detail, "reconstruction": reconstruction.value}
    return replace(score, name=f"{score.name}-original", detail=detail)

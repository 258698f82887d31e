"""Latent Constraints: Engel, Hoffman & Roberts 2018, controls added to a model after its training."""

from __future__ import annotations

from latune.papers.latent_constraints import (
    celeba,
    contours,
    digits,
    edits,
    melodies,
    noise,
    phases,
    plain,
    sizes,
    smiling,
    steps,
)

EXPERIMENTS = [
    *digits.EXPERIMENTS,
    *edits.EXPERIMENTS,
    *noise.EXPERIMENTS,
    *contours.EXPERIMENTS,
    *steps.EXPERIMENTS,
    *sizes.EXPERIMENTS,
    *plain.EXPERIMENTS,
    *celeba.EXPERIMENTS,
    *smiling.EXPERIMENTS,
    *melodies.EXPERIMENTS,
    *phases.EXPERIMENTS,
]

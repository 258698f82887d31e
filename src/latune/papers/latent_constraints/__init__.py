"""Latent Constraints: Engel, Hoffman & Roberts 2018, controls added to a model after its training."""

from __future__ import annotations

from latune.papers.latent_constraints import celeba, contours, digits, edits, noise, plain, sizes, smiling, steps

EXPERIMENTS = [
    *digits.EXPERIMENTS,
    *noise.EXPERIMENTS,
    *contours.EXPERIMENTS,
    *edits.EXPERIMENTS,
    *steps.EXPERIMENTS,
    *sizes.EXPERIMENTS,
    *plain.EXPERIMENTS,
    *celeba.EXPERIMENTS,
    *smiling.EXPERIMENTS,
]

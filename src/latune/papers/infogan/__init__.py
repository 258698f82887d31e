"""InfoGAN: Chen et al. 2016, codes that a GAN discovers by itself."""

from __future__ import annotations

from latune.papers.infogan import bound, colour, digits, scenes

EXPERIMENTS = [*bound.EXPERIMENTS, *digits.EXPERIMENTS, *scenes.EXPERIMENTS, *colour.EXPERIMENTS]

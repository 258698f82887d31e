"""Collaborative Shaping: Bachman & Precup 2015, a VAE as a chain that is led by a guide."""

from __future__ import annotations

from latune.papers.shaping import progress, walks, windows

EXPERIMENTS = [*walks.EXPERIMENTS, *windows.EXPERIMENTS, *progress.EXPERIMENTS]

"""Scenes of simple shapes, rendered on demand: chairs and heads."""

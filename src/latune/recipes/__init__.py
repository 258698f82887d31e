"""Recipes: data, nets, model and schedule in a TOML file, checked as a whole and trained by one call."""

from latune.recipes.compare import differences
from latune.recipes.read import change, check, read, shelf
from latune.recipes.run import default_folder, describe, open_data, same_data, train
from latune.recipes.schema import Recipe

__all__ = [
    "Recipe",
    "change",
    "check",
    "default_folder",
    "describe",
    "differences",
    "open_data",
    "read",
    "same_data",
    "shelf",
    "train",
]

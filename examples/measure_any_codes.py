"""Disentanglement of anybody's codes: the metrics know no model. Here, the principal components of digits."""

import numpy as np
from sklearn.decomposition import PCA

from latune.data import load
from latune.metrics import disentanglement

digits = load("digits")
rows = digits.splits["test"]
pixels = {split: digits.images(digits.splits[split]).flatten(1).numpy() for split in ("training", "test")}
codes = PCA(8).fit(pixels["training"]).transform(pixels["test"])  # (n, 8)

names = ["area", "slant", "width", "height"]
values = np.stack([digits.column(name, rows).numpy() for name in names], axis=1)  # (n, 4)
for name, score in disentanglement(codes, values, names).items():
    each = "  ".join(f"{attribute} {value:.2f}" for attribute, value in score.per_attribute.items())
    print(f"{name:18s} {score.value:6.3f}   {each}")

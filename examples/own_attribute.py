"""An attribute of your own: a plain Python function on images becomes a slider."""

from pathlib import Path

import numpy as np

from latune.recipes import open_data, read, train


def top_heavy(images: np.ndarray) -> np.ndarray:
    """Share of the ink in the upper half; uint8 images (n, h, w) to one number each."""
    ink = images.astype(float)
    return ink[:, : ink.shape[1] // 2].sum((1, 2)) / np.maximum(ink.sum((1, 2)), 1)


if __name__ == "__main__":
    words = ['data.measure=["own_attribute:top_heavy"]', 'data.attributes=["top_heavy", "slant"]', "training.epochs=60"]
    recipe = read("arvae-digits", words)
    space = train(recipe, Path("out/own_attribute"), progress=True)
    data = open_data(recipe)
    x = data.images(data.splits["test"][:8])
    space.traverse(x, "top_heavy").save(Path("out/own_attribute/top_heavy.png"))
    print("share of ink on top:", space.measured(["top_heavy"], x)["top_heavy"].round(2))
    print(
        "asked for 0.6:      ",
        space.measured(["top_heavy"], space.edit(x, to={"top_heavy": 0.6}))["top_heavy"].round(2),
    )
    print(space.measure(data).scores["interpretability"].per_attribute)

"""Your own images in one call: arrays in, a Space with sliders out."""

from pathlib import Path

import numpy as np

import latune

rng = np.random.default_rng(0)
radius, light = rng.uniform(2, 7, 2000), rng.uniform(0.3, 1, 2000)
y, x = np.mgrid[-7.5:8.5, -7.5:8.5]
discs = (np.hypot(x, y) < radius[:, None, None]) * light[:, None, None]  # (2000, 16, 16) in [0, 1]

space = latune.fit(discs, {"radius": radius, "light": light}, training__epochs=40)
print(space)
small, large = space.sample(8, to={"radius": 3.0}), space.sample(8, to={"radius": 6.0})
print("mean share of bright pixels:", (small > 0.2).float().mean().item(), (large > 0.2).float().mean().item())
space.sample(32).save(Path("out/own_images/samples.png"))

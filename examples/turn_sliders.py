"""Train on real handwriting, then turn the sliders of one digit."""

from pathlib import Path

from latune.data import load
from latune.recipes import read, train

OUT = Path("out/turn_sliders")

recipe = read("arvae-digits", ["training.epochs=80"])
space = train(recipe, OUT / "run", progress=True)  # run it twice: the second time it only opens the run
digits = load("digits")
x = digits.images(digits.splits["test"][:8])  # (8, 1, 8, 8), digits it has never seen

space.edit(x, thickness=+2).save(OUT / "thicker.png")  # in latent units
slanted = space.edit(x, to={"slant": 0.15})  # in the attribute's own: radians
slanted.save(OUT / "slanted.png")
space.traverse(x, "width").save(OUT / "width.png")  # 10 steps from -4 to 4
space.interpolate(x[:4], x[4:]).save(OUT / "between.png")

print("slant before", space.measured(["slant"], x)["slant"].round(2))
print("slant after ", space.measured(["slant"], slanted)["slant"].round(2), "wanted 0.15")

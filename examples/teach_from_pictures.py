"""A control from five pictures: what they have in common becomes a knob of a model that is trained already."""

from pathlib import Path

from latune.data import load
from latune.recipes import read, train

OUT = Path("out/teach_from_pictures")

space = train(read("arvae-digits", ["training.epochs=40"]), OUT / "run", progress=True)
digits = load("digits")
rows = digits.splits["training"]
five = digits.images(rows[digits.column("digit", rows) == 0][:5])  # (5, 1, 8, 8), five rings

control = space.controls.learn_examples("ring", five, digits, again=True)  # again: the script may run twice
print(f"learned in {control.about['seconds']:.1f} s:")
print({name: round(score, 2) for name, score in control.scores.items()})

space.sample(32, ring=1).save(OUT / "rings.png")
x = digits.images(digits.splits["test"][:8])
space.edit(x, ring=1, identity=1.0).save(OUT / "towards_rings.png")
space.traverse(x, "ring").save(OUT / "ring.png")

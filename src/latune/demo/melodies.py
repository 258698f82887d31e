"""The demonstration with music: a model trained on Bach's melodies, a phrase edited, heard and seen, a rule taught."""

from __future__ import annotations

import shlex
import time
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from latune.attributes.melody_rules import in_c_major
from latune.files import whole
from latune.music import Melodies, Melody
from latune.music.writing.pianoroll import png
from latune.recipes import open_data, read, train
from latune.report import write_report
from latune.training import generator

RECIPE = "arvae-bach-demo"
RULE = "in C major"
BARS = 8  # of the phrase that is edited, and of what is made by itself
ROUNDS = 3  # of asking the rule again about what its critic was sent to
MORE = 2.0  # how far the slider of note density is moved
FORMS = (".mid", ".musicxml", ".svg", ".wav")


def run_music_demo(folder: Path, seed: int, console: Console) -> dict[str, Any]:
    """Train a model of measures on Bach's soprano lines, edit a phrase of a held-out chorale, teach a rule, report.

    Returns:
        The measured numbers and how long each part took.
    """
    began = time.monotonic()
    say = partial(console.print, highlight=False, soft_wrap=True)
    console.print("1/4  reading the chorales that come with music21, once; training on their soprano lines")
    recipe = read(RECIPE, [f"seed={seed}"])
    data = open_data(recipe)
    space = train(recipe, folder, progress=True, data=data)
    trained = time.monotonic()
    say(f"2/4  four sliders: {', '.join(space.sliders)}")
    phrase = Melodies(data.examples(data.splits["test"][:BARS]), data.medium.grid)  # type: ignore[attr-defined]
    busier = space.edit(phrase, note_density=MORE)
    edited = {"original": phrase.joined(), f"note_density +{MORE:g}": busier.joined()}
    written = [_write(busier.joined(), folder / "music" / "busier")]
    say("3/4  a rule that it was never told: only notes of C major")
    if RULE not in space.controls:
        space.controls.learn_rule(RULE, in_c_major, data, rounds=ROUNDS, seed=seed)
    drawn = {"by itself": {}, RULE: {RULE: 1}}
    made = {name: space.sample(BARS, generator(seed, "by a rule"), **asked).joined() for name, asked in drawn.items()}
    written += [_write(made[RULE], folder / "music" / "in-c-major")]
    pictures = [
        _rolls(edited, folder / "pictures" / "edited.png"),
        _rolls(made, folder / "pictures" / "by-a-rule.png", "C major"),
    ]
    taught = time.monotonic()
    say("4/4  measuring on held-out chorales, drawing the report")
    quoted = shlex.quote(str(folder))
    report = write_report(space, data, folder, seed=seed, command=f"latune demo --music --out {quoted} --seed {seed}")
    ended = time.monotonic()
    console.print(report.table())
    say(f"\nopen     {report.html}")
    for place, path in zip(("pictures", ""), pictures, strict=True):
        say(f"{place:8} {path}")
    for place, path in zip(("music", ""), written, strict=True):
        say(f"{place:8} {path} (.mid, .musicxml, .svg, .wav)")
    say(f"try      latune sample {quoted} --set contour=+2 --n 8 --out rising.png")
    say(
        f"         latune edit {quoted} {written[0]}.mid --set note_density=-2 --out calm.mid",
        highlight=False,
        soft_wrap=True,
    )
    share = {name: melody.share_of_pitches("C major") for name, melody in made.items()}
    seconds = {"training": trained - began, "control": taught - trained, "report": ended - taught, "all": ended - began}
    scores = {RULE: space.controls[RULE].scores}
    return {**report.numbers, "controls": scores, "in C major": share, "seconds": seconds}


def _write(melody: Melody, stem: Path) -> Path:
    """A melody as MIDI, score and sound."""
    for form in FORMS:
        melody.save(stem.with_name(stem.name + form))
    return stem


def _rolls(melodies: dict[str, Melody], path: Path, rule: str | None = None) -> Path:
    """Piano-rolls one above the other, notes outside of a scale in red."""
    with whole(path) as temporary:
        temporary.write_bytes(png(list(melodies.values()), labels=list(melodies), staves=True, rule=rule))
    return path

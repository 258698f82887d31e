"""Table 2 with Fig. 6: rules on melodies, learned from what a rule says of what the model makes, without any label."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from latune.attributes.melody_rules import all_of, at_least_notes, in_scale
from latune.controls import JUDGINGS, PRESETS, Control, Controls, fulfil
from latune.controls.control import CONTROL
from latune.metrics.zmse import zmse
from latune.music import Melodies
from latune.music.writing.pianoroll import png
from latune.papers.experiment import Arm, Experiment, Gallery, Measured, Picture, Published, Quantity, Subject
from latune.papers.latent_constraints.paper import PAPER
from latune.training import generator

SCALE, NOTES = "C major", 192
ROWS = 2000  # draws of the prior that are judged
SHOWN = 3  # of them in the picture


@dataclass(frozen=True)
class Asked:
    """What a row of the table asks for.

    Args:
        title: of the row.
        rule: what is asked of melodies, in [0, 1].
    """

    title: str
    rule: Callable[[Melodies], np.ndarray]


ASKED = {
    "scale": Asked(f"only {SCALE}", in_scale(SCALE)),
    "both": Asked(f"only {SCALE}, {NOTES} notes or more", all_of(in_scale(SCALE), at_least_notes(NOTES))),
}
SENT = {"scale": ("scale",), "both": ("both",), "together": ("both", "scale")}  # rows, and the controls of each
SHARP = 8.0  # power of a rule that is taught: of many notes few may be wrong
JUDGING = JUDGINGS["default"]
LEARNING = replace(PRESETS["default"], steps=8000)
JUDGED = 12_000  # melodies that each rule is asked about at first
ROUNDS = 6


def learned_rule(subject: Subject, name: str) -> Control:
    """A rule's control of a trained model; kept, and opened the next time."""
    asked = ASKED[name]
    settings = [name, SHARP, subject.seed, asdict(JUDGING), asdict(LEARNING), JUDGED, ROUNDS]
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
    folder = subject.runs / "lc-controls" / f"{subject.space.fingerprint}-rule-{name}-{key}"
    if (folder / CONTROL).exists():
        return Control.load(folder, subject.space.device)
    made = Controls(subject.space).learn_rule(
        name,
        asked.rule,
        subject.data,
        judged=JUDGED,
        rounds=ROUNDS,
        sharp=SHARP,
        how=LEARNING,
        judging=JUDGING,
        actor=True,
        seed=subject.seed,
    )
    made.save(folder)
    return made


def draws(subject: Subject, n: int, *names: object) -> Tensor:
    """Draws of the prior, by the seed."""
    source = generator(subject.seed, "prior", *names, device=subject.space.device)
    return subject.space.codes.sample(n, source, subject.space.device)


def sent(subject: Subject, row: str, z: Tensor) -> Tensor:
    """Where the controls of a row send draws of the prior: one pass of each actor, and a descent by all critics."""
    wishes = [learned_rule(subject, name).wish(1) for name in SENT[row]]
    return fulfil(z, wishes, codes=subject.space.codes, fresh=True).z


def judged(melodies: Melodies) -> dict[str, float]:
    """Reward of both rules, and the share in per cent that satisfies each, and both, wholly."""
    pitch, dense = in_scale(SCALE)(melodies), at_least_notes(NOTES)(melodies)
    return {
        "pitch": float(pitch.mean()),
        "pitch satisfied": 100 * float((pitch == 1).mean()),
        "density": float(dense.mean()),
        "density satisfied": 100 * float((dense == 1).mean()),
        "both satisfied": 100 * float(((pitch == 1) & (dense == 1)).mean()),
    }


def rules(subject: Subject) -> Measured:
    """Table 2: draws of the prior, and what the controls make of them; each judged by the rules on what is decoded."""
    space, z = subject.space, draws(subject, subject.settings["rows"])
    numbers: dict[str, float] = {}
    detail: dict[str, Any] = {}
    for row, after in {"prior": z, **{row: sent(subject, row, z) for row in SENT}}.items():
        numbers |= {f"{what}, {row}": value for what, value in judged(space.decode(after)).items()}
        if row != "prior":
            control = learned_rule(subject, SENT[row][0])
            numbers[f"zmse, {row}"] = zmse(after, z, control.scale, resamples=0).value
            numbers[f"way, {row}"] = (after - z).square().mean().item()
            detail[row] = {"scores": control.scores, "seconds": control.about["seconds"]}
    return Measured(numbers, detail | {"rows": len(z), "decoding": "greedy"})


def rolls(gallery: Gallery) -> list[Picture]:
    """Fig. 6: draws of the prior, as they are and as the rules have them; notes outside of the scale in red."""
    subject = gallery.open_subject("vae")
    z = draws(subject, SHOWN, "shown")
    titles = {"prior": "draw of the prior", "scale": ASKED["scale"].title, "both": ASKED["both"].title}
    columns = {row: z if row == "prior" else sent(subject, row, z) for row in titles}
    made = {name: subject.space.decode(after) for name, after in columns.items()}
    melodies = [made[name][i] for i in range(SHOWN) for name in columns]
    labels = [titles[name] for _ in range(SHOWN) for name in columns]
    caption = (
        f"Left, draws of the prior; beside each, what it becomes when only {SCALE} is asked for, and when {NOTES} "
        "notes or more are asked for as well. Notes outside of the scale are red."
    )
    return [Picture("rolls", caption, png(melodies, columns=len(columns), labels=labels, rule=SCALE, across=4))]


TITLES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "pitch": (f"Share of notes in {SCALE}", {}),
    "pitch satisfied": (f"All notes in {SCALE}", {"digits": 1, "unit": "%"}),
    "density": (f"Notes / {NOTES} (1 at most)", {}),
    "density satisfied": (f"{NOTES} notes or more", {"digits": 1, "unit": "%"}),
    "both satisfied": ("Both", {"digits": 1, "unit": "%"}),
    "zmse": ("zMSE", {"higher_is_better": False}),
    "way": ("Squared move", {"higher_is_better": False}),
}
COLUMNS = {
    "prior": "prior",
    "scale": f"only {SCALE}",
    "both": f"{SCALE} and {NOTES} notes, one control of both",
    "together": f"{SCALE} and {NOTES} notes, that control and {SCALE}'s at once",
}
PUBLISHED = {
    "pitch, prior": Published(0.579),
    "pitch satisfied, prior": Published(0.43),
    "density, prior": Published(0.417),
    "density satisfied, prior": Published(0.04),
    "pitch, scale": Published(0.991),
    "pitch satisfied, scale": Published(70.8),
    "density, scale": Published(0.459),
    "density satisfied, scale": Published(0.01),
    "zmse, scale": Published(0.015),
    "pitch, both": Published(0.982),
    "pitch satisfied, both": Published(62.4),
    "density, both": Published(0.985),
    "density satisfied, both": Published(84.9),
    "zmse, both": Published(0.039),
}

EXPERIMENTS = [
    Experiment(
        name="lc-melody-rules",
        paper=PAPER,
        figure="Table 2 and Fig. 6",
        shows="Rules that were written as Python functions: only C major, and 192 notes or more of 256 steps.",
        arms={
            "quick": (Arm("vae", "MelodyVAE", "lc-melody-small", published=PUBLISHED),),
            "paper": (Arm("vae", "MelodyVAE", "lc-melody-paper", published=PUBLISHED),),
        },
        quantities={
            f"{what}, {row}": Quantity(f"{title}, {told}", **how)
            for what, (title, how) in TITLES.items()
            for row, told in COLUMNS.items()
            if row != "prior" or what not in ("zmse", "way")
        },
        settings={
            "rows": ROWS,
            "codes": "prior",
            "decoding": "greedy",
            "judged": JUDGED,
            "rounds": ROUNDS,
            "sharp": SHARP,
            "game": f"default, {LEARNING.steps:,} updates",
            "controls": {row: list(names) for row, names in SENT.items()},
        },
        measure=rules,
        draw=rolls,
        seeds=1,
        layout="crossed",
        notes=(
            "A rule is satisfied where it gives exactly 1. Chance has 7 of 12 pitch classes in C major: 0.583.",
            "The paper does not say how two rewards become one: here they are multiplied. What is taught is the eighth "
            "power of a reward, so that a melody with one wrong note is worth far less than one without.",
            "A control takes one pass of its actor, and a descent with what has not arrived, as `space.sample` does; "
            "of two at once one pass of each one's actor, and a descent by both critics. That was found with "
            "other draws.",
            "The paper's zMSE of melodies is thousands of times below its own of faces (17 to 81) and below ours; what "
            "it divides by is not told. Ours is both ways.",
            "The paper's model was trained on some 3 million melodies from MIDI files. "
            "quick: a small one on 65,000 windows of folk tunes (4/4, 2/2 and 2/4, transposed), of which 7 % have 192 "
            "notes. paper: the paper's layers on the same tunes.",
        ),
    ),
]

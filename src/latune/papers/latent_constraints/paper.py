"""What the experiments of Latent Constraints share: the paper, and what is kept of what they learn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from latune.controls import PRESETS, REALISM, Control, Controls, Learning
from latune.controls.control import CONTROL
from latune.data import Dataset
from latune.papers.experiment import Subject

PAPER = "Engel, Hoffman & Roberts 2018, Latent Constraints (https://arxiv.org/abs/1711.05772)"


def learned(
    subject: Subject,
    name: str,
    how: str | Learning = "default",
    data: Dataset | None = None,
    attributes: Sequence[str] = (),
    actor: bool = True,
) -> Control:
    """A control of a trained model, learned by a preset from the training split; kept, and opened the next time.

    Args:
        subject: the model and its data.
        name: an attribute, or `realism`, or what a control of several attributes is called.
        how: a preset of `latune.controls.PRESETS` or a `Learning`.
        data: other data than the subject's, as those with mirror images.
        attributes: several, for one control of them all.
        actor: whether to learn an actor; without, by the critic alone.
    """
    learning = PRESETS[how] if isinstance(how, str) else how
    rows = 0 if data is None else len(data.splits["training"])
    also = ([list(attributes), rows] if attributes or rows else []) + ([] if actor else ["no actor"])
    told = json.dumps([name, subject.seed, asdict(learning), *also], sort_keys=True)
    key = hashlib.sha256(told.encode()).hexdigest()[:8]
    folder = subject.runs / "lc-controls" / f"{subject.space.fingerprint}-{name}-{key}"
    if (folder / CONTROL).exists():
        return Control.load(folder, subject.space.device)
    shelf = Controls(subject.space)  # of its own: the run folder's controls are the user's
    if name == REALISM:
        made = shelf.learn_realism(data or subject.data, how=learning, seed=subject.seed)
    else:
        given = data or subject.data
        made = shelf.learn(name, given, attributes=attributes, how=learning, actor=actor, seed=subject.seed)
    made.save(folder)
    return made

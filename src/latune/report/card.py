"""A model card: the report's numbers on one short Markdown page, for whoever is handed the model."""

from __future__ import annotations

from pathlib import Path

from latune.attributes.amounts import spoken
from latune.files import write_text
from latune.measurement import Measurement
from latune.report.markdown import listing, table, text
from latune.report.meanings import meaning
from latune.report.tables import introduction
from latune.report.words import aligned, facts, measured_on, number, span, what_it_is
from latune.space import Space

CARD = "card.md"
_SURE = "95 %: where a score lies in as many bootstrap resamples of the examples; another training may differ by more."


def write_card(space: Space, measurement: Measurement, folder: Path | str) -> Path:
    """Write `card.md`: what the model is, its sliders, how it scores, where it comes from, what it is not for.

    Args:
        space: what the card is about.
        measurement: its scores, from `space.measure(data)`.
        folder: where it goes.

    Raises:
        DiskFull: when the disk has no room.
    """
    title = space.about.get("recipe", {}).get("name") or space.spec.model
    traps = {meaning(n).title: meaning(n).trap for n in measurement.scores if meaning(n).trap}
    scores = [f"Measured on {measured_on(measurement)}.", _scores(measurement)]
    if not measurement.scores:
        scores = [introduction(measurement)]
    parts = [
        f"---\nlibrary_name: latune\ntags: [latune, {space.spec.model}]\n---",
        f"# {text(str(title))}",
        " ".join(text(each) for each in what_it_is(space.spec, space.about)),
        f'```python\nimport latune\n\nspace = latune.load("the folder of this model")\n{_example(space)}\n```',
        *(["## Sliders", _sliders(space)] if space.sliders else []),
        "## Scores",
        *scores,
        *(text(note) for note in measurement.notes),
        *([_SURE] if measurement.sure else []),
        *(["How they mislead:", listing(traps)] if traps else []),
        "## Where it comes from",
        listing(facts(space.spec, space.about)),
        "## What it is not for",
        f"The model knows only data like those it was trained on; of other {space.medium.many} its codes and sliders "
        "mean nothing.",
    ]
    path = Path(folder) / CARD
    write_text(path, "\n\n".join(parts) + "\n")
    return path


def _sliders(space: Space) -> str:
    rows = []
    for name in space.sliders:
        reach, source = "not measured", ""
        if name in space.calibration:
            known = space.calibration[name]
            low, high = aligned(known.range)
            reach = f"{low} to {high} {known.unit}{spoken(known.range, known.unit)}".strip()
            source = "decoded images" if known.source == "decoded" else known.source
        rows.append((name, reach, source))
    return table(("slider", "attribute within reach", "known from"), rows, words=(0, 1, 2))


def _scores(measurement: Measurement) -> str:
    names = measurement.attributes
    sure = ["95 %"] if measurement.sure else []
    rows = []
    for name, score in measurement.scores.items():
        ends = [] if score.interval is None else [span(*(number(end, 4, score.value) for end in score.interval))]
        parts = [number(score.per_attribute[a]) if a in score.per_attribute else "" for a in names]
        rows.append([meaning(name).title, number(score.value, 4), *(ends or [""] * len(sure)), *parts])
    return table(["score", "value", *sure, *names], rows)


def _example(space: Space) -> str:
    if not space.sliders:
        return "space.sample(16)"
    name = space.sliders[0]
    many = space.medium.many
    return f"space.edit({many}, {name}=+2)" if name.isidentifier() else f"space.edit({many}, **{{{name!r}: +2}})"

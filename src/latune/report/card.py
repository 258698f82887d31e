"""A model card: the report's numbers on one short Markdown page, for whoever is handed the model."""

from __future__ import annotations

from pathlib import Path

from latune.files import write_text
from latune.measurement import Measurement
from latune.report.meanings import meaning
from latune.report.words import brief, facts, number, what_it_is
from latune.space import Space

CARD = "card.md"


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
    lines = ["---", "library_name: latune", "tags: [latune, " + space.spec.model + "]", "---", "", f"# {title}", ""]
    lines += [" ".join(what_it_is(space.spec, space.about)), ""]
    lines += ["```python", "import latune", "", 'space = latune.load("THIS FOLDER")', *_example(space), "```", ""]
    if space.sliders:
        lines += ["## Sliders", "", "| slider | attribute within reach | known from |", "|---|---|---|"]
        for name in space.sliders:
            known = space.calibration.get(name)
            reach = (
                f"{brief(known.range[0])} to {brief(known.range[1])} {known.unit}".strip() if known else "not measured"
            )
            source = (
                {"decoded": "measured on decoded images", "labels": "labels"}.get(known.source, known.source)
                if known
                else ""
            )
            lines.append(_row(name, reach, source))
        lines.append("")
    names = list(dict.fromkeys(a for score in measurement.scores.values() for a in score.per_attribute))
    where = f"{measurement.n:,} examples of the {measurement.split} split, codes: posterior {measurement.codes}, seed {measurement.seed}."
    lines += ["## Scores", "", where, "", _row("score", "value", *names), "|---" + "|---:" * (1 + len(names)) + "|"]
    for name, score in measurement.scores.items():
        parts = [number(score.per_attribute[a]) if a in score.per_attribute else "" for a in names]
        lines.append(_row(meaning(name).title, number(score.value, 4), *parts))
    traps = [f"- {meaning(name).title}: {meaning(name).trap}" for name in measurement.scores if meaning(name).trap]
    lines += ["", "How to read them:", "", *traps, "", "## Where it comes from", ""]
    lines += [f"- {name}: {value}" for name, value in facts(space.spec, space.about).items()]
    lines += [
        "",
        "The model knows only data like those it was trained on; of other images its codes and sliders mean nothing.",
        "",
    ]
    path = Path(folder) / CARD
    write_text(path, "\n".join(lines))
    return path


def _example(space: Space) -> list[str]:
    if not space.sliders:
        return ["space.sample(16)"]
    name = space.sliders[0]
    return [
        f"space.edit(x, {name}=+2)" if name.isidentifier() else f"space.edit(x, **{{{name!r}: +2}})",
        "space.sample(16)",
    ]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

"""The scores of a report as tables that say what each score means and how it misleads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from latune.metrics import Score
from latune.report.findings import Findings
from latune.report.meanings import meaning
from latune.report.words import listed, measured_on, number
from latune.space import Space

ARROWS = {"higher": ("↑", "higher is better"), "lower": ("↓", "lower is better")}


def scores(space: Space, found: Findings) -> str:
    """Two tables: how well images are kept, and what coordinates tell of attributes."""
    of_images, of_attributes = {}, {}
    for name, score in found.measurement.scores.items():
        (of_attributes if score.per_attribute or "modularity" in name else of_images)[name] = score
    names = found.measurement.attributes
    say = (
        f"Measured on {measured_on(found.measurement)}. An arrow says which way is better; the small print says what a "
        "score means and how it misleads."
    )
    parts = [f'<p class="say">{escape(say)}</p>', _table("Images", of_images, [], found.baselines, space)]
    if of_attributes:
        parts.append(_table("Coordinates and attributes", of_attributes, names, {}, space))
    parts += [f'<p class="warn">{escape(note)}</p>' for note in found.measurement.notes]
    return "".join(parts)


def shown(name: str, value: float) -> str:
    """A score as a reader wants to see it.

    >>> shown("pixel-accuracy", 0.91926), shown("sap", 0.59673)
    ('91.9 %', '0.597')
    """
    if name == "pixel-accuracy":
        return f"{100 * value:.1f} %"
    return number(value, 4 if name == "mean-squared-error" else 3)


def _table(
    title: str, of: Mapping[str, Score], names: Sequence[str], baselines: Mapping[str, float], space: Space
) -> str:
    columns = ["score", "value", *names, *(["of the mean image"] if baselines else [])]
    head = "".join(f'<th scope="col"{_right(i)}>{escape(each)}</th>' for i, each in enumerate(columns))
    body = []
    for name, score in of.items():
        cells = [f'<td class="number all">{shown(name, score.value)}</td>']
        cells += [_cell(score.per_attribute.get(each)) for each in names]
        if baselines:
            cells.append(f'<td class="number">{shown(name, baselines[name]) if name in baselines else ""}</td>')
        note = _note(name, score, space)
        small = f'<tr class="note"><td colspan="{len(columns)}">{note}</td></tr>' if note else ""
        body.append(f'<tbody><tr><th scope="row">{_name(name)}</th>{"".join(cells)}</tr>{small}</tbody>')
    table = f"<caption>{escape(title)}</caption><thead><tr>{head}</tr></thead>{''.join(body)}"
    return f'<div class="scroll"><table>{table}</table></div>'


def _right(column: int) -> str:
    return ' class="number"' if column else ""


def _name(name: str) -> str:
    known = meaning(name)
    if known.better not in ARROWS:
        return escape(known.title)
    arrow, words = ARROWS[known.better]
    return f'{escape(known.title)} <span class="better" role="img" title="{words}" aria-label="{words}">{arrow}</span>'


def _cell(value: float | None) -> str:
    if value is None:
        return "<td></td>"
    shade = min(max(value, 0.0), 1.0)
    return f'<td class="number part"><span style="--v:{shade:.3f}">{number(value)}</span></td>'


def _note(name: str, score: Score, space: Space) -> str:
    known = meaning(name)
    parts = [escape(known.says)] if known.says else []
    parts += [f"<b>Beware:</b> {escape(known.trap)}"] if known.trap else []
    # Where a score names the coordinate that answers for an attribute, it need not be the attribute's own.
    columns = space.codes.columns()
    winners = {each: columns[dim] for each, dim in score.detail.get("dim", {}).items() if each in space.sliders}
    others = [f"{each} by {winner}" for each, winner in winners.items() if winner != each]
    parts += [f"<b>Here</b> another coordinate than the slider wins: {escape(listed(others))}."] if others else []
    return " ".join(parts)

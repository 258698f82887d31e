"""The scores of a report as tables that say what each score means and how it misleads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from latune.measurement import Measurement
from latune.metrics import Score
from latune.report.findings import Findings
from latune.report.meanings import GROUPS, meaning
from latune.report.words import listed, measured_on, number, span
from latune.space import Space

ARROWS = {"higher": ("↑", "higher is better"), "lower": ("↓", "lower is better")}
PER_CENT = ("pixel-accuracy", "token-accuracy", "recovery", "recovery-majority")
# by group: what stands beside the model's own numbers
BESIDE = {"images": "mean image", "samples": "real images"}
BESIDE_TOKENS = "commonest tokens"


def scores(space: Space, found: Findings) -> str:
    """A table for each question, and the intervals of attributes below, for whoever wants them."""
    parts = [
        _table(key, of, beside(key, of, found.baselines), space) for key, of in by_group(found.measurement).items()
    ]
    parts.append(_intervals(found.measurement))
    parts += [f'<p class="warn">{escape(note)}</p>' for note in found.measurement.notes]
    return "".join(parts)


def introduction(measurement: Measurement) -> str:
    """What the tables are of, and how they are read; or that there are none."""
    if not measurement.scores:
        return f"There is nothing to score on {measured_on(measurement)}."
    sure = (
        f" The small numbers are where a score lies in 95 % of {measurement.resamples} bootstrap resamples of the "
        "examples: what other examples would change, not what another training would." * measurement.sure
    )
    return (
        f"Measured on {measured_on(measurement)}.{sure} An arrow says which way is better; the small print says what a "
        "score means and how it misleads."
    )


def by_group(measurement: Measurement) -> dict[str, dict[str, Score]]:
    """Scores by the question they answer, in the order of `GROUPS`."""
    found: dict[str, dict[str, Score]] = {key: {} for key in GROUPS}
    for name, score in measurement.scores.items():
        found[meaning(name).group][name] = score
    return {key: of for key, of in found.items() if of}


def attributes_of(of: Mapping[str, Score]) -> list[str]:
    """The attributes that these scores tell of."""
    return list(dict.fromkeys(name for score in of.values() for name in score.per_attribute))


def beside(key: str, of: Mapping[str, Score], baselines: Mapping[str, float]) -> dict[str, float]:
    """What each number is to be compared with: that of the mean image, of real images."""
    if key == "images":
        return {name: baselines[name] for name in of if name in baselines}
    return {name: score.detail["real"] for name, score in of.items() if "real" in score.detail}


def shown(name: str, value: float, like: float | None = None) -> str:
    """A score as a reader wants to see it; the end of an interval like the value it is of.

    >>> shown("pixel-accuracy", 0.91926), shown("sap", 0.59673)
    ('91.9 %', '0.597')
    """
    if name in PER_CENT:
        return f"{100 * value:.1f} %"
    return number(value, 4 if name == "mean-squared-error" else 3, like)


def around(name: str, score: Score) -> str:
    """A score's interval, with its decimals; empty where it has none.

    >>> around("sap", Score("sap", 0.5, interval=(0.4871, 0.512)))
    '0.487–0.512'
    """
    return "" if score.interval is None else span(*(shown(name, end, score.value) for end in score.interval))


def here(score: Score, space: Space) -> list[str]:
    """What is to be said of this very number, as sentences."""
    # Where a score names the coordinate that answers for an attribute, it need not be the attribute's own.
    columns = space.codes.columns()
    dims = score.detail.get("dim", {})
    winners = {each: columns[dim] for each, dim in dims.items() if each in space.sliders and isinstance(dim, int)}
    others = [f"{each} by {winner}" for each, winner in winners.items() if winner != each]
    said = [f"Another coordinate than the slider wins: {listed(others)}."] if others else []
    chance = score.detail.get("chance")
    said += [f"Chance alone gives {number(chance)}."] if isinstance(chance, float) else []
    if "effective_samples" in score.detail:
        said.append(f"K = {score.settings['samples']}, of which {score.detail['effective_samples']:.1f} carry the sum.")
    if "training" in score.detail:
        beside, sigma = score.detail["training"], score.detail["sigma"]
        said.append(
            f"Training images as samples: {number(beside['mean'])} (σ {beside['sigma']:.3g}; here {sigma:.3g})."
        )
    return said + [str(note) for note in score.detail.get("notes", [])]


def stands_beside(key: str, of: Mapping[str, Score]) -> str:
    """The heading of the column of `beside`."""
    return BESIDE_TOKENS if "token-accuracy" in of else BESIDE.get(key, "")


def _table(key: str, of: Mapping[str, Score], compared: Mapping[str, float], space: Space) -> str:
    names = attributes_of(of)
    sure = any(score.interval is not None for score in of.values())
    columns = ["score", "value", *(["95 %"] if sure else []), *names, *([stands_beside(key, of)] if compared else [])]
    head = "".join(f'<th scope="col"{_right(i)}>{escape(each)}</th>' for i, each in enumerate(columns))
    body = []
    for name, score in of.items():
        cells = [f'<td class="number all">{shown(name, score.value)}</td>']
        cells += [f'<td class="number sure">{around(name, score)}</td>'] if sure else []
        cells += [_cell(score, each) for each in names]
        if compared:
            cells.append(f'<td class="number">{shown(name, compared[name]) if name in compared else ""}</td>')
        small = f'<tr class="note"><td colspan="{len(columns)}"><div>{_note(name, score, space)}</div></td></tr>'
        body.append(f'<tbody><tr><th scope="row">{_name(name)}</th>{"".join(cells)}</tr>{small}</tbody>')
    table = f"<caption>{escape(GROUPS[key])}</caption><thead><tr>{head}</tr></thead>{''.join(body)}"
    return f'<div class="scroll"><table>{table}</table></div>'


def _right(column: int) -> str:
    return ' class="number"' if column else ""


def _name(name: str) -> str:
    known = meaning(name)
    if known.better not in ARROWS:
        return escape(known.title)
    arrow, words = ARROWS[known.better]
    told = f'role="img" title="{words}" aria-label="{words}"'
    return f'{escape(known.title)}&nbsp;<span class="better" {told}>{arrow}</span>'


def _cell(score: Score, attribute: str) -> str:
    value = score.per_attribute.get(attribute)
    if value is None:
        return "<td></td>"
    shade = min(max(value, 0.0), 1.0)
    tip = f' title="95 %: {span(*map(number, score.intervals[attribute]))}"' if attribute in score.intervals else ""
    return f'<td class="number part"><span style="--v:{shade:.3f}"{tip}>{number(value)}</span></td>'


def _note(name: str, score: Score, space: Space) -> str:
    known = meaning(name)
    parts = [escape(known.says)] if known.says else []
    parts += [f"<b>Beware:</b> {escape(known.trap)}"] if known.trap else []
    said = here(score, space)
    parts += [f"<b>Here:</b> {escape(' '.join(said))}"] if said else []
    return " ".join(parts)


def _intervals(measurement: Measurement) -> str:
    """The intervals of every attribute, folded away."""
    names = measurement.attributes
    rows = {name: score.intervals for name, score in measurement.scores.items() if score.intervals}
    if not rows:
        return ""
    return folded("95 % intervals of each attribute", plain(["score", *names], interval_rows(rows, names)))


def interval_rows(rows: Mapping[str, Mapping[str, tuple[float, float]]], names: Sequence[str]) -> list[list[str]]:
    """A line for each score: its title, and the interval of each attribute."""
    return [
        [meaning(name).title, *(span(*map(number, of[each])) if each in of else "" for each in names)]
        for name, of in rows.items()
    ]


def plain(head: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[int] = (0,), narrow: bool = False) -> str:
    """A table of text; columns that are `words` stand to the left; a narrow one is no wider than it needs."""
    kinds = ["" if i in words else ' class="number"' for i in range(len(head))]
    top = "".join(f'<th scope="col"{kind}>{escape(each)}</th>' for kind, each in zip(kinds, head, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{escape(cell)}</td>" for kind, cell in zip(kinds, row, strict=True)) + "</tr>"
        for row in rows
    )
    kind = "plain" + " narrow" * narrow + " texts" * (len(words) == len(head))
    table = f'<table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


def folded(title: str, content: str) -> str:
    """What is opened by whoever wants it."""
    return f"<details><summary>{escape(title)}</summary>{content}</details>"

"""A report as one HTML page that needs nothing else: no script, no request, light and dark."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from torch import Tensor

from latune.attributes.amounts import spoken
from latune.medium import Pictures
from latune.pictures import is_tiny
from latune.provenance import machine
from latune.report import captions, settings
from latune.report.findings import Findings, Traversal
from latune.report.meanings import GROUPS, meaning
from latune.report.paper import HEAD, Paper
from latune.report.sheets import GAP, SHARP, factor_of
from latune.report.tables import around, folded, introduction, plain, scores, shown
from latune.report.words import aligned, environment, facts, what_it_is
from latune.space import Space

TILES = {  # the numbers at the top, if they apply, and what stands below them
    "interpretability": "interpretability",
    "monotonicity": "monotonicity of sliders",
    "pixel-accuracy": "pixel accuracy",
    "token-accuracy": "token accuracy",
    "recovery": "in the right class, found by itself",
    "elbo": "ELBO, nats an example",
}
PIXELATED = 40  # images of at most so many pixels a side, and not tiny, are shown as squares


@dataclass(frozen=True)
class Drawings:
    """What was drawn: PNG sheets and SVG charts, by the name of their picture."""

    sheets: Mapping[str, bytes]
    charts: Mapping[str, str]


def page(
    space: Space, found: Findings, drawn: Drawings, title: str, command: str, seed: int, paper: Paper | None = None
) -> str:
    """The whole page; sections that do not apply are left out."""
    sections = {
        "Samples and reconstructions": images(space, found, drawn, seed),
        "Sliders" if space.sliders else "Coordinates": sliders(space, found, drawn),
        "Scores": measured(space, found, drawn),
        "What each coordinate tells": dims(space, found, drawn),
        "Beside the paper": beside(found, paper),
        "Attributes and their coordinates": codes(space, found, drawn),
        "Attribute surfaces": surfaces(found, drawn),
        "Training": training(found, drawn),
        "Settings": chosen(found),
        "How it was made": made(space, command),
    }
    kept = {name: (f"part-{i}", body) for i, (name, body) in enumerate(sections.items()) if body}
    links = "".join(f'<a href="#{key}">{escape(name)}</a>' for name, (key, _) in kept.items())
    parts = "\n".join(
        f'<section id="{key}"><h2>{escape(name)}</h2>{body}</section>' for name, (key, body) in kept.items()
    )
    lead = "".join(f'<p class="lead">{escape(text)}</p>' for text in what_it_is(space.spec, space.about))
    css = files("latune.report").joinpath("page.css").read_text(encoding="utf-8")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Latune report</title>
<style>
{css}</style>
</head>
<body>
<main>
<header>
<p class="over">Latune report</p>
<h1>{escape(title)}</h1>
{lead}{tiles(found)}{warning(found)}
<nav aria-label="Contents">{links}</nav>
</header>
{parts}
</main>
</body>
</html>
"""


def tiles(found: Findings) -> str:
    """The few numbers to read first."""
    cells = []
    for name, below in TILES.items():
        if name in found.measurement.scores:
            score = found.measurement.scores[name]
            sure = f"<small>{around(name, score)}</small>" if score.interval is not None else ""
            value = shown(name, score.value)
            cells.append(f'<div class="tile"><b>{value}</b>{sure}<span>{escape(below)}</span></div>')
    return f'<div class="tiles">{"".join(cells)}</div>'


def warning(found: Findings) -> str:
    """What to say when the numbers are not of the test split."""
    split = found.measurement.split
    if split == "test":
        return ""
    seen = " The model was trained on it: how it does on new data, these numbers do not tell." * (split == "training")
    return f'<p class="warn">Measured on the {escape(split)} split, not on the test split.{seen}</p>'


def images(space: Space, found: Findings, drawn: Drawings, seed: int) -> str:
    """Samples beside reconstructions."""
    n, split = len(found.samples), found.measurement.split
    many, one = space.medium.many, space.medium.one
    samples = _img(drawn.sheets["samples"], f"{n} {many} sampled from the prior", space)
    alt = f"{many.capitalize()} of the {split} split, each above its reconstruction"
    pairs = _img(drawn.sheets["reconstructions"], alt, space)
    said = captions.MADE_AND_KEPT.format(one=f"an {one}" if one[0] in "aeiou" else f"a {one}")
    both = _figure(samples, captions.samples(found, seed)), _figure(pairs, captions.reconstructions(space, found))
    return _say(said) + (_two(*both) if isinstance(space.medium, Pictures) else "".join(both))


def sliders(space: Space, found: Findings, drawn: Drawings) -> str:
    """A traversal grid for each coordinate, and what each slider moves."""
    wide = not isinstance(space.medium, Pictures) or max(space.shape[1:]) > PIXELATED
    grids = [_traversal(space, each, drawn) for each in found.traversals]
    body = f'<div class="one">{"".join(grids)}</div>' if wide else _two(*grids)
    moved = _chart(drawn, "moved", captions.MOVED, "What each slider moves")
    return _say(captions.sliders(space, found)) + body + moved


def _traversal(space: Space, traversal: Traversal, drawn: Drawings) -> str:
    name, x = traversal.name, traversal.images
    n, k = x.shape[:2]
    above, below, reach = "", "", ""
    known = space.calibration.get(name)
    if isinstance(x, Tensor):  # piano-rolls have their values in the picture, where their columns are
        width = k * (x.shape[-1] * factor_of(x) + GAP) - GAP
        columns = f"grid-template-columns:repeat({k},minmax(0,1fr));column-gap:{100 * GAP / width:.4f}%"
        above = _scale(traversal.positions.tolist(), columns)
        below = "" if traversal.expected is None else _scale(traversal.expected.tolist(), columns, "under")
    if known is not None and traversal.expected is not None:
        low, high = aligned(known.range)
        how = f"measured on decoded {space.medium.many}" if known.source == "decoded" else "learned from labels"
        within = f"{low} to {high} {known.unit}{spoken(known.range, known.unit)}".strip()
        reach = f" <small>{escape(within)}, {how}</small>"
    alt = f"{n} {space.medium.many} in rows, {captions.turned(traversal)} in {k} columns"
    picture = _img(drawn.sheets[f"traverse-{name}"], alt, space)
    return f"<figure><h3>{escape(name)}{reach}</h3>{above}{picture}{below}</figure>"


def _scale(values: list[float], columns: str, kind: str = "") -> str:
    cells = "".join(f"<span>{value}</span>" for value in aligned(values))
    return f'<div class="scale {kind}" style="{columns}">{cells}</div>'


def measured(space: Space, found: Findings, drawn: Drawings) -> str:
    """Scores as charts and as tables."""
    charts = [
        _figure(f"<h3>{escape(GROUPS[key])}</h3>{drawn.charts[f'scores-{key}']}")
        for key in GROUPS
        if f"scores-{key}" in drawn.charts
    ]
    said = _say(introduction(found.measurement))
    above = f'{_two(*charts)}<p class="below">{escape(captions.dots(found.measurement))}</p>' if charts else ""
    return said + above + scores(space, found)


def dims(space: Space, found: Findings, drawn: Drawings) -> str:
    """What each coordinate tells of each attribute."""
    said = captions.dims(found.measurement)
    if not said:
        return ""
    return (
        _say(said)
        + _chart(drawn, "information", captions.information(space), "Information")
        + _chart(drawn, "importance", captions.importance(space), "Importance")
    )


def beside(found: Findings, paper: Paper | None) -> str:
    """Our numbers beside the paper's."""
    rows = [] if paper is None else paper.rows(found.measurement)
    if paper is None or not rows:
        return ""
    link = f'<a href="{escape(paper.address)}">{escape(paper.title)}</a>'
    return f'<p class="say">{link}. {escape(paper.introduction(found.measurement))}</p>' + plain(
        HEAD, rows, narrow=True
    )


def codes(space: Space, found: Findings, drawn: Drawings) -> str:
    """Attributes over their coordinates, and the planes of two sliders."""
    if "attributes" not in drawn.charts:
        return ""
    parts = [_say(captions.codes(found)), _figure(drawn.charts["attributes"], captions.attributes(space))]
    return "".join(parts) + _chart(drawn, "planes", captions.PLANES)


def surfaces(found: Findings, drawn: Drawings) -> str:
    """Attribute surfaces, or why there are none."""
    said = captions.surfaces(found)
    names = list(dict.fromkeys(each.name for each in found.surfaces))
    figures = [
        _figure(f"<h3>{escape(name)}</h3>{drawn.charts[f'surface-{name}']}", captions.surface(found, name))
        for name in names
    ]
    return (_say(said) if said else "") + (_two(*figures) if figures else "")


def training(found: Findings, drawn: Drawings) -> str:
    """The training curve."""
    if "log" in drawn.charts:
        return _say(captions.training(found)) + _figure(drawn.charts["log"])
    said = captions.remarks(found)
    return _say(" ".join(said)) if said else ""


def chosen(found: Findings) -> str:
    """The settings that define the numbers."""
    lines = [[meaning(name).title, name, value] for name, value in settings.own(found.measurement).items()]
    said, own = "", ""
    if lines:
        said = _say(captions.SETTINGS)
        own = plain(("score", "its name in files", "settings of its own"), lines, words=(0, 1, 2))
    return said + _list(settings.shared(found.measurement)) + own


def made(space: Space, command: str) -> str:
    """Where the model and these numbers come from."""
    parts = [_say(captions.MADE)]
    if command:
        parts.append(f"<h3>To get this report again</h3><pre>{escape(command)}</pre>")
    parts += ["<h3>The model</h3>", _list(facts(space.spec, space.about))]
    parts += ["<h3>This report</h3>", _list(environment(machine(space.device)))]
    if "recipe" in space.about:
        text = json.dumps(space.about["recipe"], indent=2, ensure_ascii=False, default=str)
        parts.append(folded("The recipe in full", f"<pre>{escape(text)}</pre>"))
    return "".join(parts)


def _list(of: Mapping[str, str]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in of.items())}</dl>"


def _chart(drawn: Drawings, name: str, caption: str, title: str = "") -> str:
    """A chart, if it was drawn."""
    above = f"<h3>{escape(title)}</h3>" if title else ""
    return _figure(above + drawn.charts[name], caption) if name in drawn.charts else ""


def _say(text: str) -> str:
    return f'<p class="say">{escape(text)}</p>'


def _two(*figures: str) -> str:
    return f'<div class="two">{"".join(figures)}</div>'


def _figure(content: str, caption: str = "") -> str:
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{content}{below}</figure>"


def _img(data: bytes, alt: str, space: Space) -> str:
    if isinstance(space.medium, Pictures):
        _, h, w = space.shape
        squares = max(h, w) <= PIXELATED and not is_tiny(h, w)  # tiny ones are smooth already
        kind = ' class="small"' if squares else ""
    else:
        width = int.from_bytes(data[16:20])  # of a PNG file: no wider than it was drawn for, so that edges stay crisp
        kind = f' style="max-width:{width // SHARP}px"'
    return f'<img{kind} src="data:image/png;base64,{base64.b64encode(data).decode()}" alt="{escape(alt)}">'

"""A report as one HTML page that needs nothing else: no script, no request, light and dark."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from latune.measurement import positions
from latune.metrics import Score
from latune.report.findings import Findings, Traversal
from latune.report.meanings import meaning
from latune.report.sheets import GAP, factor_of
from latune.report.words import aligned, brief, facts, listed, number, what_it_is
from latune.space import Space

TILES = {  # the numbers at the top, if they apply, and what stands below them
    "interpretability": "interpretability",
    "monotonicity": "monotonicity of sliders",
    "pixel-accuracy": "pixel accuracy",
    "elbo": "ELBO, nats an image",
}
PIXELATED = 40  # images of at most so many pixels a side are shown as squares


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor, its title and its HTML."""

    key: str
    title: str
    body: str


@dataclass(frozen=True)
class Drawings:
    """What was drawn: PNG sheets and SVG charts, by the name of their picture."""

    sheets: Mapping[str, bytes]
    charts: Mapping[str, str]


def page(space: Space, found: Findings, drawn: Drawings, title: str, command: str, seed: int) -> str:
    """The whole page."""
    sections = [
        section
        for section in (
            Section("images", "Samples and reconstructions", images(space, found, drawn, seed)),
            Section("sliders", "Sliders" if space.sliders else "Coordinates", sliders(space, found, drawn)),
            Section("scores", "Scores", scores(space, found)),
            Section("codes", "Attributes and their coordinates", codes(found, drawn)),
            Section("surfaces", "Attribute surfaces", surfaces(found, drawn)),
            Section("training", "Training", training(found, drawn)),
            Section("made", "How it was made", made(space, command)),
        )
        if section.body
    ]
    measured = found.measurement
    held_out = "" if measured.split == "test" else (
        f'<p class="warn">Measured on the {escape(measured.split)} split, '
        + ("which the model was trained on: these numbers do not tell how it does on new data.</p>"
           if measured.split == "training" else "not on the test split.</p>")
    )  # fmt: skip
    links = "".join(f'<a href="#{section.key}">{escape(section.title)}</a>' for section in sections)
    leads = "".join(f'<p class="lead">{escape(text)}</p>' for text in what_it_is(space.spec, space.about))
    parts = "".join(f'<section id="{s.key}"><h2>{escape(s.title)}</h2>{s.body}</section>' for s in sections)
    css = files("latune.report").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} · Latune report</title>\n<style>\n{css}</style>\n</head>\n<body>\n<main>\n"
        f'<header><p class="over">Latune report</p><h1>{escape(title)}</h1>{leads}{tiles(found)}{held_out}'
        f'<nav aria-label="Contents">{links}</nav></header>\n{parts}\n</main>\n</body>\n</html>\n'
    )


def tiles(found: Findings) -> str:
    """The few numbers to read first."""
    cells = [
        f'<div class="tile"><b>{_shown(name, found.measurement[name])}</b><span>{escape(TILES[name])}</span></div>'
        for name in TILES
        if name in found.measurement.scores
    ]
    return f'<div class="tiles">{"".join(cells)}</div>'


def images(space: Space, found: Findings, drawn: Drawings, seed: int) -> str:
    """Samples beside reconstructions."""
    n, baseline = len(found.pairs), found.baselines["pixel-accuracy"]
    accuracy = found.measurement["pixel-accuracy"]
    return (
        '<p class="say">What the model draws by itself, and what it keeps of an image that it is shown.</p><div class="two">'
        + _figure(
            _img(drawn.sheets["samples"], f"{len(found.samples)} images sampled from the prior", space),
            f"{len(found.samples)} samples from the prior, seed {seed}, none chosen.",
        )
        + _figure(
            _img(drawn.sheets["reconstructions"], f"{n} test images, each above its reconstruction", space),
            f"Images of the {found.measurement.split} split, each above its reconstruction from the posterior mean. "
            f"{accuracy:.1%} of pixels fall on the right side of 0.5; the mean image alone reaches {baseline:.1%}.",
        )
        + "</div>"
    )


def sliders(space: Space, found: Findings, drawn: Drawings) -> str:
    """A traversal grid for each coordinate."""
    shown = [_traversal(space, each, drawn) for each in found.traversals]
    if space.sliders:
        say = (
            f"Rows: {found.measurement.split} images that the model was not trained on. Columns: the slider from −4 to 4, "
            "nothing else changed. Below each column: the mean value that the attribute then has."
        )
    else:
        say = (
            "This model has no sliders. These are the coordinates that vary most over the data, each moved from −4 to 4 "
            "with nothing else changed; what they mean has to be seen."
        )
    wide = max(space.shape[1:]) > PIXELATED
    return f'<p class="say">{escape(say)}</p><div class="{"one" if wide else "two"}">{"".join(shown)}</div>'


def _traversal(space: Space, traversal: Traversal, drawn: Drawings) -> str:
    name = traversal.name
    known = space.calibration.get(name)
    cell = traversal.images.shape[-1] * factor_of(traversal.images)
    k = traversal.images.shape[1]
    width = k * (cell + GAP) - GAP
    grid = f"grid-template-columns:repeat({k},minmax(0,1fr));column-gap:{100 * GAP / width:.4f}%"
    above = "".join(f"<span>{value}</span>" for value in aligned(positions().tolist()))
    below = unit = ""
    if known is not None and traversal.expected is not None:
        values = "".join(f"<span>{value}</span>" for value in aligned(traversal.expected.tolist()))
        below = f'<div class="scale under" style="{grid}">{values}</div>'
        how = "measured on decoded images" if known.source == "decoded" else "learned from labels"
        low, high = known.range
        unit = f" <small>{escape(f'{brief(low)} to {brief(high)} {known.unit}'.strip())}, {how}</small>"
    alt = f"Traversal of {name}: {len(traversal.images)} images in rows, the slider from -4 to 4 in columns"
    return (
        f'<figure><h3>{escape(name)}{unit}</h3><div class="scale" style="{grid}">{above}</div>'
        f"{_img(drawn.sheets[f'traverse-{name}'], alt, space)}{below}</figure>"
    )


def scores(space: Space, found: Findings) -> str:
    """Two tables: how well images are kept, and what coordinates tell of attributes."""
    measurement = found.measurement
    of_attributes = {n: s for n, s in measurement.scores.items() if s.per_attribute or "modularity" in n}
    of_images = {n: s for n, s in measurement.scores.items() if n not in of_attributes}
    names = list(dict.fromkeys(a for score in of_attributes.values() for a in score.per_attribute))
    say = (
        f"{measurement.n:,} examples of the {measurement.split} split, codes: posterior {measurement.codes}, seed {measurement.seed}. "
        "An arrow says which way is better. Under each score: what it says and, after that, how it misleads."
    )
    tables = _table("Images", of_images, [], found.baselines, space)
    if of_attributes:
        tables += _table("Coordinates and attributes", of_attributes, names, {}, space)
    return f'<p class="say">{escape(say)}</p>{tables}'


def _table(
    title: str, of: Mapping[str, Score], names: Sequence[str], baselines: Mapping[str, float], space: Space
) -> str:
    span = 2 + len(names) + bool(baselines)
    heads = [*names, *(["the mean image"] if baselines else [])]
    head = "".join(f'<th class="number" scope="col">{escape(each)}</th>' for each in ["value", *heads])
    rows = []
    for name, score in of.items():
        known = meaning(name)
        arrow = {"higher": " ↑", "lower": " ↓"}.get(known.better, "")
        label = {"higher": "higher is better", "lower": "lower is better"}.get(known.better, "")
        cells = "".join(_part(score.per_attribute.get(each)) for each in names)
        if baselines:
            cells += f'<td class="number">{_shown(name, baselines[name]) if name in baselines else ""}</td>'
        rows.append(
            f'<tbody><tr><th scope="row">{escape(known.title)}<span class="better" title="{label}">{arrow}</span></th>'
            f'<td class="number all">{_shown(name, score.value)}</td>{cells}</tr>'
            f'<tr class="note"><td colspan="{span}">{escape(known.says)} <b>Beware:</b> {escape(known.trap)}{_winners(score, space)}</td></tr></tbody>'
            if known.says
            else f'<tbody><tr><th scope="row">{escape(name)}</th><td class="number all">{number(score.value)}</td>{cells}</tr></tbody>'
        )
    return (
        f'<div class="scroll"><table><caption>{escape(title)}</caption><thead><tr><th scope="col">score</th>{head}</tr></thead>'
        f"{''.join(rows)}</table></div>"
    )


def _part(value: float | None) -> str:
    if value is None:
        return "<td></td>"
    return f'<td class="number part"><span style="--v:{min(max(value, 0.0), 1.0):.3f}">{number(value)}</span></td>'


def _winners(score: Score, space: Space) -> str:
    """Where another coordinate than the attribute's own won, say so."""
    columns = space.codes.columns()
    dims = {name: columns[dim] for name, dim in score.detail.get("dim", {}).items() if name in space.sliders}
    others = [f"{name} by {winner}" for name, winner in dims.items() if winner != name]
    return f" Here another coordinate than the slider won: {escape(listed(others))}." if others else ""


def codes(found: Findings, drawn: Drawings) -> str:
    """Attributes over their coordinates, and the planes of two sliders."""
    if "attributes" not in drawn.charts:
        return ""
    n = len(next(iter(found.attributes.values())))
    body = (
        f'<p class="say">{n:,} examples of the {escape(found.measurement.split)} split by the mean of their posterior.</p>'
        + _figure(
            drawn.charts["attributes"],
            "Dots: an example's attribute over its coordinate. Line: the mean attribute with the slider at that position, the map "
            "that turns a wish in the attribute's own unit into a latent value. Where the line leaves the dots, decoded images are not "
            "quite like real ones; blur, for one, changes lengths and areas.",
        )
    )
    if "planes" in drawn.charts:
        body += '<div style="height:34px"></div>' + _figure(
            drawn.charts["planes"],
            "The data in every plane of two sliders, after Fig. 2 of AR-VAE. The panels of a row are coloured by the attribute of that "
            "row: the colour should change from bottom to top, and not from left to right. On the diagonal: the coordinate's "
            "distribution beside its prior.",
        )
    return body


def surfaces(found: Findings, drawn: Drawings) -> str:
    """Attribute surfaces, or why there are none."""
    names = list(dict.fromkeys(each.name for each in found.surfaces))
    missing = (
        f"{listed(found.unmeasurable)} cannot be measured on decoded images (known only as labels), so there is no surface."
        if found.unmeasurable
        else ""
    )
    if not names:
        return f'<p class="say">{escape(missing[:1].upper() + missing[1:])}</p>' if missing else ""
    say = (
        "The attribute, measured on what is decoded, over its own coordinate (across) and another (up), all others held at one draw "
        f"from the prior; after Figs. 12 and 13 of AR-VAE. Of a perfect slider the bands stand upright: R² is 1 along its own coordinate and 0 along any other. {missing}"
    )
    shown = []
    for name in names:
        own = [each for each in found.surfaces if each.name == name]
        sides = [
            f"{side}{each.along_x:.2f} along {name}, {each.along_y:.2f} along {each.against}"
            for side, each in zip(("left ", "right ") if len(own) > 1 else ("",), own, strict=True)
        ]
        shown.append(_figure(drawn.charts[f"surface-{name}"], f"R² of a straight line: {'; '.join(sides)}."))
    return f'<p class="say">{escape(say.strip())}</p><div class="two">{"".join(shown)}</div>'


def training(found: Findings, drawn: Drawings) -> str:
    """The training curve."""
    if "log" not in drawn.charts:
        return ""
    last = found.log[-1]
    held_out = any(key.startswith("validation/") for line in found.log for key in line)
    note = f"{last['step']:,} updates; every term is a mean over the updates between two logged ones."
    return _figure(drawn.charts["log"], note + (" With dots: the validation split." if held_out else ""))


def made(space: Space, command: str) -> str:
    """Where the model and these numbers come from."""
    import json

    lines = facts(space.spec, space.about) | ({"this report": command} if command else {})
    rows = "".join(
        f"<dt>{escape(k)}</dt><dd>{f'<code>{escape(v)}</code>' if k == 'this report' else escape(v)}</dd>"
        for k, v in lines.items()
    )
    recipe = space.about.get("recipe")
    text = escape(json.dumps(recipe, indent=2, ensure_ascii=False, default=str)) if recipe else ""
    return f"<dl>{rows}</dl>" + (
        f"<details><summary>The recipe, in full</summary><pre>{text}</pre></details>" if text else ""
    )


def _figure(content: str, caption: str) -> str:
    return f"<figure>{content}<figcaption>{escape(caption)}</figcaption></figure>"


def _img(data: bytes, alt: str, space: Space) -> str:
    kind = ' class="small"' if max(space.shape[1:]) <= PIXELATED else ""
    return f'<img{kind} src="data:image/png;base64,{base64.b64encode(data).decode()}" alt="{escape(alt)}">'


def _shown(name: str, value: float) -> str:
    return f"{value:.1%}" if name == "pixel-accuracy" else number(value, 4 if name == "mean-squared-error" else 3)

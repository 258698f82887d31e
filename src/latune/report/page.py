"""A report as one HTML page that needs nothing else: no script, no request, light and dark."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from latune.measurement import positions
from latune.pictures import is_tiny
from latune.report.figures import grouped
from latune.report.findings import Findings, Traversal
from latune.report.sheets import GAP, factor_of
from latune.report.tables import scores, shown
from latune.report.words import aligned, facts, listed, what_it_is
from latune.space import Space

TILES = {  # the numbers at the top, if they apply, and what stands below them
    "interpretability": "interpretability",
    "monotonicity": "monotonicity of sliders",
    "pixel-accuracy": "pixel accuracy",
    "elbo": "ELBO, nats an image",
}
PIXELATED = 40  # images of at most so many pixels a side, and not tiny, are shown as squares


@dataclass(frozen=True)
class Drawings:
    """What was drawn: PNG sheets and SVG charts, by the name of their picture."""

    sheets: Mapping[str, bytes]
    charts: Mapping[str, str]


def page(space: Space, found: Findings, drawn: Drawings, title: str, command: str, seed: int) -> str:
    """The whole page; sections that do not apply are left out."""
    sections = {
        "Samples and reconstructions": images(space, found, drawn, seed),
        "Sliders" if space.sliders else "Coordinates": sliders(space, found, drawn),
        "Scores": scores(space, found),
        "Attributes and their coordinates": codes(space, found, drawn),
        "Attribute surfaces": surfaces(found, drawn),
        "Training": training(found, drawn),
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
    cells = [
        f'<div class="tile"><b>{shown(name, found.measurement[name])}</b><span>{escape(below)}</span></div>'
        for name, below in TILES.items()
        if name in found.measurement.scores
    ]
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
    drawn_codes = " when one draw of each posterior is decoded" if found.measurement.codes == "sample" else ""
    accuracy, baseline = found.measurement["pixel-accuracy"], found.baselines["pixel-accuracy"]
    samples = _figure(
        _img(drawn.sheets["samples"], f"{n} images sampled from the prior", space),
        f"{n} samples from the prior, seed {seed}, none chosen.",
    )
    pairs = _figure(
        _img(drawn.sheets["reconstructions"], f"Images of the {split} split, each above its reconstruction", space),
        f"Images of the {split} split, each above its reconstruction from the posterior mean. "
        f"{shown('pixel-accuracy', accuracy)} of pixels fall on the right side of 0.5{drawn_codes}; the mean image "
        f"alone reaches {shown('pixel-accuracy', baseline)}.",
    )
    return _say("What the model draws by itself, and what it keeps of an image that it is shown.") + _two(
        samples, pairs
    )


def sliders(space: Space, found: Findings, drawn: Drawings) -> str:
    """A traversal grid for each coordinate."""
    if space.sliders:
        say = (
            f"Rows: images of the {found.measurement.split} split. Columns: the slider from −4 to 4, nothing else "
            "changed. Below each column: the value that the attribute has there on average."
        )
    else:
        say = (
            "This model has no sliders. These are the coordinates that vary most over the data, each moved from −4 to "
            "4 with nothing else changed; what they mean has to be seen."
        )
    wide = max(space.shape[1:]) > PIXELATED
    grids = [_traversal(space, each, drawn) for each in found.traversals]
    return _say(say) + (f'<div class="one">{"".join(grids)}</div>' if wide else _two(*grids))


def _traversal(space: Space, traversal: Traversal, drawn: Drawings) -> str:
    name, x = traversal.name, traversal.images
    n, k = x.shape[:2]
    width = k * (x.shape[-1] * factor_of(x) + GAP) - GAP
    columns = f"grid-template-columns:repeat({k},minmax(0,1fr));column-gap:{100 * GAP / width:.4f}%"
    above, below, reach = _scale(positions().tolist(), columns), "", ""
    known = space.calibration.get(name)
    if known is not None and traversal.expected is not None:
        below = _scale(traversal.expected.tolist(), columns, "under")
        low, high = aligned(known.range)
        how = "measured on decoded images" if known.source == "decoded" else "learned from labels"
        reach = f" <small>{escape(f'{low} to {high} {known.unit}'.strip())}, {how}</small>"
    alt = f"{n} images in rows, {name} from −4 to 4 in {k} columns"
    picture = _img(drawn.sheets[f"traverse-{name}"], alt, space)
    return f"<figure><h3>{escape(name)}{reach}</h3>{above}{picture}{below}</figure>"


def _scale(values: list[float], columns: str, kind: str = "") -> str:
    cells = "".join(f"<span>{value}</span>" for value in aligned(values))
    return f'<div class="scale {kind}" style="{columns}">{cells}</div>'


def codes(space: Space, found: Findings, drawn: Drawings) -> str:
    """Attributes over their coordinates, and the planes of two sliders."""
    if "attributes" not in drawn.charts:
        return ""
    n = len(next(iter(found.attributes.values())))
    parts = [
        _say(f"{n:,} examples of the {found.measurement.split} split, each at the mean of its posterior."),
        _figure(
            drawn.charts["attributes"],
            "Dots: an example's attribute over its coordinate. Line: the mean attribute with the slider at that "
            "position, the map that turns a wish in the attribute's own unit into a latent value."
            + " Where the line leaves the dots, decoded images are not quite like real ones (blur changes lengths)."
            * any(known.source == "decoded" for known in space.calibration.values()),
        ),
    ]
    if "planes" in drawn.charts:
        parts.append(
            _figure(
                drawn.charts["planes"],
                "The data in every plane of two sliders, after Fig. 2 of AR-VAE. The panels of a row are coloured by "
                "the attribute of that row: the colour should change from bottom to top, and not from left to right. "
                "On the diagonal: the coordinate's distribution beside its prior.",
            )
        )
    return "".join(parts)


def surfaces(found: Findings, drawn: Drawings) -> str:
    """Attribute surfaces, or why there are none."""
    names = list(dict.fromkeys(each.name for each in found.surfaces))
    missing = ""
    if found.unmeasurable:
        many = len(found.unmeasurable) > 1
        missing = (
            f"No surface for {listed(found.unmeasurable)}: {'these are' if many else 'this is'} known only as "
            f"{'labels' if many else 'a label'} and cannot be measured on decoded images."
        )
    if not names:
        return _say(missing) if missing else ""
    say = (
        "The attribute, measured on what is decoded, over its own coordinate (across) and another (up), all others "
        "held at one draw from the prior; after Figs. 12 and 13 of AR-VAE. Of a perfect slider the bands stand "
        f"upright: R² is 1 along its own coordinate and 0 along any other. {missing}"
    )
    figures = []
    for name in names:
        own = [each for each in found.surfaces if each.name == name]
        sides = [
            f"{side}{each.along_x:.2f} along {name}, {each.along_y:.2f} along {each.against}"
            for side, each in zip(("left ", "right ") if len(own) > 1 else ("",), own, strict=True)
        ]
        chart = f"<h3>{escape(name)}</h3>{drawn.charts[f'surface-{name}']}"
        figures.append(_figure(chart, f"R² of a straight line: {'; '.join(sides)}."))
    return _say(say.strip()) + _two(*figures)


def training(found: Findings, drawn: Drawings) -> str:
    """The training curve."""
    if "log" not in drawn.charts:
        return ""
    held_out = any("validation" in lines for lines in grouped(found.log).values())
    return _say(
        f"{found.log[-1]['step']:,} updates. Every value is a mean over the updates between two logged ones"
        + ("; with dots: the validation split." if held_out else ".")
    ) + _figure(drawn.charts["log"])


def made(space: Space, command: str) -> str:
    """Where the model and these numbers come from."""
    rows = [f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts(space.spec, space.about).items()]
    if command:
        rows.append(f"<dt>this report</dt><dd><code>{escape(command)}</code></dd>")
    recipe = ""
    if "recipe" in space.about:
        text = json.dumps(space.about["recipe"], indent=2, ensure_ascii=False, default=str)
        recipe = f"<details><summary>The recipe in full</summary><pre>{escape(text)}</pre></details>"
    return f"<dl>{''.join(rows)}</dl>{recipe}"


def _say(text: str) -> str:
    return f'<p class="say">{escape(text)}</p>'


def _two(*figures: str) -> str:
    return f'<div class="two">{"".join(figures)}</div>'


def _figure(content: str, caption: str = "") -> str:
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{content}{below}</figure>"


def _img(data: bytes, alt: str, space: Space) -> str:
    squares = max(space.shape[1:]) <= PIXELATED and not is_tiny(*space.shape[1:])  # tiny ones are smooth already
    kind = ' class="small"' if squares else ""
    return f'<img{kind} src="data:image/png;base64,{base64.b64encode(data).decode()}" alt="{escape(alt)}">'

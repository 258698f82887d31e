"""The knobs as HTML: plain sliders and choices, which the page's script moves and reads."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from latune.studio.knobs import Knob

CHIPS = 12  # choices that are buttons; more are a list
FIRST = 16  # knobs without a name that are shown at once


def knob_panel(knobs: Sequence[Knob], realism: bool, encodes: bool) -> str:
    """The panel of all knobs: those with names, controls, dials, and the rest folded away."""
    named = [knob for knob in knobs if knob.of == "coordinate" and knob.named]
    controls = [knob for knob in knobs if knob.of == "control"]
    rest = [knob for knob in knobs if knob.of == "coordinate" and not knob.named]
    parts = []
    if named:
        parts += ["<h2>Sliders</h2>", *map(knob_html, named)]
    if controls:
        parts += ["<h2>Controls</h2>", *map(knob_html, controls)]
    dials = [dial_html("realism", "Realism", 1.0, "how much is mended towards the data")] if realism else []
    dials += (
        [dial_html("identity", "Identity", 2.0, "how much controls keep what is there")] if controls and encodes else []
    )
    if dials:
        parts += ["<h2>Dials</h2>", *dials]
    if rest:
        shown = "".join(map(knob_html, rest[:FIRST]))
        more = rest[FIRST:]
        if more:
            shown += f"<details><summary>{len(more)} more</summary>{''.join(map(knob_html, more))}</details>"
        is_open = "" if named or controls else " open"
        parts.append(f"<details{is_open}><summary>Coordinates without a name ({len(rest)})</summary>{shown}</details>")
    return "".join(parts)


def knob_html(knob: Knob) -> str:
    """One knob: its name, what it says, a lock, and the slider or the choices.

    >>> "aria-label" in knob_html(Knob("slant", "coordinate", -4, 4))
    True
    """
    name, title = escape(knob.name, quote=True), escape(knob.title)
    head = (
        f'<div class="knob-head"><span class="name" id="name-{name}" title="{title}">{title}</span><output></output>'
        f"{_icon('lock', 'lock_open', f'Lock {title}', pressed=True)}{_icon('free', 'undo', f'Let {title} go')}</div>"
    )
    if not knob.choices:
        low, high = (escape(knob.end(each)) for each in (knob.low, knob.high))
        ends = f'<div class="ends"><span>{low}</span><span>{high}</span></div>'
        body = f"{_range(knob.low, knob.high, knob.step, title)}{ends}"
    elif len(knob.choices) <= CHIPS:
        chips = "".join(
            f'<button type="button" role="radio" aria-checked="false" data-choice="{escape(each, quote=True)}">'
            f"{escape(each)}</button>"
            for each in knob.choices
        )
        any_of = '<button type="button" role="radio" aria-checked="true" data-choice="">any</button>'
        body = f'<div class="chips" role="radiogroup" aria-label="{title}">{any_of}{chips}</div>'
    else:
        listed = "".join(f'<option value="{escape(each, quote=True)}">{escape(each)}</option>' for each in knob.choices)
        body = f'<select aria-label="{title}"><option value="">any</option>{listed}</select>'
    return f'<div class="knob" data-knob="{name}" data-of="{knob.of}">{head}{body}</div>'


def dial_html(name: str, title: str, most: float, meaning: str) -> str:
    """A dial that belongs to no knob."""
    head = (
        f'<div class="knob-head"><span class="name">{title}</span><output></output>'
        f"{_icon('free', 'undo', f'Let {title} go')}</div>"
    )
    foot = f'<div class="ends"><span>{meaning}</span></div>'
    slider = _range(0, most, most / 100, title)
    return f'<div class="knob dial" data-knob="{name}" data-of="dial">{head}{slider}{foot}</div>'


def _range(low: float, high: float, step: float, title: str) -> str:
    return f'<input type="range" min="{low:g}" max="{high:g}" step="{step:g}" aria-label="{title}">'


def _icon(kind: str, icon: str, label: str, pressed: bool = False) -> str:
    state = ' aria-pressed="false"' if pressed else ""
    return (
        f'<button type="button" class="icon {kind}" aria-label="{label}" title="{label}"{state}>'
        f'<i class="material-icons" aria-hidden="true">{icon}</i></button>'
    )

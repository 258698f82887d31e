"""Engraved scores as SVG, by verovio."""

from __future__ import annotations

import re
import zlib
from html import escape
from pathlib import Path
from typing import Any

from latune.errors import DataError, LatuneError
from latune.music.melody import Melody
from latune.music.writing.keys import Key
from latune.music.writing.musicxml import described, musicxml
from latune.music.writing.pianoroll import Rule

WORDLESS = "<direction-type><words></words></direction-type>"
TALLEST = 60_000  # the most units verovio lets a page be high


def svg(
    melody: Melody,
    width: int = 900,
    scale: int = 40,
    key: str | Key | None = "auto",
    snap: int | None = None,
    rule: Rule | None = None,
) -> str:
    """A melody as an engraved score: one SVG, its systems below each other, in the page's colours of text.

    Args:
        melody: what is engraved.
        width: of the score, in pixels; bars go to the next system where they no longer fit.
        scale: of notes and staves, in percent.
        key: a `Key`, or its name as `"D major"`; `"auto"` for the fewest accidentals; None for none.
        snap: steps of a quarter note that starts and ends are moved to, for times that no sign has.
        rule: what each note has to be (see `pianoroll`); a note that is not is red.

    Raises:
        DataError: for what `musicxml` cannot write, or a size that cannot be engraved.
        LatuneError: where verovio is not installed.
    """
    if not 100 <= width <= 20_000 or not 5 <= scale <= 200:
        raise DataError(f"A score is 100 to 20000 pixels wide, at a scale of 5 to 200 percent. Got {width}, {scale}.")
    toolkit, score = _toolkit(), musicxml(melody, key=key, snap=snap, rule=rule)
    score = re.sub(r"<direction-type>.*?</direction-type>", WORDLESS, score)  # the tempo's note would need a font
    toolkit.setOptions({
        "pageWidth": round(width * 100 / scale), "pageHeight": TALLEST, "adjustPageHeight": True, "scale": scale,
        "breaks": "auto", "header": "none", "footer": "none", "svgViewBox": True,
        "pageMarginLeft": 60, "pageMarginRight": 20, "pageMarginTop": 40, "pageMarginBottom": 20,
        "mnumInterval": 0, "svgRemoveXlink": True,
        "xmlIdSeed": zlib.crc32(score.encode()) % 2**31 or 1,  # a page may hold many scores, whose ids have to differ
    })  # fmt: skip
    if not toolkit.loadData(score):
        raise LatuneError("verovio could not read the score. Save it as .musicxml to look at what it was given.")
    pages = [toolkit.renderToSVG(number) for number in range(1, toolkit.getPageCount() + 1)]
    return _stacked(pages, described(melody))


def _toolkit() -> Any:
    try:
        import verovio
    except ImportError:
        raise LatuneError(
            'Scores are engraved by verovio, which is not installed: pip install "latune[music]". '
            "A .musicxml file needs nothing, and opens in MuseScore and others."
        ) from None
    verovio.enableLog(verovio.LOG_OFF)
    # Where its fonts are, each thread has to be told: its import tells the one that it is imported in.
    verovio.setDefaultResourcePath(str(Path(verovio.__file__).parent / "data"))
    return verovio.toolkit()


def _stacked(pages: list[str], alt: str) -> str:
    """Pages as one picture, each below the one before."""
    sizes = [[float(x) for x in re.search(r'viewBox="([^"]*)"', page).group(1).split()] for page in pages]  # type: ignore[union-attr]
    width, height = max(size[2] for size in sizes), sum(size[3] for size in sizes)
    out, top = [], 0.0
    for page, size in zip(pages, sizes, strict=True):
        inner = page[page.index("<svg") :].replace(' color="black"', "")  # the colour of text around it
        out.append(re.sub(r"<svg ", f'<svg y="{top:g}" width="{size[2]:g}" height="{size[3]:g}" ', inner, count=1))
        top += size[3]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="score" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(alt)}" style="width:100%;max-width:{width:g}px">'
    )
    return "\n".join([head, *out, "</svg>", ""])

"""What chairs are made of: legs, seats, backs and arms, each a few boxes and rods.

In centimetres: x to the right, y up from the floor, z to the front.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from latune.data.scenes.shapes import Shape, bar, box, cylinder, rod


@dataclass(frozen=True)
class Chair:
    """What a style is, in centimetres and radians.

    Args:
        legs, seat, back, arms: names of parts: `LEGS`, `SEATS`, `BACKS`, `ARMS`.
        tone: brightness in full light.
        height: of the top of the seat.
        half: half the seat's width; its depth is the same.
        thick: of the seat.
        top: of the back, above the floor.
        lean: of the back.
        stock: half the thickness of legs and posts.
    """

    legs: str
    seat: str
    back: str
    arms: str = "none"
    tone: float = 0.75
    height: float = 45.0
    half: float = 21.0
    thick: float = 4.0
    top: float = 88.0
    lean: float = 0.12
    stock: float = 2.0


def _both(part: Shape) -> Iterator[Shape]:
    yield part
    yield part.mirrored()


def _straight(c: Chair) -> Iterator[Shape]:
    x, y = c.half - c.stock, (c.height - c.thick) / 2
    for z in (x, -x):
        yield from _both(box((x, y, z), (c.stock, y, c.stock), c.tone))


def _splayed(c: Chair) -> Iterator[Shape]:
    inner, outer, y = 0.62 * c.half, 1.0 * c.half, c.height - c.thick
    for front in (1, -1):
        yield from _both(rod((outer, 0, front * outer), (inner, y, front * inner), 1.3 * c.stock, c.tone))
    ring = (inner + outer) / 2
    yield from _both(rod((ring, y / 2, -ring), (ring, y / 2, ring), 0.8 * c.stock, c.tone))


def _pedestal(c: Chair) -> Iterator[Shape]:
    yield cylinder((0, 2, 0), (0.85 * c.half, 2, 0.85 * c.half), 0.8 * c.tone)
    yield cylinder((0, (c.height - c.thick) / 2, 0), (3.2, (c.height - c.thick) / 2, 3.2), 0.8 * c.tone)


def _star(c: Chair) -> Iterator[Shape]:
    for spoke in range(5):
        angle = 2 * math.pi * spoke / 5
        end = (1.05 * c.half * math.sin(angle), 4.0, 1.05 * c.half * math.cos(angle))
        yield bar((0, 7, 0), end, (2.2, 1.6), 0.75 * c.tone)
        yield cylinder((end[0], 2, end[2]), (2.6, 2, 2.6), 0.4 * c.tone)
    yield cylinder((0, c.height / 2, 0), (2.8, c.height / 2 - c.thick / 2, 2.8), 0.75 * c.tone)


def _cantilever(c: Chair) -> Iterator[Shape]:
    x, y, r = c.half - c.stock, c.height - c.thick, c.stock
    yield from _both(rod((x, r, -x), (x, r, x), r, c.tone))
    yield from _both(rod((x, r, x), (x, y, x), r, c.tone))
    yield rod((-x, r, -x), (x, r, -x), r, c.tone)


def _sled(c: Chair) -> Iterator[Shape]:
    x, y, r = c.half - c.stock, c.height - c.thick, c.stock
    yield from _both(box((x, r, 0), (r, r, c.half), c.tone))
    for z in (x, -x):
        yield from _both(box((x, y / 2, z), (r, y / 2, r), c.tone))


def _block(c: Chair) -> Iterator[Shape]:
    y = (c.height - c.thick) / 2
    yield box((0, y, 0), (c.half - 1.5, y, c.half - 1.5), 0.7 * c.tone)


def _square(c: Chair) -> Iterator[Shape]:
    yield box((0, c.height - c.thick / 2, 0), (c.half, c.thick / 2, c.half), c.tone)


def _round(c: Chair) -> Iterator[Shape]:
    yield cylinder((0, c.height - c.thick / 2, 0), (c.half, c.thick / 2, c.half), c.tone)


def _leaning(c: Chair, parts: Iterator[Shape]) -> Iterator[Shape]:
    """Parts of a back, which turn about the seat's rear edge."""
    for part in parts:
        yield part.pitched(c.lean, about=(0, c.height - c.thick, -c.half + c.stock))


def _posts(c: Chair) -> Iterator[Shape]:
    y = (c.top + c.height - c.thick) / 2
    half = (c.stock, (c.top - c.height + c.thick) / 2, c.stock)
    yield from _both(box((c.half - c.stock, y, -c.half + c.stock), half, c.tone))


def _slats(c: Chair) -> Iterator[Shape]:
    z, y = -c.half + c.stock, c.top - 4
    yield from _leaning(c, _posts(c))
    yield from _leaning(c, iter([box((0, y, z), (c.half - 2 * c.stock, 4, 0.8 * c.stock), c.tone)]))
    middle, tall = (y - 4 + c.height) / 2, (y - 4 - c.height) / 2
    slats = (box((x * c.half, middle, z), (0.11 * c.half, tall, 0.5 * c.stock), c.tone) for x in (-0.45, 0, 0.45))
    yield from _leaning(c, slats)


def _rungs(c: Chair) -> Iterator[Shape]:
    yield from _leaning(c, _posts(c))
    heights = (c.height + share * (c.top - c.height) for share in (0.24, 0.5, 0.76, 0.97))
    half = (c.half - 2 * c.stock, 2.6, 0.6 * c.stock)
    yield from _leaning(c, (box((0, y, -c.half + c.stock), half, c.tone) for y in heights))


def _panel(c: Chair) -> Iterator[Shape]:
    y, tall = (c.top + c.height - c.thick) / 2, (c.top - c.height + c.thick) / 2
    yield from _leaning(c, iter([box((0, y, -c.half + c.stock), (c.half, tall, c.stock), c.tone)]))


def _pad(c: Chair) -> Iterator[Shape]:
    low, z = c.height + 0.4 * (c.top - c.height), -c.half + c.stock
    yield from _leaning(c, iter([box((0, (c.top + low) / 2, z), (c.half, (c.top - low) / 2, 1.5), c.tone)]))
    posts = (
        rod((x, c.height - c.thick, z), (x, c.top - 4, z), 1.1, 0.8 * c.tone) for x in (-0.5 * c.half, 0.5 * c.half)
    )
    yield from _leaning(c, posts)


def _hoop(c: Chair) -> Iterator[Shape]:
    x, z, low = 0.8 * c.half, -c.half + 3 * c.stock, c.height - c.thick
    corner = c.top - 10
    hoop = [
        rod((x, low, z), (x, corner, z), c.stock, c.tone),
        rod((x, corner - 0.5, z), (0.42 * c.half, c.top, z), c.stock, c.tone),
    ]
    yield from _leaning(c, (each for part in hoop for each in _both(part)))
    yield from _leaning(c, iter([rod((-0.46 * c.half, c.top, z), (0.46 * c.half, c.top, z), c.stock, c.tone)]))
    yield from _leaning(c, iter([rod((-x, c.height + 16, z), (x, c.height + 16, z), c.stock, c.tone)]))


def _spindles(c: Chair) -> Iterator[Shape]:
    z, low = -c.half + 2 * c.stock, c.height - 1
    places = (-0.88, -0.53, -0.18, 0.18, 0.53, 0.88)
    rods = (rod((x * c.half, low, z), (x * c.half, c.top - 2, z), 0.75 * c.stock, c.tone) for x in places)
    yield from _leaning(c, rods)
    yield from _leaning(c, iter([box((0, c.top - 2, z), (c.half, 4, 1.3), c.tone)]))


def _rails(c: Chair) -> Iterator[Shape]:
    x, y, z = c.half - c.stock, c.height + 21, 0.62 * c.half
    yield from _both(box((x, y, -0.12 * c.half), (1.3 * c.stock, 1.4, 0.88 * c.half), c.tone))
    yield from _both(
        box((x, (y + c.height - c.thick) / 2, z), (c.stock, (y - c.height + c.thick) / 2, c.stock), c.tone)
    )


def _solid(c: Chair) -> Iterator[Shape]:
    top = c.height + 18
    yield from _both(box((c.half + c.stock, top / 2, 0), (c.stock, top / 2, c.half), c.tone))


def _none(_: Chair) -> Iterator[Shape]:
    yield from ()


Parts = dict[str, Callable[[Chair], Iterator[Shape]]]
LEGS: Parts = {
    "straight": _straight,
    "splayed": _splayed,
    "pedestal": _pedestal,
    "star": _star,
    "cantilever": _cantilever,
    "sled": _sled,
    "block": _block,
}
SEATS: Parts = {"square": _square, "round": _round}
BACKS: Parts = {
    "slats": _slats,
    "rungs": _rungs,
    "panel": _panel,
    "pad": _pad,
    "hoop": _hoop,
    "spindles": _spindles,
}
ARMS: Parts = {"none": _none, "rails": _rails, "solid": _solid}

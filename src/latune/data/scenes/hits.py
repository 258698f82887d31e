r"""Where a ray enters and leaves a shape, and how bright the shape is there.

Seen along w, the ray through (u, v) is inside a convex shape from a top down to a bottom:

- between the planes $|p_k| \le 1$ of a box, where $p = M (q - c)$ is affine in $q = (u, v, w)$, from $w_k + h_k$ to
  $w_k - h_k$, with $w_k$ affine in u and v and $h_k = 1 / |M_{kw}|$; inside the box, from the least of the three tops
  to the greatest of the three bottoms;
- inside $|T (q - c)|^2 \le 1$, with T lower triangular, so that $p_1$ depends on u, $p_2$ on u and v, and $p_3$ on all:
  from $p_3 = \sqrt{1 - p_1^2 - p_2^2}$ to its negative. With $T^T T = M^T M$ this is an ellipsoid; without the row of
  the second axis in M, a cylinder without ends, which two planes then cut.

Sums, products and roots are taken one by one, each rounded as IEEE 754 says, so a ray is the same bit for bit in any
batch. Coefficients are float64 and made once for a shape; rays are float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from latune.data.scenes.shapes import ELLIPSOID, Solids

FLAT = 1e-4  # planes and tubes nearer to the line of sight than this (rad) are turned away from it so far
FAR = 1e6  # further than anything

Hit = tuple[Float32[Tensor, "8 8 P"], Float32[Tensor, "8 8 P"]]  # top (-FAR where missed) and brightness


def inverse(axes: Float64[Tensor, "m K 3 3"]) -> Float64[Tensor, "m K 3 3"]:
    """The inverse of the matrices whose columns are the half-axes; its rows are the gradients of p."""
    a, b, c = axes.unbind(2)
    rows = (_cross(b, c), _cross(c, a), _cross(a, b))
    volume = _dot(a, rows[0])[..., None]
    return torch.stack([row / volume for row in rows], dim=2)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    (x, y, z), (u, v, w) = a.unbind(-1), b.unbind(-1)
    return torch.stack([y * w - z * v, z * u - x * w, x * v - y * u], dim=-1)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    (x, y, z), (u, v, w) = a.unbind(-1), b.unbind(-1)
    return x * u + y * v + z * w


@dataclass(frozen=True)
class Lit:
    """Brightness of a surface by its normal."""

    light: Float64[Tensor, "m 1 3"]
    tones: Float64[Tensor, "m K"]
    ambient: float

    @property
    def least(self) -> Tensor:
        """In the light from everywhere."""
        return self.tones * self.ambient

    @property
    def most(self) -> Tensor:
        """What is added to `least` in full light."""
        return self.tones * (1 - self.ambient)

    def flat(self, normal: Float64[Tensor, "m K 3"]) -> Float64[Tensor, "m K"]:
        """Of a plane whose normal, of any length, is turned to the viewer."""
        towards = torch.where(normal[..., 2:] < 0, -normal, normal)
        cosine = _dot(towards, self.light) / _dot(towards, towards).sqrt()
        return self.least + self.most * cosine.clamp(min=0)


def _slabs(solids: Solids, rows: Tensor) -> list[Tensor]:
    """Slopes along u and v, top and bottom at the origin, of what lies between the two planes |p| <= 1 of a row."""
    u, v, w = rows.unbind(-1)
    least = _dot(rows, rows).sqrt() * FLAT
    w = torch.where(w < 0, -torch.maximum(-w, least), torch.maximum(w, least))
    along, up = -u / w, -v / w
    x, y, z = solids.centres.unbind(-1)
    middle = z - along * x - up * y
    return [along, up, middle + 1 / w.abs(), middle - 1 / w.abs()]


def planes(solids: Solids, rows: Tensor, lit: Lit) -> Float32[Tensor, "15 n"]:
    """Of boxes: three slabs, and the brightness of their tops."""
    three = rows.unbind(2)
    columns = [each for row in three for each in _slabs(solids, row)] + [lit.flat(row) for row in three]
    return torch.stack(columns).flatten(1).float()


def boxes(table: Float32[Tensor, "15 P"], u: Float32[Tensor, "8 P"], v: Float32[Tensor, "8 P"]) -> Hit:
    """A block of 8x8 rays against each of P boxes."""
    tops, bottoms = [], []
    for along, up, top, bottom in (table[0:4], table[4:8], table[8:12]):
        sideways, upright = (along * u)[None], up * v
        tops.append(sideways + (upright + top)[:, None])
        bottoms.append(sideways + (upright + bottom)[:, None])
    first, second, third = tops
    nearer = torch.minimum(second, third)
    shade = torch.where(second < third, table[13], table[14])
    shade = torch.where(first < nearer, table[12], shade)
    top = torch.minimum(first, nearer)
    bottom = torch.maximum(torch.maximum(bottoms[0], bottoms[1]), bottoms[2])
    return top.masked_fill_(top < bottom, -FAR), shade


def curves(solids: Solids, rows: Tensor, lit: Lit) -> Float32[Tensor, "21 n"]:
    """Of ellipsoids and cylinders: T, its constants, the slab between a cylinder's ends, and what brightness needs."""
    ball = (solids.kinds == ELLIPSOID)[..., None]
    first, ends, third = rows.unbind(2)
    second = torch.where(ball, ends, 0)

    def s(i: int, j: int) -> Tensor:
        return first[..., i] * first[..., j] + second[..., i] * second[..., j] + third[..., i] * third[..., j]

    least = (s(0, 0) + s(1, 1) + s(2, 2)).sqrt() * FLAT
    ww = torch.maximum(s(2, 2).sqrt(), least)
    uw, vw = s(0, 2) / ww, s(1, 2) / ww
    vv = torch.maximum((s(1, 1) - vw * vw).clamp(min=0).sqrt(), least * FLAT)
    uv = (s(0, 1) - uw * vw) / vv
    uu = (s(0, 0) - uw * uw - uv * uv).clamp(min=0).sqrt()
    x, y, z = solids.centres.unbind(-1)
    along, up = -uw / ww, -vw / ww
    slab = torch.stack(_slabs(solids, ends))
    open_ended = torch.tensor([0.0, 0.0, FAR, -FAR], dtype=torch.float64, device=slab.device)[:, None, None]
    slab = torch.where(ball[..., 0], open_ended, slab)
    lx, ly, lz = (lit.light * lit.most[..., None]).unbind(-1)
    columns = [uu, -uu * x, uv, vv, -uv * x - vv * y]
    columns += [along, up, z - along * x - up * y, 1 / ww, *slab]
    columns += [uw, vw, ww]  # the normal is T^T p
    columns += [uu * lx, uv * lx + vv * ly, uw * lx + vw * ly + ww * lz, lit.least, lit.flat(ends)]
    return torch.stack(columns).flatten(1).float()


def rounds(table: Float32[Tensor, "21 P"], u: Float32[Tensor, "8 P"], v: Float32[Tensor, "8 P"]) -> Hit:
    """A block of 8x8 rays against each of P ellipsoids or cylinders."""
    uu, u0, uv, vv, v0, along, up, middle, half, s_along, s_up, s_top, s_bottom = table[:13]
    uw, vw, ww, l1, l2, l3, least, end = table[13:]
    p1 = uu * u + u0  # (8, P)
    p2 = (uv * u)[None] + (vv * v + v0)[:, None]  # (8, 8, P)
    room = (1 - p1 * p1)[None] - p2 * p2
    p3 = room.clamp(min=0).sqrt()
    centre = (along * u)[None] + (up * v + middle)[:, None]
    reach = p3 * half
    top, bottom = centre + reach, centre - reach
    slope, upright = (s_along * u)[None], s_up * v
    lid, floor = slope + (upright + s_top)[:, None], slope + (upright + s_bottom)[:, None]
    # Lambert: T^T p by the light, over its length.
    nx, ny, nz = (uu * p1)[None] + uv * p2 + uw * p3, vv * p2 + vw * p3, ww * p3
    length = (nx * nx + ny * ny + nz * nz).sqrt()
    cosine = ((l1 * p1)[None] + l2 * p2 + l3 * p3) / length.clamp(min=1e-6)
    shade = torch.where(lid < top, end, cosine.clamp(min=0) + least)
    top = torch.minimum(top, lid)
    missed = (room < 0) | (top < torch.maximum(bottom, floor))
    return top.masked_fill_(missed, -FAR), shade

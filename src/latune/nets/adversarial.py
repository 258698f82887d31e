"""The nets of InfoGAN: a judge that also recognises codes, and a generator, after the paper's tables 1 to 6."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from latune.errors import unknown

KERNEL = 4  # of every convolution
INIT = 0.02  # standard deviation of every weight, and of BN's scales around 1


@dataclass(frozen=True)
class Table:
    """One table of the paper's appendix.

    Args:
        down: channels and stride of each convolution of the trunk.
        hidden: widths of its fully connected layers.
        recogniser: width of the layer that the recogniser has for itself; 0 where judge and recogniser share one.
        start: channels of the plane that the generator starts from.
        first: widths of the fully connected layers before that plane.
        up: channels and stride of each up-convolution but the last, whose channels are the image's.
        bare: how many of these, from the last back, have no batch normalisation.
        last: stride of the last up-convolution.
        centred: whether images are seen, and made by a tanh, in [-1, 1].
    """

    down: tuple[tuple[int, int], ...]
    hidden: tuple[int, ...]
    recogniser: int
    start: int
    first: tuple[int, ...]
    up: tuple[tuple[int, int], ...]
    bare: int = 0
    last: int = 2
    centred: bool = False

    @property
    def scales(self) -> dict[str, int]:
        """How far the trunk scales images down, and the generator its plane up: both divide an image's sides."""
        return {"down": prod(n for _, n in self.down), "up": prod(n for _, n in self.up) * self.last}

    def thinned(self, width: float) -> Table:
        """The same with a share of the channels."""

        def some(n: int) -> int:
            return max(1, round(n * width))

        return replace(
            self,
            down=tuple((some(n), stride) for n, stride in self.down),
            hidden=tuple(map(some, self.hidden)),
            recogniser=some(self.recogniser) if self.recogniser else 0,
            start=some(self.start),
            first=tuple(map(some, self.first)),
            up=tuple((some(n), stride) for n, stride in self.up),
        )


_COLOUR = Table(
    down=((64, 2), (128, 2), (256, 2)),
    hidden=(),
    recogniser=128,
    start=448,
    first=(),
    up=((256, 2), (128, 2), (64, 2)),
    bare=2,
    centred=True,
)
TABLES: dict[str, Table] = {
    # Table 1 gives no stride for the last up-convolution; 28x28 images need 2.
    "mnist": Table(down=((64, 2), (128, 2)), hidden=(1024,), recogniser=128, start=128, first=(1024,), up=((64, 2),)),
    "svhn": _COLOUR,
    "celeba": _COLOUR,  # table 3, whose caption names SVHN
    "faces": Table(down=((64, 2), (128, 2)), hidden=(1024,), recogniser=0, start=128, first=(1024,), up=((64, 2),)),
    "chairs": Table(
        down=((64, 2), (128, 2), (256, 2), (256, 1), (256, 1)),
        hidden=(1024,),
        recogniser=0,
        start=256,
        first=(1024,),
        up=((256, 1), (256, 1), (128, 2), (64, 2)),
    ),
}


@dataclass(frozen=True)
class Adversarial:
    """A judge with a recogniser on its trunk, and a generator: Chen et al. 2016, tables 1 to 6.

    Every convolution is 4x4 with "SAME" padding as TensorFlow's: 1 on each side for stride 2, 1 before and 2 after for
    stride 1 (https://arxiv.org/abs/1606.03657). Batch normalisation follows every layer but the trunk's first, the
    heads', the generator's last, and of the tables in colour the two before that. Weights start as N(0, 0.02^2), in the
    trunk's convolutions cut off at two standard deviations.

    Args:
        table: mnist, svhn, celeba, faces or chairs.
        slope: of the leaky rectifiers below 0; 0.1 in the paper, 0.01 in the released code.
        width: share of the channels, for smaller nets.
        bare: how many up-convolutions before the last have no batch normalisation, in place of the table's number: 2 in
            colour, 0 in grey.
        spectral: hold the norm of every layer of the trunk and of the judge to 1, in place of their batch
            normalisation (Miyato et al. 2018, https://arxiv.org/abs/1802.05957); the paper has none.

    Raises:
        ValueError: another table, images whose sides the strides do not divide, or more bare layers than there are.

    >>> judge, generator = Adversarial().build((1, 28, 28), params=15, width=74)
    >>> [sum(p.numel() for p in net.parameters()) for net in (judge, generator)]
    [6692431, 6652481]
    """

    table: str = "mnist"
    slope: float = 0.1
    width: float = 1.0
    bare: int | None = None
    spectral: bool = False

    def __post_init__(self) -> None:
        if self.bare is not None and self.table in TABLES:
            most = len(TABLES[self.table].up)
            if not 0 <= self.bare <= most:
                raise ValueError(f"bare is 0 to {most} in the table '{self.table}'. Got {self.bare}.")

    def build(self, shape: tuple[int, int, int], params: int, width: int) -> tuple[Judge, Generator]:
        """Judge `(n, *shape) -> (n, params)`, its first column the logit of being real, the others the recogniser's;
        and generator `(n, width) -> (n, *shape)`, whose sigmoid is the image.
        """
        if self.table not in TABLES:
            raise ValueError(unknown("table", self.table, TABLES))
        table = TABLES[self.table].thinned(self.width)
        if self.bare is not None:
            table = replace(table, bare=self.bare)
        for what, scale in table.scales.items():
            if any(side % scale for side in shape[1:]):
                raise ValueError(
                    f"The table '{self.table}' scales images {what} by {scale}; their sides are to be divided "
                    f"by it. Got {shape[1]}x{shape[2]}."
                )
        judge = Judge(table, shape, params, self.slope, self.spectral)
        return judge, Generator(table, shape, width)


class Judge(nn.Module):
    """A trunk that judge and recogniser share, and a head for each."""

    def __init__(self, table: Table, shape: tuple[int, int, int], params: int, slope: float, spectral: bool) -> None:
        super().__init__()
        self.centred = table.centred
        layers: list[nn.Module] = []

        def add(layer: nn.Module, normal: nn.Module | None) -> None:
            held = spectral_norm(_start(layer)) if spectral else _start(layer)
            after = [_start(normal)] if normal is not None and not spectral else []
            layers.extend([held, *after, nn.LeakyReLU(slope)])

        planes = [shape[0], *(n for n, _ in table.down)]
        for place, (_, stride) in enumerate(table.down):
            before, after = planes[place : place + 2]
            if stride == 1:
                layers.append(nn.ZeroPad2d((1, 2, 1, 2)))
            conv = nn.Conv2d(before, after, KERNEL, stride, 0 if stride == 1 else 1)
            add(conv, nn.BatchNorm2d(after) if place else None)
        layers.append(nn.Flatten())
        shrink = table.scales["down"]
        widths = [planes[-1] * (shape[1] // shrink) * (shape[2] // shrink), *table.hidden]
        for before, after in pairwise(widths):
            add(nn.Linear(before, after), nn.BatchNorm1d(after))
        self.trunk = nn.Sequential(*layers)
        head = _start(nn.Linear(widths[-1], 1))
        self.real = spectral_norm(head) if spectral else head
        own: list[nn.Module] = []
        if table.recogniser:
            own = [
                _start(nn.Linear(widths[-1], table.recogniser)),
                _start(nn.BatchNorm1d(table.recogniser)),
                nn.LeakyReLU(slope),
            ]
        self.codes = nn.Sequential(*own, _start(nn.Linear(table.recogniser or widths[-1], params - 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(n, 1)` of being real, and the recogniser's raw output beside them."""
        seen = self.features(x)
        return torch.cat([self.real(seen), self.codes(seen)], 1)

    def features(self, x: Tensor) -> Tensor:
        """What the trunk sees."""
        return self.trunk(2 * x - 1 if self.centred else x)


class Generator(nn.Module):
    """Fully connected layers to a small plane, and up-convolutions to the image, before its sigmoid."""

    def __init__(self, table: Table, shape: tuple[int, int, int], width: int) -> None:
        super().__init__()
        self.centred = table.centred
        strides = [*(stride for _, stride in table.up), table.last]
        plane = (table.start, shape[1] // table.scales["up"], shape[2] // table.scales["up"])
        layers: list[nn.Module] = []
        widths = [width, *table.first, prod(plane)]
        for before, after in pairwise(widths):
            layers += [_start(nn.Linear(before, after)), _start(nn.BatchNorm1d(after)), nn.ReLU()]
        layers.append(nn.Unflatten(1, plane))
        planes = [table.start, *(n for n, _ in table.up), shape[0]]
        for place, ((before, after), stride) in enumerate(zip(pairwise(planes), strides, strict=True)):
            # A transposed convolution of stride 1 without padding is 3 too wide: TensorFlow's "SAME" cuts 1 and 2.
            up = nn.ConvTranspose2d(before, after, KERNEL, stride, 0 if stride == 1 else 1)
            layers += [_start(up), *([nn.ZeroPad2d((-1, -2, -1, -2))] if stride == 1 else [])]
            if place < len(table.up):
                layers += [*([_start(nn.BatchNorm2d(after))] if place < len(table.up) - table.bare else []), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """`(n, width)` to `(n, c, h, w)`, before the sigmoid; (tanh(r) + 1) / 2 is the sigmoid of 2 r."""
        raw = self.layers(z)
        return 2 * raw if self.centred else raw


def _start(layer: nn.Module) -> nn.Module:
    """Initial weights as in the released code."""
    with torch.no_grad():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.weight.normal_(1.0, INIT)
        elif isinstance(layer, nn.Conv2d):
            nn.init.trunc_normal_(layer.weight, 0.0, INIT, -2 * INIT, 2 * INIT)
        elif isinstance(layer, nn.Linear | nn.ConvTranspose2d):
            layer.weight.normal_(0.0, INIT)
        bias = getattr(layer, "bias", None)
        if bias is not None:
            bias.zero_()
    return layer

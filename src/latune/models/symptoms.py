"""What goes wrong in a GAN with codes: the numbers that show it, and what they say in plain words."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from latune.codes import Gaussian, OneOf
from latune.training import Remark

SURE = 0.97  # believed of real images, and 1 less this of made ones: from there on the judge has won
UNTOLD = 0.1  # share of a code's entropy, of a number's variance: less is hardly any
RARE = 0.3  # share of what a class is expected to have among real images
SWAPPED = 0.1  # share of a class's images that a push gives to one other class
ALIKE = 0.3  # spread of made images as a share of the real ones'
NARROW = 0.01  # sigma of a recogniser, in units of a code's range of 2

OF_CODES = {  # a sentence a symptom, for all the codes that it holds of
    "untold": "Images hardly tell {codes}: {shares} of all that there is to tell. If that stays so, raise "
    "model.information.",
    "unexplained": "Images hardly tell {codes}: what is recognised explains {shares} of the variance. If that stays "
    "so, raise model.information_real.",
    "rare": "A class of {codes} is hardly found among real images: it has {shares} of an equal share. What is made of "
    "it is not in the data, or two kinds of images share the other classes. Train longer, or raise model.agreement.",
    "mixed": "Classes of {codes} run into each other: {shares} of the images of one are of another once they are "
    "pushed a little out of shape. Two classes may share what they show. Train longer, try another seed, or raise "
    "model.agreement.",
    "narrow": "The recogniser's sigma of {codes} is nearly 0: {least:.2g}, and its bound grows without end. Set "
    "model.least_scale=0.05.",
}


def measured(
    real: Mapping[str, Gaussian | OneOf],
    copies: Mapping[str, Gaussian | OneOf],
    made: Mapping[str, Gaussian | OneOf],
) -> dict[str, float]:
    """The numbers beside the bounds: of classes among real images, and of the recogniser's sigma.

    `rarest`: the share of real images that the rarest class has, of the equal share that is expected. `swapped`: the
    largest share of a class's images whose copies, pushed out of shape, are of one other class. `sigma`: the mean.

    Args:
        real, copies, made: Q(c|x) of real images, of copies of them that are pushed, and of made images; by code.
    """
    found: dict[str, float] = {}
    for name, q in real.items():
        other, of_made = copies[name], made[name]
        if isinstance(q, OneOf) and isinstance(other, OneOf):
            shares = q.mean.mean(0)
            found[f"rarest/{name}"] = float(shares.min() * len(shares))
            found[f"swapped/{name}"] = swapped(q.mean, other.mean)
        elif isinstance(of_made, Gaussian):
            found[f"sigma/{name}"] = float(of_made.scale.mean())
    return found


def swapped(classes: Float[Tensor, "n k"], copied: Float[Tensor, "n k"]) -> float:
    """The largest share of a class's images whose copies are of one other class.

    >>> swapped(torch.eye(2), torch.eye(2)), swapped(torch.eye(2), torch.eye(2).flip(0))
    (0.0, 1.0)
    """
    joint = classes.T @ copied / len(classes)
    shares = joint / joint.sum(1, keepdim=True).clamp_min(torch.finfo(joint.dtype).tiny)
    return float(shares.fill_diagonal_(0).max())


def spread(images: Float[Tensor, "n *shape"]) -> float:
    """How far images are from their mean: root mean square over images and pixels."""
    return float((images - images.mean(0)).square().mean().sqrt())


def explained(bound: float, entropy: float, sigma: float) -> float:
    r"""The share of a uniform code's variance that a Gaussian recogniser explains, from the bound on what it tells.

    .. math:: 1 - \frac{2 \sigma^2 \bigl( H - \tfrac12 \log 2 \pi - \log \sigma - L_I \bigr)}{e^{2 H} / 12}

    >>> most = math.log(2) - 0.5 * math.log(2 * math.pi)  # of a code on [-1, 1], where sigma is 1
    >>> explained(most, math.log(2), 1.0), round(explained(most - 1 / 12, math.log(2), 1.0), 6)
    (1.0, 0.5)
    """
    squared = 2 * sigma**2 * (entropy - 0.5 * math.log(2 * math.pi) - math.log(sigma) - bound)
    return 1 - squared / (math.exp(2 * entropy) / 12)


def percent(share: float) -> str:
    """A share in words.

    >>> percent(0.973)
    '97 %'
    """
    return f"{share:.0%}".replace("%", " %")


def shares(found: Mapping[str, float]) -> str:
    """How large the shares of several codes are.

    >>> shares({"c1": 0.05, "c2": 0.21, "c3": 0.1}), shares({"c1": 0.05})
    ('5 to 21 %', '5 %')
    """
    least, most = percent(min(found.values())), percent(max(found.values()))
    return most if least == most else f"{least.removesuffix(' %')} to {most}"


def named(codes: Collection[str], among: Sequence[str]) -> str:
    """Codes in a sentence; more than three neighbours by the first and the last.

    >>> named(["c1", "c3"], ["c1", "c2", "c3"]), named(["c2", "c3", "c4", "c5"], ["c1", "c2", "c3", "c4", "c5"])
    ('c1, c3', 'c2 to c5')
    """
    first, *_, last = *codes, *codes
    neighbours = list(among)[list(among).index(first) : list(among).index(last) + 1]
    return f"{first} to {last}" if len(codes) > 3 and neighbours == list(codes) else ", ".join(codes)


def said(numbers: Mapping[str, float], entropies: Mapping[str, float], floor: float) -> Iterator[Remark]:
    """What the numbers of a validation say, a sentence a symptom, and what to try; nothing where all is well.

    Args:
        numbers: `believed real` and `believed made`, `spread`, and of each code what `measured` and the bound say.
        entropies: of each code that is to be told, in nats; none where the recogniser only watches.
        floor: the recogniser's least sigma; 0 for none.

    >>> next(said({"believed real": 0.99, "believed made": 0.01, "spread": 1.0}, {}, 0.05)).text.split(":")[0]
    'The judge has won'
    """
    real, fake = numbers["believed real"], numbers["believed made"]
    if real > SURE and fake < 1 - SURE:
        yield Remark(
            f"The judge has won: it believes {percent(real)} of real images and {percent(fake)} of made ones, and "
            "the generator learns little from it. Try nets.spectral=true, model.penalty=10, or a lower "
            "model.judge_rate.",
            frozenset({"won"}),
        )
    if numbers["spread"] < ALIKE:
        yield Remark(
            f"Made images are much alike: they spread {percent(numbers['spread'])} as far as real ones. The generator "
            "has collapsed. Try model.penalty=10, a larger training.batch_size, or a ramp of model.information from 0.",
            frozenset({"alike"}),
        )
    found: dict[str, dict[str, float]] = {symptom: {} for symptom in OF_CODES}
    for name, entropy in entropies.items():
        told, sigma = numbers[f"information/{name}"], numbers.get(f"sigma/{name}")
        if sigma is None and told < UNTOLD * entropy:
            found["untold"][name] = max(told / entropy, 0)
            continue
        if sigma and (share := explained(told, entropy, sigma)) < UNTOLD:  # a sigma that is down to 0 is said below
            found["unexplained"][name] = max(share, 0)
        if (least := numbers.get(f"rarest/{name}", 1.0)) < RARE:
            found["rare"][name] = least
        if (most := numbers.get(f"swapped/{name}", 0.0)) > SWAPPED:
            found["mixed"][name] = most
        if sigma is not None and sigma < NARROW and not floor:
            found["narrow"][name] = sigma
    for symptom, of in found.items():
        if of:
            codes = ("each of " if len(of) > 1 else "") + named(of, list(entropies))
            text = OF_CODES[symptom].format(codes=codes, shares=shares(of), least=min(of.values()))
            yield Remark(text, frozenset(f"{symptom} {name}" for name in of))

"""What InfoGAN's options ask of its codes and of each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from latune.codes import Categorical, Codes, Uniform
from latune.errors import unknown
from latune.models.distortion import MOTIONS
from latune.training import Number


def check_options(
    told: Codes,
    *,
    inform: bool,
    agreement: Number,
    evenness: Number,
    orthogonality: Number,
    visibility: Number,
    visible: float | Sequence[float],
    symmetry: Number,
    mirror: Sequence[str],
    equivariance: Number,
    follow: Mapping[str, str],
    distortion: float,
) -> None:
    """Refuse options that nothing could come of.

    Raises:
        ValueError: with what was got, what is allowed and what to do.
    """
    numbers = [name for name, factor in told.items() if isinstance(factor, Uniform)]
    width = sum(told[name].width for name in numbers)
    if agreement and not (inform and any(isinstance(factor, Categorical) for factor in told.values())):
        raise ValueError(
            "model.agreement is of the classes that a generator is told by: it needs a code of classes "
            "(model.categorical=[10]) and model.inform=true."
        )
    if evenness and not inform:
        raise ValueError("model.evenness is of the codes that a generator is told by: it needs model.inform=true.")
    for option, weight, least in (("orthogonality", orthogonality, 2), ("visibility", visibility, 1)):
        if weight and not (inform and width >= least):
            needs = "a code that is a number" if least == 1 else "two or more"
            raise ValueError(
                f"model.{option} is of the numbers that a generator is told by: it needs {needs} "
                "(model.continuous=2) and model.inform=true."
            )
    if not isinstance(visible, int | float) and len(visible) != width:
        raise ValueError(f"model.visible is one length for all numbers, or one for each of {width}. Got {visible}.")
    _check_mirror(numbers, symmetry, mirror)
    _check_follow(numbers, equivariance, follow, distortion if inform else None)


def _check_mirror(numbers: Sequence[str], symmetry: Number, mirror: Sequence[str]) -> None:
    _check_names("model.mirror", mirror, numbers)
    one = (numbers or ["c2"])[0]
    _check_both("mirror", mirror, "symmetry", symmetry, "change their sign in a mirror", f'["{one}"]')


def _check_follow(
    numbers: Sequence[str], equivariance: Number, follow: Mapping[str, str], distortion: float | None
) -> None:
    _check_names("model.follow", follow, numbers)
    one = (numbers or ["c2"])[0]
    _check_both("follow", follow, "equivariance", equivariance, "follow a motion", f'{{{one}="slant"}}')
    for name, motion in follow.items():
        if motion not in MOTIONS:
            raise ValueError(f"model.follow.{name}: {unknown('motion', motion, MOTIONS)}")
    if twice := _twice(follow.values()):
        raise ValueError(f"model.follow has two numbers follow '{twice}'. Each follows a motion of its own.")
    if follow and distortion is None:
        raise ValueError("model.follow is of numbers that a generator is told by: it needs model.inform=true.")
    if follow and not distortion:
        raise ValueError("model.follow is of images that are pushed: it needs a model.distortion above 0. Got 0.")


def _check_both(option: str, named: object, weight: str, counts: Number, what: str, example: str) -> None:
    """Which numbers, and how much it counts: one says nothing without the other."""
    if bool(named) != bool(counts):
        missing = f"model.{option} is empty" if counts else f"model.{weight} is 0"
        raise ValueError(
            f"model.{option} says which numbers {what}, and model.{weight} how much that counts. Here {missing}: set "
            f"both, as in model.{weight}=1 'model.{option}={example}', or none."
        )


def _check_names(option: str, names: Iterable[str], numbers: Sequence[str]) -> None:
    names = list(names)
    if wrong := [name for name in names if name not in numbers]:
        raise ValueError(
            f"{option} names codes that are numbers: {', '.join(numbers) or 'there is none'}. Got {wrong[0]}."
        )
    if twice := _twice(names):
        raise ValueError(f"{option} names '{twice}' twice; name each number once.")


def _twice(names: Iterable[str]) -> str | None:
    names = list(names)
    return next((name for place, name in enumerate(names) if name in names[:place]), None)

"""Figs. 5 and 10 on CelebA: test images that smile, or stop to, and keep all else that they are."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from latune.controls import DESCENTS, Control, Controls
from latune.controls.several import given_of, rest_of
from latune.metrics.zmse import zmse
from latune.papers.experiment import Arm, Experiment, Gallery, Measured, Picture, Quantity, Subject, drawn
from latune.papers.judge import prior
from latune.papers.latent_constraints.celeba import ARMS, ATTRIBUTES, SMALL, Judge, face_of, labels_of, sent
from latune.papers.latent_constraints.paper import PAPER
from latune.papers.plates import plates, shown

SMILING = ATTRIBUTES.index("smiling")
OTHERS = [i for i in range(len(ATTRIBUTES)) if i != SMILING]
MOUTH = (0.66, 0.2, 0.8)  # of an aligned and cropped image: below, and between: mouth, cheeks and chin
ROWS = {"descent": "descent", "paper": "descent as published", "vector": "attribute vector", "actor": "actor, λ = 0"}
COLUMNS = 8  # faces in the picture
CHANGED: dict[str, dict[str, float]] = {
    "smiling": {"smiling": 1},
    "not smiling": {"smiling": 0},
    "blond": {"blond_hair": 1, "black_hair": 0, "brown_hair": 0},
    "black hair": {"black_hair": 1, "blond_hair": 0, "brown_hair": 0},
    "eyeglasses": {"eyeglasses": 1},
    "male": {"male": 1},
    "not male": {"male": 0},
    "not young": {"young": 0},
}

Way = Callable[[Float[Tensor, "n d"], float], Float[Tensor, "n d"]]


def ways(shelf: Controls, control: Control) -> dict[str, Way]:
    """From codes and whether they are to smile to their codes then, for each row of the table."""

    def descent(how: str) -> Way:
        return lambda z, value: changed(shelf, z, {"smiling": value}, by="descent", way=DESCENTS[how])

    def actor(z: Float[Tensor, "n d"], value: float) -> Float[Tensor, "n d"]:
        """One pass, told what is seen now and the smile: all else may change that has no label."""
        wish = control.wish({"smiling": value})
        with torch.no_grad():
            wanted = given_of(wish, rest_of(wish, z))
        return sent(control, z, wanted.long())  # pyright: ignore[reportOptionalMemberAccess]

    return {
        "descent": descent("default"),
        "paper": descent("paper"),
        "vector": lambda z, value: changed(shelf, z, {"smiling": value}, by="vector"),
        "actor": actor,
    }


def changed(shelf: Controls, z: Float[Tensor, "n d"], labels: dict[str, float], **how: object) -> Float[Tensor, "n d"]:
    """Codes after some labels were asked for; what did not arrive is counted by who measures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return shelf.move(z, shelf.wishes({"face": labels}), **how)  # pyright: ignore[reportArgumentType]


def shelf_of(subject: Subject, control: Control) -> Controls:
    """A shelf with this control alone."""
    shelf = Controls(subject.space)
    shelf.add(control, save=False)
    return shelf


def mouth(height: int, width: int) -> Bool[Tensor, "h w"]:
    """The pixels that a smile changes."""
    inside = torch.zeros(height, width, dtype=torch.bool)
    below, left, right = MOUTH
    inside[int(below * height) :, int(left * width) : int(right * width)] = True
    return inside


def compared(
    before: Float[Tensor, "n c h w"], after: Float[Tensor, "n c h w"], inside: Bool[Tensor, "h w"]
) -> dict[str, float]:
    """What changed in pictures, as mean absolute differences of 255 grey levels, in the mouth's part and out of it.

    `own` is the share whose nearest picture among those before, out of the mouth's part, is its own.
    """
    off = 255 * (after - before).abs().mean((0, 1))  # (h, w)
    mine, theirs = ((x * ~inside).flatten(1) for x in (after, before))
    own = torch.cdist(mine, theirs).argmin(1).cpu() == torch.arange(len(after))
    return {
        "inside": off[inside].mean().item(),
        "outside": off[~inside].mean().item(),
        "own": own.double().mean().item(),
    }


def smiles(subject: Subject) -> Measured:
    """Test images asked to smile where they do not, and not to where they do, in each of the ways."""
    judge, space, control = Judge.of(subject), subject.space, face_of(subject)
    place = drawn(torch.arange(len(judge.truth)), subject.settings["rows"], subject.seed)
    truth = labels_of(subject.data, "test")[place]
    z = space.encode(subject.data.images(subject.data.splits["test"][place]))
    x, seen = space.decode(z).plain(), judge.sees(space, z).classes
    wanted, inside = 1 - truth[:, SMILING], mouth(*x.shape[2:]).to(x.device)
    numbers = {"seen": 100 * (seen[:, SMILING] == truth[:, SMILING]).double().mean().item()}
    detail: dict[str, object] = {"rows": len(place)}
    for name, way in ways(shelf_of(subject, control), control).items():
        after = torch.empty_like(z)
        for value in (0, 1):
            after[wanted == value] = way(z[wanted == value], float(value))
        found = judged(judge.sees(space, after).classes, seen, wanted)
        found |= compared(x, space.decode(after).plain(), inside)
        numbers |= {f"{key}-{name}": 100 * found[key] for key in ("reached", "kept", "own")}
        numbers |= {f"{key}-{name}": found[key] for key in ("inside", "outside")}
        numbers[f"zmse-{name}"] = zmse(after, z, control.scale, resamples=0).value
        detail[name] = {key: found[key] for key in ("to smile", "not to smile", "all kept")}
    return Measured(numbers, detail)


def judged(after: Int64[Tensor, "n k"], before: Int64[Tensor, "n k"], wanted: Int64[Tensor, " n"]) -> dict[str, float]:
    """In the classifier's eyes: the share that smiles as wanted, and the share of other attributes that are kept."""
    reached, same = after[:, SMILING] == wanted, after[:, OTHERS] == before[:, OTHERS]
    found = {"reached": reached, "kept": same, "all kept": same.all(1)}
    found |= {"to smile": reached[wanted == 1], "not to smile": reached[wanted == 0]}
    return {name: part.double().mean().item() for name, part in found.items()}


def changed_faces(gallery: Gallery) -> list[Picture]:
    """Figs. 5 and 10: faces that the model made, with one label changed by descent, and by the actor."""
    subject = gallery.open_subject("vae")
    control, space = face_of(subject), subject.space
    shelf = shelf_of(subject, control)
    truth = labels_of(subject.data, "test")[:COLUMNS]
    start = sent(control, prior(subject, COLUMNS, "faces"), truth)
    kept = [start, *(changed(shelf, start, labels, by="descent") for labels in CHANGED.values())]
    distorted = [start]
    for labels in CHANGED.values():
        wish = control.wish(labels)
        with torch.no_grad():
            wanted = given_of(wish, rest_of(wish, start))
        distorted.append(sent(control, start, wanted.long()))  # pyright: ignore[reportOptionalMemberAccess]
    blocks = {
        title: space.decode(torch.cat(rows)).plain().unflatten(0, (len(rows), COLUMNS))
        for title, rows in {"by descent: the face is kept": kept, "by the actor: a face like it": distorted}.items()
    }
    caption = (
        "Above, faces that the model made to order; below, each with one label changed. Left, down the critic from "
        "where they are, with all other labels held; right, in one pass of the actor, which keeps labels and not faces."
    )
    return [Picture("changed", caption, shown(plates(blocks, ["start", *CHANGED], gap=1)))]


def _quantities() -> dict[str, Quantity]:
    units = {
        "reached": ("Smiles as asked", {"unit": "%"}),
        "kept": ("Other attributes kept", {"unit": "%"}),
        "own": ("Nearest to its own picture", {"unit": "%"}),
        "inside": ("Change around the mouth, grey levels", {"higher_is_better": None}),
        "outside": ("Change elsewhere, grey levels", {"higher_is_better": False}),
        "zmse": ("zMSE", {"higher_is_better": False}),
    }
    found = {"seen": Quantity("Told rightly before", 1, "%", None)}
    for name, (title, how) in units.items():
        found |= {f"{name}-{row}": Quantity(f"{title}, {told}", 1, **how) for row, told in ROWS.items()}
    return found


EXPERIMENTS = [
    Experiment(
        name="lc-celeba-smiling",
        paper=PAPER,
        figure="Figs. 5 and 10",
        shows="Test images that are asked to smile where they do not, and not to where they do: by descent, which "
        "keeps the face, and by the actor, which makes another one with the same labels.",
        arms={"quick": ARMS["quick"], "paper": (Arm("vae", "VAE", "lc-celeba-paper"),)},
        quantities=_quantities(),
        settings={"rows": 250, "codes": "mean", "judge": "a seed of its own"},
        measure=smiles,
        draw=changed_faces,
        seeds=1,
        notes=(
            "The paper shows pictures only. A classifier that took no part tells whether a decoded image smiles, and "
            "whether its nine other attributes are what they were; changes are mean absolute differences to the "
            "decoded image before, around the mouth (below two thirds, three fifths wide) and elsewhere.",
            "*Nearest to its own picture*: elsewhere than around the mouth, the nearest of all decoded test images is "
            "the one it came from.",
            "*Descent* is what `edit` does, *as published* Adam for 100 steps.",
            SMALL,
        ),
    ),
]

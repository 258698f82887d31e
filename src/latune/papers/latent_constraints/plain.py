"""Fig. 15, for MNIST: the same controls on an autoencoder without a prior."""

from __future__ import annotations

import torch
from torch import Tensor

from latune.controls import Gated
from latune.measurement import encoding_pass
from latune.papers.experiment import Arm, Experiment, Gallery, Measured, Picture, Quantity, Subject
from latune.papers.judge import Judge, prior
from latune.papers.latent_constraints.digits import judged, sent
from latune.papers.latent_constraints.paper import PAPER, learned
from latune.papers.plates import plates, shown

COLUMNS = 10  # draws in the picture
ARMS = {"vae": "VAE", "autoencoder": "Autoencoder"}


def made_real(subject: Subject, z: Tensor) -> Tensor:
    """Draws of the prior after one pass of the realism actor."""
    return Gated(learned(subject, "realism", "realism").actor)(z)  # pyright: ignore[reportArgumentType]


def compared(subject: Subject) -> Measured:
    """Draws before and after realism, and digits made to order."""
    judge, space, z = Judge.of(subject), subject.space, prior(subject, subject.settings["rows"])
    control = learned(subject, "digit")
    wanted = torch.arange(len(z), device=z.device) % len(control.classes)
    to_order = judged(space, judge, sent(control, z, wanted), z, wanted, control.scale)
    once = encoding_pass(space, subject.data, subject.rows(), subject.seed)
    numbers = {"error": once.squared_error.mean().item()}
    for what, points in {"prior": z, "realism": made_real(subject, z)}.items():
        numbers |= {f"{name}-{what}": value for name, value in judge.likeness(judge.sees(space, points)).items()}
    numbers |= {"accuracy": 100 * to_order["accuracy"], "spread": 100 * to_order["spread"]}
    return Measured(numbers, {"zmse": to_order["zmse"], "spread of codes": once.mean.std(0).mean().item()})


def both(gallery: Gallery) -> list[Picture]:
    """Fig. 15 as a picture: draws, the same made more real, and the same sent to digits."""
    plate = {}
    for label, title in ARMS.items():
        subject = gallery.open_subject(label)
        z, control = prior(subject, COLUMNS, "shown"), learned(subject, "digit")
        orders = torch.arange(COLUMNS, device=z.device) % len(control.classes)
        rows = [z, made_real(subject, z), sent(control, z, orders)]
        plate[title] = subject.space.decode(torch.cat(rows)).plain().unflatten(0, (len(rows), COLUMNS))
    caption = (
        "Draws of N(0, I), the same after the realism actor, and the same sent to the digits 0 to 9: by a VAE, and by "
        "an autoencoder whose codes have no prior at all."
    )
    return [Picture("samples", caption, shown(plates(plate, ["prior", "realism", "0 to 9"])))]


EXPERIMENTS = [
    Experiment(
        name="lc-mnist-fig15",
        paper=PAPER,
        figure="Fig. 15, for MNIST",
        shows="Realism and digits learned on a plain autoencoder, beside the VAE.",
        arms={
            "quick": (
                Arm("vae", ARMS["vae"], "lc-mnist"),
                Arm("autoencoder", ARMS["autoencoder"], "lc-mnist-autoencoder"),
            ),
            "paper": (
                Arm("vae", ARMS["vae"], "lc-mnist-paper"),
                Arm("autoencoder", ARMS["autoencoder"], "lc-mnist-paper", ("model.name=autoencoder",)),
            ),
        },
        quantities={
            "error": Quantity("Squared error a pixel", 4, "", False),
            "frechet-prior": Quantity("Fréchet, prior", 1, "", False),
            "frechet-realism": Quantity("Fréchet, realism", 1, "", False),
            "density-prior": Quantity("Density, prior", 2),
            "density-realism": Quantity("Density, realism", 2),
            "coverage-prior": Quantity("Coverage, prior", 2),
            "coverage-realism": Quantity("Coverage, realism", 2),
            "accuracy": Quantity("Accuracy, digits to order", 2, "%"),
            "spread": Quantity("Spread, digits to order", 1, "%"),
        },
        settings={"rows": 10_000, "codes": "prior", "presets": {"realism": "realism", "digit": "default"}},
        measure=compared,
        draw=both,
        notes=("The paper shows pictures and no numbers. Distances are between features of a classifier of MNIST.",),
    ),
]

"""Fig. 14, for MNIST: small networks against large ones."""

from __future__ import annotations

from dataclasses import replace

import torch

from latune.controls import PRESETS, Learning
from latune.nets import LATENT_NETS, LatentNets
from latune.papers.experiment import Arm, Experiment, Gallery, Measured, Picture, Quantity, Subject
from latune.papers.judge import Judge, prior
from latune.papers.latent_constraints.digits import judged, sent
from latune.papers.latent_constraints.paper import PAPER, learned
from latune.papers.plates import plates, shown

COLUMNS = 12  # draws in the picture
TITLES = {"small": "3 layers of 256", "large": "4 layers of {}"}


def actors(width: int, steps: int) -> dict[str, Learning]:
    """The same game for both sizes."""
    nets = {"small": LATENT_NETS["small"], "large": LatentNets(width, 4)}
    return {size: replace(PRESETS["default"], nets=each, steps=steps) for size, each in nets.items()}


def sized(subject: Subject) -> Measured:
    """Accuracy, spread and zMSE of both, with what they weigh and how long they took."""
    judge, z = Judge.of(subject), prior(subject, subject.settings["rows"])
    numbers: dict[str, float] = {}
    for size, how in actors(*subject.settings["large"][subject.recipe.name]).items():
        control = learned(subject, "digit", how)
        wanted = torch.arange(len(z), device=z.device) % len(control.classes)
        found = judged(subject.space, judge, sent(control, z, wanted), z, wanted, control.scale)
        numbers |= {f"accuracy-{size}": 100 * found["accuracy"], f"spread-{size}": 100 * found["spread"]}
        numbers[f"zmse-{size}"] = found["zmse"]
        players = (control.actor, how.nets.critic(control.dims, control.width))
        weights = sum(p.numel() for net in players if net is not None for p in net.parameters())
        numbers |= {f"weights-{size}": weights / 1e6, f"seconds-{size}": control.about["seconds"]}
    return Measured(numbers, {"rows": len(z)})


def side_by_side(gallery: Gallery) -> list[Picture]:
    """Fig. 14 as a picture: the same draws sent to every digit by both."""
    subject = gallery.open_subject("vae")
    z, plate = prior(subject, COLUMNS, "shown"), {}
    width, updates = subject.settings["large"][subject.recipe.name]
    for size, how in actors(width, updates).items():
        control = learned(subject, "digit", how)
        rows = [sent(control, z, torch.full((len(z),), k)) for k in range(len(control.classes))]
        images = subject.space.decode(torch.cat(rows)).plain()
        plate[TITLES[size].format(f"{width:,}")] = images.unflatten(0, (len(rows), len(z)))
    caption = "The same draws of the prior sent to every digit, by an actor of small and by one of large networks."
    return [Picture("sizes", caption, shown(plates(plate, [str(k) for k in range(10)])))]


EXPERIMENTS = [
    Experiment(
        name="lc-mnist-fig14",
        paper=PAPER,
        figure="Fig. 14, for MNIST",
        shows="Digits made to order by an actor of three layers of 256, and by a larger one that played the same game.",
        arms={
            "quick": (Arm("vae", "VAE", "lc-mnist"),),
            "paper": (Arm("vae", "VAE", "lc-mnist-paper"),),
        },
        quantities={
            **{f"accuracy-{size}": Quantity(f"Accuracy, {size}", 2, "%") for size in TITLES},
            **{f"spread-{size}": Quantity(f"Spread, {size}", 1, "%") for size in TITLES},
            **{f"zmse-{size}": Quantity(f"zMSE, {size}", 1, "", False) for size in TITLES},
            **{f"weights-{size}": Quantity(f"Weights, {size}", 2, "million", None) for size in TITLES},
            **{f"seconds-{size}": Quantity(f"Time to learn, {size}", 0, "s", False) for size in TITLES},
        },
        settings={
            "rows": 10_000,
            "codes": "prior",
            "large": {"lc-mnist": [1024, 600], "lc-mnist-paper": [2048, 4000]},
        },
        measure=sized,
        draw=side_by_side,
        layout="crossed",
        seeds=1,
        notes=(
            "Large is 4 layers of 1,024 at quick scale, where both play 600 updates, and the paper's 2,048 at paper "
            "scale, where they play 4,000. Weights are those of actor and critic of the game.",
            "The paper calls its small networks 85 times smaller; its own counts of operations, and ours of weights at "
            "its size, say 29 to 30.",
            "The preset was chosen with small nets, so it may not be the best game for large ones. Times were taken "
            "beside other work on the machine.",
        ),
    ),
]

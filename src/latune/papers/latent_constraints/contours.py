"""Fig. 3, for MNIST: what critics believe all over a space of two dimensions, and where actors send the prior."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from latune.controls import Control, Gated
from latune.metrics.correlation import spearman
from latune.metrics.roc import auc
from latune.papers.experiment import Arm, Experiment, Gallery, Measured, Picture, Quantity, Subject, drawn
from latune.papers.judge import Judge, prior
from latune.papers.latent_constraints.digits import sent
from latune.papers.latent_constraints.paper import PAPER, learned
from latune.papers.plates import shown
from latune.report import style
from latune.space import CHUNK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS = 2500  # codes of test images in the picture
ARROWS = 28
SHOWN = (1, 4, 7)  # digits with panels of their own
SIDE = 120  # points along an axis of the picture


def log_ratio(z: Float[Tensor, "n d"], mean: Float[Tensor, "m d"], scale: Float[Tensor, "m d"]) -> Float[Tensor, " n"]:
    r"""How much likelier points are as codes of data than as draws of the prior: :math:`\log q(z) - \log p(z)`.

    q(z) is the mean of the posteriors of m examples, p(z) = N(0, I). What the critic of realism would learn of these
    two alone (Engel, Hoffman & Roberts 2018, eq. 2).

    >>> log_ratio(torch.zeros(1, 1), torch.zeros(1, 1), torch.full((1, 1), 0.5))
    tensor([0.6931])
    """
    parts = []
    for some in z.split(CHUNK // 8):
        off = (some[:, None] - mean) / scale  # (n, m, d)
        each = -0.5 * off.square().sum(2) - scale.log().sum(1)  # (n, m), less the constant that p has too
        parts.append(each.logsumexp(1) - math.log(len(mean)) + 0.5 * some.square().sum(1))
    return torch.cat(parts)


def drawn_codes(subject: Subject, n: int, split: str = "test") -> tuple[Tensor, Tensor, Tensor]:
    """Posterior means and scales of some examples, and their digits."""
    rows = drawn(subject.data.splits[split], n, subject.seed)
    q = subject.space.posterior(subject.data.images(rows))
    return q.mean, q.scale, subject.data.column("digit", rows).long()


def believed(subject: Subject) -> Measured:
    """How well the realism critic tells codes from the prior, and what its actor and that of the digits make of it."""
    judge, space, n = Judge.of(subject), subject.space, subject.settings["rows"]
    real, control = learned(subject, "realism", "realism"), learned(subject, "digit")
    z, mean = prior(subject, n), drawn_codes(subject, n)[0]
    both = torch.cat([mean, z])
    logits = real.critic(both)[:, 0]
    is_code = (torch.arange(len(both)) < len(mean)).numpy()
    everything = len(subject.data.splits["training"])  # posteriors are narrow: fewer leave holes between them
    ratio = log_ratio(both, *drawn_codes(subject, everything, "training")[:2])
    after = Gated(real.actor)(z)  # pyright: ignore[reportArgumentType]
    wanted = torch.arange(n, device=space.device) % len(control.classes)
    seen = judge.sees(space, sent(control, z, wanted))
    columns = [part.double().cpu().numpy()[:, None] for part in (logits, ratio)]
    numbers = {
        "auc": auc(columns[0][:, 0], is_code),
        "auc-best": auc(columns[1][:, 0], is_code),
        "order": float(spearman(*columns)[0].item()),
        "frechet-prior": judge.likeness(judge.sees(space, z), ("frechet",))["frechet"],
        "frechet-realism": judge.likeness(judge.sees(space, after), ("frechet",))["frechet"],
        "accuracy": 100 * (seen.classes == wanted).double().mean().item(),
    }
    return Measured(numbers, {"rows": n})


def maps(gallery: Gallery) -> list[Picture]:
    """Fig. 3 as a picture: realism, and three digits."""
    subject = gallery.open_subject("two")
    mean, _, digit = drawn_codes(subject, DOTS)
    controls = {"all": learned(subject, "realism", "realism"), "digit": learned(subject, "digit")}
    z = prior(subject, ARROWS, "shown")
    caption = (
        "A latent space of two dims. Colour is what a critic believes of each point: that it is a code of data, or a "
        "code of the digit. Dots are codes of test images, of the digit alone where there is one; arrows lead from "
        "draws of the prior to where the actor sends them; the circle holds 95 % of the prior."
    )
    figure = mapped(controls["all"], controls["digit"], mean.cpu(), digit.cpu(), z)
    return [Picture("critics", caption, shown(figure))]


@style.styled
def mapped(real: Control, control: Control, codes: Tensor, digit: Tensor, z: Tensor) -> Figure:
    """A panel for realism and one for each shown digit: belief as colour, codes as dots, the actor's way as arrows."""
    reach = float(codes.abs().quantile(0.985))
    line = torch.linspace(-reach, reach, SIDE)
    grid = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1).flatten(0, 1)  # (SIDE^2, 2)
    panels: list[tuple[str, Tensor, Tensor, Tensor]] = [
        ("all digits", real.critic(grid)[:, 0], codes, real.actor(z))  # pyright: ignore[reportOptionalCall]
    ]
    for k in SHOWN:
        wish = control.wish(k)
        logits = control.critic(grid)[:, k]
        panels.append((f"digit {k}", logits, codes[digit == k], Gated(control.actor, wish.given)(z)))  # pyright: ignore[reportArgumentType]
    figure, axes = style.panels(1, len(panels), (11.0, 3.1), sharey=True)
    image: Any = None
    for ax, (title, logits, points, ends) in zip(axes[0], panels, strict=True):
        belief = torch.sigmoid(logits).view(SIDE, SIDE).cpu().numpy()
        image = ax.contourf(line, line, belief, np.linspace(0, 1, 11), cmap="Blues", alpha=0.85)
        ax.contour(line, line, belief, [0.5], colors=style.SOFT, linewidths=0.8)
        ax.scatter(*points.T, s=4, color=style.LINES[2], alpha=0.55, linewidths=0, rasterized=True)
        way = (ends - z).cpu()
        how = {"color": style.LINES[1], "width": 0.0055, "headwidth": 4, "alpha": 0.9}
        ax.quiver(*z.cpu().T, *way.T, angles="xy", scale_units="xy", scale=1, **how)
        angle = np.linspace(0, 2 * np.pi, 100)
        ax.plot(2.448 * np.cos(angle), 2.448 * np.sin(angle), color=style.INK, linewidth=0.8, linestyle=(0, (4, 3)))
        ax.set(title=title, aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach), xlabel="z1")
        ax.set(xticks=[-5, 0, 5], yticks=[-5, 0, 5])
        ax.grid(False)
    axes[0, 0].set_ylabel("z2")
    bar = figure.colorbar(image, ax=list(axes[0]), aspect=18, pad=0.01, ticks=[0, 0.5, 1])
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.set_label("belief")
    return figure


EXPERIMENTS = [
    Experiment(
        name="lc-mnist-fig3",
        paper=PAPER,
        figure="Fig. 3, for MNIST",
        shows="Contours of critics, and where actors send draws of the prior, in a latent space of two dims.",
        arms={
            "quick": (Arm("two", "VAE, 2 dims", "lc-mnist", ("model.latent=2", "training.epochs=10")),),
            "paper": (Arm("two", "VAE, 2 dims", "lc-mnist-paper", ("model.latent=2",)),),
        },
        quantities={
            "auc": Quantity("AUC of the realism critic, codes against prior"),
            "auc-best": Quantity("AUC of the true log q/p", higher_is_better=None),
            "order": Quantity("Rank correlation of critic and log q/p"),
            "frechet-prior": Quantity("Fréchet, prior", 1, "", False),
            "frechet-realism": Quantity("Fréchet, realism", 1, "", False),
            "accuracy": Quantity("Accuracy, digits to order", 2, "%"),
        },
        settings={"rows": 2000, "codes": "posterior mean", "presets": {"realism": "realism", "digit": "default"}},
        measure=believed,
        draw=maps,
        seeds=1,
        notes=(
            "The paper draws its critics in a plane of a space of many dims. In two dims nothing is hidden by a "
            "projection, and log q/p, which the critic of realism estimates, is known.",
        ),
    ),
]

"""Preferences: pictures that are liked or not, and pairs of which one is better; more can be added at any time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from latune.controls.critics import Critics, Judging, first_critics
from latune.controls.learning import play
from latune.controls.lesson import Encoded
from latune.errors import DataError
from latune.terms import believe, discriminate, r1
from latune.training import Game, Generators, Optimiser, Player, Ramp, Weighed

CENTRE = 0.01  # weight of the pull that keeps logits around 0 where pairs alone leave their level open
WARM = 0.3  # share of the steps when there is something to go on from
BATCH = 64


@dataclass(frozen=True)
class Taste:
    """What is known of somebody's taste: codes of pictures, which of them are liked, and which are better than others.

    Args:
        mean, scale: of the posteriors of the pictures, `(n, d)`.
        liked: 1 for liked, 0 for disliked, NaN for what is known from pairs only, `(n,)`.
        pairs: rows of the better and of the worse one, `(m, 2)`.
    """

    mean: Float[Tensor, "n d"]
    scale: Float[Tensor, "n d"]
    liked: Float[Tensor, " n"]
    pairs: Int[Tensor, "m 2"]

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def codes(self) -> Encoded:
        """Of the pictures."""
        return Encoded(self.mean, self.scale)

    def rows(self, liked: bool) -> Int[Tensor, " k"]:
        """The pictures that are liked, or those that are disliked."""
        return (self.liked == float(liked)).nonzero()[:, 0]

    def with_more(self, more: Taste) -> Taste:
        """Both together."""
        mean, scale, liked = (torch.cat([getattr(self, key), getattr(more, key)]) for key in ("mean", "scale", "liked"))
        return Taste(mean, scale, liked, torch.cat([self.pairs, more.pairs + len(self)]))

    def tensors(self) -> dict[str, Tensor]:
        """What is kept beside a control, so that more can be added later."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @property
    def targets(self) -> Float[Tensor, " n"]:
        """How good each is: whether it is liked, or the share of its pairs in which it is the better one."""
        wins, losses = (torch.bincount(self.pairs[:, side], minlength=len(self)) for side in (0, 1))
        share = wins / (wins + losses).clamp_min(1)
        return torch.where(self.liked.isnan(), share, self.liked)


def taste_of(
    likes: Encoded | None = None, dislikes: Encoded | None = None, pairs: tuple[Encoded, Encoded] | None = None
) -> Taste:
    """What was said of pictures, by their codes.

    Args:
        likes, dislikes: of pictures.
        pairs: the better ones and the worse ones, row by row.

    Raises:
        DataError: nothing at all, or pairs of which one is missing.
    """
    if pairs is not None and len(pairs[0]) != len(pairs[1]):
        raise DataError(f"Pairs are as many better as worse pictures. Got {len(pairs[0])} and {len(pairs[1])}.")
    said = [(likes, 1.0), (dislikes, 0.0)] + [(side, float("nan")) for side in pairs or ()]
    parts = [(codes, value) for codes, value in said if codes is not None and len(codes)]
    if not parts:
        raise DataError("Preferences are likes, dislikes or pairs of pictures. Got none.")
    device = parts[0][0].mean.device
    liked = torch.cat([torch.full((len(codes),), value, device=device) for codes, value in parts])
    m = len(pairs[0]) if pairs else 0
    first = len(liked) - 2 * m + torch.arange(m, device=device)
    return Taste(
        torch.cat([codes.mean for codes, _ in parts]),
        torch.cat([codes.scale for codes, _ in parts]),
        liked,
        torch.stack([first, first + m], dim=1),
    )


class _Seen:
    """What each critic is shown: of what was said of each kind, one part in `members` is left out."""

    def __init__(self, taste: Taste, members: int) -> None:
        self.taste, self.members = taste, members
        self.likes, self.dislikes = taste.rows(True), taste.rows(False)

    def part(self, rows: Tensor, member: int, seen: bool = True) -> Tensor:
        """Of these rows, those that a member sees, or those that it does not."""
        if len(rows) < 2 or self.members < 2:
            return rows if seen else rows[:0]
        place = torch.arange(len(rows), device=rows.device) % self.members
        return rows[(place != member) == seen]


def learn_taste(
    taste: Taste, background: Encoded | None, how: Judging, seed: int = 0, start: Critics | None = None
) -> Critics:
    r"""Learn critics of likes and dislikes by cross-entropy, and of pairs by the model of Bradley and Terry.

    .. math:: \mathcal L = -\mathbb E \log \sigma(f(z_{better}) - f(z_{worse})) - \mathbb E_{liked} \log \sigma(f(z))
              - \mathbb E_{disliked} \log (1 - \sigma(f(z)))

    Bradley & Terry 1952 (https://doi.org/10.2307/2334029); Christiano et al. 2017, eq. 1
    (https://arxiv.org/abs/1706.03741). Pairs say nothing about the level of f: where there are only pairs, a weak pull
    keeps it around 0.

    Args:
        taste: what was said.
        background: codes that nothing is known of, which stand beside the disliked where there are likes: what is said
            of few does not tell what all else looks like.
        how: a preset of `JUDGINGS` or your own; `few` is meant for it.
        seed: of weights and draws.
        start: critics that were learned from a part of it, to go on from in fewer steps.
    """
    device = taste.mean.device
    critics = first_critics(how, taste.mean.shape[1], 1, seed, start).to(device)
    draws, seen, steps = Generators(seed, device), _Seen(taste, how.members), how.steps
    steps = max(1, round(WARM * steps)) if start is not None else steps

    def draw(codes: Encoded, rows: Tensor) -> Tensor:
        chosen = rows[torch.randint(len(rows), (BATCH,), generator=draws["rows"], device=device)]
        return codes.draw(chosen, draws["points"], how.draw)

    def rated(member: int) -> list[tuple[Tensor, float]]:
        blocks = [(rows, value) for rows, value in ((seen.likes, 1.0), (seen.dislikes, 0.0)) if len(rows)]
        found = [(draw(taste.codes, seen.part(rows, member)), value) for rows, value in blocks]
        if background is not None and len(seen.likes):
            found.append((draw(background, torch.arange(len(background), device=device)), 0.0))
        return found

    def paired(member: int) -> Tensor | None:
        if not len(taste.pairs):
            return None
        mine = seen.part(torch.arange(len(taste.pairs), device=device), member)
        chosen = taste.pairs[mine[torch.randint(len(mine), (BATCH,), generator=draws["pairs"], device=device)]]
        return taste.codes.draw(chosen.T.flatten(), draws["points"], how.draw)  # better ones, then worse ones

    def scene(batch: object, step: int) -> list[tuple[nn.Module, Tensor, list[float], bool]]:
        looks = []
        for i, member in enumerate(critics.members):
            blocks, pair = rated(i), paired(i)
            z = torch.cat([each for each, _ in blocks] + ([] if pair is None else [pair]))
            looks.append((member, z.requires_grad_(), [value for _, value in blocks], pair is not None))
        return looks

    def terms(scene: list[tuple[nn.Module, Tensor, list[float], bool]]) -> Iterator[Weighed]:
        for i, (member, z, values, has_pairs) in enumerate(scene):
            logits = member(z)
            blocks = logits.split(BATCH)
            if values:
                streams = list(zip(blocks, values, strict=False))
                yield Weighed(f"discriminate/{i}", discriminate(streams))
            if has_pairs:
                better, worse = blocks[-2], blocks[-1]
                yield Weighed(f"prefer/{i}", believe(better - worse))
                if not values:
                    yield Weighed(f"centre/{i}", (better + worse).mean().square(), CENTRE)
            if how.smooth:
                yield Weighed(f"r1/{i}", r1(lambda _, logits=logits: logits, z), how.smooth)

    lr = Ramp(how.lr, 0.0, steps, "cosine") if how.decay else how.lr
    player = Player("critic", [critics], terms, Optimiser(lr=lr, betas=how.betas))
    play(Game(critics, scene, [player]), steps, draws)
    return critics


@torch.no_grad()
def agreement(critics: Critics, taste: Taste) -> dict[str, float]:
    """How often critics that have not seen what was said agree with it: `pairs`, and `likes` above dislikes."""
    seen, members = _Seen(taste, len(critics.members)), list(critics.members)
    found = {}

    def unseen(rows: Tensor, ahead: Tensor) -> Tensor:
        """What the member that has not seen a row says of it."""
        place = torch.arange(len(rows), device=rows.device) % len(members)
        every = torch.stack([member(ahead)[:, 0] for member in members])  # (members, rows)
        return every[place, torch.arange(len(rows), device=rows.device)]

    if seen.members > 1 and len(taste.pairs) > 1:
        rows = torch.arange(len(taste.pairs), device=taste.mean.device)
        better, worse = (unseen(rows, taste.mean[taste.pairs[:, side]]) for side in (0, 1))
        found["pairs"] = (better > worse).float().mean().item()
    if seen.members > 1 and len(seen.likes) > 1 and len(seen.dislikes) > 1:
        up, down = (unseen(rows, taste.mean[rows]) for rows in (seen.likes, seen.dislikes))
        found["likes"] = (up[:, None] > down[None]).float().mean().item()
    return found

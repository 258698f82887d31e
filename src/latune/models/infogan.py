"""InfoGAN: a GAN that discovers codes by itself, because what it makes has to tell them."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latune import terms
from latune.codes import Categorical, Codes, Gaussian, Normal, OneOf, Scale, Uniform
from latune.errors import RecipeError
from latune.models import symptoms
from latune.models.distortion import distorted, moved
from latune.models.infogan_options import check_options
from latune.models.infogan_scene import InfoGANScene, Looks
from latune.models.model import Model
from latune.nets.adversarial import Judge
from latune.nets.statistics import statistics_gathered
from latune.training import Game, Number, Optimiser, Player, Remark, Weighed, at, times

NOISE = "noise"
NO_CODE = "InfoGAN needs a code beside the noise: model.categorical=[10] or model.continuous=2."
SETTLED = 1024  # draws of the prior in a batch whose statistics are kept
PUSH = 0.3  # of copies, in shares of half an image
RECENT = 512  # real images whose codes count beside a batch's: of one batch, how even they are is mostly chance
LEAST_SCALE = 0.05  # of a recogniser's Gaussian, in units of a code's range of 2


class InfoGAN(Model):
    r"""A GAN whose codes can be told from what it makes.

    .. math::
        \min_{G, Q} \max_D V(D, G) - \lambda L_I(G, Q), \quad
        V = \mathbb E \log D(x) + \mathbb E \log(1 - D(G(z, c)))

    Chen et al. 2016, eq. 6 (https://arxiv.org/abs/1606.03657). The generator minimises :math:`-\log D(G(z, c))`.

    Paper and released code differ in who owns the recogniser Q. By eq. 6 it descends with the generator. In the
    released code Q and the trunk that it shares with the judge descend with the judge, and the information term stands
    in the losses of both; so it is here by default (`owner="judge"`); `owner="generator"` is the paper's.

    Args:
        codes: `noise`, and the codes that are to be told.
        encoder: the judge, a `latune.nets.Judge` or a subclass: a logit of being real, and p columns about the codes.
        decoder: the generator, `(n, d)` to `(n, c, h, w)`, before the sigmoid.
        information, information_real: weight of the bound for categorical codes, and for the others.
        inform: whether the generator is to be told from; False is the plain GAN of Fig. 1, whose recogniser watches.
        owner: see above.
        smoothing: real images are called real to 1 less this (Salimans et al. 2016); 0 in the paper.
        penalty: weight of the R1 penalty at real images; 0 in the paper.
        agreement: weight of what a real image and a copy of it that is pushed out of shape tell of each other by their
            classes (`latune.terms.agreement`), for whoever owns Q. Where it is not 0, the classes of made images are
            told from pushed copies, too. So a class is what a push leaves as it is, among real images as among made
            ones. The bound stays a bound: a copy tells nothing that its image does not; 0 in the paper.
        equivariance: weight of each number that `follow` names changing from an image to its pushed copy in proportion
            to a motion of it (`latune.terms.equivariance`), for whoever owns Q, among real and made images; 0 in the
            paper. Classes are told from pushed copies then, too.
        follow: which motion each of these numbers follows: a name of `latune.models.distortion.MOTIONS`. Such numbers
            are not discovered, but told without labels, by what a motion is.
        distortion: how far the copies are pushed, in shares of half an image.
        evenness: weight of the codes that real images are recognised as being as evenly and independently spread as
            codes are drawn (`latune.terms.unevenness`), for whoever owns Q.
            A code that follows one factor of the images is; one that mixes two, or that leaves half of a factor to the
            noise, is not; 0 in the paper.
        orthogonality: weight of each number changing an image in a direction of its own (`latune.terms.ima_contrast`),
            for the generator; of several even and independent sets of codes it prefers the one that is not mixed; 0 in
            the paper.
        visibility: weight of each number, as it is drawn, moving an image by as much as `visible` says or more
            (`latune.terms.faintness`), for the generator; 0 in the paper.
        visible: how far that is, in units of how far real images are spread; of all numbers, or of each. Those that are
            to move an image farther take what changes images most.
        symmetry: weight of an image's mirror image being what is made of the same noise and codes, but for the numbers
            in `mirror`, whose sign is changed (`latune.terms.asymmetry`), for the generator; 0 in the paper. It is for
            images that are as likely as their mirror images.
        mirror: names of these numbers. A turn of a head to the left changes sign in a mirror, its width does not.
        least_scale: floor of the recogniser's sigma, without which it can shrink to nothing.
        judge_rate, generator_rate: the players' learning rates, as shares of the optimiser's.
    """

    encoder: Judge
    tells_all: ClassVar[bool] = False
    least_latent: ClassVar[int] = 0  # codes alone may tell all there is

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {"scale": "exp", "least_scale": 0.0, "owner": "generator"},
        "released": {"scale": "one", "least_scale": 0.0, "owner": "judge"},
    }

    def __init__(
        self,
        codes: Codes,
        encoder: nn.Module,
        decoder: nn.Module,
        information: Number = 1.0,
        information_real: Number = 1.0,
        inform: bool = True,
        owner: Literal["judge", "generator"] = "judge",
        smoothing: float = 0.0,
        penalty: float = 0.0,
        agreement: Number = 0.0,
        equivariance: Number = 0.0,
        follow: Mapping[str, str] | None = None,
        distortion: float = PUSH,
        evenness: Number = 0.0,
        orthogonality: Number = 0.0,
        visibility: Number = 0.0,
        visible: float | Sequence[float] = 1.0,
        symmetry: Number = 0.0,
        mirror: Sequence[str] = (),
        least_scale: float = LEAST_SCALE,
        judge_rate: float = 0.2,
        generator_rate: float = 1.0,
    ) -> None:
        super().__init__()
        told = {name: factor for name, factor in codes.items() if name != NOISE}
        if not told:
            raise ValueError(NO_CODE)
        if not isinstance(encoder, Judge):
            raise ValueError(
                "InfoGAN needs a judge: nets.name=adversarial, or a subclass of latune.nets.Judge. "
                f"Got a {type(encoder).__name__}."
            )
        if owner == "generator" and not inform:
            raise ValueError(
                "A plain GAN's recogniser (model.inform=false) watches beside the judge, and descends with it: set "
                "model.owner=judge, which is not the preset 'paper'."
            )
        check_options(
            Codes(told),
            inform=inform,
            agreement=agreement,
            evenness=evenness,
            orthogonality=orthogonality,
            visibility=visibility,
            visible=visible,
            symmetry=symmetry,
            mirror=mirror,
            equivariance=equivariance,
            follow=follow or {},
            distortion=distortion,
        )
        self.codes, self.told, self.likelihood = codes, Codes(told), None
        self.encoder, self.decoder = encoder, decoder
        self.information, self.information_real, self.inform, self.owner = information, information_real, inform, owner
        self.smoothing, self.penalty, self.least_scale = smoothing, penalty, least_scale
        self.agreement, self.distortion, self.rates = agreement, distortion, (judge_rate, generator_rate)
        self.evenness, self.orthogonality = evenness, orthogonality
        self.visibility, self.visible = visibility, visible
        self.symmetry, self.mirror = symmetry, tuple(mirror)
        self.equivariance, self.follow = equivariance, dict(follow or {})
        if evenness:
            width = sum(factor.width for factor in self.numbers.values())
            classes = [factor.sample(RECENT) for factor in self._classes.values()]
            self.register_buffer("recent", torch.cat([torch.rand(RECENT, width) * 2 - 1, *classes], 1))

    @staticmethod
    def name_codes(
        latent: int,
        attributes: Sequence[str] = (),
        categorical: Sequence[int] = (10,),
        continuous: int = 2,
        noise: Literal["uniform", "normal"] = "uniform",
        scale: Scale = "exp",
        names: Sequence[str] = (),
        **settings: Any,
    ) -> Codes:
        """Noise of `latent` dimensions, then the codes c1, c2, ... as the paper numbers them, categorical ones first.

        `names` calls these otherwise, all of them.

        The paper does not say what the noise is drawn from; the released code draws it uniformly from [-1, 1].
        """
        factors = [
            *(Categorical(k) for k in categorical),
            *(Uniform(-1.0, 1.0, scale=scale) for _ in range(continuous)),
        ]
        if not factors:
            raise RecipeError(NO_CODE)
        drawn = Uniform(-1.0, 1.0, latent) if noise == "uniform" else Normal(latent)
        called = list(names) or [f"c{place}" for place in range(1, len(factors) + 1)]
        if len(set(called) - {NOISE}) != len(factors):
            raise RecipeError(f"model.names gives each of {len(factors)} codes a name of its own. Got {list(names)}.")
        return Codes({NOISE: drawn, **dict(zip(called, factors, strict=True))})

    @staticmethod
    def columns(codes: Codes) -> int:
        """How many columns the judge gives."""
        return 1 + codes.params - codes[NOISE].params

    def decode(self, z: Float[Tensor, "n d"]) -> Tensor:
        """The images at z, in [0, 1]."""
        return torch.sigmoid(self.raw(z))

    def reflected(self, z: Float[Tensor, "n d"]) -> Tensor:
        """The coordinates of the images whose left and right are those of z exchanged, by `mirror`."""
        told = z.clone()
        for name in self.mirror:
            factor, columns = self.numbers[name], self.codes.slice(name)
            told[:, columns] = factor.lo + factor.hi - z[:, columns]
        return told

    def judged(self, x: Tensor, through_trunk: bool = True) -> Tensor:
        """The judge's `(n, 1 + p)` columns; with `through_trunk=False` the recogniser's head learns, the trunk not."""
        with self.cast(x.device):
            if through_trunk:
                return self.encoder(x).float()
            seen = self.encoder.features(x)
            return torch.cat([self.encoder.real(seen), self.encoder.codes(seen.detach())], 1).float()

    def recognised(self, judged: Tensor) -> dict[str, Gaussian | OneOf]:
        """Q(c|x), a distribution a code."""
        read = self.told.read(judged[:, 1:])
        return {name: self._held(q) if isinstance(q, Gaussian) else q for name, q in read.items()}

    def _held(self, q: Gaussian) -> Gaussian:
        return Gaussian(q.mean, q.scale.clamp_min(self.least_scale)) if self.least_scale else q

    def posterior(self, x: Float[Tensor, "n c h w"]) -> Gaussian:
        """What an image tells of the coordinates: of the codes by Q, and of the noise nothing, which is its prior."""
        q = self.recognised(self.judged(x))
        means, scales = [], []
        for name, factor in self.codes.items():
            if name == NOISE:
                spread = 1.0 if isinstance(factor, Normal) else 1 / math.sqrt(3)  # of U(-1, 1)
                means.append(x.new_zeros(len(x), factor.width))
                scales.append(x.new_full((len(x), factor.width), spread))
                continue
            told, mean = q[name], q[name].mean
            means.append(mean)
            scales.append(told.scale if isinstance(told, Gaussian) else (mean * (1 - mean)).clamp_min(0).sqrt())
        return Gaussian(torch.cat(means, 1), torch.cat(scales, 1))

    def _bounds(self, looks: Looks, z: Tensor) -> Iterator[Weighed]:
        pushed = self.recognised(looks.pushed)
        for name, q in self.recognised(looks.plain).items():
            classes = isinstance(self.told[name], Categorical)
            weight = self.information if classes else self.information_real
            bound = terms.information(
                pushed[name] if classes else q, z[:, self.codes.slice(name)], self.told.entropy(name)
            )
            yield Weighed(f"information/{name}", bound, times(weight, -1.0))

    def _agreements(self, looks: Looks) -> Iterator[Weighed]:
        pushed = self.recognised(looks.pushed)
        for name, q in self.recognised(looks.plain).items():
            other = pushed[name]
            if isinstance(q, OneOf) and isinstance(other, OneOf):
                yield Weighed(f"agreement/{name}", terms.agreement(q, other), times(self.agreement, -1.0))

    @property
    def pushes(self) -> bool:
        """Whether something is asked of copies of images that are pushed out of shape."""
        return bool(self.agreement or self.equivariance)

    def _equivariance(self, looks: Iterable[Looks]) -> Weighed:
        """How numbers follow motions, a mean over kinds of images."""
        values = []
        for look in looks:
            assert look.maps is not None
            before, after = self.recognised(look.plain), self.recognised(look.pushed)
            changes = torch.cat([after[name].mean - before[name].mean for name in self.follow], 1)
            values.append(terms.equivariance(changes, moved(look.maps, self.follow.values())))
        return Weighed("equivariance", torch.stack(values).mean(), times(self.equivariance, -1.0))

    @property
    def numbers(self) -> dict[str, Uniform]:
        """The codes that are numbers with a range."""
        return {name: factor for name, factor in self.told.items() if isinstance(factor, Uniform)}

    @property
    def _classes(self) -> dict[str, Categorical]:
        """The codes of classes."""
        return {name: factor for name, factor in self.told.items() if isinstance(factor, Categorical)}

    def _unevenness(self, looks: Looks) -> Weighed:
        """How unevenly real images are read, beside those that were read before."""
        read = self.recognised(looks.plain)
        numbers = [
            2 * (read[name].mean - factor.lo) / (factor.hi - factor.lo) - 1 for name, factor in self.numbers.items()
        ]
        values = torch.cat([*numbers, *(read[name].mean for name in self._classes)], 1)
        value = terms.unevenness(values, self.recent, [factor.k for factor in self._classes.values()])
        self.recent = torch.cat([values.detach(), self.recent])[:RECENT]
        return Weighed("unevenness", value, self.evenness)

    def _told(self, looks: Looks, scene: InfoGANScene) -> Iterator[Weighed]:
        """What whoever owns Q learns of codes."""
        yield from self._bounds(looks, scene.z)
        if self.agreement:
            yield from self._agreements(scene.real)
        if self.equivariance:
            yield self._equivariance((scene.real, looks))
        if self.evenness:
            yield self._unevenness(scene.real)

    def _judges_terms(self, scene: InfoGANScene) -> Iterator[Weighed]:
        streams = [(scene.real.plain[:, :1], 1.0 - self.smoothing), (scene.caught.plain[:, :1], 0.0)]
        yield Weighed("discriminate", terms.discriminate(streams), 2.0)  # the paper's V sums both means
        if self.penalty:
            x = scene.x.detach().requires_grad_()
            yield Weighed("r1", terms.r1(lambda x: self.judged(x)[:, 0], x), self.penalty)
        if self.owner == "judge":
            yield from self._told(scene.caught, scene)

    def _generators_terms(self, scene: InfoGANScene) -> Iterator[Weighed]:
        yield Weighed("believe", terms.believe(scene.shown.plain[:, :1]))
        if self.owner == "generator":
            yield from self._told(scene.shown, scene)
        elif self.inform:
            yield from self._bounds(scene.shown, scene.z)
        if self.orthogonality:
            yield Weighed("ima contrast", terms.ima_contrast(scene.changes), self.orthogonality)
        if self.symmetry:
            yield Weighed("asymmetry", terms.asymmetry(*scene.mirrored), self.symmetry)
        if self.visibility:
            yield Weighed("faintness", terms.faintness(scene.changes, self.visible), self.visibility)

    def game(self, optimiser: Optimiser, generator: torch.Generator | None = None) -> Game:
        """The judge and then the generator, each with codes of its own draw; the real images are the same."""
        heads = [self.encoder.codes] if self.owner == "generator" else []
        judge = [self.encoder.trunk, self.encoder.real, *([] if heads else [self.encoder.codes])]
        return Game(
            self,
            lambda batch, step: InfoGANScene(self, batch, generator),
            [
                Player("judge", judge, self._judges_terms, optimiser.at_rate(self.rates[0])),
                Player("generator", [self.decoder, *heads], self._generators_terms, optimiser.at_rate(self.rates[1])),
            ],
        )

    def validation(self, x: Float[Tensor, "n c h w"], generator: torch.Generator) -> dict[str, float]:
        """What is told of codes by what is made of them, in nats; how sure the judge is, of 1 for real; and what shows
        that training fails (`latune.models.symptoms`).
        """
        z = self.codes.sample(len(x), generator, x.device)
        made = self.decode(z)
        judged, real = self.judged(made), self.judged(x)
        told = {term.name: term.value.item() for term in self._bounds(Looks(judged, judged), z)}
        copies = self.judged(distorted(x, self.distortion or PUSH, generator))
        return {
            **told,
            "believed real": torch.sigmoid(real[:, 0]).mean().item(),
            "believed made": torch.sigmoid(judged[:, 0]).mean().item(),
            "spread": symptoms.spread(made) / max(symptoms.spread(x), torch.finfo(x.dtype).tiny),
            **symptoms.measured(*(self.recognised(each) for each in (real, copies, judged))),
        }

    def remarks(self, numbers: Mapping[str, float], step: int = sys.maxsize) -> list[Remark]:
        """What goes wrong by the numbers of a validation; of codes, once the ramp of their weight is at its end."""
        asked = []
        for name, factor in self.told.items():
            weight = self.information if isinstance(factor, Categorical) else self.information_real
            if self.inform and at(weight, step) == at(weight, sys.maxsize):
                asked.append(name)
        return list(symptoms.said(numbers, {name: self.told.entropy(name) for name in asked}, self.least_scale))

    def settle(self, images: Iterable[Tensor], generator: torch.Generator) -> None:
        """Measure the statistics of batch normalisation once more.

        Those of the judge gathered over real and made images alike, and those of weights that were averaged belong to
        other weights. From here on the judge looks at real images, the generator at draws of the prior.
        """
        n = 0
        with torch.no_grad(), statistics_gathered(self.encoder):
            for x in images:
                self.judged(x)
                n += 1
        with torch.no_grad(), statistics_gathered(self.decoder):
            for _ in range(n):
                self.decode(self.codes.sample(SETTLED, generator, next(self.parameters()).device))

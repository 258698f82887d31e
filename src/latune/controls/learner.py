"""How a Space learns controls: from labels, rules, few pictures, preferences, and from what is real."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latune.controls.again import Again, again_of
from latune.controls.apply import fulfil
from latune.controls.baseline import Judge, beside_vector
from latune.controls.control import Control, Wish
from latune.controls.critics import JUDGINGS, Critics, Judging, class_vectors, learn_critic
from latune.controls.examples import shown
from latune.controls.known import Encodings, digest, unfinished
from latune.controls.labels import lesson_of_column, lesson_of_columns, lesson_of_values
from latune.controls.learning import PRESETS, Learning, Players, learn_actor
from latune.controls.lesson import Encoded, Kind, Lesson, realism_lesson
from latune.controls.preferences import Taste, agreement, learn_taste, taste_of
from latune.controls.rules import rule_of
from latune.controls.scoring import score_actor, score_critic
from latune.controls.sureness import FEW_THRESHOLD, aim_of, as_sure, enough_of
from latune.controls.teaching import (
    REST,
    Steps,
    asked_of,
    examples_lesson,
    made,
    points_to_judge,
    rule_lesson,
    some,
    spans,
    taste_lesson,
)
from latune.coordinates import whole
from latune.data import Dataset
from latune.errors import DataError, unknown
from latune.nets import LatentNets
from latune.provenance import machine
from latune.training import generator

REALISM = "realism"
OR_AGAIN = "Remove it, or learn it again (again=True, --again)."
CHUNK = 1024
FEWEST_JUDGED = 100  # pictures that a rule is asked about
FEW = 500  # labelled examples below which critics are learned as few
ACTOR_FROM = 5000  # from as many on an actor is learned unless told otherwise: of less, it makes a few looks alone
SHARP = 2.0  # power of what a rule says, as it is taught
REAL_ENOUGH = 0.1  # share of real codes that the threshold of a realism control calls unreal


class Learner(ABC):
    """What learns controls of a Space: a shelf, which says what is on it already and keeps what was made.

    Args:
        space: the model, as `latune.Space`; its weights are never touched.
    """

    def __init__(self, space: Any) -> None:
        self.space = space
        self._made: dict[str, Control] = {}
        self.folder: Path | None = None  # where they are kept
        self._codes = Encodings(self._encode, lambda: self.fingerprint)

    @cached_property
    def again(self) -> Again | None:
        """What critics look at in a descent; see `latune.controls.again`."""
        return again_of(self.space)

    @abstractmethod
    def add(self, control: Control, save: bool = True) -> Control:
        """Put a control on the shelf."""

    @abstractmethod
    def _free(self, name: str, again: bool) -> None:
        """Refuse a name that cannot be a control's."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Of the model."""

    def learn(
        self,
        name: str,
        data: Dataset | None = None,
        *,
        attribute: str | None = None,
        attributes: Sequence[str] = (),
        images: Any = None,
        values: Any = None,
        rest: Dataset | None = None,
        kind: Kind | None = None,
        classes: tuple[str, ...] = (),
        lesson: Lesson | None = None,
        how: str | Learning = "default",
        judging: str | Judging | None = None,
        actor: bool | None = None,
        near: float | None = None,
        seed: int = 0,
        again: bool = False,
        progress: bool = False,
    ) -> Control:
        """Learn a control from labels, classes, rewards or a real attribute, in seconds; the model is not touched.

        Args:
            name: what it will be called.
            data: a data set, of which the training split is used, with the attribute.
            attribute: of the data set, or `attribute=class` for a label; the control's name where left out.
            attributes: two or more binary ones, for one control of them all: `sample(16, face={"smiling": 1})`.
            images, values: examples and a value each instead, or of several labels a row `(n, k)`.
            rest: for a label of few examples, data that nothing is known of: some of them stand beside the examples of
                0, though a few are wrong there. What is known of few does not tell what all else looks like.
            kind: what the values are: `label`, `labels`, `classes`, `real` or `reward`; found out where left out.
            classes: names of classes, or of several labels.
            lesson: codes and targets that were prepared instead; see `latune.controls.lesson`.
            how: a preset of `PRESETS` or a `Learning` for critic and actor; `default` is `labels` for several labels.
            judging: a preset of `JUDGINGS` or a `Judging` for the attribute critic; chosen by the number of examples.
            actor: whether to learn an actor; where left out, with 5,000 examples or more, and for several labels.
            near: weight of the distance that the actor moves, instead of the preset's.
            seed: of every draw.
            again: put it in the place of a control of the same name.
            progress: show a bar.

        Raises:
            DataError: a name that is taken, or examples and values that nothing can be learned from.
        """
        self._free(name, again)
        started = time.monotonic()
        source: dict[str, Any] = {"source": "lesson"}
        if lesson is None:
            lesson, source = self._lesson(name, data, attribute, attributes, images, values, rest, kind, classes, seed)
        few = lesson.n < FEW or rest is not None
        return self._make(name, lesson, source, few, started, how, judging, actor, near, seed, progress)

    def learn_rule(
        self,
        name: str,
        rule: Any,
        data: Dataset | None = None,
        *,
        judged: int = 4000,
        rounds: int = 1,
        sharp: float = SHARP,
        how: str | Learning = "default",
        judging: str | Judging = "fast",
        actor: bool = False,
        near: float | None = None,
        seed: int = 0,
        again: bool = False,
        progress: bool | Callable[[float], None] = False,
    ) -> Control:
        r"""Learn a rule: any Python function that gives what is made a number in [0, 1]; it needs no derivative.

        The rule is asked about what the model makes, and a critic learns what it can expect of a point,
        :math:`\sigma(f(z)) = \mathbb E[c(x) | z]`: Engel, Hoffman & Roberts 2018, section 6
        (https://arxiv.org/abs/1711.05772). Then, `rounds` times, it is asked about points that the critic was sent to
        by a descent, and the critic goes on from what it says: a critic that was only shown the prior can be fooled.

        Args:
            name: what it will be called; `space.sample(16, name=1)` asks for the most.
            rule: a function of uint8 images `[n, h, w]` or `[n, h, w, 3]` that returns n numbers in [0, 1], or of one
                such image that returns one; or its name, `module:function`. Of melodies it takes one `Melody`, or all
                (see `latune.attributes.own_melody`). It may be random: then its mean is learned.
            data: whose codes it is asked about as well, beside those of the prior.
            judged: pictures that it is asked about at first.
            rounds: of asking again; with an actor they teach the critic alone.
            sharp: power of what the rule says that is taught: above 1, nearly satisfied is worth less than wholly. What
                `space.sample(16, name=0.5)` asks for is meant as the rule says it. Of bars of Bach, those asked to stay
                in a scale did so wholly in 97 % with 2 and in 76 % with 1. A rule that gives chance numbers between 0
                and 1 wants 1.
            how, judging, near, seed, again: as in `learn`.
            actor: whether to learn an actor as well, which makes many samples quick.
            progress: show a bar; or a function, which is given the share of the work that is done, from 0 to 1.

        Raises:
            AttributeFunctionError: a rule that raises, or returns anything but a number in [0, 1] for each.
            DataError: a rule that says the same of everything that the model makes.
        """
        self._free(name, again)
        started = time.monotonic()
        if isinstance(judged, bool) or not isinstance(judged, int) or judged < FEWEST_JUDGED:
            raise DataError(f"A rule is asked about {FEWEST_JUDGED} or more examples. Got judged={judged!r}.")
        if isinstance(sharp, bool) or not isinstance(sharp, int | float) or not 0 < sharp < math.inf:
            raise DataError(f"sharp is a power above 0. Got {sharp!r}.")
        rounds = whole("The number of rounds", rounds, 0)
        found, judge = rule_of(rule), self._preset(judging, JUDGINGS, Judging)
        did = Steps(2 * rounds + 3, progress)  # asked and learned, so many times, and measured
        points = points_to_judge(self.space, None if data is None else self._codes_of(data), judged, seed)
        said, sent = [asked_of(self.space, found, points.mean)], []
        did.one()
        grown = rule_lesson(name, points, said, sent, found, seed, sharp)
        critic = learn_critic(grown, judge, seed)
        did.one()
        for turn in range(rounds):
            draft = self._control(name, grown, critic, judge.nets, few=True)
            source = generator(seed, "round", turn, device=self.space.device)
            ends = zip(self.space.codes.sample(judged // 4, source, self.space.device).chunk(2), (1, 0), strict=True)
            given: dict[str, Any] = {"by": "descent", "codes": self.space.codes, "again": self.again}
            sent.append(torch.cat([fulfil(part, [draft.wish(end)], **given).z for part, end in ends]))
            said.append(asked_of(self.space, found, sent[-1]))
            did.one()
            grown = rule_lesson(name, points, said, sent, found, seed, sharp)
            critic = learn_critic(grown, replace(judge, steps=max(1, judge.steps // 2)), seed, critic)
            did.one()
        about: dict[str, Any] = {"source": "rule", "rule": found.source, "data": data.name if data else ""}
        about |= {"judged": sum(len(each) for each in said), "sharp": float(sharp)}
        about |= dict(zip(("least", "most"), spans(said), strict=True))
        # Where an actor goes is what the model makes itself.
        lesson = rule_lesson(name, points, said, [], found, seed, sharp)

        def by_rule(images: Tensor, wish: Wish) -> Tensor:
            return torch.from_numpy(found(self.space.medium.shown(images))).to(images.device)

        control = self._make(
            name, lesson, about, True, started, how, judge, actor, near, seed, progress is True, critic, by_rule
        )
        control.rule = found
        did.one()
        return control

    def learn_examples(
        self,
        name: str,
        examples: Any,
        against: Any = None,
        *,
        resize: bool = False,
        how: str | Learning = "default",
        judging: str | Judging = "few",
        actor: bool = False,
        near: float | None = None,
        seed: int = 0,
        again: bool = False,
        progress: bool = False,
    ) -> Control:
        """Learn what a few pictures have in common, from five up, against the rest.

        Args:
            name: what it will be called.
            examples: images, image files, or a folder of them.
            against: what stands against them: a data set (some of its training split, of which a few may well be
                examples too), images, files or a folder; where left out, what the model makes by itself.
            resize: scale and crop files of another size, instead of refusing them.
            how, judging, actor, near, seed, again, progress: as in `learn`.

        Raises:
            DataError: fewer than five pictures, or pictures of another size.
        """
        self._free(name, again)
        started = time.monotonic()
        given = self._encode(shown(examples, self.space.medium, resize))
        if against is None:
            other, what = made(self.space, REST, seed, "rest"), "what the model makes"
        elif isinstance(against, Dataset):
            other, what = some(self._codes_of(against), REST, seed, "rest"), against.name
        else:
            other, what = self._encode(shown(against, self.space.medium, resize)), "counter-examples"
        source = {"source": "examples", "shown": len(given), "against": what}
        lesson = examples_lesson(name, given, other, seed)
        return self._make(name, lesson, source, True, started, how, judging, actor, near, seed, progress)

    def learn_preferences(
        self,
        name: str,
        likes: Any = None,
        dislikes: Any = None,
        pairs: tuple[Any, Any] | None = None,
        *,
        resize: bool = False,
        judging: str | Judging = "few",
        seed: int = 0,
        again: bool = False,
        progress: Callable[[float], None] | None = None,
    ) -> Control:
        """Learn somebody's taste from pictures that are liked or not, or from pairs; call it again to add more.

        A control of preferences keeps what it was told: the next call adds to it, and goes on from its critics, which
        takes about a second. See `latune.controls.preferences.learn_taste`.

        Args:
            name: what it is or will be called.
            likes, dislikes: images, image files, or a folder; what the model makes stands beside the disliked.
            pairs: the better pictures and the worse ones, row by row.
            resize: scale and crop files of another size, instead of refusing them.
            judging, seed: as in `learn`.
            again: forget what it was told before.
            progress: a function, which is given the share of the work that is done, from 0 to 1.

        Raises:
            DataError: nothing to learn from, or a control of that name that is of another sort.
        """
        known = self._made.get(name)
        more = known is not None and not again
        if more and not (known and known.about.get("source") == "preferences"):
            raise DataError(f"There is a control '{name}' already, not of preferences. {OR_AGAIN}")
        self._free(name, again or more)
        started = time.monotonic()
        given = [None if each is None else shown(each, self.space.medium, resize) for each in (likes, dislikes)]
        if pairs is not None and len(pairs) != 2:
            raise DataError(f"pairs are the better pictures and the worse ones. Got {len(pairs)} parts.")
        sides = [self._encode(shown(side, self.space.medium, resize)) for side in pairs or ()]
        likes, dislikes = (None if each is None else self._encode(each) for each in given)
        taste = taste_of(likes, dislikes, (sides[0], sides[1]) if sides else None)
        did = Steps(3, progress)
        judge = self._preset(judging, JUDGINGS, Judging)
        start = None
        if more and known is not None:
            taste = Taste(**known.memory).with_more(taste)
            start = known.critic if (known.nets, len(known.critic.members)) == (judge.nets, judge.members) else None
        rest = made(self.space, REST, seed, "rest")
        did.one()
        beside = rest if len(taste.rows(True)) else None
        critic = learn_taste(taste, beside, judge, seed, start)
        did.one()
        lesson = taste_lesson(taste, beside, rest.typical_scale)
        source = {
            "source": "preferences",
            "likes": len(taste.rows(True)),
            "dislikes": len(taste.rows(False)),
            "pairs": len(taste.pairs),
        }
        control = self._make(
            name, lesson, source, True, started, "default", judge, False, None, seed, False, critic,
            scores=agreement(critic, taste), memory=taste.tensors(),
        )  # fmt: skip
        did.one()
        return control

    def learn_realism(
        self,
        data: Dataset,
        *,
        how: str | Learning = REALISM,
        near: float | None = None,
        seed: int = 0,
        again: bool = False,
        progress: bool | Callable[[float], None] = False,
    ) -> Control:
        """Learn what real codes look like, as the control `realism`: a dial of every sample and every edit.

        Args:
            data: its training split is what is real.
            how: a preset of `PRESETS` or a `Learning`.
            near: weight of the distance that the actor moves, instead of the preset's.
            seed: of every draw.
            again: put it in the place of the one that is there.
            progress: show a bar; or a function, which is given the share of the work that is done, from 0 to 1.
        """
        if REALISM in self._made and not again:
            raise DataError(
                f"There is a control '{REALISM}' already. Remove it, or learn it again (again=True, --again)."
            )
        started = time.monotonic()
        learning = self._preset(how, PRESETS, Learning)
        learning = learning if near is None else replace(learning, near=near)
        lesson = realism_lesson(self._codes_of(data), seed=seed)
        players = self._play(REALISM, lesson, learning, seed, progress)
        control = Control(
            name=REALISM,
            kind="realism",
            critic=Critics([players.critic]),
            actor=players.actor,
            vectors=lesson.codes.mean.new_zeros(0, lesson.codes.mean.shape[1]),
            scale=lesson.codes.typical_scale,
            fingerprint=self.fingerprint,
            nets=learning.nets,
            actor_nets=learning.nets,
        )
        with torch.no_grad():
            belief = torch.sigmoid(control.critic(lesson.held_codes.mean))[:, 0]
        control.threshold = belief.quantile(REAL_ENOUGH).item()
        control.about = {"source": "realism", "data": data.name, "way": learning.way}
        control.scores = score_actor(
            control, lesson, self.space.codes, generator(seed, "scores", device=self.space.device)
        )
        return self._finish(control, lesson.n, seed, started)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _lesson(
        self,
        name: str,
        data: Any,
        attribute: str | None,
        attributes: Sequence[str],
        images: Any,
        values: Any,
        rest: Any,
        kind: Any,
        classes: Any,
        seed: int,
    ) -> tuple[Lesson, dict[str, Any]]:
        if (data is None) == (images is None):
            raise DataError("A control is learned from data with an attribute, or from images and values. Give one.")
        if attributes and (attribute or data is None):
            raise DataError("attributes= are several of a data set's. Leave attribute= and images= out.")
        if data is None:
            if values is None:
                raise DataError("Give values beside the images, one each.")
            more = None if rest is None else some(self._codes_of(rest), REST, seed, "rest")
            codes = self._encode(images)
            return lesson_of_values(name, codes, values, kind, classes, more, seed), {"source": "images and values"}
        codes = self._codes_of(data)
        if attributes:
            source = {"source": "attribute", "data": data.name, "attribute": ", ".join(attributes)}
            return lesson_of_columns(name, data, codes, attributes, seed), source
        source = {"source": "attribute", "data": data.name, "attribute": attribute or name}
        return lesson_of_column(name, data, codes, attribute, kind, classes, seed), source

    def _make(
        self,
        name: str,
        lesson: Lesson,
        source: Mapping[str, Any],
        few: bool,
        started: float,
        how: str | Learning,
        judging: str | Judging | None,
        actor: bool | None,
        near: float | None,
        seed: int,
        progress: bool,
        critic: Critics | None = None,
        by: Judge | None = None,
        scores: Mapping[str, float] | None = None,
        memory: Mapping[str, Tensor] | None = None,
    ) -> Control:
        """Learn what a lesson teaches, measure it beside the baseline, and put it on the shelf."""
        usual = "few" if few else "fast" if lesson.n < ACTOR_FROM else "default"
        judge = self._preset(judging or usual, JUDGINGS, Judging)
        how = "labels" if how == "default" and lesson.kind == "labels" else how
        learning = self._preset(how, PRESETS, Learning)
        learning = learning if near is None else replace(learning, near=near)
        critic = critic or learn_critic(lesson, judge, seed)
        players = None
        enough = not few and (lesson.n >= ACTOR_FROM or lesson.kind == "labels")
        if actor or (actor is None and enough):
            players = self._play(name, lesson, learning, seed, progress, critic)
        control = self._control(name, lesson, critic, judge.nets, few, players, learning)
        control.sure = as_sure(critic, lesson) if few and lesson.kind == "label" else enough_of(critic, lesson)
        control.about, control.memory = dict(source), dict(memory or lesson.seen)
        control.scores = dict(scores) if scores is not None else score_critic(control, lesson)
        if players:
            control.scores |= score_actor(
                control, lesson, self.space.codes, generator(seed, "scores", device=self.space.device)
            )
        control.scores |= beside_vector(control, lesson, self.space, seed, by, self.again)
        return self._finish(control, lesson.n, seed, started)

    def _control(
        self,
        name: str,
        lesson: Lesson,
        critic: Critics,
        nets: LatentNets,
        few: bool,
        players: Players | None = None,
        learning: Learning | None = None,
    ) -> Control:
        return Control(
            name=name,
            kind=lesson.kind,
            critic=critic,
            actor=players.actor if players else None,
            vectors=class_vectors(lesson),
            scale=lesson.codes.typical_scale,
            fingerprint=self.fingerprint,
            nets=nets,
            actor_nets=learning.nets if players and learning else None,
            classes=lesson.classes,
            quantiles=lesson.quantiles,
            unit=lesson.unit,
            threshold=FEW_THRESHOLD if few else aim_of(critic, lesson),
        )

    def _finish(self, control: Control, examples: int, seed: int, started: float) -> Control:
        control.about |= {
            "examples": examples,
            "seed": seed,
            "seconds": round(time.monotonic() - started, 2),
            **machine(self.space.device),
        }
        return self.add(control)

    def _encode(self, images: Any) -> Encoded:
        q = self.space.posterior(images)
        return Encoded(q.mean, q.scale)

    def _codes_of(self, data: Dataset, split: str = "training") -> Encoded:
        """Posteriors of a split, encoded once; see `latune.controls.known`."""
        if not isinstance(data, Dataset):
            raise DataError(
                f"data is a data set, as from latune.data.from_arrays(images, values). Got a {type(data).__name__}."
            )
        return self._codes.of(data, split, self.folder)

    def _play(
        self, name: str, lesson: Lesson, how: Learning, seed: int, progress: Any, judge: Critics | None = None
    ) -> Players:
        """Learn an actor; a long learning that is stopped goes on when it is asked for again."""
        known = (lesson.codes.mean, lesson.codes.scale, lesson.targets)
        asked = {"model": self.fingerprint, "seed": seed, "lesson": digest(iter(known)), "how": asdict(how)}
        with unfinished(self.folder, name, how.steps, asked) as folder:
            return learn_actor(lesson, self.space.codes, how, seed, folder, progress, judge)

    def _preset(self, chosen: Any, presets: Mapping[str, Any], kind: type) -> Any:
        if isinstance(chosen, kind):
            return chosen
        if chosen not in presets:
            raise DataError(unknown("preset", chosen, presets))
        return presets[chosen]

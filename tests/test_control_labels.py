"""One control of several labels: what it is taught, what is asked of it, and what becomes of labels nobody names."""

from __future__ import annotations

import re
import shutil
import warnings

import numpy as np
import pytest
import torch

from latune.controls import JUDGINGS, PRESETS, Control, Encoded, Judging, Learning, learn_critic, lesson_of
from latune.controls.apply import fulfil
from latune.controls.control import same
from latune.controls.critics import class_vectors
from latune.controls.labels import lesson_of_columns
from latune.controls.several import drawn_rows, rest_of
from latune.data import load
from latune.errors import DataError
from latune.nets import LatentNets
from latune.space import Space

TINY = LatentNets(48, 2)
JUDGE = Judging(nets=TINY, steps=150, batch_size=128, lr=1e-2, draw=0.0, mixup=False, smooth=0.02)
ACTOR = Learning(nets=TINY, steps=400)
NAMES = ("right", "up", "rare")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def signs(n: int = 600) -> tuple[Encoded, np.ndarray]:
    """Codes in six dimensions; the labels are the signs of the first two, and a high third."""
    z = torch.randn(n, 6, generator=seeded())
    y = torch.stack([z[:, 0] > 0, z[:, 1] > 0, z[:, 2] > 1.3], dim=1)
    return Encoded(z, torch.full_like(z, 0.1)), y.double().numpy()


def control_of(lesson, **given) -> Control:
    return Control(
        "face", "labels", learn_critic(lesson, JUDGE), class_vectors(lesson), lesson.codes.typical_scale, "model", TINY,
        classes=lesson.classes, memory=lesson.seen, **given,
    )  # fmt: skip


@pytest.fixture(scope="module")
def lesson():
    codes, y = signs()
    return lesson_of("face", codes, y, "labels", NAMES)


@pytest.fixture(scope="module")
def control(lesson) -> Control:
    return control_of(lesson)


# --- lessons ----------------------------------------------------------------------------------------------------------


def test_a_lesson_has_a_column_for_each_label(lesson):
    assert lesson.classes == NAMES
    assert lesson.targets.shape == (lesson.n, 3)
    assert lesson.n + len(lesson.held_codes) == 600
    assert torch.equal(lesson.targets[:, 0], (lesson.codes.mean[:, 0] > 0).float())
    assert lesson.held_targets[:, 2].sum() > 0, "rare labels are measured as well"
    assert len(lesson.held_codes) == pytest.approx(60, abs=3)


def test_two_of_a_rare_label_are_one_to_learn_from_and_one_to_measure_on():
    codes, y = signs()
    y[:, 2] = 0
    y[[3, 5], 2] = 1
    lesson = lesson_of("face", codes, y, "labels", NAMES)
    assert (lesson.targets[:, 2].sum(), lesson.held_targets[:, 2].sum()) == (1, 1)


def test_rare_labels_are_drawn_more_often_and_go_with_what_they_went_with():
    y = np.zeros((1000, 3))
    y[:500, 0] = 1
    y[:20, 1:] = 1  # the rare ones are always together, and with the first
    lesson = lesson_of("face", signs(1000)[0], y, "labels", NAMES, held=0.001)
    drawn = lesson.targets[lesson.draw_rows(20_000, seeded())]
    # A row weighs 1 / share for each of its labels: 2 + 50 + 50 of the rare rows against 2 + 2 / .98 of the others.
    rare = 0.02 * 102 / (0.02 * 102 + 0.98 * (2 + 2 / 0.98))
    assert drawn[:, 1].mean().item() == pytest.approx(rare, abs=0.02)
    assert torch.equal(drawn[:, 1], drawn[:, 2])
    assert (drawn[drawn[:, 1] == 1, 0] == 1).all()


def test_targets_of_others_are_rows_that_examples_have(lesson):
    rows = torch.arange(200)
    wrong = lesson.mismatched(rows, seeded(), other=True)
    same = (wrong == lesson.targets[rows]).all(1)
    assert same.float().mean() < 0.05
    known = {tuple(row) for row in lesson.seen["labels"].tolist()}
    assert {tuple(row) for row in wrong.tolist()} <= known


def test_examples_of_which_a_label_is_not_known_are_left_out():
    codes, y = signs(100)
    y[:10, 1] = np.nan
    lesson = lesson_of("face", codes, y, "labels", NAMES)
    assert lesson.n + len(lesson.held_codes) == 90


def test_the_rows_that_examples_have_are_counted(lesson):
    seen = lesson.seen
    assert seen["labels"].shape == (8, 3)
    assert seen["counts"].sum() == 600
    every = torch.cat([lesson.targets, lesson.held_targets])
    assert seen["counts"][0] == (every == seen["labels"][0]).all(1).sum()


@pytest.mark.parametrize(
    ("values", "names", "message"),
    [
        (np.zeros((30, 3)), NAMES, "'right' .* is 0 in every example|'right' is 0 in every example"),
        (np.eye(30)[:, :3], NAMES, "'right' needs 2 or more examples of each"),
        ((np.arange(90).reshape(30, 3) % 3) / 2, NAMES, "The label 'up' is 0 or 1. Got 0.5|'right' is 0 in every"),
        (np.arange(30) % 2, (), r"shape \[30\] for 30 examples; two or more labels each"),
        (np.arange(30)[:, None] % 2, (), r"shape \[30, 1\] for 30 examples; two or more"),
        (np.arange(60).reshape(30, 2) % 2, ("a", "a"), "has 2 labels; each has a name of its own. Got a, a"),
    ],
)
def test_labels_that_teach_nothing_are_told(values, names, message):
    with pytest.raises(DataError, match=message):
        lesson_of("face", signs(30)[0], values, "labels", names)


def test_columns_of_a_data_set_are_taught_by_name():
    digits = load("digits")
    z = torch.randn(len(digits.splits["training"]), 4, generator=seeded())
    codes = Encoded(z, torch.zeros_like(z))
    lesson = lesson_of_columns("which", digits, codes, ("digit=3", "digit=8"))
    assert lesson.classes == ("digit=3", "digit=8")
    digit = digits.column("digit", digits.splits["training"])
    every = torch.cat([lesson.targets, lesson.held_targets]).sum(0)
    assert every.tolist() == [(digit == 3).sum(), (digit == 8).sum()]
    with pytest.raises(DataError, match="takes two or more attributes"):
        lesson_of_columns("which", digits, codes, ("digit=3",))
    with pytest.raises(DataError, match="'digit' of 'digits' is not; learn it as a control of its own"):
        lesson_of_columns("which", digits, codes, ("digit=3", "digit"))


# --- what is asked ----------------------------------------------------------------------------------------------------


def test_a_wish_names_some_labels(control):
    wish = control.wish({"up": 1, "right": "low"})
    assert wish.counts.tolist() == [True, True, False]
    assert wish.target.tolist() == pytest.approx([0.1, 1.0, 0.0])
    assert wish.said == "face: up = 1, right = low"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1, '\'face\' takes some of its labels with a value each, as {"right": 1, "up": 0}. Got 1'),
        ({"upp": 1}, "Unknown label 'upp' of 'face'. Did you mean 'up'?"),
        ({"up": 2}, "'up' of 'face' is a number from 0 to 1"),
        ({"up": "yes"}, "'up' of 'face' is a number from 0 to 1"),
        ({"up": float("nan")}, "'up' of 'face' is a number from 0 to 1"),
    ],
)
def test_what_cannot_be_asked_is_told(control, value, message):
    with pytest.raises(DataError, match=re.escape(message)):
        control.wish(value)


def test_labels_that_nobody_names_are_drawn_from_examples_that_agree(control):
    wish = control.wish({"up": 1, "rare": 0})
    rows = drawn_rows(wish, 400, seeded())
    assert (rows[:, 1] == 1).all()
    assert (rows[:, 2] == 0).all()
    labels, counts = control.memory["labels"], control.memory["counts"]
    agree = (labels[:, 1] == 1) & (labels[:, 2] == 0)
    expected = (counts * agree * labels[:, 0]).sum() / (counts * agree).sum()
    assert rows[:, 0].mean().item() == pytest.approx(expected.item(), abs=0.08)
    assert torch.equal(rows, drawn_rows(wish, 400, seeded()))
    anything = drawn_rows(control.wish({}), 4000, seeded())
    share = (labels[:, 2] * counts).sum() / counts.sum()
    assert anything[:, 2].mean().item() == pytest.approx(share.item(), abs=0.02)


def test_what_no_example_is_at_once_is_said():
    y = np.zeros((100, 3))
    y[:50, 0] = 1
    y[50:60, 1] = 1
    y[::7, 2] = 1
    control = control_of(lesson_of("face", signs(100)[0], y, "labels", NAMES))
    with pytest.warns(UserWarning, match="No example is face: right = 1, up = 1 at once"):
        drawn_rows(control.wish({"right": 1, "up": 1}), 5, seeded())


def test_a_descent_keeps_the_labels_that_nobody_names(control):
    z = torch.randn(200, 6, generator=seeded(5))
    before = torch.sigmoid(control.critic(z)) > 0.5
    wish = control.wish({"up": 1})
    moved = fulfil(z, [wish], "descent")
    after = torch.sigmoid(control.critic(moved.z)) > 0.5
    assert after[:, 1].float().mean() > 0.98
    assert (after == before)[:, [0, 2]].float().mean() > 0.98
    there = wish.arrived(z)
    assert torch.equal(moved.z[there], z[there]), "what is so already stays, bit for bit"


def test_fresh_points_get_the_labels_of_examples(lesson):
    from latune.codes import Codes, Normal
    from latune.controls import learn_actor

    players = learn_actor(lesson, Codes(z=Normal(6)), ACTOR)
    control = control_of(lesson, actor=players.actor, actor_nets=TINY)
    z = torch.randn(400, 6, generator=seeded(6))
    wish = control.wish({"up": 1})
    rest = rest_of(wish, z, fresh=True, generator=seeded(7))
    assert rest is not None
    moved = fulfil(z, [wish], fresh=True, generator=seeded(7))
    assert (moved.z[:, 1] > 0).float().mean() > 0.98
    right = (moved.z[:, 0] > 0).float() == rest.target[:, 0]
    assert right.float().mean() > 0.95
    assert torch.equal(moved.z, fulfil(z, [wish], fresh=True, generator=seeded(7)).z)


def test_an_edit_goes_down_where_it_holds_labels(lesson):
    class Never(torch.nn.Module):
        def forward(self, z, given=None):
            raise AssertionError("the actor was asked")

    control = control_of(lesson, actor=Never(), actor_nets=TINY)
    z = torch.randn(5, 6, generator=seeded(8))
    moved = fulfil(z, [control.wish({"up": 1})]).z
    assert (moved[:, 1] > 0).all()
    with pytest.raises(AssertionError, match="the actor was asked"):
        fulfil(z, [control.wish(dict.fromkeys(NAMES, 1))])


def test_all_labels_named_leave_nothing_to_draw(control):
    assert rest_of(control.wish(dict.fromkeys(NAMES, 1)), torch.zeros(2, 6)) is None


# --- in a space -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def taught(digits_run) -> Space:
    """A space with a control of two labels that are never together."""
    space = Space.load(digits_run)
    space.controls.folder = None
    which = {"attributes": ("digit=0", "digit=1"), "how": ACTOR, "judging": JUDGE}
    space.controls.learn("which", load("digits"), **which)
    return space


def nearest(space: Space, images) -> torch.Tensor:
    """The digit that the codes of most examples near those of images have."""
    data = load("digits")
    rows = data.splits["training"]
    z, y = space.encode(data.images(rows)), data.column("digit", rows)
    return y[torch.cdist(space.encode(images.plain()), z).topk(7, largest=False).indices].mode(1).values


def test_a_control_of_labels_is_one_of_a_space(taught):
    control = taught.controls["which"]
    assert control.kind == "labels"
    assert control.classes == ("digit=0", "digit=1")
    assert control.about["attribute"] == "digit=0, digit=1"
    assert control.scores["accuracy"] > 0.9
    assert control.scores["success"] > control.scores["untouched"]
    assert control.memory["labels"].tolist() == [[0, 0], [0, 1], [1, 0]]


def test_samples_are_what_is_named_and_else_as_the_data_are(taught):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of few that did not arrive
        zeros = taught.sample(40, generator=seeded(1), which={"digit=0": 1})
        again = taught.sample(40, generator=seeded(1), which={"digit=0": 1})
        any_ = taught.sample(100, generator=seeded(1), which={})
    assert (nearest(taught, zeros) == 0).float().mean() > 0.85
    assert torch.equal(zeros.plain(), again.plain())
    assert (nearest(taught, any_) <= 1).float().mean() == pytest.approx(0.2, abs=0.12)


def test_an_edit_changes_what_is_named(taught):
    data = load("digits")
    rows = data.splits["test"]
    x = data.images(rows[data.column("digit", rows) == 1][:20])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        edited = taught.edit(x, which={"digit=1": 0, "digit=0": 1})
    assert (nearest(taught, edited) == 0).float().mean() > 0.8
    assert torch.equal(taught.edit(x, which={}).plain(), taught.decode(taught.encode(x)).plain())


def test_a_traversal_goes_through_the_labels(taught):
    x = load("digits").images(torch.arange(3))
    assert taught.traverse(x, "which").shape == (3, 2, 1, 8, 8)


def test_a_control_of_labels_is_saved_whole(taught, tmp_path):
    control = taught.controls["which"]
    again = Control.load(control.save(tmp_path / "which"))
    assert same(control, again)
    assert all(torch.equal(value, again.memory[name]) for name, value in control.memory.items())


def test_several_labels_are_typed_with_a_dot(taught):
    from latune.cli.pictures import _wishes

    typed = _wishes(["which.digit=0=1", "which.digit=1=low"], taught.controls)
    assert typed == {"which": {"digit=0": 1.0, "digit=1": "low"}}


def test_preferences_do_not_go_on_from_labels(taught):
    x = load("digits").images(torch.arange(6))
    with pytest.raises(DataError, match="There is a control 'which' already, not of preferences"):
        taught.controls.learn_preferences("which", likes=x)


def test_attributes_go_with_data_alone(taught):
    with pytest.raises(DataError, match="attributes= are several of a data set's"):
        taught.controls.learn("two", load("digits"), attribute="digit=0", attributes=("digit=0", "digit=1"))


def test_it_is_typed_and_used_on_the_command_line(digits_run, tmp_path, monkeypatch, capsys):
    from latune.cli.controls import control_add
    from latune.cli.pictures import sample

    monkeypatch.setitem(PRESETS, "labels", ACTOR)
    monkeypatch.setitem(JUDGINGS, "default", JUDGE)
    run = tmp_path / "run"
    shutil.copytree(digits_run, run)
    control_add(run, "which", attribute="digit=0,digit=1")
    told = " ".join(capsys.readouterr().out.split())
    assert "learned: which (digit=0, digit=1 of digits)" in told
    assert "--with which.digit=0=1" in told
    assert Space.load(run).controls["which"].actor_nets == TINY, "the preset is that of several labels"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        sample(run, n=4, with_=["which.digit=0=1"], picture=tmp_path / "zeros.png")
    assert (tmp_path / "zeros.png").exists()
    with pytest.raises(DataError, match="Unknown label 'digit=3' of 'which'"):
        sample(run, n=4, with_=["which.digit=3=1"], picture=tmp_path / "zeros.png")

"""The experiments on melodies: what they measure has known answers, and their pictures are drawn."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latune.controls import Judging
from latune.music import GRIDS, Melodies, Melody
from latune.nets import LatentNets
from latune.papers import EXPERIMENTS, Subject
from latune.papers.arvae import pictures
from latune.papers.experiment import Gallery
from latune.papers.latent_constraints import melodies, phases
from latune.recipes import open_data, read, train

TINY = LatentNets(16, 1)
JUDGE = Judging(TINY, steps=20, batch_size=32)


@pytest.fixture
def subject(tiny_tunes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
    words = (
        "data.name=tunes",
        f"data.path={tiny_tunes}",
        "nets.reader_units=4",
        "nets.bar_units=8",
        "nets.conductor_units=8",
        "nets.summary_units=8",
        "nets.embedding=4",
        "model.latent=3",
        "training.steps=3",
        "training.batch_size=4",
        "training.validate_every=0",
    )
    monkeypatch.setattr(melodies, "JUDGING", JUDGE)
    monkeypatch.setattr(melodies, "LEARNING", replace(melodies.LEARNING, nets=TINY, steps=5, batch_size=16))
    monkeypatch.setattr(melodies, "JUDGED", 200)
    monkeypatch.setattr(phases, "JUDGED", 200)
    monkeypatch.setattr(phases, "LEARNING", replace(phases.LEARNING, nets=TINY, steps=1000, batch_size=8))
    recipe = read("lc-melody-small", words)
    data = open_data(recipe)
    return Subject(train(recipe, tmp_path / "run", data=data), recipe, data, {"rows": 20}, 0, tmp_path)


def opened(gallery_of: Subject, result: dict | None = None) -> Gallery:
    return Gallery([result] if result else [], lambda label: gallery_of)


def size(png: bytes) -> tuple[int, int]:
    return Image.open(BytesIO(png)).size


def test_rules_are_satisfied_where_they_are_exactly_one() -> None:
    grid = GRIDS["melody"]
    in_c = Melody.of([(60 + 2 * (i % 2), i / 4, 0.25) for i in range(256)])  # C and D, 256 notes
    one_wrong = Melody.of([(60 if i else 61, i / 4, 0.25) for i in range(192)])
    few = Melody.of([(60, i, 1.0) for i in range(48)])
    found = melodies.judged(Melodies.of([in_c, one_wrong, few], grid))
    assert found["pitch"] == pytest.approx((1 + 191 / 192 + 1) / 3)
    assert found["density"] == pytest.approx((1 + 1 + 48 / 192) / 3)
    assert found["pitch satisfied"] == found["density satisfied"] == pytest.approx(200 / 3)
    assert found["both satisfied"] == pytest.approx(100 / 3)


def test_a_table_of_rules_is_whole_and_drawn(subject: Subject) -> None:
    found = melodies.rules(subject)
    assert set(found.numbers) == set(EXPERIMENTS["lc-melody-rules"].quantities)
    assert found.detail["rows"] == 20
    (sheet,) = melodies.rolls(opened(subject))
    assert size(sheet.png)[0] > 300


def test_losses_of_a_game_are_kept_and_drawn(subject: Subject) -> None:
    found = phases.against(subject)
    assert set(found.numbers) == set(EXPERIMENTS["lc-melody-fig11"].quantities)
    assert found.detail["step"] == [100.0 * i for i in range(1, 11)]
    late = np.array(found.detail["critic"])[np.array(found.detail["step"]) > 250]
    assert found.numbers["critic swings"] == pytest.approx(late.std())
    assert -1 <= found.numbers["against"] <= 1
    assert phases.against(subject).numbers == found.numbers, "what was played is read again"
    (losses,) = phases.curves(opened(subject, {"detail": found.detail}))
    assert size(losses.png)[0] > 300


def test_rolls_stand_beside_the_values_they_have() -> None:
    rise = [Melody.of([(60, 0, 2), (60 + i, 2, 2)]) for i in range(10)]
    figure = pictures.rolled(
        {"contour": rise, "pitch_range": rise}, dict.fromkeys(["contour", "pitch_range"], np.arange(10.0)), "AR-VAE"
    )
    assert len(figure.axes) == 22
    line = figure.axes[10].lines[0]
    assert line.get_xdata()[0] == -4 and line.get_xdata()[-1] == 4
    assert list(line.get_ydata()) == list(range(10))

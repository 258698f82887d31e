"""Rendered sprites, against what is known of the original and against its frames."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from latune.data import load
from latune.data.sprites import COUNT, GRID, SHAPES, latents, render


def index(shape=0, scale=0, orientation=0, x=0, y=0):
    return int(np.ravel_multi_index((shape, scale, orientation, x, y), GRID))


def extent(image, axis):
    """First and last row (axis 1) or column (axis 0) that is not black."""
    on = image.any(axis).nonzero().squeeze(1)
    return int(on[0]), int(on[-1])


def draw(**at):
    return render(torch.tensor([index(**at)]))[0, 0] > 0


def test_the_grid_is_that_of_the_original():
    sprites = load("sprites")
    assert len(sprites) == COUNT == 737_280
    assert sprites.values.shape == (COUNT, 5)
    assert {name: len(sprites.column(name).unique()) for name in sprites.attributes} == {
        "shape": 3,
        "scale": 6,
        "orientation": 40,
        "x": 32,
        "y": 32,
    }
    assert latents(torch.tensor([1]))[0].tolist() == pytest.approx([1, 0.5, 0, 0, 1 / 31])
    assert latents(torch.tensor([index(2, 3, 39, 31, 0)]))[0].tolist() == pytest.approx([3, 0.8, 2 * math.pi, 1, 0])
    for name, attribute in sprites.attributes.items():
        assert attribute.range == pytest.approx((sprites.column(name).min().item(), sprites.column(name).max().item()))


def test_squares_and_ellipses_have_the_sides_seen_in_the_original():
    for scale, side in enumerate((10, 12, 14, 16, 18, 20)):
        square = draw(scale=scale)
        assert extent(square, 1) == extent(square, 0) == (16 - side // 2, 15 + side // 2)
        assert int(square.sum()) == side**2
    ellipse = draw(shape=1, scale=5)
    assert (extent(ellipse, 1), extent(ellipse, 0)) == ((9, 22), (3, 28))


def test_images_are_black_and_white_and_a_full_turn_changes_nothing():
    first = torch.tensor([index(shape, 4, 0, 7, 20) for shape in range(3)])
    last = torch.tensor([index(shape, 4, 39, 7, 20) for shape in range(3)])
    assert torch.equal(render(first), render(last))
    assert render(first).unique().tolist() == [0, 255]


def test_a_heart_is_its_own_mirror_image_and_stands_upright():
    heart = draw(shape=2, scale=5)
    assert torch.equal(heart[:, :32], heart[:, :32].flip(1))
    rows = heart.sum(1)
    assert rows[23] < rows[10]  # the tip is below
    quarter = draw(shape=2, scale=5, orientation=10)  # counter-clockwise: the tip moves to the right
    assert quarter[:, 24].sum() < quarter[:, 8].sum()


def test_sprites_move_right_with_x_and_down_with_y():
    for shape in range(3):
        assert extent(draw(shape=shape, x=31), 0)[0] == extent(draw(shape=shape), 0)[0] + 32
        assert extent(draw(shape=shape, y=31), 1)[0] == extent(draw(shape=shape), 1)[0] + 32


def test_no_sprite_is_cut_at_the_border_and_a_batch_equals_its_singles():
    corners = torch.tensor(
        [index(s, 5, o, x, y) for s in range(3) for o in range(40) for x in (0, 31) for y in (0, 31)]
    )
    images = render(corners)
    assert not images[..., 0, :].any()
    assert not images[..., :, 0].any()
    assert not images[..., -1, :].any()
    assert not images[..., :, -1].any()
    assert torch.equal(images[:40], torch.cat([render(one[None]) for one in corners[:40]]))
    half = images.view(3, 40, 2, 2, 64, 64)[:, :, 0, 0]
    assert torch.equal(half[:2], half[:2].flip(2, 3)[..., :, :].roll((-32, -32), (2, 3)))  # squares and ellipses


def real_frames(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The original frames as booleans, and their indices in the grid."""
    from PIL import Image, ImageSequence

    with Image.open(folder / "dsprites.gif") as gif:
        frames = np.stack([np.array(frame.convert("L")) > 0 for frame in ImageSequence.Iterator(gif)])
    with (folder / "frames_latents.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = ("shape", "scale", "orientation", "pos_x", "pos_y")
    return torch.from_numpy(frames), torch.tensor([index(*(int(row[name]) for name in names)) for row in rows])


def test_sprites_overlap_the_real_frames(shared_data):
    frames, indices = real_frames(shared_data / "dsprites-sample")
    assert len(frames) == 320
    drawn = render(indices)[:, 0] > 0
    overlap = (drawn & frames).sum((1, 2)) / (drawn | frames).sum((1, 2))
    shape = latents(indices)[:, 0].long() - 1
    means = {name: float(overlap[shape == number].mean()) for number, name in enumerate(SHAPES)}
    assert min(means.values()) >= 0.995, means
    assert means["square"] == 1
    assert float(overlap.min()) >= 0.96

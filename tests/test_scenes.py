"""Rendered scenes: rays against what geometry says, factors against what is seen, and the same image in any batch."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from latune.data import load
from latune.data.scenes import chairs, heads
from latune.data.scenes.cameras import light_from, seen
from latune.data.scenes.casting import Paper, cast
from latune.data.scenes.shapes import BOX, CYLINDER, ELLIPSOID, bar, box, cylinder, ellipsoid, rod, stack
from latune.errors import DataError

FINE = Paper(side=256, rays=1, ground=0.0, ambient=0.0)
FLAT = replace(FINE, ambient=1.0)  # every surface has its tone: a silhouette
SCENES = {"chairs": chairs, "heads": heads}


def picture(*shapes, paper=FINE, azimuth=0.0, elevation=0.0, width=1.0, light=0.0, height=0.0):
    """One object, as numbers in [0, 1] [side, side]."""
    angles = {
        name: torch.tensor([value], dtype=torch.float64)
        for name, value in (("azimuth", azimuth), ("elevation", elevation), ("width", width))
    }
    sun = light_from(torch.tensor([light], dtype=torch.float64), height)
    return cast(seen(stack([shapes]), **angles), sun, paper)[0, 0].double().numpy() / 255


def share(*shapes, **view):
    """The area of a silhouette, in units where the image has area 4."""
    return 4 * (picture(*shapes, paper=FLAT, **view) > 0).mean()


def grid(side=256):
    """u and v of the pixels' centres."""
    steps = (np.arange(side) + 0.5) * 2 / side - 1
    return steps[None, :], -steps[:, None]


# --- rays -------------------------------------------------------------------------------------------------------------


def test_a_ball_lit_from_the_camera_is_as_bright_as_its_depth():
    u, v = grid()
    within = (u**2 + v**2) / 0.6**2
    expected = np.sqrt(np.clip(1 - within, 0, None))  # Lambert: the normal's part along the line of sight
    assert np.abs(picture(ellipsoid((0, 0, 0), (0.6, 0.6, 0.6), 1.0)) - expected).max() <= 0.5 / 255 + 1e-5


def test_light_from_aside_follows_lamberts_cosine():
    u, v = grid()
    depth = np.sqrt(np.clip(1 - (u**2 + v**2) / 0.36, 0, None))
    expected = np.clip(u / 0.6 * math.sin(0.8) + depth * math.cos(0.8), 0, None) * (u**2 + v**2 < 0.36)
    drawn = picture(ellipsoid((0, 0, 0), (0.6, 0.6, 0.6), 1.0), light=0.8)
    assert np.abs(drawn - expected).max() <= 0.5 / 255 + 1e-5


@pytest.mark.parametrize(("azimuth", "elevation"), [(0.0, 0.0), (0.5, 0.0), (0.5, 0.6), (2.4, -0.9), (math.pi / 2, 0)])
def test_silhouettes_have_the_area_that_geometry_says(azimuth, elevation):
    view = {"azimuth": azimuth, "elevation": elevation}
    a, b, c = 0.5, 0.3, 0.4
    # The line of sight in the object's frame.
    x, y, z = (
        -math.sin(azimuth) * math.cos(elevation),
        math.sin(elevation),
        math.cos(azimuth) * math.cos(elevation),
    )
    assert share(box((0, 0, 0), (a, b, c), 1.0), **view) == pytest.approx(
        4 * (b * c * abs(x) + a * c * abs(y) + a * b * abs(z)), rel=0.02
    )
    assert share(ellipsoid((0, 0, 0), (a, b, c), 1.0), **view) == pytest.approx(
        math.pi * math.sqrt((b * c * x) ** 2 + (a * c * y) ** 2 + (a * b * z) ** 2), rel=0.02
    )
    assert share(cylinder((0, 0, 0), (a, b, a), 1.0), **view) == pytest.approx(
        4 * a * b * math.cos(elevation) + math.pi * a * a * abs(y), rel=0.02
    )


def test_a_box_shows_each_face_in_its_own_light():
    cube = box((0, 0, 0), (0.4, 0.4, 0.4), 1.0)
    front = picture(cube)
    assert set(np.unique(front)) == {0.0, 1.0}
    edge = picture(cube, azimuth=math.pi / 6)
    faces = np.unique(np.round(edge[128] * 255))
    assert faces.tolist() == [0, round(255 * 0.5), round(255 * math.cos(math.pi / 6))]
    # from the corner, all three faces are equal: 1 / sqrt 3
    corner = picture(cube, azimuth=math.pi / 4, elevation=math.atan(1 / math.sqrt(2)))
    assert set(np.unique(np.round(corner * 255))) <= {0, 147, 148}


def test_a_cylinder_is_round_beside_and_flat_on_top():
    u, v = grid()
    tube = cylinder((0, 0, 0), (0.5, 0.7, 0.5), 1.0)
    expected = np.sqrt(np.clip(1 - (u / 0.5) ** 2, 0, None)) * (np.abs(v) < 0.7)
    assert np.abs(picture(tube) - expected).max() <= 0.5 / 255 + 1e-5
    above = picture(tube, elevation=math.pi / 2)
    assert set(np.unique(above)) == {0.0, 1.0}
    assert np.array_equal(above > 0, u**2 + v**2 < 0.25)
    # A round rod is the same cylinder, wherever it starts.
    assert np.array_equal(picture(rod((0, 0.7, 0), (0, -0.7, 0), 0.5, 1.0)), picture(tube))


def test_what_is_nearer_hides_what_is_behind():
    near, far = box((0, 0, 0.5), (0.3, 0.3, 0.1), 1.0), box((0.2, 0, -0.5), (0.3, 0.3, 0.1), 0.5)
    drawn = picture(near, far)
    assert np.array_equal(drawn, picture(far, near))
    u, v = grid()
    assert np.array_equal(drawn == 1, (np.abs(u) < 0.3) & (np.abs(v) < 0.3))
    behind = picture(near, far, azimuth=math.pi)
    assert behind[128, 64] == behind[128, 128] == pytest.approx(0.5, abs=0.01)
    inside = ellipsoid((0, 0, 0.5), (0.2, 0.2, 0.05), 0.2)
    assert np.array_equal(picture(near, inside), picture(near))


def slow(shapes, paper, azimuth, elevation, width, light, height):
    """The same picture, a ray and a shape at a time: the rays are turned instead of the shapes."""
    s, c, se, ce = math.sin(azimuth), math.cos(azimuth), math.sin(elevation), math.cos(elevation)
    view = np.array([[1, 0, 0], [0, ce, -se], [0, se, ce]]) @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    view = view @ np.diag([width, 1, 1])
    sun = np.array([math.sin(light) * math.cos(height), math.sin(height), math.cos(light) * math.cos(height)])
    u, v = np.meshgrid(*(each.ravel() for each in grid(paper.side)))
    best, shade = np.full(u.shape, -np.inf), np.full(u.shape, paper.ground)
    for shape in shapes:
        matrix = np.linalg.inv(view @ np.array(shape.axes).T)
        start = (np.stack([u, v, np.full(u.shape, 9.0)], -1) - view @ np.array(shape.centre)) @ matrix.T
        way = matrix @ np.array([0, 0, -1.0])
        enter, leave, normal = np.full(u.shape, -np.inf), np.full(u.shape, np.inf), np.zeros((*u.shape, 3))
        with np.errstate(divide="ignore", invalid="ignore"):
            for axis in {BOX: (0, 1, 2), CYLINDER: (1,), ELLIPSOID: ()}[shape.kind]:
                t1, t2 = (-1 - start[..., axis]) / way[axis], (1 - start[..., axis]) / way[axis]
                later = np.minimum(t1, t2) > enter
                enter = np.fmax(enter, np.minimum(t1, t2))
                leave = np.fmin(leave, np.maximum(t1, t2))
                normal[later] = -np.sign(way[axis]) * matrix[axis]
            if shape.kind != BOX:
                rows = [0, 1, 2] if shape.kind == ELLIPSOID else [0, 2]
                p, d = start[..., rows], way[rows]
                half, room = p @ d / (d @ d), (p @ d) ** 2 / (d @ d) ** 2 - ((p * p).sum(-1) - 1) / (d @ d)
                t1, t2 = -half - np.sqrt(room), -half + np.sqrt(room)
                round_side = (p + t1[..., None] * d) @ matrix[rows]
                normal = np.where((t1 > enter)[..., None], round_side, normal)
                enter, leave = np.maximum(enter, t1), np.minimum(leave, t2)
            cosine = normal @ sun / np.linalg.norm(normal, axis=-1)
            seen_here = (enter <= leave) & (9 - enter > best)
        brightness = shape.tone * (paper.ambient + (1 - paper.ambient) * np.clip(cosine, 0, None))
        best, shade = np.where(seen_here, 9 - enter, best), np.where(seen_here, brightness, shade)
    return shade


@pytest.mark.parametrize("name", SCENES)
def test_every_style_is_as_a_slow_tracer_draws_it(name):
    scene = SCENES[name]
    draw = np.random.default_rng(5)
    paper = replace(scene.PAPER, rays=1)
    for style in scene.STYLES.values():
        view = dict(
            zip(
                ("azimuth", "elevation", "width", "light", "height"),
                draw.uniform([-3, -0.4, 0.7, -1.3, 0.3], [3, 0.7, 1.3, 1.3, 0.8]),
                strict=True,
            )
        )
        shapes = scene.built(style)
        difference = np.abs(picture(*shapes, paper=paper, **view) - slow(shapes, paper, **view))
        # A ray that grazes an edge, or two surfaces that lie in one plane, may be decided by the last bit.
        assert np.mean(difference > 1 / 255) < 0.003, (style, difference.max())


# --- factors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "count"), [("chairs", 12 * 72 * 16 * 16), ("heads", 8 * 25 * 13 * 17 * 11)])
def test_an_index_tells_its_factors_and_back(name, count):
    scene, data = SCENES[name], load(name)
    assert len(data) == len(scene.FACTORS) == count
    some = torch.randint(count, (50,), generator=torch.Generator().manual_seed(1))
    rows = scene.FACTORS.at(some)
    assert torch.equal(rows, data.values[some])
    names = scene.FACTORS.names
    assert [scene.FACTORS.index(dict(zip(names, row, strict=True))) for row in rows.tolist()] == some.tolist()
    assert torch.equal(scene.render(some[:3]), scene.draw(rows[:3]))
    levels = [len(data.column(each).unique()) for each in names]
    assert levels == [len(axis) for axis in scene.FACTORS.levels]
    assert data.provenance["classes"]["style"] == list(scene.STYLES)


@pytest.mark.parametrize("name", SCENES)
def test_an_image_is_the_same_in_any_batch_and_on_any_number_of_threads(name):
    scene = SCENES[name]
    some = torch.randint(len(scene.FACTORS), (scene.CHUNK + 7,), generator=torch.Generator().manual_seed(2))
    together = scene.render(some)
    assert torch.equal(together.flip(0), scene.render(some.flip(0)))
    assert torch.equal(together[:7], torch.cat([scene.render(one[None]) for one in some[:7]]))
    assert torch.equal(together[11:40], scene.render(some[11:40]))
    assert scene.render(some[:0]).shape == (0, 1, scene.PAPER.side, scene.PAPER.side)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3 - min(threads, 2))
        assert torch.equal(together, scene.render(some))
    finally:
        torch.set_num_threads(threads)


def chair(style, azimuth=0.0, elevation=0.3, width=1.0):
    return chairs.draw(torch.tensor([[style, azimuth, elevation, width]]))[0, 0]


def head(style, azimuth=0.0, elevation=0.0, lighting=0.0, width=1.0):
    return heads.draw(torch.tensor([[style, azimuth, elevation, lighting, width]]))[0, 0]


@pytest.mark.parametrize("style", range(1, 13))
def test_chairs_turn_all_the_way_round_and_are_their_own_mirror_images(style):
    for azimuth in (0.0, 0.4, 1.9):
        # float32 holds 2 pi to 2e-7 only, so a ray in a million may see another surface
        whole_turn = chair(style, azimuth).int() - chair(style, azimuth + 2 * math.pi).int()
        assert (whole_turn.abs() > 1).sum() <= 1
        outline, mirrored = chair(style, azimuth) < 255, chair(style, -azimuth) < 255
        assert (outline != mirrored.flip(1)).sum() <= 2
    # With the light on the other side, what is seen is mirrored too.
    shapes = chairs.built(list(chairs.STYLES.values())[style - 1])
    left = picture(*shapes, paper=chairs.PAPER, azimuth=0.7, elevation=0.3, light=-0.6, height=0.7)
    right = picture(*shapes, paper=chairs.PAPER, azimuth=-0.7, elevation=0.3, light=0.6, height=0.7)
    assert np.mean(np.abs(left - right[:, ::-1]) > 1 / 255) < 0.002
    assert not torch.equal(chair(style, 0.5), chair(style, 0.5 + math.pi)), "front and back differ"


@pytest.mark.parametrize("style", range(1, 9))
def test_heads_are_their_own_mirror_images(style):
    there = head(style, 0.6, 0.1, 0.5).int()
    mirrored = head(style, -0.6, 0.1, -0.5).flip(1).int()
    assert ((there - mirrored).abs() > 1).sum() <= 2


def extent(image, ground):
    """First and last column that is not empty."""
    on = (image != ground).any(0).nonzero().squeeze(1)
    return int(on[-1] - on[0] + 1)


@pytest.mark.parametrize("style", range(1, 13))
def test_width_stretches_a_chair_across_and_not_in_depth(style):
    wide, middle, narrow = (extent(chair(style, width=width), 255) for width in (1.3, 1.0, 0.7))
    assert wide == pytest.approx(1.3 * middle, abs=2)
    assert narrow == pytest.approx(0.7 * middle, abs=2)
    beside = [extent(chair(style, math.pi / 2, width=width), 255) for width in (1.3, 0.7)]
    assert abs(beside[0] - beside[1]) <= 1


def test_width_scales_a_heads_silhouette():
    for style in range(1, 9):
        areas = [int((head(style, width=width) > 0).sum()) for width in (0.75, 1.0, 1.25)]
        assert areas[0] / areas[1] == pytest.approx(0.75, abs=0.05)
        assert areas[2] / areas[1] == pytest.approx(1.25, abs=0.05)


def test_light_from_the_left_brightens_the_left():
    for style in range(1, 9):
        left, ahead, right = (head(style, lighting=lighting).float() for lighting in (-1.2, 0.0, 1.2))
        assert left[:, :16].mean() > 1.5 * left[:, 16:].mean()
        assert right[:, 16:].mean() > 1.5 * right[:, :16].mean()
        assert ahead.mean() > left.mean()
        assert ahead[:, :16].mean() == pytest.approx(float(ahead[:, 16:].mean()), rel=0.02)


def test_the_front_goes_to_the_right_with_azimuth_and_down_with_elevation():
    ball = ellipsoid((0, 0, 0.8), (0.05, 0.05, 0.05), 1.0)
    rows, columns = np.nonzero(picture(ball, azimuth=math.pi / 6))
    assert (columns.mean() - 127.5) / 128 == pytest.approx(0.4, abs=0.01)
    assert rows.mean() == pytest.approx(127.5, abs=0.1)
    rows, columns = np.nonzero(picture(ball, elevation=math.pi / 6))
    assert (rows.mean() - 127.5) / 128 == pytest.approx(0.4, abs=0.01)
    assert columns.mean() == pytest.approx(127.5, abs=0.1)


def test_shapes_turn_as_they_say():
    post = box((0, 0.5, 0), (0.1, 0.5, 0.1), 1.0).pitched(math.pi / 2)
    assert post.centre == pytest.approx((0, 0, -0.5))  # the top goes back
    assert bar((0, 0, 0), (1, 1, 0), (0.1, 0.2), 1.0).axes[1] == pytest.approx((0.5, 0.5, 0))
    lying = box((0.3, 0, 0), (0.2, 0.1, 0.1), 1.0).rolled(math.pi / 2)
    assert lying.centre == (0.3, 0, 0)
    assert lying.axes[0] == pytest.approx((0, 0.2, 0))
    assert lying.mirrored().centre == (-0.3, 0, 0)
    assert rod((0, 0, 0), (0, 0, 2), 0.1, 1.0).axes[1] == pytest.approx((0, 0, 1))


# --- what comes out ---------------------------------------------------------------------------------------------------


def smaller(scene, rows):
    """Where anything is, in images of twice the view: the usual image is rows and columns 32 to 95."""
    style, azimuth, elevation, width = torch.tensor(rows, dtype=torch.float64).unbind(1)
    models = stack([scene.built(each) for each in scene.STYLES.values()])[style.long() - 1]
    models = replace(models, centres=models.centres / 2, axes=models.axes / 2)
    placed = seen(models, azimuth=azimuth, elevation=elevation, width=width)
    sun = light_from(torch.zeros(len(rows), dtype=torch.float64), 0.0)
    return cast(placed, sun, Paper(side=128, rays=1, ground=0.0, ambient=1.0))[:, 0] > 0


def test_no_chair_is_cut_at_the_border():
    style, azimuth, elevation, _ = chairs.FACTORS.levels
    rows = [(s, a, e, 1.3) for s in style for a in azimuth[::3] for e in (elevation[0], elevation[-1])]
    full = smaller(chairs, rows)
    assert int(full.sum()) == int(full[:, 32:96, 32:96].sum())


def test_heads_are_cut_at_the_neck_only():
    style, azimuth, elevation, *_ = heads.FACTORS.levels
    rows = [(s, a, e, 1.25) for s in style for a in azimuth[::4] for e in elevation[::6]]
    full = smaller(heads, rows)
    assert not full[:, :32].any()
    assert not full[:, :96, :32].any()
    assert not full[:, :96, 96:].any()
    assert full[:, 96, 32:96].any(1).all()


@pytest.mark.parametrize("name", SCENES)
def test_styles_and_levels_all_look_different(name):
    scene = SCENES[name]
    middle = scene.FACTORS.at(
        torch.tensor([scene.FACTORS.index({"azimuth": 0.5, "lighting": 0.4} if name == "heads" else {"azimuth": 0.5})])
    )
    for column, axis in enumerate(scene.FACTORS.levels):
        rows = middle.repeat(len(axis), 1)
        rows[:, column] = torch.tensor(axis)
        images = scene.draw(rows)
        assert len({image.numpy().tobytes() for image in images}) == len(axis), scene.FACTORS.names[column]


def test_wrong_factors_are_told():
    with pytest.raises(DataError, match=r"Scene 0 has no style of 1 to 12: .*'style': 13.0.* Styles: kitchen, ladder,"):
        chair(13)
    with pytest.raises(DataError, match=r"Scene 0 has no style of 1 to 8"):
        head(0)
    with pytest.raises(DataError, match=r"Scene 1 has a factor that is no number: .*'azimuth': nan"):
        chairs.draw(torch.tensor([[1, 0.0, 0.3, 1.0], [1, math.nan, 0.3, 1.0]]))
    with pytest.raises(DataError, match=r"Scene 0 has no width above 0"):
        chairs.draw(torch.tensor([[1, 0.0, 0.3, -1.0]]))
    with pytest.raises(DataError, match=r"There is no style 20. Allowed: 1, 2, 3"):
        heads.FACTORS.index({"style": 20})
    with pytest.raises(DataError, match=r"azimuth is a number. Got nan"):
        heads.FACTORS.index({"azimuth": math.nan})
    with pytest.raises(DataError, match=r"Unknown factor 'azimut'. Did you mean 'azimuth'"):
        chairs.FACTORS.index({"azimut": 1.0})
    with pytest.raises(DataError, match="three positive shares"):
        load("chairs", split=(0.5, 0.5))
    with pytest.raises(DataError, match="Unknown option 'size' of data set 'heads'"):
        load("heads", size=64)


def test_nothing_in_view_leaves_the_ground():
    assert (picture(box((3, 0, 0), (0.5, 0.5, 0.5), 1.0), paper=chairs.PAPER) == 1).all()
    assert (picture(ellipsoid((0, 3, 0), (0.5, 0.5, 0.5), 1.0), paper=heads.PAPER) == 0).all()

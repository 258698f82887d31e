"""CelebA: every layout it is kept in, how images are cropped, and every mistake told by name."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from typing import Literal

import numpy as np
import pytest
import torch
from PIL import Image

from latune.data import celeba, load
from latune.data.celeba_tables import read_sheet
from latune.errors import DataError

N = 10
NAMES = [f"{i:06}.jpg" for i in range(1, N + 1)]
OFFICIAL = ("Bald", "No_Beard", "Smiling")
LABELS = np.where(np.random.default_rng(0).random((N, 3)) < 0.5, -1, 1)
PARTS = [0, 0, 1, 0, 2, 0, 0, 1, 2, 0]
RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 255, 0)


def face(i: int) -> Image.Image:
    """A flat colour of its own within the crop, and another around it."""
    image = Image.new("RGB", (178, 218), (255, 255, 255))
    image.paste((20 * i, 255 - 20 * i, 40), (25, 45, 153, 173))
    return image


def encoded(image: Image.Image, kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"quality": 95, "subsampling": 0} if kind == "JPEG" else {}))
    return buffer.getvalue()


FACES = {name: encoded(face(i)) for i, name in enumerate(NAMES)}


def attribute_text(names=NAMES, labels=LABELS) -> str:
    rows = [f"{name} " + " ".join(f"{value:2}" for value in row) for name, row in zip(names, labels, strict=True)]
    return "\n".join([str(len(rows)), " ".join(OFFICIAL) + " ", *rows]) + "\n"


def partition_text(names=NAMES) -> str:
    return "".join(f"{name} {part}\n" for name, part in zip(names, PARTS, strict=True))


def table(names=NAMES) -> str:
    rows = (
        f"{name},{i + 7},{part}," + ",".join(map(str, row))
        for i, (name, part, row) in enumerate(zip(names, PARTS, LABELS, strict=True))
    )
    return "\n".join([f"image_id,identity,partition,{','.join(OFFICIAL)}", *rows]) + "\n"


def write_tables(folder) -> None:
    (folder / "list_attr_celeba.txt").write_text(attribute_text())
    (folder / "list_eval_partition.txt").write_text(partition_text())


def write_faces(folder, names=NAMES) -> None:
    folder.mkdir(exist_ok=True, parents=True)
    for name in names:
        (folder / name).write_bytes(FACES[name])


def write_tar(path, names, extra=None, mode: Literal["w", "w:gz"] = "w") -> None:
    with tarfile.open(path, mode) as archive:
        for name, content in {**{f"celeba/{name}": FACES[name] for name in names}, **(extra or {})}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def write_zip(path, names, extra=None) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**{f"img_align_celeba/{name}": FACES[name] for name in names}, **(extra or {})}.items():
            archive.writestr(name, content)


def subset(path):
    """As the subset of the folder of real data: several tars and one CSV."""
    write_tar(path / "celeba_images_0.tar", NAMES[:4])
    write_tar(path / "celeba_images_1.tar", NAMES[4:])
    (path / "attributes.csv").write_text(table())
    return path


def official(path):
    """As it is given out: Anno, Eval and Img, the images zipped."""
    for name, text in (
        ("Anno/list_attr_celeba.txt", attribute_text()),
        ("Eval/list_eval_partition.txt", partition_text()),
    ):
        (path / name).parent.mkdir()
        (path / name).write_text(text)
    (path / "Img").mkdir()
    write_zip(path / "Img" / "img_align_celeba.zip", NAMES, {"__MACOSX/._000001.jpg": b"no image"})
    return path


def unpacked(path):
    """Unpacked beside its zip, as torchvision leaves it."""
    write_faces(path / "img_align_celeba")
    write_zip(path / "img_align_celeba.zip", NAMES)
    write_tables(path)
    return path


def one_tar(path):
    """Everything in one packed tar."""
    inside = {"list_attr_celeba.txt": attribute_text().encode(), "list_eval_partition.txt": partition_text().encode()}
    write_tar(path / "faces.tar.gz", NAMES, inside, "w:gz")
    return path / "faces.tar.gz"


def zip_beside_tables(path):
    """A zip, and its tables beside it."""
    write_zip(path / "faces.zip", NAMES)
    write_tables(path)
    return path / "faces.zip"


def tables_as_csv(path):
    """Both tables as CSV files with headers, and labels of 0 and 1."""
    write_faces(path / "faces")
    (path / "list_attr_celeba.csv").write_text(
        "\ufeffimage_id,Bald,No_Beard,Smiling\n"
        + "".join(
            f"{name},{','.join(str(int(v > 0)) for v in row)}\n" for name, row in zip(NAMES, LABELS, strict=True)
        ),
        encoding="utf-8",
    )
    parts = (f"{name},{part}" for name, part in zip(NAMES, PARTS, strict=True))
    (path / "list_eval_partition.csv").write_text("\n".join(["image_id,partition", *parts]))
    return path


LAYOUTS = [subset, official, unpacked, one_tar, zip_beside_tables, tables_as_csv]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LATUNE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "celeba"


@pytest.fixture
def home(tmp_path):
    path = tmp_path / "faces"
    path.mkdir()
    return path


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_every_layout_gives_the_same_data(layout, home):
    data = load("celeba", path=str(layout(home)))
    assert (data.name, len(data), data.shape) == ("celeba", N, (3, 64, 64))
    assert list(data.attributes) == ["bald", "no_beard", "smiling"]
    assert all((each.kind, each.range) == ("binary", (0.0, 1.0)) for each in data.attributes.values())
    assert np.array_equal(data.values.numpy(), LABELS > 0)
    assert {name: rows.tolist() for name, rows in data.splits.items()} == {
        "training": [0, 1, 3, 5, 6, 9],
        "validation": [2, 7],
        "test": [4, 8],
    }
    for i, image in enumerate(data.raw(torch.arange(N))):
        expected = torch.tensor([20 * i, 255 - 20 * i, 40])[:, None, None]
        inside = image[:, 2:-2, 2:-2].int()  # JPEG rings at the border between the two colours
        assert (inside - expected).abs().max() <= 4, "each image stands in its own row, and only its crop is seen"
    assert "non-commercial" in data.provenance["licence"]
    assert data.provenance["split"] == {"rule": "official"}
    json.dumps(data.provenance)


def test_the_crop_is_the_square_around_the_centre(home):
    image = Image.new("RGB", (178, 218), BLUE)
    image.paste(RED, (25, 45, 153, 173))
    image.paste(GREEN, (25, 45, 89, 77))  # its upper quarter, on the left
    for name in NAMES:
        (home / name.replace("jpg", "png")).write_bytes(encoded(image, "PNG"))
    write_tables(home)
    for side in (64, 32, 128):
        pixels = load("celeba", path=home, size=side).raw(torch.tensor([3]))[0]
        assert pixels.shape == (3, side, side)
        assert pixels[2].max() == 0, "nothing blue, which is around the crop"
        edge = 4  # Lanczos mixes and rings where two colours meet
        assert (pixels[1, : side // 4 - edge, : side // 2 - edge] == 255).all()
        assert (pixels[0, side // 4 + edge :] == 255).all()
        assert (pixels[0, :, side // 2 + edge :] == 255).all()


def test_grey_images_are_the_luma_of_the_same_pixels(home):
    subset(home)
    coloured, grey = celeba.load(path=home, size=16), celeba.load(path=home, size=16, colour=False)
    assert grey.shape == (1, 16, 16)
    rows = torch.arange(len(coloured.values))
    luma = (coloured.images(rows) * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1)
    assert (grey.images(rows)[:, 0] - luma).abs().max() < 3 / 255  # scaled after it was made grey, and rounded


def test_attributes_are_chosen_by_name_and_split_by_shares(home):
    data = load("celeba", path=subset(home), attributes=["smiling", "bald"], split=[0.4, 0.3, 0.3], seed=5)
    assert list(data.attributes) == ["smiling", "bald"]
    assert np.array_equal(data.values.numpy(), LABELS[:, [2, 0]] > 0)
    assert [len(rows) for rows in data.splits.values()] == [4, 3, 3]
    assert data.provenance["split"] == {"rule": "random", "fractions": [0.4, 0.3, 0.3], "seed": 5}
    with pytest.raises(DataError, match=r"Unknown attribute 'Smiling' of 'celeba'\. Did you mean 'smiling'"):
        load("celeba", path=home, attributes=["Smiling"])


def test_training_sees_mirror_images_too_where_they_are_asked_for(home):
    image = Image.new("RGB", (178, 218), RED)
    image.paste(GREEN, (0, 0, 89, 218))
    for i, name in enumerate(NAMES):
        image.putpixel((30, 60), (20 * i, 0, 0))
        (home / name.replace("jpg", "png")).write_bytes(encoded(image, "PNG"))
    write_tables(home)
    plain, both = load("celeba", path=home, size=128), load("celeba", path=home, size=128, mirror=True)
    twins = plain.splits["training"]
    added = both.splits["training"][len(twins) :]
    assert (len(both), len(both.values)) == (N + len(twins), N + len(twins))
    assert torch.equal(both.splits["training"][: len(twins)], twins)
    assert all(torch.equal(both.splits[name], plain.splits[name]) for name in ("validation", "test"))
    assert torch.equal(both.raw(torch.arange(N)), plain.raw(torch.arange(N)))
    assert torch.equal(both.raw(added), plain.raw(twins).flip(3))
    assert torch.equal(both.values[added], plain.values[twins])
    mixed = torch.stack([added[2], twins[4], added[0]])
    assert torch.equal(both.raw(mixed), torch.cat([both.raw(i[None]) for i in mixed]))
    part = both.subset(10, seed=1).only(["bald"])
    where = part.rows
    assert where is not None
    assert torch.equal(part.raw(torch.arange(10)), both.raw(where))
    assert both.provenance != plain.provenance


def test_images_are_decoded_once_for_each_size(home, cache, monkeypatch):
    path = subset(home)
    first = load("celeba", path=path)
    monkeypatch.setattr(celeba, "_decode", lambda *_: pytest.fail("decoded again"))
    again = load("celeba", path=path)
    assert torch.equal(again.raw(torch.arange(N)), first.raw(torch.arange(N)))
    assert len(list(cache.glob("*.npy"))) == 1
    with pytest.raises(pytest.fail.Exception, match="decoded again"):
        load("celeba", path=path, size=32)
    with (path / "celeba_images_0.tar").open("ab") as file:
        file.write(bytes(512))
    with pytest.raises(pytest.fail.Exception, match="decoded again"):
        load("celeba", path=path)


def test_labels_follow_a_table_that_changes(home):
    path = subset(home)
    load("celeba", path=path)
    lines = (path / "attributes.csv").read_text().splitlines()
    (path / "attributes.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]))
    assert np.array_equal(load("celeba", path=path).values.numpy(), LABELS > 0)


def test_the_same_faces_in_another_place_are_the_same_data(home, tmp_path):
    first = load("celeba", path=subset(home)).provenance
    (tmp_path / "else" / "faces").mkdir(parents=True)
    assert load("celeba", path=subset(tmp_path / "else" / "faces")).provenance == first
    assert load("celeba", path=home, split=[0.6, 0.2, 0.2]).provenance != first
    write_tar(home / "celeba_images_1.tar", [*NAMES[4:-1]])
    (home / "attributes.csv").write_text("\n".join(table().splitlines()[:-1]))
    assert load("celeba", path=home).provenance["images"] != first["images"]


def spoil(name: str, old: str, new: str):
    return lambda path: (path / name).write_text((path / name).read_text().replace(old, new))


def replace_face(name: str, content: bytes):
    return lambda path: (path / "img_align_celeba" / name).write_bytes(content)


ATTR, EVAL = "list_attr_celeba.txt", "list_eval_partition.txt"
MISTAKES = {
    "a broken image": (
        replace_face("000003.jpg", FACES["000003.jpg"][:900]),
        r"Some images cannot be used: 000003\.jpg cannot be read: image file is truncated",
    ),
    "no image": (replace_face("000004.jpg", b"nothing"), r"000004\.jpg is not an image"),
    "not aligned": (
        replace_face("000005.jpg", encoded(Image.new("RGB", (200, 300)))),
        r"000005\.jpg is 200x300; an aligned image of CelebA is 178x218",
    ),
    "an image without a row": (
        replace_face("000099.jpg", FACES[NAMES[0]]),
        r"list_attr_celeba\.txt: 000099\.jpg has no row",
    ),
    "rows without images": (
        lambda path: [(path / "img_align_celeba" / name).unlink() for name in NAMES[:7]],
        r"there is no image 000001\n(?s:.*)\.\.\. and 2 more\n  - 3 images for 10 rows",
    ),
    "an image twice": (
        lambda path: write_faces(path / "copies", NAMES[:1]),
        r"000001\.jpg is there twice: in copies and in img_align_celeba",
    ),
    "no partition": (lambda path: (path / EVAL).unlink(), r"no partition\. Put list_eval_partition\.txt there, or"),
    "partition of others": (spoil(EVAL, "000002.jpg 0\n", ""), r"list_eval_partition\.txt: 000002 has no row"),
    "partition of another sort": (spoil(EVAL, "000002.jpg 0", "000002.jpg 3"), r"000002: partition 3 is not 0, 1 or 2"),
    "an empty part": (
        spoil(EVAL, ".jpg 2", ".jpg 0"),
        r"the official partition leaves no image for test\. Put list_eval_partition",
    ),
    "no attributes": (
        lambda path: (path / ATTR).unlink(),
        r"There is no table of attributes in .* Put list_attr_celeba",
    ),
    "cut short": (
        lambda path: (path / ATTR).write_text(attribute_text()[:-20]),
        r"line 12 has 0 values for 3 columns|says that it has 10 rows, but has 9",
    ),
    "a value of another sort": (
        lambda path: (path / ATTR).write_text(attribute_text(labels=np.where(LABELS > 0, 2, LABELS))),
        r"column 'Smiling': 2 is not -1, 0 or 1\n(?s:.*)\.\.\. and \d+ more",
    ),
    "a word": (
        lambda path: (path / ATTR).write_text(attribute_text().replace("000003.jpg ", "000003.jpg yes ")),
        r"line 5 has 4 values for 3 columns",
    ),
    "a repeated row": (
        lambda path: (path / ATTR).write_text(attribute_text(names=[NAMES[1], *NAMES[1:]])),
        r"line 3: 000002 again",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named(mistake, home, cache):
    spoiled, message = MISTAKES[mistake]
    path = unpacked(home)
    (path / "img_align_celeba.zip").unlink()
    spoiled(path)
    with pytest.raises(DataError, match=message):
        load("celeba", path=path)
    assert not list(cache.glob("*.npy")), "nothing is kept of what cannot be used"


def test_without_a_partition_shares_do(home):
    path = unpacked(home)
    (path / EVAL).unlink()
    assert sum(len(rows) for rows in load("celeba", path=path, split=[0.6, 0.2, 0.2]).splits.values()) == N


@pytest.mark.parametrize("name", ["faces.zip", "faces.tar", "faces.tar.gz"])
def test_a_damaged_archive_is_named(name, home):
    (home / name).write_bytes(b"not an archive" * 100)
    write_tables(home)
    with pytest.raises(DataError, match=rf"{name} cannot be read: .*fetch it again"):
        load("celeba", path=home)


def test_places_that_are_not_there(home, tmp_path, monkeypatch):
    for path, message in (
        (tmp_path / "none", "There is no file or folder"),
        (home, "There is no image in"),
        (__file__, "is neither a folder nor an archive"),
    ):
        with pytest.raises(DataError, match=message):
            load("celeba", path=path)
    monkeypatch.setenv("LATUNE_DATA", str(tmp_path / "data"))
    with pytest.raises(DataError, match=r"CelebA is not on hand.*mmlab.*list_attr_celeba\.txt"):
        load("celeba")
    (tmp_path / "data" / "celeba").mkdir(parents=True)
    subset(tmp_path / "data" / "celeba")
    assert len(load("celeba")) == N


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 4}, "size is 4; it must be a whole number of pixels from 8 to 128"),
        ({"size": 200}, "size is 200"),
        ({"split": "released"}, r"Unknown split 'released' of celeba\. Allowed: official, or three shares"),
        ({"split": [0.5, 0.5]}, "three positive shares"),
    ],
)
def test_options_that_cannot_be_are_told(options, message, home):
    with pytest.raises(DataError, match=message):
        load("celeba", path=subset(home), **options)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"3\n", "every column needs a name"),
        (b"image_id,Bald\n", "has no rows"),
        (b"image_id,Bald,Bald\n1.jpg,1,1\n", "every column needs a name of its own"),
        (b"name,Bald\n1.jpg,1\n", "the first column is 'name'; it must be 'image_id'"),
        (b"image_id,Bald\n1.jpg,1\n2.jpg,x\n", r"line 3, column 'Bald': 'x' is not a whole number"),
        (b"image_id,Bald\n1.jpg,1.5\n", r"line 2, column 'Bald': '1.5' is not a whole number"),
        (b"image_id,Bald\n1.jpg,\n", "line 2 has 0 values for 1 columns"),
    ],
)
def test_tables_that_cannot_be_read_are_told(content, message):
    with pytest.raises(DataError, match=message):
        read_sheet(content, "table")


def test_the_subset_of_real_faces(shared_data):
    if not (shared_data / "celeba-subset").is_dir():
        pytest.skip("the subset of CelebA is not among the real data")
    data = load("celeba", path=shared_data / "celeba-subset", size=32)
    assert (len(data), data.shape, len(data.attributes)) == (10_000, (3, 32, 32), 40)
    assert {name: len(rows) for name, rows in data.splits.items()} == {
        "training": 8036,
        "validation": 971,
        "test": 993,
    }
    # the rates that the subset's own page states
    rates = {"male": 0.449, "smiling": 0.487, "eyeglasses": 0.073, "blond_hair": 0.142, "young": 0.749}
    assert {name: round(data.column(name).mean().item(), 3) for name in rates} == rates
    # labels lie beside their images: blond hair is brighter than black hair, above the forehead
    blond, black = (data.column(name) == 1 for name in ("blond_hair", "black_hair"))
    top = data.images(torch.arange(len(data)))[:, :, :6].mean((1, 2, 3))
    assert top[blond].mean() > top[black].mean() + 0.1

"""The report: one page that needs nothing else, the same numbers as JSON, pictures, and a model card."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from latune.attributes import Attribute
from latune.calibration import Calibration
from latune.data import Dataset, from_arrays
from latune.errors import DataError
from latune.models import Spec, build
from latune.pictures import enlarged
from latune.report import Report, sheets, write_card, write_report
from latune.report.findings import AXIS, surfaces
from latune.space import Space

LIGHT = Attribute("light", "real", (0.0, 255.0), "grey", lambda images: images.mean((1, 2)), "")
TOP = Attribute("top", "real", (0.0, 255.0), "grey", lambda images: images[:, :4].mean((1, 2)), "")
N = 60


def data_set(names: tuple[str, ...] = ("light", "top"), seed: int = 0) -> Dataset:
    images = (np.random.default_rng(seed).random((N, 8, 8)) * np.linspace(60, 255, N)[:, None, None]).astype(np.uint8)
    values = {name: images[:, : 8 - 4 * i].mean((1, 2)) for i, name in enumerate(names)}
    return from_arrays(images, values, seed=0)


def space_of(model: str = "ar-vae", attributes: tuple[Attribute, ...] = (LIGHT, TOP)) -> Space:
    names = tuple(attribute.name for attribute in attributes)
    spec = Spec(model, (1, 8, 8), 5, names if model == "ar-vae" else (), {"name": "mlp", "hidden": [16]})
    about = {"recipe": {"name": "tiny", "seed": 3}, "data": {"source": "noise", "licence": "none"}, "steps": 1200}
    return Space(build(spec, seed=0), spec, {attribute.name: attribute for attribute in attributes}, about=about)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return data_set()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    lines = [{"step": i, "epoch": i, "loss/vae": 9.0 / i, "kl": 1.0 * i, "validation/kl": 1.1 * i} for i in range(1, 9)]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture(scope="module")
def report(folder: Path, data: Dataset) -> Report:
    space = space_of()
    space.calibrate(data)
    return write_report(space, data, folder, command="latune evaluate <run> & more")


class Page(HTMLParser):
    """What a page consists of; an end tag that does not fit is a mistake."""

    VOID = ("meta", "img", "br", "path", "use", "image", "rect")

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text, self._open = "", []
        self.feed(path.read_text(encoding="utf-8"))
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


def test_everything_is_written_and_nothing_is_left_over(report: Report, folder: Path):
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    pictures = ["attributes", "log", "planes", "reconstructions", "samples", "surface-light", "surface-top"]
    pictures += ["traverse-light", "traverse-top"]
    assert names == ["log.jsonl", *(f"pictures/{name}.png" for name in pictures), "report.html", "report.json"]
    for name in pictures:
        with Image.open(folder / "pictures" / f"{name}.png") as image:
            image.load()
            assert min(image.size) > 100


def test_the_page_needs_nothing_else(report: Report):
    page = Page(report.html)
    assert not page.all("script") and not page.all("link") and not page.all("iframe")
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    assert all(link["href"].startswith("#") for link in page.all("a"))
    assert all(image["xlink:href"].startswith("data:") for image in page.all("image"))
    text = report.html.read_text(encoding="utf-8")
    css = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in css and "@import" not in css
    assert "prefers-color-scheme: dark" in css


def test_the_page_can_be_read_without_seeing_it(report: Report):
    page = Page(report.html)
    assert all(image["alt"] for image in page.all("img"))
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in page.all("svg"))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.all("a")} <= set(ids)
    assert page.all("html") == [{"lang": "en"}]


def test_charts_take_the_colours_of_the_page(report: Report):
    text = report.html.read_text(encoding="utf-8")
    charts = text[text.index("<svg") : text.rindex("</svg>")]
    assert "var(--soft)" in charts and "var(--line-0)" in charts
    assert "#646c76" not in charts and "DejaVu" not in charts


def test_json_holds_what_the_page_shows(report: Report, folder: Path):
    numbers = json.loads((folder / "report.json").read_text())
    assert numbers == json.loads(json.dumps(report.numbers))
    page = Page(report.html)
    for name in ("interpretability", "scc", "sap"):
        score = numbers["scores"][name]
        assert f"{score['value']:.3f}" in page.text
        assert all(f"{value:.3f}" in page.text for value in score["per_attribute"].values())
    assert numbers["split"] == "test" and numbers["n"] == 6
    assert [surface["attribute"] for surface in numbers["surfaces"]] == ["light", "light", "top", "top"]
    assert np.array(numbers["surfaces"][0]["values"]).shape == (17, 17)
    assert numbers["traversals"]["light"]["positions"] == np.linspace(-4, 4, 10).tolist()
    assert len(numbers["traversals"]["light"]["expected"]) == 10
    assert numbers["log"]["step"] == 8
    assert set(numbers["baselines"]) == {"pixel-accuracy", "mean-squared-error"}
    assert "latune evaluate <run> & more" in page.text


def test_the_same_again_gives_the_same_bytes(data: Dataset, tmp_path: Path):
    written = []
    for name in ("a", "b"):
        space = space_of()
        space.calibrate(data)
        write_report(space, data, tmp_path / name, seed=5)
        written.append({p.name: p.read_bytes() for p in (tmp_path / name).rglob("*") if p.is_file()})
    assert written[0] == written[1]


def test_matplotlib_is_left_as_it_was(data: Dataset, tmp_path: Path):
    before = dict(matplotlib.rcParams)
    write_report(space_of(), data, tmp_path)
    assert dict(matplotlib.rcParams) == before


def test_a_model_without_sliders_shows_coordinates(data: Dataset, tmp_path: Path):
    report = write_report(space_of("vae"), data, tmp_path)
    page = Page(report.html)
    assert "This model has no sliders." in page.text
    assert "Attribute surfaces" not in page.text
    assert report.numbers["surfaces"] == [] and len(report.numbers["traversals"]) == 5
    assert (tmp_path / "pictures" / "traverse-z-0.png").exists()


def test_no_attributes_at_all(tmp_path: Path):
    images = (np.random.default_rng(0).random((N, 8, 8)) * 255).astype(np.uint8)
    report = write_report(space_of("vae", ()), from_arrays(images), tmp_path)
    assert "interpretability" not in report.numbers["scores"]
    assert "Coordinates and attributes" not in Page(report.html).text


def test_labels_have_no_surface_and_the_page_says_so(data: Dataset, tmp_path: Path):
    space = space_of(attributes=(LIGHT, replace(TOP, measure=None)))
    report = write_report(space, data, tmp_path)
    assert "No surface for top: this is known only as a label" in Page(report.html).text
    assert report.numbers["unmeasurable"] == ["top"]
    assert not (tmp_path / "pictures" / "surface-top.png").exists()
    assert (tmp_path / "pictures" / "surface-light.png").exists()


def test_one_slider(tmp_path: Path):
    report = write_report(space_of(attributes=(LIGHT,)), data_set(("light",)), tmp_path)
    assert [each["against"][0] for each in report.numbers["surfaces"]] == ["z"]
    assert not (tmp_path / "pictures" / "planes.png").exists()


def test_names_are_text_and_not_markup(tmp_path: Path):
    name = "a/b <i>&"
    space = space_of(attributes=(replace(LIGHT, name=name),))
    space.about["recipe"]["name"] = "<script>alert(1)</script>"
    report = write_report(space, data_set((name,)), tmp_path)
    page = Page(report.html)
    assert not page.all("script") and not page.all("i")
    assert name in page.text
    assert (tmp_path / "pictures" / "traverse-a-b--i.png").exists()


def test_another_split_is_said_loudly(data: Dataset, tmp_path: Path):
    page = Page(write_report(space_of(), data, tmp_path, split="training").html)
    assert "Measured on the training split, not on the test split. The model was trained on it" in page.text


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_small_test_split_leaves_scores_out_and_the_page_says_so(data: Dataset, tmp_path: Path, n: int):
    few = replace(data, splits={**data.splits, "test": data.splits["test"][:n]})
    space = space_of()
    report = write_report(space, few, tmp_path)
    assert f"need 5 examples or more; the test split has {n}" in Page(report.html).text
    assert report.numbers["notes"] == list(report.measurement.notes)
    assert "scc" not in report.numbers["scores"] and "elbo" in report.numbers["scores"]
    assert report.measurement.notes[0] in write_card(space, report.measurement, tmp_path).read_text(encoding="utf-8")


def test_attributes_that_do_not_vary_are_survived(data: Dataset, tmp_path: Path):
    still = replace(data, values=torch.full_like(data.values, 3.0))
    space = space_of(attributes=(replace(LIGHT, measure=None), replace(TOP, measure=None)))
    space.calibrate(still)
    report = write_report(space, still, tmp_path)
    assert "The same value in every example, so without scores: light, top." in Page(report.html).text
    assert report.numbers["calibration"]["light"]["value"] == [3.0] * 33


def test_tiny_images_look_the_same_on_the_page_and_in_a_sheet(report: Report, tmp_path: Path):
    x = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    factor = sheets.factor_of(x)
    assert np.array_equal(sheets.sheet(x, 2)[:, : 8 * factor, :3], enlarged(x, factor)[0])
    assert not any("class" in image for image in Page(report.html).all("img"))  # the browser need not draw squares


def test_accuracy_is_said_to_be_of_the_codes_that_were_measured(report: Report, data: Dataset, tmp_path: Path):
    assert "when one draw of each posterior is decoded" not in Page(report.html).text
    space = space_of()
    sampled = write_report(space, data, tmp_path, measurement=space.measure(data, codes="sample"))
    assert "when one draw of each posterior is decoded" in Page(sampled.html).text


def test_wrong_splits(data: Dataset, tmp_path: Path):
    with pytest.raises(DataError, match=r"Unknown split 'tset'\. Did you mean 'test'"):
        write_report(space_of(), data, tmp_path / "r", split="tset")
    empty = replace(data, splits={**data.splits, "test": torch.zeros(0, dtype=torch.int64)})
    with pytest.raises(DataError, match=r"The test split of '.*' is empty"):
        write_report(space_of(), empty, tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_scores_that_were_measured_already_are_not_measured_again(data: Dataset, tmp_path: Path):
    space = space_of()
    measurement = space.measure(data, "test", codes="sample", seed=7)
    report = write_report(space, data, tmp_path, measurement=measurement)
    assert report.measurement is measurement
    assert "posterior sample, seed 7" in Page(report.html).text


def test_a_notebook_shows_the_page_in_a_frame(report: Report):
    shown = report._repr_html_()
    assert shown.startswith("<iframe srcdoc=") and "&lt;!DOCTYPE html&gt;" in shown
    assert report.html.name in repr(report)
    assert str(report).startswith(str(report.measurement))
    assert report.table().row_count == len(report.measurement.scores)


class Lamp(nn.Module):
    """An image as bright as its first coordinate."""

    def forward(self, z):
        return (0.1 * z[:, :1, None, None]).expand(-1, 1, 8, 8)


def test_the_surface_of_a_perfect_slider():
    spec = Spec("ar-vae", (1, 8, 8), 3, ("light",))
    space = Space(build(spec, nets=(nn.Sequential(nn.Flatten(), nn.Linear(64, 6)), Lamp())), spec, {"light": LIGHT})
    (surface,) = surfaces(space, ["light"], ["z[1]", "z[0]"], seed=0)
    assert surface.against == "z[1]"
    assert surface.along_x > 0.999 and surface.along_y == 0
    expected = 255 / (1 + np.exp(-0.1 * AXIS))
    np.testing.assert_allclose(surface.values, np.tile(expected, (17, 1)), atol=0.5)  # rounded to 256 greys


def test_card(data: Dataset, tmp_path: Path):
    space = space_of()
    space.calibration["light"] = Calibration(np.array([-4.0, 4.0]), np.array([10.0, 200.0]), "decoded", "grey")
    measurement = space.measure(data)
    path = write_card(space, measurement, tmp_path)
    text = path.read_text(encoding="utf-8")
    assert path.name == "card.md" and text.startswith("---\nlibrary_name: latune\n")
    assert "# tiny" in text and "| light | 10 to 200 grey | decoded images |" in text
    assert "| top | not measured |  |" in text
    assert f"| SCC | {measurement['scc']:.4f} |" in text
    assert "licence of the data: none" in text
    assert "space.edit(images, light=+2)" in text

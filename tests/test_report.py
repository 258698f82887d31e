"""The report: one page that needs nothing else, the same numbers as JSON, pictures, and a model card."""

from __future__ import annotations

import io
import json
import re
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
from latune.classifier import Classifier
from latune.data import Dataset, from_arrays
from latune.errors import DataError
from latune.measurement import PARTS, Information, Measurement
from latune.metrics import METRICS, Score
from latune.models import Spec, build
from latune.papers.beside import paper_of
from latune.pictures import enlarged
from latune.recipes import read
from latune.report import Report, captions, score_figures, settings, sheets, tables, write_card, write_report
from latune.report.findings import AXIS, gather, surfaces
from latune.report.markdown import markdown
from latune.report.meanings import GROUPS, MEANINGS, meaning
from latune.report.page import beside
from latune.report.paper import Paper
from latune.report.report import as_numbers
from latune.report.tables import around, shown
from latune.report.words import number, span
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


def with_classes(n: int = 240) -> Dataset:
    """Images whose upper or lower half is bright, with that half as their class."""
    draw = np.random.default_rng(1)
    half = np.arange(n) % 2
    images = draw.integers(0, 60, (n, 8, 8))
    images[half == 0, :4] += 150
    images[half == 1, 4:] += 150
    images = (images * np.linspace(0.7, 1, n)[:, None, None]).astype(np.uint8)
    values = {"light": images.mean((1, 2)), "top": images[:, :4].mean((1, 2)), "half": half}
    return from_arrays(images, values, kinds={"half": "categorical"}, seed=0)


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
    pictures = ["attributes", "importance", "information", "log", "moved", "planes", "reconstructions", "samples"]
    pictures += [f"scores-{group}" for group in ("interventions", "one", "only", "probes", "sliders")]
    pictures += ["surface-light", "surface-top", "traverse-light", "traverse-top"]
    pages = ["report.html", "report.json", "report.md"]
    assert names == ["log.jsonl", *(f"pictures/{name}.png" for name in pictures), *pages]
    for name in pictures:
        with Image.open(folder / "pictures" / f"{name}.png") as image:
            image.load()
            assert min(image.size) > 100


def test_the_page_needs_nothing_else(report: Report):
    page = Page(report.html)
    assert not page.all("script") and not page.all("link") and not page.all("iframe")
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    assert all(link["href"].startswith("#") for link in page.all("a"))  # no paper was given
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


def test_every_score_that_a_report_can_show_says_what_it_means_and_how_it_misleads():
    from latune.measurement import measure_space
    from latune.measurement.sliders import measure_sliders

    data, space = with_classes(), space_of()
    judge = Classifier.train(data, "half", epochs=1)
    measured = measure_space(space, data, parts=PARTS, classifier=judge, weights=2, resamples=2)
    shown = {*METRICS, *measured.scores, *measure_sliders(space, data, limit=5, resamples=2).scores}
    assert {"frechet-distance", "coverage", "parzen", "importance-weighted-bound", "consistency"} <= shown
    for name in shown:
        known = meaning(name)
        assert known.says and known.trap and known.group in GROUPS and known.group, name
        assert known.title != name, name
    titles = [known.title for known in MEANINGS.values()]
    assert len(titles) == len(set(titles))  # variants stand apart by their names


def test_every_interval_is_on_the_page_in_markdown_and_in_the_card(report: Report, folder: Path, tmp_path: Path):
    page, text = Page(report.html), (folder / "report.md").read_text(encoding="utf-8")
    card = write_card(space_of(), report.measurement, tmp_path).read_text(encoding="utf-8")
    assert report.measurement.sure
    for name, score in report.measurement.scores.items():
        assert score.interval is not None, name
        expected = around(name, score)
        assert expected in page.text and expected in text, name
        for attribute, ends in score.intervals.items():
            each = span(*map(number, ends))
            assert each in page.text and each in text, (name, attribute)
            assert any(f"95 %: {each}" == attrs.get("title") for attrs in page.all("span")), (name, attribute)
        assert span(*(number(end, 4, score.value) for end in score.interval)) in card
    numbers = json.loads((folder / "report.json").read_text())
    assert numbers["scores"]["scc"]["interval"] == list(report.measurement.interval("scc"))
    assert "what other examples would change, not what another training would" in page.text
    assert "bootstrap resamples of the examples" in card


def test_without_resamples_no_interval_is_spoken_of(data: Dataset, tmp_path: Path):
    space = space_of()
    measurement = space.measure(data, resamples=0)
    found = gather(space, data, "test", 0, measurement)
    pictures = dict.fromkeys([f"scores-{group}" for group in GROUPS], "x.png")
    for text in (tables.scores(space, found), markdown(space, found, pictures, "", "", 0), str(measurement)):
        assert "95 %" not in text and "scc" in text.lower()
    assert "bootstrap" not in write_card(space, measurement, tmp_path).read_text(encoding="utf-8")


def test_markdown_shows_pictures_that_exist_and_tables_that_are_whole(report: Report, folder: Path):
    text = (folder / "report.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", text)
    assert sorted(pictures) == sorted(report.numbers["pictures"])
    assert all((folder / picture).exists() for picture in pictures)
    lines = text.splitlines()
    for rule in (i for i, line in enumerate(lines) if line.startswith("| ---")):
        end = next(i for i in range(rule, len(lines)) if not lines[i].startswith("|"))
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in lines[rule - 1 : end]}
        assert len(cells) == 1, lines[rule - 1 : end]
    headings = [line[3:] for line in lines if line.startswith("## ")]
    page = Page(report.html).text
    assert len(headings) == 9 and all(heading in page for heading in headings)
    assert "```bash\nlatune evaluate <run> & more\n```" in text


def test_settings_tell_variants_apart(report: Report):
    page = Page(report.html).text
    own = settings.own(report.measurement)
    assert own["mig"] != own["mig-ksg"] != own["mig-arvae"] and own["sap"] != own["sap-svm"]
    assert all(line in page for line in own.values())
    assert "bins: 20" in own["mig"] and "neighbours: 3" in own["mig-ksg"]
    assert "seed" not in " ".join(own.values())  # the same for all, and told once
    assert settings.shared(report.measurement)["intervals"] == "95 % percentile, 200 bootstrap resamples of examples"
    assert "6 examples of the test split" in page


def test_the_environment_is_told(report: Report):
    assert report.numbers["measured_with"]["torch"] == torch.__version__
    assert f"torch {torch.__version__}" in Page(report.html).text


def test_unused_coordinates_are_told_and_pale():
    told = Information(
        ("light", "z[0]", "z[1]"), ("light",), ((1.2,), (0.01,), (0.0,)), ("z[0]", "z[1]"), ("z[1]",), 0.1
    )
    measurement = Measurement({"scc": Score("scc", 0.9)}, "test", 600, "mean", 0, information=told)
    grid = score_figures.information(measurement, ["light"])
    assert grid.values.tolist() == [[1.2, 0.01, 0.0]]
    assert grid.own == [(0, 0)] and set(grid.pale) == {"z[0]", "z[1]"}
    said = captions.dims(measurement)
    assert said == (
        "1 of 3 coordinates tell some attribute more than chance does (0.100 nats at 600 examples). "
        "They vary but tell nothing: z[0]. They do not vary: z[1]."
    )
    many = Information(tuple(f"z[{i}]" for i in range(60)), ("a",), ((0.1,),) * 60, (), (), 0.1)
    chart = score_figures.grid(score_figures.information(replace(measurement, information=many), []))
    assert chart.get_figwidth() <= score_figures.WIDTH


def test_what_each_slider_moves_is_what_was_measured(report: Report):
    grid = score_figures.moved(report.measurement)
    detail = report.measurement.scores["slider-leakage"].detail
    assert list(grid.rows) == ["light", "top"] == list(grid.columns)
    expected = [[detail["own"]["light"], detail["by_attribute"]["light"]["top"]]]
    expected += [[detail["by_attribute"]["top"]["light"], detail["own"]["top"]]]
    assert grid.values.tolist() == expected
    assert grid.own == [(0, 0), (1, 1)]


def test_importance_is_that_of_dci(report: Report):
    grid = score_figures.importance(report.measurement, ["light", "top"])
    kept = report.measurement.scores["dci-disentanglement"].detail["importance"]
    assert grid.values.tolist() == [kept["light"], kept["top"]]
    assert grid.values.shape == (2, 5) and grid.own == [(0, 0), (1, 1)]


def test_charts_of_scores_show_values_intervals_and_attributes():
    score = Score("scc", 0.5, {"a": 0.4, "b": 0.6}, interval=(0.45, 0.55))
    (ax,) = score_figures.scores({"scc": score}, low=-0.25).axes
    drawn = [
        line.get_xdata().tolist() if hasattr(line.get_xdata(), "tolist") else list(line.get_xdata())
        for line in ax.lines
    ]
    assert drawn == [[0.4, 0.6], [0.45, 0.55], [0.5]]
    assert ax.get_xlim() == (-0.25 - score_figures.MARGIN, 1 + score_figures.MARGIN)
    kept = score_figures.dotted(Measurement({"scc": score, "kl": Score("kl", 3.0)}, "test", 9, "mean", 0))
    assert list(kept) == ["one"]


def test_the_papers_numbers_stand_beside(report: Report, data: Dataset):
    numbers = {"scc": (0.958, 0.946, 0.959), "pixel-accuracy": (0.97, None, None), "mig-none": (0.1, None, None)}
    paper = Paper("Pati & Lerch 2020", "https://arxiv.org/abs/2004.05485", numbers, "sample", ("On digits.",))
    found = gather(space_of(), data, "test", 0, report.measurement)
    page, text = beside(found, paper), markdown(space_of(), found, {}, "", "", 0, paper)
    for part in ("0.958 (0.946–0.959)", "97.0 %", "--codes sample", "On digits."):
        assert part in page and part in text
    assert '<a href="https://arxiv.org/abs/2004.05485">Pati &amp; Lerch 2020</a>' in page
    assert "## Beside the paper\n\n[Pati &amp; Lerch 2020](https://arxiv.org/abs/2004.05485)" in text
    assert "mig-none" not in page
    assert as_numbers(space_of(), found, "", "", 0, paper)["paper"]["numbers"]["scc"] == [0.958, 0.946, 0.959]
    like = replace(report.measurement, codes="sample")
    assert "--codes" not in paper.introduction(like)
    assert "Beside the paper" not in Page(report.html).text


def test_a_papers_numbers_are_found_by_the_recipe():
    quick, whole = paper_of(read("arvae-mnist", ["seed=4"])), paper_of(read("betavae-sprites-paper"))
    assert quick is not None and whole is not None
    assert quick.numbers["interpretability"] == (0.852, 0.839, 0.854)
    assert quick.numbers["pixel-accuracy"][0] == pytest.approx(0.9703)
    assert quick.address == "https://arxiv.org/abs/2004.05485" and quick.codes == "sample"
    assert "smaller training than the paper's" in quick.notes[0] and "arvae-fig3-mnist" in quick.notes[1]
    assert whole.numbers["scc"] == (0.616, 0.611, 0.620) and "smaller" not in " ".join(whole.notes)
    assert set(quick.numbers) <= set(MEANINGS)
    assert paper_of(read("arvae-digits")) is None
    assert paper_of(read("arvae-mnist", ["model.gamma=2"])) is None


def test_numbers_of_real_images_stand_beside_those_of_samples():
    data, space = with_classes(), space_of()
    judge = Classifier.train(data, "half", epochs=1)
    measurement = space.measure(data, parts=("images", "samples", "parzen", "bound"), classifier=judge, weights=2)
    found = gather(space, data, "test", 0, measurement)
    page, text = tables.scores(space, found), markdown(space, found, {}, "", "", 0)
    for name in ("precision", "coverage", "parzen", "frechet-distance"):
        assert shown(name, measurement.scores[name].detail["real"]) in page
    assert "real images" in page and "| real images |" in text
    assert "Training images as samples:" in page and "K = 2, of which" in page
    assert "What each coordinate tells" not in text and "SCC" not in page


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


def gan() -> Space:
    nets = {"name": "adversarial", "table": "mnist", "width": 0.0625}
    spec = Spec("infogan", (1, 8, 8), 4, nets=nets, settings={"categorical": [10], "continuous": 1})
    return Space(build(spec, 0), spec)


def test_codes_of_a_gan_are_turned_as_far_as_they_go(data: Dataset, tmp_path: Path):
    report = write_report(gan(), data, tmp_path)
    turned = {name: each["positions"] for name, each in report.numbers["traversals"].items()}
    assert turned.keys() == {"c1", "c2"} and turned["c1"] == list(range(10))
    assert turned["c2"][0] == -2 and turned["c2"][-1] == 2
    text = (tmp_path / "report.md").read_text()
    assert "An InfoGAN of " in text and "with 4 dimensions of noise beside its codes" in text
    assert "**c1 from 0 to 9**" in text and "each above the nearest that was found." in text


def test_no_attributes_at_all(tmp_path: Path):
    images = (np.random.default_rng(0).random((N, 8, 8)) * 255).astype(np.uint8)
    report = write_report(space_of("vae", ()), from_arrays(images), tmp_path)
    assert "interpretability" not in report.numbers["scores"]
    assert "Coordinates and attributes" not in Page(report.html).text


def test_scores_are_spoken_of_where_there_are_scores(report: Report, folder: Path, tmp_path: Path):
    images = (np.random.default_rng(0).random((N, 8, 8)) * 255).astype(np.uint8)
    bare = write_report(gan(), from_arrays(images), tmp_path)
    assert not bare.measurement.scores
    for with_scores, page, files in ((True, report, folder), (False, bare, tmp_path)):
        for text in (page.html.read_text(), (files / "report.md").read_text()):
            for said in ("its name in files", "An arrow says", "Two scores compare", "percentile"):
                assert (said in text) is with_scores, said
            assert ("There is nothing to score on" in text) is not with_scores
    printed = str(bare.measurement)
    assert "nothing to score" in printed and "does not tell all that an image was made from" in printed
    assert "value" not in printed and "value" in str(report.measurement)
    card = write_card(gan(), bare.measurement, tmp_path).read_text()
    assert "There is nothing to score on" in card and "mislead" not in card
    notebook = bare.measurement._repr_html_()
    assert "nothing to score" in notebook and "<table>" not in notebook


def test_remarks_stand_in_the_report_of_a_training_that_is_too_short_for_a_chart(tmp_path: Path):
    images = (np.random.default_rng(0).random((N, 8, 8)) * 255).astype(np.uint8)
    line = {"step": 3, "epoch": 1, "loss/judge": 1.0, "remarks": ["It has collapsed."], "seconds": 1.0}
    (tmp_path / "log.jsonl").write_text(json.dumps(line) + "\n")
    report = write_report(gan(), from_arrays(images), tmp_path)
    for text in (report.html.read_text(), (tmp_path / "report.md").read_text()):
        assert "It has collapsed." in text and "between two logged ones" not in text


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


def test_pictures_of_traversals_name_each_columns_values(report: Report, tmp_path: Path):
    """Above each column where it is put, below it the attribute there: what the words of the Markdown say."""
    x = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    bare = np.asarray(Image.open(io.BytesIO(sheets.png(x, 3))).convert("RGBA"))
    named = np.asarray(Image.open(io.BytesIO(sheets.labelled(x, 3, ["-4", "0", "4"], ["1", "2", "3"]))).convert("RGB"))
    assert named.shape == (len(bare) + 2 * sheets.LINE, bare.shape[1], 3)
    opaque = bare[..., 3] == 255
    assert np.array_equal(named[sheets.LINE : -sheets.LINE][opaque], bare[..., :3][opaque])
    for strip in (named[: sheets.LINE], named[-sheets.LINE :]):
        assert all(part.any() for part in np.array_split((strip < 160).any((0, 2)), 3))
    assert "Below each column: the value" in (report.html.parent / "report.md").read_text(encoding="utf-8")
    with Image.open(next((report.html.parent / "pictures").glob("traverse-*.png"))) as shown:
        assert shown.mode == "RGB", "with values, on a light ground"


def test_what_was_measured_already_is_not_measured_again_and_its_codes_are_told(report: Report, data: Dataset):
    space = space_of()
    measurement = space.measure(data, "test", codes="sample", seed=7)
    found = gather(space, data, "test", 0, measurement)
    assert found.measurement is measurement
    said = "when one draw of each posterior is decoded"
    assert said in captions.reconstructions(space, found) and said not in Page(report.html).text
    assert "posterior sample, seed 7" in tables.introduction(measurement)


def test_wrong_splits(data: Dataset, tmp_path: Path):
    with pytest.raises(DataError, match=r"Unknown split 'tset'\. Did you mean 'test'"):
        write_report(space_of(), data, tmp_path / "r", split="tset")
    empty = replace(data, splits={**data.splits, "test": torch.zeros(0, dtype=torch.int64)})
    with pytest.raises(DataError, match=r"The test split of '.*' is empty"):
        write_report(space_of(), empty, tmp_path / "r")
    assert not (tmp_path / "r").exists()


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
    low, high = measurement.interval("scc")
    assert f"| SCC | {measurement['scc']:.4f} | {low:.4f}–{high:.4f} |" in text
    assert "licence of the data: none" in text
    assert "space.edit(images, light=+2)" in text

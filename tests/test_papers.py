"""The papers' experiments: trained once, measured once, filed whole, and shown on a page made from the files alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from latune import papers
from latune.classifier import Classifier
from latune.data import load
from latune.errors import LatuneError
from latune.metrics import pixel_accuracy
from latune.papers import EXPERIMENTS, Arm, Experiment, Measured, Published, Quantity, Subject, arvae, ledger
from latune.papers.arvae import content, metrics, pictures, published, sliders, sweep
from latune.papers.experiment import SCALES, Gallery, drawn
from latune.papers.reproduction import open_subject, reproduce
from latune.papers.summary import Spread
from latune.recipes import read

FEW = ("training.steps=12", "training.validate_every=0", "data.limit=400", 'data.attributes=["area","slant","width"]')
BASELINE = ("model.name=beta-vae", "model.gamma=none", "model.delta=none", "model.beta=4.0")
TINY = Experiment(
    name="tiny-metrics",
    paper="Pati & Lerch 2020, AR-VAE (https://arxiv.org/abs/2004.05485)",
    figure="Fig. 3, digits",
    shows="Nothing: it is small.",
    arms={
        "quick": (
            Arm("beta-vae", "β-VAE", "arvae-digits", (*BASELINE, *FEW)),
            Arm("ar-vae", "AR-VAE", "arvae-digits", FEW, {"scc": Published(0.9, 0.8, 0.95)}),
        ),
        "paper": (Arm("ar-vae", "AR-VAE", "arvae-digits", (), {"scc": Published(0.9, 0.8, 0.95)}),),
    },
    quantities={"scc": Quantity("SCC"), "sap": Quantity("SAP")},
    settings={"split": "test", "codes": "posterior sample", "rows": 1000, "traversed": 2},
    measure=metrics.disentangled,
    seeds=1,
)
SHELF = {
    "tiny-metrics": TINY,
    "tiny-pixels": replace(
        TINY, name="tiny-pixels", measure=metrics.reconstructed, quantities={"accuracy": Quantity("Accuracy", 2, "%")}
    ),
    "tiny-pictures": replace(
        TINY,
        name="tiny-pictures",
        measure=sliders.followed,
        draw=lambda g: [*pictures.scatter(g), *pictures.moved(g), *pictures.surfaces(g)],
        quantities={"rank-correlation": Quantity("ρ")},
    ),
}


def never(_: Subject) -> Measured:
    raise AssertionError("measured again")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the tiny metrics were run once."""
    folder = tmp_path_factory.mktemp("papers")
    run(folder, "tiny-metrics")
    return folder


@pytest.fixture(scope="module")
def ordered(place: Path) -> Subject:
    return open_subject(TINY, TINY.arms["quick"][1], 0, "quick", "cpu", place / "runs")


@pytest.fixture(scope="module")
def unordered(place: Path) -> Subject:
    return open_subject(TINY, TINY.arms["quick"][0], 0, "quick", "cpu", place / "runs")


def run(folder: Path, name: str, shelf: dict[str, Experiment] = SHELF, **more: object) -> dict:
    return reproduce(name, results=folder / "results", runs=folder / "runs", shelf=shelf, **more)  # type: ignore[arg-type]


def files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


# --- running and filing -----------------------------------------------------------------------------------------------


def test_a_result_says_where_it_comes_from(place: Path) -> None:
    result = json.loads((place / "results/tiny-metrics/quick-ar-vae-seed0.json").read_text())
    assert result["recipe"] == read("arvae-digits", [*FEW, "seed=0"]).plain()
    assert result["published"] == {"scc": {"median": 0.9, "low": 0.8, "high": 0.95}}
    assert result["settings"] == TINY.settings
    assert result["training"]["steps"] == 12 and result["training"]["seconds"] > 0
    for key in ("commit", "device", "torch", "latune", "threads"):
        assert key in result["training"] and key in result["measuring"]
    assert set(result["numbers"]) == set(metrics.COMPARED)
    assert set(result["detail"]["per_attribute"]["scc"]) == {"area", "slant", "width"}
    assert str(place) not in json.dumps(result)


def test_both_arms_are_measured_on_the_same_attributes(place: Path) -> None:
    results = ledger.all_of(place / "results", TINY, "quick")
    assert [result["arm"] for result in results] == ["beta-vae", "ar-vae"]
    assert [list(result["detail"]["per_attribute"]["scc"]) for result in results] == [["area", "slant", "width"]] * 2


def test_what_is_on_file_is_not_made_again(place: Path) -> None:
    before = files(place)
    shelf = {**SHELF, "tiny-metrics": replace(TINY, measure=never)}
    summary = run(place, "tiny-metrics", shelf, console=Console(file=StringIO()))
    assert files(place) == before
    assert summary["arms"]["ar-vae"]["scc"]["n"] == 1
    assert summary["arms"]["ar-vae"]["scc"]["published"]["median"] == 0.9


def test_other_settings_are_measured_again_on_the_same_run(place: Path) -> None:
    runs = files(place / "runs")
    changed = replace(TINY, settings={**TINY.settings, "rows": 30})
    run(place, "tiny-metrics", {"tiny-metrics": changed})
    assert ledger.all_of(place / "results", changed, "quick")[0]["detail"]["rows"] == 30
    assert files(place / "runs") == runs
    run(place, "tiny-metrics")  # as it was


def test_another_recipe_is_trained_in_another_run(tmp_path: Path) -> None:
    arm = TINY.arms["quick"][1]
    for word in (*arm.words, "training.steps=3"), (*arm.words, "training.steps=4"):
        shelf = {"tiny-pixels": replace(SHELF["tiny-pixels"], arms={"quick": (replace(arm, words=word),)})}
        run(tmp_path, "tiny-pixels", shelf)
    assert len(list((tmp_path / "runs/quick").iterdir())) == 2
    (result,) = ledger.all_of(tmp_path / "results", shelf["tiny-pixels"], "quick")
    assert result["training"]["steps"] == 4


def test_experiments_share_their_runs(place: Path) -> None:
    runs = files(place / "runs")
    run(place, "tiny-pixels")
    assert files(place / "runs") == runs


def test_words_that_change_nothing_name_no_other_run() -> None:
    cell = next(arm for arm in EXPERIMENTS["arvae-fig8-mnist"].arms["paper"] if arm.label == "gamma10-delta1")
    assert cell.folder(0) == EXPERIMENTS["arvae-fig3-mnist"].arms["paper"][1].folder(0) == "arvae-mnist-paper-seed0"


def test_an_interrupted_experiment_goes_on_where_it_stopped(place: Path) -> None:
    asked = []

    def fails_on_the_second(subject: Subject) -> Measured:
        asked.append(subject.recipe.model.name)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return Measured({"scc": 0.5})

    stopped = replace(TINY, name="stopped", measure=fails_on_the_second)
    with pytest.raises(KeyboardInterrupt):
        run(place, "stopped", {"stopped": stopped})
    assert [path.name for path in (place / "results/stopped").iterdir()] == ["quick-beta-vae-seed0.json"]
    run(place, "stopped", {"stopped": stopped})
    assert asked == ["beta-vae", "ar-vae", "ar-vae"]


def test_seeds_are_trained_together_in_processes(tmp_path: Path) -> None:
    arm = replace(TINY.arms["quick"][1], words=(*FEW, "training.steps=2"))
    shelf = {"tiny-pixels": replace(SHELF["tiny-pixels"], arms={"quick": (arm,)})}
    summary = run(tmp_path, "tiny-pixels", shelf, seeds=2, jobs=2)
    number = summary["arms"]["ar-vae"]["accuracy"]
    assert number["n"] == 2 and number["low"] <= number["median"] <= number["high"]
    assert sorted(path.name for path in (tmp_path / "runs/quick").iterdir()) == [arm.folder(0), arm.folder(1)]


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("tiny-metric", {}, "Did you mean 'tiny-metrics'?"),
        ("tiny-metrics", {"seeds": 0}, "1 or more"),
        ("tiny-metrics", {"jobs": 0}, "1 or more"),
    ],
)
def test_what_cannot_be_run_is_explained(tmp_path: Path, name: str, more: dict, says: str) -> None:
    with pytest.raises(LatuneError, match=says.replace("?", r"\?")):
        run(tmp_path, name, **more)
    assert not files(tmp_path)


def test_a_damaged_result_is_named(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny-metrics"
    folder.mkdir()
    (folder / "quick-ar-vae-seed0.json").write_text("{")
    with pytest.raises(LatuneError, match=r"quick-ar-vae-seed0\.json is not a result file"):
        papers.write_page(tmp_path, tmp_path / "results.md", SHELF)


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_is_made_of_the_files(place: Path, tmp_path: Path) -> None:
    run(place, "tiny-pictures")
    page = papers.write_page(place / "results", tmp_path / "docs/results.md", SHELF)
    text = page.read_text()
    ours = ledger.all_of(place / "results", TINY, "quick")[1]["numbers"]["scc"]
    row = next(line for line in text.splitlines() if line.startswith("| SCC"))
    assert f"{ours:.3f}" in row and "0.900 (0.800 to 0.950)" in row and "pending (needs a GPU)" in row
    assert "`latune reproduce tiny-metrics --scale quick --seeds 1`" in text
    assert "[Pati & Lerch 2020, AR-VAE](https://arxiv.org/abs/2004.05485)" in text
    shown = [line.split("](")[1].rstrip(")") for line in text.splitlines() if line.startswith("![")]
    assert shown == [f"pictures/results/tiny-pictures-quick-{n}.png" for n in ("scatter", "traversals", "surfaces")]
    assert all((page.parent / path).exists() for path in shown)
    assert all(line.count("|") == row.count("|") for line in text.splitlines() if line.startswith("| S"))


def test_the_page_says_which_arm_has_fewer_seeds(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "results/tiny-metrics", tmp_path / "results/tiny-metrics")
    again = json.loads((tmp_path / "results/tiny-metrics/quick-ar-vae-seed0.json").read_text()) | {"seed": 1}
    (tmp_path / "results/tiny-metrics/quick-ar-vae-seed1.json").write_text(json.dumps(again))
    text = papers.write_page(tmp_path / "results", tmp_path / "results.md", SHELF).read_text()
    assert f"- quick: 2 seeds ({TINY.arms['quick'][0].title} 1), " in text


def test_a_number_that_a_run_does_not_have_is_not_called_not_run(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "results/tiny-metrics", tmp_path / "results/tiny-metrics")
    file = tmp_path / "results/tiny-metrics/quick-ar-vae-seed0.json"
    known = json.loads(file.read_text())
    file.write_text(json.dumps(known | {"numbers": known["numbers"] | {"scc": None}}))
    text = papers.write_page(tmp_path / "results", tmp_path / "results.md", SHELF).read_text()
    row = next(line for line in text.splitlines() if line.startswith("| SCC"))
    assert "| – |" in row and "not run yet" not in row


def test_a_page_without_results_says_so(tmp_path: Path) -> None:
    text = papers.write_page(tmp_path / "results", tmp_path / "results.md").read_text()
    for experiment in EXPERIMENTS.values():
        assert f"latune reproduce {experiment.name} --scale paper" in text
    assert "not run yet" in text and "0.852 (0.839 to 0.854)" in text


def test_pictures_are_small_and_drawn_once(place: Path) -> None:
    run(place, "tiny-pictures")
    made = sorted((place / "results/tiny-pictures").glob("*.png"))
    assert len(made) == 3
    for path in made:
        assert path.stat().st_size < 300_000
        assert Image.open(BytesIO(path.read_bytes())).format == "PNG"
    before = files(place / "results")
    run(place, "tiny-pictures")
    assert files(place / "results") == before
    made[0].unlink()
    run(place, "tiny-pictures")
    assert made[0].exists()


# --- what is measured -------------------------------------------------------------------------------------------------


def test_an_ordered_dim_answers_for_its_attribute(ordered: Subject) -> None:
    columns = ordered.space.codes.columns()
    assert sliders.dims_of(ordered) == {name: columns.index(name) for name in ("area", "slant", "width")}


def test_without_order_the_most_telling_dim_answers(unordered: Subject) -> None:
    from sklearn.feature_selection import mutual_info_regression

    rows = unordered.data.splits["validation"]
    z = metrics.sampled_codes(unordered, rows).double().numpy()
    for name, dim in sliders.dims_of(unordered).items():
        told = mutual_info_regression(z, unordered.data.column(name, rows).double().numpy(), random_state=0)
        assert dim == told.argmax()


def test_accuracy_is_that_of_all_pixels(ordered: Subject) -> None:
    x = ordered.data.images(ordered.data.splits["test"])
    expected = pixel_accuracy(ordered.space.decode(ordered.space.encode(x)).plain(), x).value
    measured = metrics.reconstructed(ordered)
    assert measured.numbers["accuracy-mean"] == pytest.approx(100 * expected)
    assert measured.numbers["accuracy"] <= measured.numbers["accuracy-mean"] + 1


def test_measuring_repeats(ordered: Subject) -> None:
    assert metrics.disentangled(ordered) == metrics.disentangled(ordered)


def test_a_model_is_measured_as_it_is_filed(tmp_path: Path) -> None:
    arm = replace(TINY.arms["quick"][1], words=(*FEW, "training.precision=bf16"))
    fresh, again = (open_subject(TINY, arm, 0, "quick", "cpu", tmp_path) for _ in range(2))
    assert metrics.reconstructed(fresh) == metrics.reconstructed(again)


def test_a_traversal_moves_one_dim_to_ten_values(ordered: Subject) -> None:
    z = ordered.space.encode(ordered.data.images(ordered.data.splits["test"][:2]))
    images = sliders.traversals(ordered, z, 3)
    moved = z.clone()
    moved[:, 3] = 4.0
    assert images.shape == (2, 10, 1, 8, 8)
    assert torch.allclose(images[:, -1], ordered.space.decode(moved).plain(), atol=1e-6)


def test_content_is_judged_digit_by_digit(ordered: Subject, tmp_path: Path) -> None:
    subject = replace(ordered, runs=tmp_path, settings={**ordered.settings, "rows": 20})
    measured = content.preserved(subject)
    numbers, per_attribute, dims = measured.numbers, measured.detail["interpolated"], measured.detail["dim"]
    assert numbers["interpolated"] == pytest.approx(sum(per_attribute.values()) / 3)
    judge = Classifier.load(tmp_path / "classifier-of-digits")
    rows = subject.rows()
    truth = subject.data.column("digit", rows).long()
    z, _, x = next(metrics.codes_and_examples(subject, rows))
    assert numbers["original"] == pytest.approx(share(judge.classes(x) == truth))
    for name, column in dims.items():
        seen = [judge.classes(sliders.traversals(subject, z[[i]], column)[0]) for i in range(len(z))]
        assert per_attribute[name] == pytest.approx(share(torch.stack(seen) == truth[:, None]))


def share(right: torch.Tensor) -> float:
    return 100 * right.double().mean().item()


def test_decoded_sprites_are_measured_in_pixels() -> None:
    sprites = load("sprites")
    rows = drawn(sprites.splits["test"], 400, seed=0)
    images = sprites.images(rows)[:, 0].numpy()
    for axis, name in ((2, "x"), (1, "y")):
        place, true = sliders.sprite_place(images, axis), sprites.column(name, rows).numpy()
        assert np.corrcoef(place, true)[0, 1] > 0.995
        assert np.polyfit(true, place, 1)[0] == pytest.approx(32, abs=1)  # the centre moves over half of 64 pixels
    squares = sprites.column("shape", rows) == 1
    size, scale = sliders.sprite_size(images)[squares], sprites.column("scale", rows)[squares].numpy()
    assert size == pytest.approx(2 * 9.598 * scale, abs=1)
    empty = np.zeros((1, 64, 64), np.float32)
    assert sliders.sprite_place(empty, 1) == pytest.approx(31.5) and sliders.sprite_size(empty) == 0


def test_rows_are_drawn_from_the_whole_split() -> None:
    sprites = load("sprites")
    rows = drawn(sprites.splits["test"], 1000, seed=0)
    assert len(rows) == 1000 and (rows.diff() > 0).all()
    assert all(len(sprites.column(name, rows).unique()) > 2 for name in sprites.attributes)
    assert torch.equal(drawn(torch.arange(5), 9, seed=0), torch.arange(5))


# --- the shelf --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_is_complete(name: str) -> None:
    experiment = EXPERIMENTS[name]
    assert experiment.name == name and set(experiment.arms) == set(SCALES)
    for arms in experiment.arms.values():
        assert len({arm.label for arm in arms}) == len({arm.folder(0) for arm in arms}) == len(arms)
        for arm in (arms[0], arms[-1]):
            recipe = arm.resolve(seed=4)
            assert recipe.seed == 4 and (recipe.data.attributes or experiment.paper != arvae.PAPER)
            assert set(arm.published) <= set(experiment.quantities)
    assert {arm.resolve(0).data.name for arm in experiment.arms["paper"][:2]} == {
        arm.resolve(0).data.name for arm in experiment.arms["quick"][:2]
    }


def test_baselines_differ_from_arvae_in_the_model_alone() -> None:
    for data in ("mnist", "sprites", "mnist-paper", "sprites-paper"):
        ours, theirs = (read(f"{model}-{data}").plain() for model in ("arvae", "betavae"))
        assert ours["model"]["name"] == "ar-vae" and theirs["model"]["name"] == "beta-vae"
        assert ours["model"]["latent"] == theirs["model"]["latent"] and theirs["model"]["beta"] == 4.0
        assert {key: ours[key] for key in ("data", "nets", "training")} == {
            key: theirs[key] for key in ("data", "nets", "training")
        }


def test_paper_scale_is_the_papers() -> None:
    from latune.models import Spec, build

    wanted = {"mnist": (1_644_145, (1, 28, 28), 16), "sprites": (502_005, (1, 64, 64), 10)}
    for data, (parameters, shape, latent) in wanted.items():
        recipe = read(f"arvae-{data}-paper")
        attributes = tuple(recipe.data.attributes or ())
        model = build(Spec("ar-vae", shape, latent, attributes, recipe.nets.plain(), preset="released"))
        assert sum(p.numel() for p in model.parameters()) == parameters
        assert recipe.training.epochs == 100 and recipe.training.optimiser.lr == 1e-4
        assert (recipe.model.gamma, recipe.model.delta, recipe.model.preset) == (10.0, 1.0, "released")


def test_the_sweeps_cells_carry_the_papers_numbers() -> None:
    cells = sweep.cells("arvae-mnist-paper", published.GAMMAS, published.DELTAS)
    assert len(cells) == 35
    cell = next(arm for arm in cells if arm.label == "gamma100-delta10")
    assert {name: known.median for name, known in cell.published.items()} == {
        "interpretability": 0.909,
        "accuracy": 96.87,
    }
    assert cell.resolve(0).model.gamma == 100.0 and cell.resolve(0).model.delta == 10.0


def test_the_sweep_is_drawn_from_results_alone() -> None:
    results = [
        {"recipe": {"model": {"gamma": g, "delta": d}}, "numbers": {"accuracy": 97 - d, "interpretability": g / 20}}
        for g in (1.0, 10.0)
        for d in (0.1, 1.0)
    ]

    def no_model(_: str) -> Subject:
        raise AssertionError("a model was opened")

    (picture,) = sweep.chart(Gallery(results, no_model))
    assert Image.open(BytesIO(picture.png)).width > 500 and len(picture.png) < 300_000


def test_the_list_names_every_experiment() -> None:
    console = Console(width=200, file=StringIO())
    console.print(papers.table())
    assert all(name in console.file.getvalue() for name in EXPERIMENTS)  # type: ignore[attr-defined]


def test_spread_of_seeds() -> None:
    assert Spread.of([0.3, 0.1, 0.2]).text(1) == "0.2 (0.1 to 0.3)" and Spread.of([0.25]).text(2) == "0.25"


def test_the_page_in_the_documentation_is_made_from_the_result_files(tmp_path: Path) -> None:
    root = Path(__file__).parent.parent
    page = papers.write_page(root / "results", tmp_path / "results.md")
    told = "docs/results.md is not what the files in results/ say: run latune reproduce page"
    assert page.read_text(encoding="utf-8") == (root / "docs/results.md").read_text(encoding="utf-8"), told
    drawn_here = sorted(path.name for path in (tmp_path / "pictures/results").iterdir())
    assert drawn_here == sorted(path.name for path in (root / "docs/pictures/results").iterdir())

"""`latune measure`: codes and attributes in anybody's files, read, matched, scored, and refused in words."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from latune import cli
from latune.errors import DataError
from latune.matrices import measure_files, read_columns, read_matrices, text
from latune.metrics import METRICS, disentanglement

DRAW = np.random.default_rng(0)
ATTRIBUTES = DRAW.normal(size=(600, 2))
CODES = np.concatenate([ATTRIBUTES**3, DRAW.normal(size=(600, 1)), np.zeros((600, 1))], axis=1)
NAMES = ["slant", "width"]
SHAPES = np.array(["square", "ellipse", "heart"])[np.arange(600) % 3]


def write_csv(path: Path | str, head: list[str], columns: list, delimiter: str = ",") -> Path:
    """A table with empty cells for NaN, and every digit of every number."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(head)
        for row in zip(*columns, strict=True):
            writer.writerow(["" if isinstance(x, float) and np.isnan(x) else x for x in row])
    return Path(path)


def ids(count: int) -> list[str]:
    return [f"{i:04}.png" for i in range(count)]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder with codes and attributes in every format."""
    monkeypatch.chdir(tmp_path)
    np.save("z.npy", CODES)
    np.save("a.npy", ATTRIBUTES)
    np.savez("both.npz", codes=CODES, attributes=ATTRIBUTES, more=CODES)
    np.savez("columns.npz", slant=ATTRIBUTES[:, 0], width=ATTRIBUTES[:, 1])
    write_csv("z.csv", ["z0", "z1", "z2", "z3"], CODES.T.tolist())
    write_csv("a.csv", NAMES, ATTRIBUTES.T.tolist())
    write_csv("a.tsv", NAMES, ATTRIBUTES.T.tolist(), "\t")
    write_csv("z-named.csv", ["file", "z0", "z1", "z2", "z3"], [ids(600), *CODES.T.tolist()])
    write_csv("words.csv", [*NAMES, "shape"], [*ATTRIBUTES.T.tolist(), SHAPES])
    return tmp_path


@pytest.fixture
def run(here, capsys, monkeypatch):
    """Type `latune measure ...`; what it said."""

    def type_(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["latune", "measure", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "100")
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        said = capsys.readouterr()
        return code, said.out, " ".join(said.err.split())

    return type_


# --- what it prints and writes ----------------------------------------------------------------------------------------


def test_it_gives_the_numbers_of_the_metrics(run):
    code, out, err = run("z.npy", "a.csv", "--json", "scores.json", "--seed", 3, "--resamples", 20)
    assert code == 0, err
    told = json.loads(Path("scores.json").read_text())
    expected = disentanglement(CODES, ATTRIBUTES, NAMES, seed=3, resamples=20)
    assert list(told["scores"]) == list(expected)
    for name, score in expected.items():
        assert told["scores"][name] == json.loads(json.dumps(score.as_dict(), default=str)), name
        assert f"\n {name} " in out
    assert told["unused_dims"] == ["2", "3"]
    assert told["constant_dims"] == ["3"]
    assert told["most_informative_dim"] == {"slant": "0", "width": "1"}
    assert (told["n"], told["of"], told["seed"]) == (600, 600, 3)
    assert "unused dims: 2, 3\n" in out
    assert "constant dims: 3\n" in out
    assert all(len(line) <= 100 for line in out.splitlines())


def test_it_says_what_defines_each_number(run):
    _, out, _ = run("z.npy", "a.npy", "--metrics", "mig", "sap", "--resamples", 0)
    flat = " ".join(out.split())
    assert (
        "mig information histogram, divided by entropy, resampled examples; bins and neighbours stay, bins 20" in flat
    )
    assert "sap correlation squared Pearson" in flat
    assert "95 %" not in out
    assert "scc" not in out
    assert flat.index("sap") < flat.index("mig"), "in the order of all metrics"


def test_many_attributes_go_on_below(run):
    names = [f"attribute-{i}" for i in range(14)]
    write_csv("many.csv", names, [(ATTRIBUTES[:, 0] * i + ATTRIBUTES[:, 1]).tolist() for i in range(14)])
    code, out, _ = run("z.npy", "many.csv", "--metrics", "scc", "--resamples", 0)
    assert code == 0
    assert all(len(line) <= 100 for line in out.splitlines())
    assert all(name in out for name in names)
    assert out.count("\n scc ") > 1


def test_metrics_that_do_not_apply_are_told(run):
    np.save("one.npy", CODES[:, :1])
    code, out, _ = run("one.npy", "a.npy", "--only", "0", "--json", "s.json", "--resamples", 0)
    assert code == 0
    told = json.loads(Path("s.json").read_text())
    assert {"mig", "sap", "modularity"} <= set(told["left_out"])
    assert set(told["left_out"]) | set(told["scores"]) == set(METRICS)
    assert "compares at least 2 dims" in told["left_out"]["mig"]
    assert "left out: mig: The metric 'mig' compares at least 2 dims" in " ".join(out.split())


def test_it_starts_without_torch(here):
    code = (
        "import sys; sys.argv = ['latune', 'measure', 'z.npy', 'a.npy', '--metrics', 'scc']\n"
        "import latune.cli\ntry: latune.cli.main()\nfinally: print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=here)
    assert done.stdout.splitlines()[-1] == "False"


def test_scores_print_themselves(here):
    scores = measure_files("z.npy", "a.csv", metrics=["scc"], resamples=0, training_seed=7)
    assert "600 examples, 4 dims, 2 attributes" in str(scores)
    assert scores["scc"] == pytest.approx(1)
    assert scores.as_dict()["training_seed"] == 7


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codes", ["z.npy", "both.npz", "z.csv", "z-named.csv"])
@pytest.mark.parametrize("attributes", ["a.npy", "both.npz", "columns.npz", "a.csv", "a.tsv"])
def test_every_format_is_the_same_matrix(here, codes, attributes):
    if codes == "z-named.csv":
        (here / "a-ids.csv").unlink(missing_ok=True)
        attributes = write_csv("named.csv", ["file", *NAMES], [ids(600), *ATTRIBUTES.T.tolist()])
    read = read_matrices(codes, attributes)
    assert np.array_equal(read.codes, CODES)
    assert np.array_equal(read.values, ATTRIBUTES)
    assert read.discrete == (False, False)


FINITE = st.floats(-1e12, 1e12, allow_nan=False)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_is_written_is_read(data):
    """To the last bit, through every format; NaN is an empty cell."""
    n, d, count = data.draw(st.integers(5, 12)), data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    codes = data.draw(hnp.arrays(np.float64, (n, d), elements=FINITE))
    values = data.draw(hnp.arrays(np.float64, (n, count), elements=st.one_of(FINITE, st.just(np.nan))))
    values[:5] = np.arange(5)[:, None]  # each is known of five examples, and varies
    delimiter = data.draw(st.sampled_from(",;\t"))
    order = np.array(data.draw(st.permutations(range(n))))
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        np.save(at / "z.npy", codes)
        np.save(at / "a.npy", values)
        np.savez(at / "both.npz", codes=codes, attributes=values)
        z = [f"z{i}" for i in range(d)]
        a = [f"a{i}" for i in range(count)]
        write_csv(at / "z.csv", z, codes.T.tolist(), delimiter)
        write_csv(at / "a.csv", a, values.T.tolist(), delimiter)
        name = [f"row {i}" for i in range(n)]
        write_csv(at / "zi.csv", ["name", *z], [name, *codes.T.tolist()], delimiter)
        write_csv(at / "ai.csv", ["name", *a], [[name[i] for i in order], *values[order].T.tolist()], delimiter)
        for pair in (("z.npy", "a.npy"), ("both.npz", "both.npz"), ("z.csv", "a.csv"), ("zi.csv", "ai.csv")):
            read = read_matrices(at / pair[0], at / pair[1])
            assert np.array_equal(read.codes, codes)
            assert np.array_equal(read.values, values, equal_nan=True)


def test_large_tables_are_read_as_small_ones(here, monkeypatch):
    """Numpy's reader, and our own where a cell is empty or ids come along, give the same numbers."""
    write_csv("quoted.csv", ["name", "x", "y"], [[f'a "b", {i}' for i in range(600)], *ATTRIBUTES.T.tolist()])
    slow = read_matrices("z.csv", "a.csv"), text.read_text(Path("quoted.csv"), ["x"], ids="name")
    monkeypatch.setattr(text, "LARGE", 0)
    called = []
    loadtxt = np.loadtxt
    monkeypatch.setattr(np, "loadtxt", lambda *args, **how: called.append(1) or loadtxt(*args, **how))
    fast = read_matrices("z.csv", "a.csv"), text.read_text(Path("quoted.csv"), ["x"], ids="name")
    assert len(called) == 3
    assert np.array_equal(slow[0].codes, fast[0].codes)
    assert np.array_equal(slow[0].values, fast[0].values)
    assert slow[1]["name"].tolist() == fast[1]["name"].tolist() == [f'a "b", {i}' for i in range(600)]
    assert np.array_equal(slow[1]["x"], fast[1]["x"])
    monkeypatch.setattr(text, "ROWS", 7)
    write_csv("holes.csv", NAMES, [[np.nan, *ATTRIBUTES[1:, 0]], ATTRIBUTES[:, 1].tolist()])
    holes = read_matrices("z.csv", "holes.csv").values
    assert np.isnan(holes[0, 0])
    assert np.array_equal(holes[1:], ATTRIBUTES[1:])


def test_rows_are_matched_by_their_ids(here):
    order = np.random.default_rng(1).permutation(600)[:550]
    write_csv("some.csv", [*NAMES, "file"], [*ATTRIBUTES[order].T.tolist(), [ids(600)[i] for i in order]])
    read = read_matrices("z-named.csv", "some.csv")
    kept = np.sort(order)
    assert np.array_equal(read.codes, CODES[kept])
    assert np.array_equal(read.values, ATTRIBUTES[kept])
    assert read.of == 550
    assert "50 of 600 rows of z-named.csv have no partner." in read.notes
    assert "Rows were matched by the column 'file'." in read.notes


def test_numbers_may_be_ids(here):
    order = np.random.default_rng(1).permutation(600)
    write_csv("zn.csv", ["row", "z0"], [range(600), CODES[:, 0].tolist()])
    write_csv("an.csv", ["row", "slant"], [order, ATTRIBUTES[order, 0].tolist()])
    with pytest.raises(DataError, match="say so with --id row"):
        read_matrices("zn.csv", "an.csv")
    assert np.array_equal(read_matrices("zn.csv", "an.csv", ids="row").values, ATTRIBUTES[:, :1])
    for name in ("id", "ID", ""):  # called so, or nameless as an index is, it needs no telling
        for path in ("zn.csv", "an.csv"):
            lines = Path(path).read_text().splitlines()
            Path(path).write_text("\n".join([f"{name},{lines[0].partition(',')[2]}", *lines[1:]]))
        read = read_matrices("zn.csv", "an.csv")
        assert np.array_equal(read.values, ATTRIBUTES[:, :1])
        assert read.dims == ("z0",)


def test_an_index_of_one_file_is_left_out(here):
    write_csv("indexed.csv", ["", *NAMES], [range(600), *ATTRIBUTES.T.tolist()])
    read = read_matrices("z.csv", "indexed.csv")
    assert read.names == ("slant", "width")
    assert any("was taken for an index and left out" in note for note in read.notes)
    assert read_matrices("z.npy", "indexed.csv").names == ("slant", "width")


def test_words_become_classes_in_sorted_order(run):
    code, out, _ = run("z.csv", "words.csv", "--classes", "shape", "--metrics", "mig", "--json", "s.json")
    assert code == 0
    told = json.loads(Path("s.json").read_text())
    assert told["classes"] == {"shape": ["ellipse", "heart", "square"]}
    assert told["discrete"] == ["shape"]
    assert "classes of shape: 0 ellipse, 1 heart, 2 square" in out
    index = np.searchsorted(["ellipse", "heart", "square"], SHAPES)
    expected = METRICS["mig"](CODES, np.column_stack([ATTRIBUTES, index]), [*NAMES, "shape"], [False, False, True])
    assert told["scores"]["mig"]["per_attribute"] == expected.per_attribute


def test_a_missing_word_is_a_missing_class(here):
    some = np.where(np.arange(600) < 100, "", SHAPES)
    write_csv("some.csv", ["shape"], [some])
    read = read_matrices("z.npy", "some.csv", classes=["shape"])
    assert np.isnan(read.values[:100]).all()
    assert read.values[100:103, 0].tolist() == [0.0, 1.0, 2.0] or set(read.values[100:, 0]) == {0.0, 1.0, 2.0}
    assert read.classes == {"shape": ["ellipse", "heart", "square"]}
    np.savez("words.npz", shape=some, slant=ATTRIBUTES[:, 0])
    again = read_matrices("z.npy", "words.npz", classes=["shape"])
    assert np.array_equal(again.values[:, 0], read.values[:, 0], equal_nan=True)
    assert again.names == ("shape", "slant")


def test_classes_may_be_numbers(here):
    write_csv("digits.csv", ["digit"], [np.arange(600) % 10])
    with_classes = read_matrices("z.npy", "digits.csv", classes=["digit"])
    assert with_classes.discrete == (True,)
    assert with_classes.classes == {}
    without = read_matrices("z.npy", "digits.csv")
    assert without.discrete == (False,)
    assert any("10 different whole values" in note and "--classes digit" in note for note in without.notes)
    assert not any("whole values" in note for note in with_classes.notes)


def test_limit_takes_rows_evenly(run):
    code, out, _ = run("z.npy", "a.npy", "--limit", 100, "--metrics", "scc", "--resamples", 0, "--json", "s.json")
    assert code == 0
    assert "100 of 600 examples, evenly spread." in out
    rows = np.linspace(0, 599, 100).round().astype(int)
    read = read_matrices("z.npy", "a.npy", limit=100)
    assert np.array_equal(read.codes, CODES[rows])
    told = json.loads(Path("s.json").read_text())
    assert (told["n"], told["of"]) == (100, 600)
    assert read_matrices("z.npy", "a.npy", limit=1000).codes.shape == CODES.shape


def test_arrays_of_an_archive_are_chosen(here):
    read = read_matrices("both.npz", "both.npz", keys=["more", "attributes"])
    assert read.files == {"codes": "both.npz[more]", "attributes": "both.npz[attributes]"}
    np.savez("odd.npz", first=CODES, second=ATTRIBUTES)
    for keys in (["first", "second"], ["first"]):
        assert np.array_equal(read_matrices("odd.npz", "odd.npz", keys=keys).values, ATTRIBUTES)
    assert np.array_equal(read_matrices("odd.npz", "a.npy", keys=["first"]).codes, CODES)
    assert np.array_equal(read_matrices("z.npy", "odd.npz", keys=["second"]).values, ATTRIBUTES)
    np.savez("vector.npz", label=ATTRIBUTES[:, 0])
    assert read_matrices("z.npy", "vector.npz").names == ("label",)
    assert read_columns(Path("a.npy"), "attributes", names=NAMES).columns["width"].tolist() == ATTRIBUTES[:, 1].tolist()


def test_kinds_of_numbers(here):
    np.save("half.npy", CODES.astype(np.float16))
    np.save("whole.npy", (CODES * 10).astype(np.int32))
    np.save("yes.npy", ATTRIBUTES > 0)
    np.save("vector.npy", ATTRIBUTES[:, 0].astype(np.float32))
    assert read_matrices("half.npy", "yes.npy").codes.dtype == np.float64
    assert set(np.unique(read_matrices("whole.npy", "yes.npy").values)) == {0.0, 1.0}
    assert read_matrices("whole.npy", "vector.npy").values.shape == (600, 1)


def test_notes_for_data_that_tell_little(here):
    np.save("wide.npy", DRAW.normal(size=(40, 60)))
    write_csv("odd.csv", ["a", "same", "rare"], [ATTRIBUTES[:40, 0].tolist(), [3] * 40, [1, 2, *[np.nan] * 38]])
    read = read_matrices("wide.npy", "odd.csv")
    notes = " ".join(read.notes)
    assert read.names == ("a",)
    assert "'same' has the same value in every example" in notes
    assert "'rare' is known for 2 of 40 examples" in notes
    assert "Only 40 examples: below 500" in notes
    assert "More dims (60) than examples (40)" in notes
    holes = ATTRIBUTES.copy()
    holes[:30, 1] = np.nan
    np.save("holes.npy", holes)
    assert "Not known for all 600 examples, and scored on those that are known: 1 570." in " ".join(
        read_matrices("z.npy", "holes.npy").notes
    )


# --- mistakes ---------------------------------------------------------------------------------------------------------


TRAP = b"cposix\nsystem\n(S'touch unpickled'\ntR."  # a pickle that leaves a file behind for whoever loads it


def of_objects() -> bytes:
    """A .npy file as numpy writes an array of Python objects."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": (600, 4)})
    return file.getvalue() + TRAP


def prepare() -> None:
    """Files in which something is wrong."""
    np.save("short.npy", ATTRIBUTES[:500])
    np.save("three.npy", np.zeros((5, 4, 3)))
    np.save("vector.npy", CODES[:, 0])
    np.save("empty.npy", np.zeros((0, 4)))
    np.save("few.npy", CODES[:4])
    np.save("fewa.npy", ATTRIBUTES[:4])
    np.save("holes.npy", np.where(np.arange(4) == 1, np.nan, CODES))
    np.save("infinite.npy", np.where(np.arange(4) == 1, np.inf, CODES))
    np.save("complex.npy", CODES + 1j)
    np.save("constant.npy", np.ones((600, 1)))
    np.save("words.npy", SHAPES)
    Path("objects.npy").write_bytes(of_objects())
    Path("trap.npy").write_bytes(TRAP)
    with zipfile.ZipFile("objects.npz", "w") as archive:
        archive.writestr("codes.npy", of_objects())
    Path("text.npy").write_text("1,2,3")
    Path("torn.npy").write_bytes(Path("z.npy").read_bytes()[:2000])
    Path("torn.npz").write_bytes(Path("both.npz").read_bytes()[:2000])
    Path("array.npz").write_bytes(Path("z.npy").read_bytes())
    np.savez("two.npz", first=CODES, second=CODES)
    np.savez("ragged.npz", a=CODES[:, 0], b=CODES[:10, 0])
    Path("codes.pt").write_bytes(b"x")
    Path("nothing.csv").write_text("")
    Path("bare.csv").write_text("\n".join(f"{i},{i % 7}" for i in range(600)))
    Path("only-head.csv").write_text("a,b\n")
    Path("twice.csv").write_text("a,a\n1,2\n")
    Path("nameless.csv").write_text("a,,b\n1,2,3\n")
    Path("ragged.csv").write_text("a,b\n1,2\n1\n1,2,3\n")
    Path("slip.csv").write_text("slant,width\n" + "\n".join(f"{i},{i % 7}" for i in range(599)) + "\n3,thick\n")
    Path("comma.csv").write_text("slant;width\n" + "\n".join(f"{i},5;{i % 7}" for i in range(600)))
    Path("latin.csv").write_bytes("größe\n1\n".encode("latin-1"))
    Path("hole.csv").write_text("z0,z1\n" + "1,2\n" * 5 + ",2\n" + "1,2\n" * 594)
    Path("shared.csv").write_text("z0,z1,slant\n" + "\n".join(f"a{i},b{i},{i % 7}" for i in range(600)))
    Path("twin-ids.csv").write_text("file,slant\n" + "same.png,2\n" * 600)
    Path("other-ids.csv").write_text("file,slant\n" + "\n".join(f"x{i},{i % 7}" for i in range(600)))
    Path("a folder.npy").mkdir()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere.npy", "a.npy"], "There is no file nowhere.npy."),
        (["z.npy", "nowhere.csv"], "There is no file nowhere.csv."),
        (["a folder.npy", "a.npy"], "a folder.npy is a folder; the codes come in one file, .npy, .npz, .csv or .tsv."),
        (["codes.pt", "a.npy"], "The codes come as .npy, .npz, .csv or .tsv. Got codes.pt; write it with numpy.save"),
        (["z.npy", "short.npy"], "z.npy has 600 rows and short.npy has 500; row i of both must be example i."),
        (["three.npy", "a.npy"], "three.npy has shape [5, 4, 3]; the codes are [n, d]: one row per example"),
        (["vector.npy", "a.npy"], "vector.npy has shape [600]; the codes are [n, d]"),
        (["empty.npy", "a.npy"], "empty.npy is empty: its shape is [0, 4]."),
        (["few.npy", "fewa.npy"], "no attribute can be measured: '0' is known for 4 of 4 examples"),
        (["holes.npy", "a.npy"], "holes.npy: 600 codes are missing or NaN, the first in row 1, column '1'."),
        (["infinite.npy", "a.npy"], "codes hold 600 values that are NaN, infinite or beyond 1e+100"),
        (["complex.npy", "a.npy"], "column '0' holds complex128 values; it must hold numbers"),
        (["z.npy", "constant.npy"], "no attribute can be measured: '0' has the same value in every example."),
        (["z.npy", "words.npy"], "column '0' holds words ('square', 'ellipse', 'heart'). If they are classes, say so"),
        (["objects.npy", "a.npy"], "objects.npy is no array of plain numbers. If it holds pickled Python objects:"),
        (["trap.npy", "a.npy"], "trap.npy is no array of plain numbers. If it holds pickled Python objects: those are"),
        (["objects.npz", "a.npy"], "objects.npz[codes] is no array of plain numbers."),
        (["text.npy", "a.npy"], "text.npy is no array of plain numbers."),
        (["torn.npy", "a.npy"], "torn.npy cannot be read:"),
        (["torn.npz", "a.npy"], "torn.npz is damaged"),
        (["array.npz", "a.npy"], "array.npz is not an .npz file; if it holds one array, call it .npy."),
        (["two.npz", "a.npy"], "two.npz holds first [600, 4], second [600, 4]; which are the codes, [n, d]?"),
        (["columns.npz", "a.npy"], "columns.npz holds slant [600], width [600]; which are the codes, [n, d]?"),
        (["z.npy", "ragged.npz"], "ragged.npz holds a [600], b [10]; which are the attributes, [n, L], or columns"),
        (["two.npz", "a.npy", "--key", "frist"], "Unknown array 'frist' of two.npz. Did you mean 'first'?"),
        (["both.npz", "both.npz", "--key", "cods"], "Unknown array 'cods'. Did you mean 'codes'?"),
        (["z.npy", "a.npy", "--key", "x"], "--key names one array for each .npz file: here 0. Got x."),
        (["nothing.csv", "a.npy"], "nothing.csv is empty; its first line must name the columns."),
        (["bare.csv", "a.npy"], "bare.csv has no header: its first line holds numbers (0, 0, ...)."),
        (["only-head.csv", "a.npy"], "only-head.csv has 0 rows and a.npy has 600"),
        (["twice.csv", "a.npy"], "twice.csv: every column needs a name of its own; 'a' is there 2 times."),
        (["nameless.csv", "a.npy"], "nameless.csv: every column needs a name of its own; one has none."),
        (["ragged.csv", "a.npy"], "ragged.csv cannot be used: line 3 has 1 cells; line 4 has 3 cells, the header 2."),
        (["z.npy", "slip.csv"], "slip.csv cannot be used: line 601, column 'width': 'thick' is not a number."),
        (["z.npy", "comma.csv"], "column 'slant' holds numbers with a decimal comma ('0,5', '1,5', '2,5'). Write"),
        (["z.npy", "latin.csv"], "latin.csv cannot be read as a CSV file: it is not UTF-8 text. Save it as UTF-8."),
        (["hole.csv", "a.npy"], "hole.csv: 1 codes are missing or NaN, the first in row 6, column 'z0'."),
        (["z.npy", "words.csv"], "column 'shape' holds words ('square', 'ellipse', 'heart'). If they are classes, say"),
        (["z-named.csv", "a.npy"], "column 'file' holds words ('0000.png', '0001.png', '0002.png')."),
        (["z.csv", "shared.csv"], "Both files have the columns z0, z1. Say with --id which one"),
        (["z-named.csv", "twin-ids.csv"], "the ids in column 'file' must differ; 'same.png' is there 600 times."),
        (["z-named.csv", "other-ids.csv"], "No id of z-named.csv is in other-ids.csv: '0000.png' beside 'x0'"),
        (["z.csv", "a.csv", "--id", "file"], "Unknown column 'file' of z.csv."),
        (["z.npy", "a.csv", "--id", "file"], "--id names a column of two CSV files"),
        (["z.csv", "z.csv"], "z.csv is given as codes and as attributes"),
        (["z.npy", "a.csv", "--names", "x", "y"], "a.csv names its columns itself: leave out --names"),
        (["z.npy", "columns.npz", "--names", "x", "y"], "The arrays of columns.npz have names (slant, width)"),
        (["z.npy", "a.npy", "--names", "x"], "a.npy has 2 columns and --names gives x: give one name to each"),
        (["z.npy", "a.csv", "--only", "slnt"], "Unknown column 'slnt' of a.csv. Did you mean 'slant'?"),
        (["z.npy", "a.csv", "--classes", "shape"], "Unknown column 'shape' of a.csv."),
        (["z.npy", "a.csv", "--classes", "slant"], "The attribute 'slant' is declared discrete, but no two"),
        (["z.npy", "a.npy", "--metrics", "migg"], "Unknown metric 'migg'. Did you mean 'mig'?"),
        (["z.npy", "a.npy", "--limit", "3"], "--limit is 5 rows or more. Got 3."),
        (["z.npy", "a.npy", "--resamples", "1"], "resamples is 0 for no intervals, or 2 and more. Got 1."),
        (["z.npy", "a.npy", "--seed", "-1"], "--seed"),
        (["z.npy"], "--attributes"),
        (["z.npy", "a.npy", "--metrics", "sap", "--only", "1", "--limit", "many"], "many"),
    ],
)
def test_a_mistake_is_told_in_one_message(run, words, message):
    prepare()
    before = sorted(Path().rglob("*"))
    code, out, err = run(*words)
    assert code == 2, out
    assert " ".join(message.split()) in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err + out
    assert sorted(Path().rglob("*")) == before, "nothing is unpickled, nothing half-written"


def test_no_metric_that_applies_is_a_mistake(run):
    np.save("one.npy", CODES[:, :1])
    code, _, err = run("one.npy", "a.npy", "--metrics", "sap", "mig")
    assert code == 2
    assert "The metric 'sap' compares at least 2 dims" in err

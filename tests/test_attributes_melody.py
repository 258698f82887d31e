"""Attributes and rules of melodies: published numbers, a note by note reference, invariances, answers of users."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latune.attributes import melody_rules, tokens
from latune.attributes.melody import MELODY, PAPER, measured, named, of_grid, share_of
from latune.attributes.melody_rules import all_of, at_least_notes, in_scale, least_of
from latune.attributes.own_melody import evaluate_melodies
from latune.attributes.rhythm import MOST_SYNCOPATED, STRENGTHS, TICK_WEIGHTS, weights
from latune.errors import AttributeFunctionError, DataError
from latune.imports import name_of
from latune.imports import named as imported
from latune.music import GRIDS, Grid, Melodies, Melody, pitch_classes

MEASURE, TUNE = GRIDS["measure"], GRIDS["melody"]
RELEASED = Grid("measure", 1, MEASURE.places, low=55, high=84, edges=True)
WALTZ = Grid("waltz", 8, tuple(step / 4 for step in range(12)), length=3.0)
ODD = Grid("odd", 3, (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0), length=3.5)


def measures(*rows) -> Melodies:
    """Measures with notes at ticks `{tick: pitch}`."""
    out = np.zeros((len(rows), 24), np.uint8)
    out[:, 0] = 1
    for row, notes in zip(out, rows, strict=True):
        for tick, pitch in notes.items():
            row[tick] = MEASURE.first + pitch - MEASURE.low
    return Melodies(out, MEASURE)


def tune(*bars) -> Melodies:
    """One 16-bar tune of bars as text: `x` is a C, `-` holds, `.` begins a rest; what is missing is silent."""
    text = "".join(bars).ljust(256, "-")
    return Melodies(np.array([[{"x": 62, "-": 0, ".": 1}[each] for each in text]]), TUNE)


def value(name: str, melodies: Melodies) -> float:
    """Of the only melody."""
    (found,) = of_grid(melodies.grid)[name].measure(melodies)
    return float(found)


def draw(grid: Grid, n: int, seed: int, notes: float = 0.3) -> Melodies:
    """Random tokens, some rows without any note."""
    rng = np.random.default_rng(seed)
    rows = rng.choice([0, 1], (n, grid.steps), p=[0.8, 0.2])
    share = rng.uniform(0, 2 * notes, (n, 1)) * (rng.random((n, 1)) < 0.9)
    onsets = rng.random(rows.shape) < share
    rows[onsets] = rng.integers(2, grid.vocabulary, onsets.sum())
    return Melodies(rows, grid)


# --- published numbers ------------------------------------------------------------------------------------------------

SIXTEENTHS = (0, 1, 3, 5)  # ticks of one beat
RHYTHMS = {
    "downbeat": ((0,), 0.0071968),
    "quarters": ((0, 6, 12, 18), 0.0644117),
    "eighths": (tuple(6 * beat + tick for beat in range(4) for tick in (0, 3)), 0.1363800),
    "sixteenths": (tuple(6 * beat + tick for beat in range(4) for tick in SIXTEENTHS), 0.4242533),
    "triplets": (tuple(6 * beat + tick for beat in range(4) for tick in (0, 2, 4)), 0.6401583),
    "all ticks": (tuple(range(24)), 1.0),
}


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_rhythmic_complexity_is_the_papers(rhythm):
    ticks, expected = RHYTHMS[rhythm]
    assert value("rhythmic_complexity", measures(dict.fromkeys(ticks, 60))) == pytest.approx(expected, abs=5e-8)


def test_weights_of_ticks_sum_to_the_papers():
    assert sum(TICK_WEIGHTS) == 2779
    assert len(TICK_WEIGHTS) == 24


def test_three_notes_have_the_papers_contour_range_and_density():
    chord = measures({0: 60, 6: 64, 12: 67})
    assert value("contour", chord) == 7 / 26
    assert value("pitch_range", chord) == 7 / 26
    assert value("note_density", chord) == 3 / 24


def test_the_reach_of_29_semitones_is_divided_by_26():
    assert value("pitch_range", measures({0: 55, 12: 84})) == 29 / 26
    assert value("contour", measures({0: 84, 12: 55})) == -29 / 26


def test_contour_is_the_sum_of_all_steps_and_so_of_its_ends_only():
    assert value("contour", measures({0: 60, 3: 84, 6: 55, 9: 62})) == 2 / 26


def test_edges_of_a_tune_are_no_onsets():
    rows = np.full((3, 24), 2)  # START
    rows[1] = 3  # END
    rows[2, 12:] = [4, 0, 0, 3, 0, 0, 33, 0, 0, 3, 3, 3]
    found = {name: each.measure(Melodies(rows, RELEASED)) for name, each in of_grid(RELEASED).items()}
    assert list(found) == list(PAPER)
    np.testing.assert_array_equal([values[:2] for values in found.values()], 0)
    assert found["note_density"][2] == 2 / 24
    assert found["pitch_range"][2] == found["contour"][2] == 29 / 26
    assert found["rhythmic_complexity"][2] == pytest.approx((0.25 + 0.67) / 27.79)


@pytest.mark.parametrize("grid", [MEASURE, RELEASED, TUNE, WALTZ, ODD], ids=lambda grid: f"{grid.name} {grid.edges}")
def test_melodies_without_notes_have_none_of_anything(grid):
    rows = np.zeros((2, grid.steps), int)
    rows[1, 0] = 1
    for name, each in of_grid(grid).items():
        np.testing.assert_array_equal(each.measure(Melodies(rows, grid)), [0, 0], err_msg=name)
        assert each.measure(Melodies(rows[:0], grid)).shape == (0,)


def test_one_note_has_no_range_and_no_contour():
    one = Melodies(np.array([[0] * 9 + [84] + [0] * 246]), TUNE)
    assert [value(name, one) for name in ("pitch_range", "contour", "note_count")] == [0, 0, 1]


# --- 16 bars ----------------------------------------------------------------------------------------------------------


def test_steps_weigh_as_the_ticks_at_the_same_places():
    assert dict(zip(TUNE.places, weights(TUNE), strict=True)) == {
        place: weight for place, weight in zip(MEASURE.places, TICK_WEIGHTS, strict=True) if place in TUNE.places
    }
    assert value("rhythmic_complexity", tune("x" * 256)) == 1.0
    assert value("rhythmic_complexity", tune("x---x---x---x---" * 16)) == pytest.approx(1.79 / 11.79)
    assert value("rhythmic_complexity", tune("-x" * 8)) == pytest.approx(8 / 11.79 / 16)


SYNCOPATED = {
    "on the beat": (["x---x---x---x---"] * 16, 0),
    "silence after a downbeat": (["x---------------"], 0),
    "every sixteenth": (["xxxxxxxxxxxxxxxx"] * 16, 0),
    "son clave": (["x--x--x---x-x---"] * 16, 4 * 16),  # 3 misses step 4, 6 misses step 8, by two levels each
    "off-beat eighths": (["--x---x---x---x-"] * 16, 16 * (1 + 2 + 1) + 15 * 3),  # no downbeat is missed at the end
    "tied over the bar line": (["------------x---", "----x-----------"], 2 + 2),
    "rests are silent as ties are": (["-----------x.---", "x" * 16], 2 + 4),
    "one sixteenth before a silent bar": (["---------------x"], 4),
    "one sixteenth before the end": (["-" * 16] * 15 + ["---------------x"], 0),
    "as much as there can be": (["-x" * 8] * 15, 15 * MOST_SYNCOPATED),
}


@pytest.mark.parametrize("rhythm", SYNCOPATED)
def test_syncopation_of_rhythms_counted_by_hand(rhythm):
    bars, total = SYNCOPATED[rhythm]
    assert value("syncopation", tune(*bars)) == total / 16


def test_repetition_counts_bars_that_were_there_before():
    a, b, c = "x---x---x---x---", "x-x-x-x-x-x-x-x-", ".---------------"
    assert value("repetition", tune(a * 16)) == 1
    assert value("repetition", tune(a, b, a, b)) == 2 / 15
    assert value("repetition", tune(a, b, c, c, c, a)) == 1 / 15
    assert value("repetition", tune(".---------------" * 16)) == 0
    other = tune(a, a).tokens.copy()
    other[0, 16] += 2  # another pitch
    assert value("repetition", Melodies(other, TUNE)) == 0


def test_counts_and_units_of_tunes():
    rows = np.zeros((1, 256), int)
    rows[0, [0, 100, 255]] = [62, 50, 70]
    three = Melodies(rows, TUNE)
    assert value("note_count", three) == 3
    assert value("note_density", three) == 3 / 256
    assert value("pitch_range", three) == 20
    assert value("contour", three) == 8
    assert value("in_c_major", three) == 2 / 3  # C4, C3 and G#4
    full = Melodies(np.full((1, 256), 129), TUNE)
    assert value("note_count", full) == 256
    assert value("note_density", full) == 1


# --- note by note -----------------------------------------------------------------------------------------------------


def reference(melody: Melody, grid: Grid) -> dict[str, float]:
    """All attributes from the notes of a melody, one note after the other."""
    notes, found = list(melody.notes), {}
    pitches = [note.pitch for note in notes]
    places = [min(range(grid.steps), key=lambda step: abs(grid.times[step] - note.start)) for note in notes]
    divisor = 26 if (grid.bars, grid.ticks) == (1, 24) else 1
    found["note_count"] = len(notes)
    found["note_density"] = len(notes) / grid.steps
    found["pitch_range"] = (max(pitches) - min(pitches)) / divisor if notes else 0
    found["contour"] = sum(b - a for a, b in pairwise(pitches)) / divisor
    found["in_c_major"] = sum(pitch % 12 in (0, 2, 4, 5, 7, 9, 11) for pitch in pitches) / max(len(notes), 1)
    if grid.ticks == 24:
        by_tick = [weight / 100 for weight in TICK_WEIGHTS]
    else:
        by_tick = [0.2, 1, 0.5, 1, 0.67, 1, 0.5, 1, 0.25, 1, 0.5, 1, 0.67, 1, 0.5, 1]
    weight = sum(by_tick[place % grid.ticks] for place in places if grid.ticks in (16, 24))
    found["rhythmic_complexity"] = weight / sum(by_tick) / grid.bars
    total = 0
    for place, after in pairwise([*places, grid.steps]):
        partners = [STRENGTHS[step % 16] - STRENGTHS[place % 16] for step in range(place + 1, after)]
        total += max([0, *partners])
    found["syncopation"] = total / grid.bars
    return found


def check_against_reference(melodies: Melodies) -> None:
    grid = melodies.grid
    expected = [reference(melody, grid) for melody in melodies]
    for name in set(of_grid(grid)) - {"repetition"} | {"note_count", "in_c_major"}:
        found = named(name).measure(melodies)
        np.testing.assert_allclose(found, [each[name] for each in expected], rtol=1e-12, atol=1e-12, err_msg=name)
    if grid.bars > 1:
        bars = melodies.tokens.reshape(len(melodies), grid.bars, grid.ticks)
        for tune_, found in zip(bars, named("repetition").measure(melodies), strict=True):
            again = sum(
                any((tune_[i] == tune_[j]).all() for j in range(i)) and (tune_[i] >= grid.first).any()
                for i in range(1, grid.bars)
            )
            assert found == again / (grid.bars - 1)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([MEASURE, TUNE, WALTZ, ODD]), st.integers(0, 2**31), st.floats(0, 0.5))
def test_all_attributes_are_those_of_the_notes(grid, seed, notes):
    check_against_reference(draw(grid, 6, seed, notes))


def test_repeated_bars_are_found_among_random_ones():
    rng = np.random.default_rng(0)
    bars = draw(Grid("bar", 1, TUNE.places), 4, 1).tokens
    check_against_reference(Melodies(bars[rng.integers(0, 4, (20, 16))].reshape(20, 256), TUNE))


@pytest.mark.parametrize("grid", [MEASURE, TUNE, ODD], ids=lambda grid: grid.name)
def test_blocks_change_nothing(grid, monkeypatch):
    many = draw(grid, 500, 3)
    whole = {name: each.measure(many) for name, each in of_grid(grid).items()}
    monkeypatch.setattr(tokens, "BLOCK", 7 * grid.steps)
    for name, each in of_grid(grid).items():
        np.testing.assert_array_equal(each.measure(many), whole[name])
        np.testing.assert_array_equal(each.measure(many[5:6]), whole[name][5:6])
    together = measured(many, whole)
    assert list(together) == list(whole)
    np.testing.assert_array_equal(list(together.values()), list(whole.values()))


# --- what must not matter ---------------------------------------------------------------------------------------------


def shifted(melodies: Melodies, semitones: int) -> Melodies:
    """All notes higher."""
    rows = melodies.tokens.astype(int)
    rows[melodies.onsets] += semitones
    return Melodies(rows, melodies.grid)


def low_half(grid: Grid, seed: int) -> Melodies:
    """Random melodies that leave room for an octave above."""
    drawn = draw(grid, 40, seed)
    rows = drawn.tokens.astype(int)
    rows[drawn.onsets] = grid.first + rows[drawn.onsets] % (grid.high - grid.low - 12)
    return Melodies(rows, grid)


@pytest.mark.parametrize("grid", [MEASURE, TUNE], ids=lambda grid: grid.name)
@pytest.mark.parametrize("semitones", [1, 5, 12])
def test_transposition_leaves_all_but_pitch_classes(grid, semitones):
    before, after = low_half(grid, 5), shifted(low_half(grid, 5), semitones)
    for name, each in of_grid(grid).items():
        if name != "in_c_major" or semitones == 12:
            np.testing.assert_array_equal(each.measure(after), each.measure(before), err_msg=name)
    moved = frozenset((each + semitones) % 12 for each in pitch_classes("C major"))
    np.testing.assert_array_equal(share_of(moved).measure(after), share_of("C major").measure(before))


@pytest.mark.parametrize("grid", [MEASURE, TUNE, WALTZ], ids=lambda grid: grid.name)
def test_backwards_the_contour_is_negative(grid):
    drawn = draw(grid, 50, 6)
    back = Melodies(drawn.tokens[:, ::-1], grid)
    np.testing.assert_array_equal(named("contour").measure(back), -named("contour").measure(drawn))
    for name in ("pitch_range", "note_density", "note_count", "in_c_major"):
        np.testing.assert_array_equal(named(name).measure(back), named(name).measure(drawn))


@pytest.mark.parametrize("grid", [MEASURE, RELEASED, TUNE, WALTZ, ODD], ids=lambda grid: f"{grid.name} {grid.edges}")
def test_values_lie_in_the_range_that_is_given(grid):
    drawn = draw(grid, 300, 7, 0.5)
    for name, each in of_grid(grid).items():
        values, (low, high) = each.measure(drawn), each.range
        assert values.dtype == np.float64
        assert values.min() >= low, name
        assert values.max() <= high, name


def test_complexity_goes_with_density_on_bach():
    corpus = pytest.importorskip("music21").corpus
    bars = []
    for number in ("1.6", "10.7", "101.7", "102.7", "103.6", "108.6", "110.7", "111.6", "113.8"):
        part = corpus.parse(f"bach/bwv{number}").parts[0]
        bar = next(iter(part.getElementsByClass("Measure")))
        if bar.timeSignature.ratioString == "4/4":
            pickup = (4 - float(bar.quarterLength)) % 4
            notes = [(n.pitch.midi, n.offset + pickup, n.quarterLength) for n in part.flatten().stripTies().notes]
            bars.append(MEASURE.encode(Melody.of([tuple(map(float, note)) for note in notes]).transposed(5)))
    bach = Melodies(np.concatenate(bars), MEASURE)
    assert len(bach) > 60
    check_against_reference(bach)
    complexity, density = (named(name).measure(bach) for name in ("rhythmic_complexity", "note_density"))
    assert np.corrcoef(complexity, density)[0, 1] == pytest.approx(0.962, abs=0.03)  # of all chorales
    assert len(np.unique(complexity)) <= 37


# --- names ------------------------------------------------------------------------------------------------------------


def test_a_grid_has_the_attributes_that_fit_it():
    assert tuple(of_grid(MEASURE)) == tuple(of_grid(RELEASED)) == PAPER
    assert list(of_grid(TUNE)) == list(MELODY)
    assert "rhythmic_complexity" not in of_grid(ODD)
    assert "syncopation" not in of_grid(WALTZ)
    assert of_grid(MEASURE)["contour"].range == (-29 / 26, 29 / 26)
    assert of_grid(TUNE)["note_count"].range == (0, 256)
    assert MELODY["note_count"].range == (0, math.inf)


def test_names_are_identifiers_that_find_their_attribute():
    for name, each in MELODY.items():
        assert name.isidentifier()
        assert each.name == each.source == name
        assert named(name) is each
    for scale in ("A minor", "F# dorian", "Bb", "db major pentatonic", (0, 4, 7)):
        attribute = share_of(scale)
        assert attribute.name.isidentifier()
        drawn = draw(TUNE, 20, 8)
        np.testing.assert_array_equal(named(attribute.name).measure(drawn), attribute.measure(drawn))
    with pytest.raises(KeyError, match="Did you mean 'contour'"):
        named("contuor")
    with pytest.raises(KeyError, match="A scale is in_"):
        named("in_h_major")


def test_what_cannot_be_measured_is_said():
    with pytest.raises(DataError, match=r"shape \(n, 24\).*Got \(2, 3, 24\).*flat"):
        named("contour").measure(Melodies(np.zeros((2, 3, 24), int), MEASURE))
    with pytest.raises(DataError, match=r"Rhythmic complexity.*'odd' has bars of 3.5"):
        named("rhythmic_complexity").measure(draw(ODD, 2, 0))
    with pytest.raises(DataError, match=r"16 steps.*'measure' has 24"):
        named("syncopation").measure(draw(MEASURE, 2, 0))
    with pytest.raises(DataError, match="'measure' has 1"):
        named("repetition").measure(draw(MEASURE, 2, 0))


def test_no_bar_is_more_syncopated_than_the_most():
    from latune.attributes.rhythm import _syncopation_table

    assert _syncopation_table().max() == MOST_SYNCOPATED


# --- a user's own functions -------------------------------------------------------------------------------------------

TWO = measures({0: 60, 6: 64}, {0: 67})


def test_the_name_of_the_first_parameter_says_what_a_function_gets():
    assert evaluate_melodies(lambda melody: len(melody.notes), TWO, "f").tolist() == [2, 1]
    assert evaluate_melodies(lambda tune: tune.pitches.max(), TWO, "f").tolist() == [64, 67]
    assert evaluate_melodies(lambda melody: melody.onsets.sum() > 0, TWO, "f").tolist() == [1, 0]
    assert evaluate_melodies(lambda tokens: tokens.max(1) - 300, TWO, "f").tolist() == [11 - 300, 14 - 300]
    assert evaluate_melodies(lambda melodies: melodies.onsets.sum(1), TWO, "f").tolist() == [2, 1]
    assert evaluate_melodies(len, TWO, "f").tolist() == [2, 1]
    assert evaluate_melodies(lambda melody: 1 / 0, TWO[:0], "f").shape == (0,)


def test_a_function_cannot_change_what_it_is_shown():
    def paint(melodies):
        melodies.tokens[:] = 0
        return melodies.tokens.sum(1)

    def erase(tokens):
        tokens[:] = 0
        return tokens.sum(1)

    kept = TWO.tokens.copy()
    for each in (paint, erase):
        assert evaluate_melodies(each, TWO, "f").tolist() == [0, 0]
        np.testing.assert_array_equal(TWO.tokens, kept)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda melody: melody.pitches[1], r"f raised IndexError.*given melody 1: Melody\(1 note, G4 to G4"),
        (lambda melody: melody.pitches, r"f returned values of shape \[2\] for melody 0; allowed is one number"),
        (lambda melody: "high", r"f returned str 'high' for melody 0 instead of a number"),
        (lambda melody: None, r"f returned NoneType None for melody 0 instead of a number"),
        (lambda melody: math.nan if len(melody) < 2 else 0, r"1 values that are not finite.*\(nan\) for melody 1"),
        (lambda: 0, r"f raised TypeError.*It takes one latune.music.Melody"),
        (lambda tokens: tokens, r"f returned values of shape \[2, 24\] for 2 melodies; allowed is \[2\]"),
        (lambda tokens: 3, r"f returned values of shape \[\] for 2 melodies; allowed is \[2\]"),
        (lambda melodies: melodies.pitch, r"f raised AttributeError.*given melodies of shape \[2, 24\]"),
        (lambda melodies: ["a", "b"], r"f returned list \['a', 'b'\] instead of numbers"),
    ],
)
def test_answers_that_are_no_numbers_are_said(function, told):
    with pytest.raises(AttributeFunctionError, match=f"(?s){told}"):
        evaluate_melodies(function, TWO, "f")


def test_sheets_of_melodies_are_not_asked_about():
    with pytest.raises(DataError, match="flat"):
        evaluate_melodies(len, Melodies(np.zeros((2, 3, 24), int), MEASURE), "f")


def test_answers_of_torch_are_numbers():
    import torch

    said = evaluate_melodies(lambda tokens: torch.tensor(tokens).sum(1).bfloat16(), TWO, "f")
    assert said.tolist() == [18, 14]


# --- rules ------------------------------------------------------------------------------------------------------------


def test_rules_are_the_papers():
    major = in_scale("C major")
    assert major(measures({0: 60, 6: 62, 12: 64}, {0: 60, 6: 61}, {})).tolist() == [1, 0.5, 0]
    rows = np.zeros((4, 256), int)
    for row, notes in zip(rows, (48, 192, 256, 0), strict=True):
        row[:notes] = 62
    dense = Melodies(rows, TUNE)
    assert at_least_notes(192)(dense).tolist() == [0.25, 1, 1, 0]
    assert at_least_notes(0)(dense).tolist() == [1, 1, 1, 1]


def test_rules_agree_with_those_of_one_melody():
    drawn = draw(TUNE, 30, 9, 0.5)
    said = evaluate_melodies(lambda melody: melody.share_of_pitches("E minor"), drawn, "f")
    np.testing.assert_allclose(in_scale("E minor")(drawn), said)
    np.testing.assert_array_equal(
        at_least_notes(96)(drawn), evaluate_melodies(lambda melody: melody.density(96), drawn, "f")
    )


def test_rules_become_one_by_their_product_or_by_the_least():
    drawn = draw(TUNE, 30, 10, 0.5)
    a, b = in_scale("C major")(drawn), at_least_notes(192)(drawn)
    both, least = (how(in_scale("C major"), at_least_notes(192)) for how in (all_of, least_of))
    np.testing.assert_array_equal(both(drawn), a * b)
    np.testing.assert_array_equal(least(drawn), np.minimum(a, b))
    np.testing.assert_array_equal(all_of(lambda melody: 0.5, both)(drawn), a * b / 2)


def test_chance_is_the_share_of_the_scale():
    rng = np.random.default_rng(11)
    drawn = Melodies(rng.integers(2 + 48, 2 + 84, (500, 256)), TUNE)
    assert in_scale("C major")(drawn).mean() == pytest.approx(7 / 12, abs=0.005)


def test_rules_are_found_by_their_names():
    drawn = draw(TUNE, 10, 12)
    major, dense = in_scale("A harmonic minor"), at_least_notes(192)
    for rule in (major, dense, in_scale({0, 7}), all_of(major, dense), least_of(dense, major)):
        assert name_of(rule) == f"latune.attributes.melody_rules:{rule.__name__}"
        np.testing.assert_array_equal(imported(name_of(rule))(drawn), rule(drawn))
    assert melody_rules.in_c_major.__name__ == "in_c_major"
    for name in ("in_h_major", "dense_many", "in_c_major_and_", "least_of_"):
        with pytest.raises(AttributeFunctionError, match=f"has no function '{name}'"):
            imported(f"latune.attributes.melody_rules:{name}", "function", error=AttributeFunctionError)


def test_bad_rules_are_said():
    with pytest.raises(DataError, match="Got -1"):
        at_least_notes(-1)
    with pytest.raises(DataError, match="no scale 'H major'"):
        in_scale("H major")
    with pytest.raises(DataError, match="Got none"):
        all_of()
    with pytest.raises(AttributeFunctionError, match=r"returned 2 for melody 0.*numbers in \[0, 1\]"):
        all_of(lambda melody: len(melody))(TWO)

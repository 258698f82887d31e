"""Runs to a comparison: which belong together, which are paired, and what speaks against believing the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from latune.comparison.comparison import Comparison
from latune.comparison.groups import Group, by_recipe, labelled, plain
from latune.comparison.results import Result, read_result
from latune.errors import DataError
from latune.recipes.compare import differences

MOST = 4  # settings or seeds that a note names


def compare(runs: Any, against: Any = None, seed: int = 0) -> Comparison:
    """Compare evaluated runs over seeds: medians and ranges, and the differences of two groups.

    Runs of one seed, trained and measured on the same data, are compared with each other; where there are none, the
    groups are compared as wholes, and `notes` says so.

    Args:
        runs: run folders that were evaluated, or JSON files of `latune evaluate` and `latune measure`; of several
            recipes, where there is nothing to compare them with. One path or a list.
        against: the runs to compare with, likewise.
        seed: of the bootstrap.

    Raises:
        RunError: a run that is not there, or was not evaluated.
        DataError: no runs, the same one twice, or a file that holds no scores.

    >>> import json, tempfile
    >>> def scored(name, seed, value):
    ...     file = Path(tempfile.mkdtemp()) / f"{name}{seed}.json"
    ...     told = {"scores": {"sap": {"value": value}}, "training_seed": seed, "examples": "the same"}
    ...     _ = file.write_text(json.dumps(told))
    ...     return file
    >>> ours, theirs = [scored("a", i, 0.75 + i / 8) for i in range(2)], [scored("b", i, 0.25) for i in range(2)]
    >>> compare(ours, theirs).difference("sap")
    Difference(mean=0.5625, low=0.5, high=0.625, kind='range', n=2, p=0.5, least_p=0.5, paired=True)
    """
    runs, against = ([each] if isinstance(each, str | Path) else each for each in (runs, against))
    first, second = ([_read(path) for path in paths] for paths in (runs, against or ()))
    if not first or (against is not None and not second):
        raise DataError(
            f"There are no runs to compare{' with' if first else ''}. Give evaluated run folders, or their JSON files."
        )
    seen: set[Path] = set()
    for result in (*first, *second):
        where = result.path.resolve()
        if where in seen:
            raise DataError(f"{result.path} is given twice; a run counts once.")
        seen.add(where)
    groups = labelled([first, second]) if second else by_recipe(first)
    notes = [note for group in groups for note in _of_group(group, bool(second))]
    pairs: list[tuple[int, int]] = []
    changes: tuple[str, ...] = ()
    if second:
        pairs, told = _pairs(*groups)
        notes += told
        changes = tuple(differences(plain(second[0].recipe), plain(first[0].recipe)))
    settings = _settings([*first, *second])
    notes += [f"{metric}: {how}. Scores compare only where these are equal." for metric, how in settings.items()]
    notes += [*_data(groups), *_splits([*first, *second])]
    return Comparison(
        tuple(groups), tuple(pairs), bool(pairs), changes, tuple(notes), settings, seed, against=bool(second)
    )


def _read(path: Any) -> Result:
    return path if isinstance(path, Result) else read_result(path)


def _of_group(group: Group, whole: bool) -> list[str]:
    """What is wrong within a group: runs of several recipes, seeds that occur twice, other data."""
    notes, first = [], group.results[0]
    for run in group.results[1:] if whole else ():
        if changed := differences(plain(first.recipe), plain(run.recipe)):
            notes.append(f"{group.label} is not one recipe: {first.name} and {run.name} differ in {_some(changed)}.")
            break
    known = [seed for seed in group.seeds if seed is not None]
    twice = sorted({seed for seed in known if known.count(seed) > 1})
    if twice:
        notes.append(
            f"{group.label}: seed {_some(map(str, twice))} occurs more than once; such runs say little of other seeds, "
            "and are not paired."
        )
    return notes


def _data(groups: Sequence[Group]) -> list[str]:
    """Whether the runs of a group were trained and measured on other data than each other."""
    for group in groups:
        first = group.results[0]
        for run in group.results[1:]:
            if first.data and run.data and (changed := differences(first.data, run.data)):
                return [
                    f"Not all seeds of {group.label} have the same data ({_some(changed)}): the spread over seeds is "
                    "that of the data, too."
                ]
    return []


def _pairs(ours: Group, theirs: Group) -> tuple[list[tuple[int, int]], list[str]]:
    """The runs of one seed and the same data in both groups, and what is not paired."""
    mine, others = ours.by_seed(), theirs.by_seed()
    shared = [seed for seed in mine if seed in others]
    same = [seed for seed in shared if ours.results[mine[seed]].same_examples(theirs.results[others[seed]])]
    pairs = [(mine[seed], others[seed]) for seed in same]
    if not same:
        why = "no training seed is in both groups"
        if None in (*ours.seeds, *theirs.seeds):
            why = "the training seed of some runs is not known (latune measure takes it as --training-seed)"
        if shared:
            why = "runs of one seed were not trained and measured on the same data"
        return [], [f"Nothing is paired, because {why}: the groups are compared as wholes."]
    if len(pairs) == 1 and max(len(ours.results), len(theirs.results)) > 1:
        return [], [f"Only the seed {same[0]} is in both groups, too few to pair: the groups are compared as wholes."]
    left = sorted({str(seed) for seed in (*ours.seeds, *theirs.seeds) if seed not in same})
    if left:
        return pairs, [f"Differences are of the seeds {_some(map(str, same))}; without a partner: {_some(left)}."]
    return pairs, []


def _settings(results: Sequence[Result]) -> dict[str, str]:
    """For each metric that is not the same number in every run: which settings differ."""
    found = {}
    for metric in dict.fromkeys(name for result in results for name in result.scores):
        each = [result.settings(metric) for result in results if metric in result.scores]
        changed = next((lines for other in each[1:] if (lines := differences(each[0], other))), None)
        if changed:
            found[metric] = f"settings differ ({_some(changed)})"
    return found


def _splits(results: Sequence[Result]) -> list[str]:
    notes = []
    for what, of in (("split", {result.split for result in results}), ("number of examples", {r.n for r in results})):
        if len(of) > 1:
            notes.append(f"Not the same {what} was measured in all runs: {', '.join(map(str, sorted(of)))}.")
    seeds = [{str(s.get("settings", {}).get("seed")) for s in r.scores.values()} - {"None"} for r in results]
    if len(set().union(*seeds)) > 1:
        notes.append("The scores were computed with different seeds; their own noise adds to the spread.")
    return notes


def _some(words: Any) -> str:
    listed = [str(word) for word in words]
    return ", ".join(listed[:MOST]) + (f" and {len(listed) - MOST} more" if len(listed) > MOST else "")

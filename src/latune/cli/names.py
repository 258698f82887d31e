"""`name`: codes that a model found by itself are called what they do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from latune.cli.shell import Json, app, open_run, out, say, write
from latune.errors import LatuneError


@app.command
def name(
    run: Path,
    *,
    set_: Annotated[list[str] | None, Parameter(name="--set")] = None,
    least: float | None = None,
    json_file: Json = None,
) -> None:
    """Call the codes that an InfoGAN found by what they do: by your names, or by the attributes of its data.

    Example: `latune name runs/gan`, and then `latune sample runs/gan --set digit=3 --set slant=1.5`.

    Without --set, each number is named after what rises with it on images that are made, or by the labels of training
    images where nothing measures it; each code of classes after such labels, whose numbers its classes take over.
    Labels are used for names alone.

    Parameters
    ----------
    run
        A run folder.
    set_
        A name of your own: c2=slant.
    least
        Without --set, how far a code has to follow an attribute to be called after it: Spearman's correlation, or the
        share of images whose class is the one that is said of them; 0.4 unless given.
    """
    from latune.naming import LEAST
    from latune.recipes import check, open_data

    if least is not None and (set_ or not 0 < least <= 1):
        got = f"{least:g}" + (" with --set" if set_ else "")
        raise LatuneError(f"--least is above 0 and at most 1, and goes without --set. Got {got}.")
    space = open_run(run)
    if set_:
        pairs = [_pair(word) for word in set_]
        names = dict(pairs)
        if len(names) < len(pairs):
            raise LatuneError(f"--set names each code once. Got {' and '.join(set_)}.")
        space.rename(**names)
        found = {code: {"name": called} for code, called in names.items()}
        for code, called in names.items():
            say(f"{code} is {called}")
    else:
        data = open_data(check(space.about["recipe"], str(run / "recipe.toml")), space.device)
        found = {}
        for each in space.name_after(data, LEAST if least is None else least):
            found[each.code] = {"name": each.name, "follows": each.follows, "nearest": each.nearest}
            alone = f"has nothing of its own to follow: --set {each.code}=NAME names it"
            how = f"follows {each.nearest} by {each.follows:.2f}" if each.nearest else alone
            out.print(f"{each.code:>6} is {each.name:<12} {how}", highlight=False)
    space.save(run)
    write(json_file, found)


def _pair(word: str) -> tuple[str, str]:
    code, equals, called = word.partition("=")
    if not (code and equals and called):
        raise LatuneError(f"--set takes CODE=NAME, as --set c2=slant. Got {word}.")
    return code, called

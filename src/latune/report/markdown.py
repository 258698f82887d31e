"""A report in Markdown, with its pictures beside it: for a repository, a pull request or a model hub."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from latune.metrics import Score
from latune.provenance import machine
from latune.report import captions, settings, tables
from latune.report.findings import Findings
from latune.report.meanings import GROUPS, meaning
from latune.report.paper import HEAD, Paper
from latune.report.words import environment, facts, number, what_it_is
from latune.space import Space

SPECIAL = str.maketrans({letter: f"\\{letter}" for letter in "\\`*_[]<>|#"} | {"&": "&amp;", "\n": " "})


def markdown(
    space: Space,
    found: Findings,
    pictures: Mapping[str, str],
    title: str,
    command: str,
    seed: int,
    paper: Paper | None = None,
) -> str:
    """The whole report; `pictures` are relative paths by name. Sections that do not apply are left out."""

    def picture(name: str, alt: str, caption: str = "") -> list[str]:
        if name not in pictures:
            return []
        return [f"![{text(alt)}]({pictures[name]})", *([text(caption)] if caption else [])]

    own = [(meaning(k).title, k, v) for k, v in settings.own(found.measurement).items()]
    sections = {
        "Samples and reconstructions": [
            *picture("samples", "samples", captions.samples(found, seed)),
            *picture("reconstructions", "reconstructions", captions.reconstructions(space, found)),
        ],
        "Sliders" if space.sliders else "Coordinates": [
            text(captions.sliders(space, found)),
            *(
                part
                for each in found.traversals
                for part in (f"**{text(captions.turned(each))}**", *picture(f"traverse-{each.name}", each.name))
            ),
            *picture("moved", "what each slider moves", captions.MOVED),
        ],
        "Scores": _scores(space, found, picture, pictures),
        "What each coordinate tells": [
            *([text(captions.dims(found.measurement))] if captions.dims(found.measurement) else []),
            *picture("information", "information", captions.information(space)),
            *picture("importance", "importance", captions.importance(space)),
        ],
        "Beside the paper": _beside(found, paper),
        "Attributes and their coordinates": [
            *picture("attributes", "attributes over their coordinates", captions.attributes(space)),
            *picture("planes", "planes of two sliders", captions.PLANES),
        ],
        "Attribute surfaces": [
            *([text(captions.surfaces(found))] if captions.surfaces(found) else []),
            *(
                part
                for name in dict.fromkeys(each.name for each in found.surfaces)
                for part in picture(f"surface-{name}", f"surface of {name}", captions.surface(found, name))
            ),
        ],
        "Training": [text(captions.training(found)), *picture("log", "training curves")]
        if "log" in pictures
        else [text(each) for each in captions.remarks(found)],
        "Settings": [
            *([text(captions.SETTINGS)] if own else []),
            listing(settings.shared(found.measurement)),
            *([table(("score", "its name in files", "settings of its own"), own, words=(0, 1, 2))] if own else []),
        ],
        "How it was made": [
            *([f"To get this report again:\n\n```bash\n{command}\n```"] if command else []),
            "The model:",
            listing(facts(space.spec, space.about)),
            "This report:",
            listing(environment(machine(space.device))),
        ],
    }
    parts = [f"# {text(title)}", " ".join(text(each) for each in what_it_is(space.spec, space.about))]
    parts += [f"> {text(note)}" for note in found.measurement.notes]
    for name, body in sections.items():
        if body:
            parts += [f"## {name}", *body]
    return "\n\n".join(parts) + "\n"


def _scores(space: Space, found: Findings, picture: Callable[..., list[str]], pictures: Collection[str]) -> list[str]:
    drawn = any(name.startswith("scores-") for name in pictures)
    legend = f" In the charts: {captions.dots(found.measurement)}" if drawn else ""
    parts = [text(tables.introduction(found.measurement) + legend)]
    for key, of in tables.by_group(found.measurement).items():
        compared = tables.beside(key, of, found.baselines)
        parts += [
            f"### {GROUPS[key]}",
            *picture(f"scores-{key}", GROUPS[key]),
            score_table(of, compared, tables.stands_beside(key, of)),
        ]
        parts.append("\n".join(f"- {_note(name, score, space)}" for name, score in of.items()))
    names = found.measurement.attributes
    rows = {name: score.intervals for name, score in found.measurement.scores.items() if score.intervals}
    if rows:
        parts.append(
            folded("95 % intervals of each attribute", table(["score", *names], tables.interval_rows(rows, names)))
        )
    return parts


def _beside(found: Findings, paper: Paper | None) -> list[str]:
    rows = [] if paper is None else paper.rows(found.measurement)
    if paper is None or not rows:
        return []
    link = f"[{text(paper.title)}]({paper.address})"
    return [f"{link}. {text(paper.introduction(found.measurement))}", table(HEAD, rows)]


def _note(name: str, score: Score, space: Space) -> str:
    known = meaning(name)
    parts = [f"**{text(known.title)}.** {text(known.says)}", f"*Beware:* {text(known.trap)}" if known.trap else ""]
    said = tables.here(score, space)
    parts += [f"*Here:* {text(' '.join(said))}"] if said else []
    return " ".join(part for part in parts if part)


def score_table(of: Mapping[str, Score], compared: Mapping[str, float] | None = None, title: str = "") -> str:
    """Scores with their intervals and each attribute's value, and what they are compared with."""
    names = tables.attributes_of(of)
    sure = any(score.interval is not None for score in of.values())
    head = ["score", "value", *(["95 %"] if sure else []), *names, *([title] if compared else [])]
    rows = []
    for name, score in of.items():
        arrow = tables.ARROWS.get(meaning(name).better, ("",))[0]
        row = [f"{meaning(name).title} {arrow}".strip(), tables.shown(name, score.value)]
        row += [tables.around(name, score)] if sure else []
        row += [number(score.per_attribute[each]) if each in score.per_attribute else "" for each in names]
        row += [tables.shown(name, compared[name]) if name in compared else ""] if compared else []
        rows.append(row)
    return table(head, rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[int] = (0,)) -> str:
    """A table; columns that are `words` stand to the left.

    >>> print(table(["score", "a|b"], [["SCC", "0.9"]]))
    | score | a\\|b |
    | --- | ---: |
    | SCC | 0.9 |
    """
    rule = ["---" if i in words else "---:" for i in range(len(head))]
    lines = [[text(cell) for cell in row] for row in (head, *rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (lines[0], rule, *lines[1:]))


def listing(of: Mapping[str, str]) -> str:
    """Names and values as a list."""
    return "\n".join(f"- {text(name)}: {text(value)}" for name, value in of.items())


def folded(title: str, content: str) -> str:
    """What GitHub and others show when it is asked for."""
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def text(words: str) -> str:
    """Plain words: what would be markup stands for itself.

    >>> text("a_b <i> 1 & 2")
    'a\\\\_b \\\\<i\\\\> 1 &amp; 2'
    """
    return words.translate(SPECIAL)

"""The documentation's tables say what the code says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from latune.metrics import METRICS
from latune.models import MODELS
from latune.recipes import Recipe

DOCS = Path(__file__).resolve().parent.parent / "docs"


def settings(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every setting of a recipe with its default as TOML writes it, or nothing."""
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings(field.annotation, f"{prefix}{name}.")
        else:
            left_out = field.default is None or field.default is PydanticUndefined
            yield prefix + name, "" if left_out else json.dumps(field.default)


def test_every_setting_is_told_with_its_default() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| (?:`(.*?)`)? *\|", (DOCS / "recipes.md").read_text(encoding="utf-8"), re.M)
    assert dict(rows) == dict(settings(Recipe))


def test_every_choice_can_be_typed() -> None:
    """On the command line `none` and `null` take a setting away: no choice may be called that."""
    told = [line for line in (DOCS / "recipes.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(told) > 100
    assert not [line for line in told if {"none", "null"} & set(re.findall(r"`(\w+)`", line.split(" | ")[2]))]


def test_every_preset_is_told() -> None:
    text = (DOCS / "recipes.md").read_text(encoding="utf-8") + (DOCS / "arvae.md").read_text(encoding="utf-8")
    assert [f"{name}: {p}" for name, model in MODELS.items() for p in model.presets if f"`{p}`" not in text] == []


def test_every_metric_is_told() -> None:
    text = (DOCS / "metrics.md").read_text(encoding="utf-8")
    assert [name for name in METRICS if f"`{name}`" not in text] == []


def test_no_sentence_is_taken_for_a_comment() -> None:
    """A line that begins with a percent sign is left out of the page, as where 20 % is broken before its sign."""
    pages = [*DOCS.glob("*.md"), *DOCS.parent.glob("*.md")]
    lost = [f"{page.name}: {line}" for page in pages for line in page.read_text().splitlines() if line.startswith("%")]
    assert len(pages) > 10 and not lost

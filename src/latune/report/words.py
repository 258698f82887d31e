"""Numbers and provenance as a reader wants to see them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from latune.measurement import Measurement
from latune.medium import Tunes
from latune.models import Spec

MODELS = {
    "vae": "variational autoencoder (VAE)",
    "beta-vae": "β-VAE",
    "ar-vae": "AR-VAE",
    "autoencoder": "autoencoder",
    "vgsn": "Variational GSN",
    "infogan": "InfoGAN",
}


def number(value: float, digits: int = 3, like: float | None = None) -> str:
    """A number in a table, with a real minus sign; the ends of an interval have as many decimals as what they are of.

    >>> number(0.88440), number(-30.0452), number(0.0), number(9.76, like=12.3)
    ('0.884', '−30.0', '0.000', '9.8')
    """
    size = abs(value if like is None else like)
    places = digits if size < 10 else max(digits - 2, 0) if size < 1000 else 0
    return f"{value:,.{places}f}".replace("-", "−")


def span(low: str, high: str) -> str:
    """An interval of two numbers as they are shown.

    >>> span("0.851", "0.857"), span("−104.0", "−103.1"), span("97.1 %", "97.4 %")
    ('0.851–0.857', '−104.0 to −103.1', '97.1–97.4 %')
    """
    if "−" in low + high:
        return f"{low} to {high}"
    return f"{low.removesuffix(' %')}–{high}"


def aligned(values: Sequence[float]) -> list[str]:
    """Numbers in a row, all with as many decimals as their span asks for; whole ones with none.

    >>> aligned([-0.2457, -0.0781, 0.2022]), aligned([-4.0, 0.44, 4.0]), aligned([-2.0, 2.0])
    (['−0.25', '−0.08', '0.20'], ['−4.0', '0.4', '4.0'], ['−2', '2'])
    """
    span = max(values) - min(values)
    places = min(max(math.ceil(1 - math.log10(span)), 0), 6) if span > 0 else 2
    places = 0 if all(value == round(value) for value in values) else places
    return [f"{value:,.{places}f}".replace("-", "−") for value in values]


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence.

    >>> listed(["area", "slant", "width"])
    'area, slant and width'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def duration(seconds: float) -> str:
    """A time span in its own unit.

    >>> duration(11.18), duration(372.0), duration(9000.0)
    ('11 s', '6.2 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def flat(value: Any) -> str:
    """Plain nested data in one line.

    >>> flat({"rule": "random", "fractions": [0.8, 0.2]})
    'rule random, fractions 0.8 / 0.2'
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {flat(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return " / ".join(flat(each) for each in value)
    return str(value)


def measured_on(measurement: Measurement) -> str:
    """Which data a measurement is of, and which codes."""
    return (
        f"{measurement.n:,} examples of the {measurement.split} split; codes: posterior {measurement.codes}, "
        f"seed {measurement.seed}"
    )


def what_it_is(spec: Spec, about: Mapping[str, Any]) -> list[str]:
    """One or two sentences each on the model and on its training; nothing that is not known is mentioned."""
    recipe, data = about.get("recipe", {}), about.get("data", {})
    model = MODELS.get(spec.model, spec.model)
    article = "An" if model[0] in "aAI" else "A"
    beside = "dimensions of noise beside its codes" if spec.model == "infogan" else "latent coordinates"
    first = f"{article} {model} of {_examples(spec)}, with {spec.latent or 'no'} {beside}"
    if spec.attributes:
        verb = "is a slider" if len(spec.attributes) == 1 else "are sliders"
        first += f"; {len(spec.attributes)} of them {verb}, ordered by {listed(spec.attributes)}"
    trained = [
        f"for {about['steps']:,} updates" if "steps" in about else "",
        f"in {duration(float(about['seconds']))}" if "seconds" in about else "",
        f"on {about['device']}" if "device" in about else "",
        f"from seed {recipe['seed']}" if "seed" in recipe else "",
    ]
    second = [f"Trained {' '.join(part for part in trained if part)}."] if any(trained) else []
    licence = f"; licence: {data['licence']}" if data.get("licence") else ""
    third = [f"Data: {data['source']}{licence}."] if data.get("source") else []
    return [f"{first}.", *([" ".join(second + third)] if second + third else [])]


def _examples(spec: Spec) -> str:
    medium = spec.medium
    if isinstance(medium, Tunes):
        bars = "1 bar" if medium.grid.bars == 1 else f"{medium.grid.bars} bars"
        return f"melodies of {bars}, {medium.grid.ticks} ticks a bar and {medium.grid.vocabulary} tokens"
    c, h, w = spec.shape
    return f"{'colour' if c == 3 else 'grey'} images of {h}×{w} pixels"


def facts(spec: Spec, about: Mapping[str, Any]) -> dict[str, str]:
    """What is known of how the model came to be, one line each."""
    recipe, data = about.get("recipe", {}), about.get("data", {})
    found = {
        "recipe": recipe.get("name", ""),
        "model": ", ".join([spec.model, *(f"{k} {flat(v)}" for k, v in spec.settings.items())]),
        "networks": flat(spec.nets).removeprefix("name "),
        "data": data.get("source", ""),
        "licence of the data": data.get("licence", ""),
        "attributes": data.get("attributes", ""),
        "split": flat(data.get("split", "")),
        "files": flat(data.get("files", "")),
        "seed": str(recipe.get("seed", "")),
        "updates": f"{about['steps']:,}" if "steps" in about else "",
        "training time": duration(float(about["seconds"])) if "seconds" in about else "",
        "device": f"{about['device']}, {about.get('threads', '?')} threads" if "device" in about else "",
        "versions": ", ".join(f"{k} {about[k]}" for k in ("latune", "commit", "torch", "python") if about.get(k)),
    }
    return {name: str(value) for name, value in found.items() if value}


def environment(machine: Mapping[str, Any]) -> dict[str, str]:
    """What measured, one line each."""
    return {
        "versions": ", ".join(f"{k} {machine[k]}" for k in ("latune", "commit", "torch", "python") if machine.get(k)),
        "device": f"{machine['device']}, {machine['threads']} threads",
    }

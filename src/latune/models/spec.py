"""How a model is described in plain data, so that it can be built again from a run folder without a pickle."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn

from latune.errors import RecipeError, unknown
from latune.imports import named
from latune.medium import Medium, Tunes, medium_of
from latune.models import MODELS, Model
from latune.nets import NETS, over_time, wrong_settings
from latune.terms import LIKELIHOODS, Likelihood
from latune.training import Ramp, is_ramp, ramp_of


@dataclass(frozen=True)
class Spec:
    """Everything needed to build a model, as plain data.

    Args:
        model: a name of `MODELS`.
        shape: (c, h, w) of the images, or (t,) of the tokens of melodies.
        latent: dimensions of the code.
        attributes: what the model's coordinates are ordered by; empty for models without.
        nets: a name of `NETS` and its settings, or `encoder` and `decoder` as `module:Class` with `settings`.
        settings: the model's own (beta, gamma, ...), its likelihood's name, `sigma` and `scale`.
        preset: a name of the model's presets; `settings` win over it.
        grid: of melodies, as `Grid.as_dict` gives it; None for images.
    """

    model: str
    shape: tuple[int, ...]
    latent: int
    attributes: tuple[str, ...] = ()
    nets: Mapping[str, Any] = field(default_factory=lambda: {"name": "mlp"})
    settings: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = None
    grid: Mapping[str, Any] | None = None

    @property
    def medium(self) -> Medium:
        """What the model's examples are."""
        return medium_of(self.shape, self.grid)

    def as_dict(self) -> dict[str, Any]:
        """Plain data; `Spec.from_dict` is the inverse."""
        data = asdict(self)
        if self.grid is None:
            del data["grid"]
        data["settings"] = {k: asdict(v) if isinstance(v, Ramp) else v for k, v in self.settings.items()}
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Spec:
        """The spec that `as_dict` described."""
        settings = {k: ramp_of(v) if is_ramp(v) else v for k, v in data["settings"].items()}
        lists = {"shape": tuple(data["shape"]), "attributes": tuple(data["attributes"]), "settings": settings}
        return cls(**{**data, **lists})

    def resolved(self) -> dict[str, Any]:
        """The preset's settings with the spec's own on top."""
        presets = MODELS[self.model].presets
        if self.preset is not None and self.preset not in presets:
            raise RecipeError(
                unknown(f"preset of {self.model}", self.preset, presets)
                if presets
                else f"{self.model} has no presets; leave model.preset out."
            )
        return {**presets.get(self.preset or "", {}), **self.settings}


SHARED = {"self", "args", "settings", "codes", "encoder", "decoder", "attributes", "latent"}  # no settings of a model


def allowed_settings(model: str) -> list[str]:
    """The settings that a model takes in a recipe: those of its constructor, codes and likelihood.

    >>> "gamma" in allowed_settings("ar-vae"), "gamma" in allowed_settings("vae")
    (True, False)
    """
    family = [cls.__init__ for cls in MODELS[model].__mro__ if issubclass(cls, Model) and "__init__" in vars(cls)]
    taken = {name for function in family for name in inspect.signature(function).parameters}
    return sorted((taken | _of_codes(model) | ({"sigma"} if "likelihood" in taken else set())) - SHARED)


def _of_codes(model: str) -> set[str]:
    return set(inspect.signature(MODELS[model].name_codes).parameters) - SHARED


def build(spec: Spec, seed: int | None = None, nets: tuple[nn.Module, nn.Module] | None = None) -> Model:
    """Build the model that a spec describes, its weights drawn from `seed`.

    Args:
        seed: of the initial weights; None where they will be loaded.
        nets: encoder and decoder modules to use instead of those that the spec names.

    Raises:
        RecipeError: for a name or setting that does not exist, or networks whose outputs have the wrong shape.
    """
    if spec.model not in MODELS:
        raise RecipeError(unknown("model", spec.model, MODELS))
    settings = spec.resolved()
    wrong = sorted(set(settings) - set(allowed_settings(spec.model)))
    if wrong:
        raise RecipeError(
            " ".join(unknown(f"setting of {spec.model}", key, allowed_settings(spec.model)) for key in wrong)
        )
    cls = MODELS[spec.model]
    if isinstance(spec.medium, Tunes):
        if not cls.melodies:
            able = ", ".join(name for name, each in MODELS.items() if each.melodies)
            raise RecipeError(f"{spec.model} learns images. Melodies are learned by: {able}.")
        if settings.setdefault("likelihood", "categorical") != "categorical":
            raise RecipeError(f"Melodies have the likelihood categorical. Got {settings['likelihood']}.")
    of_codes = {key: settings.pop(key) for key in _of_codes(spec.model) & settings.keys()}
    codes = cls.name_codes(spec.latent, spec.attributes, **of_codes)
    if "likelihood" in allowed_settings(spec.model):
        settings["likelihood"] = _likelihood(spec, settings)
    given = {"attributes": spec.attributes} if spec.attributes else {}
    with torch.random.fork_rng(devices=[]):
        if seed is not None:
            torch.manual_seed(seed)
        encoder, decoder = nets or _nets(spec, cls.columns(codes), codes.width)
        try:
            model = cls(codes, encoder, decoder, **given, **settings)  # may have further networks, also of this seed
        except (TypeError, ValueError) as error:
            raise RecipeError(f"The model {spec.model} cannot be built: {error}") from error
    _try(model, spec)
    return model


def _likelihood(spec: Spec, settings: dict[str, Any]) -> Likelihood:
    """What the decoder's output means, from the settings that say so."""
    sigma, name = settings.pop("sigma", None), settings.pop("likelihood", "bernoulli")
    if name not in LIKELIHOODS:
        raise RecipeError(unknown("likelihood", name, LIKELIHOODS))
    if sigma is not None and name != "gaussian":
        if "sigma" in spec.settings:
            raise RecipeError(f"sigma belongs to the gaussian likelihood. Got likelihood={name}.")
        sigma = None  # the preset's, for a likelihood that was changed
    return LIKELIHOODS[name](**({} if sigma is None else {"scale": sigma}))


def _nets(spec: Spec, params: int, width: int) -> tuple[nn.Module, nn.Module]:
    settings = dict(spec.nets)
    if "encoder" in settings:
        own = settings.get("settings", {})
        encoder, decoder = (_own_net(settings[what], what, own.get(what, {})) for what in ("encoder", "decoder"))
        return encoder, decoder
    name = settings.pop("name")
    if name not in NETS:
        raise RecipeError(unknown("nets", name, NETS))
    if over_time(name) != isinstance(spec.medium, Tunes):
        able = ", ".join(each for each in NETS if over_time(each) == isinstance(spec.medium, Tunes))
        raise RecipeError(f"The nets '{name}' are not for {spec.medium.many}. For these there are: {able}.")
    if wrong := wrong_settings(name, settings):
        raise RecipeError(" ".join(wrong))
    try:
        config = NETS[name](**{k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()})
        return config.build(spec.medium.raw, params, width)
    except (TypeError, ValueError, IndexError, RuntimeError) as error:  # torch tells a lack of memory as RuntimeError
        what = f"{spec.medium.many} of shape {spec.medium.raw}"
        raise RecipeError(f"The nets '{name}' cannot be built for {what}: {error}") from error


def _own_net(path: str, what: str, settings: Mapping[str, Any]) -> nn.Module:
    cls = named(path, what)
    try:
        return cls(**settings)
    except Exception as error:
        raise RecipeError(
            f"The {what} '{path}' cannot be made with the settings {dict(settings)}: {type(error).__name__}: {error}"
        ) from error


@torch.no_grad()
def _try(model: Model, spec: Spec) -> None:
    """Run a blank example through, so that a network of the wrong shape is named before training starts."""
    model.eval()
    medium = spec.medium
    for name, net, blank, wanted in (
        ("encoder", model.encoder, medium.blank(2), (2, model.columns(model.codes))),
        ("decoder", model.decoder, torch.zeros(2, model.codes.width), (2, *medium.raw)),
    ):
        given = tuple(blank.shape)
        try:
            got = tuple(net(blank).shape)
        except Exception as error:
            raise RecipeError(
                f"The {name} fails on an input of shape {given}: {type(error).__name__}: {error}"
            ) from error
        if got != wanted:
            raise RecipeError(
                f"The {name} turns {given} into {got}; it must give {wanted}"
                + (" (means and raw scales, two numbers a latent dimension)." if name == "encoder" else ".")
            )
    model.train()

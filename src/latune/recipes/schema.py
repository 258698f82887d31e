"""What a recipe may say: data, nets, model and training, checked all at once."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from latune.errors import unknown
from latune.training.game import Optimiser
from latune.training.schedule import Ramp
from latune.training.trainer import Plan


class Section(BaseModel):
    """A part of a recipe; keys it does not know are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RampSection(Section):
    """A number that changes over the first `steps` updates, or over the whole training."""

    start: float
    end: float
    steps: int | None = Field(default=None, gt=0, description="the whole training where left out")
    shape: Literal["linear", "cosine", "exponential"] = "linear"
    then: RampSection | None = Field(default=None, description="what follows after its steps")

    @model_validator(mode="after")
    def _possible(self) -> RampSection:
        if self.then is not None and self.steps is None:
            raise ValueError("a ramp that another follows says how many steps it has: steps=")
        Ramp(self.start, self.end, self.steps or 1, self.shape)
        return self


def number(value: float | RampSection, total: int) -> float | Ramp:
    """A constant as a float, a section as its ramp; `total` updates are the whole training."""
    if isinstance(value, RampSection):
        steps = value.steps or total
        then = None if value.then is None else number(value.then, max(total - steps, 1))
        assert then is None or isinstance(then, Ramp)
        return Ramp(value.start, value.end, steps, value.shape, then)
    return float(value)


def not_negative(value: float | RampSection | None) -> float | RampSection | None:
    """A rate or a weight as it is, where none of its values is below zero.

    Raises:
        ValueError: with what was got.
    """
    if wrong := [end for end in _ends(value) if end < 0]:
        raise ValueError(f"got {wrong[0]:g}. It is 0 or more, at both ends of a ramp too")
    return value


def _ends(value: float | RampSection | None) -> list[float]:
    """A number, or where its ramps begin and end."""
    if isinstance(value, RampSection):
        return [value.start, value.end, *_ends(value.then)]
    return [] if value is None else [value]


Width = Annotated[int, Field(gt=0)]


class DataSection(Section):
    """Which data: a name of `latune data list`, and that data set's own options."""

    name: str = "digits"
    attributes: list[str] | None = Field(
        default=None, description="the attributes to learn; all that are numbers where left out"
    )
    split: list[float] | Literal["official", "released"] | None = Field(
        default=None,
        description="shares of training, validation and test; mnist and celeba have official, mnist also released",
    )
    limit: int | None = Field(default=None, gt=0, description="draw so many examples at random")
    measure: list[str] | None = Field(
        default=None, description="attributes to measure on the images: names or module:function"
    )
    variant: Literal["original", "plain", "released"] | None = Field(
        default=None, description="of mnist original or plain; of melodies released, the authors' data with its flaws"
    )
    fingerprint: str | None = Field(default=None, description="of arrays in memory, so that a run resumes on the same")
    path: str | None = Field(default=None, description="your folder of images, or where CelebA lies")
    csv: str | None = Field(default=None, description="your table, one row an image")
    kinds: dict[str, Literal["real", "binary", "categorical", "unit"]] | None = None
    size: int | None = Field(
        default=None, gt=0, le=1024, description="side that images of a folder or of celeba are scaled to"
    )
    colour: bool | None = None
    mirror: bool | None = Field(default=None, description="of celeba: train on every image's mirror image too")

    grid: Literal["measure", "melody"] | None = Field(
        default=None, description="of melodies: bars of 24 ticks, or 16 bars of 16 steps"
    )
    metres: list[str] | None = Field(default=None, description="of melodies: which are kept, as 4/4")
    transpose: Literal["training", "all", "never"] | None = Field(
        default=None, description="of melodies: which tunes are transposed to all places within the grid's range"
    )
    quantise: Literal["auto", "no", "sixteenths", "ticks"] | None = Field(
        default=None, description="of tunes: where notes are moved to"
    )
    form: Literal["abc", "midi"] | None = Field(default=None, description="of nottingham")
    unique: bool | None = Field(default=None, description="of melodies: each example once")

    crop: int | None = Field(
        default=None, gt=0, description="of chair-folders: side of the square around the centre that is kept"
    )

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        from latune.data import DATASETS

        if name not in (*DATASETS, "arrays"):
            raise ValueError(unknown("data set", name, DATASETS))
        return name

    @field_validator("attributes", "measure")
    @classmethod
    def _once(cls, names: list[str] | None) -> list[str] | None:
        if twice := [name for i, name in enumerate(names or ()) if name in (names or ())[:i]]:
            raise ValueError(f"'{twice[0]}' is named twice; name each attribute once")
        return names

    @model_validator(mode="after")
    def _fits(self) -> DataSection:
        from latune.data import wrong_options

        if self.name != "arrays" and (wrong := wrong_options(self.name, self.options())):
            raise ValueError(" ".join(wrong))
        return self

    def options(self) -> dict[str, Any]:
        """What `latune.data.load` takes beside the name."""
        return {k: v for k, v in self.model_dump(exclude_none=True).items() if k not in ("name", "attributes")}


class NetsSection(Section):
    """Which networks: a name of `latune.nets.NETS` and its settings, or your own encoder and decoder."""

    name: str = "mlp"
    hidden: Annotated[list[Width], Field(min_length=1)] | Width | None = Field(
        default=None, description="widths of hidden layers, one after the other; of measure-gru units of every GRU"
    )
    channels: list[Width] | None = Field(default=None, min_length=1)
    kernel: int | None = Field(default=None, gt=0)
    kernels: list[Width] | None = Field(
        default=None, min_length=1, description="of strided: one for each convolution, or one for all; odd"
    )
    stride: int | None = Field(default=None, gt=0)
    padding: int | None = Field(default=None, ge=0)
    activation: Literal["relu", "selu", "gelu", "silu", "tanh", "leaky"] | None = None
    dropout: float | None = Field(default=None, ge=0, lt=1)
    drop_input: float | None = Field(default=None, ge=0, lt=1, description="of mlp: rate of the encoder's input")
    table: Literal["mnist", "svhn", "celeba", "faces", "chairs"] | None = Field(
        default=None, description="of adversarial: a table of InfoGAN's appendix"
    )
    slope: float | None = Field(default=None, ge=0, lt=1, description="of adversarial: of leaky rectifiers below 0")
    width: float | None = Field(default=None, gt=0, le=4, description="of adversarial: share of the table's channels")
    bare: int | None = Field(default=None, ge=0, description="of adversarial: up-convolutions without normalisation")
    spectral: bool | None = Field(default=None, description="of adversarial: layers of norm 1 in the judge")
    size: Literal["paper", "small"] | None = Field(default=None, description="of melody-lstm: a named size")
    embedding: int | None = Field(default=None, gt=0, description="of recurrent nets: of a token, or of a bar")
    layers: int | None = Field(default=None, gt=0, description="of recurrent nets")
    beats: int | None = Field(default=None, gt=0, description="of measure-gru: of a measure")
    bars: int | None = Field(default=None, gt=0, description="of melody-lstm: of a tune")
    teacher_forcing: float | None = Field(
        default=None, ge=0, le=1, description="of measure-gru: chance that a batch is fed its true tokens"
    )
    relu_logits: bool | None = Field(default=None, description="of measure-gru: cut logits below 0, as released")
    reader_units: int | None = Field(default=None, gt=0, description="of melody-lstm: of the encoder, a direction")
    per_bar: bool | None = Field(
        default=None, description="of melody-lstm: whether each bar has its own way to and from z"
    )
    summary_units: int | None = Field(default=None, gt=0, description="of melody-lstm: of the layer after it")
    conductor_units: int | None = Field(default=None, gt=0, description="of melody-lstm: of the LSTM over bars")
    bar_units: int | None = Field(default=None, gt=0, description="of melody-lstm: of the LSTM within a bar")
    init: float | None = Field(default=None, gt=0, description="of melody-lstm: scale of the heads' first weights")
    forget: float | None = Field(default=None, description="of melody-lstm: the forget gates' first bias")
    encoder: str | None = Field(default=None, description="your own module, as module:Class")
    decoder: str | None = None
    settings: dict[str, dict[str, Any]] | None = Field(
        default=None, description="for your own: {encoder = {...}, decoder = {...}}"
    )

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        from latune.nets import NETS

        if name not in NETS:
            raise ValueError(unknown("nets", name, NETS))
        return name

    @field_validator("encoder", "decoder")
    @classmethod
    def _named(cls, path: str | None, info: Any) -> str | None:
        if path is not None and not re.fullmatch(r"[^\W\d][\w.]*:[^\W\d][\w.]*", path):
            article = "an" if info.field_name == "encoder" else "a"
            raise ValueError(
                f"'{path}' does not name {article} {info.field_name}. Write 'module:Class', as in 'mynets:Encoder'"
            )
        return path

    @model_validator(mode="after")
    def _fits(self) -> NetsSection:
        from latune.nets import wrong_settings

        if (self.encoder is None) != (self.decoder is None):
            raise ValueError("encoder and decoder are given together")
        keys = [key for key in self.plain() if key != "name"]
        if self.encoder is None and (wrong := wrong_settings(self.name, keys)):
            raise ValueError(" ".join(wrong))
        if self.bare is not None and self.table is not None:
            from latune.nets.adversarial import Adversarial

            Adversarial(table=self.table, bare=self.bare)
        one = self.name == "measure-gru"
        if self.hidden is not None and isinstance(self.hidden, list) == one:
            said = "one number" if one else "a list of numbers, one or more"
            raise ValueError(f"hidden of {self.name} is {said}. Got {self.hidden}")
        return self

    def plain(self) -> dict[str, Any]:
        """What `Spec.nets` holds."""
        keys = ("encoder", "decoder", "settings") if self.encoder else tuple(type(self).model_fields)
        return {key: getattr(self, key) for key in keys if getattr(self, key) is not None}


class ModelSection(Section):
    """Which model, and its settings; what is left out is the preset's or the model's own."""

    name: str = "ar-vae"
    preset: str | None = None
    latent: int = Field(default=16, ge=0, le=4096, description="dimensions of the code; of infogan, of noise, or 0")
    likelihood: Literal["bernoulli", "gaussian", "categorical"] | None = None
    sigma: float | Literal["learned"] | None = None
    scale: Literal["exp", "softplus", "exp_half", "one"] | None = None
    beta: float | RampSection | None = None
    capacity: float | None = Field(default=None, ge=0)
    free_bits: float | None = Field(default=None, ge=0, description="nats of each example's KL that cost nothing")
    gamma: float | RampSection | None = None
    delta: float | None = Field(default=None, gt=0)
    order_on: Literal["sample", "mean"] | None = None
    free_first: int | None = Field(default=None, ge=0, description="of ar-vae: free dimensions before the attributes'")

    categorical: list[Annotated[int, Field(ge=2)]] | None = Field(
        default=None, description="of infogan: classes of each categorical code"
    )
    continuous: int | None = Field(default=None, ge=0, description="of infogan: codes that are numbers")
    names: list[str] | None = Field(default=None, description="of infogan: what its codes are called, all of them")
    noise: Literal["uniform", "normal"] | None = Field(default=None, description="of infogan: what noise is drawn from")
    information: float | RampSection | None = Field(
        default=None, description="of infogan: weight of the bound, for categorical codes"
    )
    information_real: float | RampSection | None = Field(default=None, description="the same for the others")
    inform: bool | None = Field(
        default=None, description="of infogan: false for a plain GAN whose recogniser only watches"
    )
    owner: Literal["judge", "generator"] | None = Field(
        default=None, description="of infogan: with whom the recogniser descends"
    )
    smoothing: float | None = Field(
        default=None, ge=0, lt=0.5, description="of infogan: real images are called real to 1 less this"
    )
    penalty: float | None = Field(default=None, ge=0, description="of infogan: weight of R1 at real images")
    agreement: float | RampSection | None = Field(
        default=None, description="of infogan: weight of real images and pushed copies of them being of one class"
    )
    equivariance: float | RampSection | None = Field(
        default=None, description="of infogan: weight of numbers following the motions of pushed copies"
    )
    follow: dict[str, str] | None = Field(
        default=None, description="of infogan: which motion each of these numbers follows"
    )
    distortion: float | None = Field(
        default=None, ge=0, lt=0.5, description="of infogan: how far those copies are pushed out of shape"
    )
    evenness: float | RampSection | None = Field(
        default=None, description="of infogan: weight of real images being read as evenly as codes are drawn"
    )
    orthogonality: float | RampSection | None = Field(
        default=None, description="of infogan: weight of each number changing an image in a direction of its own"
    )
    visibility: float | RampSection | None = Field(
        default=None, description="of infogan: weight of each number changing an image visibly"
    )
    visible: float | list[float] | None = Field(
        default=None,
        description="of infogan: how far that is, in units of how far images are spread; of all or of each",
    )
    symmetry: float | RampSection | None = Field(
        default=None, description="of infogan: weight of mirror images being made of mirrored codes"
    )
    mirror: list[str] | None = Field(
        default=None, description="of infogan: numbers whose sign a mirror changes; it leaves all other codes"
    )
    least_scale: float | None = Field(default=None, ge=0, description="of infogan: floor of the recogniser's sigma")
    judge_rate: float | None = Field(default=None, gt=0, description="of infogan: share of the learning rate")
    generator_rate: float | None = Field(default=None, gt=0, description="of infogan: share of the learning rate")

    chain: int | None = Field(default=None, gt=0, description="of vgsn: steps of the chain that is unrolled")
    draws: int | None = Field(default=None, gt=0, description="of vgsn: posterior samples of each example")
    carried: int | None = Field(default=None, ge=0, description="of vgsn: chains that go on over updates")
    restart: float | None = Field(default=None, ge=0, le=1, description="of vgsn: share of them begun anew")
    pretrain: int | None = Field(default=None, ge=0, description="of vgsn: updates as a VAE, before chain and guide")
    ramps_from: int | None = Field(default=None, ge=0, description="of vgsn: update that ramps begin at")
    target: Literal["walkback", "walkout"] | None = Field(
        default=None, description="of vgsn: what a step reconstructs, the data or the chain's last state"
    )
    decay: float | None = Field(default=None, ge=0, le=1, description="of vgsn: share of a step of the one before")
    truncate: int | None = Field(default=None, gt=0, description="of vgsn: steps that a gradient flows back through")
    checkpoint: bool | None = Field(default=None, description="of vgsn: less memory, more time")
    sample_x: bool | None = Field(default=None, description="of vgsn: draw what a step hands on")
    typical: Literal["batch", "running"] | None = Field(
        default=None, description="of vgsn: the mean KL that spread is measured from"
    )
    guide: Literal["x", "z", "off"] | None = Field(default=None, description="of vgsn: where the guide stands")
    guide_units: int | None = Field(default=None, gt=0, description="of each of the guide's two layers")
    guide_scale: float | None = Field(default=None, gt=0, description="the guide's best value, in log ratios")
    guide_weight: float | None = Field(default=None, ge=0, description="of the guide's loss")
    guide_activity: float | None = Field(default=None, ge=0, description="weight of its squared activations")
    guide_size: float | None = Field(default=None, ge=0, description="weight of its mean squared score")
    guide_rate: float | None = Field(default=None, gt=0, description="of the guide: share of the learning rate")
    pull: str | None = Field(default=None, description="of vgsn: a name of latune.terms.PULLS")
    pull_weight: float | RampSection | None = Field(default=None, description="of vgsn: weight of the guide's pull")
    match_mean: float | None = Field(default=None, ge=0, description="of vgsn: weight of the gap between means")
    match_covariance: float | None = Field(default=None, ge=0, description="the same between covariances")

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        from latune.models import MODELS

        if name not in MODELS:
            raise ValueError(unknown("model", name, MODELS))
        return name

    _weights = field_validator(
        "beta",
        "gamma",
        "information",
        "information_real",
        "agreement",
        "equivariance",
        "evenness",
        "orthogonality",
        "visibility",
        "symmetry",
        "pull_weight",
    )(not_negative)

    @field_validator("visible")
    @classmethod
    def _lengths(cls, visible: float | list[float] | None) -> float | list[float] | None:
        lengths = visible if isinstance(visible, list) else [] if visible is None else [visible]
        if wrong := [each for each in lengths if not each > 0]:
            raise ValueError(f"got {wrong[0]:g}. It is above 0, one length for all numbers or a list of one for each")
        return visible

    @model_validator(mode="after")
    def _fits(self) -> ModelSection:
        from latune.models import MODELS, allowed_settings

        presets, allowed = MODELS[self.name].presets, allowed_settings(self.name)
        wrong = [
            f"{key} is not a setting of {self.name}. Allowed: {', '.join(allowed)}."
            for key in self.given()
            if key not in allowed
        ]
        if self.visible is not None and not self.visibility and "visible" in allowed:
            wrong.append(
                "visible says how far numbers are to move an image; how much that counts is visibility, which is 0 "
                "here: set visibility=1, or leave visible out."
            )
        if self.latent < MODELS[self.name].least_latent:
            wrong.append(f"latent: got 0. {self.name} needs 1 or more dimensions.")
        if self.preset is not None and not presets:
            wrong.append(f"{self.name} has no presets; leave preset out.")
        elif self.preset is not None and self.preset not in presets:
            wrong.append(unknown(f"preset of {self.name}", self.preset, presets))
        if wrong:
            raise ValueError(" ".join(wrong))
        return self

    def given(self) -> dict[str, Any]:
        """The model's own settings that the recipe names."""
        keys = [key for key in type(self).model_fields if key not in ("name", "preset", "latent")]
        return {key: getattr(self, key) for key in keys if getattr(self, key) is not None}

    def settings(self, total: int) -> dict[str, Any]:
        """What `Spec.settings` holds, for a training of `total` updates."""
        return {k: number(v, total) if isinstance(v, RampSection) else v for k, v in self.given().items()}


Beta = Annotated[float, Field(ge=0, lt=1)]


class OptimiserSection(Section):
    """How to descend."""

    kind: Literal["adam", "adamw", "sgd", "soft-sgd", "smoothed-sgd"] = "adam"
    lr: float | RampSection = 1e-3
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    eps: float = Field(default=1e-8, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    clip: float | None = Field(default=None, gt=0)

    _rate = field_validator("lr")(not_negative)

    def build(self, total: int) -> Optimiser:
        """The optimiser's configuration, for a training of `total` updates."""
        return Optimiser(self.kind, number(self.lr, total), self.betas, self.eps, self.weight_decay, self.clip)


class TrainingSection(Section):
    """How long and how to train; see `latune.training.Plan`."""

    epochs: int = Field(default=10, gt=0)
    steps: int | None = Field(default=None, gt=0)
    batch_size: int = Field(default=128, gt=0)
    log_every: int = Field(default=50, gt=0)
    checkpoint_seconds: float = Field(default=30.0, ge=0)
    validate_every: int = Field(default=1, ge=0)
    keep: tuple[Annotated[int, Field(gt=0)], ...] | None = None
    ema: float = Field(default=0.0, ge=0, lt=1)
    precision: Literal["fp32", "bf16"] = "fp32"
    compile: bool = False
    channels_last: bool = False
    matmul: Literal["highest", "high", "medium"] = "highest"
    start: str | None = Field(default=None, description="a finished run whose encoder and decoder training starts from")
    optimiser: OptimiserSection = OptimiserSection()

    def plan(self) -> Plan:
        """The trainer's plan."""
        ours = ("optimiser", "start", "keep")
        asked: dict[str, Any] = {key: getattr(self, key) for key in type(self).model_fields if key not in ours}
        return Plan(**asked, keep=self.keep or ())


class Recipe(Section):
    """Data, nets, model and schedule of one training."""

    name: str
    about: str = ""
    seed: int = Field(default=0, ge=0, lt=2**63)
    data: DataSection = DataSection()
    nets: NetsSection = NetsSection()
    model: ModelSection = ModelSection()
    training: TrainingSection = TrainingSection()

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if not name or "/" in name or name.startswith("."):
            raise ValueError(f"got '{name}'. The run folder is called after it: no '/', no '.' at its start, not empty")
        return name

    @model_validator(mode="after")
    def _fits(self) -> Recipe:
        from latune.nets import over_time

        if self.training.compile and self.nets.encoder is None and over_time(self.nets.name):
            raise ValueError(f"training.compile is not for {self.nets.name}, which runs over time. Leave it out")
        return self

    def plain(self) -> dict[str, Any]:
        """Plain data without what was left out, as TOML takes it."""
        return self.model_dump(mode="json", exclude_none=True)

"""The strength that a LoRA was trained with, from every place where training tools write it. No torch here.

- `LAYER.alpha`, a tensor beside the factors (kohya, musubi, ai-toolkit);
- the file's metadata: `lora_adapter_metadata` (diffusers: PEFT's config as JSON), `ss_network_alpha` and
  `ss_network_dim` (kohya), and `lora_alpha`, `alpha`, `network_alpha`, `rank`, `r`… with or without `transformer.`;
- `adapter_config.json` (PEFT) beside the file.

A strength is alpha / rank, or alpha / sqrt(rank) for rsLoRA; without any alpha it is 1. Sources that disagree are an
error. Sources: PEFT 0.21 `tuners/lora` (scale, patterns), diffusers 0.42.1 `loaders/lora_base.py` (metadata),
kohya-ss/sd-scripts `networks/lora.py` (alpha), LyCORIS `rs_lora`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brandpress.model.checkpoint.files import read_json
from brandpress.model.checkpoint.lora_pattern import by_pattern, check_patterns
from brandpress.model.errors import CheckpointError

METADATA = "lora_adapter_metadata"
ADAPTER, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"
PEFT_ALPHA = 8
"""PEFT's default of `lora_alpha`."""

ALPHA_KEYS = ("lora_alpha", "alpha", "network_alpha", "ss_network_alpha")
RANK_KEYS = ("r", "rank", "lora_rank", "network_dim", "network_rank", "ss_network_dim", "dim")
RSLORA_KEYS = ("use_rslora", "rslora", "rs_lora")
DORA_KEYS = ("use_dora", "dora", "dora_wd")
NO_NUMBER = ("", "none", "null", "dynamic")
"""kohya writes `Dynamic` if each layer has a rank of its own, and `None` for an option that wasn't set."""
NETWORK_ARGUMENTS = "ss_network_args"
"""kohya's metadata with the options of the network, as JSON."""

_UNSUPPORTED: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("use_dora", bool, "DoRA"),
    ("use_qalora", bool, "QALoRA"),
    ("fan_in_fan_out", bool, "transposed weights"),
    ("layer_replication", bool, "replicated layers"),
    ("init_lora_weights", lambda value: str(value).startswith(("pissa", "olora", "corda")), "changed base weights"),
)
_TEXT_ENCODER_KEY = re.compile(r"(?:text_encoders?|te)(?:_?\d)?\..*")

Strength = Callable[[str, str, int], float]
"""The scale of a layer's update: (the layer's name in the file, our module, the factors' rank) -> scale."""


@dataclass(frozen=True, slots=True)
class Source:
    """A place with a setting for the whole file. settings: under PEFT's names; `r` is absent if it isn't told."""

    label: str
    settings: Mapping[str, Any]

    @property
    def rslora(self) -> bool:
        """Whether the scale is divided by the rank's square root."""
        return _on(self.settings.get("use_rslora"))

    def scale(self, module: str, rank: int) -> float | None:
        """The scale of a module's update; None if this place has no alpha. Raises CheckpointError."""
        settings = self.settings
        if "lora_alpha" not in settings and not settings.get("alpha_pattern"):
            return None
        try:
            expected = by_pattern(settings.get("rank_pattern"), module, settings.get("r", rank))
            alpha = float(by_pattern(settings.get("alpha_pattern"), module, settings["lora_alpha"]))
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError, re.error) as error:
            raise CheckpointError(f"{self.label} can't be read: {error}") from error
        if not math.isfinite(alpha):
            raise CheckpointError(f"{self.label} can't be read: alpha is {alpha}")
        if expected != rank:
            raise CheckpointError(f"{module} has rank {rank}, but {self.label} says {expected}")
        return alpha / _divisor(rank, self.rslora)


def config_beside(file: Path) -> Path | None:
    """Returns the PEFT config of a LoRA's file; None if it has none.

    A folder's config is for its `adapter_model.safetensors` if there is one, otherwise for any LoRA in it.
    """
    config = file.parent / ADAPTER_CONFIG
    if not config.is_file() or (file.name != ADAPTER and (file.parent / ADAPTER).is_file()):
        return None
    return config


def strength_of(
    file: Path, metadata: Mapping[str, str], alphas: Mapping[str, float], ranks: Mapping[str, int]
) -> Strength:
    """Returns the strength of each layer.

    alphas: the values of the layers' own alpha tensors. ranks: of all layers; both keyed by the layer's name in the
    file. Raises CheckpointError for kinds of LoRAs that aren't supported, and from the result for places that disagree.
    """
    sources = [*_sources(metadata), *_adapter_config(file)]
    rslora = any(source.rslora for source in sources)
    disagreements = _tensors_disagree(sources, alphas, ranks, rslora)

    def strength(layer: str, module: str, rank: int) -> float:
        if layer in alphas:
            if disagreements is not None:
                raise CheckpointError(disagreements)
            return alphas[layer] / _divisor(rank, rslora)
        claims = [(source.label, scale) for source in sources if (scale := source.scale(module, rank)) is not None]
        for label, scale in claims[1:]:
            if not math.isclose(scale, claims[0][1], rel_tol=1e-6):
                raise CheckpointError(
                    f"{module}: {claims[0][0]} gives a strength of {claims[0][1]:g}, but {label} gives {scale:g}; "
                    "remove the wrong one"
                )
        if not claims and rslora:
            origin = next(source.label for source in sources if source.rslora)
            raise CheckpointError(
                f"rsLoRA by {origin}, but no alpha is given, so its strength is unknown; add lora_alpha"
            )
        return claims[0][1] if claims else 1.0

    return strength


def _tensors_disagree(
    sources: list[Source], alphas: Mapping[str, float], ranks: Mapping[str, int], rslora: bool
) -> str | None:
    """A message if all layers have their own alpha and none is what another place says; None otherwise.

    Single layers may differ from the setting of the whole file: that is what an alpha of their own is for.
    """
    if not alphas or alphas.keys() != ranks.keys():
        return None
    layer = min(alphas)
    own = alphas[layer] / _divisor(ranks[layer], rslora)
    for source in sources:
        if "lora_alpha" not in source.settings or source.settings.get("alpha_pattern"):
            continue
        alpha, told_rank = _number(source, "lora_alpha"), _number(source, "r")
        scales = {name: alpha / _divisor(told_rank or rank, source.rslora) for name, rank in ranks.items()}
        own_scales = {name: value / _divisor(ranks[name], rslora) for name, value in alphas.items()}
        if not any(math.isclose(scales[name], own_scales[name], rel_tol=5e-3) for name in ranks):
            return (
                f"the tensor {layer}.alpha gives a strength of {own:g}, but {source.label} gives {scales[layer]:g}; "
                "remove the wrong one"
            )
    return None


def _number(source: Source, key: str) -> float:
    try:
        value = float(source.settings.get(key) or 0)
    except (OverflowError, TypeError, ValueError) as error:
        raise CheckpointError(f"{source.label} can't be read: {key}: {error}") from error
    if not math.isfinite(value) or (value < 0 and key == "r"):
        raise CheckpointError(f"{source.label} can't be read: {key} is {value:g}")
    return value


def _divisor(rank: float, rslora: bool) -> float:
    return math.sqrt(rank) if rslora else rank


def _sources(metadata: Mapping[str, str]) -> Iterator[Source]:
    """Yields the places in a file's metadata that say something about the strength."""
    if METADATA in metadata:
        label = f"its metadata {METADATA}"
        yield _peft_source(label, _transformers_own(_parsed(label, metadata[METADATA])))
    plain = _transformers_own(metadata)
    arguments = _network_arguments(plain)
    settings: dict[str, Any] = {}
    keys: list[str] = []  # those that settings are taken from
    for name, spellings in (("lora_alpha", ALPHA_KEYS), ("r", RANK_KEYS)):
        values = {key: value for key in spellings if (value := _float(plain, key)) is not None}
        if len(set(values.values())) > 1:
            values_text = " and ".join(f"{key} {value:g}" for key, value in values.items())
            raise CheckpointError(f"its metadata disagree: {values_text}; remove the wrong one")
        if values:
            settings[name] = next(iter(values.values()))
            keys += values
    for options, label in ((plain, ""), (arguments, f"{NETWORK_ARGUMENTS}: ")):
        if on := [key for key in DORA_KEYS if _on(options.get(key))]:
            raise CheckpointError(_unsupported("DoRA", f"its metadata {label}{on[0]}"))
        if on := [key for key in RSLORA_KEYS if _on(options.get(key))]:
            settings["use_rslora"] = True
            keys.append(f"{label}{on[0]}")
    if settings:
        yield Source(f"its metadata {', '.join(keys)}", settings)


def _network_arguments(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        value = json.loads(metadata.get(NETWORK_ARGUMENTS) or "{}")
    except (TypeError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _adapter_config(file: Path) -> Iterator[Source]:
    config = config_beside(file)
    if config is None:
        return
    settings = read_json(config)
    kind = settings.get("peft_type", "LORA")
    if kind != "LORA":
        raise CheckpointError(_unsupported(str(kind), f"{ADAPTER_CONFIG} (peft_type)"))
    yield _peft_source(f"{ADAPTER_CONFIG} beside it", _transformers_own(settings))


def _peft_source(label: str, settings: dict[str, Any]) -> Source:
    """PEFT's settings. An absent alpha is PEFT's default, unless the settings are empty. Raises CheckpointError."""
    for key, unsupported, name in _UNSUPPORTED:
        if unsupported(settings.get(key)):
            raise CheckpointError(_unsupported(name, f"{label} ({key})"))
    for key in ("alpha_pattern", "rank_pattern"):
        check_patterns(label, key, settings.get(key))
    return Source(label, {"lora_alpha": PEFT_ALPHA, **settings} if settings else {})


def _unsupported(kind: str, place: str) -> str:
    return f"{kind} by {place}; only plain LoRAs are supported. Use one"


def _transformers_own(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The settings for the transformer: those with its prefix if there are any, otherwise those without a prefix."""
    prefixed = {key.removeprefix("transformer."): raw[key] for key in raw if key.startswith("transformer.")}
    return prefixed or {key: value for key, value in raw.items() if not _TEXT_ENCODER_KEY.fullmatch(key)}


def _parsed(label: str, text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{label} isn't a JSON object: {error}") from error


def _float(metadata: Mapping[str, Any], key: str) -> float | None:
    """A number of the metadata, whose values are text; None if it's absent or open. Raises CheckpointError."""
    text = str(metadata.get(key, "")).strip()
    if text.lower() in NO_NUMBER:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (value <= 0 and key in RANK_KEYS):
        raise CheckpointError(f"its metadata {key}: expected a number, got {text[:60]!r}")
    return int(value) if value.is_integer() else value


def _on(value: object) -> bool:
    return str(value).lower() in ("true", "1", "yes")

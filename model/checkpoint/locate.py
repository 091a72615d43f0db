"""Locates a model's parts on this machine: those of its base, and those that replace them. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path

from brandpress.model.checkpoint.header import PICKLES
from brandpress.model.checkpoint.hub import INDEX, MODELS, cached, download, download_command
from brandpress.model.checkpoint.identify import hub_of
from brandpress.model.checkpoint.lora_config import ADAPTER
from brandpress.model.checkpoint.revision import REVISION_RULE, split_revision
from brandpress.model.checkpoint.weights import listing, parts_of_file
from brandpress.model.choice import QUANTISATIONS, LoraChoice, ModelChoice
from brandpress.model.errors import CheckpointError
from brandpress.model.family import FAMILIES, NANO

NANO_FOLDER = Path(__file__).parent.parent / "nano" / "weights"
MAX_SHOWN = 400
SIMILAR = 0.6
"""How similar a known name must be to an unknown one to be suggested: `SequenceMatcher.ratio`."""


@dataclass(frozen=True, slots=True)
class Parts:
    """root: the base's folder in diffusers' layout; None if all parts are chosen separately. Each part is a folder or a
    single file; tokenizer is a folder. text_config: the text encoder's config.json; None if only the family's table
    has its sizes.
    """

    root: Path | None
    transformer: Path
    vae: Path
    text_encoder: Path
    text_config: Path | None
    tokenizer: Path
    loras: tuple[tuple[Path, float], ...] = ()

    @property
    def overridden(self) -> bool:
        """Whether any part isn't the root's, or LoRAs are added."""
        root = self.root
        return (
            root is None
            or bool(self.loras)
            or (self.transformer, self.vae, self.text_encoder)
            != (root / "transformer", root / "vae", root / "text_encoder")
        )


def absolute(choice: ModelChoice, relative_to: Path) -> ModelChoice:
    """The choice with absolute paths. A base that isn't a path (a family's name, a hub id) stays as it is."""

    def resolve(path: str | None) -> str | None:
        return None if path is None else _resolved(path, relative_to)

    base = choice.base
    if base_is_path(base, relative_to):
        base = _resolved(base, relative_to)
    return replace(
        choice,
        base=base,
        transformer=resolve(choice.transformer),
        vae=resolve(choice.vae),
        text_encoder=resolve(choice.text_encoder),
        loras=tuple(LoraChoice(str(resolve(lora.file)), lora.scale) for lora in choice.loras),
    )


def _resolved(written: str, relative_to: Path) -> str:
    try:
        path = (relative_to / Path(written).expanduser()).resolve()
        path.exists()  # raises for names that are too long
    except (OSError, RuntimeError, ValueError) as error:
        shown = written if len(written) < MAX_SHOWN else f"{written[:MAX_SHOWN]}…"
        raise CheckpointError(f"{shown!r} is not a valid path: {getattr(error, 'strerror', None) or error}") from error
    return str(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # not a valid file name
        return False


def base_is_path(base: str, relative_to: Path) -> bool:
    """Whether a base is a path: it can be nothing else, or it exists here and isn't a family's name."""
    return split_revision(base)[0] not in FAMILIES and (is_path(base) or _exists(relative_to / base))


def is_path(name: str) -> bool:
    """Whether a name can only be a path, not a family's name or a hub id."""
    return name.startswith((".", "/", "~")) or name.endswith(".safetensors") or split_revision(name)[0].count("/") > 1


def check_name(base: str) -> None:
    """Raises CheckpointError if a base that isn't a path is neither a known name nor a hub id. Looks at no files."""
    if base not in FAMILIES:
        _hub_id(base)


def _hub_id(base: str) -> str:
    """The hub id of a family's name, or the base itself, without its revision."""
    name = split_revision(base)[0]
    family = FAMILIES.get(name)
    hub = family.hub if family else name
    if hub is None or hub.count("/") != 1:
        raise CheckpointError(_unknown(base))
    return hub


def locate(choice: ModelChoice, *, fetch: bool = False) -> Parts:
    """Locates the parts of a choice with absolute paths. fetch: download missing files from the hub.

    Raises CheckpointError that names what is missing and where it was looked for.
    """
    if choice.quantise not in (None, *QUANTISATIONS):
        raise CheckpointError(f"quantise {choice.quantise!r}: allowed: {', '.join(QUANTISATIONS)}")
    root, transformer = _base(choice, fetch)
    paths = {} if root is None else {part: root / part for part in MODELS}
    if transformer is not None:
        paths["transformer"] = transformer
        paths |= dict.fromkeys(_parts_in(transformer), transformer)
    for part in MODELS:
        override: str | None = getattr(choice, part)
        if override is not None:
            paths[part] = _part(Path(override), part)
    missing_parts = [part for part in MODELS if part not in paths]
    if missing_parts:
        raise CheckpointError(_incomplete(choice, missing_parts))
    text_encoder = paths["text_encoder"]
    return Parts(
        root=root,
        transformer=paths["transformer"],
        vae=paths["vae"],
        text_encoder=text_encoder,
        text_config=_text_config(text_encoder, root),
        tokenizer=_tokenizer(text_encoder, root),
        loras=tuple((_lora_file(Path(lora.file)), lora.scale) for lora in choice.loras),
    )


def _base(choice: ModelChoice, fetch: bool) -> tuple[Path | None, Path | None]:
    """The base's folder, and the transformer if the base is only that."""
    base = Path(choice.base)
    if choice.base == NANO.name:
        return NANO_FOLDER, None
    if not base.is_absolute():
        return _from_hub(choice, fetch), None
    if not base.exists():
        raise CheckpointError(_unknown(choice.base))
    if (base / INDEX).is_file():
        return base, None
    if choice.transformer is not None:
        raise CheckpointError(f"{base} is itself a transformer; use a folder as base, or leave out `transformer`")
    transformer = _single(base)
    held = _parts_in(transformer)
    parts = [part for part in _parts_of_base(choice) if part != "transformer" and part not in held]
    text_encoder = Path(choice.text_encoder or transformer)
    if not parts and (choice.text_encoder is not None or _tokenizer_beside(text_encoder) is not None):
        return None, transformer
    return _companion(transformer, parts, fetch), transformer


def _parts_in(transformer: Path) -> tuple[str, ...]:
    """The parts that an all-in-one checkpoint holds besides the transformer; none in other files."""
    return () if transformer.is_dir() else tuple(p for p in parts_of_file(transformer) if p != "transformer")


def _from_hub(choice: ModelChoice, fetch: bool) -> Path | None:
    """The cached folder of a family's name or a hub id; None if it is missing but every part is chosen separately."""
    hub, revision = _hub_id(choice.base), split_revision(choice.base)[1]
    parts = _parts_of_base(choice)
    folder = cached(hub, parts, revision)
    not_needed = (
        not parts and choice.text_encoder is not None and _tokenizer_beside(Path(choice.text_encoder)) is not None
    )
    if folder is not None or not_needed:
        return folder
    if fetch:
        return download(hub, parts=parts, revision=revision)
    raise CheckpointError(
        f"{hub}{f' at revision {revision}' if revision else ''} is not in this machine's Hugging Face cache; run "
        f"`{download_command(hub, revision)}`, or use a folder as base{_meant(hub)}"
    )


def _meant(hub: str) -> str:
    """Returns a hint at the repository of the family that a misspelt id resembles; empty if there is none.

    An id that goes on after such a name, as those of quantised repositories do, isn't misspelt.
    """
    known = {family.hub.lower(): family.hub for family in FAMILIES.values() if family.hub}
    near = get_close_matches(hub.lower()[:MAX_SHOWN], known, n=1, cutoff=0.9)
    return f"; did you mean {known[near[0]]}?" if near and not hub.lower().startswith(near[0]) else ""


def _single(base: Path) -> Path:
    """The transformer of a base without model_index.json: a file, a folder with a config, or the only file in a folder
    (as in BFL's fp8 repositories)."""
    if base.is_file():
        return base
    if (base / "config.json").is_file():
        return base
    files = sorted(base.glob("*.safetensors"))
    if len(files) == 1:
        return files[0]
    raise CheckpointError(
        f"{base}: no {INDEX}; expected a folder in diffusers' layout, or one with a single .safetensors file"
    )


def _parts_of_base(choice: ModelChoice) -> list[str]:
    """The parts that a choice doesn't replace."""
    return [part for part in MODELS if getattr(choice, part) is None]


def _companion(transformer: Path, parts: list[str], fetch: bool) -> Path | None:
    """The folder with the other parts of a single transformer file: its family's, in the Hugging Face cache."""
    hub = hub_of(transformer)
    if hub is None:
        return None
    return cached(hub, parts) or (download(hub, parts=parts) if fetch else None)


def _part(path: Path, part: str) -> Path:
    """The path itself, or its subfolder for this part if it is a complete checkpoint's folder."""
    _existing(path, part)
    return path / part if (path / INDEX).is_file() else path


def _existing(path: Path, role: str) -> Path:
    if not path.exists():
        raise CheckpointError(f"{path} is missing; it was chosen as the {role}")
    return path


def _lora_file(path: Path) -> Path:
    """A LoRA's file: the path itself, or the weights in a folder as PEFT and diffusers save them."""
    _existing(path, "LoRA")
    if not path.is_dir():
        return path
    files = sorted(path.glob("*.safetensors"))
    if path / ADAPTER in files:
        return path / ADAPTER
    if len(files) == 1:
        return files[0]
    pickles = sorted(file.name for file in path.glob("*") if file.suffix.lower() in PICKLES)
    if not files and pickles:
        raise CheckpointError(
            f"{path} holds no safetensors file; its {listing(pickles)} is a pickle, which can run code when it is "
            "opened; save the LoRA again with safetensors"
        )
    raise CheckpointError(f"{path}: expected {ADAPTER} (a LoRA saved by PEFT), or a single .safetensors file")


def _text_config(text_encoder: Path, root: Path | None) -> Path | None:
    beside = (text_encoder if text_encoder.is_dir() else text_encoder.parent) / "config.json"
    if text_encoder.is_dir() or beside.is_file():
        return beside
    config = root / "text_encoder" / "config.json" if root is not None else None
    return config if config is not None and config.is_file() else None


def _tokenizer(text_encoder: Path, root: Path | None) -> Path:
    """The tokenizer's folder: the root's for its own text encoder, otherwise the one beside the text encoder."""
    own = None if root is None else root / "tokenizer"
    if root is not None and own is not None and root / "text_encoder" == text_encoder:
        return own
    folder = _tokenizer_beside(text_encoder) or own
    if folder is None:
        places = ", ".join(str(place) for place in _places_beside(text_encoder))
        raise CheckpointError(f"{text_encoder}: no tokenizer found; looked in {places}")
    return folder


def _tokenizer_beside(text_encoder: Path) -> Path | None:
    for place in _places_beside(text_encoder):
        if any((place / name).is_file() for name in ("tokenizer_config.json", "tokenizer.json")):
            return place
    return None


def _places_beside(text_encoder: Path) -> tuple[Path, ...]:
    folder = text_encoder if text_encoder.is_dir() else text_encoder.parent
    return folder, folder / "tokenizer", folder.parent / "tokenizer"


def _unknown(model: str) -> str:
    if split_revision(model)[1] is not None:
        return f"model {model!r}: {REVISION_RULE}"
    shown = model if len(model) < MAX_SHOWN else f"{model[:MAX_SHOWN]}…"
    # Of equally similar names, the first in the table: a model that can be downloaded rather than a hosted tier.
    similarity = {name: SequenceMatcher(None, name, model.lower()[:MAX_SHOWN]).ratio() for name in FAMILIES}
    nearest = max(similarity, key=similarity.__getitem__)
    suggestion = f"; did you mean {nearest}?" if similarity[nearest] >= SIMILAR and nearest != model else ""
    names = ", ".join(FAMILIES)
    return f"model {shown!r} is not a folder, a file or a known name; known names: {names}{suggestion}"


def _incomplete(choice: ModelChoice, missing_parts: list[str]) -> str:
    return (
        f"{choice.base} holds only the transformer; set {' and '.join(f'`{part}`' for part in missing_parts)} too, or "
        "write {base: flux.2-…, transformer: "
        f"{Path(choice.base).name}}} to take the rest from the Hugging Face cache"
    )

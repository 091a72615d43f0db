"""Where a model's parts lie on this machine: a base, and files or folders in the place of its parts. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from brandpress.model.checkpoint.hub import MODELS, cached, download, download_command
from brandpress.model.checkpoint.identify import hub_of
from brandpress.model.choice import QUANTISATIONS, LoraChoice, ModelChoice
from brandpress.model.errors import CheckpointError
from brandpress.model.family import FAMILIES, NANO

NANO_FOLDER = Path(__file__).parent.parent / "nano" / "weights"
INDEX = "model_index.json"
LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Parts:
    """root: the folder in diffusers' layout that gives what isn't named apart, None if there's none. Each part is a
    folder or a single file; tokenizer is a folder. text_config: what the text encoder is made of, None where only the
    family's table tells.
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
        """Whether anything isn't the root's own."""
        root = self.root
        return (
            root is None
            or bool(self.loras)
            or (self.transformer, self.vae, self.text_encoder)
            != (root / "transformer", root / "vae", root / "text_encoder")
        )


def absolute(choice: ModelChoice, relative_to: Path) -> ModelChoice:
    """The choice with absolute paths: a name that is a path there becomes one, others (names, hub ids) stay."""

    def path(written: str | None) -> str | None:
        return None if written is None else _resolved(written, relative_to)

    base = choice.base
    if base not in FAMILIES and (is_path(base) or _is_there(relative_to / base)):
        base = _resolved(base, relative_to)
    return replace(
        choice,
        base=base,
        transformer=path(choice.transformer),
        vae=path(choice.vae),
        text_encoder=path(choice.text_encoder),
        loras=tuple(LoraChoice(str(path(lora.file)), lora.scale) for lora in choice.loras),
    )


def _resolved(written: str, relative_to: Path) -> str:
    try:
        path = (relative_to / Path(written).expanduser()).resolve()
        path.exists()  # asks for names that are too long
    except (OSError, RuntimeError, ValueError) as error:
        shown = written if len(written) < LONGEST_SHOWN else f"{written[:LONGEST_SHOWN]}…"
        raise CheckpointError(f"{shown!r} can't be a path: {getattr(error, 'strerror', None) or error}") from error
    return str(path)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that no file can have
        return False


def is_path(name: str) -> bool:
    """Whether a name can only be a path: no family's name or hub id looks like it."""
    return name.startswith((".", "/", "~")) or name.endswith(".safetensors") or name.count("/") > 1


def locate(choice: ModelChoice, *, fetch: bool = False) -> Parts:
    """The parts that a choice with absolute paths names. fetch: download what's on the hub and not in its cache.

    Raises CheckpointError, saying what is missing and where it is looked for.
    """
    if choice.quantise not in (None, *QUANTISATIONS):
        raise CheckpointError(f"quantise {choice.quantise!r}: allowed is {', '.join(QUANTISATIONS)}")
    root, transformer = _base(choice, fetch)
    found = {} if root is None else {part: root / part for part in MODELS}
    if transformer is not None:
        found["transformer"] = transformer
    for part in MODELS:
        named: str | None = getattr(choice, part)
        if named is not None:
            found[part] = _part(Path(named), part)
    missing = [part for part in MODELS if part not in found]
    if missing:
        raise CheckpointError(_incomplete(choice, missing))
    text_encoder = found["text_encoder"]
    return Parts(
        root=root,
        transformer=found["transformer"],
        vae=found["vae"],
        text_encoder=text_encoder,
        text_config=_text_config(text_encoder, root),
        tokenizer=_tokenizer(text_encoder, root),
        loras=tuple((_existing(Path(lora.file), "LoRA"), lora.scale) for lora in choice.loras),
    )


def _base(choice: ModelChoice, fetch: bool) -> tuple[Path | None, Path | None]:
    """The folder that gives a base's parts, and the transformer where the base is nothing but that."""
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
        raise CheckpointError(f"{base} is a transformer already; name a folder as base, or leave `transformer` out")
    transformer = _single(base)
    parts = [part for part in _unnamed(choice) if part != "transformer"]
    return (_companion(transformer, parts, fetch) if parts else None), transformer


def _from_hub(choice: ModelChoice, fetch: bool) -> Path | None:
    """The cached folder of a family's name or a hub id; None where every part is named apart."""
    family = FAMILIES.get(choice.base)
    hub = family.hub if family else choice.base
    if hub is None or hub.count("/") != 1:
        raise CheckpointError(_unknown(choice.base))
    parts = _unnamed(choice)
    found = cached(hub, parts)
    alone = not parts and choice.text_encoder is not None and _tokenizer_beside(Path(choice.text_encoder)) is not None
    if found is not None or alone:
        return found
    if fetch:
        return download(hub, parts=parts)
    raise CheckpointError(
        f"{hub} is not in the hub's cache on this machine; get it with `{download_command(hub)}`, or name a folder"
    )


def _single(base: Path) -> Path:
    """The transformer that a base without a model_index.json is: a file, a folder with its config, or one file in a
    folder (as BFL's fp8 repositories are)."""
    if base.is_file():
        return base
    if (base / "config.json").is_file():
        return base
    files = sorted(base.glob("*.safetensors"))
    if len(files) == 1:
        return files[0]
    raise CheckpointError(
        f"{base}: no {INDEX}; a checkpoint folder is laid out as diffusers saves it, or holds one .safetensors file"
    )


def _unnamed(choice: ModelChoice) -> list[str]:
    """The parts that a choice takes from its base."""
    return [part for part in MODELS if getattr(choice, part) is None]


def _companion(transformer: Path, parts: list[str], fetch: bool) -> Path | None:
    """The folder that a single transformer's other parts are in: its family's, in the hub's cache."""
    hub = hub_of(transformer)
    if hub is None:
        return None
    return cached(hub, parts) or (download(hub, parts=parts) if fetch else None)


def _part(path: Path, part: str) -> Path:
    """A file, a part's folder, or the part of a whole checkpoint's folder."""
    _existing(path, part)
    return path / part if (path / INDEX).is_file() else path


def _existing(path: Path, what: str) -> Path:
    if not path.exists():
        raise CheckpointError(f"{path} is missing; it was named as the {what}")
    return path


def _text_config(text_encoder: Path, root: Path | None) -> Path | None:
    beside = (text_encoder if text_encoder.is_dir() else text_encoder.parent) / "config.json"
    if text_encoder.is_dir() or beside.is_file():
        return beside
    config = root / "text_encoder" / "config.json" if root is not None else None
    return config if config is not None and config.is_file() else None


def _tokenizer(text_encoder: Path, root: Path | None) -> Path:
    """The tokenizer's folder: the root's for its own text encoder, else the one beside the text encoder's files."""
    own = None if root is None else root / "tokenizer"
    if root is not None and own is not None and root / "text_encoder" == text_encoder:
        return own
    found = _tokenizer_beside(text_encoder) or own
    if found is None:
        looked = ", ".join(str(place) for place in _places_beside(text_encoder))
        raise CheckpointError(f"{text_encoder}: there is no tokenizer; it was looked for in {looked}")
    return found


def _tokenizer_beside(text_encoder: Path) -> Path | None:
    for place in _places_beside(text_encoder):
        if any((place / name).is_file() for name in ("tokenizer_config.json", "tokenizer.json")):
            return place
    return None


def _places_beside(text_encoder: Path) -> tuple[Path, ...]:
    folder = text_encoder if text_encoder.is_dir() else text_encoder.parent
    return folder, folder / "tokenizer", folder.parent / "tokenizer"


def _unknown(model: str) -> str:
    return f"model {model!r} is neither a folder nor a file nor a known name; known names: {', '.join(FAMILIES)}"


def _incomplete(choice: ModelChoice, missing: list[str]) -> str:
    return (
        f"{choice.base} holds the transformer only; name {' and '.join(f'`{part}`' for part in missing)} too, or make "
        "it {base: flux.2-…, transformer: " + Path(choice.base).name + "}, which takes the rest from the hub's cache"
    )

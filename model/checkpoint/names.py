"""Names of tensors: the prefixes that files put before those of a part, and other spellings of single tensors.

A part's tensors can have a prefix: because the file is an all-in-one checkpoint (ComfyUI's SaveCheckpoint writes
`model.diffusion_model.`, `vae.` and `text_encoders.NAME.transformer.`; older ones have `first_stage_model.`), or
because a wrapper of training code was saved (`module.`, `_orig_mod.`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple, get_args

from brandpress.model.errors import CheckpointError

Part = Literal["transformer", "vae", "text_encoder"]
PARTS: tuple[Part, ...] = get_args(Part)
PART_NAMES: dict[Part, str] = {"transformer": "transformer", "vae": "autoencoder", "text_encoder": "text encoder"}

_WRAPPERS = r"module\.|_orig_mod\."
_PREFIXES: dict[Part, re.Pattern[str]] = {
    "transformer": re.compile(r"model\.diffusion_model\.|diffusion_model\.|transformer\."),
    "vae": re.compile(r"vae\.|first_stage_model\."),
    "text_encoder": re.compile(r"text_encoders\.[^.]+\.transformer\.|text_encoders\.[^.]+\.|text_encoder\."),
}
_STRIPPED = {part: re.compile(rf"(?:{_WRAPPERS})*(?:{_PREFIXES[part].pattern})?(?:{_WRAPPERS})*") for part in PARTS}

_SPELLINGS: dict[Part, tuple[tuple[re.Pattern[str], str], ...]] = {
    "transformer": (
        (re.compile(r"((?:double|single)_blocks\.\d+\.(?:\w+\.)?norm\.(?:query|key)_norm)\.weight"), r"\1.scale"),
        (re.compile(r"((?:single_)?transformer_blocks\.\d+\.attn\.norm_\w+)\.scale"), r"\1.weight"),
    ),
    "vae": (
        (re.compile(r"(.*\.attentions\.0)\.query\.(\w+)"), r"\1.to_q.\2"),
        (re.compile(r"(.*\.attentions\.0)\.key\.(\w+)"), r"\1.to_k.\2"),
        (re.compile(r"(.*\.attentions\.0)\.value\.(\w+)"), r"\1.to_v.\2"),
        (re.compile(r"(.*\.attentions\.0)\.proj_attn\.(\w+)"), r"\1.to_out.0.\2"),
    ),
    "text_encoder": (),
}


class Named(NamedTuple):
    """A stored tensor of a part. short: its name without prefix, in the usual spelling."""

    stored: str
    short: str


def names_of_part(stored: Iterable[str], part: Part) -> list[Named]:
    """Returns the tensors of a part among those of a file.

    Tensors with another part's prefix are left out; those without any prefix belong to the part that is asked for.
    Raises CheckpointError if two tensors would get one name.
    """
    names: dict[str, Named] = {}
    for name in stored:
        if _belongs_to_other(name, part):
            continue
        short = short_name(name, part)
        if short in names:
            raise CheckpointError(f"{names[short].stored} and {name} are the same tensor of the {PART_NAMES[part]}")
        names[short] = Named(name, short)
    return list(names.values())


def short_name(stored: str, part: Part) -> str:
    """Returns the name of a part's tensor or layer without prefix, in the usual spelling."""
    match = _STRIPPED[part].match(stored)
    short = stored[match.end() :] if match else stored
    for pattern, spelling in _SPELLINGS[part]:
        if pattern.fullmatch(short):
            return pattern.sub(spelling, short)
    return short


def parts_within(stored: Iterable[str]) -> tuple[Part, ...]:
    """Returns the parts whose prefixes the names of a file have, in the order of PARTS."""
    names = list(stored)
    return tuple(part for part in PARTS if any(_has_prefix(part)(name) for name in names))


def _belongs_to_other(name: str, part: Part) -> bool:
    return any(_has_prefix(other)(name) for other in PARTS if other != part) and not _has_prefix(part)(name)


def _has_prefix(part: Part) -> Callable[[str], object]:
    return _PREFIXES[part].match

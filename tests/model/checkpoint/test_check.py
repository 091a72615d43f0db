"""The check by headers: a 32-billion-parameter model in a second, and each part's mistakes at its field."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.model.checkpoint import describe as describe_module
from brandpress.model.checkpoint.check import PartProblem, check_model
from brandpress.model.checkpoint.describe import describe
from brandpress.model.checkpoint.needed import TrunkSize, trunk_shapes
from brandpress.model.choice import LoraChoice, ModelChoice
from brandpress.model.family import MISTRAL
from tests.model.layout import real_layout
from tests.model.sparse import Head, sparse, sparse_checkpoint, sparse_lora
from tests.processes import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return sparse_checkpoint(tmp_path / "checkpoint", _class_name="Flux2KleinPipeline")


def problems(base: Path, **parts: str) -> list[PartProblem]:
    loras = tuple(LoraChoice(file) for file in parts.pop("loras", "").split() if file)
    return check_model(describe(ModelChoice(str(base), loras=loras, **parts), base.parent))


def sparse_dev(folder: Path) -> Path:
    """FLUX.2 [dev] in diffusers' layout with the real names, shapes and sizes, as files without blocks on disk."""
    sparse_checkpoint(folder, _class_name="Flux2Pipeline")
    for part, layout in (("transformer", "dev"), ("vae", "vae")):
        config, shapes, _ = real_layout(layout)
        (folder / part / "config.json").write_text(json.dumps(config))
        sparse(folder / part / "model.safetensors", {name: ("BF16", shape) for name, shape in shapes.items()})
    text = {"model_type": "mistral", "hidden_size": MISTRAL.width, "intermediate_size": MISTRAL.inner, "head_dim": 128}
    text |= {"num_hidden_layers": MISTRAL.depth, "num_attention_heads": MISTRAL.heads}
    text |= {"num_key_value_heads": MISTRAL.kv_heads, "vocab_size": MISTRAL.vocabulary}
    (folder / "text_encoder" / "config.json").write_text(json.dumps({"model_type": "mistral3", "text_config": text}))
    head: Head = {
        f"model.language_model.{name}": ("BF16", shape)
        for name, shape in trunk_shapes(TrunkSize.of(text), MISTRAL.depth).items()
    }
    sparse(folder / "text_encoder" / "model.safetensors", head)
    template = "{% for message in messages %}{{ message.content[0].text }}{% endfor %}"
    (folder / "tokenizer" / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    return folder


def test_a_model_of_32_billion_parameters_is_checked_without_reading_it(tmp_path: Path) -> None:
    """Only headers are read, so the time doesn't depend on the size, and torch, which takes seconds, isn't imported."""
    folder = sparse_dev(tmp_path / "dev")
    assert sum(file.stat().st_size for file in folder.rglob("*.safetensors")) > 100e9
    program = f"""
import sys
from pathlib import Path
from brandpress.model.checkpoint import describe as module
from brandpress.model.checkpoint import describe as describe_module
from brandpress.model.checkpoint.check import check_model
from tests.bench.peak import peak_bytes
module.parts_digest = lambda parts: "0" * 64  # the digest reads all bytes, once for each file
description = module.describe({str(folder)!r}, Path("."))
assert check_model(description) == [], check_model(description)
assert "torch" not in sys.modules and "numpy" not in sys.modules
print(peak_bytes())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 500e6, "bytes"


def test_without_a_config_the_familys_text_encoder_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describe_module, "parts_digest", lambda parts: "0" * 64)  # the digest reads all bytes
    model = describe(str(sparse_dev(tmp_path / "dev")), tmp_path)
    assert model.parts is not None
    assert check_model(replace(model, parts=replace(model.parts, text_config=None))) == []


def test_a_whole_checkpoint_has_no_problems(folder: Path) -> None:
    lora = sparse_lora(folder / "style.safetensors")
    assert problems(folder, loras=str(lora)) == []


def test_every_part_is_checked_and_named(folder: Path, tmp_path: Path) -> None:
    for part in ("transformer", "vae", "text_encoder"):
        shutil.copytree(folder / part, tmp_path / "mine" / part)
        (tmp_path / "mine" / part / "model.safetensors").write_bytes(
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 99\n"
        )
    for name in ("tokenizer",):
        shutil.copytree(folder / name, tmp_path / "mine" / name)
    chosen = {part: str(tmp_path / "mine" / part) for part in ("transformer", "vae", "text_encoder")}
    fields = []
    for problem in problems(folder, **chosen):
        fields.append(problem.field)
        assert "is a Git LFS pointer" in problem.message
    assert fields == [("transformer",), ("vae",), ("text_encoder",)]


def lora_of(file: Path, width: int, rank: tuple[int, int] = (2, 2), layer: str = "attn.to_q") -> Path:
    stem = f"transformer.transformer_blocks.0.{layer}"
    return sparse(
        file, {f"{stem}.lora_A.weight": ("BF16", (rank[0], width)), f"{stem}.lora_B.weight": ("BF16", (width, rank[1]))}
    )


MISTAKES: dict[str, tuple[Callable[[Path], object], tuple[str | int, ...], str]] = {
    "no weights": (lambda f: (f / "vae/model.safetensors").unlink(), ("vae",), "0 safetensors files without an index"),
    "a pickle": (
        lambda f: (f / "vae/model.safetensors").rename(f / "vae/model.bin"),
        ("vae",),
        "Its model.bin is never opened: a pickle can run code",
    ),
    "no tokenizer": (lambda f: shutil.rmtree(f / "tokenizer"), ("text_encoder",), "should hold the tokenizer"),
    "no template": (
        lambda f: (f / "tokenizer/tokenizer_config.json").write_text("{}"),
        ("text_encoder",),
        "tokenizer has no chat template",
    ),
    "a template that drops the prompt": (
        lambda f: (f / "tokenizer/chat_template.jinja").write_text("hello"),
        ("text_encoder",),
        "its chat template leaves out the prompt",
    ),
    "another text encoder": (
        lambda f: (f / "text_encoder/config.json").write_text('{"model_type": "llama"}'),
        ("text_encoder",),
        "model_type: expected 'qwen3'",
    ),
    "another size": (
        lambda f: edit(f / "text_encoder/config.json", hidden_size=16),
        ("text_encoder",),
        "expected shape (99, 16) by the config, got (99, 8)",
    ),
    "the transformer's config": (
        lambda f: edit(f / "transformer/config.json", num_layers=2),
        ("transformer",),
        "16 missing tensors: transformer_blocks.1",
    ),
    "more tensors": (
        lambda f: edit(f / "vae/config.json", use_quant_conv=False),
        ("vae",),
        "2 tensors that FLUX.2 doesn't have: quant_conv.bias, quant_conv.weight",
    ),
    "a truncated file": (
        lambda f: os.truncate(f / "text_encoder/model.safetensors", 1000),
        ("text_encoder",),
        "truncated, still being written or damaged",
    ),
    "a scheduler": (
        lambda f: (
            (f / "scheduler").mkdir(),
            (f / "scheduler/scheduler_config.json").write_text('{"use_beta_sigmas": true}'),
        ),
        (),
        "use_beta_sigmas: True isn't supported",
    ),
}


def edit(file: Path, **changes: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_by_the_headers(mistake: str, folder: Path) -> None:
    make, field, message = MISTAKES[mistake]
    make(folder)
    [problem] = problems(folder)
    assert problem.field == field
    assert message in problem.message
    assert str(folder) in problem.message


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda file: lora_of(file, width=128), "a LoRA for another model"),
        (
            lambda file: lora_of(file, width=96, rank=(2, 3)),
            "expected transformer.transformer_blocks.0.attn.to_q.lora_A",
        ),
        (lambda file: lora_of(file, width=96, layer="attn.to_x"), "none of its 2 tensors belongs to a FLUX.2"),
        (lambda file: file.write_text("<html></html>"), "is a web page"),
    ],
)
def test_a_lora_is_checked_by_its_header(make: Callable[[Path], object], message: str, folder: Path) -> None:
    good, bad = sparse_lora(folder / "good.safetensors"), folder / "bad.safetensors"
    make(bad)
    [problem] = problems(folder, loras=f"{good} {bad}")
    assert problem.field == ("loras", 1, "file")
    assert message in problem.message

"""Problems of a model's files, at the field that names them, by `validate`, `plan` and `render`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brandpress.pipeline.cli.app import run
from brandpress.pipeline.plan.expand import make_plan
from brandpress.pipeline.plan.validate import validate
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.problem import SpecError
from tests.campaigns import write_campaign
from tests.model.sparse import sparse_checkpoint

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 99\n"


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A campaign whose model is written over several lines."""
    file = write_campaign(tmp_path, 1)
    sparse_checkpoint(tmp_path / "base", _class_name="Flux2KleinPipeline")
    (tmp_path / "lora.safetensors").write_text(POINTER)
    fields = json.loads(file.read_text())
    del fields["model"]
    text = json.dumps(fields, indent=1).removesuffix("\n}")
    model = [
        '"model": {',
        '"base": "base",',
        '"vae": "ae.safetensors",',
        '"loras": [',
        '{"file": "lora.safetensors"}]}}',
    ]
    file.write_text("\n".join([f"{text},", *model]))
    return file


def line_of(job: Path, text: str) -> int:
    return next(number for number, line in enumerate(job.read_text().splitlines(), 1) if text in line)


@pytest.mark.parametrize("content", [POINTER, "<html>", ""])
def test_a_files_problem_is_at_its_line(job: Path, content: str) -> None:
    (job.parent / "ae.safetensors").write_text(content)
    messages = {problem.line: problem.what for problem in validate(job).problems}
    assert messages.keys() == {line_of(job, "ae.safetensors"), line_of(job, "lora.safetensors")}
    assert all(str(job.parent) in what for what in messages.values())
    with pytest.raises(SpecError) as error:
        make_plan(load_campaign(job), check=True)
    assert {problem.line for problem in error.value.problems} == messages.keys()


def test_a_problem_of_the_base_is_at_the_base(job: Path) -> None:
    (job.parent / "ae.safetensors").write_text(POINTER)
    (job.parent / "base" / "tokenizer" / "tokenizer_config.json").write_text("{}")
    [problem] = [each for each in validate(job).problems if "chat template" in each.what]
    assert problem.line == line_of(job, '"base": "base"')


def test_a_transformer_that_cannot_be_described_is_at_its_field(job: Path) -> None:
    (job.parent / "ae.safetensors").write_text(POINTER)
    job.write_text(job.read_text().replace('"vae": "ae', '"transformer": "ae'))
    [problem] = validate(job).problems
    assert problem.line == line_of(job, "ae.safetensors")


@pytest.mark.parametrize("command", ["validate", "plan", "render"])
def test_no_command_goes_on(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 1)
    (tmp_path / "checkpoint" / "vae" / "model.safetensors").write_text(POINTER)
    assert run([command, str(job)]) == 1
    assert f"{tmp_path}/checkpoint/vae/model.safetensors is a Git LFS pointer" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("command", "code"), [("validate", 1), ("plan", 4), ("render", 4)])
@pytest.mark.parametrize("model", ["nanno", "missing/model", "./checkpoints/missing"])
def test_a_missing_model_is_named_with_its_place(
    command: str, code: int, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = write_campaign(tmp_path, 1, model=model)
    assert run([command, str(job)]) == code
    error = capsys.readouterr().err
    assert error.startswith(f"{job}:{line_of(job, model)}:"), error
    assert ("did you mean nano?" in error) == (model == "nanno")


def test_a_path_in_a_home_that_nobody_knows(job: Path) -> None:
    job.write_text(job.read_text().replace("ae.safetensors", "~nobody-here/ae.safetensors"))
    [problem] = [each for each in validate(job).problems if "nobody-here" in each.what]
    assert problem.line == line_of(job, "ae.safetensors")

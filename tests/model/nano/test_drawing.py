"""Drawing in the background."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

import pytest
import torch

from brandpress.model.nano.dataset import CAPTION_DRAWS, Drawn
from brandpress.model.nano.drawing import Drawing, Job, draw, drawn_files


def future(path: str | None) -> Future[Path]:
    made: Future[Path] = Future()
    if path:
        made.set_result(Path(path))
    return made


def test_what_is_done_in_time_is_taken() -> None:
    futures = [future("a"), future(None), future("c")]
    assert drawn_files(futures, 0.0) == [Path("a"), Path("c")]
    assert drawn_files([futures[0], futures[2]], None) == [Path("a"), Path("c")]


def test_a_failure_to_draw_is_raised() -> None:
    failed: Future[Path] = Future()
    failed.set_exception(FileNotFoundError("no art"))
    with pytest.raises(FileNotFoundError, match="no art"):
        drawn_files([failed], None)


def test_a_process_draws_what_this_one_would_and_nothing_twice(art: Path, tokenizer: object, tmp_path: Path) -> None:
    folder = tmp_path / "tokenizer"
    tokenizer.save_pretrained(folder)  # type: ignore[attr-defined]
    job = Job(art, tmp_path / "there.safetensors", 3, ((128, 128), (64, 64)), "seed", folder)
    with Drawing(1) as drawing:
        (path,) = drawn_files(drawing.submit([job]), None)
    there, here = (
        Drawn.load(path),
        Drawn.load(draw(Job(art, tmp_path / "here.safetensors", 3, job.shape, "seed", folder))),
    )
    assert there.tokens.shape[1] == CAPTION_DRAWS
    assert all(torch.equal(value, here.tensors()[name]) for name, value in there.tensors().items())
    written = path.stat().st_mtime_ns
    assert draw(job).stat().st_mtime_ns == written

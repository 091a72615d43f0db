"""Rendering in background processes."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

import pytest
import torch

from brandpress.model.nano.dataset import CAPTIONS_PER_COMPOSITION, PixelShard
from brandpress.model.nano.drawing import DrawingPool, Job, finished_files, run_job


def future(path: str | None) -> Future[Path]:
    result: Future[Path] = Future()
    if path:
        result.set_result(Path(path))
    return result


def test_files_finished_in_time_are_returned() -> None:
    futures = [future("a"), future(None), future("c")]
    assert finished_files(futures, 0.0) == [Path("a"), Path("c")]
    assert finished_files([futures[0], futures[2]], None) == [Path("a"), Path("c")]


def test_a_rendering_error_is_raised() -> None:
    failed: Future[Path] = Future()
    failed.set_exception(FileNotFoundError("no art"))
    with pytest.raises(FileNotFoundError, match="no art"):
        finished_files([failed], None)


def test_a_job_gives_the_same_result_in_any_process_and_runs_once(art: Path, tokenizer: object, tmp_path: Path) -> None:
    folder = tmp_path / "tokenizer"
    tokenizer.save_pretrained(folder)  # type: ignore[attr-defined]
    job = Job(art, tmp_path / "there.safetensors", 3, ((128, 128), (64, 64)), "seed", folder)
    with DrawingPool(1) as pool:
        (path,) = finished_files(pool.submit([job]), None)
    there, here = (
        PixelShard.load(path),
        PixelShard.load(run_job(Job(art, tmp_path / "here.safetensors", 3, job.sizes, "seed", folder))),
    )
    assert there.tokens.shape[1] == CAPTIONS_PER_COMPOSITION
    assert all(torch.equal(value, here.tensors()[name]) for name, value in there.tensors().items())
    written = path.stat().st_mtime_ns
    assert run_job(job).stat().st_mtime_ns == written

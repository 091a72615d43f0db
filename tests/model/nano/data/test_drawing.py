"""Rendering in background processes."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

import pytest
import torch

from brandpress.model.nano.data.dataset import CAPTIONS_PER_COMPOSITION, PixelShard
from brandpress.model.nano.data.drawing import DrawingPool, Job, finished_files, run_job


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_two_lists_are_drawn_side_by_side(art: Path, tmp_path: Path) -> None:
    """One process draws them in this order: the second half of the early list comes before the second late job."""

    def job(name: str) -> Job:
        return Job(art, tmp_path / name, 1, ((128, 128), (64, 64)), name, None)

    with DrawingPool(1) as pool:
        early, late = pool.submit_together([job("early-0"), job("early-1")], [job("late-0"), job("late-1")])
        paths = [*finished_files(early, None), *finished_files(late, None)]
    assert sorted(path.name for path in paths) == ["early-0", "early-1", "late-0", "late-1"]
    drawn = sorted(paths, key=lambda path: path.stat().st_mtime_ns)
    assert [path.name for path in drawn] == ["early-0", "late-0", "early-1", "late-1"]

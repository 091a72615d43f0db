"""The whole training, reduced to a few seconds on a CPU."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from brandpress.model import Renderer, RenderRequest
from brandpress.model.checkpoint.known_words import known_words
from brandpress.model.errors import RequestError
from brandpress.model.nano.architecture import AUTOENCODER
from brandpress.model.nano.data.drawing import make_jobs
from brandpress.model.nano.place import Place
from brandpress.model.nano.training import checkpoints, stages
from brandpress.model.nano.training.adopt import load_nano
from brandpress.model.nano.training.checkpoints import DivergedError, StageState, read_stage_state, save_checkpoint
from brandpress.model.nano.training.nano import Nano
from brandpress.model.nano.training.options import Options
from brandpress.model.nano.training.schedule import SHARES, BudgetError, Clock, stage_ends
from brandpress.model.nano.training.stages import run, seconds_used
from brandpress.model.nano.world.art import SPRITE_SIZE, cache_name
from brandpress.model.network.autoencoder import Autoencoder

pytestmark = pytest.mark.timeout(1_200)

MINUTES = 0.35
WEIGHTS = "diffusion_pytorch_model.safetensors"
TICK = 0.25


class TickingClock(Clock):
    """A clock that advances with each reading, so that the number of steps doesn't depend on the machine's speed."""

    def __init__(self, used: float = 0.0, started: float | None = None) -> None:
        super().__init__()
        self.seconds = used

    def used(self) -> float:
        self.seconds += TICK
        return self.seconds


class KilledError(Exception):
    """Simulates an interruption."""


@pytest.fixture(autouse=True)
def reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brandpress.model.nano.data.drawing.CHUNK", 8)
    monkeypatch.setattr("brandpress.model.nano.training.stages.AUTOENCODER_PICTURES", 16)
    monkeypatch.setattr("brandpress.model.nano.training.stages.DECODER_PICTURES", 8)
    square, wide, small = (128, 128), (160, 96), (64, 64)
    monkeypatch.setattr("brandpress.model.nano.training.stages.SQUARE", square)
    monkeypatch.setattr("brandpress.model.nano.training.stages.SMALL_SQUARE", small)
    monkeypatch.setattr("brandpress.model.nano.training.stages.COMPOSITIONS", {(square, small): 16, (wide, small): 8})
    monkeypatch.setattr("brandpress.model.nano.training.fit_autoencoder.CROP", 64)
    monkeypatch.setattr("brandpress.model.nano.training.stages.CAPTIONS", 500)
    monkeypatch.setattr("brandpress.model.nano.training.stages.CASES", 2)
    monkeypatch.setitem(SHARES, "transformer", 0.4)
    monkeypatch.setitem(SHARES, "decoder", 0.28)
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "REPORT_STEPS", 1)
    place = Place(torch.device("cpu"), torch.float32)
    monkeypatch.setattr(Place, "of", classmethod(lambda cls, device: place))


def options(art: Path, out: Path, **others: Any) -> Options:
    return Options(art=art, out=out, device="cpu", batch=2, processes=1, threads=1, **others)


@pytest.mark.slow
def test_a_budget_is_kept_and_an_interrupted_training_resumes(
    art: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "Clock", TickingClock)
    original = stages.fit_transformer.batch_losses

    def killed(model: Nano, batch: Any, step: int, place: Place) -> Any:
        if step == 3:
            raise KilledError
        return original(model, batch, step, place)

    monkeypatch.setattr(stages.fit_transformer, "batch_losses", killed)
    with pytest.raises(KilledError):
        run(options(art, tmp_path, minutes=MINUTES))
    monkeypatch.setattr(stages.fit_transformer, "batch_losses", original)
    used = seconds_used(tmp_path)
    transformer = read_stage_state(tmp_path / "transformer.safetensors")
    assert transformer is not None and transformer.step == 3 and 0 < transformer.share < 1
    assert stage_ends(60 * MINUTES)["autoencoder"] < used < stage_ends(60 * MINUTES)["transformer"]
    assert not (tmp_path / "weights").exists()
    autoencoder = (tmp_path / "autoencoder.safetensors").stat().st_mtime_ns

    run(options(art, tmp_path, minutes=MINUTES))
    assert (tmp_path / "autoencoder.safetensors").stat().st_mtime_ns == autoencoder, "a finished stage is skipped"
    resumed = read_stage_state(tmp_path / "transformer.safetensors")
    assert resumed is not None and 3 < resumed.step < 60 * MINUTES / TICK
    assert (resumed.began, resumed.share) == (transformer.began, 1)
    report = json.loads((tmp_path / "evaluation.json").read_text())
    assert report["model"] == str(tmp_path / "weights")
    request = RenderRequest("a red mug on the left and a fox", (), 128, 128, seed=1, steps=2)
    assert {"next", "left"} <= (known_words(tmp_path / "weights") or set())
    (picture,) = Renderer.load(str(tmp_path / "weights"), device="cpu").render([request])
    assert picture.size == (128, 128)


@pytest.mark.parametrize(("cached", "begins"), [(False, 30.0), (True, 10.0)])
def test_drawing_the_artwork_is_not_part_of_the_budget(
    cached: bool, begins: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading takes 20 seconds, with or without a cache."""
    now = 15.0
    begun: list[float | None] = []

    def load(art: Path, cache: Path) -> None:
        nonlocal now
        now += 20

    class RecordingClock(Clock):
        def __init__(self, used: float = 0.0, started: float | None = None) -> None:
            begun.append(started)

    monkeypatch.setattr(stages.time, "monotonic", lambda: now)
    monkeypatch.setattr(stages.Library, "load", load)
    monkeypatch.setattr(stages, "Clock", RecordingClock)
    monkeypatch.setattr(stages.Training, "__init__", lambda *_: None)
    monkeypatch.setattr(stages.Training, "run", lambda _: None)
    if cached:
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache" / f"{cache_name(SPRITE_SIZE)}.json").write_text("[]")
    run(options(tmp_path, tmp_path / "out", minutes=MINUTES), started=10.0)
    assert begun == [begins]


@pytest.mark.slow
def test_without_a_budget_stages_make_their_steps(art: Path, tmp_path: Path) -> None:
    short = options(art, tmp_path, autoencoder_steps=2, steps=3, decoder_steps=1)
    run(short)
    states = [read_stage_state(tmp_path / f"{name}.safetensors") for name in ("autoencoder", "transformer", "decoder")]
    assert [state.step for state in states if state] == [2, 3, 1]
    assert sum(1 for _ in (tmp_path / "latents").iterdir()) == 2
    assert len(list((tmp_path / "drawn").glob("2-*.safetensors"))) == 3
    written = (tmp_path / "weights" / "model_index.json").stat().st_mtime_ns
    run(short)
    assert (tmp_path / "weights" / "model_index.json").stat().st_mtime_ns > written
    assert [read_stage_state(tmp_path / "transformer.safetensors")] == [states[1]], "finished stages are skipped"


@pytest.mark.slow
def test_a_used_up_budget_fails_and_a_larger_one_resumes(
    art: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "Clock", TickingClock)
    with pytest.raises(BudgetError, match=r"--minutes 0.01: no time is left for the autoencoder's first step"):
        run(options(art, tmp_path, minutes=0.01))
    assert not list(tmp_path.iterdir()), "the command fails before rendering"
    untrained = Autoencoder(AUTOENCODER)
    state = untrained, untrained.state_dict()
    # an untrained stage that is marked as finished, as earlier versions wrote it
    save_checkpoint(tmp_path / "autoencoder.safetensors", StageState(0, 0.5, 0.1, share=1.0), *state)
    (tmp_path / "latents").mkdir()
    (tmp_path / "latents" / "0.safetensors").write_bytes(b"made by an untrained autoencoder")
    run(options(art, tmp_path, minutes=MINUTES))
    for name in ("autoencoder", "transformer", "decoder"):
        saved = read_stage_state(tmp_path / f"{name}.safetensors")
        assert saved is not None and saved.step > 0 and saved.share == 1, name
    with pytest.raises(BudgetError, match="decoder"):
        (tmp_path / "decoder.safetensors").unlink()
        run(options(art, tmp_path, minutes=MINUTES / 2))


@pytest.mark.slow
def test_a_diverged_stage_is_not_exported(art: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = options(art, tmp_path, autoencoder_steps=1, steps=1, decoder_steps=1)
    index = tmp_path / "weights" / "model_index.json"
    for module, name in ((stages.fit_transformer, "batch_losses"), (stages.fit_decoder, "picture_losses")):
        assert not index.exists()
        with monkeypatch.context() as patch:
            original = getattr(module, name)

            def broken(*arguments: Any, original: Any = original) -> Any:
                loss, figures = original(*arguments)
                return loss * torch.nan, figures

            patch.setattr(module, name, broken)
            with pytest.raises(DivergedError):
                run(short)
    assert index.exists(), "the export after the transformer's stage remains"
    assert not (tmp_path / "decoder.safetensors").exists()


@pytest.mark.slow
def test_a_kept_autoencoder_is_not_trained(art: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(options(art, tmp_path / "first", autoencoder_steps=1, steps=1, decoder_steps=1))
    monkeypatch.setattr(stages, "Clock", TickingClock)
    monkeypatch.setattr(stages.fit_autoencoder, "fit_autoencoder", pytest.fail)
    waits: list[float | None] = []
    original = stages.finished_files

    def finished_files(files: Any, seconds: float | None, minimum: int = 1) -> list[Path]:
        waits.append(seconds)
        return original(files, None, minimum)

    monkeypatch.setattr(stages, "finished_files", finished_files)
    out, first = tmp_path / "second", tmp_path / "first" / "weights"
    run(options(art, out, minutes=MINUTES, init_from=first, keep_autoencoder=True))
    assert waits[0] is not None and 0 < waits[0] <= stages.COMPOSING * 60 * MINUTES
    transformer = read_stage_state(out / "transformer.safetensors")
    assert transformer is not None and transformer.step > 0
    assert transformer.began < stage_ends(60 * MINUTES)["autoencoder"], "it gets the autoencoder's time"
    encoders = [
        {name: tensor for name, tensor in load_file(folder / "vae" / WEIGHTS).items() if name.startswith("encoder.")}
        for folder in (first, out / "weights")
    ]
    assert encoders[0] and all(torch.equal(tensor, encoders[1][name]) for name, tensor in encoders[0].items())


def test_an_autoencoder_to_keep_is_required(art: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="--keep-autoencoder: there is none; add --init-from or --autoencoder-from"):
        run(options(art, tmp_path, keep_autoencoder=True))


@pytest.mark.slow
def test_guidance_is_distilled_and_stages_without_steps_are_left_out(
    art: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(options(art, tmp_path / "first", autoencoder_steps=1, steps=1, decoder_steps=1))
    monkeypatch.setattr(stages.fit_transformer, "batch_losses", pytest.fail)
    monkeypatch.setattr(stages.fit_decoder, "fit_decoder", pytest.fail)
    out, first = tmp_path / "second", tmp_path / "first" / "weights"
    run(options(art, out, steps=2, decoder_steps=0, init_from=first, keep_autoencoder=True, distil_guidance=2.0))
    transformer = read_stage_state(out / "transformer.safetensors")
    assert transformer is not None and transformer.step == 2
    assert (out / "weights" / "vae" / WEIGHTS).read_bytes() == (first / "vae" / WEIGHTS).read_bytes()
    before, after = (load_nano(folder).transformer.state_dict() for folder in (first, out / "weights"))
    assert not all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_a_teacher_is_required(art: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="--distil-guidance: there is no teacher; add --init-from"):
        run(options(art, tmp_path, distil_guidance=2.0))


def test_an_unavailable_device_fails_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="device 'cuda:77'"):
        run(Options(art=tmp_path / "none", out=tmp_path / "out", device="cuda:77"))


def test_the_used_time_comes_from_the_last_checkpoint(tmp_path: Path) -> None:
    assert seconds_used(tmp_path) == 0
    model = torch.nn.Linear(1, 1)
    save_checkpoint(tmp_path / "autoencoder.safetensors", StageState(5, 70.0, 10.0, 1.0), model, model.state_dict())
    save_checkpoint(tmp_path / "transformer.safetensors", StageState(2, 99.5, 80.0, 0.2), model, model.state_dict())
    assert seconds_used(tmp_path) == 99.5
    save_checkpoint(tmp_path / "decoder.safetensors", StageState(2, 900.0, 0.0, 0.2), model, model.state_dict())
    assert seconds_used(tmp_path) == 99.5, "checkpoints of runs without a budget don't count"


def test_any_prefix_of_the_jobs_has_all_sizes_in_proportion(tmp_path: Path) -> None:
    square, wide = ((128, 128), (64, 64)), ((160, 96), (64, 64))
    jobs = make_jobs(tmp_path, tmp_path, {square: 160, wide: 40}, seed=2)
    assert len({job.path for job in jobs}) == len({job.seed for job in jobs}) == 25
    assert sum(job.count for job in jobs) == 200
    first = Counter(job.sizes for job in jobs[:10])
    assert first[square] == 8 and first[wide] == 2

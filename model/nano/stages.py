"""All of nano's training, stage by stage. A stage whose result is there is skipped, one that was left is taken up."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoTokenizer

from brandpress.model.memory.device import device_of
from brandpress.model.nano import fit_autoencoder, fit_decoder, fit_transformer
from brandpress.model.nano.adopt import adopt
from brandpress.model.nano.architecture import AUTOENCODER
from brandpress.model.nano.batches import Group, groups_of
from brandpress.model.nano.checkpoints import load_state, saved_state
from brandpress.model.nano.compilation import BackgroundCompilation
from brandpress.model.nano.dataset import Drawn, Latents
from brandpress.model.nano.drawing import Drawing, Shape, cores, drawn_files, jobs
from brandpress.model.nano.encode import encode_files
from brandpress.model.nano.evaluate import CASES, draw_cases, evaluate
from brandpress.model.nano.export import export
from brandpress.model.nano.loop import Stage
from brandpress.model.nano.nano import Nano
from brandpress.model.nano.place import Place
from brandpress.model.nano.schedule import BudgetError, Clock, Schedule, StepSchedule, TimeSchedule, stage_ends
from brandpress.model.nano.tokenizer import train_tokenizer
from brandpress.model.nano.world.captions import caption_corpus
from brandpress.model.nano.world.cases import Case
from brandpress.model.nano.world.layout import TOKEN
from brandpress.model.nano.world.library import Library
from brandpress.model.network.autoencoder import Autoencoder

SQUARE, WIDE, TALL = (128, 128), (160, 96), (96, 160)
SMALL_SQUARE, SMALL_WIDE, SMALL_TALL = (64, 64), (80, 48), (48, 80)
COMPOSITIONS: Mapping[Shape, int] = {
    (SQUARE, SMALL_SQUARE): 15_000,
    (SQUARE, SMALL_WIDE): 1_500,
    (SQUARE, SMALL_TALL): 1_500,
    (WIDE, SMALL_SQUARE): 1_500,
    (WIDE, SMALL_WIDE): 1_000,
    (TALL, SMALL_SQUARE): 1_500,
    (TALL, SMALL_TALL): 1_000,
}
"""How many of each size (width, height) and size of references the transformer is trained on."""
TIMED_COMPOSITIONS = 3
"""With a budget of time at most so many times as many: what is drawn when the autoencoder is trained is taken."""
AUTOENCODER_PICTURES, AUTOENCODER_REFERENCES = 6_000, 6_000
DECODER_PICTURES = 3_000
AUTOENCODER_SEED, TRANSFORMER_SEED, DECODER_SEED = 1, 2, 3
CAPTIONS = 40_000
FIRST_PICTURES, COMPILING, ENCODING, DECODER_ENCODING = 0.08, 0.03, 0.05, 0.01
"""Shares of the budget: the longest wait for the autoencoder's pictures, the longest wait for a compilation when the
autoencoder is trained, and how long compositions are encoded for the transformer and for the decoder."""
LEAST_FILES = 5
"""Files of pictures without which the autoencoder doesn't begin."""
EXPORTING = 3.0
"""Seconds kept for what follows the evaluation: a picture that is being rendered at its end, and leaving."""


@dataclass(frozen=True)
class Options:
    """What `python -m brandpress.model.nano.train` is told."""

    art: Path
    out: Path
    device: str | None = None
    minutes: float | None = None
    autoencoder_steps: int = 10_000
    steps: int = 9_000
    decoder_steps: int = 1_500
    batch: int | None = None
    scale: float = 1.0
    go_on_from: Path | None = None
    compile: bool = True
    threads: int | None = None
    processes: int | None = None


def run(options: Options, started: float | None = None) -> None:
    """Train, export and, with a budget, evaluate. started: `time.monotonic()` when the budget began; now when None."""
    device_of(options.device)  # what it can't be is said before anything is loaded or drawn
    torch.set_num_threads(options.threads or cores())
    if options.go_on_from:
        adopt(options.go_on_from, options.out)
    clock = Clock(seconds_used(options.out) if options.minutes else 0.0, started)
    Library.load(options.art, options.art / "cache")  # fills the cache before all processes ask for it
    with Drawing(options.processes) as drawing:
        Training(options, clock, drawing).run()


def seconds_used(out: Path) -> float:
    """The seconds of the budget that earlier runs used, as far as their checkpoints go; of runs that had a budget."""
    states = [saved_state(out / f"{name}.safetensors") for name in ("autoencoder", "transformer", "decoder")]
    return max((state.seconds for state in states if state and state.began), default=0.0)


class Training:
    """One run through the stages."""

    def __init__(self, options: Options, clock: Clock, drawing: Drawing) -> None:
        self.options, self.clock, self.drawing = options, clock, drawing
        self.art, self.out = options.art, options.out
        self.place = Place.of(device_of(options.device))
        self.batch = options.batch or (fit_transformer.GPU_BATCH if self.place.on_gpu else fit_transformer.BATCH)
        self.seconds = options.minutes * 60 if options.minutes else None
        self.say(f"{self.place.device}, {str(self.place.dtype).removeprefix('torch.')}")

    def run(self) -> None:
        self.check_budget()
        pictures = self.draw("autoencoder", {(SQUARE, SMALL_SQUARE): AUTOENCODER_PICTURES}, AUTOENCODER_SEED)
        if pictures:
            shutil.rmtree(self.out / "latents", ignore_errors=True)  # another autoencoder's
        tokenizer = self.make_tokenizer()
        decoder_files = self.draw("decoder", {(SQUARE, SMALL_SQUARE): DECODER_PICTURES}, DECODER_SEED)
        case_futures = self.draw_cases() if self.seconds else []
        times = TIMED_COMPOSITIONS if self.seconds else 1
        counts = {shape: times * count for shape, count in COMPOSITIONS.items()}
        files = [] if self.latent_files() else self.draw("transformer", counts, TRANSFORMER_SEED)
        compiling = self.compile_ahead()
        autoencoder = self.train_autoencoder(pictures)
        groups = groups_of(self.make_latents(autoencoder, files))
        fuse = compiling is not None and compiling.succeeded((self.seconds or 1e4) * COMPILING)
        decoder_paths = drawn_files(decoder_files, 0.0 if self.seconds else None) if decoder_files else []
        cases = [future.result() for future in case_futures]
        self.drawing.stop()
        nano = self.train_transformer(groups, fuse)
        del groups
        export(nano, autoencoder, tokenizer, self.out / "weights")
        tuned = self.train_decoder(autoencoder, nano, decoder_paths)
        export(nano, tuned, tokenizer, self.out / "weights")
        self.say(f"nano is in {self.out / 'weights'}")
        if self.seconds:
            self.evaluate(self.seconds, cases)

    def check_budget(self) -> None:
        """Raises BudgetError where a stage that has made no step has no time for one."""
        for name in ("autoencoder", "transformer", "decoder") if self.seconds else ():
            saved, used = saved_state(self.out / f"{name}.safetensors"), self.clock.used()
            if self.seconds and not (saved and saved.step) and used >= stage_ends(self.seconds)[name]:
                raise BudgetError.of(name, used, self.seconds)

    def say(self, text: str) -> None:
        print(f"[{self.clock.used():.0f} s] {text}", flush=True)

    def stage(self, name: str, steps: int, recipe: Any) -> Stage:
        """recipe: the module that has the stage's WARM_UP, FALLS_FROM and DECAY."""
        checkpoint = self.out / f"{name}.safetensors"
        schedule: Schedule = StepSchedule(steps)
        if self.seconds:
            saved = saved_state(checkpoint)
            began = saved.began if saved and saved.step and saved.began else self.clock.used()
            schedule = TimeSchedule(self.clock, began, stage_ends(self.seconds)[name], self.seconds)
        return Stage(name, schedule, checkpoint, self.clock, recipe.WARM_UP, recipe.FALLS_FROM, recipe.DECAY)

    def finished(self, name: str, steps: int) -> bool:
        """By time only what has made a step: a stage that had no time may have it in another budget."""
        saved = saved_state(self.out / f"{name}.safetensors")
        return saved is not None and (saved.share >= 1 and saved.step > 0 if self.seconds else saved.step >= steps)

    def load_autoencoder(self, name: str) -> Autoencoder:
        """The autoencoder as a finished stage left it."""
        autoencoder = Autoencoder(AUTOENCODER)
        average = dict(autoencoder.state_dict())
        load_state(self.out / f"{name}.safetensors", autoencoder, average)
        autoencoder.load_state_dict(average)
        return autoencoder.to(self.place.device).eval()

    def draw(self, name: str, counts: Mapping[Shape, int], seed: int) -> list[Future[Path]]:
        """Begin to draw in the background what a stage needs; nothing when the stage is finished."""
        steps = {"autoencoder": self.options.autoencoder_steps, "decoder": self.options.decoder_steps}
        if self.finished(name, steps.get(name, self.options.steps)):
            return []
        scaled = {shape: max(1, round(count * self.options.scale)) for shape, count in counts.items()}
        tokenizer = None if name == "autoencoder" else self.out / "tokenizer"
        return self.drawing.submit(jobs(self.art, self.out / "drawn", scaled, seed, tokenizer))

    def make_tokenizer(self) -> Any:
        folder = self.out / "tokenizer"
        if not folder.exists():
            library = Library.load(self.art, self.art / "cache")
            count = round(CAPTIONS * min(1.0, self.options.scale))
            train_tokenizer(caption_corpus(random.Random(0), library, count)).save_pretrained(folder)  # noqa: S311
        return AutoTokenizer.from_pretrained(folder)

    def compile_ahead(self) -> BackgroundCompilation | None:
        if not (self.place.on_gpu and self.options.compile) or self.finished("transformer", self.options.steps):
            return None
        grids = [tuple((height // TOKEN, width // TOKEN) for width, height in shape) for shape in COMPOSITIONS]
        return BackgroundCompilation(str(self.place.device), self.batch, grids)  # type: ignore[arg-type]

    def train_autoencoder(self, files: Sequence[Future[Path]]) -> Autoencoder:
        if not files:
            return self.load_autoencoder("autoencoder")
        wait = self.seconds * FIRST_PICTURES - self.clock.used() if self.seconds else None
        drawn = Drawn.joined([Drawn.load(path) for path in drawn_files(files, wait, LEAST_FILES)])
        self.say(f"the autoencoder has {len(drawn.pictures)} pictures")
        stage = self.stage("autoencoder", self.options.autoencoder_steps, fit_autoencoder)
        return fit_autoencoder.fit_autoencoder(drawn.pictures, some(drawn.references), stage, self.place)

    def latent_files(self) -> list[Path]:
        return sorted((self.out / "latents").glob("*.safetensors"))

    def make_latents(self, autoencoder: Autoencoder, files: Sequence[Future[Path]]) -> list[Latents]:
        """The transformer's compositions on the device, by shape: what is drawn and can be encoded in time."""
        if self.finished("transformer", self.options.steps):
            return []
        if not files:
            return [Latents.load(path).to(self.place.device) for path in self.latent_files()]
        until = self.clock.used() + self.seconds * ENCODING if self.seconds else float("inf")
        paths = drawn_files(files, 0.0 if self.seconds else None)
        for future in files:
            future.cancel()
        by_shape: dict[tuple[torch.Size, torch.Size], list[Latents]] = {}
        for _, latents in encode_files(autoencoder, paths, self.place, lambda: self.clock.used() > until):
            shape = latents.targets.shape[1:], latents.references.shape[1:]
            by_shape.setdefault(shape, []).append(latents)
        shards = [Latents.joined(parts) for parts in by_shape.values()]
        partial = self.out / "latents.partial"
        for index, shard in enumerate(shards):
            shard.save(partial / f"{index}.safetensors")
        partial.rename(self.out / "latents")
        self.say(f"the transformer has {sum(len(shard.targets) for shard in shards)} compositions")
        return shards

    def train_transformer(self, groups: Sequence[Group], fuse: bool) -> Nano:
        checkpoint = self.out / "transformer.safetensors"
        if self.finished("transformer", self.options.steps):
            nano = Nano()
            average = dict(nano.state_dict())
            load_state(checkpoint, nano, average)
            nano.load_state_dict(average)
            return nano.to(self.place.device).eval()
        stage = self.stage("transformer", self.options.steps, fit_transformer)
        return fit_transformer.fit_transformer(groups, stage, self.place, self.batch, fuse)

    def train_decoder(self, autoencoder: Autoencoder, nano: Nano, paths: Sequence[Path]) -> Autoencoder:
        if not paths:
            return self.load_autoencoder("decoder")
        until = self.clock.used() + self.seconds * DECODER_ENCODING if self.seconds else float("inf")
        pairs = list(encode_files(autoencoder, paths, self.place, lambda: self.clock.used() > until))
        pictures = torch.cat([drawn.pictures for drawn, _ in pairs])
        latents = Latents.joined([latents for _, latents in pairs])
        stage = self.stage("decoder", self.options.decoder_steps, fit_decoder)
        return fit_decoder.fit_decoder(autoencoder, nano, pictures, latents, stage, self.place)

    def draw_cases(self) -> list[Future[list[Case]]]:
        return [self.drawing.call(draw_cases, self.art, CASES, held_out) for held_out in (False, True)]

    def evaluate(self, seconds: float, cases: Sequence[Sequence[Case]]) -> None:
        if self.place.on_gpu:
            torch.cuda.empty_cache()  # the renderer plans by what is free
        left = stage_ends(seconds)["evaluation"] - EXPORTING - self.clock.used()
        seen, held_out = cases
        weights, device = str(self.out / "weights"), str(self.place.device)
        report = evaluate(weights, self.art, device, seconds=left, cases=(seen, held_out))
        (self.out / "evaluation.json").write_text(json.dumps(report, indent=2) + "\n")
        self.say(f"its figures are in {self.out / 'evaluation.json'}")


def some(references: Tensor) -> Tensor:
    """A fixed sample of (n, slots, 3, h, w) references, without the empty slots."""
    flat = references.flatten(0, 1)
    filled = flat[flat.flatten(1).amax(dim=1) > 0]
    order = torch.randperm(len(filled), generator=torch.Generator().manual_seed(0))
    return filled[order[:AUTOENCODER_REFERENCES]].contiguous()

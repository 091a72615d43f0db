"""nano's whole training, stage by stage. Finished stages are skipped and interrupted ones resumed."""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoTokenizer

from brandpress.model.checkpoint import known_words
from brandpress.model.errors import RequestError
from brandpress.model.memory.device import device_of
from brandpress.model.nano.architecture import AUTOENCODER
from brandpress.model.nano.data.batches import Group, group_samples
from brandpress.model.nano.data.dataset import LatentShard, PixelShard
from brandpress.model.nano.data.drawing import DrawingPool, Job, Sizes, cores, finished_files, make_jobs
from brandpress.model.nano.data.encode import encode_files
from brandpress.model.nano.evaluate import CASES, draw_cases, evaluate
from brandpress.model.nano.place import Place
from brandpress.model.nano.tokenizer import train_tokenizer
from brandpress.model.nano.training import fit_autoencoder, fit_decoder, fit_transformer
from brandpress.model.nano.training.adopt import adopt, adopt_autoencoder, load_nano
from brandpress.model.nano.training.checkpoints import load_ema, read_stage_state
from brandpress.model.nano.training.compilation import BackgroundCompilation
from brandpress.model.nano.training.distillation import Teacher
from brandpress.model.nano.training.export import export
from brandpress.model.nano.training.known_words import write_known_words
from brandpress.model.nano.training.loop import Recipe, Stage
from brandpress.model.nano.training.nano import Nano
from brandpress.model.nano.training.options import BATCH, GPU_BATCH, Options
from brandpress.model.nano.training.schedule import BudgetError, Clock, Schedule, StepSchedule, TimeSchedule, stage_ends
from brandpress.model.nano.world.art import is_cached
from brandpress.model.nano.world.captions import caption_corpus
from brandpress.model.nano.world.cases import Case
from brandpress.model.nano.world.layout import TOKEN
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.placing import Size
from brandpress.model.network.autoencoder import Autoencoder

SQUARE, WIDE, TALL = (256, 256), (320, 192), (192, 320)
LARGE_WIDE, LARGE_TALL, BANNER, TOWER = (384, 256), (256, 384), (512, 256), (256, 512)
LITTLE, LARGE = (128, 128), (384, 384)
SMALL_SQUARE, SMALL_WIDE, SMALL_TALL = (128, 128), (160, 96), (96, 160)
COMPOSITIONS: Mapping[Sizes, int] = {
    (SQUARE, SMALL_SQUARE): 7_600,
    (SQUARE, SMALL_WIDE): 800,
    (SQUARE, SMALL_TALL): 800,
    (WIDE, SMALL_SQUARE): 800,
    (TALL, SMALL_SQUARE): 800,
    (LARGE_WIDE, SMALL_SQUARE): 400,
    (LARGE_TALL, SMALL_SQUARE): 400,
    (LARGE, SMALL_SQUARE): 200,
    (BANNER, SMALL_SQUARE): 200,
    (TOWER, SMALL_SQUARE): 200,
    (LITTLE, SMALL_SQUARE): 200,
}
"""The transformer's training compositions: their number, keyed by the sizes of pictures and references."""
TIMED_COMPOSITIONS = 4
"""With a budget, up to this many times COMPOSITIONS are rendered, until the autoencoder is trained."""
AUTOENCODER_PICTURES, AUTOENCODER_REFERENCES = 6_000, 6_000
DECODER_PICTURES = 3_000
AUTOENCODER_SEED, TRANSFORMER_SEED, DECODER_SEED = 1, 2, 3
CAPTIONS = 40_000
FIRST_PICTURES, COMPOSING, COMPILING, ENCODING, DECODER_ENCODING = 0.05, 0.12, 0.03, 0.05, 0.01
"""Shares of the budget: the longest wait for the autoencoder's pictures, the longest wait for compositions if no
autoencoder is trained meanwhile, the longest wait for the compilation after that, and the time to encode compositions
for the transformer and for the decoder."""
MAX_COMPILATION_SECONDS = 300.0
"""The longest wait for the compilation without a budget."""
MIN_FILES = 2
"""Files of pictures that the autoencoder waits for in any case."""
EXIT_SECONDS = 3.0
"""Seconds reserved after the evaluation's deadline, for the last batch and the exit."""
STAGES = ("autoencoder", "transformer", "decoder")


def run(options: Options, started: float | None = None) -> None:
    """Train, export and, with a budget, evaluate. started: `time.monotonic()` at the budget's start; default: now.

    Drawing the artwork from its packages, which happens once for each folder, isn't part of the budget.
    """
    started = time.monotonic() if started is None else started
    device_of(options.device)  # fail on an unavailable device before loading or rendering anything
    torch.set_num_threads(options.threads or cores())
    if options.init_from:
        adopt(options.init_from, options.out)
    if options.autoencoder_from:
        adopt_autoencoder(options.autoencoder_from, options.out)
    if options.keep_autoencoder and not checkpoint_path(options.out, "autoencoder").exists():
        raise RequestError("--keep-autoencoder: there is none; add --init-from or --autoencoder-from")
    if options.distil_guidance is not None and not options.init_from:
        raise RequestError("--distil-guidance: there is no teacher; add --init-from")
    cache = options.art / "cache"
    drawn, begin = not is_cached(cache), time.monotonic()
    Library.load(options.art, cache)  # fill the cache before several processes need it
    if drawn:
        seconds = time.monotonic() - begin
        started += seconds
        print(f"drew the artwork in {seconds:.0f} s; the next training reads it from {cache}", flush=True)
    clock = Clock(seconds_used(options.out) if options.minutes else 0.0, started)
    with DrawingPool(options.processes) as pool:
        Training(options, clock, pool).run()


def checkpoint_path(out: Path, stage: str) -> Path:
    """Returns the path of a stage's checkpoint."""
    return out / f"{stage}.safetensors"


def seconds_used(out: Path) -> float:
    """Returns the seconds of the budget that earlier runs with a budget used up to their last checkpoint."""
    states = [read_stage_state(checkpoint_path(out, name)) for name in STAGES]
    return max((state.seconds for state in states if state and state.began), default=0.0)


class Training:
    """One run through the stages."""

    def __init__(self, options: Options, clock: Clock, pool: DrawingPool) -> None:
        self.options, self.clock, self.pool = options, clock, pool
        self.art, self.out = options.art, options.out
        self.place = Place.of(device_of(options.device))
        self.batch = options.batch or (GPU_BATCH if self.place.on_gpu else BATCH)
        self.seconds = options.minutes * 60 if options.minutes else None
        self.steps = dict(zip(STAGES, (options.autoencoder_steps, options.steps, options.decoder_steps), strict=True))
        self.log(f"{self.place.device}, {str(self.place.dtype).removeprefix('torch.')}")

    def run(self) -> None:
        """Run all stages."""
        self.check_budget()
        picture_counts = {(SQUARE, SMALL_SQUARE): AUTOENCODER_PICTURES}
        pictures = self.pool.submit(self.drawing_jobs("autoencoder", picture_counts, AUTOENCODER_SEED))
        if pictures:
            shutil.rmtree(self.out / "latents", ignore_errors=True)  # encoded by another autoencoder
        tokenizer = self.make_tokenizer()
        case_futures = self.draw_cases() if self.seconds else []
        decoder_jobs = self.drawing_jobs("decoder", {(SQUARE, SMALL_SQUARE): DECODER_PICTURES}, DECODER_SEED)
        factor = TIMED_COMPOSITIONS if self.seconds else 1
        counts = {sizes: factor * count for sizes, count in COMPOSITIONS.items()}
        jobs = [] if self.latent_files() else self.drawing_jobs("transformer", counts, TRANSFORMER_SEED)
        decoder_files, files = self.pool.submit_together(decoder_jobs, jobs)
        compilation = self.start_compilation()
        autoencoder = self.train_autoencoder(pictures)
        groups = group_samples(self.make_latents(autoencoder, files))
        wait = self.seconds * COMPILING if self.seconds else MAX_COMPILATION_SECONDS
        compile_blocks = compilation is not None and compilation.succeeded(wait)
        decoder_paths = finished_files(decoder_files, 0.0 if self.seconds else None) if decoder_files else []
        cases = [future.result() for future in case_futures]
        self.pool.stop()
        nano = self.train_transformer(groups, compile_blocks=compile_blocks)
        del groups
        self.export(nano, autoencoder, tokenizer)
        tuned = self.train_decoder(autoencoder, nano, decoder_paths)
        self.export(nano, tuned, tokenizer)
        self.log(f"exported nano to {self.out / 'weights'}")
        if self.seconds:
            self.evaluate(self.seconds, cases)

    def check_budget(self) -> None:
        """Raises BudgetError if a stage without any step has no time for its first one."""
        if not self.seconds:
            return
        for name in STAGES:
            state, used = read_stage_state(self.checkpoint(name)), self.clock.used()
            if not self.finished(name) and not (state and state.step) and used >= stage_ends(self.seconds)[name]:
                raise BudgetError.of(name, used, self.seconds)

    def log(self, text: str) -> None:
        """Print a line with the used seconds."""
        print(f"[{self.clock.used():.0f} s] {text}", flush=True)

    def checkpoint(self, name: str) -> Path:
        """Returns the path of a stage's checkpoint."""
        return checkpoint_path(self.out, name)

    def stage(self, name: str, recipe: Recipe) -> Stage:
        """Returns a stage with its schedule: by the budget if there is one, otherwise by steps."""
        schedule: Schedule = StepSchedule(self.steps[name])
        if self.seconds:
            state = read_stage_state(self.checkpoint(name))
            began = state.began if state and state.step and state.began else self.clock.used()
            schedule = TimeSchedule(self.clock, began, stage_ends(self.seconds)[name], self.seconds)
        return Stage(name, schedule, self.checkpoint(name), self.clock, recipe)

    def finished(self, name: str) -> bool:
        """Returns whether a stage is finished, or left out by --keep-autoencoder or because it has 0 steps.

        With a budget, a stage that ran no step isn't finished, so that a larger budget retries it.
        """
        if name == "autoencoder" and self.options.keep_autoencoder:
            return True
        state = read_stage_state(self.checkpoint(name))
        if state is None:
            return not self.seconds and self.steps[name] == 0
        return state.share >= 1 and state.step > 0 if self.seconds else state.step >= self.steps[name]

    def time_limit(self, share: float) -> float:
        """Returns the clock's reading after a share of the budget from now; infinite without a budget."""
        return self.clock.used() + self.seconds * share if self.seconds else float("inf")

    def load_autoencoder(self, name: str) -> Autoencoder:
        """Returns the autoencoder of a finished stage."""
        autoencoder = Autoencoder(AUTOENCODER)
        load_ema(self.checkpoint(name), autoencoder)
        return autoencoder.to(self.place.device).eval()

    def drawing_jobs(self, name: str, counts: Mapping[Sizes, int], seed: int) -> list[Job]:
        """Returns the jobs that render a stage's training data; none if the stage is finished."""
        if self.finished(name):
            return []
        scaled = {sizes: max(1, round(count * self.options.scale)) for sizes, count in counts.items()}
        tokenizer = None if name == "autoencoder" else self.out / "tokenizer"
        return make_jobs(self.art, self.out / "drawn", scaled, seed, tokenizer)

    def make_tokenizer(self) -> Any:
        """Returns the tokenizer; trains it if there is none, and lists the words of its captions."""
        folder = self.out / "tokenizer"
        if not folder.exists():
            library = Library.load(self.art, self.art / "cache")
            count = round(CAPTIONS * min(1.0, self.options.scale))
            captions = caption_corpus(random.Random(0), library, count)  # noqa: S311
            write_known_words(captions, self.out / known_words.FILE)
            train_tokenizer(captions).save_pretrained(folder)
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)

    def start_compilation(self) -> BackgroundCompilation | None:
        """Start compiling the transformer's blocks in the background, if training needs it."""
        if not (self.place.on_gpu and self.options.compile) or self.finished("transformer"):
            return None
        grids = [(token_grid(size), token_grid(reference)) for size, reference in COMPOSITIONS]
        return BackgroundCompilation(str(self.place.device), self.batch, grids)

    def train_autoencoder(self, files: Sequence[Future[Path]]) -> Autoencoder:
        """Returns the trained autoencoder. files: empty if the stage is finished."""
        if not files:
            return self.load_autoencoder("autoencoder")
        wait = self.seconds * FIRST_PICTURES - self.clock.used() if self.seconds else None
        shard = PixelShard.concatenate([PixelShard.load(path) for path in finished_files(files, wait, MIN_FILES)])
        for future in files:
            future.cancel()  # with a budget, the processes go on with the other stages' pictures
        self.log(f"training the autoencoder on {len(shard.pictures)} pictures")
        stage = self.stage("autoencoder", fit_autoencoder.RECIPE)
        return fit_autoencoder.fit_autoencoder(shard.pictures, sample_references(shard.references), stage, self.place)

    def latent_files(self) -> list[Path]:
        """Returns the files of the transformer's encoded compositions."""
        return sorted((self.out / "latents").glob("*.safetensors"))

    def make_latents(self, autoencoder: Autoencoder, files: Sequence[Future[Path]]) -> list[LatentShard]:
        """Returns the transformer's compositions on the device, one shard per size.

        files: rendered compositions; those that are finished are encoded as far as the budget allows. Empty if they are
        encoded already.
        """
        if self.finished("transformer"):
            return []
        if not files:
            return [LatentShard.load(path).to(self.place.device) for path in self.latent_files()]
        wait = self.seconds * COMPOSING - self.clock.used() if self.seconds and self.options.keep_autoencoder else 0.0
        paths = finished_files(files, wait if self.seconds else None)
        limit = self.time_limit(ENCODING)
        for future in files:
            future.cancel()
        by_size: dict[tuple[torch.Size, torch.Size], list[LatentShard]] = {}
        for _, latents in encode_files(autoencoder, paths, self.place, lambda: self.clock.used() > limit):
            size = latents.targets.shape[1:], latents.references.shape[1:]
            by_size.setdefault(size, []).append(latents)
        shards = [LatentShard.concatenate(parts) for parts in by_size.values()]
        partial = self.out / "latents.partial"
        for index, shard in enumerate(shards):
            shard.save(partial / f"{index}.safetensors")
        partial.rename(self.out / "latents")
        self.log(f"training the transformer on {sum(len(shard.targets) for shard in shards)} compositions")
        return shards

    def train_transformer(self, groups: Sequence[Group], *, compile_blocks: bool) -> Nano:
        """Returns the trained transformer and text encoder."""
        if self.finished("transformer"):
            nano = Nano()
            load_ema(self.checkpoint("transformer"), nano)
            return nano.to(self.place.device).eval()
        stage, teacher = self.stage("transformer", fit_transformer.RECIPE), None
        if self.options.init_from and self.options.distil_guidance is not None:
            model = load_nano(self.options.init_from).to(self.place.device).eval()
            teacher = Teacher(model, self.options.distil_guidance)
        return fit_transformer.fit_transformer(
            groups,
            stage,
            self.place,
            self.batch,
            rate=self.options.rate,
            compile_blocks=compile_blocks,
            teacher=teacher,
        )

    def train_decoder(self, autoencoder: Autoencoder, nano: Nano, paths: Sequence[Path]) -> Autoencoder:
        """Returns the autoencoder with its fine-tuned decoder. paths: empty if the stage is finished."""
        if not paths:
            return self.load_autoencoder("decoder") if self.checkpoint("decoder").exists() else autoencoder
        limit = self.time_limit(DECODER_ENCODING)
        pairs = list(encode_files(autoencoder, paths, self.place, lambda: self.clock.used() > limit))
        pictures = torch.cat([pixels.pictures for pixels, _ in pairs])
        latents = LatentShard.concatenate([latents for _, latents in pairs])
        stage = self.stage("decoder", fit_decoder.RECIPE)
        return fit_decoder.fit_decoder(autoencoder, nano, pictures, latents, stage, self.place, self.options.rate)

    def export(self, nano: Nano, autoencoder: Autoencoder, tokenizer: Any) -> None:
        """Write the checkpoint, with the list of known words if there is one, to OUT/weights."""
        export(nano, autoencoder, tokenizer, self.out / "weights")
        if (self.out / known_words.FILE).exists():
            shutil.copy(self.out / known_words.FILE, self.out / "weights")

    def draw_cases(self) -> list[Future[list[Case]]]:
        """Start rendering the seen and the held-out evaluation cases in the background."""
        return [self.pool.call(draw_cases, self.art, CASES, held_out) for held_out in (False, True)]

    def evaluate(self, seconds: float, cases: Sequence[Sequence[Case]]) -> None:
        """Evaluate the exported model in the remaining time and write the figures to OUT/evaluation.json."""
        if self.place.on_gpu:
            torch.cuda.empty_cache()  # the renderer plans with the free memory
        remaining = stage_ends(seconds)["evaluation"] - EXIT_SECONDS - self.clock.used()
        seen, held_out = cases
        weights, device = str(self.out / "weights"), str(self.place.device)
        report = evaluate(weights, self.art, device, seconds=remaining, cases=(seen, held_out))
        (self.out / "evaluation.json").write_text(json.dumps(report, indent=2) + "\n")
        self.log(f"wrote the evaluation to {self.out / 'evaluation.json'}")


def token_grid(size: Size) -> tuple[int, int]:
    """Returns (height, width) in tokens of a picture of (width, height) pixels."""
    width, height = size
    return height // TOKEN, width // TOKEN


def sample_references(references: Tensor) -> Tensor:
    """Returns a fixed random sample of (n, slots, 3, h, w) references without empty slots."""
    flat = references.flatten(0, 1)
    filled = flat[flat.flatten(1).amax(dim=1) > 0]
    order = torch.randperm(len(filled), generator=torch.Generator().manual_seed(0))
    return filled[order[:AUTOENCODER_REFERENCES]].contiguous()

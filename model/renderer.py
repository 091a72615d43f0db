"""The renderer: takes requests and returns pictures."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from brandpress.model.checkpoint.describe import ModelDescription, check_unchanged, describe
from brandpress.model.checkpoint.mapped_files import MappedFiles
from brandpress.model.checkpoint.text import check_fit
from brandpress.model.choice import LoraChoice, ModelChoice
from brandpress.model.enlarging import enlarged, sampled_size
from brandpress.model.errors import RequestError, UnusablePictureError
from brandpress.model.inference.batch import Batches
from brandpress.model.inference.caches import KV_BYTES, Caches
from brandpress.model.inference.clock import Clock
from brandpress.model.inference.components import LoadedModel, load_model
from brandpress.model.inference.conditioning import Conditions
from brandpress.model.inference.denoise import Denoiser, Sample
from brandpress.model.inference.job import Job
from brandpress.model.inference.preprocess import check_finite, to_levels, value_range
from brandpress.model.limits import check_guidance, check_references, check_size, check_types
from brandpress.model.memory.device import (
    current,
    device_of,
    driver_version,
    dtype_of,
    free_unused,
    limit_to_budget,
    settled_memory,
)
from brandpress.model.memory.host import HostMemory
from brandpress.model.memory.plan import (
    DECODER_CHANNELS,
    RECORDED_RESIDENCY,
    RESIDENCIES,
    Largest,
    choose,
    need_of,
    packed_rows,
    with_room,
)
from brandpress.model.network.device_copy import copy_to_host
from brandpress.model.network.kernel_choice import kernels_for
from brandpress.model.network.kernels import EAGER, Kernels
from brandpress.model.reference_size import check_shape, prepared_grid
from brandpress.model.request import SIZE_MULTIPLE, Failed, Rendered, RendererProtocol, RenderRequest
from brandpress.model.sampler_version import LONG_SCHEDULE
from brandpress.model.sampling_params import REUSES

DEFAULT_LARGEST = Largest()


@dataclass(frozen=True)
class Sampling:
    """How a request is sampled, with the model's defaults filled in.

    grid: (height, width) in tokens, of the picture before it is enlarged. second_pass: whether guidance needs a second
    pass, with the negative prompt.
    """

    steps: int
    guidance: float
    grid: tuple[int, int]
    second_pass: bool


class Renderer:
    """Renders pictures with one model on one device.

    Create it with `Renderer.load`. Call `render` for a list of pictures, or `stream` to get each picture with its
    timings and cache hits as soon as it's rendered. Prompts, references and other intermediates are cached between
    calls; caches never change a picture. Not thread-safe: every worker needs its own renderer.
    """

    def __init__(
        self, loaded: LoadedModel, spare: int = KV_BYTES, kernels: Kernels = EAGER, host_cache: int = 0
    ) -> None:
        """Wrap a loaded model. Most callers want `Renderer.load`.

        spare: bytes of the device's memory for cached reference sets. kernels: the elementwise operations to use.
        host_cache: bytes of the machine's memory for reference sets that are evicted from the device.
        """
        self.loaded = loaded
        self.device, self.dtype, self.residency = loaded.device, loaded.dtype, loaded.residency
        self.caches = Caches(loaded.device, spare, host_cache)
        self._kernels = kernels
        self._mapped_files = MappedFiles(loaded.description) if loaded.device.type == "cpu" else None
        loaded.autoencoder.use(kernels)
        self._conditions = Conditions(loaded, self.caches, kernels)

    @property
    def description(self) -> ModelDescription:
        """The model that was loaded, with the digest of its files and the version of the sampler."""
        return self.loaded.description

    @classmethod
    def load(
        cls,
        base: str | Path,
        transformer: str | Path | None = None,
        vae: str | Path | None = None,
        text_encoder: str | Path | None = None,
        loras: Sequence[tuple[str | Path, float]] = (),
        quantise: str | None = None,
        device: str | None = None,
        dtype: str | None = None,
        residency: str | None = None,
        largest: Largest = DEFAULT_LARGEST,
        region: str | None = None,
        workers: int = 1,
        per_device: int = 1,
        compile: bool | None = None,
    ) -> RendererProtocol:
        """Load a model and return its renderer. Models on the hub are downloaded unless they are in the hub's cache.

        Relative paths are relative to the working directory.

        - base: a family's name, a folder in diffusers' layout, a single file, or a hub id. For a tier
          without open weights, the renderer calls BFL's API.
        - transformer, vae, text_encoder: a file or folder that replaces this part of the base.
        - loras: (file, scale) pairs. Their updates are summed.
        - quantise: "fp8" stores the blocks' weights in one byte each.
        - device: "cpu", "cuda", "cuda:1"…; default: the first GPU, or the CPU without one.
        - dtype: "float32", "bfloat16" or "float16"; default: bfloat16 on a GPU, float32 on a CPU.
        - residency: "resident" keeps all parts on the device, "offload" only one of text encoder and transformer at a
          time; default: "resident" if the device has enough free memory.
        - largest: the largest picture that will be requested. Memory is planned for it.
        - region: of a hosted tier.
        - workers: the number of workers that share this machine's memory, or a hosted tier's account.
        - per_device: the number of workers that share the device. Each plans with an equal part of its memory.
        - compile: fuse elementwise operations if a compiler is found (Triton on a GPU, torch.compile on a CPU);
          default: on a GPU only.

        Raises CheckpointError if files are missing or unreadable, don't belong together or don't fit into memory, and
        RequestError for an unknown device, dtype or residency.
        """
        choice = ModelChoice(
            base=str(base),
            transformer=_text_or_none(transformer),
            vae=_text_or_none(vae),
            text_encoder=_text_or_none(text_encoder),
            loras=tuple(LoraChoice(str(file), scale) for file, scale in loras),
            quantise=quantise,
            region=region,
        )
        torch_device, torch_dtype = device_of(device), dtype_of(device_of(device), dtype)
        if residency not in (None, *RESIDENCIES):
            raise RequestError(f"residency {residency!r}: allowed are {', '.join(RESIDENCIES)}")
        description = describe(choice, Path.cwd(), fetch=True)
        if description.parts is None:
            from brandpress.model.hosted import HostedRenderer

            return HostedRenderer.load(description.family, region, workers)
        check_fit(description)
        on_gpu = torch_device.type == "cuda"
        need = need_of(description, torch_dtype.itemsize, largest)
        memory = settled_memory(torch_device, per_device, need)
        need = with_room(need, memory) if on_gpu else need
        residency_used = choose(need, memory) if residency is None else RESIDENCIES[residency]
        limit_to_budget(torch_device, memory)
        host = HostMemory.here(workers) if on_gpu else None
        host_has_room = host is not None and residency_used == "offload" and host.holds_offloaded(need)
        loaded = load_model(
            description,
            description.parts,
            torch_device,
            torch_dtype,
            residency_used,
            host,
            host_has_room=host_has_room,
        )
        check_unchanged(description)
        if need.work == need.in_one_piece:
            loaded.autoencoder.untiled_elements = DECODER_CHANNELS * largest.width * largest.height
        offloaded_bytes = need.transformer + need.text_encoder if host_has_room else 0
        host_cache = host.cache_budget(need.reference_set, offloaded_bytes) if host else 0
        return cls(loaded, need.spare(residency_used, memory), kernels_for(torch_device, compile=compile), host_cache)

    def host(self) -> dict[str, str]:
        """Returns the fields of a record about the machine.

        Always: `device`, `torch`, `driver`, and `pass_rows`, the maximum rows of a pass of the transformer. With
        offloading: `residency` and `turns_from` (`memory` or `disk`). With compiled kernels: `compiled`.
        """
        on_gpu = self.device.type == "cuda"
        return {
            "device": torch.cuda.get_device_name(self.device) if on_gpu else self.device.type,
            "torch": torch.__version__,
            "driver": driver_version() if on_gpu else "none",
            **(self._offload_record() if self.residency == "offload" else {}),
            **({} if self._kernels is EAGER else {"compiled": self._kernels.name}),
            "pass_rows": "one picture" if on_gpu else str(packed_rows(self.device.type)),
        }

    def _offload_record(self) -> dict[str, str]:
        return {"residency": RECORDED_RESIDENCY["offload"], "turns_from": self.loaded.offloaded_to}

    def render(self, requests: Iterable[RenderRequest]) -> list[Image.Image]:
        """Returns the pictures (RGB), in the order of the requests.

        A picture doesn't depend on the other requests in the list. Raises RequestError for any invalid request before
        the first picture is rendered, and UnusablePictureError if a picture's values aren't finite.
        """
        requests = list(requests)
        for request in requests:
            self.check(request)
        pictures = []
        for chunk in self._conditions.chunks(requests):
            self.prepare(chunk)
            for rendered in self.stream(chunk):
                if isinstance(rendered, Failed):
                    raise rendered.cause
                pictures.append(rendered.picture)
        return pictures

    def prepare(self, requests: Iterable[RenderRequest]) -> None:
        """Rewrite the prompts of requests with `upsample` and, with offloading, encode all prompts.

        Optional: `stream` does both one request at a time, which swaps parts of the model for each of them.
        """
        prompts = [(self._conditions.prompt(request)[0], request) for request in requests]
        if self.residency != "offload":
            return
        for prompt, request in prompts:
            self._conditions.text(prompt)
            if self.check(request).second_pass:
                self._conditions.text(request.negative_prompt)

    def release(self) -> None:
        """Free memory of the device, for example after an attempt that ran out of it.

        Evicts cached reference sets (to the machine's memory if it has room) and frees unused memory.
        """
        self._conditions.release()
        free_unused(self.device)

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        """Yields the pictures one by one, in order, each with its timings (seconds) and cache hits; a failure in place
        of a picture whose values aren't finite.

        Consecutive requests with the same size, steps, guidance and reuse can share passes of the transformer. On a
        GPU, pictures are yielded one batch late, so that a batch is copied to the CPU while the next one is computed.
        `requests` is read at most one request ahead of a batch. Raises RequestError for an invalid request, and
        WeightsChangedError if the model's files have changed, so that the picture would be another one. Pictures that
        were rendered before an error are yielded first.
        """
        decoding: deque[Job] = deque()
        try:
            for batch in Batches(self._batch_key, self._rows, packed_rows(self.device.type)).of(requests):
                jobs = self._denoise(batch)
                yield from self._finished(decoding)
                for job in jobs:
                    self._decode(job)
                    decoding.append(job)
                    if self.device.type != "cuda":
                        yield from self._finished(decoding)
        except Exception:
            yield from self._finished(decoding)  # only a later picture failed
            raise
        yield from self._finished(decoding)

    def check(self, request: RenderRequest) -> Sampling:
        """Returns how a request is sampled. Raises RequestError with the field, its value and what is allowed."""
        limits = self.description
        check_types(request)
        check_size(request)
        check_references(request, limits.max_references)
        for picture in request.references:
            check_shape(picture)
        steps = (limits.steps or {})["standard"] if request.steps is None else request.steps
        if steps < 1:
            raise RequestError(f"steps {steps}: must be at least 1")
        guidance = (limits.guidance or 1.0) if request.guidance is None else request.guidance
        check_guidance(guidance)
        if request.negative_prompt and (limits.distilled or guidance <= 1):
            why = f"{limits.name} is distilled" if limits.distilled else f"guidance is {guidance:g}"
            raise RequestError(f"negative_prompt: {why}; use a base model and guidance above 1")
        if request.upsample and not limits.upsamples:
            raise RequestError(f"upsample: {limits.name} can't rewrite prompts; use flux.2-dev")
        if request.reuse not in REUSES:
            raise RequestError(f"reuse {request.reuse!r}: allowed are {', '.join(REUSES)}")
        if request.reuse == "approximate" and limits.kv and steps < LONG_SCHEDULE:
            raise RequestError(f"reuse 'approximate': {limits.name} already reuses references exactly; leave it out")
        width, height = sampled_size(request.width, request.height, limits.base_pixels)
        grid = (height // SIZE_MULTIPLE, width // SIZE_MULTIPLE)
        return Sampling(steps, guidance, grid, guidance > 1 and not limits.distilled)

    def _batch_key(self, request: RenderRequest) -> Hashable:
        """Returns what all requests of a batch have in common."""
        return self.check(request), request.reuse

    def _rows(self, request: RenderRequest) -> int:
        """Returns the rows of a request in the transformer's largest pass."""
        height, width = self.check(request).grid
        rows = self.description.text_length + height * width
        if self.description.kv:
            return rows
        pixels = self._reference_pixels(request)
        grids = [prepared_grid(picture.size, pixels) for picture in request.references]
        return rows + sum(grid_height * grid_width for grid_height, grid_width in grids)

    def _reference_pixels(self, request: RenderRequest) -> int:
        return request.reference_pixels or self.description.reference_pixels

    @torch.inference_mode()
    def _denoise(self, requests: Sequence[RenderRequest]) -> list[Job]:
        """Returns the jobs of a batch with their latents. A GPU may still be computing them."""
        with current(self.device):
            sampling = self.check(requests[0])
            jobs = [self._prepare(request, sampling) for request in requests]
            batch_clock = Clock(self.device)
            with batch_clock.stage("denoise"):
                latents_NChw, schedule_hit = self._run_denoiser(jobs, sampling)
        for number, (job, latents_Chw) in enumerate(zip(jobs, latents_NChw, strict=True)):
            job.output = latents_Chw[None]
            job.cache["modulations"] = int(schedule_hit or number > 0)
            job.clock.share("denoise", batch_clock, len(jobs))
        return jobs

    def _run_denoiser(self, jobs: Sequence[Job], sampling: Sampling) -> tuple[Tensor, bool]:
        """Returns the latents (N, C, h, w) of N jobs, and whether the schedule was cached."""
        samples = [self._sample(job, sampling) for job in jobs]
        self._conditions.make_room(
            list({id(sample.kv): sample.kv for sample in samples if sample.kv is not None}.values()),
            sampling.grid[0] * sampling.grid[1] + self.description.text_length,
        )
        approximate = jobs[0].request.reuse == "approximate"
        schedule, hit = self._conditions.schedule(sampling.grid, sampling.steps, sampling.guidance, approximate)
        model = self.loaded.use(self.loaded.transformer)
        return Denoiser(model, schedule, samples, self._kernels).run(), hit

    def _prepare(self, request: RenderRequest, sampling: Sampling) -> Job:
        """Returns a job with its texts and references encoded. Needs the text encoder and the autoencoder."""
        job = Job(request, Clock(self.device))
        with job.clock.stage("text"):
            job.prompt, rewrite_hit = self._conditions.prompt(request)
            if rewrite_hit is not None:
                job.cache["upsample"] = int(rewrite_hit)
            job.cache["text"] = int(self._conditions.prepare_text(job.prompt))
            if sampling.second_pass:
                self._conditions.prepare_text(request.negative_prompt)
        with job.clock.stage("references"):
            if request.references:
                pixels = self._reference_pixels(request)
                job.references, hit = self._conditions.references(request.references, pixels)
                job.cache["latents"] = int(hit)
        return job

    def _sample(self, job: Job, sampling: Sampling) -> Sample:
        """Returns the denoiser's inputs for a job. Needs the transformer on the device."""
        text, hit = self._conditions.projected(job.prompt)
        job.cache["projection"] = int(hit)
        negative = self._conditions.projected(job.request.negative_prompt)[0] if sampling.second_pass else None
        references, kv = job.references, None
        if references and self.description.kv:
            kv, hit = self._conditions.reference_kv(references, sampling.guidance)
            job.cache["reference_kv"] = int(hit)
            references = ()
        freqs_cis, hit = self._conditions.rope(sampling.grid, [reference.grid for reference in references])
        job.cache["rope"] = int(hit)
        return Sample(job.request.seed, freqs_cis, text, negative, references, kv)

    @torch.inference_mode()
    def _decode(self, job: Job) -> None:
        """Decode a job's latents to levels; on a GPU, start copying them to the machine's memory."""
        with current(self.device), job.clock.stage("decode"):
            decoded = self.loaded.autoencoder.decode(job.output)[0]
            job.value_range = copy_to_host(value_range(job.output, decoded))
            job.output = copy_to_host(to_levels(decoded))

    def _finished(self, decoding: deque[Job]) -> Iterator[Rendered | Failed]:
        while decoding:
            yield self._finish(decoding.popleft())

    def _finish(self, job: Job) -> Rendered | Failed:
        seconds = job.clock.seconds()  # waits until the levels have been copied
        if self._mapped_files is not None:
            self._mapped_files.check()
        try:
            check_finite(job.value_range)
        except UnusablePictureError as error:
            return Failed(error.with_traceback(None))
        sampled, size = Image.fromarray(job.output.numpy()), (job.request.width, job.request.height)
        return Rendered(
            enlarged(sampled, *size),
            seconds,
            dict(job.cache),
            prompt=job.prompt if job.request.upsample else None,
            enlarged_from=None if sampled.size == size else sampled.size,
        )


def _text_or_none(path: str | Path | None) -> str | None:
    return None if path is None else str(path)

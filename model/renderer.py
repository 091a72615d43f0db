"""Renderer: requests in, pictures out, in batches and ahead of whoever takes them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from brandpress.model.checkpoint.describe import describe
from brandpress.model.checkpoint.text import check_fit
from brandpress.model.choice import LoraChoice, ModelChoice
from brandpress.model.errors import RequestError
from brandpress.model.inference.batch import Batches
from brandpress.model.inference.caches import KV_BYTES, Caches, ReferenceLatents
from brandpress.model.inference.clock import Clock
from brandpress.model.inference.components import LoadedModel, load_model
from brandpress.model.inference.conditioning import Conditions
from brandpress.model.inference.denoise import Denoiser, Sample
from brandpress.model.inference.preprocess import prepared_grid, to_levels
from brandpress.model.limits import check_size, check_sources
from brandpress.model.memory.device import (
    current,
    device_of,
    driver_version,
    dtype_of,
    free_unused,
    keep_to_share,
    settled_memory,
)
from brandpress.model.memory.host import HostMemory
from brandpress.model.memory.plan import (
    DECODER_CHANNELS,
    RESIDENCIES,
    Largest,
    Residency,
    choose,
    need_of,
    packed_rows,
    with_room,
)
from brandpress.model.network.device_copy import copy_to_host
from brandpress.model.network.kernels import EAGER, Kernels, kernels_for
from brandpress.model.request import SIZE_MULTIPLE, Rendered, RendererProtocol, RenderRequest
from brandpress.model.sampler_version import LONG_SCHEDULE

USUAL = Largest()
REUSES = ("exact", "approximate")


@dataclass(frozen=True)
class Guided:
    """Steps, guidance and size (in tokens) of a request, with the model's defaults filled in. second_pass: whether
    guidance needs one, without the prompt."""

    steps: int
    guidance: float
    grid: tuple[int, int]
    second_pass: bool


@dataclass
class _Job:
    """A request on its way. made: its latents (1, C, h, w), later its levels (H, W, 3)."""

    request: RenderRequest
    clock: Clock
    prompt: str = ""
    references: tuple[ReferenceLatents, ...] = ()
    cache: dict[str, int] = field(default_factory=dict)
    made: Tensor = field(default_factory=lambda: torch.empty(0))


class Renderer:
    """One loaded model on one device. Not thread-safe: a worker has one of its own."""

    def __init__(
        self, loaded: LoadedModel, spare: int = KV_BYTES, kernels: Kernels = EAGER, host_cache: int = 0
    ) -> None:
        """spare: bytes of the device that neither weights nor pictures need. host_cache: bytes of the machine's memory
        for reference sets that the device has no room for."""
        self.loaded, self.description = loaded, loaded.description
        self.device, self.dtype, self.residency = loaded.device, loaded.dtype, loaded.residency
        self.reuse = Caches(loaded.device, spare, host_cache)
        self._kernels = kernels
        loaded.autoencoder.use(kernels)
        self._conditions = Conditions(loaded, self.reuse, kernels)

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
        largest: Largest = USUAL,
        region: str | None = None,
        workers: int = 1,
        per_device: int = 1,
        compile: bool | None = None,
    ) -> RendererProtocol:
        """Load `base`: a name of the family, a folder in diffusers' layout, a single file, or a hub id.

        transformer, vae, text_encoder: a file or folder in the base's part's place. loras: (file, scale) each, added
        up. quantise: "fp8" keeps the blocks' weights in one byte each. A relative path is taken from the working
        directory; what's on the hub and not in its cache is downloaded. device: "cpu", "cuda", "cuda:1"…; the first GPU
        when None and there is one. dtype: "float32", "bfloat16" or "float16"; bfloat16 on a GPU and float32 on a CPU
        when None. residency: "resident" or "turns" (see `memory.plan`); None chooses by the device's free memory and
        the largest picture to come. region: of a hosted tier. workers: how many share its account, or this machine's
        memory. per_device: how many share the device, each planning with its part. compile: fuse the work between
        products where a compiler is found (Triton on a GPU, torch.compile on a CPU); None does so on a GPU. Raises
        CheckpointError, also where the model doesn't fit, and RequestError for another device, dtype or residency.
        """
        choice = ModelChoice(
            base=str(base),
            transformer=written(transformer),
            vae=written(vae),
            text_encoder=written(text_encoder),
            loras=tuple(LoraChoice(str(file), scale) for file, scale in loras),
            quantise=quantise,
            region=region,
        )
        place, kind = device_of(device), dtype_of(device_of(device), dtype)
        if residency not in (None, *RESIDENCIES):
            raise RequestError(f"residency {residency!r}: allowed are {', '.join(RESIDENCIES)}")
        description = describe(choice, Path.cwd(), fetch=True)
        if description.parts is None:
            from brandpress.model.hosted import HostedRenderer

            return HostedRenderer.load(description.family, region, workers)
        check_fit(description)
        need = need_of(description, kind.itemsize, largest)
        memory = settled_memory(place, per_device, need.resident)
        need = with_room(need, memory) if place.type == "cuda" else need
        sharing: Residency = choose(need, memory) if residency is None else RESIDENCIES[residency]
        keep_to_share(place, memory)
        host = HostMemory.here(workers) if place.type == "cuda" else None
        kept = host is not None and sharing == "turns" and host.holds_turns(need)
        loaded = load_model(description, description.parts, place, kind, sharing, host, kept_in_memory=kept)
        if need.work == need.in_one_piece:
            loaded.autoencoder.untiled_elements = DECODER_CHANNELS * largest.width * largest.height
        waiting = need.transformer + need.text_encoder if kept else 0
        cache = host.cache_budget(need.reference_set, waiting) if host else 0
        return cls(loaded, need.spare(sharing, memory), kernels_for(place, compile), cache)

    def host(self) -> dict[str, str]:
        """What a record says of the machine: device, torch, driver; how many rows of the transformer go in one pass;
        that the model's parts take turns, and from where they come; and what its work is compiled by."""
        on_gpu = self.device.type == "cuda"
        return {
            "device": torch.cuda.get_device_name(self.device) if on_gpu else self.device.type,
            "torch": torch.__version__,
            "driver": driver_version() if on_gpu else "none",
            **({"residency": "turns", "turns_from": self.loaded.turns_from} if self.residency == "turns" else {}),
            **({} if self._kernels is EAGER else {"compiled": self._kernels.name}),
            "pass_rows": "one picture" if self.device.type == "cuda" else str(packed_rows(self.device.type)),
        }

    def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
        """The pictures (RGB) of the requests, in their order.

        A picture doesn't depend on what else is in the list. Raises RequestError before anything is rendered.
        """
        for request in requests:
            self.check(request)
        self.prepare(requests)
        return [rendered.picture for rendered in self.stream(requests)]

    def prepare(self, requests: Iterable[RenderRequest]) -> None:
        """Encode the requests' prompts ahead, where text encoder and transformer share a device's memory in turns;
        and rewrite those that are to be. `stream` does both by itself, one request at a time."""
        prompts = [(self._conditions.prompt(request)[0], request) for request in requests]
        for prompt, request in prompts if self.residency == "turns" else ():
            self._conditions.text(prompt)
            if self.check(request).second_pass:
                self._conditions.text(request.negative_prompt)

    def release(self) -> None:
        """Give memory back to the device, as after an attempt that ran out of it: what only that used, and reference
        sets that are kept for pictures to come."""
        self._conditions.release()
        free_unused(self.device)

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered]:
        """The pictures one by one as they are done, each with its timings (seconds) and cache hits.

        Neighbours of one size, step count and guidance go through the transformer together. On a GPU pictures come one
        batch late: while the next is at work, the last is fetched.
        """
        ahead: list[_Job] = []
        for batch in Batches(self._kind, self._rows, packed_rows(self.device.type)).of(requests):
            jobs = self._denoise(batch)
            yield from map(self._finish, ahead)
            ahead = []
            for job in jobs:
                self._decode(job)
                if self.device.type == "cuda":
                    ahead.append(job)
                else:
                    yield self._finish(job)
        yield from map(self._finish, ahead)

    def check(self, request: RenderRequest) -> Guided:
        """The request with defaults filled in. Raises RequestError, naming the field and what is allowed."""
        limits = self.description
        check_size(request)
        check_sources(request, limits.max_references)
        steps = (limits.steps or {})["standard"] if request.steps is None else request.steps
        if steps < 1:
            raise RequestError(f"steps {steps}: at least 1")
        guidance = (limits.guidance or 1.0) if request.guidance is None else request.guidance
        if request.negative_prompt and (limits.distilled or guidance <= 1):
            why = f"{limits.name} has no second pass" if limits.distilled else f"guidance is {guidance:g}"
            raise RequestError(f"negative_prompt: {why}; it needs a base model and guidance above 1")
        if request.upsample and not limits.upsamples:
            raise RequestError(f"upsample: {limits.name} has no language model that rewrites prompts; flux.2-dev has")
        if request.reuse not in REUSES:
            raise RequestError(f"reuse {request.reuse!r}: allowed are {', '.join(REUSES)}")
        if request.reuse == "approximate" and limits.kv and steps < LONG_SCHEDULE:
            raise RequestError(f"reuse: {limits.name} reuses its references exactly already; leave it out")
        grid = (request.height // SIZE_MULTIPLE, request.width // SIZE_MULTIPLE)
        return Guided(steps, guidance, grid, guidance > 1 and not limits.distilled)

    def _kind(self, request: RenderRequest) -> Hashable:
        """Requests of one kind have their steps in common."""
        plan = self.check(request)
        return plan, request.reuse

    def _rows(self, request: RenderRequest) -> int:
        """Of the transformer's largest pass for a request."""
        height, width = self.check(request).grid
        own = self.description.text_length + height * width
        if self.description.kv:
            return own
        pixels = self._reference_pixels(request)
        grids = [prepared_grid(picture.size, pixels) for picture in request.references]
        return own + sum(tall * wide for tall, wide in grids)

    def _reference_pixels(self, request: RenderRequest) -> int:
        return request.reference_pixels or self.description.reference_pixels

    @torch.inference_mode()
    def _denoise(self, requests: Sequence[RenderRequest]) -> list[_Job]:
        """The latents of a batch; on a GPU they are still being computed."""
        with current(self.device):
            return self._denoised(requests, self.check(requests[0]))

    def _denoised(self, requests: Sequence[RenderRequest], plan: Guided) -> list[_Job]:
        jobs = [self._prepare(request, plan) for request in requests]
        together = Clock(self.device)
        with together.stage("denoise"):
            samples = [self._sample(job, plan) for job in jobs]
            self._conditions.make_room(
                list({id(one.kv): one.kv for one in samples if one.kv is not None}.values()),
                plan.grid[0] * plan.grid[1] + self.description.text_length,
            )
            approximate = requests[0].reuse == "approximate"
            schedule, hit = self._conditions.schedule(plan.grid, plan.steps, plan.guidance, approximate)
            model = self.loaded.use(self.loaded.transformer)
            latents = Denoiser(model, schedule, samples, self._kernels).run()
        for number, (job, made) in enumerate(zip(jobs, latents, strict=True)):
            job.made = made[None]
            job.cache["modulations"] = int(hit or number > 0)
            job.clock.share("denoise", together, len(jobs))
        return jobs

    def _prepare(self, request: RenderRequest, plan: Guided) -> _Job:
        """What needs the text encoder and the autoencoder."""
        job = _Job(request, Clock(self.device))
        with job.clock.stage("text"):
            job.prompt, rewritten = self._conditions.prompt(request)
            if rewritten is not None:
                job.cache["upsample"] = int(rewritten)
            job.cache["text"] = int(self._conditions.prepared_text(job.prompt))
            if plan.second_pass:
                self._conditions.prepared_text(request.negative_prompt)
        with job.clock.stage("references"):
            if request.references:
                pixels = self._reference_pixels(request)
                job.references, hit = self._conditions.references(request.references, pixels)
                job.cache["latents"] = int(hit)
        return job

    def _sample(self, job: _Job, plan: Guided) -> Sample:
        """What needs the transformer."""
        text, hit = self._conditions.projected(job.prompt)
        job.cache["projection"] = int(hit)
        negative = self._conditions.projected(job.request.negative_prompt)[0] if plan.second_pass else None
        references, kv = job.references, None
        if references and self.description.kv:
            kv, hit = self._conditions.reference_kv(references, plan.guidance)
            job.cache["reference_kv"] = int(hit)
            references = ()
        freqs_cis, hit = self._conditions.rope(plan.grid, [reference.grid for reference in references])
        job.cache["rope"] = int(hit)
        return Sample(job.request.seed, freqs_cis, text, negative, references, kv)

    @torch.inference_mode()
    def _decode(self, job: _Job) -> None:
        """Latents -> levels; on a GPU they are on their way to the machine's memory."""
        with current(self.device), job.clock.stage("decode"):
            job.made = copy_to_host(to_levels(self.loaded.autoencoder.decode(job.made)[0]))

    def _finish(self, job: _Job) -> Rendered:
        seconds = job.clock.seconds()  # waits for the levels
        picture = Image.fromarray(job.made.numpy())
        return Rendered(picture, seconds, dict(job.cache), job.prompt if job.request.upsample else None)


def written(path: str | Path | None) -> str | None:
    return None if path is None else str(path)

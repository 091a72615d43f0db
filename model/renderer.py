"""Renderer: requests in, pictures out. Owns the weights and what several pictures share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from PIL import Image
from torch import Tensor

from model.autoencoder import Autoencoder
from model.cache import Cache
from model.checkpoint.describe import ModelDescription, describe
from model.checkpoint.load import load_autoencoder, load_transformer
from model.checkpoint.locate import Parts
from model.checkpoint.text import check_fit, load_text_encoder
from model.choice import LoraChoice, ModelChoice
from model.clock import Clock
from model.denoise import Conditions, ReferenceLatents, as_tokens, denoise, reference_kv
from model.device import device_of, dtype_of, memory_of
from model.errors import RequestError
from model.limits import check_size, check_sources
from model.memory import RESIDENCIES, Largest, Residency, choose, need_of
from model.references import prepare_reference, to_picture
from model.request import SIZE_MULTIPLE, Pictures, Rendered, RenderRequest
from model.residency import Resident
from model.text_encoder import TextEncoder
from model.transformer import KeyValue, Transformer
from model.upsample import Upsampler, load_upsampler

Part = TypeVar("Part")

CACHE_BYTES = {"text": 1 << 30, "latents": 1 << 28, "reference_kv": 4 << 30}
"""At most. Texts are kept in the machine's memory, the rest on the device: keys and values as far as it has room."""

REWRITTEN_PROMPTS = 1 << 20
USUAL = Largest()


@dataclass(frozen=True)
class Guided:
    """Steps, guidance and size (in tokens) of a request, with the model's defaults filled in."""

    steps: int
    guidance: float
    grid: tuple[int, int]


class Renderer:
    """One loaded model on one device. Not thread-safe: a worker has one of its own."""

    def __init__(
        self,
        description: ModelDescription,
        transformer: Resident[Transformer],
        autoencoder: Autoencoder,
        text_encoder: Resident[TextEncoder],
        device: torch.device,
        dtype: torch.dtype,
        residency: Residency = "resident",
        spare: int = CACHE_BYTES["reference_kv"],
    ) -> None:
        """spare: bytes of the device that neither weights nor pictures need."""
        self.description, self.device, self.dtype, self.residency = description, device, dtype, residency
        self._transformer, self._autoencoder, self._text_encoder = transformer, autoencoder, text_encoder
        self._upsampler: Resident[Upsampler] = Resident(lambda: load_upsampler(description, device, dtype))
        self._texts: Cache[Tensor] = Cache(CACHE_BYTES["text"], tensor_bytes)
        self._prompts: Cache[str] = Cache(REWRITTEN_PROMPTS, len)
        self._latents: Cache[ReferenceLatents] = Cache(CACHE_BYTES["latents"], lambda ref: tensor_bytes(ref.tokens))
        self._reference_kv: Cache[list[KeyValue]] = Cache(min(spare, CACHE_BYTES["reference_kv"]), kv_bytes)

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
    ) -> Pictures:
        """Load `base`: a name of the family, a folder in diffusers' layout, a single file, or a hub id.

        transformer, vae, text_encoder: a file or folder in the base's part's place. loras: (file, scale) each, added
        up. quantise: "fp8" keeps the blocks' weights in one byte each. A relative path is taken from the working
        directory; what's on the hub and not in its cache is downloaded. device: "cpu", "cuda", "cuda:1"…; the first GPU
        when None and there is one. dtype: "float32", "bfloat16" or "float16"; bfloat16 on a GPU and float32 on a CPU
        when None. residency: "resident" or "turns" (see `model.memory`); None chooses by the device's memory and the
        largest picture to come. region: of a hosted tier; workers: how many share its account. Raises CheckpointError,
        and RequestError for another device, dtype or residency.
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
            from model.hosted import HostedRenderer

            return HostedRenderer.load(description.family, region, workers)
        check_fit(description)
        need, memory = need_of(description, kind.itemsize, largest), memory_of(place)
        chosen: Residency = choose(need, memory) if residency is None else RESIDENCIES[residency]
        return cls._load(description, description.parts, place, kind, chosen, need.spare(chosen, memory))

    @classmethod
    def _load(
        cls,
        description: ModelDescription,
        parts: Parts,
        device: torch.device,
        dtype: torch.dtype,
        residency: Residency,
        spare: int,
    ) -> Renderer:
        quantise = description.choice.quantise
        transformer = Resident(lambda: load_transformer(parts, device, dtype, quantise))
        text_encoder: Resident[TextEncoder] = Resident(lambda: load_text_encoder(description, device, dtype))
        if residency == "resident":
            text_encoder.get()
            transformer.get()
        autoencoder = load_autoencoder(parts, device, dtype)
        return cls(description, transformer, autoencoder, text_encoder, device, dtype, residency, spare)

    def host(self) -> dict[str, str]:
        """What a record says of the machine: device, torch, driver; and that the model's parts take turns in it."""
        on_gpu = self.device.type == "cuda"
        return {
            "device": torch.cuda.get_device_name(self.device) if on_gpu else self.device.type,
            "torch": torch.__version__,
            "driver": f"cuda {torch.version.cuda}" if on_gpu else "none",
            **({"residency": self.residency} if self.residency == "turns" else {}),
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
        prompts = [(self._prompt(request)[0], request) for request in requests]
        for prompt, request in prompts if self.residency == "turns" else ():
            self._text(prompt)
            if self._guided(request):
                self._text(request.negative_prompt)

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered]:
        """The pictures one by one as they are done, each with its timings (seconds) and cache hits."""
        for request in requests:
            yield self._render(request)

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
        return Guided(steps, guidance, (request.height // SIZE_MULTIPLE, request.width // SIZE_MULTIPLE))

    @torch.inference_mode()
    def _render(self, request: RenderRequest) -> Rendered:
        plan = self.check(request)
        clock, hits = Clock(self.device), {}
        with clock.stage("text"):
            prompt, rewritten = self._prompt(request)
            if rewritten is not None:
                hits["upsample"] = rewritten
            text, hits["text"] = self._text(prompt)
            negative = self._text(request.negative_prompt)[0] if self._guided(request) else None
        with clock.stage("references"):
            references, kv = self._references(request, plan, hits)
        with clock.stage("denoise"):
            conditions = Conditions(text, negative, references, kv, plan.guidance)
            latents = denoise(self._use(self._transformer), conditions, plan.grid, plan.steps, request.seed)
        with clock.stage("decode"):
            picture = to_picture(self._autoencoder.decode(latents)[0])
        return Rendered(picture, clock.seconds, hits, prompt if request.upsample else None)

    def _guided(self, request: RenderRequest) -> bool:
        return self.check(request).guidance > 1 and not self.description.distilled

    def _prompt(self, request: RenderRequest) -> tuple[str, int | None]:
        """The prompt to encode; whether its rewriting was there already, None where none is asked for."""
        if not request.upsample:
            return request.prompt, None
        pictures = hashlib.sha256()
        for picture in request.references:
            pictures.update(repr((picture.size, picture.mode)).encode() + picture.tobytes())

        def rewrite() -> str:
            self._transformer.drop()
            self._text_encoder.drop()
            return self._upsampler.get().rewrite(request.prompt, request.references)

        prompt, hit = self._prompts.get((request.prompt, pictures.digest()), rewrite)
        return prompt, int(hit)

    def _text(self, prompt: str) -> tuple[Tensor, int]:
        def encode() -> Tensor:
            return self._use(self._text_encoder).encode(prompt).cpu()

        text, hit = self._texts.get(prompt, encode)
        return text.to(self.device), int(hit)

    def _use(self, part: Resident[Part]) -> Part:
        """The part, in memory; in turns nothing else of its size is."""
        self._upsampler.drop()
        if self.residency == "turns":
            (self._text_encoder if part is self._transformer else self._transformer).drop()
        return part.get()

    def _references(
        self, request: RenderRequest, plan: Guided, hits: dict[str, int]
    ) -> tuple[list[ReferenceLatents], list[KeyValue] | None]:
        """The references' latents, and their keys and values where the model has those apart."""
        if not request.references:
            return [], None
        pixels = request.reference_pixels or self.description.reference_pixels
        found = [self._reference(prepare_reference(picture, pixels)) for picture in request.references]
        references = [latents for latents, _ in found]
        hits["latents"] = int(all(hit for _, hit in found))
        if not self.description.kv:
            return references, None
        guidance = plan.guidance if self._embeds_guidance else 0.0

        def make() -> list[KeyValue]:
            return reference_kv(self._use(self._transformer), references, guidance)

        key = (*(reference.digest for reference in references), guidance)
        kv, hit = self._reference_kv.get(key, make)
        hits["reference_kv"] = int(hit)
        return references, kv

    @property
    def _embeds_guidance(self) -> bool:
        return self._use(self._transformer).config.guidance_embeds

    def _reference(self, pixels: Tensor) -> tuple[ReferenceLatents, bool]:
        digest = hashlib.sha256(repr(tuple(pixels.shape)).encode() + pixels.numpy().tobytes()).hexdigest()

        def make() -> ReferenceLatents:
            latents = self._autoencoder.encode(pixels.to(self.device, self.dtype))
            return ReferenceLatents(as_tokens(latents), (latents.shape[2], latents.shape[3]), digest)

        return self._latents.get(digest, make)


def written(path: str | Path | None) -> str | None:
    return None if path is None else str(path)


def tensor_bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def kv_bytes(pairs: list[KeyValue]) -> int:
    return sum(tensor_bytes(pair.key) + tensor_bytes(pair.value) for pair in pairs)

"""Renderer: requests in, pictures out. Owns the weights and what several pictures share."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from model.autoencoder import Autoencoder
from model.cache import Cache
from model.checkpoint.describe import ModelDescription, describe
from model.checkpoint.folder import load_autoencoder, load_text_encoder, load_transformer
from model.errors import RequestError
from model.positions import image_ids, reference_ids, text_ids
from model.references import prepare_reference, to_picture
from model.request import MAX_PIXELS, SIZE_MULTIPLE, Rendered, RenderRequest
from model.sampler import euler_step, initial_noise, sigmas
from model.text_encoder import TextEncoder
from model.transformer import KeyValue, Rope, Transformer, cat_rope

NEGATIVE_PROMPT = ""
CACHE_BYTES = {"text": 1 << 30, "latents": 1 << 30, "reference_kv": 4 << 30}


class ReferenceLatents(NamedTuple):
    """A reference as tokens (1, R, C) on a (height, width) grid, and the digest of its prepared pixels."""

    tokens: Tensor
    grid: tuple[int, int]
    digest: str


@dataclass(frozen=True)
class Guided:
    """Steps, guidance and size of a request, with the model's defaults filled in."""

    steps: int
    guidance: float
    grid: tuple[int, int]


class Renderer:
    """One loaded model on one device. Not thread-safe: a worker has one of its own."""

    def __init__(
        self,
        description: ModelDescription,
        transformer: Transformer,
        autoencoder: Autoencoder,
        text_encoder: TextEncoder,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.description, self.device, self.dtype = description, device, dtype
        self._transformer, self._autoencoder, self._text_encoder = transformer, autoencoder, text_encoder
        self._texts: Cache[Tensor] = Cache(CACHE_BYTES["text"], tensor_bytes)
        self._latents: Cache[ReferenceLatents] = Cache(CACHE_BYTES["latents"], lambda ref: tensor_bytes(ref.tokens))
        self._reference_kv: Cache[list[KeyValue]] = Cache(CACHE_BYTES["reference_kv"], kv_bytes)

    @classmethod
    def load(cls, base: str, *, device: str | None = None, dtype: str | None = None) -> Renderer:
        """Load `base`: a name of the family, a folder in diffusers' layout, or a hub id.

        A relative folder is taken from the working directory. device: "cpu", "cuda", "cuda:1"…; the first GPU when None
        and there is one. dtype: "float32", "bfloat16" or "float16"; bfloat16 on a GPU and float32 on a CPU when None.
        Raises CheckpointError, and RequestError for another device or dtype.
        """
        try:
            place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        except RuntimeError as error:
            raise RequestError(f"device {device!r}: allowed are cpu, cuda, cuda:1 and so on") from error
        kind = getattr(torch, dtype or ("float32" if place.type == "cpu" else "bfloat16"), None)
        if kind not in (torch.float32, torch.bfloat16, torch.float16):
            raise RequestError(f"dtype {dtype!r}: allowed are float32, bfloat16, float16")
        description = describe(base, Path.cwd())
        return cls(
            description,
            load_transformer(description.folder, place, kind),
            load_autoencoder(description.folder, place, kind),
            load_text_encoder(description, place, kind),
            place,
            kind,
        )

    def host(self) -> dict[str, str]:
        """What a record says of the machine: device, torch, driver."""
        on_gpu = self.device.type == "cuda"
        return {
            "device": torch.cuda.get_device_name(self.device) if on_gpu else self.device.type,
            "torch": torch.__version__,
            "driver": f"cuda {torch.version.cuda}" if on_gpu else "none",
        }

    def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
        """The pictures (RGB) of the requests, in their order.

        A picture doesn't depend on what else is in the list. Raises RequestError before anything is rendered.
        """
        for request in requests:
            self.check(request)
        return [rendered.picture for rendered in self.stream(requests)]

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered]:
        """The pictures one by one as they are done, each with its timings (seconds) and cache hits."""
        for request in requests:
            yield self._render(request)

    def check(self, request: RenderRequest) -> Guided:
        """The request with defaults filled in. Raises RequestError, naming the field and what is allowed."""
        limits = self.description
        if request.width % SIZE_MULTIPLE or request.height % SIZE_MULTIPLE or min(request.width, request.height) <= 0:
            raise RequestError(
                f"size {request.width}x{request.height}: width and height must be multiples of {SIZE_MULTIPLE}"
            )
        if request.width * request.height > MAX_PIXELS:
            raise RequestError(f"size {request.width}x{request.height}: at most {MAX_PIXELS:,} pixels")
        if len(request.references) > limits.max_references:
            raise RequestError(f"references: {len(request.references)} given, at most {limits.max_references} allowed")
        steps = limits.steps["standard"] if request.steps is None else request.steps
        if steps < 1:
            raise RequestError(f"steps {steps}: at least 1")
        guidance = limits.guidance if request.guidance is None else request.guidance
        return Guided(steps, guidance, (request.height // SIZE_MULTIPLE, request.width // SIZE_MULTIPLE))

    @torch.inference_mode()
    def _render(self, request: RenderRequest) -> Rendered:
        plan = self.check(request)
        clock, hits = Clock(self.device), {}
        with clock.stage("text"):
            text, hits["text"] = self._text(request.prompt)
            guided = plan.guidance > 1 and not self.description.distilled
            negative = self._text(NEGATIVE_PROMPT)[0] if guided else None
        with clock.stage("references"):
            prepared = [prepare_reference(p, self.description.reference_pixels) for p in request.references]
            found = [self._reference(pixels) for pixels in prepared]
            references = [latents for latents, _ in found]
            if references:
                hits["latents"] = int(all(hit for _, hit in found))
            if references and self.description.kv:
                kv, hits["reference_kv"] = self._kv(references)
            else:
                kv = None
        with clock.stage("denoise"):
            latents = self._denoise(request, plan, text, negative, references, kv)
        with clock.stage("decode"):
            picture = to_picture(self._autoencoder.decode(latents)[0])
        return Rendered(picture, clock.seconds, hits)

    def _text(self, prompt: str) -> tuple[Tensor, int]:
        text, hit = self._texts.get(prompt, lambda: self._text_encoder.encode(prompt))
        return text, int(hit)

    def _reference(self, pixels: Tensor) -> tuple[ReferenceLatents, bool]:
        digest = hashlib.sha256(repr(tuple(pixels.shape)).encode() + pixels.numpy().tobytes()).hexdigest()

        def make() -> ReferenceLatents:
            latents = self._autoencoder.encode(pixels.to(self.device, self.dtype))
            return ReferenceLatents(as_tokens(latents), (latents.shape[2], latents.shape[3]), digest)

        return self._latents.get(digest, make)

    def _kv(self, references: list[ReferenceLatents]) -> tuple[list[KeyValue], int]:
        def make() -> list[KeyValue]:
            still = self._transformer.modulations(torch.zeros(1, dtype=self.dtype, device=self.device))
            tokens = torch.cat([reference.tokens for reference in references], dim=1)
            return self._transformer.reference_kv(tokens, still, self._reference_rope(references))

        kv, hit = self._reference_kv.get(tuple(reference.digest for reference in references), make)
        return kv, int(hit)

    def _reference_rope(self, references: list[ReferenceLatents]) -> Rope:
        return self._transformer.rope(reference_ids([reference.grid for reference in references]).to(self.device))

    def _denoise(
        self,
        request: RenderRequest,
        plan: Guided,
        text: Tensor,
        negative: Tensor | None,
        references: list[ReferenceLatents],
        kv: list[KeyValue] | None,
    ) -> Tensor:
        """Normalised latents (1, C, h, w) of the finished picture."""
        model, (height, width) = self._transformer, plan.grid
        noise = initial_noise(model.config.in_channels, height, width, request.seed)
        latents = as_tokens(noise.to(self.device, self.dtype))
        ids = torch.cat((text_ids(text.shape[1]), image_ids(height, width))).to(self.device)
        rope = model.rope(ids)
        beside = [] if kv is not None else [reference.tokens for reference in references]
        if beside:
            rope = cat_rope(rope, self._reference_rope(references))
        count = latents.shape[1]
        schedule = sigmas(count, plan.steps).to(self.device)
        for sigma, sigma_next in pairwise(schedule):
            timestep = (sigma * 1000).to(self.dtype)[None] / 1000 * 1000
            mods = model.modulations(timestep)
            image = torch.cat((latents, *beside), dim=1)
            velocity = model(image, text, mods, rope, kv)[:, :count]
            if negative is not None:
                without = model(image, negative, mods, rope, kv)[:, :count]
                velocity = without + plan.guidance * (velocity - without)
            latents = euler_step(latents, velocity, sigma, sigma_next)
        return latents.transpose(1, 2).reshape(1, -1, height, width)


class Clock:
    """Seconds per stage; on a GPU each stage ends when its kernels have."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        self.seconds[name] = time.perf_counter() - start


def as_tokens(latents: Tensor) -> Tensor:
    """(B, C, h, w) -> (B, h * w, C), row by row."""
    return latents.flatten(2).transpose(1, 2)


def tensor_bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def kv_bytes(pairs: list[KeyValue]) -> int:
    return sum(tensor_bytes(pair.key) + tensor_bytes(pair.value) for pair in pairs)

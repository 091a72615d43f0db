"""The conditions of pictures (texts, references, schedules), each computed once and cached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from PIL import Image
from torch import Tensor

from brandpress.model.inference.caches import Caches, Grid, Keys, ReferenceLatents
from brandpress.model.inference.components import LoadedModel
from brandpress.model.inference.denoise import (
    Schedule,
    as_tokens,
    kv_bytes,
    layout_freqs_cis,
    modulations,
    reference_kv,
)
from brandpress.model.inference.preprocess import PictureDigests, pixels_digest, prepare_reference
from brandpress.model.inference.reference_kv import ReferenceKV
from brandpress.model.inference.sampler import sigmas
from brandpress.model.memory.offload import nbytes
from brandpress.model.network.device_copy import copy_to_device, copy_to_host
from brandpress.model.network.kernels import Kernels
from brandpress.model.network.modulation import Modulations
from brandpress.model.network.transformer import Transformer
from brandpress.model.request import RenderRequest


class Conditions:
    """Computes and caches conditions. Most methods return the value and whether it was cached."""

    def __init__(self, loaded: LoadedModel, caches: Caches, kernels: Kernels) -> None:
        self._loaded, self._caches, self._kernels = loaded, caches, kernels
        description = loaded.description
        self._keys = Keys(description.weights_digest, description.choice.quantise, loaded.dtype, loaded.device.type)
        self._with_room: list[ReferenceKV] = []
        self._digests = PictureDigests()

    def prompt(self, request: RenderRequest) -> tuple[str, bool | None]:
        """Returns the prompt to encode, and whether its rewritten form was cached; None if the request doesn't ask for
        one."""
        if not request.upsample:
            return request.prompt, None
        key = (request.prompt, *map(self._digests.of, request.references))
        return self._caches.prompts.get(key, lambda: self._loaded.rewrite(request.prompt, request.references))

    def chunks(self, requests: Sequence[RenderRequest]) -> Iterator[Sequence[RenderRequest]]:
        """Splits requests into chunks whose encoded texts fit into their cache. Rewrites the prompts that need it.

        With offloading, each text that was evicted before its picture is rendered would swap two models.
        """
        prompts = [self.prompt(request)[0] for request in requests]
        if self._loaded.residency != "offload" or not prompts:
            yield requests
            return
        fitting = self._caches.texts.budget // nbytes(self.text(prompts[0])[0])
        chunk: list[RenderRequest] = []
        texts: set[str] = set()
        for prompt, request in zip(prompts, requests, strict=True):
            added = {prompt, request.negative_prompt}
            if chunk and len(texts | added) > fitting:
                yield chunk
                chunk, texts = [], set()
            chunk.append(request)
            texts |= added
        yield chunk

    def text(self, prompt: str) -> tuple[Tensor, bool]:
        """A prompt's embedding (1, L, X), in the machine's memory. X: the text encoder's features per token."""

        def encode() -> Tensor:
            return copy_to_host(self._loaded.use(self._loaded.text_encoder).encode(prompt))

        return self._caches.texts.get(self._keys.text(prompt), encode)

    def prepare_text(self, prompt: str) -> bool:
        """Run the text encoder if `projected` will need it. Returns whether the text was cached in either form."""
        return self._keys.text(prompt) in self._caches.projected or self.text(prompt)[1]

    def projected(self, prompt: str) -> tuple[Tensor, bool]:
        """A prompt's embedding, projected to the transformer's width (L, D)."""

        def project() -> Tensor:
            text = copy_to_device(self.text(prompt)[0], self._loaded.device)
            projected: Tensor = self._loaded.use(self._loaded.transformer).context_embedder(text[0])
            return projected

        return self._caches.projected.get(self._keys.text(prompt), project)

    def references(self, pictures: Sequence[Image.Image], pixels: int) -> tuple[tuple[ReferenceLatents, ...], bool]:
        """The latents of reference pictures, in order. pixels: the area that larger pictures are scaled down to.

        Counts as cached if all of them were.
        """
        references = [self._reference(picture, pixels) for picture in pictures]
        return tuple(latents for latents, _ in references), all(hit for _, hit in references)

    def _reference(self, picture: Image.Image, pixels: int) -> tuple[ReferenceLatents, bool]:
        prepared: list[Tensor] = []

        def prepare() -> str:
            prepared.append(prepare_reference(picture, pixels))
            return pixels_digest(prepared[0])

        digest, _ = self._caches.prepared.get((self._digests.of(picture), pixels), prepare)

        def encode() -> ReferenceLatents:
            tensor = prepared[0] if prepared else prepare_reference(picture, pixels)
            on_device = copy_to_device(tensor, self._loaded.device).to(self._loaded.dtype)
            latents = self._loaded.autoencoder.encode(on_device).to(self._loaded.dtype)
            return ReferenceLatents(as_tokens(latents)[0], (latents.shape[2], latents.shape[3]), digest)

        return self._caches.latents.get(self._keys.latents(digest), encode)

    def reference_kv(self, references: Sequence[ReferenceLatents], guidance: float) -> tuple[ReferenceKV, bool]:
        """The keys and values of a reference set, for models that compute them in a pass of their own."""
        scale = self._embedded(guidance)
        model = self._loaded.use(self._loaded.transformer)

        def make() -> ReferenceKV:
            still = modulations(model, torch.zeros(()), scale, references[0].tokens)
            return reference_kv(model, references, still, self._kernels)

        key = self._keys.reference_kv([reference.digest for reference in references], scale)
        rows = sum(reference.tokens.shape[0] for reference in references)
        expected = kv_bytes(model, rows, references[0].tokens)
        return self._caches.reference_kv.get(key, make, expected, before_miss=self._free_room)

    def release(self) -> None:
        """Evict all reference sets from the device. They move to the machine's memory if it has room."""
        self._free_room()
        self._caches.reference_kv.shrink_to(0)

    def _free_room(self) -> None:
        """Free the room of the sets that were used last, before another one is computed."""
        self.make_room((), 0)

    def make_room(self, sets: Sequence[ReferenceKV], rows: int) -> None:
        """Give the sets in use room for a picture's rows. Frees the room of sets that are no longer in use."""
        for kv in self._with_room:
            if not any(kv is used for used in sets):
                kv.fit(0)
        for kv in sets:
            kv.fit(rows)
        self._with_room = list(sets)

    def rope(self, grid: Grid, references: Sequence[Grid]) -> tuple[Tensor, bool]:
        """`freqs_cis` of references that run, target and text. references: the grids of those that run."""
        length = self._loaded.description.text_length

        def make() -> Tensor:
            model = self._loaded.use(self._loaded.transformer)
            return layout_freqs_cis(model, grid, references, length, self._loaded.device)

        return self._caches.rope.get(self._keys.rope(grid, references, length), make)

    def schedule(self, grid: Grid, steps: int, guidance: float, approximate: bool) -> tuple[Schedule, bool]:
        """The sigmas and the modulations of each step. Counts as cached if all modulations were."""
        scale, like = self._embedded(guidance), torch.empty(0, dtype=self._loaded.dtype, device=self._loaded.device)
        times = sigmas(grid[0] * grid[1], steps)
        model = self._loaded.use(self._loaded.transformer)
        steps_mods = [self._modulations(model, time, scale, like) for time in times[:-1]]
        mods, hits = zip(*steps_mods, strict=True)
        return Schedule(grid, times, mods, guidance, approximate), all(hits)

    def _modulations(
        self, model: Transformer, time: Tensor, scale: float | None, like: Tensor
    ) -> tuple[Modulations, bool]:
        key = self._keys.modulations(float(time), scale)
        return self._caches.modulations.get(key, lambda: modulations(model, time, scale, like))

    def _embedded(self, guidance: float) -> float | None:
        """Returns the guidance if the model embeds it, or None."""
        embeds = self._loaded.use(self._loaded.transformer).config.guidance_embeds
        return guidance if embeds else None

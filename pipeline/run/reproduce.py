"""Renders a delivered picture again from its record, as a worker does, and compares the two."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.enlarging import sampled_size
from brandpress.model.errors import BrandpressError, RequestError
from brandpress.model.memory.plan import Largest
from brandpress.model.request import RendererProtocol
from brandpress.pipeline.cpus import available_cpus
from brandpress.pipeline.deliver.record import ModelStamp, Record, ReferenceStamp, stamp_of
from brandpress.pipeline.plan.locked import planned_model, require_renderable
from brandpress.pipeline.plan.variant import Reference, Variant
from brandpress.pipeline.plan.variants import with_seed
from brandpress.pipeline.render.events import (
    Message,
    RendererBlocked,
    StoreBlocked,
    VariantOutOfMemory,
    VariantRecorded,
)
from brandpress.pipeline.render.worker.actor import RENDERER, WorkerSettings, load_options, renderer_factory
from brandpress.pipeline.render.worker.marking import Marking
from brandpress.pipeline.render.worker.reference import read_unchanged
from brandpress.pipeline.render.worker.render_loop import RenderLoop
from brandpress.pipeline.run.delivered_picture import DeliveredPicture, find_delivered
from brandpress.pipeline.run.reproduction import Reproduction, compare
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.delivery import FOLDER, DeliveryAddress
from brandpress.pipeline.spec.download_cache import cache_folder
from brandpress.pipeline.store.folder import open_campaign

MAX_THREADS = 1_024


class NotReproducibleError(RequestError):
    """What a picture was rendered from isn't here, or isn't what it was. reasons: what differs, each as a line."""

    def __init__(self, name: str, reasons: tuple[str, ...]) -> None:
        super().__init__("\n".join([f"{name} can't be reproduced here:", *(f"  {reason}" for reason in reasons)]))
        self.reasons = reasons


def reproduce(
    campaign: Campaign, file: Path, *, cpu: bool = False, out: Path | None = None, renderer: str = RENDERER
) -> Reproduction:
    """Renders the picture in `file`, or that of the record in `file`, again and compares the two.

    campaign: the job that made it, in its present version, which may be a later one. cpu: render on the CPU. out: where
    to write the new file. renderer: `module:function` that loads a renderer.

    Raises RequestError if the picture isn't one of the campaign, NotReproducibleError if what it was rendered from
    isn't here, CheckpointError, StoreError, and BrandpressError if it can't be rendered.
    """
    folder = open_campaign(campaign.address, campaign.name)
    delivered = find_delivered(folder, file)
    planned = planned_model(campaign.choice, campaign.path)
    require_renderable(planned.lock)
    variant = _variant(campaign, planned.description, delivered.record)
    rendered, host = _render(campaign, planned.description, variant, delivered, cpu=cpu, renderer=renderer)
    if out is not None:
        _write(out, rendered)
    record = delivered.record
    return compare(record.name, record.render_key, delivered.data, rendered, (record.host, host))


def _variant(campaign: Campaign, model: ModelDescription, record: Record) -> Variant:
    """Returns the variant that a record describes. Raises NotReproducibleError if its render key is another."""
    reasons = list(_model_reasons(model, record.model))
    max_pixels = record.reference_pixels or model.reference_pixels
    references = []
    for stamp in record.references:
        path = _reference_file(campaign, stamp)
        if path is None:
            reasons.append(f"the {stamp.role} reference {stamp.file} with the SHA-256 {stamp.sha256} isn't here")
        else:
            references.append(Reference(stamp.role, stamp.file, path, stamp.sha256, stamp.background, max_pixels))
    if reasons:
        raise NotReproducibleError(record.name, tuple(reasons))
    variant = Variant(
        name=record.name,
        axes=record.axes,
        prompt=record.prompt,
        references=tuple(references),
        width=record.width,
        height=record.height,
        seed=record.seed,
        format=record.format,
        render_key=record.render_key,
        alt=record.alt,
        sku=record.sku,
        steps=record.steps,
        guidance=record.guidance,
        negative_prompt=record.negative_prompt,
        reference_pixels=record.reference_pixels,
        upsample=record.prompt_upsampled is not None,
        reuse=record.reuse,
    )
    if with_seed(variant, variant.seed, model).render_key != record.render_key:
        reason = f"the record doesn't have the render key {record.render_key} that it is filed under; it was changed"
        raise NotReproducibleError(record.name, (reason,))
    return variant


def _model_reasons(model: ModelDescription, stamp: ModelStamp) -> Iterator[str]:
    """Yields how the job's model differs from the one that rendered a picture."""
    if model.hosted:
        yield f"{model.name} is rendered by BFL, which doesn't promise the same pixels twice"
    own = stamp_of(model)
    for name in ("name", "weights_digest", "quantisation", "loras", "sampler"):
        before, now = getattr(stamp, name), getattr(own, name)
        decides = name != "name" or stamp.weights_digest != own.weights_digest
        if before != now and decides:
            yield f"model.{name} was {_shown(before)}, and is {_shown(now)} here"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{lora.file} x {lora.scale:g}" for lora in value) or "none"
    return "none" if value is None else str(value)


def _reference_file(campaign: Campaign, stamp: ReferenceStamp) -> Path | None:
    """Returns a file with the digest of a reference: of the brand spec, or where the record has it, or downloaded."""
    for picture in campaign.brand.pictures.values():
        if picture.sha256 == stamp.sha256:
            return picture.path
    places = (campaign.brand.path.parent / stamp.file, cache_folder() / stamp.sha256)
    return next((path for path in places if _holds(path, stamp.sha256)), None)


def _holds(path: Path, sha256: str) -> bool:
    with suppress(OSError, ValueError):  # a record may have a path that no file can have
        return read_unchanged(path, sha256) is not None
    return False


def _render(
    campaign: Campaign,
    model: ModelDescription,
    variant: Variant,
    delivered: DeliveredPicture,
    *,
    cpu: bool,
    renderer: str,
) -> tuple[bytes, dict[str, str]]:
    """Returns the file that a worker delivers for a variant, with the delivered one's metadata, and the machine."""
    metadata = delivered.metadata
    if metadata is not None and metadata.render_key != variant.render_key:
        metadata = None
    with TemporaryDirectory(prefix="brandpress-") as name:
        address = DeliveryAddress(FOLDER, name)
        tokens = sum(reference.max_pixels // 256 for reference in variant.references)
        size = sampled_size(variant.width, variant.height, model.base_pixels)
        largest = Largest(*size, tokens, variant.reuse == "approximate", variant.upsample)
        settings = WorkerSettings(
            renderer,
            model.choice,
            stamp_of(model),
            address,
            campaign.name,
            threads=_threads(delivered.record),
            largest=largest,
            use_cpu=cpu,
        )
        loaded: RendererProtocol = renderer_factory(renderer)(settings.choice.base, **load_options(settings, 1))
        if (torch := sys.modules.get("torch")) is not None:
            torch.set_num_threads(settings.threads)
        messages: list[Message] = []
        folder = open_campaign(address, campaign.name)
        marking = Marking(campaign.name, metadata=metadata)
        threads = settings.threads
        loop = RenderLoop(loaded, folder, settings.model, messages.append, Event(), marking=marking, threads=threads)
        try:
            loop.render((variant,))
        finally:
            loop.close()
        recorded = _recorded(messages)
        asset = recorded.asset
        data = None if asset is None else folder.read(asset)
        if data is None:
            raise BrandpressError(f"{variant.name}: the picture that was just rendered isn't in {folder.uri} any more")
        return data, recorded.host


def _threads(record: Record) -> int:
    """The number of CPU threads that a picture was rendered with; all cores if its record doesn't say."""
    written = record.host.get("threads", "")
    return min(int(written), MAX_THREADS) if written.isdecimal() and int(written) else available_cpus()


def _recorded(messages: list[Message]) -> Record:
    """Returns the record of the picture. Raises BrandpressError with the cause if it wasn't rendered."""
    for message in messages:
        if isinstance(message, VariantRecorded) and message.record.status == "done":
            return message.record
        if isinstance(message, VariantRecorded):
            raise BrandpressError(f"{message.record.name} can't be rendered: {message.record.cause}")
        if isinstance(message, StoreBlocked | RendererBlocked):
            raise BrandpressError(message.cause)
        if isinstance(message, VariantOutOfMemory):
            raise BrandpressError(f"out of memory: {message.cause.text}")
    raise BrandpressError("the renderer returned no picture")


def _write(out: Path, data: bytes) -> None:
    try:
        out.write_bytes(data)
    except OSError as error:
        raise RequestError(f"--out: {out} can't be written: {error.strerror or type(error).__name__}") from None

"""Makes the variants of a campaign: its points with references, sampling parameters and render keys."""

from __future__ import annotations

from dataclasses import dataclass, replace

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.sampler_version import APPROXIMATION
from brandpress.model.sampling_params import SamplingParams
from brandpress.pipeline.plan.identity import KeyInputs, render_key
from brandpress.pipeline.plan.sampling import reuse_of, sampling_params
from brandpress.pipeline.plan.variant import Reference, Variant
from brandpress.pipeline.spec.attributes import Attributes, CombinationAttributes
from brandpress.pipeline.spec.campaign import Campaign, references_of
from brandpress.pipeline.spec.matrix import Combination
from brandpress.pipeline.spec.points import Point


def make_variants(campaign: Campaign, model: ModelDescription) -> tuple[Variant, ...]:
    """Returns the variants by reference set, the sets as they first appear in the matrix; then by size, prompt and
    seed. Only for campaigns without `model_problems`."""
    params = sampling_params(campaign, model)
    attributes = CombinationAttributes(campaign.brand, campaign.axes)
    selections: dict[tuple[str | None, ...], _ReferenceSelection] = {}
    order: dict[tuple[str, ...], int] = {}
    ranked: list[tuple[int, Variant]] = []
    for point in campaign.points:
        names = tuple(map(point.axes.get, campaign.job.references))
        if names not in selections:
            selections[names] = _select_references(campaign, model, params, point.axes)
        variant = _variant(campaign, model, point, selections[names], attributes.of(point.axes))
        ranked.append((order.setdefault(variant.reference_set, len(order)), variant))
    ranked.sort(key=lambda pair: (pair[0], pair[1].width, pair[1].height, pair[1].prompt, pair[1].seed))
    return tuple(variant for _, variant in ranked)


@dataclass(frozen=True, slots=True)
class _ReferenceSelection:
    """The references of a combination, and the sampling parameters of pictures with these references."""

    references: tuple[Reference, ...]
    params: SamplingParams


def _select_references(
    campaign: Campaign, model: ModelDescription, params: SamplingParams, axes: Combination
) -> _ReferenceSelection:
    brand = campaign.brand
    references = tuple(
        Reference(
            role=role,
            file=picture.file,
            path=picture.path,
            sha256=picture.sha256,
            background=brand.background_colour if picture.transparent else None,
            max_pixels=params.reference_pixels or model.reference_pixels,
        )
        for role, picture in references_of(campaign.job.references, brand, axes)
    )
    params = replace(
        params,
        reference_pixels=params.reference_pixels if references else None,
        reuse=reuse_of(params, references_in_each_step=bool(references) and not model.kv),
    )
    return _ReferenceSelection(references, params)


def _variant(
    campaign: Campaign,
    model: ModelDescription,
    point: Point,
    selection: _ReferenceSelection,
    attributes: Attributes,
) -> Variant:
    (width, height), output = point.size, campaign.output.format
    references, params = selection.references, selection.params
    return Variant(
        name=point.name,
        axes=point.axes,
        prompt=point.prompt,
        references=references,
        width=width,
        height=height,
        seed=point.seed,
        format=output,
        render_key=_key(model, point.prompt, references, params, width, height, point.seed, output),
        attributes=attributes,
        alt=point.alt,
        sku=_sku(campaign, point.axes),
        **params.sampling_values(),
    )


def _sku(campaign: Campaign, axes: Combination) -> str:
    """Returns the article number of a combination's product; "" if it has none."""
    product = campaign.brand.entities("product").get(axes.get("product", ""))
    return getattr(product, "sku", None) or ""


def with_seed(variant: Variant, seed: int, model: ModelDescription) -> Variant:
    """Returns the variant with another seed, and with the render key that it then has with this model."""
    v = variant
    key = _key(model, v.prompt, v.references, v, v.width, v.height, seed, v.format)
    return replace(variant, seed=seed, render_key=key)


def _key(
    model: ModelDescription,
    prompt: str,
    references: tuple[Reference, ...],
    params: SamplingParams,
    width: int,
    height: int,
    seed: int,
    format: str,
) -> str:
    sampling = params.sampling_values()
    if params.reuse == "approximate":
        sampling["reuse"] = APPROXIMATION
    inputs = KeyInputs(
        weights=model.weights_digest,
        prompt=prompt,
        references=tuple(reference.identity for reference in references),
        width=width,
        height=height,
        seed=seed,
        quantisation=model.choice.quantise,
        sampler=model.sampler,
        format=format,
        **sampling,
    )
    return render_key(inputs)

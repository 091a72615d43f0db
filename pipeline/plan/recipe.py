"""What all variants of a campaign have in common, and what each combination adds to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.sampler_version import APPROXIMATION
from brandpress.model.sampling_params import SamplingParams
from brandpress.pipeline.plan.identity import KeyInputs, keys_by_seed
from brandpress.pipeline.plan.sampling import reuse_of, sampling_params
from brandpress.pipeline.plan.variant import Reference, Variant
from brandpress.pipeline.spec.campaign import Campaign, references_of
from brandpress.pipeline.spec.matrix import Combination
from brandpress.pipeline.spec.point import Point
from brandpress.pipeline.spec.size import Size


@dataclass(frozen=True, slots=True)
class ReferenceSelection:
    """The references of a combination, their digests, and the sampling parameters of pictures with these references."""

    references: tuple[Reference, ...]
    reference_set: tuple[str, ...]
    params: SamplingParams


class Recipe:
    """Makes the variants and render keys of one campaign with one model. Keeps what each choice of references gives."""

    def __init__(self, campaign: Campaign, model: ModelDescription) -> None:
        """Of a campaign in which `model_problems` finds nothing."""
        self._campaign, self._model = campaign, model
        self.params = sampling_params(campaign, model)
        self._known: dict[tuple[str | None, ...], ReferenceSelection] = {}

    def chosen(self, axes: Combination) -> ReferenceSelection:
        """What a combination chooses of the references."""
        names = tuple(map(axes.get, self._campaign.job.references))
        if names not in self._known:
            self._known[names] = self._choose(axes)
        return self._known[names]

    def keys(self, axes: Combination, size: Size, prompt: str) -> Callable[[int], str]:
        """Gives the render key for each seed."""
        model, chosen = self._model, self.chosen(axes)
        params = chosen.params
        if params.reuse == "approximate":
            params = replace(params, reuse=APPROXIMATION)
        return keys_by_seed(
            KeyInputs(
                weights=model.weights_digest,
                prompt=prompt,
                references=tuple(reference.identity for reference in chosen.references),
                width=size.width,
                height=size.height,
                seed=0,
                quantisation=model.choice.quantise,
                sampler=model.sampler,
                format=self._campaign.output.format,
                **params.sampling_values(),
            )
        )

    def variant(self, point: Point, keys: Callable[[int], str]) -> Variant:
        """The variant of a point, given the keys of its combination, size and prompt."""
        chosen = self.chosen(point.axes)
        return Variant(
            name=point.name,
            axes=point.axes,
            prompt=point.prompt,
            references=chosen.references,
            width=point.size.width,
            height=point.size.height,
            seed=point.seed,
            format=self._campaign.output.format,
            render_key=keys(point.seed),
            **chosen.params.sampling_values(),
        )

    def _choose(self, axes: Combination) -> ReferenceSelection:
        job, brand = self._campaign.job, self._campaign.brand
        references = tuple(
            Reference(role, picture.file, picture.path, picture.sha256, brand.ground if picture.transparent else None)
            for role, picture in references_of(job.references, brand, axes)
        )
        return ReferenceSelection(
            references=references,
            reference_set=tuple(reference.sha256 for reference in references),
            params=replace(
                self.params,
                reference_pixels=self.params.reference_pixels if references else None,
                reuse=reuse_of(self.params, references_in_each_step=bool(references) and not self._model.kv),
            ),
        )

"""Placeholders in texts that prompts contain as they are: only `prompt:`, `output.name:` and `alt:` are templates."""

from __future__ import annotations

import re
from collections.abc import Iterator

from brandpress.pipeline.plan.wording import plural
from brandpress.pipeline.spec.axes import Axis
from brandpress.pipeline.spec.brand import ROLES
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.document import Location
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import Problem

_PLACEHOLDER = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def unfilled_placeholders(campaign: Campaign) -> Iterator[Problem]:
    """Yields a warning for each axis with a value whose texts have a placeholder, at the first one's place."""
    for axis in campaign.axes.values():
        unfilled = [
            (name, match[0])
            for name, text in _texts(campaign, axis)
            if (match := _PLACEHOLDER.search(text)) is not None
        ]
        if not unfilled:
            continue
        name, placeholder = unfilled[0]
        more = f", and in {plural(len(unfilled) - 1, 'other text')} of it," if len(unfilled) > 1 else ""
        what = f"warning: {quote(placeholder)} in the {axis.name} {quote(name)}{more} isn't filled in"
        place: Location = ("brand",) if axis.name in ROLES else ("matrix", axis.name, name)
        advice = "write the text itself; prompt, output.name and alt are the only templates"
        yield campaign.source.problem(place, what, advice, needle=re.escape(placeholder))


def _texts(campaign: Campaign, axis: Axis) -> Iterator[tuple[str, str]]:
    """Yields the name of each value with each of its texts."""
    for name, text in axis.values.items():
        texts: list[object] = [text, *axis.free.get(name, {}).values()]
        if axis.name in ROLES:
            entity = campaign.brand.entities(axis.name)[name]
            texts += [entity.description, *entity.attributes.values()]
        yield from ((name, text) for text in texts if isinstance(text, str))
